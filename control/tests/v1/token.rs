//! V1-12: passes to LiveKit servers, whom they are for, what they allow, and that they open nothing here.

use http::Method;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use plenum_control::domain::id::MeetingId;
use plenum_control::domain::meeting::{Level, Meeting};
use serde_json::{Value, json};

use crate::world::{Answer, Who, World};
use crate::{V1, join, keys, live_meeting, path};

const SECRET: &str = "a secret of the LiveKit server, and of nobody else";
const MADE: &str = "LiveKit token generated successfully";
const FORBIDDEN: (u16, &str, &str) = (403, "INSUFFICIENT_PERMISSION", "User lacks required permissions");

async fn world() -> World {
    World::with(&[
        ("RATE_LIMITS", "off"),
        ("LIVEKIT_URL", "wss://livekit.example.org"),
        ("LIVEKIT_API_KEY", "the-key"),
        ("LIVEKIT_API_SECRET", SECRET),
    ])
    .await
}

#[track_caller]
fn denied(answer: &Answer, (status, code, message): (u16, &str, &str)) {
    answer.denied(status, code, message);
}

/// A token for `whom`, asked for by `who`.
async fn ask(world: &World, who: Who, meeting: &str, whom: Who) -> Answer {
    let body = json!({ "user_id": world.user_id(whom).await, "user_name": "Ada" });
    world.post(who, &path(meeting, "token"), body).await
}

/// What a LiveKit server reads.
fn claims(token: &Value, secret: &str, algorithm: Algorithm) -> Result<Value, jsonwebtoken::errors::Error> {
    let mut validation = Validation::new(algorithm);
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_secret(secret.as_bytes());
    let token = token.as_str().expect("a token");
    jsonwebtoken::decode::<Value>(token, &key, &validation).map(|token| token.claims)
}

async fn change(world: &World, meeting: &str, change: impl Fn(&mut Meeting) + Send + Sync + 'static) {
    let id = MeetingId::parse(meeting).expect("an id");
    let changed = world.store.change_meeting(id, |meeting| {
        change(meeting);
        Ok(())
    });
    let (meeting, ()) = changed.await.expect("is written");
    world.app.services.live.changed(&meeting).await;
}

#[tokio::test]
async fn v1_12_auth_08_c_59_a_token_carries_the_claims_that_livekit_reads() {
    let world = world().await;
    let meeting = live_meeting(&world, json!({})).await;
    join(&world, Who::Student, &meeting).await;
    let answer = ask(&world, Who::Student, &meeting, Who::Student).await;
    let data = answer.said(MADE);
    assert_eq!(keys(data), ["is_host", "livekit_url", "meeting_id", "token", "user_id", "user_name"]);
    let student = world.user_id(Who::Student).await;
    assert_eq!((&data["meeting_id"], &data["user_id"]), (&json!(meeting), &json!(student)));
    assert_eq!((&data["is_host"], &data["user_name"]), (&json!(false), &json!("Ada")));
    assert_eq!(data["livekit_url"], "wss://livekit.example.org");
    let header = jsonwebtoken::decode_header(data["token"].as_str().expect("a token")).expect("a header");
    assert_eq!((header.alg, header.typ.as_deref()), (Algorithm::HS256, Some("JWT")));
    let claims = claims(&data["token"], SECRET, Algorithm::HS256).expect("signed with the server's secret");
    let now = world.clock.now().unix_timestamp();
    let expected = json!({
        "iss": "the-key", "sub": student, "name": "Ada", "nbf": now, "exp": now + 3600,
        "video": {
            "room": meeting, "roomJoin": true, "canPublish": true, "canSubscribe": true, "canPublishData": true,
            "canPublishSources": ["camera", "microphone", "screen_share", "screen_share_audio"],
            "roomAdmin": false,
        },
    });
    assert_eq!(claims, expected);
    let host = ask(&world, Who::Host, &meeting, Who::Host).await;
    assert_eq!(host.said(MADE)["is_host"], true);
}

#[tokio::test]
async fn v1_12_c_59_what_policy_and_features_take_is_not_in_the_token() {
    let world = world().await;
    let meeting = live_meeting(&world, json!({ "features": { "audio_enabled": false } })).await;
    for who in [Who::Student, Who::Member] {
        join(&world, who, &meeting).await;
    }
    change(&world, &meeting, |meeting| {
        meeting.settings.entry.disable_camera = true;
        meeting.settings.entry.screen_share_permissions = Level::Host;
        meeting.settings.entry.chat_permissions = Level::Host;
    })
    .await;
    let video = async |who| {
        let answer = ask(&world, who, &meeting, who).await;
        claims(&answer.said(MADE)["token"], SECRET, Algorithm::HS256).expect("signed")["video"].clone()
    };
    let student = video(Who::Student).await;
    let told = (&student["canPublish"], &student["canPublishSources"], &student["canPublishData"]);
    assert_eq!(
        told,
        (&json!(false), &json!([]), &json!(false)),
        "an empty list alone would allow everything"
    );
    let co_host = video(Who::Member).await;
    let sources = json!(["camera", "screen_share", "screen_share_audio"]);
    assert_eq!((&co_host["canPublishSources"], &co_host["roomAdmin"]), (&sources, &json!(false)));
}

