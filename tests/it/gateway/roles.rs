//! The roles people have in an app behind the gateway, if it has a client id: as they are now, on the
//! next request.

use crate::kit::console::{admin, group_path};
use crate::kit::fixtures::ALICE;
use crate::kit::flow::{App, PATIENCE};
use crate::kit::gateway::{Question, STAFF, WIKI, add_people, settings, visitor};
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::world::World;

async fn world(backend: Backend) -> World {
    let settings = settings(WIKI, STAFF).replacen(
        "[[gateway.apps]]",
        "[[gateway.apps]]\nclient = \"wiki\"",
        1,
    );
    let world = World::builder(backend).config_file(&settings).start().await;
    add_people(&world);
    App::register(&world, "wiki", &[]);
    world
}

on_both_backends! {
    async fn an_app_is_told_its_own_roles_as_they_are_now(backend: Backend) {
        let world = world(backend).await;
        let (_, cookie) = visitor(&world, &ALICE).await;
        let told = async |host: &str, path: &str| {
            let answer = Question::about(&world, host, path).cookie(&cookie).ask().await;
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.header("x-user-roles").to_owned()
        };
        assert_eq!(told(WIKI, "/").await, "");
        for role in ["writer", "lead"] {
            world.cli(&["role", "create", "wiki", role]);
        }
        for (change, expected) in [
            (vec!["role", "give", "wiki", "writer", "--user", "alice"], "writer"),
            (vec!["role", "give", "wiki", "lead", "--group", "staff"], "lead,writer"),
            (vec!["role", "take", "wiki", "writer", "--user", "alice"], "lead"),
            (vec!["role", "take", "wiki", "lead", "--group", "staff"], ""),
            (vec!["role", "give", "wiki", "lead", "--group", "staff"], "lead"),
            (vec!["role", "delete", "wiki", "lead", "--yes"], ""),
        ] {
            world.cli(&change);
            wait_until_async("the gateway to say it", PATIENCE, async || told(WIKI, "/").await == expected).await;
        }
        // An app without a client id hears of the console, as ever.
        world.cli(&["role", "give", "wiki", "writer", "--user", "alice"]);
        assert_eq!(told(STAFF, "/staff").await, "");
    }

    async fn an_app_is_told_the_new_name_of_a_group_with_the_next_request(backend: Backend) {
        let world = world(backend).await;
        let (_, cookie) = visitor(&world, &ALICE).await;
        let told = async || {
            let answer = Question::about(&world, WIKI, "/").cookie(&cookie).ask().await;
            assert_eq!(answer.status, 200, "{answer:?}");
            answer.header("x-user-groups").to_owned()
        };
        assert_eq!(told().await, "climbers,staff");
        let owner = admin(&world, "owner").await;
        let fields = [("name", "hikers"), ("description", "")];
        owner.edit(&group_path("climbers"), &fields).await.assert_status(303);
        assert_eq!(told().await, "hikers,staff");
    }
}
