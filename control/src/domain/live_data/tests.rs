//! Data channels as the people of one meeting have them.

use plenum_shared::id::RoomId;
use plenum_shared::media::Direction;

use super::*;
use crate::domain::account::Account;
use crate::domain::admission::Admission;
use crate::domain::fixtures::{account, actor, meeting, now};
use crate::domain::live::Joiner;
use crate::domain::meeting::MeetingStatus;
use crate::domain::role::Role;
use crate::domain::session::LeaveReason;

const STREAM: SctpStreamParameters =
    SctpStreamParameters { stream_id: 7, ordered: true, max_packet_life_time: None, max_retransmits: None };

/// A live meeting with two people who have a transport each way.
struct Pair {
    live: LiveMeeting,
    ada: Session,
    bob: Session,
}

#[derive(Debug, Clone, Copy)]
struct Session {
    id: ParticipantId,
    connection: ConnectionId,
    sends: TransportId,
    receives: TransportId,
}

impl Pair {
    fn new() -> Self {
        let (ada, bob) = (account("ada"), account("bob"));
        let meeting = meeting(&ada, MeetingStatus::Live, &[(&bob, Role::Attendee)]);
        let mut live = LiveMeeting::new(Arc::new(meeting), RoomId::random());
        let (ada, bob) = (enter(&mut live, &ada, 1), enter(&mut live, &bob, 2));
        Self { live, ada, bob }
    }

    fn open(&mut self, who: Session, label: &str) -> (DataProducerId, Vec<Notice>) {
        self.live.may_produce_data(who.connection, who.sends).expect("may open a channel");
        let names = DataNames::new(label, "").expect("short");
        let channel = DataProducer { id: DataProducerId::random(), transport: who.sends, names };
        let id = channel.id;
        (id, self.live.add_data_producer(who.connection, channel).expect("opens"))
    }

    fn receive(&mut self, who: Session, producer: DataProducerId) -> Result<DataConsumerId, DomainError> {
        let reachable = self.live.may_consume_data(who.connection, who.receives, producer)?;
        if let Some(subscription) = reachable.subscription {
            return Ok(subscription.id);
        }
        let (id, transport, stream) = (DataConsumerId::random(), who.receives, STREAM);
        self.live.add_data_consumer(who.connection, DataConsumer { id, transport, producer, stream })?;
        Ok(id)
    }

    fn received_by(&self, who: Session) -> usize {
        self.live.participant(who.id).expect("inside").data_consumers.len()
    }
}

fn enter(live: &mut LiveMeeting, who: &Account, device: u64) -> Session {
    let (id, connection) = (ParticipantId::generate(), ConnectionId(device));
    let joiner = Joiner::over_socket(id, actor(who), who.name.clone(), connection, now());
    live.join(joiner, Admission::Enter, now()).expect("joins");
    let (sends, receives) = (TransportId::random(), TransportId::random());
    live.open_transport(connection, Direction::Send, sends).expect("opens");
    live.open_transport(connection, Direction::Recv, receives).expect("opens");
    Session { id, connection, sends, receives }
}

fn names(notices: &[Notice]) -> Vec<(&'static str, Audience)> {
    notices.iter().map(|notice| (notice.event.name(), notice.audience.clone())).collect()
}

#[test]
fn add_ev_89_add_ev_90_a_channel_is_told_to_the_others_and_its_end_to_everybody() {
    let mut pair = Pair::new();
    let (channel, told) = pair.open(pair.ada, "cursor");
    assert_eq!(names(&told), [("data_producer_added", Audience::AllBut(pair.ada.id))]);
    pair.receive(pair.bob, channel).expect("receives");
    let refused = pair.live.close_data_producer(pair.bob.connection, channel);
    assert_eq!(refused, Err(DomainError::ProducerNotFound), "not his");
    let told = pair.live.close_data_producer(pair.ada.connection, channel).expect("closes");
    assert_eq!(names(&told), [("data_producer_closed", Audience::Everyone)]);
    assert_eq!(pair.received_by(pair.bob), 0);
    assert_eq!(pair.receive(pair.bob, channel), Err(DomainError::ProducerNotFound));
}

#[test]
fn add_ev_85_add_ev_86_a_channel_leaves_by_the_own_transport_to_send_and_comes_by_that_to_receive() {
    let mut pair = Pair::new();
    let (ada, bob) = (pair.ada, pair.bob);
    for wrong in [ada.receives, bob.sends, TransportId::random()] {
        let refused = pair.live.may_produce_data(ada.connection, wrong);
        assert_eq!(refused, Err(DomainError::TransportNotFound));
    }
    let (channel, _) = pair.open(ada, "");
    for wrong in [bob.sends, ada.receives] {
        let refused = pair.live.may_consume_data(bob.connection, wrong, channel).map(|_| ());
        assert_eq!(refused, Err(DomainError::TransportNotFound));
    }
}

