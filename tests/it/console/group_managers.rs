//! People who look after some groups: what they see, what they may do with whom, and what they may not
//! become by it.

use crate::kit::api::{Api, all_scopes, is, refused};
use crate::kit::console::{admin, can_sign_in, create, enter, field, id_behind, manager, state};
use crate::kit::flow::{self, PASSWORD, is_signed_in, sign_in};
use crate::support::world::World;

fn id_of(world: &World, username: &str) -> String {
    world.cli(&["user", "show", username])["id"].as_str().expect("an id").to_owned()
}

/// The ids of the sessions that somebody has.
fn sessions_of(world: &World, username: &str) -> Vec<String> {
    let listed = world.cli(&["session", "list", "--user", username])["items"].clone();
    let listed = listed.as_array().expect("sessions").iter();
    listed.map(|one| one["id"].as_str().expect("an id").to_owned()).collect()
}

on_both_backends! {
    async fn a_manager_sees_their_groups_and_who_is_in_them_page_by_page(world: World) {
        let owner = admin(&world, "owner").await;
        let manager = manager(&world, &["crew", "deck"]).await;
        world.cli(&["group", "create", "board"]);
        for n in 0..27 {
            let person = [("username", &*format!("sailor-{n:02}")), ("groups", "crew")];
            owner.post("/admin/users", &person).await.assert_status(200);
        }
        owner.add_person("stranger").await;
        let first = manager.page("/admin/users").await;
        assert_eq!(first.texts("main tbody th").len(), 25);
        let next = first.attributes("nav.pages a[rel=next]", "href").remove(0);
        let second = manager.page(&format!("/admin/users{next}")).await;
        assert_eq!(second.texts("main tbody th"), ["sailor-25", "sailor-26"]);
        let found = manager.page("/admin/users?q=s").await;
        assert!(!found.text().contains("stranger"), "{}", found.describe());

        assert_eq!(manager.browser.get("/admin").await.location().path(), "/admin/groups");
        let groups = manager.page("/admin/groups").await;
        assert_eq!(groups.texts("main tbody th"), ["crew", "deck"]);
        assert_eq!(groups.texts("nav.sections a"), ["People", "Groups"]);
        for hidden in ["/admin/groups/board", "/admin/users/stranger", "/admin/users/the-owner"] {
            manager.browser.get(hidden).await.assert_status(404);
        }
        let account = manager.browser.get("/account").await;
        assert!(account.has("a[href='/admin']"), "the way into the console");
    }

    async fn a_manager_adds_changes_and_moves_people_of_their_groups(world: World) {
        let _owner = admin(&world, "owner").await;
        let manager = manager(&world, &["crew", "deck"]).await;
        let page = manager.page("/admin/users/new").await;
        let form = page.form("user").set("username", "grace").set("email", "grace@example.test");
        assert!(!form.names().contains(&"email_verified") && !form.names().contains(&"role"));
        let made = form.set("groups", "crew").submit().await;
        made.assert_status(200);
        let link = field(&made, "link");
        let grace = world.browser();
        let chosen = grace.get(&link).await.form("reset-password");
        chosen.set("password", PASSWORD).submit().await.assert_status(303);
        flow::submit_sign_in(&grace, "grace", PASSWORD).await.assert_status(303);

        let path = format!("/admin/users/{}", id_behind(&made, "/admin/users/"));
        let saved = manager.page(&path).await.form("user").set("name", "Grace").submit().await;
        assert_eq!(manager.message_after(&saved).await, "Grace is saved.");
        manager.post(&format!("{path}/reset-link"), &[]).await.assert_status(200);
        let page = manager.page("/admin/groups/deck").await;
        page.form("add-member").set("member", "grace").submit().await.assert_status(303);
        let shown = world.cli(&["user", "show", "grace"]);
        assert_eq!(shown["groups"], serde_json::json!(["crew", "deck"]));
        manager.post("/admin/groups/crew/remove-member", &[("member", "grace")]).await.assert_status(303);
        manager.post(&format!("{path}/sign-out"), &[]).await.assert_status(303);
        manager.post(&format!("{path}/disable"), &[]).await.assert_status(303);
        assert!(!can_sign_in(&world, "grace", PASSWORD).await);
        manager.post(&format!("{path}/enable"), &[]).await.assert_status(303);
        assert!(can_sign_in(&world, "grace", PASSWORD).await);
        world.assert_log_is_clean(&[PASSWORD, &link]);
    }

    async fn a_manager_makes_no_mailbox_verified(world: World) {
        let _owner = admin(&world, "owner").await;
        let manager = manager(&world, &["crew"]).await;
        let fields = [("username", "grace"), ("email", "boss@example.test"), ("groups", "crew"),
            ("email_verified", "on")];
        manager.post("/admin/users", &fields).await.assert_status(200);
        let verified = |world: &World| world.cli(&["user", "show", "grace"])["email_verified"].clone();
        assert_eq!(verified(&world), false);
        let path = format!("/admin/users/{}", id_of(&world, "grace"));
        manager.edit(&path, &fields).await.assert_status(303);
        assert_eq!(verified(&world), false);
        let owner = enter(&world, "the-owner").await;
        owner.edit(&path, &fields).await.assert_status(303);
        assert_eq!(verified(&world), true);
        // What an operator has vouched for stays so with the same address and no other.
        manager.edit(&path, &fields).await.assert_status(303);
        assert_eq!(verified(&world), true);
        let other = [("email", "other@example.test"), ("groups", "crew"), ("email_verified", "on")];
        manager.edit(&path, &other).await.assert_status(303);
        assert_eq!(verified(&world), false);
    }

    async fn a_manager_touches_nobody_whose_account_opens_more(world: World) {
        let owner = admin(&world, "owner").await;
        let manager = manager(&world, &["crew"]).await;
        for (username, role) in [("the-operator", Some("operator")), ("mate", None), ("shared", None),
            ("writer", None), ("envoy", None)] {
            create(&world, username, role);
        }
        // Given by name, so it is not the group's.
        let (wiki, _) = owner.add_app("Wiki").await;
        world.cli(&["role", "create", &wiki, "writer"]);
        world.cli(&["role", "give", &wiki, "writer", "--user", "writer"]);
        world.cli(&["organisation", "create", "acme"]);
        world.cli(&["organisation", "add", "acme", "envoy"]);
        for group in ["board", "deck"] {
            world.cli(&["group", "create", group]);
        }
        world.cli(&["group", "add-manager", "deck", "mate"]);
        let members = ["the-owner", "the-operator", "mate", "shared", "writer", "envoy", "the-manager"];
        world.cli(&[&["group", "add-member", "crew"][..], &members].concat());
        world.cli(&["group", "add-member", "board", "shared"]);
        create(&world, "stranger", None);
        let before = state(&world).await;
        let edit = [("name", "Mine"), ("email", "mallory@example.test"), ("groups", "crew")];
        for username in members {
            let path = format!("/admin/users/{}", id_of(&world, username));
            assert!(!manager.page(&path).await.has("main form"), "{username}: nothing is offered");
            for step in ["edit", "disable", "enable", "reset-link", "temporary-password", "sign-out", "delete"] {
                manager.post(&format!("{path}/{step}"), &edit).await.assert_status(403);
            }
            if !["shared", "writer", "envoy"].contains(&username) {
                let out = [("member", username)];
                manager.post("/admin/groups/crew/remove-member", &out).await.assert_status(403);
            }
        }
        let stranger = format!("/admin/users/{}", id_of(&world, "stranger"));
        for step in ["edit", "disable", "reset-link", "temporary-password", "sign-out"] {
            manager.post(&format!("{stranger}/{step}"), &edit).await.assert_status(404);
        }
        let refused = manager.post("/admin/groups/crew/add-member", &[("member", "stranger")]).await;
        refused.assert_status(422);
        for step in ["add-member", "remove-member"] {
            let path = format!("/admin/groups/board/{step}");
            manager.post(&path, &[("member", "shared")]).await.assert_status(404);
        }
        for step in ["edit", "delete", "add-manager"] {
            let fields = [("name", "mine"), ("manager", "shared")];
            manager.post(&format!("/admin/groups/crew/{step}"), &fields).await.assert_status(403);
        }
        for groups in ["", "board", "crew, board", "crew, brand-new"] {
            let fields = [("username", "made"), ("groups", groups)];
            manager.post("/admin/users", &fields).await.assert_status(422);
        }
        let with_role = [("username", "made"), ("groups", "crew"), ("role", "auditor")];
        manager.post("/admin/users", &with_role).await.assert_status(403);
        assert_eq!(state(&world).await, before);
        let log = owner.page("/admin/audit?kind=console.refused&user=shared").await;
        let rows = log.texts("tbody tr");
        assert!(rows[0].contains("the-manager") && rows[0].contains("Failed"), "{rows:?}");
    }

    async fn a_manager_ends_a_session_of_nobody_but_their_own_people(world: World) {
        let _owner = admin(&world, "owner").await;
        let manager = manager(&world, &["crew"]).await;
        for username in ["grace", "shared", "stranger"] {
            create(&world, username, None);
        }
        world.cli(&["group", "create", "board"]);
        world.cli(&["group", "add-member", "crew", "grace", "shared", "the-owner"]);
        world.cli(&["group", "add-member", "board", "shared"]);
        let api = Api::with_key(&world, "the-manager", &all_scopes());
        // Who is out of sight has sessions that are not there, as those that never were.
        manager.post("/admin/sessions/none/end", &[]).await.assert_status(404);
        refused(api.delete("/sessions/none").await, 404, "not_found");
        for (username, status, code) in
            [("stranger", 404, "not_found"), ("shared", 403, "forbidden"), ("the-owner", 403, "forbidden")]
        {
            let theirs = sign_in(&world, username).await;
            let before = sessions_of(&world, username);
            assert!(!before.is_empty(), "{username}");
            for id in &before {
                manager.post(&format!("/admin/sessions/{id}/end"), &[]).await.assert_status(status);
                refused(api.delete(&format!("/sessions/{id}")).await, status, code);
            }
            assert_eq!(sessions_of(&world, username), before, "{username}");
            assert!(is_signed_in(&theirs).await, "{username}");
        }
        let (one, other) = (sign_in(&world, "grace").await, sign_in(&world, "grace").await);
        let theirs = sessions_of(&world, "grace");
        assert_eq!(theirs.len(), 2, "{theirs:?}");
        manager.post(&format!("/admin/sessions/{}/end", theirs[0]), &[]).await.assert_status(303);
        assert_eq!(sessions_of(&world, "grace"), theirs[1..]);
        is(api.delete(&format!("/sessions/{}", theirs[1])).await, 204);
        assert_eq!(sessions_of(&world, "grace"), Vec::<String>::new());
        assert!(!is_signed_in(&one).await && !is_signed_in(&other).await);
    }

    async fn a_manager_cannot_move_somebody_out_of_reach_by_editing(world: World) {
        let owner = admin(&world, "owner").await;
        let manager = manager(&world, &["crew"]).await;
        owner.post("/admin/users", &[("username", "grace"), ("groups", "crew")]).await.assert_status(200);
        let path = format!("/admin/users/{}", id_of(&world, "grace"));
        for groups in ["", "board", "crew, board"] {
            let refused = manager.page(&path).await.form("user").set("groups", groups).submit().await;
            refused.assert_status(422);
            assert_eq!(refused.attributes(".summary a", "href"), ["#groups"], "{groups:?}");
        }
        // An owner makes more of them while the form is open.
        let form = manager.page(&path).await.form("user");
        world.cli(&["group", "create", "board"]);
        world.cli(&["group", "add-member", "board", "grace"]);
        form.set("email", "mallory@example.test").submit().await.assert_status(403);
        let shown = manager.page(&path).await;
        assert!(!shown.text().contains("board"), "other groups are not shown: {}", shown.describe());
    }

    async fn a_group_that_is_taken_away_closes_the_console_at_once(world: World) {
        let owner = admin(&world, "owner").await;
        let manager = manager(&world, &["crew"]).await;
        owner.post("/admin/users", &[("username", "grace"), ("groups", "crew")]).await.assert_status(200);
        let page = owner.page("/admin/groups/crew").await;
        let released = page.form_to("/admin/groups/crew/remove-manager").submit().await;
        let message = owner.message_after(&released).await;
        assert_eq!(message, "the-manager looks after crew no more.");
        manager.browser.get("/admin/users").await.assert_status(403);
        let late = [("username", "late"), ("groups", "crew")];
        manager.post("/admin/users", &late).await.assert_status(403);
        assert!(!manager.browser.get("/account").await.has("a[href='/admin']"));
        let again = owner.page("/admin/groups/crew").await.form("add-manager");
        again.set("manager", "the-manager").submit().await.assert_status(303);
        manager.page("/admin/users").await;
        world.cli(&["group", "delete", "crew", "--yes"]);
        manager.browser.get("/admin/users").await.assert_status(403);
    }
}
