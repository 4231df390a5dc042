//! Meetings by the minute, and what they come to.

use super::*;
use crate::domain::fixtures::now;
use crate::domain::id::MeetingId;

fn at(minute: f64) -> OffsetDateTime {
    now() + Duration::seconds_f64(minute * 60.0)
}

/// A meeting of so many minutes with nobody in it.
fn meeting(minutes: f64) -> Record {
    Record {
        started_at: at(0.0),
        ended_at: at(minutes),
        sessions: Vec::new(),
        roles: HashMap::new(),
        messages: Vec::new(),
        acts: Vec::new(),
        stretches: Vec::new(),
        recordings: Vec::new(),
        traffic: Traffic::default(),
    }
}

struct Somebody {
    line: RosterId,
    user: UserId,
}

impl Record {
    fn person(&mut self, role: Role) -> Somebody {
        let somebody = Somebody { line: RosterId::generate(), user: UserId::generate() };
        self.roles.insert(somebody.line, role);
        somebody
    }

    fn stays(&mut self, who: &Somebody, from: f64, to: Option<f64>) -> ParticipantId {
        let id = ParticipantId::generate();
        self.sessions.push(Attendance {
            id,
            meeting: MeetingId::generate(),
            roster: who.line,
            user: Some(who.user),
            display_name: format!("from {from}"),
            joined_at: at(from),
            left_at: to.map(at),
            reason: None,
        });
        id
    }

    fn acts(&mut self, session: ParticipantId, kind: ActKind, minute: i64, count: u64) {
        self.acts.push(ActsDone { session, kind, detail: "👍".into(), minute, count });
    }

    fn lasts(&mut self, session: ParticipantId, what: Lasting, from: f64, to: Option<f64>) {
        self.stretches.push(Stretch { session, what, from: at(from), to: to.map(at) });
    }
}

#[test]
fn stat_02_average_attendance_is_its_integral_by_the_duration() {
    let mut record = meeting(60.0);
    let (ada, bob) = (record.person(Role::Host), record.person(Role::Attendee));
    record.stays(&ada, 0.0, Some(60.0));
    record.stays(&bob, 15.0, Some(30.0));
    // Two tabs at once are one person, and so is somebody who comes back.
    record.stays(&bob, 20.0, Some(45.0));
    let analytics = record.analytics();
    assert_eq!(analytics.average, 1.5);
    assert_eq!((analytics.peak, analytics.persons), (2, 2));
    assert_eq!(analytics.duration_minutes, 60.0);
    assert_eq!(analytics.people[1].sessions, 2);
    assert_eq!((analytics.people[1].present_minutes, analytics.people[1].present_percent), (30.0, 50.0));
}

#[test]
fn stat_02_a_meeting_of_no_length_and_nobody_divides_by_nothing() {
    let empty = meeting(0.0).analytics();
    assert_eq!((empty.average, empty.persons, empty.quality), (0.0, 0, None));
    assert_eq!(empty.timeline, [Step::default()]);
    let mut short = meeting(0.0);
    let ada = short.person(Role::Host);
    short.stays(&ada, 0.0, Some(0.0));
    let short = short.analytics();
    assert_eq!((short.persons, short.peak, short.people.len()), (1, 0, 1));
    assert_eq!(short.people[0].present_percent, 100.0);
}

#[test]
fn c_66_engagement_goes_by_presence_and_by_what_was_done_how_often() {
    use Engagement::{High, Low, Medium};
    let hour = Duration::minutes(60);
    let table = [
        (60, 4, High),
        (60, 3, Medium),
        (45, 3, High),
        (44, 9, Medium),
        (60, 0, Medium),
        (30, 0, Medium),
        (29, 0, Low),
        (29, 1, Medium),
        (15, 1, Medium),
        (14, 99, Low),
        (0, 0, Low),
    ];
    for (present, acts, expected) in table {
        let got = Engagement::of(Duration::minutes(present), hour, acts);
        assert_eq!(got, expected, "{present} minutes, {acts} acts");
    }
    assert_eq!(Engagement::of(Duration::minutes(5), Duration::minutes(5), 1), High, "a short one");
    assert_eq!(Engagement::of(Duration::ZERO, Duration::ZERO, 0), Medium);
}

#[test]
fn stat_02_every_kind_of_taking_part_counts_and_belongs_to_its_person() {
    let mut record = meeting(30.0);
    let (ada, bob) = (record.person(Role::Host), record.person(Role::Attendee));
    let adas = record.stays(&ada, 0.0, None);
    let bobs = record.stays(&bob, 0.0, None);
    record.messages.push(MessagesSent { sender: Sender::User(ada.user), minute: 3, count: 2 });
    record.messages.push(MessagesSent { sender: Sender::User(UserId::generate()), minute: 3, count: 1 });
    for kind in [ActKind::Hand, ActKind::Unmute, ActKind::Share] {
        record.acts(adas, kind, 1, 1);
    }
    record.acts(bobs, ActKind::Reaction, 29, 5);
    let analytics = record.analytics();
    let all = Acts { messages: 3, reactions: 5, hands: 1, unmutes: 1, shares: 1 };
    assert_eq!(analytics.acts, all);
    assert_eq!(analytics.messages, 3);
    assert_eq!(analytics.reactions, [("👍".to_owned(), 5)]);
    let of = |user| analytics.people.iter().find(|p| p.user == Some(user)).expect("a line").acts;
    assert_eq!(of(ada.user), Acts { messages: 2, reactions: 0, ..all });
    assert_eq!(of(bob.user), Acts { reactions: 5, ..Acts::default() });
    assert_eq!(analytics.engagement, [2, 0, 0]);
}

