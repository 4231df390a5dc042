//! A meeting in one engine: publishers and viewers behind links, on a virtual clock. The same seed gives the same run.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plenum_sfu::engine::router::held::Progress;
use plenum_sfu::engine::transport::{DtlsCertificate, LocalIndex};
use plenum_sfu::engine::{Candidate, Engine, EngineConfig, limits::Limits};
use plenum_shared::command::{Reply, Response, RoomCommand};
use plenum_shared::id::{
    ConsumerId, DataConsumerId, DataProducerId, ProducerId, RoomId, SessionId, TransportId,
};
use plenum_shared::media::{Direction, Kind, Source};
use plenum_shared::rtp::router_capabilities;
use uuid::Uuid;

use crate::client::Client;
use crate::link::{Fate, HEADERS_LEN, Link, LinkSettings};
use crate::meeting::{LinkId, Meeting, Path};
use crate::publisher::{LayerSettings, Publisher};
use crate::random::Random;
use crate::record::{Record, SAMPLE_INTERVAL, Sample};
use crate::sctp_client::SctpClient;
use crate::transfer::{self, Transfer};
use crate::viewer::Viewer;

const LOCAL: LocalIndex = LocalIndex(0);
/// Ports tell who is who: the place in the list is added.
const PUBLISHERS_FROM: u16 = 20_000;
/// See [`PUBLISHERS_FROM`].
const VIEWERS_FROM: u16 = 30_000;

/// Who a datagram is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Party {
    /// From this address.
    Engine(SocketAddr),
    Publisher(usize),
    Viewer(usize),
}

/// What went into somebody's way since it was last looked at.
#[derive(Debug, Default, Clone, Copy)]
struct Traffic {
    packets: u64,
    bytes: usize,
    lost: u64,
}

pub struct World {
    pub now: Instant,
    pub start: Instant,
    pub engine: Engine,
    pub publishers: Vec<(Publisher, Path)>,
    pub viewers: Vec<(Viewer, Path)>,
    pub links: Vec<Link<(Party, Vec<u8>)>>,
    pub records: Vec<Record>,
    /// A file on its way.
    pub transfer: Option<Transfer>,
    takes_redundancy: bool,
    /// Of publishers.
    transports: Vec<TransportId>,
    seed: u64,
    room: RoomId,
    ids: u128,
    sample_at: Instant,
    sent: Vec<Traffic>,
}

impl Meeting for World {
    fn link(&mut self, settings: LinkSettings) -> LinkId {
        let random = Random::new(self.seed, 1000 + self.links.len() as u64);
        self.links.push(Link::new(settings, self.start, random));
        self.links.len() - 1
    }

    fn take_redundancy(&mut self) {
        self.takes_redundancy = true;
    }

    fn publisher(&mut self, path: Path, layers: &[LayerSettings], speaks: bool) {
        let (client, transport) =
            self.connect(Direction::Send, PUBLISHERS_FROM + self.publishers.len() as u16);
        let random = Random::new(self.seed, 1 + self.publishers.len() as u64);
        let mut publisher = Publisher::new(self.now, client, layers, random);
        if !layers.is_empty() {
            let parameters = publisher.camera_parameters();
            publisher.camera = Some(self.produce(transport, Kind::Video, Source::Camera, parameters));
        }
        if speaks {
            let parameters = publisher.microphone_parameters();
            publisher.microphone = Some(self.produce(transport, Kind::Audio, Source::Microphone, parameters));
        }
        self.publishers.push((publisher, path));
        self.transports.push(transport);
    }

