//! Looking people of the campus up (KCS-14).

use http::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::world::{Answer, Who, World, bad, check, check_meeting_refusals};

fn path(id: &str) -> String {
    format!("/api/meeting/{id}/search-users")
}

fn names(answer: &Answer) -> Vec<&str> {
    let users = answer.data()["users"].as_array().expect("a list");
    users.iter().map(|user| user["name"].as_str().expect("a name")).collect()
}

impl World {
    async fn person(&self, name: &str, email: &str, user_type: &str, campus: &str) -> String {
        let body = json!({
            "name": name, "email": email, "password": "a-password", "user_type": user_type, "campus_id": campus,
            "department": "Physics", "profile_picture": "https://pictures.test/1.png",
        });
        let made = self.post(Who::Admin, "/api/admin/users", body).await;
        made.data()["id"].as_str().expect("an id").to_owned()
    }
}

/// Six people called about the same, one of them elsewhere.
async fn directory() -> (World, String) {
    let world = World::new().await;
    world.person("Mira Lind", "zz@demo.test", "teacher", "default").await;
    world.person("Mira Lindqvist", "aa@demo.test", "student", "default").await;
    world.person("Ada Mira Linden", "bb@demo.test", "staff", "default").await;
    world.person("Bob", "mira%lind@demo.test", "student", "default").await;
    world.person("Ünal Öz", "unal@demo.test", "campus_admin", "default").await;
    world.person("Mira Lind Far", "far@other.test", "teacher", "other").await;
    let id = world.meeting(json!({})).await;
    (world, id)
}

#[tokio::test]
async fn kcs_14_equal_comes_before_beginning_and_that_before_anywhere() {
    let (world, id) = directory().await;
    let answer = world.post(Who::Host, &path(&id), json!({ "query": "  MIRA   lind " })).await;
    assert_eq!(names(&answer), ["Mira Lind", "Mira Lindqvist", "Ada Mira Linden"]);
    assert_eq!((&answer.body["count"], &answer.data()["total_found"]), (&json!(3), &json!(3)));
    assert_eq!(answer.data()["search_query"], "  MIRA   lind ");
    let first = &answer.data()["users"][0];
    assert_eq!(
        (&first["email"], &first["user_type"], &first["department"], &first["profile_picture"]),
        (&json!("zz@demo.test"), &json!("teacher"), &json!("Physics"), &json!("https://pictures.test/1.png"))
    );
    let by_user_name = world.post(Who::Host, &path(&id), json!({ "query": "aa" })).await;
    assert_eq!(names(&by_user_name), ["Mira Lindqvist"]);
    let by_address = world.post(Who::Host, &path(&id), json!({ "query": "BB@demo.test" })).await;
    assert_eq!(names(&by_address), ["Ada Mira Linden"]);
    let folded = world.post(Who::Host, &path(&id), json!({ "query": "ünal ö" })).await;
    assert_eq!((names(&folded), &folded.data()["users"][0]["user_type"]), (vec!["Ünal Öz"], &json!("staff")));
}

#[tokio::test]
async fn kcs_14_signs_of_patterns_mean_themselves() {
    let (world, id) = directory().await;
    for (query, found) in
        [("a%l", vec!["Bob"]), ("%", vec!["Bob"]), ("_", vec![]), ("!", vec![]), ("' OR 1=1", vec![])]
    {
        let answer = world.post(Who::Host, &path(&id), json!({ "query": query })).await;
        assert_eq!(names(&answer), found, "{query}");
    }
}

#[tokio::test]
async fn kcs_14_the_roster_is_left_out_unless_wanted_and_other_campuses_always() {
    let (world, id) = directory().await;
    let quiet = world.post(Who::Host, &path(&id), json!({ "query": "demo.test", "limit": 100 })).await;
    assert!(!quiet.body.to_string().contains("member@demo.test"));
    let body = json!({ "query": "demo.test", "limit": 100, "exclude_current_participants": false });
    let whole = world.post(Who::Host, &path(&id), body).await;
    for (text, there) in [
        ("member@demo.test", true),
        ("host@demo.test", true),
        ("far@other.test", false),
        ("outsider@", false),
    ] {
        assert_eq!(whole.body.to_string().contains(text), there, "{text}");
    }
    // An invitation by address, before its owner has an account.
    world
        .put(Who::Host, &format!("/api/meeting/{id}"), json!({ "participants": ["new@demo.test"] }))
        .await
        .data();
    world.person("Newly Here", "new@demo.test", "student", "default").await;
    let answer = world.post(Who::Host, &path(&id), json!({ "query": "newly" })).await;
    assert_eq!(names(&answer), [] as [&str; 0]);
}

