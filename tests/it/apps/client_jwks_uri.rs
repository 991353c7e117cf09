//! Keys of apps at an address of their own (`jwks_uri`): fetched, kept, and fetched again in time.

use serde_json::{Value, json};

use crate::kit::client_signer::{ClientKey, jwks, register, with_assertion};
use crate::kit::fixtures::{ALICE, Bed, REDIRECT, Rp, Tokens, unique};
use crate::support::backends::Backend;
use crate::support::browser_like::Page;
use crate::support::tls_peer::{Answer, Body, TlsPeer, reachable};
use crate::support::world::World;

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// A Doorward that fetches an app's keys again after a second.
async fn bed(backend: Backend, peer: &TlsPeer) -> Bed {
    let builder = World::builder(backend).env("DOORWARD_OUTBOUND__JWKS_MIN_INTERVAL", "1");
    Bed::new(reachable(builder, &[peer]).start().await, &[]).await
}

/// An app whose keys are at this path of the peer.
fn app(bed: &Bed, peer: &TlsPeer, path: &str) -> Rp {
    let id = unique("publishing");
    let metadata = json!({
        "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": peer.url(path),
        "redirect_uris": [REDIRECT], "scope": ["openid", "offline_access"],
        "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
    });
    register(&bed.world, &id, "web", &metadata);
    Rp { redirect_uri: REDIRECT.to_owned(), ..Rp::new(&bed.world, &id) }
}

/// A token request of this app signed with this key.
async fn ask(rp: &Rp, key: &ClientKey) -> Page {
    let assertion = key.assertion(&rp.id, &rp.issuer, &json!({}));
    rp.post("/oauth2/token", &with_assertion(&[GRANT], &assertion)).await
}

async fn a_while() {
    tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
}

fn published(keys: &[&ClientKey]) -> Answer {
    Answer::new(200, "application/jwk-set+json", jwks(keys).to_string())
}

