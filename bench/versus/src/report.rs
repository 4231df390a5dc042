//! What was found: a table for people (Markdown), everything as JSON.

use crate::{load::Load, round::Round, server::Contender, settings::Settings};
use serde::Serialize;
use std::{fmt, process::Command};

/// See the module.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Cores and kernel.
    pub machine: String,
    pub revision: String,
    pub command: String,
    /// How each server was set up, in its own words and ours.
    pub servers: Vec<String>,
    pub table: Vec<Row>,
    pub goals: Vec<Goal>,
    pub rounds: Vec<Round>,
}

/// The means of all rounds of one server under one load.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    pub load: Load,
    pub server: Contender,
    pub cpu_us_per_packet: f64,
    /// Between the cheapest and the dearest round.
    pub cpu_us_spread: f64,
    pub delay_p50_ms: f64,
    pub delay_p99_ms: f64,
    pub kb_per_viewer: f64,
    pub packets_per_s: f64,
    /// Of the packets that were to come.
    pub missing_share: f64,
    /// Packets that were opened and not as sealed, in all rounds.
    pub unauthentic: u64,
}

/// One aim of ours under one load.
#[derive(Clone, Debug, Serialize)]
pub struct Goal {
    pub load: Load,
    pub what: &'static str,
    pub value: f64,
    pub at_most: f64,
    pub holds: bool,
    /// Why it does not hold whatever its value is: one of both did not deliver the load.
    pub doubt: Option<String>,
}

/// Our cost and delay in relation to mediasoup's, and kB for each viewer.
const COST: f64 = 0.35;
const DELAY: f64 = 0.5;
const KILOBYTES: f64 = 128.0;
/// Share of missing packets that is still the whole load.
const MISSING: f64 = 0.005;
/// Share of another's packets that is still the same load.
const DELIVERED: f64 = 0.95;

impl Report {
    pub fn new(settings: &Settings, rounds: Vec<Round>) -> Self {
        let mut servers: Vec<String> = Vec::new();
        for round in &rounds {
            if !servers.contains(&round.description) {
                servers.push(round.description.clone());
            }
        }
        let table = rows(&settings.loads, &rounds);
        let goals = goals(&settings.loads, &table);
        let command = std::env::args().collect::<Vec<_>>().join(" ");
        Self { machine: machine(), revision: revision(), command, servers, table, goals, rounds }
    }
}

fn rows(loads: &[Load], rounds: &[Round]) -> Vec<Row> {
    let everybody = [Contender::Plenum, Contender::Mediasoup, Contender::Janus];
    let pairs = loads.iter().flat_map(|load| everybody.map(|server| (*load, server)));
    pairs.filter_map(|(load, server)| row(load, server, rounds)).collect()
}

fn row(load: Load, server: Contender, rounds: &[Round]) -> Option<Row> {
    let own: Vec<&Round> = rounds.iter().filter(|it| it.load == load && it.server == server).collect();
    let mean = |of: fn(&Round) -> f64| own.iter().map(|it| of(it)).sum::<f64>() / own.len() as f64;
    let costs = || own.iter().map(|it| it.cpu_us_per_packet);
    let cheapest = costs().reduce(f64::min)?;
    Some(Row {
        load,
        server,
        cpu_us_per_packet: mean(|it| it.cpu_us_per_packet),
        cpu_us_spread: costs().fold(cheapest, f64::max) - cheapest,
        delay_p50_ms: mean(|it| it.delay_p50_ms),
        delay_p99_ms: mean(|it| it.delay_p99_ms),
        kb_per_viewer: mean(|it| it.kb_per_viewer),
        packets_per_s: mean(|it| it.packets as f64 / it.seconds),
        missing_share: mean(|it| it.missing as f64 / (it.packets + it.missing).max(1) as f64),
        unauthentic: own.iter().map(|it| it.unauthentic).sum(),
    })
}

impl Row {
    /// Why its figures are of another load.
    fn doubt(&self) -> Option<String> {
        let Self { server, missing_share, unauthentic, .. } = self;
        if *unauthentic > 0 {
            return Some(format!("{unauthentic} packets of {server} were not as sealed"));
        }
        let is_missing = *missing_share > MISSING;
        is_missing.then(|| format!("{:.1} % of {server}'s packets are missing", missing_share * 100.0))
    }

    /// As [`Row::doubt`] of both; what never left a server is not missing, so they must have brought as much.
    fn doubt_beside(&self, other: &Self) -> Option<String> {
        let (few, many) =
            (self.packets_per_s.min(other.packets_per_s), self.packets_per_s.max(other.packets_per_s));
        let differ = || {
            let (ours, theirs) = (self.packets_per_s, other.packets_per_s);
            (few < DELIVERED * many).then(|| format!("{ours:.0} packets/s beside {theirs:.0}"))
        };
        self.doubt().or_else(|| other.doubt()).or_else(differ)
    }
}

