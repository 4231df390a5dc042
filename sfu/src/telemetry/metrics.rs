//! `/metrics`: what the counters are called. `tests/golden/metrics.txt` pins the names.

use super::exposition::Page;
use crate::{
    engine::counters::{ByKind, Counters, ESTIMATES},
    link::LinkStatus,
    worker::{
        Snapshot, TURNS, WorkerCounters,
        pool::Pool,
        socket::{BATCHES, SocketCounters},
        tcp::TcpCounters,
    },
};
use plenum_shared::details::Traffic;

/// One series of each worker.
struct Metric<V> {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    /// Beside the worker's: empty, or each with a comma before it.
    labels: &'static str,
    value: fn(&V) -> f64,
}

/// One metric per field, with labels where several fields are one family. The closure that takes the struct apart makes the
/// compiler ask for a new field here; those behind `apart` are no single number and have lines of their own in [`render`].
macro_rules! exported {
    ($list:ident, $type:ident {
        $($field:ident: $kind:ident $name:literal $help:tt $({ $($label:ident = $text:literal),+ })?,)+
    } apart { $($apart:ident),* }) => {
        const $list: &[Metric<$type>] = &[$(Metric {
            name: concat!("plenum_sfu_", $name),
            kind: stringify!($kind),
            help: $help,
            labels: concat!($($(",", stringify!($label), "=\"", $text, "\""),+)?),
            value: |counters| Figure::figure(counters.$field),
        }),+];
        const _: fn(&$type) = |counters| {
            let $type { $($field: _,)+ $($apart: _),* } = counters;
        };
    };
}

trait Figure {
    fn figure(self) -> f64;
}

impl Figure for u64 {
    fn figure(self) -> f64 {
        self as f64
    }
}

impl Figure for std::time::Duration {
    fn figure(self) -> f64 {
        self.as_secs_f64()
    }
}

/// Where something ends that does not go on its way, and why there: by design (`router`: silence, microphones that are not among
/// the loudest, what is paused or came twice), because it is not for us or not genuine (`demux`, `ice`, `srtp`), or because
/// we or the network are too slow (`kernel`, `arena`, `ring`, `socket`, `tcp`).
const DROPPED: &str = "Datagrams, packets and messages that ended here, by place and reason.";
const VIDEOS: &str = "Subscriptions to video by the layer they are given.";
const SESSIONS: &str = "Participants by how they are connected; those not judged yet are excellent.";

