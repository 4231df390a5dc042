//! What happened, in our own words, and who is to hear it. Dialects say it in theirs; the compiler asks each of them.

use plenum_shared::{
    event::DataCloseReason,
    id::{ConsumerId, DataConsumerId, DataProducerId, ProducerId},
    media::{ConnectionQuality, Kind, Layer, LayerLimit, Source},
};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;

use super::breakout::{BreakoutNews, BreakoutRoom};
use super::chat::ChatMessage;
use super::chat_event::ChatEvent;
use super::id::{CampusId, MeetingId, ParticipantId, UserId};
use super::live_data::DataNames;
use super::meeting::Meeting;
use super::participant::{ConnectionId, MediaStatus, Participant, Person};
use super::people::RoleChange;
use super::reaction::Reaction;
use super::recording::Recording;
use super::roster::RosterEntry;
use super::session::LeaveReason;

/// Who hears an event. The first five are found by the running meeting, the last three by the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// Everybody inside.
    Everyone,
    /// Everybody inside but one session.
    AllBut(ParticipantId),
    /// Hosts and co-hosts inside.
    Running,
    /// One session, inside or waiting.
    One(ParticipantId),
    /// These sessions.
    These(Vec<ParticipantId>),
    /// Every connection of these accounts.
    Accounts(Vec<UserId>),
    /// Every connection of a campus except one.
    Campus { campus: CampusId, except: ConnectionId },
    /// Every connection there is.
    World,
}

/// An event with its audience.
#[derive(Debug, Clone, PartialEq)]
pub struct Notice {
    pub audience: Audience,
    pub event: DomainEvent,
}

impl Notice {
    /// An event for an audience.
    pub fn new(audience: Audience, event: DomainEvent) -> Self {
        Self { audience, event }
    }
}

/// What a joiner sees on entering.
#[derive(Debug, Clone, PartialEq)]
pub struct Entrance {
    pub meeting: Arc<Meeting>,
    pub me: Participant,
    /// Everybody who was inside before, in order of joining.
    pub others: Vec<Arc<Participant>>,
    /// Raised hands in the order of raising.
    pub hands: Vec<ParticipantId>,
    pub recording: Option<Recording>,
}

