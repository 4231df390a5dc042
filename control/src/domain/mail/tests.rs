use super::super::fixtures::{account, invitation, meeting, now};
use super::super::id::RosterId;
use super::super::meeting::MeetingStatus;
use super::super::recurrence::Recurrence;
use super::super::role::Role;
use super::super::series::RuleChange;
use super::*;

/// A meeting of Ada's with Ben and Cleo invited.
fn world() -> Meeting {
    let (ada, ben, cleo) = (account("ada"), account("ben"), account("cleo"));
    meeting(
        &ada,
        MeetingStatus::Scheduled,
        &[(&ada, Role::Host), (&ben, Role::Attendee), (&cleo, Role::Attendee)],
    )
}

fn said(all: &[Announcement]) -> Vec<(MailKind, Vec<&str>)> {
    all.iter().map(|one| (one.kind, one.to.iter().map(|to| to.name.as_str()).collect())).collect()
}

#[test]
fn life_17_everybody_invited_is_written_to_but_the_creator() {
    let meeting = world();
    let one = Announcement::invitation(&meeting, &meeting.roster, Some("  "), "ada").expect("readers");
    assert_eq!(said(std::slice::from_ref(&one)), [(MailKind::Invitation, vec!["ben", "cleo"])]);
    assert_eq!((one.organizer.name.as_str(), one.message), ("ada", None));
}

#[test]
fn c_64_meetings_whose_dialect_has_no_mail_write_none() {
    let mut meeting = world();
    meeting.profile = Profile::Classroom;
    assert_eq!(Announcement::invitation(&meeting, &meeting.roster, None, "ada"), None);
    assert_eq!(Announcement::cancellation(&mut meeting, "ada"), None);
}

#[test]
fn an_address_is_written_to_once_and_no_address_not_at_all() {
    let mut meeting = world();
    let mut again = meeting.roster[1].clone();
    again.email = Some(" BEN@example.org".into());
    let mut nobody = meeting.roster[1].clone();
    nobody.email = Some("ben@\r\nBcc: all".into());
    meeting.roster.extend([again, nobody]);
    let one = Announcement::invitation(&meeting, &meeting.roster, None, "ada").expect("readers");
    assert_eq!(one.to.len(), 2);
}

#[test]
fn an_update_is_told_only_when_it_matters_to_a_calendar() {
    let before = world();
    let mut after = before.clone();
    after.settings.max_participants = 7;
    after.settings.waiting_room_enabled = true;
    assert_eq!(Announcement::changes(&before, &mut after, "ada"), []);
    assert_eq!(after.calendar_sequence, 0);
    let changes: [fn(&mut Settings); 5] = [
        |s| s.name.push('!'),
        |s| s.description.push('!'),
        |s| s.location.push('!'),
        |s| s.starts_at -= Duration::HOUR,
        |s| s.ends_at += Duration::HOUR,
    ];
    for change in changes {
        let mut after = before.clone();
        change(&mut after.settings);
        let all = Announcement::changes(&before, &mut after, "ada");
        assert_eq!(said(&all), [(MailKind::Update, vec!["ben", "cleo"])]);
        assert_eq!((after.calendar_sequence, all[0].event.sequence), (1, 1));
    }
}

#[test]
fn a_new_list_invites_who_came_and_removes_who_went() {
    let before = world();
    let mut after = before.clone();
    let (dora, ben) = (account("dora"), before.roster[1].clone());
    let stays = invitation(&account("nobody"), Role::Attendee);
    let stays =
        super::super::meeting::Invitation { user: ben.user, email: ben.email, name: ben.name, ..stays };
    after.replace_invitations(vec![stays, invitation(&dora, Role::Attendee)], &[], RosterId::generate);
    let all = Announcement::changes(&before, &mut after, "ada");
    assert_eq!(said(&all), [(MailKind::Invitation, vec!["dora"]), (MailKind::Removal, vec!["cleo"])]);
    let keys: HashSet<_> = all.iter().flat_map(|one| one.to.iter().map(|to| one.key(to))).collect();
    assert_eq!(keys.len(), 2);
}

#[test]
fn somebody_invited_again_after_a_removal_is_told_again() {
    let mut meeting = world();
    let cleo = meeting.roster[2].clone();
    let key = |one: Option<Announcement>| one.map(|one| one.key(&one.to[0])).expect("a reader");
    let first = key(Announcement::invitation(&meeting, std::slice::from_ref(&cleo), None, "ada"));
    let twice = key(Announcement::invitation(&meeting, std::slice::from_ref(&cleo), Some("!"), "ada"));
    assert_eq!(first, twice, "one invitation to one state of a meeting");
    Announcement::removal(&mut meeting, std::slice::from_ref(&cleo), None, "ada").expect("a reader");
    let again = key(Announcement::invitation(&meeting, std::slice::from_ref(&cleo), None, "ada"));
    assert_ne!(first, again);
}

#[test]
fn c_39_a_series_is_one_entry_and_a_changed_occurrence_a_part_of_it() {
    let mut meeting = world();
    let rule = Recurrence::parse("FREQ=DAILY;COUNT=5", None).expect("valid");
    let mut series = Series::of(&mut meeting, rule).expect("valid");
    let roster = meeting.roster.clone();
    let gone = [now() - Duration::DAY, now() + Duration::DAY];
    let whole = Announcement::about_series(MailKind::Invitation, &meeting, &roster, &series, &gone, "ada")
        .expect("readers");
    assert!(matches!(&whole.event.scope, Scope::Series { without, .. } if *without == gone[1..]));

    let before = meeting.clone();
    meeting.settings.starts_at += Duration::HOUR;
    meeting.settings.ends_at += Duration::HOUR;
    let one = Announcement::changes(&before, &mut meeting, "ada").remove(0);
    assert!(matches!(one.event.scope, Scope::Occurrence { at, .. } if at == now()));
    assert_eq!(one.event.id, whole.event.id);

    let before = meeting.clone();
    series.follow(&mut meeting, true, RuleChange::Keep).expect("valid");
    meeting.settings.name.push('!');
    let all = Announcement::series_changes(&before, &meeting, &series, &[], "ada");
    assert_eq!(said(&all), [(MailKind::Update, vec!["ben", "cleo"])]);
    assert!(all[0].event.sequence > one.event.sequence, "calendars keep the highest");
}

#[test]
fn the_pause_doubles_up_to_an_hour_and_is_spread() {
    assert_eq!((pause(1, 1.0), pause(2, 1.0), pause(1, 0.0)), (PAUSE_MIN, PAUSE_MIN * 2, PAUSE_MIN / 2));
    assert_eq!((pause(8, 1.0), pause(u32::MAX, 1.0)), (PAUSE_MAX, PAUSE_MAX));
}
