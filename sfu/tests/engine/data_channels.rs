//! Data channels between browsers (str0m) over networks that lose.

use std::time::Duration;

use plenum_sfu::engine::{limits::Limits, transport::sctp::DataRate};
use plenum_shared::command::{RefusalReason, Reply, RoomCommand};
use plenum_shared::details::{DataChannelState, Traffic};
use plenum_shared::event::{DataCloseReason, Event};
use plenum_shared::id::{DataConsumerId, DataProducerId};
use plenum_shared::media::Direction;
use plenum_shared::transport::SctpStreamParameters;
use str0m::channel::{ChannelConfig, ChannelId, Reliability};

use crate::meeting::Meeting;

const RELIABLE: SctpStreamParameters =
    SctpStreamParameters { stream_id: 1, ordered: true, max_packet_life_time: None, max_retransmits: None };
const LOSSY: SctpStreamParameters =
    SctpStreamParameters { ordered: false, max_retransmits: Some(0), ..RELIABLE };

/// What somebody got: text or bytes.
type Message = (bool, Vec<u8>);

struct Talk {
    meeting: Meeting,
    producer: DataProducerId,
    out: ChannelId,
    listeners: Vec<Listener>,
}

/// A second channel between the same two.
struct Neighbour {
    out: ChannelId,
    listener: Listener,
}

struct Listener {
    person: usize,
    consumer: DataConsumerId,
    channel: ChannelId,
}

fn config(stream: SctpStreamParameters) -> ChannelConfig {
    let reliability = match (stream.max_packet_life_time, stream.max_retransmits) {
        (Some(lifetime), _) => Reliability::MaxPacketLifetime { lifetime },
        (None, Some(retransmits)) => Reliability::MaxRetransmits { retransmits },
        (None, None) => Reliability::Reliable,
    };
    ChannelConfig {
        ordered: stream.ordered,
        reliability,
        negotiated: Some(stream.stream_id),
        ..ChannelConfig::default()
    }
}

impl Talk {
    /// Person 0 talks, and `listeners` hear.
    fn new(limits: Limits, stream: SctpStreamParameters, listeners: usize) -> Self {
        let mut meeting = Meeting::with(3, limits);
        meeting.join();
        meeting.connect(0, Direction::Send);
        let producer = DataProducerId(meeting.id());
        let transport = meeting.people[0].send.transport;
        meeting.command(RoomCommand::ProduceData { transport, producer, stream }).unwrap();
        let out = open(&mut meeting, 0, Direction::Send, stream);
        let mut talk = Talk { meeting, producer, out, listeners: Vec::new() };
        (0..listeners).for_each(|_| talk.listen());
        talk.meeting.run(Duration::from_secs(5));
        talk
    }

    fn listen(&mut self) {
        let meeting = &mut self.meeting;
        let person = meeting.join();
        meeting.connect(person, Direction::Recv);
        let consumer = DataConsumerId(meeting.id());
        let transport = meeting.people[person].receive.transport;
        let consume = RoomCommand::ConsumeData { transport, consumer, producer: self.producer };
        let Ok(Reply::DataConsumed { stream }) = meeting.command(consume) else { panic!("refused") };
        let channel = open(meeting, person, Direction::Recv, stream);
        self.listeners.push(Listener { person, consumer, channel });
    }

    /// Why somebody does not get another channel.
    fn consume_refused(&mut self, person: usize, producer: DataProducerId) -> RefusalReason {
        let transport = self.meeting.people[person].receive.transport;
        let consumer = DataConsumerId(self.meeting.id());
        let consume = RoomCommand::ConsumeData { transport, consumer, producer };
        self.meeting.command(consume).unwrap_err().reason
    }

    /// Another channel of person 0, to the first listener.
    fn neighbour(&mut self, stream: SctpStreamParameters) -> Neighbour {
        let meeting = &mut self.meeting;
        let (producer, consumer) = (DataProducerId(meeting.id()), DataConsumerId(meeting.id()));
        let transport = meeting.people[0].send.transport;
        meeting.command(RoomCommand::ProduceData { transport, producer, stream }).unwrap();
        let person = self.listeners[0].person;
        let transport = meeting.people[person].receive.transport;
        let consumed = meeting.command(RoomCommand::ConsumeData { transport, consumer, producer });
        let Ok(Reply::DataConsumed { stream: theirs }) = consumed else { panic!("{consumed:?}") };
        let out = open(meeting, 0, Direction::Send, stream);
        let channel = open(meeting, person, Direction::Recv, theirs);
        meeting.run(Duration::from_secs(1));
        Neighbour { out, listener: Listener { person, consumer, channel } }
    }

