//! One story through every dialect (C-08): in one meeting there is a person for each dialect that is spoken. Each of them
//! does everything there are words for, and all the others see it in their own words, a receiver of webhooks among them.
//! The table that comes out is the one in `docs/dialects.md`.
//!
//! A further dialect is one more line in [`DIALECTS`].

use std::fmt::Write as _;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::{Value, json};

use crate::support::raw::RawSocket;
use crate::support::receiver::{Receiver, SECRET};
use crate::support::socket::{Client, PATIENCE};
use crate::support::{Setup, World, eventually};

const DOCUMENT: &str = include_str!("../../../docs/dialects.md");

/// The dialects that are spoken: who hosts and who knocks in each (accounts of the demonstration), and how one connects.
const DIALECTS: [Dialect; 2] = [
    Dialect { name: "kcs", host: "member", guest: "student", connect: kcs },
    Dialect { name: "v1", host: "second", guest: "admin", connect: v1 },
];

struct Dialect {
    name: &'static str,
    host: &'static str,
    guest: &'static str,
    connect: for<'a> fn(&'a Stage, &'static str) -> BoxFuture<'a, Box<dyn Speaker>>,
}

/// What happens in meetings, as the table of C-08 lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Starts,
    ComesIn,
    SharesTheScreen,
    RaisesAHand,
    Reacts,
    Writes,
    Records,
    AsksToComeIn,
    TurnsAway,
    LetsIn,
    Removes,
    Leaves,
    Ends,
}

impl Deed {
    const ALL: [(Self, &str); 13] = [
        (Self::Starts, "starts the meeting"),
        (Self::ComesIn, "comes in"),
        (Self::SharesTheScreen, "shares the screen"),
        (Self::RaisesAHand, "raises a hand"),
        (Self::Reacts, "reacts"),
        (Self::Writes, "writes a message"),
        (Self::Records, "starts a recording"),
        (Self::AsksToComeIn, "asks to come in"),
        (Self::TurnsAway, "turns somebody away"),
        (Self::LetsIn, "lets somebody in"),
        (Self::Removes, "removes somebody"),
        (Self::Leaves, "leaves"),
        (Self::Ends, "ends the meeting"),
    ];
}

/// The world, the meeting, and a program that is told of it.
struct Stage {
    world: World,
    meeting: String,
    receiver: Receiver,
}

impl Stage {
    /// Waits until the program is told that somebody did it. Says in which words; `None` when webhooks have none (C-08).
    async fn is_told(&self, deed: Deed, of: &Whom) -> Words {
        let (event, user) = match deed {
            Deed::Starts => ("meeting.started", None),
            Deed::ComesIn => ("participant.joined", Some(&of.user)),
            Deed::Ends => ("meeting.ended", None),
            _ => return None,
        };
        let is_it = |said: &Value| {
            said["event"] == event
                && said["meeting_id"] == self.meeting
                && user.is_none_or(|user| said["data"]["user_id"] == *user)
        };
        eventually(event, || self.receiver.requests().iter().any(|one| is_it(&one.0["said"]))).await;
        Some(event)
    }
}

/// Whom something is about.
#[derive(Debug, Clone, Default)]
struct Whom {
    user: String,
    /// The session; empty while there is none.
    session: String,
}

/// Somebody who speaks one dialect.
trait Speaker: Send + Sync {
    /// Does it, to somebody where it takes one. Says in which words; `None` when this dialect has none.
    fn does<'a>(&'a self, deed: Deed, to: &'a Whom) -> BoxFuture<'a, Words>;

    /// Waits until it is told that somebody did it. Says in which words; `None` when this dialect has none (C-08).
    fn hears<'a>(&'a self, deed: Deed, of: &'a Whom) -> BoxFuture<'a, Words>;

    /// Comes in, or waits to be let in. Says who this is, and in which words he came.
    fn enters(&self) -> BoxFuture<'_, (Whom, &'static str)>;
}

/// What somebody writes, so that the others recognise it.
fn text_of(user: &str) -> String {
    format!("words of {user}")
}

// --- kcs: REST below /api, Socket.IO

struct Kcs {
    socket: Client,
    user: String,
    token: String,
    meeting: String,
    rest: reqwest::Client,
    url: String,
}

