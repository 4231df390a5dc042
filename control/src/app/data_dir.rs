//! The data directory: made, proved writable, used by one process at a time, and home of generated secrets.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nix::fcntl::{Flock, FlockArg};
use rand::RngExt;

use crate::config::Secret;

/// Bytes of a generated secret: the block HS512 works with.
const SECRET_BYTES: usize = 64;
/// A secret file larger than this is some other file.
const SECRET_FILE_BYTES_MAX: u64 = 4096;

/// Why the data directory cannot be used; the text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("DATA_DIR: cannot write to {path:?}: {error}")]
    NotWritable { path: PathBuf, error: io::Error },
    #[error("DATA_DIR: {path:?} is in use by another plenum")]
    InUse { path: PathBuf },
    #[error("cannot read {path:?}: {error}")]
    Secret { path: PathBuf, error: io::Error },
    #[error("{path:?} is empty; delete it to have a new secret generated (everybody logs in again)")]
    SecretEmpty { path: PathBuf },
}

/// The directory is ours until this is dropped.
pub struct Lock(#[expect(dead_code, reason = "held for its drop")] Flock<File>);

/// Makes the directory if it is missing, for this user only, and takes it.
pub fn open(path: &Path) -> Result<Lock, DataDirError> {
    make(path)?;
    let not_writable = |error| DataDirError::NotWritable { path: path.to_owned(), error };
    let lock = path.join("plenum.lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(lock)
        .map_err(not_writable)?;
    match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
        Ok(lock) => Ok(Lock(lock)),
        Err((_, nix::errno::Errno::EWOULDBLOCK)) => Err(DataDirError::InUse { path: path.to_owned() }),
        Err((_, error)) => Err(not_writable(error.into())),
    }
}

/// Makes the directory if it is missing, for this user only.
pub fn make(path: &Path) -> Result<(), DataDirError> {
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| DataDirError::NotWritable { path: path.to_owned(), error })
}

/// Reads a secret from its file, generating it first if there is none. Only this user can read the file.
pub fn secret(path: &Path) -> Result<Secret, DataDirError> {
    let failed = |error| DataDirError::Secret { path: path.to_owned(), error };
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => {
            let mut bytes = [0_u8; SECRET_BYTES];
            rand::rng().fill(&mut bytes[..]);
            let text = URL_SAFE_NO_PAD.encode(bytes);
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
            Ok(Secret::new(text))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let mut text = String::new();
            File::open(path)
                .and_then(|file| file.take(SECRET_FILE_BYTES_MAX).read_to_string(&mut text))
                .map_err(failed)?;
            match text.trim() {
                "" => Err(DataDirError::SecretEmpty { path: path.to_owned() }),
                text => Ok(Secret::new(text)),
            }
        }
        Err(error) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_is_made_once_and_only_for_us() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("jwt_secret");
        let first = secret(&path).expect("made");
        assert_eq!(secret(&path).expect("read").expose(), first.expose());
        assert!(first.expose().len() >= SECRET_BYTES);
        assert_eq!(fs::metadata(&path).expect("there").permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_directory_serves_one_process() {
        let dir = tempfile::tempdir().expect("a directory");
        let lock = open(dir.path()).expect("free");
        assert!(matches!(open(dir.path()), Err(DataDirError::InUse { .. })));
        drop(lock);
        assert!(open(dir.path()).is_ok());
    }

    #[test]
    fn a_path_that_cannot_be_a_directory_is_told() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        let error = open(&file.path().join("data")).err().expect("refused").to_string();
        assert!(error.starts_with("DATA_DIR: cannot write"), "{error}");
    }
}
