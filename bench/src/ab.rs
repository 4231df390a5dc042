//! Two revisions against each other on this machine: built apart, run by turns (A B B A), compared pair by pair.

use crate::path::{self, Measured, Media, PathError, Sending};
use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// How the two are compared.
#[derive(Clone, Debug)]
pub struct Settings {
    pub revisions: [String; 2],
    pub people: usize,
    pub settle: Duration,
    pub time: Duration,
    /// Pairs of runs.
    pub pairs: usize,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Cost of a packet by each, pair by pair, in seconds.
    pub pairs: Vec<[f64; 2]>,
    /// Runs that did not deliver the load: their costs are of something else.
    pub doubts: Vec<String>,
}

/// The node of a revision. A program that was built once is kept in `target/ab`.
///
/// Both are built in one work tree, one after the other: cargo knows sources by their times and by their place in the tree, so of
/// two trees that share what is built the second may be given the program of the first.
///
/// # Errors
/// No such revision, or one that does not build.
pub fn build(target: &Path, revision: &str) -> Result<PathBuf, PathError> {
    let commit = output(
        Command::new("git")
            .args(["rev-parse", "--short=12", "--verify"])
            .arg(format!("{revision}^{{commit}}")),
    )?;
    let program = target.join("ab").join(format!("plenum-sfu-{commit}"));
    if program.is_file() {
        return Ok(program);
    }
    let tree = target.join("ab").join("tree");
    if tree.join("Cargo.toml").is_file() {
        // Only what differs gets a new time.
        output(
            Command::new("git").current_dir(&tree).args(["checkout", "--force", "--detach"]).arg(&commit),
        )?;
    } else {
        output(Command::new("git").args(["worktree", "add", "--force", "--detach"]).arg(&tree).arg(&commit))?;
    }
    let mut cargo = Command::new("cargo");
    cargo.args(["build", "--release", "--locked", "-p", "plenum-sfu"]).current_dir(&tree);
    let built = target.join("ab").join("target");
    cargo.env("CARGO_TARGET_DIR", std::path::absolute(&built)?);
    if !cargo.status()?.success() {
        return Err(PathError::Product(format!("{revision} does not build")));
    }
    // Whole or not there: whoever is interrupted leaves no half of a program behind.
    let whole = program.with_extension("new");
    std::fs::copy(built.join("release").join("plenum-sfu"), &whole)?;
    std::fs::rename(&whole, &program)?;
    Ok(program)
}

fn output(command: &mut Command) -> Result<String, PathError> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(PathError::Product(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// Runs both by turns. `say` hears of each run.
///
/// # Errors
/// As of the path.
pub async fn compare(
    settings: &Settings,
    programs: &[PathBuf; 2],
    say: &dyn Fn(&str),
) -> Result<Comparison, PathError> {
    let (mut pairs, mut doubts) = (Vec::new(), Vec::new());
    for pair in 0..settings.pairs {
        let mut costs = [0.0; 2];
        // Whatever changes steadily over time weighs on both alike.
        let turns = if pair % 2 == 0 { [0, 1] } else { [1, 0] };
        for which in turns {
            let measured = once(settings, &programs[which]).await?;
            say(&format!("{}  {measured}", settings.revisions[which]));
            doubts.extend(measured.doubt().map(|doubt| format!("{} {doubt}", settings.revisions[which])));
            costs[which] = measured.cost.as_secs_f64();
        }
        pairs.push(costs);
    }
    Ok(Comparison { pairs, doubts })
}

async fn once(settings: &Settings, program: &Path) -> Result<Measured, PathError> {
    let what = (Sending::Grouped, Media::AudioAndVideo);
    path::cost(program, what, settings.people, (settings.settle, settings.time), 64).await
}

impl Comparison {
    /// The second's cost in units of the first's, pair by pair, smallest first.
    fn ratios(&self) -> Vec<f64> {
        let mut ratios: Vec<f64> = self.pairs.iter().map(|[a, b]| b / a).collect();
        ratios.sort_by(f64::total_cmp);
        ratios
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ratios = self.ratios();
        let (Some(least), Some(most)) = (ratios.first(), ratios.last()) else {
            return write!(f, "nothing was compared");
        };
        let middle = ratios.len() / 2;
        let median =
            if ratios.len() % 2 == 1 { ratios[middle] } else { (ratios[middle - 1] + ratios[middle]) / 2.0 };
        write!(f, "B ÷ A: {median:.3} (from {least:.3} to {most:.3} in {} pairs)", ratios.len())?;
        if (*least..=*most).contains(&1.0) {
            write!(f, "; the spread includes no difference")?;
        }
        if !self.doubts.is_empty() {
            write!(f, "; not comparable: {}", self.doubts.join("; "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_compared_and_the_spread_is_said() {
        let comparison =
            |pairs: &[[f64; 2]]| Comparison { pairs: pairs.to_vec(), doubts: Vec::new() }.to_string();
        assert_eq!(
            comparison(&[[2.0, 1.0], [1.0, 0.8], [1.0, 0.9]]),
            "B ÷ A: 0.800 (from 0.500 to 0.900 in 3 pairs)"
        );
        assert!(comparison(&[[1.0, 1.1], [1.0, 0.9]]).ends_with("the spread includes no difference"));
        assert_eq!(comparison(&[]), "nothing was compared");
        let doubts = vec!["HEAD with 100 viewers 5000 packets/s of 22500".into()];
        let told = Comparison { pairs: vec![[2.0, 1.0]], doubts }.to_string();
        assert!(told.ends_with("; not comparable: HEAD with 100 viewers 5000 packets/s of 22500"), "{told}");
    }
}
