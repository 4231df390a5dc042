//! What a member receives: packets counted by their numbers, arrivals noted for feedback, a sample opened.

use super::{
    header::Header,
    rtcp::{Block, Feedback},
    srtp::{Keys, TAG_LEN},
};
use crate::{histogram::Histogram, media::OPUS_SILENCE_LEN_MAX, stamp::Stamp};
use plenum_shared::media::Kind;
use std::time::Instant;
use uuid::Uuid;

/// A stream that will come.
#[derive(Clone, Copy, Debug)]
pub struct Stream {
    pub ssrc: u32,
    pub kind: Kind,
}

/// What came so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// Packets of announced streams, and their bytes as sealed.
    pub packets: u64,
    pub bytes: u64,
    /// Of these bytes, what is neither header nor seal.
    pub payload_bytes: u64,
    /// Numbers between the first and the last of each stream that never came.
    pub missing: u64,
    /// RTP packets of other streams: retransmissions and probes.
    pub other_packets: u64,
    /// Packets that were opened, and of them those that were not authentic, those without a whole stamp of ours, which silence
    /// that a server puts in is not counted among, and those of another publisher than the stream's.
    pub opened: u64,
    pub unauthentic: u64,
    pub strange: u64,
    pub foreign: u64,
    /// When the first packet of an announced stream came.
    pub first_at: Option<Instant>,
}

/// Of packets that were opened, how long they were under way.
#[derive(Clone, Debug, Default)]
pub struct Delays {
    pub audio: Histogram,
    pub video: Histogram,
}

impl Delays {
    pub fn of_both(&self) -> Histogram {
        let mut both = self.audio.clone();
        both.merge(&self.video);
        both
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    streams: Vec<Tracked>,
    received: Received,
    /// Packets until the next one is opened.
    until_sample: u32,
    arrivals: Arrivals,
    scratch: Vec<u8>,
}

#[derive(Debug)]
struct Tracked {
    stream: Stream,
    /// Whose stamps it has to carry, where that is known.
    producer: Option<Uuid>,
    /// First and highest number with the rollovers above it, once there was a packet.
    range: Option<(u64, u64)>,
    packets: u64,
    /// Expected and received at the last report.
    reported: (u64, u64),
    last_report: Option<(u32, u64)>,
}

impl Incoming {
    pub(super) fn expect(&mut self, stream: Stream, producer: Option<Uuid>) {
        let (range, reported, last_report) = (None, (0, 0), None);
        self.streams.push(Tracked { stream, producer, range, packets: 0, reported, last_report });
    }

    pub(super) fn received(&self) -> Received {
        Received { missing: self.streams.iter().map(Tracked::missing).sum(), ..self.received }
    }

    /// Takes an RTP packet as it came at `wall_ns`; every `sample`th is opened.
    pub(super) fn take(
        &mut self,
        bytes: &[u8],
        transport_wide: u8,
        (now, wall_ns): (Instant, u64),
        sample: u32,
        keys: &Keys,
        delays: &mut Delays,
    ) {
        let Some(header) = Header::read(bytes, transport_wide) else { return };
        if let Some(number) = header.transport_wide {
            self.arrivals.note(number, wall_ns / 1000);
        }
        let Some(tracked) = self.streams.iter_mut().find(|it| it.stream.ssrc == header.ssrc) else {
            self.received.other_packets += 1;
            return;
        };
        self.received.packets += 1;
        self.received.bytes += bytes.len() as u64;
        self.received.payload_bytes += bytes.len().saturating_sub(header.len + TAG_LEN) as u64;
        self.received.first_at.get_or_insert(now);
        let index = tracked.note(header.sequence);
        if self.until_sample > 0 {
            self.until_sample -= 1;
            return;
        }
        self.until_sample = sample.saturating_sub(1);
        self.scratch.clear();
        self.scratch.extend_from_slice(bytes);
        self.received.opened += 1;
        let Some(len) = keys.open_rtp(&mut self.scratch, header.len, header.ssrc, index) else {
            self.received.unauthentic += 1;
            return;
        };
        let payload = unpadded(&self.scratch[..len], header.len);
        let is_audio = tracked.stream.kind == Kind::Audio;
        match payload.and_then(Stamp::read) {
            None if is_audio && payload.is_some_and(|it| it.len() <= OPUS_SILENCE_LEN_MAX) => {}
            None => self.received.strange += 1,
            Some(stamp) if tracked.producer.is_some_and(|producer| producer != stamp.producer) => {
                self.received.foreign += 1;
            }
            Some(stamp) => {
                let of_kind = if is_audio { &mut delays.audio } else { &mut delays.video };
                of_kind.record(wall_ns.saturating_sub(stamp.sent_at_ns));
            }
        }
    }

