//! The whole product behind its public API: every packet is accounted for, and none is lost on loopback.

use crate::support::{program, small};
use plenum_loadtest::{
    report::Report,
    scenario::{MediaSettings, ProductSettings, RunSettings, Scenario, VenueSettings, run},
};
use std::{
    net::{Ipv4Addr, TcpListener},
    process::Stdio,
    time::{Duration, Instant},
};
use tokio::process::{Child, Command};

const START_DEADLINE: Duration = Duration::from_secs(60);

/// A `plenum --demo` of our own, in a directory that goes away with it.
struct Plenum {
    process: Child,
    url: String,
    every_packet: bool,
    _data: tempfile::TempDir,
}

impl Plenum {
    /// With the usual settings, or told to leave out nothing.
    async fn start(every_packet: bool) -> Self {
        let program = program("PLENUM_BIN", "plenum", "plenum-control");
        crate::support::program("PLENUM_SFU_BIN", "plenum-sfu", "plenum-sfu");
        let data = tempfile::tempdir().expect("a temporary directory");
        // Free a moment ago; the kernel does not hand the same port out again soon.
        let free =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr()).expect("a free port");
        let mut command = Command::new(program);
        if every_packet {
            command.env("SFU_AUDIO_LAST_N", "0").env("SFU_VIDEO_LAST_N", "0");
        }
        let process = command
            .arg("--demo")
            .env("HOST", "127.0.0.1")
            .env("PORT", free.port().to_string())
            .env("DATA_DIR", data.path())
            .env("RATE_LIMITS", "off")
            .env("SFU_LISTEN", "127.0.0.1")
            .env("LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("plenum starts");
        let url = format!("http://{free}");
        let mut plenum = Self { process, url, every_packet, _data: data };
        plenum.wait_until_ready().await;
        plenum
    }

    async fn wait_until_ready(&mut self) {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let deadline = Instant::now() + START_DEADLINE;
        loop {
            let answer = client.get(format!("{}/readyz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return;
            }
            let exit = self.process.try_wait().expect("a child can be asked");
            assert!(exit.is_none(), "plenum ended: {exit:?}");
            assert!(Instant::now() < deadline, "plenum is not ready after {START_DEADLINE:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn report(&self, scenario: Scenario, media: MediaSettings, duration: Duration) -> Report {
        let venue = VenueSettings::Product(ProductSettings {
            url: self.url.clone(),
            admin_email: "admin@demo.test".into(),
            admin_password: "demo-password".into(),
            pids: self.process.id().into_iter().collect(),
        });
        let every_packet = self.every_packet;
        let settings = RunSettings { media, duration, every_packet, ..RunSettings::new(venue, scenario) };
        let report = run(&settings).await.expect("a meeting that takes place");
        assert!(report.is_good(), "{report}");
        report
    }

    async fn stop(mut self) {
        let pid = self.process.id().and_then(|pid| i32::try_from(pid).ok()).expect("it still runs");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGTERM)
            .expect("our own child");
        let exit = tokio::time::timeout(Duration::from_secs(20), self.process.wait()).await;
        let exit = exit.expect("it ends when told to").expect("a child can be waited for");
        assert!(exit.success(), "{exit:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_bots_see_and_hear_each_other_and_no_packet_is_lost() {
    let plenum = Plenum::start(true).await;
    // Without loss no camera is left out on purpose, so every packet that does not arrive is a lost one.
    let report = plenum.report(Scenario::Meeting { people: 20 }, small(), Duration::from_secs(3)).await;
    assert_eq!(report.bots, 20);
    assert_eq!(report.media.subscriptions, 20 * 19 * 2, "{report}");
    assert!(report.media.sent > 20 * 3 * 50, "{report}");
    assert_eq!(report.media.received, report.media.expected, "{report}");
    let server = report.server.as_ref().expect("the processes are measured");
    assert!(server.sfu.is_some_and(|it| it.cpu_seconds > 0.0) && server.control.is_some(), "{report}");
    plenum.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scenario_goes_through_the_public_api_of_a_server_with_the_usual_settings() {
    let plenum = Plenum::start(false).await;
    let (short, sound) = (Duration::from_millis(1200), MediaSettings { video: false, ..small() });

    // Of five microphones three are forwarded. Whoever never had its turn is silent, whoever gave up its place is left out.
    let report = plenum.report(Scenario::AudioRoom { listeners: 2, speakers: 5 }, sound, short).await;
    assert_eq!(report.media.subscriptions, 2 * 5 + 5 * 4, "{report}");
    assert!(report.media.left_out > 0 || report.media.silent > 0, "{report}");
    assert_eq!(report.media.lost, 0, "{report}");

    let report = plenum.report(Scenario::SmallRooms { rooms: 2 }, sound, short).await;
    assert_eq!(report.media.subscriptions, 2 * 4 * 3, "{report}");

    let media = MediaSettings { simulcast: true, video_bitrate_bps: 500_000, ..small() };
    let report = plenum.report(Scenario::Livestream { viewers: 3 }, media, short).await;
    assert_eq!(report.media.subscriptions, 3 * 2, "{report}");

    let stay = Duration::from_millis(600);
    let report = plenum.report(Scenario::Churn { per_second: 4.0, people: 2, stay }, sound, short).await;
    assert_eq!(report.bots, 2 + 4, "{report}");

    let storm = Scenario::ChatStorm { per_second: 50.0, people: 5 };
    let report = plenum.report(storm, sound, short).await;
    let chat = report.chat.as_ref().expect("it is about the chat");
    assert_eq!((chat.sent, chat.heard), (60, 60 * 5), "{report}");
    assert!(chat.fan_out.p99_ms > 0.0, "{report}");
    plenum.stop().await;
}
