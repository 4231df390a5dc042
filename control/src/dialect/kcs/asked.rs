//! What sockets ask: the payload of every event a client may send, for the description, and one table that names them.
//!
//! [`super::socket_requests`] reads them field by field (decision 0014). An event gets into [`super::socket`]'s table
//! by [`Asked::NAME`] alone, so that none is served without a description.

use serde_json::Value;
use utoipa::ToSchema;

use super::asked_breakouts::{AssignBreakout, ChooseBreakout, GetBreakoutRooms, ReturnFromBreakout};
use super::asked_chat::{
    ChatTyping, GetRoomOnlineUsers, JoinChatRooms, LeaveChatRoom, MarkMessagesSeen, UpdateChatStatus,
};
use super::asked_data::{CloseDataConsumer, CloseDataProducer, ConsumeData, ProduceData};
use super::limits;
use super::told::{self, Told};
use super::view::words::{DirectionWord, KindWord, SourceWord};
use crate::dialect::asyncapi::{Message, Question};
use crate::domain::error::DomainError;
use crate::domain::limit::LimitedAction;
use crate::domain::meeting::Feature;

/// A payload that has a name.
pub(super) trait Asked: ToSchema {
    const NAME: &'static str;
}

/// Names payloads, says what each asks, what answers it, what is refused and how often it may be asked; lists them all.
macro_rules! asked {
    ($(
        $name:literal $payload:ident: $about:literal
        $(, answers [$($answer:ident),+])?
        $(, refuses [$($reason:expr),+])?
        $(, at most $action:ident)?;
    )+) => {
        $(impl Asked for $payload {
            const NAME: &'static str = $name;
        })+

        /// Every event there is, described.
        pub(super) fn all() -> Vec<Question> {
            use DomainError::*;
            vec![$(Question {
                message: Message::of::<$payload>($name, $about),
                answers: vec![$($(<told::$answer as Told>::NAME),+)?],
                refusals: vec![Malformed("must be a JSON object".into()), $($($reason),+)?],
                budget: None $(.or(Some(limits::budget(LimitedAction::$action))))?,
            }),+]
        }
    };
}

