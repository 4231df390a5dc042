//! Our types as this dialect shows them.

use serde::Serialize;
use serde_json::{Value, json};

use crate::dialect::iso;
use crate::domain::account::{Account, UserType};
use crate::domain::chat::{ChatMessage, Recipient, Sender};
use crate::domain::meeting::{Features, Meeting, RecordingConfig};
use crate::domain::role::{Permissions, Role};
use crate::domain::roster::{Listing, RosterEntry};
use crate::domain::session::FinalStats;
use crate::service::live_side::{LiveStats, MediaConnection, Present, Quality};

/// A meeting (KCS-01). Never holds the password, nor its hash (security fix #3).
#[derive(Debug, Serialize)]
pub struct MeetingView<'a> {
    id: String,
    meeting_room_id: String,
    meeting_status: &'static str,
    status: &'static str,
    created_at: String,
    creator_id: String,
    meeting_name: &'a str,
    meeting_description: &'a str,
    meeting_start_time: String,
    meeting_end_time: String,
    meeting_location: &'a str,
    participants: Vec<ListedView<'a>>,
    meeting_type: &'static str,
    max_participants: u32,
    waiting_room_enabled: bool,
    require_host_approval: bool,
    allow_guests: bool,
    requires_password: bool,
    features: Features,
    recording_config: RecordingConfig,
    started_at: Option<String>,
    ended_at: Option<String>,
}

/// Somebody on the roster, as a meeting lists people.
#[derive(Debug, Serialize)]
struct ListedView<'a> {
    id: String,
    user_id: Option<String>,
    email: Option<&'a str>,
    name: &'a str,
    role: Role,
}

impl<'a> MeetingView<'a> {
    /// The view of a meeting.
    pub fn of(meeting: &'a Meeting) -> Self {
        let settings = &meeting.settings;
        let status = meeting.status.as_str();
        Self {
            id: meeting.id.to_string(),
            meeting_room_id: meeting.room.to_string(),
            meeting_status: status,
            status,
            created_at: iso::text(meeting.created_at),
            creator_id: meeting.creator.to_string(),
            meeting_name: &settings.name,
            meeting_description: &settings.description,
            meeting_start_time: iso::text(settings.starts_at),
            meeting_end_time: iso::text(settings.ends_at),
            meeting_location: &settings.location,
            participants: listed(meeting).map(ListedView::of).collect(),
            meeting_type: meeting.kind.as_str(),
            max_participants: settings.max_participants,
            waiting_room_enabled: settings.waiting_room_enabled,
            require_host_approval: settings.require_host_approval,
            allow_guests: settings.allow_guests,
            requires_password: settings.asks_password(),
            features: settings.features,
            recording_config: settings.recording,
            started_at: meeting.started_at.map(iso::text),
            ended_at: meeting.ended_at.map(iso::text),
        }
    }
}

impl<'a> ListedView<'a> {
    fn of(entry: &'a RosterEntry) -> Self {
        Self {
            id: entry.id.to_string(),
            user_id: entry.user.map(|user| user.to_string()),
            email: entry.email.as_deref(),
            name: &entry.name,
            role: entry.role,
        }
    }
}

/// A meeting as JSON.
pub fn meeting(meeting: &Meeting) -> Value {
    json!(MeetingView::of(meeting))
}

/// The people a meeting lists: everybody invited or ever inside, without withdrawn invitations.
fn listed(meeting: &Meeting) -> impl Iterator<Item = &RosterEntry> {
    meeting.roster.iter().filter(|entry| entry.listing != Listing::Withdrawn)
}

/// Somebody inside, as details show it (KCS-03). The same element as in `meeting-joined` (C-18), without tracks.
pub fn present(person: &Present) -> Value {
    json!({
        "participantId": person.participant,
        "userId": person.user.map_or_else(|| person.participant.to_string(), |user| user.to_string()),
        "userName": person.name,
        "audio": person.audio,
        "video": person.video,
        "screen": person.screen,
        "screenSharing": person.screen,
        "role": person.role,
        "handRaised": person.hand_raised,
    })
}

/// The roster (KCS-10): one row per person, with the newest session of those who are inside.
pub fn roster(meeting: &Meeting, inside: &[Present]) -> Vec<Value> {
    meeting.roster.iter().map(|entry| roster_row(entry, newest_session(entry, inside))).collect()
}

