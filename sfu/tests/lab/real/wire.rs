//! The wire between two namespaces, which is the links of the laboratory in real time: what enters a TUN device on one side
//! leaves by that of the other when the link says so. Several live on the far side, each on a path of its own or shared.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::lateness::Lateness;
use super::namespace::Namespace;
use crate::link::{Fate, HEADERS_LEN, Link, LinkSettings};
use crate::meeting::Path;
use crate::random::Random;
use crate::record::SAMPLE_INTERVAL;

const PACKET_MAX: usize = 1500;
/// Whatever is due, everything else is looked at so often.
const TICK: Duration = Duration::from_millis(10);

/// Where the near side is.
pub const NEAR: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);

/// Where those of the far side are, counted from 0.
pub fn far(host: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 99, 0, 2 + host as u8)
}

/// A tenth of a second of the way down to one host.
#[derive(Debug, Clone, Copy, Default)]
pub struct Passed {
    pub bytes: usize,
    pub packets: u64,
    pub lost: u64,
    /// What the link lets through, in bits per second.
    pub rate: Option<u64>,
    /// The longest that a packet was on the link.
    pub longest: Option<Duration>,
}

/// From when on which links are there, and which host is on which of them.
pub struct Course {
    pub start: Instant,
    pub links: Vec<LinkSettings>,
    pub hosts: Vec<Path>,
}

/// What there is to say of a course that was run.
pub struct Ended {
    /// What was sent to each host since it began, in steps of [`SAMPLE_INTERVAL`].
    pub passed: Vec<Vec<Passed>>,
    /// How long the wire waited for the processor.
    pub lateness: Lateness,
}

/// Forwarded by a thread until this is dropped.
pub struct Wire {
    stop: Arc<AtomicBool>,
    courses: mpsc::SyncSender<Course>,
    thread: Option<JoinHandle<Ended>>,
}

impl Wire {
    /// Nothing is limited until [`Wire::begin`].
    pub fn new(near: &Namespace, far: &Namespace, seed: u64) -> Self {
        let devices = [near.device(), far.device()];
        near.address(NEAR);
        let stop = Arc::new(AtomicBool::new(false));
        let (courses, begins) = mpsc::sync_channel(0);
        let stopped = Arc::clone(&stop);
        let forwarder = Forwarder { devices, seed, course: None };
        let thread = std::thread::spawn(move || forwarder.run(&stopped, &begins));
        Wire { stop, courses, thread: Some(thread) }
    }

    /// Time begins. From the return on, whatever is sent takes these links.
    pub fn begin(&self, course: Course) {
        self.courses.send(course).expect("the forwarder runs");
    }

    pub fn end(mut self) -> Ended {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.take().expect("ended once").join().expect("a forwarder without faults")
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Down,
    Up,
}

struct Packet {
    offered: Instant,
    way: Way,
    host: usize,
    bytes: Vec<u8>,
}

struct Forwarder {
    /// Near, far.
    devices: [File; 2],
    seed: u64,
    course: Option<Running>,
}

/// A course under way.
struct Running {
    links: Vec<Link<Packet>>,
    hosts: Vec<Host>,
    sample_at: Instant,
}

struct Host {
    path: Path,
    passed: Vec<Passed>,
    current: Passed,
}

impl Forwarder {
    fn run(mut self, stop: &AtomicBool, begins: &mpsc::Receiver<Course>) -> Ended {
        let mut lateness = Lateness::default();
        while !stop.load(Ordering::Relaxed) {
            let due = self.wait();
            if self.course.is_some() {
                lateness.note(due.elapsed());
            }
            if let Ok(course) = begins.try_recv() {
                self.course = Some(Running::new(course, self.seed));
            }
            self.take(Way::Down);
            self.take(Way::Up);
            if let Some(running) = &mut self.course {
                let now = Instant::now();
                running.deliver(now, &self.devices);
                running.sample(now);
            }
        }
        let hosts = self.course.into_iter().flat_map(|running| running.hosts);
        Ended { passed: hosts.map(|host| host.passed).collect(), lateness }
    }

    /// Until a packet comes or one is due; returns when that was to be.
    fn wait(&self) -> Instant {
        let arrivals = self.course.iter().flat_map(|running| &running.links).filter_map(Link::next_arrival);
        let now = Instant::now();
        let left = arrivals.min().map_or(TICK, |at| at.saturating_duration_since(now).min(TICK));
        let millis = left.as_micros().div_ceil(1000) as u8;
        let mut descriptors =
            self.devices.each_ref().map(|device| PollFd::new(device.as_fd(), PollFlags::POLLIN));
        let _ = poll(&mut descriptors, PollTimeout::from(millis));
        now + Duration::from_millis(millis.into())
    }

    /// Everything that waits to go this way.
    fn take(&mut self, way: Way) {
        let mut packet = [0; PACKET_MAX];
        loop {
            let len = match (&self.devices[way as usize]).read(&mut packet) {
                Ok(len) => len,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("TUN device: {error}"),
            };
            let bytes = &packet[..len];
            // Devices say hello by IPv6 now and then.
            let Some(host) = host(way, bytes) else { continue };
            match &mut self.course {
                Some(running) if host < running.hosts.len() => running.offer(way, host, bytes),
                _ => write(&self.devices[1 - way as usize], bytes),
            }
        }
    }
}

impl Running {
    fn new(course: Course, seed: u64) -> Self {
        let start = course.start;
        let link = |(id, settings)| Link::new(settings, start, Random::new(seed, 1000 + id as u64));
        let host = |path| Host { path, passed: Vec::new(), current: Passed::default() };
        Running {
            links: course.links.into_iter().enumerate().map(link).collect(),
            hosts: course.hosts.into_iter().map(host).collect(),
            sample_at: start + SAMPLE_INTERVAL,
        }
    }

