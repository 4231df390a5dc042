//! A meeting in one engine: people with browsers (str0m) behind an emulated network, on a virtual clock. The same seed
//! tells the same story, but for the DTLS keys.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plenum_sfu::engine::router::held::Progress;
use plenum_sfu::engine::transport::{DtlsCertificate, LocalIndex};
use plenum_sfu::engine::{Candidate, Engine, EngineConfig, limits::Limits};
use plenum_shared::command::{Reply, Response, RoomCommand};
use plenum_shared::details::{SessionDetails, Traffic};
use plenum_shared::event::Event;
use plenum_shared::id::{ConsumerId, ProducerId, RoomId, SessionId, TransportId};
use plenum_shared::media::{Direction, Kind, Source};
use plenum_shared::rtp::{RtpParameters, router_capabilities};
use plenum_shared::transport::{DtlsParameters, IceParameters};
use str0m::media::{MediaKind, Mid};
use uuid::Uuid;

use crate::browser::{self, Browser};
use crate::camera::Camera;
use crate::network::{Datagram, Network};
use crate::peer::address;

const SERVER: &str = "198.51.100.1:40000";
const LOCAL: LocalIndex = LocalIndex(0);

/// Somebody in the meeting: a browser connection to send and one to receive, as mediasoup-client has them.
pub struct Person {
    pub session: SessionId,
    pub send: Connection,
    pub receive: Connection,
    pub camera: Option<Camera>,
}

pub struct Connection {
    pub transport: TransportId,
    pub address: SocketAddr,
    /// Gone once the tab is closed.
    pub browser: Option<Browser>,
}

/// A subscription, and where the person finds it.
#[derive(Debug, Clone, Copy)]
pub struct View {
    pub viewer: usize,
    pub consumer: ConsumerId,
    pub ssrc: u32,
}

/// A packet of a view as the application got it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub at: Instant,
    /// With wraps counted.
    pub sequence_number: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Vec<u8>,
}

pub struct Meeting {
    pub now: Instant,
    pub engine: Engine,
    pub network: Network,
    pub people: Vec<Person>,
    pub events: Vec<Event>,
    /// What reached the engine from each address, and what it sent there.
    pub wire: BTreeMap<SocketAddr, [Traffic; 2]>,
    room: RoomId,
    ids: u128,
}

impl Meeting {
    pub fn new(seed: u64) -> Self {
        Self::with(seed, Limits::default())
    }

    pub fn with(seed: u64, limits: Limits) -> Self {
        let now = Instant::now();
        let config = EngineConfig {
            certificate: Arc::new(DtlsCertificate::generate().unwrap()),
            candidates: vec![Candidate { local: LOCAL, announced: address(SERVER) }],
            seed: [seed as u8; 32],
            limits,
        };
        let engine = Engine::new(config, now);
        let room = RoomId(Uuid::from_u128(1));
        let (people, events, wire) = (Vec::new(), Vec::new(), BTreeMap::new());
        let network = Network::new(seed);
        let mut meeting = Meeting { now, engine, network, people, events, wire, room, ids: 1 };
        meeting.command(RoomCommand::Create).unwrap();
        meeting
    }

    pub fn command(&mut self, command: RoomCommand) -> Response {
        let response = self.engine.handle_command(self.now, self.room, command);
        self.flush();
        response
    }

