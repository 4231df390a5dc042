//! Numbers about meetings and the platform (KCS-16 to KCS-18, KCS-20).

use serde::Serialize;
use utoipa::ToSchema;

use super::envelope::Timestamp;
use super::words::{EngagementWord, HealthWord, QualityWord, RoleWord};
use crate::domain::analytics::{Analytics, PersonAnalytics};
use crate::domain::id::{ParticipantId, RecordingId, UserId};
use crate::domain::recording::{RecordingFile, StoredRecording};
use crate::fleet::NodeLoad;
use crate::service::statistics::{Machines, Moment, SystemStats};

/// A moment of a running meeting (KCS-18). Media figures are taken every five seconds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LiveStatsView {
    /// Distinct persons inside.
    current_participants: u32,
    /// Most persons inside at one moment so far.
    participants_peak: u32,
    #[schema(example = 12.5)]
    duration_minutes: f64,
    chat_messages: u64,
    /// Participant ids of those who speak now, the loudest first.
    #[schema(value_type = Vec<String>)]
    active_speakers: Vec<ParticipantId>,
    raised_hands: usize,
    screen_sharing: bool,
    recording_active: bool,
    bandwidth_usage: BandwidthView,
    quality_metrics: QualityMetricsView,
    /// When the media plane was last asked; null when the meeting has no media.
    #[schema(required)]
    sampled_at: Option<Timestamp>,
}

/// What flows through a meeting, both directions together, in megabits per second.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct BandwidthView {
    #[schema(example = 4.812)]
    total_mbps: f64,
    #[schema(example = 1.604)]
    per_participant_avg: f64,
}

/// How well the media of a meeting does. What nothing was measured for is null.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct QualityMetricsView {
    /// Lines of the average picture that is shown to somebody.
    #[schema(required, example = "720p")]
    average_video_quality: Option<String>,
    #[schema(required)]
    connection_quality: Option<QualityWord>,
    /// Mean round trip.
    #[schema(required, example = 23.5)]
    latency_ms: Option<f64>,
    #[schema(required, example = 0.12)]
    packet_loss_percent: Option<f64>,
}

/// The view of a moment.
pub fn live_stats(moment: &Moment) -> LiveStatsView {
    let Moment { stats, duration_minutes } = moment;
    let media = &stats.media;
    LiveStatsView {
        current_participants: stats.participants,
        participants_peak: stats.participants_peak,
        duration_minutes: *duration_minutes,
        chat_messages: stats.chat_messages,
        active_speakers: stats.active_speakers.clone(),
        raised_hands: stats.raised_hands,
        screen_sharing: stats.screen_sharing,
        recording_active: stats.recording,
        bandwidth_usage: BandwidthView {
            total_mbps: media.total_mbps,
            per_participant_avg: rounded(media.total_mbps / f64::from(stats.participants.max(1)), 3),
        },
        quality_metrics: QualityMetricsView {
            average_video_quality: media.video_height.map(|height| format!("{height}p")),
            connection_quality: media.quality.map(Into::into),
            latency_ms: media.latency_ms,
            packet_loss_percent: media.packet_loss_percent,
        },
        sampled_at: stats.sampled_at.map(Timestamp),
    }
}

