//! Subject identifiers (OpenID Connect Core section 8): whether a client knows a person by the same
//! `sub` as everybody else, or by one that only the clients of its sector share.

use std::collections::BTreeSet;

use super::client::{Client, ClientMetadata, SubjectType};
use super::redirect_uri;

/// The sector identifiers that the redirect URIs name (section 8.1): their hosts. A loopback address
/// or a scheme of a native app's own says nothing about whose app it is, so it names none.
#[must_use]
pub fn hosts(metadata: &ClientMetadata) -> BTreeSet<String> {
    metadata
        .redirect_uris
        .iter()
        .filter(|uri| !redirect_uri::is_loopback(uri))
        .filter_map(|uri| redirect_uri::web_host(uri))
        .collect()
}

/// The circle of clients that share a pairwise `sub` with this one; `None` for a client that gets
/// the public one.
///
/// It is the host of `sector_identifier_uri` or else the one host of all redirect URIs. A client
/// without either, such as a native app or a device, is a circle of its own; so is one whose several
/// hosts nobody has shown to belong together, which registration does not let happen.
#[must_use]
pub fn circle(client: &Client) -> Option<String> {
    let metadata = &client.metadata;
    if metadata.subject_type == SubjectType::Public {
        return None;
    }
    let of_sector = metadata
        .sector_identifier_uri
        .as_deref()
        .and_then(|uri| url::Url::parse(uri).ok()?.host_str().map(str::to_owned));
    let of_hosts = || {
        let mut hosts = hosts(metadata).into_iter();
        hosts.next().filter(|_| hosts.next().is_none())
    };
    Some(match of_sector.or_else(of_hosts) {
        Some(host) => format!("host:{host}"),
        None => format!("client:{}", client.id),
    })
}

#[cfg(test)]
mod tests {
    use super::super::client::tests::client;
    use super::*;

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
        assert_eq!(
            pairwise(&["https://a.test/", "http://localhost/cb"], None),
            Some("host:a.test".to_owned())
        );
    }
}
