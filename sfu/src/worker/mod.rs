//! DRIVER of one engine: a thread that waits, reads a batch, feeds the engine, writes a batch and reports.
//!
//! ```text
//!   sockets ──recvmmsg──▶ ┌────────┐ ──egress──▶ sendmmsg ──▶ sockets
//!   inbox  ───commands──▶ │ engine │ ──events──▶ outbox ──▶ link
//!   clock  ──deadlines──▶ └────────┘ ─counters─▶ snapshot, once a second
//!   other workers ◀──────── rings, and queues of what is told ───────▶ other workers
//! ```
//!
//! Nothing a packet touches is shared with another thread but the slot of a ring, once, where its room is on several workers.
//! The thread never waits for anything but the poll. A panic inside the engine costs the room it happened in and nothing else.

pub mod core;
pub mod inbox;
pub mod neighbours;
pub mod outbox;
pub mod placement;
pub mod pool;
pub mod reports;
mod ring;
mod sleep;
mod snapshot;
pub mod socket;
mod sync;
pub mod tcp;
#[cfg(test)]
mod turn_tests;
mod wait;

pub use snapshot::{Published, Snapshot, TURNS, WorkerCounters};

use crate::engine::{PathEvent, router::held::Progress, transport::LocalIndex};
use core::Core;
use inbox::{Inbox, Job};
use mio::{Events, Interest, Poll, Registry, Token};
use neighbours::Arrivals;
use outbox::Outbox;
use plenum_shared::command::{Refusal, RefusalReason, RoomCommand};
use reports::{Found, Reading};
use socket::{MediaSocket, Readiness, ReceiveBatch, SendBatches, Sockets};
use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};
use tcp::{FrameBatch, TcpPaths};

/// The token of the inbox's waker; sockets have their index.
const WAKER: Token = Token(usize::MAX);
/// Tokens from here on, but for the last, are sockets of reports by their index.
const REPORTS: usize = usize::MAX / 2;
/// Jobs served between two looks at the sockets: commands come in bursts when many people join, and media must not
/// wait for all of them.
const JOBS_PER_TURN: usize = 16;
/// Messages of other workers taken between two looks at the sockets, as many as packets: each may be for hundreds of clients.
const MESSAGES_PER_TURN: usize = 64;
/// Reads of connections between two looks at the other sockets; whoever is left has its turn next.
const TCP_READS_PER_TURN: usize = 16;
/// What another worker was told and had no room for is tried again after this.
const RETELL_AFTER: Duration = Duration::from_millis(1);
/// Events taken from the poll at once; it hands out the rest at the next turn.
const EVENTS_PER_TURN: usize = 256;
/// How often a snapshot leaves the worker.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);

/// What leads into a worker from other threads and out of it to them, but for its engine's way to the other workers.
#[derive(Debug)]
pub struct Ways {
    pub inbox: Inbox,
    pub arrivals: Arrivals,
    pub outbox: Arc<Outbox>,
    pub published: Arc<Published>,
}

/// One worker: an engine, its sockets, and the ways in and out.
pub struct Worker<C> {
    core: C,
    sockets: Vec<MediaSocket>,
    /// Sockets that may have more to read; the poll speaks up only on a change.
    readable: Vec<bool>,
    reading: Reading,
    receive: ReceiveBatch,
    send: SendBatches,
    tcp: TcpPaths,
    frames: FrameBatch,
    poll: Poll,
    inbox: Inbox,
    arrivals: Arrivals,
    /// Jobs that came before the last of what is heard now.
    jobs_due: usize,
    /// Something is told to another worker that has no room for it yet.
    is_telling: bool,
    outbox: Arc<Outbox>,
    published: Arc<Published>,
    snapshot: Snapshot,
    publish_at: Instant,
    /// When the poll returned last: the turn has lasted since then.
    woken_at: Instant,
}

