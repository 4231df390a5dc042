//! Figures of one session, as detailed as its client's own statistics (W3C webrtc-stats), seen from our end.
//!
//! Counts go up from zero for as long as the thing lives; "lately" is the last second or the last report. Bytes of
//! packets are those of whole RTP packets without SRTP's, bytes of datagrams those of whole UDP payloads.

use crate::{
    id::{ConsumerId, DataConsumerId, DataProducerId, ProducerId, SessionId, TransportId},
    media::{Bitrate, ConnectionQuality, Direction, Kind, Layer, LayerLimit, PictureSize, Source},
    transport::Protocol,
};

/// Everything about one session. The bounds of a node (transports, tracks, data channels and subscriptions of a session)
/// bound the answer: with the default ones, two transports with 8 producers or 512 consumers and 16 data producers or 64
/// data consumers each, it stays below 512 KiB.
#[derive(Clone, Debug, PartialEq)]
pub struct SessionDetails {
    pub session: SessionId,
    /// As it was told last; excellent until it was judged.
    pub quality: ConnectionQuality,
    pub transports: Vec<TransportDetails>,
    pub producers: Vec<ProducerDetails>,
    pub consumers: Vec<ConsumerDetails>,
    pub data_producers: Vec<DataProducerDetails>,
    pub data_consumers: Vec<DataConsumerDetails>,
}

/// How much of something passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Traffic {
    /// Packets, datagrams or messages.
    pub count: u64,
    pub bytes: u64,
}

impl Traffic {
    /// One more, of so many bytes.
    pub fn add(&mut self, bytes: usize) {
        self.count += 1;
        self.bytes += bytes as u64;
    }
}

/// Connectivity checks of a transport, which the client makes and we answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IceState {
    /// No valid check came yet.
    New,
    /// The client is reached at an address.
    Connected,
    /// It was, and now there is no address left; the transport ends unless a check comes within 30 seconds.
    Disconnected,
}

/// The handshake of a transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtlsState {
    /// Waits for signalling, an address, or the client's part of the handshake.
    Connecting,
    /// Media can flow. A transport whose DTLS has ended or failed is closed.
    Connected,
}

/// One peer connection.
#[derive(Clone, Debug, PartialEq)]
pub struct TransportDetails {
    pub transport: TransportId,
    pub direction: Direction,
    pub ice: IceState,
    pub dtls: DtlsState,
    /// What the path in use goes by; absent without one.
    pub protocol: Option<Protocol>,
    /// Absent until a report proved it.
    pub round_trip_ms: Option<u32>,
    /// Share of packets (0.0 to 1.0) lost lately: on a sending transport those that no retransmission brought, on a
    /// receiving one those that did not arrive the first time.
    pub loss: f32,
    /// Datagrams from the client, of any kind.
    pub received: Traffic,
    /// Datagrams to the client, of any kind.
    pub sent: Traffic,
    /// Those of the last second.
    pub received_rate: Bitrate,
    /// Those of the last second.
    pub sent_rate: Bitrate,
    /// Messages of data channels from the client: their payload.
    pub data_received: Traffic,
    /// Messages of data channels to the client: their payload.
    pub data_sent: Traffic,
    /// On transports that the client receives by.
    pub sending: Option<SendingDetails>,
}

/// What the way to a viewer carries, and what is done with it.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct SendingDetails {
    /// What may be sent, as far as we know.
    pub available: Bitrate,
    /// That is measured from transport-wide feedback; otherwise the client's receiver reports and REMB say so.
    pub measured: bool,
    /// The rate at which packets arrived lately; zero where nobody tells.
    pub acknowledged: Bitrate,
    /// How long packets wait on the way, beyond the shortest delay seen.
    pub path_queue_ms: u32,
    /// What the streams that are given take together.
    pub allotted: Bitrate,
    /// What the next better thing to send would need in all; absent while nothing better is wanted.
    pub wanted: Option<Bitrate>,
    /// Packets that wait leave at this rate.
    pub pacing: Bitrate,
    /// Packets that wait now.
    pub pacer_queue: Traffic,
    /// How long the last of them will wait.
    pub pacer_queue_ms: u32,
    /// Packets that waited before they left.
    pub paced: u64,
    /// How long those waited together.
    pub paced_ms: u64,
    /// Datagrams with packets that were sent again because they were lost.
    pub retransmitted: Traffic,
    /// Datagrams sent only to find out what the path carries.
    pub probes: Traffic,
    /// Videos that are to be shown.
    pub pictures: u32,
    /// Of those, videos that bandwidth holds below what the viewer asks for.
    pub pictures_limited: u32,
    /// Of those, videos of which nothing is sent for want of bandwidth.
    pub pictures_withheld: u32,
}

/// One published track.
#[derive(Clone, Debug, PartialEq)]
pub struct ProducerDetails {
    pub producer: ProducerId,
    pub transport: TransportId,
    pub kind: Kind,
    pub source: Source,
    pub paused: bool,
    /// RTP streams: one for each simulcast layer, the smallest first; else one.
    pub streams: Vec<StreamDetails>,
    /// Spatial layers of a video, the smallest first, whether they are streams or inside one; none of sound.
    pub layers: Vec<LayerDetails>,
}

