//! How much one worker holds. Every bound is reached by a refusal, never by a failure.

use std::time::Duration;

use super::{router::hearing::LastN, transport::sctp::DataRate};

/// Bounds of one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rooms of the worker.
    pub rooms: usize,
    /// Transports of the worker: 64 kB each when idle, so the default costs at most 256 MB.
    pub transports: usize,
    /// Transports of one session: one to send and one to receive. Of a room on several workers its home knows of all of them, the
    /// branch with those that receive (they are all on one) of its own.
    pub transports_per_session: usize,
    /// Producers of one session: camera, microphone, screen and its sound, and room for replaced ones.
    pub producers_per_session: usize,
    /// Producers of one room.
    pub producers_per_room: usize,
    /// Consumers of one transport. Browsers become slow at a few hundred media sections.
    pub consumers_per_transport: usize,
    /// Data producers of one transport.
    pub data_producers_per_transport: usize,
    /// Data producers of one room.
    pub data_producers_per_room: usize,
    /// Data consumers of one transport.
    pub data_consumers_per_transport: usize,
    /// Data consumers of one data producer: how many times a message is sent at most, by each worker with a part of the room.
    pub data_consumers_per_producer: usize,
    /// How much one client may send by data channels; above it, it waits.
    pub data_rate: DataRate,
    /// How many microphones and cameras of a group are forwarded at a time. The default is for rooms of any size: more
    /// than three voices at once are not understood, and 25 pictures fill a screen.
    pub last_n: LastN,
    /// How long the first packets of a frame wait for the rest of it at most, so that they leave in one message to the
    /// kernel. Nothing: no longer than there is something to read. Nine in ten frames of browsers are here within half of the
    /// default after their first packet (`bench/captures`).
    pub frame_patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            rooms: 1024,
            transports: 4096,
            transports_per_session: 2,
            producers_per_session: 8,
            producers_per_room: 512,
            consumers_per_transport: 512,
            data_producers_per_transport: 16,
            data_producers_per_room: 256,
            data_consumers_per_transport: 64,
            data_consumers_per_producer: 512,
            data_rate: DataRate::default(),
            last_n: LastN { audio: 3, video: 25 },
            frame_patience: Duration::from_millis(1),
        }
    }
}
