//! All workers of the process: bound, started, pinned, watched and stopped. [`WorkerHandle`] is the one way in.

use super::{
    Published, Snapshot, Ways, Worker,
    core::Core,
    inbox::{InboxHandle, Job, inbox},
    neighbours::{Arrivals, Neighbours, neighbours, waker},
    outbox::Outbox,
    socket::{MediaSocket, SOCKET_BUFFER, Sending, Sockets},
    tcp,
};
use crate::{
    config::{Config, Listen},
    engine::{Candidate, relay::WorkerIndex, transport::LocalIndex},
};
use mio::{Poll, Waker};
use nix::{
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};
use plenum_shared::{command::Refusal, event::WorkerLoad};
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::sync::Notify;

/// How often a port that is free on the first address is tried on the others before we give up.
const PORT_ATTEMPTS: usize = 32;

/// Why the workers cannot start.
#[derive(Debug, Error)]
pub enum StartError {
    #[error("media address {address}: {error} (SFU_LISTEN, SFU_MEDIA_PORT)")]
    Bind { address: SocketAddr, error: io::Error },
    #[error("media address {address} over TCP: {error} (SFU_LISTEN, SFU_MEDIA_PORT, SFU_TCP)")]
    Listen { address: SocketAddr, error: io::Error },
    #[error("SFU_LISTEN: no address to receive media on")]
    NoAddress,
    #[error("SFU_ANNOUNCED: {0} has no listening address of its IP version")]
    NothingBehind(IpAddr),
    #[error("a worker cannot start: {0}")]
    Thread(#[from] io::Error),
}

/// What a worker's engine has to know about its place.
#[derive(Clone, Debug)]
pub struct Place {
    /// Number of the worker, from 0.
    pub worker: usize,
    /// What clients are told, best first.
    pub candidates: Vec<Candidate>,
}

/// One running worker, as other threads see it.
#[derive(Clone, Debug)]
pub struct WorkerHandle {
    inbox: InboxHandle,
    published: Arc<Published>,
}

impl WorkerHandle {
    /// Gives the worker something to do; never waits.
    ///
    /// # Errors
    /// See [`InboxHandle::submit`].
    pub fn submit(&self, job: Job) -> Result<(), Refusal> {
        self.inbox.submit(job)
    }

    /// The figures of the last second.
    pub fn snapshot(&self) -> Snapshot {
        self.published.get()
    }

    /// Jobs waiting.
    pub fn queue_len(&self) -> usize {
        self.inbox.len()
    }

    /// The figures that control chooses nodes by.
    pub fn load(&self) -> WorkerLoad {
        let snapshot = self.snapshot();
        let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        WorkerLoad {
            cpu: snapshot.cpu_share,
            rooms: small(snapshot.engine.rooms),
            transports: small(snapshot.engine.transports),
            producers: small(snapshot.engine.producers),
            consumers: small(snapshot.engine.consumers),
            received: snapshot.received,
            sent: snapshot.sent,
            queue: small(self.queue_len() as u64),
        }
    }
}

/// The workers.
#[derive(Debug)]
pub struct Pool {
    workers: Vec<WorkerHandle>,
    threads: Vec<JoinHandle<()>>,
    outbox: Arc<Outbox>,
    ended: Arc<Ended>,
    media_addresses: Vec<SocketAddr>,
}

impl Pool {
    /// Binds every socket, then starts the threads. Each makes its engine by `make_core`.
    ///
    /// # Errors
    /// See [`StartError`]; nothing runs then.
    pub fn start<C: Core>(
        config: &Config,
        make_core: impl Fn(Place) -> C + Clone + Send + 'static,
    ) -> Result<Self, StartError> {
        let outbox = Arc::new(Outbox::default());
        let ended = Arc::new(Ended::default());
        let mut pool =
            Self { workers: Vec::new(), threads: Vec::new(), outbox, ended, media_addresses: Vec::new() };
        let bound: Vec<_> =
            (0..config.workers).map(|worker| bind(config, worker)).collect::<Result<_, _>>()?;
        tell_short_queues(&bound);
        let cores = own_cores(config.workers);
        let polls: Vec<_> = bound.iter().map(|_| Poll::new()).collect::<Result<_, _>>()?;
        let wakers: Vec<_> = polls.iter().map(waker).collect::<Result<_, _>>()?;
        let ends = neighbours(wakers.clone());
        for (worker, (sockets, ((poll, waker), end))) in
            bound.into_iter().zip(polls.into_iter().zip(wakers).zip(ends)).enumerate()
        {
            let addresses: Vec<_> = sockets.udp.iter().map(MediaSocket::address).collect();
            let mut candidates = candidates(&addresses, &config.announced)?;
            pool.media_addresses.extend(candidates.iter().map(|candidate| candidate.announced));
            if config.tcp {
                candidates.extend(over_tcp(&candidates));
            }
            let place = Place { worker, candidates };
            pool.spawn(place, sockets, (poll, waker, end), cores.get(worker).copied(), make_core.clone())?;
        }
        Ok(pool)
    }

