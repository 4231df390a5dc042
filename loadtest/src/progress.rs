//! How a run is going, one line a second on standard error.

use crate::timeline::Sample;
use std::io::{IsTerminal, Write};

/// Where it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Silent,
    /// Each line below the one before.
    Lines,
    /// One line that changes.
    Terminal,
}

impl Progress {
    /// What standard error can do.
    pub fn of_standard_error() -> Self {
        if std::io::stderr().is_terminal() { Self::Terminal } else { Self::Lines }
    }

    pub fn show(self, sample: &Sample) {
        match self {
            Self::Silent => {}
            Self::Lines => write(&format!("{}\n", line(sample))),
            // Back to the start of the line, and what the longer line before left there is cleared.
            Self::Terminal => write(&format!("\r{}\x1b[K", line(sample))),
        }
    }

    /// Leaves the last line where it is.
    pub fn end(self) {
        if self == Self::Terminal {
            write("\n");
        }
    }
}

/// Standard error may be closed; then nobody looks.
fn write(text: &str) {
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

fn line(sample: &Sample) -> String {
    format!(
        "{:>4.0} s  {:>4} in  {:>7.0} packets/s in  {:>8.0} out  loss {:>5.2} %  p50 {:>6.1} ms  p99 {:>6.1} ms  cores: sfu {:.2}  control {:.2}  bots {:.2}",
        sample.at_s,
        sample.people,
        sample.packets_in_per_s,
        sample.packets_out_per_s,
        sample.loss * 100.0,
        sample.delay_p50_ms,
        sample.delay_p99_ms,
        sample.sfu_cores,
        sample.control_cores,
        sample.bots_cores,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_who_is_in_what_passes_and_what_it_costs() {
        let sample = Sample {
            at_s: 12.04,
            people: 20,
            packets_in_per_s: 1_000.0,
            packets_out_per_s: 19_000.0,
            loss: 0.0125,
            delay_p50_ms: 0.8,
            delay_p99_ms: 12.25,
            sfu_cores: 0.5,
            bots_cores: 1.25,
            ..Sample::default()
        };
        let words = line(&sample).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(
            words,
            "12 s 20 in 1000 packets/s in 19000 out loss 1.25 % p50 0.8 ms p99 12.2 ms cores: sfu 0.50 control 0.00 bots 1.25"
        );
    }
}
