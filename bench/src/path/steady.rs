//! One speaker and more and more viewers: what a packet costs beside the limit, how long it is inside, what a viewer takes.

use super::{
    Found, PathError, Settings,
    load::{self, Measured},
    sending,
    stage::{FRAMES_PER_SECOND, Media, Sending, Stage, VIDEO_BITRATE_BPS},
};
use crate::{
    allocations,
    egress_limit::{Batching, Workload, cost_per_packet},
    packets::AUDIO_PAYLOAD,
    room::{FRAME, Media as RoomMedia, Room},
    table::Figure,
};
use std::time::Duration;

/// The load at which a packet's time inside counts, and how near to it counts as being there.
const LOAD: f64 = 0.7;
const LOAD_NEAR: std::ops::RangeInclusive<f64> = 0.6..=0.8;
/// Packets that the limit is measured with.
const LIMIT_PACKETS: usize = 50_000;
/// Of each speaker's packets in a second.
const AUDIO_PACKETS: f64 = 50.0;
const VIDEO_PACKETS: f64 = FRAMES_PER_SECOND as f64 * FRAME as f64;

/// Allocations of the engine for each packet it forwards, of video and of sound.
pub(super) fn allocations(found: &mut Found) {
    const SUBSCRIBERS: usize = 10;
    const FRAMES: usize = 100;
    let (mut calls, mut forwarded) = (0, 0);
    for media in [RoomMedia::Audio, RoomMedia::Video] {
        let mut room = Room::new(media, SUBSCRIBERS);
        for _ in 0..FRAMES {
            let mut frame = room.sealed_frame();
            let before = allocations::calls_here();
            forwarded += room.forward(&mut frame);
            calls += allocations::calls_here() - before;
            room.rest();
        }
    }
    let detail = format!("{calls} while {forwarded} packets went through the engine");
    found.table.measured(Figure::Allocations, calls as f64 / forwarded as f64, detail);
}

/// Everything of a speaker with video.
pub(super) async fn video(settings: &Settings, say: &dyn Fn(&str), found: &mut Found) {
    let figures = [
        Figure::CostOverLimit,
        Figure::CostOverSingleVideo,
        Figure::TimeInsideMedian,
        Figure::TimeInsideP99,
        Figure::MemoryReceiving,
    ];
    match loads(settings, say, found).await {
        Err(error) => found.failed(&figures, &error),
        Ok(measured) => {
            over_limit(settings, &measured, say, found);
            let compared = measured.iter().find(|it| it.people == settings.compared());
            if let Some(grouped) = compared.filter(|_| settings.wants(&[Figure::CostOverSingleVideo])) {
                let figure = (Figure::CostOverSingleVideo, Media::AudioAndVideo);
                sending::over_single(settings, figure, grouped, say, found).await;
            }
        }
    }
}

/// Every load one after the other in one room, and between them the one that takes 70 % of a core.
async fn loads(
    settings: &Settings,
    say: &dyn Fn(&str),
    found: &mut Found,
) -> Result<Vec<Measured>, PathError> {
    let mut stage = Stage::open(&settings.node(), Sending::Grouped, settings.sample).await?;
    stage.speak(Media::AudioAndVideo).await?;
    say("one speaker, 1.5 Mbit/s of video in frames of five packets, and sound:");
    let mut all = Vec::new();
    let mut memory = Vec::new();
    let mut busy: Option<Measured> = None;
    let mut counts = settings.people.iter().copied().peekable();
    while let Some(people) = counts.next() {
        let measured = step(&mut stage, people, settings, say, found).await?;
        memory.push((people, stage.memory()));
        let wanted = (people as f64 * LOAD / measured.load) as usize;
        all.push(measured);
        let fits_here = wanted >= people && counts.peek().is_none_or(|next| wanted < *next);
        if fits_here && settings.wants(&[Figure::TimeInsideMedian, Figure::TimeInsideP99]) {
            busy = Some(step(&mut stage, wanted.min(settings.people_max), settings, say, found).await?);
        }
    }
    time_inside(busy.as_ref().or(all.last()), found);
    memory_of_viewers(&memory, found);
    let (sent, received) = stage.hush().await?;
    let lost = sent.saturating_sub(received);
    say(&format!("the node says it sent {sent} packets, viewers received {received}: {lost} were lost"));
    Ok(all)
}

async fn step(
    stage: &mut Stage,
    people: usize,
    settings: &Settings,
    say: &dyn Fn(&str),
    found: &mut Found,
) -> Result<Measured, PathError> {
    stage.seat(people).await?;
    stage.watch().await?;
    let measured = load::measure(stage, settings.settle, settings.time).await?;
    say(&measured.to_string());
    found.load("video", &measured);
    Ok(measured)
}

fn time_inside(busy: Option<&Measured>, found: &mut Found) {
    let Some(busy) = busy else { return };
    let delays = &busy.delays.video;
    let detail = format!(
        "{} packets of video from their sending to their arrival, {} viewers, {:.0} % of a core; sound {:.2} and {:.2} ms; \
         the target of the median includes 1 ms that a packet may wait for the rest of its frame",
        delays.count(),
        busy.people,
        busy.load * 100.0,
        busy.delays.audio.quantile_ns(0.5) as f64 / 1e6,
        busy.delays.audio.quantile_ns(0.99) as f64 / 1e6,
    );
    for (figure, quantile) in [(Figure::TimeInsideMedian, 0.5), (Figure::TimeInsideP99, 0.99)] {
        let value = delays.quantile_ns(quantile) as f64 / 1e6;
        if LOAD_NEAR.contains(&busy.load) {
            found.table.measured(figure, value, detail.clone());
        } else {
            let doubt = format!("not at {:.0} % of a core", LOAD * 100.0);
            found.table.measured_otherwise(figure, value, doubt, detail.clone());
        }
    }
}

/// What one more viewer takes of the process's memory, between few and many.
fn memory_of_viewers(memory: &[(usize, u64)], found: &mut Found) {
    let figure = Figure::MemoryReceiving;
    let (Some((few, before)), Some((many, after))) = (memory.first(), memory.last()) else { return };
    if many <= few {
        return found.table.not_measured(figure, "it takes two loads".into());
    }
    let each = after.saturating_sub(*before) as f64 / (many - few) as f64 / 1e3;
    found.table.measured(figure, each, format!("memory of the process from {few} to {many} viewers"));
}

/// The worst of all loads counts.
fn over_limit(settings: &Settings, measured: &[Measured], say: &dyn Fn(&str), found: &mut Found) {
    let figure = Figure::CostOverLimit;
    if !settings.wants(&[figure]) {
        return;
    }
    let mut worst: f64 = 0.0;
    let mut details = Vec::new();
    for measured in measured {
        let limit = match limit(measured.people) {
            Ok(limit) => limit,
            Err(error) => return found.table.not_measured(figure, format!("the limit: {error}")),
        };
        let ratio = measured.cost.as_secs_f64() / limit.as_secs_f64();
        worst = worst.max(ratio);
        let (cost, limit) = (measured.cost.as_secs_f64() * 1e6, limit.as_secs_f64() * 1e6);
        let detail = format!("{}: {cost:.2} / {limit:.2} µs = {ratio:.2}", measured.people);
        say(&format!("beside the egress limit, {detail}"));
        details.push(detail);
    }
    found.table.measured(figure, worst, format!("the worst of: {}", details.join(", ")));
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
