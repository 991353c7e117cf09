//! Groups in the console, with plain forms and no JavaScript: making, finding, filling, renaming and
//! deleting them, and what the audit log says of it.

use serde_json::Value;

use crate::kit::console::{Admin, admin, create, group_path};
use crate::kit::flow::{App, PASSWORD};
use crate::support::browser_like::Page;
use crate::support::world::World;

/// A name that has to be taken apart from addresses and markup.
const ODD: &str = "team/ä %41 & <b>?#";

/// The groups of a person, as the command line tells them.
fn groups_of(world: &World, username: &str) -> Value {
    world.cli(&["user", "show", username])["groups"].clone()
}

/// Kind and detail of the events about groups, oldest first.
/// What was noted about groups, sorted: events of one second stand in no order.
fn group_events(world: &World) -> Vec<String> {
    let listed = world.cli(&["audit", "list", "--limit", "1000"]);
    let events = listed["items"].as_array().expect("events").iter();
    let said =
        events.map(|event| format!("{} {}", event["kind"].as_str().unwrap(), event["detail"]));
    let mut about_groups: Vec<_> = said.filter(|said| said.starts_with("group.")).collect();
    about_groups.sort();
    about_groups
}

async fn add(owner: &Admin, name: &str) -> Page {
    let form = owner.page("/admin/groups").await.form("group");
    form.set("name", name).set("description", "For a test.").submit().await
}

fn next_page(page: &Page) -> Option<String> {
    page.attributes("nav.pages a[rel=next]", "href").into_iter().next()
}

