//! What somebody may do in a media server of somebody else's: the rights he has here, in the words such servers know.

use super::actor::Actor;
use super::live::standing;
use super::meeting::Meeting;
use super::policy::{Action, may};
use super::role::Role;

/// The rights of a person in a meeting, as a pass carries them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grants {
    pub microphone: bool,
    pub camera: bool,
    /// With its sound.
    pub screen: bool,
    pub messages: bool,
    /// Hosts rule the room.
    pub host: bool,
}

impl Grants {
    /// What the actor may do in a meeting now.
    pub fn of(actor: &Actor, meeting: &Meeting) -> Self {
        let standing = standing(meeting, actor);
        let may = |action| may(actor, Some(standing), action, meeting).is_ok();
        Self {
            microphone: may(Action::SendAudio),
            camera: may(Action::SendVideo),
            screen: may(Action::ShareScreen),
            messages: may(Action::SendMessage),
            host: standing.role == Role::Host,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fixtures::{account, actor, meeting};
    use crate::domain::meeting::{Level, MeetingStatus};

    #[test]
    fn c_59_a_pass_carries_what_role_features_and_policy_leave() {
        let (host, ada) = (account("host"), account("ada"));
        let mut meeting = meeting(&host, MeetingStatus::Live, &[(&ada, Role::Attendee)]);
        let all = Grants { microphone: true, camera: true, screen: true, messages: true, host: false };
        assert_eq!(Grants::of(&actor(&ada), &meeting), all);
        assert_eq!(Grants::of(&actor(&host), &meeting), Grants { host: true, ..all });
        meeting.settings.entry.disable_camera = true;
        meeting.settings.entry.screen_share_permissions = Level::Host;
        meeting.settings.entry.chat_permissions = Level::Host;
        meeting.settings.features.audio_enabled = false;
        let none = Grants { microphone: false, camera: false, screen: false, messages: false, host: false };
        assert_eq!(Grants::of(&actor(&ada), &meeting), none);
        assert_eq!(Grants::of(&actor(&host), &meeting), Grants { microphone: false, host: true, ..all });
    }
}
