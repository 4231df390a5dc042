//! Figures of a run: a number, its unit, and what it must not pass.

use std::fmt;

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
    /// Told, not judged.
    None,
}

impl Bound {
    /// What is asked of any machine, also of one that was busy with other things.
    pub fn coarse(self) -> Self {
        match self {
            Bound::AtLeast(bound) => Bound::AtLeast(bound / 5.0),
            Bound::AtMost(bound) => Bound::AtMost(bound * 3.0),
            Bound::None => Bound::None,
        }
    }
}

/// How much the figures of a run say of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Judged {
    #[default]
    Fully,
    /// What does not hold has coarse bounds only.
    Coarsely,
    /// What does not hold is told.
    Not,
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Judged::Fully => "fully",
            Judged::Coarsely => "coarsely",
            Judged::Not => "not",
        })
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
    pub bound: Bound,
}

impl Figure {
    pub fn holds(&self) -> bool {
        match self.bound {
            Bound::AtLeast(bound) => self.value >= bound,
            Bound::AtMost(bound) => self.value <= bound,
            Bound::None => true,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::AtLeast(bound) => write!(f, "≥ {bound}"),
            Bound::AtMost(bound) => write!(f, "≤ {bound}"),
            Bound::None => Ok(()),
        }
    }
}

/// All figures of a run, in the order of the report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    pub all: Vec<Figure>,
    pub judged: Judged,
}

impl Figures {
    pub fn at_least(&mut self, name: &'static str, value: f64, unit: &'static str, bound: f64) {
        self.all.push(Figure { name, value, unit, bound: Bound::AtLeast(bound) });
    }

    pub fn at_most(&mut self, name: &'static str, value: f64, unit: &'static str, bound: f64) {
        self.all.push(Figure { name, value, unit, bound: Bound::AtMost(bound) });
    }

    pub fn told(&mut self, name: &'static str, value: f64, unit: &'static str) {
        self.all.push(Figure { name, value, unit, bound: Bound::None });
    }
}
