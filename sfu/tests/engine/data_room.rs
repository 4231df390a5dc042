//! A data channel from one hand-made peer to another, through the whole engine.

use std::time::{Duration, Instant};

use plenum_sfu::engine::{limits::Limits, transport::sctp::DataRate};
use plenum_shared::command::{RefusalReason, Reply, Response, RoomCommand};
use plenum_shared::event::{CloseReason, DataCloseReason, Event};
use plenum_shared::id::{DataConsumerId, DataProducerId, SessionId, TransportId};
use plenum_shared::media::{Direction, Kind as MediaKind, Source};
use plenum_shared::transport::SctpStreamParameters;
use sctp_proto::PayloadProtocolIdentifier as Kind;

use crate::room::{Room, one_by_one};
use crate::sctp_client::SctpClient;
use crate::tracks::single;

const STREAM: SctpStreamParameters =
    SctpStreamParameters { stream_id: 5, ordered: true, max_packet_life_time: None, max_retransmits: None };
const STEP: Duration = Duration::from_millis(5);

/// A peer with an association.
pub struct End {
    pub link: usize,
    pub sctp: SctpClient,
}

pub struct DataTalk {
    pub room: Room,
    pub from: End,
    pub to: End,
    producer: DataProducerId,
    consumer: DataConsumerId,
    theirs: SctpStreamParameters,
}

impl DataTalk {
    pub fn new() -> Self {
        Self::with(Limits::default())
    }

    fn with(limits: Limits) -> Self {
        let mut room = Room::with(limits);
        let (from, to) = (room.link(Direction::Send), room.link(Direction::Recv));
        Self::between(room, from, to)
    }

    /// From one worker to another.
    fn across() -> Self {
        let mut room = Room::on_workers(2, one_by_one());
        room.open_branch(1);
        let (from, to) = (room.link(Direction::Send), room.viewer_on(1));
        Self::between(room, from, to)
    }

    fn between(mut room: Room, from: usize, to: usize) -> Self {
        let ids = (DataProducerId(room.uuid()), DataConsumerId(room.uuid()));
        let theirs = channel(&mut room, [from, to], ids);
        let [from, to] = [from, to].map(|link| End { link, sctp: SctpClient::new() });
        let mut talk = DataTalk { room, from, to, producer: ids.0, consumer: ids.1, theirs };
        talk.run(1000);
        assert!(talk.from.sctp.is_connected() && talk.to.sctp.is_connected());
        talk
    }

    pub fn say(&mut self, kind: Kind, payload: &[u8]) {
        self.from.sctp.send(STREAM.stream_id, kind, payload);
    }

    pub fn run(&mut self, ms: u64) {
        let end = self.room.now + Duration::from_millis(ms);
        while self.room.now < end {
            self.room.run(STEP.as_millis() as u64);
            self.act();
        }
    }

    /// Both do what is due, and hear each other out.
    pub fn act(&mut self) {
        for End { link, sctp } in [&mut self.from, &mut self.to] {
            sctp.handle_timeout(self.room.now);
            exchange(&mut self.room, *link, sctp);
        }
    }

    /// Another consumer, in place of one that was closed.
    fn consume_again(&mut self) -> Response {
        let consumer = DataConsumerId(self.room.uuid());
        let (transport, producer) = (self.room.links[self.to.link].transport, self.producer);
        let consume = RoomCommand::ConsumeData { transport, consumer, producer };
        self.room.command_of(self.to.link, consume)
    }

    fn closed_for(&self, reason: DataCloseReason) -> bool {
        self.room.events.iter().any(|event| match event {
            Event::DataProducerClosed { producer, reason: told, .. } => {
                (*producer, *told) == (self.producer, reason)
            }
            Event::DataConsumerClosed { consumer, reason: told, .. } => {
                (*consumer, *told) == (self.consumer, reason)
            }
            _ => false,
        })
    }
}

fn channel(
    room: &mut Room,
    [from, to]: [usize; 2],
    (producer, consumer): (DataProducerId, DataConsumerId),
) -> SctpStreamParameters {
    let transport = room.links[from].transport;
    room.command(RoomCommand::ProduceData { transport, producer, stream: STREAM }).unwrap();
    let transport = room.links[to].transport;
    let consumed = room.command_of(to, RoomCommand::ConsumeData { transport, consumer, producer });
    let Ok(Reply::DataConsumed { stream }) = consumed else { panic!("{consumed:?}") };
    stream
}

