//! One room in a real engine, with real peers (str0m) that have shaken hands; the network between them is this file.
//!
//! The publisher's packets are sealed by str0m before the measured time begins, because a packet is accepted once.
//! Subscribers get their media after it: their work is not ours to measure, but without their feedback on what arrived the
//! engine would hold them for gone.

use crate::{allocations::inside, crossing::Branch};
use plenum_sfu::engine::{
    Candidate as EngineCandidate, Engine, EngineConfig,
    limits::Limits,
    router::{hearing::LastN, held::Progress},
    transport::{DtlsCertificate, LocalIndex},
};
use plenum_shared::{
    command::{Reply, Response, RoomCommand},
    id::{ConsumerId, ProducerId, RoomId, SessionId, TransportId},
    media::{Direction, Kind, Source},
    rtp::{RtpParameters, extension_id, router_capabilities},
    transport::{DtlsParameters, DtlsRole, Fingerprint},
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};
use str0m::{
    Candidate, IceCreds, Input, Output, Rtc, RtcConfig,
    format::{Codec, FormatParams},
    media::{Frequency, MediaKind, Mid, Pt},
    net::{Protocol, Receive},
    rtp::{Extension, ExtensionMap, ExtensionValues, RtpWrite, Ssrc},
};

mod replay;

pub use replay::{Captured, Shares};

pub(crate) const LOCAL: LocalIndex = LocalIndex(0);
const SSRC: u32 = 0x0102_0304;
const MID: &str = "0";
/// Packets of one video frame: they are handled together and leave together.
pub const FRAME: usize = 5;

/// What is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// 80-byte packets, 50 a second.
    Audio,
    /// 1100-byte packets, five to a frame, 25 frames a second.
    Video,
}

/// A publisher and its subscribers.
pub struct Room {
    engine: Engine,
    /// Where the subscribers are, if not there.
    branch: Option<Branch>,
    now: Instant,
    media: Media,
    publisher: Peer,
    subscribers: Vec<Peer>,
    sent: u64,
}

/// The other end of a transport.
pub(crate) struct Peer {
    pub rtc: Rtc,
    pub address: SocketAddr,
    server: SocketAddr,
    /// Of its checks: our ufrag and its own.
    username: String,
}

impl Room {
    pub fn new(media: Media, subscribers: usize) -> Self {
        Self::patient(media, subscribers, Duration::ZERO)
    }

    /// As [`Room::new`], of an engine that waits for the rest of a frame for so long.
    pub fn patient(media: Media, subscribers: usize, frame_patience: Duration) -> Self {
        let mut room = Self::with(media, subscribers, true, frame_patience, false);
        room.begin();
        room
    }

    /// As [`Room::new`], with all subscribers on another worker.
    pub fn across(media: Media, subscribers: usize) -> Self {
        let mut room = Self::with(media, subscribers, true, Duration::ZERO, true);
        room.begin();
        room
    }

    /// A publisher that says nothing, and so many others that are connected and receive nothing.
    pub fn idle(others: usize) -> Self {
        Self::with(Media::Audio, others, false, Duration::ZERO, false)
    }

