//! Where it breaks: the load is doubled until delay or loss exceed their thresholds, then the place is narrowed down.

use super::{RunSettings, Scenario, ScenarioError, plan::PEOPLE_MAX, run::hold, venue::Venue};
use crate::report::{Report, Thresholds};
use serde::Serialize;
use std::{fmt, io::Write, time::Duration};

/// Between which loads to look.
#[derive(Clone, Copy, Debug)]
pub struct KneeSettings {
    pub from: usize,
    pub most: usize,
}

/// What was found.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Knee {
    pub scenario: &'static str,
    pub load_unit: &'static str,
    /// The largest load that held; `None`: not even the smallest did.
    pub holds: Option<usize>,
    /// The smallest load that did not; `None`: all held.
    pub breaks: Option<usize>,
    /// In the order in which they were tried.
    pub steps: Vec<Step>,
}

/// One load.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    pub load: usize,
    /// What broke; empty when it held.
    pub broke: Vec<String>,
    /// Why the load generator itself may have been the limit.
    pub no_proof: Vec<String>,
    /// `None` when nobody got in.
    pub report: Option<Report>,
}

/// What people notice, for a search that was given no threshold: loss and delay of media, and in a chat, where there is no
/// media, how long a message takes.
fn usual(scenario: Scenario) -> Thresholds {
    match scenario {
        Scenario::ChatStorm { .. } => Thresholds { max_chat_p99_ms: Some(250.0), ..Thresholds::NONE },
        Scenario::AudioRoom { .. }
        | Scenario::Meeting { .. }
        | Scenario::Livestream { .. }
        | Scenario::SmallRooms { .. }
        | Scenario::Churn { .. } => {
            Thresholds { max_loss: Some(0.001), max_p99_ms: Some(50.0), ..Thresholds::NONE }
        }
    }
}

/// How closely the place is told: one in so many.
const PRECISION: usize = 20;

/// Problems said of one step.
const WORDS_MAX: usize = 5;

/// Runs the scenario with one load after the other. Without any threshold, what people notice is it.
///
/// # Errors
/// A server that refuses the set-up before any load held.
pub async fn find_knee(settings: &RunSettings, knee: &KneeSettings) -> Result<Knee, ScenarioError> {
    let mut settings = settings.clone();
    if settings.thresholds == Thresholds::NONE {
        settings.thresholds = usual(settings.scenario);
    }
    let scenario = settings.scenario;
    let most = with_room(scenario, settings.duration, knee.most);
    let mut venue = Venue::open(&settings.venue).await?;
    let found = Knee { scenario: scenario.name(), load_unit: scenario.load_unit(), ..Knee::default() };
    let load = async |load| {
        let settings = RunSettings { scenario: scenario.with_load(load), ..settings.clone() };
        venue.mend(&settings.venue).await?;
        hold(&mut venue, &settings).await
    };
    narrow_down(found, Search::new(&KneeSettings { most, ..*knee }), load).await
}

/// The largest load up to `most` whose people a run has room for. More is refused by this program and says nothing of a server.
fn with_room(scenario: Scenario, duration: Duration, most: usize) -> usize {
    let has_room = |load| scenario.with_load(load).people(duration) <= PEOPLE_MAX as u64;
    let (mut least, mut most) = (0, most);
    while least < most {
        let middle = most - (most - least) / 2;
        if has_room(middle) { least = middle } else { most = middle - 1 }
    }
    least
}

/// Tries one load after the other. One that cannot even be set up is where it breaks, and the end: a server that refuses
/// that says nothing about the loads between.
async fn narrow_down(
    mut found: Knee,
    mut search: Search,
    mut run: impl AsyncFnMut(usize) -> Result<Report, ScenarioError>,
) -> Result<Knee, ScenarioError> {
    while let Some(load) = search.next() {
        let (step, is_last) = match run(load).await {
            Ok(report) => (Step::of(load, report), false),
            Err(ScenarioError::NobodyIn(words)) => (Step::without_report(load, words), false),
            Err(error) if search.holds.is_some() => (Step::without_report(load, error.to_string()), true),
            Err(error) => return Err(error),
        };
        // Standard error may be closed; the report says it again.
        let _ = writeln!(std::io::stderr(), "{load} {}: {}", found.load_unit, step.words());
        search.note(load, step.held());
        found.steps.push(step);
        if is_last {
            break;
        }
    }
    (found.holds, found.breaks) = (search.holds, search.breaks);
    Ok(found)
}

