//! Client ID metadata documents: a document speaks only for its own URL, sends people only to where
//! it lives or to their own device, and holds no secret.
//!
//! Input: a client id, a line break, the document.

use doorward::protocol::client::metadata_document::{host_of, is_url, read};
use doorward::protocol::client::{PkcePolicy, validation};
use doorward::protocol::jose::strict_json;
use url::Url;

use super::client_metadata::{lead_nowhere_dangerous, policy, told};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (id, document) = text.split_once('\n').unwrap_or((text, ""));
    if let Ok(host) = host_of(id) {
        is_the_one_spelling(id, &host);
    }
    let Ok(members) = strict_json::object(document.as_bytes()) else { return };
    let metadata = match read(&members, id, &policy()) {
        Err(problems) => return told(&problems),
        Ok(metadata) => metadata,
    };
    assert_eq!(members.get("client_id").and_then(|id| id.as_str()), Some(id));
    assert!(!members.contains_key("client_secret"));
    assert_eq!(metadata.pkce, PkcePolicy::Required);
    let home = Url::parse(id).map(|url| url.origin());
    for uri in &metadata.redirect_uris {
        let url = Url::parse(uri).expect("a URL");
        let loopback = matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
        let at_home = home.as_ref().is_ok_and(|home| *home == url.origin());
        assert!(at_home || loopback && url.scheme() == "http", "{uri} of {id}");
    }
    if validation::validate(&metadata).is_ok() {
        lead_nowhere_dangerous(&metadata);
    }
}

/// Whatever passes reads the same to everybody.
fn is_the_one_spelling(id: &str, host: &str) {
    assert!(is_url(id), "{id}");
    let url = Url::parse(id).expect("a URL");
    assert_eq!(url.as_str(), id);
    assert_eq!((url.scheme(), url.host_str()), ("https", Some(host)));
    assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
    assert!(url.path().len() > 1 && !url.path().split('/').any(|s| s == "." || s == ".."), "{id}");
}
