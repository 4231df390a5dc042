//! One speaker and more and more viewers: what a packet costs beside the limit, and what a viewer takes.

use super::{
    Found, PathError, Settings,
    load::{self, Measured},
    sending,
    stage::{
        AUDIO_PACKETS, FRAMES_PER_SECOND, Media, ONE_ROOM, Sending, Stage, VIDEO_BITRATE_BPS, VIDEO_PACKETS,
    },
};
use crate::{
    egress_limit::{Batching, Workload, cost_per_packet},
    packets::AUDIO_PAYLOAD,
    room::{Counted, FRAME, Media as RoomMedia, Room},
    table::Figure,
};
use std::time::Duration;

/// Packets that the limit is measured with.
const LIMIT_PACKETS: usize = 50_000;

/// Allocations of the engine for each packet it forwards, of video and of sound.
pub(super) fn allocations(found: &mut Found) {
    const SUBSCRIBERS: usize = 10;
    const FRAMES: usize = 100;
    let (mut calls, mut packets) = (0, 0);
    for media in [RoomMedia::Audio, RoomMedia::Video] {
        let Counted { allocations, forwarded } = Room::new(media, SUBSCRIBERS).count_allocations(FRAMES);
        calls += allocations;
        packets += forwarded;
    }
    let detail = format!("{calls} while {packets} packets went through the engine");
    found.table.measured(Figure::Allocations, calls as f64 / packets as f64, detail);
}

/// Loads one after the other.
#[derive(Default)]
struct Loads {
    measured: Vec<Measured>,
    /// Bytes of the process with each.
    memory: Vec<u64>,
    /// Why there are no more.
    failed: Option<String>,
}

/// Everything of a speaker with video.
pub(super) async fn video(settings: &Settings, say: &dyn Fn(&str), found: &mut Found) {
    let figures = [Figure::CostOverLimit, Figure::CostOverSingleVideo, Figure::MemoryReceiving];
    let loads = loads(settings, say, found).await;
    if let (Some(error), true) = (&loads.failed, loads.measured.is_empty()) {
        return figures.iter().for_each(|figure| found.table.not_measured(*figure, error.clone()));
    }
    memory_of_viewers(&loads, found);
    over_limit(settings, &loads, say, found);
    if settings.wants(&[Figure::CostOverSingleVideo]) {
        let figure = (Figure::CostOverSingleVideo, Media::AudioAndVideo);
        sending::over_single(settings, figure, &loads.measured, say, found).await;
    }
}

/// Every load one after the other in one room, until one cannot be set up.
async fn loads(settings: &Settings, say: &dyn Fn(&str), found: &mut Found) -> Loads {
    let mut loads = Loads::default();
    if let Err(error) = fill(settings, say, found, &mut loads).await {
        say(&error.to_string());
        loads.failed = Some(error.to_string());
    }
    loads
}

async fn fill(
    settings: &Settings,
    say: &dyn Fn(&str),
    found: &mut Found,
    loads: &mut Loads,
) -> Result<(), PathError> {
    let mut stage = Stage::open(&settings.node(), Sending::Grouped, ONE_ROOM, settings.sample).await?;
    stage.speak(Media::AudioAndVideo).await?;
    say("one speaker, 1.5 Mbit/s of video in frames of five packets, and sound:");
    for people in settings.people.iter().copied() {
        stage.seat(people).await?;
        stage.watch().await?;
        let measured = load::measure(&stage, settings.settle, settings.time).await?;
        say(&measured.to_string());
        found.load("video", &measured);
        loads.memory.push(stage.memory());
        loads.measured.push(measured);
    }
    // Not counting it changes nothing of what was measured.
    match stage.hush().await {
        Err(error) => say(&format!("what the node sent is not known: {error}")),
        Ok((sent, received)) => {
            let lost = sent.saturating_sub(received);
            say(&format!(
                "the node says it sent {sent} packets, viewers received {received}: {lost} were lost"
            ));
            found.counted = Some((sent, received));
        }
    }
    Ok(())
}

/// What one more viewer takes of the process's memory, between few and many.
fn memory_of_viewers(loads: &Loads, found: &mut Found) {
    let figure = Figure::MemoryReceiving;
    let ends = |all: &[Measured]| Some((all.first()?.clone(), all.last()?.clone()));
    let (Some((few, many)), Some(before), Some(after)) =
        (ends(&loads.measured), loads.memory.first(), loads.memory.last())
    else {
        return;
    };
    if many.people <= few.people {
        let reason = loads.failed.clone().unwrap_or_else(|| "it takes two loads".into());
        return found.table.not_measured(figure, reason);
    }
    let each = after.saturating_sub(*before) as f64 / (many.people - few.people) as f64 / 1e3;
    let detail = format!("memory of the process from {} to {} viewers", few.people, many.people);
    found.table.told(figure, each, [few.doubt(), many.doubt(), loads.failed.clone()], detail);
}

