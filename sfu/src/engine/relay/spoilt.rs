//! What a full ring has cost a branch, and when that is worth a keyframe.
//!
//! A keyframe is several times as long as what it replaces, crosses the same ring, and everybody else who watches gets it too.
//! So it is asked for when there is room again, and ever more seldom where there never is for long.

use std::time::{Duration, Instant};

use crate::engine::router::producer::LAYERS_MAX;

/// Between two requests for one branch at least.
const PAUSE_MIN: Duration = Duration::from_millis(300);
/// With each request that follows close on another one it is twice as long, up to this: a branch that is always behind is
/// better off with a picture now and then than with keyframes alone.
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// A request so long after the one before has nothing to do with it.
const CALM: Duration = Duration::from_secs(15);

/// Of one producer's streams on their way to one branch.
#[derive(Debug, Default)]
pub(super) struct Spoilt {
    /// The timestamp of a frame that lost a packet: the rest of it is of no use.
    frames: [Option<u32>; LAYERS_MAX],
    /// Streams that have lost something since a keyframe was asked for, one bit each.
    owed: u8,
    /// When one was asked for last, and how long none is asked for from then on.
    asked: Option<(Instant, Duration)>,
}

impl Spoilt {
    /// Whether a packet is of a frame that has lost one.
    pub fn is_of(&self, stream: u8, timestamp: u32) -> bool {
        self.frames.get(usize::from(stream)).is_some_and(|frame| *frame == Some(timestamp))
    }

    /// There was no room for a packet.
    pub fn lost(&mut self, stream: u8, timestamp: u32) {
        if let Some(frame) = self.frames.get_mut(usize::from(stream)) {
            *frame = Some(timestamp);
            self.owed |= 1 << stream;
        }
    }

    /// There was room for a packet, of a keyframe or not. Returns the streams to ask for one now.
    pub fn crossed(&mut self, now: Instant, stream: u8, keyframe: bool) -> impl Iterator<Item = u8> + use<> {
        if let Some(frame) = self.frames.get_mut(usize::from(stream)) {
            *frame = None;
        }
        if keyframe {
            self.owed &= !(1_u8.checked_shl(u32::from(stream)).unwrap_or(0));
        }
        let owed = if self.owed != 0 && self.may_ask(now) { std::mem::take(&mut self.owed) } else { 0 };
        (0..LAYERS_MAX as u8).filter(move |stream| owed & (1 << stream) != 0)
    }

    fn may_ask(&mut self, now: Instant) -> bool {
        let pause = match self.asked {
            Some((at, pause)) if now < at + pause => return false,
            Some((at, pause)) if now < at + CALM => (pause * 2).min(PAUSE_MAX),
            _ => PAUSE_MIN,
        };
        self.asked = Some((now, pause));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames so many milliseconds apart, of which these find no room. Returns when a keyframe was asked for.
    fn asked_ms(frames: u64, interval_ms: u64, no_room: impl Fn(u64) -> bool) -> Vec<u64> {
        let (start, mut spoilt, mut asked_ms) = (Instant::now(), Spoilt::default(), Vec::new());
        for frame in 0..frames {
            let at_ms = frame * interval_ms;
            if no_room(frame) {
                spoilt.lost(0, frame as u32);
            } else if spoilt.crossed(start + Duration::from_millis(at_ms), 0, false).count() > 0 {
                asked_ms.push(at_ms);
            }
        }
        asked_ms
    }

    #[test]
    fn a_keyframe_is_asked_for_once_there_is_room_again() {
        assert_eq!(asked_ms(100, 30, |frame| (10..50).contains(&frame)), [50 * 30]);
        assert!(asked_ms(100, 30, |_| true).is_empty(), "there never is");
    }

    #[test]
    fn a_ring_that_is_always_full_again_has_one_asked_for_ever_more_seldom() {
        let asked = asked_ms(400, 100, |frame| frame % 2 == 0);
        assert_eq!(asked, [100, 500, 1100, 2300, 4700, 9500, 14_500, 19_500, 24_500, 29_500, 34_500, 39_500]);
    }

    #[test]
    fn after_a_while_of_room_it_is_asked_for_as_at_first() {
        let busy = |frame| matches!(frame, 0..20 | 400..420);
        let asked = asked_ms(600, 100, |frame| busy(frame) && frame % 2 == 0);
        assert_eq!(asked, [100, 500, 1100, 2300, 40_100, 40_500, 41_100, 42_300]);
    }

    #[test]
    fn a_keyframe_that_crosses_makes_up_for_what_was_lost_of_its_stream() {
        let (now, mut spoilt) = (Instant::now(), Spoilt::default());
        spoilt.lost(0, 1);
        spoilt.lost(2, 1);
        assert!(spoilt.is_of(2, 1) && !spoilt.is_of(2, 2) && !spoilt.is_of(1, 1));
        assert_eq!(spoilt.crossed(now, 0, true).collect::<Vec<_>>(), [2]);
        assert_eq!(spoilt.crossed(now + CALM, 0, false).count(), 0, "once");
    }
}
