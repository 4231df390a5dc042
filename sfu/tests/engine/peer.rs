//! A client made by hand from its parts, so that a test can say exactly which datagram leaves when: STUN requests, a
//! DTLS client (or server) on dimpl, and SRTP contexts. Reads nothing from the transport under test but datagrams.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::{digest, hmac};
use dimpl::{Dtls, Output, SrtpProfile};
use plenum_sfu::engine::packet::{HeaderFields, HeaderPrefix, write_header};
use plenum_sfu::engine::transport::srtp::{
    self, Profile, RTCP_OVERHEAD_MAX, RTP_OVERHEAD_MAX, SrtpInbound, SrtpOutbound,
};
use plenum_shared::transport::{DtlsParameters, DtlsRole, Fingerprint, IceParameters};

pub struct Peer {
    pub ufrag: String,
    pub remote: IceParameters,
    identity: dimpl::DtlsCertificate,
    config: Arc<dimpl::Config>,
    dtls: Dtls,
    is_client: bool,
    pub srtp: Option<(SrtpInbound, SrtpOutbound)>,
    pub said_goodbye: bool,
    /// Application data that came, not yet taken by the test.
    pub received: Vec<Vec<u8>>,
    timeout: Option<Instant>,
    next_sequence_number: u16,
}

/// What a STUN request says beside its credentials.
#[derive(Debug, Clone, Copy, Default)]
pub struct Check {
    pub use_candidate: bool,
    pub controlled: bool,
    pub unknown_attribute: bool,
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
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let identity = dimpl::DtlsCertificate {
            certificate: certificate.der().to_vec(),
            private_key: key.serialize_der(),
        };
        // Chromium repeats itself at 50 ms and doubles.
        let config = dimpl::Config::builder()
            .mtu(mtu)
            .use_server_cookie(false)
            .flight_start_rto(Duration::from_millis(50))
            .flight_retries(12)
            .build()
            .unwrap();
        let config = Arc::new(config);
        let mut dtls = Dtls::new_12(Arc::clone(&config), identity.clone(), now);
        dtls.set_active(is_client);
        Peer {
            ufrag: "theirs".to_owned(),
            remote,
            identity,
            config,
            dtls,
            is_client,
            srtp: None,
            said_goodbye: false,
            received: Vec::new(),
            timeout: None,
            next_sequence_number: 1,
        }
    }

    /// Forgets the handshake and begins another with the same certificate.
    pub fn begin_anew(&mut self, now: Instant) {
        self.dtls = Dtls::new_12(Arc::clone(&self.config), self.identity.clone(), now);
        self.dtls.set_active(self.is_client);
    }

    /// What signalling says about this peer.
    pub fn dtls_parameters(&self) -> DtlsParameters {
        let hash = digest::digest(&digest::SHA256, &self.identity.certificate);
        let value = hash.as_ref().iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(":");
        let role = if self.is_client { DtlsRole::Client } else { DtlsRole::Server };
        DtlsParameters { role, fingerprints: vec![Fingerprint { algorithm: "sha-256".to_owned(), value }] }
    }

    /// A binding request with right credentials.
    pub fn check(&self, check: Check) -> Vec<u8> {
        self.check_with(check, &self.remote.password)
    }

    pub fn check_with(&self, check: Check, password: &str) -> Vec<u8> {
        let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
        message.extend(*b"transaction!");
        let username = format!("{}:{}", self.remote.username_fragment, self.ufrag);
        attribute(&mut message, 0x0006, username.as_bytes());
        attribute(&mut message, 0x0024, &0x6E00_01FF_u32.to_be_bytes());
        attribute(&mut message, if check.controlled { 0x8029 } else { 0x802A }, &[7; 8]);
        attribute(&mut message, 0xC057, &[0, 1, 0, 10]);
        if check.use_candidate {
            attribute(&mut message, 0x0025, &[]);
        }
        if check.unknown_attribute {
            attribute(&mut message, 0x7777, &[1]);
        }
        set_len(&mut message, 24);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let tag = hmac::sign(&key, &message);
        attribute(&mut message, 0x0008, tag.as_ref());
        set_len(&mut message, 8);
        let checksum = crc32(&message) ^ 0x5354_554E;
        attribute(&mut message, 0x8028, &checksum.to_be_bytes());
        message
    }

    /// The first flight of a DTLS client, or what a timer makes it repeat.
    pub fn handle_timeout(&mut self, now: Instant) -> Vec<Vec<u8>> {
        self.dtls.handle_timeout(now).expect("the peer's own handshake has time enough");
        self.poll()
    }

    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timeout
    }

    pub fn handle_dtls(&mut self, now: Instant, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.dtls.handle_timeout(now).expect("the peer's own handshake has time enough");
        self.dtls.handle_packet(bytes).expect("the transport speaks proper DTLS");
        self.poll()
    }

    /// Application data as records.
    pub fn send_data(&mut self, now: Instant, data: &[u8]) -> Vec<Vec<u8>> {
        self.dtls.handle_timeout(now).expect("a session that is up");
        self.dtls.send_application_data(data).expect("a session that is up");
        self.poll()
    }

    pub fn close(&mut self) -> Vec<Vec<u8>> {
        self.dtls.close().expect("a session to close");
        self.poll()
    }

    fn poll(&mut self) -> Vec<Vec<u8>> {
        let mut flight = Vec::new();
        let mut buf = vec![0; 4096];
        loop {
            match self.dtls.poll_output(&mut buf) {
                Output::Packet(packet) => flight.push(packet.to_vec()),
                Output::KeyingMaterial(material, profile) => {
                    let profile = match profile {
                        SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
                        SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
                        _ => Profile::Aes128CmSha1_80,
                    };
                    self.srtp = Some(srtp::from_keying_material(profile, &material, self.is_client).unwrap());
                }
                Output::ApplicationData(data) => self.received.push(data.to_vec()),
                Output::CloseNotify => self.said_goodbye = true,
                Output::Timeout(at) => {
                    self.timeout = Some(at);
                    return flight;
                }
                _ => {}
            }
        }
    }

    /// A sealed RTP packet with the next sequence number.
    pub fn rtp(&mut self, ssrc: u32, payload: &[u8]) -> Vec<u8> {
        let sequence_number = self.next_sequence_number();
        self.sealed_rtp(&rtp(ssrc, sequence_number, payload))
    }

    fn sealed_rtp(&mut self, plain: &[u8]) -> Vec<u8> {
        let (_, outbound) = self.srtp.as_mut().expect("keys");
        let mut buf = plain.to_vec();
        buf.resize(plain.len() + RTP_OVERHEAD_MAX, 0);
        let len = outbound.seal_rtp(&mut buf, plain.len()).unwrap();
        buf.truncate(len);
        buf
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
        self.sealed_rtp(&plain)
    }

    /// A sealed compound.
    pub fn rtcp(&mut self, plain: &[u8]) -> Vec<u8> {
        let (_, outbound) = self.srtp.as_mut().expect("keys");
        let mut buf = plain.to_vec();
        buf.resize(plain.len() + RTCP_OVERHEAD_MAX, 0);
        let len = outbound.seal_rtcp(&mut buf, plain.len()).unwrap();
        buf.truncate(len);
        buf
    }

    /// The plain packet, when the bytes are one for us.
    pub fn open_rtp(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (inbound, _) = self.srtp.as_mut()?;
        let mut buf = bytes.to_vec();
        let prefix = HeaderPrefix::parse(&buf).ok()?;
        let len = inbound.open_rtp(&mut buf, prefix).ok()?;
        buf.truncate(len);
        Some(buf)
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

fn attribute(message: &mut Vec<u8>, kind: u16, value: &[u8]) {
    message.extend(kind.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
    set_len(message, 0);
}

fn set_len(message: &mut [u8], ahead: usize) {
    let len = (message.len() - 20 + ahead) as u16;
    message[2..4].copy_from_slice(&len.to_be_bytes());
}

/// Bit by bit, unlike the one it checks.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    !crc
}
