//! The handshake (dimpl, DTLS 1.2): from ClientHello to SRTP keys of a peer whose certificate is the announced one.
//!
//! The handshake may run before signalling has told the fingerprint; the keys then wait for it. dimpl's errors are
//! final, so an error puts a fresh one in place, and the peer's next repetition starts again.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use dimpl::{Dtls, KeyingMaterial, Output, SrtpProfile};
use plenum_shared::transport::{DtlsParameters, DtlsRole, Fingerprint};
use thiserror::Error;

use super::certificate::{self, DtlsCertificate};
use super::srtp::{self, Profile, SrtpInbound, SrtpOutbound};

/// A flight of ours is one or two records of about 700 bytes; certificates of strangers may be larger.
const POLL_BUFFER_LEN: usize = 2048;
/// Records of application data in one datagram that are believed to be meant; browsers send one.
const RECEIVED_MAX: usize = 16;
const POLL_BUFFER_LEN_MAX: usize = 1 << 16;
/// What a record adds to application data at most: header 13, explicit nonce 8, tag 16 (RFC 5288).
pub(super) const RECORD_OVERHEAD_MAX: usize = 37;

/// Why the peer's DTLS parameters are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum DtlsParametersError {
    /// None of the fingerprints uses SHA-256, SHA-384 or SHA-512.
    #[error("no fingerprint with a usable hash")]
    NoUsableFingerprint,
    /// Parameters were given before, and these are others.
    #[error("DTLS parameters are set already")]
    AlreadySet,
}

/// What a step of the handshake led to.
#[derive(Debug)]
pub(super) enum DtlsEvent {
    /// The peer is the announced one, and these are the keys.
    Keys(Box<(SrtpInbound, SrtpOutbound)>),
    /// The peer showed another certificate than signalling announced.
    FingerprintMismatch,
    /// The peer says goodbye.
    CloseNotify,
}

/// Handshake state of one transport.
#[derive(Debug)]
pub(super) struct DtlsEndpoint {
    certificate: Arc<DtlsCertificate>,
    engine: Dtls,
    is_client: bool,
    /// As a client we speak first, but not before there is an address to speak to.
    started: bool,
    remote: Option<Vec<Fingerprint>>,
    peer_certificate: Option<Vec<u8>>,
    keys: Option<(KeyingMaterial, Profile)>,
    /// The keys of the session as it is now were given: application data may go. Before, dimpl would keep all of it.
    is_up: bool,
    /// Application data of the last packet, not yet taken.
    received: Vec<Bytes>,
    timeout: Option<Instant>,
}

impl DtlsEndpoint {
    pub(super) fn new(certificate: Arc<DtlsCertificate>, now: Instant) -> Self {
        let engine = Dtls::new_12(certificate.config(), certificate.identity(), now);
        DtlsEndpoint {
            certificate,
            engine,
            is_client: false,
            started: false,
            remote: None,
            peer_certificate: None,
            keys: None,
            is_up: false,
            received: Vec::new(),
            timeout: None,
        }
    }

    /// Takes what signalling says about the peer. Keys that waited for it come out at once.
    pub(super) fn set_remote(
        &mut self,
        now: Instant,
        parameters: &DtlsParameters,
    ) -> Result<Option<DtlsEvent>, DtlsParametersError> {
        if !certificate::is_checkable(&parameters.fingerprints) {
            return Err(DtlsParametersError::NoUsableFingerprint);
        }
        let is_client = parameters.role == DtlsRole::Server;
        if let Some(known) = &self.remote {
            let same = *known == parameters.fingerprints && self.is_client == is_client;
            return if same { Ok(None) } else { Err(DtlsParametersError::AlreadySet) };
        }
        self.remote = Some(parameters.fingerprints.clone());
        if is_client {
            self.is_client = true;
            self.restart(now);
        }
        Ok(self.verify())
    }

    /// To be called once there is an address to send to; later calls do nothing.
    pub(super) fn start(&mut self, now: Instant, send: &mut impl FnMut(&[u8])) -> Option<DtlsEvent> {
        if self.started || !self.is_client {
            return None;
        }
        self.started = true;
        self.handle_timeout(now, send)
    }

    pub(super) fn handle_packet(
        &mut self,
        now: Instant,
        bytes: &[u8],
        send: &mut impl FnMut(&[u8]),
    ) -> Option<DtlsEvent> {
        let taken = self.engine.handle_timeout(now).and_then(|()| self.engine.handle_packet(bytes));
        if taken.is_err() {
            self.restart(now);
        }
        self.poll(now, send)
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, send: &mut impl FnMut(&[u8])) -> Option<DtlsEvent> {
        if self.engine.handle_timeout(now).is_err() {
            self.restart(now);
        }
        self.poll(now, send)
    }

