//! The secured part of a simulated person: a connection made by hand from STUN, DTLS (dimpl) and SRTP. It is made in no
//! time, before the links exist, so that nothing in a run depends on keys.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::{digest, hmac};
use dimpl::{Dtls, Output, SrtpProfile};
use plenum_sfu::engine::packet::HeaderPrefix;
use plenum_sfu::engine::transport::srtp::{self, Profile, SrtpInbound, SrtpOutbound};
use plenum_sfu::engine::transport::{RTCP_OVERHEAD_MAX, RTP_OVERHEAD_MAX};
use plenum_shared::transport::{DtlsParameters, DtlsRole, Fingerprint, IceParameters};

use crate::sctp_client::SctpClient;

/// Browsers check their consent about as often.
const CHECK_INTERVAL: Duration = Duration::from_millis(2500);

pub struct Client {
    pub address: SocketAddr,
    identity: dimpl::DtlsCertificate,
    dtls: Dtls,
    check: Vec<u8>,
    check_at: Instant,
    srtp: Option<(SrtpInbound, SrtpOutbound)>,
    /// Whoever has data channels.
    pub data: Option<SctpClient>,
}

impl Client {
    pub fn new(now: Instant, address: SocketAddr, ice: &IceParameters) -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let identity = dimpl::DtlsCertificate {
            certificate: certificate.der().to_vec(),
            private_key: key.serialize_der(),
        };
        let config = dimpl::Config::builder().use_server_cookie(false).build().unwrap();
        let mut dtls = Dtls::new_12(Arc::new(config), identity.clone(), now);
        dtls.set_active(true);
        let check = check(ice);
        Client { address, identity, dtls, check, check_at: now + CHECK_INTERVAL, srtp: None, data: None }
    }

    pub fn dtls_parameters(&self) -> DtlsParameters {
        let hash = digest::digest(&digest::SHA256, &self.identity.certificate);
        let value = hash.as_ref().iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(":");
        let fingerprints = vec![Fingerprint { algorithm: "sha-256".to_owned(), value }];
        DtlsParameters { role: DtlsRole::Client, fingerprints }
    }

    /// A binding request with right credentials and USE-CANDIDATE.
    pub fn check(&self) -> Vec<u8> {
        self.check.clone()
    }

    /// The binding request that keeps the consent, when it is due.
    pub fn poll_check(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.check_at > now {
            return None;
        }
        self.check_at = now + CHECK_INTERVAL;
        Some(self.check())
    }

    pub fn poll_timeout(&self) -> Instant {
        let data = self.data.as_ref().and_then(|data| data.poll_timeout());
        data.map_or(self.check_at, |at| at.min(self.check_at))
    }

    /// What data channels have to send now.
    pub fn poll_data(&mut self, now: Instant, out: &mut Vec<Vec<u8>>) {
        let Some(data) = &mut self.data else { return };
        data.handle_timeout(now);
        for packet in data.poll(now) {
            self.dtls.handle_timeout(now).expect("a session that is up");
            self.dtls.send_application_data(&packet).expect("a session that is up");
            out.extend(self.poll_dtls(now));
        }
    }

    pub fn start_dtls(&mut self, now: Instant) -> Vec<Vec<u8>> {
        self.dtls.handle_timeout(now).expect("a handshake that has just begun");
        self.poll_dtls(now)
    }

    pub fn handle_dtls(&mut self, now: Instant, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.dtls.handle_timeout(now).expect("a handshake with time enough");
        self.dtls.handle_packet(bytes).expect("the engine speaks proper DTLS");
        self.poll_dtls(now)
    }

    fn poll_dtls(&mut self, now: Instant) -> Vec<Vec<u8>> {
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
                    self.srtp = Some(srtp::from_keying_material(profile, &material, true).unwrap());
                }
                Output::ApplicationData(packet) => {
                    if let Some(data) = &mut self.data {
                        data.handle(now, packet.to_vec().into());
                    }
                }
                Output::Timeout(_) => return flight,
                _ => {}
            }
        }
    }

    pub fn is_connected(&self) -> bool {
        self.srtp.is_some()
    }

    pub fn seal_rtp(&mut self, mut plain: Vec<u8>) -> Vec<u8> {
        let len = plain.len();
        plain.resize(len + RTP_OVERHEAD_MAX, 0);
        let sealed = self.srtp.as_mut().unwrap().1.seal_rtp(&mut plain, len).unwrap();
        plain.truncate(sealed);
        plain
    }

    pub fn seal_rtcp(&mut self, mut plain: Vec<u8>) -> Vec<u8> {
        let len = plain.len();
        plain.resize(len + RTCP_OVERHEAD_MAX, 0);
        let sealed = self.srtp.as_mut().unwrap().1.seal_rtcp(&mut plain, len).unwrap();
        plain.truncate(sealed);
        plain
    }

    /// What came, opened.
    pub fn open(&mut self, now: Instant, mut bytes: Vec<u8>) -> Plain {
        if (20..=63).contains(&bytes[0]) {
            self.handle_dtls(now, &bytes);
            return Plain::Other;
        }
        let (inbound, _) = self.srtp.as_mut().unwrap();
        match (bytes[0], bytes[1]) {
            (128..=191, 192..=223) => match inbound.open_rtcp(&mut bytes) {
                Ok(len) => Plain::Rtcp(cut(bytes, len)),
                Err(_) => Plain::Other,
            },
            (128..=191, _) => {
                let prefix = HeaderPrefix::parse(&bytes).unwrap();
                match inbound.open_rtp(&mut bytes, prefix) {
                    Ok(len) => Plain::Rtp(cut(bytes, len)),
                    Err(_) => Plain::Other,
                }
            }
            _ => Plain::Other,
        }
    }
}

/// What a datagram was.
pub enum Plain {
    Rtp(Vec<u8>),
    Rtcp(Vec<u8>),
    /// An answer to a check, a packet of data channels, or one that came twice.
    Other,
}

fn cut(mut bytes: Vec<u8>, len: usize) -> Vec<u8> {
    bytes.truncate(len);
    bytes
}

fn check(ice: &IceParameters) -> Vec<u8> {
    let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
    message.extend(*b"transaction!");
    attribute(&mut message, 0x0006, format!("{}:theirs", ice.username_fragment).as_bytes());
    attribute(&mut message, 0x0024, &0x6E00_01FF_u32.to_be_bytes());
    attribute(&mut message, 0x802A, &[7; 8]);
    attribute(&mut message, 0x0025, &[]);
    // The length that MESSAGE-INTEGRITY covers includes itself (RFC 8489 section 14.5).
    set_len(&mut message, 24);
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, ice.password.as_bytes());
    let tag = hmac::sign(&key, &message);
    attribute(&mut message, 0x0008, tag.as_ref());
    message
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
