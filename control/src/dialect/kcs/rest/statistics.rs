//! Recordings, analytics, live statistics, and the platform in numbers (KCS-16 to KCS-18, KCS-20).

use axum::extract::State;

use super::Kcs;
use super::answer::{Caller, MeetingParam, MeetingPath, Reply, list, ok};
use super::describe::refusals;
use crate::dialect::kcs::view;
use crate::dialect::kcs::view::envelope::{Success, SuccessList};
use crate::dialect::kcs::view::statistics::{AnalyticsView, LiveStatsView, RecordingView, SystemStatsView};

refusals!(MemberRefusals: NotMember);

/// The recordings of a meeting
///
/// Only those that have a file. The switch and its hours are served before the recorder is: until that is built no
/// recording has a file, and the list is empty.
#[utoipa::path(
    get, path = "/api/meeting/{meeting_id}/recordings", tag = "statistics", operation_id = "listRecordings",
    params(MeetingParam),
    responses((status = 200, description = "The recordings", body = SuccessList<RecordingView>), MemberRefusals)
)]
pub(super) async fn recordings(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let recordings = kcs.services.statistics.recordings(&actor, &id).await?;
    list("Recordings retrieved successfully", recordings.iter().filter_map(view::recording).collect())
}

refusals!(AnalyticsRefusals: NotMember, MeetingNotEnded);

/// A meeting that is over, in numbers
///
/// For everybody who may see the meeting; people one by one only for those who run it.
#[utoipa::path(
    get, path = "/api/meeting/{meeting_id}/analytics", tag = "statistics", operation_id = "getAnalytics",
    params(MeetingParam),
    responses((status = 200, description = "The numbers", body = Success<AnalyticsView>), AnalyticsRefusals)
)]
pub(super) async fn analytics(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let (analytics, shows_people) = kcs.services.statistics.analytics(&actor, &id).await?;
    ok("Analytics retrieved successfully", view::analytics(&analytics, shows_people))
}

refusals!(LiveRefusals: NotMember, MeetingNotActive);

/// A live meeting at this moment
///
/// Media figures are taken every five seconds, however many ask.
#[utoipa::path(
    get, path = "/api/meeting/{meeting_id}/live-stats", tag = "statistics", operation_id = "getLiveStats",
    params(MeetingParam),
    responses((status = 200, description = "The moment", body = Success<LiveStatsView>), LiveRefusals)
)]
pub(super) async fn live_stats(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let moment = kcs.services.statistics.live(&actor, &id).await?;
    ok("Live statistics retrieved successfully", view::live_stats(&moment))
}

refusals!(SystemRefusals: Forbidden);

/// The platform in numbers
///
/// Administrators see all of it; campus administrators the counts of their campus, and nothing about machines.
#[utoipa::path(
    get, path = "/api/meeting/system/stats", tag = "administration", operation_id = "getSystemStats",
    responses((status = 200, description = "The numbers", body = Success<SystemStatsView>), SystemRefusals)
)]
pub(super) async fn system(State(kcs): State<Kcs>, Caller(actor): Caller) -> Reply {
    let stats = kcs.services.statistics.system(&actor).await?;
    ok("System statistics retrieved successfully", view::system(&stats))
}
