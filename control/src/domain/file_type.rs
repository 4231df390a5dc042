//! What a file's first bytes say it is, and whether that contradicts what it is called.
//!
//! Not a virus scanner and not a parser: a picture that is no picture, or a program that is called one, is refused.
//! What nobody recognises is taken at its word, and is only ever handed out as a download.

/// First bytes that are looked at.
pub const HEAD_BYTES: usize = 4096;

/// Families of files that begin in a known way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Png,
    Jpeg,
    Gif,
    WebP,
    Pdf,
    /// Also what office programs and Java write.
    Zip,
    /// What office programs wrote before.
    OldOffice,
    /// MPEG-4 and its relatives: MP4, M4A, QuickTime, HEIC, AVIF.
    IsoMedia,
    /// Matroska and WebM.
    Matroska,
    Ogg,
    Mp3,
    Wav,
    Flac,
    Gzip,
    /// Windows, Linux and macOS programs, and scripts that name their interpreter.
    Program,
}

/// Whether the bytes at the beginning of a file are of another type than said.
pub fn contradicts(media_type: &str, head: &[u8]) -> bool {
    let found = family(head);
    match expected(media_type) {
        Expected::These(families) => !found.is_some_and(|found| families.contains(&found)),
        Expected::Text => found.is_some() || !is_text(head),
        Expected::Unknown => found == Some(Family::Program),
    }
}

/// What media type a file is when it comes without one; `None` when its bytes do not tell.
pub fn guess(head: &[u8]) -> Option<&'static str> {
    Some(match family(head)? {
        Family::Png => "image/png",
        Family::Jpeg => "image/jpeg",
        Family::Gif => "image/gif",
        Family::WebP => "image/webp",
        Family::Pdf => "application/pdf",
        Family::Zip => "application/zip",
        Family::Matroska => "video/webm",
        Family::IsoMedia => "video/mp4",
        Family::Ogg => "audio/ogg",
        Family::Mp3 => "audio/mpeg",
        Family::Wav => "audio/wav",
        Family::Flac => "audio/flac",
        Family::Gzip => "application/gzip",
        Family::OldOffice | Family::Program => return None,
    })
}

