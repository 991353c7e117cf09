//! What apps keep beside sessions is gone with the session, whatever Redis remembers; and a token that
//! is bound to a key is nothing without that key.

use reqwest::Method;
use serde_json::json;

use crate::kit::dpop::{Key, bound_tokens, redeem};
use crate::kit::fixtures::{ALICE, Bed};
use crate::kit::flow::{App, PATIENCE, count, create_user, sign_in, sign_out};
use crate::kit::session_data::{Answer, Keeper, PLACES};
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::servers::Persistence;
use crate::support::world::World;

const ROWS: &str = "select count(*) from session_data";

/// Asks until the answer is not "try again later"; the last status.
async fn settled(keeper: &Keeper, key: &str) -> u16 {
    let mut status = 503;
    wait_until_async("session data being readable", PATIENCE, async || {
        status = keeper.get(key).await.status;
        status != 503
    })
    .await;
    status
}

async fn fill(keeper: &Keeper) {
    for key in PLACES {
        keeper.put(key, &json!({ "n": 1 })).await.is(201);
    }
}

on_both_backends! {
    async fn nothing_of_a_session_is_left_after_a_logout(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "cart", &[]);
        let browser = sign_in(&world, "alice").await;
        let keeper = Keeper::new(&world, &app.tokens(&browser).await.access);
        fill(&keeper).await;
        assert_eq!(count(&world, ROWS).await, 2);
        sign_out(&browser).await;
        for key in PLACES {
            keeper.get(key).await.is(401);
            keeper.put(key, &json!(1)).await.is(401);
            keeper.patch(key, &json!({ "a": 1 })).await.is(401);
            keeper.delete(key).await.is(401);
        }
        assert_eq!(count(&world, ROWS).await, 1, "what the person shares stays");
        let anew = Keeper::signed_in(&world, &app, "alice").await;
        for (key, status) in PLACES.into_iter().zip([404, 404, 200, 200]) {
            anew.get(key).await.is(status);
        }
    }

    async fn signing_out_everywhere_ends_what_a_person_shares(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "cart", &[]);
        let keeper = Keeper::signed_in(&world, &app, "alice").await;
        fill(&keeper).await;
        world.cli(&["user", "disable", "alice", "--yes"]);
        wait_until_async("the token being dead", PATIENCE, async || {
            keeper.get("user:k").await.status == 401
        })
        .await;
        assert_eq!(count(&world, ROWS).await, 0);
        world.cli(&["user", "enable", "alice"]);
        let anew = Keeper::signed_in(&world, &app, "alice").await;
        for key in PLACES {
            anew.get(key).await.is(404);
            anew.put_if(key, ("if-none-match", "*"), &json!(2)).await.is(201);
        }
    }

    async fn a_revoked_token_and_a_disabled_app_reach_nothing(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "cart", &[]);
        let browser = sign_in(&world, "alice").await;
        let tokens = app.tokens(&browser).await;
        let keeper = Keeper::new(&world, &tokens.access);
        fill(&keeper).await;
        assert_eq!(app.revoke(&tokens.refresh).await.status, 200);
        for key in PLACES {
            keeper.get(key).await.is(401);
            keeper.put(key, &json!(1)).await.is(401);
        }
        // The session goes on, and so do its values, for whoever has a token.
        let other = Keeper::new(&world, &app.tokens(&browser).await.access);
        other.get("k").await.is(200);
        world.cli(&["client", "update", "cart", "--disable"]);
        wait_until_async("the token being dead", PATIENCE, async || {
            other.get("k").await.status == 401
        })
        .await;
        assert_eq!(count(&world, ROWS).await, 0);
        world.cli(&["client", "update", "cart", "--enable"]);
        let mut code = None;
        wait_until_async("the app being served again", PATIENCE, async || {
            let page = browser.get(&app.authorize_path(&[])).await;
            code = page.try_location().and_then(|_| page.location_parameter("code"));
            code.is_some()
        })
        .await;
        let tokens = app.redeem(&code.expect("a code")).await.tokens();
        let anew = Keeper::new(&world, &tokens.access);
        for key in PLACES {
            anew.get(key).await.is(404);
        }
    }

    async fn taking_back_what_an_app_is_allowed_removes_what_it_kept(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let keeper = Keeper::new(&bed.world, &rp.tokens(&browser, &ALICE, &[]).await.access);
        fill(&keeper).await;
        let csrf = browser.get("/account").await.attributes("input[name='csrf']", "value").remove(0);
        let fields = [("csrf", csrf.as_str()), ("client_id", "conf-basic")];
        browser.post("/account/allowed/end", &fields).await.assert_status(303);
        keeper.get("k").await.is(401);
        assert_eq!(count(&bed.world, ROWS).await, 0);
        let anew = Keeper::new(&bed.world, &rp.tokens(&browser, &ALICE, &[]).await.access);
        for key in PLACES {
            anew.get(key).await.is(404);
        }
    }

    async fn a_bound_token_needs_its_key_for_every_request(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let (rp, browser, key) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await, Key::new());
        let code = rp.code(&browser, &ALICE, &[]).await;
        let tokens = bound_tokens(&redeem(&rp, &code, Some(&key)).await, &key);
        let keeper = Keeper::new(&bed.world, &tokens.access);
        let url = format!("{}/user:cart", keeper.base);
        let ask = async |method: Method, scheme: &str, proof: Option<String>| {
            let request = keeper.http.request(method, &url).body("{\"a\":1}");
            let request = request.header("authorization", format!("{scheme} {}", tokens.access));
            let request = request.header("content-type", "application/merge-patch+json");
            let request = match proof {
                Some(proof) => request.header("dpop", proof),
                None => request,
            };
            Answer::of(request).await
        };
        let proof = |key: &Key, method: &str| Some(key.proof_for_token(method, &url, &tokens.access));
        ask(Method::PATCH, "DPoP", proof(&key, "PATCH")).await.is(201);
        let read = ask(Method::GET, "DPoP", proof(&key, "GET")).await.is(200);
        assert_eq!(read.body, json!({ "a": 1 }));
        // As a bearer token, without a proof, with that of another key, method, address or request.
        ask(Method::GET, "Bearer", None).await.is(401);
        ask(Method::GET, "DPoP", None).await.is(401);
        ask(Method::GET, "DPoP", proof(&Key::new(), "GET")).await.is(401);
        ask(Method::DELETE, "DPoP", proof(&key, "GET")).await.is(401);
        let elsewhere = format!("{}/user:other", keeper.base);
        let other = key.proof_for_token("GET", &elsewhere, &tokens.access);
        ask(Method::GET, "DPoP", Some(other)).await.is(401);
        let once = proof(&key, "GET");
        ask(Method::GET, "DPoP", once.clone()).await.is(200);
        ask(Method::GET, "DPoP", once).await.is(401);
        bed.assert_log_is_clean();
    }
}

