//! A subscription: what one viewer gets of one producer, and the numbers its packets carry.

use std::time::{Duration, Instant};

use plenum_shared::{
    details::RemoteReport,
    id::{ConsumerId, SessionId},
    media::{Bitrate, Kind, Layer, LayerLimit, PictureSize, Source},
};

use super::{
    Outlet,
    announce::Announced,
    counts::ConsumerCounts,
    departure::Parcel,
    exit::Exit,
    layers::{Layers, Verdict},
    payload::Description,
    producer::{Incoming, Producer},
    rate::RateMeter,
    reception::{ReceivedReport, ticks},
    red::Redundancy,
    rewrite::{Entrance, Outgoing, Rewriter},
    sent::{SentRing, Way},
    silence::Pass,
    sound::{self, CarriedOn, Redundant, Sound},
};
use crate::engine::{
    demux::Slot,
    egress::NotTaken,
    packet::{
        RtpPacket,
        template::{Carried, HeaderTemplate},
    },
    transport::{
        allocate::Precedence,
        estimate::Purpose,
        params::{Elements, ExtensionIds, Published, Subscribed},
        rtcp::{ROUND_TRIP_MAX, SenderReport},
    },
};

/// What a viewer asks for does not wait for its path to prove itself within so long.
pub const ASKED_FOR: Duration = Duration::from_secs(3);

/// A subscription.
#[derive(Debug)]
pub struct Consumer {
    /// Its name.
    pub id: ConsumerId,
    /// Who receives.
    pub session: SessionId,
    /// The transport it leaves by.
    pub peer: Slot,
    /// The producer in the room's table.
    pub producer: usize,
    /// Audio or video.
    pub kind: Kind,
    /// What it shows or carries.
    pub source: Source,
    /// The viewer wants nothing now.
    pub paused: bool,
    /// Which layer it is on.
    pub layers: Layers,
    /// The pixels its viewer shows it at; `None`: not known, as large as it comes.
    pub shown_at: Option<PictureSize>,
    /// 1 to 255, the higher goes first; above 1 it was pinned.
    pub priority: u8,
    /// Who is served before it and after it.
    pub precedence: Precedence,
    /// Until then its viewer does not wait for what it has just asked for.
    pub asked_until: Instant,
    /// The highest spatial layer that is of use to its viewer, whatever the path carries.
    pub useful: u8,
    /// Why it gets less than that.
    pub limit: Option<LayerLimit>,
    /// The layer its publisher is to send for it, as counted in [`Producer::watched`].
    pub watches: Option<u8>,
    /// What was last told about its layer.
    pub announced: Announced,
    /// The SSRC of media.
    pub ssrc: u32,
    /// Loss the viewer reported last, in 1/256.
    pub fraction_lost: u8,
    /// The viewer fills pauses of sound; silence need not be sent to it.
    pub takes_pauses: bool,
    /// The payload type of sound with redundancy, where the viewer takes it.
    pub red_type: Option<u8>,
    /// How much sound is sent again.
    pub redundancy: Redundancy,
    /// Where the viewer went on after a pause of its producer ([`super::silence::Pauses::segment`]).
    segment: u32,
    cname: String,
    /// Its place in the room's table.
    pub(super) slot: usize,
    pub(super) rtx_ssrc: u32,
    pub(super) media_type: u8,
    pub(super) repair_type: Option<u8>,
    pub(super) ids: ExtensionIds,
    pub(super) elements: Elements,
    pub(super) header: HeaderTemplate,
    pub(super) rewriter: Rewriter,
    pub(super) sent: SentRing,
    pub(super) rtx_sequence_number: u16,
    pub(super) packet_count: u32,
    pub(super) octet_count: u32,
    pub(super) rate: RateMeter,
    /// Bytes sent since it exists, SRTP included.
    pub sent_bytes: u64,
    /// What passed.
    pub counts: ConsumerCounts,
    /// What its viewer reported last.
    pub remote: Option<RemoteReport>,
    /// When its viewer was last sent a keyframe.
    pub keyframe_at: Instant,
    /// When its viewer last asked for one because of a picture that froze.
    pub frozen_at: Option<Instant>,
    /// Timestamp of a frame that lost a packet to a full arena.
    spoilt_frame: Option<u32>,
    /// Timestamp of the frame that was last allowed to wait.
    waiting_frame: Option<u32>,
    reported: Option<SentReport>,
}

