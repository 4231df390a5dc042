//! How well each participant is connected: one word, judged once a second, with patience.
//!
//! Four things are looked at, and the worst of them is the word: how much is lost, how long the way is, what of the
//! pictures asked for the way does not carry, and how often a viewer had to ask for a keyframe in the middle of one. A
//! loss that something mends (a retransmission, redundant sound) counts half: it costs a round trip, not a picture.

use std::time::{Duration, Instant};

use plenum_shared::{
    event::Event,
    id::SessionId,
    media::{ConnectionQuality, Direction, Kind},
};

use super::{
    Engine,
    demux::Slot,
    peer::{Peer, REPORT_INTERVAL},
    relay::{WorkerIndex, message::ToHome},
    router::{consumer::Consumer, producer::Producer},
    stats::Shortage,
};

/// Loss (share of packets, mended ones by half) and round trip that a quality allows at most, best first. Beyond the
/// last is poor: at 8 % video stutters, above 600 ms people talk over each other.
const ALLOWED: [(ConnectionQuality, f32, Duration); 3] = [
    (ConnectionQuality::Excellent, 0.01, Duration::from_millis(150)),
    (ConnectionQuality::Good, 0.03, Duration::from_millis(300)),
    (ConnectionQuality::Fair, 0.08, Duration::from_millis(600)),
];
/// What a loss counts that is mended as a rule.
const MENDED: f32 = 0.5;
/// Judgements in a row (one a second) that make a session worse.
const WORSE_AFTER: u8 = 2;
/// Judgements in a row that make a session better.
const BETTER_AFTER: u8 = 4;
/// Both transports of a session report once a second; the second one of them is not another judgement.
const JUDGED_EVERY: Duration = REPORT_INTERVAL.saturating_sub(Duration::from_millis(50));
/// A viewer that asks for a keyframe so soon after one has what it waited for, or was too late to use it. One that asks so
/// soon after asking waits for the same one.
const FREEZE_AFTER: Duration = Duration::from_secs(2);
/// When more is missing of what the publisher sent, a picture that freezes is not its viewer's connection.
const UPSTREAM_MISSED_MAX: f32 = 0.01;
/// Of the last eight seconds, so many with a frozen picture are at most good. A single one is a mishap.
const FREEZES_GOOD: u32 = 2;
/// As [`FREEZES_GOOD`], at most fair.
const FREEZES_FAIR: u32 = 4;

/// The quality of one session, with the patience that keeps it from flickering.
#[derive(Debug, Default)]
pub(super) struct Quality {
    told: Option<ConnectionQuality>,
    /// Judgements in a row that were better (above zero) or worse (below zero) than what was told.
    streak: i8,
    judged_at: Option<Instant>,
    freezes: Freezes,
}

/// The seconds in which a picture froze, as one bit each, the newest lowest.
#[derive(Debug, Clone, Copy, Default)]
struct Freezes(u8);

/// What both transports of a session say about its connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    /// Share of packets lost, as reported.
    pub loss: f32,
    /// The same, those that are mended by half.
    felt: f32,
    pub round_trip: Option<Duration>,
    shortage: Shortage,
}

impl Quality {
    /// What was told last.
    pub(super) fn told(&self) -> Option<ConnectionQuality> {
        self.told
    }

    /// Whether a picture froze since the last call.
    fn take_freeze(&mut self) -> bool {
        std::mem::take(&mut self.freezes.0) != 0
    }

    /// A picture that was shown is frozen.
    fn note_freeze(&mut self) {
        self.freezes.0 |= 1;
    }

    /// Takes one judgement, if a second has passed since the one before. Returns what to tell, if that changed.
    fn judge(&mut self, now: Instant, figures: &Figures) -> Option<ConnectionQuality> {
        if self.judged_at.is_some_and(|at| now.saturating_duration_since(at) < JUDGED_EVERY) {
            return None;
        }
        self.judged_at = Some(now);
        let seen = figures.quality().min(self.freezes.quality());
        self.freezes.0 <<= 1;
        self.note(seen)
    }

    fn note(&mut self, seen: ConnectionQuality) -> Option<ConnectionQuality> {
        let Some(told) = self.told else {
            self.told = Some(seen);
            return self.told;
        };
        self.streak = match seen.cmp(&told) {
            std::cmp::Ordering::Equal => 0,
            std::cmp::Ordering::Greater => self.streak.max(0) + 1,
            std::cmp::Ordering::Less => self.streak.min(0) - 1,
        };
        if self.streak < BETTER_AFTER as i8 && self.streak > -(WORSE_AFTER as i8) {
            return None;
        }
        self.streak = 0;
        self.told = Some(seen);
        self.told
    }
}

