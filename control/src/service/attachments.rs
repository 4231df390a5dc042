//! Files for messages: received piece by piece onto the disk, handed out to those who can read the message, and removed
//! when nobody refers to them.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::fs::{self, File};
use tokio::io::AsyncWriteExt;

use crate::domain::actor::Actor;
use crate::domain::attachment::{Attachment, AttachmentBounds, UNSENT_FOR, Upload, file_name};
use crate::domain::error::DomainError;
use crate::domain::file_type::{self, HEAD_BYTES};
use crate::domain::id::{AttachmentId, UserId};
use crate::service::chat_rooms::ChatRooms;
use crate::service::clock::Clock;
use crate::store::Store;

/// Uploads under way at once, and of one person: each may put the largest file on the disk before the quota is
/// checked to the byte. Further ones are refused.
const UPLOADS_MAX: usize = 32;
const UPLOADS_PER_USER_MAX: usize = 4;
/// Files removed between two looks at the database.
const SWEEP_BATCH: u32 = 500;
/// What is being received lies here; what an earlier run left is removed after a day.
const INCOMING: &str = "incoming";
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 3600);

/// Files, and who may have them.
#[derive(Clone)]
pub struct Attachments {
    store: Store,
    rooms: ChatRooms,
    clock: Clock,
    /// Holds `incoming/` and one folder for every two letters an id can end in.
    directory: Arc<Path>,
    bounds: Arc<AttachmentBounds>,
    under_way: Arc<Mutex<HashMap<UserId, usize>>>,
}

/// A file on its way in. Dropped before [`Incoming::finish`] it leaves nothing behind.
pub struct Incoming {
    attachments: Attachments,
    uploader: UserId,
    id: AttachmentId,
    name: String,
    declared: Option<String>,
    file: File,
    path: PathBuf,
    head: Vec<u8>,
    bytes: u64,
    _seat: Seat,
}

/// One of the uploads under way.
struct Seat {
    under_way: Arc<Mutex<HashMap<UserId, usize>>>,
    user: UserId,
}

/// A file on its way out.
pub struct Outgoing {
    pub attachment: Attachment,
    pub file: File,
}

impl Attachments {
    /// Files below `directory`, made if missing.
    ///
    /// # Errors
    /// The directory cannot be made or written.
    pub async fn open(
        directory: PathBuf,
        bounds: AttachmentBounds,
        store: Store,
        rooms: ChatRooms,
        clock: Clock,
    ) -> io::Result<Self> {
        fs::create_dir_all(directory.join(INCOMING)).await?;
        let (directory, bounds) = (directory.into(), Arc::new(bounds));
        Ok(Self { store, rooms, clock, directory, bounds, under_way: Arc::default() })
    }

    /// Largest file that is taken.
    pub fn bytes_max(&self) -> u64 {
        self.bounds.bytes_max
    }

    /// Begins to receive a file that the client calls `name` and says is of type `declared`.
    ///
    /// # Errors
    /// Guests send none; a type that is not taken; no quota left; too many uploads at once.
    pub async fn receive(
        &self,
        actor: &Actor,
        name: &str,
        declared: Option<&str>,
    ) -> Result<Incoming, DomainError> {
        let uploader = actor.user_id().ok_or(DomainError::Forbidden)?;
        let declared = declared.map(essence).filter(|kind| kind != "application/octet-stream");
        if let Some(declared) = &declared {
            self.check_type(declared)?;
        }
        let seat = self.seat(uploader)?;
        // One byte at least is to come; to the byte it is checked when the file is there.
        self.bounds.fits(self.store.kept_bytes(uploader).await?, 1)?;
        let id = AttachmentId::generate();
        let path = self.directory.join(INCOMING).join(id.to_string());
        let file = File::create_new(&path).await.map_err(|error| refusal(&error, "receive"))?;
        let (attachments, name) = (self.clone(), file_name(name));
        let (head, bytes) = (Vec::new(), 0);
        Ok(Incoming { attachments, uploader, id, name, declared, file, path, head, bytes, _seat: seat })
    }

