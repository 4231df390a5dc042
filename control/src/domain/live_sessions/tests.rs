use std::sync::Arc;

use plenum_shared::id::RoomId;
use time::Duration;

use super::*;
use crate::domain::account::Account;
use crate::domain::admission::Admission;
use crate::domain::fixtures::{account, actor, meeting, now};
use crate::domain::live::Joined;
use crate::domain::meeting::Meeting;
use crate::domain::meeting::MeetingStatus;
use crate::domain::role::Role;
use crate::domain::session::LeaveReason;

const SOCKET: ConnectionId = ConnectionId(100);

struct Room {
    live: LiveMeeting,
    ada: Account,
    comers: u64,
}

impl Room {
    /// Ada may come in, and her host is inside.
    fn new() -> Self {
        let (host, ada) = (account("host"), account("ada"));
        let meeting = meeting(&host, MeetingStatus::Live, &[(&host, Role::Host), (&ada, Role::Attendee)]);
        let mut room = Self { live: LiveMeeting::new(Arc::new(meeting), RoomId::random()), ada, comers: 0 };
        room.come(&host, Admission::Enter, true, None);
        room
    }

    fn come(
        &mut self,
        who: &Account,
        admission: Admission,
        has_socket: bool,
        label: Option<&str>,
    ) -> (ParticipantId, Vec<Notice>) {
        self.comers += 1;
        let id = ParticipantId::generate();
        let came_at = now() + Duration::seconds(self.comers.cast_signed());
        let over = Joiner::over_socket(id, actor(who), who.name.clone(), ConnectionId(self.comers), came_at);
        let arrival = Arrival { video: false, label: label.map(str::to_owned), ..Arrival::default() };
        let joiner = Joiner { has_socket, arrival, ..over };
        let joined = self.live.join(joiner, admission, came_at).expect("comes");
        let (Joined::Inside(notices) | Joined::Waiting(notices)) = joined;
        (id, notices)
    }

    fn ada(&mut self, has_socket: bool, label: Option<&str>) -> ParticipantId {
        let ada = self.ada.clone();
        self.come(&ada, Admission::Enter, has_socket, label).0
    }
}

fn person(account: &Account) -> Person {
    Person::User(account.id)
}

#[test]
fn c_17_a_socket_without_a_label_goes_on_with_the_session_that_has_none() {
    let mut room = Room::new();
    let ada = person(&room.ada);
    assert_eq!(room.live.found_again(ada, None), None);
    let session = room.ada(false, Some("tab"));
    assert_eq!(room.live.found_again(ada, None), Some(session));
    let told = room.live.attach(session, SOCKET).expect("inside");
    let [Notice { audience, event: DomainEvent::Joined(entrance) }] = &told[..] else { panic!("{told:?}") };
    assert_eq!((audience, entrance.me.id), (&Audience::One(session), session));
    assert_eq!(entrance.others.len(), 1, "the host, and not oneself");
    assert_eq!(room.live.recipients(&Audience::One(session)), [SOCKET]);
    assert_eq!(room.live.found_again(ada, None), None, "it has a socket now");
    assert_eq!(room.live.size(), 2);
}

#[test]
fn c_17_a_label_finds_its_own_session_with_or_without_a_socket_and_no_other() {
    let mut room = Room::new();
    let ada = person(&room.ada);
    let tab = room.ada(false, Some("tab"));
    assert_eq!(room.live.found_again(ada, Some("phone")), None);
    assert_eq!(room.live.found_again(ada, Some("tab")), Some(tab));
    room.live.attach(tab, SOCKET).expect("inside");
    assert_eq!(room.live.found_again(ada, Some("tab")), Some(tab), "a client that comes back");
    let stranger = Person::User(UserId::generate());
    assert_eq!(room.live.found_again(stranger, Some("tab")), None);
}

