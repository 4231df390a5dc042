//! Who hears whom in a room: its groups, and what of their sound and cameras is forwarded.

use std::time::Instant;

use plenum_shared::{
    event::{Event, SPEAKERS_MAX, Speaking},
    id::{ProducerId, SessionId},
    media::Source,
};
use slab::Slab;

use super::{
    Outlet, Router,
    floor::{Floor, Judged},
    loudest::Change,
    producer::Producer,
    voices,
};
use crate::engine::{packet::AudioLevel, relay::message::ToBranch};

/// How many microphones and cameras of one group are forwarded at a time; 0 is all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LastN {
    /// The loudest microphones.
    pub audio: usize,
    /// Cameras of the most recent speakers.
    pub video: usize,
}

/// Loudness ranks microphones; the sound of a screen is never held back.
fn is_ranked(producer: &Producer) -> bool {
    producer.source == Source::Microphone
}

impl Router {
    /// A producer is in the table, or no longer paused.
    pub(in crate::engine) fn join_floor(&mut self, slot: usize) {
        let producer = &mut self.producers[slot];
        if producer.is_mirror() {
            // It is judged at home.
            return;
        }
        producer.heard = !is_ranked(producer);
        if producer.source == Source::Camera {
            let group = producer.group;
            self.floors.entry(group).or_default().stage.add(slot);
            self.set_stage(group);
        }
    }

    /// A producer is about to leave the table, or its group, or is paused.
    pub(in crate::engine) fn leave_floor(&mut self, slot: usize) {
        let producer = &mut self.producers[slot];
        if producer.is_mirror() {
            return;
        }
        let group = producer.group;
        producer.heard = !is_ranked(producer);
        let camera = producer.source == Source::Camera;
        let Some(floor) = self.floors.get_mut(&group) else { return };
        floor.remove(slot);
        if camera {
            floor.stage.remove(slot);
            self.set_stage(group);
        }
    }

    /// What a session publishes belongs to this group from now on.
    pub fn set_group(&mut self, session: SessionId, group: u32) {
        let moving: Vec<usize> = self
            .producers
            .iter()
            .filter(|(_, producer)| producer.session == session && producer.group != group)
            .map(|(slot, _)| slot)
            .collect();
        for slot in moving {
            self.leave_floor(slot);
            self.producers[slot].group = group;
            if !self.producers[slot].paused {
                self.join_floor(slot);
            }
        }
    }

    /// Takes note of how loud a packet is, where it says so. Returns whether its sound is let through.
    pub(super) fn note_voice(&mut self, now: Instant, slot: usize, level: Option<AudioLevel>) -> bool {
        let producer = &self.producers[slot];
        if !is_ranked(producer) {
            return true;
        }
        let (group, mut heard) = (producer.group, producer.heard);
        let floor = self.floors.entry(group).or_default();
        if heard && level.is_some() && floor.rank(slot) {
            heard = false;
            self.producers[slot].heard = false;
        }
        let change = floor.note(now, slot, level, heard, self.last_n.audio);
        self.let_through(change);
        self.producers[slot].heard
    }

    /// Judges who speaks in each group, and tells control what changed. Returns when to judge again.
    pub fn judge_floors(&mut self, now: Instant, outlet: &mut Outlet<'_>) -> Option<Instant> {
        let mut floors = std::mem::take(&mut self.floors);
        for (&group, floor) in &mut floors {
            let Judged { speaker, talkers, change } = floor.judge(now, self.last_n.audio);
            self.let_through(change);
            if speaker {
                outlet.counters.speaker_changes += 1;
                let speaker = self.named(floor.speaker());
                outlet.events.push_back(Event::ActiveSpeaker { room: outlet.room, group, speaker });
                outlet.tell_branches(&self.branches, || ToBranch::Speaks { group, speaker });
            }
            if talkers {
                let speakers = self.speaking(now, floor);
                outlet.events.push_back(Event::ActiveSpeakers { room: outlet.room, group, speakers });
            }
            if speaker || talkers {
                self.promote(now, floor);
            }
        }
        floors.retain(|_, floor| !floor.is_idle());
        self.floors = floors;
        self.floors.values().filter_map(Floor::poll_timeout).min()
    }

