//! The scenarios, and what each has to hold.

use std::time::Duration;

use crate::figures::Figures;
use crate::link::{Jitter, LinkSettings, Policer};
use crate::meeting::Meeting;
use crate::publisher::CAMERA;
use crate::record::{Record, Sample};
use crate::scenario::Scenario;

const QUEUE: Duration = ms(300);
/// What of four viewers behind 4 Mbit/s fits best, in kbit/s: three on the middle layer, one on the top one, sound for all. A
/// second top layer does not fit beside two middle ones.
const LAYERS_OF_FOUR: f64 = 3530.0;
const DELAY: Duration = ms(25);

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// One camera with sound on a good path, and one viewer behind this link.
fn one_to_one(world: &mut dyn Meeting, down: LinkSettings) {
    let good = world.path_up(LinkSettings { delay: ms(15), ..LinkSettings::default() });
    world.publisher(good, &CAMERA, true);
    let path = world.path_down(down);
    world.viewer(path);
}

fn limited(rate: u64) -> LinkSettings {
    LinkSettings { rate: vec![(ms(0), rate)], queue: QUEUE, delay: DELAY, ..LinkSettings::default() }
}

fn estimate(sample: &Sample) -> f64 {
    sample.estimate.unwrap_or_default()
}

/// What everybody wants to know.
fn told(figures: &mut Figures, record: &Record, time: std::ops::Range<f64>) {
    figures.told("estimate, mean", record.mean(time.clone(), estimate), "kbit/s");
    figures.told("sent, mean", record.mean(time.clone(), |s| s.sent), "kbit/s");
    figures.told("lost on the way", record.lost_share(time.clone()) * 100.0, "%");
    figures.told("delay, median", record.quantile(time.clone(), 0.5, |s| s.delay), "ms");
    figures.told("delay, 95th", record.quantile(time.clone(), 0.95, |s| s.delay), "ms");
    figures.told("frozen", record.frozen(time.clone(), 0), "ms");
    figures.told("layer changes in 10 s", record.changes_in_ten_seconds(time.clone()), "");
    figures.told("sound concealed", record.concealed_share(time) * 100.0, "%");
}

/// What holds wherever a line of so many kbit/s has been there for a while: it is used, and nothing swings.
fn settled(figures: &mut Figures, record: &Record, time: std::ops::Range<f64>, link: f64) {
    figures.at_least(
        "settled rate, of the link",
        record.mean(time.clone(), estimate) / link * 100.0,
        "%",
        85.0,
    );
    figures.at_most("layer changes in 10 s, settled", record.changes_in_ten_seconds(time), "", 1.0);
}

pub static NO_TROUBLE: Scenario = Scenario {
    name: "no-trouble",
    place: 0,
    title: "No trouble at all",
    story: "A camera in three layers and a microphone, one viewer, a path without limits. The best there is, quickly, and nothing else.",
    seconds: 40,
    build: |world| one_to_one(world, LinkSettings { delay: DELAY, ..LinkSettings::default() }),
    judge: |records| {
        let (mut figures, record) = (Figures::default(), &records[0]);
        figures.at_most("top layer after", record.first(0.0..40.0, |s| s.layers == [Some(2)]), "s", 5.0);
        figures.at_most(
            "layer changes in 10 s, from 5 s on",
            record.changes_in_ten_seconds(5.0..40.0),
            "",
            0.0,
        );
        figures.at_most("frozen", record.frozen(0.0..40.0, 0), "ms", 0.0);
        figures.at_most("sound concealed", record.concealed_share(1.0..40.0) * 100.0, "%", 0.0);
        figures.at_most("delay, 95th", record.quantile(1.0..40.0, 0.95, |s| s.delay), "ms", 120.0);
        figures.at_least("frames shown", record.frames as f64, "", 1190.0);
        told(&mut figures, record, 5.0..40.0);
        figures
    },
    draws: &[0],
};

pub static ONE_MBIT: Scenario = Scenario {
    name: "one-mbit",
    place: 1,
    title: "Fixed 1 Mbit/s",
    story: "The viewer's line carries 1 Mbit/s before a queue of 300 ms: the middle layer fits, the top one does not.",
    seconds: 60,
    build: |world| one_to_one(world, limited(1_000_000)),
    judge: |records| {
        let (mut figures, record) = (Figures::default(), &records[0]);
        settled(&mut figures, record, 20.0..60.0, 1000.0);
        let middle = record.share(20.0..60.0, |s| s.layers == [Some(1)]) * 100.0;
        figures.at_least("middle layer", middle, "% of the time", 99.0);
        figures.at_most("frozen while settled", record.frozen(20.0..60.0, 0), "ms", 0.0);
        told(&mut figures, record, 20.0..60.0);
        figures
    },
    draws: &[0],
};

