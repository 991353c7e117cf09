//! Registration tokens and the registration access of apps in the console: made with a plain form, shown
//! once, used, revoked; ended for one app. Who may not, does not.

use reqwest::Method;
use serde_json::json;

use crate::kit::api::{Api, all_scopes, is};
use crate::kit::audit::{events, noted};
use crate::kit::console::{Admin, admin, create, csrf_on, field, manager, post, state};
use crate::kit::flow::{PASSWORD, count, sign_in};
use crate::kit::registration::{Registered, assert_refused, register, request};
use crate::support::backends::Backend;
use crate::support::world::World;

const TOKENS: &str = "/admin/registration-tokens";
const HOSTILE: &str = "\"><script>alert(1)</script>\u{202e}x";

/// A world in which apps need a token to register.
async fn by_token(backend: Backend) -> World {
    World::builder(backend).env("DOORWARD_REGISTRATION__MODE", "token").start().await
}

/// Makes a token with the form; gives what it is.
async fn make(owner: &Admin, label: &str, max_uses: &str) -> String {
    let form = owner.page(&format!("{TOKENS}/new")).await.form("registration-token");
    let made = form.set("label", label).set("max_uses", max_uses).submit().await;
    made.assert_status(200);
    field(&made, "registration-token")
}

/// An app that registered itself with a token of its own.
async fn registered(world: &World) -> Registered {
    let made = world.cli(&["registration-token", "create", "--label", "Bench"]);
    let page = register(world, made["token"].as_str(), &request(json!({}))).await;
    Registered::of(world, &page)
}

