//! What changes of settings and roster do inside, and who hears of it.

use plenum_shared::id::{RoomId, TransportId};
use plenum_shared::media::{Direction, Kind, Source};

use super::*;
use crate::domain::account::Account;
use crate::domain::admission::Admission;
use crate::domain::error::DomainError;
use crate::domain::fixtures::{account, actor, meeting, now};
use crate::domain::live::Joiner;
use crate::domain::live_data::{DataNames, DataProducer};
use crate::domain::meeting::{Level, Standing};
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
        let joiner = Joiner::over_socket(id, actor(who), who.name.clone(), connection, now());
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

    fn channel(&mut self, connection: ConnectionId) -> DataProducerId {
        let transport = TransportId::random();
        self.live.open_transport(connection, Direction::Send, transport).expect("opens");
        let names = DataNames::new("cursor", "").expect("short");
        let id = DataProducerId::random();
        let channel = DataProducer { id, transport, names };
        self.live.add_data_producer(connection, channel).expect("opens");
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
fn c_72_whoever_may_chat_no_more_has_no_data_channel_and_hosts_keep_theirs() {
    let (creator, member) = (account("creator"), account("member"));
    let mut room = Room::new(meeting(&creator, MeetingStatus::Live, &[(&member, Role::Attendee)]));
    let (_, host) = room.join(&creator, Admission::Enter);
    let (id, device) = room.join(&member, Admission::Enter);
    let (kept, gone) = (room.channel(host), room.channel(device));
    let effects = room.change(|m| m.settings.entry.chat_permissions = Level::Host);
    assert_eq!((effects.closed, effects.closed_data), (vec![], vec![gone]));
    assert_eq!(names(&effects.notices), ["policy_changed", "data_producer_closed"]);
    let transport = room.live.participant(id).expect("inside").send_transport.expect("open");
    let asked = room.live.may_produce_data(device, transport);
    assert_eq!(asked, Err(DomainError::HostsOnly(Feature::Chat)));
    let effects = room.change(|m| m.settings.features.chat_enabled = false);
    assert_eq!(effects.closed_data, [kept], "off is off for hosts too");
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

/// A host, a co-host and a member inside, everybody with a camera and a screen, and the connection of each.
fn three(publish: &[(Kind, Source)]) -> (Room, Vec<(ParticipantId, ConnectionId)>, Vec<Vec<ProducerId>>) {
    let (creator, helper, member) = (account("creator"), account("helper"), account("member"));
    let people = [(&helper, Role::CoHost), (&member, Role::Attendee)];
    let mut room = Room::new(meeting(&creator, MeetingStatus::Live, &people));
    let sessions: Vec<_> =
        [&creator, &helper, &member].into_iter().map(|who| room.join(who, Admission::Enter)).collect();
    let mut tracks = Vec::new();
    for (_, device) in &sessions {
        tracks.push(publish.iter().map(|(kind, source)| room.publish(*device, *kind, *source)).collect());
    }
    (room, sessions, tracks)
}

#[test]
fn add_ev_64_c_72_screens_left_to_hosts_stop_those_of_the_others_at_once() {
    let (mut room, sessions, tracks) = three(&[(Kind::Video, Source::Screen), (Kind::Video, Source::Camera)]);
    let effects = room.change(|m| m.settings.entry.screen_share_permissions = Level::Host);
    assert_eq!(names(&effects.notices), ["policy_changed", "producer_closed", "media_changed"]);
    assert_eq!((effects.closed, effects.held), (vec![tracks[2][0]], vec![]));
    let shows: Vec<_> =
        sessions.iter().map(|(id, _)| room.live.participant(*id).expect("inside").media).collect();
    assert_eq!(
        shows.iter().map(|media| (media.screen, media.video)).collect::<Vec<_>>(),
        [(true, true), (true, true), (false, true)]
    );
    let again = MediaChange { screen: Some(true), ..MediaChange::default() };
    let refused = Err(DomainError::HostsOnly(Feature::ScreenSharing));
    assert_eq!(room.live.set_media(sessions[2].1, again), refused);
    assert!(room.live.set_media(sessions[1].1, again).is_ok());
}

#[test]
fn c_49_cameras_that_are_switched_off_are_held_back_and_stay_published() {
    let (mut room, sessions, tracks) =
        three(&[(Kind::Video, Source::Camera), (Kind::Audio, Source::Microphone)]);
    let effects = room.change(|m| m.settings.entry.disable_camera = true);
    assert_eq!(names(&effects.notices), ["policy_changed", "media_changed"]);
    assert_eq!((effects.closed, effects.held), (vec![], vec![tracks[2][0]]));
    assert_eq!(room.live.held(tracks[2][0]), Some(true));
    assert_eq!([room.live.held(tracks[0][0]), room.live.held(tracks[1][0])], [Some(false); 2]);
    let (id, device) = sessions[2];
    let media = room.live.participant(id).expect("inside").media;
    assert_eq!((media.video, media.audio), (false, true));
    let on = MediaChange { video: Some(true), ..MediaChange::default() };
    let refused = DomainError::HostsOnly(Feature::Video);
    assert_eq!(room.live.set_media(device, on), Err(refused.clone()));
    assert_eq!(room.live.may_produce(device, Kind::Video, Source::Camera), Err(refused));
    assert!(room.live.pause_producer(device, tracks[2][0], false).is_ok(), "and is held all the same");
    assert_eq!(room.live.held(tracks[2][0]), Some(true));
    // Lifted, it opens nothing: that is its owner's to do.
    let effects = room.change(|m| m.settings.entry.disable_camera = false);
    assert_eq!((names(&effects.notices), effects.held), (vec!["policy_changed"], vec![]));
    assert_eq!(room.live.held(tracks[2][0]), Some(true));
    room.live.set_media(device, on).expect("may again");
    assert_eq!(room.live.held(tracks[2][0]), Some(false));
}

#[test]
fn c_49_whoever_comes_in_does_so_as_the_policy_says() {
    let (creator, helper, member) = (account("creator"), account("helper"), account("member"));
    let people = [(&helper, Role::CoHost), (&member, Role::Attendee)];
    let mut m = meeting(&creator, MeetingStatus::Live, &people);
    m.settings.entry.mute_on_entry = true;
    m.settings.entry.disable_camera = true;
    let mut room = Room::new(m);
    for (who, video) in [(&creator, true), (&helper, true), (&member, false)] {
        let (id, _) = room.join(who, Admission::Enter);
        let media = room.live.participant(id).expect("inside").media;
        assert_eq!((media.audio, media.video), (false, video), "{}", who.name);
    }
}

#[test]
fn c_72_mute_on_entry_and_a_lock_do_nothing_to_those_inside() {
    let (mut room, sessions, _) = three(&[(Kind::Audio, Source::Microphone)]);
    let effects = room.change(|m| {
        let entry = &mut m.settings.entry;
        (entry.mute_on_entry, entry.locked) = (true, true);
        entry.allowed_domains = vec!["elsewhere.test".into()];
        m.settings.max_participants = 2;
        m.settings.waiting_room_enabled = true;
    });
    assert_eq!(names(&effects.notices), ["policy_changed"]);
    assert_eq!(effects.notices[0].audience, Audience::Everyone);
    assert_eq!((effects.closed, effects.held, effects.expelled), (vec![], vec![], Expelled::default()));
    assert!(sessions.iter().all(|(id, _)| room.live.participant(*id).expect("inside").media.audio));
}

#[test]
fn chat_06_whoever_types_stops_when_chat_is_left_to_hosts() {
    let (mut room, sessions, _) = three(&[]);
    for (_, device) in &sessions {
        room.live.set_typing(*device, true, now()).expect("types");
    }
    let effects = room.change(|m| m.settings.entry.chat_permissions = Level::Host);
    assert_eq!(names(&effects.notices), ["policy_changed", "typing_changed"]);
    let chats: Vec<_> = sessions.iter().map(|(_, device)| room.live.may_chat(*device).is_ok()).collect();
    assert_eq!(chats, [true, true, false]);
    let typing = room.live.set_typing(sessions[2].1, true, now());
    assert_eq!(typing, Err(DomainError::HostsOnly(Feature::Chat)));
}

#[test]
fn c_72_whoever_is_blocked_has_to_go_from_everywhere_and_the_creator_does_not() {
    let (creator, member, other) = (account("creator"), account("member"), account("other"));
    let mut m =
        meeting(&creator, MeetingStatus::Live, &[(&member, Role::Attendee), (&other, Role::Attendee)]);
    m.settings.require_host_approval = true;
    let mut room = Room::new(m);
    let (_, host) = room.join(&creator, Admission::Enter);
    let (waits, _) = room.join(&member, Admission::Wait);
    room.live.admit(host, &waits.to_string()).expect("admits");
    let inside = room.join(&member, Admission::Enter);
    let screen = room.publish(inside.1, Kind::Video, Source::Screen);
    let (_, knocks) = room.join(&member, Admission::Wait);
    let (_, patient) = room.join(&other, Admission::Wait);
    let effects = room.change(|m| m.settings.entry.blocked_users = vec![member.id, creator.id]);
    assert_eq!(effects.expelled, Expelled { sessions: vec![inside], waiting: vec![knocks] });
    assert_eq!(names(&effects.notices), ["policy_changed"], "his leaving says the rest");
    assert!(effects.closed.is_empty(), "with his session: {screen:?}");
    assert!(room.live.knows(patient) && room.live.knows(host));
    assert!(!room.live.occupancy(Some(Person::User(member.id))).caller_admitted);
}

#[test]
fn c_72_before_the_start_too_nobody_waits_in_vain() {
    let (creator, member) = (account("creator"), account("member"));
    let mut m = meeting(&creator, MeetingStatus::Scheduled, &[(&member, Role::Attendee)]);
    m.settings.waiting_room_enabled = true;
    let mut room = Room::new(m);
    let (_, waits) = room.join(&member, Admission::Wait);
    assert_eq!(room.change(|m| m.settings.entry.locked = true).expelled, Expelled::default());
    let effects = room.change(|m| m.settings.entry.allowed_domains = vec!["elsewhere.test".into()]);
    assert_eq!(effects.expelled, Expelled { sessions: vec![], waiting: vec![waits] });
}

#[test]
fn c_25_nobody_waits_where_nobody_has_to() {
    let (creator, member) = (account("creator"), account("member"));
    let mut m = meeting(&creator, MeetingStatus::Live, &[(&member, Role::Attendee)]);
    m.settings.waiting_room_enabled = true;
    let mut room = Room::new(m);
    let (first, _) = room.join(&member, Admission::Wait);
    let (second, _) = room.join(&member, Admission::Wait);
    assert!(room.live.release().is_empty(), "they have to");
    room.change(|m| m.settings.waiting_room_enabled = false);
    let released: Vec<_> = room.live.release().into_iter().map(|joiner| joiner.id).collect();
    assert_eq!(released, [first, second], "in order of coming");
    assert!(room.live.is_idle());
}
