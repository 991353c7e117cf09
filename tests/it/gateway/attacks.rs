//! The gateway under attack: what is ambiguous is refused, nobody else may ask, and no redirect leaves
//! for anywhere but an app.

use crate::kit::audit::events;
use crate::kit::fixtures::{ALICE, BOB};
use crate::kit::gateway::{
    COOKIE, Question, STAFF, WIKI, add_people, builder, gateway, settings, start_path,
    unknown_cookie, visitor,
};
use crate::support::backends::Backend;
use crate::support::world::World;

/// The header of a browser that has the gateway's cookie with each of these values.
fn header(values: &[&str]) -> String {
    let pairs: Vec<String> = values.iter().map(|value| format!("{COOKIE}={value}")).collect();
    pairs.join("; ")
}

/// Headers spoiled in every way, for a visitor who may have the page itself.
async fn assert_refused(question: Question<'_>, what: &str) {
    let answer = question.ask().await;
    assert!([400, 401, 403].contains(&answer.status), "{what}: {answer:?}");
}

on_both_backends! {
    async fn an_incomplete_or_doubled_description_is_refused(backend: Backend) {
        let world = gateway(backend).await;
        let (_, cookie) = visitor(&world, &ALICE).await;
        let good = || Question::about(&world, WIKI, "/x").cookie(&cookie);
        assert_eq!(good().status().await, 200);
        for (name, other) in [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", STAFF),
            ("x-forwarded-uri", "/public"),
            ("x-forwarded-method", "POST"),
        ] {
            assert_refused(good().without(name), name).await;
            assert_refused(good().with(name, ""), name).await;
            assert_refused(good().and(name, other), name).await;
            assert_refused(good().with(name, &format!("{other}, {other}")), name).await;
        }
        for (name, value) in [
            ("x-forwarded-proto", "ftp"),
            ("x-forwarded-proto", "HTTPS "),
            ("x-forwarded-host", "localhost"),
            ("x-forwarded-host", "localhost:1001@evil.test"),
            ("x-forwarded-host", "evil.test"),
            ("x-forwarded-uri", "http://localhost:1001/public"),
            ("x-forwarded-uri", "public"),
            ("x-forwarded-method", "get"),
            ("x-original-url", "http://localhost:1001/public/logo"),
            ("x-original-url", "http://localhost:1002/staff"),
        ] {
            assert_refused(good().with(name, value).with("x-original-method", "GET"), value).await;
        }
    }

    async fn a_path_that_can_be_read_in_two_ways_is_refused(backend: Backend) {
        let world = gateway(backend).await;
        let (_, cookie) = visitor(&world, &ALICE).await;
        for target in [
            "/public/../board", "/public/%2e%2e/board", "/public/.%2E/board", "/public/..;/board",
            "/public/..;x=y/board", "/public/%252e%252e/board", "/public%2f..%2fboard",
            "/public/..%5cboard", "/public\\..\\board", "/public//board", "//board",
            "/board%00", "/public/%00", "/public/%c0%ae%c0%ae/board", "/./board", "/public/.",
            "/public/...", "/Board", "/board;x=1/minutes", "/BOARD/minutes", "/board.", "/board%20",
            "/board%3fx", "/%C5%BFtrong", "/%C5%BFTRONG/x", "/publ%C4%B1c", "/PUBL%C4%B0C/x", "/PUBLIC/x", "/a%0d%0ax-user-id:%20admin", "/%zz", "/a%", "/a#b",
        ] {
            for question in [
                Question::about(&world, WIKI, target).cookie(&cookie),
                Question::about(&world, WIKI, target),
            ] {
                assert_refused(question, target).await;
            }
            let url = format!("http://{WIKI}{target}");
            let by_url = Question::about(&world, WIKI, target).cookie(&cookie);
            let by_url = by_url.with("x-original-url", &url).with("x-original-method", "GET");
            assert_refused(by_url, target).await;
        }
    }

    async fn an_address_as_nginx_sends_it_is_read_alike(backend: Backend) {
        let world = gateway(backend).await;
        let (_, cookie) = visitor(&world, &ALICE).await;
        let ask = async |url: &str, method: &str| {
            let mut question = Question::about(&world, WIKI, "/").cookie(&cookie);
            for name in ["proto", "host", "uri", "method"] {
                question = question.without(&format!("x-forwarded-{name}"));
            }
            question.with("x-original-url", url).with("x-original-method", method).status().await
        };
        assert_eq!(ask("http://localhost:1001/x?y", "POST").await, 200);
        assert_eq!(ask("http://localhost:1001/board", "GET").await, 403);
        assert_eq!(ask("http://localhost:1002/staff", "GET").await, 200);
        for url in [
            "localhost:1001/x", "http://localhost:1001", "//localhost:1001/x", "/x",
            "http://me@localhost:1001/x", "http://localhost:1001\\/x", "http:///x",
            "https://localhost:1001.evil.test/x", "http://evil.test/x",
        ] {
            assert_eq!(ask(url, "GET").await, 403, "{url}");
        }
        assert_eq!(ask("http://localhost:1001/x", "").await, 403, "no method");
    }

    async fn envoy_sends_the_request_itself(backend: Backend) {
        let world = gateway(backend).await;
        let (_, cookie) = visitor(&world, &ALICE).await;
        let ask = async |path: &str, host: &str| {
            let question = Question::about(&world, WIKI, "/").path(path).cookie(&cookie);
            let question = question.with("host", host);
            ["host", "uri", "method"]
                .into_iter()
                .fold(question, |q, name| q.without(&format!("x-forwarded-{name}")))
                .ask()
                .await
        };
        let answer = ask("/gateway/envoy/page?x=y", WIKI).await;
        assert_eq!((answer.status, answer.header("x-user-email")), (200, ALICE.email));
        assert_eq!(ask("/gateway/envoy/staff", STAFF).await.status, 200);
        for (path, host) in [
            ("/gateway/envoy/board", WIKI),
            ("/gateway/envoy/board;x/", WIKI),
            ("/gateway/envoy//board", WIKI),
            ("/gateway/envoy/public/%2e%2e/board", WIKI),
            ("/gateway/envoy", WIKI),
            ("/gateway/envoyage", WIKI),
            ("/gateway/envoy/page", STAFF),
            ("/gateway/envoy/page", "evil.test"),
        ] {
            assert_eq!(ask(path, host).await.status, 403, "{host}{path}");
        }
    }

    async fn a_cookie_that_is_malformed_or_unknown_is_nobody_s(backend: Backend) {
        let world = gateway(backend).await;
        let (_, cookie) = visitor(&world, &ALICE).await;
        let (unknown, name) = (unknown_cookie(), COOKIE);
        for header in [
            String::new(),
            format!("{name}="),
            format!("{name}={unknown}"),
            format!("{name}={cookie}x"),
            format!("{name}={}", &cookie[..42]),
            format!("{name}={unknown}; {name}={}", unknown_cookie()),
            format!("__Secure-{name}={cookie}"),
            format!("{name}={}", "A".repeat(4_000)),
            format!("{name}='; drop table users --"),
        ] {
            let question = Question::about(&world, WIKI, "/").with("cookie", &header);
            assert_eq!(question.status().await, 401, "{header}");
        }
        // Cookies of other hosts, which may be anything, are between the browser and those.
        for others in ["a=b", "nameless", "=nameless", "a=%ff", "a=\u{e4}", ";"] {
            let header = format!("{others}; {name}={cookie}; {others}");
            let right = Question::about(&world, WIKI, "/").with("cookie", &header);
            assert_eq!(right.status().await, 200, "{others}");
        }
        world.assert_log_is_clean(&[cookie.as_str(), ALICE.password]);
    }

    async fn a_planted_cookie_takes_nothing_from_a_good_one_and_gives_nobody_another_s(
        backend: Backend
    ) {
        let world = gateway(backend).await;
        let (browser, alice) = visitor(&world, &ALICE).await;
        let (_, bob) = visitor(&world, &BOB).await;
        let second = {
            let copy = browser.copy();
            copy.cookies(|jar| jar.remove(&copy.resolve("/"), COOKIE));
            copy.get(&start_path(&format!("http://{WIKI}/"))).await.assert_status(303);
            copy.cookie(COOKIE).expect("another cookie of the same session")
        };
        let unknown: Vec<String> = (0..4).map(|_| unknown_cookie()).collect();
        let [a, b, c, d] = [0, 1, 2, 3].map(|at| unknown[at].as_str());
        let (alice, bob, second) = (alice.as_str(), bob.as_str(), second.as_str());
        for (values, expected) in [
            (vec![alice, a], 200),
            (vec![a, alice], 200),
            (vec![a, b, c, alice], 200),
            (vec![alice, alice, "", "short"], 200),
            (vec![alice, second, a], 200),
            (vec![a, b, c, d], 401),
            (vec![a, b, c, d, alice], 403),
            (vec![alice, bob], 403),
            (vec![bob, a, alice], 403),
        ] {
            for path in ["/", "/board"] {
                let question = Question::about(&world, WIKI, path).with("cookie", &header(&values));
                let answer = question.ask().await;
                // Alice has no business with the board.
                let expected = if (path, expected) == ("/board", 200) { 403 } else { expected };
                assert_eq!(answer.status, expected, "{values:?} {path}");
                if answer.status == 200 {
                    assert_eq!(answer.header("x-user-email"), ALICE.email);
                }
            }
        }
        let question = Question::about(&world, WIKI, "/public").with("cookie", &header(&[alice, bob]));
        assert_eq!(question.status().await, 200, "nobody is asked who they are");
    }

    async fn a_planted_cookie_sends_nobody_round_in_circles(backend: Backend) {
        let world = gateway(backend).await;
        let (browser, alice) = visitor(&world, &ALICE).await;
        let (_, bob) = visitor(&world, &BOB).await;
        let session = browser.cookie("doorward_session").expect("the session's cookie");
        let start = async |values: &[&str]| {
            let url = browser.resolve(&start_path(&format!("http://{WIKI}/")));
            let cookies = format!("doorward_session={session}; {}", header(values));
            let other = world.browser();
            other.send(other.request(reqwest::Method::GET, &url).header("cookie", cookies)).await
        };
        let opened = events(&world, "gateway.opened").await;
        let unknown: Vec<String> = (0..5).map(|_| unknown_cookie()).collect();
        let unknown: Vec<&str> = unknown.iter().map(String::as_str).collect();
        // With a good one among them there is nothing to do, however often.
        for _ in 0..5 {
            let page = start(&[unknown[0], &alice]).await;
            assert!(page.assert_status(303).set_cookies().is_empty());
        }
        // With none, a fresh one makes it good; but where that is tried and tried, something is in its way.
        for round in 0..5 {
            let page = start(&unknown[..2]).await;
            if round < 3 {
                let fresh = page.assert_status(303).set_cookies().swap_remove(0).value;
                let question = Question::about(&world, WIKI, "/");
                let question = question.with("cookie", &header(&[unknown[0], &fresh, unknown[1]]));
                assert_eq!(question.status().await, 200);
            } else {
                page.assert_status(400).assert_no_header("location").assert_page_headers();
                assert!(page.text().contains("Delete the cookies"), "{}", page.describe());
            }
        }
        // Nothing helps against too many, or against one of somebody else's.
        for values in [&unknown[..], &[alice.as_str(), &bob]] {
            let page = start(values).await;
            page.assert_status(400).assert_no_header("location");
            assert!(page.set_cookies().iter().all(|cookie| cookie.name != COOKIE));
        }
        assert_eq!(events(&world, "gateway.opened").await, opened + 3);
        // Other devices of hers get in meanwhile, and so does this browser once it has tidied up.
        visitor(&world, &ALICE).await;
        start(&[]).await.assert_status(303);
    }

    async fn the_way_back_leads_to_an_app_and_nowhere_else(backend: Backend) {
        let world = gateway(backend).await;
        let (browser, _) = visitor(&world, &ALICE).await;
        for rd in [
            "https://evil.test/", "//evil.test/", "/x", "", "http://localhost:1003/",
            "http://localhost:1001.evil.test/", "http://localhost:1001@evil.test/",
            "http://evil.test@localhost:1001/", "http://evil.test\\@localhost:1001/",
            "http:localhost:1001/", "javascript://localhost:1001/%0aalert(1)",
            "http://localhost:1001", "http://localhost:1001/../x", "http://localhost:1001/a b",
            "http://localhost:1001//evil.test", "http://localhost:1001/\r\nX: y",
            "http://localhost:1001/#x", "http://wiki.corp.test/", "data:text/html,x",
        ] {
            let page = browser.get(&start_path(rd)).await;
            page.assert_status(400).assert_no_header("location").assert_page_headers();
            assert!(page.set_cookies().is_empty(), "{rd}");
        }
        let twice = "/gateway/start?rd=http://localhost:1001/&rd=http://evil.test/";
        browser.get(twice).await.assert_status(400);
        let odd = format!("{}&acr=aal9", start_path("http://localhost:1001/"));
        browser.get(&odd).await.assert_status(400);
        let strong = format!("{}&acr=aal2", start_path("http://localhost:1001/"));
        browser.get(&strong).await.assert_status(403).assert_no_header("location");
    }

    async fn nobody_fills_the_log_by_coming_without_the_cookie(backend: Backend) {
        let world = gateway(backend).await;
        let (browser, _) = visitor(&world, &ALICE).await;
        let path = start_path(&format!("http://{WIKI}/"));
        let (mut kept, mut last) = (browser.copy(), browser.get(&path).await);
        for _ in 0..110 {
            browser.cookies(|jar| jar.remove(&browser.resolve("/"), COOKIE));
            last = browser.get(&path).await;
            if last.status.as_u16() == 303 {
                kept = browser.copy();
            }
        }
        last.assert_status(429).assert_page_headers().assert_no_header("location");
        assert!(last.set_cookies().iter().all(|cookie| cookie.name != COOKIE));
        assert!(last.header("retry-after").parse::<i64>().expect("seconds") > 0);
        assert_eq!(events(&world, "gateway.opened").await, 100);
        assert_eq!(events(&world, "limit.passed").await, 1);
        // Whoever has a cookie needs none, and others have a count of their own, as have her other devices.
        kept.get(&path).await.assert_status(303);
        visitor(&world, &BOB).await;
        visitor(&world, &ALICE).await;
    }

    async fn a_socket_for_both_families_knows_the_proxy_by_its_ipv4_address(backend: Backend) {
        let mut world = builder(backend).prepare().await;
        world.set("DOORWARD_SERVER__LISTEN", &format!("[::]:{}", world.port));
        world.start_server().await;
        add_people(&world);
        let (_, cookie) = visitor(&world, &ALICE).await;
        for (address, expected) in [("127.0.0.1", 200), ("[::1]", 403)] {
            let base = format!("http://{address}:{}", world.port);
            let question = Question::about(&world, WIKI, "/").at(&base).cookie(&cookie);
            assert_eq!(question.status().await, expected, "{address}");
        }
    }

    async fn a_refused_question_is_counted_once(backend: Backend) {
        let world = gateway(backend).await;
        let refused = async || {
            let metrics = crate::kit::flow::get(&world.management_url("/metrics")).await.text;
            let begin = "doorward_gateway_checks_total{result=\"refused\"} ";
            let found = metrics.lines().find_map(|line| line.strip_prefix(begin));
            found.and_then(|count| count.parse::<u64>().ok()).expect("a count")
        };
        let before = refused().await;
        for (counted, target) in (1..).zip(["/Board", "/x//y", "/public/../board"]) {
            assert_eq!(Question::about(&world, WIKI, target).status().await, 403, "{target}");
            assert_eq!(refused().await, before + counted, "{target}");
        }
    }

    async fn looking_only_makes_no_cookie(backend: Backend) {
        let world = gateway(backend).await;
        let (browser, _) = visitor(&world, &ALICE).await;
        browser.cookies(|jar| jar.remove(&browser.resolve("/"), COOKIE));
        let url = browser.resolve(&start_path(&format!("http://{WIKI}/")));
        let answer = browser.send(browser.request(reqwest::Method::HEAD, &url)).await;
        answer.assert_status(200);
        assert!(answer.set_cookies().is_empty());
    }
}

