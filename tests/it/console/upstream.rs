//! Upstream providers in the console: added, tested, previewed, changed, switched off, removed, with plain
//! forms.

use serde_json::{Value, json};

use crate::kit::api::{Api, is, refused};
use crate::kit::console::{ISSUER_KEYS, admin};
use crate::kit::fixtures::unique;
use crate::kit::flow::count;
use crate::kit::upstream::{Pair, SECRET, add, fields, metadata, pair};
use crate::support::browser_like::Page;
use crate::support::tls_peer::{Answer, Body, TlsPeer};
use crate::support::world::World;

const HOSTILE: &str = "\"><script>alert(1)</script>\u{202e}x";
const OTHER_SECRET: &str = "another-upstream-secret-k3V";

/// What a test found: the rows of its table.
#[track_caller]
fn found(page: &Page) -> Vec<String> {
    page.assert_status(200).assert_page_headers();
    assert!(page.text().contains("no secret was sent"), "{}", page.text());
    page.texts("tbody tr")
}

/// The one row about this that is not good.
#[track_caller]
fn failed(page: &Page, about: &str) -> String {
    let rows = found(page);
    let row = rows.iter().find(|row| row.starts_with(about));
    let row = row.unwrap_or_else(|| panic!("nothing about {about}: {rows:?}"));
    assert!(row.contains("Failed"), "{rows:?}");
    row.clone()
}

async fn sealed(world: &World) {
    for secret in [SECRET, OTHER_SECRET] {
        let told = format!(
            "select count(*) from upstream_providers where client_secret like '%{secret}%'"
        );
        assert_eq!(count(world, &told).await, 0);
        let told = format!(
            "select count(*) from audit_events where cast(detail as text) like '%{secret}%'"
        );
        assert_eq!(count(world, &told).await, 0);
    }
    let written = String::from_utf8(world.run(&["export"]).stdout).unwrap();
    assert!(written.contains("upstream_providers"), "{written}");
    for secret in [SECRET, OTHER_SECRET, "client_secret =", "secret_file"] {
        assert!(!written.contains(secret), "{written}");
    }
    world.assert_log_is_clean(&[SECRET, OTHER_SECRET]);
}

