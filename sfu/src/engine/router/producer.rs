//! A published track and its simulcast or SVC layers: loss seen, repairs asked for, rates measured.

use std::{
    cell::Cell,
    time::{Duration, Instant},
};

use plenum_shared::{
    id::{ProducerId, SessionId},
    media::{Bitrate, Kind, LayerStructure, PictureSize, Source},
};

use super::{
    claims::Claims,
    counts::StreamCounts,
    held::Held,
    history::{History, Keeping, LONG_WAIT},
    keyframe::KeyframeRequests,
    layer_meter::{Costs, LayerMeters},
    layer_silence::Found,
    nack::Nacks,
    payload::{Description, dependency::Structure, picture},
    reception::{Arrival, ReceivedReport, Reception, ticks},
    red::Recent,
    silence::Pauses,
    spacing::Spacing,
    watched::Watched,
};
use crate::engine::{
    demux::Slot,
    packet::RtpPacket,
    relay::{home::Follower, message::Wants},
    transport::params::{Codec, Encoding, Published},
};

/// Spatial layers of one producer at most: the bound of `encodings`, and enough for `L3`.
pub const LAYERS_MAX: usize = 4;
/// The NTP fraction: units of a 32.32 fixed point second.
const NTP_SECOND: u64 = 1 << 32;

/// One RTP stream of a producer.
#[derive(Debug)]
pub struct Stream {
    /// How the publisher names it.
    pub encoding: Encoding,
    /// The SSRC of its media, once known.
    pub ssrc: Option<u32>,
    /// The SSRC of its retransmissions, once known.
    pub rtx_ssrc: Option<u32>,
    /// How often the publisher has numbered it anew.
    pub generation: u8,
    /// What came of it.
    pub reception: Reception,
    /// What is waited for.
    pub nacks: Nacks,
    /// What can be sent again.
    pub history: History,
    /// How its packets follow each other.
    pub spacing: Spacing,
    /// What passed.
    pub counts: StreamCounts,
    /// What its dependency descriptors mean, since a keyframe said so.
    pub structure: Option<Box<Structure>>,
    /// The packet that said so.
    structure_index: Option<u64>,
    /// The newest packet that was of no use because what its descriptor means had not come.
    unread_index: Option<u64>,
    /// The newest keyframe.
    pub(super) keyframe: Option<Keyframe>,
    /// What home said of it that is not about the packets that have come so far.
    pub(super) early_report: Option<EarlyReport>,
}

/// A sender report of a mirror that has overtaken the first packet of its generation.
#[derive(Debug, Clone, Copy)]
pub(super) struct EarlyReport {
    generation: u8,
    report: ReceivedReport,
    missed_share: f32,
}

/// A keyframe that came.
#[derive(Debug, Clone, Copy)]
pub struct Keyframe {
    /// So that its packets are counted once.
    timestamp: u32,
    /// Its first packet that says so.
    pub(super) index: u64,
    /// When it began to come.
    pub(super) at: Instant,
}

impl Stream {
    fn new(now: Instant, encoding: &Encoding, clock_rate: u32) -> Self {
        Stream {
            encoding: encoding.clone(),
            ssrc: encoding.ssrc,
            rtx_ssrc: encoding.rtx_ssrc,
            generation: 0,
            reception: Reception::new(now, clock_rate),
            nacks: Nacks::default(),
            history: History::default(),
            spacing: Spacing::default(),
            counts: StreamCounts::default(),
            structure: None,
            structure_index: None,
            unread_index: None,
            keyframe: None,
            early_report: None,
        }
    }

    /// Takes note of what home says of it, now or when the first packet of this generation is here.
    pub fn follow_report(&mut self, generation: u8, report: ReceivedReport, missed_share: f32) {
        if generation == self.generation {
            self.reception.follow_report(report, missed_share);
        } else {
            self.early_report = Some(EarlyReport { generation, report, missed_share });
        }
    }

