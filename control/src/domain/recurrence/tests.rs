use proptest::prelude::*;
use time::macros::datetime;

use super::*;

fn rule(text: &str, zone: &str) -> Recurrence {
    Recurrence::parse(text, Some(zone)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn reason(text: &str) -> String {
    let start = datetime!(2026-11-23 09:00 UTC);
    let outcome = Recurrence::parse(text, None).and_then(|rule| rule.check(start, Duration::HOUR));
    match outcome {
        Err(DomainError::FieldInvalid { field: "recurrence", reason }) => reason,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn c_39_a_weekly_rule_yields_its_days() {
    let start = datetime!(2026-11-23 09:00 UTC);
    let found = rule("rrule:freq=weekly;byday=mo,we;count=4", "UTC").occurrences(start).expect("valid");
    assert_eq!(
        found,
        [
            start,
            datetime!(2026-11-25 09:00 UTC),
            datetime!(2026-11-30 09:00 UTC),
            datetime!(2026-12-02 09:00 UTC)
        ]
    );
}

#[test]
fn c_39_local_time_stays_when_the_clocks_change() {
    // Berlin leaves summer time on 25 October 2026 and enters it on 28 March 2027.
    let found = rule("FREQ=WEEKLY;COUNT=3", "Europe/Berlin")
        .occurrences(datetime!(2026-10-19 07:00 UTC))
        .expect("valid");
    assert_eq!(found[1..], [datetime!(2026-10-26 08:00 UTC), datetime!(2026-11-02 08:00 UTC)]);
}

#[test]
fn c_39_a_skipped_local_time_is_read_with_the_offset_before_the_gap() {
    let start = datetime!(2027-03-27 01:30 UTC); // 02:30 in Berlin
    let found = rule("FREQ=DAILY;COUNT=3", "Europe/Berlin").occurrences(start).expect("valid");
    // On the 28th there is no 02:30; it becomes 03:30 of summer time.
    assert_eq!(found[1..], [datetime!(2027-03-28 01:30 UTC), datetime!(2027-03-29 00:30 UTC)]);
}

#[test]
fn c_39_a_local_time_that_occurs_twice_is_its_first() {
    let start = datetime!(2026-10-24 00:30 UTC); // 02:30 in Berlin, summer time
    let found = rule("FREQ=DAILY;COUNT=3", "Europe/Berlin").occurrences(start).expect("valid");
    assert_eq!(found[1..], [datetime!(2026-10-25 00:30 UTC), datetime!(2026-10-26 01:30 UTC)]);
}

#[test]
fn c_39_until_is_read_as_a_day_a_local_time_or_a_moment_and_kept_in_utc() {
    let start = datetime!(2026-11-23 23:00 UTC); // midnight of the 24th in Berlin
    for (text, kept) in [
        ("FREQ=DAILY;UNTIL=20261125", "FREQ=DAILY;UNTIL=20261125T225959Z"),
        ("FREQ=DAILY;UNTIL=20261125T000000", "FREQ=DAILY;UNTIL=20261124T230000Z"),
        ("FREQ=DAILY;UNTIL=20261124T230000Z", "FREQ=DAILY;UNTIL=20261124T230000Z"),
    ] {
        let rule = rule(text, "Europe/Berlin");
        assert_eq!(rule.rule(), kept);
        assert_eq!(rule.occurrences(start).expect("valid").len(), 2, "{text}");
    }
}

#[test]
fn c_39_a_rule_may_have_366_occurrences_and_not_one_more() {
    let start = datetime!(2026-11-23 09:00 UTC);
    assert_eq!(rule("FREQ=DAILY;COUNT=366", "UTC").occurrences(start).expect("valid").len(), 366);
    assert_eq!(reason("FREQ=DAILY;COUNT=367"), "must not have more than 366 occurrences");
    assert_eq!(reason("FREQ=DAILY;UNTIL=20281231"), "must not have more than 366 occurrences");
    assert_eq!(rule("FREQ=YEARLY;COUNT=366", "UTC").occurrences(start).expect("valid").len(), 366);
}

#[test]
fn c_39_rules_that_make_no_sense_are_told_why() {
    let expected = "must be an RFC 5545 rule such as FREQ=WEEKLY;BYDAY=MO;COUNT=10";
    for text in [
        "",
        "every Monday",
        "FREQ=",
        "FREQ=SOMETIMES;COUNT=2",
        "COUNT=2",
        "FREQ=DAILY;COUNT=2;X=1",
        "FREQ=WEEKLY;BYDAY=XX;COUNT=2",
        "FREQ=DAILY;COUNT=2\r\nATTENDEE:mailto:a@b",
        "FREQ=MONTHLY;BYMONTHDAY=32;COUNT=2",
        "FREQ=DAILY;COUNT=2;EXDATE=20261124",
    ] {
        assert_eq!(reason(text), expected, "{text}");
    }
    let endless = "must end, by COUNT or UNTIL, after at most 366 occurrences";
    assert_eq!(reason("FREQ=WEEKLY"), endless);
    assert_eq!(reason("FREQ=HOURLY;COUNT=3"), "must not be finer than a day");
    assert_eq!(reason("FREQ=DAILY;BYHOUR=9,15;COUNT=3"), "BYHOUR is finer than a day");
    assert_eq!(reason("FREQ=DAILY;COUNT=3;UNTIL=20301231"), "must not have both COUNT and UNTIL");
    assert_eq!(reason("FREQ=DAILY;COUNT=3;COUNT=4"), "COUNT stands twice");
    assert_eq!(reason("FREQ=DAILY;COUNT=0"), "COUNT must be a whole number from 1 to 65535");
    assert_eq!(reason("FREQ=DAILY;INTERVAL=0;COUNT=1"), "INTERVAL must be a whole number from 1 to 65535");
    assert_eq!(
        reason("FREQ=WEEKLY;BYDAY=TU;COUNT=3"),
        "meeting_start_time must be one of the times the rule names"
    );
    assert_eq!(reason("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30;COUNT=2"), "has no occurrence");
    assert_eq!(reason("FREQ=DAILY;UNTIL=20200101"), "has no occurrence");
    let day = Recurrence::parse("FREQ=DAILY;COUNT=2", None).expect("valid");
    let long = day.check(datetime!(2026-11-23 09:00 UTC), Duration::hours(25));
    assert!(matches!(long, Err(DomainError::FieldInvalid { reason, .. }) if reason.contains("overlap")));
    let nowhere = Recurrence::parse("FREQ=DAILY;COUNT=2", Some("Mars/Base"));
    assert!(matches!(nowhere, Err(DomainError::FieldInvalid { field: "recurrence_timezone", .. })));
}

#[test]
fn c_39_a_rule_is_cut_at_either_end() {
    let rule = rule("FREQ=DAILY;COUNT=10", "UTC");
    assert_eq!(rule.from_occurrence(4).rule(), "FREQ=DAILY;COUNT=6");
    let last = datetime!(2026-11-25 09:00 UTC);
    let cut = rule.until(last);
    assert_eq!(cut.rule(), "FREQ=DAILY;UNTIL=20261125T090000Z");
    let found = cut.occurrences(datetime!(2026-11-23 09:00 UTC)).expect("valid");
    assert_eq!((found.len(), found.last()), (3, Some(&last)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_rule_says_it_is_refused_or_yields_a_bounded_ascending_list(
        freq in "DAILY|WEEKLY|MONTHLY|YEARLY|HOURLY",
        parts in prop::collection::vec(
            ("INTERVAL|COUNT|UNTIL|WKST|BYDAY|BYMONTH|BYMONTHDAY|BYYEARDAY|BYWEEKNO|BYSETPOS",
             "[0-9]{1,3}|-[0-9]{1,3}|(MO|-1FR|5SU|53MO|TU,TH)|20[0-9]{2}1[012][012][0-9](T[01][0-9]0000Z?)?|[A-Z0-9,-]{1,8}"),
            0..5),
        zone in "UTC|Europe/Berlin|America/New_York|Pacific/Apia|Asia/Kolkata",
        start in 0_i64..4_000_000_000,
    ) {
        let text = parts.iter().fold(format!("FREQ={freq}"), |text, (name, value)| format!("{text};{name}={value}"));
        let start = OffsetDateTime::from_unix_timestamp(start).expect("in range");
        if let Ok(found) = Recurrence::parse(&text, Some(&zone)).and_then(|rule| rule.occurrences(start)) {
            prop_assert!(found.len() <= OCCURRENCES_MAX && found[0] == start);
            prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{text}: {found:?}");
        }
    }

    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,80}", zone in "\\PC{0,20}") {
        drop(Recurrence::parse(&text, Some(&zone)));
    }
}
