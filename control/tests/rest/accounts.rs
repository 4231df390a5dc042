//! Login, profile, password, adding people.

use http::Method;
use plenum_control::domain::account::UserType;
use serde_json::{Value, json};
use time::Duration;

use crate::world::{PASSWORD, Who, World, bad, check};

#[tokio::test]
async fn cls_01_login_gives_a_token_and_the_user_twice_over() {
    let world = World::new().await;
    let answer = world.log_in("HOST@demo.test", PASSWORD).await;
    let data = answer.data();
    let user = &data["user"];
    assert_eq!(user["email"], "host@demo.test");
    assert_eq!(
        (&user["role"], &user["user_type"], &user["campus_id"]),
        (&json!("host"), &json!("teacher"), &json!("default"))
    );
    assert_eq!((&answer.body["token"], &answer.body["user"]), (&data["token"], user));
    let token = data["token"].as_str().expect("a token");
    let profile = world.call_as(Some(token), Method::GET, "/api/auth/profile", Value::Null).await;
    assert_eq!(profile.data(), user);
}

#[tokio::test]
async fn cls_01_username_is_another_name_for_email() {
    let world = World::new().await;
    let body = json!({ "username": "student@demo.test", "password": PASSWORD });
    let answer = world.call_as(None, Method::POST, "/api/auth/login", body).await;
    assert_eq!(answer.data()["user"]["role"], "student");
}