    /// Whether the browser took it.
    fn say(&mut self, binary: bool, payload: &[u8]) -> bool {
        self.say_by(self.out, binary, payload)
    }

    fn say_by(&mut self, out: ChannelId, binary: bool, payload: &[u8]) -> bool {
        let browser = self.meeting.people[0].send.browser.as_mut().unwrap();
        browser.rtc.channel(out).expect("an open channel").write(binary, payload).unwrap()
    }

    fn heard(&self, listener: usize) -> Vec<Message> {
        self.heard_at(&self.listeners[listener])
    }

    fn heard_by(&self, neighbour: &Neighbour) -> Vec<Message> {
        self.heard_at(&neighbour.listener)
    }

    fn heard_at(&self, listener: &Listener) -> Vec<Message> {
        let &Listener { person, channel, .. } = listener;
        let browser = self.meeting.people[person].receive.browser.as_ref().unwrap();
        let data = browser.events.iter().filter_map(|(_, event)| match event {
            str0m::Event::ChannelData(data) if data.id == channel => Some((data.binary, data.data.clone())),
            _ => None,
        });
        data.collect()
    }
}

fn open(
    meeting: &mut Meeting,
    person: usize,
    direction: Direction,
    stream: SctpStreamParameters,
) -> ChannelId {
    let person = &mut meeting.people[person];
    let connection = if direction == Direction::Send { &mut person.send } else { &mut person.receive };
    let mut api = connection.browser.as_mut().unwrap().rtc.direct_api();
    api.start_sctp(true);
    api.create_data_channel(config(stream))
}

#[test]
fn messages_are_counted_for_whoever_says_them_and_whoever_hears_them() {
    let mut talk = Talk::new(Limits::default(), RELIABLE, 2);
    for payload in [&[1; 100][..], &[2; 2000]] {
        assert!(talk.say(true, payload));
    }
    talk.meeting.run(Duration::from_secs(1));
    let both = Traffic { count: 2, bytes: 2100 };
    let of_speaker = talk.meeting.details(0);
    assert_eq!(of_speaker.transports[0].data_received, both);
    let of_listener = talk.meeting.details(talk.listeners[1].person);
    let data_sent: Vec<_> = of_listener.transports.iter().map(|transport| transport.data_sent).collect();
    assert_eq!(data_sent, [Traffic::default(), both]);
    let [channel] = &of_speaker.data_producers[..] else { panic!("{of_speaker:?}") };
    assert_eq!((channel.producer, channel.stream_id), (talk.producer, RELIABLE.stream_id));
    assert_eq!((channel.state, channel.received), (DataChannelState::Open, both));
    let [subscription] = &of_listener.data_consumers[..] else { panic!("{of_listener:?}") };
    assert_eq!((subscription.consumer, subscription.producer), (talk.listeners[1].consumer, talk.producer));
    assert_eq!((subscription.state, subscription.sent), (DataChannelState::Open, both));
    assert_eq!((subscription.dropped, subscription.buffered), (Traffic::default(), 0));
    let sent = talk.meeting.engine.counters().sent;
    assert!(sent.data.count >= 6 && sent.data.bytes > 2 * 2100, "{sent:?}");
}

#[test]
fn channels_beside_each_other_are_counted_each_by_itself() {
    let mut talk = Talk::new(Limits::default(), RELIABLE, 1);
    let neighbour = talk.neighbour(SctpStreamParameters { stream_id: 2, ..RELIABLE });
    assert!(talk.say(true, &[1; 10]));
    assert!(talk.say_by(neighbour.out, true, &[2; 300]));
    assert!(talk.say_by(neighbour.out, true, &[2; 300]));
    talk.meeting.run(Duration::from_secs(1));
    let expected = [Traffic { count: 1, bytes: 10 }, Traffic { count: 2, bytes: 600 }];
    let received: Vec<_> = talk.meeting.details(0).data_producers.iter().map(|one| one.received).collect();
    assert_eq!(received, expected);
    let details = talk.meeting.details(talk.listeners[0].person);
    assert_eq!(details.data_consumers.iter().map(|one| one.sent).collect::<Vec<_>>(), expected);
}

#[test]
fn text_and_bytes_arrive_as_they_were_sent() {
    let mut talk = Talk::new(Limits::default(), RELIABLE, 2);
    let large = vec![7; 60_000];
    let sent: [(bool, &[u8]); 4] = [(false, b"hello"), (true, &[0, 1, 255]), (true, &large), (false, b"end")];
    for (binary, payload) in sent {
        assert!(talk.say(binary, payload));
        talk.meeting.run(Duration::from_secs(2));
    }
    for listener in 0..2 {
        let expected: Vec<Message> = sent.iter().map(|(binary, bytes)| (*binary, bytes.to_vec())).collect();
        assert_eq!(talk.heard(listener), expected);
    }
}

