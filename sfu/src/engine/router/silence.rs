//! What of a sound is forwarded at all: not its silence (RFC 7587 DTX), and nothing while its microphone is held back.
//!
//! A receiver that was sent a packet of discontinuous transmission expects a pause and fills it with comfort noise; one
//! that just misses packets conceals a loss. So a pause is entered with such a packet, and in a long one they are
//! repeated now and then, as an encoder of our own would do it.

use std::time::{Duration, Instant};

/// Silence that is still forwarded: the end of a word, and what a receiver needs to fade.
const HANGOVER: Duration = Duration::from_millis(200);
/// Encoders refresh their comfort noise every 400 ms; a packet's length less, so that one of theirs is not missed by
/// the jitter of the network.
const COMFORT_EVERY: Duration = Duration::from_millis(380);
/// What becomes of one packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// It is forwarded.
    Whole,
    /// A packet of discontinuous transmission goes in its place.
    Comfort,
    /// It is not forwarded.
    Hold,
}

/// The pauses of one producer of sound.
#[derive(Debug, Default)]
pub struct Pauses {
    /// Something was forwarded: a pause has to be told.
    began: bool,
    silent_since: Option<Instant>,
    /// In a pause: since when it is, or its last comfort packet was sent.
    comforted_at: Option<Instant>,
    /// Packets were left out since the last one that was forwarded.
    left_out: bool,
    newest: Option<u64>,
    /// Counts the places at which receivers go on after packets that were left out.
    pub segment: u32,
}

impl Pauses {
    /// Decides about one packet. `heard`: its microphone is forwarded. `silent`: it carries no sound.
    pub fn judge(&mut self, now: Instant, index: u64, heard: bool, silent: bool) -> Pass {
        if self.newest.is_some_and(|newest| index <= newest) {
            // A late one says nothing of now, and has a place only in what is being forwarded.
            return if self.began && self.comforted_at.is_none() { Pass::Whole } else { Pass::Hold };
        }
        self.newest = Some(index);
        self.silent_since = silent.then(|| self.silent_since.unwrap_or(now));
        let rests = |since: Instant| now.saturating_duration_since(since) >= HANGOVER;
        if heard && !self.silent_since.is_some_and(rests) {
            self.comforted_at = None;
            return self.forwarded(Pass::Whole);
        }
        match self.comforted_at {
            None if !self.began => self.held(),
            Some(at) if !heard || now.saturating_duration_since(at) < COMFORT_EVERY => self.held(),
            _ => {
                self.comforted_at = Some(now);
                self.forwarded(Pass::Comfort)
            }
        }
    }

    fn held(&mut self) -> Pass {
        self.left_out = true;
        Pass::Hold
    }

    fn forwarded(&mut self, pass: Pass) -> Pass {
        self.began = true;
        if std::mem::take(&mut self.left_out) {
            self.segment = self.segment.wrapping_add(1);
        }
        pass
    }
}

/// A packet of discontinuous transmission in the place of another one: its table of contents with one frame and no
/// content for it (RFC 6716 sections 3.1 and 3.2).
pub fn comfort(opus: &[u8]) -> [u8; 1] {
    [opus.first().copied().unwrap_or_default() & 0xFC]
}

#[cfg(test)]
mod tests {
    use super::*;
    use Pass::{Comfort, Hold, Whole};

    struct Source {
        now: Instant,
        index: u64,
        pauses: Pauses,
    }

    impl Source {
        fn new() -> Self {
            Source { now: Instant::now(), index: 0, pauses: Pauses::default() }
        }

        fn send(&mut self, ms: u64, heard: bool, silent: bool) -> Vec<Pass> {
            let mut passed = Vec::new();
            for _ in 0..ms / 20 {
                self.now += Duration::from_millis(20);
                self.index += 1;
                passed.push(self.pauses.judge(self.now, self.index, heard, silent));
            }
            passed
        }
    }

    fn count(passed: &[Pass], what: Pass) -> usize {
        passed.iter().filter(|pass| **pass == what).count()
    }

    #[test]
    fn silence_ends_with_a_comfort_packet_and_one_follows_every_400_ms() {
        let mut source = Source::new();
        assert_eq!(count(&source.send(1000, true, false), Whole), 50);
        let passed = source.send(10_000, true, true);
        assert_eq!(passed[..11], [&[Whole; 10][..], &[Comfort]].concat());
        assert_eq!(count(&passed, Whole), 10);
        assert!((24..=27).contains(&count(&passed, Comfort)), "{}", count(&passed, Comfort));
        let segment = source.pauses.segment;
        assert_eq!(source.send(60, true, false), [Whole; 3]);
        assert_eq!(source.pauses.segment, segment + 1);
    }

    #[test]
    fn a_short_pause_between_words_is_forwarded() {
        let mut source = Source::new();
        source.send(200, true, false);
        assert_eq!(count(&source.send(180, true, true), Whole), 9);
        source.send(200, true, false);
        assert_eq!(source.pauses.segment, 0);
    }

    #[test]
    fn a_microphone_held_back_says_so_once_and_then_nothing() {
        let mut source = Source::new();
        source.send(200, true, false);
        let passed = source.send(5000, false, false);
        assert_eq!(passed[0], Comfort);
        assert_eq!(count(&passed, Hold), passed.len() - 1);
        assert_eq!(source.send(20, true, false), [Whole], "the first packet is heard");
        assert_eq!(source.pauses.segment, 1);
    }

    #[test]
    fn of_a_microphone_that_was_never_heard_nothing_is_sent() {
        let mut source = Source::new();
        assert_eq!(count(&source.send(1000, false, false), Hold), 50);
        let late = source.pauses.judge(source.now, source.index - 3, false, false);
        assert_eq!(late, Hold, "not even what comes late");
        assert_eq!(source.send(20, true, false), [Whole]);
    }

    #[test]
    fn a_late_packet_neither_opens_a_pause_nor_ends_one() {
        let mut source = Source::new();
        source.send(200, true, false);
        assert_eq!(source.pauses.judge(source.now, source.index - 3, true, true), Whole);
        source.send(1000, false, false);
        assert_eq!(source.pauses.judge(source.now, source.index - 3, true, false), Hold);
        assert_eq!(source.pauses.segment, 0);
    }

    #[test]
    fn an_encoder_that_pauses_by_itself_is_not_disturbed() {
        let mut source = Source::new();
        source.send(200, true, false);
        let mut passed = Vec::new();
        for _ in 0..10 {
            source.now += Duration::from_millis(390);
            source.index += 1;
            passed.push(source.pauses.judge(source.now, source.index, true, true));
        }
        assert_eq!(count(&passed, Hold), 0, "{passed:?}");
    }

    #[test]
    fn what_stands_for_a_packet_keeps_its_configuration() {
        assert_eq!(comfort(&[0xFB, 1, 2, 3]), [0xF8]);
    }
}
