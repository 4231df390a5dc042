//! Publishers of some layers, frame by frame.

use super::*;

struct Publisher {
    start: Instant,
    ms: u64,
    source: Source,
    meters: LayerMeters,
    /// When a layer was found to have stopped.
    stopped_ms: Vec<u64>,
}

impl Publisher {
    fn new(source: Source) -> Self {
        let (start, meters) = (Instant::now(), LayerMeters::default());
        Publisher { start, ms: 0, source, meters, stopped_ms: Vec::new() }
    }

    /// Sends a frame of each of some layers (spatial layer, temporal layer, bytes), all of the same moment.
    fn frame(&mut self, interval_ms: u64, layers: &[(usize, u8, usize)]) {
        let now = self.now();
        let timestamp = self.ms as u32 * 90;
        for &(layer, temporal, len) in layers {
            let description = Description { temporal, ..Description::PLAIN };
            if self.meters.note(now, (layer, self.source), &description, timestamp, len) {
                self.stopped_ms.push(self.ms);
            }
        }
        self.ms += interval_ms;
    }

    fn frames(&mut self, count: u64, interval_ms: u64, layers: &[(usize, u8, usize)]) {
        (0..count).for_each(|_| self.frame(interval_ms, layers));
    }

    fn now(&self) -> Instant {
        self.start + Duration::from_millis(self.ms)
    }

    fn sent(&self) -> Vec<bool> {
        (0..3).map(|layer| self.meters.is_sent(layer)).collect()
    }
}

const ALL: [(usize, u8, usize); 3] = [(0, 0, 500), (1, 0, 1500), (2, 0, 6000)];

#[test]
fn a_layer_that_stops_is_found_after_a_few_frames_of_the_others() {
    let mut camera = Publisher::new(Source::Camera);
    camera.frames(100, 33, &ALL);
    let last_ms = camera.ms - 33;
    camera.frames(30, 33, &ALL[..2]);
    assert_eq!(camera.sent(), [true, true, false]);
    assert_eq!(camera.stopped_ms.len(), 1);
    assert!((150..200).contains(&(camera.stopped_ms[0] - last_ms)), "{:?}", camera.stopped_ms);
    camera.frame(33, &ALL);
    assert_eq!(camera.sent(), [true; 3]);
}

#[test]
fn a_slow_camera_is_given_more_time_but_no_more_than_viewers_can_wait() {
    let mut camera = Publisher::new(Source::Camera);
    camera.frames(100, 100, &ALL);
    let last_ms = camera.ms - 100;
    camera.frames(10, 100, &ALL[..2]);
    assert_eq!(camera.stopped_ms, [last_ms + 300]);
}

#[test]
fn frames_left_out_of_one_layer_are_no_end_of_it() {
    let mut camera = Publisher::new(Source::Camera);
    for _ in 0..50 {
        camera.frames(20, 33, &ALL);
        camera.frames(3, 33, &ALL[..2]);
    }
    assert!(camera.stopped_ms.is_empty(), "{:?}", camera.stopped_ms);
}

#[test]
fn a_screen_on_which_little_moves_keeps_its_layers() {
    let mut screen = Publisher::new(Source::Screen);
    for round in 1..20 {
        screen.frames(5, 200, &ALL);
        screen.frames(3, 1000 * (round % 4 + 1), &ALL);
        // The large layer has to make up for a large picture.
        screen.frames(4, 100, &ALL[..2]);
    }
    assert!(screen.stopped_ms.is_empty(), "{:?}", screen.stopped_ms);
    screen.frames(50, 100, &ALL[..2]);
    assert_eq!(screen.sent(), [true, true, false]);
}

#[test]
fn silence_of_all_is_the_end_of_none() {
    let mut camera = Publisher::new(Source::Camera);
    camera.frames(100, 33, &ALL);
    camera.ms += 10_000;
    camera.frames(100, 33, &ALL);
    assert!(camera.stopped_ms.is_empty(), "{:?}", camera.stopped_ms);
}

