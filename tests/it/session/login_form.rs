//! The sign-in form under attack (security catalogue, part H).

use std::time::Duration;

use reqwest::Method;
use scraper::Html;

use crate::kit::fixtures::{ALICE, BOB, Bed, Callback, MALLORY, Person, fill_in, walk};
use crate::kit::flow::{count, execute, get};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::servers::Persistence;
use crate::support::world::World;

async fn try_sign_in(browser: &Browser, username: &str, password: &str) -> Page {
    let page = browser.get("/login").await;
    page.form("sign-in").set("username", username).set("password", password).submit().await
}

/// What a reader or a program can tell from the answer, without what differs every time.
fn visible(page: &Page, username: &str) -> (u16, Vec<String>, Vec<String>, String) {
    let mut names: Vec<_> = page.headers.keys().map(|name| name.as_str().to_owned()).collect();
    names.retain(|name| !["date", "content-length"].contains(&name.as_str()));
    names.sort();
    let cookies = page.set_cookies().into_iter().map(|cookie| cookie.name).collect();
    let document = Html::parse_document(&page.body);
    let mut markup = String::new();
    for element in document.root_element().descendent_elements() {
        let value = element.value();
        let mut attributes: Vec<_> = value
            .attrs()
            .filter(|(name, _)| !["nonce", "value"].contains(name))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        attributes.sort();
        let text: String =
            element.children().filter_map(|n| n.value().as_text().map(|t| t.to_string())).collect();
        let (name, attributes) = (value.name(), attributes.join(" "));
        let line = ["<", name, " ", &attributes, ">", text.trim(), "\n"];
        markup.extend(line);
    }
    let markup = markup.replace(page.header("x-request-id"), "REQUEST");
    (page.status.as_u16(), names, cookies, markup.replace(username, "USERNAME"))
}

const WRONG: &str = "not the password of anybody";

/// Loses her password in [`unusable_accounts`].
const CAROL: Person = Person {
    username: "carol",
    email: "carol@people.test",
    name: "Carol",
    password: "copper weather in the attic",
};

/// Makes mallory, who is disabled, and carol, who has no password.
async fn unusable_accounts(bed: &Bed) {
    bed.add_person(&MALLORY, &[]);
    bed.world.cli(&["user", "disable", "mallory"]);
    bed.add_person(&CAROL, &[]);
    let carol = "(select id from users where username = 'carol')";
    execute(&bed.world, &format!("delete from passwords where user_id = {carol}")).await;
}

/// What the server has done since it started.
struct Work {
    /// Passwords compared.
    passwords: u64,
    /// Events in the audit log.
    events: i64,
    /// Counters raised in Redis, and looks at several of its keys.
    counted: u64,
    looked: u64,
}

async fn work_done(bed: &mut Bed) -> Work {
    let metrics = get(&bed.world.management_url("/metrics")).await.text;
    let name = "doorward_password_hash_duration_seconds_count ";
    let passwords = metrics.lines().find_map(|line| line.strip_prefix(name)).expect(name);
    let stats: String = match bed.world.backend {
        Backend::Embedded => String::new(),
        Backend::Production => bed.world.redis().query(&["INFO", "commandstats"]),
    };
    let calls = |command: &str| {
        let name = format!("cmdstat_{command}:calls=");
        let line = stats.lines().find_map(|line| line.strip_prefix(&name));
        line.map_or(0, |line| line.split(',').next().unwrap().parse().unwrap())
    };
    Work {
        passwords: passwords.parse().unwrap(),
        events: count(&bed.world, "select count(*) from audit_events").await,
        counted: calls("eval"),
        looked: calls("mget"),
    }
}

