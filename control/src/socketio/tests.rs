//! The server against a WebSocket client, with periods short enough to wait for.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::middleware::from_fn_with_state;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::oneshot::error::TryRecvError;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use tokio_util::sync::CancellationToken;

use super::session::Polled;
use super::*;
use crate::http::listen;

const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than any test takes.
const NEVER: Duration = Duration::from_secs(3600);

const CALM: Config = Config {
    ping_interval: NEVER,
    ping_timeout: NEVER,
    connect_timeout: NEVER,
    upgrade_timeout: NEVER,
    goodbye_timeout: NEVER,
    payload_max: 1000,
    queue_max: 64,
};

/// Answers everything with itself, and counts.
#[derive(Default)]
struct Echo {
    begun: AtomicUsize,
    closed: Mutex<Vec<Closed>>,
}

struct EchoPeer(Arc<Echo>, Socket);

#[derive(Clone)]
struct EchoServer(Arc<Echo>);

impl Application for EchoServer {
    fn connect(&self, shown: Credentials) -> BoxFuture<'static, Result<Welcome, String>> {
        let echo = self.0.clone();
        Box::pin(async move {
            // Long enough for a client to be gone again.
            tokio::task::yield_now().await;
            if shown.auth.is_none() {
                return Err("no".to_owned());
            }
            let begin = Box::new(move |socket: Socket| {
                echo.begun.fetch_add(1, Ordering::Relaxed);
                let _ = socket.send(event_frame("welcome", b"{}", None));
                if shown.auth == Some(json!({ "unwelcome": true })) {
                    socket.goodbye();
                }
                Arc::new(EchoPeer(echo, socket)) as Arc<dyn Peer>
            });
            Ok(Welcome { pid: None, begin })
        })
    }
}

impl Peer for EchoPeer {
    fn event(&self, event: Event<'_>) {
        let body = event.body.unwrap_or_default().to_string();
        if event.name == "flood" {
            while self.1.send(event_frame("drop", &[b'7'; 4000], None)).is_ok() {}
            self.1.cut_off();
        } else {
            let _ = self.1.send(event_frame(&event.name, body.as_bytes(), None));
        }
    }

    fn closed(&self, why: Closed) {
        self.0.closed.lock().expect("nobody panics").push(why);
    }
}

async fn serve(config: Config) -> (SocketAddr, Arc<Echo>, Server) {
    let echo = Arc::<Echo>::default();
    let server = Server::start(config, TrustedProxies::default(), Arc::new(EchoServer(echo.clone())));
    let router = Router::new().layer(from_fn_with_state(server.clone(), intercept));
    let listener = listen::bind(IpAddr::from([127, 0, 0, 1]), 0).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(listen::serve(vec![listener], router, CancellationToken::new()));
    (address, echo, server)
}

