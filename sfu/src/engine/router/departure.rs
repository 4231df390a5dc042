//! How a packet leaves for a viewer: built and sealed in the arena, now or again.

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
    sent::{Lookup, Sent},
    sound::Body,
};
use crate::engine::{
    egress::{Class, NotTaken},
    packet::{HeaderFields, RtpPacket, write_header},
    transport::{RTP_OVERHEAD_MAX, params::Published},
};

/// Bytes our header may be longer than the publisher's: other elements, and the two-byte form.
const HEADER_GROWTH: usize = 96;
/// Bytes of the original sequence number in a retransmission (RFC 4588).
const ORIGINAL_LEN: usize = 2;
/// Elements of our header at most: `mid`, departure time and the carried ones.
const ELEMENTS_MAX: usize = 7;

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
        let sent = match self.sent.take(now, sequence_number, round_trip) {
            Lookup::Found(sent) => sent,
            Lookup::OnItsWay => return true,
            Lookup::Unknown => return false,
        };
        let Some(bytes) =
            producer.streams.get(usize::from(sent.stream)).and_then(|s| s.history.get(sent.index))
        else {
            return false;
        };
        let Ok(packet) = RtpPacket::parse(bytes) else { return false };
        let Published { codec, ids, .. } = producer.published;
        let Some(numbers) = Numbers::read(codec, &packet, bytes, ids.dependency) else { return false };
        let Sent { outgoing, marker, .. } = sent;
        let body = Body::Plain(packet.payload(bytes));
        let shape = Shape { outgoing, marker, body, repeats: self.repair_type };
        let taken = self.send(now, &shape, &packet, bytes, &numbers, outlet);
        outlet.counters.rtp_retransmitted += u64::from(taken.is_ok());
        true
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
    ) -> Result<(), NotTaken> {
        let Some(peer) = outlet.peers.get_mut(self.peer) else { return Err(NotTaken::Nothing) };
        let Some(path) = peer.transport.path() else { return Err(NotTaken::Nothing) };
        let fields = self.header_fields(shape);
        let departure = abs_send_time(now.saturating_duration_since(outlet.epoch));
        let mut descriptor = [0; DESCRIPTOR_MAX];
        let mut elements: [(u8, &[u8]); ELEMENTS_MAX] = [(0, &[]); ELEMENTS_MAX];
        elements[0] = (self.ids.mid, self.mid.as_bytes());
        elements[1] = (self.ids.abs_send_time, &departure);
        for (element, (theirs, ours)) in elements[2..].iter_mut().zip(self.carried) {
            if ours != 0
                && theirs != 0
                && let Some(value) = packet.extension(bytes, theirs)
            {
                *element = (ours, value);
            }
        }
        if self.ids.dependency != 0
            && let Some((id, value)) = elements.iter_mut().find(|(id, _)| *id == self.ids.dependency)
        {
            let (number, active) = (shape.outgoing.picture.frame_number, self.layers.active_targets());
            match dependency::rewrite(value, number, active, &mut descriptor) {
                Some(len) => *value = &descriptor[..len],
                None => *id = 0,
            }
        }
        let len_max =
            packet.header_len() + HEADER_GROWTH + ORIGINAL_LEN + shape.body.len_max() + RTP_OVERHEAD_MAX;
        let mut payload_len = 0;
        let class = if self.kind == Kind::Audio { Class::Audio } else { Class::Video };
        let len = outlet.egress.push(self.peer, path, class, len_max, |buf| {
            let mut at = write_header(buf, fields, elements.iter().copied())?;
            if shape.repeats.is_some() {
                buf.get_mut(at..at + ORIGINAL_LEN)?
                    .copy_from_slice(&shape.outgoing.sequence_number.to_be_bytes());
                at += ORIGINAL_LEN;
            }
            payload_len = shape.body.write(buf.get_mut(at..)?)?;
            shape.outgoing.picture.write(numbers, buf.get_mut(at..at + payload_len)?);
            at += payload_len;
            peer.transport.seal_rtp(buf, at)
        })?;
        outlet.counters.rtp_sent += 1;
        outlet.counters.rtp_bytes_sent += len as u64;
        self.rate.add(now, len);
        self.sent_bytes += len as u64;
        if shape.repeats.is_none() {
            self.packet_count = self.packet_count.wrapping_add(1);
            self.octet_count = self.octet_count.wrapping_add(payload_len as u32);
        }
        Ok(())
    }

    fn header_fields(&mut self, shape: &Shape<'_>) -> HeaderFields {
        let Outgoing { sequence_number, timestamp, .. } = shape.outgoing;
        let redundant = self.red_type.filter(|_| matches!(shape.body, Body::Redundant { .. }));
        let media = HeaderFields {
            marker: shape.marker,
            payload_type: redundant.unwrap_or(self.media_type),
            sequence_number,
            timestamp,
            ssrc: self.ssrc,
        };
        match shape.repeats {
            None => media,
            Some(payload_type) => {
                self.rtx_sequence_number = self.rtx_sequence_number.wrapping_add(1);
                let sequence_number = self.rtx_sequence_number;
                HeaderFields { payload_type, sequence_number, ssrc: self.rtx_ssrc, ..media }
            }
        }
    }
}

/// How a packet is to look.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape<'a> {
    pub outgoing: Outgoing,
    pub marker: bool,
    pub body: Body<'a>,
    /// The payload type of retransmissions, when this is one.
    pub repeats: Option<u8>,
}

/// 24 bits of seconds in 6.18 fixed point, since any start.
fn abs_send_time(since: Duration) -> [u8; 3] {
    let units = (since.as_micros() << 18) / 1_000_000;
    let [_, a, b, c] = (units as u32 & 0x00FF_FFFF).to_be_bytes();
    [a, b, c]
}
