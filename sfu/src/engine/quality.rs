//! How well each participant is connected, and the figures of a room.

use std::time::{Duration, Instant};

use plenum_shared::{
    command::{LayerStats, ProducerStats, RoomStats, SessionStats},
    event::Event,
    id::SessionId,
    media::{Bitrate, ConnectionQuality, Direction},
};

use super::{
    Engine,
    bandwidth::sent_rate,
    demux::Slot,
    room::Room,
    router::{
        Router,
        producer::{LAYERS_MAX, Producer},
    },
    stats::viewers,
};

/// Loss (share of packets, after repair) and round trip that a quality allows at most, best first. Beyond the last is
/// poor: at 8 % video stutters, above 600 ms people talk over each other.
const ALLOWED: [(ConnectionQuality, f32, Duration); 3] = [
    (ConnectionQuality::Excellent, 0.01, Duration::from_millis(150)),
    (ConnectionQuality::Good, 0.03, Duration::from_millis(300)),
    (ConnectionQuality::Fair, 0.08, Duration::from_millis(600)),
];
/// Judgements in a row (one a second) that make a session worse.
const WORSE_AFTER: u8 = 2;
/// Judgements in a row that make a session better.
const BETTER_AFTER: u8 = 4;

/// The quality of one session, with the patience that keeps it from flickering.
#[derive(Debug, Default)]
pub(super) struct Quality {
    told: Option<ConnectionQuality>,
    /// Judgements in a row that were better (above zero) or worse (below zero) than what was told.
    streak: i8,
}

impl Quality {
    /// What was told last.
    pub(super) fn told(&self) -> Option<ConnectionQuality> {
        self.told
    }

    /// Takes one judgement. Returns what to tell, if that changed.
    fn judge(&mut self, loss: f32, round_trip: Duration) -> Option<ConnectionQuality> {
        let seen = ALLOWED
            .iter()
            .find(|(_, loss_max, round_trip_max)| loss <= *loss_max && round_trip <= *round_trip_max)
            .map_or(ConnectionQuality::Poor, |(quality, ..)| *quality);
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

/// What both transports of a session say about its connection.
#[derive(Debug, Clone, Copy, Default)]
struct Figures {
    loss: f32,
    round_trip: Option<Duration>,
}

impl Engine {
    /// Judges the session of a peer that was just reported to or from.
    pub(super) fn judge_quality(&mut self, slot: Slot) {
        let (room, session) = (self.peers[slot].room, self.peers[slot].session);
        let Figures { loss, round_trip } = self.figures(room, session);
        let room = &mut self.rooms[room];
        let Some(presence) = room.sessions.get_mut(&session) else { return };
        if let Some(quality) = presence.quality.judge(loss, round_trip.unwrap_or_default()) {
            self.events.push_back(Event::QualityChanged { room: room.id, session, quality });
        }
    }

    /// Media figures of a room at this moment.
    pub(super) fn room_stats(&mut self, now: Instant, room: Slot) -> RoomStats {
        let mut stats = RoomStats::default();
        // A session is listed where its first transport is.
        let sessions = self.rooms[room].peers.iter().filter_map(|&slot| {
            let session = self.peers[slot].session;
            (self.rooms[room].peers_of(session).first() == Some(&slot)).then_some(session)
        });
        let sessions: Vec<SessionId> = sessions.collect();
        for session in sessions {
            let of_session = self.session_stats(now, room, session);
            stats.received.0 += of_session.received.0;
            stats.sent.0 += of_session.sent.0;
            stats.sessions.push(of_session);
        }
        let router = &mut self.rooms[room].router;
        (stats.received_bytes, stats.sent_bytes) = (router.received_bytes, router.sent_bytes());
        let Router { producers, consumers, .. } = router;
        for (_, producer) in producers.iter_mut() {
            let viewers = viewers(producer, |slot| &consumers[slot]);
            stats.producers.push(producer_stats(now, producer, viewers));
        }
        stats
    }

    fn session_stats(&mut self, now: Instant, room: Slot, session: SessionId) -> SessionStats {
        let Figures { loss, round_trip } = self.figures(room, session);
        let Room { router, sessions, .. } = &mut self.rooms[room];
        let presence = sessions.get(&session);
        let (mut received, mut sent) = (0, 0);
        for peer in presence.iter().flat_map(|presence| &presence.peers).map(|&slot| &self.peers[slot]) {
            for &producer in &peer.producers {
                received += router.producers[producer].received_rate(now).0;
            }
            sent += sent_rate(now, &peer.consumers, router).0;
        }
        SessionStats {
            session,
            quality: presence
                .and_then(|presence| presence.quality.told)
                .unwrap_or(ConnectionQuality::Excellent),
            received: Bitrate(received),
            sent: Bitrate(sent),
            loss,
            round_trip_ms: round_trip.map(|round_trip| round_trip.as_millis() as u32),
        }
    }

    fn figures(&self, room: Slot, session: SessionId) -> Figures {
        let of_session = self.rooms[room].peers_of(session).iter().map(|&slot| &self.peers[slot]);
        of_session.fold(Figures::default(), |figures, peer| Figures {
            loss: figures.loss.max(peer.loss),
            // Only a subscriber's reports prove a round trip; both transports share the way.
            round_trip: match peer.direction {
                Direction::Recv => peer.round_trip.or(figures.round_trip),
                Direction::Send => figures.round_trip.or(peer.round_trip),
            },
        })
    }
}

fn producer_stats(now: Instant, producer: &mut Producer, viewers: [u32; LAYERS_MAX]) -> ProducerStats {
    let received = producer.layer_received(now);
    let layer = |layer: usize| LayerStats {
        received: received[layer],
        picture: producer.pictures[layer],
        viewers: viewers[layer],
    };
    ProducerStats {
        producer: producer.id,
        session: producer.session,
        source: producer.source,
        paused: producer.paused,
        layers: (0..producer.layer_count().min(LAYERS_MAX)).map(layer).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ConnectionQuality::{Excellent, Fair, Good, Poor};

    const NEAR: Duration = Duration::from_millis(20);

    #[test]
    fn the_first_judgement_is_told_and_a_single_bad_second_is_not() {
        let mut quality = Quality::default();
        assert_eq!(quality.judge(0.0, NEAR), Some(Excellent));
        assert_eq!(quality.judge(0.5, NEAR), None);
        assert_eq!(quality.judge(0.0, NEAR), None);
        assert_eq!(quality.judge(0.5, NEAR), None);
        assert_eq!(quality.judge(0.5, NEAR), Some(Poor));
        for _ in 1..BETTER_AFTER {
            assert_eq!(quality.judge(0.02, NEAR), None);
        }
        assert_eq!(quality.judge(0.02, NEAR), Some(Good));
    }

    #[test]
    fn the_round_trip_alone_can_be_bad() {
        let judge = |ms| Quality::default().judge(0.0, Duration::from_millis(ms));
        assert_eq!([judge(150), judge(151), judge(301), judge(601)], [Excellent, Good, Fair, Poor].map(Some));
    }
}
