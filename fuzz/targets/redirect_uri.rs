//! Comparing redirect URIs: nothing may pass that a browser would take elsewhere than to the
//! registered place.
//!
//! Input: one byte that chooses the kind of client, then the registered and the presented URI with
//! a line break between them.

use doorward::protocol::client::{ClientKind, redirect_uri};
use url::Url;

pub fn check(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let Some((registered, presented)) = text.split_once('\n') else { return };
    let kind = ClientKind::ALL[usize::from(*kind) % ClientKind::ALL.len()];
    assert!(redirect_uri::matches(registered, registered, kind), "a URI is itself");
    let same = redirect_uri::matches(registered, presented, kind);
    assert_eq!(same, redirect_uri::matches(presented, registered, kind), "no order matters");
    if !same || registered == presented {
        return;
    }
    assert_eq!(kind, ClientKind::Native, "only native apps may vary anything");
    // What was registered passed `validate`; of other texts nothing is promised.
    if redirect_uri::validate(registered, kind).is_ok() {
        differ_in_port_only(registered, presented);
    }
}

/// As a browser reads them.
fn differ_in_port_only(registered: &str, presented: &str) {
    let registered = Url::parse(registered).expect("a registered URI is a URL");
    let mut presented = Url::parse(presented).expect("a URI that matches is a URL");
    assert_eq!(presented.scheme(), "http", "{presented}");
    let host = presented.host_str().unwrap_or_default();
    assert!(matches!(host, "127.0.0.1" | "[::1]" | "localhost"), "{presented}");
    presented.set_port(registered.port()).expect("a URL with a host takes a port");
    assert_eq!(registered, presented);
}
