//! The records of all bots, made one summary.

use super::{Chat, Generator, Join, LayerShare, Light, Media, Readings, Report, Server, Spread, Transport};
use crate::{
    bot::{BotRecord, LightRecord, SAMPLE},
    histogram::Histogram,
    light::State,
    monitor::LAYERS,
    peer::{PeerCounts, Subscribed},
    scenario::{Plan, RunSettings},
    timeline::Sample,
};
use plenum_shared::media::Kind;
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};
use uuid::Uuid;

/// Somebody who was there.
#[derive(Debug)]
pub struct Attendance {
    /// In the plan.
    pub number: usize,
    /// For how long, of those who came and went; the others were there all the time.
    pub visited: Option<Duration>,
    pub record: BotRecord,
}

/// What the run knows besides the records.
#[derive(Debug)]
pub struct Circumstances {
    /// The numbers of those who got in and stayed.
    pub inside: BTreeSet<usize>,
    /// Chat messages sent.
    pub messages: u64,
    /// Datagrams that the sockets of light receivers dropped.
    pub light_drops: u64,
    pub readings: Readings,
    pub timeline: Vec<Sample>,
    /// Bots that did not make it to the end, and why.
    pub failures: Vec<String>,
}

/// Problems listed one by one; the rest is counted.
const PROBLEMS_LISTED_MAX: usize = 40;

