//! Looking at one meeting (KCS-03).

use http::Method;
use serde_json::json;

use crate::world::{Who, World, check_meeting_refusals};

#[tokio::test]
async fn kcs_03_details_for_creator_and_invited_in_every_spelling_of_the_id() {
    let world = World::new().await;
    let id = world.meeting(json!({ "meeting_password": "sesame" })).await;
    let spellings =
        [id.clone(), id.to_lowercase(), format!("mtg_{id}"), format!("CALL_{}", id.to_lowercase())];
    for who in [Who::Host, Who::Member] {
        for spelling in &spellings {
            let answer = world.get(who, &format!("/api/meeting/{spelling}")).await;
            assert_eq!(answer.data()["id"], id);
            assert_eq!(answer.data()["current_participants"], json!([]));
            assert!(answer.data().get("webrtc_config").is_none(), "only while live");
            assert!(answer.data().get("live_stats").is_none(), "only while live");
            assert!(!answer.body.to_string().contains("argon2"));
        }
    }
}

#[tokio::test]
async fn kcs_03_a_live_meeting_also_shows_statistics_and_the_way_to_its_media() {
    let world = World::new().await;
    let id = world.live_meeting(json!({})).await;
    let answer = world.get(Who::Member, &format!("/api/meeting/{id}")).await;
    let data = answer.data();
    assert_eq!(data["live_stats"]["current_participants"], 0);
    assert!(data["webrtc_config"]["ice_servers"].is_array());
}

#[tokio::test]
async fn kcs_03_details_refusals_are_exact_and_audited() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    check_meeting_refusals(&world, Method::GET, |id| format!("/api/meeting/{id}"), &id).await;
    let answer = world.get(Who::Second, &format!("/api/meeting/{id}")).await;
    answer.refused(403, "Access denied - you are not a participant in this meeting");
    let answer = world.get(Who::Admin, &format!("/api/meeting/{id}")).await;
    answer.refused(403, "Access denied - you are not a participant in this meeting");
    let trail = world.trail(&id).await;
    assert_eq!(
        trail,
        [
            "meeting.create granted",
            "meeting.view other-campus",
            "meeting.view not-member",
            "meeting.view not-member"
        ]
    );
}
