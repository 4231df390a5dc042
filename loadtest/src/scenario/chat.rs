//! A chat in which everybody writes in turn, and everybody must hear everything, themselves too.

use crate::bot::Bot;
use std::time::{Duration, Instant};

/// Longest silence while messages are still due.
const SILENCE_MAX: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(20);

/// What was written, up to the first message that could not be sent; why that one could not, in words.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub messages: u64,
    pub failure: Option<String>,
}

/// Writes so many messages a second for as long.
pub(super) async fn write(bots: &[(usize, Bot)], per_second: f64, duration: Duration) -> Written {
    let count = (per_second * duration.as_secs_f64()).round() as u64;
    let start = Instant::now();
    let say = async |number: u64| {
        let at = start + Duration::from_secs_f64(number as f64 / per_second);
        tokio::time::sleep_until(at.into()).await;
        let (_, bot) = &bots[number as usize % bots.len()];
        bot.say_the_time().await.map_err(|error| error.to_string())
    };
    write_each(if bots.is_empty() { 0 } else { count }, say).await
}

async fn write_each(count: u64, say: impl AsyncFn(u64) -> Result<(), String>) -> Written {
    for number in 0..count {
        if let Err(error) = say(number).await {
            let failure = Some(format!("chat message {number}: {error}"));
            return Written { messages: number, failure };
        }
    }
    Written { messages: count, failure: None }
}

/// Waits until everybody has heard so many messages, or nobody hears anything any more.
pub(super) async fn hear_out(bots: &[(usize, Bot)], sent: u64) {
    let (mut heard, mut heard_at) = (0, Instant::now());
    while heard < sent * bots.len() as u64 && heard_at.elapsed() < SILENCE_MAX {
        let now = bots.iter().map(|(_, bot)| bot.heard()).sum();
        if now > heard {
            (heard, heard_at) = (now, Instant::now());
        }
        tokio::time::sleep(POLL).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_before_one_that_is_refused_were_written() {
        let say = async |number| if number == 3 { Err("too fast".to_owned()) } else { Ok(()) };
        let failure = Some("chat message 3: too fast".to_owned());
        assert_eq!(write_each(5, say).await, Written { messages: 3, failure });
        assert_eq!(write_each(2, say).await, Written { messages: 2, failure: None });
    }
}