asked! {
    "join-meeting" JoinMeeting: "Enter a meeting, or wait for a host to open the door.",
        answers [MeetingJoined, WaitingRoomJoined],
        refuses [MeetingIdMissing, MeetingNotFound, OtherCampus, NotInvited, KeptOut, MeetingEnded, MeetingCancelled,
            MeetingNotActive, MeetingLocked, MeetingPasswordMissing, MeetingPasswordWrong, MeetingFull,
            invalid(), RateLimited { retry_after_s: 1, budget: None }],
        at most Write;
    "leave-meeting" LeaveMeeting: "Leave a meeting. Succeeds for whoever is not inside.",
        refuses [MeetingIdMissing, invalid()];
    "send-message" SendMessage: "Say something to everybody, to one person, or to those who run the meeting.",
        refuses [MeetingIdMissing, NotInMeeting, FeatureOff(Feature::Chat), missing(), invalid(), ParticipantNotFound,
            AttachmentNotFound, RateLimited { retry_after_s: 1, budget: None }],
        at most ChatMessage;
    "join-chat-rooms" JoinChatRooms: "Listen to rooms, meetings among them. Rooms without access are left out.",
        answers [ChatRoomsJoined], refuses [missing(), invalid(), RateLimited { retry_after_s: 1, budget: None }],
        at most Read;
    "leave-chat-room" LeaveChatRoom: "Listen no more to a room.",
        answers [ChatRoomLeft], refuses [missing(), invalid(), ChatRoomNotFound];
    "chat-typing" ChatTyping: "Say that one types in a room one listens to, or stopped. Believed for three seconds.",
        refuses [missing(), invalid(), ChatRoomNotFound, Forbidden, NotInMeeting, MeetingNotActive, MeetingEnded,
            FeatureOff(Feature::Chat), RateLimited { retry_after_s: 1, budget: None }],
        at most ChatTyping;
    "mark-messages-seen" MarkMessagesSeen: "Say which messages of a room one has seen.",
        answers [SeenAcknowledged],
        refuses [missing(), invalid(), ChatRoomNotFound, MeetingNotFound, OtherCampus, NotMember,
            RateLimited { retry_after_s: 1, budget: None }],
        at most ChatReceipt;
    "update-chat-status" UpdateChatStatus: "Say how one is. Everybody who shares a room is told.",
        refuses [missing(), invalid(), RateLimited { retry_after_s: 1, budget: None }],
        at most Write;
    "get-room-online-users" GetRoomOnlineUsers: "Ask who of a room is there.",
        answers [RoomOnlineUsers],
        refuses [missing(), invalid(), ChatRoomNotFound, MeetingNotFound, OtherCampus, NotMember,
            RateLimited { retry_after_s: 1, budget: None }],
        at most Read;
    "typing" Typing: "Say that one types, or stopped. It ends by itself after three seconds.",
        refuses [MeetingIdMissing, NotInMeeting, FeatureOff(Feature::Chat), missing(), invalid()];
    "send-reaction" SendReaction: "Show a reaction to everybody inside.",
        refuses [MeetingIdMissing, NotInMeeting, missing(), invalid(), RateLimited { retry_after_s: 1, budget: None }],
        at most Reaction;
    "raise-hand" RaiseHand: "Raise or lower the own hand; hosts and co-hosts lower somebody else's.",
        refuses [MeetingIdMissing, NotInMeeting, FeatureOff(Feature::HandRaise), Forbidden, ParticipantNotFound,
            missing(), invalid()];
    "lower-hands" LowerHands: "Lower every hand. Hosts and co-hosts.",
        refuses [MeetingIdMissing, NotInMeeting, Forbidden, invalid()];
    "toggle-recording" ToggleRecording: "Begin or end the recording. What is so already stays so. No file is made yet.",
        refuses [MeetingIdMissing, NotInMeeting, FeatureOff(Feature::Recording), Forbidden, missing(), invalid()];
    "media-status-update" MediaStatusUpdate: "Say what is switched on. What is absent stays.",
        refuses [MeetingIdMissing, NotInMeeting, FeatureOff(Feature::ScreenSharing), Forbidden, invalid(),
            RateLimited { retry_after_s: 1, budget: None }],
        at most MediaUpdate;
    "mute-participant" MuteParticipant: "Silence somebody, or allow them to speak again. Hosts and co-hosts.",
        refuses [MeetingIdMissing, NotInMeeting, Forbidden, ParticipantNotFound, missing(), invalid()];
    "admit-participant" AdmitParticipant: "Let somebody in who waits. Hosts and co-hosts.",
        refuses [MeetingIdMissing, NotInMeeting, Forbidden, ParticipantNotFound, MeetingFull, missing(), invalid()];
    "deny-participant" DenyParticipant: "Turn somebody away who waits. Hosts and co-hosts.",
        refuses [MeetingIdMissing, NotInMeeting, Forbidden, ParticipantNotFound, missing(), invalid()];
    "get-breakout-rooms" GetBreakoutRooms: "Ask which breakout rooms there are, and who is in which.",
        answers [BreakoutRoomsChanged],
        refuses [MeetingIdMissing, MeetingNotFound, OtherCampus, NotMember, invalid(), RateLimited { retry_after_s: 1, budget: None }],
        at most Read;
    "assign-breakout" AssignBreakout: "Send somebody to a breakout room, or call them back. Hosts.",
        refuses [MeetingIdMissing, MeetingNotFound, OtherCampus, NotInMeeting, Forbidden, ParticipantNotFound,
            BreakoutRoomNotFound, BreakoutRoomFull, missing(), invalid(), RateLimited { retry_after_s: 1, budget: None }],
        at most Write;
    "choose-breakout" ChooseBreakout: "Go into a breakout room, where the host lets people choose.",
        refuses [MeetingIdMissing, MeetingNotFound, OtherCampus, NotInMeeting, BreakoutRoomNotFound, BreakoutRoomFull,
            missing(), invalid(), RateLimited { retry_after_s: 1, budget: None }],
        at most Write;
    "return-from-breakout" ReturnFromBreakout: "Come back to the main room, where the host lets people return.",
        refuses [MeetingIdMissing, MeetingNotFound, OtherCampus, NotInMeeting, BreakoutRoomNotFound, invalid(),
            RateLimited { retry_after_s: 1, budget: None }],
        at most Write;
    "create-transport" CreateTransport: "Open a way for media, in one direction.",
        answers [TransportCreated],
        refuses [MeetingIdMissing, NotInMeeting, missing(), invalid(), MediaUnavailable];
    "connect-transport" ConnectTransport: "Finish opening an own transport.",
        answers [TransportConnected],
        refuses [TransportNotFound, missing(), invalid(), MediaUnavailable];
    "restart-ice" RestartIce: "Ask for new credentials of an own transport, after a change of network or a lost connection. Media goes on meanwhile.",
        answers [IceRestarted],
        refuses [TransportNotFound, missing(), invalid(), MediaRefused("<reason>".into()), MediaUnavailable];
    "get-stats" GetStats: "Ask for the figures of one's own media, or of one part of it; hosts and co-hosts of somebody else's.",
        answers [Stats],
        refuses [MeetingIdMissing, MeetingNotFound, NotInMeeting, Forbidden, ParticipantNotFound, TransportNotFound,
            ProducerNotFound, ConsumerNotFound, invalid(), MediaUnavailable,
            RateLimited { retry_after_s: 1, budget: None }],
        at most MediaFigures;
    "produce" Produce: "Publish a track.",
        answers [Produced],
        refuses [MeetingIdMissing, NotInMeeting, TransportNotFound, FeatureOff(Feature::Video), Forbidden, missing(),
            invalid(), MediaRefused("<reason>".into()), MediaUnavailable];
    "close-producer" CloseProducer: "Take an own track away.",
        answers [ProducerClosed], refuses [ProducerNotFound, missing(), invalid(), MediaUnavailable];
    "pause-producer" PauseProducer: "Let an own track rest.",
        answers [ProducerPaused], refuses [ProducerNotFound, missing(), invalid(), MediaUnavailable];
    "resume-producer" ResumeProducer: "Let an own track flow again.",
        answers [ProducerResumed], refuses [ProducerNotFound, missing(), invalid(), MediaUnavailable];
    "consume" Consume: "Receive somebody's track.",
        answers [Consumed],
        refuses [MeetingIdMissing, NotInMeeting, TransportNotFound, ParticipantNotFound, ProducerNotFound, missing(),
            invalid(), MediaRefused("<reason>".into()), MediaUnavailable];
    "pause-consumer" PauseConsumer: "Stop receiving a track for a while.",
        answers [ConsumerPaused], refuses [ConsumerNotFound, missing(), invalid(), MediaUnavailable];
    "resume-consumer" ResumeConsumer: "Receive a track again.",
        answers [ConsumerResumed], refuses [ConsumerNotFound, missing(), invalid(), MediaUnavailable];
    "set-consumer-layers" SetConsumerLayers: "Ask for a larger or smaller picture of a track.",
        answers [ConsumerLayersSet], refuses [ConsumerNotFound, missing(), invalid(), MediaUnavailable];
    "set-preferred-layers" SetPreferredLayers: "Say how large a track is shown, and which layer is wanted at most.",
        refuses [ConsumerNotFound, missing(), invalid(), MediaUnavailable];
    "set-consumer-priority" SetConsumerPriority: "Say how much a track matters among those one receives.",
        refuses [ConsumerNotFound, missing(), invalid(), MediaUnavailable];
    "produce-data" ProduceData: "Open a data channel. Whoever may chat may.",
        answers [DataProduced],
        refuses [NotInMeeting, TransportNotFound, FeatureOff(Feature::Chat), Forbidden, missing(), invalid(),
            MediaRefused("<reason>".into()), MediaUnavailable, RateLimited { retry_after_s: 1, budget: None }],
        at most MediaUpdate;
    "consume-data" ConsumeData: "Receive the messages of somebody's data channel.",
        answers [DataConsumed],
        refuses [NotInMeeting, TransportNotFound, ProducerNotFound, missing(), invalid(),
            MediaRefused("<reason>".into()), MediaUnavailable, RateLimited { retry_after_s: 1, budget: None }],
        at most DataSubscribe;
    "close-data-producer" CloseDataProducer: "Close an own data channel. Closing the channel itself says the same.",
        answers [DataProducerClosed], refuses [ProducerNotFound, missing(), invalid(), MediaUnavailable];
    "close-data-consumer" CloseDataConsumer: "Receive no more messages of a data channel. Closing the channel itself says the same.",
        refuses [ConsumerNotFound, missing(), invalid(), MediaUnavailable];
}