    /// The first packet of a generation of a mirror is here.
    pub(super) fn begin(&mut self, generation: u8, early_report: Option<EarlyReport>) {
        self.generation = generation;
        if let Some(early) = early_report {
            self.follow_report(early.generation, early.report, early.missed_share);
        }
    }
}

/// A media packet, with what forwarding needs to know of it.
#[derive(Debug, Clone, Copy)]
pub struct Incoming {
    /// The stream of the producer it is of.
    pub stream: u8,
    /// Its index in that stream.
    pub index: u64,
    /// What its payload says.
    pub description: Description,
}

/// What a packet means for the consumers.
#[derive(Debug, Clone, Copy)]
pub enum Taken {
    /// Forward it.
    Media(Incoming),
    /// Padding took the place of this index; consumers close the gap.
    Padding {
        /// See [`Incoming::stream`].
        stream: u8,
        /// See [`Incoming::index`].
        index: u64,
    },
    /// It was here before, or is too old.
    Duplicate,
    /// It makes no sense.
    Malformed,
}

/// A published track.
#[derive(Debug)]
pub struct Producer {
    /// Its name.
    pub id: ProducerId,
    /// Who publishes it.
    pub session: SessionId,
    /// The transport it comes by; `None` for the mirror of a producer whose home is on another worker.
    pub peer: Option<Slot>,
    /// Audio or video.
    pub kind: Kind,
    /// What it shows or carries.
    pub source: Source,
    /// What was negotiated.
    pub published: Published,
    /// Nothing is forwarded.
    pub paused: bool,
    /// Smallest layer first, at most [`LAYERS_MAX`].
    pub streams: Vec<Stream>,
    /// Its consumers in the room's table.
    pub consumers: Vec<usize>,
    /// Branches of the room on other workers with viewers of it. At most one for each worker.
    pub followers: Vec<Follower>,
    /// What home was told that is wanted of a mirror.
    pub told_wants: Wants,
    /// Which of its layers they watch.
    pub watched: Watched,
    /// What of it is about to leave.
    pub held: Held,
    /// The engine knows that something is held.
    pub is_listed: bool,
    /// Who needs a keyframe.
    pub keyframes: KeyframeRequests,
    /// Keyframes that came, each layer counted.
    pub keyframe_count: u64,
    /// Packets that came by retransmission after we had asked for them.
    pub repaired_count: u64,
    /// How large the picture of each spatial layer is, as its last keyframe said.
    pub pictures: [Option<PictureSize>; LAYERS_MAX],
    /// One of its layers was found to have stopped, and its viewers have not been moved yet.
    pub layer_stopped: bool,
    /// Whom the session hears: who speaks, who is let through and who is on stage is judged in its group.
    pub group: u32,
    /// Its sound is let through; false while a microphone is not among the loudest of its group.
    pub heard: bool,
    /// Its picture is let through; false for a camera that is not of one of the last N speakers of its group.
    pub on_stage: bool,
    /// What is believed of how loud it says it is.
    pub claims: Claims,
    /// What of its sound is not forwarded.
    pub pauses: Pauses,
    /// Its latest sound, where a viewer is sent it again.
    pub recent: Recent,
    /// Viewers that take redundancy.
    pub redundant_viewers: usize,
    /// Viewers that take no pauses.
    pub steady_viewers: usize,
    meters: LayerMeters,
    /// When a viewer's queue was last found to be a long one. Whatever goes out to viewers only reads the rest of a producer.
    long_wait_at: Cell<Option<Instant>>,
}

