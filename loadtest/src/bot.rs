//! One bot: joins, publishes its tracks, subscribes to everybody else's, and says at the end what it saw.

mod lights;
mod listener;
mod receiver;

pub use lights::{Lights, SAMPLE};
pub use listener::ChatHeard;
pub use receiver::LightRecord;

use crate::{
    media::Track,
    monitor::Monitor,
    parameters::{self, Announcement},
    peer::{Peer, PeerError, PeerRecord, PeerSettings, Progress, Sent},
    signal::{Joined, Session, SignalError},
};
use listener::{Listener, Noted, Subscriber};
use plenum_shared::{
    media::{Direction, PictureSize},
    rtp::RtpCapabilities,
};
use rand::{SeedableRng, rngs::SmallRng};
use receiver::Receiver;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};
use thiserror::Error;
use tokio::task::JoinHandle;
use uuid::Uuid;

/// Where packets are lost, a DTLS client repeats itself after 1, 3, 7 and 15 seconds.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);

#[derive(Debug, Error)]
pub enum BotError {
    #[error("{0}")]
    Signal(#[from] SignalError),
    #[error("{transport} transport: {error}")]
    Peer { transport: &'static str, error: PeerError },
    #[error("the room does not offer {0}")]
    Codec(&'static str),
}

/// What a bot does in the room.
#[derive(Debug)]
pub struct Part {
    /// What it publishes.
    pub tracks: Vec<Track>,
    /// Subscribes to everybody else.
    pub watches: bool,
    /// Says that each picture is shown at this size.
    pub shown_at: Option<PictureSize>,
    /// Receives as one of these; `None`: with a whole transport of its own.
    pub lights: Option<Arc<Lights>>,
}

/// A bot in a meeting.
#[derive(Debug)]
pub struct Bot {
    session: Session,
    send: Option<Peer>,
    receive: Option<Arc<Receiver>>,
    connected_at: Instant,
    entered_at: Instant,
    found_media: bool,
    listener: Listening,
    noted: Arc<Mutex<Noted>>,
    settings: PeerSettings,
    _presence: Presence,
}

/// The task that listens. It holds a transport and a place in the room, so it must not outlive its bot.
#[derive(Debug)]
struct Listening(JoinHandle<()>);

impl Listening {
    /// Its end releases the second handle on the transport.
    async fn end(mut self) {
        self.0.abort();
        let _ = (&mut self.0).await;
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Counts a bot among the people who are in, for as long as it is there.
#[derive(Debug)]
struct Presence(Arc<Monitor>);

impl Presence {
    fn begin(monitor: &Arc<Monitor>) -> Self {
        monitor.someone_came();
        Self(monitor.clone())
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.0.someone_left();
    }
}

/// What a bot saw.
#[derive(Debug)]
pub struct BotRecord {
    pub connected_at: Instant,
    /// Everything was set up that it publishes and receives with.
    pub entered_at: Instant,
    /// Somebody published already when it came: its join time is the server's and not the wait for the next to come.
    pub found_media: bool,
    pub send: PeerRecord,
    /// Empty of who received lightly.
    pub receive: PeerRecord,
    pub light: Option<LightRecord>,
    pub chat: ChatHeard,
    /// Everything that went wrong on the way, in words.
    pub troubles: Vec<String>,
}

impl Bot {
    /// Sets up the transports it needs, publishes the tracks and starts to subscribe.
    ///
    /// # Errors
    /// The first step that failed, after which it has left again; later ones are collected as troubles.
    pub async fn enter(joined: Joined, part: Part, settings: PeerSettings) -> Result<Self, BotError> {
        let session = joined.session.clone();
        let entered = Self::set_up(joined, part, settings).await;
        if entered.is_err() {
            // What kept it from entering says more than what may keep it from leaving.
            let _ = session.leave().await;
        }
        entered
    }

    async fn set_up(joined: Joined, part: Part, settings: PeerSettings) -> Result<Self, BotError> {
        let Joined { session, capabilities, present, news, connected_at } = joined;
        let found_media = !present.is_empty();
        let noted = Arc::<Mutex<Noted>>::default();
        let mut receive = None;
        let mut subscriber = None;
        if part.watches {
            let (transport, receiver) = match &part.lights {
                Some(lights) => {
                    let (transport, seat) = lights.connect(&session, &capabilities).await?;
                    (transport, Receiver::Light(seat))
                }
                None => connect_receiver(&session, &capabilities, &settings).await?,
            };
            let receiver = Arc::new(receiver);
            receive = Some(receiver.clone());
            let (session, shown_at) = (session.clone(), part.shown_at);
            let capabilities = parameters::subscriber_capabilities(&capabilities);
            subscriber = Some(Subscriber { session, transport, receiver, capabilities, shown_at });
        }
        let listener = Listener::new(subscriber, settings.clock, noted.clone());
        let listener = Listening(tokio::spawn(listener.run(present, news)));
        let send = match part.tracks {
            tracks if tracks.is_empty() => None,
            tracks => Some(publish(&session, tracks, &settings).await?),
        };
        let entered_at = Instant::now();
        let _presence = Presence::begin(&settings.monitor);
        Ok(Self {
            session,
            send,
            receive,
            connected_at,
            entered_at,
            found_media,
            listener,
            noted,
            settings,
            _presence,
        })
    }

    /// Where the subscriptions stand; with what was sent, also how much is missing.
    pub async fn progress(&self, sent: Option<Sent>) -> Result<Progress, BotError> {
        match &self.receive {
            Some(receive) => receive.progress(sent).await,
            None => Ok(Progress::default()),
        }
    }

    pub async fn stop_publishing(&self) -> Result<HashMap<Uuid, Vec<u64>>, BotError> {
        match &self.send {
            Some(send) => send.stop_publishing().await.map_err(in_transport("send")),
            None => Ok(HashMap::new()),
        }
    }

    /// Says the time to everybody in the chat.
    ///
    /// # Errors
    /// A connection that is gone.
    pub async fn say_the_time(&self) -> Result<(), SignalError> {
        self.session.say(&listener::said_at(self.settings.clock.ns(Instant::now()))).await
    }

    /// Chat messages of bots that it has heard so far.
    pub fn heard(&self) -> u64 {
        self.noted.lock().expect("nobody panics while holding it").chat.heard()
    }

    /// Leaves and tells.
    ///
    /// # Errors
    /// A transport that ended before, whose record is gone with it. The bot has left all the same.
    pub async fn finish(self, sent: Sent) -> Result<BotRecord, BotError> {
        let Self { session, send, receive, connected_at, entered_at, found_media, listener, noted, .. } =
            self;
        listener.end().await;
        let received = match receive {
            Some(receive) => receive.finish(sent.clone()).await,
            None => Ok((PeerRecord::default(), None)),
        };
        let sent = match send {
            Some(send) => send.finish(sent).await.map_err(in_transport("send")),
            None => Ok(PeerRecord::default()),
        };
        let left = session.leave().await;
        let ((receive, light), send) = (received?, sent?);
        let noted = std::mem::take(&mut *noted.lock().expect("nobody panics while holding it"));
        let (chat, mut troubles) = noted.finish();
        if let Err(error) = left {
            troubles.push(format!("leaving: {error}"));
        }
        Ok(BotRecord { connected_at, entered_at, found_media, send, receive, light, chat, troubles })
    }
}

fn in_transport(transport: &'static str) -> impl Fn(PeerError) -> BotError {
    move |error| BotError::Peer { transport, error }
}

async fn connect_receiver(
    session: &Session,
    capabilities: &RtpCapabilities,
    settings: &PeerSettings,
) -> Result<(Uuid, Receiver), BotError> {
    let payload_types = parameters::subscriber_payload_types(capabilities).map_err(BotError::Codec)?;
    let config = parameters::configure(payload_types, parameters::subscriber_extension_map(capabilities));
    let (transport, peer) = connect(session, Direction::Recv, config, settings).await?;
    Ok((transport, Receiver::Whole(peer)))
}

/// Announces the tracks and sends them as soon as the transport is up.
async fn publish(session: &Session, tracks: Vec<Track>, settings: &PeerSettings) -> Result<Peer, BotError> {
    let config = parameters::configure(parameters::PUBLISHER, parameters::publisher_extension_map());
    let (transport, mut send) = connect(session, Direction::Send, config, settings).await?;
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
        let producer = session.produce(transport, track.kind(), track.source(), parameters).await?;
        send.publish(track, announcement, producer).await.map_err(in_transport("send"))?;
    }
    send.connected(CONNECT_TIMEOUT).await.map_err(in_transport("send"))?;
    Ok(send)
}

async fn connect(
    session: &Session,
    direction: Direction,
    config: str0m::RtcConfig,
    settings: &PeerSettings,
) -> Result<(Uuid, Peer), BotError> {
    let name = if direction == Direction::Send { "send" } else { "receive" };
    let offer = session.create_transport(direction).await?;
    let seed = settings.seed.wrapping_mul(2).wrapping_add(u64::from(direction == Direction::Send));
    let settings = PeerSettings { seed, ..settings.clone() };
    let peer = Peer::connect(&offer, config, settings).await.map_err(in_transport(name))?;
    session.connect_transport(offer.transport_id, peer.dtls_parameters()).await?;
    Ok((offer.transport_id, peer))
}
