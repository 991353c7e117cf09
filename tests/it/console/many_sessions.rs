//! Sessions by app and by address, and signing out all that were found.

use serde_json::json;

use crate::kit::api::{Api, all_scopes, is, refused};
use crate::kit::audit::logged;
use crate::kit::console::{admin, create, manager, sessions_on};
use crate::kit::flow::{App, create_user, is_signed_in, sign_in};

const PATH: &str = "/admin/sessions/sign-out";

on_both_backends! {
    async fn sessions_are_found_by_app_and_by_address_and_end_together(world: World) {
        let owner = admin(&world, "owner").await;
        let wiki = App::register(&world, "wiki", &[]);
        for name in ["ada", "bob", "carol"] {
            create_user(&world, name);
        }
        let (ada, bob) = (sign_in(&world, "ada").await, sign_in(&world, "bob").await);
        let carol = sign_in(&world, "carol").await;
        let tokens = wiki.tokens(&ada).await;
        wiki.tokens(&bob).await;
        let found = async |query: &str| {
            sessions_on(&owner.page(&format!("/admin/sessions?{query}")).await).len()
        };
        assert_eq!(found("client=wiki").await, 2);
        assert_eq!(found("client=wiki&user=ada").await, 1);
        assert_eq!(found("client=wiki&user=carol").await, 0);
        assert_eq!(found("address=127.0.0.1").await + found("address=::1").await, 4);
        assert_eq!(found("address=192.0.2.1").await, 0);
        assert_eq!(found("user=ada&address=192.0.2.1").await, 0);
        for (query, says) in [
            ("client=nothing", "There is no app with this client id"),
            ("address=office", "Enter an IP address"),
        ] {
            let page = owner.browser.get(&format!("/admin/sessions?{query}")).await;
            page.assert_status(400);
            assert!(page.text().contains(says) && sessions_on(&page).is_empty(), "{query}");
        }

        let list = owner.page("/admin/sessions?client=wiki").await;
        assert!(list.text().contains("Sign out all of these"), "{}", list.describe());
        assert!(!owner.page("/admin/sessions").await.text().contains("Sign out all of these"));
        let question = owner.page(&format!("{PATH}?client=wiki")).await;
        let text = question.text();
        assert!(text.contains("This signs out 2 sessions in the app wiki."), "{text}");
        assert_eq!(found("client=wiki").await, 2, "asking changes nothing");
        let done = question.form_to(PATH).submit().await;
        assert_eq!(owner.message_after(&done).await, "2 sessions are signed out.");
        assert!(!is_signed_in(&ada).await && !is_signed_in(&bob).await);
        assert!(is_signed_in(&carol).await, "somewhere else");
        assert!(!wiki.access_lives(&tokens.access).await, "its tokens end with a session");
        assert_eq!(logged(&world, "session.ended").len(), 2);
        let events = logged(&world, "sessions.ended");
        assert_eq!(events.len(), 1);
        assert_eq!((&events[0]["client_id"], &events[0]["detail"]["sessions"]), (&json!("wiki"), &json!(2)));
        let again = owner.post(PATH, &[("client", "wiki")]).await;
        assert_eq!(owner.message_after(&again).await, "They had ended already.");

        // By address: the session that asks stays.
        let from = world.cli(&["session", "list", "--user", "carol"])["items"][0]["address"].clone();
        let from = from.as_str().expect("an address");
        let question = owner.page(&format!("{PATH}?address={from}")).await;
        assert!(question.text().contains("This signs out 1 session from"), "{}", question.describe());
        question.form_to(PATH).submit().await;
        assert!(!is_signed_in(&carol).await);
        owner.page("/admin/sessions").await;
        for nothing in ["", "user=nobody", "address=office", "client=nothing"] {
            owner.browser.get(&format!("{PATH}?{nothing}")).await.assert_status(303);
        }
    }

    async fn operators_leave_those_above_them_signed_in_and_others_end_nothing(world: World) {
        let owner = admin(&world, "owner").await;
        let operator = admin(&world, "operator").await;
        let auditor = admin(&world, "auditor").await;
        let the_manager = manager(&world, &["crew"]).await;
        create(&world, "ada", None);
        let ada = sign_in(&world, "ada").await;
        let from = world.cli(&["session", "list", "--user", "ada"])["items"][0]["address"].clone();
        let from = from.as_str().expect("an address").to_owned();
        for closed in [&auditor, &the_manager] {
            closed.browser.get(&format!("{PATH}?address={from}")).await.assert_status(403);
            closed.post(PATH, &[("address", &from)]).await.assert_status(403);
        }
        assert!(!auditor.page("/admin/sessions?user=ada").await.text().contains("Sign out all"));
        assert!(is_signed_in(&ada).await);
        let question = operator.page(&format!("{PATH}?address={from}")).await;
        assert!(question.text().contains("This signs out 2 sessions"), "{}", question.describe());
        question.form_to(PATH).submit().await;
        assert!(!is_signed_in(&ada).await && !is_signed_in(&the_manager.browser).await);
        for kept in [&owner, &operator, &auditor] {
            assert!(is_signed_in(&kept.browser).await);
        }
    }

    async fn many_sessions_end_by_command_and_by_program(world: World) {
        create(&world, "boss", Some("owner"));
        create(&world, "deputy", Some("operator"));
        App::register(&world, "wiki", &[]);
        for name in ["ada", "bob"] {
            create_user(&world, name);
        }
        let ada = sign_in(&world, "ada").await;
        let bob = sign_in(&world, "bob").await;
        let boss = sign_in(&world, "boss").await;
        let from = world.cli(&["session", "list", "--user", "ada"])["items"][0]["address"].clone();
        let from = from.as_str().expect("an address").to_owned();

        let api = Api::with_key(&world, "deputy", &all_scopes());
        refused(api.post("/sessions/end", &json!({})).await, 422, "invalid");
        refused(api.post("/sessions/end", &json!({ "address": "office" })).await, 400, "malformed_request");
        refused(api.post("/sessions/end", &json!({ "user": "nobody" })).await, 404, "not_found");
        refused(api.post("/sessions/end", &json!({ "client_id": "nothing" })).await, 404, "not_found");
        let listed = is(api.get(&format!("/sessions?address={from}&user=ada")).await, 200).json();
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
        let asked = json!({ "user": "ada", "address": from });
        let ended = is(api.post("/sessions/end", &asked).await, 200).json();
        assert_eq!(ended, json!({ "sessions": 1, "more": false }));
        assert!(!is_signed_in(&ada).await && is_signed_in(&bob).await);
        let ended = is(api.post("/sessions/end", &json!({ "address": from })).await, 200).json();
        assert_eq!(ended["sessions"], 1, "not that of the owner");
        assert!(!is_signed_in(&bob).await && is_signed_in(&boss).await);

        let ended = world.cli(&["session", "revoke", "--address", &from]);
        assert_eq!(ended["sessions"], 1);
        assert!(!is_signed_in(&boss).await);
        let ended = world.cli(&["session", "revoke", "--client", "wiki", "--user", "ada"]);
        assert_eq!(ended["sessions"], 0);
        assert!(!world.run(&["session", "revoke", "--client", "nothing"]).status.success());
    }
}
