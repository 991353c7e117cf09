//! The Model Context Protocol SDK's client: it knows nothing but the address of a protected server
//! and finds, registers and asks its way to a token for it.

use crate::apps::{Answer, App, Library, Visitor};
use crate::support::backends::Backend;
use crate::support::world::World;

async fn world(backend: Backend, port: u16) -> World {
    let server = format!("{}/mcp", App::address_of(port));
    World::builder(backend)
        .config_file(&format!("[registration]\nmode = \"open\"\nresources = [\"{server}\"]\n"))
        .start()
        .await
}

on_both_backends! {
    async fn the_sdk_registers_itself_and_uses_the_server(backend: Backend) {
        let port = App::place();
        let world = world(backend, port).await;
        let app = App::start(Library::McpSdk, port, &[("ISSUER", &world.issuer)]).await;
        let alice = Visitor::new(&world, "alice", Answer::Allow);

        let signed_in = app.told(&alice, "/login").await;
        assert_eq!(signed_in["result"], "AUTHORIZED", "{signed_in}");
        let used = app.told(&alice, "/use").await;
        assert_eq!(used["status"], 200, "the token is for this server: {used}");
        assert_eq!(used["token"]["client_id"], signed_in["client_id"]);
        assert_eq!(app.told(&alice, "/userinfo").await["email"], "alice@people.test");

        let again = app.told(&alice, "/login?prompt=none").await;
        assert_eq!(again["client_id"], signed_in["client_id"], "registered once, known since");
        let refreshed = app.told(&alice, "/refresh").await;
        assert_eq!((&refreshed["result"], &refreshed["fresh"]), (&"AUTHORIZED".into(), &true.into()));

        world.cli(&["key", "rotate"]);
        app.told(&alice, "/login").await;
        assert_eq!(app.told(&alice, "/use").await["status"], 200, "with the key that signs now");

        let elsewhere = app.visit(&alice, "/login?redirect_uri=http://127.0.0.1/elsewhere").await;
        assert!(elsewhere.url.as_str().starts_with(&world.issuer), "{}", elsewhere.describe());
        elsewhere.assert_status(400);
        let other = app.visit(&alice, "/login?resource=http://127.0.0.1/other").await;
        assert_eq!(other.json()["error"], "invalid_target", "{}", other.describe());

        let bob = Visitor::new(&world, "bob", Answer::Deny);
        let denied = app.visit(&bob, "/login").await;
        assert_eq!(denied.json()["error"], "access_denied", "{}", denied.describe());
    }
}
