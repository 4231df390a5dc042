//! Audio levels to the one who speaks.
//!
//! A challenger must be clearly louder for a while, a pause for breath does not end a turn, and nobody speaks after a
//! longer silence: about one change for each change that people notice.

use std::time::{Duration, Instant};

use super::voices::{SILENCE, SPEECH_POWER, Voices};

/// A challenger must have this many times the speaker's power: 6 dB.
const CHALLENGE_FACTOR: f32 = 4.0;
/// And keep it for so long.
const CHALLENGE: Duration = Duration::from_millis(500);
/// When the speaker has gone quiet, this is enough.
const CHALLENGE_OF_SILENCE: Duration = Duration::from_millis(200);
/// Between two judgements.
pub const JUDGED_EVERY: Duration = Duration::from_millis(100);

/// Who speaks in one group, by the producer's place in the room's table.
#[derive(Debug, Default)]
pub struct Speaker {
    current: Option<usize>,
    /// The current speaker was last loud enough then.
    loud_at: Option<Instant>,
    challenger: Option<(usize, Instant)>,
    /// Whoever spoke was muted or left since the last judgement.
    left: bool,
}

impl Speaker {
    /// A microphone is muted or gone.
    pub fn remove(&mut self, producer: usize) {
        // Its place may be another's before the next judgement, who must not be taken for it.
        if self.current == Some(producer) {
            (self.current, self.left) = (None, true);
        }
        self.challenger = self.challenger.filter(|&(challenger, _)| challenger != producer);
    }

    /// Who speaks.
    pub fn current(&self) -> Option<usize> {
        self.current
    }

    /// There is something to judge, whoever is heard.
    pub fn is_unsettled(&self) -> bool {
        self.current.is_some() || self.left
    }

    /// Judges again. Returns whether the speaker changed.
    pub fn judge(&mut self, now: Instant, voices: &Voices) -> bool {
        let speaker_power = self.current.map_or(0.0, |current| voices.power(now, current));
        if speaker_power >= SPEECH_POWER {
            self.loud_at = Some(now);
        }
        let loudest = voices
            .powers(now)
            .filter(|&(producer, power)| {
                Some(producer) != self.current && power >= SPEECH_POWER.max(speaker_power * CHALLENGE_FACTOR)
            })
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(producer, _)| producer);
        self.challenger = match (loudest, self.challenger) {
            (Some(loudest), Some((challenger, since))) if loudest == challenger => Some((challenger, since)),
            (Some(loudest), _) => Some((loudest, now)),
            (None, _) => None,
        };
        let needed = if speaker_power >= SPEECH_POWER { CHALLENGE } else { CHALLENGE_OF_SILENCE };
        let winner = self.challenger.filter(|&(_, since)| now.saturating_duration_since(since) >= needed);
        let quiet = self.loud_at.is_none_or(|at| now.saturating_duration_since(at) >= SILENCE);
        let next = match (winner, self.current) {
            (Some((winner, _)), _) => Some(winner),
            (None, Some(current)) if quiet || voices.get(current).is_none() => None,
            (None, current) => current,
        };
        if next == self.current && !std::mem::take(&mut self.left) {
            return false;
        }
        (self.current, self.challenger, self.loud_at) = (next, None, Some(now));
        self.left = false;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::packet::AudioLevel;

    const ADA: usize = 1;
    const BOB: usize = 2;

    struct Room {
        now: Instant,
        voices: Voices,
        speaker: Speaker,
        changes: Vec<Option<usize>>,
    }

    impl Room {
        fn new() -> Self {
            Room {
                now: Instant::now(),
                voices: Voices::default(),
                speaker: Speaker::default(),
                changes: Vec::new(),
            }
        }

        /// Everybody is heard at these levels (-dBov) for a while; 127 is silence.
        fn hear(&mut self, ms: u64, levels: &[(usize, u8)]) {
            for step in 0..ms / 20 {
                self.now += Duration::from_millis(20);
                for &(producer, level_dbov_neg) in levels {
                    let level = AudioLevel { voice: level_dbov_neg < 60, level_dbov_neg };
                    self.voices.note(self.now, producer, level);
                }
                if step % 5 == 0 {
                    self.voices.forget_silent(self.now);
                    if self.speaker.judge(self.now, &self.voices) {
                        self.changes.push(self.speaker.current());
                    }
                }
            }
        }

        fn leave(&mut self, producer: usize) {
            self.voices.remove(producer);
            self.speaker.remove(producer);
        }
    }

    #[test]
    fn whoever_speaks_in_silence_becomes_the_speaker_and_silence_ends_it() {
        let mut room = Room::new();
        room.hear(2000, &[(ADA, 80), (BOB, 90)]);
        assert_eq!(room.changes, []);
        room.hear(1000, &[(ADA, 30), (BOB, 90)]);
        assert_eq!(room.changes, [Some(ADA)]);
        room.hear(8000, &[(ADA, 127), (BOB, 127)]);
        assert_eq!(room.changes, [Some(ADA), None]);
    }

    #[test]
    fn a_cough_does_not_take_the_floor_and_a_louder_voice_does_once() {
        let mut room = Room::new();
        room.hear(3000, &[(ADA, 35), (BOB, 80)]);
        room.hear(60, &[(ADA, 35), (BOB, 15)]);
        room.hear(3000, &[(ADA, 35), (BOB, 80)]);
        assert_eq!(room.changes, [Some(ADA)]);
        room.hear(5000, &[(ADA, 35), (BOB, 20)]);
        assert_eq!(room.changes, [Some(ADA), Some(BOB)]);
    }

    #[test]
    fn two_voices_of_like_loudness_do_not_flicker() {
        let mut room = Room::new();
        for _ in 0..50 {
            room.hear(200, &[(ADA, 30), (BOB, 33)]);
            room.hear(200, &[(ADA, 33), (BOB, 30)]);
        }
        assert_eq!(room.changes.len(), 1, "{:?}", room.changes);
    }

    #[test]
    fn a_pause_for_breath_does_not_end_a_turn_but_leaving_does() {
        let mut room = Room::new();
        room.hear(2000, &[(ADA, 30)]);
        room.hear(1000, &[(ADA, 127)]);
        room.hear(2000, &[(ADA, 30)]);
        assert_eq!(room.changes, [Some(ADA)]);
        room.leave(ADA);
        room.hear(200, &[(BOB, 127)]);
        assert_eq!(room.changes, [Some(ADA), None]);
    }

    #[test]
    fn whoever_takes_the_place_of_a_speaker_who_left_is_not_the_speaker() {
        let mut room = Room::new();
        room.hear(2000, &[(ADA, 30)]);
        room.leave(ADA);
        room.hear(1000, &[(ADA, 80)]);
        assert_eq!(room.changes, [Some(ADA), None]);
        room.hear(1000, &[(ADA, 30)]);
        room.leave(ADA);
        room.hear(1000, &[(ADA, 30)]);
        assert_eq!(room.changes, [Some(ADA), None, Some(ADA), None, Some(ADA)], "it is another Ada");
    }

    #[test]
    fn short_beeps_of_a_fake_device_are_heard() {
        let mut room = Room::new();
        for _ in 0..4 {
            room.hear(40, &[(ADA, 15)]);
            room.hear(460, &[(ADA, 127)]);
        }
        assert_eq!(room.changes, [Some(ADA)]);
    }
}
