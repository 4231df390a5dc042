//! Every operation of this dialect as every kind of caller (C-09, ACC-19): what each hears, and that nobody learns anything
//! of a campus that is not his. The operations are those of the description, so that a new one cannot be forgotten here.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::world::{Answer, PASSWORD, Who, World};
use crate::{V1, described, live_meeting, path};

/// Who calls, in the order of every row.
const CALLERS: [&str; 7] = ["host", "member", "second", "student", "stranger", "outsider", "nobody"];
/// Those of them who may come in.
const INVITED: usize = 4;
const OUTSIDER: usize = 5;

/// In which state the meeting is that is called about; in the last the caller is inside, if he may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Scheduled,
    Live,
    Ended,
    Inside,
    /// Live, with a breakout room; the caller is not inside.
    Divided,
}
use State::{Divided, Ended, Inside, Live, Scheduled};

/// Stands in a body for the breakout room of a meeting that is divided.
const ROOM: &str = "the room";

/// What host, co-host, presenter, attendee, an uninvited person of the campus, somebody of another campus and somebody
/// without a token hear.
type Heard = [u16; 7];

const MEMBERS: Heard = [200, 200, 200, 200, 403, 403, 401];
const RUNNING: Heard = [200, 200, 403, 403, 403, 403, 401];
const HOSTS: Heard = [200, 403, 403, 403, 403, 403, 401];

