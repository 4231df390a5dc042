//! One room on a real worker, with its thread and its sockets, and peers (str0m) that have sockets of their own on loopback.
//!
//! One speaks, the others listen. How long a packet of sound took is told by the kernel's time of its arrival, so that
//! nobody's wake-up but the worker's is in it.

use crate::room::{Media, Peer, is_media};
use nix::{
    cmsg_space,
    sys::{
        socket::{ControlMessageOwned, MsgFlags, recvmsg, setsockopt, sockopt::ReceiveTimestampns},
        time::TimeSpec,
    },
};
use plenum_sfu::{
    config::{Config, LinkFiles, Listen, LogConfig, LogFormat},
    engine::{
        Engine, EngineConfig,
        limits::Limits,
        router::hearing::LastN,
        transport::{DtlsCertificate, sctp::DataRate},
    },
    worker::{
        Snapshot,
        inbox::Job,
        pool::{Place, Pool},
        socket::Sending,
    },
};
use plenum_shared::{
    command::{Reply, Response, RoomCommand},
    id::{ConsumerId, NodeId, ProducerId, RoomId},
    media::{Direction, Source},
    rtp::router_capabilities,
};
use std::{
    fs,
    io::{self, IoSliceMut},
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    os::fd::AsRawFd,
    path::PathBuf,
    sync::Arc,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};
use tokio::sync::oneshot;

/// Between two looks at the sockets.
const TICK: Duration = Duration::from_micros(200);
/// Longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A room on the only worker of a node.
pub struct LiveRoom {
    pool: Pool,
    speaker: Far,
    listeners: Vec<Listener>,
    /// When each packet of sound was handed to the kernel.
    said: Vec<Duration>,
    /// Where the system keeps its account of the worker's thread.
    task: PathBuf,
}

/// The other end of a transport.
struct Far {
    peer: Peer,
    socket: UdpSocket,
}

/// Somebody who hears the speaker.
struct Listener {
    far: Far,
    /// The first packet that came: which it was, and its number on the way here.
    first: Option<(usize, u16)>,
    /// The packet that came last.
    last: usize,
    delays: Vec<Duration>,
}

impl LiveRoom {
    /// So many that hear the speaker already.
    ///
    /// # Errors
    /// Sockets or threads cannot be made.
    pub fn new(listeners: usize) -> io::Result<Self> {
        let pool = Pool::start(&config(), make_engine()?).map_err(io::Error::other)?;
        let room = RoomId::random();
        let mut ask = |command| ask(&pool, room, command);
        ask(RoomCommand::Create).expect("an empty worker");
        let (mut speaker, transport) = Far::new(&mut ask, Direction::Send)?;
        let producer = ProducerId::random();
        let produce = RoomCommand::Produce {
            transport,
            producer,
            kind: Media::Audio.kind(),
            source: Source::Microphone,
            rtp_parameters: Media::Audio.parameters(0),
            paused: false,
        };
        ask(produce).expect("a codec of ours");
        speaker.peer.declare(Media::Audio, 0);
        let mut heard_by = Vec::new();
        for _ in 0..listeners {
            let (mut far, transport) = Far::new(&mut ask, Direction::Recv)?;
            let consume = RoomCommand::Consume {
                transport,
                consumer: ConsumerId::random(),
                producer,
                rtp_capabilities: router_capabilities(),
                paused: false,
            };
            let Ok(Reply::Consumed { rtp_parameters, .. }) = ask(consume) else {
                unreachable!("the reply to Consume, for what the room offers")
            };
            far.peer.expect(Media::Audio, &rtp_parameters);
            heard_by.push(Listener { far, first: None, last: 0, delays: Vec::new() });
        }
        let task = worker_task()?;
        let mut made = Self { pool, speaker, listeners: heard_by, said: Vec::new(), task };
        made.connect();
        Ok(made)
    }

    fn connect(&mut self) {
        let give_up_at = Instant::now() + PATIENCE;
        let is_connected =
            |room: &Self| room.all().all(|far| far.peer.rtc.is_connected()) && Instant::now() < give_up_at;
        while !is_connected(self) {
            assert!(Instant::now() < give_up_at, "everybody connects");
            self.turn();
            thread::sleep(TICK);
        }
        // The first ones may be too early for the worker, which learns of the keys a moment after the peers.
        while self.listeners.iter().any(|listener| listener.first.is_none()) {
            assert!(Instant::now() < give_up_at, "everybody hears");
            self.say();
            let until = Instant::now() + Duration::from_millis(20);
            while Instant::now() < until {
                self.turn();
            }
        }
        self.take_delays();
    }