    /// A file for somebody who can read the message it is in, or who uploaded it and has not sent it yet.
    ///
    /// # Errors
    /// `AttachmentNotFound`, whatever the reason.
    pub async fn fetch(&self, actor: &Actor, id: &str) -> Result<Outgoing, DomainError> {
        let upload = self.find(id).await?;
        match upload.message {
            None if actor.user_id() == Some(upload.uploader) => {}
            None => return Err(DomainError::AttachmentNotFound),
            Some(message) => match self.rooms.may_read(actor, message).await {
                Err(DomainError::MessageNotFound) => return Err(DomainError::AttachmentNotFound),
                may => may?,
            },
        }
        let attachment = upload.attachment;
        match File::open(self.path(attachment.id)).await {
            Ok(file) => Ok(Outgoing { attachment, file }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(DomainError::AttachmentNotFound),
            Err(error) => Err(refusal(&error, "fetch")),
        }
    }

    /// Takes back a file that was not sent.
    ///
    /// # Errors
    /// `AttachmentNotFound`: unknown, somebody else's, or sent.
    pub async fn discard(&self, actor: &Actor, id: &str) -> Result<(), DomainError> {
        let upload = self.find(id).await?;
        let user = actor.user_id().ok_or(DomainError::Forbidden)?;
        let gone = self.store.discard_upload(upload.attachment.id, user, self.clock.now()).await?;
        if gone { Ok(()) } else { Err(DomainError::AttachmentNotFound) }
    }

    /// Removes what nobody refers to: uploads that waited a day for their message, files of deleted messages, and what
    /// was half received when a process ended. Says how many files went. May run beside itself and be interrupted
    /// anywhere: what is to go is marked first, and a mark stays until the file is gone.
    ///
    /// # Errors
    /// Only the store's.
    pub async fn sweep(&self) -> Result<u64, DomainError> {
        let now = self.clock.now();
        self.store.mark_unsent_uploads(now - UNSENT_FOR, now).await?;
        let mut removed = 0;
        loop {
            let marked = self.store.removed_uploads(SWEEP_BATCH).await?;
            let mut gone = Vec::new();
            for id in &marked {
                match fs::remove_file(self.path(*id)).await {
                    Ok(()) => removed += 1,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => {
                        tracing::warn!(%error, "an attachment could not be removed; the next sweep tries again");
                        continue;
                    }
                }
                gone.push(*id);
            }
            self.store.forget_uploads(&gone).await?;
            if gone.is_empty() || marked.len() < SWEEP_BATCH as usize {
                break;
            }
        }
        self.sweep_incoming().await;
        Ok(removed)
    }

    /// Files that were being received when a process ended.
    async fn sweep_incoming(&self) {
        let Ok(mut entries) = fs::read_dir(self.directory.join(INCOMING)).await else { return };
        while let Ok(Some(entry)) = entries.next_entry().await {
            let modified = entry.metadata().await.and_then(|metadata| metadata.modified());
            let age = modified.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
            if age.is_some_and(|age| age >= ABANDONED_AFTER) {
                let _ = fs::remove_file(entry.path()).await;
            }
        }
    }

    async fn find(&self, id: &str) -> Result<Upload, DomainError> {
        let id = AttachmentId::parse(id.trim()).ok_or(DomainError::AttachmentNotFound)?;
        self.store.upload(id).await?.ok_or(DomainError::AttachmentNotFound)
    }

    fn check_type(&self, media_type: &str) -> Result<(), DomainError> {
        let taken = self.bounds.types.iter().any(|taken| taken == media_type);
        if taken { Ok(()) } else { Err(DomainError::FileTypeRefused) }
    }

    fn path(&self, id: AttachmentId) -> PathBuf {
        let id = id.to_string();
        // The end of an id is random, so the folders fill evenly.
        self.directory.join(&id[id.len() - 2..]).join(id)
    }

    fn seat(&self, user: UserId) -> Result<Seat, DomainError> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = under_way.values().sum();
        let own = under_way.entry(user).or_default();
        if all >= UPLOADS_MAX || *own >= UPLOADS_PER_USER_MAX {
            return Err(DomainError::Unavailable);
        }
        *own += 1;
        Ok(Seat { under_way: self.under_way.clone(), user })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = under_way.get_mut(&self.user) {
            *own -= 1;
        }
        under_way.retain(|_, own| *own > 0);
    }
}

impl Incoming {
    /// Takes the next piece.
    ///
    /// # Errors
    /// `FileTooLarge`, or the disk does not take it.
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), DomainError> {
        self.bytes += piece.len() as u64;
        if self.bytes > self.attachments.bounds.bytes_max {
            return Err(DomainError::FileTooLarge);
        }
        let wanted = HEAD_BYTES.saturating_sub(self.head.len());
        self.head.extend(piece.iter().take(wanted));
        self.file.write_all(piece).await.map_err(|error| refusal(&error, "write"))
    }

    /// The file is complete: it is what it says, it fits, and it is safe on the disk.
    ///
    /// # Errors
    /// `FileTypeRefused`, `QuotaExceeded`, or the disk does not take it.
    pub async fn finish(mut self) -> Result<Attachment, DomainError> {
        let media_type = match &self.declared {
            Some(declared) => declared.clone(),
            None => file_type::guess(&self.head).ok_or(DomainError::FileTypeRefused)?.to_owned(),
        };
        self.attachments.check_type(&media_type)?;
        if file_type::contradicts(&media_type, &self.head) {
            return Err(DomainError::FileTypeRefused);
        }
        self.file.flush().await.map_err(|error| refusal(&error, "flush"))?;
        self.file.sync_all().await.map_err(|error| refusal(&error, "sync"))?;
        let attachment = Attachment { id: self.id, name: self.name.clone(), media_type, bytes: self.bytes };
        let upload = Upload {
            attachment: attachment.clone(),
            uploader: self.uploader,
            message: None,
            uploaded_at: self.attachments.clock.now(),
        };
        // The line first: a file without one would never be found again, a line without a file is swept.
        let bounds = self.attachments.bounds.clone();
        self.attachments
            .store
            .insert_upload(&upload, |kept| bounds.fits(kept, upload.attachment.bytes))
            .await?;
        let path = self.attachments.path(self.id);
        let moved = async {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder).await?;
            }
            fs::rename(&self.path, &path).await
        };
        moved.await.map_err(|error| refusal(&error, "keep"))?;
        Ok(attachment)
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // A file that was kept is not there any more. Quick enough to do here: it is one entry of a directory.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A media type without its parameters, in lower case.
fn essence(declared: &str) -> String {
    declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn refusal(error: &io::Error, doing: &'static str) -> DomainError {
    tracing::error!(%error, doing, "the disk does not take a file");
    DomainError::Unavailable
}
