//! The report as one page without anything from elsewhere, light and dark, wide and narrow.

use super::{
    Plane, Report, Spread, Thread,
    plot::{Chart, Line, chart, short},
};
use crate::{
    monitor::LAYERS,
    scenario::{Knee, Step},
    timeline::Sample,
};
use std::fmt::Write as _;

const STYLE: &str = include_str!("style.css");

/// One run.
pub fn run_page(report: &Report) -> String {
    let title = format!("{}: {} {}", report.scenario, short(report.load), report.load_unit);
    let verdict = if report.is_good() { ("holds", "good") } else { ("fails", "bad") };
    page(&title, verdict, &conditions(report), &run_parts(report))
}

/// A search for the limit: all steps, and the largest load that held as a run of its own.
pub fn knee_page(knee: &Knee) -> String {
    let title = format!("{}: where it breaks", knee.scenario);
    let verdict = if knee.is_good() { ("holds", "found") } else { ("fails", "not found") };
    let mut html = notes("The load generator may have been the limit", &knee.no_proof());
    let mut steps: Vec<&Step> = knee.steps.iter().collect();
    steps.sort_by_key(|step| step.load);
    html.push_str(&step_plots(knee, &steps));
    html.push_str(&step_table(knee, &steps));
    let best =
        steps.iter().filter(|step| Some(step.load) == knee.holds).find_map(|step| step.report.as_ref());
    if let Some(report) = best {
        let _ = write!(html, "<h2>At {} {}</h2>", short(report.load), report.load_unit);
        let _ = write!(html, "<p>{}</p>", escaped(&conditions(report)));
        html.push_str(&run_parts(report));
    }
    page(&title, verdict, &knee.words(), &html)
}