/// One way to call one operation: its name, the meeting's state, the body, and what each caller hears.
struct Row(&'static str, State, Value, Heard);

fn table(scene: &Scene) -> Vec<Row> {
    let nothing = Value::Null;
    let own = json!({ "is_muted": true, "is_hand_raised": true, "is_screen_sharing": true });
    let others = json!({ "participant_user_id": scene.inside, "is_muted": true });
    let rooms = json!({ "room_count": 1 });
    let place = json!({ "participant_user_id": scene.inside, "breakout_room_id": scene.inside });
    let open_place = json!({ "participant_user_id": scene.inside, "breakout_room_id": ROOM });
    let words = json!({ "message": "Two minutes" });
    let admit = json!({ "participant_user_id": scene.inside, "is_in_waiting_room": false });
    let said = json!({ "content": "Hello everyone!" });
    let token = json!({ "user_id": scene.inside, "user_name": "Ada" });
    let lock = json!({ "lock_meeting": true });
    let over = |heard: Heard, status| heard.map(|one| if one < 300 { status } else { one });
    vec![
        Row("v1StartMeeting", Scheduled, nothing.clone(), HOSTS),
        Row("v1StartMeeting", Live, nothing.clone(), over(HOSTS, 409)),
        Row("v1StartMeeting", Ended, nothing.clone(), over(HOSTS, 410)),
        Row("v1EndMeeting", Scheduled, nothing.clone(), over(HOSTS, 400)),
        Row("v1EndMeeting", Live, nothing.clone(), HOSTS),
        Row("v1EndMeeting", Ended, nothing.clone(), over(HOSTS, 410)),
        Row("v1GetMeetingStatus", Scheduled, nothing.clone(), MEMBERS),
        Row("v1GetMeetingStatus", Live, nothing.clone(), MEMBERS),
        Row("v1GetMeetingStatus", Ended, nothing.clone(), MEMBERS),
        Row("v1JoinMeeting", Scheduled, nothing.clone(), over(MEMBERS, 400)),
        Row("v1JoinMeeting", Live, nothing.clone(), MEMBERS),
        Row("v1JoinMeeting", Inside, nothing.clone(), MEMBERS),
        Row("v1JoinMeeting", Ended, nothing.clone(), over(MEMBERS, 410)),
        Row("v1LeaveMeeting", Live, nothing.clone(), over(MEMBERS, 404)),
        Row("v1LeaveMeeting", Inside, nothing.clone(), MEMBERS),
        Row("v1LeaveMeeting", Ended, nothing.clone(), over(MEMBERS, 404)),
        Row("v1ListParticipants", Scheduled, nothing.clone(), MEMBERS),
        Row("v1ListParticipants", Inside, nothing.clone(), MEMBERS),
        Row("v1ListParticipants", Ended, nothing, MEMBERS),
        Row("v1UpdateParticipantStatus", Scheduled, own.clone(), over(MEMBERS, 400)),
        Row("v1UpdateParticipantStatus", Live, own.clone(), over(MEMBERS, 404)),
        Row("v1UpdateParticipantStatus", Inside, own.clone(), MEMBERS),
        Row("v1UpdateParticipantStatus", Inside, others, RUNNING),
        Row("v1UpdateParticipantStatus", Inside, admit, RUNNING),
        Row("v1ApplySecurityPolicy", Scheduled, lock.clone(), HOSTS),
        Row("v1ApplySecurityPolicy", Inside, lock.clone(), HOSTS),
        Row("v1ApplySecurityPolicy", Ended, lock, over(HOSTS, 410)),
        Row("v1UpdateParticipantStatus", Ended, own, over(MEMBERS, 400)),
        Row("v1CreateBreakoutRooms", Scheduled, rooms.clone(), over(HOSTS, 400)),
        Row("v1CreateBreakoutRooms", Live, rooms.clone(), HOSTS),
        Row("v1CreateBreakoutRooms", Ended, rooms, over(HOSTS, 410)),
        Row("v1ListBreakoutRooms", Scheduled, Value::Null, MEMBERS),
        Row("v1ListBreakoutRooms", Live, Value::Null, MEMBERS),
        Row("v1ListBreakoutRooms", Ended, Value::Null, MEMBERS),
        // No rooms are open, so whoever may ask hears that there is none.
        Row("v1AssignBreakoutRoom", Scheduled, place.clone(), over(MEMBERS, 400)),
        Row("v1AssignBreakoutRoom", Live, place.clone(), over(HOSTS, 404)),
        Row("v1AssignBreakoutRoom", Divided, open_place, HOSTS),
        Row("v1AssignBreakoutRoom", Inside, place.clone(), over(HOSTS, 404)),
        Row("v1AssignBreakoutRoom", Ended, place, over(MEMBERS, 410)),
        Row("v1ReturnFromBreakoutRoom", Live, json!({}), over(MEMBERS, 404)),
        Row("v1ReturnFromBreakoutRoom", Inside, json!({}), over(MEMBERS, 404)),
        Row("v1ReturnFromBreakoutRoom", Inside, json!({ "everyone": true }), over(HOSTS, 404)),
        Row("v1ReturnFromBreakoutRoom", Ended, json!({}), over(MEMBERS, 410)),
        Row("v1BroadcastToBreakoutRooms", Live, words.clone(), over(HOSTS, 404)),
        Row("v1BroadcastToBreakoutRooms", Ended, words, over(HOSTS, 410)),
        Row("v1CloseBreakoutRooms", Live, Value::Null, over(HOSTS, 404)),
        Row("v1CloseBreakoutRooms", Ended, Value::Null, over(HOSTS, 410)),
        Row("v1SendMessage", Scheduled, said.clone(), over(MEMBERS, 400)),
        Row("v1SendMessage", Live, said.clone(), over(MEMBERS, 404)),
        Row("v1SendMessage", Inside, said.clone(), MEMBERS),
        Row("v1SendMessage", Ended, said, over(MEMBERS, 400)),
        Row("v1ListMessages", Scheduled, Value::Null, MEMBERS),
        Row("v1ListMessages", Inside, Value::Null, MEMBERS),
        Row("v1ListMessages", Ended, Value::Null, MEMBERS),
        // For somebody else: hosts alone, and there is no server to make it for.
        Row("v1CreateLivekitToken", Live, token.clone(), over(HOSTS, 500)),
        Row("v1CreateLivekitToken", Ended, token, over(HOSTS, 410)),
    ]
}

struct Scene {
    world: World,
    tokens: Vec<Option<String>>,
    /// Somebody who is inside of every meeting that is live, as an attendee.
    inside: String,
    inside_token: String,
    /// What belongs to the campus and must not be seen from outside.
    marks: Vec<String>,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        for name in ["stranger", "inside"] {
            let account = json!({
                "name": name, "email": format!("{name}@demo.test"), "password": PASSWORD, "user_type": "teacher",
                "campus_id": "default",
            });
            world.post(Who::Admin, "/api/admin/users", account).await.data();
        }
        let log_in = async |name: &str| {
            world.app.services.accounts.log_in(&format!("{name}@demo.test"), PASSWORD).await.ok()
        };
        let mut tokens = Vec::new();
        for caller in CALLERS {
            tokens.push(log_in(caller).await.map(|login| login.token));
        }
        assert_eq!(tokens.iter().filter(|token| token.is_none()).count(), 1, "nobody alone has none");
        let inside = log_in("inside").await.expect("exists");
        let mut marks: Vec<_> = ["Zebra 9137", "Quagga 2210"].map(str::to_owned).to_vec();
        for who in [Who::Host, Who::Member, Who::Second, Who::Student] {
            marks.push(world.user_id(who).await);
            marks.push(who.email().to_owned());
        }
        let (inside, inside_token) = (inside.account.id.to_string(), inside.token);
        Self { world, tokens, inside, inside_token, marks }
    }

    async fn meeting(&self, state: State, caller: usize) -> String {
        let more = json!({
            "meeting_name": "Zebra 9137",
            "meeting_description": "Quagga 2210",
            "participants": [
                { "email": "member@demo.test", "role": "co_host" },
                { "email": "second@demo.test", "role": "presenter" },
                "student@demo.test",
                "inside@demo.test",
            ],
        });
        if state == Scheduled {
            return self.world.meeting(more).await;
        }
        let id = live_meeting(&self.world, more).await;
        let join = async |token: &str| {
            let answer = self.world.call_as(Some(token), Method::POST, &path(&id, "join"), json!({})).await;
            assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
        };
        join(&self.inside_token).await;
        if state == Divided {
            let rooms = json!({ "room_count": 1 });
            let opened = self.world.post(Who::Host, &path(&id, "breakout-rooms"), rooms).await;
            opened.said("Breakout rooms created successfully");
        }
        match (state, self.tokens[caller].as_deref()) {
            (Inside, Some(token)) if caller < INVITED => join(token).await,
            (Ended, _) => {
                self.world.post(Who::Host, &format!("/api/meeting/{id}/end"), Value::Null).await.data();
            }
            _ => {}
        }
        id
    }

    async fn call(
        &self,
        caller: usize,
        method: Method,
        path: &str,
        meeting: &str,
        mut body: Value,
    ) -> Answer {
        let path = path.replace("{meeting_id}", meeting);
        assert!(!path.contains('{'), "say here what the parameters of {path} are");
        if body["breakout_room_id"] == ROOM {
            let rooms = self.world.get(Who::Host, &crate::path(meeting, "breakout-rooms")).await;
            body["breakout_room_id"] = rooms.body["data"]["rooms"][0]["room_id"].clone();
        }
        self.world.call_as(self.tokens[caller].as_deref(), method, &path, body).await
    }
}

