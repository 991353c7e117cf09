//! Redis and PostgreSQL fail, forget, and come back with old data. Nothing spent or revoked comes
//! back to life, nobody is let in because something could not be asked, and all is well afterwards.

use std::time::Duration;

use futures_util::future::join_all;

use crate::kit::checks::assert_headers_of_failure;
use crate::kit::flow::{
    App, PASSWORD, PATIENCE, Tokens, count, create_user, get, is_signed_in, sign_in, sign_out,
    submit_sign_in,
};
use crate::running::revocation_copy::{add_revocations, copy_number};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;
use crate::support::servers::{Persistence, ReadOnly};
use crate::support::world::World;

async fn world_with_own_redis() -> World {
    World::builder(Backend::Production).own_redis(Persistence::Snapshot).start().await
}

async fn world_with_own_postgres() -> World {
    World::builder(Backend::Production).own_postgres().start().await
}

async fn wait_until_ready(world: &World) {
    let address = world.management_url("/readyz");
    wait_until_async("being ready again", PATIENCE, async || get(&address).await.status == 200)
        .await;
}

/// Asks until the answer is not "try again later"; whatever comes before must be just that.
async fn settled<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let mut found = None;
    wait_until_async(what, PATIENCE, async || {
        found = ask().await;
        found.is_some()
    })
    .await;
    found.expect("just found")
}

/// Whether the access token counts, once the server can say.
async fn access_lives(app: &App, access: &str) -> bool {
    settled("userinfo being able to answer", async || {
        let answer = app.userinfo(access).await;
        match answer.status {
            200 => Some(true),
            401 => Some(false),
            503 => None,
            _ => panic!("{answer:?}"),
        }
    })
    .await
}

async fn refresh_lives(app: &App, refresh: &str) -> bool {
    settled("refreshing being possible", async || {
        let answer = app.refresh(refresh).await;
        match (answer.status, answer.error().as_deref()) {
            (200, None) => Some(true),
            (400, Some("invalid_grant")) => Some(false),
            (503, _) => None,
            _ => panic!("{answer:?}"),
        }
    })
    .await
}

async fn cookie_lives(browser: &Browser) -> bool {
    settled("the session being readable", async || {
        let page = browser.get("/account").await;
        match page.status.as_u16() {
            200 => Some(true),
            303 => Some(false),
            503 => None,
            _ => panic!("{}", page.describe()),
        }
    })
    .await
}

