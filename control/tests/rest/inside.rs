//! Roster, chat history and connection configuration (KCS-10, KCS-15, KCS-19).

use http::Method;
use plenum_control::domain::chat::{ChatMessage, MessageKind, Place, Recipient, Sender};
use plenum_control::domain::id::{MeetingId, MessageId, UserId};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use crate::world::{Who, World, check_meeting_refusals};

#[tokio::test]
async fn kcs_10_the_roster_has_one_row_per_person_invited() {
    let world = World::new().await;
    let people = json!([{ "email": "second@demo.test", "role": "presenter" }, "guest@elsewhere.test"]);
    let id = world.meeting(json!({ "participants": people })).await;
    let answer = world.get(Who::Second, &format!("/api/meeting/{id}/participants")).await;
    let rows = answer.data().as_array().expect("a list");
    assert_eq!((answer.body["count"].as_u64(), rows.len()), (Some(3), 3));
    let (host, presenter, guest) = (&rows[0], &rows[1], &rows[2]);
    assert_eq!((&host["role"], &host["participant_name"]), (&json!("host"), &json!("Hanna Host")));
    assert_eq!(host["permissions"]["can_manage_participants"], true);
    assert_eq!(
        (&presenter["role"], &presenter["permissions"]["can_manage_participants"]),
        (&json!("presenter"), &json!(false))
    );
    assert_eq!(
        (&guest["user_id"], &guest["participant_email"]),
        (&Value::Null, &json!("guest@elsewhere.test"))
    );
    for row in rows {
        assert_eq!(
            (&row["connection_status"], &row["participant_id"]),
            (&json!("disconnected"), &Value::Null)
        );
        assert_eq!(row["media_status"], json!({ "video": false, "audio": false, "screen_sharing": false }));
        assert_eq!((&row["joined_at"], &row["left_at"]), (&Value::Null, &Value::Null));
        assert_eq!(row["connection_quality"], "good");
    }
}

#[tokio::test]
async fn kcs_10_roster_refusals() {
    refusals_of_a_read("participants").await;
}

#[tokio::test]
async fn kcs_15_chat_refusals() {
    refusals_of_a_read("chat").await;
}

#[tokio::test]
async fn kcs_19_configuration_refusals() {
    refusals_of_a_read("webrtc-config").await;
}

async fn refusals_of_a_read(what: &str) {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    check_meeting_refusals(&world, Method::GET, |id| format!("/api/meeting/{id}/{what}"), &id).await;
    let answer = world.get(Who::Second, &format!("/api/meeting/{id}/{what}")).await;
    answer.refused(403, "Access denied - you are not a participant in this meeting");
}

/// Puts a message into the history, `n` seconds into it.
async fn say(world: &World, meeting: &str, from: Who, recipient: Recipient, n: i64, text: &str) {
    let message = ChatMessage {
        id: MessageId::generate(),
        place: Place::Meeting(MeetingId::parse(meeting).expect("an id")),
        sender: Sender::User(user(world, from).await),
        sender_name: "Somebody".into(),
        text: text.into(),
        kind: MessageKind::Text,
        recipient,
        attachments: Vec::new(),
        mentions: Vec::new(),
        sent_at: OffsetDateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::seconds(n),
        link: None,
        edited_at: None,
        deleted: false,
    };
    world.store.insert_message(&message).await.expect("stored");
}

async fn user(world: &World, who: Who) -> UserId {
    UserId::parse(&world.user_id(who).await).expect("an id")
}

fn texts(answer: &crate::world::Answer) -> Vec<String> {
    let list = answer.data().as_array().expect("a list");
    assert_eq!(answer.body["count"], list.len());
    list.iter().map(|message| message["message"].as_str().expect("a text").to_owned()).collect()
}

#[tokio::test]
async fn kcs_15_everybody_reads_what_is_meant_for_him() {
    let world = World::new().await;
    let people =
        json!(["member@demo.test", "student@demo.test", { "email": "second@demo.test", "role": "co_host" }]);
    let id = world.meeting(json!({ "participants": people })).await;
    let student = user(&world, Who::Student).await;
    say(&world, &id, Who::Member, Recipient::All, 1, "all").await;
    say(&world, &id, Who::Member, Recipient::User(student), 2, "private").await;
    say(&world, &id, Who::Member, Recipient::Hosts, 3, "hosts").await;
    let read = |who| {
        let (world, path) = (&world, format!("/api/meeting/{id}/chat"));
        async move { texts(&world.get(who, &path).await) }
    };
    assert_eq!(read(Who::Member).await, ["all", "private", "hosts"]);
    assert_eq!(read(Who::Student).await, ["all", "private"]);
    assert_eq!(read(Who::Second).await, ["all", "hosts"]);
    assert_eq!(read(Who::Host).await, ["all", "hosts"]);
}

#[tokio::test]
async fn kcs_15_the_newest_come_oldest_first_and_the_limit_is_clamped() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    for n in 0..110 {
        say(&world, &id, Who::Host, Recipient::All, n, &n.to_string()).await;
    }
    let path = format!("/api/meeting/{id}/chat");
    let all = texts(&world.get(Who::Member, &path).await);
    assert_eq!((all.len(), all[0].as_str(), all[99].as_str()), (100, "10", "109"));
    assert_eq!(texts(&world.get(Who::Member, &format!("{path}?limit=2")).await), ["108", "109"]);
    let page = |query: &str| format!("{path}?{query}");
    assert_eq!(texts(&world.get(Who::Member, &page("limit=2&offset=3")).await), ["105", "106"]);
    assert!(texts(&world.get(Who::Member, &page("offset=110")).await).is_empty());
    world
        .get(Who::Member, &page("offset=-1"))
        .await
        .refused(400, "offset: must be a whole number between 0 and 4294967295");
    for many in ["501", "99999999999999999999999"] {
        assert_eq!(texts(&world.get(Who::Member, &format!("{path}?limit={many}")).await).len(), 110);
    }
    for bad in ["0", "-1", "ten", "1.5"] {
        let answer = world.get(Who::Member, &format!("{path}?limit={bad}")).await;
        answer.refused(400, "limit: must be a whole number between 1 and 500");
    }
}

#[tokio::test]
async fn kcs_15_an_empty_history_is_an_empty_list() {
    let world = World::new().await;
    let id = world.meeting(json!({})).await;
    assert!(texts(&world.get(Who::Host, &format!("/api/meeting/{id}/chat")).await).is_empty());
}

#[tokio::test]
async fn c_67_configuration_answers_before_the_start_and_not_after_the_end() {
    let ice = r#"[{"urls":"stun:stun.example.org"}]"#;
    let world = World::with(&[("RATE_LIMITS", "off"), ("ICE_SERVERS", ice)]).await;
    let id = world.meeting(json!({ "max_participants": 12 })).await;
    let path = format!("/api/meeting/{id}/webrtc-config");
    let before = world.get(Who::Member, &path).await;
    let config = &before.data()["webrtc_config"];
    assert_eq!(
        (&config["router_id"], &config["ice_servers"][0]["urls"]),
        (&Value::Null, &json!("stun:stun.example.org"))
    );
    assert_eq!(
        (&before.data()["max_participants"], &before.data()["meeting_features"]["video_enabled"]),
        (&json!(12), &json!(true))
    );
    world.post(Who::Host, &format!("/api/meeting/{id}/start"), Value::Null).await.data();
    world.get(Who::Member, &path).await.data();
    world.post(Who::Host, &format!("/api/meeting/{id}/end"), Value::Null).await.data();
    world.get(Who::Member, &path).await.refused(410, "Meeting has ended");
}
