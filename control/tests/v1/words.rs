//! What every route has in common: the envelope, the codes, and what HTTP itself refuses (ERR-04 to ERR-06, AUTH-06).

use axum::body::Body;
use http::{Method, Request, header};
use plenum_control::dialect::v1::error::words;
use plenum_control::domain::error::DomainError as E;
use plenum_control::domain::meeting::Feature;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::world::{Who, World};
use crate::{ROUTES, V1, live_meeting, path};

#[tokio::test]
async fn auth_06_every_route_asks_for_a_bearer_token() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    for (method, what) in ROUTES {
        let path = path(&meeting, what);
        for token in [None, Some("x.y.z"), Some("")] {
            let answer = world.call_as(token, method.clone(), &path, Value::Null).await;
            answer.denied(401, "UNAUTHORIZED", "Unauthorized");
        }
        let request =
            Request::builder().method(method).uri(&path).header(header::AUTHORIZATION, "Basic YTpi");
        world.send(request.body(Body::empty()).unwrap()).await.denied(401, "UNAUTHORIZED", "Unauthorized");
    }
}

#[tokio::test]
async fn c_03_ids_of_no_meeting_are_not_found_and_an_empty_one_is_told() {
    let world = World::new().await;
    // Bodies are read first.
    let body = json!({ "content": "x", "user_id": "x", "user_name": "x" });
    for (method, what) in ROUTES {
        for unknown in ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "mtg_01ARZ3NDEKTSV4RRFFQ69G5FAV", "7", "%FF", "a%00b"] {
            let answer = world.call(Who::Host, method.clone(), &path(unknown, what), body.clone()).await;
            answer.denied(404, "MEETING_NOT_FOUND", "Meeting does not exist");
        }
        for empty in ["%20", ""] {
            let answer = world.call(Who::Host, method.clone(), &path(empty, what), body.clone()).await;
            answer.invalid("meeting_id", "Meeting ID is required");
        }
    }
}

#[tokio::test]
async fn err_04_what_http_refuses_is_in_the_envelope_too() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    for nothing in ["/api/v1", "/api/v1/meetings", "/api/v1/nope", &path(&meeting, "nope"), "/ws/meetings"] {
        world.get(Who::Host, nothing).await.denied(404, "ROUTE_NOT_FOUND", "Route not found");
    }
    let wrong = world.get(Who::Host, &path(&meeting, "start")).await;
    wrong.denied(405, "METHOD_NOT_ALLOWED", "Method not allowed");
    let token = world.token(Who::Host).await;
    let join = |body: Vec<u8>| {
        let request =
            Request::post(path(&meeting, "join")).header("authorization", format!("Bearer {token}"));
        world.send(request.body(Body::from(body)).unwrap())
    };
    join(b"{".to_vec()).await.invalid("body", "not valid JSON");
    join(b"[]".to_vec()).await.invalid("body", "must be a JSON object");
    let large = json!({ "device_type": "x".repeat(2 << 20) }).to_string();
    join(large.into()).await.denied(413, "PAYLOAD_TOO_LARGE", "Request body too large");
    // The alias of the other dialect stays where it is (C-32).
    assert_eq!(world.get(Who::Host, "/api/v1/meetings/participant").await.data()[0]["id"], json!(meeting));
}

#[tokio::test]
async fn c_70_trailing_slashes_are_accepted() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    let answer = world.get(Who::Host, &path(&meeting, "status/")).await;
    answer.said("Meeting status retrieved successfully");
}

/// The table of the guide, apart from `WAITING_ROOM_REQUIRED`, which is no refusal (C-26).
#[test]
fn err_05_the_codes_of_the_guide_have_its_status_and_its_words() {
    let table = [
        (E::MeetingNotFound, 404, "MEETING_NOT_FOUND", "Meeting does not exist"),
        (E::MeetingAlreadyLive, 409, "MEETING_ALREADY_ACTIVE", "Meeting is already in progress"),
        (E::MeetingNotActive, 400, "MEETING_NOT_ACTIVE", "Meeting is not currently active"),
        (E::MeetingEnded, 410, "MEETING_ENDED", "Meeting has already ended"),
        (E::Forbidden, 403, "INSUFFICIENT_PERMISSION", "User lacks required permissions"),
        (E::ParticipantNotFound, 404, "PARTICIPANT_NOT_FOUND", "Participant not found in meeting"),
        (E::MeetingFull, 403, "MAX_PARTICIPANTS_REACHED", "Meeting has reached participant limit"),
        (E::MeetingLocked, 403, "MEETING_LOCKED", "Meeting is locked to new participants"),
        (E::FeatureOff(Feature::Chat), 403, "CHAT_DISABLED", "Chat is disabled for this meeting"),
        (E::HostsOnly(Feature::Chat), 403, "CHAT_DISABLED", "Chat is disabled for this meeting"),
        (E::HostsOnly(Feature::ScreenSharing), 403, "SCREEN_SHARE_DISABLED", "Screen sharing is disabled"),
        (E::HostsOnly(Feature::Video), 403, "INSUFFICIENT_PERMISSION", "User lacks required permissions"),
        (E::FeatureOff(Feature::ScreenSharing), 403, "SCREEN_SHARE_DISABLED", "Screen sharing is disabled"),
        (E::LivekitTokenFailed, 500, "LIVEKIT_TOKEN_ERROR", "Failed to generate LiveKit token"),
    ];
    for (reason, status, code, message) in table {
        let said = words(&reason, OffsetDateTime::UNIX_EPOCH);
        assert_eq!((said.status.as_u16(), said.code, &*said.message), (status, code, message));
        assert!(said.details.is_empty(), "{code}");
    }
}

#[test]
fn err_06_every_refusal_has_a_code_for_programs_and_words_for_people() {
    let reasons = [
        E::CredentialMissing,
        E::OtherCampus,
        E::MeetingCancelled,
        E::MeetingUnstartable,
        E::FeatureOff(Feature::HandRaise),
        E::FieldMissing("content"),
        E::Malformed("not valid JSON".into()),
        E::RateLimited { retry_after_s: 7, budget: None },
        E::Unavailable,
        E::Internal,
    ];
    for reason in reasons {
        let said = words(&reason, OffsetDateTime::UNIX_EPOCH);
        let is_code = |c: char| c.is_ascii_uppercase() || c == '_';
        assert!(!said.code.is_empty() && said.code.chars().all(is_code), "{reason:?}: {}", said.code);
        assert!(said.message.starts_with(char::is_uppercase) && !said.message.ends_with('.'), "{reason:?}");
    }
}

#[tokio::test]
async fn openapi_names_the_dialect_by_one_tag() {
    let world = World::new().await;
    let api = crate::described::of(&world.app.router()).await.api();
    for (method, what) in ROUTES {
        let operation = &api["paths"][path("{meeting_id}", what)][method.as_str().to_lowercase()];
        assert_eq!(operation["tags"], json!(["v1"]), "{method} {what}");
        assert!(
            operation["responses"]["401"]["content"]["application/json"]["schema"]["$ref"]
                .as_str()
                .is_some_and(|schema| schema.ends_with("/V1Refused"))
        );
    }
    assert!(world.call(Who::Host, Method::HEAD, &path("7", "status"), Value::Null).await.status == 404);
}
