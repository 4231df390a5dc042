//! DRIVER of the link to control: dials, registers, serves requests, and dials again when the link is lost.
//!
//! The conversation is described in `docs/control-link.md`. It runs on a thread of its own and never on a packet's way:
//! media goes on while there is no link, and commands meet a worker only at its bounded inbox.

mod backoff;
pub mod dispatch;
mod merge;
mod report;
pub mod tls;

use crate::worker::pool::Pool;
use backoff::Backoff;
use dispatch::Dispatch;
use plenum_shared::{
    codec::{self, DecodeError, FrameReader, TooLarge},
    command::{Hello, Refusal, RefusalReason, Request, Response, Welcome},
    id::NodeId,
};
use quinn::{ClientConfig, Connection, Endpoint, RecvStream, SendStream};
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};
use thiserror::Error;
use tokio::sync::{oneshot, watch};

/// From dialling to being welcome.
const REGISTER_DEADLINE: Duration = Duration::from_secs(5);
/// For the bytes of one request, which control sends at once.
const REQUEST_DEADLINE: Duration = Duration::from_secs(5);

/// For the words that say so when the node stops.
const GOODBYE_DEADLINE: Duration = Duration::from_millis(500);

/// What the link is made of.
#[derive(Debug)]
pub struct LinkConfig {
    /// Host and port, resolved anew for every attempt.
    pub control: String,
    pub client: ClientConfig,
    pub node: NodeId,
    /// Grows with every start of the process.
    pub epoch: u64,
    pub http_address: SocketAddr,
    pub orphan_timeout: Option<Duration>,
}

/// Why the node should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkEnd {
    /// There was no control for as long as the node is told to wait.
    Orphaned,
    /// Control asked the node to drain, and its last room is closed.
    Drained,
}

/// What others may know about the link at any time.
#[derive(Debug, Default)]
pub struct LinkStatus {
    up: watch::Sender<bool>,
    registrations: AtomicU64,
    requests_done: AtomicU64,
    requests_refused: AtomicU64,
    requests_unreadable: AtomicU64,
}

impl LinkStatus {
    /// A control process has welcomed us and the link holds.
    pub fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// Registrations since the start: reconnects and one.
    pub fn registrations(&self) -> u64 {
        self.registrations.load(Ordering::Relaxed)
    }

    /// Requests that were carried out.
    pub fn requests_done(&self) -> u64 {
        self.requests_done.load(Ordering::Relaxed)
    }

    /// Requests that were refused, unreadable ones included.
    pub fn requests_refused(&self) -> u64 {
        self.requests_refused.load(Ordering::Relaxed)
    }

    /// Requests that were no request.
    pub fn requests_unreadable(&self) -> u64 {
        self.requests_unreadable.load(Ordering::Relaxed)
    }

