//! Certificates for one run: an authority of our own, a certificate for us as control and one for the node.

use plenum_shared::codec::{ALPN, CONTROL_SERVER_NAME};
use quinn::crypto::rustls::QuicServerConfig;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::{
    RootCertStore,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    server::WebPkiClientVerifier,
};
use std::{error::Error, path::Path, sync::Arc};

/// Names of the files the node is pointed at.
pub(super) const AUTHORITY_FILE: &str = "ca.pem";
pub(super) const NODE_CERTIFICATE_FILE: &str = "node.pem";
pub(super) const NODE_KEY_FILE: &str = "node.key";

/// Writes the node's identity into `directory` and returns what we listen with.
pub(super) fn make(directory: &Path) -> Result<quinn::ServerConfig, Box<dyn Error + Send + Sync>> {
    let authority_key = KeyPair::generate()?;
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.distinguished_name.push(DnType::CommonName, "load test authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let node_key = KeyPair::generate()?;
    let mut node = CertificateParams::new(vec!["plenum-sfu".into()])?;
    node.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let node_certificate = node.signed_by(&node_key, &issuer)?;
    std::fs::write(directory.join(AUTHORITY_FILE), authority_certificate.pem())?;
    std::fs::write(directory.join(NODE_CERTIFICATE_FILE), node_certificate.pem())?;
    std::fs::write(directory.join(NODE_KEY_FILE), node_key.serialize_pem())?;

    let control_key = KeyPair::generate()?;
    let mut control = CertificateParams::new(vec![CONTROL_SERVER_NAME.into()])?;
    control.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let control_certificate = control.signed_by(&control_key, &issuer)?;

    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority_certificate.der().clone())?;
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone()).build()?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(control_key.serialize_der()));
    let mut tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![control_certificate.der().clone()], key)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    Ok(quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?)))
}
