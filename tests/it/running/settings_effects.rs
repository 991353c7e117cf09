//! Settings that are changed while a server runs do what they say: what they are about is tried after each
//! change, with two values where one might be the default.

use std::time::Duration;

use serde_json::json;

use super::settings::wait_for_name;
use crate::kit::answers::payload;
use crate::kit::audit::events;
use crate::kit::flow::{
    App, PASSWORD, PATIENCE, SESSION_COOKIE, count, create_user, http_client, read, sign_in,
    submit_sign_in,
};
use crate::support::browser_like::Page;
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// Sets these, and waits until the server has them: it reads all that changed at once, so once it has the
/// name that is set last, it has the others.
async fn set(world: &World, name: &str, settings: &[(&str, &str)]) {
    for (key, value) in settings {
        world.cli(&["setting", "set", key, value]);
    }
    world.cli(&["setting", "set", "product_name", name]);
    wait_for_name(&world.issuer, name).await;
}

/// Somebody makes an account, with an address at this domain.
async fn signs_up(world: &World, username: &str, domain: &str) -> Page {
    let page = world.browser().get("/login/create").await;
    let form = page.form("sign-up").set("username", username).set("password", PASSWORD);
    form.set("email", &format!("{username}@{domain}")).submit().await
}

/// How long the cookie of a session lasts that is kept on a device, in seconds.
async fn remembered_for(world: &World) -> i64 {
    let page = world.browser().get("/login").await;
    let form = page.form("sign-in").set("username", "alice").set("password", PASSWORD);
    let answer = form.check("remember", "on").submit().await;
    answer.assert_status(303);
    let cookie = answer.set_cookies().into_iter().find(|cookie| cookie.name == SESSION_COOKIE);
    let cookie = cookie.expect("a session cookie");
    cookie.attribute("max-age").parse().expect("seconds")
}

/// For how long a device is given its codes, in seconds.
async fn device_waits(world: &World) -> i64 {
    let asked = http_client().post(world.url("/oauth2/device_authorization"));
    let asked = asked.form(&[("client_id", "tv"), ("scope", "openid")]);
    let codes = read(asked).await.expect("an answer").json();
    codes["expires_in"].as_i64().unwrap_or_else(|| panic!("no lifetime in {codes}"))
}

on_both_backends! {
    async fn tokens_codes_and_remembered_sessions_live_as_long_as_was_set_last(world: World) {
        create_user(&world, "alice");
        world.cli(&["client", "create", "--name", "tv", "--type", "device", "--client-id", "tv"]);
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        for (name, [id, idle, absolute, device, remember]) in [
            ("First turn", [120, 900, 1_200, 300, 172_800]),
            ("Second turn", [240, 600, 3_600, 900, 259_200]),
        ] {
            let text = |seconds: i64| seconds.to_string();
            set(&world, name, &[
                ("tokens.id_token_lifetime", &text(id)),
                ("tokens.refresh_idle", &text(idle)),
                ("tokens.refresh_absolute", &text(absolute)),
                ("tokens.device_code_lifetime", &text(device)),
                ("session.remember", &text(remember)),
            ])
            .await;
            let tokens = app.tokens(&browser).await;
            let claims = payload(&tokens.id);
            let moment = |claim: &str| claims[claim].as_i64().expect("a moment");
            assert_eq!(moment("exp") - moment("iat"), id, "{name}: {claims}");
            let families = format!(
                "select count(*) from refresh_families where idle_expires_at - created_at = {idle} \
                 and expires_at - created_at = {absolute}"
            );
            assert_eq!(count(&world, &families).await, 1, "{name}");
            assert_eq!(device_waits(&world).await, device, "{name}");
            // The session may have begun at the end of one second and the cookie been made in the next.
            let kept = remembered_for(&world).await;
            assert!((remember - 2..=remember).contains(&kept), "{name}: {kept}");
        }
    }

    async fn an_authorization_code_lives_as_long_as_was_set_last(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        let wait = Duration::from_secs(7);
        let code = app.code(&browser).await;
        tokio::time::sleep(wait).await;
        assert_eq!(app.redeem(&code).await.status, 200, "a minute, where nothing is set");
        set(&world, "Short", &[("tokens.authorization_code_lifetime", "5")]).await;
        let code = app.code(&browser).await;
        tokio::time::sleep(wait).await;
        app.redeem(&code).await.assert_error(400, "invalid_grant");
        app.tokens(&browser).await;
    }

    async fn who_may_make_an_account_is_what_was_set_last(world: World) {
        world.cli(&["group", "create", "guests"]);
        set(&world, "Narrow", &[
            ("sign_up.mode", "open"),
            ("sign_up.email_domains", "corp.test"),
            ("sign_up.reserved_usernames", "queen"),
            ("sign_up.groups", "guests"),
            ("sign_up.per_hour", "2"),
        ])
        .await;
        let groups = |username: &str| world.cli(&["user", "show", username])["groups"].clone();
        for (username, domain, field) in
            [("anna", "elsewhere.test", "email"), ("queen", "corp.test", "username")]
        {
            let refused = signs_up(&world, username, domain).await;
            refused.assert_status(422);
            assert!(refused.has(&format!("#{field}[aria-invalid=true]")), "{}", refused.describe());
        }
        // That administrators are called so is no reason any more: the list is another one.
        for username in ["anna", "root"] {
            signs_up(&world, username, "corp.test").await.assert_status(303);
            assert_eq!(groups(username), json!(["guests"]), "{username}");
        }
        signs_up(&world, "berta", "corp.test").await.assert_status(429);
        for key in ["sign_up.email_domains", "sign_up.groups", "sign_up.reserved_usernames"] {
            world.cli(&["setting", "unset", key]);
        }
        set(&world, "Wide", &[("sign_up.per_hour", "1000")]).await;
        for username in ["berta", "queen"] {
            signs_up(&world, username, "elsewhere.test").await.assert_status(303);
            assert_eq!(groups(username), json!([]), "{username}");
        }
        signs_up(&world, "admin", "elsewhere.test").await.assert_status(422);
        assert_eq!(events(&world, "user.signed_up").await, 4);
    }

    async fn a_sign_in_is_judged_by_what_was_set_last(world: World) {
        create_user(&world, "alice");
        let known = sign_in(&world, "alice").await;
        set(&world, "Strict", &[("risk.new_device", "refuse")]).await;
        submit_sign_in(&world.browser(), "alice", PASSWORD).await.assert_status(403);
        // It keeps every cookie but that of the session.
        let place = known.resolve("/");
        known.cookies(|jar| jar.remove(&place, SESSION_COOKIE));
        submit_sign_in(&known, "alice", PASSWORD).await.assert_status(303);
        let lenient = [("risk.new_device", "ignore"), ("risk.burst_failures", "3")];
        set(&world, "Lenient", &lenient).await;
        let browser = world.browser();
        let before = events(&world, "anomaly.found").await;
        submit_sign_in(&browser, "alice", PASSWORD).await.assert_status(303);
        assert_eq!(events(&world, "anomaly.found").await, before + 1, "it is noted all the same");
        let is_burst = || {
            let found = world.cli(&["audit", "list", "--kind", "anomaly.found", "--limit", "20"]);
            found.to_string().contains("failure_burst")
        };
        assert!(!is_burst());
        let guesses = world.browser();
        for _ in 0..3 {
            submit_sign_in(&guesses, "alice", "wrong password on purpose").await.assert_status(401);
        }
        submit_sign_in(&guesses, "alice", PASSWORD).await.assert_status(303);
        wait_until_async("the burst being noted", PATIENCE, async || is_burst()).await;
    }
}
