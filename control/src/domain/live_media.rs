//! The media side of a running meeting: what each session has open, publishes and watches. It mirrors the media plane
//! and decides what may be asked of it; the asking happens elsewhere, between two calls.

use plenum_shared::{
    id::{ConsumerId, ProducerId, RoomId, SessionId, TransportId},
    media::{ConnectionQuality, Direction, Kind, Layer, LayerLimit, Source},
};

use super::error::DomainError;
use super::event::{Audience, DomainEvent, Notice};
use super::id::ParticipantId;
use super::live::LiveMeeting;
use super::participant::{
    CONSUMERS_MAX, ConnectionId, Consumer, MediaChange, PRODUCERS_MAX, Participant, Producer,
};
use super::policy::Action;

/// Which of a participant's tracks somebody wants to see or hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Session, roster line or account of the publisher.
    pub publisher: String,
    pub kind: Kind,
    pub source: Option<Source>,
    pub producer: Option<ProducerId>,
}

/// A subscription that may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscription {
    pub publisher: ParticipantId,
    pub producer: Producer,
    pub transport: TransportId,
}

impl LiveMeeting {
    /// Puts a transport into place; says which one it replaces, and what happened to the tracks on that one.
    ///
    /// # Errors
    /// `NotInMeeting`.
    pub fn open_transport(
        &mut self,
        connection: ConnectionId,
        direction: Direction,
        transport: TransportId,
    ) -> Result<(Option<TransportId>, Vec<Notice>), DomainError> {
        let id = self.of_connection(connection)?.id;
        let replaced = self.participants.get_mut(&id).and_then(|p| p.put_transport(direction, transport));
        let notices = replaced.map_or_else(Vec::new, |old| self.drop_transport(id, old));
        Ok((replaced, notices))
    }

    /// A transport of this connection.
    ///
    /// # Errors
    /// `NotInMeeting`, or a transport of somebody else.
    pub fn own_transport(&self, connection: ConnectionId, transport: TransportId) -> Result<(), DomainError> {
        let own = self.of_connection(connection)?.has_transport(transport);
        if own { Ok(()) } else { Err(DomainError::TransportNotFound) }
    }

    /// Whether this connection may publish such a track now, on which transport, and whether it starts held back.
    ///
    /// # Errors
    /// Not inside, not allowed, no transport, too many tracks.
    pub fn may_produce(
        &self,
        connection: ConnectionId,
        kind: Kind,
        source: Source,
    ) -> Result<(TransportId, bool), DomainError> {
        self.allowed(connection, right_to_send(kind, source))?;
        let participant = self.of_connection(connection)?;
        if participant.producers.len() >= PRODUCERS_MAX {
            return Err(DomainError::MediaRefused("too many tracks".to_owned()));
        }
        let transport = participant.send_transport.ok_or(DomainError::TransportNotFound)?;
        // A camera that is published is on (C-50); sound waits until its owner and the host let it be heard.
        Ok((transport, kind == Kind::Audio && participant.silences(source)))
    }

    /// A track is published: the others may watch it.
    ///
    /// # Errors
    /// The participant, the transport or the right to send it went meanwhile.
    pub fn add_producer(
        &mut self,
        connection: ConnectionId,
        producer: Producer,
    ) -> Result<Vec<Notice>, DomainError> {
        self.own_transport(connection, producer.transport)?;
        let id = self.allowed(connection, right_to_send(producer.kind, producer.source))?;
        let participant = self.participants.get_mut(&id).ok_or(DomainError::NotInMeeting)?;
        participant.producers.push(producer);
        let paused =
            producer.paused || (producer.kind == Kind::Audio && participant.silences(producer.source));
        let Producer { id: producer_id, kind, source, .. } = producer;
        let event = DomainEvent::ProducerAdded {
            meeting: self.meeting.id,
            participant: id,
            producer: producer_id,
            kind,
            source,
            paused,
        };
        let mut notices = vec![Notice::new(self.room_mates(id), event)];
        notices.extend(self.change_media(id, shown_by(source, true)));
        Ok(notices)
    }

    /// A track of this connection.
    ///
    /// # Errors
    /// `NotInMeeting` or `ProducerNotFound`.
    pub fn own_producer(
        &self,
        connection: ConnectionId,
        producer: ProducerId,
    ) -> Result<Producer, DomainError> {
        let participant = self.of_connection(connection)?;
        participant.producers.iter().find(|p| p.id == producer).copied().ok_or(DomainError::ProducerNotFound)
    }

    /// Whether a track must be held back now; `None` when nobody publishes it.
    pub fn held(&self, producer: ProducerId) -> Option<bool> {
        self.participants.values().find_map(|participant| {
            let track = participant.producers.iter().find(|track| track.id == producer)?;
            Some(track.paused || participant.silences(track.source))
        })
    }

