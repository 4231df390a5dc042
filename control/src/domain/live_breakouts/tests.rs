//! Who goes where, who hears what of it, and that nothing crosses from room to room.

use plenum_shared::event::Speaking;
use plenum_shared::id::{RoomId, TransportId};
use plenum_shared::media::{Direction, Kind};

use super::*;
use crate::domain::account::Account;
use crate::domain::admission::Admission;
use crate::domain::breakout::RoomPlan;
use crate::domain::fixtures::{account, actor, meeting, now};
use crate::domain::id::RosterId;
use crate::domain::live::Joiner;
use crate::domain::live_data::{DataConsumer, DataNames, DataProducer};
use crate::domain::live_media::Wanted;
use crate::domain::meeting::MeetingStatus;
use crate::domain::participant::{ConnectionId, Consumer};
use crate::domain::role::Role;

/// A live meeting with a host, a co-host and three attendees, who join as they are named.
struct World {
    live: LiveMeeting,
    accounts: HashMap<&'static str, Account>,
    devices: u64,
}

const PEOPLE: [(&str, Role); 5] = [
    ("hanna", Role::Host),
    ("carl", Role::CoHost),
    ("ada", Role::Attendee),
    ("bob", Role::Attendee),
    ("eve", Role::Attendee),
];

impl World {
    fn new() -> Self {
        let creator = account("creator");
        let accounts: HashMap<_, _> = PEOPLE.iter().map(|(name, _)| (*name, account(name))).collect();
        let listed: Vec<_> = PEOPLE.iter().map(|(name, role)| (&accounts[name], *role)).collect();
        let mut meeting = meeting(&creator, MeetingStatus::Live, &listed);
        meeting.settings.features.breakout_rooms_enabled = true;
        let live = LiveMeeting::new(Arc::new(meeting), RoomId::random());
        Self { live, accounts, devices: 0 }
    }

