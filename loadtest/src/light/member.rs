//! One member: its connection, what comes and what goes.

use super::{
    connection::{Connection, send},
    header,
    incoming::{Delays, Incoming, Received, Stream},
    outgoing::{Outgoing, Sender},
    rtcp::{self, Said},
    wall_ns,
};
use plenum_shared::transport::{Fingerprint, IceParameters};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What a member's signalling says of it.
#[derive(Clone, Debug)]
pub struct Announced {
    pub ice: IceParameters,
    pub fingerprint: Fingerprint,
}

/// How far a member has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Connecting,
    /// There are keys.
    Connected,
    /// It ended, for this reason.
    Failed(String),
}

/// What a member has to say.
#[derive(Clone, Debug)]
pub struct MemberReport {
    pub state: State,
    pub received: Received,
    /// RTP packets.
    pub sent: u64,
    /// Of its socket.
    pub port: u16,
}

/// How members of a crowd listen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listening {
    /// Id of the transport-wide number.
    pub transport_wide: u8,
    /// One packet in so many is opened.
    pub sample: u32,
}

/// How often streams are reported on.
const REPORTS: Duration = Duration::from_secs(1);
/// Who our feedback is from, where nothing is sent.
const OWN_SSRC: u32 = 1;

pub(super) struct Member {
    pub connection: Connection,
    incoming: Incoming,
    outgoing: Vec<Sender>,
    /// Of the transport, counted up with each packet.
    number: u16,
    report_at: Instant,
}

impl Member {
    pub(super) fn new(connection: Connection, now: Instant) -> Self {
        Self {
            connection,
            incoming: Incoming::default(),
            outgoing: Vec::new(),
            number: 0,
            report_at: now + REPORTS,
        }
    }

    pub(super) fn expect(&mut self, stream: Stream, producer: Option<Uuid>) {
        self.incoming.expect(stream, producer);
    }

    pub(super) fn begin_sending(&mut self, outgoing: Outgoing, now: Instant) {
        self.outgoing.push(Sender::new(outgoing, now));
    }

    pub(super) fn is_sending(&self) -> bool {
        !self.outgoing.is_empty()
    }

    pub(super) fn report(&self) -> MemberReport {
        let state = match (self.connection.failure(), self.connection.keys()) {
            (Some(reason), _) => State::Failed(reason.to_owned()),
            (None, Some(_)) => State::Connected,
            (None, None) => State::Connecting,
        };
        let sent = self.outgoing.iter().map(Sender::sent).sum();
        MemberReport { state, received: self.incoming.received(), sent, port: self.connection.port }
    }

    /// Takes a datagram that came at `wall_ns`.
    pub(super) fn handle(
        &mut self,
        bytes: &[u8],
        (now, wall_ns): (Instant, u64),
        listening: Listening,
        delays: &mut Delays,
    ) {
        if !header::is_rtp_or_rtcp(bytes) {
            return self.connection.handle(now, bytes);
        }
        if header::is_rtcp(bytes) {
            return self.handle_rtcp(bytes, wall_ns);
        }
        if let Some((_, theirs)) = self.connection.keys() {
            let Listening { transport_wide, sample } = listening;
            self.incoming.take(bytes, transport_wide, (now, wall_ns), sample, theirs, delays);
        }
    }

    fn handle_rtcp(&mut self, bytes: &[u8], wall_ns: u64) {
        let Some((_, theirs)) = self.connection.keys() else { return };
        let mut compound = bytes.to_vec();
        let Some(len) = theirs.open_rtcp(&mut compound) else { return };
        let (incoming, outgoing) = (&mut self.incoming, &mut self.outgoing);
        rtcp::read(&compound[..len], |said| match said {
            Said::SenderReport { ssrc, ntp_middle } => incoming.reported(ssrc, ntp_middle, wall_ns),
            Said::KeyframeWanted { ssrc } => {
                outgoing.iter_mut().filter(|it| it.ssrc() == ssrc).for_each(Sender::request_keyframe);
            }
        });
    }

    /// Sends the media that is due.
    pub(super) fn send_media(&mut self, now: Instant) {
        let Some((ours, _)) = self.connection.keys() else { return };
        for sender in &mut self.outgoing {
            let socket = &self.connection.socket;
            sender.poll(now, ours, &mut self.number, |bytes| send(socket, bytes));
        }
    }

    /// Everything else that is due: checks, flights, feedback, once a second reports.
    pub(super) fn upkeep(&mut self, now: Instant) {
        self.connection.upkeep(now);
        if self.connection.keys().is_none() {
            return;
        }
        let mut compound = Vec::with_capacity(256);
        if self.report_at <= now {
            self.report_at = now + REPORTS;
            let wall_ns = wall_ns();
            self.outgoing.iter().for_each(|sender| sender.report(&mut compound, wall_ns));
            let blocks = self.incoming.blocks(wall_ns);
            if !blocks.is_empty() {
                rtcp::receiver_report(&mut compound, OWN_SSRC, &blocks);
            }
        }
        let media_ssrc = self.incoming.any_ssrc();
        if let Some(feedback) = self.incoming.feedback() {
            rtcp::transport_feedback(&mut compound, OWN_SSRC, media_ssrc, feedback);
        }
        self.connection.send_rtcp(compound);
    }
}
