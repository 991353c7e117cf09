//! The first administrator: no default password, one link, once (security catalogue, row 147).

use crate::kit::fixtures::{Person, fill_in};
use crate::support::backends::Backend;
use crate::support::browser_like::Page;
use crate::support::world::World;

const OWNER: Person = Person {
    username: "root-admin",
    email: "root@people.test",
    name: "Root",
    password: "granite lemonade upon the moor",
};

async fn setup_page(world: &World, token: &str) -> Page {
    world.browser().get(&format!("/setup?token={token}")).await
}

fn token_of(link: &serde_json::Value) -> String {
    let url = link["url"].as_str().expect("a link");
    url.split_once("token=").expect("a token").1.to_owned()
}

async fn make_owner(page: &Page) -> Page {
    let form = page.form("setup").set("username", OWNER.username).set("name", OWNER.name);
    form.set("email", OWNER.email).set("password", OWNER.password).submit().await
}

/// What the newest start said about itself, a line each: what stands between its two rules. The log is
/// JSON around it.
fn said_at_start(world: &World) -> Vec<String> {
    let log = world.log();
    let parts: Vec<_> = log.split(&"─".repeat(72)).collect();
    // Before, between and behind, with one part between two starts.
    assert!(parts.len() >= 3 && parts.len() % 2 == 1, "{log}");
    parts[parts.len() - 2].trim().lines().map(str::to_owned).collect()
}

/// What such lines say of this.
fn said_of(lines: &[String], what: &str) -> Vec<String> {
    let begin = format!("  {what:<10}");
    lines.iter().filter_map(|line| line.strip_prefix(&begin)).map(str::to_owned).collect()
}

on_both_backends! {
    async fn each_start_says_where_to_begin_until_there_is_an_owner(backend: Backend) {
        let mut world = World::builder(backend).prepare().await;
        let mut links = Vec::new();
        for _ in 0..2 {
            world.restart().await;
            let said = said_at_start(&world);
            assert!(said[0].starts_with("Doorward ") && said[0].ends_with(" is ready"), "{said:?}");
            assert_eq!(said_of(&said, "issuer"), [world.issuer.clone()]);
            assert_eq!(said_of(&said, "console"), [world.url("/admin")]);
            assert_eq!(said_of(&said, "data"), [world.data_dir().display().to_string()]);
            assert!(said.iter().any(|line| line.contains("works once, for 30 minutes")), "{said:?}");
            let cautions = said_of(&said, "caution");
            let is_embedded = backend == Backend::Embedded;
            assert_eq!(cautions.len(), if is_embedded { 2 } else { 1 }, "{cautions:?}");
            assert!(cautions[0].contains("plain http"), "{cautions:?}");
            assert!(!is_embedded || cautions[1].contains("one node only"), "{cautions:?}");
            let link = said_of(&said, "set up");
            assert_eq!(link.len(), 1, "{said:?}");
            assert!(link[0].starts_with(&world.url("/setup?token=")), "{link:?}");
            links.extend(link);
        }
        // Each start says one that works, which is the newest only.
        assert_eq!(world.browser().get(&links[0]).await.status.as_u16(), 403);
        let page = world.browser().get(&links[1]).await;
        make_owner(&page).await.assert_status(303);
        world.restart().await;
        let said = said_at_start(&world);
        assert_eq!(said_of(&said, "console"), [world.url("/admin")]);
        assert_eq!(said_of(&said, "set up"), Vec::<String>::new(), "there is an owner");
        assert_eq!(world.log().matches("/setup?token=").count(), 2, "once for each start before");
        world.assert_log_is_clean(&[OWNER.password]);
    }

    async fn the_first_administrator_is_made_once_through_a_link(backend: Backend) {
        let world = World::start(backend).await;
        assert!(!world.log().contains("password"), "a password in the log: {}", world.log());
        // There is no account to guess, and no set-up without a link.
        let browser = world.browser();
        for (username, password) in [("admin", "admin"), ("root", "root"), ("admin", "")] {
            let form = browser.get("/login").await.form("sign-in");
            let page = form.set("username", username).set("password", password).submit().await;
            assert_eq!(page.status.as_u16(), 401);
        }
        for token in ["", "x", &"A".repeat(43)] {
            assert_eq!(setup_page(&world, token).await.status.as_u16(), 403, "{token}");
        }
        let first = token_of(&world.cli(&["setup-link"]));
        let second = token_of(&world.cli(&["setup-link"]));
        assert_ne!(first, second);
        // A newer link ends the older one.
        assert_eq!(setup_page(&world, &first).await.status.as_u16(), 403);
        let page = setup_page(&world, &second).await;
        page.assert_status(200).assert_page_headers();
        let weak = page.form("setup").set("username", OWNER.username).set("name", "x");
        let weak = weak.set("email", OWNER.email).set("password", "short").submit().await;
        assert_eq!(weak.status.as_u16(), 422, "{}", weak.describe());
        // Looking at it, or a refused password, does not spend it.
        let page = setup_page(&world, &second).await;
        let late = setup_page(&world, &second).await;
        make_owner(&page).await.assert_status(303);
        assert_eq!(make_owner(&late).await.status.as_u16(), 403);
        assert_eq!(setup_page(&world, &second).await.status.as_u16(), 403);
        let output = world.run(&["setup-link"]);
        assert_eq!(output.status.code(), Some(1), "a second set-up link");
        let browser = world.browser();
        let signed_in = fill_in(&browser.get("/login").await, &OWNER).submit().await;
        signed_in.assert_status(303);
        world.assert_log_is_clean(&[OWNER.password, &first, &second]);
    }

    async fn an_expired_set_up_link_is_refused(backend: Backend) {
        let world = World::start(backend).await;
        let token = token_of(&world.cli(&["setup-link"]));
        let page = setup_page(&world, &token).await;
        let url = doorward::store::DatabaseSettings::new(world.database_url());
        let store = doorward::store::Store::connect(&url).await.unwrap();
        let aged = "update one_time_links set expires_at = expires_at - 1801";
        assert_eq!(store.db.query(aged).execute().await.unwrap(), 1);
        store.db.close().await;
        assert_eq!(setup_page(&world, &token).await.status.as_u16(), 403);
        assert_eq!(make_owner(&page).await.status.as_u16(), 403);
    }
}
