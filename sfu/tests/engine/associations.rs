//! SCTP associations of clients: how they begin and end, and what is said about it. No DTLS and no network in between,
//! so that a test says which packet comes when.

use std::time::{Duration, Instant};

use bytes::Bytes;
use plenum_sfu::engine::transport::sctp::{
    BUFFERED_LOSSY_MAX, BUFFERED_MAX, DataEvent, DataRate, NotSent, PACKET_LEN_MAX,
    PayloadProtocolIdentifier as Kind, Sctp,
};
use plenum_shared::transport::{SctpParameters, SctpStreamParameters};
use proptest::prelude::*;
use sctp_proto::ReliabilityType;

use crate::fuzz_corpus::targets::sctp_packet;
use crate::sctp_client::SctpClient;

const STREAM: SctpStreamParameters =
    SctpStreamParameters { stream_id: 3, ordered: true, max_packet_life_time: None, max_retransmits: None };
const DATA: u8 = 0;
const ABORT: u8 = 6;
const RATE: DataRate = DataRate { bytes_per_second: 100 << 20, messages_per_second: 100_000 };
const LARGEST: usize = SctpParameters::OURS.max_message_size as usize;

struct Pair {
    now: Instant,
    server: Sctp,
    client: SctpClient,
    /// Everything that came of the client.
    events: Vec<DataEvent>,
    /// Everything the client has sent.
    sent: Vec<Bytes>,
}

impl Pair {
    fn new() -> Self {
        let now = Instant::now();
        let (server, client) = (Sctp::new(now, RATE), SctpClient::new());
        Pair { now, server, client, events: Vec::new(), sent: Vec::new() }
    }

    fn connected() -> Self {
        let mut pair = Pair::new();
        pair.exchange();
        assert!(pair.client.is_connected());
        pair
    }

    /// Lets both speak until neither has anything to say.
    fn exchange(&mut self) {
        loop {
            let said = self.client.poll(self.now);
            said.iter().for_each(|packet| self.server.handle_packet(self.now, packet.clone()));
            let answered = self.answers();
            answered.iter().for_each(|packet| self.client.handle(self.now, packet.clone()));
            self.sent.extend_from_slice(&said);
            if said.is_empty() && answered.is_empty() {
                return;
            }
        }
    }

    fn answers(&mut self) -> Vec<Bytes> {
        self.server.make_packets(self.now, usize::MAX);
        let packets = std::iter::from_fn(|| self.server.take_packet()).collect();
        self.events.extend(std::iter::from_fn(|| self.server.poll_event(self.now)));
        packets
    }

    fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.exchange();
        while let Some(at) = [self.server.poll_timeout(), self.client.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
            .filter(|&at| at <= end)
        {
            self.now = self.now.max(at);
            self.server.handle_timeout(self.now);
            self.client.handle_timeout(self.now);
            self.exchange();
        }
        self.now = end;
    }

    fn messages(&self) -> Vec<&Bytes> {
        let payloads = self.events.iter().filter_map(|event| match event {
            DataEvent::Message { payload, .. } => Some(payload),
            _ => None,
        });
        payloads.collect()
    }

    fn is_lost(&self) -> bool {
        self.events.contains(&DataEvent::Lost)
    }

    /// A packet of the client with a chunk that its stack would not send.
    fn chunk_of_client(&self, chunk: &[u8]) -> Bytes {
        let header = self.sent.last().unwrap();
        let tag = u32::from_be_bytes(header[4..8].try_into().unwrap());
        sctp_packet(tag, chunk).into()
    }
}

#[test]
fn the_largest_message_passes_both_ways() {
    let mut pair = Pair::connected();
    let payload = vec![7; LARGEST];
    pair.client.send(3, Kind::Binary, &payload);
    pair.run(Duration::from_secs(2));
    assert_eq!(pair.messages(), [&Bytes::from(payload.clone())]);
    pair.server.send(&STREAM, Kind::Binary, &payload.clone().into()).unwrap();
    pair.run(Duration::from_secs(2));
    assert_eq!(pair.client.received, [(3, Kind::Binary, payload)]);
}

