//! Every action by every role in every status, spelled out apart from the table it checks.

use super::*;
use crate::domain::fixtures::{account, actor, meeting};
use crate::domain::id::CampusId;

/// Which roles may, as letters: host, co-host, presenter, attendee, and uninvited people.
fn allowed_roles(action: Action) -> &'static str {
    match action {
        Action::View
        | Action::SendMessage
        | Action::SendData
        | Action::RaiseHand
        | Action::React
        | Action::SendAudio
        | Action::SendVideo
        | Action::ShareScreen
        | Action::ChooseBreakout
        | Action::ReturnFromBreakout => "hcpa",
        Action::UpdateFeatures
        | Action::ModerateChat
        | Action::Admit
        | Action::ManageParticipants
        | Action::UnmuteOthers
        | Action::AddParticipants
        | Action::RemoveParticipants
        | Action::ChangeRoles
        | Action::SearchDirectory
        | Action::Record
        | Action::ViewConnections => "hc",
        Action::Update
        | Action::ApplyPolicy
        | Action::Delete
        | Action::Start
        | Action::End
        | Action::ManageBreakouts
        | Action::IssueTokens => "h",
    }
}

/// What a permitted person hears in each status: scheduled, live, ended, cancelled.
fn answers_by_status(action: Action) -> [Result<(), DomainError>; 4] {
    use DomainError::{MeetingCancelled, MeetingEnded, MeetingLive, MeetingNotActive, MeetingUnstartable};
    match action {
        Action::View | Action::ModerateChat | Action::SearchDirectory => [Ok(()), Ok(()), Ok(()), Ok(())],
        Action::Delete => [Ok(()), Err(MeetingLive), Ok(()), Ok(())],
        Action::Start => [Ok(()), Ok(()), Err(MeetingEnded), Err(MeetingUnstartable)],
        Action::Update
        | Action::UpdateFeatures
        | Action::ApplyPolicy
        | Action::Admit
        | Action::ManageParticipants
        | Action::UnmuteOthers
        | Action::AddParticipants
        | Action::RemoveParticipants
        | Action::ChangeRoles => [Ok(()), Ok(()), Err(MeetingEnded), Err(MeetingCancelled)],
        Action::End
        | Action::IssueTokens
        | Action::SendMessage
        | Action::SendData
        | Action::RaiseHand
        | Action::React
        | Action::SendAudio
        | Action::SendVideo
        | Action::ShareScreen
        | Action::Record
        | Action::ManageBreakouts
        | Action::ChooseBreakout
        | Action::ReturnFromBreakout
        | Action::ViewConnections => {
            [Err(MeetingNotActive), Ok(()), Err(MeetingEnded), Err(MeetingCancelled)]
        }
    }
}

fn refusal(action: Action) -> DomainError {
    match action {
        Action::View => DomainError::NotMember,
        Action::Start => DomainError::OnlyHostsStart,
        Action::End => DomainError::OnlyHostsEnd,
        Action::AddParticipants => DomainError::OnlyHostsAdd,
        Action::ChangeRoles => DomainError::OnlyHostsChangeRoles,
        _ => DomainError::Forbidden,
    }
}

#[test]
fn role_01_to_05_every_action_by_every_role_in_every_status() {
    let creator = account("creator");
    let somebody = account("somebody");
    let roles = [
        ("h", Some(Role::Host)),
        ("c", Some(Role::CoHost)),
        ("p", Some(Role::Presenter)),
        ("a", Some(Role::Attendee)),
        ("u", None),
    ];
    for (letter, role) in roles {
        for (index, status) in MeetingStatus::ALL.into_iter().enumerate() {
            let listed: Vec<_> = role.map(|role| (&somebody, role)).into_iter().collect();
            let mut meeting = meeting(&creator, status, &listed);
            meeting.settings.features.recording_enabled = true;
            let actor = actor(&somebody);
            for action in Action::ALL {
                let expected = if allowed_roles(action).contains(letter) {
                    answers_by_status(action)[index].clone()
                } else {
                    Err(refusal(action))
                };
                let got = may(&actor, meeting.standing(&actor), action, &meeting);
                assert_eq!(got, expected, "{role:?} {action:?} {status:?}");
            }
        }
    }
}

