//! Adding, removing, changing roles: every role giving every role, and what may never happen.

use super::*;
use crate::domain::fixtures::{account, actor, invitation, meeting, now};
use crate::domain::meeting::MeetingStatus;

fn overrides(change: impl FnOnce(&mut PermissionOverrides)) -> PermissionOverrides {
    let mut overrides = PermissionOverrides::default();
    change(&mut overrides);
    overrides
}

#[test]
fn role_06_c_42_every_role_changing_every_role_into_every_role() {
    let (creator, somebody) = (account("creator"), account("somebody"));
    for by in Role::ALL {
        for from in Role::ALL {
            for to in Role::ALL {
                let mut m = meeting(&creator, MeetingStatus::Live, &[(&somebody, from)]);
                let line = m.roster[0].id;
                let got = m.change_role(Standing::of(by), line, to, PermissionOverrides::default());
                // Presenters and attendees are kept out by the table in `policy`; here they can only take away.
                let below_host = from != Role::Host && to != Role::Host;
                if by == Role::Host || below_host && (by == Role::CoHost || to != Role::CoHost) {
                    let change = got.expect("allowed");
                    assert_eq!((change.old, change.new), (from, to));
                    assert_eq!(m.roster[0].role, to);
                } else {
                    assert_eq!(got, Err(DomainError::OnlyHostsChangeRoles), "{by:?}: {from:?} to {to:?}");
                    assert_eq!(m.roster[0].role, from);
                }
            }
        }
    }
}

#[test]
fn role_06_nobody_demotes_the_creator_not_by_role_and_not_by_right() {
    let (creator, other) = (account("creator"), account("other"));
    let mut m = meeting(&creator, MeetingStatus::Live, &[(&creator, Role::Host), (&other, Role::Host)]);
    let line = m.roster[0].id;
    let host = Standing::of(Role::Host);
    for role in [Role::CoHost, Role::Presenter, Role::Attendee] {
        let got = m.change_role(host, line, role, PermissionOverrides::default());
        assert_eq!(got, Err(DomainError::CreatorStaysHost));
    }
    let less = overrides(|o| o.can_record = Some(false));
    assert_eq!(m.change_role(host, line, Role::Host, less), Err(DomainError::CreatorStaysHost));
    assert!(m.change_role(host, line, Role::Host, PermissionOverrides::default()).is_ok());
    let co_host = m.change_role(Standing::of(Role::CoHost), line, Role::Attendee, less);
    assert_eq!(co_host, Err(DomainError::OnlyHostsChangeRoles));
    let second = m.roster[1].id;
    assert!(m.change_role(host, second, Role::Attendee, PermissionOverrides::default()).is_ok());
}

#[test]
fn c_42_a_co_host_gives_no_right_he_lacks_and_absent_rights_follow_the_role() {
    let (creator, somebody) = (account("creator"), account("somebody"));
    let mut m = meeting(&creator, MeetingStatus::Live, &[(&somebody, Role::Attendee)]);
    let line = m.roster[0].id;
    let mut by = Standing::of(Role::CoHost);
    by.permissions.can_record = false;
    let record = overrides(|o| o.can_record = Some(true));
    assert_eq!(m.change_role(by, line, Role::Presenter, record), Err(DomainError::OnlyHostsChangeRoles));
    // The role alone would bring it.
    let plain = PermissionOverrides::default();
    assert_eq!(m.change_role(by, line, Role::CoHost, plain), Err(DomainError::OnlyHostsChangeRoles));
    let without = overrides(|o| o.can_record = Some(false));
    let change = m.change_role(by, line, Role::CoHost, without).expect("no more than he has");
    assert!(change.permissions.can_manage_participants && !change.permissions.can_record);
    let back = m.change_role(by, line, Role::Attendee, plain).expect("down is fine");
    assert_eq!(back.permissions, Role::Attendee.permissions());
    assert_eq!(m.roster[0].overrides, plain);
}

#[test]
fn role_07_people_who_are_listed_are_skipped_and_others_get_the_usual_role() {
    let (creator, here, new) = (account("creator"), account("here"), account("new"));
    let mut m = meeting(&creator, MeetingStatus::Live, &[(&here, Role::CoHost)]);
    let host = Standing::of(Role::Host);
    let mut nameless = invitation(&new, Role::Attendee);
    nameless.role = None;
    let both = vec![invitation(&here, Role::Attendee), nameless.clone()];
    let added = m.add_people(host, both, Role::Presenter, RosterId::generate).expect("adds");
    assert_eq!(added, [m.roster[1].id]);
    assert_eq!((m.roster[0].role, m.roster[1].role), (Role::CoHost, Role::Presenter));
    let again = m.add_people(host, vec![nameless], Role::Presenter, RosterId::generate);
    assert_eq!(again, Ok(Vec::new()));
    assert_eq!(m.roster.len(), 2);
}

