//! Not tests: a provider elsewhere, and a Doorward that may ask it.

use serde_json::{Value, json};

use crate::kit::mtls::mtls_world;
use crate::support::backends::Backend;
use crate::support::process::free_port;
use crate::support::tls_peer::TlsPeer;
use crate::support::world::World;

/// What a provider knows Doorward by; nobody is ever told.
pub const SECRET: &str = "upstream-secret-zQ7-of-a-test";

/// Two Doorwards: one that keeps providers, and another one that is such a provider.
pub struct Pair {
    pub here: World,
    /// It speaks https.
    pub there: World,
    /// An issuer that may be asked, and where nothing listens.
    pub closed: String,
}

/// Starts both.
pub async fn pair(backend: Backend) -> Pair {
    let there = mtls_world(backend).await;
    let (peer, closed) = (TlsPeer::shared(), free_port());
    let places = [there.port, peer.port(), closed].map(|port| format!("localhost:{port}"));
    let here = World::builder(backend)
        .env("DOORWARD_OUTBOUND__ALLOW_PRIVATE", &places.join(","))
        .env("DOORWARD_OUTBOUND__EXTRA_CA_FILE", &peer.ca_file().display().to_string())
        .start()
        .await;
    Pair { here, there, closed: format!("https://localhost:{closed}") }
}

/// The fields of the form for a provider.
pub fn fields(slug: &str, issuer: &str) -> Vec<(&'static str, String)> {
    [
        ("slug", slug),
        ("issuer", issuer),
        ("display_name", "Our school"),
        ("client_id", "doorward"),
        ("client_secret", SECRET),
        ("auth_method", "client_secret_basic"),
        ("scope", "openid profile email"),
        ("username_claim", "preferred_username"),
        ("name_claim", "name"),
        ("email_claim", "email"),
        ("groups_claim", ""),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

/// The body that adds a provider.
pub fn body(slug: &str, issuer: &str) -> Value {
    json!({
        "slug": slug, "issuer": issuer, "display_name": "Our school", "client_id": "doorward",
        "client_secret": SECRET,
    })
}

/// The metadata of a provider at the shared peer, below this path.
pub fn metadata(path: &str) -> Value {
    let at = |place: &str| TlsPeer::shared().url(&format!("{path}{place}"));
    json!({
        "issuer": at(""), "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"), "jwks_uri": at("/jwks"),
        "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
}

/// Adds a provider from the command line.
pub fn add(world: &World, slug: &str, issuer: &str) -> Value {
    let said = ["--slug", slug, "--name", "Our school", "--issuer", issuer];
    let more = ["--client-id", "doorward", "--secret-file", "-"];
    world.cli_with_input(&[&["upstream", "create"], &said[..], &more[..]].concat(), SECRET)
}
