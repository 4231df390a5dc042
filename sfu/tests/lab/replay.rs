//! A run replays from its seed.

use crate::scenarios::FIVE_PERCENT;

#[test]
fn the_same_seed_gives_the_same_run_and_another_gives_another() {
    let run = |seed| FIVE_PERCENT.run(seed);
    let first = run(7);
    assert!(first == run(7), "two runs of one seed differ");
    assert!(first != run(8));
}
