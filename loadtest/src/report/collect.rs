//! The records of all bots, made one summary.

use super::{Chat, Generator, Join, LayerShare, Media, Readings, Report, Server, Spread, Transport};
use crate::{
    bot::BotRecord,
    histogram::Histogram,
    monitor::LAYERS,
    peer::{PeerCounts, Subscribed},
    scenario::{Plan, RunSettings},
    timeline::Sample,
};
use plenum_shared::media::Kind;
use std::time::Instant;

/// What the run knows besides the records.
#[derive(Debug)]
pub struct Circumstances {
    /// Those who were there all the time.
    pub people: usize,
    /// Chat messages sent.
    pub messages: u64,
    pub readings: Readings,
    pub timeline: Vec<Sample>,
    /// Bots that did not make it to the end, and why.
    pub failures: Vec<String>,
}

/// Problems listed one by one; the rest is counted.
const PROBLEMS_LISTED_MAX: usize = 40;

/// Durations of all bots.
#[derive(Default)]
struct Durations {
    entered: Histogram,
    first_media: Histogram,
    first_video: Histogram,
    fan_out: Histogram,
}

impl Report {
    pub fn new(
        settings: &RunSettings,
        plan: &Plan,
        circumstances: Circumstances,
        records: &[BotRecord],
    ) -> Self {
        let Circumstances { people, messages, readings, timeline, failures } = circumstances;
        let mut report = Self::of(settings, plan);
        report.bots = records.len();
        (report.measured_from_s, report.measured_to_s) = readings.measured();
        let mut problems = failures;
        let mut durations = Durations::default();
        let mut packets = [0; LAYERS];
        for (index, record) in records.iter().enumerate() {
            problems.extend(record.troubles.iter().map(|words| format!("bot {index}: {words}")));
            report.media.add_published(record);
            for subscribed in &record.receive.subscribed {
                let is_clean = report.media.add_subscribed(subscribed, report.every_packet, report.is_steady);
                if !is_clean && !report.tolerates_loss {
                    problems.push(format!("bot {index} from {}", faults(subscribed)));
                }
                count_layers(subscribed, &mut packets);
            }
            let is_deaf = |record: &BotRecord| {
                let all = &record.receive.subscribed;
                !all.is_empty() && all.iter().all(|it| !it.account.has_begun())
            };
            report.media.deaf += usize::from(is_deaf(record));
            report.transport.add(&record.send.counts);
            report.transport.add(&record.receive.counts);
            durations.add(record);
        }
        if !report.is_steady {
            report.media.subscriptions_expected = report.media.subscriptions;
        }
        report.media.delay = Spread::of(&readings.delays());
        report.layers = layers(&packets, &timeline);
        report.join = Join {
            entered: Spread::of(&durations.entered),
            first_media: Spread::of(&durations.first_media),
            first_video: Spread::of(&durations.first_video),
        };
        report.chat = (plan.messages_per_second > 0.0).then(|| {
            let (expected, heard) = (messages * people as u64, durations.fan_out.count());
            let fan_out = Spread::of(&durations.fan_out);
            Chat { sent: messages, expected, heard, heard_per_s: heard as f64 / report.seconds, fan_out }
        });
        report.server = Server::new(&readings, &timeline);
        report.generator = Generator::new(&readings, report.transport.socket_drops);
        report.timeline = timeline;
        problems.extend(report.missing());
        report.problems_unlisted = problems.len().saturating_sub(PROBLEMS_LISTED_MAX);
        problems.truncate(PROBLEMS_LISTED_MAX);
        report.problems = problems;
        report.thresholds = settings.thresholds.judge(&report);
        report
    }

    /// What is known before anybody came.
    fn of(settings: &RunSettings, plan: &Plan) -> Self {
        let scenario = settings.scenario;
        let due = (0..plan.people.len()).map(|number| plan.due_to(number)).sum();
        Self {
            scenario: scenario.name(),
            load: scenario.load(),
            load_unit: scenario.load_unit(),
            seconds: settings.duration.as_secs_f64(),
            seed: settings.seed,
            network: settings.conditions,
            loss_asked_for: settings.conditions.loss,
            every_packet: settings.every_packet,
            media: Media { subscriptions_expected: due, ..Media::default() },
            tolerates_loss: settings.tolerates_loss(),
            is_steady: plan.is_steady(),
            ..Self::default()
        }
    }

    /// What should be there and is not.
    fn missing(&self) -> Vec<String> {
        let mut words = Vec::new();
        let (is, due) = (self.media.subscriptions, self.media.subscriptions_expected);
        if is != due {
            words.push(format!("{is} subscriptions, {due} were due"));
        }
        if self.media.deaf > 0 {
            words.push(format!("{} bots never received a packet", self.media.deaf));
        }
        if let Some(chat) = self.chat.as_ref().filter(|chat| chat.heard != chat.expected) {
            words.push(format!("{} chat messages were heard, {} were due", chat.heard, chat.expected));
        }
        words
    }
}

impl Media {
    fn add_published(&mut self, record: &BotRecord) {
        self.producers += record.send.published.len();
        self.sent += record.send.published.iter().flat_map(|it| &it.sent).sum::<u64>();
    }

