//! The order of C-21, and what each door does with the outcomes.

use super::*;
use crate::domain::account::Account;
use crate::domain::fixtures::{account, actor, meeting};
use crate::domain::id::CampusId;
use crate::domain::password::PasswordHash;

fn ask(actor: &Actor, meeting: &Meeting, door: Door) -> Result<Admission, DomainError> {
    ask_with(actor, meeting, door, PasswordCheck::NotSent, Occupancy::default())
}

fn ask_with(
    actor: &Actor,
    meeting: &Meeting,
    door: Door,
    password: PasswordCheck,
    occupancy: Occupancy,
) -> Result<Admission, DomainError> {
    admit(&Facts { actor, meeting: Some(meeting), door, password, occupancy })
}

/// Everything wrong at once; each step takes the first refusal away and uncovers the next.
#[test]
fn c_21_the_checks_come_in_exactly_this_order() {
    let creator = account("creator");
    let mut guest = account("guest");
    guest.campus = CampusId::new("other");
    let mut meeting = meeting(&creator, MeetingStatus::Ended, &[]);
    meeting.settings.entry.blocked_users = vec![guest.id];
    meeting.settings.entry.allowed_domains = vec!["elsewhere.test".into()];
    meeting.settings.entry.locked = true;
    meeting.settings.password = Some(PasswordHash::from_phc("x".into()));
    meeting.settings.require_host_approval = true;
    let full = Occupancy { persons: 10, ..Occupancy::default() };
    let mut password = PasswordCheck::NotSent;
    let mut occupancy = full;
    let mut seen = Vec::new();

    let nothing = Facts { actor: &actor(&guest), meeting: None, door: Door::Enter, password, occupancy };
    seen.push(admit(&nothing));
    let mut step = |guest: &Account, meeting: &Meeting, password, occupancy| {
        seen.push(ask_with(&actor(guest), meeting, Door::Enter, password, occupancy));
    };
    step(&guest, &meeting, password, occupancy);
    guest.campus = CampusId::new("default");
    step(&guest, &meeting, password, occupancy);
    meeting.settings.entry.blocked_users.clear();
    step(&guest, &meeting, password, occupancy);
    meeting.settings.entry.allowed_domains = vec!["EXAMPLE.org".into()];
    step(&guest, &meeting, password, occupancy);
    meeting.settings.allow_guests = true;
    step(&guest, &meeting, password, occupancy);
    meeting.status = MeetingStatus::Cancelled;
    step(&guest, &meeting, password, occupancy);
    meeting.status = MeetingStatus::Scheduled;
    step(&guest, &meeting, password, occupancy);
    meeting.status = MeetingStatus::Live;
    step(&guest, &meeting, password, occupancy);
    meeting.settings.entry.locked = false;
    step(&guest, &meeting, password, occupancy);
    password = PasswordCheck::Wrong;
    step(&guest, &meeting, password, occupancy);
    password = PasswordCheck::Correct;
    step(&guest, &meeting, password, occupancy);
    occupancy.persons = 9;
    step(&guest, &meeting, password, occupancy);
    occupancy.caller_admitted = true;
    step(&guest, &meeting, password, occupancy);

    use DomainError as E;
    assert_eq!(
        seen,
        [
            Err(E::MeetingNotFound),
            Err(E::OtherCampus),
            Err(E::KeptOut),
            Err(E::KeptOut),
            Err(E::NotInvited),
            Err(E::MeetingEnded),
            Err(E::MeetingCancelled),
            Err(E::MeetingNotActive),
            Err(E::MeetingLocked),
            Err(E::MeetingPasswordMissing),
            Err(E::MeetingPasswordWrong),
            Err(E::MeetingFull),
            Ok(Admission::Wait),
            Ok(Admission::Enter),
        ]
    );
}

#[test]
fn c_20_before_the_start_hosts_start_by_entering_and_others_are_told_or_wait() {
    let (creator, host, somebody) = (account("creator"), account("host"), account("somebody"));
    let people = [(&host, Role::Host), (&somebody, Role::CoHost)];
    let mut meeting = meeting(&creator, MeetingStatus::Scheduled, &people);
    for one in [&creator, &host] {
        assert_eq!(ask(&actor(one), &meeting, Door::Enter), Ok(Admission::StartAndEnter));
        assert_eq!(ask(&actor(one), &meeting, Door::Check), Ok(Admission::Enter));
    }
    assert_eq!(ask(&actor(&somebody), &meeting, Door::Enter), Err(DomainError::MeetingNotActive));
    assert_eq!(ask(&actor(&somebody), &meeting, Door::Check), Ok(Admission::NotStarted));
    assert_eq!(ask(&actor(&creator), &meeting, Door::EnterLive), Err(DomainError::MeetingNotActive));
    meeting.settings.waiting_room_enabled = true;
    assert_eq!(ask(&actor(&somebody), &meeting, Door::Enter), Ok(Admission::Wait));
}

#[test]
fn c_25_hosts_and_co_hosts_skip_the_waiting_room_and_hosts_the_lock() {
    let (creator, co_host, presenter) = (account("creator"), account("co"), account("p"));
    let people = [(&co_host, Role::CoHost), (&presenter, Role::Presenter)];
    for approval in [false, true] {
        let mut meeting = meeting(&creator, MeetingStatus::Live, &people);
        meeting.settings.waiting_room_enabled = !approval;
        meeting.settings.require_host_approval = approval;
        assert_eq!(ask(&actor(&creator), &meeting, Door::Enter), Ok(Admission::Enter));
        assert_eq!(ask(&actor(&co_host), &meeting, Door::Enter), Ok(Admission::Enter));
        assert_eq!(ask(&actor(&presenter), &meeting, Door::Enter), Ok(Admission::Wait));
        meeting.settings.entry.locked = true;
        assert_eq!(ask(&actor(&creator), &meeting, Door::Enter), Ok(Admission::Enter));
        assert_eq!(ask(&actor(&co_host), &meeting, Door::Enter), Err(DomainError::MeetingLocked));
    }
}