fn page(title: &str, (class, verdict): (&str, &str), lead: &str, body: &str) -> String {
    let mut html = String::from("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">");
    html.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    let _ = write!(html, "<title>Load test, {title}</title><style>{STYLE}</style>");
    let _ = write!(html, "<main><header><h1>{title}</h1><b class=\"{class}\">{verdict}</b></header>");
    let _ = writeln!(html, "<p>{}</p>{body}</main></html>", escaped(lead));
    html
}

fn conditions(report: &Report) -> String {
    let network = &report.network;
    let mut words = format!("{} bots, measured for {} s, seed {}.", report.bots, report.seconds, report.seed);
    if let Some(light) = &report.light {
        let _ = write!(
            words,
            " {} of them received lightly: packets are counted by their numbers, one in {} is opened.",
            light.bots, light.sample
        );
    }
    if *network != crate::network::Conditions::default() {
        let rate = network.rate_bps.map(|bps| format!(", {}bit/s", short(bps as f64)));
        let _ = write!(
            words,
            " Each bot's network, each way: {} % lost, {} to {} ms{}.",
            short(network.loss * 100.0),
            network.delay.as_millis(),
            (network.delay + network.jitter).as_millis(),
            rate.unwrap_or_default()
        );
    }
    words
}

fn run_parts(report: &Report) -> String {
    let mut html = notes("The load generator may have been the limit", &report.generator.no_proof);
    html.push_str(&tiles(report));
    html.push_str(&threshold_table(report));
    html.push_str(&notes("What went wrong", &report.problems));
    html.push_str(&plots(report));
    html.push_str("<div class=\"tables\">");
    html.push_str(&table("Milliseconds", &["", "p50", "p90", "p99", "p99.9", "max"], &durations(report)));
    html.push_str(&table("Packets", &["", ""], &packets(report)));
    html.push_str(&table("Layers", &["layer", "packets", "of packets", "of time"], &layer_rows(report)));
    html.push_str("</div>");
    html.push_str(&table(
        "Cost",
        &["", "CPU s", "cores", "in the kernel", "µs/packet", "packets/s of a core", "MB", "kB/person"],
        &cost(report),
    ));
    html.push_str(&threads(report));
    html
}

fn tiles(report: &Report) -> String {
    let media = &report.media;
    let loss = 100.0 * media.lost as f64 / media.expected.max(1) as f64;
    let mut tiles = vec![
        ("packets forwarded", short(media.received as f64), String::new()),
        ("lost", format!("{} %", short(loss)), format!("{} packets", media.lost)),
        (
            "delay p50",
            format!("{} ms", short(media.delay.p50_ms)),
            format!("p99 {} ms", short(media.delay.p99_ms)),
        ),
    ];
    let join =
        if report.join.first_media.count > 0 { &report.join.first_media } else { &report.join.entered };
    tiles.push(("join p50", format!("{} ms", short(join.p50_ms)), format!("p99 {} ms", short(join.p99_ms))));
    if let Some(chat) = &report.chat {
        let fan_out = &chat.fan_out;
        tiles.push((
            "chat p50",
            format!("{} ms", short(fan_out.p50_ms)),
            format!("{} heard a second", short(chat.heard_per_s)),
        ));
    }
    if let Some(server) = &report.server {
        tiles[0].2 = format!("{} a second", short(server.forwarded_per_s));
        tiles.push((
            "server CPU",
            format!("{} µs", short(server.cpu_us_per_forwarded)),
            "for each forwarded packet".into(),
        ));
        if let Some(sfu) = server.sfu {
            tiles.push(("a busy core forwards", short(sfu.packets_per_busy_core), "packets a second".into()));
        }
    }
    let mut html = String::from("<ul class=\"tiles\">");
    for (name, value, more) in tiles {
        let _ = write!(html, "<li><span>{name}</span><b>{value}</b><span>{more}</span></li>");
    }
    html.push_str("</ul>");
    html
}

fn threshold_table(report: &Report) -> String {
    let rows = report.thresholds.iter().map(|judged| {
        let (class, words) = if judged.held { ("holds", "holds") } else { ("fails", "broken") };
        vec![
            format!("--{}", judged.name),
            short(judged.limit),
            judged.value.map_or("not measured".into(), short),
            format!("<b class=\"{class}\">{words}</b>"),
        ]
    });
    table("Thresholds", &["", "limit", "measured", ""], &rows.collect::<Vec<_>>())
}

fn plots(report: &Report) -> String {
    let samples = &report.timeline;
    let over_time = |of: fn(&Sample) -> f64| samples.iter().map(|it| (it.at_s, of(it))).collect::<Vec<_>>();
    let line = |name, class, of| Line { name, class, points: over_time(of) };
    let draw = |title, is_stacked, lines| {
        let marked = Some((report.measured_from_s, report.measured_to_s));
        chart(&Chart { title, lines, is_stacked, axis: "s", marked })
    };
    let mut html = String::from("<div class=\"plots\">");
    html.push_str(&draw("People in", false, vec![line("people", "one", |it| f64::from(it.people as u32))]));
    html.push_str(&draw(
        "Packets a second",
        false,
        vec![
            line("to the server", "two", |it| it.packets_in_per_s),
            line("from it", "one", |it| it.packets_out_per_s),
        ],
    ));
    html.push_str(&draw(
        "Delay, ms",
        false,
        vec![line("p50", "one", |it| it.delay_p50_ms), line("p99", "two", |it| it.delay_p99_ms)],
    ));
    html.push_str(&draw("Lost, %", false, vec![line("lost", "four", |it| it.loss * 100.0)]));
    let server = report.server.as_ref();
    let (sfu, control) = (server.and_then(|it| it.sfu), server.and_then(|it| it.control));
    let mut cores = vec![line("bots", "three", |it| it.bots_cores)];
    cores.extend(sfu.map(|_| line("media", "one", |it| it.sfu_cores)));
    cores.extend(control.map(|_| line("control", "two", |it| it.control_cores)));
    html.push_str(&draw("Cores in use", false, cores));
    html.push_str(&worker_plot(report, draw));
    let mut memory = Vec::new();
    memory.extend(sfu.map(|_| line("media", "one", |it| it.sfu_mb)));
    memory.extend(control.map(|_| line("control", "two", |it| it.control_mb)));
    html.push_str(&draw("Memory, MB", false, memory));
    html.push_str(&layer_plot(report, draw));
    html.push_str("</div>");
    html
}

/// How busy each worker is; nothing where there is one alone.
fn worker_plot<'a>(report: &'a Report, draw: impl Fn(&'a str, bool, Vec<Line<'a>>) -> String) -> String {
    const CLASSES: [&str; 4] = ["one", "two", "three", "four"];
    let workers = report.timeline.iter().map(|it| it.worker_cores.len()).max().unwrap_or(0);
    if workers < 2 {
        return String::new();
    }
    let server = report.server.as_ref();
    let line = |(worker, thread): (usize, &'a Thread)| {
        let at = |it: &Sample| (it.at_s, it.worker_cores.get(worker).copied().unwrap_or(0.0));
        let points = report.timeline.iter().map(at).collect();
        Line { name: thread.name.as_str(), class: CLASSES[worker % CLASSES.len()], points }
    };
    let threads = server.into_iter().flat_map(|server| server.threads.iter().take(workers));
    draw("Workers, cores in use", false, threads.enumerate().map(line).collect())
}

