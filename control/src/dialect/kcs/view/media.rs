//! The way to the media plane, and what is measured there (KCS-18, KCS-19).

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::meeting::FeaturesView;
use crate::domain::id::ParticipantId;
use crate::service::live_side::{LiveStats, MediaConnection};

/// What a client needs to reach the media plane.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebrtcConfigView {
    /// The router of the meeting; null until it is live.
    #[schema(required, example = "019ac0f1-6d3e-7b52-8c7e-2f4a9d1b5c60")]
    router_id: Option<String>,
    /// `RtpCapabilities` as mediasoup-client loads them.
    #[schema(value_type = Object)]
    router_capabilities: Value,
    /// `RTCIceServer` objects as a browser takes them.
    #[schema(value_type = Vec<Object>)]
    ice_servers: Value,
}

/// The view of a connection to the media plane.
pub fn webrtc_config(connection: &MediaConnection) -> WebrtcConfigView {
    WebrtcConfigView {
        router_id: connection.router_id.clone(),
        router_capabilities: connection.router_capabilities.clone(),
        ice_servers: connection.ice_servers.clone(),
    }
}

/// The way to the media plane with what the meeting allows there (KCS-19).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WebrtcView {
    pub webrtc_config: WebrtcConfigView,
    pub meeting_features: FeaturesView,
    #[schema(example = 100)]
    pub max_participants: u32,
}

/// A moment of a running meeting.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LiveStatsView {
    /// Distinct persons inside.
    current_participants: u32,
    #[schema(example = 12.5)]
    duration_minutes: f64,
    chat_messages: u64,
    /// Sessions that speak now, the loudest first.
    #[schema(value_type = Vec<String>)]
    active_speakers: Vec<ParticipantId>,
    screen_sharing: bool,
    recording_active: bool,
    bandwidth_usage: BandwidthView,
    quality_metrics: QualityMetricsView,
}

/// What flows through a meeting, in megabits per second.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct BandwidthView {
    total_mbps: f64,
    per_participant_avg: f64,
}

/// How well the connections of a meeting do.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct QualityMetricsView {
    latency_ms: f64,
    packet_loss_percent: f64,
}

/// The view of a moment.
pub fn live_stats(stats: &LiveStats, duration_minutes: f64) -> LiveStatsView {
    LiveStatsView {
        current_participants: stats.participants,
        duration_minutes,
        chat_messages: stats.chat_messages,
        active_speakers: stats.active_speakers.clone(),
        screen_sharing: stats.screen_sharing,
        recording_active: false,
        bandwidth_usage: BandwidthView {
            total_mbps: stats.total_mbps,
            per_participant_avg: stats.total_mbps / f64::from(stats.participants.max(1)),
        },
        quality_metrics: QualityMetricsView {
            latency_ms: stats.latency_ms,
            packet_loss_percent: stats.packet_loss_percent,
        },
    }
}