/// Everybody but the proxy in the list is told the same, however good the question.
#[tokio::test(flavor = "multi_thread")]
async fn only_a_trusted_proxy_may_ask() {
    let settings = settings(WIKI, STAFF).replace("127.0.0.1", "192.0.2.7");
    let builder = World::builder(Backend::Embedded).config_file(&settings);
    let world = builder.start().await;
    add_people(&world);
    let (_, cookie) = visitor(&world, &ALICE).await;
    for question in [
        Question::about(&world, WIKI, "/").cookie(&cookie),
        Question::about(&world, WIKI, "/public").cookie(&cookie),
        Question::about(&world, WIKI, "/").cookie(&cookie).with("x-forwarded-for", "192.0.2.7"),
        Question::about(&world, WIKI, "/").cookie(&cookie).with("forwarded", "for=192.0.2.7"),
        Question::about(&world, WIKI, "/").cookie(&cookie).path("/gateway/envoy/"),
        Question::about(&world, WIKI, "/"),
    ] {
        assert_eq!(question.status().await, 403);
    }
}

/// A list with mistakes does not start.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_with_a_mistake_in_its_rules_does_not_start() {
    for (right, wrong, told) in [
        ("\"group:board\"", "\"groups:board\"", "group:NAME"),
        ("localhost:1002", "localhost:1001", "there twice"),
        ("localhost:1002", "wiki.corp.test", "gateway.cookie_domain"),
        ("trusted_proxies = [\"127.0.0.1\"]", "", "server.trusted_proxies"),
        ("aal2", "aal7", "aal1 or aal2"),
        ("path = \"/board\"", "path = \"/a/../board\"", "not a plain path"),
    ] {
        let text = settings(WIKI, STAFF).replace(right, wrong);
        let world = builder(Backend::Embedded).config_file(&text).prepare().await;
        let output = world.run(&["config", "check"]);
        let said = [output.stderr, output.stdout].concat();
        let said = String::from_utf8_lossy(&said);
        assert_eq!(output.status.code(), Some(78), "{said}");
        assert!(said.contains(told), "{told:?} is not in {said}");
    }
}
