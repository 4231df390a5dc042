//! Running meetings: one task per meeting owns its [`LiveMeeting`], so that everything about a meeting happens in one
//! order, and so do the notices about it.
//!
//! [`Live`] finds the task of a meeting, or starts one; [`task`] is the task; [`media_events`] brings it the facts of
//! the media plane, [`sampler`] its figures; [`facts`] carries what statistics remember into the database.

mod breakouts;
mod facts;
mod figures;
mod goodbyes;
mod knocks;
mod media_events;
mod people;
mod recording;
mod sampler;
mod sessions;
mod side;
mod task;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use metrics::gauge;
use plenum_shared::id::RoomId;
use time::OffsetDateTime;
use tokio::sync::{mpsc, oneshot};

use crate::domain::error::DomainError;
use crate::domain::event::{EndReason, Entrance, Notice};
use crate::domain::id::{MeetingId, ParticipantId};
use crate::domain::live::{Joiner, LiveMeeting};
use crate::domain::meeting::Meeting;
use crate::domain::participant::ConnectionId;
use crate::domain::session::LeaveReason;
use crate::fleet::{Fleet, FleetEvent};
use crate::hub::Hub;
use crate::service::admissions::Attempt;
use crate::service::clock::Clock;
use crate::store::Store;
use facts::Facts;
use goodbyes::Goodbyes;
use knocks::Knock;
pub use sampler::SAMPLED_EVERY;
use sampler::Sample;
use sessions::Entered;
use task::Task;

/// Commands waiting for one meeting. A room of thousands that all act within the same moment stays below; beyond it the
/// senders wait, each for his own answer.
const QUEUE: usize = 1024;

/// Something to be done by the task of a meeting.
enum Job {
    /// Somebody comes in. People who come at the same moment are let in together.
    Knock(Box<Knock>),
    Deed(Deed),
}

/// Anything else.
type Deed = Box<dyn for<'a> FnOnce(&'a mut Task) -> BoxFuture<'a, ()> + Send>;

/// Every running meeting of this process.
#[derive(Clone)]
pub struct Live(Arc<Inner>);

/// What running meetings are made from.
pub struct Parts {
    pub hub: Hub,
    pub fleet: Fleet,
    pub store: Store,
    pub clock: Clock,
    /// As clients take them (`RTCIceServer`), from the configuration.
    pub ice_servers: serde_json::Value,
}

struct Inner {
    hub: Hub,
    fleet: Fleet,
    store: Store,
    goodbyes: Goodbyes,
    clock: Clock,
    ice_servers: serde_json::Value,
    meetings: Mutex<HashMap<MeetingId, Handle>>,
    rooms: Mutex<HashMap<RoomId, MeetingId>>,
    facts: Facts,
    entered: Entered,
    sample_every: Duration,
}

#[derive(Clone)]
struct Handle {
    jobs: mpsc::Sender<Job>,
    /// Held while the room is being opened on a node, so that two first transports do not open it twice.
    opening: Arc<tokio::sync::Mutex<()>>,
    sample: sampler::Latest,
}

/// Where somebody is after `join`.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    Inside(Arc<Entrance>),
    /// In the waiting room, under this id.
    Waiting {
        meeting: MeetingId,
        participant: ParticipantId,
    },
}

impl Live {
    /// Meetings run by this process, fed by `events` of the media plane, which is measured every so often.
    pub fn start(parts: Parts, sample_every: Duration, events: mpsc::Receiver<FleetEvent>) -> Self {
        let Parts { hub, fleet, store, clock, ice_servers } = parts;
        let (meetings, rooms) = (Mutex::default(), Mutex::default());
        let facts = Facts::start(store.clone());
        let goodbyes = Goodbyes::start(store.clone());
        let live = Self(Arc::new(Inner {
            hub,
            fleet,
            store,
            goodbyes,
            clock,
            ice_servers,
            meetings,
            rooms,
            facts,
            entered: Entered::default(),
            sample_every,
        }));
        tokio::spawn(media_events::pump(live.clone(), events));
        live
    }

