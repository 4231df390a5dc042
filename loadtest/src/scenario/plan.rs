//! Who comes when and into which room, who publishes what, and who watches: every scenario said in the same words. Pure.

use super::RunSettings;
use plenum_shared::media::PictureSize;
use std::time::Duration;

/// What people do. The first number of each is its load, which a search for the limit raises.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scenario {
    /// A few speak, everybody listens.
    AudioRoom { listeners: usize, speakers: usize },
    /// Everybody publishes and watches everybody, in a gallery.
    Meeting { people: usize },
    /// One publishes, everybody else watches it on a whole screen.
    Livestream { viewers: usize },
    /// Meetings of four.
    SmallRooms { rooms: usize },
    /// A meeting that people come to and leave all the time.
    Churn { per_second: f64, people: usize, stay: Duration },
    /// Everybody writes, so many messages a second together.
    ChatStorm { per_second: f64, people: usize },
}

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub rooms: usize,
    /// In the order in which they come.
    pub people: Vec<Person>,
    /// Chat messages a second, all together.
    pub messages_per_second: f64,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Person {
    pub room: usize,
    pub audio: bool,
    pub video: bool,
    /// Receives what everybody else in the room publishes.
    pub watches: bool,
    /// Pixels at which each picture is shown; `None`: not said.
    pub shown_at: Option<PictureSize>,
    /// Since the start; for those who are there from the beginning to the end.
    pub comes_at: Duration,
    /// For those who come and go while the others are measured.
    pub visit: Option<Visit>,
}

/// Since the measurement began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Visit {
    pub comes_at: Duration,
    pub leaves_at: Duration,
}

/// What a gallery is shown on.
const SCREEN: PictureSize = PictureSize { width: 1280, height: 720 };

const SMALL_ROOM: usize = 4;

/// More than any machine can be, and few enough to be planned.
pub(super) const PEOPLE_MAX: usize = 100_000;

impl Scenario {
    pub fn name(self) -> &'static str {
        match self {
            Self::AudioRoom { .. } => "audio-room",
            Self::Meeting { .. } => "meeting",
            Self::Livestream { .. } => "livestream",
            Self::SmallRooms { .. } => "small-rooms",
            Self::Churn { .. } => "churn",
            Self::ChatStorm { .. } => "chat-storm",
        }
    }

    /// How much there is of what [`Scenario::with_load`] changes.
    pub fn load(self) -> f64 {
        match self {
            Self::AudioRoom { listeners: count, .. }
            | Self::Meeting { people: count }
            | Self::Livestream { viewers: count }
            | Self::SmallRooms { rooms: count } => count as f64,
            Self::Churn { per_second, .. } | Self::ChatStorm { per_second, .. } => per_second,
        }
    }

    /// What its load counts.
    pub fn load_unit(self) -> &'static str {
        match self {
            Self::AudioRoom { .. } => "listeners",
            Self::Meeting { .. } => "people",
            Self::Livestream { .. } => "viewers",
            Self::SmallRooms { .. } => "rooms",
            Self::Churn { .. } => "joins a second",
            Self::ChatStorm { .. } => "messages a second",
        }
    }

    /// The same with another load.
    pub fn with_load(self, load: usize) -> Self {
        match self {
            Self::AudioRoom { speakers, .. } => Self::AudioRoom { listeners: load, speakers },
            Self::Meeting { .. } => Self::Meeting { people: load },
            Self::Livestream { .. } => Self::Livestream { viewers: load },
            Self::SmallRooms { .. } => Self::SmallRooms { rooms: load },
            Self::Churn { people, stay, .. } => Self::Churn { per_second: load as f64, people, stay },
            Self::ChatStorm { people, .. } => Self::ChatStorm { per_second: load as f64, people },
        }
    }

    /// How many will be in at one time or another, visitors of so long a run among them.
    pub fn people(self, duration: Duration) -> u64 {
        let all = match self {
            Self::AudioRoom { listeners: some, speakers: others } => some.saturating_add(others),
            Self::Meeting { people } | Self::ChatStorm { people, .. } => people,
            Self::Livestream { viewers } => viewers.saturating_add(1),
            Self::SmallRooms { rooms } => rooms.saturating_mul(SMALL_ROOM),
            Self::Churn { per_second, people, .. } => {
                people.max(1).saturating_add(visitors(per_second, duration))
            }
        };
        all as u64
    }

    /// Who comes when. Everybody is planned at once: see [`Scenario::people`].
    pub fn plan(self, settings: &RunSettings) -> Plan {
        let media = &settings.media;
        let listener = Person::listener(0);
        let of = |rooms, people| Plan { rooms, people, messages_per_second: 0.0 };
        let plan = match self {
            Self::AudioRoom { listeners, speakers } => {
                let speaker = Person { audio: true, ..listener };
                of(1, [vec![speaker; speakers], vec![listener; listeners]].concat())
            }
            Self::Meeting { people } => of(1, gallery(0, people, settings)),
            Self::Livestream { viewers } => {
                let presenter = Person { audio: media.audio, video: media.video, watches: false, ..listener };
                let viewer = Person { shown_at: media.simulcast.then_some(SCREEN), ..listener };
                of(1, [vec![presenter], vec![viewer; viewers]].concat())
            }
            Self::SmallRooms { rooms } => {
                of(rooms, (0..rooms).flat_map(|room| gallery(room, SMALL_ROOM, settings)).collect())
            }
            Self::Churn { per_second, people, stay } => {
                let mut all = gallery(0, people.max(1), settings);
                let visitor = all[0];
                let visits = visits(per_second, stay, settings);
                all.extend(visits.map(|visit| Person { visit: Some(visit), ..visitor }));
                of(1, all)
            }
            Self::ChatStorm { per_second, people } => {
                let member = Person { watches: false, ..listener };
                Plan { messages_per_second: per_second, ..of(1, vec![member; people]) }
            }
        };
        plan.over(settings.ramp)
    }
}

