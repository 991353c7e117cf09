//! TLS where Doorward ends it itself: versions and cipher suites (FAPI 2.0 section 5.2.2, RFC 9325
//! sections 3.1.1 and 4.2).

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ProtocolVersion, SupportedProtocolVersion};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::kit::mtls::{mtls_world, two_listeners};
use crate::support::authority::Authority;

/// Longer than any handshake on loopback takes.
const LONG: Duration = Duration::from_secs(20);

/// The versions as they are written in a `ClientHello`.
const SSL_3_0: u16 = 0x0300;
const TLS_1_0: u16 = 0x0301;
const TLS_1_1: u16 = 0x0302;
const TLS_1_2: u16 = 0x0303;

/// Records of TLS.
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;

/// Bytes after their length, which takes `width` bytes.
fn sized(width: usize, bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len().to_be_bytes();
    [&length[length.len() - width..], bytes].concat()
}

/// A record with a `ClientHello` that offers this version and none above it (RFC 5246 section
/// 7.4.1.2), with cipher suites of every version so that nothing but the version is wrong.
fn client_hello(version: u16) -> Vec<u8> {
    let suites: Vec<u8> = [0xC02B_u16, 0xC02F, 0xC009, 0xC013, 0xC00A, 0xC014, 0x002F, 0x0035]
        .iter()
        .flat_map(|suite| suite.to_be_bytes())
        .collect();
    let name = sized(2, &[&[0][..], &sized(2, b"localhost")].concat());
    let extensions: Vec<u8> = [
        (0_u16, name),
        // x25519 and P-256; uncompressed points; ECDSA and RSA with SHA-256.
        (10, sized(2, &[0, 29, 0, 23])),
        (11, sized(1, &[0])),
        (13, sized(2, &[4, 3, 8, 4, 4, 1])),
        // Extended master secret.
        (23, Vec::new()),
    ]
    .into_iter()
    .flat_map(|(kind, body)| [kind.to_be_bytes().to_vec(), sized(2, &body)].concat())
    .collect();
    let hello = [
        &version.to_be_bytes()[..],
        &[7; 32],
        &sized(1, &[]),
        &sized(2, &suites),
        &sized(1, &[0]),
        &sized(2, &extensions),
    ]
    .concat();
    let message = [&[1][..], &sized(3, &hello)].concat();
    let outer = version.min(TLS_1_0).to_be_bytes();
    [&[HANDSHAKE][..], &outer, &sized(2, &message)].concat()
}

/// What a listener answers to a `ClientHello` of this version: everything until it closes, or its first
/// record when it goes on.
async fn answer(port: u16, version: u16) -> Vec<u8> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    stream.write_all(&client_hello(version)).await.expect("the hello is sent");
    let mut answer = Vec::new();
    loop {
        let read = timeout(LONG, stream.read_buf(&mut answer)).await.expect("an answer in time");
        if read.unwrap_or(0) == 0 || answer.first() == Some(&HANDSHAKE) {
            return answer;
        }
    }
}

/// The version of a whole handshake of a client with these versions and the cipher suites whose name
/// says so; none when it fails.
async fn handshake(
    port: u16,
    versions: &[&'static SupportedProtocolVersion],
    suites: fn(&str) -> bool,
) -> Option<ProtocolVersion> {
    let mut provider = rustls::crypto::aws_lc_rs::default_provider();
    provider.cipher_suites.retain(|suite| suites(&format!("{:?}", suite.suite())));
    let mut roots = rustls::RootCertStore::empty();
    let authority = CertificateDer::from_pem_slice(Authority::shared().pem().as_bytes());
    roots.add(authority.expect("the authority")).expect("a root");
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(versions)
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    let name = ServerName::try_from("localhost").expect("a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    stream.get_ref().1.protocol_version()
}

on_both_backends! {
    async fn versions_before_tls_1_2_are_refused_at_every_listener(backend: Backend) {
        let (world, mtls) = two_listeners(backend).await;
        for port in [world.port, mtls] {
            for version in [SSL_3_0, TLS_1_0, TLS_1_1] {
                let answer = answer(port, version).await;
                assert!(!answer.contains(&HANDSHAKE), "{version:04x}: {answer:?}");
                // A fatal alert and nothing else: protocol_version (RFC 5246 section 7.2.2).
                let [ALERT, _, _, 0, 2, 2, 70] = answer[..] else { panic!("{version:04x}: {answer:?}") };
            }
            // The same hello of TLS 1.2 is taken: a ServerHello of that version.
            let answer = answer(port, TLS_1_2).await;
            assert_eq!((answer[0], answer[5], &answer[9..11]), (HANDSHAKE, 2, &[3, 3][..]));
        }
        world.assert_log_is_clean(&[]);
    }
}

#[tokio::test]
async fn tls_1_3_is_preferred_and_tls_1_2_has_only_the_recommended_cipher_suites() {
    use rustls::version::{TLS12, TLS13};
    let world = mtls_world(crate::support::backends::Backend::Embedded).await;
    let any = |_: &str| true;
    let (v12, v13) = (Some(ProtocolVersion::TLSv1_2), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(handshake(world.port, &[&TLS12, &TLS13], any).await, v13);
    assert_eq!(handshake(world.port, &[&TLS13], any).await, v13);
    for (suites, version) in [
        (any as fn(&str) -> bool, v12),
        (|name| name.contains("AES_128_GCM"), v12),
        (|name| name.contains("AES_256_GCM"), v12),
        (|name| name.contains("CHACHA20"), None),
    ] {
        assert_eq!(handshake(world.port, &[&TLS12], suites).await, version);
    }
}
