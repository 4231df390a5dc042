//! Mail: a [`Letter`] becomes words ([`words`]), an entry for calendars ([`calendar`]), one MIME message ([`message`])
//! and goes to an SMTP server ([`smtp`]).

mod calendar;
#[cfg(test)]
mod letters;
mod message;
mod smtp;
mod text;
mod words;
mod zone;

use futures_util::future::BoxFuture;
use lettre::message::Mailbox;

use crate::config::Secret;
use crate::domain::mail::Letter;
use crate::service::mail::{Courier, Parts, Post};

use message::Sender;
use words::Words;

/// Who mail is from while none is sent.
const NOBODY: &str = "Plenum <plenum@localhost>";

/// The name of a setting and what is wrong with it.
pub type Wrong = (&'static str, String);

/// How mail leaves.
#[derive(Clone, Default)]
pub struct MailConfig {
    /// `None`: mail is kept and can be read by administrators.
    pub smtp_url: Option<Secret>,
    /// PEM with further authorities that the server's certificate may be of.
    pub smtp_ca: Option<std::path::PathBuf>,
    /// `None`: an address of nobody, which does while nothing is sent.
    pub from: Option<String>,
    /// Where the web client is; `None`: mails name the meeting and hold no link.
    pub frontend: Option<String>,
}

/// Writes mail and hands it to the configured server.
pub struct Mailer {
    words: Words,
    sender: Sender,
    relay: Option<smtp::Relay>,
}

impl Mailer {
    /// A mailer with these settings; else the name of the wrong one and what is wrong with it, in words that repeat no
    /// password.
    pub fn new(config: &MailConfig) -> Result<Self, Wrong> {
        let from = match &config.from {
            Some(from) => from.as_str(),
            None if config.smtp_url.is_some() => {
                return Err(("MAIL_FROM", "is needed when SMTP_URL is set".to_owned()));
            }
            None => NOBODY,
        };
        let from: Mailbox = from
            .parse()
            .map_err(|_| ("MAIL_FROM", "must be an address such as Plenum <meet@example.org>".to_owned()))?;
        let relay = config.smtp_url.as_ref().map(|url| smtp::Relay::new(url, config.smtp_ca.as_deref()));
        Ok(Self {
            words: Words::new(config.frontend.clone()),
            sender: Sender::new(from),
            relay: relay.transpose()?,
        })
    }
}

impl Post for Mailer {
    fn parts(&self, letter: &Letter) -> Parts {
        let words = self.words.of(letter);
        Parts {
            message_id: self.sender.message_id(letter),
            subject: words.subject,
            text: words.text,
            html: words.html,
            calendar: calendar::of(letter, words.link.as_deref().filter(|_| !letter.kind.takes_out())),
        }
    }

    fn sends(&self) -> bool {
        self.relay.is_some()
    }

    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Courier + '_>, String>> {
        Box::pin(async move {
            let relay = self.relay.as_ref().ok_or("SMTP_URL is not set")?;
            let connection = relay.connect().await?;
            Ok(Box::new(smtp::Round { mailer: self, connection }) as Box<dyn Courier + '_>)
        })
    }
}
