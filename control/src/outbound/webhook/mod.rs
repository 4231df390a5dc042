//! Webhooks: a [`Message`] becomes a signed request ([`signature`]) to an address that may be connected to ([`resolve`],
//! decision 0068).

mod resolve;
mod signature;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::{Client, Response, Url, header, redirect, retry};
use time::OffsetDateTime;

use crate::domain::webhook::address::{Network, is_allowed};
use crate::domain::webhook::{Delivery, Heard, Message, SigningSecret, URL_BYTES_MAX, retry_after};
use crate::service::webhooks::{Carrier, Configured};

use resolve::{Checked, NothingPublic};
pub use resolve::{Resolver, SystemResolver};

/// How long one try may take, from the look-up of the name to the last byte that is read (C-60).
const TRY_MAX: Duration = Duration::from_secs(5);
/// What of an answer is read before the connection is given up: its words interest nobody.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Idle connections kept to one receiver, and for how long: a meeting's messages come one after the other.
const IDLE_MAX: usize = 2;
const IDLE_FOR: Duration = Duration::from_secs(30);
/// Endpoints that the settings may name.
const CONFIGURED_MAX: usize = 20;
/// Shortest shared secret of the settings, in characters.
const SECRET_CHARS_MIN: usize = 16;

/// The name of a setting and what is wrong with it.
pub type Wrong = (&'static str, String);

/// How webhooks leave.
#[derive(Clone, Default)]
pub struct WebhookConfig {
    /// Endpoints beside those that administrators make.
    pub urls: Vec<String>,
    /// What messages to those are signed with.
    pub secret: Option<SigningSecret>,
    /// Whether addresses may be plain `http://`.
    pub allow_http: bool,
    /// Blocks of addresses that may be connected to besides the internet's.
    pub allow_private: Vec<Network>,
    /// PEM with further authorities that receivers' certificates may be of.
    pub ca: Option<PathBuf>,
}

impl WebhookConfig {
    /// The endpoints of these settings; else the name of the wrong one and what is wrong with it, in words that repeat
    /// no secret.
    pub fn configured(&self) -> Result<Configured, Wrong> {
        if let Some(path) = &self.ca {
            authorities(path)?;
        }
        if self.urls.len() > CONFIGURED_MAX {
            return Err(("WEBHOOK_URLS", format!("must be at most {CONFIGURED_MAX} addresses")));
        }
        match &self.secret {
            None if !self.urls.is_empty() => {
                return Err(("WEBHOOK_SECRET", "is needed when WEBHOOK_URLS is set".to_owned()));
            }
            Some(secret) if !is_strong(secret) => {
                let expected =
                    "must be whsec_ and base64 of 24 to 64 bytes, or any text of 16 characters or more";
                return Err(("WEBHOOK_SECRET", expected.to_owned()));
            }
            _ => {}
        }
        let targets = Targets::of(self);
        let mut urls = Vec::new();
        for (number, url) in (1..).zip(&self.urls) {
            // Not repeated: addresses of receivers often hold a token.
            let wrong = |reason| ("WEBHOOK_URLS", format!("address {number} {reason}"));
            let url = targets.checked(url).map(String::from).map_err(wrong)?;
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
        Ok(Configured { urls, secret: self.secret.clone() })
    }
}

/// Which addresses may be entered.
struct Targets {
    allow_http: bool,
    allow_private: Arc<[Network]>,
}

impl Targets {
    fn of(config: &WebhookConfig) -> Self {
        Self { allow_http: config.allow_http, allow_private: config.allow_private.clone().into() }
    }

    fn checked(&self, url: &str) -> Result<Url, String> {
        if url.len() > URL_BYTES_MAX {
            return Err(format!("must have at most {URL_BYTES_MAX} bytes"));
        }
        let url = Url::parse(url.trim()).map_err(|_| "must be a URL such as https://example.org/hook")?;
        match url.scheme() {
            "https" => {}
            "http" if self.allow_http => {}
            _ => return Err("must begin with https://".to_owned()),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must hold no user name or password".to_owned());
        }
        if url.fragment().is_some() {
            return Err("must not have a part after #".to_owned());
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or("must name a host")?;
        // A written address is looked up by nobody; that of a name is checked where it is looked up.
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
        if literal.is_ok_and(|address| !is_allowed(address, &self.allow_private)) {
            return Err("must lead to a public address".to_owned());
        }
        Ok(url)
    }
}

/// Signs messages and carries them to endpoints.
pub struct Sender {
    body: fn(&Message) -> String,
    targets: Targets,
    resolver: Arc<dyn Resolver>,
    authorities: Vec<reqwest::Certificate>,
    /// Made when it is first used: that reads the machine's authorities, which a server without webhooks may not have.
    client: OnceLock<Result<Client, String>>,
}

impl Sender {
    /// A sender with these settings, which says messages in the words of `body`; else the name of the wrong setting and
    /// what is wrong with it.
    pub fn new(
        config: &WebhookConfig,
        resolver: Arc<dyn Resolver>,
        body: fn(&Message) -> String,
    ) -> Result<Self, Wrong> {
        let authorities = config.ca.as_deref().map(authorities).transpose()?.unwrap_or_default();
        Ok(Self { body, targets: Targets::of(config), resolver, authorities, client: OnceLock::new() })
    }

    fn client(&self) -> Result<&Client, String> {
        let client = self.client.get_or_init(|| {
            let checked = Checked::new(self.resolver.clone(), self.targets.allow_private.clone());
            Client::builder()
                .user_agent(concat!("Plenum/", env!("CARGO_PKG_VERSION")))
                .timeout(TRY_MAX)
                .redirect(redirect::Policy::none())
                .retry(retry::never())
                .referer(false)
                .no_proxy()
                .http1_only()
                .pool_max_idle_per_host(IDLE_MAX)
                .pool_idle_timeout(IDLE_FOR)
                .tls_certs_merge(self.authorities.iter().cloned())
                .dns_resolver(checked)
                .build()
                .map_err(|error| told(&error))
        });
        client.as_ref().map_err(Clone::clone)
    }

    async fn post(&self, delivery: &Delivery, now: OffsetDateTime) -> Result<Response, String> {
        let url = self.targets.checked(&delivery.url)?;
        let body = (self.body)(&delivery.message);
        let signed = signature::headers(&delivery.id.to_string(), now, &body, &delivery.secrets);
        let mut request = self.client()?.post(url).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in signed {
            request = request.header(name, value);
        }
        request.body(body).send().await.map_err(|error| told(&error))
    }
}

impl Carrier for Sender {
    fn target(&self, url: &str) -> Result<String, String> {
        self.targets.checked(url).map(String::from)
    }

    fn deliver<'a>(&'a self, delivery: &'a Delivery, now: OffsetDateTime) -> BoxFuture<'a, Heard> {
        Box::pin(async move {
            match self.post(delivery, now).await {
                Ok(mut answer) => {
                    let status = answer.status().as_u16();
                    let wait = answer.headers().get(header::RETRY_AFTER).and_then(|wait| wait.to_str().ok());
                    let retry_after = wait.and_then(|wait| retry_after(wait, now));
                    skip(&mut answer).await;
                    Heard::Answer { status, retry_after }
                }
                Err(problem) => Heard::Nothing(problem),
            }
        })
    }
}

/// Reads a short answer to its end, so that the connection can be used again. What is longer closes it.
async fn skip(answer: &mut Response) {
    let mut left = ANSWER_BYTES_MAX;
    while let Ok(Some(chunk)) = answer.chunk().await {
        let Some(rest) = left.checked_sub(chunk.len()) else { break };
        left = rest;
    }
}

fn is_strong(secret: &SigningSecret) -> bool {
    secret.expose().chars().count() >= SECRET_CHARS_MIN && signature::key(secret).is_some()
}

fn authorities(path: &std::path::Path) -> Result<Vec<reqwest::Certificate>, Wrong> {
    let wrong = |problem: String| ("WEBHOOK_CA", problem);
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let found = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| wrong(error.to_string()))?;
    if found.is_empty() { Err(wrong("holds no certificate".to_owned())) } else { Ok(found) }
}

/// What went wrong on the way, without the address, which often holds a token.
fn told(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer within {} seconds", TRY_MAX.as_secs());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        if deeper.is::<NothingPublic>() {
            return deeper.to_string();
        }
        cause = deeper;
    }
    // The error itself repeats the address; what caused it does not.
    match std::error::Error::source(error) {
        Some(_) => cause.to_string(),
        None => "the request could not be made".to_owned(),
    }
}
