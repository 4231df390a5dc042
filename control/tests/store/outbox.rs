//! Mail and series as both engines keep them.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use plenum_control::domain::error::DomainError;
use plenum_control::domain::id::{MeetingId, RosterId};
use plenum_control::domain::mail::{Announcement, Letter, MailKind, MailStatus, Scope};
use plenum_control::domain::meeting::{Meeting, MeetingStatus};
use plenum_control::domain::page::Page;
use plenum_control::domain::profile::Profile;
use plenum_control::domain::recurrence::Recurrence;
use plenum_control::domain::role::Role;
use plenum_control::domain::series::{Later, RuleChange, Series};
use plenum_control::service::audit::Audit;
use plenum_control::service::clock::Clock;
use plenum_control::service::mail::{Courier, Delivery, Mail, Parts, Post, Round};
use plenum_control::store::MailFilter;
use time::Duration;
use tokio_util::sync::CancellationToken;

use super::{World, invitation, meeting, now};

on_both![
    mail_is_kept_with_its_change_and_comes_back_as_it_went_in,
    a_refused_change_keeps_no_mail,
    what_is_the_same_to_its_reader_is_kept_once,
    a_claimed_mail_is_nobody_elses_until_the_lease_ends,
    of_many_claims_at_once_each_mail_is_in_one,
    no_mail_is_begun_when_connecting_has_used_up_the_lease,
    old_mail_goes_and_waiting_mail_stays,
    c_39_a_series_comes_back_as_it_went_in,
    c_39_of_many_that_make_an_occurrence_one_does,
    c_39_a_changed_series_takes_its_planned_occurrences_along,
];

const WHOLE: Page = Page { limit: 200, offset: 0 };

fn everything() -> MailFilter {
    MailFilter { campus: None, status: None, meeting: None, page: WHOLE }
}

/// A scheduled meeting of Ada's with Ben invited, not stored yet.
async fn planned(world: &World) -> Meeting {
    let (ada, ben) = (world.account("ada").await, world.account("ben").await);
    let mut meeting = meeting(&ada);
    meeting.profile = Profile::Standard;
    meeting.status = MeetingStatus::Scheduled;
    meeting.settings.ends_at = now() + Duration::HOUR;
    let people = [(&ada, Role::Host), (&ben, Role::Presenter)];
    let people = people.map(|(account, role)| invitation(Some(account), None, Some(role)));
    meeting.invite(people.to_vec(), RosterId::generate);
    meeting
}

fn invited(meeting: &Meeting) -> Announcement {
    Announcement::invitation(meeting, &meeting.roster, Some("come"), "Ada").expect("somebody to tell")
}

async fn mail_is_kept_with_its_change_and_comes_back_as_it_went_in(world: World) {
    let meeting = planned(&world).await;
    let invited = invited(&meeting);
    assert_eq!(world.store.insert_meeting_with(&meeting, None, std::slice::from_ref(&invited)).await, Ok(1));
    let (mails, total) = world.store.mails(&everything()).await.expect("reads");
    assert_eq!(mails.len(), 1);
    let mail = &mails[0];
    assert_eq!((total, mail.status, mail.attempts), (1, MailStatus::Queued, 0));
    let letter = &mail.letter;
    assert_eq!(
        (&letter.event, &letter.organizer, &letter.to),
        (&invited.event, &invited.organizer, &invited.to[0])
    );
    assert_eq!(
        (letter.kind, letter.message.as_deref(), letter.by.as_str()),
        (MailKind::Invitation, Some("come"), "Ada")
    );
    assert_eq!(world.store.mail(letter.id, Some(&meeting.campus)).await, Ok(Some(mail.clone())));
    let elsewhere = plenum_control::domain::id::CampusId::new("elsewhere");
    assert_eq!(world.store.mail(letter.id, Some(&elsewhere)).await, Ok(None));
    for (filter, found) in [
        (MailFilter { meeting: Some(meeting.id), ..everything() }, 1),
        (MailFilter { meeting: Some(MeetingId::generate()), ..everything() }, 0),
        (MailFilter { status: Some(MailStatus::Sent), ..everything() }, 0),
        (MailFilter { campus: Some(elsewhere), ..everything() }, 0),
    ] {
        assert_eq!(world.store.mails(&filter).await.expect("reads").1, found, "{filter:?}");
    }
}

async fn a_refused_change_keeps_no_mail(world: World) {
    let meeting = planned(&world).await;
    world.store.insert_meeting(&meeting).await.expect("inserted");
    let refused = world.store.change_meeting_with(meeting.id, now(), |meeting| {
        let off = Announcement::cancellation(meeting, "Ada");
        meeting.end(now()).map(|()| ((), off.into_iter().collect()))
    });
    assert_eq!(refused.await.map(|_| ()), Err(DomainError::MeetingNotActive));
    assert_eq!(world.store.mails(&everything()).await.expect("reads").1, 0);
    assert_eq!(world.load(meeting.id).await.calendar_sequence, 0);
}

