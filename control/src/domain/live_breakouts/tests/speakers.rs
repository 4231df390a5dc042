//! Those who are heard are told within their room only (ADD-EV-74).

use plenum_shared::event::Speaking;

use super::*;

/// One event about speakers: the one above the others, or everybody who is heard and how loud.
type Speech = (Option<ParticipantId>, Vec<(ParticipantId, i16)>);

/// What one session hears of speakers.
fn speech(notices: &[Notice], who: Session) -> Vec<Speech> {
    let mine = notices.iter().filter(|notice| match &notice.audience {
        Audience::Everyone => true,
        Audience::One(one) => *one == who.id,
        Audience::These(some) => some.contains(&who.id),
        _ => false,
    });
    mine.filter_map(|notice| match &notice.event {
        DomainEvent::ActiveSpeaker { participant, .. } => Some((*participant, Vec::new())),
        DomainEvent::ActiveSpeakers { speakers, .. } => {
            Some((None, speakers.iter().map(|one| (one.participant, one.level_dbov)).collect()))
        }
        _ => None,
    })
    .collect()
}

fn speaking(who: Session, level_dbov_neg: u8) -> Speaking {
    Speaking { session: SessionId(who.id.0), producer: ProducerId::random(), level_dbov_neg }
}

#[test]
fn add_ev_74_those_who_are_heard_are_told_within_their_room_and_each_once() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob"]);
    let [hanna, ada, bob] = inside[..] else { panic!() };
    let whole = world.live.speakers_changed(0, &[speaking(ada, 20), speaking(hanna, 45), speaking(ada, 50)]);
    assert_eq!(speech(&whole, bob), [(None, vec![(ada.id, -20), (hanna.id, -45)])]);
    assert_eq!(world.live.speakers(), [ada.id, hanna.id]);
    let rooms = world.open(plan(2));
    world.assign("hanna", "ada", rooms[1]).expect("moves");
    world.assign("hanna", "bob", rooms[1]).expect("moves");
    // Hanna is in the main room: what was measured before she went is not told.
    let heard = world.live.speakers_changed(2, &[speaking(hanna, 10), speaking(bob, 30)]);
    assert_eq!((speech(&heard, ada), speech(&heard, hanna)), (vec![(None, vec![(bob.id, -30)])], vec![]));
    assert_eq!(world.live.speakers_changed(3, &[speaking(hanna, 10)]), [], "there is no such room");
    assert_eq!(world.live.speaker_changed(9, None), []);
}

#[test]
fn add_ev_74_whoever_changes_rooms_hears_who_speaks_there_and_is_heard_no_more_where_he_was() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob", "eve"]);
    let [hanna, ada, bob, eve] = inside[..] else { panic!() };
    let rooms = world.open(plan(1));
    world.assign("hanna", "eve", rooms[0]).expect("moves");
    world.assign("hanna", "bob", rooms[0]).expect("moves");
    world.live.speaker_changed(0, Some(SessionId(ada.id.0)));
    world.live.speakers_changed(0, &[speaking(ada, 20)]);
    world.live.speaker_changed(1, Some(SessionId(eve.id.0)));
    world.live.speakers_changed(1, &[speaking(eve, 30)]);
    let moved = world.assign("hanna", "ada", rooms[0]).expect("moves");
    assert_eq!(moved.regrouped, [SessionId(ada.id.0)]);
    assert_eq!(world.live.group_of_session(SessionId(ada.id.0)), Some(1));
    assert_eq!(speech(&moved.notices, hanna), [(None, vec![]), (None, vec![])], "nobody speaks any more");
    assert_eq!(speech(&moved.notices, ada), [(Some(eve.id), vec![]), (None, vec![(eve.id, -30)])]);
    assert_eq!(speech(&moved.notices, bob), [], "in the room he came to nothing changed");
    assert_eq!(world.live.speakers(), [eve.id]);
    let closed = world.wish("hanna", BreakoutWish::Close).expect("closes");
    assert_eq!(speech(&closed.notices, bob), [(None, vec![]), (None, vec![])]);
    assert_eq!(closed.regrouped.len(), 3);
    assert_eq!(world.live.speakers(), []);
}

