//! The loop of one transport: socket, str0m, tracks and clock in, datagrams out.

use super::{
    Command, PeerCounts, PeerRecord, PeerSettings, PeerState, Progress, STATS_INTERVAL, Sent,
    publish::Publication,
    subscribe::{Outcome, Subscription},
};
use crate::{
    histogram::Histogram,
    media::MediaPacket,
    monitor::{HAND_OVER, Meter, Standing},
    network::Way,
    parameters::PayloadTypes,
    server::socket_drops,
    wire::WireWatch,
};
use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use str0m::{
    Event, Input, Output, Rtc,
    media::{Mid, Rid},
    net::{Protocol, Receive},
    rtp::Ssrc,
};
use tokio::{
    net::UdpSocket,
    sync::{mpsc, watch},
};

/// Largest datagram read: more than any path carries.
const DATAGRAM_MAX: usize = 2048;
/// Datagrams read before timers get their turn.
const BATCH: usize = 128;

type Datagram = (SocketAddr, Vec<u8>);

pub(super) struct Task {
    rtc: Rtc,
    socket: UdpSocket,
    local: SocketAddr,
    settings: PeerSettings,
    state: watch::Sender<PeerState>,
    publications: Vec<Publication>,
    subscriptions: HashMap<Ssrc, Subscription>,
    up: Way<Datagram>,
    down: Way<Datagram>,
    wire: WireWatch,
    counts: PeerCounts,
    meter: Arc<Meter>,
    /// Of packets received, and of packets sent after their time, since they were last handed over.
    delays: Histogram,
    lateness: Histogram,
    hand_over_at: Instant,
    /// NACKs sent and received as str0m last said for each stream.
    nacks: HashMap<(Mid, Option<Rid>), (u64, u64)>,
    timeout_at: Instant,
    due: Vec<MediaPacket>,
    buffer: Vec<u8>,
}

