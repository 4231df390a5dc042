//! The figures that must hold, one row each: what was measured, what it must be, and whether it is.

use serde_json::{Map, Value, json};
use std::fmt;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Figure {
    CostOverLimit,
    CostOverSingleVideo,
    CostOverSingleAudio,
    Allocations,
    TimeInsideMedian,
    TimeInsideP99,
    MemoryIdle,
    MemoryReceiving,
    IdleCpu,
    JoinMedian,
    JoinP99,
    GarbageDelay,
    GarbageMemory,
}

/// What is said of a figure whatever it is.
struct Target {
    key: &'static str,
    name: &'static str,
    /// At most.
    target: f64,
    unit: &'static str,
}

impl Figure {
    pub const ALL: [Self; 13] = [
        Self::CostOverLimit,
        Self::CostOverSingleVideo,
        Self::CostOverSingleAudio,
        Self::Allocations,
        Self::TimeInsideMedian,
        Self::TimeInsideP99,
        Self::MemoryIdle,
        Self::MemoryReceiving,
        Self::IdleCpu,
        Self::JoinMedian,
        Self::JoinP99,
        Self::GarbageDelay,
        Self::GarbageMemory,
    ];

    fn target(self) -> Target {
        let is = |key, name, target, unit| Target { key, name, target, unit };
        match self {
            Self::CostOverLimit => is("cost_over_limit", "CPU per forwarded packet ÷ egress limit", 1.5, "×"),
            Self::CostOverSingleVideo => {
                is("cost_over_single_video", "CPU per packet ÷ one sendto a packet, video", 0.5, "×")
            }
            Self::CostOverSingleAudio => {
                is("cost_over_single_audio", "CPU per packet ÷ one sendto a packet, sound alone", 0.9, "×")
            }
            Self::Allocations => is("allocations_per_packet", "allocations per forwarded packet", 0.0, ""),
            Self::TimeInsideMedian => {
                // 0.2 ms, and the millisecond that a packet may wait for the rest of its frame.
                is("time_inside_p50", "time inside at 70 % of a core, median", 1.2, "ms")
            }
            Self::TimeInsideP99 => is("time_inside_p99", "time inside at 70 % of a core, p99", 2.0, "ms"),
            Self::MemoryIdle => is("memory_idle_peer", "memory of an idle peer", 64.0, "kB"),
            Self::MemoryReceiving => {
                is("memory_receiving_peer", "memory of a peer that receives 1.5 Mbit/s", 128.0, "kB")
            }
            Self::IdleCpu => is("idle_cpu_per_peer", "CPU of an idle peer", 20.0, "µs/s"),
            Self::JoinMedian => is("join_p50", "join to first frame, median", 300.0, "ms"),
            Self::JoinP99 => is("join_p99", "join to first frame, p99", 1000.0, "ms"),
            Self::GarbageDelay => {
                is("garbage_delay_p99", "p99 delay added by 200,000 garbage packets/s", 1.0, "ms")
            }
            Self::GarbageMemory => {
                is("garbage_memory", "memory taken by 200,000 garbage packets/s", 1024.0, "kB")
            }
        }
    }

    /// Its key in `bench.json`, by which it can be asked for.
    pub fn key(self) -> &'static str {
        self.target().key
    }
}

/// A measured figure.
#[derive(Clone, Debug, PartialEq)]
struct Row {
    value: Option<f64>,
    /// Why it does not count whatever its value is.
    doubt: Option<String>,
    detail: String,
}

/// All rows: those not measured say why, and do not hold.
#[derive(Clone, Debug)]
pub struct Table {
    rows: Vec<(Figure, Row)>,
}

impl Default for Table {
    fn default() -> Self {
        let not_asked_for = Row { value: None, doubt: None, detail: "not asked for".into() };
        Self { rows: Figure::ALL.map(|figure| (figure, not_asked_for.clone())).into() }
    }
}

impl Table {
    pub fn measured(&mut self, figure: Figure, value: f64, detail: String) {
        self.set(figure, Row { value: Some(value), doubt: None, detail });
    }

    /// Measured, but not under the conditions that the target asks for.
    pub fn measured_otherwise(&mut self, figure: Figure, value: f64, doubt: String, detail: String) {
        self.set(figure, Row { value: Some(value), doubt: Some(doubt), detail });
    }

