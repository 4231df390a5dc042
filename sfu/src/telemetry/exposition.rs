//! The Prometheus text format (version 0.0.4): families of series, each below its head.

use crate::engine::histogram::Histogram;
use std::fmt::Write;

/// A page on its way to be text. Series of one family lie together, in whatever order they are told.
#[derive(Debug, Default)]
pub struct Page {
    families: Vec<Family>,
}

/// All series of one name.
#[derive(Debug)]
pub struct Family {
    name: String,
    series: String,
}

impl Page {
    /// A family; the first to ask for it says its kind (`counter`, `gauge` or `histogram`) and its help.
    pub fn family(&mut self, name: &str, kind: &str, help: &str) -> &mut Family {
        // From the end, because most ask for the newest.
        let known = self.families.iter().rposition(|family| family.name == name);
        let at = known.unwrap_or_else(|| {
            let series = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
            self.families.push(Family { name: name.to_owned(), series });
            self.families.len() - 1
        });
        &mut self.families[at]
    }

    /// The text.
    pub fn into_text(self) -> String {
        self.families.into_iter().map(|family| family.series).collect()
    }
}

impl Family {
    /// One series. Labels are written as they will stand: `a="b",c="d"`.
    pub fn value(&mut self, labels: &str, value: f64) {
        let name = &self.name;
        // Writing to a `String` cannot fail.
        let _ = match labels {
            "" => writeln!(self.series, "{name} {value}"),
            _ => writeln!(self.series, "{name}{{{labels}}} {value}"),
        };
    }

    /// The series of one histogram. Its bounds and its sum are divided by `scale`, which makes seconds of nanoseconds.
    pub fn histogram<const N: usize>(
        &mut self,
        labels: &str,
        (bounds, scale): (&[u64; N], f64),
        histogram: &Histogram<N>,
    ) {
        let name = &self.name;
        let mut bucket = |bound: &dyn std::fmt::Display, count: u64| {
            let _ = writeln!(self.series, "{name}_bucket{{{labels},le=\"{bound}\"}} {count}");
        };
        for (bound, count) in bounds.iter().zip(histogram.up_to()) {
            bucket(&(*bound as f64 / scale), count);
        }
        bucket(&"+Inf", histogram.count());
        let _ = writeln!(self.series, "{name}_sum{{{labels}}} {}", histogram.sum() as f64 / scale);
        let _ = writeln!(self.series, "{name}_count{{{labels}}} {}", histogram.count());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_of_one_family_lie_below_one_head() {
        let mut page = Page::default();
        page.family("a_total", "counter", "As.").value("worker=\"0\"", 1.0);
        page.family("b", "gauge", "Bs.").value("", 0.5);
        page.family("a_total", "counter", "As.").value("worker=\"1\"", 2.0);
        let expected = "# HELP a_total As.\n# TYPE a_total counter\na_total{worker=\"0\"} 1\n\
                        a_total{worker=\"1\"} 2\n# HELP b Bs.\n# TYPE b gauge\nb 0.5\n";
        assert_eq!(page.into_text(), expected);
    }

    #[test]
    fn buckets_of_a_histogram_add_up_to_infinity() {
        const BOUNDS: [u64; 2] = [50_000, 1_000_000];
        let mut turns = Histogram::default();
        [20_000, 40_000, 900_000, 2_000_000].iter().for_each(|&value| turns.note(&BOUNDS, value));
        let mut page = Page::default();
        page.family("t_seconds", "histogram", "T.").histogram("worker=\"0\"", (&BOUNDS, 1e9), &turns);
        let expected = "# HELP t_seconds T.\n# TYPE t_seconds histogram\n\
                        t_seconds_bucket{worker=\"0\",le=\"0.00005\"} 2\n\
                        t_seconds_bucket{worker=\"0\",le=\"0.001\"} 3\n\
                        t_seconds_bucket{worker=\"0\",le=\"+Inf\"} 4\n\
                        t_seconds_sum{worker=\"0\"} 0.00296\nt_seconds_count{worker=\"0\"} 4\n";
        assert_eq!(page.into_text(), expected);
    }
}
