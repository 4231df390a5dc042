//! What `bench.json` and `versus.json` say, as bars in SVG for a document: light and dark by the reader's choice.

mod bars;

use bars::{Bar, Bars};
use serde_json::Value;

/// A picture and the name of its file.
pub type Plot = (&'static str, String);

/// Of the whole path: what a packet costs and how long it takes, load by load. Empty where the figures are not there.
pub fn of_path(json: &Value) -> Vec<Plot> {
    let loads = list(&json["loads"]);
    let costs = Bars {
        title: "CPU time of a forwarded packet",
        unit: "µs",
        parts: &[],
        mark: Some("egress limit of the same run"),
        bars: loads.iter().filter_map(cost).collect(),
    };
    let delays = Bars {
        title: "From the speaker's send to the viewer's socket",
        unit: "ms",
        parts: &["median of video", "p99"],
        mark: None,
        bars: loads.iter().filter_map(delay).collect(),
    };
    drawn([("cost.svg", costs), ("delay.svg", delays)])
}

/// Of the comparison with other servers: cost and median delay, load by load.
pub fn of_versus(json: &Value) -> Vec<Plot> {
    let rows = list(&json["table"]);
    let of = |title, unit, key: &str| Bars {
        title,
        unit,
        parts: &[],
        mark: None,
        bars: rows.iter().filter_map(|row| contender(row, key)).collect(),
    };
    drawn([
        ("versus-cost.svg", of("CPU time of the server for a forwarded packet", "µs", "cpu_us_per_packet")),
        ("versus-delay.svg", of("Median delay", "ms", "delay_p50_ms")),
        ("versus-memory.svg", of("Memory of the server for each viewer", "kB", "kb_per_viewer")),
    ])
}

fn drawn<const N: usize>(plots: [(&'static str, Bars<'_>); N]) -> Vec<Plot> {
    plots
        .into_iter()
        .filter(|(_, bars)| !bars.bars.is_empty())
        .map(|(name, bars)| (name, bars.svg()))
        .collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn label(load: &Value) -> Option<String> {
    Some(format!("{} to {}", load["what"].as_str()?, load["people"].as_u64()?))
}

/// Of what is forwarded alone: beside garbage a packet has no cost of its own.
fn cost(load: &Value) -> Option<Bar> {
    if load["what"].as_str()?.contains("garbage") {
        return None;
    }
    let mark = load["limit_ns"].as_f64().map(|ns| ns / 1e3);
    Some(Bar { label: label(load)?, parts: vec![load["cost_ns"].as_f64()? / 1e3], mark })
}

fn delay(load: &Value) -> Option<Bar> {
    let (median, p99) = (load["delay_video"]["p50_ms"].as_f64()?, load["delay_video"]["p99_ms"].as_f64()?);
    let has_video = load["delay_video"]["count"].as_u64()? > 0;
    has_video.then_some(Bar { label: label(load)?, parts: vec![median, p99 - median], mark: None })
}

fn contender(row: &Value, key: &str) -> Option<Bar> {
    let load = &row["load"];
    let (speakers, viewers) = (load["speakers"].as_u64()?, load["viewers"].as_u64()?);
    let label = format!("{} × {}, {}", speakers, viewers, row["server"].as_str()?);
    Some(Bar { label, parts: vec![row[key].as_f64()?], mark: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_load_is_a_bar_with_the_limit_across_it() {
        let load = json!({ "what": "video", "people": 20, "cost_ns": 3000, "limit_ns": 2000,
            "delay_video": { "count": 9, "p50_ms": 0.25, "p99_ms": 1.5 } });
        let plots = of_path(&json!({ "loads": [load] }));
        let names: Vec<_> = plots.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["cost.svg", "delay.svg"]);
        let [(_, cost), (_, delay)] = &plots[..] else { panic!("two plots") };
        for text in ["video to 20", ">3.00<", "egress limit"] {
            assert!(cost.contains(text), "{text}\n{cost}");
        }
        assert!(delay.contains("0.25 / 1.50"), "{delay}");
    }

    #[test]
    fn without_figures_there_is_no_picture() {
        assert!(of_path(&json!({ "loads": [{ "what": "video", "people": 20 }] })).is_empty());
        assert!(of_versus(&json!({})).is_empty());
    }

    #[test]
    fn each_server_has_its_bar_under_each_load() {
        let row = |server: &str| {
            json!({ "load": { "speakers": 4, "viewers": 40 }, "server": server,
            "cpu_us_per_packet": 2.5, "delay_p50_ms": 1.0, "kb_per_viewer": 90.0 })
        };
        let plots = of_versus(&json!({ "table": [row("plenum"), row("a<b")] }));
        assert_eq!(plots.len(), 3);
        let (_, cost) = &plots[0];
        assert!(cost.contains("4 × 40, plenum") && cost.contains("a&lt;b"), "{cost}");
    }
}
