//! Packets of one video that came together and leave together: viewer by viewer, not packet by packet.
//!
//! A viewer's state is then fetched once for all of them, and they lie side by side in the arena, so that they become one
//! message to the kernel. Nobody waits for it: what is held leaves when its frame is complete, because before that a
//! frame is of no use, and otherwise as soon as the driver has nothing more to read and no more of it is to be expected
//! ([`super::spacing`]).

use std::time::{Duration, Instant};

use super::{
    Outlet, Router,
    announce::announce_layer,
    consumer::{Consumer, Passing},
    producer::{Incoming, LAYERS_MAX, Producer},
};
use crate::engine::{packet::RtpPacket, relay::home::relay_held, transport::params::Elements};

/// Packets that are held at most: more than any ordinary frame has.
pub const HELD_MAX: usize = 64;
/// Bytes a packet may be padded with, to be as long as its neighbours: a frame is cut into packets that differ by one or
/// two, and some of them carry an element of the header more.
const LEVELLING_MAX: usize = 16;

/// Packets of one producer on their way to its consumers. Their bytes are in the histories of its streams.
#[derive(Debug, Default)]
pub struct Held {
    packets: Vec<HeldPacket>,
    /// When the oldest of them has been held for as long as it may.
    latest: Option<Instant>,
    /// Of each stream, when no other packet is expected after the newest of it that is held.
    until: [Option<Instant>; LAYERS_MAX],
    /// One of them ends a frame.
    is_whole: bool,
    /// The branches have them already.
    is_relayed: bool,
    /// Consumers that have them already: the arena was full then.
    served: usize,
    /// The padding is for viewers with these headers.
    levelled: Option<Elements>,
}

/// How far the consumers of a producer have been served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// All of them.
    Done,
    /// The arena fills: what is in it has to leave first.
    Filling,
}

/// See [`Held`].
#[derive(Debug, Clone, Copy)]
struct HeldPacket {
    incoming: Incoming,
    packet: RtpPacket,
    /// Bytes that differ between the packets of a frame: payload and header elements of the viewers it was levelled for.
    weight: usize,
    /// Padding that makes it as long as the others, for them.
    padding: u8,
}

impl Held {
    /// Nothing is held.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// When they leave, whole or not: all of them, as soon as one stream has nothing more to wait for. How packets of one layer
    /// follow each other says nothing of another one.
    pub fn until(&self) -> Option<Instant> {
        self.until.iter().flatten().min().copied()
    }

    /// They are worth sending: a frame is complete, or there are as many as may be.
    pub fn is_ready(&self) -> bool {
        self.is_whole || self.is_full()
    }

    /// Nothing more may be held with them.
    pub fn is_full(&self) -> bool {
        self.packets.len() >= HELD_MAX || self.served > 0 || self.is_relayed
    }

    /// Holds a packet for others that may come within `wait`. None is held for longer than `patience`.
    pub fn push(
        &mut self,
        now: Instant,
        incoming: Incoming,
        packet: &RtpPacket,
        (wait, patience): (Duration, Duration),
    ) {
        let latest = *self.latest.get_or_insert(now + patience);
        if let Some(until) = self.until.get_mut(usize::from(incoming.stream)) {
            *until = Some(latest.min(now + wait));
        }
        self.is_whole |= packet.marker;
        self.levelled = None;
        self.packets.push(HeldPacket { incoming, packet: *packet, weight: 0, padding: 0 });
    }

    /// Packets of this stream wait that may be judged by what its descriptors mean now.
    pub fn enters(&self, stream: u8) -> bool {
        self.packets.iter().any(|HeldPacket { incoming, .. }| {
            let description = &incoming.description;
            let attaches = description.dependency.is_some_and(|dependency| dependency.attaches_structure);
            incoming.stream == stream && (description.keyframe || attaches)
        })
    }

    fn clear(&mut self) {
        self.packets.clear();
        (self.latest, self.until, self.levelled) = (None, [None; LAYERS_MAX], None);
        (self.is_whole, self.is_relayed, self.served) = (false, false, 0);
    }

    /// What is held.
    pub fn packets(&self) -> impl Iterator<Item = (&Incoming, &RtpPacket)> {
        self.packets.iter().map(|held| (&held.incoming, &held.packet))
    }

    /// The consumer at this place is gone, and those behind it have moved up.
    pub fn forget_consumer(&mut self, place: usize) {
        self.served -= usize::from(place < self.served);
    }