async fn assert_dead(app: &App, tokens: &Tokens) {
    assert!(!access_lives(app, &tokens.access).await, "a revoked access token came back");
    assert!(!refresh_lives(app, &tokens.refresh).await, "a revoked refresh token came back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spent_code_stays_spent_when_redis_comes_back_with_an_older_snapshot() {
    let mut world = world_with_own_redis().await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let browser = sign_in(&world, "alice").await;
    for round in 1..=3 {
        let code = app.code(&browser).await;
        let snapshot = world.redis().save_snapshot();
        let tokens = app.redeem(&code).await.tokens();
        world.redis().restore_snapshot(&snapshot);
        let again = settled("the token endpoint being able to answer", async || {
            let answer = app.redeem(&code).await;
            assert_ne!(answer.status, 200, "a spent code was redeemed again");
            (answer.status != 503).then_some(answer)
        })
        .await;
        again.assert_error(400, "invalid_grant");
        assert_dead(&app, &tokens).await;
        assert_eq!(count(&world, "select count(*) from grants").await, round);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_revoked_stays_so_when_redis_comes_back_with_an_older_snapshot() {
    let mut world = world_with_own_redis().await;
    for name in ["alice", "bob", "carol", "dave", "erin"] {
        create_user(&world, name);
    }
    let jwt = App::register(&world, "jwt", &[]);
    let opaque = App::register(&world, "opaque", &["--access-token-format", "opaque"]);
    let (alice, bob) = (sign_in(&world, "alice").await, sign_in(&world, "bob").await);
    let (carol, dave) = (sign_in(&world, "carol").await, sign_in(&world, "dave").await);
    let erin = sign_in(&world, "erin").await;
    let mut doomed = vec![];
    for app in [&jwt, &opaque] {
        for (name, browser) in
            [("alice", &alice), ("bob", &bob), ("carol", &carol), ("dave", &dave)]
        {
            doomed.push((app, app.tokens(browser).await, name));
        }
    }
    let old_alice = alice.copy();
    let (kept, rotated) = (jwt.tokens(&erin).await, jwt.tokens(&erin).await);
    for (app, tokens, _) in &doomed {
        app.assert_alive(tokens).await;
    }
    let snapshot = world.redis().save_snapshot();

    sign_out(&alice).await;
    world.cli(&["user", "disable", "bob"]);
    for (app, tokens, _) in doomed.iter().filter(|(_, _, name)| *name == "carol") {
        app.revoke(&tokens.refresh).await;
    }
    world.cli_with_input(
        &["user", "set-password", "dave", "--password-file", "-"],
        "a-very-9-other-phrase",
    );
    let newest = jwt.refresh(&rotated.refresh).await.tokens();
    world.redis().restore_snapshot(&snapshot);

    for (app, tokens, _) in &doomed {
        assert_dead(app, tokens).await;
    }
    for browser in [&old_alice, &bob, &dave] {
        assert!(!cookie_lives(browser).await, "an ended session came back");
    }
    for browser in [&carol, &erin] {
        assert!(cookie_lives(browser).await);
    }
    assert!(access_lives(&jwt, &kept.access).await);
    assert!(refresh_lives(&jwt, &newest.refresh).await, "an acknowledged rotation was lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_alone_survives_an_older_snapshot_and_a_restart_of_both() {
    let mut world = world_with_own_redis().await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let browser = sign_in(&world, "alice").await;
    let (tokens, stolen) = (app.tokens(&browser).await, browser.copy());
    let snapshot = world.redis().save_snapshot();
    sign_out(&browser).await;
    world.kill9();
    world.redis().restore_snapshot(&snapshot);
    world.start_server().await;
    assert!(!cookie_lives(&stolen).await);
    assert_dead(&app, &tokens).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flushed_redis_signs_nobody_out_and_revives_nothing() {
    let mut world = world_with_own_redis().await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let (here, gone) = (sign_in(&world, "alice").await, sign_in(&world, "alice").await);
    let (kept, dead) = (app.tokens(&here).await, app.tokens(&gone).await);
    let stolen = gone.copy();
    sign_out(&gone).await;
    for _ in 0..3 {
        world.redis().flush();
        // The very first answers after the flush must be right.
        assert!(!app.access_lives(&dead.access).await);
        assert!(is_signed_in(&here).await);
        world.redis().flush();
        assert!(app.access_lives(&kept.access).await);
        assert!(!is_signed_in(&stolen).await);
    }
    app.refresh(&dead.refresh).await.assert_error(400, "invalid_grant");
    let next = app.refresh(&kept.refresh).await.tokens();
    app.assert_alive(&next).await;
    app.tokens(&here).await;
}

/// What is said is right while the copy is made again beside the requests, and revocations go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_revocation_set_is_copied_again_while_more_is_revoked() {
    let mut world = world_with_own_redis().await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let browser = sign_in(&world, "alice").await;
    let (kept, dead) = (app.tokens(&browser).await, app.tokens(&browser).await);
    let mut more = Vec::new();
    for _ in 0..12 {
        more.push(app.tokens(&browser).await);
    }
    app.revoke(&dead.refresh).await;
    add_revocations(&world, 10_000).await;
    world.redis().flush();
    assert!(!app.access_lives(&dead.access).await, "the very first answer after the flush");
    for tokens in &more {
        app.revoke(&tokens.refresh).await;
        assert!(!app.access_lives(&tokens.access).await);
        assert!(app.access_lives(&kept.access).await);
    }
    let world = &mut world;
    wait_until_async("the copy being complete", PATIENCE, async || {
        world.redis().key_count() > 10_000 && copy_number(world).is_some()
    })
    .await;
    assert!(!app.access_lives(&dead.access).await);
    assert!(app.access_lives(&kept.access).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_sessions_are_read_from_sql_and_nothing_new_is_allowed() {
    let mut world = world_with_own_redis().await;
    create_user(&world, "alice");
    let jwt = App::register(&world, "jwt", &[]);
    let opaque = App::register(&world, "opaque", &["--access-token-format", "opaque"]);
    let (here, leaving) = (sign_in(&world, "alice").await, sign_in(&world, "alice").await);
    let (tokens, opaque_tokens) = (jwt.tokens(&here).await, opaque.tokens(&here).await);
    let (dead, stolen) = (jwt.tokens(&leaving).await, leaving.copy());
    let code = jwt.code(&here).await;
    let snapshot = world.redis().save_snapshot();
    world.redis().kill9();

    assert!(is_signed_in(&here).await, "read from SQL");
    assert!(!is_signed_in(&world.browser()).await);
    assert!(jwt.access_lives(&tokens.access).await);
    let answer = opaque.userinfo(&opaque_tokens.access).await;
    assert!([401, 503].contains(&answer.status), "{answer:?}");
    assert_eq!(jwt.redeem(&code).await.status, 503);
    let page = here.get(&jwt.authorize_path(&[])).await;
    assert!(page.location_parameter("code").is_none(), "{}", page.describe());
    assert_eq!(page.location_parameter("error").as_deref(), Some("temporarily_unavailable"));
    let page = submit_sign_in(&world.browser(), "alice", PASSWORD).await;
    assert_eq!(page.status.as_u16(), 503, "{}", page.describe());
    assert!(!page.header("retry-after").is_empty(), "{}", page.describe());
    // What is ended meanwhile is ended: by this server, and by a command that has no Redis either.
    assert!(sign_out(&leaving).await.status.as_u16() < 400);
    assert!(!jwt.access_lives(&dead.access).await);
    assert!(!is_signed_in(&stolen).await);
    assert_eq!(get(&world.management_url("/readyz")).await.status, 503);
    assert_eq!(get(&world.management_url("/livez")).await.status, 200);

    world.redis().restore_snapshot(&snapshot);
    assert!(!access_lives(&jwt, &dead.access).await, "ended during the outage");
    assert!(!cookie_lives(&stolen).await, "ended during the outage");
    wait_until_ready(&world).await;
    assert!(sign_in_works(&world).await);
    // The code was not burnt by the outage: its owner may still have it.
    let late = jwt.redeem(&code).await;
    assert!(late.status == 200 || late.error().as_deref() == Some("invalid_grant"), "{late:?}");
    assert!(is_signed_in(&here).await);
    world.assert_log_is_clean(&[PASSWORD, &tokens.access]);
}

/// Even where every second use of a refresh token is a theft at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_that_fails_for_want_of_redis_costs_nobody_the_refresh_token() {
    let builder = World::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.env("DOORWARD_TOKENS__REFRESH_GRACE", "0").start().await;
    create_user(&world, "alice");
    let jwt = App::register(&world, "jwt", &[]);
    let opaque = App::register(&world, "opaque", &["--access-token-format", "opaque"]);
    let browser = sign_in(&world, "alice").await;
    let (tokens, opaque_tokens) = (jwt.tokens(&browser).await, opaque.tokens(&browser).await);
    world.redis().kill9();
    for _ in 0..2 {
        let answer = opaque.refresh(&opaque_tokens.refresh).await;
        assert_eq!(answer.status, 503, "{answer:?}");
        assert!(answer.headers.contains_key("retry-after"), "{answer:?}");
    }
    // A token that says everything itself needs no Redis.
    let next = jwt.refresh(&tokens.refresh).await.tokens();
    world.redis().restart();
    let late = settled("refreshing being possible", async || {
        let answer = opaque.refresh(&opaque_tokens.refresh).await;
        (answer.status != 503).then_some(answer)
    })
    .await;
    assert!(access_lives(&opaque, &late.tokens().access).await);
    assert!(refresh_lives(&jwt, &next.refresh).await);
    let thefts = "select count(*) from audit_events where kind = 'refresh_reuse'";
    assert_eq!(count(&world, thefts).await, 0);
}

async fn sign_in_works(world: &World) -> bool {
    settled("sign-in working again", async || {
        let page = submit_sign_in(&world.browser(), "alice", PASSWORD).await;
        match page.status.as_u16() {
            303 => Some(true),
            503 => None,
            _ => panic!("{}", page.describe()),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_redis_is_answered_for_in_bounded_time_and_recovered_from() {
    let mut world = world_with_own_redis().await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let (here, gone) = (sign_in(&world, "alice").await, sign_in(&world, "alice").await);
    let (tokens, dead) = (app.tokens(&here).await, app.tokens(&gone).await);
    sign_out(&gone).await;
    world.redis().pause();
    let limit = Duration::from_secs(12);
    let answers = async {
        assert!(is_signed_in(&here).await);
        assert!(app.userinfo(&dead.access).await.status != 200);
        let page = submit_sign_in(&world.browser(), "alice", PASSWORD).await;
        assert_eq!(page.status.as_u16(), 503, "{}", page.describe());
    };
    tokio::time::timeout(limit, answers).await.expect("three answers in bounded time");
    world.redis().resume();
    wait_until_ready(&world).await;
    assert!(access_lives(&app, &tokens.access).await);
    assert!(!access_lives(&app, &dead.access).await);
    assert!(sign_in_works(&world).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_revokes_even_while_redis_is_away() {
    let mut world = world_with_own_redis().await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let browser = sign_in(&world, "alice").await;
    let tokens = app.tokens(&browser).await;
    let snapshot = world.redis().save_snapshot();
    world.redis().kill9();
    let disable = world.run(&["user", "disable", "alice"]);
    if disable.status.success() {
        assert!(!access_lives(&app, &tokens.access).await);
        assert!(!is_signed_in(&browser).await);
    }
    world.redis().restore_snapshot(&snapshot);
    if !disable.status.success() {
        // Refused, not half done.
        assert!(access_lives(&app, &tokens.access).await);
        world.cli(&["user", "disable", "alice"]);
    }
    wait_until_async("the person being signed out", PATIENCE, async || {
        !access_lives(&app, &tokens.access).await
    })
    .await;
    assert!(!cookie_lives(&browser).await);
    assert_dead(&app, &tokens).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_may_evict_is_warned_about() {
    let builder = World::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.prepare().await;
    world.redis().set_config("maxmemory-policy", "allkeys-lru");
    world.start_server().await;
    assert!(world.log().contains("noeviction"), "{}", world.log());
    let eviction = |world: &World| {
        let said = world.run(&["doctor", "--format", "json"]);
        let said: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
        let checks = said["checks"].as_array().unwrap().iter();
        checks.clone().find(|check| check["name"] == "redis-eviction").unwrap().clone()
    };
    let found = eviction(&world);
    let problem = found["problem"].as_str().unwrap_or_default();
    assert!(found["ok"] == false && problem.contains("allkeys-lru"), "{found}");
    world.redis().set_config("maxmemory-policy", "noeviction");
    assert_eq!(eviction(&world)["ok"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_postgres_everything_says_503_and_comes_back_with_it() {
    let mut world = world_with_own_postgres().await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let browser = sign_in(&world, "alice").await;
    let (tokens, code) = (app.tokens(&browser).await, app.code(&browser).await);
    let page = world.browser().get("/login").await;
    world.postgres().stop();

    let form = page.form("sign-in").set("username", "alice").set("password", PASSWORD);
    let refused = form.submit().await;
    refused.assert_status(503).assert_page_headers();
    assert_headers_of_failure(&refused.headers);
    for answer in [
        app.redeem(&code).await,
        app.refresh(&tokens.refresh).await,
        app.revoke(&tokens.access).await,
        app.userinfo(&tokens.access).await,
    ] {
        answer.assert_error(503, "temporarily_unavailable");
        assert_headers_of_failure(&answer.headers);
    }
    // A revocation that SQL has not taken must not be acknowledged.
    let left = browser.get("/logout").await;
    assert!(left.status.as_u16() == 503 || left.has_form("sign-out"), "{}", left.describe());
    assert_eq!(get(&world.management_url("/readyz")).await.status, 503);
    assert_eq!(get(&world.management_url("/livez")).await.status, 200);

    world.postgres().restart().await;
    wait_until_ready(&world).await;
    assert!(access_lives(&app, &tokens.access).await, "a refused revocation is none");
    assert!(refresh_lives(&app, &tokens.refresh).await);
    assert!(cookie_lives(&browser).await);
    // The outage spent nothing: the same code works, once.
    assert_eq!(app.redeem(&code).await.status, 200);
    assert_eq!(count(&world, "select count(*) from grants").await, 2);
    assert!(sign_in_works(&world).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_database_sessions_and_a_crash_leave_no_half_made_grant() {
    let mut world = world_with_own_postgres().await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let browser = sign_in(&world, "alice").await;
    let mut acknowledged = vec![];
    for round in 0..6 {
        let code = app.code(&browser).await;
        let redeem = app.redeem(&code);
        let answer = if round % 2 == 0 {
            let (answer, _) = tokio::join!(redeem, world.postgres().terminate_backends());
            answer
        } else {
            redeem.await
        };
        assert!([200, 503, 400].contains(&answer.status), "{answer:?}");
        if answer.status == 200 {
            acknowledged.push(answer.tokens());
        }
        wait_until_ready(&world).await;
    }
    world.postgres().crash();
    world.postgres().restart().await;
    wait_until_ready(&world).await;
    assert!(acknowledged.len() >= 3, "{}", acknowledged.len());
    for tokens in &acknowledged {
        assert!(access_lives(&app, &tokens.access).await);
        assert!(refresh_lives(&app, &tokens.refresh).await, "an acknowledged grant was lost");
    }
    let half = "select count(*) from grants g where not exists \
                (select 1 from refresh_families f where f.grant_id = g.id)";
    assert_eq!(count(&world, half).await, 0);
    // Nothing that broke has left a connection behind, or kept anybody's place among those that are allowed.
    let alive = join_all((0..20).map(|_| access_lives(&app, &acknowledged[0].access))).await;
    assert!(alive.iter().all(|lives| *lives), "{alive:?}");
    let open = "select count(*) from pg_stat_activity \
                where datname = current_database() and application_name = 'doorward'";
    let open = count(&world, open).await;
    assert!((1..=10).contains(&open), "{open} connections, and `database.max_connections` is 10");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_only_database_refuses_writes_with_503_and_takes_them_later() {
    let mut world = world_with_own_postgres().await;
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let browser = sign_in(&world, "alice").await;
    let (tokens, code) = (app.tokens(&browser).await, app.code(&browser).await);
    world.postgres().set_read_only(ReadOnly::On).await;
    world.postgres().terminate_backends().await;
    wait_until_async("writes being refused", PATIENCE, async || {
        let answer = app.revoke(&tokens.access).await;
        assert!([200, 503].contains(&answer.status), "{answer:?}");
        answer.status == 503
    })
    .await;
    assert_eq!(app.redeem(&code).await.status, 503);
    world.postgres().set_read_only(ReadOnly::Off).await;
    world.postgres().terminate_backends().await;
    let late = settled("writes being taken again", async || {
        let answer = app.redeem(&code).await;
        (answer.status != 503).then_some(answer)
    })
    .await;
    assert!(access_lives(&app, &late.tokens().access).await);
}
