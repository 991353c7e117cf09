//! Which certificate is a client's (RFC 8705 section 2.1.2): the names in the certificate, and the
//! one that the client has registered.

use std::net::IpAddr;

use crate::protocol::client::ClientMetadata;
use crate::protocol::client::distinguished_name::DistinguishedName;

/// The names a certificate was issued for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateNames {
    pub subject: DistinguishedName,
    pub dns: Vec<String>,
    pub uris: Vec<String>,
    pub addresses: Vec<IpAddr>,
    pub emails: Vec<String>,
}

/// Whether the certificate carries the name that this client has registered. Names are compared as
/// they are: a wildcard in a certificate stands for nothing but itself.
#[must_use]
pub fn names_client(names: &CertificateNames, metadata: &ClientMetadata) -> bool {
    let m = metadata;
    let expected = [
        m.tls_client_auth_subject_dn.as_deref().map(|text| {
            DistinguishedName::parse(text).is_some_and(|subject| subject == names.subject)
        }),
        m.tls_client_auth_san_dns
            .as_deref()
            .map(|host| names.dns.iter().any(|known| known.eq_ignore_ascii_case(host))),
        m.tls_client_auth_san_uri.as_ref().map(|uri| names.uris.contains(uri)),
        m.tls_client_auth_san_ip
            .as_deref()
            .map(|text| text.parse().is_ok_and(|address| names.addresses.contains(&address))),
        m.tls_client_auth_san_email.as_ref().map(|email| names.emails.contains(email)),
    ];
    // Exactly one is registered; if it ever were two, both have to fit.
    let mut registered = expected.into_iter().flatten().peekable();
    registered.peek().is_some() && registered.all(|fits| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> CertificateNames {
        CertificateNames {
            subject: DistinguishedName::parse("CN=app,O=Example").unwrap(),
            dns: vec!["app.example".into(), "*.wild.example".into()],
            uris: vec!["spiffe://example/app".into()],
            addresses: vec!["192.0.2.7".parse().unwrap(), "2001:db8::7".parse().unwrap()],
            emails: vec!["app@example.com".into()],
        }
    }

    type Set = fn(&mut ClientMetadata, String);

    const MEMBERS: [(Set, &[&str], &[&str]); 5] = [
        (
            |m, text| m.tls_client_auth_subject_dn = Some(text),
            &["CN=app,O=Example", "cn=app, o=Example"],
            &["O=Example,CN=app", "CN=app", "CN=app,O=Example,C=DE", "CN=APP,O=Example", "junk"],
        ),
        (
            |m, text| m.tls_client_auth_san_dns = Some(text),
            &["app.example", "APP.example", "*.wild.example"],
            &["x.wild.example", "example", "app.example.", "app.example.com", "app"],
        ),
        (
            |m, text| m.tls_client_auth_san_uri = Some(text),
            &["spiffe://example/app"],
            &["spiffe://example/app/", "spiffe://example/App", "spiffe://example"],
        ),
        (
            |m, text| m.tls_client_auth_san_ip = Some(text),
            &["192.0.2.7", "2001:db8::7", "2001:DB8:0::0:7"],
            &["192.0.2.8", "::ffff:192.0.2.7", "junk"],
        ),
        (
            |m, text| m.tls_client_auth_san_email = Some(text),
            &["app@example.com"],
            &["App@example.com", "app@example.org"],
        ),
    ];

    #[test]
    fn the_registered_name_must_be_in_the_certificate() {
        for (set, good, bad) in MEMBERS {
            for (text, expected) in
                good.iter().map(|t| (t, true)).chain(bad.iter().map(|t| (t, false)))
            {
                let mut metadata = ClientMetadata::default();
                set(&mut metadata, (*text).to_owned());
                assert_eq!(names_client(&names(), &metadata), expected, "{text}");
            }
        }
    }

    #[test]
    fn a_client_without_a_registered_name_has_no_certificate_and_two_names_must_both_fit() {
        let mut metadata = ClientMetadata::default();
        assert!(!names_client(&names(), &metadata));
        metadata.tls_client_auth_san_dns = Some("app.example".into());
        metadata.tls_client_auth_san_email = Some("other@example.com".into());
        assert!(!names_client(&names(), &metadata));
    }
}