    /// When the handshake wants to repeat itself.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.timeout
    }

    /// Says goodbye where there is somebody to hear it.
    pub(super) fn close(&mut self, now: Instant, send: &mut impl FnMut(&[u8])) {
        let closed = self.engine.handle_timeout(now).and_then(|()| self.engine.close());
        if closed.is_ok() {
            self.poll(now, send);
        }
    }

    /// Application data that came with the last packet. Only that of a verified peer may be believed.
    pub(super) fn take_received(&mut self) -> Vec<Bytes> {
        std::mem::take(&mut self.received)
    }

    /// Writes application data as a record of its own over `buf`, which has [`RECORD_OVERHEAD_MAX`] bytes more than it.
    /// Returns the length of the record; `None` where the session is not up.
    pub(super) fn seal_data(&mut self, now: Instant, data: &[u8], buf: &mut [u8]) -> Option<usize> {
        if !self.is_up {
            return None;
        }
        self.engine.handle_timeout(now).and_then(|()| self.engine.send_application_data(data)).ok()?;
        let mut len = None;
        // To the end, because dimpl is consistent only then. Nothing of a handshake is left when a session is up.
        loop {
            match self.engine.poll_output(&mut buf[len.unwrap_or(0)..]) {
                Output::Packet(packet) => len = len.or(Some(packet.len())),
                Output::Timeout(at) => {
                    self.timeout = Some(at);
                    return len;
                }
                Output::BufferTooSmall { .. } => return len,
                _ => {}
            }
        }
    }

    fn restart(&mut self, now: Instant) {
        self.engine = Dtls::new_12(self.certificate.config(), self.certificate.identity(), now);
        self.engine.set_active(self.is_client);
        self.peer_certificate = None;
        self.keys = None;
        self.timeout = None;
        self.is_up = false;
    }

    /// Takes everything dimpl has to say; it is consistent only after that.
    fn poll(&mut self, now: Instant, send: &mut impl FnMut(&[u8])) -> Option<DtlsEvent> {
        let (mut usual, mut large) = ([0; POLL_BUFFER_LEN], Vec::new());
        let mut goodbye = false;
        loop {
            let buf = if large.is_empty() { &mut usual[..] } else { &mut large[..] };
            let room = buf.len();
            match self.engine.poll_output(buf) {
                Output::Packet(packet) => send(packet),
                Output::Timeout(at) => {
                    self.timeout = Some(at);
                    break;
                }
                Output::BufferTooSmall { needed } if needed > room && needed <= POLL_BUFFER_LEN_MAX => {
                    large.resize(needed, 0);
                }
                Output::BufferTooSmall { .. } => {
                    self.restart(now);
                    break;
                }
                Output::PeerCert(der) => self.peer_certificate = Some(der.to_vec()),
                Output::KeyingMaterial(material, profile) => {
                    self.keys = profile_of(profile).map(|p| (material, p))
                }
                Output::ApplicationData(data) if self.received.len() < RECEIVED_MAX => {
                    self.received.push(Bytes::copy_from_slice(data));
                }
                Output::CloseNotify => goodbye = true,
                _ => {}
            }
        }
        if goodbye { Some(DtlsEvent::CloseNotify) } else { self.verify() }
    }

    /// Certificate, fingerprint and keys come in any order; the last of the three decides. A certificate alone proves
    /// nothing: anybody can repeat one, and only a finished handshake shows that its key is there.
    fn verify(&mut self) -> Option<DtlsEvent> {
        let fingerprints = self.remote.as_ref()?;
        let certificate = self.peer_certificate.as_ref()?;
        let (material, profile) = self.keys.as_ref()?;
        if !certificate::matches(fingerprints, certificate) {
            return Some(DtlsEvent::FingerprintMismatch);
        }
        let contexts = srtp::from_keying_material(*profile, material, self.is_client).ok()?;
        self.keys = None;
        self.is_up = true;
        Some(DtlsEvent::Keys(Box::new(contexts)))
    }
}

fn profile_of(profile: SrtpProfile) -> Option<Profile> {
    match profile {
        SrtpProfile::AEAD_AES_128_GCM => Some(Profile::AeadAes128Gcm),
        SrtpProfile::AEAD_AES_256_GCM => Some(Profile::AeadAes256Gcm),
        SrtpProfile::AES128_CM_SHA1_80 => Some(Profile::Aes128CmSha1_80),
        _ => None,
    }
}
