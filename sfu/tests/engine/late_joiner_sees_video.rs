//! Whoever comes late sees everybody at once, from a keyframe on.

use std::time::Duration;

use crate::camera::{Camera, frame_start};
use crate::meeting::{Meeting, Seen, View};

/// What every viewer may rely on: the stream starts with a keyframe and has no holes.
fn assert_watchable(seen: &[Seen]) {
    let first = frame_start(&seen[0].payload).expect("a view starts with the start of a frame");
    assert!(first.is_keyframe);
    let mut width = first.width;
    let mut in_order: Vec<_> = seen.iter().collect();
    in_order.sort_by_key(|s| s.sequence_number);
    for pair in in_order.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        assert_eq!(after.sequence_number, before.sequence_number + 1, "a hole, or a packet twice");
        let start = frame_start(&after.payload);
        let keyframe = start.filter(|frame| frame.is_keyframe);
        // A picture is cut short only by the keyframe of another layer, of the same moment, that takes its place.
        let replaces = keyframe.is_some_and(|frame| frame.width != width);
        let is_next = after.timestamp == before.timestamp + 1;
        assert!(before.marker == start.is_some() || (replaces && is_next), "frames begin where others end");
        width = keyframe.map_or(width, |frame| frame.width);
    }
}

#[test]
fn a_late_joiner_sees_video_at_once() {
    let mut meeting = Meeting::new(1);
    let ada = meeting.join();
    let camera = meeting.publish(ada, Camera::single());
    meeting.run(Duration::from_secs(10));

    let bob = meeting.join();
    let joined_at = meeting.now;
    let view = meeting.watch(bob, camera);
    meeting.run(Duration::from_secs(2));
    let seen = meeting.seen(view);
    assert!(
        seen[0].at - joined_at < Duration::from_millis(200),
        "first packet after {:?}",
        seen[0].at - joined_at
    );
    assert!(seen.len() > 100, "{} packets in two seconds", seen.len());
    assert_watchable(&seen);
}

#[test]
fn whoever_waits_alone_for_minutes_sees_the_first_who_comes() {
    let mut meeting = Meeting::new(2);
    let bob = meeting.join();
    meeting.run(Duration::from_secs(300));
    assert!(meeting.events.is_empty(), "{:?}", meeting.events);

    let ada = meeting.join();
    let camera = meeting.publish(ada, Camera::single());
    let view = meeting.watch(bob, camera);
    meeting.run(Duration::from_secs(2));
    assert_watchable(&meeting.seen(view));
}

#[test]
fn ten_people_who_come_together_cost_few_keyframes() {
    let mut meeting = Meeting::new(3);
    let ada = meeting.join();
    let camera = meeting.publish(ada, Camera::single());
    meeting.run(Duration::from_secs(5));
    let before = meeting.people[ada].camera.as_ref().unwrap().keyframe_requests;
    let views: Vec<View> = (0..10)
        .map(|_| {
            let viewer = meeting.join();
            meeting.watch(viewer, camera)
        })
        .collect();
    meeting.run(Duration::from_secs(3));
    for view in views {
        assert_watchable(&meeting.seen(view));
    }
    let requests = meeting.people[ada].camera.as_ref().unwrap().keyframe_requests - before;
    assert!((1..=4).contains(&requests), "{requests} keyframes for ten people");
}

#[test]
fn a_late_joiner_of_a_simulcast_sees_one_continuous_stream() {
    let mut meeting = Meeting::new(4);
    let ada = meeting.join();
    let camera = meeting.publish(ada, Camera::simulcast());
    meeting.run(Duration::from_secs(5));
    let bob = meeting.join();
    let view = meeting.watch(bob, camera);
    meeting.run(Duration::from_secs(10));
    let seen = meeting.seen(view);
    assert_watchable(&seen);
    let frames: Vec<_> = seen.iter().filter_map(|s| frame_start(&s.payload)).collect();
    for pair in frames.windows(2) {
        let step = pair[1].picture_id.wrapping_sub(pair[0].picture_id) & 0x7FFF;
        assert_eq!(step, 1, "picture ids {pair:?}");
    }
    let times: Vec<_> =
        seen.iter().filter(|s| frame_start(&s.payload).is_some()).map(|s| s.timestamp).collect();
    for pair in times.windows(2) {
        let step = pair[1].wrapping_sub(pair[0]);
        assert!((1..=4 * 3600).contains(&step), "timestamps go on by {step}");
    }
}
