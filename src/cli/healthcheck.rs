//! `doorward healthcheck`: for container images, which have no curl.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::exit::{Exit, Failure};
use super::globals::Globals;
use super::output::{Output, Table};
use crate::config::Config;

const EXAMPLES: &str = "\
Asks /readyz of the management listener, or of the main listener when that one is off. Exits with 4
when the server is not ready.

Examples:
  doorward healthcheck
  HEALTHCHECK CMD [\"doorward\", \"healthcheck\"]";

/// Ask a running server whether it is ready.
#[derive(Debug, Clone, Args)]
#[command(after_help = EXAMPLES)]
pub struct HealthcheckArgs {
    /// Seconds to wait for an answer
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=60))]
    pub timeout: u64,
}

pub(super) fn run(
    args: &HealthcheckArgs,
    globals: &Globals,
    output: &mut Output<'_>,
) -> Result<Exit, Failure> {
    let config = globals.load()?;
    let (address, path) = target(&config)?;
    let status = get(address, &path, Duration::from_secs(args.timeout)).map_err(|fault| {
        Failure::Unhealthy(format!("the server at {address} does not answer: {fault}"))
    })?;
    let mut table = Table::fields();
    let state = if status == 200 { "ready" } else { "not ready" };
    table.row([state, &format!("{address} answered {status}")]);
    let document = json!({ "ready": status == 200, "status": status, "address": address });
    output.data(&document, &table)?;
    Ok(if status == 200 { Exit::Done } else { Exit::Unhealthy })
}

/// The listener to ask, as seen from this machine, and the path of its readiness.
fn target(config: &Config) -> Result<(SocketAddr, String), Failure> {
    if let Some(address) = config.management.listen.address() {
        return Ok((reachable(address), "/readyz".to_owned()));
    }
    if config.server.tls_cert_file.is_some() {
        return Err(Failure::Usage(
            "the management listener is off and the main listener speaks https, which this \
             command does not. Set management.listen to 127.0.0.1:9464"
                .to_owned(),
        ));
    }
    match config.listen().first() {
        Some(address) => Ok((reachable(*address), format!("{}/readyz", config.issuer.path()))),
        None => Err(Failure::Usage("server.listen names no address".to_owned())),
    }
}

/// A server on "every address" is asked on the loopback address.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The status of a plain HTTP GET. The answer's body is nobody's business here.
fn get(address: SocketAddr, path: &str, timeout: Duration) -> std::io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.set_write_timeout(Some(timeout))?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUser-Agent: doorward-healthcheck\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    // "HTTP/1.1 200" is twelve bytes
    let mut start = [0; 12];
    stream.read_exact(&mut start)?;
    let text = String::from_utf8_lossy(&start);
    let status = text.strip_prefix("HTTP/1.1 ").and_then(|status| status.parse().ok());
    status.ok_or_else(|| std::io::Error::other("the answer is not HTTP"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::config::Sources;

    /// A server that gives one answer to the first who asks, and returns what was asked.
    fn answer_once(answer: &'static str) -> (SocketAddr, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = [0; 512];
            let length = stream.read(&mut asked).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        (address, server)
    }

    #[test]
    fn the_status_of_the_answer_is_what_counts() {
        for (answer, status) in [
            ("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 200),
            ("HTTP/1.1 503 Service Unavailable\r\n\r\n", 503),
        ] {
            let (address, server) = answer_once(answer);
            assert_eq!(get(address, "/readyz", Duration::from_secs(5)).unwrap(), status);
            assert!(server.join().unwrap().starts_with("GET /readyz HTTP/1.1\r\nHost: 127.0.0.1"));
        }
        let (address, server) = answer_once("SSH-2.0-OpenSSH_9.9\r\n");
        assert!(get(address, "/readyz", Duration::from_secs(5)).is_err());
        server.join().unwrap();
    }

    #[test]
    fn the_management_listener_is_asked_first_and_the_main_one_when_it_is_off() {
        let address = |sources: Sources| target(&Config::load(&sources).unwrap()).unwrap();
        let (asked, path) =
            address(Sources::none().variable("DOORWARD_MANAGEMENT__LISTEN", "0.0.0.0:9000"));
        assert_eq!((asked.to_string().as_str(), path.as_str()), ("127.0.0.1:9000", "/readyz"));
        let off = Sources::none()
            .variable("DOORWARD_MANAGEMENT__LISTEN", "off")
            .variable("DOORWARD_ISSUER", "https://example.com/auth")
            .variable("DOORWARD_SERVER__LISTEN", "[::]:8080");
        let (asked, path) = address(off);
        assert_eq!((asked.to_string().as_str(), path.as_str()), ("[::1]:8080", "/auth/readyz"));
    }
}