/// Nothing of an ended session comes back with an old snapshot, nor of a person who was signed out
/// everywhere; and no tag of a value that was lost fits another one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_of_an_ended_session_stays_gone_when_redis_comes_back_with_an_older_snapshot() {
    let builder = World::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.start().await;
    for name in ["alice", "bob", "carol"] {
        create_user(&world, name);
    }
    let app = App::register(&world, "cart", &[]);
    let alice = sign_in(&world, "alice").await;
    let of_alice = Keeper::new(&world, &app.tokens(&alice).await.access);
    let of_bob = Keeper::signed_in(&world, &app, "bob").await;
    let of_carol = Keeper::signed_in(&world, &app, "carol").await;
    fill(&of_alice).await;
    fill(&of_bob).await;
    of_carol.put("k", &json!("first")).await.is(201);
    let snapshot = world.redis().save_snapshot();
    let lost = of_carol.put("k", &json!("lost")).await.is(200);
    sign_out(&alice).await;
    world.cli(&["user", "disable", "bob", "--yes"]);
    world.redis().restore_snapshot(&snapshot);
    for key in PLACES {
        assert_eq!(settled(&of_alice, key).await, 401, "{key}");
        assert_eq!(settled(&of_bob, key).await, 401, "{key}");
    }
    assert_eq!(settled(&of_carol, "k").await, 200);
    let newer = of_carol.put("k", &json!("newer")).await.is(200);
    assert_ne!(newer.tag, lost.tag);
    of_carol.put_if("k", ("if-match", &lost.tag), &json!("overwritten")).await.is(412);
    world.cli(&["user", "enable", "bob"]);
    let alice = Keeper::signed_in(&world, &app, "alice").await;
    let bob = Keeper::signed_in(&world, &app, "bob").await;
    for key in PLACES {
        let shared = if key.starts_with("user:") { 200 } else { 404 };
        assert_eq!(alice.get(key).await.status, shared, "{key}");
        bob.get(key).await.is(404);
    }
}

/// Without Redis only durable values can be had; nothing is made up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_durable_values_go_on_and_others_wait() {
    let builder = World::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.start().await;
    create_user(&world, "alice");
    let app = App::register(&world, "cart", &[]);
    let keeper = Keeper::signed_in(&world, &app, "alice").await;
    fill(&keeper).await;
    let kept = keeper.get("durable:k").await.is(200);
    world.redis().kill9();
    wait_until_async("the fast store being missed", PATIENCE, async || {
        keeper.get("k").await.status == 503
    })
    .await;
    keeper.patch("k", &json!({ "n": 2 })).await.is(503);
    keeper.delete("user:k").await.is(503);
    for key in ["durable:k", "user:durable:k"] {
        keeper.get(key).await.is(200);
        keeper.patch(key, &json!({ "n": 2 })).await.is(200);
    }
    assert_ne!(keeper.get("durable:k").await.is(200).tag, kept.tag);
}
