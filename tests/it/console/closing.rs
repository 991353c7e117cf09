//! The console closes when nobody has used it for a while, and after a longer while whatever is done in
//! it. The session by which people get into apps goes on.

use std::time::{Duration, Instant};

use crate::kit::console::{Admin, admin, enter};
use crate::kit::flow::{PASSWORD, is_signed_in};
use crate::support::backends::Backend;
use crate::support::world::World;

/// The limits of the console in these tests, in seconds: the shortest time without use that there is.
const IDLE: u64 = 60;
const ABSOLUTE: u64 = 90;

/// What a page that keeps itself up to date asks for, with nobody there perhaps.
const BY_ITSELF: &str = "/admin?live=1";

/// Whether the console is open in this browser, as this page of it says.
async fn is_open(admin: &Admin, path: &str) -> bool {
    let page = admin.browser.get(path).await;
    if page.status.as_u16() == 200 {
        return true;
    }
    page.assert_status(303);
    let to = page.location();
    assert_eq!((to.path(), to.query()), ("/login", Some("next=admin")), "{}", page.describe());
    false
}

/// Sends a form of the console where it is closed, by somebody who is signed in all the same.
async fn assert_does_nothing(world: &World, admin: &Admin) {
    let answer = admin.post("/admin/groups", &[("name", "too-late")]).await;
    assert_eq!(answer.location().path(), "/login", "{}", answer.describe());
    let groups = world.cli(&["group", "list"]).to_string();
    assert!(!groups.contains("too-late"), "{groups}");
    assert!(is_signed_in(&admin.browser).await, "the apps' session goes on");
}

async fn at(start: Instant, moment: Duration) {
    tokio::time::sleep(moment.saturating_sub(start.elapsed())).await;
}

/// Both backends in one test: it only waits, and need not keep two others waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_closes_when_nobody_uses_it_and_when_it_was_open_for_long() {
    let [one, other] = Backend::ALL;
    tokio::join!(close_by_both_limits(one), close_by_both_limits(other));
}

async fn close_by_both_limits(backend: Backend) {
    let world = World::builder(backend)
        .env("DOORWARD_SESSION__ADMIN_IDLE", &IDLE.to_string())
        .env("DOORWARD_SESSION__ADMIN_ABSOLUTE", &ABSOLUTE.to_string())
        .start()
        .await;
    let start = Instant::now();
    let used = admin(&world, "owner").await;
    let left_open = enter(&world, &used.username).await;
    let elsewhere = enter(&world, &used.username).await;
    let entered_after = start.elapsed();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert!(is_open(&used, "/admin").await);
        assert!(is_open(&left_open, BY_ITSELF).await);
        assert!(is_signed_in(&elsewhere.browser).await);
    }
    at(start, Duration::from_secs(IDLE + 2) + entered_after).await;
    assert!(!is_open(&left_open, BY_ITSELF).await, "a page that asks by itself is nobody's use");
    assert!(!is_open(&elsewhere, "/admin").await, "use of other pages is no use of the console");
    if start.elapsed() < Duration::from_secs(ABSOLUTE - 5) {
        assert!(is_open(&used, "/admin").await, "use keeps it open");
    }
    assert_does_nothing(&world, &elsewhere).await;
    at(start, Duration::from_secs(ABSOLUTE + 2) + entered_after).await;
    assert!(!is_open(&used, "/admin").await, "nothing keeps it open for longer");
    assert_does_nothing(&world, &used).await;
    // A sign-in for it opens it again in the same browser, and in no other.
    let form = used.browser.get("/login?next=admin").await.form("sign-in");
    let led = form.set("password", PASSWORD).submit().await;
    assert_eq!(led.location().path(), "/admin", "{}", led.describe());
    assert!(is_open(&used, "/admin").await);
    assert!(!is_open(&left_open, "/admin").await);
}
