//! A client certificate that a reverse proxy passes on in a header. Proxies write it in three ways.

use data_encoding::{BASE64, Encoding};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::{Certificate, NoCertificate};

/// Reads the value of the header:
/// - between colons, a byte sequence of structured fields (RFC 9440 section 2.1);
/// - a PEM text in which characters are escaped as in URLs (`$ssl_client_escaped_cert` of nginx);
/// - plain base64 (HAProxy, Traefik; of several, separated by commas, the first is the client's).
///
/// # Errors
/// [`NoCertificate`].
pub fn from_header(value: &str) -> Result<Certificate, NoCertificate> {
    let value = value.trim();
    let der = if let Some(inner) = value.strip_prefix(':') {
        base64(inner.strip_suffix(':').ok_or(NoCertificate)?)?
    } else if value.starts_with("-----BEGIN") {
        pem(value)?
    } else {
        base64(value.split(',').next().unwrap_or_default())?
    };
    Certificate::new(der, Vec::new())
}

fn base64(text: &str) -> Result<Vec<u8>, NoCertificate> {
    const STRICT: &Encoding = &BASE64;
    STRICT.decode(text.trim().as_bytes()).map_err(|_| NoCertificate)
}

fn pem(text: &str) -> Result<Vec<u8>, NoCertificate> {
    let plain = percent_decode(text).ok_or(NoCertificate)?;
    let certificate = CertificateDer::from_pem_slice(&plain).map_err(|_| NoCertificate)?;
    Ok(certificate.to_vec())
}

/// Undoes `%0A` and its like; `+` stays, since base64 has it.
fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    while let Some(byte) = rest.next() {
        plain.push(match byte {
            b'%' => digit(rest.next()?)? << 4 | digit(rest.next()?)?,
            other => other,
        });
    }
    Some(plain)
}