#[test]
fn c_09_another_campus_comes_before_any_role_and_gone_before_that() {
    let creator = account("creator");
    let mut far = account("far");
    far.campus = CampusId::new("other");
    let mut meeting = meeting(&creator, MeetingStatus::Live, &[(&far, Role::Host)]);
    let actor = actor(&far);
    for action in Action::ALL {
        assert_eq!(may(&actor, meeting.standing(&actor), action, &meeting), Err(DomainError::OtherCampus));
    }
    meeting.deleted_at = Some(crate::domain::fixtures::now());
    for action in Action::ALL {
        assert_eq!(
            may(&actor, meeting.standing(&actor), action, &meeting),
            Err(DomainError::MeetingNotFound)
        );
    }
}

#[test]
fn a_feature_that_is_off_stops_its_action_for_hosts_too() {
    let creator = account("creator");
    let mut meeting = meeting(&creator, MeetingStatus::Live, &[]);
    let features = &mut meeting.settings.features;
    features.chat_enabled = false;
    features.audio_enabled = false;
    features.video_enabled = false;
    features.screen_sharing_enabled = false;
    features.hand_raise_enabled = false;
    let actor = actor(&creator);
    for (action, feature) in [
        (Action::SendMessage, Feature::Chat),
        (Action::SendData, Feature::Chat),
        (Action::SendAudio, Feature::Audio),
        (Action::SendVideo, Feature::Video),
        (Action::ShareScreen, Feature::ScreenSharing),
        (Action::RaiseHand, Feature::HandRaise),
    ] {
        assert_eq!(
            may(&actor, meeting.standing(&actor), action, &meeting),
            Err(DomainError::FeatureOff(feature))
        );
    }
}

#[test]
fn role_09_a_single_right_is_granted_and_taken_apart_from_the_role() {
    let (creator, somebody) = (account("creator"), account("somebody"));
    let mut meeting = meeting(&creator, MeetingStatus::Live, &[(&somebody, Role::Attendee)]);
    meeting.roster[0].overrides.can_share_screen = Some(false);
    meeting.roster[0].overrides.can_manage_participants = Some(true);
    let actor = actor(&somebody);
    let ask = |action| may(&actor, meeting.standing(&actor), action, &meeting);
    assert_eq!(ask(Action::ShareScreen), Err(DomainError::Forbidden));
    assert_eq!(ask(Action::ManageParticipants), Ok(()));
}

