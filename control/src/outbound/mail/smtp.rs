//! The SMTP server mail is given to: one connection for a round of letters, then it is closed.

use std::path::Path;
use std::time::Duration;

use futures_util::future::BoxFuture;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, Error, PoolConfig};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::{Mailer, Wrong};
use crate::config::Secret;
use crate::domain::mail::Letter;
use crate::service::mail::{Courier, Delivery, Post};

/// How long the server may take for one command.
const COMMAND_MAX: Duration = Duration::from_secs(20);
/// How long one letter may take with all its commands.
const LETTER_MAX: Duration = Duration::from_secs(60);
/// The service is temporarily not there (RFC 5321, 4.2.1): about the server, not the letter.
const CLOSING: u16 = 421;

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// Where mail goes.
pub(super) struct Relay {
    builder: AsyncSmtpTransportBuilder,
}

impl Relay {
    /// Reads `SMTP_URL`; the error names the setting and repeats nothing of it, since it holds a password.
    pub(super) fn new(url: &Secret, authorities: Option<&Path>) -> Result<Self, Wrong> {
        let expected = "must be smtp://user:password@host:port or smtps://…, with %-escapes in the password";
        let wrong = || ("SMTP_URL", expected.to_owned());
        let url = url.expose();
        let uri: http::Uri = url.parse().map_err(|_| wrong())?;
        let host = uri.host().ok_or_else(wrong)?.to_owned();
        let has_credentials = uri.authority().is_some_and(|authority| authority.as_str().contains('@'));
        let tls = uri.query().and_then(|query| query.split('&').find_map(|part| part.strip_prefix("tls=")));
        // Encrypted where the server can; and nothing secret goes out unencrypted, unless the operator insists.
        let (url, tls) = match (uri.scheme_str(), tls) {
            (Some("smtps"), _) => (url.to_owned(), "wrapper"),
            (Some("smtp"), Some("none")) => (url.replace("tls=none", ""), "none"),
            (Some("smtp"), Some(word @ ("required" | "opportunistic"))) => (url.to_owned(), word),
            (Some("smtp"), None) => {
                let word = if has_credentials { "required" } else { "opportunistic" };
                let join = if uri.query().is_some() { '&' } else { '?' };
                (format!("{url}{join}tls={word}"), word)
            }
            _ => return Err(wrong()),
        };
        let mut builder = Transport::from_url(&url).map_err(|_| wrong())?;
        if let Some(path) = authorities.filter(|_| tls != "none") {
            let parameters = trusting(host, path)?;
            builder = builder.tls(match tls {
                "wrapper" => Tls::Wrapper(parameters),
                "required" => Tls::Required(parameters),
                _ => Tls::Opportunistic(parameters),
            });
        }
        // One connection, and none is kept waiting for the next round.
        let pool = PoolConfig::new().min_idle(0).max_size(1);
        Ok(Self { builder: builder.timeout(Some(COMMAND_MAX)).pool_config(pool) })
    }

    /// Connects, encrypts and logs in. A failure is about the server or the settings, never about a letter.
    pub(super) async fn connect(&self) -> Result<Transport, String> {
        let transport: Transport = self.builder.clone().build();
        let tested = tokio::time::timeout(LETTER_MAX, transport.test_connection()).await;
        match tested {
            Ok(Ok(true)) => Ok(transport),
            Ok(Ok(false)) => Err("the server does not answer".to_owned()),
            Ok(Err(error)) => Err(told(&error)),
            Err(_) => Err("the server took too long".to_owned()),
        }
    }
}

fn trusting(host: String, path: &Path) -> Result<TlsParameters, Wrong> {
    let wrong = |problem: String| ("SMTP_CA", problem);
    let pem = std::fs::read(path).map_err(|error| wrong(error.to_string()))?;
    let authorities = Certificate::from_pem(&pem).map_err(|error| wrong(error.to_string()))?;
    let parameters = TlsParameters::builder(host).add_root_certificate(authorities);
    parameters.build().map_err(|error| wrong(error.to_string()))
}

/// One connection and what writes the letters for it.
pub(super) struct Round<'a> {
    pub mailer: &'a Mailer,
    pub connection: Transport,
}

impl Courier for Round<'_> {
    fn deliver<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Delivery> {
        Box::pin(async move {
            let parts = self.mailer.parts(letter);
            let message = match self.mailer.sender.message(letter, parts) {
                Ok(message) => message,
                Err(problem) => return Delivery::Never(problem),
            };
            match tokio::time::timeout(LETTER_MAX, self.connection.send(message)).await {
                Ok(Ok(_)) => Delivery::Accepted,
                Ok(Err(error)) => outcome(&error),
                Err(_) => Delivery::Broken("the server took too long".to_owned()),
            }
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.connection.shutdown())
    }
}

fn outcome(error: &Error) -> Delivery {
    let code = error.status().map(u16::from);
    if error.is_permanent() || error.is_client() {
        Delivery::Never(told(error))
    } else if error.is_transient() && code != Some(CLOSING) {
        Delivery::Later(told(error))
    } else {
        Delivery::Broken(told(error))
    }
}

/// What the server said, or what went wrong on the way there.
fn told(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    super::text::one_line(&text, 500)
}
