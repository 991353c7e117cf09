//! Who may do what at the REST API: every address with each role and with each scope, generated from the
//! API's own table and the table of rights (security catalogue, row 106).

use std::collections::BTreeMap;

use doorward::http::api::addresses;
use doorward::protocol::rights::{Reach, Role, TABLE};
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, header, is, make_key, sent, tag};
use crate::kit::console::{create, manager, wait_for_nobody};
use crate::kit::flow::{Answer, count, sign_in};
use crate::kit::pictures::png;
use crate::kit::upstream;
use crate::support::world::World;

fn is_allowed(role: Role, right: &str) -> bool {
    let row = TABLE.iter().find(|(_, name, _)| *name == right);
    let (right, ..) = row.unwrap_or_else(|| panic!("a right that is not in the table: {right}"));
    right.reach(role) != Reach::Nothing
}

/// Something for an address to be about, made anew each time, since some delete it.
#[expect(clippy::too_many_lines, reason = "one arm for every kind of address")]
async fn filled(world: &World, maker: &Api, (path, n): (&str, usize)) -> String {
    let username = format!("subject-{n}");
    let made = json!({ "username": username, "groups": ["crew"] });
    if path.starts_with("/users/{id}") || path.contains("{member}") {
        is(maker.post("/users", &made).await, 201);
    }
    let (mut secret, mut delivery) = (String::new(), String::new());
    let id = match path {
        path if path.starts_with("/users/{id}") => username.clone(),
        path if path.starts_with("/groups/{id}") => {
            // A group of its own, which a manager looks after, too.
            let name = format!("crew-{n}");
            is(maker.post("/groups", &json!({ "name": name })).await, 201);
            let charge = format!("/groups/{name}/managers/the-manager");
            is(maker.command(Method::PUT, &charge).await, 204);
            name
        }
        path if path.starts_with("/organisations/{id}") => {
            let name = format!("org-{n}");
            is(maker.post("/organisations", &json!({ "name": name })).await, 201);
            name
        }
        path if path.starts_with("/clients/{id}") => {
            let made = is(maker.post("/clients", &app()).await, 201).json();
            let id = made["client_id"].as_str().expect("an id").to_owned();
            if path.contains("{secret}") {
                let more = format!("/clients/{id}/secrets");
                let more = is(maker.post(&more, &json!({})).await, 201).json();
                more["id"].as_str().expect("a mark").clone_into(&mut secret);
            }
            if path.contains("{role}") {
                let roles = format!("/clients/{id}/roles");
                is(maker.post(&roles, &json!({ "name": "kept" })).await, 201);
            }
            id
        }
        path if path.starts_with("/branding/{id}") => "logo".to_owned(),
        path if path.starts_with("/sessions/{id}") => {
            sign_in(world, "subject").await;
            let list = is(maker.get("/sessions?user=subject").await, 200).json();
            list["items"][0]["id"].as_str().expect("a session").to_owned()
        }
        path if path.starts_with("/keys/{id}") => {
            let list = is(maker.get("/keys").await, 200).json();
            let keys = list["items"].as_array().expect("keys");
            let next = keys.iter().find(|key| key["state"] == "next").expect("a next key");
            next["kid"].as_str().expect("a kid").to_owned()
        }
        path if path.starts_with("/issuers/{id}") => {
            let made = is(maker.post("/issuers", &issuer(&format!("kept-{n}"))).await, 201).json();
            made["name"].as_str().expect("a name").to_owned()
        }
        path if path.starts_with("/upstream-providers/{id}") => {
            let new = upstream::body(&format!("kept-{n}"), "https://upstream.invalid");
            let made = is(maker.post("/upstream-providers", &new).await, 201).json();
            made["id"].as_str().expect("an id").to_owned()
        }
        path if path.starts_with("/webhooks/{id}") => {
            let made = maker.post("/webhooks", &webhook(&format!("kept-{n}"))).await;
            let id = is(made, 201).json()["id"].as_str().expect("an id").to_owned();
            if path.contains("{delivery}") {
                is(maker.command(Method::POST, &format!("/webhooks/{id}/test")).await, 200);
                let log = is(maker.get(&format!("/webhooks/{id}/deliveries")).await, 200).json();
                log["items"][0]["id"].as_str().expect("a line").clone_into(&mut delivery);
            }
            id
        }
        path if path.starts_with("/jobs/{id}") => {
            let id = format!("019a-{n}");
            wait_for_nobody(world, &id, 0).await;
            id
        }
        path if path.starts_with("/api-keys/{id}") => {
            make_key(world, "maker", &["doorward.users:read"]).0
        }
        path if path.starts_with("/registration-tokens/{id}") => {
            let made = is(maker.post("/registration-tokens", &json!({})).await, 201).json();
            made["id"].as_str().expect("an id").to_owned()
        }
        path if path.starts_with("/settings/{id}") => "session.idle".to_owned(),
        _ => String::new(),
    };
    let path = path.replace("{id}", &id).replace("{secret}", &secret);
    let path = path.replace("{role}", "kept").replace("{group}", "crew");
    path.replace("{member}", &username)
        .replace("{delivery}", &delivery)
        .replace("{client}", "the-app")
}

/// A plain web app.
fn app() -> Value {
    json!({ "metadata": { "client_name": "Made", "redirect_uris": ["https://rp.test/cb"] } })
}

/// An issuer with this name that speaks for an app that is there.
fn issuer(name: &str) -> Value {
    let issuer = format!("https://{name}.test");
    json!({
        "name": name, "issuer": issuer, "jwks_uri": format!("{issuer}/keys"),
        "rules": [{ "client_id": "the-app", "match": { "sub": "x" } }],
    })
}

