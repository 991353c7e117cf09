//! The authorities whose client certificates are believed.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime as TlsTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::Certificate;
use crate::clock::UnixTime;

/// Authorities of client certificates, from `server.client_ca_file`.
pub struct ClientAuthorities(Arc<dyn ClientCertVerifier>);

impl std::fmt::Debug for ClientAuthorities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientAuthorities")
    }
}

impl ClientAuthorities {
    /// Reads a PEM file.
    ///
    /// # Errors
    /// A line for the operator.
    pub fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let pem = std::fs::read(path)
            .map_err(|fault| format!("the file {shown} could not be read: {fault}"))?;
        Self::from_pem(&pem).map_err(|fault| format!("the file {shown} {fault}"))
    }

    /// Takes certificates in PEM. Those of intermediate authorities may be among them.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn from_pem(pem: &[u8]) -> Result<Self, &'static str> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate =
                certificate.map_err(|_| "is damaged: it must hold certificates in PEM")?;
            roots.add(certificate).map_err(|_| "holds a certificate that cannot be read")?;
        }
        if roots.is_empty() {
            return Err("holds no certificate in PEM");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
        verifier.map(Self).map_err(|_| "holds certificates that cannot be used")
    }

    /// Whether one of them vouches for this certificate now (RFC 5280 section 6).
    #[must_use]
    pub fn vouch_for(&self, certificate: &Certificate, now: UnixTime) -> bool {
        let chain: Vec<CertificateDer<'_>> =
            certificate.chain().iter().map(|der| CertificateDer::from(der.as_slice())).collect();
        let seconds = u64::try_from(now.0).unwrap_or(0);
        let now = TlsTime::since_unix_epoch(Duration::from_secs(seconds));
        self.0.verify_client_cert(&certificate.der().into(), &chain, now).is_ok()
    }
}
