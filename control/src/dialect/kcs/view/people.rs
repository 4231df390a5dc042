//! Who is inside, who is on the roster, and what they may do (KCS-03, KCS-10, C-19).

use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::Timestamp;
use super::words::{ConnectionWord, QualityWord, RoleWord};
use crate::domain::id::{ParticipantId, RosterId, UserId};
use crate::domain::meeting::{Feature, Meeting, Standing};
use crate::domain::policy::{self, Action};
use crate::domain::role::Permissions;
use crate::domain::roster::RosterEntry;
use crate::service::live_side::{Present, Quality};

/// Somebody inside, as details show it. The same element as in `meeting-joined` (C-18), without tracks.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresentView {
    /// This join of this person; another one after leaving and coming back.
    #[schema(value_type = String, example = "3d9f2a51-7c0e-4b8e-9a66-0f6b1c2d4e5f")]
    participant_id: ParticipantId,
    #[schema(example = "01JDAVNTZ5A3C7E9G1J3M5P7RS")]
    user_id: String,
    #[schema(example = "Hanna Host")]
    user_name: String,
    audio: bool,
    video: bool,
    screen: bool,
    /// The same as `screen`.
    screen_sharing: bool,
    role: RoleWord,
    hand_raised: bool,
}

/// The view of somebody inside.
pub fn present(person: &Present) -> PresentView {
    PresentView {
        participant_id: person.participant,
        user_id: person.user.map_or_else(|| person.participant.to_string(), |user| user.to_string()),
        user_name: person.name.clone(),
        audio: person.audio,
        video: person.video,
        screen: person.screen,
        screen_sharing: person.screen,
        role: person.role.into(),
        hand_raised: person.hand_raised,
    }
}

/// A line of the roster.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RosterRowView {
    #[schema(value_type = String, example = "019ac0f1-6d3e-7b52-8c7e-2f4a9d1b5c60")]
    id: RosterId,
    /// The session of whoever is inside.
    #[schema(value_type = Option<String>, required, example = "3d9f2a51-7c0e-4b8e-9a66-0f6b1c2d4e5f")]
    participant_id: Option<ParticipantId>,
    #[schema(value_type = Option<String>, required, example = "01JDAVNTZ5A3C7E9G1J3M5P7RS")]
    user_id: Option<UserId>,
    #[schema(example = "Milan Member")]
    participant_name: String,
    #[schema(required, example = "member@demo.test")]
    participant_email: Option<String>,
    role: RoleWord,
    connection_status: ConnectionWord,
    connection_quality: QualityWord,
    #[schema(required)]
    joined_at: Option<Timestamp>,
    /// Null while inside, and for those who never were.
    #[schema(required)]
    left_at: Option<Timestamp>,
    media_status: MediaStatusView,
    permissions: PermissionsView,
}

/// What somebody has switched on.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct MediaStatusView {
    video: bool,
    audio: bool,
    screen_sharing: bool,
}

/// What somebody may do in one meeting: the role's rights with single ones granted or taken.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PermissionsView {
    can_share_screen: bool,
    can_unmute_others: bool,
    can_manage_participants: bool,
    can_record: bool,
    can_manage_breakout_rooms: bool,
}

impl From<Permissions> for PermissionsView {
    fn from(permissions: Permissions) -> Self {
        Self {
            can_share_screen: permissions.can_share_screen,
            can_unmute_others: permissions.can_unmute_others,
            can_manage_participants: permissions.can_manage_participants,
            can_record: permissions.can_record,
            can_manage_breakout_rooms: permissions.can_manage_breakout_rooms,
        }
    }
}

/// The roster (KCS-10): one row per person, with the newest session of those who are inside.
pub fn roster(meeting: &Meeting, inside: &[Present]) -> Vec<RosterRowView> {
    meeting.roster.iter().map(|entry| roster_row(entry, newest_session(entry, inside))).collect()
}

fn newest_session<'a>(entry: &RosterEntry, inside: &'a [Present]) -> Option<&'a Present> {
    inside.iter().rev().find(|person| person.roster == entry.id)
}

fn roster_row(entry: &RosterEntry, session: Option<&Present>) -> RosterRowView {
    let (audio, video, screen_sharing) =
        session.map_or((false, false, false), |s| (s.audio, s.video, s.screen));
    RosterRowView {
        id: entry.id,
        participant_id: session.map(|s| s.participant),
        user_id: entry.user,
        participant_name: session.map_or(&entry.name, |s| &s.name).clone(),
        participant_email: entry.email.clone(),
        role: entry.role.into(),
        connection_status: match session {
            Some(_) => ConnectionWord::Connected,
            None => ConnectionWord::Disconnected,
        },
        connection_quality: session.map_or(Quality::Good, |s| s.quality).into(),
        joined_at: session.map(|s| s.joined_at).or(entry.joined_at).map(Timestamp),
        left_at: entry.left_at.filter(|_| session.is_none()).map(Timestamp),
        media_status: MediaStatusView { video, audio, screen_sharing },
        permissions: entry.permissions().into(),
    }
}

/// Permissions under both sets of names (C-19).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BothPermissionsView {
    #[serde(flatten)]
    named: PermissionsView,
    #[serde(rename = "canShare")]
    can_share: bool,
    #[serde(rename = "canChat")]
    can_chat: bool,
    #[serde(rename = "canRecord")]
    can_record: bool,
}

/// The view of permissions under both sets of names. The longer ones are the person's own rights, as is `canRecord`
/// (C-43); whether one may chat or share here and now is the meeting's to say as well.
pub fn permissions(meeting: &Meeting, standing: Standing) -> BothPermissionsView {
    let left_to = |action| policy::leaves(meeting, standing, action);
    let own = standing.permissions;
    BothPermissionsView {
        named: own.into(),
        can_share: own.can_share_screen && left_to(Action::ShareScreen),
        can_chat: meeting.settings.features.allows(Feature::Chat) && left_to(Action::SendMessage),
        can_record: own.can_record,
    }
}
