//! One group of a room, people who hear each other: who speaks, who is let through, who is on stage.

use std::time::Instant;

use super::{
    loudest::{Change, Loudest},
    speaker::{JUDGED_EVERY, Speaker},
    stage::Stage,
    talkers::Talkers,
    voices::Voices,
};
use crate::engine::packet::AudioLevel;

/// The floor of one group. Producers are known by their place in the room's table.
#[derive(Debug, Default)]
pub struct Floor {
    /// The cameras, recent speakers first.
    pub stage: Stage,
    voices: Voices,
    speaker: Speaker,
    loudest: Loudest,
    talkers: Talkers,
    judged_at: Option<Instant>,
}

/// What a judgement changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// Somebody else speaks, or nobody.
    pub speaker: bool,
    /// There is a new list of those who speak.
    pub talkers: bool,
    /// The speaker took somebody's place.
    pub change: Option<Change>,
}

impl Floor {
    /// Takes note of a packet of a microphone. `heard`: it is let through already. `places`: how many are at a time, 0
    /// for all of them. Returns who is let through from this packet on, and who no longer.
    pub fn note(
        &mut self,
        now: Instant,
        producer: usize,
        level: Option<AudioLevel>,
        heard: bool,
        places: usize,
    ) -> Option<Change> {
        let all = Some(Change { entered: producer, left: None }).filter(|_| !heard);
        let Some(level) = level else {
            let through = !heard && (places == 0 || self.loudest.note_unranked(producer));
            return all.filter(|_| through);
        };
        self.voices.note(now, producer, level);
        if heard || places == 0 {
            return all;
        }
        self.loudest.note(now, producer, &mut self.voices, places, self.speaker.current())
    }

    /// A microphone tells its loudness. Returns whether it was let through as one that does not; from now on it has a
    /// place as the others have, or none.
    pub fn rank(&mut self, producer: usize) -> bool {
        self.loudest.rank(producer)
    }

    /// A microphone is muted, gone or elsewhere.
    pub fn remove(&mut self, producer: usize) {
        self.voices.remove(producer);
        self.speaker.remove(producer);
        self.loudest.remove(producer);
        self.talkers.remove(producer);
    }

    /// Who speaks.
    pub fn speaker(&self) -> Option<usize> {
        self.speaker.current()
    }

    /// Those who speak, loudest first, with their average power.
    pub fn talkers(&self, now: Instant) -> impl DoubleEndedIterator<Item = (usize, f32)> {
        self.talkers.current().map(move |producer| (producer, self.voices.power(now, producer)))
    }

    /// Judges again. `places` as in [`Floor::note`].
    pub fn judge(&mut self, now: Instant, places: usize) -> Judged {
        self.judged_at = Some(now);
        self.voices.forget_silent(now);
        let speaker = self.speaker.judge(now, &self.voices);
        let talkers = self.talkers.judge(now, &self.voices);
        let ahead = self.speaker.current().filter(|_| speaker && places > 0);
        let change = ahead.and_then(|speaker| self.loudest.admit(now, speaker, &self.voices, places));
        Judged { speaker, talkers, change }
    }

    /// Nobody is here.
    pub fn is_idle(&self) -> bool {
        self.stage.is_empty() && self.loudest.is_empty() && self.poll_timeout().is_none()
    }

    /// When there is something to judge.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let unsettled = self.speaker.is_unsettled() || self.talkers.is_unsettled() || !self.voices.is_empty();
        self.judged_at.filter(|_| unsettled).map(|at| at + JUDGED_EVERY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::router::loudest::UNRANKED_MAX;

    const PLACES: usize = 3;

    #[test]
    fn a_microphone_that_tells_its_loudness_again_leaves_the_places_of_those_that_do_not() {
        let (now, mut floor) = (Instant::now(), Floor::default());
        let level = |level_dbov_neg| Some(AudioLevel { voice: true, level_dbov_neg });
        let entered = |change: Option<Change>| change.map(|change| change.entered);
        for loud in 0..PLACES {
            assert_eq!(entered(floor.note(now, loud, level(30), false, PLACES)), Some(loud));
        }
        let unknown = 10..10 + UNRANKED_MAX;
        for producer in unknown.clone() {
            assert_eq!(entered(floor.note(now, producer, None, false, PLACES)), Some(producer));
        }
        assert_eq!(floor.note(now, 99, None, false, PLACES), None, "all of them are taken");
        assert!(floor.rank(10), "it was let through as it was unknown");
        assert_eq!(floor.note(now, 10, level(90), false, PLACES), None, "and is too quiet for the others");
        assert_eq!(entered(floor.note(now, 99, None, false, PLACES)), Some(99), "its place is free");
        assert!(!floor.rank(10) && !floor.rank(0), "once, and nobody else");
    }
}
