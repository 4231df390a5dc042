//! What the services need of whoever runs meetings while they are live.

use futures_util::future::BoxFuture;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::admission::Occupancy;
use crate::domain::id::{MeetingId, ParticipantId, RosterId, UserId};
use crate::domain::meeting::{Meeting, MeetingStatus};
use crate::domain::role::Role;

/// The live side of meetings. A meeting it does not know is simply empty.
pub trait LiveSide: Send + Sync + 'static {
    /// A scheduled meeting went live: make its room, tell the people who are invited.
    fn started<'a>(&'a self, meeting: &'a Meeting) -> BoxFuture<'a, ()>;

    /// Settings or roster changed: what is decided from now on is decided by these.
    fn changed<'a>(&'a self, meeting: &'a Meeting) -> BoxFuture<'a, ()>;

    /// A meeting ended or was called off: tell the room, close every session (in the store too), drop the media (C-34).
    fn ended<'a>(&'a self, meeting: &'a Meeting) -> BoxFuture<'a, ()>;

    /// Who is inside now, in order of joining.
    fn present(&self, meeting: MeetingId) -> BoxFuture<'_, Vec<Present>>;

    /// How full a meeting is, and whether this account is inside already.
    fn occupancy(&self, meeting: MeetingId, user: Option<UserId>) -> BoxFuture<'_, Occupancy>;

    /// What a client needs to reach the media plane.
    fn connection(&self, meeting: &Meeting) -> MediaConnection;

    /// What can be said of a running meeting; `None` when it is not running here.
    fn stats(&self, meeting: MeetingId) -> BoxFuture<'_, Option<LiveStats>>;
}

/// One session inside a meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    pub participant: ParticipantId,
    pub roster: RosterId,
    /// `None` for people without an account.
    pub user: Option<UserId>,
    pub name: String,
    pub role: Role,
    pub audio: bool,
    pub video: bool,
    pub screen: bool,
    pub hand_raised: bool,
    pub quality: Quality,
    pub joined_at: OffsetDateTime,
}

/// How well a connection does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quality {
    Poor,
    Fair,
    Good,
    Excellent,
}

impl Quality {
    /// The word on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Excellent => "excellent",
            Self::Good => "good",
            Self::Fair => "fair",
            Self::Poor => "poor",
        }
    }
}

/// Where media goes, in the JSON that clients take as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct MediaConnection {
    /// `None` until the meeting is live.
    pub router_id: Option<String>,
    pub router_capabilities: serde_json::Value,
    pub ice_servers: serde_json::Value,
}

/// What clients call the router of a meeting. It stays the same for as long as the meeting lives, before anybody is
/// inside and after its room had to move to another node; the media plane's own room ids do not.
pub fn router_id(meeting: &Meeting) -> Option<String> {
    (meeting.status == MeetingStatus::Live).then(|| Uuid::from_u128(meeting.id.0.into()).to_string())
}

/// A moment of a running meeting (KCS-18).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct LiveStats {
    /// Distinct persons inside.
    pub participants: u32,
    pub chat_messages: u64,
    /// Sessions that speak now, the loudest first.
    pub active_speakers: Vec<ParticipantId>,
    pub screen_sharing: bool,
    pub total_mbps: f64,
    pub latency_ms: f64,
    pub packet_loss_percent: f64,
}