#[test]
fn reliable_messages_all_arrive_in_order_where_a_tenth_of_the_datagrams_is_lost() {
    let mut talk = Talk::new(Limits::default(), RELIABLE, 1);
    talk.meeting.network.loss_percent = 10;
    for number in 0..200_u32 {
        assert!(talk.say(true, &number.to_be_bytes()));
        talk.meeting.run(Duration::from_millis(20));
    }
    talk.meeting.run(Duration::from_secs(30));
    let expected: Vec<Message> = (0..200_u32).map(|number| (true, number.to_be_bytes().to_vec())).collect();
    assert_eq!(talk.heard(0), expected);
}

#[test]
fn lossy_messages_are_lost_and_the_channel_goes_on() {
    let mut talk = Talk::new(Limits::default(), LOSSY, 1);
    talk.meeting.network.loss_percent = 10;
    for number in 0..200_u32 {
        assert!(talk.say(true, &number.to_be_bytes()));
        talk.meeting.run(Duration::from_millis(20));
    }
    talk.meeting.network.loss_percent = 0;
    talk.meeting.run(Duration::from_secs(10));
    let heard = talk.heard(0).len();
    assert!((100..200).contains(&heard), "{heard} of 200");
    assert!(talk.say(true, b"still here"));
    talk.meeting.run(Duration::from_secs(2));
    assert_eq!(talk.heard(0).last(), Some(&(true, b"still here".to_vec())));
}

#[test]
fn messages_with_a_lifetime_are_not_sent_after_it_and_those_without_are() {
    let timed = SctpStreamParameters { max_packet_life_time: Some(300), ..RELIABLE };
    for (stream, expected) in [(timed, vec![b"before".to_vec(), b"after".to_vec()]), (RELIABLE, vec![])] {
        let mut talk = Talk::new(Limits::default(), stream, 1);
        let address = talk.meeting.people[talk.listeners[0].person].receive.address;
        assert!(talk.say(true, b"before"));
        talk.meeting.run(Duration::from_secs(1));
        talk.meeting.network.lossy = vec![(address, 100)];
        for number in 0..20_u8 {
            assert!(talk.say(true, &[number]));
            talk.meeting.run(Duration::from_millis(100));
        }
        talk.meeting.run(Duration::from_secs(2));
        talk.meeting.network.lossy.clear();
        talk.meeting.run(Duration::from_secs(20));
        assert!(talk.say(true, b"after"));
        talk.meeting.run(Duration::from_secs(10));
        let heard: Vec<_> = talk.heard(0).into_iter().map(|(_, payload)| payload).collect();
        match stream == timed {
            true => assert_eq!(heard, expected),
            false => assert_eq!(heard.len(), 22),
        }
    }
}

#[test]
fn a_lossy_channel_that_is_full_drops_and_goes_on_and_its_reliable_neighbour_loses_nothing() {
    let data_rate = DataRate { bytes_per_second: 4 << 20, messages_per_second: 1000 };
    let mut talk = Talk::new(Limits { data_rate, ..Limits::default() }, LOSSY, 1);
    let neighbour = talk.neighbour(SctpStreamParameters { stream_id: 2, ..RELIABLE });
    let address = talk.meeting.people[talk.listeners[0].person].receive.address;
    talk.meeting.network.lossy = vec![(address, 100)];
    let mut sent = 0;
    for number in 0..40_u8 {
        sent += usize::from(talk.say(true, &[number; 20_000]));
        assert!(talk.say_by(neighbour.out, true, &[number]));
        talk.meeting.run(Duration::from_millis(100));
    }
    let dropped = talk.meeting.engine.counters().data_dropped_full;
    assert!(sent >= 30 && dropped > 0, "{dropped} dropped of {sent}");
    let person = talk.listeners[0].person;
    let [full, beside] = &talk.meeting.details(person).data_consumers[..] else { panic!("two") };
    assert_eq!(full.dropped, Traffic { count: dropped, bytes: dropped * 20_000 });
    assert!(full.buffered > 20_000, "{full:?}");
    assert_eq!((beside.sent.count, beside.dropped.count), (40, 0));
    talk.meeting.network.lossy.clear();
    talk.meeting.run(Duration::from_secs(30));
    assert!(talk.say(false, b"and on"));
    talk.meeting.run(Duration::from_secs(5));
    assert_eq!(talk.heard(0).last(), Some(&(false, b"and on".to_vec())));
    let expected: Vec<Message> = (0..40_u8).map(|number| (true, vec![number])).collect();
    assert_eq!(talk.heard_by(&neighbour), expected);
    let closed = talk.meeting.events.iter().any(|event| matches!(event, Event::DataConsumerClosed { .. }));
    assert!(!closed);
    let waiting = talk.meeting.details(person).data_consumers.iter().map(|one| one.buffered).sum::<u64>();
    assert_eq!(waiting, 0, "everything was acknowledged or given up");
}

