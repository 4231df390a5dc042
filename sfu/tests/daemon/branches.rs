//! A room with more viewers than one worker takes: two real workers, real peers, and commands as control gives them.

use crate::{
    PATIENCE,
    control::{Control, Pki, Session},
    eventually_async,
    node::{Node, PANICS},
    worker::connect_parameters,
};
use plenum_sfu::worker::placement::PART_MAX;
use plenum_shared::{
    command::{Command, RefusalReason, Reply, RoomCommand},
    event::Event as Told,
    id::{ConsumerId, DataConsumerId, DataProducerId, ProducerId, RoomId, SessionId, TransportId},
    media::{Direction, Kind, Source},
    rtp::{RtpParameters, router_capabilities},
    transport::SctpStreamParameters,
};
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};
use str0m::{
    Candidate, Event, Input, Output, Rtc,
    ice::IceCreds,
    media::{MediaKind, Mid},
    net::{Protocol, Receive},
    rtp::RtpWrite,
};

const OPUS: u8 = 111;
const SSRC: u32 = 1000;
const MICROPHONE: &str = r#"{
  "mid": "0",
  "codecs": [{"mimeType": "audio/opus", "payloadType": 111, "clockRate": 48000, "channels": 2, "parameters": {}}],
  "headerExtensions": [{"uri": "urn:ietf:params:rtp-hdrext:sdes:mid", "id": 4}],
  "encodings": [{"ssrc": 1000}],
  "rtcp": {"cname": "whatever"}
}"#;

/// One end of a transport.
struct Peer {
    rtc: Rtc,
    socket: UdpSocket,
    address: SocketAddr,
    server: SocketAddr,
    heard: Vec<Vec<u8>>,
}

impl Peer {
    /// A transport of a session, connecting.
    async fn join(
        control: &Session,
        room: RoomId,
        session: SessionId,
        direction: Direction,
    ) -> (Self, TransportId) {
        let transport = TransportId::random();
        let create = RoomCommand::CreateTransport { session, transport, direction };
        let Ok(Reply::TransportCreated { ice, candidates, dtls }) = control.room(room, create).await else {
            panic!("no transport");
        };
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_nonblocking(true).unwrap();
        let address = socket.local_addr().unwrap();
        let server = SocketAddr::new(candidates[0].ip, candidates[0].port);
        let mut rtc = Rtc::builder().set_rtp_mode(true).build(Instant::now());
        rtc.add_local_candidate(Candidate::host(address, "udp").unwrap());
        rtc.add_remote_candidate(Candidate::host(server, "udp").unwrap());
        let mut api = rtc.direct_api();
        api.set_ice_controlling(true);
        api.set_remote_ice_credentials(IceCreds { ufrag: ice.username_fragment, pass: ice.password });
        let dtls = connect_parameters(&mut api, &dtls);
        control.room(room, RoomCommand::ConnectTransport { transport, dtls }).await.unwrap();
        (Peer { rtc, socket, address, server, heard: Vec::new() }, transport)
    }

    fn turn(&mut self) {
        let mut buffer = [0; 2048];
        while let Ok((len, source)) = self.socket.recv_from(&mut buffer) {
            let receive = Receive::new(Protocol::Udp, source, self.address, &buffer[..len]).unwrap();
            self.rtc.handle_input(Input::Receive(Instant::now(), receive)).unwrap();
            self.drain();
        }
        self.rtc.handle_input(Input::Timeout(Instant::now())).unwrap();
        self.drain();
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output().unwrap() {
                Output::Transmit(transmit) => {
                    self.socket.send_to(&transmit.contents, transmit.destination).unwrap();
                }
                Output::Timeout(_) => return,
                Output::Event(Event::RtpPacket(packet)) => self.heard.push(packet.payload.to_vec()),
                Output::Event(_) => {}
            }
        }
    }

    /// Sends a packet of sound.
    fn say(&mut self, number: u16) {
        let mut api = self.rtc.direct_api();
        let sender = api.stream_tx(&SSRC.into()).unwrap();
        let payload = format!("sound {number:05}").into_bytes();
        let time = u32::from(number) * 960;
        sender.write_rtp(RtpWrite::new(OPUS.into(), u64::from(number).into(), time, Instant::now(), payload));
    }
}

/// Creates a transport of somebody. Returns where it is reached.
async fn create(control: &Session, room: RoomId, transport: TransportId, direction: Direction) -> SocketAddr {
    let create = RoomCommand::CreateTransport { session: SessionId::random(), transport, direction };
    match control.room(room, create).await {
        Ok(Reply::TransportCreated { candidates, .. }) => {
            SocketAddr::new(candidates[0].ip, candidates[0].port)
        }
        other => panic!("{other:?}"),
    }
}

