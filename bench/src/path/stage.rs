//! A real node with one room or many: in each somebody speaks, and as many viewers as asked for watch.

use super::PathError;
use crate::{
    http,
    mode::{Modes, Sampler},
    room::FRAME,
    thread_time::Thread,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use plenum_loadtest::{
    light::{
        Announced, Crowd, CrowdSettings, Delays, MemberId, Outgoing, Server, Snapshot, Spacing, State, Stream,
    },
    media::{AudioTrack, LayerSettings, Track, VideoTrack},
    parameters::{Announcement, PUBLISHER, subscriber_capabilities},
    server::resident_bytes,
    signal::{
        RemoteProducer, Session, TransportOffer,
        node::{LaunchSettings, Node, Room},
    },
};
use plenum_shared::{
    media::{Direction, Kind},
    rtp::{RtpCapabilities, extension_id, router_capabilities},
    transport::{DtlsParameters, DtlsRole, Protocol},
};
use rand::{SeedableRng, rngs::SmallRng};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

/// What the speaker sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// Opus alone.
    Audio,
    /// Opus, and [`VIDEO_BITRATE_BPS`] in frames of five packets.
    AudioAndVideo,
}

impl Media {
    /// Packets of it that each speaker sends in a second, which is what each viewer is due.
    pub fn packets_per_second(self) -> f64 {
        match self {
            Self::Audio => AUDIO_PACKETS,
            Self::AudioAndVideo => AUDIO_PACKETS + VIDEO_PACKETS,
        }
    }
}

/// How the node hands packets to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    Grouped,
    /// One packet a call.
    Single,
}

pub const VIDEO_BITRATE_BPS: u32 = 1_500_000;
/// At this rate a frame of that bitrate is five packets.
pub const FRAMES_PER_SECOND: u32 = 35;
/// Of each speaker in a second.
pub(super) const AUDIO_PACKETS: f64 = 50.0;
pub(super) const VIDEO_PACKETS: f64 = FRAMES_PER_SECOND as f64 * FRAME as f64;

/// For a stage of one room.
pub const ONE_ROOM: usize = usize::MAX;

/// Viewers that are set up at a time.
const JOINING_AT_ONCE: usize = 16;
/// In which everybody must be connected and receive, beyond the time that the many take.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);
/// In which what was sent has arrived, and the node, which does so once a second, has told it.
const HUSH_POLLS: usize = 50;
/// Ids of a publisher's extensions, as its announcement has them.
const PUBLISHER_AUDIO_LEVEL: u8 = 1;
const PUBLISHER_TRANSPORT_WIDE: u8 = 3;
const PUBLISHER_MID: u8 = 4;

/// See the module.
pub struct Stage {
    node: Arc<Node>,
    /// Viewers of a room at most.
    room_size: usize,
    rooms: Vec<Hall>,
    worker: Thread,
    metrics: SocketAddr,
    publisher: Crowd,
    viewers: Crowd,
    capabilities: RtpCapabilities,
    /// What is spoken in every room, once somebody speaks.
    spoken: Option<Media>,
    /// Where the node receives media, once somebody is there.
    address: Option<SocketAddr>,
    seats: Vec<Seat>,
}

/// A room and what its speaker publishes, once there is one.
struct Hall {
    room: Arc<Room>,
    published: Vec<RemoteProducer>,
}

/// A viewer's place.
struct Seat {
    /// Which of the rooms.
    room: usize,
    session: Session,
    transport: uuid::Uuid,
    member: MemberId,
    watches: bool,
}

/// The node and its viewers at one moment.
#[derive(Clone, Debug)]
pub struct Reading {
    pub at: Instant,
    /// CPU time of the worker's thread.
    pub spent: Duration,
    pub viewers: Snapshot,
}

impl Stage {
    /// Starts the node; nobody is there yet. One packet in `sample` is opened by each viewer. More viewers than `room_size` are
    /// in several rooms.
    pub async fn open(
        program: &Path,
        sending: Sending,
        room_size: usize,
        sample: u32,
    ) -> Result<Self, PathError> {
        let settings = LaunchSettings {
            program: program.to_owned(),
            workers: 1,
            listen: Ipv4Addr::LOCALHOST.into(),
            log: "error".into(),
        };
        let further: &[(&str, &str)] =
            if sending == Sending::Single { &[("SFU_SEND", "single")] } else { &[] };
        let node = Node::launch_with(&settings, further).await?;
        let process = node.pid().ok_or(PathError::Gone("the node"))?;
        let worker = named(process, "worker-0").await?;
        let metrics = node.http_address().parse().map_err(|_| PathError::Gone("the node's metrics"))?;
        let crowd = CrowdSettings {
            transport_wide: extension_id::TRANSPORT_WIDE_CC,
            sample,
            ..CrowdSettings::default()
        };
        Ok(Self {
            node,
            room_size,
            rooms: Vec::new(),
            worker,
            metrics,
            publisher: Crowd::start(crowd)?,
            viewers: Crowd::start(crowd)?,
            capabilities: subscriber_capabilities(&router_capabilities()),
            spoken: None,
            address: None,
            seats: Vec::new(),
        })
    }

