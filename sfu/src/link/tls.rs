//! The node's side of mutual TLS: only our own authority is trusted, and control is asked for by its fixed name.

use crate::config::{ConfigError, LinkFiles};
use plenum_shared::codec;
use quinn::{ClientConfig, IdleTimeout, TransportConfig, VarInt, crypto::rustls::QuicClientConfig};
use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use std::{path::Path, sync::Arc, time::Duration};

/// Keeps the link, and whatever lies between, awake.
const KEEP_ALIVE: Duration = Duration::from_secs(1);
/// Five missed keep-alives: then control is gone, and dialling anew is the quickest way to find out where it is.
const IDLE: VarInt = VarInt::from_u32(5_000);
/// Requests of control at a time. More wait at control, which has a deadline for each.
const REQUESTS_MAX: VarInt = VarInt::from_u32(256);

/// Reads the files and makes the QUIC settings of them.
///
/// # Errors
/// The setting whose file cannot be used.
pub fn client_config(files: &LinkFiles) -> Result<ClientConfig, ConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("SFU_LINK_CA", &files.authority)? {
        roots.add(certificate).map_err(|error| wrong("SFU_LINK_CA", &files.authority, &error))?;
    }
    let chain = certificates("SFU_LINK_CERT", &files.certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| wrong("SFU_LINK_KEY", &files.key, &error))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| wrong("SFU_LINK_CERT", &files.certificate, &error))?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)
        .map_err(|error| wrong("SFU_LINK_KEY", &files.key, &error))?;
    tls.alpn_protocols = vec![codec::ALPN.to_vec()];
    let crypto = QuicClientConfig::try_from(tls)
        .map_err(|error| wrong("SFU_LINK_CERT", &files.certificate, &error))?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport()));
    Ok(config)
}

fn transport() -> TransportConfig {
    let mut transport = TransportConfig::default();
    transport
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(Some(IdleTimeout::from(IDLE)))
        .max_concurrent_bidi_streams(REQUESTS_MAX)
        .max_concurrent_uni_streams(VarInt::from_u32(0));
    transport
}

fn certificates(setting: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let certificates: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| wrong(setting, path, &error))?;
    if certificates.is_empty() {
        Err(wrong(setting, path, &"holds no certificate"))
    } else {
        Ok(certificates)
    }
}

fn wrong(setting: &'static str, path: &Path, reason: &dyn std::fmt::Display) -> ConfigError {
    ConfigError { setting, reason: format!("{}: {reason}", path.display()) }
}
