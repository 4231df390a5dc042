//! The same load sent in groups and with one packet a call.

use super::{
    Found, PathError, Settings,
    load::{self, Measured},
    stage::{Media, ONE_ROOM, Sending, Stage},
};
use crate::table::Figure;
use std::{path::Path, time::Duration};

/// Sound alone, both ways.
pub(super) async fn audio(settings: &Settings, say: &dyn Fn(&str), found: &mut Found) {
    let figure = Figure::CostOverSingleAudio;
    say("one speaker, sound alone:");
    match one(settings, (Sending::Grouped, Media::Audio), settings.compared(), say).await {
        Err(error) => found.failed(&[figure], &error),
        Ok(grouped) => {
            found.load("audio", &grouped);
            over_single(settings, (figure, Media::Audio), &[grouped], say, found).await;
        }
    }
}

/// Divides by the cost with one packet a call, which is measured for it: of the largest load of these that both deliver.
///
/// What a server drops or leaves out is not among the packets that its time is divided by.
pub(super) async fn over_single(
    settings: &Settings,
    (figure, media): (Figure, Media),
    grouped: &[Measured],
    say: &dyn Fn(&str),
    found: &mut Found,
) {
    say("the same with one packet a call:");
    for grouped in largest_first(grouped) {
        match one(settings, (Sending::Single, media), grouped.people, say).await {
            Err(error) if found.table.value(figure).is_none() => found.failed(&[figure], &error),
            Err(error) => say(&error.to_string()),
            Ok(single) => {
                found.load(if media == Media::Audio { "audio, single" } else { "video, single" }, &single);
                judge(figure, grouped, &single, found);
                if single.doubt().is_none() {
                    return;
                }
            }
        }
    }
}

/// Those that were delivered; without any the largest, which is said to be in doubt.
fn largest_first(grouped: &[Measured]) -> Vec<&Measured> {
    let mut all: Vec<&Measured> = grouped.iter().filter(|it| it.doubt().is_none()).collect();
    if all.is_empty() {
        return grouped.last().into_iter().collect();
    }
    all.sort_by_key(|it| std::cmp::Reverse(it.people));
    all
}

fn judge(figure: Figure, grouped: &Measured, single: &Measured, found: &mut Found) {
    let (cost, by_single) = (grouped.cost.as_secs_f64(), single.cost.as_secs_f64());
    let detail = format!("{} viewers: {:.2} / {:.2} µs", grouped.people, cost * 1e6, by_single * 1e6);
    let one_a_call = single.doubt().map(|doubt| format!("one packet a call {doubt}"));
    found.table.told(figure, cost / by_single, [grouped.doubt(), one_a_call], detail);
}

async fn one(
    settings: &Settings,
    what: (Sending, Media),
    people: usize,
    say: &dyn Fn(&str),
) -> Result<Measured, PathError> {
    let times = (settings.settle, settings.time);
    let measured = cost(&settings.node(), what, people, times, settings.sample).await?;
    say(&measured.to_string());
    Ok(measured)
}

/// A node of its own with so many viewers, measured for the second of the times after the first.
///
/// # Errors
/// A node that does not start, or people who do not get in.
pub async fn cost(
    node: &Path,
    (sending, media): (Sending, Media),
    people: usize,
    (settle, time): (Duration, Duration),
    sample: u32,
) -> Result<Measured, PathError> {
    let mut stage = Stage::open(node, sending, ONE_ROOM, sample).await?;
    stage.speak(media).await?;
    stage.seat(people).await?;
    stage.watch().await?;
    load::measure(&stage, settle, time).await
}

#[cfg(test)]
mod tests {
    use super::{super::load::tests::delivered, *};

    #[test]
    fn a_quotient_holds_only_when_both_delivered_the_load() {
        let (grouped, single) = (delivered(300, 1.0), delivered(300, 4.0));
        let figure = Figure::CostOverSingleVideo;
        let holds = |grouped: &Measured, single: &Measured| {
            let mut found = Found::default();
            judge(figure, grouped, single, &mut found);
            assert_eq!(found.table.value(figure), Some(0.25));
            found.table.holds(figure)
        };
        assert!(holds(&grouped, &single));
        assert!(!holds(&grouped, &Measured { missing: 50_000, ..single.clone() }));
        assert!(!holds(&grouped, &Measured { packets_per_second: 9_000.0, ..single.clone() }));
        assert!(!holds(&Measured { wrong: 1, ..grouped }, &single));
    }

    #[test]
    fn loads_that_were_not_delivered_are_not_compared() {
        let short = |people| Measured { missing: 1, ..delivered(people, 1.0) };
        let people = |all: &[Measured]| largest_first(all).iter().map(|it| it.people).collect::<Vec<_>>();
        assert_eq!(people(&[delivered(20, 1.0), delivered(100, 1.0), short(1000)]), [100, 20]);
        assert_eq!(people(&[short(20), short(100)]), [100], "it will say so");
    }
}
