//! The certificate that all transports of a process show, and the fingerprint it is recognised by (RFC 8122).

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest;
use plenum_shared::transport::Fingerprint;
use thiserror::Error;

/// Chromium repeats its flight at 50, 110, 200, 400 and 800 ms, and dimpl charges every answer to a repetition to this
/// budget: with its default of 4 one lost flight can be the end. The handshake's own time limit remains.
const FLIGHT_RETRIES: usize = 12;

/// dimpl answers repetitions of the peer no faster than its own retransmission timer, which starts at this. With the
/// default of a second, two lost flights would cost three. Browsers begin with 50 ms too; on a slow path that costs a
/// few flights of 600 bytes.
const FLIGHT_START_RTO: Duration = Duration::from_millis(50);

/// A handshake that takes longer is begun anew, which costs nothing: the peer repeats its first flight.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);

/// The key or the certificate cannot be used.
#[derive(Debug, Error)]
#[error("cannot make a DTLS certificate: {0}")]
pub struct CertificateError(String);

/// A self-signed certificate with its key.
pub struct DtlsCertificate {
    identity: dimpl::DtlsCertificate,
    config: Arc<dimpl::Config>,
    fingerprint: Fingerprint,
}

impl DtlsCertificate {
    /// Makes a P-256 key and a certificate for it. Not for the packet path: once per process.
    ///
    /// # Errors
    /// [`CertificateError`] when the crypto library refuses.
    pub fn generate() -> Result<Self, CertificateError> {
        let failed = |error: rcgen::Error| CertificateError(error.to_string());
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(failed)?;
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "plenum");
        let certificate = params.self_signed(&key).map_err(failed)?;
        Self::from_der(certificate.der().to_vec(), key.serialize_der())
    }

    /// Takes a certificate and its PKCS #8 key, both DER.
    ///
    /// # Errors
    /// [`CertificateError`] when the DTLS settings do not hold together.
    pub fn from_der(certificate: Vec<u8>, private_key: Vec<u8>) -> Result<Self, CertificateError> {
        let config = dimpl::Config::builder()
            // MESSAGE-INTEGRITY of ICE has proved the address already; a cookie would only cost a round trip.
            .use_server_cookie(false)
            .flight_start_rto(FLIGHT_START_RTO)
            .flight_retries(FLIGHT_RETRIES)
            .handshake_timeout(HANDSHAKE_TIMEOUT)
            .build()
            .map_err(|error| CertificateError(error.to_string()))?;
        let fingerprint = Fingerprint {
            algorithm: "sha-256".to_owned(),
            value: fingerprint(&digest::SHA256, &certificate),
        };
        let identity = dimpl::DtlsCertificate { certificate, private_key };
        Ok(DtlsCertificate { identity, config: Arc::new(config), fingerprint })
    }

    /// SHA-256 of the certificate, for signalling.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    pub(super) fn identity(&self) -> dimpl::DtlsCertificate {
        self.identity.clone()
    }

    pub(super) fn config(&self) -> Arc<dimpl::Config> {
        Arc::clone(&self.config)
    }
}

impl std::fmt::Debug for DtlsCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DtlsCertificate")
            .field("fingerprint", &self.fingerprint.value)
            .finish_non_exhaustive()
    }
}

/// Upper-case hex pairs joined by colons.
fn fingerprint(algorithm: &'static digest::Algorithm, certificate: &[u8]) -> String {
    let hash = digest::digest(algorithm, certificate);
    hash.as_ref().iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}

/// The hashes we compare by. SHA-1 is not among them: it can be forged.
fn usable_hash(algorithm: &str) -> Option<&'static digest::Algorithm> {
    match algorithm.to_ascii_lowercase().as_str() {
        "sha-256" => Some(&digest::SHA256),
        "sha-384" => Some(&digest::SHA384),
        "sha-512" => Some(&digest::SHA512),
        _ => None,
    }
}

/// Whether any of these fingerprints can be checked at all.
pub(super) fn is_checkable(fingerprints: &[Fingerprint]) -> bool {
    fingerprints.iter().any(|f| usable_hash(&f.algorithm).is_some())
}

/// Whether the certificate is the announced one: every fingerprint that can be checked must be its own, and one at
/// least must be checkable.
pub(super) fn matches(fingerprints: &[Fingerprint], certificate: &[u8]) -> bool {
    let agrees = |f: &Fingerprint| {
        let hash = usable_hash(&f.algorithm)?;
        Some(fingerprint(hash, certificate).eq_ignore_ascii_case(&f.value))
    };
    is_checkable(fingerprints) && fingerprints.iter().filter_map(agrees).all(|agrees| agrees)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(algorithm: &str, value: &str) -> Fingerprint {
        Fingerprint { algorithm: algorithm.to_owned(), value: value.to_owned() }
    }

    #[test]
    fn a_certificate_is_recognised_by_its_fingerprint_in_any_case() {
        let certificate = DtlsCertificate::generate().unwrap();
        let own = certificate.fingerprint().clone();
        let der = certificate.identity().certificate;
        assert_eq!(own.value.len(), 32 * 3 - 1);
        assert!(matches(std::slice::from_ref(&own), &der));
        assert!(matches(&[print("SHA-256", &own.value.to_lowercase())], &der));
        assert!(matches(&[print("sha-1", "00:11"), own], &der));
    }

    #[test]
    fn another_certificate_is_not_taken_for_it() {
        let certificate = DtlsCertificate::generate().unwrap();
        let own = certificate.fingerprint().clone();
        let other = DtlsCertificate::generate().unwrap().identity().certificate;
        assert!(!matches(std::slice::from_ref(&own), &other));
        assert!(!matches(&[own, print("sha-512", "00")], &certificate.identity().certificate));
        assert!(!matches(&[], &other));
        assert!(!matches(&[print("sha-1", "00:11")], &other));
    }
}
