//! The sender against listeners of its own: one that redirects, one that says nothing, one that never stops, and a name
//! that says something else the second time.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::future::BoxFuture;
use time::macros::datetime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::*;
use crate::domain::id::{DeliveryId, MeetingId, WebhookId};
use crate::domain::webhook::Happening;

const NOW: OffsetDateTime = datetime!(2026-11-20 12:00 UTC);
const LOOPBACK: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// Another machine as far as addresses go, which nothing may be sent to.
const NEIGHBOUR: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// A server that answers every request with the same bytes and counts connections and requests, and what it could write of
/// an answer without end before its stream broke.
struct Receiver {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    flood: watch::Receiver<Option<usize>>,
}

impl Receiver {
    async fn start(ip: Ipv4Addr, port: u16, answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind((ip, port)).await.expect("a port");
        let address = listener.local_addr().expect("is bound");
        let (connections, requests) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (connected, requested) = (connections.clone(), requests.clone());
        let (flooded, flood) = watch::channel(None);
        let flooded = Arc::new(flooded);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connected.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, requested.clone(), answer, flooded.clone()));
            }
        });
        Self { address, connections, requests, flood }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut stream: TcpStream,
    requested: Arc<AtomicUsize>,
    answer: &'static [u8],
    flooded: Arc<watch::Sender<Option<usize>>>,
) {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        seen.extend_from_slice(&buffer[..read]);
        // Bodies here end with the last brace of their JSON.
        if !seen.ends_with(b"}") {
            continue;
        }
        seen.clear();
        requested.fetch_add(1, Ordering::SeqCst);
        if stream.write_all(answer).await.is_err() {
            return;
        }
        if answer.ends_with(b"endless") {
            let mut written = 0;
            // Without this bound a reader that never stops would keep the test from failing.
            while written <= FLOOD_MAX && stream.write_all(&[b'x'; 4096]).await.is_ok() {
                written += 4096;
            }
            flooded.send_replace(Some(written));
            return;
        }
    }
}

/// A name that leads to the first of these addresses, then to the second, and so on; the last one stays.
struct Changing {
    answers: Vec<Vec<IpAddr>>,
    asked: AtomicUsize,
}

