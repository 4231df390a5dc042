//! What a run found: one summary, as text for people and as JSON for machines.

use crate::{bot::BotRecord, histogram::Histogram, peer::PeerCounts};
use plenum_shared::media::Kind;
use serde::Serialize;
use std::{fmt, time::Duration};

/// Everything a run says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub bots: usize,
    pub seconds: f64,
    pub loss_asked_for: f64,
    pub media: Media,
    pub join: Join,
    pub transport: Transport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
    /// What went wrong, first things first.
    pub problems: Vec<String>,
    /// Problems beyond the ones listed.
    pub problems_unlisted: usize,
}

/// Packets as their subscribers saw them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Media {
    pub producers: usize,
    pub subscriptions: usize,
    /// Subscriptions there should be: everybody hears everybody else.
    pub subscriptions_expected: usize,
    /// Packets that publishers sent, without retransmissions.
    pub sent: u64,
    /// Packets that subscribers should have received, counted from the first one of each.
    pub expected: u64,
    pub received: u64,
    pub lost: u64,
    pub duplicated: u64,
    pub reordered: u64,
    pub foreign: u64,
    pub damaged: u64,
    pub layer_switches: u64,
    pub unclean_switches: u64,
    pub unclean_starts: u64,
    pub time_breaks: u64,
    pub picture_breaks: u64,
    /// Subscriptions that never received anything.
    pub silent: usize,
    pub bytes: u64,
    pub delay: Spread,
}

/// From the way to the server being open to media, for bots that came when somebody published already.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Join {
    /// First packet of anybody.
    pub first_media: Spread,
    /// First packet of a video.
    pub first_video: Spread,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Spread {
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
}

/// Datagrams and feedback, all bots together.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Transport {
    pub datagrams_sent: u64,
    pub datagrams_received: u64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    pub wire_duplicates: u64,
    pub nacks_sent: u64,
    pub nacks_received: u64,
    pub plis_sent: u64,
    pub plis_received: u64,
    pub emulated_losses: u64,
    /// The load generator's own fault: its sockets were full.
    pub socket_drops: u64,
}

/// The processes under test during the measured time.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Server {
    pub cpu_seconds: f64,
    /// Packets received by subscribers in the same time.
    pub forwarded: u64,
    pub cpu_us_per_forwarded: f64,
    /// Share of one core.
    pub cpu_share: f64,
}

/// Problems listed one by one; the rest is counted.
const PROBLEMS_LISTED_MAX: usize = 40;

/// What the scenario knows besides the records.
#[derive(Clone, Debug, Default)]
pub struct Circumstances {
    pub seconds: f64,
    pub loss_asked_for: f64,
    pub subscriptions_expected: usize,
    pub server: Option<Server>,
    /// Bots that did not make it to the end, and why.
    pub failures: Vec<String>,
}

impl Report {
    pub fn new(circumstances: Circumstances, records: &[BotRecord]) -> Self {
        let mut report = Self {
            bots: records.len(),
            seconds: circumstances.seconds,
            loss_asked_for: circumstances.loss_asked_for,
            server: circumstances.server,
            ..Self::default()
        };
        report.media.subscriptions_expected = circumstances.subscriptions_expected;
        let mut problems = circumstances.failures;
        let (mut delays, mut first_media, mut first_video) = Default::default();
        for (index, record) in records.iter().enumerate() {
            problems.extend(record.troubles.iter().map(|words| format!("bot {index}: {words}")));
            report.add_published(record);
            report.add_subscribed(index, record, &mut delays, &mut problems);
            report.transport.add(&record.send.counts);
            report.transport.add(&record.receive.counts);
            note_join(record, &mut first_media, &mut first_video);
        }
        report.media.delay = Spread::of(&delays);
        report.join = Join { first_media: Spread::of(&first_media), first_video: Spread::of(&first_video) };
        if report.media.subscriptions != report.media.subscriptions_expected {
            problems.push(format!(
                "{} subscriptions, {} were due",
                report.media.subscriptions, report.media.subscriptions_expected
            ));
        }
        report.problems_unlisted = problems.len().saturating_sub(PROBLEMS_LISTED_MAX);
        problems.truncate(PROBLEMS_LISTED_MAX);
        report.problems = problems;
        report
    }

