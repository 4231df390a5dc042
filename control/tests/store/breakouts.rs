//! Breakout rooms with everybody's place in them.

use plenum_control::domain::breakout::{Breakouts, Member, Plan, RoomPlan};
use plenum_control::domain::id::BreakoutRoomId;
use plenum_control::domain::participant::Person;

use super::*;

on_both![c_61_breakout_rooms_come_back_as_they_went_in_until_they_are_forgotten];

async fn c_61_breakout_rooms_come_back_as_they_went_in_until_they_are_forgotten(world: World) {
    let ada = world.account("ada").await;
    let (meeting, other) = (world.meeting(&ada).await.id, world.meeting(&ada).await.id);
    let store = &world.store;
    assert_eq!(store.breakouts(meeting).await, Ok(None));
    let room = RoomPlan {
        name: "Name with 'quotes' and ünïcode".into(),
        description: Some("{\"}".into()),
        capacity: Some(7),
        allow_chat: false,
        allow_screen_share: true,
    };
    let plan = Plan {
        count: 2,
        rooms: vec![room],
        auto_assign: false,
        may_choose: true,
        may_return: false,
        time_limit_minutes: Some(30),
    };
    let mut rooms = Breakouts::open(plan, BreakoutRoomId::generate, now()).expect("within bounds");
    let (first, second) = (rooms.rooms[0].id, rooms.rooms[1].id);
    for (member, room) in [
        (Member::Person(Person::User(ada.id)), first),
        (Member::Person(Person::Guest(ParticipantId::generate())), first),
        (Member::Line(RosterId::generate()), second),
    ] {
        rooms.put(member, Some(room)).expect("free");
    }
    assert_eq!(store.keep_breakouts(meeting, Some(&rooms)).await, Ok(()));
    assert_eq!(store.breakouts(meeting).await, Ok(Some(rooms.clone())));
    assert_eq!(store.breakouts(other).await, Ok(None), "of another meeting");

    rooms.put(Member::Person(Person::User(ada.id)), None).expect("the main room");
    (rooms.closes_at, rooms.may_return) = (None, true);
    assert_eq!(store.keep_breakouts(meeting, Some(&rooms)).await, Ok(()));
    let again = world.place.open().await;
    assert_eq!(again.breakouts(meeting).await, Ok(Some(rooms)));
    for _ in 0..2 {
        assert_eq!(store.keep_breakouts(meeting, None).await, Ok(()), "forgetting twice is fine");
        assert_eq!(store.breakouts(meeting).await, Ok(None));
    }
}
