//! An issuer with a path: everything is below that path, and no page leads out of it.

use serde_json::Value;

use crate::kit::api::{Api, all_scopes, is};
use crate::kit::fixtures::{ALICE, fill_in};
use crate::kit::flow::{get, http_client, read};
use crate::kit::gateway::{COOKIE, Question, STAFF, WIKI, add_people, settings, start_path};
use crate::support::browser_like::{Browser, Page};
use crate::support::town::{APPS_COME, OWNER, PASSWORD, Town, pages};
use crate::support::world::World;

const PATH: &str = "/sso";

/// Where pages have addresses.
const ADDRESSES: [&str; 5] = ["href", "src", "action", "formaction", "data-live"];

/// What is there starts again under an issuer that has a path.
async fn moves_below_a_path(world: &mut World) {
    world.stop();
    let issuer = world.url(PATH);
    world.set("DOORWARD_ISSUER", &issuer);
    world.issuer = issuer;
    world.start_server().await;
}

fn is_below(path: &str) -> bool {
    let rest = path.strip_prefix(PATH);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']))
}

/// The addresses on a page that lead somewhere else on this server.
fn stray(world: &World, page: &Page) -> Vec<String> {
    let origin = format!("http://localhost:{}", world.port);
    let all = ADDRESSES.into_iter().flat_map(|name| page.attributes(&format!("[{name}]"), name));
    let leads_out = |address: &String| match address.strip_prefix(&origin) {
        Some(path) => !is_below(path),
        None => address.starts_with('/') && !is_below(address),
    };
    all.filter(leads_out).collect()
}

/// Opens a page that is there, or that leads to another one below the path; gives it.
async fn opens(world: &World, browser: &Browser, path: &str) -> Page {
    let page = browser.get(&world.url(path)).await;
    if let Some(next) = page.try_location() {
        assert!(is_below(next.path()), "{path} leads to {next}");
    } else {
        page.assert_status(200);
    }
    let stray = stray(world, &page);
    assert!(stray.is_empty(), "{path} leads out: {stray:?}");
    page
}

/// Signs the owner of the town in to the console.
async fn enters(world: &World) -> Browser {
    let browser = world.browser();
    let page = opens(world, &browser, "/login?next=admin").await;
    let form = page.form("sign-in").set("username", OWNER).set("password", PASSWORD);
    let signed_in = form.submit().await;
    signed_in.assert_status(303);
    assert_eq!(signed_in.location().path(), format!("{PATH}/admin"));
    browser
}

on_both_backends! {
    async fn every_page_is_below_the_path_of_the_issuer_and_leads_nowhere_else(backend: Backend) {
        let builder = World::builder(backend).env("DOORWARD_SESSION__ADMIN_STEP_UP", "7200");
        let mut world = builder.env(APPS_COME.0, APPS_COME.1).start().await;
        let town = Town::build(&world).await;
        moves_below_a_path(&mut world).await;
        let stranger = world.browser();
        for path in ["/", "/login", "/device"] {
            opens(&world, &stranger, path).await;
        }
        let missing = stranger.get(&world.url("/nowhere")).await;
        missing.assert_status(404);
        assert_eq!(stray(&world, &missing), Vec::<String>::new());

        let browser = enters(&world).await;
        let mut shown = 0;
        for (path, _) in pages() {
            let page = opens(&world, &browser, &town.at(path)).await;
            shown += u32::from(page.status.as_u16() == 200);
        }
        assert!(shown > 50, "{shown} pages");
        let account = opens(&world, &browser, "/account").await;
        account.assert_status(200);
        let links = account.attributes("main a", "href");
        for link in links.iter().filter_map(|link| link.strip_prefix(PATH)) {
            if !link.contains("logout") {
                opens(&world, &browser, link).await;
            }
        }
        // And nothing is where it would be without the path.
        for path in ["/admin", "/account", "/login", "/api/v1/users", "/scim/v2/Users"] {
            let bare = format!("http://localhost:{}{path}", world.port);
            assert_eq!(get(&bare).await.status, 404, "{path}");
        }
        world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn programs_find_api_scim_and_metadata_below_the_path(backend: Backend) {
        let mut world = World::start(backend).await;
        crate::support::town::person(&world, OWNER, Some("owner"));
        moves_below_a_path(&mut world).await;
        let api = Api::with_key(&world, OWNER, &all_scopes());
        let people = is(api.get("/users").await, 200).json();
        assert_eq!(people["items"][0]["username"], OWNER, "{people}");
        assert_eq!(get(&world.url("/api/v1/openapi.json")).await.status, 200);

        let list = http_client().get(world.url("/scim/v2/Users")).bearer_auth(&api.credential);
        let list = read(list).await.expect("an answer");
        assert_eq!(list.status, 200, "{list:?}");
        let place = list.json()["Resources"][0]["meta"]["location"].clone();
        let place = place.as_str().expect("where it is");
        assert!(place.starts_with(&world.url("/scim/v2/Users/")), "{place}");
        let one = read(http_client().get(place).bearer_auth(&api.credential)).await.expect("an answer");
        assert_eq!(one.json()["userName"], OWNER);

        let document = get(&world.url("/.well-known/openid-configuration")).await.json();
        assert_eq!(document["issuer"], world.issuer.as_str());
        let told = document.as_object().expect("an object").iter();
        for (name, value) in told.filter(|(name, _)| name.ends_with("_endpoint") || *name == "jwks_uri") {
            let address = value.as_str().unwrap_or_else(|| panic!("{name} is no text"));
            assert!(address.starts_with(&world.url("/")), "{name}: {address}");
        }
        for well_known in ["openid-configuration", "oauth-authorization-server"] {
            // RFC 8414 section 3: the path comes after the well-known part.
            let inserted = format!("http://localhost:{}/.well-known/{well_known}{PATH}", world.port);
            let found: Value = get(&inserted).await.json();
            assert_eq!(found["issuer"], document["issuer"], "{inserted}");
        }
    }

    async fn a_proxy_sends_people_below_the_path_and_they_come_back(backend: Backend) {
        let mut world = World::builder(backend).config_file(&settings(WIKI, STAFF)).prepare().await;
        let issuer = world.url(PATH);
        world.set("DOORWARD_ISSUER", &issuer);
        world.issuer = issuer;
        world.start_server().await;
        add_people(&world);
        let away = Question::about(&world, WIKI, "/page").ask().await;
        let place = away.header("location");
        assert!(place.starts_with(&world.url("/gateway/start?rd=")), "{place}");
        let browser = world.browser();
        let back_to = format!("http://{WIKI}/page");
        let page = opens(&world, &browser, &start_path(&back_to)).await;
        let signed_in = fill_in(&page, &ALICE).submit().await;
        signed_in.assert_status(303);
        let back = signed_in.follow().await;
        back.assert_status(303).assert_header("location", &back_to);
        let cookie = browser.cookie(COOKIE).expect("the gateway's cookie");
        let passed = Question::about(&world, WIKI, "/page").cookie(&cookie).ask().await;
        assert_eq!(passed.status, 200, "{passed:?}");
    }
}
