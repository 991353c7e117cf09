//! The life of an SSO session: its cookie, its renewal, its limits, and its end on the account page.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant};

use reqwest::Method;
use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::kit::flow::{
    App, PASSWORD, SESSION_COOKIE, claim, count, create_user, is_signed_in, sign_in, sign_out,
    submit_sign_in,
};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::cookies::SetCookie;
use crate::support::world::World;

on_both_backends! {
    async fn signing_in_again_renews_the_cookie_and_keeps_the_session(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        let before = app.tokens(&browser).await;
        let (old, stolen) = (session_cookie(&browser), browser.copy());

        let page = browser.get(&app.authorize_path(&[("prompt", "login")])).await;
        let form = page.form("sign-in");
        let form = if form.value("username") == Some("") { form.set("username", "alice") } else { form };
        let answer = form.set("password", PASSWORD).submit().await.follow_within().await;
        let code = answer.location_parameter("code").expect("a code");
        let after = app.redeem(&code).await.tokens();

        assert_ne!(session_cookie(&browser), old, "the cookie is a new one");
        assert!(is_signed_in(&browser).await);
        assert!(!is_signed_in(&stolen).await, "the old cookie is dead");
        assert_eq!(claim(&before.id, "sid"), claim(&after.id, "sid"), "apps see one session");
        app.assert_alive(&before).await;
        assert_eq!(count(&world, "select count(*) from sessions").await, 1);
        // The planted old value stays dead when the session is read again, and is not adopted.
        stolen.get("/login").await.assert_status(200);
        assert!(!is_signed_in(&stolen).await);
    }

    async fn another_person_signing_in_ends_the_session_before(world: World) {
        create_user(&world, "alice");
        create_user(&world, "bob");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        let tokens = app.tokens(&browser).await;
        let stolen = browser.copy();
        let page = browser.get(&app.authorize_path(&[("prompt", "login")])).await;
        let form = page.form("sign-in").forge("username", "bob").set("password", PASSWORD);
        form.submit().await;
        assert!(is_signed_in(&browser).await);
        assert!(!is_signed_in(&stolen).await);
        app.assert_dead(&tokens).await;
    }

    async fn a_planted_session_cookie_is_never_adopted(world: World) {
        create_user(&world, "alice");
        let planted = "A".repeat(43);
        let browser = world.browser();
        browser.plant_cookie(SESSION_COOKIE, &planted);
        submit_sign_in(&browser, "alice", PASSWORD).await.assert_status(303);
        assert_ne!(session_cookie(&browser), planted);
        assert!(is_signed_in(&browser).await);
        let attacker = world.browser();
        attacker.plant_cookie(SESSION_COOKIE, &planted);
        assert!(!is_signed_in(&attacker).await);
    }

    async fn garbled_cookies_sign_nobody_in_and_break_nothing(world: World) {
        create_user(&world, "alice");
        let real = session_cookie(&sign_in(&world, "alice").await);
        let mut values: Vec<String> =
            ["", "x", "%00", "\"\"", "../../etc/passwd", "' or 1=1 --", "deleted"].map(String::from).to_vec();
        values.extend([real.to_uppercase(), format!("{real}A"), real[1..].to_owned(), "é".repeat(40)]);
        values.push("A".repeat(4000));
        for value in values {
            let browser = world.browser();
            browser.plant_cookie(SESSION_COOKIE, &value);
            assert!(!is_signed_in(&browser).await, "{value}");
        }
        // Two cookies of the name: somebody may have planted one, so neither counts.
        let twice = format!("{SESSION_COOKIE}={real}; {SESSION_COOKIE}={}", "B".repeat(43));
        let browser = world.browser();
        let request = browser.request(Method::GET, &browser.resolve("/account"));
        browser.send(request.header("Cookie", twice)).await.assert_status(303);
    }

    async fn every_cookie_is_well_protected(backend: Backend) {
        for (issuer, prefix) in ISSUERS {
            let world = known_as(backend, issuer).await;
            create_user(&world, "alice");
            let browser = world.browser();
            let mut seen = vec![];
            let page = browser.get("/login").await;
            seen.extend(page.set_cookies());
            let form = page.form("sign-in").set("username", "alice").set("password", PASSWORD);
            let signed_in = form.check("remember", &remember_value(&page)).submit().await;
            assert_eq!(signed_in.header("cache-control"), "no-store");
            seen.extend(signed_in.set_cookies());
            assert!(is_signed_in(&browser).await);
            let left = sign_out(&browser).await;
            assert!(left.header("clear-site-data").contains("storage"), "{}", left.describe());
            seen.extend(left.set_cookies());
            check_cookies(&seen, prefix);
        }
    }

    async fn the_cookie_of_other_accounts_is_protected_as_well(backend: Backend) {
        for (issuer, prefix) in ISSUERS {
            let world = known_as(backend, issuer).await;
            create_user(&world, "alice");
            create_user(&world, "bob");
            let app = App::register(&world, "app", &[]);
            let browser = sign_in(&world, "alice").await;
            let page = browser.get(&app.authorize_path(&[("prompt", "select_account")])).await;
            let page = page.form("choose-account").press("account", "another").submit().await;
            let form = page.form("sign-in").set("username", "bob").set("password", PASSWORD);
            let added = form.submit().await;
            let left = sign_out(&browser).await;
            for (page, is_end) in [(&added, false), (&left, true)] {
                check_accounts_cookie(page, prefix, is_end);
            }
        }
    }

    async fn sessions_survive_a_restart_of_the_server(mut world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        let tokens = app.tokens(&browser).await;
        world.restart().await;
        assert!(is_signed_in(&browser).await);
        app.assert_alive(&tokens).await;
        app.refresh(&tokens.refresh).await.tokens();
        // A page shown before the restart can still be sent after it.
        let fresh = world.browser();
        let page = fresh.get("/login").await;
        world.restart().await;
        let form = page.form("sign-in").set("username", "alice").set("password", PASSWORD);
        form.submit().await.assert_status(303);
        assert!(is_signed_in(&fresh).await);
    }

    async fn the_account_page_lists_sessions_and_ends_one(world: World) {
        create_user(&world, "alice");
        create_user(&world, "mallory");
        let app = App::register(&world, "app", &[]);
        let (here, there) = (sign_in(&world, "alice").await, sign_in(&world, "alice").await);
        // Two, so that the page has a form to take the token from.
        let (foreign, _other) =
            (sign_in(&world, "mallory").await, sign_in(&world, "mallory").await);
        let tokens = app.tokens(&there).await;
        let ends = end_links(&here.get("/account").await);
        assert_eq!(ends.len(), 1, "a button for each other session, and none for this one");
        assert_eq!(end_links(&foreign.get("/account").await).len(), 1);
        let link = &ends[0];
        assert!(link.contains(&claim(&tokens.id, "sid")));

        // Somebody else's session looks like none, and without the page's token nothing happens.
        let csrf = csrf_of(&foreign.get("/account").await);
        foreign.post(link, &[("csrf", &csrf)]).await.assert_status(404);
        assert!(here.post(link, &[]).await.status.is_client_error());
        assert!(here.post(link, &[("csrf", &csrf)]).await.status.is_client_error());
        assert!(is_signed_in(&there).await);
        app.assert_alive(&tokens).await;

        let csrf = csrf_of(&here.get("/account").await);
        here.post(link, &[("csrf", &csrf)]).await.assert_status(303);
        assert!(!is_signed_in(&there).await);
        app.assert_dead(&tokens).await;
        assert!(is_signed_in(&here).await);
        assert_eq!(end_links(&here.get("/account").await).len(), 0);
    }

    async fn looking_at_the_sign_out_page_ends_nothing(world: World) {
        create_user(&world, "alice");
        let browser = sign_in(&world, "alice").await;
        for path in ["/logout", "/oauth2/logout", "/oauth2/logout?client_id=none"] {
            browser.get(path).await;
            let head = browser.request(Method::HEAD, &browser.resolve(path));
            browser.send(head).await;
        }
        let page = browser.get("/logout").await;
        page.form("sign-out").press("decision", "stay").submit().await.assert_status(303);
        assert!(is_signed_in(&browser).await);
        let forged = page.form("sign-out").press("decision", "logout").forge("csrf", "forged");
        assert!(forged.submit().await.status.is_client_error());
        assert!(is_signed_in(&browser).await);
    }

    async fn a_stay_leaves_and_a_logout_ends_with_the_cookie_removed(world: World) {
        create_user(&world, "alice");
        let browser = sign_in(&world, "alice").await;
        let stolen = browser.copy();
        let left = sign_out(&browser).await;
        let removed = left.set_cookies().into_iter().find(|c| c.name == SESSION_COOKIE);
        assert!(removed.is_some_and(|cookie| cookie.deletes()), "{}", left.describe());
        assert!(browser.cookie(SESSION_COOKIE).is_none());
        assert!(!is_signed_in(&stolen).await, "the cookie is dead, not only forgotten");
        assert_eq!(count(&world, "select count(*) from sessions where revoked_at is null").await, 0);
    }

    async fn nothing_is_stored_for_anonymous_visits(world: World) {
        let app = App::register(&world, "app", &[]);
        // Whatever is made at the first visit of all is there before.
        world.browser().get(&app.authorize_path(&[])).await.assert_status(200);
        let before = (rows(&world).await, keys(&world));
        for _ in 0..20 {
            let browser = world.browser();
            let page = browser.get(&app.authorize_path(&[])).await;
            assert!(page.has_form("sign-in"), "{}", page.describe());
            browser.get("/login").await.assert_status(200);
            browser.get("/account").await.assert_status(303);
        }
        assert_eq!((rows(&world).await, keys(&world)), before);
    }
}