    fn with(people: &[&'static str]) -> (Self, Vec<Session>) {
        let mut world = Self::new();
        let sessions = people.iter().map(|name| world.join(name).0).collect();
        (world, sessions)
    }

    fn join(&mut self, name: &str) -> (Session, Vec<Notice>) {
        self.devices += 1;
        let (id, connection) = (ParticipantId::generate(), ConnectionId(self.devices));
        let joiner = Joiner::over_socket(id, self.actor(name), name.to_owned(), connection, now());
        let Ok(crate::domain::live::Joined::Inside(notices)) =
            self.live.join(joiner, Admission::Enter, now())
        else {
            panic!("{name} does not get in");
        };
        for direction in [Direction::Send, Direction::Recv] {
            self.live.open_transport(connection, direction, TransportId::random()).expect("opens");
        }
        (Session { id, connection }, notices)
    }

    fn actor(&self, name: &str) -> Actor {
        actor(&self.accounts[name])
    }

    fn user(&self, name: &str) -> String {
        self.accounts[name].id.to_string()
    }

    fn publish(&mut self, who: Session, source: Source) -> ProducerId {
        let kind = match source {
            Source::Camera | Source::Screen => Kind::Video,
            Source::Microphone | Source::ScreenAudio => Kind::Audio,
        };
        let transport = self.live.of_connection(who.connection).expect("inside").send_transport;
        let track = Producer {
            id: ProducerId::random(),
            transport: transport.expect("open"),
            kind,
            source,
            paused: false,
        };
        self.live.add_producer(who.connection, track).expect("publishes");
        track.id
    }

    fn watch(&mut self, who: Session, producer: ProducerId) -> Result<ConsumerId, DomainError> {
        let publisher =
            self.live.roster().iter().find(|p| p.producers.iter().any(|t| t.id == producer)).map(|p| p.id);
        let wanted = Wanted {
            publisher: publisher.expect("published").to_string(),
            kind: Kind::Video,
            source: None,
            producer: Some(producer),
        };
        let chosen = self.live.may_consume(who.connection, &wanted)?;
        let consumer = Consumer { id: ConsumerId::random(), transport: chosen.transport, producer };
        self.live.add_consumer(who.connection, consumer)?;
        Ok(consumer.id)
    }

    fn open_channel(&mut self, who: Session) -> DataProducerId {
        let transport = self.live.of_connection(who.connection).expect("inside").send_transport;
        let names = DataNames::new("cursor", "").expect("short");
        let id = DataProducerId::random();
        let channel = DataProducer { id, transport: transport.expect("open"), names };
        self.live.add_data_producer(who.connection, channel).expect("opens");
        id
    }

    fn receive(&mut self, who: Session, producer: DataProducerId) -> Result<DataConsumerId, DomainError> {
        let transport = self.live.of_connection(who.connection).expect("inside").recv_transport;
        let transport = transport.expect("open");
        self.live.may_consume_data(who.connection, transport, producer)?;
        let consumer = DataConsumer { id: DataConsumerId::random(), transport, producer };
        self.live.add_data_consumer(who.connection, consumer)?;
        Ok(consumer.id)
    }

    fn wish(&mut self, by: &str, wish: BreakoutWish) -> Result<Moved, DomainError> {
        let next = self.live.breakouts_after(&self.actor(by), wish, BreakoutRoomId::generate, now())?;
        Ok(self.live.adopt_breakouts(next))
    }

    fn open(&mut self, plan: Plan) -> Vec<BreakoutRoomId> {
        self.wish("hanna", BreakoutWish::Open(plan)).expect("opens");
        rooms_of(self.live.breakouts())
    }

    fn assign(&mut self, by: &str, whom: &str, room: BreakoutRoomId) -> Result<Moved, DomainError> {
        let whom = if self.accounts.contains_key(whom) { self.user(whom) } else { whom.to_owned() };
        self.wish(by, BreakoutWish::Assign { whom, room: room.to_string() })
    }

    fn place(&self, who: Session) -> Place {
        self.live.participant(who.id).expect("inside").breakout
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Session {
    id: ParticipantId,
    connection: ConnectionId,
}

fn plan(count: u32) -> Plan {
    Plan {
        count,
        rooms: Vec::new(),
        auto_assign: false,
        may_choose: false,
        may_return: true,
        time_limit_minutes: None,
    }
}

fn quiet_room() -> RoomPlan {
    RoomPlan {
        name: "Quiet".into(),
        description: None,
        capacity: Some(2),
        allow_chat: false,
        allow_screen_share: false,
    }
}

fn hears(moved: &[Notice], who: Session, name: &str) -> usize {
    let for_him = |audience: &Audience| match audience {
        Audience::Everyone => true,
        Audience::These(some) => some.contains(&who.id),
        Audience::One(one) => *one == who.id,
        Audience::AllBut(other) => *other != who.id,
        other => panic!("{other:?}"),
    };
    moved.iter().filter(|notice| notice.event.name() == name && for_him(&notice.audience)).count()
}

#[test]
fn c_61_hosts_manage_rooms_and_whoever_was_given_the_right() {
    let (mut world, _) = World::with(&["hanna", "carl", "ada"]);
    let rooms = world.open(plan(2));
    for name in ["carl", "ada"] {
        let refused = Err(DomainError::Forbidden);
        assert_eq!(world.wish(name, BreakoutWish::Open(plan(1))), refused, "{name}");
        assert_eq!(world.wish(name, BreakoutWish::Close), refused, "{name}");
        assert_eq!(world.wish(name, BreakoutWish::Return(Whom::Everybody)), refused, "{name}");
        let other = BreakoutWish::Return(Whom::Named(world.user("hanna")));
        assert_eq!(world.wish(name, other), refused, "{name}");
        assert_eq!(world.assign(name, "hanna", rooms[0]), refused, "{name}");
        assert_eq!(
            world.live.broadcast(&world.actor(name), "x".into(), now()),
            refused.map(|_: Moved| panic!())
        );
    }
    let mut changed = crate::domain::meeting::Meeting::clone(world.live.meeting());
    let user = world.accounts["ada"].id;
    let line = changed.roster.iter_mut().find(|line| line.user == Some(user)).expect("listed");
    line.overrides.can_manage_breakout_rooms = Some(true);
    world.live.refresh(Arc::new(changed), now());
    assert!(world.assign("ada", "carl", rooms[1]).is_ok());
    assert!(world.wish("ada", BreakoutWish::Close).is_ok());
}

#[test]
fn c_61_a_host_assigns_from_outside_and_others_only_themselves_and_from_inside() {
    let (mut world, inside) = World::with(&["ada"]);
    let rooms = world.open(plan(1));
    world.assign("hanna", "ada", rooms[0]).expect("the host is not inside");
    assert_eq!(world.place(inside[0]), Some(rooms[0]));
    assert_eq!(world.assign("carl", "ada", rooms[0]), Err(DomainError::Forbidden));
    assert_eq!(world.assign("bob", "bob", rooms[0]), Err(DomainError::NotInMeeting), "no place to change");
}

#[test]
fn c_61_moving_apart_ends_subscriptions_both_ways_and_coming_back_tells_of_the_tracks_again() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let [hanna, ada, bob] = inside[..] else { panic!() };
    let tracks = [
        world.publish(hanna, Source::Camera),
        world.publish(ada, Source::Camera),
        world.publish(bob, Source::Camera),
    ];
    let mut watched = HashMap::new();
    for (index, viewer) in inside.iter().enumerate() {
        for (of, track) in tracks.iter().enumerate().filter(|(of, _)| *of != index) {
            watched.insert((index, of), world.watch(*viewer, *track).expect("watches"));
        }
    }
    let rooms = world.open(plan(2));
    let moved = world.assign("hanna", "ada", rooms[0]).expect("moves");
    let ended: HashSet<_> = moved.unsubscribed.iter().copied().collect();
    let crossing: HashSet<_> = [(0, 1), (1, 0), (1, 2), (2, 1)].iter().map(|pair| watched[pair]).collect();
    assert_eq!(ended, crossing, "host and second still see each other");
    assert_eq!(hears(&moved.notices, ada, "producer_closed"), 2);
    assert_eq!(hears(&moved.notices, hanna, "producer_closed"), 1);
    assert_eq!(hears(&moved.notices, bob, "producer_closed"), 1);
    assert_eq!(hears(&moved.notices, bob, "producer_added"), 0);
    assert_eq!(world.watch(ada, tracks[0]), Err(DomainError::ProducerNotFound), "as if it were not there");
    assert_eq!(world.watch(bob, tracks[1]), Err(DomainError::ProducerNotFound));

    let moved = world.assign("hanna", "bob", rooms[0]).expect("moves");
    assert_eq!(moved.unsubscribed.len(), 2, "bob and hanna");
    assert_eq!(hears(&moved.notices, ada, "producer_added"), 1);
    assert_eq!(hears(&moved.notices, bob, "producer_added"), 1);
    assert_eq!(hears(&moved.notices, hanna, "producer_closed"), 1);
    world.watch(ada, tracks[2]).expect("together now");

    let moved = world.wish("hanna", BreakoutWish::Close).expect("closes");
    assert_eq!(moved.unsubscribed, [], "nobody loses anybody");
    assert_eq!(hears(&moved.notices, ada, "producer_added"), 1, "the host; the other was near all the time");
    assert_eq!(hears(&moved.notices, hanna, "producer_added"), 2);
    assert_eq!(hears(&moved.notices, ada, "producer_closed"), 0);
    assert!(inside.iter().all(|who| world.place(*who).is_none()));
    let kept = world.live.participant(ada.id).expect("inside");
    assert_eq!((kept.producers.len(), kept.consumers.len()), (1, 1), "what was published stays published");
}

#[test]
fn c_61_add_ev_90_data_channels_are_parted_and_met_as_tracks_are() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let [hanna, ada, bob] = inside[..] else { panic!() };
    let channels = [world.open_channel(hanna), world.open_channel(ada)];
    let ended = [
        world.receive(ada, channels[0]).expect("together"),
        world.receive(hanna, channels[1]).expect("together"),
    ];
    let kept = world.receive(bob, channels[0]).expect("together");
    let transport = world.live.of_connection(bob.connection).expect("inside").recv_transport.expect("open");
    let rooms = world.open(plan(1));
    let moved = world.assign("hanna", "ada", rooms[0]).expect("moves");
    assert_eq!(moved.unsubscribed_data.iter().collect::<HashSet<_>>(), ended.iter().collect());
    assert_eq!(moved.closed_data, []);
    let (closed, added) = ("data_producer_closed", "data_producer_added");
    let heard = |who| (hears(&moved.notices, who, closed), hears(&moved.notices, who, added));
    assert_eq!((heard(hanna), heard(ada), heard(bob)), ((1, 0), (1, 0), (1, 0)));
    assert_eq!(
        world.receive(bob, channels[1]),
        Err(DomainError::ProducerNotFound),
        "as if it were not there"
    );
    let late = DataConsumer { id: DataConsumerId::random(), transport, producer: channels[1] };
    let late = world.live.add_data_consumer(bob.connection, late);
    assert_eq!(late, Err(DomainError::ProducerNotFound), "what was asked for before the move");
    assert_eq!(world.live.of_connection(bob.connection).expect("inside").data_consumers[0].id, kept);

    let (eve, notices) = world.join("eve");
    let entrance = notices.iter().find_map(|notice| match &notice.event {
        DomainEvent::Joined(entrance) => Some(entrance.clone()),
        _ => None,
    });
    let others = entrance.expect("joined").others.clone();
    let found: Vec<_> = others.iter().map(|other| other.data_producers.len()).collect();
    assert_eq!(found, [1, 0, 0], "of the main room alone");
    let closes = world.wish("hanna", BreakoutWish::Close).expect("closes");
    let news = |who| hears(&closes.notices, who, added);
    assert_eq!((news(hanna), news(ada), news(bob), news(eve)), (1, 1, 1, 1));
    world.receive(bob, channels[1]).expect("together now");
}

#[test]
fn c_61_whoever_comes_to_a_room_without_chat_has_no_channel_there() {
    let (mut world, inside) = World::with(&["hanna", "ada"]);
    let [hanna, ada] = inside[..] else { panic!() };
    let channel = world.open_channel(ada);
    world.receive(hanna, channel).expect("together");
    let rooms = world.open(Plan { rooms: vec![quiet_room()], ..plan(1) });
    let moved = world.assign("hanna", "ada", rooms[0]).expect("moves");
    assert_eq!((moved.closed_data, moved.unsubscribed_data), (vec![channel], vec![]));
    assert_eq!(hears(&moved.notices, hanna, "data_producer_closed"), 1);
    let sends = world.live.of_connection(ada.connection).expect("inside").send_transport.expect("open");
    let refused = world.live.may_produce_data(ada.connection, sends);
    assert_eq!(refused, Err(DomainError::FeatureOff(Feature::Chat)));
}

#[test]
fn c_61_what_was_asked_for_before_a_move_and_answered_after_it_is_refused() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let [_, ada, bob] = inside[..] else { panic!() };
    let track = world.publish(ada, Source::Camera);
    let wanted =
        Wanted { publisher: ada.id.to_string(), kind: Kind::Video, source: None, producer: Some(track) };
    let chosen = world.live.may_consume(bob.connection, &wanted).expect("together");
    let rooms = world.open(plan(1));
    world.assign("hanna", "bob", rooms[0]).expect("moves");
    let late = Consumer { id: ConsumerId::random(), transport: chosen.transport, producer: track };
    assert_eq!(world.live.add_consumer(bob.connection, late), Err(DomainError::ProducerNotFound));
}