    /// Packets of a stream that is numbered anew cannot be found any more.
    pub fn forget_stream(&mut self, stream: u8) {
        self.packets.retain(|held| held.incoming.stream != stream);
        if let Some(until) = self.until.get_mut(usize::from(stream)) {
            *until = None;
        }
    }

    /// Gives the packets of a stream the length of the longest of them, where that takes little. The last one may stay shorter.
    /// Most viewers have the same `elements` in their headers, and it is done once for them.
    fn level(&mut self, elements: &Elements) {
        if self.levelled.as_ref() == Some(elements) {
            return;
        }
        self.levelled = Some(*elements);
        for HeldPacket { packet, weight, .. } in &mut self.packets {
            *weight = packet.payload_range().len() + elements.len_beside(packet);
        }
        for at in 0..self.packets.len() {
            let HeldPacket { incoming, weight, .. } = self.packets[at];
            let is_near = |other: &&HeldPacket| {
                other.incoming.stream == incoming.stream
                    && (weight..=weight + LEVELLING_MAX).contains(&other.weight)
            };
            let goes_on = self.packets[at + 1..].iter().any(|other| other.incoming.stream == incoming.stream);
            let longest = self.packets.iter().filter(is_near).map(|other| other.weight).max();
            let padding = longest.filter(|_| goes_on).map_or(0, |longest| longest - weight);
            self.packets[at].padding = padding as u8;
        }
    }
}

impl Router {
    /// Holds a packet of video for its producer's consumers, or padding that came behind one: it is left out in its turn.
    pub(super) fn hold(&mut self, now: Instant, slot: usize, incoming: Incoming, packet: &RtpPacket) {
        let patience = self.frame_patience;
        let producer = &mut self.producers[slot];
        if !producer.is_viewed() {
            return;
        }
        let stream = &mut producer.streams[usize::from(incoming.stream)];
        // The frame of a late one has waited for it, mostly for no other.
        let is_late = stream.reception.newest().is_some_and(|newest| incoming.index < newest);
        let wait =
            if is_late { Duration::ZERO } else { stream.spacing.note(now, packet.timestamp, patience) };
        producer.held.push(now, incoming, packet, (wait, patience));
        producer.held.is_whole |= is_late;
    }

    /// Sends what is held of a producer to whom it concerns. When the arena fills, the rest of them has to wait until it is
    /// sent, or (in the `middle` of a batch) gets what still fits.
    pub fn forward_held(
        &mut self,
        now: Instant,
        slot: usize,
        middle: bool,
        outlet: &mut Outlet<'_>,
    ) -> Progress {
        let Router { producers, consumers, .. } = self;
        let Some(producer) = producers.get_mut(slot) else { return Progress::Done };
        let mut held = std::mem::take(&mut producer.held);
        if producer.paused {
            outlet.counters.rtp_dropped_paused += held.packets.len() as u64;
            held.served = usize::MAX;
        }
        if !producer.paused
            && !producer.followers.is_empty()
            && !std::mem::replace(&mut held.is_relayed, true)
        {
            relay_held(now, producer, &held, outlet);
        }
        while let Some(&slot) = producer.consumers.get(held.served) {
            if outlet.egress.is_filling() && !middle {
                producer.held = held;
                return Progress::Filling;
            }
            let consumer = &mut consumers[slot];
            if outlet.egress.groups() {
                held.level(&consumer.elements);
            }
            forward_to(now, consumer, &held, producer, outlet);
            announce_layer(now, consumer, producer, outlet);
            held.served += 1;
        }
        held.clear();
        producer.held = held;
        Progress::Done
    }
}

fn forward_to(
    now: Instant,
    consumer: &mut Consumer,
    held: &Held,
    producer: &Producer,
    outlet: &mut Outlet<'_>,
) {
    for HeldPacket { incoming, packet, padding, .. } in &held.packets {
        if packet.is_empty() {
            consumer.skip(incoming.stream, incoming.index);
            continue;
        }
        let stored = producer.streams.get(usize::from(incoming.stream)).map(|stream| &stream.history);
        let Some(bytes) = stored.and_then(|history| history.get(incoming.index)) else { continue };
        consumer.forward(
            now,
            incoming,
            (packet, bytes),
            Passing::Video { padding: *padding },
            producer,
            outlet,
        );
    }
}