/// Where to look next. Pure.
#[derive(Debug)]
struct Search {
    from: usize,
    most: usize,
    holds: Option<usize>,
    breaks: Option<usize>,
}

impl Search {
    fn new(settings: &KneeSettings) -> Self {
        let from = settings.from.max(1);
        Self { from, most: settings.most.max(from), holds: None, breaks: None }
    }

    fn note(&mut self, load: usize, held: bool) {
        if held {
            self.holds = self.holds.max(Some(load));
        } else {
            self.breaks = Some(self.breaks.map_or(load, |breaks| breaks.min(load)));
        }
    }

    fn next(&self) -> Option<usize> {
        match (self.holds, self.breaks) {
            (None, None) => Some(self.from),
            (Some(holds), None) => (holds < self.most).then(|| (holds * 2).min(self.most)),
            (None, Some(breaks)) => (breaks > 1).then_some(breaks / 2),
            (Some(holds), Some(breaks)) => {
                let is_close = breaks.saturating_sub(holds) <= (holds / PRECISION).max(1);
                (!is_close).then_some(holds.midpoint(breaks))
            }
        }
    }
}

impl Step {
    fn without_report(load: usize, words: String) -> Self {
        Self { load, broke: vec![words], no_proof: Vec::new(), report: None }
    }

    fn of(load: usize, report: Report) -> Self {
        let mut broke = report.broken();
        broke.truncate(WORDS_MAX);
        let no_proof = report.generator.no_proof.clone();
        Self { load, broke, no_proof, report: Some(report) }
    }

    pub fn held(&self) -> bool {
        self.broke.is_empty()
    }

    /// How it went, in a line.
    pub fn words(&self) -> String {
        let mut words =
            if self.held() { "holds".to_owned() } else { format!("breaks: {}", self.broke.join("; ")) };
        if !self.no_proof.is_empty() {
            words.push_str(&format!(" (no proof: {})", self.no_proof.join("; ")));
        }
        words
    }
}

impl Knee {
    /// Whether any load held.
    pub fn is_good(&self) -> bool {
        self.holds.is_some()
    }

    /// The finding in a sentence.
    pub fn words(&self) -> String {
        let unit = self.load_unit;
        match (self.holds, self.breaks) {
            (Some(holds), Some(breaks)) => format!("{holds} {unit} hold, {breaks} do not"),
            (Some(holds), None) => format!("{holds} {unit} hold, and more was not tried"),
            (None, _) => format!("not even the smallest load holds, 1 of {unit}"),
        }
    }

    /// Why the place may be the load generator's and not the server's: where it broke, and where it held perhaps only
    /// because less was sent.
    pub fn no_proof(&self) -> Vec<String> {
        let is_at = |step: &&Step| [self.holds, self.breaks].contains(&Some(step.load));
        let words = |step: &Step| {
            let load = step.load;
            step.no_proof.iter().map(|words| format!("at {load}: {words}")).collect::<Vec<_>>()
        };
        self.steps.iter().filter(is_at).flat_map(words).collect()
    }
}