/// A meeting that is over, in numbers (KCS-17). Durations are minutes with one decimal.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AnalyticsView {
    #[schema(example = 45.0)]
    duration_minutes: f64,
    /// Most persons inside at one moment.
    peak_participants: u32,
    /// Mean attendance.
    #[schema(example = 7.25)]
    average_participants: f64,
    /// Distinct persons who were inside.
    total_participants_joined: u32,
    total_chat_messages: u64,
    /// Minutes in which at least one screen was shown.
    screen_share_duration: f64,
    /// Minutes that were recorded while somebody was inside.
    recording_duration: f64,
    participant_engagement: EngagementView,
    /// 0 to 100, weighted by time; null without media.
    #[schema(required, example = 93.8)]
    connection_quality_avg: Option<f64>,
    /// Bytes, both directions together.
    bandwidth_usage: u64,
    started_at: Timestamp,
    ended_at: Timestamp,
    bandwidth_bytes: BytesView,
    /// Minutes of one step of `timeline`.
    #[schema(minimum = 1)]
    timeline_step_minutes: i64,
    /// Without gaps from minute 0, at most 240 steps.
    timeline: Vec<StepView>,
    /// When screens were shown, overlapping ones joined; at most 200.
    screen_shares: Vec<SpanView>,
    /// When it was recorded; at most 200.
    recordings: Vec<SpanView>,
    interactions: InteractionsView,
    /// The most frequent first, at most 20.
    reactions: Vec<ReactionCountView>,
    connection_quality: QualityMinutesView,
    /// Everybody who was inside, the longest present first, at most 1000; null for whoever does not run the meeting.
    #[schema(required)]
    people: Option<Vec<PersonView>>,
}

/// How many people took part much, somewhat and hardly.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct EngagementView {
    high_engagement: u32,
    medium_engagement: u32,
    low_engagement: u32,
}

/// Bytes the media plane received from people and sent to them.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct BytesView {
    received: u64,
    sent: u64,
}

/// One step of a meeting.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct StepView {
    /// Where it begins.
    minute: i64,
    /// Most persons inside at one moment of it.
    participants: u32,
    messages: u64,
    reactions: u64,
}

/// A stretch of a meeting.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct SpanView {
    start_minute: f64,
    end_minute: f64,
}

/// How often people took part, by kind.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct InteractionsView {
    messages: u64,
    reactions: u64,
    hands: u64,
    unmutes: u64,
    shares: u64,
}

/// How often one reaction was sent.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct ReactionCountView {
    #[schema(example = "👍")]
    reaction: String,
    count: u64,
}

/// Minutes of connections of each quality, summed over everybody.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct QualityMinutesView {
    excellent_minutes: f64,
    good_minutes: f64,
    fair_minutes: f64,
    poor_minutes: f64,
}

/// One person over a whole meeting.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct PersonView {
    /// Null for people without an account.
    #[schema(value_type = Option<String>, required)]
    user_id: Option<UserId>,
    #[schema(example = "Milan Member")]
    name: String,
    role: RoleWord,
    first_joined_at: Timestamp,
    last_left_at: Timestamp,
    /// How often the person came in.
    sessions: u32,
    present_minutes: f64,
    #[schema(minimum = 0, maximum = 100)]
    present_percent: f64,
    messages: u64,
    reactions: u64,
    hands: u64,
    unmutes: u64,
    shares: u64,
    engagement: EngagementWord,
    #[schema(required)]
    connection_quality_avg: Option<f64>,
}

/// The view of a meeting that is over; with people one by one for those who ran it.
pub fn analytics(of: &Analytics, shows_people: bool) -> AnalyticsView {
    let [high_engagement, medium_engagement, low_engagement] = of.engagement;
    let [excellent_minutes, good_minutes, fair_minutes, poor_minutes] = of.quality_minutes;
    AnalyticsView {
        duration_minutes: of.duration_minutes,
        peak_participants: of.peak,
        average_participants: of.average,
        total_participants_joined: of.persons,
        total_chat_messages: of.messages,
        screen_share_duration: of.screen_minutes,
        recording_duration: of.recording_minutes,
        participant_engagement: EngagementView { high_engagement, medium_engagement, low_engagement },
        connection_quality_avg: of.quality,
        bandwidth_usage: of.traffic.received.saturating_add(of.traffic.sent),
        started_at: Timestamp(of.started_at),
        ended_at: Timestamp(of.ended_at),
        bandwidth_bytes: BytesView { received: of.traffic.received, sent: of.traffic.sent },
        timeline_step_minutes: of.step_minutes,
        timeline: of
            .timeline
            .iter()
            .map(|step| StepView {
                minute: step.minute,
                participants: step.participants,
                messages: step.messages,
                reactions: step.reactions,
            })
            .collect(),
        screen_shares: spans(&of.screens),
        recordings: spans(&of.recordings),
        interactions: InteractionsView {
            messages: of.acts.messages,
            reactions: of.acts.reactions,
            hands: of.acts.hands,
            unmutes: of.acts.unmutes,
            shares: of.acts.shares,
        },
        reactions: of
            .reactions
            .iter()
            .map(|(reaction, count)| ReactionCountView { reaction: reaction.clone(), count: *count })
            .collect(),
        connection_quality: QualityMinutesView {
            excellent_minutes,
            good_minutes,
            fair_minutes,
            poor_minutes,
        },
        people: shows_people.then(|| of.people.iter().map(person).collect()),
    }
}

