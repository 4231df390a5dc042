//! WebSockets (RFC 6455) as a server speaks them: the answer to a handshake, and the two halves of the connection behind it.
//!
//! [`frame`] is the words and is pure. Whoever serves sockets keeps a queue of frames for each, reads pieces into a
//! [`frame::Reader`] and writes what waits with one call: [`crate::socketio`], and the dialect with raw sockets.

pub mod frame;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::Poll;

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;

use crate::http::listen::{Accepted, Placed};

/// What one read may bring. A thread's reads share the buffer: an idle socket needs none.
const SCRATCH_BYTES: usize = 64 * 1024;
/// Buffers given to one system call; the kernel takes 1024, and a queue this long is rare.
const SLICES: usize = 64;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; SCRATCH_BYTES]);
}

/// The answer to a WebSocket handshake; `None` when it is none (RFC 6455, 4.2.1).
pub fn accept(headers: &HeaderMap) -> Option<axum::response::Response> {
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

/// The connection behind an accepted handshake, and what the client said already; `None` when it is gone.
pub async fn open(upgrade: OnUpgrade) -> Option<(Accepted, Bytes)> {
    let upgraded = upgrade.await.ok()?;
    let parts = upgraded.downcast::<TokioIo<Accepted>>().ok()?;
    Some((parts.io.into_inner(), parts.read_buf))
}

/// Reads one piece and hands it over, to be unmasked in place; `None` at the end of the connection. A piece that was not
/// read yet is not lost when the caller stops waiting.
pub async fn read_piece<T>(read: &mut OwnedReadHalf, mut piece: impl FnMut(&mut [u8]) -> T) -> Option<T> {
    poll_fn(|cx| {
        SCRATCH.with_borrow_mut(|scratch| {
            let mut buffer = ReadBuf::new(scratch);
            match Pin::new(&mut *read).poll_read(cx, &mut buffer) {
                Poll::Pending => Poll::Pending,
                Poll::Ready(Err(_)) => Poll::Ready(None),
                Poll::Ready(Ok(())) if buffer.filled().is_empty() => Poll::Ready(None),
                Poll::Ready(Ok(())) => Poll::Ready(Some(piece(buffer.filled_mut()))),
            }
        })
    })
    .await
}

/// How far writing came.
pub enum Written {
    All,
    /// The socket takes no more for now; what is left is still in the queue.
    Some,
    Failed,
}

/// Writes what waits, many packets with one call.
pub fn write(socket: &Placed, queue: &mut VecDeque<Bytes>) -> Written {
    while !queue.is_empty() {
        let mut slices = [IoSlice::new(&[]); SLICES];
        let mut count = 0;
        for (slice, packet) in slices.iter_mut().zip(queue.iter()) {
            *slice = IoSlice::new(packet);
            count += 1;
        }
        match socket.try_write_vectored(&slices[..count]) {
            Ok(0) => return Written::Failed,
            Ok(written) => remove(queue, written),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Written::Some,
            Err(_) => return Written::Failed,
        }
    }
    Written::All
}

fn remove(queue: &mut VecDeque<Bytes>, mut written: usize) {
    while let Some(first) = queue.front_mut() {
        if written < first.len() {
            first.advance(written);
            return;
        }
        written -= first.len();
        queue.pop_front();
    }
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
