//! Webhooks in the console: added, tested, sent again, changed, switched off and on, removed, with plain
//! forms.

use crate::kit::console::{Admin, admin, field};
use crate::kit::fixtures::unique;
use crate::kit::flow::{count, create_user};
use crate::kit::hooks::{Hook, verifies, world};
use crate::kit::logout::PATIENCE;
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer, TlsPeer};

const HOSTILE: &str = "\"><script>alert(1)</script>\u{202e}x";

/// Says yes to the question at this address.
async fn confirm(owner: &Admin, path: &str) -> crate::support::browser_like::Page {
    owner.page(path).await.form_to(path).submit().await
}

on_both_backends! {
    async fn an_owner_adds_a_webhook_and_looks_after_it(backend: Backend) {
        let world = world(backend).await;
        let owner = admin(&world, "owner").await;
        let empty = owner.page("/admin/webhooks").await;
        assert!(empty.text().contains("Nobody is told yet."), "{}", empty.text());
        let peer = TlsPeer::shared();
        let place = format!("/{}/in", unique("secret-path"));
        peer.serve(&place, Answer::status(200));
        let form = owner.page("/admin/webhooks/new").await.form("webhook-form");
        let form = form.set("name", "Staff chat").set("url", &peer.url(&place));
        let made = form.set("events", "user.created\r\n\r\n group.*").submit().await;
        made.assert_status(200);
        let secret = field(&made, "webhook-secret");
        let list = owner.page("/admin/webhooks").await;
        let row = list.texts("tbody tr").join(" ");
        assert!(row.contains("Staff chat") && row.contains("user.created"), "{row}");
        assert!(!list.body.contains(&place), "the path of an address may be a secret");
        let path = list.attributes("tbody a", "href")[0].clone();

        // A test tells what came back, good or bad.
        let test = || async { owner.page(&path).await.form_to(&format!("{path}/test")).submit().await };
        assert!(owner.message_after(&test().await).await.contains("arrived: it was answered with 200"));
        peer.serve(&place, Answer::new(503, "text/html", HOSTILE));
        let told = test().await.follow().await;
        assert!(told.texts(".flash").join(" ").contains("did not arrive: it was answered with 503"));
        assert!(!told.body.contains("<script>alert"), "{}", told.body);
        peer.serve(&place, Answer::status(200));

        create_user(&world, "alice");
        let hook = Hook { id: String::new(), name: String::new(), secret: String::new(), path: place.clone() };
        let told = hook.hears_of("user.created").await;
        verifies(&secret, &told);
        let arrived = "select count(*) from webhook_deliveries where kind = 'user.created' and state = 'arrived'";
        wait_until_async("the line in the log", PATIENCE, async || count(&world, arrived).await == 1).await;
        let page = owner.page(&path).await;
        let log = page.texts("tbody tr");
        // Of one second any may come first.
        let arrived = |line: &&String| line.contains("user.created") && line.contains("Arrived");
        assert!(log.len() == 3 && log.iter().filter(arrived).count() == 1, "{log:?}");
        // Sent once more it has the same id; a test cannot be sent again.
        assert_eq!(page.attributes("input[name=delivery]", "value").len(), 1);
        let again = page.form_to(&format!("{path}/redeliver")).submit().await;
        assert!(owner.message_after(&again).await.contains("on its way again"));
        let times = || hook.heard().iter().filter(|sent| sent.body == told.body).count();
        wait_until_async("the same once more", PATIENCE, async || times() >= 2).await;
        let id = told.header("webhook-id").unwrap();
        assert!(hook.heard().iter().all(|sent| (sent.body == told.body) == (sent.header("webhook-id") == Some(id))));

        // Changed, with a new secret, off and on.
        let form = owner.page(&path).await.form("webhook-form");
        let saved = form.set("name", "Chat").set("events", "group.created").submit().await;
        assert!(owner.message_after(&saved).await.contains("Chat is saved"));
        let renewed = confirm(&owner, &format!("{path}/rotate-secret")).await;
        renewed.assert_status(200);
        let renewed = field(&renewed, "webhook-secret");
        assert_ne!(renewed, secret);
        world.cli(&["group", "create", "crew"]);
        let both = hook.hears_of("group.created").await;
        verifies(&secret, &both);
        verifies(&renewed, &both);
        let off = confirm(&owner, &format!("{path}/disable")).await;
        assert!(owner.message_after(&off).await.contains("is disabled"));
        let on = owner.page(&path).await.form_to(&format!("{path}/enable")).submit().await;
        assert!(owner.message_after(&on).await.contains("from now on"));

        let gone = confirm(&owner, &format!("{path}/delete")).await;
        assert!(owner.message_after(&gone).await.contains("is deleted"));
        owner.browser.get(&path).await.assert_status(404);
        assert_eq!(count(&world, "select count(*) from webhook_deliveries").await, 0);
        for kind in ["created", "tested", "redelivered", "updated", "secret_rotated", "disabled", "enabled", "deleted"] {
            let sql = format!("select count(*) from audit_events where kind = 'webhook.{kind}'");
            let times = if kind == "tested" { 2 } else { 1 };
            assert_eq!(count(&world, &sql).await, times, "{kind}");
        }
        world.assert_log_is_clean(&[&secret, &renewed, &place]);
    }

    async fn what_cannot_be_a_webhook_is_said_at_its_field_and_nothing_typed_is_lost(backend: Backend) {
        let world = world(backend).await;
        let owner = admin(&world, "owner").await;
        let taken = Hook::add(&world, &["*"]);
        let long = "x".repeat(65);
        let many = "user.created,".repeat(200) + "user.nothing";
        for (name, url, events, wrong) in [
            ("", "https://example.com/", "*", "name"), (&*long, "https://example.com/", "*", "name"),
            (HOSTILE, "https://example.com/", "*", "name"), (&*taken.name, "https://example.com/", "*", "name"),
            ("x", "", "*", "url"), ("x", "http://example.com/", "*", "url"), ("x", "https://10.0.0.1/", "*", "url"),
            ("x", "https://example.com/", "", "events"), ("x", "https://example.com/", "user.made", "events"),
            ("x", "https://example.com/", HOSTILE, "events"), ("x", "https://example.com/", &many, "events"),
        ] {
            let fields = [("name", name), ("url", url), ("events", events)];
            let page = owner.post("/admin/webhooks", &fields).await;
            page.assert_status(422);
            assert!(page.attributes(&format!("#{wrong}"), "aria-invalid").len() == 1, "{wrong}: {}", page.text());
            assert!(!page.body.contains("<script>alert"), "{}", page.body);
            assert_eq!(page.form("webhook-form").value("url"), Some(url));
        }
        let rows = "select count(*) from webhooks";
        assert_eq!(count(&world, rows).await, 1);
        // What is not there cannot be sent again, nor by another webhook.
        let other = Hook::add(&world, &["group.created"]);
        create_user(&world, "alice");
        taken.hears(1).await;
        let line = taken.log(&world)[0]["id"].as_str().unwrap().to_owned();
        for (hook, delivery) in [(&taken, "x"), (&taken, ""), (&other, &line)] {
            let path = format!("/admin/webhooks/{}/redeliver", hook.id);
            owner.post(&path, &[("delivery", delivery)]).await.assert_status(404);
        }
    }

    async fn others_see_where_messages_go_and_change_nothing(backend: Backend) {
        let world = world(backend).await;
        let hook = Hook::add(&world, &["user.*"]);
        let path = format!("/admin/webhooks/{}", hook.id);
        for role in ["operator", "auditor"] {
            let reader = admin(&world, role).await;
            let page = reader.page(&path).await;
            assert!(page.text().contains("user.*") && page.text().contains("localhost"), "{}", page.text());
            assert!(!page.body.contains(&hook.path) && !page.has_form("webhook-form"), "{}", page.body);
            for step in ["edit", "test", "redeliver", "enable", "disable", "rotate-secret", "delete"] {
                reader.post(&format!("{path}/{step}"), &[]).await.assert_status(403);
            }
        }
        assert!(hook.heard().iter().all(|sent| Hook::message(sent)["type"] == "user.created"));
    }
}
