//! Layers that come late, out of order and not at all, on a virtual clock.

use proptest::prelude::*;

use super::*;

const LAYERS: usize = 3;
/// Somebody is on each of them.
const ALL: u8 = 0b111;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Pictures of some layers, each layer with its own delay in each picture, in the order of arrival.
struct Film {
    start: Instant,
    silences: Silences,
    /// Arrivals: milliseconds, a number that says which of the same moment is first, and layer.
    arrivals: Vec<(u64, usize, usize)>,
    /// When a layer was found to have stopped, and when some were doubted.
    stopped_ms: Vec<u64>,
    doubted_ms: Vec<(u64, u8)>,
}

impl Film {
    fn new() -> Self {
        let (silences, arrivals) = (Silences::default(), Vec::new());
        let (stopped_ms, doubted_ms) = (Vec::new(), Vec::new());
        Film { start: Instant::now(), silences, arrivals, stopped_ms, doubted_ms }
    }

    /// A packet of a layer arrives, not before those of the layer before it.
    fn arrive(&mut self, at_ms: u64, layer: usize) {
        let before = self.arrivals.iter().rev().find(|(_, _, other)| *other == layer);
        let at_ms = before.map_or(at_ms, |(before, _, _)| at_ms.max(*before));
        self.arrivals.push((at_ms, self.arrivals.len(), layer));
    }

    /// Plays what arrives, and the clock until then.
    fn play(&mut self, source: Source) {
        let mut arrivals = std::mem::take(&mut self.arrivals);
        arrivals.sort();
        for (at_ms, _, layer) in arrivals {
            let now = self.start + ms(at_ms);
            while let Some(at) = self.silences.poll_timeout().filter(|&at| at < now) {
                self.look(at);
            }
            self.silences.end(layer);
            if self.silences.note_picture(now, layer, source) {
                self.stopped_ms.push(at_ms);
            }
        }
    }

    fn look(&mut self, at: Instant) {
        let at_ms = (at - self.start).as_millis() as u64;
        let Found { stopped, doubted } = self.silences.look(at, ALL);
        if stopped {
            self.stopped_ms.push(at_ms);
        }
        if doubted != 0 {
            self.doubted_ms.push((at_ms, doubted));
        }
    }
}

/// A camera of which a layer stops after a hundred pictures. Returns how long after its last packet that is found, and
/// how long after it there was doubt.
fn stop(source: Source, interval_ms: u64, stops: usize) -> (u64, Option<u64>) {
    let mut film = Film::new();
    for picture in 0..200 {
        let goes_on = |&layer: &usize| picture < 100 || layer != stops;
        (0..LAYERS)
            .filter(goes_on)
            .for_each(|layer| film.arrive(picture * interval_ms + layer as u64, layer));
    }
    film.play(source);
    let last_ms = 99 * interval_ms + stops as u64;
    assert_eq!(film.stopped_ms.len(), 1, "{:?}", film.stopped_ms);
    let doubted = film.doubted_ms.first().map(|&(at_ms, layers)| {
        assert_eq!(layers, 1 << stops);
        at_ms - last_ms
    });
    (film.stopped_ms[0] - last_ms, doubted)
}

#[test]
fn a_layer_that_stops_is_found_in_time_for_half_a_second_whatever_the_frame_rate_and_the_order() {
    let latest =
        [(30, 240), (25, 240), (15, 275), (12, 255), (10, 310), (8, 385), (7, 400), (6, 425), (5, 460)];
    for (fps, latest_ms) in latest {
        for layer in 0..LAYERS {
            let interval_ms = 1000 / fps;
            let (found, doubted) = stop(Source::Camera, interval_ms, layer);
            assert!(found <= latest_ms, "layer {layer} at {fps} a second: after {found} ms");
            // A keyframe that is asked for then comes with the picture after it.
            assert_eq!(doubted.is_some(), fps < 15);
            assert!(doubted.is_none_or(|at| at <= interval_ms + 55), "{doubted:?} at {fps} a second");
        }
    }
}

#[test]
fn a_screen_of_one_picture_a_second_is_given_three() {
    let (found, doubted) = stop(Source::Screen, 1000, 2);
    assert!((2990..3010).contains(&found), "{found} ms");
    assert_eq!(doubted, None);
}

