//! Who is heard in which room of a running meeting, as the media plane says.
//!
//! The media plane knows rooms of a divided meeting by number ([`LiveMeeting::group_of`]) and judges each for itself.
//! What it says about somebody who has gone to another room meanwhile is not told on: it judges again when it has
//! heard of that.

use std::collections::{HashMap, HashSet};

use plenum_shared::{event::Speaking, id::SessionId};

use super::event::{Audience, DomainEvent, Heard, Notice};
use super::id::{BreakoutRoomId, ParticipantId};
use super::live::LiveMeeting;

/// Who is heard in one room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Speech {
    /// Whoever speaks above all others.
    dominant: Option<ParticipantId>,
    /// The loudest first.
    heard: Vec<Heard>,
    /// Somebody was taken out who is gone: the next that is said of the two is told, though nothing be new in it.
    speaker_hushed: bool,
    heard_hushed: bool,
}

/// Who is heard in each room, and the numbers by which the media plane knows them.
pub(super) struct Numbered {
    speech: HashMap<Option<BreakoutRoomId>, Speech>,
    rooms: HashMap<Option<BreakoutRoomId>, u32>,
}

impl LiveMeeting {
    /// The number by which the media plane knows a room; 0 is the main room.
    pub fn group_of(&self, room: Option<BreakoutRoomId>) -> u32 {
        let position = |id| self.breakouts.as_ref()?.rooms.iter().position(|room| room.id == id);
        room.and_then(position).map_or(0, |index| index as u32 + 1)
    }

    /// The number of the room a session is in; `None` when nobody is inside under that name.
    pub fn group_of_session(&self, session: SessionId) -> Option<u32> {
        self.participants
            .get(&ParticipantId(session.0))
            .map(|participant| self.group_of(participant.breakout))
    }

    fn room_of_group(&self, group: u32) -> Option<Option<BreakoutRoomId>> {
        let Some(index) = group.checked_sub(1) else { return Some(None) };
        let room = self.breakouts.as_ref()?.rooms.get(index as usize)?;
        Some(Some(room.id))
    }

    /// Somebody else speaks in a room now, or nobody.
    pub fn speaker_changed(&mut self, group: u32, speaker: Option<SessionId>) -> Vec<Notice> {
        let Some(room) = self.room_of_group(group) else { return Vec::new() };
        let dominant = speaker.map(|session| ParticipantId(session.0)).filter(|id| self.is_in(*id, room));
        let speech = self.speech.entry(room).or_default();
        // Told anew by a node whose facts may have been lost.
        if !std::mem::take(&mut speech.speaker_hushed) && speech.dominant == dominant {
            return Vec::new();
        }
        speech.dominant = dominant;
        vec![self.speaker_told(self.people_in(room), dominant)]
    }

    /// Others are heard in a room now, or in another order.
    pub fn speakers_changed(&mut self, group: u32, speakers: &[Speaking]) -> Vec<Notice> {
        let Some(room) = self.room_of_group(group) else { return Vec::new() };
        let mut known = HashSet::new();
        let heard: Vec<_> = speakers
            .iter()
            .map(|one| Heard {
                participant: ParticipantId(one.session.0),
                level_dbov: -i16::from(one.level_dbov_neg),
            })
            // Somebody may be heard by microphone and by the sound of a screen.
            .filter(|one| self.is_in(one.participant, room) && known.insert(one.participant))
            .collect();
        let speech = self.speech.entry(room).or_default();
        if !std::mem::take(&mut speech.heard_hushed) && speech.heard == heard {
            return Vec::new();
        }
        speech.heard.clone_from(&heard);
        vec![self.speakers_told(self.people_in(room), heard)]
    }

    /// Everybody who is heard anywhere in the meeting, the loudest first; whoever speaks above the others where nobody
    /// says how loud.
    pub fn speakers(&self) -> Vec<ParticipantId> {
        let mut heard: Vec<_> = self.speech.values().flat_map(|speech| &speech.heard).collect();
        heard.sort_by_key(|one| std::cmp::Reverse(one.level_dbov));
        let dominant = self.speech.values().filter_map(|speech| speech.dominant);
        let mut known = HashSet::new();
        heard.iter().map(|one| one.participant).chain(dominant).filter(|id| known.insert(*id)).collect()
    }

