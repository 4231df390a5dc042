//! What a scenario is, and how it is run: with several seeds, each of which must hold all that is asserted.

use std::time::Duration;

use crate::figures::Figures;
use crate::meeting::Meeting;
use crate::record::Record;
use crate::report::{self, Told};
use crate::world::World;

/// Every scenario is run with these, or with the one of `PLENUM_LAB_SEED`.
const SEEDS: [u64; 5] = [1, 2, 3, 4, 5];

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
    /// Runs it with every seed, writes its part of the report, and panics with the figures that do not hold.
    pub fn hold(&self) {
        let seeds = match std::env::var("PLENUM_LAB_SEED") {
            Ok(seed) => vec![seed.parse().expect("PLENUM_LAB_SEED is a number")],
            Err(_) => SEEDS.to_vec(),
        };
        let runs: Vec<_> = seeds.iter().map(|&seed| (seed, self.run(seed))).collect();
        let figures: Vec<_> = runs.iter().map(|(seed, records)| (*seed, (self.judge)(records))).collect();
        let first = &runs[0].1;
        let caption = |index: usize| match self.draws {
            [_] => format!("seed {}", seeds[0]),
            _ => format!("viewer {}, seed {}", index + 1, seeds[0]),
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
