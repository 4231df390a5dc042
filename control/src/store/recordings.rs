//! When meetings were recorded, and the files of it.

use super::columns::{micros, time, time_opt, word, word_opt};
use super::refusal::StoreError;
use super::sql::{Row, args};
use super::{Store, timed};
use crate::domain::error::DomainError;
use crate::domain::id::{MeetingId, ParticipantId, RecordingId, UserId};
use crate::domain::participant::Person;
use crate::domain::recording::{Recording, RecordingFile, StoredRecording};
use time::OffsetDateTime;

const BEGIN: &str = "INSERT INTO recordings (id, meeting_id, started_user, started_guest, started_at) \
     VALUES ($1, $2, $3, $4, $5)";
const END: &str = "UPDATE recordings SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
const END_ALL: &str = "UPDATE recordings SET ended_at = $2 WHERE meeting_id = $1 AND ended_at IS NULL";
const OF_MEETING: &str = "SELECT * FROM recordings WHERE meeting_id = $1 ORDER BY started_at, id";

impl Store {
    /// Records that a recording runs.
    pub async fn begin_recording(
        &self,
        meeting: MeetingId,
        recording: &Recording,
    ) -> Result<(), DomainError> {
        timed("recording_begin", async {
            let (user, guest) = match recording.started_by {
                Some(Person::User(user)) => (Some(user.to_string()), None),
                Some(Person::Guest(session)) => (None, Some(session.to_string())),
                None => (None, None),
            };
            let at = micros(recording.started_at);
            self.execute(BEGIN, args![recording.id.to_string(), meeting.to_string(), user, guest, at])
                .await?;
            Ok(())
        })
        .await
    }

    /// Records that a recording is over. Ending it twice changes nothing.
    pub async fn end_recording(&self, id: RecordingId, at: OffsetDateTime) -> Result<(), DomainError> {
        timed("recording_end", async {
            self.execute(END, args![id.to_string(), micros(at)]).await?;
            Ok(())
        })
        .await
    }

    /// Ends whatever recording of a meeting runs.
    pub async fn end_recordings_of(&self, meeting: MeetingId, at: OffsetDateTime) -> Result<(), DomainError> {
        timed("recordings_end_meeting", async {
            self.execute(END_ALL, args![meeting.to_string(), micros(at)]).await?;
            Ok(())
        })
        .await
    }

    /// Every recording of a meeting, the oldest first, with or without a file.
    pub async fn recordings(&self, meeting: MeetingId) -> Result<Vec<StoredRecording>, DomainError> {
        timed("recordings", async {
            let rows = self.all(OF_MEETING, args![meeting.to_string()]).await?;
            rows.iter().map(read).collect()
        })
        .await
    }
}

fn read(row: &Row) -> Result<StoredRecording, StoreError> {
    let user = word_opt(row, "started_user", UserId::parse)?.map(Person::User);
    let guest = word_opt(row, "started_guest", ParticipantId::parse)?.map(Person::Guest);
    Ok(StoredRecording {
        id: word(row, "id", RecordingId::parse)?,
        meeting: word(row, "meeting_id", MeetingId::parse)?,
        started_by: user.or(guest),
        started_at: time(row, "started_at")?,
        ended_at: time_opt(row, "ended_at")?,
        file: read_file(row)?,
    })
}

fn read_file(row: &Row) -> Result<Option<RecordingFile>, StoreError> {
    let Some(path) = row.get::<Option<String>>("path")? else { return Ok(None) };
    let count = |column| u64::try_from(row.get::<i64>(column)?).map_err(|_| StoreError::Corrupt(column));
    Ok(Some(RecordingFile {
        kind: row.get("kind")?,
        path,
        bytes: count("bytes")?,
        format: row.get("format")?,
        quality: row.get("quality")?,
        processed_at: time_opt(row, "processed_at")?,
        is_available: row.get("is_available")?,
        downloads: count("downloads")?,
    }))
}
