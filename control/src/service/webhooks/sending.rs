//! Telling endpoints: what is due is claimed, tried, and noted. Order is the store's affair: of one endpoint and meeting it
//! gives out one delivery at a time.

use time::{Duration, OffsetDateTime};
use tokio_util::sync::CancellationToken;
use ulid::Ulid;

use super::Webhooks;
use crate::domain::error::DomainError;
use crate::domain::webhook::{Delivery, Heard, Next, next};
use crate::store::{ClaimBounds, InVain, Lease};

/// Deliveries that are on their way at once: enough that some slow endpoints hold up no others, and few enough sockets.
pub const AT_ONCE: u32 = 32;
/// Of those, to one endpoint.
const PER_ENDPOINT: u32 = 4;
/// Another process takes a delivery over after this, so it is longer than a try and the note of it take.
const LEASE: Duration = Duration::seconds(60);
/// Deliveries of one endpoint and meeting that are sent without standing in line again; then others have their turn.
const IN_A_ROW: usize = 50;
/// How long what waits for nothing is kept for administrators to look at.
const KEPT_FOR: Duration = Duration::days(30);
/// Longest reason kept, in characters.
const PROBLEM_CHARS_MAX: usize = 300;

/// A delivery that this process may send, and under which word.
#[derive(Debug)]
pub struct Claimed {
    delivery: Delivery,
    lease: String,
}

impl Webhooks {
    /// Takes up to `most` deliveries that are due, each the first of its endpoint and meeting.
    pub async fn claim(&self, most: u32) -> Result<Vec<Claimed>, DomainError> {
        let word = Ulid::r#gen().to_string();
        let bounds = ClaimBounds { in_all: most, per_endpoint: PER_ENDPOINT };
        let claimed = self.store.claim_deliveries(lease(&word, self.clock.now()), bounds).await?;
        let with_lease = |delivery| Claimed { delivery, lease: word.clone() };
        Ok(claimed.into_iter().map(with_lease).collect())
    }

    /// Sends a claimed delivery, and as long as that goes well what comes after it in the same meeting. Stops between
    /// two of them when `stop` is cancelled.
    pub async fn send(&self, first: Claimed, stop: &CancellationToken) -> Result<(), DomainError> {
        let mut claimed = first;
        for _ in 0..IN_A_ROW {
            let (endpoint, meeting) = (claimed.delivery.endpoint, claimed.delivery.message.meeting);
            let taken = self.try_once(claimed).await? && !stop.is_cancelled();
            let Some(meeting) = meeting.filter(|_| taken) else { break };
            let word = Ulid::r#gen().to_string();
            let lease = lease(&word, self.clock.now());
            let Some(delivery) = self.store.claim_next_delivery(lease, endpoint, meeting).await? else {
                break;
            };
            claimed = Claimed { delivery, lease: word };
        }
        Ok(())
    }

    /// Sends everything that is due now, once; says how many lines of messages that were.
    pub async fn round(&self) -> Result<usize, DomainError> {
        let claimed = self.claim(AT_ONCE).await?;
        let lines = claimed.len();
        let never = CancellationToken::new();
        let sending = claimed.into_iter().map(|one| self.send(one, &never));
        let sent = futures_util::future::join_all(sending).await;
        sent.into_iter().collect::<Result<Vec<()>, _>>()?;
        Ok(lines)
    }

    /// Gives up what waited for too long and drops what is old.
    pub async fn tidy(&self) -> Result<(), DomainError> {
        let now = self.clock.now();
        count("dead", self.store.give_up_deliveries(now).await?);
        self.store.drop_deliveries(now - KEPT_FOR).await?;
        metrics::gauge!("plenum_webhook_waiting").set(f64::from(self.store.deliveries_waiting().await?));
        Ok(())
    }

    /// One try, and the note of it. Says whether it was taken.
    async fn try_once(&self, Claimed { delivery, lease }: Claimed) -> Result<bool, DomainError> {
        let begun = std::time::Instant::now();
        let heard = self.carrier.deliver(&delivery, self.clock.now()).await;
        metrics::histogram!("plenum_webhook_seconds").record(begun.elapsed().as_secs_f64());
        let now = self.clock.now();
        match next(&heard, delivery.attempts, rand::random()) {
            Next::Delivered(status) => {
                count("delivered", 1);
                self.store.delivery_taken(delivery.id, &lease, now, status).await?;
                return Ok(true);
            }
            Next::Later(pause) => {
                count("put_off", 1);
                self.store.delivery_later(delivery.id, &lease, now + pause, &in_vain(&heard)).await?;
            }
            Next::Dead => {
                count("dead", 1);
                // What a receiver says and where it is may be private: the list of deliveries has it, not the log.
                tracing::warn!(
                    webhook = %delivery.endpoint, delivery = %delivery.id,
                    "a webhook was given up; the list of its deliveries says why"
                );
                self.store.delivery_dead(&delivery, &lease, &in_vain(&heard), false).await?;
            }
            Next::Gone => {
                count("dead", 1);
                tracing::warn!(webhook = %delivery.endpoint, "a webhook answered 410 and is told nothing more");
                self.store.delivery_dead(&delivery, &lease, &in_vain(&heard), true).await?;
            }
        }
        Ok(false)
    }
}

fn lease(word: &str, now: OffsetDateTime) -> Lease<'_> {
    Lease { word, from: now, until: now + LEASE }
}

fn in_vain(heard: &Heard) -> InVain {
    let (status, problem) = match heard {
        Heard::Answer { status, .. } => (Some(*status), format!("the answer was {status}")),
        Heard::Nothing(problem) => (None, problem.chars().take(PROBLEM_CHARS_MAX).collect()),
    };
    InVain { status, problem }
}

fn count(result: &'static str, deliveries: u64) {
    metrics::counter!("plenum_webhook_deliveries_total", "result" => result).increment(deliveries);
}
