//! Meetings by participant (KCS-04), the spelling of the migration guide (KCS-04b), and lists in parts (KCS-02).

use serde_json::{Value, json};

use crate::world::{Who, World};

const OWN: &str = "/api/meeting/participant";
const ALIAS: &str = "/api/v1/meetings/participant";

/// A campus administrator, by token.
async fn campus_admin(world: &World, campus: &str) -> String {
    let email = format!("campus-admin@{campus}.test");
    let body = json!({
        "name": "Campus Admin", "email": email, "password": "a-password", "user_type": "campus_admin", "campus_id": campus,
    });
    world.post(Who::Admin, "/api/admin/users", body).await.data();
    let login = world.app.services.accounts.log_in(&email, "a-password").await.expect("logs in");
    login.token
}

#[tokio::test]
async fn kcs_04_acc_02_created_and_invited_meetings_with_a_deprecation_header() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    for who in [Who::Host, Who::Member] {
        let answer = world.get(who, OWN).await;
        assert_eq!((&answer.data()[0]["id"], &answer.body["count"]), (&json!(id), &json!(1)));
        assert_eq!(answer.header("deprecation"), Some("@1761523200"));
        assert_eq!(answer.header("link"), Some("</api/meeting>; rel=\"successor-version\""));
    }
    let nobody = world.get(Who::Student, OWN).await;
    assert_eq!((nobody.status.as_u16(), nobody.data(), &nobody.body["count"]), (200, &json!([]), &json!(0)));
}

#[tokio::test]
async fn kcs_04_c_69_ones_own_id_or_anybodys_for_administrators() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let (host, member) = (world.user_id(Who::Host).await, world.user_id(Who::Member).await);
    let outsider = world.user_id(Who::Outsider).await;
    let of = |user: &str| format!("{OWN}/{user}");
    assert_eq!(world.get(Who::Member, &of(&member)).await.data()[0]["id"], id);
    assert_eq!(world.get(Who::Admin, &of(&member)).await.data()[0]["id"], id);
    for unknown in ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense", "%FF"] {
        assert_eq!(world.get(Who::Admin, &of(unknown)).await.data(), &json!([]));
        world.get(Who::Member, &of(unknown)).await.refused(403, "Access denied");
    }
    world.get(Who::Member, &of(&host)).await.refused(403, "Access denied");
    let (own, far) = (campus_admin(&world, "default").await, campus_admin(&world, "other").await);
    let ask = async |token: &str, user: &str| {
        world.call_as(Some(token), http::Method::GET, &of(user), Value::Null).await
    };
    assert_eq!(ask(&own, &member).await.data()[0]["id"], id);
    ask(&own, &outsider).await.refused(403, "Access denied");
    ask(&far, &member).await.refused(403, "Access denied");
    assert_eq!(ask(&far, &outsider).await.data(), &json!([]));
    // Somebody who crosses campuses shows a campus administrator only what is of that campus.
    let admin = world.user_id(Who::Admin).await;
    world
        .post(
            Who::Outsider,
            "/api/meeting",
            crate::world::meeting_body(json!({ "participants": ["admin@demo.test"] })),
        )
        .await
        .data();
    assert_eq!(ask(&own, &admin).await.data(), &json!([]));
    assert_eq!(world.get(Who::Admin, &of(&admin)).await.body["count"], 1);
}

#[tokio::test]
async fn kcs_04b_c_32_the_alias_wears_both_envelopes_also_when_it_refuses() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let answer = world.get(Who::Member, ALIAS).await;
    assert_eq!(answer.data()[0]["id"], id);
    assert_eq!((&answer.body["status"], &answer.body["count"]), (&json!("success"), &json!(1)));
    assert!(answer.body["timestamp"].as_str().is_some_and(|at| at.ends_with('Z')), "{}", answer.body);
    assert!(answer.body["message"].is_string() && answer.header("deprecation").is_some());
    let other = world.user_id(Who::Host).await;
    let refused = world.get(Who::Member, &format!("{ALIAS}/{other}")).await;
    let told = (&refused.body["success"], &refused.body["status"], &refused.body["message"]);
    assert_eq!(
        (refused.status.as_u16(), told),
        (403, (&json!(false), &json!("error"), &json!("Access denied")))
    );
    let missing = world.get(Who::Nobody, ALIAS).await;
    let told = (&missing.body["status"], &missing.body["message"]);
    assert_eq!(
        (missing.status.as_u16(), told),
        (401, (&json!("error"), &json!("Authentication token missing")))
    );
}

#[tokio::test]
async fn kcs_02_lists_come_in_parts_for_those_who_ask() {
    let world = World::new().await;
    let mut made = Vec::new();
    for day in 1..=3 {
        let times = json!({
            "meeting_start_time": format!("2098-01-0{day}T10:00:00Z"),
            "meeting_end_time": format!("2098-01-0{day}T11:00:00Z"),
        });
        made.push(world.meeting(times).await);
    }
    for path in ["/api/meeting", OWN, ALIAS] {
        let ids = async |query: &str| {
            let answer = world.get(Who::Member, &format!("{path}{query}")).await;
            assert_eq!(answer.body["total"], 3, "{path}{query}");
            let list = answer.data().as_array().expect("a list").clone();
            assert_eq!(answer.body["count"], list.len());
            list.iter().map(|one| one["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(ids("").await, [&made[2], &made[1], &made[0]].map(String::clone));
        assert_eq!(ids("?limit=1&offset=1").await, [made[1].clone()]);
        assert_eq!(ids("?offset=3").await, [] as [String; 0]);
        let refused = world.get(Who::Member, &format!("{path}?limit=x")).await;
        assert_eq!(refused.body["message"], "limit: must be a whole number between 1 and 1000");
    }
}
