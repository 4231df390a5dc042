//! What operators see: log lines, `/metrics`, `/healthz` and `/readyz`.
//!
//! Log lines carry ids and numbers; addresses of people, names, tokens and keys have no field to be in.

mod exposition;
pub mod metrics;

use crate::{
    config::{LogConfig, LogFormat},
    link::LinkStatus,
    worker::pool::Pool,
};
use hyper::{Method, Request, Response, StatusCode, body::Incoming, header, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{backtrace::Backtrace, convert::Infallible, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::Semaphore};
use tracing_subscriber::{EnvFilter, fmt};

/// Connections at a time: a scraper, a supervisor, a few curious people. More wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 32;
/// A client that does not finish its request head in this time makes room.
const HEAD_DEADLINE: Duration = Duration::from_secs(5);
/// How long one connection is kept, whatever it does.
const CONNECTION_DEADLINE: Duration = Duration::from_secs(60);

/// Starts logging to standard error, and makes panics log lines as well. Called once, first.
pub fn start_logging(config: &LogConfig) {
    // Checked when the settings were parsed.
    let filter = EnvFilter::try_new(&config.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // A node outlives the process and the terminal it logs to; a line that cannot be written must not be a panic, which
    // is what reporting it would end in.
    let builder = fmt().with_env_filter(filter).with_writer(io::stderr).log_internal_errors(false);
    match config.format {
        LogFormat::Text => builder.with_ansi(false).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or_default();
        let backtrace = Backtrace::force_capture();
        tracing::error!(at, message, %backtrace, "panic");
    }));
}

/// What the answers are made from.
#[derive(Clone, Debug)]
pub struct Observed {
    pub pool: Arc<Pool>,
    pub link: Arc<LinkStatus>,
}

/// Answers until the future is dropped.
pub async fn serve_http(listener: TcpListener, observed: Observed) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = permits.clone().acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let observed = observed.clone();
                tokio::spawn(async move {
                    let served = serve_connection(TokioIo::new(stream), observed);
                    // A client that misbehaves or leaves is no news.
                    let _ = tokio::time::timeout(CONNECTION_DEADLINE, served).await;
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the HTTP listener cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve_connection(
    stream: TokioIo<tokio::net::TcpStream>,
    observed: Observed,
) -> Result<(), hyper::Error> {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = respond(request.method(), request.uri().path(), &observed);
        async move { Ok::<_, Infallible>(response) }
    });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .serve_connection(stream, service)
        .await
}

fn respond(method: &Method, path: &str, observed: &Observed) -> Response<String> {
    if method != Method::GET && method != Method::HEAD {
        return text(StatusCode::METHOD_NOT_ALLOWED, "only GET\n");
    }
    match path {
        "/metrics" => metrics(observed),
        "/healthz" => text(StatusCode::OK, "ok\n"),
        "/readyz" => ready(observed),
        _ => text(StatusCode::NOT_FOUND, "not here\n"),
    }
}

fn ready(observed: &Observed) -> Response<String> {
    if !observed.pool.is_alive() {
        text(StatusCode::SERVICE_UNAVAILABLE, "a worker has ended\n")
    } else if !observed.link.is_up() {
        text(StatusCode::SERVICE_UNAVAILABLE, "no link to control\n")
    } else {
        text(StatusCode::OK, "ready\n")
    }
}

fn metrics(observed: &Observed) -> Response<String> {
    typed(StatusCode::OK, "text/plain; version=0.0.4", metrics::render(&observed.pool, &observed.link))
}

fn text(status: StatusCode, body: &str) -> Response<String> {
    typed(status, "text/plain; charset=utf-8", body.to_owned())
}

fn typed(status: StatusCode, content_type: &'static str, body: String) -> Response<String> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}

/// Opens the listener of [`serve_http`].
///
/// # Errors
/// An address that is taken or not ours.
pub fn bind_http(address: SocketAddr) -> io::Result<std::net::TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}
