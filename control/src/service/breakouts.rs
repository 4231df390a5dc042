//! Breakout rooms of live meetings: opened, filled, left, spoken to and closed (C-61).
//!
//! Whoever manages them need not be inside; whoever has a place in one is.

use std::sync::Arc;

use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::breakout::{BreakoutNews, Plan};
use crate::domain::chat::{ChatMessage, MessageKind, Place, Recipient, message_text};
use crate::domain::error::DomainError;
use crate::domain::id::{MeetingId, MessageId};
use crate::domain::limit::{Budget, LimitedAction};
use crate::domain::live_breakouts::{BreakoutWish, Whom};
use crate::domain::meeting::{Meeting, MeetingStatus};
use crate::domain::policy::{Action, may};
use crate::live::Live;
use crate::service::admissions::meeting_id;
use crate::service::audit::Audit;
use crate::service::chat_rooms::ChatRooms;
use crate::service::clock::Clock;
use crate::service::limits::Limits;
use crate::store::Store;

/// The breakout rooms of running meetings.
#[derive(Clone)]
pub struct Breakouts {
    live: Live,
    store: Store,
    rooms: ChatRooms,
    limits: Limits,
    audit: Audit,
    clock: Clock,
}

impl Breakouts {
    /// The breakout rooms of the meetings of `live`; what is said to all of them goes into the meeting's chat in
    /// `rooms`.
    pub fn new(live: Live, store: Store, rooms: ChatRooms, audit: Audit, clock: Clock) -> Self {
        let limits = rooms.limits().clone();
        Self { live, store, rooms, limits, audit, clock }
    }

    /// Counts a request that came over a socket.
    ///
    /// # Errors
    /// `RateLimited`.
    pub fn count(&self, actor: &Actor, action: LimitedAction, budget: Budget) -> Result<(), DomainError> {
        let Some(user) = actor.user_id() else { return Ok(()) };
        self.limits.check(action, &user.to_string(), budget)
    }

    /// The rooms that are open, and who is in which.
    ///
    /// # Errors
    /// No such meeting, or one may not look at it.
    pub async fn list(&self, actor: &Actor, meeting: &str) -> Result<BreakoutNews, DomainError> {
        let meeting = self.load(actor, meeting, Action::View).await?;
        if meeting.status != MeetingStatus::Live {
            return Ok(BreakoutNews::none(meeting.id));
        }
        self.news(meeting.id).await
    }

    /// Opens rooms instead of those that are open; everybody comes out of the old ones. Switches the feature on.
    ///
    /// # Errors
    /// No such meeting, not allowed, not live, or a plan out of bounds.
    pub async fn open(&self, actor: &Actor, meeting: &str, plan: Plan) -> Result<BreakoutNews, DomainError> {
        let id = meeting_id(meeting)?;
        plan.check()?;
        let done = async {
            let meeting = self.load(actor, meeting, Action::ManageBreakouts).await?;
            let meeting = self.with_feature(meeting).await?;
            self.live.change_breakouts(&meeting, actor, BreakoutWish::Open(plan)).await
        };
        let done = done.await;
        self.note(AuditAction::BreakoutsOpen, actor, id, None, &done).await;
        done
    }

    /// Gives somebody a place: hosts, inside or not, to whomever they like, others to themselves if the host left that
    /// open. Somebody on the roster who is not inside finds his place when he comes.
    ///
    /// # Errors
    /// No such meeting, not allowed, not inside himself, nobody of that name, no such room, or no place left.
    pub async fn assign(
        &self,
        actor: &Actor,
        meeting: &str,
        whom: &str,
        room: &str,
    ) -> Result<BreakoutNews, DomainError> {
        let wish = BreakoutWish::Assign { whom: whom.to_owned(), room: room.to_owned() };
        let done = self.change(actor, meeting, Action::ChooseBreakout, wish).await;
        self.note(AuditAction::BreakoutAssign, actor, meeting_id(meeting)?, Some(whom), &done).await;
        done
    }

    /// Goes into a room.
    ///
    /// # Errors
    /// As [`Breakouts::assign`].
    pub async fn choose(
        &self,
        actor: &Actor,
        meeting: &str,
        room: &str,
    ) -> Result<BreakoutNews, DomainError> {
        let wish = BreakoutWish::Choose(room.to_owned());
        self.change(actor, meeting, Action::ChooseBreakout, wish).await
    }

    /// Comes back to the main room, or calls somebody or everybody back. Whoever is there already stays.
    ///
    /// # Errors
    /// No such meeting, not allowed, not inside, nobody of that name, or no rooms are open.
    pub async fn give_back(
        &self,
        actor: &Actor,
        meeting: &str,
        whom: Whom,
    ) -> Result<BreakoutNews, DomainError> {
        let id = meeting_id(meeting)?;
        let named = match &whom {
            Whom::Oneself => None,
            Whom::Named(named) => Some(named.clone()),
            Whom::Everybody => Some("everybody".to_owned()),
        };
        let action = if named.is_some() { Action::ManageBreakouts } else { Action::ReturnFromBreakout };
        let done = self.change(actor, meeting, action, BreakoutWish::Return(whom)).await;
        if named.is_some() {
            self.note(AuditAction::BreakoutAssign, actor, id, named.as_deref(), &done).await;
        }
        done
    }