on_both_backends! {
    async fn a_provider_is_added_tested_changed_switched_off_and_deleted(backend: Backend) {
        let Pair { here, there, .. } = pair(backend).await;
        let owner = admin(&here, "owner").await;
        let empty = owner.page("/admin/upstream").await;
        assert!(empty.text().contains("No provider yet."), "{}", empty.text());
        assert!(empty.text().contains("Nobody can sign in with one yet"), "{}", empty.text());
        let form = owner.page("/admin/upstream/new").await.form("upstream-form");
        assert_eq!(form.value("scope"), Some("openid profile email"));
        let form = form.set("slug", "other").set("issuer", &there.issuer).set("display_name", "The other one");
        let made = form.set("client_id", "doorward").set("client_secret", SECRET).submit().await;
        assert!(owner.message_after(&made).await.contains("The other one is added"));
        let path = made.location().path().to_owned();
        let list = owner.page("/admin/upstream").await;
        let row = list.texts("tbody tr").join(" ");
        assert!(row.contains("other") && row.contains(&there.issuer) && row.contains("Active"), "{row}");

        // Everything fits at another Doorward.
        let test = async || owner.page(&path).await.form_to(&format!("{path}/test")).submit().await;
        let rows = found(&test().await);
        assert!(rows.len() >= 10, "{rows:?}");
        assert!(rows.iter().all(|row| row.contains("OK")), "{rows:?}");
        assert!(rows.iter().any(|row| row.starts_with("issuer")), "{rows:?}");
        assert!(rows.iter().any(|row| row.contains("keys for signatures")), "{rows:?}");

        // What a person would look like.
        let preview = owner.page(&path).await.form("preview");
        let claims = json!({ "sub": "7", "preferred_username": "Ada", "email": "ada@school.test", "email_verified": true });
        let shown = preview.set("claims", &claims.to_string()).submit().await;
        shown.assert_status(200);
        let rows = shown.texts("tbody tr");
        assert!(rows[1].contains("ada") && rows[1].contains("preferred_username"), "{rows:?}");
        assert!(rows[3].contains("does not count as verified"), "{rows:?}");
        let form = shown.form("upstream-form").set("groups_claim", "roles").set("scope", "openid");
        let saved = form.check("trusts_email", "on").submit().await;
        assert!(owner.message_after(&saved).await.contains("is saved"));
        let claims = json!({ "sub": "7", "email": "ada@school.test", "email_verified": true, "roles": ["b", "a", HOSTILE] });
        let page = owner.page(&path).await;
        let shown = page.form("preview").set("claims", &claims.to_string()).submit().await;
        let rows = shown.texts("tbody tr");
        assert!(rows[3].contains("It counts as verified."), "{rows:?}");
        assert!(rows[4].contains("cannot be taken") && !shown.body.contains("<script>alert"), "{}", shown.body);

        // Another secret, which nobody sees either.
        let ask = owner.page(&format!("{path}/set-secret")).await;
        let kept = ask.form("secret").set("client_secret", OTHER_SECRET).submit().await;
        assert!(owner.message_after(&kept).await.contains("is kept"));
        // The same once more is no change.
        owner.post(&format!("{path}/set-secret"), &[("client_secret", OTHER_SECRET)]).await.assert_status(303);
        for page in [&path, "/admin/upstream", &format!("{path}/set-secret"), "/admin/audit"] {
            let body = owner.page(page).await.body;
            assert!(!body.contains(SECRET) && !body.contains(OTHER_SECRET), "{page}");
        }
        sealed(&here).await;

        let question = owner.page(&format!("{path}/disable")).await;
        let off = question.form_to(&format!("{path}/disable")).submit().await;
        assert!(owner.message_after(&off).await.contains("is disabled"));
        assert!(here.cli(&["upstream", "show", "other"])["disabled_at"].is_string());
        let on = owner.page(&path).await.form_to(&format!("{path}/enable")).submit().await;
        assert!(owner.message_after(&on).await.contains("is enabled"));
        let question = owner.page(&format!("{path}/delete")).await;
        let wrong = question.form("delete").submit().await;
        wrong.assert_status(422).assert_page_headers();
        let name = here.cli(&["upstream", "show", "other"])["display_name"].clone();
        let name = name.as_str().expect("a name");
        assert!(wrong.text().contains(&format!("Type {name} to delete it.")), "{}", wrong.describe());
        let gone = wrong.form("delete").set("name", name).submit().await;
        assert!(owner.message_after(&gone).await.contains("is deleted"));
        owner.browser.get(&path).await.assert_status(404);
        for (kind, times) in [
            ("created", 1), ("tested", 1), ("updated", 1), ("secret_replaced", 1), ("disabled", 1), ("enabled", 1), ("deleted", 1),
        ] {
            let sql = format!("select count(*) from audit_events where kind = 'upstream_provider.{kind}'");
            assert_eq!(count(&here, &sql).await, times, "{kind}");
        }
        there.assert_log_is_clean(&[SECRET, OTHER_SECRET]);
    }

    async fn a_test_says_in_words_what_is_wrong_and_never_fails_itself(backend: Backend) {
        let Pair { here, there, closed } = pair(backend).await;
        let owner = admin(&here, "owner").await;
        let peer = TlsPeer::shared();
        let base = format!("/{}", unique("provider"));
        let known = format!("{base}/.well-known/openid-configuration");
        let test_of = async |slug: &str, issuer: &str| {
            let id = add(&here, slug, issuer)["id"].as_str().unwrap().to_owned();
            owner.post(&format!("/admin/upstream/{id}/test"), &[]).await
        };
        // Nothing listens there.
        assert!(failed(&test_of("closed", &closed).await, "metadata").contains("could not be reached"));
        // A slash more is another issuer, and the page says which one it names.
        let slash = failed(&test_of("slash", &format!("{}/", there.issuer)).await, "issuer");
        assert!(slash.contains(&there.issuer) && slash.contains("equal to the last character"), "{slash}");
        let id = add(&here, "peer", &peer.url(&base))["id"].as_str().unwrap().to_owned();
        let path = format!("/admin/upstream/{id}/test");
        let test = async || owner.post(&path, &[]).await;
        assert!(failed(&test().await, "metadata").contains("status 404"));
        peer.serve(&known, Answer::json(&metadata(&base)));
        assert!(failed(&test().await, "keys").contains("status 404"));
        peer.serve(&format!("{base}/jwks"), Answer::new(200, "application/json", ISSUER_KEYS));
        let rows = found(&test().await);
        assert!(rows.iter().all(|row| !row.contains("Failed")), "{rows:?}");
        assert!(rows.iter().any(|row| row.contains("one key for signatures")), "{rows:?}");
        // Another issuer with hostile words, and addresses inside.
        let mut other = metadata(&base);
        other["issuer"] = json!(format!("https://evil.test/{HOSTILE}"));
        other["token_endpoint"] = json!("https://169.254.169.254/token");
        peer.serve(&known, Answer::json(&other));
        let page = test().await;
        assert!(failed(&page, "issuer").contains("evil.test"));
        assert!(failed(&page, "token endpoint").contains("not on the public internet"));
        assert!(!page.body.contains("<script>alert") && !page.body.contains('\u{202e}'), "{}", page.body);
        let mut keys = metadata(&base);
        keys["jwks_uri"] = json!("https://10.0.0.1/keys");
        peer.serve(&known, Answer::json(&keys));
        assert!(failed(&test().await, "keys").contains("not on the public internet"));
        let private = json!({ "keys": [{ "kty": "oct", "k": "AAAA" }] });
        peer.serve(&known, Answer::json(&metadata(&base)));
        for (answer, word) in [
            (Answer::json(&private), "private or symmetric key"), (Answer::json(&json!({ "keys": [] })), "no key"),
            (Answer::json(&json!([])), "not a JWK Set"), (Answer::of_body(Body::Endless), "more than is read"),
        ] {
            peer.serve(&format!("{base}/jwks"), answer);
            assert!(failed(&test().await, "keys").contains(word), "{word}");
        }
        let deep = "[".repeat(50_000);
        for (answer, word) in [
            (Answer::redirect("https://elsewhere.test/"), "leads elsewhere"), (Answer::status(500), "status 500"),
            (Answer::new(200, "text/html", HOSTILE), "no JSON object"), (Answer::json(&json!([1])), "no JSON object"),
            (Answer::new(200, "application/json", deep), "more than is read"), (Answer::of_body(Body::Endless), "more than is read"),
            (Answer::of_body(Body::Stalled), "did not answer in time"),
        ] {
            peer.serve(&known, answer);
            assert!(failed(&test().await, "metadata").contains(word), "{word}");
        }
        // Nothing but two documents was asked for, and nothing was changed.
        assert_eq!(peer.hits(&format!("{base}/token")) + peer.hits(&format!("{base}/authorize")), 0);
        assert_eq!(count(&here, "select count(*) from audit_events where kind = 'upstream_provider.updated'").await, 0);
        here.assert_log_is_clean(&[SECRET]);
    }

    async fn what_cannot_be_a_provider_is_said_at_its_field_and_nothing_but_the_secret_is_lost(world: World) {
        let owner = admin(&world, "owner").await;
        add(&world, "taken", "https://id.school.test");
        let long = "x".repeat(600);
        for (field, value) in [
            ("slug", ""), ("slug", "A b"), ("slug", HOSTILE), ("slug", "taken"), ("slug", &long),
            ("issuer", ""), ("issuer", "id.school.test"), ("issuer", "http://id.school.test"), ("issuer", "https://10.0.0.1"),
            ("issuer", "https://localhost"), ("issuer", "https://a:b@id.school.test"), ("issuer", "https://id.school.test?x"),
            ("issuer", HOSTILE), ("issuer", &long), ("issuer", &world.issuer),
            ("display_name", ""), ("display_name", HOSTILE), ("display_name", &long),
            ("client_id", ""), ("client_id", HOSTILE), ("client_id", &long),
            ("client_secret", ""), ("client_secret", "ü"), ("client_secret", &long),
            ("auth_method", ""), ("auth_method", "none"), ("scope", ""), ("scope", "email"), ("scope", HOSTILE),
            ("username_claim", ""), ("name_claim", "a b"), ("email_claim", HOSTILE), ("groups_claim", &long),
        ] {
            let mut all = fields("school", "https://id.school.test");
            for (name, text) in &mut all {
                if *name == field {
                    value.clone_into(text);
                }
            }
            let all: Vec<_> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let page = owner.post("/admin/upstream", &all).await;
            page.assert_status(422).assert_page_headers();
            // The buttons of a choice are no field of their own.
            let at = if field == "auth_method" { "" } else { "[aria-invalid=true]" };
            assert!(page.has(&format!("#{field}{at}")), "{field}={value}: {}", page.text());
            let links = page.attributes(".summary a", "href");
            assert!(links.contains(&format!("#{field}")), "{field}={value}: {links:?}");
            assert!(!page.body.contains("<script>alert") && !page.body.contains(SECRET), "{}", page.body);
            if field != "display_name" {
                assert_eq!(page.form("upstream-form").value("display_name"), Some("Our school"));
            }
            assert_eq!(page.form("upstream-form").value("client_secret").unwrap_or_default(), "");
        }
        assert_eq!(count(&world, "select count(*) from upstream_providers").await, 1);
        let id = world.cli(&["upstream", "show", "taken"])["id"].as_str().unwrap().to_owned();
        let path = format!("/admin/upstream/{id}");
        for bad in ["", "{", "[]", HOSTILE, r#"{"sub": 1, "sub": 2}"#, &"[".repeat(10_000)] {
            let page = owner.post(&format!("{path}/preview"), &[("claims", bad)]).await;
            page.assert_status(422);
            assert!(page.has("#claims[aria-invalid=true]") && !page.body.contains("<script>alert"), "{}", page.body);
        }
        owner.post(&format!("{path}/set-secret"), &[("client_secret", " ")]).await.assert_status(422);
        // What stays cannot be changed by a form either.
        let mut all = fields("other", "https://evil.test");
        all.retain(|(name, _)| *name != "client_secret");
        let all: Vec<_> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        owner.edit(&path, &all).await.assert_status(303);
        let kept = world.cli(&["upstream", "show", "taken"]);
        assert_eq!((&kept["slug"], &kept["issuer"]), (&json!("taken"), &json!("https://id.school.test")));
        for id in ["nobody", "%00", "..%2f..", &"x".repeat(3_000)] {
            owner.browser.get(&format!("/admin/upstream/{id}")).await.assert_status(404);
            for step in ["edit", "test", "preview", "set-secret", "disable", "delete"] {
                owner.post(&format!("/admin/upstream/{id}/{step}"), &[("claims", "{}")]).await.assert_status(404);
            }
        }
    }

    async fn what_a_person_would_look_like_is_the_same_with_each_face(world: World) {
        let owner = admin(&world, "owner").await;
        add(&world, "school", "https://id.school.test");
        let api = Api::with_key(&world, "the-owner", &["doorward.upstream:write"]);
        let path = "/upstream-providers/school/preview";
        let noted = "select count(*) from audit_events";
        let before = count(&world, noted).await;
        let claims = json!({ "sub": "7", "preferred_username": "Ada", "name": 7, "email": "ada@school.test" });
        let found = is(api.post(path, &claims).await, 200).json();
        let username = json!({ "about": "Username", "claim": "preferred_username", "values": ["ada"], "note": "" });
        assert_eq!(found["lines"][1], username, "{found}");
        assert_eq!(found["lines"][4]["claim"], Value::Null, "no claim is read for groups: {found}");
        let by_command = world.cli_with_input(&["upstream", "preview", "school", "-"], &claims.to_string());
        assert_eq!(by_command, found);
        let file = world.path("claims.json");
        std::fs::write(&file, claims.to_string()).unwrap();
        let file = file.display().to_string();
        assert_eq!(world.cli(&["upstream", "preview", "school", &file]), found);
        let form = owner.page("/admin/upstream/school").await.form("preview");
        let rows = form.set("claims", &claims.to_string()).submit().await.texts("tbody tr");
        let lines = found["lines"].as_array().unwrap();
        assert_eq!(rows.len(), lines.len(), "{rows:?}");
        for (row, line) in rows.iter().zip(lines) {
            for said in [&line["about"], &line["claim"], &line["values"][0], &line["note"]] {
                assert!(row.contains(said.as_str().unwrap_or_default()), "{said}: {row}");
            }
        }
        // Without any claims there is nobody.
        let nobody = is(api.post(path, &json!({})).await, 200).json();
        assert_eq!(nobody["lines"][0]["values"], json!([]), "{nobody}");
        assert_eq!(count(&world, noted).await, before, "nothing is kept");

        refused(api.post(path, &json!([])).await, 400, "malformed_request");
        refused(api.post("/upstream-providers/nobody/preview", &claims).await, 404, "not_found");
        let reader = Api::with_key(&world, "the-owner", &["doorward.upstream:read"]);
        refused(reader.post(path, &claims).await, 403, "insufficient_scope");
        std::fs::write(&file, r#"{"sub": "1", "sub": "2"}"#).unwrap();
        for wrong in [["school", file.as_str()], ["nobody", file.as_str()], ["school", "/nowhere/claims.json"]] {
            let output = world.run(&[&["upstream", "preview"][..], &wrong].concat());
            assert_eq!(output.status.code(), Some(1), "{wrong:?}");
        }
    }

    async fn auditors_look_and_operators_look_after_providers(world: World) {
        let operator = admin(&world, "operator").await;
        let all = fields("school", "https://id.school.test");
        let all: Vec<_> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let made = operator.post("/admin/upstream", &all).await;
        let path = made.location().path().to_owned();
        assert!(operator.page(&path).await.has_form("upstream-form"));
        let auditor = admin(&world, "auditor").await;
        let list = auditor.page("/admin/upstream").await;
        assert!(!list.text().contains("Add a provider") && list.text().contains("Our school"));
        let page = auditor.page(&path).await;
        assert!(page.text().contains("client_secret_basic") && page.text().contains("preferred_username"));
        let forms = page.attributes("main form", "action");
        assert!(forms.is_empty() && !page.has("[data-confirm]") && !page.text().contains("Test"), "{forms:?}");
        let there = world.cli(&["upstream", "list"]);
        assert_eq!(there["items"].as_array().map(Vec::len), Some(1), "{there}");
        assert_eq!(there["items"][0]["client_secret"], Value::Null);
    }
}
