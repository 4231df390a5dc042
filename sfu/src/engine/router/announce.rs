//! What control is told about the layer of a consumer, and how often.

use std::time::{Duration, Instant};

use plenum_shared::{
    event::Event,
    id::RoomId,
    media::{Layer, LayerLimit, LayerStructure},
};

use super::{Outlet, consumer::Consumer, producer::Producer};

/// Between two announcements about one consumer at least: a path that flaps is no reason to keep control busy.
const INTERVAL_MIN: Duration = Duration::from_millis(500);

/// What was told about one consumer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Announced {
    /// Spatial layer and what limits it; nothing was told yet.
    state: Option<(Option<u8>, Option<LayerLimit>)>,
    /// The layer as it was told.
    layer: Option<Layer>,
    at: Option<Instant>,
}

impl Announced {
    /// Whether it is time to tell this.
    fn take(&mut self, now: Instant, state: (Option<u8>, Option<LayerLimit>)) -> bool {
        let due = self.at.is_none_or(|at| now.saturating_duration_since(at) >= INTERVAL_MIN);
        if !due || self.state == Some(state) {
            return false;
        }
        (self.state, self.at) = (Some(state), Some(now));
        true
    }
}

/// What there is to tell about a consumer, if that is not what was told.
fn news(consumer: &Consumer, producer: &Producer) -> Option<(Option<u8>, Option<LayerLimit>)> {
    let state = (consumer.layers.current().map(|layer| layer.spatial), consumer.limit);
    let limited = consumer.limit == Some(LayerLimit::Bandwidth);
    if limited && state.0.is_none() && consumer.layers.target().is_some() {
        // It is on its way to another layer.
        return None;
    }
    // A stream without layers is worth a word once something has held it back.
    let simple = producer.published.structure == LayerStructure::Simple && consumer.limit.is_none();
    match consumer.announced.state {
        None => (state != (None, None) && !simple).then_some(state),
        Some(told) => (state != told).then_some(state),
    }
}

/// Whether there is something to tell about a consumer, now or once it is time.
pub fn has_news(consumer: &Consumer, producer: &Producer) -> bool {
    news(consumer, producer).is_some()
}

/// Tells control when a consumer is on another layer or held back by something else. What comes too soon after the last
/// announcement is told at one of the next looks, as it is by then.
pub fn announce_layer(now: Instant, consumer: &mut Consumer, producer: &Producer, outlet: &mut Outlet<'_>) {
    let Some(state) = news(consumer, producer) else { return };
    let before = consumer.announced.state.and_then(|(layer, _)| layer);
    if !consumer.announced.take(now, state) {
        return;
    }
    let is_another = before != state.0;
    consumer.counts.layer_changes += u64::from(is_another);
    outlet.counters.layer_switches += u64::from(is_another);
    consumer.announced.layer = consumer.layers.current();
    outlet.events.extend(told_of(consumer, outlet.room));
}

/// What was told of a consumer last.
pub fn told_of(consumer: &Consumer, room: RoomId) -> Option<Event> {
    let Announced { state, layer, .. } = consumer.announced;
    let (_, limit) = state?;
    Some(Event::ConsumerLayerChanged { room, session: consumer.session, consumer: consumer.id, layer, limit })
}