/// Whoever was there for less may have left before anything could come: the first datagrams of a transport that are lost
/// are repeated after a second.
const VISIT_JUDGED_MIN: Duration = Duration::from_secs(3);

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
        records: &[Attendance],
    ) -> Self {
        let Circumstances { inside, messages, light_drops, readings, timeline, failures } = circumstances;
        let mut report = Self::of(settings, plan);
        report.bots = records.len();
        (report.measured_from_s, report.measured_to_s) = readings.measured();
        let mut problems = failures;
        let mut durations = Durations::default();
        let mut packets = [0; LAYERS];
        for attendance in records {
            let Attendance { number, record, .. } = attendance;
            problems.extend(record.troubles.iter().map(|words| format!("bot {number}: {words}")));
            report.media.add_published(record);
            for subscribed in &record.receive.subscribed {
                let is_clean = report.media.add_subscribed(subscribed, report.every_packet, report.is_steady);
                if !is_clean && !report.tolerates_loss {
                    problems.push(format!("bot {number} from {}", faults(subscribed)));
                }
                count_layers(subscribed, &mut packets);
            }
            if let Some(light) = &record.light {
                report.media.add_light(light);
                report.light.get_or_insert_default().add(light);
                if let State::Failed(reason) = &light.report.state {
                    problems.push(format!("bot {number}: receive transport: {reason}"));
                }
            }
            report.media.deaf += usize::from(attendance.is_deaf(report.tolerates_loss));
            report.transport.add(&record.send.counts);
            report.transport.add(&record.receive.counts);
            durations.add(record);
        }
        report.media.subscriptions_expected = if report.is_steady {
            let inside = |number: usize| inside.contains(&number);
            records.iter().map(|it| plan.due_to(it.number, inside)).sum()
        } else {
            report.media.subscriptions + unsubscribed(plan, records)
        };
        report.media.delay = Spread::of(&readings.delays());
        report.layers = layers(&packets, &timeline);
        report.join = Join {
            entered: Spread::of(&durations.entered),
            first_media: Spread::of(&durations.first_media),
            first_video: Spread::of(&durations.first_video),
        };
        report.chat = (plan.messages_per_second > 0.0).then(|| {
            let (expected, heard) = (messages * inside.len() as u64, durations.fan_out.count());
            let fan_out = Spread::of(&durations.fan_out);
            Chat { sent: messages, expected, heard, heard_per_s: heard as f64 / report.seconds, fan_out }
        });
        report.server = Server::new(&readings, &timeline);
        report.transport.socket_drops += light_drops;
        let published = records.iter().flat_map(|it| &it.record.send.published);
        let skipped = published.map(|it| it.skipped).sum();
        report.generator = Generator::new(&readings, skipped, report.transport.socket_drops);
        report.timeline = timeline;
        problems.extend(report.missing());
        report.add_problems(problems);
        report.thresholds = settings.thresholds.judge(&report);
        report
    }

    /// Further things that went wrong.
    pub fn add_problems(&mut self, words: impl IntoIterator<Item = String>) {
        self.problems.extend(words);
        self.problems_unlisted += self.problems.len().saturating_sub(PROBLEMS_LISTED_MAX);
        self.problems.truncate(PROBLEMS_LISTED_MAX);
    }

    /// What is known before anybody came.
    fn of(settings: &RunSettings, plan: &Plan) -> Self {
        let scenario = settings.scenario;
        Self {
            scenario: scenario.name(),
            load: scenario.load(),
            load_unit: scenario.load_unit(),
            seconds: settings.duration.as_secs_f64(),
            seed: settings.seed,
            network: settings.conditions,
            loss_asked_for: settings.conditions.loss,
            every_packet: settings.every_packet,
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

impl Attendance {
    /// Whether it subscribed and never received anything, although there was time for it. How much time there is for those
    /// who come and go, nobody can say of a network that loses what their transports are set up with.
    fn is_deaf(&self, tolerates_loss: bool) -> bool {
        let all = &self.record.receive.subscribed;
        if let Some(light) = &self.record.light {
            return light.subscriptions > 0 && light.report.received.packets == 0;
        }
        let had_time = self.visited.is_none_or(|visited| !tolerates_loss && visited >= VISIT_JUDGED_MIN);
        had_time && !all.is_empty() && all.iter().all(|it| !it.account.has_begun())
    }
}

/// Tracks of those who stayed that others who stayed are not subscribed to although they watch.
fn unsubscribed(plan: &Plan, records: &[Attendance]) -> usize {
    let steady = || records.iter().filter(|it| it.visited.is_none());
    let room = |attendance: &Attendance| plan.people.get(attendance.number).map(|person| person.room);
    let missing = |watcher: &Attendance| {
        let has: BTreeSet<Uuid> =
            watcher.record.receive.subscribed.iter().map(|it| it.remote.producer).collect();
        let others = steady().filter(|it| it.number != watcher.number && room(it) == room(watcher));
        let published = others.flat_map(|it| &it.record.send.published);
        published.filter(|it| !has.contains(&it.producer)).count()
    };
    // A light receiver does not know whose its subscriptions are.
    let watches = |it: &&Attendance| {
        it.record.light.is_none() && plan.people.get(it.number).is_some_and(|person| person.watches)
    };
    steady().filter(watches).map(missing).sum()
}

impl Light {
    fn add(&mut self, LightRecord { subscriptions, report }: &LightRecord) {
        let received = &report.received;
        self.bots += 1;
        self.subscriptions += subscriptions;
        self.received += received.packets;
        self.sample = SAMPLE;
        self.opened += received.opened;
        self.unauthentic += received.unauthentic;
        self.strange += received.strange;
        self.foreign += received.foreign;
    }
}

impl Media {
    fn add_published(&mut self, record: &BotRecord) {
        self.producers += record.send.published.len();
        self.sent += record.send.published.iter().flat_map(|it| &it.sent).sum::<u64>();
    }

    /// What was not opened is taken for what it claims to be.
    fn add_light(&mut self, LightRecord { subscriptions, report }: &LightRecord) {
        let received = &report.received;
        self.subscriptions += subscriptions;
        self.received += received.packets;
        self.expected += received.packets + received.missing;
        self.lost += received.missing;
        self.damaged += received.unauthentic + received.strange;
        self.foreign += received.foreign;
        self.bytes += received.payload_bytes;
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
        if let Some(light) = &record.light {
            return note(light.report.received.first_at, &mut self.first_media);
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
        accounting::Account,
        light::{MemberReport, Received},
        peer::{PeerRecord, Published},
        scenario::{Scenario, VenueSettings},
        server::Processes,
        signal::RemoteProducer,
        timeline::Sources,
    };
    use plenum_shared::media::Source;

    fn report(scenario: Scenario, messages: u64, records: &[Attendance]) -> Report {
        report_with_drops(scenario, messages, 0, records)
    }

    fn report_with_drops(
        scenario: Scenario,
        messages: u64,
        light_drops: u64,
        records: &[Attendance],
    ) -> Report {
        let settings = RunSettings::new(VenueSettings::demo(), scenario);
        let sources = Sources {
            monitor: Default::default(),
            lights: Default::default(),
            processes: Processes::default(),
        };
        let reading = sources.read();
        let readings = Readings {
            start: reading.at,
            empty: reading.clone(),
            begin: reading.clone(),
            end: reading,
            counters: None,
            processes: Processes::default(),
        };
        let inside = BTreeSet::from([0, 1]);
        let (timeline, failures) = (Vec::new(), Vec::new());
        let circumstances = Circumstances { inside, messages, light_drops, readings, timeline, failures };
        Report::new(&settings, &scenario.plan(&settings), circumstances, records)
    }

    /// Somebody who published this and subscribed to that, none of which ever came.
    fn attendance(
        number: usize,
        visited: Option<Duration>,
        published: &[Uuid],
        subscribed: &[Uuid],
    ) -> Attendance {
        let kind = Kind::Audio;
        let published = published.iter().map(|producer| Published {
            producer: *producer,
            kind,
            sent: Vec::new(),
            skipped: 0,
        });
        let remote = |producer| RemoteProducer {
            participant: Uuid::nil(),
            producer,
            kind,
            source: Source::Microphone,
        };
        let subscribed = subscribed.iter().map(|producer| Subscribed {
            remote: remote(*producer),
            account: Account::new(*producer),
            lost: 0,
            began_at: None,
        });
        let now = Instant::now();
        let record = BotRecord {
            connected_at: now,
            entered_at: now,
            found_media: false,
            light: None,
            send: PeerRecord { published: published.collect(), ..PeerRecord::default() },
            receive: PeerRecord { subscribed: subscribed.collect(), ..PeerRecord::default() },
            chat: Default::default(),
            troubles: vec!["trouble".into()],
        };
        Attendance { number, visited, record }
    }

    const CHURN: Scenario = Scenario::Churn { per_second: 1.0, people: 2, stay: Duration::from_secs(5) };

    #[test]
    fn missing_subscriptions_are_a_problem() {
        let records = [0, 1].map(|number| attendance(number, None, &[], &[]));
        let report = report(Scenario::Meeting { people: 2 }, 0, &records);
        assert_eq!(report.problems, ["bot 0: trouble", "bot 1: trouble", "0 subscriptions, 4 were due"]);
        assert!(!report.is_good());
    }

    #[test]
    fn somebody_who_did_not_get_in_is_missed_by_nobody_and_the_others_keep_their_numbers() {
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let records = [attendance(1, None, &[one, other], &[])];
        let report = report(Scenario::Meeting { people: 3 }, 0, &records);
        assert_eq!(report.media.subscriptions_expected, 2, "of bot 0, who got in and left no record");
        assert_eq!(report.problems[0], "bot 1: trouble");
    }

    #[test]
    fn visitors_who_had_no_time_to_hear_anything_are_not_deaf() {
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let steady = || {
            [(0, one, other), (1, other, one)]
                .map(|(number, own, of)| attendance(number, None, &[own], &[of]))
        };
        let deaf = |visited| {
            let visitor = attendance(2, Some(visited), &[], &[one, other]);
            let [first, second] = steady();
            report(CHURN, 0, &[first, second, visitor]).media.deaf
        };
        assert_eq!(deaf(Duration::from_millis(300)), 2, "those who stayed");
        assert_eq!(deaf(Duration::from_secs(5)), 3);
    }

    #[test]
    fn packets_that_light_receivers_find_changed_or_of_somebody_else_are_bad() {
        let received = Received { packets: 9, unauthentic: 1, strange: 2, foreign: 4, ..Received::default() };
        let light = MemberReport { state: State::Connected, received, sent: 0, port: 0 };
        let mut attendance = attendance(0, None, &[], &[]);
        attendance.record.light = Some(LightRecord { subscriptions: 1, report: light });
        let broken = report(Scenario::Meeting { people: 2 }, 0, &[attendance]).broken();
        assert_eq!(broken[..2], ["4 foreign packets", "3 damaged packets"]);
    }

    #[test]
    fn light_receivers_count_and_are_told_apart_from_those_who_check_everything() {
        let received = |packets| {
            let (bytes, payload_bytes) = (150 * packets, 80 * packets);
            Received { packets, bytes, payload_bytes, missing: 1, opened: 2, ..Received::default() }
        };
        let light = |number, packets, subscriptions| {
            let report =
                MemberReport { state: State::Connected, received: received(packets), sent: 0, port: 0 };
            let mut attendance = attendance(number, None, &[], &[]);
            attendance.record.light = Some(LightRecord { subscriptions, report });
            attendance
        };
        let report = report(Scenario::Meeting { people: 2 }, 0, &[light(0, 90, 2), light(1, 0, 2)]);
        let media = &report.media;
        assert_eq!((media.subscriptions, media.subscriptions_expected), (4, 4));
        assert_eq!((media.received, media.lost, media.expected, media.deaf), (90, 2, 92, 1));
        assert_eq!(media.bytes, 90 * 80, "payloads, as of all others");
        let light = report.light.expect("there were some");
        assert_eq!((light.bots, light.received, light.opened, light.sample), (2, 90, 4, SAMPLE));
    }

    #[test]
    fn what_light_receivers_did_not_read_in_time_proves_nothing() {
        let report = report_with_drops(Scenario::Meeting { people: 2 }, 0, 7, &[]);
        assert_eq!(report.generator.no_proof, ["the bots' own sockets dropped 7 datagrams"]);
    }

    #[test]
    fn those_who_stay_while_others_come_and_go_must_have_each_other() {
        let [one, other] = [Uuid::from_u128(1), Uuid::from_u128(2)];
        let records = [attendance(0, None, &[one], &[]), attendance(1, None, &[other], &[one])];
        let report = report(CHURN, 0, &records);
        assert_eq!((report.media.subscriptions, report.media.subscriptions_expected), (1, 2));
        assert!(report.problems.contains(&"1 subscriptions, 2 were due".to_owned()), "{:?}", report.problems);
    }

    #[test]
    fn chat_messages_that_nobody_hears_are_a_problem() {
        let report = report(Scenario::ChatStorm { per_second: 1.0, people: 2 }, 3, &[]);
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
