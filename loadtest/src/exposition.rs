//! What a media node says of its workers at `/metrics`, as far as it stands in a report beside what the bots saw.

use serde::Serialize;
use std::{collections::BTreeMap, time::Duration};

/// Of one worker, since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WorkerCounters {
    /// RTP packets for subscribers, retransmissions included.
    pub sent: u64,
    /// Packets sent on to other workers, and that came from them.
    pub relayed: u64,
    pub relayed_received: u64,
    /// Packets for other workers that found their ring full.
    pub ring_drops: u64,
    /// Datagrams that the kernel threw away because they were not read in time.
    pub kernel_drops: u64,
    /// CPU time of its thread when it counted this: it tells both once a second.
    #[serde(skip)]
    pub cpu_us: u64,
}

/// By the worker's number.
pub type NodeCounters = BTreeMap<usize, WorkerCounters>;

/// A node that does not answer for so long has other worries.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Asks a node.
///
/// # Errors
/// In words: nobody there, or not a node of ours.
pub async fn read(url: &str) -> Result<NodeCounters, String> {
    let failed = |error: reqwest::Error| format!("metrics of the node: {error}");
    let client = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build().map_err(failed)?;
    let answer = client.get(url).send().await.and_then(reqwest::Response::error_for_status);
    let page = answer.map_err(failed)?.text().await.map_err(failed)?;
    let counters = parse(&page);
    if counters.is_empty() { Err(format!("metrics of the node: no worker in {url}")) } else { Ok(counters) }
}

impl WorkerCounters {
    pub fn since(&self, before: &Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(before.sent),
            relayed: self.relayed.saturating_sub(before.relayed),
            relayed_received: self.relayed_received.saturating_sub(before.relayed_received),
            ring_drops: self.ring_drops.saturating_sub(before.ring_drops),
            kernel_drops: self.kernel_drops.saturating_sub(before.kernel_drops),
            cpu_us: self.cpu_us.saturating_sub(before.cpu_us),
        }
    }

    /// Where a family is counted, and in what part of its unit.
    fn place(&mut self, family: &str, labels: &str) -> Option<(&mut u64, f64)> {
        let place = match family {
            "plenum_sfu_worker_cpu_seconds_total" => return Some((&mut self.cpu_us, 1e6)),
            "plenum_sfu_rtp_sent_total" => Some(&mut self.sent),
            "plenum_sfu_relayed_total" => Some(&mut self.relayed),
            "plenum_sfu_relayed_received_total" => Some(&mut self.relayed_received),
            "plenum_sfu_dropped_total" if labels.contains("at=\"ring\"") => Some(&mut self.ring_drops),
            "plenum_sfu_dropped_total" if labels.contains("at=\"kernel\"") => Some(&mut self.kernel_drops),
            _ => None,
        };
        place.map(|place| (place, 1.0))
    }
}

/// Lines `name{labels} value`; what else there is on the page is left out.
fn parse(page: &str) -> NodeCounters {
    let mut counters = NodeCounters::new();
    for line in page.lines() {
        let Some((family, rest)) = line.split_once('{') else { continue };
        let Some((labels, value)) = rest.split_once('}') else { continue };
        let (Some(worker), Ok(value)) = (worker(labels), value.trim().parse::<f64>()) else { continue };
        if let Some((place, scale)) = counters.entry(worker).or_default().place(family, labels) {
            *place += (value * scale).round() as u64;
        }
    }
    counters
}

fn worker(labels: &str) -> Option<usize> {
    let number = labels.split_once("worker=\"")?.1;
    number.split_once('"')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_are_told_apart_and_drops_by_where_they_happened() {
        let page = "# HELP plenum_sfu_rtp_sent_total RTP packets for subscribers.\n\
            plenum_sfu_rtp_sent_total{worker=\"0\"} 12\n\
            plenum_sfu_rtp_sent_total{worker=\"1\"} 2e6\n\
            plenum_sfu_relayed_total{worker=\"0\"} 7\n\
            plenum_sfu_worker_cpu_seconds_total{worker=\"0\"} 0.25\n\
            plenum_sfu_relayed_received_total{worker=\"1\"} 6\n\
            plenum_sfu_dropped_total{worker=\"0\",at=\"ring\",reason=\"full_for_audio\"} 1\n\
            plenum_sfu_dropped_total{worker=\"0\",at=\"ring\",reason=\"full_for_video\"} 2\n\
            plenum_sfu_dropped_total{worker=\"1\",at=\"kernel\",reason=\"too_slow\"} 4\n\
            plenum_sfu_dropped_total{worker=\"1\",at=\"ice\",reason=\"no_valid_check\"} 9\n\
            plenum_sfu_link_up 1\n";
        let counters = parse(page);
        let first = WorkerCounters {
            sent: 12,
            relayed: 7,
            ring_drops: 3,
            cpu_us: 250_000,
            ..WorkerCounters::default()
        };
        let second = WorkerCounters {
            sent: 2_000_000,
            relayed_received: 6,
            kernel_drops: 4,
            ..WorkerCounters::default()
        };
        assert_eq!(counters, NodeCounters::from([(0, first), (1, second)]));
        assert_eq!(first.since(&WorkerCounters { sent: 2, ..first }).sent, 10);
    }

    #[test]
    fn another_page_has_no_workers() {
        assert!(parse("<html>plenum_sfu_rtp_sent_total{</html>\na{b=\"c\"} 1\n").is_empty());
    }
}
