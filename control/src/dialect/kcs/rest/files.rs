//! Files for messages: upload and download (ADD-11, ADD-12).

use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
use tokio_util::io::ReaderStream;

use super::Kcs;
use super::answer::{Caller, Reply, created, ok};
use super::bodies::FileBody;
use super::chat::Id;
use super::describe::refusals;
use crate::dialect::kcs::view::envelope::{Nothing, Success};
use crate::dialect::kcs::view::rooms::{self, AttachmentView};
use crate::domain::error::DomainError;
use crate::http::range::{Range, requested};
use crate::http::refusal::Refusal;
use crate::service::attachments::{Incoming, Outgoing};

/// An upload whose next piece takes longer than this is not arriving; one that takes longer in all is given up. The
/// largest usual file takes a third of that over a line of 512 kbit/s.
const PIECE_WAIT: Duration = Duration::from_secs(20);
const UPLOAD_WAIT: Duration = Duration::from_secs(20 * 60);
/// What a form may have around its file.
const FORM_BYTES: usize = 64 * 1024;
/// Parts of a form beside the file that are skipped; a form of ours has none.
const PARTS_MAX: usize = 8;
/// Handed out as what it is and run as nothing: no scripts, no frames, no origin.
const SANDBOX: &str = "sandbox; default-src 'none'";

refusals!(
    UploadRefusals: FieldMissing("file"), FileTooLarge, QuotaExceeded, FileTypeRefused, Forbidden,
    Malformed("not a form".into()),
);

/// Upload a file
///
/// For a message that refers to it by its id; what no message refers to is removed after a day.
#[utoipa::path(
    post, path = "/api/chat/attachments", tag = "chat", operation_id = "uploadAttachment",
    request_body(content = FileBody, content_type = "multipart/form-data"),
    responses((status = 201, description = "The file", body = Success<AttachmentView>), UploadRefusals)
)]
pub(super) async fn upload(State(kcs): State<Kcs>, Caller(actor): Caller, request: Request) -> Reply {
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| unreadable("not a form"))?;
    let receiving = async {
        for _ in 0..PARTS_MAX {
            let Some(field) = patient(form.next_field()).await? else { break };
            if field.name() == Some("file") {
                let name = field.file_name().unwrap_or_default().to_owned();
                let declared = field.content_type().map(str::to_owned);
                let incoming = kcs.services.files.receive(&actor, &name, declared.as_deref()).await?;
                return receive(incoming, field).await;
            }
        }
        Err(DomainError::FieldMissing("file"))
    };
    let received = tokio::time::timeout(UPLOAD_WAIT, receiving).await;
    let attachment = received.unwrap_or_else(|_| Err(unreadable("not received in time")))?;
    created("File uploaded successfully", rooms::attachment(&attachment))
}

async fn receive(
    mut incoming: Incoming,
    mut field: Field<'_>,
) -> Result<crate::domain::attachment::Attachment, DomainError> {
    while let Some(piece) = patient(field.chunk()).await? {
        incoming.write(&piece).await?;
    }
    incoming.finish().await
}

async fn patient<T>(piece: impl Future<Output = Result<T, MultipartError>>) -> Result<T, DomainError> {
    let piece = tokio::time::timeout(PIECE_WAIT, piece).await;
    piece.map_err(|_| unreadable("not received in time"))?.map_err(|error| match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => DomainError::FileTooLarge,
        _ => unreadable("cut off, or not a form"),
    })
}

fn unreadable(reason: &str) -> DomainError {
    DomainError::Malformed(reason.into())
}

/// Largest body of an upload: the largest file, and a form around it.
pub(super) fn body_bytes_max(kcs: &Kcs) -> usize {
    usize::try_from(kcs.services.files.bytes_max()).unwrap_or(usize::MAX).saturating_add(FORM_BYTES)
}

/// How the description names a file of a path.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct FileParam {
    /// The id of a file.
    #[param(example = "01JDAVNTZ6MG8F0Q5W0R7YH3KC")]
    #[expect(dead_code, reason = "describes; Id reads")]
    attachment_id: String,
}

