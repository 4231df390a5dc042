//! Every action by every role in every status, spelled out apart from the table it checks.

use super::*;
use crate::domain::fixtures::{account, actor, meeting};
use crate::domain::id::CampusId;

/// Which roles may, as letters: host, co-host, presenter, attendee, and uninvited people.
fn allowed_roles(action: Action) -> &'static str {
    match action {
        Action::View
        | Action::SendMessage
        | Action::RaiseHand
        | Action::React
        | Action::SendAudio
        | Action::SendVideo
        | Action::ShareScreen => "hcpa",
        Action::UpdateFeatures
        | Action::ModerateChat
        | Action::Admit
        | Action::ManageParticipants
        | Action::UnmuteOthers
        | Action::AddParticipants
        | Action::RemoveParticipants
        | Action::ChangeRoles
        | Action::SearchDirectory
        | Action::Record => "hc",
        Action::Update | Action::Delete | Action::Start | Action::End => "h",
    }
}

/// What a permitted person hears in each status: scheduled, live, ended, cancelled.
fn answers_by_status(action: Action) -> [Result<(), DomainError>; 4] {
    use DomainError::{MeetingCancelled, MeetingEnded, MeetingLive, MeetingNotActive};
    match action {
        Action::View | Action::ModerateChat | Action::SearchDirectory => [Ok(()), Ok(()), Ok(()), Ok(())],
        Action::Delete => [Ok(()), Err(MeetingLive), Ok(()), Ok(())],
        Action::Update
        | Action::UpdateFeatures
        | Action::Start
        | Action::Admit
        | Action::ManageParticipants
        | Action::UnmuteOthers
        | Action::AddParticipants
        | Action::RemoveParticipants
        | Action::ChangeRoles => [Ok(()), Ok(()), Err(MeetingEnded), Err(MeetingCancelled)],
        Action::End
        | Action::SendMessage
        | Action::RaiseHand
        | Action::React
        | Action::SendAudio
        | Action::SendVideo
        | Action::ShareScreen
        | Action::Record => [Err(MeetingNotActive), Ok(()), Err(MeetingEnded), Err(MeetingCancelled)],
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
