//! The gateway check with its cookie: who may pass, what the app is told, and where people are sent.

use crate::kit::fixtures::{ALICE, BOB, fill_in};
use crate::kit::flow::{count, is_signed_in};
use crate::kit::gateway::{
    COOKIE, Question, STAFF, TOLD, WIKI, gateway, start_path, unknown_cookie, visitor,
};
use crate::support::authority::{Authority, Name};
use crate::support::backends::Backend;
use crate::support::world::World;

on_both_backends! {
    async fn whoever_has_signed_in_gets_to_the_app_and_the_app_learns_who_it_is(backend: Backend) {
        let world = gateway(backend).await;
        let (_, cookie) = visitor(&world, &ALICE).await;
        let answer = Question::about(&world, WIKI, "/page?a=b").cookie(&cookie).ask().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        for (name, expected) in [
            ("x-user-email", ALICE.email),
            ("x-user-name", ALICE.name),
            ("x-user-groups", "climbers,staff"),
            ("x-user-roles", ""),
            ("x-org-id", ""),
        ] {
            assert_eq!(answer.header(name), expected, "{name}");
        }
        let sql = "select cast(count(*) as bigint) from sessions where id = ";
        let session = answer.header("x-session-id");
        assert_eq!(count(&world, &format!("{sql}'{session}'")).await, 1);
        let user = answer.header("x-user-id");
        let sql = format!("select cast(count(*) as bigint) from users where id = '{user}'");
        assert_eq!(count(&world, &sql).await, 1);
        assert!(!answer.text.contains("Alice"), "{answer:?}");
    }

    async fn an_unverified_mailbox_is_not_passed_on(backend: Backend) {
        let world = gateway(backend).await;
        let (_, cookie) = visitor(&world, &BOB).await;
        let answer = Question::about(&world, WIKI, "/").cookie(&cookie).ask().await;
        assert_eq!((answer.status, answer.header("x-user-email")), (200, ""));
        assert_eq!(answer.header("x-user-name"), BOB.name);
    }

    async fn a_person_who_has_not_signed_in_is_sent_to_the_sign_in_and_back(backend: Backend) {
        let world = gateway(backend).await;
        let page = "/page?a=b&c=%2Fd";
        let answer = Question::about(&world, WIKI, page).path("/gateway/verify?redirect").ask().await;
        assert_eq!(answer.status, 302, "{answer:?}");
        let browser = world.browser();
        let form = browser.get(answer.header("location")).await;
        form.assert_status(200).assert_page_headers();
        assert!(form.text().contains(WIKI), "{}", form.describe());
        let back = fill_in(&form, &ALICE).submit().await.follow().await;
        back.assert_status(303).assert_header("location", &format!("http://{WIKI}{page}"));
        let cookie = browser.cookie(COOKIE).expect("the gateway's cookie");
        assert_eq!(Question::about(&world, WIKI, page).cookie(&cookie).status().await, 200);
    }

    async fn somebody_signed_in_already_gets_the_cookie_without_a_form_and_only_once(
        backend: Backend
    ) {
        let world = gateway(backend).await;
        let (browser, first) = visitor(&world, &ALICE).await;
        let tabs = [browser.get("/account").await, browser.get(&start_path(&format!("http://{STAFF}/staff"))).await];
        tabs[0].assert_status(200);
        tabs[1].assert_status(303).assert_header("location", &format!("http://{STAFF}/staff"));
        assert!(tabs[1].set_cookies().is_empty(), "the cookie it has still does");
        browser.cookies(|jar| jar.remove(&browser.resolve("/"), COOKIE));
        browser.get(&start_path(&format!("http://{WIKI}/"))).await.assert_status(303);
        let second = browser.cookie(COOKIE).expect("another cookie");
        assert_ne!(first, second);
        for cookie in [first, second] {
            assert_eq!(Question::about(&world, WIKI, "/").cookie(&cookie).status().await, 200);
        }
    }

    async fn tabs_that_sign_in_at_once_all_arrive(backend: Backend) {
        let world = gateway(backend).await;
        let browser = world.browser();
        let (one, two) = (format!("http://{WIKI}/one"), format!("http://{WIKI}/two"));
        let first = browser.get(&start_path(&one)).await;
        let second = browser.get(&start_path(&two)).await;
        for (form, back_to) in [(second, &two), (first, &one)] {
            let back = fill_in(&form, &ALICE).submit().await.follow().await;
            back.assert_status(303).assert_header("location", back_to);
            let cookie = browser.cookie(COOKIE).expect("the gateway's cookie");
            assert_eq!(Question::about(&world, WIKI, "/").cookie(&cookie).status().await, 200);
        }
    }

    async fn rules_decide_by_host_path_and_person(backend: Backend) {
        let world = gateway(backend).await;
        let (_, alice) = visitor(&world, &ALICE).await;
        let (_, bob) = visitor(&world, &BOB).await;
        for (host, target, for_alice, for_bob) in [
            (WIKI, "/", 200, 200),
            (WIKI, "/board/minutes", 403, 200),
            (WIKI, "/boarding", 200, 200),
            (WIKI, "/owners", 403, 403),
            (WIKI, "/nobody", 403, 403),
            (WIKI, "/strong", 403, 403),
            (STAFF, "/staff/x", 200, 403),
            (STAFF, "/", 403, 403),
            ("localhost:1003", "/", 403, 403),
            ("elsewhere.localhost", "/", 403, 403),
        ] {
            for (cookie, expected) in [(&alice, for_alice), (&bob, for_bob)] {
                let status = Question::about(&world, host, target).cookie(cookie).status().await;
                assert_eq!(status, expected, "{host}{target}");
            }
        }
    }

    async fn a_public_page_tells_the_app_of_nobody(backend: Backend) {
        let world = gateway(backend).await;
        let (_, cookie) = visitor(&world, &ALICE).await;
        for question in [
            Question::about(&world, WIKI, "/public/logo.png"),
            Question::about(&world, WIKI, "/public/logo.png").cookie(&cookie),
            Question::about(&world, WIKI, "/public").bearer("nonsense"),
        ] {
            let answer = question.with("x-user-id", "admin").ask().await;
            assert_eq!(answer.status, 200);
            for name in TOLD.into_iter().chain(["x-doorward-assertion"]) {
                assert_eq!(answer.header(name), "", "{name}");
            }
        }
    }

    async fn programs_are_told_401_and_people_where_to_sign_in(backend: Backend) {
        let world = gateway(backend).await;
        let place = format!("{}/gateway/start?rd=http%3A%2F%2Flocalhost%3A1001%2Fx", world.issuer);
        let plain = Question::about(&world, WIKI, "/x").ask().await;
        assert_eq!((plain.status, plain.header("location")), (401, place.as_str()));
        let redirect = "/gateway/verify?redirect";
        let person = Question::about(&world, WIKI, "/x").path(redirect).ask().await;
        assert_eq!((person.status, person.header("location")), (302, place.as_str()));
        for (name, value) in [
            ("accept", "application/json"),
            ("sec-fetch-mode", "cors"),
            ("x-requested-with", "XMLHttpRequest"),
        ] {
            let question = Question::about(&world, WIKI, "/x").path(redirect).with(name, value);
            let answer = question.ask().await;
            assert_eq!((answer.status, answer.header("location")), (401, ""), "{name}");
            assert!(answer.header("www-authenticate").starts_with("Bearer"), "{answer:?}");
        }
    }

    async fn a_check_writes_nothing_to_the_database(backend: Backend) {
        let world = gateway(backend).await;
        let (_, cookie) = visitor(&world, &ALICE).await;
        let everything = "select cast((select count(*) from audit_events) + \
            (select count(*) from sessions) + (select count(*) from gateway_cookies) + \
            (select count(*) from revocations) as bigint)";
        let before = count(&world, everything).await;
        for _ in 0..5 {
            assert_eq!(Question::about(&world, WIKI, "/").cookie(&cookie).status().await, 200);
            assert_eq!(Question::about(&world, WIKI, "/board").cookie(&cookie).status().await, 403);
            assert_eq!(Question::about(&world, WIKI, "/").cookie(&unknown_cookie()).status().await, 401);
        }
        assert_eq!(count(&world, everything).await, before);
    }

    async fn the_gateway_is_off_unless_it_is_set_up(world: World) {
        let answer = crate::kit::flow::get(&world.url("/gateway/verify")).await;
        assert_eq!(answer.status, 404);
        world.browser().get(&start_path(&format!("http://{WIKI}/"))).await.assert_status(404);
    }

    async fn the_cookie_is_sent_to_the_apps_hosts_alone_and_is_no_session_of_doorward(
        backend: Backend
    ) {
        let world = gateway(backend).await;
        let (browser, cookie) = visitor(&world, &ALICE).await;
        assert_ne!(browser.cookie("doorward_session").as_deref(), Some(cookie.as_str()));
        for name in ["doorward_session", "doorward_accounts"] {
            let thief = world.browser();
            thief.plant_cookie(name, &cookie);
            assert!(!is_signed_in(&thief).await, "{name}");
            let page = thief.get(&start_path(&format!("http://{WIKI}/"))).await;
            assert!(page.has_form("sign-in"), "{}", page.describe());
            thief.get("/admin").await.assert_status(303);
        }
        let session = browser.cookie("doorward_session").expect("the session's cookie");
        let status = Question::about(&world, WIKI, "/").cookie(&session).status().await;
        assert_eq!(status, 401, "and the session's cookie opens no app");
    }
}

