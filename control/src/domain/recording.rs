//! Recording as a state of a meeting: whether it runs, since when, and who began it (C-43, C-57). Files are made by a
//! recorder elsewhere; until there is one, a recording is a switch with a memory.

use time::OffsetDateTime;

use super::error::DomainError;
use super::event::{Audience, DomainEvent, Notice};
use super::id::{MeetingId, RecordingId};
use super::live::LiveMeeting;
use super::meeting::{Feature, Meeting};
use super::participant::{ConnectionId, Person};
use super::policy::Action;

/// A recording that runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recording {
    pub id: RecordingId,
    /// `None` when the meeting began it by itself.
    pub started_by: Option<Person>,
    pub started_at: OffsetDateTime,
}

/// A change of the switch, decided and not yet told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordingChange {
    Begin(Recording),
    End { recording: Recording, by: Option<Person>, at: OffsetDateTime },
}

/// A stretch of time that was recorded, as the database keeps it.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredRecording {
    pub id: RecordingId,
    pub meeting: MeetingId,
    pub started_by: Option<Person>,
    pub started_at: OffsetDateTime,
    /// `None` while it runs.
    pub ended_at: Option<OffsetDateTime>,
    /// What the recorder left; `None` until there is a file.
    pub file: Option<RecordingFile>,
}

/// A file of a recording.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordingFile {
    /// video, audio, screen or chat.
    pub kind: String,
    /// Storage key.
    pub path: String,
    pub bytes: u64,
    /// mp4, webm, ...
    pub format: String,
    /// Resolution and rate, for people.
    pub quality: String,
    pub processed_at: Option<OffsetDateTime>,
    /// False before processing and after the retention time.
    pub is_available: bool,
    pub downloads: u64,
}

/// Whether this meeting records itself from the beginning. A feature that is off wins.
pub fn records_by_itself(meeting: &Meeting) -> bool {
    meeting.settings.recording.auto_record && meeting.settings.features.allows(Feature::Recording)
}

impl LiveMeeting {
    /// The recording that runs.
    pub fn recording(&self) -> Option<&Recording> {
        self.recording.as_ref()
    }

    /// What somebody's wish to record, or to stop that, changes. `None`: it is so already.
    ///
    /// # Errors
    /// Not inside, not allowed, or recording is switched off.
    pub fn wish_recording(
        &self,
        connection: ConnectionId,
        start: bool,
        id: RecordingId,
        now: OffsetDateTime,
    ) -> Result<Option<RecordingChange>, DomainError> {
        self.allowed(connection, Action::Record)?;
        let by = Some(self.of_connection(connection)?.person);
        Ok(match (self.recording, start) {
            (None, true) => Some(RecordingChange::Begin(Recording { id, started_by: by, started_at: now })),
            (Some(recording), false) => Some(RecordingChange::End { recording, by, at: now }),
            _ => None,
        })
    }

    /// The end of a recording that nobody asked to end: the feature was switched off.
    pub fn forbidden_recording(&self, now: OffsetDateTime) -> Option<RecordingChange> {
        let off = !self.meeting.settings.features.allows(Feature::Recording);
        self.recording.filter(|_| off).map(|recording| RecordingChange::End { recording, by: None, at: now })
    }

    /// A recording that runs already, from before this process or this gathering.
    pub fn resume_recording(&mut self, recording: Option<Recording>) {
        self.recording = recording;
    }

    /// Makes a change that was stored, and tells it: as a state, and as what happened.
    pub fn change_recording(&mut self, change: RecordingChange) -> Vec<Notice> {
        let meeting = self.meeting.id;
        let (recording, active, by) = match change {
            RecordingChange::Begin(recording) => (recording, true, recording.started_by),
            RecordingChange::End { recording, by, .. } => (recording, false, by),
        };
        self.recording = active.then_some(recording);
        let told = match change {
            RecordingChange::Begin(recording) => DomainEvent::RecordingStarted { meeting, recording },
            RecordingChange::End { at, .. } => DomainEvent::RecordingEnded { meeting, recording, at },
        };
        let changed = DomainEvent::RecordingChanged { meeting, recording, active, by };
        vec![Notice::new(Audience::Everyone, changed), Notice::new(Audience::Everyone, told)]
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use plenum_shared::id::RoomId;

    use super::*;
    use crate::domain::fixtures::{account, meeting, now};
    use crate::domain::meeting::MeetingStatus;
    use crate::domain::settings::RETENTION_DAYS;

    fn recorded() -> Meeting {
        let mut meeting = meeting(&account("ada"), MeetingStatus::Live, &[]);
        meeting.settings.features.recording_enabled = true;
        meeting
    }

    #[test]
    fn rec_01_only_a_meeting_that_may_record_does_so_by_itself() {
        let mut meeting = recorded();
        assert!(!records_by_itself(&meeting), "off unless asked for");
        meeting.settings.recording.auto_record = true;
        assert!(records_by_itself(&meeting));
        meeting.settings.features.recording_enabled = false;
        assert!(!records_by_itself(&meeting));
    }

    #[test]
    fn rec_01_lim_03_a_recording_is_kept_between_a_day_and_a_year() {
        let kept_for = |days| {
            let mut meeting = recorded();
            meeting.settings.recording.retention_days = days;
            meeting.settings.check(meeting.profile)
        };
        assert_eq!(RETENTION_DAYS, 1..=365);
        assert_eq!([kept_for(1), kept_for(30), kept_for(365)], [Ok(()), Ok(()), Ok(())]);
        for days in [0, 366, u16::MAX] {
            assert!(matches!(kept_for(days), Err(DomainError::FieldInvalid { .. })), "{days}");
        }
    }

    #[test]
    fn a_recording_ends_when_the_feature_is_switched_off_and_not_before() {
        let mut live = LiveMeeting::new(Arc::new(recorded()), RoomId::random());
        let recording = Recording { id: RecordingId::generate(), started_by: None, started_at: now() };
        live.resume_recording(Some(recording));
        assert_eq!(live.forbidden_recording(now()), None);
        let mut off = Meeting::clone(live.meeting());
        off.settings.features.recording_enabled = false;
        live.refresh(Arc::new(off), now());
        let end = RecordingChange::End { recording, by: None, at: now() };
        assert_eq!(live.forbidden_recording(now()), Some(end));
        assert_eq!(live.change_recording(end).len(), 2, "as a state, and as what happened");
        assert_eq!((live.recording(), live.forbidden_recording(now())), (None, None));
    }
}
