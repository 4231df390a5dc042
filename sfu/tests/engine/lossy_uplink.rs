//! Networks that lose, delay and reorder: repairs on both sides keep the picture whole.

use std::collections::BTreeSet;
use std::time::Duration;

use plenum_shared::event::Event;

use crate::camera::Camera;
use crate::meeting::{Meeting, View};
use crate::peer::address;

/// Share of the packets between the first and the last seen that were seen, in percent.
fn completeness(meeting: &Meeting, view: View) -> f64 {
    let numbers: BTreeSet<_> = meeting.seen(view).iter().map(|s| s.sequence_number).collect();
    let (first, last) = (numbers.first().unwrap(), numbers.last().unwrap());
    100.0 * numbers.len() as f64 / (last - first + 1) as f64
}

#[test]
fn five_percent_lost_on_the_way_up_are_repaired_by_the_publisher() {
    for seed in 1..4 {
        let mut meeting = Meeting::new(seed);
        let (ada, bob) = (meeting.join(), meeting.join());
        meeting.network.delay = Duration::from_millis(20);
        meeting.network.jitter = Duration::from_millis(10);
        let camera = meeting.publish(ada, Camera::single());
        let view = meeting.watch(bob, camera);
        meeting.run(Duration::from_secs(2));
        meeting.network.lossy = vec![(address("192.0.2.1:1000"), 5)];
        meeting.run(Duration::from_secs(20));
        let complete = completeness(&meeting, view);
        assert!(complete > 99.5, "seed {seed}: {complete} %, {:?}", meeting.engine.counters());
        assert!(meeting.seen(view).len() > 2000, "seed {seed}: {}", meeting.seen(view).len());
    }
}

#[test]
fn five_percent_lost_on_the_way_down_are_repaired_by_us() {
    for seed in 1..4 {
        let mut meeting = Meeting::new(seed);
        let (ada, bob) = (meeting.join(), meeting.join());
        meeting.network.delay = Duration::from_millis(20);
        meeting.network.jitter = Duration::from_millis(10);
        let camera = meeting.publish(ada, Camera::single());
        let view = meeting.watch(bob, camera);
        meeting.run(Duration::from_secs(2));
        meeting.network.lossy = vec![(address("192.0.2.2:2000"), 5)];
        meeting.run(Duration::from_secs(20));
        let complete = completeness(&meeting, view);
        assert!(complete > 99.5, "seed {seed}: {complete} %, {:?}", meeting.engine.counters());
        assert!(meeting.seen(view).len() > 2000, "seed {seed}: {}", meeting.seen(view).len());
    }
}

#[test]
fn a_link_cut_for_ten_seconds_heals_by_itself() {
    let mut meeting = Meeting::new(5);
    let (ada, bob) = (meeting.join(), meeting.join());
    let camera = meeting.publish(ada, Camera::single());
    let view = meeting.watch(bob, camera);
    meeting.run(Duration::from_secs(3));
    meeting.network.lossy = vec![(address("192.0.2.1:1000"), 100)];
    meeting.run(Duration::from_secs(10));
    meeting.network.lossy.clear();
    let healed_at = meeting.now;
    meeting.run(Duration::from_secs(3));
    let after = meeting.seen(view).into_iter().filter(|s| s.at > healed_at).count();
    assert!(after > 200, "{after} packets in three seconds after the cut");
}

/// Ten people watch somebody whose way up is bad, and somebody whose way is good.
#[test]
fn one_bad_uplink_costs_ten_viewers_nothing() {
    let mut meeting = Meeting::new(11);
    let (ada, grace) = (meeting.join(), meeting.join());
    meeting.network.delay = Duration::from_millis(20);
    let bad = meeting.publish(ada, Camera::single());
    let good = meeting.publish(grace, Camera::single());
    let viewers: Vec<_> = (0..10).map(|_| meeting.join()).collect();
    let views: Vec<_> =
        viewers.iter().map(|&viewer| (meeting.watch(viewer, bad), meeting.watch(viewer, good))).collect();
    meeting.run(Duration::from_secs(3));
    let (before, events_before, start) = (meeting.engine.counters(), meeting.events.len(), meeting.now);
    meeting.network.lossy = vec![(address("192.0.2.1:1000"), 10)];
    meeting.run(Duration::from_secs(20));

    for (bad, good) in views {
        let complete = completeness(&meeting, bad);
        assert!(complete > 99.0, "{complete} % of the bad one's packets");
        assert_eq!(completeness(&meeting, good), 100.0);
        // Nobody's path is taken for the cause: no frame of the good one is left out.
        let seen = meeting.seen(good).into_iter().filter(|seen| seen.at > start).count();
        assert!(seen > 1_950, "{seen} packets of the good one");
    }
    let counters = meeting.engine.counters();
    let lost = counters.nacks_sent - before.nacks_sent;
    assert!(counters.rtp_repaired - before.rtp_repaired > 180, "{counters:?}");
    // A hole is asked for once or twice, by us; what ten viewers ask for does not reach the publisher.
    assert!(lost < 600, "{lost} asked for of some 230 lost");
    let viewers_suffer = |event: &&Event| match event {
        Event::QualityChanged { session, .. } => {
            viewers.iter().any(|&one| meeting.people[one].session == *session)
        }
        _ => false,
    };
    let suffering: Vec<_> = meeting.events[events_before..].iter().filter(viewers_suffer).collect();
    assert!(suffering.is_empty(), "{suffering:?}");
}

#[test]
fn the_round_trip_to_a_publisher_is_known_and_paces_what_is_asked_again() {
    let mut meeting = Meeting::new(12);
    let (ada, bob) = (meeting.join(), meeting.join());
    meeting.network.delay = Duration::from_millis(150);
    let camera = meeting.publish(ada, Camera::single());
    let view = meeting.watch(bob, camera);
    meeting.run(Duration::from_secs(5));
    let before = meeting.engine.counters();
    meeting.network.lossy = vec![(address("192.0.2.1:1000"), 5)];
    meeting.run(Duration::from_secs(20));
    let counters = meeting.engine.counters();
    let repaired = counters.rtp_repaired - before.rtp_repaired;
    let asked = counters.nacks_sent - before.nacks_sent;
    // With the 100 ms that are assumed until the round trip is known, each would be asked for three times.
    assert!(repaired > 50 && asked < repaired * 3 / 2, "{asked} asked for, {repaired} repaired");
    assert!(completeness(&meeting, view) > 98.0);
}
