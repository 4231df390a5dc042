//! What a meeting was, computed from what was stored of it (C-66). Nothing in here depends on the meeting having run in
//! this process, or on the dialect people came by.

use std::collections::HashMap;

use plenum_shared::media::ConnectionQuality;
use time::{Duration, OffsetDateTime};

use super::chat::Sender;
use super::id::{ParticipantId, RosterId, UserId};
use super::ledger::{Lasting, Stretch};
use super::role::Role;
use super::session::Attendance;

mod spans;

use spans::{Span, concurrent, total, union};

/// Steps of the timeline at most: as many as a chart has room for.
pub const STEPS_MAX: i64 = 240;
/// Stretches of one kind that are listed; the sums count all of them.
pub const LISTED_MAX: usize = 200;
/// Kinds of reaction that are listed.
pub const REACTIONS_MAX: usize = 20;
/// People that are listed, the longest present first; the counts count everybody.
pub const PEOPLE_MAX: usize = 1000;
/// Somebody takes part who does something this often while present.
const ACTS_EVERY: Duration = Duration::minutes(15);

/// Everything stored of an ended meeting that statistics look at.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub started_at: OffsetDateTime,
    pub ended_at: OffsetDateTime,
    pub sessions: Vec<Attendance>,
    /// Everybody on the roster with the role of today.
    pub roles: HashMap<RosterId, Role>,
    pub messages: Vec<MessagesSent>,
    pub acts: Vec<ActsDone>,
    pub stretches: Vec<Stretch>,
    /// From and to; one without an end ended with the meeting.
    pub recordings: Vec<(OffsetDateTime, Option<OffsetDateTime>)>,
    pub traffic: Traffic,
}

/// Messages of one person within one minute of the meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessagesSent {
    pub sender: Sender,
    pub minute: i64,
    pub count: u64,
}

/// What one session did within one minute of the meeting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActsDone {
    pub session: ParticipantId,
    pub kind: ActKind,
    /// Which reaction.
    pub detail: String,
    pub minute: i64,
    pub count: u64,
}

/// The kinds of [`super::ledger::Act`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActKind {
    Reaction,
    Hand,
    Unmute,
    Share,
}

impl ActKind {
    /// Reads the word of [`super::ledger::Act::as_str`].
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "reaction" => Some(Self::Reaction),
            "hand" => Some(Self::Hand),
            "unmute" => Some(Self::Unmute),
            "share" => Some(Self::Share),
            _ => None,
        }
    }
}

/// Bytes that the media plane carried for a meeting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Traffic {
    pub received: u64,
    pub sent: u64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Analytics {
    pub started_at: OffsetDateTime,
    pub ended_at: OffsetDateTime,
    pub duration_minutes: f64,
    pub peak: u32,
    /// Mean attendance.
    pub average: f64,
    pub persons: u32,
    pub messages: u64,
    /// Minutes in which at least one screen was shown.
    pub screen_minutes: f64,
    /// Minutes that were recorded while somebody was inside.
    pub recording_minutes: f64,
    /// How many took part much, somewhat, hardly.
    pub engagement: [u32; 3],
    /// 0 to 100; `None` without media.
    pub quality: Option<f64>,
    pub traffic: Traffic,
    pub step_minutes: i64,
    pub timeline: Vec<Step>,
    /// Minutes from and to.
    pub screens: Vec<(f64, f64)>,
    pub recordings: Vec<(f64, f64)>,
    pub acts: Acts,
    pub reactions: Vec<(String, u64)>,
    /// Minutes of excellent, good, fair and poor connections.
    pub quality_minutes: [f64; 4],
    pub people: Vec<PersonAnalytics>,
}

/// One step of the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Step {
    /// Where it begins.
    pub minute: i64,
    /// Most persons inside at one moment of it.
    pub participants: u32,
    pub messages: u64,
    pub reactions: u64,
}

/// How often something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Acts {
    pub messages: u64,
    pub reactions: u64,
    pub hands: u64,
    pub unmutes: u64,
    pub shares: u64,
}

impl Acts {
    fn sum(&self) -> u64 {
        self.messages + self.reactions + self.hands + self.unmutes + self.shares
    }

    fn add(&mut self, kind: ActKind, count: u64) {
        match kind {
            ActKind::Reaction => self.reactions += count,
            ActKind::Hand => self.hands += count,
            ActKind::Unmute => self.unmutes += count,
            ActKind::Share => self.shares += count,
        }
    }
}

/// How much somebody took part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engagement {
    High,
    Medium,
    Low,
}

impl Engagement {
    /// Judges somebody who was `present` for so long of a meeting of `duration`, and did so many things there.
    pub fn of(present: Duration, duration: Duration, acts: u64) -> Self {
        let share = if duration.is_positive() { present / duration } else { 1.0 };
        let often = acts > 0 && ACTS_EVERY.as_seconds_f64() * acts as f64 >= present.as_seconds_f64();
        match (share, acts) {
            _ if share >= 0.75 && often => Self::High,
            _ if share < 0.25 || (acts == 0 && share < 0.5) => Self::Low,
            _ => Self::Medium,
        }
    }
}

