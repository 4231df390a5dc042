//! The bots' transports and their accounting, through a relay made of str0m: what they say of it must be true.

use plenum_loadtest::{
    accounting::Account,
    media::{AudioTrack, LayerSettings, RunClock, Track, VideoTrack},
    monitor::Monitor,
    network::Conditions,
    parameters::{self, Announcement, PUBLISHER},
    peer::{Peer, PeerError, PeerRecord, PeerSettings},
    signal::{Consumed, RemoteProducer, TransportOffer},
};
use plenum_shared::{
    media::Kind,
    rtp::{
        EncodingParameters, RtcpParameters, RtpCapabilities, RtpParameters, RtxParameters,
        router_capabilities,
    },
    transport::{
        CandidateType, DtlsParameters, DtlsRole, Fingerprint, IceCandidate, IceParameters, Protocol,
    },
};
use rand::{SeedableRng, rngs::SmallRng};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};
use str0m::{
    Candidate, Event, IceCreds, Input, Output, Rtc,
    media::{MediaKind, Mid, Pt},
    net::{Protocol as Str0mProtocol, Receive},
    rtp::{RtpWrite, Ssrc},
};
use uuid::Uuid;

const CONSUMER_SSRC: u32 = 4711;
const CONSUMER_RTX_SSRC: u32 = 4712;
/// Longer than any handshake on a busy machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(60);

/// One side of the relay: ICE-lite and DTLS server.
struct Side {
    rtc: Rtc,
    socket: UdpSocket,
    address: SocketAddr,
}

impl Side {
    fn new(config: str0m::RtcConfig) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
        socket.set_nonblocking(true).expect("a mode every socket has");
        let address = socket.local_addr().expect("bound");
        let mut rtc = config.set_ice_lite(true).build(Instant::now());
        rtc.add_local_candidate(Candidate::host(address, "udp").expect("a plain address"));
        Self { rtc, socket, address }
    }

    fn offer(&mut self) -> TransportOffer {
        let mut direct = self.rtc.direct_api();
        let creds = direct.local_ice_credentials();
        let fingerprint = direct.local_dtls_fingerprint().to_string();
        direct.set_ice_controlling(false);
        let (algorithm, value) = fingerprint.split_once(' ').expect("algorithm and value");
        let fingerprint = Fingerprint { algorithm: algorithm.into(), value: value.into() };
        TransportOffer {
            transport_id: Uuid::new_v4(),
            ice_parameters: IceParameters {
                username_fragment: creds.ufrag,
                password: creds.pass,
                ice_lite: true,
            },
            ice_candidates: vec![IceCandidate {
                foundation: "1".into(),
                priority: 1,
                ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
                port: self.address.port(),
                protocol: Protocol::Udp,
                kind: CandidateType::Host,
                tcp_type: None,
            }],
            dtls_parameters: DtlsParameters { role: DtlsRole::Auto, fingerprints: vec![fingerprint] },
        }
    }

    /// An ICE-lite side learns the other's username from its first check; str0m wants to be told, so it is read there.
    fn learn_credentials(&mut self, datagram: &[u8]) {
        let Some(username) = stun_username(datagram) else { return };
        let Some((_, remote)) = username.split_once(':') else { return };
        let creds = IceCreds { ufrag: remote.to_owned(), pass: "not used by an ICE-lite side".into() };
        self.rtc.direct_api().set_remote_ice_credentials(creds);
    }

    /// Takes what has come and the clock; what happened comes out.
    fn step(&mut self, learnt: &mut bool) -> Vec<Event> {
        let mut events = Vec::new();
        let mut buffer = [0; 2048];
        while let Ok((len, source)) = self.socket.recv_from(&mut buffer) {
            if !*learnt {
                self.learn_credentials(&buffer[..len]);
                *learnt = true;
            }
            if let Ok(receive) = Receive::new(Str0mProtocol::Udp, source, self.address, &buffer[..len]) {
                self.rtc.handle_input(Input::Receive(Instant::now(), receive)).expect("str0m takes it");
                self.drain(&mut events);
            }
        }
        self.rtc.handle_input(Input::Timeout(Instant::now())).expect("str0m takes the time");
        self.drain(&mut events);
        events
    }

    fn drain(&mut self, events: &mut Vec<Event>) {
        loop {
            match self.rtc.poll_output().expect("str0m goes on") {
                Output::Timeout(_) => return,
                Output::Transmit(transmit) => {
                    self.socket.send_to(&transmit.contents, transmit.destination).expect("loopback takes it");
                }
                Output::Event(event) => events.push(event),
            }
        }
    }
}

fn stun_username(datagram: &[u8]) -> Option<String> {
    let mut attributes = datagram.get(20..)?;
    while let Some(header) = attributes.first_chunk::<4>() {
        let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
        let value = attributes.get(4..4 + len)?;
        if header[..2] == [0, 6] {
            return String::from_utf8(value.to_vec()).ok();
        }
        attributes = attributes.get(4 + len.next_multiple_of(4)..)?;
    }
    None
}

