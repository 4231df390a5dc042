//! Opus-like audio: a packet every 20 ms with a level, louder while its owner speaks.

use super::{MediaPacket, RunClock, next_tick};
use crate::stamp::Stamp;
use std::time::{Duration, Instant};
use uuid::Uuid;

const PACKET_TIME: Duration = Duration::from_millis(20);
const SAMPLES: u32 = 960;
/// Opus TOC byte: fullband CELT, 20 ms, stereo, one frame (RFC 6716 section 3.1).
const TOC: u8 = 0xfc;
/// Opus without sound is its first byte alone, or one more (RFC 7587 section 3.1.3 calls it DTX).
pub const OPUS_SILENCE_LEN_MAX: usize = 2;
/// Speech at about 32 kbit/s.
const PAYLOAD_LEN: usize = 80;
/// Everybody speaks for a while in turn.
const TURN_PACKETS: u64 = 100;

/// See the module.
#[derive(Debug)]
pub struct AudioTrack {
    producer: Uuid,
    next_at: Option<Instant>,
    counter: u64,
    skipped: u64,
    /// Whose turn it is among how many.
    turn: (u64, u64),
    first_sequence: u64,
    first_rtp_time: u32,
}

impl AudioTrack {
    /// `place` of `count` speakers decides when this one is loud.
    pub fn new(place: usize, count: usize, seed: u32) -> Self {
        Self {
            producer: Uuid::nil(),
            next_at: None,
            counter: 0,
            skipped: 0,
            turn: (place as u64, count.max(1) as u64),
            // Near the top, so that a run of a minute wraps; below 2^15 the SRTP rollover counter is unambiguous.
            first_sequence: u64::from(seed % 32_768),
            first_rtp_time: seed.rotate_left(7),
        }
    }

    pub(super) fn start(&mut self, producer: Uuid, now: Instant) {
        self.producer = producer;
        self.next_at = Some(now);
    }

    pub(super) fn next_at(&self) -> Option<Instant> {
        self.next_at
    }

    pub(super) fn sent(&self) -> u64 {
        self.counter
    }

    pub(super) fn skipped(&self) -> u64 {
        self.skipped
    }

    pub(super) fn poll(&mut self, now: Instant, clock: RunClock, out: &mut Vec<MediaPacket>) {
        while let Some(due) = self.next_at.filter(|due| *due <= now) {
            out.push(self.packet(clock.ns(now)));
            let (next_at, skipped) = next_tick(due, PACKET_TIME, now);
            self.next_at = Some(next_at);
            self.skipped += skipped;
        }
    }

    fn packet(&mut self, sent_at_ns: u64) -> MediaPacket {
        let rtp_time = self.first_rtp_time.wrapping_add((self.counter as u32).wrapping_mul(SAMPLES));
        let mut payload = vec![0; PAYLOAD_LEN];
        payload[0] = TOC;
        let stamp = Stamp {
            producer: self.producer,
            layer: 0,
            starts_keyframe: true,
            counter: self.counter,
            frame: self.counter,
            rtp_time,
            sent_at_ns,
        };
        stamp.write(&mut payload, 1);
        let (place, count) = self.turn;
        let speaking = (self.counter / TURN_PACKETS) % count == place;
        let packet = MediaPacket {
            layer: 0,
            sequence: self.first_sequence + self.counter,
            rtp_time,
            marker: self.counter.is_multiple_of(TURN_PACKETS) && speaking,
            audio_level: Some(if speaking { (-25, true) } else { (-90, false) }),
            payload,
        };
        self.counter += 1;
        packet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_of_audio_is_fifty_packets_in_order() {
        let clock = RunClock::start();
        let start = Instant::now();
        let mut track = AudioTrack::new(0, 1, 77);
        track.start(Uuid::from_u128(3), start);
        let mut out = Vec::new();
        for millis in 0..1000 {
            track.poll(start + Duration::from_millis(millis), clock, &mut out);
        }
        assert_eq!(out.len(), 50);
        assert_eq!(track.sent(), 50);
        for (index, packet) in out.iter().enumerate() {
            assert_eq!(packet.sequence, 77 + index as u64);
            let stamp = Stamp::read(&packet.payload).expect("stamped");
            assert_eq!(stamp.counter, index as u64);
            assert_eq!(stamp.rtp_time, packet.rtp_time);
        }
        assert_eq!(out[1].rtp_time.wrapping_sub(out[0].rtp_time), SAMPLES);
    }

    #[test]
    fn what_a_speaker_was_too_late_for_is_counted() {
        let (clock, start) = (RunClock::start(), Instant::now());
        let mut track = AudioTrack::new(0, 1, 0);
        track.start(Uuid::nil(), start);
        let mut out = Vec::new();
        track.poll(start + Duration::from_millis(400), clock, &mut out);
        assert_eq!((out.len(), track.skipped()), (21, 0), "a little late: all of it at once");
        track.poll(start + Duration::from_millis(1_400), clock, &mut out);
        let made = out.len() as u64;
        // 71 are due from 0 to 1400 ms.
        assert!(track.skipped() > 0 && made + track.skipped() == 71, "{made} {}", track.skipped());
    }

    #[test]
    fn speakers_take_turns() {
        let clock = RunClock::start();
        let start = Instant::now();
        let mut tracks = [AudioTrack::new(0, 2, 0), AudioTrack::new(1, 2, 0)];
        let mut loud = [0, 0];
        for (track, loud) in tracks.iter_mut().zip(&mut loud) {
            track.start(Uuid::nil(), start);
            let mut out = Vec::new();
            for tick in 0..2 * TURN_PACKETS {
                track.poll(start + PACKET_TIME * tick as u32, clock, &mut out);
            }
            *loud = out.iter().filter(|packet| packet.audio_level.is_some_and(|(_, voice)| voice)).count();
        }
        assert_eq!(loud, [TURN_PACKETS as usize, TURN_PACKETS as usize]);
    }
}
