//! Data channels over Socket.IO: who may open one, who hears of it, who gets it.

use plenum_shared::command::{RefusalReason, RoomCommand};
use plenum_shared::details::{
    DataChannelState, DataConsumerDetails, DataProducerDetails, SessionDetails, Traffic,
};
use plenum_shared::event::{DataCloseReason, Event};
use plenum_shared::id::{DataConsumerId, DataProducerId, TransportId};
use plenum_shared::media::ConnectionQuality;
use serde_json::{Value, json};

use super::{Scene, World};
use crate::support::Setup;
use crate::support::node::Mood;
use crate::support::socket::Client;
use crate::support::{eventually, refused};

impl Scene {
    /// Opens a transport and says its id.
    async fn way(&self, client: &Client, direction: &str) -> Value {
        self.transport(client, direction).await["transportId"].clone()
    }

    /// A channel of the host.
    async fn channel(&self) -> Value {
        let transport = self.way(&self.host, "send").await;
        let opened = self.host.call("produce-data", channel(&transport, 0)).await;
        assert_eq!(opened["success"], true, "{opened}");
        opened["dataProducerId"].clone()
    }
}

fn channel(transport: &Value, stream: u16) -> Value {
    json!({
        "transportId": transport, "label": "cursor", "protocol": "json",
        "sctpStreamParameters": { "streamId": stream, "ordered": false, "maxRetransmits": 0 },
    })
}

fn producer(id: &Value) -> DataProducerId {
    id.as_str().unwrap().parse().unwrap()
}

fn consumer(answer: &Value) -> DataConsumerId {
    answer["dataConsumerId"].as_str().unwrap_or_else(|| panic!("{answer}")).parse().unwrap()
}

#[tokio::test]
async fn add_ev_92_a_transport_says_how_it_speaks_sctp() {
    let scene = Scene::start().await;
    let ours = json!({
        "port": 5000, "OS": 1024, "MIS": 1024,
        "maxMessageSize": 262_144, "maxSendMessageSize": 262_144, "maxReceiveMessageSize": 262_144,
    });
    for direction in ["send", "recv"] {
        // What mediasoup-client says of itself is of no matter.
        let body = json!({
            "meetingId": scene.meeting, "direction": direction,
            "sctpCapabilities": { "numStreams": { "OS": 1024, "MIS": 1024 } },
        });
        assert_eq!(scene.host.call("create-transport", body).await["sctpParameters"], ours);
    }
}

#[tokio::test]
async fn add_ev_85_add_ev_89_add_ev_93_a_channel_is_told_to_the_others_and_to_whoever_comes_later() {
    let scene = Scene::start().await;
    let transport = scene.way(&scene.host, "send").await;
    let opened = scene.host.call("produce-data", channel(&transport, 3)).await;
    let id = opened["dataProducerId"].clone();
    assert_eq!(scene.host.expect("data-produced").await, json!({ "dataProducerId": id }));
    let names = json!({ "dataProducerId": id, "label": "cursor", "protocol": "json" });
    let mut told = scene.member.expect("new-data-producer").await;
    let head = told.as_object_mut().unwrap();
    let (meeting, owner) = (head.remove("meetingId").unwrap(), head.remove("participantId").unwrap());
    assert_eq!((&meeting, &owner, &told), (&json!(scene.meeting), &json!(scene.host_id), &names));
    assert!(scene.host.heard_of("new-data-producer").is_empty());
    let asked = scene.node.memory().commands().into_iter().find_map(|command| match command {
        RoomCommand::ProduceData { producer, stream, .. } => Some((producer, stream)),
        _ => None,
    });
    let (asked, stream) = asked.expect("asked of the node");
    assert_eq!((asked, stream.stream_id, stream.ordered), (producer(&id), 3, false));
    assert_eq!((stream.max_retransmits, stream.max_packet_life_time), (Some(0), None));
    let late = scene.world.connect("second").await;
    let joined = late.call("join-meeting", json!({ "meetingId": scene.meeting })).await;
    let told: Vec<_> =
        joined["participants"].as_array().unwrap().iter().map(|p| p["dataProducers"].clone()).collect();
    assert_eq!(told, [json!([names]), json!([])]);
}

