//! The REST side of a bot: sign in, make accounts and meetings. Written from the API document.

use super::SignalError;
use reqwest::{Client, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// A signed-in account.
#[derive(Clone, Debug)]
pub struct Account {
    pub token: String,
    pub user_id: String,
}

/// The server's REST API.
#[derive(Clone, Debug)]
pub struct Rest {
    client: Client,
    base: String,
}

#[derive(Debug, Deserialize)]
struct Login {
    token: String,
    user: User,
}

#[derive(Debug, Deserialize)]
struct User {
    id: String,
}

/// A password hash takes the server a while, and many bots sign in at once.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

impl Rest {
    /// # Errors
    /// When the TLS set-up of the client fails.
    pub fn new(base: &str) -> Result<Self, SignalError> {
        let client = Client::builder().timeout(ANSWER_TIMEOUT).no_proxy().build()?;
        Ok(Self { client, base: base.trim_end_matches('/').to_owned() })
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    pub async fn login(&self, email: &str, password: &str) -> Result<Account, SignalError> {
        let body = json!({ "email": email, "password": password });
        let login: Login = self.call(Method::POST, "/api/auth/login", None, Some(body)).await?;
        Ok(Account { token: login.token, user_id: login.user.id })
    }

    /// Returns the new user's id.
    pub async fn create_user(
        &self,
        admin: &Account,
        name: &str,
        email: &str,
        password: &str,
    ) -> Result<String, SignalError> {
        let body = json!({
            "name": name, "email": email, "password": password, "user_type": "staff", "campus_id": "default",
        });
        let user: User = self.call(Method::POST, "/api/admin/users", Some(&admin.token), Some(body)).await?;
        Ok(user.id)
    }

    /// Creates a meeting for these users and so many places, starting now. Returns its id.
    pub async fn create_meeting(
        &self,
        host: &Account,
        participants: &[String],
        places: usize,
    ) -> Result<String, SignalError> {
        let now = OffsetDateTime::now_utc();
        let at = |time: OffsetDateTime| {
            time.format(&Rfc3339).expect("a date of this century has an RFC 3339 form")
        };
        let body = json!({
            "meeting_name": "load test",
            "meeting_description": "",
            "meeting_start_time": at(now),
            "meeting_end_time": at(now + time::Duration::hours(4)),
            "meeting_location": "load test",
            "participants": participants,
            "max_participants": places.max(2),
        });
        let meeting: User = self.call(Method::POST, "/api/meeting", Some(&host.token), Some(body)).await?;
        Ok(meeting.id)
    }

    pub async fn start_meeting(&self, host: &Account, meeting: &str) -> Result<(), SignalError> {
        let path = format!("/api/meeting/{meeting}/start");
        self.call::<Value>(Method::POST, &path, Some(&host.token), None).await.map(drop)
    }

    pub async fn end_meeting(&self, host: &Account, meeting: &str) -> Result<(), SignalError> {
        let path = format!("/api/meeting/{meeting}/end");
        self.call::<Value>(Method::POST, &path, Some(&host.token), None).await.map(drop)
    }

    /// Reads something and forgets it.
    pub async fn get(&self, who: &Account, path: String) -> Result<(), SignalError> {
        self.call::<Value>(Method::GET, &path, Some(&who.token), None).await.map(drop)
    }

    /// Asks whether one may join.
    pub async fn join_check(&self, who: &Account, meeting: &str) -> Result<(), SignalError> {
        let path = format!("/api/meeting/{meeting}/join");
        self.call::<Value>(Method::POST, &path, Some(&who.token), Some(json!({}))).await.map(drop)
    }

    /// Sends a request and unwraps `{success, data, message}`.
    async fn call<T: for<'a> Deserialize<'a>>(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<Value>,
    ) -> Result<T, SignalError> {
        let request = format!("{method} {path}");
        let mut call = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = token {
            call = call.bearer_auth(token);
        }
        if let Some(body) = body {
            call = call.json(&body);
        }
        let response = call.send().await?;
        let status = response.status();
        let text = response.text().await?;
        let answer: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        if !status.is_success() || answer.get("success").and_then(Value::as_bool) != Some(true) {
            let words = answer.get("message").and_then(Value::as_str).unwrap_or("no message");
            return Err(SignalError::Refused { request, message: format!("{status}: {words}") });
        }
        serde_json::from_value(answer.get("data").cloned().unwrap_or(Value::Null))
            .map_err(|error| SignalError::Contract { request, reason: error.to_string() })
    }
}
