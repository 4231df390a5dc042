//! What each message is called, by what it says.

use plenum_shared::{command::*, event::*, media::*};

/// A match without wildcard and the list of what it can say: a new variant does not compile until it has a name here,
/// and a name without a sample or a file fails a test.
macro_rules! names {
    ($function:ident, $list:ident, $type:ty, { $($pattern:pat $(if $guard:expr)? => $name:literal,)+ }) => {
        pub fn $function(value: &$type) -> &'static str {
            match value { $($pattern $(if $guard)? => $name),+ }
        }
        pub const $list: &[&str] = &[$($name),+];
    };
}

names!(request_name, REQUESTS, Command, {
    Command::Room { command: RoomCommand::Create, .. } => "request-create",
    Command::Room { command: RoomCommand::Close, .. } => "request-close",
    Command::Room { command: RoomCommand::CreateTransport { .. }, .. } => "request-create-transport",
    Command::Room { command: RoomCommand::ConnectTransport { .. }, .. } => "request-connect-transport",
    Command::Room { command: RoomCommand::CloseTransport { .. }, .. } => "request-close-transport",
    Command::Room { command: RoomCommand::CloseSession { .. }, .. } => "request-close-session",
    Command::Room { command: RoomCommand::Produce { .. }, .. } => "request-produce",
    Command::Room { command: RoomCommand::SetProducerPaused { .. }, .. } => "request-set-producer-paused",
    Command::Room { command: RoomCommand::CloseProducer { .. }, .. } => "request-close-producer",
    Command::Room { command: RoomCommand::Consume { .. }, .. } => "request-consume",
    Command::Room { command: RoomCommand::SetConsumerPaused { .. }, .. } => "request-set-consumer-paused",
    Command::Room { command: RoomCommand::SetPreferredLayer { size: None, .. }, .. } => "request-set-preferred-layer",
    Command::Room { command: RoomCommand::SetPreferredLayer { size: Some(_), .. }, .. } => "request-set-preferred-layer-size",
    Command::Room { command: RoomCommand::SetConsumerPriority { .. }, .. } => "request-set-consumer-priority",
    Command::Room { command: RoomCommand::RestartIce { .. }, .. } => "request-restart-ice",
    Command::Room { command: RoomCommand::SetSessionGroup { .. }, .. } => "request-set-session-group",
    Command::Room { command: RoomCommand::RequestKeyframe { .. }, .. } => "request-request-keyframe",
    Command::Room { command: RoomCommand::CloseConsumer { .. }, .. } => "request-close-consumer",
    Command::Room { command: RoomCommand::ProduceData { .. }, .. } => "request-produce-data",
    Command::Room { command: RoomCommand::CloseDataProducer { .. }, .. } => "request-close-data-producer",
    Command::Room { command: RoomCommand::ConsumeData { .. }, .. } => "request-consume-data",
    Command::Room { command: RoomCommand::CloseDataConsumer { .. }, .. } => "request-close-data-consumer",
    Command::Room { command: RoomCommand::Stats, .. } => "request-stats",
    Command::Room { command: RoomCommand::SessionDetails { .. }, .. } => "request-session-details",
    Command::Inventory => "request-inventory",
    Command::Drain => "request-drain",
});

