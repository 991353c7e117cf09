//! TLS certificates of clients (RFC 8705): what is in one, and who vouches for it. Proof that the
//! client holds the private key is the TLS handshake's, here or at the proxy in front.

mod authorities;
mod header;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use aws_lc_rs::digest;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;
use x509_parser::x509::{AttributeTypeAndValue, RelativeDistinguishedName, SubjectPublicKeyInfo};

pub use authorities::ClientAuthorities;
pub use header::from_header;

use crate::clock::UnixTime;
use crate::protocol::client::certificate::CertificateNames;
use crate::protocol::client::distinguished_name::{Attribute, DistinguishedName};

/// A larger certificate is refused unread, in bytes.
const LARGEST: usize = 16 * 1024;
/// A longer chain is refused.
const LONGEST_CHAIN: usize = 8;

/// What was shown is no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client certificate cannot be read")]
pub struct NoCertificate;

/// A well-formed certificate. Nobody has said yet whether it is to be trusted.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    chain: Vec<Vec<u8>>,
    thumbprint: String,
}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Certificate").field("thumbprint", &self.thumbprint).finish_non_exhaustive()
    }
}

impl Certificate {
    /// Takes a certificate in DER with those between it and its authority, if they were sent.
    ///
    /// # Errors
    /// [`NoCertificate`] when it is not well-formed.
    pub fn new(der: Vec<u8>, chain: Vec<Vec<u8>>) -> Result<Self, NoCertificate> {
        if der.len() > LARGEST || chain.len() > LONGEST_CHAIN {
            return Err(NoCertificate);
        }
        parse(&der).ok_or(NoCertificate)?;
        let hash = digest::digest(&digest::SHA256, &der);
        Ok(Self { thumbprint: BASE64URL_NOPAD.encode(hash.as_ref()), der, chain })
    }

    /// The certificate itself.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Those between it and its authority, as they were sent.
    #[must_use]
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }

    /// `x5t#S256` (RFC 8705 section 3.1): SHA-256 of the DER, in base64url.
    #[must_use]
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// Whether `now` is within its period of validity.
    #[must_use]
    pub fn is_valid_at(&self, now: UnixTime) -> bool {
        let now = ASN1Time::from_timestamp(now.0).ok();
        let valid = |now: ASN1Time| Some(parse(&self.der)?.validity().is_valid_at(now));
        now.and_then(valid).unwrap_or(false)
    }

    /// The last moment of its validity.
    #[must_use]
    pub fn expires_at(&self) -> Option<UnixTime> {
        Some(UnixTime(parse(&self.der)?.validity().not_after.timestamp()))
    }

    /// The first certificate of a chain in PEM, which is the one of the server itself (RFC 8446 section
    /// 4.4.2).
    ///
    /// # Errors
    /// [`NoCertificate`] when there is none that can be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, NoCertificate> {
        let first = CertificateDer::pem_slice_iter(pem).next().ok_or(NoCertificate)?;
        Self::new(first.map_err(|_| NoCertificate)?.to_vec(), Vec::new())
    }

    /// The names it was issued for; `None` if one of them cannot be read.
    #[must_use]
    pub fn names(&self) -> Option<CertificateNames> {
        let certificate = parse(&self.der)?;
        let subject = certificate.subject().iter_rdn().map(attributes);
        let subject: Vec<_> = subject.collect::<Option<_>>()?;
        let mut names = CertificateNames {
            subject: DistinguishedName::of_certificate(subject.into_iter()),
            dns: Vec::new(),
            uris: Vec::new(),
            addresses: Vec::new(),
            emails: Vec::new(),
        };
        let Some(alternatives) = certificate.subject_alternative_name().ok()? else {
            return Some(names);
        };
        for name in &alternatives.value.general_names {
            match name {
                GeneralName::DNSName(text) => names.dns.push((*text).to_owned()),
                GeneralName::URI(text) => names.uris.push((*text).to_owned()),
                GeneralName::RFC822Name(text) => names.emails.push((*text).to_owned()),
                GeneralName::IPAddress(bytes) => names.addresses.extend(address(bytes)),
                _ => {}
            }
        }
        Some(names)
    }

    /// Whether this certificate, or its key, is in a client's JWK Set (RFC 8705 section 2.2.2). A key
    /// that comes with a certificate (`x5c`, `x5t#S256`) stands for that one only.
    #[must_use]
    pub fn is_among(&self, jwks: &Value) -> bool {
        let keys =
            jwks.get("keys").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let own = parse(&self.der).and_then(|certificate| key_members(certificate.public_key()));
        // A key for another use (RFC 7517 section 4.2) authenticates nobody.
        let signs = |key: &&Value| key.get("use").is_none_or(|kind| kind == "sig");
        keys.iter().filter(signs).any(|key| {
            if let Some(first) = key.get("x5c").and_then(|chain| chain.get(0)) {
                let der = first.as_str().and_then(|text| BASE64.decode(text.as_bytes()).ok());
                return der.is_some_and(|der| der == self.der);
            }
            if let Some(thumbprint) = key.get("x5t#S256") {
                return thumbprint.as_str() == Some(self.thumbprint());
            }
            own.as_ref()
                .is_some_and(|own| own.iter().all(|(name, value)| key.get(*name) == Some(value)))
        })
    }
}

/// A certificate that is all of the bytes.
fn parse(der: &[u8]) -> Option<X509Certificate<'_>> {
    let (rest, certificate) = X509Certificate::from_der(der).ok()?;
    rest.is_empty().then_some(certificate)
}

fn attributes(name: &RelativeDistinguishedName<'_>) -> Option<Vec<Attribute>> {
    let attribute = |attribute: &AttributeTypeAndValue<'_>| {
        let value = attribute.as_str().ok()?.to_owned();
        Some(Attribute { oid: attribute.attr_type().to_id_string(), value })
    };
    name.iter().map(attribute).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(IpAddr::from),
        16 => <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from),
        _ => None,
    }
}

/// The members of a JWK (RFC 7517 section 4) that make up this public key.
fn key_members(key: &SubjectPublicKeyInfo<'_>) -> Option<Vec<(&'static str, Value)>> {
    let text = |bytes: &[u8]| json!(BASE64URL_NOPAD.encode(bytes));
    let algorithm = key.algorithm.algorithm.to_id_string();
    match key.parsed().ok()? {
        PublicKey::RSA(rsa) => {
            let number = |bytes: &[u8]| {
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                text(bytes.get(zeros..).unwrap_or_default())
            };
            Some(vec![
                ("kty", json!("RSA")),
                ("n", number(rsa.modulus)),
                ("e", number(rsa.exponent)),
            ])
        }
        PublicKey::EC(point) => {
            let curve = key.algorithm.parameters.as_ref()?.as_oid().ok()?.to_id_string();
            let (name, size) = match curve.as_str() {
                "1.2.840.10045.3.1.7" => ("P-256", 32),
                "1.3.132.0.34" => ("P-384", 48),
                _ => return None,
            };
            // Only the uncompressed form, which is what everybody writes (RFC 5480 section 2.2).
            let coordinates =
                point.data().strip_prefix(&[4]).filter(|rest| rest.len() == 2 * size)?;
            let (x, y) = coordinates.split_at(size);
            Some(vec![("kty", json!("EC")), ("crv", json!(name)), ("x", text(x)), ("y", text(y))])
        }
        PublicKey::Unknown(bytes) if algorithm == "1.3.101.112" => {
            Some(vec![("kty", json!("OKP")), ("crv", json!("Ed25519")), ("x", text(bytes))])
        }
        _ => None,
    }
}
