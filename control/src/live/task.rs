//! The task of one running meeting: what has to be stored or closed around the decisions of [`LiveMeeting`].

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use metrics::gauge;
use plenum_shared::{
    command::RoomCommand,
    id::{DataProducerId, ProducerId, RoomId, SessionId},
};
use time::OffsetDateTime;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::goodbyes::Goodbye;
use super::{Job, Live, Place, sampler};
use crate::domain::actor::Actor;
use crate::domain::admission::{Admission, Door};
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::error::DomainError;
use crate::domain::event::{Audience, DomainEvent, EndReason, Entrance, Notice};
use crate::domain::ledger::Ledger;
use crate::domain::live::{Joined, Joiner, LiveMeeting};
use crate::domain::live_people::Effects;
use crate::domain::meeting::{Meeting, Start};
use crate::domain::participant::{ConnectionId, Person};
use crate::domain::password::PasswordCheck;
use crate::domain::roster::RosterEntry;
use crate::domain::session::LeaveReason;
use crate::hub::Hub;
use crate::service::admissions::Attempt;
use crate::service::audit::Audit;
use crate::service::media::hold;
use crate::store::Entering;

/// Shortest wait for something that happens by itself.
const MOMENT: Duration = Duration::from_millis(5);

/// Owner of one running meeting.
pub(super) struct Task {
    pub(super) registry: Live,
    pub(super) live: LiveMeeting,
    ledger: Ledger,
    /// Whether this meeting was recorded before: then it does not begin to record itself.
    pub(super) was_recorded: bool,
    /// Whether the meeting in here is the stored one. Every change of it comes by here too, until it ends; only a
    /// series changes its occurrences from outside.
    is_current: bool,
}

impl Task {
    pub fn new(registry: Live, meeting: Arc<Meeting>) -> Self {
        let live = LiveMeeting::new(meeting, RoomId::random());
        Self { registry, live, ledger: Ledger::default(), was_recorded: false, is_current: false }
    }