#[test]
fn c_61_tracks_pauses_and_speakers_are_told_within_the_room_only() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let [hanna, ada, bob] = inside[..] else { panic!() };
    let rooms = world.open(plan(1));
    world.assign("hanna", "ada", rooms[0]).expect("moves");
    world.assign("hanna", "bob", rooms[0]).expect("moves");
    let transport = world.live.of_connection(ada.connection).expect("inside").send_transport.expect("open");
    let id = ProducerId::random();
    let track = Producer { id, transport, kind: Kind::Video, source: Source::Camera, paused: false };
    let added = world.live.add_producer(ada.connection, track).expect("publishes");
    let paused = world.live.pause_producer(ada.connection, id, true).expect("pauses");
    let speaks = world.live.speaker_changed(1, Some(SessionId(ada.id.0)));
    for (notices, name) in
        [(&added, "producer_added"), (&paused, "producer_paused"), (&speaks, "active_speaker")]
    {
        assert_eq!((hears(notices, bob, name), hears(notices, hanna, name)), (1, 0), "{name}");
    }
    let elsewhere = world.live.speaker_changed(0, Some(SessionId(hanna.id.0)));
    let heard = |who: Session| {
        let mine = elsewhere
            .iter()
            .filter(|notice| hears(std::slice::from_ref(*notice), who, "active_speaker") == 1);
        mine.map(|notice| match notice.event {
            DomainEvent::ActiveSpeaker { participant, .. } => participant,
            _ => panic!(),
        })
        .collect::<Vec<_>>()
    };
    assert_eq!((heard(hanna), heard(bob)), (vec![Some(hanna.id)], vec![]));
    let closed = world.live.close_producer(ada.connection, id).expect("closes");
    let name = "producer_closed";
    assert_eq!(
        (hears(&closed, ada, name), hears(&closed, bob, name), hears(&closed, hanna, name)),
        (1, 1, 0)
    );
    let muted =
        world.live.set_media(ada.connection, MediaChange { audio: Some(false), ..MediaChange::default() });
    assert_eq!(hears(&muted.expect("mutes").0, hanna, "media_changed"), 1, "that is known of everybody");
}

