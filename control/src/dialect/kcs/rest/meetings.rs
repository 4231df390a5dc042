//! Creating, listing, looking at, changing, deleting, starting and ending meetings (KCS-01 to KCS-08).

use axum::extract::{RawQuery, State};

use super::Kcs;
use super::answer::{Body, Caller, MeetingParam, MeetingPath, PageParams, Reply, created, ok, part};
use super::bodies::{MeetingBody, MeetingChangeBody};
use super::describe::refusals;
use super::read;
use crate::dialect::kcs::view;
use crate::dialect::kcs::view::envelope::{Nothing, Success, SuccessPart};
use crate::dialect::kcs::view::media::WebrtcConfigView;
use crate::dialect::kcs::view::meeting::{
    MeetingDetailsView, MeetingEndedView, MeetingStartedView, MeetingView,
};
use crate::dialect::kcs::view::statistics::LiveStatsView;
use crate::dialect::rest::query::Query;
use crate::domain::error::DomainError;
use crate::domain::meeting::{Meeting, MeetingStatus};
use crate::domain::page::{Page, Part};

refusals!(
    CreateRefusals: FieldMissing("<field>"), EndBeforeStart, NobodyInvited, InvitationWithoutPerson, InviteeUnknown,
    Forbidden,
);

/// Create a meeting
///
/// The caller becomes its creator and host.
#[utoipa::path(
    post, path = "/api/meeting", tag = "meetings", operation_id = "createMeeting", request_body = MeetingBody,
    responses((status = 201, description = "Created", body = Success<MeetingView>), CreateRefusals)
)]
pub(super) async fn create(State(kcs): State<Kcs>, Caller(actor): Caller, Body(body): Body) -> Reply {
    let meeting = kcs.services.meetings.create(&actor, read::new_meeting(&body)?).await?;
    created("Meeting created successfully", view::meeting_for(&actor, &meeting))
}

/// Meetings in one list: everybody's for years, and a bound for whoever makes them by program. Older ones by `offset`.
const LISTED_MAX: u32 = 1000;

refusals!(ListRefusals: FieldInvalid { field: "limit", reason: "<reason>".into() });

/// List own meetings
///
/// Those the caller made or is on the roster of.
#[utoipa::path(
    get, path = "/api/meeting", tag = "meetings", operation_id = "listMeetings",
    params(PageParams),
    responses((status = 200, description = "The meetings", body = SuccessPart<MeetingView>), ListRefusals)
)]
pub(super) async fn list(State(kcs): State<Kcs>, Caller(actor): Caller, RawQuery(query): RawQuery) -> Reply {
    let wanted = page(query.as_deref())?;
    shown(kcs.services.meetings.list(&actor, wanted).await?)
}

/// The part of a list of meetings that is wanted.
pub(super) fn page(query: Option<&str>) -> Result<Page, DomainError> {
    Query::of(query).page(LISTED_MAX, LISTED_MAX)
}

/// Meetings as a list shows them.
pub(super) fn shown(Part { items, total }: Part<Meeting>) -> Reply {
    let items = items.iter().map(view::meeting).collect();
    part("Meetings retrieved successfully", Part { items, total })
}

refusals!(DetailsRefusals: NotMember);

/// Look at a meeting
#[utoipa::path(
    get, path = "/api/meeting/{meeting_id}", tag = "meetings", operation_id = "getMeeting", params(MeetingParam),
    responses((status = 200, description = "The meeting", body = Success<MeetingDetailsView>), DetailsRefusals)
)]
pub(super) async fn details(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let meeting = kcs.services.meetings.view(&actor, &id).await?;
    let present = kcs.services.live.present(meeting.id).await;
    let live = match meeting.status {
        MeetingStatus::Live => Some(live_part(&kcs, &meeting).await),
        _ => None,
    };
    let (webrtc_config, live_stats) = live.unzip();
    let data = MeetingDetailsView {
        meeting: view::meeting_for(&actor, &meeting),
        current_participants: present.iter().map(view::present).collect(),
        webrtc_config,
        live_stats,
    };
    ok("Meeting retrieved successfully", data)
}

