//! Hands, reactions and typing, as everybody in the room sees them.

use serde_json::{Value, json};

use crate::support::socket::Client;
use crate::support::{Setup, World, refused};

async fn raise(client: &Client, meeting: &str, raised: bool) -> Value {
    client.call("raise-hand", json!({ "meetingId": meeting, "raised": raised })).await
}

#[tokio::test]
async fn kcs_ws_08_kcs_ws_19_rt_10_typing_is_shown_to_the_others_and_ends_by_itself_once() {
    let world = World::start().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    host.expect("participant-joined").await;
    let typing = |on: bool| json!({ "meetingId": meeting, "typing": on });
    let ack = host.call("typing", typing(true)).await;
    assert_eq!((&ack["success"], &ack["typing"]), (&json!(true), &json!(true)));
    // Within a second nothing more is told, and the three seconds begin anew.
    host.call("typing", typing(true)).await;
    let shown = member.expect("user-typing").await;
    let expected = json!({
        "meetingId": meeting, "participantId": host_id, "userId": world.user("host").await,
        "userName": shown["userName"], "typing": true,
    });
    assert_eq!(shown, expected);
    let over = member.expect("user-typing").await;
    assert_eq!((&over["participantId"], &over["typing"]), (&json!(host_id), &json!(false)));
    host.call("typing", typing(false)).await;
    member.call("typing", typing(false)).await;
    assert_eq!(member.heard_of("user-typing"), Vec::<Value>::new(), "what is over does not end again");
    assert_eq!(host.heard_of("user-typing"), Vec::<Value>::new(), "nobody sees himself typing");
}

#[tokio::test]
async fn kcs_ws_08_c_54_a_message_and_leaving_end_typing_at_once() {
    let world = World::start().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    let (member, member_id) = world.joined("member", &meeting).await;
    let typing = json!({ "meetingId": meeting, "typing": true });
    member.call("typing", typing.clone()).await;
    member.call("send-message", json!({ "meetingId": meeting, "message": "there" })).await;
    host.expect("new-message").await;
    assert_eq!(host.expect("user-typing").await["typing"], true);
    // It was told before the message: it is here already.
    let heard = host.heard_of("user-typing");
    assert_eq!(heard.len(), 1, "{heard:?}");
    assert_eq!(host.expect("user-typing").await["typing"], false);

    host.call("typing", typing.clone()).await;
    drop(host);
    member.expect("participant-left").await;
    let heard = member.heard_of("user-typing");
    assert_eq!(heard.iter().map(|e| &e["typing"]).collect::<Vec<_>>(), [&json!(true), &json!(false)]);
    assert_eq!(heard[1]["participantId"], host_id);
    assert_ne!(heard[1]["participantId"], member_id);
}

#[tokio::test]
async fn kcs_ws_10_kcs_ws_20_a_reaction_reaches_everybody_as_an_emoji() {
    let world = World::start().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    let (member, _) = world.joined("member", &meeting).await;
    let ack = host.call("send-reaction", json!({ "meetingId": meeting, "reaction": "clap" })).await;
    assert_eq!((&ack["success"], &ack["reaction"]), (&json!(true), &json!("👏")));
    for client in [&host, &member] {
        let shown = client.expect("participant-reaction").await;
        assert_eq!(
            (&shown["participantId"], &shown["reaction"], &shown["duration"]),
            (&json!(host_id), &json!("👏"), &json!(3))
        );
        assert!(shown["timestamp"].is_string() && shown["userName"].is_string(), "{shown}");
    }
    let stranger = world.connect("second").await;
    let answer = stranger.call("send-reaction", json!({ "meetingId": meeting, "reaction": "👏" })).await;
    assert!(refused(&answer, "Access denied"), "{answer}");
}

#[tokio::test]
async fn rate_06_sixty_reactions_a_minute_and_no_more() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let reaction = json!({ "meetingId": meeting, "reaction": "👍" });
    for sent in 0..60 {
        let answer = host.call("send-reaction", reaction.clone()).await;
        assert_eq!(answer["success"], true, "{sent}: {answer}");
    }
    let answer = host.call("send-reaction", reaction).await;
    assert!(refused(&answer, "Rate limit exceeded"), "{answer}");
    assert_eq!(answer["code"], "RATE_LIMIT_EXCEEDED");
    assert_eq!(raise(&host, &meeting, true).await["success"], true, "the socket stays");
}

