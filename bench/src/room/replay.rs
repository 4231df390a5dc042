//! What a browser sent of a camera, sent again: how much of it leaves in groups, and how long it waits for that.

use crate::allocations::inside;

use super::{FRAME, LOCAL, Room, SSRC, is_media};
use plenum_sfu::engine::router::held::Progress;
use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};
use str0m::{
    media::Pt,
    rtp::{ExtensionValues, RtpWrite, Ssrc},
};

/// From a datagram's arrival until a sleeping worker reads it, and what came by then with it.
const WAKE: Duration = Duration::from_micros(50);
/// How often what has arrived is answered.
const ANSWER_EVERY: Duration = Duration::from_millis(20);

/// One packet as it was recorded.
#[derive(Clone, Copy, Debug)]
pub struct Captured {
    /// Since the first one.
    pub at: Duration,
    pub timestamp: u32,
    pub payload_len: usize,
    pub ends_frame: bool,
}

/// How packets left.
#[derive(Clone, Debug, Default)]
pub struct Shares {
    pub datagrams: usize,
    pub messages: usize,
    /// Datagrams that left in a message with others.
    pub grouped: usize,
    pub bytes: usize,
    /// From arrival to departure, of each packet for the first subscriber.
    pub held: Vec<Duration>,
}

impl Captured {
    /// Reads a file of `bench/captures`: microseconds, RTP timestamp, bytes of the payload, end of a frame.
    pub fn read(text: &str) -> Option<Vec<Self>> {
        text.lines().skip(1).map(Self::read_line).collect()
    }

    /// The same packets from behind a pacer: `burst` of them at a time, at least `pause` apart.
    pub fn paced(capture: &[Self], burst: usize, pause: Duration) -> Vec<Self> {
        let mut paced: Vec<Self> = Vec::with_capacity(capture.len());
        let (mut free_at, mut left) = (Duration::ZERO, 0);
        for packet in capture {
            // What a burst leaves over at the end of a frame is not saved up.
            let begins = paced.last().is_none_or(|before| before.timestamp != packet.timestamp);
            if begins || left == 0 {
                free_at = packet.at.max(free_at + pause);
                left = burst;
            }
            left -= 1;
            paced.push(Self { at: free_at, ..*packet });
        }
        paced
    }

    fn read_line(line: &str) -> Option<Self> {
        let mut fields = line.split(',').map(|field| field.parse::<u64>().ok());
        let mut next = || fields.next().flatten();
        Some(Self {
            at: Duration::from_micros(next()?),
            timestamp: next()? as u32,
            payload_len: next()? as usize,
            ends_frame: next()? != 0,
        })
    }
}

impl Shares {
    /// Datagrams that left with others, of all.
    pub fn grouped_share(&self) -> f64 {
        self.grouped as f64 / self.datagrams.max(1) as f64
    }

    /// Datagrams for one walk through the kernel.
    pub fn per_message(&self) -> f64 {
        self.datagrams as f64 / self.messages.max(1) as f64
    }

    /// So many of the packets waited no longer.
    pub fn held_at(&mut self, share: f64) -> Duration {
        self.held.sort_unstable();
        let at = (self.held.len() as f64 * share) as usize;
        self.held.get(at.min(self.held.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

impl Room {
    /// Publishes what was recorded at the times it came. It is VP8 here, whatever it was: only lengths and times matter.
    pub fn replay(&mut self, capture: &[Captured]) -> Shares {
        let (begun, mut shares) = (self.now, Shares::default());
        let mut waiting = VecDeque::new();
        let mut answer_at = begun + ANSWER_EVERY;
        let mut rest = capture;
        while let Some(first) = rest.first() {
            let at = begun + first.at + WAKE;
            self.wait_until(at, &mut answer_at, &mut waiting, &mut shares);
            let count = rest.iter().take_while(|packet| begun + packet.at <= at).count();
            let (read, after) = rest.split_at(count);
            rest = after;
            for packet in read {
                waiting.push_back(begun + packet.at);
                for mut datagram in self.sealed(packet) {
                    inside(|| self.engine.handle_datagram(at, LOCAL, self.publisher.address, &mut datagram));
                }
            }
            while inside(|| self.engine.end_batch(at)) == Progress::Filling {
                self.collect(&mut waiting, &mut shares);
            }
            self.collect(&mut waiting, &mut shares);
        }
        self.wait_until(self.now + Duration::from_secs(1), &mut answer_at, &mut waiting, &mut shares);
        shares
    }

    fn wait_until(
        &mut self,
        end: Instant,
        answer_at: &mut Instant,
        waiting: &mut VecDeque<Instant>,
        shares: &mut Shares,
    ) {
        loop {
            let timer = self.engine.poll_timeout().map_or(*answer_at, |at| at.min(*answer_at));
            if timer > end {
                break;
            }
            self.now = self.now.max(timer);
            self.timers();
            self.collect(waiting, shares);
            if self.now >= *answer_at {
                *answer_at = self.now + ANSWER_EVERY;
                self.exchange();
            }
        }
        self.now = self.now.max(end);
    }

    /// Takes note of what leaves, and has it arrive.
    fn collect(&mut self, waiting: &mut VecDeque<Instant>, shares: &mut Shares) {
        let mut arrived = Vec::new();
        let first = self.subscribers[0].address;
        for message in self.engine.egress().messages() {
            if !is_media(message.bytes) {
                arrived.push((message.remote, message.bytes.to_vec()));
                continue;
            }
            let size = message.segment_size.map_or(message.bytes.len(), usize::from);
            let count = message.datagrams();
            shares.messages += 1;
            shares.datagrams += count;
            shares.bytes += message.bytes.len();
            shares.grouped += if count > 1 { count } else { 0 };
            arrived.extend(message.bytes.chunks(size).map(|bytes| (message.remote, bytes.to_vec())));
            if message.remote == first {
                let held = waiting
                    .drain(..count.min(waiting.len()))
                    .map(|came| self.now.saturating_duration_since(came));
                shares.held.extend(held);
            }
        }
        self.engine.egress().clear();
        for (remote, bytes) in arrived {
            self.hand_over(remote, &bytes);
        }
    }

    fn sealed(&mut self, packet: &Captured) -> Vec<Vec<u8>> {
        let number = self.sent;
        self.sent += 1;
        let (_, mut payload) = self.media.packet(number, 1);
        payload.resize(packet.payload_len.max(FRAME), 0x5a);
        for stream in 0..self.streams {
            let (pt, number, payload) = (Pt::new_with_value(96), number + 1, payload.clone());
            let mut direct = self.publisher.rtc.direct_api();
            let stream = direct.stream_tx(&Ssrc::from(SSRC + stream)).expect("declared");
            let write = RtpWrite::new(pt, number.into(), packet.timestamp, self.now, payload);
            stream.write_rtp(write.marker(packet.ends_frame).ext_vals(ExtensionValues::default()));
        }
        let mut sealed = self.publisher.outputs(self.now);
        sealed.retain(|datagram| is_media(datagram));
        sealed
    }
}
