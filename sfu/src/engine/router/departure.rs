//! How a packet leaves for a viewer: built and sealed in the arena, now, after a wait, again, or as a probe.

use std::time::{Duration, Instant};

use plenum_shared::{details::Traffic, media::Kind};

use super::{
    Outlet,
    consumer::Consumer,
    exit::Exit,
    payload::{
        Numbers,
        dependency::{self, DESCRIPTOR_MAX},
    },
    producer::Producer,
    rewrite::Outgoing,
    sent::{Lookup, Sent, Way},
};
use crate::engine::{
    egress::{Class, NotTaken},
    packet::{
        HeaderFields, HeaderPrefix, RtpPacket,
        template::{Carried, Own},
    },
    peer::Peer,
    transport::{
        RTP_OVERHEAD_MAX,
        estimate::Purpose,
        pacer::{ProbePacket, Waiting},
        params::Published,
    },
};

/// Bytes our header may be longer than the publisher's: other elements, and the two-byte form.
const HEADER_GROWTH: usize = 96;
/// Packets that a probe repeats, one after the other and from the newest one on: what was lost of them is mended by the
/// way, and they are still in the history.
const PROBE_REPEATS: u16 = 32;
/// Padding of one packet at most: RFC 3550 has one byte for its length.
const PADDING_MAX: u8 = u8::MAX;
/// A payload of nothing but padding.
const PADDING: [u8; PADDING_MAX as usize] = {
    let mut padding = [0; PADDING_MAX as usize];
    padding[PADDING_MAX as usize - 1] = PADDING_MAX;
    padding
};
/// The bit of the first byte that says there is padding.
const PADDING_BIT: u8 = 0x20;

/// What became of a packet that waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Departure {
    /// It is in the arena.
    Left,
    /// There is nothing to send any more.
    Gone,
    /// The arena is full: it has to wait on.
    NoRoom,
}

/// A packet as it leaves for a viewer, but for its header.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parcel<'a> {
    /// The publisher's packet and the bytes of its header, of which elements are carried on.
    pub source: Option<(&'a RtpPacket, &'a [u8])>,
    /// What is sealed: payload and padding.
    pub plain: &'a [u8],
    /// Bytes of it that are padding (RFC 3550 section 5.1).
    pub padding: u8,
    /// The elements that are carried on, where they could be prepared.
    pub carried: Option<&'a Carried>,
    /// The frame number for its dependency descriptor.
    pub frame_number: u16,
}

/// Media that left for a viewer for the first time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Left {
    packets: u32,
    bytes: u64,
    payload_bytes: u64,
}

impl Consumer {
    /// Answers a request for a lost packet. Returns whether there was something to send (or it is on its way already).
    pub fn retransmit(
        &mut self,
        now: Instant,
        sequence_number: u16,
        round_trip: Duration,
        producer: &Producer,
        outlet: &mut Outlet<'_>,
    ) -> bool {
        if self.repair_type.is_none() {
            return false;
        }
        let sent = match self.sent.take(now, sequence_number, round_trip) {
            Lookup::Found(sent) => sent,
            Lookup::OnItsWay => return true,
            Lookup::Unknown => return false,
        };
        let Some(stored) = stored(&sent, producer) else { return false };
        let Some(mut exit) = outlet.exit(now, self.peer) else { return false };
        let is_free = exit.peer.pacer.is_free_for_repair(now);
        // A keyframe comes that makes it needless, and would only come later for it.
        let on = self.layers.current_stream();
        if on != Some(sent.stream) && (on.is_none() || !is_free) {
            return true;
        }
        if is_free {
            let taken = self.send_stored(now, &sent, Purpose::Repair, producer, &mut exit);
            outlet.counters.rtp_retransmitted += u64::from(taken.is_ok());
            return true;
        }
        let waits = self.wait(now, (sequence_number, stored.len()), true, producer, &mut exit);
        if waits {
            self.sent.wait_again(sequence_number);
        }
        waits
    }

