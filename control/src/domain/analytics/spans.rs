//! Stretches of time, added up and laid over each other.

use time::{Duration, OffsetDateTime};

/// From here to there, the end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub from: OffsetDateTime,
    pub to: OffsetDateTime,
}

impl Span {
    pub fn new(from: OffsetDateTime, to: OffsetDateTime) -> Self {
        Self { from, to }
    }

    pub fn len(self) -> Duration {
        self.to - self.from
    }

    /// The part of it inside another; `None` when there is none. A moment without length stays one.
    pub fn within(self, outer: Span) -> Option<Span> {
        let (from, to) = (self.from.max(outer.from), self.to.min(outer.to));
        (from <= to).then_some(Span { from, to })
    }
}

/// Their sum; they must not overlap.
pub(super) fn total(spans: &[Span]) -> Duration {
    spans.iter().map(|span| span.len()).sum()
}

/// Overlapping and touching ones joined, in order.
pub(super) fn union(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| span.from);
    let mut joined: Vec<Span> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(last) if span.from <= last.to => last.to = last.to.max(span.to),
            _ => joined.push(span),
        }
    }
    joined
}

/// What two unions have in common.
pub(super) fn common(a: &[Span], b: &[Span]) -> Vec<Span> {
    let (mut i, mut j) = (0, 0);
    let mut both = Vec::new();
    while let (Some(one), Some(other)) = (a.get(i), b.get(j)) {
        both.extend(one.within(*other).filter(|span| span.len().is_positive()));
        if one.to < other.to {
            i += 1;
        } else {
            j += 1;
        }
    }
    both
}

/// How many there are at once, stretch by stretch, in order; stretches with none are left out.
pub(super) fn concurrent(spans: impl Iterator<Item = Span>) -> Vec<(Span, u32)> {
    let mut edges: Vec<(OffsetDateTime, i32)> =
        spans.filter(|span| span.len().is_positive()).flat_map(|s| [(s.from, 1), (s.to, -1)]).collect();
    edges.sort_by_key(|(at, _)| *at);
    let (mut counted, mut inside) = (Vec::new(), 0_i32);
    for pair in 0..edges.len() {
        let (at, change) = edges[pair];
        inside += change;
        if let Some((next, _)) = edges.get(pair + 1)
            && *next > at
            && inside > 0
        {
            counted.push((Span::new(at, *next), inside.unsigned_abs()));
        }
    }
    counted
}