on_both_backends! {
    async fn keys_at_an_address_are_fetched_when_they_are_needed_and_then_kept(backend: Backend) {
        let peer = TlsPeer::shared();
        let bed = Bed::shared(backend).await;
        let (path, key) = (format!("/{}", unique("jwks")), ClientKey::new("RS256", "k1"));
        peer.serve(&path, published(&[&key]));
        let rp = app(bed, peer, &path);
        assert_eq!(peer.hits(&path), 0, "nothing is fetched before it is needed");
        for _ in 0..5 {
            Tokens::of(&ask(&rp, &key).await);
        }
        assert_eq!(peer.hits(&path), 1, "keys that are known are not fetched again");
        assert_eq!(peer.requests(&path)[0].header("user-agent"), Some("Doorward"));
        // Nothing is traced here.
        assert_eq!(peer.requests(&path)[0].header("traceparent"), None);
        let stranger = ClientKey::new("RS256", "k1");
        ask(&rp, &stranger).await.assert_oauth_error(401, "invalid_client");
    }

    async fn a_replaced_key_is_found_when_a_refresh_comes_under_it(backend: Backend) {
        let peer = TlsPeer::start();
        let bed = bed(backend, &peer).await;
        let (old, new) = (ClientKey::new("RS256", "old"), ClientKey::new("ES256", "new"));
        peer.serve("/jwks", published(&[&old]));
        let rp = app(&bed, &peer, "/jwks");
        let browser = bed.world.browser();
        let consent = [("scope", "openid offline_access"), ("prompt", "consent")];
        let code = rp.code(&browser, &ALICE, &consent).await;
        let signed = |key: &ClientKey, fields: &[(String, String)]| {
            let assertion = key.assertion(&rp.id, &rp.issuer, &json!({}));
            let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            with_assertion(&fields, &assertion)
        };
        let redeem = signed(&old, &rp.redeem_fields(&code, &[]));
        let tokens = Tokens::of(&rp.post("/oauth2/token", &redeem).await);
        // The key is replaced; the next refresh comes under the new one.
        peer.serve("/jwks", published(&[&new]));
        a_while().await;
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens.refresh())]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let tokens = Tokens::of(&rp.post("/oauth2/token", &signed(&new, &refresh)).await);
        rp.userinfo(&tokens.access).await.assert_status(200);
        assert_eq!(peer.hits("/jwks"), 2);
        // The old key is gone.
        ask(&rp, &old).await.assert_oauth_error(401, "invalid_client");
    }

    async fn a_key_replaced_under_the_same_name_is_noticed(backend: Backend) {
        let peer = TlsPeer::start();
        let bed = bed(backend, &peer).await;
        let (old, new) = (ClientKey::new("ES256", "k"), ClientKey::new("ES256", "k"));
        peer.serve("/jwks", published(&[&old]));
        let rp = app(&bed, &peer, "/jwks");
        Tokens::of(&ask(&rp, &old).await);
        peer.serve("/jwks", published(&[&new]));
        a_while().await;
        Tokens::of(&ask(&rp, &new).await);
    }

    async fn naming_unknown_keys_does_not_make_doorward_knock_all_the_time(backend: Backend) {
        let peer = TlsPeer::shared();
        let bed = Bed::shared(backend).await;
        let (path, key) = (format!("/{}", unique("flood")), ClientKey::new("ES256", "k1"));
        peer.serve(&path, published(&[&key]));
        let rp = app(bed, peer, &path);
        let stranger = ClientKey::new("ES256", "nobody's");
        let started = std::time::Instant::now();
        let flood = (0..20).map(|_| ask(&rp, &stranger));
        for page in futures_util::future::join_all(flood).await {
            page.assert_oauth_error(401, "invalid_client");
        }
        Tokens::of(&ask(&rp, &key).await);
        let most = 1 + usize::try_from(started.elapsed().as_secs() / 10).unwrap();
        assert!(peer.hits(&path) <= most, "{} times, at most once in ten seconds", peer.hits(&path));
    }

    async fn keys_that_cannot_be_fetched_again_stay_in_use(backend: Backend) {
        let peer = TlsPeer::start();
        let bed = bed(backend, &peer).await;
        let (key, new) = (ClientKey::new("ES256", "k1"), ClientKey::new("ES256", "k2"));
        // Good for no time at all, so every request would like to have newer ones.
        peer.serve("/jwks", published(&[&key]).header("Cache-Control", "no-store"));
        let rp = app(&bed, &peer, "/jwks");
        Tokens::of(&ask(&rp, &key).await);
        for broken in [
            Answer::status(500), Answer::status(404), Answer::redirect(&peer.url("/elsewhere")),
            Answer::new(200, "application/json", "{"), Answer::json(&json!({ "keys": 7 })),
            Answer::json(&json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] })),
            Answer::of_body(Body::Endless),
        ] {
            let before = peer.hits("/jwks");
            peer.serve("/jwks", broken.clone());
            tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
            Tokens::of(&ask(&rp, &key).await);
            assert_eq!(peer.hits("/jwks"), before + 1, "{broken:?}");
            ask(&rp, &new).await.assert_oauth_error(401, "invalid_client");
        }
        assert_eq!(peer.hits("/elsewhere"), 0, "no redirect is followed");
        peer.serve("/jwks", published(&[&new]));
        a_while().await;
        Tokens::of(&ask(&rp, &new).await);
        bed.assert_log_is_clean();
    }

    async fn an_address_without_keys_is_an_invalid_client_and_no_error_of_ours(backend: Backend) {
        let peer = TlsPeer::shared();
        let bed = Bed::shared(backend).await;
        let key = ClientKey::new("ES256", "k1");
        let rp = app(bed, peer, &format!("/{}", unique("missing")));
        let page = ask(&rp, &key).await;
        page.assert_oauth_error(401, "invalid_client");
        let told = page.json()["error_description"].as_str().map(str::to_owned);
        assert!(told.is_some_and(|text| text.contains("jwks_uri")), "{}", page.describe());
        let reserved = Value::from("https://nowhere.invalid/jwks");
        let metadata = json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": reserved });
        let id = unique("nowhere");
        register(&bed.world, &id, "machine", &metadata);
        ask(&Rp::new(&bed.world, &id), &key).await.assert_oauth_error(401, "invalid_client");
    }
}
