//! ICE over TCP (RFC 6544, passive only): the way in for whoever's network lets no UDP out.
//!
//! To the engine a connection is a path like any other: a local index, which is the listener's, and a remote address.
//! What is different stays here: framing ([`frame`]), a queue for what the kernel does not take at once ([`connection`]),
//! and bounds on how many strangers may be connected. A connection is *proven* once the engine has taken it for a
//! transport's, and closed when it is that no longer: nobody holds more places than a transport has addresses.

mod connection;
pub mod frame;

use crate::engine::{egress::Message, transport::LocalIndex};
pub use connection::FrameBatch;
use connection::{Connection, Queued, Readiness, Verdict};
use mio::{
    Interest, Registry, Token,
    event::Event,
    net::{TcpListener, TcpStream},
};
use slab::Slab;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::{
    collections::{HashMap, VecDeque},
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    time::Instant,
};

/// Connections of one worker: one for each transport it may hold. Beyond it the longest unproven one makes room, and a new
/// one is refused when all are proven.
const CONNECTIONS_MAX: usize = 4096;
/// Unproven connections of one worker; beyond it the oldest makes room. A peer proves itself within a round trip, so
/// that whoever wants to keep others out has to open this many in that time.
const UNPROVEN_MAX: usize = 512;
/// Connections of one address, proven or not: an office behind one NAT. Beyond it new ones are refused.
const PER_ADDRESS_MAX: usize = 1024;
/// Unproven connections of one address. A hundred people who come at once open two or four each, and are proven in turn.
const UNPROVEN_PER_ADDRESS_MAX: usize = 64;
/// Connections accepted between two looks at the media.
const ACCEPTS_PER_TURN: usize = 16;
/// Connections the kernel may hold that we did not accept yet.
const BACKLOG: i32 = 256;
/// Bytes the kernel may hold that it has not sent: what waits longer waits here, where video can be dropped.
const UNSENT_MAX: u32 = 16 << 10;
/// Tokens below are sockets and listeners by their index.
const FIRST_CONNECTION: usize = 256;

/// What the connections of one worker did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpCounters {
    /// Connections that are open.
    pub connections: u64,
    /// Connections that were accepted.
    pub accepted: u64,
    /// Connections that were refused or had to make room because there are too many.
    pub refused: u64,
    /// Connections closed because no valid check came.
    pub closed_unproven: u64,
    /// Connections closed because no transport had them any more.
    pub closed_left: u64,
    /// Connections closed because their peer did not read.
    pub closed_stuck: u64,
    /// Connections closed because what came were no frames.
    pub closed_malformed: u64,
    /// Datagrams they brought.
    pub datagrams_received: u64,
    /// Datagrams that were queued for them.
    pub datagrams_sent: u64,
    /// Bytes the kernel took.
    pub bytes_sent: u64,
    /// Datagrams dropped because too much waited.
    pub datagrams_dropped_queue_full: u64,
    /// Bytes that waited for the kernel when the connections were last looked at.
    pub waiting_bytes: u64,
}

/// Binds a listener beside a UDP socket: same address, same port.
///
/// # Errors
/// What the kernel says: mostly a port that is taken.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    // A node that starts again must not wait for the connections of its predecessor to be forgotten.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

struct Listener {
    socket: TcpListener,
    local: LocalIndex,
    /// There may be connections to accept.
    ready: bool,
}

/// The listeners of one worker and all their connections.
pub struct TcpPaths {
    listeners: Vec<Listener>,
    connections: Slab<Connection>,
    by_path: HashMap<(LocalIndex, SocketAddr), usize>,
    by_address: HashMap<IpAddr, OfAddress>,
    unproven: usize,
    /// Connections with something to read, each once.
    readable: VecDeque<usize>,
    /// Connections with something to write since the last flush.
    unflushed: Vec<usize>,
    /// Paths that are no more and that the engine has not heard of.
    closed: Vec<(LocalIndex, SocketAddr)>,
}

/// The connections of one address, or of one IPv6 network.
#[derive(Debug, Default)]
struct OfAddress {
    all: usize,
    unproven: usize,
}

impl TcpPaths {
    /// Watches listeners, the n-th being the one beside the n-th socket.
    ///
    /// # Errors
    /// The kernel refuses to watch one.
    pub fn new(listeners: Vec<TcpListener>, registry: &Registry) -> io::Result<Self> {
        let mut paths = Self {
            listeners: Vec::new(),
            connections: Slab::new(),
            by_path: HashMap::new(),
            by_address: HashMap::new(),
            unproven: 0,
            readable: VecDeque::new(),
            unflushed: Vec::new(),
            closed: Vec::new(),
        };
        for (index, mut socket) in listeners.into_iter().enumerate() {
            // There are at most `LISTEN_MAX` listeners.
            let local = LocalIndex(index as u8).listener();
            registry.register(&mut socket, Token(usize::from(local.0)), Interest::READABLE)?;
            paths.listeners.push(Listener { socket, local, ready: false });
        }
        Ok(paths)
    }

