//! The roles of an app in the console, with plain forms: made, described, given, taken and deleted; who
//! may do it; and that the command line leaves the same behind.

use serde_json::Value;

use crate::kit::console::{Admin, admin, create, state};
use crate::kit::flow::PASSWORD;
use crate::support::browser_like::Page;
use crate::support::world::World;

/// An app with the role `writer`; gives its id and the address of its roles.
async fn app_with_role(owner: &Admin) -> (String, String) {
    let (id, _) = owner.add_app("Wiki").await;
    let roles = format!("/admin/clients/{id}/roles");
    owner.post(&roles, &[("name", "writer")]).await.assert_status(303);
    (id, roles)
}

async fn role_page(owner: &Admin, roles: &str) -> Page {
    owner.page(&format!("{roles}?role=writer")).await
}

/// What was noted about roles: kind, whom it is about, and the detail.
fn events(world: &World) -> Vec<(String, Value, Value)> {
    let listed = world.cli(&["audit", "list", "--limit", "1000"]);
    let events = listed["items"].as_array().expect("events").iter();
    let said = events.map(|event| {
        let kind = event["kind"].as_str().unwrap().to_owned();
        (kind, event["user_id"].clone(), event["detail"].clone())
    });
    let mut all: Vec<_> = said.filter(|(kind, ..)| kind.starts_with("role.")).collect();
    all.sort_by_key(|event| format!("{event:?}"));
    all
}