fn kcs<'a>(stage: &'a Stage, who: &'static str) -> BoxFuture<'a, Box<dyn Speaker>> {
    Box::pin(async move {
        let world = &stage.world;
        let url = format!("http://127.0.0.1:{}/api/meeting/{}", world.port, stage.meeting);
        let (socket, user, token) = (world.connect(who).await, world.user(who).await, world.token(who).await);
        let (meeting, rest) = (stage.meeting.clone(), reqwest::Client::new());
        Box::new(Kcs { socket, user, token, meeting, rest, url }) as Box<dyn Speaker>
    })
}

impl Kcs {
    async fn emits(&self, event: &'static str, more: Value) -> Words {
        let mut payload = json!({ "meetingId": self.meeting });
        for (name, value) in more.as_object().into_iter().flatten() {
            payload[name] = value.clone();
        }
        let done = self.socket.call(event, payload).await;
        assert_eq!(done["success"], true, "{event}: {done}");
        Some(event)
    }

    async fn asks(&self, method: reqwest::Method, path: &str, body: Value, words: &'static str) -> Words {
        let asked =
            self.rest.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token).json(&body);
        let answer = asked.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{words}: {}", answer.text().await.unwrap_or_default());
        Some(words)
    }
}

impl Speaker for Kcs {
    fn does<'a>(&'a self, deed: Deed, to: &'a Whom) -> BoxFuture<'a, Words> {
        let whom = json!({ "participantId": to.session });
        Box::pin(async move {
            use reqwest::Method;
            match deed {
                Deed::Starts => self.asks(Method::POST, "/start", json!({}), "KCS-07").await,
                Deed::ComesIn | Deed::AsksToComeIn => Some(self.enters().await.1),
                Deed::SharesTheScreen => {
                    self.emits("media-status-update", json!({ "screenSharing": true })).await
                }
                Deed::RaisesAHand => self.emits("raise-hand", json!({ "raised": true })).await,
                Deed::Reacts => self.emits("send-reaction", json!({ "reaction": "👏" })).await,
                Deed::Writes => self.emits("send-message", json!({ "message": text_of(&self.user) })).await,
                Deed::Records => self.emits("toggle-recording", json!({ "start": true })).await,
                Deed::TurnsAway => self.emits("deny-participant", whom).await,
                Deed::LetsIn => self.emits("admit-participant", whom).await,
                Deed::Removes => {
                    let gone = json!({ "participant_ids": [to.user] });
                    self.asks(Method::DELETE, "/participants", gone, "KCS-12").await
                }
                Deed::Leaves => self.emits("leave-meeting", json!({})).await,
                Deed::Ends => self.asks(Method::POST, "/end", json!({}), "KCS-08").await,
            }
        })
    }

    fn hears<'a>(&'a self, deed: Deed, of: &'a Whom) -> BoxFuture<'a, Words> {
        Box::pin(async move {
            let own = |told: &Value| told["participantId"] == of.session;
            let here = |told: &Value| told["meetingId"] == self.meeting;
            let heard = |name: &'static str| async move { (name, self.socket.expect_where(name, own).await) };
            let (name, told) = match deed {
                Deed::Starts => ("meeting-started", self.socket.expect_where("meeting-started", here).await),
                Deed::ComesIn => heard("participant-joined").await,
                Deed::SharesTheScreen => {
                    let (name, told) = heard("participant-media-updated").await;
                    assert_eq!(told["screen"], true, "{told}");
                    (name, told)
                }
                Deed::RaisesAHand => heard("hand-raised").await,
                Deed::Reacts => {
                    let (name, told) = heard("participant-reaction").await;
                    assert_eq!(told["reaction"], "👏", "{told}");
                    (name, told)
                }
                Deed::Writes => {
                    let told = self.socket.expect("new-message").await;
                    assert_eq!(told["message"]["message"], text_of(&of.user), "{told}");
                    ("new-message", told)
                }
                Deed::Records => {
                    let name = "recording-status-changed";
                    (name, self.socket.expect_where(name, |told| told["recording"] == true).await)
                }
                Deed::AsksToComeIn => heard("join-request").await,
                Deed::TurnsAway => {
                    let told = self.socket.expect("error").await;
                    assert_eq!(told["message"], "Access denied", "{told}");
                    ("error", told)
                }
                Deed::LetsIn => ("meeting-joined", self.socket.expect_where("meeting-joined", here).await),
                Deed::Removes | Deed::Leaves => heard("participant-left").await,
                Deed::Ends => ("meeting-ended", self.socket.expect_where("meeting-ended", here).await),
            };
            assert!(told.is_object(), "{name}: {told}");
            Some(name)
        })
    }

