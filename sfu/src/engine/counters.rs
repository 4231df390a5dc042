//! What happened on this worker since it started, as plain integers; a snapshot leaves as one value.

use std::time::Duration;

use plenum_shared::{
    details::Traffic,
    media::{Bitrate, ConnectionQuality, Layer},
};

use super::{
    histogram::Histogram,
    router::producer::LAYERS_MAX,
    stats::Shortage,
    transport::{TransportCounters, pacer::PacerFigures},
};

/// Estimates of viewers by these sizes, in bytes a second: 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20 and 50 Mbit/s.
pub const ESTIMATES: [u64; 10] =
    [12_500, 31_250, 62_500, 125_000, 250_000, 375_000, 625_000, 1_250_000, 2_500_000, 6_250_000];

/// Datagrams of each kind that passed in one direction. Bytes are those of datagrams; of RTP and RTCP that came, those
/// without SRTP's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ByKind {
    /// Sound.
    pub audio: Traffic,
    /// Video, each packet as it is sent the first time.
    pub video: Traffic,
    /// Packets on a stream of retransmissions; of publishers, probes are among them.
    pub rtx: Traffic,
    /// Packets of probes for bandwidth.
    pub probe: Traffic,
    /// Compound RTCP packets.
    pub rtcp: Traffic,
    /// Records of data channels; with DTLS 1.3, which hides it, the end of handshakes too.
    pub data: Traffic,
    /// Datagrams of handshakes.
    pub handshake: Traffic,
    /// Checks and their answers.
    pub stun: Traffic,
}

impl ByKind {
    /// STUN and DTLS, told apart by the first byte (RFC 7983, RFC 9147 section 4.1); what is media is counted where it is known
    /// of what.
    pub(super) fn note_signalling(&mut self, datagram: &[u8]) {
        match datagram.first() {
            Some(0..=3) => self.stun.add(datagram.len()),
            Some(23 | 32..=63) => self.data.add(datagram.len()),
            Some(20..=31) => self.handshake.add(datagram.len()),
            _ => {}
        }
    }
}

