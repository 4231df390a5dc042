//! The QUIC side of the link: who may connect, the first words, events and load reports.

use super::{
    Fleet, FleetConfig, FleetError, FleetEvent, identity,
    pki::Authority,
    reconcile,
    registry::Made,
    wire::{self, Heard, Messages},
};
use metrics::gauge;
use plenum_shared::{
    codec,
    command::{Hello, Welcome},
    event::{Event, LoadReport, NumberedEvent},
    id::NodeId,
};
use quinn::{
    Connection, Endpoint, IdleTimeout, Incoming, ServerConfig, TransportConfig, VarInt,
    crypto::rustls::QuicServerConfig,
};
use rustls::{RootCertStore, server::WebPkiClientVerifier};
use std::{io, sync::Arc, time::Duration};
use thiserror::Error;

/// A node that does not say hello in this time is no node.
const HELLO_DEADLINE: Duration = Duration::from_secs(5);
const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// Four missed keep-alives.
const IDLE: Duration = Duration::from_secs(5);

/// Why a link ended.
#[derive(Debug, Error)]
enum LinkError {
    #[error("{0}")]
    Connection(#[from] quinn::ConnectionError),
    #[error("{0}")]
    Wire(#[from] wire::WireError),
    #[error("no hello in time")]
    Silent,
    #[error("refused: {0}")]
    Refused(&'static str),
}

/// Opens the listening endpoint. A remembered port that somebody else has taken meanwhile is replaced by a new one.
pub(super) fn bind(authority: &Authority, config: &FleetConfig) -> Result<Endpoint, FleetError> {
    let server = server_config(authority)?;
    let wanted = config.listen;
    let remembered = identity::remembered_port(&config.data_dir).filter(|_| wanted.port() == 0);
    let open = |port| {
        let mut address = wanted;
        address.set_port(port);
        Endpoint::server(server.clone(), address).map_err(|error| FleetError::Bind { address, error })
    };
    match remembered.map(open) {
        Some(Ok(endpoint)) => Ok(endpoint),
        Some(Err(FleetError::Bind { error, .. })) if error.kind() != io::ErrorKind::AddrInUse => {
            Err(FleetError::Bind { address: wanted, error })
        }
        _ => open(wanted.port()),
    }
}

fn server_config(authority: &Authority) -> Result<ServerConfig, FleetError> {
    let tls = |error: &dyn std::fmt::Display| FleetError::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().clone()).map_err(|error| tls(&error))?;
    let nodes_only = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| tls(&error))?;
    let identity = authority.control_identity()?;
    let mut rustls_config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| tls(&error))?
        .with_client_cert_verifier(nodes_only)
        .with_single_cert(vec![identity.certificate], identity.key)
        .map_err(|error| tls(&error))?;
    rustls_config.alpn_protocols = vec![codec::ALPN.to_vec()];
    let crypto = QuicServerConfig::try_from(rustls_config).map_err(|error| tls(&error))?;
    let mut transport = TransportConfig::default();
    // A node opens one stream to say hello and one for its events.
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(1))
        .max_concurrent_uni_streams(VarInt::from_u32(1))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(IdleTimeout::from(VarInt::from_u32(IDLE.as_millis() as u32))));
    let mut server = ServerConfig::with_crypto(Arc::new(crypto));
    server.transport_config(Arc::new(transport));
    Ok(server)
}

/// Takes connections until the endpoint is closed.
pub(super) async fn accept(fleet: Fleet) {
    while let Some(incoming) = fleet.0.endpoint.accept().await {
        let fleet = fleet.clone();
        tokio::spawn(async move {
            if let Err(error) = serve(&fleet, incoming).await {
                tracing::warn!(%error, "a media node's link ended");
            }
        });
    }
}

/// Rooms of an earlier epoch of the node are declared lost before it is used.
async fn serve(fleet: &Fleet, incoming: Incoming) -> Result<(), LinkError> {
    let greeting = tokio::time::timeout(HELLO_DEADLINE, greet(fleet, incoming));
    let (connection, hello) = greeting.await.map_err(|_| LinkError::Silent)??;
    let node = hello.node;
    let (registration, lost) = fleet.registry().register(&hello, connection.clone());
    // Not under the deadline: meetings that are slow to hear must not leave a link that nobody reads.
    for room in lost {
        fleet.tell(FleetEvent::RoomLost { room }).await;
    }
    tracing::info!(%node, epoch = hello.epoch, workers = hello.worker_count, "media node registered");
    gauge!("plenum_nodes_up").set(fleet.registry().nodes_up() as f64);
    tokio::spawn(reconcile::after_registration(fleet.clone(), node, registration));
    let ended = tokio::select! {
        ended = read_events(fleet, &connection, node) => ended,
        ended = read_load(fleet, &connection, node) => ended,
    };
    connection.close(1u32.into(), b"link ended");
    if fleet.registry().link_down(node, registration) {
        gauge!("plenum_nodes_up").set(fleet.registry().nodes_up() as f64);
        give_up_later(fleet.clone(), node, registration);
    }
    ended
}