    /// Has a packet wait for its turn. Returns whether there was room.
    pub(super) fn wait(
        &mut self,
        now: Instant,
        (sequence_number, len): (u16, usize),
        repair: bool,
        producer: &Producer,
        exit: &mut Exit<'_>,
    ) -> bool {
        let len = len.min(usize::from(u16::MAX)) as u16;
        let Consumer { slot: consumer, priority, .. } = *self;
        let taken = exit.peer.pacer.wait(now, Waiting { consumer, sequence_number, len, repair, priority });
        producer.note_wait(now, exit.peer.pacer.queue());
        exit.wake_for_pacer();
        taken
    }

    /// Sends a packet whose turn has come.
    pub fn depart(
        &mut self,
        now: Instant,
        waiting: &Waiting,
        producer: &Producer,
        outlet: &mut Outlet<'_>,
    ) -> Departure {
        let purpose = if waiting.repair { Purpose::Repair } else { Purpose::Media };
        let sent = self.sent.waiting(waiting.sequence_number, way_of(waiting));
        let Some(sent) = sent else { return Departure::Gone };
        let Some(mut exit) = outlet.exit(now, self.peer) else { return Departure::Gone };
        let taken = self.send_stored(now, &sent, purpose, producer, &mut exit);
        self.settle(now, &mut exit);
        if taken == Err(NotTaken::Full) {
            return Departure::NoRoom;
        }
        self.sent.left(now, waiting.sequence_number);
        if taken.is_err() {
            return Departure::Gone;
        }
        outlet.counters.rtp_retransmitted += u64::from(waiting.repair);
        Departure::Left
    }

    /// What of it waits will not be sent, but for the rest of a frame that has begun to leave.
    pub fn forget_waiting(&mut self, peer: Option<&mut Peer>) {
        self.rewriter.take_back(self.sent.forget_waiting());
        if let Some(peer) = peer {
            let sent = &self.sent;
            peer.pacer.retain(self.slot, |waiting| {
                sent.waiting(waiting.sequence_number, way_of(waiting)).is_some()
            });
        }
    }

    /// It can carry probes: the viewer numbers what it receives, and knows the stream of retransmissions.
    pub fn carries_probes(&self) -> bool {
        self.repair_type.is_some() && self.ids.transport_wide != 0 && !self.paused
    }

    /// Sends one packet of a probe: something it was sent lately, or padding where there is nothing. Returns whether it
    /// left.
    pub fn probe(
        &mut self,
        now: Instant,
        probe: &ProbePacket,
        producer: &Producer,
        outlet: &mut Outlet<'_>,
    ) -> bool {
        let purpose = Purpose::Probe(probe.id);
        let Some(mut exit) = outlet.exit(now, self.peer) else { return false };
        let recent = self.sent.recent(probe.sent % PROBE_REPEATS);
        let repeated = recent.map(|sent| self.send_stored(now, &sent, purpose, producer, &mut exit));
        let left = match repeated {
            Some(Ok(_)) => true,
            Some(Err(NotTaken::Full)) => false,
            Some(Err(NotTaken::Nothing)) | None => self.send_padding(now, purpose, &mut exit).is_ok(),
        };
        outlet.counters.probe_packets_sent += u64::from(left);
        left
    }

    /// Sends a packet out of the history.
    fn send_stored(
        &mut self,
        now: Instant,
        sent: &Sent,
        purpose: Purpose,
        producer: &Producer,
        exit: &mut Exit<'_>,
    ) -> Result<usize, NotTaken> {
        let bytes = stored(sent, producer).ok_or(NotTaken::Nothing)?;
        let packet = RtpPacket::parse(bytes).map_err(|_| NotTaken::Nothing)?;
        let Published { codec, ids, .. } = producer.published;
        let numbers = Numbers::read(codec, &packet, bytes, ids.dependency).ok_or(NotTaken::Nothing)?;
        let Outgoing { sequence_number, timestamp, picture } = sent.outgoing;
        let mut plain = std::mem::take(exit.plain);
        plain.clear();
        let repeats = purpose != Purpose::Media;
        if repeats {
            // The original number (RFC 4588).
            plain.extend_from_slice(&sequence_number.to_be_bytes());
        }
        let payload_at = plain.len();
        plain.extend_from_slice(packet.payload(bytes));
        picture.write(&numbers, &mut plain[payload_at..]);
        let carried = Carried::new(self.elements.of(&packet, bytes));
        let parcel = Parcel {
            source: Some((&packet, bytes)),
            plain: &plain,
            padding: 0,
            carried: carried.as_ref(),
            frame_number: picture.frame_number,
        };
        let fields = self.header_fields(sent.marker, timestamp, (!repeats).then_some(sequence_number));
        let taken = self.send(now, fields, purpose, &parcel, exit);
        *exit.plain = plain;
        taken
    }

