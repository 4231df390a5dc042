//! Networks that lose, delay and reorder: repairs on both sides keep the picture whole.

use std::collections::BTreeSet;
use std::time::Duration;

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
