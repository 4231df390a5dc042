//! Breakout rooms that are open, so that people find their places again after a restart or when all were away.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::columns::{json, micros, time_of, to_json};
use super::refusal::StoreError;
use super::sql::args;
use super::{Store, timed};
use crate::domain::breakout::{BreakoutRoom, Breakouts, Member};
use crate::domain::error::DomainError;
use crate::domain::id::{BreakoutRoomId, MeetingId, ParticipantId, RosterId, UserId};
use crate::domain::participant::Person;

const OF_MEETING: &str = "SELECT rooms_json FROM breakouts WHERE meeting_id = $1";
const KEEP: &str = "INSERT INTO breakouts (meeting_id, rooms_json) VALUES ($1, $2) \
     ON CONFLICT (meeting_id) DO UPDATE SET rooms_json = excluded.rooms_json";
const FORGET: &str = "DELETE FROM breakouts WHERE meeting_id = $1";

impl Store {
    /// The rooms of a meeting, if any are kept; their time may be over.
    pub async fn breakouts(&self, meeting: MeetingId) -> Result<Option<Breakouts>, DomainError> {
        timed("breakouts", async {
            let row = self.one(OF_MEETING, args![meeting.to_string()]).await?;
            row.map(|row| json::<Kept>(&row, COLUMN)?.read()).transpose()
        })
        .await
    }

    /// Keeps the rooms of a meeting instead of those kept before, or forgets them.
    pub async fn keep_breakouts(
        &self,
        meeting: MeetingId,
        breakouts: Option<&Breakouts>,
    ) -> Result<(), DomainError> {
        timed("breakouts_keep", async {
            match breakouts {
                Some(breakouts) => {
                    let kept = to_json(&Kept::of(breakouts))?;
                    self.execute(KEEP, args![meeting.to_string(), kept]).await?;
                }
                None => {
                    self.execute(FORGET, args![meeting.to_string()]).await?;
                }
            }
            Ok(())
        })
        .await
    }
}

const COLUMN: &str = "rooms_json";

/// [`Breakouts`] as stored.
#[derive(Serialize, Deserialize)]
struct Kept {
    rooms: Vec<KeptRoom>,
    may_choose: bool,
    may_return: bool,
    /// Microseconds since 1970.
    closes_at: Option<i64>,
    /// Rooms by account, guest session and roster line.
    users: HashMap<String, String>,
    guests: HashMap<String, String>,
    lines: HashMap<String, String>,
}

#[derive(Serialize, Deserialize)]
struct KeptRoom {
    id: String,
    name: String,
    description: Option<String>,
    capacity: Option<u32>,
    allow_chat: bool,
    allow_screen_share: bool,
}

impl Kept {
    fn of(breakouts: &Breakouts) -> Self {
        let rooms = breakouts.rooms.iter().map(|room| KeptRoom {
            id: room.id.to_string(),
            name: room.name.clone(),
            description: room.description.clone(),
            capacity: room.capacity,
            allow_chat: room.allow_chat,
            allow_screen_share: room.allow_screen_share,
        });
        let mut kept = Self {
            rooms: rooms.collect(),
            may_choose: breakouts.may_choose,
            may_return: breakouts.may_return,
            closes_at: breakouts.closes_at.map(micros),
            users: HashMap::new(),
            guests: HashMap::new(),
            lines: HashMap::new(),
        };
        for (member, room) in &breakouts.places {
            let (places, id) = match member {
                Member::Person(Person::User(user)) => (&mut kept.users, user.to_string()),
                Member::Person(Person::Guest(session)) => (&mut kept.guests, session.to_string()),
                Member::Line(line) => (&mut kept.lines, line.to_string()),
            };
            places.insert(id, room.to_string());
        }
        kept
    }

    fn read(self) -> Result<Breakouts, StoreError> {
        let rooms: Vec<_> = self.rooms.into_iter().map(KeptRoom::read).collect::<Result<_, _>>()?;
        let user = |id: &str| UserId::parse(id).map(|user| Member::Person(Person::User(user)));
        let guest = |id: &str| ParticipantId::parse(id).map(|session| Member::Person(Person::Guest(session)));
        let line = |id: &str| RosterId::parse(id).map(Member::Line);
        let mut places = HashMap::new();
        place(&mut places, &self.users, user)?;
        place(&mut places, &self.guests, guest)?;
        place(&mut places, &self.lines, line)?;
        Ok(Breakouts {
            rooms,
            may_choose: self.may_choose,
            may_return: self.may_return,
            closes_at: self.closes_at.map(|at| time_of(COLUMN, at)).transpose()?,
            places,
        })
    }
}

impl KeptRoom {
    fn read(self) -> Result<Arc<BreakoutRoom>, StoreError> {
        let Self { id, name, description, capacity, allow_chat, allow_screen_share } = self;
        let id = room_id(&id)?;
        Ok(Arc::new(BreakoutRoom { id, name, description, capacity, allow_chat, allow_screen_share }))
    }
}

fn place(
    places: &mut HashMap<Member, BreakoutRoomId>,
    kept: &HashMap<String, String>,
    parse: impl Fn(&str) -> Option<Member>,
) -> Result<(), StoreError> {
    for (id, room) in kept {
        places.insert(parse(id).ok_or(StoreError::Corrupt(COLUMN))?, room_id(room)?);
    }
    Ok(())
}

fn room_id(text: &str) -> Result<BreakoutRoomId, StoreError> {
    BreakoutRoomId::parse(text).ok_or(StoreError::Corrupt(COLUMN))
}