/// One event about speakers: the one above the others, or everybody who is heard and how loud.
type Speech = (Option<ParticipantId>, Vec<(ParticipantId, i16)>);

/// What one session hears of speakers.
fn speech(notices: &[Notice], who: Session) -> Vec<Speech> {
    let mine = notices.iter().filter(|notice| match &notice.audience {
        Audience::Everyone => true,
        Audience::One(one) => *one == who.id,
        Audience::These(some) => some.contains(&who.id),
        _ => false,
    });
    mine.filter_map(|notice| match &notice.event {
        DomainEvent::ActiveSpeaker { participant, .. } => Some((*participant, Vec::new())),
        DomainEvent::ActiveSpeakers { speakers, .. } => {
            Some((None, speakers.iter().map(|one| (one.participant, one.level_dbov)).collect()))
        }
        _ => None,
    })
    .collect()
}

fn speaking(who: Session, level_dbov_neg: u8) -> Speaking {
    Speaking { session: SessionId(who.id.0), producer: ProducerId::random(), level_dbov_neg }
}

#[test]
fn add_ev_74_those_who_are_heard_are_told_within_their_room_and_each_once() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let [hanna, ada, bob] = inside[..] else { panic!() };
    let whole = world.live.speakers_changed(0, &[speaking(ada, 20), speaking(hanna, 45), speaking(ada, 50)]);
    assert_eq!(speech(&whole, bob), [(None, vec![(ada.id, -20), (hanna.id, -45)])]);
    assert_eq!(world.live.speakers(), [ada.id, hanna.id]);
    let rooms = world.open(plan(2));
    world.assign("hanna", "ada", rooms[1]).expect("moves");
    world.assign("hanna", "bob", rooms[1]).expect("moves");
    // Hanna is in the main room: what was measured before she went is not told.
    let heard = world.live.speakers_changed(2, &[speaking(hanna, 10), speaking(bob, 30)]);
    assert_eq!((speech(&heard, ada), speech(&heard, hanna)), (vec![(None, vec![(bob.id, -30)])], vec![]));
    assert_eq!(world.live.speakers_changed(3, &[speaking(hanna, 10)]), [], "there is no such room");
    assert_eq!(world.live.speaker_changed(9, None), []);
}

