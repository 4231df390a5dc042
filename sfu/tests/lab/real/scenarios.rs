//! The scenarios of the virtual laboratory over real sockets, side by side, each with a node and a network of its own.
//! A machine that is busy with other things must not fail them: what is asserted is far from what is measured, and farther
//! where the machine was late itself.

use std::time::Duration;

use super::people::People;
use super::{alone, judge_as, namespace, report, seed, told, warn};
use crate::figures::{Figures, Judged};
use crate::record::{Record, Sample};
use crate::report::Told;
use crate::scenario::Scenario;
use crate::scenarios as virtually;

struct Real {
    scenario: &'static Scenario,
    judge: fn(&mut Figures, &[Record]),
}

static ALL: [Real; 14] = [
    Real {
        scenario: &virtually::NO_TROUBLE,
        judge: |figures, records| top_layer(figures, &records[0], 10.0..40.0),
    },
    Real {
        scenario: &virtually::ONE_MBIT,
        judge: |figures, records| {
            let middle = records[0].share(20.0..60.0, |s| s.shown == Some(1)) * 100.0;
            figures.at_least("middle layer", middle, "% of the time", 80.0);
            figures.at_most("lost, settled", records[0].lost_share(20.0..60.0) * 100.0, "%", 5.0);
            settled(figures, &records[0], 20.0..60.0, 1000.0);
        },
    },
    Real { scenario: &virtually::STEP, judge: step },
    Real { scenario: &virtually::TWO_PERCENT, judge: lossy },
    Real { scenario: &virtually::FIVE_PERCENT, judge: lossy },
    Real { scenario: &virtually::TEN_PERCENT, judge: lossy },
    Real { scenario: &virtually::FIFTEEN_PERCENT, judge: lossy },
    Real { scenario: &virtually::TWENTY_PERCENT, judge: lossy },
    Real {
        scenario: &virtually::JITTER,
        judge: |figures, records| top_layer(figures, &records[0], 20.0..60.0),
    },
    Real {
        scenario: &virtually::REORDERING,
        judge: |figures, records| top_layer(figures, &records[0], 20.0..60.0),
    },
    Real { scenario: &virtually::SHARED_QUEUE, judge: shared_queue },
    Real {
        scenario: &virtually::POLICER,
        judge: |figures, records| {
            let lost = records[0].lost_share(20.0..60.0) * 100.0;
            figures.at_most("lost, settled", lost, "%", 10.0);
            figures.at_least("sent, settled", records[0].mean(20.0..60.0, |s| s.sent), "kbit/s", 150.0);
            settled(figures, &records[0], 20.0..60.0, 1000.0);
        },
    },
    Real { scenario: &virtually::LOSSY_PUBLISHER, judge: lossy_publisher },
    Real { scenario: &virtually::DEAD, judge: dead },
];

/// The line is used: what the node takes it for, beside what it is.
fn settled(figures: &mut Figures, record: &Record, time: std::ops::Range<f64>, link: f64) {
    let estimate = record.mean(time.clone(), |s| s.estimate.unwrap_or_default());
    figures.at_least("settled rate, of the link", estimate / link * 100.0, "%", 60.0);
    told(figures, record, time);
}

fn top_layer(figures: &mut Figures, record: &Record, time: std::ops::Range<f64>) {
    let top = record.share(time.clone(), |s| s.shown == Some(2)) * 100.0;
    figures.at_least("top layer", top, "% of the time", 80.0);
    told(figures, record, time);
}

fn step(figures: &mut Figures, records: &[Record]) {
    let record = &records[0];
    let before = record.share(10.0..20.0, |s| s.shown == Some(2)) * 100.0;
    figures.at_least("top layer before the step down", before, "% of the time", 80.0);
    let sent_before = record.mean(10.0..20.0, |s| s.sent);
    figures.at_least("sent before the step down", sent_before, "kbit/s", 1200.0);
    let down = record.first(20.0..40.0, |s| s.sent < 800.0);
    figures.at_most("sent below the link after the step down", down, "s", 5.0);
    figures.told("longest freeze after the step down", record.longest_freeze(20.0..30.0), "ms");
    let lower = record.share(25.0..40.0, |s| s.shown < Some(2)) * 100.0;
    figures.at_least("a lower layer while the line is narrow", lower, "% of the time", 80.0);
    let back = record.first(40.0..70.0, |s| s.shown == Some(2));
    figures.at_most("top layer after the step up", back, "s", 20.0);
    settled(figures, record, 25.0..40.0, 800.0);
}

