//! TLS, where Doorward terminates it itself.

use std::path::Path;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// Why TLS cannot be set up; one line for the operator.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("server.tls_cert_file: {0}")]
    Certificate(String),
    #[error("server.tls_key_file: {0}")]
    Key(String),
    #[error("certificate and key do not go together: {0}")]
    Pair(rustls::Error),
}

/// TLS 1.2 and 1.3 with this chain and key, both PEM files.
///
/// # Errors
/// [`TlsError`].
pub fn server_config(certificates: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    // Installed once per process; a second time changes nothing.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let chain = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| TlsError::Certificate(error.to_string()))?;
    if chain.is_empty() {
        return Err(TlsError::Certificate("the file holds no certificate".to_owned()));
    }
    let key =
        PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::Key(error.to_string()))?;
    ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(TlsError::Pair)
}