/// Without mediasoup in the same sitting there is nothing to relate cost and delay to.
fn goals(loads: &[Load], table: &[Row]) -> Vec<Goal> {
    let find = |load: Load, server| table.iter().find(|it| it.load == load && it.server == server);
    let goal = |load, what, value: f64, at_most, doubt: Option<String>| Goal {
        load,
        what,
        value,
        at_most,
        holds: doubt.is_none() && value <= at_most,
        doubt,
    };
    let mut goals = Vec::new();
    for load in loads {
        let Some(ours) = find(*load, Contender::Plenum) else { continue };
        if let Some(theirs) = find(*load, Contender::Mediasoup) {
            let doubt = ours.doubt_beside(theirs);
            let cost = ours.cpu_us_per_packet / theirs.cpu_us_per_packet;
            goals.push(goal(*load, "CPU per packet over mediasoup's", cost, COST, doubt.clone()));
            let delay = ours.delay_p50_ms / theirs.delay_p50_ms;
            goals.push(goal(*load, "p50 delay over mediasoup's", delay, DELAY, doubt));
        }
        goals.push(goal(*load, "kB per viewer", ours.kb_per_viewer, KILOBYTES, ours.doubt()));
    }
    goals
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Machine: {}. Revision `{}`.\n", self.machine, self.revision)?;
        writeln!(f, "```sh\n{}\n```\n", self.command)?;
        for server in &self.servers {
            writeln!(f, "- {server}")?;
        }
        writeln!(
            f,
            "\n| load | server | CPU, µs a packet | p50 / p99 delay, ms | kB a viewer | packets/s | missing | not as sealed |"
        )?;
        writeln!(f, "|---|---|---|---|---|---|---|---|")?;
        for row in &self.table {
            writeln!(
                f,
                "| {} | {} | {:.2} ± {:.2} | {:.2} / {:.2} | {:.0} | {:.0} | {:.3} % | {} |",
                row.load,
                row.server,
                row.cpu_us_per_packet,
                row.cpu_us_spread / 2.0,
                row.delay_p50_ms,
                row.delay_p99_ms,
                row.kb_per_viewer,
                row.packets_per_s,
                row.missing_share * 100.0,
                row.unauthentic
            )?;
        }
        writeln!(f, "\n| load | aim | value | at most | holds |\n|---|---|---|---|---|")?;
        for Goal { load, what, value, at_most, holds, doubt } in &self.goals {
            let doubt = doubt.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
            let holds = if *holds { "yes".to_owned() } else { format!("**no**{doubt}") };
            writeln!(f, "| {load} | {what} | {value:.2} | {at_most} | {holds} |")?;
        }
        Ok(())
    }
}

fn machine() -> String {
    let cores = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let cores = cores.lines().filter(|line| line.starts_with("cpu")).count().saturating_sub(1);
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{cores} × {}, Linux {}", model.trim_start_matches([' ', '\t', ':']), kernel.trim())
}

/// Empty outside of a checkout.
fn revision() -> String {
    let described = Command::new("git").args(["describe", "--always", "--dirty", "--abbrev=12"]).output();
    let output = described.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOAD: Load = Load { speakers: 1, viewers: 50 };

    fn round(server: Contender, cpu_us_per_packet: f64, delay_p50_ms: f64, kb_per_viewer: f64) -> Round {
        Round {
            server,
            description: server.to_string(),
            load: LOAD,
            seconds: 2.0,
            packets: 999,
            missing: 1,
            other_packets: 0,
            unauthentic: 0,
            cpu_us_per_packet,
            cores: 0.1,
            delay_p50_ms,
            delay_p99_ms: 9.0,
            kb_per_viewer,
            kernel_share: 0.9,
            load_cores: 0.1,
        }
    }

    #[test]
    fn rounds_of_a_server_are_averaged_and_aims_judged_in_relation() {
        let rounds = [
            round(Contender::Plenum, 2.0, 1.0, 90.0),
            round(Contender::Plenum, 4.0, 2.0, 110.0),
            round(Contender::Mediasoup, 10.0, 2.0, 200.0),
        ];
        let table = rows(&[LOAD], &rounds);
        assert_eq!(table.len(), 2, "Janus was not there");
        let ours = &table[0];
        assert_eq!((ours.cpu_us_per_packet, ours.cpu_us_spread, ours.delay_p50_ms), (3.0, 2.0, 1.5));
        assert_eq!((ours.packets_per_s, ours.missing_share), (499.5, 0.001));
        let holds: Vec<_> = goals(&[LOAD], &table).iter().map(|goal| (goal.value, goal.holds)).collect();
        assert_eq!(holds, [(0.3, true), (0.75, false), (100.0, true)]);
    }

    #[test]
    fn an_aim_does_not_hold_when_a_load_was_not_delivered() {
        let ours = || round(Contender::Plenum, 1.0, 0.5, 90.0);
        let theirs = || round(Contender::Mediasoup, 10.0, 2.0, 200.0);
        let holds = |rounds: [Round; 2]| {
            let goals = goals(&[LOAD], &rows(&[LOAD], &rounds));
            goals.iter().map(|goal| goal.holds).collect::<Vec<_>>()
        };
        assert_eq!(holds([ours(), theirs()]), [true, true, true]);
        assert_eq!(holds([Round { missing: 100, ..ours() }, theirs()]), [false, false, false]);
        assert_eq!(holds([Round { unauthentic: 1, ..ours() }, theirs()]), [false, false, false]);
        assert_eq!(holds([ours(), Round { missing: 100, ..theirs() }]), [false, false, true]);
        assert_eq!(holds([Round { packets: 500, ..ours() }, theirs()]), [false, false, true], "half of it");
    }

    #[test]
    fn alone_there_is_nothing_to_relate_to() {
        let table = rows(&[LOAD], &[round(Contender::Plenum, 2.0, 1.0, 90.0)]);
        assert_eq!(goals(&[LOAD], &table).len(), 1);
    }
}
