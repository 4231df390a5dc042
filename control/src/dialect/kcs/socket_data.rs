//! One function per event of data channels: read the payload, call one service, say the answer (ADD-EV-85 to ADD-EV-88).

use plenum_shared::id::{DataConsumerId, DataProducerId, TransportId};
use plenum_shared::transport::{SctpParameters, SctpStreamParameters};
use serde_json::{Value, json};

use super::limits;
use super::socket_connection::{Answer, Connection};
use super::socket_requests::{id, normalized, quiet, required_shape, say};
use super::told::{DataConsumed, DataProduced};
use crate::dialect::fields::Fields;
use crate::domain::error::DomainError;
use crate::domain::limit::LimitedAction;
use crate::domain::live_data::DataNames;
use crate::service::media::data::NewChannel;

type Answered = Result<Answer, DomainError>;

pub(super) async fn produce_data(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let transport: TransportId = id(fields, "transportId", DomainError::TransportNotFound)?;
    let stream: SctpStreamParameters = required_shape(fields, STREAM)?;
    check_stream(&stream)?;
    let text = |name| Ok::<_, DomainError>(fields.text(name)?.unwrap_or_default());
    let names = DataNames::new(text("label")?, text("protocol")?)?;
    let budget = limits::budget(LimitedAction::MediaUpdate);
    let channel = NewChannel { transport, stream, names };
    let producer = c.services.media.produce_data(&c.actor, c.asker(), channel, budget).await?;
    Ok(say(&DataProduced { data_producer_id: producer }))
}

pub(super) async fn consume_data(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let fields = Fields::of(&body)?;
    let transport: TransportId = id(fields, "transportId", DomainError::TransportNotFound)?;
    let producer = producer_id(fields)?;
    let budget = limits::budget(LimitedAction::DataSubscribe);
    let offer = c.services.media.consume_data(&c.actor, c.asker(), transport, producer, budget).await?;
    Ok(say(&DataConsumed {
        data_consumer_id: offer.consumer,
        data_producer_id: offer.producer,
        participant_id: offer.owner,
        sctp_stream_parameters: json!(as_received(offer.stream)),
        label: offer.names.label.to_string(),
        protocol: offer.names.protocol.to_string(),
    }))
}

pub(super) async fn close_data_producer(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let producer = producer_id(Fields::of(&body)?)?;
    c.services.media.close_data_producer(c.asker(), producer).await?;
    Ok(quiet(json!({ "dataProducerId": producer })))
}

pub(super) async fn close_data_consumer(c: &mut Connection, body: Value) -> Answered {
    let body = normalized(body);
    let consumer: DataConsumerId = id(Fields::of(&body)?, "dataConsumerId", DomainError::ConsumerNotFound)?;
    c.services.media.close_data_consumer(c.asker(), consumer).await?;
    Ok(quiet(json!({ "dataConsumerId": consumer })))
}

fn producer_id(fields: Fields<'_>) -> Result<DataProducerId, DomainError> {
    id(fields, "dataProducerId", DomainError::ProducerNotFound)
}

const STREAM: &str = "sctpStreamParameters";

fn check_stream(stream: &SctpStreamParameters) -> Result<(), DomainError> {
    let streams = SctpParameters::OURS.mis;
    if stream.stream_id >= streams {
        return Err(DomainError::invalid(STREAM, format!("streamId must be below {streams}")));
    }
    if stream.max_packet_life_time.is_some() && stream.max_retransmits.is_some() {
        return Err(DomainError::invalid(STREAM, "maxPacketLifeTime and maxRetransmits exclude each other"));
    }
    Ok(())
}

/// The stream as a receiver's mediasoup-client takes it. That refuses an order of messages of which some are given up,
/// which the W3C allows; at this end both words would be about what the receiver sends, which is nothing.
fn as_received(stream: SctpStreamParameters) -> SctpStreamParameters {
    SctpStreamParameters { ordered: stream.ordered && stream.is_reliable(), ..stream }
}
