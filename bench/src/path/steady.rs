//! One speaker and more and more viewers: what a packet costs beside the limit, and what a viewer takes.

use super::{
    Found, PathError, Settings,
    load::{self, Measured},
    sending,
    stage::{FRAMES_PER_SECOND, Media, ONE_ROOM, Sending, Stage, VIDEO_BITRATE_BPS},
};
use crate::{
    allocations,
    egress_limit::{Batching, Workload, cost_per_packet},
    packets::AUDIO_PAYLOAD,
    room::{FRAME, Media as RoomMedia, Room},
    table::Figure,
};
use std::time::Duration;

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
    let figures = [Figure::CostOverLimit, Figure::CostOverSingleVideo, Figure::MemoryReceiving];
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

/// Every load one after the other in one room.
async fn loads(
    settings: &Settings,
    say: &dyn Fn(&str),
    found: &mut Found,
) -> Result<Vec<Measured>, PathError> {
    let mut stage = Stage::open(&settings.node(), Sending::Grouped, ONE_ROOM, settings.sample).await?;
    stage.speak(Media::AudioAndVideo).await?;
    say("one speaker, 1.5 Mbit/s of video in frames of five packets, and sound:");
    let mut all = Vec::new();
    let mut memory = Vec::new();
    for people in settings.people.iter().copied() {
        stage.seat(people).await?;
        stage.watch().await?;
        let measured = load::measure(&stage, settings.settle, settings.time).await?;
        say(&measured.to_string());
        found.load("video", &measured);
        memory.push((people, stage.memory()));
        all.push(measured);
    }
    memory_of_viewers(&memory, found);
    let (sent, received) = stage.hush().await?;
    let lost = sent.saturating_sub(received);
    say(&format!("the node says it sent {sent} packets, viewers received {received}: {lost} were lost"));
    Ok(all)
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

/// The largest load counts, and all are told.
fn over_limit(settings: &Settings, measured: &[Measured], say: &dyn Fn(&str), found: &mut Found) {
    let figure = Figure::CostOverLimit;
    if !settings.wants(&[figure]) {
        return;
    }
    let mut ratios = Vec::new();
    let mut details = Vec::new();
    for measured in measured {
        let limit = match limit(measured.people) {
            Ok(limit) => limit,
            Err(error) => return found.table.not_measured(figure, format!("the limit: {error}")),
        };
        found.limit("video", measured.people, limit);
        let ratio = measured.cost.as_secs_f64() / limit.as_secs_f64();
        let (cost, limit) = (measured.cost.as_secs_f64() * 1e6, limit.as_secs_f64() * 1e6);
        let detail = format!("{}: {cost:.2} / {limit:.2} µs = {ratio:.2}", measured.people);
        say(&format!("beside the egress limit, {detail}"));
        details.push(detail);
        ratios.push((measured, ratio));
    }
    let Some((largest, ratio)) = ratios.last() else { return };
    let detail = format!("with {} viewers; by viewers {}", largest.people, details.join(", "));
    if largest.missing > 0 {
        let doubt = format!("{} packets did not arrive", largest.missing);
        return found.table.measured_otherwise(figure, *ratio, doubt, detail);
    }
    found.table.measured(figure, *ratio, detail);
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
