//! What was sent lately, by its transport-wide number, until feedback tells what became of it.

/// Packets remembered: at 10 Mbit/s about two seconds. What feedback says of older ones is not believed.
pub const SENT_MAX: usize = 2048;

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

/// The last [`SENT_MAX`] packets.
#[derive(Debug)]
pub struct SentPackets {
    /// Made with the first packet: most transports of a large room never send one.
    ring: Box<[SentPacket]>,
    next: u64,
    /// The first number that counts.
    first: u64,
    in_flight: usize,
}

impl SentPackets {
    /// Nothing was sent.
    pub fn new() -> Self {
        SentPackets { ring: Box::default(), next: 0, first: 0, in_flight: 0 }
    }

    /// Nothing that is remembered, and the next number.
    pub fn continued(&self) -> Self {
        SentPackets { next: self.next, first: self.next, ..SentPackets::new() }
    }

    /// Takes note of a packet and names it; its wraps are counted here, 16 bits of it go on the wire.
    pub fn push(&mut self, sent_us: u32, len_bytes: usize) -> u64 {
        if self.ring.is_empty() {
            self.ring = vec![SentPacket::default(); SENT_MAX].into();
        }
        let number = self.next;
        self.next += 1;
        let entry = &mut self.ring[number as usize % SENT_MAX];
        if entry.fate == Fate::Unknown {
            self.in_flight = self.in_flight.saturating_sub(usize::from(entry.len));
        }
        let len = len_bytes.min(usize::from(u16::MAX)) as u16;
        *entry = SentPacket { sent_us, len, fate: Fate::Unknown };
        self.in_flight += usize::from(len);
        number
    }

    /// A packet that is remembered.
    pub fn get(&self, number: u64) -> Option<SentPacket> {
        let remembered = self.next.saturating_sub(SENT_MAX as u64)..self.next;
        let at = number as usize % SENT_MAX;
        self.ring.get(at).copied().filter(|_| remembered.contains(&number))
    }

    /// The number after the last.
    pub fn end(&self) -> u64 {
        self.next
    }

    /// The whole number of a packet that feedback names by 16 bits; `None` when we do not remember it.
    pub fn resolve(&self, sequence_number: u16) -> Option<u64> {
        let behind = u64::from((self.next as u16).wrapping_sub(sequence_number));
        let number = (1..=SENT_MAX as u64).contains(&behind).then(|| self.next.checked_sub(behind)).flatten();
        number.filter(|&number| number >= self.first)
    }

    /// Takes note of what became of a packet. Returns it as it was before when that is news; `number` is one that
    /// [`SentPackets::resolve`] gave.
    pub fn settle(&mut self, number: u64, arrived: bool) -> Option<SentPacket> {
        let entry = &mut self.ring[number as usize % SENT_MAX];
        let before = *entry;
        match (before.fate, arrived) {
            (Fate::Arrived, _) | (Fate::Missing, false) => return None,
            (Fate::Unknown, _) => self.in_flight = self.in_flight.saturating_sub(usize::from(before.len)),
            // Feedback overtaken by its packet: the packet was late, not lost.
            (Fate::Missing, true) => {}
        }
        entry.fate = if arrived { Fate::Arrived } else { Fate::Missing };
        Some(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_after_a_new_beginning_and_what_was_before_is_unknown() {
        let mut before = SentPackets::new();
        let old = before.push(7, 1200);
        let mut sent = before.continued();
        assert_eq!(sent.resolve(old as u16), None);
        assert_eq!(sent.push(9, 100), old + 1);
        assert_eq!(sent.resolve(old as u16), None);
        assert_eq!(sent.resolve((old + 1) as u16), Some(old + 1));
    }

    #[test]
    fn numbers_go_on_after_65535_and_old_ones_are_forgotten() {
        let mut sent = SentPackets::new();
        for number in 0..70_000_u64 {
            assert_eq!(sent.push(number as u32, 100), number);
        }
        assert_eq!(sent.resolve(69_999_u32 as u16), Some(69_999));
        assert_eq!(sent.resolve((70_000 - SENT_MAX as u32) as u16), Some(70_000 - SENT_MAX as u64));
        assert_eq!(sent.resolve((70_000 - SENT_MAX as u32 - 1) as u16), None);
        assert_eq!(sent.resolve(70_000_u32 as u16), None, "not sent yet");
        assert_eq!(sent.in_flight, SENT_MAX * 100);
    }

    #[test]
    fn before_the_first_packet_no_number_is_known() {
        let mut sent = SentPackets::new();
        assert!((0..=u16::MAX).all(|number| sent.resolve(number).is_none()));
        sent.push(0, 100);
        assert_eq!((0..=u16::MAX).filter(|&number| sent.resolve(number).is_some()).count(), 1);
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
        assert_eq!(sent.in_flight, 0);
    }
}