impl<C: Core> Worker<C> {
    /// A worker that is ready to [`Worker::run`]. The poll is the one that the inbox's waker interrupts.
    ///
    /// # Errors
    /// The kernel refuses to watch a socket.
    pub fn new(
        mut core: C,
        Sockets { udp: mut sockets, tcp }: Sockets,
        poll: Poll,
        Ways { inbox, arrivals, outbox, published }: Ways,
    ) -> io::Result<Self> {
        for (index, socket) in sockets.iter_mut().enumerate() {
            poll.registry().register(socket.inlet().source(), Token(index), Interest::READABLE)?;
        }
        watch_reports(&mut sockets, poll.registry())?;
        let has_gso = sockets.iter().any(MediaSocket::has_gso);
        core.egress().set_segments_max(if has_gso { usize::MAX } else { 1 });
        Ok(Self {
            core,
            readable: vec![false; sockets.len()],
            reading: Reading::Watched,
            receive: ReceiveBatch::default(),
            send: SendBatches::new(sockets.len()),
            sockets,
            tcp: TcpPaths::new(tcp, poll.registry())?,
            frames: FrameBatch::default(),
            poll,
            inbox,
            arrivals,
            jobs_due: 0,
            is_telling: false,
            outbox,
            published,
            snapshot: Snapshot::default(),
            publish_at: Instant::now(),
            woken_at: Instant::now(),
        })
    }