/// A plain one on this machine and one with TLS in front of it, and how the names of its cookies begin.
const ISSUERS: [(&str, &str); 2] = [("", ""), ("https://id.rp.test", "__Host-")];

/// A Doorward with this issuer; with its own address for a blank one.
async fn known_as(backend: Backend, issuer: &str) -> World {
    let builder = World::builder(backend);
    let builder = if issuer.is_empty() { builder } else { builder.env("DOORWARD_ISSUER", issuer) };
    builder.start().await
}

/// The cookie that holds the sessions of other people in this browser: what an answer does with it.
#[track_caller]
fn check_accounts_cookie(page: &Page, prefix: &str, is_end: bool) {
    let name = format!("{prefix}doorward_accounts");
    let found: Vec<_> =
        page.set_cookies().into_iter().filter(|cookie| cookie.name == name).collect();
    let [cookie] = found.as_slice() else { panic!("{found:?} of {}", page.describe()) };
    assert_eq!(cookie.deletes(), is_end, "{cookie:?}");
    assert_eq!(cookie.has("secure"), !prefix.is_empty(), "{cookie:?}");
    assert!(cookie.has("httponly") && !cookie.has("domain"), "{cookie:?}");
    assert_eq!(cookie.attribute("samesite"), "Lax", "{cookie:?}");
    assert_eq!(cookie.attribute("path"), "/", "{cookie:?}");
    assert!(is_end || (43..=1_024).contains(&cookie.value.len()), "{cookie:?}");
}

