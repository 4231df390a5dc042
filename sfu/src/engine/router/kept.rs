//! A viewer whose layer has stopped enters the next one at a keyframe that has come already: it was asked for when the
//! layer was doubted, and all that came since is in the history.

use std::time::{Duration, Instant};

use super::{
    Outlet, Router,
    announce::announce_layer,
    consumer::Passing,
    held::{Portion, Progress},
    history::HISTORY_PACKETS,
    payload::Description,
    producer::{Incoming, Producer},
};
use crate::engine::packet::{RtpPacket, template::Carried};

/// A keyframe older than this is not entered: what came since would have to be sent at once, and another one is no further
/// away than it is old.
const ENTERED_FOR: Duration = Duration::from_millis(300);

impl Router {
    /// The streams of a producer that somebody is on, one bit each. Inside one stream layers are left without a keyframe,
    /// mostly, so they do not count.
    pub fn followed(&self, producer: usize) -> u8 {
        let producer = &self.producers[producer];
        if producer.is_svc() || producer.paused {
            return 0;
        }
        let consumers = producer.consumers.iter().map(|&slot| &self.consumers[slot]);
        let streams =
            consumers.filter(|consumer| !consumer.paused).filter_map(|one| one.layers.current_stream());
        streams.fold(0, |bits, stream| bits | 1 << stream)
    }

    /// A layer that is followed may have stopped. A keyframe of the next one is asked for, so that it is there when the
    /// layer is given up.
    pub fn doubt(&mut self, producer: usize, layer: u8) {
        let producer = &mut self.producers[producer];
        if let Some(next) = producer.next_best(layer) {
            producer.keyframes.want(next);
        }
    }

    /// Lets a viewer on a layer that has stopped enter the stream it waits for, where that had a keyframe just now. When the
    /// arena fills, it has to come again.
    pub fn enter_kept(&mut self, now: Instant, consumer: usize, outlet: &mut Outlet<'_>) -> Progress {
        let Some((producer, stream)) = self.kept_entrance(now, consumer) else { return Progress::Done };
        // What is about to leave is of before, and would leave twice. Hundreds may enter at one moment of the clock, between two
        // flushes: a portion is half of the arena.
        if self.forward_held(now, producer, Portion::Half, outlet) == Progress::Filling {
            return Progress::Filling;
        }
        let (consumer, producer) = (&mut self.consumers[consumer], &self.producers[producer]);
        let mut plain = std::mem::take(outlet.plain);
        let mut exit = consumer.exit(now, outlet);
        for (index, kept) in since_keyframe(producer, stream) {
            let Some((description, packet, bytes)) = kept else {
                consumer.skip(stream, index);
                continue;
            };
            let Some(exit) = &mut exit else { continue };
            plain.clear();
            plain.extend_from_slice(packet.payload(bytes));
            let carried = Carried::new(consumer.elements.of(&packet, bytes));
            let passing = Passing {
                incoming: &Incoming { stream, index, description },
                packet: &packet,
                header: bytes,
                plain: &mut plain,
                padding: 0,
                carried: carried.as_ref(),
            };
            consumer.forward(now, passing, producer, exit);
        }
        if let Some(exit) = &mut exit {
            consumer.settle(now, exit);
        }
        *outlet.plain = plain;
        announce_layer(now, consumer, producer, outlet);
        Progress::Done
    }

    /// The producer and its stream, if there is one to be entered.
    fn kept_entrance(&self, now: Instant, consumer: usize) -> Option<(usize, u8)> {
        let consumer = &self.consumers[consumer];
        let producer = &self.producers[consumer.producer];
        let stopped = consumer.layers.current().filter(|layer| !producer.is_sent(layer.spatial))?;
        let stream = consumer.layers.awaited_stream()?;
        let came_at = producer.streams.get(usize::from(stream))?.keyframe?.at;
        let is_new = now.saturating_duration_since(came_at) <= ENTERED_FOR;
        let is_other = !producer.is_svc() && stopped.spatial != stream;
        let takes = !consumer.paused && !producer.paused;
        (is_new && is_other && takes).then_some((consumer.producer, stream))
    }
}

/// A packet, as it is kept; `None` where there was padding.
type Kept<'a> = Option<(Description, RtpPacket, &'a [u8])>;

/// What came of a stream since its newest keyframe, with its indices.
fn since_keyframe(producer: &Producer, stream: u8) -> impl Iterator<Item = (u64, Kept<'_>)> {
    let published = &producer.published;
    let state = &producer.streams[usize::from(stream)];
    let from = state.keyframe.map(|keyframe| keyframe.index);
    let mut structure = state.structure.clone();
    let indices = from.zip(state.reception.newest()).into_iter().flat_map(|(from, to)| from..=to);
    indices.take(HISTORY_PACKETS).filter_map(move |index| {
        if state.history.is_padding(index) {
            return Some((index, None));
        }
        let bytes = state.history.get(index)?;
        let packet = RtpPacket::parse(bytes).ok()?;
        let dependency = published.ids.dependency;
        let description =
            Description::read(published.codec, &packet, bytes, dependency, &mut structure, true)?;
        Some((index, Some((description, packet, bytes))))
    })
}
