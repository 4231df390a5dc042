//! Command → the worker it concerns → reply. Knows which worker has which part of which room, and control knows nothing of that.

use super::merge;
use crate::{
    engine::{counters::Counters, relay::WorkerIndex},
    worker::{
        inbox::Job,
        placement::{Load, Placement},
        pool::{Pool, WorkerHandle},
    },
};
use plenum_shared::{
    codec::DecodeError,
    command::{Command, Refusal, RefusalReason, Reply, Request, Response, RoomCommand},
    event::Event,
    id::{ConsumerId, DataConsumerId, RoomId, SessionId, TransportId},
    media::Direction,
};
use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};
use tokio::sync::{Notify, oneshot};
use uuid::Uuid;

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
            Command::Room { room, command } => self.dispatch_room(room, command).await,
            Command::Inventory => self.inventory().await,
            Command::Drain => self.drain(),
        }
    }

    async fn dispatch_room(&self, room: RoomId, command: RoomCommand) -> Response {
        use RoomCommand as C;
        match command {
            C::Create => self.create(room).await,
            C::Close => self.close(room).await,
            C::CreateTransport { session, transport, direction: Direction::Recv } => {
                self.create_receiver(room, session, transport).await
            }
            C::CloseTransport { transport } => self.close_transport(room, transport).await,
            C::ConnectTransport { transport, .. } | C::RestartIce { transport } => {
                self.ask(room, self.worker_of_transport(room, transport)?, command).await
            }
            C::Consume { transport, consumer: ConsumerId(consumer), .. }
            | C::ConsumeData { transport, consumer: DataConsumerId(consumer), .. } => {
                self.consume(room, transport, consumer, command).await
            }
            C::SetConsumerPaused { consumer: ConsumerId(consumer), .. }
            | C::SetPreferredLayer { consumer: ConsumerId(consumer), .. }
            | C::SetConsumerPriority { consumer: ConsumerId(consumer), .. }
            | C::RequestKeyframe { consumer: ConsumerId(consumer) } => {
                self.ask_for_consumer(room, consumer, command).await
            }
            C::CloseConsumer { consumer: ConsumerId(consumer) }
            | C::CloseDataConsumer { consumer: DataConsumerId(consumer) } => {
                let response = self.ask_for_consumer(room, consumer, command).await;
                self.placement().forget_consumer(room, consumer);
                response
            }
            C::CloseSession { session } => self.close_session(room, session).await,
            C::Stats | C::SessionDetails { .. } => self.ask_all(room, command).await,
            // What is published is published at home, and who is in which group is judged there.
            C::CreateTransport { .. }
            | C::Produce { .. }
            | C::SetProducerPaused { .. }
            | C::CloseProducer { .. }
            | C::SetSessionGroup { .. }
            | C::ProduceData { .. }
            | C::CloseDataProducer { .. } => self.ask(room, self.home_of(room)?, command).await,
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
        let loads = self.loads();
        let (is_new, home) = {
            let mut placement = self.placement();
            (placement.home_of(room).is_none(), placement.place(room, &loads))
        };
        let home = home.ok_or_else(unknown_room)?;
        let response = self.ask(room, home, RoomCommand::Create).await;
        // A room that was there before is not lost because its worker is too busy to say so.
        if is_new && response.as_ref().is_err_and(|refusal| refusal.reason != RefusalReason::AlreadyExists) {
            self.forget(room);
        }
        response
    }

    /// Home closes the branches.
    async fn close(&self, room: RoomId) -> Response {
        let response = self.ask(room, self.home_of(room)?, RoomCommand::Close).await;
        if response.is_ok() {
            self.forget(room);
        }
        response
    }

    /// A transport to a viewer may be on another worker than what it views. There has to be a branch of the room then, which is
    /// home's to open: it tells the other worker before it answers.
    async fn create_receiver(&self, room: RoomId, session: SessionId, transport: TransportId) -> Response {
        let loads = self.loads();
        let (worker, is_new) =
            self.placement().place_receiver(room, session, transport, &loads).ok_or_else(unknown_room)?;
        let direction = Direction::Recv;
        let create = RoomCommand::CreateTransport { session, transport, direction };
        let response = match self.open_part(room, worker).await {
            Ok(()) => self.ask(room, worker, create).await,
            Err(refusal) => Err(refusal),
        };
        match &response {
            Ok(_) => self.placement().confirm_receiver(room, transport),
            Err(_) if is_new => self.placement().forget_transport(room, transport),
            Err(_) => {}
        }
        response
    }

    /// Several may find that a part is missing and ask for it: home opens it once.
    async fn open_part(&self, room: RoomId, worker: usize) -> Result<(), Refusal> {
        if !self.placement().parts_of(room).contains(&worker) {
            // There are as many workers as fit into the number.
            let branch = WorkerIndex(worker as u16);
            let open = |reply| Job::OpenBranch { room, worker: branch, reply };
            self.submit(room, self.home_of(room)?, open)?.answer().await?;
            self.placement().add_branch(room, worker);
        }
        Ok(())
    }

    async fn close_transport(&self, room: RoomId, transport: TransportId) -> Response {
        let worker = self.worker_of_transport(room, transport)?;
        let response = self.ask(room, worker, RoomCommand::CloseTransport { transport }).await;
        // One that is not there any more is gone as well.
        if response.as_ref().err().is_none_or(|refusal| refusal.reason == RefusalReason::UnknownTransport) {
            self.placement().forget_transport(room, transport);
        }
        response
    }

    async fn close_session(&self, room: RoomId, session: SessionId) -> Response {
        let response = self.ask_all(room, RoomCommand::CloseSession { session }).await;
        if response.is_ok() {
            self.placement().forget_session(room, session);
        }
        response
    }

    async fn consume(
        &self,
        room: RoomId,
        transport: TransportId,
        consumer: Uuid,
        command: RoomCommand,
    ) -> Response {
        let worker = self.worker_of_transport(room, transport)?;
        let response = self.ask(room, worker, command).await;
        if response.is_ok() {
            self.placement().add_consumer(room, consumer, transport);
        }
        response
    }

    /// Asks the part that has a subscription: the one where it should be, and the others if it is not.
    async fn ask_for_consumer(&self, room: RoomId, consumer: Uuid, command: RoomCommand) -> Response {
        let mut response = Err(unknown_room());
        let workers = self.placement().workers_of_consumer(room, consumer);
        for worker in workers {
            response = self.ask(room, worker, command.clone()).await;
            if !matches!(&response, Err(Refusal { reason: RefusalReason::UnknownConsumer, .. })) {
                break;
            }
        }
        response
    }

    /// Asks every part of a room before the first answer is awaited.
    async fn ask_all(&self, room: RoomId, command: RoomCommand) -> Response {
        let parts = self.placement().parts_of(room);
        if parts.is_empty() {
            return Err(unknown_room());
        }
        let mut asked = Vec::with_capacity(parts.len());
        for worker in parts {
            let command = Box::new(command.clone());
            asked.push(self.submit(room, worker, |reply| Job::Room { room, command, reply })?);
        }
        let mut answers = Vec::with_capacity(asked.len());
        for asked in asked {
            answers.push(asked.answer().await);
        }
        merge::responses(answers)
    }

    /// Asks one worker for something about a room.
    async fn ask(&self, room: RoomId, worker: usize, command: RoomCommand) -> Response {
        let command = Box::new(command);
        self.submit(room, worker, |reply| Job::Room { room, command, reply })?.answer().await
    }

    fn submit(
        &self,
        room: RoomId,
        worker: usize,
        job: impl FnOnce(oneshot::Sender<Response>) -> Job,
    ) -> Result<Asked<'_>, Refusal> {
        let (reply, answer) = oneshot::channel();
        self.pool.workers().get(worker).ok_or_else(unknown_room)?.submit(job(reply))?;
        Ok(Asked { dispatch: self, room, worker, answer })
    }

    /// Something happened that nobody asked for.
    pub fn note_event(&self, event: &Event) {
        match event {
            Event::TransportClosed { room, transport, .. } => {
                self.placement().forget_transport(*room, *transport);
            }
            Event::RoomFailed { room } => self.forget(*room),
            _ => {}
        }
    }

    /// A room that failed is forgotten when one of its workers says so. A branch that does not know of it says nothing about
    /// it: it may not have been told yet, or home is about to say what became of it.
    fn heed(&self, room: RoomId, worker: usize, response: Response) -> Response {
        match &response {
            Err(Refusal { reason: RefusalReason::UnknownRoom, .. })
                if self.placement().home_of(room).is_some_and(|home| home != worker) =>
            {
                Err(Refusal::new(RefusalReason::Busy, "a part of the room is not there yet"))
            }
            Err(Refusal { reason: RefusalReason::UnknownRoom | RefusalReason::Internal, .. }) => {
                self.forget(room);
                response
            }
            _ => response,
        }
    }

    fn home_of(&self, room: RoomId) -> Result<usize, Refusal> {
        self.placement().home_of(room).ok_or_else(unknown_room)
    }

    fn worker_of_transport(&self, room: RoomId, transport: TransportId) -> Result<usize, Refusal> {
        self.placement().worker_of_transport(room, transport).ok_or_else(unknown_room)
    }

    /// The workers as they told last.
    fn loads(&self) -> Vec<Load> {
        let load = |worker: &WorkerHandle| {
            let snapshot = worker.snapshot();
            let Counters { rooms, transports, .. } = snapshot.engine;
            Load { rooms, transports, cpu: snapshot.cpu_share }
        };
        self.pool.workers().iter().map(load).collect()
    }

    /// All workers are asked before the first answer is awaited. Who asks has missed events, and with them so have we.
    async fn inventory(&self) -> Response {
        let confirmed = self.placement().confirmed();
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
        let transports = rooms.iter().flat_map(|room| &room.transports);
        let remain = transports.map(|one| one.transport).collect();
        self.placement().forget_ended(&confirmed, &remain);
        Ok(Reply::Inventory(merge::inventories(rooms)))
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

/// A question on its way.
struct Asked<'a> {
    dispatch: &'a Dispatch,
    room: RoomId,
    worker: usize,
    answer: oneshot::Receiver<Response>,
}

impl Asked<'_> {
    async fn answer(self) -> Response {
        let response = self.answer.await.unwrap_or_else(|_| Err(worker_gone()));
        self.dispatch.heed(self.room, self.worker, response)
    }
}

fn unknown_room() -> Refusal {
    Refusal::new(RefusalReason::UnknownRoom, "no such room on this node")
}

fn worker_gone() -> Refusal {
    Refusal::new(RefusalReason::Internal, "the worker is gone")
}
