//! For which organisation somebody is there: as they have chosen or as it cannot be otherwise, on the next
//! request.

use serde_json::json;

use crate::kit::console;
use crate::kit::fixtures::{ALICE, payload};
use crate::kit::flow::{App, PATIENCE, SecondNode, count};
use crate::kit::gateway::{Question, WIKI, gateway, visitor};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// An organisation of this name; gives its id.
fn organisation(world: &World, name: &str) -> String {
    let made = world.cli(&["organisation", "create", name, "--display-name", name]);
    made["id"].as_str().expect("an id").to_owned()
}

/// What the app hears, by header and assertion, which is the same; of a node that knows everything it needs.
async fn told(world: &World, base: &str, cookie: &str) -> String {
    let mut last = String::new();
    for _ in 0..2 {
        let answer = Question::about(world, WIKI, "/").at(base).cookie(cookie).ask().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let signed = payload(answer.header("x-doorward-assertion"))["org_id"].clone();
        answer.header("x-org-id").clone_into(&mut last);
        assert_eq!(signed.as_str().unwrap_or_default(), last);
    }
    last
}

/// Presses the button of this organisation on the account page.
async fn choose(browser: &Browser, id: &str) {
    let csrf = console::csrf_on(&browser.get("/account").await);
    let fields = [("csrf", csrf.as_str()), ("organisation", id)];
    console::post(browser, "/account/organisations", &fields).await.assert_status(303);
}

on_both_backends! {
    async fn an_app_is_told_for_which_organisation_somebody_is_there(backend: Backend) {
        let world = gateway(backend).await;
        let (browser, cookie) = visitor(&world, &ALICE).await;
        let (_, elsewhere) = visitor(&world, &ALICE).await;
        let here = world.issuer.as_str();
        let becomes = async |cookie: &str, expected: &str| {
            let is_it = async || told(&world, here, cookie).await == expected;
            wait_until_async("the gateway to say it", PATIENCE, is_it).await;
        };
        assert_eq!(told(&world, here, &cookie).await, "");
        let [acme, birch] = ["acme", "birch"].map(|name| organisation(&world, name));
        // Whoever is in one alone acts for that.
        world.cli(&["organisation", "add", "acme", "alice"]);
        becomes(&cookie, &acme).await;
        becomes(&elsewhere, &acme).await;
        // In two, for the one they choose, in the session they choose it in.
        world.cli(&["organisation", "add", "birch", "alice"]);
        becomes(&cookie, "").await;
        for (chosen, other) in [(&birch, ""), (&acme, ""), (&birch, "")] {
            choose(&browser, chosen).await;
            assert_eq!(told(&world, here, &cookie).await, *chosen, "the page came after it was known");
            assert_eq!(told(&world, here, &elsewhere).await, other);
        }
        world.cli(&["organisation", "remove", "birch", "alice"]);
        becomes(&cookie, &acme).await;
        becomes(&elsewhere, &acme).await;
        world.cli(&["organisation", "add", "birch", "alice"]);
        becomes(&cookie, "").await;
        world.cli(&["organisation", "delete", "birch", "--yes"]);
        becomes(&cookie, &acme).await;
        world.cli(&["organisation", "delete", "acme", "--yes"]);
        becomes(&cookie, "").await;
    }

    async fn another_node_tells_of_a_choice_once_it_is_made(backend: Backend) {
        // One node alone has the in-process store.
        if backend == Backend::Embedded {
            return;
        }
        let world = gateway(backend).await;
        let mut node = SecondNode::spawn(&world);
        node.ready().await;
        let (browser, cookie) = visitor(&world, &ALICE).await;
        let ids = ["acme", "birch"].map(|name| {
            let id = organisation(&world, name);
            world.cli(&["organisation", "add", name, "alice"]);
            id
        });
        let there = node.base();
        for chosen in ids.iter().cycle().take(6) {
            choose(&browser, chosen).await;
            assert_eq!(told(&world, &there, &cookie).await, *chosen);
        }
    }

    async fn nobody_looks_up_what_ended_for_people_without_the_cookie(backend: Backend) {
        let world = gateway(backend).await;
        organisation(&world, "acme");
        let revocations = "select revocations from sync_state";
        let before = count(&world, revocations).await;
        world.cli(&["organisation", "add", "acme", "alice"]);
        assert_eq!(count(&world, revocations).await, before);
        world.cli(&["organisation", "remove", "acme", "alice"]);
        assert_eq!(count(&world, revocations).await, before);
        visitor(&world, &ALICE).await;
        let before = count(&world, revocations).await;
        world.cli(&["organisation", "add", "acme", "alice"]);
        assert_eq!(count(&world, revocations).await, before + 1);
    }

    async fn an_access_token_says_it_for_a_program(backend: Backend) {
        let world = gateway(backend).await;
        let file = world.path("app.json");
        let metadata = json!({ "audience": [format!("http://{WIKI}")] });
        std::fs::write(&file, metadata.to_string()).expect("write");
        let app = App::register(&world, "desk", &["--metadata", &file.display().to_string()]);
        let (browser, _) = visitor(&world, &ALICE).await;
        let acme = organisation(&world, "acme");
        world.cli(&["organisation", "add", "acme", "alice"]);
        for (scope, expected) in [("openid org", acme.as_str()), ("openid", "")] {
            let tokens = app.tokens_with(&browser, &[("scope", scope)]).await;
            let question = Question::about(&world, WIKI, "/").bearer(&tokens.access);
            let answer = question.with("accept", "*/*").ask().await;
            assert_eq!((answer.status, answer.header("x-org-id")), (200, expected), "{scope}");
        }
    }
}