/// Both backends in one test: it only waits, and need not keep two others waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_end_when_unused_and_when_too_old_and_remembered_ones_later() {
    let [one, other] = Backend::ALL;
    tokio::join!(
        end_unused_used_and_remembered_sessions(one),
        end_unused_used_and_remembered_sessions(other)
    );
}

async fn end_unused_used_and_remembered_sessions(backend: Backend) {
    let world = World::builder(backend)
        .env("DOORWARD_SESSION__IDLE", "60")
        .env("DOORWARD_SESSION__ABSOLUTE", "72")
        .env("DOORWARD_SESSION__REMEMBER", "84")
        .start()
        .await;
    create_user(&world, "alice");
    let start = Instant::now();
    let (unused, used) = (sign_in(&world, "alice").await, sign_in(&world, "alice").await);
    let remembered = remembered_sign_in(&world).await;
    let signed_in_after = start.elapsed();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(15)).await;
        assert!(is_signed_in(&used).await);
    }
    at(start, Duration::from_secs(62) + signed_in_after).await;
    assert!(!is_signed_in(&unused).await, "idle for longer than the idle limit");
    if start.elapsed() < Duration::from_secs(70) {
        assert!(is_signed_in(&used).await, "use extends the idle limit");
    }
    at(start, Duration::from_secs(74) + signed_in_after).await;
    assert!(!is_signed_in(&used).await, "nothing extends the absolute limit");
    if start.elapsed() < Duration::from_secs(82) {
        assert!(is_signed_in(&remembered).await, "kept for longer");
    }
    at(start, Duration::from_secs(86) + signed_in_after).await;
    assert!(!is_signed_in(&remembered).await, "and not for ever");
    // The page offers a new sign-in, and it works in the same browser.
    submit_sign_in(&used, "alice", PASSWORD).await.assert_status(303);
    assert!(is_signed_in(&used).await);
}

/// What changes although nobody comes: the audit log is sealed a moment after its events, and the charts have
/// a row for each hour.
const BY_ITSELF: [&str; 4] = ["activity", "audit_chain", "audit_marks", "audit_unsealed"];

/// How many rows every other table has.
async fn rows(world: &World) -> BTreeMap<String, i64> {
    let mut found = BTreeMap::new();
    for table in tables(world).await {
        if !BY_ITSELF.contains(&table.as_str()) {
            let rows = count(world, &format!("select count(*) from {table}")).await;
            found.insert(table, rows);
        }
    }
    assert!(found.len() > 40, "only {found:?}");
    found
}