    /// Runs a command against a running meeting; its notices go out before anything else happens there.
    ///
    /// # Errors
    /// `NotInMeeting` when the meeting is not running, and whatever the command refuses.
    pub async fn with<T: Send + 'static>(
        &self,
        meeting: MeetingId,
        command: impl FnOnce(&mut LiveMeeting, OffsetDateTime) -> Result<(Vec<Notice>, T), DomainError>
        + Send
        + 'static,
    ) -> Result<T, DomainError> {
        let handle = self.find(meeting).ok_or(DomainError::NotInMeeting)?;
        let work = move |task: &mut Task| {
            let now = task.now();
            let (notices, value) = command(&mut task.live, now)?;
            task.publish(notices);
            Ok(value)
        };
        self.run(&handle, move |task| Box::pin(async move { work(task) }))
            .await
            .unwrap_or(Err(DomainError::NotInMeeting))
    }

    /// Looks at a running meeting. `None` when it is not running.
    pub async fn look<T: Send + 'static>(
        &self,
        meeting: MeetingId,
        question: impl FnOnce(&LiveMeeting) -> T + Send + 'static,
    ) -> Option<T> {
        let handle = self.find(meeting)?;
        self.run(&handle, move |task| Box::pin(async move { question(&task.live) })).await
    }

    /// Decides an attempt against the seats as they are, and lets the joiner in or has him wait.
    ///
    /// # Errors
    /// The refusal of the admission, or of the store.
    pub async fn join(&self, attempt: Attempt, joiner: Joiner) -> Result<Place, DomainError> {
        // A meeting that emptied this very moment ends its task; the next one takes the joiner.
        for _ in 0..3 {
            let handle = self.find_or_start(&attempt.meeting);
            let (knock, answered) = Knock::new(attempt.clone(), joiner.clone());
            if handle.jobs.send(Job::Knock(Box::new(knock))).await.is_ok()
                && let Ok(place) = answered.await
            {
                return place;
            }
        }
        Err(DomainError::Unavailable)
    }

    /// Lets a waiting person in, on behalf of the host behind the connection.
    ///
    /// # Errors
    /// Not allowed, nobody waits under that id, or the admission refuses now.
    pub async fn admit(
        &self,
        meeting: MeetingId,
        by: ConnectionId,
        waiting: String,
    ) -> Result<(), DomainError> {
        let handle = self.find(meeting).ok_or(DomainError::NotInMeeting)?;
        let admitted = self.run(&handle, move |task| Box::pin(task.admit(by, waiting))).await;
        admitted.unwrap_or(Err(DomainError::NotInMeeting))
    }

    /// Turns a waiting person away.
    ///
    /// # Errors
    /// As [`Live::admit`].
    pub async fn deny(
        &self,
        meeting: MeetingId,
        by: ConnectionId,
        waiting: String,
    ) -> Result<(), DomainError> {
        let handle = self.find(meeting).ok_or(DomainError::NotInMeeting)?;
        let denied = self.run(&handle, move |task| Box::pin(async move { task.deny(by, &waiting) })).await;
        denied.unwrap_or(Err(DomainError::NotInMeeting))
    }

    /// Writes what statistics remember by now.
    pub async fn flush(&self) {
        self.0.facts.flush().await;
    }

    /// Whoever speaks over this connection leaves. False when nobody was there.
    pub async fn leave(&self, meeting: MeetingId, connection: ConnectionId, reason: LeaveReason) -> bool {
        let Some(handle) = self.find(meeting) else { return false };
        let left =
            self.run(&handle, move |task| Box::pin(async move { task.leave(connection, reason) })).await;
        let Some(goodbye) = left.flatten() else { return false };
        // Here and not in the task: the meeting goes on while it is written down.
        self.0.goodbyes.say(goodbye).await;
        true
    }

    /// Takes over changed settings and roster.
    pub async fn refresh(&self, meeting: &Meeting) {
        if let Some(handle) = self.find(meeting.id) {
            let told = meeting.clone();
            self.run(&handle, move |task| Box::pin(task.refresh(told))).await;
        }
    }

    /// Everybody hears the end and is out; sessions and media are closed when this returns.
    pub async fn end(&self, meeting: MeetingId, reason: EndReason) {
        if let Some(handle) = self.find(meeting) {
            self.run(&handle, move |task| Box::pin(task.end(reason))).await;
        }
    }

    /// Makes sure that the meeting's room is on a node, and says which room.
    ///
    /// # Errors
    /// `NotInMeeting`, or `MediaUnavailable` when no node takes it.
    pub async fn room(&self, meeting: MeetingId) -> Result<RoomId, DomainError> {
        let handle = self.find(meeting).ok_or(DomainError::NotInMeeting)?;
        let _only_one = handle.opening.lock().await;
        let room = self.look(meeting, LiveMeeting::room).await.ok_or(DomainError::NotInMeeting)?;
        if !self.0.fleet.has_room(room) {
            self.rooms().insert(room, meeting);
            if let Err(error) = self.0.fleet.open_room(room).await {
                tracing::warn!(%meeting, %room, %error, "no media node takes the room");
                self.rooms().remove(&room);
                return Err(DomainError::MediaUnavailable);
            }
            // A meeting that ended before its room was placed could not close it.
            if self.look(meeting, LiveMeeting::room).await != Some(room) {
                self.rooms().remove(&room);
                self.0.fleet.close_room(room);
                return Err(DomainError::NotInMeeting);
            }
        }
        Ok(room)
    }

    /// The media plane.
    pub fn fleet(&self) -> &Fleet {
        &self.0.fleet
    }

    /// Leavings that the database has not heard of yet.
    pub fn unwritten(&self) -> usize {
        self.0.goodbyes.waiting()
    }

    /// Meetings that are running.
    pub fn running(&self) -> usize {
        self.meetings().len()
    }

    /// The newest figures of a meeting's media.
    fn sample(&self, meeting: MeetingId) -> Option<Sample> {
        let handle = self.find(meeting)?;
        handle.sample.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn find(&self, meeting: MeetingId) -> Option<Handle> {
        self.meetings().get(&meeting).cloned()
    }

    fn find_or_start(&self, meeting: &Arc<Meeting>) -> Handle {
        let mut meetings = self.meetings();
        match meetings.get(&meeting.id) {
            Some(handle) if !handle.jobs.is_closed() => handle.clone(),
            _ => {
                let (jobs, queue) = mpsc::channel(QUEUE);
                let handle = Handle { jobs, opening: Arc::default(), sample: Arc::default() };
                meetings.insert(meeting.id, handle.clone());
                gauge!("plenum_live_meetings").set(meetings.len() as f64);
                let task = Task::new(self.clone(), meeting.clone());
                tokio::spawn(task.run(queue));
                tokio::spawn(sampler::run(self.clone(), meeting.id, handle.clone()));
                handle
            }
        }
    }

    /// Hands a job to the task and waits for its outcome; `None` when the task has ended meanwhile.
    async fn run<T: Send + 'static>(
        &self,
        handle: &Handle,
        work: impl for<'a> FnOnce(&'a mut Task) -> BoxFuture<'a, T> + Send + 'static,
    ) -> Option<T> {
        let (answer, answered) = oneshot::channel();
        let deed: Deed = Box::new(move |task| {
            let doing = work(task);
            Box::pin(async move {
                // Nobody waits for the answer of a command whose connection went away; it is done all the same.
                let _ = answer.send(doing.await);
            })
        });
        handle.jobs.send(Job::Deed(deed)).await.ok()?;
        answered.await.ok()
    }

    /// Called by a task that has nobody inside: forgets it unless somebody is knocking.
    fn retire(&self, meeting: MeetingId, queue: &mut mpsc::Receiver<Job>) -> bool {
        let mut meetings = self.meetings();
        if !queue.is_empty() {
            return false;
        }
        queue.close();
        meetings.remove(&meeting);
        gauge!("plenum_live_meetings").set(meetings.len() as f64);
        true
    }

    fn meetings(&self) -> MutexGuard<'_, HashMap<MeetingId, Handle>> {
        self.0.meetings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rooms(&self) -> MutexGuard<'_, HashMap<RoomId, MeetingId>> {
        self.0.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