/// A setting of the policy, and what C-72 says of it: whom each action is left to, as letters (host, co-host, presenter,
/// attendee). What is not named is as without any policy.
type Line = (&'static str, fn(&mut EntryPolicy), &'static [(Action, &'static str)]);

const POLICIES: [Line; 11] = [
    ("none", |_| (), &[]),
    ("lock", |policy| policy.locked = true, &[]),
    ("domains", |policy| policy.allowed_domains = vec!["elsewhere.test".into()], &[]),
    ("mute_on_entry", |policy| policy.mute_on_entry = true, &[]),
    ("disable_camera", |policy| policy.disable_camera = true, &[(Action::SendVideo, "hc")]),
    ("share host", |policy| policy.screen_share_permissions = Level::Host, &[(Action::ShareScreen, "hc")]),
    ("share all", |policy| policy.screen_share_permissions = Level::All, &[]),
    (
        "chat host",
        |policy| policy.chat_permissions = Level::Host,
        &[(Action::SendMessage, "hc"), (Action::SendData, "hc")],
    ),
    ("chat all", |policy| policy.chat_permissions = Level::All, &[]),
    ("record host", |policy| policy.recording_permissions = Some(Level::Host), &[(Action::Record, "hc")]),
    ("record all", |policy| policy.recording_permissions = Some(Level::All), &[(Action::Record, "hcpa")]),
];

/// What the policy is about.
const GOVERNED: [(Action, Feature); 6] = [
    (Action::SendMessage, Feature::Chat),
    (Action::SendData, Feature::Chat),
    (Action::SendAudio, Feature::Audio),
    (Action::SendVideo, Feature::Video),
    (Action::ShareScreen, Feature::ScreenSharing),
    (Action::Record, Feature::Recording),
];

const LETTERS: [(&str, Role); 4] =
    [("h", Role::Host), ("c", Role::CoHost), ("p", Role::Presenter), ("a", Role::Attendee)];

fn switch(features: &mut crate::domain::meeting::Features, feature: Feature, on: bool) {
    match feature {
        Feature::Chat => features.chat_enabled = on,
        Feature::Audio => features.audio_enabled = on,
        Feature::Video => features.video_enabled = on,
        Feature::ScreenSharing => features.screen_sharing_enabled = on,
        Feature::Recording => features.recording_enabled = on,
        Feature::BreakoutRooms | Feature::Whiteboard | Feature::HandRaise => unreachable!("not governed"),
    }
}

#[test]
fn c_72_every_policy_by_every_action_and_role_and_a_feature_that_is_off_wins() {
    let (creator, somebody) = (account("creator"), account("somebody"));
    let actor = actor(&somebody);
    for (name, set, left_to) in POLICIES {
        for (letter, role) in LETTERS {
            for (action, feature) in GOVERNED {
                let mut meeting = meeting(&creator, MeetingStatus::Live, &[(&somebody, role)]);
                meeting.settings.features.recording_enabled = true;
                set(&mut meeting.settings.entry);
                let standing = meeting.standing(&actor);
                let named = left_to.iter().find(|(of, _)| *of == action).map(|(_, letters)| *letters);
                let by_role = allowed_roles(action).contains(letter);
                let expected = match named {
                    Some(letters) if letters.contains(letter) => Ok(()),
                    Some(_) if by_role => Err(DomainError::HostsOnly(feature)),
                    None if by_role => Ok(()),
                    _ => Err(DomainError::Forbidden),
                };
                assert_eq!(may(&actor, standing, action, &meeting), expected, "{name} {role:?} {action:?}");
                switch(&mut meeting.settings.features, feature, false);
                let off = may(&actor, standing, action, &meeting);
                assert!(off.is_err(), "{name} {role:?} {action:?}: off is stricter than anything");
                if expected.is_ok() {
                    assert_eq!(off, Err(DomainError::FeatureOff(feature)), "{name} {role:?} {action:?}");
                }
            }
        }
    }
}

#[test]
fn c_43_a_right_of_ones_own_does_not_outweigh_what_is_left_to_hosts() {
    let (creator, somebody) = (account("creator"), account("somebody"));
    let mut meeting = meeting(&creator, MeetingStatus::Live, &[(&somebody, Role::Attendee)]);
    meeting.settings.features.recording_enabled = true;
    meeting.roster[0].overrides.can_record = Some(true);
    meeting.roster[0].overrides.can_share_screen = Some(true);
    let actor = actor(&somebody);
    let ask = |meeting: &Meeting, action| may(&actor, meeting.standing(&actor), action, meeting);
    assert_eq!(ask(&meeting, Action::Record), Ok(()));
    meeting.settings.entry.recording_permissions = Some(Level::Host);
    meeting.settings.entry.screen_share_permissions = Level::Host;
    assert_eq!(ask(&meeting, Action::Record), Err(DomainError::HostsOnly(Feature::Recording)));
    assert_eq!(ask(&meeting, Action::ShareScreen), Err(DomainError::HostsOnly(Feature::ScreenSharing)));
    // Nor does what is left to all give back what was taken from one.
    meeting.settings.entry.screen_share_permissions = Level::All;
    meeting.roster[0].overrides.can_share_screen = Some(false);
    assert_eq!(ask(&meeting, Action::ShareScreen), Err(DomainError::Forbidden));
}

#[test]
fn c_72_whoever_is_blocked_may_nothing_and_the_creator_is_never_blocked() {
    let (creator, somebody) = (account("creator"), account("somebody"));
    for (_, role) in LETTERS {
        let mut meeting = meeting(&creator, MeetingStatus::Live, &[(&somebody, role)]);
        meeting.settings.entry.blocked_users = vec![somebody.id, creator.id];
        for action in Action::ALL {
            let ask = |who: &_| may(who, meeting.standing(who), action, &meeting);
            assert_eq!(ask(&actor(&somebody)), Err(DomainError::KeptOut), "{role:?} {action:?}");
            assert_ne!(ask(&actor(&creator)), Err(DomainError::KeptOut), "{action:?}");
        }
    }
}
