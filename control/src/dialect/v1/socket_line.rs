//! The line to one client: what waits to be written to its socket, how it ends, and what the client knows already.
//!
//! Whoever has something to say puts it into the queue and never waits. One task writes, another reads
//! ([`super::socket_connection`]); both stop when the line ends.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::domain::event::DomainEvent;
use crate::domain::id::{MeetingId, ParticipantId};
use crate::domain::participant::{ConnectionId, MediaChange, Person};
use crate::http::listen::Placed;
use crate::websocket::{Written, frame, write};

/// Frames waiting for one slow client: a whole house entering at once fits. The bytes are shared with everybody who
/// hears the same. A client further behind is cut off, and comes back to the meeting as it is then.
const QUEUE_MAX: usize = 1024;
/// How long a client may take to read our last words, and again to say its own.
pub(super) const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// How a line ends: what the close frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub code: u16,
    pub reason: &'static str,
    /// What waits is not written any more.
    pub at_once: bool,
}

impl End {
    /// Behind everything that was said.
    pub const fn after_all(code: u16, reason: &'static str) -> Self {
        Self { code, reason, at_once: false }
    }

    /// The client said goodbye.
    pub const GOODBYE: Self = Self::after_all(1000, "");
    /// 1013: try again later.
    const TOO_SLOW: Self = Self { code: 1013, reason: "Too far behind; come back", at_once: true };
    pub const SILENT: Self = Self { code: 1008, reason: "Nothing was heard for too long", at_once: true };

    /// The client broke the protocol in the way of this code.
    pub const fn broken(code: u16) -> Self {
        Self { code, reason: "Not understood", at_once: true }
    }
}

/// What a client asks for and so need not be told when it comes about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wish {
    pub media: MediaChange,
    pub hand: Option<bool>,
}

/// Where whoever speaks over a line is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Outside,
    Waits(ParticipantId),
    Inside(ParticipantId),
}

/// See the module.
pub(super) struct Line {
    pub id: ConnectionId,
    pub meeting: MeetingId,
    /// Whose credential opened it.
    pub person: Person,
    /// Unix seconds.
    valid_until_s: i64,
    out: Mutex<Out>,
    wake: Notify,
    over: CancellationToken,
}

#[derive(Default)]
struct Out {
    queue: VecDeque<Bytes>,
    end: Option<End>,
    place: Place,
    wish: Wish,
}

impl Line {
    pub fn new(id: ConnectionId, meeting: MeetingId, person: Person, valid_until_s: i64) -> Arc<Self> {
        let (out, wake, over) = (Mutex::default(), Notify::new(), CancellationToken::new());
        Arc::new(Self { id, meeting, person, valid_until_s, out, wake, over })
    }

