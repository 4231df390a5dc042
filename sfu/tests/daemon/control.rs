//! The other end of the link, made from quinn and the codec alone: a control process that says what a test wants.

use crate::PATIENCE;
use plenum_sfu::config::LinkFiles;
use plenum_shared::{
    codec::{self, FrameReader},
    command::{Command, Hello, Request, Response, RoomCommand, Welcome},
    event::NumberedEvent,
    id::RoomId,
};
use quinn::{Connection, Endpoint, RecvStream, crypto::rustls::QuicServerConfig};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use std::{fs, future::Future, net::SocketAddr, path::Path, sync::Arc};
use tempfile::TempDir;

/// An authority with the files of one node in a folder of its own.
pub struct Pki {
    pub directory: TempDir,
    authority: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl Pki {
    pub fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let pki = Self { directory, authority: certificate.der().clone(), issuer: Issuer::new(params, key) };
        let (node, node_key) = pki.issue("plenum-sfu", ExtendedKeyUsagePurpose::ClientAuth);
        let files = pki.files();
        fs::write(&files.authority, certificate.pem()).unwrap();
        fs::write(&files.certificate, node.pem()).unwrap();
        fs::write(&files.key, node_key.serialize_pem()).unwrap();
        pki
    }

    pub fn files(&self) -> LinkFiles {
        let path = |name: &str| Path::join(self.directory.path(), name);
        LinkFiles { authority: path("ca.pem"), certificate: path("node.pem"), key: path("node.key") }
    }

    fn issue(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }
}

/// Listens for nodes of one authority.
pub struct Control {
    endpoint: Endpoint,
}

impl Control {
    pub fn listen(pki: &Pki) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(pki.authority.clone()).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().unwrap();
        let (certificate, key) = pki.issue(codec::CONTROL_SERVER_NAME, ExtendedKeyUsagePurpose::ServerAuth);
        let mut tls = rustls::ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .unwrap();
        tls.alpn_protocols = vec![codec::ALPN.to_vec()];
        let crypto = QuicServerConfig::try_from(tls).unwrap();
        let server = quinn::ServerConfig::with_crypto(Arc::new(crypto));
        Self { endpoint: Endpoint::server(server, SocketAddr::from(([127, 0, 0, 1], 0))).unwrap() }
    }

    pub fn address(&self) -> SocketAddr {
        self.endpoint.local_addr().unwrap()
    }

    /// Waits for a node and welcomes it.
    pub async fn accept(&self, control_epoch: u64) -> Session {
        self.accept_with(Welcome::Accepted { version: 1, control_epoch }).await
    }

    pub async fn accept_with(&self, welcome: Welcome) -> Session {
        patiently("a node registers", async {
            loop {
                let incoming = self.endpoint.accept().await.unwrap();
                // An attempt that the node has given up meanwhile is followed by another.
                if let Ok(connection) = incoming.await {
                    return Session::greet(connection, &welcome).await;
                }
            }
        })
        .await
    }

    /// Stops listening and ends every connection.
    pub fn vanish(self) {
        self.endpoint.close(9_u32.into(), b"");
    }

    /// The next attempt of a node to connect, and whether it came to a connection.
    pub async fn handshake_succeeds(&self) -> bool {
        let incoming = patiently("a node dials", self.endpoint.accept()).await.unwrap();
        patiently("the handshake ends", incoming.into_future()).await.is_ok()
    }
}

fn epoch_of(welcome: &Welcome) -> u64 {
    match welcome {
        Welcome::Accepted { control_epoch, .. } => *control_epoch,
        Welcome::Rejected { .. } => 0,
    }
}

/// One registered node.
pub struct Session {
    pub connection: Connection,
    pub hello: Hello,
    pub control_epoch: u64,
    events: Option<(RecvStream, FrameReader)>,
}

impl Session {
    async fn greet(connection: Connection, welcome: &Welcome) -> Self {
        let (mut send, mut recv) = connection.accept_bi().await.unwrap();
        let hello = codec::decode_hello(&read_message(&mut recv).await.unwrap()).unwrap();
        send.write_all(&codec::encode_welcome(welcome).unwrap()).await.unwrap();
        send.finish().unwrap();
        Session { connection, hello, control_epoch: epoch_of(welcome), events: None }
    }

    /// Control takes no other connection before the next `accept`.
    pub fn lose(self) {
        self.connection.close(9_u32.into(), b"");
    }

    pub async fn room(&self, room: RoomId, command: RoomCommand) -> Response {
        self.request(Command::Room { room, command }).await
    }

    pub async fn request(&self, command: Command) -> Response {
        self.request_of(self.control_epoch, command).await
    }

    pub async fn request_of(&self, control_epoch: u64, command: Command) -> Response {
        self.raw(&codec::encode_request(&Request { control_epoch, command }).unwrap()).await
    }

    /// Sends bytes as a request and reads the response.
    pub async fn raw(&self, bytes: &[u8]) -> Response {
        let exchange = async {
            let (mut send, mut recv) = self.connection.open_bi().await.unwrap();
            // A node that has read enough may stop the stream.
            let _ = send.write_all(bytes).await;
            let _ = send.finish();
            codec::decode_response(&read_message(&mut recv).await.unwrap()).unwrap()
        };
        patiently("a response", exchange).await
    }

    pub async fn next_event(&mut self) -> NumberedEvent {
        let next = async {
            if self.events.is_none() {
                let stream = self.connection.accept_uni().await.unwrap();
                self.events = Some((stream, FrameReader::new(codec::MESSAGE_LEN_MAX)));
            }
            let (stream, frames) = self.events.as_mut().unwrap();
            loop {
                if let Some(message) = frames.next_message().unwrap() {
                    return codec::decode_event(&message).unwrap();
                }
                let chunk = stream.read_chunk(4096, true).await.unwrap().expect("the stream stays open");
                frames.feed(&chunk.bytes);
            }
        };
        patiently("an event", next).await
    }
}

async fn read_message(stream: &mut RecvStream) -> Option<Vec<u8>> {
    let mut frames = FrameReader::new(codec::REPLY_LEN_MAX);
    loop {
        if let Some(message) = frames.next_message().unwrap() {
            return Some(message.to_vec());
        }
        let chunk = stream.read_chunk(4096, true).await.unwrap()?;
        frames.feed(&chunk.bytes);
    }
}

pub async fn patiently<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("in vain: {what}"),
    }
}
