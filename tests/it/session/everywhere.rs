//! Signing out everywhere and everywhere else: by the person, by an administrator and by a command, and
//! against sign-ins and refreshes that happen at the same moment.

use futures_util::future::join_all;
use serde_json::json;

use crate::kit::console;
use crate::kit::flow::{
    App, PASSWORD, PATIENCE, Tokens, count, execute, forget_copies, is_signed_in, sign_in,
    submit_sign_in,
};
use crate::kit::logout::{Told, somebody, token_of, verified};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{TlsPeer, reachable};
use crate::support::world::World;

const OFFLINE: [(&str, &str); 1] = [("scope", "openid offline_access")];
const PATH: &str = "/account/sign-out";

/// A world whose apps can be told of sign-outs.
async fn world(backend: Backend) -> World {
    reachable(World::builder(backend), &[TlsPeer::shared()]).start().await
}

/// Answers the question of the account page.
async fn answer(browser: &Browser, reach: &str, connections: bool) -> Page {
    let form = browser.get(PATH).await.form("sign-out-elsewhere");
    let form = if connections { form.check("connections", "on") } else { form };
    form.press("reach", reach).submit().await
}

async fn audited(world: &World, kind: &str) -> i64 {
    let sql = "select cast(count(*) as bigint) from audit_events where kind =";
    count(world, &format!("{sql} '{kind}'")).await
}

/// What one browser of a person holds.
struct Device {
    browser: Browser,
    bound: Tokens,
    offline: Tokens,
}

async fn device(app: &App, browser: Browser) -> Device {
    let bound = app.tokens(&browser).await;
    let offline = app.tokens_with(&browser, &OFFLINE).await;
    Device { browser, bound, offline }
}

