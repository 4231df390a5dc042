//! The handshake (dimpl, DTLS 1.2) of one member, and the certificate that all members of a crowd show.

use super::srtp::{self, Keys};
use aws_lc_rs::digest;
use dimpl::{Dtls, Output};
use plenum_shared::transport::Fingerprint;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// As browsers begin.
const FLIGHT_START: Duration = Duration::from_millis(50);
const FLIGHT_RETRIES: usize = 12;
/// A flight of ours is one or two records of less than this.
const RECORD_MAX: usize = 4096;

/// The certificate of a crowd.
#[derive(Debug)]
pub(super) struct Identity {
    certificate: dimpl::DtlsCertificate,
    config: Arc<dimpl::Config>,
    pub fingerprint: Fingerprint,
}

impl Identity {
    pub(super) fn generate() -> Result<Self, String> {
        let key =
            rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(|it| it.to_string())?;
        let certificate =
            rcgen::CertificateParams::default().self_signed(&key).map_err(|it| it.to_string())?;
        let config = dimpl::Config::builder()
            .use_server_cookie(false)
            .flight_start_rto(FLIGHT_START)
            .flight_retries(FLIGHT_RETRIES)
            .build()
            .map_err(|error| error.to_string())?;
        let der = certificate.der().to_vec();
        let fingerprint = Fingerprint { algorithm: "sha-256".into(), value: sha_256(&der) };
        let certificate = dimpl::DtlsCertificate { certificate: der, private_key: key.serialize_der() };
        Ok(Self { certificate, config: Arc::new(config), fingerprint })
    }
}

/// Upper-case hex pairs joined by colons (RFC 8122).
fn sha_256(bytes: &[u8]) -> String {
    let hash = digest::digest(&digest::SHA256, bytes);
    hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// Where a handshake stands.
pub(super) enum Progress {
    UnderWay,
    /// Keys of ours, then theirs: the peer is the announced one.
    Done(Box<(Keys, Keys)>),
    Failed(String),
}

/// One handshake.
pub(super) struct Handshake {
    dtls: Dtls,
    expected: Vec<Fingerprint>,
    is_client: bool,
    certificate: Option<String>,
    keys: Option<Box<(Keys, Keys)>>,
}

impl Handshake {
    pub(super) fn new(
        identity: &Identity,
        expected: Vec<Fingerprint>,
        is_client: bool,
        now: Instant,
    ) -> Self {
        let mut dtls = Dtls::new_12(identity.config.clone(), identity.certificate.clone(), now);
        dtls.set_active(is_client);
        Self { dtls, expected, is_client, certificate: None, keys: None }
    }

    /// Sends what is due, the first flight too.
    pub(super) fn handle_timeout(&mut self, now: Instant, send: impl FnMut(&[u8])) -> Progress {
        match self.dtls.handle_timeout(now) {
            Ok(()) => self.poll(send),
            Err(error) => Progress::Failed(error.to_string()),
        }
    }

    pub(super) fn handle(&mut self, now: Instant, bytes: &[u8], send: impl FnMut(&[u8])) -> Progress {
        match self.dtls.handle_timeout(now).and_then(|()| self.dtls.handle_packet(bytes)) {
            Ok(()) => self.poll(send),
            Err(error) => Progress::Failed(error.to_string()),
        }
    }

    /// Says goodbye.
    pub(super) fn close(&mut self, send: impl FnMut(&[u8])) {
        if self.dtls.close().is_ok() {
            self.poll(send);
        }
    }

    fn poll(&mut self, mut send: impl FnMut(&[u8])) -> Progress {
        let mut buffer = [0; RECORD_MAX];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(packet) => send(packet),
                Output::PeerCert(der) => self.certificate = Some(sha_256(der)),
                Output::KeyingMaterial(material, profile) => {
                    match srtp::keys(profile, &material, self.is_client) {
                        Some(keys) => self.keys = Some(Box::new(keys)),
                        None => return Progress::Failed(format!("SRTP without AEAD: {profile:?}")),
                    }
                }
                Output::CloseNotify => return Progress::Failed("the server said goodbye".into()),
                Output::BufferTooSmall { needed } => {
                    return Progress::Failed(format!("a flight of {needed} bytes"));
                }
                Output::Timeout(_) => return self.progress(),
                _ => {}
            }
        }
    }

    fn progress(&mut self) -> Progress {
        let (Some(certificate), Some(_)) = (&self.certificate, &self.keys) else { return Progress::UnderWay };
        let is_theirs = |it: &Fingerprint| {
            it.algorithm.eq_ignore_ascii_case("sha-256") && it.value.eq_ignore_ascii_case(certificate)
        };
        if !self.expected.iter().any(is_theirs) {
            return Progress::Failed("the certificate is not the announced one".into());
        }
        self.keys.take().map_or(Progress::UnderWay, Progress::Done)
    }
}