/// A fact about a meeting, a person or the platform.
#[derive(Debug, Clone, PartialEq)]
pub enum DomainEvent {
    MeetingStarted(Arc<Meeting>),
    MeetingEnded {
        meeting: MeetingId,
        reason: EndReason,
        at: OffsetDateTime,
    },
    /// To the joiner alone.
    Joined(Arc<Entrance>),
    ParticipantJoined {
        meeting: Arc<Meeting>,
        participant: Box<Participant>,
    },
    ParticipantLeft {
        meeting: MeetingId,
        participant: ParticipantId,
        person: Person,
        name: String,
        reason: LeaveReason,
    },
    /// To the one who waits.
    WaitingRoomJoined {
        meeting: MeetingId,
        participant: ParticipantId,
    },
    /// To those who may admit.
    JoinRequested {
        meeting: MeetingId,
        participant: ParticipantId,
        user: Option<UserId>,
        name: String,
        at: OffsetDateTime,
    },
    /// To the one who waited in vain.
    JoinDenied {
        meeting: MeetingId,
    },
    HandChanged {
        meeting: MeetingId,
        participant: ParticipantId,
        person: Person,
        name: String,
        raised: bool,
        /// Place in the queue, from 1; `None` when lowered.
        position: Option<usize>,
        at: OffsetDateTime,
    },
    ReactionSent {
        meeting: MeetingId,
        participant: ParticipantId,
        person: Person,
        name: String,
        reaction: Reaction,
        at: OffsetDateTime,
    },
    TypingChanged {
        meeting: MeetingId,
        participant: ParticipantId,
        person: Person,
        name: String,
        typing: bool,
    },
    /// The state of recording; told together with one of the next two, which say the same as what happened.
    RecordingChanged {
        meeting: MeetingId,
        recording: Recording,
        active: bool,
        /// `None` when nobody did it.
        by: Option<Person>,
    },
    RecordingStarted {
        meeting: MeetingId,
        recording: Recording,
    },
    RecordingEnded {
        meeting: MeetingId,
        recording: Recording,
        at: OffsetDateTime,
    },
    MediaChanged {
        meeting: MeetingId,
        participant: ParticipantId,
        person: Person,
        media: MediaStatus,
    },
    /// To those inside: the security policy is another one.
    PolicyChanged(Arc<Meeting>),
    /// To the person, to the others, or to both (ADD-EV-09).
    RoleChanged {
        meeting: Arc<Meeting>,
        /// `None`: the person is not inside, and is known by the line.
        participant: Option<ParticipantId>,
        change: RoleChange,
    },
    /// To those inside: these people are on the roster now.
    ParticipantsAdded {
        meeting: MeetingId,
        people: Vec<RosterEntry>,
        by: Option<UserId>,
        at: OffsetDateTime,
    },
    /// To those inside: these people are no longer on the roster.
    ParticipantsRemoved {
        meeting: MeetingId,
        people: Vec<RosterEntry>,
        by: Option<UserId>,
        at: OffsetDateTime,
    },
    /// To somebody who was put on a roster.
    Invited {
        meeting: Arc<Meeting>,
        by: Option<UserId>,
        at: OffsetDateTime,
    },
    /// To somebody who was taken off a roster.
    InvitationWithdrawn {
        meeting: MeetingId,
        name: String,
        at: OffsetDateTime,
    },
    /// To the one who was muted, or may speak again.
    MutedByHost {
        meeting: MeetingId,
        participant: ParticipantId,
        person: Person,
        muted: bool,
    },
    MessageSent(Box<ChatMessage>),
    Chat(Box<ChatEvent>),
    ProducerAdded {
        meeting: MeetingId,
        participant: ParticipantId,
        producer: ProducerId,
        kind: Kind,
        source: Source,
        paused: bool,
    },
    ProducerClosed {
        meeting: MeetingId,
        participant: ParticipantId,
        producer: ProducerId,
        kind: Kind,
    },
    ProducerPaused {
        meeting: MeetingId,
        participant: ParticipantId,
        producer: ProducerId,
        kind: Kind,
        paused: bool,
    },
    DataProducerAdded {
        meeting: MeetingId,
        participant: ParticipantId,
        producer: DataProducerId,
        names: DataNames,
    },
    DataProducerClosed {
        meeting: MeetingId,
        participant: ParticipantId,
        producer: DataProducerId,
    },
    /// To the receiver: a subscription is over that he did not close himself by asking.
    DataConsumerClosed {
        consumer: DataConsumerId,
        reason: DataCloseReason,
    },
    ActiveSpeaker {
        meeting: MeetingId,
        participant: Option<ParticipantId>,
    },
    ActiveSpeakers {
        meeting: MeetingId,
        /// The loudest first.
        speakers: Vec<Heard>,
    },
    QualityChanged {
        meeting: MeetingId,
        participant: ParticipantId,
        quality: ConnectionQuality,
    },
    ConsumerLayersChanged {
        consumer: ConsumerId,
        layer: Option<Layer>,
        /// Why it is less than was asked for.
        limit: Option<LayerLimit>,
    },
    /// To the publisher: what of his track anybody is given or may soon be given.
    ProducerLayers {
        producer: ProducerId,
        /// The highest spatial layer; `None`: nobody watches.
        highest: Option<u8>,
    },
    /// Breakout rooms were opened, replaced or closed, or everybody was called back; also to somebody who enters while
    /// there are some.
    BreakoutsChanged(Arc<BreakoutNews>),
    /// A session is in another room now: to everybody, or to itself when all rooms are told anyway.
    BreakoutAssigned {
        meeting: MeetingId,
        participant: ParticipantId,
        person: Person,
        /// `None`: the main room.
        room: Option<Arc<BreakoutRoom>>,
    },
    /// Whoever runs the rooms says something to all of them; the same words are in the chat.
    BreakoutBroadcast {
        meeting: MeetingId,
        by: Person,
        name: String,
        text: String,
        at: OffsetDateTime,
    },
    /// The media of the meeting is gone; whoever wants some opens transports again.
    MediaReset {
        meeting: MeetingId,
    },
    UserOnline {
        user: UserId,
        name: String,
        at: OffsetDateTime,
    },
    UserOffline {
        user: UserId,
        name: String,
        at: OffsetDateTime,
    },
    /// The credential this connection came with counts no longer; the connection closes behind this.
    AccessEnded(AccessEnd),
    /// This process stops; clients come back after so long.
    Draining {
        reconnect_after: Duration,
    },
}