    fn with(
        media: Media,
        subscribers: usize,
        subscribe: bool,
        frame_patience: Duration,
        across: bool,
    ) -> Self {
        let now = Instant::now();
        let server: SocketAddr = (Ipv4Addr::LOCALHOST, 9).into();
        let certificate = Arc::new(DtlsCertificate::generate().expect("the crypto library works"));
        let candidates = vec![EngineCandidate { local: LOCAL, announced: server }];
        // What forwarding costs is measured, so everything is forwarded.
        let limits = Limits { last_n: LastN::default(), frame_patience, ..Limits::default() };
        let worker = |seed| {
            let (certificate, candidates) = (certificate.clone(), candidates.clone());
            let mut engine = Engine::new(EngineConfig { certificate, candidates, seed, limits }, now);
            engine.egress().set_segments_max(8);
            engine
        };
        let mut engine = worker([7; 32]);
        let room = RoomId::random();
        inside(|| engine.handle_command(now, room, RoomCommand::Create)).expect("an empty worker");

        let mut branch = across.then(|| Branch::open(now, room, &mut engine, worker([8; 32])));
        let mut ask = |command| inside(|| engine.handle_command(now, room, command));
        let (publisher, publisher_transport) = Peer::new(&mut ask, now, Direction::Send, address(0));
        let viewed_on = branch.as_mut().map_or(&mut engine, |branch| &mut branch.engine);
        let mut ask = |command| inside(|| viewed_on.handle_command(now, room, command));
        let peers: Vec<(Peer, TransportId)> = (1..=subscribers)
            .map(|index| Peer::new(&mut ask, now, Direction::Recv, address(index)))
            .collect();
        let producer = ProducerId::random();
        let produce = RoomCommand::Produce {
            transport: publisher_transport,
            producer,
            kind: media.kind(),
            source: if media == Media::Audio { Source::Microphone } else { Source::Camera },
            rtp_parameters: media.parameters(),
            paused: false,
        };
        inside(|| engine.handle_command(now, room, produce)).expect("a codec of ours");
        branch.iter_mut().for_each(|branch| branch.exchange(now, &mut engine));
        let viewed_on = branch.as_mut().map_or(&mut engine, |branch| &mut branch.engine);
        let mut peers = peers;
        for (peer, transport) in peers.iter_mut().filter(|_| subscribe) {
            let consume = RoomCommand::Consume {
                transport: *transport,
                consumer: ConsumerId::random(),
                producer,
                rtp_capabilities: router_capabilities(),
                paused: false,
            };
            let reply =
                inside(|| viewed_on.handle_command(now, room, consume)).expect("what the room offers");
            let Reply::Consumed { rtp_parameters, .. } = reply else { unreachable!("the reply to Consume") };
            peer.expect(media, &rtp_parameters);
        }
        let subscribers = peers.into_iter().map(|(peer, _)| peer).collect();
        let mut made = Self { engine, branch, now, media, publisher, subscribers, sent: 0 };
        made.publisher.declare(media);
        made.connect();
        made
    }

    /// ICE and DTLS, until nothing is left to say.
    fn connect(&mut self) {
        for _ in 0..200 {
            self.now += Duration::from_millis(10);
            self.exchange();
        }
        assert!(self.publisher.rtc.is_connected(), "the publisher is connected");
        assert!(self.subscribers.iter().all(|peer| peer.rtc.is_connected()), "every subscriber is connected");
    }

    /// The first packets go through everybody's path: streams are bound, keyframes found, buffers grown.
    fn begin(&mut self) {
        let mut forwarded = 0;
        for _ in 0..50 {
            let mut frame = self.sealed_frame();
            forwarded = self.forward(&mut frame);
            self.rest();
        }
        assert_eq!(forwarded, FRAME * self.subscribers.len(), "everybody receives everything");
    }

