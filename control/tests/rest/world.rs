//! A control plane of its own for each test, with the demo people in it.

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{HeaderMap, Method, Request, StatusCode, header};
use plenum_control::app::{App, Parts};
use plenum_control::config::Config;
use plenum_control::service::clock::Clock;
use plenum_control::service::passwords::HashCost;
use plenum_control::store::Store;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;

use crate::described;
use crate::postgres::{self, Database};

pub const PASSWORD: &str = "demo-password";

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// No token.
    Nobody,
    Admin,
    Host,
    Member,
    Second,
    Student,
    /// Of another campus.
    Outsider,
}

impl Who {
    pub fn email(self) -> &'static str {
        match self {
            Self::Nobody => "nobody@demo.test",
            Self::Admin => "admin@demo.test",
            Self::Host => "host@demo.test",
            Self::Member => "member@demo.test",
            Self::Second => "second@demo.test",
            Self::Student => "student@demo.test",
            Self::Outsider => "outsider@demo.test",
        }
    }
}

/// A control plane and what tests need to look behind it.
pub struct World {
    pub app: App,
    pub store: Store,
    pub clock: Clock,
    config: Config,
    router: Router,
    /// Gone with the world.
    dir: TempDir,
    database: Option<Database>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Answer {
    /// The `data` of a success; anything else fails the test.
    #[track_caller]
    pub fn data(&self) -> &Value {
        assert!(self.status.is_success(), "{} {}", self.status, self.body);
        assert_eq!(self.body["success"], true, "{}", self.body);
        &self.body["data"]
    }

    /// Fails the test unless this is exactly this refusal, in the envelope and without a key too many.
    #[track_caller]
    pub fn refused(&self, status: u16, message: &str) {
        assert_eq!(
            (self.status.as_u16(), &self.body),
            (status, &json!({ "success": false, "message": message }))
        );
    }

    /// As [`Answer::refused`], with a code.
    #[track_caller]
    pub fn refused_with(&self, status: u16, message: &str, code: &str) {
        let body = json!({ "success": false, "message": message, "code": code });
        assert_eq!((self.status.as_u16(), &self.body), (status, &body));
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl World {
    /// Without rate limits, which have tests of their own.
    pub async fn new() -> Self {
        Self::with(&[("RATE_LIMITS", "off")]).await
    }

    /// With these settings.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut config = Config::read(|name| {
            settings.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
        .expect("settings that make sense");
        config.data_dir = dir.path().join("data");
        let database = postgres::chosen().await;
        config.database_url = database.as_ref().map(|database| database.url.clone());
        // Stopped, so that a slow machine does not open the next window of a limit in the middle of a test.
        let clock = Clock::stopped(time::OffsetDateTime::now_utc());
        Self::on(config, clock, dir, database).await
    }

    /// On this data.
    async fn on(config: Config, clock: Clock, dir: TempDir, database: Option<Database>) -> Self {
        let parts = Parts {
            clock: clock.clone(),
            hash_cost: HashCost::Least,
            demo: true,
            supervise: false,
            ..Parts::default()
        };
        let app = App::build(&config, parts).await.expect("starts");
        Self { store: app.store.clone(), router: app.router(), app, clock, config, dir, database }
    }

    /// The same control plane after a restart: same data, same settings, same clock.
    pub async fn restarted(self) -> Self {
        let Self { app, store, clock, config, router, dir, database } = self;
        drop((app, router));
        store.close().await;
        Self::on(config, clock, dir, database).await
    }

    /// Makes a mail that was sent one whose sending was never noted.
    pub async fn unsend(&self, mail: &str) {
        const UNSEND: &str = "UPDATE mails SET status = 'queued', sent_at = NULL, lease = 'a process that died', \
             leased_until = $2 WHERE id = $1 AND status = 'sent'";
        let until = (self.clock.now() + time::Duration::minutes(5)).unix_timestamp() * 1_000_000;
        let changed = match &self.config.database_url {
            Some(url) => {
                let pool = sqlx::PgPool::connect(url).await.expect("opens");
                let done = sqlx::query(UNSEND).bind(mail).bind(until).execute(&pool).await.expect("runs");
                pool.close().await;
                done.rows_affected()
            }
            None => {
                let path = self.config.data_dir.join("plenum.db");
                let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
                let pool = sqlx::SqlitePool::connect_with(options).await.expect("opens");
                let done = sqlx::query(UNSEND).bind(mail).bind(until).execute(&pool).await.expect("runs");
                pool.close().await;
                done.rows_affected()
            }
        };
        assert_eq!(changed, 1);
    }

    /// One request, as it is. Whatever comes back must be described.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let response = self.router.clone().oneshot(request).await.expect("the router answers everything");
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, 16 << 20).await.expect("a body");
        described::of(&self.router).await.check(&method, &path, parts.status, &parts.headers, &bytes);
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn call(&self, who: Who, method: Method, path: &str, body: Value) -> Answer {
        let token = match who {
            Who::Nobody => None,
            who => Some(self.token(who).await),
        };
        self.call_as(token.as_deref(), method, path, body).await
    }

    pub async fn call_as(&self, token: Option<&str>, method: Method, path: &str, body: Value) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        self.send(request.body(body).expect("a request")).await
    }