pub static STEP: Scenario = Scenario {
    name: "step",
    place: 2,
    title: "Step 3 → 0.8 → 3 Mbit/s",
    story: "The line falls to 0.8 Mbit/s after 20 s and comes back after 40 s, with a queue of 300 ms all the time.",
    seconds: 70,
    build: |world| {
        let rate = vec![(ms(0), 3_000_000), (ms(20_000), 800_000), (ms(40_000), 3_000_000)];
        one_to_one(world, LinkSettings { rate, ..limited(0) });
    },
    judge: |records| {
        let (mut figures, record) = (Figures::default(), &records[0]);
        figures.at_most(
            "sent below the link after the step down",
            record.first(20.0..40.0, |s| s.sent < 800.0),
            "s",
            1.0,
        );
        figures.at_most(
            "estimate below the link after the step down",
            record.first(20.0..40.0, |s| estimate(s) < 800.0),
            "s",
            1.0,
        );
        figures.at_most("longest freeze after the step down", record.longest_freeze(20.0..30.0), "ms", 300.0);
        let back = record.first(40.0..70.0, |s| s.layers == [Some(2)]);
        figures.at_most("top layer after the step up", back, "s", 10.0);
        settled(&mut figures, record, 25.0..40.0, 800.0);
        told(&mut figures, record, 25.0..40.0);
        figures
    },
    draws: &[0],
};

/// Loss that comes whatever is sent, on a line that otherwise suffices.
const fn random_loss(
    name: &'static str,
    place: usize,
    title: &'static str,
    build: fn(&mut dyn Meeting),
    judge: fn(&[Record]) -> Figures,
) -> Scenario {
    let story = "Each datagram to the viewer is lost with this probability, on a line of 2.5 Mbit/s with a queue of 300 ms that is never full.";
    Scenario { name, place, title, story, seconds: 60, build, judge, draws: &[0] }
}

fn lossy(world: &mut dyn Meeting, loss: f64) {
    world.take_redundancy();
    one_to_one(world, LinkSettings { loss, ..limited(2_500_000) });
}

fn judge_loss(records: &[Record]) -> Figures {
    let (mut figures, record) = (Figures::default(), &records[0]);
    settled(&mut figures, record, 20.0..60.0, 2500.0);
    let top = record.share(20.0..60.0, |s| s.layers == [Some(2)]) * 100.0;
    figures.at_least("top layer", top, "% of the time", 99.0);
    told(&mut figures, record, 20.0..60.0);
    figures
}

pub static TWO_PERCENT: Scenario =
    random_loss("loss-2", 3, "2 % loss", |world| lossy(world, 0.02), judge_loss);
pub static FIVE_PERCENT: Scenario =
    random_loss("loss-5", 4, "5 % loss", |world| lossy(world, 0.05), judge_loss);
pub static TEN_PERCENT: Scenario =
    random_loss("loss-10", 5, "10 % loss", |world| lossy(world, 0.10), judge_loss);
pub static FIFTEEN_PERCENT: Scenario = random_loss(
    "loss-15",
    13,
    "15 % loss, the sound",
    |world| lossy(world, 0.15),
    |records| {
        let (mut figures, record) = (Figures::default(), &records[0]);
        // From the start on, though the first report comes after five seconds.
        let concealed = record.concealed_share(1.0..60.0) * 100.0;
        figures.at_most("sound concealed from the start", concealed, "%", 1.0);
        settled(&mut figures, record, 20.0..60.0, 2500.0);
        told(&mut figures, record, 20.0..60.0);
        figures
    },
);
pub static TWENTY_PERCENT: Scenario =
    random_loss("loss-20", 6, "20 % loss", |world| lossy(world, 0.20), judge_loss);

pub static JITTER: Scenario = Scenario {
    name: "jitter",
    place: 7,
    title: "200 ms of jitter",
    story: "The way to the viewer takes up to 200 ms longer, a new target every 100 ms, without reordering; 2.5 Mbit/s.",
    seconds: 60,
    build: |world| {
        let jitter = Some(Jitter { most: ms(200), period: ms(100), reorders: false });
        one_to_one(world, LinkSettings { jitter, ..limited(2_500_000) });
    },
    judge: |records| {
        let (mut figures, record) = (Figures::default(), &records[0]);
        settled(&mut figures, record, 20.0..60.0, 2500.0);
        let top = record.share(20.0..60.0, |s| s.layers == [Some(2)]) * 100.0;
        figures.at_least("top layer", top, "% of the time", 99.0);
        figures.at_most("frozen while settled", record.frozen(20.0..60.0, 0), "ms", 0.0);
        told(&mut figures, record, 20.0..60.0);
        figures
    },
    draws: &[0],
};

