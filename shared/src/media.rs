//! Media words with their units.

use serde::{Deserialize, Serialize};

/// Audio or video (RFC 3551 media types that we forward).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Audio,
    Video,
}

/// Which way media flows on a transport, in the client's words: on `Send` the client sends to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    Send,
    Recv,
}

/// What a producer shows or carries. The SFU ranks by it (a screen wins over a camera when bandwidth is short).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    Camera,
    Microphone,
    /// The picture of a shared screen.
    Screen,
    /// The sound of a shared screen.
    ScreenAudio,
}

/// How a producer offers its qualities; mediasoup-client shows it as the consumer's `type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LayerStructure {
    /// One stream.
    Simple,
    /// Several streams of one source, one per spatial layer.
    Simulcast,
    /// One stream with layers inside.
    Svc,
}

/// A wanted or current layer: 0 is the smallest. `temporal` absent means all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Layer {
    pub spatial: u8,
    pub temporal: Option<u8>,
}

/// Pixels of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PictureSize {
    pub width: u16,
    pub height: u16,
}

/// Why a viewer is sent less than it asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerLimit {
    /// Its connection does not carry more.
    Bandwidth,
    /// Only the latest speakers of a large room are sent, and this is none of them.
    LastN,
}

/// How well a participant is connected, judged by loss and round-trip time over the last seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectionQuality {
    Poor,
    Fair,
    Good,
    Excellent,
}

/// Bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bitrate(pub u64);

impl Bitrate {
    pub const fn kbps(kilobits_per_second: u64) -> Self {
        Self(kilobits_per_second * 1000)
    }
}