    /// The publisher takes a track back.
    ///
    /// # Errors
    /// Not his track.
    pub fn close_producer(
        &mut self,
        connection: ConnectionId,
        producer: ProducerId,
    ) -> Result<Vec<Notice>, DomainError> {
        self.own_producer(connection, producer)?;
        let id = self.of_connection(connection)?.id;
        // Who asked for it hears of it like everybody in the room: the event is the answer (ADD-EV-16).
        Ok(self.drop_producers(id, |p| p.id == producer))
    }

    /// The publisher pauses or resumes one track. Says what is told.
    ///
    /// # Errors
    /// Not his track.
    pub fn pause_producer(
        &mut self,
        connection: ConnectionId,
        producer: ProducerId,
        paused: bool,
    ) -> Result<Vec<Notice>, DomainError> {
        let id = self.of_connection(connection)?.id;
        let meeting = self.meeting.id;
        let participant = self.participants.get_mut(&id).ok_or(DomainError::NotInMeeting)?;
        let track = participant
            .producers
            .iter_mut()
            .find(|p| p.id == producer)
            .ok_or(DomainError::ProducerNotFound)?;
        let changed = track.paused != paused;
        track.paused = paused;
        let event =
            DomainEvent::ProducerPaused { meeting, participant: id, producer, kind: track.kind, paused };
        Ok(if changed { vec![Notice::new(self.room_of(id), event)] } else { Vec::new() })
    }

    /// Whether this connection may watch such a track now.
    ///
    /// # Errors
    /// Not inside, nobody of that name, no such track, no transport, too many subscriptions.
    pub fn may_consume(
        &self,
        connection: ConnectionId,
        wanted: &Wanted,
    ) -> Result<Subscription, DomainError> {
        let viewer = self.of_connection(connection)?;
        let publishers = self.resolve(&wanted.publisher);
        if publishers.is_empty() {
            return Err(DomainError::ParticipantNotFound);
        }
        let pick = |publisher: &Participant| match wanted.producer {
            Some(id) => publisher.producers.iter().find(|p| p.id == id && p.kind == wanted.kind).copied(),
            None => publisher.pick_producer(wanted.kind, wanted.source).copied(),
        };
        // Of several sessions of one person the newest that has the track. What another room publishes is not there.
        let near = publishers.iter().rev().filter(|id| self.together(viewer.id, **id));
        let found = near.filter_map(|id| self.participants.get(id));
        let (publisher, producer) = found
            .filter_map(|p| pick(p).map(|track| (p.id, track)))
            .next()
            .ok_or(DomainError::ProducerNotFound)?;
        if viewer.consumers.len() >= CONSUMERS_MAX {
            return Err(DomainError::MediaRefused("too many subscriptions".to_owned()));
        }
        let transport = viewer.recv_transport.ok_or(DomainError::TransportNotFound)?;
        Ok(Subscription { publisher, producer, transport })
    }

    /// A subscription exists.
    ///
    /// # Errors
    /// Viewer, transport or track went meanwhile.
    pub fn add_consumer(&mut self, connection: ConnectionId, consumer: Consumer) -> Result<(), DomainError> {
        self.own_transport(connection, consumer.transport)?;
        let id = self.of_connection(connection)?.id;
        let publishes = |p: &&Participant| p.producers.iter().any(|track| track.id == consumer.producer);
        let publisher = self.participants.values().find(publishes).ok_or(DomainError::ProducerNotFound)?;
        // One of the two may have gone to another room while the media plane was being asked.
        if !self.together(publisher.id, id) {
            return Err(DomainError::ProducerNotFound);
        }
        let participant = self.participants.get_mut(&id).ok_or(DomainError::NotInMeeting)?;
        participant.consumers.push(consumer);
        Ok(())
    }

    /// A subscription of this connection.
    ///
    /// # Errors
    /// `NotInMeeting` or `ConsumerNotFound`.
    pub fn own_consumer(
        &self,
        connection: ConnectionId,
        consumer: ConsumerId,
    ) -> Result<Consumer, DomainError> {
        let participant = self.of_connection(connection)?;
        participant.consumers.iter().find(|c| c.id == consumer).copied().ok_or(DomainError::ConsumerNotFound)
    }

    /// The media plane closed a transport: only media is cleaned up, the participant stays (his connection lives).
    pub fn transport_closed(&mut self, session: SessionId, transport: TransportId) -> Vec<Notice> {
        let id = ParticipantId(session.0);
        let Some(participant) = self.participants.get_mut(&id) else { return Vec::new() };
        for place in [&mut participant.send_transport, &mut participant.recv_transport] {
            if *place == Some(transport) {
                *place = None;
            }
        }
        self.drop_transport(id, transport)
    }

