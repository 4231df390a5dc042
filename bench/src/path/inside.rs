//! How long packets are inside while the worker is busy: many rooms of twenty, whose speakers know nothing of each other.
//!
//! In one room of two thousand all copies of a frame fall due at one moment, and the last waits for all the others however fast
//! each is: that would say how large the room is.

use super::{
    Found, PathError, Settings,
    load::{self, Measured},
    stage::{Media, Sending, Stage},
};
use crate::table::Figure;
use std::{ops::RangeInclusive, time::Duration};

/// The share of a core that is looked for, and what is near enough.
const LOAD: f64 = 0.7;
const LOAD_NEAR: RangeInclusive<f64> = 0.65..=0.78;
const ROOM_SIZE: usize = 20;
/// Viewers to begin with.
const FIRST: usize = 200;
/// Steps until the load is near enough.
const STEPS: usize = 4;

pub(super) async fn measure(settings: &Settings, say: &dyn Fn(&str), found: &mut Found) {
    say("rooms of twenty viewers, as many as take 70 % of a core:");
    match busy(settings, say).await {
        Err(error) => found.failed(&[Figure::TimeInsideMedian, Figure::TimeInsideP99], &error),
        Ok(Busy { rooms, measured, failed }) => {
            found.load("rooms of 20", &measured);
            tell(rooms, &measured, failed, found);
        }
    }
}

struct Busy {
    rooms: usize,
    measured: Measured,
    /// Why there is no step after it.
    failed: Option<String>,
}

async fn busy(settings: &Settings, say: &dyn Fn(&str)) -> Result<Busy, PathError> {
    let mut stage = Stage::open(&settings.node(), Sending::Grouped, ROOM_SIZE, settings.sample).await?;
    stage.speak(Media::AudioAndVideo).await?;
    let mut people = FIRST.min(settings.people_max);
    let mut step = 0;
    let mut last: Option<Busy> = None;
    loop {
        let measured = match (more(&mut stage, people, settings).await, last) {
            (Ok(measured), _) => measured,
            (Err(error), Some(busy)) => return Ok(Busy { failed: Some(error.to_string()), ..busy }),
            (Err(error), None) => return Err(error),
        };
        say(&measured.to_string());
        // A busy worker wakes less often for the same, so the first guesses are too low, and nobody has to leave again.
        let wanted = ((people as f64 * LOAD / measured.load.max(0.01)) as usize).min(settings.people_max);
        step += 1;
        // A worker that does not get the core it wants seems to be less busy than it is.
        let is_over = measured.missing > 0 || wanted <= people || step == STEPS;
        let is_near = LOAD_NEAR.contains(&measured.load);
        let busy = Busy { rooms: stage.rooms(), measured, failed: None };
        if is_near || is_over {
            return Ok(busy);
        }
        last = Some(busy);
        people = wanted;
    }
}

async fn more(stage: &mut Stage, people: usize, settings: &Settings) -> Result<Measured, PathError> {
    stage.seat(people).await?;
    stage.watch().await?;
    load::measure(stage, settings.settle, settings.time).await
}

fn tell(rooms: usize, busy: &Measured, failed: Option<String>, found: &mut Found) {
    let (video, audio) = (&busy.delays.video, &busy.delays.audio);
    let ms = |time: u64| Duration::from_nanos(time).as_secs_f64() * 1e3;
    let detail = format!(
        "{} packets of video from their sending to their arrival, {rooms} rooms with {} viewers, {:.0} % of a core, {} packets \
         missing; sound {:.2} and {:.2} ms; a packet of video may wait 1 ms for the rest of its frame, which the target of the \
         median includes",
        video.count(),
        busy.people,
        busy.load * 100.0,
        busy.missing,
        ms(audio.quantile_ns(0.5)),
        ms(audio.quantile_ns(0.99)),
    );
    for (figure, quantile) in [(Figure::TimeInsideMedian, 0.5), (Figure::TimeInsideP99, 0.99)] {
        let value = ms(video.quantile_ns(quantile));
        let is_near = LOAD_NEAR.contains(&busy.load);
        let other_load = (!is_near).then(|| format!("not at {:.0} % of a core", LOAD * 100.0));
        found.table.told(figure, value, [other_load, busy.doubt(), failed.clone()], detail.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::{super::load::tests::delivered, *};

    #[test]
    fn time_inside_counts_at_the_load_asked_for_and_with_every_packet() {
        let holds = |busy: Measured, failed: Option<String>| {
            let mut found = Found::default();
            tell(10, &busy, failed, &mut found);
            assert!(found.table.value(Figure::TimeInsideP99).is_some());
            found.table.holds(Figure::TimeInsideP99)
        };
        let busy = delivered(200, 1.0);
        assert!(holds(busy.clone(), None));
        assert!(!holds(Measured { load: 0.5, ..busy.clone() }, None));
        assert!(!holds(Measured { missing: 9999, ..busy.clone() }, None));
        assert!(!holds(Measured { load: 0.5, ..busy }, Some("no sockets".into())));
    }
}
