//! Our own certificate authority for the link between control and its SFU nodes.
//!
//! The authority is made once, at the first start, and lives in `DATA_DIR/pki`. Certificates are cheap, so control
//! makes itself and its own node a fresh one at every start; nodes elsewhere get theirs by `plenum node-cert`.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use thiserror::Error;
use time::{Duration, OffsetDateTime};

/// The name that control's certificate carries and nodes ask for, wherever control runs.
pub const SERVER_NAME: &str = "plenum-control";
const AUTHORITY_NAME: &str = "Plenum internal CA";
/// Long, because replacing the authority means visiting every node.
const AUTHORITY_DAYS: i64 = 20 * 365;
/// Longer than any process runs; renewed at every start.
const CERTIFICATE_DAYS: i64 = 5 * 365;
/// Clocks of machines that start together may differ.
const CLOCK_SKEW: Duration = Duration::days(1);

/// Why the authority could not be opened or used.
#[derive(Debug, Error)]
pub enum PkiError {
    #[error("{path}: {error}")]
    File { path: PathBuf, error: io::Error },
    #[error("certificate: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// The authority: signs certificates for control and for nodes.
pub struct Authority {
    certificate_pem: String,
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

/// A certificate with its key, ready for TLS.
pub struct Identity {
    pub certificate_pem: String,
    pub key_pem: String,
    pub certificate: CertificateDer<'static>,
    pub key: PrivateKeyDer<'static>,
}

/// Where a node finds what it needs to dial control.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFiles {
    pub authority: PathBuf,
    pub certificate: PathBuf,
    pub key: PathBuf,
}

impl Authority {
    /// Opens the authority of `directory` (normally `DATA_DIR/pki`), making it when there is none.
    ///
    /// # Errors
    /// Unreadable or unwritable files, or a key that is no key.
    pub fn open(directory: &Path) -> Result<Self, PkiError> {
        make_directory(directory)?;
        let key_path = directory.join("ca.key");
        let certificate_path = directory.join("ca.pem");
        let key = if key_path.exists() {
            KeyPair::from_pem(&read(&key_path)?)?
        } else {
            let key = KeyPair::generate()?;
            write_secret(&key_path, &key.serialize_pem())?;
            key
        };
        let params = authority_params();
        // A certificate of the same name and key is the same authority to whoever verifies it, so one that was lost
        // is simply made again.
        let made = params.self_signed(&key)?;
        let certificate_pem = if certificate_path.exists() {
            read(&certificate_path)?
        } else {
            write_public(&certificate_path, &made.pem())?;
            made.pem()
        };
        Ok(Self { certificate_pem, certificate: made.der().clone(), issuer: Issuer::new(params, key) })
    }

    /// The certificate that both sides trust.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.certificate
    }

    /// A fresh certificate for control.
    ///
    /// # Errors
    /// The crypto library refuses to make a key.
    pub fn control_identity(&self) -> Result<Identity, PkiError> {
        self.identity(SERVER_NAME, ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// Writes `ca.pem`, `node.pem` and `node.key` into `directory`: all that a node needs.
    ///
    /// # Errors
    /// Unwritable files.
    pub fn write_node_files(&self, directory: &Path) -> Result<NodeFiles, PkiError> {
        make_directory(directory)?;
        let files = NodeFiles {
            authority: directory.join("ca.pem"),
            certificate: directory.join("node.pem"),
            key: directory.join("node.key"),
        };
        let node = self.identity("plenum-sfu", ExtendedKeyUsagePurpose::ClientAuth)?;
        write_public(&files.authority, &self.certificate_pem)?;
        write_public(&files.certificate, &node.certificate_pem)?;
        write_secret(&files.key, &node.key_pem)?;
        Ok(files)
    }

    fn identity(&self, name: &str, usage: ExtendedKeyUsagePurpose) -> Result<Identity, PkiError> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name = distinguished_name(name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![usage];
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = validity(CERTIFICATE_DAYS);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Identity {
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
        })
    }
}

fn authority_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = distinguished_name(AUTHORITY_NAME);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = validity(AUTHORITY_DAYS);
    params
}

fn distinguished_name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

fn validity(days: i64) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    (now - CLOCK_SKEW, now + Duration::days(days))
}

fn make_directory(path: &Path) -> Result<(), PkiError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| at(path, error))
}

fn read(path: &Path) -> Result<String, PkiError> {
    fs::read_to_string(path).map_err(|error| at(path, error))
}

fn write_public(path: &Path, text: &str) -> Result<(), PkiError> {
    fs::write(path, text).map_err(|error| at(path, error))
}

/// Writes a new file that nobody else may read; one that stood there is replaced, so that its mode cannot stay wide.
fn write_secret(path: &Path, text: &str) -> Result<(), PkiError> {
    let scratch = path.with_extension("new");
    let write = || {
        let _ = fs::remove_file(&scratch); // left over from an interrupted start
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&scratch)?;
        io::Write::write_all(&mut file, text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&scratch, path)
    };
    write().map_err(|error| at(path, error))
}

fn at(path: &Path, error: io::Error) -> PkiError {
    PkiError::File { path: path.to_owned(), error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_authority_survives_a_restart_and_its_keys_are_private() {
        let directory = tempfile::tempdir().unwrap();
        let pki = directory.path().join("pki");
        let first = Authority::open(&pki).unwrap();
        let again = Authority::open(&pki).unwrap();
        assert_eq!(first.certificate_pem, again.certificate_pem);
        assert_eq!(first.issuer.key().serialize_pem(), again.issuer.key().serialize_pem());
        let files = again.write_node_files(&pki.join("node")).unwrap();
        for secret in [pki.join("ca.key"), files.key] {
            assert_eq!(
                fs::metadata(&secret).unwrap().permissions().mode() & 0o777,
                0o600,
                "{}",
                secret.display()
            );
        }
    }

    #[test]
    fn a_key_file_that_is_no_key_is_an_error_that_names_no_secret() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("ca.key"), "nonsense").unwrap();
        assert!(Authority::open(directory.path()).is_err());
    }
}
