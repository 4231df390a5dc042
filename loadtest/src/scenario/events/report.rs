//! What the run found, server by server, and ours as a share of the stock one's.

use super::Requests;
use serde::Serialize;
use std::fmt;

/// Every server of one run.
#[derive(Clone, Debug, Default, Serialize)]
pub struct EventsReport {
    /// The stock server last, if it was asked for.
    pub servers: Vec<Findings>,
}

/// One server.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Findings {
    pub server: String,
    pub idle: usize,
    /// Resident memory of the server by connection that does nothing.
    pub bytes_per_connection: f64,
    pub joining: usize,
    pub joins_per_second: f64,
    /// One of `joining` sockets that join one room at once.
    pub cpu_ms_per_join: f64,
    pub large: Load,
    pub small: Load,
    pub requests: Vec<Requests>,
    pub problems: Vec<String>,
}

/// Rooms under load.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Load {
    pub rooms: usize,
    pub sent: u64,
    pub delivered: u64,
    pub per_second: f64,
    /// CPU time of the server by delivered event, user and system.
    pub cpu_us_each: f64,
}

impl Findings {
    pub(super) fn problem_unless(&mut self, good: bool, words: &str) {
        if !good {
            self.problems.push(words.to_owned());
        }
    }

    fn costs(&self) -> [(&'static str, f64); 4] {
        [
            ("bytes a connection", self.bytes_per_connection),
            ("ms a join", self.cpu_ms_per_join),
            ("us an event, large", self.large.cpu_us_each),
            ("us an event, small", self.small.cpu_us_each),
        ]
    }
}

impl EventsReport {
    /// Whether everything that was sent arrived.
    pub fn is_good(&self) -> bool {
        self.servers.iter().all(|server| server.problems.is_empty())
    }
}

impl fmt::Display for EventsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for server in &self.servers {
            writeln!(f, "{server}")?;
        }
        let Some((stock, ours)) = self.servers.split_last() else { return Ok(()) };
        for one in ours.iter().filter(|_| stock.requests.is_empty()) {
            write!(f, "{} / {}:", one.server, stock.server)?;
            for ((name, cost), (_, theirs)) in one.costs().into_iter().zip(stock.costs()) {
                write!(f, "  {name} {:.2}", cost / theirs.max(f64::MIN_POSITIVE))?;
            }
            writeln!(f)?;
        }
        write!(f, "result         {}", if self.is_good() { "good" } else { "BAD" })
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.server)?;
        writeln!(f, "  idle          {:.1} kB each of {}", self.bytes_per_connection / 1000.0, self.idle)?;
        writeln!(
            f,
            "  joining       {:.2} ms CPU each of {} at once, {:.0} a second",
            self.cpu_ms_per_join, self.joining, self.joins_per_second
        )?;
        for load in [&self.large, &self.small] {
            writeln!(
                f,
                "  {:4} room(s)  {:.2} us CPU each of {} deliveries, {:.0} a second",
                load.rooms, load.cpu_us_each, load.delivered, load.per_second
            )?;
        }
        for one in &self.requests {
            writeln!(
                f,
                "  {:12}  {:.0} a second  {}  {:.0} us CPU",
                one.what, one.per_second, one.took, one.cpu_us_each
            )?;
        }
        self.problems.iter().try_for_each(|problem| writeln!(f, "  problem       {problem}"))
    }
}
