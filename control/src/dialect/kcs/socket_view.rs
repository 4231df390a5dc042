//! Events and answers as this dialect's sockets hear them.

use std::sync::LazyLock;

use plenum_shared::id::ProducerId;
use plenum_shared::media::Kind;
use plenum_shared::rtp::router_capabilities;
use plenum_shared::transport::SctpParameters;
use serde_json::{Value, json};
use time::OffsetDateTime;

use super::told::{self, DataProducerTold, ParticipantTold, ProducerOf, ProducerTold, Said, say};
use super::view::envelope::{Timestamp, True};
use super::view::people::BothPermissionsView;
use super::{chat_view, view};
use crate::domain::event::{AccessEnd, DomainEvent, Entrance};
use crate::domain::id::{MeetingId, ParticipantId, UserId};
use crate::domain::meeting::{Meeting, Standing};
use crate::domain::participant::{Participant, Person, Producer};
use crate::domain::recording::Recording;
use crate::domain::roster::RosterEntry;
use crate::service::live_side::{MediaConnection, router_id};
use crate::service::media::{SubscriptionOffer, TransportOffer};

/// So long clients show a reaction, in seconds (C-51).
const REACTION_SECONDS: u32 = 3;

/// Name and payload of an event. Every event has a line; a new one makes the compiler ask here.
pub fn event(event: &DomainEvent, ice_servers: &Value) -> Said {
    use DomainEvent as E;
    match event {
        E::MeetingStarted(meeting) => {
            say(&told::MeetingStarted { meeting_id: meeting.id, meeting: view::meeting(meeting) })
        }
        E::MeetingEnded { meeting, reason, at } => say(&told::MeetingEnded {
            meeting_id: *meeting,
            reason: (*reason).into(),
            timestamp: Timestamp(*at),
        }),
        E::Joined(entrance) => say(&meeting_joined(entrance, ice_servers)),
        E::ParticipantJoined { meeting, participant } => say(&participant_joined(meeting, participant)),
        E::ParticipantLeft { meeting, participant, name, reason, .. } => say(&told::ParticipantLeft {
            meeting_id: *meeting,
            participant_id: *participant,
            user_name: name.clone(),
            reason: (*reason).into(),
        }),
        E::WaitingRoomJoined { meeting, participant } => say(&told::WaitingRoomJoined {
            meeting_id: *meeting,
            participant_id: *participant,
            message: "Waiting for the host to let you in",
        }),
        E::JoinRequested { meeting, participant, user, name, at } => say(&told::JoinRequest {
            meeting_id: *meeting,
            participant_id: *participant,
            user_id: user.map_or_else(|| participant.to_string(), |user| user.to_string()),
            user_name: name.clone(),
            timestamp: Timestamp(*at),
        }),
        E::JoinDenied { meeting } => say(&told::Refused {
            message: "Access denied".to_owned(),
            code: None,
            event: "join-meeting",
            meeting_id: Some(*meeting),
        }),
        E::HandChanged { meeting, participant, name, raised, position, at, .. } => say(&told::HandRaised {
            meeting_id: *meeting,
            participant_id: *participant,
            user_name: name.clone(),
            raised: *raised,
            timestamp: Timestamp(*at),
            raised_at: raised.then_some(Timestamp(*at)),
            hand_position: *position,
        }),
        E::ReactionSent { meeting, participant, name, reaction, at, .. } => say(&told::ReactionShown {
            meeting_id: *meeting,
            participant_id: *participant,
            user_name: name.clone(),
            reaction: reaction.emoji().to_owned(),
            duration: REACTION_SECONDS,
            timestamp: Timestamp(*at),
        }),
        E::TypingChanged { meeting, participant, person, name, typing } => say(&told::UserTyping {
            meeting_id: *meeting,
            participant_id: *participant,
            user_id: person_id(*person),
            user_name: name.clone(),
            typing: *typing,
        }),
        E::RecordingChanged { meeting, recording, active, by } => say(&told::RecordingStatus {
            meeting_id: *meeting,
            recording: *active,
            recording_id: recording.id,
            started_by: by.map(person_id),
            started_at: Timestamp(recording.started_at),
        }),
        E::RecordingStarted { meeting, recording } => say(&told::RecordingStarted {
            meeting_id: *meeting,
            recording_id: recording.id,
            private: false,
            started_by: recording.started_by.map(person_id),
            timestamp: Timestamp(recording.started_at),
        }),
        E::RecordingEnded { meeting, recording, at } => say(&told::RecordingEnded {
            meeting_id: *meeting,
            recording_id: recording.id,
            private: false,
            duration_seconds: (*at - recording.started_at).as_seconds_f64().max(0.0),
            timestamp: Timestamp(*at),
        }),
        E::MediaChanged { meeting, participant, media, .. } => say(&told::MediaUpdated {
            meeting_id: *meeting,
            participant_id: *participant,
            video: media.video,
            audio: media.audio,
            screen_sharing: media.screen,
            screen: media.screen,
        }),
        E::PolicyChanged(meeting) => {
            say(&told::PolicyChanged { meeting_id: meeting.id, security_policy: view::policy(meeting) })
        }
        E::RoleChanged { meeting, participant, change } => say(&told::RoleChanged {
            meeting_id: meeting.id,
            participant_id: participant.map_or_else(|| change.line.to_string(), |id| id.to_string()),
            record_id: change.line,
            user_id: meeting.line(change.line).and_then(|line| line.user),
            old_role: change.old.into(),
            new_role: change.new.into(),
            permissions: view::permissions(
                meeting,
                Standing { role: change.new, permissions: change.permissions },
            ),
        }),
        E::ParticipantsAdded { meeting, people, by, at } => {
            say(&told::ParticipantsAdded(roster_news(*meeting, people, *by, *at)))
        }
        E::ParticipantsRemoved { meeting, people, by, at } => {
            say(&told::ParticipantsRemoved(roster_news(*meeting, people, *by, *at)))
        }
        E::Invited { meeting, by, at } => say(&told::Invited {
            meeting_id: meeting.id,
            meeting: view::meeting(meeting),
            invited_by: *by,
            timestamp: Timestamp(*at),
        }),
        E::InvitationWithdrawn { meeting, name, at } => say(&told::InvitationWithdrawn {
            meeting_id: *meeting,
            meeting_name: name.clone(),
            timestamp: Timestamp(*at),
        }),
        E::MutedByHost { meeting, muted, .. } => {
            say(&told::MutedByHost { meeting_id: *meeting, muted: *muted })
        }
        E::MessageSent(message) => say(&told::NewMessage {
            meeting_id: message.place.room(),
            message: told::MessageTold {
                message: view::message(message),
                recipient_type: message.recipient.into(),
            },
        }),
        E::Chat(event) => chat_view::event(event),
        E::ProducerAdded { meeting, participant, producer, kind, source, paused } => {
            let producer = ProducerTold {
                producer_id: *producer,
                kind: (*kind).into(),
                source: (*source).into(),
                paused: *paused,
            };
            say(&told::NewProducer { meeting_id: *meeting, participant_id: *participant, producer })
        }
        E::ProducerClosed { meeting, participant, producer, kind } => {
            say(&told::ProducerClosed(track(*meeting, *participant, *producer, *kind)))
        }
        E::ProducerPaused { meeting, participant, producer, kind, paused } => {
            let track = track(*meeting, *participant, *producer, *kind);
            if *paused { say(&told::ProducerPaused(track)) } else { say(&told::ProducerResumed(track)) }
        }
        E::DataProducerAdded { meeting, participant, producer, names } => say(&told::NewDataProducer {
            meeting_id: *meeting,
            participant_id: *participant,
            channel: DataProducerTold::of(*producer, names),
        }),
        E::DataProducerClosed { meeting, participant, producer } => say(&told::DataProducerClosed {
            meeting_id: *meeting,
            participant_id: *participant,
            data_producer_id: *producer,
        }),
        E::DataConsumerClosed { consumer, reason } => {
            say(&told::DataConsumerClosed { data_consumer_id: *consumer, reason: (*reason).into() })
        }
        E::ActiveSpeaker { meeting, participant } => {
            say(&told::ActiveSpeaker { meeting_id: *meeting, participant_id: *participant })
        }
        E::QualityChanged { meeting, participant, quality } => say(&told::QualityChanged {
            meeting_id: *meeting,
            participant_id: *participant,
            quality: (*quality).into(),
        }),
        E::ActiveSpeakers { meeting, speakers } => say(&told::ActiveSpeakers {
            meeting_id: *meeting,
            speakers: speakers.iter().map(Into::into).collect(),
        }),
        E::ProducerLayers { producer, highest } => {
            say(&told::ProducerLayers { producer_id: *producer, highest_layer: *highest })
        }
        E::ConsumerLayersChanged { consumer, layer, limit } => say(&told::ConsumerLayersChanged {
            consumer_id: *consumer,
            spatial_layer: layer.map(|layer| layer.spatial),
            temporal_layer: layer.and_then(|layer| layer.temporal),
            limited_by: limit.map(Into::into),
        }),
        E::BreakoutsChanged(news) => say(&told::BreakoutRoomsChanged::of(news)),
        E::BreakoutAssigned { meeting, participant, room, .. } => say(&told::BreakoutAssigned {
            meeting_id: *meeting,
            participant_id: *participant,
            room_id: room.as_ref().map(|room| room.id),
            name: room.as_ref().map(|room| room.name.clone()),
        }),
        E::BreakoutBroadcast { meeting, by, name, text, at } => say(&told::BreakoutBroadcast {
            meeting_id: *meeting,
            user_id: person_id(*by),
            user_name: name.clone(),
            message: text.clone(),
            timestamp: Timestamp(*at),
        }),
        E::MediaReset { meeting } => say(&told::MediaReset { meeting_id: *meeting }),
        E::UserOnline { user, name, at } => {
            say(&told::UserOnline { user_id: *user, user_name: name.clone(), timestamp: Timestamp(*at) })
        }
        E::UserOffline { user, name, at } => say(&told::UserOffline {
            user_id: *user,
            user_name: name.clone(),
            timestamp: Timestamp(*at),
            last_seen: Timestamp(*at),
        }),
        E::AccessEnded(why) => {
            let (message, code) = match why {
                AccessEnd::Expired => ("Token expired", "TOKEN_EXPIRED"),
                AccessEnd::Revoked => ("Invalid token", "TOKEN_REVOKED"),
            };
            let (message, event) = (message.to_owned(), "connect");
            say(&told::Refused { message, code: Some(code), event, meeting_id: None })
        }
        E::Draining { reconnect_after } => {
            say(&told::ServerDraining { reconnect_after_ms: reconnect_after.as_millis() as u64 })
        }
    }
}