#[tokio::test]
async fn cls_01_login_bad_input() {
    let world = World::new().await;
    let long = "x".repeat(5000);
    check(
        &world,
        Method::POST,
        "/api/auth/login",
        vec![
            bad("nothing", Who::Nobody, Value::Null, 400, "email is required"),
            bad("no e-mail", Who::Nobody, json!({ "password": "x" }), 400, "email is required"),
            bad(
                "empty e-mail",
                Who::Nobody,
                json!({ "email": " ", "password": "x" }),
                400,
                "email is required",
            ),
            bad(
                "no password",
                Who::Nobody,
                json!({ "email": "host@demo.test" }),
                400,
                "password is required",
            ),
            bad(
                "e-mail of another type",
                Who::Nobody,
                json!({ "email": 7, "password": "x" }),
                400,
                "email: must be a string",
            ),
            bad(
                "password of another type",
                Who::Nobody,
                json!({ "email": "a@b", "password": {} }),
                400,
                "password: must be a string",
            ),
            bad("a list", Who::Nobody, json!([1]), 400, "Invalid request body: must be a JSON object"),
            bad(
                "wrong password",
                Who::Nobody,
                json!({ "email": "host@demo.test", "password": "wrong-one" }),
                401,
                "Invalid credentials",
            ),
            bad(
                "endless password",
                Who::Nobody,
                json!({ "email": "host@demo.test", "password": long }),
                401,
                "Invalid credentials",
            ),
            bad(
                "unknown",
                Who::Nobody,
                json!({ "email": "nobody@demo.test", "password": PASSWORD }),
                401,
                "Invalid credentials",
            ),
            bad(
                "injection",
                Who::Nobody,
                json!({ "email": "' OR 1=1 --", "password": "x" }),
                401,
                "Invalid credentials",
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn auth_05_each_token_problem_has_its_own_words() {
    let world = World::new().await;
    let token = world.token(Who::Host).await;
    let profile = |token: Option<String>| async move { token };
    let ask = |token: Option<String>| {
        let world = &world;
        async move {
            let token = profile(token).await;
            world.call_as(token.as_deref(), Method::GET, "/api/auth/profile", Value::Null).await
        }
    };
    ask(None).await.refused(401, "Authentication token missing");
    ask(Some(String::new())).await.refused(401, "Authentication token missing");
    ask(Some("nonsense".into())).await.refused(401, "Invalid token");
    let (head, _) = token.rsplit_once('.').expect("a signature");
    ask(Some(format!("{head}.AAAA"))).await.refused(401, "Invalid token");
    world.clock.advance(Duration::hours(25));
    ask(Some(token)).await.refused(401, "Token expired");
}

#[tokio::test]
async fn auth_05_a_token_of_an_account_that_is_gone_is_user_not_found() {
    let secret = [("JWT_SECRET", "one secret for two installations, for the length of a test")];
    let (here, elsewhere) = (World::with(&secret).await, World::with(&secret).await);
    let token = elsewhere.token(Who::Host).await;
    let answer = here.call_as(Some(&token), Method::GET, "/api/auth/profile", Value::Null).await;
    answer.refused(401, "User not found");
}

#[tokio::test]
async fn cls_02_profile_is_for_its_owner_only() {
    let world = World::new().await;
    let answer = world.get(Who::Student, "/api/auth/profile").await;
    assert_eq!(answer.data()["id"], world.user_id(Who::Student).await);
    assert!(!answer.body.to_string().contains("argon2"));
    world.get(Who::Nobody, "/api/auth/profile").await.refused(401, "Authentication token missing");
}

#[tokio::test]
async fn cls_03_changing_the_password_ends_every_older_token() {
    let world = World::new().await;
    let old = world.token(Who::Member).await;
    let body = json!({ "currentPassword": PASSWORD, "newPassword": "another-one" });
    let answer = world.call_as(Some(&old), Method::PUT, "/api/auth/change-password", body).await;
    answer.data();
    world
        .call_as(Some(&old), Method::GET, "/api/auth/profile", Value::Null)
        .await
        .refused(401, "Invalid token");
    world.log_in("member@demo.test", PASSWORD).await.refused(401, "Invalid credentials");
    world.log_in("member@demo.test", "another-one").await.data();
}

#[tokio::test]
async fn cls_03_change_password_bad_input() {
    let world = World::new().await;
    check(
        &world,
        Method::PUT,
        "/api/auth/change-password",
        vec![
            bad("no token", Who::Nobody, json!({}), 401, "Authentication token missing"),
            bad("nothing", Who::Host, json!({}), 400, "currentPassword is required"),
            bad("no new one", Who::Host, json!({ "oldPassword": PASSWORD }), 400, "newPassword is required"),
            bad(
                "wrong",
                Who::Host,
                json!({ "current_password": "wrong-one", "new_password": "long enough" }),
                401,
                "Current password is incorrect",
            ),
            bad(
                "short",
                Who::Host,
                json!({ "currentPassword": PASSWORD, "newPassword": "12345" }),
                400,
                "newPassword: must be at least 6 characters",
            ),
            bad(
                "endless",
                Who::Host,
                json!({ "currentPassword": PASSWORD, "newPassword": "x".repeat(2000) }),
                400,
                "newPassword: must not be longer than 1024 bytes",
            ),
            bad(
                "type",
                Who::Host,
                json!({ "currentPassword": PASSWORD, "newPassword": 123_456 }),
                400,
                "newPassword: must be a string",
            ),
        ],
    )
    .await;
}

fn person(more: Value) -> Value {
    let mut body = json!({
        "name": "New Person", "email": "new@demo.test", "password": "secret-1", "user_type": "teacher", "campus_id": "default",
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        body[key] = value.clone();
    }
    body
}

#[tokio::test]
async fn add_01_an_admin_adds_people_anywhere_who_can_then_log_in() {
    let world = World::new().await;
    let answer = world.post(Who::Admin, "/api/admin/users", person(json!({ "campus_id": "north" }))).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.data()["campus_id"], "north");
    assert_eq!(world.log_in("new@demo.test", "secret-1").await.data()["user"]["name"], "New Person");
}

#[tokio::test]
async fn add_01_a_campus_admin_adds_people_to_the_own_campus_below_admin() {
    let world = World::new().await;
    let chief = person(json!({ "email": "chief@demo.test", "user_type": "campus_admin" }));
    world.post(Who::Admin, "/api/admin/users", chief).await.data();
    let login = world.log_in("chief@demo.test", "secret-1").await;
    let token = login.data()["token"].as_str();
    let add = |body| world.call_as(token, Method::POST, "/api/admin/users", body);
    add(person(json!({}))).await.data();
    add(person(json!({ "email": "x@demo.test", "campus_id": "other" }))).await.refused(403, "Access denied");
    add(person(json!({ "email": "x@demo.test", "user_type": "admin" }))).await.refused(403, "Access denied");
}

#[tokio::test]
async fn add_01_create_user_bad_input() {
    let world = World::new().await;
    let types = "user_type: must be one of admin, campus_admin, teacher, staff, student";
    check(
        &world,
        Method::POST,
        "/api/admin/users",
        vec![
            bad("no token", Who::Nobody, person(json!({})), 401, "Authentication token missing"),
            bad("a teacher", Who::Host, person(json!({})), 403, "Access denied"),
            bad("a student", Who::Student, person(json!({})), 403, "Access denied"),
            bad("no name", Who::Admin, person(json!({ "name": "" })), 400, "name is required"),
            bad("no address", Who::Admin, person(json!({ "email": null })), 400, "email is required"),
            bad(
                "no address at all",
                Who::Admin,
                person(json!({ "email": "new" })),
                400,
                "email: must be an e-mail address",
            ),
            bad(
                "taken",
                Who::Admin,
                person(json!({ "email": "Host@Demo.Test" })),
                400,
                "email: is already in use",
            ),
            bad(
                "short",
                Who::Admin,
                person(json!({ "password": "12345" })),
                400,
                "password: must be at least 6 characters",
            ),
            bad("no password", Who::Admin, person(json!({ "password": null })), 400, "password is required"),
            bad("no type", Who::Admin, person(json!({ "user_type": null })), 400, "user_type is required"),
            bad("guest", Who::Admin, person(json!({ "user_type": UserType::Guest.as_str() })), 400, types),
            bad("unknown type", Who::Admin, person(json!({ "user_type": "king" })), 400, types),
            bad("type of another type", Who::Admin, person(json!({ "user_type": 1 })), 400, types),
            bad("no campus", Who::Admin, person(json!({ "campus_id": " " })), 400, "campus_id is required"),
            bad(
                "endless name",
                Who::Admin,
                person(json!({ "name": "x".repeat(20_000) })),
                400,
                "name: must not be longer than 16384 bytes",
            ),
        ],
    )
    .await;
}
