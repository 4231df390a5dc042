//! The figures of a room: what control asks for every few seconds.

use std::time::Instant;

use plenum_shared::{
    command::{LayerStats, ProducerStats, RoomStats, SessionStats},
    id::SessionId,
    media::{Bitrate, ConnectionQuality},
};

use super::{
    Engine,
    bandwidth::sent_rate,
    demux::Slot,
    quality::Figures,
    room::Room,
    router::{
        Router,
        producer::{LAYERS_MAX, Producer},
    },
    stats::viewers,
};

impl Engine {
    /// Media figures of a room at this moment.
    pub(super) fn room_stats(&mut self, now: Instant, room: Slot) -> RoomStats {
        let mut stats = RoomStats::default();
        // A session is listed where its first transport is.
        let sessions = self.rooms[room].peers.iter().filter_map(|&slot| {
            let session = self.peers[slot].session;
            (self.rooms[room].peers_of(session).first() == Some(&slot)).then_some(session)
        });
        let mut sessions: Vec<SessionId> = sessions.collect();
        // How those are connected who are on branches alone is judged here too.
        let elsewhere = self.rooms[room].sessions.iter().filter(|(_, presence)| presence.peers.is_empty());
        sessions.extend(elsewhere.map(|(&session, _)| session));
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
        let Figures { loss, round_trip, .. } = self.figures(room, session);
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
                .and_then(|presence| presence.quality.told())
                .unwrap_or(ConnectionQuality::Excellent),
            received: Bitrate(received),
            sent: Bitrate(sent),
            loss,
            round_trip_ms: round_trip.map(|round_trip| round_trip.as_millis() as u32),
        }
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