#[test]
fn a_message_beyond_the_largest_ends_the_association_and_the_client_is_told() {
    let mut pair = Pair::connected();
    pair.client.send(3, Kind::Binary, &vec![7; LARGEST + 1]);
    pair.run(Duration::from_secs(2));
    assert_eq!(pair.events, [DataEvent::Lost]);
    assert!(pair.client.is_lost);
}

#[test]
fn a_client_that_aborts_is_heard_and_not_answered() {
    let mut pair = Pair::connected();
    pair.client.send(3, Kind::Binary, b"one");
    pair.exchange();
    let abort = pair.chunk_of_client(&[ABORT, 0, 0, 4]);
    pair.server.handle_packet(pair.now, abort);
    assert_eq!(pair.answers(), Vec::<Bytes>::new());
    assert!(pair.is_lost());
    assert_eq!(pair.server.send(&STREAM, Kind::Binary, &Bytes::new()), Err(NotSent::NotConnected));
}

#[test]
fn a_client_that_shuts_down_is_let_go_after_what_it_has_sent() {
    let mut pair = Pair::connected();
    pair.client.send(3, Kind::String, b"bye");
    pair.exchange();
    pair.client.association.shutdown().unwrap();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.messages(), [&Bytes::from_static(b"bye")]);
    assert!(pair.is_lost());
}

#[test]
fn a_client_that_shut_down_and_vanished_may_begin_anew() {
    let mut pair = Pair::connected();
    pair.client.association.shutdown().unwrap();
    let farewell = pair.client.poll(pair.now);
    farewell.into_iter().for_each(|packet| pair.server.handle_packet(pair.now, packet));
    assert_eq!(pair.answers().len(), 1, "an acknowledgement that nobody takes");
    assert!(!pair.is_lost());
    pair.client = SctpClient::new();
    pair.run(Duration::from_secs(1));
    assert!(pair.is_lost() && pair.client.is_connected());
}

#[test]
fn after_the_end_another_association_can_be_made() {
    let mut pair = Pair::connected();
    let abort = pair.chunk_of_client(&[ABORT, 0, 0, 4]);
    pair.server.handle_packet(pair.now, abort);
    pair.client = SctpClient::new();
    pair.exchange();
    pair.client.send(3, Kind::Binary, b"again");
    pair.server.send(&STREAM, Kind::Binary, &Bytes::from_static(b"welcome")).unwrap();
    pair.exchange();
    assert_eq!(pair.messages(), [&Bytes::from_static(b"again")]);
    assert_eq!(pair.client.received.len(), 1);
}

#[test]
fn a_client_that_forgot_what_it_had_begun_is_let_in() {
    let mut pair = Pair::new();
    let init = pair.client.poll(pair.now);
    init.into_iter().for_each(|packet| pair.server.handle_packet(pair.now, packet));
    assert_eq!(pair.answers().len(), 1);
    pair.client = SctpClient::new();
    pair.exchange();
    assert!(pair.client.is_connected());
    assert_eq!(pair.events, [], "nothing was up that could be lost");
}

#[test]
fn an_init_that_comes_late_ends_nothing() {
    let mut pair = Pair::connected();
    let init = pair.sent[0].clone();
    pair.server.handle_packet(pair.now, init);
    pair.client.send(3, Kind::Binary, b"still here");
    pair.exchange();
    assert_eq!(pair.messages(), [&Bytes::from_static(b"still here")]);
    assert!(!pair.is_lost() && !pair.client.is_lost);
}

#[test]
fn another_init_ends_nothing_while_an_association_is_up() {
    let mut pair = Pair::connected();
    let other = SctpClient::new().poll(pair.now);
    other.into_iter().for_each(|packet| pair.server.handle_packet(pair.now, packet));
    assert_eq!(pair.answers(), Vec::<Bytes>::new());
    pair.client.send(3, Kind::Binary, b"still here");
    pair.exchange();
    assert!(!pair.is_lost());
}