exported!(ENGINE, Counters {
    datagrams_received: counter "datagrams_received_total" "Datagrams that reached the engine.",
    bytes_received: counter "bytes_received_total" "Bytes of those datagrams.",
    datagrams_dropped_unclassified: counter "dropped_total" DROPPED { at = "demux", reason = "unclassified" },
    stun_dropped_unknown_ufrag: counter "dropped_total" DROPPED { at = "demux", reason = "unknown_ufrag" },
    datagrams_dropped_unknown_address: counter "dropped_total" DROPPED { at = "demux", reason = "unknown_address" },
    stun_ignored: counter "dropped_total" DROPPED { at = "ice", reason = "no_valid_check" },
    media_dropped_without_keys: counter "dropped_total" DROPPED { at = "srtp", reason = "without_keys" },
    media_dropped_replayed: counter "dropped_total" DROPPED { at = "srtp", reason = "replayed" },
    media_dropped_not_authentic: counter "dropped_total" DROPPED { at = "srtp", reason = "not_authentic" },
    rtp_received: counter "rtp_received_total" "Authenticated RTP packets of publishers.",
    rtp_bytes_received: counter "rtp_bytes_received_total" "Bytes of those packets, without SRTP's.",
    rtp_dropped_unbound: counter "dropped_total" DROPPED { at = "router", reason = "unbound" },
    rtp_dropped_duplicate: counter "dropped_total" DROPPED { at = "router", reason = "duplicate" },
    rtp_padding_received: counter "rtp_padding_received_total" "Padding of publishers that probe for bandwidth.",
    rtp_dropped_paused: counter "dropped_total" DROPPED { at = "router", reason = "paused" },
    rtp_dropped_unheard: counter "dropped_total" DROPPED { at = "router", reason = "unheard" },
    rtp_dropped_silent: counter "dropped_total" DROPPED { at = "router", reason = "silent" },
    red_received: counter "red_received_total" "RTP packets of publishers with redundant sound.",
    red_recovered: counter "red_recovered_total" "Lost packets of sound that were found in a later one.",
    red_sent: counter "red_sent_total" "RTP packets for subscribers with redundant sound.",
    rtp_dropped_malformed: counter "dropped_total" DROPPED { at = "router", reason = "malformed" },
    rtp_dropped_undescribed: counter "dropped_total" DROPPED { at = "router", reason = "undescribed" },
    rtp_repaired: counter "rtp_repaired_total" "Lost packets of publishers that a retransmission brought.",
    rtp_sent: counter "rtp_sent_total" "RTP packets for subscribers, retransmissions included.",
    rtp_bytes_sent: counter "rtp_bytes_sent_total" "Bytes of those packets, SRTP included.",
    rtp_retransmitted: counter "rtp_retransmitted_total" "Retransmissions for subscribers.",
    retransmissions_unavailable: counter "retransmissions_unavailable_total"
        "Packets that subscribers asked for again and that were gone.",
    rtp_paced: counter "rtp_paced_total" "RTP packets for subscribers that waited before they left.",
    rtp_paced_time: counter "rtp_paced_seconds_total" "How long those packets waited.",
    video_stopped_pacer_full: counter "video_stopped_pacer_full_total"
        "Times a viewer's video was dropped to the next keyframe because too much waited for it.",
    probes_sent: counter "probes_sent_total" "Probes for bandwidth toward subscribers.",
    probe_packets_sent: counter "probe_packets_sent_total" "Packets sent for those probes alone.",
    audio_dropped_egress_full: counter "dropped_total" DROPPED { at = "arena", reason = "full_for_audio" },
    video_dropped_egress_full: counter "dropped_total" DROPPED { at = "arena", reason = "full_for_video" },
    control_dropped_egress_full: counter "dropped_total" DROPPED { at = "arena", reason = "full_for_control" },
    relayed: counter "relayed_total" "Packets sent on to branches of rooms on other workers.",
    relayed_bytes: counter "relayed_bytes_total" "Bytes of those packets.",
    relayed_received: counter "relayed_received_total" "Packets that came from other workers.",
    audio_dropped_ring_full: counter "dropped_total" DROPPED { at = "ring", reason = "full_for_audio" },
    video_dropped_ring_full: counter "dropped_total" DROPPED { at = "ring", reason = "full_for_video" },
    relay_dropped_too_long: counter "dropped_total" DROPPED { at = "ring", reason = "too_large" },
    nacks_sent: counter "nacks_sent_total" "Packets that publishers were asked for again.",
    nacks_received: counter "nacks_received_total" "Packets that subscribers asked for again.",
    keyframes_requested: counter "keyframes_requested_total" "Keyframes that publishers were asked for.",
    keyframe_requests_received: counter "keyframe_requests_received_total"
        "Keyframes that subscribers asked for.",
    freezes: counter "viewer_freezes_total"
        "Keyframes that subscribers asked for in the middle of a picture that had reached us whole.",
    keyframes_received: counter "keyframes_received_total" "Keyframes of publishers, each layer counted.",
    layer_switches: counter "layer_switches_total" "Changes of the layer that a consumer receives.",
    speaker_changes: counter "speaker_changes_total" "Changes of a room's active speaker.",
    data_messages_received: counter "data_messages_received_total" "Messages of data channels from clients.",
    data_bytes_received: counter "data_bytes_received_total" "Bytes of those messages.",
    data_messages_sent: counter "data_messages_sent_total" "Messages of data channels to clients.",
    data_dropped_unbound: counter "dropped_total" DROPPED { at = "data", reason = "unbound" },
    data_dropped_unknown_kind: counter "dropped_total" DROPPED { at = "data", reason = "unknown_kind" },
    data_dropped_full: counter "dropped_total" DROPPED { at = "data", reason = "full" },
    data_packets_dropped_waiting: counter "dropped_total" DROPPED { at = "data", reason = "no_room_soon" },
    data_dropped_not_connected: counter "dropped_total" DROPPED { at = "data", reason = "not_connected" },
    commands_done: counter "commands_done_total" "Commands that were carried out.",
    commands_refused: counter "commands_refused_total" "Commands that were refused.",
    transports_connected: counter "transports_connected_total" "Transports whose ICE and DTLS came up.",
    paths_changed: counter "paths_changed_total" "Times media went to another address of a client.",
    transports_lost: counter "transports_lost_total" "Transports that ended by themselves.",
    rooms_failed: counter "rooms_failed_total" "Rooms that were removed after a panic.",
    rooms: gauge "rooms" "Rooms.",
    branches: gauge "branches" "Branches of rooms of other workers.",
    transports: gauge "transports" "Transports.",
    addresses: gauge "addresses" "Addresses of clients, at most eight for each transport.",
    producers: gauge "producers" "Producers.",
    consumers: gauge "consumers" "Consumers.",
    viewers: gauge "viewers" "Transports with consumers.",
    pictures: gauge "pictures" "Videos that subscribers are to be shown.",
    pictures_limited: gauge "pictures_limited" "Of those, held by bandwidth below what was asked for.",
    pictures_withheld: gauge "pictures_withheld" "Of those, not sent at all for want of bandwidth.",
    pacer_packets: gauge "pacer_packets" "RTP packets for subscribers that wait to leave.",
    pacer_bytes: gauge "pacer_bytes" "Bytes of those packets.",
    pacer_longest: gauge "pacer_longest_seconds" "How long the longest of those queues takes to leave.",
    videos_not_sent: gauge "videos" VIDEOS { layer = "none" },
    sessions_excellent: gauge "sessions" SESSIONS { quality = "excellent" },
    sessions_good: gauge "sessions" SESSIONS { quality = "good" },
    sessions_fair: gauge "sessions" SESSIONS { quality = "fair" },
    sessions_poor: gauge "sessions" SESSIONS { quality = "poor" },
} apart { received, sent, estimates, videos_by_layer });

