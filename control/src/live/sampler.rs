//! Media figures of one running meeting, asked of its node every few seconds and kept for whoever wants to know: a
//! hundred people who look at the statistics cost the node one request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use plenum_shared::command::{Reply, RoomCommand, RoomStats};
use plenum_shared::id::RoomId;
use time::OffsetDateTime;

use super::{Handle, Live};
use crate::domain::analytics::Traffic;
use crate::domain::id::MeetingId;
use crate::domain::live::LiveMeeting;

/// How often (RT-16).
pub const SAMPLED_EVERY: Duration = Duration::from_secs(5);
/// The end of a meeting does not wait longer than this for its last figures.
const LAST_SAMPLE_MAX: Duration = Duration::from_millis(500);

/// The newest figures of a meeting; none until it has media.
pub(super) type Latest = Arc<Mutex<Option<Sample>>>;

/// What a node said.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub at: OffsetDateTime,
    pub stats: RoomStats,
}

/// Samples until the meeting's task has ended.
pub(super) async fn run(live: Live, meeting: MeetingId, handle: Handle) {
    // Not at once: a task whose first job is ours, before the one it was started for, would find itself idle and end.
    let first = tokio::time::Instant::now() + live.0.sample_every;
    let mut ticks = tokio::time::interval_at(first, live.0.sample_every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = handle.jobs.closed() => return,
            _ = ticks.tick() => {}
        }
        let Some(room) = live.look(meeting, LiveMeeting::room).await else { return };
        let sample = take(&live, meeting, room).await;
        *handle.sample.lock().unwrap_or_else(PoisonError::into_inner) = sample;
    }
}

/// The bytes of a room that is about to be closed.
pub(super) async fn take_last(live: &Live, meeting: MeetingId, room: RoomId) {
    // Without an answer the sample before counts.
    let _ = tokio::time::timeout(LAST_SAMPLE_MAX, take(live, meeting, room)).await;
}

async fn take(live: &Live, meeting: MeetingId, room: RoomId) -> Option<Sample> {
    if !live.0.fleet.is_open(room) {
        return None;
    }
    let Ok(Reply::Stats(stats)) = live.0.fleet.request(room, RoomCommand::Stats).await else { return None };
    let traffic = Traffic { received: stats.received_bytes, sent: stats.sent_bytes };
    live.0.facts.note_traffic(meeting, room, traffic);
    Some(Sample { at: live.0.clock.now(), stats })
}