/// Everything counts up from zero. Names end in what is counted; `*_dropped_*` names say why something was dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams that came in, of any kind.
    pub datagrams_received: u64,
    /// Bytes of those datagrams.
    pub bytes_received: u64,
    /// Datagrams that came for transports: STUN and DTLS as they came, media once it is authentic and a producer claims it.
    pub received: ByKind,
    /// Datagrams for peers that found room in the egress arena.
    pub sent: ByKind,
    /// Datagrams that are not STUN, DTLS, RTP or RTCP by their first bytes.
    pub datagrams_dropped_unclassified: u64,
    /// STUN that is no request to a ufrag of ours.
    pub stun_dropped_unknown_ufrag: u64,
    /// DTLS and media from an address that has passed no check.
    pub datagrams_dropped_unknown_address: u64,
    /// STUN that was not a valid check of its transport's peer.
    pub stun_ignored: u64,
    /// Media that came before the keys, or after the end.
    pub media_dropped_without_keys: u64,
    /// Media that was replayed or too old.
    pub media_dropped_replayed: u64,
    /// Media that was malformed or not authentic.
    pub media_dropped_not_authentic: u64,
    /// Authenticated RTP packets from publishers.
    pub rtp_received: u64,
    /// Bytes of those, headers included, without SRTP's.
    pub rtp_bytes_received: u64,
    /// RTP whose SSRC no producer claims (yet).
    pub rtp_dropped_unbound: u64,
    /// RTP that was already received, or is too old to be of use.
    pub rtp_dropped_duplicate: u64,
    /// Padding without payload: bandwidth probes of publishers. Ends here by design.
    pub rtp_padding_received: u64,
    /// RTP of producers that are paused.
    pub rtp_dropped_paused: u64,
    /// Sound of microphones that are not among the loudest of their group.
    pub rtp_dropped_unheard: u64,
    /// Sound that is silence.
    pub rtp_dropped_silent: u64,
    /// Packets of publishers with redundant sound.
    pub red_received: u64,
    /// Lost packets of sound that were found in a later one.
    pub red_recovered: u64,
    /// Packets with redundant sound for subscribers.
    pub red_sent: u64,
    /// RTP whose payload type the producer did not announce, or whose payload descriptor makes no sense.
    pub rtp_dropped_malformed: u64,
    /// RTP on branches whose descriptor means something, but nobody here knows what: it was said in a keyframe that came before
    /// anybody watched here.
    pub rtp_dropped_undescribed: u64,
    /// Packets of publishers that were repaired by their retransmissions.
    pub rtp_repaired: u64,
    /// RTP packets sent to subscribers, retransmissions included.
    pub rtp_sent: u64,
    /// Bytes of those datagrams, SRTP included.
    pub rtp_bytes_sent: u64,
    /// Retransmissions sent to subscribers.
    pub rtp_retransmitted: u64,
    /// Sequence numbers subscribers asked for that were no longer, or never, in the history.
    pub retransmissions_unavailable: u64,
    /// Packets for subscribers that waited before they left, because their path carries no more at once.
    pub rtp_paced: u64,
    /// How long those waited, together.
    pub rtp_paced_time: Duration,
    /// Times a viewer's video was dropped to the next keyframe because more waited for it than can leave in time.
    pub video_stopped_pacer_full: u64,
    /// Probes for bandwidth toward subscribers.
    pub probes_sent: u64,
    /// Packets sent for those probes alone.
    pub probe_packets_sent: u64,
    /// Audio packets for which the egress arena had no room.
    pub audio_dropped_egress_full: u64,
    /// Video packets for which the egress arena had no room, and the rest of their frames.
    pub video_dropped_egress_full: u64,
    /// RTCP and handshake datagrams for which the egress arena had no room.
    pub control_dropped_egress_full: u64,
    /// Packets sent on to branches of rooms on other workers.
    pub relayed: u64,
    /// Bytes of those.
    pub relayed_bytes: u64,
    /// Packets that came for branches from other workers.
    pub relayed_received: u64,
    /// Packets of sound for which the ring to another worker had no room.
    pub audio_dropped_ring_full: u64,
    /// Packets of video for which the ring to another worker had no room, and the rest of their frames.
    pub video_dropped_ring_full: u64,
    /// Packets that are too long to be sent on to branches.
    pub relay_dropped_too_long: u64,
    /// Sequence numbers we asked publishers for.
    pub nacks_sent: u64,
    /// Sequence numbers subscribers asked us for.
    pub nacks_received: u64,
    /// Keyframe requests (PLI) to publishers.
    pub keyframes_requested: u64,
    /// Keyframe requests (PLI, FIR) of subscribers.
    pub keyframe_requests_received: u64,
    /// Times a picture froze: a viewer asked for a keyframe, the last one was long ago, and what is shown reached us whole.
    /// Asking again until it is there is the same time.
    pub freezes: u64,
    /// Keyframes that arrived from publishers, each layer counted.
    pub keyframes_received: u64,
    /// Changes of the layer a consumer receives.
    pub layer_switches: u64,
    /// Changes of the active speaker.
    pub speaker_changes: u64,
    /// Whole messages that came by data channels.
    pub data_messages_received: u64,
    /// Bytes of those.
    pub data_bytes_received: u64,
    /// Messages sent by data channels, each receiver counted.
    pub data_messages_sent: u64,
    /// Messages on streams that are no data producer's.
    pub data_dropped_unbound: u64,
    /// Messages of the in-band protocol of channels, or of a kind nobody knows.
    pub data_dropped_unknown_kind: u64,
    /// Messages that may be lost, for receivers with too much waiting.
    pub data_dropped_full: u64,
    /// Packets of data channels for receivers whose path had no room for them soon. Sent again where that matters.
    pub data_packets_dropped_waiting: u64,
    /// Messages for receivers whose association is not up.
    pub data_dropped_not_connected: u64,
    /// Commands that were carried out.
    pub commands_done: u64,
    /// Commands that were refused.
    pub commands_refused: u64,
    /// Transports whose ICE and DTLS came up.
    pub transports_connected: u64,
    /// Times a transport's media went to another address than before, the first one included.
    pub paths_changed: u64,
    /// Transports that ended by themselves: consent lost, closed by the peer, handshake failed, never connected.
    pub transports_lost: u64,
    /// Rooms removed after a panic.
    pub rooms_failed: u64,
    /// Rooms that exist now.
    pub rooms: u64,
    /// Branches of rooms of other workers.
    pub branches: u64,
    /// Transports that exist now.
    pub transports: u64,
    /// Addresses that are theirs now.
    pub addresses: u64,
    /// Producers that exist now.
    pub producers: u64,
    /// Consumers that exist now.
    pub consumers: u64,
    /// Transports with consumers.
    pub viewers: u64,
    /// Their estimates now, by [`ESTIMATES`].
    pub estimates: Histogram<{ ESTIMATES.len() }>,
    /// Packets that wait in the pacers of viewers now.
    pub pacer_packets: u64,
    /// Bytes of those.
    pub pacer_bytes: u64,
    /// How long the last packet will wait that waits longest.
    pub pacer_longest: Duration,
    /// Subscriptions to video by the spatial layer they are given now.
    pub videos_by_layer: [u64; LAYERS_MAX],
    /// Subscriptions to video that are given nothing now: paused, waiting for a keyframe, or short of bandwidth.
    pub videos_not_sent: u64,
    /// Videos that viewers are to be shown now.
    pub pictures: u64,
    /// Of those, videos that bandwidth holds below what their viewer asks for.
    pub pictures_limited: u64,
    /// Of those, videos of which nothing is sent for want of bandwidth.
    pub pictures_withheld: u64,
    /// Sessions that were last judged excellent, or not yet.
    pub sessions_excellent: u64,
    /// Sessions that were last judged good.
    pub sessions_good: u64,
    /// Sessions that were last judged fair.
    pub sessions_fair: u64,
    /// Sessions that were last judged poor.
    pub sessions_poor: u64,
}