    /// Returns whether nothing is wrong with the subscription.
    fn add_subscribed(&mut self, subscribed: &Subscribed, every_packet: bool, is_steady: bool) -> bool {
        let (account, counts) = (&subscribed.account, subscribed.account.counts());
        let lost = account.holes().min(subscribed.lost);
        let left_out = subscribed.lost - lost;
        let due = if every_packet { subscribed.lost } else { lost };
        self.subscriptions += 1;
        self.received += account.received();
        self.expected += account.received() + due;
        self.lost += lost;
        self.left_out += left_out;
        self.duplicated += account.duplicated();
        self.reordered += account.reordered();
        self.foreign += counts.foreign;
        self.damaged += counts.damaged;
        self.layer_switches += counts.layer_switches;
        self.unclean_switches += counts.unclean_switches;
        self.unclean_starts += counts.unclean_starts;
        self.time_breaks += counts.time_breaks;
        self.picture_breaks += counts.picture_breaks;
        self.bytes += counts.bytes;
        self.silent += usize::from(!account.has_begun());
        // Who has just come, or is about to go, may be too short a time there to be seen.
        let has_begun = account.has_begun() || !every_packet || !is_steady;
        has_begun && due == 0 && account.duplicated() == 0 && counts.is_clean()
    }
}

fn faults(subscribed: &Subscribed) -> String {
    let (account, remote) = (&subscribed.account, &subscribed.remote);
    format!(
        "{:?} of {}: received {} missing {} duplicated {} reordered {}; {}; {:?}",
        remote.source,
        remote.participant,
        account.received(),
        subscribed.lost,
        account.duplicated(),
        account.reordered(),
        account.whereabouts(),
        account.counts(),
    )
}

fn count_layers(subscribed: &Subscribed, packets: &mut [u64; LAYERS]) {
    if subscribed.remote.kind == Kind::Video {
        for (layer, received) in subscribed.account.layers() {
            packets[usize::from(layer).min(LAYERS - 1)] += received;
        }
    }
}

/// Layers that somebody received; none without video.
fn layers(packets: &[u64; LAYERS], timeline: &[Sample]) -> Vec<LayerShare> {
    let all_packets = packets.iter().sum::<u64>().max(1) as f64;
    let seen = |layer: usize| timeline.iter().map(|sample| u64::from(sample.layers[layer])).sum::<u64>();
    let all_seen = (0..LAYERS).map(seen).sum::<u64>().max(1) as f64;
    let share = |layer: usize| LayerShare {
        layer: layer as u8,
        packets: packets[layer],
        share_of_packets: packets[layer] as f64 / all_packets,
        share_of_time: seen(layer) as f64 / all_seen,
    };
    (0..LAYERS).filter(|layer| packets[*layer] > 0).map(share).collect()
}

impl Durations {
    /// All count from the moment the bot's way to the server was open.
    fn add(&mut self, record: &BotRecord) {
        self.fan_out.merge(&record.chat.fan_out);
        let note = |at: Option<Instant>, histogram: &mut Histogram| {
            if let Some(at) = at {
                let waited = at.saturating_duration_since(record.connected_at);
                histogram.record(u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX));
            }
        };
        note(Some(record.entered_at), &mut self.entered);
        if !record.found_media {
            return;
        }
        let began = |kind: Option<Kind>| {
            let all = record.receive.subscribed.iter();
            all.filter(|it| kind.is_none_or(|kind| it.remote.kind == kind)).filter_map(|it| it.began_at).min()
        };
        note(began(None), &mut self.first_media);
        note(began(Some(Kind::Video)), &mut self.first_video);
    }
}

impl Transport {
    fn add(&mut self, counts: &PeerCounts) {
        self.datagrams_sent += counts.datagrams_sent;
        self.datagrams_received += counts.datagrams_received;
        self.bytes_sent += counts.bytes_sent;
        self.bytes_received += counts.bytes_received;
        self.wire_duplicates += counts.wire_duplicates;
        self.nacks_sent += counts.nacks_sent;
        self.nacks_received += counts.nacks_received;
        self.plis_sent += counts.plis_sent;
        self.plis_received += counts.plis_received;
        self.emulated_losses += counts.emulated_losses;
        self.socket_drops += counts.socket_drops;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        scenario::{Scenario, VenueSettings},
        server::Processes,
        timeline::Sources,
    };

    fn nobody(scenario: Scenario, messages: u64) -> Report {
        let settings = RunSettings::new(VenueSettings::demo(), scenario);
        let sources = Sources { monitor: Default::default(), processes: Processes::default() };
        let reading = sources.read();
        let readings = Readings {
            start: reading.at,
            empty: reading.clone(),
            begin: reading.clone(),
            end: reading,
            processes: Processes::default(),
        };
        let circumstances =
            Circumstances { people: 2, messages, readings, timeline: Vec::new(), failures: Vec::new() };
        Report::new(&settings, &scenario.plan(&settings), circumstances, &[])
    }

    #[test]
    fn missing_subscriptions_are_a_problem() {
        let report = nobody(Scenario::Meeting { people: 2 }, 0);
        assert_eq!(report.problems, ["0 subscriptions, 4 were due"]);
        assert!(!report.is_good());
    }

    #[test]
    fn chat_messages_that_nobody_hears_are_a_problem() {
        let report = nobody(Scenario::ChatStorm { per_second: 1.0, people: 2 }, 3);
        assert_eq!(report.problems, ["0 chat messages were heard, 6 were due"]);
    }

    #[test]
    fn layers_are_shared_by_packets_and_by_time() {
        let sample = Sample { layers: [3, 0, 1, 0], ..Sample::default() };
        let shares = layers(&[30, 0, 70, 0], &[sample]);
        let of =
            |place: usize| (shares[place].layer, shares[place].share_of_packets, shares[place].share_of_time);
        assert_eq!((of(0), of(1)), ((0, 0.3, 0.75), (2, 0.7, 0.25)));
        assert!(layers(&[0; LAYERS], &[]).is_empty());
    }
}
