//! A whole control plane on ports of its own, and people who use it through its front door.
#![allow(dead_code, reason = "each test file uses its own part")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test fail by panicking")]

pub mod node;
pub mod postgres;
pub mod raw;
pub mod receiver;
pub mod socket;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use plenum_control::app::{App, DataDirError, Parts, StartError};
use plenum_control::config::Config;
use plenum_control::dialect::v1::pulse::Rhythm;
use plenum_control::fleet::Timing;
use plenum_control::service::passwords::HashCost;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use node::{Memory, ScriptedNode};
use socket::{Client, PATIENCE};

/// A running control plane with the demo accounts.
pub struct World {
    pub port: u16,
    pub directory: Arc<Place>,
    pub app: Arc<App>,
    http: reqwest::Client,
}

/// What outlives a control plane: its data directory and, where the run asks for one, its database on a server.
pub struct Place {
    directory: tempfile::TempDir,
    database: Option<postgres::Database>,
}

impl Place {
    pub fn path(&self) -> &std::path::Path {
        self.directory.path()
    }
}

/// How a world differs from the usual one.
#[derive(Clone)]
pub struct Setup {
    pub rate_limits: bool,
    /// Further settings, by name.
    pub settings: Vec<(&'static str, &'static str)>,
    pub timing: Timing,
    /// That of an earlier control plane, which is over or about to be.
    pub directory: Option<Arc<Place>>,
    /// How often the media of meetings is measured.
    pub sample_every: Duration,
    /// `None`: what `PLENUM_TEST_DATABASE` says, a file in the directory otherwise.
    pub database_url: Option<String>,
    /// How long a lost socket that may come back is awaited.
    pub resume_wait: Duration,
    /// How raw WebSockets are kept alive.
    pub rhythm: Rhythm,
}

impl Default for Setup {
    fn default() -> Self {
        let timing = Timing {
            request: Duration::from_secs(2),
            link_grace: Duration::from_millis(300),
            orphan_grace: Duration::from_millis(300),
            sweep: Duration::from_millis(300),
        };
        let sample_every = Duration::from_millis(100);
        Self {
            rate_limits: false,
            settings: Vec::new(),
            timing,
            directory: None,
            sample_every,
            database_url: None,
            resume_wait: Duration::from_secs(30),
            rhythm: Rhythm::default(),
        }
    }
}