/// Somebody who is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heard {
    pub participant: ParticipantId,
    /// Smoothed loudness: 0 is the loudest, −127 silence (RFC 6464).
    pub level_dbov: i16,
}

/// Why a connection may no longer be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessEnd {
    /// The token's time is over.
    Expired,
    /// The account's tokens were ended, as a new password does.
    Revoked,
}

/// Why a meeting is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndReason {
    EndedByHost,
    TimeLimit,
}

impl EndReason {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EndedByHost => "host",
            Self::TimeLimit => "time-limit",
        }
    }
}

impl DomainEvent {
    /// A stable word for metric labels.
    pub fn name(&self) -> &'static str {
        match self {
            Self::MeetingStarted(_) => "meeting_started",
            Self::MeetingEnded { .. } => "meeting_ended",
            Self::Joined(_) => "joined",
            Self::ParticipantJoined { .. } => "participant_joined",
            Self::ParticipantLeft { .. } => "participant_left",
            Self::WaitingRoomJoined { .. } => "waiting_room_joined",
            Self::JoinRequested { .. } => "join_requested",
            Self::JoinDenied { .. } => "join_denied",
            Self::HandChanged { .. } => "hand_changed",
            Self::ReactionSent { .. } => "reaction_sent",
            Self::TypingChanged { .. } => "typing_changed",
            Self::RecordingChanged { .. } => "recording_changed",
            Self::RecordingStarted { .. } => "recording_started",
            Self::RecordingEnded { .. } => "recording_ended",
            Self::MediaChanged { .. } => "media_changed",
            Self::PolicyChanged(_) => "policy_changed",
            Self::RoleChanged { .. } => "role_changed",
            Self::ParticipantsAdded { .. } => "participants_added",
            Self::ParticipantsRemoved { .. } => "participants_removed",
            Self::Invited { .. } => "invited",
            Self::InvitationWithdrawn { .. } => "invitation_withdrawn",
            Self::MutedByHost { .. } => "muted_by_host",
            Self::MessageSent(_) => "message_sent",
            Self::Chat(event) => event.name(),
            Self::ProducerAdded { .. } => "producer_added",
            Self::ProducerClosed { .. } => "producer_closed",
            Self::ProducerPaused { .. } => "producer_paused",
            Self::DataProducerAdded { .. } => "data_producer_added",
            Self::DataProducerClosed { .. } => "data_producer_closed",
            Self::DataConsumerClosed { .. } => "data_consumer_closed",
            Self::ActiveSpeaker { .. } => "active_speaker",
            Self::ActiveSpeakers { .. } => "active_speakers",
            Self::QualityChanged { .. } => "quality_changed",
            Self::ConsumerLayersChanged { .. } => "consumer_layers_changed",
            Self::ProducerLayers { .. } => "producer_layers",
            Self::BreakoutsChanged(_) => "breakouts_changed",
            Self::BreakoutAssigned { .. } => "breakout_assigned",
            Self::BreakoutBroadcast { .. } => "breakout_broadcast",
            Self::MediaReset { .. } => "media_reset",
            Self::UserOnline { .. } => "user_online",
            Self::UserOffline { .. } => "user_offline",
            Self::AccessEnded(_) => "access_ended",
            Self::Draining { .. } => "draining",
        }
    }
}
