//! Files for messages, as far as the database knows them; their bytes are on the disk.

use time::OffsetDateTime;

use super::chat::read_file;
use super::columns::{micros, time, to_json, word, word_opt};
use super::refusal::StoreError;
use super::sql::{Tx, args};
use super::{Store, timed};
use crate::domain::attachment::Upload;
use crate::domain::error::DomainError;
use crate::domain::id::{AttachmentId, MessageId, UserId};

const BY_ID: &str = "SELECT * FROM attachments WHERE id = $1 AND removed_at IS NULL";
/// Held while the quota is decided: two uploads of one person are counted one after the other.
const UPLOADER: &str = "SELECT id FROM accounts WHERE id = $1";
const KEPT: &str = "SELECT CAST(COALESCE(SUM(bytes), 0) AS BIGINT) AS kept FROM attachments \
     WHERE uploader_id = $1 AND removed_at IS NULL";
const INSERT: &str = "INSERT INTO attachments (id, uploader_id, name, media_type, bytes, uploaded_at) \
     VALUES ($1, $2, $3, $4, $5, $6)";
const DISCARD: &str = "UPDATE attachments SET removed_at = $3 \
     WHERE id = $1 AND uploader_id = $2 AND message_id IS NULL AND removed_at IS NULL";
const MARK_UNSENT: &str = "UPDATE attachments SET removed_at = $2 \
     WHERE message_id IS NULL AND removed_at IS NULL AND uploaded_at < $1";
const REMOVED: &str =
    "SELECT id FROM attachments WHERE removed_at IS NOT NULL ORDER BY removed_at, id LIMIT $1";
/// $1: a JSON array of ids.
const FORGET: &str =
    "DELETE FROM attachments WHERE removed_at IS NOT NULL AND id IN (SELECT value FROM json_each($1))";

impl Store {
    /// A file that is not removed.
    pub async fn upload(&self, id: AttachmentId) -> Result<Option<Upload>, DomainError> {
        timed("upload", async {
            let Some(row) = self.one(BY_ID, args![id.to_string()]).await? else { return Ok(None) };
            Ok(Some(Upload {
                attachment: read_file(&row)?,
                uploader: word(&row, "uploader_id", UserId::parse)?,
                message: word_opt(&row, "message_id", MessageId::parse)?,
                uploaded_at: time(&row, "uploaded_at")?,
            }))
        })
        .await
    }

    /// How many bytes of files an account keeps.
    pub async fn kept_bytes(&self, user: UserId) -> Result<u64, DomainError> {
        timed("upload_kept", async {
            let mut tx = self.read().await?;
            kept(&mut tx, user).await
        })
        .await
    }

    /// Keeps a file, if `fits` agrees with the bytes that its uploader keeps already.
    pub async fn insert_upload(
        &self,
        upload: &Upload,
        fits: impl FnOnce(u64) -> Result<(), DomainError>,
    ) -> Result<(), DomainError> {
        timed("upload_insert", async {
            let mut tx = self.write().await?;
            tx.one_to_change(UPLOADER, args![upload.uploader.to_string()]).await?;
            fits(kept(&mut tx, upload.uploader).await?)?;
            let file = &upload.attachment;
            let values = args![
                file.id.to_string(),
                upload.uploader.to_string(),
                &file.name,
                &file.media_type,
                i64::try_from(file.bytes).map_err(|_| StoreError::Corrupt("bytes"))?,
                micros(upload.uploaded_at),
            ];
            tx.execute(INSERT, values).await?;
            tx.commit().await
        })
        .await
    }

    /// Marks a file for removal, if it is this account's and not sent. Says whether it was.
    pub async fn discard_upload(
        &self,
        id: AttachmentId,
        user: UserId,
        at: OffsetDateTime,
    ) -> Result<bool, DomainError> {
        timed("upload_discard", async {
            Ok(self.execute(DISCARD, args![id.to_string(), user.to_string(), micros(at)]).await? == 1)
        })
        .await
    }

    /// Marks for removal what was uploaded before a time and never sent.
    pub async fn mark_unsent_uploads(
        &self,
        before: OffsetDateTime,
        at: OffsetDateTime,
    ) -> Result<(), DomainError> {
        timed("upload_mark_unsent", async {
            self.execute(MARK_UNSENT, args![micros(before), micros(at)]).await?;
            Ok(())
        })
        .await
    }

    /// Some of the files that are marked for removal, the longest marked first.
    pub async fn removed_uploads(&self, limit: u32) -> Result<Vec<AttachmentId>, DomainError> {
        timed("upload_removed", async {
            let rows = self.all(REMOVED, args![limit]).await?;
            rows.iter().map(|row| word(row, "id", AttachmentId::parse)).collect()
        })
        .await
    }

    /// Forgets removed files whose bytes are gone.
    pub async fn forget_uploads(&self, ids: &[AttachmentId]) -> Result<(), DomainError> {
        timed("upload_forget", async {
            self.execute(FORGET, args![to_json(&ids)?]).await?;
            Ok(())
        })
        .await
    }
}

async fn kept(tx: &mut Tx, user: UserId) -> Result<u64, StoreError> {
    let row = tx.one(KEPT, args![user.to_string()]).await?;
    let kept = row.map_or(Ok(0), |row| row.get::<i64>("kept"))?;
    u64::try_from(kept).map_err(|_| StoreError::Corrupt("bytes"))
}
