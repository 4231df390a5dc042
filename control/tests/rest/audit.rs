//! The audit trail as administrators read it (ADD-16), and what stands in it.

use http::Method;
use serde_json::{Value, json};

use crate::world::{Answer, PASSWORD, Who, World};

const TRAIL: &str = "/api/admin/audit";

/// Actions and outcomes, newest first.
fn deeds(answer: &Answer) -> Vec<String> {
    let lines = answer.data().as_array().expect("a list");
    let text = |line: &Value| {
        format!("{} {}", line["action"].as_str().expect("a word"), line["outcome"].as_str().expect("a word"))
    };
    lines.iter().map(text).collect()
}

async fn campus_admin(world: &World, campus: &str) -> String {
    let email = format!("admin@{campus}.test");
    let body = json!({
        "name": "Campus Admin", "email": email, "password": "a-password", "user_type": "campus_admin", "campus_id": campus,
    });
    world.post(Who::Admin, "/api/admin/users", body).await.data();
    world.app.services.accounts.log_in(&email, "a-password").await.expect("logs in").token
}

#[tokio::test]
async fn add_16_administrators_filter_the_trail() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    world
        .get(Who::Second, &format!("/api/meeting/{id}"))
        .await
        .refused(403, "Access denied - you are not a participant in this meeting");
    let member = world.user_id(Who::Member).await;
    let removal = json!({ "participant_ids": [member], "reason": "too loud" });
    world.call(Who::Host, Method::DELETE, &format!("/api/meeting/{id}/participants"), removal).await.data();
    let ask = async |query: String| world.get(Who::Admin, &format!("{TRAIL}?{query}")).await;
    let all = ask(format!("meeting=mtg_{}", id.to_lowercase())).await;
    assert_eq!(
        deeds(&all),
        ["participant.remove granted", "meeting.view not-member", "meeting.create granted"]
    );
    let removed = &all.data()[0];
    assert_eq!(
        (&removed["target_id"], &removed["detail"], &removed["meeting_id"], &removed["campus_id"]),
        (&json!(member), &json!("too loud"), &json!(id), &json!("default"))
    );
    assert_eq!(removed["actor_id"], world.user_id(Who::Host).await);
    let second = world.user_id(Who::Second).await;
    for (query, expected) in [
        (format!("meeting={id}&outcome=refused"), vec!["meeting.view not-member"]),
        (format!("meeting={id}&outcome=not-member"), vec!["meeting.view not-member"]),
        (format!("meeting={id}&action=meeting.create"), vec!["meeting.create granted"]),
        (format!("actor={second}&meeting={id}"), vec!["meeting.view not-member"]),
        (format!("meeting={id}&from=2099-01-01T00:00:00Z"), vec![]),
        (format!("meeting={id}&to=2001-01-01T00:00:00Z"), vec![]),
        (format!("meeting={id}&campus=other"), vec![]),
        ("meeting=nonsense".to_owned(), vec![]),
        ("actor=nonsense".to_owned(), vec![]),
    ] {
        assert_eq!(deeds(&ask(query.clone()).await), expected, "{query}");
    }
    for (query, message) in [
        ("from=yesterday", "from: must be an ISO 8601 time"),
        ("cursor=x", "cursor: must be one that an answer gave"),
        ("limit=0", "limit: must be a whole number between 1 and 500"),
    ] {
        ask(query.to_owned()).await.refused(400, message);
    }
}

#[tokio::test]
async fn add_16_the_trail_is_read_page_by_page_without_a_gap() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    for _ in 0..5 {
        world.get(Who::Second, &format!("/api/meeting/{id}")).await;
    }
    let whole = world.get(Who::Admin, &format!("{TRAIL}?meeting={id}")).await;
    assert_eq!((whole.data().as_array().map(Vec::len), &whole.body["next_cursor"]), (Some(6), &Value::Null));
    let mut path = format!("{TRAIL}?meeting={id}&limit=4");
    let mut seen = Vec::new();
    loop {
        let page = world.get(Who::Admin, &path).await;
        seen.extend(page.data().as_array().expect("a list").clone());
        let Some(cursor) = page.body["next_cursor"].as_str() else { break };
        path = format!("{TRAIL}?meeting={id}&limit=4&cursor={cursor}");
    }
    assert_eq!(json!(seen), *whole.data());
}

