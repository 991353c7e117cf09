//! Trusted issuers and encryption keys in the console: added, changed, switched off, removed, with
//! plain forms.

use std::time::Duration;

use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, is};
use crate::kit::client_signer::jwks;
use crate::kit::console::{ISSUER_KEYS, admin, create, issuer_fields};
use crate::kit::fixtures::{Bed, Tokens};
use crate::support::browser_like::Page;
use crate::tokens::jwt_bearer::{Outside, bring, workload};

const HOSTILE: &str = "\"><script>alert(1)</script>\u{202e}x\u{1b}[2J";

/// No element or handler that our own templates did not write.
#[track_caller]
fn assert_inert(page: &Page) {
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
    assert!(page.texts("script").iter().all(String::is_empty), "{}", page.body);
}

fn rules(client: &str, subject: &str) -> String {
    json!([{ "client_id": client, "match": { "sub": subject } }]).to_string()
}

on_both_backends! {
    async fn an_issuer_is_added_changed_switched_off_and_deleted(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let owner = admin(&bed.world, "owner").await;
        let (rp, outside) = (workload(&bed.world), Outside::new("ES256"));
        let empty = owner.page("/admin/issuers").await;
        assert!(empty.text().contains("No issuer is trusted yet."), "{}", empty.text());
        let token = || outside.token(&bed.world.issuer, &json!({}));
        bring(&rp, &token(), &[]).await.assert_oauth_error(400, "invalid_grant");

        let form = owner.page("/admin/issuers/new").await.form("issuer-form");
        assert_eq!(form.value("max_lifetime"), Some("3600"));
        let form = form.set("name", &outside.name).set("issuer", &outside.iss);
        let form = form.set("jwks", &jwks(&[&outside.key]).to_string());
        let pods = rules(&rp.id, "system:serviceaccount:prod:*");
        let made = form.set("rules", &pods).submit().await;
        let path = format!("/admin/issuers/{}", outside.name);
        assert_eq!(made.location().path(), path);
        assert!(owner.message_after(&made).await.contains("is trusted from now on"));
        Tokens::of(&bring(&rp, &token(), &[]).await);
        let list = owner.page("/admin/issuers").await;
        let row = list.texts("tbody tr").join(" ");
        assert!(row.contains(&outside.iss) && row.contains("Apps") && row.contains("Active"), "{row}");

        // Other rules count at once, and the page shows what is stored.
        let page = owner.page(&path).await;
        let form = page.form("issuer-form").set("rules", &rules(&rp.id, "somebody-else"));
        assert!(owner.message_after(&form.submit().await).await.contains("is saved"));
        bring(&rp, &token(), &[]).await.assert_oauth_error(400, "invalid_grant");
        let page = owner.page(&path).await;
        assert!(page.form("issuer-form").value("rules").unwrap().contains("somebody-else"));
        page.form("issuer-form").set("rules", &pods).submit().await.assert_status(303);
        Tokens::of(&bring(&rp, &token(), &[]).await);

        // Switched off its word counts no more.
        let question = owner.page(&format!("{path}/disable")).await;
        let answer = question.form_to(&format!("{path}/disable")).submit().await;
        assert!(owner.message_after(&answer).await.contains("is disabled"));
        bring(&rp, &token(), &[]).await.assert_oauth_error(400, "invalid_grant");
        let shown = bed.world.cli(&["issuer", "show", &outside.name]);
        assert!(shown["disabled_at"].is_string(), "{shown}");
        // Saving the rules does not switch it on behind anybody's back.
        owner.page(&path).await.form("issuer-form").submit().await.assert_status(303);
        bring(&rp, &token(), &[]).await.assert_oauth_error(400, "invalid_grant");
        let answer = owner.page(&path).await.form_to(&format!("{path}/enable")).submit().await;
        assert!(owner.message_after(&answer).await.contains("counts again"));
        Tokens::of(&bring(&rp, &token(), &[]).await);

        let question = owner.page(&format!("{path}/delete")).await;
        let gone = question.form_to(&format!("{path}/delete")).submit().await;
        assert!(owner.message_after(&gone).await.contains("is trusted no more"));
        bring(&rp, &token(), &[]).await.assert_oauth_error(400, "invalid_grant");
        owner.browser.get(&path).await.assert_status(404);
        for (kind, times) in [("trusted", 1), ("updated", 3), ("disabled", 1), ("enabled", 1), ("distrusted", 1)] {
            assert_eq!(bed.audit_count(&format!("issuer.{kind}")).await, times, "{kind}");
        }
        bed.assert_log_is_clean();
    }

    async fn the_command_line_switches_an_issuer_off_and_on_and_changes_it(world: World) {
        let client = workload(&world).id;
        let keys = world.path("keys.json");
        std::fs::write(&keys, ISSUER_KEYS).unwrap();
        let keys = keys.display().to_string();
        let say = |step: &str, subject: &str| {
            let matching = format!("sub={subject}");
            world.cli(&["issuer", step, "--name", "cluster", "--issuer", "https://cluster.test",
                "--jwks-file", &keys, "--client", &client, "--match", &matching])
        };
        assert_eq!(say("create", "one")["disabled_at"], json!(null));
        assert!(world.cli(&["issuer", "disable", "cluster"])["disabled_at"].is_string());
        let changed = say("update", "two");
        assert_eq!(changed["rules"][0]["match"]["sub"], "two");
        assert!(changed["disabled_at"].is_string(), "{changed}");
        let table = world.run(&["issuer", "list"]);
        assert!(String::from_utf8_lossy(&table.stdout).contains("disabled"));
        assert_eq!(world.cli(&["issuer", "enable", "cluster"])["disabled_at"], json!(null));
        for step in ["disable", "enable"] {
            assert!(!world.run(&["issuer", step, "nobody"]).status.success(), "{step}");
        }
    }

    async fn what_cannot_be_an_issuer_is_said_and_nothing_typed_is_lost(world: World) {
        let owner = admin(&world, "owner").await;
        let (client, _) = owner.add_app("Backup").await;
        let good = issuer_fields(&client, 1);
        let with = |name: &'static str, value: &str| -> Vec<(&'static str, String)> {
            let kept = good.iter().filter(|(known, _)| *known != name).cloned();
            kept.chain([(name, value.to_owned())]).collect()
        };
        let path = "/admin/issuers";
        let deep = "[".repeat(10_000);
        for (field, value, at) in [
            ("name", "", "name"), ("name", "a b", "name"), ("name", HOSTILE, "name"),
            ("issuer", "", "issuer"), ("issuer", HOSTILE, "issuer"), ("issuer", &world.issuer, "issuer"),
            ("jwks", "", "jwks"), ("jwks", "{", "jwks"), ("jwks", "{}", "jwks"), ("jwks", HOSTILE, "jwks"),
            ("jwks", "{\"keys\": []}", "jwks"), ("jwks", &deep, "jwks"),
            ("jwks_uri", "https://keys.test/jwks", "jwks"), ("rules", "", "rules"),
            ("rules", "[]", "rules"), ("rules", "{}", "rules"), ("rules", HOSTILE, "rules"),
            ("rules", &rules("nobody", "x"), "rules"), ("rules", &rules(&client, "*"), "rules"),
            ("scope", "a\"b", "scope"), ("max_lifetime", "soon", "max_lifetime"),
            ("max_lifetime", "5", "max_lifetime"), ("max_lifetime", "99999999999999999999", "max_lifetime"),
        ] {
            let fields = with(field, value);
            let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
            let page = owner.post(path, &fields).await;
            page.assert_status(422).assert_page_headers();
            assert!(page.has(&format!("#{at}[aria-invalid=true]")), "{field}={value}: {}", page.text());
            assert_inert(&page);
            if field != "issuer" {
                assert_eq!(page.form("issuer-form").value("issuer"), Some("https://issuer-1.test"));
            }
        }
        // Keys that would be fetched from inside.
        let mut inside = with("jwks", "");
        inside.push(("jwks_uri", "https://169.254.169.254/keys".to_owned()));
        let fields: Vec<_> = inside.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let page = owner.post(path, &fields).await;
        page.assert_status(422);
        assert!(page.has("#jwks_uri[aria-invalid=true]"), "{}", page.text());
        assert!(world.cli(&["issuer", "list"])["items"].as_array().unwrap().is_empty());
        // Taken, on the second time.
        let fields: Vec<_> = good.iter().map(|(n, v)| (*n, v.as_str())).collect();
        owner.post(path, &fields).await.assert_status(303);
        let page = owner.post(path, &fields).await;
        page.assert_status(422);
        assert!(page.text().contains("is trusted already"), "{}", page.text());
        // Ids that no issuer has.
        for id in ["nobody", "%00", "..%2f..", &"x".repeat(3_000)] {
            let page = owner.browser.get(&format!("{path}/{id}")).await;
            page.assert_status(404);
            assert_inert(&page);
            owner.post(&format!("{path}/{id}/disable"), &[]).await.assert_status(404);
        }
    }

    async fn only_owners_are_offered_what_changes_an_issuer(world: World) {
        let owner = admin(&world, "owner").await;
        let (client, _) = owner.add_app("Backup").await;
        let mut fields = issuer_fields(&client, 1);
        fields[5].1 = json!([{ "client_id": client, "match": { "sub": "x" }, "identity": "email" }]).to_string();
        let fields: Vec<_> = fields.iter().map(|(n, v)| (*n, v.as_str())).collect();
        owner.post("/admin/issuers", &fields).await.assert_status(303);
        for role in ["operator", "auditor"] {
            let reader = admin(&world, role).await;
            let list = reader.page("/admin/issuers").await;
            assert!(!list.text().contains("Add an issuer") && list.text().contains("People"));
            let page = reader.page("/admin/issuers/issuer-1").await;
            assert!(page.text().contains("prod") || page.text().contains("email"), "{}", page.text());
            let forms = page.attributes("main form", "action");
            assert!(forms.is_empty() && !page.has("[data-confirm]"), "{role}: {forms:?}");
        }
    }

    async fn encryption_keys_are_listed_replaced_and_retired_beside_the_others(world: World) {
        let owner = admin(&world, "owner").await;
        let rows = async || owner.page("/admin/keys").await.texts("tbody tr");
        let of = |rows: &[String], alg: &str| -> Vec<String> {
            rows.iter().filter(|row| row.starts_with(alg)).cloned().collect()
        };
        let before = rows().await;
        for alg in ["RSA-OAEP-256", "ECDH-ES"] {
            let found = of(&before, alg);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains("Decrypts") && found[0].contains("Active"), "{found:?}");
        }
        assert!(of(&before, "RS256").iter().all(|row| row.contains("Signs")), "{before:?}");
        let answer = owner.post("/admin/keys/rotate", &[("alg", "ECDH-ES")]).await;
        assert!(owner.message_after(&answer).await.contains("encrypt with a new key"));
        let found = of(&rows().await, "ECDH-ES");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("Active") && found[1].contains("Retiring"), "{found:?}");
        let page = owner.page("/admin/keys").await;
        let links = page.attributes("tbody .act a", "href");
        let question = owner.page(links.last().unwrap()).await;
        assert!(question.text().contains("can be read no more"), "{}", question.text());
        let answer = question.form_to("/admin/keys/retire").submit().await;
        assert_eq!(owner.message_after(&answer).await, "The key is retired.");
        assert_eq!(of(&rows().await, "ECDH-ES").len(), 1);
        let active = world.cli(&["key", "list"])["items"].as_array().unwrap().iter()
            .find(|key| key["alg"] == "ECDH-ES").unwrap()["kid"].as_str().unwrap().to_owned();
        let refused = owner.post("/admin/keys/retire", &[("kid", &active)]).await;
        assert!(owner.message_after(&refused).await.starts_with("This key is in use."));
        let auditor = admin(&world, "auditor").await;
        assert!(!auditor.page("/admin/keys").await.has("main form, main .act"));
    }

    async fn no_rule_outlives_the_app_that_it_is_for(world: World) {
        create(&world, "the-owner", Some("owner"));
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        let keys: Value = serde_json::from_str(ISSUER_KEYS).expect("keys");
        let rules = |app: &str| json!([{ "client_id": app, "match": { "sub": "prod:backup" } }]);
        let add_app = async |id: &str| {
            let metadata = json!({ "client_name": id, "redirect_uris": ["https://rp.test/cb"] });
            is(api.post("/clients", &json!({ "client_id": id, "metadata": metadata })).await, 201);
        };
        let add_issuer = async |name: &str, app: &str| {
            let iss = format!("https://{name}.test");
            let new = json!({ "name": name, "issuer": iss, "jwks": keys, "rules": rules(app) });
            api.post("/issuers", &new).await
        };
        add_app("stays").await;
        is(add_issuer("kept", "stays").await, 201);
        for round in 0..24_u64 {
            let app = format!("app-{round}");
            add_app(&app).await;
            let write = async {
                match round % 2 {
                    0 => add_issuer(&format!("new-{round}"), &app).await,
                    _ => api.patch_now("/issuers/kept", &json!({ "rules": rules(&app) })).await,
                }
            };
            let delete = async {
                // A little later each time, so that they meet at every stage.
                tokio::time::sleep(Duration::from_millis(round / 2)).await;
                api.delete(&format!("/clients/{app}")).await
            };
            let (written, deleted) = tokio::join!(write, delete);
            assert_eq!(deleted.status, 204, "{deleted:?}");
            assert!([200, 201, 422].contains(&written.status), "{written:?}");
            let all = is(api.get("/issuers").await, 200).json()["items"].to_string();
            assert!(!all.contains(&app), "round {round}, {}: {all}", written.status);
        }
    }
}
