//! What webhooks are told, in this dialect's words (HOOK-02 to HOOK-04): `{event, meeting_id, data, timestamp}`.

use serde::Serialize;

use crate::dialect::iso;
use crate::domain::id::{MeetingId, UserId, WebhookId};
use crate::domain::webhook::{Happening, Message};

/// The whole of a message.
#[derive(Serialize)]
struct Payload {
    event: &'static str,
    /// Null for a try-out, which is about no meeting.
    meeting_id: Option<MeetingId>,
    data: Data,
    timestamp: String,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Data {
    Started {
        started_by: Option<UserId>,
        started_at: String,
    },
    Joined {
        user_id: Option<UserId>,
        role: &'static str,
        joined_at: String,
    },
    Left {
        user_id: Option<UserId>,
        role: &'static str,
        joined_at: String,
        left_at: String,
        reason: &'static str,
    },
    Ended {
        ended_by: Option<UserId>,
        ended_at: String,
        duration_minutes: u64,
        participant_count: u32,
    },
    Ping {
        webhook_id: WebhookId,
    },
}

/// The body that is sent: the same for every try, since it is signed.
pub fn body(message: &Message) -> String {
    let at = iso::text(message.at);
    let data = match &message.happening {
        Happening::MeetingStarted { by } => Data::Started { started_by: *by, started_at: at.clone() },
        Happening::ParticipantJoined { user, role } => {
            Data::Joined { user_id: *user, role: role.as_str(), joined_at: at.clone() }
        }
        Happening::ParticipantLeft { user, role, joined_at, reason } => Data::Left {
            user_id: *user,
            role: role.as_str(),
            joined_at: iso::text(*joined_at),
            left_at: at.clone(),
            reason: reason.as_str(),
        },
        Happening::MeetingEnded { by, duration_minutes, participants } => Data::Ended {
            ended_by: *by,
            ended_at: at.clone(),
            duration_minutes: *duration_minutes,
            participant_count: *participants,
        },
        Happening::Ping { endpoint } => Data::Ping { webhook_id: *endpoint },
    };
    let event = message.happening.event().as_str();
    let payload = Payload { event, meeting_id: message.meeting, data, timestamp: at };
    serde_json::to_string(&payload).expect("texts and numbers under fixed names are JSON")
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::domain::role::Role;
    use crate::domain::session::LeaveReason;

    const MEETING: &str = "01HXYZ123456789ABCDEFGHJKM";
    const USER: &str = "01HXYZ123456789ABCDEFGHJKN";

    fn said(happening: Happening) -> String {
        let message =
            Message { meeting: MeetingId::parse(MEETING), happening, at: datetime!(2024-01-15 11:00 UTC) };
        body(&message).replace(MEETING, "M").replace(USER, "U").replace("2024-01-15T11:00:00.000Z", "T")
    }

    #[test]
    fn hook_02_hook_03_hook_04_payloads_have_the_keys_of_the_guide_in_its_order() {
        let user = UserId::parse(USER);
        assert_eq!(
            said(Happening::MeetingStarted { by: user }),
            r#"{"event":"meeting.started","meeting_id":"M","data":{"started_by":"U","started_at":"T"},"timestamp":"T"}"#
        );
        assert_eq!(
            said(Happening::ParticipantJoined { user, role: Role::Attendee }),
            r#"{"event":"participant.joined","meeting_id":"M","data":{"user_id":"U","role":"attendee","joined_at":"T"},"timestamp":"T"}"#
        );
        assert_eq!(
            said(Happening::MeetingEnded { by: user, duration_minutes: 60, participants: 5 }),
            r#"{"event":"meeting.ended","meeting_id":"M","data":{"ended_by":"U","ended_at":"T","duration_minutes":60,"participant_count":5},"timestamp":"T"}"#
        );
    }

    #[test]
    fn what_nobody_in_particular_did_is_null_and_a_leaving_says_why() {
        let started = said(Happening::MeetingStarted { by: None });
        assert!(started.contains(r#""started_by":null"#), "{started}");
        let joined_at = datetime!(2024-01-15 10:05 UTC);
        let (role, reason) = (Role::CoHost, LeaveReason::Disconnected);
        assert_eq!(
            said(Happening::ParticipantLeft { user: None, role, joined_at, reason }),
            r#"{"event":"participant.left","meeting_id":"M","data":{"user_id":null,"role":"co_host","joined_at":"2024-01-15T10:05:00.000Z","left_at":"T","reason":"disconnected"},"timestamp":"T"}"#
        );
    }
}
