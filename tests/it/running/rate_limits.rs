//! Rate limits that change while servers run: the next request meets the new one, on every node.

use reqwest::Method;
use serde_json::{Value, json};

use super::settings::{fails, put, wait_for_name};
use crate::kit::api::{Api, is, refused};
use crate::kit::console::{admin, create};
use crate::kit::document;
use crate::kit::fixtures::{Bed, Rp};
use crate::kit::flow::{count, every_node};
use crate::kit::registration::{Registered, assert_refused, register, request};
use crate::support::browser_like::Browser;
use crate::support::tls_peer::{TlsPeer, reachable};
use crate::support::world::World;

const SCOPES: [&str; 2] = ["doorward.settings:read", "doorward.settings:write"];

/// What is answered to so many wrong passwords for this name.
async fn guesses(base: &str, name: &str, number: usize) -> Vec<u16> {
    let browser = Browser::new(base);
    let mut statuses = vec![];
    for _ in 0..number {
        let form = browser.get("/login").await.form("sign-in").set("username", name);
        statuses.push(form.set("password", "wrong").submit().await.status.as_u16());
    }
    statuses
}

/// How many times a limit on wrong passwords of this scope has been reached.
async fn throttled(world: &World, scope: &str) -> i64 {
    let of_scope = format!(
        "select count(*) from audit_events where kind = 'sign_in.throttled' \
         and cast(detail as text) like '%\"{scope}\"%'"
    );
    count(world, &of_scope).await
}

async fn push(rp: &Rp) -> u16 {
    rp.post("/oauth2/par", &rp.parameters(&[])).await.status.as_u16()
}

