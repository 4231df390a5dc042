//! A peer that moves while it speaks: ICE restarts, NATs that forget, other networks. Keys and media stay.

use std::time::Duration;

use plenum_sfu::engine::transport::{Received, TransportEvent};
use plenum_shared::command::{RefusalReason, Reply, RoomCommand};
use plenum_shared::event::Event;
use plenum_shared::id::TransportId;
use str0m::ice::IceCreds;
use uuid::Uuid;

use crate::camera::Camera;
use crate::connecting::{A, B, LOCAL, NOMINATING, Pair};
use crate::meeting::{Meeting, View};
use crate::peer::{Check, address, stun_answer};

/// Not below `PATH_SILENCE` of the transport.
const SILENCE: Duration = Duration::from_millis(500);
const PLAIN: Check = Check { use_candidate: false, controlled: false, unknown_attribute: false };

/// A restart with new credentials on both sides, as signalling would have told it. Returns the ones of before.
fn restart(pair: &mut Pair, ufrag: &str) -> (String, String) {
    let forgotten =
        pair.transport.restart_ice(ufrag.to_owned(), format!("the password of {ufrag}, long enough"));
    assert_eq!(forgotten, None);
    let before = std::mem::replace(&mut pair.peer.remote, pair.transport.ice_parameters());
    (before.username_fragment, before.password)
}

#[test]
fn a_restart_changes_credentials_and_neither_keys_nor_the_flow_of_media() {
    let mut pair = Pair::connected();
    pair.check(A, NOMINATING);
    let (old_ufrag, _) = restart(&mut pair, "second");
    assert_eq!(pair.transport.ice_parameters().username_fragment, "second");
    assert!(pair.media_reaches_the_peer(1) && pair.media_reaches_the_transport(A), "before any check");

    // The browser has a new half of the user name too, and may come from elsewhere.
    pair.peer.ufrag = "theirs, anew".to_owned();
    assert_eq!(stun_answer(&pair.check(B, PLAIN)[0].bytes), 0);
    assert_eq!(pair.path().as_deref(), Some(A), "the old path serves until the new one is nominated");
    assert_eq!(pair.transport.local_ufrags().collect::<Vec<_>>(), ["second", old_ufrag.as_str()]);
    let request = pair.peer.check(NOMINATING);
    let (received, _) = pair.deliver(B, &request);
    assert!(matches!(received, Received::Checked { retired: Some(ufrag), .. } if ufrag == old_ufrag));
    assert_eq!(pair.path().as_deref(), Some(B));
    assert!(pair.media_reaches_the_peer(2) && pair.media_reaches_the_transport(B));
    assert_eq!(pair.events.iter().filter(|event| **event == TransportEvent::Connected).count(), 1);
}

#[test]
fn the_old_credentials_hold_until_the_new_ones_are_used_for_a_nomination() {
    let mut pair = Pair::connected();
    pair.check(A, NOMINATING);
    let (old_ufrag, old_password) = restart(&mut pair, "second");
    let new = pair.peer.remote.clone();
    for _ in 0..20 {
        // The peer never heard of the restart; its consent goes on.
        (pair.peer.remote.username_fragment, pair.peer.remote.password) =
            (old_ufrag.clone(), old_password.clone());
        pair.advance(Duration::from_secs(5));
        assert_eq!(stun_answer(&pair.check(A, NOMINATING)[0].bytes), 0);
    }
    assert_eq!(pair.closed(), None);
    pair.peer.remote = new;
    pair.check(A, NOMINATING);
    (pair.peer.remote.username_fragment, pair.peer.remote.password) = (old_ufrag, old_password);
    assert!(pair.check(A, NOMINATING).is_empty(), "no longer");
}

#[test]
fn new_credentials_are_the_first_peers_who_uses_them() {
    let mut pair = Pair::connected();
    pair.check(A, NOMINATING);
    restart(&mut pair, "second");
    pair.peer.ufrag = "theirs, anew".to_owned();
    assert!(!pair.check(A, PLAIN).is_empty());
    pair.peer.ufrag = "another".to_owned();
    assert!(pair.check(B, NOMINATING).is_empty());
    assert_eq!(pair.path().as_deref(), Some(A));
}

