//! Listening on the loopback interface and nowhere else: the demo has passwords everyone knows.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// Why a port could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    #[error(
        "port {0} is in use by another program: stop that program, or choose other ports with --port"
    )]
    Busy(u16),
    #[error("port {port} could not be opened on the loopback interface: {source}")]
    Failed { port: u16, source: io::Error },
}

/// Opens `port` on `127.0.0.1` and on `[::1]`, since browsers try either for `localhost`. A machine
/// without IPv6 gets the first only. Port 0 picks a free port, the same for both addresses.
pub fn loopback_listeners(port: u16) -> Result<Vec<TcpListener>, ListenError> {
    let first = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
    let chosen = first.local_addr().map_err(|source| ListenError::Failed { port, source })?.port();
    let mut listeners = vec![first];
    match bind(SocketAddr::from((Ipv6Addr::LOCALHOST, chosen))) {
        Ok(second) => listeners.push(second),
        Err(ListenError::Failed { source, .. }) if lacks_ipv6(&source) => {}
        Err(error) => return Err(error),
    }
    Ok(listeners)
}

/// Whether every listener is on the loopback interface.
pub(super) fn all_loopback(listeners: &[TcpListener]) -> io::Result<bool> {
    for listener in listeners {
        if !listener.local_addr()?.ip().is_loopback() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => ListenError::Busy(address.port()),
        _ => ListenError::Failed { port: address.port(), source },
    })
}

fn lacks_ipv6(error: &io::Error) -> bool {
    // EAFNOSUPPORT has no stable ErrorKind, so its Linux and macOS numbers stand here.
    matches!(error.kind(), io::ErrorKind::AddrNotAvailable | io::ErrorKind::Unsupported)
        || matches!(error.raw_os_error(), Some(97 | 47))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_on_the_loopback_interface_and_share_one_port() {
        let listeners = loopback_listeners(0).unwrap();
        assert!(all_loopback(&listeners).unwrap());
        let port = listeners[0].local_addr().unwrap().port();
        assert!(listeners.iter().all(|l| l.local_addr().unwrap().port() == port));
    }

    #[test]
    fn a_busy_port_is_named_in_the_error() {
        let holder = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = holder.local_addr().unwrap().port();
        let error = loopback_listeners(port).unwrap_err();
        assert!(matches!(error, ListenError::Busy(busy) if busy == port));
        assert!(error.to_string().contains(&port.to_string()));
    }
}
