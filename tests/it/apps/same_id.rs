//! An app is deleted and another one made with its id: what the id stood for has ended, and the new one
//! begins with nothing.

use serde_json::json;

use crate::kit::console::admin;
use crate::kit::fixtures::{ALICE, Bed};
use crate::kit::flow::{App, count, create_user, sign_in};
use crate::kit::grant::{Clients, Device};
use crate::support::world::World;

const SCOPES: &[(&str, &str)] = &[("scope", "openid offline_access")];

/// Deletes the app, and makes another one with its id.
fn replace(world: &World, id: &str, extra: &[&str]) -> App {
    world.cli(&["client", "delete", id, "--yes"]);
    App::register(world, id, extra)
}

/// Times are in whole seconds: the last moment of an app shall not be the first one of the next.
async fn a_second() {
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
}

on_both_backends! {
    async fn tokens_and_codes_of_the_earlier_app_are_dead(world: World) {
        create_user(&world, "alice");
        let browser = sign_in(&world, "alice").await;
        for format in ["jwt", "opaque"] {
            let flags = ["--access-token-format", format, "--scope", "openid", "--scope", "profile", "--scope", "email",
                "--scope", "offline_access"];
            let before = App::register(&world, format, &flags);
            let (tokens, offline) =
                (before.tokens(&browser).await, before.tokens_with(&browser, SCOPES).await);
            let code = before.code(&browser).await;
            a_second().await;
            let after = replace(&world, format, &flags);
            for dead in [&tokens, &offline] {
                after.assert_dead(dead).await;
                assert_eq!(after.introspect(&dead.access).await.text, r#"{"active":false}"#);
            }
            after.redeem(&code).await.assert_error(400, "invalid_grant");
            before.refresh(&tokens.refresh).await.assert_error(401, "invalid_client");
            // It is an app like any other.
            let fresh = after.tokens(&browser).await;
            after.assert_alive(&fresh).await;
            after.assert_dead(&tokens).await;
        }
    }

    async fn a_device_that_was_let_in_for_the_earlier_app_stays_out(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let mut clients = Clients::default();
        clients.register(&bed.world, "tv", ("device", json!({})));
        let device = Device::ask(clients.rp(&bed.world, "tv"), "openid").await;
        let browser = bed.signed_in(&ALICE).await;
        device.answer(&browser, "allow").await.assert_status(303);
        a_second().await;
        bed.world.cli(&["client", "delete", "tv", "--yes"]);
        let mut clients = Clients::default();
        clients.register(&bed.world, "tv", ("device", json!({})));
        device.poll_as(&clients.rp(&bed.world, "tv")).await.assert_oauth_error(400, "invalid_grant");
    }

    async fn nothing_that_was_kept_of_the_earlier_app_is_the_new_ones(world: World) {
        let owner = admin(&world, "owner").await;
        create_user(&world, "alice");
        let browser = sign_in(&world, "alice").await;
        let before = App::register(&world, "wiki", &[]);
        world.cli(&["role", "create", "wiki", "editor"]);
        world.cli(&["role", "give", "wiki", "editor", "--user", "alice"]);
        before.tokens(&browser).await;
        let card = async || owner.page("/admin/clients/wiki").await.texts("#trial").join(" ");
        assert!(card().await.contains("It works"));
        a_second().await;
        let after = replace(&world, "wiki", &[]);
        assert!(card().await.contains("Waiting for the first sign-in"), "{}", card().await);
        assert!(world.cli(&["role", "list", "wiki"])["items"].as_array().unwrap().is_empty());
        for table in ["consents", "grants", "withdrawals", "user_roles", "session_clients", "session_data"] {
            let rows = format!("select count(*) from {table} where client_id = 'wiki'");
            assert_eq!(count(&world, &rows).await, 0, "{table}");
        }
        after.tokens(&browser).await;
        assert!(card().await.contains("It works"));
        // What went wrong with the earlier one is none of its business, either.
        a_second().await;
        let wrong = App::known(&world, "wiki", "not-the-secret-of-this-app-at-all-000000000");
        wrong.redeem("no-code").await.assert_error(401, "invalid_client");
        assert!(card().await.contains("The last try failed"), "{}", card().await);
        world.cli(&["client", "delete", "wiki", "--yes"]);
        a_second().await;
        App::register(&world, "wiki", &[]);
        assert!(!card().await.contains("failed"), "{}", card().await);
    }

    async fn a_token_for_the_earlier_app_says_nothing_to_the_new_one(world: World) {
        let flags = ["--grant-type", "client_credentials"];
        let api = App::register(&world, "api", &[]);
        let metadata = world.write("caller.json", &json!({ "audience": ["api"] }).to_string());
        let caller = App::register(&world, "caller", &[&flags[..], &["--metadata", &metadata]].concat());
        let token = caller.client_credentials().await.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(api.introspect(&token).await.json()["active"], true);
        a_second().await;
        let api = replace(&world, "api", &[]);
        assert_eq!(api.introspect(&token).await.text, r#"{"active":false}"#);
        // It goes on being a token of whoever it was given to, and a new one is for the new app.
        assert_eq!(caller.introspect(&token).await.json()["active"], true);
        let token = caller.client_credentials().await.json()["access_token"].as_str().unwrap().to_owned();
        assert_eq!(api.introspect(&token).await.json()["active"], true);
    }
}
