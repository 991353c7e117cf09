//! Values that apps keep beside sessions: conditions, changes at once, limits, and who sees what.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::flow::{App, PATIENCE, SecondNode, create_user, sign_in};
use crate::kit::session_data::{Answer, JSON, Keeper, MERGE, PLACES};
use crate::support::backends::Backend;
use crate::support::world::World;

/// An app, and its program with the token of a person's sign-in.
async fn cart(world: &World) -> (App, Keeper) {
    create_user(world, "alice");
    let app = App::register(world, "cart", &[]);
    let keeper = Keeper::signed_in(world, &app, "alice").await;
    (app, keeper)
}

/// Adds one to a number by reading it, and changing it if it is still the one that was read.
async fn count_up(keeper: &Keeper, key: &str) {
    loop {
        let read = keeper.get(key).await.is(200);
        let next = read.body["n"].as_i64().expect("a number") + 1;
        let answer = keeper.patch_if(key, &read.tag, &json!({ "n": next })).await;
        match answer.status {
            200 => return,
            412 => {}
            _ => panic!("{}", answer.is(200).body),
        }
    }
}

/// Patches, again and again while the answer is "try again later".
async fn patched(keeper: &Keeper, key: &str, change: &Value) -> u16 {
    let start = Instant::now();
    loop {
        let status = keeper.patch(key, change).await.status;
        if status != 503 || start.elapsed() > PATIENCE {
            return status;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

on_both_backends! {
    async fn of_sixty_four_changes_at_once_none_is_lost(world: World) {
        let (_, keeper) = cart(&world).await;
        for key in PLACES {
            let merges = (0..64).map(|number| {
                let (member, keeper) = (format!("m{number}"), &keeper);
                async move { patched(keeper, key, &json!({ member: number })).await }
            });
            let statuses = join_all(merges).await;
            let made = statuses.iter().filter(|status| **status == 201).count();
            let changed = statuses.iter().filter(|status| **status == 200).count();
            assert_eq!((made, changed), (1, 63), "{key}: {statuses:?}");
            let value = keeper.get(key).await.is(200);
            assert_eq!(value.body.as_object().expect("an object").len(), 64, "{key}");
            // Of any number that know the same value, one may change it.
            let rivals = (0..64).map(|number| {
                let (tag, keeper) = (&value.tag, &keeper);
                async move { keeper.patch_if(key, tag, &json!({ "winner": number })).await }
            });
            let (won, lost): (Vec<_>, Vec<_>) =
                join_all(rivals).await.into_iter().partition(|answer| answer.status == 200);
            assert_eq!((won.len(), lost.len()), (1, 63), "{key}");
            for answer in lost {
                answer.is(412);
            }
            let kept = keeper.get(key).await.is(200);
            assert_eq!((&kept.body, &kept.tag), (&won[0].body, &won[0].tag), "{key}");
            // Those that read again and try again are all counted.
            keeper.put(key, &json!({ "n": 0 })).await.is(200);
            join_all((0..16).map(|_| count_up(&keeper, key))).await;
            assert_eq!(keeper.get(key).await.is(200).body, json!({ "n": 16 }), "{key}");
            // Of any number that make a value which must not be there yet, one makes it.
            keeper.delete(key).await.is(204);
            let only_new = ("if-none-match", "*");
            let makers = (0..16).map(|number| {
                let keeper = &keeper;
                async move { keeper.put_if(key, only_new, &json!(number)).await.status }
            });
            let mut statuses = join_all(makers).await;
            statuses.sort_unstable();
            assert_eq!(statuses[..2], [201, 412], "{key}: {statuses:?}");
        }
    }

    async fn a_value_is_made_replaced_merged_and_removed_under_conditions(world: World) {
        let (_, keeper) = cart(&world).await;
        for key in PLACES {
            keeper.get(key).await.is(404);
            let made = keeper.put_if(key, ("if-none-match", "*"), &json!({ "n": 1 })).await.is(201);
            keeper.put_if(key, ("if-none-match", "*"), &json!(2)).await.is(412);
            let read = keeper.get(key).await.is(200);
            assert_eq!((&read.body, &read.tag, &*read.kind), (&json!({ "n": 1 }), &made.tag, JSON));
            let known = [("if-none-match", read.tag.as_str())];
            let unchanged = keeper.send((Method::GET, key), &known, "").await.is(304);
            assert_eq!((unchanged.tag, unchanged.body), (read.tag.clone(), Value::Null));
            let other = [("if-match", "\"other\"")];
            keeper.send((Method::GET, key), &other, "").await.is(412);
            let second = keeper.put_if(key, ("if-match", &made.tag), &json!({ "n": 2 })).await.is(200);
            keeper.put_if(key, ("if-match", &made.tag), &json!(3)).await.is(412);
            keeper.patch_if(key, &made.tag, &json!({ "n": 3 })).await.is(412);
            let merged = keeper.patch(key, &json!({ "m": { "a": null, "b": 1 } })).await.is(200);
            assert_eq!(merged.body, json!({ "n": 2, "m": { "b": 1 } }));
            let stale = [("if-match", second.tag.as_str())];
            keeper.send((Method::DELETE, key), &stale, "").await.is(412);
            assert_eq!(keeper.put(key, &json!([1])).await.is(200).body, json!([1]));
            keeper.delete(key).await.is(204);
            keeper.delete(key).await.is(404);
            keeper.put_if(key, ("if-match", "*"), &json!(1)).await.is(412);
            // A tag never stands for two values.
            let again = keeper.put(key, &json!({ "n": 1 })).await.is(201);
            assert_ne!(again.tag, made.tag);
        }
        world.assert_log_is_clean(&[&keeper.token]);
    }

    async fn what_cannot_be_kept_is_refused_in_plain_words(world: World) {
        let (_, keeper) = cart(&world).await;
        let put = async |kind: &str, body: Vec<u8>| {
            keeper.send((Method::PUT, "k"), &[("content-type", kind)], body).await
        };
        for kind in ["text/plain", MERGE, "application/jsonx", ""] {
            put(kind, b"1".to_vec()).await.is(415);
        }
        let packed = [("content-type", JSON), ("content-encoding", "gzip")];
        keeper.send((Method::PUT, "k"), &packed, "1").await.is(415);
        keeper.send((Method::PATCH, "k"), &[("content-type", JSON)], "{}").await.is(415);
        let nested = |levels: usize| [vec![b'['; levels], vec![b']'; levels]].concat();
        for body in [
            b"".to_vec(), b"{".to_vec(), b"1 2".to_vec(), b"\xff".to_vec(), b"\"\0\"".to_vec(),
            b"\"\\u0000\"".to_vec(), b"{\"\\u0000\":1}".to_vec(), b"\"\\ud800\"".to_vec(),
            b"1e999".to_vec(), nested(33), nested(10_000),
        ] {
            put(JSON, body).await.is(400);
        }
        put("application/json; charset=utf-8", nested(32)).await.is(201);
        for (name, value) in [("if-match", "x"), ("if-none-match", "\"a\" \"b\""), ("if-match", "")] {
            keeper.send((Method::GET, "k"), &[(name, value)], "").await.is(400);
        }
        for key in ["no%20such%20key", "%00", "%ff", "user:", "durable:user:x", "a:b", &"x".repeat(65)] {
            keeper.get(key).await.is(400);
            keeper.put(key, &json!(1)).await.is(400);
        }
        put(JSON, [b"\"".to_vec(), vec![b'x'; 70_000], b"\"".to_vec()].concat()).await.is(413);
        keeper.delete("k").await.is(204);
        // 16 KB for all values of a place together, and as much again in the next.
        for place in ["", "durable:", "user:", "user:durable:"] {
            let key = |name: &str| format!("{place}{name}");
            let large = json!("x".repeat(9_000));
            keeper.put(&key("a"), &large).await.is(201);
            keeper.put(&key("b"), &large).await.is(413);
            keeper.patch(&key("b"), &json!({ "x": large })).await.is(413);
            keeper.get(&key("b")).await.is(404);
            keeper.put(&key("b"), &json!("x".repeat(7_000))).await.is(201);
        }
        world.assert_log_is_clean(&[&keeper.token]);
    }

    async fn nobody_else_s_token_sees_a_value(world: World) {
        create_user(&world, "alice");
        create_user(&world, "bob");
        let app = App::register(&world, "cart", &[]);
        let other = App::register(&world, "mail", &[]);
        let browser = sign_in(&world, "alice").await;
        let own = Keeper::new(&world, &app.tokens(&browser).await.access);
        let other_app = Keeper::new(&world, &other.tokens(&browser).await.access);
        let again = Keeper::new(&world, &app.tokens(&browser).await.access);
        let other_device = Keeper::signed_in(&world, &app, "alice").await;
        let other_person = Keeper::signed_in(&world, &app, "bob").await;
        for key in PLACES {
            own.put(key, &json!("mine")).await.is(201);
            assert_eq!(again.get(key).await.is(200).body, "mine");
            other_app.get(key).await.is(404);
            other_person.get(key).await.is(404);
            let shared = if key.starts_with("user:") { 200 } else { 404 };
            other_device.get(key).await.is(shared);
            other_person.put(key, &json!("another")).await.is(201);
            other_app.patch(key, &json!({ "a": 1 })).await.is(201);
            assert_eq!(own.get(key).await.is(200).body, "mine");
        }
    }

    async fn a_token_must_be_a_person_s_and_meant_for_this_provider(world: World) {
        let (_, keeper) = cart(&world).await;
        for token in ["x", "", "a.b.c"] {
            Keeper { token: token.to_owned(), ..Keeper::new(&world, "") }.get("k").await.is(401);
        }
        let bare = keeper.http.get(format!("{}/k", keeper.base));
        Answer::of(bare.try_clone().expect("a request")).await.is(401);
        Answer::of(bare.query(&[("access_token", &keeper.token)])).await.is(401);
        let twice = keeper.http.get(format!("{}/k", keeper.base)).bearer_auth("x").bearer_auth("y");
        Answer::of(twice).await.is(400);
        // A stranger is not told what is wrong with a request.
        let stranger = Keeper::new(&world, "x");
        stranger.send((Method::PUT, "no%20key"), &[("if-match", "x")], "{").await.is(401);
        let service = App::register(&world, "service", &["--grant-type", "client_credentials"]);
        let token = service.client_credentials().await.json()["access_token"].clone();
        Keeper::new(&world, token.as_str().expect("a token")).get("k").await.is(403);
        let metadata = world.path("metadata.json");
        for (id, audience, status) in [
            ("api-only", json!(["https://api.test"]), 403),
            ("both", json!(["https://api.test", world.issuer]), 404),
        ] {
            std::fs::write(&metadata, json!({ "audience": audience }).to_string()).expect("a file");
            let app = App::register(&world, id, &["--metadata", metadata.to_str().expect("text")]);
            Keeper::signed_in(&world, &app, "alice").await.get("k").await.is(status);
        }
    }

    async fn an_offline_token_reaches_what_the_person_shares_and_no_session(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "cart", &[]);
        let browser = sign_in(&world, "alice").await;
        let scope = [("scope", "openid offline_access"), ("prompt", "consent")];
        let page = browser.get(&app.authorize_path(&scope)).await;
        let page = page.form("consent").press("decision", "allow").submit().await;
        let code = page.location_parameter("code").expect("a code");
        let offline = Keeper::new(&world, &app.redeem(&code).await.tokens().access);
        offline.put("user:k", &json!(1)).await.is(201);
        offline.put("k", &json!(1)).await.is(403);
        let online = Keeper::new(&world, &app.tokens(&browser).await.access);
        assert_eq!(online.get("user:k").await.is(200).body, 1);
    }

    async fn scripts_of_the_app_may_use_it_and_others_may_not(world: World) {
        create_user(&world, "alice");
        let metadata = world.path("metadata.json");
        let origins = json!({ "allowed_origins": ["https://app.test"] });
        std::fs::write(&metadata, origins.to_string()).expect("a file");
        let app = App::register(&world, "spa", &["--metadata", metadata.to_str().expect("text")]);
        let keeper = Keeper::signed_in(&world, &app, "alice").await;
        for (origin, allowed) in [("https://app.test", true), ("https://evil.test", false)] {
            let url = format!("{}/k", keeper.base);
            let asked = keeper.http.request(Method::OPTIONS, &url).header("Origin", origin);
            let asked = asked.send().await.expect("an answer");
            assert_eq!(asked.status().as_u16(), 204);
            let methods = asked.headers()["access-control-allow-methods"].to_str().expect("text");
            assert_eq!(methods, "GET, PUT, PATCH, DELETE");
            let request = keeper.http.get(&url).bearer_auth(&keeper.token).header("Origin", origin);
            let answer = request.send().await.expect("an answer");
            let headers = answer.headers();
            assert_eq!(headers.contains_key("access-control-allow-origin"), allowed, "{origin}");
            assert!(!headers.contains_key("access-control-allow-credentials"));
            let exposed = headers.get("access-control-expose-headers");
            assert_eq!(exposed.is_some_and(|names| names.to_str().unwrap().contains("ETag")), allowed);
        }
    }
}

/// Two nodes do not see each other's turns; the stores decide.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_changes_on_two_nodes_at_once_none_is_lost() {
    let world = World::start(Backend::Production).await;
    let mut node = SecondNode::spawn(&world);
    node.ready().await;
    let (_, here) = cart(&world).await;
    let base = format!("{}/api/v1/session-data", node.base());
    let there = Keeper { base, ..Keeper::new(&world, &here.token) };
    for key in PLACES {
        let changes = (0..32).map(|number| {
            let keeper = if number % 2 == 0 { &here } else { &there };
            let member = format!("m{number}");
            async move { patched(keeper, key, &json!({ member: number })).await }
        });
        let statuses = join_all(changes).await;
        assert!(statuses.iter().all(|status| matches!(status, 200 | 201)), "{key}: {statuses:?}");
        let members = there.get(key).await.is(200).body;
        assert_eq!(members.as_object().expect("an object").len(), 32, "{key}");
    }
}
