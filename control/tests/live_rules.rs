//! Random lives of a meeting: whatever people do in whatever order, the state machine keeps its promises.

#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail by panicking")]

use std::collections::HashSet;
use std::sync::Arc;

use plenum_control::domain::account::{Account, UserType};
use plenum_control::domain::actor::Actor;
use plenum_control::domain::admission::{self, Door, Facts};
use plenum_control::domain::event::{Audience, DomainEvent, Notice};
use plenum_control::domain::id::{CampusId, MeetingId, MeetingRoomId, ParticipantId, UserId};
use plenum_control::domain::live::{Joined, Joiner, LiveMeeting};
use plenum_control::domain::meeting::{
    EntryPolicy, Features, Meeting, MeetingKind, MeetingStatus, RecordingConfig, Settings,
};
use plenum_control::domain::participant::{ConnectionId, MediaChange, Person, Producer};
use plenum_control::domain::password::PasswordCheck;
use plenum_control::domain::profile::Profile;
use plenum_control::domain::session::LeaveReason;
use plenum_shared::id::{ProducerId, RoomId, TransportId};
use plenum_shared::media::{Direction, Kind, Source};
use proptest::prelude::*;
use time::{Duration, OffsetDateTime};

const SEATS: u32 = 4;
const PEOPLE: usize = 7;
const DEVICES: u64 = 10;

#[derive(Debug, Clone)]
enum Step {
    Join { person: usize, device: u64 },
    Leave { device: u64 },
    Hand { device: u64, up: bool },
    Media { device: u64, audio: bool, screen: bool },
    Transport { device: u64 },
    Produce { device: u64, source: Source },
    TransportDies { device: u64 },
    MediaLost,
}

fn step() -> impl Strategy<Value = Step> {
    let device = || 0..DEVICES;
    let source = prop_oneof![Just(Source::Camera), Just(Source::Microphone), Just(Source::Screen)];
    prop_oneof![
        4 => (0..PEOPLE, device()).prop_map(|(person, device)| Step::Join { person, device }),
        2 => device().prop_map(|device| Step::Leave { device }),
        2 => (device(), any::<bool>()).prop_map(|(device, up)| Step::Hand { device, up }),
        1 => (device(), any::<bool>(), any::<bool>()).prop_map(|(device, audio, screen)| Step::Media { device, audio, screen }),
        2 => device().prop_map(|device| Step::Transport { device }),
        2 => (device(), source).prop_map(|(device, source)| Step::Produce { device, source }),
        1 => device().prop_map(|device| Step::TransportDies { device }),
        1 => Just(Step::MediaLost),
    ]
}

fn person(n: usize) -> Actor {
    Actor::Account(Account {
        id: UserId(ulid::Ulid::from_parts(1, n as u128)),
        name: format!("Person {n}"),
        email: format!("person{n}@example.org"),
        user_type: UserType::Teacher,
        campus: CampusId::new("default"),
        cross_campus: false,
        department: None,
        profile_picture: None,
        password_version: 1,
        created_at: OffsetDateTime::UNIX_EPOCH,
    })
}

/// Made by person 0, who always gets in; everybody may come.
fn meeting() -> Meeting {
    let at = OffsetDateTime::UNIX_EPOCH;
    Meeting {
        id: MeetingId::generate(),
        room: MeetingRoomId::generate(),
        campus: CampusId::new("default"),
        creator: person(0).user_id().unwrap(),
        profile: Profile::Standard,
        kind: MeetingKind::Instant,
        status: MeetingStatus::Live,
        settings: Settings {
            name: "Test".into(),
            description: String::new(),
            location: "virtual".into(),
            starts_at: at,
            ends_at: at + Duration::hours(1),
            max_participants: SEATS,
            password: None,
            require_password: false,
            waiting_room_enabled: false,
            require_host_approval: false,
            allow_guests: true,
            features: Features::default(),
            recording: RecordingConfig::default(),
            entry: EntryPolicy::default(),
        },
        roster: Vec::new(),
        occurrence: None,
        calendar_sequence: 0,
        created_at: at,
        started_at: Some(at),
        ended_at: None,
        archived_at: None,
        deleted_at: None,
    }
}

struct Run {
    live: LiveMeeting,
    now: OffsetDateTime,
    given: HashSet<ParticipantId>,
    transports: HashSet<TransportId>,
}

impl Run {
    fn new() -> Self {
        let live = LiveMeeting::new(Arc::new(meeting()), RoomId::random());
        Self { live, now: OffsetDateTime::UNIX_EPOCH, given: HashSet::new(), transports: HashSet::new() }
    }

    fn take(&mut self, step: &Step) -> Vec<Notice> {
        self.now += Duration::seconds(1);
        match *step {
            Step::Join { person, device } => self.join(person, ConnectionId(device)),
            Step::Leave { device } => self.live.leave_connection(ConnectionId(device), LeaveReason::Left),
            Step::Hand { device, up } => {
                self.live.raise_hand(ConnectionId(device), up, self.now).unwrap_or_default()
            }
            Step::Media { device, audio, screen } => {
                let change = MediaChange { audio: Some(audio), video: None, screen: Some(screen) };
                self.live.set_media(ConnectionId(device), change).map(|done| done.0).unwrap_or_default()
            }
            Step::Transport { device } => {
                let transport = TransportId::random();
                self.transports.insert(transport);
                let opened = self.live.open_transport(ConnectionId(device), Direction::Send, transport);
                opened.map(|done| done.1).unwrap_or_default()
            }
            Step::Produce { device, source } => self.produce(ConnectionId(device), source),
            Step::TransportDies { device } => match self.live.of_connection(ConnectionId(device)) {
                Ok(participant) => match (participant.session(), participant.send_transport) {
                    (session, Some(transport)) => self.live.transport_closed(session, transport),
                    _ => Vec::new(),
                },
                Err(_) => Vec::new(),
            },
            Step::MediaLost => self.live.media_lost(RoomId::random()),
        }
    }