#[test]
fn channels_that_a_client_opens_by_itself_are_counted_and_nobody_elses() {
    let mut talk = Talk::new(Limits::default(), RELIABLE, 1);
    let browser = talk.meeting.people[0].send.browser.as_mut().unwrap();
    browser.rtc.direct_api().create_data_channel(ChannelConfig { negotiated: None, ..config(RELIABLE) });
    talk.meeting.run(Duration::from_secs(2));
    assert_eq!(talk.meeting.engine.counters().data_dropped_unknown_kind, 1);
    assert!(talk.say(false, b"as before"));
    talk.meeting.run(Duration::from_secs(2));
    assert_eq!(talk.heard(0), [(false, b"as before".to_vec())]);
}

#[test]
fn another_group_hears_nothing() {
    let mut talk = Talk::new(Limits::default(), RELIABLE, 2);
    let session = talk.meeting.people[talk.listeners[1].person].session;
    talk.meeting.command(RoomCommand::SetSessionGroup { session, group: 2 }).unwrap();
    assert!(talk.say(false, b"for the main room"));
    talk.meeting.run(Duration::from_secs(1));
    assert_eq!(talk.heard(0).len(), 1);
    assert_eq!(talk.heard(1), []);
}

#[test]
fn whoever_sends_too_much_waits_and_nothing_is_lost() {
    let data_rate = DataRate { bytes_per_second: 1 << 20, messages_per_second: 10 };
    let mut talk = Talk::new(Limits { data_rate, ..Limits::default() }, RELIABLE, 1);
    for number in 0..100_u32 {
        assert!(talk.say(true, &number.to_be_bytes()));
    }
    talk.meeting.run(Duration::from_secs(4));
    let early = talk.heard(0).len();
    assert!((40..=65).contains(&early), "{early} messages in four seconds");
    talk.meeting.run(Duration::from_secs(6));
    let expected: Vec<Message> = (0..100_u32).map(|number| (true, number.to_be_bytes().to_vec())).collect();
    assert_eq!(talk.heard(0), expected);
}

#[test]
fn a_receiver_that_does_not_read_loses_its_channel_and_the_others_go_on() {
    let data_rate = DataRate { bytes_per_second: 4 << 20, messages_per_second: 1000 };
    let mut talk = Talk::new(Limits { data_rate, ..Limits::default() }, RELIABLE, 2);
    let gone = talk.listeners[0].person;
    talk.meeting.people[gone].receive.browser = None;
    let mut sent = 0;
    for _ in 0..40 {
        sent += usize::from(talk.say(true, &[1; 50_000]));
        talk.meeting.run(Duration::from_millis(300));
    }
    let slow = talk.meeting.events.iter().filter(|event| {
        matches!(event, Event::DataConsumerClosed { consumer, reason: DataCloseReason::Slow, .. }
            if *consumer == talk.listeners[0].consumer)
    });
    assert_eq!(slow.count(), 1);
    assert!(sent > 30);
    assert_eq!(talk.heard(1).len(), sent);
}

#[test]
fn a_channel_closed_by_its_sender_is_over_for_everybody() {
    let mut talk = Talk::new(Limits::default(), RELIABLE, 1);
    assert!(talk.say(false, b"bye"));
    talk.meeting.run(Duration::from_secs(1));
    let out = talk.out;
    talk.meeting.people[0].send.browser.as_mut().unwrap().rtc.direct_api().close_data_channel(out);
    talk.meeting.run(Duration::from_secs(2));
    let told = talk.meeting.events.iter().any(|event| {
        matches!(event, Event::DataProducerClosed { producer, reason: DataCloseReason::StreamClosed, .. }
            if *producer == talk.producer)
    });
    assert!(told);
    let consumer = talk.listeners[0].consumer;
    let refused = talk.meeting.command(RoomCommand::CloseDataConsumer { consumer }).unwrap_err();
    assert_eq!(refused.reason, RefusalReason::UnknownConsumer);
    let person = &talk.meeting.people[talk.listeners[0].person];
    let browser = person.receive.browser.as_ref().unwrap();
    assert!(browser.events.iter().any(|(_, event)| matches!(event, str0m::Event::ChannelClose(_))));
}