#[test]
fn add_ev_74_whoever_changes_rooms_hears_who_speaks_there_and_is_heard_no_more_where_he_was() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob", "eve"]);
    let [hanna, ada, bob, eve] = inside[..] else { panic!() };
    let rooms = world.open(plan(1));
    world.assign("hanna", "eve", rooms[0]).expect("moves");
    world.assign("hanna", "bob", rooms[0]).expect("moves");
    world.live.speaker_changed(0, Some(SessionId(ada.id.0)));
    world.live.speakers_changed(0, &[speaking(ada, 20)]);
    world.live.speaker_changed(1, Some(SessionId(eve.id.0)));
    world.live.speakers_changed(1, &[speaking(eve, 30)]);
    let moved = world.assign("hanna", "ada", rooms[0]).expect("moves");
    assert_eq!(moved.regrouped, [SessionId(ada.id.0)]);
    assert_eq!(world.live.group_of_session(SessionId(ada.id.0)), Some(1));
    assert_eq!(speech(&moved.notices, hanna), [(None, vec![]), (None, vec![])], "nobody speaks any more");
    assert_eq!(speech(&moved.notices, ada), [(Some(eve.id), vec![]), (None, vec![(eve.id, -30)])]);
    assert_eq!(speech(&moved.notices, bob), [], "in the room he came to nothing changed");
    assert_eq!(world.live.speakers(), [eve.id]);
    let closed = world.wish("hanna", BreakoutWish::Close).expect("closes");
    assert_eq!(speech(&closed.notices, bob), [(None, vec![]), (None, vec![])]);
    assert_eq!(closed.regrouped.len(), 3);
    assert_eq!(world.live.speakers(), []);
}

#[test]
fn add_ev_74_a_room_that_takes_the_place_of_another_has_its_speakers() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob", "eve"]);
    let [_, ada, bob, eve] = inside[..] else { panic!() };
    let dealt = || Plan { auto_assign: true, ..plan(2) };
    world.open(dealt());
    let together = |world: &World, one: Session, other: Session| world.live.together(one.id, other.id);
    assert!(together(&world, ada, eve) && !together(&world, ada, bob), "dealt in turn");
    world.live.speaker_changed(1, Some(SessionId(ada.id.0)));
    world.live.speakers_changed(1, &[speaking(ada, 20)]);
    let again = world.wish("hanna", BreakoutWish::Open(dealt())).expect("opens");
    assert_eq!(again.regrouped, [], "the media plane sees no change, and says nothing");
    assert_eq!(speech(&again.notices, eve), [], "ada speaks as before");
    assert_eq!(world.live.speakers(), [ada.id]);
    let rooms = rooms_of(world.live.breakouts());
    let came = world.assign("hanna", "bob", rooms[0]).expect("moves");
    assert_eq!(speech(&came.notices, bob), [(Some(ada.id), vec![]), (None, vec![(ada.id, -20)])]);
    let fewer = world.wish("hanna", BreakoutWish::Open(plan(1))).expect("opens");
    assert_eq!(speech(&fewer.notices, eve), [(None, vec![]), (None, vec![])], "all are in the main room");
    assert_eq!(world.live.speakers(), []);
}

