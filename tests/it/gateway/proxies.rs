//! NGINX, HAProxy, Caddy, Traefik and Envoy themselves, with the configurations that docs/gateway shows.

use std::time::Duration;

use reqwest::Method;

use crate::kit::fixtures::{ALICE, BOB, Person, fill_in};
use crate::kit::flow::{PATIENCE, sign_out};
use crate::kit::gateway::{COOKIE, TOLD};
use crate::kit::gateway_proxy::{Front, Fronts, Proxy};
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;

/// Opens a page of the app and signs in where the proxy sends us; gives what the app says.
async fn enter(browser: &Browser, person: &Person, address: &str) -> Page {
    let redirect = browser.get(address).await;
    redirect.assert_status(302);
    let form = redirect.follow().await;
    form.assert_status(200);
    let back = fill_in(&form, person).submit().await.follow().await;
    back.assert_status(303).assert_header("location", address);
    let page = back.follow().await;
    page.assert_status(200);
    page
}

/// The values of a header that the app got, by the name it reads it under: many read an underscore as
/// a hyphen.
fn got(page: &Page, name: &str) -> Vec<String> {
    let lines = page.body.lines().filter_map(|line| line.split_once(':'));
    let same = |known: &str| known.to_lowercase().replace('_', "-") == name;
    lines.filter(|(known, _)| same(known)).map(|(_, value)| value.trim().to_owned()).collect()
}

/// Asks, and asks again while Doorward or the proxy is too busy to know: 503 is no wrong answer, on a
/// machine that does a lot at once.
async fn get(browser: &Browser, front: &Front, path: &str, headers: &[(&str, &str)]) -> Page {
    let mut page = get_once(browser, front, path, headers).await;
    for _ in 0..50 {
        if !page.status.is_server_error() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        page = get_once(browser, front, path, headers).await;
    }
    page
}

/// Checks the status, and tells all there is to know when it is another one.
#[track_caller]
fn expect(front: &Front, page: &Page, status: u16) {
    assert_eq!(page.status.as_u16(), status, "{}\n{}", page.describe(), front.describe());
}

