//! What opens the REST API, what does not, and what ends it (security catalogue, rows 75, 106, 108, 129).

use reqwest::Method;
use serde_json::json;

use crate::kit::api::{
    Api, all_scopes, header, is, make_key, refused, sent, service, service_for, tag,
};
use crate::kit::console::{admin, create, field, manager};
use crate::kit::dpop::Key;
use crate::kit::flow::{
    App, PATIENCE, SESSION_COOKIE, count, create_user, execute, http_client, sign_in,
};
use crate::support::process::wait_until_async;

const READ: &str = "doorward.users:read";
const WRITE: &str = "doorward.users:write";

on_both_backends! {
    async fn a_key_opens_what_its_scopes_and_its_owner_allow(world: World) {
        create(&world, "boss", Some("owner"));
        create(&world, "eyes", Some("auditor"));
        let reader = Api::with_key(&world, "boss", &[READ]);
        let list = is(reader.get("/users").await, 200).json();
        assert_eq!(list["items"][0]["username"], "boss");
        // The scope is not there, whatever the owner may do.
        let answer = refused(reader.post("/users", &json!({ "username": "x" })).await, 403, "insufficient_scope");
        let challenge = header(&answer, "www-authenticate");
        assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
        assert!(challenge.contains(&format!("scope=\"{WRITE}\"")), "{challenge}");
        // The right is not there, whatever the scopes are.
        let auditor = Api::with_key(&world, "eyes", &[WRITE]);
        is(auditor.get("/users").await, 200);
        refused(auditor.post("/users", &json!({ "username": "x" })).await, 403, "forbidden");
        let refusals = "select count(*) from audit_events where kind = 'api.refused'";
        assert_eq!(count(&world, refusals).await, 2);
        assert_eq!(count(&world, "select count(*) from users where username = 'x'").await, 0);
        world.assert_log_is_clean(&[&reader.credential, &auditor.credential]);
    }

    async fn a_key_dies_with_its_day_its_owner_and_its_end(world: World) {
        create(&world, "boss", Some("owner"));
        create(&world, "helper", Some("operator"));
        let (id, key) = make_key(&world, "helper", &[READ]);
        let (_, other) = make_key(&world, "helper", &[READ]);
        let (api, other) = (Api::new(&world, &key), Api::new(&world, &other));
        is(api.get("/users").await, 200);
        // Used, and that is known.
        let listed = world.cli(&["api-key", "list", "--user", "helper"]);
        let used = listed["items"].as_array().unwrap().iter().find(|item| item["id"] == *id).unwrap();
        assert!(used["last_used_at"].is_string(), "{listed}");
        assert!(!listed.to_string().contains(&key), "shown once");
        // Revoked, at once.
        world.cli(&["api-key", "revoke", &id]);
        refused(api.get("/users").await, 401, "invalid_token");
        is(other.get("/users").await, 200);
        assert!(!world.run(&["api-key", "revoke", &id]).status.success(), "it is revoked already");
        // The role is read at each call.
        execute(&world, "update users set role = null where username = 'helper'").await;
        refused(other.get("/users").await, 401, "invalid_token");
        execute(&world, "update users set role = 'operator' where username = 'helper'").await;
        is(other.get("/users").await, 200);
        world.cli(&["user", "disable", "helper"]);
        refused(other.get("/users").await, 401, "invalid_token");
        world.cli(&["user", "enable", "helper"]);
        refused(other.get("/users").await, 401, "invalid_token");
        let other = Api::new(&world, &make_key(&world, "helper", &[READ]).1);
        is(other.get("/users").await, 200);
        execute(&world, "update api_keys set expires_at = 1").await;
        let answer = refused(other.get("/users").await, 401, "invalid_token");
        assert!(header(&answer, "www-authenticate").contains("error=\"invalid_token\""));
        // Neither the key nor its hash is anywhere but in its row.
        let audit = world.cli(&["audit", "list", "--limit", "1000"]).to_string();
        assert!(audit.contains("api_key.created") && audit.contains("api_key.revoked"));
        assert!(!audit.contains(&key));
        world.assert_log_is_clean(&[&key]);
    }

    async fn nobody_without_the_console_has_a_key(world: World) {
        create_user(&world, "alice");
        let arguments = ["api-key", "create", "--user", "alice", "--name", "x", "--scope", READ];
        assert!(!world.run(&arguments).status.success());
        create(&world, "boss", Some("owner"));
        for bad in [["--name", " ", "--scope", READ], ["--name", "x", "--scope", "openid"]] {
            let arguments = [&["api-key", "create", "--user", "boss"][..], &bad].concat();
            assert!(!world.run(&arguments).status.success(), "{bad:?}");
        }
        assert_eq!(count(&world, "select count(*) from api_keys").await, 0);
    }

    async fn a_service_is_an_operator_within_its_scopes(world: World) {
        let boss = create(&world, "boss", Some("owner"));
        let alice = create_user(&world, "alice");
        let robot = service(&world, "robot", &[WRITE, "doorward.clients:write"]);
        let api = Api::of_service(&world, &robot).await;
        is(api.get("/users").await, 200);
        is(api.command(Method::POST, &format!("/users/{alice}/disable")).await, 204);
        // Not those above operators, no role, no secret.
        refused(api.command(Method::POST, &format!("/users/{boss}/disable")).await, 403, "forbidden");
        let raised = api.patch_now(&format!("/users/{alice}"), &json!({ "role": "owner" })).await;
        refused(raised, 403, "forbidden");
        refused(api.command(Method::POST, "/clients/robot/secret").await, 403, "forbidden");
        refused(api.get("/groups").await, 403, "insufficient_scope");
        let actor = "select count(*) from audit_events where actor = 'client:robot' and \
                     kind = 'user.disabled' and address is not null";
        assert_eq!(count(&world, actor).await, 1);
        // Fewer scopes from now on, also for the token there is.
        world.cli(&["client", "update", "robot", "--scope", "doorward.groups:read"]);
        wait_until_async("the scope being gone", PATIENCE, async || {
            api.get("/users").await.status == 403
        })
        .await;
        world.cli(&["client", "update", "robot", "--disable"]);
        wait_until_async("the token being dead", PATIENCE, async || {
            api.get("/users").await.status == 401
        })
        .await;
        world.assert_log_is_clean(&[&api.credential]);
    }

    async fn a_service_made_in_the_console_gets_tokens_for_the_api(world: World) {
        let owner = admin(&world, "owner").await;
        let form = [("name", "Robot"), ("kind", "machine"), ("scope", WRITE), ("revocation", "checked"),
            ("access_token_alg", "RS256"), ("id_token_alg", "RS256")];
        let made = owner.post("/admin/clients", &form).await;
        made.assert_status(200);
        let robot = App::known(&world, &field(&made, "client-id"), &field(&made, "client-secret"));
        let api = Api::of_service(&world, &robot).await;
        is(api.get("/users").await, 200);
    }

    async fn a_service_chooses_no_other_proof_for_an_app(world: World) {
        create(&world, "boss", Some("owner"));
        let robot = service(&world, "robot", &["doorward.clients:write"]);
        let api = Api::of_service(&world, &robot).await;
        let made = is(api.post("/clients", &json!({ "metadata": { "client_name": "Wiki",
            "redirect_uris": ["https://wiki.rp.test/cb"] } })).await, 201).json();
        let path = format!("/clients/{}", made["client_id"].as_str().unwrap());
        let keys = json!({ "metadata": { "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": "https://wiki.rp.test/keys" } });
        refused(api.patch_now(&path, &keys).await, 403, "forbidden");
        is(api.patch_now(&path, &json!({ "metadata": { "client_name": "Notes" } })).await, 200);
        let boss = Api::with_key(&world, "boss", &["doorward.clients:write"]);
        is(boss.patch_now(&path, &keys).await, 200);
    }

    async fn a_key_for_people_makes_and_becomes_no_administrator(world: World) {
        let boss = create(&world, "boss", Some("owner"));
        let alice = create_user(&world, "alice");
        create(&world, "other", Some("auditor"));
        let api = Api::with_key(&world, "boss", &[WRITE]);
        for person in [&*boss, "other"] {
            for step in ["disable", "reset-link", "temporary-password", "delete-later"] {
                let path = format!("/users/{person}/{step}");
                refused(api.command(Method::POST, &path).await, 403, "insufficient_scope");
            }
            let renamed = api.patch_now(&format!("/users/{person}"), &json!({ "email": "x@people.test" })).await;
            refused(renamed, 403, "insufficient_scope");
        }
        for role in [json!("owner"), json!("auditor")] {
            let raised = api.patch_now(&format!("/users/{alice}"), &json!({ "role": role })).await;
            refused(raised, 403, "insufficient_scope");
            let made = api.post("/users", &json!({ "username": "mallory", "role": role })).await;
            refused(made, 403, "insufficient_scope");
        }
        // What says nothing of it, and what leaves it as it is, goes on.
        is(api.patch_now(&format!("/users/{alice}"), &json!({ "name": "Alice", "role": null })).await, 200);
        is(api.command(Method::POST, &format!("/users/{alice}/disable")).await, 204);
        let full = Api::with_key(&world, "boss", &[WRITE, "doorward.administrators:write"]);
        is(full.command(Method::POST, "/users/other/disable").await, 204);
        is(full.patch_now(&format!("/users/{alice}"), &json!({ "role": "auditor" })).await, 200);
    }

    /// Whoever looks after a group may use the console.
    async fn who_looks_after_a_group_is_said_with_the_scope_for_administrators(world: World) {
        create(&world, "boss", Some("owner"));
        let alice = create_user(&world, "alice");
        for group in ["crew", "board"] {
            world.cli(&["group", "create", group]);
        }
        world.cli(&["group", "add-manager", "board", "alice"]);
        let api = Api::with_key(&world, "boss", &["doorward.groups:write"]);
        for (method, group) in [(Method::PUT, "crew"), (Method::DELETE, "board")] {
            let path = format!("/groups/{group}/managers/{alice}");
            let answer = refused(api.command(method, &path).await, 403, "insufficient_scope");
            let challenge = header(&answer, "www-authenticate");
            assert!(challenge.contains("scope=\"doorward.administrators:write\""), "{challenge}");
        }
        assert_eq!(count(&world, "select count(*) from group_managers").await, 1);
        // To say who is in a group, and to see who looks after it, takes no more than before.
        is(api.command(Method::PUT, &format!("/groups/crew/members/{alice}")).await, 204);
        is(api.get("/groups/crew/managers").await, 200);
        let both = ["doorward.groups:write", "doorward.administrators:write"];
        let full = Api::with_key(&world, "boss", &both);
        is(full.command(Method::PUT, &format!("/groups/crew/managers/{alice}")).await, 204);
        is(full.delete(&format!("/groups/board/managers/{alice}")).await, 204);
        let managers = is(full.get("/groups/crew/managers").await, 200).json();
        assert_eq!(managers["items"][0]["username"], "alice");
    }

    async fn tokens_for_others_and_of_people_open_nothing(world: World) {
        create(&world, "boss", Some("owner"));
        let audience = format!("{}/api/v1", world.issuer);
        for (id, other) in [("one", "https://api.rp.test"), ("two", world.issuer.as_str())] {
            let service = service_for(&world, (id, other), &[READ], &json!({}));
            let api = Api::of_service(&world, &service).await;
            refused(api.get("/users").await, 401, "invalid_token");
        }
        // Of an owner, for this very audience, with the scope.
        let file = world.path("app.json");
        let scope = ["openid", "offline_access", READ];
        let metadata = json!({ "audience": [audience], "scope": scope });
        std::fs::write(&file, metadata.to_string()).unwrap();
        let app = App::register(&world, "app", &["--metadata", &file.display().to_string()]);
        let browser = sign_in(&world, "boss").await;
        let tokens = app.tokens_with(&browser, &[("scope", &format!("openid {READ}"))]).await;
        for text in [&tokens.access, &tokens.id, &tokens.refresh, &"dwk_x".to_owned()] {
            if !text.is_empty() {
                refused(Api::new(&world, text).get("/users").await, 401, "invalid_token");
            }
        }
    }

    async fn neither_cookies_nor_queries_nor_other_origins_open_it(world: World) {
        let owner = admin(&world, "owner").await;
        let cookie = owner.browser.cookie(SESSION_COOKIE).expect("a session");
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        for method in [Method::GET, Method::POST] {
            let request = api.bare(method, "/users").header("cookie", format!("{SESSION_COOKIE}={cookie}"));
            refused(sent(request.json(&json!({ "username": "x" }))).await, 401, "invalid_token");
        }
        let key = &api.credential;
        for query in [format!("access_token={key}"), format!("api_key={key}")] {
            let request = api.bare(Method::GET, &format!("/users?{query}"));
            refused(sent(request).await, 401, "invalid_token");
            refused(api.get(&format!("/users?{query}")).await, 400, "malformed_request");
        }
        let twice = api.request(Method::GET, "/users").header("authorization", format!("Bearer {key}"));
        refused(sent(twice).await, 400, "invalid_request");
        let basic = api.bare(Method::GET, "/users").basic_auth("the-owner", Some(key));
        refused(sent(basic).await, 401, "invalid_token");
        // No origin may read an answer, and no preflight is answered.
        let foreign = api.request(Method::GET, "/users").header("origin", "https://evil.test");
        is(sent(foreign).await, 200);
        let preflight = api.bare(Method::OPTIONS, "/users").header("origin", "https://evil.test");
        let preflight = preflight.header("access-control-request-method", "POST");
        refused(sent(preflight).await, 405, "method_not_allowed");
        world.assert_log_is_clean(&[key]);
    }

    async fn a_bound_token_needs_its_proof(world: World) {
        let bound = json!({ "dpop_bound_access_tokens": true });
        let audience = format!("{}/api/v1", world.issuer);
        let service = service_for(&world, ("robot", &audience), &[READ], &bound);
        let (key, http) = (Key::new(), http_client());
        let address = format!("{}/oauth2/token", world.issuer);
        let proof = key.proof("POST", &address);
        let request = http.post(&address).basic_auth(&service.id, Some(&service.secret));
        let request = request.form(&[("grant_type", "client_credentials")]).header("dpop", proof);
        let token = sent(request).await.tokens().access;
        let api = Api::new(&world, &token);
        refused(api.get("/users").await, 401, "invalid_token");
        let address = format!("{audience}/users");
        let proof = key.proof_for_token("GET", &address, &token);
        let request = http.get(&address).header("authorization", format!("DPoP {token}"));
        is(sent(request.header("dpop", proof)).await, 200);
    }

    async fn whoever_guesses_is_slowed_down_and_nobody_else(world: World) {
        create(&world, "boss", Some("owner"));
        let api = Api::with_key(&world, "boss", &[READ]);
        let mut tries = 0;
        let last = loop {
            tries += 1;
            assert!(tries < 300, "nothing slows down");
            let wrong = Api::new(&world, &format!("dwk_{tries:0>43}"));
            let answer = wrong.get("/users").await;
            if answer.status != 401 {
                break refused(answer, 429, "too_many_requests");
            }
        };
        assert!(tries > 10, "a few are nothing");
        assert!(header(&last, "retry-after").parse::<u32>().is_ok_and(|seconds| seconds > 0));
        is(api.get("/users").await, 200);
        let passed = "select count(*) from audit_events where kind = 'limit.passed'";
        assert_eq!(count(&world, passed).await, 1);
    }

    async fn a_key_makes_no_service_that_can_do_more_than_the_key(world: World) {
        create(&world, "boss", Some("owner"));
        let robot = service(&world, "robot", &[WRITE]);
        let api = Api::with_key(&world, "boss", &["doorward.clients:write"]);
        let metadata = json!({
            "client_name": "Robot", "kind": "machine", "scope": [WRITE],
            "audience": [format!("{}/api/v1", world.issuer)],
        });
        let made = api.post("/clients", &json!({ "metadata": metadata })).await;
        refused(made, 403, "insufficient_scope");
        let secret = api.command(Method::POST, "/clients/robot/secret").await;
        refused(secret, 403, "insufficient_scope");
        let shown = is(api.get("/clients/robot").await, 200);
        let changed = json!({ "metadata": { "client_name": "Mine" } });
        refused(api.patch("/clients/robot", &tag(&shown), &changed).await, 403, "insufficient_scope");
        assert!(shown.json()["metadata"].is_object() && !shown.text.contains(&robot.secret));
        assert_eq!(count(&world, "select count(*) from clients").await, 1);
        let wide = Api::with_key(&world, "boss", &["doorward.clients:write", WRITE]);
        is(wide.post("/clients", &json!({ "metadata": metadata })).await, 201);
    }

    async fn a_group_manager_stays_in_their_groups(world: World) {
        manager(&world, &["crew"]).await;
        let (mine, other) = (create_user(&world, "mine"), create_user(&world, "other"));
        world.cli(&["group", "add-member", "crew", "mine"]);
        world.cli(&["group", "create", "board"]);
        let api = Api::with_key(&world, "the-manager", &all_scopes());
        let people = is(api.get("/users").await, 200).json();
        assert_eq!(people["items"].as_array().unwrap().len(), 1, "{people}");
        let groups = is(api.get("/groups").await, 200).json();
        assert_eq!(groups["items"].as_array().unwrap().len(), 1, "{groups}");
        refused(api.get(&format!("/users/{other}")).await, 404, "not_found");
        refused(api.get("/groups/board").await, 404, "not_found");
        refused(api.command(Method::PUT, &format!("/groups/board/members/{mine}")).await, 404, "not_found");
        refused(api.command(Method::PUT, &format!("/groups/crew/members/{other}")).await, 404, "not_found");
        refused(api.command(Method::PUT, &format!("/groups/crew/managers/{mine}")).await, 403, "forbidden");
        let moved = api.patch_now(&format!("/users/{mine}"), &json!({ "groups": ["board"] })).await;
        refused(moved, 403, "forbidden");
        refused(api.get("/clients").await, 403, "forbidden");
        refused(api.get("/audit-events").await, 403, "forbidden");
        let named = api.patch_now(&format!("/users/{mine}"), &json!({ "name": "Mine" })).await;
        assert_eq!(is(named, 200).json()["name"], "Mine");
    }
}