/// One person over the whole meeting.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonAnalytics {
    pub user: Option<UserId>,
    pub name: String,
    pub role: Role,
    pub first_joined_at: OffsetDateTime,
    pub last_left_at: OffsetDateTime,
    pub sessions: u32,
    pub present_minutes: f64,
    pub present_percent: f64,
    pub acts: Acts,
    pub engagement: Engagement,
    pub quality: Option<f64>,
}

/// What a person has on the way to [`PersonAnalytics`].
struct Person {
    user: Option<UserId>,
    name: String,
    role: Role,
    sessions: u32,
    present: Vec<Span>,
    acts: Acts,
    quality: Weighted,
}

/// A mean in the making: a sum of scores by seconds, and the seconds.
#[derive(Default)]
struct Weighted {
    sum: f64,
    seconds: f64,
}

impl Weighted {
    fn add(&mut self, score: f64, seconds: f64) {
        self.sum += score * seconds;
        self.seconds += seconds;
    }

    fn mean(&self) -> Option<f64> {
        (self.seconds > 0.0).then(|| tenth(self.sum / self.seconds))
    }
}

impl Record {
    /// The meeting in numbers.
    pub fn analytics(&self) -> Analytics {
        let whole = Span::new(self.started_at, self.ended_at.max(self.started_at));
        let duration = whole.len();
        let mut people = self.people(whole);
        let owners: HashMap<ParticipantId, RosterId> =
            self.sessions.iter().map(|session| (session.id, session.roster)).collect();
        let ends: HashMap<ParticipantId, OffsetDateTime> =
            self.sessions.iter().map(|s| (s.id, s.left_at.unwrap_or(self.ended_at))).collect();

        let writers = self.writers();
        let mut timeline = timeline(whole, people.values());
        let step_minutes = timeline.step_minutes;
        let (mut acts, mut reactions) = (Acts::default(), HashMap::<&str, u64>::new());
        for sent in &self.messages {
            acts.messages += sent.count;
            timeline.at(sent.minute).messages += sent.count;
            if let Some(person) = writers.get(&sent.sender).and_then(|line| people.get_mut(line)) {
                person.acts.messages += sent.count;
            }
        }
        for done in &self.acts {
            acts.add(done.kind, done.count);
            if done.kind == ActKind::Reaction {
                timeline.at(done.minute).reactions += done.count;
                *reactions.entry(&done.detail).or_default() += done.count;
            }
            if let Some(person) = owners.get(&done.session).and_then(|line| people.get_mut(line)) {
                person.acts.add(done.kind, done.count);
            }
        }
        let (mut screens, mut quality, mut quality_seconds) = (Vec::new(), Weighted::default(), [0.0; 4]);
        for stretch in &self.stretches {
            let end = stretch.to.or_else(|| ends.get(&stretch.session).copied()).unwrap_or(self.ended_at);
            let Some(span) = Span::new(stretch.from, end).within(whole) else { continue };
            match stretch.what {
                Lasting::Screen => screens.push(span),
                Lasting::Quality(was) => {
                    let (seconds, (index, score)) = (span.len().as_seconds_f64(), rated(was));
                    quality.add(score, seconds);
                    quality_seconds[index] += seconds;
                    if let Some(person) = owners.get(&stretch.session).and_then(|line| people.get_mut(line)) {
                        person.quality.add(score, seconds);
                    }
                }
            }
        }
        let screens = union(screens);
        let attended = union(people.values().flat_map(|person| person.present.iter().copied()).collect());
        let recorded = self.recordings.iter();
        let recorded =
            recorded.filter_map(|(from, to)| Span::new(*from, to.unwrap_or(self.ended_at)).within(whole));
        let recorded = spans::common(&union(recorded.collect()), &attended);
        let present: Duration = people.values().map(|person| total(&person.present)).sum();
        let listed = |spans: &[Span]| {
            let minute = |at: OffsetDateTime| minutes(at - whole.from);
            spans.iter().take(LISTED_MAX).map(|span| (minute(span.from), minute(span.to))).collect()
        };
        let persons = u32::try_from(people.len()).unwrap_or(u32::MAX);
        let people = finished(people, duration);
        Analytics {
            started_at: whole.from,
            ended_at: whole.to,
            duration_minutes: minutes(duration),
            peak: timeline.peak,
            average: if duration.is_positive() { hundredth(present / duration) } else { 0.0 },
            persons,
            messages: acts.messages,
            screen_minutes: minutes(total(&screens)),
            recording_minutes: minutes(total(&recorded)),
            engagement: [Engagement::High, Engagement::Medium, Engagement::Low]
                .map(|level| people.iter().filter(|person| person.engagement == level).count() as u32),
            quality: quality.mean(),
            traffic: self.traffic,
            step_minutes,
            timeline: timeline.steps,
            screens: listed(&screens),
            recordings: listed(&recorded),
            acts,
            reactions: most_frequent(reactions),
            quality_minutes: quality_seconds.map(|seconds| tenth(seconds / 60.0)),
            people: people.into_iter().take(PEOPLE_MAX).collect(),
        }
    }

