//! Back-Channel Logout 1.0: what apps are told when a session ends, and that they are told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jsonwebtoken::Algorithm;
use serde_json::json;

use crate::kit::console;
use crate::kit::fixtures::{AFTER_LOGOUT, Bed, payload, unique};
use crate::kit::flow::{
    PASSWORD, SecondNode, claim, count, execute, is_signed_in, sign_in, sign_out,
};
use crate::kit::logout::{
    PATIENCE, Told, assert_signed_out, hurry, sign_out_by_app, somebody, token_of, verified,
};
use crate::kit::smtp::{Security, SmtpServer};
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::servers::Persistence;
use crate::support::tls_peer::{Answer, Body, TlsPeer, reachable};
use crate::support::world::World;

/// A world whose apps may be told at the shared peer.
async fn world(backend: Backend) -> World {
    reachable(World::builder(backend), &[TlsPeer::shared()]).start().await
}

/// Answers with these statuses in turn, and with the last one from then on.
fn answers(path: &str, statuses: &'static [u16]) {
    let asked = AtomicUsize::new(0);
    TlsPeer::shared().serve_with(path, move |_| {
        let turn = asked.fetch_add(1, Ordering::SeqCst);
        Answer::status(statuses[turn.min(statuses.len() - 1)])
    });
}