on_both_backends! {
    async fn a_group_is_made_filled_renamed_and_deleted(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "grace", None);
        let empty = owner.page("/admin/groups").await;
        assert!(empty.text().contains("No groups yet."), "{}", empty.describe());
        let made = add(&owner, ODD).await;
        assert_eq!(owner.message_after(&made).await, format!("{ODD} is there."));
        let path = group_path(ODD);
        let page = owner.page(&path).await;
        assert_eq!(page.texts("h1"), [ODD]);
        assert!(page.text().contains("For a test."), "{}", page.describe());

        let taken_in = page.form("add-member").set("member", "grace@example.test").submit().await;
        assert_eq!(owner.message_after(&taken_in).await, format!("grace is in {ODD} now."));
        assert_eq!(groups_of(&world, "grace"), serde_json::json!([ODD]));
        let page = owner.page(&path).await;
        assert_eq!(page.texts("main tbody th"), ["grace"]);

        let saved = page.form("group").set("name", "editors").set("description", "").submit().await;
        assert_eq!(saved.location().path(), "/admin/groups/editors");
        assert_eq!(owner.message_after(&saved).await, "editors is saved.");
        owner.browser.get(&path).await.assert_status(404);
        assert_eq!(groups_of(&world, "grace"), serde_json::json!(["editors"]));

        let page = owner.page("/admin/groups/editors").await;
        let out = page.form_to("/admin/groups/editors/remove-member").submit().await;
        assert_eq!(owner.message_after(&out).await, "grace is in editors no more.");
        assert_eq!(groups_of(&world, "grace"), serde_json::json!([]));
        world.cli(&["group", "add-member", "editors", "grace"]);

        let question = owner.page("/admin/groups/editors/delete").await;
        assert!(question.text().contains("One person is in it"), "{}", question.describe());
        let wrong = question.form("delete").set("name", "editor").submit().await;
        wrong.assert_status(422).assert_page_headers();
        assert_eq!(wrong.texts(".summary li"), ["Type editors to delete it."]);
        assert!(wrong.title().starts_with("Error: "), "{}", wrong.describe());
        let untyped = owner.post("/admin/groups/editors/delete", &[]).await;
        untyped.assert_status(422);
        let gone = wrong.form("delete").set("name", " editors ").submit().await;
        assert_eq!(owner.message_after(&gone).await, "editors is deleted.");
        assert_eq!(groups_of(&world, "grace"), serde_json::json!([]));
        world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn groups_and_the_people_in_them_are_found_page_by_page(world: World) {
        let owner = admin(&world, "owner").await;
        for n in 0..27 {
            owner.post("/admin/groups", &[("name", &format!("Crew {n:02}"))]).await.assert_status(303);
            let person = [("username", &*format!("sailor-{n:02}")), ("groups", "Crew 00")];
            owner.post("/admin/users", &person).await.assert_status(200);
        }
        let first = owner.page("/admin/groups").await;
        assert_eq!(first.texts("main tbody th").len(), 25);
        let next = next_page(&first).expect("a second page");
        let second = owner.page(&format!("/admin/groups{next}")).await;
        assert_eq!(second.texts("main tbody th"), ["Crew 25", "Crew 26"]);
        assert_eq!(next_page(&second), None);
        let found = owner.page("/admin/groups?q=cREW+1").await;
        assert_eq!(found.texts("main tbody th").len(), 10);
        let none = owner.page("/admin/groups?q=%25").await;
        assert!(none.text().contains("No group’s name starts with"), "{}", none.describe());

        let first = owner.page(&group_path("Crew 00")).await;
        assert_eq!(first.texts("main tbody th").len(), 25);
        let next = next_page(&first).expect("a second page");
        let second = owner.page(&format!("{}{next}", group_path("Crew 00"))).await;
        assert_eq!(second.texts("main tbody th"), ["sailor-25", "sailor-26"]);
    }

    async fn a_renamed_group_keeps_people_roles_apps_and_who_looks_after_it(world: World) {
        let owner = admin(&world, "owner").await;
        for name in ["grace", "ada"] {
            create(&world, name, None);
        }
        world.cli(&["group", "create", "crew"]);
        world.cli(&["group", "add-member", "crew", "grace"]);
        world.cli(&["group", "add-manager", "crew", "ada"]);
        App::register(&world, "club", &["--allow-group", "crew"]);
        world.cli(&["role", "create", "club", "sailor"]);
        world.cli(&["role", "give", "club", "sailor", "--group", "crew"]);
        let before = world.cli(&["user", "show", "grace"]);
        let fields = [("name", "team"), ("description", "Renamed.")];
        owner.edit("/admin/groups/crew", &fields).await.assert_status(303);

        let page = owner.page("/admin/groups/team").await;
        let said = page.text();
        assert_eq!(page.texts("main tbody th").first().map(String::as_str), Some("grace"), "{said}");
        for word in ["ada", "sailor", "Renamed."] {
            assert!(said.contains(word), "{word}: {}", page.describe());
        }
        let after = world.cli(&["user", "show", "grace"]);
        assert_eq!(after["groups"], serde_json::json!(["team"]));
        assert_eq!(after["updated_at"], before["updated_at"], "nobody in it is touched");
        let club = world.cli(&["client", "show", "club"]);
        assert_eq!(club["allowed_groups"], serde_json::json!(["team"]));
        let shown = world.cli(&["group", "show", "team"]);
        assert_eq!(shown["members"], 1, "{shown}");
        // The old name is nobody's.
        world.cli(&["group", "create", "crew"]);
        assert_eq!(groups_of(&world, "grace"), serde_json::json!(["team"]));
        assert_eq!(world.cli(&["group", "show", "crew"])["members"], 0);
    }

    async fn a_name_that_is_taken_or_cannot_be_one_is_refused(world: World) {
        let owner = admin(&world, "owner").await;
        for name in ["wiki", "staff"] {
            add(&owner, name).await.assert_status(303);
        }
        for bad in ["", "  ", "..", ".", "wiki", "a\u{202e}b", &"x".repeat(101)] {
            let refused = add(&owner, bad).await;
            refused.assert_status(422);
            assert_eq!(refused.attributes(".summary a", "href"), ["#name"], "{bad:?}");
            let form = owner.page("/admin/groups/staff").await.form("group");
            let refused = form.set("name", bad).submit().await;
            refused.assert_status(422);
            assert_eq!(refused.attributes(".summary a", "href"), ["#name"], "{bad:?}");
        }
        let form = owner.page("/admin/groups/staff").await.form("group");
        let refused = form.set("description", &"x".repeat(301)).submit().await;
        assert_eq!(refused.attributes(".summary a", "href"), ["#description"]);
        let page = owner.page("/admin/groups/staff").await;
        let nobody = page.form("add-member").set("member", "nobody").submit().await;
        nobody.assert_status(422);
        assert_eq!(nobody.attributes(".summary a", "href"), ["#member"]);
        let owner_in_charge = page.form("add-manager").set("manager", "the-owner").submit().await;
        owner_in_charge.assert_status(422);
        assert_eq!(owner_in_charge.attributes(".summary a", "href"), ["#manager"]);
        owner.post("/admin/groups/none/edit", &[("name", "x")]).await.assert_status(404);
    }

    async fn the_console_leaves_the_same_events_as_the_command_line(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "grace", None);
        for arguments in [
            &["group", "create", "a", "--description", "For a test."][..],
            &["group", "add-member", "a", "grace"],
            &["group", "add-manager", "a", "grace"],
            &["group", "update", "a", "--name", "b"],
            &["group", "remove-manager", "b", "grace"],
            &["group", "remove-member", "b", "grace"],
            &["group", "delete", "b", "--yes"],
        ] {
            world.cli(arguments);
        }
        let by_command = group_events(&world);
        assert_eq!(by_command.len(), 7, "{by_command:?}");
        add(&owner, "a").await.assert_status(303);
        for (path, field) in [
            ("/admin/groups/a/add-member", ("member", "grace")),
            ("/admin/groups/a/add-manager", ("manager", "grace")),
            ("/admin/groups/a/edit", ("name", "b")),
            ("/admin/groups/b/remove-manager", ("manager", "grace")),
            ("/admin/groups/b/remove-member", ("member", "grace")),
            ("/admin/groups/b/delete", ("", "")),
        ] {
            let answer = match path.strip_suffix("/edit") {
                Some(page) => owner.edit(page, &[field]).await,
                None => owner.post(path, &[field]).await,
            };
            answer.assert_status(303);
        }
        let both = group_events(&world);
        let twice: Vec<_> = by_command.iter().flat_map(|said| [said, said]).collect();
        assert_eq!(both.iter().collect::<Vec<_>>(), twice);
    }
}
