//! Facts of the media plane on their way to the meetings they are about.

use plenum_shared::{event::Event, id::RoomId};
use tokio::sync::mpsc;

use super::Live;
use crate::domain::event::Notice;
use crate::domain::live::LiveMeeting;
use crate::fleet::FleetEvent;

/// Passes facts on, in order, until the fleet stops.
pub(super) async fn pump(live: Live, mut events: mpsc::Receiver<FleetEvent>) {
    while let Some(event) = events.recv().await {
        match event {
            FleetEvent::RoomLost { room } => lost(&live, room).await,
            FleetEvent::Media(event) => tell(&live, event).await,
        }
    }
}

async fn lost(live: &Live, room: RoomId) {
    let Some(meeting) = live.rooms().remove(&room) else { return };
    tracing::warn!(%meeting, %room, "a meeting lost its media");
    if let Some(handle) = live.find(meeting) {
        live.run(&handle, move |task| Box::pin(async move { task.media_lost(room) })).await;
    }
}

async fn tell(live: &Live, event: Event) {
    let room = room_of(&event);
    let Some(meeting) = live.rooms().get(&room).copied() else { return };
    let told = live
        .with(meeting, move |live, _| {
            Ok((if live.room() == room { apply(live, event) } else { Vec::new() }, ()))
        })
        .await;
    if let Err(error) = told {
        tracing::debug!(%meeting, %error, "a fact about a meeting that is over");
    }
}

fn apply(live: &mut LiveMeeting, event: Event) -> Vec<Notice> {
    match event {
        Event::TransportClosed { session, transport, .. } => live.transport_closed(session, transport),
        Event::ActiveSpeaker { group, speaker, .. } => {
            live.speaker_changed(group, speaker.map(|(session, _)| session))
        }
        Event::ActiveSpeakers { group, speakers, .. } => live.speakers_changed(group, &speakers),
        Event::QualityChanged { session, quality, .. } => live.quality_changed(session, quality),
        Event::ConsumerLayerChanged { session, consumer, layer, limit, .. } => {
            live.layers_changed(session, consumer, layer, limit)
        }
        Event::ProducerLayers { session, producer, highest, .. } => {
            live.watched_layers_changed(session, producer, highest)
        }
        Event::DataProducerClosed { session, producer, .. } => live.data_producer_closed(session, producer),
        Event::DataConsumerClosed { session, consumer, reason, .. } => {
            live.data_consumer_closed(session, consumer, reason)
        }
        // Its client knows before we do; a failed room arrives as a lost one.
        Event::TransportConnected { .. } | Event::RoomFailed { .. } => Vec::new(),
    }
}

fn room_of(event: &Event) -> RoomId {
    match event {
        Event::TransportConnected { room, .. }
        | Event::TransportClosed { room, .. }
        | Event::ActiveSpeaker { room, .. }
        | Event::ActiveSpeakers { room, .. }
        | Event::ProducerLayers { room, .. }
        | Event::QualityChanged { room, .. }
        | Event::ConsumerLayerChanged { room, .. }
        | Event::DataProducerClosed { room, .. }
        | Event::DataConsumerClosed { room, .. }
        | Event::RoomFailed { room } => *room,
    }
}
