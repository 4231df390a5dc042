//! Events and answers as this dialect's sockets hear them.

use serde_json::{Value, json};

use super::{chat_view, view};
use crate::dialect::iso;
use crate::domain::event::{DomainEvent, Entrance};
use crate::domain::id::{MeetingId, UserId};
use crate::domain::meeting::{Feature, Meeting};
use crate::domain::participant::{Participant, Person};
use crate::domain::roster::RosterEntry;
use crate::service::live_side::{MediaConnection, router_id};
use crate::service::media::{SubscriptionOffer, TransportOffer};
use plenum_shared::rtp::router_capabilities;

/// Name and payload of an event. Every event has a line; a new one makes the compiler ask here.
pub(super) fn event(event: &DomainEvent, ice_servers: &Value) -> (&'static str, Value) {
    use DomainEvent as E;
    match event {
        E::MeetingStarted(meeting) => {
            ("meeting-started", json!({ "meetingId": meeting.id, "meeting": view::meeting(meeting) }))
        }
        E::MeetingEnded { meeting, reason, at } => (
            "meeting-ended",
            json!({ "meetingId": meeting, "reason": reason.as_str(), "timestamp": iso::text(*at) }),
        ),
        E::Joined(entrance) => ("meeting-joined", meeting_joined(entrance, ice_servers)),
        E::ParticipantJoined { meeting, participant } => {
            ("participant-joined", participant_joined(meeting, participant))
        }
        E::ParticipantLeft { meeting, participant, name, reason } => (
            "participant-left",
            json!({ "meetingId": meeting, "participantId": participant, "userName": name, "reason": reason.as_str() }),
        ),
        E::WaitingRoomJoined { meeting, participant } => (
            "waiting-room-joined",
            json!({
                "meetingId": meeting,
                "participantId": participant,
                "message": "Waiting for the host to let you in",
            }),
        ),
        E::JoinRequested { meeting, participant, user, name, at } => (
            "join-request",
            json!({
                "meetingId": meeting,
                "participantId": participant,
                "userId": user.map_or_else(|| participant.to_string(), |user| user.to_string()),
                "userName": name,
                "timestamp": iso::text(*at),
            }),
        ),
        E::JoinDenied { meeting } => {
            ("error", json!({ "message": "Access denied", "event": "join-meeting", "meetingId": meeting }))
        }
        E::HandChanged { meeting, participant, name, raised, at } => (
            "hand-raised",
            json!({
                "meetingId": meeting,
                "participantId": participant,
                "userName": name,
                "raised": raised,
                "timestamp": iso::text(*at),
            }),
        ),
        E::MediaChanged { meeting, participant, media } => (
            "participant-media-updated",
            json!({
                "meetingId": meeting,
                "participantId": participant,
                "video": media.video,
                "audio": media.audio,
                "screenSharing": media.screen,
                "screen": media.screen,
            }),
        ),
        E::RoleChanged { meeting, participant, change } => (
            "participant-role-changed",
            json!({
                "meetingId": meeting.id,
                "participantId": participant.map_or_else(|| change.line.to_string(), |id| id.to_string()),
                "recordId": change.line,
                "userId": meeting.line(change.line).and_then(|line| line.user),
                "old_role": change.old,
                "new_role": change.new,
                "permissions": view::permissions(
                    change.permissions,
                    meeting.settings.features.allows(Feature::Chat),
                ),
            }),
        ),
        E::ParticipantsAdded { meeting, people, by, at } => {
            ("participants-added", roster_news(*meeting, people, *by, *at))
        }
        E::ParticipantsRemoved { meeting, people, by, at } => {
            ("participants-removed", roster_news(*meeting, people, *by, *at))
        }
        E::Invited { meeting, by, at } => (
            "meeting-invitation",
            json!({
                "meetingId": meeting.id,
                "meeting": view::meeting(meeting),
                "invitedBy": by,
                "timestamp": iso::text(*at),
            }),
        ),
        E::InvitationWithdrawn { meeting, name, at } => (
            "removed-from-meeting",
            json!({ "meetingId": meeting, "meetingName": name, "timestamp": iso::text(*at) }),
        ),
        E::MutedByHost { meeting, muted } => {
            ("muted-by-host", json!({ "meetingId": meeting, "muted": muted }))
        }
        E::MessageSent(message) => {
            let mut shown = json!(view::message(message));
            shown["recipientType"] = message.recipient.kind().into();
            ("new-message", json!({ "meetingId": message.place.room(), "message": shown }))
        }
        E::Chat(event) => chat_view::event(event),
        E::ProducerAdded { meeting, participant, producer, kind, source, paused } => (
            "new-producer",
            json!({
                "meetingId": meeting,
                "participantId": participant,
                "producerId": producer,
                "kind": kind,
                "source": source,
                "paused": paused,
            }),
        ),
        E::ProducerClosed { meeting, participant, producer, kind } => (
            "producer-closed",
            json!({ "meetingId": meeting, "participantId": participant, "producerId": producer, "kind": kind }),
        ),
        E::ProducerPaused { meeting, participant, producer, kind, paused } => (
            if *paused { "producer-paused" } else { "producer-resumed" },
            json!({ "meetingId": meeting, "participantId": participant, "producerId": producer, "kind": kind }),
        ),
        E::ActiveSpeaker { meeting, participant } => {
            ("active-speaker", json!({ "meetingId": meeting, "participantId": participant }))
        }
        E::QualityChanged { meeting, participant, quality } => (
            "connection-quality",
            json!({ "meetingId": meeting, "participantId": participant, "quality": quality }),
        ),
        E::ConsumerLayersChanged { consumer, layer } => (
            "consumer-layers-changed",
            json!({
                "consumerId": consumer,
                "spatialLayer": layer.map(|layer| layer.spatial),
                "temporalLayer": layer.and_then(|layer| layer.temporal),
            }),
        ),
        E::MediaReset { meeting } => ("media-reset", json!({ "meetingId": meeting })),
        E::UserOnline { user, name, at } => {
            ("user-online", json!({ "userId": user, "userName": name, "timestamp": iso::text(*at) }))
        }
        E::UserOffline { user, name, at } => {
            let at = iso::text(*at);
            ("user-offline", json!({ "userId": user, "userName": name, "timestamp": at, "lastSeen": at }))
        }
        E::Draining { reconnect_after } => {
            ("server-draining", json!({ "reconnectAfterMs": reconnect_after.as_millis() as u64 }))
        }
    }
}