#[derive(Debug, Clone, Copy)]
struct SentReport {
    /// Middle 32 bits of its NTP time: what the viewer's report will mention.
    middle: u32,
    at: Instant,
    packet_count: u32,
}

/// What a consumer is made of beside the negotiated.
#[derive(Debug)]
pub struct Subscription {
    /// Its name.
    pub id: ConsumerId,
    /// Who receives.
    pub session: SessionId,
    /// The transport it leaves by.
    pub peer: Slot,
    /// The producer in the room's table.
    pub producer: usize,
    /// Starts silent.
    pub paused: bool,
    /// Where its sequence numbers and timestamps start: random, as RFC 3550 wants it.
    pub start: u32,
}

/// A packet of a picture, as it passes to one viewer after the other.
#[derive(Debug)]
pub struct Passing<'a> {
    /// What is known of it.
    pub incoming: &'a Incoming,
    /// It, as it came.
    pub packet: &'a RtpPacket,
    /// The bytes of its header.
    pub header: &'a [u8],
    /// Its payload, with the numbers of the viewer that it was last sent to, and padding.
    pub plain: &'a mut [u8],
    /// Bytes of padding, which make it as long as its neighbours, if it leaves now.
    pub padding: u8,
    /// What of its header is carried on to this viewer, where that could be prepared.
    pub carried: Option<&'a Carried>,
}

/// A packet of sound, as it passes to one viewer after the other.
#[derive(Debug)]
pub struct Sounding<'a> {
    /// What is known of it.
    pub incoming: &'a Incoming,
    /// It, as it came, and its bytes.
    pub packet: (&'a RtpPacket, &'a [u8]),
    /// What becomes of it.
    pub sound: &'a Sound<'a>,
    /// What goes with it where redundancy is asked for.
    pub redundant: Redundant<'a>,
    /// What of its header is carried on.
    pub carried: CarriedOn,
}

impl Consumer {
    /// A consumer nothing was sent to yet. `subscribed` is what [`super::super::transport::params::subscribe`] chose.
    pub fn new(
        now: Instant,
        subscription: Subscription,
        producer: &Producer,
        subscribed: Subscribed,
    ) -> Self {
        let Subscription { id, session, peer, producer: producer_index, paused, start } = subscription;
        let published: &Published = &producer.published;
        let highest = Layer { spatial: producer.layer_count() as u8 - 1, temporal: None };
        let encoding = subscribed.parameters.encodings.first();
        let (ids, mid) = (subscribed.ids, subscribed.parameters.mid.as_deref().unwrap_or_default());
        Consumer {
            id,
            session,
            peer,
            producer: producer_index,
            kind: producer.kind,
            source: producer.source,
            paused,
            layers: Layers::new(producer.is_svc(), highest),
            shown_at: None,
            priority: 1,
            precedence: Precedence::default(),
            asked_until: now + ASKED_FOR,
            useful: highest.spatial,
            limit: None,
            watches: None,
            announced: Announced::default(),
            ssrc: encoding.and_then(|encoding| encoding.ssrc).unwrap_or_default(),
            rtx_ssrc: encoding.and_then(|encoding| encoding.rtx).map_or(0, |rtx| rtx.ssrc),
            fraction_lost: 0,
            takes_pauses: subscribed.takes_pauses,
            red_type: subscribed.red_type,
            redundancy: Redundancy::default(),
            segment: producer.pauses.segment,
            slot: usize::MAX,
            cname: subscribed.parameters.rtcp.cname.clone().unwrap_or_default(),
            media_type: subscribed.media_type,
            repair_type: subscribed.repair_type,
            ids,
            elements: Elements::new(&published.ids, &ids, mid),
            header: HeaderTemplate::new((ids.mid, mid), ids.abs_send_time, ids.transport_wide),
            // The upper half of the numbers is left out: receivers of SRTP must not see an early wrap.
            rewriter: Rewriter::new((start >> 17) as u16, start),
            sent: SentRing::default(),
            rtx_sequence_number: (start & 0x7FFF) as u16,
            packet_count: 0,
            octet_count: 0,
            rate: RateMeter::default(),
            sent_bytes: 0,
            counts: ConsumerCounts::default(),
            remote: None,
            keyframe_at: now,
            frozen_at: None,
            spoilt_frame: None,
            waiting_frame: None,
            reported: None,
        }
    }