/// The attributes of the cookie where there is TLS, as browsers see it.
#[tokio::test(flavor = "multi_thread")]
async fn over_https_the_cookie_is_secure_and_has_the_configured_domain() {
    let identity = Authority::shared().issue(&[Name::Dns("id.corp.test")]);
    let settings = crate::kit::gateway::settings("wiki.corp.test", "staff.corp.test")
        .replace("enabled = true", "enabled = true\ncookie_domain = \"corp.test\"");
    let mut world = World::builder(Backend::Embedded).config_file(&settings).prepare().await;
    world.issuer = format!("https://id.corp.test:{}", world.port);
    world.set("DOORWARD_ISSUER", &world.issuer.clone());
    for (setting, file, text) in [
        ("DOORWARD_SERVER__TLS_CERT_FILE", "server.pem", &identity.certificate_pem),
        ("DOORWARD_SERVER__TLS_KEY_FILE", "server.key", &identity.key_pem),
    ] {
        let path = world.path(file);
        std::fs::write(&path, text).expect("write a PEM file");
        world.set(setting, &path.display().to_string());
    }
    world.start_server().await;
    crate::kit::gateway::add_people(&world);
    let (session, gateway) = cookies_of_a_sign_in(&world).await;
    assert!(session.starts_with("__Host-doorward_session="), "{session}");
    assert!(!session.contains("Domain"), "{session}");
    let mut parts: Vec<&str> = gateway.split("; ").collect();
    let pair = parts.remove(0);
    parts.sort_unstable();
    assert_eq!(parts, ["Domain=corp.test", "HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
    let value = pair.strip_prefix("__Secure-doorward_gateway=").expect("its name");
    assert_eq!(value.len(), 43, "256 bits");
}

/// Signs alice in over TLS by a name that only this client resolves; gives both cookies.
async fn cookies_of_a_sign_in(world: &World) -> (String, String) {
    use crate::support::browser_like::Browser;
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], world.port));
    let authority = reqwest::Certificate::from_pem(Authority::shared().pem().as_bytes());
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .tls_certs_only([authority.expect("the authority")])
        .resolve("id.corp.test", address)
        .build()
        .expect("an HTTP client");
    let browser = Browser::with_client(http, &world.issuer);
    let back_to = "https://wiki.corp.test/x";
    let form = browser.get(&start_path(back_to)).await;
    let posted = fill_in(&form, &ALICE).submit().await;
    let back = posted.follow().await;
    back.assert_status(303).assert_header("location", back_to);
    let cookie = |page: &crate::support::browser_like::Page, part: &str| {
        let all = page.headers.get_all("set-cookie").iter();
        let texts = all.map(|value| value.to_str().expect("a cookie").to_owned());
        texts.into_iter().find(|text| text.contains(part)).expect("the cookie")
    };
    (cookie(&posted, "session="), cookie(&back, "gateway="))
}