async fn what_is_the_same_to_its_reader_is_kept_once(world: World) {
    let meeting = planned(&world).await;
    world.store.insert_meeting_with(&meeting, None, &[invited(&meeting)]).await.expect("inserted");
    let again = |meeting: &mut Meeting| Ok(((), vec![invited(meeting)]));
    let (_, (), queued) = world.store.change_meeting_with(meeting.id, now(), again).await.expect("changed");
    assert_eq!(queued, 0);
    let off =
        |meeting: &mut Meeting| Ok(((), Announcement::cancellation(meeting, "Ada").into_iter().collect()));
    for sequence in [1, 2] {
        let (after, (), queued) =
            world.store.change_meeting_with(meeting.id, now(), off).await.expect("changed");
        assert_eq!((after.calendar_sequence, queued), (sequence, 1));
    }
    assert_eq!(world.load(meeting.id).await.calendar_sequence, 2);
}

async fn a_claimed_mail_is_nobody_elses_until_the_lease_ends(world: World) {
    let meeting = planned(&world).await;
    world.store.insert_meeting_with(&meeting, None, &[invited(&meeting)]).await.expect("inserted");
    let until = now() + Duration::minutes(5);
    let claim = async |lease: &str, at| {
        world.store.claim_mails(lease, at, until + (at - now()), 9).await.expect("claims")
    };
    let first = claim("first", now()).await;
    assert_eq!(first.len(), 1);
    let mail = &first[0];
    assert!(claim("second", until - Duration::SECOND).await.is_empty());
    assert_eq!(claim("third", until).await.len(), 1);
    let id = mail.letter.id;
    // The first comes back after its time: what it says no longer counts.
    world.store.mail_failed(id, "first", "too late").await.expect("runs");
    world.store.mail_later(id, "third", until + Duration::HOUR, "busy").await.expect("noted");
    let after = world.store.mail(id, None).await.expect("reads").expect("is there");
    assert_eq!(
        (after.status, after.attempts, after.last_error.as_deref()),
        (MailStatus::Queued, 2, Some("busy"))
    );
    assert!(claim("fourth", until).await.is_empty(), "not due");
    assert_eq!(claim("fifth", until + Duration::HOUR).await.len(), 1);
    world.store.release_mails("fifth").await.expect("released");
    assert_eq!(world.store.mail(id, None).await.expect("reads").expect("is there").attempts, 2);
    assert_eq!(claim("sixth", until + Duration::HOUR).await.len(), 1, "at once");
    world.store.mail_sent(id, "sixth", until).await.expect("noted");
    let sent = world.store.mail(id, None).await.expect("reads").expect("is there");
    assert_eq!((sent.status, sent.sent_at, sent.last_error), (MailStatus::Sent, Some(until), None));
    assert_eq!(world.store.retry_mail(id, until).await, Ok(false), "only what failed");
}

async fn of_many_claims_at_once_each_mail_is_in_one(world: World) {
    let mut meeting = planned(&world).await;
    let people = (0..30).map(|n| invitation(None, Some(&format!("p{n}@example.org")), None));
    meeting.invite(people.collect(), RosterId::generate);
    world.store.insert_meeting_with(&meeting, None, &[invited(&meeting)]).await.expect("inserted");
    let claims = (0..8).map(|n| {
        let store = world.store.clone();
        tokio::spawn(async move {
            store.claim_mails(&format!("lease {n}"), now(), now() + Duration::HOUR, 10).await.expect("claims")
        })
    });
    let mut claimed = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        claimed.extend(claim.await.expect("runs").into_iter().map(|mail| mail.letter.id));
    }
    let all = claimed.len();
    claimed.sort();
    claimed.dedup();
    assert_eq!((all, claimed.len()), (claimed.len(), all));
    // Who finds everything taken that he chose gets nothing and comes again.
    while claimed.len() < 31 {
        let more =
            world.store.claim_mails("one more", now(), now() + Duration::HOUR, 40).await.expect("claims");
        assert!(!more.is_empty(), "{} of 31", claimed.len());
        claimed.extend(more.into_iter().map(|mail| mail.letter.id));
    }
    assert_eq!(claimed.len(), 31);
}

/// A server that takes every letter, and so long to connect.
struct Slow(Clock, Duration);

impl Post for Slow {
    fn parts(&self, _: &Letter) -> Parts {
        let [message_id, subject, text, html, calendar] = Default::default();
        Parts { message_id, subject, text, html, calendar }
    }

    fn sends(&self) -> bool {
        true
    }

    fn connect(&self) -> BoxFuture<'_, Result<Box<dyn Courier + '_>, String>> {
        self.0.advance(self.1);
        Box::pin(async { Ok(Box::new(Taker) as Box<dyn Courier>) })
    }
}

struct Taker;

