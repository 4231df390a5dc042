//! Events as raw WebSockets hear them.

use bytes::Bytes;
use serde_json::json;
use time::OffsetDateTime;

use super::socket_line::{End, Line};
use super::told::{
    BreakoutAssignedTold, BreakoutRoomsTold, ChatTold, DeviceTold, EndedTold, ErrorTold, HandTold, JoinTold,
    JoinedTold, LeaveTold, ReactionTold, UpdateTold, person_id, say,
};
use super::{error, view};
use crate::dialect::iso::Timestamp;
use crate::domain::chat::{ChatMessage, Recipient, Sender};
use crate::domain::error::DomainError;
use crate::domain::event::{AccessEnd, DomainEvent, Entrance};
use crate::domain::id::MeetingId;
use crate::domain::participant::{Participant, Person};

/// So long clients show a reaction, in seconds (C-51).
const REACTION_SECONDS: u32 = 3;

/// What an event is to these sockets.
pub(super) enum Said {
    /// It has no words here.
    Nothing,
    /// The same message for everybody who is to hear it.
    Same(Bytes),
    /// What is said depends on whom: see [`personal`].
    Personal,
}

/// What an event is. Every event has a line; a new one makes the compiler ask here. `now` is said where the event does not
/// say when.
pub(super) fn event(event: &DomainEvent, now: OffsetDateTime) -> Said {
    use DomainEvent as E;
    let frame = match event {
        E::ParticipantJoined { meeting, participant } => {
            say(meeting.id, Some(participant.person), participant.joined_at, &inside(participant))
        }
        E::ParticipantLeft { meeting, participant, person, name, reason } => {
            let told = LeaveTold {
                participant_id: *participant,
                user_name: name.clone(),
                reason: reason.as_str(),
            };
            say(*meeting, Some(*person), now, &told)
        }
        E::JoinRequested { meeting, participant, user, name, at } => {
            let told = UpdateTold {
                participant_id: Some(*participant),
                user_name: Some(name.clone()),
                is_in_waiting_room: Some(true),
                ..UpdateTold::default()
            };
            let person = user.map_or(Person::Guest(*participant), Person::User);
            say(*meeting, Some(person), *at, &told)
        }
        E::HandChanged { meeting, participant, person, name, raised, position, at } => {
            let told = HandTold {
                participant_id: *participant,
                user_name: name.clone(),
                is_hand_raised: *raised,
                hand_position: *position,
            };
            say(*meeting, Some(*person), *at, &told)
        }
        E::ReactionSent { meeting, participant, person, name, reaction, at } => {
            let told = ReactionTold {
                participant_id: *participant,
                user_name: name.clone(),
                reaction_type: reaction.name().to_owned(),
                duration: REACTION_SECONDS,
            };
            say(*meeting, Some(*person), *at, &told)
        }
        E::MediaChanged { meeting, participant, person, media } => {
            let told = UpdateTold {
                participant_id: Some(*participant),
                is_muted: Some(!media.audio),
                is_video_enabled: Some(media.video),
                is_screen_sharing: Some(media.screen),
                ..UpdateTold::default()
            };
            say(*meeting, Some(*person), now, &told)
        }
        E::MutedByHost { meeting, participant, person, muted } => {
            let told = UpdateTold {
                participant_id: Some(*participant),
                // Lifting a mute opens no microphone (C-44).
                is_muted: muted.then_some(true),
                is_muted_by_host: Some(*muted),
                ..UpdateTold::default()
            };
            say(*meeting, Some(*person), now, &told)
        }
        // Who is not inside is nobody that a client in here knows.
        E::RoleChanged { meeting, participant: Some(participant), change } => {
            let user = meeting.line(change.line).and_then(|line| line.user);
            let told = UpdateTold {
                participant_id: Some(*participant),
                user_role: Some(change.new.into()),
                ..UpdateTold::default()
            };
            say(meeting.id, user.map(Person::User), now, &told)
        }
        E::MessageSent(message) => match message.place.meeting() {
            Some(meeting) => chat(meeting, message),
            None => return Said::Nothing,
        },
        E::BreakoutsChanged(news) => {
            let told = BreakoutRoomsTold {
                rooms: view::breakouts::rooms(news),
                allow_participants_to_choose: news.may_choose,
                allow_participants_to_return: news.may_return,
                time_limit_at: news.closes_at.map(Timestamp),
            };
            say(news.meeting, None, now, &told)
        }
        E::BreakoutAssigned { meeting, participant, person, room } => {
            let told = BreakoutAssignedTold {
                participant_id: *participant,
                room_id: room.as_ref().map(|room| room.id),
                name: room.as_ref().map(|room| room.name.clone()),
            };
            say(*meeting, Some(*person), now, &told)
        }
        E::MeetingEnded { meeting, reason, at } => {
            say(*meeting, None, *at, &EndedTold { reason: reason.as_str(), ended_at: Timestamp(*at) })
        }
        E::Joined(_) | E::WaitingRoomJoined { .. } | E::JoinDenied { .. } | E::AccessEnded(_) => {
            return Said::Personal;
        }
        E::Draining { .. }
        // Only the webhook and the other dialects say these (C-08): the state of a recording is asked for by V1-03.
        | E::MeetingStarted(_)
        | E::RecordingChanged { .. }
        | E::RecordingStarted { .. }
        | E::RecordingEnded { .. }
        | E::TypingChanged { .. }
        | E::PolicyChanged(_)
        | E::RoleChanged { participant: None, .. }
        | E::ParticipantsAdded { .. }
        | E::ParticipantsRemoved { .. }
        | E::Invited { .. }
        | E::InvitationWithdrawn { .. }
        | E::Chat(_)
        // Media comes from elsewhere to these clients (C-59).
        | E::ProducerAdded { .. }
        | E::ProducerClosed { .. }
        | E::ProducerPaused { .. }
        | E::DataProducerAdded { .. }
        | E::DataProducerClosed { .. }
        | E::DataConsumerClosed { .. }
        | E::ActiveSpeaker { .. }
        | E::ActiveSpeakers { .. }
        | E::QualityChanged { .. }
        | E::ConsumerLayersChanged { .. }
        | E::ProducerLayers { .. }
        // The same words are a message of the chat.
        | E::BreakoutBroadcast { .. }
        | E::MediaReset { .. }
        | E::UserOnline { .. }
        | E::UserOffline { .. } => return Said::Nothing,
    };
    Said::Same(frame)
}

