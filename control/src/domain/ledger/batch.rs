//! Facts of all meetings on their way into the database, added up so that little is written.

use std::collections::HashMap;

use plenum_shared::id::RoomId;
use time::OffsetDateTime;

use super::{Act, Fact, Lasting, Stretch};
use crate::domain::analytics::Traffic;
use crate::domain::id::{MeetingId, ParticipantId};

/// Entries that wait at most. It takes ten thousand people who each do twenty different things within the few seconds
/// between two writes, or a database that is away for long; then what is new is not remembered, and counted as lost.
pub const ENTRIES_MAX: usize = 200_000;

/// So often somebody did the same thing within one minute of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ActKey {
    pub meeting: MeetingId,
    pub session: ParticipantId,
    pub kind: &'static str,
    /// Which reaction; empty for anything else.
    pub detail: String,
    /// Of the meeting, from 0.
    pub minute: i64,
}

/// Which stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StretchKey {
    pub meeting: MeetingId,
    pub session: ParticipantId,
    pub what: Lasting,
    pub from: OffsetDateTime,
}

/// What is to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Batch {
    /// To be added to what is there.
    pub acts: HashMap<ActKey, u64>,
    /// With its end, once it has one.
    pub stretches: HashMap<StretchKey, Option<OffsetDateTime>>,
    /// Bytes of each room since it exists.
    pub traffic: HashMap<RoomId, (MeetingId, Traffic)>,
}

impl Batch {
    /// Nothing to write.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn len(&self) -> usize {
        self.acts.len() + self.stretches.len() + self.traffic.len()
    }

    /// Takes a fact of a meeting that began at `started_at`. False: there is no room for it.
    pub fn note(&mut self, meeting: MeetingId, started_at: OffsetDateTime, fact: Fact) -> bool {
        match fact {
            Fact::Acted { session, act, at } => {
                let kind = act.as_str();
                let detail = match act {
                    Act::Reaction(reaction) => reaction.emoji().to_owned(),
                    Act::Hand | Act::Unmute | Act::Share => String::new(),
                };
                let minute = (at - started_at).whole_minutes().max(0);
                let key = ActKey { meeting, session, kind, detail, minute };
                if self.len() >= ENTRIES_MAX && !self.acts.contains_key(&key) {
                    return false;
                }
                *self.acts.entry(key).or_default() += 1;
            }
            Fact::Stretch(Stretch { session, what, from, to }) => {
                let key = StretchKey { meeting, session, what, from };
                if self.len() >= ENTRIES_MAX && !self.stretches.contains_key(&key) {
                    return false;
                }
                self.stretches.insert(key, to);
            }
        }
        true
    }

    /// Takes the bytes of a room so far. One entry per room that exists.
    pub fn note_traffic(&mut self, meeting: MeetingId, room: RoomId, traffic: Traffic) {
        self.traffic.insert(room, (meeting, traffic));
    }

    /// Puts back what could not be written, below what came meanwhile.
    pub fn put_back(&mut self, older: Batch) {
        for (key, count) in older.acts {
            *self.acts.entry(key).or_default() += count;
        }
        for (key, to) in older.stretches {
            self.stretches.entry(key).or_insert(to);
        }
        for (room, traffic) in older.traffic {
            self.traffic.entry(room).or_insert(traffic);
        }
    }
}