pub static REORDERING: Scenario = Scenario {
    name: "reordering",
    place: 8,
    title: "Reordering",
    story: "Each datagram to the viewer takes up to 30 ms longer than it has to, whatever the others do; 2.5 Mbit/s.",
    seconds: 60,
    build: |world| {
        let jitter = Some(Jitter { most: ms(30), period: ms(100), reorders: true });
        one_to_one(world, LinkSettings { jitter, ..limited(2_500_000) });
    },
    judge: |records| {
        let (mut figures, record) = (Figures::default(), &records[0]);
        figures.at_most("longest freeze, from 1 s on", record.longest_freeze(1.0..60.0), "ms", 0.0);
        let top = record.share(10.0..60.0, |s| s.layers == [Some(2)]) * 100.0;
        figures.at_least("top layer", top, "% of the time", 100.0);
        told(&mut figures, record, 20.0..60.0);
        figures
    },
    draws: &[0],
};

pub static SHARED_QUEUE: Scenario = Scenario {
    name: "shared-queue",
    place: 9,
    title: "A queue of 300 ms shared by four",
    story: "Four viewers behind one line of 4 Mbit/s with one queue of 300 ms: an office. Each of them alone would like 1.7 Mbit/s.",
    seconds: 60,
    build: |world| {
        let good = world.path_up(LinkSettings { delay: ms(15), ..LinkSettings::default() });
        world.publisher(good, &CAMERA, true);
        let shared = world.path_down(limited(4_000_000));
        (0..4).for_each(|_| world.viewer(shared));
    },
    judge: |records| {
        let mut figures = Figures::default();
        let sum =
            |of: fn(&Sample) -> f64| records.iter().map(|record| record.mean(20.0..60.0, of)).sum::<f64>();
        figures.at_least("settled rate together, of the link", sum(estimate) / 40.0, "%", 85.0);
        let sent = sum(|s| s.sent) / LAYERS_OF_FOUR * 100.0;
        figures.at_least("sent together, of the layers that fit", sent, "%", 85.0);
        let least = records.iter().map(|record| record.mean(20.0..60.0, |s| s.sent)).fold(f64::MAX, f64::min);
        figures.at_least("sent to whom least is sent", least, "kbit/s", 200.0);
        let changes = records.iter().map(|record| record.changes_in_ten_seconds(20.0..60.0));
        figures.at_most("layer changes in 10 s, of whom most", changes.fold(0.0, f64::max), "", 1.0);
        let lost = records.iter().map(|record| record.lost_share(20.0..60.0) * 100.0);
        figures.at_most("lost, of whom most", lost.fold(0.0, f64::max), "%", 1.0);
        told(&mut figures, &records[0], 20.0..60.0);
        figures
    },
    draws: &[0, 1, 2, 3],
};

pub static POLICER: Scenario = Scenario {
    name: "policer",
    place: 10,
    title: "A policer",
    story: "A token bucket of 1 Mbit/s with 32 kB drops what is too much, and delays nothing: no queue tells of the limit.",
    seconds: 60,
    build: |world| {
        let policer = Some(Policer { rate: 1_000_000, burst_bytes: 32_000 });
        one_to_one(world, LinkSettings { policer, delay: DELAY, ..LinkSettings::default() });
    },
    judge: |records| {
        let (mut figures, record) = (Figures::default(), &records[0]);
        settled(&mut figures, record, 20.0..60.0, 1000.0);
        let over = record.mean(20.0..60.0, estimate);
        figures.at_most("estimate, mean, beyond the bucket", over, "kbit/s", 1100.0);
        figures.at_most("lost, settled", record.lost_share(20.0..60.0) * 100.0, "%", 3.0);
        told(&mut figures, record, 20.0..60.0);
        figures
    },
    draws: &[0],
};

pub static LOSSY_PUBLISHER: Scenario = Scenario {
    name: "lossy-publisher",
    place: 11,
    title: "One publisher with 10 % uplink loss, ten healthy viewers",
    story: "Two cameras: the first one's uplink loses every tenth datagram, the second's loses nothing. Ten viewers on good lines watch both and must not suffer.",
    seconds: 40,
    build: |world| {
        let lossy = world.path_up(LinkSettings { delay: ms(15), loss: 0.1, ..LinkSettings::default() });
        let good = world.path_up(LinkSettings { delay: ms(15), ..LinkSettings::default() });
        world.publisher(lossy, &CAMERA, false);
        world.publisher(good, &CAMERA, true);
        for _ in 0..10 {
            let path = world.path_down(limited(8_000_000));
            world.viewer(path);
        }
    },
    judge: |records| {
        let mut figures = Figures::default();
        let worst = |of: &dyn Fn(&Record) -> f64| records.iter().map(of).fold(0.0, f64::max);
        figures.at_most(
            "frozen, the healthy camera",
            worst(&|record| record.frozen(5.0..40.0, 1)),
            "ms",
            0.0,
        );
        figures.at_most(
            "frozen, the lossy camera",
            worst(&|record| record.frozen(5.0..40.0, 0)),
            "ms",
            500.0,
        );
        figures.at_most(
            "sound concealed",
            worst(&|record| record.concealed_share(1.0..40.0) * 100.0),
            "%",
            0.5,
        );
        figures.at_most(
            "layer changes in 10 s",
            worst(&|record| record.changes_in_ten_seconds(10.0..40.0)),
            "",
            0.0,
        );
        let least = records.iter().map(|record| record.mean(10.0..40.0, |s| s.sent)).fold(f64::MAX, f64::min);
        figures.at_least("sent to whom least is sent", least, "kbit/s", 3200.0);
        figures
    },
    draws: &[0],
};