    /// Nothing is published for so long.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(50);
            self.exchange();
        }
    }

    /// The next five packets as they come from the network.
    pub fn sealed_frame(&mut self) -> Vec<Vec<u8>> {
        for place in 0..FRAME {
            self.publisher.publish(self.now, self.media, self.sent, place);
            self.sent += 1;
        }
        let mut sealed = self.publisher.outputs(self.now);
        sealed.retain(|datagram| is_media(datagram));
        assert_eq!(sealed.len(), FRAME);
        sealed
    }

    /// The measured part: packets in, their copies for everybody collected and arranged for sending. Returns how many.
    pub fn forward(&mut self, frame: &mut [Vec<u8>]) -> usize {
        for datagram in frame {
            inside(|| self.engine.handle_datagram(self.now, LOCAL, self.publisher.address, datagram));
        }
        self.end_batch(self.now);
        if let Some(branch) = &mut self.branch {
            inside(|| branch.exchange(self.now, &mut self.engine));
        }
        let egress = self.viewed_on().egress();
        egress.messages().map(|message| message.datagrams()).sum()
    }

    /// The engine that has the subscribers.
    fn viewed_on(&mut self) -> &mut Engine {
        self.branch.as_mut().map_or(&mut self.engine, |branch| &mut branch.engine)
    }

    /// A datagram that nobody in the room sent, from the address of a subscriber or of nobody.
    pub fn receive_forged(&mut self, subscriber: Option<usize>, datagram: &mut [u8]) {
        let nobody = (Ipv4Addr::new(203, 0, 113, 9), 9).into();
        let source = subscriber.map_or(nobody, |index| self.subscribers[index].address);
        inside(|| self.engine.handle_datagram(self.now, LOCAL, source, datagram));
    }

    /// What the checks of a subscriber say.
    pub fn username(&self, subscriber: usize) -> &str {
        self.subscribers[subscriber].username()
    }

    /// Time until the next frame: what was forwarded arrives, timers that are due, and what peers have to say.
    ///
    /// It happens before every frame: whatever else the publisher had to send would lie among its sealed packets and be
    /// thrown away, and without its checks the engine ends the transport when consent expires.
    pub fn rest(&mut self) {
        self.exchange();
        self.now +=
            if self.media == Media::Audio { Duration::from_millis(100) } else { Duration::from_millis(40) };
        self.exchange();
        self.engine.egress().clear();
        self.viewed_on().egress().clear();
    }

    fn end_batch(&mut self, now: Instant) {
        let progress = inside(|| self.engine.end_batch(now));
        assert_eq!(progress, Progress::Done, "the arena holds a frame for everybody");
    }

    fn hand_over(&mut self, remote: SocketAddr, bytes: &[u8]) {
        let place = usize::from(remote.port() - FIRST_PORT);
        let peer = if place == 0 { &mut self.publisher } else { &mut self.subscribers[place - 1] };
        peer.receive(self.now, bytes);
    }

    fn timers(&mut self) {
        let now = self.now;
        let branch = self.branch.as_mut().map(|branch| &mut branch.engine);
        for engine in [&mut self.engine].into_iter().chain(branch) {
            if engine.poll_timeout().is_some_and(|at| at <= now) {
                inside(|| engine.handle_timeout(now));
            }
            while engine.poll_event().is_some() {}
        }
        if let Some(branch) = &mut self.branch {
            inside(|| branch.exchange(now, &mut self.engine));
        }
    }

    /// Everything that is to be said, back and forth until it is quiet.
    fn exchange(&mut self) {
        for _ in 0..8 {
            self.timers();
            let mut quiet = true;
            for (at, peer) in std::iter::once(&mut self.publisher).chain(&mut self.subscribers).enumerate() {
                let branch = self.branch.as_mut().filter(|_| at > 0).map(|branch| &mut branch.engine);
                let engine = branch.unwrap_or(&mut self.engine);
                for mut datagram in peer.outputs(self.now) {
                    quiet = false;
                    inside(|| engine.handle_datagram(self.now, LOCAL, peer.address, &mut datagram));
                }
            }
            self.end_batch(self.now);
            let mut answers: Vec<(SocketAddr, Vec<u8>)> = Vec::new();
            let branch = self.branch.as_mut().map(|branch| &mut branch.engine);
            for engine in [&mut self.engine].into_iter().chain(branch) {
                let egress = engine.egress();
                for message in egress.messages() {
                    let size = message.segment_size.map_or(message.bytes.len(), usize::from);
                    answers.extend(message.bytes.chunks(size).map(|bytes| (message.remote, bytes.to_vec())));
                }
                egress.clear();
            }
            for (remote, bytes) in answers {
                quiet = false;
                self.hand_over(remote, &bytes);
            }
            if quiet {
                return;
            }
        }
    }
}

pub(crate) const FIRST_PORT: u16 = 20_000;

/// Where a peer of an engine without sockets is.
pub(crate) fn address(index: usize) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, FIRST_PORT + index as u16).into()
}

