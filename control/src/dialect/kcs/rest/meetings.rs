//! Creating, listing, looking at, changing, deleting, starting and ending meetings (KCS-01 to KCS-08).

use axum::extract::State;
use serde_json::{Value, json};

use super::Kcs;
use super::answer::{Body, Caller, MeetingPath, Reply, created, list as list_of, ok};
use super::read;
use crate::dialect::kcs::view;
use crate::domain::meeting::{Meeting, MeetingStatus};

/// `POST /api/meeting` (KCS-01).
pub(super) async fn create(State(kcs): State<Kcs>, Caller(actor): Caller, Body(body): Body) -> Reply {
    let meeting = kcs.services.meetings.create(&actor, read::new_meeting(&body)?).await?;
    created("Meeting created successfully", view::meeting(&meeting))
}

/// `GET /api/meeting` (KCS-02).
pub(super) async fn list(State(kcs): State<Kcs>, Caller(actor): Caller) -> Reply {
    let meetings = kcs.services.meetings.list(&actor).await?;
    list_of("Meetings retrieved successfully", meetings.iter().map(view::meeting).collect())
}

/// `GET /api/meeting/{id}` (KCS-03).
pub(super) async fn details(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let meeting = kcs.services.meetings.view(&actor, &id).await?;
    let present = kcs.services.live.present(meeting.id).await;
    let mut data = view::meeting(&meeting);
    data["current_participants"] = present.iter().map(view::present).collect();
    if meeting.status == MeetingStatus::Live {
        add_live(&kcs, &meeting, &mut data).await;
    }
    ok("Meeting retrieved successfully", data)
}

/// `PUT /api/meeting/{id}` (KCS-05).
pub(super) async fn update(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    Body(body): Body,
) -> Reply {
    let meeting = kcs.services.meetings.update(&actor, &id, read::meeting_change(&body)?).await?;
    ok("Meeting updated successfully", view::meeting(&meeting))
}

/// `DELETE /api/meeting/{id}` (KCS-06).
pub(super) async fn delete(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    kcs.services.meetings.delete(&actor, &id).await?;
    ok("Meeting deleted successfully", Value::Null)
}

/// `POST /api/meeting/{id}/start` (KCS-07).
pub(super) async fn start(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let meeting = kcs.services.meetings.start(&actor, &id).await?;
    let mut data = view::meeting(&meeting);
    add_live(&kcs, &meeting, &mut data).await;
    ok("Meeting started successfully", data)
}

/// `POST /api/meeting/{id}/end` (KCS-08).
pub(super) async fn end(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let (meeting, stats) = kcs.services.meetings.end(&actor, &id).await?;
    let mut data = view::meeting(&meeting);
    data["final_stats"] = view::final_stats(&stats);
    ok("Meeting ended successfully", data)
}

/// What only live meetings have: statistics and the way to the media plane.
async fn add_live(kcs: &Kcs, meeting: &Meeting, data: &mut Value) {
    let connection = kcs.services.live.connection(meeting);
    let stats = kcs.services.live.stats(meeting.id).await.unwrap_or_default();
    let since =
        meeting.started_at.map_or(0.0, |at| (kcs.services.clock.now() - at).as_seconds_f64().max(0.0));
    data["webrtc_config"] = view::webrtc_config(&connection);
    data["live_stats"] = json!(view::live_stats(&stats, (since / 6.0).round() / 10.0));
}