#[tokio::test]
async fn add_ev_86_whoever_asks_for_a_channel_learns_its_stream_and_whose_it_is() {
    let scene = Scene::start().await;
    let channel = scene.channel().await;
    let transport = scene.way(&scene.member, "recv").await;
    let wanted = json!({ "transportId": transport, "dataProducerId": channel });
    let answer = scene.member.call("consume-data", wanted.clone()).await;
    let told = scene.member.expect("data-consumed").await;
    let expected = json!({
        "dataConsumerId": answer["dataConsumerId"], "dataProducerId": channel, "participantId": scene.host_id,
        "sctpStreamParameters": { "streamId": 7, "ordered": false, "maxRetransmits": 0 },
        "label": "cursor", "protocol": "json",
    });
    assert_eq!(told, expected);
    assert!(refused(&scene.host.call("consume-data", wanted).await, "Transport not found"), "not his");
    let unknown = json!({ "transportId": transport, "dataProducerId": DataProducerId::random() });
    assert!(refused(&scene.member.call("consume-data", unknown).await, "Producer not found"));
}

#[tokio::test]
async fn add_ev_86_an_order_with_a_bound_is_not_told_to_receivers_whose_library_refuses_it() {
    let scene = Scene::start().await;
    let send = scene.way(&scene.host, "send").await;
    let recv = scene.way(&scene.member, "recv").await;
    let cases = [
        (json!({ "streamId": 0, "maxPacketLifeTime": 100 }), true, false),
        (json!({ "streamId": 1 }), true, true),
    ];
    for (stream, asked, told) in cases {
        let id = stream["streamId"].as_u64().unwrap();
        let body = json!({ "transportId": send, "sctpStreamParameters": stream });
        let channel = scene.host.call("produce-data", body).await["dataProducerId"].clone();
        let commands = scene.node.memory().commands();
        assert!(commands.iter().any(|command| matches!(command, RoomCommand::ProduceData { stream, .. }
            if u64::from(stream.stream_id) == id && stream.ordered == asked)));
        let wanted = json!({ "transportId": recv, "dataProducerId": channel });
        let consumed = scene.member.call("consume-data", wanted).await;
        assert_eq!(consumed["sctpStreamParameters"]["ordered"], told, "{consumed}");
        assert_eq!((&consumed["label"], &consumed["protocol"]), (&json!(""), &json!("")));
    }
}

#[tokio::test]
async fn add_ev_87_add_ev_90_a_channel_is_closed_by_its_owner_alone_and_everybody_hears() {
    let scene = Scene::start().await;
    let channel = scene.channel().await;
    let named = json!({ "dataProducerId": channel });
    assert!(refused(&scene.member.call("close-data-producer", named.clone()).await, "Producer not found"));
    assert_eq!(scene.host.call("close-data-producer", named.clone()).await["success"], true);
    let id = producer(&channel);
    scene.node.memory().asked(|command| *command == RoomCommand::CloseDataProducer { producer: id }).await;
    for client in [&scene.host, &scene.member] {
        let told = client.expect("data-producer-closed").await;
        assert_eq!((&told["dataProducerId"], &told["participantId"]), (&channel, &json!(scene.host_id)));
    }
    assert!(refused(&scene.host.call("close-data-producer", named).await, "Producer not found"));
}

#[tokio::test]
async fn add_ev_88_a_receiver_ends_its_own_subscriptions() {
    let scene = Scene::start().await;
    let channel = scene.channel().await;
    let transport = scene.way(&scene.member, "recv").await;
    let wanted = json!({ "transportId": transport, "dataProducerId": channel });
    let consumed = scene.member.call("consume-data", wanted).await;
    let named = json!({ "dataConsumerId": consumed["dataConsumerId"] });
    assert!(refused(&scene.host.call("close-data-consumer", named.clone()).await, "Consumer not found"));
    assert_eq!(scene.member.call("close-data-consumer", named.clone()).await["success"], true);
    let id = consumer(&consumed);
    scene.node.memory().asked(|command| *command == RoomCommand::CloseDataConsumer { consumer: id }).await;
    assert!(refused(&scene.member.call("close-data-consumer", named).await, "Consumer not found"));
}

