//! Typing with a clock that is told what time it is.

use std::sync::Arc;

use plenum_shared::id::RoomId;
use time::Duration;

use super::*;
use crate::domain::admission::Admission;
use crate::domain::fixtures::{account, actor, meeting, now};
use crate::domain::live::Joiner;
use crate::domain::meeting::MeetingStatus;
use crate::domain::role::Role;
use crate::domain::session::LeaveReason;

const ADA: ConnectionId = ConnectionId(1);
const BOB: ConnectionId = ConnectionId(2);

fn two_inside() -> LiveMeeting {
    let (ada, bob) = (account("ada"), account("bob"));
    let meeting = meeting(&ada, MeetingStatus::Live, &[(&bob, Role::Attendee)]);
    let mut live = LiveMeeting::new(Arc::new(meeting), RoomId::random());
    for (person, connection) in [(ada, ADA), (bob, BOB)] {
        let id = ParticipantId::generate();
        let joiner = Joiner::over_socket(id, actor(&person), person.name.clone(), connection, now());
        live.join(joiner, Admission::Enter, now()).expect("enters");
    }
    live
}

fn at(ms: i64) -> OffsetDateTime {
    now() + Duration::milliseconds(ms)
}

/// What is told about typing, in order.
fn told(notices: &[Notice]) -> Vec<bool> {
    let typing = |notice: &Notice| match &notice.event {
        DomainEvent::TypingChanged { typing, .. } => Some(*typing),
        _ => None,
    };
    notices.iter().filter_map(typing).collect()
}

#[test]
fn c_54_typing_ends_three_seconds_after_its_last_sign_and_is_told_at_most_every_second() {
    let mut live = two_inside();
    assert_eq!(live.next_deadline(), None);
    assert_eq!(told(&live.set_typing(ADA, true, at(0)).expect("inside")), [true]);
    assert!(told(&live.set_typing(ADA, true, at(999)).expect("inside")).is_empty());
    assert_eq!(live.next_deadline(), Some(at(3999)));
    assert_eq!(told(&live.set_typing(ADA, true, at(1000)).expect("inside")), [true]);
    assert!(told(&live.handle_deadline(at(3999))).is_empty());
    assert_eq!(told(&live.handle_deadline(at(4000))), [false]);
    assert!(told(&live.handle_deadline(at(9000))).is_empty(), "once");
    assert_eq!(live.next_deadline(), None);
    assert!(told(&live.set_typing(ADA, false, at(9000)).expect("inside")).is_empty());
}

#[test]
fn c_54_the_first_of_several_ends_first_and_only_the_others_hear_it() {
    let mut live = two_inside();
    live.set_typing(ADA, true, at(0)).expect("inside");
    live.set_typing(BOB, true, at(500)).expect("inside");
    assert_eq!(live.next_deadline(), Some(at(3000)));
    let over = live.handle_deadline(at(3000));
    assert_eq!(told(&over), [false]);
    assert_eq!(live.recipients(&over[0].audience), [BOB]);
    let left = live.leave_connection(BOB, LeaveReason::Disconnected);
    assert_eq!(told(&left), [false]);
    assert!(matches!(left[1].event, DomainEvent::ParticipantLeft { .. }), "typing ends before he is gone");
    assert_eq!(live.next_deadline(), None);
}

#[test]
fn rt_12_the_queue_moves_up_when_somebody_ahead_lowers_the_hand() {
    let mut live = two_inside();
    let position = |notices: Vec<Notice>| match notices.first().map(|notice| &notice.event) {
        Some(DomainEvent::HandChanged { position, .. }) => *position,
        _ => None,
    };
    assert_eq!(position(live.raise_hand(ADA, true, at(0)).expect("inside")), Some(1));
    assert_eq!(position(live.raise_hand(BOB, true, at(1)).expect("inside")), Some(2));
    assert_eq!(position(live.raise_hand(ADA, false, at(2)).expect("inside")), None);
    assert_eq!(live.hands().len(), 1);
    assert_eq!(position(live.raise_hand(ADA, true, at(3)).expect("inside")), Some(2), "at the end again");
    assert_eq!(live.lower_hands(BOB, None, at(4)), Err(DomainError::Forbidden));
    assert_eq!(live.lower_hands(ADA, None, at(4)).expect("a host").len(), 2);
    assert_eq!(live.lower_hands(ADA, None, at(5)), Ok(Vec::new()));
}