    fn enters(&self) -> BoxFuture<'_, (Whom, &'static str)> {
        Box::pin(async move {
            let joined = self.socket.call("join-meeting", json!({ "meetingId": self.meeting })).await;
            let session = joined["participantId"].as_str().unwrap_or_else(|| panic!("{joined}")).to_owned();
            (Whom { user: self.user.clone(), session }, "join-meeting")
        })
    }
}

// --- v1: REST below /api/v1, a raw WebSocket

struct V1 {
    socket: RawSocket,
    user: String,
    token: String,
    rest: reqwest::Client,
    url: String,
}

fn v1<'a>(stage: &'a Stage, who: &'static str) -> BoxFuture<'a, Box<dyn Speaker>> {
    Box::pin(async move {
        let world = &stage.world;
        let url = format!("http://127.0.0.1:{}/api/v1/meetings/{}", world.port, stage.meeting);
        let (user, token) = (world.user(who).await, world.token(who).await);
        let socket = RawSocket::connect(world.port, &stage.meeting, &token).await.expect("upgrades");
        Box::new(V1 { socket, user, token, rest: reqwest::Client::new(), url }) as Box<dyn Speaker>
    })
}

impl V1 {
    fn sends(&self, kind: &'static str, data: Value) -> Words {
        self.socket.send(kind, data);
        Some(kind)
    }

    async fn posts(&self, path: &str, words: &'static str) -> Words {
        let asked = self.rest.post(format!("{}{path}", self.url)).bearer_auth(&self.token);
        let answer = asked.send().await.expect("an answer");
        assert!(answer.status().is_success(), "{words}: {}", answer.text().await.unwrap_or_default());
        Some(words)
    }