    /// Tells control anew who speaks in these groups. In one where nobody was heard it is nobody.
    pub fn tell_speakers_again(
        &self,
        now: Instant,
        groups: impl IntoIterator<Item = u32>,
        outlet: &mut Outlet<'_>,
    ) {
        for group in groups {
            let floor = self.floors.get(&group);
            let speaker = self.named(floor.and_then(Floor::speaker));
            let speakers = floor.map_or_else(Vec::new, |floor| self.speaking(now, floor));
            outlet.events.push_back(Event::ActiveSpeaker { room: outlet.room, group, speaker });
            outlet.events.push_back(Event::ActiveSpeakers { room: outlet.room, group, speakers });
        }
    }

    /// Who speaks in a group, and by which producer.
    pub fn speaker(&self, group: u32) -> Option<(SessionId, ProducerId)> {
        let told = || self.told_speakers.get(&group).copied();
        self.floors.get(&group).map_or_else(told, |floor| self.named(floor.speaker()))
    }

    /// Who speaks in each group.
    pub fn speakers(&self) -> impl Iterator<Item = (u32, (SessionId, ProducerId))> {
        self.floors.iter().filter_map(|(&group, floor)| Some((group, self.named(floor.speaker())?)))
    }

    fn named(&self, slot: Option<usize>) -> Option<(SessionId, ProducerId)> {
        let producer = self.producers.get(slot?)?;
        Some((producer.session, producer.id))
    }

    fn speaking(&self, now: Instant, floor: &Floor) -> Vec<Speaking> {
        let speaking = |(slot, power): (usize, f32)| {
            let producer = self.producers.get(slot)?;
            let level_dbov_neg = voices::level(power);
            Some(Speaking { session: producer.session, producer: producer.id, level_dbov_neg })
        };
        floor.talkers(now).filter_map(speaking).collect()
    }

    fn let_through(&mut self, change: Option<Change>) {
        let Some(Change { entered, left }) = change else { return };
        for (slot, heard) in [(Some(entered), true), (left, false)] {
            if let Some(producer) = slot.and_then(|slot| self.producers.get_mut(slot)) {
                producer.heard = heard;
            }
        }
    }

    /// The cameras of those who speak come first, the speaker's before all.
    fn promote(&mut self, now: Instant, floor: &mut Floor) {
        let mut changed = false;
        let mut next = [None; SPEAKERS_MAX + 1];
        let talkers = floor.talkers(now).rev().map(|(slot, _)| slot).chain(floor.speaker());
        next.iter_mut().zip(talkers).for_each(|(next, slot)| *next = Some(slot));
        for session in next.into_iter().filter_map(|slot| Some(self.producers.get(slot?)?.session)) {
            changed |= floor
                .stage
                .promote(|slot| self.producers.get(slot).is_some_and(|producer| producer.session == session));
        }
        if changed {
            set_stage(floor, self.last_n.video, &mut self.producers, &mut self.restaged);
        }
    }

    fn set_stage(&mut self, group: u32) {
        if let Some(floor) = self.floors.get(&group) {
            set_stage(floor, self.last_n.video, &mut self.producers, &mut self.restaged);
        }
    }
}

/// Marks the cameras that are forwarded, and lists those for which that changed.
fn set_stage(floor: &Floor, places: usize, producers: &mut Slab<Producer>, restaged: &mut Vec<usize>) {
    for (place, slot) in floor.stage.order().enumerate() {
        let on_stage = places == 0 || place < places;
        if let Some(producer) = producers.get_mut(slot)
            && std::mem::replace(&mut producer.on_stage, on_stage) != on_stage
        {
            restaged.push(slot);
        }
    }
}