fn missing() -> DomainError {
    DomainError::FieldMissing("<field>")
}

fn invalid() -> DomainError {
    DomainError::invalid("<field>", "<reason>")
}

/// A meeting, by its id: bare, or with `mtg_` or `call_` before it. Also accepted as `meeting_id`; and instead of the whole
/// object the bare text will do.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC" }))]
pub struct LeaveMeeting {
    pub meeting_id: String,
}

#[derive(ToSchema)]
#[schema(
    rename_all = "camelCase",
    example = json!({ "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "meeting_password": "open sesame" })
)]
pub struct JoinMeeting {
    pub meeting_id: String,
    /// Of meetings that ask for one. Also accepted as `password`.
    #[schema(rename = "meeting_password")]
    pub meeting_password: Option<String>,
    /// The name to be shown; the account's when absent.
    #[schema(max_length = 100)]
    pub user_name: Option<String>,
    /// Compared with whom the token stands for, and believed in nothing.
    pub user_id: Option<String>,
    /// What the client calls its connection: a session of the same label, entered over REST or lost, goes on over this
    /// socket. Without it, one that has no socket does.
    #[schema(rename = "connection_id", max_length = 100)]
    pub connection_id: Option<String>,
    /// What the person sits at.
    #[schema(rename = "device_type", max_length = 100)]
    pub device_type: Option<String>,
}