#[test]
fn add_ev_74_whoever_enters_hears_who_speaks_in_his_room_and_nobody_else_hears_it_again() {
    let (mut world, inside) = World::with(&["hanna", "ada"]);
    let [hanna, ada] = inside[..] else { panic!() };
    let (first, notices) = world.join("bob");
    assert_eq!(speech(&notices, first), [], "nobody speaks");
    world.live.speaker_changed(0, Some(SessionId(ada.id.0)));
    world.live.speakers_changed(0, &[speaking(ada, 20)]);
    let (eve, notices) = world.join("eve");
    let told = [(Some(ada.id), vec![]), (None, vec![(ada.id, -20)])];
    assert_eq!(speech(&notices, eve), told);
    assert_eq!(speech(&notices, hanna), []);
    let socket = ConnectionId(100);
    let attached = world.live.attach(eve.id, socket).expect("inside");
    assert_eq!(speech(&attached, eve), told, "his socket hears it as well");
    let rooms = world.open(plan(1));
    world.assign("hanna", "carl", rooms[0]).expect("is expected there");
    let (carl, notices) = world.join("carl");
    assert_eq!(speech(&notices, carl), [], "ada is in another room");
}

#[test]
fn c_61_whoever_enters_hears_of_the_rooms_and_finds_the_tracks_of_his_room_only() {
    let (mut world, inside) = World::with(&["hanna", "ada"]);
    let [hanna, ada] = inside[..] else { panic!() };
    world.publish(hanna, Source::Camera);
    world.publish(ada, Source::Camera);
    let rooms = world.open(plan(2));
    world.assign("hanna", "ada", rooms[1]).expect("moves");
    assert_eq!(world.assign("hanna", "bob", rooms[1]), Ok(Moved::default()), "on the roster and not inside");
    let tracks = |notices: &[Notice]| {
        let entrance = notices.iter().find_map(|notice| match &notice.event {
            DomainEvent::Joined(entrance) => Some(entrance.clone()),
            _ => None,
        });
        let others = entrance.expect("joined").others.clone();
        others.iter().map(|other| (other.id, other.producers.len())).collect::<Vec<_>>()
    };
    let (bob, notices) = world.join("bob");
    assert_eq!(world.place(bob), Some(rooms[1]), "a place was kept for him");
    assert_eq!(tracks(&notices), [(hanna.id, 0), (ada.id, 1)]);
    assert_eq!(hears(&notices, bob, "breakouts_changed"), 1);
    assert_eq!(hears(&notices, hanna, "breakouts_changed"), 0);
    assert_eq!(
        (hears(&notices, bob, "breakout_assigned"), hears(&notices, hanna, "breakout_assigned")),
        (1, 1)
    );
    let (_, notices) = world.join("eve");
    assert_eq!(tracks(&notices), [(hanna.id, 1), (ada.id, 0), (bob.id, 0)]);
    assert_eq!(
        world.assign("hanna", &RosterId::generate().to_string(), rooms[0]),
        Err(DomainError::ParticipantNotFound)
    );
    assert_eq!(world.assign("hanna", "nobody", rooms[0]), Err(DomainError::ParticipantNotFound));
}

#[test]
fn c_61_a_lost_connection_keeps_the_place_and_leaving_gives_it_up() {
    let (mut world, inside) = World::with(&["hanna", "ada"]);
    let rooms = world.open(plan(1));
    world.assign("hanna", "ada", rooms[0]).expect("moves");
    world.live.leave_connection(inside[1].connection, LeaveReason::Disconnected);
    let (back, _) = world.join("ada");
    assert_eq!(world.place(back), Some(rooms[0]));
    let (second, _) = world.join("ada");
    assert_eq!(world.place(second), Some(rooms[0]), "another device of the same person");
    world.live.leave_connection(back.connection, LeaveReason::Left);
    let (third, _) = world.join("ada");
    assert_eq!(world.place(third), Some(rooms[0]), "one of them was still there");
    world.live.leave_connection(second.connection, LeaveReason::Left);
    world.live.leave_connection(third.connection, LeaveReason::Kicked);
    let (again, _) = world.join("ada");
    assert_eq!(world.place(again), None);
}

#[test]
fn c_61_whoever_may_not_return_finds_himself_in_his_room_again_when_he_leaves_and_comes() {
    let (mut world, inside) = World::with(&["hanna", "ada"]);
    let rooms = world.open(Plan { may_return: false, ..plan(1) });
    for name in ["hanna", "ada"] {
        world.assign("hanna", name, rooms[0]).expect("moves");
    }
    for who in inside {
        world.live.leave_connection(who.connection, LeaveReason::Left);
    }
    let (ada, _) = world.join("ada");
    assert_eq!(world.place(ada), Some(rooms[0]));
    let (hanna, _) = world.join("hanna");
    assert_eq!(world.place(hanna), None, "hosts come and go");
    world.live.leave_connection(ada.connection, LeaveReason::Kicked);
    let (ada, _) = world.join("ada");
    assert_eq!(world.place(ada), None, "a host who removes somebody takes his place away");
}

