//! What changes of settings and roster do inside, and who hears of it.

use plenum_shared::id::{RoomId, TransportId};
use plenum_shared::media::{Direction, Kind, Source};

use super::*;
use crate::domain::account::Account;
use crate::domain::admission::Admission;
use crate::domain::error::DomainError;
use crate::domain::fixtures::{account, actor, meeting, now};
use crate::domain::live::Joiner;
use crate::domain::meeting::Standing;
use crate::domain::participant::Producer;
use crate::domain::role::{PermissionOverrides, Role};
use crate::domain::session::LeaveReason;

struct Room {
    live: LiveMeeting,
    devices: u64,
}

impl Room {
    fn new(meeting: Meeting) -> Self {
        Self { live: LiveMeeting::new(Arc::new(meeting), RoomId::random()), devices: 0 }
    }

    fn join(&mut self, who: &Account, admission: Admission) -> (ParticipantId, ConnectionId) {
        self.devices += 1;
        let (id, connection) = (ParticipantId::generate(), ConnectionId(self.devices));
        let joiner = Joiner { id, actor: actor(who), name: who.name.clone(), connection };
        self.live.join(joiner, admission, now()).expect("joins");
        (id, connection)
    }

    fn publish(&mut self, connection: ConnectionId, kind: Kind, source: Source) -> ProducerId {
        let transport = self.live.of_connection(connection).expect("inside").send_transport;
        let transport = transport.unwrap_or_else(|| {
            let new = TransportId::random();
            self.live.open_transport(connection, Direction::Send, new).expect("opens");
            new
        });
        let id = ProducerId::random();
        let track = Producer { id, transport, kind, source, paused: false };
        self.live.add_producer(connection, track).expect("publishes");
        id
    }

    fn change(&mut self, change: impl FnOnce(&mut Meeting)) -> Effects {
        let mut meeting = Meeting::clone(self.live.meeting());
        change(&mut meeting);
        self.live.refresh(Arc::new(meeting), now())
    }
}

fn names(notices: &[Notice]) -> Vec<&'static str> {
    notices.iter().map(|notice| notice.event.name()).collect()
}

#[test]
fn role_09_whoever_loses_the_right_to_share_stops_sharing_and_keeps_the_rest() {
    let (creator, member) = (account("creator"), account("member"));
    let mut room = Room::new(meeting(&creator, MeetingStatus::Live, &[(&member, Role::Attendee)]));
    let (id, device) = room.join(&member, Admission::Enter);
    room.publish(device, Kind::Video, Source::Camera);
    let screen = room.publish(device, Kind::Video, Source::Screen);
    let sound = room.publish(device, Kind::Audio, Source::ScreenAudio);
    let effects = room.change(|m| m.roster[0].overrides.can_share_screen = Some(false));
    assert_eq!(effects.closed, [screen, sound]);
    assert_eq!(names(&effects.notices), ["producer_closed", "media_changed", "producer_closed"]);
    let left = room.live.participant(id).expect("inside");
    assert!(!left.media.screen && left.media.video);
    assert_eq!(left.producers.len(), 1);
    // What was asked for before the change and arrives after it is refused as well.
    let late = Producer { source: Source::Screen, ..left.producers[0] };
    assert_eq!(room.live.add_producer(device, late), Err(DomainError::Forbidden));
    assert_eq!(room.change(|_| ()), Effects::default(), "nothing more to take away");
}

#[test]
fn c_36_a_feature_that_is_switched_off_stops_what_it_allowed() {
    let creator = account("creator");
    let mut room = Room::new(meeting(&creator, MeetingStatus::Live, &[]));
    let (id, device) = room.join(&creator, Admission::Enter);
    let camera = room.publish(device, Kind::Video, Source::Camera);
    let microphone = room.publish(device, Kind::Audio, Source::Microphone);
    room.live.raise_hand(device, true, now()).expect("raises");
    let effects = room.change(|m| {
        let features = &mut m.settings.features;
        (features.video_enabled, features.audio_enabled) = (false, false);
        features.hand_raise_enabled = false;
    });
    assert_eq!(effects.closed, [camera, microphone]);
    assert_eq!(
        names(&effects.notices),
        ["producer_closed", "producer_closed", "media_changed", "hand_changed"]
    );
    let me = room.live.participant(id).expect("inside");
    assert!(!me.media.audio && !me.media.video && me.hand_raised_at.is_none() && me.producers.is_empty());
    assert!(room.live.hands().is_empty());
}