    fn viewer(&mut self, path: Path) {
        let (client, transport) = self.connect(Direction::Recv, VIEWERS_FROM + self.viewers.len() as u16);
        let mut viewer = Viewer::new(self.now, client, transport);
        let producers =
            self.publishers.iter().flat_map(|(publisher, _)| [publisher.microphone, publisher.camera]);
        let mut rtp_capabilities = router_capabilities();
        rtp_capabilities.codecs.retain(|codec| self.takes_redundancy || codec.mime_type != "audio/red");
        for producer in producers.flatten().collect::<Vec<_>>() {
            let consumer = ConsumerId(self.id());
            let consumed = self.command(RoomCommand::Consume {
                transport: viewer.transport,
                consumer,
                producer,
                rtp_capabilities: rtp_capabilities.clone(),
                paused: false,
            });
            let Ok(Reply::Consumed { kind, rtp_parameters, .. }) = consumed else { panic!("{consumed:?}") };
            viewer.expect(kind, &rtp_parameters);
        }
        self.viewers.push((viewer, path));
        self.sent.push(Traffic::default());
        self.records.push(Record::default());
    }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let now = Instant::now();
        let config = EngineConfig {
            certificate: Arc::new(DtlsCertificate::generate().unwrap()),
            candidates: vec![Candidate {
                local: LOCAL,
                announced: SocketAddr::from(([192, 0, 2, 1], 40_000)),
            }],
            seed: [seed as u8; 32],
            limits: Limits::default(),
        };
        let mut world = World {
            now,
            start: now,
            engine: Engine::new(config, now),
            publishers: Vec::new(),
            viewers: Vec::new(),
            links: Vec::new(),
            records: Vec::new(),
            transfer: None,
            takes_redundancy: false,
            transports: Vec::new(),
            seed,
            room: RoomId(Uuid::from_u128(1)),
            ids: 1,
            sample_at: now + SAMPLE_INTERVAL,
            sent: Vec::new(),
        };
        world.command(RoomCommand::Create).unwrap();
        world
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.deliver();
            if self.engine.poll_timeout().is_some_and(|at| at <= self.now) {
                self.engine.handle_timeout(self.now);
                self.flush();
            }
            self.everybody_acts();
            if self.sample_at <= self.now {
                self.sample();
            }
            match self.next_moment() {
                next if next <= end => self.now = next.max(self.now + Duration::from_micros(1)),
                _ => break,
            }
        }
        self.now = end;
        for ((viewer, _), record) in self.viewers.iter_mut().zip(&mut self.records) {
            viewer.pictures.iter_mut().for_each(|picture| picture.film.finish(end));
            record.finish(self.start, end, viewer);
        }
    }

    /// The first publisher hands something to the first viewer, in messages that are acknowledged by other ways.
    pub fn hand_over_file(&mut self, transfer: Transfer) {
        let (producer, consumer) = (DataProducerId(self.id()), DataConsumerId(self.id()));
        let (from, to) = (self.transports[0], self.viewers[0].0.transport);
        self.command(RoomCommand::ProduceData { transport: from, producer, stream: transfer::STREAM })
            .unwrap();
        self.command(RoomCommand::ConsumeData { transport: to, consumer, producer }).unwrap();
        self.publishers[0].0.client.data = Some(SctpClient::new());
        self.viewers[0].0.client.data = Some(SctpClient::new());
        self.transfer = Some(transfer);
    }

    fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids)
    }

    fn command(&mut self, command: RoomCommand) -> Response {
        self.engine.handle_command(self.now, self.room, command)
    }

    fn produce(
        &mut self,
        transport: TransportId,
        kind: Kind,
        source: Source,
        parameters: serde_json::Value,
    ) -> ProducerId {
        let producer = ProducerId(self.id());
        let rtp_parameters = serde_json::from_value(parameters).unwrap();
        self.command(RoomCommand::Produce {
            transport,
            producer,
            kind,
            source,
            rtp_parameters,
            paused: false,
        })
        .unwrap();
        producer
    }

    /// A connected transport of a new session. It takes no time, and no link.
    fn connect(&mut self, direction: Direction, port: u16) -> (Client, TransportId) {
        let (session, transport) = (SessionId(self.id()), TransportId(self.id()));
        let created = self.command(RoomCommand::CreateTransport { session, transport, direction });
        let Ok(Reply::TransportCreated { ice, .. }) = created else { panic!("{created:?}") };
        let address = SocketAddr::from(([198, 51, 100, 9], port));
        let mut client = Client::new(self.now, address, &ice);
        self.command(RoomCommand::ConnectTransport { transport, dtls: client.dtls_parameters() }).unwrap();
        let mut to_engine = vec![client.check()];
        to_engine.extend(client.start_dtls(self.now));
        while !to_engine.is_empty() {
            for mut datagram in std::mem::take(&mut to_engine) {
                self.engine.handle_datagram(self.now, LOCAL, address, &mut datagram);
                assert_eq!(self.engine.end_batch(self.now), Progress::Done);
            }
            for message in self.engine.egress().messages().filter(|message| message.remote == address) {
                if (20..=63).contains(&message.bytes[0]) {
                    to_engine.extend(client.handle_dtls(self.now, message.bytes));
                }
            }
            self.engine.egress().clear();
        }
        assert!(client.is_connected(), "the handshake is done");
        (client, transport)
    }

    /// Everything that has arrived by now, in the order of arrival.
    fn deliver(&mut self) {
        loop {
            let arrivals =
                self.links.iter().enumerate().filter_map(|(id, link)| Some((link.next_arrival()?, id)));
            let Some((_, id)) = arrivals.min().filter(|(at, _)| *at <= self.now) else { return };
            let Some((_, (party, bytes))) = self.links[id].receive(self.now) else { return };
            self.hand_over(party, bytes);
        }
    }

    fn hand_over(&mut self, party: Party, mut bytes: Vec<u8>) {
        match party {
            Party::Viewer(index) => self.viewers[index].0.handle(self.now, bytes),
            Party::Publisher(index) => {
                let mut out = Vec::new();
                let (publisher, path) = &mut self.publishers[index];
                publisher.handle(self.now, bytes, &mut out);
                let (address, up) = (publisher.client.address, path.up);
                self.send_up(up, address, out);
            }
            Party::Engine(from) => {
                self.engine.handle_datagram(self.now, LOCAL, from, &mut bytes);
                assert_eq!(self.engine.end_batch(self.now), Progress::Done);
                self.flush();
            }
        }
    }

    fn everybody_acts(&mut self) {
        let mut out = Vec::new();
        if let Some(transfer) = &mut self.transfer {
            transfer.act(self.now, &mut self.publishers[0].0.client, &self.viewers[0].0.client);
        }
        for index in 0..self.publishers.len() {
            let (publisher, path) = &mut self.publishers[index];
            let (address, up) = (publisher.client.address, path.up);
            publisher.poll(self.now, &mut out);
            self.send_up(up, address, std::mem::take(&mut out));
        }
        for index in 0..self.viewers.len() {
            let (viewer, path) = &mut self.viewers[index];
            let (address, up) = (viewer.client.address, path.up);
            viewer.poll(self.now, &mut out);
            self.send_up(up, address, std::mem::take(&mut out));
        }
    }

    fn send_up(&mut self, up: LinkId, from: SocketAddr, datagrams: Vec<Vec<u8>>) {
        for bytes in datagrams {
            self.links[up].offer(self.now, bytes.len(), (Party::Engine(from), bytes));
        }
    }

    /// What a driver does after every call.
    fn flush(&mut self) {
        while self.engine.poll_event().is_some() {}
        let mut leaving = Vec::new();
        for message in self.engine.egress().messages() {
            let size = message.segment_size.map_or(message.bytes.len(), usize::from);
            leaving.extend(message.bytes.chunks(size).map(|bytes| (message.remote, bytes.to_vec())));
        }
        self.engine.egress().clear();
        for (remote, bytes) in leaving {
            let index = usize::from(remote.port() % 10_000);
            let is_viewer = remote.port() >= VIEWERS_FROM;
            let (party, down) = match is_viewer {
                true => (Party::Viewer(index), self.viewers[index].1.down),
                false => (Party::Publisher(index), self.publishers[index].1.down),
            };
            let len = bytes.len();
            let fate = self.links[down].offer(self.now, len, (party, bytes));
            if is_viewer {
                let traffic = &mut self.sent[index];
                traffic.packets += 1;
                traffic.bytes += len + HEADERS_LEN;
                traffic.lost += u64::from(fate != Fate::Carried);
            }
        }
    }

    fn next_moment(&self) -> Instant {
        let links = self.links.iter().filter_map(Link::next_arrival);
        let publishers = self.publishers.iter().map(|(publisher, _)| publisher.poll_timeout());
        let viewers = self.viewers.iter().map(|(viewer, _)| viewer.poll_timeout());
        let people = publishers.chain(viewers).chain(links);
        people.chain(self.engine.poll_timeout()).fold(self.sample_at, Instant::min)
    }

    fn sample(&mut self) {
        self.sample_at += SAMPLE_INTERVAL;
        let offered: u64 = self.publishers.iter().map(|(publisher, _)| publisher.offered()).sum();
        for (index, (viewer, path)) in self.viewers.iter_mut().enumerate() {
            let sending = self.engine.sending(viewer.transport).expect("a viewer that stays");
            let traffic = std::mem::take(&mut self.sent[index]);
            let ways = std::mem::take(&mut viewer.ways);
            let kbps = |bytes: usize| bytes as f64 * 8.0 / SAMPLE_INTERVAL.as_secs_f64() / 1000.0;
            let film = viewer.pictures.first().map(|picture| &picture.film);
            self.records[index].samples.push(Sample {
                at: (self.now - self.start).as_secs_f64(),
                offered: Some(offered as f64 / 1000.0),
                link: self.links[path.down].rate(self.now).map(|rate| rate as f64 / 1000.0),
                estimate: Some(sending.estimate.0 as f64 / 1000.0),
                sent: kbps(traffic.bytes),
                received: kbps(std::mem::take(&mut viewer.received_bytes)),
                layers: sending.layers.iter().map(|(_, layer)| layer.map(|layer| layer.spatial)).collect(),
                shown: film.and_then(|film| film.layer),
                lost: traffic.lost,
                packets: traffic.packets,
                delay: ways.iter().max().map(|way| way.as_secs_f64() * 1000.0),
            });
        }
    }
}
