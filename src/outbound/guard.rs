//! Where a URL that somebody else supplied may lead: its text, and the addresses its host has.
//! Nothing here resolves or connects.

use std::net::{IpAddr, SocketAddr};

use url::{Host, Url};

use super::address::is_public;
use crate::config::{AllowedTarget, OutboundSettings};

/// The longest URL taken, in bytes.
const LONGEST: usize = 2000;

/// Why a URL is refused; the text completes "the URL …".
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlProblem {
    #[error("is longer than 2,000 characters")]
    TooLong,
    #[error("must be ASCII without spaces, quotes, backslashes or control characters")]
    Characters,
    #[error("is not an absolute URL")]
    NotAbsolute,
    #[error("must use https")]
    NotHttps,
    #[error("must not carry a user name or password")]
    UserInfo,
    #[error("uses a port of another service; 443 and those above 1024 are allowed")]
    Port,
    #[error("leads to an address that is not on the public internet")]
    PrivateAddress,
}

/// How much is allowed at the place a URL names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Public addresses, and those in an allowed network.
    Vetted,
    /// The administrator listed this very host: wherever its name leads.
    Listed,
}

/// Checks the text of a URL that somebody else supplied, as far as that goes without asking the
/// domain name system: for registration of metadata, and before every request.
///
/// The parser brings every notation of a host into one form first (`0x7f.1`, `2130706433`,
/// full-width digits), so what is vetted here is what would be connected to.
///
/// # Errors
/// The first rule that the URL breaks.
pub fn vet_url(text: &str, settings: &OutboundSettings) -> Result<Url, UrlProblem> {
    vet(text, settings).map(|(url, _)| url)
}

pub(super) fn vet(text: &str, settings: &OutboundSettings) -> Result<(Url, Reach), UrlProblem> {
    if text.len() > LONGEST {
        return Err(UrlProblem::TooLong);
    }
    // Parsers disagree about what these mean, and drop some of them silently.
    let odd = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'\\' | b'"' | b'<' | b'>');
    if text.bytes().any(odd) {
        return Err(UrlProblem::Characters);
    }
    let url = Url::parse(text).map_err(|_| UrlProblem::NotAbsolute)?;
    if url.scheme() != "https" {
        return Err(UrlProblem::NotHttps);
    }
    // `https:host` and `https:///host` parse, but nobody means them.
    let authority = text.get("https://".len()..).unwrap_or_default();
    if !text.as_bytes().get("https:".len()..).is_some_and(|rest| rest.starts_with(b"//"))
        || authority.starts_with(['/', ':'])
    {
        return Err(UrlProblem::NotAbsolute);
    }
    let user_info = authority.split(['/', '?', '#']).next().unwrap_or_default().contains('@');
    if user_info || !url.username().is_empty() || url.password().is_some() {
        return Err(UrlProblem::UserInfo);
    }
    let reach = vet_place(&url, settings)?;
    Ok((url, reach))
}

fn vet_place(url: &Url, settings: &OutboundSettings) -> Result<Reach, UrlProblem> {
    let port = url.port_or_known_default().unwrap_or_default();
    let place = match url.host().ok_or(UrlProblem::NotAbsolute)? {
        Host::Domain(name) => Place::Name(name.trim_end_matches('.')),
        Host::Ipv4(address) => Place::Address(address.into()),
        Host::Ipv6(address) => Place::Address(address.into()),
    };
    if lists(settings, &place, port) {
        return Ok(Reach::Listed);
    }
    if port != 443 && port <= 1024 {
        return Err(UrlProblem::Port);
    }
    match place {
        Place::Name(name) if lists_name(settings, name) => Ok(Reach::Listed),
        // RFC 6761: these names mean this machine, whatever a resolver says.
        Place::Name(name) if is_localhost(name) && !allows_loopback(settings) => {
            Err(UrlProblem::PrivateAddress)
        }
        Place::Address(address) if !may_connect(address, settings) => {
            Err(UrlProblem::PrivateAddress)
        }
        Place::Name("") => Err(UrlProblem::NotAbsolute),
        Place::Name(_) | Place::Address(_) => Ok(Reach::Vetted),
    }
}

/// Whether Doorward may connect to this address of a host nobody listed.
pub(super) fn may_connect(address: IpAddr, settings: &OutboundSettings) -> bool {
    // An IPv4-mapped address is the IPv4 address for whoever connects.
    let plain = address.to_canonical();
    is_public(address)
        || settings.allow_private.iter().any(|target| match target {
            AllowedTarget::Network(network) => network.contains(&plain),
            AllowedTarget::Address(_) | AllowedTarget::Host { .. } => false,
        })
}

enum Place<'a> {
    Name(&'a str),
    Address(IpAddr),
}

/// Whether this place is listed together with this port.
fn lists(settings: &OutboundSettings, place: &Place<'_>, port: u16) -> bool {
    settings.allow_private.iter().any(|target| match (target, place) {
        (AllowedTarget::Address(listed), Place::Address(address)) => {
            *listed == SocketAddr::new(address.to_canonical(), port)
        }
        (AllowedTarget::Host { name, port: Some(listed) }, Place::Name(given)) => {
            name == given && *listed == port
        }
        _ => false,
    })
}

/// Whether this name is listed for every port.
fn lists_name(settings: &OutboundSettings, given: &str) -> bool {
    settings
        .allow_private
        .iter()
        .any(|target| matches!(target, AllowedTarget::Host { name, port: None } if name == given))
}

fn is_localhost(name: &str) -> bool {
    let top = name.rsplit('.').next().unwrap_or_default();
    top.eq_ignore_ascii_case("localhost")
}

fn allows_loopback(settings: &OutboundSettings) -> bool {
    let loopbacks = [IpAddr::from([127, 0, 0, 1]), IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])];
    loopbacks.into_iter().any(|address| may_connect(address, settings))
}

#[cfg(test)]
mod tests;