#[tokio::test]
async fn add_ev_90_add_ev_91_what_the_node_ends_is_told_with_its_reason() {
    let scene = Scene::start().await;
    let channel = scene.channel().await;
    let transport = scene.way(&scene.member, "recv").await;
    let room = scene.node.transport().0;
    let (host, member) = (scene.session(&scene.host_id), scene.session(&scene.member_id));
    let wanted = json!({ "transportId": transport, "dataProducerId": channel });
    for (reason, word) in [
        (DataCloseReason::Slow, "slow"),
        (DataCloseReason::StreamClosed, "closed"),
        (DataCloseReason::AssociationLost, "lost"),
    ] {
        let consumed = scene.member.call("consume-data", wanted.clone()).await;
        let consumer = consumer(&consumed);
        scene.node.tell(Event::DataConsumerClosed { room, session: member, consumer, reason }).await;
        let told = scene.member.expect("data-consumer-closed").await;
        assert_eq!(told, json!({ "dataConsumerId": consumer, "reason": word }));
        let again = json!({ "dataConsumerId": consumer });
        assert!(refused(&scene.member.call("close-data-consumer", again).await, "Consumer not found"));
    }
    let (producer, reason) = (producer(&channel), DataCloseReason::StreamClosed);
    scene.node.tell(Event::DataProducerClosed { room, session: host, producer, reason }).await;
    for client in [&scene.host, &scene.member] {
        assert_eq!(client.expect("data-producer-closed").await["dataProducerId"], channel);
    }
    assert!(scene.host.heard_of("data-consumer-closed").is_empty());
}

#[tokio::test]
async fn add_ev_90_a_channel_that_ended_unheard_is_found_out_by_whoever_asks_for_it() {
    let scene = Scene::start().await;
    let channel = scene.channel().await;
    let transport = scene.way(&scene.member, "recv").await;
    scene.node.memory().set_mood(Mood::Refuses(RefusalReason::UnknownProducer));
    let wanted = json!({ "transportId": transport, "dataProducerId": channel });
    assert!(refused(&scene.member.call("consume-data", wanted).await, "Producer not found"));
    for client in [&scene.host, &scene.member] {
        assert_eq!(client.expect("data-producer-closed").await["dataProducerId"], channel);
    }
}

#[tokio::test]
async fn add_ev_85_whoever_may_not_chat_opens_no_channel_and_loses_those_he_has() {
    let scene = Scene::start().await;
    let kept = scene.channel().await;
    let transport = scene.way(&scene.member, "send").await;
    let opened = scene.member.call("produce-data", channel(&transport, 0)).await;
    let own = opened["dataProducerId"].clone();
    let token = scene.world.token("host").await;
    let policy = json!({ "chat_permissions": "host" });
    let path = format!("/api/v1/meetings/{}/security/policy", scene.meeting);
    assert_eq!(scene.world.post(&path, &token, policy).await["status"], "success");
    for client in [&scene.host, &scene.member] {
        assert_eq!(client.expect("data-producer-closed").await["dataProducerId"], own);
    }
    let id = producer(&own);
    scene.node.memory().asked(|command| *command == RoomCommand::CloseDataProducer { producer: id }).await;
    assert!(refused(&scene.member.call("produce-data", channel(&transport, 1)).await, "Access denied"));
    // Receiving is not writing.
    let recv = scene.way(&scene.member, "recv").await;
    let wanted = json!({ "transportId": recv, "dataProducerId": kept });
    assert_eq!(scene.member.call("consume-data", wanted).await["success"], true);

    let off = json!({ "features": { "chat_enabled": false } });
    scene.world.put(&format!("/api/meeting/{}", scene.meeting), &token, off).await;
    let told = scene.member.expect_where("data-producer-closed", |told| told["dataProducerId"] == kept).await;
    assert_eq!(told["participantId"], scene.host_id);
    let again = scene.host.call("produce-data", channel(&scene.way(&scene.host, "send").await, 0)).await;
    assert!(refused(&again, "Chat is disabled for this meeting"), "{again}");
}

#[tokio::test]
async fn add_ev_85_a_channel_whose_right_went_while_it_was_made_is_taken_back() {
    let scene = Scene::start().await;
    let transport = scene.way(&scene.member, "send").await;
    let memory = scene.node.memory();
    memory.close_gate(|command| matches!(command, RoomCommand::ProduceData { .. }));
    let opened = scene.member.start_call("produce-data", channel(&transport, 0));
    memory.asked(|command| matches!(command, RoomCommand::ProduceData { .. })).await;
    let token = scene.world.token("host").await;
    let off = json!({ "features": { "chat_enabled": false } });
    scene.world.put(&format!("/api/meeting/{}", scene.meeting), &token, off).await;
    memory.open_gate();
    assert!(refused(&opened.await.unwrap(), "Chat is disabled for this meeting"));
    memory.asked(|command| matches!(command, RoomCommand::CloseDataProducer { .. })).await;
    assert!(scene.host.heard_of("new-data-producer").is_empty());
}

