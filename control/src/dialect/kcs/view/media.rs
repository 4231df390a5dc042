//! The way to the media plane (KCS-19).

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::meeting::FeaturesView;
use crate::service::live_side::MediaConnection;

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
