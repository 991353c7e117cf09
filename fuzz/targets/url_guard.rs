//! URLs that apps supply: nothing may pass that leads anywhere but to a web server on the public
//! internet, unless the administrator listed it.
//!
//! Input: the URL, and below a line break perhaps an entry of the administrator's list.

use std::net::IpAddr;

use doorward::config::{AllowedTarget, OutboundSettings};
use doorward::outbound::vet_url;
use url::{Host, Url};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (text, listed) = text.split_once('\n').unwrap_or((text, ""));
    let strict = OutboundSettings::default();
    let passed = vet_url(text, &strict);
    if let Ok(url) = &passed {
        leads_outside(text, url);
        // A request shows no fragment; nothing else of the URL may change on the way.
        assert_eq!(Url::parse(text).as_ref(), Ok(url), "what was vetted is what is asked for");
    }
    let Ok(target) = AllowedTarget::try_from(listed.to_owned()) else { return };
    let settings = OutboundSettings { allow_private: vec![target.clone()], ..strict };
    let with_list = vet_url(text, &settings);
    if passed.is_ok() {
        assert_eq!(with_list, passed, "a list only adds");
    } else if let Ok(url) = with_list {
        is_what_was_listed(&url, &target);
    }
}

fn leads_outside(text: &str, url: &Url) {
    assert_eq!(url.scheme(), "https", "{text}");
    assert!(url.username().is_empty() && url.password().is_none(), "{text}");
    let port = url.port_or_known_default().expect("a port");
    assert!(port == 443 || port > 1024, "{text}");
    match url.host().expect("a host") {
        Host::Domain(name) => {
            assert!(!is_localhost(name.trim_end_matches('.')), "{text}");
            assert!(name.trim_end_matches('.').parse::<IpAddr>().is_err(), "{text}");
        }
        Host::Ipv4(address) => {
            let inside = address.is_loopback()
                || address.is_private()
                || address.is_link_local()
                || address.is_unspecified()
                || address.is_broadcast()
                || address.is_multicast()
                || address.is_documentation();
            assert!(!inside, "{text}");
        }
        Host::Ipv6(address) => {
            let inside = address.is_loopback()
                || address.is_unspecified()
                || address.is_multicast()
                || address.is_unique_local()
                || address.is_unicast_link_local()
                || address.to_ipv4().is_some();
            assert!(!inside, "{text}");
        }
    }
}

fn is_what_was_listed(url: &Url, target: &AllowedTarget) {
    assert_eq!(url.scheme(), "https");
    let port = url.port_or_known_default().expect("a port");
    let address = match url.host().expect("a host") {
        Host::Domain(_) => None,
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(IpAddr::V6(address).to_canonical()),
    };
    let name = url.domain().unwrap_or_default().trim_end_matches('.');
    match target {
        AllowedTarget::Network(network) => {
            let local = is_localhost(name);
            assert!(local || address.is_some_and(|address| network.contains(&address)), "{url}");
        }
        AllowedTarget::Address(listed) => {
            assert_eq!((address, port), (Some(listed.ip()), listed.port()));
        }
        AllowedTarget::Host { name: listed, port: listed_port } => {
            assert_eq!(name, listed);
            assert!(listed_port.is_none_or(|listed| listed == port), "{url}");
        }
    }
}

/// The name and everything below it (RFC 6761 section 6.3).
fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}
