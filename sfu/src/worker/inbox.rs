//! The way into a worker from other threads: a bounded queue and a waker.
//!
//! What happens when it is full is decided here: the command is refused as busy at once, so that control can ask
//! another node instead of waiting. The order to stop does not go through the queue and is never refused.

use crate::engine::relay::WorkerIndex;
use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use mio::Waker;
use plenum_shared::{
    command::{Refusal, RefusalReason, Response, RoomCommand, RoomInventory},
    id::RoomId,
};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::sync::oneshot;

/// Commands waiting for one worker. A command takes some tens of microseconds, so a full queue is about 50 ms of work:
/// longer than that a person should not wait behind others.
pub const QUEUE_MAX: usize = 1024;

/// Something for the worker to do. An answer whose asker is gone is dropped.
#[derive(Debug)]
pub enum Job {
    Room {
        room: RoomId,
        command: Box<RoomCommand>,
        reply: oneshot::Sender<Response>,
    },
    /// Another worker is to have a branch of a room that is here.
    OpenBranch {
        room: RoomId,
        worker: WorkerIndex,
        reply: oneshot::Sender<Response>,
    },
    Inventory {
        reply: oneshot::Sender<Vec<RoomInventory>>,
    },
}

/// The worker's end.
#[derive(Debug)]
pub struct Inbox {
    jobs: Receiver<Job>,
    stop: Arc<AtomicBool>,
}

/// Everybody else's end.
#[derive(Clone, Debug)]
pub struct InboxHandle {
    jobs: Sender<Job>,
    stop: Arc<AtomicBool>,
    waker: Arc<Waker>,
}

/// An inbox whose waker interrupts the worker's poll.
pub fn inbox(waker: Arc<Waker>) -> (InboxHandle, Inbox) {
    let (sender, receiver) = bounded(QUEUE_MAX);
    let stop = Arc::new(AtomicBool::new(false));
    (InboxHandle { jobs: sender, stop: stop.clone(), waker }, Inbox { jobs: receiver, stop })
}

impl InboxHandle {
    /// Gives the worker something to do.
    ///
    /// # Errors
    /// [`RefusalReason::Busy`] when the queue is full, [`RefusalReason::Internal`] when the worker is gone.
    pub fn submit(&self, job: Job) -> Result<(), Refusal> {
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => Refusal::new(RefusalReason::Busy, "the worker's queue is full"),
            TrySendError::Disconnected(_) => Refusal::new(RefusalReason::Internal, "the worker is gone"),
        })?;
        self.wake().map_err(|error| Refusal::new(RefusalReason::Internal, error.to_string()))
    }

    /// Asks the worker to close everything and end.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        // A waker that fails belongs to a poll that is gone, and the worker with it.
        let _ = self.wake();
    }

    /// Jobs waiting.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// No job is waiting.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    fn wake(&self) -> io::Result<()> {
        self.waker.wake()
    }
}

impl Inbox {
    /// The next job, if there is one.
    pub fn take(&self) -> Option<Job> {
        self.jobs.try_recv().ok()
    }

    /// Jobs waiting.
    pub fn len(&self) -> usize {
        self.jobs.len()
    }

    /// No job is waiting.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// The worker shall end.
    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}