    /// Until the inbox says stop; then every room is closed, so that peers hear a goodbye.
    pub fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        self.woken_at = Instant::now();
        while !self.inbox.is_stopping() {
            self.wait(&mut events);
            self.read();
            self.read_tcp();
            self.read_relayed();
            self.end_batch();
            self.serve_jobs();
            self.serve_deadlines();
            self.tell_events();
            self.is_telling = !self.core.relay().flush();
            self.flush();
            self.read_reports();
            self.publish();
        }
        self.close_rooms();
        self.flush();
    }

    fn wait(&mut self, events: &mut Events) {
        let now = Instant::now();
        let busy = now.duration_since(self.woken_at);
        self.snapshot.worker.turn.note(&TURNS, busy.as_nanos() as u64);
        let timeout = self.time_to_wait(now);
        let timeout =
            if timeout.is_zero() || !self.arrivals.fall_asleep() { Duration::ZERO } else { timeout };
        let was_watched = self.reading == Reading::Watched;
        let polled = wait::wait(&mut self.poll, events, timeout);
        self.arrivals.wake_up();
        if let Err(error) = &polled
            // A signal; anything else would come again at once, and the pause keeps it from taking the core.
            && error.kind() != io::ErrorKind::Interrupted
        {
            tracing::error!(%error, "the poll failed");
            std::thread::sleep(Duration::from_millis(10));
        }
        self.woken_at = Instant::now();
        if polled.is_err() {
            return;
        }
        for event in events.iter().filter(|event| event.token() != WAKER) {
            let Token(token) = event.token();
            if token >= REPORTS {
                self.reading = Reading::awake(self.woken_at);
            } else if !self.tcp.note(event) {
                self.readable[token] = true;
            }
        }
        if was_watched && self.reading != Reading::Watched {
            self.ignore_reports();
        }
    }

    fn time_to_wait(&self, now: Instant) -> Duration {
        if self.readable.contains(&true) || self.tcp.is_ready() || !self.inbox.is_empty() {
            return Duration::ZERO;
        }
        let deadlines = [self.core.poll_timeout(), self.reading.poll_timeout()];
        let wake_at = deadlines.into_iter().flatten().fold(self.publish_at, Instant::min);
        let longest = if self.is_telling { RETELL_AFTER } else { Duration::MAX };
        wake_at.saturating_duration_since(now).min(longest)
    }

    /// One batch of each socket that has something. What the engine makes of it leaves at the end of the turn, or
    /// earlier when there is so much of it that the arena fills.
    fn read(&mut self) {
        let Self { core, sockets, readable, receive, send, tcp, snapshot, .. } = self;
        for index in 0..sockets.len() {
            if !readable[index] {
                continue;
            }
            let now = Instant::now();
            // There are at most `LISTEN_MAX` sockets.
            let local = LocalIndex(index as u8);
            let readiness = receive.fill(sockets[index].inlet(), &mut snapshot.sockets);
            readable[index] = readiness == Readiness::MayHaveMore;
            for (source, datagram) in receive.datagrams() {
                contained(core, &mut snapshot.worker.panics, |core| {
                    core.handle_datagram(now, local, source, datagram);
                });
                make_room(core, send, sockets, tcp, snapshot);
            }
        }
    }

    /// New connections, and one read of each that has something.
    fn read_tcp(&mut self) {
        // First of all: whoever connects now may come from the port of a path that is no more.
        self.tell_closed_paths();
        let Self { core, sockets, send, tcp, frames, poll, snapshot, .. } = self;
        if tcp.is_ready() {
            let now = Instant::now();
            tcp.accept(now, poll.registry(), &mut snapshot.tcp);
            for _ in 0..tcp.readable_count().min(TCP_READS_PER_TURN) {
                let Some((local, source)) = tcp.read(frames, &mut snapshot.tcp) else { continue };
                for datagram in frames.datagrams() {
                    snapshot.tcp.datagrams_received += 1;
                    contained(core, &mut snapshot.worker.panics, |core| {
                        core.handle_datagram(now, local, source, datagram);
                    });
                    make_room(core, send, sockets, tcp, snapshot);
                }
            }
        }
        self.tell_closed_paths();
    }

    /// What other workers have told, and the packets that they have sent on by now. When there is too much of the former, the
    /// rest of it is heard in the next turns, and what came after it waits until then.
    fn read_relayed(&mut self) {
        if self.arrivals.is_heard() {
            // Whoever asks something was told of it before by what is told by now.
            self.jobs_due = self.inbox.len().min(JOBS_PER_TURN);
            self.arrivals.count();
        }
        self.hear();
        // The clock is not looked at for nothing: in most turns there is none.
        let mut first_at = None;
        let Self { core, arrivals, sockets, send, tcp, snapshot, .. } = self;
        while let Some(()) = arrivals.take_packet(|head, bytes| {
            let now = *first_at.get_or_insert_with(Instant::now);
            contained(core, &mut snapshot.worker.panics, |core| core.handle_relayed(now, head, bytes));
        }) {
            make_room(core, send, sockets, tcp, snapshot);
        }
    }

    /// What was told before the packets that were counted.
    fn hear(&mut self) {
        let Self { core, arrivals, sockets, send, tcp, snapshot, .. } = self;
        for _ in 0..MESSAGES_PER_TURN {
            let Some((from, message)) = arrivals.take_message() else { return };
            let now = Instant::now();
            contained(core, &mut snapshot.worker.panics, |core| core.handle_message(now, from, message));
            make_room(core, send, sockets, tcp, snapshot);
        }
    }

    fn end_batch(&mut self) {
        let Self { core, sockets, send, tcp, snapshot, .. } = self;
        forward_held(core, send, sockets, tcp, snapshot);
    }

    fn tell_closed_paths(&mut self) {
        while let Some((local, remote)) = self.tcp.poll_closed() {
            let now = Instant::now();
            contained(&mut self.core, &mut self.snapshot.worker.panics, |core| {
                core.handle_closed_path(now, local, remote);
            });
        }
    }

    fn serve_jobs(&mut self) {
        if !self.arrivals.is_heard() {
            return;
        }
        for _ in 0..std::mem::take(&mut self.jobs_due) {
            let Some(job) = self.inbox.take() else { return };
            self.serve(job);
        }
    }

    /// An answer that nobody waits for any more is no error.
    fn serve(&mut self, job: Job) {
        let now = Instant::now();
        let panics = &mut self.snapshot.worker.panics;
        match job {
            Job::Room { room, command, reply } => {
                let response =
                    contained(&mut self.core, panics, |core| core.handle_command(now, room, *command));
                let failed = || Err(Refusal::new(RefusalReason::Internal, "the room failed and was closed"));
                let _ = reply.send(response.unwrap_or_else(failed));
            }
            Job::OpenBranch { room, worker, reply } => {
                let response = contained(&mut self.core, panics, |core| core.open_branch(room, worker));
                let failed = || Err(Refusal::new(RefusalReason::Internal, "the room failed and was closed"));
                let _ = reply.send(response.unwrap_or_else(failed));
            }
            Job::Inventory { reply } => {
                // Who asks what there is has missed something, or was not there.
                let inventory = contained(&mut self.core, panics, |core| {
                    core.tell_again(now);
                    core.inventory()
                });
                let _ = reply.send(inventory.unwrap_or_default());
            }
        }
    }

    fn serve_deadlines(&mut self) {
        let now = Instant::now();
        if self.core.poll_timeout().is_some_and(|at| at <= now) {
            contained(&mut self.core, &mut self.snapshot.worker.panics, |core| core.handle_timeout(now));
            if self.core.egress().is_filling() {
                // Of what was held until now, some may not have had room.
                self.end_batch();
            }
        }
    }

    fn tell_events(&mut self) {
        while let Some(event) = self.core.poll_event() {
            self.outbox.push(event);
        }
    }

    fn flush(&mut self) {
        let Self { core, send, sockets, tcp, snapshot, .. } = self;
        send_egress(core, send, sockets, tcp, snapshot);
        if tcp.has_unflushed() {
            tcp.flush(Instant::now(), &mut snapshot.tcp);
        }
        // Last, so that whoever has to go hears the goodbye.
        while let Some(event) = core.poll_path_event() {
            match event {
                PathEvent::Taken { local, remote } => tcp.prove(local, remote),
                PathEvent::Left { local, remote } => tcp.let_go(local, remote, &mut snapshot.tcp),
            }
        }
    }

    /// What was reported since the last time, and what follows from it. After everything else, which is in more of a hurry.
    fn read_reports(&mut self) {
        if !self.reading.is_due(self.woken_at) {
            return;
        }
        let now = Instant::now();
        let mut found = Found::Nothing;
        let Self { core, sockets, receive, send, tcp, snapshot, .. } = self;
        for index in 0..sockets.len() {
            let Some(inlet) = sockets[index].reports() else { continue };
            let local = LocalIndex(index as u8);
            if receive.fill(inlet, &mut snapshot.sockets) == Readiness::MayHaveMore {
                found = Found::Some;
            }
            for (source, datagram) in receive.datagrams() {
                found = found.max(Found::All);
                contained(core, &mut snapshot.worker.panics, |core| {
                    core.handle_datagram(now, local, source, datagram);
                });
                make_room(core, send, sockets, tcp, snapshot);
            }
        }
        self.reading = self.reading.after(now, found);
        if self.reading == Reading::Watched {
            self.watch_reports(now);
        }
        if found != Found::Nothing {
            // The kernel may have joined media of the same peer to a report.
            self.end_batch();
            self.serve_deadlines();
            self.tell_events();
            self.flush();
        }
    }

    /// Whoever reports next is told of by the poll.
    fn watch_reports(&mut self, now: Instant) {
        if let Err(error) = watch_reports(&mut self.sockets, self.poll.registry()) {
            tracing::error!(%error, "the poll does not watch reports; they are looked for");
            self.ignore_reports();
            self.reading = self.reading.after(now, Found::All);
        }
    }

    /// They are looked for without the poll.
    fn ignore_reports(&mut self) {
        for inlet in self.sockets.iter_mut().filter_map(MediaSocket::reports) {
            // What is not registered is ignored already.
            let _ = self.poll.registry().deregister(inlet.source());
        }
    }

    fn publish(&mut self) {
        // The turn's own time will do.
        let now = self.woken_at;
        if now >= self.publish_at {
            let overdue = now.duration_since(self.publish_at);
            self.publish_at = now + PUBLISH_EVERY;
            self.tcp.sweep(now, &mut self.snapshot.tcp);
            self.snapshot.worker.ring_waiting = self.arrivals.take_most_waiting() as u64;
            self.snapshot.take(self.core.counters(), PUBLISH_EVERY + overdue);
            self.published.set(self.snapshot);
        }
    }

    /// Transport by transport, because only that says goodbye to the peer.
    fn close_rooms(&mut self) {
        let now = Instant::now();
        for room in self.core.inventory() {
            let transports = room.transports.iter().map(|one| one.transport);
            let goodbyes = transports.map(|transport| RoomCommand::CloseTransport { transport });
            for command in goodbyes.chain([RoomCommand::Close]) {
                contained(&mut self.core, &mut self.snapshot.worker.panics, |core| {
                    core.handle_command(now, room.room, command)
                });
            }
        }
    }
}

