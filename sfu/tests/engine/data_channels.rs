//! Data channels between browsers (str0m) over networks that lose.

use std::time::Duration;

use plenum_sfu::engine::{limits::Limits, transport::sctp::DataRate};
use plenum_shared::command::{RefusalReason, Reply, RoomCommand};
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

struct Listener {
    person: usize,
    consumer: DataConsumerId,
    channel: ChannelId,
}

fn config(stream: SctpStreamParameters) -> ChannelConfig {
    let reliability = match stream.max_retransmits {
        Some(retransmits) => Reliability::MaxRetransmits { retransmits },
        None => Reliability::Reliable,
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

    /// Whether the browser took it.
    fn say(&mut self, binary: bool, payload: &[u8]) -> bool {
        let browser = self.meeting.people[0].send.browser.as_mut().unwrap();
        browser.rtc.channel(self.out).expect("an open channel").write(binary, payload).unwrap()
    }

    fn heard(&self, listener: usize) -> Vec<Message> {
        let Listener { person, channel, .. } = self.listeners[listener];
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
fn text_and_bytes_and_empty_messages_arrive_as_they_were_sent() {
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
    let transport = talk.meeting.people[talk.listeners[0].person].receive.transport;
    let (consumer, producer) = (DataConsumerId(talk.meeting.id()), talk.producer);
    let refused = talk.meeting.command(RoomCommand::ConsumeData { transport, consumer, producer });
    assert_eq!(refused.unwrap_err().reason, RefusalReason::LimitReached);
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