#[test]
fn acc_12_whoever_begins_to_run_the_meeting_hears_who_waits_and_nobody_else_does() {
    let (creator, member, knocks) = (account("creator"), account("member"), account("knocks"));
    let people = [(&member, Role::Attendee), (&knocks, Role::Attendee)];
    let mut room = Room::new(meeting(&creator, MeetingStatus::Live, &people));
    room.join(&creator, Admission::Enter);
    let (id, _) = room.join(&member, Admission::Enter);
    room.join(&knocks, Admission::Wait);
    let effects = room.change(|m| m.roster[0].role = Role::CoHost);
    assert_eq!(names(&effects.notices), ["join_requested"]);
    assert_eq!(effects.notices[0].audience, Audience::One(id));
    assert_eq!(room.change(|m| m.roster[0].role = Role::Host), Effects::default());
}

#[test]
fn add_ev_09_a_role_change_is_told_to_whom_it_should_be() {
    let (creator, member, other) = (account("creator"), account("member"), account("other"));
    let people = [(&member, Role::Attendee), (&other, Role::Attendee)];
    let mut room = Room::new(meeting(&creator, MeetingStatus::Live, &people));
    let (host, _) = room.join(&creator, Admission::Enter);
    let (first, _) = room.join(&member, Admission::Enter);
    let (second, _) = room.join(&member, Admission::Enter);
    let standing = Standing::of(Role::Host);
    let mut m = Meeting::clone(room.live.meeting());
    let lines: Vec<_> = m.roster.iter().map(|line| line.id).collect();
    let mut change = |line| {
        m.change_role(standing, line, Role::Presenter, PermissionOverrides::default()).expect("changes")
    };
    let (inside, outside) = (change(lines[0]), change(lines[1]));
    let told = |notices: Vec<Notice>| -> Vec<Audience> { notices.into_iter().map(|n| n.audience).collect() };
    for (person, others, expected) in [
        (true, false, vec![first, second]),
        (false, true, vec![host]),
        (true, true, vec![host, first, second]),
        (false, false, vec![]),
    ] {
        let audiences = told(room.live.role_changed(&inside, person, others));
        assert_eq!(audiences, [Audience::These(expected.clone()), Audience::These(expected)]);
    }
    let notices = room.live.role_changed(&outside, true, true);
    let audiences = told(notices);
    assert_eq!(audiences, [Audience::These(vec![host, first, second]), Audience::Accounts(vec![other.id])]);
}

#[test]
fn role_08_all_sessions_of_a_removed_person_go_and_so_does_his_place_in_the_queue() {
    let (creator, member, other) = (account("creator"), account("member"), account("other"));
    let mut m =
        meeting(&creator, MeetingStatus::Live, &[(&member, Role::Attendee), (&other, Role::Attendee)]);
    m.settings.require_host_approval = true;
    let mut room = Room::new(m);
    let (_, host) = room.join(&creator, Admission::Enter);
    let (waits, _) = room.join(&member, Admission::Wait);
    room.live.admit(host, &waits.to_string()).expect("admits");
    let first = room.join(&member, Admission::Enter);
    let second = room.join(&member, Admission::Enter);
    let (_, knocking) = room.join(&member, Admission::Wait);
    room.join(&other, Admission::Enter);
    let line = room.live.meeting().roster[0].clone();
    assert_eq!(room.live.account_of(second.0), Some(member.id));
    let expelled = room.live.expel(std::slice::from_ref(&line));
    assert_eq!(expelled, Expelled { sessions: vec![first, second], waiting: vec![knocking] });
    assert!(!room.live.knows(knocking));
    assert!(!room.live.occupancy(Some(Person::User(member.id))).caller_admitted, "knocks again");
    for (id, _) in expelled.sessions {
        assert_eq!(names(&room.live.leave(id, LeaveReason::Kicked)), ["participant_left"]);
    }
    assert_eq!(room.live.roster().len(), 2);
}
