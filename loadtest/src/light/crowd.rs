//! One thread of members. It wakes a thousand times a second and reads everybody who has something: arrival times are the
//! kernel's, so nothing is measured wrong by reading late, and a frame is read in one call.

use super::{
    Server,
    connection::Connection,
    dtls::Identity,
    incoming::{Delays, Stream},
    member::{Announced, Listening, Member, MemberReport},
    outgoing::Outgoing,
    receive::Receiver,
};
use crate::server::socket_drops;
use mio::{Events, Interest, Poll, Token};
use nix::{
    sched::{CpuSet, sched_setaffinity},
    time::{ClockId, clock_gettime},
    unistd::Pid,
};
use plenum_shared::transport::{Fingerprint, IceParameters};
use std::{
    collections::HashSet,
    io,
    os::fd::AsRawFd,
    sync::{
        Arc,
        mpsc::{self, TryRecvError},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// How a crowd behaves.
#[derive(Clone, Copy, Debug)]
pub struct CrowdSettings {
    /// Id of the transport-wide number in what comes.
    pub transport_wide: u8,
    /// One packet in so many is opened, for each member; 1 is all.
    pub sample: u32,
    /// Between two feedbacks of a member: 50 to 100 ms for browsers.
    pub feedback: Duration,
    /// The core its thread stays on.
    pub core: Option<usize>,
}

impl Default for CrowdSettings {
    /// A packet in 64, feedback as Chromium sends it to a viewer of some video, on any core.
    fn default() -> Self {
        Self { transport_wide: 3, sample: 64, feedback: Duration::from_millis(50), core: None }
    }
}

/// A member of a crowd, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MemberId(usize);

/// A crowd at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub at: Instant,
    /// Those that have not left, in the order they came.
    pub members: Vec<MemberReport>,
    /// Of packets that were opened, since the start.
    pub delays: Delays,
    /// CPU time of the thread.
    pub cpu: Duration,
}

impl Snapshot {
    /// Datagrams that the sockets of these members have thrown away until now, because the thread was slow.
    pub fn socket_drops(&self) -> u64 {
        let ports: HashSet<u16> = self.members.iter().map(|member| member.port).collect();
        socket_drops(|port| ports.contains(&port))
    }
}

/// See the module. Members say goodbye when it is dropped.
#[derive(Debug)]
pub struct Crowd {
    identity: Arc<Identity>,
    poll: mio::Registry,
    commands: Option<mpsc::Sender<Command>>,
    thread: Option<JoinHandle<()>>,
    members: usize,
}

enum Command {
    Add(Box<Member>),
    Leave(MemberId),
    Expect(MemberId, Stream, Option<Uuid>),
    Send(MemberId, Box<Outgoing>),
    Look(mpsc::Sender<Snapshot>),
}

impl Crowd {
    /// Starts the thread.
    ///
    /// # Errors
    /// No thread, no epoll, no certificate.
    pub fn start(settings: CrowdSettings) -> io::Result<Self> {
        let identity = Arc::new(Identity::generate().map_err(io::Error::other)?);
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let (commands, received) = mpsc::channel();
        let thread = std::thread::Builder::new().name("light-crowd".into()).spawn(move || {
            // Without a core of its own it still runs, only less evenly.
            let _ = settings.core.map(stay_on);
            Runner::new(poll, received, settings).run();
        })?;
        Ok(Self { identity, poll: registry, commands: Some(commands), thread: Some(thread), members: 0 })
    }

    /// What signalling is to be told of a member to come.
    pub fn announce(&self) -> Announced {
        let random = || Uuid::new_v4().simple().to_string();
        let mut ufrag = random();
        ufrag.truncate(8);
        let ice = IceParameters { username_fragment: ufrag, password: random(), ice_lite: false };
        Announced { ice, fingerprint: self.fingerprint().clone() }
    }

    /// The certificate that all members show.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.identity.fingerprint
    }

    /// Lets a member in: it begins to connect.
    ///
    /// # Errors
    /// No socket towards the server.
    pub fn add(&mut self, announced: Announced, server: Server) -> io::Result<MemberId> {
        let now = Instant::now();
        let mut connection = Connection::new(&self.identity, announced.ice, server, now)?;
        let id = MemberId(self.members);
        self.poll.register(&mut connection.socket, Token(id.0), Interest::READABLE)?;
        self.members += 1;
        self.tell(Command::Add(Box::new(Member::new(connection, now))));
        Ok(id)
    }

    /// The member says goodbye and is counted no more.
    pub fn leave(&self, member: MemberId) {
        self.tell(Command::Leave(member));
    }

    /// Packets of this stream are from now on the member's media; of others they are only counted.
    pub fn expect(&self, member: MemberId, stream: Stream) {
        self.tell(Command::Expect(member, stream, None));
    }

    /// The same of a stream whose publisher is known: what others have stamped is foreign.
    pub fn expect_of(&self, member: MemberId, stream: Stream, producer: Uuid) {
        self.tell(Command::Expect(member, stream, Some(producer)));
    }

    /// The member sends this from now on, as soon as it is connected.
    pub fn send(&self, member: MemberId, outgoing: Outgoing) {
        self.tell(Command::Send(member, Box::new(outgoing)));
    }

    /// How everybody is.
    ///
    /// # Errors
    /// A crowd whose thread has panicked.
    pub fn look(&self) -> io::Result<Snapshot> {
        let (reply, snapshot) = mpsc::channel();
        self.tell(Command::Look(reply));
        snapshot.recv().map_err(|_| io::Error::other("the thread of a crowd has ended"))
    }

    /// A thread that is gone is noticed by [`Crowd::look`].
    fn tell(&self, command: Command) {
        if let Some(commands) = &self.commands {
            let _ = commands.send(command);
        }
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        drop(self.commands.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic was printed where it happened
        }
    }
}