impl Peer {
    /// Makes the transport in the room that `ask` commands, and the other end of it.
    pub fn new(
        ask: &mut impl FnMut(RoomCommand) -> Response,
        now: Instant,
        direction: Direction,
        address: SocketAddr,
    ) -> (Self, TransportId) {
        let transport = TransportId::random();
        let create = RoomCommand::CreateTransport { session: SessionId::random(), transport, direction };
        let Ok(Reply::TransportCreated { ice, dtls, candidates }) = ask(create) else {
            unreachable!("the reply to CreateTransport, where there is room for one")
        };
        let server = SocketAddr::new(candidates[0].ip, candidates[0].port);
        let mut rtc = config(direction).build(now);
        rtc.add_local_candidate(Candidate::host(address, "udp").expect("a plain address"));
        rtc.add_remote_candidate(Candidate::host(server, "udp").expect("a plain address"));
        let mut direct = rtc.direct_api();
        direct.set_ice_controlling(true);
        let username = format!("{}:{}", ice.username_fragment, direct.local_ice_credentials().ufrag);
        direct.set_remote_ice_credentials(IceCreds { ufrag: ice.username_fragment, pass: ice.password });
        let fingerprint = format!("sha-256 {}", dtls.fingerprints[0].value);
        direct.set_remote_fingerprint(fingerprint.parse().expect("as the engine writes it"));
        let ours = direct.local_dtls_fingerprint().to_string();
        direct.start_dtls(true).expect("a DTLS client");
        direct.enable_twcc_feedback();
        let (algorithm, value) = ours.split_once(' ').expect("algorithm and value");
        let fingerprint = Fingerprint { algorithm: algorithm.to_owned(), value: value.to_owned() };
        let dtls = DtlsParameters { role: DtlsRole::Client, fingerprints: vec![fingerprint] };
        let connect = RoomCommand::ConnectTransport { transport, dtls };
        ask(connect).expect("a new transport");
        (Self { rtc, address, server, username }, transport)
    }

    /// Where it sends to.
    pub fn server(&self) -> SocketAddr {
        self.server
    }

    /// What its checks say: our ufrag and its own.
    pub fn username(&self) -> &str {
        &self.username
    }

    pub fn declare(&mut self, media: Media) {
        let kind = if media == Media::Audio { MediaKind::Audio } else { MediaKind::Video };
        let mut direct = self.rtc.direct_api();
        direct.declare_media(Mid::from(MID), kind);
        direct.declare_stream_tx(SSRC.into(), None, Mid::from(MID), None);
    }

    /// Has it send the packet of this number, at this place in its frame, with its next outputs.
    pub fn publish(&mut self, now: Instant, media: Media, number: u64, place: usize) {
        let pt = Pt::new_with_value(if media == Media::Audio { 111 } else { 96 });
        let (rtp_time, payload) = media.packet(number, place);
        let extensions = ExtensionValues {
            audio_level: (media == Media::Audio).then_some(-30),
            voice_activity: (media == Media::Audio).then_some(true),
            ..ExtensionValues::default()
        };
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_tx(&Ssrc::from(SSRC)).expect("declared");
        let write = RtpWrite::new(pt, (number + 1).into(), rtp_time, now, payload);
        stream.write_rtp(write.marker(place + 1 == FRAME).ext_vals(extensions));
    }

    pub fn expect(&mut self, media: Media, parameters: &RtpParameters) {
        let kind = if media == Media::Audio { MediaKind::Audio } else { MediaKind::Video };
        let mid = Mid::from(parameters.mid.as_deref().expect("the engine names it"));
        let ssrc = parameters.encodings[0].ssrc.expect("the engine chooses it");
        let mut direct = self.rtc.direct_api();
        direct.declare_media(mid, kind);
        direct.expect_stream_rx(ssrc.into(), None, mid, None);
    }

    pub fn receive(&mut self, now: Instant, bytes: &[u8]) {
        if let Ok(receive) = Receive::new(Protocol::Udp, self.server, self.address, bytes) {
            self.rtc.handle_input(Input::Receive(now, receive)).expect("the engine speaks properly");
        }
    }