/// Facts of the node come in order: when a later one was heard, all before it are applied.
async fn heard_until_now(scene: &Scene) {
    let (room, session) = (scene.node.transport().0, scene.session(&scene.member_id));
    scene.node.tell(Event::QualityChanged { room, session, quality: ConnectionQuality::Fair }).await;
    scene.host.expect("connection-quality").await;
}

#[tokio::test]
async fn add_ev_86_add_ev_91_a_subscription_whose_end_is_heard_before_its_beginning_was_none() {
    let scene = Scene::start().await;
    let channel = scene.channel().await;
    let transport = scene.way(&scene.member, "recv").await;
    let memory = scene.node.memory();
    memory.close_gate(|command| matches!(command, RoomCommand::ConsumeData { .. }));
    let wanted = json!({ "transportId": transport, "dataProducerId": channel });
    let asked = scene.member.start_call("consume-data", wanted.clone());
    memory.asked(|command| matches!(command, RoomCommand::ConsumeData { .. })).await;
    let consumer = memory.commands().into_iter().find_map(|command| match command {
        RoomCommand::ConsumeData { consumer, .. } => Some(consumer),
        _ => None,
    });
    let (consumer, reason) = (consumer.expect("asked"), DataCloseReason::Slow);
    let (room, session) = (scene.node.transport().0, scene.session(&scene.member_id));
    scene.node.tell(Event::DataConsumerClosed { room, session, consumer, reason }).await;
    heard_until_now(&scene).await;
    memory.open_gate();
    let answer = asked.await.unwrap();
    assert!(refused(&answer, "Service unavailable"), "{answer}");
    assert!(scene.member.heard_of("data-consumed").is_empty());
    assert_eq!(scene.member.call("consume-data", wanted).await["success"], true, "asked again");
}

#[tokio::test]
async fn add_ev_85_add_ev_90_a_channel_whose_end_is_heard_before_its_beginning_was_none() {
    let scene = Scene::start().await;
    let transport = scene.way(&scene.host, "send").await;
    let memory = scene.node.memory();
    memory.close_gate(|command| matches!(command, RoomCommand::ProduceData { .. }));
    let opened = scene.host.start_call("produce-data", channel(&transport, 0));
    memory.asked(|command| matches!(command, RoomCommand::ProduceData { .. })).await;
    let producer = memory.commands().into_iter().find_map(|command| match command {
        RoomCommand::ProduceData { producer, .. } => Some(producer),
        _ => None,
    });
    let (producer, reason) = (producer.expect("asked"), DataCloseReason::StreamClosed);
    let (room, session) = (scene.node.transport().0, scene.session(&scene.host_id));
    scene.node.tell(Event::DataProducerClosed { room, session, producer, reason }).await;
    heard_until_now(&scene).await;
    memory.open_gate();
    let answer = opened.await.unwrap();
    assert!(refused(&answer, "Service unavailable"), "{answer}");
    assert!(scene.member.heard_of("new-data-producer").is_empty());
}

#[tokio::test]
async fn add_ev_90_add_ev_91_ends_whose_events_were_lost_are_found_out() {
    let scene = Scene::start().await;
    let send = scene.way(&scene.host, "send").await;
    let recv = scene.way(&scene.member, "recv").await;
    let (mut channels, mut subscriptions) = (Vec::new(), Vec::new());
    for stream in 0..3 {
        let opened = scene.host.call("produce-data", channel(&send, stream)).await;
        let wanted = json!({ "transportId": recv, "dataProducerId": opened["dataProducerId"] });
        subscriptions.push(scene.member.call("consume-data", wanted).await);
        channels.push(opened["dataProducerId"].clone());
    }
    // The first channel and the second subscription end, and nobody hears of it.
    scene.node.memory().forget_data(producer(&channels[0]), consumer(&subscriptions[1]));
    scene.node.skip_a_number().await;
    heard_until_now(&scene).await;
    for client in [&scene.host, &scene.member] {
        assert_eq!(client.expect("data-producer-closed").await["dataProducerId"], channels[0]);
    }
    let told = scene.member.expect("data-consumer-closed").await;
    assert_eq!(told, json!({ "dataConsumerId": subscriptions[1]["dataConsumerId"], "reason": "lost" }));
    let wanted = json!({ "transportId": recv, "dataProducerId": channels[1] });
    assert_eq!(scene.member.call("consume-data", wanted).await["success"], true, "once more");
    for client in [&scene.host, &scene.member] {
        assert!(client.heard_of("data-producer-closed").is_empty());
        assert!(client.heard_of("data-consumer-closed").is_empty());
    }
}