on_both_backends! {
    async fn oidcc_backchannel_logout_discovery_endpoint_verification(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let page = bed.world.browser().get("/.well-known/openid-configuration").await;
        let document = page.json();
        assert_eq!(document["backchannel_logout_supported"], true);
        assert_eq!(document["backchannel_logout_session_supported"], true);
        assert!(document["end_session_endpoint"].is_string());
    }

    async fn oidcc_backchannel_rp_initiated_logout(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        for (flags, algorithm) in
            [(&[][..], Algorithm::RS256), (&["--id-token-alg", "ES256"], Algorithm::ES256)]
        {
            let told = Told::register(world, flags);
            let (_, browser) = somebody(world).await;
            let tokens = told.app.tokens(&browser).await;
            let answer = sign_out_by_app(&browser, &tokens).await;
            assert_eq!(answer.location().as_str(), format!("{AFTER_LOGOUT}?state=state-4711"));
            assert_signed_out(&told.app, &browser).await;
            let token = token_of(&told.hears(1).await[0]);
            let claims = verified(world, &token, algorithm).await;
            let id_token = payload(&tokens.id);
            let (iat, jti) = (claims["iat"].as_i64().unwrap(), claims["jti"].as_str().unwrap());
            assert!(jti.len() >= 32, "{claims}");
            // Every member, and no other: above all no nonce.
            let expected = json!({
                "iss": world.issuer, "aud": told.app.id, "sub": id_token["sub"],
                "sid": id_token["sid"], "iat": iat, "exp": iat + 120, "jti": jti,
                "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
            });
            assert_eq!(claims, expected);
            let now = i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap();
            assert!((now - iat).abs() < 60);
            told.settled(world).await;
            assert_eq!(told.heard().len(), 1, "it was told once");
        }
    }

    async fn a_person_signing_out_tells_every_app_of_the_session_and_no_other(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let [first, second, elsewhere, never] =
            [(); 4].map(|()| Told::register(world, &[]));
        let (name, browser) = somebody(world).await;
        let tokens = first.app.tokens(&browser).await;
        first.app.tokens(&browser).await;
        second.app.tokens(&browser).await;
        // What the app has given back, it may still have made a session of.
        second.app.revoke(&second.app.tokens(&browser).await.refresh).await;
        let other = sign_in(world, &name).await;
        elsewhere.app.tokens(&other).await;
        never.app.code(&browser).await;
        sign_out(&browser).await;
        for told in [&first, &second] {
            let token = token_of(&told.hears(1).await[0]);
            assert_eq!(payload(&token)["sid"], payload(&tokens.id)["sid"]);
            assert_eq!(payload(&token)["aud"], told.app.id.as_str());
            told.settled(world).await;
            assert_eq!(told.heard().len(), 1, "once, however often it signed in");
        }
        assert!(elsewhere.heard().is_empty() && never.heard().is_empty());
        // Signing out twice tells nobody twice.
        sign_out_by_app(&browser, &tokens).await;
        first.settled(world).await;
        assert_eq!(first.heard().len(), 1);
    }

    async fn whatever_a_person_does_to_end_a_session_is_told(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let told = Told::register(world, &[]);
        let (name, browser) = somebody(world).await;
        let other = sign_in(world, &name).await;
        let tokens = told.app.tokens(&other).await;
        // On the account page, another device.
        let account = browser.get("/account").await;
        let end = format!("/account/sessions/{}/end", claim(&tokens.id, "sid"));
        account.form_to(&end).submit().await.assert_status(303);
        let sent = told.hears(1).await;
        assert_eq!(claim(&token_of(&sent[0]), "sid"), claim(&tokens.id, "sid"));
        // Somebody else signing in in the same browser.
        let tokens = told.app.tokens(&browser).await;
        let (another, _) = somebody(world).await;
        let page = browser.get(&told.app.authorize_path(&[("prompt", "login")])).await;
        let form = page.form("sign-in").forge("username", &another).set("password", PASSWORD);
        form.submit().await;
        let sent = told.hears(2).await;
        assert_eq!(claim(&token_of(&sent[1]), "sid"), claim(&tokens.id, "sid"));
    }

    async fn whatever_an_administrator_does_to_end_a_session_is_told(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let told = Told::register(world, &[]);
        let owner = unique("owner");
        console::create(world, &owner, Some("owner"));
        let admin = console::enter(world, &owner).await;
        let (_, browser) = somebody(world).await;
        let sid = claim(&told.app.tokens(&browser).await.id, "sid");
        let end = format!("/admin/sessions/{sid}/end");
        admin.post(&end, &[]).await.assert_status(303);
        let sent = told.hears(1).await;
        assert_eq!(claim(&token_of(&sent[0]), "sid"), sid);
        for (round, command) in
            [&["user", "disable"][..], &["user", "set-password", "--password-file", "-"],
             &["--yes", "user", "delete"]].into_iter().enumerate()
        {
            let (name, browser) = somebody(world).await;
            // Two sessions, and each is told.
            let other = sign_in(world, &name).await;
            let ids = [told.app.tokens(&browser).await.id, told.app.tokens(&other).await.id];
            world.cli_with_input(&[command, &[name.as_str()]].concat(), "another-fine-9-word-phrase");
            let sent = told.hears(3 + 2 * round).await;
            let mut heard: Vec<_> =
                sent[1 + 2 * round..].iter().map(|sent| claim(&token_of(sent), "sid")).collect();
            let mut expected = ids.map(|id| claim(&id, "sid"));
            heard.sort();
            expected.sort();
            assert_eq!(heard, expected, "{command:?}");
        }
        told.settled(world).await;
        assert_eq!(told.heard().len(), 7);
    }

    async fn an_app_that_is_disabled_is_told_that_everybody_is_out(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let (told, other) = (Told::register(world, &[]), Told::register(world, &[]));
        let (name, first) = somebody(world).await;
        let (second, over) = (sign_in(world, &name).await, sign_in(world, &name).await);
        let (_, stranger) = somebody(world).await;
        let mut sids = Vec::new();
        for browser in [&first, &second, &stranger, &over] {
            other.app.tokens(browser).await;
            let tokens = told.app.tokens(browser).await;
            // What the app has given back, it may still have made a session of.
            told.app.revoke(&tokens.refresh).await;
            sids.push(claim(&tokens.id, "sid"));
        }
        // One that ended before is told once.
        let over_sid = sids.pop().unwrap();
        sign_out(&over).await;
        assert_eq!(claim(&token_of(&told.hears(1).await[0]), "sid"), over_sid);
        let earlier = "update sessions set revoked_at = revoked_at - 10 where id =";
        execute(world, &format!("{earlier} '{over_sid}'")).await;
        // What fails is tried again, although the app is disabled.
        answers(&told.path, &[503, 200]);
        let disable = ["client", "update", &told.app.id, "--disable"];
        world.cli(&disable);
        told.hears(5).await;
        told.settled(world).await;
        let heard: Vec<_> = told.heard().iter().map(token_of).collect();
        assert_eq!(heard.len(), 5, "each once, and one of them again");
        for token in &heard {
            verified(world, token, Algorithm::RS256).await;
        }
        let mut told_of: Vec<_> = heard[1..].iter().map(|token| claim(token, "sid")).collect();
        told_of.sort();
        told_of.dedup();
        sids.sort();
        assert_eq!(told_of, sids);
        other.hears(1).await;
        other.settled(world).await;
        assert_eq!(other.heard().len(), 1, "it hears of the sign-out alone");
        for browser in [&first, &stranger] {
            assert!(is_signed_in(browser).await);
        }
        // To be disabled once more ends nothing.
        world.cli(&disable);
        let left = format!("select count(*) from outbox where client_id = '{}'", told.app.id);
        assert_eq!(count(world, &left).await, 0);
    }

    async fn an_app_that_is_gone_or_wants_to_hear_no_more_is_told_nothing(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let told = [(); 2].map(|()| Told::register(world, &[]));
        // Every try fails, so that nothing but the change can end them.
        for told in &told {
            answers(&told.path, &[503]);
        }
        let (_, browser) = somebody(world).await;
        for told in &told {
            told.app.tokens(&browser).await;
        }
        sign_out(&browser).await;
        for told in &told {
            told.hears(1).await;
        }
        let [gone, silent] = &told;
        world.cli(&["--yes", "client", "delete", &gone.app.id]);
        let mute = json!({ "backchannel_logout_uri": null });
        let file = world.path(&unique("silent"));
        std::fs::write(&file, mute.to_string()).unwrap();
        let file = file.display().to_string();
        world.cli(&["client", "update", &silent.app.id, "--metadata", &file]);
        for told in &told {
            told.settled(world).await;
        }
        let heard: Vec<_> = told.iter().map(|told| told.heard().len()).collect();
        let sql = "select count(*) from audit_events where kind = 'delivery.given_up'";
        for (told, heard) in told.iter().zip(heard) {
            let sql = format!("{sql} and client_id = '{}'", told.app.id);
            assert_eq!(count(world, &sql).await, 0, "nobody is told that nobody was told");
            assert_eq!(told.heard().len(), heard);
        }
    }

    async fn an_app_whose_server_fails_is_told_again_with_the_same_id(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let told = Told::register(world, &[]);
        // A proxy says 404 while the app is replaced by its next version.
        answers(&told.path, &[500, 302, 403, 404, 404, 204]);
        let (_, browser) = somebody(world).await;
        let tokens = told.app.tokens(&browser).await;
        sign_out_by_app(&browser, &tokens).await.assert_status(303);
        let sql = format!("select count(*) from outbox where client_id = '{}'", told.app.id);
        wait_until_async("all tries", PATIENCE, async || {
            hurry(world, &told.app.id).await;
            count(world, &sql).await == 0
        })
        .await;
        let tokens: Vec<_> = told.heard().iter().map(token_of).collect();
        assert_eq!(tokens.len(), 6);
        for token in &tokens {
            let claims = verified(world, token, Algorithm::RS256).await;
            assert_eq!(claims["jti"], payload(&tokens[0])["jti"]);
            assert_eq!(claims["sid"], payload(&tokens[0])["sid"]);
        }
    }

    async fn an_app_that_says_no_five_times_is_given_up_on_and_the_log_says_so(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let told = Told::register(world, &[]);
        answers(&told.path, &[400]);
        let (_, browser) = somebody(world).await;
        let tokens = told.app.tokens(&browser).await;
        sign_out(&browser).await;
        let sql = format!(
            "select count(*) from audit_events where kind = 'delivery.given_up' \
             and outcome = 'failure' and client_id = '{}' and session_id = '{}'",
            told.app.id, claim(&tokens.id, "sid"));
        wait_until_async("the end of all tries", PATIENCE, async || {
            hurry(world, &told.app.id).await;
            count(world, &sql).await == 1
        })
        .await;
        told.settled(world).await;
        assert_eq!(told.heard().len(), 5);
    }

    async fn an_app_whose_server_never_answers_delays_nobody(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let (silent, told) = (Told::register(world, &[]), Told::register(world, &[]));
        TlsPeer::shared().serve(&silent.path, Answer::of_body(Body::Silence));
        let (_, browser) = somebody(world).await;
        silent.app.tokens(&browser).await;
        let tokens = told.app.tokens(&browser).await;
        sign_out_by_app(&browser, &tokens).await.assert_status(303);
        silent.hears(1).await;
        told.hears(1).await;
        told.settled(world).await;
        // It is given up on for now, and tried again.
        silent.hears(2).await;
        TlsPeer::shared().serve(&silent.path, Answer::status(200));
    }

    async fn an_app_with_very_many_notices_delays_nobody_elses(backend: Backend) {
        let world = world(backend).await;
        let (silent, told) = (Told::register(&world, &[]), Told::register(&world, &[]));
        TlsPeer::shared().serve(&silent.path, Answer::of_body(Body::Silence));
        let many: Vec<_> = (0..100).map(|n| unique(&format!("many-{n}"))).collect();
        put_in(&world, (&silent, &many)).await;
        silent.hears(1).await;
        // They have waited for longer.
        put_in(&world, (&told, &[unique("one")])).await;
        execute(&world, &format!("update outbox set due_at = 1 where client_id = '{}'", told.app.id)).await;
        told.hears(1).await;
        let tried = format!(
            "select count(*) from outbox where attempts > 0 and client_id = '{}'", silent.app.id);
        assert!(count(&world, &tried).await <= 12, "a few at a time, and the others wait");
    }

    async fn with_a_single_place_letters_and_other_apps_get_their_turn(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let builder = World::builder(backend).env("DOORWARD_OUTBOX__AT_ONCE", "1");
        let world = reachable(post.known_to(builder), &[TlsPeer::shared()]).start().await;
        let (loud, told) = (Told::register(&world, &[]), Told::register(&world, &[]));
        let many: Vec<_> = (0..300).map(|n| unique(&format!("many-{n}"))).collect();
        put_in(&world, (&loud, &many)).await;
        loud.hears(1).await;
        // They have waited for longer.
        put_in(&world, (&told, &[unique("one")])).await;
        execute(&world, &format!("update outbox set due_at = 1 where client_id = '{}'", told.app.id)).await;
        let (name, email) = (unique("reader"), format!("{}@people.test", unique("reader")));
        let made = ["user", "create", "--username", &name, "--email", &email, "--email-verified"];
        world.cli_with_input(&[&made[..], &["--password-file", "-"]].concat(), PASSWORD);
        world.cli_with_input(
            &["user", "set-password", &name, "--password-file", "-"], "another-fine-9-word-phrase");
        told.hears(1).await;
        post.wait_for(&email, 1).await;
        let left = format!("select count(*) from outbox where client_id = '{}'", loud.app.id);
        assert!(count(&world, &left).await > 0, "the others were not waited for");
    }

    async fn a_notice_whose_tries_all_ended_without_a_word_is_given_up(backend: Backend) {
        let world = &Bed::shared(backend).await.world;
        let told = Told::register(world, &[]);
        // As a delivery is left behind whose sending fails in a way nobody foresaw: tried often, and
        // its time is over.
        let payload = json!({ "user_id": "u", "session_id": "s" });
        let row = format!("'{}', 'backchannel_logout', '{}', '{payload}', 0, 40, 9999999999, 1",
            unique("lost"), told.app.id);
        let columns = "id, kind, client_id, payload, due_at, attempts, created_at, expires_at";
        execute(world, &format!("insert into outbox ({columns}) values ({row})")).await;
        let given_up = format!(
            "select count(*) from audit_events where kind = 'delivery.given_up' and client_id = '{}'",
            told.app.id);
        wait_until_async("the end of the notice", PATIENCE, async || {
            count(world, &given_up).await == 1
        })
        .await;
        told.settled(world).await;
        assert!(told.heard().is_empty());
    }

    async fn a_sign_out_survives_the_death_of_the_server_before_and_during_its_delivery(
        backend: Backend
    ) {
        let mut world = world(backend).await;
        let (failing, silent) = (Told::register(&world, &[]), Told::register(&world, &[]));
        answers(&failing.path, &[503, 200]);
        TlsPeer::shared().serve(&silent.path, Answer::of_body(Body::Silence));
        let (_, browser) = somebody(&world).await;
        for told in [&failing, &silent] {
            told.app.tokens(&browser).await;
        }
        sign_out(&browser).await;
        // One has failed and waits, the other is under way.
        silent.hears(1).await;
        failing.hears(1).await;
        world.kill9();
        assert_eq!(count(&world, "select count(*) from outbox").await, 2);
        TlsPeer::shared().serve(&silent.path, Answer::status(200));
        // The node that held it is believed dead after half a minute, which is over now.
        execute(&world, "update outbox set due_at = 0").await;
        world.start_server().await;
        for told in [&failing, &silent] {
            let sent = told.hears(2).await;
            assert_eq!(claim(&token_of(&sent[0]), "jti"), claim(&token_of(&sent[1]), "jti"));
            told.settled(&world).await;
        }
    }

    async fn what_a_command_ends_while_no_server_runs_is_told_once_one_does(backend: Backend) {
        let mut world = world(backend).await;
        let told = Told::register(&world, &[]);
        let (name, browser) = somebody(&world).await;
        let sid = claim(&told.app.tokens(&browser).await.id, "sid");
        world.stop();
        world.cli(&["user", "disable", &name]);
        assert!(told.heard().is_empty());
        world.start_server().await;
        assert_eq!(claim(&token_of(&told.hears(1).await[0]), "sid"), sid);
    }

    async fn a_place_that_may_not_be_reached_is_never_connected_to(backend: Backend) {
        // Listed while the app is registered, and no longer when the session ends.
        let canary = TlsPeer::start();
        let mut world = reachable(World::builder(backend), &[&canary]).start().await;
        let told = Told::at(&world, &canary, &[]);
        let (_, browser) = somebody(&world).await;
        told.app.tokens(&browser).await;
        world.set("DOORWARD_OUTBOUND__ALLOW_PRIVATE", "");
        world.restart().await;
        sign_out(&browser).await;
        let tried = "select count(*) from outbox where attempts > 0";
        wait_until_async("a try", PATIENCE, async || count(&world, tried).await == 1).await;
        assert_eq!(canary.connections(), 0);
    }
}

