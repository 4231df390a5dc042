//! Command → owning worker → reply. Knows which worker has which room, and nothing of what is in it.

use crate::worker::{
    inbox::Job,
    placement::Placement,
    pool::{Pool, WorkerHandle},
};
use plenum_shared::{
    codec::DecodeError,
    command::{Command, Refusal, RefusalReason, Reply, Request, Response, RoomCommand},
    id::RoomId,
};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use tokio::sync::{Notify, oneshot};

/// Serves the requests of one control process at a time.
#[derive(Debug)]
pub struct Dispatch {
    pool: Arc<Pool>,
    placement: Mutex<Placement>,
    /// Of the control process that welcomed us last; 0 before the first.
    control_epoch: AtomicU64,
    draining: AtomicBool,
    /// The last room of a draining node is closed.
    drained: Notify,
}

impl Dispatch {
    pub fn new(pool: Arc<Pool>) -> Self {
        Self {
            pool,
            placement: Mutex::default(),
            control_epoch: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            drained: Notify::new(),
        }
    }

    /// From now on requests of other epochs are stale.
    pub fn set_control_epoch(&self, epoch: u64) {
        self.control_epoch.store(epoch, Ordering::Release);
    }

    /// Returns when the node was asked to drain and holds no room any more.
    pub async fn drained(&self) {
        self.drained.notified().await;
    }

    /// Answers what was received: a request that cannot be read is refused like any other.
    pub async fn answer(&self, received: Result<Request, DecodeError>) -> Response {
        match received {
            Ok(request) => self.dispatch(request).await,
            Err(DecodeError::UnknownCommand { control_epoch }) => {
                self.check_epoch(control_epoch)?;
                Err(Refusal::new(RefusalReason::Unsupported, "this node does not know the command"))
            }
            Err(error) => Err(Refusal::new(RefusalReason::Invalid, error.to_string())),
        }
    }

    async fn dispatch(&self, request: Request) -> Response {
        self.check_epoch(request.control_epoch)?;
        match request.command {
            Command::Room { room, command: RoomCommand::Create } => self.create(room).await,
            Command::Room { room, command: RoomCommand::Close } => self.close(room).await,
            Command::Room { room, command } => self.ask(room, command).await,
            Command::Inventory => self.inventory().await,
            Command::Drain => self.drain(),
        }
    }

    fn check_epoch(&self, asking: u64) -> Result<(), Refusal> {
        let serving = self.control_epoch.load(Ordering::Acquire);
        if asking == serving {
            return Ok(());
        }
        let detail = format!("epoch {asking} asks, epoch {serving} is served");
        Err(Refusal::new(RefusalReason::StaleControl, detail))
    }

    async fn create(&self, room: RoomId) -> Response {
        if self.draining.load(Ordering::Acquire) {
            return Err(Refusal::new(RefusalReason::Draining, "this node takes no new rooms"));
        }
        let transports: Vec<_> =
            self.pool.workers().iter().map(|worker| worker.snapshot().engine.transports).collect();
        let is_new = {
            let mut placement = self.placement();
            let is_new = placement.worker_of(room).is_none();
            placement.place(room, &transports);
            is_new
        };
        let response = self.ask(room, RoomCommand::Create).await;
        // A room that was there before is not lost because its worker is too busy to say so.
        if is_new && response.as_ref().is_err_and(|refusal| refusal.reason != RefusalReason::AlreadyExists) {
            self.forget(room);
        }
        response
    }

    async fn close(&self, room: RoomId) -> Response {
        let response = self.ask(room, RoomCommand::Close).await;
        if response.is_ok() {
            self.forget(room);
        }
        response
    }

    /// Asks the worker that owns the room. A room that failed there is forgotten here when its worker says so.
    async fn ask(&self, room: RoomId, command: RoomCommand) -> Response {
        let worker = self.owner(room)?;
        let (reply, answer) = oneshot::channel();
        worker.submit(Job::Room { room, command: Box::new(command), reply })?;
        let response = answer.await.unwrap_or_else(|_| Err(worker_gone()));
        if let Err(Refusal { reason: RefusalReason::UnknownRoom | RefusalReason::Internal, .. }) = &response {
            self.forget(room);
        }
        response
    }

    fn owner(&self, room: RoomId) -> Result<&WorkerHandle, Refusal> {
        self.placement()
            .worker_of(room)
            .and_then(|worker| self.pool.workers().get(worker))
            .ok_or_else(|| Refusal::new(RefusalReason::UnknownRoom, "no such room on this node"))
    }

    /// All workers are asked before the first answer is awaited.
    async fn inventory(&self) -> Response {
        let mut answers = Vec::with_capacity(self.pool.workers().len());
        for worker in self.pool.workers() {
            let (reply, answer) = oneshot::channel();
            worker.submit(Job::Inventory { reply })?;
            answers.push(answer);
        }
        let mut rooms = Vec::new();
        for answer in answers {
            rooms.extend(answer.await.map_err(|_| worker_gone())?);
        }
        Ok(Reply::Inventory(rooms))
    }

    fn drain(&self) -> Response {
        self.draining.store(true, Ordering::Release);
        self.tell_when_drained();
        Ok(Reply::Done)
    }

    fn forget(&self, room: RoomId) {
        self.placement().forget(room);
        self.tell_when_drained();
    }

    fn tell_when_drained(&self) {
        if self.draining.load(Ordering::Acquire) && self.placement().is_empty() {
            self.drained.notify_one();
        }
    }

    fn placement(&self) -> MutexGuard<'_, Placement> {
        // Never held across an await; nothing that holds it panics half way through a change.
        self.placement.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn worker_gone() -> Refusal {
    Refusal::new(RefusalReason::Internal, "the worker is gone")
}