/// Has people receive in a room until its home takes no more. Where that is busy some of them are elsewhere. Returns the
/// transport of one who is at home, and how many have come.
async fn fill(control: &Session, room: RoomId, home: SocketAddr) -> (TransportId, usize) {
    let (mut at_home, mut count) = (Vec::new(), 0);
    while at_home.len() < PART_MAX {
        assert!(count < 10 * PART_MAX, "its home takes nobody");
        let transport = TransportId::random();
        if create(control, room, transport, Direction::Recv).await == home {
            at_home.push(transport);
        }
        count += 1;
    }
    (at_home[0], count)
}

async fn inventory(control: &Session) -> Vec<plenum_shared::command::RoomInventory> {
    match control.request(Command::Inventory).await {
        Ok(Reply::Inventory(rooms)) => rooms,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_room_that_outgrows_its_worker_goes_on_on_another_one() {
    let pki = Pki::new();
    let listening = Control::listen(&pki);
    let node = Node::start(listening.address(), &pki);
    let control = listening.accept(1).await;
    let room = RoomId::random();
    control.room(room, RoomCommand::Create).await.unwrap();

    let ada = SessionId::random();
    let (mut speaker, sending) = Peer::join(&control, room, ada, Direction::Send).await;
    let mut api = speaker.rtc.direct_api();
    api.declare_media(Mid::from("0"), MediaKind::Audio);
    api.declare_stream_tx(SSRC.into(), None, Mid::from("0"), None);
    let producer = ProducerId::random();
    let rtp_parameters: RtpParameters = serde_json::from_str(MICROPHONE).unwrap();
    let (kind, source) = (Kind::Audio, Source::Microphone);
    let produce =
        RoomCommand::Produce { transport: sending, producer, kind, source, rtp_parameters, paused: false };
    control.room(room, produce).await.unwrap();

    let (_, count) = fill(&control, room, speaker.server).await;
    let bob = SessionId::random();
    let (mut listener, receiving) = Peer::join(&control, room, bob, Direction::Recv).await;
    assert_ne!(listener.server, speaker.server, "he is on another worker");

    let consumer = ConsumerId::random();
    let mut rtp_capabilities = router_capabilities();
    rtp_capabilities.codecs.retain(|codec| codec.mime_type != "audio/red");
    let consume =
        RoomCommand::Consume { transport: receiving, consumer, producer, rtp_capabilities, paused: false };
    let Ok(Reply::Consumed { rtp_parameters, .. }) = control.room(room, consume).await else {
        panic!("nothing to hear");
    };
    let mut api = listener.rtc.direct_api();
    api.declare_media(Mid::from("0"), MediaKind::Audio);
    let ssrc = rtp_parameters.encodings[0].ssrc.unwrap();
    api.expect_stream_rx(ssrc.into(), None, Mid::from("0"), None);

    let mut number = 0;
    let give_up_at = Instant::now() + PATIENCE;
    while listener.heard.len() < 20 {
        assert!(Instant::now() < give_up_at, "in vain: sound crosses, {} packets did", listener.heard.len());
        if speaker.rtc.is_connected() && listener.rtc.is_connected() {
            number += 1;
            speaker.say(number);
        }
        speaker.turn();
        listener.turn();
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(listener.heard.iter().all(|payload| payload.starts_with(b"sound ")));

    // To control it is one room.
    let rooms = inventory(&control).await;
    assert_eq!(rooms.len(), 1);
    assert_eq!(rooms[0].transports.len(), count + 2);
    assert_eq!((&rooms[0].producers[..], &rooms[0].consumers[..]), (&[producer][..], &[consumer][..]));
    let Ok(Reply::Stats(stats)) = control.room(room, RoomCommand::Stats).await else { panic!("no figures") };
    assert_eq!(stats.sessions.len(), count + 2);
    assert!(stats.sent_bytes > 0 && stats.received_bytes > 0);
    let details = control.room(room, RoomCommand::SessionDetails { session: bob }).await;
    let Ok(Reply::SessionDetails(details)) = details else { panic!("{details:?}") };
    assert_eq!((details.transports.len(), details.consumers.len()), (1, 1));
    eventually_async("one room and a branch are counted", || {
        let counters: Vec<_> = node.pool.workers().iter().map(|worker| worker.snapshot().engine).collect();
        let sum =
            |of: fn(&plenum_sfu::engine::counters::Counters) -> u64| counters.iter().map(of).sum::<u64>();
        (sum(|c| c.rooms) == 1 && sum(|c| c.branches) == 1 && sum(|c| c.relayed) >= 20).then_some(())
    })
    .await;

    // So is whoever sends at home and receives elsewhere.
    let (receiving_too, data) = (TransportId::random(), DataProducerId::random());
    let create =
        RoomCommand::CreateTransport { session: ada, transport: receiving_too, direction: Direction::Recv };
    control.room(room, create.clone()).await.unwrap();
    assert_eq!(
        control.room(room, create).await.unwrap_err().reason,
        RefusalReason::AlreadyExists,
        "asked for again it is asked for where it is"
    );
    let stream = SctpStreamParameters {
        stream_id: 1,
        ordered: true,
        max_packet_life_time: None,
        max_retransmits: None,
    };
    let produce = RoomCommand::ProduceData { transport: sending, producer: data, stream };
    control.room(room, produce).await.unwrap();
    let consumer_of_data = DataConsumerId::random();
    let consume =
        RoomCommand::ConsumeData { transport: receiving_too, consumer: consumer_of_data, producer: data };
    control.room(room, consume).await.unwrap();
    let details = control.room(room, RoomCommand::SessionDetails { session: ada }).await;
    let Ok(Reply::SessionDetails(details)) = details else { panic!("{details:?}") };
    let transports: Vec<_> = details.transports.iter().map(|one| one.transport).collect();
    assert_eq!(transports, [sending, receiving_too]);
    assert_eq!((details.producers.len(), details.data_producers.len()), (1, 1), "mirrors are not listed");
    let data_consumers: Vec<_> = details.data_consumers.iter().map(|one| one.consumer).collect();
    assert_eq!(data_consumers, [consumer_of_data]);
    control.room(room, RoomCommand::CloseTransport { transport: receiving_too }).await.unwrap();

    let pause = |consumer| RoomCommand::SetConsumerPaused { consumer, paused: true };
    control.room(room, pause(consumer)).await.unwrap();
    let unknown = control.room(room, pause(ConsumerId::random())).await.unwrap_err();
    assert_eq!(unknown.reason, RefusalReason::UnknownConsumer);
    control.room(room, RoomCommand::RestartIce { transport: receiving }).await.unwrap();
    control.room(room, RoomCommand::CloseSession { session: bob }).await.unwrap();
    let gone = control.room(room, pause(consumer)).await.unwrap_err();
    assert_eq!(gone.reason, RefusalReason::UnknownConsumer);
    assert_eq!(inventory(&control).await[0].transports.len(), count + 1);
    control.room(room, RoomCommand::Close).await.unwrap();
    assert_eq!(inventory(&control).await, []);
    eventually_async("no part of it is left", || {
        let left = |worker: &plenum_sfu::worker::pool::WorkerHandle| {
            let counters = worker.snapshot().engine;
            counters.rooms + counters.branches + counters.transports
        };
        node.pool.workers().iter().all(|worker| left(worker) == 0).then_some(())
    })
    .await;
}

/// A room with people on both workers, and a subscription on one of them that makes the engine there fail.
async fn fragile(control: &Session, on_branch: bool) -> RoomId {
    let room = RoomId::random();
    control.room(room, RoomCommand::Create).await.unwrap();
    let (sending, producer) = (TransportId::random(), ProducerId::random());
    let home = create(control, room, sending, Direction::Send).await;
    let (kind, source) = (Kind::Audio, Source::Microphone);
    let rtp_parameters: RtpParameters = serde_json::from_str(MICROPHONE).unwrap();
    let produce =
        RoomCommand::Produce { transport: sending, producer, kind, source, rtp_parameters, paused: false };
    control.room(room, produce).await.unwrap();
    let (at_home, _) = fill(control, room, home).await;
    let elsewhere = TransportId::random();
    assert_ne!(create(control, room, elsewhere, Direction::Recv).await, home, "it is on the branch");
    let transport = if on_branch { elsewhere } else { at_home };
    let rtp_capabilities = router_capabilities();
    let consume =
        RoomCommand::Consume { transport, consumer: PANICS, producer, rtp_capabilities, paused: false };
    control.room(room, consume).await.unwrap();
    room
}

#[tokio::test]
async fn a_panic_in_any_part_of_a_room_ends_all_of_it_and_nothing_else() {
    let pki = Pki::new();
    let listening = Control::listen(&pki);
    let node = Node::start(listening.address(), &pki);
    let mut control = listening.accept(1).await;
    let other = RoomId::random();
    control.room(other, RoomCommand::Create).await.unwrap();
    for on_branch in [false, true] {
        let room = fragile(&control, on_branch).await;
        let panics = RoomCommand::RequestKeyframe { consumer: PANICS };
        let failed = control.room(room, panics).await.unwrap_err();
        assert_eq!(failed.reason, RefusalReason::Internal);
        let unknown = control.room(room, RoomCommand::Stats).await.unwrap_err();
        assert_eq!(unknown.reason, RefusalReason::UnknownRoom);
        let told = control.next_event().await.event;
        assert_eq!(told, Told::RoomFailed { room }, "on a branch: {on_branch}");
        let give_up_at = Instant::now() + PATIENCE;
        while inventory(&control).await.iter().any(|one| one.room == room) {
            assert!(Instant::now() < give_up_at, "in vain: no part of it is left");
        }
        control.room(other, RoomCommand::Stats).await.unwrap();
    }
    // Each was told once: what is told next is of the room that fails next.
    node.fail_room(other);
    assert_eq!(control.next_event().await.event, Told::RoomFailed { room: other });
}