#[test]
fn packets_of_an_association_that_is_gone_are_answered_with_an_abort() {
    let mut pair = Pair::connected();
    let abort = pair.chunk_of_client(&[ABORT, 0, 0, 4]);
    pair.server.handle_packet(pair.now, abort);
    pair.client.send(3, Kind::Binary, b"anybody there?");
    let packet = pair.client.poll(pair.now).remove(0);
    pair.server.handle_packet(pair.now, packet.clone());
    let answers = pair.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0][4..8], packet[4..8], "its own tag, for want of another");
    assert_eq!(answers[0][12..14], [ABORT, 1]);
    // However many it sends, few answers wait.
    (0..1000).for_each(|_| pair.server.handle_packet(pair.now, packet.clone()));
    assert!(pair.answers().len() <= 8);
}

#[test]
fn messages_of_the_channel_protocol_are_dropped_and_counted() {
    let mut pair = Pair::connected();
    pair.client.send(3, Kind::Dcep, &[3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    pair.client.send(3, Kind::Binary, b"data");
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.messages(), [&Bytes::from_static(b"data")]);
    assert_eq!(pair.server.counters().messages_of_unknown_kind, 1);
}

#[test]
fn a_stream_that_the_client_closes_is_told_after_its_messages() {
    let mut pair = Pair::connected();
    pair.client.send(3, Kind::Binary, &[7; 1500]);
    pair.client.send(4, Kind::String, b"stays");
    pair.run(Duration::from_secs(1));
    pair.client.association.stream(3).unwrap().close().unwrap();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.messages().len(), 2);
    assert_eq!(pair.events.last(), Some(&DataEvent::StreamClosed(3)));
}

#[test]
fn a_channel_that_carried_nothing_is_closed_by_either_side_all_the_same() {
    for is_bound_early in [true, false] {
        let mut pair = Pair::new();
        if is_bound_early {
            pair.server.bind(3);
            pair.server.bind(4);
        }
        pair.exchange();
        pair.server.bind(3);
        pair.server.bind(4);
        for stream in [3, 4] {
            pair.client.association.open_stream(stream, Kind::Binary).unwrap();
        }
        pair.client.association.stream(3).unwrap().close().unwrap();
        pair.server.close_stream(4);
        pair.run(Duration::from_secs(1));
        assert_eq!(pair.events[0], DataEvent::StreamClosed(3));
        assert!(pair.client.association.stream(4).is_err(), "closed here too");
    }
}

#[test]
fn a_stream_can_be_used_again_after_it_was_closed() {
    let mut pair = Pair::connected();
    pair.server.bind(3);
    pair.client.association.open_stream(3, Kind::Binary).unwrap();
    for round in 1..=3 {
        pair.client.association.stream(3).unwrap().close().unwrap();
        pair.run(Duration::from_secs(1));
        assert_eq!(pair.events.len(), round);
        pair.server.bind(3);
        pair.client.association.open_stream(3, Kind::Binary).unwrap();
        pair.run(Duration::from_secs(1));
    }
}

#[test]
fn what_the_client_gave_up_is_not_waited_for() {
    let mut pair = Pair::connected();
    let mut lossy = pair.client.association.open_stream(3, Kind::Binary).unwrap();
    lossy.set_reliability_params(true, ReliabilityType::Rexmit, 0).unwrap();
    pair.client.send(3, Kind::Binary, &[1; 3000]);
    let lost = pair.client.poll(pair.now);
    assert!(lost.len() >= 2, "nobody gets these");
    pair.run(Duration::from_secs(5));
    pair.client.send(3, Kind::Binary, b"later");
    pair.client.send(4, Kind::Binary, b"and elsewhere");
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.messages(), [&Bytes::from_static(b"later"), &Bytes::from_static(b"and elsewhere")]);
}

#[test]
fn empty_messages_pass_with_the_byte_that_stands_for_them() {
    let mut pair = Pair::connected();
    for kind in [Kind::StringEmpty, Kind::BinaryEmpty] {
        pair.client.send(3, kind, &[0]);
        pair.server.send(&STREAM, kind, &Bytes::from_static(&[0])).unwrap();
    }
    pair.run(Duration::from_secs(1));
    let message = |kind| DataEvent::Message { stream: 3, kind, payload: Bytes::from_static(&[0]) };
    assert_eq!(pair.events, [Kind::StringEmpty, Kind::BinaryEmpty].map(message));
    assert_eq!(pair.client.received, [Kind::StringEmpty, Kind::BinaryEmpty].map(|kind| (3, kind, vec![0])));
}