impl fmt::Display for Knee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps: Vec<&Step> = self.steps.iter().collect();
        steps.sort_by_key(|step| step.load);
        for step in steps {
            writeln!(f, "{:>6} {}  {}", step.load, self.load_unit, step.words())?;
        }
        for words in self.no_proof() {
            writeln!(f, "no proof       {words}")?;
        }
        write!(f, "{:<14} {}", self.scenario, self.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Chat, Media, Spread};

    /// Tries what the search says, with everything up to `limit` holding.
    fn search(from: usize, most: usize, limit: usize) -> (Search, Vec<usize>) {
        let mut search = Search::new(&KneeSettings { from, most });
        let mut tried = Vec::new();
        while let Some(load) = search.next() {
            assert!(!tried.contains(&load), "{load} again: {tried:?}");
            tried.push(load);
            search.note(load, load <= limit);
        }
        (search, tried)
    }

    #[test]
    fn the_load_is_doubled_until_it_breaks_and_the_place_narrowed_down() {
        let (found, tried) = search(10, 1_000, 117);
        assert_eq!(tried[..5], [10, 20, 40, 80, 160]);
        let (holds, breaks) = (found.holds.expect("some hold"), found.breaks.expect("some do not"));
        assert!(holds <= 117 && breaks > 117 && breaks - holds <= holds / PRECISION, "{holds} {breaks}");
    }

    #[test]
    fn a_small_limit_is_told_exactly() {
        let (found, _) = search(4, 100, 9);
        assert_eq!((found.holds, found.breaks), (Some(9), Some(10)));
    }

    #[test]
    fn a_start_beyond_the_limit_goes_down() {
        let (found, tried) = search(16, 100, 3);
        assert_eq!(tried[..3], [16, 8, 4]);
        assert_eq!((found.holds, found.breaks), (Some(3), Some(4)));
    }

    #[test]
    fn nothing_that_holds_and_nothing_that_breaks_are_findings_too() {
        let (found, _) = search(2, 100, 0);
        assert_eq!((found.holds, found.breaks), (None, Some(1)));
        let (found, tried) = search(3, 10, 1_000);
        assert_eq!((found.holds, found.breaks), (Some(10), None));
        assert_eq!(tried, [3, 6, 10]);
    }

    #[test]
    fn a_search_ends_where_this_program_has_no_more_room() {
        let second = Duration::from_secs(1);
        let rooms = Scenario::SmallRooms { rooms: 1 };
        assert_eq!(with_room(rooms, second, 50_000), 25_000, "of four each");
        assert_eq!(with_room(rooms, second, 300), 300);
        let churn = Scenario::Churn { per_second: 1.0, people: 10, stay: second };
        assert_eq!(with_room(churn, 100 * second, usize::MAX), 999);
        let full = Scenario::Churn { per_second: 1.0, people: PEOPLE_MAX + 1, stay: second };
        assert_eq!(with_room(full, second, 7), 0, "the first load will say so");
    }

    /// A server that serves up to four and then does what is said.
    async fn up_to_four(then: fn() -> Result<Report, ScenarioError>) -> Result<Knee, ScenarioError> {
        let search = Search::new(&KneeSettings { from: 1, most: 100 });
        let run = async |load| if load <= 4 { Ok(Report::default()) } else { then() };
        narrow_down(Knee::default(), search, run).await
    }

    #[tokio::test]
    async fn a_load_that_cannot_be_set_up_after_one_that_held_is_where_it_breaks() {
        let refused = || Err(ScenarioError::Start("refused".into()));
        let found = up_to_four(refused).await.expect("what held is a finding");
        assert_eq!((found.holds, found.breaks), (Some(4), Some(8)));
        assert_eq!(found.steps.last().map(Step::words), Some("breaks: starting a server: refused".into()));
    }

    #[tokio::test]
    async fn a_load_that_nobody_gets_in_with_is_narrowed_down_as_any_other() {
        let found = up_to_four(|| Err(ScenarioError::NobodyIn("full".into()))).await.expect("a finding");
        assert_eq!((found.holds, found.breaks), (Some(4), Some(5)));
    }

    #[tokio::test]
    async fn a_server_that_refuses_the_first_load_is_no_finding() {
        let search = Search::new(&KneeSettings { from: 1, most: 2 });
        let run = async |_| Err(ScenarioError::Start("refused".into()));
        assert!(narrow_down(Knee::default(), search, run).await.is_err());
    }

    #[test]
    fn a_chat_that_is_heard_and_media_that_comes_hold_by_the_usual_thresholds() {
        let spread = Spread { count: 9, p99_ms: 20.0, ..Spread::default() };
        let (mut chat, mut media) = (Report::default(), Report::default());
        chat.chat = Some(Chat { sent: 3, expected: 9, heard: 9, fan_out: spread, ..Chat::default() });
        media.media = Media { expected: 9, received: 9, delay: spread, ..Media::default() };
        for (scenario, report) in [
            (Scenario::ChatStorm { per_second: 1.0, people: 3 }, chat),
            (Scenario::Meeting { people: 3 }, media),
        ] {
            let judged = usual(scenario).judge(&report);
            assert!(!judged.is_empty() && judged.iter().all(|it| it.held), "{judged:?}");
        }
    }

    #[test]
    fn a_load_that_held_is_no_proof_where_less_was_sent_than_planned() {
        let step = |load, words: &str| Step {
            load,
            broke: Vec::new(),
            no_proof: vec![words.to_owned()],
            report: None,
        };
        let steps = vec![step(2, "a"), step(4, "b"), step(5, "c")];
        let knee = Knee { holds: Some(4), breaks: Some(5), steps, ..Knee::default() };
        assert_eq!(knee.no_proof(), ["at 4: b", "at 5: c"]);
    }

    #[test]
    fn the_finding_is_a_sentence() {
        let knee = Knee { load_unit: "viewers", holds: Some(9), breaks: Some(10), ..Knee::default() };
        assert_eq!(knee.words(), "9 viewers hold, 10 do not");
        assert!(knee.is_good() && !Knee::default().is_good());
    }
}
