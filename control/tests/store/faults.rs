//! Databases that are locked, full, or gone for a while, under a control plane with people in a meeting.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use plenum_control::domain::id::MeetingId;
use plenum_control::domain::roster::RosterEntry;
use plenum_control::service::live_side::RosterNews;
use serde_json::{Value, json};
use sqlx::{Connection, SqliteConnection};

use crate::support::node::ScriptedNode;
use crate::support::postgres::Server;
use crate::support::socket::Client;
use crate::support::{Setup, World, refused};

/// How long a database may take to be noticed as gone, or as back.
const PATIENCE: Duration = Duration::from_secs(60);

/// A meeting with its host and a member in it, and the messages that were acknowledged so far.
struct Room {
    world: World,
    meeting: String,
    host: Client,
    token: String,
    acknowledged: Vec<String>,
    _node: ScriptedNode,
}

impl Room {
    async fn open(database_url: Option<String>) -> Self {
        let world = World::with(Setup { database_url, ..Setup::default() }).await;
        let node = world.node().await;
        let (meeting, host, _) = world.hosted(json!({})).await;
        let token = world.token("host").await;
        Self { world, meeting, host, token, acknowledged: Vec::new(), _node: node }
    }

    /// Sends a message; says the refusal if there was one.
    async fn say(&mut self, text: &str) -> Result<(), Value> {
        let ack = self.host.call("send-message", json!({ "meetingId": self.meeting, "message": text })).await;
        if ack["success"] != true {
            return Err(ack);
        }
        self.acknowledged.push(text.to_owned());
        Ok(())
    }

    /// Talks on until a message is refused, and says how.
    async fn say_until_refused(&mut self) -> Value {
        let began = Instant::now();
        loop {
            let text = format!("message {}", self.acknowledged.len());
            match self.say(&text).await {
                Err(refusal) => return refusal,
                Ok(()) => assert!(began.elapsed() < PATIENCE, "nothing was ever refused"),
            }
        }
    }

