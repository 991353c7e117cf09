//! Guessing passwords: no more are compared than the limit allows, however many come at once, on however
//! many nodes, under whichever name; and whoever is refused can be helped.

use std::time::Duration;

use futures_util::future::join_all;

use crate::kit::fixtures::{ALICE, BOB, Bed};
use crate::kit::flow::{PATIENCE, SecondNode, count, get};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// More than can be compared in the minutes that a slow machine may take for a test: the fifteenth waits
/// for a quarter of an hour.
const MOST_COMPARED: usize = 15;

async fn guess(browser: &Browser, username: &str, password: &str) -> Page {
    let page = browser.get("/login").await;
    page.form("sign-in").set("username", username).set("password", password).submit().await
}

/// Signs in with the right password. Where hashes take their time, those who come after the free ones are told to
/// wait for these, for the shortest time there is: it would get longer if any of them counted.
async fn comes_in(world: &World) {
    let browser = world.browser();
    for _ in 0..20 {
        let page = guess(&browser, ALICE.username, ALICE.password).await;
        if page.status.as_u16() == 303 {
            return;
        }
        page.assert_status(429);
        let wait: u64 = page.header("retry-after").parse().expect("seconds");
        assert!(wait <= 2, "{}", page.describe());
        tokio::time::sleep(Duration::from_secs(wait)).await;
    }
    panic!("the right password never came in");
}

/// How many passwords the server at this management address has compared.
async fn compared(metrics: &str) -> usize {
    let metrics = get(metrics).await.text;
    let name = "doorward_password_hash_duration_seconds_count ";
    let value = metrics.lines().find_map(|line| line.strip_prefix(name)).expect(name);
    value.parse().expect("a number")
}

on_both_backends! {
    async fn of_many_guesses_at_once_few_are_compared(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let mut bases = vec![bed.world.issuer.clone()];
        let mut nodes = vec![];
        // One node alone has the in-process store.
        if backend == Backend::Production {
            let mut node = SecondNode::spawn(&bed.world);
            node.ready().await;
            bases.push(node.base());
            nodes.push(node);
        }
        let metrics = [bed.world.management_url("/metrics")].into_iter();
        let metrics: Vec<_> = metrics.chain(nodes.iter().map(SecondNode::metrics_url)).collect();
        let all = async || {
            let each = join_all(metrics.iter().map(|url| compared(url))).await;
            each.into_iter().sum::<usize>()
        };
        // Signing in once makes the pages, and shows that each node is counted.
        let before = all().await;
        for base in &bases {
            assert_eq!(guess(&Browser::new(base), BOB.username, BOB.password).await.status.as_u16(), 303);
        }
        let start = all().await;
        assert_eq!(start, before + bases.len());
        let forms = join_all((0..200).map(|n| {
            let browser = Browser::new(&bases[n % bases.len()]);
            async move {
                let name = if n % 3 == 0 { ALICE.email } else { ALICE.username };
                let form = browser.get("/login").await.form("sign-in").set("username", name);
                (browser, form.set("password", &format!("guess number {n}")))
            }
        }))
        .await;
        let answers = join_all(forms.into_iter().map(|(_browser, form)| form.submit())).await;
        let statuses: Vec<_> = answers.iter().map(|page| page.status.as_u16()).collect();
        let wrong = statuses.iter().filter(|status| **status == 401).count();
        assert!(statuses.iter().all(|status| [401, 429].contains(status)), "{statuses:?}");
        assert_eq!(all().await - start, wrong, "whoever is told to wait was not compared");
        assert!((6..=MOST_COMPARED).contains(&wrong), "{wrong} guesses were compared");
        assert_eq!(bed.audit_count("sign_in.failed").await, wrong);
        // Others are not affected.
        let bob = guess(&bed.world.browser(), BOB.username, BOB.password).await;
        assert_eq!(bob.status.as_u16(), 303, "{}", bob.describe());
    }

    async fn an_account_has_one_count_under_all_its_names(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let browser = bed.world.browser();
        for name in ["alice", ALICE.email, " ALICE ", "Alice@People.test", "alice", ALICE.email] {
            assert_eq!(guess(&browser, name, "wrong").await.status.as_u16(), 401, "{name}");
        }
        let failures = "select count(*) from audit_events where kind = 'sign_in.throttled' \
            and cast(detail as text) like '%account%'";
        assert_eq!(count(&bed.world, failures).await, 1, "the sixth under any name");
    }

    async fn the_right_password_counts_for_nothing_however_often_at_once(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        for _ in 0..2 {
            join_all((0..12).map(|_| comes_in(&bed.world))).await;
        }
        for _ in 0..4 {
            guess(&bed.world.browser(), ALICE.username, "wrong").await;
        }
        for _ in 0..4 {
            let page = guess(&bed.world.browser(), ALICE.username, ALICE.password).await;
            assert_eq!(page.status.as_u16(), 303, "{}", page.describe());
        }
    }

    async fn whoever_is_refused_is_shown_an_id_that_is_in_the_log(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let browser = bed.world.browser();
        let wrong = guess(&browser, ALICE.username, "wrong").await;
        let unusable = guess(&browser, ALICE.username, &"a".repeat(1_025)).await;
        let mut throttled = wrong;
        assert_shown(&throttled, 401);
        for _ in 0..20 {
            if throttled.status.as_u16() == 429 {
                break;
            }
            throttled = guess(&browser, ALICE.username, "wrong").await;
        }
        for (page, status, reason) in
            [(&throttled, 429, "throttled"), (&unusable, 400, "unusable_password")]
        {
            let id = assert_shown(page, status);
            wait_until_async("a line in the log", PATIENCE, async || {
                let log = bed.world.log();
                log.lines().filter(|line| line.contains(&id) && line.contains(reason)).count() == 1
            })
            .await;
        }
        bed.assert_log_is_clean();
    }
}

/// The request id, which stands on the page.
fn assert_shown(page: &Page, status: u16) -> String {
    page.assert_status(status);
    let id = page.header("x-request-id").to_owned();
    assert!(page.texts(".facts code").contains(&id), "{}", page.describe());
    id
}