names!(response_name, RESPONSES, Response, {
    Ok(Reply::Done) => "response-done",
    Ok(Reply::TransportCreated { candidates, .. }) if candidates.len() < 2 => "response-transport-created",
    Ok(Reply::TransportCreated { .. }) => "response-transport-created-tcp",
    Ok(Reply::IceRestarted { .. }) => "response-ice-restarted",
    Ok(Reply::Consumed { .. }) => "response-consumed",
    Ok(Reply::DataConsumed { .. }) => "response-data-consumed",
    // What nodes before data channels said.
    Ok(Reply::Inventory(rooms)) if rooms.iter().all(|room| room.data_producers.is_empty()) => "response-inventory",
    Ok(Reply::Inventory(_)) => "response-inventory-data",
    // What nodes before the byte counts said.
    Ok(Reply::Stats(RoomStats { received_bytes: 0, .. })) => "response-stats",
    Ok(Reply::Stats(_)) => "response-stats-tracks",
    // What nodes that counted data channels by transport alone said.
    Ok(Reply::SessionDetails(of)) if of.data_producers.is_empty() => "response-session-details",
    Ok(Reply::SessionDetails(_)) => "response-session-details-data",
    Err(Refusal { reason: RefusalReason::UnknownRoom, .. }) => "refusal-unknown-room",
    Err(Refusal { reason: RefusalReason::UnknownSession, .. }) => "refusal-unknown-session",
    Err(Refusal { reason: RefusalReason::UnknownTransport, .. }) => "refusal-unknown-transport",
    Err(Refusal { reason: RefusalReason::UnknownProducer, .. }) => "refusal-unknown-producer",
    Err(Refusal { reason: RefusalReason::UnknownConsumer, .. }) => "refusal-unknown-consumer",
    Err(Refusal { reason: RefusalReason::AlreadyExists, .. }) => "refusal-already-exists",
    Err(Refusal { reason: RefusalReason::Invalid, .. }) => "refusal-invalid",
    Err(Refusal { reason: RefusalReason::Unsupported, .. }) => "refusal-unsupported",
    Err(Refusal { reason: RefusalReason::Busy, .. }) => "refusal-busy",
    Err(Refusal { reason: RefusalReason::LimitReached, .. }) => "refusal-limit-reached",
    Err(Refusal { reason: RefusalReason::StaleControl, .. }) => "refusal-stale-control",
    Err(Refusal { reason: RefusalReason::Draining, .. }) => "refusal-draining",
    Err(Refusal { reason: RefusalReason::Internal, .. }) => "refusal-internal",
});

names!(event_name, EVENTS, Event, {
    Event::TransportConnected { .. } => "event-transport-connected",
    Event::TransportClosed { reason: CloseReason::ConsentExpired, .. } => "event-transport-closed-consent-expired",
    Event::TransportClosed { reason: CloseReason::PeerClosed, .. } => "event-transport-closed-peer-closed",
    Event::TransportClosed { reason: CloseReason::HandshakeFailed, .. } => "event-transport-closed-handshake-failed",
    Event::TransportClosed { reason: CloseReason::NeverConnected, .. } => "event-transport-closed-never-connected",
    Event::ActiveSpeaker { group: 0, speaker: Some(_), .. } => "event-active-speaker",
    Event::ActiveSpeaker { group: 0, speaker: None, .. } => "event-active-speaker-nobody",
    Event::ActiveSpeaker { group: 1.., .. } => "event-active-speaker-of-group",
    Event::ActiveSpeakers { .. } => "event-active-speakers",
    Event::QualityChanged { .. } => "event-quality-changed",
    Event::ConsumerLayerChanged { layer: Some(_), limit: None, .. } => "event-consumer-layer-changed",
    Event::ConsumerLayerChanged { layer: None, limit: None, .. } => "event-consumer-layer-changed-none",
    Event::ConsumerLayerChanged { limit: Some(LayerLimit::Bandwidth), .. } => "event-consumer-layer-changed-bandwidth",
    Event::ConsumerLayerChanged { limit: Some(LayerLimit::LastN), .. } => "event-consumer-layer-changed-last-n",
    Event::ProducerLayers { highest: Some(_), .. } => "event-producer-layers",
    Event::ProducerLayers { highest: None, .. } => "event-producer-layers-nobody",
    Event::DataProducerClosed { .. } => "event-data-producer-closed",
    Event::DataConsumerClosed { reason: DataCloseReason::Slow, .. } => "event-data-consumer-closed-slow",
    Event::DataConsumerClosed { reason: DataCloseReason::StreamClosed, .. } => "event-data-consumer-closed-stream",
    Event::DataConsumerClosed { reason: DataCloseReason::AssociationLost, .. } => "event-data-consumer-closed-association",
    Event::RoomFailed { .. } => "event-room-failed",
});

names!(welcome_name, WELCOMES, Welcome, {
    Welcome::Accepted { .. } => "welcome-accepted",
    Welcome::Rejected { .. } => "welcome-rejected",
});