/// Has the poll tell of the next report, also of one that is there already.
fn watch_reports(sockets: &mut [MediaSocket], registry: &Registry) -> io::Result<()> {
    for (index, socket) in sockets.iter_mut().enumerate() {
        if let Some(inlet) = socket.reports() {
            registry.register(inlet.source(), Token(REPORTS + index), Interest::READABLE)?;
        }
    }
    Ok(())
}

/// In the middle of a batch: sends what is there when it has become much.
fn make_room<C: Core>(
    core: &mut C,
    send: &mut SendBatches,
    sockets: &mut [MediaSocket],
    tcp: &mut TcpPaths,
    snapshot: &mut Snapshot,
) {
    if core.holds_much() {
        forward_held(core, send, sockets, tcp, snapshot);
    }
    if core.egress().is_filling() {
        send_egress(core, send, sockets, tcp, snapshot);
    }
}

/// Has the engine forward what it holds, and sends in between when that is much.
fn forward_held<C: Core>(
    core: &mut C,
    send: &mut SendBatches,
    sockets: &mut [MediaSocket],
    tcp: &mut TcpPaths,
    snapshot: &mut Snapshot,
) {
    let now = Instant::now();
    loop {
        match contained(core, &mut snapshot.worker.panics, |core| core.end_batch(now)) {
            Some(Progress::Done) => return,
            Some(Progress::Filling) => send_egress(core, send, sockets, tcp, snapshot),
            // Its room is gone; the others go on where it stopped.
            None => {}
        }
    }
}

