//! What subscribers report about their paths, into their estimates.

use std::time::Instant;

use plenum_shared::media::Bitrate;

use super::{Engine, demux::Slot, router::Router, transport::rtcp::TransportFeedback};

impl Engine {
    /// Loss the peer reported over all its streams, weighed by their rates.
    pub(super) fn note_loss(&mut self, now: Instant, slot: Slot) {
        let peer = &mut self.peers[slot];
        let router = &mut self.rooms[peer.room].router;
        let (mut lost, mut sent) = (0.0, 0);
        for &consumer in &peer.consumers {
            let consumer = &mut router.consumers[consumer];
            let rate = consumer.sent_rate(now).0;
            lost += rate as f64 * f64::from(consumer.fraction_lost) / 256.0;
            sent += rate;
        }
        // Where nothing was sent nothing is lost, and nothing learnt either.
        peer.loss = (lost / sent.max(1) as f64) as f32;
        if sent > 0 {
            peer.estimate.handle_loss(now, f64::from(peer.loss), Bitrate(sent));
            self.after_estimate(now, slot);
        }
    }

    /// Transport-wide feedback: what arrived of what was sent, and when.
    pub(super) fn note_feedback(&mut self, now: Instant, slot: Slot, feedback: &TransportFeedback<'_>) {
        let peer = &mut self.peers[slot];
        peer.estimate.handle_feedback(now, feedback);
        self.after_estimate(now, slot);
    }

    pub(super) fn note_remb(&mut self, now: Instant, slot: Slot, bitrate_bps: u64) {
        let peer = &mut self.peers[slot];
        let sent = sent_rate(now, &peer.consumers, &mut self.rooms[peer.room].router);
        peer.estimate.handle_remb(now, Bitrate(bitrate_bps), sent);
        self.after_estimate(now, slot);
    }
}

/// The rate of everything a peer is sent.
pub(super) fn sent_rate(now: Instant, consumers: &[usize], router: &mut Router) -> Bitrate {
    Bitrate(consumers.iter().map(|&consumer| router.consumers[consumer].sent_rate(now).0).sum())
}