fn track(meeting: MeetingId, participant: ParticipantId, producer: ProducerId, kind: Kind) -> ProducerOf {
    ProducerOf { meeting_id: meeting, participant_id: participant, producer_id: producer, kind: kind.into() }
}

fn roster_news(
    meeting: MeetingId,
    people: &[RosterEntry],
    by: Option<UserId>,
    at: OffsetDateTime,
) -> told::RosterNews {
    told::RosterNews {
        meeting_id: meeting,
        participants: people.iter().map(view::ListedView::of).collect(),
        changed_by: by,
        timestamp: Timestamp(at),
    }
}

/// What a joiner sees (C-18).
pub(super) fn meeting_joined(entrance: &Entrance, ice_servers: &Value) -> told::MeetingJoined {
    static CAPABILITIES: LazyLock<Value> = LazyLock::new(|| json!(router_capabilities()));
    let connection = MediaConnection {
        router_id: router_id(&entrance.meeting),
        router_capabilities: CAPABILITIES.clone(),
        ice_servers: ice_servers.clone(),
    };
    told::MeetingJoined {
        success: True,
        meeting_id: entrance.meeting.id,
        meeting: view::meeting(&entrance.meeting),
        participant_id: entrance.me.id,
        participants: entrance.others.iter().map(|other| participant(other, &entrance.hands)).collect(),
        webrtc_config: view::webrtc_config(&connection),
        permissions: permissions(&entrance.meeting, &entrance.me),
        role: entrance.me.standing.role.into(),
        audio: entrance.me.media.audio,
        video: entrance.me.media.video,
        recording: recording_now(entrance.recording.as_ref()),
        security_policy: view::policy(&entrance.meeting),
    }
}

