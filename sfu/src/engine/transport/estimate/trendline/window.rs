//! Least squares through the groups of the last second, kept as sums: a group is added to them when it comes and taken away
//! when it is too old, so that a line costs the same however many groups it goes through. The sums are whole numbers, in
//! which nothing is lost by taking away what was added.
//!
//! Times are those of sending: a late packet arrives late, so that over times of arrival jitter itself would be a rising line.

use super::GroupDelay;

/// Groups a line goes through.
const GROUPS: usize = 32;
/// Fewer say nothing.
const GROUPS_MIN: usize = 8;
/// Older groups say nothing about now.
const AGE_MAX_US: i64 = 1_000_000;
/// The slope must be beyond so many of its standard errors: one false alarm in ten thousand windows of pure noise.
const ERRORS_MIN: f64 = 3.7;
/// Times count from an origin that moves on before they are as large as this (17 seconds),
const TIME_MAX_US: i64 = 1 << 24;
/// and so do delays. One that differs by more (67 seconds) counts as so much. The square of 32 such sums fits in 63 bits.
const DELAY_MAX_US: i64 = 1 << 26;

/// The groups and their sums.
#[derive(Debug, Default)]
pub struct Window {
    points: [Point; GROUPS],
    /// Where the next one goes.
    next: usize,
    len: usize,
    /// What times and delays count from.
    origin: (u64, i64),
    sums: Sums,
}

/// When a group left and how long it was on its way, in microseconds from the origin.
#[derive(Debug, Default, Clone, Copy)]
struct Point {
    x: i32,
    y: i32,
}

#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    x: i64,
    y: i64,
    xx: i64,
    xy: i64,
    yy: i64,
}

/// The line through the groups of a window.
#[derive(Debug, Clone, Copy)]
pub struct Line {
    /// Milliseconds of delay a millisecond.
    slope: f64,
    /// Of the times the groups left, the squares of what differs from their mean, in ms².
    spread: f64,
    /// Of the delays from the line, in ms².
    pub variance: f64,
    /// From the first to the last group.
    pub span_ms: f64,
    /// By so much the delay grew over that.
    pub growth_ms: f64,
}

impl Window {
    /// The next group. One that left before the last one counts as one that left with it.
    pub fn push(&mut self, group: GroupDelay) {
        let mut point = self.place(group);
        if point.is_none() {
            self.move_origin(group);
            point = self.place(group);
        }
        let (x, y) = point.unwrap_or((0, 0));
        let x = if self.len > 0 { x.max(i64::from(self.newest().x)) } else { x };
        while self.len > 0 && (self.len == GROUPS || x - i64::from(self.oldest().x) >= AGE_MAX_US) {
            self.sums.take(self.oldest());
            self.len -= 1;
        }
        let point = Point { x: x as i32, y: y as i32 };
        self.sums.add(point);
        self.points[self.next] = point;
        self.next = (self.next + 1) % GROUPS;
        self.len += 1;
    }

    /// What comes is not to be compared with what was.
    pub fn clear(&mut self) {
        (self.len, self.sums) = (0, Sums::default());
    }

    /// The line, where there are enough groups for one that did not all leave at once.
    pub fn line(&self) -> Option<Line> {
        if self.len < GROUPS_MIN {
            return None;
        }
        // Each is as many times too large as there are groups.
        let (count, Sums { x, y, xx, xy, yy }) = (self.len as i64, self.sums);
        let (xx, xy, yy) = (count * xx - x * x, count * xy - x * y, count * yy - y * y);
        let (count, xx, xy, yy) = (count as f64, xx as f64, xy as f64, yy as f64);
        let spread = xx / (count * 1e6);
        if spread < 1.0 {
            return None;
        }
        let slope = xy / xx;
        let variance = ((yy - slope * xy) / (count * (count - 2.0) * 1e6)).max(0.0);
        let span_ms = f64::from(self.newest().x - self.oldest().x) / 1e3;
        Some(Line { slope, spread, variance, span_ms, growth_ms: slope * span_ms })
    }

    /// `None` when that is too far from the origin.
    fn place(&self, group: GroupDelay) -> Option<(i64, i64)> {
        let (sent_us, delay_us) = self.origin;
        let x = group.sent_us.wrapping_sub(sent_us) as i64;
        let y = group.delay_us.saturating_sub(delay_us);
        let is_near = (-TIME_MAX_US..TIME_MAX_US).contains(&x) && (-DELAY_MAX_US..DELAY_MAX_US).contains(&y);
        is_near.then_some((x, y))
    }

    /// Times and delays count from this group.
    fn move_origin(&mut self, group: GroupDelay) {
        let before = std::mem::take(self);
        self.origin = (group.sent_us, group.delay_us);
        for back in (1..=before.len).rev() {
            let point = before.back(back);
            let sent_us = before.origin.0.wrapping_add_signed(i64::from(point.x));
            let delay_us = before.origin.1.saturating_add(i64::from(point.y));
            let x = sent_us.wrapping_sub(group.sent_us) as i64;
            let y = delay_us.saturating_sub(group.delay_us).clamp(-DELAY_MAX_US, DELAY_MAX_US);
            if (-AGE_MAX_US..=0).contains(&x) {
                let point = Point { x: x as i32, y: y as i32 };
                self.sums.add(point);
                self.points[self.next] = point;
                self.next = (self.next + 1) % GROUPS;
                self.len += 1;
            }
        }
    }