fn lossy(figures: &mut Figures, records: &[Record]) {
    let record = &records[0];
    let top = record.share(20.0..60.0, |s| s.shown == Some(2)) * 100.0;
    figures.at_least("top layer", top, "% of the time", 60.0);
    let concealed = record.concealed_share(1.0..60.0) * 100.0;
    figures.at_most("sound concealed from the start", concealed, "%", 5.0);
    settled(figures, record, 20.0..60.0, 2500.0);
}

fn shared_queue(figures: &mut Figures, records: &[Record]) {
    let sent: Vec<_> = records.iter().map(|record| record.mean(20.0..60.0, |s| s.sent)).collect();
    figures.at_most("sent together", sent.iter().sum(), "kbit/s", 4200.0);
    let least = sent.iter().copied().fold(f64::MAX, f64::min);
    figures.at_least("sent to whom least is sent", least, "kbit/s", 100.0);
    let lost = records.iter().map(|record| record.lost_share(20.0..60.0) * 100.0);
    figures.at_most("lost, of whom most", lost.fold(0.0, f64::max), "%", 5.0);
    let changes = records.iter().map(|record| record.changes_in_ten_seconds(20.0..60.0));
    figures.told("layer changes in 10 s, of whom most", changes.fold(0.0, f64::max), "");
    told(figures, &records[0], 20.0..60.0);
}

fn lossy_publisher(figures: &mut Figures, records: &[Record]) {
    let worst = |of: &dyn Fn(&Record) -> f64| records.iter().map(of).fold(0.0, f64::max);
    let healthy = worst(&|record| record.frozen(10.0..40.0, 1));
    figures.at_most("frozen, the healthy camera", healthy, "ms", 1500.0);
    figures.told("frozen, the lossy camera", worst(&|record| record.frozen(10.0..40.0, 0)), "ms");
    let healthy = |s: &Sample| s.layers[1] == Some(2);
    let top = records.iter().map(|record| record.share(10.0..40.0, healthy) * 100.0);
    let top = top.fold(f64::MAX, f64::min);
    figures.at_least("the healthy camera's top layer, who has it least", top, "% of the time", 80.0);
    let concealed = worst(&|record| record.concealed_share(10.0..40.0) * 100.0);
    figures.at_most("sound concealed", concealed, "%", 5.0);
    figures.told("layer changes in 10 s", worst(&|record| record.changes_in_ten_seconds(10.0..40.0)), "");
    told(figures, &records[0], 10.0..40.0);
}

fn dead(figures: &mut Figures, records: &[Record]) {
    let record = &records[0];
    figures.at_most("frozen after the path came back", record.frozen(25.0..60.0, 0), "ms", 5000.0);
    let back = record.first(25.0..60.0, |s| s.shown == Some(2) && s.sent > 1000.0);
    figures.at_most("top layer after the path came back", back, "s", 20.0);
    settled(figures, record, 35.0..60.0, 2500.0);
}

impl Real {
    fn hold(&self) -> Vec<String> {
        let scenario = self.scenario;
        let mut people = People::default();
        (scenario.build)(&mut people);
        let (records, lateness) = people.meet(seed(), Duration::from_secs(scenario.seconds));
        let mut figures = Figures::default();
        (self.judge)(&mut figures, &records);
        let how = if lateness.is_much() { Judged::Coarsely } else { Judged::Fully };
        judge_as(how, scenario.title, &mut figures);
        figures.told("the machine was late by, at most", lateness.latest.as_secs_f64() * 1000.0, "ms");
        let fewest = records.iter().map(|record| record.frames).min().unwrap_or_default();
        figures.at_least("frames shown", fewest as f64, "", scenario.seconds as f64 * 5.0);
        let caption = |index: usize| match scenario.draws {
            [_] => "in real time".to_owned(),
            _ => format!("viewer {}, in real time", index + 1),
        };
        report(&Told {
            name: &format!("real-{}", scenario.name),
            place: 50 + scenario.place,
            title: &format!("Real sockets: {}", scenario.title),
            story: scenario.story,
            figures: &[(seed(), figures)],
            drawn: scenario.draws.iter().map(|&index| (caption(index), &records[index])).collect(),
        })
    }
}

#[test]
fn the_scenarios_hold_over_real_sockets() {
    if let Some(hindrance) = namespace::hindrance() {
        return warn("the scenarios over real sockets", &format!("not run: {hindrance}"));
    }
    let _alone = alone();
    let failed: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = ALL.iter().map(|real| scope.spawn(|| real.hold())).collect();
        running.into_iter().flat_map(|one| one.join().expect("a scenario that ends")).collect()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
