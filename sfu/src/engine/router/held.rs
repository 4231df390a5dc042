//! Packets of one video that came together and leave together: viewer by viewer, not packet by packet.
//!
//! A viewer's state is then fetched once for all of them, and they lie side by side in the arena, so that they become one
//! message to the kernel. Nobody waits for it: what is held leaves when its frame is complete, because before that a
//! frame is of no use, and otherwise as soon as the driver has nothing more to read and no more of it is to be expected
//! ([`super::spacing`]).

use std::time::{Duration, Instant};

use slab::Slab;

use super::{
    Outlet, Router,
    announce::announce_layer,
    consumer::{Consumer, Passing},
    producer::{Incoming, LAYERS_MAX, Producer, Stream},
};
use crate::engine::{
    egress::Egress,
    packet::{RtpPacket, template::Carried},
    prefetch::prefetch,
    relay::home::relay_held,
    transport::params::Elements,
};

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
    /// What is prepared of them is for viewers with these headers.
    fitted: Option<Elements>,
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

/// How much is written at once of what is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Portion {
    /// As much as is sent at once ([`Egress::is_filling`]): the driver comes again as soon as that has left.
    Flush,
    /// Half of the arena: whoever comes again later leaves room for others meanwhile.
    Half,
    /// All that fits, in the middle of a batch.
    All,
}

impl Portion {
    fn is_reached(self, egress: &Egress) -> bool {
        match self {
            Portion::Flush => egress.is_filling(),
            Portion::Half => egress.is_half_full(),
            Portion::All => false,
        }
    }
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
    /// What of its header is carried on to them.
    carried: Option<Carried>,
    /// Where its bytes are among those to be sealed, if they are still kept.
    place: Option<usize>,
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
        self.packets.push(HeldPacket {
            incoming,
            packet: *packet,
            weight: 0,
            padding: 0,
            carried: None,
            place: None,
        });
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
        (self.latest, self.until, self.fitted) = (None, [None; LAYERS_MAX], None);
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

    /// Copies the packets to where they are sealed from, each with room for padding. It is done once for all viewers: what
    /// differs between them is written over the copy.
    fn load(&mut self, streams: &[Stream], plain: &mut Vec<u8>) {
        self.fitted = None;
        plain.clear();
        for HeldPacket { incoming, packet, place, .. } in &mut self.packets {
            let stored = streams.get(usize::from(incoming.stream)).map(|stream| &stream.history);
            let bytes = stored.and_then(|history| history.get(incoming.index));
            let bytes = bytes.and_then(|bytes| bytes.get(..packet.payload_range().end));
            *place = bytes.map(|bytes| {
                let place = plain.len();
                plain.extend_from_slice(bytes);
                plain.extend_from_slice(&[0; LEVELLING_MAX]);
                place
            });
        }
    }

    /// Prepares what is the same for all viewers with these `elements` in their headers; mostly all have the same. Where packets
    /// `groups`, they are levelled.
    fn fit(&mut self, elements: &Elements, groups: bool, plain: &mut [u8]) {
        if self.fitted.as_ref() == Some(elements) {
            return;
        }
        self.fitted = Some(*elements);
        if groups {
            self.level(elements);
        }
        for HeldPacket { packet, padding, carried, place, .. } in &mut self.packets {
            let Some(bytes) = place.and_then(|place| plain.get_mut(place..)) else { continue };
            *carried = Carried::new(elements.of(packet, bytes));
            let end = packet.payload_range().end;
            if let Some(padded) = bytes.get_mut(end..end + usize::from(*padding))
                && let Some((last, zeroes)) = padded.split_last_mut()
            {
                zeroes.fill(0);
                *last = *padding;
            }
        }
    }

    /// Gives the packets of a stream the length of the longest of them, where that takes little. The last one may stay shorter.
    fn level(&mut self, elements: &Elements) {
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

    /// Sends what is held of a producer to whom it concerns, as many of them as make a portion. The others have to wait until it is
    /// sent.
    pub fn forward_held(
        &mut self,
        now: Instant,
        slot: usize,
        portion: Portion,
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
        let mut plain = std::mem::take(outlet.plain);
        if held.served < producer.consumers.len() {
            held.load(&producer.streams, &mut plain);
        }
        while let Some(&slot) = producer.consumers.get(held.served) {
            if portion.is_reached(outlet.egress) {
                producer.held = held;
                *outlet.plain = plain;
                return Progress::Filling;
            }
            fetch_ahead(&producer.consumers[held.served..], consumers, outlet);
            let consumer = &mut consumers[slot];
            held.fit(&consumer.elements, outlet.egress.groups(), &mut plain);
            forward_to(now, consumer, &held, &mut plain, producer, outlet);
            announce_layer(now, consumer, producer, outlet);
            held.served += 1;
        }
        *outlet.plain = plain;
        held.clear();
        producer.held = held;
        Progress::Done
    }
}

/// Has fetched what is kept of those who are served next: each consumer, later its peer, and then what those point to.
pub(super) fn fetch_ahead(served: &[usize], consumers: &Slab<Consumer>, outlet: &Outlet<'_>) {
    let ahead = |count: usize| consumers.get(*served.get(count)?);
    let peer = |consumer: &Consumer| outlet.peers.get(consumer.peer);
    if let Some(consumer) = ahead(3) {
        prefetch(consumer);
    }
    if let Some(peer) = ahead(2).and_then(peer) {
        peer.prefetch();
    }
    if let Some(peer) = ahead(1).and_then(peer) {
        peer.prefetch_further();
    }
}

fn forward_to(
    now: Instant,
    consumer: &mut Consumer,
    held: &Held,
    plain: &mut [u8],
    producer: &Producer,
    outlet: &mut Outlet<'_>,
) {
    let mut exit = consumer.exit(now, outlet);
    for HeldPacket { incoming, packet, padding, carried, place, .. } in &held.packets {
        if packet.is_empty() {
            consumer.skip(incoming.stream, incoming.index);
            continue;
        }
        let Some(exit) = &mut exit else { continue };
        let padded = packet.payload_range().end + usize::from(*padding);
        let bytes = place.and_then(|place| plain.get_mut(place..place + padded));
        let Some((header, plain)) = bytes.and_then(|bytes| bytes.split_at_mut_checked(packet.header_len()))
        else {
            continue;
        };
        let (padding, carried) = (*padding, carried.as_ref());
        let passing = Passing { incoming, packet, header, plain, padding, carried };
        consumer.forward(now, passing, producer, exit);
    }
    if let Some(exit) = &mut exit {
        consumer.settle(now, exit);
    }
}
