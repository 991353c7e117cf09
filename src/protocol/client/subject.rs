//! Subject identifiers (OpenID Connect Core section 8): whether a client knows a person by the same
//! `sub` as everybody else, or by one that only the clients of its sector share.

use std::collections::BTreeSet;

use crate::protocol::client::redirect_uri::https_host;
use crate::protocol::client::{Client, ClientMetadata, SubjectType};

/// The hosts that the redirect URIs name (section 8.1). Only https says whose app it is: whoever
/// listens on a loopback address or has taken a scheme of an app's own may write any host into it.
#[must_use]
pub fn hosts(metadata: &ClientMetadata) -> BTreeSet<String> {
    metadata.redirect_uris.iter().filter_map(|uri| https_host(uri)).collect()
}

/// The one host at which every answer to the client arrives, if there is one: no answer may go
/// anywhere else, or whoever is there would belong to the host's circle.
fn sole_host(metadata: &ClientMetadata) -> Option<String> {
    let mut hosts = metadata.redirect_uris.iter().map(|uri| https_host(uri));
    let first = hosts.next()??;
    hosts.all(|host| host.as_ref() == Some(&first)).then_some(first)
}

/// Whether nothing says whom the pairwise `sub` of this client would be shared with: its redirect
/// URIs name several hosts, or one host and places that are on none.
#[must_use]
pub fn is_unclear(metadata: &ClientMetadata) -> bool {
    metadata.subject_type == SubjectType::Pairwise
        && metadata.sector_identifier_uri.is_none()
        && !hosts(metadata).is_empty()
        && sole_host(metadata).is_none()
}

/// The circle of clients that share a pairwise `sub` with this one; `None` for a client that gets
/// the public one.
///
/// It is the host of `sector_identifier_uri` or else the one host of all redirect URIs. A client
/// without either, such as a native app or a device, is a circle of its own; so is one that is
/// unclear, which registration does not let happen.
#[must_use]
pub fn circle(client: &Client) -> Option<String> {
    let metadata = &client.metadata;
    if metadata.subject_type == SubjectType::Public {
        return None;
    }
    let of_sector = metadata.sector_identifier_uri.as_deref().and_then(https_host);
    Some(match of_sector.or_else(|| sole_host(metadata)) {
        Some(host) => format!("host:{host}"),
        None => format!("client:{}", client.id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::tests::client;

    fn pairwise(uris: &[&str], sector: Option<&str>) -> Option<String> {
        let mut client = client();
        client.metadata.subject_type = SubjectType::Pairwise;
        client.metadata.redirect_uris = uris.iter().map(|uri| (*uri).to_owned()).collect();
        client.metadata.sector_identifier_uri = sector.map(str::to_owned);
        circle(&client)
    }

    #[test]
    fn a_public_client_has_no_circle() {
        assert_eq!(circle(&client()), None);
    }

    #[test]
    fn the_sector_is_the_host_of_its_document_or_of_every_redirect_uri() {
        let host = |text: &str| Some(text.to_owned());
        assert_eq!(
            pairwise(&["https://rp.test/a", "https://rp.test:8443/b"], None),
            host("host:rp.test")
        );
        assert_eq!(
            pairwise(&["https://a.test/", "https://b.test/"], Some("https://both.test/s.json")),
            host("host:both.test")
        );
        assert_eq!(pairwise(&["https://RP.test/"], None), host("host:rp.test"));
    }

    #[test]
    fn an_app_without_a_host_of_its_own_is_a_circle_of_its_own() {
        let own = Some("client:conf-basic".to_owned());
        for uris in [
            &["http://127.0.0.1/cb"][..],
            &["com.example.app:/cb", "http://localhost:1/cb"],
            &["com.evil.app://bank.test/cb"],
            &[],
            &["https://a.test/", "https://b.test/"],
        ] {
            assert_eq!(pairwise(uris, None), own, "{uris:?}");
        }
    }

    #[test]
    fn nobody_joins_the_circle_of_a_host_that_their_answers_do_not_all_reach() {
        let own = Some("client:conf-basic".to_owned());
        for uris in [
            &["com.evil.app://bank.test/cb"][..],
            &["https://bank.test/cb", "http://127.0.0.1/cb"],
            &["https://bank.test/cb", "http://localhost/cb"],
            &["https://bank.test/cb", "com.evil.app:/cb"],
            &["https://bank.test/cb", "com.evil.app://bank.test/cb"],
            &["com.evil.app:///cb", "https://bank.test/cb"],
        ] {
            assert_eq!(pairwise(uris, None), own, "{uris:?}");
        }
    }
}
