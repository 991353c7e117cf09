//! Name resolution that hands on vetted addresses only. The connection is made to what is returned
//! here, so nobody can answer differently between the check and its use (DNS rebinding).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::{Reach, may_connect};
use crate::config::OutboundSettings;

/// A host has an address Doorward may not connect to.
#[derive(Debug, thiserror::Error)]
#[error("{host} has the address {address}, which is neither public nor in outbound.allow_private")]
pub(super) struct Inside {
    host: String,
    address: IpAddr,
}

/// The resolver of one client.
pub(super) struct Vetting {
    pub(super) settings: Arc<OutboundSettings>,
    pub(super) reach: Reach,
}

impl Resolve for Vetting {
    fn resolve(&self, name: Name) -> Resolving {
        let settings = Arc::clone(&self.settings);
        let reach = self.reach;
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((host.as_str(), 0)).await?.collect();
            if reach == Reach::Vetted {
                vet_all(&host, &found, &settings)?;
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// One address that leads inside spoils the whole name: nobody has both by accident.
fn vet_all(host: &str, found: &[SocketAddr], settings: &OutboundSettings) -> Result<(), Inside> {
    match found.iter().find(|address| !may_connect(address.ip(), settings)) {
        Some(address) => Err(Inside { host: host.to_owned(), address: address.ip() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_inside_address_spoils_the_name() {
        let settings = OutboundSettings::default();
        let addresses = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| SocketAddr::new(text.parse().expect(text), 0)).collect()
        };
        assert!(vet_all("a.test", &addresses(&["8.8.8.8", "2606:4700::1"]), &settings).is_ok());
        for bad in [&["8.8.8.8", "127.0.0.1"][..], &["::1"], &["10.0.0.1", "8.8.8.8"]] {
            assert!(vet_all("a.test", &addresses(bad), &settings).is_err(), "{bad:?}");
        }
    }
}
