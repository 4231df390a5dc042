//! Mail on its way out: taken from the outbox, given to the SMTP server, tried again; and shown to administrators.
//!
//! What is said to whom is decided in [`crate::domain::mail`] and kept by the store with the change it tells of.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use time::{Duration, OffsetDateTime};
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use crate::domain::actor::Actor;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::error::DomainError;
use crate::domain::id::{MailId, MeetingId};
use crate::domain::mail::{Letter, MailRecord, MailStatus, TRIED_FOR, pause};
use crate::domain::page::Page;
use crate::service::audit::Audit;
use crate::service::clock::Clock;
use crate::store::{MailFilter, Store};

/// Mails sent over one connection; the next round opens another.
const ROUND_MAX: u32 = 25;
/// How long a round may hold its mails. Another process takes them over after that, so it is longer than sending takes.
const LEASE: Duration = Duration::minutes(5);
/// No mail is begun when less than this is left of the lease: one may take a minute.
const LEASE_REST: Duration = Duration::seconds(90);
/// How long mail that waits for nothing is kept for administrators to look at.
const KEPT_FOR: Duration = Duration::days(30);

/// Whatever writes mails out and carries them to a server.
pub trait Post: Send + Sync + 'static {
    /// A letter in words.
    fn parts(&self, letter: &Letter) -> Parts;

    /// Whether there is a server to send to.
    fn sends(&self) -> bool;

    /// Opens a connection for a round. An error is about the server or the settings, not about a letter.
    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Courier + '_>, String>>;
}

/// One connection to the server.
pub trait Courier: Send + Sync {
    /// Sends one letter.
    fn deliver<'a>(&'a self, letter: &'a Letter) -> BoxFuture<'a, Delivery>;

    /// Says goodbye to the server.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// How sending came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    Accepted,
    /// Refused for now (4xx).
    Later(String),
    /// Refused for good (5xx), or not to be sent at all.
    Never(String),
    /// The connection is of no use any more; whether the server has the letter is unknown.
    Broken(String),
}

/// A letter in words, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    pub message_id: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    pub calendar: String,
}

/// What a round did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Round {
    /// Nothing was due.
    Idle,
    /// So many mails were tried; there may be more.
    Tried(u32),
    /// There was no connection, or it broke: better wait.
    NoServer(String),
}

/// Which mails an administrator asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxQuery {
    pub status: Option<MailStatus>,
    pub meeting: Option<MeetingId>,
    pub page: Page,
}

/// The outbox.
#[derive(Clone)]
pub struct Mail {
    store: Store,
    clock: Clock,
    post: Arc<dyn Post>,
    audit: Audit,
}

impl Mail {
    /// The outbox in `store`, emptied by `post`.
    pub fn new(store: Store, clock: Clock, post: Arc<dyn Post>, audit: Audit) -> Self {
        Self { store, clock, post, audit }
    }

    /// Whether mail leaves, or is only kept.
    pub fn sends(&self) -> bool {
        self.post.sends()
    }

    /// The mails an administrator may see, the newest first with their words, and how many there are.
    pub async fn list(
        &self,
        actor: &Actor,
        query: &OutboxQuery,
    ) -> Result<(Vec<(MailRecord, Parts)>, u32), DomainError> {
        let filter = MailFilter {
            campus: actor.administers()?,
            status: query.status,
            meeting: query.meeting,
            page: query.page,
        };
        let (mails, total) = self.store.mails(&filter).await?;
        Ok((mails.into_iter().map(|mail| self.worded(mail)).collect(), total))
    }

    /// One mail with its words.
    pub async fn one(&self, actor: &Actor, id: &str) -> Result<(MailRecord, Parts), DomainError> {
        self.find(actor, id).await.map(|mail| self.worded(mail))
    }

    /// Puts a failed mail back into the queue.
    pub async fn retry(&self, actor: &Actor, id: &str) -> Result<(MailRecord, Parts), DomainError> {
        let mail = self.find(actor, id).await?;
        if !self.store.retry_mail(mail.letter.id, self.clock.now()).await? {
            return Err(DomainError::invalid("status", "only failed mail is sent again"));
        }
        let entry = AuditEntry {
            detail: Some(mail.letter.id.to_string()),
            ..AuditEntry::granted(AuditAction::MailRetry, actor.user_id())
        };
        self.audit.note(entry.in_meeting(mail.letter.meeting, mail.letter.campus)).await;
        self.one(actor, id).await
    }

