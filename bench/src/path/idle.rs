//! People who are connected and receive nothing.

use super::{
    Found, PathError, Settings,
    stage::{ONE_ROOM, Sending, Stage},
};
use crate::table::Figure;
use std::time::Duration;

/// Those whom the first of everything is charged to.
const FEW: usize = 20;
/// Consent is asked for every five seconds: two rounds of it, however short everything else is measured.
const TIME: Duration = Duration::from_secs(10);

pub(super) async fn measure(settings: &Settings, say: &dyn Fn(&str), found: &mut Found) {
    let figures = [Figure::MemoryIdle, Figure::IdleCpu];
    match idle(settings).await {
        Err(error) => found.failed(&figures, &error),
        Ok(Idle { few, many, memory, cpu }) => {
            say(&format!("an idle peer: {:.1} kB, {:.1} µs/s", memory / 1e3, cpu * 1e6));
            let detail = format!("between {few} and {many} connected peers of the real process");
            found.table.measured(Figure::MemoryIdle, memory / 1e3, detail.clone());
            found.table.measured(Figure::IdleCpu, cpu * 1e6, detail);
        }
    }
}

struct Idle {
    few: usize,
    many: usize,
    /// Bytes for each more.
    memory: f64,
    /// Seconds a second for each more.
    cpu: f64,
}

async fn idle(settings: &Settings) -> Result<Idle, PathError> {
    let mut stage = Stage::open(&settings.node(), Sending::Grouped, ONE_ROOM, settings.sample).await?;
    let few = FEW.min(settings.idle.saturating_sub(1));
    let many = settings.idle.max(1);
    stage.seat(few).await?;
    let memory_of_few = stage.memory();
    let cpu_of_few = cpu(&stage, settings).await?;
    stage.seat(many).await?;
    let memory_of_many = stage.memory();
    let cpu_of_many = cpu(&stage, settings).await?;
    let more = (many - few) as f64;
    let memory = memory_of_many.saturating_sub(memory_of_few) as f64 / more;
    Ok(Idle { few, many, memory, cpu: (cpu_of_many - cpu_of_few).max(0.0) / more })
}

/// Seconds a second of the worker.
async fn cpu(stage: &Stage, settings: &Settings) -> Result<f64, PathError> {
    tokio::time::sleep(settings.settle.min(Duration::from_secs(1))).await;
    let begin = stage.read()?;
    tokio::time::sleep(TIME).await;
    let end = stage.read()?;
    let spent = end.spent.saturating_sub(begin.spent);
    Ok(spent.as_secs_f64() / end.at.saturating_duration_since(begin.at).as_secs_f64())
}
