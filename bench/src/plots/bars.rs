//! Horizontal bars, each a row with its label before it and its number behind.

use std::fmt::Write as _;

/// One picture.
pub struct Bars<'a> {
    pub title: &'a str,
    pub unit: &'a str,
    /// What the parts of each bar are; nothing is explained where there is one.
    pub parts: &'a [&'a str],
    /// What the mark is that a bar may have.
    pub mark: Option<&'a str>,
    pub bars: Vec<Bar>,
}

/// One row.
pub struct Bar {
    pub label: String,
    /// Side by side.
    pub parts: Vec<f64>,
    /// A line across the bar.
    pub mark: Option<f64>,
}

const WIDTH: f64 = 760.0;
const LABELS: f64 = 190.0;
const NUMBERS: f64 = 110.0;
const ROW: f64 = 26.0;
const THICK: f64 = 16.0;
/// With a legend, and without.
const HEADS: [f64; 2] = [58.0, 32.0];

/// The colours of the parts, by place; text and marks are of the reader's foreground.
const STYLE: &str = "text{font:13px system-ui,sans-serif;fill:#24292f}.t{font-weight:600}.p0{fill:#1f6feb}.p1{fill:#8b949e}\
    .m{stroke:#d1242f;stroke-width:2}@media(prefers-color-scheme:dark){text{fill:#e6edf3}.p0{fill:#58a6ff}.p1{fill:#6e7681}.m{stroke:#ff7b72}}";

impl Bars<'_> {
    pub fn svg(&self) -> String {
        let most = self.bars.iter().map(Bar::reach).fold(f64::MIN_POSITIVE, f64::max);
        let scale = (WIDTH - LABELS - NUMBERS) / most;
        let has_legend = !self.parts.is_empty() || self.mark.is_some();
        let head = HEADS[usize::from(!has_legend)];
        let height = head + ROW * self.bars.len() as f64;
        let title = escaped(self.title);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\n\
             <style>{STYLE}</style>\n<text class=\"t\" x=\"0\" y=\"16\">{title}, {}</text>\n",
            escaped(self.unit)
        );
        self.legend(&mut svg);
        for (row, bar) in self.bars.iter().enumerate() {
            bar.draw(&mut svg, head + ROW * row as f64, scale);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn legend(&self, svg: &mut String) {
        let mut x = 0.0;
        let mut entry = |svg: &mut String, name: &str, sign: &dyn Fn(f64) -> String| {
            let _ = writeln!(svg, "{}<text x=\"{:.0}\" y=\"40\">{}</text>", sign(x), x + 18.0, escaped(name));
            // Wide enough for the letters of the style above.
            x += 40.0 + 7.0 * name.chars().count() as f64;
        };
        for (place, name) in self.parts.iter().enumerate() {
            entry(svg, name, &|x| {
                format!("<rect class=\"p{place}\" x=\"{x:.0}\" y=\"29\" width=\"12\" height=\"12\"/>")
            });
        }
        if let Some(name) = self.mark {
            entry(svg, name, &|x| {
                format!("<line class=\"m\" x1=\"{0:.0}\" x2=\"{0:.0}\" y1=\"27\" y2=\"43\"/>", x + 6.0)
            });
        }
    }
}

impl Bar {
    fn reach(&self) -> f64 {
        self.parts.iter().sum::<f64>().max(self.mark.unwrap_or(0.0))
    }

    fn draw(&self, svg: &mut String, y: f64, scale: f64) {
        let text = y + THICK - 3.0;
        let _ = write!(
            svg,
            "<text x=\"{}\" y=\"{text}\" text-anchor=\"end\">{}</text>",
            LABELS - 8.0,
            escaped(&self.label)
        );
        let mut x = LABELS;
        for (place, part) in self.parts.iter().enumerate() {
            let width = part.max(0.0) * scale;
            let _ = write!(
                svg,
                "<rect class=\"p{place}\" x=\"{x:.1}\" y=\"{y}\" width=\"{width:.1}\" height=\"{THICK}\"/>"
            );
            x += width;
        }
        if let Some(mark) = self.mark {
            let (at, top, bottom) = (LABELS + mark * scale, y - 3.0, y + THICK + 3.0);
            let _ =
                write!(svg, "<line class=\"m\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{top}\" y2=\"{bottom}\"/>");
        }
        let end = LABELS + self.reach() * scale + 8.0;
        let _ = writeln!(svg, "<text x=\"{end:.1}\" y=\"{text}\">{}</text>", self.number());
    }

    /// The whole; of two parts the first and the whole.
    fn number(&self) -> String {
        let number = |value: f64| if value < 100.0 { format!("{value:.2}") } else { format!("{value:.0}") };
        match self.parts[..] {
            [first, second] => {
                format!("{} / {}", number(first), number(first + second))
            }
            _ => number(self.parts.iter().sum()),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
