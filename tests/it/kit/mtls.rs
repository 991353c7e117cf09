//! Not tests: a Doorward that speaks https and asks for client certificates, and the programs that
//! have some.
//!
//! ```ignore
//! let world = mtls_world(backend).await;                    // issuer https://localhost:PORT
//! let identity = Authority::shared().issue(&[Name::Dns("app.example")]);
//! let http = client(Some(&identity));                       // or None: without a certificate
//! http.post(world.url("/oauth2/token")).form(&fields).send().await
//! ```
//!
//! [`header_world`] is the same behind a proxy on loopback that passes certificates on in the header
//! `Client-Cert`.

use data_encoding::BASE64;
use doorward::crypto::certificate::Certificate;
use reqwest::Client;

use crate::support::authority::{Authority, Identity, Name};
use crate::support::backends::Backend;
use crate::support::process::free_port;
use crate::support::tls_peer::{TlsPeer, reachable};
use crate::support::world::{World, WorldBuilder};

/// A Doorward whose main listener asks for certificates; [`Authority::shared`] vouches for them, and
/// [`TlsPeer::shared`] can be reached.
pub async fn mtls_world(backend: Backend) -> World {
    let mut world = prepared(World::builder(backend)).await;
    world.set("DOORWARD_SERVER__ASK_CLIENT_CERTIFICATE", "true");
    world.start_server().await;
    world
}

/// A Doorward whose second listener asks for certificates; gives its port too.
pub async fn two_listeners(backend: Backend) -> (World, u16) {
    let mut world = prepared(World::builder(backend)).await;
    let port = free_port();
    world.set("DOORWARD_SERVER__MTLS_LISTEN", &format!("127.0.0.1:{port}"));
    world.set("DOORWARD_SERVER__MTLS_URL", &format!("https://localhost:{port}"));
    world.start_server().await;
    (world, port)
}

/// A Doorward on plain http that believes certificates in a header when they come from `proxies`.
pub async fn header_world(backend: Backend, proxies: &str) -> World {
    header_builder(backend, proxies).start().await
}

/// The same before it starts, for more settings.
pub fn header_builder(backend: Backend, proxies: &str) -> WorldBuilder {
    let builder = World::builder(backend)
        .env("DOORWARD_SERVER__TRUSTED_PROXIES", proxies)
        .env("DOORWARD_SERVER__CLIENT_CERTIFICATE_HEADER", "Client-Cert");
    trusting(builder)
}

/// A certificate as a proxy writes it into `Client-Cert` (RFC 9440 section 2.1).
pub fn header(identity: &Identity) -> String {
    format!(":{}:", BASE64.encode(&identity.certificate))
}

/// `x5t#S256` of a certificate.
pub fn thumbprint(identity: &Identity) -> String {
    let certificate = Certificate::new(identity.certificate.to_vec(), Vec::new());
    certificate.expect("a certificate").thumbprint().to_owned()
}

fn trusting(builder: WorldBuilder) -> WorldBuilder {
    let authorities = TlsPeer::shared().ca_file().display().to_string();
    let builder = builder
        .env("DOORWARD_SERVER__CLIENT_CA_FILE", &authorities)
        .env("DOORWARD_OUTBOUND__JWKS_MIN_INTERVAL", "1");
    reachable(builder, &[TlsPeer::shared()])
}

async fn prepared(builder: WorldBuilder) -> World {
    let mut world = trusting(builder).prepare().await;
    world.issuer = format!("https://localhost:{}", world.port);
    world.set("DOORWARD_ISSUER", &world.issuer.clone());
    let names = [Name::Common("doorward"), Name::Dns("localhost"), Name::Address("127.0.0.1")];
    let identity = Authority::shared().issue(&names);
    for (setting, file, text) in [
        ("DOORWARD_SERVER__TLS_CERT_FILE", "server.pem", &identity.certificate_pem),
        ("DOORWARD_SERVER__TLS_KEY_FILE", "server.key", &identity.key_pem),
    ] {
        let path = world.path(file);
        std::fs::write(&path, text).expect("write a PEM file");
        world.set(setting, &path.display().to_string());
    }
    world
}

/// A program with this certificate, or none. It follows no redirect.
pub fn client(identity: Option<&Identity>) -> Client {
    let authority = reqwest::Certificate::from_pem(Authority::shared().pem().as_bytes());
    let mut builder = Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([authority.expect("the authority")]);
    if let Some(identity) = identity {
        let identity = reqwest::Identity::from_pem(identity.pem.as_bytes()).expect("an identity");
        builder = builder.identity(identity);
    }
    builder.build().expect("an HTTP client")
}
