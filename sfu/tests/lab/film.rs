//! How a viewer sees a stream of pictures: packets become frames, frames are shown when they are whole and follow on each
//! other, behind a jitter buffer that grows at once and shrinks slowly; lost packets are asked for, then a keyframe.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use plenum_sfu::engine::packet::RtpPacket;

use crate::picture::{Part, Stamp, Unwrap};

/// libwebrtc repeats a request once a round trip, and assumes this much where it does not know it.
const REPEAT_AFTER: Duration = Duration::from_millis(100);
/// See [`REPEAT_AFTER`].
const REQUESTS_MAX: u32 = 10;
/// Where packets overtake each other, a hole is given so long to close by itself (libwebrtc looks every 20 ms).
const PATIENCE: Duration = Duration::from_millis(20);
/// So many of the last packets tell whether they do.
const ORDER_OF: u32 = 200;
/// A hole so old is given up, and a keyframe asked for.
const MISSING_MAX: u64 = 1000;
/// Without any frame for so long a keyframe is asked for; sooner where nothing can be shown without one.
const STUCK_AFTER: Duration = Duration::from_secs(3);
/// See [`STUCK_AFTER`].
const STUCK_WITHOUT_KEYFRAME: Duration = Duration::from_millis(200);
/// The quickest frame of so long tells what is no delay.
const QUICKEST_OF: Duration = Duration::from_secs(10);
/// The buffer never holds more than this.
const BUFFER_MAX: Duration = Duration::from_secs(1);
/// The buffer shrinks by this share of its excess with each frame.
const SHRINKS: f64 = 0.003;
/// Frames over which the usual interval is taken (W3C webrtc-stats, freezeCount).
const USUAL_OF: usize = 30;

/// A packet of the stream.
#[derive(Debug)]
struct Packet {
    timestamp: u32,
    is_first: bool,
    is_keyframe: bool,
    marker: bool,
    stamp: Stamp,
}

/// A stretch of time without a new picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Freeze {
    pub from: Instant,
    pub to: Instant,
}

pub struct Film {
    epoch: Instant,
    packets: BTreeMap<u64, Packet>,
    /// The last packet of the last frame decoded.
    decoded_to: Option<u64>,
    highest: Option<u64>,
    missing: BTreeMap<u64, (u32, Instant)>,
    /// Packets since one was overtaken.
    in_order: u32,
    progress_at: Instant,
    asked_at: Option<Instant>,
    /// Recent ways of frames, from capture until they were whole.
    ways: VecDeque<(Instant, Duration)>,
    buffer: Duration,
    clock: Unwrap,
    /// The first frame: its timestamp with wraps counted, and when it was captured.
    zero: Option<(u64, Instant)>,
    last_shown: Option<Instant>,
    intervals: VecDeque<Duration>,
    pub shown: u64,
    pub layer: Option<u8>,
    pub freezes: Vec<Freeze>,
    pub keyframes_asked: u32,
}

impl Film {
    pub fn new(epoch: Instant) -> Self {
        Film {
            epoch,
            packets: BTreeMap::new(),
            decoded_to: None,
            highest: None,
            missing: BTreeMap::new(),
            in_order: ORDER_OF,
            progress_at: epoch,
            asked_at: None,
            ways: VecDeque::new(),
            buffer: Duration::ZERO,
            clock: Unwrap::default(),
            zero: None,
            last_shown: None,
            intervals: VecDeque::new(),
            shown: 0,
            layer: None,
            freezes: Vec::new(),
            keyframes_asked: 0,
        }
    }

    /// A packet of media, or one that was repeated.
    pub fn receive(&mut self, now: Instant, number: u64, header: &RtpPacket, payload: &[u8], repeated: bool) {
        let overtaken = !repeated && self.highest.is_some_and(|highest| number < highest);
        self.in_order = if overtaken { 0 } else { self.in_order.saturating_add(1) };
        self.note_missing(now, number);
        self.missing.remove(&number);
        if self.decoded_to.is_some_and(|to| number <= to) || self.packets.contains_key(&number) {
            return;
        }
        let (is_first, is_keyframe) = Part::read(payload);
        let stamp = Stamp::read(payload);
        let RtpPacket { timestamp, marker, .. } = *header;
        self.packets.insert(number, Packet { timestamp, is_first, is_keyframe, marker, stamp });
        self.decode(now);
    }

    /// The numbers to ask for now.
    pub fn poll_missing(&mut self, now: Instant) -> Vec<u16> {
        let Some(highest) = self.highest else { return Vec::new() };
        self.missing.retain(|number, (asked, _)| *asked < REQUESTS_MAX && highest - number < MISSING_MAX);
        let due = self.missing.iter_mut().filter(|(_, (_, at))| *at <= now);
        let ask = |(number, (asked, at)): (&u64, &mut (u32, Instant))| {
            *asked += 1;
            *at = now + REPEAT_AFTER;
            *number as u16
        };
        due.map(ask).collect()
    }