fn kbps(cost: Option<Cost>) -> u64 {
    cost.map_or(0, |cost| cost.usual.0 / 1000)
}

#[test]
fn each_layer_costs_what_it_takes_at_each_frame_rate() {
    let mut camera = Publisher::new(Source::Camera);
    for frame in 0..250 {
        let temporal = [0, 2, 1, 2][frame % 4];
        camera.frame(40, &[(0, temporal, 500), (1, temporal, 2000)]);
    }
    let costs = camera.meters.costs(camera.now(), 3, false);
    let rates = costs.map(|temporal| temporal.map(kbps));
    assert!((22..=27).contains(&rates[0][0]), "{rates:?}");
    assert!((44..=52).contains(&rates[0][1]), "{rates:?}");
    assert!((88..=102).contains(&rates[0][2]), "{rates:?}");
    assert!((350..=410).contains(&rates[1][2]), "{rates:?}");
    assert_eq!((costs[0][3], costs[2][0]), (None, None));
}

#[test]
fn a_layer_of_an_svc_stream_costs_those_below_it_too() {
    let mut camera = Publisher::new(Source::Camera);
    for frame in 0..250 {
        let temporal = frame % 2;
        camera.frame(40, &[(0, temporal, 500), (1, temporal, 2000)]);
    }
    let costs = camera.meters.costs(camera.now(), 2, true);
    assert!((440..=512).contains(&kbps(costs[1][1])), "{costs:?}");
    assert!((220..=262).contains(&kbps(costs[1][0])), "{costs:?}");
}

#[test]
fn a_layer_that_meets_those_below_in_keyframes_only_does_not_cost_them() {
    let mut camera = Publisher::new(Source::Camera);
    for _ in 0..250 {
        let apart = Description { feeds_upper: false, ..Description::PLAIN };
        let (now, timestamp) = (camera.now(), camera.ms as u32 * 90);
        for (layer, len) in [(0, 500), (1, 2000)] {
            camera.meters.note(now, (layer, Source::Camera), &apart, timestamp, len);
        }
        camera.ms += 40;
    }
    let costs = camera.meters.costs(camera.now(), 2, true);
    assert!((380..=410).contains(&kbps(costs[1][0])), "{costs:?}");
}

#[test]
fn a_moments_excess_raises_what_must_be_free_and_not_what_is_taken() {
    let mut camera = Publisher::new(Source::Camera);
    for _ in 0..1000 {
        camera.frame(10, &[(0, 0, 1250)]);
        camera.meters.costs(camera.now(), 1, false);
    }
    for _ in 0..50 {
        camera.frame(10, &[(0, 0, 3750)]);
        camera.meters.costs(camera.now(), 1, false);
    }
    let cost = camera.meters.costs(camera.now(), 1, false)[0][0].expect("it is sent");
    assert!(cost.usual < Bitrate::kbps(1300) && cost.most > Bitrate::kbps(1700), "{cost:?}");
}

#[test]
fn a_layer_that_has_just_begun_does_not_seem_small() {
    let mut camera = Publisher::new(Source::Camera);
    camera.frames(60, 10, &[(0, 0, 1250)]);
    let cost = camera.meters.costs(camera.now(), 1, false)[0][0].expect("it is sent");
    assert!((Bitrate::kbps(900)..Bitrate::kbps(1100)).contains(&cost.usual), "{cost:?}");
}

#[test]
fn a_stream_whose_clock_begins_anew_still_shows_that_another_layer_stopped() {
    for announced in [false, true] {
        let mut camera = Publisher::new(Source::Camera);
        camera.ms = 1_000_000;
        camera.frames(100, 33, &ALL);
        camera.start += Duration::from_millis(1_000_000);
        camera.ms -= 1_000_000;
        if announced {
            (0..2).for_each(|layer| camera.meters.restart(layer));
        }
        camera.frames(30, 33, &ALL[..2]);
        assert_eq!(camera.sent(), [true, true, false]);
    }
}