#[test]
fn channels_that_carried_nothing_are_closed_too() {
    let mut talk = Talk::new(Limits::default(), RELIABLE, 1);
    let neighbour = talk.neighbour(SctpStreamParameters { stream_id: 2, ..RELIABLE });
    // One is closed by its sender, the other by signalling.
    talk.meeting.people[0].send.browser.as_mut().unwrap().rtc.direct_api().close_data_channel(neighbour.out);
    talk.meeting.command(RoomCommand::CloseDataProducer { producer: talk.producer }).unwrap();
    talk.meeting.run(Duration::from_secs(2));
    let closed = |event: &Event| {
        matches!(event, Event::DataProducerClosed { reason: DataCloseReason::StreamClosed, .. })
    };
    assert_eq!(talk.meeting.events.iter().filter(|event| closed(event)).count(), 1);
    let person = &talk.meeting.people[talk.listeners[0].person];
    for channel in [talk.listeners[0].channel, neighbour.listener.channel] {
        let is_closed =
            |event: &str0m::Event| matches!(event, str0m::Event::ChannelClose(id) if *id == channel);
        let events = &person.receive.browser.as_ref().unwrap().events;
        assert!(events.iter().any(|(_, event)| is_closed(event)));
    }
}

#[test]
fn what_is_beyond_a_bound_is_refused() {
    let limits =
        Limits { data_producers_per_transport: 1, data_consumers_per_producer: 1, ..Limits::default() };
    let mut talk = Talk::new(limits, RELIABLE, 1);
    let transport = talk.meeting.people[0].send.transport;
    let mut produce = |stream| {
        let producer = DataProducerId(talk.meeting.id());
        talk.meeting.command(RoomCommand::ProduceData { transport, producer, stream }).unwrap_err().reason
    };
    let other = SctpStreamParameters { stream_id: 2, ..RELIABLE };
    assert_eq!(produce(other), RefusalReason::LimitReached);
    assert_eq!(produce(RELIABLE), RefusalReason::Invalid);
    assert_eq!(produce(SctpStreamParameters { stream_id: 1024, ..RELIABLE }), RefusalReason::Invalid);
    let both = SctpStreamParameters { max_packet_life_time: Some(1), max_retransmits: Some(1), ..other };
    assert_eq!(produce(both), RefusalReason::Invalid);
    assert_eq!(talk.consume_refused(0, talk.producer), RefusalReason::LimitReached);
}

#[test]
fn a_room_has_so_many_data_producers_and_a_transport_so_many_data_consumers() {
    let limits = Limits { data_producers_per_room: 2, data_consumers_per_transport: 1, ..Limits::default() };
    let mut talk = Talk::new(limits, RELIABLE, 1);
    let somebody = talk.listeners[0].person;
    let mut produce = |stream_id| {
        let producer = DataProducerId(talk.meeting.id());
        let transport = talk.meeting.people[somebody].send.transport;
        let stream = SctpStreamParameters { stream_id, ..RELIABLE };
        let done = talk.meeting.command(RoomCommand::ProduceData { transport, producer, stream });
        done.map(|_| producer).map_err(|refusal| refusal.reason)
    };
    let second = produce(1).unwrap();
    assert_eq!(produce(2), Err(RefusalReason::LimitReached));
    assert_eq!(talk.consume_refused(somebody, second), RefusalReason::LimitReached);
    // Room is made by whoever goes.
    talk.meeting.command(RoomCommand::CloseDataProducer { producer: talk.producer }).unwrap();
    let transport = talk.meeting.people[somebody].receive.transport;
    let consumer = DataConsumerId(talk.meeting.id());
    talk.meeting.command(RoomCommand::ConsumeData { transport, consumer, producer: second }).unwrap();
}

#[test]
fn a_transport_that_ends_takes_its_channels_along() {
    let mut talk = Talk::new(Limits::default(), RELIABLE, 1);
    let transport = talk.meeting.people[0].send.transport;
    talk.meeting.command(RoomCommand::CloseTransport { transport }).unwrap();
    let producer = talk.producer;
    let refused = talk.meeting.command(RoomCommand::CloseDataProducer { producer }).unwrap_err();
    assert_eq!(refused.reason, RefusalReason::UnknownProducer);
    talk.meeting.run(Duration::from_secs(1));
}
