//! Whether a run passed: nothing that may never be, and the thresholds that were given.

use super::Report;
use serde::Serialize;

/// What was asked of a run; `None`: not judged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// Share of expected packets that were not received.
    pub max_loss: Option<f64>,
    /// End-to-end delay.
    pub max_p50_ms: Option<f64>,
    pub max_p99_ms: Option<f64>,
    /// To the first media, or where there is none until everything is set up.
    pub max_join_p99_ms: Option<f64>,
    /// Of all processes under test.
    pub max_cpu_us_per_packet: Option<f64>,
    /// Of all processes under test, in millions of bytes.
    pub max_memory_mb: Option<f64>,
    /// From a chat message being sent to its being heard.
    pub max_chat_p99_ms: Option<f64>,
}

/// One threshold.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    pub name: &'static str,
    pub limit: f64,
    /// `None`: there was nothing to measure. That is no pass.
    pub value: Option<f64>,
    pub held: bool,
}

impl Thresholds {
    pub const NONE: Self = Self {
        max_loss: None,
        max_p50_ms: None,
        max_p99_ms: None,
        max_join_p99_ms: None,
        max_cpu_us_per_packet: None,
        max_memory_mb: None,
        max_chat_p99_ms: None,
    };

    /// Those that were given.
    pub fn judge(&self, report: &Report) -> Vec<Judged> {
        let media = &report.media;
        let measured =
            |spread: &super::Spread, of: fn(&super::Spread) -> f64| (spread.count > 0).then(|| of(spread));
        let join = Some(&report.join.first_media).filter(|spread| spread.count > 0);
        let join = join.unwrap_or(&report.join.entered);
        let server = report.server.as_ref();
        let chat = report.chat.as_ref();
        let missing = media.expected.saturating_sub(media.received);
        let loss = (media.expected > 0).then(|| missing as f64 / media.expected as f64);
        let cpu = server.filter(|it| it.forwarded > 0).map(|it| it.cpu_us_per_forwarded);
        let all = [
            ("max-loss", self.max_loss, loss),
            ("max-p50-ms", self.max_p50_ms, measured(&media.delay, |it| it.p50_ms)),
            ("max-p99-ms", self.max_p99_ms, measured(&media.delay, |it| it.p99_ms)),
            ("max-join-p99-ms", self.max_join_p99_ms, measured(join, |it| it.p99_ms)),
            ("max-cpu-us-per-packet", self.max_cpu_us_per_packet, cpu),
            ("max-memory-mb", self.max_memory_mb, server.map(super::Server::memory_max_mb)),
            (
                "max-chat-p99-ms",
                self.max_chat_p99_ms,
                chat.and_then(|chat| measured(&chat.fan_out, |it| it.p99_ms)),
            ),
        ];
        let judge = |(name, limit, value): (_, Option<f64>, Option<f64>)| {
            limit.map(|limit| Judged { name, limit, value, held: value.is_some_and(|value| value <= limit) })
        };
        all.into_iter().filter_map(judge).collect()
    }
}

impl Judged {
    /// As on the command line, with what was measured.
    pub fn words(&self) -> String {
        let value = self.value.map_or("not measured".to_owned(), |value| format!("{value:.4}"));
        format!("--{} {}: {value}", self.name, self.limit)
    }
}

impl Report {
    /// Whether the run passed. Where loss was to be expected, packets may be missing, late and with them broken
    /// pictures; what may never be is a packet of somebody else, a changed one, or silence.
    pub fn is_good(&self) -> bool {
        self.broken().is_empty()
    }

