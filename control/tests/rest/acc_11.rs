//! The four verification scenarios of the security fixes (ACC-11).

use serde_json::{Value, json};

use crate::world::{Who, World};

#[tokio::test]
async fn acc_11_an_invited_user_sees_the_meeting() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    assert_eq!(world.get(Who::Member, "/api/meeting").await.data()[0]["id"], id);
    assert_eq!(world.get(Who::Member, &format!("/api/meeting/{id}")).await.data()["id"], id);
}

#[tokio::test]
async fn acc_11_an_uninvited_user_gets_403_on_view() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let answer = world.get(Who::Second, &format!("/api/meeting/{id}")).await;
    answer.refused(403, "Access denied - you are not a participant in this meeting");
}

#[tokio::test]
async fn acc_11_an_uninvited_user_gets_403_on_join_even_with_the_right_password() {
    let world = World::new().await;
    let id = world.live_meeting(json!({ "meeting_password": "sesame" })).await;
    let answer = world
        .post(Who::Second, &format!("/api/meeting/{id}/join"), json!({ "meeting_password": "sesame" }))
        .await;
    answer.refused(403, "Access denied: You are not invited to this meeting");
}

#[tokio::test]
async fn acc_11_a_new_user_gets_200_and_an_empty_list() {
    let world = World::new().await;
    let answer = world.get(Who::Student, "/api/meeting").await;
    assert_eq!(
        (answer.status.as_u16(), answer.data(), &answer.body["count"]),
        (200, &json!([]), &Value::from(0))
    );
}