    /// Notes a sender report for the next [`Incoming::blocks`].
    pub(super) fn reported(&mut self, ssrc: u32, ntp_middle: u32, wall_ns: u64) {
        if let Some(tracked) = self.streams.iter_mut().find(|it| it.stream.ssrc == ssrc) {
            tracked.last_report = Some((ntp_middle, wall_ns));
        }
    }

    /// What a receiver report says now of each stream that has come.
    pub(super) fn blocks(&mut self, wall_ns: u64) -> Vec<Block> {
        self.streams.iter_mut().filter_map(|tracked| tracked.block(wall_ns)).collect()
    }

    /// What feedback says now; `None` when nothing has come since.
    pub(super) fn feedback(&mut self) -> Option<Feedback<'_>> {
        self.arrivals.take()
    }

    pub(super) fn any_ssrc(&self) -> u32 {
        self.streams.first().map_or(0, |it| it.stream.ssrc)
    }
}

/// The payload of a plain packet without padding (RFC 3550 section 5.1).
fn unpadded(plain: &[u8], header_len: usize) -> Option<&[u8]> {
    let payload = plain.get(header_len..)?;
    if plain[0] & 0x20 == 0 {
        return Some(payload);
    }
    let padding = usize::from(*payload.last()?);
    payload.get(..payload.len().checked_sub(padding)?)
}

impl Tracked {
    /// Returns the number with its rollovers (RFC 3711 section 3.3.1).
    fn note(&mut self, sequence: u16) -> u64 {
        self.packets += 1;
        let Some((first, highest)) = self.range else {
            self.range = Some((sequence.into(), sequence.into()));
            return sequence.into();
        };
        let ahead = sequence.wrapping_sub(highest as u16).cast_signed();
        let index = highest.saturating_add_signed(ahead.into());
        self.range = Some((first.min(index), highest.max(index)));
        index
    }

    fn expected(&self) -> u64 {
        self.range.map_or(0, |(first, highest)| highest - first + 1)
    }

    fn missing(&self) -> u64 {
        self.expected().saturating_sub(self.packets)
    }

    fn block(&mut self, wall_ns: u64) -> Option<Block> {
        let (_, highest) = self.range?;
        let (expected, packets) = (self.expected(), self.packets);
        let (new, came) = (expected - self.reported.0, packets - self.reported.1);
        self.reported = (expected, packets);
        let fraction = new.saturating_sub(came) * 256 / new.max(1);
        let since = |at: u64| (u128::from(wall_ns.saturating_sub(at)) * 65_536 / 1_000_000_000) as u32;
        Some(Block {
            ssrc: self.stream.ssrc,
            fraction_lost: fraction.min(255) as u8,
            lost: u32::try_from(self.missing()).unwrap_or(u32::MAX),
            highest: highest as u32,
            last_report: self.last_report.map_or(0, |(ntp, _)| ntp),
            since_last_report: self.last_report.map_or(0, |(_, at)| since(at)),
        })
    }
}

/// Transport-wide numbers between two feedbacks. A gap that is longer begins anew: nobody waits for what is before it.
const ARRIVALS_MAX: u16 = 4096;

/// When packets of the whole transport came, since the last feedback.
#[derive(Debug, Default)]
struct Arrivals {
    /// The number of the first entry, once there was a packet.
    base: Option<u16>,
    /// Microseconds.
    came: Vec<Option<u64>>,
    told: Vec<Option<u64>>,
    count: u8,
}

impl Arrivals {
    fn note(&mut self, number: u16, us: u64) {
        let base = *self.base.get_or_insert(number);
        let at = number.wrapping_sub(base);
        if at >= 0x8000 {
            return; // told as missing already
        }
        if at >= ARRIVALS_MAX {
            self.base = Some(number);
            self.came.clear();
            self.came.push(Some(us));
            return;
        }
        let at = usize::from(at);
        if at >= self.came.len() {
            self.came.resize(at + 1, None);
        }
        self.came[at] = Some(us);
    }

    fn take(&mut self) -> Option<Feedback<'_>> {
        let base = self.base?;
        if self.came.is_empty() {
            return None;
        }
        std::mem::swap(&mut self.came, &mut self.told);
        self.came.clear();
        self.base = Some(base.wrapping_add(self.told.len() as u16));
        let count = self.count;
        self.count = count.wrapping_add(1);
        Some(Feedback { count, base, arrivals: &self.told })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: Stream = Stream { ssrc: 5, kind: Kind::Video };

    fn tracked(numbers: &[u16]) -> (Tracked, Vec<u64>) {
        let mut incoming = Incoming::default();
        incoming.expect(STREAM, None);
        let mut tracked = incoming.streams.remove(0);
        let indices = numbers.iter().map(|number| tracked.note(*number)).collect();
        (tracked, indices)
    }