    fn count(&self, response: &Response) {
        let counter = if response.is_ok() { &self.requests_done } else { &self.requests_refused };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// Why a connection ended or was not made.
#[derive(Debug, Error)]
enum LinkError {
    #[error("{0}")]
    Dial(#[from] io::Error),
    #[error("{0}")]
    Connect(#[from] quinn::ConnectError),
    #[error("{0}")]
    Connection(#[from] quinn::ConnectionError),
    #[error("{0}")]
    Read(#[from] quinn::ReadError),
    #[error("{0}")]
    Write(#[from] quinn::WriteError),
    #[error("{0}")]
    Decode(#[from] DecodeError),
    #[error("{0}")]
    TooLarge(#[from] TooLarge),
    #[error("no answer in time")]
    Silent,
    #[error("rejected: {0}")]
    Rejected(String),
}

/// The running link.
#[derive(Debug)]
pub struct LinkHandle {
    status: Arc<LinkStatus>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl LinkHandle {
    /// Up or not, and counters.
    pub fn status(&self) -> &Arc<LinkStatus> {
        &self.status
    }
}

/// Says goodbye to control and waits for the thread.
impl Drop for LinkHandle {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic there has been reported by its hook
        }
    }
}

/// Starts the link's thread. The receiver hears why the node should end, if the link finds a reason.
///
/// # Errors
/// No thread or runtime.
pub fn start(config: LinkConfig, pool: Arc<Pool>) -> io::Result<(LinkHandle, oneshot::Receiver<LinkEnd>)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = Arc::new(LinkStatus::default());
    let (stop, stopped) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let link = Link {
        config,
        dispatch: Arc::new(Dispatch::new(pool.clone())),
        pool,
        status: status.clone(),
        endpoint: Mutex::default(),
    };
    let body = move || {
        let reason = runtime.block_on(async {
            let reason = tokio::select! {
                reason = link.run() => Some(reason),
                _ = stopped => None,
            };
            link.say_goodbye().await;
            reason
        });
        if let Some(reason) = reason {
            let _ = end.send(reason); // nobody waits only while the process ends anyway
        }
    };
    let thread = thread::Builder::new().name("link".to_owned()).spawn(body)?;
    Ok((LinkHandle { status, stop: Some(stop), thread: Some(thread) }, ended))
}

struct Link {
    config: LinkConfig,
    dispatch: Arc<Dispatch>,
    pool: Arc<Pool>,
    status: Arc<LinkStatus>,
    /// Of the latest attempt. A new one for each: the machine's addresses may have changed since.
    endpoint: Mutex<Option<Endpoint>>,
}

impl Link {
    async fn run(&self) -> LinkEnd {
        tokio::select! {
            () = self.keep_linked() => LinkEnd::Orphaned,
            () = self.orphaned() => LinkEnd::Orphaned,
            () = self.dispatch.drained() => LinkEnd::Drained,
        }
    }

    /// Dials, serves, and dials again, for ever.
    async fn keep_linked(&self) {
        let mut backoff = Backoff::default();
        let mut is_news = true;
        loop {
            let error = match tokio::time::timeout(REGISTER_DEADLINE, self.register()).await {
                Ok(Ok(connection)) => {
                    (backoff, is_news) = (Backoff::default(), true);
                    self.serve(&connection).await
                }
                Ok(Err(error)) => error,
                Err(_) => LinkError::Silent,
            };
            if std::mem::take(&mut is_news) {
                tracing::warn!(%error, "no link to control; dialling until there is one");
            } else {
                tracing::debug!(%error, "control does not answer");
            }
            tokio::time::sleep(backoff.next_wait(random_byte())).await;
        }
    }

    /// Control learns at once that the node goes, instead of by its silence.
    async fn say_goodbye(&self) {
        let endpoint = self.endpoint.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(endpoint) = endpoint {
            endpoint.close(0_u32.into(), b"the node stops");
            let _ = tokio::time::timeout(GOODBYE_DEADLINE, endpoint.wait_idle()).await;
        }
    }

    /// Returns when there was no control for too long; never, when there is no limit.
    async fn orphaned(&self) {
        let Some(limit) = self.config.orphan_timeout else { return std::future::pending().await };
        let mut up = self.status.up.subscribe();
        loop {
            let came_up = up.wait_for(|up| *up);
            if tokio::time::timeout(limit, came_up).await.is_err() {
                tracing::warn!(limit_s = limit.as_secs(), "no control for too long; ending");
                return;
            }
            // The sender lives as long as `self`.
            let _ = up.wait_for(|up| !*up).await;
        }
    }

    /// Dials and introduces ourselves.
    async fn register(&self) -> Result<Connection, LinkError> {
        let mut addresses = tokio::net::lookup_host(&self.config.control).await?;
        let address =
            addresses.next().ok_or_else(|| io::Error::other("the name of control has no address"))?;
        let any = match address {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let endpoint = Endpoint::client(any)?;
        *self.endpoint.lock().unwrap_or_else(PoisonError::into_inner) = Some(endpoint.clone());
        let client = self.config.client.clone();
        let connection = endpoint.connect_with(client, address, codec::CONTROL_SERVER_NAME)?.await?;
        let (mut send, recv) = connection.open_bi().await?;
        send.write_all(&codec::encode_hello(&self.hello())?).await?;
        let welcome = read_message(recv).await?;
        match codec::decode_welcome(&welcome)? {
            Welcome::Accepted { version, control_epoch } => {
                tracing::info!(version, control_epoch, "registered with control");
                self.dispatch.set_control_epoch(control_epoch);
                self.status.registrations.fetch_add(1, Ordering::Relaxed);
                Ok(connection)
            }
            Welcome::Rejected { reason } => Err(LinkError::Rejected(reason)),
        }
    }

    fn hello(&self) -> Hello {
        Hello {
            version: codec::PROTOCOL_VERSION,
            version_min: codec::PROTOCOL_VERSION_MIN,
            node: self.config.node,
            epoch: self.config.epoch,
            software: concat!("plenum-sfu ", env!("CARGO_PKG_VERSION")).to_owned(),
            worker_count: self.pool.workers().len() as u32,
            media_addresses: self.pool.media_addresses().iter().map(ToString::to_string).collect(),
            http_address: self.config.http_address.to_string(),
            last_event: self.pool.outbox().last_taken(),
        }
    }

    /// Until the connection ends.
    async fn serve(&self, connection: &Connection) -> LinkError {
        self.status.up.send_replace(true);
        let served = async {
            let events = connection.open_uni().await?;
            tokio::try_join!(
                self.serve_requests(connection),
                report::send_events(events, self.pool.outbox(), &self.dispatch),
                report::send_load(connection, self.config.node, self.config.epoch, &self.pool),
            )
        };
        let result: Result<((), (), ()), LinkError> = served.await;
        self.status.up.send_replace(false);
        result.err().unwrap_or(LinkError::Silent)
    }

    /// Each request on its own stream and task; the transport settings bound how many there are.
    async fn serve_requests(&self, connection: &Connection) -> Result<(), LinkError> {
        loop {
            let (send, recv) = connection.accept_bi().await?;
            tokio::spawn(serve_request(self.dispatch.clone(), self.status.clone(), send, recv));
        }
    }
}

/// Reads, answers, writes. Nothing that goes wrong here concerns another request.
async fn serve_request(
    dispatch: Arc<Dispatch>,
    status: Arc<LinkStatus>,
    mut send: SendStream,
    recv: RecvStream,
) {
    let Some(received) = read_request(recv).await else { return };
    if let Err(error) = &received {
        tracing::warn!(%error, "control sent an unreadable request");
        status.requests_unreadable.fetch_add(1, Ordering::Relaxed);
    }
    // Also when control, or the link, is gone by now: what a worker has begun must be taken note of here.
    let response = dispatch.answer(received).await;
    status.count(&response);
    if send.write_all(&frame(&response)).await.is_ok() {
        let _ = send.finish(); // fails only when the stream is closed, and then nobody reads
    }
}

/// `None` when control has taken the request back.
async fn read_request(recv: RecvStream) -> Option<Result<Request, DecodeError>> {
    match tokio::time::timeout(REQUEST_DEADLINE, read_message(recv)).await {
        Ok(Ok(message)) => Some(codec::decode_request(&message)),
        Ok(Err(LinkError::Decode(error))) => Some(Err(error)),
        Ok(Err(_)) => None,
        Err(_) => Some(Err(DecodeError::Malformed("the request did not end".to_owned()))),
    }
}

fn frame(response: &Response) -> Vec<u8> {
    codec::encode_response(response).unwrap_or_else(|error| {
        let refusal = Refusal::new(RefusalReason::LimitReached, error.to_string());
        codec::encode_response(&Err(refusal)).expect("a refusal is small")
    })
}

/// The one message of a stream.
async fn read_message(mut recv: RecvStream) -> Result<bytes::Bytes, LinkError> {
    let mut frames = FrameReader::new(codec::MESSAGE_LEN_MAX);
    loop {
        if let Some(message) = frames.next_message()? {
            return Ok(message);
        }
        match recv.read_chunk(codec::MESSAGE_LEN_MAX, true).await? {
            Some(chunk) => frames.feed(&chunk.bytes),
            None => return Err(DecodeError::Malformed("the stream ended early".to_owned()).into()),
        }
    }
}

fn random_byte() -> u8 {
    let mut byte = [0];
    // Without randomness the wait is the shortest one.
    let _ = aws_lc_rs::rand::fill(&mut byte);
    byte[0]
}
