//! What control may have missed is told once more: what is watched, who speaks, who is how well connected, and what each
//! viewer gets.
//!
//! As events and not in the inventory, because an answer and events overtake each other, and events are in order. The last
//! two are as many as there are viewers and what they watch: they are told one transport after the other, so that the queue
//! of events is not filled by what is there to make up for its losses.

use std::time::{Duration, Instant};

use plenum_shared::{event::Event, id::SessionId};

use super::{Engine, Waiting, demux::Slot, relay::message::ToHome, router::announce::told_of};

/// Between two transports. With as many as a worker may have it takes 41 seconds.
const APART: Duration = Duration::from_millis(10);

impl Engine {
    /// Tells again what was told to a control that is gone, or was lost on the way to this one.
    pub fn tell_again(&mut self, now: Instant) {
        self.tell_watched_again(now);
        self.tell_speakers_again(now);
        let mut at = now;
        let slots: Vec<Slot> = self.peers.iter().map(|(slot, _)| slot).collect();
        for slot in slots {
            // Whose turn is still to come keeps it.
            if self.peers[slot].tell_again_at.is_none() {
                self.peers[slot].tell_again_at = Some(at);
                self.deadlines.advance(Waiting::Peer(slot), at);
                at += APART;
            }
        }
    }

    /// A transport's turn: what its consumers get, and with the first of a session how that is connected.
    pub(super) fn tell_of_peer_again(&mut self, slot: Slot) {
        let Engine { rooms, peers, events, .. } = self;
        let peer = &mut peers[slot];
        peer.tell_again_at = None;
        let (room, session) = (&rooms[peer.room], peer.session);
        let presence = room.sessions.get(&session).filter(|presence| presence.peers.first() == Some(&slot));
        if let Some(quality) = presence.and_then(|presence| presence.quality.told()) {
            events.push_back(Event::QualityChanged { room: room.id, session, quality });
        }
        let watched = peer.consumers.iter().map(|&consumer| &room.router.consumers[consumer]);
        events.extend(watched.filter_map(|consumer| told_of(consumer, room.id)));
        if presence.is_some() {
            let room = peer.room;
            self.tell_home(room, ToHome::Retell { session });
        }
    }

    /// As above, of a session whose transports are all on branches.
    pub(super) fn retell_elsewhere(&mut self, room: Slot, session: SessionId) {
        let room = &self.rooms[room];
        let presence = room.sessions.get(&session).filter(|presence| presence.peers.is_empty());
        if let Some(quality) = presence.and_then(|presence| presence.quality.told()) {
            self.events.push_back(Event::QualityChanged { room: room.id, session, quality });
        }
    }
}