    /// Whether a keyframe is to be asked for now.
    pub fn poll_keyframe(&mut self, now: Instant) -> bool {
        if self.stuck_at().is_none_or(|at| at > now) {
            return false;
        }
        self.asked_at = Some(now);
        self.keyframes_asked += 1;
        true
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        let missing = self.missing.values().map(|(_, at)| *at).min();
        [missing, self.stuck_at()].into_iter().flatten().min()
    }

    /// A freeze that has not ended counts until now.
    pub fn finish(&mut self, now: Instant) {
        self.note_interval(now);
    }

    /// Only where packets come is there something to be stuck in.
    fn stuck_at(&self) -> Option<Instant> {
        self.highest?;
        let patience = if self.decoded_to.is_none() { STUCK_WITHOUT_KEYFRAME } else { STUCK_AFTER };
        let since = self.asked_at.map_or(self.progress_at, |asked| asked.max(self.progress_at));
        (!self.packets.is_empty()).then_some(since + patience)
    }

    fn note_missing(&mut self, now: Instant, number: u64) {
        let Some(highest) = self.highest.replace(self.highest.map_or(number, |highest| highest.max(number)))
        else {
            self.progress_at = now;
            return;
        };
        let patience = if self.in_order < ORDER_OF { PATIENCE } else { Duration::ZERO };
        for missing in (highest + 1..number).take(MISSING_MAX as usize) {
            self.missing.insert(missing, (0, now + patience));
        }
    }

    fn decode(&mut self, now: Instant) {
        while let Some((first, last)) = self.next_frame() {
            let packet = &self.packets[&first];
            let (stamp, timestamp) = (packet.stamp, packet.timestamp);
            self.packets = self.packets.split_off(&(last + 1));
            self.missing = self.missing.split_off(&(last + 1));
            self.decoded_to = Some(last);
            self.progress_at = now;
            self.asked_at = None;
            self.layer = Some(stamp.layer);
            self.show(now, stamp, timestamp);
        }
    }

    /// The frame that follows on what was decoded, else the next whole keyframe.
    fn next_frame(&self) -> Option<(u64, u64)> {
        let following = self.decoded_to.and_then(|to| self.whole_frame(to + 1));
        following.or_else(|| {
            let keyframes = self.packets.iter().filter(|(_, packet)| packet.is_keyframe);
            keyframes.filter_map(|(number, _)| self.whole_frame(*number)).next()
        })
    }

    fn whole_frame(&self, first: u64) -> Option<(u64, u64)> {
        let start = self.packets.get(&first).filter(|packet| packet.is_first)?;
        for number in first.. {
            let packet = self.packets.get(&number).filter(|packet| packet.timestamp == start.timestamp)?;
            if packet.marker {
                return Some((first, number));
            }
        }
        None
    }

    /// A frame is whole: it is shown when its time has come on the buffer's clock.
    fn show(&mut self, now: Instant, stamp: Stamp, timestamp: u32) {
        // The stream's own clock says when frames follow each other, as in a browser; the stamp only sets its zero.
        let timestamp = self.clock.timestamp(timestamp);
        let (first, began) = *self.zero.get_or_insert((timestamp, self.epoch + stamp.captured));
        let captured = began + Duration::from_micros(timestamp.saturating_sub(first) * 1000 / 90);
        let way = now.saturating_duration_since(captured);
        self.ways.push_back((now, way));
        while self.ways.pop_front_if(|(at, _)| now - *at > QUICKEST_OF).is_some() {}
        let quickest = self.ways.iter().map(|(_, way)| *way).min().unwrap_or(way);
        let late = (way - quickest).min(BUFFER_MAX);
        if late > self.buffer {
            self.buffer = late;
        } else {
            self.buffer -= (self.buffer - late).mul_f64(SHRINKS);
        }
        let at = now.max(captured + quickest + self.buffer);
        self.note_interval(at);
        self.last_shown = Some(self.last_shown.map_or(at, |last| last.max(at)));
        self.shown += 1;
    }

    fn note_interval(&mut self, at: Instant) {
        let Some(last) = self.last_shown else { return };
        let interval = at.saturating_duration_since(last);
        let usual = self.intervals.iter().sum::<Duration>() / self.intervals.len().max(1) as u32;
        let froze = interval > (usual * 3).max(usual + Duration::from_millis(150));
        if froze && self.intervals.len() == USUAL_OF {
            self.freezes.push(Freeze { from: last, to: at });
        }
        if self.intervals.len() == USUAL_OF {
            self.intervals.pop_front();
        }
        self.intervals.push_back(interval);
    }
}
