//! Every operation of the API as every kind of caller (C-09, ACC-19): what each hears, and that nobody learns anything of a
//! campus that is not his. The operations are those of the description, so that a new one cannot be forgotten here.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::described;
use crate::world::{Answer, PASSWORD, Who, World, meeting_body};

/// Who calls, in the order of every row.
const CALLERS: [&str; 7] = ["host", "member", "second", "student", "stranger", "outsider", "nobody"];
const OUTSIDER: usize = 5;

/// In which state the meeting is that is called about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Scheduled,
    Live,
    Ended,
}
use State::{Ended, Live, Scheduled};

/// What host, co-host, presenter, attendee, an uninvited person of the campus, somebody of another campus and somebody
/// without a token hear.
type Heard = [u16; 7];

const EVERYBODY: Heard = [200, 200, 200, 200, 200, 200, 401];
const MEMBERS: Heard = [200, 200, 200, 200, 403, 403, 401];
const RUNNING: Heard = [200, 200, 403, 403, 403, 403, 401];
const HOSTS: Heard = [200, 403, 403, 403, 403, 403, 401];
/// In a chat room of host, co-host, presenter and attendee.
const IN_ROOM: Heard = [200, 200, 200, 200, 404, 404, 401];
const OWNER: Heard = [200, 403, 403, 403, 404, 404, 401];
const NONE: Heard = [403, 403, 403, 403, 403, 403, 401];

/// Operations that anybody may call and that are about nothing of anybody's.
const OPEN: [&str; 6] = ["logIn", "getOpenApi", "getAsyncApi", "getDocs", "getEventsPage", "getDocsFile"];

