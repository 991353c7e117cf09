//! Signing keys: the next one is published ahead, rotation breaks no verification, and a removed
//! key takes everything it signed with it.

use std::collections::BTreeSet;

use doorward::protocol::types::SigningAlg;
use serde_json::Value;

use crate::flow_kit::{App, PATIENCE, create_user, get, sign_in};
use crate::support::process::wait_until_async;
use crate::support::world::World;

on_both_backends! {
    async fn every_algorithm_has_a_key_in_use_and_one_published_ahead(mut world: World) {
        let jwks = get(&world.url("/.well-known/jwks.json")).await;
        let listed = list(&world);
        assert_eq!(kids(&jwks.json()), listed.iter().map(|key| text(key, "kid")).collect());
        for alg in SigningAlg::ALL.map(SigningAlg::as_str) {
            let states: Vec<_> = listed.iter().filter(|key| key["alg"] == alg).collect();
            let count = |state| states.iter().filter(|key| key["state"] == state).count();
            assert_eq!((count("active"), count("next"), states.len()), (1, 1, 2), "{alg}");
        }
        for key in jwks.json()["keys"].as_array().unwrap() {
            assert!(key["use"] == "sig" || key["use"] == "enc", "{key}");
            assert!(key["alg"].is_string() && key["kid"].is_string(), "{key}");
            for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
                assert!(key.get(private).is_none(), "a private part is published: {private}");
            }
        }
        world.restart().await;
        assert_eq!(get(&world.url("/.well-known/jwks.json")).await.text, jwks.text);
    }

    async fn rotation_uses_the_key_published_before_and_keeps_the_old_one(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        let before = app.tokens(&browser).await;
        let published = kids(&get(&world.url("/.well-known/jwks.json")).await.json());
        let old = list(&world);
        world.cli(&["key", "rotate"]);
        let mut after = app.tokens(&browser).await;
        wait_until_async("the rotated key being used", PATIENCE, async || {
            after = app.tokens(&browser).await;
            // Both: the swap may happen between the two signatures of one answer.
            kid(&after.id) != kid(&before.id) && kid(&after.access) != kid(&before.access)
        })
        .await;
        assert!(published.contains(&kid(&after.id)), "the new key was published before its use");
        // One algorithm after another is rotated.
        let mut now = published.clone();
        wait_until_async("five algorithms: in use, next and retiring", PATIENCE, async || {
            now = kids(&get(&world.url("/.well-known/jwks.json")).await.json());
            now.len() == 15
        })
        .await;
        assert!(now.is_superset(&published), "old keys stay as long as their tokens live");
        app.assert_alive(&before).await;
        app.assert_alive(&after).await;
        app.refresh(&before.refresh).await.tokens();
        // The hint a relying party kept from before is still understood.
        let hint = [("id_token_hint", before.id.as_str()), ("prompt", "none")];
        app.code_with(&browser, &hint).await;
        let changed: Vec<_> = list(&world).into_iter().filter(|key| !old.contains(key)).collect();
        assert_eq!(changed.len(), 15, "each old row changed its state and five are new");
    }

    async fn a_retired_key_takes_its_tokens_with_it(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        let signed_by_old = app.tokens(&browser).await;
        let leaked = kid(&signed_by_old.access);
        app.assert_alive(&signed_by_old).await;
        let refused = world.run(&["--yes", "key", "retire", &leaked]);
        assert!(!refused.status.success(), "the key in use cannot be removed");
        assert!(!world.run(&["--yes", "key", "retire", "no-such-key"]).status.success());
        app.assert_alive(&signed_by_old).await;

        world.cli(&["key", "rotate"]);
        world.cli(&["--yes", "key", "retire", &leaked]);
        app.wait_until_access_dead(&signed_by_old.access).await;
        assert!(!kids(&get(&world.url("/.well-known/jwks.json")).await.json()).contains(&leaked));
        // Its ID token is no hint any more either.
        let hint = [("id_token_hint", signed_by_old.id.as_str()), ("prompt", "none")];
        let page = browser.get(&app.authorize_path(&hint)).await;
        assert!(page.location_parameter("code").is_none(), "{}", page.describe());
        // The lineage itself goes on under the new key.
        let next = app.refresh(&signed_by_old.refresh).await.tokens();
        assert_ne!(kid(&next.access), leaked);
        app.assert_alive(&next).await;
    }

    async fn commands_that_rotate_at_the_same_moment_leave_one_key_in_use(world: World) {
        let commands = (0..3).map(|_| {
            tokio::process::Command::from(world.command(&["key", "rotate"])).output()
        });
        let outputs = futures_util::future::join_all(commands).await;
        let done = outputs.iter().filter(|output| output.as_ref().unwrap().status.success());
        assert!(done.count() >= 1, "{outputs:?}");
        let listed = list(&world);
        for alg in SigningAlg::ALL.map(SigningAlg::as_str) {
            for state in ["active", "next"] {
                let found = listed.iter().filter(|key| key["alg"] == alg && key["state"] == state);
                assert_eq!(found.count(), 1, "{alg} {state}");
            }
        }
    }
}

/// The signing keys of `key list`.
fn list(world: &World) -> Vec<Value> {
    let mut items = world.cli(&["key", "list"])["items"].as_array().expect("a list").clone();
    items.retain(|key| key["use"] == "sig");
    items
}

fn kids(jwks: &Value) -> BTreeSet<String> {
    let keys = jwks["keys"].as_array().expect("a JWKS").iter();
    keys.filter(|key| key["use"] == "sig").map(|key| text(key, "kid")).collect()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).to_owned()
}

/// The key a token was signed with.
fn kid(token: &str) -> String {
    let header = token.split('.').next().expect("a header");
    let bytes = data_encoding::BASE64URL_NOPAD.decode(header.as_bytes()).expect("base64url");
    text(&serde_json::from_slice(&bytes).expect("JSON"), "kid")
}