    /// A packet of padding on the stream of retransmissions.
    fn send_padding(
        &mut self,
        now: Instant,
        purpose: Purpose,
        exit: &mut Exit<'_>,
    ) -> Result<usize, NotTaken> {
        let timestamp = self.sent.recent(0).map_or(0, |sent| sent.outgoing.timestamp);
        let fields = self.header_fields(false, timestamp, None);
        let (plain, padding, carried) = (&PADDING, PADDING_MAX, Some(&Carried::NONE));
        let parcel = Parcel { source: None, plain, padding, carried, frame_number: 0 };
        self.send(now, fields, purpose, &parcel, exit)
    }

    /// Writes a header in the arena and seals the rest behind it. What left is paid for; media is counted once it is settled.
    pub(super) fn send(
        &mut self,
        now: Instant,
        fields: HeaderFields,
        purpose: Purpose,
        parcel: &Parcel<'_>,
        exit: &mut Exit<'_>,
    ) -> Result<usize, NotTaken> {
        let Exit { peer, egress, departure, left, .. } = exit;
        let Some(path) = peer.transport.path() else { return Err(NotTaken::Nothing) };
        let mut descriptor: [u8; DESCRIPTOR_MAX];
        let mut rewritten = None;
        if self.ids.dependency != 0
            && let Some((packet, header)) = parcel.source
            && let Some((id, value)) = self.elements.dependency(packet, header)
        {
            descriptor = [0; DESCRIPTOR_MAX];
            let active = self.layers.active_targets();
            rewritten = dependency::rewrite(value, parcel.frame_number, active, &mut descriptor)
                .map(|len| (id, &descriptor[..len]));
        }
        let class = if self.kind == Kind::Audio { Class::Audio } else { Class::Video };
        let own = Own { departure: *departure, number: peer.estimate.next_number().to_be_bytes() };
        let is_numbered = self.ids.transport_wide != 0;
        // Video that leaves during a probe is as much of a load as the probe's own packets.
        let probed = peer.pacer.probe().filter(|_| class == Class::Video && is_numbered);
        let counts_as = probed.map_or(purpose, Purpose::Probe);
        let source_len = parcel.source.map_or(0, |(packet, _)| packet.header_len());
        let len_max = source_len + HEADER_GROWTH + parcel.plain.len() + RTP_OVERHEAD_MAX;
        let Peer { transport, estimate, pacer, .. } = &mut **peer;
        let len = egress.push(self.peer, path, class, len_max, |buf| {
            let header_len = self.write_header(buf, fields, own, parcel, rewritten)?;
            if parcel.padding > 0 {
                *buf.first_mut()? |= PADDING_BIT;
            }
            let HeaderFields { ssrc, sequence_number, .. } = fields;
            let prefix = HeaderPrefix { ssrc, sequence_number, header_len };
            let len = transport.seal_rtp_from(buf, prefix, parcel.plain)?;
            if is_numbered {
                estimate.on_sent(now, len, counts_as);
            }
            Some(len)
        })?;
        match (purpose, class) {
            (Purpose::Probe(_), _) => {}
            (_, Class::Audio) => pacer.spend_unheld(now, len),
            (Purpose::Repair, _) => pacer.spend_on_repair(now, len),
            (Purpose::Media, _) => pacer.spend(now, len),
        }
        if probed.is_some() {
            pacer.probed(len);
        }
        if purpose == Purpose::Media {
            left.packets += 1;
            left.bytes += len as u64;
            left.payload_bytes += (parcel.plain.len() - usize::from(parcel.padding)) as u64;
        } else {
            self.note_repeated(now, purpose, len, exit);
        }
        Ok(len)
    }