    fn spawn<C: Core>(
        &mut self,
        place: Place,
        sockets: Sockets,
        (poll, waker, (neighbours, arrivals)): (Poll, Arc<Waker>, (Neighbours, Arrivals)),
        core: Option<usize>,
        make_core: impl Fn(Place) -> C + Send + 'static,
    ) -> io::Result<()> {
        let (handle, inbox) = inbox(waker);
        let published = Arc::new(Published::default());
        self.workers.push(WorkerHandle { inbox: handle, published: published.clone() });
        let (outbox, ended) = (self.outbox.clone(), self.ended.clone());
        let name = format!("worker-{}", place.worker);
        let body = move || {
            let _tells_its_end = TellsItsEnd(ended);
            pin(core);
            let worker = WorkerIndex(place.worker as u16);
            let mut core = make_core(place);
            core.connect_workers(worker, Box::new(neighbours));
            run(core, sockets, poll, Ways { inbox, arrivals, outbox, published });
        };
        self.threads.push(thread::Builder::new().name(name).spawn(body)?);
        Ok(())
    }

    /// The ways in, by worker number.
    pub fn workers(&self) -> &[WorkerHandle] {
        &self.workers
    }

    /// The events of all workers.
    pub fn outbox(&self) -> &Arc<Outbox> {
        &self.outbox
    }

    /// Addresses that clients are told, of all workers.
    pub fn media_addresses(&self) -> &[SocketAddr] {
        &self.media_addresses
    }

    /// Every worker runs.
    pub fn is_alive(&self) -> bool {
        !self.ended.one_has.load(Ordering::Acquire)
    }

    /// Returns when a worker has ended, which none does unless asked to: its loop has a bug, and its rooms are lost.
    pub async fn worker_ended(&self) {
        while self.is_alive() {
            self.ended.told.notified().await;
        }
    }