async fn get_once(browser: &Browser, front: &Front, path: &str, headers: &[(&str, &str)]) -> Page {
    let mut request =
        browser.request(Method::GET, &browser.resolve(&front.origin()).join(path).expect("a path"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    browser.send(request).await
}

on_both_backends! {
    async fn a_person_signs_in_on_the_way_and_the_app_learns_who_it_is(backend: Backend) {
        let Fronts { world, all } = Fronts::start(backend).await;
        for front in &all {
            let browser = world.browser();
            let page = enter(&browser, &ALICE, &format!("{}/page?a=b", front.origin())).await;
            assert!(page.body.starts_with("GET /page?a=b HTTP/1"), "{}", page.body);
            assert_eq!(got(&page, "x-user-email"), [ALICE.email], "{:?}", front.proxy);
            assert_eq!(got(&page, "x-user-name"), [ALICE.name]);
            assert_eq!(got(&page, "x-user-groups"), ["climbers,staff"]);
            for name in ["x-user-id", "x-session-id", "x-doorward-assertion"] {
                let values = got(&page, name);
                assert!(values.len() == 1 && !values[0].is_empty(), "{name}: {values:?}");
            }
            let cookies = got(&page, "cookie").join("; ");
            let is_kept = !cookies.contains(COOKIE) || !front.proxy.keeps_cookies();
            assert!(browser.cookie(COOKIE).is_some() && is_kept, "{:?}: {cookies}", front.proxy);
            assert!(cookies.contains("doorward_browser="), "other cookies get through: {cookies}");
        }
        world.assert_log_is_clean(&[ALICE.password]);
    }

    async fn what_the_browser_says_about_itself_never_gets_to_the_app(backend: Backend) {
        let Fronts { world, all } = Fronts::start(backend).await;
        let lies = [
            ("X-User-ID", "admin"), ("X-User-ID", "admin2"), ("x_user_id", "admin"),
            ("X-User-Email", "admin@x.test"), ("X_User_Email", "admin@x.test"),
            ("X-USER-NAME", "admin"), ("X-User-Groups", "admins"), ("X_USER_GROUPS", "admins"),
            ("X-User-Roles", "admin"), ("x-user_roles", "admin"), ("X-Org-ID", "admin"),
            ("X-Session-ID", "admin"), ("X-Doorward-Assertion", "admin"),
            ("X_Doorward_Assertion", "admin"), ("Connection", "X-User-ID, X-User-Email"),
            ("X-Request-ID", "admin-request"), ("X_Request_ID", "admin-request"),
            ("Forwarded", "for=admin;host=admin.test"), ("X-Forwarded-Host", "admin.test"),
            ("X_Forwarded_Host", "admin.test"), ("X-Forwarded-Prefix", "/admin"),
            ("X_Forwarded-Prefix", "/admin"), ("X-Forwarded-Port", "admin"),
            ("X-Forwarded-Uri", "/admin"), ("X-Forwarded-Method", "ADMIN"),
            ("X-Original-URL", "/admin"), ("X_Original_URL", "/admin"), ("X-Original-URI", "/admin"),
            ("X-Original-Method", "ADMIN"), ("X-Rewrite-URL", "/admin"), ("X_Rewrite_URL", "/admin"),
            ("X-HTTP-Method-Override", "ADMIN"), ("X_HTTP_Method_Override", "ADMIN"),
            ("X-HTTP-Method", "ADMIN"), ("X-Method-Override", "ADMIN"), ("X-Method_Override", "ADMIN"),
            ("Remote-User", "admin"), ("Remote_User", "admin"), ("REMOTE-GROUPS", "admins"),
            ("Remote-Email", "admin@x.test"), ("Remote_Name", "admin"), ("X-Remote-User", "admin"),
            ("X_Remote-User", "admin"), ("X-Remote_Group", "admins"), ("X-Forwarded-User", "admin"),
            ("X_Forwarded_User", "admin"), ("X-Forwarded-Email", "admin@x.test"),
            ("X-Forwarded-Groups", "admins"), ("X-Forwarded-Preferred-Username", "admin"),
            ("X-Forwarded_Preferred_Username", "admin"), ("X-WEBAUTH-USER", "admin"),
            ("X_WEBAUTH_USER", "admin"), ("X-Webauth_Email", "admin@x.test"),
            ("X-WEBAUTH-NAME", "admin"), ("X-WEBAUTH-GROUPS", "admins"), ("x-webauth_role", "admin"),
        ];
        for front in &all {
            let browser = world.browser();
            enter(&browser, &BOB, &format!("{}/", front.origin())).await;
            let page = get(&browser, front, "/page", &lies).await;
            page.assert_status(200);
            assert_eq!(got(&page, "x-user-name"), [BOB.name], "{:?}", front.proxy);
            for (anonymous, page) in [
                (false, &page),
                (true, &get(&world.browser(), front, "/public/x", &lies).await),
            ] {
                page.assert_status(200);
                for name in TOLD.into_iter().chain(["x-doorward-assertion"]) {
                    let values = got(page, name);
                    assert!(values.len() <= 1, "{name}: {values:?}");
                    let lie = values.iter().any(|value| value.contains("admin"));
                    let told = anonymous && values.iter().any(|value| !value.is_empty());
                    assert!(!lie && !told, "{name}");
                }
                let lies = page.body.lines().filter(|line| line.to_lowercase().contains("admin"));
                assert_eq!(lies.collect::<Vec<_>>(), Vec::<&str>::new(), "{:?}", front.proxy);
                for name in ["host", "x-forwarded-host"] {
                    let own = [format!("localhost:{}", front.port)];
                    assert_eq!(got(page, name), own, "{:?}: {name}", front.proxy);
                }
                let id = got(page, "x-request-id");
                assert!(id.len() == 1 && id[0].len() >= 32, "{:?}: {id:?}", front.proxy);
                wait_until_async("the id in the log", PATIENCE, async || world.log().contains(&id[0]))
                    .await;
            }
        }
    }

    async fn the_gateway_s_cookie_never_gets_to_the_app_however_often_it_is_sent(backend: Backend) {
        let Fronts { world, all } = Fronts::start(backend).await;
        let browser = world.browser();
        for front in all.iter().filter(|front| front.proxy.keeps_cookies()) {
            enter_again(&browser, front).await;
            let cookie = browser.cookie(COOKIE).expect("a cookie");
            for (path, cookies) in [
                ("/page", format!("a=1; {COOKIE}={cookie}; b=2")),
                ("/page", format!("{COOKIE}={cookie}")),
                ("/public/x", format!("a=1; {COOKIE}={cookie}; b=2; {COOKIE}={cookie}; c=3")),
                ("/public/x", format!("{COOKIE}={cookie};{COOKIE}={cookie}; {COOKIE}={cookie}")),
            ] {
                let answer = front.exchange(&format!(
                    "GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nCookie: {cookies}\r\n\
                     Connection: close\r\n\r\n",
                    front.port
                ));
                assert!(answer.starts_with("HTTP/1.1 200"), "{:?}: {answer}", front.proxy);
                assert!(!answer.contains(&cookie), "{:?}: {answer}", front.proxy);
                let others = path == "/public/x" || !cookies.contains("a=1") || answer.contains("a=1");
                assert!(others, "{:?}: {answer}", front.proxy);
            }
        }
    }

    async fn the_rules_the_end_of_the_session_and_programs(backend: Backend) {
        let Fronts { world, all } = Fronts::start(backend).await;
        for front in &all {
            let browser = world.browser();
            enter(&browser, &ALICE, &format!("{}/", front.origin())).await;
            let before = front.app.requests();
            for path in ["/board", "/owners/x", "/nobody", "/strong"] {
                expect(front, &get(&browser, front, path, &[]).await, 403);
            }
            assert_eq!(front.app.requests(), before, "{}", front.describe());
            expect(front, &get(&browser, front, "/still", &[]).await, 200);
            let cookie = browser.cookie(COOKIE).expect("a cookie");
            let left = sign_out(&browser).await;
            assert!(left.status.as_u16() < 400, "not signed out: {}", left.describe());
            browser.plant_cookie(COOKIE, &cookie);
            let out = get(&browser, front, "/still", &[]).await;
            expect(front, &out, 302);
            let place = out.header("location");
            let is_ours = place.starts_with(&world.url("/gateway/start?rd="));
            assert!(is_ours, "{place}: {}", front.describe());
            let program = get(&browser, front, "/api", &[("Sec-Fetch-Mode", "cors")]).await;
            expect(front, &program, 401);
            program.assert_no_header("location");
            let token = get(&browser, front, "/api", &[("Authorization", "Bearer x")]).await;
            expect(front, &token, 401);
            assert_eq!(front.app.requests(), before + 1, "{}", front.describe());
        }
    }

    async fn no_spelling_of_a_path_gets_around_a_rule(backend: Backend) {
        let Fronts { world, all } = Fronts::start(backend).await;
        let browser = world.browser();
        for front in &all {
            enter_again(&browser, front).await;
            let cookie = browser.cookie(COOKIE).expect("a cookie");
            let before = front.app.requests();
            let host = format!("localhost:{}", front.port);
            for target in [
                "/board", "/public/../board", "/public/%2e%2e/board", "/public/.%2e/board",
                "/public/..;/board", "/public/..%2fboard", "/public%2f..%2fboard",
                "/public/%252e%252e/board", "/public/..%5cboard", "/public\\..\\board", "//board",
                "/public//../board", "/./board", "/%62oard", "/Board", "/board;x/", "/board%00",
                "/board%20", "/board/.", "/public/%c0%ae%c0%ae/board", "board", "*",
            ] {
                for cookie in ["", cookie.as_str()] {
                    let answer = front.exchange(&format!(
                        "GET {target} HTTP/1.1\r\nHost: {host}\r\nCookie: {COOKIE}={cookie}\r\n\
                         Connection: close\r\n\r\n"
                    ));
                    // Envoy gives a path one spelling, in which it is checked and passed on. Then a page
                    // that everybody may see is not the one that was meant.
                    let is_plain = front.proxy == Proxy::Envoy
                        && answer.contains("\r\n\r\nGET /public/board HTTP/1.1\r\n");
                    let passed = answer.starts_with("HTTP/1.1 2") && !is_plain;
                    assert!(!passed, "{target} → {answer}: {}", front.describe());
                }
            }
            let seen = front.app.seen();
            let strays = seen.iter().skip(before).filter(|line| !line.starts_with("GET /public/board "));
            assert_eq!(strays.count(), 0, "{}", front.describe());
            let before = seen.len();
            let known = format!("Cookie: {COOKIE}={cookie}\r\nConnection: close\r\n\r\n");
            let lie = format!("X-Original-URL: http://{host}/public\r\nX-Forwarded-Uri: /public\r\n");
            let page = format!("GET /page HTTP/1.1\r\nHost: {host}\r\n");
            let status = front.send(&format!("{page}{known}"));
            assert_eq!(status, 200, "a good cookie: {}", front.describe());
            assert_eq!(front.app.requests(), before + 1, "{}", front.describe());
            for head in [
                format!("GET http://{host}/board HTTP/1.1\r\nHost: {host}\r\n{known}"),
                format!("GET http://other.localhost/page HTTP/1.1\r\nHost: {host}\r\n{known}"),
                format!("GET /page HTTP/1.1\r\nHost: other.localhost\r\n{known}"),
                format!("GET /page HTTP/1.1\r\nHost: admin.internal\r\n{known}"),
                format!("GET /page HTTP/1.1\r\nHost: {host}\r\nHost: other.localhost\r\n{known}"),
                format!("GET /board HTTP/1.1\r\nHost: {host}\r\n{lie}{known}"),
                format!("{page}{lie}Connection: close\r\n\r\n"),
            ] {
                let status = front.send(&head);
                // Caddy says 200 and nothing else for hosts it does not know.
                let is_other = head.contains("other.localhost") || head.contains("admin.internal");
                let nothing = front.proxy == Proxy::Caddy && is_other;
                let passed = (200..300).contains(&status) && !nothing;
                assert!(!passed, "{head} → {status}: {}", front.describe());
                assert_eq!(front.app.requests(), before + 1, "{head}: {}", front.describe());
            }
            // The host in the address counts, not the header (RFC 9112 section 3.2.2).
            let both = format!("GET http://{host}/page HTTP/1.1\r\nHost: other.localhost\r\n{known}");
            let answer = front.exchange(&both);
            assert!(!answer.contains("other.localhost"), "{:?}: {answer}", front.proxy);
        }
    }

    async fn without_doorward_nobody_passes(backend: Backend) {
        let Fronts { mut world, all } = Fronts::start(backend).await;
        let browser = world.browser();
        for front in &all {
            enter_again(&browser, front).await;
        }
        world.kill9();
        for front in &all {
            let before = front.app.requests();
            for path in ["/page", "/public/x", "/board"] {
                let page = get_once(&browser, front, path, &[]).await;
                let is_error = page.status.is_server_error();
                assert!(is_error, "{}\n{}", page.describe(), front.describe());
            }
            assert_eq!(front.app.requests(), before, "{}", front.describe());
        }
        world.start_server().await;
        for front in &all {
            expect(front, &get(&browser, front, "/page", &[]).await, 200);
        }
    }
}

/// Lets a browser in that may have a session already.
async fn enter_again(browser: &Browser, front: &Front) {
    let page = browser.get(&format!("{}/", front.origin())).await;
    if page.status.as_u16() == 200 {
        return;
    }
    let page = page.follow().await;
    let page = if page.has_form("sign-in") { fill_in(&page, &ALICE).submit().await } else { page };
    let page = page.follow_all().await;
    page.assert_status(200);
    assert!(page.body.starts_with("GET / "), "{}", page.describe());
}