/// At a rate that is no number or below nothing nobody comes.
fn visitors(per_second: f64, until: Duration) -> usize {
    (per_second * until.as_secs_f64()).floor() as usize
}

/// One comes after the other and each stays as long, but nobody longer than the run and its overtime.
fn visits(per_second: f64, stay: Duration, settings: &RunSettings) -> impl Iterator<Item = Visit> {
    let (duration, until) = (settings.duration, settings.duration + settings.overtime);
    (0..visitors(per_second, duration)).map(move |number| {
        let comes_at = Duration::from_secs_f64(number as f64 / per_second);
        Visit { comes_at, leaves_at: (comes_at + stay).min(until) }
    })
}

/// Everybody publishes, and sees all the others side by side.
fn gallery(room: usize, people: usize, settings: &RunSettings) -> Vec<Person> {
    let media = &settings.media;
    let shown_at = (media.video && media.simulcast).then(|| tile(people));
    let person = Person { audio: media.audio, video: media.video, shown_at, ..Person::listener(room) };
    vec![person; people]
}

/// A picture among so many on one screen.
fn tile(people: usize) -> PictureSize {
    let columns = (1..).find(|columns| columns * columns >= people).unwrap_or(1);
    let columns = u16::try_from(columns).unwrap_or(u16::MAX);
    PictureSize { width: (SCREEN.width / columns).max(1), height: (SCREEN.height / columns).max(1) }
}

impl Person {
    fn listener(room: usize) -> Self {
        let comes_at = Duration::ZERO;
        Self { room, audio: false, video: false, watches: true, shown_at: None, comes_at, visit: None }
    }

    fn tracks(&self) -> usize {
        usize::from(self.audio) + usize::from(self.video)
    }
}

impl Plan {
    /// Spreads the arrival of those who are there from the beginning.
    fn over(mut self, ramp: Duration) -> Self {
        let count = self.people.iter().filter(|person| person.visit.is_none()).count().max(1) as u32;
        let opening = self.people.iter_mut().filter(|person| person.visit.is_none());
        for (place, person) in (0_u32..).zip(opening) {
            person.comes_at = ramp * place / count;
        }
        self
    }

    /// Whether the same people are inside all the time.
    pub fn is_steady(&self) -> bool {
        self.people.iter().all(|person| person.visit.is_none())
    }

    /// Those who are inside all the time, with their numbers.
    pub fn steady(&self) -> impl Iterator<Item = (usize, &Person)> {
        self.people.iter().enumerate().filter(|(_, person)| person.visit.is_none())
    }

    /// Those who come and go, with their numbers.
    pub fn visitors(&self) -> impl Iterator<Item = (usize, &Person, Visit)> {
        let with_visit = |(number, person): (usize, _)| {
            let person: &Person = person;
            person.visit.map(|visit| (number, person, visit))
        };
        self.people.iter().enumerate().filter_map(with_visit)
    }

    /// Subscriptions that somebody has once everybody of `inside` is in who stays.
    pub fn due_to(&self, number: usize, inside: impl Fn(usize) -> bool) -> usize {
        let Some(person) = self.people.get(number).filter(|person| person.watches) else { return 0 };
        let others = self.steady().filter(|(other, them)| *other != number && them.room == person.room);
        others.filter(|(other, _)| inside(*other)).map(|(_, them)| them.tracks()).sum()
    }