#[test]
fn stat_02_screens_are_summed_without_overlap_and_end_with_their_session() {
    let mut record = meeting(60.0);
    let ada = record.person(Role::Host);
    let first = record.stays(&ada, 0.0, Some(30.0));
    let second = record.stays(&ada, 10.0, None);
    record.lasts(first, Lasting::Screen, 5.0, None);
    record.lasts(second, Lasting::Screen, 20.0, Some(40.0));
    record.lasts(second, Lasting::Screen, 50.5, None);
    let analytics = record.analytics();
    assert_eq!(analytics.screen_minutes, 44.5);
    assert_eq!(analytics.screens, [(5.0, 40.0), (50.5, 60.0)]);
}

#[test]
fn stat_02_a_recording_counts_while_somebody_is_inside() {
    let mut record = meeting(60.0);
    let ada = record.person(Role::Host);
    record.stays(&ada, 0.0, Some(20.0));
    record.stays(&ada, 40.0, None);
    record.recordings = vec![(at(10.0), Some(at(15.0))), (at(18.0), None)];
    let analytics = record.analytics();
    assert_eq!(analytics.recordings, [(10.0, 15.0), (18.0, 20.0), (40.0, 60.0)]);
    assert_eq!(analytics.recording_minutes, 27.0);
}

#[test]
fn c_66_connection_quality_is_weighted_by_time_and_nothing_without_media() {
    let mut record = meeting(60.0);
    let (ada, bob) = (record.person(Role::Host), record.person(Role::Attendee));
    let adas = record.stays(&ada, 0.0, None);
    record.stays(&bob, 0.0, None);
    assert_eq!(record.analytics().quality, None);
    record.lasts(adas, Lasting::Quality(ConnectionQuality::Excellent), 0.0, Some(45.0));
    record.lasts(adas, Lasting::Quality(ConnectionQuality::Poor), 45.0, None);
    let analytics = record.analytics();
    assert_eq!(analytics.quality, Some(81.3), "(45 × 100 + 15 × 25) / 60");
    assert_eq!(analytics.quality_minutes, [45.0, 0.0, 0.0, 15.0]);
    let qualities: Vec<_> = analytics.people.iter().map(|p| (p.user, p.quality)).collect();
    assert!(qualities.contains(&(Some(ada.user), Some(81.3))) && qualities.contains(&(Some(bob.user), None)));
}

#[test]
fn kcs_17_the_timeline_has_no_gaps_and_at_most_so_many_steps() {
    let mut record = meeting(3.5);
    let (ada, bob) = (record.person(Role::Host), record.person(Role::Attendee));
    let adas = record.stays(&ada, 0.0, Some(3.0));
    record.stays(&bob, 1.0, Some(2.0));
    record.messages.push(MessagesSent { sender: Sender::User(ada.user), minute: 0, count: 1 });
    record.messages.push(MessagesSent { sender: Sender::User(ada.user), minute: 9, count: 1 });
    record.acts(adas, ActKind::Reaction, 2, 4);
    let analytics = record.analytics();
    let step = |minute, participants, messages, reactions| Step { minute, participants, messages, reactions };
    assert_eq!(analytics.step_minutes, 1);
    assert_eq!(analytics.timeline, [step(0, 1, 1, 0), step(1, 2, 0, 0), step(2, 1, 0, 4), step(3, 0, 1, 0)]);

    let mut long = meeting(241.0);
    let ada = long.person(Role::Host);
    long.stays(&ada, 0.0, None);
    let long = long.analytics();
    assert_eq!((long.step_minutes, long.timeline.len()), (2, 121));
    assert!(long.timeline.iter().all(|step| step.participants == 1));
}

#[test]
fn kcs_17_people_are_listed_the_longest_present_first_and_stretches_are_bounded() {
    let mut record = meeting(1000.0);
    for index in 0..PEOPLE_MAX + 5 {
        let person = record.person(Role::Attendee);
        record.stays(&person, 0.0, Some(1.0 + index as f64 / 10.0));
    }
    let host = record.person(Role::Host);
    let session = record.stays(&host, 0.0, None);
    for index in 0..LISTED_MAX + 5 {
        let from = index as f64 * 2.0;
        record.lasts(session, Lasting::Screen, from, Some(from + 1.0));
    }
    let analytics = record.analytics();
    assert_eq!((analytics.people.len(), analytics.people[0].user), (PEOPLE_MAX, Some(host.user)));
    assert_eq!(analytics.people[0].role, Role::Host);
    assert_eq!(analytics.persons as usize, PEOPLE_MAX + 6);
    assert_eq!((analytics.screens.len(), analytics.screen_minutes), (LISTED_MAX, (LISTED_MAX + 5) as f64));
}