fn send_egress<C: Core>(
    core: &mut C,
    send: &mut SendBatches,
    sockets: &mut [MediaSocket],
    tcp: &mut TcpPaths,
    snapshot: &mut Snapshot,
) {
    // System calls take long: whoever has something to do with what is about to leave can begin with it.
    core.relay().flush();
    let egress = core.egress();
    if !egress.is_empty() {
        let mut queued_at = None;
        let Snapshot { sockets: counters, tcp: tcp_counters, .. } = snapshot;
        let by_udp = egress.messages().filter(|message| {
            if message.local.is_tcp() {
                let now = *queued_at.get_or_insert_with(Instant::now);
                tcp.queue(now, message, tcp_counters);
            }
            !message.local.is_tcp()
        });
        send.send_all(sockets, by_udp, counters);
        egress.clear();
    }
}

/// Runs the engine. When it panics, the room it was working for is removed and the worker goes on: `None`.
fn contained<C: Core, R>(core: &mut C, panics: &mut u64, work: impl FnOnce(&mut C) -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(|| work(core))) {
        Ok(result) => Some(result),
        Err(_) => {
            *panics += 1;
            let room = core.room_in_progress();
            tracing::error!(?room, "the engine panicked; its room is removed");
            if let Some(room) = room
                && catch_unwind(AssertUnwindSafe(|| core.remove_room(room))).is_err()
            {
                tracing::error!(%room, "removing the room panicked as well");
            }
            None
        }
    }
}
