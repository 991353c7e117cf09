//! What a person has allowed an app, taken back for them by console, REST API and command line.

use reqwest::Method;

use crate::kit::api::{Api, all_scopes, is, refused};
use crate::kit::audit::logged;
use crate::kit::console::{admin, create};
use crate::kit::flow::{App, is_signed_in, sign_in};
use crate::support::world::World;

fn app(world: &World) -> App {
    let app = App::register(world, "wiki", &["--scope", "openid profile"]);
    world.cli(&["client", "update", "wiki", "--ask-consent"]);
    app
}

on_both_backends! {
    async fn an_app_is_removed_for_somebody_in_the_console(world: World) {
        let owner = admin(&world, "owner").await;
        let auditor = admin(&world, "auditor").await;
        let wiki = app(&world);
        let id = create(&world, "ada", None);
        world.cli(&["group", "create", "crew"]);
        world.cli(&["group", "add-member", "crew", "ada"]);
        let path = format!("/admin/users/{id}");
        let ada = sign_in(&world, "ada").await;
        wiki.allow(&ada).await;
        let page = owner.page(&path).await;
        assert!(page.attributes("dd a", "href").iter().any(|to| to.ends_with("/admin/groups/crew")));
        let remove = format!("{path}/remove-app");
        let links = page.attributes("#apps ~ * .act a", "href");
        assert_eq!(links, [format!("{remove}?client_id=wiki")], "{}", page.describe());
        auditor.browser.get(&links[0]).await.assert_status(403);
        auditor.post(&remove, &[("client_id", "wiki")]).await.assert_status(403);
        let question = owner.page(&links[0]).await;
        assert!(question.text().contains("Remove wiki from the apps of ada?"), "{}", question.describe());
        assert_eq!(logged(&world, "consent.withdrawn").len(), 0);
        let done = question.form_to(&remove).submit().await;
        assert_eq!(owner.message_after(&done).await, "wiki is removed from their apps.");
        let events = logged(&world, "consent.withdrawn");
        assert_eq!((events.len(), &events[0]["client_id"]), (1, &serde_json::json!("wiki")));
        assert!(is_signed_in(&ada).await, "they stay signed in here");
        let again = owner.post(&remove, &[("client_id", "wiki")]).await;
        assert_eq!(owner.message_after(&again).await, "That app was not among theirs any more.");
        owner.browser.get(&links[0]).await.assert_status(303);
        // It asks once more.
        wiki.allow(&ada).await;
    }

    async fn an_app_is_removed_for_somebody_by_program_and_by_command(world: World) {
        let wiki = app(&world);
        create(&world, "boss", Some("owner"));
        create(&world, "deputy", Some("operator"));
        create(&world, "ada", None);
        let (ada, boss) = (sign_in(&world, "ada").await, sign_in(&world, "boss").await);
        wiki.allow(&ada).await;
        wiki.allow(&boss).await;
        let deputy = Api::with_key(&world, "deputy", &all_scopes());
        let listed = is(deputy.get("/users/ada/apps").await, 200).json();
        assert_eq!(listed["items"][0]["client_id"], "wiki");
        assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
        // An operator ends nothing of an owner.
        refused(deputy.delete("/users/boss/apps/wiki").await, 403, "forbidden");
        is(deputy.delete("/users/ada/apps/wiki").await, 204);
        is(deputy.command(Method::DELETE, "/users/ada/apps/wiki").await, 204);
        assert_eq!(logged(&world, "consent.withdrawn").len(), 1);
        let listed = world.cli(&["user", "apps", "boss"]);
        assert_eq!(listed["items"][0]["client_id"], "wiki");
        world.cli(&["user", "remove-app", "boss", "wiki"]);
        assert_eq!(world.cli(&["user", "apps", "boss"])["items"].as_array().map(Vec::len), Some(0));
        assert!(!world.run(&["user", "remove-app", "boss", "wiki"]).status.success());
    }
}