#[tokio::test]
async fn add_ev_86_a_session_receives_a_channel_once() {
    let scene = Scene::start().await;
    let channel = scene.channel().await;
    let transport = scene.way(&scene.member, "recv").await;
    let wanted = json!({ "transportId": transport, "dataProducerId": channel });
    let first = scene.member.call("consume-data", wanted.clone()).await;
    assert_eq!(first["success"], true, "{first}");
    assert_eq!(scene.member.call("consume-data", wanted.clone()).await, first, "he may not have heard");
    let asked = |commands: Vec<RoomCommand>| {
        commands.iter().filter(|command| matches!(command, RoomCommand::ConsumeData { .. })).count()
    };
    assert_eq!(asked(scene.node.memory().commands()), 1, "there is nothing to ask the node for");
    let named = json!({ "dataConsumerId": first["dataConsumerId"] });
    assert_eq!(scene.member.call("close-data-consumer", named).await["success"], true);
    let another = scene.member.call("consume-data", wanted).await;
    assert_ne!(consumer(&another), consumer(&first), "after it was closed");
}

#[tokio::test]
async fn add_ev_86_a_subscription_that_is_still_being_taken_back_may_be_asked_for_again() {
    let scene = Scene::start().await;
    let channel = scene.channel().await;
    let transport = scene.way(&scene.member, "recv").await;
    let wanted = json!({ "transportId": transport, "dataProducerId": channel });
    scene.node.memory().set_mood(Mood::Refuses(RefusalReason::AlreadyExists));
    let early = scene.member.call("consume-data", wanted.clone()).await;
    assert!(refused(&early, "Service unavailable"), "{early}");
    scene.node.memory().set_mood(Mood::Answers);
    assert_eq!(scene.member.call("consume-data", wanted).await["success"], true);
}

#[tokio::test]
async fn add_ev_95_add_ev_96_every_data_channel_is_counted_by_itself() {
    let scene = Scene::start().await;
    let (send, recv) = (scene.way(&scene.host, "send").await, scene.way(&scene.member, "recv").await);
    let opened = scene.host.call("produce-data", channel(&send, 3)).await;
    let wanted = json!({ "transportId": recv, "dataProducerId": opened["dataProducerId"] });
    let consumed = scene.member.call("consume-data", wanted).await;
    let (id, subscription) = (producer(&opened["dataProducerId"]), consumer(&consumed));
    let transport = |id: &Value| id.as_str().unwrap().parse::<TransportId>().unwrap();
    let count = |count, bytes| Traffic { count, bytes };
    let (open, connecting) = (DataChannelState::Open, DataChannelState::Connecting);
    let nothing = |session: &str| SessionDetails {
        session: scene.session(session),
        quality: ConnectionQuality::Good,
        transports: Vec::new(),
        producers: Vec::new(),
        consumers: Vec::new(),
        data_producers: Vec::new(),
        data_consumers: Vec::new(),
    };
    let of_channel = |producer, stream_id| DataProducerDetails {
        producer,
        transport: transport(&send),
        stream_id,
        state: open,
        received: count(9, 900),
    };
    // The node has one that the meeting has not heard of yet.
    let channels = vec![of_channel(id, 3), of_channel(DataProducerId::random(), 4)];
    let memory = scene.node.memory();
    memory.set_details(SessionDetails { data_producers: channels, ..nothing(&scene.host_id) });
    let subscriptions = vec![DataConsumerDetails {
        consumer: subscription,
        producer: id,
        transport: transport(&recv),
        stream_id: 7,
        state: connecting,
        sent: count(5, 500),
        dropped: count(4, 400),
        buffered: 100,
    }];
    memory.set_details(SessionDetails { data_consumers: subscriptions, ..nothing(&scene.member_id) });

    let expected = json!([{
        "dataProducerId": id, "transportId": send, "label": "cursor", "protocol": "json", "dataChannelIdentifier": 3,
        "state": "open", "messagesReceived": 9, "bytesReceived": 900,
    }]);
    let own = scene.host.call("get-stats", json!({})).await;
    assert_eq!((&own["dataProducers"], &own["dataConsumers"]), (&expected, &json!([])), "{own}");
    let own = scene.host.call("get-stats", json!({ "dataProducerId": id })).await;
    assert_eq!(own["dataProducers"], expected);
    let expected = json!([{
        "dataConsumerId": subscription, "dataProducerId": id, "transportId": recv, "label": "cursor", "protocol": "json",
        "dataChannelIdentifier": 7, "state": "connecting", "messagesSent": 5, "bytesSent": 500, "messagesDropped": 4,
        "bytesDropped": 400, "bufferedAmount": 100,
    }]);
    let named = json!({ "dataConsumerId": subscription });
    let own = scene.member.call("get-stats", named.clone()).await;
    assert_eq!((&own["dataConsumers"], &own["dataProducers"]), (&expected, &json!([])), "{own}");
    let of_member = json!({ "meetingId": scene.meeting, "participantId": scene.member_id });
    assert_eq!(scene.host.call("get-stats", of_member).await["dataConsumers"], expected, "to the host");
    assert!(refused(&scene.host.call("get-stats", named).await, "Consumer not found"), "not his");
    let named = json!({ "dataProducerId": id });
    assert!(refused(&scene.member.call("get-stats", named).await, "Producer not found"), "not his");
}

