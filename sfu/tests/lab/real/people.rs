//! The people of the virtual laboratory in real time: each with a socket of their own beyond the wire, in a room of a real
//! node on the near side. Only who sends what and who shows what is a model; sockets, node and clock are real.

use std::io::ErrorKind;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use plenum_loadtest::signal::Session;
use plenum_shared::id::{ProducerId, TransportId};
use plenum_shared::media::{Direction, Kind, Source};
use plenum_shared::rtp::router_capabilities;

use super::lateness::Lateness;
use super::namespace::Namespace;
use super::node::{Connected, Server};
use super::node_says::NodeSays;
use super::wire::{Course, Passed, Wire};
use crate::link::LinkSettings;
use crate::meeting::{LinkId, Meeting, Path};
use crate::publisher::{LayerSettings, Publisher};
use crate::random::Random;
use crate::record::{Record, SAMPLE_INTERVAL, Sample};
use crate::viewer::Viewer;

const DATAGRAM_MAX: usize = 2048;

/// Who comes, on which links. Everybody is connected before anything is limited.
#[derive(Default)]
pub struct People {
    links: Vec<LinkSettings>,
    publishers: Vec<(Path, Vec<LayerSettings>, bool)>,
    viewers: Vec<Path>,
    takes_redundancy: bool,
}

impl Meeting for People {
    fn link(&mut self, settings: LinkSettings) -> LinkId {
        self.links.push(settings);
        self.links.len() - 1
    }

    fn take_redundancy(&mut self) {
        self.takes_redundancy = true;
    }

    fn publisher(&mut self, path: Path, layers: &[LayerSettings], speaks: bool) {
        self.publishers.push((path, layers.to_vec(), speaks));
    }

    fn viewer(&mut self, path: Path) {
        self.viewers.push(path);
    }
}

impl People {
    /// Meets for so long, and returns what each viewer got, and how long they waited for the processor.
    pub fn meet(&self, seed: u64, time: Duration) -> (Vec<Record>, Lateness) {
        let sides = [Namespace::new("near"), Namespace::new("far")];
        let wire = Wire::new(&sides[0], &sides[1], seed);
        // The node and the ends of its link live where this thread does, and all that it starts.
        sides[0].within(|| {
            let server = Server::start(&sides[1]);
            let running = Running::start(self, &server, &wire, seed);
            let (mut records, lateness) = running.run(time);
            server.close();
            let ended = wire.end();
            for (record, passed) in records.iter_mut().zip(&ended.passed[self.publishers.len()..]) {
                add(record, passed);
            }
            (records, lateness.or_worse(ended.lateness))
        })
    }
}

struct Running {
    start: Instant,
    publishers: Vec<(Publisher, UdpSocket)>,
    viewers: Vec<(Viewer, UdpSocket)>,
    /// Of each viewer.
    node_says: Vec<NodeSays>,
    records: Vec<Record>,
    sample_at: Instant,
}

impl Running {
    /// Time begins when everybody is connected.
    fn start(people: &People, server: &Server<'_>, wire: &Wire, seed: u64) -> Self {
        let connect = |direction| move |host| server.connect(direction, host);
        let hosts = people.publishers.len();
        let publishing: Vec<_> = (0..hosts).map(connect(Direction::Send)).collect();
        let watching: Vec<_> = (hosts..hosts + people.viewers.len()).map(connect(Direction::Recv)).collect();

        let start = Instant::now();
        let paths = people.publishers.iter().map(|(path, ..)| *path).chain(people.viewers.iter().copied());
        wire.begin(Course { start, links: people.links.clone(), hosts: paths.collect() });
        let mut published = Vec::new();
        let mut publishers = Vec::new();
        for (connected, (_, layers, speaks)) in publishing.into_iter().zip(&people.publishers) {
            let Connected { client, socket, session, transport } = connected;
            let random = Random::new(seed, 1 + publishers.len() as u64);
            let mut publisher = Publisher::new(start, client, layers, random);
            let by = (&session, transport);
            let camera = server.produce(by, (Kind::Video, Source::Camera), publisher.camera_parameters());
            publisher.camera = Some(ProducerId(camera.producer));
            if *speaks {
                let what = (Kind::Audio, Source::Microphone);
                let microphone = server.produce(by, what, publisher.microphone_parameters());
                publisher.microphone = Some(ProducerId(microphone.producer));
                published.push(microphone);
            }
            published.push(camera);
            publishers.push((publisher, socket));
        }
        let mut capabilities = router_capabilities();
        capabilities.codecs.retain(|codec| people.takes_redundancy || codec.mime_type != "audio/red");
        let (mut viewers, mut node_says) = (Vec::new(), Vec::new());
        for Connected { client, socket, session, transport } in watching {
            let mut viewer = Viewer::new(start, client, TransportId(transport));
            let mut pictures = Vec::new();
            for producer in &published {
                let consumed = session.consume(transport, producer, &capabilities);
                let consumed = server.runtime.block_on(consumed).unwrap();
                viewer.expect(consumed.kind, &consumed.rtp_parameters);
                server.runtime.block_on(session.resume(consumed.consumer_id)).unwrap();
                if consumed.kind == Kind::Video {
                    pictures.push(consumed.consumer_id);
                }
            }
            let Session::Node(session) = session else { unreachable!("a node's session") };
            node_says.push(NodeSays::of(&server.runtime, session, pictures));
            viewers.push((viewer, socket));
        }
        let records = vec![Record::default(); viewers.len()];
        Running { start, publishers, viewers, node_says, records, sample_at: start + SAMPLE_INTERVAL }
    }

