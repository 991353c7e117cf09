//! Single use under races: one code, one grant; one refresh token, one lineage.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::{StreamExt as _, stream};

use crate::kit::flow::{Answer, App, Tokens, count, create_user, patiently, sign_in};
use crate::kit::race::refused_of;
use crate::support::browser_like::Browser;
use crate::support::world::World;

const CODES: usize = 200;
const FAMILIES: usize = 100;
const PARALLEL: usize = 50;

on_both_backends! {
    async fn of_fifty_parallel_redemptions_of_a_code_exactly_one_succeeds(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "racer", &[]);
        let browser = sign_in(&world, "alice").await;
        // Each code is made right before its race, since codes live for a minute.
        let races = stream::iter(0..CODES).map(async |_| {
            let code = app.code(&browser).await;
            (redeem_at_once(&app, &code).await, code)
        });
        let (winners, codes): (Vec<Tokens>, HashSet<String>) =
            races.buffer_unordered(1).collect().await;
        assert_eq!(codes.len(), CODES);
        assert_eq!(winners.len(), CODES);
        assert_eq!(count(&world, "select count(*) from grants").await, 200);
        assert_eq!(count(&world, "select count(*) from refresh_families").await, 200);
        // The losers held the same code, so one of the holders is a thief: both lose.
        for tokens in &winners {
            assert!(!app.access_lives(&tokens.access).await, "a replayed code's token lives on");
        }
        let replays = "select count(*) from audit_events where kind = 'code_replay'";
        assert_eq!(count(&world, replays).await, 200);
        world.assert_log_is_clean(&codes.iter().map(String::as_str).collect::<Vec<_>>());
    }

    async fn of_fifty_parallel_refreshes_all_get_the_one_successor(backend: Backend) {
        // A long grace, so that a slow machine proves the race and not the clock.
        let world = World::builder(backend).env("DOORWARD_TOKENS__REFRESH_GRACE", "60").start().await;
        create_user(&world, "alice");
        let app = App::register(&world, "racer", &[]);
        let browser = sign_in(&world, "alice").await;
        let families: Vec<Tokens> = stream::iter(0..FAMILIES)
            .map(|_| app.tokens(&browser))
            .buffer_unordered(4)
            .collect()
            .await;
        let races = stream::iter(&families).map(|family| refresh_at_once(&app, family));
        let successors: Vec<Tokens> = races.buffer_unordered(1).collect().await;
        let distinct: HashSet<_> = successors.iter().map(|tokens| &tokens.refresh).collect();
        assert_eq!(distinct.len(), FAMILIES, "one lineage each");
        for tokens in &successors {
            app.assert_alive(tokens).await;
            let next = patiently(async || app.refresh(&tokens.refresh).await).await.tokens();
            assert_ne!(next.refresh, tokens.refresh);
        }
        let rotated_twice = "select count(*) from refresh_families where generation = 2";
        assert_eq!(count(&world, rotated_twice).await, 100);
        assert_eq!(count(&world, "select count(*) from refresh_families").await, 100);
        let revoked = "select count(*) from grants where revoked_at is not null";
        assert_eq!(count(&world, revoked).await, 0);
        world.assert_log_is_clean(&[&successors[0].refresh, &successors[0].access]);
    }

    async fn without_a_grace_at_most_one_parallel_refresh_succeeds_and_the_family_ends(
        backend: Backend
    ) {
        let world = World::builder(backend).env("DOORWARD_TOKENS__REFRESH_GRACE", "0").start().await;
        create_user(&world, "alice");
        let app = App::register(&world, "racer", &[]);
        let browser = sign_in(&world, "alice").await;
        for _ in 0..5 {
            let family = app.tokens(&browser).await;
            let answers = join_all((0..10).map(|_| app.refresh(&family.refresh))).await;
            let (good, bad): (Vec<_>, Vec<_>) =
                answers.into_iter().partition(|answer| answer.status == 200);
            assert_eq!(good.len(), 1, "{good:?}");
            for answer in &bad {
                answer.assert_error(400, "invalid_grant");
            }
            app.assert_dead(&good[0].tokens()).await;
        }
        let reuse = "select count(*) from audit_events where kind = 'refresh_reuse'";
        assert!(count(&world, reuse).await >= 5);
    }

    async fn an_old_refresh_token_after_the_grace_ends_the_family(backend: Backend) {
        let world = World::builder(backend).env("DOORWARD_TOKENS__REFRESH_GRACE", "1").start().await;
        create_user(&world, "alice");
        let app = App::register(&world, "racer", &[]);
        let browser = sign_in(&world, "alice").await;
        let (first, bystander) = (app.tokens(&browser).await, app.tokens(&browser).await);
        let second = app.refresh(&first.refresh).await.tokens();
        tokio::time::sleep(Duration::from_millis(2500)).await;
        app.refresh(&first.refresh).await.assert_error(400, "invalid_grant");
        app.assert_dead(&second).await;
        assert!(!app.access_lives(&first.access).await);
        let reuse = "select count(*) from audit_events where kind = 'refresh_reuse'";
        assert_eq!(count(&world, reuse).await, 1);
        // Another lineage of the same person and app is none of it.
        app.assert_alive(&bystander).await;
        app.refresh(&bystander.refresh).await.tokens();
    }

    async fn a_refresh_token_two_generations_old_ends_the_family_even_within_the_grace(
        backend: Backend
    ) {
        let world = World::builder(backend).env("DOORWARD_TOKENS__REFRESH_GRACE", "60").start().await;
        create_user(&world, "alice");
        let app = App::register(&world, "racer", &[]);
        let first = app.tokens(&sign_in(&world, "alice").await).await;
        let second = app.refresh(&first.refresh).await.tokens();
        let third = app.refresh(&second.refresh).await.tokens();
        app.refresh(&first.refresh).await.assert_error(400, "invalid_grant");
        app.assert_dead(&third).await;
        app.refresh(&second.refresh).await.assert_error(400, "invalid_grant");
    }

    async fn a_code_redeemed_again_kills_what_the_first_redemption_got(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "racer", &[]);
        let code = app.code(&sign_in(&world, "alice").await).await;
        let tokens = app.redeem(&code).await.tokens();
        app.assert_alive(&tokens).await;
        app.redeem(&code).await.assert_error(400, "invalid_grant");
        app.assert_dead(&tokens).await;
    }

    async fn no_grant_outlives_the_session_that_ends_while_it_is_made(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "racer", &[]);
        let mut refused = 0;
        for round in 0..25 {
            let browser = sign_in(&world, "alice").await;
            let codes = join_all((0..4).map(|_| app.code(&browser))).await;
            let confirmation = browser.get("/logout").await;
            let leave = async {
                // A little later each time, so that they meet at every stage.
                tokio::time::sleep(Duration::from_millis(3 * round)).await;
                confirmation.form("sign-out").press("decision", "logout").submit().await
            };
            let redeem = join_all(codes.iter().map(|code| app.redeem(code)));
            let (left, answers) = tokio::join!(leave, redeem);
            assert!(left.status.as_u16() < 400, "{}", left.describe());
            refused += refused_of(&app, answers).await;
        }
        assert!(refused < 100, "nothing was redeemed before the session ended: no race");
        // Tombstones last an hour, refresh tokens longer: the rows themselves must say it.
        let survivors = "select count(*) from grants g join sessions s on s.id = g.session_id \
                         where s.revoked_at is not null and g.revoked_at is null";
        assert_eq!(count(&world, survivors).await, 0);
    }

    async fn parallel_sign_outs_of_one_session_all_succeed(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "racer", &[]);
        let browser = sign_in(&world, "alice").await;
        let tokens = app.tokens(&browser).await;
        let tabs: Vec<_> = (0..10).map(|_| browser.copy()).collect();
        for left in join_all(tabs.iter().map(sign_out_or_see_that_it_is_over)).await {
            assert!(left < 400, "{left}");
        }
        app.assert_dead(&tokens).await;
    }
}

