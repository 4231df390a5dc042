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
    match one(settings, Sending::Grouped, Media::Audio, say).await {
        Err(error) => found.failed(&[figure], &error),
        Ok(grouped) => {
            found.load("audio", &grouped);
            over_single(settings, (figure, Media::Audio), &grouped, say, found).await;
        }
    }
}

/// Divides by the cost with one packet a call, which is measured for it.
pub(super) async fn over_single(
    settings: &Settings,
    (figure, media): (Figure, Media),
    grouped: &Measured,
    say: &dyn Fn(&str),
    found: &mut Found,
) {
    say("the same with one packet a call:");
    match one(settings, Sending::Single, media, say).await {
        Err(error) => found.failed(&[figure], &error),
        Ok(single) => {
            found.load(if media == Media::Audio { "audio, single" } else { "video, single" }, &single);
            let (cost, by_single) = (grouped.cost.as_secs_f64(), single.cost.as_secs_f64());
            let detail = format!("{} viewers: {:.2} / {:.2} µs", grouped.people, cost * 1e6, by_single * 1e6);
            found.table.measured(figure, cost / by_single, detail);
        }
    }
}

async fn one(
    settings: &Settings,
    sending: Sending,
    media: Media,
    say: &dyn Fn(&str),
) -> Result<Measured, PathError> {
    let times = (settings.settle, settings.time);
    let measured =
        cost(&settings.node(), (sending, media), settings.compared(), times, settings.sample).await?;
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
