//! What a run found: one summary, as text for people, as a page with plots, and as JSON for machines.

mod collect;
mod judge;
mod page;
mod plot;
mod server;
mod text;

pub use collect::{Attendance, Circumstances};
pub use judge::{Judged, Thresholds};
pub use page::{knee_page, run_page};
pub use server::{Generator, Plane, Readings, Server, Thread};

use crate::{histogram::Histogram, network::Conditions, timeline::Sample};
use serde::Serialize;

/// Everything a run says.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    pub scenario: &'static str,
    /// The load of the scenario, and what it counts.
    pub load: f64,
    pub load_unit: &'static str,
    /// Bots that left a record.
    pub bots: usize,
    /// Measured.
    pub seconds: f64,
    pub seed: u64,
    pub network: Conditions,
    pub loss_asked_for: f64,
    /// The server was to leave out nothing.
    pub every_packet: bool,
    pub media: Media,
    /// Of that, what light receivers had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub light: Option<Light>,
    /// Packets that subscribers received of each layer of simulcast video.
    pub layers: Vec<LayerShare>,
    pub join: Join,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chat: Option<Chat>,
    pub transport: Transport,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<Server>,
    pub generator: Generator,
    /// The thresholds that were given, and whether they held.
    pub thresholds: Vec<Judged>,
    /// What went wrong, first things first.
    pub problems: Vec<String>,
    /// Problems beyond the ones listed.
    pub problems_unlisted: usize,
    /// When the measured time began and ended, in seconds since the start.
    pub measured_from_s: f64,
    pub measured_to_s: f64,
    /// Once a second.
    pub timeline: Vec<Sample>,
    /// Packets may be missing without the run being bad for that alone.
    #[serde(skip)]
    tolerates_loss: bool,
    /// Everybody who was there was there all the time.
    #[serde(skip)]
    is_steady: bool,
}

/// Packets as their subscribers saw them.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Media {
    pub producers: usize,
    pub subscriptions: usize,
    /// Subscriptions there should be: everybody who watches has everything of everybody else in the room who got in. Of
    /// those who come and go as many as there are.
    pub subscriptions_expected: usize,
    /// Packets that publishers sent, without retransmissions.
    pub sent: u64,
    /// Packets that subscribers should have received, counted from the first one of each. What was left out is among
    /// them where nothing may be.
    pub expected: u64,
    pub received: u64,
    /// Sent to a subscriber and never received: a hole in its sequence numbers.
    pub lost: u64,
    /// Never sent to a subscriber: no hole. The server saves bandwidth, or forwards only the loudest.
    pub left_out: u64,
    pub duplicated: u64,
    pub reordered: u64,
    pub foreign: u64,
    pub damaged: u64,
    pub layer_switches: u64,
    pub unclean_switches: u64,
    pub unclean_starts: u64,
    pub time_breaks: u64,
    pub picture_breaks: u64,
    /// Subscriptions that never received anything.
    pub silent: usize,
    /// People with subscriptions who never received anything at all.
    pub deaf: usize,
    pub bytes: u64,
    /// Of packets received in the measured time; where there are light receivers, of those that they opened.
    pub delay: Spread,
}

/// Receivers that count what comes by its numbers and look at a sample. Of what they were not sent, of layers and of single
/// subscriptions they know nothing.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Light {
    pub bots: usize,
    pub subscriptions: usize,
    pub received: u64,
    /// One packet in so many was opened.
    pub sample: u32,
    pub opened: u64,
    /// Of those: that were not authentic, that were no bot's or not whole, and that were another bot's.
    pub unauthentic: u64,
    pub strange: u64,
    pub foreign: u64,
}

/// A layer of simulcast video, 0 is the smallest.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct LayerShare {
    pub layer: u8,
    pub packets: u64,
    /// Of all packets of such video.
    pub share_of_packets: f64,
    /// Of the time that video was watched.
    pub share_of_time: f64,
}

/// From the way to the server being open, to different ends.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Join {
    /// All transports set up that the bot needs.
    pub entered: Spread,
    /// First packet of anybody, for bots that came when somebody published already.
    pub first_media: Spread,
    /// First packet of a video, for the same.
    pub first_video: Spread,
}

/// What was written and heard in the chat.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Chat {
    pub sent: u64,
    /// Everybody hears everything.
    pub expected: u64,
    pub heard: u64,
    pub heard_per_s: f64,
    pub fan_out: Spread,
}

/// Milliseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Spread {
    /// How many values there were.
    pub count: u64,
    pub p50_ms: f64,
    pub p90_ms: f64,
    pub p99_ms: f64,
    pub p999_ms: f64,
    pub max_ms: f64,
}

/// Datagrams and feedback, all bots together.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Transport {
    pub datagrams_sent: u64,
    pub datagrams_received: u64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    pub wire_duplicates: u64,
    pub nacks_sent: u64,
    pub nacks_received: u64,
    pub plis_sent: u64,
    pub plis_received: u64,
    pub emulated_losses: u64,
    /// The load generator's own fault: its sockets were full.
    pub socket_drops: u64,
}

impl Spread {
    pub fn of(histogram: &Histogram) -> Self {
        let ms = |ns: u64| (ns as f64 / 10_000.0).round() / 100.0;
        let quantile = |share| ms(histogram.quantile_ns(share));
        Self {
            count: histogram.count(),
            p50_ms: quantile(0.5),
            p90_ms: quantile(0.9),
            p99_ms: quantile(0.99),
            p999_ms: quantile(0.999),
            max_ms: ms(histogram.max_ns()),
        }
    }
}