    /// What is spoken; nothing is due to anybody before.
    pub fn packets_due_per_second(&self) -> f64 {
        self.spoken.map_or(0.0, Media::packets_per_second) * self.seats.len() as f64
    }

    /// In every room somebody speaks from now on, in those to come too.
    pub async fn speak(&mut self, media: Media) -> Result<(), PathError> {
        self.spoken = Some(media);
        if self.rooms.is_empty() {
            self.build().await?;
        }
        for place in 0..self.rooms.len() {
            if self.rooms[place].published.is_empty() {
                self.speak_in(place, media).await?;
            }
        }
        until(|| all_connected(&self.publisher.look()?)).await
    }

    /// One more room.
    async fn build(&mut self) -> Result<(), PathError> {
        let room = Room::create(&self.node).await?;
        self.rooms.push(Hall { room, published: Vec::new() });
        Ok(())
    }

    async fn speak_in(&mut self, place: usize, media: Media) -> Result<(), PathError> {
        let announced = self.publisher.announce();
        let (session, offer) = enter(&self.rooms[place].room, &announced, Direction::Send).await?;
        let server = server(&offer)?;
        self.address = Some(server.address);
        let member = self.publisher.add(announced, server)?;
        let mut random = SmallRng::seed_from_u64(1);
        for (number, track) in tracks(media).into_iter().enumerate() {
            let mid = number.to_string();
            let announcement = Announcement::new(&track, &mid, "speaker", &mut random);
            let (kind, source) = (track.kind(), track.source());
            let parameters = announcement.parameters.clone();
            let producer = session.produce(offer.transport_id, kind, source, parameters).await?;
            let published = RemoteProducer { participant: uuid::Uuid::nil(), producer, kind, source };
            self.rooms[place].published.push(published);
            let ssrc = announcement.layers.first().ok_or(PathError::Gone("the announced layer"))?.main;
            let outgoing = Outgoing {
                payload_type: if kind == Kind::Audio { PUBLISHER.opus } else { PUBLISHER.vp8 },
                audio_level: (kind == Kind::Audio).then_some(PUBLISHER_AUDIO_LEVEL),
                track,
                ssrc,
                mid: Some((PUBLISHER_MID, mid)),
                transport_wide: Some(PUBLISHER_TRANSPORT_WIDE),
                spacing: Spacing::Burst,
            };
            self.publisher.send(member, outgoing);
        }
        Ok(())
    }

    /// Lets people in until there are so many; they are connected when it returns, and receive nothing.
    pub async fn seat(&mut self, people: usize) -> Result<(), PathError> {
        while self.rooms.len() < people.div_ceil(self.room_size) {
            self.build().await?;
        }
        if let Some(media) = self.spoken {
            self.speak(media).await?;
        }
        let (rooms, room_size, viewers) = (&self.rooms, self.room_size, &self.viewers);
        let mut entering = stream::iter(self.seats.len()..people)
            .map(|number| async move {
                let (announced, room) = (viewers.announce(), number / room_size);
                let (session, offer) = enter(&rooms[room].room, &announced, Direction::Recv).await?;
                Ok::<_, PathError>((announced, room, session, offer))
            })
            .buffered(JOINING_AT_ONCE);
        let mut entered = Vec::new();
        while let Some(one) = entering.next().await {
            entered.push(one?);
        }
        drop(entering);
        for (announced, room, session, offer) in entered {
            let member = self.viewers.add(announced, server(&offer)?)?;
            let transport = offer.transport_id;
            self.seats.push(Seat { room, session, transport, member, watches: false });
            // Handshakes cost both sides a millisecond: those who came first are not to give up while the last come.
            if self.seats.len().is_multiple_of(JOINING_AT_ONCE) {
                until(|| all_connected(&self.viewers.look()?)).await?;
            }
        }
        until(|| all_connected(&self.viewers.look()?)).await
    }

