//! One load for some seconds: what a forwarded packet cost then.

use super::{
    PathError,
    stage::{Reading, Stage},
};
use plenum_loadtest::light::Delays;
use std::{fmt, time::Duration};

/// What was found.
#[derive(Clone, Debug)]
pub struct Measured {
    pub people: usize,
    /// CPU time of the worker for each packet that came to a viewer.
    pub cost: Duration,
    /// Share of that in the kernel; `None` where too little was spent to tell.
    pub kernel_share: Option<f64>,
    /// Share of a core.
    pub load: f64,
    pub packets_per_second: f64,
    /// Bytes of a packet as sealed, on average.
    pub packet_len: f64,
    pub missing: u64,
    pub wrong: u64,
    pub delays: Delays,
    /// Share of a core that the viewers took: near one they were what was slow.
    pub viewers_load: f64,
}

/// Measures what is going on, after `settle`.
pub async fn measure(stage: &Stage, settle: Duration, time: Duration) -> Result<Measured, PathError> {
    tokio::time::sleep(settle).await;
    let begin = stage.read()?;
    tokio::time::sleep(time).await;
    Ok(Measured::between(stage.people(), &begin, &stage.read()?))
}

impl Measured {
    fn between(people: usize, begin: &Reading, end: &Reading) -> Self {
        let seconds = end.at.saturating_duration_since(begin.at).as_secs_f64();
        let spent = end.spent.since(&begin.spent);
        let ((packets, bytes), (packets_before, bytes_before)) = (end.received(), begin.received());
        let packets = packets - packets_before;
        let viewers = end.viewers.cpu.saturating_sub(begin.viewers.cpu);
        Self {
            people,
            cost: spent.exact.div_f64(packets.max(1) as f64),
            kernel_share: spent.kernel_share(),
            load: spent.exact.as_secs_f64() / seconds,
            packets_per_second: packets as f64 / seconds,
            packet_len: (bytes - bytes_before) as f64 / packets.max(1) as f64,
            missing: end.missing() - begin.missing(),
            wrong: end.wrong() - begin.wrong(),
            delays: end.delays_since(begin),
            viewers_load: viewers.as_secs_f64() / seconds,
        }
    }

    /// What matters of it in JSON.
    pub fn json(&self) -> serde_json::Value {
        let ms = |ns: u64| ns as f64 / 1e6;
        let delay = |it: &plenum_loadtest::histogram::Histogram| {
            serde_json::json!({
                "count": it.count(), "p50_ms": ms(it.quantile_ns(0.5)), "p99_ms": ms(it.quantile_ns(0.99)),
                "max_ms": ms(it.max_ns()),
            })
        };
        serde_json::json!({
            "people": self.people, "cost_ns": self.cost.as_nanos() as u64, "kernel_share": self.kernel_share,
            "load": self.load, "packets_per_s": self.packets_per_second, "packet_len": self.packet_len,
            "missing": self.missing, "wrong": self.wrong, "viewers_load": self.viewers_load,
            "delay_audio": delay(&self.delays.audio), "delay_video": delay(&self.delays.video),
        })
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cost_us = self.cost.as_secs_f64() * 1e6;
        write!(f, "{:5} people  {:8.0} packets/s  ", self.people, self.packets_per_second)?;
        write!(f, "{:3.0} % of a core  {cost_us:6.3} µs a packet", self.load * 100.0)?;
        if let Some(kernel) = self.kernel_share {
            let user = cost_us * (1.0 - kernel);
            write!(f, " = {user:.3} user + {:.3} kernel", cost_us * kernel)?;
        }
        let delays = if self.delays.video.count() > 0 { &self.delays.video } else { &self.delays.audio };
        let ms = |share| delays.quantile_ns(share) as f64 / 1e6;
        write!(f, "  delay {:.2} ms, p99 {:.2}", ms(0.5), ms(0.99))?;
        if self.missing > 0 || self.wrong > 0 {
            write!(f, "  ({} missing, {} wrong)", self.missing, self.wrong)?;
        }
        Ok(())
    }
}
