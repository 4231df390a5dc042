//! What was sent lately, by its transport-wide number, until feedback tells what became of it.

use std::ops::Range;

/// Packets remembered at most: at 10 Mbit/s about two seconds. What feedback says of older ones is not believed.
pub const SENT_MAX: usize = 2048;

/// Packets that a ring begins with: two and a half seconds of sound.
const SENT_MIN: usize = 128;

/// A ring grows rather than forget what left within this time, in microseconds: a queue on the path may be as long.
const KEPT_US: u32 = 2_000_000;

/// As long as that for packets of which nothing is expected any more, but that they turn up after all.
const SETTLED_KEPT_US: u32 = 250_000;

/// What became of a packet, as far as we were told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// Nothing was said of it.
    #[default]
    Unknown,
    /// It had not arrived when it was spoken of.
    Missing,
    /// It arrived.
    Arrived,
}

/// One packet that was sent.
#[derive(Debug, Clone, Copy, Default)]
pub struct SentPacket {
    /// When, in microseconds of the estimator's clock, modulo 2³²: enough to tell times apart that are an hour apart.
    pub sent_us: u32,
    /// Bytes of the datagram.
    pub len: u16,
    /// What we know of it.
    pub fate: Fate,
}

/// The last packets: as many as the rate asks for.
#[derive(Debug)]
pub struct SentPackets {
    /// By the lower bits of the number; a power of two. Made with the first packet: most transports of a large room never send
    /// one.
    ring: Vec<SentPacket>,
    next: u64,
    /// The first number that is remembered and counts.
    first: u64,
    /// What became of those before this number was heard of, and judged.
    settled: u64,
}

impl SentPackets {
    /// Nothing was sent.
    pub fn new() -> Self {
        SentPackets { ring: Vec::new(), next: 0, first: 0, settled: 0 }
    }

    /// Nothing that is remembered, and the next number.
    pub fn continued(&self) -> Self {
        SentPackets { next: self.next, first: self.next, ..SentPackets::new() }
    }

    /// Takes note of a packet and names it; its wraps are counted here, 16 bits of it go on the wire.
    pub fn push(&mut self, sent_us: u32, len_bytes: usize) -> u64 {
        if self.ring.is_empty() {
            self.ring = vec![SentPacket::default(); SENT_MIN];
        }
        let number = self.next;
        self.next += 1;
        if number - self.first == self.ring.len() as u64 {
            self.make_room(sent_us);
        }
        let place = self.place(number);
        let len = len_bytes.min(usize::from(u16::MAX)) as u16;
        self.ring[place] = SentPacket { sent_us, len, fate: Fate::Unknown };
        number
    }

    /// The oldest one is forgotten, or all of them have places in a ring of twice the length.
    fn make_room(&mut self, now_us: u32) {
        let oldest = self.ring[self.place(self.first)];
        let kept_us = if self.first < self.settled { SETTLED_KEPT_US } else { KEPT_US };
        if self.ring.len() < SENT_MAX && now_us.wrapping_sub(oldest.sent_us) < kept_us {
            // Those that were in the second half of a ring of twice the length are moved there.
            let len = self.ring.len();
            self.ring.reserve_exact(len);
            self.ring.extend_from_within(..);
            return;
        }
        self.first += 1;
    }

    fn place(&self, number: u64) -> usize {
        number as usize & self.ring.len().saturating_sub(1)
    }

    /// A packet that is remembered.
    pub fn get(&self, number: u64) -> Option<SentPacket> {
        let is_remembered = (self.first..self.next).contains(&number);
        self.ring.get(self.place(number)).copied().filter(|_| is_remembered)
    }

    /// Those of these packets that are remembered, if the first of them is; in order, in two pieces.
    pub fn runs(&self, numbers: Range<u64>) -> [&[SentPacket]; 2] {
        let remembered = self.remembered();
        if !remembered.contains(&numbers.start) || numbers.is_empty() {
            return [&[], &[]];
        }
        let count = (numbers.end.min(remembered.end) - numbers.start) as usize;
        let (before, after) = self.ring.split_at(self.place(numbers.start));
        let first = count.min(after.len());
        [&after[..first], &before[..count - first]]
    }

    /// Of packets before this number nothing more is needed: when there is no room they are forgotten first.
    pub fn settle_before(&mut self, number: u64) {
        self.settled = self.settled.max(number);
    }

    /// The number after the last.
    pub fn end(&self) -> u64 {
        self.next
    }

    /// The packets that are remembered.
    pub fn remembered(&self) -> Range<u64> {
        self.first..self.next
    }

    /// The whole number for the 16 bits by which feedback names a packet: of those that were sent the last one, and the ones
    /// after it go on from there. It may be one that is not remembered; before the first packet it is one that never will be.
    pub fn unwrap(&self, sequence_number: u16) -> u64 {
        self.next.wrapping_sub(u64::from((self.next as u16).wrapping_sub(sequence_number)))
    }

