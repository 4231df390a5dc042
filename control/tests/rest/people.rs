//! Adding, removing and changing roles over REST (KCS-11 to KCS-13).

use http::Method;
use serde_json::{Value, json};
use time::Duration;

use crate::world::{Answer, Bad, Who, World, bad, check, check_meeting_refusals};

fn people(id: &str) -> String {
    format!("/api/meeting/{id}/participants")
}

fn role(id: &str, person: &str) -> String {
    format!("/api/meeting/{id}/participants/{person}/role")
}

impl World {
    async fn remove(&self, who: Who, id: &str, body: Value) -> Answer {
        self.call(who, Method::DELETE, &people(id), body).await
    }

    async fn set_role(&self, who: Who, id: &str, person: &str, body: Value) -> Answer {
        self.call(who, Method::PATCH, &role(id, person), body).await
    }

    async fn row(&self, id: &str, email: &str) -> Value {
        let roster = self.get(Who::Host, &people(id)).await;
        let rows = roster.data().as_array().expect("a list").clone();
        rows.into_iter().find(|row| row["participant_email"] == email).unwrap_or(Value::Null)
    }
}

#[tokio::test]
async fn kcs_11_adds_people_and_says_who_is_new_and_how_many_there_are() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let body = json!({
        "participants": [
            { "user_id": world.user_id(Who::Second).await, "role": "presenter" },
            { "email": "guest@elsewhere.test", "name": "Gus Guest", "phone": "+1 555" },
            "student@demo.test",
            { "email": "MEMBER@demo.test", "role": "host" },
        ],
        "participant_role": "co_host",
        "send_invitation": false,
    });
    let answer = world.post(Who::Host, &people(&id), body.clone()).await;
    assert_eq!(answer.status, 201);
    let data = answer.data();
    assert_eq!((&data["meeting_id"], &data["total_participants"]), (&json!(id), &json!(5)));
    let added = data["participants_added"].as_array().expect("a list");
    let shown: Vec<_> = added.iter().map(|one| (&one["email"], &one["role"], &one["name"])).collect();
    assert_eq!(
        shown,
        [
            (&json!("second@demo.test"), &json!("presenter"), &added[0]["name"]),
            (&json!("guest@elsewhere.test"), &json!("co_host"), &json!("Gus Guest")),
            (&json!("student@demo.test"), &json!("co_host"), &added[2]["name"]),
        ]
    );
    assert_eq!(
        (&added[0]["user_id"], &added[1]["user_id"]),
        (&json!(world.user_id(Who::Second).await), &Value::Null)
    );
    assert_eq!(
        world.row(&id, "member@demo.test").await["role"],
        "attendee",
        "listed people stay as they are"
    );
    let again = world.post(Who::Host, &people(&id), body).await;
    assert_eq!(
        (&again.data()["participants_added"], &again.data()["total_participants"]),
        (&json!([]), &json!(5))
    );
    assert_eq!(world.get(Who::Student, "/api/meeting").await.data()[0]["id"], id);
}

