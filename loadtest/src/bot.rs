//! One bot: joins, publishes its tracks, subscribes to everybody else's, and says at the end what it saw.

use crate::{
    media::Track,
    parameters::{self, Announcement},
    peer::{Peer, PeerError, PeerRecord, PeerSettings, Progress, Sent},
    signal::{Joined, News, RemoteProducer, Session, SignalError},
};
use plenum_shared::{media::Direction, rtp::RtpCapabilities};
use rand::{SeedableRng, rngs::SmallRng};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Instant,
};
use thiserror::Error;
use tokio::{sync::mpsc, task::JoinHandle};
use uuid::Uuid;

#[derive(Debug, Error)]
pub enum BotError {
    #[error("{0}")]
    Signal(#[from] SignalError),
    #[error("{transport} transport: {error}")]
    Peer { transport: &'static str, error: PeerError },
    #[error("the room does not offer {0}")]
    Codec(&'static str),
}

/// A bot in a meeting.
#[derive(Debug)]
pub struct Bot {
    session: Session,
    send: Peer,
    receive: Arc<Peer>,
    connected_at: Instant,
    found_media: bool,
    subscriber: JoinHandle<()>,
    troubles: Arc<Mutex<Vec<String>>>,
}

/// What a bot saw.
#[derive(Debug)]
pub struct BotRecord {
    pub connected_at: Instant,
    /// Somebody published already when it came: its join time is the server's and not the wait for the next to come.
    pub found_media: bool,
    pub send: PeerRecord,
    pub receive: PeerRecord,
    /// Everything that went wrong on the way, in words.
    pub troubles: Vec<String>,
}

impl Bot {
    /// Sets up both transports, publishes the tracks and starts to subscribe.
    ///
    /// # Errors
    /// The first step that failed; later ones are collected as troubles.
    pub async fn enter(joined: Joined, tracks: Vec<Track>, settings: PeerSettings) -> Result<Self, BotError> {
        let Joined { session, capabilities, present, news, connected_at } = joined;
        let found_media = !present.is_empty();
        let payload_types = parameters::subscriber_payload_types(&capabilities).map_err(BotError::Codec)?;
        let config =
            parameters::configure(payload_types, parameters::subscriber_extension_map(&capabilities));
        let (receive_id, receive) = connect(&session, Direction::Recv, config, settings).await?;
        let receive = Arc::new(receive);

        let troubles = Arc::new(Mutex::new(Vec::new()));
        let subscriber = Subscriber {
            session: session.clone(),
            transport: receive_id,
            peer: receive.clone(),
            capabilities: parameters::subscriber_capabilities(&capabilities),
            known: HashSet::new(),
            troubles: troubles.clone(),
        };
        let subscriber = tokio::spawn(subscriber.run(present, news));

        let config = parameters::configure(parameters::PUBLISHER, parameters::publisher_extension_map());
        let (send_id, mut send) = connect(&session, Direction::Send, config, settings).await?;
        let mut random = SmallRng::seed_from_u64(settings.seed);
        let cname = format!("bot-{:x}", settings.seed);
        let mut announced = Vec::new();
        for (index, track) in tracks.into_iter().enumerate() {
            let announcement = Announcement::new(&track, &index.to_string(), &cname, &mut random);
            announced.push((track, announcement));
        }
        // Media waits for the transport, as in a browser, but announcing it does not.
        for (track, announcement) in announced {
            let parameters = announcement.parameters.clone();
            let producer = session.produce(send_id, track.kind(), track.source(), parameters).await?;
            send.publish(track, announcement, producer).await.map_err(in_transport("send"))?;
        }
        send.connected().await.map_err(in_transport("send"))?;
        Ok(Self { session, send, receive, connected_at, found_media, subscriber, troubles })
    }

    /// Where the subscriptions stand; with what was sent, also how much is missing.
    pub async fn progress(&self, sent: Option<Sent>) -> Result<Progress, BotError> {
        self.receive.progress(sent).await.map_err(in_transport("receive"))
    }

    pub async fn stop_publishing(&self) -> Result<HashMap<Uuid, Vec<u64>>, BotError> {
        self.send.stop_publishing().await.map_err(in_transport("send"))
    }

    /// Troubles so far.
    pub fn troubles(&self) -> Vec<String> {
        self.troubles.lock().expect("nobody panics while holding the list").clone()
    }

    /// Leaves and tells.
    ///
    /// # Errors
    /// A transport that ended before, whose record is gone with it.
    pub async fn finish(self, sent: Sent) -> Result<BotRecord, BotError> {
        self.subscriber.abort();
        // Its end releases the second handle on the transport.
        let _ = self.subscriber.await;
        let receive = self.receive.finish(sent.clone()).await.map_err(in_transport("receive"))?;
        let send = self.send.finish(sent).await.map_err(in_transport("send"))?;
        let mut troubles =
            std::mem::take(&mut *self.troubles.lock().expect("nobody panics while holding the list"));
        if let Err(error) = self.session.leave().await {
            troubles.push(format!("leaving: {error}"));
        }
        Ok(BotRecord {
            connected_at: self.connected_at,
            found_media: self.found_media,
            send,
            receive,
            troubles,
        })
    }
}

fn in_transport(transport: &'static str) -> impl Fn(PeerError) -> BotError {
    move |error| BotError::Peer { transport, error }
}

async fn connect(
    session: &Session,
    direction: Direction,
    config: str0m::RtcConfig,
    settings: PeerSettings,
) -> Result<(Uuid, Peer), BotError> {
    let name = if direction == Direction::Send { "send" } else { "receive" };
    let offer = session.create_transport(direction).await?;
    let seed = settings.seed.wrapping_mul(2).wrapping_add(u64::from(direction == Direction::Send));
    let peer =
        Peer::connect(&offer, config, PeerSettings { seed, ..settings }).await.map_err(in_transport(name))?;
    session.connect_transport(offer.transport_id, peer.dtls_parameters()).await?;
    Ok((offer.transport_id, peer))
}

/// Subscribes to everything that is there and that comes.
struct Subscriber {
    session: Session,
    transport: Uuid,
    peer: Arc<Peer>,
    capabilities: RtpCapabilities,
    /// A producer may be both in the list of a join and in the news right after it.
    known: HashSet<Uuid>,
    troubles: Arc<Mutex<Vec<String>>>,
}

impl Subscriber {
    async fn run(mut self, present: Vec<RemoteProducer>, mut news: mpsc::Receiver<News>) {
        for remote in present {
            self.subscribe(remote).await;
        }
        while let Some(item) = news.recv().await {
            match item {
                News::Published(remote) => self.subscribe(remote).await,
                News::Closed { producer } => tracing::debug!(%producer, "closed"),
                News::Trouble(words) => self.note(words),
            }
        }
    }

    async fn subscribe(&mut self, remote: RemoteProducer) {
        if !self.known.insert(remote.producer) {
            return;
        }
        if let Err(error) = self.receive(remote).await {
            self.note(error.to_string());
        }
    }

    async fn receive(&self, remote: RemoteProducer) -> Result<(), BotError> {
        let consumed = self.session.consume(self.transport, &remote, &self.capabilities).await?;
        let consumer = consumed.consumer_id;
        self.peer.subscribe(consumed, remote).await.map_err(in_transport("receive"))?;
        self.session.resume(consumer).await?;
        Ok(())
    }

    fn note(&self, words: String) {
        self.troubles.lock().expect("nobody panics while holding the list").push(words);
    }
}
