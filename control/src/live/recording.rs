//! The recording of a running meeting: each change is stored before anybody is told of it.

use futures_util::future::BoxFuture;
use time::OffsetDateTime;

use super::Live;
use super::task::Task;
use crate::domain::error::DomainError;
use crate::domain::id::{MeetingId, RecordingId};
use crate::domain::participant::ConnectionId;
use crate::domain::recording::{Recording, RecordingChange, records_by_itself};

impl Live {
    /// Begins or ends the recording, on behalf of whoever is behind the connection. `id` is that of a new one.
    ///
    /// # Errors
    /// Not inside, not allowed, recording is switched off, or it could not be stored.
    pub async fn record(
        &self,
        meeting: MeetingId,
        by: ConnectionId,
        start: bool,
        id: RecordingId,
    ) -> Result<(), DomainError> {
        let handle = self.find(meeting).ok_or(DomainError::NotInMeeting)?;
        let done = self.run(&handle, move |task| Box::pin(task.record(by, start, id))).await;
        done.unwrap_or(Err(DomainError::NotInMeeting))
    }
}

impl Task {
    /// Takes up what an earlier gathering of this meeting, or an earlier process, left running.
    pub(super) async fn resume_recording(&mut self) {
        // Without an answer of the database nobody enters either.
        let meeting = self.live.meeting().id;
        let Ok(recordings) = self.registry.0.store.recordings(meeting).await else { return };
        self.was_recorded = !recordings.is_empty();
        let running = recordings.into_iter().find(|recording| recording.ended_at.is_none());
        self.live.resume_recording(running.map(|stored| Recording {
            id: stored.id,
            started_by: stored.started_by,
            started_at: stored.started_at,
        }));
    }

    /// What is so already stays so.
    fn record(
        &mut self,
        by: ConnectionId,
        start: bool,
        id: RecordingId,
    ) -> BoxFuture<'_, Result<(), DomainError>> {
        Box::pin(async move {
            match self.live.wish_recording(by, start, id, self.now())? {
                Some(change) => self.change_recording(change).await,
                None => Ok(()),
            }
        })
    }

    /// A meeting that records itself does so from the first person on, once: whoever stops it has stopped it.
    pub(super) async fn record_by_itself(&mut self) {
        if self.was_recorded || !records_by_itself(self.live.meeting()) {
            return;
        }
        let recording = Recording { id: RecordingId::generate(), started_by: None, started_at: self.now() };
        // A failure is logged by the store; the next person to enter tries again.
        let _ = self.change_recording(RecordingChange::Begin(recording)).await;
    }

    /// The feature may have been switched off.
    pub(super) async fn end_forbidden_recording(&mut self) {
        if let Some(end) = self.live.forbidden_recording(self.now()) {
            // A failure is logged by the store; the next change of the meeting tries again.
            let _ = self.change_recording(end).await;
        }
    }

    /// The meeting is over.
    pub(super) async fn end_recording(&mut self, now: OffsetDateTime) {
        if let Some(recording) = self.live.recording().copied() {
            // What cannot be written here is written with the end of the meeting, or shown as ended by it.
            let _ = self.change_recording(RecordingChange::End { recording, by: None, at: now }).await;
        }
    }

    async fn change_recording(&mut self, change: RecordingChange) -> Result<(), DomainError> {
        let store = &self.registry.0.store;
        match &change {
            RecordingChange::Begin(recording) => {
                store.begin_recording(self.live.meeting().id, recording).await?;
            }
            RecordingChange::End { recording, at, .. } => store.end_recording(recording.id, *at).await?,
        }
        self.was_recorded = true;
        let notices = self.live.change_recording(change);
        self.publish(notices);
        Ok(())
    }
}
