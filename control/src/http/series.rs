//! `/s/{series}`: the link that stands in the calendar entry of a series leads to whichever occurrence is next.
//!
//! Needs no login: it says an id, and looking at the meeting behind it needs one.

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Redirect;
use axum::routing::get;

use crate::service::meetings::Meetings;

/// The route.
pub fn routes(meetings: Meetings) -> Router {
    Router::new().route("/s/{series_id}", get(lead)).with_state(meetings)
}

async fn lead(State(meetings): State<Meetings>, Path(series): Path<String>) -> Redirect {
    match meetings.current_occurrence(&series).await {
        Ok(meeting) => Redirect::to(&format!("/m/{meeting}")),
        // There, whoever followed an old link finds the meetings there are.
        Err(_) => Redirect::to("/"),
    }
}