impl Courier for Taker {
    fn deliver<'a>(&'a self, _: &'a Letter) -> BoxFuture<'a, Delivery> {
        Box::pin(async { Delivery::Accepted })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

async fn no_mail_is_begun_when_connecting_has_used_up_the_lease(world: World) {
    let meeting = planned(&world).await;
    world.store.insert_meeting_with(&meeting, None, &[invited(&meeting)]).await.expect("inserted");
    let round = |connects_within: Duration| {
        let clock = Clock::stopped(now());
        let audit = Audit::new(world.store.clone(), clock.clone());
        let mail =
            Mail::new(world.store.clone(), clock.clone(), Arc::new(Slow(clock, connects_within)), audit);
        async move { mail.round(&CancellationToken::new()).await.expect("the database works") }
    };
    assert_eq!(round(Duration::minutes(4)).await, Round::Tried(0), "somebody else may soon have it");
    assert_eq!(round(Duration::minutes(1)).await, Round::Tried(1));
}

async fn old_mail_goes_and_waiting_mail_stays(world: World) {
    let meeting = planned(&world).await;
    world.store.insert_meeting_with(&meeting, None, &[invited(&meeting)]).await.expect("inserted");
    let created = meeting.created_at;
    assert_eq!(world.store.drop_mails(created + Duration::DAY).await, Ok(0), "it waits");
    assert_eq!(world.store.give_up_mails(created + Duration::hours(47)).await, Ok(0));
    assert_eq!(world.store.give_up_mails(created + Duration::hours(48)).await, Ok(1));
    assert_eq!(world.store.drop_mails(created).await, Ok(0), "it is not old");
    assert_eq!(world.store.drop_mails(created + Duration::DAY).await, Ok(1));
    assert_eq!(world.store.mails(&everything()).await.expect("reads").1, 0);
}

/// A daily series of five with its first occurrence, stored.
async fn daily(world: &World) -> (Series, Meeting) {
    let mut meeting = planned(world).await;
    let rule = Recurrence::parse("FREQ=DAILY;COUNT=5", Some("Asia/Kolkata")).expect("valid");
    let series = Series::of(&mut meeting, rule).expect("valid");
    world.store.insert_meeting_with(&meeting, Some(&series), &[]).await.expect("inserted");
    (series, meeting)
}

async fn c_39_a_series_comes_back_as_it_went_in(world: World) {
    let (series, meeting) = daily(&world).await;
    assert_eq!(world.load(meeting.id).await, meeting);
    let mut kept = world.store.series(series.id).await.expect("reads").expect("is there");
    // Ids of its list are nobody's and made anew.
    for (kept, given) in kept.roster.iter_mut().zip(&series.roster) {
        kept.id = given.id;
    }
    assert_eq!(kept, series);
}

async fn c_39_of_many_that_make_an_occurrence_one_does(world: World) {
    let (series, meeting) = daily(&world).await;
    assert_eq!(world.store.series_due(now() - Duration::HOUR, 9).await, Ok(vec![]));
    assert_eq!(world.store.series_due(now(), 9).await, Ok(vec![series.id]));
    let makers = (0..6).map(|_| {
        let store = world.store.clone();
        tokio::spawn(async move { store.make_occurrence(series.id, now()).await.expect("works") })
    });
    let mut made = Vec::new();
    for maker in makers.collect::<Vec<_>>() {
        made.extend(maker.await.expect("runs"));
    }
    assert_eq!(made.len(), 1);
    let second = &made[0];
    assert_eq!(&world.load(second.id).await, second);
    assert_eq!(second.settings.starts_at, now() + Duration::DAY);
    assert_eq!(world.store.current_occurrence(series.id, now()).await, Ok(Some(meeting.id)));
    let over = now() + Duration::HOUR;
    assert_eq!(world.store.current_occurrence(series.id, over).await, Ok(Some(second.id)));
    let after = now() + Duration::days(9);
    assert_eq!(world.store.make_occurrence(series.id, after).await, Ok(None));
    assert_eq!(world.store.series(series.id).await.expect("reads").expect("is there").ended_at, Some(after));
    assert_eq!(world.store.series_due(after, 9).await, Ok(vec![]));
}

async fn c_39_a_changed_series_takes_its_planned_occurrences_along(world: World) {
    let (series, first) = daily(&world).await;
    let second = world.store.make_occurrence(series.id, now()).await.expect("works").expect("is due");
    let change = world.store.change_series(first.id, now(), |whole| {
        assert_eq!(whole.planned.iter().map(|planned| planned.id).collect::<Vec<_>>(), [second.id]);
        let before = whole.meeting.clone();
        whole.meeting.settings.ends_at += Duration::HOUR;
        let series = whole.series.as_mut().expect("there is one");
        assert_eq!(series.follow(&mut whole.meeting, true, RuleChange::Keep)?, Later::Discard);
        whole.planned[0].occurrence = None;
        whole.planned[0].delete(now())?;
        let news = Announcement::series_changes(&before, &whole.meeting, series, &[], "Ada");
        Ok(((), news))
    });
    let (whole, (), queued) = change.await.expect("changed");
    assert_eq!((queued, whole.meeting.calendar_sequence), (1, 1));
    assert_eq!(world.load(first.id).await, whole.meeting);
    assert_eq!(world.load(second.id).await, whole.planned[0]);
    let (mails, _) = world.store.mails(&everything()).await.expect("reads");
    assert!(matches!(mails[0].letter.event.scope, Scope::Series { .. }));
    let again = world.store.make_occurrence(series.id, now()).await.expect("works").expect("is due again");
    assert_eq!(again.settings.ends_at - again.settings.starts_at, Duration::hours(2));
}