struct Client(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    async fn open(address: SocketAddr) -> Self {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket");
        let mut client = Self(tokio_tungstenite::connect_async(url).await.expect("upgrades").0);
        assert!(client.text().await.starts_with("0{"));
        client
    }

    async fn connect(address: SocketAddr) -> Self {
        let mut client = Self::open(address).await;
        client.say("40{}").await;
        assert!(client.text().await.starts_with("40{"));
        assert_eq!(client.text().await, r#"42["welcome",{}]"#);
        client
    }

    async fn say(&mut self, text: &str) {
        self.send(Message::text(text)).await;
    }

    async fn send(&mut self, message: Message) {
        self.0.send(message).await.expect("sends");
    }

    /// What comes next, also the end.
    async fn next(&mut self) -> Option<Message> {
        let next = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("something comes");
        next.and_then(Result::ok)
    }

    async fn text(&mut self) -> String {
        match self.next().await {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("a text was due, not {other:?}"),
        }
    }

    /// The code the server closes with.
    async fn closed(&mut self) -> CloseCode {
        loop {
            match self.next().await {
                Some(Message::Close(Some(CloseFrame { code, .. }))) => return code,
                Some(_) => {}
                None => panic!("closed without a code"),
            }
        }
    }
}

async fn until(what: &str, reached: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !reached() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn reasons(echo: &Echo) -> Vec<Closed> {
    echo.closed.lock().expect("nobody panics").clone()
}

#[tokio::test]
async fn kcs_ws_02_a_client_that_answers_pings_stays_and_one_that_does_not_is_given_up() {
    let ping_interval = Duration::from_millis(60);
    let (address, echo, _) = serve(Config { ping_interval, ping_timeout: PATIENCE / 4, ..CALM }).await;
    let mut client = Client::connect(address).await;
    for _ in 0..3 {
        assert_eq!(client.text().await, "2");
        client.say("3").await;
    }
    client.say(r#"42["still",1]"#).await;
    while client.text().await != r#"42["still",1]"# {}
    assert_eq!(reasons(&echo), []);
    let timeout = Duration::from_millis(80);
    let (address, echo, _) = serve(Config { ping_interval, ping_timeout: timeout, ..CALM }).await;
    let mut silent = Client::connect(address).await;
    assert_eq!(silent.text().await, "2");
    while silent.next().await.is_some() {}
    until("it is told", || reasons(&echo) == [Closed::TimedOut]).await;
}

#[tokio::test]
async fn kcs_ws_03_a_client_that_never_connects_is_closed_and_a_refused_one_may_try_again() {
    let (address, echo, _) = serve(Config { connect_timeout: Duration::from_millis(150), ..CALM }).await;
    let mut client = Client::open(address).await;
    client.say("40").await;
    assert_eq!(client.text().await, r#"44{"message":"no"}"#);
    while client.next().await.is_some() {}
    assert_eq!(reasons(&echo), []);
    let (address, _, _) = serve(CALM).await;
    let mut client = Client::open(address).await;
    client.say("40").await;
    assert_eq!(client.text().await, r#"44{"message":"no"}"#);
    client.say("40{}").await;
    assert!(client.text().await.starts_with("40{"));
}

#[tokio::test]
async fn kcs_ws_02_the_frames_of_web_socket_are_answered_as_the_standard_says() {
    let (address, echo, _) = serve(CALM).await;
    let mut client = Client::connect(address).await;
    client.send(Message::Ping(b"are you there"[..].into())).await;
    assert_eq!(client.next().await, Some(Message::Pong(b"are you there"[..].into())));
    client.send(Message::Close(Some(CloseFrame { code: CloseCode::Away, reason: "".into() }))).await;
    assert_eq!(client.closed().await, CloseCode::Normal);
    let mut client = Client::connect(address).await;
    client.say(&format!(r#"42["x","{}"]"#, "x".repeat(1000))).await;
    assert_eq!(client.closed().await, CloseCode::Size);
    until("both are told", || reasons(&echo) == [Closed::Lost, Closed::Broken]).await;
}

#[tokio::test]
async fn kcs_ws_02_a_client_that_reads_nothing_is_cut_off() {
    let (address, echo, server) = serve(CALM).await;
    let mut client = Client::connect(address).await;
    client.say(r#"42["flood"]"#).await;
    until("it is told", || reasons(&echo) == [Closed::ByServer]).await;
    until("nothing is kept", || server.0.sessions().is_empty()).await;
}

#[tokio::test]
async fn kcs_ws_02_a_client_that_reads_no_answers_of_the_protocol_is_cut_off() {
    let (_, _, server) = serve(CALM).await;
    let session = session_of(&server);
    for _ in 0..=CALM.queue_max {
        assert!(session.is_polling());
        assert!(session.heard("40/elsewhere,"));
    }
    assert!(matches!(session.poll(false), Polled::Gone));
}

#[tokio::test]
async fn kcs_ws_02_a_socket_whose_end_comes_with_its_beginning_hears_both() {
    let (address, echo, _) = serve(CALM).await;
    let mut client = Client::open(address).await;
    client.say(r#"40{"unwelcome":true}"#).await;
    assert!(client.text().await.starts_with("40{"));
    assert_eq!(client.text().await, r#"42["welcome",{}]"#);
    assert_eq!(client.closed().await, CloseCode::Away);
    until("it is told", || reasons(&echo) == [Closed::Lost]).await;
}

#[tokio::test]
async fn kcs_ws_02_of_two_polls_at_once_one_waits_and_the_other_is_refused() {
    let (_, _, server) = serve(CALM).await;
    let session = session_of(&server);
    let Polled::Wait(first) = session.poll(false) else { panic!("nothing is there to say") };
    // A failed upgrade wakes whoever waits; another poll comes before it looks again.
    assert!(session.set_upgrading(false));
    assert!(first.await.is_err());
    let Polled::Wait(mut second) = session.poll(false) else { panic!("nobody waits") };
    assert!(matches!(session.poll(true), Polled::Refused));
    assert!(second.try_recv().is_err_and(|error| error == TryRecvError::Empty), "it goes on waiting");
}

#[tokio::test]
async fn kcs_ws_02_a_client_gone_within_its_connect_is_gone_for_the_application_too() {
    let (address, echo, server) = serve(CALM).await;
    for round in 0..60 {
        let mut client = Client::open(address).await;
        client.say("40{}").await;
        if round % 3 == 0 {
            assert!(client.text().await.starts_with("40{"));
        }
        drop(client);
    }
    until("every session is over", || server.0.sessions().is_empty()).await;
    until("whoever began has ended", || reasons(&echo).len() == echo.begun.load(Ordering::Relaxed)).await;
    assert!(echo.begun.load(Ordering::Relaxed) >= 20);
}

#[tokio::test]
async fn kcs_ws_02_a_client_may_leave_the_namespace_and_connect_again() {
    let (address, echo, _) = serve(CALM).await;
    let mut client = Client::connect(address).await;
    client.say("41").await;
    client.say("40{}").await;
    assert!(client.text().await.starts_with("40{"));
    assert_eq!(client.text().await, r#"42["welcome",{}]"#);
    assert_eq!(reasons(&echo), [Closed::ByClient]);
}

#[tokio::test]
async fn kcs_ws_02_what_waits_leaves_before_the_goodbye() {
    let (address, echo, server) = serve(Config { goodbye_timeout: Duration::from_millis(200), ..CALM }).await;
    let mut client = Client::connect(address).await;
    for number in 0..20 {
        client.say(&format!(r#"42["n",{}]"#, json!({ "n": number }))).await;
    }
    assert_eq!(client.text().await, r#"42["n",{"n":0}]"#);
    let drained = tokio::spawn(async move { server.drain(PATIENCE).await });
    let mut last = String::new();
    loop {
        match client.next().await {
            Some(Message::Text(text)) => last = text.to_string(),
            Some(Message::Close(Some(frame))) => {
                assert_eq!(frame.code, CloseCode::Away);
                break;
            }
            other => panic!("not {other:?}"),
        }
    }
    assert_eq!(last, "41");
    drained.await.expect("drains");
    assert_eq!(reasons(&echo), [Closed::ByServer]);
}

fn session_of(server: &Server) -> Arc<Session> {
    let place = server.0.strangers.admit("192.0.2.1".to_owned()).expect("nobody else is there");
    Session::open(&server.0, 1, Credentials::default(), place)
}
