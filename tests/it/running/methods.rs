//! HEAD is GET without the body and changes nothing (security catalogue, row 76); what a path does
//! not know is answered with what it knows.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::Method;

use crate::kit::console;
use crate::kit::fixtures::{ALICE, Bed};
use crate::kit::flow::{count, is_signed_in};
use crate::kit::gateway::builder;
use crate::support::browser_like::{Browser, Page};

/// Every address outside the console that answers GET and only shows something.
const SHOWN: [&str; 31] = [
    "/",
    "/login",
    "/login?next=admin",
    "/login/reset?token=x",
    "/login/not-me?token=x",
    "/consent?flow=x",
    "/setup?token=x",
    "/logout",
    "/account",
    "/oauth2/userinfo",
    "/oauth2/check_session",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/.well-known/webfinger",
    "/.well-known/webfinger?resource=acct:alice@people.test",
    "/.well-known/change-password",
    "/branding/x.css",
    "/livez",
    "/readyz",
    "/healthz",
    "/nowhere",
    "/gateway/verify",
    "/gateway/verify?redirect",
    "/api/v1/session-data/cart",
    "/api/v1/openapi.json",
    "/api/v1/users",
    "/api/v1/groups/none/members",
    "/scim/v2/Users",
    "/scim/v2/Groups/none",
    "/scim/v2/ServiceProviderConfig",
];

/// The addresses of the console with this method, with an id that exists where one is needed.
fn console(method: &str, person: &str) -> BTreeSet<String> {
    let fill = |path: &str| match path {
        path if path.starts_with("/admin/users/") => path.replace("{id}", person),
        path => path.replace("{id}", "conf-basic"),
    };
    let all = doorward::http::console::addresses();
    all.filter(|(known, _, _)| *known == method).map(|(_, path, _)| fill(path)).collect()
}

async fn ask(browser: &Browser, method: Method, path: &str) -> Page {
    browser.send(browser.request(method, &browser.resolve(path))).await
}

fn header_names(page: &Page) -> BTreeSet<String> {
    page.headers.keys().map(|name| name.as_str().to_owned()).collect()
}

async fn assert_head_is_get(browser: &Browser, path: &str) {
    // Takes away what the last page has left to be said once.
    ask(browser, Method::GET, "/admin").await;
    let get = ask(browser, Method::GET, path).await;
    let head = ask(browser, Method::HEAD, path).await;
    assert_eq!(head.status, get.status, "{path}");
    assert_eq!(header_names(&head), header_names(&get), "{path}");
    for name in ["content-type", "cache-control", "location", "access-control-allow-origin"] {
        assert_eq!(head.header(name), get.header(name), "{path}: {name}");
    }
    assert_eq!(head.body, "", "{path}");
}

/// The methods that a refusal names.
fn allowed(page: &Page) -> BTreeSet<String> {
    assert_eq!(page.status.as_u16(), 405, "{}", page.describe());
    page.header("allow").split(',').map(|method| method.trim().to_owned()).collect()
}