#[tokio::test]
async fn kcs_11_role_07_role_11_refusals_are_exact() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    check_meeting_refusals(&world, Method::POST, people, &id).await;
    let one = json!({ "participants": ["second@demo.test"] });
    let with = |more: Value| {
        let mut body = one.clone();
        more.as_object().expect("fields").iter().for_each(|(name, value)| body[name] = value.clone());
        body
    };
    let outsider = world.user_id(Who::Outsider).await;
    let only = "Only hosts and co-hosts can add participants";
    let least = "At least one participant is required";
    let either = "Each participant must have user_id or email";
    let rows: Vec<Bad> = vec![
        bad("an attendee", Who::Member, one.clone(), 403, only),
        bad("an uninvited person", Who::Second, one.clone(), 403, only),
        bad("nobody", Who::Host, json!({ "participants": [] }), 400, least),
        bad("no field", Who::Host, json!({}), 400, least),
        bad("no person", Who::Host, json!({ "participants": [{ "name": "x" }] }), 400, either),
        bad("a number", Who::Host, json!({ "participants": [7] }), 400, either),
        bad(
            "an unknown account",
            Who::Host,
            json!({ "participants": [{ "user_id": "01ARZ3NDEKTSV4RRFFQ69G5FAV" }] }),
            404,
            "User not found",
        ),
        bad(
            "another campus",
            Who::Host,
            json!({ "participants": [{ "user_id": outsider }] }),
            404,
            "User not found",
        ),
        bad(
            "no address",
            Who::Host,
            json!({ "participants": ["a@b@c"] }),
            400,
            "participants: an email is not an e-mail address",
        ),
        bad(
            "a long message",
            Who::Host,
            with(json!({ "invitation_message": "x".repeat(501) })),
            400,
            "invitation_message: must have at most 500 characters",
        ),
        bad(
            "an unknown role",
            Who::Host,
            with(json!({ "participant_role": "king" })),
            400,
            "participant_role: must be one of host, co_host, presenter, attendee",
        ),
        bad(
            "an unknown role of one",
            Who::Host,
            json!({ "participants": [{ "email": "a@b", "role": "king" }] }),
            400,
            "role: must be one of host, co_host, presenter, attendee",
        ),
        bad(
            "a flag that is none",
            Who::Host,
            with(json!({ "send_invitation": "yes" })),
            400,
            "send_invitation: must be true or false",
        ),
    ];
    check(&world, Method::POST, &people(&id), rows).await;
    world.post(Who::Host, &format!("/api/meeting/{id}/start"), Value::Null).await.data();
    world.post(Who::Host, &format!("/api/meeting/{id}/end"), Value::Null).await.data();
    world.post(Who::Host, &people(&id), one).await.refused(410, "Meeting has ended");
}

#[tokio::test]
async fn lim_04_an_invitation_message_has_at_most_500_characters_not_bytes() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let body = json!({ "participants": ["second@demo.test"], "invitation_message": "é".repeat(500) });
    world.post(Who::Host, &people(&id), body).await.data();
}

#[tokio::test]
async fn role_07_co_hosts_add_people_but_no_hosts() {
    let world = World::new().await;
    let id =
        world.meeting(json!({ "participants": [{ "email": "member@demo.test", "role": "co_host" }] })).await;
    let host = json!({ "participants": [{ "email": "second@demo.test", "role": "host" }] });
    world.post(Who::Member, &people(&id), host).await.refused(403, "Only hosts can change roles");
    let co_host = json!({ "participants": [{ "email": "second@demo.test", "role": "co_host" }] });
    world.post(Who::Member, &people(&id), co_host).await.data();
}

#[tokio::test]
async fn kcs_12_removes_people_by_record_or_account_and_leaves_strangers_out() {
    let world = World::new().await;
    let id = world
        .meeting(json!({ "participants": ["member@demo.test", "student@demo.test", "x@elsewhere.test"] }))
        .await;
    let record = world.row(&id, "x@elsewhere.test").await["id"].clone();
    let member = world.user_id(Who::Member).await;
    let stranger = world.user_id(Who::Second).await;
    let body = json!({ "participant_ids": [member, record, stranger, "nonsense"], "reason": "wrong class" });
    let answer = world.remove(Who::Host, &id, body).await;
    assert_eq!(
        answer.data(),
        &json!({ "meeting_id": id, "participants_removed": [member, record], "remaining_count": 2 })
    );
    assert_eq!(world.get(Who::Member, "/api/meeting").await.data(), &json!([]));
    let view = world.get(Who::Member, &format!("/api/meeting/{id}")).await;
    view.refused(403, "Access denied - you are not a participant in this meeting");
    let again = world.remove(Who::Host, &id, json!({ "participant_ids": [member] })).await;
    assert_eq!(again.data()["participants_removed"], json!([]));
}

#[tokio::test]
async fn kcs_12_c_71_people_can_be_named_in_the_address() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let path = format!(
        "{}?participant_ids={},&reason=too+%22loud%22",
        people(&id),
        world.user_id(Who::Member).await
    );
    assert_eq!(world.delete(Who::Host, &path).await.data()["remaining_count"], 1);
    let lines = world.audit_details(&id).await;
    assert!(lines.contains(&"participant.remove granted too \"loud\"".to_owned()), "{lines:?}");
}

