//! One server under one load: it is started, filled, left to settle and measured.

use crate::{
    load::Load,
    processes::Tree,
    server::{Contender, Running, Sent, VersusError},
    settings::Settings,
};
use nix::{
    ifaddrs::getifaddrs,
    sched::{CpuSet, sched_getaffinity, sched_setaffinity},
    unistd::Pid,
};
use plenum_loadtest::{
    cpu::CpuTime,
    histogram::Histogram,
    light::{Crowd, CrowdSettings, MemberId, Outgoing, Snapshot, Spacing, State},
    media::{AudioTrack, LayerSettings, Track, VideoTrack},
    parameters::{Announcement, PUBLISHER},
};
use plenum_shared::{media::Kind, rtp::uri};
use rand::{SeedableRng, rngs::SmallRng};
use serde::Serialize;
use std::{
    io::Write,
    net::Ipv4Addr,
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// What was measured.
#[derive(Clone, Debug, Serialize)]
pub struct Round {
    pub server: Contender,
    /// How it was set up.
    pub description: String,
    pub load: Load,
    pub seconds: f64,
    /// Packets of the media that viewers received.
    pub packets: u64,
    /// Of those that were sent, the ones that did not come.
    pub missing: u64,
    /// Retransmissions and probes, which nobody asked for on a way without losses.
    pub other_packets: u64,
    /// Opened by their receiver and not as sealed; every 31st is opened.
    pub unauthentic: u64,
    /// CPU time of all the server's processes for each packet that was received.
    pub cpu_us_per_packet: f64,
    /// Cores in use.
    pub cores: f64,
    pub delay_p50_ms: f64,
    pub delay_p99_ms: f64,
    /// Memory that came with the viewers, for each of them; 1 kB is 1000 bytes.
    pub kb_per_viewer: f64,
    /// Share of the server's CPU time that was the kernel's.
    pub kernel_share: f64,
    /// Cores that the load itself took.
    pub load_cores: f64,
}

/// All rounds of all servers.
pub struct Sitting<'a> {
    settings: &'a Settings,
    host: Ipv4Addr,
    /// The core that is the load's alone.
    core: Option<usize>,
}

/// Between what a browser sends of video, and of sound: the first sample of each member is another.
const SAMPLE: u32 = 31;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Sockets of the last server are gone.
const BETWEEN: Duration = Duration::from_secs(1);

impl<'a> Sitting<'a> {
    /// Keeps this process and what it will start off the core that is the load's. To be called before there are threads.
    pub fn prepare(settings: &'a Settings) -> Result<Self, VersusError> {
        let host = settings.host.or_else(own_address).ok_or(VersusError::NoAddress)?;
        let core = if settings.unpinned { None } else { leave_first_core().map_err(std::io::Error::from)? };
        Ok(Self { settings, host, core })
    }

    /// Every load in turn; with each, all servers in turn as often as was asked for, every other time backwards.
    pub async fn hold(&self) -> Result<Vec<Round>, VersusError> {
        let mut contenders = vec![Contender::Plenum];
        contenders.extend(self.settings.mediasoup.iter().map(|_| Contender::Mediasoup));
        contenders.extend(self.settings.janus.then_some(Contender::Janus));
        let mut rounds = Vec::new();
        for load in &self.settings.loads {
            for time in 0..self.settings.rounds {
                let mut order = contenders.clone();
                if time % 2 == 1 {
                    order.reverse();
                }
                for who in order {
                    if !rounds.is_empty() {
                        sleep(BETWEEN).await;
                    }
                    let round = self.round(who, *load).await?;
                    // Progress for whoever watches.
                    let _ = writeln!(
                        std::io::stderr(),
                        "{load} {who:9} {:.2} us, p50 {:.2} ms, {:.0} kB",
                        round.cpu_us_per_packet,
                        round.delay_p50_ms,
                        round.kb_per_viewer
                    );
                    rounds.push(round);
                }
            }
        }
        Ok(rounds)
    }