/// Every operation of this dialect in the description: its name, method and path.
async fn operations(world: &World) -> Vec<(String, Method, String)> {
    let api = described::of(&world.app.router()).await.api();
    let mut all = Vec::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if operation["tags"] == json!(["v1"]) {
                let name = operation["operationId"].as_str().expect("a name").to_owned();
                all.push((name, method.to_uppercase().parse().expect("a method"), path.clone()));
            }
        }
    }
    all
}

#[tokio::test]
async fn acc_19_every_operation_of_v1_as_every_caller_and_no_word_to_another_campus() {
    let scene = Scene::new().await;
    let (operations, table) = (operations(&scene.world).await, table(&scene));
    let served: BTreeSet<_> = operations.iter().map(|(name, ..)| name.as_str()).collect();
    let listed: BTreeSet<_> = table.iter().map(|row| row.0).collect();
    assert_eq!(served, listed, "every operation has a row, and every row is of an operation");
    let mut wrong = Vec::new();
    for Row(name, state, body, heard) in table {
        let (_, method, path) = operations.iter().find(|(one, ..)| one == name).expect("is served");
        for (caller, expected) in heard.into_iter().enumerate() {
            let meeting = scene.meeting(state, caller).await;
            let answer = scene.call(caller, method.clone(), path, &meeting, body.clone()).await;
            let what = format!("{name} {state:?} as {}: {}", CALLERS[caller], answer.body);
            if answer.status.as_u16() != expected {
                wrong.push(format!("{expected} and not {}: {what}", answer.status.as_u16()));
            }
            if caller == OUTSIDER {
                assert_eq!(answer.body["code"], "INSUFFICIENT_PERMISSION", "{what}");
            }
            if caller >= OUTSIDER {
                let text = answer.body.to_string();
                // What somebody of elsewhere sent himself comes back to him.
                for mark in scene.marks.iter().chain([&meeting]) {
                    assert!(!text.contains(mark.as_str()), "{mark} leaks from {what}");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