    /// Everybody watches, and something has come to each when it returns.
    pub async fn watch(&mut self) -> Result<(), PathError> {
        let (rooms, capabilities, viewers) = (&self.rooms, &self.capabilities, &self.viewers);
        stream::iter(self.seats.iter_mut().filter(|seat| !seat.watches))
            .map(|seat| async {
                for producer in &rooms[seat.room].published {
                    let consumed = seat.session.consume(seat.transport, producer, capabilities).await?;
                    let ssrc = consumed.rtp_parameters.encodings.first().and_then(|it| it.ssrc);
                    let ssrc = ssrc.ok_or(PathError::Gone("the SSRC of a subscription"))?;
                    viewers.expect(seat.member, Stream { ssrc, kind: consumed.kind });
                    seat.session.resume(consumed.consumer_id).await?;
                }
                seat.watches = true;
                Ok::<(), PathError>(())
            })
            .buffer_unordered(JOINING_AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
        until(|| Ok(self.viewers.look()?.members.iter().all(|it| it.received.packets > 0))).await
    }

    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    pub fn people(&self) -> usize {
        self.seats.len()
    }

    pub fn read(&self) -> Result<Reading, PathError> {
        let viewers = self.viewers.look()?;
        Ok(Reading { at: viewers.at, spent: self.worker.spent()?, viewers })
    }

    /// In which mode the worker's thread runs in the time that comes.
    pub async fn modes(&self, time: Duration) -> io::Result<Modes> {
        let sampler = Sampler::start(&self.worker)?;
        tokio::time::sleep(time).await;
        Ok(sampler.modes())
    }

    /// Where the node receives media, once somebody speaks.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Memory of the process, in bytes.
    pub fn memory(&self) -> u64 {
        resident_bytes(self.worker.process)
    }

    /// Nobody speaks any more. Returns what the node says it sent and what came to viewers, of all RTP packets.
    pub async fn hush(self) -> Result<(u64, u64), PathError> {
        let Self { node, rooms, metrics, publisher, viewers, seats, .. } = self;
        drop(publisher);
        let mut told = (0, 0);
        for _ in 0..HUSH_POLLS {
            tokio::time::sleep(POLL).await;
            let sent = http::metric(&http::get(metrics, "/metrics")?, "plenum_sfu_rtp_sent_total") as u64;
            let came = viewers.look()?.members;
            let received = came.iter().map(|it| it.received.packets + it.received.other_packets).sum();
            told = (sent, received);
            if sent == received {
                break;
            }
        }
        drop(viewers);
        drop(seats);
        for hall in rooms {
            hall.room.close().await?;
        }
        drop(node);
        Ok(told)
    }
}

impl Reading {
    /// Packets of the speaker's streams that came to viewers, and the bytes of them.
    pub fn received(&self) -> (u64, u64) {
        let members = self.viewers.members.iter().map(|it| (it.received.packets, it.received.bytes));
        members.fold((0, 0), |sum, it| (sum.0 + it.0, sum.1 + it.1))
    }

    /// Packets of those streams that did not come.
    pub fn missing(&self) -> u64 {
        self.viewers.members.iter().map(|it| it.received.missing).sum()
    }

    /// Opened packets that were not authentic, or not the speaker's.
    pub fn wrong(&self) -> u64 {
        self.viewers.members.iter().map(|it| it.received.unauthentic + it.received.strange).sum()
    }

    /// Of packets opened after `earlier`.
    pub fn delays_since(&self, earlier: &Self) -> Delays {
        let (now, then) = (&self.viewers.delays, &earlier.viewers.delays);
        Delays { audio: now.audio.since(&then.audio), video: now.video.since(&then.video) }
    }
}

/// The thread of this name, which it has a moment after it is there.
async fn named(process: u32, name: &str) -> Result<Thread, PathError> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match Thread::named(process, name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && Instant::now() < deadline => {
                tokio::time::sleep(POLL).await;
            }
            found => return Ok(found?),
        }
    }
}

/// A session with a transport that knows whose certificate to expect.
async fn enter(
    room: &Arc<Room>,
    announced: &Announced,
    direction: Direction,
) -> Result<(Session, TransportOffer), PathError> {
    let session = room.join().session;
    let offer = session.create_transport(direction).await?;
    let dtls = DtlsParameters { role: DtlsRole::Client, fingerprints: vec![announced.fingerprint.clone()] };
    session.connect_transport(offer.transport_id, dtls).await?;
    Ok((session, offer))
}

fn server(offer: &TransportOffer) -> Result<Server, PathError> {
    let candidate = offer.ice_candidates.iter().find(|it| it.protocol == Protocol::Udp);
    let candidate = candidate.ok_or(PathError::Gone("the UDP candidate"))?;
    Ok(Server {
        address: SocketAddr::new(candidate.ip, candidate.port),
        ice: offer.ice_parameters.clone(),
        fingerprints: offer.dtls_parameters.fingerprints.clone(),
        member_is_client: true,
    })
}

fn tracks(media: Media) -> Vec<Track> {
    let audio = Track::Audio(AudioTrack::new(0, 1, 7));
    let layer = LayerSettings { bitrate_bps: VIDEO_BITRATE_BPS, width: 1280, height: 720 };
    match media {
        Media::Audio => vec![audio],
        Media::AudioAndVideo => vec![audio, Track::Video(VideoTrack::new(FRAMES_PER_SECOND, &[layer], 7))],
    }
}

/// # Errors
/// A member that gave up.
fn all_connected(snapshot: &Snapshot) -> Result<bool, PathError> {
    for member in &snapshot.members {
        if let State::Failed(reason) = &member.state {
            return Err(PathError::NotConnected(reason.clone()));
        }
    }
    Ok(snapshot.members.iter().all(|it| it.state == State::Connected))
}

/// Waits until it is so.
async fn until(is_so: impl Fn() -> Result<bool, PathError>) -> Result<(), PathError> {
    let deadline = Instant::now() + PATIENCE;
    while !is_so()? {
        if Instant::now() > deadline {
            return Err(PathError::NotConnected(format!("not everybody is there after {PATIENCE:?}")));
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}
