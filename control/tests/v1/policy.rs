//! The security policy (V1-13): what the route takes and refuses; and, for every field, what becomes of every action in every
//! dialect, from one table written from C-72.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use tokio::sync::Mutex;

use crate::support::raw::RawSocket;
use crate::support::{self, socket::Client};
use crate::world::{Answer, Who, World};
use crate::{V1, live_meeting, path};

const APPLIED: &str = "Security policy applied successfully";

async fn apply(world: &World, who: Who, meeting: &str, change: Value) -> Answer {
    world.post(who, &path(meeting, "security/policy"), change).await
}

/// The policy as the host finds it.
async fn policy(world: &World, meeting: &str) -> Value {
    world.get(Who::Host, &format!("/api/meeting/{meeting}")).await.data()["security_policy"].clone()
}

/// As in the guide, with a person who is blocked.
fn whole(blocked: &str) -> Value {
    json!({
        "require_waiting_room": true, "require_password": false, "allow_anonymous_join": false,
        "max_participants": 50, "allowed_domains": ["example.com", "company.com"], "blocked_users": [blocked],
        "recording_permissions": "host", "screen_share_permissions": "all", "chat_permissions": "all",
        "mute_on_entry": true, "disable_camera": false, "lock_meeting": false,
    })
}

#[tokio::test]
async fn v1_13_acc_14_lim_08_the_policy_of_the_guide_is_stored_and_only_what_is_there_changes() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    let student = world.user_id(Who::Student).await;
    let before = policy(&world, &meeting).await;
    assert_eq!(before["recording_permissions"], Value::Null, "by right, until somebody says");
    let names = |policy: &Value| policy.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before), names(&whole(&student)), "the twelve fields, and no other");
    let answer = apply(&world, Who::Host, &meeting, whole(&student)).await;
    assert_eq!(answer.said(APPLIED), &Value::Null);
    assert_eq!(policy(&world, &meeting).await, whole(&student));
    // The same columns, where the other dialect has words for them.
    let settings = world.get(Who::Member, &format!("/api/meeting/{meeting}")).await;
    let settings = settings.data();
    assert_eq!(
        (&settings["waiting_room_enabled"], &settings["max_participants"]),
        (&json!(true), &json!(50))
    );
    assert_eq!((&settings["allow_guests"], settings.get("security_policy")), (&json!(false), None));
    // One by one, and back through that one.
    for (field, value) in [
        ("require_waiting_room", json!(false)),
        ("require_password", json!(true)),
        ("max_participants", json!(2)),
        ("allowed_domains", json!([])),
        ("blocked_users", json!([])),
        ("recording_permissions", json!("all")),
        ("chat_permissions", json!("host")),
        ("lock_meeting", json!(true)),
    ] {
        let mut expected = policy(&world, &meeting).await;
        expected[field] = value.clone();
        apply(&world, Who::Host, &meeting, json!({ field: value, "unknown": 7 })).await.said(APPLIED);
        assert_eq!(policy(&world, &meeting).await, expected, "{field}");
    }
    let path = format!("/api/meeting/{meeting}");
    world.put(Who::Host, &path, json!({ "waiting_room_enabled": true, "max_participants": 7 })).await.data();
    let changed = policy(&world, &meeting).await;
    assert_eq!((&changed["require_waiting_room"], &changed["max_participants"]), (&json!(true), &json!(7)));
    let unsaid: Map<String, Value> = Map::new();
    apply(&world, Who::Host, &meeting, unsaid.into()).await.said(APPLIED);
    assert_eq!(policy(&world, &meeting).await, changed);
}

#[tokio::test]
async fn v1_13_acc_14_the_policy_survives_a_restart() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    let student = world.user_id(Who::Student).await;
    apply(&world, Who::Host, &meeting, whole(&student)).await.said(APPLIED);
    let world = world.restarted().await;
    assert_eq!(policy(&world, &meeting).await, whole(&student));
    let join = world.post(Who::Student, &format!("/api/meeting/{meeting}/join"), Value::Null).await;
    join.refused(403, "Access denied");
}

