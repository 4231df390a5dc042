//! A publisher's machine dies, or its tab is closed: the others go on.

use std::time::Duration;

use plenum_shared::command::RoomCommand;
use plenum_shared::event::{CloseReason, Event};

use crate::camera::Camera;
use crate::meeting::Meeting;

fn closed(meeting: &Meeting, person: usize) -> Vec<CloseReason> {
    let session = meeting.people[person].session;
    let closed = meeting.events.iter().filter_map(|event| match event {
        Event::TransportClosed { session: of, reason, .. } if *of == session => Some(*reason),
        _ => None,
    });
    closed.collect()
}

#[test]
fn a_vanished_publisher_is_gone_after_thirty_seconds_and_nobody_else_is() {
    let mut meeting = Meeting::new(1);
    let (ada, bob, eve) = (meeting.join(), meeting.join(), meeting.join());
    let from_ada = meeting.publish(ada, Camera::single());
    let from_bob = meeting.publish(bob, Camera::single());
    let of_ada = meeting.watch(eve, from_ada);
    let of_bob = meeting.watch(eve, from_bob);
    meeting.run(Duration::from_secs(5));
    assert!(!meeting.seen(of_ada).is_empty());

    meeting.vanish(ada);
    meeting.run(Duration::from_secs(25));
    assert_eq!(closed(&meeting, ada), [], "she may come back");
    meeting.run(Duration::from_secs(10));
    assert_eq!(closed(&meeting, ada), [CloseReason::ConsentExpired; 2], "both of her transports");
    assert_eq!(closed(&meeting, bob), []);
    assert_eq!(closed(&meeting, eve), []);
    let inventory = &meeting.engine.inventory()[0];
    assert_eq!(inventory.producers, [from_bob]);
    assert_eq!(inventory.consumers, [of_bob.consumer]);

    let before = meeting.seen(of_bob).len();
    meeting.run(Duration::from_secs(2));
    assert!(meeting.seen(of_bob).len() >= before + 190, "bob's camera goes on");
}

#[test]
fn a_closed_tab_is_gone_at_once() {
    let mut meeting = Meeting::new(2);
    let (ada, bob) = (meeting.join(), meeting.join());
    let camera = meeting.publish(ada, Camera::single());
    meeting.watch(bob, camera);
    meeting.run(Duration::from_secs(3));
    meeting.people[ada].camera = None;
    meeting.people[ada].send.browser.as_mut().unwrap().rtc.close().unwrap();
    meeting.run(Duration::from_millis(200));
    assert_eq!(closed(&meeting, ada), [CloseReason::PeerClosed]);
    assert_eq!(meeting.engine.inventory()[0].producers, []);
}

#[test]
fn a_publisher_who_returns_is_seen_again_by_the_same_viewer() {
    let mut meeting = Meeting::new(3);
    let (ada, bob) = (meeting.join(), meeting.join());
    let camera = meeting.publish(ada, Camera::single());
    meeting.watch(bob, camera);
    meeting.run(Duration::from_secs(3));
    let session = meeting.people[ada].session;
    meeting.vanish(ada);
    meeting.command(RoomCommand::CloseSession { session }).unwrap();

    let ada = meeting.join();
    let camera = meeting.publish(ada, Camera::single());
    let view = meeting.watch(bob, camera);
    meeting.run(Duration::from_secs(2));
    assert!(meeting.seen(view).len() > 100);
}