/// One way to call one operation: its name, the meeting's state, the body, and what each caller hears.
struct Row(&'static str, State, Value, Heard);

fn table(scene: &Scene) -> Vec<Row> {
    let nothing = Value::Null;
    // Of nobody here, so that lists of those who made it show nobody.
    let elsewhere = json!({ "participants": ["somebody@elsewhere.test"] });
    let student = json!({ "participant_ids": [scene.student] });
    let new = json!({ "participants": ["newcomer@demo.test"] });
    let account = json!({
        "name": "N", "email": "n@demo.test", "password": "a-password", "user_type": "student", "campus_id": "default",
    });
    let name = json!({ "meeting_name": "Another" });
    let features = json!({ "features": { "chat_enabled": false } });
    let role = json!({ "new_role": "presenter" });
    let search = json!({ "query": "demo" });
    let over = |heard: Heard, status| heard.map(|one| if one < 300 { status } else { one });
    vec![
        Row("createMeeting", Scheduled, meeting_body(elsewhere), over(EVERYBODY, 201)),
        Row("listMeetings", Live, nothing.clone(), EVERYBODY),
        Row("listMeetingsByParticipant", Live, nothing.clone(), EVERYBODY),
        Row("listMeetingsByParticipantV1", Live, nothing.clone(), EVERYBODY),
        Row("listMeetingsOfParticipant", Live, nothing.clone(), [403, 403, 403, 200, 403, 403, 401]),
        Row("listMeetingsOfParticipantV1", Live, nothing.clone(), [403, 403, 403, 200, 403, 403, 401]),
        Row("getMeeting", Scheduled, nothing.clone(), MEMBERS),
        Row("getMeeting", Live, nothing.clone(), MEMBERS),
        Row("getMeeting", Ended, nothing.clone(), MEMBERS),
        Row("updateMeeting", Scheduled, name.clone(), HOSTS),
        Row("updateMeeting", Live, name.clone(), HOSTS),
        Row("updateMeeting", Ended, name, over(HOSTS, 410)),
        Row("updateMeeting", Scheduled, features.clone(), RUNNING),
        Row("updateMeeting", Live, features, RUNNING),
        Row("deleteMeeting", Scheduled, nothing.clone(), HOSTS),
        Row("deleteMeeting", Live, nothing.clone(), over(HOSTS, 400)),
        Row("deleteMeeting", Ended, nothing.clone(), HOSTS),
        Row("startMeeting", Scheduled, nothing.clone(), HOSTS),
        Row("startMeeting", Live, nothing.clone(), HOSTS),
        Row("startMeeting", Ended, nothing.clone(), over(HOSTS, 410)),
        Row("endMeeting", Scheduled, nothing.clone(), over(HOSTS, 400)),
        Row("endMeeting", Live, nothing.clone(), HOSTS),
        Row("endMeeting", Ended, nothing.clone(), over(HOSTS, 410)),
        Row("checkJoin", Scheduled, nothing.clone(), MEMBERS),
        Row("checkJoin", Live, nothing.clone(), MEMBERS),
        Row("checkJoin", Ended, nothing.clone(), over(MEMBERS, 410)),
        Row("listParticipants", Live, nothing.clone(), MEMBERS),
        Row("listMeetingMessages", Live, nothing.clone(), MEMBERS),
        Row("getWebrtcConfig", Live, nothing.clone(), MEMBERS),
        Row("getWebrtcConfig", Ended, nothing.clone(), over(MEMBERS, 410)),
        Row("listRecordings", Live, nothing.clone(), MEMBERS),
        Row("getLiveStats", Scheduled, nothing.clone(), over(MEMBERS, 400)),
        Row("getLiveStats", Live, nothing.clone(), MEMBERS),
        Row("getAnalytics", Live, nothing.clone(), over(MEMBERS, 400)),
        Row("getAnalytics", Ended, nothing.clone(), MEMBERS),
        Row("getSystemStats", Live, nothing.clone(), NONE),
        Row("addParticipants", Scheduled, new.clone(), over(RUNNING, 201)),
        Row("addParticipants", Live, new.clone(), over(RUNNING, 201)),
        Row("addParticipants", Ended, new, over(RUNNING, 410)),
        Row("removeParticipants", Scheduled, student.clone(), RUNNING),
        Row("removeParticipants", Live, student.clone(), RUNNING),
        Row("removeParticipants", Ended, student, over(RUNNING, 410)),
        Row("changeRole", Scheduled, role.clone(), RUNNING),
        Row("changeRole", Live, role.clone(), RUNNING),
        Row("changeRole", Ended, role, over(RUNNING, 410)),
        Row("searchUsers", Scheduled, search.clone(), RUNNING),
        Row("searchUsers", Live, search, RUNNING),
        Row(
            "createChatRoom",
            Live,
            json!({ "name": "R", "members": [scene.student] }),
            [201, 201, 201, 201, 201, 400, 401],
        ),
        Row("listChatRooms", Live, nothing.clone(), EVERYBODY),
        Row("getChatRoom", Live, nothing.clone(), IN_ROOM),
        Row("renameChatRoom", Live, json!({ "name": "Renamed" }), OWNER),
        Row("deleteChatRoom", Live, nothing.clone(), OWNER),
        Row("addChatMembers", Live, json!({ "members": [scene.student] }), over(OWNER, 201)),
        Row("removeChatMember", Live, nothing.clone(), [200, 403, 403, 200, 404, 404, 401]),
        Row("sendChatMessage", Live, json!({ "content": "hello" }), over(IN_ROOM, 201)),
        Row("listChatMessages", Live, nothing.clone(), IN_ROOM),
        Row("editChatMessage", Live, json!({ "content": "better" }), OWNER),
        Row("deleteChatMessage", Live, nothing.clone(), OWNER),
        Row("reactToChatMessage", Live, json!({ "emoji": "👍" }), IN_ROOM),
        Row("listChatReceipts", Live, nothing.clone(), IN_ROOM),
        // Files have ids that nobody can guess; whose they are is tested where they are uploaded.
        Row("uploadAttachment", Live, nothing.clone(), over(EVERYBODY, 400)),
        Row("downloadAttachment", Live, nothing.clone(), over(EVERYBODY, 404)),
        Row("deleteAttachment", Live, nothing.clone(), over(EVERYBODY, 404)),
        Row("getProfile", Live, nothing.clone(), EVERYBODY),
        Row("changePassword", Live, json!({}), over(EVERYBODY, 400)),
        Row("createUser", Live, account, NONE),
        Row("listAudit", Live, nothing.clone(), NONE),
        Row("listOutbox", Live, nothing.clone(), NONE),
        Row("getMail", Live, nothing.clone(), NONE),
        Row("retryMail", Live, nothing.clone(), NONE),
        Row("createWebhook", Live, json!({ "url": "https://hooks.example.org/" }), NONE),
        Row("listWebhooks", Live, nothing.clone(), NONE),
        Row("changeWebhook", Live, json!({ "enabled": false }), NONE),
        Row("deleteWebhook", Live, nothing.clone(), NONE),
        Row("listWebhookDeliveries", Live, nothing.clone(), NONE),
        Row("replayWebhookDelivery", Live, nothing.clone(), NONE),
        Row("replayWebhook", Live, nothing.clone(), NONE),
        Row("pingWebhook", Live, nothing, NONE),
    ]
}

struct Scene {
    world: World,
    tokens: Vec<Option<String>>,
    student: String,
    /// What belongs to the campus and must not be seen from outside.
    marks: Vec<String>,
}

impl Scene {
    async fn new() -> Self {
        let world = World::new().await;
        let stranger = json!({
            "name": "Stranger", "email": "stranger@demo.test", "password": PASSWORD, "user_type": "teacher", "campus_id": "default",
        });
        world.post(Who::Admin, "/api/admin/users", stranger).await.data();
        let mut tokens = Vec::new();
        for caller in CALLERS {
            let login = world.app.services.accounts.log_in(&format!("{caller}@demo.test"), PASSWORD).await;
            tokens.push(login.ok().map(|login| login.token));
        }
        assert_eq!(tokens.iter().filter(|token| token.is_none()).count(), 1, "nobody alone has none");
        let mut marks: Vec<_> = ["Zebra 9137", "Quagga 2210", "sesame-4711"].map(str::to_owned).to_vec();
        for who in [Who::Host, Who::Member, Who::Second, Who::Student] {
            marks.push(world.user_id(who).await);
            marks.push(who.email().to_owned());
        }
        let student = world.user_id(Who::Student).await;
        Self { world, tokens, student, marks }
    }

    async fn meeting(&self, state: State) -> String {
        let id = self
            .world
            .meeting(json!({
                "meeting_name": "Zebra 9137",
                "meeting_description": "Quagga 2210",
                "participants": [
                    { "email": "member@demo.test", "role": "co_host" },
                    { "email": "second@demo.test", "role": "presenter" },
                    "student@demo.test",
                ],
            }))
            .await;
        if state != Scheduled {
            self.world.post(Who::Host, &format!("/api/meeting/{id}/start"), Value::Null).await.data();
        }
        if state == Ended {
            self.world.post(Who::Host, &format!("/api/meeting/{id}/end"), Value::Null).await.data();
        }
        id
    }

    /// A chat room of the host's, and a message of his in it.
    async fn room(&self) -> (String, String) {
        let members = [Who::Member, Who::Second, Who::Student];
        let mut ids = Vec::new();
        for who in members {
            ids.push(self.world.user_id(who).await);
        }
        let room = json!({ "name": "Zebra 9137", "members": ids });
        let room = self.world.post(Who::Host, "/api/chat/rooms", room).await.data()["roomId"].clone();
        let room = room.as_str().expect("an id").to_owned();
        let path = format!("/api/chat/rooms/{room}/messages");
        let said = self.world.post(Who::Host, &path, json!({ "content": "Quagga 2210" })).await;
        (room, said.data()["messageId"].as_str().expect("an id").to_owned())
    }

    async fn call(&self, caller: usize, method: Method, path: &str, meeting: &str, body: Value) -> Answer {
        let mut path = path.replace("{meeting_id}", meeting);
        for parameter in ["{participant_id}", "{user_id}"] {
            path = path.replace(parameter, &self.student);
        }
        if path.contains("{room_id}") || path.contains("{message_id}") {
            let (room, message) = self.room().await;
            path = path.replace("{room_id}", &room).replace("{message_id}", &message);
        }
        for parameter in ["{attachment_id}", "{mail_id}", "{webhook_id}", "{delivery_id}"] {
            path = path.replace(parameter, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
        }
        assert!(!path.contains('{'), "say here what the parameters of {path} are");
        self.world.call_as(self.tokens[caller].as_deref(), method, &path, body).await
    }
}

/// Every operation of the description but those of the v1 dialect, which have a table of their own: its name, method
/// and path.
async fn operations(world: &World) -> Vec<(String, Method, String)> {
    let api = described::of(&world.app.router()).await.api();
    let mut all = Vec::new();
    for (path, item) in api["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if operation["tags"] == json!(["v1"]) {
                continue;
            }
            let name = operation["operationId"].as_str().expect("a name").to_owned();
            all.push((name, method.to_uppercase().parse().expect("a method"), path.clone()));
        }
    }
    all
}