#[test]
fn c_61_people_choose_and_return_only_where_the_host_lets_them() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let ada = inside[1];
    let own = |world: &World, room: BreakoutRoomId| BreakoutWish::Assign {
        whom: world.user("ada"),
        room: room.to_string(),
    };
    assert_eq!(world.wish("ada", BreakoutWish::Choose("x".into())), Err(DomainError::BreakoutRoomNotFound));
    let rooms = world.open(Plan { may_return: false, ..plan(2) });
    let wish = own(&world, rooms[0]);
    assert_eq!(world.wish("ada", wish), Err(DomainError::Forbidden), "naming oneself is choosing");
    assert_eq!(world.wish("ada", BreakoutWish::Choose(rooms[0].to_string())), Err(DomainError::Forbidden));
    world.assign("hanna", "ada", rooms[0]).expect("moves");
    assert_eq!(world.wish("ada", BreakoutWish::Return(Whom::Oneself)), Err(DomainError::Forbidden));
    assert!(world.assign("hanna", "hanna", rooms[0]).is_ok());
    assert!(world.wish("hanna", BreakoutWish::Return(Whom::Oneself)).is_ok(), "hosts come and go");

    let rooms = world.open(Plan { may_choose: true, ..plan(2) });
    assert_eq!(world.place(ada), None, "opening anew brings everybody back");
    let wish = own(&world, rooms[1]);
    let moved = world.wish("ada", wish).expect("chooses");
    assert_eq!(world.place(ada), Some(rooms[1]));
    assert_eq!(
        hears(&moved.notices, inside[2], "breakout_assigned"),
        1,
        "one person's way is everybody's to know"
    );
    assert_eq!(hears(&moved.notices, inside[2], "breakouts_changed"), 0);
    assert!(world.wish("ada", BreakoutWish::Return(Whom::Oneself)).is_ok());
    assert_eq!(world.place(ada), None);
    assert_eq!(world.wish("ada", BreakoutWish::Return(Whom::Oneself)), Ok(Moved::default()), "already there");
    assert_eq!(world.wish("ada", BreakoutWish::Choose("x".into())), Err(DomainError::BreakoutRoomNotFound));
    assert_eq!(world.wish("eve", BreakoutWish::Choose(rooms[0].to_string())), Err(DomainError::NotInMeeting));
}

#[test]
fn c_61_a_full_room_is_refused_and_nobody_moves() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob", "eve"]);
    let rooms = world.open(Plan { rooms: vec![quiet_room()], ..plan(1) });
    for name in ["ada", "bob"] {
        world.assign("hanna", name, rooms[0]).expect("free");
    }
    assert_eq!(world.assign("hanna", "eve", rooms[0]), Err(DomainError::BreakoutRoomFull));
    assert_eq!(world.place(inside[3]), None);
}

#[test]
fn c_61_attendees_are_spread_over_the_rooms_and_those_who_run_the_meeting_are_not() {
    let (mut world, _) = World::with(&["hanna", "ada", "carl", "bob", "eve"]);
    world.join("ada");
    let moved =
        world.wish("hanna", BreakoutWish::Open(Plan { auto_assign: true, ..plan(2) })).expect("opens");
    let news = world.live.breakout_news();
    let names: Vec<Vec<_>> =
        news.rooms.iter().map(|(_, people)| people.iter().map(|one| one.name.as_str()).collect()).collect();
    assert_eq!(names, [vec!["ada", "eve", "ada"], vec!["bob"]]);
    let told: Vec<_> = moved.notices.iter().map(|notice| notice.event.name()).collect();
    assert_eq!(
        told,
        [
            "breakouts_changed",
            "breakout_assigned",
            "breakout_assigned",
            "breakout_assigned",
            "breakout_assigned"
        ]
    );
    assert!(matches!(moved.notices[1].audience, Audience::One(_)), "everybody was told of all rooms");
}