/// Video subscriptions on each layer; nothing without several layers.
fn layer_plot<'a>(report: &'a Report, draw: impl Fn(&'a str, bool, Vec<Line<'a>>) -> String) -> String {
    const NAMES: [(&str, &str); LAYERS] = [("layer 0", "five"), ("1", "six"), ("2", "seven"), ("3", "eight")];
    if report.layers.is_empty() {
        return String::new();
    }
    let over_time = |of: &dyn Fn(&Sample) -> u32| {
        report.timeline.iter().map(|it| (it.at_s, f64::from(of(it)))).collect::<Vec<_>>()
    };
    let seen = report.layers.iter().map(|share| usize::from(share.layer));
    let mut lines: Vec<Line<'_>> = seen
        .filter_map(|layer| NAMES.get(layer).map(|(name, class)| (layer, *name, *class)))
        .map(|(layer, name, class)| Line { name, class, points: over_time(&|it| it.layers[layer]) })
        .collect();
    lines.push(Line { name: "nothing", class: "dark", points: over_time(&|it| it.dark) });
    // Light receivers do not know their layers.
    let title =
        if report.light.is_some() { "Pictures shown to whole clients" } else { "Pictures shown, by layer" };
    draw(title, true, lines)
}

fn durations(report: &Report) -> Vec<Vec<String>> {
    let row = |(name, spread): (&str, &Spread)| {
        let values = [spread.p50_ms, spread.p90_ms, spread.p99_ms, spread.p999_ms, spread.max_ms];
        std::iter::once(name.to_owned()).chain(values.map(short)).collect()
    };
    let join = &report.join;
    let mut all = vec![
        ("delay", &report.media.delay),
        ("join: set up", &join.entered),
        ("join: first media", &join.first_media),
        ("join: first video", &join.first_video),
    ];
    all.extend(report.chat.as_ref().map(|chat| ("chat fan-out", &chat.fan_out)));
    all.into_iter().filter(|(_, spread)| spread.count > 0).map(row).collect()
}

fn packets(report: &Report) -> Vec<Vec<String>> {
    let (media, transport) = (&report.media, &report.transport);
    let faults = media.foreign + media.damaged + media.duplicated;
    let breaks = media.time_breaks + media.picture_breaks + media.unclean_starts + media.unclean_switches;
    let all = [
        ("sent to the server", media.sent),
        ("received from it", media.received),
        ("lost", media.lost),
        ("left out by the server", media.left_out),
        ("duplicated, damaged, foreign", faults),
        ("breaks of timestamps, pictures, keyframes", breaks),
        ("subscriptions", media.subscriptions as u64),
        ("layer switches", media.layer_switches),
        ("NACKs of bots and of the server", transport.nacks_sent + transport.nacks_received),
        ("PLIs to bots", transport.plis_received),
    ];
    all.iter().map(|(name, count)| vec![(*name).to_owned(), count.to_string()]).collect()
}

