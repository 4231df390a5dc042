//! A transport as the engine sees it: whose it is, which streams come and go by it, and when it wants to be looked at.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use plenum_shared::{
    id::{RoomId, SessionId, TransportId},
    media::{Bitrate, Direction},
};

use super::{
    demux::Slot,
    packet::RtpPacket,
    prefetch::prefetch,
    router::Router,
    stats::{PeerTraffic, Shortage},
    transport::{
        Transport, arrivals::Arrivals, data_pace::DataPace, estimate::Estimate, pacer::Pacer,
        params::ExtensionIds, sharing::Sharing,
    },
};

/// After `connect`, a transport whose ICE and DTLS are not up by then is closed: browsers give up at about the same
/// time. Before it there is no limit: clients connect with their first track, which may be somebody else's, much later.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
/// The first report about a new stream: early, because browsers repeat `mid` and `rid` in every packet until then.
pub const FIRST_REPORT_AFTER: Duration = Duration::from_millis(100);
/// Between reports: RFC 3550's interval for small sessions, shortened as RFC 4585 allows.
pub const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// Assumed until a report tells the round trip: that of a publisher is known a second or two after its first packet.
pub const ROUND_TRIP_UNKNOWN: Duration = Duration::from_millis(100);

/// A peer that is sent packets and reports nothing for so long does not read them, or its path is broken: the slowest
/// browsers report on video once a second. It gets sound only, until it is heard of.
pub const SILENT_AFTER: Duration = Duration::from_secs(5);
/// A silent peer that is not sent anything has nothing to report: video is tried again after this.
const SILENCE_ENDS_AFTER: Duration = Duration::from_secs(15);

/// What an SSRC of a publisher stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// The producer in the room's table.
    pub producer: usize,
    /// The stream of that producer.
    pub stream: u8,
    /// Retransmissions of that stream.
    pub repair: bool,
}

/// One peer connection of one session.
#[derive(Debug)]
pub struct Peer {
    /// Its name.
    pub id: TransportId,
    /// Whose it is.
    pub session: SessionId,
    /// The room it is in.
    pub room_id: RoomId,
    /// The room's place in the engine's table.
    pub room: Slot,
    /// In the client's words: on `Send` the client sends to us.
    pub direction: Direction,
    /// Everything between datagrams and plain packets.
    pub transport: Transport,
    /// When to give up on a transport that does not connect; `None` before `connect` and once it has.
    pub connect_by: Option<Instant>,
    /// What it publishes, in the room's table. Bounded by [`super::limits::Limits::producers_per_session`].
    pub producers: Vec<usize>,
    /// What it views, in the room's table. Bounded by [`super::limits::Limits::consumers_per_transport`].
    pub consumers: Vec<usize>,
    /// The SSRCs of its producers: at most two for each of their streams.
    pub inbound: HashMap<u32, Binding>,
    /// The media SSRCs of its consumers.
    pub outbound: HashMap<u32, usize>,
    /// Our SSRC in RTCP packets that are of no stream of ours.
    pub rtcp_ssrc: u32,
    /// Arrivals to be reported.
    pub arrivals: Arrivals,
    /// When the next reports are due.
    pub report_at: Option<Instant>,
    /// The round trip to it, as its last report proved.
    pub round_trip: Option<Duration>,
    /// Share of packets lost on the way to it (in the last two seconds as its feedback tells, or else as it reported last)
    /// or, when it publishes, on the way to us.
    pub loss: f32,
    /// What that loss is worth, where most of it is mended: see [`super::quality`].
    pub loss_weight: f32,
    /// What passed.
    pub traffic: PeerTraffic,
    /// What its path carries.
    pub estimate: Estimate,
    /// When the next packet to it may leave.
    pub pacer: Pacer,
    /// When the next packet of its data channels may leave.
    pub data_pace: DataPace,
    /// When the first packet was sent that no RTCP of the peer has come after.
    pub unanswered_since: Option<Instant>,
    /// When its layers are looked at next.
    pub choose_at: Option<Instant>,
    /// When control is told again what it may have missed of it.
    pub tell_again_at: Option<Instant>,
    /// How that was decided before.
    pub sharing: Sharing,
    /// What everything that it is given takes.
    pub allotted: Bitrate,
    /// As [`Peer::allotted`], with what still flows until a smaller layer has begun.
    pub flowing: Bitrate,
    /// What it did without.
    pub shortage: Shortage,
    /// The estimate when that was decided.
    pub allotted_of: Bitrate,
    /// What of that is for sound.
    pub audio_allotted: Bitrate,
    /// Names the next media section of a consumer.
    pub next_mid: u32,
    /// Names the next stream of a data consumer.
    pub next_data_stream: u16,
    ids: ExtensionIds,
}