const TICK: Duration = Duration::from_millis(1);
const EVENTS: usize = 1024;

struct Runner {
    poll: Poll,
    commands: mpsc::Receiver<Command>,
    listening: Listening,
    /// Ticks between two feedbacks of a member; members take turns.
    turns: usize,
    turn: usize,
    members: Vec<Option<Member>>,
    receiver: Receiver,
    delays: Delays,
}

impl Runner {
    fn new(poll: Poll, commands: mpsc::Receiver<Command>, settings: CrowdSettings) -> Self {
        let CrowdSettings { transport_wide, sample, feedback, .. } = settings;
        Self {
            poll,
            commands,
            listening: Listening { transport_wide, sample },
            turns: (feedback.as_millis() as usize).max(1),
            turn: 0,
            members: Vec::new(),
            receiver: Receiver::new(),
            delays: Delays::default(),
        }
    }

    fn run(mut self) {
        let mut events = Events::with_capacity(EVENTS);
        let mut due = Instant::now();
        while self.obey() {
            self.read(&mut events);
            let now = Instant::now();
            while due <= now {
                due += TICK;
                self.take_turn(now);
            }
            let sending = self.members.iter_mut().flatten().filter(|it| it.is_sending());
            sending.for_each(|member| member.send_media(now));
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        self.members.iter_mut().flatten().for_each(|member| member.connection.close());
    }

    /// Does what was asked for; false when nobody can ask any more.
    fn obey(&mut self) -> bool {
        loop {
            match self.commands.try_recv() {
                Ok(command) => self.carry_out(command),
                Err(TryRecvError::Empty) => return true,
                Err(TryRecvError::Disconnected) => return false,
            }
        }
    }

    fn carry_out(&mut self, command: Command) {
        let now = Instant::now();
        match command {
            Command::Add(mut member) => {
                member.upkeep(now);
                self.members.push(Some(*member));
            }
            Command::Leave(id) => {
                if let Some(mut member) = self.members.get_mut(id.0).and_then(Option::take) {
                    member.connection.close();
                }
            }
            Command::Expect(id, stream, producer) => {
                self.with(id, |member| member.expect(stream, producer));
            }
            Command::Send(id, outgoing) => self.with(id, |member| member.begin_sending(*outgoing, now)),
            Command::Look(reply) => {
                let _ = reply.send(self.snapshot()); // whoever asked may have gone
            }
        }
    }

    fn with(&mut self, MemberId(id): MemberId, work: impl FnOnce(&mut Member)) {
        if let Some(Some(member)) = self.members.get_mut(id) {
            work(member);
        }
    }

    fn snapshot(&self) -> Snapshot {
        let cpu = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
        Snapshot {
            at: Instant::now(),
            members: self.members.iter().flatten().map(Member::report).collect(),
            delays: self.delays.clone(),
            cpu: cpu.map(Duration::from).unwrap_or_default(),
        }
    }

    /// Reads every socket that has something.
    fn read(&mut self, events: &mut Events) {
        let Self { poll, members, receiver, listening, delays, .. } = self;
        loop {
            // A signal is as good as nothing to read.
            if poll.poll(events, Some(Duration::ZERO)).is_err() {
                return;
            }
            let now = Instant::now();
            let mut count = 0;
            for event in events.iter() {
                count += 1;
                let Some(Some(member)) = members.get_mut(event.token().0) else { continue };
                receiver.drain(member.connection.socket.as_raw_fd(), |bytes, wall_ns| {
                    member.handle(bytes, (now, wall_ns), *listening, delays);
                });
            }
            if count < EVENTS {
                return;
            }
        }
    }

    fn take_turn(&mut self, now: Instant) {
        let due = self.members.iter_mut().skip(self.turn).step_by(self.turns);
        due.flatten().for_each(|member| member.upkeep(now));
        self.turn = (self.turn + 1) % self.turns;
    }
}

fn stay_on(core: usize) -> nix::Result<()> {
    let mut only = CpuSet::new();
    only.set(core)?;
    sched_setaffinity(Pid::from_raw(0), &only)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, UdpSocket};

    #[test]
    fn what_a_member_does_not_read_in_time_is_counted() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let ice = || IceParameters { username_fragment: "u".into(), password: "p".into(), ice_lite: false };
        let there = Server {
            address: server.local_addr().expect("it is bound"),
            ice: ice(),
            fingerprints: Vec::new(),
            member_is_client: true,
        };
        let (now, identity) = (Instant::now(), Identity::generate().expect("a certificate"));
        let member = Member::new(Connection::new(&identity, ice(), there, now).expect("a socket"), now);
        let members = vec![member.report()];
        let port = members[0].port;
        let snapshot = Snapshot { at: now, members, delays: Delays::default(), cpu: Duration::ZERO };
        assert_eq!(snapshot.socket_drops(), 0);
        let mut sent = 0;
        while snapshot.socket_drops() == 0 {
            assert!(sent < 64_000, "a socket takes no end of them");
            for _ in 0..1_000 {
                server.send_to(&[0; 1_000], (Ipv4Addr::LOCALHOST, port)).expect("loopback takes it");
            }
            sent += 1_000;
        }
    }
}
