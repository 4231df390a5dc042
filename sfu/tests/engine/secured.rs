//! The secured part of a client made by hand: a certificate, DTLS (dimpl), and the SRTP that comes of it.

use std::sync::Arc;
use std::time::Instant;

use aws_lc_rs::digest;
use dimpl::{Dtls, Output, SrtpProfile};
use plenum_sfu::engine::packet::HeaderPrefix;
use plenum_sfu::engine::transport::srtp::{
    self, Profile, RTCP_OVERHEAD_MAX, RTP_OVERHEAD_MAX, SrtpInbound, SrtpOutbound,
};
use plenum_shared::transport::{DtlsParameters, DtlsRole, Fingerprint};

pub struct Secured {
    pub dtls: Dtls,
    pub srtp: Option<(SrtpInbound, SrtpOutbound)>,
    pub identity: dimpl::DtlsCertificate,
    is_client: bool,
}

impl Secured {
    /// A client or server with a certificate of its own that has not said anything yet.
    pub fn new(now: Instant, config: Arc<dimpl::Config>, is_client: bool) -> Self {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::default().self_signed(&key).unwrap();
        let identity = dimpl::DtlsCertificate {
            certificate: certificate.der().to_vec(),
            private_key: key.serialize_der(),
        };
        let mut dtls = Dtls::new_12(config, identity.clone(), now);
        dtls.set_active(is_client);
        Secured { dtls, srtp: None, identity, is_client }
    }

    /// What signalling says about it.
    pub fn dtls_parameters(&self) -> DtlsParameters {
        let hash = digest::digest(&digest::SHA256, &self.identity.certificate);
        let value = hash.as_ref().iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(":");
        let role = if self.is_client { DtlsRole::Client } else { DtlsRole::Server };
        DtlsParameters { role, fingerprints: vec![Fingerprint { algorithm: "sha-256".to_owned(), value }] }
    }

    /// What DTLS has to send now. Keys are taken; of the rest `other` is told.
    pub fn poll(&mut self, mut other: impl FnMut(&Output<'_>)) -> Vec<Vec<u8>> {
        let mut flight = Vec::new();
        let mut buf = vec![0; 4096];
        loop {
            let output = self.dtls.poll_output(&mut buf);
            other(&output);
            match output {
                Output::Packet(packet) => flight.push(packet.to_vec()),
                Output::KeyingMaterial(material, profile) => {
                    let profile = match profile {
                        SrtpProfile::AEAD_AES_128_GCM => Profile::AeadAes128Gcm,
                        SrtpProfile::AEAD_AES_256_GCM => Profile::AeadAes256Gcm,
                        _ => Profile::Aes128CmSha1_80,
                    };
                    self.srtp = Some(srtp::from_keying_material(profile, &material, self.is_client).unwrap());
                }
                Output::Timeout(_) => return flight,
                _ => {}
            }
        }
    }

    pub fn seal_rtp(&mut self, mut plain: Vec<u8>) -> Vec<u8> {
        let (_, outbound) = self.srtp.as_mut().expect("keys");
        let len = plain.len();
        plain.resize(len + RTP_OVERHEAD_MAX, 0);
        let sealed = outbound.seal_rtp(&mut plain, len).unwrap();
        plain.truncate(sealed);
        plain
    }

    pub fn seal_rtcp(&mut self, mut plain: Vec<u8>) -> Vec<u8> {
        let (_, outbound) = self.srtp.as_mut().expect("keys");
        let len = plain.len();
        plain.resize(len + RTCP_OVERHEAD_MAX, 0);
        let sealed = outbound.seal_rtcp(&mut plain, len).unwrap();
        plain.truncate(sealed);
        plain
    }

    /// The plain packet, when the bytes are one for us and new.
    pub fn open_rtp(&mut self, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        let (inbound, _) = self.srtp.as_mut()?;
        let prefix = HeaderPrefix::parse(&bytes).ok()?;
        let len = inbound.open_rtp(&mut bytes, prefix).ok()?;
        bytes.truncate(len);
        Some(bytes)
    }

    /// As [`Secured::open_rtp`] for a compound.
    pub fn open_rtcp(&mut self, mut bytes: Vec<u8>) -> Option<Vec<u8>> {
        let (inbound, _) = self.srtp.as_mut()?;
        let len = inbound.open_rtcp(&mut bytes).ok()?;
        bytes.truncate(len);
        Some(bytes)
    }
}