/// What the relay does to the packets, by their number.
type Fault = fn(u64) -> Deed;

enum Deed {
    Pass,
    Drop,
    /// Once more under a new sequence number.
    Repeat,
    Damage,
}

fn start_relay(mut from: Side, mut to: Side, fault: Fault) -> (Arc<AtomicBool>, JoinHandle<()>) {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let thread = std::thread::spawn(move || {
        let (mut from_learnt, mut to_learnt) = (false, false);
        let (mut number, mut sequence) = (0, 1000_u64);
        while !stopped.load(Ordering::Relaxed) {
            to.step(&mut to_learnt);
            for event in from.step(&mut from_learnt) {
                let Event::RtpPacket(packet) = event else { continue };
                let is_opus = *packet.header.payload_type == PUBLISHER.opus;
                let pt = Pt::new_with_value(if is_opus { 100 } else { 101 });
                let mut payload = packet.payload.to_vec();
                let copies = match fault(number) {
                    Deed::Pass => 1,
                    Deed::Drop => 0,
                    Deed::Repeat => 2,
                    Deed::Damage => {
                        let place = payload.len() / 4;
                        payload[place] ^= 1;
                        1
                    }
                };
                number += 1;
                sequence += u64::from(copies == 0); // a dropped packet leaves a gap
                for _ in 0..copies {
                    let mut direct = to.rtc.direct_api();
                    let stream = direct.stream_tx(&Ssrc::from(CONSUMER_SSRC)).expect("declared");
                    let write = RtpWrite::new(
                        pt,
                        sequence.into(),
                        packet.header.timestamp,
                        Instant::now(),
                        payload.clone(),
                    );
                    stream.write_rtp(write.marker(packet.header.marker));
                    sequence += 1;
                }
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    });
    (stop, thread)
}

fn settings(seed: u64, monitor: &Arc<Monitor>) -> PeerSettings {
    let (clock, monitor) = (RunClock::start(), monitor.clone());
    PeerSettings { clock, conditions: Conditions::default(), seed, monitor }
}

fn subscriber_config(room: &RtpCapabilities) -> str0m::RtcConfig {
    let payload_types = parameters::subscriber_payload_types(room).expect("opus and VP8");
    parameters::configure(payload_types, parameters::subscriber_extension_map(room))
}

/// Sends the track through the relay until `enough` packets were sent, waits until only those are outstanding that never
/// come, and returns what both ends say.
async fn through_relay(track: Track, enough: u64, (fault, never): (Fault, u64)) -> (PeerRecord, PeerRecord) {
    let room = router_capabilities();
    let (kind, source) = (track.kind(), track.source());
    let (mid, producer) = ("0", Uuid::new_v4());
    let media_kind = if kind == Kind::Audio { MediaKind::Audio } else { MediaKind::Video };

    let publisher_config = parameters::configure(PUBLISHER, parameters::publisher_extension_map());
    let mut from = Side::new(publisher_config.clone());
    let mut to = Side::new(subscriber_config(&room));
    let announcement = Announcement::new(&track, mid, "relay test", &mut SmallRng::seed_from_u64(1));
    let (from_offer, to_offer) = (from.offer(), to.offer());
    let monitor = Arc::<Monitor>::default();
    let shared = settings(1, &monitor);
    let mut publisher = Peer::connect(&from_offer, publisher_config, shared.clone()).await.expect("a socket");
    let mut subscriber = Peer::connect(&to_offer, subscriber_config(&room), shared).await.expect("a socket");
    for (side, peer) in [(&mut from, &publisher), (&mut to, &subscriber)] {
        let fingerprint = &peer.dtls_parameters().fingerprints[0];
        let text = format!("{} {}", fingerprint.algorithm, fingerprint.value);
        let mut direct = side.rtc.direct_api();
        direct.set_remote_fingerprint(text.parse().expect("as announced"));
        direct.start_dtls(false).expect("a DTLS server");
        direct.declare_media(Mid::from(mid), media_kind);
    }
    let layer = announcement.layers[0];
    from.rtc.direct_api().expect_stream_rx(
        layer.main.into(),
        layer.rtx.map(Ssrc::from),
        Mid::from(mid),
        None,
    );
    let rtx = (kind == Kind::Video).then_some(CONSUMER_RTX_SSRC);
    to.rtc.direct_api().declare_stream_tx(CONSUMER_SSRC.into(), rtx.map(Ssrc::from), Mid::from(mid), None);
    let (stop, relay) = start_relay(from, to, fault);

    publisher.connected(CONNECT_TIMEOUT).await.expect("the relay's publisher side");
    subscriber.connected(CONNECT_TIMEOUT).await.expect("the relay's subscriber side");
    let remote = RemoteProducer { participant: Uuid::nil(), producer, kind, source };
    let consumed = Consumed {
        consumer_id: Uuid::new_v4(),
        producer_id: producer,
        kind,
        rtp_parameters: consumer_parameters(&room, kind, mid, rtx),
    };
    subscriber.subscribe(consumed, remote).await.expect("usable parameters");
    publisher.publish(track, announcement, producer).await.expect("a running transport");

    let deadline = Instant::now() + Duration::from_secs(30);
    let mut received = 0;
    while received < enough && Instant::now() < deadline {
        received = subscriber.progress(None).await.expect("a running transport").received;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let sent: Arc<HashMap<Uuid, Vec<u64>>> = Arc::new(publisher.stop_publishing().await.expect("running"));
    while Instant::now() < deadline {
        let progress = subscriber.progress(Some(sent.clone())).await.expect("a running transport");
        if progress.outstanding <= never {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let heard = subscriber.finish(sent.clone()).await.expect("a record");
    let said = publisher.finish(sent).await.expect("a record");
    stop.store(true, Ordering::Relaxed);
    relay.join().expect("the relay did not panic");
    let totals = monitor.totals();
    let accounted: u64 = heard.subscribed.iter().map(|it| it.account.received()).sum();
    assert!(totals.received >= accounted && totals.sent == said.published[0].sent[0], "{totals:?}");
    assert_eq!(totals.standing.missing, heard.subscribed[0].account.holes());
    assert!(monitor.histograms().0.count() >= accounted, "every packet had a delay");
    (said, heard)
}

fn consumer_parameters(room: &RtpCapabilities, kind: Kind, mid: &str, rtx: Option<u32>) -> RtpParameters {
    let codec = room.codecs.iter().find(|codec| codec.kind == kind).expect("a codec of each kind");
    RtpParameters {
        mid: Some(mid.into()),
        codecs: vec![plenum_shared::rtp::CodecParameters {
            mime_type: codec.mime_type.clone(),
            payload_type: codec.preferred_payload_type.expect("the room's own"),
            clock_rate: codec.clock_rate,
            channels: codec.channels,
            parameters: codec.parameters.clone(),
            rtcp_feedback: codec.rtcp_feedback.clone(),
        }],
        header_extensions: Vec::new(),
        encodings: vec![EncodingParameters {
            ssrc: Some(CONSUMER_SSRC),
            rtx: rtx.map(|ssrc| RtxParameters { ssrc }),
            ..EncodingParameters::default()
        }],
        rtcp: RtcpParameters { cname: Some("relay".into()), reduced_size: true },
    }
}

fn audio() -> Track {
    Track::Audio(AudioTrack::new(0, 1, 9))
}

fn only_account(record: &PeerRecord) -> (&Account, u64) {
    assert_eq!(record.subscribed.len(), 1);
    let subscribed = &record.subscribed[0];
    (&subscribed.account, subscribed.lost)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_faithful_relay_is_found_faultless() {
    let (said, heard) = through_relay(audio(), 50, (|_| Deed::Pass, 0)).await;
    let (account, lost) = only_account(&heard);
    assert_eq!((lost, account.duplicated(), account.reordered()), (0, 0, 0));
    assert!(account.counts().is_clean(), "{:?}", account.counts());
    assert_eq!(account.received(), said.published[0].sent[0], "everything that was sent was received");
}

#[tokio::test(flavor = "multi_thread")]
async fn video_arrives_with_its_frames_numbered_and_its_keyframe_first() {
    let layer = LayerSettings { bitrate_bps: 2_000_000, width: 640, height: 360 };
    let track = Track::Video(VideoTrack::new(25, &[layer], 3));
    let (said, heard) = through_relay(track, 200, (|_| Deed::Pass, 0)).await;
    let (account, lost) = only_account(&heard);
    assert_eq!((lost, account.duplicated()), (0, 0));
    assert!(account.counts().is_clean(), "{:?}", account.counts());
    assert_eq!(account.received(), said.published[0].sent[0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_drops_repeats_and_changes_packets_is_found_out() {
    let fault: Fault = |number| match number {
        20 | 30 => Deed::Drop,
        25 => Deed::Repeat,
        35 => Deed::Damage,
        _ => Deed::Pass,
    };
    let (said, heard) = through_relay(audio(), 50, (fault, 3)).await;
    let (account, lost) = only_account(&heard);
    assert_eq!(account.counts().damaged, 1);
    assert_eq!(account.duplicated(), 1);
    assert_eq!(lost, 3, "two dropped, and the damaged one is as good as lost");
    assert_eq!(account.received() + lost, said.published[0].sent[0]);
}

#[tokio::test]
async fn a_transport_that_nobody_answers_says_so_and_does_not_wait_for_ever() {
    let config = parameters::configure(PUBLISHER, parameters::publisher_extension_map());
    // Its socket is there, but nobody reads it.
    let mut silent = Side::new(config.clone());
    let monitor = Arc::<Monitor>::default();
    let mut peer = Peer::connect(&silent.offer(), config, settings(1, &monitor)).await.expect("a socket");
    let connected = peer.connected(Duration::from_millis(1)).await;
    assert!(matches!(connected, Err(PeerError::NotConnected(_))), "{connected:?}");
}