async fn tables(world: &World) -> Vec<String> {
    let url = world.database_url();
    match world.backend {
        Backend::Embedded => {
            let names = "select name from sqlite_master \
                         where type = 'table' and name not like 'sqlite_%'";
            let mut connection = SqliteConnection::connect(&url).await.expect("open the database");
            sqlx::query_scalar(names).fetch_all(&mut connection).await.expect("the tables")
        }
        Backend::Production => {
            let names = "select cast(tablename as text) from pg_tables where schemaname = 'public'";
            let mut connection = PgConnection::connect(&url).await.expect("open the database");
            sqlx::query_scalar(names).fetch_all(&mut connection).await.expect("the tables")
        }
    }
}

/// The names of what Redis keeps for this world, but for its copy of what was revoked, which is looked after
/// beside the requests. None with the in-process store, which cannot be looked into from here.
fn keys(world: &World) -> BTreeSet<String> {
    let Some(url) = world.setting("DOORWARD_REDIS__URL") else { return BTreeSet::new() };
    let client = redis::Client::open(url).expect("the address of Redis");
    let mut redis = client.get_connection().expect("a connection");
    let keys: Vec<String> = redis::cmd("KEYS").arg("*").query(&mut redis).expect("the keys");
    keys.into_iter().filter(|key| !key.starts_with("dw:{rv}:")).collect()
}

async fn at(start: Instant, moment: Duration) {
    tokio::time::sleep(moment.saturating_sub(start.elapsed())).await;
}

async fn remembered_sign_in(world: &World) -> Browser {
    let browser = world.browser();
    let page = browser.get("/login").await;
    let form = page.form("sign-in").set("username", "alice").set("password", PASSWORD);
    let answer = form.check("remember", &remember_value(&page)).submit().await;
    let cookie = answer.set_cookies().into_iter().find(|c| c.name == SESSION_COOKIE);
    let max_age = cookie.expect("a session cookie").attribute("max-age").to_owned();
    // The session may have begun at the end of one second and the cookie been made in the next.
    assert!(["84", "83"].contains(&max_age.as_str()), "{max_age}");
    browser
}

fn remember_value(page: &Page) -> String {
    let values = page.attributes("input[name='remember']", "value");
    values.into_iter().next().unwrap_or_else(|| "on".to_owned())
}

fn session_cookie(browser: &Browser) -> String {
    browser.cookie(SESSION_COOKIE).expect("a session cookie")
}

/// Where the "end this session" forms of the account page go.
fn end_links(page: &Page) -> Vec<String> {
    page.assert_status(200);
    page.attributes("form[action*='/account/sessions/']", "action")
}

fn csrf_of(page: &Page) -> String {
    page.attributes("input[name='csrf']", "value").into_iter().next().expect("a csrf field")
}

fn check_cookies(seen: &[SetCookie], prefix: &str) {
    let names: HashSet<_> = seen.iter().map(|cookie| cookie.name.as_str()).collect();
    let (session, browser) =
        (format!("{prefix}doorward_session"), format!("{prefix}doorward_browser"));
    let state = format!("{prefix}doorward_state");
    let device = format!("{prefix}doorward_device");
    let expected = [session.as_str(), browser.as_str(), state.as_str(), device.as_str()];
    assert_eq!(names, HashSet::from(expected));
    let mut values = HashSet::new();
    for cookie in seen {
        assert_eq!(cookie.has("secure"), !prefix.is_empty(), "{cookie:?}");
        // Only the browser state is for scripts, and to be read inside an app's page.
        let is_state = cookie.name == state;
        assert_eq!(cookie.has("httponly"), !is_state, "{cookie:?}");
        let everywhere = is_state && !prefix.is_empty();
        let same_site = if everywhere { "None" } else { "Lax" };
        assert_eq!(cookie.attribute("samesite"), same_site, "{cookie:?}");
        assert_eq!(cookie.attribute("path"), "/", "{cookie:?}");
        assert!(!cookie.has("domain"), "{cookie:?}");
        if !cookie.deletes() {
            // 43 characters of base64url are 256 bits.
            assert!((43..=128).contains(&cookie.value.len()), "{cookie:?}");
            assert!(values.insert(&cookie.value), "{cookie:?}");
        }
    }
    for name in [session, state] {
        assert!(seen.iter().any(|cookie| cookie.name == name && cookie.deletes()), "{name}");
    }
}