    /// The place of a speaker among those of the room who take turns, and how many there are. Those who are there all the
    /// time do, or there would be nobody to hear in the turns of the absent; who comes and goes speaks along with one of
    /// them.
    pub fn turn(&self, number: usize) -> (usize, usize) {
        let Some(person) = self.people.get(number) else { return (0, 1) };
        let speakers = |is_steady: bool| {
            let all = self.people.iter().enumerate().filter(|(_, it)| it.audio && it.room == person.room);
            all.filter(move |(_, it)| it.visit.is_none() == is_steady)
        };
        let count = speakers(true).count().max(1);
        let place = speakers(person.visit.is_none()).take_while(|(other, _)| *other < number).count();
        (place % count, count)
    }

    /// Whether somebody is beyond the first so many of those who stay and watch.
    pub fn is_light(&self, number: usize, after: Option<usize>) -> bool {
        let (Some(after), Some(person)) = (after, self.people.get(number)) else { return false };
        let watchers = self.steady().filter(|(_, it)| it.watches);
        let before = watchers.take_while(|(other, _)| *other < number).count();
        person.watches && person.visit.is_none() && before >= after
    }

    /// Places that are enough for a room of it; a meeting has 10,000 at most.
    pub fn places(&self) -> usize {
        self.people.len().min(10_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{MediaSettings, VenueSettings};

    fn settings(scenario: Scenario) -> RunSettings {
        RunSettings::new(VenueSettings::demo(), scenario)
    }

    fn plan(scenario: Scenario) -> Plan {
        scenario.plan(&settings(scenario))
    }

    fn due(plan: &Plan) -> usize {
        (0..plan.people.len()).map(|number| plan.due_to(number, |_| true)).sum()
    }

    #[test]
    fn in_an_audio_room_everybody_hears_the_speakers_and_they_each_other() {
        let plan = plan(Scenario::AudioRoom { listeners: 30, speakers: 10 });
        assert_eq!(plan.people.len(), 40);
        assert_eq!(due(&plan), 10 * 9 + 30 * 10);
        assert_eq!(plan.turn(3), (3, 10));
        assert!(plan.people.iter().all(|person| !person.video));
    }

    #[test]
    fn in_a_meeting_everybody_sees_everybody_as_small_as_a_gallery_shows_them() {
        let plan = plan(Scenario::Meeting { people: 20 });
        assert_eq!(due(&plan), 20 * 19 * 2);
        assert_eq!(plan.people[0].shown_at, Some(PictureSize { width: 256, height: 144 }));
        assert_eq!(tile(4), PictureSize { width: 640, height: 360 });
        assert_eq!(tile(1), SCREEN);
    }

    #[test]
    fn a_livestream_goes_to_everybody_but_its_presenter() {
        let plan = plan(Scenario::Livestream { viewers: 7 });
        assert_eq!(due(&plan), 7 * 2);
        assert_eq!(plan.due_to(0, |_| true), 0);
        assert_eq!(plan.people[1].shown_at, Some(SCREEN));
    }

    #[test]
    fn small_rooms_hear_nothing_of_each_other() {
        let plan = plan(Scenario::SmallRooms { rooms: 3 });
        assert_eq!((plan.rooms, plan.people.len()), (3, 12));
        assert_eq!(due(&plan), 3 * 4 * 3 * 2);
        assert_eq!(plan.turn(5), (1, 4));
    }

    #[test]
    fn visitors_come_at_the_rate_and_nobody_stays_beyond_the_end() {
        let scenario = Scenario::Churn { per_second: 2.0, people: 5, stay: Duration::from_secs(8) };
        let settings = RunSettings { duration: Duration::from_secs(10), ..settings(scenario) };
        let plan = scenario.plan(&settings);
        let visits: Vec<Visit> = plan.visitors().map(|(_, _, visit)| visit).collect();
        assert_eq!(visits.len(), 20);
        assert_eq!(visits[3].comes_at, Duration::from_millis(1500));
        assert_eq!(visits[0].leaves_at, Duration::from_secs(8));
        assert!(visits.iter().all(|visit| visit.leaves_at <= settings.duration));
        assert!(!plan.is_steady());
        assert_eq!(plan.due_to(0, |_| true), 4 * 2, "only of those who stay");

        let settings = RunSettings { overtime: Duration::from_secs(8), ..settings };
        let plan = scenario.plan(&settings);
        assert_eq!(plan.visitors().count(), 20, "nobody comes later for that");
        assert!(plan.visitors().all(|(_, _, it)| it.leaves_at - it.comes_at == Duration::from_secs(8)));
    }

    #[test]
    fn there_is_somebody_to_hear_in_every_turn_of_a_meeting_that_people_come_to_and_leave() {
        let scenario = Scenario::Churn { per_second: 2.0, people: 3, stay: Duration::from_secs(1) };
        let plan = plan(scenario);
        let steady: Vec<_> = plan.steady().map(|(number, _)| plan.turn(number)).collect();
        assert_eq!(steady, [(0, 3), (1, 3), (2, 3)]);
        let visitors: Vec<_> = plan.visitors().map(|(number, ..)| plan.turn(number)).take(4).collect();
        assert_eq!(visitors, [(0, 3), (1, 3), (2, 3), (0, 3)]);
    }

    #[test]
    fn the_first_who_watch_take_every_packet_apart_and_visitors_do_too() {
        let livestream = plan(Scenario::Livestream { viewers: 4 });
        let light = |plan: &Plan, after| {
            let all = 0..plan.people.len();
            all.filter(|number| plan.is_light(*number, after)).collect::<Vec<_>>()
        };
        assert_eq!(light(&livestream, Some(1)), [2, 3, 4], "who presents watches nobody");
        assert_eq!(light(&livestream, Some(0)), [1, 2, 3, 4]);
        assert!(light(&livestream, None).is_empty());
        let stay = Duration::from_secs(1);
        let churn = plan(Scenario::Churn { per_second: 1.0, people: 3, stay });
        assert_eq!(light(&churn, Some(1)), [1, 2]);
    }

    #[test]
    fn nothing_is_due_of_somebody_who_did_not_get_in() {
        let plan = plan(Scenario::Meeting { people: 4 });
        assert_eq!(plan.due_to(0, |number| number != 2), 2 * 2);
    }

    #[test]
    fn the_number_of_people_is_known_before_they_are_planned() {
        let second = Duration::from_secs(1);
        let all = [
            Scenario::AudioRoom { listeners: 30, speakers: 10 },
            Scenario::Meeting { people: 5 },
            Scenario::Livestream { viewers: 5 },
            Scenario::SmallRooms { rooms: 3 },
            Scenario::Churn { per_second: 2.0, people: 4, stay: second },
            Scenario::Churn { per_second: -1.0, people: 4, stay: second },
            Scenario::ChatStorm { per_second: 9.0, people: 4 },
        ];
        for scenario in all {
            let settings = settings(scenario);
            let planned = scenario.plan(&settings).people.len() as u64;
            assert_eq!(scenario.people(settings.duration), planned, "{scenario:?}");
        }
        let many = Scenario::Churn { per_second: 1e30, people: 1, stay: second };
        assert_eq!(many.people(second), u64::MAX);
        assert_eq!(Scenario::SmallRooms { rooms: usize::MAX }.people(second), u64::MAX);
    }

    #[test]
    fn in_a_chat_nobody_publishes_and_nobody_watches() {
        let plan = plan(Scenario::ChatStorm { per_second: 50.0, people: 6 });
        assert_eq!(due(&plan), 0);
        assert!((plan.messages_per_second - 50.0).abs() < 1e-9);
    }

    #[test]
    fn a_ramp_spreads_those_who_are_there_from_the_beginning() {
        let scenario = Scenario::Meeting { people: 4 };
        let settings = RunSettings { ramp: Duration::from_secs(8), ..settings(scenario) };
        let comes: Vec<u64> =
            scenario.plan(&settings).people.iter().map(|person| person.comes_at.as_secs()).collect();
        assert_eq!(comes, [0, 2, 4, 6]);
    }

    #[test]
    fn what_is_published_is_what_was_asked_for() {
        let scenario = Scenario::Meeting { people: 3 };
        let media = MediaSettings { video: false, ..MediaSettings::default() };
        let plan = scenario.plan(&RunSettings { media, ..settings(scenario) });
        assert_eq!(due(&plan), 3 * 2);
        assert_eq!(plan.people[0].shown_at, None);
    }

    #[test]
    fn the_load_of_a_scenario_is_what_a_search_changes() {
        let all = [
            Scenario::AudioRoom { listeners: 1, speakers: 10 },
            Scenario::Meeting { people: 1 },
            Scenario::Livestream { viewers: 1 },
            Scenario::SmallRooms { rooms: 1 },
            Scenario::Churn { per_second: 1.0, people: 9, stay: Duration::from_secs(1) },
            Scenario::ChatStorm { per_second: 1.0, people: 9 },
        ];
        for scenario in all {
            let more = scenario.with_load(3);
            assert!((scenario.load() - 1.0).abs() < 1e-9 && (more.load() - 3.0).abs() < 1e-9, "{scenario:?}");
            assert_eq!(more.with_load(1), scenario);
        }
    }
}