#[tokio::test]
async fn v1_13_role_13_hosts_alone_set_it_and_the_trail_says_who_did_and_who_tried() {
    let world = World::new().await;
    let meeting = live_meeting(&world, json!({})).await;
    let lock = json!({ "lock_meeting": true, "blocked_users": [world.user_id(Who::Student).await] });
    for who in [Who::Member, Who::Second, Who::Outsider, Who::Admin] {
        apply(&world, who, &meeting, lock.clone()).await.denied(
            403,
            "INSUFFICIENT_PERMISSION",
            "User lacks required permissions",
        );
    }
    apply(&world, Who::Nobody, &meeting, lock.clone()).await.denied(401, "UNAUTHORIZED", "Unauthorized");
    for unknown in ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense"] {
        apply(&world, Who::Host, unknown, lock.clone()).await.denied(
            404,
            "MEETING_NOT_FOUND",
            "Meeting does not exist",
        );
    }
    assert_eq!(policy(&world, &meeting).await["lock_meeting"], false);
    apply(&world, Who::Host, &meeting, lock.clone()).await.said(APPLIED);
    let trail =
        world.get(Who::Admin, &format!("/api/admin/audit?meeting_id={meeting}&action=meeting.policy")).await;
    let lines: Vec<_> = trail.data().as_array().unwrap().iter().collect();
    assert_eq!(lines.len(), 5, "{}", trail.body);
    let host = world.user_id(Who::Host).await;
    let granted = lines.iter().find(|line| line["outcome"] == "granted").expect("it was granted once");
    assert_eq!((&granted["actor_id"], &granted["detail"]), (&json!(host), &json!("lock=true blocked=1")));
    world.post(Who::Host, &path(&meeting, "end"), Value::Null).await.said("Meeting ended successfully");
    apply(&world, Who::Host, &meeting, lock).await.denied(410, "MEETING_ENDED", "Meeting has already ended");
}

#[tokio::test]
async fn v1_13_c_72_what_makes_no_sense_is_told_by_its_field_and_changes_nothing() {
    let world = World::new().await;
    let meeting = world.meeting(json!({})).await;
    let before = policy(&world, &meeting).await;
    let host = world.user_id(Who::Host).await;
    let many = |count: usize, one: &str| vec![json!(one); count];
    let flag = "must be true or false";
    let levels = "must be one of host, all";
    for (field, value, reason) in [
        ("require_waiting_room", json!("yes"), flag),
        ("require_password", json!(1), flag),
        ("allow_anonymous_join", json!([]), flag),
        ("mute_on_entry", json!("true"), flag),
        ("disable_camera", json!(0), flag),
        ("lock_meeting", json!({}), flag),
        ("max_participants", json!(1), "must be between 2 and 10000"),
        ("max_participants", json!(10_001), "must be between 2 and 10000"),
        ("max_participants", json!(2.5), "must be a whole number"),
        ("recording_permissions", json!("hosts"), levels),
        ("screen_share_permissions", json!("Host"), levels),
        ("chat_permissions", json!(true), levels),
        ("allowed_domains", json!("example.org"), "must be an array"),
        ("allowed_domains", json!(["example.org", 7]), "must be an array of strings"),
        ("allowed_domains", json!(["ada@example.org"]), "must be domains such as example.org"),
        ("allowed_domains", json!([""]), "must be domains such as example.org"),
        ("allowed_domains", json!(many(101, "example.org")), "must name at most 100"),
        ("blocked_users", json!([null]), "must be an array of strings"),
        ("blocked_users", json!(["somebody"]), "must be ids of accounts"),
        ("blocked_users", json!(many(1001, &host)), "must name at most 1000"),
        ("blocked_users", json!([host]), "a host cannot be blocked"),
    ] {
        let change = json!({ "lock_meeting": true, field: value });
        apply(&world, Who::Host, &meeting, change).await.invalid(field, reason);
    }
    apply(&world, Who::Host, &meeting, json!([])).await.invalid("body", "must be a JSON object");
    assert_eq!(policy(&world, &meeting).await, before);
    let spelled = json!({ "allowed_domains": ["Example.ORG", "@example.org ", "localhost"] });
    apply(&world, Who::Host, &meeting, spelled).await.said(APPLIED);
    let kept = &policy(&world, &meeting).await["allowed_domains"];
    assert_eq!(kept, &json!(["example.org", "localhost"]), "each once, in one spelling");
}

/// What people do, as far as a policy has a say in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Join,
    Share,
    Chat,
    Record,
    Camera,
    Microphone,
}
use Act::{Camera, Chat, Join, Microphone, Record, Share};