#[test]
fn a_restart_on_top_of_one_that_was_not_completed_takes_its_place() {
    let mut pair = Pair::connected();
    pair.check(A, NOMINATING);
    restart(&mut pair, "second");
    for number in 0..100 {
        let forgotten =
            pair.transport.restart_ice(format!("n{number}"), "a password of any length".to_owned());
        assert!(forgotten.is_some(), "two sets of credentials are kept at most");
        assert_eq!(pair.transport.local_ufrags().count(), 2);
    }
    assert!(pair.check(A, NOMINATING).is_empty(), "the second one is forgotten");
    pair.peer.remote = pair.transport.ice_parameters();
    assert!(!pair.check(A, NOMINATING).is_empty());
    assert_eq!(pair.transport.local_ufrags().collect::<Vec<_>>(), ["n99"]);
}

#[test]
fn media_from_a_checked_address_is_followed_once_the_path_in_use_is_silent() {
    let mut pair = Pair::connected();
    pair.check(A, NOMINATING);
    assert!(pair.media_reaches_the_transport(A));
    pair.check(B, PLAIN);
    assert!(pair.media_reaches_the_transport(B));
    assert_eq!(pair.path().as_deref(), Some(A), "both may be in use for a moment");
    pair.advance(SILENCE / 2);
    assert!(pair.media_reaches_the_transport(A));
    pair.advance(SILENCE / 2);
    assert!(pair.media_reaches_the_transport(B));
    assert_eq!(pair.path().as_deref(), Some(A));
    pair.advance(SILENCE / 2);
    assert!(pair.media_reaches_the_transport(B));
    assert_eq!(pair.path().as_deref(), Some(B), "the peer chose it, and nominated once only");
    assert!(pair.media_reaches_the_peer(1));
}

#[test]
fn media_from_an_address_without_a_check_or_without_keys_moves_nothing() {
    let mut pair = Pair::connected();
    pair.check(A, NOMINATING);
    pair.advance(SILENCE * 4);
    assert!(pair.media_reaches_the_transport(B), "authentic, but from nowhere");
    assert_eq!(pair.path().as_deref(), Some(A));
    pair.check(B, PLAIN);
    let mut forged = pair.peer.rtp(5, b"hello");
    *forged.last_mut().unwrap() ^= 1;
    assert!(matches!(pair.deliver(B, &forged).0, Received::Dropped));
    assert_eq!(pair.path().as_deref(), Some(A));
}