on_both_backends! {
    async fn a_role_is_made_given_taken_and_deleted(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "grace", None);
        world.cli(&["group", "create", "team/wiki"]);
        let (id, _) = owner.add_app("Wiki").await;
        let app = owner.page(&format!("/admin/clients/{id}")).await;
        let roles = format!("/admin/clients/{id}/roles");
        assert!(app.attributes("main a", "href").contains(&roles), "{}", app.describe());
        let empty = owner.page(&roles).await;
        assert!(empty.text().contains("No roles yet."), "{}", empty.describe());
        let form = empty.form("role").set("name", "writer").set("description", "Writes.");
        let made = form.submit().await;
        assert_eq!(owner.message_after(&made).await, "writer is there.");

        let page = role_page(&owner, &roles).await;
        assert!(page.text().contains("Writes."), "{}", page.describe());
        let given = page.form("give-person").set("person", "grace@example.test").submit().await;
        assert_eq!(owner.message_after(&given).await, "grace is writer in Wiki now.");
        let given = page.form("give-group").set("group", "team/wiki").submit().await;
        assert_eq!(owner.message_after(&given).await, "Everybody in team/wiki is writer now.");
        let person = owner.page("/admin/users/grace").await;
        assert!(person.text().contains("writer"), "{}", person.describe());
        let group = owner.page("/admin/groups/team%2Fwiki").await;
        assert!(group.text().contains("writer"), "{}", group.describe());
        let list = owner.page(&roles).await;
        assert_eq!(list.texts("main tbody td"), ["Writes.", "1", "1"]);

        let saved = page.form("describe").set("description", "").submit().await;
        assert_eq!(owner.message_after(&saved).await, "writer is saved.");
        let page = role_page(&owner, &roles).await;
        assert_eq!(page.texts("main tbody th"), ["grace", "team/wiki"]);
        let fields = [("app_role", "writer"), ("person", "grace")];
        let taken = owner.post(&format!("{roles}/take"), &fields).await;
        assert_eq!(owner.message_after(&taken).await, "grace is writer no more.");
        let fields = [("app_role", "writer"), ("group", "team/wiki")];
        let taken = owner.post(&format!("{roles}/take"), &fields).await;
        assert_eq!(owner.message_after(&taken).await, "Nobody is writer by team/wiki any more.");
        let page = role_page(&owner, &roles).await;
        assert!(page.texts("main tbody th").is_empty(), "{}", page.describe());

        let question = owner.page(&format!("{roles}/delete?role=writer")).await;
        let gone = question.form_to(&format!("{roles}/delete")).submit().await;
        assert_eq!(owner.message_after(&gone).await, "writer is deleted.");
        owner.browser.get(&format!("{roles}?role=writer")).await.assert_status(404);
        world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn what_cannot_be_is_said_at_its_field(world: World) {
        let owner = admin(&world, "owner").await;
        let (_, roles) = app_with_role(&owner).await;
        let before = state(&world).await;
        for bad in ["", " ", "a b", "a,b", "é", "x\u{202e}y", "writer", &"x".repeat(41)] {
            let form = owner.page(&roles).await.form("role");
            let refused = form.set("name", bad).submit().await;
            refused.assert_status(422);
            assert_eq!(refused.attributes(".summary a", "href"), ["#name"], "{bad:?}");
        }
        let form = owner.page(&roles).await.form("role").set("name", "reader");
        let refused = form.set("description", &"x".repeat(301)).submit().await;
        refused.assert_status(422);
        assert_eq!(refused.attributes(".summary a", "href"), ["#description"]);
        for (form, field) in [("give-person", "person"), ("give-group", "group")] {
            let page = role_page(&owner, &roles).await;
            let refused = page.form(form).set(field, "nobody").submit().await;
            refused.assert_status(422);
            assert_eq!(refused.attributes(".summary a", "href"), [format!("#{field}")]);
        }
        for step in ["edit", "give", "take", "delete"] {
            let fields = [("app_role", "nothing"), ("person", "the-owner")];
            owner.post(&format!("{roles}/{step}"), &fields).await.assert_status(404);
        }
        owner.post("/admin/clients/nowhere/roles", &[("name", "x")]).await.assert_status(404);
        assert_eq!(state(&world).await, before);
    }

    /// Security catalogue, row 108.
    async fn operators_give_roles_to_others_and_never_to_themselves(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "grace", None);
        let operator = admin(&world, "operator").await;
        for group in ["theirs", "others"] {
            world.cli(&["group", "create", group]);
        }
        world.cli(&["group", "add-member", "theirs", "the-operator"]);
        let (_, roles) = app_with_role(&owner).await;
        let give = format!("{roles}/give");
        let before = state(&world).await;
        for (field, holder) in [("person", "the-operator"), ("person", "the-owner"), ("group", "theirs")] {
            let fields = [("app_role", "writer"), (field, holder)];
            operator.post(&give, &fields).await.assert_status(403);
        }
        assert_eq!(state(&world).await, before);
        for (field, holder) in [("person", "grace"), ("group", "others")] {
            let fields = [("app_role", "writer"), (field, holder)];
            operator.post(&give, &fields).await.assert_status(303);
        }
        let fields = [("app_role", "writer"), ("person", "the-operator")];
        owner.post(&give, &fields).await.assert_status(303);
    }

    async fn the_console_and_the_command_line_leave_the_same_behind(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "grace", None);
        world.cli(&["group", "create", "crew"]);
        let (id, roles) = app_with_role(&owner).await;
        let post = async |step: &str, field: &str, holder: &str| {
            let fields = [("app_role", "writer"), (field, holder), ("description", "Writes.")];
            owner.post(&format!("{roles}/{step}"), &fields).await.assert_status(303);
        };
        let seen = owner.seen_on(&format!("{roles}?role=writer")).await;
        let fields = [("app_role", "writer"), ("description", "Writes."), ("seen", seen.as_str())];
        owner.post(&format!("{roles}/edit"), &fields).await.assert_status(303);
        for step in ["give", "take"] {
            post(step, "person", "grace").await;
            post(step, "group", "crew").await;
        }
        post("delete", "person", "").await;
        let by_console = events(&world);
        assert_eq!(by_console.len(), 7, "{by_console:?}");
        world.cli(&["role", "create", &id, "writer"]);
        world.cli(&["role", "update", &id, "writer", "--description", "Writes."]);
        for step in ["give", "take"] {
            let shown = world.cli(&["role", step, &id, "writer", "--user", "grace", "--group", "crew"]);
            let there = usize::from(step == "give");
            for kind in ["users", "groups"] {
                assert_eq!(shown["given_to"][kind].as_array().unwrap().len(), there, "{shown}");
            }
            // Again changes nothing and is noted nowhere.
            world.cli(&["role", step, &id, "writer", "--user", "grace", "--group", "crew"]);
        }
        world.cli(&["role", "delete", &id, "writer", "--yes"]);
        let both = events(&world);
        let twice: Vec<_> = by_console.iter().flat_map(|event| [event.clone(), event.clone()]).collect();
        assert_eq!(both, twice);
    }
}