fn methods(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Every byte that comes back for a HEAD.
fn raw_head(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let request = format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("send");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer in text");
    answer
}

on_both_backends! {
    async fn head_is_get_without_the_body_on_every_page_and_document(backend: Backend) {
        let bed = Bed::new(builder(backend).start().await, &["conf-basic"]).await;
        let person = console::create(&bed.world, "somebody", None);
        let administrator = console::admin(&bed.world, "owner").await.browser;
        let stranger = bed.world.browser();
        let style = stranger.get("/login").await.attributes("link[rel=stylesheet]", "href").remove(0);
        let console = console("GET", &person);
        assert!(console.len() > 10, "{console:?}");
        for path in SHOWN.into_iter().chain([style.as_str()]) {
            assert_head_is_get(&stranger, path).await;
            assert_head_is_get(&administrator, path).await;
            let answer = raw_head(bed.world.port, path);
            assert!(answer.starts_with("HTTP/1.1 "), "{path}: {answer}");
            assert_eq!(answer.find("\r\n\r\n"), Some(answer.len() - 4), "{path}: {answer}");
        }
        for path in &console {
            assert_head_is_get(&stranger, path).await;
            assert_head_is_get(&administrator, path).await;
        }
        let metrics = raw_head(bed.world.management_port, "/metrics");
        assert!(metrics.starts_with("HTTP/1.1 200") && metrics.ends_with("\r\n\r\n"), "{metrics}");
        bed.assert_log_is_clean();
    }

    async fn head_changes_nothing(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic", "trusted"]).await;
        let link = bed.world.cli(&["setup-link"])["url"].as_str().unwrap().to_owned();
        let rp = bed.rp("trusted");
        let browser = bed.world.browser();
        let tokens = rp.tokens(&browser, &ALICE, &[]).await;
        let changes = "select count(*) from audit_events";
        let (before, stranger) = (count(&bed.world, changes).await, bed.world.browser());
        // A link is not spent by whoever looks ahead at it.
        for _ in 0..2 {
            assert_eq!(ask(&stranger, Method::HEAD, &link).await.status.as_u16(), 200);
        }
        assert!(stranger.get(&link).await.has_form("setup"));
        // Nobody is signed out, with or without proof of the app, and no app is answered.
        ask(&browser, Method::HEAD, "/logout").await.assert_status(200);
        let hint = tokens.id.clone().unwrap();
        for path in [&*format!("/oauth2/logout?id_token_hint={hint}"), &*rp.authorize_url(&[])] {
            let page = ask(&browser, Method::HEAD, path).await;
            page.assert_status(200).assert_header("content-type", "text/html; charset=utf-8");
            page.assert_no_header("location").assert_no_header("set-cookie");
            assert_eq!(page.body, "", "{path}");
            let refused = ask(&browser, Method::PUT, path).await;
            assert_eq!(allowed(&refused), methods(&["HEAD", "GET", "POST"]), "{path}");
        }
        assert!(is_signed_in(&browser).await);
        rp.userinfo(&tokens.access).await.assert_status(200);
        assert_eq!(count(&bed.world, changes).await, before);
    }

    async fn a_path_names_the_methods_it_knows(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let person = console::create(&bed.world, "somebody", None);
        let browser = console::admin(&bed.world, "owner").await.browser;
        for path in ["/oauth2/token", "/oauth2/revoke"] {
            let page = ask(&browser, Method::HEAD, path).await;
            assert_eq!(allowed(&page), methods(&["POST", "OPTIONS"]), "{path}");
        }
        let page = ask(&browser, Method::POST, "/api/v1/session-data/cart").await;
        let known = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"];
        assert_eq!(allowed(&page), methods(&known));
        // A cookie is made on the way to an app, so not by looking.
        let start = "/gateway/start?rd=https://wiki.example.test/";
        let page = ask(&browser, Method::POST, start).await;
        assert_eq!(allowed(&page), methods(&["GET", "HEAD"]));
        ask(&browser, Method::HEAD, start).await.assert_no_header("set-cookie");
        let page = ask(&browser, Method::POST, "/gateway/verify").await;
        assert_eq!(allowed(&page), methods(&["GET", "HEAD"]));
        let shown = console("GET", &person);
        let only_posted: Vec<_> = console("POST", &person).difference(&shown).cloned().collect();
        assert!(only_posted.len() > 5, "{only_posted:?}");
        let more = ["/oauth2/introspect", "/account/sessions/x/end"].map(str::to_owned);
        for path in only_posted.iter().chain(&more) {
            for method in [Method::HEAD, Method::GET, Method::DELETE] {
                let page = ask(&browser, method.clone(), path).await;
                assert_eq!(allowed(&page), methods(&["POST"]), "{path}");
                if path.starts_with("/admin") {
                    page.assert_page_headers();
                    assert_eq!(page.has("nav.sections"), method != Method::HEAD, "{path}");
                }
            }
        }
        for path in ["/", "/account", "/.well-known/jwks.json", "/livez", "/admin/audit"] {
            let page = ask(&browser, Method::POST, path).await;
            assert_eq!(allowed(&page), methods(&["GET", "HEAD"]), "{path}");
        }
    }
}
