//! How much one worker holds. Every bound is reached by a refusal, never by a failure.

/// Bounds of one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Rooms of the worker.
    pub rooms: usize,
    /// Transports of the worker: 64 kB each when idle, so the default costs at most 256 MB.
    pub transports: usize,
    /// Transports of one session: one to send and one to receive.
    pub transports_per_session: usize,
    /// Producers of one session: camera, microphone, screen and its sound, and room for replaced ones.
    pub producers_per_session: usize,
    /// Producers of one room.
    pub producers_per_room: usize,
    /// Consumers of one transport. Browsers become slow at a few hundred media sections.
    pub consumers_per_transport: usize,
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
        }
    }
}