impl Producer {
    /// A producer nothing has come of yet.
    pub fn new(
        now: Instant,
        (id, session, peer): (ProducerId, SessionId, Option<Slot>),
        (kind, source): (Kind, Source),
        published: Published,
        paused: bool,
    ) -> Self {
        let stream = |encoding: &Encoding| Stream::new(now, encoding, published.clock_rate);
        Producer {
            id,
            session,
            peer,
            kind,
            source,
            streams: published.encodings.iter().take(LAYERS_MAX).map(stream).collect(),
            published,
            paused,
            consumers: Vec::new(),
            followers: Vec::new(),
            told_wants: Wants::default(),
            watched: Watched::new(now),
            held: Held::default(),
            is_listed: false,
            keyframes: KeyframeRequests::default(),
            keyframe_count: 0,
            repaired_count: 0,
            pictures: [None; LAYERS_MAX],
            layer_stopped: false,
            group: 0,
            heard: true,
            on_stage: true,
            claims: Claims::default(),
            pauses: Pauses::default(),
            recent: Recent::default(),
            redundant_viewers: 0,
            steady_viewers: 0,
            meters: LayerMeters::default(),
            long_wait_at: Cell::new(None),
        }
    }

    /// The publisher numbers a stream anew: nothing known of its packets holds any longer.
    pub fn restart_stream(&mut self, now: Instant, stream: u8) {
        let Some(state) = self.streams.get_mut(usize::from(stream)) else { return };
        self.held.forget_stream(stream);
        let encoding = Encoding { ssrc: state.ssrc, rtx_ssrc: state.rtx_ssrc, ..state.encoding.clone() };
        let generation = state.generation.wrapping_add(1);
        *state = Stream { generation, ..Stream::new(now, &encoding, self.published.clock_rate) };
        self.pauses = Pauses::default();
        self.recent.clear();
        let layers = if self.is_svc() { 0..LAYERS_MAX } else { usize::from(stream)..usize::from(stream) + 1 };
        layers.for_each(|layer| self.meters.restart(layer));
    }

    /// A packet of sound that did not come was found as redundancy in a later one. `None` when it is not missing.
    pub fn recover(
        &mut self,
        now: Instant,
        (stream, index): (u8, u64),
        timestamp: u32,
        len: usize,
    ) -> Option<Incoming> {
        let state = self.streams.get_mut(usize::from(stream))?;
        if !state.reception.is_missing(index) {
            return None;
        }
        state.reception.receive(now, index as u16, timestamp, true);
        state.nacks.arrived(index);
        state.counts.packets.add(len);
        state.counts.repaired.add(len);
        Some(Incoming { stream, index, description: Description::SOUND })
    }

    /// Takes note of a plain packet of one of its streams. `repaired` when it came as a retransmission.
    pub fn receive(
        &mut self,
        now: Instant,
        stream: u8,
        packet: &RtpPacket,
        bytes: &[u8],
        repaired: bool,
    ) -> Taken {
        let is_viewed = self.is_viewed();
        let Some(state) = self.streams.get_mut(usize::from(stream)) else { return Taken::Malformed };
        let arrival = state.reception.receive(now, packet.sequence_number, packet.timestamp, repaired);
        let (index, hopeless) = match arrival {
            Arrival::Useless => {
                state.counts.duplicates += 1;
                return Taken::Duplicate;
            }
            Arrival::Late { index } => {
                let asked = state.nacks.arrived(index);
                self.repaired_count += u64::from(asked);
                if asked || repaired {
                    state.counts.repaired.add(bytes.len());
                }
                (index, false)
            }
            Arrival::Newest { index, missing_from } => {
                let waits = self.published.nack && missing_from < index && is_viewed;
                (index, waits && !state.nacks.lost(now, missing_from, index))
            }
        };
        state.counts.packets.add(bytes.len());
        if hopeless {
            self.keyframes.want(stream);
        }
        let is_newest = matches!(arrival, Arrival::Newest { .. });
        self.take(now, (stream, index), is_newest, packet, bytes)
    }

    /// A mirror takes note of a packet that home has taken note of.
    pub fn follow(
        &mut self,
        now: Instant,
        (stream, index): (u8, u64),
        packet: &RtpPacket,
        bytes: &[u8],
    ) -> Taken {
        let Some(state) = self.streams.get_mut(usize::from(stream)) else { return Taken::Malformed };
        let is_newest = state.reception.follow(index);
        self.take(now, (stream, index), is_newest, packet, bytes)
    }

