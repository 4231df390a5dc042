//! A file sent with a message: what it may be called, how large it may be, how much of it one person may keep.

use time::{Duration, OffsetDateTime};

use super::error::DomainError;
use super::id::{AttachmentId, MessageId, UserId};

/// Files with one message.
pub const PER_MESSAGE_MAX: usize = 10;
/// How long an upload waits for a message that refers to it.
pub const UNSENT_FOR: Duration = Duration::days(1);
/// Longest file name, in characters; longer ones keep their ending.
const NAME_CHARS_MAX: usize = 120;
/// Longest ending that a name is shortened around.
const ENDING_CHARS_MAX: usize = 12;

/// What a message shows of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub id: AttachmentId,
    /// Cleaned by [`file_name`].
    pub name: String,
    /// Such as `image/png`; the bytes do not contradict it.
    pub media_type: String,
    pub bytes: u64,
}

/// A file with what decides who may have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub attachment: Attachment,
    pub uploader: UserId,
    /// The message that refers to it.
    pub message: Option<MessageId>,
    pub uploaded_at: OffsetDateTime,
}

/// Bounds an operator can set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachmentBounds {
    pub bytes_max: u64,
    /// What all files of one person may take together.
    pub quota_bytes: u64,
    /// Media types, in lower case.
    pub types: Vec<String>,
}

impl AttachmentBounds {
    /// Whether one more file of `bytes` fits beside the `kept` ones.
    ///
    /// # Errors
    /// `QuotaExceeded`.
    pub fn fits(&self, kept: u64, bytes: u64) -> Result<(), DomainError> {
        if kept.saturating_add(bytes) <= self.quota_bytes { Ok(()) } else { Err(DomainError::QuotaExceeded) }
    }
}

/// The name a file is shown under: its last path part, without control characters, direction marks (which let
/// `gpj.exe` read as `exe.jpg`) and characters that some system gives a meaning.
pub fn file_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let cleaned: String = last.chars().filter(|c| !is_misleading(*c)).collect();
    let cleaned = cleaned.trim().trim_start_matches('.').trim();
    if cleaned.is_empty() { "file".to_owned() } else { shortened(cleaned) }
}

fn is_misleading(c: char) -> bool {
    c.is_control()
        || matches!(c, '"' | '<' | '>' | ':' | '|' | '?' | '*')
        || matches!(c, '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

fn shortened(name: &str) -> String {
    let count = name.chars().count();
    if count <= NAME_CHARS_MAX {
        return name.to_owned();
    }
    let ending = name.rfind('.').map_or("", |dot| &name[dot..]);
    let ending = if ending.chars().count() <= ENDING_CHARS_MAX { ending } else { "" };
    let kept = NAME_CHARS_MAX - ending.chars().count();
    name.chars().take(kept).chain(ending.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn add_11_a_name_loses_path_marks_and_controls() {
        for (given, shown) in [
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\ada\\plan.pdf", "plan.pdf"),
            ("in\u{202E}gpj.exe", "ingpj.exe"),
            ("a\r\nSet-Cookie: x.txt", "aSet-Cookie x.txt"),
            (".htaccess", "htaccess"),
            ("\"quoted\".png", "quoted.png"),
            ("...", "file"),
            ("", "file"),
            ("Prüfung №7.pdf", "Prüfung №7.pdf"),
        ] {
            assert_eq!(file_name(given), shown, "{given:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let name = file_name(&format!("{}.pdf", "ä".repeat(500)));
        assert_eq!((name.chars().count(), name.ends_with("ä.pdf")), (NAME_CHARS_MAX, true));
        assert_eq!(file_name(&"x".repeat(500)).len(), NAME_CHARS_MAX);
    }

    #[test]
    fn add_11_files_of_one_person_fit_into_the_quota_to_the_byte() {
        let bounds = AttachmentBounds { bytes_max: 10, quota_bytes: 20, types: Vec::new() };
        assert_eq!(bounds.fits(10, 10), Ok(()));
        assert_eq!(bounds.fits(11, 10), Err(DomainError::QuotaExceeded));
        assert_eq!(bounds.fits(u64::MAX, 10), Err(DomainError::QuotaExceeded));
    }
}