/// One RTP stream from a publisher (`inbound-rtp`). A publisher that starts a stream anew under another SSRC starts its
/// counts anew.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct StreamDetails {
    /// The simulcast encoding as the publisher calls it.
    pub rid: Option<String>,
    /// Absent until the first packet, where signalling does not tell it.
    pub ssrc: Option<u32>,
    pub rtx_ssrc: Option<u32>,
    /// Packets taken, each once, repaired ones and padding included.
    pub packets: Traffic,
    /// Of those, packets that were missing and came as a retransmission. Sound that was found as redundancy in a later
    /// packet counts here too, with its payload's bytes.
    pub repaired: Traffic,
    /// Packets that are missing still: never to come, or asked for again (RFC 3550, cumulative number lost).
    pub lost: u64,
    /// Packets that were missing when a later one came, whatever became of them: lost, repaired, or only out of order.
    pub missed: u64,
    /// Share of packets (0.0 to 1.0) still missing of those expected between the last two reports.
    pub fraction_lost: f32,
    /// Packets that had come before, or came more than 1024 packets late.
    pub duplicates: u64,
    /// Packets that made no sense: a payload descriptor nobody can read.
    pub discarded: u64,
    /// Interarrival jitter (RFC 3550 section 6.4.1).
    pub jitter_ms: f32,
    /// Sequence numbers we asked for again, repeated requests included.
    pub nacks: u64,
    /// Picture loss indications we sent. Full intra requests (FIR) are never sent.
    pub plis: u64,
    /// Keyframes that came.
    pub keyframes: u64,
    /// Of the last second.
    pub rate: Bitrate,
}

/// One spatial layer of a published video.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct LayerDetails {
    /// Of the last second, this layer alone.
    pub rate: Bitrate,
    /// Pictures of the last second.
    pub frames_per_second: f32,
    /// Pictures that began to arrive.
    pub frames: u64,
    /// As the last keyframe said.
    pub picture: Option<PictureSize>,
    /// The publisher sends it now, as far as the other layers tell.
    pub sent: bool,
    /// Subscriptions that are given this layer now.
    pub viewers: u32,
}

/// One subscription (`outbound-rtp` and the viewer's `remote-inbound-rtp`).
#[derive(Clone, Debug, PartialEq)]
pub struct ConsumerDetails {
    pub consumer: ConsumerId,
    pub producer: ProducerId,
    pub transport: TransportId,
    pub kind: Kind,
    pub source: Source,
    /// The viewer paused it, or its producer is paused.
    pub paused: bool,
    pub ssrc: u32,
    pub rtx_ssrc: Option<u32>,
    /// Packets of media as they were sent the first time: datagrams, with SRTP's bytes.
    pub sent: Traffic,
    /// Datagrams with packets that were sent again because the viewer asked for them.
    pub retransmitted: Traffic,
    /// Datagrams on its stream of retransmissions that were sent only to find out what the path carries.
    pub probes: Traffic,
    /// Of the last second, retransmissions included and probes not.
    pub rate: Bitrate,
    /// Sequence numbers the viewer asked for again, repeated requests included.
    pub nacks: u64,
    /// Of those, numbers of packets that were gone, or never there.
    pub nacks_unanswered: u64,
    /// Picture loss indications of the viewer.
    pub plis: u64,
    /// Full intra requests of the viewer.
    pub firs: u64,
    /// The layer it is to be given; absent for sound and while it is given nothing.
    pub target: Option<Layer>,
    /// The layer it gets.
    pub current: Option<Layer>,
    /// The layer the viewer can use at most.
    pub preferred: Option<Layer>,
    /// Why it gets less than that.
    pub limit: Option<LayerLimit>,
    /// Times it was given another layer, or none, or one again.
    pub layer_changes: u64,
    /// What its viewer reported last.
    pub remote: Option<RemoteReport>,
}

/// A report block of a viewer about one stream (`remote-inbound-rtp`).
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct RemoteReport {
    /// Packets the viewer has missed in all, repaired ones as a rule included; duplicates can make it negative.
    pub lost: i32,
    /// Share of packets (0.0 to 1.0) the viewer missed since its report before, without those missing when they reached us.
    pub fraction_lost: f32,
    /// Interarrival jitter at the viewer.
    pub jitter_ms: f32,
    /// Absent unless the report proved it.
    pub round_trip_ms: Option<u32>,
}

/// How far a data channel is. One that is closed is not listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataChannelState {
    /// There is no SCTP association, or its stream is not open yet.
    Connecting,
    /// Messages can pass.
    Open,
}

/// One data channel of a client, whose messages are for others (`data-channel`).
#[derive(Clone, Debug, PartialEq)]
pub struct DataProducerDetails {
    pub producer: DataProducerId,
    pub transport: TransportId,
    /// The SCTP stream it comes on.
    pub stream_id: u16,
    pub state: DataChannelState,
    /// Messages from the client: their payload.
    pub received: Traffic,
}

/// One subscription to a data channel (`data-channel`).
#[derive(Clone, Debug, PartialEq)]
pub struct DataConsumerDetails {
    pub consumer: DataConsumerId,
    pub producer: DataProducerId,
    pub transport: TransportId,
    /// The SCTP stream it leaves on.
    pub stream_id: u16,
    pub state: DataChannelState,
    /// Messages handed to SCTP: their payload. Those that it gives up on a lossy channel are among them.
    pub sent: Traffic,
    /// Messages that were not: on a lossy channel because too much waited, on any because it was not open yet.
    pub dropped: Traffic,
    /// Bytes of payload that the client has not acknowledged yet.
    pub buffered: u64,
}