    /// Takes note of what a packet says that was not here before. The stream is one there is.
    fn take(
        &mut self,
        now: Instant,
        (stream, index): (u8, u64),
        is_newest: bool,
        packet: &RtpPacket,
        bytes: &[u8],
    ) -> Taken {
        let is_viewed = self.is_viewed();
        let state = &mut self.streams[usize::from(stream)];
        if packet.is_empty() {
            state.history.note_padding(index);
            return Taken::Padding { stream, index };
        }
        let dependency = self.published.ids.dependency;
        let newer = state.structure_index.is_none_or(|at| index >= at);
        let structure = &mut state.structure;
        let Some(description) =
            Description::read(self.published.codec, packet, bytes, dependency, structure, newer)
        else {
            state.counts.discarded += 1;
            // Nothing of a stream can be sent on before it is known what its descriptors mean.
            if dependency != 0 && is_newest {
                state.unread_index = Some(index);
                self.keyframes.want(stream);
            }
            return Taken::Malformed;
        };
        if newer && description.dependency.is_some_and(|dependency| dependency.attaches_structure) {
            state.structure_index = Some(index);
        }
        let layer = self.layer_of(stream, description.spatial).min(LAYERS_MAX - 1);
        let layer = (layer, self.source);
        self.layer_stopped |= self.meters.note(now, layer, &description, packet.timestamp, bytes.len());
        if description.keyframe && self.kind == Kind::Video {
            self.note_keyframe(now, stream, index, packet.timestamp);
            if let Some(said) = picture::read(self.published.codec, &description, packet.payload(bytes)) {
                let inside = self.is_svc().then(|| self.layer_count());
                said.note(&mut self.pictures, usize::from(stream), inside);
            }
        }
        if self.kind == Kind::Video && is_viewed {
            let keeping = Keeping::after(now, self.long_wait_at.get());
            self.streams[usize::from(stream)].history.store(now, keeping, index, bytes);
        }
        Taken::Media(Incoming { stream, index, description })
    }

    /// A packet joins a viewer's queue, which takes so long.
    pub fn note_wait(&self, now: Instant, queue: Duration) {
        if queue > LONG_WAIT {
            self.long_wait_at.set(Some(now));
        }
    }

    fn note_keyframe(&mut self, now: Instant, stream: u8, index: u64, timestamp: u32) {
        let state = &mut self.streams[usize::from(stream)];
        // What came before is of no use to anybody who enters here, but for the parameter sets of H264: they may be in
        // the packet before its IDR picture.
        state.nacks.forget_before(index - u64::from(self.published.codec == Codec::H264));
        match &mut state.keyframe {
            Some(keyframe) if keyframe.timestamp == timestamp => keyframe.index = keyframe.index.min(index),
            // A packet of an earlier one that comes late.
            Some(keyframe) if keyframe.index > index => return,
            keyframe => {
                *keyframe = Some(Keyframe { timestamp, index, at: now });
                state.counts.keyframes += 1;
                self.keyframe_count += 1;
            }
        }
        self.keyframes.arrived(stream);
        if state.unread_index.is_some_and(|unread| unread > index) {
            // It came too late for what is built on it.
            self.keyframes.want(stream);
        }
    }

    /// Somebody has subscribed to it, here or on a branch.
    pub fn is_viewed(&self) -> bool {
        !self.consumers.is_empty() || !self.followers.is_empty()
    }

    /// It is published on another worker.
    pub fn is_mirror(&self) -> bool {
        self.peer.is_none()
    }

    fn layer_of(&self, stream: u8, spatial: u8) -> usize {
        usize::from(if self.is_svc() { spatial } else { stream })
    }

    /// Its spatial layers are inside one stream.
    pub fn is_svc(&self) -> bool {
        self.published.structure == LayerStructure::Svc
    }

