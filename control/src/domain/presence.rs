//! Who is there: online while any connection lives, in the mood he chose (C-47, CHAT-05).

use std::collections::HashMap;

use time::OffsetDateTime;

use super::id::UserId;

/// What somebody who is there says about himself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    Online,
    Away,
    Busy,
}

impl Status {
    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Away => "away",
            Self::Busy => "busy",
        }
    }

    /// Reads the word of [`Status::as_str`]. `offline` is nothing one says: one goes.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Online, Self::Away, Self::Busy].into_iter().find(|status| status.as_str() == word)
    }
}

/// Somebody who is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presence {
    pub status: Status,
    /// When he last did something.
    pub last_seen: OffsetDateTime,
    connections: usize,
}

/// Everybody who is there; as many as there are open connections, which the listeners bound.
#[derive(Debug, Default)]
pub struct Everybody(HashMap<UserId, Presence>);

impl Everybody {
    /// One more connection of somebody. True when it is the first: he was away and is online now.
    pub fn connected(&mut self, user: UserId, now: OffsetDateTime) -> bool {
        let fresh = Presence { status: Status::Online, last_seen: now, connections: 0 };
        let presence = self.0.entry(user).or_insert(fresh);
        presence.connections += 1;
        presence.connections == 1
    }

    /// One connection less. True when it was the last: he is offline now, and a mood he chose is forgotten.
    pub fn disconnected(&mut self, user: UserId) -> bool {
        let Some(presence) = self.0.get_mut(&user) else { return false };
        presence.connections -= 1;
        let gone = presence.connections == 0;
        if gone {
            self.0.remove(&user);
        }
        gone
    }

    /// Chooses a mood. True when it is another one than before.
    pub fn choose(&mut self, user: UserId, status: Status, now: OffsetDateTime) -> bool {
        let Some(presence) = self.0.get_mut(&user) else { return false };
        presence.last_seen = now;
        std::mem::replace(&mut presence.status, status) != status
    }

    /// Somebody did something.
    pub fn acted(&mut self, user: UserId, now: OffsetDateTime) {
        if let Some(presence) = self.0.get_mut(&user) {
            presence.last_seen = now;
        }
    }

    /// How somebody is; `None` is offline.
    pub fn of(&self, user: UserId) -> Option<Presence> {
        self.0.get(&user).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::now;

    #[test]
    fn chat_05_one_is_online_from_the_first_connection_to_the_last() {
        let (mut everybody, ada) = (Everybody::default(), UserId::generate());
        assert!(everybody.connected(ada, now()));
        assert!(!everybody.connected(ada, now()));
        assert!(everybody.choose(ada, Status::Busy, now()));
        assert!(!everybody.choose(ada, Status::Busy, now()), "nothing new, nothing to tell");
        assert!(!everybody.disconnected(ada));
        assert_eq!(everybody.of(ada).map(|presence| presence.status), Some(Status::Busy));
        assert!(everybody.disconnected(ada));
        assert_eq!(everybody.of(ada), None);
        assert!(!everybody.disconnected(ada));
        everybody.connected(ada, now());
        assert_eq!(everybody.of(ada).map(|presence| presence.status), Some(Status::Online));
    }

    #[test]
    fn nobody_is_offline_by_saying_so() {
        assert_eq!(Status::parse("offline"), None);
        assert_eq!(Status::parse("away"), Some(Status::Away));
    }
}