    /// Somebody is gone, or in another room; the media plane says by itself who is heard instead.
    pub(super) fn hush(&mut self, id: ParticipantId) {
        for speech in self.speech.values_mut() {
            speech.speaker_hushed |= speech.dominant.take_if(|dominant| *dominant == id).is_some();
            let before = speech.heard.len();
            speech.heard.retain(|heard| heard.participant != id);
            speech.heard_hushed |= speech.heard.len() < before;
        }
    }

    /// Whom somebody who enters finds speaking: the media plane says it only when it changes.
    pub(super) fn speech_on_entry(&self, id: ParticipantId) -> Vec<Notice> {
        let room = self.participants.get(&id).map(|participant| participant.breakout);
        let now = room.and_then(|room| self.speech.get(&room));
        now.map_or_else(Vec::new, |now| self.difference(None, now, || Audience::One(id)))
    }

    /// People went to other rooms, from those named, or other rooms took the place of theirs. Who stayed hears that a
    /// speaker is not here any more; who came, whom he hears now. `renumbered`: those whom the media plane counts to
    /// another room from now on; the others it judges as before, and says nothing new of them.
    pub(super) fn speech_after_moves(
        &mut self,
        before: Numbered,
        moved: impl IntoIterator<Item = (ParticipantId, Option<BreakoutRoomId>)>,
        renumbered: &[SessionId],
    ) -> Vec<Notice> {
        let Numbered { speech: before, rooms } = before;
        self.speech = before
            .iter()
            .filter_map(|(room, speech)| Some((self.room_of_group(*rooms.get(room)?)?, speech.clone())))
            .collect();
        renumbered.iter().for_each(|session| self.hush(ParticipantId(session.0)));
        let mut notices = Vec::new();
        // In a room that took another's place nobody has stayed.
        for (room, now) in self.speech.iter().filter(|(room, _)| rooms.contains_key(room)) {
            notices.extend(self.difference(before.get(room), now, || self.people_in(*room)));
        }
        for (id, from) in moved {
            let Some(room) = self.participants.get(&id).map(|participant| participant.breakout) else {
                continue;
            };
            let now = self.speech.get(&room).cloned().unwrap_or_default();
            notices.extend(self.difference(before.get(&from), &now, || Audience::One(id)));
        }
        notices
    }

    /// Who is heard where, before rooms change.
    pub(super) fn speech_by_number(&self) -> Numbered {
        let open = self.breakouts.iter().flat_map(|open| &open.rooms).map(|room| Some(room.id));
        let rooms = std::iter::once(None).chain(open).zip(0..).collect();
        Numbered { speech: self.speech.clone(), rooms }
    }

    fn difference(
        &self,
        before: Option<&Speech>,
        now: &Speech,
        audience: impl Fn() -> Audience,
    ) -> Vec<Notice> {
        let silence = Speech::default();
        let before = before.unwrap_or(&silence);
        let speaker = (before.dominant != now.dominant).then(|| self.speaker_told(audience(), now.dominant));
        let speakers = (before.heard != now.heard).then(|| self.speakers_told(audience(), now.heard.clone()));
        speaker.into_iter().chain(speakers).collect()
    }

    fn is_in(&self, id: ParticipantId, room: Option<BreakoutRoomId>) -> bool {
        self.participants.get(&id).is_some_and(|participant| participant.breakout == room)
    }

    fn speaker_told(&self, audience: Audience, participant: Option<ParticipantId>) -> Notice {
        Notice::new(audience, DomainEvent::ActiveSpeaker { meeting: self.meeting.id, participant })
    }

    fn speakers_told(&self, audience: Audience, speakers: Vec<Heard>) -> Notice {
        Notice::new(audience, DomainEvent::ActiveSpeakers { meeting: self.meeting.id, speakers })
    }
}