fn exchange(room: &mut Room, link: usize, sctp: &mut SctpClient) {
    loop {
        let packets = sctp.poll(room.now);
        packets.iter().for_each(|packet| room.send_data(link, packet));
        let received = room.received_data(link);
        let now: Instant = room.now;
        let is_quiet = packets.is_empty() && received.is_empty();
        received.into_iter().for_each(|packet| sctp.handle(now, packet.into()));
        if is_quiet {
            return;
        }
    }
}

#[test]
fn messages_of_any_kind_and_size_pass_through() {
    let mut talk = DataTalk::new();
    let large = vec![9; 200_000];
    let sent = [
        (Kind::String, &b"text"[..]),
        (Kind::StringEmpty, &[0]),
        (Kind::BinaryEmpty, &[0]),
        (Kind::Binary, &large),
        (Kind::Binary, &[1]),
    ];
    sent.iter().for_each(|(kind, payload)| talk.say(*kind, payload));
    talk.run(5000);
    let expected = sent.map(|(kind, payload)| (talk.theirs.stream_id, kind, payload.to_vec()));
    assert_eq!(talk.to.sctp.received, expected);
}

#[test]
fn messages_cross_to_a_viewer_on_another_worker_and_only_within_the_group() {
    let mut talk = DataTalk::across();
    let large = vec![9; 200_000];
    talk.say(Kind::String, b"text");
    talk.say(Kind::Binary, &large);
    talk.run(3000);
    let expected = [(Kind::String, b"text".to_vec()), (Kind::Binary, large)];
    assert_eq!(talk.to.sctp.received, expected.map(|(kind, payload)| (talk.theirs.stream_id, kind, payload)));
    let session = talk.room.links[talk.from.link].session;
    talk.room.command(RoomCommand::SetSessionGroup { session, group: 1 }).unwrap();
    talk.say(Kind::String, b"elsewhere");
    talk.run(500);
    assert_eq!(talk.to.sctp.received.len(), 2);
    talk.room.command(RoomCommand::SetSessionGroup { session, group: 0 }).unwrap();
    talk.say(Kind::String, b"back");
    talk.run(500);
    assert_eq!(talk.to.sctp.received.len(), 3);
    let closing = talk.producer;
    talk.room.command(RoomCommand::CloseDataProducer { producer: closing }).unwrap();
    let refused = talk.consume_again().unwrap_err();
    assert_eq!(refused.reason, RefusalReason::UnknownProducer, "it is closed there too");
}

#[test]
fn a_message_for_which_there_is_no_room_between_workers_ends_what_relies_on_it() {
    let mut talk = DataTalk::across();
    talk.room.wires.refuse_data(1);
    talk.say(Kind::String, b"lost");
    talk.run(500);
    assert!(talk.closed_for(DataCloseReason::Slow));
    assert_eq!(talk.to.sctp.received, []);
    let again = talk.consume_again().unwrap();
    let Reply::DataConsumed { stream } = again else { panic!("{again:?}") };
    talk.say(Kind::String, b"heard");
    talk.run(500);
    assert_eq!(talk.to.sctp.received, [(stream.stream_id, Kind::String, b"heard".to_vec())]);
}

#[test]
fn a_message_that_is_lost_between_workers_ends_nothing_in_other_groups() {
    let mut talk = DataTalk::across();
    let session = talk.room.links[talk.to.link].session;
    talk.room.command(RoomCommand::SetSessionGroup { session, group: 3 }).unwrap();
    talk.room.wires.refuse_data(1);
    talk.say(Kind::String, b"lost");
    talk.run(500);
    assert!(!talk.closed_for(DataCloseReason::Slow), "it was not for him");
    talk.room.command(RoomCommand::SetSessionGroup { session, group: 0 }).unwrap();
    talk.say(Kind::String, b"heard");
    talk.run(500);
    let expected = (talk.theirs.stream_id, Kind::String, b"heard".to_vec());
    assert_eq!(talk.to.sctp.received, [expected]);
}

#[test]
fn messages_without_room_between_workers_are_told_once_until_there_is_room_again() {
    let mut talk = DataTalk::across();
    talk.room.wires.crossed();
    talk.room.wires.refuse_data(3);
    talk.room.wires.hold(true);
    (0..3).for_each(|_| talk.say(Kind::String, b"lost"));
    talk.act();
    assert_eq!(talk.room.engine.counters().data_messages_received, 3);
    assert_eq!(talk.room.wires.crossed(), (0, 1), "what there is no room for does not make more of it");
    assert_eq!(talk.room.engine.counters().data_dropped_full, 2);
    talk.room.wires.hold(false);
    talk.run(500);
    assert!(talk.closed_for(DataCloseReason::Slow));
    // Whoever subscribes anew hears of what is lost from then on.
    talk.consume_again().unwrap();
    talk.room.events.clear();
    talk.room.wires.refuse_data(1);
    talk.say(Kind::String, b"lost again");
    talk.run(500);
    let ended =
        |event: &Event| matches!(event, Event::DataConsumerClosed { reason: DataCloseReason::Slow, .. });
    assert_eq!(talk.room.events.iter().filter(|event| ended(event)).count(), 1);
}

