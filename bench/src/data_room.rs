//! A data channel in a real engine: one peer that sends messages and many that get each of them, with the network
//! between them as in [`crate::room`].

use crate::room::{FIRST_PORT, LOCAL, Peer, address};
use plenum_sfu::engine::{
    Candidate as EngineCandidate, Engine, EngineConfig,
    limits::Limits,
    transport::{DtlsCertificate, sctp::DataRate},
};
use plenum_shared::{
    command::{Reply, RoomCommand},
    id::{DataConsumerId, DataProducerId, RoomId},
    media::Direction,
    transport::SctpStreamParameters,
};
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};
use str0m::channel::{ChannelConfig, ChannelId, Reliability};

const STREAM: SctpStreamParameters =
    SctpStreamParameters { stream_id: 1, ordered: true, max_packet_life_time: None, max_retransmits: None };
/// Between two messages: acknowledgements come, and what is saved up of every bound is there again.
const PAUSE: Duration = Duration::from_millis(50);

/// Somebody who sends messages, and those who get them.
pub struct DataRoom {
    engine: Engine,
    now: Instant,
    /// The sender first.
    peers: Vec<Peer>,
    channel: ChannelId,
}

impl DataRoom {
    pub fn new(receivers: usize) -> Self {
        let now = Instant::now();
        let server: SocketAddr = (Ipv4Addr::LOCALHOST, 9).into();
        let certificate = Arc::new(DtlsCertificate::generate().expect("the crypto library works"));
        let candidates = vec![EngineCandidate { local: LOCAL, announced: server }];
        let data_rate = DataRate { bytes_per_second: u32::MAX, messages_per_second: u32::MAX };
        let limits = Limits { data_rate, ..Limits::default() };
        let mut engine = Engine::new(EngineConfig { certificate, candidates, seed: [7; 32], limits }, now);
        let room = RoomId::random();
        engine.handle_command(now, room, RoomCommand::Create).expect("an empty worker");

        let mut ask = |command| engine.handle_command(now, room, command);
        let (mut sender, transport) = Peer::new(&mut ask, now, Direction::Send, address(0));
        let producer = DataProducerId::random();
        let produce = RoomCommand::ProduceData { transport, producer, stream: STREAM };
        ask(produce).expect("a free stream");
        let channel = open(&mut sender, STREAM);
        let mut peers = vec![sender];
        for index in 1..=receivers {
            let (mut peer, transport) = Peer::new(&mut ask, now, Direction::Recv, address(index));
            let consume =
                RoomCommand::ConsumeData { transport, consumer: DataConsumerId::random(), producer };
            let reply = ask(consume).expect("room for a consumer");
            let Reply::DataConsumed { stream } = reply else { unreachable!("the reply to ConsumeData") };
            open(&mut peer, stream);
            peers.push(peer);
        }
        let mut made = Self { engine, now, peers, channel };
        (0..100).for_each(|_| made.rest());
        for _ in 0..50 {
            let (mut message, before) = (made.sealed_message(100), made.copies());
            made.forward(&mut message);
            assert_eq!(made.copies() - before, receivers as u64, "everybody gets everything");
            made.rest();
        }
        made
    }

    /// The next message as it comes from the network: one datagram, or more of a long one.
    pub fn sealed_message(&mut self, len: usize) -> Vec<Vec<u8>> {
        let sender = &mut self.peers[0];
        let mut channel = sender.rtc.channel(self.channel).expect("an open channel");
        assert!(channel.write(true, &vec![7; len]).expect("an open channel"), "room in its buffer");
        let mut sealed = sender.outputs(self.now);
        sealed.retain(|datagram| matches!(datagram[..], [20..=63, ..]));
        sealed
    }

    /// The measured part: a message in, its copies handed to everybody's SCTP and sealed.
    pub fn forward(&mut self, message: &mut [Vec<u8>]) {
        for datagram in message {
            self.engine.handle_datagram(self.now, LOCAL, self.peers[0].address, datagram);
        }
    }

    /// Messages handed on so far.
    pub fn copies(&self) -> u64 {
        self.engine.counters().data_messages_sent
    }

    /// Time until the next message: what was forwarded arrives and is acknowledged.
    pub fn rest(&mut self) {
        self.exchange();
        self.now += PAUSE;
        self.exchange();
    }

    /// Everything that is to be said, back and forth until it is quiet.
    fn exchange(&mut self) {
        let Self { engine, now, peers, .. } = self;
        for _ in 0..8 {
            if engine.poll_timeout().is_some_and(|at| at <= *now) {
                engine.handle_timeout(*now);
            }
            while engine.poll_event().is_some() {}
            let mut quiet = true;
            for peer in peers.iter_mut() {
                for mut datagram in peer.outputs(*now) {
                    quiet = false;
                    engine.handle_datagram(*now, LOCAL, peer.address, &mut datagram);
                }
            }
            let egress = engine.egress();
            let mut answers: Vec<(SocketAddr, Vec<u8>)> = Vec::new();
            for message in egress.messages() {
                let size = message.segment_size.map_or(message.bytes.len(), usize::from);
                answers.extend(message.bytes.chunks(size).map(|bytes| (message.remote, bytes.to_vec())));
            }
            egress.clear();
            for (remote, bytes) in answers {
                quiet = false;
                peers[usize::from(remote.port() - FIRST_PORT)].receive(*now, &bytes);
            }
            if quiet {
                return;
            }
        }
    }
}

fn open(peer: &mut Peer, stream: SctpStreamParameters) -> ChannelId {
    let mut direct = peer.rtc.direct_api();
    direct.start_sctp(true);
    direct.create_data_channel(ChannelConfig {
        ordered: stream.ordered,
        reliability: Reliability::Reliable,
        negotiated: Some(stream.stream_id),
        ..ChannelConfig::default()
    })
}