fn spans(minutes: &[(f64, f64)]) -> Vec<SpanView> {
    minutes.iter().map(|&(start_minute, end_minute)| SpanView { start_minute, end_minute }).collect()
}

fn person(person: &PersonAnalytics) -> PersonView {
    PersonView {
        user_id: person.user,
        name: person.name.clone(),
        role: person.role.into(),
        first_joined_at: Timestamp(person.first_joined_at),
        last_left_at: Timestamp(person.last_left_at),
        sessions: person.sessions,
        present_minutes: person.present_minutes,
        present_percent: person.present_percent,
        messages: person.acts.messages,
        reactions: person.acts.reactions,
        hands: person.acts.hands,
        unmutes: person.acts.unmutes,
        shares: person.acts.shares,
        engagement: person.engagement.into(),
        connection_quality_avg: person.quality,
    }
}

/// A recording that has a file (KCS-16).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RecordingView {
    #[schema(value_type = String, example = "01JDAVNTZ9R4C8B2D6F0H3K5MN")]
    id: RecordingId,
    /// video, audio, screen or chat.
    #[schema(example = "video")]
    recording_type: String,
    /// Storage key.
    file_path: String,
    file_size_bytes: u64,
    #[schema(required)]
    duration_seconds: Option<f64>,
    #[schema(example = "webm")]
    format: String,
    #[schema(example = "1280x720")]
    quality: String,
    started_at: Timestamp,
    #[schema(required)]
    ended_at: Option<Timestamp>,
    #[schema(required)]
    processed_at: Option<Timestamp>,
    is_available: bool,
    download_count: u64,
}

/// The view of a recording; one without a file has nothing to show.
pub fn recording(recording: &StoredRecording) -> Option<RecordingView> {
    let RecordingFile { kind, path, bytes, format, quality, processed_at, is_available, downloads } =
        recording.file.as_ref()?;
    let length = recording.ended_at.map(|end| (end - recording.started_at).as_seconds_f64().max(0.0));
    Some(RecordingView {
        id: recording.id,
        recording_type: kind.clone(),
        file_path: path.clone(),
        file_size_bytes: *bytes,
        duration_seconds: length,
        format: format.clone(),
        quality: quality.clone(),
        started_at: Timestamp(recording.started_at),
        ended_at: recording.ended_at.map(Timestamp),
        processed_at: processed_at.map(Timestamp),
        is_available: *is_available,
        download_count: *downloads,
    })
}

/// The platform in numbers (KCS-20). Campus administrators see their campus, and nothing about machines (C-67).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SystemStatsView {
    /// Ever made, whatever became of them.
    total_meetings: u64,
    active_meetings: u64,
    scheduled_meetings: u64,
    /// Persons who were ever inside, counted once per meeting.
    total_participants: u64,
    /// Persons inside a meeting now.
    active_participants: u64,
    /// Only for administrators of the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    mediasoup_workers: Option<WorkersView>,
    /// Only for administrators of the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    system_health: Option<HealthView>,
    /// Only for administrators of the whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 71.25)]
    uptime_hours: Option<f64>,
}

/// The workers of all media nodes.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct WorkersView {
    total: u32,
    /// Those that have a room.
    active: usize,
    /// Percent of a core, worker by worker.
    load_distribution: Vec<f64>,
}