impl Task {
    pub(super) fn new(
        rtc: Rtc,
        socket: UdpSocket,
        local: SocketAddr,
        settings: PeerSettings,
        state: watch::Sender<PeerState>,
    ) -> Self {
        let now = Instant::now();
        Self {
            meter: settings.monitor.meter(),
            delays: Histogram::default(),
            lateness: Histogram::default(),
            hand_over_at: now + HAND_OVER,
            rtc,
            socket,
            local,
            state,
            publications: Vec::new(),
            subscriptions: HashMap::new(),
            up: Way::new(settings.conditions, settings.seed),
            down: Way::new(settings.conditions, settings.seed.wrapping_add(1)),
            wire: WireWatch::default(),
            counts: PeerCounts::default(),
            nacks: HashMap::new(),
            timeout_at: now,
            due: Vec::new(),
            buffer: vec![0; DATAGRAM_MAX],
            settings,
        }
    }

    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        self.drain(Instant::now());
        loop {
            let wake_at = self.wake_at();
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Finish { sent, reply }) => {
                        // The asker may be gone; then nobody reads the record.
                        let _ = reply.send(self.finish(&sent));
                        return;
                    }
                    Some(command) => self.obey(command),
                    None => return,
                },
                readable = self.socket.readable() => match readable {
                    Ok(()) => self.read(),
                    Err(error) => self.end(&error.to_string()),
                },
                () = tokio::time::sleep_until(wake_at.into()) => {}
            }
            self.tick(Instant::now());
        }
    }

    fn wake_at(&self) -> Instant {
        let media = self.publications.iter().filter_map(Publication::next_at);
        let network = self.up.next_at().into_iter().chain(self.down.next_at());
        media.chain(network).fold(self.timeout_at, Instant::min)
    }

    /// Everything whose time has come.
    fn tick(&mut self, now: Instant) {
        while let Some((source, bytes)) = self.down.leave(now) {
            self.receive(now, source, &bytes);
        }
        let mut published = false;
        for publication in &mut self.publications {
            if let Some(due_at) = publication.next_at().filter(|at| *at <= now) {
                published = true;
                self.lateness.record((now - due_at).as_nanos() as u64);
                publication.poll(&mut self.rtc, now, self.settings.clock, &mut self.due, &self.meter);
            }
        }
        if published || self.timeout_at <= now {
            self.handle(Input::Timeout(now), now);
        }
        while let Some((destination, bytes)) = self.up.leave(now) {
            self.transmit(destination, &bytes);
        }
        if self.hand_over_at <= now {
            self.hand_over_at = now + HAND_OVER;
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let mut standing = Standing::default();
        self.subscriptions.values_mut().for_each(|subscription| subscription.stand(&mut standing));
        self.meter.stand(standing);
        self.settings.monitor.hand_over(&mut self.delays, &mut self.lateness);
    }

    fn read(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        for _ in 0..BATCH {
            let Ok((len, source)) = self.socket.try_recv_from(&mut buffer) else { break };
            let now = Instant::now();
            self.counts.datagrams_received += 1;
            self.counts.bytes_received += len as u64;
            if self.down.is_clear() {
                self.receive(now, source, &buffer[..len]);
            } else {
                self.down.enter(now, len, (source, buffer[..len].to_vec()));
            }
        }
        self.buffer = buffer;
    }

    fn receive(&mut self, now: Instant, source: SocketAddr, bytes: &[u8]) {
        self.wire.record(bytes);
        if let Ok(receive) = Receive::new(Protocol::Udp, source, self.local, bytes) {
            self.handle(Input::Receive(now, receive), now);
        }
    }

    fn handle(&mut self, input: Input<'_>, now: Instant) {
        match self.rtc.handle_input(input) {
            Ok(()) => self.drain(now),
            Err(error) => self.end(&error.to_string()),
        }
    }

    /// Polls str0m until it wants to sleep.
    fn drain(&mut self, now: Instant) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.timeout_at = at;
                    return;
                }
                Ok(Output::Transmit(transmit)) => self.send(now, transmit.destination, &transmit.contents),
                Ok(Output::Event(event)) => self.note(event, now),
                Err(error) => {
                    self.timeout_at = now + Duration::from_secs(3600);
                    return self.end(&error.to_string());
                }
            }
        }
    }

    fn note(&mut self, event: Event, now: Instant) {
        match event {
            Event::Connected => {
                self.state.send_replace(PeerState::Connected);
            }
            Event::Closed => self.end("closed by the server"),
            Event::IceConnectionStateChange(state) if state.is_disconnected() => self.end("ICE disconnected"),
            Event::RtpPacket(packet) => {
                if let Some(subscription) = self.subscriptions.get_mut(&packet.header.ssrc) {
                    self.meter.received(packet.payload.len());
                    let clock = self.settings.clock;
                    let outcome = subscription.record(&mut self.rtc, &packet, now, clock, &mut self.delays);
                    self.counts.plis_sent += u64::from(outcome == Outcome::KeyframeNeeded);
                }
            }
            Event::KeyframeRequest(request) => {
                self.counts.plis_received += 1;
                self.publications.iter_mut().for_each(|publication| publication.request_keyframe(&request));
            }
            Event::MediaIngressStats(stats) => {
                self.nacks.entry((stats.mid, stats.rid)).or_default().0 = stats.nacks
            }
            Event::MediaEgressStats(stats) => {
                self.nacks.entry((stats.mid, stats.rid)).or_default().1 = stats.nacks
            }
            _ => {}
        }
    }

    fn send(&mut self, now: Instant, destination: SocketAddr, bytes: &[u8]) {
        if self.up.is_clear() {
            self.transmit(destination, bytes);
        } else {
            self.up.enter(now, bytes.len(), (destination, bytes.to_vec()));
        }
    }

    fn transmit(&mut self, destination: SocketAddr, bytes: &[u8]) {
        // A full send buffer drops, as a network would; it shows as a loss that the server must ask for again.
        if self.socket.try_send_to(bytes, destination).is_ok() {
            self.counts.datagrams_sent += 1;
            self.counts.bytes_sent += bytes.len() as u64;
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Publish { track, announcement, producer } => {
                let now = Instant::now();
                let publication = Publication::start(&mut self.rtc, *track, &announcement, producer, now);
                self.publications.push(publication);
            }
            Command::Subscribe { consumed, remote, reply } => {
                let payload_types = self.payload_types();
                let started = Subscription::start(&mut self.rtc, &consumed, remote, payload_types);
                let outcome = started.map(|(ssrc, subscription)| {
                    self.subscriptions.insert(ssrc, subscription);
                });
                let _ = reply.send(outcome);
            }
            Command::StopPublishing { reply } => {
                self.publications.iter_mut().for_each(Publication::stop);
                let sent = self.publications.iter().map(|it| (it.producer(), it.sent())).collect();
                let _ = reply.send(sent);
            }
            Command::Progress { sent, reply } => {
                let _ = reply.send(self.progress(sent.as_ref()));
            }
            Command::Finish { .. } => unreachable!("taken by the loop, because it ends it"),
        }
        self.drain(Instant::now());
    }

    /// The payload types str0m was configured with.
    fn payload_types(&self) -> PayloadTypes {
        let params = self.rtc.codec_config().params();
        let audio = params.iter().find(|it| it.spec().codec.is_audio());
        let video = params.iter().find(|it| it.spec().codec.is_video());
        PayloadTypes {
            opus: audio.map_or(0, |it| *it.pt()),
            vp8: video.map_or(0, |it| *it.pt()),
            vp8_rtx: video.and_then(|it| it.resend()).map_or(0, |it| *it),
        }
    }

    fn progress(&self, sent: Option<&Sent>) -> Progress {
        let mut progress = Progress { subscriptions: self.subscriptions.len(), ..Progress::default() };
        for subscription in self.subscriptions.values() {
            let account = subscription.account();
            progress.begun += usize::from(account.has_begun());
            progress.received += account.received();
            if let Some(sent) = sent.and_then(|sent| sent.get(&account.producer())) {
                progress.outstanding += account.lost(sent);
            }
        }
        progress
    }

    fn end(&mut self, reason: &str) {
        self.state.send_if_modified(|state| {
            let is_first = !matches!(state, PeerState::Ended(_));
            if is_first {
                *state = PeerState::Ended(reason.to_owned());
            }
            is_first
        });
    }

    fn finish(&mut self, sent: &Sent) -> PeerRecord {
        // Time runs ahead here so that str0m gives its last statistics; nothing is received any more.
        let later = Instant::now() + STATS_INTERVAL;
        self.handle(Input::Timeout(later), later);
        if self.rtc.close().is_ok() {
            self.drain(later);
        }
        self.hand_over();
        self.meter.end();
        self.counts.wire_duplicates = self.wire.duplicates;
        self.counts.emulated_losses = self.up.dropped + self.down.dropped;
        self.counts.nacks_sent = self.nacks.values().map(|(sent, _)| sent).sum();
        self.counts.nacks_received = self.nacks.values().map(|(_, received)| received).sum();
        self.counts.socket_drops = socket_drops(|port| port == self.local.port());
        let subscribed = self.subscriptions.drain().map(|(_, subscription)| {
            let sent = sent.get(&subscription.account().producer()).map_or(&[][..], Vec::as_slice);
            subscription.finish(sent)
        });
        PeerRecord {
            subscribed: subscribed.collect(),
            published: self.publications.iter().map(Publication::record).collect(),
            counts: self.counts,
        }
    }
}
