//! Ids, numbers of enumerations, and the small media words other messages are made of.

use super::{DecodeError, bad};
use crate::{
    command::RefusalReason,
    details::{DataChannelState, DtlsState, IceState},
    event::{CloseReason, DataCloseReason},
    media::{self, ConnectionQuality, Direction, Kind, LayerLimit, LayerStructure, PictureSize, Source},
    transport::{CandidateType, DtlsRole, Protocol, TcpType},
};
use uuid::Uuid;

/// An enumeration with fixed numbers. Zero stays free: a missing field reads as zero.
pub(super) trait Numbered: Sized {
    fn number(self) -> i32;
    fn from_number(number: i32) -> Result<Self, DecodeError>;
}

macro_rules! numbered {
    ($type:ident { $($variant:ident = $number:literal),+ $(,)? }) => {
        impl Numbered for $type {
            fn number(self) -> i32 {
                match self { $(Self::$variant => $number),+ }
            }
            fn from_number(number: i32) -> Result<Self, DecodeError> {
                match number { $($number => Ok(Self::$variant),)+ _ => Err(bad(stringify!($type))) }
            }
        }
    };
}

numbered!(Kind { Audio = 1, Video = 2 });
numbered!(Direction { Send = 1, Recv = 2 });
numbered!(Source { Camera = 1, Microphone = 2, Screen = 3, ScreenAudio = 4 });
numbered!(LayerStructure { Simple = 1, Simulcast = 2, Svc = 3 });
numbered!(LayerLimit { Bandwidth = 1, LastN = 2 });
numbered!(ConnectionQuality { Poor = 1, Fair = 2, Good = 3, Excellent = 4 });
numbered!(Protocol { Udp = 1, Tcp = 2 });
numbered!(CandidateType { Host = 1 });
numbered!(TcpType { Passive = 1 });
numbered!(DtlsRole { Auto = 1, Client = 2, Server = 3 });
numbered!(IceState { New = 1, Connected = 2, Disconnected = 3 });
numbered!(DtlsState { Connecting = 1, Connected = 2 });
numbered!(DataChannelState { Connecting = 1, Open = 2 });
numbered!(CloseReason { ConsentExpired = 1, PeerClosed = 2, HandshakeFailed = 3, NeverConnected = 4 });
numbered!(DataCloseReason { Slow = 1, StreamClosed = 2, AssociationLost = 3 });
numbered!(RefusalReason {
    UnknownRoom = 1,
    UnknownTransport = 2,
    UnknownProducer = 3,
    UnknownConsumer = 4,
    AlreadyExists = 5,
    Invalid = 6,
    Unsupported = 7,
    Busy = 8,
    LimitReached = 9,
    StaleControl = 10,
    Draining = 11,
    Internal = 12,
    UnknownSession = 13,
});

/// The number of something that may be absent: 0 then.
pub(super) fn optional_number<T: Numbered>(value: Option<T>) -> i32 {
    value.map_or(0, Numbered::number)
}

pub(super) fn optional_from_number<T: Numbered>(number: i32) -> Result<Option<T>, DecodeError> {
    if number == 0 { Ok(None) } else { T::from_number(number).map(Some) }
}

/// Width and height; both 0 where the size is not known.
pub(super) fn sides(size: Option<PictureSize>) -> (u32, u32) {
    size.map_or((0, 0), |size| (size.width.into(), size.height.into()))
}

/// The size of two sides that are both there. A side beyond 16 bits is no picture of ours.
pub(super) fn picture_size(width: u32, height: u32) -> Option<PictureSize> {
    let side = |pixels: u32| u16::try_from(pixels).ok().filter(|&pixels| pixels > 0);
    Some(PictureSize { width: side(width)?, height: side(height)? })
}

/// An id as its sixteen bytes.
pub(super) fn id_bytes(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

pub(super) fn id<T>(make: fn(Uuid) -> T, bytes: &[u8]) -> Result<T, DecodeError> {
    Uuid::from_slice(bytes).map(make).map_err(|_| bad("an id is not 16 bytes"))
}

/// A byte-sized number; protobuf has none.
pub(super) fn small(number: u32, field: &str) -> Result<u8, DecodeError> {
    u8::try_from(number).map_err(|_| bad(field))
}

pub(super) fn optional_small(number: Option<u32>, field: &str) -> Result<Option<u8>, DecodeError> {
    number.map(|number| small(number, field)).transpose()
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Layer {
    #[prost(uint32, tag = "1")]
    spatial: u32,
    #[prost(uint32, optional, tag = "2")]
    temporal: Option<u32>,
}

impl From<media::Layer> for Layer {
    fn from(layer: media::Layer) -> Self {
        Self { spatial: layer.spatial.into(), temporal: layer.temporal.map(Into::into) }
    }
}

impl TryFrom<Layer> for media::Layer {
    type Error = DecodeError;
    fn try_from(layer: Layer) -> Result<Self, DecodeError> {
        Ok(Self {
            spatial: small(layer.spatial, "spatial layer")?,
            temporal: optional_small(layer.temporal, "temporal layer")?,
        })
    }
}
