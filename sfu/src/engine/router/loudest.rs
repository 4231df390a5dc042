//! Whose microphone is forwarded: a few places in each group, taken by the loudest (last-N).
//!
//! A place that is free is taken by whoever is there. One whose holder has been quiet for a while is taken with the
//! first loud packet, so that no syllable is cut; one whose holder speaks goes only to somebody clearly louder. Places
//! are left by being taken, so a room of few microphones never holds one back, and a large one costs each listener the
//! same.

use std::time::{Duration, Instant};

use super::voices::{SPEECH_POWER, Voices};

/// Whoever has been quiet for so long makes room for any voice.
const HOLD: Duration = Duration::from_millis(800);
/// To take a place from somebody who is not quiet one must have so many times the power: 6 dB.
const CHALLENGE_FACTOR: f32 = 4.0;
/// And keep it for so long: three packets.
const CHALLENGE: Duration = Duration::from_millis(60);
/// Microphones of clients that do not say how loud they are. Nothing is known of them, so they are forwarded as long
/// as there are no more than this in a group; the next one is heard when one of them leaves.
pub const UNRANKED_MAX: usize = 16;

/// Who got a place, and who lost it by that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// From now on forwarded.
    pub entered: usize,
    /// From now on held back.
    pub left: Option<usize>,
}

/// The places of one group. Microphones are known by their place in the room's table of producers.
#[derive(Debug, Default)]
pub struct Loudest {
    /// At most as many as there are places.
    members: Vec<usize>,
    unranked: Vec<usize>,
}

impl Loudest {
    /// A packet of a microphone that is held back came; its level has been noted in `voices`. `places` is how many may
    /// be forwarded, `speaker` is one who keeps the place in any case.
    pub fn note(
        &mut self,
        now: Instant,
        producer: usize,
        voices: &mut Voices,
        places: usize,
        speaker: Option<usize>,
    ) -> Option<Change> {
        if self.members.len() < places {
            self.members.push(producer);
            return Some(Change { entered: producer, left: None });
        }
        let challenger = voices.get(producer)?;
        let (quick, is_loud) = (challenger.quick(now), challenger.loud_at == Some(now));
        let endless = challenger.is_endless(now);
        let others = || self.members.iter().copied().filter(|&member| Some(member) != speaker);
        let voice_of = |member: usize| voices.get(member);
        let quiet_since = |member: usize| {
            // What never pauses counts as quiet for whoever does.
            voice_of(member).filter(|voice| endless || !voice.is_endless(now)).and_then(|voice| voice.loud_at)
        };
        let quietest = others().min_by_key(|&member| quiet_since(member))?;
        let is_quiet =
            |&member: &usize| quiet_since(member).is_none_or(|at| now.saturating_duration_since(at) >= HOLD);
        let is_free = is_quiet(&quietest);
        if is_free && is_loud {
            return Some(self.replace(producer, quietest));
        }
        let quick_of = |member: usize| voices.get(member).map_or(0.0, |voice| voice.quick(now));
        let weakest = others().min_by(|&a, &b| quick_of(a).total_cmp(&quick_of(b)))?;
        let silent = others().filter(is_quiet).min_by(|&a, &b| quick_of(a).total_cmp(&quick_of(b)));
        let rival = silent.unwrap_or(weakest);
        // Among those who speak it takes speech; where nobody does, any sound is more than none.
        let least = if is_free { f32::MIN_POSITIVE } else { SPEECH_POWER };
        let louder =
            (is_free || (is_loud && !endless)) && quick >= least.max(quick_of(rival) * CHALLENGE_FACTOR);
        let voice = voices.get_mut(producer)?;
        if !louder {
            voice.challenges_since = None;
            return None;
        }
        let since = *voice.challenges_since.get_or_insert(now);
        if now.saturating_duration_since(since) < CHALLENGE {
            return None;
        }
        voice.challenges_since = None;
        Some(self.replace(producer, rival))
    }

    /// A packet of a microphone whose loudness is unknown came, which is held back. Returns whether it gets through.
    pub fn note_unranked(&mut self, producer: usize) -> bool {
        let fits = self.unranked.len() < UNRANKED_MAX;
        if fits {
            self.unranked.push(producer);
        }
        fits
    }