#[test]
fn a_message_without_a_byte_is_none() {
    const WHOLE: u8 = 3;
    let mut pair = Pair::connected();
    pair.client.send(3, Kind::Binary, b"one");
    pair.exchange();
    let is_data = |packet: &&Bytes| packet[12] == DATA;
    let number = u32::from_be_bytes(pair.sent.iter().find(is_data).unwrap()[16..20].try_into().unwrap()) + 1;
    let mut chunk = vec![DATA, WHOLE, 0, 16];
    chunk.extend(number.to_be_bytes());
    // Stream 3, the second message of it, binary.
    chunk.extend([0, 3, 0, 1, 0, 0, 0, 53]);
    let packet = pair.chunk_of_client(&chunk);
    pair.server.handle_packet(pair.now, packet);
    pair.answers();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.messages(), [&Bytes::from_static(b"one")]);
    assert!(pair.is_lost() || pair.server.counters().messages_of_unknown_kind == 1);
}

/// How many messages the server takes before it is full. The client hears nothing of them.
fn taken(pair: &mut Pair, stream: SctpStreamParameters, message: &Bytes) -> usize {
    (0..100_000).take_while(|_| pair.server.send(&stream, Kind::Binary, message).is_ok()).count()
}

fn zeros(len: usize) -> Bytes {
    vec![0; len].into()
}

fn reliable(stream_id: u16) -> SctpStreamParameters {
    SctpStreamParameters { stream_id, ..STREAM }
}

fn lossy(stream_id: u16) -> SctpStreamParameters {
    SctpStreamParameters { max_retransmits: Some(0), ..reliable(stream_id) }
}

#[test]
fn what_waits_for_a_client_is_bounded() {
    let mut pair = Pair::connected();
    let message = zeros(100_000);
    let count = taken(&mut pair, STREAM, &message);
    assert!((8..=BUFFERED_MAX / message.len()).contains(&count), "{count} messages");
    assert_eq!(pair.server.send(&STREAM, Kind::Binary, &message), Err(NotSent::Full));
    pair.run(Duration::from_secs(5));
    assert_eq!(pair.client.received.len(), count);
    assert_eq!(taken(&mut pair, STREAM, &message), count, "all of it was paid back");
}

#[test]
fn small_messages_count_for_the_memory_they_take() {
    let mut pair = Pair::connected();
    let count = taken(&mut pair, STREAM, &zeros(1));
    assert!((1000..5000).contains(&count), "{count} messages of one byte");
    let count = taken(&mut pair, lossy(4), &zeros(1));
    assert!((100..1000).contains(&count), "{count} that may be lost");
}

#[test]
fn what_may_be_lost_takes_nothing_from_what_may_not() {
    let mut pair = Pair::connected();
    let sum: usize = (10..26).map(|stream| taken(&mut pair, lossy(stream), &zeros(60_000)) * 60_000).sum();
    assert!((BUFFERED_LOSSY_MAX / 2..=2 * BUFFERED_LOSSY_MAX).contains(&sum), "{sum} bytes");
    assert!(taken(&mut pair, STREAM, &zeros(100_000)) >= 8);
}

#[test]
fn whoever_fills_the_buffer_is_out_and_the_others_have_their_share() {
    for full in [reliable(4), lossy(4)] {
        let mut pair = Pair::connected();
        while (4..8).any(|stream_id| {
            let stream = SctpStreamParameters { stream_id, ..full };
            pair.server.send(&stream, Kind::Binary, &zeros(10_000)).is_ok()
        }) {}
        let other = SctpStreamParameters { stream_id: 3, ..full };
        assert!(taken(&mut pair, other, &zeros(1000)) >= 30, "{full:?}");
        assert_eq!(pair.server.send(&full, Kind::Binary, &zeros(1000)), Err(NotSent::Full));
    }
}

