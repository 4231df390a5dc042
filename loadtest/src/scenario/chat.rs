//! A chat in which everybody writes in turn, and everybody must hear everything, themselves too.

use crate::bot::Bot;
use std::time::{Duration, Instant};

/// Longest silence while messages are still due.
const SILENCE_MAX: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// Writes so many messages a second for as long, and says how many it were.
///
/// # Errors
/// The first message that could not be sent.
pub(super) async fn write(bots: &[Bot], per_second: f64, duration: Duration) -> Result<u64, String> {
    let count = (per_second * duration.as_secs_f64()).round() as u64;
    let start = Instant::now();
    for (number, bot) in (0..count).zip(bots.iter().cycle()) {
        let at = start + Duration::from_secs_f64(number as f64 / per_second);
        tokio::time::sleep_until(at.into()).await;
        bot.say_the_time().await.map_err(|error| format!("chat message {number}: {error}"))?;
    }
    Ok(count)
}

/// Waits until everybody has heard so many messages, or nobody hears anything any more.
pub(super) async fn hear_out(bots: &[Bot], sent: u64) {
    let (mut heard, mut heard_at) = (0, Instant::now());
    while heard < sent * bots.len() as u64 && heard_at.elapsed() < SILENCE_MAX {
        let now = bots.iter().map(Bot::heard).sum();
        if now > heard {
            (heard, heard_at) = (now, Instant::now());
        }
        tokio::time::sleep(POLL).await;
    }
}