    /// Sends what is due, up to one connection's worth. Stops between two mails when `stop` is cancelled and gives the
    /// rest back. A process that is killed between the server's yes and the line that notes it sends that one mail
    /// again, under the same Message-ID.
    pub async fn round(&self, stop: &CancellationToken) -> Result<Round, DomainError> {
        let now = self.clock.now();
        if !self.store.mail_is_due(now).await? {
            return Ok(Round::Idle);
        }
        count("failed", self.store.give_up_mails(now).await?);
        let lease = Ulid::r#gen().to_string();
        let leased_until = now + LEASE;
        let mails = self.store.claim_mails(&lease, now, leased_until, ROUND_MAX).await?;
        if mails.is_empty() {
            return Ok(Round::Idle);
        }
        let outcome = self.send(&mails, &lease, leased_until, stop).await;
        // Whatever was not tried is free again at once.
        self.store.release_mails(&lease).await?;
        outcome
    }

    /// Drops mails that are old and wait for nothing. While there is no server they wait as long as they are kept.
    pub async fn tidy(&self) -> Result<u64, DomainError> {
        let now = self.clock.now();
        let late = if self.sends() { now } else { now - (KEPT_FOR - TRIED_FOR) };
        count("failed", self.store.give_up_mails(late).await?);
        self.store.drop_mails(now - KEPT_FOR).await
    }

    async fn send(
        &self,
        mails: &[MailRecord],
        lease: &str,
        leased_until: OffsetDateTime,
        stop: &CancellationToken,
    ) -> Result<Round, DomainError> {
        let mut connected = None;
        // Counted from the claim: connecting takes its part of the lease too.
        let ends = leased_until - LEASE_REST;
        let mut tried = 0;
        for mail in mails {
            if stop.is_cancelled() {
                break;
            }
            let courier = match connected.take() {
                Some(courier) => courier,
                None => match self.post.connect().await {
                    Ok(courier) => courier,
                    Err(problem) => return Ok(Round::NoServer(problem)),
                },
            };
            if self.clock.now() >= ends {
                connected = Some(courier);
                break;
            }
            tried += 1;
            let delivery = courier.deliver(&mail.letter).await;
            self.note(mail, lease, &delivery).await?;
            match delivery {
                Delivery::Accepted => connected = Some(courier),
                // A refusal ends the connection. The next one is made here, and not unseen by the next letter, which
                // would be refused in place of everybody by a server that has had enough of us.
                Delivery::Later(_) | Delivery::Never(_) => {}
                Delivery::Broken(problem) => return Ok(Round::NoServer(problem)),
            }
        }
        if let Some(courier) = connected {
            courier.close().await;
        }
        Ok(Round::Tried(tried))
    }

    async fn note(&self, mail: &MailRecord, lease: &str, delivery: &Delivery) -> Result<(), DomainError> {
        let (id, now) = (mail.letter.id, self.clock.now());
        match delivery {
            Delivery::Accepted => {
                count("sent", 1);
                self.store.mail_sent(id, lease, now).await
            }
            Delivery::Never(problem) => {
                count("failed", 1);
                // The server's words may repeat an address, so they are in the outbox and not in the log.
                tracing::warn!(mail = %id, "a mail was refused for good; the outbox says why");
                self.store.mail_failed(id, lease, problem).await
            }
            Delivery::Later(problem) | Delivery::Broken(problem) => {
                count("put_off", 1);
                let due_at = now + pause(mail.attempts, rand::random());
                self.store.mail_later(id, lease, due_at, problem).await
            }
        }
    }

    async fn find(&self, actor: &Actor, id: &str) -> Result<MailRecord, DomainError> {
        let campus = actor.administers()?;
        let id = MailId::parse(id).ok_or(DomainError::MailNotFound)?;
        self.store.mail(id, campus.as_ref()).await?.ok_or(DomainError::MailNotFound)
    }

    fn worded(&self, mail: MailRecord) -> (MailRecord, Parts) {
        let parts = self.post.parts(&mail.letter);
        (mail, parts)
    }
}

fn count(result: &'static str, mails: u64) {
    metrics::counter!("plenum_mails_total", "result" => result).increment(mails);
}
