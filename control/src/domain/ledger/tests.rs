//! Events in, facts out.

use time::Duration;

use super::batch::Batch;
use super::*;
use crate::domain::event::EndReason;
use crate::domain::fixtures::now;
use crate::domain::id::{MeetingId, UserId};
use crate::domain::participant::Person;
use crate::domain::session::LeaveReason;
use ConnectionQuality::{Excellent, Poor};

const OFF: MediaStatus = MediaStatus { audio: false, video: false, screen: false };

fn media(ledger: &mut Ledger, who: ParticipantId, media: MediaStatus, at: OffsetDateTime) -> Vec<Fact> {
    let (meeting, person) = (MeetingId::generate(), Person::User(UserId::generate()));
    ledger.observe(&DomainEvent::MediaChanged { meeting, participant: who, person, media }, at)
}

fn quality(
    ledger: &mut Ledger,
    who: ParticipantId,
    quality: ConnectionQuality,
    at: OffsetDateTime,
) -> Vec<Fact> {
    let meeting = MeetingId::generate();
    ledger.observe(&DomainEvent::QualityChanged { meeting, participant: who, quality }, at)
}

fn inside(ledger: &mut Ledger, media: MediaStatus) -> ParticipantId {
    let id = ParticipantId::generate();
    ledger.sessions.insert(id, Seen { media, screen: None, quality: None });
    id
}

#[test]
fn switching_on_counts_and_switching_off_does_not() {
    let mut ledger = Ledger::default();
    let ada = inside(&mut ledger, OFF);
    let on = MediaStatus { audio: true, ..OFF };
    assert_eq!(
        media(&mut ledger, ada, on, now()),
        [Fact::Acted { session: ada, act: Act::Unmute, at: now() }]
    );
    assert_eq!(media(&mut ledger, ada, MediaStatus { video: true, ..on }, now()), []);
    assert_eq!(media(&mut ledger, ada, OFF, now()), []);
    assert_eq!(media(&mut ledger, ParticipantId::generate(), on, now()), [], "of somebody who left");
}

#[test]
fn a_screen_is_a_stretch_with_one_beginning_and_one_end() {
    let mut ledger = Ledger::default();
    let ada = inside(&mut ledger, OFF);
    let shown = MediaStatus { screen: true, ..OFF };
    let stretch = Stretch { session: ada, what: Lasting::Screen, from: now(), to: None };
    let began = media(&mut ledger, ada, shown, now());
    assert_eq!(began, [Fact::Acted { session: ada, act: Act::Share, at: now() }, Fact::Stretch(stretch)]);
    let later = now() + Duration::minutes(5);
    let left = DomainEvent::ParticipantLeft {
        meeting: MeetingId::generate(),
        participant: ada,
        person: Person::User(UserId::generate()),
        name: String::new(),
        reason: LeaveReason::Left,
    };
    assert_eq!(ledger.observe(&left, later), [Fact::Stretch(Stretch { to: Some(later), ..stretch })]);
    assert_eq!(ledger.observe(&left, later), [], "once");
}

#[test]
fn another_quality_ends_the_one_before_and_the_end_of_the_meeting_ends_all() {
    let mut ledger = Ledger::default();
    let ada = inside(&mut ledger, OFF);
    let first = Stretch { session: ada, what: Lasting::Quality(Excellent), from: now(), to: None };
    assert_eq!(quality(&mut ledger, ada, Excellent, now()), [Fact::Stretch(first)]);
    let later = now() + Duration::minutes(1);
    let second = Stretch { what: Lasting::Quality(Poor), from: later, ..first };
    let ended = Stretch { to: Some(later), ..first };
    assert_eq!(quality(&mut ledger, ada, Poor, later), [Fact::Stretch(ended), Fact::Stretch(second)]);
    let end = DomainEvent::MeetingEnded {
        meeting: MeetingId::generate(),
        reason: EndReason::EndedByHost,
        at: later + Duration::minutes(1),
    };
    let last = Stretch { to: Some(later + Duration::minutes(1)), ..second };
    assert_eq!(ledger.observe(&end, later + Duration::minutes(1)), [Fact::Stretch(last)]);
}

#[test]
fn a_batch_adds_up_by_the_minute_and_keeps_the_newest_end() {
    let (meeting, session) = (MeetingId::generate(), ParticipantId::generate());
    let mut batch = Batch::default();
    for second in [1, 59, 61, -5] {
        let at = now() + Duration::seconds(second);
        assert!(batch.note(meeting, now(), Fact::Acted { session, act: Act::Hand, at }));
    }
    let mut minutes: Vec<_> = batch.acts.iter().map(|(key, count)| (key.minute, *count)).collect();
    minutes.sort_unstable();
    assert_eq!(minutes, [(0, 3), (1, 1)], "a clock that went back counts for the beginning");

    let stretch = Stretch { session, what: Lasting::Screen, from: now(), to: None };
    let ended = Some(now() + Duration::minutes(1));
    batch.note(meeting, now(), Fact::Stretch(stretch));
    let older = std::mem::take(&mut batch);
    batch.note(meeting, now(), Fact::Stretch(Stretch { to: ended, ..stretch }));
    batch.note(meeting, now(), Fact::Acted { session, act: Act::Hand, at: now() });
    batch.put_back(older);
    assert_eq!(batch.stretches.values().copied().collect::<Vec<_>>(), [ended]);
    assert_eq!(batch.acts.values().sum::<u64>(), 5);
}
