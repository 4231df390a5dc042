//! A meeting of two Chromiums with a server of our own: publisher and server on the near side of the wire, the viewer
//! beyond it. A script drives them and prints the viewer's statistics, a line of JSON for each look.

use std::io::{BufRead, BufReader, Write};
use std::path::{self, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::lateness::Lateness;
use super::namespace::{self, Namespace, has};
use super::wire::{Course, NEAR, Passed, Wire, far};
use crate::link::LinkSettings;
use crate::meeting::Path;
use crate::record::{Record, SAMPLE_INTERVAL, Sample};

/// The camera's picture: the smallest of which Chromium makes three layers, because a machine of two cores encodes all of
/// them and decodes one.
const WIDTH: usize = 960;
/// See [`WIDTH`].
const HEIGHT: usize = 540;
const FRAME_RATE: f64 = 20.0;
/// A second of a film of 30 pictures a second.
const FRAMES: usize = 30;
/// Of 20 ms.
const SOUND_SAMPLES: u64 = 960;

/// Why there can be no room on this machine, if so.
pub fn hindrance() -> Option<String> {
    if let Some(hindrance) = namespace::hindrance() {
        return Some(hindrance);
    }
    if !has("node") {
        return Some("there is no node".to_owned());
    }
    let needed = [program(), root().join("web/node_modules/playwright-core")];
    let missing = needed.iter().find(|path| !path.exists())?;
    Some(format!("there is no {}", missing.display()))
}

fn root() -> PathBuf {
    path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace").to_owned()
}

/// The server; `plenum-sfu` is beside it.
fn program() -> PathBuf {
    let built = || path::Path::new(env!("CARGO_BIN_EXE_plenum-sfu")).with_file_name("plenum");
    std::env::var_os("PLENUM_BIN").map_or_else(built, PathBuf::from)
}

/// The viewer's statistics at one moment.
#[derive(Debug, Clone)]
struct Look {
    at: Instant,
    /// Pictures that the publisher has made.
    made: u64,
    width: u64,
    frames: u64,
    freezes: u64,
    frozen: f64,
    concealed: u64,
    sounds: u64,
}

/// What came of a meeting.
pub struct Seen {
    pub record: Record,
    /// Of the wire.
    pub lateness: Lateness,
    /// Share of the camera's pictures that the publisher found the time to encode.
    pub made: f64,
}

pub struct Room {
    script: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    wire: Option<Wire>,
    // Dropped last: what runs inside has ended by then.
    _sides: [Namespace; 2],
    _camera: tempfile::TempDir,
}

impl Room {
    /// Returns once the viewer sees the publisher's best picture, or the best this machine makes.
    pub fn open(seed: u64) -> Self {
        let sides = [Namespace::new("near"), Namespace::new("far")];
        let wire = Wire::new(&sides[0], &sides[1], seed);
        sides[1].address(far(0));
        let camera = tempfile::tempdir().unwrap();
        let film = camera.path().join("camera.y4m");
        write_film(&film);
        let mut command = sides[0].command("node");
        command
            .arg(root().join("web/tests/browser/lab/room.mjs"))
            .env("PLENUM_BIN", program())
            .env("LAB_ADDRESS", NEAR.to_string())
            .env("LAB_VIEWER", format!("/run/netns/{}", sides[1].name))
            .env("LAB_FILM", &film)
            .env("LAB_WIDTH", WIDTH.to_string())
            .env("LAB_HEIGHT", HEIGHT.to_string())
            .env("LAB_FRAME_RATE", FRAME_RATE.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut script = command.spawn().expect("node runs");
        let input = script.stdin.take();
        let output = BufReader::new(script.stdout.take().expect("piped"));
        let mut room = Room { script, input, output, wire: Some(wire), _sides: sides, _camera: camera };
        let ready = room.line();
        assert_eq!(ready["ready"], true, "{ready}");
        room
    }

    /// Puts the link in the way for this long.
    pub fn watch(mut self, down: LinkSettings, time: Duration) -> Seen {
        let wire = self.wire.take().expect("opened with a wire");
        let mut looks = vec![self.look()];
        let start = Instant::now();
        let up = LinkSettings { delay: down.delay, dead: down.dead.clone(), ..LinkSettings::default() };
        wire.begin(Course { start, links: vec![up, down], hosts: vec![Path { up: 0, down: 1 }] });
        while start.elapsed() < time {
            looks.push(self.look());
        }
        let ended = wire.end();
        self.close();
        let (first, last) = (&looks[0], &looks[looks.len() - 1]);
        let pictures = last.at.duration_since(first.at).as_secs_f64() * FRAME_RATE;
        let made = last.made.saturating_sub(first.made) as f64 / pictures;
        Seen { record: record(start, &looks, &ended.passed[0]), lateness: ended.lateness, made }
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the script prints lines");
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the script ended: {line}"))
    }

    fn look(&mut self) -> Look {
        let line = self.line();
        let whole = |name: &str| line[name].as_f64().unwrap_or_default() as u64;
        Look {
            at: Instant::now(),
            made: whole("made"),
            width: whole("width"),
            frames: whole("frames"),
            freezes: whole("freezes"),
            frozen: line["frozen"].as_f64().unwrap_or_default(),
            concealed: whole("concealed"),
            sounds: whole("sounds"),
        }
    }

    /// The script closes everything when its input ends.
    fn close(&mut self) {
        drop(self.input.take());
        let _ = self.script.wait();
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.close();
    }
}

fn record(start: Instant, looks: &[Look], passed: &[Passed]) -> Record {
    let since = |at: Instant| at.saturating_duration_since(start).as_secs_f64();
    let kbps = |bytes: usize| bytes as f64 * 8.0 / SAMPLE_INTERVAL.as_secs_f64() / 1000.0;
    let mut record = Record::default();
    for (index, one) in passed.iter().enumerate() {
        let at = SAMPLE_INTERVAL.as_secs_f64() * (index + 1) as f64;
        let look = looks.iter().rev().find(|look| since(look.at) <= at);
        let layer = look.map(|look| layer(look.width));
        record.samples.push(Sample {
            at,
            offered: None,
            link: one.rate.map(|rate| rate as f64 / 1000.0),
            estimate: None,
            sent: kbps(one.bytes),
            received: 0.0,
            layers: vec![layer],
            shown: layer,
            packets: one.packets,
            lost: one.lost,
            delay: one.longest.map(|way| way.as_secs_f64() * 1000.0),
        });
    }
    let sounds = |samples: u64| samples / SOUND_SAMPLES;
    for pair in looks.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        if after.freezes > before.freezes {
            let to = since(after.at);
            record.freezes.push((0, (to - (after.frozen - before.frozen)).max(0.0), to));
        }
        let concealed = sounds(after.concealed).saturating_sub(sounds(before.concealed));
        record.concealed.extend((0..concealed).map(|_| since(after.at)));
        record.played += sounds(after.sounds).saturating_sub(sounds(before.sounds));
        record.frames += after.frames.saturating_sub(before.frames);
    }
    record
}

/// Each layer is half as wide as the next.
fn layer(width: u64) -> u8 {
    let top = WIDTH as u64;
    u8::from(width > top * 3 / 8) + u8::from(width > top * 3 / 4)
}

/// A film that moves and sparkles, so that an encoder uses the rate it is given.
fn write_film(file: &path::Path) {
    let mut random = crate::random::Random::new(1, 1);
    let mut bytes = format!("YUV4MPEG2 W{WIDTH} H{HEIGHT} F30:1 Ip A1:1 C420jpeg\n").into_bytes();
    for frame in 0..FRAMES {
        bytes.extend_from_slice(b"FRAME\n");
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                let wave = ((x + 7 * frame) / 8 * 23 + (y + 3 * frame) / 8 * 41) % 160;
                bytes.push((40 + wave) as u8 + (random.next() % 12) as u8);
            }
        }
        bytes.resize(bytes.len() + WIDTH * HEIGHT / 2, 128);
    }
    std::fs::File::create(file).unwrap().write_all(&bytes).unwrap();
}