impl Freezes {
    fn quality(self) -> ConnectionQuality {
        match self.0.count_ones() {
            FREEZES_FAIR.. => ConnectionQuality::Fair,
            FREEZES_GOOD.. => ConnectionQuality::Good,
            _ => ConnectionQuality::Excellent,
        }
    }
}

impl Figures {
    /// The worst of what loss, round trip and bandwidth say.
    fn quality(&self) -> ConnectionQuality {
        let round_trip = self.round_trip.unwrap_or_default();
        let allows = |(_, loss_max, round_trip_max): &&(ConnectionQuality, f32, Duration)| {
            self.felt <= *loss_max && round_trip <= *round_trip_max
        };
        let way = ALLOWED.iter().find(allows).map_or(ConnectionQuality::Poor, |(quality, ..)| *quality);
        way.min(self.shortage.quality())
    }

    /// Adds what transports on a branch said: those are the receiving ones.
    fn add_elsewhere(&mut self, other: &Figures) {
        self.loss = self.loss.max(other.loss);
        self.felt = self.felt.max(other.felt);
        self.round_trip = other.round_trip.or(self.round_trip);
        if other.shortage.pictures > 0 {
            self.shortage = other.shortage;
        }
    }

    fn add(&mut self, peer: &Peer) {
        self.loss = self.loss.max(peer.loss);
        self.felt = self.felt.max(peer.loss * peer.loss_weight);
        // Only a subscriber's reports prove a round trip; both transports share the way.
        self.round_trip = match peer.direction {
            Direction::Recv => peer.round_trip.or(self.round_trip),
            Direction::Send => self.round_trip.or(peer.round_trip),
        };
        // Before the first sign of trouble the estimate is a guess, and so is what it is too little for.
        if peer.direction == Direction::Recv && peer.estimate.has_fallen() {
            self.shortage = peer.shortage;
        }
    }
}

impl Shortage {
    /// The best that can be said of a viewer who is short of so much. Some smaller pictures are what layers are for; a
    /// picture that is missing is missed.
    fn quality(self) -> ConnectionQuality {
        let Shortage { pictures, limited, withheld } = self;
        match (pictures, limited, withheld) {
            (0, ..) => ConnectionQuality::Excellent,
            (pictures, _, withheld) if withheld == pictures => ConnectionQuality::Poor,
            (_, _, 1..) => ConnectionQuality::Fair,
            (pictures, limited, _) if limited == pictures => ConnectionQuality::Good,
            _ => ConnectionQuality::Excellent,
        }
    }
}

/// What the losses of a consumer count, of which something mends most or nothing any.
pub(super) fn loss_weight(consumer: &Consumer) -> f32 {
    let is_repeated = consumer.red_type.is_some() && consumer.redundancy.distance() > 0;
    let is_mended = consumer.rtx_ssrc().is_some() || is_repeated;
    if is_mended { MENDED } else { 1.0 }
}

/// A viewer that asks for a keyframe now has lost a picture on its own way, which it had been shown for a while.
pub(super) fn is_frozen(now: Instant, consumer: &Consumer, producer: &Producer) -> bool {
    let stream =
        consumer.layers.current_stream().and_then(|stream| producer.streams.get(usize::from(stream)));
    consumer.kind == Kind::Video
        && !consumer.paused
        && !producer.paused
        && now.saturating_duration_since(consumer.keyframe_at) >= FREEZE_AFTER
        && stream.is_some_and(|stream| stream.reception.missed_share() <= UPSTREAM_MISSED_MAX)
}

impl Engine {
    /// Judges the session of a peer that was just reported to or from.
    pub(super) fn judge_quality(&mut self, now: Instant, slot: Slot) {
        let (room, session) = (self.peers[slot].room, self.peers[slot].session);
        if self.rooms[room].home.is_none() {
            return self.judge_session(now, room, session);
        }
        let figures = self.figures(room, session);
        let froze = self.rooms[room]
            .sessions
            .get_mut(&session)
            .is_some_and(|presence| presence.quality.take_freeze());
        self.tell_home_for_now(room, ToHome::Fares { session, figures, froze });
    }

    /// A branch says how a session's transports there fare.
    pub(super) fn note_fares(
        &mut self,
        now: Instant,
        room: Slot,
        from: WorkerIndex,
        session: SessionId,
        figures: Figures,
        froze: bool,
    ) {
        let Some(presence) = self.rooms[room].sessions.get_mut(&session) else { return };
        let Some(elsewhere) = presence.elsewhere.iter_mut().find(|elsewhere| elsewhere.worker == from) else {
            return;
        };
        elsewhere.figures = figures;
        if froze {
            presence.quality.note_freeze();
        }
        self.judge_session(now, room, session);
    }