    fn out(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the credential's time is over.
    pub fn has_expired(&self, now_s: i64) -> bool {
        self.valid_until_s < now_s
    }

    /// Puts a frame into the queue. False when the client is too far behind, and the line ends by that.
    pub fn send(&self, frame: Bytes) -> bool {
        let mut out = self.out();
        if out.end.is_some() {
            return false;
        }
        if out.queue.len() >= QUEUE_MAX {
            drop(out);
            metrics::counter!("plenum_sockets_cut_off_total").increment(1);
            tracing::warn!(connection = self.id.0, "a client does not keep up and is disconnected");
            self.end(End::TOO_SLOW);
            return false;
        }
        out.queue.push_back(frame);
        drop(out);
        self.wake.notify_one();
        true
    }

    /// The same, for those who need not know.
    pub fn tell(&self, frame: Bytes) {
        let _ = self.send(frame);
    }

    /// The line is over: nothing more is taken in either direction. The first end counts.
    pub fn end(&self, end: End) {
        let mut out = self.out();
        if out.end.is_none() {
            out.end = Some(end);
            if end.at_once {
                out.queue = VecDeque::new();
            }
        }
        drop(out);
        self.over.cancel();
    }

    /// Waits for the end.
    pub async fn ended(&self) {
        self.over.cancelled().await;
    }

    pub fn is_over(&self) -> bool {
        self.over.is_cancelled()
    }

    /// What the client asks for now; nothing, when it has its answer.
    pub fn wishes(&self, wish: Wish) {
        self.out().wish = wish;
    }

    /// Keeps up with where whoever speaks here is. True when he waited until now.
    pub fn follow(&self, event: &DomainEvent) -> bool {
        let mut out = self.out();
        let waited = matches!(out.place, Place::Waits(_));
        out.place = match event {
            DomainEvent::Joined(entrance) => Place::Inside(entrance.me.id),
            DomainEvent::WaitingRoomJoined { participant, .. } => Place::Waits(*participant),
            DomainEvent::JoinDenied { .. } => Place::Outside,
            DomainEvent::ParticipantLeft { participant, .. }
                if out.is(*participant) || out.place == Place::Waits(*participant) =>
            {
                Place::Outside
            }
            _ => return false,
        };
        waited
    }

    /// Whoever speaks here leaves. `None` when he is outside already.
    pub fn left(&self) -> Option<ParticipantId> {
        match std::mem::take(&mut self.out().place) {
            Place::Outside => None,
            Place::Waits(participant) | Place::Inside(participant) => Some(participant),
        }
    }

    /// Whether the client knows already, having done it over this very line: what one does is told to the others
    /// (C-58).
    pub fn knows(&self, event: &DomainEvent) -> bool {
        let out = self.out();
        match event {
            DomainEvent::ReactionSent { participant, .. } => out.is(*participant),
            DomainEvent::HandChanged { participant, raised, .. } => {
                out.is(*participant) && out.wish.hand == Some(*raised)
            }
            DomainEvent::MediaChanged { participant, media, .. } => {
                let wanted = out.wish.media;
                out.is(*participant) && wanted != MediaChange::default() && media.with(wanted) == *media
            }
            _ => false,
        }
    }

    /// What waits, if the last batch is written, and the end when it has come.
    fn next(&self, batch: &mut VecDeque<Bytes>) -> Option<End> {
        let mut out = self.out();
        let end = out.end;
        match end {
            // The first may be written in part, and a close frame has to follow a whole one.
            Some(End { at_once: true, .. }) => batch.truncate(1),
            Some(_) => batch.append(&mut out.queue),
            None if batch.is_empty() => std::mem::swap(batch, &mut out.queue),
            None => {}
        }
        end
    }

    /// Writes what waits until the line ends, and then why.
    pub async fn write(self: Arc<Self>, socket: Arc<Placed>) {
        // With the queue, twice as many frames at worst.
        let mut batch = VecDeque::new();
        loop {
            if let Some(end) = self.next(&mut batch) {
                batch.push_back(frame::close(end.code, end.reason));
                // A client that reads nothing does not learn why either.
                let _ = tokio::time::timeout(GOODBYE_MAX, write_all(&socket, &mut batch)).await;
                return socket.shut_down_writing();
            }
            match write(&socket, &mut batch) {
                Written::All => tokio::select! {
                    () = self.wake.notified() => {}
                    () = self.ended() => {}
                },
                Written::Some => tokio::select! {
                    writable = socket.writable() => if writable.is_err() { break },
                    () = self.ended() => {}
                },
                Written::Failed => break,
            }
        }
        self.end(End::GOODBYE);
        socket.shut_down();
    }
}

impl Out {
    /// Whether this participant speaks here, inside.
    fn is(&self, participant: ParticipantId) -> bool {
        self.place == Place::Inside(participant)
    }
}

/// Writes everything, however long that takes.
async fn write_all(socket: &Placed, batch: &mut VecDeque<Bytes>) {
    while matches!(write(socket, batch), Written::Some) && socket.writable().await.is_ok() {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::UserId;
    use crate::domain::participant::MediaStatus;
    use crate::domain::session::LeaveReason;

    fn line() -> Arc<Line> {
        Line::new(ConnectionId(1), MeetingId::generate(), Person::User(UserId::generate()), 0)
    }

    #[test]
    fn v1_ws_c_58_a_client_that_does_not_keep_up_is_cut_off_with_a_reason() {
        let line = line();
        assert!((0..QUEUE_MAX).all(|_| line.send(Bytes::from_static(b"x"))));
        assert!(!line.send(Bytes::from_static(b"x")), "one too many");
        assert!(line.is_over());
        let mut batch = VecDeque::from([Bytes::from_static(b"half written"), Bytes::from_static(b"y")]);
        assert_eq!(line.next(&mut batch), Some(End::TOO_SLOW));
        assert_eq!(batch, ["half written"]);
        assert!(line.out().queue.is_empty());
    }

    #[test]
    fn what_was_said_before_an_end_is_written_before_it_and_nothing_after_it() {
        let line = line();
        assert!(line.send(Bytes::from_static(b"1")));
        let mut batch = VecDeque::new();
        assert_eq!(line.next(&mut batch), None);
        assert!(line.send(Bytes::from_static(b"2")));
        assert_eq!((line.next(&mut batch), batch.len()), (None, 1), "only when the batch is written");
        line.end(End::after_all(1000, "over"));
        line.end(End::SILENT);
        assert!(!line.send(Bytes::from_static(b"3")));
        assert_eq!(line.next(&mut batch), Some(End::after_all(1000, "over")), "the first end counts");
        assert_eq!(batch, ["1", "2"]);
    }

    #[test]
    fn c_58_what_one_does_oneself_is_not_told_back_and_what_others_do_to_one_is() {
        let line = line();
        let (me, meeting, person) = (ParticipantId::generate(), line.meeting, line.person);
        let muted = |participant, audio| {
            let media = MediaStatus { audio, video: false, screen: false };
            DomainEvent::MediaChanged { meeting, participant, person, media }
        };
        let hand = |raised| {
            let (name, position, at) = (String::new(), None, time::OffsetDateTime::UNIX_EPOCH);
            DomainEvent::HandChanged { meeting, participant: me, person, name, raised, position, at }
        };
        line.out().place = Place::Inside(me);
        assert!(!line.knows(&muted(me, false)), "a host did it");
        line.wishes(Wish { media: MediaChange { audio: Some(true), ..MediaChange::default() }, hand: None });
        assert!(line.knows(&muted(me, true)));
        assert!(!line.knows(&muted(me, false)), "a host did it at the same moment");
        assert!(!line.knows(&muted(ParticipantId::generate(), true)), "somebody else");
        line.wishes(Wish { hand: Some(true), ..Wish::default() });
        assert!(line.knows(&hand(true)) && !line.knows(&hand(false)));
        line.wishes(Wish::default());
        assert!(!line.knows(&hand(true)));
    }

    #[test]
    fn c_25_a_line_knows_whether_its_person_waits_or_is_inside() {
        let line = line();
        let (me, meeting, person) = (ParticipantId::generate(), line.meeting, line.person);
        let left = |participant| {
            let (name, reason) = (String::new(), LeaveReason::Kicked);
            DomainEvent::ParticipantLeft { meeting, participant, person, name, reason }
        };
        assert!(!line.follow(&DomainEvent::WaitingRoomJoined { meeting, participant: me }));
        assert_eq!(line.out().place, Place::Waits(me));
        assert!(line.follow(&DomainEvent::JoinDenied { meeting }), "he waited until now");
        assert_eq!(line.left(), None);
        line.out().place = Place::Inside(me);
        line.follow(&left(ParticipantId::generate()));
        assert_eq!(line.out().place, Place::Inside(me), "somebody else went");
        line.follow(&left(me));
        assert_eq!(line.left(), None);
    }
}