    /// Measured, under whatever conditions `doubts` say were others than asked for; none of them: as asked for.
    pub fn told(
        &mut self,
        figure: Figure,
        value: f64,
        doubts: impl IntoIterator<Item = Option<String>>,
        detail: String,
    ) {
        let doubts: Vec<String> = doubts.into_iter().flatten().collect();
        if doubts.is_empty() {
            return self.measured(figure, value, detail);
        }
        self.measured_otherwise(figure, value, doubts.join("; "), detail);
    }

    pub fn not_measured(&mut self, figure: Figure, reason: String) {
        self.set(figure, Row { value: None, doubt: None, detail: reason });
    }

    fn set(&mut self, figure: Figure, row: Row) {
        if let Some((_, place)) = self.rows.iter_mut().find(|(known, _)| *known == figure) {
            *place = row;
        }
    }

    pub fn value(&self, figure: Figure) -> Option<f64> {
        self.rows.iter().find(|(known, _)| *known == figure).and_then(|(_, row)| row.value)
    }

    pub fn holds(&self, figure: Figure) -> bool {
        let row = self.rows.iter().find(|(known, _)| *known == figure).map(|(_, row)| row);
        row.is_some_and(|row| row.doubt.is_none() && row.value.is_some_and(|it| it <= figure.target().target))
    }

    /// All of these hold.
    pub fn all_hold(&self, figures: &[Figure]) -> bool {
        figures.iter().all(|figure| self.holds(*figure))
    }

    /// One key for each figure.
    pub fn json(&self) -> Map<String, Value> {
        let row = |(figure, row): &(Figure, Row)| {
            let Target { key, name, target, unit } = figure.target();
            let value = json!({
                "name": name, "value": row.value, "target": target, "unit": unit,
                "holds": self.holds(*figure), "detail": row.told(),
            });
            (key.to_owned(), value)
        };
        self.rows.iter().map(row).collect()
    }

    /// A table of Markdown.
    pub fn markdown(&self) -> String {
        let mut text = String::from("| figure | target | measured | holds | how |\n|---|---|---|---|---|\n");
        for (figure, row) in &self.rows {
            let Target { name, target, unit, .. } = figure.target();
            let value = row.value.map_or("—".to_owned(), |value| format!("**{value:.3}** {unit}"));
            let holds = if self.holds(*figure) { "yes" } else { "no" };
            text += &format!("| {name} | ≤ {target} {unit} | {value} | {holds} | {} |\n", row.told());
        }
        text
    }
}

impl Row {
    fn told(&self) -> String {
        match &self.doubt {
            Some(doubt) => format!("{doubt}; {}", self.detail),
            None => self.detail.clone(),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (figure, row) in &self.rows {
            let Target { name, target, unit, .. } = figure.target();
            let mark = if self.holds(*figure) { "holds" } else { "-" };
            let value = row.value.map_or("not measured".to_owned(), |value| format!("{value:.3} {unit}"));
            writeln!(f, "{mark:5}  {name:58}  {value:>16}  (at most {target} {unit})")?;
            writeln!(f, "       {}", row.told())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_holds_when_it_was_measured_as_asked_and_is_small_enough() {
        let mut table = Table::default();
        assert!(!table.holds(Figure::Allocations), "not measured");
        table.measured(Figure::Allocations, 0.0, String::new());
        table.measured(Figure::CostOverLimit, 1.6, String::new());
        table.measured_otherwise(Figure::IdleCpu, 1.0, "three peers".into(), "seen".into());
        assert!(table.holds(Figure::Allocations) && !table.all_hold(&Figure::ALL));
        assert!(!table.holds(Figure::CostOverLimit) && !table.holds(Figure::IdleCpu));
        assert_eq!(table.json()["idle_cpu_per_peer"]["detail"], "three peers; seen");
    }

    #[test]
    fn there_is_one_key_for_each_figure() {
        let json = Table::default().json();
        assert_eq!(json.len(), Figure::ALL.len());
        assert!(Figure::ALL.iter().all(|it| json[it.key()]["holds"] == false));
    }
}