#[tokio::test]
async fn kcs_ws_09_kcs_ws_21_rt_12_a_hand_goes_up_once_for_everybody() {
    let world = World::start().await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let (member, id) = world.joined("member", &meeting).await;
    for raised in [true, true, false] {
        raise(&member, &meeting, raised).await;
    }
    for client in [&host, &member] {
        let up = client.expect("hand-raised").await;
        assert_eq!((&up["participantId"], &up["raised"]), (&json!(id), &json!(true)));
        assert!(up["timestamp"].is_string());
        assert_eq!(client.expect("hand-raised").await["raised"], false);
    }
}

#[tokio::test]
async fn kcs_ws_09_kcs_ws_21_rt_12_hands_queue_in_order_and_late_joiners_see_the_queue() {
    let world = World::start().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    let (member, member_id) = world.joined("member", &meeting).await;
    raise(&member, &meeting, true).await;
    raise(&host, &meeting, true).await;
    raise(&host, &meeting, true).await;
    let first = host.expect("hand-raised").await;
    assert_eq!((&first["participantId"], &first["handPosition"]), (&json!(member_id), &json!(1)));
    assert_eq!(first["raisedAt"], first["timestamp"]);
    assert_eq!(host.expect("hand-raised").await["handPosition"], 2);
    let student = world.connect("student").await;
    student.call("join-meeting", json!({ "meetingId": meeting })).await;
    let joined = student.expect("meeting-joined").await;
    let queue: Vec<_> = joined["participants"].as_array().expect("a list").iter().collect();
    let of = |id: &str| *queue.iter().find(|p| p["participantId"] == id).expect("is inside");
    assert_eq!((&of(&member_id)["handPosition"], &of(&host_id)["handPosition"]), (&json!(1), &json!(2)));
    assert!(of(&member_id)["raisedAt"].as_str() <= of(&host_id)["raisedAt"].as_str());
    raise(&member, &meeting, false).await;
    let lowered = host.expect("hand-raised").await;
    let expected = (&json!(false), &Value::Null, &Value::Null);
    assert_eq!((&lowered["raised"], &lowered["handPosition"], &lowered["raisedAt"]), expected);
    assert_eq!(host.heard_of("hand-raised"), Vec::<Value>::new(), "only changes are told");
}

#[tokio::test]
async fn add_ev_20_whoever_manages_people_lowers_one_hand_or_all() {
    let world = World::start().await;
    let (meeting, host, host_id) = world.hosted(json!({})).await;
    let (member, member_id) = world.joined("member", &meeting).await;
    raise(&host, &meeting, true).await;
    raise(&member, &meeting, true).await;
    let of_host = json!({ "meetingId": meeting, "raised": false, "participantId": host_id });
    assert!(refused(&member.call("raise-hand", of_host).await, "Access denied"));
    assert!(refused(&member.call("lower-hands", json!({ "meetingId": meeting })).await, "Access denied"));
    let of_member =
        json!({ "meetingId": meeting, "raised": false, "participantId": world.user("member").await });
    assert_eq!(host.call("raise-hand", of_member).await["success"], true);
    let lowered = member.expect_where("hand-raised", |event| event["raised"] == false).await;
    assert_eq!(lowered["participantId"], member_id);
    raise(&member, &meeting, true).await;
    assert_eq!(host.call("lower-hands", json!({ "meetingId": meeting })).await["success"], true);
    for id in [host_id, member_id] {
        let down = |event: &Value| event["raised"] == false && event["participantId"] == id.as_str();
        member.expect_where("hand-raised", down).await;
    }
}

#[tokio::test]
async fn kcs_ws_08_kcs_ws_09_nobody_types_or_raises_his_hand_as_fast_as_his_line_is() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let (meeting, host, _) = world.hosted(json!({})).await;
    let typing = |on: bool| json!({ "meetingId": meeting, "typing": on });
    for _ in 0..120 {
        assert_eq!(host.call("typing", typing(true)).await["success"], true);
        assert_eq!(host.call("typing", typing(true)).await["success"], true, "going on does not count");
        assert_eq!(host.call("typing", typing(false)).await["success"], true);
    }
    assert!(refused(&host.call("typing", typing(true)).await, "Rate limit exceeded"));
    let mut raised = 0;
    while raise(&host, &meeting, true).await["success"] == true {
        raised += 1;
        assert!(raised <= 100, "as many as other changes");
        assert_eq!(raise(&host, &meeting, false).await["success"], true);
    }
    assert_eq!(raise(&host, &meeting, false).await["success"], true, "down it may always go");
}
