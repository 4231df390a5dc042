//! Listening sockets and the connections on them: bounded in number, patient only so long, and drained on request.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
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
                let connection = serve_one(stream, peer, router.clone(), stop.clone());
                connections.spawn(async move {
                    connection.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

async fn serve_one(stream: TcpStream, peer: SocketAddr, router: Router, stop: CancellationToken) {
    // Small answers and signalling should not wait for more bytes to share a packet with.
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.clone().call(request.map(Body::new))
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_WAIT);
    let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
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