    async fn round(&self, who: Contender, load: Load) -> Result<Round, VersusError> {
        let failed = |reason: String| VersusError::Load { server: who, load: load.to_string(), reason };
        let mut server = Running::start(who, self.settings, self.host).await?;
        let processes = server.processes().ok_or_else(|| failed("it has ended".into()))?;
        let transport_wide = server.transport_wide();
        let settings =
            CrowdSettings { transport_wide, sample: SAMPLE, core: self.core, ..CrowdSettings::default() };
        let mut crowd = Crowd::start(settings)?;

        let settle = Duration::from_secs(self.settings.settle);
        self.speakers(&mut server, &mut crowd, load).await.map_err(|error| failed(error.to_string()))?;
        sleep(settle).await;
        let empty_memory = processes.memory();
        viewers(&mut server, &mut crowd, load).await.map_err(|error| failed(error.to_string()))?;
        sleep(settle).await;

        let before = Look::at(&crowd, processes)?;
        sleep(Duration::from_secs(self.settings.seconds)).await;
        let after = Look::at(&crowd, processes)?;
        if after.viewers(load).iter().any(|it| it.state != State::Connected) {
            return Err(failed("a viewer was lost on the way".into()));
        }
        let mut round = after.since(&before, load, who);
        round.description = server.description().to_owned();
        round.kb_per_viewer =
            (processes.memory() as f64 - empty_memory as f64) / 1000.0 / load.viewers as f64;
        Ok(round)
    }

    /// Lets the speakers in, connected, and then speak; their frames are spread over the time of one.
    async fn speakers(&self, server: &mut Running, crowd: &mut Crowd, load: Load) -> Result<(), VersusError> {
        let mut random = SmallRng::seed_from_u64(1);
        let mut to_send: Vec<(MemberId, Outgoing)> = Vec::new();
        for speaker in 0..load.speakers {
            let tracks = self.tracks(speaker, load.speakers);
            let announced: Vec<Sent> = (0..)
                .zip(&tracks)
                .map(|(index, track): (usize, &Track)| {
                    let announcement = Announcement::new(
                        track,
                        &index.to_string(),
                        &format!("speaker-{speaker}"),
                        &mut random,
                    );
                    Sent { kind: track.kind(), announcement }
                })
                .collect();
            let member = crowd.announce();
            let place = server.publish(&member, &announced).await?;
            let id = crowd.add(member, place)?;
            to_send
                .extend(tracks.into_iter().zip(announced).map(|(track, sent)| (id, outgoing(track, &sent))));
        }
        until(crowd, |it| it.members.iter().all(|member| member.state == State::Connected)).await?;
        let apart = Duration::from_secs(1) / self.settings.fps.max(1) / load.speakers.max(1) as u32;
        let mut last = None;
        for (member, outgoing) in to_send {
            if last.is_some_and(|last| last != member) {
                sleep(apart).await;
            }
            last = Some(member);
            crowd.send(member, outgoing);
        }
        Ok(())
    }

    fn tracks(&self, speaker: usize, speakers: usize) -> [Track; 2] {
        let seed = 1 + speaker as u32 * 7919;
        let layer = LayerSettings { bitrate_bps: self.settings.video_bps, width: 1280, height: 720 };
        [
            Track::Audio(AudioTrack::new(speaker, speakers, seed)),
            Track::Video(VideoTrack::new(self.settings.fps, &[layer], seed)),
        ]
    }
}

/// A track with the numbers that were announced.
fn outgoing(track: Track, sent: &Sent) -> Outgoing {
    let Sent { kind, announcement } = sent;
    let id = |wanted: &str| {
        announcement.parameters.header_extensions.iter().find(|it| it.uri == wanted).map(|it| it.id)
    };
    let is_audio = *kind == Kind::Audio;
    Outgoing {
        track,
        ssrc: announcement.layers.first().map_or(0, |layer| layer.main),
        payload_type: if is_audio { PUBLISHER.opus } else { PUBLISHER.vp8 },
        mid: id(uri::MID).map(|id| (id, announcement.mid.clone())),
        audio_level: id(uri::AUDIO_LEVEL).filter(|_| is_audio),
        transport_wide: id(uri::TRANSPORT_WIDE_CC),
        spacing: Spacing::Burst,
    }
}