#[test]
fn add_ev_74_a_room_that_takes_the_place_of_another_has_its_speakers() {
    let (mut world, inside) = World::with(&["hanna", "ada", "bob", "eve"]);
    let [_, ada, bob, eve] = inside[..] else { panic!() };
    let dealt = || Plan { auto_assign: true, ..plan(2) };
    world.open(dealt());
    let together = |world: &World, one: Session, other: Session| world.live.together(one.id, other.id);
    assert!(together(&world, ada, eve) && !together(&world, ada, bob), "dealt in turn");
    world.live.speaker_changed(1, Some(SessionId(ada.id.0)));
    world.live.speakers_changed(1, &[speaking(ada, 20)]);
    let again = world.wish("hanna", BreakoutWish::Open(dealt())).expect("opens");
    assert_eq!(again.regrouped, [], "the media plane sees no change, and says nothing");
    assert_eq!(speech(&again.notices, eve), [], "ada speaks as before");
    assert_eq!(world.live.speakers(), [ada.id]);
    let rooms = rooms_of(world.live.breakouts());
    let came = world.assign("hanna", "bob", rooms[0]).expect("moves");
    assert_eq!(speech(&came.notices, bob), [(Some(ada.id), vec![]), (None, vec![(ada.id, -20)])]);
    let fewer = world.wish("hanna", BreakoutWish::Open(plan(1))).expect("opens");
    assert_eq!(speech(&fewer.notices, eve), [(None, vec![]), (None, vec![])], "all are in the main room");
    assert_eq!(world.live.speakers(), []);
}

#[test]
fn add_ev_74_whoever_enters_hears_who_speaks_in_his_room_and_nobody_else_hears_it_again() {
    let (mut world, inside) = World::with(&["hanna", "ada"]);
    let [hanna, ada] = inside[..] else { panic!() };
    let (first, notices) = world.join("bob");
    assert_eq!(speech(&notices, first), [], "nobody speaks");
    world.live.speaker_changed(0, Some(SessionId(ada.id.0)));
    world.live.speakers_changed(0, &[speaking(ada, 20)]);
    let (eve, notices) = world.join("eve");
    let told = [(Some(ada.id), vec![]), (None, vec![(ada.id, -20)])];
    assert_eq!(speech(&notices, eve), told);
    assert_eq!(speech(&notices, hanna), []);
    let socket = ConnectionId(100);
    let attached = world.live.attach(eve.id, socket).expect("inside");
    assert_eq!(speech(&attached, eve), told, "his socket hears it as well");
    let rooms = world.open(plan(1));
    world.assign("hanna", "carl", rooms[0]).expect("is expected there");
    let (carl, notices) = world.join("carl");
    assert_eq!(speech(&notices, carl), [], "ada is in another room");
}

#[test]
fn add_ev_74_what_is_said_again_is_told_once_but_the_silence_after_somebody_who_left_is() {
    let (mut world, inside) = World::with(&["hanna", "ada"]);
    let [hanna, ada] = inside[..] else { panic!() };
    let say = |world: &mut World| {
        let mut told = world.live.speaker_changed(0, Some(SessionId(ada.id.0)));
        told.extend(world.live.speakers_changed(0, &[speaking(ada, 20)]));
        speech(&told, hanna)
    };
    assert_eq!(say(&mut world), [(Some(ada.id), vec![]), (None, vec![(ada.id, -20)])]);
    assert_eq!(say(&mut world), [], "again");
    world.live.leave(ada.id, LeaveReason::Left);
    let mut silence = world.live.speaker_changed(0, None);
    silence.extend(world.live.speakers_changed(0, &[]));
    assert_eq!(speech(&silence, hanna), [(None, vec![]), (None, vec![])]);
}