    /// Does one job after the other, and between them what happens by itself, until the meeting is empty.
    pub async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        self.resume_recording().await;
        self.resume_breakouts().await;
        loop {
            let inside = self.live.size();
            tokio::select! {
                job = queue.recv() => match job {
                    Some(Job::Knock(first)) => self.answer_door(first, &mut queue).await,
                    Some(Job::Deed(deed)) => deed(&mut self).await,
                    None => break,
                },
                () = self.deadline() => {
                    let now = self.now();
                    let notices = self.live.handle_deadline(now);
                    self.publish(notices);
                    self.close_breakouts_that_are_over().await;
                }
            }
            // One gauge over all meetings: each adds what changed in it.
            gauge!("plenum_participants").increment(self.live.size() as f64 - inside as f64);
            if self.live.is_idle() && self.registry.retire(self.live.meeting().id, &mut queue) {
                break;
            }
        }
        let room = self.live.room();
        sampler::take_last(&self.registry, self.live.meeting().id, room).await;
        self.registry.rooms().remove(&room);
        self.registry.0.fleet.close_room(room);
    }

    /// Waits until something happens in the meeting by itself; for ever when nothing does.
    async fn deadline(&self) {
        match self.live.next_deadline() {
            None => std::future::pending().await,
            // Never at once: a clock that stands still must not make this a loop without a pause.
            Some(at) => {
                let wait = (at - self.now()).try_into().unwrap_or(MOMENT);
                tokio::time::sleep(wait.max(MOMENT)).await;
            }
        }
    }

    pub fn now(&self) -> OffsetDateTime {
        self.registry.0.clock.now()
    }

    pub(super) fn hub(&self) -> &Hub {
        &self.registry.0.hub
    }

    /// Hands notices to the hub, in order, and remembers what statistics want to know.
    pub fn publish(&mut self, notices: Vec<Notice>) {
        for Notice { audience, event } in notices {
            self.remember(&event);
            let hub = &self.registry.0.hub;
            match &audience {
                Audience::Accounts(_) | Audience::Campus { .. } | Audience::World => {
                    hub.publish(&audience, &event)
                }
                inside => {
                    hub.deliver(&event, &self.live.recipients(inside));
                }
            }
        }
    }

    fn remember(&mut self, event: &DomainEvent) {
        let now = self.now();
        let facts = self.ledger.observe(event, now);
        if !facts.is_empty() {
            let meeting = self.live.meeting();
            self.registry.0.facts.note(meeting.id, meeting.started_at.unwrap_or(now), facts);
        }
    }

    /// Somebody at the door. What counts is the meeting as it is here: it may have changed while a password was being
    /// checked.
    pub fn join(&mut self, attempt: Attempt, joiner: Joiner) -> BoxFuture<'_, Result<Place, DomainError>> {
        Box::pin(async move {
            let id = attempt.meeting.id;
            self.catch_up().await?;
            let occupancy = self.live.occupancy(Person::of(&joiner.actor));
            let admission = attempt.decide(&joiner.actor, self.live.meeting(), occupancy)?;
            if admission == Admission::StartAndEnter {
                let started = self.start(&joiner.actor).await?;
                self.take_over(started).await;
            }
            if admission.is_inside() {
                let entrance = self.enter(joiner, admission).await?;
                if admission == Admission::StartAndEnter {
                    self.let_in().await;
                }
                return Ok(Place::Inside(entrance));
            }
            let participant = joiner.id;
            let now = self.now();
            match self.live.join(joiner, admission, now)? {
                Joined::Waiting(notices) | Joined::Inside(notices) => self.publish(notices),
            }
            Ok(Place::Waiting { meeting: id, participant })
        })
    }

    /// Has the meeting in here be the stored one.
    pub(super) async fn catch_up(&mut self) -> Result<(), DomainError> {
        if !self.is_current || self.live.meeting().occurrence.is_some() {
            let id = self.live.meeting().id;
            let stored = self.registry.0.store.meeting(id).await?.ok_or(DomainError::MeetingNotFound)?;
            self.take_over(stored).await;
            self.is_current = true;
            // The feature may have been switched off while everybody was away.
            self.close_breakouts_that_are_over().await;
        }
        Ok(())
    }

    /// Something changed. What is stored counts: of two changes at once the older may be told last.
    pub fn refresh(&mut self, told: Meeting) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let meeting = self.stored_or(told).await;
            self.take_over(meeting).await;
            self.end_forbidden_recording().await;
            self.let_in().await;
            self.close_breakouts_that_are_over().await;
        })
    }

    pub(super) async fn stored_or(&mut self, told: Meeting) -> Meeting {
        let stored = self.registry.0.store.meeting(told.id).await.ok().flatten();
        // What was only told may be the older of two: whoever joins next has it read.
        self.is_current &= stored.is_some();
        stored.unwrap_or(told)
    }

    /// Whatever the change takes away stops now.
    async fn take_over(&mut self, meeting: Meeting) {
        let effects = self.live.refresh(Arc::new(meeting), self.now());
        self.follow(effects).await;
    }

    /// Does what a change of the meeting means to the people inside. Who is kept out is out before the rest is told, and
    /// all of it is done before anything is written down: that takes its time for each who goes.
    pub(super) async fn follow(&mut self, effects: Effects) {
        let Effects { notices, closed, closed_data, held, expelled } = effects;
        let goodbyes = self.put_out(expelled);
        self.publish(notices);
        self.close_tracks(closed);
        self.close_channels(closed_data);
        self.hold_tracks(held);
        self.write_down(goodbyes).await;
    }

    pub(super) async fn write_down(&self, goodbyes: Vec<Goodbye>) {
        for goodbye in goodbyes {
            self.registry.0.goodbyes.say(goodbye).await;
        }
    }

    /// Nobody has to wait any more: whoever does comes in as far as there are seats and the door is not locked. The
    /// others go on waiting, for the next change or for a host who admits them.
    async fn let_in(&mut self) {
        for joiner in self.live.release() {
            // He showed his password when he came to wait. A refusal leaves him where he was.
            let meeting = self.live.meeting().clone();
            let attempt = Attempt { meeting, door: Door::Enter, password: PasswordCheck::Correct };
            if self.join(attempt, joiner.clone()).await.is_err() {
                self.live.put_back(joiner);
            }
        }
    }

    /// A host came in before the start, and that starts it (C-20).
    async fn start(&mut self, host: &Actor) -> Result<Meeting, DomainError> {
        let now = self.now();
        let id = self.live.meeting().id;
        let store = &self.registry.0.store;
        let (meeting, started) =
            store.change_status(id, host.user_id(), |meeting| meeting.start(now)).await?;
        if started == Start::Started {
            self.publish(vec![started_notice(Arc::new(meeting.clone()))]);
            self.note(AuditAction::MeetingStart, host).await;
        }
        Ok(meeting)
    }

    async fn note(&self, action: AuditAction, actor: &Actor) {
        let parts = &self.registry.0;
        let (id, campus) = (self.live.meeting().id, self.live.meeting().campus.clone());
        let entry = AuditEntry::granted(action, actor.user_id()).in_meeting(id, campus);
        Audit::new(parts.store.clone(), parts.clock.clone()).note(entry).await;
    }

    /// Stores the session first: somebody whose presence cannot be recorded does not enter.
    async fn enter(&mut self, joiner: Joiner, admission: Admission) -> Result<Arc<Entrance>, DomainError> {
        let now = self.now();
        let old = self.live.of_connection(joiner.connection).map(|participant| participant.id).ok();
        if old.is_some() {
            self.leave_first(joiner.connection, LeaveReason::Left).await;
        }
        let persons_inside = self.live.persons_with(Person::of(&joiner.actor));
        let line = self.record_entries(&[Entering::of(&joiner, now, persons_inside)]).await?.pop();
        let entrance = self.seat(joiner, admission, line, now)?;
        self.record_by_itself().await;
        Ok(entrance)
    }

    /// Stores who enters; all of them or nobody.
    pub(super) async fn record_entries(
        &mut self,
        entering: &[Entering<'_>],
    ) -> Result<Vec<RosterEntry>, DomainError> {
        let opened = self.registry.0.store.open_sessions(self.live.meeting().id, entering).await;
        if opened == Err(DomainError::Unavailable) {
            // It may have been written all the same, and only the answer was lost; so may changes of the meeting.
            self.is_current = false;
            for Entering { session: id, at, .. } in entering {
                let (id, at, reason) = (*id, *at, LeaveReason::Disconnected);
                self.registry.0.goodbyes.say_later(Goodbye::Session { id, at, reason, entry: None });
            }
        }
        opened
    }

    /// Somebody whose entry is stored is inside, and everybody hears of it.
    pub(super) fn seat(
        &mut self,
        joiner: Joiner,
        admission: Admission,
        line: Option<RosterEntry>,
        now: OffsetDateTime,
    ) -> Result<Arc<Entrance>, DomainError> {
        line.into_iter().for_each(|line| self.live.note_line(line));
        let me = joiner.id;
        let Joined::Inside(notices) = self.live.join(joiner, admission, now)? else {
            return Err(DomainError::Internal);
        };
        let entrance = notices.iter().find_map(|notice| match &notice.event {
            DomainEvent::Joined(entrance) => Some(entrance.clone()),
            _ => None,
        });
        self.publish(notices);
        self.tell_requests(me);
        entrance.ok_or(DomainError::Internal)
    }

    pub fn admit(&mut self, by: ConnectionId, waiting: String) -> BoxFuture<'_, Result<(), DomainError>> {
        Box::pin(async move {
            let mut outcome = Ok(());
            for joiner in self.live.admit(by, &waiting)? {
                // He showed his password when he came to wait.
                let meeting = self.live.meeting().clone();
                let attempt = Attempt { meeting, door: Door::Enter, password: PasswordCheck::Correct };
                if let Err(refusal) = self.join(attempt, joiner.clone()).await {
                    self.live.put_back(joiner);
                    outcome = Err(refusal);
                }
            }
            outcome
        })
    }

    pub fn deny(&mut self, by: ConnectionId, waiting: &str) -> Result<(), DomainError> {
        let (joiners, event) = self.live.deny(by, waiting)?;
        let hear: Vec<_> = joiners.iter().map(|joiner| joiner.connection).collect();
        self.registry.0.hub.deliver(&event, &hear);
        Ok(())
    }

    /// What is to be written down about whoever left; `None` when nobody was there to leave.
    pub fn leave(&mut self, connection: ConnectionId, reason: LeaveReason) -> Option<Goodbye> {
        let gone = self.live.of_connection(connection).map(|p| (p.id, p.session(), p.actor.clone())).ok();
        let notices = self.live.leave_connection(connection, reason);
        let (id, session, actor) = gone?;
        self.publish(notices);
        self.close_media(session);
        let meeting = self.live.meeting();
        let entry = AuditEntry::granted(AuditAction::MeetingLeave, actor.user_id())
            .remarking(reason.as_str())
            .in_meeting(meeting.id, meeting.campus.clone());
        Some(Goodbye::Session { id, at: self.now(), reason, entry: Some(entry) })
    }

    /// As [`Task::leave`], and writes it down before anything else happens here.
    pub(super) async fn leave_first(&mut self, connection: ConnectionId, reason: LeaveReason) {
        if let Some(goodbye) = self.leave(connection, reason) {
            self.registry.0.goodbyes.say(goodbye).await;
        }
    }

    pub fn end(&mut self, reason: EndReason) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let now = self.now();
            self.is_current = false;
            self.end_recording(now).await;
            self.forget_breakouts().await;
            let (notice, hear) = self.live.end(reason, now);
            self.remember(&notice.event);
            self.registry.0.hub.deliver(&notice.event, &hear);
            let room = self.live.room();
            sampler::take_last(&self.registry, self.live.meeting().id, room).await;
            self.registry.rooms().remove(&room);
            self.registry.0.fleet.close_room(room);
            let goodbye = Goodbye::Meeting { id: self.live.meeting().id, at: now };
            self.registry.0.goodbyes.say(goodbye).await;
        })
    }

    /// The media plane lost the room: a new name for a new one, opened when somebody wants it.
    pub fn media_lost(&mut self, room: RoomId) {
        if self.live.room() != room {
            return;
        }
        let notices = self.live.media_lost(RoomId::random());
        self.publish(notices);
    }

    /// The media plane forwards these no longer. Their owners heard so and take them back as well.
    pub(super) fn close_tracks(&self, tracks: Vec<ProducerId>) {
        self.insist_on_all(
            tracks.into_iter().map(|producer| RoomCommand::CloseProducer { producer }).collect(),
        );
    }

    /// As [`Task::close_tracks`], for data channels.
    pub(super) fn close_channels(&self, channels: Vec<DataProducerId>) {
        self.insist_on_all(
            channels.into_iter().map(|producer| RoomCommand::CloseDataProducer { producer }).collect(),
        );
    }

    /// Has the media plane do all of this, however often it must be asked, while the meeting goes on.
    pub(super) fn insist_on_all(&self, commands: Vec<RoomCommand>) -> JoinHandle<()> {
        let (fleet, room) = (self.registry.0.fleet.clone(), self.live.room());
        tokio::spawn(async move { fleet.insist_on_all(room, commands).await })
    }

    /// The media plane is to forward these as the meeting says: not, for now.
    fn hold_tracks(&self, tracks: Vec<ProducerId>) {
        // Apart from this task, which is asked again and again what the meeting says.
        for producer in tracks {
            let (live, meeting) = (self.registry.clone(), self.live.meeting().id);
            tokio::spawn(async move {
                if let Err(error) = hold(&live, meeting, producer).await {
                    tracing::warn!(%meeting, %producer, %error, "a track that is not to be seen is not paused yet");
                }
            });
        }
    }

    fn close_media(&self, session: SessionId) {
        // Nobody was ever on the media plane in most meetings of people who only write.
        if self.registry.0.fleet.has_room(self.live.room()) {
            self.insist_on_all(vec![RoomCommand::CloseSession { session }]);
        }
    }
}

/// The news of a start, for everybody on the roster who has an account.
pub(super) fn started_notice(meeting: Arc<Meeting>) -> Notice {
    let mut listed: Vec<_> = meeting.roster.iter().filter_map(|entry| entry.user).collect();
    listed.push(meeting.creator);
    Notice::new(Audience::Accounts(listed), DomainEvent::MeetingStarted(meeting))
}