    /// Takes note of what became of a packet that is remembered. Returns it as it was before when that is news.
    pub fn settle(&mut self, number: u64, arrived: bool) -> Option<SentPacket> {
        let place = self.place(number);
        let entry = &mut self.ring[place];
        let before = *entry;
        // Feedback overtaken by its packet is news: the packet was late, not lost.
        let is_news = before.fate == Fate::Unknown || (before.fate == Fate::Missing && arrived);
        is_news.then(|| {
            entry.fate = if arrived { Fate::Arrived } else { Fate::Missing };
            before
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The packet that feedback means by this number, if it is remembered.
    fn named(sent: &SentPackets, sequence_number: u16) -> Option<u64> {
        Some(sent.unwrap(sequence_number)).filter(|number| sent.remembered().contains(number))
    }

    #[test]
    fn numbers_go_on_after_a_new_beginning_and_what_was_before_is_unknown() {
        let mut before = SentPackets::new();
        let old = before.push(7, 1200);
        let mut sent = before.continued();
        assert_eq!(named(&sent, old as u16), None);
        assert_eq!(sent.push(9, 100), old + 1);
        assert_eq!(named(&sent, old as u16), None);
        assert_eq!(named(&sent, (old + 1) as u16), Some(old + 1));
    }

    #[test]
    fn numbers_go_on_after_65535_and_old_ones_are_forgotten() {
        let mut sent = SentPackets::new();
        for number in 0..70_000_u64 {
            assert_eq!(sent.push(number as u32, 100), number);
        }
        assert_eq!(sent.first, 70_000 - SENT_MAX as u64);
        assert_eq!(named(&sent, 69_999_u32 as u16), Some(69_999));
        assert_eq!(named(&sent, (70_000 - SENT_MAX as u32) as u16), Some(70_000 - SENT_MAX as u64));
        assert_eq!(named(&sent, (70_000 - SENT_MAX as u32 - 1) as u16), None);
        assert_eq!(named(&sent, 70_000_u32 as u16), None, "not sent yet");
    }

    #[test]
    fn a_ring_is_as_long_as_two_seconds_of_what_is_sent() {
        for (interval_ms, len) in [(50, 128), (20, 128), (10, 256), (4, 512), (1, SENT_MAX)] {
            let mut sent = SentPackets::new();
            // The clock begins anew on the way.
            let sent_us = |number: u64| (number as u32 * interval_ms * 1000).wrapping_sub(3_000_000);
            let count = 10_000 / u64::from(interval_ms);
            for number in 0..count {
                sent.push(sent_us(number), number as usize);
            }
            assert_eq!(sent.ring.len(), len);
            for number in count.saturating_sub(len as u64)..count {
                let known = sent.get(number).map(|packet| (packet.sent_us, u64::from(packet.len)));
                assert_eq!(known, Some((sent_us(number), number)), "every {interval_ms} ms");
                assert_eq!(named(&sent, number as u16), Some(number));
            }
        }
    }

    #[test]
    fn of_what_was_heard_a_ring_keeps_a_quarter_of_a_second() {
        for (heard_after, len) in [(100, 256), (300, 512), (700, 1024), (3_000, SENT_MAX)] {
            let mut sent = SentPackets::new();
            for number in 0..5_000_u64 {
                sent.push(number as u32 * 1000, 100);
                sent.settle_before(number.saturating_sub(heard_after));
                let oldest_needed = (number + 1).saturating_sub(heard_after.min(SENT_MAX as u64));
                assert!(sent.get(oldest_needed).is_some(), "{number}, heard of after {heard_after}");
            }
            assert_eq!(sent.ring.len(), len, "heard of after {heard_after} packets");
        }
    }

    #[test]
    fn what_was_forgotten_before_a_ring_grew_stays_forgotten() {
        let mut sent = SentPackets::new();
        let mut now_us = 0;
        for _ in 0..300 {
            now_us += 20_000;
            sent.push(now_us, 100);
        }
        assert_eq!((sent.first, sent.ring.len()), (300 - 128, 128));
        let resolved = |sent: &SentPackets| (0..400).filter(|&number| named(sent, number).is_some()).count();
        for _ in 0..100 {
            now_us += 1000;
            sent.push(now_us, 100);
        }
        assert_eq!(resolved(&sent), 400 - sent.first as usize);
        for number in sent.first..400 {
            assert!(sent.get(number).is_some_and(|packet| packet.len == 100), "{number}");
        }
    }

    #[test]
    fn before_the_first_packet_no_number_is_known() {
        let mut sent = SentPackets::new();
        assert!((0..=u16::MAX).all(|number| named(&sent, number).is_none()));
        sent.push(0, 100);
        assert_eq!((0..=u16::MAX).filter(|&number| named(&sent, number).is_some()).count(), 1);
    }

    #[test]
    fn a_packet_is_news_once_and_a_late_one_is_not_lost() {
        let mut sent = SentPackets::new();
        let number = sent.push(7, 100);
        assert_eq!(sent.settle(number, false).map(|packet| packet.sent_us), Some(7));
        assert!(sent.settle(number, false).is_none());
        assert_eq!(sent.settle(number, true).map(|packet| packet.fate), Some(Fate::Missing));
        assert!(sent.settle(number, true).is_none());
        assert!(sent.settle(number, false).is_none());
    }
}