    fn add_published(&mut self, record: &BotRecord) {
        self.media.producers += record.send.published.len();
        self.media.sent += record.send.published.iter().flat_map(|it| &it.sent).sum::<u64>();
    }

    fn add_subscribed(
        &mut self,
        index: usize,
        record: &BotRecord,
        delays: &mut Histogram,
        problems: &mut Vec<String>,
    ) {
        let media = &mut self.media;
        for subscribed in &record.receive.subscribed {
            let (account, counts) = (&subscribed.account, subscribed.account.counts());
            media.subscriptions += 1;
            media.received += account.received();
            media.expected += account.received() + subscribed.lost;
            media.lost += subscribed.lost;
            media.duplicated += account.duplicated();
            media.reordered += account.reordered();
            media.foreign += counts.foreign;
            media.damaged += counts.damaged;
            media.layer_switches += counts.layer_switches;
            media.unclean_switches += counts.unclean_switches;
            media.unclean_starts += counts.unclean_starts;
            media.time_breaks += counts.time_breaks;
            media.picture_breaks += counts.picture_breaks;
            media.bytes += counts.bytes;
            media.silent += usize::from(!account.has_begun());
            delays.merge(account.delays());
            let remote = &subscribed.remote;
            let faults = format!(
                "received {} lost {} duplicated {} reordered {}; {}; {counts:?}",
                account.received(),
                subscribed.lost,
                account.duplicated(),
                account.reordered(),
                account.whereabouts(),
            );
            let is_clean = subscribed.lost == 0 && account.duplicated() == 0 && counts.is_clean();
            if !account.has_begun() || !(is_clean || self.loss_asked_for > 0.0) {
                problems.push(format!(
                    "bot {index} from {:?} of {}: {faults}",
                    remote.source, remote.participant
                ));
            }
        }
    }

    /// Whether the run passed. Where loss was asked for, packets may be missing, late and with them broken pictures;
    /// what may never be is a packet of somebody else, a changed one, or silence.
    pub fn is_good(&self) -> bool {
        let media = &self.media;
        let always =
            self.problems.is_empty() && media.foreign == 0 && media.damaged == 0 && media.silent == 0;
        let without_loss = media.lost == 0
            && media.duplicated == 0
            && media.unclean_switches == 0
            && media.unclean_starts == 0
            && media.time_breaks == 0
            && media.picture_breaks == 0
            && self.transport.wire_duplicates == 0;
        always && (without_loss || self.loss_asked_for > 0.0)
    }
}

/// Counts from the moment the bot's way to the server was open, for bots that found media there.
fn note_join(record: &BotRecord, first_media: &mut Histogram, first_video: &mut Histogram) {
    if !record.found_media {
        return;
    }
    let began = |kind: Option<Kind>| {
        let of_kind =
            record.receive.subscribed.iter().filter(|it| kind.is_none_or(|kind| it.remote.kind == kind));
        of_kind.filter_map(|it| it.began_at).min()
    };
    let note = |began, histogram: &mut Histogram| {
        if let Some(began) = began {
            let waited = std::time::Instant::saturating_duration_since(&began, record.connected_at);
            histogram.record(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX));
        }
    };
    note(began(None), first_media);
    note(began(Some(Kind::Video)), first_video);
}

impl Spread {
    pub fn of(histogram: &Histogram) -> Self {
        let ms = |ns: u64| (ns as f64 / 10_000.0).round() / 100.0;
        Self {
            p50_ms: ms(histogram.quantile_ns(0.5)),
            p99_ms: ms(histogram.quantile_ns(0.99)),
            max_ms: ms(histogram.max_ns()),
        }
    }
}

impl Transport {
    fn add(&mut self, counts: &PeerCounts) {
        self.datagrams_sent += counts.datagrams_sent;
        self.datagrams_received += counts.datagrams_received;
        self.bytes_sent += counts.bytes_sent;
        self.bytes_received += counts.bytes_received;
        self.wire_duplicates += counts.wire_duplicates;
        self.nacks_sent += counts.nacks_sent;
        self.nacks_received += counts.nacks_received;
        self.plis_sent += counts.plis_sent;
        self.plis_received += counts.plis_received;
        self.emulated_losses += counts.emulated_losses;
        self.socket_drops += counts.socket_drops;
    }
}