exported!(SOCKETS, SocketCounters {
    datagrams_dropped_by_kernel: counter "dropped_total" DROPPED { at = "kernel", reason = "too_slow" },
    datagrams_truncated: counter "dropped_total" DROPPED { at = "socket", reason = "too_large" },
    receive_errors: counter "receive_errors_total" "System calls to receive that failed.",
    send_calls: counter "send_calls_total" "System calls to send, those in vain included.",
    datagrams_sent: counter "datagrams_sent_total" "Datagrams that the kernel took.",
    bytes_sent: counter "bytes_sent_total" "Bytes of those datagrams.",
    datagrams_sent_in_groups: counter "datagrams_sent_in_groups_total"
        "Of those, datagrams that left with others in one message (GSO).",
    datagrams_dropped_queue_full: counter "dropped_total" DROPPED { at = "socket", reason = "queue_full" },
    datagrams_refused: counter "dropped_total" DROPPED { at = "socket", reason = "refused" },
    gso_fallbacks: counter "gso_fallbacks_total" "Sockets that gave up GSO.",
} apart { received, sent });

exported!(TCP, TcpCounters {
    connections: gauge "tcp_connections" "Media connections over TCP that are open.",
    waiting_bytes: gauge "tcp_waiting_bytes" "Bytes that wait for clients over TCP to read.",
    accepted: counter "tcp_accepted_total" "Media connections over TCP that were accepted.",
    refused: counter "tcp_refused_total" "Connections refused, or closed to make room, because there are too many.",
    closed_unproven: counter "tcp_closed_unproven_total" "Connections closed because no valid check came.",
    closed_left: counter "tcp_closed_left_total" "Connections closed because no transport had them any more.",
    closed_stuck: counter "tcp_closed_stuck_total" "Connections closed because their peer did not read.",
    closed_malformed: counter "tcp_closed_malformed_total" "Connections closed because what came made no sense.",
    datagrams_received: counter "tcp_datagrams_received_total" "Datagrams that came by TCP.",
    datagrams_sent: counter "tcp_datagrams_sent_total" "Datagrams that were queued for TCP.",
    bytes_sent: counter "tcp_bytes_sent_total" "Bytes that the kernel took for TCP.",
    datagrams_dropped_queue_full: counter "dropped_total" DROPPED { at = "tcp", reason = "queue_full" },
} apart {});

exported!(WORKER, WorkerCounters {
    panics: counter "worker_panics_total" "Panics of the engine that were contained.",
    ring_waiting: gauge "ring_waiting_packets" "The most packets from one other worker that waited, in the last second.",
    cpu: counter "worker_cpu_seconds_total" "Processor time of the worker's thread.",
} apart { turn });

/// The whole page.
pub fn render(pool: &Pool, link: &LinkStatus) -> String {
    let snapshots: Vec<Snapshot> = pool.workers().iter().map(|worker| worker.snapshot()).collect();
    let mut page = Page::default();
    for (worker, snapshot) in snapshots.iter().enumerate() {
        let labels = &format!("worker=\"{worker}\"");
        ENGINE.iter().for_each(|metric| metric.tell(&mut page, labels, &snapshot.engine));
        tell_videos(&mut page, labels, &snapshot.engine);
        tell_kinds(&mut page, labels, "received", &snapshot.engine.received);
        tell_kinds(&mut page, labels, "sent", &snapshot.engine.sent);
        SOCKETS.iter().for_each(|metric| metric.tell(&mut page, labels, &snapshot.sockets));
        TCP.iter().for_each(|metric| metric.tell(&mut page, labels, &snapshot.tcp));
        WORKER.iter().for_each(|metric| metric.tell(&mut page, labels, &snapshot.worker));
        tell_histograms(&mut page, labels, snapshot);
    }
    for (worker, handle) in pool.workers().iter().enumerate() {
        let waiting = page.family("plenum_sfu_worker_queue", "gauge", "Commands waiting for the worker.");
        waiting.value(&format!("worker=\"{worker}\""), handle.queue_len() as f64);
    }
    tell_process(&mut page, pool, link);
    page.into_text()
}