    /// The SSRC of retransmissions, where the viewer knows them.
    pub fn rtx_ssrc(&self) -> Option<u32> {
        self.repair_type.map(|_| self.rtx_ssrc)
    }

    /// Its camera is not of one of the last N speakers, and the viewer has not pinned it: nothing of it is sent.
    pub fn is_off_stage(&self, producer: &Producer) -> bool {
        !producer.on_stage && self.priority <= 1
    }

    /// Nothing of a camera is given that is not on stage, and what it is given once it is has to be chosen.
    pub fn heed_stage(&mut self, producer: &Producer) {
        if self.is_off_stage(producer) {
            self.limit = Some(LayerLimit::LastN);
            self.layers.set_target(None);
        } else if self.limit == Some(LayerLimit::LastN) {
            self.limit = None;
        }
    }

    /// The way to its viewer; `None` while nothing is to be sent. Before its keys are there, a keyframe would be wasted on it.
    #[inline]
    pub(super) fn exit<'a>(&self, now: Instant, outlet: &'a mut Outlet<'_>) -> Option<Exit<'a>> {
        if self.paused {
            return None;
        }
        outlet.exit(now, self.peer).filter(|exit| exit.peer.transport.is_connected())
    }

    /// Sends a packet of a picture on, or leaves it out.
    pub fn forward(&mut self, now: Instant, passing: Passing<'_>, producer: &Producer, exit: &mut Exit<'_>) {
        let Passing { incoming, packet, header, plain, padding, carried } = passing;
        let description = &incoming.description;
        self.layers.take_first(incoming.stream);
        let previous = self.layers.last_stream();
        let structure = producer.streams[usize::from(incoming.stream)].structure.as_deref();
        match self.layers.judge(incoming.stream, packet.timestamp, description, structure) {
            Verdict::Ignore => return,
            Verdict::OmitFrame => return self.rewriter.omit_frame(incoming.index, &description.numbers),
            Verdict::Enter => {
                // What still waits would only delay the keyframe that makes it needless.
                self.forget_waiting(Some(&mut *exit.peer));
                self.enter(now, previous, incoming, packet.timestamp, producer);
            }
            Verdict::Send => {}
        }
        if description.keyframe {
            self.keyframe_at = now;
        }
        let waits = !exit.peer.pacer.is_free(now);
        if waits && !self.may_wait(packet.timestamp, exit) {
            return self.give_up_until_keyframe(now, exit);
        }
        let outgoing = self.rewriter.map(now, incoming.index, packet.timestamp, &description.numbers);
        let Some(outgoing) = outgoing else { return };
        let marker = packet.marker || self.ends_picture(description);
        let way = if waits { Way::Waits } else { Way::Left };
        self.sent.note(now, outgoing, marker, (incoming.stream, incoming.index), way);
        if waits {
            if !self.wait(now, (outgoing.sequence_number, packet.len()), false, producer, exit) {
                self.give_up_until_keyframe(now, exit);
            }
            return;
        }
        if self.spoilt_frame == Some(packet.timestamp) {
            exit.counters.video_dropped_egress_full += 1;
            return;
        }
        self.spoilt_frame = None;
        let Outgoing { sequence_number, timestamp, picture } = outgoing;
        picture.write(&description.numbers, plain);
        let (source, frame_number) = (Some((packet, header)), picture.frame_number);
        let parcel = Parcel { source, plain, padding, carried, frame_number };
        let fields = self.header_fields(marker, timestamp, Some(sequence_number));
        if self.send(now, fields, Purpose::Media, &parcel, exit) == Err(NotTaken::Full) {
            // A frame without one of its packets is of no use: its rest only takes room. The viewer asks for it again, or for
            // a keyframe.
            self.spoilt_frame = Some(packet.timestamp);
            exit.counters.video_dropped_egress_full += 1;
        }
    }

