//! How much a peer's path carries: feedback goes in, one number comes out. This file is the whole interface.
//!
//! Peers that report every packet's arrival (transport-wide feedback) are estimated from that, in `transport_wide.rs`; the
//! others from what their receiver reports and REMB tell, in `reported.rs`.

mod acknowledged;
mod aimd;
mod alr;
mod arrival_groups;
mod cluster;
mod lately;
mod loss;
mod probe;
mod queue;
mod reported;
mod sent;
#[cfg(test)]
mod tests;
mod transport_wide;
mod trendline;

use std::time::{Duration, Instant};

use plenum_shared::media::Bitrate;

use super::rtcp::TransportFeedback;
pub use cluster::PACKETS_MAX as PROBE_PACKETS_MAX;
use reported::Reported;
use transport_wide::TransportWide;

/// How far the pacer may be ahead of a rate that nobody has tested.
const UNKNOWN_PACING: f64 = 2.0;

/// Why a packet was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Something new.
    Media,
    /// Something that was lost.
    Repair,
    /// To find out whether the path carries more; what the packet holds does not matter.
    Probe(ProbeId),
}

/// Names a cluster of probe packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProbeId(pub u8);

/// A cluster of packets to be sent at once, to see at which rate they arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// What its packets are to be marked with.
    pub id: ProbeId,
    /// At this rate, together with the media that leaves meanwhile.
    pub rate: Bitrate,
    /// Until so many bytes have left, in five packets at least.
    pub bytes: usize,
}

/// The estimate at one moment, for statistics and plots.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EstimateSnapshot {
    /// What may be sent.
    pub bitrate: Bitrate,
    /// The rate at which packets arrived lately; zero where nobody tells.
    pub acknowledged: Bitrate,
    /// How long packets wait on the way, beyond the shortest delay seen.
    pub queue: Duration,
    /// The share of packets that did not arrive (0.0 to 1.0), of the five seconds and more that the estimate remembers.
    pub lost: f64,
    /// The round trip as feedback shows it.
    pub round_trip: Option<Duration>,
}

/// The estimate for one peer.
#[derive(Debug)]
pub struct Estimate {
    reported: Reported,
    /// From the first numbered packet on; 20 kB, which idle peers do not pay.
    wide: Option<Box<TransportWide>>,
    /// As it was said last; before the first time even that is not known.
    wanted: Option<Option<Bitrate>>,
}

impl Estimate {
    /// Nothing is known.
    pub fn new(now: Instant) -> Self {
        Estimate { reported: Reported::new(now), wide: None, wanted: None }
    }

    /// What [`Estimate::on_sent`] will return: the number has to be in the packet before its length is known.
    pub fn next_number(&self) -> u16 {
        self.wide.as_ref().map_or(0, |wide| wide.next_number())
    }

    /// A packet of so many bytes (the whole datagram) leaves now. Returns the transport-wide number to write into it.
    pub fn on_sent(&mut self, now: Instant, len_bytes: usize, purpose: Purpose) -> u16 {
        let wanted = self.wanted;
        let wide = self.wide.get_or_insert_with(|| Box::new(TransportWide::new(now, wanted)));
        wide.on_sent(now, len_bytes, purpose)
    }

    /// A packet leaves that carries no number: of a data channel. The next numbered one speaks for it.
    pub fn on_unnumbered(&mut self, now: Instant, len_bytes: usize) {
        if let Some(wide) = &mut self.wide {
            wide.on_unnumbered(now, len_bytes);
        }
    }

    /// The peer tells which packets arrived, and when.
    pub fn handle_feedback(&mut self, now: Instant, feedback: &TransportFeedback<'_>) {
        if let Some(wide) = &mut self.wide {
            wide.handle_feedback(now, feedback);
        }
    }

    /// A report of the peer: its share of lost packets (0.0 to 1.0), while we sent at this rate.
    pub fn handle_loss(&mut self, now: Instant, lost: f64, sent: Bitrate) {
        self.reported.handle_loss(now, lost, sent);
    }

    /// What the peer believes its path carries (REMB), while we sent at this rate.
    pub fn handle_remb(&mut self, now: Instant, remb: Bitrate, sent: Bitrate) {
        self.reported.handle_remb(now, remb, sent);
    }

    /// The peer is reached over another network now: nothing measured so far says anything of it. Numbers go on, because
    /// the receiver's do.
    pub fn handle_new_path(&mut self, now: Instant) {
        self.reported = Reported::new(now);
        if let Some(wide) = &mut self.wide {
            wide.handle_new_path(now, self.wanted);
        }
    }

    /// Time has passed; to be called when [`Estimate::poll_timeout`] says so.
    pub fn handle_timeout(&mut self, now: Instant) {
        if let Some(wide) = &mut self.wide {
            wide.handle_timeout(now);
        }
    }