#[test]
fn add_ev_91_what_the_media_plane_ended_is_told_once_to_whom_it_concerns() {
    let mut pair = Pair::new();
    let (channel, _) = pair.open(pair.ada, "cursor");
    let consumer = pair.receive(pair.bob, channel).expect("receives");
    let (bob, slow) = (SessionId(pair.bob.id.0), DataCloseReason::Slow);
    let told = pair.live.data_consumer_closed(bob, consumer, slow);
    assert_eq!(
        told,
        [
            Notice::new(
                Audience::One(pair.bob.id),
                DomainEvent::DataConsumerClosed { consumer, reason: slow },
            )
        ]
    );
    assert_eq!(pair.live.data_consumer_closed(bob, consumer, slow), []);
    let once_more = pair.receive(pair.bob, channel).expect("once more");
    assert_ne!(once_more, consumer);
    assert_eq!(pair.receive(pair.bob, channel), Ok(once_more), "the one he has");
    assert_eq!(pair.received_by(pair.bob), 1);
    let ada = SessionId(pair.ada.id.0);
    let told = pair.live.data_producer_closed(ada, channel);
    assert_eq!(names(&told), [("data_producer_closed", Audience::Everyone)]);
    assert_eq!(pair.received_by(pair.bob), 0);
    assert_eq!(pair.live.data_producer_closed(ada, channel), []);
    assert_eq!(pair.live.data_producer_missing(channel), []);
}

#[test]
fn channels_go_with_their_transport_and_with_their_owner() {
    let mut pair = Pair::new();
    let (first, _) = pair.open(pair.ada, "first");
    pair.receive(pair.bob, first).expect("receives");
    let told = pair.live.transport_closed(SessionId(pair.ada.id.0), pair.ada.sends);
    assert_eq!(names(&told), [("data_producer_closed", Audience::Everyone)]);
    assert_eq!(pair.received_by(pair.bob), 0);

    pair.ada.sends = TransportId::random();
    let opened = pair.live.open_transport(pair.ada.connection, Direction::Send, pair.ada.sends);
    assert_eq!(opened, Ok((None, Vec::new())));
    let (second, _) = pair.open(pair.ada, "second");
    pair.receive(pair.bob, second).expect("receives");
    pair.live.transport_closed(SessionId(pair.bob.id.0), pair.bob.receives);
    assert_eq!(pair.received_by(pair.bob), 0);

    pair.bob.receives = TransportId::random();
    pair.live.open_transport(pair.bob.connection, Direction::Recv, pair.bob.receives).expect("opens");
    pair.receive(pair.bob, second).expect("receives");
    let told = pair.live.leave(pair.ada.id, LeaveReason::Left);
    assert_eq!(told.len(), 1, "that somebody left says that his channels did");
    assert_eq!(pair.received_by(pair.bob), 0);
}

#[test]
fn a_lost_room_takes_every_channel() {
    let mut pair = Pair::new();
    let (channel, _) = pair.open(pair.ada, "cursor");
    pair.receive(pair.bob, channel).expect("receives");
    pair.live.media_lost(RoomId::random());
    let channels = |who: Session| pair.live.participant(who.id).expect("inside").data_producers.len();
    assert_eq!((channels(pair.ada), pair.received_by(pair.bob)), (0, 0));
}

#[test]
fn a_session_has_so_many_channels_and_so_many_subscriptions_and_names_are_short() {
    let mut pair = Pair::new();
    let mut channels: Vec<_> =
        (0..DATA_PRODUCERS_MAX).map(|index| pair.open(pair.ada, &index.to_string()).0).collect();
    let full = Err(DomainError::MediaRefused("too many data channels".into()));
    assert_eq!(pair.live.may_produce_data(pair.ada.connection, pair.ada.sends), full);
    for device in 3.. {
        let cy = enter(&mut pair.live, &account("cy"), device);
        channels.extend((0..DATA_PRODUCERS_MAX).map(|index| pair.open(cy, &index.to_string()).0));
        if channels.len() > DATA_CONSUMERS_MAX {
            break;
        }
    }
    for channel in &channels[..DATA_CONSUMERS_MAX] {
        pair.receive(pair.bob, *channel).expect("receives");
    }
    assert_eq!(pair.receive(pair.bob, channels[DATA_CONSUMERS_MAX]).map(|_| ()), full);
    assert!(DataNames::new(&"x".repeat(NAME_BYTES_MAX), &"y".repeat(NAME_BYTES_MAX)).is_ok());
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    let reason = "must have at most 255 bytes";
    assert_eq!(DataNames::new(&long, ""), Err(DomainError::invalid("label", reason)));
    assert_eq!(DataNames::new("", &long), Err(DomainError::invalid("protocol", reason)));
}