    fn all(&self) -> impl Iterator<Item = &Far> {
        std::iter::once(&self.speaker).chain(self.listeners.iter().map(|listener| &listener.far))
    }

    /// The socket of the worker.
    pub fn target(&self) -> SocketAddr {
        self.speaker.peer.server()
    }

    /// What the checks of a listener say.
    pub fn username(&self, listener: usize) -> &str {
        self.listeners[listener].far.peer.username()
    }

    /// The figures of the worker, not older than a second.
    pub fn snapshot(&self) -> Snapshot {
        self.pool.workers()[0].snapshot()
    }

    /// Processor time of the worker's thread, to the nanosecond.
    ///
    /// # Errors
    /// The system keeps no account of it.
    pub fn worker_time(&self) -> io::Result<Duration> {
        let schedule = fs::read_to_string(self.task.join("schedstat"))?;
        let nanoseconds = schedule.split_whitespace().next().and_then(|time| time.parse().ok());
        nanoseconds.map(Duration::from_nanos).ok_or_else(|| io::Error::other("an account of another form"))
    }

    /// Sends something from the address of a listener that it would not.
    pub fn forge(&self, listener: usize, datagram: &[u8]) {
        self.listeners[listener].far.send(datagram);
    }

    /// One packet of sound.
    pub fn say(&mut self) {
        let now = Instant::now();
        self.speaker.peer.publish(now, Media::Audio, 0, self.said.len() as u64, 0);
        let datagrams = self.speaker.peer.outputs(now);
        self.said.push(since_epoch());
        datagrams.iter().for_each(|datagram| self.speaker.send(datagram));
    }

    /// Takes what has come for everybody, and sends what they have to say.
    pub fn turn(&mut self) {
        let now = Instant::now();
        self.speaker.turn(now, |_, _| {});
        let Self { listeners, said, .. } = self;
        for Listener { far, first, last, delays } in listeners {
            far.turn(now, |datagram, at| {
                let number = u16::from_be_bytes([datagram[2], datagram[3]]);
                let (which, begun_at) = *first.get_or_insert((said.len() - 1, number));
                *last = which + usize::from(number.wrapping_sub(begun_at));
                delays.push(at.saturating_sub(said[*last]));
            });
        }
    }

    /// Whether everybody has heard the packet that was said last; waits for it.
    pub fn hears(&mut self) -> bool {
        let give_up_at = Instant::now() + PATIENCE;
        while self.listeners.iter().any(|listener| listener.last + 1 < self.said.len()) {
            if Instant::now() > give_up_at {
                return false;
            }
            self.turn();
            thread::sleep(TICK);
        }
        true
    }

    /// How long each packet took that was heard since the last call, listener by listener.
    pub fn take_delays(&mut self) -> Vec<Duration> {
        self.listeners.iter_mut().flat_map(|listener| std::mem::take(&mut listener.delays)).collect()
    }
}

impl Far {
    fn new(
        ask: &mut impl FnMut(RoomCommand) -> Response,
        direction: Direction,
    ) -> io::Result<(Self, plenum_shared::id::TransportId)> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        let (peer, transport) = Peer::new(ask, Instant::now(), direction, socket.local_addr()?);
        Ok((Self { peer, socket }, transport))
    }

    /// `media` is given each packet of media, and when it came.
    fn turn(&mut self, now: Instant, mut media: impl FnMut(&[u8], Duration)) {
        let mut buffer = [0; 2048];
        while let Some((len, at)) = receive(&self.socket, &mut buffer) {
            let datagram = &buffer[..len];
            if is_media(datagram) {
                media(datagram, at);
            }
            self.peer.receive(now, datagram);
        }
        let datagrams = self.peer.outputs(now);
        datagrams.iter().for_each(|datagram| self.send(datagram));
    }

    /// What the kernel does not take is a loss as others.
    fn send(&self, datagram: &[u8]) {
        let _ = self.socket.send_to(datagram, self.peer.server());
    }
}

/// The next datagram there is, and when the kernel had it.
fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> Option<(usize, Duration)> {
    let mut control = cmsg_space!(TimeSpec);
    let mut slices = [IoSliceMut::new(buffer)];
    let received =
        recvmsg::<()>(socket.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::MSG_DONTWAIT).ok()?;
    let stamp = received.cmsgs().ok()?.find_map(|message| match message {
        ControlMessageOwned::ScmTimestampns(time) => Some(Duration::from(time)),
        _ => None,
    });
    Some((received.bytes, stamp.unwrap_or_else(since_epoch)))
}