impl Counters {
    /// Adds what one transport counted.
    pub(super) fn add_transport(&mut self, transport: &TransportCounters) {
        self.stun_ignored += transport.stun_ignored;
        self.media_dropped_without_keys += transport.media_without_keys;
        self.media_dropped_replayed += transport.media_replayed;
        self.data_dropped_unknown_kind += transport.data_of_unknown_kind;
        self.data_packets_dropped_waiting += transport.data_packets_waiting_too_many;
        self.media_dropped_not_authentic += transport.media_not_authentic;
    }

    /// Adds how one transport with consumers fares.
    pub(super) fn add_viewer(&mut self, estimate: Bitrate, shortage: &Shortage) {
        self.viewers += 1;
        self.estimates.note(&ESTIMATES, estimate.0 / 8);
        self.pictures += u64::from(shortage.pictures);
        self.pictures_limited += u64::from(shortage.limited);
        self.pictures_withheld += u64::from(shortage.withheld);
    }

    /// Adds what waits for one viewer, and for how long.
    pub(super) fn add_pacer(&mut self, pacer: PacerFigures, queue: Duration) {
        self.pacer_packets += pacer.waiting as u64;
        self.pacer_bytes += pacer.waiting_bytes as u64;
        self.pacer_longest = self.pacer_longest.max(queue);
    }

    /// Adds what one subscription to video is given.
    pub(super) fn add_video(&mut self, layer: Option<Layer>) {
        let given = layer.and_then(|layer| self.videos_by_layer.get_mut(usize::from(layer.spatial)));
        *given.unwrap_or(&mut self.videos_not_sent) += 1;
    }

    /// Adds how one session was judged.
    pub(super) fn add_session(&mut self, quality: Option<ConnectionQuality>) {
        let count = match quality.unwrap_or(ConnectionQuality::Excellent) {
            ConnectionQuality::Excellent => &mut self.sessions_excellent,
            ConnectionQuality::Good => &mut self.sessions_good,
            ConnectionQuality::Fair => &mut self.sessions_fair,
            ConnectionQuality::Poor => &mut self.sessions_poor,
        };
        *count += 1;
    }
}
