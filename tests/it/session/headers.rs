//! Headers, cookies and hosts (security catalogue, rows 66 to 68, 70, 77 and 82).

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;

use crate::kit::checks::{assert_client_error, assert_dead};
use crate::kit::fixtures::{ALICE, Bed, fill_in};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::world::World;

const SESSION: &str = "doorward_session";

/// A world that people reach by https through a proxy; tests talk to it as the proxy does.
async fn behind_a_proxy(backend: Backend) -> Bed {
    let mut world = World::builder(backend).prepare().await;
    world.set("DOORWARD_ISSUER", "https://id.test");
    world.start_server().await;
    world.issuer = format!("http://localhost:{}", world.port);
    Bed::new(world, &["conf-basic"]).await
}

/// Sends bytes and gives whatever comes back.
fn raw(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
    stream.write_all(request.as_bytes()).expect("send");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// Some page or answer of every kind: 200, redirect, 4xx, asset, JSON.
async fn everything(browser: &Browser) -> Vec<Page> {
    let mut pages = Vec::new();
    for path in [
        "/",
        "/login",
        "/login?next=admin",
        "/account",
        "/logout",
        "/consent",
        "/setup",
        "/device",
        "/oauth2/device_authorization",
        "/login/create",
        "/login/reset",
        "/admin",
        "/oauth2/authorize",
        "/oauth2/authorize?client_id=conf-basic",
        "/oauth2/logout",
        "/oauth2/userinfo",
        "/oauth2/token",
        "/nowhere",
        "/static/nothing.css",
        "/.well-known/openid-configuration",
        "/.well-known/jwks.json",
        "/livez",
        "/readyz",
        "/.well-known/change-password",
        "/login%00",
        "/../etc/passwd",
    ] {
        pages.push(browser.get(path).await);
        pages.push(browser.post(path, &[("x", "y")]).await);
    }
    pages
}

on_both_backends! {
    async fn every_answer_carries_the_common_headers(backend: Backend) {
        let bed = Bed::shared(backend).await;
        for browser in [bed.world.browser(), bed.signed_in(&ALICE).await] {
            for page in everything(&browser).await {
                page.assert_common_headers();
                assert!(!page.header("x-request-id").is_empty(), "{}", page.describe());
                for name in ["x-frame-options", "content-security-policy", "permissions-policy",
                    "cross-origin-opener-policy", "cross-origin-resource-policy", "cache-control"] {
                    assert!(!page.header(name).is_empty(), "no {name}: {}", page.describe());
                }
                let kind = page.header("content-type");
                if kind.starts_with("text/") {
                    assert!(kind.contains("charset=utf-8"), "{kind}: {}", page.describe());
                }
                if kind.starts_with("text/html") {
                    page.assert_page_headers();
                }
                if !page.set_cookies().is_empty() {
                    page.assert_header("cache-control", "no-store");
                }
                page.assert_no_header("strict-transport-security");
                for inside in ["src/", ".rs:", "sqlx", "SELECT ", "actix", "panicked"] {
                    assert!(!page.body.contains(inside), "`{inside}` in {}", page.describe());
                }
            }
        }
    }

    async fn flow_pages_may_post_anywhere_and_account_pages_only_here(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        let rp = bed.rp("fresh");
        let consent = rp.authorize(&browser, &[("prompt", "consent")]).await;
        let sign_in = rp.authorize(&browser, &[("prompt", "login")]).await;
        for page in [consent, sign_in, browser.get("/logout").await] {
            let policy = page.header("content-security-policy");
            assert!(!policy.contains("form-action"), "{policy} of {}", page.describe());
        }
        let account = browser.get("/account").await;
        assert!(account.header("content-security-policy").contains("form-action 'self'"));
    }

    async fn every_page_has_a_nonce_of_its_own_and_nothing_runs_without_it(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.world.browser();
        let mut seen = BTreeSet::new();
        for _ in 0..5 {
            let page = browser.get("/login").await;
            let policy = page.header("content-security-policy").to_owned();
            let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap();
            assert!(nonce.len() >= 22, "{nonce}");
            assert!(seen.insert(nonce.to_owned()), "the nonce {nonce} comes twice");
            for tag in ["script", "style", "link[rel='stylesheet']"] {
                let all = page.texts(tag).len();
                assert_eq!(page.attributes(tag, "nonce").iter().filter(|n| *n == nonce).count(), all);
            }
            assert!(!page.has("[onclick], [onload], [onerror], [style]"), "{}", page.body);
        }
    }

    async fn on_https_cookies_and_headers_are_at_their_strictest(backend: Backend) {
        let bed = behind_a_proxy(backend).await;
        let browser = bed.world.browser();
        let page = browser.get("/login").await;
        page.assert_header("strict-transport-security", "max-age=63072000; includeSubDomains");
        let document = browser.get("/.well-known/openid-configuration").await.json();
        assert_eq!(document["issuer"], "https://id.test");
        for (name, value) in document.as_object().unwrap() {
            if name.ends_with("_endpoint") || name == "jwks_uri" {
                assert!(value.as_str().unwrap().starts_with("https://id.test/"), "{name}");
            }
        }
        let mut form = fill_in(&page, &ALICE).check("remember", "on");
        form.action = browser.resolve("/login");
        let request = browser.request(Method::POST, &form.action).form(&form.pairs());
        let answer = browser.send(request.header("Origin", "https://id.test")).await;
        answer.assert_status(303);
        let mut cookies = page.set_cookies();
        cookies.extend(answer.set_cookies());
        assert!(cookies.iter().any(|c| c.name == "__Host-doorward_session"), "{cookies:?}");
        for cookie in cookies {
            assert!(cookie.name.starts_with("__Host-"), "{cookie:?}");
            assert!(cookie.has("secure") && !cookie.has("domain"), "{cookie:?}");
            assert_eq!(cookie.attribute("path"), "/");
            // Apps' pages have it read by a script of ours (Session Management 1.0 section 3.3); it
            // is a hash that signs nobody in.
            let shown = cookie.name == "__Host-doorward_state";
            assert_eq!(cookie.has("httponly"), !shown, "{cookie:?}");
            let same_site: &[&str] = if shown { &["None"] } else { &["Lax", "Strict"] };
            assert!(same_site.contains(&cookie.attribute("samesite")), "{cookie:?}");
            assert!(cookie.value.len() >= 22, "{cookie:?}");
            let whole = cookie.name.len() + cookie.value.len() + 200;
            assert!(whole < 4096, "{cookie:?}");
        }
        bed.assert_log_is_clean();
    }

    async fn a_stolen_cookie_dies_with_the_session_and_its_tokens(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("trusted");
        let browser = bed.signed_in(&ALICE).await;
        let tokens = rp.tokens(&browser, &ALICE, &[]).await;
        let stolen = browser.copy();
        let page = browser.get("/logout").await;
        let answer = page.form("sign-out").press("decision", "logout").submit().await;
        assert!(browser.cookie(SESSION).is_none());
        assert!(answer.header("clear-site-data").contains("storage"));
        let page = rp.authorize(&stolen, &[("prompt", "none")]).await;
        assert_client_error(&page, &rp, "login_required");
        assert_dead(&rp, &tokens).await;
        assert_eq!(stolen.get("/account").await.location().path(), "/login");
    }

    async fn the_issuer_comes_from_the_configuration_and_never_from_a_header(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let browser = bed.world.browser();
        let path = "/.well-known/openid-configuration";
        let honest = browser.get(path).await.body;
        for (name, value) in [
            ("X-Forwarded-Host", "evil.test"), ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Prefix", "/evil"), ("X-Forwarded-Port", "666"),
            ("Forwarded", "for=1.2.3.4;host=evil.test;proto=https"), ("X-Original-URL", "/admin"),
            ("X-Rewrite-URL", "/admin"), ("X-HTTP-Method-Override", "DELETE"),
        ] {
            let request = browser.request(Method::GET, &browser.resolve(path));
            assert_eq!(browser.send(request.header(name, value)).await.body, honest, "{name}");
            let url = browser.resolve(&rp.authorize_url(&[]));
            let page = browser.send(browser.request(Method::GET, &url).header(name, value)).await;
            assert!(page.has_form("sign-in"), "{name}: {}", page.describe());
            assert!(!page.body.contains("evil"), "{name}: {}", page.body);
            let page = browser.send(browser.request(Method::GET, &browser.resolve("/account")).header(name, value)).await;
            assert!(!page.header("location").contains("evil"), "{name}: {}", page.describe());
        }
        let port = bed.world.port;
        for host in ["evil.test", "evil.test:80", "localhost@evil.test", "x".repeat(300).as_str()] {
            for path in [path, "/account", "/login", "/oauth2/userinfo"] {
                let answer = raw(port, &format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
                let status = answer.split(' ').nth(1).unwrap_or_default().to_owned();
                assert!(status.parse::<u16>().is_ok_and(|s| s < 500), "{host} {path}: {answer}");
                assert!(!answer.contains(host), "{host} {path}: {answer}");
            }
        }
        let missing = raw(port, &format!("GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n"));
        assert!(missing.starts_with("HTTP/1.1 400") || missing.contains(&bed.world.issuer), "{missing}");
    }

}