fn roster_news(
    meeting: MeetingId,
    people: &[RosterEntry],
    by: Option<UserId>,
    at: time::OffsetDateTime,
) -> Value {
    json!({
        "meetingId": meeting,
        "participants": people.iter().map(view::ListedView::of).collect::<Vec<_>>(),
        "changedBy": by,
        "timestamp": iso::text(at),
    })
}

/// What a joiner sees (C-18).
pub(super) fn meeting_joined(entrance: &Entrance, ice_servers: &Value) -> Value {
    let connection = MediaConnection {
        router_id: router_id(&entrance.meeting),
        router_capabilities: serde_json::to_value(router_capabilities()).unwrap_or_default(),
        ice_servers: ice_servers.clone(),
    };
    json!({
        "success": true,
        "meetingId": entrance.meeting.id,
        "meeting": view::meeting(&entrance.meeting),
        "participantId": entrance.me.id,
        "participants": entrance.others.iter().map(participant).collect::<Vec<_>>(),
        "webrtcConfig": view::webrtc_config(&connection),
        "permissions": permissions(&entrance.meeting, &entrance.me),
        "role": entrance.me.standing.role,
        "audio": entrance.me.media.audio,
        "video": entrance.me.media.video,
    })
}

fn participant_joined(meeting: &Meeting, who: &Participant) -> Value {
    let mut joined = participant(who);
    joined["meetingId"] = meeting.id.to_string().into();
    joined["permissions"] = permissions(meeting, who);
    joined
}

/// Somebody inside, with what he publishes.
fn participant(who: &Participant) -> Value {
    let (user, is_guest) = match who.person {
        Person::User(user) => (user.to_string(), false),
        Person::Guest(session) => (session.to_string(), true),
    };
    json!({
        "participantId": who.id,
        "userId": user,
        "userName": who.name,
        "isGuest": is_guest,
        "audio": who.media.audio,
        "video": who.media.video,
        "screen": who.media.screen,
        "screenSharing": who.media.screen,
        "role": who.standing.role,
        "handRaised": who.hand_raised_at.is_some(),
        "producers": who.producers.iter().map(|producer| json!({
            "producerId": producer.id,
            "kind": producer.kind,
            "source": producer.source,
            "paused": producer.paused || who.silences(producer.source),
        })).collect::<Vec<_>>(),
    })
}

fn permissions(meeting: &Meeting, who: &Participant) -> Value {
    json!(view::permissions(who.standing.permissions, meeting.settings.features.allows(Feature::Chat)))
}

/// The answer to `create-transport` (KCS-WS-50).
pub(super) fn transport_created(offer: &TransportOffer) -> Value {
    json!({
        "transportId": offer.transport,
        "direction": offer.direction,
        "iceParameters": offer.ice,
        "iceCandidates": offer.candidates,
        "dtlsParameters": offer.dtls,
    })
}

/// The answer to `consume` (KCS-WS-53).
pub(super) fn consumed(offer: &SubscriptionOffer) -> Value {
    json!({
        "consumerId": offer.consumer,
        "producerId": offer.producer,
        "participantId": offer.publisher,
        "kind": offer.kind,
        "source": offer.source,
        "rtpParameters": offer.rtp_parameters,
        "type": offer.structure,
        "paused": offer.paused,
        "producerPaused": offer.producer_paused,
    })
}