impl Server {
    pub fn new(cpu: Duration, elapsed: Duration, forwarded: u64) -> Self {
        let per = |divisor: f64| if divisor > 0.0 { cpu.as_secs_f64() / divisor } else { 0.0 };
        Self {
            cpu_seconds: cpu.as_secs_f64(),
            forwarded,
            cpu_us_per_forwarded: per(forwarded as f64) * 1e6,
            cpu_share: per(elapsed.as_secs_f64()),
        }
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "p50 {:.2} ms  p99 {:.2} ms  max {:.2} ms", self.p50_ms, self.p99_ms, self.max_ms)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (media, transport) = (&self.media, &self.transport);
        writeln!(f, "{} bots, {:.1} s, {} producers", self.bots, self.seconds, media.producers)?;
        writeln!(
            f,
            "subscriptions  {} of {}, silent {}",
            media.subscriptions, media.subscriptions_expected, media.silent
        )?;
        writeln!(
            f,
            "packets        sent {}  expected {}  received {}",
            media.sent, media.expected, media.received
        )?;
        writeln!(
            f,
            "faults         lost {}  duplicated {}  reordered {}  foreign {}  damaged {}",
            media.lost, media.duplicated, media.reordered, media.foreign, media.damaged
        )?;
        writeln!(
            f,
            "continuity     timestamp breaks {}  picture id breaks {}  starts without keyframe {}",
            media.time_breaks, media.picture_breaks, media.unclean_starts
        )?;
        writeln!(f, "layers         switches {}  unclean {}", media.layer_switches, media.unclean_switches)?;
        writeln!(f, "delay          {}", media.delay)?;
        writeln!(f, "join to media  {}", self.join.first_media)?;
        writeln!(f, "join to video  {}", self.join.first_video)?;
        writeln!(
            f,
            "feedback       NACKs sent {} received {}  PLIs sent {} received {}",
            transport.nacks_sent, transport.nacks_received, transport.plis_sent, transport.plis_received
        )?;
        writeln!(
            f,
            "datagrams      sent {} ({} bytes)  received {} ({} bytes)",
            transport.datagrams_sent,
            transport.bytes_sent,
            transport.datagrams_received,
            transport.bytes_received
        )?;
        writeln!(
            f,
            "on the way     wire duplicates {}  emulated losses {}  drops at the bots' own sockets {}",
            transport.wire_duplicates, transport.emulated_losses, transport.socket_drops
        )?;
        if let Some(server) = &self.server {
            writeln!(
                f,
                "server CPU     {:.2} s ({:.0} % of a core), {:.2} us per forwarded packet ({} packets)",
                server.cpu_seconds,
                server.cpu_share * 100.0,
                server.cpu_us_per_forwarded,
                server.forwarded
            )?;
        }
        for problem in &self.problems {
            writeln!(f, "problem        {problem}")?;
        }
        if self.problems_unlisted > 0 {
            writeln!(f, "problem        and {} more", self.problems_unlisted)?;
        }
        write!(f, "result         {}", if self.is_good() { "good" } else { "BAD" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean() -> Report {
        let media = Media { sent: 10, expected: 10, received: 10, ..Media::default() };
        Report { media, ..Report::default() }
    }

    #[test]
    fn a_run_without_faults_is_good() {
        assert!(clean().is_good());
    }

    #[test]
    fn any_fault_makes_a_run_bad() {
        let faults: [fn(&mut Report); 11] = [
            |report| report.media.lost = 1,
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
        }
    }

    #[test]
    fn loss_that_was_asked_for_is_forgiven_but_foreign_packets_are_not() {
        let mut report = clean();
        report.loss_asked_for = 0.02;
        report.media.lost = 5;
        assert!(report.is_good());
        report.media.foreign = 1;
        assert!(!report.is_good());
    }

    #[test]
    fn missing_subscriptions_are_a_problem() {
        let report =
            Report::new(Circumstances { subscriptions_expected: 2, ..Circumstances::default() }, &[]);
        assert!(!report.is_good());
    }

    #[test]
    fn cpu_is_divided_among_the_forwarded_packets() {
        let server = Server::new(Duration::from_secs(2), Duration::from_secs(10), 1_000_000);
        assert!((server.cpu_us_per_forwarded - 2.0).abs() < 1e-9);
        assert!((server.cpu_share - 0.2).abs() < 1e-9);
        assert!(Server::new(Duration::from_secs(2), Duration::from_secs(10), 0).cpu_us_per_forwarded == 0.0);
    }
}