/// Who and where a peer is.
#[derive(Debug, Clone, Copy)]
pub struct PeerIdentity {
    /// Its name.
    pub id: TransportId,
    /// Whose it is.
    pub session: SessionId,
    /// The room it is in.
    pub room_id: RoomId,
    /// The room's place in the engine's table.
    pub room: Slot,
    /// In the client's words.
    pub direction: Direction,
}

impl Peer {
    /// A peer that has yet to connect.
    pub fn new(
        now: Instant,
        epoch: Instant,
        identity: PeerIdentity,
        transport: Transport,
        rtcp_ssrc: u32,
    ) -> Self {
        let PeerIdentity { id, session, room_id, room, direction } = identity;
        let estimate = Estimate::new(now);
        Peer {
            id,
            session,
            room_id,
            room,
            direction,
            transport,
            connect_by: None,
            producers: Vec::new(),
            consumers: Vec::new(),
            inbound: HashMap::new(),
            outbound: HashMap::new(),
            rtcp_ssrc,
            arrivals: Arrivals::new(epoch),
            report_at: None,
            round_trip: None,
            loss: 0.0,
            loss_weight: 1.0,
            traffic: PeerTraffic::default(),
            pacer: Pacer::new(now, estimate.pacing_rate()),
            data_pace: DataPace::new(now),
            estimate,
            unanswered_since: None,
            choose_at: None,
            tell_again_at: None,
            sharing: Sharing::default(),
            allotted: Bitrate(0),
            flowing: Bitrate(0),
            shortage: Shortage::default(),
            allotted_of: Bitrate(0),
            audio_allotted: Bitrate(0),
            next_mid: 0,
            next_data_stream: 0,
            ids: ExtensionIds::default(),
        }
    }

    /// Takes note of the extension ids of a new producer: a browser uses the same ones on its whole transport.
    pub fn learn_ids(&mut self, ids: &ExtensionIds) {
        let known = &mut self.ids;
        for (known, new) in [
            (&mut known.mid, ids.mid),
            (&mut known.rid, ids.rid),
            (&mut known.repaired_rid, ids.repaired_rid),
            (&mut known.transport_wide, ids.transport_wide),
        ] {
            if new != 0 {
                *known = new;
            }
        }
    }

    /// One of its streams in either direction has this SSRC.
    pub fn uses_ssrc(&self, ssrc: u32) -> bool {
        self.inbound.contains_key(&ssrc) || self.outbound.contains_key(&ssrc)
    }

    /// Has fetched what the next packet to it needs.
    pub fn prefetch(&self) {
        self.transport.prefetch();
        prefetch(&self.pacer);
        prefetch(&self.estimate);
        prefetch(&self.traffic);
        prefetch(&self.unanswered_since);
    }

    /// Has fetched what that points to.
    pub fn prefetch_further(&self) {
        self.transport.prefetch_further();
    }

    /// Takes note of a round trip that a report proved.
    pub fn note_round_trip(&mut self, round_trip: Duration) {
        // Smoothed as TCP does it (RFC 6298).
        self.round_trip = Some(self.round_trip.map_or(round_trip, |old| (old * 7 + round_trip) / 8));
    }