    fn newest(&self) -> Point {
        self.back(1)
    }

    fn oldest(&self) -> Point {
        self.back(self.len)
    }

    /// So many groups ago, the newest being the first.
    fn back(&self, groups: usize) -> Point {
        self.points[(self.next + GROUPS - groups) % GROUPS]
    }
}

impl Sums {
    fn add(&mut self, Point { x, y }: Point) {
        let (x, y) = (i64::from(x), i64::from(y));
        self.x += x;
        self.y += y;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
    }

    fn take(&mut self, Point { x, y }: Point) {
        let (x, y) = (i64::from(x), i64::from(y));
        self.x -= x;
        self.y -= y;
        self.xx -= x * x;
        self.xy -= x * y;
        self.yy -= y * y;
    }
}

impl Line {
    /// The slope is not that of noise.
    pub fn is_meant(&self) -> bool {
        self.slope.abs() > ERRORS_MIN * (self.variance / self.spread).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same by the definition: means first, then what differs from them. Slope, variance and span.
    fn by_definition(groups: &[GroupDelay]) -> Option<(f64, f64, f64)> {
        let newest = groups.last()?;
        let age_us = |group: &GroupDelay| newest.sent_us - group.sent_us;
        let recent = &groups[groups.len().saturating_sub(GROUPS)..];
        let recent = recent.iter().filter(|group| age_us(group) < AGE_MAX_US as u64);
        let points: Vec<(f64, f64)> = recent
            .map(|group| (-(age_us(group) as f64) / 1e3, (group.delay_us - newest.delay_us) as f64 / 1e3))
            .collect();
        let n = points.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / n;
        let (mean_x, mean_y) = (mean(|p| p.0), mean(|p| p.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| {
            points.iter().map(|&(x, y)| of(x - mean_x, y - mean_y)).sum::<f64>()
        };
        let (xx, xy) = (sum(&|x, _| x * x), sum(&|x, y| x * y));
        let slope = xy / xx;
        let variance = sum(&|x, y| (y - slope * x).powi(2)) / (n - 2.0);
        (points.len() >= GROUPS_MIN && xx >= 1.0).then(|| (slope, variance, -points[0].0))
    }

    fn is_about(a: f64, b: f64, least: f64) -> bool {
        (a - b).abs() <= b.abs() * 1e-6 + least
    }

    proptest! {
        #[test]
        fn after_any_number_of_groups_the_line_is_that_of_the_last_second(
            first in (0_u64..1 << 40, -1_i64 << 40..1 << 40),
            steps in prop::collection::vec((0_u64..200_000, -300_000_i64..300_000), 1..400),
        ) {
            let (mut window, mut groups) = (Window::default(), Vec::new());
            let (mut sent_us, mut delay_us) = first;
            for (later_us, longer_us) in steps {
                sent_us += later_us;
                delay_us += longer_us;
                groups.push(GroupDelay { sent_us, delay_us });
                window.push(GroupDelay { sent_us, delay_us });
                let expected = by_definition(&groups);
                prop_assert_eq!(window.line().is_some(), expected.is_some());
                if let (Some(line), Some((slope, variance, span_ms))) = (window.line(), expected) {
                    prop_assert!(is_about(line.slope, slope, 1e-9), "{line:?} {slope}");
                    prop_assert!(is_about(line.variance, variance, 1e-3), "{line:?} {variance}");
                    prop_assert_eq!(line.span_ms, span_ms);
                }
            }
        }

        #[test]
        fn whatever_is_told_of_delays_there_is_no_panic_and_a_line_of_numbers(
            told in prop::collection::vec((any::<u64>(), any::<i64>(), 0_u64..100_000), 1..100),
        ) {
            let mut window = Window::default();
            for (sent_us, delay_us, later_us) in told {
                for (sent_us, delay_us) in [(sent_us, delay_us), (sent_us.wrapping_add(later_us), !delay_us)] {
                    window.push(GroupDelay { sent_us, delay_us });
                    let is_sound = |line: Line| line.variance >= 0.0 && line.growth_ms.is_finite();
                    prop_assert!(window.line().is_none_or(is_sound));
                }
            }
        }
    }

    #[test]
    fn as_far_from_the_origin_as_can_be_the_sums_are_still_exact() {
        let mut window = Window::default();
        let mut groups = Vec::new();
        window.push(GroupDelay { sent_us: 0, delay_us: 0 });
        for n in 0..100 {
            let delay_us = if n % 2 == 0 { -DELAY_MAX_US } else { DELAY_MAX_US - 1 };
            let group = GroupDelay { sent_us: TIME_MAX_US as u64 - 30_000 + n * 300, delay_us };
            groups.push(group);
            window.push(group);
        }
        assert_eq!(window.origin, (0, 0));
        let (Some(line), Some((slope, variance, _))) = (window.line(), by_definition(&groups)) else {
            panic!("there are enough groups");
        };
        assert!(is_about(line.slope, slope, 1e-9) && is_about(line.variance, variance, 1e-3), "{line:?}");
    }
}