    fn run(mut self, time: Duration) -> (Vec<Record>, Lateness) {
        let end = self.start + time;
        let mut lateness = Lateness::default();
        while Instant::now() < end {
            self.receive();
            self.everybody_acts();
            let now = Instant::now();
            while now >= self.sample_at {
                self.sample();
            }
            let due = self.next_moment();
            self.wait(due);
            lateness.note(Instant::now().saturating_duration_since(due));
        }
        for ((viewer, _), record) in self.viewers.iter_mut().zip(&mut self.records) {
            viewer.pictures.iter_mut().for_each(|picture| picture.film.finish(end));
            record.finish(self.start, end, viewer);
        }
        for (node_says, record) in self.node_says.iter().zip(&mut self.records) {
            node_says.add_to(record, self.start);
        }
        (self.records, lateness)
    }

    fn receive(&mut self) {
        let mut out = Vec::new();
        for (publisher, socket) in &mut self.publishers {
            while let Some(datagram) = receive(socket) {
                publisher.handle(Instant::now(), datagram, &mut out);
            }
            send(socket, &mut out);
        }
        for (viewer, socket) in &mut self.viewers {
            while let Some(datagram) = receive(socket) {
                viewer.handle(Instant::now(), datagram);
            }
        }
    }

    fn everybody_acts(&mut self) {
        let mut out = Vec::new();
        for (publisher, socket) in &mut self.publishers {
            publisher.poll(Instant::now(), &mut out);
            send(socket, &mut out);
        }
        for (viewer, socket) in &mut self.viewers {
            viewer.poll(Instant::now(), &mut out);
            send(socket, &mut out);
        }
    }

    fn next_moment(&self) -> Instant {
        let publishers = self.publishers.iter().map(|(publisher, _)| publisher.poll_timeout());
        let viewers = self.viewers.iter().map(|(viewer, _)| viewer.poll_timeout());
        publishers.chain(viewers).fold(self.sample_at, Instant::min)
    }

    /// Until then, or until something comes.
    fn wait(&self, until: Instant) {
        let publishers = self.publishers.iter().map(|(_, socket)| socket);
        let sockets = publishers.chain(self.viewers.iter().map(|(_, socket)| socket));
        let mut descriptors: Vec<_> =
            sockets.map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
        let left = until.saturating_duration_since(Instant::now()).as_micros().div_ceil(1000);
        let _ = poll(&mut descriptors, PollTimeout::from(left as u8));
    }

    fn sample(&mut self) {
        let at = (self.sample_at - self.start).as_secs_f64();
        self.sample_at += SAMPLE_INTERVAL;
        let offered: u64 = self.publishers.iter().map(|(publisher, _)| publisher.offered()).sum();
        for ((viewer, _), record) in self.viewers.iter_mut().zip(&mut self.records) {
            let ways = std::mem::take(&mut viewer.ways);
            let films = || viewer.pictures.iter().map(|picture| &picture.film);
            record.samples.push(Sample {
                at,
                offered: Some(offered as f64 / 1000.0),
                link: None,
                estimate: None,
                sent: 0.0,
                received: kbps(viewer.received_bytes),
                layers: vec![None; viewer.pictures.len()],
                shown: films().next().and_then(|film| film.layer),
                packets: 0,
                lost: 0,
                delay: ways.iter().max().map(|way| way.as_secs_f64() * 1000.0),
            });
            viewer.received_bytes = 0;
        }
    }
}

/// What the wire saw belongs into the same tenths of a second.
fn add(record: &mut Record, passed: &[Passed]) {
    for (sample, passed) in record.samples.iter_mut().zip(passed) {
        sample.link = passed.rate.map(|rate| rate as f64 / 1000.0);
        sample.sent = kbps(passed.bytes);
        sample.packets = passed.packets;
        sample.lost = passed.lost;
    }
}

fn kbps(bytes: usize) -> f64 {
    bytes as f64 * 8.0 / SAMPLE_INTERVAL.as_secs_f64() / 1000.0
}

fn receive(socket: &UdpSocket) -> Option<Vec<u8>> {
    let mut datagram = [0; DATAGRAM_MAX];
    match socket.recv(&mut datagram) {
        Ok(len) => Some(datagram[..len].to_vec()),
        Err(error) if error.kind() == ErrorKind::WouldBlock => None,
        Err(error) => panic!("a socket of ours: {error}"),
    }
}

/// What the kernel has no room for is lost, as on any network.
pub fn send(socket: &UdpSocket, out: &mut Vec<Vec<u8>>) {
    out.drain(..).for_each(|datagram| drop(socket.send(&datagram)));
}
