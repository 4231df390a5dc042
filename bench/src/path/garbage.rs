//! What strangers' datagrams change for people who watch.

use super::{
    Found, PathError, Settings,
    load::{self, Measured},
    stage::{Media, ONE_ROOM, Sending, Stage},
};
use crate::{garbage::flood, table::Figure};
use std::time::Duration;

const PACKETS_PER_SECOND: u32 = 200_000;
/// A flood that was slower than this share of it was none.
const FLOOD_MIN: f64 = 0.9;
/// People who watch: a load that leaves the worker time.
const PEOPLE: usize = 100;
/// The flood is under way before anything is measured.
const LEAD: Duration = Duration::from_millis(500);

pub(super) async fn measure(settings: &Settings, say: &dyn Fn(&str), found: &mut Found) {
    let figures = [Figure::GarbageDelay, Figure::GarbageMemory];
    say("garbage:");
    match flooded(settings, say).await {
        Err(error) => found.failed(&figures, &error),
        Ok(it) => {
            found.load("before garbage", &it.before);
            found.load("with garbage", &it.during);
            let p99 = |measured: &Measured| measured.delays.video.quantile_ns(0.99) as f64 / 1e6;
            let (before, during) = (p99(&it.before), p99(&it.during));
            let detail = format!(
                "{} viewers: p99 {before:.2} ms before, {during:.2} ms while {:.0} a second came; {} of their packets missing; \
                 the worker took {:.0} % of a core",
                it.during.people,
                it.rate,
                it.during.missing,
                it.during.load * 100.0
            );
            let memory = it.memory as f64 / 1e3;
            let slow = it.rate < FLOOD_MIN * f64::from(PACKETS_PER_SECOND);
            let doubts = [
                it.before.doubt(),
                it.during.doubt(),
                slow.then(|| format!("{:.0} garbage packets/s", it.rate)),
            ];
            found.table.told(Figure::GarbageDelay, during - before, doubts.clone(), detail);
            let detail = "of the process, before and after".into();
            found.table.told(Figure::GarbageMemory, memory, doubts, detail);
        }
    }
}

struct Flooded {
    before: Measured,
    during: Measured,
    /// Garbage that the kernel took, a second.
    rate: f64,
    /// Bytes.
    memory: u64,
}

async fn flooded(settings: &Settings, say: &dyn Fn(&str)) -> Result<Flooded, PathError> {
    let mut stage = Stage::open(&settings.node(), Sending::Grouped, ONE_ROOM, settings.sample).await?;
    stage.speak(Media::AudioAndVideo).await?;
    stage.seat(PEOPLE).await?;
    stage.watch().await?;
    let before = load::measure(&stage, settings.settle, settings.time).await?;
    say(&before.to_string());
    let memory = stage.memory();
    let target = stage.address().ok_or(PathError::Gone("the media address"))?;
    let time = load::duration(LEAD, settings.time) + LEAD;
    let flood = tokio::task::spawn_blocking(move || flood(target, PACKETS_PER_SECOND, time));
    let during = load::measure(&stage, LEAD, settings.time).await?;
    say(&during.to_string());
    let flood = flood.await.map_err(std::io::Error::other)??;
    let memory = stage.memory().saturating_sub(memory);
    Ok(Flooded { before, during, rate: flood.rate(), memory })
}
