//! Twenty bots in one meeting of the whole product: every packet is accounted for, and none is lost on loopback.

mod support;

use plenum_loadtest::scenario::{MediaSettings, MeetingSettings, meeting};
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
    _data: tempfile::TempDir,
}

impl Plenum {
    async fn start() -> Self {
        let program = support::program("PLENUM_BIN", "plenum", "plenum-control");
        support::program("PLENUM_SFU_BIN", "plenum-sfu", "plenum-sfu");
        let data = tempfile::tempdir().expect("a temporary directory");
        // Free a moment ago; the kernel does not hand the same port out again soon.
        let free =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|it| it.local_addr()).expect("a free port");
        let process = Command::new(program)
            .arg("--demo")
            .env("HOST", "127.0.0.1")
            .env("PORT", free.port().to_string())
            .env("DATA_DIR", data.path())
            .env("RATE_LIMITS", "off")
            .env("SFU_LISTEN", "127.0.0.1")
            // Every packet is accounted for, so nothing may be left out on purpose.
            .env("SFU_AUDIO_LAST_N", "0")
            .env("SFU_VIDEO_LAST_N", "0")
            .env("LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("plenum starts");
        let mut plenum = Self { process, url: format!("http://{free}"), _data: data };
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
    let plenum = Plenum::start().await;
    // Rates that two cores carry with unoptimised builds on both sides. Without loss no camera is left out on purpose, so
    // every packet that does not arrive is a lost one.
    let media = MediaSettings {
        bots: 20,
        duration: Duration::from_secs(5),
        frames_per_second: 10,
        video_bitrate_bps: 100_000,
        ..MediaSettings::default()
    };
    let settings = MeetingSettings {
        url: plenum.url.clone(),
        admin_email: "admin@demo.test".into(),
        admin_password: "demo-password".into(),
        media,
        pids: plenum.process.id().into_iter().collect(),
    };
    let report = meeting(&settings).await.expect("a meeting that takes place");
    assert!(report.is_good(), "{report}");
    assert_eq!(report.bots, 20);
    assert_eq!(report.media.subscriptions, 20 * 19 * 2, "{report}");
    assert!(report.media.sent > 20 * 5 * 50, "{report}");
    assert_eq!(report.media.received, report.media.expected, "{report}");
    plenum.stop().await;
}