    /// The room is gone with all media in it; from now on there is a new one, empty. Nobody shows a screen any more;
    /// cameras and microphones stay as their owners said, who publish them again.
    pub fn media_lost(&mut self, room: RoomId) -> Vec<Notice> {
        self.room = room;
        self.speech.clear();
        for participant in self.participants.values_mut() {
            (participant.send_transport, participant.recv_transport) = (None, None);
            participant.producers.clear();
            participant.consumers.clear();
            participant.data_producers.clear();
            participant.data_consumers.clear();
        }
        let mut notices =
            vec![Notice::new(Audience::Everyone, DomainEvent::MediaReset { meeting: self.meeting.id })];
        let everybody: Vec<_> = self.roster().iter().map(|participant| participant.id).collect();
        for id in everybody {
            notices.extend(self.change_media(id, shown_by(Source::Screen, false)));
        }
        notices
    }

    /// The connection of a session got better or worse.
    pub fn quality_changed(&mut self, session: SessionId, quality: ConnectionQuality) -> Vec<Notice> {
        let meeting = self.meeting.id;
        let id = ParticipantId(session.0);
        match self.participants.get_mut(&id) {
            Some(participant) if participant.quality != Some(quality) => {
                participant.quality = Some(quality);
                let event = DomainEvent::QualityChanged { meeting, participant: id, quality };
                vec![Notice::new(Audience::Everyone, event)]
            }
            _ => Vec::new(),
        }
    }

    /// A viewer gets another layer than before. What he was told already he is not told again.
    pub fn layers_changed(
        &mut self,
        session: SessionId,
        consumer: ConsumerId,
        layer: Option<Layer>,
        limit: Option<LayerLimit>,
    ) -> Vec<Notice> {
        let id = ParticipantId(session.0);
        let Some(viewer) = self.participants.get_mut(&id) else { return Vec::new() };
        let Some(view) = viewer.consumers.iter_mut().find(|view| view.id == consumer) else {
            return Vec::new();
        };
        if view.told.replace((layer, limit)) == Some((layer, limit)) {
            return Vec::new();
        }
        let event = DomainEvent::ConsumerLayersChanged { consumer, layer, limit };
        vec![Notice::new(Audience::One(id), event)]
    }

    /// What of a track anybody watches has changed. The publisher may hear it before he hears that his track is there.
    pub fn watched_layers_changed(
        &self,
        session: SessionId,
        producer: ProducerId,
        highest: Option<u8>,
    ) -> Vec<Notice> {
        let event = DomainEvent::ProducerLayers { producer, highest };
        vec![Notice::new(Audience::One(ParticipantId(session.0)), event)]
    }

    fn drop_transport(&mut self, id: ParticipantId, transport: TransportId) -> Vec<Notice> {
        if let Some(participant) = self.participants.get_mut(&id) {
            participant.consumers.retain(|c| c.transport != transport);
            participant.data_consumers.retain(|c| c.transport != transport);
        }
        let mut notices = self.drop_producers(id, |p| p.transport == transport);
        notices.extend(self.drop_data_producers(id, |p| p.transport == transport));
        notices
    }

    pub(super) fn drop_producers(
        &mut self,
        id: ParticipantId,
        gone: impl Fn(&Producer) -> bool,
    ) -> Vec<Notice> {
        let meeting = self.meeting.id;
        let Some(participant) = self.participants.get_mut(&id) else { return Vec::new() };
        let dropped: Vec<_> = participant.producers.extract_if(.., |p| gone(p)).collect();
        self.drop_subscriptions_to(&dropped.iter().map(|p| p.id).collect::<Vec<_>>());
        let mut notices = Vec::new();
        for Producer { id: producer, kind, source, .. } in dropped {
            let event = DomainEvent::ProducerClosed { meeting, participant: id, producer, kind };
            notices.push(Notice::new(self.room_of(id), event));
            // A screen that is no longer published is no longer shown. Camera and microphone stay as their owner said:
            // he may be between two transports.
            if source == Source::Screen {
                notices.extend(self.change_media(id, shown_by(source, false)));
            }
        }
        notices
    }

    /// The media plane drops them by itself when the track goes.
    pub(super) fn drop_subscriptions_to(&mut self, producers: &[ProducerId]) {
        if producers.is_empty() {
            return;
        }
        for participant in self.participants.values_mut() {
            participant.consumers.retain(|c| !producers.contains(&c.producer));
        }
    }
}

/// What somebody must be allowed to do in order to publish such a track.
pub(super) fn right_to_send(kind: Kind, source: Source) -> Action {
    match (kind, source) {
        (_, Source::Screen | Source::ScreenAudio) => Action::ShareScreen,
        (Kind::Audio, _) => Action::SendAudio,
        (Kind::Video, _) => Action::SendVideo,
    }
}

/// What publishing a track says about its owner's status.
fn shown_by(source: Source, on: bool) -> MediaChange {
    let none = MediaChange::default();
    match source {
        Source::Camera => MediaChange { video: Some(on), ..none },
        Source::Screen => MediaChange { screen: Some(on), ..none },
        Source::Microphone | Source::ScreenAudio => none,
    }
}
