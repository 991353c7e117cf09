//! Strict bodies and queries, pages, conditions, and what is carried out once (RFC 9110, RFC 9457; security
//! catalogue, rows 75 and 132).

use std::collections::BTreeSet;

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, header, is, refused, sent, tag};
use crate::kit::console::create;
use crate::kit::flow::{PATIENCE, count, execute};
use crate::support::process::wait_until_async;
use crate::support::world::World;

fn owner(world: &World) -> Api {
    create(world, "boss", Some("owner"));
    Api::with_key(world, "boss", &all_scopes())
}

/// Posts bytes of some type.
async fn raw(api: &Api, kind: &str, body: impl Into<reqwest::Body>) -> crate::kit::flow::Answer {
    let request = api.request(Method::POST, "/users").header("content-type", kind);
    sent(request.body(body)).await
}

on_both_backends! {
    async fn a_body_is_read_strictly(world: World) {
        let api = owner(&world);
        let json = "application/json";
        let good = r#"{"username":"x"}"#;
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
            refused(raw(&api, kind, good).await, 415, "unsupported_media_type");
        }
        let zipped = api.request(Method::POST, "/users").header("content-encoding", "gzip");
        let zipped = sent(zipped.header("content-type", json).body(good)).await;
        refused(zipped, 415, "unsupported_media_type");
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        for bad in ["{", "", "[1", "null", "[]", "7", r#"{"username":"x","username":"y"}"#, &deep, "{\"username\":\"a\\u0000\"}"] {
            refused(raw(&api, json, bad.to_owned()).await, 400, "malformed_request");
        }
        let long = format!(r#"{{"username":"{}"}}"#, "x".repeat(70_000));
        refused(raw(&api, json, long).await, 413, "too_large");
        let unknown = refused(raw(&api, json, r#"{"username":"x","admin":true}"#).await, 422, "invalid");
        assert_eq!(unknown.json()["errors"][0]["field"], "admin");
        let missing = refused(raw(&api, json, "{}").await, 422, "invalid");
        assert_eq!(missing.json()["errors"][0]["field"], "username");
        for bad in [r#"{"username":7}"#, r#"{"username":"a b"}"#, r#"{"username":"x","role":"root"}"#] {
            refused(raw(&api, json, bad).await, 422, "invalid");
        }
        assert_eq!(count(&world, "select count(*) from users").await, 1);
        assert_eq!(is(raw(&api, json, good).await, 201).json()["username"], "x");
        refused(raw(&api, json, good).await, 409, "taken");
    }

    async fn addresses_and_queries_are_read_strictly(world: World) {
        let api = owner(&world);
        for query in ["limit=0", "limit=101", "limit=x", "limit=1&limit=1", "q=x", "cursor=%20", "search=%00"] {
            refused(api.get(&format!("/users?{query}")).await, 400, "malformed_request");
        }
        for query in [
            "outcome=maybe", "result=maybe", "since=yesterday", "cursor=eA", "user=boss&user_id=boss",
            "result=failure&outcome=failure",
        ] {
            refused(api.get(&format!("/audit-events?{query}")).await, 400, "malformed_request");
        }
        for path in ["/users/nobody", "/groups/none", "/clients/none", "/nowhere", "/users/%ff", "/users/x/y/z"] {
            refused(api.get(path).await, 404, "not_found");
        }
        refused(api.get("/users/%00").await, 400, "malformed_request");
        let answer = refused(api.command(Method::PUT, "/users").await, 405, "method_not_allowed");
        let allowed: BTreeSet<_> = header(&answer, "allow").split(", ").map(str::to_owned).collect();
        assert_eq!(allowed, ["GET", "HEAD", "POST"].map(str::to_owned).into());
        // Names that need escapes are found by their address.
        let made = is(api.post("/groups", &json!({ "name": "a/b c%2F+ü" })).await, 201);
        let address = header(&made, "location");
        let path = address.split_once("/api/v1").unwrap().1;
        assert_eq!(is(api.get(path).await, 200).json()["name"], "a/b c%2F+ü");
    }

    async fn events_are_searched_as_in_the_console_and_at_the_command_line(world: World) {
        let api = owner(&world);
        let made = is(api.post("/users", &json!({ "username": "ada", "email": "ada@rp.test" })).await, 201).json();
        let id = made["id"].as_str().unwrap();
        is(api.command(Method::POST, "/users/ada/disable").await, 204);
        let kinds = async |query: &str| {
            let page = is(api.get(&format!("/audit-events?{query}")).await, 200).json();
            let events = page["items"].as_array().unwrap().iter();
            events.map(|event| event["kind"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        let expected = ["user.disabled", "user.created"];
        for user in ["user=ada", "user=ada@rp.test", &format!("user={id}"), &format!("user_id={id}")] {
            for result in ["", "&result=success", "&outcome=success"] {
                assert_eq!(kinds(&format!("{user}{result}")).await, expected, "{user}{result}");
            }
            for result in ["&result=failure", "&outcome=failure"] {
                assert!(kinds(&format!("{user}{result}")).await.is_empty(), "{user}{result}");
            }
        }
        assert!(kinds("user_id=ada").await.is_empty(), "that is an id and no name");
        // Who is deleted is still asked for by id.
        is(api.delete("/users/ada").await, 204);
        assert_eq!(kinds(&format!("user={id}")).await[0], "user.deleted");
        assert!(kinds("user=ada").await.is_empty());
    }

    async fn a_list_is_walked_page_by_page(world: World) {
        let api = owner(&world);
        for n in 0..7 {
            is(api.post("/users", &json!({ "username": format!("person-{n}") })).await, 201);
        }
        let (mut seen, mut path) = (Vec::new(), "/users?limit=3&search=person".to_owned());
        loop {
            let answer = is(api.get(&path).await, 200);
            let page = answer.json();
            let items = page["items"].as_array().unwrap();
            seen.extend(items.iter().map(|item| item["username"].as_str().unwrap().to_owned()));
            let link = header(&answer, "link");
            let Some(next) = page["next"].as_str() else {
                assert_eq!(link, "");
                break;
            };
            assert!(link.contains("rel=\"next\"") && link.contains(next), "{link}");
            let address = link.trim_start_matches('<').split('>').next().unwrap();
            address.split_once("/api/v1").unwrap().1.clone_into(&mut path);
        }
        let wanted: Vec<_> = (0..7).map(|n| format!("person-{n}")).collect();
        assert_eq!(seen, wanted);
        // Newest first, nothing twice, nothing left out.
        let (mut events, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/audit-events?kind=user.created&limit=3{cursor}");
            let page = is(api.get(&path).await, 200).json();
            events.extend(page["items"].as_array().unwrap().iter().map(|event| event["id"].to_string()));
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let apart: BTreeSet<_> = events.iter().collect();
        assert_eq!((events.len(), apart.len()), (8, 8));
        assert!(events.is_sorted_by(|a, b| a > b));
    }

    async fn nobody_s_change_is_lost(world: World) {
        let api = owner(&world);
        is(api.post("/users", &json!({ "username": "alice" })).await, 201);
        is(api.post("/groups", &json!({ "name": "crew" })).await, 201);
        let metadata = json!({ "client_name": "App", "redirect_uris": ["https://rp.test/cb"] });
        let made = json!({ "client_id": "app", "metadata": metadata });
        is(api.post("/clients", &made).await, 201);
        for (path, change) in [
            ("/users/alice", &(|n: usize| json!({ "name": format!("Name {n}") })) as &dyn Fn(usize) -> Value),
            ("/groups/crew", &|n| json!({ "description": format!("Text {n}") })),
            ("/clients/app", &|n| json!({ "metadata": { "client_name": format!("App {n}") } })),
        ] {
            let shown = is(api.get(path).await, 200);
            let bare = api.request(Method::PATCH, path).json(&change(0));
            refused(sent(bare).await, 428, "precondition_required");
            refused(api.patch(path, "\"other\"", &change(0)).await, 412, "precondition_failed");
            refused(api.patch(path, "x", &change(0)).await, 400, "malformed_request");
            // Of many that were made from the same state one goes through.
            let tag = tag(&shown);
            let changes: Vec<_> = (1..9).map(change).collect();
            let answers = join_all(changes.iter().map(|body| api.patch(path, &tag, body))).await;
            let won: Vec<_> = answers.iter().filter(|answer| answer.status == 200).collect();
            assert_eq!(won.len(), 1, "{path}: {answers:?}");
            for answer in &answers {
                assert!(matches!(answer.status, 200 | 412), "{answer:?}");
            }
            let now = is(api.get(path).await, 200);
            assert_eq!(now.json(), won[0].json(), "{path}");
            assert_eq!(crate::kit::api::tag(&now), crate::kit::api::tag(won[0]), "{path}");
            let gone = api.request(Method::DELETE, path).header("if-match", &tag);
            refused(sent(gone).await, 412, "precondition_failed");
            is(api.delete(path).await, 204);
            refused(api.get(path).await, 404, "not_found");
        }
    }

    async fn of_a_change_and_a_deletion_made_from_the_same_one_counts(world: World) {
        let api = owner(&world);
        let metadata = json!({ "client_name": "App", "redirect_uris": ["https://rp.test/cb"] });
        is(api.post("/clients", &json!({ "client_id": "app", "metadata": metadata })).await, 201);
        let hook = |name: &str| json!({ "name": name, "url": "https://hook.invalid/", "events": ["backup.made"] });
        for round in 0..4 {
            let name = format!("x{round}");
            for (folder, new, change) in [
                ("/users", json!({ "username": name }), json!({ "name": "New" })),
                ("/groups", json!({ "name": name }), json!({ "description": "New" })),
                ("/clients", json!({ "client_id": name, "metadata": metadata }), json!({ "metadata": { "client_name": "New" } })),
                ("/organisations", json!({ "name": name }), json!({ "display_name": "New" })),
                ("/clients/app/roles", json!({ "name": name }), json!({ "description": "New" })),
                ("/webhooks", hook(&name), json!({ "events": ["key.*"] })),
            ] {
                is(api.post(folder, &new).await, 201);
                let path = format!("{folder}/{name}");
                let version = tag(&is(api.get(&path).await, 200));
                let gone = sent(api.request(Method::DELETE, &path).header("if-match", &version));
                let (changed, deleted) = join(api.patch(&path, &version, &change), gone).await;
                let outcome = (changed.status, deleted.status);
                assert!(matches!(outcome, (200, 412) | (404 | 412, 204)), "{path}: {outcome:?}");
            }
        }
    }

    async fn what_has_a_key_is_carried_out_once(world: World) {
        let api = owner(&world);
        let metadata = json!({ "client_name": "App", "redirect_uris": ["https://rp.test/cb"] });
        let body = json!({ "metadata": metadata });
        let first = is(api.post_once("/clients", "k-1", &body).await, 201);
        let again = is(api.post_once("/clients", "k-1", &body).await, 201);
        assert_eq!(first.json(), again.json(), "the secret, too");
        for name in ["location", "etag"] {
            assert_eq!(header(&first, name), header(&again, name));
        }
        let other = json!({ "metadata": { "client_name": "Other" } });
        refused(api.post_once("/clients", "k-1", &other).await, 422, "idempotency_key_reused");
        refused(api.post_once("/groups", "k-1", &body).await, 422, "idempotency_key_reused");
        for bad in ["", "a b", &"x".repeat(256)] {
            refused(api.post_once("/clients", bad, &body).await, 400, "malformed_request");
        }
        assert_eq!(count(&world, "select count(*) from clients").await, 1);
        // At the same moment. Where many wait for the database, "try again" is an answer, too.
        let all = join_all((0..8).map(|_| api.post_once("/clients", "k-2", &body))).await;
        for answer in &all {
            assert!(matches!(answer.status, 201 | 409 | 503), "{answer:?}");
        }
        wait_until_async("the answer of the one that came first", PATIENCE, async || {
            api.post_once("/clients", "k-2", &body).await.status == 201
        })
        .await;
        assert_eq!(count(&world, "select count(*) from clients").await, 2);
        // What was refused has changed nothing, and may come again once it is mended elsewhere.
        let person = json!({ "username": "boss" });
        refused(api.post_once("/users", "k-3", &person).await, 409, "taken");
        refused(api.post_once("/users", "k-3", &person).await, 409, "taken");
        // Somebody else's key is another one.
        let second = Api::with_key(&world, "boss", &all_scopes());
        let made = is(second.post_once("/clients", "k-1", &body).await, 201);
        assert_ne!(made.json()["client_id"], first.json()["client_id"]);
        // Answers are kept sealed, and not longer than a day.
        let secret = first.json()["client_secret"].as_str().unwrap().to_owned();
        let open = format!("select count(*) from api_requests where answer like '%{secret}%'");
        assert_eq!(count(&world, &open).await, 0);
        execute(&world, "update api_requests set expires_at = 1").await;
        let later = is(api.post_once("/clients", "k-1", &body).await, 201);
        assert_ne!(later.json()["client_id"], first.json()["client_id"]);
        world.assert_log_is_clean(&[&api.credential, &secret]);
    }
}
