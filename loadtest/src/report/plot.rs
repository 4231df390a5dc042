//! Figures over time, or over the load, as SVG. Colours are variables of the page.

use std::fmt::Write as _;

/// Lines above one axis.
pub struct Chart<'a> {
    pub title: &'a str,
    pub lines: Vec<Line<'a>>,
    /// Filled between each line and the one below, added up.
    pub is_stacked: bool,
    /// What the axis counts, behind its last number.
    pub axis: &'a str,
    /// A part of the axis that is marked.
    pub marked: Option<(f64, f64)>,
}

/// One of them: a name for the legend, a class of the page's style, and its points in the order of the axis.
pub struct Line<'a> {
    pub name: &'a str,
    pub class: &'a str,
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 190.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 410.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 166.0;

/// Steps of an axis, about.
const STEPS: f64 = 4.0;

/// Where values are drawn.
struct Frame {
    from: f64,
    to: f64,
    most: f64,
}

impl Frame {
    fn x(&self, at: f64) -> f64 {
        LEFT + (RIGHT - LEFT) * (at - self.from) / (self.to - self.from)
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (value / self.most).clamp(0.0, 1.0)
    }
}

/// A figure with a legend. Empty when there is nothing to draw a line through.
pub fn chart(chart: &Chart<'_>) -> String {
    let lines = if chart.is_stacked { added_up(&chart.lines) } else { drawn(&chart.lines) };
    let all = || lines.iter().flatten();
    let (from, to) =
        all().fold((f64::INFINITY, f64::NEG_INFINITY), |(from, to), (at, _)| (at.min(from), at.max(to)));
    if to <= from {
        return String::new();
    }
    let top = all().map(|(_, value)| *value).fold(0.0, f64::max);
    let step = nice(if top > 0.0 { top / STEPS } else { 1.0 / STEPS });
    let most = all().map(|(_, value)| (value / step).ceil() * step).fold(step, f64::max);
    let frame = Frame { from, to, most };
    let mut html = format!("<figure><figcaption>{}", chart.title);
    if chart.lines.len() > 1 {
        for line in &chart.lines {
            let _ = write!(html, "<span class=\"key {}\">{}</span>", line.class, line.name);
        }
    }
    let _ = write!(
        html,
        "</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        chart.title
    );
    if let Some((begin, end)) = chart.marked {
        let (begin, end) = (frame.x(begin.max(from)), frame.x(end.min(to)));
        let (wide, high) = ((end - begin).max(0.0), BOTTOM - TOP);
        let _ = write!(
            html,
            "<rect class=\"measured\" x=\"{begin:.1}\" y=\"{TOP}\" width=\"{wide:.1}\" height=\"{high}\"/>"
        );
    }
    grid(&mut html, &frame, step);
    axis(&mut html, &frame, chart.axis);
    let mut below: Option<&Vec<(f64, f64)>> = None;
    for (points, line) in lines.iter().zip(&chart.lines) {
        if chart.is_stacked {
            area(&mut html, &frame, points, below, line.class);
            below = Some(points);
        } else {
            let points = joined(&frame, points.iter());
            let _ = write!(html, "<polyline class=\"{}\" points=\"{points}\"/>", line.class);
        }
    }
    html.push_str("</svg></figure>");
    html
}

