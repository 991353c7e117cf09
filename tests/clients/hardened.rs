//! openid-client with everything on that makes a flow hard to attack: its own key instead of a
//! secret, requests that are pushed and signed, tokens bound to a DPoP key, answers as signed JWTs,
//! encrypted ID tokens.

use serde_json::{Value, json};

use crate::apps::{Answer, App, Library, Visitor};
use crate::support::world::World;

/// Starts the app, fetches its keys from it, and registers it with this metadata.
async fn open(world: &World, features: &str, mut metadata: Value) -> App {
    let port = App::place();
    let environment = [
        ("ISSUER", world.issuer.as_str()),
        ("CLIENT_ID", "orchard"),
        ("CLIENT_SECRET", ""),
        ("FEATURES", features),
    ];
    let app = App::start(Library::OpenidClient, port, &environment).await;
    metadata["jwks"] = world.browser().get(&format!("{}/jwks", app.address)).await.json();
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

async fn a_whole_session(world: &World, app: &App, token_type: &str) {
    let alice = Visitor::new(world, "alice", Answer::Allow);
    let signed_in = app.told(&alice, "/login").await;
    let subject = &signed_in["claims"]["sub"];
    assert!(subject.is_string(), "{signed_in}");
    assert!(
        signed_in["token_type"].as_str().unwrap().eq_ignore_ascii_case(token_type),
        "{signed_in}"
    );
    let again = app.told(&alice, "/login?prompt=none").await;
    assert_eq!(again["claims"]["sub"], *subject, "known without a form");
    assert_eq!(app.told(&alice, "/userinfo").await["sub"], *subject);
    let refreshed = app.told(&alice, "/refresh").await;
    assert_eq!((&refreshed["fresh"], &refreshed["sub"]), (&Value::Bool(true), subject));

    let bob = Visitor::new(world, "bob", Answer::Deny);
    let denied = app.visit(&bob, "/login").await;
    denied.assert_status(400);
    assert_eq!(denied.json()["error"], "access_denied", "{}", denied.describe());

    app.told(&alice, "/login").await;
    assert_eq!(app.told(&alice, "/logout").await["bye"], "leaving");
    let gone = app.visit(&alice, "/login?prompt=none").await;
    assert_eq!(gone.json()["error"], "login_required", "{}", gone.describe());
}

on_both_backends! {
    async fn a_client_with_its_own_key_and_bound_tokens(world: World) {
        let metadata = json!({ "dpop_bound_access_tokens": true });
        let app = open(&world, "private_key_jwt,dpop", metadata).await;
        a_whole_session(&world, &app, "DPoP").await;
    }

    async fn pushed_requests_and_encrypted_id_tokens(world: World) {
        let metadata = json!({
            "require_pushed_authorization_requests": true,
            "id_token_encrypted_response_alg": "RSA-OAEP-256",
            "id_token_encrypted_response_enc": "A256GCM",
        });
        let app = open(&world, "private_key_jwt,par,encrypted_id_token", metadata).await;
        a_whole_session(&world, &app, "Bearer").await;
    }

    async fn pushed_signed_and_bound_with_answers_as_jwt(world: World) {
        let metadata = json!({
            "id_token_signed_response_alg": "ES256",
            "access_token_alg": "ES256",
            "authorization_signed_response_alg": "ES256",
            "request_object_signing_alg": "ES256",
            "token_endpoint_auth_signing_alg": "ES256",
            "dpop_bound_access_tokens": true,
            "require_pushed_authorization_requests": true,
            "require_signed_request_object": true,
            "pkce": "required",
        });
        let app = open(&world, "private_key_jwt,par,signed_request,dpop,jarm", metadata).await;
        a_whole_session(&world, &app, "DPoP").await;
    }
}
