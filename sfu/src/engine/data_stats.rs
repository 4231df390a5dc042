//! The figures of data channels: put together for [`super::stats`] when control asks.

use plenum_shared::details::{DataChannelState, DataConsumerDetails, DataProducerDetails, SessionDetails};

use super::{
    demux::Slot,
    peer::Peer,
    router::data::{DataConsumer, DataProducer, DataTable},
};

/// Adds the data channels of one transport: those that come by it, and those that leave by it.
pub(super) fn add_data(details: &mut SessionDetails, table: &DataTable, slot: Slot, peer: &mut Peer) {
    for at in table.producers_of(slot) {
        details.data_producers.push(producer_details(&table.producers[at], peer));
    }
    for at in table.consumers_of(slot) {
        let consumer = &table.consumers[at];
        let producer = &table.producers[consumer.producer];
        details.data_consumers.push(consumer_details(consumer, producer, peer));
    }
}

fn producer_details(producer: &DataProducer, peer: &mut Peer) -> DataProducerDetails {
    let stream_id = producer.stream.stream_id;
    DataProducerDetails {
        producer: producer.id,
        transport: peer.id,
        stream_id,
        state: state(peer.transport.data_buffered(stream_id)),
        received: producer.received,
    }
}

fn consumer_details(
    consumer: &DataConsumer,
    producer: &DataProducer,
    peer: &mut Peer,
) -> DataConsumerDetails {
    let stream_id = consumer.stream.stream_id;
    let buffered = peer.transport.data_buffered(stream_id);
    DataConsumerDetails {
        consumer: consumer.id,
        producer: producer.id,
        transport: peer.id,
        stream_id,
        state: state(buffered),
        sent: consumer.sent,
        dropped: consumer.dropped,
        buffered: buffered.unwrap_or_default() as u64,
    }
}

/// What waits is known of streams that are open.
fn state(buffered: Option<usize>) -> DataChannelState {
    if buffered.is_some() { DataChannelState::Open } else { DataChannelState::Connecting }
}