/// By the clock that the kernel stamps with.
fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn worker_task() -> io::Result<PathBuf> {
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        if fs::read_to_string(task.join("comm")).is_ok_and(|name| name.trim() == "worker-0") {
            return Ok(task);
        }
    }
    Err(io::Error::other("the worker has no thread"))
}

fn ask(pool: &Pool, room: RoomId, command: RoomCommand) -> Response {
    let (reply, answer) = oneshot::channel();
    let job = Job::Room { room, command: Box::new(command), reply };
    pool.workers()[0].submit(job).expect("an idle worker");
    answer.blocking_recv().expect("a worker that runs")
}

fn make_engine() -> io::Result<impl Fn(Place) -> Engine + Clone + Send + 'static> {
    let certificate = Arc::new(DtlsCertificate::generate().map_err(io::Error::other)?);
    Ok(move |Place { candidates, .. }: Place| {
        let limits = Limits { last_n: LastN::default(), ..Limits::default() };
        let config = EngineConfig { certificate: certificate.clone(), candidates, seed: [7; 32], limits };
        Engine::new(config, Instant::now())
    })
}

/// One worker on loopback; what concerns the link is not used.
fn config() -> Config {
    let nowhere = PathBuf::new;
    Config {
        control: String::new(),
        identity: LinkFiles { authority: nowhere(), certificate: nowhere(), key: nowhere() },
        node: NodeId::random(),
        workers: 1,
        listen: Listen { addresses: vec![Ipv4Addr::LOCALHOST.into()], explicit: true },
        announced: Vec::new(),
        media_port: 0,
        tcp: false,
        sending: Sending::default(),
        http: (Ipv4Addr::LOCALHOST, 0).into(),
        last_n: LastN::default(),
        data_rate: DataRate::default(),
        frame_patience: Duration::ZERO,
        orphan_timeout: None,
        lock_file: None,
        log: LogConfig { filter: "off".to_owned(), format: LogFormat::Text },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::garbage::{Garbage, Noise, packet};

    const ROUNDS: usize = 300;
    /// What the first rounds allocate is not what garbage takes.
    const WARM_UP: usize = 50;
    /// Of each kind, from a stranger and from a listener's address. All of a round fit the smallest queue that a
    /// system gives a socket, so that none is lost on its way.
    const EACH: u64 = 3;

    #[test]
    fn garbage_is_counted_by_reason_and_takes_no_memory_and_nobody_misses_anything() {
        let mut room = LiveRoom::new(2).unwrap();
        let stranger = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (mut noise, username) = (Noise(3), room.username(0).to_owned());
        let mut make = |garbage, username: &str| -> Vec<_> {
            (0..EACH).map(|_| packet(garbage, username, &mut noise)).collect()
        };
        let strange: Vec<_> = Garbage::ALL.iter().flat_map(|&kind| make(kind, "nobody:nowhere")).collect();
        let forged: Vec<_> = Garbage::ALL.iter().flat_map(|&kind| make(kind, &username)).collect();
        let mut memory = 0;
        for round in 0..ROUNDS {
            for datagram in &strange {
                stranger.send_to(datagram, room.target()).unwrap();
            }
            forged.iter().for_each(|datagram| room.forge(0, datagram));
            room.say();
            // What came before it has been dropped by then.
            assert!(room.hears(), "round {round}");
            if round == WARM_UP {
                memory = resident();
            }
        }
        let grown = resident() - memory;
        assert_eq!(room.take_delays().len(), ROUNDS * 2, "both have heard everything once");
        // The garbage of these rounds, kept, would be many times as much.
        assert!(grown < 512 << 10, "{grown} bytes");

        let sent = ROUNDS as u64 * EACH;
        let give_up_at = Instant::now() + PATIENCE;
        let engine = loop {
            let engine = room.snapshot().engine;
            // Told once a second; noise may be taken for anything.
            if engine.media_dropped_not_authentic >= sent * 2 && engine.stun_ignored >= sent {
                break engine;
            }
            assert!(Instant::now() < give_up_at, "{engine:?}");
            thread::sleep(TICK);
        };
        assert!(
            engine.stun_dropped_unknown_ufrag >= 3 * sent,
            "bare ones from both, forged ones of a stranger"
        );
        assert!(engine.datagrams_dropped_unknown_address >= 3 * sent, "handshakes and media of a stranger");
        assert!(engine.datagrams_dropped_unclassified > 0);
        assert_eq!((engine.transports, engine.addresses, engine.transports_lost), (3, 3, 0));
    }

    fn resident() -> i64 {
        let pages = fs::read_to_string("/proc/self/statm").unwrap();
        pages.split_whitespace().nth(1).unwrap().parse::<i64>().unwrap() * 4096
    }
}