    /// Everybody who was ever inside, with the stretches of that.
    fn people(&self, whole: Span) -> HashMap<RosterId, Person> {
        let mut people = HashMap::<RosterId, Person>::new();
        for session in &self.sessions {
            let person = people.entry(session.roster).or_insert_with(|| Person {
                user: session.user,
                name: String::new(),
                role: self.roles.get(&session.roster).copied().unwrap_or(Role::Attendee),
                sessions: 0,
                present: Vec::new(),
                acts: Acts::default(),
                quality: Weighted::default(),
            });
            person.sessions += 1;
            // The last name somebody went by.
            person.name.clone_from(&session.display_name);
            let end = session.left_at.unwrap_or(self.ended_at);
            person.present.extend(Span::new(session.joined_at, end).within(whole));
        }
        for person in people.values_mut() {
            person.present = union(std::mem::take(&mut person.present));
        }
        people
    }

    /// The roster lines of everybody who can have written messages.
    fn writers(&self) -> HashMap<Sender, RosterId> {
        let writers = self.sessions.iter().flat_map(|session| {
            let user = session.user.map(|user| (Sender::User(user), session.roster));
            [Some((Sender::Guest(session.id), session.roster)), user]
        });
        writers.flatten().collect()
    }
}

/// The timeline in the making.
struct Timeline {
    step_minutes: i64,
    steps: Vec<Step>,
    peak: u32,
}

impl Timeline {
    /// The step a minute belongs to; what was said before the first or after the last is counted there.
    fn at(&mut self, minute: i64) -> &mut Step {
        let last = self.steps.len() - 1;
        let index = usize::try_from(minute / self.step_minutes).unwrap_or(0).min(last);
        &mut self.steps[index]
    }
}

fn timeline<'a>(whole: Span, people: impl Iterator<Item = &'a Person>) -> Timeline {
    let step_minutes = whole_steps(whole.len(), Duration::minutes(STEPS_MAX)).max(1);
    let step = Duration::minutes(step_minutes);
    let count = whole_steps(whole.len(), step).max(1);
    let mut steps: Vec<_> =
        (0..count).map(|index| Step { minute: index * step_minutes, ..Step::default() }).collect();
    let mut peak = 0;
    for (span, persons) in concurrent(people.flat_map(|person| person.present.iter().copied())) {
        peak = peak.max(persons);
        let index = |offset: Duration| whole_floor(offset, step).clamp(0, count - 1) as usize;
        // A stretch ends before its end: somebody who leaves at the first moment of a step is not in it.
        let last = span.to - Duration::microseconds(1) - whole.from;
        for step in &mut steps[index(span.from - whole.from)..=index(last)] {
            step.participants = step.participants.max(persons);
        }
    }
    Timeline { step_minutes, steps, peak }
}

fn whole_floor(length: Duration, step: Duration) -> i64 {
    (length.whole_microseconds() / step.whole_microseconds()) as i64
}

fn whole_steps(length: Duration, step: Duration) -> i64 {
    let (length, step) = (length.whole_microseconds(), step.whole_microseconds());
    ((length + step - 1) / step) as i64
}

fn finished(people: HashMap<RosterId, Person>, duration: Duration) -> Vec<PersonAnalytics> {
    let mut lines: Vec<_> = people
        .into_values()
        .filter_map(|person| {
            let present = total(&person.present);
            let (first, last) = (person.present.first()?, person.present.last()?);
            let share = if duration.is_positive() { present / duration } else { 1.0 };
            Some(PersonAnalytics {
                user: person.user,
                name: person.name,
                role: person.role,
                first_joined_at: first.from,
                last_left_at: last.to,
                sessions: person.sessions,
                present_minutes: minutes(present),
                present_percent: tenth(share * 100.0),
                engagement: Engagement::of(present, duration, person.acts.sum()),
                acts: person.acts,
                quality: person.quality.mean(),
            })
        })
        .collect();
    lines.sort_by(|a, b| b.present_minutes.total_cmp(&a.present_minutes).then_with(|| a.name.cmp(&b.name)));
    lines
}

fn most_frequent(counts: HashMap<&str, u64>) -> Vec<(String, u64)> {
    let mut counts: Vec<_> = counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
    counts.sort_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
    counts.truncate(REACTIONS_MAX);
    counts
}

/// Place in the list of qualities, and the score of C-66.
fn rated(quality: ConnectionQuality) -> (usize, f64) {
    match quality {
        ConnectionQuality::Excellent => (0, 100.0),
        ConnectionQuality::Good => (1, 75.0),
        ConnectionQuality::Fair => (2, 50.0),
        ConnectionQuality::Poor => (3, 25.0),
    }
}

/// Minutes with one decimal (C-66).
pub fn minutes(length: Duration) -> f64 {
    tenth(length.as_seconds_f64() / 60.0)
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn hundredth(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests;