#[test]
fn however_many_streams_share_the_whole_has_an_end() {
    let mut pair = Pair::connected();
    let sum: usize = (0..500).map(|stream| taken(&mut pair, reliable(stream), &zeros(30_000)) * 30_000).sum();
    assert!((BUFFERED_MAX..=4 * BUFFERED_MAX).contains(&sum), "{sum} bytes");
}

#[test]
fn what_waits_of_a_stream_that_the_client_has_closed_still_counts() {
    let mut pair = Pair::connected();
    let message = zeros(10_000);
    for id in 0..20 {
        let count = taken(&mut pair, reliable(id), &message);
        assert!(id == 0 || count <= 50, "{count} messages more on stream {id}");
        pair.client.association.open_stream(id, Kind::Binary).unwrap();
        pair.client.association.stream(id).unwrap().close().unwrap();
        for packet in pair.client.poll(pair.now) {
            pair.server.handle_packet(pair.now, packet);
        }
        // The answer is heard; what was sent is not.
        pair.server.make_packets(pair.now, usize::MAX);
        while let Some(packet) = pair.server.take_packet() {
            if packet[12] != DATA {
                pair.client.handle(pair.now, packet);
            }
        }
        assert_eq!(pair.server.poll_event(pair.now), Some(DataEvent::StreamClosed(id)));
        if !pair.server.takes_channels() {
            break;
        }
    }
    assert!(!pair.server.takes_channels(), "no more channels until it has read");
    pair.run(Duration::from_secs(60));
    assert!(pair.server.takes_channels());
}

#[test]
fn packets_beyond_what_may_wait_are_dropped_and_the_message_arrives_all_the_same() {
    let mut pair = Pair::connected();
    let payload = vec![7; 200_000];
    pair.server.send(&STREAM, Kind::Binary, &payload.clone().into()).unwrap();
    // A line that takes four packets every twenty milliseconds.
    for _ in 0..1000 {
        pair.server.make_packets(pair.now, 30_000);
        let packets: Vec<_> = std::iter::from_fn(|| pair.server.take_packet()).take(4).collect();
        packets.into_iter().for_each(|packet| pair.client.handle(pair.now, packet));
        pair.now += Duration::from_millis(20);
        pair.client.handle_timeout(pair.now);
        let answers = pair.client.poll(pair.now);
        answers.into_iter().for_each(|packet| pair.server.handle_packet(pair.now, packet));
        pair.server.handle_timeout(pair.now);
    }
    assert!(pair.server.counters().packets_waiting_too_many > 0);
    assert_eq!(pair.client.received, [(3, Kind::Binary, payload)]);
}

/// Chunks that SCTP knows, and one that it does not: DATA, INIT, SACK, …, RE-CONFIG, FORWARD TSN.
const KINDS: [u8; 16] = [0, 0, 0, 1, 3, 4, 5, 6, 7, 9, 11, 14, 130, 192, 194, 99];

proptest! {
    #[test]
    fn whatever_chunks_a_connected_client_sends_are_survived(
        chunks in prop::collection::vec(
            (prop::sample::select(&KINDS[..]), 0_u8..8, prop::option::of(0_u32..6), prop::collection::vec(any::<u8>(), 0..40)),
            1..20,
        ),
    ) {
        let mut pair = Pair::connected();
        let first_number = u32::from_be_bytes(pair.sent[0][28..32].try_into().unwrap());
        for (kind, flags, number, body) in chunks {
            // Some with a number that may be the next one, so that they are looked at.
            let number = number.map(|offset| first_number.wrapping_add(offset).to_be_bytes());
            let value = [number.as_ref().map_or(&[][..], |number| number), &body].concat();
            let mut chunk = vec![kind, flags, 0, value.len() as u8 + 4];
            chunk.extend(value);
            chunk.resize(chunk.len().next_multiple_of(4), 0);
            let packet = pair.chunk_of_client(&chunk);
            pair.server.handle_packet(pair.now, packet);
            prop_assert!(pair.answers().iter().all(|answer| answer.len() <= PACKET_LEN_MAX));
            pair.now += Duration::from_millis(100);
            pair.server.handle_timeout(pair.now);
            let _ = pair.server.send(&STREAM, Kind::Binary, &Bytes::from_static(b"still there?"));
        }
    }
}