on_both_backends! {
    async fn wrong_passwords_meet_the_limit_of_the_moment_on_every_node(backend: Backend) {
        let world = World::builder(backend).start().await;
        let (bases, _node) = every_node(&world).await;
        world.cli(&["setting", "set", "limits.login_hourly_failures", "1"]);
        // Whoever has the later change has the earlier one, too.
        world.cli(&["setting", "set", "product_name", "Strict"]);
        for (n, base) in bases.iter().enumerate() {
            wait_for_name(base, "Strict").await;
            assert_eq!(guesses(base, &format!("strict-{n}"), 2).await, [401, 429], "{base}");
        }
        world.cli(&["setting", "unset", "limits.login_hourly_failures"]);
        world.cli(&["setting", "set", "product_name", "Patient"]);
        for (n, base) in bases.iter().enumerate() {
            wait_for_name(base, "Patient").await;
            assert_eq!(guesses(base, &format!("patient-{n}"), 3).await, [401; 3], "{base}");
        }
    }

    async fn failures_that_are_free_are_as_many_as_the_setting_says(world: World) {
        create(&world, "the-owner", Some("owner"));
        let api = Api::with_key(&world, "the-owner", &SCOPES);
        let base = world.url("");
        guesses(&base, "nobody-1", 2).await;
        assert_eq!((throttled(&world, "account").await, throttled(&world, "address").await), (0, 0));
        is(put(&api, "limits.login_free_failures", json!(1)).await, 200);
        guesses(&base, "nobody-2", 2).await;
        assert_eq!((throttled(&world, "account").await, throttled(&world, "address").await), (1, 0));
        is(put(&api, "limits.address_free_failures", json!(1)).await, 200);
        guesses(&base, "nobody-3", 1).await;
        assert_eq!((throttled(&world, "account").await, throttled(&world, "address").await), (1, 1));
    }

    async fn what_apps_may_do_in_an_hour_or_a_minute_changes_at_once(backend: Backend) {
        let world = reachable(World::builder(backend), &[TlsPeer::shared()])
            .env("DOORWARD_REGISTRATION__MODE", "open")
            .env("DOORWARD_REGISTRATION__METADATA_DOCUMENTS", "true");
        let bed = Bed::new(world.start().await, &["spa"]).await;
        create(&bed.world, "the-owner", Some("owner"));
        let api = Api::with_key(&bed.world, "the-owner", &SCOPES);
        let set = async |key: &str, value: u32| {
            is(put(&api, key, json!(value)).await, 200);
        };

        let app = Registered::new(&bed.world, json!({})).await;
        set("registration.open_per_hour", 1).await;
        let page = register(&bed.world, None, &request(json!({}))).await;
        assert_refused(&page, 429, "temporarily_unavailable");
        set("registration.open_per_hour", 50).await;
        Registered::new(&bed.world, json!({})).await;

        let rename = async |token: &str, name: &str| {
            let body: Value = app.replacement(json!({ "client_name": name }));
            app.manage_with(token, Method::PUT, Some(&body)).await
        };
        let first = rename(app.token(), "First").await;
        first.assert_status(200);
        // Each change brings another token.
        let token = first.json()["registration_access_token"].as_str().expect("a token").to_owned();
        set("registration.changes_per_hour", 1).await;
        assert_refused(&rename(&token, "Second").await, 429, "temporarily_unavailable");
        set("registration.changes_per_hour", 50).await;
        rename(&token, "Third").await.assert_status(200);

        let spa = bed.rp("spa");
        assert_eq!(push(&spa).await, 201);
        set("authorization.pushed_requests_per_minute", 1).await;
        assert_eq!(push(&spa).await, 429);
        set("authorization.pushed_requests_per_minute", 300).await;
        assert_eq!(push(&spa).await, 201);

        let described = async || push(&document::App::publish(&bed, &json!({})).rp).await;
        assert_eq!(described().await, 201);
        set("registration.documents_per_minute", 1).await;
        assert_eq!(described().await, 401);
        set("registration.documents_per_minute", 30).await;
        assert_eq!(described().await, 201);
    }

    async fn the_console_has_them_in_a_group_and_refuses_what_is_out_of_range(world: World) {
        let owner = admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &SCOPES);
        let form = owner.page("/admin/settings").await.form("settings-limits");
        assert_eq!(form.value("limits-login_free_failures"), Some("5"));
        assert_eq!(form.value("registration-changes_per_hour"), Some("20"));
        let wrong = form.set("limits-login_hourly_failures", "0").submit().await;
        wrong.assert_status(422);
        assert!(wrong.has("#limits-login_hourly_failures-error"), "{}", wrong.text());
        let mended = wrong.form("settings-limits").set("limits-login_hourly_failures", "50");
        assert!(owner.message_after(&mended.submit().await).await.contains("Rate limits: saved"));
        let shown = is(api.get("/settings/limits.login_hourly_failures").await, 200).json();
        assert_eq!((&shown["value"], &shown["origin"]), (&json!(50), &json!("database")));
        for (key, value) in [
            ("limits.login_free_failures", json!(0)),
            ("limits.login_hourly_failures", json!(10_001)),
            ("limits.address_free_failures", json!(-1)),
            ("authorization.pushed_requests_per_minute", json!(0)),
            ("registration.open_per_hour", json!("often")),
            ("registration.changes_per_hour", json!(100_001)),
            ("registration.documents_per_minute", json!(null)),
        ] {
            let answer = refused(put(&api, key, value).await, 422, "invalid").json();
            let told = answer["errors"][0]["problem"].as_str().unwrap_or_default();
            assert!(told.len() > 10, "{key}: {answer}");
        }
        // These are read at the start.
        for key in ["limits.body_bytes", "limits.session_data_bytes", "registration.mode"] {
            refused(api.get(&format!("/settings/{key}")).await, 404, "not_found");
        }
    }

    async fn a_limit_that_the_environment_fixes_is_shown_with_its_origin(backend: Backend) {
        let variable = "DOORWARD_LIMITS__LOGIN_FREE_FAILURES";
        let world = World::builder(backend).env(variable, "7").start().await;
        let owner = admin(&world, "owner").await;
        let said = fails(&world, &["setting", "set", "limits.login_free_failures", "3"]);
        assert!(said.contains(variable), "{said}");
        let page = owner.page("/admin/settings").await;
        assert!(!page.has("[name=limits-login_free_failures]"));
        assert!(page.text().contains(&format!("fixed by environment variable {variable}")));
        // Its neighbour can be changed all the same.
        let form = page.form("settings-limits").set("limits-address_free_failures", "60");
        assert!(owner.message_after(&form.submit().await).await.contains("saved"));
        let now = world.cli(&["setting", "get", "limits.address_free_failures"]);
        assert_eq!((&now["value"], &now["origin"]), (&json!(60), &json!("database")));
    }
}
