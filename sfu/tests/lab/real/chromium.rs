//! Scenarios with a real Chromium on both sides: where what a browser does with it matters most.

use std::time::Duration;

use super::report;
use super::room::{Room, hindrance};
use crate::figures::Figures;
use crate::link::LinkSettings;
use crate::record::Record;
use crate::report::Told;

const SEED: u64 = 1;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Runs it where it can run, and says loudly where it cannot.
fn hold(told: &Told<'_>, down: LinkSettings, seconds: u64, judge: fn(&Record) -> Figures) {
    if let Some(hindrance) = hindrance() {
        eprintln!("\n*** NOT RUN: {}: {hindrance} ***\n", told.name);
        return;
    }
    let record = Room::open(SEED).watch(down, Duration::from_secs(seconds));
    let figures = [(SEED, judge(&record))];
    let drawn = vec![("Chromium on both sides, in real time".to_owned(), &record)];
    let Told { name, place, title, story, .. } = *told;
    let failed = report(&Told { name, place, title, story, figures: &figures, drawn });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

fn limited(rate: Vec<(Duration, u64)>) -> LinkSettings {
    LinkSettings { rate, queue: ms(300), delay: ms(25), ..LinkSettings::default() }
}

#[test]
fn chromium_goes_on_when_its_line_falls_and_comes_back() {
    let told = Told {
        name: "chromium-step",
        place: 80,
        title: "Chromium: step 3 → 0.8 → 3 Mbit/s",
        story: "Two Chromiums and a server of our own; the viewer's line falls after 15 s and comes back after 35 s. The rate includes the signalling.",
        figures: &[],
        drawn: Vec::new(),
    };
    let rate = vec![(ms(0), 3_000_000), (ms(15_000), 800_000), (ms(35_000), 3_000_000)];
    hold(&told, limited(rate), 55, |record| {
        let mut figures = Figures::default();
        figures.told(
            "sent below the link after the step down",
            record.first(15.0..35.0, |s| s.sent < 800.0),
            "s",
        );
        figures.told("longest freeze after the step down", record.longest_freeze(15.0..25.0), "ms");
        figures.told("frozen", record.frozen(0.0..55.0, 0), "ms");
        let before = best(record, 10.0..15.0);
        figures.told("layer before", f64::from(before), "");
        let as_before = record.first(35.0..55.0, |s| s.shown >= Some(before));
        figures.at_most("layer as before after the step up", as_before, "s", 19.0);
        figures.told(
            "lost on the way from 3 s after the step down",
            record.lost_share(18.0..35.0) * 100.0,
            "%",
        );
        figures.told("sent while the line was narrow", record.mean(18.0..35.0, |s| s.sent), "kbit/s");
        figures.told("sound concealed", record.concealed_share(0.0..55.0) * 100.0, "%");
        figures.at_least("frames decoded", record.frames as f64, "", 55.0 * 10.0);
        figures
    });
}

/// The best layer that was shown.
fn best(record: &Record, time: std::ops::Range<f64>) -> u8 {
    record.quantile(time, 1.0, |sample| sample.shown.map(f64::from)) as u8
}

#[test]
fn chromium_goes_on_with_five_percent_of_loss() {
    let told = Told {
        name: "chromium-loss-5",
        place: 81,
        title: "Chromium: 5 % loss",
        story: "Two Chromiums and a server of our own; every twentieth datagram to the viewer is lost, on a line of 2.5 Mbit/s.",
        figures: &[],
        drawn: Vec::new(),
    };
    let down = LinkSettings { loss: 0.05, ..limited(vec![(ms(0), 2_500_000)]) };
    hold(&told, down, 30, |record| {
        let mut figures = Figures::default();
        let before = best(record, 0.0..2.0);
        figures.told("layer before", f64::from(before), "");
        let as_before = record.share(5.0..30.0, |s| s.shown >= Some(before));
        figures.told("layer as before", as_before * 100.0, "% of the time");
        figures.told("frozen", record.frozen(0.0..30.0, 0), "ms");
        figures.told("sent", record.mean(5.0..30.0, |s| s.sent), "kbit/s");
        figures.told("lost on the way", record.lost_share(0.0..30.0) * 100.0, "%");
        figures.told("sound concealed", record.concealed_share(0.0..30.0) * 100.0, "%");
        figures.at_least("frames decoded", record.frames as f64, "", 30.0 * 10.0);
        figures
    });
}
