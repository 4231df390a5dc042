//! What happened to one viewer over time, and the figures that are asserted on.

use std::ops::Range;
use std::time::{Duration, Instant};

use crate::viewer::Viewer;

pub const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);

/// A tenth of a second. Rates are in kbit/s with the headers of IP and UDP, times in seconds since the start.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    pub at: f64,
    /// The best of everything that is published; `None` where only the wire is seen, as with the estimate.
    pub offered: Option<f64>,
    /// What the link lets through; `None` without a limit.
    pub link: Option<f64>,
    pub estimate: Option<f64>,
    pub sent: f64,
    pub received: f64,
    /// The layer given of each picture.
    pub layers: Vec<Option<u8>>,
    /// The layer of the first picture that the viewer saw last.
    pub shown: Option<u8>,
    pub packets: u64,
    pub lost: u64,
    /// The longest way of a packet from its capture, in milliseconds.
    pub delay: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    pub samples: Vec<Sample>,
    /// Which picture, from, to.
    pub freezes: Vec<(usize, f64, f64)>,
    pub concealed: Vec<f64>,
    pub played: u64,
    pub frames: u64,
    pub keyframes_asked: u32,
}

impl Record {
    /// Takes from the viewer what it noted by itself.
    pub fn finish(&mut self, start: Instant, end: Instant, viewer: &mut Viewer) {
        let seconds = |at: Instant| at.duration_since(start).as_secs_f64();
        let films = || viewer.pictures.iter().map(|picture| &picture.film);
        let freezes =
            films().enumerate().flat_map(|(picture, film)| film.freezes.iter().map(move |f| (picture, f)));
        self.freezes =
            freezes.map(|(picture, f)| (picture, seconds(f.from), seconds(f.to.min(end)))).collect();
        self.frames = films().map(|film| film.shown).sum();
        self.keyframes_asked = films().map(|film| film.keyframes_asked).sum();
        let sounds = || viewer.sounds.iter().map(|heard| &heard.sound);
        self.concealed = sounds().flat_map(|sound| &sound.concealed).map(|at| seconds(*at)).collect();
        self.played = sounds().map(|sound| sound.played).sum();
    }

    fn during(&self, time: Range<f64>) -> impl Iterator<Item = &Sample> {
        self.samples.iter().filter(move |sample| time.contains(&sample.at))
    }

    /// The mean of something over a time.
    pub fn mean(&self, time: Range<f64>, of: impl Fn(&Sample) -> f64) -> f64 {
        let (sum, count) = self.during(time).fold((0.0, 0), |(sum, count), s| (sum + of(s), count + 1));
        sum / f64::from(count.max(1))
    }

    /// Share of a time in which something holds.
    pub fn share(&self, time: Range<f64>, holds: impl Fn(&Sample) -> bool) -> f64 {
        self.mean(time, |sample| f64::from(u8::from(holds(sample))))
    }

    /// The value that this share of the samples does not exceed.
    pub fn quantile(&self, time: Range<f64>, share: f64, of: impl Fn(&Sample) -> Option<f64>) -> f64 {
        let mut values: Vec<_> = self.during(time).filter_map(of).collect();
        values.sort_by(f64::total_cmp);
        let place = (values.len() as f64 * share) as usize;
        values.get(place.min(values.len().saturating_sub(1))).copied().unwrap_or_default()
    }

    /// The first moment of this time from which on something holds for half a second, counted from its beginning.
    pub fn first(&self, time: Range<f64>, holds: impl Fn(&Sample) -> bool) -> f64 {
        let samples: Vec<_> = self.during(time.clone()).collect();
        let lasting = samples.windows(5).find(|window| window.iter().all(|sample| holds(sample)));
        lasting.map_or(f64::INFINITY, |window| window[0].at - time.start)
    }

    /// The longest time without a new picture that touches this time, in milliseconds.
    pub fn longest_freeze(&self, time: Range<f64>) -> f64 {
        let within = self.freezes.iter().filter(|(_, from, to)| *to > time.start && *from < time.end);
        within.map(|(_, from, to)| (to - from) * 1000.0).fold(0.0, f64::max)
    }

    /// Milliseconds of this time in which one of the pictures was frozen.
    pub fn frozen(&self, time: Range<f64>, picture: usize) -> f64 {
        let of_it = self.freezes.iter().filter(|(of, ..)| *of == picture);
        of_it
            .map(|(_, from, to)| (to.min(time.end) - from.max(time.start)).max(0.0) * 1000.0)
            .fold(0.0, |a, b| a + b)
    }

    /// Changes of what is given, of the picture whose layer changed most often, in the worst ten seconds of this time.
    pub fn changes_in_ten_seconds(&self, time: Range<f64>) -> f64 {
        let samples: Vec<_> = self.during(time).collect();
        // On the way from one layer to another nothing is sent for a moment. Whatever lasts is told as a freeze.
        let given = |picture: usize| {
            let given = samples.iter().filter_map(move |sample| Some((sample.at, sample.layers[picture]?)));
            given.collect::<Vec<_>>()
        };
        let pictures = samples.first().map_or(0, |sample| sample.layers.len());
        let changes = |picture: usize| {
            let given = given(picture);
            let changed = given.windows(2).filter(|pair| pair[0].1 != pair[1].1);
            changed.map(|pair| pair[1].0).collect::<Vec<_>>()
        };
        let worst = |times: Vec<f64>| {
            let from = |at: &f64| times.iter().filter(|other| (*at..*at + 10.0).contains(*other)).count();
            times.iter().map(from).max().unwrap_or(0)
        };
        (0..pictures).map(|picture| worst(changes(picture))).max().unwrap_or(0) as f64
    }

    /// Share of the sound of this time that had to be made up.
    pub fn concealed_share(&self, time: Range<f64>) -> f64 {
        let concealed = self.concealed.iter().filter(|at| time.contains(at)).count();
        concealed as f64 / ((time.end - time.start) * 50.0)
    }

    pub fn lost_share(&self, time: Range<f64>) -> f64 {
        let sum = |of: fn(&Sample) -> u64| self.during(time.clone()).map(of).sum::<u64>();
        sum(|sample| sample.lost) as f64 / sum(|sample| sample.packets).max(1) as f64
    }
}