#[tokio::test]
async fn acc_06_acc_10_acc_19_every_operation_as_every_caller_and_no_word_to_another_campus() {
    let scene = Scene::new().await;
    let (operations, table) = (operations(&scene.world).await, table(&scene));
    let served: BTreeSet<_> = operations.iter().map(|(name, ..)| name.as_str()).collect();
    let listed: BTreeSet<_> = table.iter().map(|row| row.0).chain(OPEN).collect();
    assert_eq!(served, listed, "every operation has a row, and every row is of an operation");
    let mut wrong = Vec::new();
    for Row(name, state, body, heard) in table {
        let (_, method, path) = operations.iter().find(|(one, ..)| one == name).expect("is served");
        for (caller, expected) in heard.into_iter().enumerate() {
            let meeting = scene.meeting(state).await;
            let answer = scene.call(caller, method.clone(), path, &meeting, body.clone()).await;
            let what = format!("{name} {state:?} as {}: {}", CALLERS[caller], answer.body);
            if answer.status.as_u16() != expected {
                wrong.push(format!("{expected} and not {}: {what}", answer.status.as_u16()));
            }
            if caller < OUTSIDER {
                continue;
            }
            if caller == OUTSIDER && path.contains("{meeting_id}") {
                assert_eq!(
                    answer.body["message"], "Access denied - meeting not found in your campus",
                    "{what}"
                );
            }
            let text = answer.body.to_string();
            // What somebody of elsewhere sent himself comes back to him.
            let sent = body.to_string();
            for mark in scene.marks.iter().filter(|mark| !sent.contains(*mark)).chain([&meeting]) {
                assert!(!text.contains(mark.as_str()), "{mark} leaks from {what}");
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
