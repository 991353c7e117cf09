//! Client authentication: the `Authorization: Basic` header and what a body may add to it.
//!
//! Input: the header and the body with a line break between them. The same bytes also serve as a
//! client id and a secret that must survive being sent.

use data_encoding::BASE64;
use doorward::protocol::client::authentication::{self, Proof};
use doorward::protocol::params::Params;

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (first, second) = text.split_once('\n').unwrap_or((text, ""));
    read(first, second);
    if !first.is_empty() && !second.is_empty() {
        survives(first, second);
    }
}

fn read(header: &str, body: &str) {
    let Ok(body) = Params::parse(body.as_bytes()) else { return };
    let Ok(presented) = authentication::read(Some(header), &body, decode, |_| None) else { return };
    assert!(!presented.client_id.as_str().is_empty(), "a client without a name");
    assert!(header.get(..6).is_some_and(|scheme| scheme.eq_ignore_ascii_case("basic ")));
    assert!(body.get("client_secret").ok() == Some(None), "two methods at once");
    if let Ok(Some(id)) = body.get("client_id") {
        assert_eq!(id, presented.client_id.as_str(), "two clients at once");
    }
    match presented.proof {
        Proof::Basic { secrets } => assert!(matches!(secrets.len(), 1 | 2)),
        Proof::None => {}
        Proof::Post { .. } | Proof::Assertion { .. } => panic!("a header is no body"),
    }
}

/// RFC 6749 section 2.3.1: encoded as a form value, then base64. Whatever is sent like that arrives.
fn survives(id: &str, secret: &str) {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let (sent_id, sent_secret): (String, String) = (encode(id), encode(secret));
    let header = format!("Basic {}", BASE64.encode(format!("{sent_id}:{sent_secret}").as_bytes()));
    let presented = authentication::read(Some(&header), &Params::default(), decode, |_| None);
    let presented = presented.expect("a well-formed header is read");
    assert_eq!(presented.client_id.as_str(), id);
    let Proof::Basic { secrets } = presented.proof else { panic!("the secret is lost") };
    assert_eq!(secrets.first().map(String::as_str), Some(secret));
}

fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text.as_bytes()).ok()
}