    /// What kept it from passing, in words.
    pub fn broken(&self) -> Vec<String> {
        let media = &self.media;
        let silence = if self.every_packet && self.is_steady { media.silent as u64 } else { 0 };
        let never = [
            ("foreign packets", media.foreign),
            ("damaged packets", media.damaged),
            ("silent subscriptions", silence),
        ];
        let without_loss = [
            ("lost packets", media.lost),
            ("packets left out", if self.every_packet { media.left_out } else { 0 }),
            ("duplicated packets", media.duplicated),
            ("unclean layer switches", media.unclean_switches),
            ("starts without keyframe", media.unclean_starts),
            ("timestamp breaks", media.time_breaks),
            ("picture id breaks", media.picture_breaks),
            ("wire duplicates", self.transport.wire_duplicates),
        ];
        let without_loss = without_loss.iter().filter(|_| !self.tolerates_loss);
        let counts = never.iter().chain(without_loss).filter(|(_, count)| *count > 0);
        let counts = counts.map(|(name, count)| format!("{count} {name}"));
        let thresholds = self.thresholds.iter().filter(|it| !it.held).map(Judged::words);
        thresholds.chain(counts).chain(self.problems.iter().cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Media, Server, Spread};

    fn clean() -> Report {
        let media = Media { sent: 10, expected: 10, received: 10, ..Media::default() };
        Report { media, every_packet: true, is_steady: true, ..Report::default() }
    }

    #[test]
    fn a_run_without_faults_is_good() {
        assert!(clean().is_good());
    }

    #[test]
    fn any_fault_makes_a_run_bad() {
        let faults: [fn(&mut Report); 12] = [
            |report| report.media.lost = 1,
            |report| report.media.left_out = 1,
            |report| report.media.duplicated = 1,
            |report| report.media.foreign = 1,
            |report| report.media.damaged = 1,
            |report| report.media.silent = 1,
            |report| report.media.unclean_switches = 1,
            |report| report.media.unclean_starts = 1,
            |report| report.media.time_breaks = 1,
            |report| report.media.picture_breaks = 1,
            |report| report.transport.wire_duplicates = 1,
            |report| report.problems.push("refused".into()),
        ];
        for (index, fault) in faults.iter().enumerate() {
            let mut report = clean();
            fault(&mut report);
            assert!(!report.is_good(), "fault {index}");
            assert_eq!(report.broken().len(), 1, "fault {index}");
        }
    }

    #[test]
    fn loss_that_was_expected_is_forgiven_but_foreign_packets_are_not() {
        let mut report = Report { tolerates_loss: true, ..clean() };
        report.media.lost = 5;
        assert!(report.is_good());
        report.media.foreign = 1;
        assert!(!report.is_good());
    }

    #[test]
    fn who_is_not_among_the_loudest_may_be_silent_where_something_may_be_left_out() {
        let mut report = Report { every_packet: false, ..clean() };
        report.media.silent = 3;
        report.media.left_out = 9;
        assert!(report.is_good());
    }

    #[test]
    fn a_threshold_holds_up_to_its_limit() {
        let thresholds = Thresholds { max_loss: Some(0.1), max_p99_ms: Some(20.0), ..Thresholds::NONE };
        let mut report = clean();
        (report.media.lost, report.media.received) = (1, 9);
        report.media.delay = Spread { count: 9, p99_ms: 20.5, ..Spread::default() };
        report.thresholds = thresholds.judge(&report);
        report.tolerates_loss = true;
        let held: Vec<(&str, bool)> = report.thresholds.iter().map(|it| (it.name, it.held)).collect();
        assert_eq!(held, [("max-loss", true), ("max-p99-ms", false)]);
        assert_eq!(report.broken(), ["--max-p99-ms 20: 20.5000"]);
    }

    #[test]
    fn what_was_not_measured_does_not_hold() {
        let thresholds = Thresholds { max_cpu_us_per_packet: Some(3.0), ..Thresholds::NONE };
        let mut report = clean();
        report.thresholds = thresholds.judge(&report);
        assert_eq!(report.broken(), ["--max-cpu-us-per-packet 3: not measured"]);
        report.server = Some(Server { forwarded: 5, cpu_us_per_forwarded: 2.0, ..Server::default() });
        report.thresholds = thresholds.judge(&report);
        assert!(report.is_good());
    }

    #[test]
    fn a_join_is_judged_by_the_first_media_and_without_any_by_being_set_up() {
        let thresholds = Thresholds { max_join_p99_ms: Some(100.0), ..Thresholds::NONE };
        let mut report = clean();
        report.join.entered = Spread { count: 1, p99_ms: 50.0, ..Spread::default() };
        assert!(thresholds.judge(&report)[0].held);
        report.join.first_media = Spread { count: 1, p99_ms: 150.0, ..Spread::default() };
        assert!(!thresholds.judge(&report)[0].held);
    }
}