/// An endpoint with this name that nobody answers at.
fn webhook(name: &str) -> Value {
    json!({ "name": name, "url": "https://hook.invalid/", "events": ["backup.made"] })
}

/// How much has been changed so far: each change is an event in its own transaction.
async fn changes(world: &World) -> i64 {
    count(world, "select count(*) from audit_events where outcome = 'success'").await
}

async fn call(api: &Api, (method, path): (&str, &str), n: usize) -> Answer {
    let name = method;
    let method = Method::from_bytes(name.as_bytes()).expect("a method");
    let body = match path {
        "/users" => json!({ "username": format!("made-{n}"), "groups": ["crew"] }),
        "/groups" => json!({ "name": format!("made/{n}") }),
        "/organisations" => json!({ "name": format!("made-{n}") }),
        "/clients" => app(),
        path if path.ends_with("/roles") => json!({ "name": "made" }),
        path if path.contains("/roles/") => json!({ "description": format!("Number {n}.") }),
        path if path.ends_with("/preview") => json!({ "user": "subject" }),
        path if path.starts_with("/clients/") => json!({ "metadata": {} }),
        "/issuers" => issuer(&format!("made-{n}")),
        "/upstream-providers" => upstream::body(&format!("made-{n}"), "https://upstream.invalid"),
        "/webhooks" => webhook(&format!("made-{n}")),
        path if path.starts_with("/settings/") => json!({ "value": 1200 }),
        "/sessions/end" => json!({ "address": "192.0.2.77" }),
        "/keys/rotate" => json!({ "alg": "ES256" }),
        _ => json!({}),
    };
    let request = api.request(method, path);
    match name {
        "GET" | "DELETE" => sent(request).await,
        "PUT" if path.contains("/logo") => {
            sent(request.header("content-type", "image/png").body(png(1))).await
        }
        "PUT" if !path.starts_with("/settings/") => sent(request).await,
        // Those who may not read either are refused before it matters.
        "PATCH" | "PUT" => {
            let shown = api.get(path).await;
            let tag = if shown.status == 200 { tag(&shown) } else { "\"x\"".to_owned() };
            sent(request.header("if-match", tag).json(&body)).await
        }
        _ => sent(request.json(&body)).await,
    }
}

on_both_backends! {
    async fn every_address_answers_each_role_as_the_table_of_rights_says(world: World) {
        manager(&world, &["crew"]).await;
        create(&world, "subject", None);
        world.cli(&["group", "add-member", "crew", "subject"]);
        create(&world, "maker", Some("owner"));
        let maker = Api::with_key(&world, "maker", &all_scopes());
        is(maker.post("/clients", &json!({ "client_id": "the-app", "metadata": app()["metadata"] })).await, 201);
        let mut n = 0;
        for role in Role::ALL {
            let username = match role {
                Role::GroupManager => "the-manager".to_owned(),
                other => {
                    let username = format!("an-{}", other.as_str());
                    create(&world, &username, Some(other.as_str()));
                    username
                }
            };
            let api = Api::with_key(&world, &username, &all_scopes());
            for (method, path, _, right) in addresses() {
                n += 1;
                let path = filled(&world, &maker, (path, n)).await;
                let before = changes(&world).await;
                let answer = call(&api, (method, &path), n).await;
                let what = format!("{method} {path} as {}: {answer:?}", role.as_str());
                // What a test sent is never sent again, and an app that somebody made has no document and did
                // not register itself, whoever asks.
                let reasons = [
                    ("/redeliver", "not_now"), ("/refresh", "not_described"),
                    ("/revoke-registration", "not_self_registered"),
                ];
                let reason = reasons.iter().find(|(end, _)| path.ends_with(end) && answer.status == 409);
                if let Some((_, code)) = reason {
                    assert!(is_allowed(role, right), "{what}");
                    assert_eq!(answer.json()["code"], *code, "{what}");
                } else if is_allowed(role, right) {
                    assert!((200..300).contains(&answer.status), "{what}");
                } else {
                    assert_eq!(answer.status, 403, "{what}");
                    assert_eq!(answer.json()["code"], "forbidden", "{what}");
                    assert_eq!(changes(&world).await, before, "{what}");
                }
            }
        }
    }

    async fn every_address_needs_its_scope_and_a_credential(world: World) {
        create(&world, "boss", Some("owner"));
        let mut keys = BTreeMap::new();
        for scope in all_scopes() {
            // Everything but the one that is needed, and the stronger one of its area.
            let area = scope.split(':').next().unwrap();
            let reads = scope.ends_with(":read");
            let others: Vec<_> = all_scopes()
                .into_iter()
                .filter(|other| *other != scope && !(reads && other.starts_with(area)))
                .collect();
            keys.insert(scope, Api::with_key(&world, "boss", &others));
        }
        let before = changes(&world).await;
        for (method, path, scope, _) in addresses() {
            let part = |part: &str| if part.starts_with('{') { "x".to_owned() } else { part.to_owned() };
            let path = path.split('/').map(part).collect::<Vec<_>>().join("/");
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let api = &keys[scope];
            let answer = is(sent(api.request(method.clone(), &path)).await, 403);
            assert_eq!(answer.json()["code"], "insufficient_scope", "{path}");
            assert!(header(&answer, "www-authenticate").contains(&format!("scope=\"{scope}\"")));
            let answer = is(sent(api.bare(method, &path)).await, 401);
            assert!(header(&answer, "www-authenticate").contains("Bearer realm="), "{path}");
        }
        assert_eq!(changes(&world).await, before);
    }
}