#[derive(ToSchema)]
#[schema(
    rename_all = "camelCase",
    example = json!({ "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "message": "Welcome!" })
)]
pub struct SendMessage {
    pub meeting_id: String,
    /// May be absent or empty when files are sent.
    #[schema(max_length = 4000)]
    pub message: Option<String>,
    #[schema(default = "all")]
    pub recipient_type: Option<RecipientKind>,
    /// Of a private message: whom it is for, by session, roster or account id.
    pub recipient_id: Option<String>,
    /// Own uploads that were not sent before, by their ids.
    #[schema(max_items = 10)]
    pub attachments: Option<Vec<String>>,
}

/// Who is to read a message.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum RecipientKind {
    All,
    Private,
    Host,
}

#[derive(ToSchema)]
#[schema(
    rename_all = "camelCase",
    example = json!({ "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "raised": true })
)]
pub struct RaiseHand {
    pub meeting_id: String,
    pub raised: bool,
    /// Whose hand to lower, by session, roster or account id; the own when absent.
    pub participant_id: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC" }))]
pub struct LowerHands {
    pub meeting_id: String,
}

#[derive(ToSchema)]
#[schema(
    rename_all = "camelCase",
    example = json!({ "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "typing": true })
)]
pub struct Typing {
    pub meeting_id: String,
    pub typing: bool,
}

#[derive(ToSchema)]
#[schema(
    rename_all = "camelCase",
    example = json!({ "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "reaction": "👏" })
)]
pub struct SendReaction {
    pub meeting_id: String,
    /// An emoji, or one of the names thumbs_up, thumbs_down, clap, heart, laugh, surprised, sad, party, fire,
    /// raised_hands. At most 32 bytes.
    pub reaction: String,
}

#[derive(ToSchema)]
#[schema(
    rename_all = "camelCase",
    example = json!({ "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "start": true })
)]
pub struct ToggleRecording {
    pub meeting_id: String,
    pub start: bool,
}

#[derive(ToSchema)]
#[schema(
    rename_all = "camelCase",
    example = json!({ "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "audio": false })
)]
pub struct MediaStatusUpdate {
    pub meeting_id: String,
    pub video: Option<bool>,
    pub audio: Option<bool>,
    /// Also accepted as `screen`.
    pub screen_sharing: Option<bool>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "participantId": "3d9f2a51-7c0e-4b8e-9a66-0f6b1c2d4e5f", "mute": true,
}))]
pub struct MuteParticipant {
    pub meeting_id: String,
    /// By session, roster or account id.
    pub participant_id: String,
    pub mute: bool,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "participantId": "3d9f2a51-7c0e-4b8e-9a66-0f6b1c2d4e5f",
}))]
pub struct AdmitParticipant {
    pub meeting_id: String,
    /// By session, roster or account id.
    pub participant_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({
    "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "participantId": "3d9f2a51-7c0e-4b8e-9a66-0f6b1c2d4e5f",
}))]
pub struct DenyParticipant {
    pub meeting_id: String,
    /// By session, roster or account id.
    pub participant_id: String,
}

