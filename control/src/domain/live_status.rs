//! What somebody says of himself at once: microphone, camera, screen and hand. All of it happens, or nothing.

use plenum_shared::id::ProducerId;
use time::OffsetDateTime;

use super::error::DomainError;
use super::event::Notice;
use super::live::LiveMeeting;
use super::participant::{ConnectionId, MediaChange};
use super::policy::Action;

/// A partial change; absent fields keep their value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StatusChange {
    pub media: MediaChange,
    pub hand: Option<bool>,
}

impl LiveMeeting {
    /// Somebody changes his own status. What he says to be as it is needs no right. Says what is told and which tracks
    /// the media plane may now have to forward or hold back.
    ///
    /// # Errors
    /// Not inside, or one of the changes is not allowed.
    pub fn set_status(
        &mut self,
        connection: ConnectionId,
        change: StatusChange,
        now: OffsetDateTime,
    ) -> Result<(Vec<Notice>, Vec<ProducerId>), DomainError> {
        let participant = self.of_connection(connection)?;
        let (media, up) = (participant.media, participant.hand_raised_at.is_some());
        let hand = change.hand.filter(|raised| *raised != up);
        if hand.is_some() {
            self.allowed(connection, Action::RaiseHand)?;
        }
        let differs = MediaChange {
            audio: change.media.audio.filter(|on| *on != media.audio),
            video: change.media.video.filter(|on| *on != media.video),
            screen: change.media.screen.filter(|on| *on != media.screen),
        };
        let (mut notices, tracks) = self.set_media(connection, differs)?;
        if let Some(raised) = hand {
            notices.extend(self.raise_hand(connection, raised, now)?);
        }
        Ok((notices, tracks))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use plenum_shared::id::RoomId;

    use super::*;
    use crate::domain::admission::Admission;
    use crate::domain::fixtures::{account, actor, meeting, now};
    use crate::domain::id::ParticipantId;
    use crate::domain::live::Joiner;
    use crate::domain::meeting::{Feature, Meeting, MeetingStatus};

    const ADA: ConnectionId = ConnectionId(1);

    fn inside() -> LiveMeeting {
        let ada = account("ada");
        let mut live = LiveMeeting::new(Arc::new(meeting(&ada, MeetingStatus::Live, &[])), RoomId::random());
        let joiner = Joiner::over_socket(ParticipantId::generate(), actor(&ada), "Ada".into(), ADA, now());
        live.join(joiner, Admission::Enter, now()).expect("enters");
        live
    }

    #[test]
    fn a_refused_part_of_a_status_refuses_all_of_it() {
        let mut live = inside();
        let mut changed = Meeting::clone(live.meeting());
        changed.settings.features.screen_sharing_enabled = false;
        live.refresh(Arc::new(changed), now());
        let media = MediaChange { audio: Some(false), video: None, screen: Some(true) };
        let refused = live.set_status(ADA, StatusChange { media, hand: Some(true) }, now());
        assert_eq!(refused, Err(DomainError::FeatureOff(Feature::ScreenSharing)));
        let me = live.of_connection(ADA).expect("inside");
        assert!(me.media.audio && me.hand_raised_at.is_none(), "nothing of it happened");
    }

    #[test]
    fn what_is_so_already_needs_no_right_and_tells_nobody() {
        let mut live = inside();
        let mut changed = Meeting::clone(live.meeting());
        changed.settings.features.hand_raise_enabled = false;
        live.refresh(Arc::new(changed), now());
        let media = MediaChange { audio: Some(true), video: Some(true), screen: Some(false) };
        let told = live.set_status(ADA, StatusChange { media, hand: Some(false) }, now()).expect("as it is");
        assert!(told.0.is_empty(), "{told:?}");
        let up = StatusChange { hand: Some(true), ..StatusChange::default() };
        assert_eq!(live.set_status(ADA, up, now()), Err(DomainError::FeatureOff(Feature::HandRaise)));
    }
}
