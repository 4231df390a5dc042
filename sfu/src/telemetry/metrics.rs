//! `/metrics` in the Prometheus text format. `tests/golden/metrics.txt` pins the names.

use crate::{
    engine::counters::Counters,
    link::LinkStatus,
    worker::{Snapshot, WorkerCounters, pool::Pool, socket::SocketCounters, tcp::TcpCounters},
};
use std::fmt::Write;

struct Metric<V> {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    value: fn(&V) -> f64,
}

/// One metric per field. The closure that takes the struct apart makes the compiler ask for a new field here.
macro_rules! exported {
    ($list:ident, $type:ident { $($field:ident: $kind:ident $name:literal $help:literal,)+ }) => {
        const $list: &[Metric<$type>] = &[$(Metric {
            name: concat!("plenum_sfu_", $name),
            kind: stringify!($kind),
            help: $help,
            value: |counters| Figure::figure(counters.$field),
        }),+];
        const _: fn(&$type) = |counters| {
            let $type { $($field: _),+ } = counters;
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

exported!(ENGINE, Counters {
    datagrams_received: counter "datagrams_received_total" "Datagrams that reached the engine.",
    bytes_received: counter "bytes_received_total" "Bytes of those datagrams.",
    datagrams_dropped_unclassified: counter "datagrams_dropped_unclassified_total"
        "Datagrams that are not STUN, DTLS, RTP or RTCP.",
    datagrams_dropped_unrouted: counter "datagrams_dropped_unrouted_total"
        "Datagrams that belong to no transport.",
    stun_ignored: counter "stun_ignored_total" "STUN that was no valid check of its transport's peer.",
    media_dropped_without_keys: counter "media_dropped_without_keys_total"
        "Media that came before the keys, or after the end.",
    media_dropped_replayed: counter "media_dropped_replayed_total" "Media that was replayed or too old.",
    media_dropped_not_authentic: counter "media_dropped_not_authentic_total"
        "Media that was malformed or not authentic.",
    rtp_received: counter "rtp_received_total" "Authenticated RTP packets of publishers.",
    rtp_bytes_received: counter "rtp_bytes_received_total" "Bytes of those packets, without SRTP's.",
    rtp_dropped_unbound: counter "rtp_dropped_unbound_total" "RTP packets whose SSRC no producer claims.",
    rtp_dropped_duplicate: counter "rtp_dropped_duplicate_total" "RTP packets that came twice or too late.",
    rtp_padding_received: counter "rtp_padding_received_total" "Padding of publishers that probe for bandwidth.",
    rtp_dropped_paused: counter "rtp_dropped_paused_total" "RTP packets of paused producers.",
    rtp_dropped_unheard: counter "rtp_dropped_unheard_total"
        "RTP packets of microphones that are not among the loudest of their group.",
    rtp_dropped_silent: counter "rtp_dropped_silent_total" "RTP packets of silence.",
    red_received: counter "red_received_total" "RTP packets of publishers with redundant sound.",
    red_recovered: counter "red_recovered_total" "Lost packets of sound that were found in a later one.",
    red_sent: counter "red_sent_total" "RTP packets for subscribers with redundant sound.",
    rtp_dropped_malformed: counter "rtp_dropped_malformed_total"
        "RTP packets with an unknown payload type or a bad payload descriptor.",
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
    audio_dropped_egress_full: counter "audio_dropped_egress_full_total"
        "Audio packets for which the send arena had no room.",
    video_dropped_egress_full: counter "video_dropped_egress_full_total"
        "Video packets for which the send arena had no room, with the rest of their frames.",
    control_dropped_egress_full: counter "control_dropped_egress_full_total"
        "RTCP and handshake datagrams for which the send arena had no room.",
    rtcp_received: counter "rtcp_received_total" "Authenticated compound RTCP packets.",
    rtcp_sent: counter "rtcp_sent_total" "Compound RTCP packets for peers.",
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
    data_dropped_unbound: counter "data_dropped_unbound_total"
        "Messages on streams that no data producer has.",
    data_dropped_unknown_kind: counter "data_dropped_unknown_kind_total"
        "Messages of data channels that are none of an application.",
    data_dropped_full: counter "data_dropped_full_total"
        "Messages that may be lost, for receivers with too much waiting.",
    data_packets_dropped_waiting: counter "data_packets_dropped_waiting_total"
        "Packets of data channels for receivers whose path had no room for them soon.",
    data_dropped_not_connected: counter "data_dropped_not_connected_total"
        "Messages for receivers whose SCTP association is not up.",
    commands_done: counter "commands_done_total" "Commands that were carried out.",
    commands_refused: counter "commands_refused_total" "Commands that were refused.",
    transports_connected: counter "transports_connected_total" "Transports whose ICE and DTLS came up.",
    paths_changed: counter "paths_changed_total" "Times media went to another address of a client.",
    transports_lost: counter "transports_lost_total" "Transports that ended by themselves.",
    rooms_failed: counter "rooms_failed_total" "Rooms that were removed after a panic.",
    rooms: gauge "rooms" "Rooms.",
    transports: gauge "transports" "Transports.",
    producers: gauge "producers" "Producers.",
    consumers: gauge "consumers" "Consumers.",
    viewers: gauge "viewers" "Transports with consumers.",
    viewers_below_500k: gauge "viewers_below_500_kbits" "Of those, with an estimate below 500 kbit/s.",
    viewers_below_2m: gauge "viewers_below_2000_kbits" "Of those, with an estimate below 2 Mbit/s.",
    pictures: gauge "pictures" "Videos that subscribers are to be shown.",
    pictures_limited: gauge "pictures_limited" "Of those, held by bandwidth below what was asked for.",
    pictures_withheld: gauge "pictures_withheld" "Of those, not sent at all for want of bandwidth.",
    sessions_excellent: gauge "sessions_excellent" "Participants whose connection is excellent, or not judged yet.",
    sessions_good: gauge "sessions_good" "Participants whose connection is good.",
    sessions_fair: gauge "sessions_fair" "Participants whose connection is fair.",
    sessions_poor: gauge "sessions_poor" "Participants whose connection is poor.",
});

exported!(SOCKETS, SocketCounters {
    receive_calls: counter "receive_calls_total" "System calls that brought datagrams.",
    datagrams_received: counter "datagrams_read_total" "Datagrams they brought.",
    datagrams_dropped_by_kernel: counter "datagrams_dropped_by_kernel_total"
        "Datagrams that the kernel dropped because the worker was too slow to read them.",
    datagrams_truncated: counter "datagrams_truncated_total" "Received messages too large for their buffer.",
    receive_errors: counter "receive_errors_total" "System calls to receive that failed.",
    send_calls: counter "send_calls_total" "System calls to send.",
    datagrams_sent: counter "datagrams_sent_total" "Datagrams that the kernel took.",
    bytes_sent: counter "bytes_sent_total" "Bytes of those datagrams.",
    datagrams_sent_in_groups: counter "datagrams_sent_in_groups_total"
        "Of those, datagrams that left with others in one message (GSO).",
    datagrams_dropped_queue_full: counter "datagrams_dropped_queue_full_total"
        "Datagrams dropped because the kernel's send queue was full.",
    datagrams_refused: counter "datagrams_refused_total"
        "Datagrams that the kernel did not take for another reason.",
    gso_fallbacks: counter "gso_fallbacks_total" "Sockets that gave up GSO.",
});

exported!(TCP, TcpCounters {
    connections: gauge "tcp_connections" "Media connections over TCP that are open.",
    accepted: counter "tcp_accepted_total" "Media connections over TCP that were accepted.",
    refused: counter "tcp_refused_total" "Connections refused, or closed to make room, because there are too many.",
    closed_unproven: counter "tcp_closed_unproven_total" "Connections closed because no valid check came.",
    closed_left: counter "tcp_closed_left_total" "Connections closed because no transport had them any more.",
    closed_stuck: counter "tcp_closed_stuck_total" "Connections closed because their peer did not read.",
    closed_malformed: counter "tcp_closed_malformed_total" "Connections closed because what came made no sense.",
    datagrams_received: counter "tcp_datagrams_received_total" "Datagrams that came by TCP.",
    datagrams_sent: counter "tcp_datagrams_sent_total" "Datagrams that were queued for TCP.",
    bytes_sent: counter "tcp_bytes_sent_total" "Bytes that the kernel took for TCP.",
    datagrams_dropped_queue_full: counter "tcp_datagrams_dropped_queue_full_total"
        "Datagrams dropped because too much waited for a TCP connection.",
});

exported!(WORKER, WorkerCounters {
    turns: counter "worker_turns_total" "Turns of the worker's loop.",
    panics: counter "worker_panics_total" "Panics of the engine that were contained.",
    cpu: counter "worker_cpu_seconds_total" "Processor time of the worker's thread.",
});

/// The whole page.
pub fn render(pool: &Pool, link: &LinkStatus) -> String {
    let snapshots: Vec<Snapshot> = pool.workers().iter().map(|worker| worker.snapshot()).collect();
    let queues: Vec<f64> = pool.workers().iter().map(|worker| worker.queue_len() as f64).collect();
    let mut page = String::with_capacity(32 * 1024);
    ENGINE.iter().for_each(|metric| metric.render(&mut page, snapshots.iter().map(|one| &one.engine)));
    SOCKETS.iter().for_each(|metric| metric.render(&mut page, snapshots.iter().map(|one| &one.sockets)));
    TCP.iter().for_each(|metric| metric.render(&mut page, snapshots.iter().map(|one| &one.tcp)));
    WORKER.iter().for_each(|metric| metric.render(&mut page, snapshots.iter().map(|one| &one.worker)));
    head(&mut page, "plenum_sfu_worker_queue", "gauge", "Commands waiting for the worker.");
    per_worker(&mut page, "plenum_sfu_worker_queue", queues.into_iter());

    let mut single = |name: &str, kind: &str, help: &str, value: f64| {
        let name = format!("plenum_sfu_{name}");
        head(&mut page, &name, kind, help);
        line(&mut page, &name, "", value);
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
    single(
        "events_dropped_total",
        "counter",
        "Events dropped because control did not take them.",
        pool.outbox().overflowed().figure(),
    );
    single("workers", "gauge", "Worker threads.", snapshots.len() as f64);
    single(
        "resident_memory_bytes",
        "gauge",
        "Memory of the process that is in use.",
        resident_bytes().figure(),
    );
    head(&mut page, "plenum_sfu_build_info", "gauge", "The version that runs.");
    line(&mut page, "plenum_sfu_build_info", concat!("{version=\"", env!("CARGO_PKG_VERSION"), "\"}"), 1.0);
    page
}

impl<V> Metric<V> {
    fn render<'a>(&self, page: &mut String, workers: impl Iterator<Item = &'a V>)
    where
        V: 'a,
    {
        head(page, self.name, self.kind, self.help);
        per_worker(page, self.name, workers.map(self.value));
    }
}

fn head(page: &mut String, name: &str, kind: &str, help: &str) {
    // Writing to a `String` cannot fail.
    let _ = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn per_worker(page: &mut String, name: &str, values: impl Iterator<Item = f64>) {
    for (worker, value) in values.enumerate() {
        line(page, name, &format!("{{worker=\"{worker}\"}}"), value);
    }
}

fn line(page: &mut String, name: &str, labels: &str, value: f64) {
    let _ = writeln!(page, "{name}{labels} {value}");
}

/// The second figure of `/proc/self/statm`, in pages of 4 KiB on every machine we build for.
fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}