#[test]
fn c_22_a_full_meeting_still_lets_in_its_creator_and_those_who_are_inside() {
    let (creator, somebody) = (account("creator"), account("somebody"));
    let meeting = meeting(&creator, MeetingStatus::Live, &[(&somebody, Role::Attendee)]);
    let full = Occupancy { persons: 10, ..Occupancy::default() };
    let enter =
        |who, occupancy| ask_with(&actor(who), &meeting, Door::Enter, PasswordCheck::NotSent, occupancy);
    assert_eq!(enter(&somebody, full), Err(DomainError::MeetingFull));
    assert_eq!(enter(&somebody, Occupancy { caller_inside: true, ..full }), Ok(Admission::Enter));
    assert_eq!(enter(&creator, full), Ok(Admission::Enter));
    assert_eq!(enter(&somebody, Occupancy { persons: 9, ..full }), Ok(Admission::Enter));
}

#[test]
fn c_23_hosts_may_omit_the_password_but_not_get_it_wrong() {
    let creator = account("creator");
    let mut meeting = meeting(&creator, MeetingStatus::Live, &[]);
    meeting.settings.password = Some(PasswordHash::from_phc("x".into()));
    let enter = |meeting: &Meeting, password| {
        ask_with(&actor(&creator), meeting, Door::Enter, password, Occupancy::default())
    };
    assert_eq!(enter(&meeting, PasswordCheck::NotSent), Ok(Admission::Enter));
    assert_eq!(enter(&meeting, PasswordCheck::Wrong), Err(DomainError::MeetingPasswordWrong));
    meeting.settings.require_password = false;
    assert_eq!(enter(&meeting, PasswordCheck::Wrong), Ok(Admission::Enter));
}

#[test]
fn c_21_no_password_is_hashed_for_somebody_who_is_refused_anyway() {
    let (creator, somebody) = (account("creator"), account("somebody"));
    let mut meeting = meeting(&creator, MeetingStatus::Live, &[]);
    meeting.settings.password = Some(PasswordHash::from_phc("x".into()));
    assert_eq!(password_wanted(&actor(&somebody), Some(&meeting), Door::Enter), Err(DomainError::NotInvited));
    assert_eq!(password_wanted(&actor(&creator), Some(&meeting), Door::Enter), Ok(true));
    assert_eq!(password_wanted(&actor(&creator), None, Door::Enter), Err(DomainError::MeetingNotFound));
}

#[test]
fn c_24_a_guest_without_an_account_enters_the_one_meeting_the_link_is_for() {
    use crate::domain::actor::Guest;
    use crate::domain::id::{MeetingId, ParticipantId};
    let creator = account("creator");
    let mut meeting = meeting(&creator, MeetingStatus::Live, &[]);
    let guest =
        |of| Actor::Guest(Guest { session: ParticipantId::generate(), meeting: of, name: "Gina".into() });
    assert_eq!(ask(&guest(meeting.id), &meeting, Door::Enter), Err(DomainError::NotInvited));
    meeting.settings.allow_guests = true;
    assert_eq!(ask(&guest(meeting.id), &meeting, Door::Enter), Ok(Admission::Enter));
    assert_eq!(ask(&guest(MeetingId::generate()), &meeting, Door::Enter), Err(DomainError::NotInvited));
}

#[test]
fn c_72_a_lock_keeps_everybody_out_but_hosts_and_nobody_for_good() {
    let (creator, host, helper) = (account("creator"), account("host"), account("helper"));
    let people = [(&host, Role::Host), (&helper, Role::CoHost)];
    let mut meeting = meeting(&creator, MeetingStatus::Live, &people);
    meeting.settings.entry.locked = true;
    let enters =
        |who, occupancy| ask_with(&actor(who), &meeting, Door::Enter, PasswordCheck::NotSent, occupancy);
    let outside = Occupancy::default();
    assert_eq!(enters(&creator, outside), Ok(Admission::Enter));
    assert_eq!(enters(&host, outside), Ok(Admission::Enter));
    let inside = Occupancy { caller_inside: true, caller_admitted: true, ..outside };
    for occupancy in [outside, inside] {
        assert_eq!(enters(&helper, occupancy), Err(DomainError::MeetingLocked));
    }
    assert!(!never_comes_in(&actor(&helper), &meeting), "a lock is lifted again");
}

#[test]
fn c_72_whoever_is_kept_out_for_what_he_is_waits_in_vain() {
    let (creator, member, stranger) = (account("creator"), account("member"), account("stranger"));
    let mut meeting = meeting(&creator, MeetingStatus::Live, &[(&member, Role::Attendee)]);
    meeting.settings.waiting_room_enabled = true;
    let vain = |who: &Account, meeting: &Meeting| never_comes_in(&actor(who), meeting);
    assert!(!vain(&member, &meeting) && vain(&stranger, &meeting));
    meeting.settings.allow_guests = true;
    assert!(!vain(&stranger, &meeting));
    meeting.settings.entry.allowed_domains = vec!["elsewhere.test".into()];
    assert!(vain(&member, &meeting) && vain(&stranger, &meeting) && !vain(&creator, &meeting));
    meeting.settings.entry.allowed_domains.clear();
    meeting.settings.entry.blocked_users = vec![member.id, creator.id];
    assert!(vain(&member, &meeting) && !vain(&stranger, &meeting) && !vain(&creator, &meeting));
    meeting.status = MeetingStatus::Scheduled;
    assert!(vain(&member, &meeting) && !vain(&stranger, &meeting));
}