    fn join(&mut self, who: usize, connection: ConnectionId) -> Vec<Notice> {
        let actor = person(who);
        let meeting = self.live.meeting().clone();
        let facts = Facts {
            actor: &actor,
            meeting: Some(&meeting),
            door: Door::Enter,
            password: PasswordCheck::NotSent,
            occupancy: self.live.occupancy(Person::of(&actor)),
        };
        let Ok(admission) = admission::admit(&facts) else { return Vec::new() };
        let id = ParticipantId::generate();
        assert!(self.given.insert(id));
        let joiner = Joiner::over_socket(id, actor, format!("Person {who}"), connection, self.now);
        match self.live.join(joiner, admission, self.now).unwrap() {
            Joined::Inside(notices) | Joined::Waiting(notices) => notices,
        }
    }

    fn produce(&mut self, connection: ConnectionId, source: Source) -> Vec<Notice> {
        let kind = if source == Source::Microphone { Kind::Audio } else { Kind::Video };
        let Ok((transport, _)) = self.live.may_produce(connection, kind, source) else { return Vec::new() };
        let producer = Producer { id: ProducerId::random(), transport, kind, source, paused: false };
        self.live.add_producer(connection, producer).unwrap()
    }

    fn check(&self, notices: &[Notice]) {
        let inside = self.live.roster();
        // The creator gets in even when every seat is taken (C-22).
        assert!(self.live.persons() <= SEATS + 1);
        let creator = self.live.meeting().creator;
        if !inside.iter().any(|p| p.actor.user_id() == Some(creator)) {
            assert!(self.live.persons() <= SEATS);
        }
        assert!(self.live.peak() >= self.live.persons());
        let connections: HashSet<_> = inside.iter().map(|p| p.connection).collect();
        assert_eq!(connections.len(), inside.len(), "one session per connection");
        assert!(inside.windows(2).all(|pair| pair[0].order < pair[1].order));
        self.check_hands();
        for participant in &inside {
            let own = |producer: &Producer| Some(producer.transport) == participant.send_transport;
            assert!(participant.producers.iter().all(own), "tracks live on the transport that is open");
        }
        for Notice { audience, event } in notices {
            let hear = self.live.recipients(audience);
            match event {
                DomainEvent::ParticipantJoined { participant, .. } => {
                    assert!(!hear.contains(&participant.connection), "nobody hears his own arrival");
                }
                DomainEvent::Joined(entrance) => {
                    assert_eq!(hear, [entrance.me.connection]);
                    assert!(entrance.others.iter().all(|other| other.id != entrance.me.id));
                }
                DomainEvent::ParticipantLeft { participant, .. } => {
                    assert!(self.live.participant(*participant).is_none());
                }
                _ => {}
            }
            assert!(!matches!(audience, Audience::World | Audience::Campus { .. }));
        }
    }

    fn check_hands(&self) {
        let hands = self.live.hands();
        let raised: Vec<_> =
            hands.iter().map(|id| self.live.participant(*id).and_then(|p| p.hand_raised_at)).collect();
        assert!(raised.iter().all(Option::is_some), "only people inside have hands");
        assert!(raised.windows(2).all(|pair| pair[0] <= pair[1]), "the first hand up comes first");
        let up = self.live.roster().iter().filter(|p| p.hand_raised_at.is_some()).count();
        assert_eq!(up, hands.len());
    }
}

proptest! {
    #[test]
    fn rt_12_c_22_whatever_people_do_the_room_keeps_its_promises(steps in prop::collection::vec(step(), 1..120)) {
        let mut run = Run::new();
        for step in &steps {
            let notices = run.take(step);
            run.check(&notices);
        }
    }
}

#[test]
fn c_22_the_creator_gets_in_when_every_seat_is_taken() {
    let mut run = Run::new();
    for n in 1..=SEATS as usize {
        assert!(!run.join(n, ConnectionId(n as u64)).is_empty());
    }
    assert!(run.join(5, ConnectionId(5)).is_empty());
    assert!(!run.join(0, ConnectionId(0)).is_empty());
    assert!(!run.join(1, ConnectionId(6)).is_empty(), "a second device takes no second seat");
    assert_eq!(run.live.persons(), SEATS + 1);
}

#[test]
fn c_34_after_the_end_nobody_is_inside_and_everybody_has_heard_it() {
    let mut run = Run::new();
    run.join(0, ConnectionId(1));
    run.join(1, ConnectionId(2));
    let (notice, mut hear) =
        run.live.end(plenum_control::domain::event::EndReason::EndedByHost, OffsetDateTime::UNIX_EPOCH);
    hear.sort();
    assert_eq!(hear, [ConnectionId(1), ConnectionId(2)]);
    assert!(matches!(notice.event, DomainEvent::MeetingEnded { .. }));
    assert!(run.live.is_idle());
}