fn percent(share: f64) -> String {
    format!("{} %", short((share * 1000.0).round() / 10.0))
}

fn layer_rows(report: &Report) -> Vec<Vec<String>> {
    let row = |share: &super::LayerShare| {
        vec![
            share.layer.to_string(),
            share.packets.to_string(),
            percent(share.share_of_packets),
            percent(share.share_of_time),
        ]
    };
    report.layers.iter().filter(|_| report.layers.len() > 1).map(row).collect()
}

fn cost(report: &Report) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let plane = |name: &str, plane: &Plane| {
        let values = [
            short(plane.cpu_seconds),
            short(plane.cpu_share),
            percent(plane.kernel_share),
            short(plane.cpu_us_per_forwarded),
            short(plane.packets_per_busy_core),
            short(plane.memory_max_mb),
            short(plane.memory_kb_per_person),
        ];
        std::iter::once(name.to_owned()).chain(values).collect()
    };
    if let Some(server) = &report.server {
        rows.extend(server.sfu.as_ref().map(|sfu| plane("media", sfu)));
        rows.extend(server.control.as_ref().map(|control| plane("control", control)));
    }
    let own = &report.generator;
    rows.push(vec![
        "bots".to_owned(),
        short(own.cpu_seconds),
        short(own.cpu_share),
        String::new(),
        short(own.cpu_us_per_received),
    ]);
    rows
}

/// Threads of the media node; what the node says of them only where it could be asked, what passes between them only
/// where there are several.
fn threads(report: &Report) -> String {
    let all = report.server.as_ref().map_or(&[][..], |server| &server.threads);
    let mut heads = vec!["", "CPU s", "cores", "in the kernel", "packets/s of a core", "sent"];
    if all.len() > 2 {
        heads.extend(["to others", "from others", "lost between"]);
    }
    let row = |thread: &Thread| {
        let mut cells = vec![
            thread.name.clone(),
            short(thread.cpu_seconds),
            short(thread.cpu_share),
            percent(thread.kernel_share),
            thread.packets_per_busy_core.map(short).unwrap_or_default(),
        ];
        if let Some(counters) = thread.counters {
            let counts = [counters.sent, counters.relayed, counters.relayed_received, counters.ring_drops];
            cells.extend(counts.map(|count| count.to_string()));
        }
        cells.truncate(heads.len());
        cells
    };
    table("Threads of the media node", &heads, &all.iter().map(row).collect::<Vec<_>>())
}

fn step_plots(knee: &Knee, steps: &[&Step]) -> String {
    let over_load = |of: fn(&Report) -> f64| {
        let with_report =
            steps.iter().filter_map(|step| step.report.as_ref().map(|it| (step.load as f64, of(it))));
        with_report.collect::<Vec<_>>()
    };
    let line = |name, class, of| Line { name, class, points: over_load(of) };
    let draw = |title, lines| {
        let marked = knee.holds.zip(knee.breaks).map(|(holds, breaks)| (holds as f64, breaks as f64));
        chart(&Chart { title, lines, is_stacked: false, axis: knee.load_unit, marked })
    };
    let mut html = String::from("<div class=\"plots\">");
    html.push_str(&draw(
        "Delay, ms",
        vec![line("p50", "one", |it| it.media.delay.p50_ms), line("p99", "two", |it| it.media.delay.p99_ms)],
    ));
    html.push_str(&draw(
        "Lost, %",
        vec![line("lost", "four", |it| 100.0 * it.media.lost as f64 / it.media.expected.max(1) as f64)],
    ));
    html.push_str("</div>");
    html
}