#[test]
fn c_61_what_a_room_does_not_allow_stops_and_is_refused_inside_it() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let [hanna, ada, _] = inside[..] else { panic!() };
    let screen = world.publish(ada, Source::Screen);
    let sound = world.publish(ada, Source::ScreenAudio);
    world.publish(ada, Source::Camera);
    let rooms = world.open(Plan { rooms: vec![quiet_room()], ..plan(1) });
    let moved = world.assign("hanna", "ada", rooms[0]).expect("moves");
    assert_eq!(moved.closed, [screen, sound]);
    assert_eq!(hears(&moved.notices, ada, "producer_closed"), 2, "told to those who saw it, and to him");
    assert_eq!(hears(&moved.notices, hanna, "producer_closed"), 3);
    assert!(!world.live.participant(ada.id).expect("inside").media.screen);
    let share = MediaChange { screen: Some(true), ..MediaChange::default() };
    let off = DomainError::FeatureOff(Feature::ScreenSharing);
    assert_eq!(world.live.set_media(ada.connection, share), Err(off.clone()));
    assert_eq!(world.live.may_produce(ada.connection, Kind::Video, Source::Screen), Err(off));
    let silent = DomainError::FeatureOff(Feature::Chat);
    assert_eq!(world.live.may_chat(ada.connection).err(), Some(silent.clone()));
    assert_eq!(world.live.set_typing(ada.connection, true, now()), Err(silent.clone()));
    assert_eq!(world.live.name_to_write(world.accounts["ada"].id), Err(silent));
    assert!(world.live.may_chat(hanna.connection).is_ok());
    world.wish("ada", BreakoutWish::Return(Whom::Oneself)).expect("returns");
    assert!(
        world.live.may_chat(ada.connection).is_ok() && world.live.set_media(ada.connection, share).is_ok()
    );
}

#[test]
fn c_61_rooms_close_when_their_time_is_over_or_the_feature_is_switched_off() {
    let (mut world, _) = World::with(&["hanna", "ada"]);
    assert!(!world.live.breakouts_are_over(now()));
    world.open(Plan { time_limit_minutes: Some(30), ..plan(1) });
    let end = now() + time::Duration::minutes(30);
    assert_eq!(world.live.next_deadline(), Some(end));
    assert!(!world.live.breakouts_are_over(end - time::Duration::seconds(1)));
    assert!(world.live.breakouts_are_over(end));
    let mut off = crate::domain::meeting::Meeting::clone(world.live.meeting());
    off.settings.features.breakout_rooms_enabled = false;
    world.live.refresh(Arc::new(off), now());
    assert!(world.live.breakouts_are_over(now()));
    let moved = world.live.adopt_breakouts(None);
    assert_eq!(moved.notices.len(), 1, "everybody hears that there are no rooms");
    assert_eq!((world.live.next_deadline(), world.live.breakouts()), (None, None));
    assert_eq!(world.wish("hanna", BreakoutWish::Close), Err(DomainError::BreakoutRoomNotFound));
}

#[test]
fn c_61_a_broadcast_reaches_every_room_and_needs_one() {
    let (mut world, _) = World::with(&["hanna", "ada"]);
    let host = world.actor("hanna");
    let say = |world: &World| world.live.broadcast(&host, "Five minutes".into(), now());
    assert_eq!(say(&world).err(), Some(DomainError::BreakoutRoomNotFound));
    world.open(plan(1));
    let (person, name, notices) = say(&world).expect("says");
    assert_eq!((person, name.as_str()), (Person::User(world.accounts["hanna"].id), "hanna"));
    assert!(matches!(notices[..], [Notice { audience: Audience::Everyone, .. }]));
}

#[test]
fn c_61_everybody_is_called_back_at_once_while_the_rooms_stay_open() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let rooms = world.open(Plan { auto_assign: true, may_return: false, ..plan(2) });
    let named = BreakoutWish::Return(Whom::Named(inside[1].id.to_string()));
    world.wish("hanna", named).expect("one comes back");
    assert_eq!((world.place(inside[1]), world.place(inside[2])), (None, Some(rooms[1])));
    world.wish("hanna", BreakoutWish::Return(Whom::Everybody)).expect("all come back");
    assert!(inside.iter().all(|who| world.place(*who).is_none()));
    assert_eq!(rooms_of(world.live.breakouts()), rooms);
}

#[test]
fn add_ev_74_what_is_said_again_is_told_once_but_the_silence_after_somebody_who_left_is() {
    let (mut world, inside) = World::with(&["hanna", "ada"]);
    let [hanna, ada] = inside[..] else { panic!() };
    let say = |world: &mut World| {
        let mut told = world.live.speaker_changed(0, Some(SessionId(ada.id.0)));
        told.extend(world.live.speakers_changed(0, &[speaking(ada, 20)]));
        speech(&told, hanna)
    };
    assert_eq!(say(&mut world), [(Some(ada.id), vec![]), (None, vec![(ada.id, -20)])]);
    assert_eq!(say(&mut world), [], "again");
    world.live.leave(ada.id, LeaveReason::Left);
    let mut silence = world.live.speaker_changed(0, None);
    silence.extend(world.live.speakers_changed(0, &[]));
    assert_eq!(speech(&silence, hanna), [(None, vec![]), (None, vec![])]);
}