/// Lets the viewers in; returns when media has come to each.
async fn viewers(server: &mut Running, crowd: &mut Crowd, load: Load) -> Result<(), VersusError> {
    let mut all_paused = Vec::with_capacity(load.viewers);
    for _ in 0..load.viewers {
        let member = crowd.announce();
        let view = server.view(&member).await?;
        let id = crowd.add(member, view.server)?;
        view.streams.into_iter().for_each(|stream| crowd.expect(id, stream));
        all_paused.push(view.paused);
    }
    until(crowd, |it| it.members.iter().all(|member| member.state == State::Connected)).await?;
    for paused in all_paused {
        server.begin(paused).await?;
    }
    until(crowd, |it| it.members.iter().skip(load.speakers).all(|member| member.received.packets > 0)).await
}

/// Waits for this to be true of everybody.
async fn until(crowd: &Crowd, holds: impl Fn(&Snapshot) -> bool) -> Result<(), VersusError> {
    let end = Instant::now() + CONNECT_TIMEOUT;
    loop {
        let snapshot = crowd.look()?;
        if holds(&snapshot) {
            return Ok(());
        }
        let failure = snapshot.members.iter().find_map(|member| match &member.state {
            State::Failed(reason) => Some(reason.clone()),
            _ => None,
        });
        if let Some(reason) = failure {
            return Err(std::io::Error::other(reason).into());
        }
        if Instant::now() > end {
            return Err(std::io::Error::other("not everybody was served in time").into());
        }
        sleep(LOOK_AGAIN).await;
    }
}

/// Server and load at one moment.
struct Look {
    crowd: Snapshot,
    cpu: CpuTime,
}

impl Look {
    fn at(crowd: &Crowd, processes: Tree) -> Result<Self, VersusError> {
        let crowd = crowd.look()?;
        Ok(Self { crowd, cpu: processes.cpu() })
    }

    fn viewers(&self, load: Load) -> &[plenum_loadtest::light::MemberReport] {
        self.crowd.members.get(load.speakers..).unwrap_or_default()
    }

    fn since(&self, before: &Self, load: Load, server: Contender) -> Round {
        let sum = |of: fn(&plenum_loadtest::light::Received) -> u64| {
            let total = |look: &Self| look.viewers(load).iter().map(|it| of(&it.received)).sum::<u64>();
            total(self).saturating_sub(total(before))
        };
        let mut delays: Histogram = self.crowd.delays.audio.since(&before.crowd.delays.audio);
        delays.merge(&self.crowd.delays.video.since(&before.crowd.delays.video));
        let seconds = self.crowd.at.saturating_duration_since(before.crowd.at).as_secs_f64();
        let spent = self.cpu.since(&before.cpu);
        let cpu = spent.total.as_secs_f64();
        let packets = sum(|it| it.packets);
        let milliseconds = |share| delays.quantile_ns(share) as f64 / 1e6;
        Round {
            server,
            description: String::new(),
            load,
            seconds,
            packets,
            missing: sum(|it| it.missing),
            other_packets: sum(|it| it.other_packets),
            unauthentic: sum(|it| it.unauthentic + it.strange),
            cpu_us_per_packet: cpu * 1e6 / packets.max(1) as f64,
            cores: cpu / seconds,
            delay_p50_ms: milliseconds(0.5),
            delay_p99_ms: milliseconds(0.99),
            kb_per_viewer: 0.0,
            kernel_share: spent.kernel.as_secs_f64() / cpu,
            load_cores: self.crowd.cpu.saturating_sub(before.crowd.cpu).as_secs_f64() / seconds,
        }
    }
}

/// The first address of this machine that others could reach.
fn own_address() -> Option<Ipv4Addr> {
    let mut addresses =
        getifaddrs().ok()?.filter_map(|interface| Some(interface.address?.as_sockaddr_in()?.ip()));
    addresses.find(|address| !address.is_loopback())
}

/// Returns the core that is now free of this process, where there is more than one.
fn leave_first_core() -> nix::Result<Option<usize>> {
    let this = Pid::from_raw(0);
    let mut allowed = sched_getaffinity(this)?;
    let cores: Vec<usize> =
        (0..CpuSet::count()).filter(|core| allowed.is_set(*core).unwrap_or(false)).collect();
    let [first, _, ..] = cores.as_slice() else { return Ok(None) };
    allowed.unset(*first)?;
    sched_setaffinity(this, &allowed)?;
    Ok(Some(*first))
}
