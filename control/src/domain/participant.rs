//! One join of one person: a fresh id each time, role, what is switched on, hand, connection, and what it publishes.

use plenum_shared::{
    id::{ConsumerId, ProducerId, SessionId, TransportId},
    media::{ConnectionQuality, Direction, Kind, Layer, LayerLimit, Source},
};
use time::OffsetDateTime;

use super::actor::Actor;
use super::chat::Sender;
use super::id::{BreakoutRoomId, ParticipantId, UserId};
use super::live_data::{DataConsumer, DataProducer, EarlyEnds};
use super::meeting::Standing;

/// Tracks one session may publish at once: camera, microphone, screen with sound, and room for a second of each.
pub const PRODUCERS_MAX: usize = 8;
/// Subscriptions one session may hold at once: every track of a full house page by page, far beyond what is on screen.
pub const CONSUMERS_MAX: usize = 2048;

/// A connection that events can be delivered to. Numbers are given by the hub and never reused within a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Who somebody is over all of his joins; the unit in which seats are counted (C-22).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Person {
    User(UserId),
    /// Known by the guest session only.
    Guest(ParticipantId),
}

impl Person {
    /// The person behind an actor; the system is nobody.
    pub fn of(actor: &Actor) -> Option<Self> {
        match actor {
            Actor::Account(account) => Some(Self::User(account.id)),
            Actor::Guest(guest) => Some(Self::Guest(guest.session)),
            Actor::System => None,
        }
    }

    /// The same person as the writer of messages.
    pub fn sender(self) -> Sender {
        match self {
            Self::User(user) => Sender::User(user),
            Self::Guest(session) => Sender::Guest(session),
        }
    }
}

/// What a participant has switched on, as he says (C-49).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MediaStatus {
    pub audio: bool,
    pub video: bool,
    pub screen: bool,
}

/// A partial change of [`MediaStatus`]; absent fields keep their value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MediaChange {
    pub audio: Option<bool>,
    pub video: Option<bool>,
    pub screen: Option<bool>,
}

impl MediaStatus {
    /// The status after the change.
    pub fn with(self, change: MediaChange) -> Self {
        Self {
            audio: change.audio.unwrap_or(self.audio),
            video: change.video.unwrap_or(self.video),
            screen: change.screen.unwrap_or(self.screen),
        }
    }
}

/// One published track.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Producer {
    pub id: ProducerId,
    pub transport: TransportId,
    pub kind: Kind,
    pub source: Source,
    /// The publisher paused it.
    pub paused: bool,
}

/// One subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consumer {
    pub id: ConsumerId,
    pub transport: TransportId,
    pub producer: ProducerId,
    /// What its viewer was told last of the layer he gets.
    pub told: Option<(Option<Layer>, Option<LayerLimit>)>,
}

/// Somebody inside a meeting.
#[derive(Debug, Clone, PartialEq)]
pub struct Participant {
    pub id: ParticipantId,
    pub actor: Actor,
    pub person: Person,
    /// Shown in this session (C-13).
    pub name: String,
    pub standing: Standing,
    pub connection: ConnectionId,
    /// Whether there is a socket behind the connection. Without one nothing reaches it, and only requests speak for it.
    pub has_socket: bool,
    /// What the client calls its connection (C-17).
    pub label: Option<String>,
    /// What the person says to sit at, such as `desktop`.
    pub device: String,
    pub joined_at: OffsetDateTime,
    /// Position in the order of joining.
    pub order: u64,
    pub media: MediaStatus,
    pub hand_raised_at: Option<OffsetDateTime>,
    /// The breakout room this session is in; `None` is the main room.
    pub breakout: Option<BreakoutRoomId>,
    /// A host muted this session: its microphone is not forwarded until he lifts it (C-44).
    pub host_muted: bool,
    /// `None` until the media plane has an opinion.
    pub quality: Option<ConnectionQuality>,
    pub send_transport: Option<TransportId>,
    pub recv_transport: Option<TransportId>,
    pub producers: Vec<Producer>,
    pub consumers: Vec<Consumer>,
    pub data_producers: Vec<DataProducer>,
    pub data_consumers: Vec<DataConsumer>,
    pub early_ends: EarlyEnds,
}

impl Participant {
    /// The session of the media plane: the same id (one join, one session).
    pub fn session(&self) -> SessionId {
        SessionId(self.id.0)
    }

    /// The transport that carries media in a direction, in the client's words.
    pub fn transport(&self, direction: Direction) -> Option<TransportId> {
        match direction {
            Direction::Send => self.send_transport,
            Direction::Recv => self.recv_transport,
        }
    }

    /// Puts a transport into its place and says which one it replaces.
    pub fn put_transport(&mut self, direction: Direction, transport: TransportId) -> Option<TransportId> {
        match direction {
            Direction::Send => self.send_transport.replace(transport),
            Direction::Recv => self.recv_transport.replace(transport),
        }
    }

    /// Whether the transport is one of this session's.
    pub fn has_transport(&self, transport: TransportId) -> bool {
        self.send_transport == Some(transport) || self.recv_transport == Some(transport)
    }

    /// Whether the track must not be forwarded now, apart from what its publisher wants for this track alone.
    pub fn silences(&self, source: Source) -> bool {
        match source {
            Source::Microphone => !self.media.audio || self.host_muted,
            Source::Camera => !self.media.video,
            // What somebody calls the sound of his screen could be his microphone.
            Source::ScreenAudio => self.host_muted,
            Source::Screen => false,
        }
    }

    /// The track somebody means who names a kind and perhaps a source: the newest, a face before a screen (C-55).
    pub fn pick_producer(&self, kind: Kind, source: Option<Source>) -> Option<&Producer> {
        let fits = |p: &&Producer| p.kind == kind && source.is_none_or(|wanted| wanted == p.source);
        let person = |p: &&Producer| matches!(p.source, Source::Camera | Source::Microphone);
        self.producers
            .iter()
            .rev()
            .filter(fits)
            .find(person)
            .or_else(|| self.producers.iter().rev().find(fits))
    }
}
