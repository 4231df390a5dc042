//! Reads one WebSocket: the handshake's answer, the probe of an upgrade, then frames until the end.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;

use super::frame::{self, Broken, Message, Reader};
use super::session::{NORMAL, Session};
use super::{Closed, packet};
use crate::http::listen::{Accepted, Placed};

/// What one read may bring. A thread's reads share the buffer: an idle socket needs none.
const SCRATCH_BYTES: usize = 64 * 1024;

/// The close code for words that are none of Engine.IO or Socket.IO.
const NOT_UNDERSTOOD: u16 = 1002;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
}

/// The answer to a WebSocket handshake; `None` when it is none (RFC 6455, 4.2.1).
pub(super) fn accept(headers: &HeaderMap) -> Option<axum::response::Response> {
    let says = |name: header::HeaderName, word: &str| {
        headers
            .get_all(name)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .any(|value| value.split(',').any(|one| one.trim().eq_ignore_ascii_case(word)))
    };
    if !says(header::CONNECTION, "upgrade") || !says(header::UPGRADE, "websocket") {
        return None;
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION)?.as_bytes() != b"13" {
        return None;
    }
    let accepted = accepted_key(headers.get(header::SEC_WEBSOCKET_KEY)?.as_bytes());
    let mut response = axum::response::Response::new(axum::body::Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, HeaderValue::from_str(&accepted).ok()?);
    Some(response)
}

fn accepted_key(key: &[u8]) -> String {
    use aws_lc_rs::digest;
    use base64::Engine as _;
    // Not a secret: it only shows that we speak WebSocket.
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key);
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    base64::engine::general_purpose::STANDARD.encode(hash.finish())
}

/// Carries a session over the connection of an upgrade, from the beginning or from polling on.
pub(super) fn spawn(session: Arc<Session>, upgrade: OnUpgrade, probe: bool) {
    tokio::spawn(async move {
        let opened = open(upgrade).await;
        let Some((accepted, rest)) = opened else {
            if !probe {
                session.close(Closed::Lost);
            }
            return;
        };
        let (read, placed) = accepted.split();
        let placed = Arc::new(placed);
        if probe {
            tokio::spawn(probed(session, read, placed, rest));
        } else if session.carry(placed) {
            let mut reader = Reader::new(session.message_max());
            let _ = take(&session, &mut reader, &mut rest.to_vec());
            // A task of its own: this one's memory was made for the handshake.
            tokio::spawn(run(session, read, reader));
        }
    });
}

async fn open(upgrade: OnUpgrade) -> Option<(Accepted, Bytes)> {
    let upgraded = upgrade.await.ok()?;
    let parts = upgraded.downcast::<TokioIo<Accepted>>().ok()?;
    Some((parts.io.into_inner(), parts.read_buf))
}

/// Frames until the end of the connection.
async fn run(session: Arc<Session>, mut read: OwnedReadHalf, mut reader: Reader) {
    let mut outcome = Ok(());
    while outcome.is_ok() {
        outcome = next(&mut read, |piece| take(&session, &mut reader, piece)).await;
    }
    session.close(outcome.err().unwrap_or(Closed::Lost));
}

/// Reads one piece and hands it over.
async fn next(
    read: &mut OwnedReadHalf,
    mut piece: impl FnMut(&mut [u8]) -> Result<(), Closed>,
) -> Result<(), Closed> {
    poll_fn(|cx| {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            match Pin::new(&mut *read).poll_read(cx, &mut buffer) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Err(_)) => Poll::Ready(Err(Closed::Lost)),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => Poll::Ready(Err(Closed::Lost)),
                Poll::Ready(Ok(())) => Poll::Ready(piece(buffer.filled_mut())),
            }
        })
    })
    .await
}

/// What is left to say may still go out after the client's last word, so this never ends the reading itself.
fn take(session: &Arc<Session>, reader: &mut Reader, piece: &mut [u8]) -> Result<(), Closed> {
    if session.is_leaving() {
        return Ok(());
    }
    let mut end = None;
    let read = reader.read(piece, |message| {
        let good = end.is_some()
            || match message {
                Message::Text(text) => session.heard(text),
                Message::Binary(_) => session.heard_binary(),
                Message::Ping(payload) => {
                    session.tell(frame::pong(payload));
                    true
                }
                Message::Close => {
                    end = Some((NORMAL, Closed::Lost));
                    true
                }
            };
        if !good {
            end = Some((NOT_UNDERSTOOD, Closed::Broken));
        }
    });
    if let Err(Broken(code)) = read {
        end = Some((code, Closed::Broken));
    }
    if let Some((code, why)) = end {
        session.leave(code, why, None);
    }
    Ok(())
}

/// How far a probing socket is.
enum Probe {
    Asked,
    Answered,
    Complete,
}

/// Waits for the client to change over; what it says before is the protocol's, not the session's.
async fn probed(session: Arc<Session>, mut read: OwnedReadHalf, placed: Arc<Placed>, first: Bytes) {
    let mut reader = Reader::new(session.message_max());
    let mut stage = Probe::Asked;
    let mut later = Vec::new();
    let changing = async {
        let mut step =
            |piece: &mut [u8]| probe_step(&session, &placed, &mut reader, &mut stage, &mut later, piece);
        if !first.is_empty() && step(&mut first.to_vec())? {
            return Ok(());
        }
        loop {
            let mut complete = false;
            next(&mut read, |piece| {
                complete = step(piece)?;
                Ok(())
            })
            .await?;
            if complete {
                return Ok::<(), Closed>(());
            }
        }
    };
    let changed = tokio::time::timeout(session.upgrade_timeout(), changing).await;
    if !matches!(changed, Ok(Ok(()))) || !session.carry(placed.clone()) {
        // Polling goes on where it was.
        if !matches!(stage, Probe::Asked) {
            session.set_upgrading(false);
        }
        placed.shut_down();
        return;
    }
    for text in later {
        if !session.heard(&text) {
            session.leave(NOT_UNDERSTOOD, Closed::Broken, None);
        }
    }
    tokio::spawn(run(session, read, reader));
}

/// True when the client has changed over. `later`: what it said behind that in the same piece.
fn probe_step(
    session: &Session,
    placed: &Placed,
    reader: &mut Reader,
    stage: &mut Probe,
    later: &mut Vec<String>,
    piece: &mut [u8],
) -> Result<bool, Closed> {
    let mut good = true;
    let read = reader.read(piece, |message| match (message, &stage) {
        (Message::Text("2probe"), Probe::Asked) => {
            let mut answer = [packet::engine("3probe")].into();
            good &= session.set_upgrading(true);
            if good {
                *stage = Probe::Answered;
                good = matches!(super::writers::write(placed, &mut answer), super::writers::Written::All);
            }
        }
        (Message::Text("5"), Probe::Answered) => *stage = Probe::Complete,
        (Message::Text(text), Probe::Complete) => later.push(text.to_owned()),
        _ => good = false,
    });
    if read.is_err() || !good {
        return Err(Closed::Broken);
    }
    Ok(matches!(stage, Probe::Complete))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_is_answered_with_the_key_of_the_standard() {
        // The example of RFC 6455, 1.3.
        assert_eq!(accepted_key(b"dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
