//! People, groups, apps, sessions and keys from end to end, and that each change leaves the audit event
//! that the same change leaves from the command line.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, header, is, refused, sent};
use crate::kit::console::{can_sign_in, create};
use crate::kit::flow::{App, PASSWORD, PATIENCE, create_user, is_signed_in, sign_in};
use crate::support::process::wait_until_async;
use crate::support::world::World;

pub(super) fn owner(world: &World) -> Api {
    create(world, "boss", Some("owner"));
    Api::with_key(world, "boss", &all_scopes())
}

/// The kinds of the events so far, with how often each, without those about keys of the API.
pub(super) async fn events(api: &Api) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    let mut cursor = String::new();
    loop {
        let page = is(api.get(&format!("/audit-events?limit=100{cursor}")).await, 200).json();
        for event in page["items"].as_array().unwrap() {
            let kind = event["kind"].as_str().unwrap();
            if !kind.starts_with("api_key.") {
                *found.entry(kind.to_owned()).or_default() += 1;
            }
        }
        let Some(next) = page["next"].as_str() else { return found };
        cursor = format!("&cursor={next}");
    }
}

/// What has been added to the events since.
pub(super) fn since(
    before: &BTreeMap<String, usize>,
    after: &BTreeMap<String, usize>,
) -> BTreeMap<String, usize> {
    let more = |(kind, count): (&String, &usize)| {
        let more = count - before.get(kind).unwrap_or(&0);
        (more > 0).then(|| (kind.clone(), more))
    };
    after.iter().filter_map(more).collect()
}