fn recording_now(recording: Option<&Recording>) -> told::RecordingNow {
    told::RecordingNow {
        recording: recording.is_some(),
        recording_id: recording.map(|recording| recording.id),
        started_by: recording.and_then(|recording| recording.started_by).map(person_id),
        started_at: recording.map(|recording| Timestamp(recording.started_at)),
    }
}

/// What stands where the wire wants a user: people without an account are known by their session.
pub(super) fn person_id(person: Person) -> String {
    match person {
        Person::User(user) => user.to_string(),
        Person::Guest(session) => session.to_string(),
    }
}

fn participant_joined(meeting: &Meeting, who: &Participant) -> told::ParticipantJoined {
    told::ParticipantJoined {
        participant: participant(who, &[]),
        meeting_id: meeting.id,
        permissions: permissions(meeting, who),
    }
}

/// Somebody inside, with what he publishes. `hands`: the queue of raised ones.
fn participant(who: &Participant, hands: &[ParticipantId]) -> ParticipantTold {
    ParticipantTold {
        participant_id: who.id,
        user_id: person_id(who.person),
        user_name: who.name.clone(),
        is_guest: matches!(who.person, Person::Guest(_)),
        audio: who.media.audio,
        video: who.media.video,
        screen: who.media.screen,
        screen_sharing: who.media.screen,
        role: who.standing.role.into(),
        hand_raised: who.hand_raised_at.is_some(),
        raised_at: who.hand_raised_at.map(Timestamp),
        connection_quality: who.quality.map(Into::into),
        hand_position: hands.iter().position(|hand| *hand == who.id).map(|index| index + 1),
        producers: who.producers.iter().map(|producer| published(who, producer)).collect(),
        data_producers: who
            .data_producers
            .iter()
            .map(|channel| DataProducerTold::of(channel.id, &channel.names))
            .collect(),
    }
}