    /// What of media left by this exit is counted: for the transport, the consumer, and the worker.
    pub(super) fn settle(&mut self, now: Instant, exit: &mut Exit<'_>) {
        let Left { packets, bytes, payload_bytes } = std::mem::take(&mut exit.left);
        if packets == 0 {
            return;
        }
        let left = Traffic { count: packets.into(), bytes };
        let Exit { peer, counters, .. } = exit;
        peer.unanswered_since.get_or_insert(now);
        peer.traffic.note_all_sent(now, left);
        let sent = &mut counters.sent;
        let of_kind = if self.kind == Kind::Audio { &mut sent.audio } else { &mut sent.video };
        for traffic in [of_kind, &mut self.counts.sent] {
            traffic.count += left.count;
            traffic.bytes += left.bytes;
        }
        counters.rtp_sent += left.count;
        counters.rtp_bytes_sent += left.bytes;
        self.packet_count = self.packet_count.wrapping_add(packets);
        self.octet_count = self.octet_count.wrapping_add(payload_bytes as u32);
        self.sent_bytes += left.bytes;
        self.rate.add(now, left.bytes as usize);
    }

    /// Counts a packet on the stream of retransmissions.
    #[cold]
    fn note_repeated(&mut self, now: Instant, purpose: Purpose, len: usize, exit: &mut Exit<'_>) {
        let Exit { peer, counters, .. } = exit;
        peer.unanswered_since.get_or_insert(now);
        peer.traffic.note_sent(now, len);
        self.rtx_sequence_number = self.rtx_sequence_number.wrapping_add(1);
        counters.rtp_sent += 1;
        counters.rtp_bytes_sent += len as u64;
        self.sent_bytes += len as u64;
        if matches!(purpose, Purpose::Probe(_)) {
            self.counts.probes.add(len);
            peer.traffic.probes.add(len);
            counters.sent.probe.add(len);
            return;
        }
        self.counts.retransmitted.add(len);
        peer.traffic.retransmitted.add(len);
        counters.sent.rtx.add(len);
        self.rate.add(now, len);
    }

    /// Writes the header of a packet, with its rewritten descriptor if it has one, and returns its length.
    #[inline]
    fn write_header(
        &self,
        buf: &mut [u8],
        fields: HeaderFields,
        own: Own,
        parcel: &Parcel<'_>,
        rewritten: Option<(u8, &[u8])>,
    ) -> Option<usize> {
        if let Some(carried) = parcel.carried
            && let Some(len) = self.header.write(buf, fields, own, carried, rewritten)
        {
            return Some(len);
        }
        self.write_any_header(buf, fields, own, parcel, rewritten)
    }

    #[cold]
    fn write_any_header(
        &self,
        buf: &mut [u8],
        fields: HeaderFields,
        own: Own,
        parcel: &Parcel<'_>,
        rewritten: Option<(u8, &[u8])>,
    ) -> Option<usize> {
        let carried = parcel.source.into_iter().flat_map(|(packet, header)| self.elements.of(packet, header));
        self.header.write_any(buf, fields, &own, carried.chain(rewritten))
    }

    /// The header of a media packet, or (without a number of its own) of the next retransmission.
    pub(super) fn header_fields(
        &self,
        marker: bool,
        timestamp: u32,
        sequence_number: Option<u16>,
    ) -> HeaderFields {
        match (sequence_number, self.repair_type) {
            (None, Some(payload_type)) => HeaderFields {
                marker,
                payload_type,
                sequence_number: self.rtx_sequence_number,
                timestamp,
                ssrc: self.rtx_ssrc,
            },
            (number, _) => HeaderFields {
                marker,
                payload_type: self.media_type,
                sequence_number: number.unwrap_or_default(),
                timestamp,
                ssrc: self.ssrc,
            },
        }
    }
}

/// How the ring of what was sent knows a packet that waits.
fn way_of(waiting: &Waiting) -> Way {
    if waiting.repair { Way::WaitsAgain } else { Way::Waits }
}

/// The packet as its publisher sent it, while it is kept.
fn stored<'a>(sent: &Sent, producer: &'a Producer) -> Option<&'a [u8]> {
    producer.streams.get(usize::from(sent.stream))?.history.get_low(sent.index)
}
