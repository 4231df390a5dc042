//! What is believed of the level a client gives for its microphone (RFC 6464), which is in clear and anybody's to write.
//!
//! A wrong level must neither keep others out nor mute its owner: it is no louder than a voice can be, belongs to a packet
//! with sound in it, and says "silence" only of packets as small as silence is.

use std::time::{Duration, Instant};

use super::voices::MUTE_LEVEL;
use crate::engine::packet::AudioLevel;

/// Nobody counts as louder than -20 dBov; speech is about that loud after automatic gain.
const LOUDEST_DBOV_NEG: u8 = 20;
/// Payloads up to this many bytes say that there is nothing to say (RFC 6716 section 3.1: the table of contents and
/// frames without content).
const DTX_LEN_MAX: usize = 3;
/// Encoded silence takes no more; 20 ms of the lowest rate at which speech is sent take more.
const SILENCE_LEN_MAX: usize = 20;
/// A client that calls larger payloads silent for so long does not know its level.
const DOUBTED_AFTER: Duration = Duration::from_secs(1);

/// What one microphone has claimed.
#[derive(Debug, Default)]
pub struct Claims {
    /// Large payloads have been called silent without a break.
    doubtful_since: Option<Instant>,
}

impl Claims {
    /// The level a packet counts with; `None` when the client does not tell. `negotiated`: it said that it would.
    pub fn believe(
        &mut self,
        now: Instant,
        claimed: Option<AudioLevel>,
        negotiated: bool,
        opus: &[u8],
    ) -> Option<AudioLevel> {
        if !negotiated {
            return None;
        }
        let silence = AudioLevel { voice: false, level_dbov_neg: MUTE_LEVEL };
        let level = claimed.filter(|_| opus.len() > DTX_LEN_MAX).unwrap_or(silence);
        if claimed.is_some_and(|claimed| claimed.level_dbov_neg != MUTE_LEVEL) {
            self.doubtful_since = None;
        } else if claimed.is_some() && opus.len() > SILENCE_LEN_MAX {
            let since = *self.doubtful_since.get_or_insert(now);
            return Some(level).filter(|_| now.saturating_duration_since(since) < DOUBTED_AFTER);
        }
        Some(AudioLevel { level_dbov_neg: level.level_dbov_neg.max(LOUDEST_DBOV_NEG), ..level })
    }
}

/// There is no sound in a packet of this level and payload.
pub fn is_silent(level_dbov_neg: Option<u8>, opus: &[u8]) -> bool {
    let said = level_dbov_neg == Some(MUTE_LEVEL) && opus.len() <= SILENCE_LEN_MAX;
    said || opus.len() <= DTX_LEN_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(level_dbov_neg: u8) -> Option<AudioLevel> {
        Some(AudioLevel { voice: true, level_dbov_neg })
    }

    fn believed(claimed: Option<AudioLevel>, len: usize) -> Option<u8> {
        let opus = vec![0; len];
        let level = Claims::default().believe(Instant::now(), claimed, true, &opus);
        level.map(|level| level.level_dbov_neg)
    }

    #[test]
    fn a_level_is_no_louder_than_a_voice_and_belongs_to_a_packet_with_sound() {
        assert_eq!(believed(level(0), 80), Some(20));
        assert_eq!(believed(level(45), 80), Some(45));
        assert_eq!(believed(level(0), 3), Some(MUTE_LEVEL));
    }

    #[test]
    fn a_level_that_was_promised_and_is_not_there_is_silence() {
        assert_eq!(believed(None, 80), Some(MUTE_LEVEL));
        assert_eq!(Claims::default().believe(Instant::now(), None, false, &[0; 80]), None);
    }

    #[test]
    fn a_client_that_calls_everything_silent_does_not_know_its_level() {
        let start = Instant::now();
        let mut claims = Claims::default();
        let mut at = |ms, claimed, len: usize| {
            claims.believe(start + Duration::from_millis(ms), level(claimed), true, &vec![0; len]).is_some()
        };
        assert!(at(0, 127, 80) && at(980, 127, 80));
        assert!(!at(1000, 127, 80));
        assert!(at(1020, 127, 8), "what is as small as silence is believed");
        assert!(!at(1040, 127, 80));
        assert!(at(1060, 40, 80) && at(1080, 127, 80));
    }

    #[test]
    fn silence_is_small() {
        assert!(is_silent(Some(127), &[0; 8]) && is_silent(None, &[0xF8]));
        assert!(!is_silent(Some(126), &[0; 8]) && !is_silent(Some(127), &[0; 80]));
    }
}
