//! Settings that change while servers run: on every node, by console, REST API and command line alike,
//! unless something fixes them; and how pages look.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, is, refused, sent, tag};
use crate::kit::audit::noted;
use crate::kit::console::{admin, create};
use crate::kit::flow::{Answer, App, PATIENCE, count, create_user, every_node, get, sign_in};
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;
use crate::support::world::World;

const SCOPES: [&str; 2] = ["doorward.settings:read", "doorward.settings:write"];

/// Puts a value in place of what there is.
pub(super) async fn put(api: &Api, key: &str, value: Value) -> Answer {
    let path = format!("/settings/{key}");
    let tag = tag(&is(api.get(&path).await, 200));
    sent(api.request(Method::PUT, &path).header("if-match", tag).json(&json!({ "value": value })))
        .await
}

/// Waits until this address shows this name.
pub(super) async fn wait_for_name(base: &str, name: &str) {
    wait_until_async("the new name", PATIENCE, async || {
        Browser::new(base).get("/login").await.title().ends_with(name)
    })
    .await;
}

/// A command that has to fail; what it says.
pub(super) fn fails(world: &World, arguments: &[&str]) -> String {
    let output = world.run(arguments);
    assert!(!output.status.success(), "{arguments:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

on_both_backends! {
    async fn every_node_has_a_changed_setting_and_a_new_one_has_it_from_its_start(backend: Backend) {
        let world = World::builder(backend).start().await;
        let (bases, _node) = every_node(&world).await;
        for name in ["Orchard", "Orchard & Sons <b>"] {
            let set = world.cli(&["setting", "set", "product_name", name]);
            assert_eq!((&set["value"], &set["origin"]), (&json!(name), &json!("database")));
            for base in &bases {
                wait_for_name(base, name).await;
            }
        }
        world.cli(&["setting", "unset", "product_name"]);
        for base in &bases {
            wait_for_name(base, "Doorward").await;
        }
    }

    async fn the_settings_do_what_they_say(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        world.cli(&["setting", "set", "tokens.access_token_lifetime", "120"]);
        wait_until_async("tokens that live shorter", PATIENCE, async || {
            let code = app.code(&browser).await;
            app.redeem(&code).await.json()["expires_in"] == 120
        })
        .await;
        world.cli(&["setting", "set", "sign_up.mode", "open"]);
        wait_until_async("the sign-up page", PATIENCE, async || {
            world.browser().get("/login/create").await.status == 200
        })
        .await;
        let document = get(&world.url("/.well-known/openid-configuration")).await;
        assert!(document.text.contains("\"create\""), "{}", document.text);
        let shown = world.cli(&["config", "show", "--origin"]);
        assert_eq!(shown["sign_up.mode"], json!({ "value": "open", "origin": "database" }));
        world.cli(&["setting", "unset", "sign_up.mode"]);
        wait_until_async("no sign-up page", PATIENCE, async || {
            let document = get(&world.url("/.well-known/openid-configuration")).await;
            !document.text.contains("\"create\"")
        })
        .await;
    }

    async fn console_api_and_commands_change_settings_alike(world: World) {
        let owner = admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &SCOPES);
        world.cli(&["setting", "set", "session.idle", "1200"]);
        wait_until_async("the server having it", PATIENCE, async || {
            is(api.get("/settings/session.idle").await, 200).json()["value"] == 1200
        })
        .await;
        let answer = is(put(&api, "session.idle", json!(1500)).await, 200).json();
        assert_eq!((&answer["value"], &answer["origin"]), (&json!(1500), &json!("database")));
        let form = owner.page("/admin/settings").await.form("settings-session");
        assert_eq!(form.value("session-idle"), Some("1500"));
        let saved = form.set("session-idle", "1800").submit().await;
        assert!(owner.message_after(&saved).await.contains("saved"));
        // What was not changed is not kept as if it had been.
        assert_eq!(count(&world, "select count(*) from settings").await, 1);
        let same = owner.page("/admin/settings").await.form("settings-session").submit().await;
        same.assert_status(303);
        let found = noted(&world, "setting.changed");
        let told = |n: usize| (&found[n]["key"], &found[n]["before"], &found[n]["after"]);
        assert_eq!(found.len(), 3, "{found:?}");
        let key = json!("session.idle");
        let steps = [(3600, 1200), (1200, 1500), (1500, 1800)].map(|(b, a)| (json!(b), json!(a)));
        for (before, after) in &steps {
            assert!((0..3).any(|n| told(n) == (&key, before, after)), "{found:?}");
        }
        // Back to the default, by each of them.
        let form = owner.page("/admin/settings").await.form("settings-session");
        form.check("reset", "session.idle").submit().await.assert_status(303);
        assert_eq!(count(&world, "select count(*) from settings").await, 0);
        is(put(&api, "session.idle", json!(1500)).await, 200);
        is(api.delete("/settings/session.idle").await, 204);
        let now = world.cli(&["setting", "get", "session.idle"]);
        assert_eq!((&now["value"], &now["origin"]), (&json!(3600), &json!("default")));
    }

    async fn what_something_else_fixes_is_shown_and_not_changed(backend: Backend) {
        let world = World::builder(backend)
            .config_file("[branding]\nfooter = \"From the file\"\n")
            .env("DOORWARD_SESSION__IDLE", "900")
            .start()
            .await;
        let owner = admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &SCOPES);
        for (key, origin) in [("session.idle", "DOORWARD_SESSION__IDLE"), ("branding.footer", "doorward.toml")] {
            assert!(fails(&world, &["setting", "set", key, "600"]).contains(origin), "{key}");
            assert!(fails(&world, &["setting", "unset", key]).contains(origin), "{key}");
            let answer = refused(put(&api, key, json!("600")).await, 409, "fixed").json();
            assert!(answer["detail"].as_str().unwrap().contains(origin), "{answer}");
            let shown = is(api.get(&format!("/settings/{key}")).await, 200).json();
            assert_eq!(shown["fixed"], true);
            assert!(shown["origin"].as_str().unwrap().contains(origin), "{shown}");
        }
        let page = owner.page("/admin/settings").await;
        assert!(!page.has("[name=session-idle]"));
        assert!(page.text().contains("fixed by environment variable DOORWARD_SESSION__IDLE"));
        let forged = [("session-idle", "600"), ("seen", "session.idle 0")];
        owner.post("/admin/settings/session", &forged).await.assert_status(422);
        assert_eq!(count(&world, "select count(*) from settings").await, 0);
        assert!(world.browser().get("/login").await.text().contains("From the file"));
    }

    async fn hostile_and_late_changes_are_refused_and_nothing_typed_is_lost(world: World) {
        let owner = admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &SCOPES);
        for (key, value) in [
            ("session.idle", json!(59)),
            ("session.idle", json!("soon")),
            ("session.idle", json!(null)),
            ("session.idle", json!({ "a": 1 })),
            ("tokens.refresh_absolute", json!(300)),
            ("sign_up.mode", json!("everybody")),
            ("product_name", json!("x".repeat(61))),
            ("product_name", json!("two\nlines")),
            ("branding.accent", json!("red")),
            ("branding.accent", json!("#fff;}body{display:none")),
            ("branding.links", json!(["Help javascript:alert(1)"])),
            ("branding.links", json!(["Help http://help.example"])),
            ("branding.links", json!(["a https://a.test", "b https://a.test", "c https://a.test",
                "d https://a.test", "e https://a.test", "f https://a.test"])),
            ("branding.footer", json!("x\u{202e}y")),
            ("risk.failure_burst", json!("refuse")),
        ] {
            let answer = refused(put(&api, key, value.clone()).await, 422, "invalid").json();
            let told = answer["errors"][0]["problem"].as_str().unwrap_or_default();
            assert!(told.len() > 10, "{key} = {value}: {answer}");
        }
        refused(api.get("/settings/database.url").await, 404, "not_found");
        refused(api.get("/settings/none").await, 404, "not_found");
        let late = api.request(Method::PUT, "/settings/session.idle").header("if-match", "\"x\"");
        refused(sent(late.json(&json!({ "value": 600 }))).await, 412, "precondition_failed");
        assert_eq!(count(&world, "select count(*) from settings").await, 0);

        let stale = owner.page("/admin/settings").await.form("settings-session");
        world.cli(&["setting", "set", "session.idle", "1200"]);
        wait_until_async("the server having it", PATIENCE, async || {
            let page = owner.page("/admin/settings").await;
            page.form("settings-session").value("session-idle") == Some("1200")
        })
        .await;
        let again = stale.set("session-idle", "1900").submit().await;
        again.assert_status(422);
        assert!(again.text().contains("changed meanwhile by command-line"), "{}", again.text());
        let form = again.form("settings-session");
        assert_eq!(form.value("session-idle"), Some("1900"));
        form.submit().await.assert_status(303);
        let form = owner.page("/admin/settings").await.form("settings-tokens");
        let wrong = form.set("tokens-refresh_absolute", "300").submit().await;
        wrong.assert_status(422);
        assert_eq!(wrong.form("settings-tokens").value("tokens-refresh_absolute"), Some("300"));
        assert!(wrong.title().starts_with("Error: ") && wrong.has("#tokens-refresh_idle-error"));
    }

    async fn only_owners_change_settings_and_every_administrator_sees_them(world: World) {
        create(&world, "the-owner", Some("owner"));
        for role in ["operator", "auditor"] {
            let visitor = admin(&world, role).await;
            let page = visitor.page("/admin/settings").await;
            assert!(page.text().contains("session.idle") && !page.has("#settings-session"));
            let fields = [("session-idle", "600"), ("seen", "session.idle 0")];
            visitor.post("/admin/settings/session", &fields).await.assert_status(403);
            let api = Api::with_key(&world, &visitor.username, &SCOPES);
            refused(put(&api, "session.idle", json!(600)).await, 403, "forbidden");
        }
        let reader = Api::with_key(&world, "the-owner", &SCOPES[..1]);
        refused(put(&reader, "session.idle", json!(600)).await, 403, "insufficient_scope");
        let list = is(reader.get("/settings").await, 200).json();
        assert!(list["items"].as_array().unwrap().len() > 30, "{list}");
        assert_eq!(count(&world, "select count(*) from settings").await, 0);
    }

    async fn pages_have_the_name_colour_links_and_words_of_the_installation(world: World) {
        let plain = world.browser().get("/login").await;
        assert!(!plain.has("footer") && !plain.body.contains("/branding/"));
        let owner = admin(&world, "owner").await;
        let form = owner.page("/admin/settings").await.form("settings-general");
        let form = form.set("product_name", "Orchard").set("branding-accent", "#FF8800");
        let form = form.set("branding-footer", "<script>alert(1)</script>");
        let form = form.set("branding-links", "Help <b> https://help.example/?a=\"b\r\n\r\nTerms https://terms.example");
        owner.message_after(&form.submit().await).await;
        let page = owner.page("/admin/settings").await;
        assert!(page.text().contains("Light pages use #") && page.text().contains("contrast 4."));
        // What the sign-in page looks like is shown beside the form, for both kinds of screens.
        assert_eq!(page.texts("figure.look .plate bdi"), ["Orchard", "Orchard"]);
        let more = page.texts("figure.look .on-dark .more").join(" ");
        assert!(more.contains("Help <b>") && more.contains("Terms"), "{more}");
        assert!(!page.has("figure.look a, figure.look button, figure.look input"));
        assert!(!more.contains("Create an account"), "{more}");
        let form = page.form("settings-sign-up").set("sign_up-mode", "open");
        owner.message_after(&form.submit().await).await;
        let page = owner.page("/admin/settings").await;
        assert!(page.texts("figure.look .more").concat().contains("Create an account"), "{}", page.describe());
        // Settings are called by words, and by their names beside them.
        assert_eq!(page.texts("label[for=session-idle]"), ["Longest time without use session.idle"]);
        let offered = page.texts("#risk-new_device option");
        assert_eq!(offered.last().map(String::as_str), Some("Let nobody in (refuse)"));
        let page = world.browser().get("/login").await;
        page.assert_page_headers();
        assert!(page.title().ends_with("Orchard"), "{}", page.title());
        assert!(!page.body.contains("<script>alert") && page.text().contains("<script>alert(1)</script>"));
        let links = page.attributes("footer a", "href");
        assert_eq!(links, ["https://help.example/?a=%22b", "https://terms.example/"]);
        let sheets = page.attributes("link[rel=stylesheet]", "href");
        let sheet = get(&world.url(&sheets[1])).await;
        assert_eq!(sheet.status, 200);
        assert_eq!(sheet.headers["content-type"], "text/css; charset=utf-8");
        assert_eq!(sheet.headers["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(sheet.headers["x-content-type-options"], "nosniff");
        assert!(sheet.text.contains("--pine: #ff8800"), "{}", sheet.text);
        assert!(sheet.text.contains(".sample.on-dark { --pine: #"), "{}", sheet.text);
        for other in ["/branding/x.css", "/branding/accent.ff8800.css", "/branding/%00"] {
            assert!((400..500).contains(&get(&world.url(other)).await.status), "{other}");
        }
    }
}
