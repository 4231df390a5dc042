//! The four recipes of the guide's "Testing Recommendations", under their own names (ACC-11).

use serde_json::{Value, json};

use crate::world::{Who, World};

#[tokio::test]
async fn acc_11_recipe_1_test_meeting_visibility() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    assert_eq!(world.get(Who::Member, "/api/meeting").await.data()[0]["id"], id);
    assert_eq!(world.get(Who::Member, &format!("/api/meeting/{id}")).await.data()["id"], id);
}

#[tokio::test]
async fn acc_11_recipe_2_test_access_control() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let answer = world.get(Who::Second, &format!("/api/meeting/{id}")).await;
    answer.refused(403, "Access denied - you are not a participant in this meeting");
}

#[tokio::test]
async fn acc_11_recipe_3_test_join_validation() {
    let world = World::new().await;
    let id = world.live_meeting(json!({ "meeting_password": "sesame" })).await;
    let answer = world
        .post(Who::Second, &format!("/api/meeting/{id}/join"), json!({ "meeting_password": "sesame" }))
        .await;
    answer.refused(403, "Access denied: You are not invited to this meeting");
}

#[tokio::test]
async fn acc_11_recipe_4_test_empty_results() {
    let world = World::new().await;
    // The guide calls the old spelling; the list itself must say the same.
    for path in ["/api/v1/meetings/participant", "/api/meeting/participant", "/api/meeting"] {
        let answer = world.get(Who::Student, path).await;
        let told = (answer.status.as_u16(), answer.data(), &answer.body["count"]);
        assert_eq!(told, (200, &json!([]), &Value::from(0)), "{path}");
    }
}
