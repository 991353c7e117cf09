//! Organisations as a file declares them, and who is in them.

use serde_json::json;

use crate::kit::audit::events;
use crate::kit::declared::{apply, assert_refused, changes, told};
use crate::kit::flow::{App, claim, count, create_user, sign_in};
use crate::support::world::World;

const STATE: &str = r#"
[[organisations]]
name = "Acme"
display_name = "Acme & Co"

[[organisations]]
name = "birch"

[[users]]
username = "Alice"
email = "alice@example.test"
organisations = ["birch", "acme"]

[[users]]
username = "bob"
"#;

/// The names of those somebody is in.
fn of(world: &World, who: &str) -> Vec<String> {
    let listed = world.cli(&["organisation", "list", "--user", who]);
    let items = listed["items"].as_array().expect("a list").iter();
    items.map(|one| one["name"].as_str().expect("a name").to_owned()).collect()
}

on_both_backends! {
    async fn organisations_are_made_and_filled_once(world: World) {
        let file = world.write("state.toml", STATE);
        let all = [
            "create organisation acme",
            "create organisation birch",
            "create user alice",
            "update user alice",
            "create user bob",
        ];
        let dry = apply(&world, &["-f", &file, "--dry-run"]);
        assert_eq!(changes(&dry), all);
        assert_eq!(told(&dry)["changes"][3]["fields"]["organisations"]["after"], json!(["acme", "birch"]));
        assert_eq!(count(&world, "select count(*) from organisations").await, 0);
        assert_eq!(changes(&apply(&world, &["-f", &file])), all);
        assert!(changes(&apply(&world, &["-f", &file, "--prune"])).is_empty());
        assert_eq!(world.cli(&["organisation", "show", "acme"])["display_name"], "Acme & Co");
        assert_eq!(world.cli(&["organisation", "show", "birch"])["display_name"], "birch");
        assert_eq!(of(&world, "alice"), ["acme", "birch"]);
        assert!(of(&world, "bob").is_empty());
        // It is what single commands would have made, with the same events.
        for (kind, times) in
            [("organisation.created", 2), ("organisation.member_added", 2), ("organisation.updated", 0)]
        {
            assert_eq!(events(&world, kind).await, times, "{kind}");
        }
    }

    async fn what_differs_is_made_so_and_ends_what_it_ends_by_hand(world: World) {
        let file = world.write("state.toml", STATE);
        changes(&apply(&world, &["-f", &file]));
        world.cli_with_input(&["user", "set-password", "alice", "--password-file", "-"], crate::kit::flow::PASSWORD);
        let app = App::register(&world, "desk", &[]);
        let browser = sign_in(&world, "alice").await;
        let acme = world.cli(&["organisation", "show", "acme"])["id"].as_str().unwrap().to_owned();
        let scope = ("scope", "openid org offline_access");
        let tokens = app.tokens_with(&browser, &[scope, ("org_id", &acme)]).await;
        assert_eq!(claim(&tokens.id, "org_id"), acme);
        let state = STATE
            .replace("Acme & Co", "Acme Limited")
            .replace("organisations = [\"birch\", \"acme\"]", "organisations = [\"birch\"]")
            .replace("username = \"bob\"", "username = \"bob\"\norganisations = [\"acme\"]");
        let file = world.write("state.toml", &state);
        let wanted = ["update organisation acme", "update user alice", "update user bob"];
        let dry = apply(&world, &["-f", &file, "--dry-run"]);
        assert_eq!(changes(&dry), wanted);
        let shown = told(&dry);
        let field = |place: usize, name: &str| shown["changes"][place]["fields"][name].clone();
        assert_eq!(field(0, "display_name"), json!({ "before": "Acme & Co", "after": "Acme Limited" }));
        assert_eq!(field(1, "organisations"), json!({ "before": ["acme", "birch"], "after": ["birch"] }));
        app.assert_alive(&tokens).await;
        assert_eq!(changes(&apply(&world, &["-f", &file])), wanted);
        app.assert_dead(&tokens).await;
        assert!(changes(&apply(&world, &["-f", &file])).is_empty());
        assert_eq!((of(&world, "alice"), of(&world, "bob")), (vec!["birch".to_owned()], vec!["acme".to_owned()]));
        // What a file does not say stays: names, and who is in what.
        let silent = "[[organisations]]\nname = \"acme\"\n[[users]]\nusername = \"bob\"\n";
        let silent = world.write("silent.toml", silent);
        assert!(changes(&apply(&world, &["-f", &silent])).is_empty());
    }

    async fn only_what_a_file_made_and_nobody_in_it_is_in_is_pruned(world: World) {
        world.cli(&["organisation", "create", "by-hand"]);
        let file = world.write("state.toml", STATE);
        changes(&apply(&world, &["-f", &file]));
        let rest = "[[users]]\nusername = \"alice\"\norganisations = [\"birch\"]\n";
        let file = world.write("state.toml", rest);
        assert_eq!(changes(&apply(&world, &["-f", &file])), ["update user alice"]);
        let doomed = ["delete user bob", "delete organisation acme"];
        assert_eq!(changes(&apply(&world, &["-f", &file, "--prune", "--dry-run"])), doomed);
        assert_eq!(changes(&apply(&world, &["-f", &file, "--prune", "--yes"])), doomed);
        assert_eq!(of(&world, "alice"), ["birch"]);
        let empty = world.write("empty.json", "{}");
        let doomed = ["delete user alice", "delete organisation birch"];
        assert_eq!(changes(&apply(&world, &["-f", &empty, "--prune", "--allow-empty", "--yes"])), doomed);
        assert_eq!(count(&world, "select count(*) from organisations").await, 1);
    }

    async fn exported_organisations_are_the_same_elsewhere(backend: Backend) {
        let (here, there) = (World::start(backend).await, World::start(backend).await);
        create_user(&here, "alice");
        create_user(&here, "bob");
        here.cli(&["organisation", "create", "acme", "--display-name", "Acme & Co"]);
        here.cli(&["organisation", "create", "zebra"]);
        here.cli(&["organisation", "add", "acme", "alice", "bob"]);
        here.cli(&["organisation", "add", "zebra", "bob"]);
        for (name, flags) in [("state.toml", &["export"][..]), ("state.json", &["--format", "json", "export"])] {
            let text = String::from_utf8(here.run(flags).stdout).unwrap();
            let file = here.write(name, &text);
            assert!(changes(&apply(&here, &["-f", &file, "--prune"])).is_empty(), "{text}");
            let dry = changes(&apply(&there, &["-f", &file, "--dry-run"]));
            assert_eq!(dry[..2], ["create organisation acme", "create organisation zebra"], "{text}");
        }
        let file = here.path("state.toml").display().to_string();
        changes(&apply(&there, &["-f", &file]));
        assert_eq!(of(&there, "bob"), ["acme", "zebra"]);
        let export = |world: &World| world.run(&["export"]).stdout;
        assert_eq!(export(&there), export(&here));
    }

    async fn an_organisation_that_cannot_be_changes_nothing(world: World) {
        let many: Vec<_> = (0..51).map(|n| format!("o-{n}")).collect();
        let made: Vec<_> =
            many.iter().map(|name| format!("[[organisations]]\nname = \"{name}\"\n")).collect();
        let made = made.concat();
        let too_many = format!("{made}[[users]]\nusername = \"x\"\norganisations = {many:?}\n");
        for (text, word) in [
            ("[[organisations]]\nname = \"not a handle\"", "organisation not a handle"),
            ("[[organisations]]\nname = \"a\"\n[[organisations]]\nname = \"A\"", "named twice"),
            ("[[organisations]]\nname = \"a\"\ndisplay_name = \"x\\u202Ey\"", "organisation a"),
            ("[[organisations]]\nname = \"a\"\nmembers = [\"x\"]", "members"),
            ("[[users]]\nusername = \"x\"\norganisations = [\"nowhere\"]", "there is no organisation nowhere"),
            ("[[users]]\nusername = \"x\"\norganisations = [\"a b\"]", "organisation a b"),
            (too_many.as_str(), "50 organisations"),
        ] {
            let file = world.write("bad.toml", text);
            for flags in [&["-f", file.as_str()][..], &["-f", &file, "--dry-run"]] {
                assert_refused(&apply(&world, flags), 1, word);
            }
        }
        assert_eq!(count(&world, "select count(*) from organisations").await, 0);
        assert_eq!(count(&world, "select count(*) from users").await, 0);
    }
}
