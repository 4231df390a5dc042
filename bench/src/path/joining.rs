//! How long it takes to be in a meeting of the whole product: real bots that come and go.

use super::{Found, PathError, Settings};
use crate::table::Figure;
use plenum_loadtest::{
    demo::Demo,
    report::{Report, Spread},
    scenario::{MediaSettings, RunSettings, Scenario, VenueSettings, run},
};
use std::time::Duration;

/// One publishes while others come, watch and go. It finds nobody's picture, so all joins to one are visitors'.
const PEOPLE: usize = 1;
const JOINS_PER_SECOND: f64 = 8.0;
const STAY: Duration = Duration::from_millis(1500);
const TIME: Duration = Duration::from_secs(10);

pub(super) async fn measure(settings: &Settings, say: &dyn Fn(&str), found: &mut Found) {
    let figures = [Figure::JoinMedian, Figure::JoinP99];
    match report(settings).await {
        Err(error) => found.failed(&figures, &error),
        Ok(report) => {
            let joins = report.join.first_video;
            say(&format!(
                "joining: {:.0} ms, p99 {:.0} ms of {} joins",
                joins.p50_ms, joins.p99_ms, joins.count
            ));
            judge(joins, report.problems.first(), found);
        }
    }
}

/// Whoever asks for what somebody published who has just left is refused, and has joined all the same.
fn judge(joins: Spread, problem: Option<&String>, found: &mut Found) {
    let expected = (JOINS_PER_SECOND * TIME.as_secs_f64()) as u64;
    let unseen = expected.saturating_sub(joins.count);
    let problem = problem.map(|it| format!("; {it}")).unwrap_or_default();
    if joins.count == 0 {
        let reason = format!("nobody of {expected} saw a picture{problem}");
        found.table.not_measured(Figure::JoinMedian, reason.clone());
        return found.table.not_measured(Figure::JoinP99, reason);
    }
    let detail = format!(
        "{} of {expected} joins of bots through the product, from the connected Socket.IO to the first packets of a picture, \
         which leave whole; no decoder",
        joins.count
    );
    // Whoever saw nothing was slower than all the others: they shift the median little as long as they are few.
    let doubt = |share_max: f64| {
        let is_too_many = unseen as f64 > share_max * expected as f64;
        is_too_many.then(|| format!("{unseen} of {expected} saw no picture while they were there{problem}"))
    };
    found.table.told(Figure::JoinMedian, joins.p50_ms, [doubt(0.05)], detail.clone());
    found.table.told(Figure::JoinP99, joins.p99_ms, [doubt(0.0)], detail);
}

async fn report(settings: &Settings) -> Result<Report, PathError> {
    let demo = Demo::start(&settings.programs.join("plenum"), &[]).await?;
    let venue = VenueSettings::Product(demo.settings());
    let scenario = Scenario::Churn { per_second: JOINS_PER_SECOND, people: PEOPLE, stay: STAY };
    let media = MediaSettings { simulcast: false, video_bitrate_bps: 500_000, ..MediaSettings::default() };
    // Whoever comes last has as long for its first picture as all the others.
    let settings = RunSettings { media, duration: TIME, overtime: STAY, ..RunSettings::new(venue, scenario) };
    let report = run(&settings).await;
    // Whatever came of it: a media node that is left behind would be there beside what is measured next.
    demo.stop().await?;
    Ok(report?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_never_saw_a_picture_is_not_left_out() {
        let judged = |count| {
            let mut found = Found::default();
            judge(Spread { count, p50_ms: 90.0, p99_ms: 200.0, ..Spread::default() }, None, &mut found);
            [Figure::JoinMedian, Figure::JoinP99].map(|figure| found.table.holds(figure))
        };
        assert_eq!(judged(80), [true, true]);
        assert_eq!(judged(79), [true, false], "the slowest of eighty is their p99");
        assert_eq!((judged(70), judged(0)), ([false, false], [false, false]));
    }
}