    /// Everything it has to send at this time.
    pub fn outputs(&mut self, now: Instant) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        self.poll(&mut datagrams);
        self.rtc.handle_input(Input::Timeout(now)).expect("time goes on");
        self.poll(&mut datagrams);
        datagrams
    }

    fn poll(&mut self, datagrams: &mut Vec<Vec<u8>>) {
        loop {
            match self.rtc.poll_output().expect("the peer goes on") {
                Output::Timeout(_) => return,
                Output::Transmit(transmit) => datagrams.push(transmit.contents.to_vec()),
                Output::Event(_) => {}
            }
        }
    }
}

impl Media {
    pub(crate) fn kind(self) -> Kind {
        if self == Self::Audio { Kind::Audio } else { Kind::Video }
    }

    /// As a browser announces it.
    pub(crate) fn parameters(self) -> RtpParameters {
        let codec = match self {
            Self::Audio => r#"{"mimeType":"audio/opus","payloadType":111,"clockRate":48000,"channels":2}"#,
            Self::Video => r#"{"mimeType":"video/VP8","payloadType":96,"clockRate":90000}"#,
        };
        let text = format!(
            r#"{{"mid":"{MID}","codecs":[{codec}],"encodings":[{{"ssrc":{SSRC}}}],"rtcp":{{"cname":"bench"}},
            "headerExtensions":[{{"uri":"urn:ietf:params:rtp-hdrext:ssrc-audio-level","id":1}},
            {{"uri":"urn:ietf:params:rtp-hdrext:sdes:mid","id":4}}]}}"#
        );
        serde_json::from_str(&text).expect("the shape of mediasoup-client")
    }

    /// RTP timestamp and payload of a packet; the first video frame is a keyframe.
    fn packet(self, number: u64, place: usize) -> (u32, Vec<u8>) {
        if self == Self::Audio {
            return (number as u32 * 960, vec![0xfc; 80]);
        }
        let frame = number / FRAME as u64;
        let mut payload = vec![0x5a; 1100];
        let picture_id = 0x8000 | (frame as u16 & 0x7fff);
        payload[..6].copy_from_slice(&[
            0x80,
            0xe0,
            (picture_id >> 8) as u8,
            picture_id as u8,
            frame as u8,
            0,
        ]);
        if place == 0 {
            payload[0] |= 0x10;
            payload[6] = if frame == 0 { 0x10 } else { 0x11 };
            payload[9..16].copy_from_slice(&[0x9d, 0x01, 0x2a, 0x80, 2, 0x68, 1]);
        }
        (frame as u32 * 3600, payload)
    }
}

/// A publisher's numbers are its own, a subscriber was told the room's.
fn config(direction: Direction) -> RtcConfig {
    let sends = direction == Direction::Send;
    let mut extensions = ExtensionMap::empty();
    extensions.set(if sends { 1 } else { extension_id::AUDIO_LEVEL }, Extension::AudioLevel);
    extensions.set(if sends { 4 } else { extension_id::MID }, Extension::RtpMid);
    if !sends {
        extensions.set(extension_id::TRANSPORT_WIDE_CC, Extension::TransportSequenceNumber);
    }
    let mut config = RtcConfig::new().set_rtp_mode(true).clear_codecs().set_extension_map(extensions);
    let codecs = config.codec_config();
    let (opus, vp8) = if sends { (111, 96) } else { (100, 101) };
    let (opus, vp8) = (Pt::new_with_value(opus), Pt::new_with_value(vp8));
    codecs.add_config(opus, None, Codec::Opus, Frequency::FORTY_EIGHT_KHZ, Some(2), FormatParams::default());
    codecs.add_config(vp8, None, Codec::Vp8, Frequency::NINETY_KHZ, None, FormatParams::default());
    config
}

/// RTP, not RTCP, STUN or DTLS.
pub(crate) fn is_media(datagram: &[u8]) -> bool {
    matches!(datagram, [128..=191, second, ..] if !(192..=223).contains(second))
}
