//! What people and administrators see of sessions: device, place, times and apps.

use serde_json::json;

use crate::kit::console;
use crate::kit::flow::{App, PASSWORD, create_user, get, sign_in};
use crate::kit::geoip;
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::world::World;

const PHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 \
                     (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1";
const HOSTILE: &str = "<script>alert(1)</script>\"'>";

/// A world that knows where this machine is.
async fn world(backend: Backend) -> World {
    let mut world = World::builder(backend).prepare().await;
    geoip::known_to(&mut world);
    world.start_server().await;
    world
}

/// A browser of the same person that says this of itself.
async fn sign_in_as(world: &World, username: &str, agent: &str) -> Browser {
    let browser = world.browser();
    let page = browser.get("/login").await;
    let form = page.form("sign-in").set("username", username).set("password", PASSWORD);
    let fields = form.pairs();
    let request = browser.request(reqwest::Method::POST, &browser.resolve("/login")).form(&fields);
    let request = request.header("Sec-Fetch-Site", "same-origin").header("User-Agent", agent);
    browser.send(request).await.assert_status(303);
    browser
}

on_both_backends! {
    async fn people_see_device_place_times_and_apps(backend: Backend) {
        let world = world(backend).await;
        create_user(&world, "alice");
        let (wiki, mail) = (App::register(&world, "wiki", &[]), App::register(&world, "mail", &[]));
        let phone = sign_in_as(&world, "alice", PHONE).await;
        wiki.tokens(&phone).await;
        mail.tokens(&phone).await;
        let odd = sign_in_as(&world, "alice", HOSTILE).await;
        let page = odd.get("/account").await;
        page.assert_status(200);
        assert!(!page.body.contains("<script>alert"), "{}", page.body);
        let list = page.texts("section[aria-labelledby=devices] li");
        assert_eq!(list.len(), 2, "{list:?}");
        for (text, words) in list.iter().zip([
            &["Unknown browser", "This device", geoip::PLACE, "last used"][..],
            &["Safari on iPhone", geoip::PLACE, "127.0.0.1", "Signed in to mail, wiki", "since"],
        ]) {
            for word in words {
                assert!(text.contains(word), "no `{word}` in: {text}");
            }
        }
        assert!(!list[0].contains("Signed in to"), "{}", list[0]);

        let listed = world.cli(&["session", "list", "--user", "alice"]);
        let session = &listed["items"][1];
        assert_eq!((&session["device"], &session["place"], &session["apps"]),
            (&json!("Safari on iPhone"), &json!(geoip::PLACE), &json!(["mail", "wiki"])));
        // What was taken back is no app of the session any more.
        wiki.revoke(&wiki.tokens(&odd).await.refresh).await;
        assert_eq!(world.cli(&["session", "list"])["items"][0]["apps"], json!([]));
    }

    async fn the_metrics_count_the_countries_of_sign_ins_and_refreshes(backend: Backend) {
        let world = world(backend).await;
        create_user(&world, "alice");
        let wiki = App::register(&world, "wiki", &[]);
        let phone = sign_in_as(&world, "alice", PHONE).await;
        let next = wiki.refresh(&wiki.tokens(&phone).await.refresh).await.tokens();
        wiki.refresh(&next.refresh).await.tokens();
        wiki.refresh("not-a-token").await.assert_error(400, "invalid_grant");
        let text = get(&world.management_url("/metrics")).await.text;
        for line in [
            "doorward_origins_total{event=\"sign_in\",country=\"PT\"} 1",
            "doorward_origins_total{event=\"refresh\",country=\"PT\"} 2",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\nis not in\n{text}");
        }
    }

    async fn administrators_see_the_same_and_page_through_it(backend: Backend) {
        let world = world(backend).await;
        let owner = console::admin(&world, "owner").await;
        let id = console::create(&world, "grace", None);
        let wiki = App::register(&world, "wiki", &[]);
        for n in 0..27 {
            let browser = sign_in_as(&world, "grace", PHONE).await;
            if n == 26 {
                wiki.tokens(&browser).await;
            }
        }
        let first = owner.page("/admin/sessions?user=grace").await;
        let rows = first.texts("tbody tr");
        assert_eq!(rows.len(), 25);
        for word in ["grace", "Safari on iPhone", geoip::PLACE, "wiki"] {
            assert!(rows[0].contains(word), "no `{word}` in: {}", rows[0]);
        }
        assert!(!rows[1].contains("wiki"), "{}", rows[1]);
        let links = first.attributes("main a", "href");
        let next = links.iter().find(|link| link.contains("after=")).expect("a next page");
        let second = owner.page(&format!("/admin/sessions{next}")).await;
        assert_eq!(second.texts("tbody tr").len(), 2);
        let both = [console::sessions_on(&first), console::sessions_on(&second)].concat();
        let distinct: std::collections::HashSet<_> = both.iter().collect();
        assert_eq!(distinct.len(), 27, "no session twice, none left out");
        let person = owner.page(&format!("/admin/users/{id}")).await;
        assert!(person.text().contains(geoip::PLACE), "{}", person.text());
    }

    async fn without_a_database_no_place_is_known(world: World) {
        create_user(&world, "alice");
        let browser = sign_in(&world, "alice").await;
        assert!(browser.get("/account").await.text().contains("127.0.0.1"));
        assert_eq!(world.cli(&["session", "list"])["items"][0]["place"], "");
    }
}