pub static DEAD: Scenario = Scenario {
    name: "dead",
    place: 12,
    title: "A path that dies for 5 s",
    story: "Nothing passes between 20 s and 25 s, in neither direction; before and after it the line carries 2.5 Mbit/s.",
    seconds: 60,
    build: |world| {
        one_to_one(world, LinkSettings { dead: vec![ms(20_000)..ms(25_000)], ..limited(2_500_000) });
    },
    judge: |records| {
        let (mut figures, record) = (Figures::default(), &records[0]);
        figures.at_most("frozen after the path came back", record.frozen(25.0..60.0, 0), "ms", 1000.0);
        let back = record.first(25.0..60.0, |s| s.layers == [Some(2)]);
        figures.at_most("top layer after the path came back", back, "s", 10.0);
        settled(&mut figures, record, 35.0..60.0, 2500.0);
        figures.at_most(
            "sound concealed from one second after",
            record.concealed_share(26.0..60.0) * 100.0,
            "%",
            0.5,
        );
        told(&mut figures, record, 35.0..60.0);
        figures
    },
    draws: &[0],
};

pub static NARROW: Scenario = Scenario {
    name: "narrow",
    place: 18,
    title: "Fixed 200 kbit/s",
    story: "The viewer's line carries 200 kbit/s before a queue of 300 ms: sound, and less than the lowest layer beside it. The picture gives way.",
    seconds: 120,
    build: |world| one_to_one(world, limited(200_000)),
    judge: |records| {
        let (mut figures, record) = (Figures::default(), &records[0]);
        settled(&mut figures, record, 20.0..120.0, 200.0);
        figures.at_most("sound concealed", record.concealed_share(10.0..120.0) * 100.0, "%", 1.0);
        figures.at_most("lost on the way", record.lost_share(10.0..120.0) * 100.0, "%", 1.0);
        figures.at_most("delay, 95th", record.quantile(10.0..120.0, 0.95, |s| s.delay), "ms", 300.0);
        figures.at_least(
            "without a picture",
            record.share(10.0..120.0, |s| s.layers == [None]) * 100.0,
            "% of the time",
            95.0,
        );
        figures
    },
    draws: &[0],
};

#[test]
fn without_trouble_everybody_gets_the_best_at_once() {
    NO_TROUBLE.hold(10);
}

#[test]
fn one_mbit_is_used_and_not_exceeded() {
    ONE_MBIT.hold(10);
}

#[test]
fn on_a_line_too_narrow_for_any_picture_the_sound_is_intact() {
    NARROW.hold(10);
}

#[test]
fn a_line_that_falls_and_comes_back_is_followed() {
    STEP.hold(10);
}

#[test]
fn two_percent_of_loss_are_repaired() {
    TWO_PERCENT.hold(10);
}

#[test]
fn five_percent_of_loss_are_repaired() {
    FIVE_PERCENT.hold(10);
}

#[test]
fn ten_percent_of_loss_are_repaired() {
    TEN_PERCENT.hold(10);
}

#[test]
fn fifteen_percent_of_loss_leave_the_sound_intact() {
    FIFTEEN_PERCENT.hold(10);
}

#[test]
fn twenty_percent_of_loss_do_not_end_the_conversation() {
    TWENTY_PERCENT.hold(10);
}

#[test]
fn jitter_is_not_taken_for_congestion() {
    JITTER.hold(10);
}

#[test]
fn reordering_is_not_taken_for_loss() {
    REORDERING.hold(10);
}

#[test]
fn four_viewers_share_a_queue() {
    SHARED_QUEUE.hold_but(15, &[11]);
}

#[test]
fn a_policer_is_found_without_a_queue() {
    POLICER.hold(10);
}

#[test]
fn viewers_do_not_suffer_from_the_uplink_of_one_publisher() {
    LOSSY_PUBLISHER.hold(7);
}

#[test]
fn a_path_that_was_dead_comes_back_by_itself() {
    DEAD.hold(10);
}