    pub fn id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids)
    }

    /// Everything the engine knows of somebody.
    pub fn details(&mut self, person: usize) -> SessionDetails {
        let session = self.people[person].session;
        match self.command(RoomCommand::SessionDetails { session }) {
            Ok(Reply::SessionDetails(details)) => *details,
            other => panic!("{other:?}"),
        }
    }

    /// Somebody joins with both transports; the browsers connect with their first track.
    pub fn join(&mut self) -> usize {
        let session = SessionId(self.id());
        let number = self.people.len() + 1;
        let send = self.connection(session, Direction::Send, &format!("192.0.2.{number}:1000"));
        let receive = self.connection(session, Direction::Recv, &format!("192.0.2.{number}:2000"));
        self.people.push(Person { session, send, receive, camera: None });
        number - 1
    }

    fn connection(&mut self, session: SessionId, direction: Direction, at: &str) -> Connection {
        let transport = TransportId(self.id());
        let created = self.command(RoomCommand::CreateTransport { session, transport, direction });
        let Ok(Reply::TransportCreated { ice, candidates, dtls }) = created else { panic!("{created:?}") };
        assert_eq!(SocketAddr::new(candidates[0].ip, candidates[0].port), address(SERVER));
        let browser = self.browser(direction, at, &ice, &dtls);
        Connection { transport, address: address(at), browser: Some(browser) }
    }

    fn browser(&self, direction: Direction, at: &str, ice: &IceParameters, dtls: &DtlsParameters) -> Browser {
        let config = match direction {
            Direction::Send => browser::like_chromium(),
            Direction::Recv => browser::in_the_rooms_numbers(),
        };
        Browser::new(self.now, config, [address(at), address(SERVER)], ice, dtls)
    }

    /// What mediasoup-client does when a transport gets its first track.
    pub fn connect(&mut self, person: usize, direction: Direction) {
        let connection = self.connection_of(person, direction);
        let transport = connection.transport;
        let dtls = connection.browser.as_mut().unwrap().dtls_parameters();
        self.command(RoomCommand::ConnectTransport { transport, dtls }).unwrap();
    }

    fn connection_of(&mut self, person: usize, direction: Direction) -> &mut Connection {
        let person = &mut self.people[person];
        if direction == Direction::Send { &mut person.send } else { &mut person.receive }
    }

    /// Somebody switches a camera on; it runs until the tab is closed.
    pub fn publish(&mut self, person: usize, camera: Camera) -> ProducerId {
        self.connect(person, Direction::Send);
        let producer = ProducerId(self.id());
        let transport = self.people[person].send.transport;
        camera.declare(&mut self.people[person].send.browser.as_mut().unwrap().rtc);
        self.command(RoomCommand::Produce {
            transport,
            producer,
            kind: Kind::Video,
            source: Source::Camera,
            rtp_parameters: camera.rtp_parameters(),
            paused: false,
        })
        .unwrap();
        self.people[person].camera = Some(camera);
        producer
    }

    /// Somebody watches a producer.
    pub fn watch(&mut self, viewer: usize, producer: ProducerId) -> View {
        self.connect(viewer, Direction::Recv);
        let consumer = ConsumerId(self.id());
        let transport = self.people[viewer].receive.transport;
        let consumed = self.command(RoomCommand::Consume {
            transport,
            consumer,
            producer,
            rtp_capabilities: router_capabilities(),
            paused: false,
        });
        let Ok(Reply::Consumed { rtp_parameters, .. }) = consumed else { panic!("{consumed:?}") };
        let ssrc = self.expect(viewer, &rtp_parameters);
        View { viewer, consumer, ssrc }
    }

    fn expect(&mut self, viewer: usize, parameters: &RtpParameters) -> u32 {
        let encoding = &parameters.encodings[0];
        let ssrc = encoding.ssrc.unwrap();
        let mid = Mid::from(parameters.mid.as_deref().unwrap());
        let mut api = self.people[viewer].receive.browser.as_mut().unwrap().rtc.direct_api();
        api.declare_media(mid, MediaKind::Video);
        api.expect_stream_rx(ssrc.into(), encoding.rtx.map(|rtx| rtx.ssrc.into()), mid, None);
        ssrc
    }

    /// The machine of this person stops existing: nothing is said, nothing is heard.
    pub fn vanish(&mut self, person: usize) {
        self.people[person].send.browser = None;
        self.people[person].receive.browser = None;
        self.people[person].camera = None;
    }

    /// The packets of a view so far, in the order of arrival.
    pub fn seen(&self, view: View) -> Vec<Seen> {
        let browser = self.people[view.viewer].receive.browser.as_ref().unwrap();
        let packets = browser.events.iter().filter_map(|(at, event)| match event {
            str0m::Event::RtpPacket(packet) if *packet.header.ssrc == view.ssrc => Some((*at, packet)),
            _ => None,
        });
        let seen = packets.map(|(at, packet)| Seen {
            at,
            sequence_number: *packet.seq_no,
            timestamp: packet.header.timestamp,
            marker: packet.header.marker,
            payload: packet.payload.to_vec(),
        });
        seen.collect()
    }

    /// Lets time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.now + time;
        loop {
            self.everybody_acts();
            while let Some(datagram) = self.network.receive(self.now) {
                self.deliver(datagram);
            }
            if self.engine.poll_timeout().is_some_and(|at| at <= self.now) {
                self.engine.handle_timeout(self.now);
            }
            self.flush();
            match self.next_moment() {
                Some(next) if next <= end => self.now = next.max(self.now + Duration::from_micros(1)),
                _ => break,
            }
        }
        self.now = end;
    }

    fn everybody_acts(&mut self) {
        for person in &mut self.people {
            if let (Some(camera), Some(browser)) = (&mut person.camera, &mut person.send.browser) {
                camera.act(self.now, browser);
            }
            for browser in [&mut person.send.browser, &mut person.receive.browser].into_iter().flatten() {
                browser.poll(self.now, &mut self.network);
            }
        }
    }

    fn deliver(&mut self, datagram: Datagram) {
        if datagram.to == address(SERVER) {
            let mut bytes = datagram.bytes;
            self.wire.entry(datagram.from).or_default()[0].add(bytes.len());
            self.engine.handle_datagram(self.now, LOCAL, datagram.from, &mut bytes);
            assert_eq!(self.engine.end_batch(self.now), Progress::Done);
            self.flush();
            return;
        }
        let mut connections = self.people.iter_mut().flat_map(|p| [&mut p.send, &mut p.receive]);
        let Some(connection) = connections.find(|c| c.address == datagram.to) else { return };
        if let Some(browser) = &mut connection.browser {
            browser.handle(self.now, &datagram);
            browser.poll(self.now, &mut self.network);
        }
    }

    /// What a driver does after every call.
    fn flush(&mut self) {
        while let Some(event) = self.engine.poll_event() {
            self.events.push(event);
        }
        let egress = self.engine.egress();
        for message in egress.messages() {
            let size = message.segment_size.map_or(message.bytes.len(), usize::from);
            for bytes in message.bytes.chunks(size) {
                let (from, to, bytes) = (address(SERVER), message.remote, bytes.to_vec());
                self.wire.entry(to).or_default()[1].add(bytes.len());
                self.network.send(self.now, Datagram { from, to, bytes });
            }
        }
        egress.clear();
    }

    fn next_moment(&self) -> Option<Instant> {
        let browsers = self.people.iter().flat_map(|p| [&p.send.browser, &p.receive.browser]).flatten();
        let cameras = self.people.iter().filter_map(|p| p.camera.as_ref()?.next_frame_at());
        let own = [self.engine.poll_timeout(), self.network.next_arrival()].into_iter().flatten();
        own.chain(browsers.map(Browser::poll_timeout)).chain(cameras).min()
    }
}