    /// It has been sent packets for some time and was not heard of.
    pub fn is_silent(&mut self, now: Instant) -> bool {
        let unanswered = self.unanswered_since.map(|since| now.saturating_duration_since(since));
        if unanswered.is_some_and(|span| span >= SILENCE_ENDS_AFTER) {
            self.unanswered_since = None;
        }
        unanswered.is_some_and(|span| (SILENT_AFTER..SILENCE_ENDS_AFTER).contains(&span))
    }

    /// Takes note of a packet for the transport-wide report. Returns when that is due, if this packet makes it so.
    pub fn note_arrival(&mut self, now: Instant, packet: &RtpPacket, bytes: &[u8]) -> Option<Instant> {
        let number = packet.transport_sequence_number(bytes, self.ids.transport_wide)?;
        self.arrivals.note(now, number, packet.ssrc, bytes.len())
    }

    /// What a packet is of. An unknown SSRC is bound by the names it carries, once and for as long as the producer
    /// lives; one that carries none, or those of no producer (yet), is not bound.
    pub fn bind(
        &mut self,
        now: Instant,
        router: &mut Router,
        packet: &RtpPacket,
        bytes: &[u8],
    ) -> Option<Binding> {
        if let Some(&binding) = self.inbound.get(&packet.ssrc) {
            return Some(binding);
        }
        let mid = packet.identifier(bytes, self.ids.mid);
        let rid = packet.identifier(bytes, self.ids.rid);
        let repaired_rid = packet.identifier(bytes, self.ids.repaired_rid);
        let binding = self.producers.iter().find_map(|&slot| {
            let producer = &router.producers[slot];
            let published = &producer.published;
            if mid.is_some() && published.mid.as_deref() != mid {
                return None;
            }
            let repair = published.repair_type == Some(packet.payload_type);
            let is_media = published.media_type == packet.payload_type
                || published.red_type == Some(packet.payload_type);
            if !repair && !is_media {
                return None;
            }
            // Retransmissions carry the name of what they repair; some browsers put it into the plain element.
            let name = if repair { repaired_rid.or(rid) } else { rid };
            let stream = match name {
                Some(name) => {
                    producer.streams.iter().position(|stream| stream.encoding.rid.as_deref() == Some(name))?
                }
                // Without a name the media section must have one stream only.
                None if mid.is_some() && producer.streams.len() == 1 => 0,
                None => return None,
            };
            Some(Binding { producer: slot, stream: stream as u8, repair })
        })?;
        let stream = &mut router.producers[binding.producer].streams[usize::from(binding.stream)];
        let place = if binding.repair { &mut stream.rtx_ssrc } else { &mut stream.ssrc };
        // A browser that starts its encoder anew may choose another SSRC under the same name.
        if let Some(old) = place.replace(packet.ssrc) {
            self.inbound.remove(&old);
            if !binding.repair {
                router.restart_stream(now, binding.producer, binding.stream);
            }
        }
        self.inbound.insert(packet.ssrc, binding);
        Some(binding)
    }

    /// When this peer wants to be looked at. What it is told in RTCP waits for its keys and for a path; one that has lost
    /// its path has nothing to be woken for until a check comes or its consent ends.
    pub fn poll_timeout(&self, now: Instant, router: &Router) -> Option<Instant> {
        let own = [self.connect_by, self.tell_again_at, self.transport.poll_timeout()];
        if !self.transport.is_connected() || self.transport.path().is_none() {
            return own.into_iter().flatten().min();
        }
        let requests =
            self.producers.iter().filter_map(|&slot| router.producers[slot].poll_timeout(now)).min();
        let watched =
            self.producers.iter().filter_map(|&slot| router.producers[slot].watched.poll_timeout()).min();
        let silent = self.producers.iter().filter_map(|&slot| router.producers[slot].silence_timeout()).min();
        let told = [self.arrivals.poll_timeout(), self.report_at, self.choose_at, requests, watched, silent];
        // What holds it, the pacer is woken for.
        let has_data = self.transport.next_data_len().is_some() && !self.pacer.holds_data();
        let data = has_data.then(|| self.data_pace.due_at());
        let sending = [self.pacer.poll_timeout(), self.estimate.poll_timeout(), data];
        own.into_iter().chain(told).chain(sending).flatten().min()
    }
}