    /// Sends a packet of sound on, or leaves it out.
    pub fn hear(
        &mut self,
        now: Instant,
        sounding: &mut Sounding<'_>,
        producer: &Producer,
        outlet: &mut Outlet<'_>,
    ) {
        let Sounding { incoming, packet: (packet, bytes), sound, redundant, carried } = sounding;
        let pass = sound.pass_to(self.takes_pauses);
        if pass == Pass::Hold {
            return;
        }
        let Some(exit) = &mut self.exit(now, outlet) else { return };
        // What was left out in a pause closes up: sound can be entered anywhere.
        let resumes =
            std::mem::replace(&mut self.segment, producer.pauses.segment) != producer.pauses.segment;
        self.layers.take_first(incoming.stream);
        let previous = self.layers.last_stream();
        let description = &incoming.description;
        match self.layers.judge_sound(incoming.stream, packet.timestamp, description) {
            Verdict::Ignore => return,
            Verdict::OmitFrame => return self.rewriter.omit_frame(incoming.index, &description.numbers),
            Verdict::Send if !resumes => {}
            Verdict::Enter | Verdict::Send => {
                self.enter(now, previous, incoming, packet.timestamp, producer);
            }
        }
        let outgoing = self.rewriter.map(now, incoming.index, packet.timestamp, &description.numbers);
        let Some(Outgoing { sequence_number, timestamp, .. }) = outgoing else { return };
        // RFC 3551: the first packet of sound after a pause is marked.
        let marker = packet.marker || (resumes && pass == Pass::Whole);
        let mut fields = self.header_fields(marker, timestamp, Some(sequence_number));
        let plain = if pass == Pass::Comfort {
            sound.comfort
        } else if let Some(red_type) = self.red_type
            && let distance = sound::repeated(self.redundancy.distance(), resumes)
            && let Some(written) = redundant.get(distance, self.media_type)
        {
            exit.counters.red_sent += 1;
            fields.payload_type = red_type;
            written
        } else {
            sound.opus
        };
        let carried = carried.to(&self.elements, packet, bytes);
        let source = Some((*packet, *bytes));
        let parcel = Parcel { source, plain, padding: 0, carried, frame_number: 0 };
        if self.send(now, fields, Purpose::Media, &parcel, exit) == Err(NotTaken::Full) {
            exit.counters.audio_dropped_egress_full += 1;
        }
        self.settle(now, exit);
    }

    /// A frame may wait if it leaves in time; one that has begun to wait goes on doing so.
    fn may_wait(&mut self, timestamp: u32, exit: &Exit<'_>) -> bool {
        if self.waiting_frame == Some(timestamp) {
            return true;
        }
        self.waiting_frame = Some(timestamp);
        exit.peer.pacer.takes_frame()
    }

    /// There is more than can leave in time. What waits is still shown; after it comes a keyframe, of a layer that fits.
    fn give_up_until_keyframe(&mut self, now: Instant, exit: &mut Exit<'_>) {
        exit.counters.video_stopped_pacer_full += 1;
        self.stop();
        exit.choose_again(now);
    }

