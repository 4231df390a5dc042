//! People and meetings for the tests of the rules.

use time::{Duration, OffsetDateTime};

use super::account::{Account, UserType};
use super::actor::Actor;
use super::id::{CampusId, MeetingId, MeetingRoomId, RosterId, UserId};
use super::meeting::{
    EntryPolicy, Features, Invitation, Meeting, MeetingKind, MeetingStatus, RecordingConfig, Settings,
};
use super::profile::Profile;
use super::role::Role;

pub(super) fn now() -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(20_000)
}

pub(super) fn account(name: &str) -> Account {
    Account {
        id: UserId::generate(),
        name: name.into(),
        email: format!("{name}@example.org"),
        user_type: UserType::Teacher,
        campus: CampusId::new("default"),
        cross_campus: false,
        department: None,
        profile_picture: None,
        password_version: 1,
        created_at: now(),
    }
}

/// A meeting of `creator`'s, in a status, with these people on the roster.
pub(super) fn meeting(creator: &Account, status: MeetingStatus, people: &[(&Account, Role)]) -> Meeting {
    let mut meeting = Meeting {
        id: MeetingId::generate(),
        room: MeetingRoomId::generate(),
        campus: creator.campus.clone(),
        creator: creator.id,
        profile: Profile::Standard,
        kind: MeetingKind::Scheduled,
        status,
        settings: Settings {
            name: "Weekly".into(),
            description: String::new(),
            location: "virtual".into(),
            starts_at: now(),
            ends_at: now() + Duration::hours(1),
            max_participants: 10,
            password: None,
            require_password: true,
            waiting_room_enabled: false,
            require_host_approval: false,
            allow_guests: false,
            features: Features::default(),
            recording: RecordingConfig::default(),
            entry: EntryPolicy::default(),
        },
        roster: Vec::new(),
        occurrence: None,
        calendar_sequence: 0,
        created_at: now(),
        started_at: None,
        ended_at: None,
        archived_at: None,
        deleted_at: None,
    };
    meeting.invite(
        people.iter().map(|(account, role)| invitation(account, *role)).collect(),
        RosterId::generate,
    );
    meeting
}

pub(super) fn invitation(account: &Account, role: Role) -> Invitation {
    Invitation {
        user: Some(account.id),
        email: Some(account.email.clone()),
        name: account.name.clone(),
        phone: None,
        role: Some(role),
    }
}

pub(super) fn actor(account: &Account) -> Actor {
    Actor::Account(account.clone())
}