#[test]
fn c_30_requests_speak_for_the_session_without_a_socket_and_else_for_the_newest() {
    let mut room = Room::new();
    let user = room.ada.id;
    assert_eq!(room.live.session_of(user), None);
    let without = room.ada(false, None);
    let over_socket = room.ada(true, None);
    assert_eq!(room.live.session_of(user).map(|p| p.id), Some(without));
    room.live.leave(without, LeaveReason::Left);
    assert_eq!(room.live.session_of(user).map(|p| p.id), Some(over_socket));
    let newest = room.ada(true, None);
    assert_eq!(room.live.session_of(user).map(|p| p.id), Some(newest));
}

#[test]
fn c_30_the_loss_of_the_socket_it_had_before_ends_no_session() {
    let mut room = Room::new();
    let session = room.ada(true, Some("tab"));
    let before = room.live.participant(session).expect("inside").connection;
    room.live.attach(session, SOCKET).expect("inside");
    assert!(room.live.leave_connection(before, LeaveReason::Disconnected).is_empty());
    let gone = room.live.leave_connection(SOCKET, LeaveReason::Disconnected);
    assert!(matches!(gone[..], [Notice { event: DomainEvent::ParticipantLeft { .. }, .. }]), "{gone:?}");
    assert_eq!(room.live.attach(session, SOCKET), Err(DomainError::NotInMeeting));
}

#[test]
fn c_30_a_request_under_way_speaks_for_its_session_when_a_socket_comes() {
    let mut room = Room::new();
    let session = room.ada(false, None);
    let found = room.live.participant(session).expect("inside").connection;
    room.live.attach(session, SOCKET).expect("inside");
    assert_eq!(room.live.of_connection(found).map(|p| p.id), Ok(session));
    assert_eq!(room.live.of_connection(SOCKET).map(|p| p.id), Ok(session));
    room.live.leave(session, LeaveReason::Left);
    for connection in [found, SOCKET] {
        assert_eq!(room.live.of_connection(connection).map(|p| p.id), Err(DomainError::NotInMeeting));
    }
}

#[test]
fn c_25_whoever_waits_without_a_socket_waits_with_the_one_that_comes() {
    let mut room = Room::new();
    let ada = room.ada.clone();
    let (id, told) = room.come(&ada, Admission::Wait, false, None);
    assert_eq!(told.len(), 2, "she and the host");
    assert_eq!(room.live.found_again(person(&ada), None), Some(id));
    assert_eq!(room.live.waiting_of(ada.id).map(|joiner| joiner.id), Some(id));
    let told = room.live.attach(id, SOCKET).expect("waits");
    assert!(matches!(told[..], [Notice { event: DomainEvent::WaitingRoomJoined { .. }, .. }]), "{told:?}");
    assert_eq!(room.live.recipients(&Audience::One(id)), [SOCKET]);
    assert_eq!(room.live.waiting().len(), 1, "the host is not asked again");
}

#[test]
fn c_50_wishes_of_the_door_are_lowered_by_the_meeting_and_never_raised() {
    for (audio, mute_on_entry, heard) in [(true, false, true), (false, false, false), (true, true, false)] {
        let mut room = Room::new();
        let mut changed = Meeting::clone(room.live.meeting());
        changed.settings.entry.mute_on_entry = mute_on_entry;
        room.live.refresh(Arc::new(changed), now());
        let id = ParticipantId::generate();
        let over = Joiner::over_socket(id, actor(&room.ada), "Ada".into(), SOCKET, now());
        let joiner = Joiner { arrival: Arrival { audio, video: false, ..Arrival::default() }, ..over };
        room.live.join(joiner, Admission::Enter, now()).expect("enters");
        let media = room.live.participant(id).expect("inside").media;
        assert_eq!((media.audio, media.video), (heard, false), "{audio} {mute_on_entry}");
    }
}

#[test]
fn a_device_and_a_label_are_short_and_printable() {
    let described = |device: &str| Arrival::default().described(("device_type", Some(device)), ("id", None));
    assert_eq!(described(" desk\u{7}top ").map(|arrival| arrival.device).as_deref(), Ok("desktop"));
    assert_eq!(described("  ").map(|arrival| arrival.device).as_deref(), Ok("unknown"));
    let long = "x".repeat(LABEL_CHARS_MAX + 1);
    assert!(matches!(described(&long), Err(DomainError::FieldInvalid { field: "device_type", .. })));
}
