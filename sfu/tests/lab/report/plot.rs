//! One run of one viewer as an SVG: rates, layer, loss and delay above one axis of time. Colours are variables of the page.

use std::fmt::Write as _;

use crate::record::{Record, Sample};

const LEFT: f64 = 62.0;
const RIGHT: f64 = 948.0;
const WIDTH: f64 = 960.0;
const GAP: f64 = 30.0;

/// A part of the plot with a scale of its own.
struct Panel {
    top: f64,
    height: f64,
    most: f64,
    seconds: f64,
}

impl Panel {
    fn x(&self, at: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * at / self.seconds
    }

    fn y(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - (value / self.most).clamp(0.0, 1.0))
    }

    fn bottom(&self) -> f64 {
        self.top + self.height
    }
}

pub fn plot(record: &Record) -> String {
    let samples = &record.samples;
    let seconds = samples.last().map_or(1.0, |sample| sample.at);
    let most_rate = rate_scale(samples);
    let rates = Panel { top: 22.0, height: 190.0, most: most_rate, seconds };
    let layers = below(&rates, 48.0, 2.6);
    let loss = below(&layers, 48.0, loss_scale(samples));
    let delay =
        below(&loss, 80.0, nice(samples.iter().filter_map(|s| s.delay).fold(100.0, f64::max).min(2000.0)));
    let height = delay.bottom() + 28.0;
    let mut svg = format!(r#"<svg viewBox="0 0 {WIDTH} {height}" role="img">"#);
    freezes(&mut svg, record, &[&rates, &layers, &loss, &delay]);
    frame(&mut svg, &rates, "kbit/s", 4);
    area(&mut svg, &rates, samples, "link", |s| s.link.map(|link| link.min(most_rate)));
    line(&mut svg, &rates, samples, "offered", |s| s.offered);
    line(&mut svg, &rates, &smooth(samples), "sent", |s| Some(s.sent));
    line(&mut svg, &rates, samples, "estimate", |s| s.estimate);
    frame(&mut svg, &layers, "layer", 0);
    for layer in 0..3 {
        let y = layers.y(f64::from(layer));
        let _ = write!(
            svg,
            r#"<text class="tick" x="{}" y="{}" text-anchor="end">{layer}</text>"#,
            LEFT - 6.0,
            y + 4.0
        );
        let _ = write!(svg, r#"<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y}" y2="{y}"/>"#);
    }
    steps(&mut svg, &layers, samples);
    frame(&mut svg, &loss, "loss %", 1);
    bars(&mut svg, &loss, samples);
    frame(&mut svg, &delay, "delay ms", 2);
    line(&mut svg, &delay, samples, "delay", |s| s.delay);
    time_axis(&mut svg, &delay);
    svg.push_str("</svg>");
    svg
}

fn below(above: &Panel, height: f64, most: f64) -> Panel {
    Panel { top: above.bottom() + GAP, height, most, seconds: above.seconds }
}

/// The largest rate that matters: an estimate may be far above, and so may peaks; both are cut.
fn rate_scale(samples: &[Sample]) -> f64 {
    let link = samples.iter().filter_map(|sample| sample.link).fold(0.0, f64::max);
    let sent = smooth(samples).iter().map(|sample| sample.sent).fold(0.0, f64::max);
    let offered = samples.iter().filter_map(|sample| sample.offered).fold(0.0, f64::max);
    nice(link.max(offered).max(sent.min(link.max(offered) * 1.5)) * 1.1)
}

fn loss_scale(samples: &[Sample]) -> f64 {
    nice(samples.iter().map(percent_lost).fold(10.0, f64::max)).min(100.0)
}

fn percent_lost(sample: &Sample) -> f64 {
    100.0 * sample.lost as f64 / sample.packets.max(1) as f64
}

/// The next value that makes round steps.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 1.6, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0]
        .map(|step| step * power)
        .into_iter()
        .find(|&step| step >= value)
        .unwrap_or(value)
}

/// What was sent, over half a second around each sample: single frames are no rate.
fn smooth(samples: &[Sample]) -> Vec<Sample> {
    let around = |index: usize| &samples[index.saturating_sub(2)..(index + 3).min(samples.len())];
    let mean = |near: &[Sample]| near.iter().map(|sample| sample.sent).sum::<f64>() / near.len() as f64;
    (0..samples.len()).map(|index| Sample { sent: mean(around(index)), ..samples[index].clone() }).collect()
}

fn frame(svg: &mut String, panel: &Panel, title: &str, lines: u32) {
    let _ = write!(svg, r#"<text class="name" x="{LEFT}" y="{}">{title}</text>"#, panel.top - 7.0);
    for step in 0..=lines {
        let value = panel.most * f64::from(step) / f64::from(lines.max(1));
        let y = panel.y(value);
        let _ = write!(svg, r#"<line class="grid" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1}" y2="{y:.1}"/>"#);
        if lines > 0 {
            let text = format!(
                r#"<text class="tick" x="{}" y="{:.1}" text-anchor="end">{value}</text>"#,
                LEFT - 6.0,
                y + 4.0
            );
            svg.push_str(&text);
        }
    }
}

fn time_axis(svg: &mut String, panel: &Panel) {
    let step = if panel.seconds > 45.0 { 10 } else { 5 };
    for second in (0..=panel.seconds as u32).step_by(step) {
        let x = panel.x(f64::from(second));
        let y = panel.bottom() + 17.0;
        let _ =
            write!(svg, r#"<text class="tick" x="{x:.1}" y="{y:.1}" text-anchor="middle">{second} s</text>"#);
    }
}

fn points(panel: &Panel, samples: &[Sample], of: impl Fn(&Sample) -> Option<f64>) -> Vec<Vec<(f64, f64)>> {
    let mut pieces = vec![Vec::new()];
    for sample in samples {
        match (of(sample), pieces.last_mut()) {
            (Some(value), Some(piece)) => piece.push((panel.x(sample.at), panel.y(value))),
            _ => pieces.push(Vec::new()),
        }
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

fn line(
    svg: &mut String,
    panel: &Panel,
    samples: &[Sample],
    class: &str,
    of: impl Fn(&Sample) -> Option<f64>,
) {
    for piece in points(panel, samples, of) {
        let path: Vec<_> = piece.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = write!(svg, r#"<polyline class="{class}" points="{}"/>"#, path.join(" "));
    }
}

/// The same with everything below filled.
fn area(
    svg: &mut String,
    panel: &Panel,
    samples: &[Sample],
    class: &str,
    of: impl Fn(&Sample) -> Option<f64>,
) {
    for piece in points(panel, samples, of) {
        let (Some((from, _)), Some((to, _))) = (piece.first(), piece.last()) else { continue };
        let path: Vec<_> = piece.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let (floor, path) = (panel.bottom(), path.join(" "));
        let _ =
            write!(svg, r#"<polygon class="{class}" points="{from:.1},{floor} {path} {to:.1},{floor}"/>"#);
        let _ = write!(svg, r#"<polyline class="{class}-edge" points="{path}"/>"#);
    }
}

/// The layers of all pictures, each a little beside the others.
fn steps(svg: &mut String, panel: &Panel, samples: &[Sample]) {
    let pictures = samples.first().map_or(0, |sample| sample.layers.len());
    for picture in 0..pictures {
        let aside = picture as f64 * 0.07;
        let given = |sample: &Sample| sample.layers.get(picture).copied().flatten();
        let mut path = Vec::new();
        let mut before = None;
        for sample in samples {
            let value = given(sample).map(|layer| f64::from(layer) + aside);
            if let (Some(before), Some(value)) = (before, value)
                && before != value
            {
                path.push((panel.x(sample.at), panel.y(before)));
            }
            match value {
                Some(value) => path.push((panel.x(sample.at), panel.y(value))),
                None => stroke(svg, &mut path),
            }
            before = value;
        }
        stroke(svg, &mut path);
    }
}

fn stroke(svg: &mut String, path: &mut Vec<(f64, f64)>) {
    if !path.is_empty() {
        let points: Vec<_> = path.drain(..).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = write!(svg, r#"<polyline class="layer" points="{}"/>"#, points.join(" "));
    }
}

fn bars(svg: &mut String, panel: &Panel, samples: &[Sample]) {
    for sample in samples.iter().filter(|sample| sample.lost > 0) {
        let (x, y) = (panel.x(sample.at), panel.y(percent_lost(sample)));
        let _ = write!(
            svg,
            r#"<line class="loss" x1="{x:.1}" x2="{x:.1}" y1="{:.1}" y2="{y:.1}"/>"#,
            panel.bottom()
        );
    }
}

fn freezes(svg: &mut String, record: &Record, panels: &[&Panel]) {
    for (_, from, to) in &record.freezes {
        for panel in panels {
            let (x, width) = (panel.x(*from), (panel.x(*to) - panel.x(*from)).max(1.5));
            let (y, height) = (panel.top, panel.height);
            let _ = write!(
                svg,
                r#"<rect class="freeze" x="{x:.1}" y="{y}" width="{width:.1}" height="{height}"/>"#
            );
        }
    }
}
