//! Access to the apps ends with the session, at once and on every node, and nothing that fails is ever
//! taken for an "allow".

use std::time::Duration;

use futures_util::future::join_all;

use crate::kit::console;
use crate::kit::fixtures::{ALICE, BOB, Person};
use crate::kit::flow::{PATIENCE, SecondNode, count, execute, is_signed_in, sign_out};
use crate::kit::gateway::{
    COOKIE, Question, STAFF, WIKI, add_people, builder, gateway, start_path, visitor,
};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;
use crate::support::servers::Persistence;
use crate::support::world::World;

async fn passes(world: &World, cookie: &str) -> bool {
    match Question::about(world, WIKI, "/").cookie(cookie).status().await {
        200 => true,
        401 => false,
        other => panic!("neither in nor out: {other}"),
    }
}

/// A browser that has just been let in, so that every tier knows it.
async fn inside(world: &World, person: &Person) -> (Browser, String) {
    let (browser, cookie) = visitor(world, person).await;
    for _ in 0..2 {
        assert!(passes(world, &cookie).await);
    }
    (browser, cookie)
}

/// Goes to an app with the session's cookie alone, as a browser would that has lost the gateway's.
async fn enter_anew(browser: &Browser) -> String {
    let browser = browser.copy();
    let page = browser.resolve("/");
    browser.cookies(|jar| jar.remove(&page, COOKIE));
    browser.get(&start_path(&format!("http://{WIKI}/"))).await.assert_status(303);
    browser.cookie(COOKIE).expect("the gateway's cookie")
}