on_both_backends! {
    async fn everywhere_else_spares_this_browser_and_what_stays_by_itself(backend: Backend) {
        let world = world(backend).await;
        let told = Told::register(&world, &[]);
        let (name, browser) = somebody(&world).await;
        let here = device(&told.app, browser).await;
        let there = device(&told.app, sign_in(&world, &name).await).await;
        let (stranger, foreign) = somebody(&world).await;
        let theirs = device(&told.app, foreign).await;

        let page = here.browser.get(PATH).await;
        page.assert_status(200).assert_page_headers();
        assert!(page.text().contains("on 1 other"), "{}", page.text());
        let done = answer(&here.browser, "elsewhere", false).await;
        // At once: the answer comes after the revocation is true.
        told.app.assert_dead(&there.bound).await;
        assert!(!is_signed_in(&there.browser).await);
        assert!(is_signed_in(&here.browser).await);
        for alive in [&here.bound, &here.offline, &there.offline, &theirs.bound] {
            told.app.assert_alive(alive).await;
        }
        assert!(is_signed_in(&theirs.browser).await, "{stranger} is somebody else");
        let page = done.follow().await;
        assert!(page.text().contains("You are signed out everywhere else."), "{}", page.text());
        // The app is told of the session that ended, and of no other.
        let heard = told.hears(1).await;
        let claims = verified(&world, &token_of(&heard[0]), jsonwebtoken::Algorithm::RS256).await;
        assert_eq!(claims["sid"].as_str().unwrap(), sid(&there.bound));
        told.settled(&world).await;
        assert_eq!(told.heard().len(), 1);
        assert_eq!(audited(&world, "user.signed_out_elsewhere").await, 1);

        // Once more, with what stays by itself; nothing else is left to end.
        answer(&here.browser, "elsewhere", true).await.assert_status(303);
        for dead in [&here.offline, &there.offline] {
            told.app.assert_dead(dead).await;
        }
        told.app.assert_alive(&here.bound).await;
        assert!(is_signed_in(&here.browser).await);
        told.app.assert_alive(&theirs.offline).await;
    }

    async fn everywhere_ends_this_browser_too_and_leaves_no_cookie(backend: Backend) {
        let world = world(backend).await;
        let told = Told::register(&world, &[]);
        let (name, browser) = somebody(&world).await;
        let here = device(&told.app, browser).await;
        let there = device(&told.app, sign_in(&world, &name).await).await;
        let code = told.app.code(&there.browser).await;
        let (copy, done) = (here.browser.copy(), answer(&here.browser, "everywhere", false).await);
        done.assert_status(200).assert_page_headers();
        assert!(done.text().contains("signed out"), "{}", done.text());
        assert_eq!(here.browser.cookie(crate::kit::flow::SESSION_COOKIE), None);
        for browser in [&here.browser, &there.browser, &copy] {
            assert!(!is_signed_in(browser).await);
        }
        for device in [&here, &there] {
            told.app.assert_dead(&device.bound).await;
            told.app.assert_alive(&device.offline).await;
        }
        told.app.redeem(&code).await.assert_error(400, "invalid_grant");
        told.hears(2).await;
        assert_eq!(audited(&world, "user.signed_out_everywhere").await, 1);
        // The account works as before, and now everything ends.
        let again = device(&told.app, sign_in(&world, &name).await).await;
        answer(&again.browser, "everywhere", true).await.assert_status(200);
        for tokens in [&again.bound, &again.offline, &here.offline, &there.offline] {
            told.app.assert_dead(tokens).await;
        }
        world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn only_this_sessions_own_form_counts_and_only_soon_after_a_sign_in(world: World) {
        let app = App::register(&world, "app", &[]);
        let (name, browser) = somebody(&world).await;
        let there = device(&app, sign_in(&world, &name).await).await;
        let csrf = browser.get(PATH).await.form("sign-out-elsewhere").value("csrf").map(str::to_owned);
        let csrf = csrf.expect("a token");
        let foreign = console::csrf_on(&there.browser.get("/account").await);
        for token in ["", "x", &foreign] {
            let fields = [("reach", "everywhere"), ("csrf", token)];
            browser.post(PATH, &fields).await.assert_status(403);
        }
        for fields in [&[("csrf", csrf.as_str())][..], &[("csrf", &csrf), ("reach", "nowhere")],
            &[("csrf", &csrf), ("reach", "elsewhere"), ("reach", "everywhere")]] {
            browser.post(PATH, fields).await.assert_status(400);
        }
        let nobody = world.browser();
        assert_eq!(nobody.get(PATH).await.location().path(), "/login");
        browser.get(&format!("{PATH}?reach=everywhere&csrf={csrf}")).await.assert_status(200);
        app.assert_alive(&there.bound).await;

        // Whoever finds the browser open an hour later has to know the password.
        execute(&world, "update sessions set auth_time = auth_time - 3600").await;
        forget_copies(&world).await;
        let again = |page: &Page| page.location().query() == Some("next=sign-out");
        wait_until_async("the copies being distrusted", PATIENCE, async || {
            browser.get(PATH).await.try_location().is_some()
        })
        .await;
        let fields = [("reach", "elsewhere"), ("csrf", csrf.as_str())];
        let (asked, posted) = (browser.get(PATH).await, browser.post(PATH, &fields).await);
        assert!(again(&asked) && again(&posted), "{}", posted.describe());
        app.assert_alive(&there.bound).await;
        let form = asked.follow().await;
        assert!(form.text().contains("Signing out elsewhere asks"), "{}", form.text());
        let done = form.form("sign-in").set("password", PASSWORD).submit().await;
        assert_eq!(done.location().path(), PATH);
        answer(&browser, "elsewhere", false).await.assert_status(303);
        app.assert_dead(&there.bound).await;
    }

    async fn an_administrator_ends_one_session_or_everything(world: World) {
        let app = App::register(&world, "app", &[]);
        let owner = console::admin(&world, "owner").await;
        let id = console::create(&world, "grace", None);
        let one = device(&app, sign_in(&world, "grace").await).await;
        let two = device(&app, sign_in(&world, "grace").await).await;
        let page = owner.page(&format!("/admin/users/{id}")).await;
        let newest = console::sessions_on(&page).swap_remove(0);
        page.form_to(&format!("/admin/sessions/{newest}/end")).submit().await.assert_status(303);
        app.assert_dead(&two.bound).await;
        app.assert_alive(&one.bound).await;

        let path = format!("/admin/users/{id}/sign-out");
        let question = owner.page(&path).await;
        assert!(question.text().contains("1 device"), "{}", question.text());
        let done = question.form_to(&path).submit().await;
        assert_eq!(owner.message_after(&done).await, "grace is signed out everywhere.");
        app.assert_dead(&one.bound).await;
        app.assert_alive(&one.offline).await;
        let form = owner.page(&path).await.form_to(&path).check("connections", "on");
        form.submit().await.assert_status(303);
        for tokens in [&one.offline, &two.offline] {
            app.assert_dead(tokens).await;
        }
        assert_eq!(audited(&world, "user.signed_out_everywhere").await, 2);
        assert!(console::can_sign_in(&world, "grace", PASSWORD).await);
        owner.page(&format!("/admin/users/{id}")).await;
    }

    async fn commands_list_sessions_and_end_them(world: World) {
        let app = App::register(&world, "app", &[]);
        let one = device(&app, somebody(&world).await.1).await;
        let (name, browser) = somebody(&world).await;
        let two = device(&app, browser).await;
        let three = device(&app, sign_in(&world, &name).await).await;

        let all = world.cli(&["session", "list"]);
        assert_eq!(all["items"].as_array().unwrap().len(), 3, "{all}");
        let theirs = world.cli(&["session", "list", "--user", &name]);
        let items = theirs["items"].as_array().unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0]["id"], sid(&three.bound), "the newest first");
        assert_eq!((&items[0]["username"], &items[0]["apps"]), (&json!(name), &json!(["app"])));
        // Page by page.
        let first = world.cli(&["session", "list", "--limit", "2"]);
        let next = first["next"].as_str().expect("a place to go on");
        let rest = world.cli(&["session", "list", "--after", next]);
        assert_eq!(rest["items"].as_array().unwrap().len(), 1);
        assert_eq!(rest["items"][0]["id"], sid(&one.bound));
        assert_eq!(rest["next"], json!(null));

        let id = items[0]["id"].as_str().unwrap();
        assert_eq!(world.cli(&["session", "revoke", id])["sessions"], 1);
        app.wait_until_dead(&three.bound).await;
        app.assert_alive(&two.bound).await;
        assert_eq!(world.run(&["session", "revoke", id]).status.code(), Some(1));
        let ended = world.cli(&["session", "revoke", "--user", &name]);
        assert_eq!((&ended["sessions"], &ended["connections"]), (&json!(1), &json!(0)));
        app.wait_until_dead(&two.bound).await;
        app.assert_alive(&two.offline).await;
        let ended = world.cli(&["session", "revoke", "--user", &name, "--all"]);
        assert_eq!((&ended["sessions"], &ended["connections"]), (&json!(0), &json!(2)));
        for tokens in [&two.offline, &three.offline] {
            app.wait_until_dead(tokens).await;
        }
        app.assert_alive(&one.bound).await;
        for (wrong, code) in [
            (&["session", "revoke"][..], 2),
            (&["session", "revoke", "--all"], 2),
            (&["session", "revoke", "x", "--user", "y"], 2),
            (&["session", "revoke", "--user", "nobody"], 1),
            (&["session", "list", "--user", "nobody"], 1),
            (&["session", "list", "--after", "here"], 1),
        ] {
            assert_eq!(world.run(wrong).status.code(), Some(code), "{wrong:?}");
        }
    }

    async fn signing_out_where_nothing_is_left_writes_nothing(world: World) {
        let app = App::register(&world, "app", &[]);
        let (name, browser) = somebody(&world).await;
        let there = device(&app, sign_in(&world, &name).await).await;
        let number = "select revocations from sync_state";
        let kind = "user.signed_out_elsewhere";
        answer(&browser, "elsewhere", true).await.assert_status(303);
        app.assert_dead(&there.bound).await;
        let before = count(&world, number).await;
        assert_eq!(audited(&world, kind).await, 1);
        for connections in [true, false, true] {
            answer(&browser, "elsewhere", connections).await.assert_status(303);
        }
        assert_eq!(count(&world, number).await, before, "no node has anything to look at");
        assert_eq!(audited(&world, kind).await, 1);
        assert!(is_signed_in(&browser).await);
        // What can be there without a row here ends all the same.
        answer(&browser, "everywhere", true).await.assert_status(200);
        assert!(count(&world, number).await > before);
        assert!(!is_signed_in(&browser).await);
    }

    async fn nothing_made_before_the_answer_outlives_it(world: World) {
        let app = App::register(&world, "racer", &[]);
        let (name, _) = somebody(&world).await;
        for round in 0..6 {
            let browser = sign_in(&world, &name).await;
            let held = join_all((0..4).map(|_| app.tokens(&browser))).await;
            let code = app.code(&browser).await;
            let form = browser.get(PATH).await.form("sign-out-elsewhere");
            let form = form.check("connections", "on").press("reach", "everywhere");
            let newcomers: Vec<_> = (0..4).map(|_| world.browser()).collect();
            let sign_ins = join_all(newcomers.iter().map(|b| submit_sign_in(b, &name, PASSWORD)));
            let refreshes = join_all(held.iter().map(|tokens| app.refresh(&tokens.refresh)));
            let (done, answers, successors, redeemed) =
                tokio::join!(form.submit(), sign_ins, refreshes, app.redeem(&code));
            done.assert_status(200);
            // Whatever a refresh or the code gave, before or after, came of what had been made before.
            let given = successors.iter().chain([&redeemed]).filter(|answer| answer.status == 200);
            for tokens in given.map(crate::kit::flow::Answer::tokens).chain(held) {
                app.assert_dead(&tokens).await;
            }
            assert!(!is_signed_in(&browser).await, "round {round}");
            // A sign-in either came too late to be ended, or was ended or refused, and says so.
            for (browser, answer) in newcomers.iter().zip(&answers) {
                let status = answer.status.as_u16();
                assert!([303, 401].contains(&status), "{}", answer.describe());
                let is_in = is_signed_in(browser).await;
                assert!(status == 303 || !is_in, "refused, and yet signed in");
            }
            answer_all(&world, &name, &newcomers).await;
        }
        world.assert_log_is_clean(&[PASSWORD]);
    }
}

/// Signs out whoever is left, so that the next round begins with nobody.
async fn answer_all(world: &World, name: &str, newcomers: &[Browser]) {
    let last = sign_in(world, name).await;
    answer(&last, "everywhere", true).await.assert_status(200);
    for browser in newcomers.iter().chain([&last]) {
        assert!(!is_signed_in(browser).await);
    }
    let live = "select cast(count(*) as bigint) from sessions where revoked_at is null";
    assert_eq!(count(world, live).await, 0);
}

fn sid(tokens: &Tokens) -> String {
    crate::kit::flow::claim(&tokens.id, "sid")
}