impl Changing {
    fn new(answers: &[&[Ipv4Addr]]) -> Arc<Self> {
        let answers = answers.iter().map(|ips| ips.iter().copied().map(IpAddr::V4).collect()).collect();
        Arc::new(Self { answers, asked: AtomicUsize::new(0) })
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

impl Resolver for Changing {
    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        assert_eq!(name, "hooks.example.org");
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[number.min(self.answers.len() - 1)].clone();
        Box::pin(async move { Ok(answer) })
    }
}

fn sender(resolver: Arc<dyn Resolver>) -> Sender {
    let private = vec!["127.0.0.1".parse().expect("an address")];
    let config = WebhookConfig { allow_http: true, allow_private: private, ..WebhookConfig::default() };
    Sender::new(&config, resolver, |_| r#"{"said":true}"#.to_owned()).expect("makes sense")
}

fn delivery(url: String) -> Delivery {
    let endpoint = WebhookId::generate();
    Delivery {
        id: DeliveryId::generate(),
        endpoint,
        url,
        secrets: vec![SigningSecret::new("a secret of some length")],
        message: Message {
            meeting: Some(MeetingId::generate()),
            happening: Happening::MeetingStarted { by: None },
            at: NOW,
        },
        attempts: 1,
    }
}

async fn heard(sender: &Sender, url: &str) -> Heard {
    sender.deliver(&delivery(url.to_owned()), NOW).await
}

fn answer(status: u16) -> Heard {
    Heard::Answer { status, retry_after: None }
}

fn named(receiver: &Receiver) -> String {
    format!("http://hooks.example.org:{}/hook", receiver.address.port())
}

/// More than the buffers of two sockets and of the client take of an answer that nobody reads.
const FLOOD_MAX: usize = 16 << 20;
const TAKEN: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
const TAKEN_AND_CLOSED: &[u8] = b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn c_60_the_address_that_was_checked_is_the_one_connected_to_whatever_the_name_says_later() {
    let receiver = Receiver::start(LOOPBACK, 0, TAKEN_AND_CLOSED).await;
    let neighbour = Receiver::start(NEIGHBOUR, receiver.address.port(), TAKEN).await;
    // A name under somebody's control: an allowed address for the check, another for the connection.
    let name = Changing::new(&[&[LOOPBACK], &[NEIGHBOUR]]);
    let sender = sender(name.clone());
    assert_eq!(heard(&sender, &named(&receiver)).await, answer(204));
    assert_eq!((name.asked(), receiver.requests()), (1, 1), "asked once for one connection");
    // The next connection asks again, and what it hears is checked again.
    let refused = Heard::Nothing("the name leads to no public address".to_owned());
    assert_eq!(heard(&sender, &named(&receiver)).await, refused);
    assert_eq!((name.asked(), receiver.connections()), (2, 1));
    assert_eq!(neighbour.connections(), 0, "nothing reached the neighbour");
}

#[tokio::test]
async fn c_60_of_several_addresses_only_the_allowed_are_tried() {
    let receiver = Receiver::start(LOOPBACK, 0, TAKEN).await;
    let neighbour = Receiver::start(NEIGHBOUR, receiver.address.port(), TAKEN).await;
    let sender = sender(Changing::new(&[&[NEIGHBOUR, LOOPBACK]]));
    assert_eq!(heard(&sender, &named(&receiver)).await, answer(204));
    assert_eq!((receiver.requests(), neighbour.connections()), (1, 0));
}

#[tokio::test]
async fn c_60_a_connection_that_stays_open_stays_with_its_address() {
    let receiver = Receiver::start(LOOPBACK, 0, TAKEN).await;
    let name = Changing::new(&[&[LOOPBACK], &[NEIGHBOUR]]);
    let sender = sender(name.clone());
    for _ in 0..3 {
        assert_eq!(heard(&sender, &named(&receiver)).await, answer(204));
    }
    assert_eq!((name.asked(), receiver.connections(), receiver.requests()), (1, 1, 3));
}

#[tokio::test]
async fn c_60_written_addresses_are_checked_without_a_name() {
    let neighbour = Receiver::start(NEIGHBOUR, 0, TAKEN).await;
    let port = neighbour.address.port();
    let sender = sender(Arc::new(SystemResolver));
    for host in ["127.0.0.2", "0177.0.0.2", "2130706434", "[::ffff:127.0.0.2]", "[::1]", "0.0.0.0"] {
        let url = format!("http://{host}:{port}/");
        let refused = "must lead to a public address".to_owned();
        assert_eq!(sender.target(&url), Err(refused.clone()), "{url}");
        // Nor when it is stored already: what is allowed may have changed since.
        assert_eq!(heard(&sender, &url).await, Heard::Nothing(refused), "{url}");
    }
    assert_eq!(neighbour.connections(), 0);
}

#[tokio::test]
async fn c_60_a_redirect_is_an_answer_and_nobody_follows_it() {
    static MOVED: &[u8] =
        b"HTTP/1.1 307 Temporary Redirect\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n";
    let receiver = Receiver::start(LOOPBACK, 0, MOVED).await;
    let sender = sender(Changing::new(&[&[LOOPBACK]]));
    assert_eq!(heard(&sender, &named(&receiver)).await, answer(307));
    assert_eq!((receiver.connections(), receiver.requests()), (1, 1));
}

#[tokio::test]
async fn c_60_an_answer_without_end_is_not_read_to_its_end() {
    static FLOOD: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nendless";
    let mut receiver = Receiver::start(LOOPBACK, 0, FLOOD).await;
    let sender = sender(Changing::new(&[&[LOOPBACK]]));
    assert_eq!(heard(&sender, &named(&receiver)).await, answer(200));
    let broken = receiver.flood.wait_for(Option::is_some);
    let broken = tokio::time::timeout(Duration::from_secs(30), broken).await.expect("the stream breaks");
    let written = broken.expect("the receiver runs").expect("was waited for");
    assert!(written < FLOOD_MAX, "{written} bytes were taken");
}

#[tokio::test]
async fn c_60_whoever_says_nothing_is_given_up_after_the_time_of_a_try() {
    let receiver = Receiver::start(LOOPBACK, 0, b"").await;
    let sender = sender(Changing::new(&[&[LOOPBACK]]));
    let silence = Heard::Nothing("no answer within 5 seconds".to_owned());
    assert_eq!(heard(&sender, &named(&receiver)).await, silence);
    assert_eq!(receiver.requests(), 1);
}

#[tokio::test]
async fn c_60_a_busy_receiver_says_when_to_come_back() {
    static BUSY: &[u8] = b"HTTP/1.1 503 Busy\r\nretry-after: 90\r\ncontent-length: 0\r\n\r\n";
    let receiver = Receiver::start(LOOPBACK, 0, BUSY).await;
    let sender = sender(Changing::new(&[&[LOOPBACK]]));
    let asked = Heard::Answer { status: 503, retry_after: Some(time::Duration::seconds(90)) };
    assert_eq!(heard(&sender, &named(&receiver)).await, asked);
}

#[tokio::test]
async fn what_goes_wrong_is_told_without_the_address() {
    let listener = TcpListener::bind((LOOPBACK, 0)).await.expect("a port");
    let port = listener.local_addr().expect("is bound").port();
    drop(listener);
    let sender = sender(Changing::new(&[&[LOOPBACK]]));
    let Heard::Nothing(problem) = heard(&sender, &format!("http://hooks.example.org:{port}/token")).await
    else {
        panic!("nobody listens")
    };
    assert!(problem.contains("refused"), "{problem}");
    assert!(!problem.contains("token") && !problem.contains("example"), "{problem}");
}