    pub async fn get(&self, who: Who, path: &str) -> Answer {
        self.call(who, Method::GET, path, Value::Null).await
    }

    pub async fn post(&self, who: Who, path: &str, body: Value) -> Answer {
        self.call(who, Method::POST, path, body).await
    }

    pub async fn put(&self, who: Who, path: &str, body: Value) -> Answer {
        self.call(who, Method::PUT, path, body).await
    }

    pub async fn delete(&self, who: Who, path: &str) -> Answer {
        self.call(who, Method::DELETE, path, Value::Null).await
    }

    pub async fn log_in(&self, email: &str, password: &str) -> Answer {
        let body = json!({ "email": email, "password": password });
        self.call_as(None, Method::POST, "/api/auth/login", body).await
    }

    /// A token, issued as login would; the login route has tests of its own.
    pub async fn token(&self, who: Who) -> String {
        let login = self.app.services.accounts.log_in(who.email(), PASSWORD).await.expect("a demo account");
        login.token
    }

    pub async fn user_id(&self, who: Who) -> String {
        let (account, _) =
            self.store.credentials_by_email(who.email()).await.expect("reads").expect("exists");
        account.id.to_string()
    }

    /// A meeting of the host's with Member invited, changed by `more`; its id.
    pub async fn meeting(&self, more: Value) -> String {
        let answer = self.post(Who::Host, "/api/meeting", meeting_body(more)).await;
        answer.data()["id"].as_str().expect("an id").to_owned()
    }

    /// The same, started.
    pub async fn live_meeting(&self, more: Value) -> String {
        let id = self.meeting(more).await;
        self.post(Who::Host, &format!("/api/meeting/{id}/start"), Value::Null).await.data();
        id
    }

    /// The same with the remarks: `action outcome remark`.
    pub async fn audit_details(&self, meeting: &str) -> Vec<String> {
        let id = plenum_control::domain::id::MeetingId::parse(meeting).expect("an id");
        let lines = self.store.audit_of(id).await.expect("reads");
        let text = |line: plenum_control::domain::audit::AuditLine| {
            format!("{} {} {}", line.action, line.outcome, line.detail.unwrap_or_default())
        };
        lines.into_iter().map(text).collect()
    }

    /// The audit trail of a meeting as `action outcome`.
    pub async fn trail(&self, meeting: &str) -> Vec<String> {
        let id = plenum_control::domain::id::MeetingId::parse(meeting).expect("an id");
        let lines = self.store.audit_of(id).await.expect("reads");
        lines.into_iter().map(|line| format!("{} {}", line.action, line.outcome)).collect()
    }
}

/// The smallest body KCS-01 accepts, with further fields put over it; a field that is null is taken out.
pub fn meeting_body(more: Value) -> Value {
    let mut body = json!({
        "meeting_name": "Weekly",
        "meeting_description": "What happened, what comes",
        "meeting_start_time": "2098-01-01T10:00:00Z",
        "meeting_end_time": "2098-01-01T11:00:00Z",
        "meeting_location": "virtual",
        "participants": ["member@demo.test"],
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        match value {
            Value::Null => drop(body.as_object_mut().expect("an object").remove(key)),
            value => body[key] = value.clone(),
        }
    }
    body
}

/// A bad input: what is wrong, who sends it, what, and the exact answer.
pub struct Bad {
    pub what: &'static str,
    pub who: Who,
    pub body: Value,
    pub status: u16,
    pub message: &'static str,
}

/// One line of a table of bad inputs.
pub fn bad(what: &'static str, who: Who, body: Value, status: u16, message: &'static str) -> Bad {
    Bad { what, who, body, status, message }
}

/// Sends every line of a table and compares the answers.
pub async fn check(world: &World, method: Method, path: &str, table: Vec<Bad>) {
    for Bad { what, who, body, status, message } in table {
        let answer = world.call(who, method.clone(), path, body).await;
        let expected = (status, Some(message), Some(false));
        let got = (answer.status.as_u16(), answer.body["message"].as_str(), answer.body["success"].as_bool());
        assert_eq!(got, expected, "{method} {path}: {what}");
    }
}

/// The refusals that every route about a meeting shares: no token, garbage, no such meeting, other campus.
pub async fn check_meeting_refusals(
    world: &World,
    method: Method,
    path_of: impl Fn(&str) -> String,
    meeting: &str,
) {
    let call = |who, id: &str| {
        let (path, method) = (path_of(id), method.clone());
        async move { world.call(who, method, &path, Value::Null).await }
    };
    call(Who::Nobody, meeting).await.refused(401, "Authentication token missing");
    world
        .call_as(Some("x.y.z"), method.clone(), &path_of(meeting), Value::Null)
        .await
        .refused(401, "Invalid token");
    for unknown in
        ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "mtg_01ARZ3NDEKTSV4RRFFQ69G5FAV", "7", "%F0%9F%92%A9", "%FF", "a%00b"]
    {
        call(Who::Host, unknown).await.refused(404, "Meeting not found");
    }
    call(Who::Host, "%20").await.refused(400, "Meeting ID is required");
    call(Who::Outsider, meeting).await.refused(403, "Access denied - meeting not found in your campus");
}
