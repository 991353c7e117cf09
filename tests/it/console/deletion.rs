//! Deleted accounts that can be brought back, for seven days.

use doorward::clock::Clock;
use doorward::protocol::types::UserId;
use doorward::service::audit::Actor;
use doorward::service::clients::Activity;
use doorward::service::maintenance;
use doorward::service::people::{self, PeopleError, deletion};
use reqwest::Method;

use crate::kit::api::{Api, all_scopes, is};
use crate::kit::console::{admin, can_sign_in, create, people_called};
use crate::kit::flow::{PASSWORD, is_signed_in, sign_in};
use crate::kit::node::node;
use crate::support::world::World;

const DAY: i64 = 86_400;

fn who_did(world: &World, kind: &str) -> Vec<String> {
    let listed = world.cli(&["audit", "list", "--kind", kind]);
    let items = listed["items"].as_array().expect("events").clone();
    items.iter().map(|event| event["actor"].as_str().unwrap_or_default().to_owned()).collect()
}

on_both_backends! {
    async fn the_console_deletes_in_seven_days_and_brings_back(world: World) {
        let owner = admin(&world, "owner").await;
        let ada = create(&world, "ada", None);
        let browser = sign_in(&world, "ada").await;
        let person = format!("/admin/users/{ada}");
        let question = owner.page(&format!("{person}/delete")).await;
        assert!(question.text().contains("You can bring it back for 7 days."), "{}", question.describe());
        let done = question.form_to(&format!("{person}/delete")).submit().await;
        assert_eq!(owner.message_after(&done).await, "ada is deleted in 7 days.");
        assert!(!is_signed_in(&browser).await);
        assert!(!can_sign_in(&world, "ada", PASSWORD).await);
        let list = owner.page("/admin/users?show=deleted").await;
        assert_eq!(list.attributes("input[name=who]", "value"), [ada.as_str()]);
        assert!(list.text().contains("To be deleted"), "{}", list.describe());
        let page = owner.page(&person).await;
        assert!(page.text().contains("Deleted for good"), "{}", page.describe());

        let back = page.form_to(&format!("{person}/enable")).submit().await;
        assert_eq!(owner.message_after(&back).await, "ada can sign in again.");
        assert!(can_sign_in(&world, "ada", PASSWORD).await);
        assert_eq!(world.cli(&["user", "show", "ada"])["delete_at"], serde_json::Value::Null);
        let list = owner.page("/admin/users?show=deleted").await;
        assert!(list.text().contains("Nobody was deleted"), "{}", list.describe());

        // At once, by the box.
        let question = owner.page(&format!("{person}/delete")).await;
        let form = question.form_to(&format!("{person}/delete")).check("now", "on");
        assert_eq!(owner.message_after(&form.submit().await).await, "ada is deleted.");
        assert_eq!(people_called(&world, "ada").await, 0);
    }

    async fn only_who_may_delete_sees_the_deleted_and_puts_it_off(world: World) {
        let ada = create(&world, "ada", None);
        world.cli(&["user", "delete", "ada", "--later"]);
        let auditor = admin(&world, "auditor").await;
        let list = auditor.page("/admin/users?show=deleted").await;
        assert!(!list.text().contains("Recently deleted"), "{}", list.describe());
        let api = Api::with_key(&world, "the-auditor", &["doorward.users:read"]);
        let seen = is(api.get(&format!("/users/{ada}")).await, 200);
        assert!(seen.json()["delete_at"].is_string(), "{}", seen.text);
        is(api.command(Method::POST, &format!("/users/{ada}/delete-later")).await, 403);
        admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        let again = is(api.command(Method::POST, &format!("/users/{ada}/delete-later")).await, 200);
        assert_eq!(again.json()["delete_at"], seen.json()["delete_at"], "it keeps its time");
        is(api.command(Method::POST, "/users/the-owner/delete-later").await, 409);
    }

    async fn the_clean_up_deletes_whose_time_is_over_and_nobody_else(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let [due, back, kept] = ["due", "back", "kept"]
            .map(|name| UserId::new(crate::kit::flow::create_user(&world, name)));
        let clock = Clock::manual(Clock::System.now());
        let app = node(&world, &clock).await;
        let actor = Actor::CommandLine;
        for id in [&due, &back] {
            let at = deletion::delete_later(&app, id, &actor).await.expect("a time");
            assert_eq!(at, app.now().plus(7 * DAY));
        }
        clock.advance(6 * DAY);
        maintenance::clean_up(&app).await.expect("a clean-up");
        people::set_activity(&app, &back, Activity::Enabled, &actor).await.expect("brought back");
        clock.advance(DAY);
        for _ in 0..2 {
            maintenance::clean_up(&app).await.expect("a clean-up");
        }
        assert!(matches!(people::find(&app, due.as_str()).await, Err(PeopleError::NotFound)));
        for id in [&back, &kept] {
            let user = people::find(&app, id.as_str()).await.expect("somebody who is there");
            assert_eq!((user.disabled_at, user.delete_at), (None, None));
        }
        assert_eq!(who_did(&world, "user.deleted"), ["system"]);
    }

    async fn brought_back_at_the_last_moment_somebody_is_there_whole_or_gone(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let clock = Clock::manual(Clock::System.now());
        let app = node(&world, &clock).await;
        let actor = Actor::CommandLine;
        let mut stayed = 0;
        for n in 0..10 {
            let name = format!("person-{n}");
            let id = UserId::new(crate::kit::flow::create_user(&world, &name));
            deletion::delete_later(&app, &id, &actor).await.expect("a time");
            clock.advance(7 * DAY);
            let (cleaned, enabled) = tokio::join!(
                maintenance::clean_up(&app),
                people::set_activity(&app, &id, Activity::Enabled, &actor),
            );
            cleaned.expect("a clean-up");
            match (people::find(&app, id.as_str()).await, enabled) {
                (Ok(user), Ok(())) => {
                    assert_eq!((user.disabled_at, user.delete_at), (None, None));
                    stayed += 1;
                }
                (Err(PeopleError::NotFound), Err(PeopleError::NotFound)) => {}
                (found, enabled) => panic!("{n}: {found:?}, {enabled:?}"),
            }
        }
        let gone = who_did(&world, "user.deleted").len();
        assert_eq!(gone + stayed, 10);
    }
}
