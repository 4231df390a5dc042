//! What subscribers report about their paths, into their estimates.

use std::time::Instant;

use plenum_shared::media::{Bitrate, Kind};

use super::{
    Engine,
    demux::Slot,
    quality::loss_weight,
    router::Router,
    transport::rtcp::{FEEDBACK_STATUSES_MAX, TransportFeedback},
};

/// Transport-wide feedback that one compound is believed to hold at most: receivers send one message in one.
const FEEDBACKS_MAX: usize = 8;

/// What of the reports in one compound is looked at: a datagram has room for a quarter of a million statuses of packets.
#[derive(Debug, Default)]
pub(super) struct ReportsTaken {
    /// A stream of ours was reported on.
    pub blocks: bool,
    /// The last word on what the path carries.
    pub remb_bps: Option<u64>,
    feedbacks: usize,
    statuses: usize,
}

impl ReportsTaken {
    /// Whether this message is still looked at.
    pub fn takes(&mut self, feedback: &TransportFeedback<'_>) -> bool {
        self.takes_statuses(feedback.status_count())
    }

    fn takes_statuses(&mut self, count: usize) -> bool {
        let takes = self.feedbacks < FEEDBACKS_MAX && self.statuses + count <= FEEDBACK_STATUSES_MAX;
        if takes {
            self.feedbacks += 1;
            self.statuses += count;
        }
        takes
    }
}

impl Engine {
    /// The reports of one compound have been read: the estimate hears of them, and what follows is decided once.
    pub(super) fn note_reports(&mut self, now: Instant, slot: Slot, taken: &ReportsTaken) {
        if taken.blocks {
            self.note_loss(now, slot);
        }
        if let Some(bitrate_bps) = taken.remb_bps {
            self.note_remb(now, slot, bitrate_bps);
        }
        if taken.feedbacks > 0 {
            let peer = &mut self.peers[slot];
            peer.loss = peer.estimate.lost(now).map_or(peer.loss, |lost| lost as f32);
            if peer.estimate.take_return() {
                self.renew_pictures(now, slot);
            }
        }
        if taken.blocks || taken.remb_bps.is_some() || taken.feedbacks > 0 {
            self.after_estimate(now, slot);
        }
    }

    /// The path is back. What was sent while it was dead is lost, and most likely with it what the next pictures build on: the
    /// viewer would ask for keyframes when it has understood that.
    fn renew_pictures(&mut self, now: Instant, slot: Slot) {
        let room = self.peers[slot].room;
        for index in 0..self.peers[slot].consumers.len() {
            let consumer = self.peers[slot].consumers[index];
            if self.rooms[room].router.consumers[consumer].kind == Kind::Video {
                self.request_keyframe(now, room, consumer);
            }
        }
    }

    /// Loss the peer reported over all its streams, weighed by their rates.
    fn note_loss(&mut self, now: Instant, slot: Slot) {
        let peer = &mut self.peers[slot];
        let router = &mut self.rooms[peer.room].router;
        let (mut lost, mut sent, mut weighed) = (0.0, 0, 0.0);
        for &consumer in &peer.consumers {
            let consumer = &mut router.consumers[consumer];
            let rate = consumer.sent_rate(now).0;
            lost += rate as f64 * f64::from(consumer.fraction_lost) / 256.0;
            weighed += rate as f32 * loss_weight(consumer);
            sent += rate;
        }
        // Where nothing was sent nothing is lost, and nothing learnt either.
        let share = lost / sent.max(1) as f64;
        peer.loss_weight = if sent > 0 { weighed / sent as f32 } else { 1.0 };
        // Feedback about every packet tells more than a share in 256ths of the packets of some streams, where packets are
        // sent: of the few of a silent room the reports tell as much, and what feedback told before is over.
        peer.loss = peer.estimate.lost(now).filter(|_| sent > 0).unwrap_or(share) as f32;
        if sent > 0 {
            peer.estimate.handle_loss(now, share, Bitrate(sent));
        }
    }

    fn note_remb(&mut self, now: Instant, slot: Slot, bitrate_bps: u64) {
        let peer = &mut self.peers[slot];
        let sent = sent_rate(now, &peer.consumers, &mut self.rooms[peer.room].router);
        peer.estimate.handle_remb(now, Bitrate(bitrate_bps), sent);
    }
}

/// The rate of everything a peer is sent.
pub(super) fn sent_rate(now: Instant, consumers: &[usize], router: &mut Router) -> Bitrate {
    Bitrate(consumers.iter().map(|&consumer| router.consumers[consumer].sent_rate(now).0).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_compound_is_worth_a_few_messages_and_one_messages_statuses() {
        let mut taken = ReportsTaken::default();
        assert_eq!((0..20).filter(|_| taken.takes_statuses(10)).count(), FEEDBACKS_MAX);
        let mut taken = ReportsTaken::default();
        assert!(taken.takes_statuses(FEEDBACK_STATUSES_MAX));
        assert!(!taken.takes_statuses(1));
    }
}
