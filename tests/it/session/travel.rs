//! Impossible travel from end to end: two addresses that a map puts far apart, as a trusted proxy tells
//! them, and what the settings, the audit log, the metrics and the person's mailbox make of it.

use doorward::store::audit::{AuditEvent, AuditFilter, list};
use reqwest::Method;
use serde_json::json;

use crate::kit::fixtures::{ALICE, Bed, fill_in};
use crate::kit::flow::{get, is_signed_in};
use crate::kit::geoip;
use crate::kit::smtp::{Security, SmtpServer};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::world::World;

/// An address in the town of this machine that is no trusted proxy.
const HERE: &str = "127.9.9.9";

/// A Doorward behind a trusted proxy that knows places and does this about impossible travel.
async fn bed(backend: Backend, post: &SmtpServer, policy: &str) -> Bed {
    let builder = post.known_to(World::builder(backend));
    let mut world = builder.prepare().await;
    geoip::known_to(&mut world);
    world.set("DOORWARD_SERVER__TRUSTED_PROXIES", "127.0.0.1");
    world.set("DOORWARD_RISK__IMPOSSIBLE_TRAVEL", policy);
    world.start_server().await;
    Bed::new(world, &[]).await
}

/// Signs alice in from this address, in a browser that keeps what it is known by.
async fn sign_in_from(browser: &Browser, address: &str) -> Page {
    let url = browser.resolve("/");
    browser.cookies(|jar| jar.remove(&url, "doorward_session"));
    let form = fill_in(&browser.get("/login").await, &ALICE);
    let request = browser.request(Method::POST, &form.action).form(&form.pairs());
    let request = request.header("Sec-Fetch-Site", "same-origin");
    browser.send(request.header("X-Forwarded-For", address)).await
}

async fn travels(bed: &Bed) -> Vec<AuditEvent> {
    let filter = AuditFilter {
        kind: Some("anomaly.found".to_owned()),
        limit: 100,
        ..AuditFilter::default()
    };
    let store = bed.store().await;
    let mut events = list(&store.db, &filter).await.expect("the audit events");
    store.db.close().await;
    events.retain(|event| event.detail["anomaly"] == "impossible_travel");
    events
}

async fn counted(bed: &Bed, action: &str) -> String {
    let begin =
        format!("doorward_anomalies_total{{kind=\"impossible_travel\",action=\"{action}\"}} ");
    let metrics = get(&bed.world.management_url("/metrics")).await.text;
    let found = metrics.lines().find_map(|line| line.strip_prefix(&begin));
    found.unwrap_or("none").to_owned()
}

on_both_backends! {
    async fn a_sign_in_from_too_far_away_is_told_and_its_link_ends_it(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let bed = bed(backend, &post, "notify").await;
        let (own, thief) = (bed.world.browser(), bed.world.browser());
        sign_in_from(&own, HERE).await.assert_status(303);
        // So that the device is no news, and nothing but the way is left to be told.
        let device = own.cookie("doorward_device").expect("a device cookie");
        thief.plant_cookie("doorward_device", &device);
        sign_in_from(&thief, geoip::FAR).await.assert_status(303);

        let found = travels(&bed).await;
        let detail = json!({ "anomaly": "impossible_travel", "score": 80, "action": "notify" });
        assert_eq!((found.len(), &found[0].detail), (1, &detail));
        assert!(found[0].user_id.is_some() && found[0].session_id.is_some(), "{found:?}");
        assert_eq!(found[0].address.as_deref(), Some(geoip::FAR));
        assert_eq!(counted(&bed, "notify").await, "1");

        let letter = post.wait_for(ALICE.email, 1).await.remove(0);
        assert!(letter.text().contains(geoip::FAR), "{}", letter.text());
        let page = bed.world.browser().get(&letter.link()).await;
        page.assert_status(200);
        assert!(is_signed_in(&thief).await && is_signed_in(&own).await, "looking ends nothing");
        let answer = page.form("not-me").uncheck("others").submit().await;
        answer.assert_status(303);
        assert!(!is_signed_in(&thief).await, "the far one has ended");
        assert!(is_signed_in(&own).await, "the near one goes on");
        assert!(answer.follow().await.has_form("reset-password"), "and recovery begins");
        assert_eq!(bed.audit_count("sign_in.disowned").await, 1);
        assert_eq!(travels(&bed).await.len(), 1, "the way there was impossible, and no other");
        bed.assert_log_is_clean();
    }

    async fn a_sign_in_from_too_far_away_may_be_refused(backend: Backend) {
        for policy in ["refuse", "step_up"] {
            let post = SmtpServer::start(Security::Plain);
            let bed = bed(backend, &post, policy).await;
            let browser = bed.world.browser();
            sign_in_from(&browser, HERE).await.assert_status(303);
            let page = sign_in_from(&browser, geoip::FAR).await;
            page.assert_status(403);
            assert!(page.text().contains("too unlike your earlier ones"), "{}", page.describe());
            assert!(browser.cookie("doorward_session").is_none(), "nobody was let in");
            let found = travels(&bed).await;
            let detail = json!({ "anomaly": "impossible_travel", "score": 80, "action": policy });
            assert_eq!((found.len(), &found[0].detail), (1, &detail));
            assert_eq!(counted(&bed, policy).await, "1");
            assert_eq!(bed.audit_count("sign_in.refused").await, 1);
            let letter = post.wait_for(ALICE.email, 1).await.remove(0);
            assert!(letter.header("Subject").contains("was refused"), "{}", letter.text());
            bed.world.browser().get(&letter.link()).await.assert_status(200);
            // Whoever was refused was not there: the next one is compared with the sign-in before.
            sign_in_from(&browser, HERE).await.assert_status(303);
            assert_eq!(travels(&bed).await.len(), 1);
        }
    }
}
