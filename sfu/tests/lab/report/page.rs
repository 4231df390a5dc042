//! The page around the plots: one file without anything from elsewhere, light and dark.

use std::fmt::Write as _;

use serde_json::Value;

use super::{Told, plot};
use crate::figures::Bound;

const STYLE: &str = include_str!("style.css");

pub fn page(scenarios: &[Value], sections: &[String]) -> String {
    let mut html = String::from("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">");
    html.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
    let _ = write!(html, "<title>Network laboratory</title><style>{STYLE}</style>");
    html.push_str("<main><h1>Network laboratory</h1><p class=\"lead\">The engine of the media plane between simulated people, on links that are never good for long. Everything replays from its seed, but for what ran in real time: over real sockets, and with Chromium.</p>");
    html.push_str("<nav>");
    for scenario in scenarios {
        let name = text_of(&scenario["scenario"]);
        let all = scenario["figures"].as_array().into_iter().flatten();
        let judged = all.filter(|figure| figure["bound"] != "");
        let (held, count) = judged.fold((0, 0), |(held, count), figure| {
            (held + usize::from(figure["holds"] == Value::Bool(true)), count + 1)
        });
        let (class, score) = match count {
            0 => ("", "–".to_owned()),
            _ if held == count => ("holds", format!("{held}/{count}")),
            _ => ("fails", format!("{held}/{count}")),
        };
        let title = text_of(&scenario["title"]);
        let _ = write!(html, "<a href=\"#{name}\"><span>{title}</span><b class=\"{class}\">{score}</b></a>");
    }
    html.push_str("</nav>");
    html.push_str(&legend());
    sections.iter().for_each(|section| html.push_str(section));
    html.push_str("</main></html>\n");
    html
}

fn legend() -> String {
    let entry = |class: &str, text: &str| format!("<li><i class=\"key {class}\"></i>{text}</li>");
    let entries = [
        entry("key-link", "what the link carries"),
        entry("key-offered", "offered by the publishers"),
        entry("key-estimate", "estimate"),
        entry("key-sent", "sent"),
        entry("key-layer", "layer given"),
        entry("key-loss", "lost on the way"),
        entry("key-delay", "longest way, capture to arrival"),
        entry("key-freeze", "picture frozen"),
    ];
    format!("<ul class=\"legend\">{}</ul>", entries.concat())
}

/// One scenario.
pub fn section(told: &Told<'_>) -> String {
    let mut html = format!("<section id=\"{}\"><h2>{}</h2><p>{}</p>", told.name, told.title, told.story);
    html.push_str(&table(told));
    for (caption, record) in &told.drawn {
        let _ = write!(html, "<figure>{}<figcaption>{caption}</figcaption></figure>", plot::plot(record));
    }
    html.push_str("</section>");
    html
}

fn table(told: &Told<'_>) -> String {
    let mut html = String::from("<div class=\"wide\"><table><thead><tr><th>figure<th><th>bound");
    for (at, (seed, _)) in told.figures.iter().enumerate() {
        let seed = if at == 0 { format!("seed {seed}") } else { seed.to_string() };
        let _ = write!(html, "<th class=\"number\">{seed}");
    }
    html.push_str("</thead><tbody>");
    for (index, figure) in told.figures[0].1.all.iter().enumerate() {
        let (name, unit, bound) = (figure.name, figure.unit, figure.bound);
        let _ = write!(
            html,
            "<tr><td class=\"figure\">{name}<td class=\"soft\">{unit}<td class=\"soft\">{bound}"
        );
        for (_, figures) in told.figures {
            let figure = &figures.all[index];
            let class = match figure.bound {
                Bound::None => "",
                _ if figure.holds() => " holds",
                _ => " fails",
            };
            let _ = write!(html, "<td class=\"number{class}\">{}", rounded(figure.value));
        }
    }
    html.push_str("</tbody></table></div>");
    html
}

fn rounded(value: f64) -> String {
    match value.abs() {
        v if v.is_infinite() => "never".to_owned(),
        v if v >= 100.0 || v == v.trunc() => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
