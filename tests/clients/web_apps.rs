//! A web app with a secret, on the libraries most such apps are built on. One story for both.

use serde_json::Value;

use crate::apps::{Answer, App, Library, Visitor, rotate_keys};
use crate::journal::{Journal, Step};
use crate::support::world::World;

const SECRET: &str = "kept-by-the-app-and-by-nobody-else";

async fn open(world: &World, library: Library) -> App {
    let port = App::place();
    let address = App::address_of(port);
    let secret = world.path("secret");
    std::fs::write(&secret, SECRET).unwrap();
    world.cli(&[
        "client",
        "create",
        "--name",
        "Orchard",
        "--type",
        "web",
        "--client-id",
        "orchard",
        "--secret-file",
        &secret.display().to_string(),
        "--redirect-uri",
        &format!("{address}/callback"),
        "--post-logout-redirect-uri",
        &format!("{address}/bye"),
    ]);
    let environment =
        [("ISSUER", world.issuer.as_str()), ("CLIENT_ID", "orchard"), ("CLIENT_SECRET", SECRET)];
    App::start(library, port, &environment).await
}

/// How often the keys are rotated between two steps. The first time the next key takes over, which was
/// published long before; after the second time a key signs that the library has never seen.
fn rotations(library: Library) -> usize {
    match library {
        // It asks for the key set again at most once a minute.
        Library::OpenidClient => 1,
        Library::Authlib | Library::OidcClientTs | Library::McpSdk => 2,
    }
}

async fn a_whole_session(world: &World, (library, name): (Library, &'static str)) {
    let app = open(world, library).await;
    let mut journal = Journal::of(name);
    let alice = Visitor::new(world, "alice", Answer::Allow);

    let signed_in = app.told(&alice, "/login").await;
    let subject = &signed_in["claims"]["sub"];
    assert!(subject.is_string(), "{signed_in}");
    assert_eq!(signed_in["claims"]["iss"], world.issuer.as_str());
    assert_eq!(signed_in["refreshable"], true);
    journal.note(Step::SignIn);

    let again = app.told(&alice, "/login?prompt=none").await;
    assert_eq!(again["claims"]["sub"], *subject, "known without a form");
    assert_eq!(again["claims"]["auth_time"], signed_in["claims"]["auth_time"]);
    journal.note(Step::SilentSignIn);

    let person = app.told(&alice, "/userinfo").await;
    assert_eq!(person["sub"], *subject);
    assert_eq!(person["email"], "alice@people.test");
    journal.note(Step::Userinfo);

    let refreshed = app.told(&alice, "/refresh").await;
    assert_eq!((&refreshed["fresh"], &refreshed["sub"]), (&Value::Bool(true), subject));
    if !refreshed["claims"].is_null() {
        assert_eq!(refreshed["claims"]["sub"], *subject);
    }
    journal.note(Step::Refresh);

    for _ in 0..rotations(library) {
        rotate_keys(world).await;
    }
    let rotated = app.told(&alice, "/login").await;
    assert_eq!(rotated["claims"]["sub"], *subject, "the library found the new key");
    app.told(&alice, "/refresh").await;
    journal.note(Step::RotatedKey);

    let wrong = app.visit(&alice, "/login?redirect_uri=http://127.0.0.1/elsewhere").await;
    wrong.assert_status(400);
    assert!(wrong.url.as_str().starts_with(&world.issuer), "{}", wrong.describe());
    journal.note(Step::WrongRedirect);

    let bob = Visitor::new(world, "bob", Answer::Deny);
    let denied = app.visit(&bob, "/login").await;
    denied.assert_status(400);
    assert_eq!(denied.json()["error"], "access_denied", "{}", denied.describe());
    journal.note(Step::DeniedConsent);

    app.told(&alice, "/login").await;
    let left = app.told(&alice, "/logout").await;
    assert_eq!(left["bye"], "leaving");
    let gone = app.visit(&alice, "/login?prompt=none").await;
    gone.assert_status(400);
    assert_eq!(gone.json()["error"], "login_required", "{}", gone.describe());
    journal.note(Step::Logout);
    journal.assert_complete();
}

on_both_backends! {
    async fn openid_client_signs_in_refreshes_and_leaves(world: World) {
        a_whole_session(&world, (Library::OpenidClient, "openid-client")).await;
    }

    async fn authlib_signs_in_refreshes_and_leaves(world: World) {
        a_whole_session(&world, (Library::Authlib, "Authlib")).await;
    }
}