    /// When this wants to be looked at again: by [`Estimate::handle_timeout`], then [`Estimate::poll_probe`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.wide.as_ref()?.poll_timeout()
    }

    /// What may be sent.
    pub fn bitrate(&self) -> Bitrate {
        self.wide().map_or(self.reported.bitrate(), |wide| wide.bitrate())
    }

    /// How fast packets that wait may leave: above the bit rate, so that frames do not wait for their last packet.
    pub fn pacing_rate(&self) -> Bitrate {
        let factor = self.wide().map_or(UNKNOWN_PACING, |wide| wide.pacing_factor());
        Bitrate((self.bitrate().0 as f64 * factor) as u64)
    }

    /// The next better thing to send would need this rate in all; `None`: nothing more is wanted.
    pub fn set_wanted(&mut self, now: Instant, wanted: Option<Bitrate>) {
        self.wanted = Some(wanted);
        if let Some(wide) = &mut self.wide {
            wide.set_wanted(now, wanted);
        }
    }

    /// Something is about to be added, for which this rate in all must be carried: that is to be tried now, whatever is
    /// believed. `None`: nothing is, and a proof that was given is used up.
    pub fn set_to_prove(&mut self, now: Instant, rate: Option<Bitrate>) {
        if let Some(wide) = &mut self.wide {
            wide.set_to_prove(now, rate);
        }
    }

    /// What was to be proven has just been shown to be carried.
    pub fn has_proof(&self, now: Instant) -> bool {
        self.wide().is_some_and(|wide| wide.has_proof(now))
    }

    /// Something may be added: there is a proof, or none is to be had, or none is needed on a path that has never shown a
    /// limit.
    pub fn is_proven(&self, now: Instant) -> bool {
        self.wide().is_none_or(|wide| wide.is_proven(now))
    }

    /// A cluster that should be sent now, once.
    pub fn poll_probe(&mut self, now: Instant) -> Option<Probe> {
        self.wide.as_mut()?.poll_probe(now)
    }

    /// Instead of [`Estimate::poll_probe`] while other things are to be sent: a probe that is due is due a little later.
    pub fn postpone_probe(&mut self, now: Instant) {
        if let Some(wide) = &mut self.wide {
            wide.postpone_probe(now);
        }
    }

    /// Instead of [`Estimate::poll_probe`] while there is nothing to send probes of.
    pub fn forgo_probe(&mut self, now: Instant) {
        if let Some(wide) = &mut self.wide {
            wide.forgo_probe(now);
        }
    }

    /// Whether there was ever a sign of trouble. Before it the number is a guess: reason to add nothing, not to take away.
    pub fn has_fallen(&self) -> bool {
        self.wide().map_or(self.reported.has_fallen(), |wide| wide.has_fallen())
    }

    /// The path has shown that it does not carry everything.
    pub fn is_limited(&self) -> bool {
        self.wide().map_or(self.reported.has_fallen(), |wide| wide.is_limited())
    }

    /// Too much was sent, and a queue on the path is being emptied.
    pub fn is_draining(&self) -> bool {
        self.wide().is_some_and(|wide| wide.is_draining())
    }

    /// The round trip as feedback shows it.
    pub fn round_trip(&self) -> Option<Duration> {
        self.wide.as_ref().and_then(|wide| wide.round_trip())
    }

    /// What was wanted last ([`Estimate::set_wanted`]).
    pub fn wanted(&self) -> Option<Bitrate> {
        self.wanted.flatten()
    }

    /// Transport-wide feedback tells what becomes of each packet.
    pub fn is_measured(&self) -> bool {
        self.wide.as_ref().is_some_and(|wide| wide.has_feedback())
    }

    /// The share of packets (0.0 to 1.0) that did not arrive in the last two seconds; `None` where no transport-wide
    /// feedback tells, or only of a few packets.
    pub fn lost(&self, now: Instant) -> Option<f64> {
        self.wide.as_ref().and_then(|wide| wide.lost(now))
    }

    /// Packets arrive again after nothing was heard of any. Said once.
    pub fn take_return(&mut self) -> bool {
        self.wide.as_mut().is_some_and(|wide| wide.take_return())
    }

    /// Everything there is to show.
    pub fn snapshot(&self) -> EstimateSnapshot {
        let bitrate = self.bitrate();
        match self.wide() {
            Some(wide) => wide.snapshot(bitrate),
            None => EstimateSnapshot {
                bitrate,
                acknowledged: Bitrate(0),
                queue: Duration::ZERO,
                lost: 0.0,
                round_trip: None,
            },
        }
    }

    /// The one to believe: a peer that gives no transport-wide feedback is judged by its reports, whatever we number.
    fn wide(&self) -> Option<&TransportWide> {
        self.wide.as_deref().filter(|wide| wide.is_believed())
    }
}
