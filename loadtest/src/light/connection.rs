//! One member's way to the server: socket, ICE checks, handshake, keys.

use super::{
    Server,
    dtls::{Handshake, Identity, Progress},
    srtp::Keys,
    stun,
};
use mio::net::UdpSocket;
use nix::sys::socket::{setsockopt, sockopt};
use plenum_shared::transport::IceParameters;
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::{Duration, Instant},
};

/// Bytes wanted for what waits to be read: some frames, while a thousand others are read.
const RECEIVE_BUFFER: usize = 1 << 20;
/// RFC 7675 section 5.1 asks for a check every four to six seconds.
const CONSENT: Duration = Duration::from_secs(5);

pub(super) struct Connection {
    pub socket: UdpSocket,
    /// Of our end.
    pub port: u16,
    ours: IceParameters,
    server: Server,
    handshake: Handshake,
    transactions: u64,
    /// The next check, unless it has to be sooner.
    check_at: Option<Instant>,
    /// A check was answered.
    is_reachable: bool,
    keys: Option<Box<(Keys, Keys)>>,
    failed: Option<String>,
    rtcp_index: u32,
}

impl Connection {
    /// A socket from which the server can be reached.
    pub(super) fn new(
        identity: &Identity,
        ours: IceParameters,
        server: Server,
        now: Instant,
    ) -> io::Result<Self> {
        let any: SocketAddr = match server.address {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let socket = UdpSocket::bind(any)?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
        // Beyond the system's bound for who may, else up to it.
        if setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER).is_err() {
            setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER)?;
        }
        socket.connect(server.address)?;
        let port = socket.local_addr()?.port();
        let is_client = server.member_is_client;
        let handshake = Handshake::new(identity, server.fingerprints.clone(), is_client, now);
        Ok(Self {
            socket,
            port,
            ours,
            server,
            handshake,
            transactions: 0,
            check_at: None,
            is_reachable: false,
            keys: None,
            failed: None,
            rtcp_index: 0,
        })
    }

    /// Keys of ours, then theirs, once the handshake is done.
    pub(super) fn keys(&self) -> Option<&(Keys, Keys)> {
        self.keys.as_deref()
    }

    pub(super) fn failure(&self) -> Option<&str> {
        self.failed.as_deref()
    }

    /// Checks and flights that are due; to be called some twenty times a second.
    pub(super) fn upkeep(&mut self, now: Instant) {
        if self.failed.is_some() {
            return;
        }
        if !self.is_reachable || self.check_at.is_none_or(|at| at <= now) {
            self.check();
            self.check_at = Some(now + CONSENT);
        }
        if self.is_reachable && self.keys.is_none() {
            let progress = self.handshake.handle_timeout(now, |bytes| send(&self.socket, bytes));
            self.note(progress);
        }
    }

    /// Takes what is neither RTP nor RTCP.
    pub(super) fn handle(&mut self, now: Instant, bytes: &[u8]) {
        if stun::is_stun(bytes) {
            return self.handle_stun(now, bytes);
        }
        let is_dtls = matches!(bytes, [20..=63, ..]);
        if is_dtls && self.failed.is_none() {
            let progress = self.handshake.handle(now, bytes, |bytes| send(&self.socket, bytes));
            self.note(progress);
        }
    }

    fn handle_stun(&mut self, now: Instant, bytes: &[u8]) {
        match stun::read(bytes, &self.ours.password, &self.server.ice.password) {
            Some(stun::Message::Check(transaction)) => {
                let answer = stun::write_answer(transaction, self.server.address, &self.ours.password);
                send(&self.socket, &answer);
            }
            Some(stun::Message::Answer(_)) if !self.is_reachable => {
                self.is_reachable = true;
                self.upkeep(now);
            }
            Some(stun::Message::Answer(_)) | None => {}
        }
    }

    fn check(&mut self) {
        self.transactions += 1;
        let mut transaction = *b"....light...";
        transaction[..8].copy_from_slice(&self.transactions.to_be_bytes());
        let username = format!("{}:{}", self.server.ice.username_fragment, self.ours.username_fragment);
        send(&self.socket, &stun::write_check(&username, &self.server.ice.password, transaction));
    }

    fn note(&mut self, progress: Progress) {
        match progress {
            Progress::UnderWay => {}
            Progress::Done(keys) => self.keys = Some(keys),
            Progress::Failed(reason) => self.failed = Some(reason),
        }
    }

    /// Seals a compound and sends it; nothing before there are keys, or when there is nothing to say.
    pub(super) fn send_rtcp(&mut self, mut compound: Vec<u8>) {
        let Some((ours, _)) = self.keys.as_deref().filter(|_| !compound.is_empty()) else { return };
        self.rtcp_index += 1;
        if ours.seal_rtcp(&mut compound, self.rtcp_index).is_some() {
            send(&self.socket, &compound);
        }
    }

    pub(super) fn close(&mut self) {
        self.handshake.close(|bytes| send(&self.socket, bytes));
    }
}

/// A datagram that is not taken is lost, as it may be anywhere on the way.
pub(super) fn send(socket: &UdpSocket, bytes: &[u8]) {
    let _ = socket.send(bytes);
}