    fn offer(&mut self, way: Way, host: usize, bytes: &[u8]) {
        let now = Instant::now();
        let Host { path, current, .. } = &mut self.hosts[host];
        let link = if way == Way::Down { path.down } else { path.up };
        let packet = Packet { offered: now, way, host, bytes: bytes.to_vec() };
        let fate = self.links[link].offer(now, bytes.len().saturating_sub(HEADERS_LEN), packet);
        if way == Way::Down {
            current.bytes += bytes.len();
            current.packets += 1;
            current.lost += u64::from(fate != Fate::Carried);
        }
    }

    fn deliver(&mut self, now: Instant, devices: &[File; 2]) {
        for link in &mut self.links {
            while let Some((at, packet)) = link.receive(now) {
                if packet.way == Way::Down {
                    let current = &mut self.hosts[packet.host].current;
                    current.longest = current.longest.max(Some(at - packet.offered));
                }
                write(&devices[1 - packet.way as usize], &packet.bytes);
            }
        }
    }

    fn sample(&mut self, now: Instant) {
        while now >= self.sample_at {
            for Host { path, passed, current } in &mut self.hosts {
                let current = std::mem::take(current);
                passed.push(Passed { rate: self.links[path.down].rate(self.sample_at), ..current });
            }
            self.sample_at += SAMPLE_INTERVAL;
        }
    }
}

/// Who of the far side an IPv4 packet is from or for.
fn host(way: Way, packet: &[u8]) -> Option<usize> {
    let last = if way == Way::Down { 19 } else { 15 };
    let is_ours = packet.first()? >> 4 == 4;
    packet.get(last).filter(|_| is_ours)?.checked_sub(2).map(usize::from)
}

/// A device whose queue is full loses it, as any other would.
fn write(mut device: &File, packet: &[u8]) {
    let _ = device.write(packet);
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};

    use super::super::{namespace::hindrance, warn};
    use super::*;

    const LEN: usize = 972;

    /// Two sockets with a wire between them.
    struct Two {
        wire: Wire,
        from: UdpSocket,
        to: UdpSocket,
        _sides: [Namespace; 2],
    }

    impl Two {
        fn new() -> Option<Self> {
            if let Some(hindrance) = hindrance() {
                warn("the wire", &format!("not run: {hindrance}"));
                return None;
            }
            let sides = [Namespace::new("near"), Namespace::new("far")];
            let wire = Wire::new(&sides[0], &sides[1], 1);
            sides[1].address(far(0));
            let from = sides[0].within(|| UdpSocket::bind((NEAR, 0)).unwrap());
            let to = sides[1].within(|| UdpSocket::bind((far(0), 0)).unwrap());
            setsockopt(&to, RcvBufForce, &(16 << 20)).unwrap();
            from.connect(to.local_addr().unwrap()).unwrap();
            Some(Two { wire, from, to, _sides: sides })
        }

        fn begin(&self, down: LinkSettings) {
            let (start, links) = (Instant::now(), vec![LinkSettings::default(), down]);
            self.wire.begin(Course { start, links, hosts: vec![Path { up: 0, down: 1 }] });
        }

        fn send(&self, count: usize) {
            (0..count).for_each(|_| assert_eq!(self.from.send(&[7; LEN]).unwrap(), LEN));
        }

        /// How many come until none comes for a second.
        fn receive(&self) -> u64 {
            self.to.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
            let mut datagram = [0; PACKET_MAX];
            std::iter::from_fn(|| self.to.recv(&mut datagram).ok()).count() as u64
        }
    }

    #[test]
    fn a_wire_loses_what_its_link_loses_and_counts_each_datagram_since_it_began() {
        let Some(two) = Two::new() else { return };
        two.send(500);
        assert_eq!(two.receive(), 500, "nothing is lost before it begins");
        two.begin(LinkSettings { loss: 0.05, ..LinkSettings::default() });
        two.send(4000);
        let came = two.receive();
        let passed = &two.wire.end().passed[0];
        let sum = |of: fn(&Passed) -> u64| passed.iter().map(of).sum::<u64>();
        let (packets, lost) = (sum(|passed| passed.packets), sum(|passed| passed.lost));
        assert_eq!((packets, came + lost), (4000, 4000));
        assert!((160..=240).contains(&lost), "{lost} of 4000 is not 5 %");
    }

    #[test]
    fn a_wire_takes_the_time_its_link_takes() {
        let Some(two) = Two::new() else { return };
        let (rate, delay) = (vec![(Duration::ZERO, 1_000_000)], Duration::from_millis(50));
        two.begin(LinkSettings { rate, delay, queue: Duration::from_secs(2), ..LinkSettings::default() });
        let sent_at = Instant::now();
        two.send(100);
        two.to.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        (0..100).for_each(|_| assert_eq!(two.to.recv(&mut [0; PACKET_MAX]).unwrap(), LEN));
        // A hundred times 8000 bits with their headers.
        let took = sent_at.elapsed();
        assert!(took >= Duration::from_millis(850), "{took:?}");
    }
}