enum Expected {
    These(&'static [Family]),
    /// Readable text of any encoding that has no zero bytes.
    Text,
    /// A type whose files begin in no way we know.
    Unknown,
}

fn expected(media_type: &str) -> Expected {
    use Family as F;
    match media_type {
        "image/png" => Expected::These(&[F::Png]),
        "image/jpeg" => Expected::These(&[F::Jpeg]),
        "image/gif" => Expected::These(&[F::Gif]),
        "image/webp" => Expected::These(&[F::WebP]),
        "image/heic" | "image/heif" | "image/avif" => Expected::These(&[F::IsoMedia]),
        "application/pdf" => Expected::These(&[F::Pdf]),
        "application/zip" | "application/x-zip-compressed" => Expected::These(&[F::Zip]),
        "application/gzip" => Expected::These(&[F::Gzip]),
        "application/msword" | "application/vnd.ms-excel" | "application/vnd.ms-powerpoint" => {
            Expected::These(&[F::OldOffice, F::Zip])
        }
        "video/mp4" | "audio/mp4" | "audio/x-m4a" | "video/quicktime" => Expected::These(&[F::IsoMedia]),
        "video/webm" | "audio/webm" | "video/x-matroska" => Expected::These(&[F::Matroska]),
        "audio/ogg" | "video/ogg" => Expected::These(&[F::Ogg]),
        "audio/mpeg" => Expected::These(&[F::Mp3]),
        "audio/wav" | "audio/x-wav" => Expected::These(&[F::Wav]),
        "audio/flac" => Expected::These(&[F::Flac]),
        office if office.starts_with("application/vnd.openxmlformats-officedocument.") => {
            Expected::These(&[F::Zip])
        }
        office if office.starts_with("application/vnd.oasis.opendocument.") => Expected::These(&[F::Zip]),
        "application/json" => Expected::Text,
        text if text.starts_with("text/") => Expected::Text,
        _ => Expected::Unknown,
    }
}

fn family(head: &[u8]) -> Option<Family> {
    use Family as F;
    let at = |offset: usize, bytes: &[u8]| head.get(offset..).is_some_and(|rest| rest.starts_with(bytes));
    let known: &[(bool, Family)] = &[
        (at(0, b"\x89PNG\r\n\x1a\n"), F::Png),
        (at(0, b"\xff\xd8\xff"), F::Jpeg),
        (at(0, b"GIF87a") || at(0, b"GIF89a"), F::Gif),
        (at(0, b"RIFF") && at(8, b"WEBP"), F::WebP),
        (at(0, b"RIFF") && at(8, b"WAVE"), F::Wav),
        (at(0, b"%PDF-"), F::Pdf),
        (at(0, b"PK\x03\x04") || at(0, b"PK\x05\x06"), F::Zip),
        (at(0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), F::OldOffice),
        (at(4, b"ftyp"), F::IsoMedia),
        (at(0, b"\x1a\x45\xdf\xa3"), F::Matroska),
        (at(0, b"OggS"), F::Ogg),
        (at(0, b"ID3") || at(0, b"\xff\xfb") || at(0, b"\xff\xf3") || at(0, b"\xff\xf2"), F::Mp3),
        (at(0, b"fLaC"), F::Flac),
        (at(0, b"\x1f\x8b"), F::Gzip),
        (at(0, b"MZ") && head.contains(&0), F::Program),
        (at(0, b"\x7fELF") || at(0, b"#!"), F::Program),
        (at(0, b"\xcf\xfa\xed\xfe") || at(0, b"\xce\xfa\xed\xfe") || at(0, b"\xca\xfe\xba\xbe"), F::Program),
    ];
    known.iter().find(|(matches, _)| *matches).map(|(_, family)| *family)
}

fn is_text(head: &[u8]) -> bool {
    let utf16 = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    utf16 || !head.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    const WINDOWS_PROGRAM: &[u8] = b"MZ\x90\0\x03\0\0\0";

    #[test]
    fn add_11_what_is_called_a_picture_begins_like_one() {
        assert!(!contradicts("image/png", PNG));
        assert!(contradicts("image/jpeg", PNG));
        assert!(contradicts("image/png", b"<html>"));
        assert!(contradicts("image/png", b""));
        assert!(!contradicts("image/webp", b"RIFF\x10\0\0\0WEBPVP8 "));
        assert!(contradicts("audio/wav", b"RIFF\x10\0\0\0WEBPVP8 "));
    }

    #[test]
    fn add_11_text_has_no_zero_bytes_and_is_no_picture() {
        assert!(!contradicts("text/plain", "Grüße\n".as_bytes()));
        assert!(!contradicts("text/plain", b""));
        assert!(!contradicts("text/plain", b"\xff\xfeH\0i\0"));
        assert!(!contradicts("text/plain", b"MZ is a film festival"));
        assert!(contradicts("text/plain", b"a\0b"));
        assert!(contradicts("text/csv", PNG));
    }

    #[test]
    fn add_11_a_program_is_a_program_whatever_it_is_called() {
        for kind in ["image/png", "text/plain", "application/zip", "application/x-unheard-of"] {
            assert!(contradicts(kind, WINDOWS_PROGRAM), "{kind}");
            assert!(contradicts(kind, b"\x7fELF\x02\x01"), "{kind}");
            assert!(contradicts(kind, b"#!/bin/sh\n"), "{kind}");
        }
        assert!(!contradicts("application/x-unheard-of", b"who knows"));
    }

    #[test]
    fn office_documents_are_archives() {
        let word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
        assert!(!contradicts(word, b"PK\x03\x04\x14\0"));
        assert!(contradicts(word, b"%PDF-1.7"));
        assert!(!contradicts("application/msword", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0"));
    }

    #[test]
    fn a_file_without_a_type_is_what_its_bytes_say() {
        assert_eq!(guess(PNG), Some("image/png"));
        assert_eq!(guess(WINDOWS_PROGRAM), None);
        assert_eq!(guess(b"hello"), None);
    }
}