#[tokio::test]
async fn kcs_12_role_08_role_11_refusals_are_exact_and_nobody_is_removed() {
    let world = World::new().await;
    let id = world
        .meeting(
            json!({ "participants": ["member@demo.test", { "email": "student@demo.test", "role": "host" }] }),
        )
        .await;
    check_meeting_refusals(&world, Method::DELETE, people, &id).await;
    let (host, member) = (world.user_id(Who::Host).await, world.user_id(Who::Member).await);
    let student = world.user_id(Who::Student).await;
    let one = json!({ "participant_ids": [member] });
    let rows = vec![
        bad("an attendee", Who::Member, one.clone(), 403, "Access denied"),
        bad("an uninvited person", Who::Second, one.clone(), 403, "Access denied"),
        bad(
            "nobody",
            Who::Host,
            json!({ "participant_ids": [] }),
            400,
            "At least one participant is required",
        ),
        bad("nothing", Who::Host, Value::Null, 400, "At least one participant is required"),
        bad(
            "no texts",
            Who::Host,
            json!({ "participant_ids": [7] }),
            400,
            "participant_ids: must be an array of strings",
        ),
        bad(
            "no list",
            Who::Host,
            json!({ "participant_ids": "x" }),
            400,
            "participant_ids: must be an array",
        ),
        bad(
            "the creator",
            Who::Host,
            json!({ "participant_ids": [member, host] }),
            403,
            "Cannot remove meeting host",
        ),
        bad(
            "a host",
            Who::Host,
            json!({ "participant_ids": [member, student] }),
            403,
            "Cannot remove meeting host",
        ),
        bad(
            "a long reason",
            Who::Host,
            json!({ "participant_ids": [member], "reason": "x".repeat(501) }),
            400,
            "reason: must have at most 500 characters",
        ),
    ];
    check(&world, Method::DELETE, &people(&id), rows).await;
    assert_eq!(world.row(&id, "member@demo.test").await["role"], "attendee");
}

#[tokio::test]
async fn kcs_13_role_06_a_role_and_single_rights_are_given_and_taken() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    let record = world.row(&id, "member@demo.test").await["id"].as_str().expect("an id").to_owned();
    let body =
        json!({ "new_role": "presenter", "permissions": { "can_record": true, "can_share_screen": false } });
    let answer = world.set_role(Who::Host, &id, &record, body).await;
    let data = answer.data();
    assert_eq!(
        (&data["participant_id"], &data["old_role"], &data["new_role"]),
        (&json!(record), &json!("attendee"), &json!("presenter"))
    );
    assert!(data["updated_at"].as_str().is_some_and(|at| at.ends_with('Z')));
    let row = world.row(&id, "member@demo.test").await;
    assert_eq!(row["role"], "presenter");
    assert_eq!(
        (&row["permissions"]["can_record"], &row["permissions"]["can_share_screen"]),
        (&json!(true), &json!(false))
    );
    let member = world.user_id(Who::Member).await;
    world.set_role(Who::Host, &id, &member, json!({ "new_role": "co_host" })).await.data();
    let row = world.row(&id, "member@demo.test").await;
    assert_eq!(row["permissions"]["can_share_screen"], true, "absent rights follow the role");
}

