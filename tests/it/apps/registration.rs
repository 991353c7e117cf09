//! Apps that register and look after themselves: who may, what they get, and what they never reach
//! (security catalogue rows B13, G50).

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::checks::assert_error_page;
use crate::kit::fixtures::{ALICE, Bed, Tokens, walk};
use crate::kit::flow::PATIENCE;
use crate::kit::registration::{
    CALLBACK, REGISTER, Registered, assert_refused, clients, open_bed, open_world, register,
    request, send,
};
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// A world in which apps need a token to register.
async fn by_token(backend: Backend) -> Bed {
    let world = World::builder(backend).env("DOORWARD_REGISTRATION__MODE", "token").start().await;
    Bed::new(world, &[]).await
}

fn permission(world: &World, arguments: &[&str]) -> Value {
    world.cli(&[&["registration-token", "create"], arguments].concat())
}

on_both_backends! {
    async fn nobody_registers_where_it_is_not_switched_on(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let permission = permission(&bed.world, &[]);
        let before = clients(bed).await;
        for token in [None, permission["token"].as_str()] {
            let page = register(&bed.world, token, &request(json!({}))).await;
            assert_refused(&page, 403, "access_denied");
        }
        let place = format!("{REGISTER}/conf-basic");
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let body = request(json!({ "client_id": "conf-basic" }));
            let page = send(&bed.world.browser(), (method, &place), (Some("x"), Some(&body))).await;
            assert_refused(&page, 403, "access_denied");
        }
        assert_eq!(clients(bed).await, before);
    }

    async fn a_token_lets_in_as_many_as_it_says_and_no_longer(backend: Backend) {
        let bed = by_token(backend).await;
        let made = permission(&bed.world, &["--max-uses", "3", "--label", "Bench"]);
        let token = made["token"].as_str().expect("a token");
        let revoked = permission(&bed.world, &[]);
        bed.world.cli(&["registration-token", "revoke", revoked["id"].as_str().unwrap()]);
        for bad in [None, Some("nonsense"), revoked["token"].as_str()] {
            let page = register(&bed.world, bad, &request(json!({}))).await;
            assert_refused(&page, 401, "invalid_token");
            assert!(page.header("www-authenticate").starts_with("Bearer "));
        }
        // What is refused for another reason uses nothing up.
        let bad = request(json!({ "redirect_uris": ["javascript:alert(1)"] }));
        assert_refused(&register(&bed.world, Some(token), &bad).await, 400, "invalid_redirect_uri");
        let good = request(json!({}));
        let tries = (0..12).map(|_| register(&bed.world, Some(token), &good));
        let pages = futures_util::future::join_all(tries).await;
        let let_in = pages.iter().filter(|page| page.status.as_u16() == 201).count();
        assert_eq!(let_in, 3, "exactly as many as the token says");
        assert!(pages.iter().all(|page| matches!(page.status.as_u16(), 201 | 401)));
        assert_eq!(clients(&bed).await, 3);
        let listed = bed.world.cli(&["registration-token", "list"]);
        let row = listed["items"].as_array().unwrap().iter().find(|row| row["id"] == made["id"]);
        let row = row.expect("the token is listed");
        assert_eq!((&row["uses"], &row["label"]), (&json!(3), &json!("Bench")));
        assert!(!listed.to_string().contains(token), "a token is shown once");
        expire(&bed, &made).await;
        bed.world.assert_log_is_clean(&[token]);
    }

    async fn a_registration_token_is_for_one_client_until_it_is_replaced(backend: Backend) {
        let bed = open_bed(backend).await;
        let (a, b) = (
            Registered::new(&bed.world, json!({})).await,
            Registered::new(&bed.world, json!({})).await,
        );
        let body = b.replacement(json!({ "client_name": "Taken over" }));
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let body = (method == Method::PUT).then_some(&body);
            let page = b.manage_with(a.token(), method.clone(), body).await;
            assert_refused(&page, 401, "invalid_token");
            let page = send(b.rp.bare(), (method, b.place()), (None, body)).await;
            assert_refused(&page, 401, "invalid_token");
        }
        let renamed = b.replacement(json!({ "client_name": "Renamed" }));
        let changed = b.manage(Method::PUT, Some(&renamed)).await;
        changed.assert_status(200);
        let new_token = changed.json()["registration_access_token"].as_str().unwrap().to_owned();
        assert_ne!(new_token, b.token());
        for method in [Method::GET, Method::PUT, Method::DELETE] {
            let page = b.manage_with(b.token(), method, Some(&body)).await;
            assert_refused(&page, 401, "invalid_token");
        }
        let read = b.manage_with(&new_token, Method::GET, None).await;
        assert_eq!(read.assert_status(200).json()["client_name"], "Renamed");
        // Clients that never registered themselves are nobody's to manage.
        let place = format!("{REGISTER}/conf-basic");
        let page = send(a.rp.bare(), (Method::DELETE, &place), (Some(a.token()), None)).await;
        assert_refused(&page, 401, "invalid_token");
    }

    async fn of_two_changes_at_once_with_one_token_one_is_made(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({})).await;
        let bodies: Vec<_> =
            (0..8).map(|n| app.replacement(json!({ "client_name": format!("Name {n}") }))).collect();
        let tries = bodies.iter().map(|body| app.manage(Method::PUT, Some(body)));
        let pages = futures_util::future::join_all(tries).await;
        let made: Vec<_> = pages.iter().filter(|page| page.status.as_u16() == 200).collect();
        assert_eq!(made.len(), 1, "{:?}", pages.iter().map(|page| page.status).collect::<Vec<_>>());
        let answer = made[0].json();
        let token = answer["registration_access_token"].as_str().unwrap();
        let read = app.manage_with(token, Method::GET, None).await;
        assert_eq!(read.json()["client_name"], answer["client_name"]);
    }

    async fn a_change_replaces_everything_and_only_what_is_the_clients_own(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({ "tos_uri": "https://rp.test/tos" })).await;
        for (changes, error) in [
            (json!({ "client_id": "conf-basic" }), "invalid_client_metadata"),
            (json!({ "client_secret": "chosen-by-the-client-itself-0123456789" }), "invalid_client_metadata"),
            (json!({ "registration_access_token": "x" }), "invalid_client_metadata"),
            (json!({ "client_id_issued_at": 1 }), "invalid_client_metadata"),
            (json!({ "redirect_uris": ["http://rp.test/cb"] }), "invalid_redirect_uri"),
            (json!({ "redirect_uris": [] }), "invalid_redirect_uri"),
        ] {
            let page = app.manage(Method::PUT, Some(&app.replacement(changes))).await;
            assert_refused(&page, 400, error);
        }
        let mut body = app.replacement(json!({ "redirect_uris": ["https://rp.test/new"] }));
        body.as_object_mut().unwrap().remove("tos_uri");
        let page = app.manage(Method::PUT, Some(&body)).await;
        let told = page.assert_status(200).json();
        assert_eq!(told["redirect_uris"], json!(["https://rp.test/new"]));
        assert_eq!(told.get("tos_uri"), None, "what is left out is gone");
        assert_eq!(told.get("client_secret"), None, "the secret stays");
        let mut moved = app.rp.clone();
        moved.redirect_uri = "https://rp.test/new".into();
        moved.tokens(&bed.world.browser(), &ALICE, &[]).await;
        assert_error_page(&app.rp.authorize(&bed.world.browser(), &[]).await);
    }

    async fn a_client_may_become_confidential_and_public_again(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({ "token_endpoint_auth_method": "none" })).await;
        assert_eq!(app.json.get("client_secret"), None);
        assert_eq!(app.json.get("client_secret_expires_at"), None);
        let body = app.replacement(json!({ "token_endpoint_auth_method": "client_secret_post" }));
        let page = app.manage(Method::PUT, Some(&body)).await;
        let told = page.assert_status(200).json();
        assert_eq!(told["client_secret_expires_at"], 0);
        let mut confidential = app.rp.clone();
        confidential.auth = crate::kit::fixtures::Auth::Post;
        confidential.secret = told["client_secret"].as_str().map(ToOwned::to_owned);
        confidential.tokens(&bed.world.browser(), &ALICE, &[]).await;
        let token = told["registration_access_token"].as_str().unwrap();
        let page = app.manage_with(token, Method::PUT, Some(&app.replacement(json!({})))).await;
        page.assert_status(200);
        let code = app.rp.code(&bed.world.browser(), &ALICE, &[]).await;
        confidential.redeem(&code).await.assert_oauth_error(401, "invalid_client");
        app.rp.redeem(&code).await.assert_status(200);
    }

    async fn people_are_asked_again_when_a_self_made_app_changes_its_face(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({})).await;
        let browser = bed.world.browser();
        let tokens = app.rp.tokens(&browser, &ALICE, &[]).await;
        let silent = app.rp.authorize(&browser, &[("prompt", "none")]).await;
        assert!(silent.location_parameter("code").is_some(), "consent is remembered");
        let code = app.rp.code(&browser, &ALICE, &[]).await;
        let body = app.replacement(json!({ "client_name": "Your bank" }));
        app.manage(Method::PUT, Some(&body)).await.assert_status(200);
        // What people gave the old app is not the new one's.
        crate::kit::checks::assert_dead(&app.rp, &tokens).await;
        app.rp.redeem(&code).await.assert_oauth_error(400, "invalid_grant");
        let silent = app.rp.authorize(&browser, &[("prompt", "none")]).await;
        assert_eq!(silent.location_parameter("error").as_deref(), Some("consent_required"));
        let page = app.rp.authorize(&browser, &[]).await.follow_within().await;
        assert!(page.has_form("consent") && page.has(".notice.warning"));
        let anew = app.rp.tokens(&browser, &ALICE, &[]).await;
        crate::kit::checks::assert_alive(&app.rp, &anew.access).await;
    }

    async fn people_are_always_asked_for_a_self_made_app(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({ "consent": "skip" })).await;
        let update = ["client", "update", &app.rp.id, "--skip-consent"];
        let refused = bed.world.run(&update);
        assert!(!refused.status.success(), "not even an administrator can excuse it");
        let browser = bed.signed_in(&ALICE).await;
        let page = app.rp.authorize(&browser, &[]).await.follow_within().await;
        assert!(page.has_form("consent"), "{}", page.describe());
        assert!(page.text().contains("added itself"), "{}", page.text());
    }

    async fn an_administrator_can_switch_a_self_made_app_off(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({})).await;
        let browser = bed.world.browser();
        let tokens = app.rp.tokens(&browser, &ALICE, &[]).await;
        let shown = bed.world.cli(&["client", "show", &app.rp.id]);
        assert_eq!(shown["origin"], "dynamic");
        bed.world.cli(&["client", "update", &app.rp.id, "--disable"]);
        wait_until_async("the app being off", PATIENCE, async || {
            app.manage(Method::GET, None).await.status == 403
        })
        .await;
        let read = app.manage(Method::GET, None).await;
        assert_refused(&read, 403, "access_denied");
        assert_refused(&app.manage(Method::DELETE, None).await, 403, "access_denied");
        let refresh = app.rp.refresh(tokens.refresh.as_deref().unwrap()).await;
        assert!(refresh.status.is_client_error(), "{}", refresh.describe());
    }

    async fn a_deleted_client_takes_its_tokens_with_it(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({})).await;
        let tokens = app.rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
        app.manage(Method::DELETE, None).await.assert_status(204);
        app.rp.userinfo(&tokens.access).await.assert_oauth_error(401, "invalid_token");
        let refresh = app.rp.refresh(tokens.refresh.as_deref().unwrap()).await;
        refresh.assert_oauth_error(401, "invalid_client");
        app.manage(Method::DELETE, None).await.assert_status(401);
    }

    async fn open_registration_is_slowed_down_and_bounded(backend: Backend) {
        let world = open_world(backend).env("DOORWARD_REGISTRATION__OPEN_PER_HOUR", "3");
        let bed = Bed::new(world.start().await, &[]).await;
        for _ in 0..3 {
            register(&bed.world, None, &request(json!({}))).await.assert_status(201);
        }
        let page = register(&bed.world, None, &request(json!({}))).await;
        assert_refused(&page, 429, "temporarily_unavailable");
        assert!(page.header("retry-after").parse::<u32>().is_ok());
        let permission = permission(&bed.world, &[]);
        let token = permission["token"].as_str();
        register(&bed.world, token, &request(json!({}))).await.assert_status(201);
        assert_eq!(clients(&bed).await, 4);

        let world = open_world(backend).env("DOORWARD_REGISTRATION__MAX_CLIENTS", "2");
        let bed = Bed::new(world.start().await, &["conf-basic"]).await;
        for _ in 0..2 {
            register(&bed.world, None, &request(json!({}))).await.assert_status(201);
        }
        let page = register(&bed.world, None, &request(json!({}))).await;
        assert_refused(&page, 403, "access_denied");
        assert_eq!(clients(&bed).await, 3);
    }

    async fn scripts_of_any_origin_may_register_without_cookies(backend: Backend) {
        let bed = open_bed(backend).await;
        let browser = bed.world.browser();
        let url = browser.resolve(REGISTER);
        let preflight = browser.request(Method::OPTIONS, &url).header("Origin", "https://spa.test");
        let page = browser.send(preflight).await;
        page.assert_status(204).assert_header("access-control-allow-origin", "*");
        assert!(page.header("access-control-allow-methods").contains("POST"));
        page.assert_no_header("access-control-allow-credentials");
        let asked = browser.request(Method::POST, &url).header("Origin", "https://spa.test");
        let page = browser.send(asked.json(&request(json!({})))).await;
        page.assert_status(201).assert_header("access-control-allow-origin", "*");
        page.assert_no_header("access-control-allow-credentials");
    }

    async fn an_app_gets_no_more_than_strangers_may_have(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({
            "grant_types": ["authorization_code", "client_credentials", "implicit", "refresh_token"],
            "scope": "openid email admin:everything", "audience": ["https://payments.test"],
            "access_token_lifetime": 3600, "kind": "machine", "pkce": "optional",
            "authorization_details_types": ["payment_initiation", "account_information"],
        }))
        .await;
        assert_eq!(app.json["grant_types"], json!(["authorization_code", "refresh_token"]));
        assert_eq!(app.json["scope"], "openid email");
        assert_eq!(app.json["authorization_details_types"], json!(["account_information"]));
        let payment = json!([{ "type": "payment_initiation" }]).to_string();
        let asked = [("authorization_details", payment.as_str())];
        let page = app.rp.authorize(&bed.world.browser(), &asked).await;
        let error = page.location_parameter("error");
        assert_eq!(error.as_deref(), Some("invalid_authorization_details"));
        let fields = [("grant_type", "client_credentials")];
        app.rp.token_request(&fields).await.assert_oauth_error(400, "unauthorized_client");
        let greedy = [("scope", "openid admin:everything")];
        let page = app.rp.authorize(&bed.world.browser(), &greedy).await;
        let page = walk(page, &ALICE).await;
        let code = page.location_parameter("code").expect("a code");
        let tokens = Tokens::of(&app.rp.redeem(&code).await);
        assert_eq!(tokens.json["scope"], "openid");
        assert_eq!(tokens.json["expires_in"], 600);
    }
}

/// Moves a registration token's end into the past; nobody is let in with it then.
async fn expire(bed: &Bed, made: &Value) {
    let fresh = permission(&bed.world, &[]);
    let store = bed.store().await;
    let sql = "update registration_tokens set expires_at = 1 where id = $1";
    store.db.query(sql).bind(fresh["id"].as_str().unwrap()).execute().await.expect("an update");
    store.db.close().await;
    assert_ne!(fresh["id"], made["id"]);
    let page = register(&bed.world, fresh["token"].as_str(), &request(json!({}))).await;
    assert_refused(&page, 401, "invalid_token");
    assert_eq!(page.json().get("redirect_uris"), None, "{CALLBACK}");
}