fn step_table(knee: &Knee, steps: &[&Step]) -> String {
    let of = |step: &Step, figure: fn(&Report) -> f64| {
        step.report.as_ref().map_or(String::new(), |report| short(figure(report)))
    };
    let row = |step: &&Step| {
        let class = if step.held() { "holds" } else { "fails" };
        vec![
            step.load.to_string(),
            of(step, |it| it.media.delay.p50_ms),
            of(step, |it| it.media.delay.p99_ms),
            of(step, |it| 100.0 * it.media.lost as f64 / it.media.expected.max(1) as f64),
            of(step, |it| it.server.as_ref().map_or(0.0, |server| server.cpu_us_per_forwarded)),
            of(step, |it| 100.0 * it.generator.machine_busy),
            format!("<span class=\"{class}\">{}</span>", escaped(&step.words())),
        ]
    };
    let heads = [knee.load_unit, "p50 ms", "p99 ms", "lost %", "µs/packet", "machine busy %", ""];
    table("Steps", &heads, &steps.iter().map(row).collect::<Vec<_>>())
}

/// Nothing when there are no rows. Cells are HTML.
fn table(title: &str, heads: &[&str], rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut html = format!("<section><h3>{title}</h3><div class=\"wide\"><table><thead><tr>");
    heads.iter().for_each(|head| html.push_str(&format!("<th>{head}")));
    html.push_str("</thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        row.iter().for_each(|cell| html.push_str(&format!("<td>{cell}")));
    }
    html.push_str("</tbody></table></div></section>");
    html
}

fn notes(title: &str, words: &[String]) -> String {
    if words.is_empty() {
        return String::new();
    }
    let items: String = words.iter().map(|word| format!("<li>{}</li>", escaped(word))).collect();
    format!("<section class=\"notes\"><h3>{title}</h3><ul>{items}</ul></section>")
}

/// Words of servers are not ours to trust.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Judged, LayerShare, Server};

    fn report() -> Report {
        let layers = [2, 0, 1, 0];
        let sample =
            |at_s| Sample { at_s, people: 3, layers, worker_cores: vec![0.1, 0.2], ..Sample::default() };
        let thread = |name: &str| Thread { name: name.into(), ..Thread::default() };
        let server = Server {
            sfu: Some(Plane { packets_per_busy_core: 250_000.0, ..Plane::default() }),
            threads: ["worker-0", "worker-1", "others"].map(thread).into(),
            ..Server::default()
        };
        Report {
            scenario: "meeting",
            load: 3.0,
            load_unit: "people",
            layers: vec![LayerShare::default(), LayerShare { layer: 2, ..LayerShare::default() }],
            server: Some(server),
            thresholds: vec![Judged { name: "max-loss", limit: 0.1, value: None, held: false }],
            problems: vec!["refused: <script>".into()],
            timeline: vec![sample(1.0), sample(2.0)],
            ..Report::default()
        }
    }

    #[test]
    fn a_page_stands_alone_and_shows_everything() {
        let html = run_page(&report());
        for elsewhere in ["http:", "https:", "src=", "url(", "@import", "<script"] {
            assert!(!html.contains(elsewhere), "{elsewhere}");
        }
        for words in ["meeting: 3 people", "250k", "--max-loss", "refused: &lt;script&gt;", "Pictures shown"]
        {
            assert!(html.contains(words), "{words}");
        }
        for words in ["worker-1", "Workers, cores in use", "lost between"] {
            assert!(html.contains(words), "{words}");
        }
        assert_eq!(html.matches("<svg").count(), 8);
        assert!(html.contains(">bad</b>"));
    }

    #[test]
    fn a_search_shows_its_steps_and_the_largest_that_held() {
        let step = |load, broke: &[&str]| Step {
            load,
            broke: broke.iter().map(|word| (*word).to_owned()).collect(),
            no_proof: Vec::new(),
            report: Some(Report { load: load as f64, ..report() }),
        };
        let knee = Knee {
            scenario: "meeting",
            load_unit: "people",
            holds: Some(8),
            breaks: Some(9),
            steps: vec![step(8, &[]), step(16, &["--max-p99-ms 50: 80"]), step(9, &["9 lost packets"])],
        };
        let html = knee_page(&knee);
        assert!(html.contains("8 people hold, 9 do not"), "{html}");
        assert!(html.contains("<h2>At 8 people</h2>"));
        assert!(html.contains("breaks: 9 lost packets"));
        assert!(html.contains("0 bots, measured for 0 s"), "how it was found");
    }
}
