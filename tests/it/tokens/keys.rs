//! Signing keys: the next one is published ahead, rotation breaks no verification, and a removed
//! key takes everything it signed with it.

use std::collections::BTreeSet;
use std::sync::Arc;

use doorward::clock::Clock;
use doorward::protocol::types::SigningAlg;
use doorward::service::audit::Actor;
use doorward::service::keys;
use doorward::store::keys::KeyRow;
use serde_json::Value;

use crate::kit::node::node;

use crate::kit::flow::{App, PATIENCE, create_user, execute, get, sign_in};
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

    async fn a_hint_outlives_the_publication_of_its_key(mut world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        let before = app.tokens(&browser).await;
        let (kid, hint) = (kid(&before.id), before.id.as_str());
        world.cli(&["key", "rotate"]);
        let published = async |world: &World| {
            kids(&get(&world.url("/.well-known/jwks.json")).await.json()).contains(&kid)
        };
        assert!(published(&world).await, "its tokens may still live");
        // Two hours later the server looks after its keys, as it does when it starts.
        execute(&world, "update signing_keys set remove_after = 1 where state = 'retiring'").await;
        world.restart().await;
        wait_until_async("the key being unpublished", PATIENCE, async || !published(&world).await).await;
        let state = |world: &World| {
            let key = list(world).into_iter().find(|key| text(key, "kid") == kid);
            key.map(|key| text(&key, "state"))
        };
        assert_eq!(state(&world).as_deref(), Some("retired"));
        // It verifies no token any more; the ID token still says who is meant, and which session.
        app.wait_until_access_dead(&before.access).await;
        app.code_with(&browser, &[("id_token_hint", hint), ("prompt", "none")]).await;
        let out = format!("/oauth2/logout?id_token_hint={hint}");
        let other = world.browser().get(&out).await;
        assert!(other.status.is_success() && !other.has_form("sign-out"), "{}", other.describe());
        let page = browser.get(&out).await;
        assert!(page.status.is_success() && !page.has_form("sign-out"), "{}", page.describe());
        let page = browser.get(&app.authorize_path(&[("prompt", "none")])).await;
        assert_eq!(page.location_parameter("error").as_deref(), Some("login_required"));
        // When no session can be that old any more, the key goes.
        execute(&world, "update signing_keys set remove_after = 1 where state = 'retired'").await;
        world.restart().await;
        wait_until_async("the key being gone", PATIENCE, async || state(&world).is_none()).await;
        // The row goes a moment before the node's own copy.
        let refused = async || world.browser().get(&out).await.status.as_u16() == 400;
        wait_until_async("the hint meaning nothing", PATIENCE, refused).await;
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

on_both_backends! {
    async fn of_two_nodes_that_rotate_on_schedule_one_does(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let clock = Clock::manual(Clock::System.now());
        let (one, two) = (node(&world, &clock).await, node(&world, &clock).await);
        let before = keys::list(&one).await.unwrap();
        clock.advance(one.config.keys.rotate_every);
        let (first, second) = tokio::join!(keys::tick(&one), keys::tick(&two));
        first.and(second).expect("both look after the keys");
        let after = keys::list(&one).await.unwrap();
        for alg in SigningAlg::ALL {
            let published = kid_in(&before, alg, "next");
            assert_eq!(kid_in(&after, alg, "active"), published, "published long before");
            let retiring = after.iter().filter(|key| key.alg == alg && key.state == "retiring");
            assert_eq!(retiring.count(), 1, "{alg:?} was rotated once");
        }
    }

    async fn an_algorithm_is_never_left_without_a_key_that_signs(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let app = node(&world, &Clock::System).await;
        let alg = SigningAlg::Es256;
        let lose = async |state: &'static str| {
            let sql = "delete from signing_keys where alg = 'ES256' and state = $1";
            app.store.db.query(sql).bind(state).execute().await.expect("a deletion");
        };
        // As if the server had died between removing the next key and making another.
        lose("next").await;
        let before = kid_in(&keys::list(&app).await.unwrap(), alg, "active");
        keys::rotate(&app, alg, &Actor::CommandLine).await.expect("a rotation");
        let after = keys::list(&app).await.unwrap();
        assert_ne!(kid_in(&after, alg, "active"), before, "it was rotated");
        assert!(!kid_in(&after, alg, "next").is_empty());
        for state in ["next", "active"] {
            lose(state).await;
            keys::tick(&app).await.expect("a look at the keys");
            let healed = keys::list(&app).await.unwrap();
            let kid = kid_in(&healed, alg, "active");
            assert!(!kid_in(&healed, alg, "next").is_empty(), "{state}");
            assert_eq!(app.keyring.load().active(alg).map(|key| key.kid.clone()), Some(kid));
        }
    }

    async fn a_change_of_clients_opens_no_key_again(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let app = node(&world, &Clock::System).await;
        let before = app.keyring.load_full();
        keys::reload(&app).await.expect("the keys");
        assert!(Arc::ptr_eq(&before, &app.keyring.load_full()), "they are the same");
        keys::rotate(&app, SigningAlg::EdDsa, &Actor::CommandLine).await.expect("a rotation");
        assert!(!Arc::ptr_eq(&before, &app.keyring.load_full()));
    }
}

/// The only key of this algorithm in this state.
fn kid_in(rows: &[KeyRow], alg: SigningAlg, state: &str) -> String {
    let found: Vec<_> = rows.iter().filter(|row| row.alg == alg && row.state == state).collect();
    assert_eq!(found.len(), 1, "{alg:?} {state}");
    found[0].kid.clone()
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
