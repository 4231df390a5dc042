//! Listening sockets and the connections on them: bounded in number, patient only so long, and drained on request.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsRawFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::socket::Shutdown;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use super::peer::Peer;

/// Connections open at once over all listeners: some 16 KiB each while idle. Beyond it new ones wait in the kernel.
const CONNECTIONS_MAX: usize = 32_768;
/// A client that takes longer to send its request head is not sending one.
const HEAD_WAIT: Duration = Duration::from_secs(20);
/// How long running requests may take to finish once draining begins.
const DRAIN_WAIT: Duration = Duration::from_secs(3);
/// Pause after `accept` failed for want of descriptors; trying again at once would burn a core.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why a port could not be opened; the text is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("port {port} on {host} is taken; set PORT to another one")]
    Taken { host: IpAddr, port: u16 },
    #[error(
        "not allowed to listen on port {port}; ports below 1024 need privileges, set PORT to a higher one"
    )]
    Forbidden { port: u16 },
    #[error("{host} is not an address of this machine; set HOST to one")]
    NoSuchHost { host: IpAddr },
    #[error("cannot listen on {host}:{port}: {error}")]
    Other { host: IpAddr, port: u16, error: io::Error },
}

/// Opens one port. Port 0 lets the kernel choose.
pub async fn bind(host: IpAddr, port: u16) -> Result<TcpListener, BindError> {
    TcpListener::bind(SocketAddr::new(host, port)).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => BindError::Taken { host, port },
        io::ErrorKind::PermissionDenied => BindError::Forbidden { port },
        io::ErrorKind::AddrNotAvailable => BindError::NoSuchHost { host },
        _ => BindError::Other { host, port, error },
    })
}

/// Serves every listener until `stop`, then lets running requests finish for a moment. Upgraded connections belong to
/// whoever upgraded them.
pub async fn serve(listeners: Vec<TcpListener>, router: Router, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let accepting: Vec<_> = listeners
        .into_iter()
        .map(|listener| {
            tokio::spawn(accept(listener, router.clone(), stop.clone(), connections.clone(), places.clone()))
        })
        .collect();
    stop.cancelled().await;
    for task in accepting {
        let _ = task.await;
    }
    connections.close();
    if tokio::time::timeout(DRAIN_WAIT, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "some requests did not finish in time and are cut off");
    }
}

async fn accept(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    connections: TaskTracker,
    places: Arc<Semaphore>,
) {
    loop {
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                let accepted = Accepted { stream, place };
                connections.spawn(serve_one(accepted, peer, router.clone(), stop.clone(), HEAD_WAIT));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A connection with its place among all of them, which it keeps for as long as it is open: web sockets too.
pub struct Accepted {
    stream: TcpStream,
    place: OwnedSemaphorePermit,
}

/// The writing half of a connection that is no longer HTTP's, and its place.
pub struct Placed {
    stream: OwnedWriteHalf,
    _place: OwnedSemaphorePermit,
}

impl Accepted {
    /// Takes the connection apart, for one who reads and many who write.
    pub fn split(self) -> (OwnedReadHalf, Placed) {
        let (read, stream) = self.stream.into_split();
        (read, Placed { stream, _place: self.place })
    }
}

impl Placed {
    /// Writes what the connection takes now; `WouldBlock` when that is nothing.
    pub fn try_write_vectored(&self, buffers: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.stream.try_write_vectored(buffers)
    }

    /// Waits until the connection takes more, or is closed.
    pub async fn writable(&self) -> io::Result<()> {
        self.stream.writable().await
    }

    /// Says that nothing more follows.
    pub fn shut_down_writing(&self) {
        self.shut(Shutdown::Write);
    }

    /// Ends the connection in both directions; whoever reads it wakes up.
    pub fn shut_down(&self) {
        self.shut(Shutdown::Both);
    }

    fn shut(&self, how: Shutdown) {
        // A connection that is gone already is what we want.
        let _ = nix::sys::socket::shutdown(self.stream.as_ref().as_raw_fd(), how);
    }
}

impl AsyncRead for Accepted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Accepted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// HTTP/1.1 only: telling it from HTTP/2 would mean waiting, without an end, for a first byte.
async fn serve_one(
    accepted: Accepted,
    peer: SocketAddr,
    router: Router,
    stop: CancellationToken,
    head_wait: Duration,
) {
    // Small answers and signalling should not wait for more bytes to share a packet with.
    let _ = accepted.stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.clone().call(request.map(Body::new))
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_wait);
    let connection = builder.serve_connection(TokioIo::new(accepted), service).with_upgrades();
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        // Strangers hang up in the middle of requests all day.
        tracing::trace!(%error, "a connection ended with an error");
    }
}

#[cfg(test)]
mod tests {
    use axum::extract::WebSocketUpgrade;
    use axum::extract::ws::WebSocket;
    use axum::routing::any;
    use futures_util::{SinkExt, StreamExt};
    use tokio::io::AsyncReadExt;
    use tokio_tungstenite::tungstenite::Message;

    use super::*;

    async fn listener() -> (TcpListener, SocketAddr) {
        let listener = bind(IpAddr::from([127, 0, 0, 1]), 0).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        (listener, address)
    }

    #[tokio::test]
    async fn a_client_that_says_nothing_is_hung_up_on() {
        let (listener, address) = listener().await;
        let mut silent = TcpStream::connect(address).await.expect("connects");
        let (stream, peer) = listener.accept().await.expect("accepts");
        let place = Arc::new(Semaphore::new(1)).acquire_owned().await.expect("a place");
        let accepted = Accepted { stream, place };
        let head_wait = Duration::from_millis(50);
        tokio::spawn(serve_one(accepted, peer, Router::new(), CancellationToken::new(), head_wait));
        let mut heard = Vec::new();
        let ended = tokio::time::timeout(HEAD_WAIT, silent.read_to_end(&mut heard)).await;
        assert!(ended.is_ok_and(|read| read.is_ok()));
    }

    async fn echo(mut socket: WebSocket) {
        while let Some(Ok(message)) = socket.recv().await {
            let _ = socket.send(message).await;
        }
    }

    #[tokio::test]
    async fn a_web_socket_keeps_its_place_until_it_is_closed() {
        let (listener, address) = listener().await;
        let router =
            Router::new().route("/", any(async |upgrade: WebSocketUpgrade| upgrade.on_upgrade(echo)));
        let (stop, places) = (CancellationToken::new(), Arc::new(Semaphore::new(2)));
        tokio::spawn(accept(listener, router, stop, TaskTracker::new(), places.clone()));
        let connected = tokio_tungstenite::connect_async(format!("ws://{address}/")).await;
        let (mut socket, _) = connected.expect("upgrades");
        socket.send(Message::text("here")).await.expect("sends");
        assert_eq!(socket.next().await.expect("an echo").expect("reads"), Message::text("here"));
        // One for the socket, one for whoever comes next.
        assert_eq!(places.available_permits(), 0);
        drop(socket);
        let freed = tokio::time::timeout(HEAD_WAIT, places.acquire()).await;
        assert!(freed.is_ok_and(|place| place.is_ok()));
    }
}
