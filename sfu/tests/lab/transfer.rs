//! A file by a data channel, beside a picture and a voice: none of the three may end the others.
//! Once on a line that carries all of them, and once on one that hardly carries picture and voice.

use std::ops::Range;
use std::time::{Duration, Instant};

use plenum_shared::transport::SctpStreamParameters;
use sctp_proto::PayloadProtocolIdentifier;

use crate::client::Client;
use crate::figures::Figures;
use crate::link::LinkSettings;
use crate::meeting::Meeting;
use crate::publisher::CAMERA;
use crate::record::Record;
use crate::report::{self, Told};
use crate::world::World;

pub const STREAM: SctpStreamParameters =
    SctpStreamParameters { stream_id: 1, ordered: true, max_packet_life_time: None, max_retransmits: None };
/// Messages that the receiver has not acknowledged yet: an application that sends more than its receiver takes loses it.
const WINDOW: usize = 12;
const BEGINS: f64 = 15.0;
const SECONDS: f64 = 260.0;
const SEEDS: [u64; 3] = [1, 2, 3];

/// The line to the viewer, and what goes there.
struct Line {
    rate: u64,
    bytes: usize,
    message: usize,
}

const ORDINARY: Line = Line { rate: 2_000_000, bytes: 5_000_000, message: 16 << 10 };
const NARROW: Line = Line { rate: 250_000, bytes: 150_000, message: 4 << 10 };

pub struct Transfer {
    begins_at: Instant,
    messages: usize,
    message: usize,
    sent: usize,
    done_at: Option<Instant>,
}

impl Transfer {
    pub fn act(&mut self, now: Instant, from: &mut Client, to: &Client) {
        let received = to.data.as_ref().map_or(0, |data| data.received.len());
        if received == self.messages {
            self.done_at.get_or_insert(now);
        }
        let Some(data) = from.data.as_mut().filter(|data| data.is_connected() && self.begins_at <= now)
        else {
            return;
        };
        while self.sent < self.messages && self.sent < received + WINDOW {
            data.send(STREAM.stream_id, PayloadProtocolIdentifier::Binary, &vec![7; self.message]);
            self.sent += 1;
        }
    }
}

/// What became of it, and when all was there.
fn run(line: &Line, seed: u64) -> (Record, f64) {
    let mut world = World::new(seed);
    let good = world.path_up(LinkSettings { delay: Duration::from_millis(15), ..LinkSettings::default() });
    world.publisher(good, &CAMERA, true);
    let path = world.path_down(LinkSettings {
        rate: vec![(Duration::ZERO, line.rate)],
        queue: Duration::from_millis(300),
        delay: Duration::from_millis(25),
        ..LinkSettings::default()
    });
    world.viewer(path);
    let begins_at = world.start + Duration::from_secs_f64(BEGINS);
    let messages = line.bytes.div_ceil(line.message);
    world.hand_over_file(Transfer { begins_at, messages, message: line.message, sent: 0, done_at: None });
    world.run(Duration::from_secs_f64(SECONDS));
    let done_at = world.transfer.and_then(|transfer| transfer.done_at);
    let done = done_at.map_or(f64::INFINITY, |at| (at - world.start).as_secs_f64());
    (world.records.remove(0), done)
}

fn judge_ordinary(record: &Record, done: f64) -> Figures {
    let mut figures = Figures::default();
    let during = BEGINS..done.min(SECONDS);
    // A tenth of the line: more would be at the picture's expense.
    figures.at_most("5 MB are there after", done - BEGINS, "s", 220.0);
    figures.at_most("sound concealed", record.concealed_share(during.clone()) * 100.0, "%", 1.0);
    let top = record.share(during.clone(), |sample| sample.layers == [Some(2)]) * 100.0;
    figures.at_least("top layer meanwhile", top, "% of the time", 80.0);
    let middle = record.share(during.clone(), |sample| sample.layers >= vec![Some(1)]) * 100.0;
    figures.at_least("top or middle layer", middle, "% of the time", 99.0);
    figures.at_most("longest freeze", record.longest_freeze(during.clone()), "ms", 300.0);
    figures.at_most("delay, 95th", record.quantile(during.clone(), 0.95, |s| s.delay), "ms", 200.0);
    figures.at_most("layer changes in 10 s", record.changes_in_ten_seconds(during.clone()), "", 1.0);
    tell_rates(&mut figures, record, during);
    figures
}

/// The lowest layer and sound take nearly all of it: what data takes is felt, but no more than that.
fn judge_narrow(record: &Record, done: f64) -> Figures {
    let mut figures = Figures::default();
    let during = BEGINS..done.min(SECONDS);
    figures.at_most("150 kB are there after", done - BEGINS, "s", 100.0);
    figures.at_most("sound concealed", record.concealed_share(during.clone()) * 100.0, "%", 1.0);
    let shown = record.share(during.clone(), |sample| sample.layers >= vec![Some(0)]) * 100.0;
    figures.at_least("any layer", shown, "% of the time", 95.0);
    figures.at_most("longest freeze", record.longest_freeze(during.clone()), "ms", 500.0);
    figures.at_most("delay, 95th", record.quantile(during.clone(), 0.95, |s| s.delay), "ms", 400.0);
    tell_rates(&mut figures, record, during);
    figures
}

fn tell_rates(figures: &mut Figures, record: &Record, during: Range<f64>) {
    figures.told("estimate, mean", record.mean(during.clone(), |s| s.estimate.unwrap_or_default()), "kbit/s");
    figures.told("sent, mean", record.mean(during.clone(), |s| s.sent), "kbit/s");
    figures.told("lost on the way", record.lost_share(during) * 100.0, "%");
}

fn hold(line: &Line, judge: impl Fn(&Record, f64) -> Figures, told: Told<'_>) {
    let runs = SEEDS.map(|seed| (seed, run(line, seed)));
    let figures: Vec<_> = runs.iter().map(|(seed, (record, done))| (*seed, judge(record, *done))).collect();
    let drawn = vec![(format!("seed {}", SEEDS[0]), &runs[0].1.0)];
    report::write(&Told { figures: &figures, drawn, ..told });
    let told =
        figures.iter().flat_map(|(seed, figures)| figures.all.iter().map(move |figure| (seed, figure)));
    let said: Vec<_> = told
        .clone()
        .map(|(seed, f)| format!("seed {seed}: {}: {:.2} {} {}", f.name, f.value, f.unit, f.bound))
        .collect();
    assert!(told.clone().all(|(_, figure)| figure.holds()), "{}", said.join("\n"));
}

#[test]
fn a_file_gets_through_beside_a_picture_and_a_voice_that_do_not_suffer() {
    let told = Told {
        name: "file",
        place: 16,
        title: "A file beside it",
        story: "2 Mbit/s with a queue of 300 ms. From the 15th second on 5 MB go to the viewer by a reliable data channel.",
        figures: &[],
        drawn: Vec::new(),
    };
    hold(&ORDINARY, judge_ordinary, told);
}

#[test]
fn a_file_on_a_narrow_line_takes_little_of_a_picture_and_nothing_of_a_voice() {
    let told = Told {
        name: "file-narrow",
        place: 17,
        title: "A file on a narrow line",
        story: "250 kbit/s with a queue of 300 ms. From the 15th second on 150 kB go to the viewer by a reliable data channel.",
        figures: &[],
        drawn: Vec::new(),
    };
    hold(&NARROW, judge_narrow, told);
}