#[test]
fn a_picture_that_is_left_out_now_and_then_costs_a_keyframe_in_ten_seconds_and_no_layer() {
    let mut film = Film::new();
    for picture in 0..500 {
        let comes = |&layer: &usize| layer != 2 || picture % 7 != 6;
        (0..LAYERS).filter(comes).for_each(|layer| film.arrive(picture * 200 + layer as u64 * 10, layer));
    }
    film.play(Source::Camera);
    assert!(film.stopped_ms.is_empty(), "{:?}", film.stopped_ms);
    assert!((8..=10).contains(&film.doubted_ms.len()), "{:?}", film.doubted_ms);
}

#[test]
fn a_layer_of_fewer_pictures_than_the_others_has_not_stopped() {
    let mut film = Film::new();
    for picture in 0..600 {
        film.arrive(picture * 33, 0);
        if picture % 12 == 0 {
            film.arrive(picture * 33 + 5, 1);
        }
    }
    film.play(Source::Camera);
    // Until it is known how often its pictures come it is doubted.
    assert!(film.stopped_ms.is_empty() && film.doubted_ms.len() <= 1, "{:?}", film.doubted_ms);
}

proptest! {
    /// The path stalls now and then, within pictures too, and keeps the order of what it carries.
    #[test]
    fn stalls_of_the_path_are_the_end_of_no_layer(
        interval_ms in 16..=500_u64,
        late_ms in prop::array::uniform3(0..45_u64),
        stalls_ms in prop::collection::vec(prop_oneof![9 => 0..20_u64, 1 => 0..600_u64], 2..150),
        screen: bool,
    ) {
        let mut sent: Vec<_> = (0..LAYERS)
            .flat_map(|layer| (0..stalls_ms.len()).map(move |picture| (picture, layer)))
            // Or at the end pictures of another layer would be left over.
            .map(|(picture, layer)| (picture, layer, late_ms[layer] % interval_ms))
            .map(|(picture, layer, late_ms)| (picture as u64 * interval_ms + late_ms, picture, layer))
            .collect();
        sent.sort();
        let (mut film, mut arrives_ms) = (Film::new(), 0);
        for (number, (sent_ms, picture, layer)) in sent.into_iter().enumerate() {
            let stall_ms = if number % 2 == 0 { stalls_ms[picture] } else { 0 };
            arrives_ms = arrives_ms.max(sent_ms + stall_ms);
            film.arrivals.push((arrives_ms, number, layer));
        }
        film.play(if screen { Source::Screen } else { Source::Camera });
        prop_assert!(film.stopped_ms.is_empty(), "{:?}", film.stopped_ms);
        let apart = film.doubted_ms.windows(2).all(|pair| pair[1].0 - pair[0].0 >= 10_000);
        prop_assert!(apart, "{:?}", film.doubted_ms);
    }

    /// Each layer has a path of its own, so to speak.
    #[test]
    fn layers_of_pictures_that_all_come_have_not_stopped(
        interval_ms in 16..=500_u64,
        late_ms in prop::collection::vec(prop::array::uniform3(0..70_u64), 2..150),
        screen: bool,
    ) {
        let mut film = Film::new();
        for (picture, late_ms) in late_ms.into_iter().enumerate() {
            let begins_ms = picture as u64 * interval_ms;
            late_ms.iter().enumerate().for_each(|(layer, late_ms)| film.arrive(begins_ms + late_ms, layer));
        }
        film.play(if screen { Source::Screen } else { Source::Camera });
        prop_assert!(film.stopped_ms.is_empty(), "{:?}", film.stopped_ms);
    }

    #[test]
    fn whatever_comes_the_clock_is_not_asked_twice_for_the_same(
        arrivals in prop::collection::vec((0_u64..400, 0..LAYERS), 1..200)
    ) {
        let (mut silences, mut now) = (Silences::default(), Instant::now());
        for (gap_ms, layer) in arrivals {
            now += ms(gap_ms);
            silences.end(layer);
            silences.note_picture(now, layer, Source::Camera);
            prop_assert!(silences.is_sent(layer) && silences.goes_on(layer));
            silences.look(now, ALL);
            prop_assert!(silences.poll_timeout().is_none_or(|at| at > now));
        }
    }
}