    /// Takes note of what the poll says. False when it is about something else.
    pub fn note(&mut self, event: &Event) -> bool {
        let Token(token) = event.token();
        if let Some(listener) = self.listeners.iter_mut().find(|one| usize::from(one.local.0) == token) {
            listener.ready = true;
            return true;
        }
        let Some(key) = token.checked_sub(FIRST_CONNECTION) else { return false };
        let Some(connection) = self.connections.get_mut(key) else { return true };
        if (event.is_readable() || event.is_error()) && !connection.readable {
            connection.readable = true;
            self.readable.push_back(key);
        }
        if event.is_writable() && connection.has_waiting() {
            self.unflushed.push(key);
        }
        true
    }

    /// Something is to be read or accepted now.
    pub fn is_ready(&self) -> bool {
        !self.readable.is_empty() || self.listeners.iter().any(|listener| listener.ready)
    }

    /// Connections that may have something to read now, each of which [`TcpPaths::read`] reads once.
    pub fn readable_count(&self) -> usize {
        self.readable.len()
    }

    /// Accepts whom there is room for.
    pub fn accept(&mut self, now: Instant, registry: &Registry, counters: &mut TcpCounters) {
        for index in 0..self.listeners.len() {
            for _ in 0..ACCEPTS_PER_TURN {
                let Listener { socket, local, ready } = &mut self.listeners[index];
                if !*ready {
                    break;
                }
                match socket.accept() {
                    Ok((stream, remote)) => {
                        let local = *local;
                        self.admit(now, registry, (stream, local, remote), counters);
                    }
                    // Whoever gave up while waiting is no reason to keep the others waiting.
                    Err(error) if is_of_one_connection(&error) => {}
                    // Nobody else, or no descriptor is left: then the next sweep tries again.
                    Err(_) => *ready = false,
                }
            }
        }
    }

    fn admit(
        &mut self,
        now: Instant,
        registry: &Registry,
        (mut stream, local, remote): (TcpStream, LocalIndex, SocketAddr),
        counters: &mut TcpCounters,
    ) {
        let of_address = self.by_address.get(&network(remote.ip()));
        let too_many =
            of_address.is_some_and(|of| of.all >= PER_ADDRESS_MAX || of.unproven >= UNPROVEN_PER_ADDRESS_MAX);
        if too_many || !self.make_room(counters) {
            counters.refused += 1;
            return;
        }
        // Refinements: without them the connection works, with more delay.
        let options = SockRef::from(&stream);
        let _ = options.set_tcp_nodelay(true);
        let _ = options.set_tcp_notsent_lowat(UNSENT_MAX);
        let entry = self.connections.vacant_entry();
        let key = entry.key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        if registry.register(&mut stream, Token(FIRST_CONNECTION + key), interest).is_err() {
            counters.refused += 1;
            return;
        }
        entry.insert(Connection::new(now, stream, local, remote));
        self.readable.push_back(key);
        self.by_path.insert((local, remote), key);
        let of_address = self.by_address.entry(network(remote.ip())).or_default();
        of_address.all += 1;
        of_address.unproven += 1;
        self.unproven += 1;
        counters.accepted += 1;
        counters.connections = self.connections.len() as u64;
    }

    /// Whether there is room for one more, if need be in place of the oldest that nobody has vouched for.
    fn make_room(&mut self, counters: &mut TcpCounters) -> bool {
        if self.connections.len() < CONNECTIONS_MAX && self.unproven < UNPROVEN_MAX {
            return true;
        }
        let unproven = self.connections.iter().filter(|(_, connection)| !connection.is_proven());
        let Some((oldest, _)) = unproven.min_by_key(|(_, connection)| connection.opened_at()) else {
            return false;
        };
        counters.refused += 1;
        self.close(oldest, counters);
        true
    }

    /// Reads the next connection that has something, once. Returns where the datagrams in the batch came from.
    pub fn read(
        &mut self,
        batch: &mut FrameBatch,
        counters: &mut TcpCounters,
    ) -> Option<(LocalIndex, SocketAddr)> {
        let key = self.readable.pop_front()?;
        let connection = self.connections.get_mut(key)?;
        let path = (connection.local, connection.remote);
        match connection.read(batch) {
            Readiness::MayHaveMore => self.readable.push_back(key),
            Readiness::Drained => connection.readable = false,
            Readiness::Over => self.close(key, counters),
            Readiness::Malformed => {
                counters.closed_malformed += 1;
                self.close(key, counters);
            }
        }
        Some(path)
    }