/// Hello, our judgement, and Welcome.
async fn greet(fleet: &Fleet, incoming: Incoming) -> Result<(Connection, Hello), LinkError> {
    let connection = incoming.await?;
    let (mut send, recv) = connection.accept_bi().await?;
    let hello = wire::read_hello(recv).await?;
    let Some(version) = wire::common_version(&hello) else {
        return reject(&mut send, &connection, "no protocol version in common").await;
    };
    if fleet.registry().is_stale(&hello) {
        return reject(&mut send, &connection, "a newer start of this node is registered").await;
    }
    let welcome = Welcome::Accepted { version, control_epoch: fleet.0.control_epoch };
    wire::send_welcome(&mut send, &welcome).await?;
    Ok((connection, hello))
}

async fn reject<T>(
    send: &mut quinn::SendStream,
    connection: &Connection,
    reason: &'static str,
) -> Result<T, LinkError> {
    wire::send_welcome(send, &Welcome::Rejected { reason: reason.to_owned() }).await?;
    // The node closes once it has read the reason; we do when it does not.
    let _ = tokio::time::timeout(Duration::from_secs(1), connection.closed()).await;
    Err(LinkError::Refused(reason))
}

async fn read_events(fleet: &Fleet, connection: &Connection, node: NodeId) -> Result<(), LinkError> {
    let mut events = Messages::new(connection.accept_uni().await?, codec::MESSAGE_LEN_MAX);
    loop {
        let (number, event) = match events.next_event().await? {
            Heard::Event(NumberedEvent { number, event }) => (number, Some(event)),
            Heard::Unknown { number } => (number, None),
        };
        let (is_new, gap) = fleet.registry().note_event(node, number);
        if gap {
            tracing::warn!(%node, number, "events of a media node are missing");
            let fleet = fleet.clone();
            tokio::spawn(async move { reconcile::tell_what_is_gone(&fleet, node).await });
        }
        if let (true, Some(event)) = (is_new, event) {
            handle_event(fleet, event).await;
        }
    }
}

async fn handle_event(fleet: &Fleet, event: Event) {
    match event {
        Event::TransportClosed { room, transport, .. } => {
            fleet.registry().forget(room, Made::Transport(transport));
            fleet.tell(FleetEvent::Media(event)).await;
        }
        Event::DataProducerClosed { room, producer, .. } => {
            fleet.registry().forget(room, Made::Channel(producer));
            fleet.tell(FleetEvent::Media(event)).await;
        }
        Event::DataConsumerClosed { room, consumer, .. } => {
            fleet.registry().forget(room, Made::Subscription(consumer));
            fleet.tell(FleetEvent::Media(event)).await;
        }
        Event::RoomFailed { room } => {
            if fleet.registry().remove_room(room).is_some() {
                fleet.tell(FleetEvent::RoomLost { room }).await;
            }
        }
        event => fleet.tell(FleetEvent::Media(event)).await,
    }
}

async fn read_load(fleet: &Fleet, connection: &Connection, node: NodeId) -> Result<(), LinkError> {
    loop {
        let datagram = connection.read_datagram().await?;
        match wire::decode_load(&datagram) {
            Ok(report) if report.node == node => {
                export_load(&report);
                fleet.registry().note_load(node, report);
            }
            Ok(_) => tracing::debug!(%node, "a load report in another node's name"),
            Err(error) => tracing::debug!(%node, %error, "an unreadable load report"),
        }
    }
}

fn export_load(report: &LoadReport) {
    let node = report.node.to_string();
    let sum =
        |value: fn(&plenum_shared::event::WorkerLoad) -> f64| report.workers.iter().map(value).sum::<f64>();
    gauge!("plenum_node_cpu", "node" => node.clone())
        .set(sum(|w| f64::from(w.cpu)) / report.workers.len().max(1) as f64);
    gauge!("plenum_node_rooms", "node" => node.clone()).set(sum(|w| f64::from(w.rooms)));
    gauge!("plenum_node_transports", "node" => node.clone()).set(sum(|w| f64::from(w.transports)));
    gauge!("plenum_node_producers", "node" => node.clone()).set(sum(|w| f64::from(w.producers)));
    gauge!("plenum_node_consumers", "node" => node.clone()).set(sum(|w| f64::from(w.consumers)));
    let bytes = |bits: f64| bits / 8.0;
    gauge!("plenum_node_received_bytes_per_second", "node" => node.clone())
        .set(bytes(sum(|w| w.received.0 as f64)));
    gauge!("plenum_node_sent_bytes_per_second", "node" => node).set(bytes(sum(|w| w.sent.0 as f64)));
}

fn give_up_later(fleet: Fleet, node: NodeId, registration: u64) {
    tokio::spawn(async move {
        tokio::time::sleep(fleet.0.timing.link_grace).await;
        let lost = fleet.registry().give_up(node, registration);
        if !lost.is_empty() {
            tracing::warn!(%node, rooms = lost.len(), "a media node did not come back; its rooms are given up");
        }
        for room in lost {
            fleet.tell(FleetEvent::RoomLost { room }).await;
        }
    });
}
