//! The same links in real time, between network namespaces: real sockets and a real node. The people are those of the
//! virtual laboratory, or Chromium on both sides.

mod chromium;
mod lateness;
mod namespace;
mod node;
mod node_says;
mod people;
mod room;
mod scenarios;
mod wire;

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::figures::{Bound, Figure, Figures, Judged};
use crate::record::Record;
use crate::report::{self, Told};

static ALONE: Mutex<()> = Mutex::new(());

/// Tests of one process that run in real time wait for each other.
fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// There is one run in real time: with the first seed of `PLENUM_LAB_SEED`, or this.
fn seed() -> u64 {
    let asked = std::env::var("PLENUM_LAB_SEED").ok();
    let first = asked.as_deref().and_then(|asked| asked.split('-').next()).unwrap_or("1");
    first.parse().expect("PLENUM_LAB_SEED is a number, or two as in 6-15")
}

/// Loudly, whether or not the output of tests that pass is shown.
fn warn(what: &str, hindrance: &str) {
    let _ = writeln!(std::io::stderr(), "\n*** {what}: {hindrance} ***\n");
}

/// What is said of every run, as in the virtual laboratory.
fn told(figures: &mut Figures, record: &Record, time: std::ops::Range<f64>) {
    figures.told("sent, mean", record.mean(time.clone(), |s| s.sent), "kbit/s");
    figures.told("lost on the way", record.lost_share(time.clone()) * 100.0, "%");
    figures.told("delay, median", record.quantile(time.clone(), 0.5, |s| s.delay), "ms");
    figures.told("delay, 95th", record.quantile(time.clone(), 0.95, |s| s.delay), "ms");
    figures.told("frozen", record.frozen(time.clone(), 0), "ms");
    figures.told("layer changes in 10 s", record.changes_in_ten_seconds(time.clone()), "");
    figures.told("sound concealed", record.concealed_share(time) * 100.0, "%");
}

/// What does not hold is judged as a machine allows that was too busy, and told loudly. What holds keeps its bound.
fn judge_as(how: Judged, what: &str, figures: &mut Figures) {
    if how == Judged::Fully || figures.all.iter().all(Figure::holds) {
        return;
    }
    warn(what, &format!("{how} judged: the machine was too busy"));
    figures.judged = how;
    for figure in figures.all.iter_mut().filter(|figure| !figure.holds()) {
        figure.bound = if how == Judged::Coarsely { figure.bound.coarse() } else { Bound::None };
    }
}

/// Writes the part of the report, and returns what does not hold.
fn report(told: &Told<'_>) -> Vec<String> {
    report::write(told);
    let (_, figures) = &told.figures[0];
    let failed = figures.all.iter().filter(|figure| !figure.holds());
    failed.map(|f| format!("{}: {}: {:.2} {}, not {}", told.name, f.name, f.value, f.unit, f.bound)).collect()
}

#[test]
fn a_busy_machine_excuses_what_is_a_little_off_and_not_what_never_comes() {
    let mut figures = Figures::default();
    figures.at_least("top layer", 40.0, "% of the time", 80.0);
    figures.at_least("top layer of another", 0.0, "% of the time", 80.0);
    figures.at_most("top layer after the step up", f64::INFINITY, "s", 20.0);
    figures.at_most("lost, settled", 4.0, "%", 5.0);
    judge_as(Judged::Coarsely, "a test", &mut figures);
    assert!(figures.all.iter().map(Figure::holds).eq([true, false, false, true]));
    assert_eq!(figures.all[3].bound, Bound::AtMost(5.0), "what holds keeps its bound");
    assert_eq!(figures.judged, Judged::Coarsely);
}
