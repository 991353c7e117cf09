//! Requests that an app got wrong are found by the request id that the error page shows: in the console, by the
//! REST API, and by command. Nobody fills the audit log with them.

use serde_json::{Value, json};

use crate::kit::api::Api;
use crate::kit::audit::events;
use crate::kit::console::admin;
use crate::kit::flow::{App, create_user, every_node, http_client};
use crate::support::browser_like::Page;
use crate::support::world::World;

const KIND: &str = "authorization.refused";
const REGISTERED: &str = "https://rp.test/cb";

/// What the audit log has for the request of this answer.
fn found(world: &World, page: &Page) -> Vec<Value> {
    let id = page.header("x-request-id");
    let listed = world.cli(&["audit", "list", "--request-id", id]);
    listed["items"].as_array().expect("events").clone()
}

async fn ask(world: &World, app: &App, change: (&str, &str)) -> Page {
    let mut url = url::Url::parse(&app.authorize_path(&[])).expect("a URL");
    let (name, value) = change;
    let others: Vec<(String, String)> =
        url.query_pairs().into_owned().filter(|(other, _)| other != name).collect();
    url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
    world.browser().get(url.as_str()).await
}

on_both_backends! {
    async fn a_refused_request_is_found_by_its_id(world: World) {
        let app = App::register(&world, "app", &["--redirect-uri", REGISTERED]);
        let page = ask(&world, &app, ("redirect_uri", "https://rp.test/cb/")).await;
        page.assert_status(400);
        let id = page.header("x-request-id").to_owned();
        assert!(page.text().contains(&id), "the page shows it");
        let events = found(&world, &page);
        assert_eq!(events.len(), 1, "{events:?}");
        assert_eq!((&events[0]["kind"], &events[0]["result"]), (&json!(KIND), &json!("failure")));
        assert_eq!(events[0]["client_id"], "app");
        let detail = &events[0]["detail"];
        assert_eq!(detail["redirect_uri"], "https://rp.test/cb/");
        let registered = detail["registered"].as_array().expect("addresses");
        assert!(registered.contains(&json!(REGISTERED)), "{detail}");
        assert_eq!(detail["error"], "invalid_request");
        let log = world.log();
        assert!(log.contains("redirect_uri mismatch") && log.contains("https://rp.test/cb/"), "{log}");

        // The same from the console and the REST API.
        let owner = admin(&world, "owner").await;
        let shown = owner.page(&format!("/admin/audit?request_id={id}")).await;
        assert!(shown.text().contains(KIND), "{}", shown.describe());
        let api = Api::with_key(&world, "the-owner", &["doorward.audit:read"]);
        let listed = api.get(&format!("/audit-events?request_id={id}")).await.json();
        assert_eq!(listed["items"][0]["detail"], *detail, "{listed}");
    }

    async fn every_kind_of_refusal_says_what_was_wrong(world: World) {
        let app = App::register(&world, "app", &[]);
        world.cli(&["client", "create", "--name", "off", "--type", "web", "--client-id", "off",
            "--redirect-uri", REGISTERED]);
        world.cli(&["client", "update", "off", "--disable"]);
        for (change, status, error, client) in [
            (("client_id", "nobody"), 400, "invalid_client", None),
            (("client_id", "off"), 400, "invalid_client", Some("off")),
            (("redirect_uri", ""), 400, "invalid_request", Some("app")),
            (("response_type", "token"), 303, "unsupported_response_type", Some("app")),
            (("scope", "no-such-scope-here"), 303, "invalid_scope", Some("app")),
            (("code_challenge_method", "plain"), 303, "invalid_request", Some("app")),
            (("request_uri", "urn:ietf:params:oauth:request_uri:x"), 303, "invalid_request_uri", Some("app")),
        ] {
            let page = ask(&world, &app, change).await;
            assert_eq!(page.status.as_u16(), status, "{change:?}: {}", page.describe());
            let events = found(&world, &page);
            assert_eq!(events.len(), 1, "{change:?}: {events:?}");
            assert_eq!(events[0]["detail"]["error"], error, "{events:?}");
            assert_eq!(events[0]["client_id"].as_str(), client, "{events:?}");
            assert!(events[0]["detail"]["reason"].as_str().is_some_and(|why| !why.is_empty()));
        }
        // What happens to apps that work is nothing to look into.
        let before = events(&world, KIND).await;
        let page = ask(&world, &app, ("prompt", "none")).await;
        assert_eq!(page.location_parameter("error").as_deref(), Some("login_required"));
        ask(&world, &app, ("scope", "openid")).await.assert_status(200);
        assert_eq!(events(&world, KIND).await, before);
    }

    async fn nobody_fills_the_audit_log_with_requests(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let other = App::register(&world, "other", &[]);
        let (bases, _node) = every_node(&world).await;
        let http = http_client();
        for number in 0..40 {
            let base = &bases[number % bases.len()];
            // However the app is said to be called: what is not registered is one app.
            for client in ["app".to_owned(), format!("invented-{number}")] {
                let sent = http
                    .get(format!("{base}/oauth2/authorize"))
                    .query(&[("client_id", client.as_str()), ("redirect_uri", "https://evil.test/")])
                    .send()
                    .await
                    .expect("an answer");
                assert_eq!(sent.status().as_u16(), 400, "the answer stays the same");
            }
        }
        assert_eq!(events(&world, KIND).await, 2 * 20, "on however many nodes");
        // One app that is wrong hides no other one.
        let page = ask(&world, &other, ("response_type", "token")).await;
        assert_eq!(found(&world, &page).len(), 1);
        let page = ask(&world, &app, ("response_type", "token")).await;
        assert_eq!(found(&world, &page).len(), 0);
    }
}