impl World {
    pub async fn start() -> Self {
        Self::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> Self {
        let directory = match setup.directory {
            Some(directory) => directory,
            None => {
                let database = if setup.database_url.is_none() { postgres::chosen().await } else { None };
                Arc::new(Place { directory: tempfile::tempdir().unwrap(), database })
            }
        };
        let data_dir = directory.path().to_string_lossy().into_owned();
        let database_url = setup.database_url.or(directory.database.as_ref().map(|one| one.url.clone()));
        let config = Config::read(|name| match name {
            "DATA_DIR" => Some(data_dir.clone()),
            "DATABASE_URL" => database_url.clone(),
            "RATE_LIMITS" => Some(if setup.rate_limits { "on" } else { "off" }.to_owned()),
            "ICE_SERVERS" => Some(r#"[{"urls":"stun:stun.example.org"}]"#.to_owned()),
            other => {
                setup.settings.iter().find(|(name, _)| *name == other).map(|(_, value)| (*value).to_owned())
            }
        })
        .unwrap();
        let parts = || Parts {
            hash_cost: HashCost::Least,
            demo: true,
            supervise: false,
            fleet_timing: setup.timing,
            sample_every: setup.sample_every,
            resume_wait: setup.resume_wait,
            rhythm: setup.rhythm,
            ..Parts::default()
        };
        let began = Instant::now();
        let app = loop {
            match App::build(&config, parts()).await {
                // The earlier control plane is still letting go.
                Err(StartError::DataDir(DataDirError::InUse { .. })) if began.elapsed() < PATIENCE => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                built => break Arc::new(built.expect("builds")),
            }
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let serving = app.clone();
        tokio::spawn(async move { serving.serve(vec![listener]).await });
        Self { port, directory, app, http: reqwest::Client::new() }
    }

    /// Where the authority of the link lives.
    pub fn pki(&self) -> PathBuf {
        self.directory.path().join("pki")
    }

    pub fn link_address(&self) -> SocketAddr {
        self.app.link_address()
    }

    /// A scripted media node that is registered.
    pub async fn node(&self) -> ScriptedNode {
        let node = self.dial(Memory::new(), 1, 0).await.expect("registers");
        eventually("the node is registered", || self.app.media_ready()).await;
        node
    }

    pub async fn dial(
        &self,
        memory: Arc<Memory>,
        epoch: u64,
        last_event: u64,
    ) -> Result<ScriptedNode, String> {
        ScriptedNode::dial(&self.pki(), self.link_address(), memory, epoch, last_event).await
    }

    /// A token of a demo account, by the part before the `@`.
    pub async fn token(&self, who: &str) -> String {
        let login = self.app.services.accounts.log_in(&format!("{who}@demo.test"), "demo-password").await;
        login.expect("a demo account").token
    }

    /// A socket of a demo account.
    pub async fn connect(&self, who: &str) -> Client {
        let token = self.token(who).await;
        Client::connect(self.port, json!({ "token": token })).await.expect("connects")
    }

    /// The user id of a demo account.
    pub async fn user(&self, who: &str) -> String {
        let token = self.token(who).await;
        let profile = self.get("/api/auth/profile", &token).await;
        let id = profile["data"]["id"].as_str().or_else(|| profile["data"]["user"]["id"].as_str());
        id.unwrap_or_else(|| panic!("{profile}")).to_owned()
    }

    /// A meeting of `host@demo.test` that everybody of the campus may enter; `changes` go on top. Says its id.
    pub async fn meeting(&self, changes: Value) -> String {
        let mut body = json!({
            "meeting_name": "Test",
            "meeting_description": "",
            "meeting_location": "virtual",
            "meeting_start_time": "2030-01-01T09:00:00Z",
            "meeting_end_time": "2030-01-01T10:00:00Z",
            "meeting_type": "instant",
            "allow_guests": true,
            "participants": [{ "email": "member@demo.test" }],
        });
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        let token = self.token("host").await;
        let made = self.post("/api/meeting", &token, body).await;
        made["data"]["id"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned()
    }

    /// A meeting that is live, with its host inside.
    pub async fn hosted(&self, changes: Value) -> (String, Client, String) {
        let meeting = self.meeting(changes).await;
        let host = self.connect("host").await;
        let joined = host.call("join-meeting", json!({ "meetingId": meeting })).await;
        assert_eq!(joined["success"], true, "{joined}");
        host.expect("meeting-joined").await;
        (meeting, host, joined["participantId"].as_str().unwrap().to_owned())
    }

    /// Somebody who joins and has heard that he is inside.
    pub async fn joined(&self, who: &str, meeting: &str) -> (Client, String) {
        let client = self.connect(who).await;
        let joined = client.call("join-meeting", json!({ "meetingId": meeting })).await;
        assert_eq!(joined["success"], true, "{joined}");
        client.expect("meeting-joined").await;
        let id = joined["participantId"].as_str().unwrap().to_owned();
        (client, id)
    }

    pub async fn post(&self, path: &str, token: &str, body: Value) -> Value {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        self.http.post(url).bearer_auth(token).json(&body).send().await.unwrap().json().await.unwrap()
    }

    pub async fn put(&self, path: &str, token: &str, body: Value) -> Value {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        self.http.put(url).bearer_auth(token).json(&body).send().await.unwrap().json().await.unwrap()
    }

    pub async fn patch(&self, path: &str, token: &str, body: Value) -> Value {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        self.http.patch(url).bearer_auth(token).json(&body).send().await.unwrap().json().await.unwrap()
    }

    pub async fn delete_with(&self, path: &str, token: &str, body: Value) -> Value {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        self.http.delete(url).bearer_auth(token).json(&body).send().await.unwrap().json().await.unwrap()
    }

    pub async fn delete(&self, path: &str, token: &str) -> Value {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        self.http.delete(url).bearer_auth(token).send().await.unwrap().json().await.unwrap()
    }

    /// A request with a body of any kind and more headers, and the whole of its answer.
    pub async fn raw(
        &self,
        method: &str,
        path: &str,
        token: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Raw {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        let mut request = self.http.request(method.parse().unwrap(), url).bearer_auth(token).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Raw { status, headers, body: answer.bytes().await.unwrap().to_vec() }
    }

    /// Uploads a file as a form does it.
    pub async fn upload(&self, token: &str, name: &str, kind: &str, bytes: &[u8]) -> Raw {
        let mut form = format!(
            "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
        )
        .into_bytes();
        form.extend_from_slice(bytes);
        form.extend_from_slice(b"\r\n--edge--\r\n");
        let headers = [("content-type", "multipart/form-data; boundary=edge")];
        self.raw("POST", "/api/chat/attachments", token, &headers, form).await
    }

    /// Status and body, whatever they are.
    pub async fn ask(&self, path: &str, token: &str) -> (u16, Value) {
        self.ask_as(path, Some(token)).await
    }

    /// The same, with a token in the header or none.
    pub async fn ask_as(&self, path: &str, token: Option<&str>) -> (u16, Value) {
        let mut request = self.http.get(format!("http://127.0.0.1:{}{path}", self.port));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub async fn get(&self, path: &str, token: &str) -> Value {
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        self.http.get(url).bearer_auth(token).send().await.unwrap().json().await.unwrap()
    }
}

/// An answer as it came.
pub struct Raw {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Vec<u8>,
}

impl Raw {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// Polls until something holds.
pub async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether an answer to a callback is a refusal with this text.
pub fn refused(ack: &Value, message: &str) -> bool {
    ack["success"] == false && ack["error"] == message && ack["message"] == message
}