#[tokio::test]
async fn kcs_14_groups_narrow_in_singular_and_plural() {
    let (world, id) = directory().await;
    for (types, found) in [
        (json!(["teachers"]), vec!["Mira Lind"]),
        (json!(["teacher", "student"]), vec!["Mira Lind", "Mira Lindqvist"]),
        (json!(["staff"]), vec!["Ada Mira Linden"]),
        (json!([]), vec!["Mira Lind", "Mira Lindqvist", "Ada Mira Linden"]),
    ] {
        let answer =
            world.post(Who::Host, &path(&id), json!({ "query": "mira lind", "user_types": types })).await;
        assert_eq!(names(&answer), found, "{types}");
    }
}

#[tokio::test]
async fn lim_05_twenty_results_unless_said_and_a_hundred_at_most() {
    let world = World::new().await;
    let hash = plenum_control::domain::password::PasswordHash::from_phc("$argon2id$of-a-test".into());
    let (host, _) = world.store.credentials_by_email("host@demo.test").await.expect("reads").expect("exists");
    for n in 0..120 {
        let mut account = host.clone();
        account.id = plenum_control::domain::id::UserId::generate();
        (account.name, account.email) = (format!("Crowd {n:03}"), format!("crowd{n}@demo.test"));
        world.store.insert_account(&account, &hash).await.expect("inserted");
    }
    let id = world.meeting(json!({})).await;
    for (limit, count) in [(Value::Null, 20), (json!(3), 3), (json!(100), 100), (json!(5000), 100)] {
        let answer = world.post(Who::Host, &path(&id), json!({ "query": "crowd", "limit": limit })).await;
        assert_eq!((names(&answer).len(), &answer.data()["total_found"]), (count, &json!(120)), "{limit}");
        assert_eq!(answer.body["count"], count);
    }
}

#[tokio::test]
async fn kcs_14_refusals_are_exact() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    check_meeting_refusals(&world, Method::POST, path, &id).await;
    let query = json!({ "query": "x" });
    let rows = vec![
        bad("an attendee", Who::Member, query.clone(), 403, "Access denied"),
        bad("an uninvited person", Who::Second, query, 403, "Access denied"),
        bad("nothing", Who::Host, json!({}), 400, "query: must not be empty"),
        bad("blanks", Who::Host, json!({ "query": "  " }), 400, "query: must not be empty"),
        bad(
            "a novel",
            Who::Host,
            json!({ "query": "x".repeat(201) }),
            400,
            "query: must have at most 200 characters",
        ),
        bad("a number", Who::Host, json!({ "query": 7 }), 400, "query: must be a string"),
        bad("no limit", Who::Host, json!({ "query": "x", "limit": 0 }), 400, "limit: must be at least 1"),
        bad(
            "an unknown group",
            Who::Host,
            json!({ "query": "x", "user_types": ["kings"] }),
            400,
            "user_types: must be some of teachers, students, staff",
        ),
        bad(
            "a group that is no text",
            Who::Host,
            json!({ "query": "x", "user_types": [7] }),
            400,
            "user_types: must be some of teachers, students, staff",
        ),
    ];
    check(&world, Method::POST, &path(&id), rows).await;
}

#[tokio::test]
async fn rate_04_thirty_searches_a_minute_for_each_user() {
    let world = World::with(&[]).await;
    let id =
        world.meeting(json!({ "participants": [{ "email": "member@demo.test", "role": "co_host" }] })).await;
    for left in (0..30).rev() {
        let answer = world.post(Who::Host, &path(&id), json!({ "query": "x" })).await;
        answer.data();
        assert_eq!(answer.header("x-ratelimit-remaining"), Some(left.to_string().as_str()));
    }
    let refused = world.post(Who::Host, &path(&id), json!({ "query": "x" })).await;
    refused.refused_with(429, "Rate limit exceeded", "RATE_LIMIT_EXCEEDED");
    assert!(refused.header("retry-after").is_some());
    world.post(Who::Member, &path(&id), json!({ "query": "x" })).await.data();
    world.clock.advance(Duration::seconds(61));
    world.post(Who::Host, &path(&id), json!({ "query": "x" })).await.data();
}