#[tokio::test]
async fn add_ev_85_add_ev_86_a_room_or_channel_that_is_full_says_so() {
    let scene = Scene::start().await;
    let id = scene.channel().await;
    let (send, recv) = (scene.way(&scene.member, "send").await, scene.way(&scene.member, "recv").await);
    scene.node.memory().set_mood(Mood::Refuses(RefusalReason::LimitReached));
    let opened = scene.member.call("produce-data", channel(&send, 0)).await;
    assert!(refused(&opened, "too many data channels"), "{opened}");
    let wanted = json!({ "transportId": recv, "dataProducerId": id });
    let consumed = scene.member.call("consume-data", wanted).await;
    assert!(refused(&consumed, "too many data channels"), "{consumed}");
}

#[tokio::test]
async fn add_ev_87_a_close_that_the_node_was_too_busy_for_is_asked_again() {
    let scene = Scene::start().await;
    let channel = scene.channel().await;
    let memory = scene.node.memory();
    memory.be_busy_once(|command| matches!(command, RoomCommand::CloseDataProducer { .. }));
    let closed = scene.host.call("close-data-producer", json!({ "dataProducerId": channel })).await;
    assert_eq!(closed["success"], true, "{closed}");
    let asked = || {
        let is_close = |command: &&RoomCommand| matches!(command, RoomCommand::CloseDataProducer { .. });
        memory.commands().iter().filter(is_close).count()
    };
    eventually("the channel is closed", || asked() == 2).await;
}

#[tokio::test]
async fn rate_07_data_channels_are_opened_so_often() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let scene = Scene::inside(world, json!({})).await;
    let transport = scene.way(&scene.host, "send").await;
    let mut opened = 0;
    let last = loop {
        let answer = scene.host.call("produce-data", channel(&transport, 0)).await;
        if answer["success"] != true {
            break answer;
        }
        opened += 1;
        let named = json!({ "dataProducerId": answer["dataProducerId"] });
        assert_eq!(scene.host.call("close-data-producer", named).await["success"], true);
    };
    assert_eq!(opened, 120);
    assert!(refused(&last, "Rate limit exceeded"), "{last}");
}

#[tokio::test]
async fn add_ev_86_c_62_data_channels_are_asked_for_so_often() {
    let world = World::with(Setup { rate_limits: true, ..Setup::default() }).await;
    let scene = Scene::inside(world, json!({})).await;
    let wanted = json!({ "transportId": scene.way(&scene.member, "recv").await, "dataProducerId": scene.channel().await });
    let mut answered = 0;
    let last = loop {
        let answer = scene.member.call("consume-data", wanted.clone()).await;
        if answer["success"] != true {
            break answer;
        }
        answered += 1;
    };
    assert_eq!(answered, 300);
    assert!(refused(&last, "Rate limit exceeded"), "{last}");
}