on_both_backends! {
    async fn a_person_from_the_first_day_to_the_last(world: World) {
        let api = owner(&world);
        let made = json!({
            "username": "Alice", "name": "Alice Liddell", "email": "alice@people.test",
            "email_verified": true, "groups": ["crew"],
        });
        let answer = is(api.post("/users", &made).await, 201);
        let alice = answer.json();
        assert_eq!((&alice["username"], &alice["groups"]), (&json!("alice"), &json!(["crew"])));
        let path = header(&answer, "location").split_once("/api/v1").unwrap().1.to_owned();
        assert_eq!(path, format!("/users/{}", alice["id"].as_str().unwrap()));
        assert_eq!(header(&answer, "etag"), header(&is(api.get(&path).await, 200), "etag"));
        assert_eq!(is(api.get("/users/alice@people.test").await, 200).json(), alice);
        let link = is(api.command(Method::POST, &format!("{path}/reset-link")).await, 200).json();
        let url = link["url"].as_str().unwrap();
        let browser = world.browser();
        let form = browser.get(url).await.form("reset-password").set("password", PASSWORD);
        assert!(form.submit().await.status.as_u16() < 400);
        assert!(can_sign_in(&world, "alice", PASSWORD).await);
        // Members that are not there stay; null empties.
        let changed = is(api.patch_now(&path, &json!({ "name": null, "groups": ["crew", "wiki"] })).await, 200).json();
        assert_eq!(changed["name"], Value::Null);
        assert_eq!((&changed["email"], &changed["email_verified"]), (&alice["email"], &json!(true)));
        assert_eq!(changed["groups"], json!(["crew", "wiki"]));
        refused(api.patch_now(&path, &json!({ "username": "bob" })).await, 422, "invalid");
        refused(api.patch_now(&path, &json!({ "email": "no address" })).await, 422, "invalid");
        let raised = is(api.patch_now(&path, &json!({ "role": "auditor" })).await, 200).json();
        assert_eq!(raised["role"], "auditor");
        assert_eq!(is(api.patch_now(&path, &json!({ "role": null })).await, 200).json()["role"], Value::Null);
        is(api.command(Method::POST, &format!("{path}/disable")).await, 204);
        assert!(!can_sign_in(&world, "alice", PASSWORD).await);
        refused(api.command(Method::POST, &format!("{path}/reset-link")).await, 409, "disabled");
        is(api.command(Method::POST, &format!("{path}/enable")).await, 204);
        is(api.delete(&path).await, 204);
        refused(api.delete(&path).await, 404, "not_found");
        // Nobody is left without an owner.
        refused(api.delete("/users/boss").await, 409, "last_owner");
        refused(api.patch_now("/users/boss", &json!({ "role": null })).await, 409, "last_owner");
    }

    async fn sessions_are_seen_and_ended(world: World) {
        let api = owner(&world);
        create_user(&world, "alice");
        let (one, two) = (sign_in(&world, "alice").await, sign_in(&world, "alice").await);
        let list = is(api.get("/sessions?user=alice").await, 200).json();
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0]["username"], "alice");
        assert!(!list.to_string().contains("hash"));
        let id = items[1]["id"].as_str().unwrap();
        for _ in 0..2 {
            is(api.delete(&format!("/sessions/{id}")).await, 204);
        }
        assert!(!is_signed_in(&one).await && is_signed_in(&two).await);
        refused(api.delete("/sessions/none").await, 404, "not_found");
        refused(api.get("/sessions?user=nobody").await, 404, "not_found");
        let ended = is(api.post("/users/alice/sign-out", &json!({ "connections": true })).await, 200);
        assert_eq!(ended.json()["sessions"], 1);
        assert!(!is_signed_in(&two).await);
        refused(api.post("/users/alice/sign-out", &json!({ "all": true })).await, 422, "invalid");
    }

    async fn groups_and_those_who_look_after_them(world: World) {
        let api = owner(&world);
        create_user(&world, "alice");
        let group = is(api.post("/groups", &json!({ "name": "crew", "description": "Us" })).await, 201);
        assert_eq!(group.json()["members"], 0);
        refused(api.post("/groups", &json!({ "name": "crew" })).await, 409, "taken");
        for _ in 0..2 {
            is(api.command(Method::PUT, "/groups/crew/members/alice").await, 204);
        }
        let members = is(api.get("/groups/crew/members").await, 200).json();
        assert_eq!(members["items"][0]["username"], "alice");
        is(api.command(Method::PUT, "/groups/crew/managers/alice").await, 204);
        refused(api.command(Method::PUT, "/groups/crew/managers/boss").await, 409, "has_role");
        let managers = is(api.get("/groups/crew/managers").await, 200).json();
        assert_eq!(managers["items"][0]["username"], "alice");
        is(api.delete("/groups/crew/managers/alice").await, 204);
        let renamed = api.patch_now("/groups/crew", &json!({ "name": "team", "description": null })).await;
        let renamed = is(renamed, 200).json();
        assert_eq!((&renamed["name"], &renamed["description"]), (&json!("team"), &Value::Null));
        assert_eq!(is(api.get("/users/alice").await, 200).json()["groups"], json!(["team"]));
        is(api.delete("/groups/team/members/alice").await, 204);
        refused(api.command(Method::PUT, "/groups/team/members/nobody").await, 404, "not_found");
        is(api.delete("/groups/team").await, 204);
        refused(api.get("/groups/team").await, 404, "not_found");
    }

    async fn an_app_with_its_secret_shown_once(world: World) {
        let api = owner(&world);
        let metadata = json!({ "client_name": "Robot", "kind": "machine", "scope": ["things:read"] });
        let body = json!({ "client_id": "robot", "metadata": metadata });
        let made = is(api.post("/clients", &body).await, 201).json();
        let secret = made["client_secret"].as_str().unwrap().to_owned();
        assert_eq!(made["metadata"]["grant_types"], json!(["client_credentials"]), "as usual for its kind");
        let app = App::known(&world, "robot", &secret);
        app.client_credentials().await.tokens();
        refused(api.post("/clients", &body).await, 409, "taken");
        let shown = is(api.get("/clients/robot").await, 200);
        assert!(!shown.text.contains(&secret) && shown.json()["secrets"] == 1);
        let renewed = is(api.command(Method::POST, "/clients/robot/secret").await, 200).json();
        let renewed = renewed["client_secret"].as_str().unwrap().to_owned();
        assert_ne!(renewed, secret);
        wait_until_async("the new secret being known", PATIENCE, async || {
            App::known(&world, "robot", &renewed).client_credentials().await.status == 200
        })
        .await;
        let change = json!({ "metadata": { "client_name": "R2", "contacts": ["a@b.test"] } });
        let changed = is(api.patch_now("/clients/robot", &change).await, 200).json();
        assert_eq!(changed["metadata"]["client_name"], "R2");
        assert_eq!(changed["metadata"]["scope"], json!(["things:read"]), "stays as it is");
        let bad = json!({ "metadata": { "redirect_uris": ["http://*.test/"], "kind": "web" } });
        let problem = refused(api.patch_now("/clients/robot", &bad).await, 422, "invalid").json();
        assert!(problem["errors"][0]["field"].as_str().unwrap().starts_with("metadata."), "{problem}");
        let unknown = json!({ "metadata": { "root": true } });
        refused(api.patch_now("/clients/robot", &unknown).await, 422, "invalid");
        is(api.command(Method::POST, "/clients/robot/disable").await, 204);
        assert_eq!(is(api.get("/clients/robot").await, 200).json()["disabled"], true);
        is(api.command(Method::POST, "/clients/robot/enable").await, 204);
        is(api.delete("/clients/robot").await, 204);
        refused(api.get("/clients/robot").await, 404, "not_found");
        world.assert_log_is_clean(&[&secret, &renewed, &api.credential]);
    }

    async fn keys_are_rotated_and_retired(world: World) {
        let api = owner(&world);
        let keys = async || is(api.get("/keys").await, 200).json()["items"].as_array().unwrap().clone();
        let active = |keys: &[Value]| {
            let found = keys.iter().find(|key| key["alg"] == "ES256" && key["state"] == "active");
            found.expect("an active key")["kid"].as_str().unwrap().to_owned()
        };
        let before = keys().await;
        let first = active(&before);
        assert!(before.iter().any(|key| key["use"] == "sig"));
        refused(api.delete(&format!("/keys/{first}")).await, 409, "in_use");
        is(api.post("/keys/rotate", &json!({ "alg": "ES256" })).await, 204);
        assert_ne!(active(&keys().await), first);
        refused(api.post("/keys/rotate", &json!({ "alg": "none" })).await, 422, "invalid");
        is(api.delete(&format!("/keys/{first}")).await, 204);
        refused(api.delete(&format!("/keys/{first}")).await, 404, "not_found");
        let text = serde_json::to_string(&keys().await).unwrap();
        assert!(!text.contains("sealed") && !text.contains("private"));
    }

    async fn each_change_leaves_the_event_that_the_command_leaves(world: World) {
        let api = owner(&world);
        create_user(&world, "alice");
        let app = ["client", "create", "--name", "a", "--type", "web", "--redirect-uri", "https://rp.test/cb"];
        let made = json!({ "metadata": { "client_name": "a", "redirect_uris": ["https://rp.test/cb"] } });
        let by_command = [
            &["user", "create", "--username", "one", "--email", "one@example.test", "--password-file", "-"][..],
            &["user", "disable", "alice"],
            &["user", "enable", "alice"],
            &["group", "create", "crew"],
            &["group", "add-member", "crew", "alice"],
            &["group", "remove-member", "crew", "alice"],
            &["group", "delete", "crew"],
            &[&app[..], &["--client-id", "app"]].concat(),
            &["client", "rotate-secret", "app"],
            &["client", "update", "app", "--disable"],
            &["client", "update", "app", "--enable"],
            &["client", "delete", "app"],
            &["key", "rotate", "--alg", "ES256"],
            &["user", "delete", "one"],
        ];
        let by_api = [
            ("POST", "/users", json!({ "username": "one" })),
            ("POST", "/users/alice/disable", json!({})),
            ("POST", "/users/alice/enable", json!({})),
            ("POST", "/groups", json!({ "name": "crew" })),
            ("PUT", "/groups/crew/members/alice", json!({})),
            ("DELETE", "/groups/crew/members/alice", json!({})),
            ("DELETE", "/groups/crew", json!({})),
            ("POST", "/clients", json!({ "client_id": "app", "metadata": made["metadata"] })),
            ("POST", "/clients/app/secret", json!({})),
            ("POST", "/clients/app/disable", json!({})),
            ("POST", "/clients/app/enable", json!({})),
            ("DELETE", "/clients/app", json!({})),
            ("POST", "/keys/rotate", json!({ "alg": "ES256" })),
            ("DELETE", "/users/one", json!({})),
        ];
        for (command, (method, path, body)) in by_command.into_iter().zip(by_api) {
            let before = events(&api).await;
            world.cli_with_input(&[command, &["--yes"]].concat(), PASSWORD);
            let between = events(&api).await;
            // The other way round where the command has made or taken away what the call is about.
            let undo = match path {
                "/users" => Some(("DELETE", "/users/one")),
                "/groups" => Some(("DELETE", "/groups/crew")),
                "/clients" => Some(("DELETE", "/clients/app")),
                _ => None,
            };
            if let Some((method, path)) = undo {
                is(call(&api, (method, path), &json!({})).await, 204);
            }
            let redo = match (method, path) {
                ("DELETE", "/groups/crew") => Some(("POST", "/groups", json!({ "name": "crew" }))),
                ("DELETE", "/users/one") => Some(("POST", "/users", json!({ "username": "one" }))),
                ("DELETE", "/clients/app") => {
                    Some(("POST", "/clients", json!({ "client_id": "app", "metadata": made["metadata"] })))
                }
                ("DELETE", "/groups/crew/members/alice") => {
                    Some(("PUT", "/groups/crew/members/alice", json!({})))
                }
                ("PUT", "/groups/crew/members/alice") => {
                    Some(("DELETE", "/groups/crew/members/alice", json!({})))
                }
                _ => None,
            };
            if let Some((method, path, body)) = redo {
                assert!(call(&api, (method, path), &body).await.status < 300);
            }
            let again = events(&api).await;
            assert!(call(&api, (method, path), &body).await.status < 300, "{method} {path}");
            let by_command = since(&before, &between);
            assert!(!by_command.is_empty(), "{command:?}");
            assert_eq!(by_command, since(&again, &events(&api).await), "{command:?} and {method} {path}");
        }
    }
}

async fn call(api: &Api, (method, path): (&str, &str), body: &Value) -> crate::kit::flow::Answer {
    let request = api.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
    sent(if method == "POST" { request.json(body) } else { request }).await
}