on_both_backends! {
    async fn every_wrong_sign_in_gets_the_same_answer(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        unusable_accounts(&bed).await;
        let browser = bed.world.browser();
        browser.get("/login").await;
        let known = visible(&try_sign_in(&browser, "alice", WRONG).await, "alice");
        assert_eq!(known.0, 401);
        for (username, password) in [
            ("nobody", WRONG), ("mallory", WRONG), ("mallory", MALLORY.password), ("bob", WRONG),
            ("alice@people.test", WRONG), ("nobody@people.test", WRONG), ("nobody", ""),
            ("alice", ""), ("carol", WRONG), ("carol", CAROL.password), ("carol", ""),
            ("'; drop table users; --", WRONG), ("\u{1f6aa}", WRONG),
        ] {
            let page = try_sign_in(&browser, username, password).await;
            assert_eq!(visible(&page, username), known, "{username} {password}");
            assert!(browser.cookie("doorward_session").is_none());
        }
        let page = try_sign_in(&browser, "alice", WRONG).await;
        // The name stays in the form, the password does not.
        assert_eq!(page.form("sign-in").value("username"), Some("alice"));
        assert_eq!(page.form("sign-in").value("password"), Some(""));
        bed.world.assert_log_is_clean(&[WRONG, MALLORY.password, CAROL.password]);
    }

    async fn every_wrong_sign_in_costs_the_same_work(backend: Backend) {
        let world = World::builder(backend).own_redis(Persistence::AppendOnly).start().await;
        let mut bed = Bed::new(world, &[]).await;
        unusable_accounts(&bed).await;
        let browser = bed.world.browser();
        browser.get("/login").await;
        for (class, username, password) in [
            ("known, wrong password", "alice", WRONG), ("unknown", "nobody", WRONG),
            ("disabled, wrong password", "mallory", WRONG),
            ("disabled, right password", "mallory", MALLORY.password),
            ("without a password", "carol", WRONG), ("empty password", "bob", ""),
            ("unknown, empty password", "nobody-else", ""),
        ] {
            let before = work_done(&mut bed).await;
            assert_eq!(try_sign_in(&browser, username, password).await.status.as_u16(), 401);
            let after = work_done(&mut bed).await;
            assert_eq!(after.passwords, before.passwords + 1, "{class}");
            assert_eq!(after.events, before.events + 1, "{class}");
            // Two counters are raised, the account's and the address', after one look at both.
            let (counted, looked) = if backend == Backend::Production { (2, 1) } else { (0, 0) };
            assert_eq!(after.counted, before.counted + counted, "{class}");
            assert_eq!(after.looked, before.looked + looked, "{class}");
        }
    }

    async fn guessing_is_throttled_and_the_throttle_tells_nothing(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let browser = bed.world.browser();
        let mut first_refusal = None;
        for n in 1..=30 {
            let page = try_sign_in(&browser, "alice", &format!("guess number {n}")).await;
            assert!(matches!(page.status.as_u16(), 401 | 429), "{}", page.describe());
            if page.status.as_u16() == 429 && first_refusal.is_none() {
                first_refusal = Some((n, page));
            }
        }
        let (n, page) = first_refusal.expect("30 guesses and no throttle");
        assert!(n <= 10, "throttled only at guess {n}");
        page.assert_page_headers();
        let wait: u64 = page.header("retry-after").parse().expect("Retry-After in seconds");
        assert!((1..=900).contains(&wait), "{wait}");
        let wrong = try_sign_in(&browser, "alice", "wrong again").await;
        let right = try_sign_in(&browser, "alice", ALICE.password).await;
        if wrong.status.as_u16() == 429 && right.status.as_u16() == 429 {
            assert_eq!(visible(&wrong, "alice"), visible(&right, "alice"));
        }
        assert!(browser.cookie("doorward_session").is_none() || right.status.as_u16() == 303);
        // Others are not affected, and she is let in again by herself.
        assert_eq!(try_sign_in(&bed.world.browser(), "bob", BOB.password).await.status.as_u16(), 303);
        let start = std::time::Instant::now();
        loop {
            let page = try_sign_in(&browser, "alice", ALICE.password).await;
            if page.status.as_u16() == 303 {
                break;
            }
            assert!(start.elapsed() < Duration::from_mins(1), "never let in again");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        assert!(bed.audit_count("sign_in.failed").await >= 5);
        bed.assert_log_is_clean();
    }

    async fn odd_passwords_are_neither_hashed_nor_cut(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let status = async |username: &str, password: &str| {
            try_sign_in(&bed.world.browser(), username, password).await.status.as_u16()
        };
        assert_eq!(status("alice", &"a".repeat(1025)).await, 400);
        assert_eq!(status("alice", &"\u{e9}".repeat(513)).await, 400);
        assert_eq!(status("alice", "with\0nul").await, 400);
        assert_eq!(status("alice", &"a".repeat(1_000_000)).await, 413);
        let add = |username: &str, password: &str| {
            let email = format!("{username}@people.test");
            let arguments = ["user", "create", "--username", username, "--email", &email,
                "--password-file", "-"];
            bed.world.run_with_input(&arguments, password).status.success()
        };
        let emoji: String = "🚪🔑🏠🌳🦊🍏🎈📚🧭🎻🪁🧩🛶🪐🧵🎡".repeat(4);
        assert_eq!(emoji.chars().count(), 64);
        assert!(add("emoji", &emoji));
        assert_eq!(status("emoji", &emoji).await, 303);
        let cut: String = emoji.chars().take(63).collect();
        assert_eq!(status("emoji", &cut).await, 401);
        // Composed and decomposed accents are the same password, however they are typed.
        let (composed, decomposed) = ("caf\u{e9} noir \u{e0} midi pile", "cafe\u{301} noir a\u{300} midi pile");
        assert!(add("composed", composed) && add("decomposed", decomposed));
        for username in ["composed", "decomposed"] {
            for password in [composed, decomposed] {
                assert_eq!(status(username, password).await, 303, "{username}");
            }
        }
        // Passwords of 72 bytes and more count to their end.
        let long = "seven quiet lanterns drift over the canal while nobody is counting them at all";
        assert!(add("long", &format!("{long}A")));
        assert_eq!(status("long", &format!("{long}B")).await, 401);
        assert_eq!(status("long", &format!("{long}A")).await, 303);
        for bad in ["short", "passwordpassword", &"a".repeat(1025), "with\0nul and some words"] {
            assert!(!add("refused", bad), "{bad:.20}");
        }
        bed.assert_log_is_clean();
    }

    async fn a_name_or_an_address_in_any_case_signs_in(backend: Backend) {
        let bed = Bed::shared(backend).await;
        for login in ["alice", "ALICE", " alice ", "alice@people.test", "Alice@People.TEST"] {
            let page = try_sign_in(&bed.world.browser(), login, ALICE.password).await;
            assert_eq!(page.status.as_u16(), 303, "{login}");
        }
    }

    async fn a_forged_sign_in_makes_no_session(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.world.browser();
        let page = browser.get("/login").await;
        let other = bed.world.browser().get("/login").await;
        let good = || fill_in(&page, &ALICE);
        for (what, form) in [
            ("no csrf", good().without("csrf")), ("empty csrf", good().forge("csrf", "")),
            ("made up", good().forge("csrf", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")),
            ("of another browser", good().forge("csrf", other.form("sign-in").value("csrf").unwrap())),
            ("no flow", good().without("flow")), ("made up flow", good().forge("flow", "x")),
            ("flow of another browser", good().forge("flow", other.form("sign-in").value("flow").unwrap())),
        ] {
            let answer = form.submit().await;
            assert_eq!(answer.status.as_u16(), 403, "{what}: {}", answer.describe());
            assert!(browser.cookie("doorward_session").is_none(), "{what}");
        }
        let url = browser.resolve("/login");
        for (name, value) in [
            ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Site", "same-site"),
            ("Sec-Fetch-Site", "nonsense"), ("Origin", "https://evil.test"), ("Origin", "null"),
        ] {
            let request = browser.request(Method::POST, &url).form(&good().pairs());
            let answer = browser.send(request.header(name, value)).await;
            assert_eq!(answer.status.as_u16(), 403, "{name}: {value}");
            assert!(browser.cookie("doorward_session").is_none(), "{name}: {value}");
        }
        // A browser that keeps no cookies cannot be told from another.
        let cookieless = browser.copy();
        cookieless.forget_cookies();
        let request = cookieless.request(Method::POST, &url).form(&good().pairs());
        assert_eq!(cookieless.send(request).await.status.as_u16(), 403);
        // Credentials in the query sign nobody in and are not logged.
        let query = serde_urlencoded::to_string(good().pairs()).unwrap();
        let answer = browser.get(&format!("/login?{query}")).await;
        assert!(answer.has_form("sign-in") && browser.cookie("doorward_session").is_none());
        assert!(!answer.body.contains(ALICE.password));
        let empty = browser.post(&format!("/login?{query}"), &[]).await;
        assert_eq!(empty.status.as_u16(), 403, "{}", empty.describe());
        assert_eq!(good().submit().await.status.as_u16(), 303);
        bed.world.assert_log_is_clean(&["violet+tractor", "violet%20tractor"]);
        bed.assert_log_is_clean();
    }

    async fn a_flow_cannot_be_used_for_another_request_or_a_skipped_step(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("fresh"), bed.signed_in(&BOB).await);
        let page = rp.authorize(&browser, &[]).await;
        let consent = page.form("consent");
        for (what, form) in [
            ("no csrf", consent.clone().without("csrf")), ("no flow", consent.clone().without("flow")),
            ("edited flow", consent.clone().forge("flow", &format!("{}A", consent.value("flow").unwrap()))),
            ("a sign-in's csrf", consent.clone().forge("csrf",
                bed.world.browser().get("/login").await.form("sign-in").value("csrf").unwrap())),
        ] {
            let answer = form.press("decision", "allow").submit().await;
            assert_eq!(answer.status.as_u16(), 403, "{what}: {}", answer.describe());
        }
        let silent = rp.authorize(&browser, &[("prompt", "none")]).await;
        crate::kit::checks::assert_client_error(&silent, &rp, "consent_required");
        // Without having signed in, the consent form's flow leads to the sign-in form.
        let anonymous = browser.copy();
        let url = browser.resolve("/");
        anonymous.cookies(|jar| jar.remove(&url, "doorward_session"));
        let flow = consent.value("flow").unwrap();
        let page = anonymous.get(&format!("/consent?flow={flow}")).await;
        assert!(page.has_form("sign-in") && page.try_location().is_none(), "{}", page.describe());
        let other = walk(page, &BOB).await;
        Callback::of(&other).code();
    }
}
