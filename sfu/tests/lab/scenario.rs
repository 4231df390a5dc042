//! What a scenario is, and how it is run: with several seeds, each of which must hold all that is asserted.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::figures::Figures;
use crate::meeting::Meeting;
use crate::record::Record;
use crate::report::{self, Told};
use crate::world::World;

pub struct Scenario {
    /// In file names and links.
    pub name: &'static str,
    /// Where it stands in the report.
    pub place: usize,
    pub title: &'static str,
    pub story: &'static str,
    pub seconds: u64,
    /// Who is there, on which links.
    pub build: fn(&mut dyn Meeting),
    /// What came of it.
    pub judge: fn(&[Record]) -> Figures,
    /// The viewers that are drawn.
    pub draws: &'static [usize],
}

impl Scenario {
    /// Runs it with each seed from one to this, or with those of `PLENUM_LAB_SEED`, writes its part of the report, and panics
    /// with the figures that do not hold.
    pub fn hold(&self, last_seed: u64) {
        self.hold_but(last_seed, &[]);
    }

    /// As [`Self::hold`], without seeds that are known not to (docs/lab.md names them and says what breaks).
    pub fn hold_but(&self, last_seed: u64, known: &[u64]) {
        let seeds = match std::env::var("PLENUM_LAB_SEED") {
            Ok(asked) => read_seeds(&asked).expect("PLENUM_LAB_SEED is a number, or two as in 6-15"),
            Err(_) => 1..=last_seed,
        };
        let is_asked = std::env::var_os("PLENUM_LAB_SEED").is_some();
        let seeds = seeds.filter(|seed| is_asked || !known.contains(seed));
        let runs: Vec<_> = seeds.map(|seed| (seed, self.run(seed))).collect();
        let figures: Vec<_> = runs.iter().map(|(seed, records)| (*seed, (self.judge)(records))).collect();
        let (seed, first) = &runs[0];
        let caption = |index: usize| match self.draws {
            [_] => format!("seed {seed}"),
            _ => format!("viewer {}, seed {seed}", index + 1),
        };
        let drawn = self.draws.iter().map(|&index| (caption(index), &first[index])).collect();
        let (name, place, title, story) = (self.name, self.place, self.title, self.story);
        report::write(&Told { name, place, title, story, figures: &figures, drawn });
        let failed: Vec<_> = figures
            .iter()
            .flat_map(|(seed, figures)| figures.all.iter().map(move |figure| (seed, figure)))
            .filter(|(_, figure)| !figure.holds())
            .map(|(seed, f)| format!("seed {seed}: {}: {:.2} {}, not {}", f.name, f.value, f.unit, f.bound))
            .collect();
        assert!(failed.is_empty(), "{name}:\n{}", failed.join("\n"));
    }

    pub fn run(&self, seed: u64) -> Vec<Record> {
        let mut world = World::new(seed);
        (self.build)(&mut world);
        world.run(Duration::from_secs(self.seconds));
        world.records
    }
}

/// One seed, or all from one to another.
fn read_seeds(asked: &str) -> Option<RangeInclusive<u64>> {
    let (first, last) = asked.split_once('-').unwrap_or((asked, asked));
    let seeds = first.parse().ok()?..=last.parse().ok()?;
    (!seeds.is_empty()).then_some(seeds)
}