const INSIDE: [Act; 5] = [Share, Chat, Record, Camera, Microphone];

/// How it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Done,
    Waits,
    Locked,
    /// Kept out, or put out: whoever is blocked has nothing to act in.
    KeptOut,
    NotInvited,
    Password,
    Full,
    /// The feature is off, or left to hosts and co-hosts, or one lacks the right.
    Refused,
    Off,
}

/// Front doors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Door {
    KcsSocket,
    KcsRest,
    V1Rest,
    V1Socket,
}

const DOORS: [Door; 4] = [Door::KcsSocket, Door::KcsRest, Door::V1Rest, Door::V1Socket];

/// Host, co-host, attendee, and somebody of the campus who is not invited.
const PEOPLE: [(&str, &str); 4] = [("h", "host"), ("c", "second"), ("a", "member"), ("u", "student")];

/// One setting and what C-72 says of it: which actions it leaves to whom, and what the others hear.
struct Row {
    name: &'static str,
    /// Of the meeting, before anything.
    meeting: Value,
    /// Switched by an update of the settings, together with the policy.
    features: Value,
    policy: Value,
    left_to: &'static [(Act, &'static str, End)],
}

fn row(name: &'static str, policy: Value, left_to: &'static [(Act, &'static str, End)]) -> Row {
    Row { name, meeting: json!({}), features: json!({}), policy, left_to }
}

fn table(blocked: Value) -> Vec<Row> {
    use End::{Full, KeptOut, Locked, NotInvited, Off, Password, Refused, Waits};
    let off = |name, feature: &str, policy, left_to| Row {
        features: json!({ feature: false }),
        ..row(name, policy, left_to)
    };
    let password = |name, policy, left_to| Row {
        meeting: json!({ "meeting_password": "open sesame" }),
        ..row(name, policy, left_to)
    };
    vec![
        row("nothing", json!({}), &[]),
        row("require_waiting_room", json!({ "require_waiting_room": true }), &[(Join, "hc", Waits)]),
        password("require_password", json!({ "require_password": true }), &[(Join, "h", Password)]),
        password("require_password off", json!({ "require_password": false }), &[]),
        row("require_password without one", json!({ "require_password": true }), &[]),
        row("allow_anonymous_join", json!({ "allow_anonymous_join": true }), &[]),
        row(
            "allow_anonymous_join off",
            json!({ "allow_anonymous_join": false }),
            &[(Join, "hca", NotInvited)],
        ),
        row("max_participants", json!({ "max_participants": 2 }), &[(Join, "hc", Full)]),
        row("allowed_domains", json!({ "allowed_domains": ["elsewhere.test"] }), &[(Join, "h", KeptOut)]),
        row("allowed_domains ours", json!({ "allowed_domains": ["demo.test"] }), &[]),
        row(
            "blocked_users",
            json!({ "blocked_users": blocked }),
            &[
                (Join, "ha", KeptOut),
                (Share, "ha", KeptOut),
                (Chat, "ha", KeptOut),
                (Record, "h", KeptOut),
                (Camera, "ha", KeptOut),
                (Microphone, "ha", KeptOut),
            ],
        ),
        row("recording host", json!({ "recording_permissions": "host" }), &[]),
        row("recording all", json!({ "recording_permissions": "all" }), &[(Record, "hcau", Refused)]),
        row("sharing host", json!({ "screen_share_permissions": "host" }), &[(Share, "hc", Refused)]),
        row("sharing all", json!({ "screen_share_permissions": "all" }), &[]),
        row("chat host", json!({ "chat_permissions": "host" }), &[(Chat, "hc", Refused)]),
        row("chat all", json!({ "chat_permissions": "all" }), &[]),
        row("mute_on_entry", json!({ "mute_on_entry": true }), &[]),
        row("disable_camera", json!({ "disable_camera": true }), &[(Camera, "hc", Refused)]),
        row("lock_meeting", json!({ "lock_meeting": true }), &[(Join, "h", Locked)]),
        off(
            "recording all, off",
            "recording_enabled",
            json!({ "recording_permissions": "all" }),
            &[(Record, "", Off)],
        ),
        off(
            "sharing all, off",
            "screen_sharing_enabled",
            json!({ "screen_share_permissions": "all" }),
            &[(Share, "", Off)],
        ),
        off("chat all, off", "chat_enabled", json!({ "chat_permissions": "all" }), &[(Chat, "", Off)]),
    ]
}

impl Row {
    fn expected(&self, act: Act, letter: &str) -> End {
        match self.left_to.iter().find(|(of, ..)| *of == act) {
            Some((_, letters, _)) if letters.contains(letter) => End::Done,
            // Whoever may not record anyway hears that first, unless he may do nothing at all.
            Some((Record, _, End::KeptOut)) if letter == "a" => End::Refused,
            Some((_, _, end)) => *end,
            None if act == Record && (letter == "a" || letter == "u") => End::Refused,
            None => End::Done,
        }
    }
}

/// How each ending is said in each dialect, by action: a text, or a code.
fn said(door: Door, act: Act, end: End) -> &'static str {
    let v1 = matches!(door, Door::V1Rest | Door::V1Socket);
    match end {
        // A socket acts in the session it has, and has none any more.
        End::KeptOut if door == Door::V1Socket && act != Join => "PARTICIPANT_NOT_FOUND",
        End::Done | End::Waits => "",
        End::Locked if v1 => "MEETING_LOCKED",
        End::Locked => "Meeting is locked to new participants",
        End::Password if v1 => "MEETING_PASSWORD_REQUIRED",
        End::Password => "Meeting password required",
        End::Full if v1 => "MAX_PARTICIPANTS_REACHED",
        End::Full => "Meeting is full",
        End::NotInvited if !v1 => "Access denied: You are not invited to this meeting",
        End::Refused | End::Off if v1 && act == Chat => "CHAT_DISABLED",
        End::Refused | End::Off if v1 && act == Share => "SCREEN_SHARE_DISABLED",
        End::Off if act == Chat => "Chat is disabled for this meeting",
        End::Off if act == Share => "Screen sharing is disabled for this meeting",
        End::Off if act == Record => "Recording is not enabled for this meeting",
        End::NotInvited | End::KeptOut | End::Refused | End::Off if v1 => "INSUFFICIENT_PERMISSION",
        End::NotInvited | End::KeptOut | End::Refused | End::Off => "Access denied",
    }
}

/// What a door has a way to do.
fn can(door: Door, act: Act) -> bool {
    match door {
        Door::KcsSocket => true,
        Door::KcsRest => matches!(act, Join | Chat),
        Door::V1Rest | Door::V1Socket => act != Record,
    }
}

/// Somebody with everything he may need to act.
struct Person {
    letter: &'static str,
    token: String,
    socket: Client,
    /// Raw sockets, by meeting.
    raw: Mutex<HashMap<String, RawSocket>>,
}

struct Scene {
    world: support::World,
    host: String,
}

impl Scene {
    async fn new() -> Self {
        let world = support::World::start().await;
        let host = world.token("host").await;
        Self { world, host }
    }

    async fn people(&self) -> Vec<Person> {
        let mut people = Vec::new();
        for (letter, name) in PEOPLE {
            let (token, socket) = (self.world.token(name).await, self.world.connect(name).await);
            people.push(Person { letter, token, socket, raw: Mutex::default() });
        }
        people
    }

    /// Live, with nobody inside.
    async fn meeting(&self, row: &Row) -> String {
        let mut changes = json!({
            "participants": [{ "email": "second@demo.test", "role": "co_host" }, "member@demo.test"],
            "features": { "recording_enabled": true },
        });
        for (name, value) in row.meeting.as_object().unwrap() {
            changes[name] = value.clone();
        }
        let meeting = self.world.meeting(changes).await;
        let started = self.world.post(&format!("/api/meeting/{meeting}/start"), &self.host, json!({})).await;
        assert_eq!(started["success"], true, "{started}");
        meeting
    }

    async fn apply(&self, row: &Row, meeting: &str) {
        if row.features != json!({}) {
            let change = json!({ "features": row.features });
            let changed = self.world.put(&format!("/api/meeting/{meeting}"), &self.host, change).await;
            assert_eq!(changed["success"], true, "{changed}");
        }
        let applied =
            self.world.post(&path(meeting, "security/policy"), &self.host, row.policy.clone()).await;
        assert_eq!(
            (&applied["status"], &applied["message"]),
            (&json!("success"), &json!(APPLIED)),
            "{applied}"
        );
    }

    /// Everybody comes in before the policy is set. Passwords are shown.
    async fn enter(&self, door: Door, person: &Person, meeting: &str) {
        let password = "open sesame";
        let answer = match door {
            Door::KcsSocket | Door::KcsRest => {
                let join = json!({ "meetingId": meeting, "password": password });
                person.socket.call("join-meeting", join).await
            }
            Door::V1Rest => {
                let join = json!({ "meeting_password": password });
                self.world.post(&path(meeting, "join"), &person.token, join).await
            }
            Door::V1Socket => {
                let join = json!({ "meeting_password": password });
                self.over_raw_socket(person, meeting, "join", join).await
            }
        };
        assert!(answer["success"] == true || answer["status"] == "success", "{answer}");
    }

    /// What a message of a raw socket comes to: refusals are told, and what goes well is not. Who may not come in at all
    /// hears so instead of a socket.
    async fn over_raw_socket(&self, person: &Person, meeting: &str, kind: &str, data: Value) -> Value {
        let mut sockets = person.raw.lock().await;
        if !sockets.contains_key(meeting) {
            match RawSocket::connect(self.world.port, meeting, &person.token).await {
                Ok(socket) => sockets.insert(meeting.to_owned(), socket),
                Err(_) => {
                    let path = format!("/ws/meetings/{meeting}");
                    return self.world.ask_as(&path, Some(&person.token)).await.1;
                }
            };
        }
        let socket = &sockets[meeting];
        socket.forget();
        socket.send(kind, data);
        socket.settled().await;
        if let Some(refusal) = socket.heard_of("error").pop() {
            return refusal["data"].clone();
        }
        let waits = |told: &Value| told["data"]["is_in_waiting_room"] == true;
        if kind == "join" && socket.heard_of("participant_update").iter().any(waits) {
            return json!({ "status": "success", "code": "WAITING_ROOM_REQUIRED" });
        }
        json!({ "status": "success" })
    }

    async fn act(&self, door: Door, person: &Person, meeting: &str, act: Act) -> Value {
        let on = |field: &str| json!({ "meetingId": meeting, field: true });
        let status = async |field: &str, value: bool| {
            let bytes = json!({ field: value }).to_string().into_bytes();
            let headers = [("content-type", "application/json")];
            let path = path(meeting, "participants/status");
            self.world.raw("PUT", &path, &person.token, &headers, bytes).await.json()
        };
        match (door, act) {
            (Door::KcsSocket, Join) => {
                person.socket.call("join-meeting", json!({ "meetingId": meeting })).await
            }
            (Door::KcsSocket, Share) => person.socket.call("media-status-update", on("screenSharing")).await,
            (Door::KcsSocket, Camera) => person.socket.call("media-status-update", on("video")).await,
            (Door::KcsSocket, Microphone) => person.socket.call("media-status-update", on("audio")).await,
            (Door::KcsSocket, Record) => {
                let answer = person.socket.call("toggle-recording", on("start")).await;
                if answer["success"] == true {
                    let stop = json!({ "meetingId": meeting, "start": false });
                    assert_eq!(person.socket.call("toggle-recording", stop).await["success"], true);
                }
                answer
            }
            (Door::KcsSocket, Chat) => {
                let message = json!({ "meetingId": meeting, "message": "hello" });
                person.socket.call("send-message", message).await
            }
            (Door::KcsRest, Chat) => {
                let path = format!("/api/chat/rooms/{meeting}/messages");
                self.world.post(&path, &person.token, json!({ "content": "hello" })).await
            }
            (Door::KcsRest, _) => {
                let path = format!("/api/meeting/{meeting}/join");
                self.world.post(&path, &person.token, json!({})).await
            }
            (Door::V1Rest, Join) => self.world.post(&path(meeting, "join"), &person.token, json!({})).await,
            (Door::V1Rest, Chat) => {
                self.world.post(&path(meeting, "chat"), &person.token, json!({ "content": "hello" })).await
            }
            (Door::V1Rest, Share) => status("is_screen_sharing", true).await,
            (Door::V1Rest, Camera) => status("is_video_enabled", true).await,
            (Door::V1Rest, Microphone | Record) => status("is_muted", false).await,
            (Door::V1Socket, act) => {
                let (kind, data) = match act {
                    Join => ("join", json!({})),
                    Chat => ("chat", json!({ "content": "hello" })),
                    Share => ("participant_update", json!({ "is_screen_sharing": true })),
                    Camera => ("participant_update", json!({ "is_video_enabled": true })),
                    Microphone | Record => ("participant_update", json!({ "is_muted": false })),
                };
                self.over_raw_socket(person, meeting, kind, data).await
            }
        }
    }
}

/// Whether an answer says that it ended like this.
fn ended(door: Door, act: Act, end: End, answer: &Value) -> bool {
    match (door, end) {
        (Door::V1Rest | Door::V1Socket, End::Done) => {
            answer["status"] == "success" && answer.get("code").is_none()
        }
        (Door::V1Rest | Door::V1Socket, End::Waits) => answer["code"] == "WAITING_ROOM_REQUIRED",
        (Door::V1Rest | Door::V1Socket, _) => answer["code"] == said(door, act, end),
        // Who waits hears an event, and has not joined by the answer; the check only says that there is a waiting room.
        (Door::KcsSocket, End::Waits) => answer["success"] == true && answer.get("participants").is_none(),
        (Door::KcsRest, End::Waits) => answer["data"]["waitingRoomEnabled"] == true,
        (_, End::Done) => answer["success"] == true,
        _ => answer["success"] == false && answer["message"] == said(door, act, end),
    }
}

#[tokio::test]
async fn v1_13_c_72_every_policy_by_every_action_in_every_dialect() {
    let scene = Scene::new().await;
    let blocked = json!([scene.world.user("second").await, scene.world.user("student").await]);
    let (mut wrong, mut cells) = (Vec::new(), 0);
    for row in table(blocked) {
        let mut line = format!("{:<28}", row.name);
        for door in DOORS {
            let (inside, outside) = (scene.meeting(&row).await, scene.meeting(&row).await);
            let people = scene.people().await;
            for person in &people {
                scene.enter(door, person, &inside).await;
            }
            scene.apply(&row, &inside).await;
            scene.apply(&row, &outside).await;
            let acts = INSIDE.into_iter().map(|act| (act, &inside)).chain([(Join, &outside)]);
            for (act, meeting) in acts.filter(|(act, _)| can(door, *act)) {
                line.push(' ');
                for person in &people {
                    let expected = row.expected(act, person.letter);
                    let answer = scene.act(door, person, meeting, act).await;
                    cells += 1;
                    line.push(if expected == End::Done { '+' } else { '-' });
                    if !ended(door, act, expected, &answer) {
                        let who = person.letter;
                        wrong.push(format!(
                            "{}: {act:?} by {who} at {door:?}: not {expected:?} but {answer}",
                            row.name
                        ));
                    }
                    // Asking takes no seat; whoever may come in does.
                    if door == Door::KcsRest && act == Join && expected == End::Done {
                        person.socket.call("join-meeting", json!({ "meetingId": meeting })).await;
                    }
                }
            }
            line.push_str("  |");
        }
        println!("{line}");
    }
    println!(
        "{cells} cells; each group is host, co-host, attendee, uninvited: share chat record camera microphone join"
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn v1_13_c_49_whoever_comes_in_by_any_dialect_is_silent_and_unseen_where_the_policy_says_so() {
    let scene = Scene::new().await;
    let quiet = row("quiet", json!({ "mute_on_entry": true, "disable_camera": true }), &[]);
    let meeting = scene.meeting(&quiet).await;
    scene.apply(&quiet, &meeting).await;
    let people = scene.people().await;
    for (person, video) in people.iter().zip([true, true, false, false]) {
        person.socket.emit("join-meeting", json!({ "meetingId": meeting }));
        let joined = person.socket.expect("meeting-joined").await;
        assert_eq!((&joined["audio"], &joined["video"]), (&json!(false), &json!(video)), "{}", person.letter);
        person.socket.call("leave-meeting", json!({ "meetingId": meeting })).await;
        let joined = scene.world.post(&path(&meeting, "join"), &person.token, json!({})).await;
        let data = &joined["data"];
        assert_eq!((&data["is_muted"], &data["is_video_enabled"]), (&json!(true), &json!(false)), "{joined}");
    }
}
