//! Scenarios with a real Chromium on both sides, where what a browser makes of a line says most. Each has the machine for
//! itself; ordinary runs do the first, and `make lab` does the others too.

use std::time::Duration;

use super::room::{Room, Seen, hindrance};
use super::{alone, judge_as, report, seed, told, warn};
use crate::figures::{Figures, Judged};
use crate::link::LinkSettings;
use crate::record::Record;
use crate::report::Told;

/// A machine on which a publisher makes fewer of its pictures has no time for Chromium.
const MADE_MIN: f64 = 0.6;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn limited(rate: Vec<(Duration, u64)>) -> LinkSettings {
    LinkSettings { rate, queue: ms(300), delay: ms(25), ..LinkSettings::default() }
}

struct Line {
    name: &'static str,
    place: usize,
    title: &'static str,
    story: &'static str,
    down: LinkSettings,
    seconds: u64,
    judge: fn(&mut Figures, &Record),
}

impl Line {
    /// Runs it where it can run, and says loudly where it cannot.
    fn hold(self) {
        if let Some(hindrance) = hindrance() {
            return warn(self.title, &format!("not run: {hindrance}"));
        }
        let _alone = alone();
        let Seen { record, lateness, made } =
            Room::open(seed()).watch(self.down, Duration::from_secs(self.seconds));
        let mut figures = Figures::default();
        (self.judge)(&mut figures, &record);
        let how = match (made < MADE_MIN, lateness.is_much()) {
            (true, _) => Judged::Not,
            (false, true) => Judged::Coarsely,
            (false, false) => Judged::Fully,
        };
        judge_as(how, self.title, &mut figures);
        figures.told("the machine was late by, at most", lateness.latest.as_secs_f64() * 1000.0, "ms");
        figures.told("the publisher made of its pictures", made * 100.0, "%");
        figures.at_least("frames decoded", record.frames as f64, "", self.seconds as f64);
        let failed = report(&Told {
            name: self.name,
            place: self.place,
            title: self.title,
            story: self.story,
            figures: &[(seed(), figures)],
            drawn: vec![("Chromium on both sides, in real time".to_owned(), &record)],
        });
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    }
}

#[test]
fn chromium_goes_on_when_its_line_falls_and_comes_back() {
    Line {
        name: "chromium-step",
        place: 80,
        title: "Chromium: step 3 → 0.8 → 3 Mbit/s",
        story: "Two Chromiums and a server of our own; the viewer's line falls after 15 s and comes back after 30 s. The rate includes the signalling.",
        down: limited(vec![(ms(0), 3_000_000), (ms(15_000), 800_000), (ms(30_000), 3_000_000)]),
        seconds: 50,
        judge: |figures, record| {
            let before = record.share(5.0..15.0, |s| s.shown == Some(2)) * 100.0;
            figures.at_least("top layer before the step down", before, "% of the time", 60.0);
            let sent_before = record.mean(5.0..15.0, |s| s.sent);
            figures.at_least("sent before the step down", sent_before, "kbit/s", 850.0);
            let down = record.first(15.0..30.0, |s| s.sent < 800.0);
            figures.at_most("sent below the link after the step down", down, "s", 5.0);
            let lower = record.share(20.0..30.0, |s| s.shown < Some(2)) * 100.0;
            figures.at_least("a lower layer while the line is narrow", lower, "% of the time", 60.0);
            let back = record.first(30.0..50.0, |s| s.shown == Some(2));
            figures.at_most("top layer after the step up", back, "s", 19.0);
            figures.told("longest freeze after the step down", record.longest_freeze(15.0..25.0), "ms");
            told(figures, record, 20.0..30.0);
        },
    }
    .hold();
}

#[test]
#[ignore = "a minute of Chromium: make lab runs it"]
fn chromium_goes_on_with_five_percent_of_loss() {
    Line {
        name: "chromium-loss-5",
        place: 81,
        title: "Chromium: 5 % loss",
        story: "Two Chromiums and a server of our own; every twentieth datagram to the viewer is lost, on a line of 2.5 Mbit/s.",
        down: LinkSettings { loss: 0.05, ..limited(vec![(ms(0), 2_500_000)]) },
        seconds: 30,
        judge: |figures, record| {
            let top = record.share(5.0..30.0, |s| s.shown == Some(2)) * 100.0;
            figures.at_least("top layer", top, "% of the time", 60.0);
            let lost = record.lost_share(0.0..30.0) * 100.0;
            figures.at_least("lost on the way from the start", lost, "%", 4.0);
            told(figures, record, 5.0..30.0);
        },
    }
    .hold();
}

#[test]
#[ignore = "a minute of Chromium: make lab runs it"]
fn chromium_goes_on_when_its_path_was_dead_for_five_seconds() {
    Line {
        name: "chromium-dead",
        place: 82,
        title: "Chromium: a path that dies for 5 s",
        story: "Two Chromiums and a server of our own; nothing passes between 10 s and 15 s, in neither direction; else the viewer's line carries 2.5 Mbit/s.",
        down: LinkSettings {
            dead: vec![ms(10_000)..ms(15_000)],
            ..limited(vec![(ms(0), 2_500_000)])
        },
        seconds: 35,
        judge: |figures, record| {
            let back = record.first(15.0..35.0, |s| s.shown == Some(2) && s.sent > 500.0);
            figures.at_most("top layer after the path came back", back, "s", 19.0);
            figures.at_most("frozen after the path came back", record.frozen(15.0..35.0, 0), "ms", 8000.0);
            told(figures, record, 20.0..35.0);
        },
    }
    .hold();
}

#[test]
#[ignore = "a minute of Chromium: make lab runs it"]
fn chromium_gets_what_fits_on_one_mbit() {
    Line {
        name: "chromium-one-mbit",
        place: 83,
        title: "Chromium: fixed 1 Mbit/s",
        story: "Two Chromiums and a server of our own; the viewer's line carries 1 Mbit/s before a queue of 300 ms from the beginning of the plot on.",
        down: limited(vec![(ms(0), 1_000_000)]),
        seconds: 35,
        judge: |figures, record| {
            let middle = record.share(10.0..35.0, |s| s.shown == Some(1)) * 100.0;
            figures.at_least("middle layer", middle, "% of the time", 60.0);
            figures.at_most("lost, settled", record.lost_share(10.0..35.0) * 100.0, "%", 5.0);
            told(figures, record, 10.0..35.0);
        },
    }
    .hold();
}
