//! Tokens with which apps register themselves, and the end of an app's registration access, at the REST
//! API: shown once, listed page by page, revoked, with the same audit events as commands leave.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, header, is, make_key, refused, service};
use crate::kit::audit::{events, noted};
use crate::kit::console::{create, manager};
use crate::kit::flow::count;
use crate::kit::registration::{Registered, assert_refused, register, request};
use crate::support::backends::Backend;
use crate::support::world::World;

/// A world in which apps need a token to register, and an owner's program.
async fn by_token(backend: Backend) -> (World, Api) {
    let world = World::builder(backend).env("DOORWARD_REGISTRATION__MODE", "token").start().await;
    create(&world, "boss", Some("owner"));
    let api = Api::with_key(&world, "boss", &all_scopes());
    (world, api)
}

fn text(document: &Value, name: &str) -> String {
    document[name].as_str().unwrap_or_else(|| panic!("no {name} in {document}")).to_owned()
}

/// How many tokens there are.
async fn tokens(world: &World) -> i64 {
    count(world, "select count(*) from registration_tokens").await
}

on_both_backends! {
    async fn a_token_is_made_once_shown_once_used_and_revoked(backend: Backend) {
        let (world, api) = by_token(backend).await;
        let wish = json!({ "label": "Test bench", "max_uses": 2, "days": 30 });
        let answer = is(api.post_once("/registration-tokens", "k1", &wish).await, 201);
        let made = answer.json();
        let (id, token) = (text(&made, "id"), text(&made, "token"));
        assert_eq!(header(&answer, "location"), format!("{}/api/v1/registration-tokens/{id}", world.issuer));
        assert_eq!((&made["label"], &made["uses"], &made["max_uses"]), (&json!("Test bench"), &json!(0), &json!(2)));
        assert_eq!((&made["state"], &made["revoked_at"]), (&json!("works"), &Value::Null));
        // The same request once more makes no second one, and is told the same.
        let again = is(api.post_once("/registration-tokens", "k1", &wish).await, 201).json();
        assert_eq!((again, tokens(&world).await), (made.clone(), 1));
        register(&world, Some(&token), &request(json!({}))).await.assert_status(201);

        let shown = is(api.get(&format!("/registration-tokens/{id}")).await, 200);
        assert_eq!((&shown.json()["uses"], &shown.json()["state"]), (&json!(1), &json!("works")));
        let listed = is(api.get("/registration-tokens").await, 200);
        assert_eq!(listed.json()["items"], json!([shown.json()]));
        for seen in [&shown, &listed] {
            assert!(!seen.text.contains(&token) && !seen.text.contains("hash"), "{seen:?}");
        }
        is(api.delete(&format!("/registration-tokens/{id}")).await, 204);
        let late = register(&world, Some(&token), &request(json!({}))).await;
        assert_refused(&late, 401, "invalid_token");
        refused(api.delete(&format!("/registration-tokens/{id}")).await, 404, "not_found");
        let shown = is(api.get(&format!("/registration-tokens/{id}")).await, 200).json();
        assert!(shown["state"] == "revoked" && shown["revoked_at"].is_string(), "{shown}");

        // As the command line notes it.
        let key = json!({ "permission": id, "label": "Test bench" });
        let by_api = noted(&world, "registration_token.created");
        for (name, value) in key.as_object().unwrap() {
            assert_eq!(by_api[0][name], *value, "{by_api:?}");
        }
        assert_eq!(noted(&world, "registration_token.revoked")[0]["permission"], json!(id));
        let audit = world.cli(&["audit", "list", "--limit", "1000"]).to_string();
        assert!(!audit.contains(&token), "{audit}");
        world.assert_log_is_clean(&[&token, &api.credential]);
    }

    async fn what_nobody_says_is_as_usual_and_what_is_wrong_is_named(backend: Backend) {
        let (world, api) = by_token(backend).await;
        let usual = is(api.command(Method::POST, "/registration-tokens").await, 201).json();
        assert_eq!((&usual["label"], &usual["max_uses"]), (&json!(""), &json!(1)));
        let days = "select (expires_at - created_at) / 86400 from registration_tokens";
        assert_eq!(count(&world, days).await, 7);
        for (wrong, field) in [
            (json!({ "label": "x".repeat(101) }), "label"), (json!({ "label": "a\nb" }), "label"),
            (json!({ "label": "Bank\u{202e}x" }), "label"), (json!({ "max_uses": 0 }), "max_uses"),
            (json!({ "max_uses": 100_001 }), "max_uses"), (json!({ "days": 0 }), "days"),
            (json!({ "days": 367 }), "days"), (json!({ "days": i64::MAX }), "days"),
            (json!({ "lifetime": 60 }), "lifetime"),
        ] {
            let answer = refused(api.post("/registration-tokens", &wrong).await, 422, "invalid");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{answer:?}");
        }
        for odd in [json!({ "days": "7" }), json!({ "max_uses": 1.5 }), json!({ "label": null })] {
            refused(api.post("/registration-tokens", &odd).await, 422, "invalid");
        }
        assert_eq!(tokens(&world).await, 1);
        for method in [Method::GET, Method::DELETE] {
            refused(api.command(method, "/registration-tokens/none").await, 404, "not_found");
        }
    }

    async fn tokens_are_listed_page_by_page_newest_first(backend: Backend) {
        let (_world, api) = by_token(backend).await;
        let mut made = Vec::new();
        for n in 0..5 {
            let token = is(api.post("/registration-tokens", &json!({ "label": n.to_string() })).await, 201);
            made.insert(0, text(&token.json(), "id"));
        }
        let (mut found, mut next) = (Vec::new(), String::new());
        for rows in [2, 2, 1] {
            let page = is(api.get(&format!("/registration-tokens?limit=2{next}")).await, 200).json();
            let items = page["items"].as_array().expect("items");
            assert_eq!(items.len(), rows, "{page}");
            found.extend(items.iter().map(|item| text(item, "id")));
            next = page["next"].as_str().map(|next| format!("&cursor={next}")).unwrap_or_default();
        }
        assert_eq!((found, next), (made, String::new()));
        refused(api.get("/registration-tokens?label=x").await, 400, "malformed_request");
    }

    async fn an_app_loses_its_registration_access_and_nothing_else(backend: Backend) {
        let (world, api) = by_token(backend).await;
        let token = text(&is(api.post("/registration-tokens", &json!({})).await, 201).json(), "token");
        let page = register(&world, Some(&token), &request(json!({}))).await;
        let app = Registered::of(&world, &page);
        let end = format!("/clients/{}/revoke-registration", app.rp.id);
        for _ in 0..2 {
            is(api.command(Method::POST, &end).await, 204);
            for method in [Method::GET, Method::PUT, Method::DELETE] {
                let body = app.replacement(json!({ "client_name": "Mine again" }));
                assert_refused(&app.manage(method, Some(&body)).await, 401, "invalid_token");
            }
        }
        assert_eq!(events(&world, "client.registration_revoked").await, 1, "twice is once");
        is(api.get(&format!("/clients/{}", app.rp.id)).await, 200);
        let made = json!({ "metadata": { "client_name": "Made", "redirect_uris": ["https://rp.test/cb"] } });
        let made = text(&is(api.post("/clients", &made).await, 201).json(), "client_id");
        let path = format!("/clients/{made}/revoke-registration");
        refused(api.command(Method::POST, &path).await, 409, "not_self_registered");
        refused(api.command(Method::POST, "/clients/nobody/revoke-registration").await, 404, "not_found");
        world.assert_log_is_clean(&[app.token(), &token]);
    }

    async fn only_who_may_change_apps_makes_and_revokes(backend: Backend) {
        let (world, api) = by_token(backend).await;
        let made = is(api.post("/registration-tokens", &json!({ "max_uses": 9 })).await, 201).json();
        let (id, token) = (text(&made, "id"), text(&made, "token"));
        let page = register(&world, Some(&token), &request(json!({}))).await;
        let app = Registered::of(&world, &page);
        let (one, end) = (format!("/registration-tokens/{id}"), format!("/clients/{}/revoke-registration", app.rp.id));
        create(&world, "eyes", Some("auditor"));
        manager(&world, &["crew"]).await;
        for who in ["eyes", "the-manager"] {
            let other = Api::with_key(&world, who, &all_scopes());
            refused(other.post("/registration-tokens", &json!({})).await, 403, "forbidden");
            refused(other.delete(&one).await, 403, "forbidden");
            refused(other.command(Method::POST, &end).await, 403, "forbidden");
            let seen = other.get("/registration-tokens").await;
            assert_eq!(seen.status, if who == "eyes" { 200 } else { 403 }, "{seen:?}");
            assert!(!seen.text.contains(&token), "{seen:?}");
        }
        // A key that may look at apps, one for other things, and nobody at all.
        for scopes in [&["doorward.clients:read"][..], &["doorward.users:write"]] {
            let key = Api::new(&world, &make_key(&world, "boss", scopes).1);
            refused(key.post("/registration-tokens", &json!({})).await, 403, "insufficient_scope");
            refused(key.delete(&one).await, 403, "insufficient_scope");
            refused(key.command(Method::POST, &end).await, 403, "insufficient_scope");
        }
        // What lets apps in lets nobody into the API, nor does what an app manages itself with.
        for wrong in [&*token, app.token()] {
            assert_eq!(Api::new(&world, wrong).get("/registration-tokens").await.status, 401);
        }
        assert_eq!((tokens(&world).await, events(&world, "registration_token.revoked").await), (1, 0));
        app.manage(Method::GET, None).await.assert_status(200);
        // A service that looks after apps may.
        let robot = Api::of_service(&world, &service(&world, "robot", &["doorward.clients:write"])).await;
        is(robot.post("/registration-tokens", &json!({})).await, 201);
        is(robot.command(Method::POST, &end).await, 204);
        is(robot.delete(&one).await, 204);
        assert_refused(&register(&world, Some(&token), &request(json!({}))).await, 401, "invalid_token");
        world.assert_log_is_clean(&[&token, app.token()]);
    }
}
