//! The Model Context Protocol SDK's client: it knows nothing but the address of a protected server
//! and finds its way to a token for it. It becomes known to Doorward by registering itself, or by the
//! document that is its client id.

use serde_json::json;

use crate::apps::{Answer, App, Library, Visitor, rotate_keys};
use crate::journal::{Journal, Step};
use crate::support::backends::Backend;
use crate::support::tls_peer::{self, TlsPeer, reachable};
use crate::support::world::{World, WorldBuilder};

/// Where the document is.
const DOCUMENT: &str = "/orchard/assistant.json";

/// A Doorward with these settings, that gives tokens for the server beside the app.
fn world(backend: Backend, (port, settings): (u16, &str)) -> WorldBuilder {
    let server = format!("{}/mcp", App::address_of(port));
    let section = format!("[registration]\n{settings}\nresources = [\"{server}\"]\n");
    World::builder(backend).config_file(&section)
}

async fn a_whole_session(world: &World, app: &App, mut journal: Journal) {
    let alice = Visitor::new(world, "alice", Answer::Allow);

    let signed_in = app.told(&alice, "/login").await;
    assert_eq!(signed_in["result"], "AUTHORIZED", "{signed_in}");
    let used = app.told(&alice, "/use").await;
    assert_eq!(used["status"], 200, "the token is for this server: {used}");
    assert_eq!(used["token"]["client_id"], signed_in["client_id"]);
    journal.note(Step::SignIn);
    // The server has the token, too, and must not learn more about her with it.
    let userinfo = app.told(&alice, "/userinfo").await;
    assert_eq!(userinfo["error"], "invalid_token", "{userinfo}");

    // Any program of the device could listen at a loopback address: alice is known and need not sign
    // in again, but she is asked each time.
    let silent = app.visit(&alice, "/login?prompt=none").await;
    assert_eq!(silent.json()["error"], "consent_required", "{}", silent.describe());
    let again = app.told(&alice, "/login").await;
    assert_eq!(again["client_id"], signed_in["client_id"], "known since");
    let refreshed = app.told(&alice, "/refresh").await;
    assert_eq!((&refreshed["result"], &refreshed["fresh"]), (&"AUTHORIZED".into(), &true.into()));
    journal.note(Step::Refresh);

    rotate_keys(world).await;
    app.told(&alice, "/refresh").await;
    app.told(&alice, "/login").await;
    assert_eq!(app.told(&alice, "/use").await["status"], 200, "with the key that signs now");
    journal.note(Step::RotatedKey);

    let elsewhere = app.visit(&alice, "/login?redirect_uri=http://127.0.0.1/elsewhere").await;
    assert!(elsewhere.url.as_str().starts_with(&world.issuer), "{}", elsewhere.describe());
    elsewhere.assert_status(400);
    journal.note(Step::WrongRedirect);
    let other = app.visit(&alice, "/login?resource=http://127.0.0.1/other").await;
    assert_eq!(other.json()["error"], "invalid_target", "{}", other.describe());

    let bob = Visitor::new(world, "bob", Answer::Deny);
    let denied = app.visit(&bob, "/login").await;
    assert_eq!(denied.json()["error"], "access_denied", "{}", denied.describe());
    journal.note(Step::DeniedConsent);

    app.told(&alice, "/login").await;
    assert_eq!(app.told(&alice, "/logout").await["bye"], "leaving");
    let gone = app.visit(&alice, "/login?prompt=none").await;
    assert_eq!(gone.json()["error"], "login_required", "{}", gone.describe());
    journal.note(Step::Logout);
    journal.assert_complete();
}

on_both_backends! {
    async fn the_sdk_registers_itself_and_uses_the_server(backend: Backend) {
        let port = App::place();
        let world = world(backend, (port, "mode = \"open\"")).start().await;
        let app = App::start(Library::McpSdk, port, &[("ISSUER", &world.issuer)]).await;
        a_whole_session(&world, &app, Journal::of("MCP SDK, registered")).await;
    }

    async fn the_sdk_is_known_by_its_document_and_uses_the_server(backend: Backend) {
        let (port, peer) = (App::place(), TlsPeer::start());
        let builder = world(backend, (port, "metadata_documents = true"));
        let world = reachable(builder, &[&peer]).start().await;
        let (id, base) = (peer.url(DOCUMENT), App::address_of(port));
        let document = json!({
            "client_id": id, "client_name": "Orchard assistant",
            "redirect_uris": [format!("{base}/callback")],
            "post_logout_redirect_uris": [format!("{base}/bye")],
            "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
            "token_endpoint_auth_method": "none", "scope": "openid profile email",
        });
        peer.serve(DOCUMENT, tls_peer::Answer::json(&document).header("Cache-Control", "max-age=600"));
        // Only this one child believes the authority of the test.
        let authority = peer.ca_file().display().to_string();
        let environment = [
            ("ISSUER", world.issuer.as_str()),
            ("CLIENT_METADATA_URL", &id),
            ("NODE_EXTRA_CA_CERTS", &authority),
        ];
        let app = App::start(Library::McpSdk, port, &environment).await;
        let alice = world.browser();
        let published = alice.get(&format!("{}/document", app.address)).await;
        assert_eq!(published.assert_status(200).json(), document, "as the app itself sees it");
        a_whole_session(&world, &app, Journal::of("MCP SDK, metadata document")).await;
        let shown = world.cli(&["client", "show", &id]);
        assert_eq!((&shown["origin"], &shown["client_name"]), (&json!("document"), &json!("Orchard assistant")));
        assert_eq!(peer.hits(DOCUMENT), 2, "once by the app, once by Doorward");
        let list = world.cli(&["client", "list"]);
        assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "nothing was registered: {list}");
    }
}