/// Every load beside its limit: the worst counts.
fn over_limit(settings: &Settings, loads: &Loads, say: &dyn Fn(&str), found: &mut Found) {
    let figure = Figure::CostOverLimit;
    if !settings.wants(&[figure]) {
        return;
    }
    let mut beside = Vec::new();
    for measured in &loads.measured {
        match limit(measured.people) {
            Ok(limit) => {
                found.limit("video", measured.people, limit);
                beside.push((measured, limit));
            }
            Err(error) => return found.table.not_measured(figure, format!("the limit: {error}")),
        }
        beside.last().iter().for_each(|it| say(&format!("beside the egress limit, {}", ratio(it).1)));
    }
    judge(&beside, loads.failed.clone(), found);
}

/// Cost in units of the limit, and in words.
fn ratio((measured, limit): &(&Measured, Duration)) -> (f64, String) {
    let (cost, limit) = (measured.cost.as_secs_f64() * 1e6, limit.as_secs_f64() * 1e6);
    let ratio = cost / limit;
    (ratio, format!("{}: {cost:.2} / {limit:.2} µs = {ratio:.2}", measured.people))
}

fn judge(beside: &[(&Measured, Duration)], failed: Option<String>, found: &mut Found) {
    let ratios: Vec<_> = beside.iter().map(|it| (it.0.people, ratio(it))).collect();
    let Some((people, (worst, _))) = ratios.iter().max_by(|a, b| a.1.0.total_cmp(&b.1.0)) else { return };
    let all: Vec<&str> = ratios.iter().map(|(_, (_, words))| words.as_str()).collect();
    let detail = format!("the worst, with {people} viewers; by viewers {}", all.join(", "));
    let doubts = beside.iter().map(|(measured, _)| measured.doubt()).chain([failed]);
    found.table.told(Figure::CostOverLimit, *worst, doubts, detail);
}

/// The limit of what the speaker sends: frames in messages of five packets, sound by itself.
fn limit(peers: usize) -> std::io::Result<Duration> {
    let frame = VIDEO_BITRATE_BPS as usize / 8 / FRAMES_PER_SECOND as usize;
    let video = Workload { payload: frame / FRAME, peers, packets: LIMIT_PACKETS };
    let video = cost_per_packet(Batching::Segments(FRAME), video)?.as_secs_f64();
    let audio = Workload { payload: AUDIO_PAYLOAD, peers, packets: LIMIT_PACKETS };
    let audio = cost_per_packet(Batching::Many, audio)?.as_secs_f64();
    let all = VIDEO_PACKETS + AUDIO_PACKETS;
    Ok(Duration::from_secs_f64((video * VIDEO_PACKETS + audio * AUDIO_PACKETS) / all))
}

#[cfg(test)]
mod tests {
    use super::{super::load::tests::delivered, *};

    #[test]
    fn the_worst_load_is_judged_and_all_are_told() {
        let (few, many) = (delivered(20, 3.0), delivered(1000, 1.0));
        let limit = Duration::from_micros(1);
        let mut found = Found::default();
        judge(&[(&few, limit), (&many, limit)], None, &mut found);
        assert_eq!(found.table.value(Figure::CostOverLimit), Some(3.0));
        assert!(!found.table.holds(Figure::CostOverLimit));
        let told = found.table.json()["cost_over_limit"]["detail"].to_string();
        assert!(told.contains("with 20 viewers") && told.contains("1000: 1.00 / 1.00 µs = 1.00"), "{told}");
        judge(&[(&many, limit)], None, &mut found);
        assert!(found.table.holds(Figure::CostOverLimit));
        let short = Measured { packets_per_second: 1.0, ..many.clone() };
        judge(&[(&short, limit)], None, &mut found);
        assert!(!found.table.holds(Figure::CostOverLimit), "not delivered");
        judge(&[(&many, limit)], Some("2000 did not get in".into()), &mut found);
        assert!(!found.table.holds(Figure::CostOverLimit), "one load is not there");
    }

    #[test]
    fn loads_before_one_that_failed_still_count() {
        let loads = Loads {
            measured: vec![delivered(20, 1.0), delivered(100, 1.0)],
            memory: vec![1_000_000, 9_000_000],
            failed: Some("no sockets".into()),
        };
        let mut found = Found::default();
        memory_of_viewers(&loads, &mut found);
        assert_eq!(found.table.value(Figure::MemoryReceiving), Some(100.0));
        let told = found.table.json()["memory_receiving_peer"]["detail"].to_string();
        assert!(told.contains("no sockets") && !found.table.holds(Figure::MemoryReceiving), "{told}");
    }
}
