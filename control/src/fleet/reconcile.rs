//! Comparing what a node holds with what we know, after every registration and after lost events.
//!
//! What we know and the node does not is gone: said at once. What the node holds and we do not know belonged to an
//! earlier life of control, whose clients are on their way back: it goes on for a grace and is then closed.

use super::{Fleet, FleetEvent, MediaError, registry::Made};
use plenum_shared::{
    command::{Command, Reply, RoomCommand, RoomInventory},
    event::{CloseReason, DataCloseReason, Event},
    id::{NodeId, RoomId, SessionId},
};
use std::collections::{HashMap, HashSet};

/// Compares now, after the grace, and then for as long as this registration lasts.
pub(super) async fn after_registration(fleet: Fleet, node: NodeId, registration: u64) {
    if let Err(error) = tell_what_is_gone(&fleet, node).await {
        tracing::warn!(%node, %error, "the inventory of a media node did not arrive");
    }
    tokio::time::sleep(fleet.0.timing.orphan_grace).await;
    while fleet.registry().is_current(node, registration) {
        if let Err(error) = close_orphans(&fleet, node).await {
            tracing::warn!(%node, %error, "orphaned rooms of a media node could not be closed");
        }
        tokio::time::sleep(fleet.0.timing.sweep).await;
    }
}

/// Tells meetings about rooms, transports and data channels that the node no longer has. Who speaks the node says anew
/// by itself when it is asked what it holds.
pub(super) async fn tell_what_is_gone(fleet: &Fleet, node: NodeId) -> Result<(), MediaError> {
    // Known before we ask: what is created meanwhile is not missed.
    let known: Vec<_> = {
        let registry = fleet.registry();
        registry.rooms_of(node).into_iter().map(|room| (room, registry.made_in(room))).collect()
    };
    if known.is_empty() {
        return Ok(());
    }
    let held: HashMap<RoomId, RoomInventory> =
        inventory(fleet, node).await?.into_iter().map(|r| (r.room, r)).collect();
    for (room, made) in known {
        let Some(held) = held.get(&room) else {
            if fleet.registry().remove_room(room).is_some() {
                fleet.tell(FleetEvent::RoomLost { room }).await;
            }
            continue;
        };
        let alive: HashSet<_> = made_by(held).collect();
        for gone in made.into_iter().filter(|made| !alive.contains(made)) {
            // What went with its transport or its channel is told with it.
            let forgotten = fleet.registry().forget(room, gone);
            if let Some(session) = forgotten {
                fleet.tell(FleetEvent::Media(end_of(room, session, gone))).await;
            }
        }
    }
    Ok(())
}

fn made_by(held: &RoomInventory) -> impl Iterator<Item = Made> {
    let transports = held.transports.iter().map(|transport| Made::Transport(transport.transport));
    let channels = held.data_producers.iter().copied().map(Made::Channel);
    transports.chain(channels).chain(held.data_consumers.iter().copied().map(Made::Subscription))
}

/// What the node would have said.
fn end_of(room: RoomId, session: SessionId, gone: Made) -> Event {
    let reason = DataCloseReason::AssociationLost;
    match gone {
        Made::Transport(transport) => {
            Event::TransportClosed { room, session, transport, reason: CloseReason::ConsentExpired }
        }
        Made::Channel(producer) => Event::DataProducerClosed { room, session, producer, reason },
        Made::Subscription(consumer) => Event::DataConsumerClosed { room, session, consumer, reason },
    }
}

async fn close_orphans(fleet: &Fleet, node: NodeId) -> Result<(), MediaError> {
    for held in inventory(fleet, node).await? {
        let room = held.room;
        if fleet.registry().node_of(room) != Some(node) {
            tracing::info!(%node, %room, "closing a room that no meeting came back to");
            close(fleet, node, room, RoomCommand::Close).await?;
            continue;
        }
        for transport in held.transports {
            if !fleet.registry().knows_transport(room, transport.transport) {
                let command = RoomCommand::CloseTransport { transport: transport.transport };
                close(fleet, node, room, command).await?;
            }
        }
    }
    Ok(())
}

/// What the node refuses to close has gone by itself since the inventory; the rest is still to be closed.
async fn close(fleet: &Fleet, node: NodeId, room: RoomId, command: RoomCommand) -> Result<(), MediaError> {
    match fleet.ask_room(node, room, command).await {
        Ok(_) | Err(MediaError::Refused(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn inventory(fleet: &Fleet, node: NodeId) -> Result<Vec<RoomInventory>, MediaError> {
    match fleet.ask(node, Command::Inventory).await? {
        Reply::Inventory(rooms) => Ok(rooms),
        _ => Err(MediaError::Unavailable),
    }
}
