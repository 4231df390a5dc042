//! How a packet leaves for a viewer: built and sealed in the arena, now, after a wait, again, or as a probe.

use std::time::{Duration, Instant};

use plenum_shared::media::Kind;

use super::{
    Outlet,
    consumer::Consumer,
    payload::{
        Numbers,
        dependency::{self, DESCRIPTOR_MAX},
    },
    producer::Producer,
    rewrite::Outgoing,
    sent::{Lookup, Sent, Way},
    sound::Body,
};
use crate::engine::{
    egress::{Class, NotTaken},
    packet::{HeaderFields, RtpPacket},
    transport::{
        RTP_OVERHEAD_MAX,
        estimate::Purpose,
        pacer::{ProbePacket, Waiting},
        params::{CARRIED_MAX, Published},
    },
};

/// Bytes our header may be longer than the publisher's: other elements, and the two-byte form.
const HEADER_GROWTH: usize = 96;
/// Bytes of the original sequence number in a retransmission (RFC 4588).
const ORIGINAL_LEN: usize = 2;
/// Packets that a probe repeats, one after the other and from the newest one on: what was lost of them is mended by the
/// way, and they are still in the history.
const PROBE_REPEATS: u16 = 32;
/// Padding of one packet at most: RFC 3550 has one byte for its length.
const PADDING_MAX: u8 = u8::MAX;

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
        let Some(peer) = outlet.peers.get(self.peer) else { return false };
        let is_free = peer.pacer.is_free_for_repair(now);
        // A keyframe comes that makes it needless, and would only come later for it.
        let on = self.layers.current_stream();
        if on != Some(sent.stream) && (on.is_none() || !is_free) {
            return true;
        }
        if is_free {
            let taken = self.send_stored(now, &sent, Purpose::Repair, producer, outlet);
            outlet.counters.rtp_retransmitted += u64::from(taken.is_ok());
            return true;
        }
        let waits = self.wait(now, sequence_number, stored.len(), true, outlet);
        if waits {
            self.sent.wait_again(sequence_number);
        }
        waits
    }

    /// Has a packet wait for its turn. Returns whether there was room.
    pub(super) fn wait(
        &mut self,
        now: Instant,
        sequence_number: u16,
        len: usize,
        repair: bool,
        outlet: &mut Outlet<'_>,
    ) -> bool {
        let Some(peer) = outlet.peers.get_mut(self.peer) else { return false };
        let len = len.min(usize::from(u16::MAX)) as u16;
        let Consumer { slot: consumer, priority, .. } = *self;
        let taken = peer.pacer.wait(now, Waiting { consumer, sequence_number, len, repair, priority });
        outlet.wake_for_pacer(self.peer);
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
        let taken = self.send_stored(now, &sent, purpose, producer, outlet);
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
    pub fn forget_waiting(&mut self, outlet: &mut Outlet<'_>) {
        self.rewriter.take_back(self.sent.forget_waiting());
        if let Some(peer) = outlet.peers.get_mut(self.peer) {
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
        let recent = self.sent.recent(probe.sent % PROBE_REPEATS);
        let repeated = recent.map(|sent| self.send_stored(now, &sent, purpose, producer, outlet));
        let left = match repeated {
            Some(Ok(_)) => true,
            Some(Err(NotTaken::Full)) => false,
            Some(Err(NotTaken::Nothing)) | None => self.send_padding(now, purpose, outlet).is_ok(),
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
        outlet: &mut Outlet<'_>,
    ) -> Result<usize, NotTaken> {
        let bytes = stored(sent, producer).ok_or(NotTaken::Nothing)?;
        let packet = RtpPacket::parse(bytes).map_err(|_| NotTaken::Nothing)?;
        let Published { codec, ids, .. } = producer.published;
        let numbers = Numbers::read(codec, &packet, bytes, ids.dependency).ok_or(NotTaken::Nothing)?;
        let body = Body::Plain(packet.payload(bytes));
        let shape = Shape { outgoing: sent.outgoing, marker: sent.marker, body, padding: 0, purpose };
        self.send(now, &shape, &packet, bytes, &numbers, outlet)
    }

    /// Builds and seals a packet in the arena.
    pub(super) fn send(
        &mut self,
        now: Instant,
        shape: &Shape<'_>,
        packet: &RtpPacket,
        bytes: &[u8],
        numbers: &Numbers,
        outlet: &mut Outlet<'_>,
    ) -> Result<usize, NotTaken> {
        let mut descriptor: [u8; DESCRIPTOR_MAX];
        let mut carried: [(u8, &[u8]); CARRIED_MAX] = Default::default();
        for (element, (theirs, ours)) in carried.iter_mut().zip(self.elements.carried) {
            if ours != 0
                && theirs != 0
                && let Some(value) = packet.extension(bytes, theirs)
            {
                *element = (ours, value);
            }
        }
        if self.ids.dependency != 0
            && let Some((id, value)) = carried.iter_mut().find(|(id, _)| *id == self.ids.dependency)
        {
            descriptor = [0; DESCRIPTOR_MAX];
            let (number, active) = (shape.outgoing.picture.frame_number, self.layers.active_targets());
            match dependency::rewrite(value, number, active, &mut descriptor) {
                Some(len) => *value = &descriptor[..len],
                None => *id = 0,
            }
        }
        let repeats = shape.purpose != Purpose::Media;
        let Outgoing { sequence_number, timestamp, picture } = shape.outgoing;
        let len_max = packet.header_len()
            + HEADER_GROWTH
            + ORIGINAL_LEN
            + shape.body.len_max()
            + usize::from(shape.padding)
            + RTP_OVERHEAD_MAX;
        let mut fields = self.header_fields(shape.marker, timestamp, (!repeats).then_some(sequence_number));
        if let Some(red_type) = self.red_type.filter(|_| matches!(shape.body, Body::Redundant { .. })) {
            fields.payload_type = red_type;
        }
        let mut payload_len = 0;
        let len = self.seal(now, fields, shape.purpose, &carried, len_max, outlet, |buf, header_len| {
            let mut at = header_len;
            if repeats {
                buf.get_mut(at..at + ORIGINAL_LEN)?.copy_from_slice(&sequence_number.to_be_bytes());
                at += ORIGINAL_LEN;
            }
            payload_len = shape.body.write(buf.get_mut(at..)?)?;
            picture.write(numbers, buf.get_mut(at..at + payload_len)?);
            pad(buf, at + payload_len, shape.padding)
        })?;
        if !repeats {
            self.packet_count = self.packet_count.wrapping_add(1);
            self.octet_count = self.octet_count.wrapping_add(payload_len as u32);
        }
        Ok(len)
    }

    /// A packet of padding on the stream of retransmissions.
    fn send_padding(
        &mut self,
        now: Instant,
        purpose: Purpose,
        outlet: &mut Outlet<'_>,
    ) -> Result<usize, NotTaken> {
        let timestamp = self.sent.recent(0).map_or(0, |sent| sent.outgoing.timestamp);
        let fields = self.header_fields(false, timestamp, None);
        let len_max = HEADER_GROWTH + usize::from(PADDING_MAX) + RTP_OVERHEAD_MAX;
        self.seal(now, fields, purpose, &[], len_max, outlet, |buf, header_len| {
            pad(buf, header_len, PADDING_MAX)
        })
    }

    /// The header of a media packet, or (without a number of its own) of the next retransmission.
    fn header_fields(&self, marker: bool, timestamp: u32, sequence_number: Option<u16>) -> HeaderFields {
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

    /// Writes a header, has the rest written behind it, and seals both. What left is counted and paid for.
    #[expect(clippy::too_many_arguments, reason = "each is another part of one datagram")]
    fn seal(
        &mut self,
        now: Instant,
        fields: HeaderFields,
        purpose: Purpose,
        carried: &[(u8, &[u8])],
        len_max: usize,
        outlet: &mut Outlet<'_>,
        write_rest: impl FnOnce(&mut [u8], usize) -> Option<usize>,
    ) -> Result<usize, NotTaken> {
        let Some(peer) = outlet.peers.get_mut(self.peer) else { return Err(NotTaken::Nothing) };
        let Some(path) = peer.transport.path() else { return Err(NotTaken::Nothing) };
        let class = if self.kind == Kind::Audio { Class::Audio } else { Class::Video };
        let departure = abs_send_time(now.saturating_duration_since(outlet.epoch));
        let number = peer.estimate.next_number().to_be_bytes();
        let is_numbered = self.ids.transport_wide != 0;
        // Video that leaves during a probe is as much of a load as the probe's own packets.
        let probed = peer.pacer.probe().filter(|_| class == Class::Video && is_numbered);
        let counts_as = probed.map_or(purpose, Purpose::Probe);
        let (transport, estimate, header) = (&mut peer.transport, &mut peer.estimate, &self.header);
        let len = outlet.egress.push(self.peer, path, class, len_max, |buf| {
            let header_len = header.write(buf, fields, departure, number, carried)?;
            let plain_len = write_rest(buf, header_len)?;
            let len = transport.seal_rtp(buf, plain_len)?;
            if is_numbered {
                estimate.on_sent(now, len, counts_as);
            }
            Some(len)
        })?;
        match (purpose, class) {
            (Purpose::Probe(_), _) => {}
            (_, Class::Audio) => peer.pacer.spend_unheld(now, len),
            (Purpose::Repair, _) => peer.pacer.spend_on_repair(now, len),
            (Purpose::Media, _) => peer.pacer.spend(now, len),
        }
        if probed.is_some() {
            peer.pacer.probed(len);
        }
        peer.unanswered_since.get_or_insert(now);
        if purpose != Purpose::Media {
            self.rtx_sequence_number = self.rtx_sequence_number.wrapping_add(1);
        }
        peer.traffic.note_sent(now, len);
        match purpose {
            Purpose::Media => {
                self.counts.sent.add(len);
                let sent = &mut outlet.counters.sent;
                let of_kind = if class == Class::Audio { &mut sent.audio } else { &mut sent.video };
                of_kind.add(len);
            }
            Purpose::Repair => {
                self.counts.retransmitted.add(len);
                peer.traffic.retransmitted.add(len);
                outlet.counters.sent.rtx.add(len);
            }
            Purpose::Probe(_) => {
                self.counts.probes.add(len);
                peer.traffic.probes.add(len);
                outlet.counters.sent.probe.add(len);
            }
        }
        outlet.counters.rtp_sent += 1;
        outlet.counters.rtp_bytes_sent += len as u64;
        self.sent_bytes += len as u64;
        if !matches!(purpose, Purpose::Probe(_)) {
            self.rate.add(now, len);
        }
        Ok(len)
    }
}

/// The bit of the first byte that says there is padding.
const PADDING_BIT: u8 = 0x20;

/// Pads a plain packet of `len` bytes (RFC 3550 section 5.1). Returns its new length; `None` when that does not fit.
fn pad(buf: &mut [u8], len: usize, padding: u8) -> Option<usize> {
    let Some((last, zeroes)) = buf.get_mut(len..len + usize::from(padding))?.split_last_mut() else {
        return Some(len);
    };
    zeroes.fill(0);
    *last = padding;
    *buf.first_mut()? |= PADDING_BIT;
    Some(len + usize::from(padding))
}

/// How a packet is to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape<'a> {
    pub outgoing: Outgoing,
    pub marker: bool,
    pub body: Body<'a>,
    /// Bytes of padding behind it (RFC 3550 section 5.1).
    pub padding: u8,
    /// Everything but media goes on the stream of retransmissions.
    pub purpose: Purpose,
}

/// How the ring of what was sent knows a packet that waits.
fn way_of(waiting: &Waiting) -> Way {
    if waiting.repair { Way::WaitsAgain } else { Way::Waits }
}

/// The packet as its publisher sent it, while it is kept.
fn stored<'a>(sent: &Sent, producer: &'a Producer) -> Option<&'a [u8]> {
    producer.streams.get(usize::from(sent.stream))?.history.get(sent.index)
}

/// 24 bits of seconds in 6.18 fixed point, since any start. They begin anew every 64 seconds: that is taken off first, because
/// a division of 128 bits takes longer than all else here.
fn abs_send_time(since: Duration) -> [u8; 3] {
    let micros = since.as_secs() % 64 * 1_000_000 + u64::from(since.subsec_micros());
    let [_, a, b, c] = (((micros << 18) / 1_000_000) as u32).to_be_bytes();
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_departure_is_told_in_the_units_of_its_extension(secs in 0_u64..10_000_000, micros in 0_u32..1_000_000) {
            let [a, b, c] = abs_send_time(Duration::new(secs, micros * 1000));
            let told = f64::from(u32::from_be_bytes([0, a, b, c])) / f64::from(1 << 18);
            let meant = (secs % 64) as f64 + f64::from(micros) / 1e6;
            prop_assert!((0.0..=4e-6).contains(&(meant - told)), "{told} of {meant}");
        }
    }
}
