//! The same links in real time, between network namespaces: real sockets and a real node. The people are those of the
//! virtual laboratory, or Chromium on both sides.

mod chromium;
mod namespace;
mod node;
mod node_says;
mod people;
mod room;
mod scenarios;
mod wire;

use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::figures::{Bound, Figure, Figures};
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

/// A machine that lets somebody wait longer was a worse network than ours.
const IN_TIME: Duration = Duration::from_millis(50);

/// What does not hold where the machine was too busy is told and not judged. Only that pictures went on is asked of any machine.
fn judged(what: &str, figures: &mut Figures, busy: bool) {
    if busy && !figures.all.iter().all(Figure::holds) {
        warn(what, "told and not judged: the machine was too busy");
        figures.all.iter_mut().for_each(|figure| figure.bound = Bound::None);
    }
}

/// Writes the part of the report, and returns what does not hold.
fn report(told: &Told<'_>) -> Vec<String> {
    report::write(told);
    let (_, figures) = &told.figures[0];
    let failed = figures.all.iter().filter(|figure| !figure.holds());
    failed.map(|f| format!("{}: {}: {:.2} {}, not {}", told.name, f.name, f.value, f.unit, f.bound)).collect()
}
