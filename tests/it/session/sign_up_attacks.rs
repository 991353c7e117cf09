//! The form for new accounts under attack: guessing who has one, flooding, racing, forging.

use futures_util::future::join_all;
use reqwest::Method;

use crate::kit::fixtures::{ALICE, BOB, Bed, unique};
use crate::kit::flow::{count, is_signed_in};
use crate::session::sign_up::{PASSWORD, fill_in, open, open_with};
use crate::support::browser_like::Page;

/// Everybody, by the number of accounts and passwords there are.
async fn people(bed: &Bed) -> (i64, i64) {
    let users = count(&bed.world, "select count(*) from users").await;
    (users, count(&bed.world, "select count(*) from passwords").await)
}

async fn try_name(bed: &Bed, username: &str) -> Page {
    let page = bed.world.browser().get("/login/create").await;
    fill_in(&page, username).submit().await
}

on_both_backends! {
    async fn a_taken_name_is_told_and_a_taken_address_is_not(backend: Backend) {
        let bed = open(backend).await;
        for name in [ALICE.username, " ALICE ", "admin", "Ad-Min", "root"] {
            let page = try_name(bed, name).await;
            page.assert_status(422);
            assert!(page.text().contains("This username is taken"), "{name}: {}", page.text());
        }
        // Names that look like addresses are refused alike, whether somebody has them or not.
        let answers = async |name: &'static str| {
            let page = try_name(bed, name).await;
            (page.status.as_u16(), page.texts("#username-error"))
        };
        assert_eq!(answers(ALICE.email).await, answers("nobody@people.test").await);
        // An address of somebody else's is taken down like any other, and takes nothing from them.
        let browser = bed.world.browser();
        let name = unique("mona");
        let page = browser.get("/login/create").await;
        let form = fill_in(&page, &name).set("email", ALICE.email);
        form.submit().await.assert_status(303);
        let account = browser.get("/account").await;
        assert!(account.text().contains(ALICE.email), "{}", account.text());
        let page = bed.world.browser().get("/login").await;
        let by_address = page.form("sign-in").set("username", ALICE.email);
        by_address.set("password", PASSWORD).submit().await.assert_status(401);
        let alice = bed.signed_in(&ALICE).await;
        let page = alice.get("/account").await;
        assert!(page.text().contains("Your username is alice"), "{}", page.text());
        let page = bed.world.browser().get("/login").await;
        let by_address = page.form("sign-in").set("username", ALICE.email);
        by_address.set("password", ALICE.password).submit().await.assert_status(303);
    }

    async fn whoever_tries_many_names_has_to_wait(backend: Backend) {
        let world = crate::support::world::World::builder(backend);
        let world = world.env("DOORWARD_SIGN_UP__MODE", "open");
        // A network may fail ten times as often as an account, and then rests for an hour.
        let world = world.env("DOORWARD_LIMITS__LOGIN_HOURLY_FAILURES", "1").start().await;
        let bed = Bed::new(world, &[]).await;
        for _ in 0..10 {
            try_name(&bed, ALICE.username).await.assert_status(422);
        }
        let before = people(&bed).await;
        // Taken or free, nothing is told any more, whoever asks from there.
        for name in [ALICE.username, "nobody-yet"] {
            let page = try_name(&bed, name).await;
            page.assert_status(429).assert_page_headers();
            assert!(page.header("retry-after").parse::<u64>().unwrap() > 0);
            assert!(!page.text().contains("taken"), "{}", page.text());
        }
        assert_eq!(people(&bed).await, before);
        assert_eq!(bed.audit_count("sign_up.taken").await, 10);
        assert!(is_signed_in(&bed.signed_in(&ALICE).await).await, "signing in is another matter");
    }

    async fn one_network_makes_so_many_accounts_an_hour_and_no_more(backend: Backend) {
        let bed = open_with(backend, &[("PER_HOUR", "2")], &[]).await;
        let before = people(&bed).await;
        for (name, status) in [("mia", 303), ("max", 303), ("moe", 429), ("may", 429)] {
            // What is refused before a hash is made counts for nothing.
            try_name(&bed, "a b").await.assert_status(422);
            try_name(&bed, name).await.assert_status(status);
        }
        assert_eq!(people(&bed).await, (before.0 + 2, before.1 + 2));
    }

    async fn of_64_people_who_choose_one_name_at_once_one_gets_it(backend: Backend) {
        let world = crate::support::world::World::builder(backend);
        let world = world.env("DOORWARD_SIGN_UP__MODE", "open");
        let world = world.env("DOORWARD_SIGN_UP__PER_HOUR", "1000");
        let world = world.env("DOORWARD_LIMITS__ADDRESS_FREE_FAILURES", "1000").start().await;
        let bed = Bed::new(world, &[]).await;
        let pages = join_all((0..64).map(|_| async {
            bed.world.browser().get("/login/create").await
        }));
        let forms = pages.await.into_iter().map(|page| fill_in(&page, "marathon"));
        let answers = join_all(forms.map(|form| async {
            let browser_page = form.submit().await;
            browser_page.status.as_u16()
        }));
        let answers = answers.await;
        assert_eq!(answers.iter().filter(|status| **status == 303).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|status| [303, 422].contains(status)), "{answers:?}");
        let found = "select count(*) from users where username = 'marathon'";
        assert_eq!(count(&bed.world, found).await, 1);
        assert_eq!(bed.audit_count("user.signed_up").await, 1);
        // Nothing is left of the others.
        let orphans = "select count(*) from passwords where user_id not in (select id from users)";
        assert_eq!(count(&bed.world, orphans).await, 0);
        assert_eq!(people(&bed).await, (3, 3));
    }

    async fn forms_of_others_make_no_account(backend: Backend) {
        let bed = open(backend).await;
        let browser = bed.world.browser();
        let page = browser.get("/login/create").await;
        let name = unique("milo");
        let form = || fill_in(&page, &name);
        for forged in [
            form().without("csrf"), form().forge("csrf", "x"), form().without("flow"),
            form().forge("flow", "garbage"),
        ] {
            forged.submit().await.assert_status(403);
        }
        let url = form().action;
        for (header, value) in [("Origin", "https://evil.test"), ("Sec-Fetch-Site", "cross-site")] {
            let request = browser.request(Method::POST, &url).form(&form().pairs());
            browser.send(request.header(header, value)).await.assert_status(403);
        }
        // Another browser's form, and one for the console.
        let stranger = bed.world.browser();
        stranger.get("/login").await;
        let request = stranger.request(Method::POST, &url).form(&form().pairs());
        stranger.send(request.header("Sec-Fetch-Site", "same-origin")).await.assert_status(403);
        let console = browser.get("/login?next=admin").await.form("sign-in");
        let console = form().forge("flow", console.value("flow").unwrap());
        console.submit().await.assert_status(400);
        let found = format!("select count(*) from users where username = '{name}'");
        assert_eq!(count(&bed.world, &found).await, 0);
        assert!(!is_signed_in(&browser).await && !is_signed_in(&stranger).await);
        form().submit().await.assert_status(303);
        assert_eq!(count(&bed.world, &found).await, 1);
        browser.get("/login/create?flow=garbage").await.assert_status(400);
    }

    async fn hostile_words_are_typed_back_and_never_run(backend: Backend) {
        let bed = open(backend).await;
        let browser = bed.world.browser();
        let evil = "\"><script>alert(1)</script>\u{202e}x";
        let page = browser.get("/login/create").await;
        let form = page.form("sign-up").set("username", evil).set("email", evil);
        let page = form.set("name", evil).set("password", &format!("{evil}\0")).submit().await;
        page.assert_status(422).assert_page_headers();
        assert!(!page.body.contains("<script>alert"), "{}", page.body);
        assert_eq!(page.form("sign-up").value("username"), Some(evil));
        for (name, password) in [("x".repeat(60_000), PASSWORD.to_owned()), ("y".into(), "p".repeat(60_000))] {
            let form = page.form("sign-up").set("username", &name).set("email", "").set("name", "");
            form.set("password", &password).submit().await.assert_status(422);
        }
        assert!(!is_signed_in(&browser).await);
        // Nobody gets into somebody else's account by making one of the same name.
        let page = try_name(bed, BOB.username).await;
        assert!(page.set_cookies().iter().all(|cookie| cookie.name != "doorward_session"));
    }
}
