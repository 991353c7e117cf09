//! Webhooks: endpoints hear of what they asked for, signed as receivers check it, once it is true and
//! until it has arrived.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::kit::fixtures::unique;
use crate::kit::flow::{PASSWORD, count, create_user, execute, get, submit_sign_in};
use crate::kit::hooks::{Hook, verifies, world};
use crate::kit::logout::{PATIENCE, hurry};
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer, Body, TlsPeer, reachable};
use crate::support::world::World;

/// Answers with these statuses in turn, and with the last one from then on.
fn answers(path: &str, statuses: &'static [u16]) {
    let asked = AtomicUsize::new(0);
    TlsPeer::shared().serve_with(path, move |_| {
        let turn = asked.fetch_add(1, Ordering::SeqCst);
        Answer::status(statuses[turn.min(statuses.len() - 1)])
    });
}

async fn waiting(world: &World) -> i64 {
    count(world, "select count(*) from outbox where kind = 'webhook'").await
}

/// Events of this kind in the audit log whose detail holds a text.
async fn noted(world: &World, kind: &str, text: &str) -> i64 {
    let sql = format!(
        "select count(*) from audit_events where kind = '{kind}' \
         and cast(detail as text) like '%{text}%'"
    );
    count(world, &sql).await
}

on_both_backends! {
    async fn an_endpoint_hears_of_what_it_asked_for_and_a_library_of_others_believes_it(
        backend: Backend
    ) {
        let world = world(backend).await;
        let (people, groups) = (Hook::add(&world, &["user.*"]), Hook::add(&world, &["group.created"]));
        let all = Hook::add(&world, &["*", "user.created"]);
        let alice = create_user(&world, "alice");
        submit_sign_in(&world.browser(), "alice", "a wrong one of hers").await;
        let sent = people.hears(1).await;
        verifies(&people.secret, &sent[0]);
        assert_eq!((sent[0].method.as_str(), sent[0].header("content-type")), ("POST", Some("application/json")));
        let message = Hook::message(&sent[0]);
        assert_eq!((&message["type"], &message["data"]["user_id"]), (&"user.created".into(), &alice.as_str().into()));
        assert_eq!((&message["data"]["result"], &message["data"]["actor"]), (&"success".into(), &"command-line".into()));
        assert_eq!(message["data"]["detail"]["username"], "alice");
        let at = doorward::clock::UnixTime::parse(message["timestamp"].as_str().unwrap());
        assert!(at.is_some(), "{message}");
        // Whoever wants everything hears it with the same id, of the failure, and of itself.
        for kind in ["user.created", "sign_in.failed", "webhook.created"] {
            all.hears_of(kind).await;
        }
        let everything = all.heard();
        let same = everything.iter().find(|other| other.body == sent[0].body).expect("the same message");
        assert_eq!(same.header("webhook-id"), sent[0].header("webhook-id"));
        verifies(&all.secret, same);
        for sent in &everything {
            let text = String::from_utf8_lossy(&sent.body);
            assert!(!text.contains(PASSWORD) && !text.contains("a wrong one of hers"), "{text}");
        }
        wait_until_async("an empty outbox", PATIENCE, async || waiting(&world).await == 0).await;
        assert_eq!(people.ids().len(), 1);
        assert!(groups.heard().is_empty());
        let line = &people.log(&world)[0];
        assert_eq!((&line["state"], &line["status"]), (&"arrived".into(), &200.into()));
        let metrics = get(&world.management_url("/metrics")).await.text;
        assert!(metrics.contains("doorward_outbox_attempts_total{kind=\"webhook\",result=\"arrived\"}"));
        world.assert_log_is_clean(&[&people.secret, &all.secret, &people.path]);
    }

    async fn what_fails_is_sent_again_with_the_same_id(backend: Backend) {
        let world = world(backend).await;
        let hook = Hook::add(&world, &["user.created"]);
        answers(&hook.path, &[500, 302, 404, 204]);
        create_user(&world, "alice");
        wait_until_async("four tries", PATIENCE, async || {
            hurry(&world, &hook.id).await;
            waiting(&world).await == 0
        })
        .await;
        let sent = hook.heard();
        assert!(sent.len() >= 4, "no redirect was followed, and no answer but 2xx is enough");
        for again in &sent {
            verifies(&hook.secret, again);
            assert_eq!(again.header("webhook-id"), sent[0].header("webhook-id"));
            assert_eq!(again.body, sent[0].body);
        }
        let line = &hook.log(&world)[0];
        assert_eq!((&line["state"], &line["status"]), (&"arrived".into(), &204.into()));
        assert!(line["attempts"].as_i64() >= Some(4), "{line}");
        assert_eq!(world.cli(&["webhook", "show", &hook.name])["failing_since"], Value::Null);
    }

    async fn nothing_is_lost_when_the_server_dies_between_the_change_and_the_message(backend: Backend) {
        let mut world = world(backend).await;
        let hook = Hook::add(&world, &["user.created"]);
        TlsPeer::shared().serve(&hook.path, Answer::of_body(Body::Silence));
        create_user(&world, "alice");
        hook.hears(1).await;
        world.kill9();
        // And one that no server has seen yet.
        create_user(&world, "bob");
        assert_eq!(waiting(&world).await, 2);
        TlsPeer::shared().serve(&hook.path, Answer::status(200));
        // The node that held the first is believed dead after a while, which is over now.
        execute(&world, "update outbox set due_at = 0").await;
        world.start_server().await;
        wait_until_async("an empty outbox", PATIENCE, async || waiting(&world).await == 0).await;
        let sent = hook.heard();
        let first = sent[0].header("webhook-id");
        assert!(sent.iter().filter(|sent| sent.header("webhook-id") == first).count() >= 2);
        assert_eq!(hook.ids().len(), 2);
        assert_eq!(hook.log(&world).len(), 2);
    }

    async fn an_endpoint_that_never_answers_delays_nobody(backend: Backend) {
        let world = world(backend).await;
        let (silent, quick) = (Hook::add(&world, &["*"]), Hook::add(&world, &["group.created"]));
        TlsPeer::shared().serve(&silent.path, Answer::of_body(Body::Silence));
        for n in 0..30 {
            world.cli(&["group", "create", &format!("group-{n}")]);
        }
        wait_until_async("all thirty", 3 * PATIENCE, async || quick.ids().len() == 30).await;
        assert!(waiting(&world).await >= 20, "they wait for the one that never answers");
        TlsPeer::shared().serve(&silent.path, Answer::status(200));
    }

    async fn no_address_inside_is_taken_or_connected_to(backend: Backend) {
        let canary = TlsPeer::start();
        let mut world = reachable(World::builder(backend), &[&canary]).start().await;
        let inside = [
            "http://127.0.0.1/", "https://127.0.0.1/", "https://169.254.169.254/", "https://10.0.0.1/",
            "https://[::1]/", "https://0x7f.1/", "file:///etc/passwd", "https://user:pw@example.com/",
            "https://example.com:22/", "http://example.com/", "",
        ];
        for url in inside {
            let made = world.run(&["webhook", "create", "--name", "x", "--url", url, "--event", "*"]);
            assert_eq!(made.status.code(), Some(1), "{url}");
        }
        let hook = Hook::at(&world, &canary, &["user.created"]);
        world.set("DOORWARD_OUTBOUND__ALLOW_PRIVATE", "");
        world.restart().await;
        create_user(&world, "alice");
        let noted = "select count(*) from webhook_deliveries where problem like '%not on the public%'";
        wait_until_async("a refused try", PATIENCE, async || count(&world, noted).await == 1).await;
        // A name that leads inside is refused when it is resolved.
        let answer = world.run(&["--format", "json", "webhook", "test", &hook.name]);
        assert_eq!(answer.status.code(), Some(1));
        assert_eq!(canary.connections(), 0);
    }

    async fn with_a_new_secret_both_sign_for_a_day(backend: Backend) {
        let world = world(backend).await;
        let hook = Hook::add(&world, &["user.created"]);
        let rotated = world.cli(&["webhook", "rotate", &hook.name]);
        let new = rotated["secret"].as_str().expect("the new secret").to_owned();
        assert_ne!(new, hook.secret);
        create_user(&world, "alice");
        let sent = hook.hears(1).await;
        verifies(&hook.secret, &sent[0]);
        verifies(&new, &sent[0]);
        execute(&world, "update webhooks set previous_until = 1").await;
        create_user(&world, "bob");
        wait_until_async("the second", PATIENCE, async || hook.ids().len() == 2).await;
        let second = hook.heard().pop().unwrap();
        verifies(&new, &second);
        assert_eq!(second.header("webhook-signature").unwrap().split(' ').count(), 1);
        assert!(!world.cli(&["webhook", "list"]).to_string().contains("whsec_"));
        // In the database both are sealed.
        let plain = "select count(*) from webhooks where secret like '%whsec%' or previous_secret like '%whsec%'";
        assert_eq!(count(&world, plain).await, 0);
        world.assert_log_is_clean(&[&hook.secret, &new]);
    }

    async fn an_endpoint_that_fails_for_days_or_says_it_is_gone_is_switched_off(backend: Backend) {
        let world = world(backend).await;
        let (failing, gone) = (Hook::add(&world, &["user.created"]), Hook::add(&world, &["user.created"]));
        answers(&failing.path, &[503]);
        answers(&gone.path, &[410]);
        create_user(&world, "alice");
        let off = async |hook: &Hook| {
            let shown = world.cli(&["webhook", "show", &hook.name]);
            shown["disabled_at"].is_string()
        };
        wait_until_async("the end of the one that is gone", PATIENCE, async || off(&gone).await).await;
        assert_eq!(noted(&world, "webhook.disabled", "it answered 410").await, 1);
        let since = "select count(*) from webhooks where failing_since is not null and disabled_at is null";
        wait_until_async("the note that it fails", PATIENCE, async || count(&world, since).await == 1).await;
        assert!(!off(&failing).await, "not yet");
        execute(&world, "update webhooks set failing_since = failing_since - 259200 where disabled_at is null").await;
        wait_until_async("the end of the one that fails", PATIENCE, async || {
            hurry(&world, &failing.id).await;
            off(&failing).await
        })
        .await;
        assert_eq!(noted(&world, "webhook.disabled", "three days").await, 1);
        // What waits is dropped, and what happens meanwhile is not kept for it.
        wait_until_async("an empty outbox", PATIENCE, async || {
            hurry(&world, &failing.id).await;
            waiting(&world).await == 0
        })
        .await;
        create_user(&world, "bob");
        assert_eq!(waiting(&world).await, 0);
        TlsPeer::shared().serve(&failing.path, Answer::status(200));
        let before = failing.heard().len();
        world.cli(&["webhook", "enable", &failing.name]);
        create_user(&world, "carol");
        let sent = failing.hears(before + 1).await;
        assert_eq!(Hook::message(sent.last().unwrap())["data"]["detail"]["username"], "carol");
    }

    async fn a_message_that_nobody_took_in_time_is_given_up_and_the_log_says_so(backend: Backend) {
        let world = world(backend).await;
        let hook = Hook::add(&world, &["user.created", "delivery.given_up"]);
        answers(&hook.path, &[503]);
        create_user(&world, "alice");
        hook.hears(1).await;
        let failed = "select count(*) from webhook_deliveries where state = 'failed' and status = 503";
        wait_until_async("the end of all tries", PATIENCE, async || {
            // Not so long ago that the clean-up takes it away.
            let over = jsonwebtoken::get_current_timestamp() - 100;
            execute(&world, &format!("update outbox set expires_at = {over}")).await;
            hurry(&world, &hook.id).await;
            count(&world, failed).await == 1
        })
        .await;
        // Nobody is told that nobody was told.
        assert_eq!(waiting(&world).await, 0);
    }

    async fn commands_look_after_webhooks(backend: Backend) {
        let world = world(backend).await;
        let name = unique("hook");
        let hook = Hook::add_as(&world, &name, &["user.created"]);
        let twice = ["webhook", "create", "--name", &name, "--url", "https://example.com/", "--event", "*"];
        assert_eq!(world.run(&twice).status.code(), Some(1));
        for (event, told) in [("user.made", "did you mean"), ("user", "there is no event")] {
            let made = world.run(&["webhook", "update", &name, "--event", event]);
            let said = String::from_utf8_lossy(&made.stderr).into_owned();
            assert!(made.status.code() == Some(1) && said.contains(told), "{said}");
        }
        TlsPeer::shared().serve(&hook.path, Answer::new(200, "text/plain", "thank you\u{1b}[2J"));
        let tested = world.cli(&["webhook", "test", &name]);
        assert_eq!((&tested["arrived"], &tested["answer"]), (&true.into(), &"thank you [2J".into()));
        let sent = hook.hears(1).await;
        verifies(&hook.secret, &sent[0]);
        assert_eq!(Hook::message(&sent[0])["type"], "webhook.test");
        answers(&hook.path, &[500]);
        let failed = world.run(&["--format", "json", "webhook", "test", &name]);
        assert_eq!(failed.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&failed.stdout).contains("500"));
        // Both within the same second, so in either order.
        let log = hook.log(&world);
        let mut states: Vec<_> = log.iter().filter_map(|line| line["state"].as_str()).collect();
        states.sort_unstable();
        assert_eq!(states, ["arrived", "failed"]);
        world.cli(&["webhook", "update", &name, "--event", "group.*"]);
        assert_eq!(world.cli(&["webhook", "show", &hook.id])["events"], serde_json::json!(["group.*"]));
        assert!(world.cli(&["webhook", "disable", &name])["disabled_at"].is_string());
        world.cli(&["--yes", "webhook", "delete", &name]);
        assert_eq!(world.run(&["webhook", "show", &name]).status.code(), Some(1));
        for kind in ["created", "updated", "disabled", "deleted"] {
            assert_eq!(noted(&world, &format!("webhook.{kind}"), &name).await, 1, "{kind}");
        }
        assert_eq!(noted(&world, "webhook.tested", &name).await, 2);
        // The path of an address may be a secret.
        assert_eq!(noted(&world, "webhook.created", &hook.path).await, 0);
    }
}