on_both_backends! {
    async fn a_token_is_made_used_and_revoked(backend: Backend) {
        let world = by_token(backend).await;
        let owner = admin(&world, "owner").await;
        assert!(owner.page("/admin/clients").await.attributes("main a", "href").contains(&TOKENS.to_owned()));
        let empty = owner.page(TOKENS).await;
        assert!(empty.text().contains("There are no tokens."), "{}", empty.text());
        let form = owner.page(&format!("{TOKENS}/new")).await.form("registration-token");
        assert_eq!((form.value("max_uses"), form.value("days")), (Some("1"), Some("7")));
        let form = form.set("label", " Test bench ").set("max_uses", "2").set("days", "30");
        let made = form.submit().await;
        made.assert_status(200);
        let token = field(&made, "registration-token");
        assert_eq!(field(&made, "endpoint"), format!("{}/oauth2/register", world.issuer));
        assert!(made.text().contains("Up to 2 apps"), "{}", made.text());
        register(&world, Some(&token), &request(json!({}))).await.assert_status(201);

        let list = owner.page(TOKENS).await;
        let row = list.texts("tbody tr").join(" ");
        for part in ["Test bench", "Works", "1 of 2"] {
            assert!(row.contains(part), "{part}: {row}");
        }
        assert!(!list.body.contains(&token), "shown once");
        let question = list.attributes("tbody .act a", "href")[0].clone();
        let page = owner.page(&question).await;
        assert!(page.text().contains("The 1 of 2 that were stay as they are."), "{}", page.text());
        let done = page.form_to(&question).submit().await;
        assert_eq!(owner.message_after(&done).await, "Test bench is revoked.");
        // Not a moment longer, though it had a use left.
        let late = register(&world, Some(&token), &request(json!({}))).await;
        assert_refused(&late, 401, "invalid_token");
        let list = owner.page(TOKENS).await;
        assert!(list.texts("tbody tr")[0].contains("Revoked") && !list.has("tbody .act a"));
        // Once more does nothing and says so.
        let again = owner.post(&question, &[]).await;
        assert_eq!(owner.message_after(&again).await, "This token works no more.");
        let again = owner.browser.get(&question).await;
        assert_eq!(owner.message_after(&again).await, "This token works no more.");
        for kind in ["registration_token.created", "registration_token.revoked"] {
            assert_eq!(events(&world, kind).await, 1, "{kind}");
        }
        assert_eq!(noted(&world, "registration_token.created")[0]["label"], "Test bench");
        // Nowhere else: not with the app, not in the log, not among what happened.
        let audit = world.cli(&["audit", "list", "--limit", "1000"]).to_string();
        assert!(!audit.contains(&token), "{audit}");
        let listed = world.cli(&["registration-token", "list"]).to_string();
        assert!(!listed.contains(&token), "{listed}");
        world.assert_log_is_clean(&[&token, PASSWORD]);
    }

    async fn what_makes_no_token_is_said_at_its_field_and_nothing_typed_is_lost(backend: Backend) {
        let world = by_token(backend).await;
        let owner = admin(&world, "owner").await;
        let long = "x".repeat(101);
        for (label, max_uses, days, wrong) in [
            (&*long, "1", "7", "label"), (HOSTILE, "1", "7", "label"), ("two\nlines", "1", "7", "label"),
            ("x", "", "7", "max_uses"), ("x", "0", "7", "max_uses"), ("x", "-1", "7", "max_uses"),
            ("x", "100001", "7", "max_uses"), ("x", "many", "7", "max_uses"),
            ("x", "1", "", "days"), ("x", "1", "0", "days"), ("x", "1", "367", "days"),
            ("x", "1", "99999999999999999999", "days"),
        ] {
            let fields = [("label", label), ("max_uses", max_uses), ("days", days)];
            let page = owner.post(TOKENS, &fields).await;
            page.assert_status(422);
            assert_eq!(page.attributes(&format!("#{wrong}"), "aria-invalid").len(), 1, "{wrong}: {}", page.text());
            assert!(!page.body.contains("<script>alert"), "{}", page.body);
            let form = page.form("registration-token");
            assert_eq!((form.value("max_uses"), form.value("days")), (Some(max_uses), Some(days)));
        }
        assert_eq!(count(&world, "select count(*) from registration_tokens").await, 0);
        owner.browser.get(&format!("{TOKENS}/none/revoke")).await.assert_status(404);
        owner.post(&format!("{TOKENS}/none/revoke"), &[]).await.assert_status(404);
    }

    async fn the_list_goes_on_behind_its_end_and_says_why_a_token_works_no_more(backend: Backend) {
        let world = by_token(backend).await;
        let owner = admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        for n in 0..26 {
            is(api.post("/registration-tokens", &json!({ "label": format!("bench {n}") })).await, 201);
        }
        let used = make(&owner, "", "1").await;
        register(&world, Some(&used), &request(json!({}))).await.assert_status(201);
        let first = owner.page(TOKENS).await;
        let rows = first.texts("tbody tr");
        assert_eq!(rows.len(), 25);
        assert!(rows[0].contains("Without a label") && rows[0].contains("Used up"), "{}", rows[0]);
        assert!(rows[1].contains("bench 25") && rows[1].contains("Works"), "{}", rows[1]);
        let next = first.attributes("nav.pages a[rel=next]", "href")[0].clone();
        let second = owner.page(&format!("{TOKENS}{next}")).await.texts("tbody tr");
        assert_eq!(second.len(), 2, "{second:?}");
        assert!(second[1].contains("bench 0"), "{second:?}");
    }

    async fn where_no_app_may_register_itself_the_pages_say_so(world: World) {
        let owner = admin(&world, "owner").await;
        for page in [TOKENS.to_owned(), format!("{TOKENS}/new")] {
            let page = owner.page(&page).await;
            assert!(page.text().contains("No app can register itself here now"), "{}", page.text());
        }
        let token = make(&owner, "For later", "1").await;
        let page = register(&world, Some(&token), &request(json!({}))).await;
        assert_refused(&page, 403, "access_denied");
    }

    async fn an_app_loses_its_registration_access_and_nothing_else(backend: Backend) {
        let world = by_token(backend).await;
        let owner = admin(&world, "owner").await;
        let app = registered(&world).await;
        let path = format!("/admin/clients/{}", app.rp.id);
        let (ask, label) = (format!("{path}/revoke-registration"), "Registration access");
        let page = owner.page(&path).await;
        assert!(page.texts(".facts dt").iter().any(|fact| fact == label), "{}", page.describe());
        assert!(page.attributes(".toolbar a", "href").contains(&ask), "{}", page.describe());
        app.manage(Method::GET, None).await.assert_status(200);

        let done = owner.page(&ask).await.form_to(&ask).submit().await;
        assert_eq!(owner.message_after(&done).await, "Self-made can change itself no more.");
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let body = app.replacement(json!({ "client_name": "Mine again" }));
            assert_refused(&app.manage(method, Some(&body)).await, 401, "invalid_token");
        }
        let page = owner.page(&path).await;
        assert!(page.text().contains("Ended: it can change itself no more"), "{}", page.describe());
        assert!(!page.attributes(".toolbar a", "href").contains(&ask), "{}", page.describe());
        let late = owner.browser.get(&ask).await;
        assert!(owner.message_after(&late).await.contains("has ended before"));
        // Twice is once.
        owner.post(&ask, &[]).await.assert_status(303);
        assert_eq!(events(&world, "client.registration_revoked").await, 1);
        // Its secret still works, and administrators still change it.
        world.cli(&["client", "update", &app.rp.id, "--name", "Renamed"]);
        assert!(owner.page(&path).await.text().contains("Renamed"));
        world.assert_log_is_clean(&[app.token(), PASSWORD]);
    }

    async fn an_app_that_an_administrator_made_has_no_such_access(backend: Backend) {
        let world = by_token(backend).await;
        let owner = admin(&world, "owner").await;
        let (id, _) = owner.add_app("Wiki").await;
        let path = format!("/admin/clients/{id}");
        let page = owner.page(&path).await;
        assert!(!page.text().contains("egistration access"), "{}", page.describe());
        let ask = format!("{path}/revoke-registration");
        for method in ["GET", "POST"] {
            let answer = match method {
                "GET" => owner.browser.get(&ask).await,
                _ => owner.post(&ask, &[]).await,
            };
            let said = owner.message_after(&answer).await;
            assert!(said.starts_with("This app did not register itself"), "{method}: {said}");
        }
        owner.browser.get("/admin/clients/nobody/revoke-registration").await.assert_status(404);
        assert_eq!(events(&world, "client.registration_revoked").await, 0);
    }

    async fn whoever_may_not_change_apps_gets_no_token_and_ends_none(backend: Backend) {
        let world = by_token(backend).await;
        let owner = admin(&world, "owner").await;
        let secret = make(&owner, "Bench", "3").await;
        let app = registered(&world).await;
        let revoke = owner.page(TOKENS).await.attributes("tbody .act a", "href").pop().expect("a link");
        let end = format!("/admin/clients/{}/revoke-registration", app.rp.id);
        let keeper = manager(&world, &["crew"]).await;
        let auditor = admin(&world, "auditor").await;
        create(&world, "paul", None);
        let plain = sign_in(&world, "paul").await;
        let before = state(&world).await;
        let fields = [("label", "Mine"), ("max_uses", "1"), ("days", "7")];
        let seen = auditor.page(TOKENS).await;
        assert!(seen.text().contains("Bench") && !seen.has("main form, main .act, main .head a"), "{}", seen.body);
        assert!(!seen.body.contains(&secret));
        assert!(!auditor.page(&format!("/admin/clients/{}", app.rp.id)).await.has("main .toolbar"));
        keeper.browser.get(TOKENS).await.assert_status(403);
        for who in [&auditor, &keeper] {
            for page in [format!("{TOKENS}/new"), revoke.clone(), end.clone()] {
                who.browser.get(&page).await.assert_status(403);
            }
            who.post(TOKENS, &fields).await.assert_status(403);
            who.post(&revoke, &[]).await.assert_status(403);
            who.post(&end, &[]).await.assert_status(403);
        }
        let csrf = csrf_on(&plain.get("/account").await);
        let nothing: &[(&str, &str)] = &[];
        for (path, fields) in [(TOKENS, &fields[..]), (&*revoke, nothing), (&*end, nothing)] {
            plain.get(path).await.assert_status(403);
            let fields = [&[("csrf", csrf.as_str())], fields].concat();
            post(&plain, path, &fields).await.assert_status(403);
        }
        // Neither does a form of somebody else's page.
        let forged = owner.browser.request(Method::POST, &owner.browser.resolve(TOKENS));
        owner.browser.send(forged.form(&fields)).await.assert_status(403);
        assert_eq!(state(&world).await, before);
        assert_eq!(count(&world, "select count(*) from registration_tokens where revoked_at is null").await, 2);
        app.manage(Method::GET, None).await.assert_status(200);
        // An operator, who makes apps anyway, may.
        let operator = admin(&world, "operator").await;
        make(&operator, "Theirs", "1").await;
        operator.post(&revoke, &[]).await.assert_status(303);
        let late = register(&world, Some(&secret), &request(json!({}))).await;
        assert_refused(&late, 401, "invalid_token");
        assert!(auditor.page(TOKENS).await.text().contains("Theirs"));
    }
}