#[tokio::test]
async fn v1_12_only_who_may_come_in_now_has_one_and_hosts_for_those_on_the_roster() {
    let world = world().await;
    let scheduled = world.meeting(json!({})).await;
    let early = ask(&world, Who::Member, &scheduled, Who::Member).await;
    early.denied(400, "MEETING_NOT_ACTIVE", "Meeting is not currently active");
    let meeting = live_meeting(&world, json!({ "waiting_room_enabled": true })).await;
    for who in [Who::Admin, Who::Outsider] {
        denied(&ask(&world, who, &meeting, who).await, FORBIDDEN);
    }
    // No way round the waiting room.
    denied(&ask(&world, Who::Student, &meeting, Who::Student).await, FORBIDDEN);
    ask(&world, Who::Member, &meeting, Who::Member).await.said(MADE);
    for who in [Who::Member, Who::Second, Who::Student] {
        denied(&ask(&world, who, &meeting, Who::Host).await, FORBIDDEN);
    }
    let given = ask(&world, Who::Host, &meeting, Who::Student).await;
    let student = world.user_id(Who::Student).await;
    assert_eq!(
        (&given.said(MADE)["user_id"], &given.body["data"]["is_host"]),
        (&json!(student), &json!(false))
    );
    for nobody in [Who::Admin, Who::Outsider] {
        let refused = ask(&world, Who::Host, &meeting, nobody).await;
        refused.denied(404, "PARTICIPANT_NOT_FOUND", "Participant not found in meeting");
    }
    change(&world, &meeting, |meeting| meeting.settings.entry.locked = true).await;
    let refused = ask(&world, Who::Student, &meeting, Who::Student).await;
    refused.denied(403, "MEETING_LOCKED", "Meeting is locked to new participants");
    world.post(Who::Host, &path(&meeting, "end"), Value::Null).await.said("Meeting ended successfully");
    for who in [Who::Host, Who::Student] {
        let refused = ask(&world, who, &meeting, who).await;
        refused.denied(410, "MEETING_ENDED", "Meeting has already ended");
    }
    let trail = world.trail(&meeting).await;
    assert!(trail.iter().any(|line| line == "livekit.token granted"), "{trail:?}");
    assert!(trail.iter().any(|line| line == "livekit.token forbidden"), "{trail:?}");
}

#[tokio::test]
async fn v1_12_whoever_is_inside_needs_to_show_nothing_again() {
    let world = world().await;
    let meeting = live_meeting(&world, json!({ "meeting_password": "sesame-4711" })).await;
    let missing = ask(&world, Who::Student, &meeting, Who::Student).await;
    missing.denied(403, "MEETING_PASSWORD_REQUIRED", "Meeting password required");
    let body = json!({ "meeting_password": "sesame-4711" });
    world.post(Who::Student, &path(&meeting, "join"), body).await.said("Joined meeting successfully");
    change(&world, &meeting, |meeting| meeting.settings.entry.locked = true).await;
    ask(&world, Who::Student, &meeting, Who::Student).await.said(MADE);
}

#[tokio::test]
async fn v1_12_without_keys_it_is_the_documented_500_and_a_bad_body_is_told() {
    let partly = [("RATE_LIMITS", "off"), ("LIVEKIT_API_KEY", "k"), ("LIVEKIT_API_SECRET", SECRET)];
    for settings in [&partly[..1], &partly[..]] {
        let world = World::with(settings).await;
        let meeting = live_meeting(&world, json!({})).await;
        let refused = ask(&world, Who::Member, &meeting, Who::Member).await;
        refused.denied(500, "LIVEKIT_TOKEN_ERROR", "Failed to generate LiveKit token");
        denied(&ask(&world, Who::Outsider, &meeting, Who::Outsider).await, FORBIDDEN);
        let token = path(&meeting, "token");
        let without = world.post(Who::Member, &token, json!({ "user_name": "Ada" })).await;
        without.invalid("user_id", "is required");
        let without = world.post(Who::Member, &token, json!({ "user_id": "x" })).await;
        without.invalid("user_name", "is required");
        let long = json!({ "user_id": world.user_id(Who::Member).await, "user_name": "x".repeat(101) });
        world.post(Who::Member, &token, long).await.invalid("user_name", "must have at most 100 characters");
    }
}

#[tokio::test]
async fn auth_08_c_10_neither_token_is_taken_for_the_other_even_with_one_secret_for_both() {
    let world = World::with(&[
        ("RATE_LIMITS", "off"),
        ("JWT_SECRET", SECRET),
        ("LIVEKIT_URL", "wss://livekit.example.org"),
        ("LIVEKIT_API_KEY", "the-key"),
        ("LIVEKIT_API_SECRET", SECRET),
    ])
    .await;
    let meeting = live_meeting(&world, json!({})).await;
    let answer = ask(&world, Who::Member, &meeting, Who::Member).await;
    let livekit = answer.said(MADE)["token"].as_str().expect("a token").to_owned();
    let status = path(&meeting, "status");
    let refused = world.call_as(Some(&livekit), Method::GET, &status, Value::Null).await;
    refused.denied(401, "UNAUTHORIZED", "Unauthorized");
    let refused = world.call_as(Some(&livekit), Method::GET, "/api/meeting", Value::Null).await;
    refused.refused(401, "Invalid token");
    // LiveKit servers take HS256 and nothing else, and look for their key and a room.
    let access = json!(world.token(Who::Member).await);
    assert!(claims(&access, SECRET, Algorithm::HS256).is_err());
    let ours = claims(&access, SECRET, Algorithm::HS512).expect("ours");
    assert!(ours["iss"].is_null() && ours["video"].is_null(), "{ours}");
}
