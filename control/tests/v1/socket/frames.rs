//! What arrives by a raw WebSocket and is no message, too large, too much or in pieces.

use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

use super::{code_of, inside, raw, trio};
use crate::support::{Setup, World};

#[tokio::test]
async fn add_ev_10_c_58_what_is_no_message_is_told_as_an_error_and_the_connection_stays() {
    let world = World::start().await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let (member, _) = inside(&world, "member", &meeting).await;
    for (text, field) in [
        ("", "body"),
        ("not json", "body"),
        ("[1]", "body"),
        ("{}", "type"),
        (r#"{"type":7}"#, "type"),
        (r#"{"type":"dance"}"#, "type"),
        (r#"{"type":"chat","data":[]}"#, "data"),
        (r#"{"type":"chat","meeting_id":"01ARZ3NDEKTSV4RRFFQ69G5FAV","data":{"content":"x"}}"#, "meeting_id"),
    ] {
        member.send_text(text);
        let error = member.expect("error").await;
        assert_eq!(code_of(&error), "VALIDATION_ERROR", "{text}");
        assert!(error["data"]["details"][field].is_string(), "{text}: {error}");
        assert!(error["data"]["message"].is_string() && error["meeting_id"] == meeting, "{error}");
    }
    member.send_frame(Message::binary(vec![1, 2, 3]));
    assert_eq!(member.expect("error").await["data"]["details"]["body"], "messages are text");
    // A message in pieces is a message, with a ping between them.
    let (first, rest) = (r#"{"type":"chat","data":{"#, r#""content":"in pieces"}}"#);
    member.send_frame(piece(OpCode::Data(Data::Text), false, first));
    member.send_frame(Message::Ping(Vec::new().into()));
    member.send_frame(piece(OpCode::Data(Data::Continue), true, rest));
    assert_eq!(member.expect("chat").await["data"]["content"], "in pieces");
    member.settled().await;
}

fn piece(opcode: OpCode, is_final: bool, text: &str) -> Message {
    let mask = Some([1, 2, 3, 4]);
    let header = FrameHeader { is_final, opcode, mask, ..FrameHeader::default() };
    Message::Frame(Frame::from_payload(header, text.as_bytes().to_vec().into()))
}

#[tokio::test]
async fn v1_ws_what_is_larger_than_any_message_ends_the_connection_with_its_code() {
    let world = World::start().await;
    let (meeting, host, member, _second) = trio(&world).await;
    member.send("chat", json!({ "content": "x".repeat(70_000) }));
    assert_eq!(member.closed().await.0, 1009);
    assert_eq!(host.expect("participant-left").await["reason"], "disconnected");
    let socket = raw(&world, "student", &meeting).await;
    socket.send_frame(piece(OpCode::Data(Data::Continue), true, "the end of nothing"));
    assert_eq!(socket.closed().await.0, 1002);
}

#[tokio::test]
async fn rate_13_a_thousand_messages_a_minute_of_one_connection_and_no_more() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let (meeting, _host, _) = world.hosted(json!({})).await;
    let (member, other) = (raw(&world, "member", &meeting).await, raw(&world, "member", &meeting).await);
    for _ in 0..10 {
        (0..100).for_each(|_| member.send("ping", json!({})));
        for _ in 0..100 {
            member.expect("pong").await;
        }
    }
    member.send("ping", json!({}));
    let refused = member.expect("error").await;
    assert_eq!(code_of(&refused), "RATE_LIMIT_EXCEEDED");
    let details = &refused["data"]["details"];
    assert_eq!((&details["limit"], &details["window"]), (&json!(1000), &json!(60)));
    assert!(details["reset_at"].is_string(), "{refused}");
    // It is one connection's budget; and the connection stays.
    other.settled().await;
    world.app.services.clock.advance(time::Duration::minutes(2));
    member.settled().await;
}
