//! Passes to LiveKit servers (V1-12).

use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::id::{MeetingId, UserId};
use crate::service::livekit::Pass;

/// A pass to a LiveKit server.
#[derive(Serialize, ToSchema)]
pub struct V1Token {
    /// For that server alone; here it opens nothing.
    #[schema(example = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9...")]
    token: String,
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    meeting_id: MeetingId,
    /// Whom it is for.
    #[schema(value_type = String, example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    user_id: UserId,
    #[schema(example = "Hanna Host")]
    user_name: String,
    is_host: bool,
    #[schema(example = "wss://livekit.example.com")]
    livekit_url: String,
}

/// The view of a pass.
pub fn token(pass: Pass) -> V1Token {
    let Pass { token, url, meeting, user, name, host } = pass;
    V1Token { token, meeting_id: meeting, user_id: user, user_name: name, is_host: host, livekit_url: url }
}