impl<V> Metric<V> {
    fn tell(&self, page: &mut Page, worker: &str, counters: &V) {
        let family = page.family(self.name, self.kind, self.help);
        family.value(&format!("{worker}{}", self.labels), (self.value)(counters));
    }
}

fn tell_videos(page: &mut Page, worker: &str, counters: &Counters) {
    let family = page.family("plenum_sfu_videos", "gauge", VIDEOS);
    for (layer, subscriptions) in counters.videos_by_layer.iter().enumerate() {
        family.value(&format!("{worker},layer=\"{layer}\""), *subscriptions as f64);
    }
}

fn tell_kinds(page: &mut Page, worker: &str, way: &str, kinds: &ByKind) {
    let ByKind { audio, video, rtx, probe, rtcp, data, handshake, stun } = kinds;
    let kinds: [(&str, &Traffic); 8] = [
        ("audio", audio),
        ("video", video),
        ("rtx", rtx),
        ("probe", probe),
        ("rtcp", rtcp),
        ("data", data),
        ("handshake", handshake),
        ("stun", stun),
    ];
    for (kind, Traffic { count, bytes }) in kinds {
        let labels = format!("{worker},kind=\"{kind}\"");
        let name = format!("plenum_sfu_packets_{way}_total");
        page.family(&name, "counter", "Packets of or for clients, by kind.").value(&labels, count.figure());
        let name = format!("plenum_sfu_packet_bytes_{way}_total");
        page.family(&name, "counter", "Bytes of those packets.").value(&labels, bytes.figure());
    }
}

fn tell_histograms(
    page: &mut Page,
    worker: &str,
    Snapshot { sockets, worker: own, estimates, .. }: &Snapshot,
) {
    page.family(
        "plenum_sfu_worker_turn_seconds",
        "histogram",
        "How long a turn of the worker's loop kept it from its sockets.",
    )
    .histogram(worker, (&TURNS, 1e9), &own.turn);
    page.family("plenum_sfu_receive_batch_datagrams", "histogram", "Datagrams that a system call brought.")
        .histogram(worker, (&BATCHES, 1.0), &sockets.received);
    page.family(
        "plenum_sfu_send_batch_datagrams",
        "histogram",
        "Datagrams that the kernel took of a system call.",
    )
    .histogram(worker, (&BATCHES, 1.0), &sockets.sent);
    page.family(
        "plenum_sfu_viewer_estimate_bytes_per_second",
        "histogram",
        "What the paths to subscribers carry, by estimate; each subscriber counts once a second.",
    )
    .histogram(worker, (&ESTIMATES, 1.0), estimates);
}

/// What is not of one worker.
fn tell_process(page: &mut Page, pool: &Pool, link: &LinkStatus) {
    let mut single = |name: &str, kind: &str, help: &str, value: f64| {
        page.family(&format!("plenum_sfu_{name}"), kind, help).value("", value);
    };
    single("link_up", "gauge", "1 while control is connected.", f64::from(u8::from(link.is_up())));
    single(
        "link_registrations_total",
        "counter",
        "Times control was reached.",
        link.registrations().figure(),
    );
    single(
        "requests_done_total",
        "counter",
        "Requests of control carried out.",
        link.requests_done().figure(),
    );
    single(
        "requests_refused_total",
        "counter",
        "Requests of control refused.",
        link.requests_refused().figure(),
    );
    single(
        "requests_unreadable_total",
        "counter",
        "Requests of control that made no sense.",
        link.requests_unreadable().figure(),
    );
    single("events_waiting", "gauge", "Events that wait for control.", pool.outbox().waiting() as f64);
    single(
        "events_dropped_total",
        "counter",
        "Events dropped because control did not take them.",
        pool.outbox().overflowed().figure(),
    );
    single("workers", "gauge", "Worker threads.", pool.workers().len() as f64);
    single(
        "resident_memory_bytes",
        "gauge",
        "Memory of the process that is in use.",
        resident_bytes().figure(),
    );
    page.family("plenum_sfu_build_info", "gauge", "The version that runs.")
        .value(concat!("version=\"", env!("CARGO_PKG_VERSION"), "\""), 1.0);
}

/// The second figure of `/proc/self/statm`, in pages of 4 KiB on every machine we build for.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