#[derive(ToSchema)]
#[schema(
    rename_all = "camelCase",
    example = json!({ "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC", "direction": "send" })
)]
pub struct CreateTransport {
    pub meeting_id: String,
    pub direction: DirectionWord,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ConnectTransport {
    pub transport_id: String,
    /// As mediasoup-client gives them.
    #[schema(value_type = Object)]
    pub dtls_parameters: Value,
}

/// Whose or what figures: the most particular thing that is named, all of one's own session when nothing is.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase", example = json!({ "meetingId": "01JDAVNTZ6MG8F0Q5W0R7YH3KC" }))]
pub struct GetStats {
    /// Whoever is in several meetings says which.
    pub meeting_id: Option<String>,
    /// Somebody else, by session, roster or account id; for hosts and co-hosts.
    pub participant_id: Option<String>,
    /// A transport of one's own.
    pub transport_id: Option<String>,
    /// A track of one's own.
    pub producer_id: Option<String>,
    /// A subscription of one's own.
    pub consumer_id: Option<String>,
    /// A data channel of one's own.
    pub data_producer_id: Option<String>,
    /// A subscription of one's own to a data channel.
    pub data_consumer_id: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct RestartIce {
    pub transport_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Produce {
    pub meeting_id: String,
    pub kind: KindWord,
    /// As mediasoup-client gives them.
    #[schema(value_type = Object)]
    pub rtp_parameters: Value,
    /// `microphone` or `camera` when absent, by kind.
    pub source: Option<SourceWord>,
    #[schema(default = false)]
    pub paused: Option<bool>,
}

/// An own track.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct CloseProducer {
    pub producer_id: String,
}

/// An own track.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PauseProducer {
    pub producer_id: String,
}

/// An own track.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ResumeProducer {
    pub producer_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct Consume {
    pub meeting_id: String,
    /// Whose track, by session, roster or account id.
    pub producer_participant_id: String,
    pub kind: KindWord,
    /// As mediasoup-client gives them.
    #[schema(value_type = Object)]
    pub rtp_capabilities: Value,
    /// Which of several tracks of one kind; `source` will do as well.
    pub producer_id: Option<String>,
    pub source: Option<SourceWord>,
    #[schema(default = false)]
    pub paused: Option<bool>,
}

/// An own consumer.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct PauseConsumer {
    pub consumer_id: String,
}

/// An own consumer.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct ResumeConsumer {
    pub consumer_id: String,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SetConsumerLayers {
    pub consumer_id: String,
    /// 0 is the smallest.
    #[schema(minimum = 0, maximum = 7)]
    pub spatial_layer: u8,
    #[schema(minimum = 0, maximum = 7)]
    pub temporal_layer: Option<u8>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SetPreferredLayers {
    pub consumer_id: String,
    /// 0 is the smallest; the largest there is when absent.
    #[schema(minimum = 0, maximum = 7)]
    pub spatial_layer: Option<u8>,
    #[schema(minimum = 0, maximum = 7)]
    pub temporal_layer: Option<u8>,
    /// Pixels the picture is shown at; with `height`. As large as it comes when absent.
    #[schema(minimum = 1, maximum = 16383)]
    pub width: Option<u16>,
    #[schema(minimum = 1, maximum = 16383)]
    pub height: Option<u16>,
}

#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct SetConsumerPriority {
    pub consumer_id: String,
    /// 1 as every track starts, more for what was pinned: the higher goes first when bandwidth is short.
    #[schema(minimum = 1, maximum = 255)]
    pub priority: u8,
}