#[test]
fn another_port_is_the_same_network_and_another_address_is_not() {
    let mut pair = Pair::connected();
    pair.check(A, NOMINATING);
    pair.events.clear();
    pair.check(B, NOMINATING);
    pair.check("192.0.2.77:2000", NOMINATING);
    let moved = pair.events.iter().map(|event| match event {
        TransportEvent::PathChanged { is_another_network, .. } => *is_another_network,
        other => panic!("{other:?}"),
    });
    assert_eq!(moved.collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_closed_connection_leaves_the_transport_on_its_other_address() {
    let mut pair = Pair::connected();
    pair.check(A, PLAIN);
    pair.check(B, NOMINATING);
    pair.transport.forget_address(pair.now, LOCAL, address(B));
    assert_eq!(pair.path().as_deref(), Some(A));
    assert!(pair.media_reaches_the_peer(1));
}

/// Two people, one watching the other, for three seconds.
fn watched_camera() -> (Meeting, View) {
    let mut meeting = Meeting::new(3);
    let (ada, bob) = (meeting.join(), meeting.join());
    let camera = meeting.publish(ada, Camera::single());
    let view = meeting.watch(bob, camera);
    meeting.run(Duration::from_secs(3));
    (meeting, view)
}

/// The longest time without a packet from now on.
fn longest_pause(meeting: &mut Meeting, view: View, time: Duration) -> Duration {
    let from = meeting.now;
    meeting.run(time);
    let times: Vec<_> = meeting.seen(view).iter().map(|seen| seen.at).filter(|at| *at >= from).collect();
    assert!(!times.is_empty(), "media went on");
    let ends =
        [from].into_iter().chain(times.iter().copied()).zip(times.iter().copied().chain([meeting.now]));
    ends.map(|(before, after)| after.saturating_duration_since(before)).max().unwrap()
}

#[test]
fn a_nat_that_forgets_costs_a_viewer_one_check_interval() {
    let (mut meeting, view) = watched_camera();
    let inside = meeting.people[view.viewer].receive.address;
    meeting.network.nat = vec![(inside, address("192.0.2.200:61000"))];
    // The other end checks every three seconds (RFC 7675 allows five).
    let pause = longest_pause(&mut meeting, view, Duration::from_secs(20));
    assert!(pause < Duration::from_millis(3_500), "{pause:?}");
    meeting.network.nat = vec![(inside, address("192.0.2.200:61001"))];
    let pause = longest_pause(&mut meeting, view, Duration::from_secs(20));
    assert!(pause < Duration::from_millis(3_500), "{pause:?}");
    assert!(meeting.engine.counters().transports_lost == 0);
}

#[test]
fn a_publisher_behind_a_nat_that_forgets_is_heard_again_after_one_check_interval() {
    let (mut meeting, view) = watched_camera();
    let inside = meeting.people[0].send.address;
    meeting.network.nat = vec![(inside, address("192.0.2.200:61000"))];
    let pause = longest_pause(&mut meeting, view, Duration::from_secs(20));
    assert!(pause < Duration::from_millis(3_500), "{pause:?}");
}

#[test]
fn a_hundred_addresses_in_a_row_leave_no_more_than_a_table_full() {
    let (mut meeting, view) = watched_camera();
    let inside = meeting.people[view.viewer].receive.address;
    for port in 0..100 {
        meeting.network.nat = vec![(inside, format!("192.0.2.200:{}", 50_000 + port).parse().unwrap())];
        meeting.run(Duration::from_secs(4));
    }
    let pause = longest_pause(&mut meeting, view, Duration::from_secs(10));
    assert!(pause < Duration::from_millis(3_500), "{pause:?}");
    assert!(meeting.engine.counters().transports_lost == 0);
}

/// Asks for a restart and tells the browser, as signalling would.
fn restart_of(meeting: &mut Meeting, transport: TransportId, viewer: usize) {
    let Ok(Reply::IceRestarted { ice }) = meeting.command(RoomCommand::RestartIce { transport }) else {
        panic!("restarts are served")
    };
    let browser = meeting.people[viewer].receive.browser.as_mut().unwrap();
    let credentials = IceCreds { ufrag: ice.username_fragment, pass: ice.password };
    browser.rtc.direct_api().set_remote_ice_credentials(credentials);
}

#[test]
fn restart_after_restart_interrupts_nothing() {
    let (mut meeting, view) = watched_camera();
    let transport = meeting.people[view.viewer].receive.transport;
    for _ in 0..10 {
        restart_of(&mut meeting, transport, view.viewer);
        let pause = longest_pause(&mut meeting, view, Duration::from_secs(10));
        assert!(pause < Duration::from_millis(200), "{pause:?}");
    }
    let connected = |event: &&Event| matches!(event, Event::TransportConnected { transport: one, .. } if *one == transport);
    assert_eq!(meeting.events.iter().filter(connected).count(), 1, "one handshake for all");
}

#[test]
fn a_restart_that_the_client_never_hears_of_cuts_nobody_off() {
    let (mut meeting, view) = watched_camera();
    let transport = meeting.people[view.viewer].receive.transport;
    for _ in 0..10 {
        meeting.command(RoomCommand::RestartIce { transport }).unwrap();
        let pause = longest_pause(&mut meeting, view, Duration::from_secs(10));
        assert!(pause < Duration::from_millis(200), "{pause:?}");
    }
}

#[test]
fn only_a_transport_of_the_room_is_restarted() {
    let (mut meeting, _) = watched_camera();
    let transport = TransportId(Uuid::from_u128(999));
    let refused = meeting.command(RoomCommand::RestartIce { transport }).unwrap_err();
    assert_eq!(refused.reason, RefusalReason::UnknownTransport);
}
