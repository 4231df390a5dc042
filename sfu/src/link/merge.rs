//! What the parts of a room on several workers answer, as one answer. Home's comes first and knows who is there and how they
//! are connected; branches know what they send.

use plenum_shared::{
    command::{ProducerStats, Reply, Response, RoomInventory, RoomStats},
    details::{ProducerDetails, SessionDetails},
};
use std::collections::HashMap;

/// Puts the answers to one command together: the first refusal, if there is one that matters.
pub fn responses(answers: Vec<Response>) -> Response {
    let mut merged: Option<Response> = None;
    for answer in answers {
        merged = Some(match (merged, answer) {
            (None, answer) => answer,
            (Some(Ok(Reply::Stats(home))), Ok(Reply::Stats(branch))) => Ok(Reply::Stats(stats(home, branch))),
            (Some(Ok(Reply::SessionDetails(home))), Ok(Reply::SessionDetails(branch))) => {
                Ok(Reply::SessionDetails(Box::new(details(*home, *branch))))
            }
            // Of a session that home knows nothing of, a branch knows what is about to be told.
            (Some(Err(_)), Ok(Reply::SessionDetails(branch))) if !branch.transports.is_empty() => {
                Ok(Reply::SessionDetails(branch))
            }
            (Some(Ok(_)), Err(refusal)) => Err(refusal),
            (Some(first), _) => first,
        });
    }
    merged.unwrap_or(Ok(Reply::Done))
}

fn stats(mut home: RoomStats, branch: RoomStats) -> RoomStats {
    home.received.0 += branch.received.0;
    home.sent.0 += branch.sent.0;
    home.received_bytes += branch.received_bytes;
    home.sent_bytes += branch.sent_bytes;
    let places: HashMap<_, _> = (0..).zip(&home.sessions).map(|(at, of)| (of.session, at)).collect();
    for session in branch.sessions {
        match places.get(&session.session) {
            Some(&at) => {
                let known = &mut home.sessions[at];
                known.received.0 += session.received.0;
                known.sent.0 += session.sent.0;
            }
            None => home.sessions.push(session),
        }
    }
    let mut mirrors: HashMap<_, ProducerStats> =
        branch.producers.into_iter().map(|mirror| (mirror.producer, mirror)).collect();
    for producer in &mut home.producers {
        let Some(mirror) = mirrors.remove(&producer.producer) else { continue };
        for (layer, seen) in producer.layers.iter_mut().zip(&mirror.layers) {
            layer.viewers += seen.viewers;
        }
    }
    home
}

fn details(mut home: SessionDetails, branch: SessionDetails) -> SessionDetails {
    home.transports.extend(branch.transports);
    home.consumers.extend(branch.consumers);
    home.data_consumers.extend(branch.data_consumers);
    let mut mirrors: HashMap<_, ProducerDetails> =
        branch.producers.into_iter().map(|mirror| (mirror.producer, mirror)).collect();
    for producer in &mut home.producers {
        let Some(mirror) = mirrors.remove(&producer.producer) else { continue };
        for (layer, seen) in producer.layers.iter_mut().zip(&mirror.layers) {
            layer.viewers += seen.viewers;
        }
    }
    home
}

/// One entry for each room, whatever parts it has.
pub fn inventories(parts: Vec<RoomInventory>) -> Vec<RoomInventory> {
    let mut rooms: Vec<RoomInventory> = Vec::with_capacity(parts.len());
    let mut places = HashMap::new();
    for part in parts {
        match places.get(&part.room) {
            None => {
                places.insert(part.room, rooms.len());
                rooms.push(part);
            }
            Some(&at) => {
                let known: &mut RoomInventory = &mut rooms[at];
                known.transports.extend(part.transports);
                known.producers.extend(part.producers);
                known.consumers.extend(part.consumers);
                known.data_producers.extend(part.data_producers);
                known.data_consumers.extend(part.data_consumers);
            }
        }
    }
    rooms
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenum_shared::{
        command::{LayerStats, Refusal, RefusalReason, SessionStats},
        id::{ConsumerId, ProducerId, RoomId, SessionId},
        media::{Bitrate, ConnectionQuality, Source},
    };

    fn session(session: SessionId, quality: ConnectionQuality, sent: u64) -> SessionStats {
        SessionStats {
            session,
            quality,
            received: Bitrate(5),
            sent: Bitrate(sent),
            loss: 0.0,
            round_trip_ms: None,
        }
    }

    fn producer(producer: ProducerId, viewers: u32) -> ProducerStats {
        let layers = vec![LayerStats { viewers, ..LayerStats::default() }];
        ProducerStats {
            producer,
            session: SessionId::random(),
            source: Source::Camera,
            paused: false,
            layers,
        }
    }

    #[test]
    fn what_is_sent_and_who_watches_adds_up_and_home_judges() {
        let (ada, bob, camera) = (SessionId::random(), SessionId::random(), ProducerId::random());
        let home = RoomStats {
            sent: Bitrate(100),
            received_bytes: 7,
            sessions: vec![session(ada, ConnectionQuality::Fair, 100)],
            producers: vec![producer(camera, 2)],
            ..RoomStats::default()
        };
        let branch = RoomStats {
            sent: Bitrate(50),
            sessions: vec![
                session(ada, ConnectionQuality::Excellent, 20),
                session(bob, ConnectionQuality::Good, 30),
            ],
            producers: vec![producer(camera, 3), producer(ProducerId::random(), 9)],
            ..RoomStats::default()
        };
        let merged = responses(vec![Ok(Reply::Stats(home)), Ok(Reply::Stats(branch))]);
        let Ok(Reply::Stats(merged)) = merged else { panic!("{merged:?}") };
        assert_eq!((merged.sent, merged.received_bytes), (Bitrate(150), 7));
        let told: Vec<_> = merged.sessions.iter().map(|of| (of.session, of.quality, of.sent.0)).collect();
        assert_eq!(told, [(ada, ConnectionQuality::Fair, 120), (bob, ConnectionQuality::Good, 30)]);
        assert_eq!(merged.producers.len(), 1);
        assert_eq!(merged.producers[0].layers[0].viewers, 5);
    }

    #[test]
    fn a_part_that_fails_is_the_answer() {
        let failed = Err(Refusal::new(RefusalReason::Internal, ""));
        assert_eq!(responses(vec![Ok(Reply::Done), failed.clone(), Ok(Reply::Done)]), failed);
        assert_eq!(responses(vec![Ok(Reply::Done); 3]), Ok(Reply::Done));
    }

    #[test]
    fn parts_of_a_room_are_one_room() {
        let (room, other) = (RoomId::random(), RoomId::random());
        let part = |room, consumers: Vec<ConsumerId>| RoomInventory {
            room,
            transports: Vec::new(),
            producers: Vec::new(),
            consumers,
            data_producers: Vec::new(),
            data_consumers: Vec::new(),
        };
        let (a, b) = (ConsumerId::random(), ConsumerId::random());
        let merged = inventories(vec![part(room, vec![a]), part(other, vec![]), part(room, vec![b])]);
        assert_eq!(merged, [part(room, vec![a, b]), part(other, vec![])]);
    }
}
