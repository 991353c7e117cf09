//! Two secrets of one app, members that are null, trusted issuers and webhooks: each change leaves the audit
//! event that the command leaves.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::resources::{events, owner, since};
use crate::kit::api::{Api, all_scopes, header, is, refused, sent};
use crate::kit::console::create;
use crate::kit::flow::{App, PATIENCE};
use crate::kit::hooks::{self, verifies};
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer as Served, TlsPeer};
use crate::support::world::World;

/// Waits until the app gets a token with this secret, or is refused.
async fn answers(world: &World, secret: &str, status: u16) {
    wait_until_async("the secrets being known", PATIENCE, async || {
        App::known(world, "robot", secret).client_credentials().await.status == status
    })
    .await;
}

fn once(kinds: &[&str]) -> BTreeMap<String, usize> {
    kinds.iter().map(|kind| ((*kind).to_owned(), 1)).collect()
}

fn rule() -> Value {
    json!([{ "client_id": "robot", "match": { "sub": "system:*" } }])
}

async fn robot(api: &Api) -> Value {
    let metadata = json!({ "client_name": "Robot", "kind": "machine", "scope": ["things:read"] });
    let body = json!({ "client_id": "robot", "metadata": metadata });
    is(api.post("/clients", &body).await, 201).json()
}

