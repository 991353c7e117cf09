//! TLS, where Doorward terminates it itself.

use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{self, CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{
    CertificateError, CipherSuite, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
};

use crate::crypto::certificate::Certificate;

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

/// Whether the other side is asked for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Browsers would show people a question they cannot answer.
    NotAsked,
    /// Asked for, and not demanded: most clients have none.
    Asked,
}

/// A certificate chain with its key.
pub type Pair = Arc<CertifiedKey>;

/// What the server shows in handshakes: one pair, which may be replaced while connections go on.
#[derive(Debug)]
pub struct Identity(ArcSwap<CertifiedKey>);

impl Identity {
    /// Shows this pair.
    #[must_use]
    pub fn new(pair: Pair) -> Arc<Self> {
        Arc::new(Self(ArcSwap::new(pair)))
    }

    /// Shows another pair from the next handshake on. Connections that are open stay as they are.
    pub fn replace(&self, pair: Pair) {
        self.0.store(pair);
    }
}

impl ResolvesServerCert for Identity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

/// Reads a chain and its key, both PEM files, and checks that they go together.
///
/// # Errors
/// [`TlsError`].
pub fn read_pair(certificates: &Path, key: &Path) -> Result<Pair, TlsError> {
    let chain = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| TlsError::Certificate(error.to_string()))?;
    if chain.is_empty() {
        return Err(TlsError::Certificate("the file holds no certificate".to_owned()));
    }
    let key =
        PrivateKeyDer::from_pem_file(key).map_err(|error| TlsError::Key(error.to_string()))?;
    let pair = CertifiedKey::from_der(chain, key, &provider()).map_err(TlsError::Pair)?;
    Ok(Arc::new(pair))
}

/// TLS 1.2 and 1.3 under this identity.
///
/// # Errors
/// [`TlsError`].
pub fn server_config(
    identity: &Arc<Identity>,
    clients: ClientCertificates,
) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(provider());
    // Installed once per process; a second time changes nothing.
    let _ = CryptoProvider::clone(&provider).install_default();
    let identity: Arc<dyn ResolvesServerCert> = Arc::<Identity>::clone(identity);
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Pair)?;
    let builder = match clients {
        ClientCertificates::NotAsked => builder.with_no_client_auth(),
        ClientCertificates::Asked => {
            builder.with_client_cert_verifier(Arc::new(AnyCertificate(provider)))
        }
    };
    Ok(builder.with_cert_resolver(identity))
}

/// In TLS 1.2 only what RFC 9325 section 4.2 recommends, as FAPI 2.0 section 5.2.2 demands.
fn provider() -> CryptoProvider {
    let mut provider = crypto::aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| {
        use CipherSuite as S;
        suite.tls13().is_some()
            || matches!(
                suite.suite(),
                S::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
                    | S::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
                    | S::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256
                    | S::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
            )
    });
    provider
}

/// Accepts every well-formed certificate whose private key the other side holds. Whose it is, and who
/// vouches for it, is asked where a client has to be authenticated: a handshake that failed could
/// not be explained to anybody (RFC 8705 section 7.2 leaves the choice).
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ClientCertVerifier for AnyCertificate {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let chain = intermediates.iter().map(|certificate| certificate.to_vec()).collect();
        match Certificate::new(end_entity.to_vec(), chain) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(_) => Err(Error::InvalidCertificate(CertificateError::BadEncoding)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