#[tokio::test]
async fn kcs_13_role_06_refusals_are_exact() {
    let world = World::new().await;
    let id = world
        .meeting(json!({ "participants": [
            { "email": "member@demo.test", "role": "co_host" },
            "student@demo.test",
            { "email": "x@elsewhere.test", "role": "host" },
        ] }))
        .await;
    check_meeting_refusals(&world, Method::PATCH, |id| role(id, "x"), &id).await;
    let (host, student) = (world.user_id(Who::Host).await, world.user_id(Who::Student).await);
    let other_host = world.row(&id, "x@elsewhere.test").await["id"].as_str().expect("an id").to_owned();
    let only = "Only hosts can change roles";
    let to = |role: &str| json!({ "new_role": role });
    let words = "new_role: must be one of host, co_host, presenter, attendee";
    for (who, person, body, status, message) in [
        (Who::Student, &host, to("attendee"), 403, only),
        (Who::Second, &student, to("attendee"), 403, only),
        (Who::Member, &student, to("host"), 403, only),
        (Who::Member, &other_host, to("attendee"), 403, only),
        (Who::Member, &host, to("attendee"), 403, only),
        (Who::Host, &host, to("co_host"), 403, "Cannot demote the original meeting creator"),
        (Who::Host, &"nobody".to_owned(), to("attendee"), 404, "Participant not found"),
        (Who::Host, &world.user_id(Who::Second).await, to("attendee"), 404, "Participant not found"),
        (Who::Host, &student, to("king"), 400, words),
        (Who::Host, &student, json!({}), 400, "new_role is required"),
        (
            Who::Host,
            &student,
            json!({ "new_role": "attendee", "permissions": 7 }),
            400,
            "permissions: must be an object",
        ),
    ] {
        world.set_role(who, &id, person, body).await.refused(status, message);
    }
    world.set_role(Who::Member, &id, &student, to("co_host")).await.data();
    world.set_role(Who::Host, &id, &other_host, to("attendee")).await.data();
}

#[tokio::test]
async fn rate_02_twenty_changes_a_minute_for_a_meeting_whoever_makes_them_and_strangers_use_none_up() {
    let world = World::with(&[]).await;
    let id =
        world.meeting(json!({ "participants": [{ "email": "member@demo.test", "role": "co_host" }] })).await;
    let other = world.meeting(json!({})).await;
    for _ in 0..30 {
        world.remove(Who::Second, &id, json!({})).await.refused(403, "Access denied");
    }
    let student = world.user_id(Who::Student).await;
    let removal = json!({ "participant_ids": [student] });
    for n in 0..20 {
        let answer = match n % 4 {
            0 => world.post(Who::Host, &people(&id), json!({ "participants": ["student@demo.test"] })).await,
            1 => world.set_role(Who::Member, &id, &student, json!({ "new_role": "presenter" })).await,
            // Another spelling is the same meeting.
            _ => world.remove(Who::Host, &format!("mtg_{}", id.to_lowercase()), removal.clone()).await,
        };
        answer.data();
        assert_eq!(answer.header("x-ratelimit-limit"), Some("20"));
        assert_eq!(answer.header("x-ratelimit-remaining"), Some((19 - n).to_string().as_str()));
    }
    let refused = world.remove(Who::Member, &id, removal.clone()).await;
    refused.refused_with(429, "Rate limit exceeded", "RATE_LIMIT_EXCEEDED");
    let wait: u64 = refused.header("retry-after").and_then(|s| s.parse().ok()).expect("Retry-After");
    assert!((1..=60).contains(&wait));
    world.remove(Who::Host, &other, removal.clone()).await.data();
    world.clock.advance(Duration::seconds(61));
    world.remove(Who::Host, &id, removal).await.data();
}

#[tokio::test]
async fn kcs_10_the_roster_comes_in_parts_for_those_who_ask() {
    let world = World::new().await;
    let id =
        world.meeting(json!({ "participants": ["member@demo.test", "student@demo.test", "a@b.test"] })).await;
    let page = async |query: &str| world.get(Who::Host, &format!("{}{query}", people(&id))).await;
    let whole = page("").await;
    assert_eq!((&whole.body["count"], &whole.body["total"]), (&json!(4), &json!(4)));
    let part = page("?limit=2&offset=1").await;
    assert_eq!((&part.body["count"], &part.body["total"]), (&json!(2), &json!(4)));
    assert_eq!(part.data()[0], whole.data()[1]);
    assert_eq!(page("?offset=9").await.data(), &json!([]));
    page("?limit=0").await.refused(400, "limit: must be a whole number between 1 and 10000");
    page("?offset=x").await.refused(400, "offset: must be a whole number between 0 and 4294967295");
}
