//! How loud each microphone of a group is (RFC 6464): slowly for who speaks, quickly for who is let in.

use std::time::{Duration, Instant};

use crate::engine::packet::AudioLevel;

/// What somebody's average must exceed to count as speech: -50 dBov, in power.
pub const SPEECH_POWER: f32 = 1e-5;
/// After so much silence nobody is the speaker, and a voice need no longer be looked after.
pub const SILENCE: Duration = Duration::from_secs(2);
/// After so much sound without a pause it is not taken for speech.
const ENDLESS: Duration = Duration::from_secs(30);
/// The level that means digital silence, not a very low level.
pub const MUTE_LEVEL: u8 = 127;
/// The time over which power is averaged.
const AVERAGED_OVER: Duration = Duration::from_millis(600);
/// How fast the quick figure forgets. It rises within two packets.
const QUICK_FADE: Duration = Duration::from_millis(150);
/// Each packet stands for so much sound, whatever else it takes the network to bring it.
const PACKET: Duration = Duration::from_millis(20);

/// One microphone's loudness. Loudness is averaged as power, so that short loud syllables count as ears count them.
#[derive(Debug, Clone, Copy)]
pub struct Voice {
    power: f32,
    quick: f32,
    heard_at: Instant,
    /// When it was last as loud as speech.
    pub loud_at: Option<Instant>,
    /// Since when it has been as loud as speech without a break.
    pub endless_since: Option<Instant>,
    /// Since when it has been louder than somebody who is heard, while it is not.
    pub challenges_since: Option<Instant>,
}

impl Voice {
    fn new(now: Instant) -> Self {
        Voice {
            power: 0.0,
            quick: 0.0,
            heard_at: now,
            loud_at: None,
            endless_since: None,
            challenges_since: None,
        }
    }

    /// Nobody speaks for so long without a breath: it is noise, or a level made up.
    pub fn is_endless(&self, now: Instant) -> bool {
        self.endless_since.is_some_and(|since| now.saturating_duration_since(since) >= ENDLESS)
    }

    /// The average as it is now: what is not heard fades.
    pub fn power(&self, now: Instant) -> f32 {
        self.power * fade(now.saturating_duration_since(self.heard_at), AVERAGED_OVER)
    }

    /// As [`Voice::power`], over the last syllable.
    pub fn quick(&self, now: Instant) -> f32 {
        self.quick * fade(now.saturating_duration_since(self.heard_at), QUICK_FADE)
    }

    fn note(&mut self, now: Instant, level: AudioLevel) {
        let power = power(level.level_dbov_neg);
        (self.power, self.quick) = (self.power(now), self.quick(now));
        self.power += (power - self.power) * (PACKET.as_secs_f32() / AVERAGED_OVER.as_secs_f32());
        if power > self.quick {
            self.quick += (power - self.quick) / 2.0;
        }
        self.heard_at = now;
        if power >= SPEECH_POWER {
            self.loud_at = Some(now);
            self.endless_since.get_or_insert(now);
        } else {
            self.endless_since = None;
        }
        if power == 0.0 {
            self.challenges_since = None;
        }
    }
}

/// The voices of one group, by their producer's place in the room's table. At most one for each of its microphones.
#[derive(Debug, Default)]
pub struct Voices {
    /// By the producer's place, so that equals are always found in the same order.
    voices: Vec<(usize, Voice)>,
}

impl Voices {
    /// Takes note of the level of one packet.
    pub fn note(&mut self, now: Instant, producer: usize, level: AudioLevel) {
        let at = self.place(producer).unwrap_or_else(|at| {
            self.voices.insert(at, (producer, Voice::new(now)));
            at
        });
        self.voices[at].1.note(now, level);
    }

    /// A microphone is muted, gone or elsewhere.
    pub fn remove(&mut self, producer: usize) {
        if let Ok(at) = self.place(producer) {
            self.voices.remove(at);
        }
    }

    /// Forgets voices that fell silent; the next packet brings them back.
    pub fn forget_silent(&mut self, now: Instant) {
        self.voices.retain(|(_, voice)| now.saturating_duration_since(voice.heard_at) < SILENCE);
    }

    /// Nobody was heard lately.
    pub fn is_empty(&self) -> bool {
        self.voices.is_empty()
    }

    /// A voice that was heard lately.
    pub fn get(&self, producer: usize) -> Option<&Voice> {
        self.place(producer).ok().map(|at| &self.voices[at].1)
    }

    /// As [`Voices::get`].
    pub fn get_mut(&mut self, producer: usize) -> Option<&mut Voice> {
        self.place(producer).ok().map(|at| &mut self.voices[at].1)
    }

    /// The average power of a voice; 0 for one that was not heard.
    pub fn power(&self, now: Instant, producer: usize) -> f32 {
        self.get(producer).map_or(0.0, |voice| voice.power(now))
    }

    /// Everybody who was heard lately, with the average power.
    pub fn powers(&self, now: Instant) -> impl Iterator<Item = (usize, f32)> {
        self.voices.iter().map(move |(producer, voice)| (*producer, voice.power(now)))
    }

    fn place(&self, producer: usize) -> Result<usize, usize> {
        self.voices.binary_search_by_key(&producer, |&(other, _)| other)
    }
}

fn fade(silent: Duration, over: Duration) -> f32 {
    (-silent.as_secs_f32() / over.as_secs_f32()).exp()
}

fn power(level_dbov_neg: u8) -> f32 {
    if level_dbov_neg == MUTE_LEVEL { 0.0 } else { 10_f32.powf(-f32::from(level_dbov_neg) / 10.0) }
}

/// A power as a level in -dBov, 127 for silence.
pub fn level(power: f32) -> u8 {
    if power <= 0.0 { MUTE_LEVEL } else { (-10.0 * power.log10()).round().clamp(0.0, 127.0) as u8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_reads_as_the_level_it_came_from() {
        for dbov_neg in [0, 1, 30, 50, 90, MUTE_LEVEL] {
            assert_eq!(level(power(dbov_neg)), dbov_neg);
        }
        assert_eq!(level(4.0), 0, "louder than full scale is full scale");
    }

    #[test]
    fn a_voice_rises_within_two_packets_and_is_forgotten_after_two_seconds() {
        let start = Instant::now();
        let mut voices = Voices::default();
        for packet in 0..2 {
            let level = AudioLevel { voice: true, level_dbov_neg: 30 };
            voices.note(start + PACKET * packet, 1, level);
        }
        let voice = voices.get(1).expect("just heard");
        assert!(voice.quick(start + PACKET) > power(30) / 2.0);
        assert!(voice.power(start + PACKET) < power(30) / 10.0);
        voices.forget_silent(start + SILENCE);
        assert!(!voices.is_empty());
        voices.forget_silent(start + SILENCE + PACKET);
        assert!(voices.is_empty());
    }
}
