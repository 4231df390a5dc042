//! A client made by hand from its parts, so that a test can say exactly which datagram leaves when: STUN requests, a
//! DTLS client (or server) on dimpl, and SRTP contexts. Reads nothing from the transport under test but datagrams.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use dimpl::{Dtls, Output};
use plenum_sfu::engine::packet::{HeaderFields, write_header};
use plenum_shared::transport::IceParameters;

pub use crate::binding_request::Check;
use crate::binding_request::binding_request;
use crate::secured::Secured;

pub struct Peer {
    pub ufrag: String,
    pub remote: IceParameters,
    config: Arc<dimpl::Config>,
    is_client: bool,
    secured: Secured,
    pub said_goodbye: bool,
    /// Application data that came, not yet taken by the test.
    pub received: Vec<Vec<u8>>,
    timeout: Option<Instant>,
    next_sequence_number: u16,
}

impl Peer {
    /// A DTLS client like a browser. `mtu` below the ClientHello's size makes it leave in fragments.
    pub fn client(now: Instant, remote: IceParameters, mtu: usize) -> Self {
        Self::new(now, remote, mtu, true)
    }

    /// A peer whose signalling says `role: server`.
    pub fn server(now: Instant, remote: IceParameters) -> Self {
        Self::new(now, remote, 1150, false)
    }

    fn new(now: Instant, remote: IceParameters, mtu: usize, is_client: bool) -> Self {
        // Chromium repeats itself at 50 ms and doubles.
        let config = dimpl::Config::builder()
            .mtu(mtu)
            .use_server_cookie(false)
            .flight_start_rto(Duration::from_millis(50))
            .flight_retries(12)
            .build()
            .unwrap();
        let config = Arc::new(config);
        let secured = Secured::new(now, Arc::clone(&config), is_client);
        Peer {
            ufrag: "theirs".to_owned(),
            remote,
            config,
            is_client,
            secured,
            said_goodbye: false,
            received: Vec::new(),
            timeout: None,
            next_sequence_number: 1,
        }
    }

    /// Forgets the handshake and begins another with the same certificate.
    pub fn begin_anew(&mut self, now: Instant) {
        self.secured.dtls = Dtls::new_12(Arc::clone(&self.config), self.secured.identity.clone(), now);
        self.secured.dtls.set_active(self.is_client);
    }

    /// A binding request with right credentials.
    pub fn check(&self, check: Check) -> Vec<u8> {
        binding_request(check, &self.remote, &self.ufrag)
    }

    pub fn check_with(&self, check: Check, password: &str) -> Vec<u8> {
        let remote = IceParameters { password: password.to_owned(), ..self.remote.clone() };
        binding_request(check, &remote, &self.ufrag)
    }

    /// The first flight of a DTLS client, or what a timer makes it repeat.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Vec<u8>> {
        self.secured.dtls.handle_timeout(now).expect("the peer's own handshake has time enough");
        self.poll()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timeout
    }

    pub fn handle_dtls(&mut self, now: Instant, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.secured.dtls.handle_timeout(now).expect("the peer's own handshake has time enough");
        self.secured.dtls.handle_packet(bytes).expect("the transport speaks proper DTLS");
        self.poll()
    }

    /// Application data as records.
    pub fn send_data(&mut self, now: Instant, data: &[u8]) -> Vec<Vec<u8>> {
        self.secured.dtls.handle_timeout(now).expect("a session that is up");
        self.secured.dtls.send_application_data(data).expect("a session that is up");
        self.poll()
    }

    pub fn close(&mut self) -> Vec<Vec<u8>> {
        self.secured.dtls.close().expect("a session to close");
        self.poll()
    }

    fn poll(&mut self) -> Vec<Vec<u8>> {
        self.secured.poll(|output| match output {
            Output::ApplicationData(data) => self.received.push(data.to_vec()),
            Output::CloseNotify => self.said_goodbye = true,
            Output::Timeout(at) => self.timeout = Some(*at),
            _ => {}
        })
    }

    /// A sealed RTP packet with the next sequence number.
    pub fn rtp(&mut self, ssrc: u32, payload: &[u8]) -> Vec<u8> {
        let sequence_number = self.next_sequence_number();
        self.seal_rtp(rtp(ssrc, sequence_number, payload))
    }

    /// A number not used before, for packets of the other direction too.
    pub fn next_sequence_number(&mut self) -> u16 {
        self.next_sequence_number = self.next_sequence_number.wrapping_add(1);
        self.next_sequence_number
    }

    /// A sealed RTP packet whose extension block and padding are whatever `block` says.
    pub fn strange_rtp(&mut self, ssrc: u32, block: u64, payload: &[u8]) -> Vec<u8> {
        let sequence_number = self.next_sequence_number();
        let mut plain = rtp(ssrc, sequence_number, &block.to_be_bytes());
        plain.extend_from_slice(payload);
        // One- or two-byte form, elements that lie about their length, padding of any length.
        plain[12..14].copy_from_slice(if block & 1 == 0 { &[0xBE, 0xDE] } else { &[0x10, 0x00] });
        plain[15] = (block >> 1) as u8 % 4;
        plain[0] |= if block & 0x100 == 0 { 0x20 } else { 0 };
        self.seal_rtp(plain)
    }
}

impl Deref for Peer {
    type Target = Secured;

    fn deref(&self) -> &Secured {
        &self.secured
    }
}

impl DerefMut for Peer {
    fn deref_mut(&mut self) -> &mut Secured {
        &mut self.secured
    }
}

/// A plain RTP packet with a mid extension.
pub fn rtp(ssrc: u32, sequence_number: u16, payload: &[u8]) -> Vec<u8> {
    let fields = HeaderFields { marker: false, payload_type: 100, sequence_number, timestamp: 960, ssrc };
    let mut buf = vec![0; 64];
    let len = write_header(&mut buf, fields, [(1, &b"0"[..])].into_iter()).unwrap();
    buf.truncate(len);
    buf.extend_from_slice(payload);
    buf
}

/// The error code of a STUN answer, 0 for success.
pub fn stun_answer(bytes: &[u8]) -> u16 {
    match u16::from_be_bytes([bytes[0], bytes[1]]) {
        0x0101 => 0,
        0x0111 => u16::from(bytes[26]) * 100 + u16::from(bytes[27]),
        other => panic!("not an answer: {other:#06x}"),
    }
}

pub fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}
