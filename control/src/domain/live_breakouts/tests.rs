//! Who goes where, who hears what of it, and that nothing crosses from room to room.

mod crossing;
mod speakers;

use plenum_shared::id::{RoomId, TransportId};
use plenum_shared::media::{Direction, Kind};
use plenum_shared::transport::SctpStreamParameters;

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

const STREAM: SctpStreamParameters =
    SctpStreamParameters { stream_id: 7, ordered: true, max_packet_life_time: None, max_retransmits: None };

/// A live meeting with a host, a co-host and three attendees, who join as they are named.
struct World {
    live: LiveMeeting,
    accounts: HashMap<&'static str, Account>,
    devices: u64,
}

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
        let consumer =
            Consumer { id: ConsumerId::random(), transport: chosen.transport, producer, told: None };
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
        let consumer = DataConsumer { id: DataConsumerId::random(), transport, producer, stream: STREAM };
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

const PEOPLE: [(&str, Role); 5] = [
    ("hanna", Role::Host),
    ("carl", Role::CoHost),
    ("ada", Role::Attendee),
    ("bob", Role::Attendee),
    ("eve", Role::Attendee),
];

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
