//! A media node without a control plane: bots that speak its link fill rooms, and no packet is lost.

use crate::support::{node, small};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use plenum_loadtest::{
    bot::{Bot, BotError, Part},
    exposition,
    media::{AudioTrack, RunClock, Track},
    monitor::Monitor,
    network::Conditions,
    peer::PeerSettings,
    report::{Report, Thresholds},
    scenario::{
        KneeSettings, MediaSettings, RunSettings, Scenario, ScenarioError, VenueSettings, find_knee, run,
    },
    signal::{
        Session, SignalError,
        node::{AwaitSettings, LaunchSettings, Node, Room},
    },
};
use std::{
    fs::Permissions,
    net::{Ipv4Addr, TcpListener, UdpSocket},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Stdio,
    sync::Arc,
    time::Duration,
};
use tokio::process::Command;

fn settings(scenario: Scenario) -> RunSettings {
    RunSettings {
        duration: Duration::from_millis(1500),
        media: small(),
        every_packet: true,
        ..RunSettings::new(VenueSettings::Node(node()), scenario)
    }
}

async fn report(settings: &RunSettings) -> Report {
    run(settings).await.expect("a node that starts and a room to enter")
}

fn assert_whole(report: &Report, subscriptions: usize) {
    assert!(report.is_good(), "{report}");
    assert_eq!(report.media.subscriptions, subscriptions, "{report}");
    assert_eq!(report.media.received, report.media.expected, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_meeting_everybody_hears_and_sees_everybody_without_a_fault() {
    let venue = VenueSettings::Node(LaunchSettings { workers: 2, ..node() });
    let report = report(&RunSettings { venue, ..settings(Scenario::Meeting { people: 4 }) }).await;
    assert_whole(&report, 4 * 3 * 2);
    assert_eq!(report.media.reordered, 0, "{report}");
    let server = report.server.as_ref().expect("the node is measured");
    let sfu = server.sfu.expect("it is called plenum-sfu");
    assert!(server.control.is_none(), "{report}");
    assert!(sfu.cpu_seconds > 0.0 && sfu.memory_max_mb > 1.0, "{report}");
    let names: Vec<&str> = server.threads.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["worker-0", "worker-1", "others"], "{report}");
    let busy = server.threads.iter().filter(|it| it.packets_per_busy_core > Some(0.0));
    assert_eq!(busy.count(), 1, "one has the room, and both say what they sent\n{report}");
    assert!(report.generator.cpu_us_per_received > 0.0, "{report}");
    assert!(!report.timeline.is_empty() && report.timeline.iter().any(|it| it.packets_out_per_s > 0.0));
}

#[tokio::test(flavor = "multi_thread")]
async fn simulcast_reaches_everybody_and_switches_layers_cleanly() {
    let media = MediaSettings { simulcast: true, video_bitrate_bps: 900_000, ..small() };
    // Nine in a gallery are shown so small that nobody needs the largest layer.
    let report = report(&RunSettings { media, ..settings(Scenario::Meeting { people: 9 }) }).await;
    assert_whole(&report, 9 * 8 * 2);
    // The first pictures may be of any layer; without the sizes nearly all would be of the largest.
    let largest: f64 = report.layers.iter().filter(|it| it.layer == 2).map(|it| it.share_of_packets).sum();
    assert!(largest < 0.2 && report.layers.iter().any(|it| it.layer == 0), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_video_packets_are_repaired_in_both_directions() {
    let conditions = Conditions { loss: 0.02, delay: Duration::from_millis(5), ..Conditions::default() };
    let media = MediaSettings { audio: false, frames_per_second: 20, video_bitrate_bps: 600_000, ..small() };
    let duration = Duration::from_millis(3500);
    let settings = RunSettings { media, duration, conditions, ..settings(Scenario::Meeting { people: 4 }) };
    let report = report(&settings).await;
    assert!(report.is_good(), "{report}");
    assert!(report.transport.nacks_received > 0, "the node asks publishers again\n{report}");
    assert!(report.media.reordered > 0, "repaired packets come late\n{report}");
    // One packet in fifty is lost each way, and a repair as often again; most gaps must be closed.
    let unrepaired = 1.0 - report.media.received as f64 / report.media.expected as f64;
    assert!(unrepaired < 0.005, "{unrepaired} of all packets never came\n{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_an_audio_room_everybody_hears_the_speakers() {
    let report = report(&settings(Scenario::AudioRoom { listeners: 6, speakers: 3 })).await;
    assert_whole(&report, 6 * 3 + 3 * 2);
    assert_eq!(report.media.producers, 3);
    assert!(report.layers.is_empty(), "there is no video\n{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_livestream_reaches_all_its_viewers() {
    let report = report(&settings(Scenario::Livestream { viewers: 6 })).await;
    assert_whole(&report, 6 * 2);
    assert_eq!((report.bots, report.media.producers), (7, 2));
    assert!(report.join.first_media.count > 0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn light_viewers_count_what_comes_and_find_it_authentic_beside_one_who_checks_everything() {
    let settings = RunSettings { light_after: Some(1), ..settings(Scenario::Livestream { viewers: 5 }) };
    let report = report(&settings).await;
    assert_whole(&report, 5 * 2);
    let light = report.light.expect("four of them are");
    assert_eq!((light.bots, light.subscriptions, light.unauthentic, light.strange), (4, 8, 0, 0), "{report}");
    assert!(light.opened > 0 && light.received > report.media.received / 2, "{report}");
    // A second of delay on loopback would be another clock and not a slow server.
    assert!(report.media.delay.count > 0 && report.media.delay.p50_ms < 1_000.0, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn small_rooms_are_rooms_of_their_own() {
    let report = report(&settings(Scenario::SmallRooms { rooms: 2 })).await;
    assert_whole(&report, 2 * 4 * 3 * 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_come_and_go_lose_nothing_while_they_are_there() {
    let stay = Duration::from_millis(700);
    let report = report(&settings(Scenario::Churn { per_second: 4.0, people: 3, stay })).await;
    assert!(report.is_good(), "{report}");
    assert_eq!(report.bots, 3 + 6, "{report}");
    assert!(report.media.subscriptions > 3 * 2 * 2 + 6 * 3, "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_somebody_else_starts_is_waited_for() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    // Free a moment ago; the kernel does not hand the same port out again soon.
    let free = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr()).expect("a free port");
    let awaited = AwaitSettings { listen: free, directory: directory.path().to_owned() };
    let somebody = async {
        let files = awaited.environment();
        let are_there =
            || files.iter().all(|(name, path)| !name.starts_with("SFU_LINK") || Path::new(path).exists());
        while !are_there() {
            tokio::task::yield_now().await;
        }
        let mut node = Command::new(node().program);
        node.envs(files).env("SFU_LISTEN", "127.0.0.1").env("SFU_AUDIO_LAST_N", "0");
        node.stdout(Stdio::null()).kill_on_drop(true).spawn().expect("the node starts")
    };
    let venue = VenueSettings::AwaitedNode(awaited.clone(), Vec::new());
    let duration = Duration::from_millis(500);
    let settings =
        RunSettings { venue, duration, ..settings(Scenario::AudioRoom { listeners: 1, speakers: 1 }) };
    let (report, mut node) = tokio::join!(report(&settings), somebody);
    assert_whole(&report, 1);
    assert!(report.server.is_none(), "no process was named");
    node.kill().await.expect("it still runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_dies_is_a_finding_and_not_the_end_of_the_report() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (script, pid) = (directory.path().join("node"), directory.path().join("pid"));
    // Free a moment ago; the kernel does not hand the same port out again soon.
    let free =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr()).expect("a free port");
    let (program, pid_file) = (node().program, pid.display());
    let starts = format!("#!/bin/sh\necho $$ > '{pid_file}'\nSFU_HTTP={free} exec '{}'\n", program.display());
    std::fs::write(&script, starts).expect("a script");
    std::fs::set_permissions(&script, Permissions::from_mode(0o700)).expect("a script of our own");
    let dies = async {
        let sent = async || {
            let counters = exposition::read(&format!("http://{free}/metrics")).await.unwrap_or_default();
            counters.values().map(|worker| worker.sent).sum::<u64>()
        };
        // Half a second of sound: whoever is there hears it.
        while sent().await < 25 {
            tokio::task::yield_now().await;
        }
        let pid = std::fs::read_to_string(&pid).expect("it has started").trim().parse().expect("its number");
        kill(Pid::from_raw(pid), Signal::SIGKILL).expect("a child of ours");
    };
    let venue = VenueSettings::Node(LaunchSettings { program: script.clone(), ..node() });
    let scenario = Scenario::AudioRoom { listeners: 1, speakers: 1 };
    let settings = RunSettings { venue, every_packet: false, ..settings(scenario) };
    let (report, ()) = tokio::join!(report(&settings), dies);
    assert!(!report.is_good() && report.media.received > 0, "{report}");
    assert!(report.problems.iter().any(|words| words.starts_with("closing room 0: ")), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_that_cannot_publish_leaves_nothing_behind() {
    let node = Node::launch(&node()).await.expect("a node that starts");
    let room = Room::create(&node).await.expect("a room");
    let joined = room.join();
    let Session::Node(session) = joined.session.clone() else { unreachable!("it is a node's") };
    // More than the node lets one person publish.
    let tracks = (0..20).map(|place| Track::Audio(AudioTrack::new(place, 20, 1))).collect();
    let part = Part { tracks, watches: true, shown_at: None, lights: None };
    let monitor = Arc::<Monitor>::default();
    let conditions = Conditions::default();
    let settings = PeerSettings { clock: RunClock::start(), conditions, seed: 1, monitor: monitor.clone() };
    let refused = Bot::enter(joined, part, settings).await.expect_err("too much is refused");
    assert!(matches!(refused, BotError::Signal(SignalError::Refused { .. })), "{refused}");
    let details = session.details().await;
    assert!(matches!(details, Err(SignalError::Refused { .. })), "{details:?}");
    assert_eq!(monitor.totals().people, 0);
    drop(session);
    // Who listened held the room, too.
    while Arc::strong_count(&room) > 1 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bare_node_has_no_chat() {
    let outcome = run(&settings(Scenario::ChatStorm { per_second: 1.0, people: 2 })).await;
    assert!(matches!(outcome, Err(ScenarioError::NoChat("chat-storm"))), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_knee_lies_between_what_held_and_what_did_not() {
    // Every viewer costs two subscriptions; a run that loses nothing holds whatever its delay.
    let thresholds = Thresholds { max_p99_ms: Some(5_000.0), ..Thresholds::NONE };
    let settings = RunSettings {
        duration: Duration::from_millis(600),
        thresholds,
        ..settings(Scenario::Livestream { viewers: 1 })
    };
    let found = find_knee(&settings, &KneeSettings { from: 1, most: 2 }).await.expect("a node that starts");
    assert_eq!((found.holds, found.breaks), (Some(2), None), "{found}");
    assert_eq!(found.steps.iter().map(|step| step.load).collect::<Vec<_>>(), [1, 2]);

    let thresholds = Thresholds { max_p99_ms: Some(0.0), ..Thresholds::NONE };
    let settings = RunSettings { thresholds, ..settings };
    let found = find_knee(&settings, &KneeSettings { from: 1, most: 2 }).await.expect("a node that starts");
    assert_eq!((found.holds, found.breaks), (None, Some(1)), "{found}");
    assert!(found.steps[0].broke[0].starts_with("--max-p99-ms 0"), "{found}");
}
