//! All services together: what a dialect is given.

use std::sync::Arc;

use crate::service::accounts::Accounts;
use crate::service::admissions::Admissions;
use crate::service::attachments::Attachments;
use crate::service::audit::Audit;
use crate::service::breakouts::Breakouts;
use crate::service::chat::Chat;
use crate::service::chat_rooms::ChatRooms;
use crate::service::clock::Clock;
use crate::service::join::Joins;
use crate::service::limits::Limits;
use crate::service::live_side::LiveSide;
use crate::service::livekit::Livekit;
use crate::service::mail::Mail;
use crate::service::media::Media;
use crate::service::meetings::Meetings;
use crate::service::participants::Participants;
use crate::service::people::People;
use crate::service::presence::Presence;
use crate::service::statistics::Statistics;
use crate::service::webhooks::Webhooks;

/// Handles to every service; cloning one clones handles.
#[derive(Clone)]
pub struct Services {
    pub accounts: Accounts,
    pub meetings: Meetings,
    pub people: People,
    pub presence: Presence,
    pub mail: Mail,
    pub webhooks: Webhooks,
    pub admissions: Admissions,
    pub joins: Joins,
    pub participants: Participants,
    pub chat: Chat,
    pub media: Media,
    pub livekit: Livekit,
    pub audit: Audit,
    pub limits: Limits,
    pub rooms: ChatRooms,
    pub files: Attachments,
    pub breakouts: Breakouts,
    pub statistics: Statistics,
    pub live: Arc<dyn LiveSide>,
    pub clock: Clock,
}