fn drawn(lines: &[Line<'_>]) -> Vec<Vec<(f64, f64)>> {
    lines.iter().map(|line| line.points.clone()).collect()
}

/// Each line on top of those before it; they have their points at the same places.
fn added_up(lines: &[Line<'_>]) -> Vec<Vec<(f64, f64)>> {
    let mut all: Vec<Vec<(f64, f64)>> = Vec::new();
    for line in lines {
        let below = all.last();
        let add = |(place, (at, value)): (usize, &(f64, f64))| {
            let under = below.and_then(|points| points.get(place)).map_or(0.0, |(_, value)| *value);
            (*at, under + value)
        };
        let sum = line.points.iter().enumerate().map(add).collect();
        all.push(sum);
    }
    all
}

fn joined<'a>(frame: &Frame, points: impl Iterator<Item = &'a (f64, f64)>) -> String {
    let mut text = String::new();
    for (at, value) in points {
        let _ = write!(text, "{:.1},{:.1} ", frame.x(*at), frame.y(*value));
    }
    text.truncate(text.trim_end().len());
    text
}

fn area(
    html: &mut String,
    frame: &Frame,
    points: &[(f64, f64)],
    below: Option<&Vec<(f64, f64)>>,
    class: &str,
) {
    let ground: Vec<(f64, f64)> = match below {
        Some(below) => below.clone(),
        None => points.iter().map(|(at, _)| (*at, 0.0)).collect(),
    };
    let (over, under) = (joined(frame, points.iter()), joined(frame, ground.iter().rev()));
    let _ = write!(html, "<polygon class=\"{class}\" points=\"{over} {under}\"/>");
}

fn grid(html: &mut String, frame: &Frame, step: f64) {
    let count = (frame.most / step).round() as u32;
    for line in 0..=count {
        let value = step * f64::from(line);
        let y = frame.y(value);
        let _ = write!(
            html,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/><text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            y + 4.0,
            short(value)
        );
    }
}

fn axis(html: &mut String, frame: &Frame, unit: &str) {
    // Nobody is half there.
    let step = nice((frame.to - frame.from) / STEPS).max(1.0);
    let mut at = (frame.from / step).ceil() * step;
    while at <= frame.to {
        let is_last = at + step > frame.to;
        let (x, y) = (frame.x(at), BOTTOM + 17.0);
        let text = if is_last { format!("{} {unit}", short(at)) } else { short(at) };
        // The last one is longer and would leave the picture.
        let anchor = if is_last && x > RIGHT - 30.0 { "end" } else { "middle" };
        let _ = write!(
            html,
            "<text class=\"tick\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
        );
        at += step;
    }
}

/// The next value that makes round steps.
fn nice(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|step| step * power);
    steps.into_iter().find(|step| *step >= value * 0.999).unwrap_or(value)
}

/// As few signs as tell it.
pub fn short(value: f64) -> String {
    let (value, suffix) = match value.abs() {
        size if size >= 1e6 => (value / 1e6, "M"),
        size if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    // Three digits that mean something.
    let digits = match value.abs() {
        size if size >= 1.0 => 2_usize.saturating_sub(size.log10() as usize),
        size if size > 0.0 => (2.0 - size.log10().floor()).min(6.0) as usize,
        _ => 0,
    };
    let text = format!("{value:.digits$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text}{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: &[(f64, f64)]) -> Line<'static> {
        Line { name: "a", class: "one", points: points.to_vec() }
    }

    fn of(lines: Vec<Line<'static>>, is_stacked: bool) -> String {
        chart(&Chart { title: "figure", lines, is_stacked, axis: "s", marked: Some((1.0, 2.0)) })
    }

    #[test]
    fn a_line_goes_from_edge_to_edge_below_a_round_number() {
        let svg = of(vec![line(&[(0.0, 0.0), (10.0, 38.0)])], false);
        assert!(svg.contains("points=\"46.0,166.0 410.0,19.7\""), "{svg}");
        assert!(svg.contains(">40</text>"), "{svg}");
        assert!(svg.contains(">10 s</text>"), "{svg}");
    }

    #[test]
    fn stacked_lines_stand_on_each_other() {
        let both = [line(&[(0.0, 1.0), (1.0, 2.0)]), line(&[(0.0, 3.0), (1.0, 4.0)])];
        assert_eq!(added_up(&both)[1], [(0.0, 4.0), (1.0, 6.0)]);
        let [lower, upper] = both;
        assert_eq!(of(vec![lower, upper], true).matches("<polygon").count(), 2);
    }

    #[test]
    fn nothing_is_drawn_through_less_than_two_points() {
        assert_eq!(of(vec![line(&[(1.0, 1.0)])], false), "");
        assert_eq!(of(Vec::new(), true), "");
    }

    #[test]
    fn numbers_are_as_short_as_they_can_be() {
        let all = [0.0, 0.007_658, 0.05, 2.5, 12.04, 9_999.0, 40_000.0, 2_500_000.0].map(short);
        assert_eq!(all, ["0", "0.00766", "0.05", "2.5", "12", "9999", "40k", "2.5M"]);
    }
}