    fn judge_session(&mut self, now: Instant, room: Slot, session: SessionId) {
        let figures = self.figures(room, session);
        let room = &mut self.rooms[room];
        let Some(presence) = room.sessions.get_mut(&session) else { return };
        if let Some(quality) = presence.quality.judge(now, &figures) {
            self.events.push_back(Event::QualityChanged { room: room.id, session, quality });
        }
    }

    /// A viewer wants a keyframe of a picture that is frozen. Browsers ask until it is there: that is one freeze.
    pub(super) fn note_frozen(&mut self, now: Instant, slot: Slot, consumer: usize) {
        let Peer { room, session, .. } = self.peers[slot];
        let before = self.rooms[room].router.consumers[consumer].frozen_at.replace(now);
        let goes_on = before.is_some_and(|before| now.saturating_duration_since(before) < FREEZE_AFTER);
        self.counters.freezes += u64::from(!goes_on);
        if let Some(presence) = self.rooms[room].sessions.get_mut(&session) {
            presence.quality.note_freeze();
        }
    }

    /// What the transports of a session say about its connection.
    pub(super) fn figures(&self, room: Slot, session: SessionId) -> Figures {
        let mut figures = Figures::default();
        self.rooms[room].peers_of(session).iter().for_each(|&slot| figures.add(&self.peers[slot]));
        let presence = self.rooms[room].sessions.get(&session);
        let elsewhere = presence.iter().flat_map(|presence| &presence.elsewhere);
        elsewhere.for_each(|elsewhere| figures.add_elsewhere(&elsewhere.figures));
        figures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConnectionQuality::{Excellent, Fair, Good, Poor};

    const NEAR: Duration = Duration::from_millis(20);

    fn lossy(felt: f32) -> Figures {
        Figures { felt, round_trip: Some(NEAR), ..Figures::default() }
    }

    fn short(pictures: u32, limited: u32, withheld: u32) -> ConnectionQuality {
        let shortage = Shortage { pictures, limited, withheld };
        Figures { shortage, ..lossy(0.0) }.quality()
    }

    #[test]
    fn the_first_judgement_is_told_and_a_single_bad_second_is_not() {
        let (start, mut quality, mut second) = (Instant::now(), Quality::default(), 0);
        let mut judge = |felt| {
            second += 1;
            quality.judge(start + REPORT_INTERVAL * second, &lossy(felt))
        };
        assert_eq!(judge(0.0), Some(Excellent));
        assert_eq!(judge(0.5), None);
        assert_eq!(judge(0.0), None);
        assert_eq!(judge(0.5), None);
        assert_eq!(judge(0.5), Some(Poor));
        for _ in 1..BETTER_AFTER {
            assert_eq!(judge(0.02), None);
        }
        assert_eq!(judge(0.02), Some(Good));
    }

    #[test]
    fn two_reports_of_one_second_are_one_judgement() {
        let (start, mut quality) = (Instant::now(), Quality::default());
        quality.judge(start, &lossy(0.0));
        for half_seconds in 1..=3 {
            let now = start + REPORT_INTERVAL / 2 * half_seconds;
            assert_eq!(quality.judge(now, &lossy(0.5)), None, "only one of them counts");
        }
        assert_eq!(quality.judge(start + REPORT_INTERVAL * 2, &lossy(0.5)), Some(Poor));
    }

    #[test]
    fn the_round_trip_alone_can_be_bad() {
        let judge = |ms| {
            let round_trip = Some(Duration::from_millis(ms));
            Figures { round_trip, ..Figures::default() }.quality()
        };
        assert_eq!([judge(150), judge(151), judge(301), judge(601)], [Excellent, Good, Fair, Poor]);
    }

    #[test]
    fn want_of_bandwidth_is_judged_by_what_is_missing() {
        assert_eq!(short(0, 0, 0), Excellent);
        assert_eq!(short(4, 3, 0), Excellent, "one is whole");
        assert_eq!(short(4, 4, 0), Good);
        assert_eq!(short(4, 4, 1), Fair);
        assert_eq!(short(4, 1, 1), Fair);
        assert_eq!(short(4, 4, 4), Poor);
    }

    #[test]
    fn pictures_that_freeze_again_and_again_are_noticed_and_forgotten() {
        let (start, mut quality, mut second) = (Instant::now(), Quality::default(), 0);
        let mut judge = |freezes: bool| {
            second += 1;
            if freezes {
                quality.note_freeze();
            }
            quality.judge(start + REPORT_INTERVAL * second, &lossy(0.0))
        };
        assert_eq!(judge(false), Some(Excellent));
        let told: Vec<_> = [true, true, true, true, true].map(&mut judge).into_iter().flatten().collect();
        assert_eq!(told, [Good, Fair]);
        let better: Vec<_> = (0..20).filter_map(|_| judge(false)).collect();
        assert_eq!(better.last(), Some(&Excellent));
    }
}
