//! Two network namespaces of our own, and between them a wire that is a link of the laboratory in real time: what enters
//! a TUN device on one side leaves by that of the other when the link says so.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sched::{CloneFlags, setns};

use crate::link::{Fate, HEADERS_LEN, Link, LinkSettings};
use crate::random::Random;
use crate::record::SAMPLE_INTERVAL;

const PACKET_MAX: usize = 1500;

/// A namespace that is gone when this is.
pub struct Namespace {
    pub name: String,
}

impl Namespace {
    pub fn new(side: &str) -> Self {
        let namespace = Namespace { name: format!("plenum-{side}-{}", std::process::id()) };
        run(&["netns", "add", &namespace.name]);
        run(&["-n", &namespace.name, "link", "set", "lo", "up"]);
        namespace
    }

    /// A program inside.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.name)).arg("--").arg(program);
        command
    }

    /// A TUN device inside with this address; everything else of its /30 is beyond it.
    fn device(&self, address: &str) -> File {
        let name = self.name.clone();
        // A thread enters the namespace and ends there; the device stays where it was made.
        let device = std::thread::spawn(move || {
            let namespace = File::open(format!("/run/netns/{name}")).unwrap();
            setns(namespace, CloneFlags::CLONE_NEWNET).expect("entering a namespace needs root");
            open_tun("lab0")
        });
        let device = device.join().unwrap();
        run(&["-n", &self.name, "addr", "add", address, "dev", "lab0"]);
        run(&["-n", &self.name, "link", "set", "lab0", "up"]);
        device
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

fn run(arguments: &[&str]) {
    let status = Command::new("ip").args(arguments).status().expect("ip of iproute2");
    assert!(status.success(), "ip {}", arguments.join(" "));
}

#[repr(C)]
struct InterfaceRequest {
    name: [u8; libc::IFNAMSIZ],
    flags: libc::c_short,
    rest: [u8; 22],
}

fn open_tun(name: &str) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).custom_flags(libc::O_NONBLOCK);
    let device = options.open("/dev/net/tun").expect("the kernel has TUN devices");
    let flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    let mut request = InterfaceRequest { name: [0; libc::IFNAMSIZ], flags, rest: [0; 22] };
    request.name[..name.len()].copy_from_slice(name.as_bytes());
    #[allow(
        unsafe_code,
        reason = "the kernel makes TUN devices by ioctl, and reads a request of this layout"
    )]
    let made = unsafe { libc::ioctl(device.as_raw_fd(), libc::TUNSETIFF, &raw mut request) };
    assert_eq!(made, 0, "TUNSETIFF: {}", std::io::Error::last_os_error());
    device
}

/// A tenth of a second of the way down.
#[derive(Debug, Clone, Copy)]
pub struct Passed {
    /// The end of it.
    pub at: Instant,
    pub bytes: usize,
    pub packets: u64,
    pub lost: u64,
    /// What the link lets through, in bits per second.
    pub rate: Option<u64>,
    /// The longest that a packet was on the link.
    pub longest: Option<Duration>,
}

/// The wire between two namespaces, forwarded by a thread until this is dropped.
pub struct Wire {
    stop: Arc<AtomicBool>,
    settings: mpsc::Sender<LinkSettings>,
    thread: Option<JoinHandle<Vec<Passed>>>,
}

impl Wire {
    /// `near` gets 10.99.0.1, `far` 10.99.0.2. Nothing is limited until [`Wire::begin`].
    pub fn new(near: &Namespace, far: &Namespace, seed: u64) -> Self {
        let devices = [near.device("10.99.0.1/30"), far.device("10.99.0.2/30")];
        let stop = Arc::new(AtomicBool::new(false));
        let (settings, changes) = mpsc::channel();
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || Forwarder::new(devices, seed).run(&stopped, &changes));
        Wire { stop, settings, thread: Some(thread) }
    }

    /// Time begins for the way down, near to far. The way up takes the same delay.
    pub fn begin(&self, down: LinkSettings) {
        self.settings.send(down).expect("the forwarder runs");
    }

    /// What passed on the way down since it began.
    pub fn end(mut self) -> Vec<Passed> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().expect("ended once").join().expect("a forwarder without faults")
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

type Packet = (Instant, Vec<u8>);

struct Forwarder {
    devices: [File; 2],
    seed: u64,
    /// Down, up.
    links: [Link<Packet>; 2],
    begun: bool,
    passed: Vec<Passed>,
    current: Passed,
}

impl Forwarder {
    fn new(devices: [File; 2], seed: u64) -> Self {
        let now = Instant::now();
        let free = || Link::new(LinkSettings::default(), now, Random::new(seed, 0));
        let current = Passed { at: now, bytes: 0, packets: 0, lost: 0, rate: None, longest: None };
        Forwarder { devices, seed, links: [free(), free()], begun: false, passed: Vec::new(), current }
    }

    fn run(mut self, stop: &AtomicBool, changes: &mpsc::Receiver<LinkSettings>) -> Vec<Passed> {
        while !stop.load(Ordering::Relaxed) {
            self.wait();
            if let Ok(settings) = changes.try_recv() {
                self.begin(settings);
            }
            let now = Instant::now();
            self.take(now);
            self.deliver(now);
            if self.begun && now >= self.current.at {
                self.sample(now);
            }
        }
        self.passed
    }

    fn begin(&mut self, down: LinkSettings) {
        let now = Instant::now();
        let up = LinkSettings { delay: down.delay, dead: down.dead.clone(), ..LinkSettings::default() };
        self.links =
            [Link::new(down, now, Random::new(self.seed, 1)), Link::new(up, now, Random::new(self.seed, 2))];
        self.begun = true;
        self.current.at = now + SAMPLE_INTERVAL;
    }

    /// Until a packet comes or one is due; a tick of 10 ms lets everything else be looked at.
    fn wait(&self) {
        let due = self.links.iter().filter_map(Link::next_arrival).min();
        let left = due.map_or(10, |at| at.saturating_duration_since(Instant::now()).as_millis().min(10));
        let mut descriptors =
            self.devices.each_ref().map(|device| PollFd::new(device.as_fd(), PollFlags::POLLIN));
        let _ = poll(&mut descriptors, PollTimeout::from(left as u8));
    }

    fn take(&mut self, now: Instant) {
        let mut packet = [0; PACKET_MAX];
        for side in [0, 1] {
            loop {
                let len = match self.devices[side].read(&mut packet) {
                    Ok(len) => len,
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                    Err(error) => panic!("TUN device: {error}"),
                };
                let bytes = packet[..len].to_vec();
                let fate = self.links[side].offer(now, len.saturating_sub(HEADERS_LEN), (now, bytes));
                if side == 0 {
                    self.current.bytes += len;
                    self.current.packets += 1;
                    self.current.lost += u64::from(fate != Fate::Carried);
                }
            }
        }
    }

    fn deliver(&mut self, now: Instant) {
        for side in [0, 1] {
            while let Some((at, (offered, bytes))) = self.links[side].receive(now) {
                if side == 0 {
                    self.current.longest = self.current.longest.max(Some(at - offered));
                }
                // A device whose queue is full loses it, as any other would.
                let _ = self.devices[1 - side].write(&bytes);
            }
        }
    }

    fn sample(&mut self, now: Instant) {
        self.current.rate = self.links[0].rate(now);
        self.passed.push(self.current);
        let at = self.current.at + SAMPLE_INTERVAL;
        self.current = Passed { at, bytes: 0, packets: 0, lost: 0, rate: None, longest: None };
    }
}
