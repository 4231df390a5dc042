//! A media node without a control plane: bots that speak its link fill a room, and no packet is lost.

mod support;

use plenum_loadtest::{
    network::Conditions,
    report::Report,
    scenario::{MediaSettings, SfuSettings, sfu},
    signal::node::LaunchSettings,
};
use std::{net::Ipv4Addr, time::Duration};

async fn room(media: MediaSettings) -> Report {
    let program = support::program("PLENUM_SFU_BIN", "plenum-sfu", "plenum-sfu");
    let listen = Ipv4Addr::LOCALHOST.into();
    let node = LaunchSettings { program, workers: 1, listen, log: "warn".into() };
    sfu(&SfuSettings { node, media }).await.expect("a node that starts and a room to enter")
}

fn few_bots() -> MediaSettings {
    MediaSettings {
        bots: 4,
        duration: Duration::from_secs(3),
        video_bitrate_bps: 600_000,
        joining_at_once: 2,
        ..MediaSettings::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn four_bots_hear_and_see_each_other_without_a_fault() {
    let report = room(few_bots()).await;
    assert!(report.is_good(), "{report}");
    assert_eq!(report.media.subscriptions, 4 * 3 * 2);
    assert_eq!(report.media.received, report.media.expected);
    assert_eq!(report.media.reordered, 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn simulcast_reaches_everybody_and_switches_layers_cleanly() {
    let media = MediaSettings { simulcast: true, video_bitrate_bps: 900_000, ..few_bots() };
    let report = room(media).await;
    assert!(report.is_good(), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_video_packets_are_repaired_in_both_directions() {
    let conditions = Conditions { loss: 0.02, delay: Duration::from_millis(5) };
    let media = MediaSettings { audio: false, duration: Duration::from_secs(6), conditions, ..few_bots() };
    let report = room(media).await;
    assert!(report.is_good(), "{report}");
    assert!(report.transport.nacks_received > 0, "the node asks publishers again\n{report}");
    assert!(report.media.reordered > 0, "repaired packets come late\n{report}");
    // One packet in fifty is lost each way, and a repair as often again; most gaps must be closed.
    let unrepaired = report.media.lost as f64 / report.media.expected as f64;
    assert!(unrepaired < 0.005, "{unrepaired} of all packets never came\n{report}");
}
