//! A room on several workers: what crosses between its home and its branches.
//!
//! ```text
//! publisher ─▶ home: producer ─▶ Relay::push ─▶ (another worker) ─▶ branch: mirror of the producer ─▶ its viewers
//!              home ◀─ what is wanted of each producer, keyframes, how viewers are connected ◀─ Relay::tell ─ branch
//! ```
//!
//! [`home`] is what a home does for its branches, [`branch`] how a branch follows, [`data`] what both do for data channels,
//! [`message`] what they tell each other.
//! The engine writes to other workers by [`Relay`] and knows nothing of what is behind it.

pub mod branch;
pub mod data;
pub mod home;
pub mod message;
mod spoilt;

use std::fmt;

use plenum_shared::id::{ProducerId, RoomId};

use super::{egress::Class, router::silence::Pass};
use message::Message;

/// The number of a worker of this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct WorkerIndex(pub u16);

/// The way from one worker to the others. Whoever is told something before a packet reads it before that packet.
pub trait Relay: fmt::Debug + Send {
    /// Tells another worker something that must not be lost.
    fn tell(&mut self, to: WorkerIndex, message: Message);

    /// Tells another worker something that may be lost, with so many bytes beside the message itself, unless too much of that
    /// kind waits for it. Returns whether it did.
    fn offer(&mut self, to: WorkerIndex, message: Message, bytes: usize) -> bool;

    /// Gives another worker a packet. Returns whether there was room for its class.
    fn push(&mut self, to: WorkerIndex, class: Class, head: &Head, bytes: &[u8]) -> bool;

    /// Wakes whoever was told or given something. Returns whether that is all: what still waits for room is to be flushed again
    /// soon.
    fn flush(&mut self) -> bool;
}

/// There is no other worker.
#[derive(Debug)]
pub(super) struct Alone;

impl Relay for Alone {
    fn tell(&mut self, _: WorkerIndex, _: Message) {}

    fn offer(&mut self, _: WorkerIndex, _: Message, _: usize) -> bool {
        false
    }

    fn push(&mut self, _: WorkerIndex, _: Class, _: &Head, _: &[u8]) -> bool {
        false
    }

    fn flush(&mut self) -> bool {
        true
    }
}

/// Bytes of a packet that crosses: all that a path of 1500 bytes carries. Longer ones, by jumbo frames or TCP, are for viewers at
/// home.
pub const PACKET_BYTES_MAX: usize = 1500;

/// What crosses in the place of padding, which only has an index: an RTP header with nothing behind it.
pub const PADDING: &[u8] = &[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// What goes with the bytes of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The room it is in.
    pub room: RoomId,
    /// What it is of.
    pub producer: ProducerId,
    /// The stream of that producer.
    pub stream: u8,
    /// How often the publisher has numbered that stream anew.
    pub generation: u8,
    /// Its index in that stream.
    pub index: u64,
    /// What the bytes are.
    pub body: Body,
}

/// See [`Head::body`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// A plain packet of a picture, or [`PADDING`].
    Video,
    /// A plain packet with sound.
    Sound(SoundHead),
    /// An Opus payload that was not forwarded, and may be sent again with one that is.
    Earlier {
        /// The publisher's timestamp.
        timestamp: u32,
    },
}

/// What home found about a packet of sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SoundHead {
    /// The publisher's timestamp of it: not the packet's own, where it was found as redundancy in a later one.
    pub timestamp: u32,
    /// As the packet says, or not for one that was found.
    pub marker: bool,
    /// Where in the bytes the Opus payload begins.
    pub opus_start: u16,
    /// Its length.
    pub opus_len: u16,
    /// What becomes of it.
    pub pass: Pass,
    /// Its microphone is let through.
    pub heard: bool,
    /// See [`super::router::silence::Pauses::segment`].
    pub segment: u32,
}
