//! The life of a meeting and of its roster.

use time::Duration;

use super::*;
use crate::domain::account::Account;
use crate::domain::fixtures::{account, actor, invitation, meeting, now};

#[test]
fn life_01_a_meeting_goes_from_scheduled_to_live_to_ended_and_never_back() {
    let creator = account("creator");
    let mut m = meeting(&creator, MeetingStatus::Scheduled, &[]);
    assert_eq!(m.end(now()), Err(DomainError::MeetingNotActive));
    assert_eq!(m.start(now()), Ok(Start::Started));
    assert_eq!(m.start(now() + Duration::hours(1)), Ok(Start::AlreadyLive));
    assert_eq!(m.started_at, Some(now()));
    assert_eq!(m.delete(now()), Err(DomainError::MeetingLive));
    assert_eq!(m.end(now()), Ok(()));
    assert_eq!(m.start(now()), Err(DomainError::MeetingEnded));
    assert_eq!(m.end(now()), Err(DomainError::MeetingEnded));
    assert_eq!(m.delete(now()), Ok(Deletion::Removed));
    assert_eq!(m.status, MeetingStatus::Ended);
}

#[test]
fn c_35_deleting_a_planned_meeting_cancels_it_for_good() {
    let creator = account("creator");
    let mut m = meeting(&creator, MeetingStatus::Scheduled, &[]);
    assert_eq!(m.delete(now()), Ok(Deletion::Cancelled));
    assert_eq!((m.status, m.deleted_at), (MeetingStatus::Cancelled, Some(now())));
    assert_eq!(m.start(now()), Err(DomainError::MeetingUnstartable));
}

#[test]
fn c_36_replacing_invitations_keeps_the_creator_and_those_inside_and_remembers_who_was() {
    let (creator, inside, was, never, new) =
        (account("creator"), account("inside"), account("was"), account("never"), account("new"));
    let people =
        [(&creator, Role::Host), (&inside, Role::Attendee), (&was, Role::Attendee), (&never, Role::Attendee)];
    let mut m = meeting(&creator, MeetingStatus::Live, &people);
    for index in [1, 2] {
        m.roster[index].joined_at = Some(now());
    }
    let inside_line = m.roster[1].id;
    m.replace_invitations(vec![invitation(&new, Role::Attendee)], &[inside_line], RosterId::generate);
    let left: Vec<_> = m.roster.iter().map(|entry| (entry.name.as_str(), entry.listing)).collect();
    assert_eq!(
        left,
        [
            ("creator", Listing::Invited),
            ("inside", Listing::Invited),
            ("was", Listing::Withdrawn),
            ("new", Listing::Invited),
        ]
    );
    assert_eq!(m.standing(&actor(&was)), None);
    assert!(!m.invites(&actor(&was)) && m.invites(&actor(&inside)));
}

#[test]
fn c_15_the_creator_is_host_for_ever() {
    let creator = account("creator");
    let mut m = meeting(&creator, MeetingStatus::Live, &[(&creator, Role::Host)]);
    m.invite(vec![invitation(&creator, Role::Attendee)], RosterId::generate);
    assert_eq!((m.roster.len(), m.roster[0].role), (1, Role::Host));
    assert_eq!(m.role_of(&actor(&creator)), Some(Role::Host));
}

#[test]
fn c_06_a_classroom_meeting_has_fifty_seats_at_most() {
    let creator = account("creator");
    let mut m = meeting(&creator, MeetingStatus::Scheduled, &[]);
    m.settings.max_participants = 51;
    assert!(m.settings.check(Profile::Standard).is_ok());
    let refusal = DomainError::invalid("max_participants", "must be between 2 and 50");
    assert_eq!(m.settings.check(Profile::Classroom), Err(refusal));
}

#[test]
fn c_72_a_host_is_not_blocked_and_whoever_is_blocked_may_become_one_and_stays_it() {
    let (creator, host, member) = (account("creator"), account("host"), account("member"));
    let mut m = meeting(&creator, MeetingStatus::Live, &[(&host, Role::Host), (&member, Role::Attendee)]);
    let block = |m: &mut Meeting, users: &[&Account]| {
        let mut settings = m.settings.clone();
        settings.entry.blocked_users = users.iter().map(|account| account.id).collect();
        m.change(settings, m.kind, now())
    };
    for users in [[&member, &creator], [&member, &host]] {
        assert!(
            matches!(block(&mut m, &users), Err(DomainError::FieldInvalid { field: "blocked_users", .. })),
            "one of them alone spoils it"
        );
        assert!(!m.blocks(&actor(&member)));
    }
    assert_eq!(block(&mut m, &[&member]), Ok(()));
    assert!(m.blocks(&actor(&member)));
    m.roster[1].role = Role::Host;
    assert_eq!(block(&mut m, &[&member]), Ok(()), "the list as it is may be sent back");
    assert_eq!(block(&mut m, &[]), Ok(()));
    assert!(!m.blocks(&actor(&member)));
}