    async fn say_until_taken(&mut self, text: &str) {
        let began = Instant::now();
        while let Err(refusal) = self.say(text).await {
            assert!(began.elapsed() < PATIENCE, "still refused: {refusal}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Raising a hand needs no database, and the other sees it at once.
    async fn goes_on(&self, other: &Client, raised: bool) {
        let body = json!({ "meetingId": self.meeting, "raised": raised });
        assert_eq!(self.host.call("raise-hand", body).await["success"], true);
        other.expect_where("hand-raised", |event| event["raised"] == raised).await;
    }

    async fn readiness(&self) -> (u16, Value) {
        self.world.ask("/readyz", "").await
    }

    async fn ready_again(&self) {
        let began = Instant::now();
        loop {
            let (status, body) = self.readiness().await;
            if body["database"] == true {
                assert_eq!((status, body.get("database_trouble")), (200, None), "{body}");
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{body}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Everything acknowledged is there, in order (the newest four hundred: a list shows five hundred). What was refused
    /// may have been kept all the same, when only the answer was lost.
    async fn nothing_is_lost(&self) {
        let newest = &self.acknowledged[self.acknowledged.len().saturating_sub(400)..];
        let path = format!("/api/meeting/{}/chat?limit=500", self.meeting);
        let answer = self.world.get(&path, &self.token).await;
        let messages = answer["data"].as_array().unwrap_or_else(|| panic!("{answer}"));
        let mut texts: Vec<_> = messages
            .iter()
            .map(|message| message["message"].as_str().unwrap_or_else(|| panic!("{message}")).to_owned())
            .filter(|text| newest.contains(text))
            .collect();
        texts.dedup();
        assert_eq!(texts, newest);
    }

    /// Sessions that the records show as open.
    async fn open_sessions(&self) -> usize {
        let meeting = MeetingId::parse(&self.meeting).expect("an id");
        let sessions = self.world.app.store.sessions_of(meeting).await.expect("reads");
        sessions.iter().filter(|session| session.left_at.is_none()).count()
    }

    async fn has_open_sessions(&self, count: usize) {
        let began = Instant::now();
        while self.open_sessions().await != count {
            assert!(began.elapsed() < PATIENCE, "never {count} open sessions");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn postgres_may_go_and_come_back_under_a_running_meeting() {
    let mut server = Server::start();
    let mut room = Room::open(Some(server.url())).await;
    let (member, _) = room.world.joined("member", &room.meeting).await;
    let (second, _) = room.world.joined("second", &room.meeting).await;
    room.say("before").await.expect("taken");

    server.stop();
    let refusal = room.say_until_refused().await;
    assert!(refused(&refusal, "Service unavailable"), "{refusal}");
    let (status, body) = room.world.ask("/api/meeting", &room.token).await;
    assert_eq!((status, body), (503, json!({ "success": false, "message": "Service unavailable" })));
    let (status, body) = room.readiness().await;
    assert_eq!((status, &body["database"], &body["database_trouble"]), (503, &json!(false), &json!("gone")));
    room.goes_on(&member, true).await;
    second.disconnect();
    member.expect("participant-left").await;
    room.host.expect("participant-left").await;
    room.goes_on(&member, false).await;
    // PLENUM_TEST_AWAY_S=60 keeps it away for a minute.
    let seconds = std::env::var("PLENUM_TEST_AWAY_S").map_or(0, |text| text.parse().expect("seconds"));
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(seconds) {
        room.goes_on(&member, true).await;
        room.goes_on(&member, false).await;
        let asked = Instant::now();
        assert_eq!(room.world.ask("/api/meeting", &room.token).await.0, 503);
        assert!(asked.elapsed() < Duration::from_secs(1), "nobody waits for what is known to be away");
    }

    server.start_again();
    room.ready_again().await;
    room.say_until_taken("after").await;
    room.nothing_is_lost().await;
    room.has_open_sessions(2).await;
    let (_second, _) = room.world.joined("second", &room.meeting).await;
    room.has_open_sessions(3).await;
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_crash_of_postgres_while_people_talk() {
    let mut server = Server::start();
    let mut room = Room::open(Some(server.url())).await;
    for round in 0..3 {
        room.say_until_taken(&format!("round {round}")).await;
        let refusal = {
            let talking = room.say_until_refused();
            let crashing = async {
                tokio::time::sleep(Duration::from_millis(50)).await;
                server.crash();
            };
            tokio::join!(talking, crashing).0
        };
        assert!(refused(&refusal, "Service unavailable"), "{refusal}");
        server.start_again();
        room.ready_again().await;
        room.nothing_is_lost().await;
    }
    room.has_open_sessions(1).await;
}

#[tokio::test]
async fn a_database_locked_by_another_process_refuses_writing_until_it_lets_go() {
    let mut room = Room::open(None).await;
    let (member, _) = room.world.joined("member", &room.meeting).await;
    room.say("before").await.expect("taken");
    let rooms = format!("/api/v1/meetings/{}/breakout-rooms", room.meeting);
    let opened = room.world.post(&rooms, &room.token, json!({ "room_count": 1 })).await;
    assert_eq!(opened["status"], "success", "{opened}");
    let mut other = another_process("faults::another_process_holds_the_lock", room.world.directory.path());

    // The first waits for as long as the lock may take; the meeting does not.
    let waits =
        room.host.start_call("send-message", json!({ "meetingId": room.meeting, "message": "waits" }));
    member.disconnect();
    room.host.expect("participant-left").await;
    let refusal = waits.await.expect("an answer");
    assert!(refused(&refusal, "Service unavailable"), "{refusal}");
    let (status, body) = room.readiness().await;
    assert_eq!((status, &body["database"], &body["database_trouble"]), (503, &json!(false), &json!("busy")));
    // Reading goes on.
    room.nothing_is_lost().await;
    assert_eq!(room.world.ask("/api/meeting", &room.token).await.0, 200);
    // What is told to all breakout rooms is told when it is kept.
    let words = json!({ "message": "Two minutes" });
    let said = room.world.post(&format!("{rooms}/broadcast"), &room.token, words).await;
    assert_eq!(said["code"], "SERVICE_UNAVAILABLE", "{said}");
    room.goes_on(&room.host, true).await;
    assert!(room.host.heard_of("breakout-broadcast").is_empty(), "{said}");

    drop(other.stdin.take());
    assert!(other.wait().expect("ends").success());
    room.ready_again().await;
    room.say_until_taken("after").await;
    room.nothing_is_lost().await;
    room.has_open_sessions(1).await;
}

#[tokio::test]
async fn people_who_are_put_out_are_out_and_everybody_knows_before_it_is_written_down() {
    let room = Room::open(None).await;
    let _inside =
        (room.world.joined("member", &room.meeting).await, room.world.joined("second", &room.meeting).await);
    let users = [room.world.user("member").await, room.world.user("second").await];
    let meeting = MeetingId::parse(&room.meeting).expect("an id");
    let meeting = room.world.app.store.meeting(meeting).await.expect("reads").expect("exists");
    let is_to_go = |line: &&RosterEntry| line.user.is_some_and(|user| users.contains(&user.to_string()));
    let people: Vec<_> = meeting.roster.iter().filter(is_to_go).cloned().collect();
    assert_eq!(people.len(), 2);
    let mut other = another_process("faults::another_process_holds_the_lock", room.world.directory.path());

    let live = room.world.app.services.live.clone();
    let news = RosterNews { people, by: None, tell_inside: true, tell_people: false };
    let removed = tokio::spawn(async move { live.removed(&meeting, news).await });
    for _ in users {
        assert_eq!(room.host.expect("participant-left").await["reason"], "kicked");
    }
    room.host.expect("participants-removed").await;
    assert!(!removed.is_finished(), "the database takes nothing yet");

    drop(other.stdin.take());
    assert!(other.wait().expect("ends").success());
    removed.await.expect("ends");
    room.has_open_sessions(1).await;
}

#[test]
fn a_full_disk_refuses_writing_until_there_is_room() {
    // In a process of its own: the limit that stands for the disk is one of a process.
    let mut other = another_process("faults::a_process_whose_files_may_not_grow", Path::new("/"));
    assert!(other.wait().expect("ends").success(), "see its output above");
}

/// Runs one of the two tests below in a process of its own, and waits until it says that it has begun.
fn another_process(name: &str, directory: &Path) -> Child {
    // Instead of ending the process, a write beyond the limit of a file fails, as on a full disk.
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#]).arg(std::env::current_exe().expect("this test"));
    command.args([name, "--exact", "--ignored", "--nocapture"]).env("PLENUM_TEST_DIRECTORY", directory);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("starts");
    let mut output = BufReader::new(child.stdout.take().expect("piped")).lines();
    let begun = output.by_ref().map_while(Result::ok).any(|line| line.contains("begun"));
    assert!(begun, "{name} did not begin");
    // What else it says nobody needs, but it must not be stopped by a closed pipe.
    std::thread::spawn(move || output.for_each(drop));
    child
}

#[tokio::test]
#[ignore = "the other process of a_database_locked_by_another_process…"]
async fn another_process_holds_the_lock() {
    let directory = std::env::var("PLENUM_TEST_DIRECTORY").expect("started by that test");
    let mut connection =
        SqliteConnection::connect(&format!("sqlite:{directory}/plenum.db")).await.expect("opens");
    sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.expect("locks");
    println!("begun");
    let mut line = String::new();
    // Ends when the test lets go, or is gone.
    let _ = std::io::stdin().read_line(&mut line);
    sqlx::query("ROLLBACK").execute(&mut connection).await.expect("lets go");
}

#[tokio::test]
#[ignore = "the process of a_full_disk…"]
async fn a_process_whose_files_may_not_grow() {
    std::env::var("PLENUM_TEST_DIRECTORY").expect("started by that test");
    println!("begun");
    let mut room = Room::open(None).await;
    let (member, _) = room.world.joined("member", &room.meeting).await;
    room.say("before").await.expect("taken");
    let log = room.world.directory.path().join("plenum.db-wal");
    let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE).expect("a limit");
    let room_for_some = std::fs::metadata(log).expect("a log").len() + 40_000;
    setrlimit(Resource::RLIMIT_FSIZE, room_for_some, hard).expect("limits");

    let refusal = room.say_until_refused().await;
    assert!(refused(&refusal, "Service unavailable"), "{refusal}");
    // A transaction of several statements, which fails as late as it can.
    let refusal =
        room.world.post(&format!("/api/meeting/{}/end", room.meeting), &room.token, json!({})).await;
    assert_eq!(refusal, json!({ "success": false, "message": "Service unavailable" }));
    let (status, body) = room.readiness().await;
    assert_eq!((status, &body["database"], &body["database_trouble"]), (503, &json!(false), &json!("disk")));
    room.nothing_is_lost().await;
    room.goes_on(&member, true).await;
    member.disconnect();
    room.host.expect("participant-left").await;

    setrlimit(Resource::RLIMIT_FSIZE, soft, hard).expect("lifts the limit");
    room.ready_again().await;
    room.say_until_taken("after").await;
    room.nothing_is_lost().await;
    room.has_open_sessions(1).await;
}
