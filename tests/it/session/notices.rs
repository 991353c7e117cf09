//! Sign-ins unlike those before are found, judged, and told to the person (security catalogue, row 22
//! for refresh tokens, row 82 for the links in letters).

use doorward::store::audit::{AuditEvent, AuditFilter, list};
use serde_json::json;

use crate::kit::fixtures::{ALICE, BOB, Bed, fill_in};
use crate::kit::flow::{App, count, execute, get};
use crate::kit::smtp::{Letter, Security, SmtpServer};
use crate::support::browser_like::{Browser, Page};
use crate::support::form::Form;
use crate::support::world::{World, WorldBuilder};

const WRONG: &str = "wrong password on purpose";
const LINKS: &str = "select count(*) from one_time_links where kind = 'not_me'";

/// Wherever a request can name a host or an address that is not ours.
const ANOTHER_HOST: [(&str, &str); 10] = [
    ("Host", "evil.test"),
    ("X-Forwarded-Host", "evil.test"),
    ("X-Forwarded-Server", "evil.test"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Prefix", "/evil"),
    ("X-Host", "evil.test"),
    ("X-Original-Host", "evil.test"),
    ("X-Original-URL", "https://evil.test/"),
    ("Forwarded", "for=192.0.2.9;host=evil.test;proto=https"),
    ("Referer", "https://evil.test/"),
];

/// Sends a form as its browser does, through a proxy that lets every header through.
async fn submit_for_another_host(browser: &Browser, form: Form) -> Page {
    let mut request = browser.request(reqwest::Method::POST, &form.action).form(&form.pairs());
    for (name, value) in ANOTHER_HOST {
        request = request.header(name, value);
    }
    browser.send(request.header("Sec-Fetch-Site", "same-origin")).await
}

async fn bed(post: &SmtpServer, builder: WorldBuilder) -> Bed {
    Bed::new(post.known_to(builder).start().await, &[]).await
}

/// Signs alice in in this browser.
async fn sign_in(browser: &Browser) -> Page {
    fill_in(&browser.get("/login").await, &ALICE).submit().await
}

/// The browser keeps every cookie but that of the session.
fn forget_session(browser: &Browser) {
    let url = browser.resolve("/");
    browser.cookies(|jar| jar.remove(&url, "doorward_session"));
}

async fn anomalies(bed: &Bed) -> Vec<AuditEvent> {
    let kind = Some("anomaly.found".to_owned());
    let store = bed.store().await;
    let filter = AuditFilter { kind, limit: 100, ..AuditFilter::default() };
    let events = list(&store.db, &filter).await.expect("the audit events");
    store.db.close().await;
    events
}

async fn metrics(bed: &Bed) -> String {
    get(&bed.world.management_url("/metrics")).await.text
}

/// Writes that nobody waits for have been made by now: a later letter has arrived.
async fn only_letters(post: &SmtpServer, bed: &Bed, expected: usize) -> Vec<Letter> {
    let input = ["user", "set-password", BOB.username, "--password-file", "-"];
    let before = post.letters(BOB.email).len();
    bed.world.cli_with_input(&input, BOB.password);
    post.wait_for(BOB.email, before + 1).await;
    let letters = post.wait_for(ALICE.email, expected).await;
    assert_eq!(letters.len(), expected);
    letters
}

on_both_backends! {
    async fn a_new_device_is_told_once_and_a_known_one_never(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let bed = bed(&post, World::builder(backend)).await;
        let known = bed.world.browser();
        sign_in(&known).await.assert_status(303);
        assert!(anomalies(&bed).await.is_empty(), "a first sign-in is unlike nothing");
        let cookie = known.cookie("doorward_device").expect("a device cookie");

        sign_in(&bed.world.browser()).await.assert_status(303);
        let letters = post.wait_for(ALICE.email, 1).await;
        assert_eq!(letters[0].header("Subject"), "Doorward: a new sign-in to your account");
        for body in [letters[0].text(), letters[0].html()] {
            for part in ["alice", "a device that was not used before", "127.0.0.1", "72 hours"] {
                assert!(body.contains(part), "{part} is not in {body}");
            }
        }
        let found = anomalies(&bed).await;
        assert_eq!(found.len(), 1);
        let detail = json!({ "anomaly": "new_device", "score": 40, "action": "notify" });
        assert_eq!(found[0].detail, detail);
        assert!(found[0].session_id.is_some() && found[0].user_id.is_some(), "{found:?}");
        let line = "doorward_anomalies_total{kind=\"new_device\",action=\"notify\"} 1";
        assert!(metrics(&bed).await.contains(line));

        // The same browser again, signed in and signed out, is no news.
        for _ in 0..2 {
            forget_session(&known);
            sign_in(&known).await.assert_status(303);
        }
        assert_eq!(known.cookie("doorward_device").as_deref(), Some(cookie.as_str()));
        only_letters(&post, &bed, 1).await;
        let marks = "select count(*) from known_marks where mark like '%";
        assert_eq!(count(&bed.world, &format!("{marks}{cookie}%'")).await, 0, "only its hash");
        bed.assert_log_is_clean();
    }

    async fn links_in_letters_lead_to_the_issuer_whatever_host_was_asked(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let builder = World::builder(backend).env("DOORWARD_SERVER__TRUSTED_PROXIES", "127.0.0.1");
        let bed = bed(&post, builder).await;
        sign_in(&bed.world.browser()).await.assert_status(303);
        let browser = bed.world.browser();
        let form = fill_in(&browser.get("/login").await, &ALICE);
        submit_for_another_host(&browser, form).await.assert_status(303);
        let told = post.wait_for(ALICE.email, 1).await.remove(0);
        let form = browser.get(&told.link()).await.form("not-me");
        let answer = submit_for_another_host(&browser, form).await;
        answer.assert_status(303);
        assert!(answer.header("location").starts_with("/login/reset?token="), "{}", answer.describe());
        let recovery = post.wait_for(ALICE.email, 2).await.remove(1);
        for (letter, path) in [(told, "/login/not-me?token="), (recovery, "/login/reset?token=")] {
            let expected = format!("{}{path}", bed.world.issuer);
            assert!(letter.link().starts_with(&expected), "{}", letter.link());
            let raw = String::from_utf8_lossy(&letter.raw).into_owned();
            for part in [raw, letter.text(), letter.html()] {
                assert!(!part.contains("evil.test"), "{part}");
            }
        }
    }

    async fn without_a_mail_server_findings_are_noted_all_the_same(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        sign_in(&bed.world.browser()).await.assert_status(303);
        sign_in(&bed.world.browser()).await.assert_status(303);
        assert_eq!(anomalies(&bed).await.len(), 1);
        assert_eq!(count(&bed.world, "select count(*) from outbox").await, 0);
        assert_eq!(count(&bed.world, LINKS).await, 0);
    }

    async fn a_policy_may_refuse_whoever_knows_the_password(backend: Backend) {
        for policy in ["refuse", "step_up"] {
            let post = SmtpServer::start(Security::Plain);
            let builder = World::builder(backend).env("DOORWARD_RISK__NEW_DEVICE", policy);
            let bed = bed(&post, builder).await;
            let known = bed.world.browser();
            sign_in(&known).await.assert_status(303);
            let stranger = bed.world.browser();
            for _ in 0..2 {
                let page = sign_in(&stranger).await;
                page.assert_status(403);
                assert!(page.text().contains("too unlike your earlier ones"), "{}", page.describe());
                assert!(stranger.cookie("doorward_session").is_none());
                assert!(stranger.cookie("doorward_device").is_none(), "nothing is learned from it");
            }
            forget_session(&known);
            sign_in(&known).await.assert_status(303);
            assert_eq!(count(&bed.world, "select count(*) from sessions").await, 2);
            assert_eq!(bed.audit_count("sign_in.refused").await, 2);
            let letters = only_letters(&post, &bed, 1).await;
            assert!(letters[0].header("Subject").contains("was refused"), "once an hour");
            assert!(metrics(&bed).await.contains(&format!("action=\"{policy}\"}} 2")));
        }
    }

    async fn a_letter_that_could_not_be_written_is_written_the_next_time(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let builder = World::builder(backend).env("DOORWARD_RISK__NEW_DEVICE", "refuse");
        let bed = bed(&post, builder).await;
        sign_in(&bed.world.browser()).await.assert_status(303);
        let stranger = bed.world.browser();
        execute(&bed.world, "alter table outbox rename to outbox_away").await;
        let page = sign_in(&stranger).await;
        assert!(page.status.is_server_error(), "{}", page.describe());
        execute(&bed.world, "alter table outbox_away rename to outbox").await;
        for _ in 0..2 {
            sign_in(&stranger).await.assert_status(403);
        }
        let letters = only_letters(&post, &bed, 1).await;
        assert!(letters[0].header("Subject").contains("was refused"), "once an hour");
    }

    async fn the_right_password_after_many_wrong_ones_is_told(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let builder = World::builder(backend).env("DOORWARD_RISK__BURST_FAILURES", "3");
        let bed = bed(&post, builder).await;
        let browser = bed.world.browser();
        sign_in(&browser).await.assert_status(303);
        forget_session(&browser);
        for _ in 0..3 {
            let page = browser.get("/login").await;
            let form = page.form("sign-in").set("username", ALICE.username);
            form.set("password", WRONG).submit().await.assert_status(401);
        }
        assert!(anomalies(&bed).await.is_empty(), "wrong passwords alone tell nobody's mailbox");
        sign_in(&browser).await.assert_status(303);
        let letters = post.wait_for(ALICE.email, 1).await;
        assert!(letters[0].text().contains("after many wrong ones"), "{}", letters[0].text());
        assert_eq!(anomalies(&bed).await[0].detail["score"], 60);
    }

    async fn a_new_network_is_noted_and_told_if_wanted(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let builder = World::builder(backend)
            .env("DOORWARD_SERVER__TRUSTED_PROXIES", "127.0.0.1")
            .env("DOORWARD_RISK__NEW_NETWORK", "notify");
        let bed = bed(&post, builder).await;
        let browser = bed.world.browser();
        for (address, found) in [("192.0.2.1", 0), ("192.0.2.200", 0), ("198.51.100.7", 1)] {
            let page = browser.get("/login").await;
            let url = browser.resolve("/login");
            let fields = [
                ("flow", page.form("sign-in").value("flow").unwrap_or_default().to_owned()),
                ("csrf", page.form("sign-in").value("csrf").unwrap_or_default().to_owned()),
                ("username", ALICE.username.to_owned()),
                ("password", ALICE.password.to_owned()),
            ];
            let request = browser.request(reqwest::Method::POST, &url).form(&fields);
            let request = request.header("X-Forwarded-For", address);
            let request = request.header("Origin", &bed.world.issuer);
            browser.send(request).await.assert_status(303);
            assert_eq!(anomalies(&bed).await.len(), found, "{address}");
            forget_session(&browser);
        }
        let letters = post.wait_for(ALICE.email, 1).await;
        assert!(letters[0].text().contains("From:   198.51.100.7"), "{}", letters[0].text());
    }

    async fn a_refresh_token_used_twice_is_told_to_its_owner(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let builder = World::builder(backend).env("DOORWARD_TOKENS__REFRESH_GRACE", "0");
        let bed = bed(&post, builder).await;
        let app = App::register(&bed.world, "wiki", &[]);
        let browser = bed.signed_in(&ALICE).await;
        let first = app.tokens(&browser).await;
        let second = app.refresh(&first.refresh).await.tokens();
        app.refresh(&first.refresh).await.assert_error(400, "invalid_grant");
        let letters = post.wait_for(ALICE.email, 1).await;
        assert!(letters[0].text().contains("App:    wiki"), "{}", letters[0].text());
        app.assert_dead(&second).await;
        // Using the dead one again tells nobody anything.
        app.refresh(&first.refresh).await.assert_error(400, "invalid_grant");
        only_letters(&post, &bed, 1).await;
        // However often: nor does it use up the letters that its owner gets in a day.
        for _ in 0..25 {
            app.refresh(&first.refresh).await.assert_error(400, "invalid_grant");
        }
        sign_in(&bed.world.browser()).await.assert_status(303);
        only_letters(&post, &bed, 2).await;
        let store = bed.store().await;
        let kind = Some("refresh_reuse".to_owned());
        let filter = AuditFilter { kind, limit: 9, ..AuditFilter::default() };
        let events = list(&store.db, &filter).await.unwrap();
        store.db.close().await;
        assert_eq!((events.len(), &events[0].detail["score"]), (1, &json!(90)));
    }

    async fn what_is_remembered_of_a_person_is_bounded(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        for _ in 0..23 {
            sign_in(&bed.world.browser()).await.assert_status(303);
        }
        let marks = "select count(*) from known_marks where kind = 'device'";
        assert_eq!(count(&bed.world, marks).await, 20);
        execute(&bed.world, "update known_marks set expires_at = 1").await;
        sign_in(&bed.world.browser()).await.assert_status(303);
        assert_eq!(anomalies(&bed).await.len(), 24, "nothing is known, so both are unlike before");
    }
}