on_both_backends! {
    async fn a_session_has_ten_cookies_and_the_oldest_end(backend: Backend) {
        let world = gateway(backend).await;
        let (browser, first) = inside(&world, &ALICE).await;
        let (_, elsewhere) = inside(&world, &ALICE).await;
        let cookies = "select count(*) from gateway_cookies";
        // Cookies of one second have no order among them.
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let mut later = vec![];
        for _ in 0..9 {
            later.push(enter_anew(&browser).await);
        }
        assert_eq!(count(&world, cookies).await, 11);
        assert!(passes(&world, &first).await && passes(&world, &later[0]).await);
        let newest = enter_anew(&browser).await;
        assert_eq!(count(&world, cookies).await, 11);
        for _ in 0..2 {
            assert!(!passes(&world, &first).await, "known to every tier a moment ago");
        }
        for cookie in later.iter().chain([&newest, &elsewhere]) {
            assert!(passes(&world, cookie).await);
        }
        // However many come at once.
        join_all((0..12).map(|_| enter_anew(&browser))).await;
        assert_eq!(count(&world, cookies).await, 11);
        assert!(passes(&world, &elsewhere).await && is_signed_in(&browser).await);
    }

    async fn signing_out_ends_access_at_once_and_only_one_s_own(backend: Backend) {
        let world = gateway(backend).await;
        let (browser, alice) = inside(&world, &ALICE).await;
        let (_, bob) = inside(&world, &BOB).await;
        let second_device = inside(&world, &ALICE).await.1;
        sign_out(&browser).await;
        assert!(!passes(&world, &alice).await, "the answer came after the revocation was acknowledged");
        assert_eq!(browser.cookie(COOKIE), None, "and the browser need not send it any more");
        assert!(passes(&world, &bob).await && passes(&world, &second_device).await);
    }

    async fn whatever_an_administrator_ends_is_ended_for_the_apps(backend: Backend) {
        let world = gateway(backend).await;
        for command in [
            &["user", "disable", "alice"][..],
            &["--yes", "user", "delete", "bob"],
        ] {
            let person = if command.contains(&"bob") { &BOB } else { &ALICE };
            let (_, cookie) = inside(&world, person).await;
            world.cli(command);
            wait_until_async("access ending", PATIENCE, async || !passes(&world, &cookie).await).await;
        }
        world.cli(&["user", "enable", "alice"]);
        let (_, cookie) = inside(&world, &ALICE).await;
        let password = ["user", "set-password", "alice", "--password-file", "-"];
        world.cli_with_input(&password, "another-fine-9-word-phrase");
        wait_until_async("access ending", PATIENCE, async || !passes(&world, &cookie).await).await;
    }

    async fn another_node_hears_of_it(backend: Backend) {
        // One node alone has the in-process store.
        if backend == Backend::Embedded {
            return;
        }
        let world = gateway(backend).await;
        let mut node = SecondNode::spawn(&world);
        node.ready().await;
        let (browser, cookie) = inside(&world, &ALICE).await;
        let base = node.base();
        let there = async || Question::about(&world, WIKI, "/").at(&base).cookie(&cookie).status().await;
        assert_eq!((there().await, there().await), (200, 200));
        sign_out(&browser).await;
        assert_eq!(Question::about(&world, WIKI, "/").cookie(&cookie).status().await, 401);
        wait_until_async("the second node refusing", PATIENCE, async || there().await == 401).await;
        assert_eq!(there().await, 401);
    }

    async fn a_changed_group_counts_from_the_next_request_on(backend: Backend) {
        let world = gateway(backend).await;
        let (_, cookie) = inside(&world, &ALICE).await;
        let staff = || Question::about(&world, STAFF, "/staff").cookie(&cookie);
        assert_eq!(staff().status().await, 200);
        let id = world.cli(&["user", "show", ALICE.username])["id"].as_str().expect("an id").to_owned();
        let owner = console::admin(&world, "owner").await;
        assert_eq!(staff().status().await, 200);
        let form = owner.page(&format!("/admin/users/{id}")).await.form("user");
        form.set("groups", "climbers").forge("make_groups", "on").submit().await.assert_status(303);
        assert_eq!(staff().status().await, 403, "the console's answer came after the change");
        let answer = Question::about(&world, WIKI, "/").cookie(&cookie).ask().await;
        assert_eq!(answer.header("x-user-groups"), "climbers");
        assert!(passes(&world, &cookie).await, "and nobody was signed out");
    }

    async fn the_limits_of_the_session_are_those_of_the_cookie(backend: Backend) {
        let mut world = builder(backend).own_redis(Persistence::Snapshot).start().await;
        add_people(&world);
        for (past, limit) in [
            ("last_seen_at = last_seen_at - idle_seconds - 60", "unused for too long"),
            ("expires_at = created_at - 1", "too old"),
        ] {
            let (browser, cookie) = inside(&world, &ALICE).await;
            // Every copy of it is gone, and the truth is that its time is over.
            world.kill9();
            execute(&world, &format!("update sessions set {past}")).await;
            if backend == Backend::Production {
                world.redis().flush();
            }
            world.start_server().await;
            assert!(!passes(&world, &cookie).await, "{limit}");
            assert!(!is_signed_in(&browser).await, "{limit}");
        }
    }

    async fn a_restart_signs_nobody_out_and_brings_nobody_back(backend: Backend) {
        let mut world = gateway(backend).await;
        let (_, alice) = inside(&world, &ALICE).await;
        let (browser, bob) = inside(&world, &BOB).await;
        sign_out(&browser).await;
        world.kill9();
        world.start_server().await;
        assert!(passes(&world, &alice).await);
        assert!(!passes(&world, &bob).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_the_database_answers_and_without_both_nobody_passes() {
    let builder = builder(Backend::Production).own_redis(Persistence::Snapshot).own_postgres();
    let mut world = builder.start().await;
    add_people(&world);
    let (browser, alice) = inside(&world, &ALICE).await;
    let (_, bob) = inside(&world, &BOB).await;
    world.redis().kill9();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    assert!(passes(&world, &alice).await && passes(&world, &bob).await);
    sign_out(&browser).await;
    assert!(!passes(&world, &alice).await, "the database remembers who signed out");
    world.postgres().stop();
    // Whoever was let in a moment ago may be so for a second.
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    for cookie in [&alice, &bob] {
        let answer = Question::about(&world, WIKI, "/").cookie(cookie).ask().await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(!answer.header("retry-after").is_empty());
    }
    assert_eq!(Question::about(&world, WIKI, "/public").status().await, 200, "nothing to look up");
    world.postgres().restart().await;
    wait_until_async("the database answering", PATIENCE, async || {
        Question::about(&world, WIKI, "/").cookie(&bob).status().await == 200
    })
    .await;
    assert!(!passes(&world, &alice).await);
}