    /// Padding of its stream took a sequence number.
    pub fn skip(&mut self, stream: u8, index: u64) {
        if self.layers.current_stream() == Some(stream) {
            self.rewriter.omit(index);
        }
    }

    /// The publisher numbers a stream anew: what was sent of it, or waits, cannot be found any more.
    pub fn forget_stream(&mut self, stream: u8) {
        self.sent.forget_stream(stream);
    }

    /// Nothing is sent until the next entrance.
    pub fn stop(&mut self) {
        self.layers.stop();
        self.spoilt_frame = None;
        self.waiting_frame = None;
    }

    /// Bandwidth does not matter to it for now.
    pub fn forget_bandwidth(&mut self) {
        self.limit = self.limit.filter(|&limit| limit != LayerLimit::Bandwidth);
    }

    /// The next sender report, once the producer's clock is known and something was sent since the last one.
    pub fn sender_report(&mut self, now: Instant, producer: &Producer) -> Option<(SenderReport, &str)> {
        let stream = producer.streams.get(usize::from(self.layers.current_stream()?))?;
        let ReceivedReport { ntp_time, rtp_timestamp, at } = stream.reception.sender_report?;
        if self.reported.is_some_and(|reported| reported.packet_count == self.packet_count) {
            return None;
        }
        // The publisher's clocks, continued to now.
        let elapsed = now.saturating_duration_since(at);
        let elapsed_ntp = (elapsed.as_micros() << 32) / 1_000_000;
        let ntp_time = ntp_time.wrapping_add(elapsed_ntp as u64);
        let rtp_timestamp = rtp_timestamp.wrapping_add(ticks(elapsed, producer.published.clock_rate));
        self.reported =
            Some(SentReport { middle: (ntp_time >> 16) as u32, at: now, packet_count: self.packet_count });
        let report = SenderReport {
            ssrc: self.ssrc,
            ntp_time,
            rtp_timestamp: self.rewriter.timestamp(rtp_timestamp),
            packet_count: self.packet_count,
            octet_count: self.octet_count,
        };
        Some((report, &self.cname))
    }

    /// The round trip that a report block of the viewer proves: it mentions our last sender report.
    pub fn round_trip(&self, now: Instant, last_report: u32, delay: u32) -> Option<Duration> {
        // Some viewers keep its time as a floating point number, and come back to the unit beside it: 15 µs away.
        let is_meant = |middle: u32| last_report.wrapping_sub(middle).wrapping_add(1) <= 2;
        let reported = self.reported.filter(|reported| last_report != 0 && is_meant(reported.middle))?;
        let held = Duration::from_micros(u64::from(delay) * 1_000_000 / 65_536);
        let round_trip = now.saturating_duration_since(reported.at).checked_sub(held)?;
        (round_trip <= ROUND_TRIP_MAX).then_some(round_trip)
    }

    /// The rate of what it was sent.
    pub fn sent_rate(&mut self, now: Instant) -> Bitrate {
        self.rate.rate(now)
    }

    fn enter(
        &mut self,
        now: Instant,
        previous: Option<u8>,
        incoming: &Incoming,
        timestamp: u32,
        producer: &Producer,
    ) {
        let to_previous = previous.and_then(|previous| producer.timestamp_shift(incoming.stream, previous));
        self.rewriter.start(
            now,
            &Entrance {
                index: incoming.index,
                timestamp,
                numbers: incoming.description.numbers,
                clock_rate: producer.published.clock_rate,
                to_previous,
            },
        );
    }

    /// The highest spatial layer of a picture that passes ends it for this viewer.
    fn ends_picture(&self, description: &Description) -> bool {
        description.layer_frame_end && self.layers.spatial_limit() == Some(description.spatial)
    }
}
