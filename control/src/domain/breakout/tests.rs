//! Rooms, places and their bounds, without a meeting around them.

use super::*;
use crate::domain::fixtures::now;
use crate::domain::id::UserId;

fn plan(count: u32, rooms: Vec<RoomPlan>) -> Plan {
    Plan { count, rooms, auto_assign: false, may_choose: false, may_return: true, time_limit_minutes: None }
}

fn named(name: &str, capacity: Option<u32>) -> RoomPlan {
    RoomPlan { name: name.to_owned(), capacity, ..RoomPlan::numbered(1) }
}

fn open(plan: Plan) -> Breakouts {
    Breakouts::open(plan, BreakoutRoomId::generate, now()).expect("within bounds")
}

fn person() -> Person {
    Person::User(UserId::generate())
}

#[test]
fn c_61_missing_rooms_are_made_up_and_named_by_their_number() {
    let breakouts = open(plan(3, vec![named(" Red ", Some(5))]));
    let names: Vec<_> = breakouts.rooms.iter().map(|room| room.name.as_str()).collect();
    assert_eq!(names, ["Red", "Breakout Room 2", "Breakout Room 3"]);
    assert!(breakouts.rooms.iter().all(|room| room.allow_chat && room.allow_screen_share));
    assert!(breakouts.places.is_empty() && breakouts.closes_at.is_none());
}

#[test]
fn c_61_more_rooms_than_counted_and_numbers_out_of_bounds_are_refused_by_field() {
    let refused = |plan: Plan| match plan.check() {
        Err(DomainError::FieldInvalid { field, .. } | DomainError::FieldMissing(field)) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(plan(0, vec![])), "room_count");
    assert_eq!(refused(plan(101, vec![])), "room_count");
    assert_eq!(refused(plan(1, vec![named("a", None), named("b", None)])), "rooms");
    assert_eq!(refused(plan(1, vec![named("  ", None)])), "rooms.name");
    assert_eq!(refused(plan(1, vec![named(&"x".repeat(101), None)])), "rooms.name");
    assert_eq!(refused(plan(1, vec![named("a\nb", None)])), "rooms.name");
    assert_eq!(refused(plan(1, vec![named("a", Some(0))])), "rooms.capacity");
    let long = RoomPlan { description: Some("x".repeat(1001)), ..named("a", None) };
    assert_eq!(refused(plan(1, vec![long])), "rooms.description");
    let limited = |minutes| Plan { time_limit_minutes: Some(minutes), ..plan(1, vec![]) };
    assert_eq!([refused(limited(0)), refused(limited(1441))], ["time_limit_minutes"; 2]);
    assert_eq!(limited(1440).check(), Ok(()));
    assert_eq!(plan(100, vec![named("a", Some(1))]).check(), Ok(()));
}

#[test]
fn c_61_a_time_limit_is_counted_in_minutes_from_the_opening() {
    let breakouts = open(Plan { time_limit_minutes: Some(30), ..plan(1, vec![]) });
    let end = now() + Duration::from_secs(30 * 60);
    assert_eq!(breakouts.closes_at, Some(end));
    assert!(!breakouts.is_over(end - Duration::from_secs(1)) && breakouts.is_over(end));
    assert!(!open(plan(1, vec![])).is_over(end));
}

#[test]
fn c_61_a_full_room_takes_nobody_more_but_keeps_whoever_is_in_it() {
    let mut breakouts = open(plan(2, vec![named("small", Some(1))]));
    let (small, large) = (breakouts.rooms[0].id, breakouts.rooms[1].id);
    let (ada, bob) = (Member::Person(person()), Member::Line(RosterId::generate()));
    assert_eq!(breakouts.put(ada, Some(small)), Ok(()));
    assert_eq!(breakouts.put(ada, Some(small)), Ok(()), "again, into the same");
    assert_eq!(breakouts.put(bob, Some(small)), Err(DomainError::BreakoutRoomFull));
    assert_eq!(breakouts.put(bob, Some(BreakoutRoomId::generate())), Err(DomainError::BreakoutRoomNotFound));
    assert_eq!(breakouts.put(ada, Some(large)), Ok(()));
    assert_eq!(breakouts.put(bob, Some(small)), Ok(()), "the place is free again");
    assert_eq!(breakouts.put(bob, None), Ok(()));
    assert_eq!(breakouts.places, HashMap::from([(ada, large)]));
}

#[test]
fn c_61_people_are_dealt_one_after_the_other_and_full_rooms_are_passed_by() {
    let mut breakouts = open(plan(3, vec![named("one", Some(1))]));
    let people: Vec<_> = (0..6).map(|_| person()).collect();
    breakouts.deal(people.iter().copied());
    let rooms: Vec<_> = breakouts.rooms.iter().map(|room| room.id).collect();
    let places: Vec<_> = people
        .iter()
        .map(|one| rooms.iter().position(|room| breakouts.place_of(*one) == Some(*room)))
        .collect();
    assert_eq!(places, [Some(0), Some(1), Some(2), Some(1), Some(2), Some(1)]);
    let mut tiny = open(plan(1, vec![named("one", Some(1))]));
    tiny.deal(people.iter().copied());
    assert_eq!(tiny.places.len(), 1, "whoever fits nowhere stays in the main room");
}

#[test]
fn c_61_a_place_kept_for_an_invitation_is_the_persons_who_comes_by_it() {
    let mut breakouts = open(plan(1, vec![]));
    let (line, ada, room) = (RosterId::generate(), person(), breakouts.rooms[0].id);
    breakouts.put(Member::Line(line), Some(room)).expect("free");
    breakouts.recognize(ada, Some(RosterId::generate()));
    assert_eq!(breakouts.place_of(ada), None);
    breakouts.recognize(ada, Some(line));
    assert_eq!(breakouts.places, HashMap::from([(Member::Person(ada), room)]));
}