fn newest_session<'a>(entry: &RosterEntry, inside: &'a [Present]) -> Option<&'a Present> {
    inside.iter().rev().find(|person| person.roster == entry.id)
}

fn roster_row(entry: &RosterEntry, session: Option<&Present>) -> Value {
    let (audio, video, screen) = session.map_or((false, false, false), |s| (s.audio, s.video, s.screen));
    json!({
        "id": entry.id,
        "participant_id": session.map(|s| s.participant),
        "user_id": entry.user,
        "participant_name": session.map_or(entry.name.as_str(), |s| s.name.as_str()),
        "participant_email": entry.email,
        "role": entry.role,
        "connection_status": if session.is_some() { "connected" } else { "disconnected" },
        "connection_quality": session.map_or(Quality::Good, |s| s.quality).as_str(),
        "joined_at": session.map(|s| s.joined_at).or(entry.joined_at).map(iso::text),
        "left_at": entry.left_at.filter(|_| session.is_none()).map(iso::text),
        "media_status": { "video": video, "audio": audio, "screen_sharing": screen },
        "permissions": entry.permissions(),
    })
}

/// Permissions under both sets of names (C-19).
pub fn permissions(permissions: Permissions, can_chat: bool) -> Value {
    let mut view = json!(permissions);
    view["canShare"] = permissions.can_share_screen.into();
    view["canChat"] = can_chat.into();
    view["canRecord"] = permissions.can_record.into();
    view
}

/// A chat message (KCS-15). A deleted one keeps its place and loses its text.
pub fn message(message: &ChatMessage) -> Value {
    json!({
        "id": message.id,
        "meeting_id": message.meeting,
        "sender_id": match message.sender {
            Sender::User(user) => user.to_string(),
            Sender::Guest(session) => session.to_string(),
        },
        "sender_name": message.sender_name,
        "message": if message.deleted { "" } else { message.text.as_str() },
        "message_type": message.kind.as_str(),
        "recipient_type": message.recipient.kind(),
        "recipient_id": match message.recipient {
            Recipient::All | Recipient::Hosts => None,
            Recipient::User(user) => Some(user.to_string()),
            Recipient::Guest(session) => Some(session.to_string()),
        },
        "timestamp": iso::text(message.sent_at),
        "edited_at": message.edited_at.map(iso::text),
        "is_deleted": message.deleted,
    })
}

/// What a client needs to reach the media plane (KCS-19).
pub fn webrtc_config(connection: &MediaConnection) -> Value {
    json!({
        "router_id": connection.router_id,
        "router_capabilities": connection.router_capabilities,
        "ice_servers": connection.ice_servers,
    })
}

/// A moment of a running meeting (KCS-18).
pub fn live_stats(stats: &LiveStats, duration_minutes: f64) -> Value {
    json!({
        "current_participants": stats.participants,
        "duration_minutes": duration_minutes,
        "chat_messages": stats.chat_messages,
        "active_speakers": stats.active_speakers,
        "screen_sharing": stats.screen_sharing,
        "recording_active": false,
        "bandwidth_usage": {
            "total_mbps": stats.total_mbps,
            "per_participant_avg": stats.total_mbps / f64::from(stats.participants.max(1)),
        },
        "quality_metrics": {
            "latency_ms": stats.latency_ms,
            "packet_loss_percent": stats.packet_loss_percent,
        },
    })
}

/// What a meeting leaves behind (KCS-08).
pub fn final_stats(stats: &FinalStats) -> Value {
    json!({
        "duration_minutes": stats.duration_minutes,
        "max_participants": stats.participants_peak,
        "total_chat_messages": stats.chat_messages,
        "recording_url": null,
    })
}

/// An account as its owner, or whoever made it, sees it (CLS-01, CLS-02).
pub fn account(account: &Account) -> Value {
    json!({
        "id": account.id,
        "name": account.name,
        "email": account.email,
        "role": if matches!(account.user_type, UserType::Student | UserType::Guest) { "student" } else { "host" },
        "user_type": account.user_type.as_str(),
        "campus_id": account.campus,
        "department": account.department,
        "profile_picture": account.profile_picture,
    })
}
