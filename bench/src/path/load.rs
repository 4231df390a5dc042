//! One load for some seconds: what a forwarded packet cost then.

use super::{
    PathError,
    stage::{Reading, Stage},
};
use plenum_loadtest::light::Delays;
use std::{fmt, ops::RangeInclusive, time::Duration};

/// Shares of what is due that are all of it: a frame more or less is in the time, and pictures are not all of one size.
const DELIVERED: RangeInclusive<f64> = 0.95..=1.1;
/// Viewers that are busier than this were perhaps what was slow.
const VIEWERS_LOAD_MAX: f64 = 0.95;
/// In which the samples of a thread that never sleeps have room.
const SAMPLED_MAX: Duration = Duration::from_millis(1500);

/// What was found.
#[derive(Clone, Debug)]
pub struct Measured {
    pub people: usize,
    /// CPU time of the worker for each packet that came to a viewer.
    pub cost: Duration,
    /// Share of that in the kernel, or why it is not known.
    pub kernel_share: Result<f64, String>,
    /// Share of a core.
    pub load: f64,
    pub packets_per_second: f64,
    /// What the speakers send, to everybody.
    pub due_per_second: f64,
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
    let (people, due) = (stage.people(), stage.packets_due_per_second());
    let measured = Measured::between(people, due, &begin, &stage.read()?);
    Ok(Measured { kernel_share: kernel_share(stage, sampled(time)).await, ..measured })
}

/// How long [`measure`] takes.
pub fn duration(settle: Duration, time: Duration) -> Duration {
    settle + time + sampled(time)
}

/// Samples cost the thread time at each of its wake-ups, so they are taken after what is measured.
fn sampled(time: Duration) -> Duration {
    (time / 4).min(SAMPLED_MAX)
}

async fn kernel_share(stage: &Stage, time: Duration) -> Result<f64, String> {
    let modes = stage.modes(time).await.map_err(|error| error.to_string())?;
    modes.kernel_share().ok_or_else(|| "the worker was never met".into())
}

impl Measured {
    fn between(people: usize, due_per_second: f64, begin: &Reading, end: &Reading) -> Self {
        let seconds = end.at.saturating_duration_since(begin.at).as_secs_f64();
        let spent = end.spent.saturating_sub(begin.spent);
        let ((packets, bytes), (packets_before, bytes_before)) = (end.received(), begin.received());
        let packets = packets - packets_before;
        let viewers = end.viewers.cpu.saturating_sub(begin.viewers.cpu);
        Self {
            people,
            cost: spent.div_f64(packets.max(1) as f64),
            kernel_share: Err("not sampled".into()),
            load: spent.as_secs_f64() / seconds,
            packets_per_second: packets as f64 / seconds,
            due_per_second,
            packet_len: (bytes - bytes_before) as f64 / packets.max(1) as f64,
            // A packet that comes late fills a hole of before.
            missing: end.missing().saturating_sub(begin.missing()),
            wrong: end.wrong().saturating_sub(begin.wrong()),
            delays: end.delays_since(begin),
            viewers_load: viewers.as_secs_f64() / seconds,
        }
    }

    /// Why it says nothing about the load that was asked for; `None`: all of that was delivered.
    ///
    /// Packets that never leave the server make no hole in the numbers, so what came is held against what was spoken. A viewers'
    /// thread that has no time left is what was slow.
    pub fn doubt(&self) -> Option<String> {
        let mut doubts = Vec::new();
        if self.missing > 0 {
            doubts.push(format!("{} packets did not arrive", self.missing));
        }
        if self.wrong > 0 {
            doubts.push(format!("{} packets were not the speaker's", self.wrong));
        }
        let delivered = self.packets_per_second / self.due_per_second.max(1.0);
        if !DELIVERED.contains(&delivered) {
            doubts.push(format!("{:.0} packets/s of {:.0}", self.packets_per_second, self.due_per_second));
        }
        if self.viewers_load > VIEWERS_LOAD_MAX {
            doubts.push(format!("the viewers took {:.0} % of a core", self.viewers_load * 100.0));
        }
        (!doubts.is_empty()).then(|| format!("with {} viewers {}", self.people, doubts.join(", ")))
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
            "people": self.people, "cost_ns": self.cost.as_nanos() as u64,
            "kernel_share": self.kernel_share.as_ref().ok(), "kernel_share_unknown": self.kernel_share.as_ref().err(),
            "load": self.load, "packets_per_s": self.packets_per_second,
            "due_per_s": self.due_per_second, "doubt": self.doubt(), "packet_len": self.packet_len,
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
        match &self.kernel_share {
            Ok(kernel) => {
                let user = cost_us * (1.0 - kernel);
                write!(f, " = {user:.3} user + {:.3} kernel", cost_us * kernel)?;
            }
            Err(reason) => write!(f, " (user and kernel not told apart: {reason})")?,
        }
        let delays = if self.delays.video.count() > 0 { &self.delays.video } else { &self.delays.audio };
        let ms = |share| delays.quantile_ns(share) as f64 / 1e6;
        write!(f, "  delay {:.2} ms, p99 {:.2}", ms(0.5), ms(0.99))?;
        if let Some(doubt) = self.doubt() {
            write!(f, "  ({doubt})")?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// So many viewers who got everything, at this cost.
    pub fn delivered(people: usize, cost_us: f64) -> Measured {
        let due_per_second = 225.0 * people as f64;
        Measured {
            people,
            cost: Duration::from_secs_f64(cost_us / 1e6),
            kernel_share: Ok(0.25),
            load: 0.7,
            packets_per_second: due_per_second,
            due_per_second,
            packet_len: 1000.0,
            missing: 0,
            wrong: 0,
            delays: Delays::default(),
            viewers_load: 0.5,
        }
    }

    #[test]
    fn a_cost_is_told_in_two_parts_or_why_it_is_not() {
        let known = delivered(100, 4.0);
        assert!(known.to_string().contains("4.000 µs a packet = 3.000 user + 1.000 kernel"), "{known}");
        let unknown = Measured { kernel_share: Err("not permitted".into()), ..known };
        assert!(unknown.to_string().contains("not told apart: not permitted"), "{unknown}");
        let json = unknown.json();
        assert!(json["kernel_share"].is_null() && json["kernel_share_unknown"] == "not permitted", "{json}");
    }

    #[test]
    fn a_load_that_was_not_delivered_is_in_doubt() {
        let all = delivered(100, 1.0);
        assert_eq!(all.doubt(), None);
        let told = |it: Measured| it.doubt().unwrap_or_default();
        assert_eq!(told(Measured { missing: 3, ..all.clone() }), "with 100 viewers 3 packets did not arrive");
        assert!(told(Measured { wrong: 1, ..all.clone() }).contains("1 packets were not the speaker's"));
        let half = Measured { packets_per_second: 5_000.0, ..all.clone() };
        assert_eq!(told(half.clone()), "with 100 viewers 5000 packets/s of 22500");
        assert!(half.to_string().contains("5000 packets/s of 22500"));
        assert!(half.json()["doubt"].is_string());
        assert!(told(Measured { viewers_load: 0.99, ..all }).contains("the viewers took 99 % of a core"));
    }
}
