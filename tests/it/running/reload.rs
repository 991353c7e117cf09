//! SIGHUP: what a running server reads again, what waits for its next start, and that a mistake changes
//! nothing.

use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::kit::flow::{PASSWORD, PATIENCE, create_user, get, submit_sign_in};
use crate::kit::mtls::two_listeners;
use crate::support::authority::{Authority, Identity, Name};
use crate::support::process::{Signal, wait_until_async};
use crate::support::world::World;

/// What the log says when nothing was taken over.
const NOTHING: &str = "nothing was changed";

async fn connect(port: u16) -> TlsStream<TcpStream> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(Authority::shared().pem().as_bytes());
    roots.add(authority.expect("the authority")).expect("a root");
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.expect("a handshake")
}

/// The certificate a new connection is shown.
async fn shown(port: u16) -> Vec<u8> {
    let stream = connect(port).await;
    let chain = stream.get_ref().1.peer_certificates().expect("a certificate");
    chain[0].to_vec()
}

/// Asks on a connection that stays open.
async fn ask(stream: &mut TlsStream<TcpStream>) {
    let request = b"HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(request).await.expect("the request is sent");
    let mut answer = Vec::new();
    while !answer.windows(4).any(|end| end == b"\r\n\r\n") {
        let read = stream.read_buf(&mut answer).await.expect("an answer");
        assert!(read > 0, "the connection was closed");
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}

fn write(world: &World, certificate: &Identity, key: &Identity) {
    std::fs::write(world.path("server.pem"), &certificate.certificate_pem).expect("write a file");
    std::fs::write(world.path("server.key"), &key.key_pem).expect("write a file");
}

/// Sends SIGHUP and waits for the log to say this once more.
async fn reload(world: &World, words: &str) -> String {
    let said = || {
        world
            .log()
            .lines()
            .filter(|line| line.contains(words))
            .map(ToOwned::to_owned)
            .collect::<Vec<_>>()
    };
    let before = said().len();
    world.signal(Signal::Hangup);
    wait_until_async(&format!("{words:?} in the log"), PATIENCE, async || said().len() > before)
        .await;
    said().pop().unwrap_or_default()
}

async fn signs_in_anew(world: &World) -> u16 {
    submit_sign_in(&world.browser(), "alice", PASSWORD).await.status.as_u16()
}

on_both_backends! {
    async fn a_new_certificate_is_shown_to_new_connections(backend: Backend) {
        let (world, mtls) = two_listeners(backend).await;
        let old = shown(world.port).await;
        assert_eq!(shown(mtls).await, old);
        let mut kept = connect(world.port).await;
        ask(&mut kept).await;
        let [next, other] =
            [(); 2].map(|()| Authority::shared().issue(&[Name::Common("next"), Name::Dns("localhost")]));

        write(&world, &next, &other);
        let line = reload(&world, NOTHING).await;
        assert!(line.contains("do not go together"), "{line}");
        std::fs::remove_file(world.path("server.key")).expect("remove a file");
        let line = reload(&world, NOTHING).await;
        assert!(line.contains("server.tls_key_file"), "{line}");
        assert_eq!((shown(world.port).await, shown(mtls).await), (old.clone(), old.clone()));

        write(&world, &next, &next);
        reload(&world, "were read again").await;
        for port in [world.port, mtls] {
            assert_eq!(shown(port).await, next.certificate.to_vec(), "shown at {port}");
        }
        // Whoever was connected stays so.
        ask(&mut kept).await;
        world.assert_log_is_clean(&[]);
    }

    async fn some_settings_change_at_once_and_the_others_are_named(backend: Backend) {
        let file = "[log]\nlevel = \"info\"\n[risk]\nnew_device = \"ignore\"\n";
        let world = World::builder(backend).config_file(file).start().await;
        create_user(&world, "alice");
        assert_eq!(signs_in_anew(&world).await, 303);
        assert_eq!(signs_in_anew(&world).await, 303);
        let talks = || world.log().contains("\"level\":\"debug\"");
        assert!(!talks(), "{}", world.log());

        let path = world.path("doorward.toml");
        let changed = "product_name = \"Another\"\n[log]\nlevel = \"debug\"\n\
                       [risk]\nnew_device = \"refuse\"\n[session]\nidle = 1800\n";
        std::fs::write(&path, changed).expect("write the configuration");
        let line = reload(&world, "read at start only").await;
        assert!(line.contains("\"product_name, session.idle\""), "{line}");
        let log = world.log();
        let taken = log.lines().find(|line| line.contains("were read again")).expect("a line");
        assert!(taken.contains("\"log.level, risk.new_device\""), "{taken}");
        assert_eq!(signs_in_anew(&world).await, 403);
        assert!(!world.browser().get("/login").await.title().contains("Another"));
        wait_until_async("single requests in the log", PATIENCE, async || {
            get(&world.url("/login")).await;
            talks()
        })
        .await;

        for (mistake, key) in [
            ("[log]\nlevel = \"loud\"\n", "log.level"),
            ("[risk]\nnew_devise = \"ignore\"\n", "risk.new_devise"),
            ("[session]\ngeoip_file = \"/nowhere/places.mmdb\"\n", "geoip_file"),
            ("not toml", "doorward.toml"),
        ] {
            std::fs::write(&path, mistake).expect("write the configuration");
            let line = reload(&world, NOTHING).await;
            assert!(line.contains(key), "{line}");
            assert_eq!(signs_in_anew(&world).await, 403, "after {mistake}");
        }
        std::fs::write(&path, file).expect("write the configuration");
        reload(&world, "were read again").await;
        assert_eq!(signs_in_anew(&world).await, 303);
        world.assert_log_is_clean(&[PASSWORD]);
    }
}