fn published(who: &Participant, producer: &Producer) -> ProducerTold {
    ProducerTold {
        producer_id: producer.id,
        kind: producer.kind.into(),
        source: producer.source.into(),
        paused: producer.paused || who.silences(producer.source),
    }
}

fn permissions(meeting: &Meeting, who: &Participant) -> BothPermissionsView {
    view::permissions(meeting, who.standing)
}

/// The answer to `create-transport` (KCS-WS-50).
pub(super) fn transport_created(offer: &TransportOffer) -> told::TransportCreated {
    told::TransportCreated {
        transport_id: offer.transport,
        direction: offer.direction.into(),
        ice_parameters: json!(offer.ice),
        ice_candidates: json!(offer.candidates),
        dtls_parameters: json!(offer.dtls),
        sctp_parameters: SctpParameters::OURS.into(),
    }
}

/// The answer to `consume` (KCS-WS-53).
pub(super) fn consumed(offer: &SubscriptionOffer) -> told::Consumed {
    told::Consumed {
        consumer_id: offer.consumer,
        producer_id: offer.producer,
        participant_id: offer.publisher,
        kind: offer.kind.into(),
        source: offer.source.into(),
        rtp_parameters: json!(offer.rtp_parameters),
        r#type: offer.structure.into(),
        paused: offer.paused,
        producer_paused: offer.producer_paused,
    }
}