refusals!(
    UpdateRefusals: FieldMissing("<field>"), EndBeforeStart, NobodyInvited, InvitationWithoutPerson, InviteeUnknown,
    MeetingPast, Forbidden, MeetingEnded,
);

/// Change a meeting
///
/// The host and the creator; co-hosts may change features. What is absent stays.
#[utoipa::path(
    put, path = "/api/meeting/{meeting_id}", tag = "meetings", operation_id = "updateMeeting",
    params(
        MeetingParam,
        ("series" = Option<bool>, Query, description = "Whether this and every later occurrence of its series is meant.")
    ),
    request_body = MeetingChangeBody,
    responses((status = 200, description = "Changed", body = Success<MeetingView>), UpdateRefusals)
)]
pub(super) async fn update(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    RawQuery(raw): RawQuery,
    Body(body): Body,
) -> Reply {
    let whole_series = Query::of(raw.as_deref()).flag("series")?;
    let change = read::meeting_change(&body)?;
    let meeting = kcs.services.meetings.update(&actor, &id, change, whole_series).await?;
    ok("Meeting updated successfully", view::meeting_for(&actor, &meeting))
}

refusals!(DeleteRefusals: Forbidden, MeetingLive);

/// Call a meeting off
///
/// A planned one is cancelled; one that ended leaves the lists.
#[utoipa::path(
    delete, path = "/api/meeting/{meeting_id}", tag = "meetings", operation_id = "deleteMeeting",
    params(
        MeetingParam,
        ("series" = Option<bool>, Query, description = "Whether the whole series is meant, not this occurrence alone.")
    ),
    responses((status = 200, description = "Gone", body = Success<Nothing>), DeleteRefusals)
)]
pub(super) async fn delete(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
    RawQuery(raw): RawQuery,
) -> Reply {
    let whole_series = Query::of(raw.as_deref()).flag("series")?;
    kcs.services.meetings.delete(&actor, &id, whole_series).await?;
    ok("Meeting deleted successfully", Nothing)
}

refusals!(StartRefusals: OnlyHostsStart, MeetingEnded, MeetingUnstartable);

/// Start a meeting
///
/// Starting one that is live changes nothing and succeeds.
#[utoipa::path(
    post, path = "/api/meeting/{meeting_id}/start", tag = "meetings", operation_id = "startMeeting",
    params(MeetingParam),
    responses((status = 200, description = "Live", body = Success<MeetingStartedView>), StartRefusals)
)]
pub(super) async fn start(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let (meeting, _) = kcs.services.meetings.start(&actor, &id).await?;
    let (webrtc_config, live_stats) = live_part(&kcs, &meeting).await;
    let data = MeetingStartedView { meeting: view::meeting_for(&actor, &meeting), webrtc_config, live_stats };
    ok("Meeting started successfully", data)
}

refusals!(EndRefusals: OnlyHostsEnd, MeetingNotActive, MeetingEnded, MeetingCancelled);

/// End a meeting
///
/// For good: everybody inside is out at once.
#[utoipa::path(
    post, path = "/api/meeting/{meeting_id}/end", tag = "meetings", operation_id = "endMeeting", params(MeetingParam),
    responses((status = 200, description = "Ended", body = Success<MeetingEndedView>), EndRefusals)
)]
pub(super) async fn end(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    MeetingPath(id): MeetingPath,
) -> Reply {
    let (meeting, stats) = kcs.services.meetings.end(&actor, &id).await?;
    let data = MeetingEndedView {
        meeting: view::meeting_for(&actor, &meeting),
        final_stats: view::final_stats(&stats),
    };
    ok("Meeting ended successfully", data)
}

/// What only live meetings have: the way to the media plane and statistics.
async fn live_part(kcs: &Kcs, meeting: &Meeting) -> (WebrtcConfigView, LiveStatsView) {
    let connection = kcs.services.live.connection(meeting);
    let moment = kcs.services.statistics.moment(meeting).await;
    (view::webrtc_config(&connection), view::live_stats(&moment))
}