    /// Closes the rooms; everybody is in the main room again.
    ///
    /// # Errors
    /// No such meeting, not allowed, not live, or no rooms are open.
    pub async fn close(&self, actor: &Actor, meeting: &str) -> Result<BreakoutNews, DomainError> {
        let done = self.change(actor, meeting, Action::ManageBreakouts, BreakoutWish::Close).await;
        self.note(AuditAction::BreakoutsClose, actor, meeting_id(meeting)?, None, &done).await;
        done
    }

    /// Says something to everybody in whatever room; it stands in the meeting's chat as an announcement, also where
    /// people in a room may not write themselves.
    ///
    /// # Errors
    /// No such meeting, not allowed, not live, no rooms are open, nothing said or too much.
    pub async fn broadcast(
        &self,
        actor: &Actor,
        meeting: &str,
        text: &str,
    ) -> Result<ChatMessage, DomainError> {
        let text = message_text("message", text, false)?;
        let meeting = self.load(actor, meeting, Action::ManageBreakouts).await?;
        let (said, by, at) = (text.clone(), actor.clone(), self.clock.now());
        let asked = self.live.look(meeting.id, move |live| live.broadcast(&by, said, at)).await;
        // Nobody is inside to hear it.
        let (person, name, notices) = asked.unwrap_or(Err(DomainError::BreakoutRoomNotFound))?;
        let message = ChatMessage {
            id: MessageId::generate(),
            place: Place::Meeting(meeting.id),
            sender: person.sender(),
            sender_name: name,
            text,
            kind: MessageKind::Announcement,
            recipient: Recipient::All,
            attachments: Vec::new(),
            mentions: Vec::new(),
            sent_at: at,
            link: None,
            edited_at: None,
            deleted: false,
        };
        // What could not be kept was not said.
        self.rooms.post(&message, Some(&meeting)).await?;
        // Refused only when everybody left meanwhile, who then needs not hear it.
        let _ = self.live.with(meeting.id, move |_, _| Ok((notices, ()))).await;
        Ok(message)
    }

    async fn change(
        &self,
        actor: &Actor,
        meeting: &str,
        action: Action,
        wish: BreakoutWish,
    ) -> Result<BreakoutNews, DomainError> {
        let meeting = self.load(actor, meeting, action).await?;
        self.live.change_breakouts(&meeting, actor, wish).await
    }

    /// The meeting, if the actor may do this there now. Asked again by whoever changes something, with what he is
    /// inside; here so that nobody makes a meeting run who has no business there.
    async fn load(&self, actor: &Actor, id: &str, action: Action) -> Result<Arc<Meeting>, DomainError> {
        let meeting = self.store.meeting(meeting_id(id)?).await?.ok_or(DomainError::MeetingNotFound)?;
        may(actor, meeting.standing(actor), action, &meeting)?;
        Ok(Arc::new(meeting))
    }

    async fn with_feature(&self, meeting: Arc<Meeting>) -> Result<Arc<Meeting>, DomainError> {
        if meeting.settings.features.breakout_rooms_enabled {
            return Ok(meeting);
        }
        let switch_on = |meeting: &mut Meeting| {
            meeting.settings.features.breakout_rooms_enabled = true;
            Ok(())
        };
        let (meeting, ()) = self.store.change_meeting(meeting.id, switch_on).await?;
        self.live.refresh(&meeting).await;
        Ok(Arc::new(meeting))
    }

    async fn news(&self, meeting: MeetingId) -> Result<BreakoutNews, DomainError> {
        if let Some(news) = self.live.look(meeting, |live| live.breakout_news()).await {
            return Ok(news);
        }
        let kept = self.store.breakouts(meeting).await?.filter(|kept| !kept.is_over(self.clock.now()));
        let Some(kept) = kept else { return Ok(BreakoutNews::none(meeting)) };
        Ok(BreakoutNews {
            meeting,
            rooms: kept.rooms.into_iter().map(|room| (room, Vec::new())).collect(),
            may_choose: kept.may_choose,
            may_return: kept.may_return,
            closes_at: kept.closes_at,
        })
    }

    /// Refusals count against the budget of the request itself, so they need none of their own here.
    async fn note<T>(
        &self,
        deed: AuditAction,
        actor: &Actor,
        meeting: MeetingId,
        whom: Option<&str>,
        done: &Result<T, DomainError>,
    ) {
        let Ok(Some(meeting)) = self.store.meeting(meeting).await else { return };
        let entry = AuditEntry::of(deed, actor.user_id(), done).in_meeting(meeting.id, meeting.campus);
        let entry = match whom {
            // As it was given: a session's id says more than the account later; bounded by what an id can be.
            Some(whom) => entry.to(whom.chars().take(ID_CHARS_MAX).collect::<String>()),
            None => entry,
        };
        self.audit.note(entry).await;
    }
}

/// The longest of our ids is a UUID in its usual spelling.
const ID_CHARS_MAX: usize = 36;
