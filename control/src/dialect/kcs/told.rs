//! What sockets are told: one struct per payload, and one table that gives each its name.
//!
//! [`say`] takes nothing that is not in the table, and the description of the events ([`crate::dialect::asyncapi`]) is made from
//! the same table: an event that nobody described cannot be sent.

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

pub(super) use super::told_breakouts::{BreakoutAssigned, BreakoutBroadcast, BreakoutRoomsChanged};
pub(super) use super::told_chat::{
    ChatDeleted, ChatDelivered, ChatEdited, ChatNotification, ChatReacted, ChatRoomLeft, ChatRoomsJoined,
    ChatSeen, ChatSent, ChatTyping, MessagesSeen, RoomOnlineUsers, SeenAcknowledged, StatusChanged,
};
pub(super) use super::told_data::{
    DataConsumed, DataConsumerClosed, DataProduced, DataProducerClosed, DataProducerTold, NewDataProducer,
};
pub(super) use super::told_media::{
    ActiveSpeaker, ActiveSpeakers, Consumed, ConsumerLayersChanged, ConsumerLayersSet, ConsumerOf,
    ConsumerPaused, ConsumerResumed, IceRestarted, MediaReset, MediaUpdated, NewProducer, Produced,
    ProducerClosed, ProducerLayers, ProducerOf, ProducerPaused, ProducerResumed, ProducerTold,
    QualityChanged, TransportConnected, TransportCreated,
};
pub(super) use super::told_stats::Stats;
use super::view::chat::MessageView;
use super::view::envelope::{Timestamp, True};
use super::view::media::WebrtcConfigView;
use super::view::meeting::{ListedView, MeetingView};
use super::view::people::BothPermissionsView;
use super::view::security::PolicyView;
use super::view::words::{ConnectionQualityWord, EndReasonWord, LeaveReasonWord, RecipientWord, RoleWord};
use crate::dialect::asyncapi::Message;
use crate::domain::id::{ChatRoomId, MeetingId, ParticipantId, RecordingId, RosterId, UserId};

/// A payload that has a name.
pub(super) trait Told: Serialize + ToSchema {
    const NAME: &'static str;
}