    /// A microphone tells its loudness. Returns whether it was let through because it did not: that is over.
    pub fn rank(&mut self, producer: usize) -> bool {
        let known = self.unranked.iter().position(|&member| member == producer);
        known.map(|at| self.unranked.swap_remove(at)).is_some()
    }

    /// Gives a place to the one who speaks, whoever has to go.
    pub fn admit(&mut self, now: Instant, producer: usize, voices: &Voices, places: usize) -> Option<Change> {
        if self.members.contains(&producer) || self.unranked.contains(&producer) {
            return None;
        }
        if self.members.len() < places {
            self.members.push(producer);
            return Some(Change { entered: producer, left: None });
        }
        let power = |member: usize| voices.power(now, member);
        let weakest = self.members.iter().copied().min_by(|&a, &b| power(a).total_cmp(&power(b)))?;
        Some(self.replace(producer, weakest))
    }

    /// A microphone is muted, gone or elsewhere: its place is free.
    pub fn remove(&mut self, producer: usize) {
        self.members.retain(|&member| member != producer);
        self.unranked.retain(|&member| member != producer);
    }

    /// Nobody is let through.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.unranked.is_empty()
    }

    fn replace(&mut self, producer: usize, member: usize) -> Change {
        self.members.retain(|&other| other != member);
        self.members.push(producer);
        Change { entered: producer, left: Some(member) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::packet::AudioLevel;
    use std::collections::BTreeSet;

    const PLACES: usize = 3;
    const PACKET: Duration = Duration::from_millis(20);

    struct Room {
        now: Instant,
        voices: Voices,
        loudest: Loudest,
        heard: BTreeSet<usize>,
        speaker: Option<usize>,
        changes: usize,
    }

    impl Room {
        fn new() -> Self {
            Room {
                now: Instant::now(),
                voices: Voices::default(),
                loudest: Loudest::default(),
                heard: BTreeSet::new(),
                speaker: None,
                changes: 0,
            }
        }

        /// Everybody is heard at these levels (-dBov) for a while. Returns when each of those who entered did, in ms.
        fn hear(&mut self, ms: u64, levels: &[(usize, u8)]) -> Vec<(usize, u64)> {
            let start = self.now;
            let mut entered = Vec::new();
            while self.now - start < Duration::from_millis(ms) {
                for &(producer, level_dbov_neg) in levels {
                    self.voices.note(self.now, producer, AudioLevel { voice: true, level_dbov_neg });
                    if self.heard.contains(&producer) {
                        continue;
                    }
                    let change =
                        self.loudest.note(self.now, producer, &mut self.voices, PLACES, self.speaker);
                    if let Some(change) = change {
                        assert_eq!(change.entered, producer);
                        self.changes += 1;
                        self.heard.insert(producer);
                        assert!(change.left.is_none_or(|left| self.heard.remove(&left)));
                        entered.push((producer, (self.now - start).as_millis() as u64));
                    }
                }
                self.now += PACKET;
            }
            assert!(self.heard.len() <= PLACES);
            entered
        }

        fn heard(&self) -> Vec<usize> {
            self.heard.iter().copied().collect()
        }
    }

    #[test]
    fn few_microphones_are_all_heard_however_quiet() {
        let mut room = Room::new();
        room.hear(1000, &[(1, 127), (2, 80), (3, 30)]);
        assert_eq!(room.heard(), [1, 2, 3]);
    }

    #[test]
    fn a_voice_in_silence_is_heard_from_its_first_loud_packet() {
        let mut room = Room::new();
        room.hear(2000, &[(1, 80), (2, 80), (3, 80), (4, 90), (5, 90)]);
        assert_eq!(room.heard(), [1, 2, 3]);
        let entered = room.hear(500, &[(1, 80), (2, 80), (3, 80), (4, 30), (5, 90)]);
        assert_eq!(entered, [(4, 0)]);
        let entered = room.hear(500, &[(5, 30)]);
        assert_eq!(entered, [(5, 0)]);
        assert!(room.heard().contains(&4), "whoever spoke lately stays");
    }

    #[test]
    fn a_louder_voice_is_let_in_within_100_ms_while_all_places_speak() {
        let mut room = Room::new();
        room.hear(2000, &[(1, 40), (2, 40), (3, 40), (4, 80)]);
        let entered = room.hear(500, &[(1, 40), (2, 40), (3, 45), (4, 30)]);
        assert!(matches!(entered[..], [(4, ms)] if ms <= 100), "{entered:?}");
        assert_eq!(room.heard(), [1, 2, 4], "the weakest made room");
    }

    #[test]
    fn voices_of_like_loudness_do_not_take_each_others_places() {
        let mut room = Room::new();
        for _ in 0..50 {
            room.hear(200, &[(1, 30), (2, 32), (3, 34), (4, 32)]);
            room.hear(200, &[(1, 34), (2, 30), (3, 32), (4, 30)]);
        }
        assert_eq!((room.heard(), room.changes), (vec![1, 2, 3], PLACES));
    }

    #[test]
    fn a_click_does_not_take_the_place_of_somebody_who_speaks() {
        let mut room = Room::new();
        room.hear(2000, &[(1, 40), (2, 40), (3, 40), (4, 80)]);
        room.hear(40, &[(1, 40), (2, 40), (3, 40), (4, 10)]);
        room.hear(1000, &[(1, 40), (2, 40), (3, 40), (4, 80)]);
        assert_eq!(room.heard(), [1, 2, 3]);
    }

    #[test]
    fn whoever_says_to_be_loud_without_end_makes_room_for_whoever_speaks() {
        let mut room = Room::new();
        room.hear(31_000, &[(1, 20), (2, 20), (3, 20), (4, 90)]);
        assert_eq!(room.hear(500, &[(1, 20), (2, 20), (3, 20), (4, 40)]), [(4, 0)]);
        room.hear(31_000, &[(1, 20), (2, 20), (3, 20), (4, 90), (5, 20)]);
        let changes = room.changes;
        room.hear(5000, &[(1, 20), (2, 20), (3, 20), (4, 90), (5, 20)]);
        assert_eq!(room.changes, changes, "and not for another of that kind");
    }

    #[test]
    fn a_quiet_voice_takes_the_place_of_silence_but_not_of_one_as_quiet() {
        let mut room = Room::new();
        room.hear(2000, &[(1, 60), (2, 70), (3, 127), (4, 90), (5, 127)]);
        assert_eq!(room.heard(), [1, 2, 4], "silence goes first");
        let entered = room.hear(500, &[(1, 60), (2, 70), (4, 90), (3, 127), (6, 60)]);
        assert!(matches!(entered[..], [(6, ms)] if ms <= 100), "{entered:?}");
        assert_eq!(room.heard(), [1, 2, 6]);
        assert_eq!(room.hear(500, &[(1, 60), (2, 70), (6, 60), (7, 67)]), []);
    }

    #[test]
    fn the_speaker_keeps_the_place_and_gets_one_in_any_case() {
        let mut room = Room::new();
        room.hear(1000, &[(1, 80), (2, 40), (3, 40), (4, 80)]);
        room.speaker = Some(1);
        room.hear(1000, &[(1, 80), (2, 40), (3, 40), (4, 20)]);
        assert!(room.heard().contains(&1));
        let change = room.loudest.admit(room.now, 9, &room.voices, PLACES);
        assert_eq!(change, Some(Change { entered: 9, left: Some(1) }), "the quietest goes");
        assert_eq!(room.loudest.admit(room.now, 9, &room.voices, PLACES), None);
    }

    #[test]
    fn the_place_of_one_who_left_is_free() {
        let mut room = Room::new();
        room.hear(1000, &[(1, 30), (2, 30), (3, 30), (4, 90)]);
        room.loudest.remove(2);
        room.heard.remove(&2);
        assert_eq!(room.hear(20, &[(1, 30), (3, 30), (4, 90)]), [(4, 0)]);
    }

    #[test]
    fn microphones_without_a_level_are_heard_up_to_a_bound() {
        let mut loudest = Loudest::default();
        assert!((0..UNRANKED_MAX).all(|producer| loudest.note_unranked(producer)));
        assert!(!loudest.note_unranked(99));
        loudest.remove(3);
        assert!(loudest.note_unranked(99));
    }
}
