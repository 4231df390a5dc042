//! Which message reached whom, and who has seen it (CHAT-04).

use time::OffsetDateTime;

use super::chat::{ChatMessage, Recipient, Sender};
use super::id::{MessageId, UserId};

/// Messages that are marked in one go.
pub const MARKED_AT_ONCE_MAX: usize = 100;
/// With more people than this listening to a room, a sender is not told message by message who got and saw what: a
/// hundred readers of a hundred messages would be ten thousand events for one socket. The room hears who saw which
/// messages all the same, and every receipt can be asked for.
pub const TOLD_ONE_BY_ONE_MAX: usize = 64;

/// What is known of one reader of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub user: UserId,
    pub name: String,
    pub delivered_at: Option<OffsetDateTime>,
    pub seen_at: Option<OffsetDateTime>,
}

/// Messages that somebody says he has seen, sorted by who hears of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// Those that can be seen: what the reader is told.
    pub marked: Vec<MessageId>,
    /// Those that anybody in the room may read: what the room is told.
    pub public: Vec<MessageId>,
    /// Each with its sender, when that is an account: who is told.
    pub by_sender: Vec<(MessageId, UserId)>,
}

/// Sorts messages that `reader` marks. Own and deleted ones are nothing to mark, and what he may not read does not
/// exist for him.
pub fn marks(reader: UserId, runs_meeting: bool, messages: &[ChatMessage]) -> Marks {
    let me = Sender::User(reader);
    let mut marks = Marks::default();
    for message in messages {
        if message.sender == me || message.deleted || !message.visible_to(me, runs_meeting) {
            continue;
        }
        marks.marked.push(message.id);
        if message.recipient == Recipient::All {
            marks.public.push(message.id);
        }
        marks.by_sender.extend(message.sender.user().map(|sender| (message.id, sender)));
    }
    marks
}

impl Marks {
    /// The same without what was seen before: it is told once.
    pub fn only(mut self, fresh: &[MessageId]) -> Self {
        self.public.retain(|id| fresh.contains(id));
        self.by_sender.retain(|(id, _)| fresh.contains(id));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::chat::{MessageKind, Place};
    use crate::domain::fixtures::now;
    use crate::domain::id::MeetingId;

    fn message(sender: UserId, recipient: Recipient) -> ChatMessage {
        ChatMessage {
            id: MessageId::generate(),
            place: Place::Meeting(MeetingId::generate()),
            sender: Sender::User(sender),
            sender_name: "Ada".into(),
            text: "Hello".into(),
            kind: MessageKind::Text,
            recipient,
            attachments: Vec::new(),
            mentions: Vec::new(),
            sent_at: now(),
            link: None,
            edited_at: None,
            deleted: false,
        }
    }

    #[test]
    fn chat_04_a_private_message_that_was_seen_is_told_to_its_sender_and_not_to_the_room() {
        let (ada, bob, eve) = (UserId::generate(), UserId::generate(), UserId::generate());
        let open = message(ada, Recipient::All);
        let private = message(ada, Recipient::User(bob));
        let foreign = message(ada, Recipient::User(eve));
        let own = message(bob, Recipient::All);
        let gone = ChatMessage { deleted: true, ..message(ada, Recipient::All) };
        let messages = [open.clone(), private.clone(), foreign, own, gone];
        let seen = marks(bob, false, &messages);
        assert_eq!(seen.marked, [open.id, private.id]);
        assert_eq!(seen.public, [open.id]);
        assert_eq!(seen.by_sender, [(open.id, ada), (private.id, ada)]);
        let told = seen.only(&[private.id]);
        assert_eq!((told.public.len(), told.by_sender), (0, vec![(private.id, ada)]));
    }

    #[test]
    fn c_52_what_is_for_hosts_is_seen_by_those_who_run_the_meeting() {
        let (ada, bob) = (UserId::generate(), UserId::generate());
        let messages = [message(ada, Recipient::Hosts)];
        assert!(marks(bob, false, &messages).marked.is_empty());
        let seen = marks(bob, true, &messages);
        assert_eq!((seen.marked.len(), seen.public.len()), (1, 0));
    }
}