    /// Spatial layers that can be chosen.
    pub fn layer_count(&self) -> usize {
        if self.is_svc() {
            usize::from(self.published.spatial_layers).clamp(1, LAYERS_MAX)
        } else {
            self.streams.len()
        }
    }

    /// What each layer a consumer could be given takes.
    pub fn layer_costs(&mut self, now: Instant) -> Costs {
        self.meters.costs(now, self.layer_count(), self.is_svc())
    }

    /// The publisher sends this spatial layer now, as far as the others tell.
    pub fn is_sent(&self, layer: u8) -> bool {
        self.meters.is_sent(usize::from(layer))
    }

    /// When [`Producer::look_for_silence`] may find something.
    pub fn silence_timeout(&self) -> Option<Instant> {
        self.meters.poll_timeout()
    }

    /// Layers that have stopped, or may have, by the clock.
    pub fn look_for_silence(&mut self, now: Instant, followed: u8) -> Found {
        self.meters.look_for_silence(now, followed)
    }

    /// The layer that viewers of this one would go on with, if it has stopped: the next one below that goes on, else above.
    pub fn next_best(&self, layer: u8) -> Option<u8> {
        let above = layer + 1..self.layer_count() as u8;
        (0..layer).rev().chain(above).find(|&other| self.meters.goes_on(usize::from(other)))
    }

    /// The streams, one bit each, of which a keyframe can be had: their SSRC is known, and they have not been switched off.
    pub fn answering(&self) -> u8 {
        if !self.published.pli {
            return 0;
        }
        let unheard = self.is_svc() || !self.meters.is_heard();
        let answers = |&(index, stream): &(usize, &Stream)| {
            stream.ssrc.is_some() && (unheard || self.meters.is_sent(index))
        };
        self.streams.iter().enumerate().filter(answers).fold(0, |bits, (index, _)| bits | 1 << index)
    }

    /// What to add to a timestamp of one stream to get the timestamp of the same moment in another, as far as sender
    /// reports tell.
    pub fn timestamp_shift(&self, from: u8, to: u8) -> Option<u32> {
        if from == to {
            return Some(0);
        }
        let from = self.streams.get(usize::from(from))?.reception.sender_report?;
        let to = self.streams.get(usize::from(to))?.reception.sender_report?;
        let clock_rate = self.published.clock_rate;
        let ahead = to.ntp_time.wrapping_sub(from.ntp_time) as i64;
        let span = ticks(ntp_duration(ahead.unsigned_abs()), clock_rate);
        let same_moment = if ahead >= 0 {
            to.rtp_timestamp.wrapping_sub(span)
        } else {
            to.rtp_timestamp.wrapping_add(span)
        };
        Some(same_moment.wrapping_sub(from.rtp_timestamp))
    }

    /// When a request to the publisher is due.
    pub fn poll_timeout(&self, now: Instant) -> Option<Instant> {
        let nacks = self.streams.iter().filter_map(|stream| stream.nacks.poll_timeout());
        let keyframe = self.keyframes.poll_timeout(now, self.answering());
        nacks.chain(keyframe).min()
    }

    /// The rate of each spatial layer by itself.
    pub fn layer_received(&mut self, now: Instant) -> [Bitrate; LAYERS_MAX] {
        self.meters.rates(now)
    }

    /// Pictures of each spatial layer: how many began, and how many of them in the last second.
    pub fn layer_frames(&mut self, now: Instant) -> [(u64, f32); LAYERS_MAX] {
        self.meters.frames(now)
    }

    /// The rate of everything that came.
    pub fn received_rate(&mut self, now: Instant) -> Bitrate {
        Bitrate(self.meters.rates(now).iter().map(|rate| rate.0).sum())
    }
}

/// A span of NTP fixed point units.
fn ntp_duration(units: u64) -> Duration {
    let micros = u128::from(units) * 1_000_000 / u128::from(NTP_SECOND);
    Duration::from_micros(micros as u64)
}