    #[test]
    fn what_is_not_authentic_whole_or_the_publishers_is_noticed_and_what_is_tells_its_age() {
        let profile = dimpl::SrtpProfile::AEAD_AES_128_GCM;
        let keys = |is_client| crate::light::srtp::keys(profile, &[7; 56], is_client).expect("the length");
        let ((ours, _), (_, theirs)) = (keys(true), keys(false));
        let stamped = |producer| {
            let mut payload = vec![0; Stamp::LEN + 20];
            let stamp = Stamp {
                producer,
                layer: 0,
                starts_keyframe: false,
                counter: 0,
                frame: 0,
                rtp_time: 0,
                sent_at_ns: 1_000,
            };
            stamp.write(&mut payload, 0);
            payload
        };
        let (ours_id, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let payload = stamped(ours_id);
        let packet_of = |ssrc: u32, sequence: u16, payload: &[u8]| {
            let mut bytes = crate::light::header::write(false, 96, (sequence, 0, ssrc), &[(3, &[0, 1])]);
            let header_len = bytes.len();
            bytes.extend_from_slice(payload);
            ours.seal_rtp(&mut bytes, header_len, ssrc, sequence.into()).expect("room");
            bytes
        };
        let packet = |sequence, payload: &[u8]| packet_of(STREAM.ssrc, sequence, payload);
        let (mut incoming, mut delays) = (Incoming::default(), Delays::default());
        incoming.expect(STREAM, Some(ours_id));
        incoming.expect(Stream { ssrc: 6, kind: Kind::Audio }, Some(ours_id));
        let mut take = |bytes: &[u8]| {
            incoming.take(bytes, 3, (Instant::now(), 6_000), 1, &theirs, &mut delays);
            let Received { opened, unauthentic, strange, foreign, .. } = incoming.received();
            (opened, unauthentic, strange, foreign)
        };
        assert_eq!(take(&packet(1, &payload)), (1, 0, 0, 0));
        let mut changed = packet(2, &payload);
        *changed.last_mut().expect("a tag") ^= 1;
        assert_eq!(take(&changed), (2, 1, 0, 0));
        assert_eq!(take(&packet(3, b"none of a bot's")), (3, 1, 1, 0));
        assert_eq!(take(&packet(4, &stamped(other))), (4, 1, 1, 1));
        assert_eq!(take(&packet(5, &[0xfc])), (5, 1, 2, 1), "a picture is never so short");
        assert_eq!(take(&packet_of(6, 1, &[0xfc])), (6, 1, 2, 1), "silence that a server put in");
        assert_eq!(incoming.received().payload_bytes, 3 * (Stamp::LEN + 20) as u64 + 15 + 2);
        assert_eq!((delays.video.count(), delays.video.max_ns()), (1, 5_000));
    }

    #[test]
    fn numbers_go_on_over_the_rollover_and_gaps_are_missing() {
        let (tracked, indices) = tracked(&[65_534, 0, 65_535, 3]);
        assert_eq!(indices, [65_534, 65_536, 65_535, 65_539]);
        assert_eq!((tracked.expected(), tracked.missing()), (6, 2));
    }

    #[test]
    fn a_report_tells_the_loss_since_the_last_one() {
        let (mut tracked, _) = tracked(&[1, 2, 4]);
        tracked.last_report = Some((77, 1_000_000_000));
        let first = tracked.block(1_500_000_000).expect("something came");
        assert_eq!((first.fraction_lost, first.lost, first.highest), (64, 1, 4));
        assert_eq!((first.last_report, first.since_last_report), (77, 32_768));
        tracked.note(5);
        assert_eq!(tracked.block(0).map(|it| (it.fraction_lost, it.lost)), Some((0, 1)));
    }

    #[test]
    fn feedback_tells_everything_once_and_in_order() {
        fn told(count: u8, base: u16, arrivals: &[Option<u64>]) -> Option<Feedback<'_>> {
            Some(Feedback { count, base, arrivals })
        }
        let mut arrivals = Arrivals::default();
        assert!(arrivals.take().is_none());
        arrivals.note(65_535, 10);
        arrivals.note(1, 30);
        assert_eq!(arrivals.take(), told(0, 65_535, &[Some(10), None, Some(30)]));
        assert!(arrivals.take().is_none());
        arrivals.note(0, 35);
        arrivals.note(2, 40);
        assert_eq!(arrivals.take(), told(1, 2, &[Some(40)]), "what was told is not told again");
        arrivals.note(10_000, 50);
        assert_eq!(arrivals.take(), told(2, 10_000, &[Some(50)]), "a long gap is not told");
    }

    #[test]
    fn padding_is_not_payload() {
        assert_eq!(unpadded(&[0x80, 1, 2, 3], 2), Some(&[2, 3][..]));
        assert_eq!(unpadded(&[0xa0, 1, 2, 9, 2], 2), Some(&[2][..]));
        assert_eq!(unpadded(&[0xa0, 1, 9], 2), None);
    }
}
