//! A bot's ear for the signalling: subscribes to what is there and to what comes, and counts what is said in the chat.

use super::{BotError, in_transport, receiver::Receiver};
use crate::{
    histogram::Histogram,
    media::RunClock,
    signal::{News, RemoteProducer, Session},
};
use plenum_shared::{
    media::{Kind, PictureSize},
    rtp::RtpCapabilities,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Instant,
};
use tokio::sync::mpsc;
use uuid::Uuid;

/// Begins our chat messages; the time of sending follows.
const MARK: &str = "load ";

pub(super) fn said_at(ns: u64) -> String {
    format!("{MARK}{ns}")
}

/// Chat messages of bots, and how long they were under way.
#[derive(Clone, Debug, Default)]
pub struct ChatHeard {
    pub fan_out: Histogram,
}

impl ChatHeard {
    pub fn heard(&self) -> u64 {
        self.fan_out.count()
    }

    /// What somebody else wrote is not counted.
    fn note(&mut self, text: &str, at: Instant, clock: RunClock) {
        if let Some(said_at) = text.strip_prefix(MARK).and_then(|ns| ns.parse::<u64>().ok()) {
            self.fan_out.record(clock.ns(at).saturating_sub(said_at));
        }
    }
}

/// What was noted on the way.
#[derive(Debug, Default)]
pub(super) struct Noted {
    pub chat: ChatHeard,
    troubles: Vec<String>,
    /// Subscriptions that were refused, by their producers. That is no fault when it turns out that the track was gone by then.
    refused: HashMap<Uuid, Refused>,
}

#[derive(Debug)]
struct Refused {
    /// Whose track it was.
    participant: Uuid,
    words: String,
}

impl Noted {
    pub(super) fn finish(self) -> (ChatHeard, Vec<String>) {
        let refused = self.refused.into_values().map(|refused| refused.words);
        (self.chat, self.troubles.into_iter().chain(refused).collect())
    }

    fn track_is_gone(&mut self, producer: Uuid) {
        self.refused.remove(&producer);
    }

    /// Of somebody who leaves not every track is said to be gone.
    fn publisher_is_gone(&mut self, participant: Uuid) {
        self.refused.retain(|_, refused| refused.participant != participant);
    }
}

/// How a bot subscribes.
pub(super) struct Subscriber {
    pub session: Session,
    pub transport: Uuid,
    pub receiver: Arc<Receiver>,
    pub capabilities: RtpCapabilities,
    pub shown_at: Option<PictureSize>,
}

/// See the module.
pub(super) struct Listener {
    /// None for a bot that watches nobody.
    subscriber: Option<Subscriber>,
    clock: RunClock,
    /// A producer may be both in the list of a join and in the news right after it.
    known: HashSet<Uuid>,
    noted: Arc<Mutex<Noted>>,
}

impl Listener {
    pub(super) fn new(subscriber: Option<Subscriber>, clock: RunClock, noted: Arc<Mutex<Noted>>) -> Self {
        Self { subscriber, clock, known: HashSet::new(), noted }
    }

    pub(super) async fn run(mut self, present: Vec<RemoteProducer>, mut news: mpsc::Receiver<News>) {
        for remote in present {
            self.subscribe(remote).await;
        }
        while let Some(item) = news.recv().await {
            match item {
                News::Published(remote) => self.subscribe(remote).await,
                News::Closed { producer } => self.noted().track_is_gone(producer),
                News::Left { participant } => self.noted().publisher_is_gone(participant),
                News::Said { text, at } => self.noted().chat.note(&text, at, self.clock),
                News::Trouble(words) => self.noted().troubles.push(words),
            }
        }
    }

    async fn subscribe(&mut self, remote: RemoteProducer) {
        let Some(subscriber) = &self.subscriber else { return };
        if !self.known.insert(remote.producer) {
            return;
        }
        let RemoteProducer { participant, producer, .. } = remote;
        if let Err(error) = subscriber.receive(remote).await {
            let words = error.to_string();
            self.noted().refused.insert(producer, Refused { participant, words });
        }
    }

    fn noted(&self) -> std::sync::MutexGuard<'_, Noted> {
        self.noted.lock().expect("nobody panics while holding it")
    }
}

impl Subscriber {
    async fn receive(&self, remote: RemoteProducer) -> Result<(), BotError> {
        let is_video = remote.kind == Kind::Video;
        let consumed = self.session.consume(self.transport, &remote, &self.capabilities).await?;
        let consumer = consumed.consumer_id;
        self.receiver.subscribe(consumed, remote).await.map_err(in_transport("receive"))?;
        if let Some(size) = self.shown_at.filter(|_| is_video) {
            self.session.show(consumer, size).await?;
        }
        self.session.resume(consumer).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_messages_of_bots_are_counted() {
        let clock = RunClock::start();
        let mut chat = ChatHeard::default();
        chat.note(&said_at(5), Instant::now(), clock);
        chat.note("hello", Instant::now(), clock);
        chat.note("load of trouble", Instant::now(), clock);
        assert_eq!(chat.heard(), 1);
        assert!(chat.fan_out.max_ns() > 0);
    }

    #[test]
    fn a_refusal_is_forgiven_when_the_track_or_its_publisher_was_gone() {
        let [closed, left, there] = [1, 2, 3].map(Uuid::from_u128);
        let [stays, leaves] = [4, 5].map(Uuid::from_u128);
        let mut noted = Noted::default();
        let all = [(closed, stays, "no such producer"), (left, leaves, "nobody"), (there, stays, "refused")];
        for (producer, participant, words) in all {
            noted.refused.insert(producer, Refused { participant, words: words.into() });
        }
        noted.track_is_gone(closed);
        noted.publisher_is_gone(leaves);
        assert_eq!(noted.finish().1, ["refused"]);
    }
}
