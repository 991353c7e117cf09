//! Organisations by the console, the REST API and the command line: all three do the same, leave the same audit
//! events, and refuse the same.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, header, is, refused, sent, tag};
use crate::kit::console::{admin, create};
use crate::kit::flow::PASSWORD;
use crate::support::browser_like::Page;
use crate::support::world::World;

const LIST: &str = "/admin/organisations";

/// What was noted about organisations, sorted, without ids: events of one second stand in no order.
fn events(world: &World) -> Vec<String> {
    let listed = world.cli(&["audit", "list", "--limit", "1000"]);
    let mut said = Vec::new();
    for event in listed["items"].as_array().expect("events") {
        let kind = event["kind"].as_str().unwrap();
        if kind.starts_with("organisation.") {
            // Members stand in no order.
            let detail = event["detail"].as_object().unwrap().clone();
            let mut members: BTreeMap<_, _> = detail.into_iter().collect();
            assert!(members.remove("organisation_id").is_some_and(|id| id.is_string()), "{event}");
            members.remove("api_key");
            let user = !event["user_id"].is_null();
            said.push(format!("{kind} {members:?} {user}"));
        }
    }
    said.sort();
    said
}

fn shown(world: &World, name: &str) -> Value {
    world.cli(&["organisation", "show", name])
}

fn text(page: &Page) -> String {
    page.text()
}