    /// This dialect has no message about recordings; one looks (C-08).
    async fn sees_a_recording(&self) {
        let looking = async {
            loop {
                let asked = self.rest.get(format!("{}/status", self.url)).bearer_auth(&self.token);
                let status: Value = asked.send().await.expect("an answer").json().await.expect("JSON");
                if status["data"]["is_recording"] == true {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looking).await.expect("is_recording");
    }
}

impl Speaker for V1 {
    fn does<'a>(&'a self, deed: Deed, to: &'a Whom) -> BoxFuture<'a, Words> {
        Box::pin(async move {
            match deed {
                Deed::Starts => self.posts("/start", "V1-01").await,
                Deed::ComesIn | Deed::AsksToComeIn => Some(self.enters().await.1),
                Deed::SharesTheScreen => {
                    self.sends("participant_update", json!({ "is_screen_sharing": true }))
                }
                Deed::RaisesAHand => self.sends("hand_raise", json!({ "is_hand_raised": true })),
                Deed::Reacts => self.sends("reaction", json!({ "reaction_type": "clap" })),
                Deed::Writes => self.sends("chat", json!({ "content": text_of(&self.user) })),
                Deed::LetsIn => {
                    let admits = json!({ "participant_user_id": to.user, "is_in_waiting_room": false });
                    self.sends("participant_update", admits)
                }
                Deed::Leaves => self.sends("leave", json!({})),
                Deed::Ends => self.posts("/end", "V1-02").await,
                Deed::Records | Deed::TurnsAway | Deed::Removes => None,
            }
        })
    }

    fn hears<'a>(&'a self, deed: Deed, of: &'a Whom) -> BoxFuture<'a, Words> {
        Box::pin(async move {
            let own = |data: &Value| data["participant_id"] == of.session;
            let (name, data) = match deed {
                Deed::Starts => return None,
                Deed::Records => {
                    self.sees_a_recording().await;
                    return Some("V1-03 `is_recording`");
                }
                Deed::ComesIn => ("join", self.socket.expect_where("join", own).await),
                Deed::SharesTheScreen => {
                    let shares = |data: &Value| own(data) && data["is_screen_sharing"] == true;
                    ("participant_update", self.socket.expect_where("participant_update", shares).await)
                }
                Deed::RaisesAHand => ("hand_raise", self.socket.expect_where("hand_raise", own).await),
                Deed::Reacts => {
                    let clap = |data: &Value| own(data) && data["reaction_type"] == "clap";
                    ("reaction", self.socket.expect_where("reaction", clap).await)
                }
                Deed::Writes => {
                    let text = text_of(&of.user);
                    ("chat", self.socket.expect_where("chat", |data| data["content"] == text).await)
                }
                Deed::AsksToComeIn => {
                    let waits = |data: &Value| own(data) && data["is_in_waiting_room"] == true;
                    ("participant_update", self.socket.expect_where("participant_update", waits).await)
                }
                Deed::TurnsAway => ("error", self.socket.expect("error").await),
                Deed::LetsIn => {
                    let inside = |data: &Value| data["is_in_waiting_room"] == false;
                    let told = self.socket.expect_where("participant_update", inside).await;
                    self.socket.expect("joined").await;
                    ("participant_update", told)
                }
                Deed::Removes | Deed::Leaves => ("leave", self.socket.expect_where("leave", own).await),
                Deed::Ends => ("meeting_ended", self.socket.expect("meeting_ended").await),
            };
            assert!(data["timestamp"].is_string(), "{name}: {data}");
            Some(name)
        })
    }

    fn enters(&self) -> BoxFuture<'_, (Whom, &'static str)> {
        Box::pin(async move {
            self.socket.send("join", json!({}));
            let came = tokio::select! {
                joined = self.socket.expect("joined") => joined,
                waits = self.socket.expect_where("participant_update", |data| data["is_in_waiting_room"] == true) => waits,
            };
            let session = came["data"]["participant_id"].as_str().unwrap_or_else(|| panic!("{came}"));
            (Whom { user: self.user.clone(), session: session.to_owned() }, "join")
        })
    }
}

// --- the story

/// Somebody's words, or that there are none.
type Words = Option<&'static str>;

/// One deed of one dialect.
struct Line {
    deed: Deed,
    by: &'static str,
    says: Words,
    /// The words in which each other dialect saw it.
    seen: Vec<(&'static str, Words)>,
    webhooks: Words,
}

/// What came out.
#[derive(Default)]
struct Table(Vec<Line>);

impl Table {
    fn note(&mut self, deed: Deed, by: &Dialect, says: Words, seen: Vec<(&'static str, Words)>) {
        self.0.push(Line { deed, by: by.name, says, seen, webhooks: None });
    }

    /// What webhooks said of the last line.
    fn webhooks(&mut self, words: Words) {
        if let Some(line) = self.0.last_mut() {
            line.webhooks = words;
        }
    }

    /// As the document shows it.
    fn text(&self) -> String {
        let mut text = "| who | does | says |".to_owned();
        for dialect in &DIALECTS {
            let _ = write!(text, " {} hears |", dialect.name);
        }
        let _ = write!(text, " webhooks |\n| --- | --- | --- |{} --- |\n", " --- |".repeat(DIALECTS.len()));
        for (deed, what) in Deed::ALL {
            for Line { by, says, seen, webhooks, .. } in self.0.iter().filter(|line| line.deed == deed) {
                let _ = write!(text, "| {by} | {what} | {} |", cell(*says));
                for dialect in &DIALECTS {
                    let heard = seen.iter().find(|(name, _)| *name == dialect.name);
                    let _ = write!(text, " {} |", heard.map_or(String::new(), |(_, words)| cell(*words)));
                }
                let _ = writeln!(text, " {} |", if says.is_some() { cell(*webhooks) } else { String::new() });
            }
        }
        text
    }
}

fn cell(words: Option<&str>) -> String {
    match words {
        None => "-".to_owned(),
        Some(words) if words.contains('`') || words.contains("-0") || words.contains("-1") => {
            words.to_owned()
        }
        Some(words) => format!("`{words}`"),
    }
}

#[tokio::test]
async fn c_08_everything_one_dialect_does_is_seen_by_all_others_in_their_own_words() {
    let mut table = Table::default();
    for dialect in &DIALECTS {
        tell(dialect, &mut table).await;
    }
    let text = table.text();
    println!("{text}");
    for (deed, _) in Deed::ALL {
        for dialect in &DIALECTS {
            let told = table.0.iter().any(|line| line.deed == deed && line.by == dialect.name);
            assert!(told, "{} {deed:?} was not told", dialect.name);
        }
    }
    assert!(DOCUMENT.contains(&text), "docs/dialects.md shows another table than this:\n{text}");
}

/// The whole story with one dialect acting.
async fn tell(by: &Dialect, table: &mut Table) {
    let receiver = Receiver::start();
    // Settings are as the environment has them, for ever.
    let url: &'static str = Box::leak(receiver.url().into_boxed_str());
    let settings = vec![
        ("WEBHOOK_URLS", url),
        ("WEBHOOK_SECRET", SECRET),
        ("WEBHOOK_ALLOW_HTTP", "on"),
        ("WEBHOOK_ALLOW_PRIVATE", "127.0.0.1"),
    ];
    let world = World::with(Setup { settings, ..Setup::default() }).await;
    let people = DIALECTS.iter().flat_map(|one| [(one.host, "host"), (one.guest, "attendee")]);
    let people = people.map(|(name, role)| json!({ "email": format!("{name}@demo.test"), "role": role }));
    let meeting = world
        .meeting(json!({
            "participants": people.collect::<Vec<_>>(),
            "require_host_approval": true,
            "features": { "recording_enabled": true },
        }))
        .await;
    let stage = Stage { world, meeting, receiver };
    let doer = (by.connect)(&stage, by.host).await;
    let mut others = Vec::new();
    for dialect in DIALECTS.iter().filter(|one| one.name != by.name) {
        others.push((dialect, (dialect.connect)(&stage, dialect.host).await));
    }
    let nobody = Whom::default();

    let words = doer.does(Deed::Starts, &nobody).await;
    let seen = heard(&others, Deed::Starts, &nobody).await;
    table.note(Deed::Starts, by, words, seen);
    table.webhooks(stage.is_told(Deed::Starts, &nobody).await);
    for (_, other) in &others {
        other.enters().await;
    }
    let (me, words) = doer.enters().await;
    table.note(Deed::ComesIn, by, Some(words), heard(&others, Deed::ComesIn, &me).await);
    table.webhooks(stage.is_told(Deed::ComesIn, &me).await);
    for deed in [Deed::SharesTheScreen, Deed::RaisesAHand, Deed::Reacts, Deed::Writes, Deed::Records] {
        let words = doer.does(deed, &nobody).await;
        let seen = match words {
            Some(_) => heard(&others, deed, &me).await,
            None => Vec::new(),
        };
        table.note(deed, by, words, seen);
    }
    waiting(&stage, by, &*doer, &others, table).await;
    let words = doer.does(Deed::Leaves, &nobody).await;
    table.note(Deed::Leaves, by, words, heard(&others, Deed::Leaves, &me).await);
    let words = doer.does(Deed::Ends, &nobody).await;
    table.note(Deed::Ends, by, words, heard(&others, Deed::Ends, &nobody).await);
    table.webhooks(stage.is_told(Deed::Ends, &nobody).await);
}

type Others = [(&'static Dialect, Box<dyn Speaker>)];

/// What each of the others hears.
async fn heard(others: &Others, deed: Deed, of: &Whom) -> Vec<(&'static str, Words)> {
    let mut seen = Vec::new();
    for (dialect, other) in others {
        seen.push((dialect.name, other.hears(deed, of).await));
    }
    seen
}

/// The part of the story that takes place at the door: somebody of this dialect knocks, and this dialect's host opens to
/// those of all others.
async fn waiting(stage: &Stage, by: &Dialect, doer: &dyn Speaker, others: &Others, table: &mut Table) {
    let knocker = (by.connect)(stage, by.guest).await;
    let (waits, words) = knocker.enters().await;
    table.note(Deed::AsksToComeIn, by, Some(words), heard(others, Deed::AsksToComeIn, &waits).await);
    drop(knocker);
    let (mut turned, mut let_in, mut removed) = (Vec::new(), Vec::new(), Vec::new());
    let mut words = [None; 3];
    for (dialect, _) in others {
        let guest = (dialect.connect)(stage, dialect.guest).await;
        let (mut them, _) = guest.enters().await;
        words[0] = doer.does(Deed::TurnsAway, &them).await;
        if words[0].is_some() {
            turned.push((dialect.name, guest.hears(Deed::TurnsAway, &them).await));
            (them, _) = guest.enters().await;
        }
        words[1] = doer.does(Deed::LetsIn, &them).await;
        let_in.push((dialect.name, guest.hears(Deed::LetsIn, &them).await));
        words[2] = doer.does(Deed::Removes, &them).await;
        if words[2].is_some() {
            removed.extend(heard(others, Deed::Removes, &them).await);
        }
    }
    table.note(Deed::TurnsAway, by, words[0], turned);
    table.note(Deed::LetsIn, by, words[1], let_in);
    table.note(Deed::Removes, by, words[2], removed);
}
