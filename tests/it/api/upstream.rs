//! Upstream providers at the REST API, from the first day to the last, with the audit events that the same
//! changes leave from the command line.

use reqwest::Method;
use serde_json::{Value, json};

use super::resources::{events, owner, since};
use crate::kit::api::{Api, all_scopes, header, is, refused, sent};
use crate::kit::console::create;
use crate::kit::upstream::{Pair, SECRET, add, body, pair};

const PATH: &str = "/upstream-providers";
const OTHER_SECRET: &str = "another-upstream-secret-k3V";

on_both_backends! {
    async fn a_provider_from_the_first_day_to_the_last(backend: Backend) {
        let Pair { here, there, closed } = pair(backend).await;
        let api = owner(&here);
        let before = events(&api).await;
        let new = body("school", &there.issuer);
        let made = is(api.post_once(PATH, "first", &new).await, 201);
        assert_eq!(is(api.post_once(PATH, "first", &new).await, 201).json(), made.json(), "made once");
        let id = made.json()["id"].as_str().unwrap().to_owned();
        let path = format!("{PATH}/{id}");
        assert!(header(&made, "location").ends_with(&format!("/api/v1{path}")));
        let shown = is(api.get(&path).await, 200);
        assert_eq!((shown.json(), header(&shown, "etag")), (made.json(), header(&made, "etag")));
        assert_eq!(shown.json(), json!({
            "id": id, "slug": "school", "kind": "oidc", "issuer": there.issuer, "display_name": "Our school",
            "client_id": "doorward", "token_endpoint_auth_method": "client_secret_basic",
            "scope": ["openid", "profile", "email"], "trusts_email": false, "disabled": false,
            "claims": { "username": "preferred_username", "name": "name", "email": "email" },
            "created_at": shown.json()["created_at"],
        }));
        assert_eq!(is(api.get(&format!("{PATH}/school")).await, 200).json(), shown.json(), "by its slug");
        assert_eq!(is(api.get(PATH).await, 200).json()["items"], json!([shown.json()]));
        refused(api.post(PATH, &new).await, 409, "taken");

        let tested = is(api.command(Method::POST, &format!("{path}/test")).await, 200).json();
        assert_eq!(tested["verdict"], "ok", "{tested}");
        assert!(tested["checks"].as_array().unwrap().len() >= 10, "{tested}");

        let tag = header(&shown, "etag");
        let change = json!({ "claims": { "groups": "roles" }, "trusts_email": true, "client_secret": OTHER_SECRET });
        let changed = is(api.patch(&path, &tag, &change).await, 200);
        assert!(!changed.text.contains(OTHER_SECRET), "{changed:?}");
        let claims = json!({ "username": "preferred_username", "name": "name", "email": "email", "groups": "roles" });
        assert_eq!((&changed.json()["claims"], &changed.json()["trusts_email"]), (&claims, &json!(true)));
        assert_eq!(changed.json()["client_id"], "doorward", "what is not said stays");
        refused(api.patch(&path, &tag, &change).await, 412, "precondition_failed");
        refused(sent(api.request(Method::PATCH, &path).json(&json!({}))).await, 428, "precondition_required");
        // Null gives back what is usual, and the same again is no change.
        let usual = is(api.patch_now(&path, &json!({ "claims": { "groups": null }, "trusts_email": null })).await, 200).json();
        assert_eq!((&usual["claims"]["groups"], &usual["trusts_email"]), (&Value::Null, &json!(false)));
        is(api.patch_now(&path, &json!({ "client_secret": OTHER_SECRET })).await, 200);
        for (bad, field) in [
            (json!({ "slug": "other" }), "slug"), (json!({ "issuer": closed }), "issuer"), (json!({ "kind": "oidc" }), "kind"),
            (json!({ "display_name": null }), "display_name"), (json!({ "display_name": "" }), "display_name"),
            (json!({ "client_id": "ü" }), "client_id"), (json!({ "client_secret": null }), "client_secret"),
            (json!({ "client_secret": "" }), "client_secret"), (json!({ "scope": ["email"] }), "scope"),
            (json!({ "scope": ["openid", "a b"] }), "scope"), (json!({ "claims": { "name": "" } }), "claims.name"),
            (json!({ "claims": { "root": "x" } }), "root"), (json!({ "claims": "x" }), ""),
            (json!({ "token_endpoint_auth_method": "none" }), ""), (json!({ "trusts_email": "yes" }), ""),
            (json!({ "disabled": true }), "disabled"),
        ] {
            let answer = refused(api.patch_now(&path, &bad).await, 422, "invalid");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{bad}: {answer:?}");
        }
        for (member, bad) in [
            ("slug", json!("A")), ("issuer", json!("http://id.school.test")), ("issuer", json!(here.issuer)),
            ("issuer", json!("https://10.0.0.1")), ("client_secret", json!("")), ("client_secret", Value::Null),
            ("kind", json!("saml")), ("scope", json!([])), ("claims", json!({ "email": " " })),
        ] {
            let mut new = body("other", &closed);
            new[member] = bad;
            refused(api.post(PATH, &new).await, 422, "invalid");
        }
        refused(api.post(PATH, &json!({})).await, 422, "invalid");

        for (step, is_disabled) in [("disable", true), ("disable", true), ("enable", false)] {
            is(api.command(Method::POST, &format!("{path}/{step}")).await, 204);
            assert_eq!(is(api.get(&path).await, 200).json()["disabled"], is_disabled);
        }
        create(&here, "hand", Some("operator"));
        let operator = Api::with_key(&here, "hand", &all_scopes());
        is(operator.get(&path).await, 200);
        let reader = Api::with_key(&here, "hand", &["doorward.upstream:read"]);
        refused(reader.delete(&path).await, 403, "insufficient_scope");
        refused(sent(api.request(Method::DELETE, &path).header("if-match", "\"other\"")).await, 412, "precondition_failed");
        is(operator.delete(&path).await, 204);
        for gone in [path.clone(), format!("{PATH}/school")] {
            refused(api.get(&gone).await, 404, "not_found");
            refused(api.command(Method::POST, &format!("{gone}/test")).await, 404, "not_found");
        }
        let of_providers = |mut all: std::collections::BTreeMap<String, usize>| {
            all.retain(|kind, _| kind.starts_with("upstream_provider."));
            all
        };
        let by_api = of_providers(since(&before, &events(&api).await));
        let between = events(&api).await;
        add(&here, "school", &there.issuer);
        assert_eq!(here.cli(&["upstream", "test", "school"])["verdict"], "ok");
        let other = ["upstream", "update", "school", "--groups-claim", "roles", "--trust-email", "true", "--secret-file", "-"];
        assert_eq!(here.cli_with_input(&other, OTHER_SECRET)["claims"]["groups"], "roles");
        here.cli(&["upstream", "update", "school", "--groups-claim", "", "--trust-email", "false"]);
        here.cli(&["upstream", "disable", "school"]);
        here.cli(&["upstream", "enable", "school"]);
        here.cli(&["upstream", "delete", "school", "--yes"]);
        let by_command = of_providers(since(&between, &events(&api).await));
        assert_eq!(by_command, by_api, "as from the command line");
        assert_eq!(by_api["upstream_provider.secret_replaced"], 1);
        assert_eq!(by_api["upstream_provider.updated"], 2);
        let told = is(api.get("/audit-events?limit=100").await, 200).text;
        assert!(!told.contains(SECRET) && !told.contains(OTHER_SECRET), "{told}");
        here.assert_log_is_clean(&[SECRET, OTHER_SECRET]);
    }

    async fn the_command_line_says_what_is_wrong_and_takes_no_secret_as_an_argument(backend: Backend) {
        let Pair { here, closed, .. } = pair(backend).await;
        add(&here, "school", &closed);
        let test = here.run(&["upstream", "test", "school"]);
        assert_eq!(test.status.code(), Some(1));
        let told = String::from_utf8_lossy(&test.stdout).into_owned();
        assert!(told.contains("failed") && told.contains("could not be reached"), "{told}");
        let said = ["upstream", "create", "--slug", "other", "--name", "O", "--issuer", &closed, "--client-id", "c"];
        let unasked = here.run(&said);
        assert_eq!(unasked.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&unasked.stderr).contains("--secret-file"));
        for wrong in [
            &["upstream", "show", "nobody"][..], &["upstream", "disable", "nobody"], &["upstream", "test", "nobody"],
            &["upstream", "update", "school", "--scope", "email"], &["upstream", "update", "school", "--name", ""],
            &["upstream", "delete", "nobody", "--yes"],
        ] {
            let output = here.run(wrong);
            assert_eq!(output.status.code(), Some(1), "{wrong:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        assert_eq!(here.run(&["upstream", "update", "school", "--secret", "x"]).status.code(), Some(2));
        let table = here.run(&["upstream", "list"]);
        assert!(String::from_utf8_lossy(&table.stdout).contains("Our school"));
        here.assert_log_is_clean(&[SECRET]);
    }
}
