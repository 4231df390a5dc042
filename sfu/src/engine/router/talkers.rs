//! Who is speaking, loudest first, as clients are told: few, in an order that does not flicker, not too often.

use std::time::{Duration, Instant};

use plenum_shared::event::SPEAKERS_MAX;

use super::voices::{SPEECH_POWER, Voices};

/// Between two lists that are told.
pub const TOLD_EVERY: Duration = Duration::from_millis(500);
/// Whoever was last this loud stays in the list so long: a pause for breath is no silence.
const STAYS: Duration = Duration::from_secs(1);
/// To go past the one before one must have so many times the power: 3 dB.
const PASS_FACTOR: f32 = 2.0;

/// The list of one group. Microphones are known by their place in the room's table of producers.
#[derive(Debug, Default)]
pub struct Talkers {
    order: Vec<usize>,
    told: Vec<usize>,
    told_at: Option<Instant>,
}

impl Talkers {
    /// Who is in it, loudest first.
    pub fn current(&self) -> impl DoubleEndedIterator<Item = usize> {
        self.order.iter().copied()
    }

    /// There is something to judge, whoever is heard.
    pub fn is_unsettled(&self) -> bool {
        !self.order.is_empty() || !self.told.is_empty()
    }

    /// A microphone is muted, gone or elsewhere.
    pub fn remove(&mut self, producer: usize) {
        self.order.retain(|&other| other != producer);
        // Whoever gets its place in the table is somebody else: the list must be told again.
        self.told.iter_mut().filter(|told| **told == producer).for_each(|told| *told = usize::MAX);
    }

    /// Judges again. Returns whether there is a new list to tell.
    pub fn judge(&mut self, now: Instant, voices: &Voices) -> bool {
        let power = |producer: usize| voices.power(now, producer);
        let speaks = |producer: usize| {
            let loud_at = voices.get(producer).and_then(|voice| voice.loud_at);
            loud_at.is_some_and(|at| now.saturating_duration_since(at) < STAYS)
        };
        self.order.retain(|&producer| speaks(producer));
        for (producer, power_now) in voices.powers(now) {
            if power_now < SPEECH_POWER || !speaks(producer) || self.order.contains(&producer) {
                continue;
            }
            if self.order.len() < SPEAKERS_MAX {
                self.order.push(producer);
            } else if let Some(last) = self.order.last_mut()
                && power_now >= power(*last) * PASS_FACTOR
            {
                *last = producer;
            }
        }
        for at in 1..self.order.len() {
            let mut at = at;
            while at > 0 && power(self.order[at]) >= power(self.order[at - 1]) * PASS_FACTOR {
                self.order.swap(at, at - 1);
                at -= 1;
            }
        }
        let changed = !self.current().eq(self.told.iter().copied());
        if !changed || self.told_at.is_some_and(|at| now.saturating_duration_since(at) < TOLD_EVERY) {
            return false;
        }
        let Talkers { order, told, .. } = self;
        told.clear();
        told.extend_from_slice(order);
        self.told_at = Some(now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::packet::AudioLevel;

    struct Room {
        now: Instant,
        voices: Voices,
        talkers: Talkers,
        told: Vec<(Instant, Vec<usize>)>,
    }

    impl Room {
        fn new() -> Self {
            let (voices, talkers) = (Voices::default(), Talkers::default());
            Room { now: Instant::now(), voices, talkers, told: Vec::new() }
        }

        fn hear(&mut self, ms: u64, levels: &[(usize, u8)]) {
            for step in 0..ms / 20 {
                self.now += Duration::from_millis(20);
                for &(producer, level_dbov_neg) in levels {
                    self.voices.note(self.now, producer, AudioLevel { voice: true, level_dbov_neg });
                }
                if step % 5 == 0 {
                    self.voices.forget_silent(self.now);
                    if self.talkers.judge(self.now, &self.voices) {
                        self.told.push((self.now, self.talkers.current().collect()));
                    }
                }
            }
        }

        fn lists(&self) -> Vec<&[usize]> {
            self.told.iter().map(|(_, list)| list.as_slice()).collect()
        }
    }

    #[test]
    fn those_who_speak_are_told_loudest_first_and_silence_is_an_empty_list() {
        let mut room = Room::new();
        room.hear(3000, &[(1, 40), (2, 20), (3, 30), (4, 80)]);
        assert_eq!(room.told.last().map(|(_, list)| list.as_slice()), Some(&[2, 3, 1][..]));
        room.hear(8000, &[(1, 127), (2, 127), (3, 127), (4, 127)]);
        assert_eq!(room.told.last().map(|(_, list)| list.as_slice()), Some(&[][..]));
    }

    #[test]
    fn voices_of_like_loudness_keep_their_order() {
        let mut room = Room::new();
        room.hear(2000, &[(1, 30), (2, 36)]);
        let before = room.told.len();
        for _ in 0..50 {
            room.hear(200, &[(1, 31), (2, 30)]);
            room.hear(200, &[(1, 30), (2, 31)]);
        }
        assert_eq!(room.told.len(), before, "{:?}", room.lists());
        room.hear(3000, &[(1, 36), (2, 20)]);
        assert_eq!(room.lists().last(), Some(&&[2, 1][..]));
    }

    #[test]
    fn no_more_than_two_lists_a_second_are_told_and_none_has_more_than_eight_names() {
        let mut room = Room::new();
        for turn in 0..100_usize {
            let levels: Vec<_> = (0..20).map(|n| (n, if (n + turn) % 3 == 0 { 20 } else { 90 })).collect();
            room.hear(260, &levels);
        }
        assert!(room.told.len() > 5);
        for pair in room.told.windows(2) {
            assert!(pair[1].0 - pair[0].0 >= TOLD_EVERY);
            assert_ne!(pair[0].1, pair[1].1, "only changes are told");
        }
        assert!(room.told.iter().all(|(_, list)| list.len() <= SPEAKERS_MAX));
    }

    #[test]
    fn whoever_takes_the_place_of_one_who_left_is_told_anew() {
        let mut room = Room::new();
        room.hear(2000, &[(1, 30)]);
        room.talkers.remove(1);
        room.voices.remove(1);
        room.hear(2000, &[(1, 30)]);
        assert!(room.lists().len() >= 2);
        assert_eq!(room.lists().last(), Some(&&[1][..]));
    }
}