/// A delivery for each of `ids`, as if its session had just ended.
async fn put_in(world: &World, (told, ids): (&Told, &[String])) {
    let rows: Vec<_> = ids
        .iter()
        .map(|id| {
            let payload = json!({ "user_id": "u", "session_id": id });
            format!(
                "('{id}', 'backchannel_logout', '{}', '{payload}', 0, 0, 9999999999, 99999999999)",
                told.app.id
            )
        })
        .collect();
    let columns = "id, kind, client_id, payload, due_at, attempts, created_at, expires_at";
    execute(world, &format!("insert into outbox ({columns}) values {}", rows.join(", "))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_nodes_one_makes_each_delivery() {
    let world = world(Backend::Production).await;
    let mut second = SecondNode::spawn(&world);
    second.ready().await;
    let told = Told::register(&world, &[]);
    let ids: Vec<_> = (0..60).map(|n| format!("delivery-{n:02}")).collect();
    put_in(&world, (&told, &ids)).await;
    told.settled(&world).await;
    let mut heard: Vec<_> = told.heard().iter().map(|sent| claim(&token_of(sent), "jti")).collect();
    heard.sort();
    assert_eq!(heard, ids, "each of them once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_with_a_flushed_redis() {
    let builder = World::builder(Backend::Production).own_redis(Persistence::AppendOnly);
    let mut world = reachable(builder, &[TlsPeer::shared()]).start().await;
    let told = Told::register(&world, &[]);
    let open = Arc::new(AtomicUsize::new(503));
    let status = Arc::clone(&open);
    TlsPeer::shared().serve_with(&told.path, move |_| {
        Answer::status(u16::try_from(status.load(Ordering::SeqCst)).unwrap())
    });
    let (_, browser) = somebody(&world).await;
    let tokens = told.app.tokens(&browser).await;
    sign_out(&browser).await;
    told.hears(1).await;
    world.redis().flush();
    open.store(200, Ordering::SeqCst);
    let sent = told.hears(2).await;
    assert_eq!(claim(&token_of(&sent[1]), "sid"), claim(&tokens.id, "sid"));
    told.settled(&world).await;
}