on_both_backends! {
    async fn an_organisation_is_made_filled_renamed_and_deleted(world: World) {
        let owner = admin(&world, "owner").await;
        let grace = create(&world, "grace", None);
        let empty = owner.page(LIST).await;
        assert!(text(&empty).contains("No organisations yet."), "{}", empty.describe());
        let form = empty.form("organisation").set("name", "Acme").set("display_name", "<b>A&co");
        let made = form.submit().await;
        assert_eq!(owner.message_after(&made).await, "<b>A&co is there.");
        let path = made.location().path().to_owned();
        let page = owner.page(&path).await;
        assert_eq!(page.texts("h1"), ["<b>A&co"]);
        assert!(text(&page).contains("Nobody is in this organisation yet."), "{}", page.describe());

        let taken_in = page.form("add-member").set("member", "grace@example.test").submit().await;
        assert_eq!(owner.message_after(&taken_in).await, "grace is in <b>A&co now.");
        assert_eq!(shown(&world, "acme")["people"], json!(["grace"]));
        let hers = owner.page(&format!("/admin/users/{grace}")).await;
        assert!(hers.attributes("main a", "href").contains(&path), "{}", hers.describe());

        let page = owner.page(&path).await;
        let saved = page.form("organisation").set("name", "birch").set("display_name", "");
        let saved = saved.submit().await;
        assert_eq!(saved.location().path(), path);
        assert_eq!(owner.message_after(&saved).await, "birch is saved.");

        let question = owner.page(&format!("{path}/remove-member?member={grace}")).await;
        assert!(text(&question).contains("signed out of at once"), "{}", question.describe());
        let out = question.form_to(&format!("{path}/remove-member")).submit().await;
        assert_eq!(owner.message_after(&out).await, "grace is in birch no more.");
        assert_eq!(shown(&world, "birch")["people"], json!([]));
        world.cli(&["organisation", "add", "birch", "grace"]);

        let question = owner.page(&format!("{path}/delete")).await;
        let wrong = question.form("delete").set("name", "acme").submit().await;
        wrong.assert_status(422).assert_page_headers();
        assert!(text(&wrong).contains("Type birch to delete it."), "{}", wrong.describe());
        let gone = question.form("delete").set("name", " birch ").submit().await;
        assert_eq!(owner.message_after(&gone).await, "birch is deleted.");
        owner.browser.get(&path).await.assert_status(404);
        world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn console_api_and_command_line_leave_the_same_events(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "grace", None);
        create(&world, "boss", Some("owner"));
        let api = Api::with_key(&world, "boss", &all_scopes());
        let mut left = Vec::new();
        let since = |before: &mut Vec<String>| {
            let now = events(&world);
            let mut new = now.clone();
            for old in before.iter() {
                let place = new.iter().position(|one| one == old).expect("an event was lost");
                new.remove(place);
            }
            *before = now;
            new
        };
        let mut before = events(&world);

        world.cli(&["organisation", "create", "acme", "--display-name", "Acme"]);
        world.cli(&["organisation", "update", "acme", "--name", "birch"]);
        world.cli(&["organisation", "add", "birch", "grace"]);
        world.cli(&["organisation", "remove", "birch", "grace"]);
        world.cli(&["--yes", "organisation", "delete", "birch"]);
        left.push(since(&mut before));

        let new = json!({ "name": "acme", "display_name": "Acme" });
        let made = is(api.post("/organisations", &new).await, 201);
        let path = header(&made, "location").split_once("/api/v1").unwrap().1.to_owned();
        is(api.patch(&path, &tag(&made), &json!({ "name": "birch" })).await, 200);
        let member = format!("{path}/members/grace");
        for method in [Method::PUT, Method::PUT, Method::DELETE, Method::DELETE] {
            is(api.command(method, &member).await, 204);
        }
        is(api.delete(&path).await, 204);
        left.push(since(&mut before));

        let form = owner.page(LIST).await.form("organisation");
        let made = form.set("name", "acme").set("display_name", "Acme").submit().await;
        let path = made.location().path().to_owned();
        let post = async |step: &str, fields: &[(&str, &str)]| {
            owner.post(&format!("{path}/{step}"), fields).await.assert_status(303);
        };
        let renamed = owner.edit(&path, &[("name", "birch"), ("display_name", "Acme")]).await;
        renamed.assert_status(303);
        post("add-member", &[("member", "grace")]).await;
        post("remove-member", &[("member", "grace")]).await;
        post("delete", &[("name", "birch")]).await;
        left.push(since(&mut before));

        assert_eq!(left[0].len(), 5, "{left:?}");
        assert_eq!(left[0], left[1]);
        assert_eq!(left[0], left[2]);
    }

    async fn what_cannot_be_an_organisation_is_refused_everywhere(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "boss", Some("owner"));
        let api = Api::with_key(&world, "boss", &all_scopes());
        world.cli(&["organisation", "create", "acme"]);
        let long = "x".repeat(61);
        for bad in ["", "-a", "a b", "a/b", "..", "ä", "a\u{202e}b", "<script>", &long] {
            let page = owner.page(LIST).await;
            let wrong = page.form("organisation").set("name", bad).set("display_name", "Typed");
            let wrong = wrong.submit().await;
            wrong.assert_status(422).assert_page_headers();
            assert_eq!(wrong.attributes("#display_name", "value"), ["Typed"], "{bad:?}");
            let answer = api.post("/organisations", &json!({ "name": bad })).await;
            assert_eq!(answer.status, 422, "{bad:?}: {answer:?}");
        }
        let display = json!({ "name": "fine", "display_name": "a\u{202e}b" });
        assert_eq!(api.post("/organisations", &display).await.status, 422);
        for body in [json!({}), json!({ "name": 7 }), json!({ "name": "a", "id": "x" }), json!([])] {
            let answer = api.post("/organisations", &body).await;
            assert!((400..500).contains(&answer.status), "{body}: {answer:?}");
        }
        let taken = api.post("/organisations", &json!({ "name": " ACME " })).await;
        refused(taken, 409, "taken");
        let page = owner.page(LIST).await.form("organisation").set("name", "acme").submit().await;
        page.assert_status(422);
        assert!(text(&page).contains("There is an organisation with this name"));
        assert_eq!(is(api.get("/organisations").await, 200).json()["items"].as_array().unwrap().len(), 1);
        // A change says what it was made from, and a key sent twice makes one.
        let shown = is(api.get("/organisations/acme").await, 200);
        is(api.patch("/organisations/acme", &tag(&shown), &json!({ "display_name": "A" })).await, 200);
        let late = api.patch("/organisations/acme", &tag(&shown), &json!({ "name": "b" })).await;
        assert_eq!(late.status, 412, "{late:?}");
        let bare = api.request(Method::PATCH, "/organisations/acme").json(&json!({ "name": "b" }));
        assert_eq!(sent(bare).await.status, 428);
        for _ in 0..2 {
            is(api.post_once("/organisations", "k-1", &json!({ "name": "once" })).await, 201);
        }
        for path in ["/organisations/nobody", "/organisations/acme/members/nobody"] {
            assert_eq!(api.command(Method::DELETE, path).await.status, 404, "{path}");
        }
        for args in [&["organisation", "show", "nobody"][..], &["organisation", "add", "acme", "nobody"]] {
            assert!(!world.run(args).status.success(), "{args:?}");
        }
    }

    async fn operators_do_not_move_those_above_them_and_scopes_count(world: World) {
        let operator = admin(&world, "operator").await;
        let boss = create(&world, "boss", Some("owner"));
        create(&world, "grace", None);
        let made = operator.page(LIST).await.form("organisation").set("name", "acme");
        let path = made.submit().await.location().path().to_owned();
        let add = format!("{path}/add-member");
        operator.post(&add, &[("member", "grace")]).await.assert_status(303);
        for above in ["boss", "the-operator"] {
            let answer = operator.post(&add, &[("member", above)]).await;
            assert_eq!(answer.status.as_u16(), 403, "{above}: {}", answer.describe());
        }
        world.cli(&["organisation", "add", "acme", "boss"]);
        let out = format!("{path}/remove-member");
        assert_eq!(operator.post(&out, &[("member", &boss)]).await.status.as_u16(), 403);
        assert_eq!(shown(&world, "acme")["people"], json!(["boss", "grace"]));

        let reader = Api::with_key(&world, "boss", &["doorward.organisations:read"]);
        is(reader.get("/organisations/acme/members").await, 200);
        let change = reader.command(Method::DELETE, "/organisations/acme/members/grace").await;
        assert_eq!(change.status, 403, "{change:?}");
        let stranger = Api::with_key(&world, "boss", &["doorward.groups:write"]);
        assert_eq!(stranger.get("/organisations").await.status, 403);
    }

    async fn organisations_and_their_people_are_found_page_by_page(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "boss", Some("owner"));
        let api = Api::with_key(&world, "boss", &all_scopes());
        for n in 0..30 {
            let name = json!({ "name": format!("firm-{n:02}"), "display_name": format!("Nr {n}") });
            is(api.post("/organisations", &name).await, 201);
            let person = json!({ "username": format!("p-{n:02}") });
            is(api.post("/users", &person).await, 201);
            let member = format!("/organisations/firm-00/members/p-{n:02}");
            is(api.command(Method::PUT, &member).await, 204);
        }
        let mut seen = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = is(api.get(&format!("/organisations?limit=7{cursor}")).await, 200).json();
            for item in page["items"].as_array().unwrap() {
                seen.push(item["name"].as_str().unwrap().to_owned());
            }
            let Some(next) = page["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        let all: Vec<_> = (0..30).map(|n| format!("firm-{n:02}")).collect();
        assert_eq!(seen, all);
        let found = owner.page(&format!("{LIST}?q=NR+29")).await;
        assert_eq!(found.texts("main tbody th"), ["firm-29"]);
        let none = owner.page(&format!("{LIST}?q=%25")).await;
        assert!(text(&none).contains("starts with"), "{}", none.describe());
        let page = is(api.get("/organisations/firm-00/members?limit=29").await, 200).json();
        assert_eq!(page["items"].as_array().unwrap().len(), 29);
        assert!(page["next"].is_string());
    }
}