async fn sign_out_or_see_that_it_is_over(tab: &Browser) -> u16 {
    let page = tab.get("/logout").await;
    if page.has_form("sign-out") {
        page.form("sign-out").press("decision", "logout").submit().await.status.as_u16()
    } else {
        page.status.as_u16()
    }
}

/// Fifty redemptions of one code at once; gives what the one winner got.
async fn redeem_at_once(app: &App, code: &str) -> Tokens {
    let answers = join_all((0..PARALLEL).map(|_| patiently(async || app.redeem(code).await))).await;
    let (good, bad): (Vec<Answer>, Vec<Answer>) =
        answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!(good.len(), 1, "{} redemptions succeeded: {good:?} {:?}", good.len(), bad.first());
    for answer in &bad {
        answer.assert_error(400, "invalid_grant");
    }
    good[0].tokens()
}

/// Fifty refreshes with one token at once; all must get the same pair.
async fn refresh_at_once(app: &App, family: &Tokens) -> Tokens {
    let refresh = async || app.refresh(&family.refresh).await;
    let answers = join_all((0..PARALLEL).map(|_| patiently(refresh))).await;
    let tokens: Vec<Tokens> = answers.iter().map(Answer::tokens).collect();
    let pairs: HashSet<_> = tokens.iter().map(|t| (&t.access, &t.refresh)).collect();
    assert_eq!(pairs.len(), 1, "{} lineages", pairs.len());
    assert_ne!(tokens[0].refresh, family.refresh);
    tokens[0].clone()
}