#[test]
fn a_message_that_is_too_large_ends_the_channel_of_its_sender_alone() {
    let mut talk = DataTalk::new();
    talk.say(Kind::Binary, &vec![9; 300_000]);
    talk.run(2000);
    assert!(talk.closed_for(DataCloseReason::AssociationLost));
    assert!(talk.from.sctp.is_lost && talk.to.sctp.is_connected());
    assert_eq!(talk.to.sctp.received, []);
}

#[test]
fn after_its_association_was_lost_a_client_can_have_another_and_channels_on_it() {
    let mut talk = DataTalk::new();
    talk.say(Kind::Binary, &vec![9; 300_000]);
    talk.run(2000);
    talk.from.sctp = SctpClient::new();
    let ids = (DataProducerId(talk.room.uuid()), DataConsumerId(talk.room.uuid()));
    let theirs = channel(&mut talk.room, [talk.from.link, talk.to.link], ids);
    talk.run(1000);
    talk.say(Kind::String, b"again");
    talk.run(1000);
    assert_eq!(talk.to.sctp.received, [(theirs.stream_id, Kind::String, b"again".to_vec())]);
}

/// Many who get what is said, and all saved up that a client may.
fn crowd() -> DataTalk {
    let mut talk = DataTalk::new();
    for _ in 0..40 {
        let link = talk.room.link(Direction::Recv);
        let (transport, producer) = (talk.room.links[link].transport, talk.producer);
        let consumer = DataConsumerId(talk.room.uuid());
        talk.room.command(RoomCommand::ConsumeData { transport, consumer, producer }).unwrap();
    }
    talk.run(3000);
    talk
}

#[test]
fn long_messages_for_many_are_taken_in_as_slowly_as_their_packets_cost() {
    let mut talk = crowd();
    (0..40).for_each(|_| talk.say(Kind::Binary, &[7; 10_000]));
    talk.run(100);
    // 41 copies of 9 packets of 10 µs each are 3.7 ms.
    let taken = talk.room.engine.counters().data_messages_received;
    assert!((10..=30).contains(&taken), "{taken} of 40");
    talk.run(200);
    assert_eq!(talk.room.engine.counters().data_messages_received, 40);
}

#[test]
fn a_burst_of_messages_for_many_is_taken_in_a_few_at_a_time() {
    let mut talk = crowd();
    (0..150).for_each(|_| talk.say(Kind::Binary, &[7]));
    talk.act();
    let taken = talk.room.engine.counters().data_messages_received;
    assert!((1..=10).contains(&taken), "{taken} at once");
    talk.run(500);
    assert_eq!(talk.room.engine.counters().data_messages_received, 150);
    assert_eq!(talk.to.sctp.received.len(), 150);
}

#[test]
fn a_viewer_that_reads_nothing_cannot_have_ever_more_kept_for_it() {
    let mut talk = DataTalk::new();
    let mut consumed = 1;
    let refused = loop {
        // More than may wait: the channel is closed as slow, and what it had been given waits on.
        (0..12).for_each(|_| talk.say(Kind::Binary, &[7; 100_000]));
        for _ in 0..800 {
            talk.room.run(STEP.as_millis() as u64);
            talk.from.sctp.handle_timeout(talk.room.now);
            exchange(&mut talk.room, talk.from.link, &mut talk.from.sctp);
        }
        match talk.consume_again() {
            Ok(_) => consumed += 1,
            Err(refusal) => break refusal.reason,
        }
        assert!(consumed < 5);
    };
    assert_eq!(refused, RefusalReason::LimitReached);
    assert!(talk.closed_for(DataCloseReason::Slow));
    talk.run(10_000);
    talk.consume_again().unwrap();
}

#[test]
fn a_receiver_whose_association_ends_loses_its_consumer_and_the_producer_stays() {
    let mut talk = DataTalk::new();
    talk.to.sctp.association.shutdown().unwrap();
    talk.run(2000);
    assert!(talk.closed_for(DataCloseReason::AssociationLost));
    let consumer = DataConsumerId(talk.room.uuid());
    let (transport, producer) = (talk.room.links[talk.to.link].transport, talk.producer);
    talk.room.command(RoomCommand::ConsumeData { transport, consumer, producer }).unwrap();
}

