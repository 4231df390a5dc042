//! The whole product behind its public API: every packet is accounted for, and none is lost on loopback.

use crate::support::{program, small};
use plenum_loadtest::{
    demo::Demo,
    report::Report,
    scenario::{MediaSettings, RunSettings, Scenario, VenueSettings, run},
};
use std::time::Duration;

/// The product that these tests talk to.
struct Plenum {
    demo: Demo,
    every_packet: bool,
}

impl Plenum {
    /// With the usual settings, or told to leave out nothing.
    async fn start(every_packet: bool) -> Self {
        let plenum = program("PLENUM_BIN", "plenum", "plenum-control");
        program("PLENUM_SFU_BIN", "plenum-sfu", "plenum-sfu");
        let everything = [("SFU_AUDIO_LAST_N", "0"), ("SFU_VIDEO_LAST_N", "0")];
        let further = if every_packet { &everything[..] } else { &[] };
        let demo = Demo::start(&plenum, further).await.expect("plenum starts");
        Self { demo, every_packet }
    }

    async fn report(&self, scenario: Scenario, media: MediaSettings, duration: Duration) -> Report {
        let venue = VenueSettings::Product(self.demo.settings());
        let every_packet = self.every_packet;
        let settings = RunSettings { media, duration, every_packet, ..RunSettings::new(venue, scenario) };
        let report = run(&settings).await.expect("a meeting that takes place");
        assert!(report.is_good(), "{report}");
        report
    }

    async fn stop(self) {
        self.demo.stop().await.expect("it ends when told to");
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
