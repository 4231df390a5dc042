use super::super::account::Account;
use super::super::fixtures::{account, invitation, meeting, now};
use super::super::role::Role;
use super::*;

fn rule(text: &str) -> Recurrence {
    Recurrence::parse(text, None).expect("valid")
}

/// A series of Ada's that meets daily, five times, with its first occurrence.
fn daily() -> (Series, Meeting) {
    let ada = account("ada");
    daily_of(&ada)
}

fn daily_of(ada: &Account) -> (Series, Meeting) {
    let mut meeting = meeting(ada, MeetingStatus::Scheduled, &[(ada, Role::Host)]);
    let series = Series::of(&mut meeting, rule("FREQ=DAILY;COUNT=5")).expect("valid");
    (series, meeting)
}

fn day(number: i64) -> OffsetDateTime {
    now() + Duration::days(number)
}

fn make(series: &Series, at: OffsetDateTime) -> Meeting {
    series.occurrence(at, MeetingId::generate(), MeetingRoomId::generate(), RosterId::generate, now())
}

#[test]
fn c_39_the_next_occurrence_is_due_when_the_last_is_over_or_a_day_before_its_start() {
    let (series, _) = daily();
    let early = day(0) - Duration::HOUR;
    assert_eq!(series.due(false, early), None);
    assert_eq!(series.due(true, early), Some(day(1)));
    assert_eq!(series.due(false, day(0)), Some(day(1)));
}

#[test]
fn c_39_occurrences_that_were_missed_are_left_out_and_the_last_one_ends_it() {
    let (mut series, _) = daily();
    assert_eq!(series.next(day(3) + Duration::minutes(59)), Some(day(3)), "still running");
    assert_eq!(series.next(day(3) + Duration::HOUR), Some(day(4)));
    assert_eq!(series.next(day(4) + Duration::HOUR), None);
    series.end(day(0));
    assert_eq!(series.next(day(0)), None);
}

#[test]
fn c_39_an_occurrence_begins_like_the_series_under_ids_of_its_own() {
    let (mut series, mut first) = daily();
    first.roster[0].joined_at = Some(day(0));
    series.follow(&mut first, false, RuleChange::Keep).expect("valid");
    let second = make(&series, day(1));
    assert_eq!((second.settings.starts_at, second.settings.ends_at), (day(1), day(1) + Duration::HOUR));
    assert_eq!((second.kind, second.status), (MeetingKind::Recurring, MeetingStatus::Scheduled));
    assert_ne!((second.id, second.roster[0].id), (first.id, first.roster[0].id));
    assert_eq!((second.roster[0].role, second.roster[0].joined_at), (Role::Host, None));
}

#[test]
fn c_39_a_change_of_settings_keeps_the_count_and_reaches_what_was_made() {
    let ada = account("ada");
    let (mut series, _) = daily_of(&ada);
    let (mut second, mut third) = (make(&series, day(1)), make(&series, day(2)));
    series.made_until = day(2);
    second.settings.name = "New".into();
    second.invite(vec![invitation(&account("ben"), Role::Presenter)], RosterId::generate);
    let granted = PermissionOverrides { can_record: Some(true), ..PermissionOverrides::default() };
    second.roster[1].overrides = granted;
    assert_eq!(series.follow(&mut second, false, RuleChange::Keep), Ok(Later::Adopt));
    series.adopt(&mut third, RosterId::generate);
    assert_eq!((third.settings.name.as_str(), third.settings.starts_at), ("New", day(2)));
    assert_eq!(third.roster.iter().map(|e| e.role).collect::<Vec<_>>(), [Role::Host, Role::Presenter]);
    assert_eq!(third.roster[1].overrides, granted, "a right given for the whole series is not lost");
    assert_eq!((series.recurrence.rule(), series.settings.starts_at), ("FREQ=DAILY;COUNT=5", day(0)));
    assert_eq!((series.made_until, series.calendar_sequence, third.calendar_sequence), (day(2), 1, 1));
}

#[test]
fn c_39_a_change_of_time_begins_the_series_anew_with_that_occurrence() {
    let (mut series, _) = daily();
    let mut third = make(&series, day(2));
    third.settings.starts_at += Duration::HOUR;
    third.settings.ends_at += Duration::HOUR;
    series.made_until = day(3);
    assert_eq!(series.follow(&mut third, true, RuleChange::Keep), Ok(Later::Discard));
    assert_eq!(series.recurrence.rule(), "FREQ=DAILY;COUNT=3");
    let shifted = day(2) + Duration::HOUR;
    assert_eq!(
        (series.made_until, third.occurrence.as_ref().map(|place| place.at)),
        (shifted, Some(shifted))
    );
    assert_eq!(series.next(day(2)), Some(day(3) + Duration::HOUR));
}

#[test]
fn c_39_a_new_rule_holds_from_here_and_none_ends_the_series() {
    let (mut series, mut first) = daily();
    let weekly = RuleChange::New(Box::new(rule("FREQ=WEEKLY;COUNT=2")));
    assert_eq!(series.follow(&mut first, false, weekly), Ok(Later::Discard));
    assert_eq!(series.next(day(0)), Some(day(7)));
    let wrong = RuleChange::New(Box::new(rule("FREQ=YEARLY;BYMONTH=1;BYMONTHDAY=1;COUNT=2")));
    assert!(series.clone().follow(&mut first, false, wrong).is_err(), "the start must fit");
    assert_eq!(series.follow(&mut first, false, RuleChange::End), Ok(Later::Discard));
    assert_eq!(series.next(day(0)), None);
}