/// How the platform does.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct HealthView {
    status: HealthWord,
    database: HealthWord,
    /// Media nodes whose link is up.
    media_nodes: usize,
    rooms: u64,
    transports: u64,
    #[schema(example = 120.5)]
    bandwidth_mbps: f64,
}

/// The view of the platform.
pub fn system(stats: &SystemStats) -> SystemStatsView {
    let SystemStats { counts, machines } = stats;
    SystemStatsView {
        total_meetings: counts.total,
        active_meetings: counts.active,
        scheduled_meetings: counts.scheduled,
        total_participants: counts.participants,
        active_participants: counts.inside,
        mediasoup_workers: machines.as_ref().map(workers),
        system_health: machines.as_ref().map(health),
        uptime_hours: machines.as_ref().map(|m| rounded(m.uptime.as_secs_f64() / 3600.0, 2)),
    }
}

fn nodes_up(machines: &Machines) -> impl Iterator<Item = &NodeLoad> {
    machines.nodes.iter().filter(|node| node.is_up)
}

fn workers(machines: &Machines) -> WorkersView {
    let each = || nodes_up(machines).flat_map(|node| &node.workers);
    WorkersView {
        total: nodes_up(machines).map(|node| node.worker_count).sum(),
        active: each().filter(|worker| worker.rooms > 0).count(),
        load_distribution: each().map(|worker| rounded(f64::from(worker.cpu) * 100.0, 1)).collect(),
    }
}

fn health(machines: &Machines) -> HealthView {
    let each = || nodes_up(machines).flat_map(|node| &node.workers);
    let media_nodes = nodes_up(machines).count();
    let is_whole = media_nodes > 0 && media_nodes == machines.nodes.len();
    let bits: u64 = each().map(|worker| worker.received.0 + worker.sent.0).sum();
    HealthView {
        status: match (machines.database, is_whole) {
            (false, _) => HealthWord::Down,
            (true, false) => HealthWord::Degraded,
            (true, true) => HealthWord::Ok,
        },
        database: if machines.database { HealthWord::Ok } else { HealthWord::Down },
        media_nodes,
        rooms: each().map(|worker| u64::from(worker.rooms)).sum(),
        transports: each().map(|worker| u64::from(worker.transports)).sum(),
        bandwidth_mbps: rounded(bits as f64 / 1e6, 3),
    }
}

fn rounded(value: f64, decimals: i32) -> f64 {
    let unit = 10_f64.powi(decimals);
    (value * unit).round() / unit
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use time::{Duration, OffsetDateTime};

    use super::*;
    use crate::domain::id::MeetingId;

    #[test]
    fn kcs_16_a_recording_shows_its_file_and_one_without_a_file_is_not_shown() {
        let began = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
        let file = RecordingFile {
            kind: "video".into(),
            path: "2024/one.webm".into(),
            bytes: 5_000_000_000,
            format: "webm".into(),
            quality: "1280x720".into(),
            processed_at: Some(began + Duration::hours(2)),
            is_available: true,
            downloads: 3,
        };
        let mut stored = StoredRecording {
            id: RecordingId::generate(),
            meeting: MeetingId::generate(),
            started_by: None,
            started_at: began,
            ended_at: Some(began + Duration::milliseconds(90_500)),
            file: Some(file),
        };
        let shown = json!({
            "id": stored.id,
            "recording_type": "video",
            "file_path": "2024/one.webm",
            "file_size_bytes": 5_000_000_000_u64,
            "duration_seconds": 90.5,
            "format": "webm",
            "quality": "1280x720",
            "started_at": "2024-10-04T00:00:00.000Z",
            "ended_at": "2024-10-04T00:01:30.500Z",
            "processed_at": "2024-10-04T02:00:00.000Z",
            "is_available": true,
            "download_count": 3,
        });
        assert_eq!(recording(&stored).map(|view| json!(view)), Some(shown));
        stored.file = None;
        assert!(recording(&stored).is_none());
    }
}
