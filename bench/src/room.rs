//! One room in a real engine, with real peers (str0m) that have shaken hands; the network between them is this file.
//!
//! The publisher's packets are sealed by str0m before the measured time begins, because a packet is accepted once.
//! Subscribers get their media after it: their work is not ours to measure, but without their feedback on what arrived the
//! engine would hold them for gone.

use crate::{
    allocations::{calls_here, inside},
    crossing::Branch,
    early::Early,
};
use plenum_sfu::engine::{
    Candidate as EngineCandidate, Engine, EngineConfig,
    limits::Limits,
    router::hearing::LastN,
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
    hint::black_box,
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
/// Packets of one video frame: they are handled together and leave together.
pub const FRAME: usize = 5;
/// Frames before anything is counted: three seconds of video, which is longer than packets are kept for. What is kept has its memory
/// then.
const WARM_UP_FRAMES: usize = 75;

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
    /// Streams of the publisher, all of which everybody receives.
    streams: u32,
    publisher: Peer,
    subscribers: Vec<Peer>,
    sent: u64,
    /// What left before the engine could go on, on its way to subscribers.
    early: Early,
}

/// What some frames took of the allocator.
#[derive(Clone, Copy, Debug)]
pub struct Counted {
    /// Allocations while the frames went through the engine.
    pub allocations: u64,
    /// Packets that came to somebody.
    pub forwarded: usize,
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
        let mut room = Self::with(media, 1, subscribers, frame_patience, false);
        room.begin();
        room
    }

    /// As [`Room::patient`], with so many cameras that send the same. Together they are more than what everybody is believed to
    /// receive before anything is known: some packets wait.
    pub fn of_cameras(cameras: u32, subscribers: usize, frame_patience: Duration) -> Self {
        let mut room = Self::with(Media::Video, cameras, subscribers, frame_patience, false);
        room.warm_up();
        room
    }

    /// As [`Room::new`], with all subscribers on another worker.
    pub fn across(media: Media, subscribers: usize) -> Self {
        let mut room = Self::with(media, 1, subscribers, Duration::ZERO, true);
        room.begin();
        room
    }

    /// A publisher that says nothing, and so many others that are connected and receive nothing.
    pub fn idle(others: usize) -> Self {
        Self::with(Media::Audio, 0, others, Duration::ZERO, false)
    }

    fn with(media: Media, streams: u32, subscribers: usize, frame_patience: Duration, across: bool) -> Self {
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
        let mut produce = |stream| {
            let producer = ProducerId::random();
            let produce = RoomCommand::Produce {
                transport: publisher_transport,
                producer,
                kind: media.kind(),
                source: if media == Media::Audio { Source::Microphone } else { Source::Camera },
                rtp_parameters: media.parameters(stream),
                paused: false,
            };
            inside(|| engine.handle_command(now, room, produce)).expect("a codec of ours");
            producer
        };
        let producers: Vec<_> = (0..streams).map(&mut produce).collect();
        if let Some(branch) = &mut branch {
            branch.exchange(now, &mut engine);
        }
        let viewed_on = branch.as_mut().map_or(&mut engine, |branch| &mut branch.engine);
        let mut peers = peers;
        for (peer, transport) in &mut peers {
            for &producer in &producers {
                let consume = RoomCommand::Consume {
                    transport: *transport,
                    consumer: ConsumerId::random(),
                    producer,
                    rtp_capabilities: router_capabilities(),
                    paused: false,
                };
                let reply =
                    inside(|| viewed_on.handle_command(now, room, consume)).expect("what the room offers");
                let Reply::Consumed { rtp_parameters, .. } = reply else {
                    unreachable!("the reply to Consume")
                };
                peer.expect(media, &rtp_parameters);
            }
        }
        let subscribers = peers.into_iter().map(|(peer, _)| peer).collect();
        let early = Early::default();
        let mut made = Self { engine, branch, now, media, streams, publisher, subscribers, sent: 0, early };
        (0..streams).for_each(|stream| made.publisher.declare(media, stream));
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
        let forwarded = self.warm_up();
        assert_eq!(forwarded, FRAME * self.subscribers.len(), "everybody receives everything");
    }

    /// Returns how many packets the last of the first frames became at once.
    fn warm_up(&mut self) -> usize {
        let mut forwarded = 0;
        for _ in 0..WARM_UP_FRAMES {
            let mut frame = self.sealed_frame();
            forwarded = self.forward(&mut frame);
            self.rest();
        }
        forwarded
    }

    /// Nothing is published for so long.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.now += Duration::from_millis(50);
            self.exchange();
        }
    }

    /// The next five packets of each stream as they come from the network.
    pub fn sealed_frame(&mut self) -> Vec<Vec<u8>> {
        for place in 0..FRAME {
            for stream in 0..self.streams {
                self.publisher.publish(self.now, self.media, stream, self.sent, place);
            }
            self.sent += 1;
        }
        let mut sealed = self.publisher.outputs(self.now);
        sealed.retain(|datagram| is_media(datagram));
        assert_eq!(sealed.len(), FRAME * self.streams as usize);
        sealed
    }

    /// The measured part: packets in, their copies for everybody collected and arranged for sending. Returns how many.
    pub fn forward(&mut self, frame: &mut [Vec<u8>]) -> usize {
        for datagram in frame {
            inside(|| self.engine.handle_datagram(self.now, LOCAL, self.publisher.address, datagram));
        }
        let mut left = self.early.end_batch(self.now, &mut self.engine);
        if let Some(branch) = &mut self.branch {
            left += branch.exchange(self.now, &mut self.engine);
        }
        let egress = self.viewed_on().egress();
        left + egress.messages().map(|message| message.datagrams()).sum::<usize>()
    }

    /// How long so many frames are inside, one after the other.
    pub fn time_frames(&mut self, frames: u64) -> Duration {
        let mut spent = Duration::ZERO;
        for _ in 0..frames {
            let mut frame = self.sealed_frame();
            let (begun, aside) = (Instant::now(), self.time_aside());
            black_box(self.forward(&mut frame));
            spent += begun.elapsed().saturating_sub(self.time_aside() - aside);
            self.rest();
        }
        spent
    }

    /// What of the time until now went into copies of what left early.
    fn time_aside(&self) -> Duration {
        self.early.spent + self.branch.as_ref().map_or(Duration::ZERO, |branch| branch.early.spent)
    }

    /// What so many frames allocate; 0 without [`Counting`](crate::allocations::Counting).
    ///
    /// # Panics
    /// A packet that was not forwarded: it would be a cheap one.
    pub fn count_allocations(&mut self, frames: usize) -> Counted {
        let mut counted = Counted { allocations: 0, forwarded: 0 };
        for _ in 0..frames {
            let mut frame = self.sealed_frame();
            let before = calls_here();
            counted.forwarded += self.forward(&mut frame);
            counted.allocations += calls_here() - before;
            self.rest();
        }
        assert_eq!(counted.forwarded, frames * FRAME * self.subscribers.len(), "nothing was dropped");
        counted
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

    /// What has left the engines arrives. Returns whether there was anything.
    fn arrive(&mut self) -> bool {
        let mut any = false;
        let mut early = std::mem::take(&mut self.early);
        early.take(self.engine.egress());
        any |= early.arrive(|remote, bytes| self.hand_over(remote, bytes));
        self.early = early;
        if let Some(branch) = &mut self.branch {
            let mut early = std::mem::take(&mut branch.early);
            early.take(branch.engine.egress());
            any |= early.arrive(|remote, bytes| self.hand_over(remote, bytes));
            self.branch.iter_mut().for_each(|branch| branch.early = std::mem::take(&mut early));
        }
        any
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
            branch.exchange(now, &mut self.engine);
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
            self.early.end_batch(self.now, &mut self.engine);
            if !self.arrive() && quiet {
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

    pub fn declare(&mut self, media: Media, stream: u32) {
        let kind = if media == Media::Audio { MediaKind::Audio } else { MediaKind::Video };
        let mid = Mid::from(stream.to_string().as_str());
        let mut direct = self.rtc.direct_api();
        direct.declare_media(mid, kind);
        direct.declare_stream_tx((SSRC + stream).into(), None, mid, None);
    }

    /// Has it send the packet of this number in a stream, at this place in its frame, with its next outputs.
    pub fn publish(&mut self, now: Instant, media: Media, stream: u32, number: u64, place: usize) {
        let pt = Pt::new_with_value(if media == Media::Audio { 111 } else { 96 });
        let (rtp_time, payload) = media.packet(number, place);
        let extensions = ExtensionValues {
            audio_level: (media == Media::Audio).then_some(-30),
            voice_activity: (media == Media::Audio).then_some(true),
            ..ExtensionValues::default()
        };
        let mut direct = self.rtc.direct_api();
        let stream = direct.stream_tx(&Ssrc::from(SSRC + stream)).expect("declared");
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

    /// As a browser announces it, the first stream or another one of the same publisher.
    pub(crate) fn parameters(self, stream: u32) -> RtpParameters {
        let ssrc = SSRC + stream;
        let codec = match self {
            Self::Audio => r#"{"mimeType":"audio/opus","payloadType":111,"clockRate":48000,"channels":2}"#,
            Self::Video => r#"{"mimeType":"video/VP8","payloadType":96,"clockRate":90000}"#,
        };
        let text = format!(
            r#"{{"mid":"{stream}","codecs":[{codec}],"encodings":[{{"ssrc":{ssrc}}}],"rtcp":{{"cname":"bench"}},
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_leaves_in_portions_comes_to_everybody() {
        // 200 packets of 1,100 bytes: more than an engine writes before some have to leave.
        for mut room in [Room::new(Media::Video, 40), Room::across(Media::Video, 40)] {
            let mut frame = room.sealed_frame();
            assert_eq!(room.forward(&mut frame), 40 * FRAME);
            assert!(room.time_aside() > Duration::ZERO);
            room.rest();
            assert_eq!(room.count_allocations(2).forwarded, 2 * 40 * FRAME);
        }
    }
}
