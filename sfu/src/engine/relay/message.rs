//! What the workers of a room tell each other beside packets. Nothing in it is of one engine alone, but times are of the clock
//! that all workers of a process have.

use bytes::Bytes;
use plenum_shared::{
    id::{DataProducerId, ProducerId, RoomId, SessionId},
    media::{Kind, PictureSize, Source},
    transport::SctpStreamParameters,
};

use crate::engine::{
    quality::Figures,
    router::{producer::LAYERS_MAX, reception::ReceivedReport},
    transport::{params::Published, sctp::PayloadProtocolIdentifier},
};

/// Something about one room.
#[derive(Debug)]
pub struct Message {
    /// The room.
    pub room: RoomId,
    /// What there is to tell.
    pub body: Told,
}

/// In which direction.
#[derive(Debug)]
pub enum Told {
    /// By home.
    ToBranch(ToBranch),
    /// By a branch.
    ToHome(ToHome),
}

/// What home tells its branches.
#[derive(Debug)]
pub enum ToBranch {
    /// There is a room of which the receiver is a branch from now on.
    Open,
    /// The room is closed: its transports there say goodbye.
    Close,
    /// The room has failed: nothing of it is asked any more.
    Fail,
    /// Something is published.
    Produced(Box<Mirrored>),
    /// It is no more, and its consumers with it.
    Closed {
        /// What.
        producer: ProducerId,
    },
    /// It is paused, or not any more.
    Paused {
        /// What.
        producer: ProducerId,
        /// Whether.
        paused: bool,
    },
    /// It came on stage or left it.
    Staged {
        /// What.
        producer: ProducerId,
        /// Whether it is let through now.
        on_stage: bool,
    },
    /// A sender report came, or is known of a stream that is wanted from now on.
    Reported {
        /// What it is of.
        producer: ProducerId,
        /// The stream of it.
        stream: u8,
        /// As in [`super::Head::generation`]: packets of the one before may still be on their way.
        generation: u8,
        /// The publisher's clocks.
        report: ReceivedReport,
        /// See [`super::super::router::reception::Reception::missed_share`].
        missed_share: f32,
    },
    /// A session is in another part of the room.
    Grouped {
        /// Who.
        session: SessionId,
        /// 0 is the main one.
        group: u32,
    },
    /// Somebody else speaks in a part of the room, or nobody.
    Speaks {
        /// Where.
        group: u32,
        /// Who, and by what.
        speaker: Option<(SessionId, ProducerId)>,
    },
    /// Messages of a client are for others.
    DataProduced {
        /// Their name.
        producer: DataProducerId,
        /// Whose they are.
        session: SessionId,
        /// The stream they come on, and what becomes of those that are lost.
        stream: SctpStreamParameters,
    },
    /// They are not any more.
    DataClosed {
        /// Which.
        producer: DataProducerId,
    },
    /// One of them.
    Data {
        /// Of which.
        producer: DataProducerId,
        /// Text or bytes.
        kind: PayloadProtocolIdentifier,
        /// The message.
        payload: Bytes,
    },
    /// One of them that there was no room for.
    DataLost {
        /// Of which.
        producer: DataProducerId,
        /// Its length.
        len: usize,
    },
}

/// A producer as a branch has to know it.
#[derive(Debug, Clone)]
pub struct Mirrored {
    /// Its name.
    pub id: ProducerId,
    /// Who publishes it.
    pub session: SessionId,
    /// Audio or video.
    pub kind: Kind,
    /// What it shows or carries.
    pub source: Source,
    /// What was negotiated.
    pub published: Published,
    /// Nothing is forwarded.
    pub paused: bool,
    /// The part of the room its session is in.
    pub group: u32,
    /// Its picture is let through.
    pub on_stage: bool,
    /// How large the picture of each layer is.
    pub pictures: [Option<PictureSize>; LAYERS_MAX],
}

/// What a branch tells home.
#[derive(Debug)]
pub enum ToHome {
    /// The room has failed there.
    Fail,
    /// What of a producer is wanted there.
    Wants {
        /// What.
        producer: ProducerId,
        /// How much of it.
        wants: Wants,
    },
    /// Somebody there cannot go on without a keyframe.
    Keyframe {
        /// Of what.
        producer: ProducerId,
        /// Of which of its streams, one bit each.
        streams: u8,
    },
    /// So many there are subscribed to a data producer.
    DataWanted {
        /// To which.
        producer: DataProducerId,
        /// How many.
        consumers: u32,
    },
    /// How well a session is connected is to be told to control once more.
    Retell {
        /// Whose.
        session: SessionId,
    },
    /// A transport of a session is there.
    Came {
        /// Whose.
        session: SessionId,
    },
    /// A transport of a session is gone from there.
    Left {
        /// Whose.
        session: SessionId,
    },
    /// How a session's transports there fared in the last second.
    Fares {
        /// Whose.
        session: SessionId,
        /// What their reports say.
        figures: Figures,
        /// A picture froze.
        froze: bool,
    },
}

/// What of a producer the viewers of one branch want.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Wants {
    /// Somebody has subscribed to it.
    pub media: bool,
    /// The highest layer that its publisher should send for them.
    pub highest: Option<u8>,
    /// Some of them take no pauses of sound.
    pub steady: bool,
    /// Some of them are sent sound again.
    pub redundant: bool,
}
