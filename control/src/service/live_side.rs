//! What the services need of whoever runs meetings while they are live.

use futures_util::future::BoxFuture;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::domain::admission::Occupancy;
use crate::domain::id::{MeetingId, ParticipantId, RosterId, UserId};
use crate::domain::meeting::{Meeting, MeetingStatus};
use crate::domain::people::RoleChange;
use crate::domain::role::Role;
use crate::domain::roster::RosterEntry;

/// The live side of meetings. A meeting it does not know is simply empty.
pub trait LiveSide: Send + Sync + 'static {
    /// A scheduled meeting went live: make its room, tell the people who are invited.
    fn started<'a>(&'a self, meeting: &'a Meeting) -> BoxFuture<'a, ()>;

    /// Settings or roster changed: what is decided from now on is decided by these.
    fn changed<'a>(&'a self, meeting: &'a Meeting) -> BoxFuture<'a, ()>;

    /// People were put on the roster.
    fn added<'a>(&'a self, meeting: &'a Meeting, news: RosterNews) -> BoxFuture<'a, ()>;

    /// People were taken off the roster: those of them who are inside or wait are out when this returns, in all sessions.
    fn removed<'a>(&'a self, meeting: &'a Meeting, news: RosterNews) -> BoxFuture<'a, ()>;

    /// Somebody has another role or other rights; what no longer is allowed stops (KCS-13).
    fn role_changed<'a>(
        &'a self,
        meeting: &'a Meeting,
        change: RoleChange,
        tell_person: bool,
        tell_others: bool,
    ) -> BoxFuture<'a, ()>;

    /// The account behind a session that is inside or waits.
    fn account_of(&self, meeting: MeetingId, session: ParticipantId) -> BoxFuture<'_, Option<UserId>>;

    /// A meeting ended or was called off: tell the room, close every session (in the store too), drop the media (C-34).
    fn ended<'a>(&'a self, meeting: &'a Meeting) -> BoxFuture<'a, ()>;

    /// Who is inside now, in order of joining.
    fn present(&self, meeting: MeetingId) -> BoxFuture<'_, Vec<Present>>;

    /// How full a meeting is, and whether this account is inside already.
    fn occupancy(&self, meeting: MeetingId, user: Option<UserId>) -> BoxFuture<'_, Occupancy>;

    /// What a client needs to reach the media plane.
    fn connection(&self, meeting: &Meeting) -> MediaConnection;

    /// What can be said of a live meeting now; of one that nobody is inside of, what is stored.
    fn stats(&self, meeting: MeetingId) -> BoxFuture<'_, LiveStats>;

    /// Writes down what statistics remember and is not stored yet.
    fn settle(&self) -> BoxFuture<'_, ()>;
}

/// Lines that came to a roster or left it, and who is to hear of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RosterNews {
    pub people: Vec<RosterEntry>,
    /// Whoever did it.
    pub by: Option<UserId>,
    /// The others inside.
    pub tell_inside: bool,
    /// The people themselves, wherever they are connected.
    pub tell_people: bool,
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
    /// Most persons inside at one moment.
    pub participants_peak: u32,
    /// Sessions that speak now, the loudest first.
    pub active_speakers: Vec<ParticipantId>,
    pub screen_sharing: bool,
    pub recording: bool,
    pub raised_hands: usize,
    /// When the media plane was last asked; `None` when the meeting has no media.
    pub sampled_at: Option<OffsetDateTime>,
    pub media: MediaFigures,
}

/// What the media plane measured of a meeting. What nothing was measured for is `None`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MediaFigures {
    /// Both directions together.
    pub total_mbps: f64,
    pub latency_ms: Option<f64>,
    pub packet_loss_percent: Option<f64>,
    /// Lines of the average picture that is shown.
    pub video_height: Option<u16>,
    pub quality: Option<Quality>,
}