on_both_backends! {
    async fn an_app_has_two_secrets_while_one_is_renewed(world: World) {
        let api = owner(&world);
        let first = robot(&api).await["client_secret"].as_str().unwrap().to_owned();
        let path = "/clients/robot/secrets";
        let listed = is(api.get(path).await, 200);
        assert!(!listed.text.contains(&first), "{listed:?}");
        let old = listed.json()["items"][0]["id"].as_str().unwrap().to_owned();
        let before = events(&api).await;
        let added = is(api.post_once(path, "renewal", &json!({})).await, 201);
        assert_eq!(is(api.post_once(path, "renewal", &json!({})).await, 201).json(), added.json());
        let (new, second) = (added.json()["id"].clone(), added.json()["client_secret"].clone());
        let (new, second) = (new.as_str().unwrap(), second.as_str().unwrap());
        assert!(header(&added, "location").ends_with(&format!("/api/v1{path}/{new}")));
        let listed = is(api.get(path).await, 200).json();
        assert_eq!(listed, json!({ "items": [{ "id": new }, { "id": old }], "next": null }));
        refused(api.post(path, &json!({})).await, 409, "too_many_secrets");
        answers(&world, second, 200).await;
        answers(&world, &first, 200).await;
        create(&world, "hand", Some("operator"));
        let operator = Api::with_key(&world, "hand", &all_scopes());
        refused(operator.delete(&format!("{path}/{old}")).await, 403, "forbidden");
        is(api.delete(&format!("{path}/{old}")).await, 204);
        answers(&world, &first, 401).await;
        answers(&world, second, 200).await;
        refused(api.delete(&format!("{path}/{new}")).await, 409, "last_secret");
        for none in [old.as_str(), "none", "%20"] {
            refused(api.delete(&format!("{path}/{none}")).await, 404, "not_found");
        }
        let mut changed = since(&before, &events(&api).await);
        changed.retain(|kind, _| kind.starts_with("client.secret_"));
        assert_eq!(changed, once(&["client.secret_added", "client.secret_retired"]));
        let app = json!({ "client_id": "page", "metadata": { "client_name": "P", "kind": "spa", "redirect_uris": ["https://rp.test/"] } });
        is(api.post("/clients", &app).await, 201);
        refused(api.post("/clients/page/secrets", &json!({})).await, 409, "no_secret");
        assert_eq!(is(api.get("/clients/page/secrets").await, 200).json()["items"], json!([]));
        refused(api.get("/clients/none/secrets").await, 404, "not_found");
        world.assert_log_is_clean(&[&first, second]);
    }

    async fn null_gives_back_what_is_usual(world: World) {
        let api = owner(&world);
        is(api.post("/groups", &json!({ "name": "crew" })).await, 201);
        let metadata = json!({
            "client_name": "App", "kind": "web", "redirect_uris": ["https://rp.test/cb"], "contacts": ["a@b.test"],
            "allowed_groups": ["crew"], "access_token_lifetime": 600, "client_uri": null, "grant_types": ["authorization_code"],
            "claim_mappings": [{ "claim": "team", "in": ["userinfo"], "group": "crew" }],
        });
        let made = api.post("/clients", &json!({ "client_id": "app", "metadata": metadata })).await;
        assert_eq!(is(made, 201).json()["metadata"]["contacts"], json!(["a@b.test"]));
        let nulls = json!({ "metadata": {
            "claim_mappings": null, "allowed_groups": null, "contacts": null, "access_token_lifetime": null,
            "grant_types": null, "consent": null, "post_logout_redirect_uris": null, "jwks": null,
        }});
        let after = is(api.patch_now("/clients/app", &nulls).await, 200).json()["metadata"].take();
        assert_eq!((&after["contacts"], &after["grant_types"]), (&json!([]), &json!(["authorization_code", "refresh_token"])));
        assert_eq!((&after["client_name"], &after["redirect_uris"]), (&json!("App"), &json!(["https://rp.test/cb"])));
        for gone in ["claim_mappings", "allowed_groups", "access_token_lifetime"] {
            assert_eq!(after[gone], Value::Null, "{gone}");
        }
        for bad in [
            json!({ "metadata": { "root": null } }), json!({ "metadata": null }), json!({ "metadata": { "kind": 7 } }), json!({}),
            json!({ "metadata": { "redirect_uris": null } }), json!({ "metadata": [] }), json!({ "metadata": { "contacts": 7 } }),
        ] {
            refused(api.patch_now("/clients/app", &bad).await, 422, "invalid");
        }
        let alice = json!({ "username": "alice", "name": "A", "email": "a@people.test", "email_verified": true, "groups": ["crew"] });
        is(api.post("/users", &alice).await, 201);
        let nulls = json!({ "name": null, "email": null, "email_verified": null, "groups": null, "role": null });
        let after = is(api.patch_now("/users/alice", &nulls).await, 200).json();
        assert_eq!((&after["name"], &after["email"], &after["groups"]), (&Value::Null, &Value::Null, &json!([])));
        assert_eq!((&after["email_verified"], &after["role"]), (&json!(false), &Value::Null));
        refused(api.patch_now("/users/alice", &json!({ "root": null })).await, 422, "invalid");
        refused(api.patch_now("/groups/crew", &json!({ "name": null })).await, 422, "invalid");
        refused(api.patch_now("/groups/crew", &json!({ "root": null })).await, 422, "invalid");
    }

    async fn a_webhook_from_the_first_day_to_the_last(backend: Backend) {
        let world = hooks::world(backend).await;
        let api = owner(&world);
        create(&world, "eyes", Some("auditor"));
        let auditor = Api::with_key(&world, "eyes", &all_scopes());
        let before = events(&api).await;
        let peer = TlsPeer::shared();
        let heard = format!("/api-hook-{}/in", world.port);
        peer.serve(&heard, Served::status(200));
        let url = peer.url(&heard);
        let made = is(api.post("/webhooks", &json!({ "name": "hook", "url": url, "events": ["group.*"] })).await, 201);
        let secret = made.json()["secret"].as_str().unwrap().to_owned();
        assert!(secret.starts_with("whsec_"), "{made:?}");
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let path = format!("/webhooks/{id}");
        assert!(header(&made, "location").ends_with(&path));
        let shown = is(api.get(&path).await, 200);
        assert!(!shown.text.contains(&secret));
        assert_eq!((&shown.json()["url"], &shown.json()["disabled"]), (&json!(url), &json!(false)));
        assert_eq!(is(api.get("/webhooks/hook").await, 200).json(), shown.json(), "by its name");
        assert_eq!(is(api.get("/webhooks").await, 200).json()["items"], json!([shown.json()]));
        // The address may hold a secret.
        let seen = is(auditor.get(&path).await, 200);
        assert!(!seen.text.contains(&heard) && seen.json()["url"].is_null(), "{seen:?}");
        assert!(url.contains(seen.json()["host"].as_str().unwrap()));
        let test = is(api.command(Method::POST, &format!("{path}/test")).await, 200).json();
        assert_eq!((&test["arrived"], &test["status"]), (&json!(true), &json!(200)), "{test}");
        let sent_first = peer.wait_for(&heard, 1).await;
        verifies(&secret, &sent_first[0]);
        let log = is(api.get(&format!("{path}/deliveries?limit=1")).await, 200).json();
        assert_eq!((&log["items"][0]["type"], &log["items"][0]["state"]), (&json!("webhook.test"), &json!("arrived")));
        let tag = header(&shown, "etag");
        let changed = is(api.patch(&path, &tag, &json!({ "events": ["user.created", "group.*"] })).await, 200).json();
        assert_eq!((&changed["events"], &changed["url"]), (&json!(["group.*", "user.created"]), &json!(url)));
        refused(api.patch(&path, &tag, &json!({ "name": "other" })).await, 412, "precondition_failed");
        refused(sent(api.request(Method::PATCH, &path).json(&json!({}))).await, 428, "precondition_required");
        for bad in [
            json!({ "name": null }), json!({ "events": null }), json!({ "events": [] }), json!({ "events": ["user.creat"] }),
            json!({ "url": "http://127.0.0.1/" }), json!({ "url": "x" }), json!({ "secret": "x" }), json!({ "name": " " }),
        ] {
            refused(api.patch_now(&path, &bad).await, 422, "invalid");
        }
        for bad in [json!({}), json!({ "name": "x", "url": url, "events": "*" }), json!({ "name": "x", "url": "ftp://x", "events": ["*"] })] {
            refused(api.post("/webhooks", &bad).await, 422, "invalid");
        }
        refused(api.post("/webhooks", &json!({ "name": "hook", "url": url, "events": ["*"] })).await, 409, "taken");
        let renewed = is(api.command(Method::POST, &format!("{path}/secret")).await, 200).json();
        assert_ne!(renewed["secret"], json!(secret));
        is(api.command(Method::POST, &format!("{path}/disable")).await, 204);
        assert_eq!(is(api.get(&path).await, 200).json()["disabled"], true);
        is(api.command(Method::POST, &format!("{path}/enable")).await, 204);
        is(api.delete(&path).await, 204);
        refused(api.get(&path).await, 404, "not_found");
        refused(api.get(&format!("{path}/deliveries")).await, 404, "not_found");
        let by_api = since(&before, &events(&api).await);
        assert_eq!(by_api, once(&["webhook.created", "webhook.tested", "webhook.updated", "webhook.secret_rotated",
            "webhook.disabled", "webhook.enabled", "webhook.deleted"]));
        let between = events(&api).await;
        world.cli(&["webhook", "create", "--name", "two", "--url", &url, "--event", "group.*"]);
        world.cli(&["webhook", "test", "two"]);
        world.cli(&["webhook", "update", "two", "--event", "user.*"]);
        world.cli(&["webhook", "rotate", "two", "--yes"]);
        world.cli(&["webhook", "disable", "two"]);
        world.cli(&["webhook", "enable", "two"]);
        world.cli(&["webhook", "delete", "two", "--yes"]);
        assert_eq!(since(&between, &events(&api).await), by_api, "as from the command line");
        let renewed = renewed["secret"].as_str().unwrap();
        world.assert_log_is_clean(&[&secret, renewed, &heard]);
    }

    async fn a_trusted_issuer_from_the_first_day_to_the_last(world: World) {
        let api = owner(&world);
        robot(&api).await;
        let before = events(&api).await;
        let new = json!({ "name": "cluster", "issuer": "https://cluster.test", "jwks_uri": "https://cluster.test/keys", "rules": rule() });
        let made = is(api.post("/issuers", &new).await, 201);
        assert!(header(&made, "location").ends_with("/api/v1/issuers/cluster"));
        let cluster = is(api.get("/issuers/cluster").await, 200);
        assert_eq!((cluster.json(), header(&cluster, "etag")), (made.json(), header(&made, "etag")));
        assert_eq!((&cluster.json()["max_lifetime"], &cluster.json()["reuse"]), (&json!(3600), &json!("once")));
        assert_eq!(cluster.json()["rules"][0]["match"], json!({ "sub": "system:*" }));
        assert_eq!(is(api.get("/issuers").await, 200).json()["items"], json!([cluster.json()]));
        refused(api.post("/issuers", &new).await, 409, "taken");
        let tag = header(&cluster, "etag");
        let change = json!({ "audience": ["ours"], "scope": ["things:read"], "max_lifetime": 600, "reuse": "allowed" });
        let changed = is(api.patch("/issuers/cluster", &tag, &change).await, 200).json();
        assert_eq!((&changed["audience"], &changed["max_lifetime"]), (&json!(["ours"]), &json!(600)));
        assert_eq!((&changed["issuer"], &changed["rules"]), (&json!("https://cluster.test"), &cluster.json()["rules"]));
        refused(api.patch("/issuers/cluster", &tag, &change).await, 412, "precondition_failed");
        for bad in [
            json!({ "name": "other" }), json!({ "root": null }), json!({ "issuer": null }), json!({ "rules": null }), json!({ "rules": [] }),
            json!({ "rules": [{ "client_id": "nobody", "match": { "sub": "x" } }] }), json!({ "jwks_uri": "http://127.0.0.1/" }),
            json!({ "jwks_uri": null }), json!({ "jwks": { "keys": [] } }), json!({ "max_lifetime": -1 }), json!({ "max_lifetime": 1e300 }),
            json!({ "reuse": "often" }), json!({ "issuer": "" }), json!({ "rules": "x" }),
        ] {
            refused(api.patch_now("/issuers/cluster", &bad).await, 422, "invalid");
        }
        for bad in [json!({}), json!({ "name": "", "issuer": "x", "rules": rule() }), json!({ "name": "x", "rules": rule() })] {
            refused(api.post("/issuers", &bad).await, 422, "invalid");
        }
        is(api.command(Method::POST, "/issuers/cluster/disable").await, 204);
        assert_eq!(is(api.get("/issuers/cluster").await, 200).json()["disabled"], true);
        is(api.command(Method::POST, "/issuers/cluster/enable").await, 204);
        create(&world, "hand", Some("operator"));
        let operator = Api::with_key(&world, "hand", &all_scopes());
        is(operator.get("/issuers/cluster").await, 200);
        refused(operator.delete("/issuers/cluster").await, 403, "forbidden");
        is(api.delete("/issuers/cluster").await, 204);
        refused(api.get("/issuers/cluster").await, 404, "not_found");
        let mut by_api = since(&before, &events(&api).await);
        by_api.retain(|kind, _| kind.starts_with("issuer."));
        assert_eq!(by_api, once(&["issuer.trusted", "issuer.updated", "issuer.disabled", "issuer.enabled", "issuer.distrusted"]));
        let between = events(&api).await;
        let said = ["--name", "two", "--issuer", "https://two.test", "--jwks-uri", "https://two.test/keys", "--client", "robot",
            "--match", "sub=system:*"];
        world.cli(&[&["issuer", "create"], &said[..]].concat());
        world.cli(&[&["issuer", "update"], &said[..]].concat());
        world.cli(&["issuer", "disable", "two"]);
        world.cli(&["issuer", "enable", "two"]);
        world.cli(&["issuer", "delete", "two", "--yes"]);
        assert_eq!(since(&between, &events(&api).await), by_api, "as from the command line");
    }
}