/// What one client hears of an event that concerns it alone. `waited`: until now.
pub(super) fn personal(event: &DomainEvent, line: &Line, waited: bool, now: OffsetDateTime) -> Vec<Bytes> {
    use DomainEvent as E;
    let refused =
        |request, reason: &DomainError| vec![refusal(line.meeting, line.person, now, request, reason)];
    match event {
        E::Joined(entrance) => {
            let (meeting, me) = (entrance.meeting.id, &entrance.me);
            let admitted = waited.then(|| say(meeting, Some(me.person), now, &admitted(me)));
            let joined = say(meeting, Some(me.person), me.joined_at, &joined(entrance));
            admitted.into_iter().chain([joined]).collect()
        }
        E::WaitingRoomJoined { meeting, participant } => {
            let told = UpdateTold {
                participant_id: Some(*participant),
                is_in_waiting_room: Some(true),
                ..UpdateTold::default()
            };
            vec![say(*meeting, Some(line.person), now, &told)]
        }
        E::JoinDenied { .. } => refused(Some("join"), &DomainError::Forbidden),
        E::AccessEnded(AccessEnd::Expired) => refused(None, &DomainError::TokenExpired),
        E::AccessEnded(AccessEnd::Revoked) => refused(None, &DomainError::TokenInvalid),
        _ => Vec::new(),
    }
}

/// How the connection ends with an event; most end none.
pub(super) fn end(event: &DomainEvent) -> Option<End> {
    match event {
        DomainEvent::MeetingEnded { .. } => Some(End::after_all(1000, "Meeting has ended")),
        DomainEvent::AccessEnded(AccessEnd::Expired) => Some(End::after_all(1008, "Token expired")),
        DomainEvent::AccessEnded(AccessEnd::Revoked) => Some(End::after_all(1008, "Invalid token")),
        DomainEvent::Draining { .. } => Some(End::after_all(1001, "Server is stopping; come back")),
        _ => None,
    }
}

/// A refusal, in the words of REST. `request`: the type of the message that is refused.
pub(super) fn refusal(
    meeting: MeetingId,
    of: Person,
    now: OffsetDateTime,
    request: Option<&'static str>,
    reason: &DomainError,
) -> Bytes {
    let words = error::words(reason, now);
    let details = json!(words.details);
    let told = ErrorTold { code: words.code, message: words.message.into_owned(), details, request };
    say(meeting, Some(of), now, &told)
}

/// What whoever waited hears first: that he waits no longer (C-25).
fn admitted(me: &Participant) -> UpdateTold {
    UpdateTold {
        participant_id: Some(me.id),
        is_muted: Some(!me.media.audio),
        is_video_enabled: Some(me.media.video),
        is_screen_sharing: Some(me.media.screen),
        is_in_waiting_room: Some(false),
        ..UpdateTold::default()
    }
}

fn joined(entrance: &Entrance) -> JoinedTold {
    JoinedTold {
        me: inside(&entrance.me),
        participants: entrance.others.iter().map(|other| inside(other)).collect(),
    }
}

fn inside(who: &Participant) -> JoinTold {
    JoinTold {
        participant_id: who.id,
        user_id: person_id(who.person),
        user_name: who.name.clone(),
        user_role: who.standing.role.into(),
        device_info: DeviceTold { device_type: who.device.clone() },
        is_muted: !who.media.audio,
        is_video_enabled: who.media.video,
        is_screen_sharing: who.media.screen,
        is_hand_raised: who.hand_raised_at.is_some(),
        joined_at: Timestamp(who.joined_at),
    }
}

fn chat(meeting: MeetingId, message: &ChatMessage) -> Bytes {
    let sender = match message.sender {
        Sender::User(user) => Person::User(user),
        Sender::Guest(session) => Person::Guest(session),
    };
    let told = ChatTold {
        message: view::chat::message(message),
        recipient_id: match message.recipient {
            Recipient::All | Recipient::Hosts => None,
            Recipient::User(user) => Some(user.to_string()),
            Recipient::Guest(session) => Some(session.to_string()),
        },
    };
    say(meeting, Some(sender), message.sent_at, &told)
}