refusals!(DownloadRefusals: AttachmentNotFound, RangeUnsatisfiable);

/// Download a file
///
/// For those who can read the message it is in; before it is sent, for whoever uploaded it.
#[utoipa::path(
    get, path = "/api/chat/attachments/{attachment_id}", tag = "chat", operation_id = "downloadAttachment",
    params(FileParam, ("Range" = Option<String>, Header, description = "One range of bytes.")),
    responses(
        (status = 200, description = "The file", content_type = "*/*"),
        (status = 206, description = "A part of the file", content_type = "*/*"),
        DownloadRefusals
    )
)]
pub(super) async fn download(
    State(kcs): State<Kcs>,
    Caller(actor): Caller,
    Id(id): Id,
    headers: HeaderMap,
) -> Reply {
    let Outgoing { attachment, mut file } = kcs.services.files.fetch(&actor, &id).await?;
    let range = requested(headers.get(header::RANGE), attachment.bytes);
    let mut response = match range {
        Range::Whole => HttpBody::from_stream(ReaderStream::new(file)).into_response(),
        Range::Part { first, last } => {
            file.seek(SeekFrom::Start(first)).await.map_err(|_| DomainError::Unavailable)?;
            let part = ReaderStream::new(file.take(last - first + 1));
            (StatusCode::PARTIAL_CONTENT, HttpBody::from_stream(part)).into_response()
        }
        Range::Outside => {
            let mut refused = Refusal::from(DomainError::RangeUnsatisfiable).into_response();
            set(&mut refused, header::CONTENT_RANGE, &format!("bytes */{}", attachment.bytes));
            return Ok(refused);
        }
    };
    let length = match range {
        Range::Part { first, last } => {
            let range = format!("bytes {first}-{last}/{}", attachment.bytes);
            set(&mut response, header::CONTENT_RANGE, &range);
            last - first + 1
        }
        Range::Whole | Range::Outside => attachment.bytes,
    };
    set(&mut response, header::CONTENT_LENGTH, &length.to_string());
    set(&mut response, header::CONTENT_TYPE, &attachment.media_type);
    set(&mut response, header::CONTENT_DISPOSITION, &disposition(&attachment.name));
    set(&mut response, header::ACCEPT_RANGES, "bytes");
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(&mut response, header::CONTENT_SECURITY_POLICY, SANDBOX);
    // The bytes of an id never change, but who may have them does.
    set(&mut response, header::CACHE_CONTROL, "private, no-cache");
    Ok(response)
}

/// Take back a file that was not sent
#[utoipa::path(
    delete, path = "/api/chat/attachments/{attachment_id}", tag = "chat", operation_id = "deleteAttachment",
    params(FileParam),
    responses((status = 200, description = "It is gone", body = Success<Nothing>), DiscardRefusals)
)]
pub(super) async fn discard(State(kcs): State<Kcs>, Caller(actor): Caller, Id(id): Id) -> Reply {
    kcs.services.files.discard(&actor, &id).await?;
    ok("File deleted successfully", Value::Null)
}

refusals!(DiscardRefusals: AttachmentNotFound);

fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// A download under its name (RFC 6266): in ASCII for old clients, in full for the others.
fn disposition(name: &str) -> String {
    let plain: String = name.chars().map(|c| if c.is_ascii() && c != '\\' { c } else { '_' }).collect();
    let full: String = name.bytes().map(encoded).collect();
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{full}")
}

/// A byte as RFC 8187 writes it.
fn encoded(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
        char::from(byte).to_string()
    } else {
        format!("%{byte:02X}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn add_12_a_name_is_said_in_ascii_and_in_full() {
        assert_eq!(
            disposition("Prüfung 7.pdf"),
            "attachment; filename=\"Pr_fung 7.pdf\"; filename*=UTF-8''Pr%C3%BCfung%207.pdf"
        );
    }
}
