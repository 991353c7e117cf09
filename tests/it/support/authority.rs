//! A certificate authority of a test's own.

use std::sync::OnceLock;

use data_encoding::BASE64URL_NOPAD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};

/// An authority that signs certificates of servers and clients.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its key.
#[derive(Clone)]
pub struct Identity {
    pub certificate: CertificateDer<'static>,
    /// PKCS #8.
    pub key: Vec<u8>,
    /// Certificate and key in PEM, as `reqwest::Identity::from_pem` takes them.
    pub pem: String,
    pub certificate_pem: String,
    pub key_pem: String,
    /// The public key as a JWK.
    pub jwk: Value,
}

impl Identity {
    /// The key for rustls.
    pub fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }

    fn new(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        let (certificate_pem, key_pem) = (certificate.pem(), key.serialize_pem());
        Self {
            certificate: certificate.der().clone(),
            key: key.serialize_der(),
            pem: format!("{certificate_pem}{key_pem}"),
            certificate_pem,
            key_pem,
            jwk: jwk(key.public_key_raw()),
        }
    }

    /// Another certificate of these names for the same key, valid until 2021 only.
    pub fn expired(&self, names: &[Name<'_>]) -> Self {
        let key = KeyPair::from_pem(&self.key_pem).expect("a key");
        let mut parameters = parameters(names);
        parameters.not_after = rcgen::date_time_ymd(2021, 1, 1);
        Self::new(&parameters.self_signed(&key).expect("a certificate"), &key)
    }

    /// A client certificate that only its own key has signed.
    pub fn self_signed(names: &[Name<'_>]) -> Self {
        let key = KeyPair::generate().expect("a key");
        let certificate = parameters(names).self_signed(&key).expect("a certificate");
        Self::new(&certificate, &key)
    }
}

/// Whom a certificate is for.
#[derive(Clone, Copy, Debug)]
pub enum Name<'a> {
    /// A part of the subject's distinguished name.
    Common(&'a str),
    Organization(&'a str),
    Country(&'a str),
    /// Subject alternative names.
    Dns(&'a str),
    Address(&'a str),
    Uri(&'a str),
    Email(&'a str),
}

impl Authority {
    /// An authority nobody else trusts.
    pub fn new() -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, "Doorward test authority");
        let key = KeyPair::generate().expect("a key");
        let pem = parameters.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(parameters, key), pem }
    }

    /// The authority of this test process: everything of [`super::tls_peer`] is signed by it.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Authority> = OnceLock::new();
        SHARED.get_or_init(Self::new)
    }

    /// Its own certificate, for those who shall trust it.
    pub fn pem(&self) -> &str {
        &self.pem
    }

    /// A certificate for a server or a client.
    pub fn issue(&self, names: &[Name<'_>]) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let certificate =
            parameters(names).signed_by(&key, &self.issuer).expect("a signed certificate");
        Identity::new(&certificate, &key)
    }
}

/// The JWK of a P-256 point in its uncompressed form.
fn jwk(point: &[u8]) -> Value {
    let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    json!({ "kty": "EC", "crv": "P-256", "x": text(&point[1..33]), "y": text(&point[33..65]) })
}

fn parameters(names: &[Name<'_>]) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    for name in names {
        let subject = &mut parameters.distinguished_name;
        let alternatives = &mut parameters.subject_alt_names;
        match *name {
            Name::Common(text) => subject.push(DnType::CommonName, text),
            Name::Organization(text) => subject.push(DnType::OrganizationName, text),
            Name::Country(text) => subject.push(DnType::CountryName, text),
            Name::Dns(text) => alternatives.push(SanType::DnsName(text.try_into().expect(text))),
            Name::Uri(text) => alternatives.push(SanType::URI(text.try_into().expect(text))),
            Name::Email(text) => {
                alternatives.push(SanType::Rfc822Name(text.try_into().expect(text)));
            }
            Name::Address(text) => {
                alternatives.push(SanType::IpAddress(text.parse().expect(text)));
            }
        }
    }
    parameters
}