#[tokio::test]
async fn add_16_campus_administrators_see_their_campus_and_others_nothing() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let far = campus_admin(&world, "other").await;
    world.log_in("outsider@demo.test", PASSWORD).await.data();
    world.get(Who::Outsider, &format!("/api/meeting/{id}")).await;
    let ask = async |query: &str| {
        world.call_as(Some(&far), Method::GET, &format!("{TRAIL}{query}"), Value::Null).await
    };
    let lines = ask("").await;
    assert!(!lines.data().as_array().expect("a list").is_empty());
    for line in lines.data().as_array().expect("a list") {
        assert_eq!(line["campus_id"], "other", "{line}");
    }
    assert!(!lines.body.to_string().contains(&id));
    assert_eq!(ask(&format!("?meeting={id}")).await.data(), &json!([]));
    ask("?campus=default").await.refused(403, "Access denied");
    for who in [Who::Host, Who::Member, Who::Student, Who::Outsider] {
        world.get(who, TRAIL).await.refused(403, "Access denied");
    }
    world.get(Who::Nobody, TRAIL).await.refused(401, "Authentication token missing");
}

#[tokio::test]
async fn sec_01_logins_features_roles_and_accounts_are_in_the_trail_and_no_secret_is() {
    let world = World::new().await;
    world.log_in("host@demo.test", "not-the-password").await.refused(401, "Invalid credentials");
    world.log_in("nobody@demo.test", "not-the-password").await.refused(401, "Invalid credentials");
    world.log_in("host@demo.test", PASSWORD).await.data();
    let id = world.meeting(json!({ "meeting_password": "sesame" })).await;
    world
        .put(Who::Host, &format!("/api/meeting/{id}"), json!({ "features": { "chat_enabled": false } }))
        .await
        .data();
    let member = world.user_id(Who::Member).await;
    let role = json!({ "new_role": "presenter", "permissions": { "can_record": true } });
    world
        .call(Who::Host, Method::PATCH, &format!("/api/meeting/{id}/participants/{member}/role"), role)
        .await
        .data();
    world
        .post(
            Who::Host,
            &format!("/api/meeting/{id}/participants"),
            json!({ "participants": ["second@demo.test"] }),
        )
        .await
        .data();
    world
        .post(Who::Second, &format!("/api/meeting/{id}/join"), json!({ "meeting_password": "sesam-open" }))
        .await;
    world.delete(Who::Host, &format!("/api/meeting/{id}")).await.data();
    campus_admin(&world, "default").await;
    let trail = world.get(Who::Admin, &format!("{TRAIL}?limit=500")).await;
    let lines = deeds(&trail);
    for expected in [
        "auth.login login-refused",
        "auth.login granted",
        "meeting.create granted",
        "meeting.features granted",
        "participant.role granted",
        "participant.add granted",
        "meeting.join password-wrong",
        "meeting.delete granted",
        "user.create granted",
    ] {
        assert!(lines.contains(&expected.to_owned()), "{expected}: {lines:?}");
    }
    let details: Vec<_> =
        trail.data().as_array().expect("a list").iter().filter_map(|line| line["detail"].as_str()).collect();
    for expected in ["chat=false", "presenter can_record=true"] {
        assert!(details.contains(&expected), "{expected}: {details:?}");
    }
    let host = world.user_id(Who::Host).await;
    let login = trail
        .data()
        .as_array()
        .expect("a list")
        .iter()
        .find(|l| l["action"] == "auth.login" && l["actor_id"] == host.as_str());
    assert_eq!(login.expect("a login")["campus_id"], "default");
    let text = trail.body.to_string();
    for secret in
        ["not-the-password", PASSWORD, "sesam", "a-password", "argon2", "demo.test", "Bearer", "eyJ"]
    {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn sec_01_what_is_refused_to_somebody_is_in_the_trail_too() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let path = format!("/api/meeting/{id}");
    world.put(Who::Second, &path, json!({ "meeting_name": "Mine" })).await.refused(403, "Access denied");
    world.delete(Who::Second, &path).await.refused(403, "Access denied");
    world
        .post(Who::Second, &format!("{path}/start"), Value::Null)
        .await
        .refused(403, "Only hosts can start meetings");
    world.post(Who::Host, &format!("{path}/end"), Value::Null).await.refused(400, "Meeting is not active");
    let trail = world.get(Who::Admin, &format!("{TRAIL}?meeting={id}&outcome=refused")).await;
    assert_eq!(
        deeds(&trail),
        [
            "meeting.end meeting-not-active",
            "meeting.start only-hosts-start",
            "meeting.delete forbidden",
            "meeting.update forbidden"
        ]
    );
}

#[tokio::test]
async fn sec_02_the_reason_of_a_removal_is_in_the_trail() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let member = world.user_id(Who::Member).await;
    let removal = json!({ "participant_ids": [member], "reason": "disruptive" });
    let path = format!("/api/meeting/{id}/participants");
    world.call(Who::Second, Method::DELETE, &path, removal.clone()).await.refused(403, "Access denied");
    world.call(Who::Host, Method::DELETE, &path, removal).await.data();
    let lines = world.audit_details(&id).await;
    assert!(lines.contains(&"participant.remove forbidden ".to_owned()), "{lines:?}");
    assert!(lines.contains(&"participant.remove granted disruptive".to_owned()), "{lines:?}");
}
