//! The way out to one viewer: what its packets need there, looked up once for all that leave together.

use std::time::{Duration, Instant};

use super::{Outlet, departure::Left};
use crate::engine::{
    Waiting, counters::Counters, deadlines::Deadlines, demux::Slot, egress::Egress, peer::Peer,
};

/// See the module. Whoever has sent by it settles it ([`super::consumer::Consumer::settle`]).
#[derive(Debug)]
pub struct Exit<'a> {
    /// The viewer's transport.
    pub peer: &'a mut Peer,
    /// The arena.
    pub egress: &'a mut Egress,
    /// The worker's counters.
    pub counters: &'a mut Counters,
    /// Where a payload is put together that is for nobody else.
    pub plain: &'a mut Vec<u8>,
    /// What headers say of the moment at which packets leave.
    pub departure: [u8; 3],
    /// What left and is not counted yet.
    pub(super) left: Left,
    deadlines: &'a mut Deadlines,
    slot: Slot,
}

impl Outlet<'_> {
    /// The way out by a transport; `None` for one that is gone.
    #[inline]
    pub fn exit(&mut self, now: Instant, slot: Slot) -> Option<Exit<'_>> {
        Some(Exit {
            peer: self.peers.get_mut(slot)?,
            egress: self.egress,
            counters: self.counters,
            plain: self.plain,
            departure: self.departures.tell(now),
            left: Left::default(),
            deadlines: self.deadlines,
            slot,
        })
    }
}

impl Exit<'_> {
    /// Has the viewer's transport looked at when something that waits for it may leave.
    pub fn wake_for_pacer(&mut self) {
        if let Some(at) = self.peer.pacer.poll_timeout() {
            self.deadlines.advance(Waiting::Peer(self.slot), at);
        }
    }

    /// Has the layers of everything that the viewer watches chosen again, with the next look at the clock.
    pub fn choose_again(&mut self, now: Instant) {
        self.peer.choose_at = Some(now);
        self.deadlines.advance(Waiting::Peer(self.slot), now);
    }
}

/// Tells the time as headers have it: 24 bits of seconds in 6.18 fixed point, since any start. Packets of one batch leave at one
/// moment, and it is told once for all of them.
#[derive(Debug)]
pub struct Departures {
    epoch: Instant,
    last: Instant,
    told: [u8; 3],
}

impl Departures {
    /// From this moment on.
    pub fn new(epoch: Instant) -> Self {
        Departures { epoch, last: epoch, told: abs_send_time(Duration::ZERO) }
    }

    /// What the headers of packets say that leave now.
    #[inline]
    pub fn tell(&mut self, now: Instant) -> [u8; 3] {
        if now != self.last {
            (self.last, self.told) = (now, abs_send_time(now.saturating_duration_since(self.epoch)));
        }
        self.told
    }
}

/// The units begin anew every 64 seconds: those are taken off first, because a division of 128 bits takes longer than all else
/// here.
fn abs_send_time(since: Duration) -> [u8; 3] {
    let micros = since.as_secs() % 64 * 1_000_000 + u64::from(since.subsec_micros());
    let [_, a, b, c] = (((micros << 18) / 1_000_000) as u32).to_be_bytes();
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_departure_is_told_in_the_units_of_its_extension(
            moments in prop::collection::vec((0_u64..10_000_000, 0_u32..1_000_000), 1..4),
        ) {
            let epoch = Instant::now();
            let mut departures = Departures::new(epoch);
            for (secs, micros) in moments {
                let [a, b, c] = departures.tell(epoch + Duration::new(secs, micros * 1000));
                let told = f64::from(u32::from_be_bytes([0, a, b, c])) / f64::from(1 << 18);
                let meant = (secs % 64) as f64 + f64::from(micros) / 1e6;
                prop_assert!((0.0..=4e-6).contains(&(meant - told)), "{told} of {meant}");
            }
        }
    }
}
