//! What passed of one stream, either way: plain integers, added to where its packets pass.

use plenum_shared::details::Traffic;

/// One RTP stream of a publisher; see [`plenum_shared::details::StreamDetails`] for what each field counts.
#[derive(Debug, Clone, Copy, Default)]
pub struct StreamCounts {
    /// Packets taken, each once.
    pub packets: Traffic,
    /// Of those, packets that had been missing and were sent again, or found in a later one.
    pub repaired: Traffic,
    /// Packets that had come before, or came too late.
    pub duplicates: u64,
    /// Packets that made no sense.
    pub discarded: u64,
    /// Sequence numbers we asked for.
    pub nacks: u64,
    /// Picture loss indications we sent.
    pub plis: u64,
    /// Keyframes that came.
    pub keyframes: u64,
}

/// One subscription; see [`plenum_shared::details::ConsumerDetails`].
#[derive(Debug, Clone, Copy, Default)]
pub struct ConsumerCounts {
    /// Datagrams of media, as they left the first time.
    pub sent: Traffic,
    /// Datagrams with what was sent again.
    pub retransmitted: Traffic,
    /// Datagrams of probes.
    pub probes: Traffic,
    /// Sequence numbers the viewer asked for.
    pub nacks: u64,
    /// Of those, numbers that could not be answered.
    pub nacks_unanswered: u64,
    /// Picture loss indications of the viewer.
    pub plis: u64,
    /// Full intra requests of the viewer.
    pub firs: u64,
    /// Changes of what it was given.
    pub layer_changes: u64,
}
