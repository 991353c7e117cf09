//! openid-client with everything on that makes a flow hard to attack: its own key instead of a
//! secret, requests that are pushed and signed, tokens bound to a DPoP key, answers as signed JWTs,
//! encrypted ID tokens.

use serde_json::{Value, json};

use crate::apps::{Answer, App, Library, Visitor, rotate_keys};
use crate::journal::{Journal, Step};
use crate::support::backends::Backend;
use crate::support::process::{START_LIMIT, wait_until_async};
use crate::support::tls_peer::{self, TlsPeer, reachable};
use crate::support::world::World;

/// Where the app publishes its keys, if it does.
const KEYS: &str = "/orchard/jwks.json";

/// One way to harden a client.
struct Hardened {
    /// Its row in the table.
    name: &'static str,
    features: &'static str,
    metadata: Value,
    token_type: &'static str,
    /// Where a wrong redirect URI is found out.
    redirects: Redirects,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Redirects {
    /// By the provider, on a page: the request came through the browser.
    OnAPage,
    /// By the app, which is told when it pushes the request.
    WhenPushed,
}

/// A Doorward that can ask this peer.
async fn world(backend: Backend, peer: &TlsPeer) -> World {
    let builder = World::builder(backend).env("DOORWARD_OUTBOUND__JWKS_MIN_INTERVAL", "1");
    reachable(builder, &[peer]).start().await
}

/// Starts the app, fetches its keys from it, and registers it.
async fn open(world: &World, hardened: &Hardened, peer: &TlsPeer) -> App {
    let port = App::place();
    let environment = [
        ("ISSUER", world.issuer.as_str()),
        ("CLIENT_ID", "orchard"),
        ("CLIENT_SECRET", ""),
        ("FEATURES", hardened.features),
    ];
    let app = App::start(Library::OpenidClient, port, &environment).await;
    let mut metadata = hardened.metadata.clone();
    publish(&app, world, peer).await;
    metadata["jwks_uri"] = json!(peer.url(KEYS));
    metadata["token_endpoint_auth_method"] = json!("private_key_jwt");
    metadata["redirect_uris"] = json!([format!("{}/callback", app.address)]);
    metadata["post_logout_redirect_uris"] = json!([format!("{}/bye", app.address)]);
    let file = world.path("orchard.json");
    std::fs::write(&file, metadata.to_string()).unwrap();
    let file = file.display().to_string();
    let command = ["client", "create", "--name", "Orchard", "--type", "web"];
    world.cli(&[&command[..], &["--client-id", "orchard", "--metadata", &file]].concat());
    app
}

/// Puts the app's present keys where Doorward looks for them.
async fn publish(app: &App, world: &World, peer: &TlsPeer) {
    let keys = world.browser().get(&format!("{}/jwks", app.address)).await.json();
    peer.serve(KEYS, tls_peer::Answer::json(&keys));
}

async fn a_whole_session(backend: Backend, hardened: Hardened) {
    let peer = TlsPeer::start();
    let world = &world(backend, &peer).await;
    let app = open(world, &hardened, &peer).await;
    let alice = Visitor::new(world, "alice", Answer::Allow);
    let mut journal = Journal::of(hardened.name);

    let signed_in = app.told(&alice, "/login").await;
    let subject = &signed_in["claims"]["sub"];
    assert!(subject.is_string(), "{signed_in}");
    let token_type = signed_in["token_type"].as_str().unwrap();
    assert!(token_type.eq_ignore_ascii_case(hardened.token_type), "{signed_in}");
    journal.note(Step::SignIn);
    let again = app.told(&alice, "/login?prompt=none").await;
    assert_eq!(again["claims"]["sub"], *subject, "known without a form");
    journal.note(Step::SilentSignIn);
    assert_eq!(app.told(&alice, "/userinfo").await["sub"], *subject);
    journal.note(Step::Userinfo);
    let refreshed = app.told(&alice, "/refresh").await;
    assert_eq!((&refreshed["fresh"], &refreshed["sub"]), (&Value::Bool(true), subject));
    journal.note(Step::Refresh);

    rotate_keys(world).await;
    assert_eq!(app.told(&alice, "/refresh").await["fresh"], true, "the session goes on");
    let rotated = app.told(&alice, "/login?prompt=none").await;
    assert_eq!(rotated["claims"]["sub"], *subject, "the library found the new key");
    its_own_key_changes(&app, (world, &peer), &alice).await;
    journal.note(Step::RotatedKey);

    a_wrong_redirect(&app, (world, hardened.redirects), &alice).await;
    journal.note(Step::WrongRedirect);

    let bob = Visitor::new(world, "bob", Answer::Deny);
    let denied = app.visit(&bob, "/login").await;
    denied.assert_status(400);
    assert_eq!(denied.json()["error"], "access_denied", "{}", denied.describe());
    journal.note(Step::DeniedConsent);

    app.told(&alice, "/login").await;
    assert_eq!(app.told(&alice, "/logout").await["bye"], "leaving");
    let gone = app.visit(&alice, "/login?prompt=none").await;
    assert_eq!(gone.json()["error"], "login_required", "{}", gone.describe());
    journal.note(Step::Logout);
    journal.assert_complete();
}

/// The app takes a new key of its own in the middle of a session: Doorward finds it where the app
/// publishes it, and the old one is worth nothing any more.
async fn its_own_key_changes(app: &App, (world, peer): (&World, &TlsPeer), alice: &Visitor) {
    assert_eq!(app.told(alice, "/rotate").await["kid"], "own-2");
    let early = app.visit(alice, "/refresh").await;
    assert_eq!(early.json()["error"], "invalid_client", "{}", early.describe());
    publish(app, world, peer).await;
    // An address is asked for keys at most once a second.
    wait_until_async("Doorward asking for the new key", START_LIMIT, async || {
        app.visit(alice, "/refresh").await.status == 200
    })
    .await;
    app.told(alice, "/login?prompt=none").await;
}

async fn a_wrong_redirect(app: &App, (world, found): (&World, Redirects), alice: &Visitor) {
    let wrong = app.visit(alice, "/login?redirect_uri=http://127.0.0.1/elsewhere").await;
    wrong.assert_status(400);
    match found {
        Redirects::OnAPage => {
            assert!(wrong.url.as_str().starts_with(&world.issuer), "{}", wrong.describe());
        }
        Redirects::WhenPushed => {
            assert!(wrong.url.as_str().starts_with(&app.address), "{}", wrong.describe());
            assert_eq!(wrong.json()["error"], "invalid_request", "{}", wrong.describe());
        }
    }
}

on_both_backends! {
    async fn a_client_with_its_own_key_and_bound_tokens(backend: Backend) {
        a_whole_session(backend, Hardened {
            name: "openid-client: private_key_jwt, DPoP",
            features: "private_key_jwt,dpop",
            metadata: json!({ "dpop_bound_access_tokens": true }),
            token_type: "DPoP",
            redirects: Redirects::OnAPage,
        }).await;
    }

    async fn pushed_requests_and_encrypted_id_tokens(backend: Backend) {
        a_whole_session(backend, Hardened {
            name: "openid-client: PAR, encrypted ID token",
            features: "private_key_jwt,par,encrypted_id_token",
            metadata: json!({
                "require_pushed_authorization_requests": true,
                "id_token_encrypted_response_alg": "RSA-OAEP-256",
                "id_token_encrypted_response_enc": "A256GCM",
            }),
            token_type: "Bearer",
            redirects: Redirects::WhenPushed,
        }).await;
    }

    async fn pushed_signed_and_bound_with_answers_as_jwt(backend: Backend) {
        a_whole_session(backend, Hardened {
            name: "openid-client: PAR, signed request, DPoP, JARM",
            features: "private_key_jwt,par,signed_request,dpop,jarm",
            metadata: json!({
                "id_token_signed_response_alg": "ES256",
                "access_token_alg": "ES256",
                "authorization_signed_response_alg": "ES256",
                "request_object_signing_alg": "ES256",
                "token_endpoint_auth_signing_alg": "ES256",
                "dpop_bound_access_tokens": true,
                "require_pushed_authorization_requests": true,
                "require_signed_request_object": true,
                "pkce": "required",
            }),
            token_type: "DPoP",
            redirects: Redirects::WhenPushed,
        }).await;
    }
}