#[test]
fn role_07_nobody_adds_a_role_he_could_not_give() {
    let (creator, new) = (account("creator"), account("new"));
    let mut manager = Standing::of(Role::Attendee);
    manager.permissions.can_manage_participants = true;
    let co_host = Standing::of(Role::CoHost);
    for (by, role, allowed) in [
        (co_host, Role::Host, false),
        (co_host, Role::CoHost, true),
        (manager, Role::CoHost, false),
        (manager, Role::Presenter, true),
    ] {
        let mut m = meeting(&creator, MeetingStatus::Live, &[]);
        let got = m.add_people(by, vec![invitation(&new, role)], Role::Attendee, RosterId::generate);
        assert_eq!(got.is_ok(), allowed, "{by:?} {role:?}");
    }
}

#[test]
fn lim_01_a_roster_has_a_last_line() {
    let creator = account("creator");
    let mut m = meeting(&creator, MeetingStatus::Scheduled, &[]);
    let named = |n: usize| Invitation {
        user: None,
        email: Some(format!("p{n}@example.org")),
        name: String::new(),
        phone: None,
        role: None,
    };
    let most = PARTICIPANTS_MAX as usize;
    m.roster =
        (0..most).map(|n| RosterEntry::invited(RosterId::generate(), named(n), Role::Attendee)).collect();
    let host = Standing::of(Role::Host);
    let one_more = m.add_people(host, vec![named(most)], Role::Attendee, RosterId::generate);
    assert!(matches!(one_more, Err(DomainError::FieldInvalid { field: "participants", .. })));
}

#[test]
fn role_08_a_host_is_never_removed_and_then_nobody_is() {
    let (creator, host, member) = (account("creator"), account("host"), account("member"));
    let people = [(&creator, Role::Host), (&host, Role::Host), (&member, Role::Attendee)];
    let mut m = meeting(&creator, MeetingStatus::Live, &people);
    let lines: Vec<_> = m.roster.iter().map(|line| line.id).collect();
    for one in [lines[0], lines[1]] {
        assert_eq!(m.remove_people(&[lines[2], one]), Err(DomainError::HostStays));
        assert_eq!(m.roster.len(), 3);
    }
    assert_eq!(m.remove_people(&[lines[2], RosterId::generate()]).expect("removes").len(), 1);
    assert_eq!(m.roster.len(), 2);
    assert_eq!(m.remove_people(&[lines[2]]), Ok(Vec::new()));
}

#[test]
fn role_08_whoever_was_inside_stays_for_the_record_without_role_or_right() {
    let (creator, member) = (account("creator"), account("member"));
    let mut m = meeting(&creator, MeetingStatus::Live, &[(&member, Role::CoHost)]);
    m.roster[0].joined_at = Some(now());
    m.roster[0].overrides = overrides(|o| o.can_record = Some(true));
    let line = m.roster[0].id;
    let gone = m.remove_people(&[line]).expect("removes");
    assert_eq!(gone[0].role, Role::CoHost, "as it was");
    let left = &m.roster[0];
    assert_eq!((left.listing, left.role), (Listing::Withdrawn, Role::Attendee));
    assert_eq!(left.overrides, PermissionOverrides::default());
    let actor = actor(&member);
    assert!(!m.invites(&actor) && m.standing(&actor).is_none());
    assert_eq!(m.listed().count(), 0);
    // Invited again, the same line counts again.
    let host = Standing::of(Role::Host);
    let added =
        m.add_people(host, vec![invitation(&member, Role::Presenter)], Role::Attendee, RosterId::generate);
    assert_eq!(added, Ok(vec![line]));
    assert!(m.invites(&actor) && m.role_of(&actor) == Some(Role::Presenter));
}

#[test]
fn c_36_an_invitation_that_a_new_list_takes_back_takes_the_role_with_it() {
    let (creator, was, is) = (account("creator"), account("was"), account("is"));
    let mut m = meeting(&creator, MeetingStatus::Live, &[(&was, Role::CoHost)]);
    m.roster[0].joined_at = Some(now());
    m.replace_invitations(vec![invitation(&is, Role::Attendee)], &[], RosterId::generate);
    assert_eq!((m.roster[0].listing, m.roster[0].role), (Listing::Withdrawn, Role::Attendee));
}