    /// Asks every worker to close its rooms and waits until they have, but not beyond the deadline.
    pub fn stop(&self, deadline: Duration) -> bool {
        self.workers.iter().for_each(|worker| worker.inbox.stop());
        let give_up_at = Instant::now() + deadline;
        while self.threads.iter().any(|thread| !thread.is_finished()) {
            if Instant::now() >= give_up_at {
                return false;
            }
            thread::sleep(Duration::from_millis(2));
        }
        true
    }
}

/// A worker must not outlive its pool; waiting for it is the business of [`Pool::stop`].
impl Drop for Pool {
    fn drop(&mut self) {
        self.workers.iter().for_each(|worker| worker.inbox.stop());
    }
}

fn run<C: Core>(core: C, sockets: Sockets, poll: Poll, ways: Ways) {
    match Worker::new(core, sockets, poll, ways) {
        Ok(worker) => worker.run(),
        Err(error) => tracing::error!(%error, "a worker cannot watch its sockets"),
    }
}

/// Whether a worker has ended.
#[derive(Debug, Default)]
struct Ended {
    one_has: AtomicBool,
    told: Notify,
}

/// Speaks up however the thread ends.
struct TellsItsEnd(Arc<Ended>);

impl Drop for TellsItsEnd {
    fn drop(&mut self) {
        self.0.one_has.store(true, Ordering::Release);
        self.0.told.notify_one();
    }
}

/// The core of each worker when there is one for each. With fewer workers the scheduler knows better than we do which
/// cores are free, above all when several nodes share a machine.
fn own_cores(workers: usize) -> Vec<usize> {
    let Ok(allowed) = sched_getaffinity(Pid::from_raw(0)) else { return Vec::new() };
    let cores: Vec<_> = (0..CpuSet::count()).filter(|core| allowed.is_set(*core).unwrap_or(false)).collect();
    if cores.len() == workers { cores } else { Vec::new() }
}

fn pin(core: Option<usize>) {
    let Some(core) = core else { return };
    let mut only = CpuSet::new();
    let pinned = only.set(core).and_then(|()| sched_setaffinity(Pid::from_raw(0), &only));
    if let Err(error) = pinned {
        tracing::warn!(core, %error, "a worker could not be pinned");
    }
}

/// What does not fit while a worker is busy is lost, and nothing but a counter would say why.
fn tell_short_queues(bound: &[Sockets]) {
    let granted = bound.iter().flat_map(|sockets| &sockets.udp).map(MediaSocket::receive_buffer).min();
    if let Some(granted) = granted.filter(|&granted| granted < SOCKET_BUFFER) {
        tracing::warn!(
            granted,
            wanted = SOCKET_BUFFER,
            "media may queue for less than asked: raise net.core.rmem_max"
        );
    }
}

/// One socket and one listener per listening address, all on one port.
fn bind(config: &Config, worker: usize) -> Result<Sockets, StartError> {
    let fixed = (config.media_port != 0).then(|| config.media_port.saturating_add(worker as u16));
    for attempt in 1.. {
        match bind_all(&config.listen, fixed.unwrap_or(0), config.tcp, config.sending) {
            Err(StartError::Bind { error, .. } | StartError::Listen { error, .. })
                if fixed.is_none() && error.kind() == io::ErrorKind::AddrInUse && attempt < PORT_ATTEMPTS => {
            }
            Ok(sockets) if sockets.udp.is_empty() => return Err(StartError::NoAddress),
            result => return result,
        }
    }
    Err(StartError::NoAddress)
}

/// With port 0 the first address gets a free one, and the others must follow.
fn bind_all(listen: &Listen, port: u16, has_tcp: bool, sending: Sending) -> Result<Sockets, StartError> {
    let mut sockets = Sockets::default();
    for ip in &listen.addresses {
        let port = sockets.udp.first().map_or(port, |first| first.address().port());
        let address = SocketAddr::new(*ip, port);
        match MediaSocket::bind(address, sending) {
            Ok(socket) => {
                let address = socket.address();
                sockets.udp.push(socket);
                if has_tcp {
                    let listener =
                        tcp::listen(address).map_err(|error| StartError::Listen { address, error })?;
                    sockets.tcp.push(listener);
                }
            }
            // An address that went away since it was found, or one that IPv6 has not confirmed yet.
            Err(error) if !listen.explicit && error.kind() == io::ErrorKind::AddrNotAvailable => {}
            Err(error) => return Err(StartError::Bind { address, error }),
        }
    }
    Ok(sockets)
}

/// What clients are told: announced addresses in place of all bound ones of the same IP version, which are private then.
fn candidates(bound: &[SocketAddr], announced: &[IpAddr]) -> Result<Vec<Candidate>, StartError> {
    let mut candidates = Vec::new();
    for ip in announced {
        let of_version = |address: &&SocketAddr| address.is_ipv4() == ip.is_ipv4();
        let behind = bound.iter().filter(of_version).min_by_key(|address| address.ip().is_loopback());
        let behind = behind.ok_or(StartError::NothingBehind(*ip))?;
        let local = bound.iter().position(|address| address == behind).unwrap_or_default();
        candidates.push(candidate(local, SocketAddr::new(*ip, behind.port())));
    }
    for (local, address) in bound.iter().enumerate() {
        if !announced.iter().any(|ip| ip.is_ipv4() == address.is_ipv4()) {
            candidates.push(candidate(local, *address));
        }
    }
    Ok(candidates)
}

/// The same addresses once more, where a connection may be opened.
fn over_tcp(candidates: &[Candidate]) -> Vec<Candidate> {
    let listener = |one: &Candidate| Candidate { local: one.local.listener(), ..*one };
    candidates.iter().map(listener).collect()
}

fn candidate(local: usize, announced: SocketAddr) -> Candidate {
    // There are at most `LISTEN_MAX` sockets.
    Candidate { local: LocalIndex(local as u8), announced }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn told(bound: &[SocketAddr], announced: &[&str]) -> Vec<(u8, String)> {
        let announced: Vec<IpAddr> = announced.iter().map(|ip| ip.parse().unwrap()).collect();
        let candidates = candidates(bound, &announced).unwrap();
        candidates.iter().map(|one| (one.local.0, one.announced.to_string())).collect()
    }

    #[test]
    fn bound_addresses_are_told_when_none_is_announced() {
        let bound = [address("10.0.0.5:4000"), address("[2001:db8::5]:4000")];
        let expected = [(0, "10.0.0.5:4000".to_owned()), (1, "[2001:db8::5]:4000".to_owned())];
        assert_eq!(told(&bound, &[]), expected);
    }

    #[test]
    fn an_announced_address_replaces_all_of_its_ip_version() {
        let bound = [address("127.0.0.1:4000"), address("10.0.0.5:4000"), address("[2001:db8::5]:4000")];
        let expected = [(1, "198.51.100.1:4000".to_owned()), (2, "[2001:db8::5]:4000".to_owned())];
        assert_eq!(told(&bound, &["198.51.100.1"]), expected);
    }

    #[test]
    fn an_announced_address_needs_a_socket_behind_it() {
        let announced = ["2001:db8::1".parse().unwrap()];
        let refused = candidates(&[address("10.0.0.5:4000")], &announced).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "SFU_ANNOUNCED: 2001:db8::1 has no listening address of its IP version"
        );
    }

    #[test]
    fn all_addresses_of_a_worker_share_a_port() {
        let listen = Listen {
            addresses: vec!["127.0.0.1".parse().unwrap(), "127.0.0.2".parse().unwrap()],
            explicit: true,
        };
        let sockets = bind_all(&listen, 0, true, Sending::Grouped).unwrap();
        let mut ports: Vec<_> = sockets.udp.iter().map(|socket| socket.address().port()).collect();
        ports.extend(sockets.tcp.iter().map(|listener| listener.local_addr().unwrap().port()));
        assert_eq!(ports, [ports[0]; 4], "UDP and TCP alike");
    }

    #[test]
    fn an_address_that_is_not_ours_is_an_error_only_when_it_was_asked_for() {
        let listen = |explicit| Listen {
            addresses: vec!["127.0.0.1".parse().unwrap(), "192.0.2.1".parse().unwrap()],
            explicit,
        };
        assert_eq!(bind_all(&listen(false), 0, false, Sending::Grouped).unwrap().udp.len(), 1);
        let refused = bind_all(&listen(true), 0, false, Sending::Grouped).unwrap_err().to_string();
        assert!(refused.starts_with("media address 192.0.2.1:"), "{refused}");
    }
}
