//! Messages that wait, API keys, messages that are sent again, how things stand, and what an app would be told:
//! as the console has them, with the same audit events.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::resources::{events, owner, since};
use crate::kit::api::{Api, all_scopes, header, is, make_key, refused};
use crate::kit::console::{create, wait_for_nobody};
use crate::kit::flow::{App, PATIENCE, count, execute, sign_in, submit_sign_in};
use crate::kit::hooks::{self, Hook};
use crate::support::process::wait_until_async;

fn ids(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items").iter();
    items.map(|item| item["id"].as_str().expect("an id").to_owned()).collect()
}

fn only(mut found: BTreeMap<String, usize>, area: &str) -> BTreeMap<String, usize> {
    found.retain(|kind, _| kind.starts_with(area));
    found
}

on_both_backends! {
    async fn what_waits_is_listed_by_state_tried_now_and_discarded(world: World) {
        let api = owner(&world);
        assert_eq!(is(api.get("/jobs").await, 200).json(), json!({ "items": [], "next": null }));
        for (id, attempts) in [("019a-a", 0), ("019a-b", 1), ("019a-c", 2), ("019a-d", 3), ("019a-e", 9)] {
            wait_for_nobody(&world, id, attempts).await;
        }
        let first = is(api.get("/jobs?limit=3").await, 200);
        assert_eq!(ids(&first.json()), ["019a-a", "019a-b", "019a-c"]);
        assert!(header(&first, "link").contains("rel=\"next\""));
        let next = first.json()["next"].as_str().unwrap().to_owned();
        let rest = is(api.get(&format!("/jobs?limit=3&cursor={next}")).await, 200).json();
        assert_eq!((ids(&rest), &rest["next"]), (vec!["019a-d".to_owned(), "019a-e".to_owned()], &Value::Null));
        for (state, wanted) in
            [("new", &["019a-a"][..]), ("tried", &["019a-b", "019a-c"]), ("stuck", &["019a-d", "019a-e"])]
        {
            let found = is(api.get(&format!("/jobs?state={state}")).await, 200);
            assert_eq!(ids(&found.json()), wanted);
            assert!(found.json()["items"].as_array().unwrap().iter().all(|job| job["state"] == state));
            assert!(!found.text.contains("secret.test"), "what it says is nobody's to read: {}", found.text);
            let listed = world.cli(&["job", "list", "--state", state]);
            assert_eq!(listed["items"], found.json()["items"], "as on the command line");
        }
        refused(api.get("/jobs?state=gone").await, 400, "malformed_request");
        refused(api.get("/jobs?topic=gone").await, 400, "malformed_request");
        for (id, kind) in
            [("019a-a", "backchannel_logout"), ("019a-b", "mail"), ("019a-c", "backchannel_farewell")]
        {
            execute(&world, &format!("update outbox set kind = '{kind}' where id = '{id}'")).await;
        }
        for (topic, wanted) in
            [("logouts", &["019a-a", "019a-c"][..]), ("letters", &["019a-b"]), ("webhooks", &[]), ("logos", &[])]
        {
            let found = is(api.get(&format!("/jobs?topic={topic}")).await, 200).json();
            assert_eq!(ids(&found), wanted, "{topic}");
            assert_eq!(world.cli(&["job", "list", "--topic", topic])["items"], found["items"]);
        }
        let both = is(api.get("/jobs?topic=logouts&state=new").await, 200).json();
        assert_eq!(ids(&both), ["019a-a"]);
        let before = events(&api).await;
        is(api.command(Method::POST, "/jobs/019a-d/retry").await, 204);
        assert!(count(&world, "select due_at - created_at from outbox where id = '019a-d'").await < 3_000);
        is(api.delete("/jobs/019a-d").await, 204);
        for _ in 0..2 {
            refused(api.command(Method::POST, "/jobs/019a-d/retry").await, 404, "not_found");
            refused(api.delete("/jobs/019a-d").await, 404, "not_found");
        }
        let by_api = only(since(&before, &events(&api).await), "delivery.");
        assert_eq!(by_api.values().sum::<usize>(), 2, "{by_api:?}");
        let between = events(&api).await;
        world.cli(&["job", "retry", "019a-e"]);
        world.cli(&["job", "discard", "019a-e", "--yes"]);
        assert_eq!(only(since(&between, &events(&api).await), "delivery."), by_api, "as from the command line");
        assert_eq!(ids(&is(api.get("/jobs").await, 200).json()).len(), 3);
        let gone = world.run(&["job", "discard", "019a-e", "--yes"]);
        assert_eq!(gone.status.code(), Some(1), "{gone:?}");
    }

    async fn keys_are_listed_without_what_they_are_and_revoked(world: World) {
        let api = owner(&world);
        create(&world, "eyes", Some("auditor"));
        let (id, text) = make_key(&world, "eyes", &["doorward.users:read"]);
        let theirs = Api::new(&world, &text);
        is(theirs.get("/users").await, 200);
        let listed = is(api.get("/api-keys").await, 200);
        assert!(!listed.text.contains("dwk_") && !listed.text.contains("hash"), "{listed:?}");
        assert_eq!(listed.json()["items"].as_array().unwrap().len(), 2);
        let of_eyes = is(api.get("/api-keys?user=eyes").await, 200).json();
        assert_eq!(ids(&of_eyes), [id.as_str()]);
        let key = &of_eyes["items"][0];
        assert_eq!((&key["username"], &key["state"]), (&json!("eyes"), &json!("works")));
        assert_eq!(key["scopes"], json!(["doorward.users:read"]));
        refused(api.get("/api-keys?user=nobody").await, 404, "not_found");
        let first = is(api.get("/api-keys?limit=1").await, 200).json();
        let next = first["next"].as_str().unwrap();
        let second = is(api.get(&format!("/api-keys?limit=1&cursor={next}")).await, 200).json();
        assert!(second["next"].is_null() && ids(&first) != ids(&second));
        // Nobody makes a key with a key, and only owners end one.
        refused(api.post("/api-keys", &json!({})).await, 405, "method_not_allowed");
        let auditor = Api::with_key(&world, "eyes", &all_scopes());
        is(auditor.get("/api-keys").await, 200);
        refused(auditor.delete(&format!("/api-keys/{id}")).await, 403, "forbidden");
        is(api.delete(&format!("/api-keys/{id}")).await, 204);
        assert_eq!(theirs.get("/users").await.status, 401);
        refused(api.delete(&format!("/api-keys/{id}")).await, 404, "not_found");
        refused(api.delete("/api-keys/none").await, 404, "not_found");
        let of_eyes = is(api.get("/api-keys?user=eyes").await, 200).json();
        assert_eq!(of_eyes["items"].as_array().unwrap().iter().find(|key| key["id"] == id).unwrap()["state"], "revoked");
        let noted = world.cli(&["audit", "list", "--kind", "api_key.revoked"]);
        assert_eq!(noted["items"].as_array().unwrap().len(), 1, "{noted}");
        // A key may end itself.
        let own = ids(&is(api.get("/api-keys?user=boss").await, 200).json());
        is(api.delete(&format!("/api-keys/{}", own[0])).await, 204);
        assert_eq!(api.get("/api-keys").await.status, 401);
        world.assert_log_is_clean(&[&text, &api.credential]);
    }

    async fn a_message_is_sent_again_under_its_id(backend: Backend) {
        let world = hooks::world(backend).await;
        let api = owner(&world);
        let hook = Hook::add(&world, &["group.created"]);
        is(api.post("/groups", &json!({ "name": "crew" })).await, 201);
        hook.hears(1).await;
        wait_until_async("the line of the log", PATIENCE, async || {
            hook.log(&world).first().is_some_and(|line| line["state"] == "arrived")
        })
        .await;
        let path = format!("/webhooks/{}/deliveries", hook.name);
        let line = ids(&is(api.get(&path).await, 200).json())[0].clone();
        let before = events(&api).await;
        is(api.command(Method::POST, &format!("{path}/{line}/redeliver")).await, 204);
        hook.hears(2).await;
        assert_eq!(hook.ids().len(), 1, "the same webhook-id");
        let by_api = only(since(&before, &events(&api).await), "webhook.");
        assert_eq!(by_api.into_iter().collect::<Vec<_>>(), [("webhook.redelivered".to_owned(), 1)]);
        wait_until_async("it to have arrived again", PATIENCE, async || {
            count(&world, "select count(*) from outbox").await == 0
        })
        .await;
        world.cli(&["webhook", "redeliver", &hook.name, &line]);
        hook.hears(3).await;
        assert_eq!(hook.ids().len(), 1, "the same webhook-id");
        for (path, code) in [
            (format!("{path}/none/redeliver"), 404), (format!("/webhooks/none/deliveries/{line}/redeliver"), 404),
        ] {
            refused(api.command(Method::POST, &path).await, code, "not_found");
        }
        let other = Hook::add(&world, &["group.created"]);
        let wrong = format!("/webhooks/{}/deliveries/{line}/redeliver", other.id);
        refused(api.command(Method::POST, &wrong).await, 404, "not_found");
        assert_eq!(world.run(&["webhook", "redeliver", &other.name, &line]).status.code(), Some(1));
        is(api.command(Method::POST, &format!("/webhooks/{}/test", hook.id)).await, 200);
        let test = ids(&is(api.get(&path).await, 200).json())[0].clone();
        refused(api.command(Method::POST, &format!("{path}/{test}/redeliver")).await, 409, "not_now");
    }

    /// A message that was discarded is over in the log, too, and can be sent again.
    async fn what_was_discarded_can_be_sent_again(backend: Backend) {
        let world = hooks::world(backend).await;
        let api = owner(&world);
        let made = json!({ "name": "away", "url": "https://hook.invalid/", "events": ["group.created"] });
        is(api.post("/webhooks", &made).await, 201);
        is(api.post("/groups", &json!({ "name": "crew" })).await, 201);
        let state = async || {
            let log = is(api.get("/webhooks/away/deliveries").await, 200).json();
            log["items"][0]["state"].as_str().unwrap_or_default().to_owned()
        };
        wait_until_async("a first try", PATIENCE, async || state().await == "waiting").await;
        let job = ids(&is(api.get("/jobs").await, 200).json())[0].clone();
        refused(
            api.command(Method::POST, &format!("/webhooks/away/deliveries/{job}/redeliver")).await,
            409,
            "not_now",
        );
        is(api.delete(&format!("/jobs/{job}")).await, 204);
        assert_eq!(state().await, "dropped");
        is(api.command(Method::POST, &format!("/webhooks/away/deliveries/{job}/redeliver")).await, 204);
        assert_eq!(ids(&is(api.get("/jobs").await, 200).json()), [job]);
    }

    async fn how_things_stand_is_told_as_the_console_shows_it(world: World) {
        let api = owner(&world);
        create(&world, "alice", None);
        let app = App::register(&world, "wiki", &[]);
        app.tokens(&sign_in(&world, "alice").await).await;
        submit_sign_in(&world.browser(), "alice", "not the password").await;
        let found = is(api.get("/overview").await, 200).json();
        assert_eq!((&found["people"], &found["apps"]), (&json!(2), &json!(1)));
        assert_eq!((&found["active_sessions"], &found["sign_ins"], &found["failed_sign_ins"]), (&json!(1), &json!(1), &json!(1)));
        let periods = found["periods"].as_array().unwrap();
        assert_eq!(periods.len(), 24);
        let sum = |name: &str| periods.iter().map(|period| period[name].as_i64().expect(name)).sum::<i64>();
        assert_eq!((sum("sign_ins"), sum("failed_sign_ins"), sum("errors")), (1, 1, 0));
        assert!(sum("tokens") >= 2 && sum("requests") >= 3, "{found}");
        assert!(sum("within_10") <= sum("within_500") && sum("within_500") <= sum("requests"), "{found}");
        assert!(found["keys"].as_array().unwrap().iter().any(|key| key["alg"] == "RS256"), "{found}");
        assert_eq!((&found["warnings"], &found["queued_letters"]), (&json!([]), &json!(0)));
        wait_for_nobody(&world, "019a-one", 5).await;
        let warned = is(api.get("/overview?span=week").await, 200).json();
        assert_eq!(warned["periods"].as_array().unwrap().len(), 28);
        assert_eq!(warned["warnings"][0]["code"], "stuck_messages");
        assert_eq!(warned["warnings"][0]["text"], "1 message has not arrived after several tries.");
        let told = world.cli(&["overview", "--span", "month"]);
        for name in ["people", "apps", "active_sessions", "sign_ins", "failed_sign_ins", "queued_letters", "keys", "warnings"] {
            assert_eq!(told[name], warned[name], "{name}");
        }
        for bad in ["/overview?span=year", "/overview?limit=1"] {
            refused(api.get(bad).await, 400, "malformed_request");
        }
        create(&world, "eyes", Some("auditor"));
        is(Api::with_key(&world, "eyes", &["doorward.overview:read"]).get("/overview").await, 200);
        refused(Api::with_key(&world, "eyes", &["doorward.audit:read"]).get("/overview").await, 403, "insufficient_scope");
    }

    async fn a_preview_tells_what_an_app_would_be_told_and_is_noted(world: World) {
        let api = owner(&world);
        create(&world, "alice", None);
        create(&world, "gone", None);
        world.cli(&["user", "disable", "gone"]);
        App::register(&world, "wiki", &[]);
        world.cli(&["role", "create", "wiki", "writer"]);
        world.cli(&["role", "give", "wiki", "writer", "--user", "alice"]);
        let made = world.cli(&["client", "create", "--name", "Report", "--type", "machine"]);
        let machine = format!("/clients/{}/preview", made["client_id"].as_str().unwrap());
        let path = "/clients/wiki/preview";
        let before = events(&api).await;
        let asked = json!({ "user": "alice", "scope": ["openid", "email"] });
        let found = is(api.post(path, &asked).await, 200).json();
        assert_eq!(found["access_token"]["client_id"], "wiki");
        assert_eq!(found["userinfo"]["email"], "alice@example.test");
        assert_eq!(found["id_token"]["roles"], json!(["writer"]));
        assert_eq!(is(api.post(path, &json!({ "user": "alice" })).await, 200).json()["userinfo"]["email"], "alice@example.test");
        let by_command = world.cli(&["client", "preview", "wiki", "alice", "--scope", "openid", "--scope", "email"]);
        assert_eq!(by_command["userinfo"], found["userinfo"]);
        let noted = since(&before, &events(&api).await);
        assert_eq!(noted.into_iter().collect::<Vec<_>>(), [("client.previewed".to_owned(), 3)]);
        for (body, field) in [
            (json!({ "user": "nobody" }), "user"), (json!({}), "user"), (json!({ "user": "alice", "scope": [] }), "scope"),
            (json!({ "user": "alice", "scope": ["wiki:edit"] }), "scope"), (json!({ "user": "alice", "now": true }), "now"),
        ] {
            let answer = refused(api.post(path, &body).await, 422, "invalid");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{body}");
        }
        refused(api.post(path, &json!({ "user": "gone" })).await, 409, "disabled");
        refused(api.post(&machine, &json!({ "user": "alice" })).await, 409, "no_sign_in");
        refused(api.post("/clients/nowhere/preview", &json!({ "user": "alice" })).await, 404, "not_found");
        // What people are is not in the scope of apps.
        let apps = Api::with_key(&world, "boss", &["doorward.clients:write"]);
        refused(apps.post(path, &asked).await, 403, "insufficient_scope");
        assert_eq!(world.run(&["client", "preview", "wiki", "alice", "--scope", "wiki:edit"]).status.code(), Some(1));
    }
}