/// An event as it is sent: its name, and its payload written out.
pub type Said = (&'static str, Box<RawValue>);

/// An event, ready to be sent.
pub(super) fn say<T: Told>(payload: &T) -> Said {
    (T::NAME, to_raw_value(payload).expect("our payloads are JSON: their maps have text keys"))
}

/// Names payloads, says what each event means and to whom it goes, and lists them all.
macro_rules! told {
    ($($name:literal $payload:ident: $about:literal,)+) => {
        $(impl Told for $payload {
            const NAME: &'static str = $name;
        })+

        /// Every event there is, described.
        pub(super) fn all() -> Vec<Message> {
            vec![$(Message::of::<$payload>($name, $about)),+]
        }
    };
}

told! {
    "error" Refused: "A request was refused, or a wait was in vain; the socket stays. Or the token counts no longer, and the socket closes. To whoever asked.",
    "meeting-started" MeetingStarted: "A meeting went live. To everybody invited.",
    "meeting-ended" MeetingEnded: "A meeting is over for good. To everybody inside and waiting.",
    "meeting-joined" MeetingJoined: "You are inside. To whoever joined, at once or after waiting.",
    "participant-joined" ParticipantJoined: "Somebody came in. To everybody else inside.",
    "participant-left" ParticipantLeft: "Somebody is no longer inside. To everybody who is.",
    "waiting-room-joined" WaitingRoomJoined: "You wait for a host. To whoever joined.",
    "join-request" JoinRequest: "Somebody waits to be let in. To hosts and co-hosts inside.",
    "security-policy-changed" PolicyChanged: "The security policy is another one. To everybody inside.",
    "participant-role-changed" RoleChanged: "Somebody's role or rights changed. To that person, and to all inside if asked.",
    "participants-added" ParticipantsAdded: "People are on the roster now. To everybody inside.",
    "participants-removed" ParticipantsRemoved: "People are no longer on the roster. To everybody inside.",
    "meeting-invitation" Invited: "You are invited. To whoever was put on a roster.",
    "removed-from-meeting" InvitationWithdrawn: "You are no longer invited. To whoever was taken off a roster.",
    "hand-raised" HandRaised: "A hand went up or down. To everybody inside.",
    "participant-reaction" ReactionShown: "Somebody reacted. To everybody inside.",
    "user-typing" UserTyping: "Somebody types, or stopped. To everybody else inside.",
    "recording-status-changed" RecordingStatus: "The meeting is recorded now, or no longer. To everybody inside.",
    "recording-started" RecordingStarted: "A recording began. To everybody inside, with `recording-status-changed`.",
    "recording-ended" RecordingEnded: "A recording is over. To everybody inside, with `recording-status-changed`.",
    "participant-media-updated" MediaUpdated: "Somebody switched something on or off. To everybody inside.",
    "muted-by-host" MutedByHost: "A host silenced you, or allows you to speak again. To that participant.",
    "new-message" NewMessage: "A message was said. To those it is for, the sender included.",
    "new-chat-message" ChatSent: "A message was said in a room. To those who listen to the room.",
    "chat-message-edited" ChatEdited: "A message says something else now. To the room.",
    "chat-message-deleted" ChatDeleted: "A message is gone. To the room.",
    "chat-message-reaction" ChatReacted: "A reaction was given or taken back. To the room.",
    "chat-message-seen" ChatSeen: "Somebody has seen a message. To whoever sent it.",
    "chat-message-delivered" ChatDelivered: "A message reached somebody. To whoever sent it.",
    "messages-seen" MessagesSeen: "Somebody has seen messages. To the room.",
    "chat-user-typing" ChatTyping: "Somebody types, or stopped. To the others of the room.",
    "chat-user-status-changed" StatusChanged: "Somebody is there, away, busy or gone. To everybody who shares a room.",
    "chat-notification" ChatNotification: "Something worth a banner or a badge. To every socket of each person concerned.",
    "new-producer" NewProducer: "Somebody publishes a track. To everybody else inside.",
    "producer-closed" ProducerClosed: "A track is gone. To everybody inside.",
    "producer-paused" ProducerPaused: "A track rests. To everybody inside.",
    "producer-resumed" ProducerResumed: "A track flows again. To everybody inside.",
    "new-data-producer" NewDataProducer: "Somebody opened a data channel. To everybody else in the same room.",
    "data-producer-closed" DataProducerClosed: "A data channel is gone, with all subscriptions to it. To everybody in the same room.",
    "data-consumer-closed" DataConsumerClosed: "A subscription to a data channel is over. To whoever received by it.",
    "active-speaker" ActiveSpeaker: "Another participant speaks above the others, or nobody does. To everybody in the same room.",
    "active-speakers" ActiveSpeakers: "Others are heard, or in another order; at most twice a second. To everybody in the same room. Left out for whoever does not keep up.",
    "connection-quality" QualityChanged: "A connection got better or worse. To everybody inside.",
    "consumer-layers-changed" ConsumerLayersChanged: "Another layer of a track reaches you, or none. To its consumer.",
    "producer-layers" ProducerLayers: "What of your track anybody watches; the rest need not be sent. To its publisher, perhaps before `produced`.",
    "breakout-rooms-changed" BreakoutRoomsChanged: "Which breakout rooms there are now, and who is in which. To everybody inside, to whoever enters, and in answer to `get-breakout-rooms`.",
    "breakout-assigned" BreakoutAssigned: "Somebody is in another room now. To everybody inside; of many who move at once each hears it of himself, and everybody hears `breakout-rooms-changed`.",
    "breakout-broadcast" BreakoutBroadcast: "Whoever runs the rooms says something to all of them. To everybody inside.",
    "media-reset" MediaReset: "The media of the meeting is gone; open transports again. To everybody inside.",
    "user-online" UserOnline: "Somebody of the campus connected. To the campus.",
    "user-offline" UserOffline: "Somebody of the campus is gone. To the campus.",
    "resumed" Resumed: "You are back; what you missed follows. To a client that lost its socket and asked to resume.",
    "server-draining" ServerDraining: "This server stops; come back after a moment. To everybody.",
    "stats" Stats: "Answers `get-stats`; whoever gives a callback gets it there alone.",
    "transport-created" TransportCreated: "Answers `create-transport`.",
    "transport-connected" TransportConnected: "Answers `connect-transport`.",
    "ice-restarted" IceRestarted: "Answers `restart-ice`.",
    "produced" Produced: "Answers `produce`.",
    "consumed" Consumed: "Answers `consume`.",
    "data-produced" DataProduced: "Answers `produce-data`.",
    "data-consumed" DataConsumed: "Answers `consume-data`.",
    "consumer-paused" ConsumerPaused: "Answers `pause-consumer`.",
    "consumer-resumed" ConsumerResumed: "Answers `resume-consumer`.",
    "consumer-layers-set" ConsumerLayersSet: "Answers `set-consumer-layers`.",
    "chat-rooms-joined" ChatRoomsJoined: "Answers `join-chat-rooms`.",
    "chat-room-left" ChatRoomLeft: "Answers `leave-chat-room`.",
    "messages-seen-acknowledged" SeenAcknowledged: "Answers `mark-messages-seen`.",
    "room-online-users" RoomOnlineUsers: "Answers `get-room-online-users`.",
}

/// A refusal.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RefusedEvent)]
pub(super) struct Refused {
    /// For people, in English.
    #[schema(example = "Access denied")]
    pub message: String,
    /// For programs, where the message alone leaves something open.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub code: Option<&'static str>,
    /// The event that was refused.
    #[schema(example = "join-meeting")]
    pub event: &'static str,
    /// Of a wait that was in vain.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, nullable = false, required = false)]
    pub meeting_id: Option<MeetingId>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MeetingStarted {
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    pub meeting_id: MeetingId,
    pub meeting: MeetingView,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MeetingEnded {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    pub reason: EndReasonWord,
    pub timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MeetingJoined {
    #[schema(inline)]
    pub success: True,
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    pub meeting: MeetingView,
    /// This join of yours; another one after leaving and coming back.
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    /// Everybody who was inside before, in order of joining. You are not among them.
    pub participants: Vec<ParticipantTold>,
    pub webrtc_config: WebrtcConfigView,
    pub permissions: BothPermissionsView,
    pub role: RoleWord,
    pub audio: bool,
    pub video: bool,
    pub recording: RecordingNow,
    pub security_policy: PolicyView,
}

/// Whether the meeting is recorded, for somebody who was not there when that began.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordingNow {
    pub recording: bool,
    #[schema(value_type = Option<String>, required)]
    pub recording_id: Option<RecordingId>,
    /// Null while nothing is recorded, and when the meeting began it by itself.
    #[schema(required)]
    pub started_by: Option<String>,
    #[schema(required)]
    pub started_at: Option<Timestamp>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ParticipantJoined {
    #[serde(flatten)]
    pub participant: ParticipantTold,
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    pub permissions: BothPermissionsView,
}

/// Somebody inside, with what they publish.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ParticipantTold {
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    /// The account, or the session of somebody without one.
    pub user_id: String,
    #[schema(example = "Hanna Host")]
    pub user_name: String,
    pub is_guest: bool,
    pub audio: bool,
    pub video: bool,
    pub screen: bool,
    /// The same as `screen`.
    pub screen_sharing: bool,
    pub role: RoleWord,
    pub hand_raised: bool,
    /// Hands queue in the order of raising.
    #[schema(required)]
    pub raised_at: Option<Timestamp>,
    /// Place in the queue when this was told; 1 is next.
    #[schema(required)]
    pub hand_position: Option<usize>,
    /// As `connection-quality` told it last; null until it was measured.
    #[schema(required)]
    pub connection_quality: Option<ConnectionQualityWord>,
    pub producers: Vec<ProducerTold>,
    #[schema(max_items = 16)]
    pub data_producers: Vec<DataProducerTold>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ParticipantLeft {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    pub user_name: String,
    pub reason: LeaveReasonWord,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct WaitingRoomJoined {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    pub message: &'static str,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JoinRequest {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    /// The account, or the session of somebody without one.
    pub user_id: String,
    pub user_name: String,
    pub timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PolicyChanged {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    pub security_policy: PolicyView,
}

#[derive(Serialize, ToSchema)]
pub(super) struct RoleChanged {
    #[serde(rename = "meetingId")]
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    /// The session of whoever is inside, else the line of the roster.
    #[serde(rename = "participantId")]
    pub participant_id: String,
    /// The line of the roster.
    #[serde(rename = "recordId")]
    #[schema(value_type = String)]
    pub record_id: RosterId,
    #[serde(rename = "userId")]
    #[schema(value_type = Option<String>, required)]
    pub user_id: Option<UserId>,
    pub old_role: RoleWord,
    pub new_role: RoleWord,
    pub permissions: BothPermissionsView,
}

/// What changed about a roster.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RosterNews {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    pub participants: Vec<ListedView>,
    #[schema(value_type = Option<String>, required)]
    pub changed_by: Option<UserId>,
    pub timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
pub(super) struct ParticipantsAdded(pub RosterNews);

#[derive(Serialize, ToSchema)]
pub(super) struct ParticipantsRemoved(pub RosterNews);

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Invited {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    pub meeting: MeetingView,
    #[schema(value_type = Option<String>, required)]
    pub invited_by: Option<UserId>,
    pub timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct InvitationWithdrawn {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    pub meeting_name: String,
    pub timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct HandRaised {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    pub user_name: String,
    pub raised: bool,
    pub timestamp: Timestamp,
    #[schema(required)]
    pub raised_at: Option<Timestamp>,
    /// Place in the queue; 1 is next. Null when lowered.
    #[schema(required)]
    pub hand_position: Option<usize>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReactionShown {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    pub user_name: String,
    #[schema(example = "👏")]
    pub reaction: String,
    /// Seconds to show it.
    #[schema(example = 3)]
    pub duration: u32,
    pub timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserTyping {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub participant_id: ParticipantId,
    /// The account, or the session of somebody without one.
    pub user_id: String,
    pub user_name: String,
    pub typing: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordingStatus {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    pub recording: bool,
    #[schema(value_type = String)]
    pub recording_id: RecordingId,
    /// Whoever did it, by account; null when nobody did.
    #[schema(required)]
    pub started_by: Option<String>,
    pub started_at: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecordingStarted {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[schema(value_type = String)]
    pub recording_id: RecordingId,
    pub private: bool,
    /// Null when the meeting began it by itself.
    #[schema(required)]
    pub started_by: Option<String>,
    pub timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
pub(super) struct RecordingEnded {
    #[serde(rename = "meetingId")]
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    #[serde(rename = "recordingId")]
    #[schema(value_type = String)]
    pub recording_id: RecordingId,
    pub private: bool,
    pub duration_seconds: f64,
    pub timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct MutedByHost {
    #[schema(value_type = String)]
    pub meeting_id: MeetingId,
    pub muted: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct NewMessage {
    #[schema(value_type = String)]
    pub meeting_id: ChatRoomId,
    pub message: MessageTold,
}

/// A message, with its recipients under the name that sockets use too.
#[derive(Serialize, ToSchema)]
pub(super) struct MessageTold {
    #[serde(flatten)]
    pub message: MessageView,
    #[serde(rename = "recipientType")]
    pub recipient_type: RecipientWord,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserOnline {
    #[schema(value_type = String)]
    pub user_id: UserId,
    pub user_name: String,
    pub timestamp: Timestamp,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserOffline {
    #[schema(value_type = String)]
    pub user_id: UserId,
    pub user_name: String,
    pub timestamp: Timestamp,
    /// The same as `timestamp`.
    pub last_seen: Timestamp,
}

#[derive(Serialize, ToSchema)]
pub(super) struct Resumed {
    /// How many missed events follow.
    pub events: usize,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServerDraining {
    pub reconnect_after_ms: u64,
}
