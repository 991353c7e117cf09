//! Certificates of clients: whatever a proxy's header or a certificate holds, reading it does not
//! panic, and what was read is what stands there.
//!
//! Input: one byte that chooses, then the value of the header, a certificate in DER, or a
//! distinguished name.

use data_encoding::BASE64;
use doorward::clock::UnixTime;
use doorward::crypto::certificate::{Certificate, from_header};
use doorward::protocol::client::ClientMetadata;
use doorward::protocol::client::certificate::names_client;
use doorward::protocol::client::distinguished_name::DistinguishedName;
use serde_json::json;

pub fn check(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    match choice % 3 {
        0 => header(rest),
        1 => certificate(rest),
        _ => name(rest),
    }
}

fn header(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(read) = from_header(text) else { return };
    let again = format!(":{}:", BASE64.encode(read.der()));
    assert_eq!(from_header(&again), Ok(read), "every way to write it says the same");
}

fn certificate(data: &[u8]) {
    let der = BASE64.decode(data).unwrap_or_else(|_| data.to_vec());
    let Ok(read) = Certificate::new(der.clone(), Vec::new()) else { return };
    assert_eq!(read.der(), der);
    assert_eq!(read.thumbprint().len(), 43);
    let _ = read.is_valid_at(UnixTime(1_800_000_000));
    let x5c = json!({ "keys": [{ "kty": "EC", "x5c": [BASE64.encode(&der)] }] });
    assert!(read.is_among(&x5c), "it is itself");
    assert!(!read.is_among(&json!({ "keys": [{ "kty": "EC" }, { "kty": "RSA" }, {}] })));
    let Some(names) = read.names() else { return };
    assert!(!names_client(&names, &ClientMetadata::default()), "nobody registered a name");
    for dns in &names.dns {
        let metadata = ClientMetadata {
            tls_client_auth_san_dns: Some(dns.clone()),
            ..ClientMetadata::default()
        };
        assert!(names_client(&names, &metadata), "{dns}");
    }
}

fn name(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(read) = DistinguishedName::parse(text) else { return };
    assert!(text.contains('='), "{text}");
    assert_eq!(DistinguishedName::parse(text), Some(read.clone()));
    let longer = DistinguishedName::parse(&format!("{text},C=DE"));
    assert_ne!(longer, Some(read), "one part more is another name");
}