    /// The engine has taken a connection for a transport's.
    pub fn prove(&mut self, local: LocalIndex, remote: SocketAddr) {
        let Some(&key) = self.by_path.get(&(local, remote)) else { return };
        if self.connections[key].prove() {
            self.unproven -= 1;
            if let Some(of_address) = self.by_address.get_mut(&network(remote.ip())) {
                of_address.unproven -= 1;
            }
        }
    }

    /// No transport has this connection any more. What the kernel has taken still leaves.
    pub fn let_go(&mut self, local: LocalIndex, remote: SocketAddr, counters: &mut TcpCounters) {
        if let Some(&key) = self.by_path.get(&(local, remote)) {
            counters.closed_left += 1;
            self.close(key, counters);
        }
    }

    /// Queues a message for one of the connections. What is for a connection that is no more is dropped.
    pub fn queue(&mut self, now: Instant, message: &Message<'_>, counters: &mut TcpCounters) {
        let Some(&key) = self.by_path.get(&(message.local, message.remote)) else { return };
        let connection = &mut self.connections[key];
        if !connection.has_waiting() {
            self.unflushed.push(key);
        }
        let (taken, queued) = connection.queue(now, message);
        counters.datagrams_sent += taken;
        if queued != Queued::Taken {
            counters.datagrams_dropped_queue_full += message.datagrams() as u64 - taken;
        }
        if queued == Queued::Overflown {
            counters.closed_stuck += 1;
            self.close(key, counters);
        }
    }

    /// Something is queued, or the kernel can take again of what was.
    pub fn has_unflushed(&self) -> bool {
        !self.unflushed.is_empty()
    }

    /// Hands the kernel what was queued and what it can take again.
    pub fn flush(&mut self, now: Instant, counters: &mut TcpCounters) {
        let mut unflushed = std::mem::take(&mut self.unflushed);
        for key in unflushed.drain(..) {
            let Some(connection) = self.connections.get_mut(key) else { continue };
            match connection.write(now) {
                Ok(written) => counters.bytes_sent += written,
                Err(_) => self.close(key, counters),
            }
        }
        self.unflushed = unflushed;
    }

    /// Closes whom nobody needs, and tries again to accept. To be called about once a second.
    pub fn sweep(&mut self, now: Instant, counters: &mut TcpCounters) {
        self.listeners.iter_mut().for_each(|listener| listener.ready = true);
        let verdict = |(key, connection): (usize, &Connection)| Some((key, connection.verdict(now)?));
        let judged: Vec<_> = self.connections.iter().filter_map(verdict).collect();
        for (key, verdict) in judged {
            match verdict {
                Verdict::Unproven => counters.closed_unproven += 1,
                Verdict::Stuck => counters.closed_stuck += 1,
                Verdict::Silent => {}
            }
            self.close(key, counters);
        }
        let waiting = self.connections.iter().map(|(_, connection)| connection.waiting_bytes() as u64);
        counters.waiting_bytes = waiting.sum();
    }

    /// The next path that is no more.
    pub fn poll_closed(&mut self) -> Option<(LocalIndex, SocketAddr)> {
        self.closed.pop()
    }

    /// Dropping the stream closes it and takes it out of the poll.
    fn close(&mut self, key: usize, counters: &mut TcpCounters) {
        let Some(connection) = self.connections.try_remove(key) else { return };
        let path = (connection.local, connection.remote);
        // The key may soon be another connection's.
        if connection.readable {
            self.readable.retain(|&other| other != key);
        }
        self.unflushed.retain(|&other| other != key);
        self.by_path.remove(&path);
        let network = network(path.1.ip());
        if let Some(of_address) = self.by_address.get_mut(&network) {
            of_address.all -= 1;
            if !connection.is_proven() {
                of_address.unproven -= 1;
            }
            if of_address.all == 0 {
                self.by_address.remove(&network);
            }
        }
        if connection.is_proven() {
            self.closed.push(path);
        } else {
            self.unproven -= 1;
        }
        counters.connections = self.connections.len() as u64;
    }
}

/// What counts as one stranger: an IPv4 address, and the 64 bits of IPv6 that one household has.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(_) => ip,
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset)
        || error.kind() == io::ErrorKind::Interrupted
}

#[cfg(test)]
mod tests;