#[test]
fn a_transport_gets_the_messages_of_a_data_producer_once() {
    let mut talk = DataTalk::new();
    let (transport, producer) = (talk.room.links[talk.to.link].transport, talk.producer);
    let consume = |room: &mut Room| {
        let consumer = DataConsumerId(room.uuid());
        room.command(RoomCommand::ConsumeData { transport, consumer, producer })
    };
    let refused = consume(&mut talk.room).unwrap_err();
    assert_eq!(refused.reason, RefusalReason::AlreadyExists);
    talk.say(Kind::String, b"once");
    talk.run(100);
    assert_eq!(talk.to.sctp.received.len(), 1);
    // Whoever gave it up may have it again.
    talk.room.command(RoomCommand::CloseDataConsumer { consumer: talk.consumer }).unwrap();
    consume(&mut talk.room).unwrap();
}

/// A transport to receive by that was connected and does nothing more, with a channel of `producer`.
fn silent_viewer(room: &mut Room, session: SessionId, like: usize, producer: DataProducerId) -> TransportId {
    let (transport, consumer) = (TransportId(room.uuid()), DataConsumerId(room.uuid()));
    room.command(RoomCommand::CreateTransport { session, transport, direction: Direction::Recv }).unwrap();
    let dtls = room.dtls_parameters(like);
    room.command(RoomCommand::ConnectTransport { transport, dtls }).unwrap();
    room.command(RoomCommand::ConsumeData { transport, consumer, producer }).unwrap();
    transport
}

#[test]
fn a_viewer_whose_time_to_connect_is_over_does_not_disturb_the_end_of_what_it_gets() {
    let ends = |room: &Room, link: usize, producer| {
        let (session, transport) = (room.links[link].session, room.links[link].transport);
        [
            RoomCommand::CloseDataProducer { producer },
            RoomCommand::CloseTransport { transport },
            RoomCommand::CloseSession { session },
            RoomCommand::Close,
        ]
    };
    for end in 0..4 {
        let mut room = Room::new();
        let link = room.link(Direction::Send);
        let producer = DataProducerId(room.uuid());
        let transport = room.links[link].transport;
        room.command(RoomCommand::ProduceData { transport, producer, stream: STREAM }).unwrap();
        // The sender hears itself, and somebody else does.
        let sessions = [room.links[link].session, SessionId(room.uuid())];
        let viewers = sessions.map(|session| silent_viewer(&mut room, session, link, producer));
        let command = ends(&room, link, producer)[end].clone();
        // Late, and before the clock was asked.
        room.now += Duration::from_secs(31);
        room.command(command).unwrap();
        room.run(100);
        let lost = |event: &Event| {
            matches!(event, Event::TransportClosed { transport, reason: CloseReason::NeverConnected, .. }
                if viewers.contains(transport))
        };
        let lost = room.events.iter().filter(|event| lost(event)).count();
        assert_eq!(lost, [2, 2, 1, 0][end], "{end}");
    }
}

#[test]
fn a_picture_after_much_data_does_not_wait_until_that_is_paid_for() {
    let data_rate = DataRate { bytes_per_second: 1 << 20, messages_per_second: 1000 };
    let mut talk = DataTalk::with(Limits { data_rate, ..Limits::default() });
    let (from, to) = (talk.from.link, talk.to.link);
    let camera = talk.room.produce(from, MediaKind::Video, Source::Camera, &single());
    let picture = talk.room.consume(to, camera);
    // The picture is too much for the path, by what its receiver reports: that is what is known of it from now on.
    for number in 1..=50 {
        talk.room.send_video(from, number, number == 1);
        talk.run(20);
    }
    for bitrate_bps in [1_000_000, 200_000] {
        talk.room.send_rtcp(to, |writer| assert!(writer.remb(1, bitrate_bps, &[])));
    }
    talk.room.command(RoomCommand::CloseConsumer { consumer: picture.consumer }).unwrap();
    for _ in 0..100 {
        talk.say(Kind::Binary, &[7; 50_000]);
        talk.run(100);
    }
    assert_eq!(talk.to.sctp.received.len(), 100);
    let picture = talk.room.consume(to, camera);
    talk.room.send_video(from, 51, true);
    talk.run(100);
    assert_eq!(talk.room.received(&picture).len(), 1);
}
