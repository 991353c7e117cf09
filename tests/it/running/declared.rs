//! People, groups and apps as a file declares them: what is there is written, what is written is made, and
//! nothing else goes.

use serde_json::json;

use crate::kit::audit::events;
use crate::kit::declared::{apply, assert_refused, changes, fields, told};
use crate::kit::flow::{
    App, PASSWORD, count, create_user, execute, is_signed_in, sign_in, submit_sign_in,
};
use crate::support::world::World;

const STATE: &str = r#"
[[groups]]
name = "staff"

[[users]]
username = "Alice"
email = "alice@example.test"
email_verified = true
groups = ["staff", "wiki-readers"]
password_file = "alice.password"

[[users]]
username = "bob"
disabled = true

[[clients]]
client_id = "wiki"
secret_file = "wiki.secret"
metadata = { client_name = "Wiki", consent = "skip", redirect_uris = ["https://wiki.example.test/callback"] }

[[clients]]
client_id = "timetable"
metadata = { kind = "spa", client_name = "Timetable", redirect_uris = ["https://time.example.test/"] }
"#;
const SECRET: &str = "a-secret-of-the-wiki-0123456789-abcdefgh";

fn prepared(world: &World, state: &str) -> String {
    world.write("alice.password", PASSWORD);
    world.write("wiki.secret", SECRET);
    world.write("state.toml", state)
}

on_both_backends! {
    async fn a_file_is_carried_out_once_and_the_second_time_there_is_nothing_to_do(world: World) {
        let file = prepared(&world, STATE);
        let all = [
            "create group staff",
            "create user alice",
            "create user bob",
            "create client wiki",
            "create client timetable",
        ];
        assert_eq!(changes(&apply(&world, &["-f", &file, "--dry-run"])), all);
        assert_eq!(count(&world, "select count(*) from users").await, 0);
        assert_eq!(changes(&apply(&world, &["-f", &file])), all);
        assert!(changes(&apply(&world, &["-f", &file, "--prune"])).is_empty());
        // It is what single commands would have made, with the same events.
        submit_sign_in(&world.browser(), "alice", PASSWORD).await.assert_status(303);
        assert_eq!(world.cli(&["user", "show", "bob"])["state"], "disabled");
        let alice = world.cli(&["user", "show", "alice"]);
        assert_eq!(alice["groups"], json!(["staff", "wiki-readers"]));
        let client = App::known(&world, "wiki", SECRET);
        assert_eq!(client.introspect("nothing").await.status, 200);
        for (kind, times) in [
            ("user.created", 2), ("user.disabled", 1), ("client.created", 2),
            // One of them came into being with alice, who is in both.
            ("group.created", 2), ("group.member_added", 2),
        ] {
            assert_eq!(events(&world, kind).await, times, "{kind}");
        }
        let refused = "select count(*) from audit_events where actor <> 'command-line' and kind like 'user.%'";
        assert_eq!(count(&world, refused).await, 0);
        world.assert_log_is_clean(&[SECRET, PASSWORD]);
    }

    async fn what_differs_is_told_member_by_member_and_made_so(world: World) {
        let file = prepared(&world, STATE);
        changes(&apply(&world, &["-f", &file]));
        let browser = sign_in(&world, "alice").await;
        let other = "another-secret-of-the-wiki-0123456789";
        world.write("wiki.secret", other);
        let state = STATE
            .replace("groups = [\"staff\", \"wiki-readers\"]", "groups = [\"staff\"]\nname = \"Alice A\"")
            .replace("disabled = true", "disabled = false")
            .replace("\"https://time.example.test/\"", "\"https://time.example.test/in\"");
        let file = world.write("state.toml", &state);
        let dry = apply(&world, &["-f", &file, "--dry-run"]);
        let told = told(&dry);
        assert!(!String::from_utf8_lossy(&dry.stdout).contains("secret-of"), "{told}");
        let wanted = ["update user alice", "update user bob", "update client wiki", "update client timetable"];
        assert_eq!(changes(&dry), wanted);
        assert_eq!(fields(&dry, 0), "name groups");
        assert_eq!(told["changes"][0]["fields"]["groups"]["after"], json!(["staff"]));
        assert_eq!([1, 2, 3].map(|place| fields(&dry, place)), ["disabled", "secret", "redirect_uris"]);
        assert_eq!(changes(&apply(&world, &["-f", &file])), wanted);
        assert!(changes(&apply(&world, &["-f", &file])).is_empty());
        assert_eq!(App::known(&world, "wiki", SECRET).introspect("x").await.status, 401);
        assert_eq!(App::known(&world, "wiki", other).introspect("x").await.status, 200);
        assert!(is_signed_in(&browser).await, "a changed name signs nobody out");
    }

    async fn another_address_is_nobodys_until_a_file_says_that_it_is_theirs(world: World) {
        let entry = |more: &str| {
            let text = format!("[[users]]\nusername = \"alice\"\n{more}");
            world.write("state.toml", &text)
        };
        let is_verified = || world.cli(&["user", "show", "alice"])["email_verified"] == true;
        let verified = "email_verified = true\n";
        let file = entry(&format!("email = \"one@example.test\"\n{verified}"));
        changes(&apply(&world, &["-f", &file]));
        // The same address in other letters is the same.
        for same in ["", "email = \" One@Example.test\"\n", "name = \"Alice\"\n"] {
            changes(&apply(&world, &["-f", &entry(same)]));
            assert!(is_verified(), "{same}");
        }
        let file = entry("email = \"two@example.test\"\n");
        let dry = apply(&world, &["-f", &file, "--dry-run"]);
        assert_eq!(fields(&dry, 0), "email email_verified");
        assert_eq!(changes(&apply(&world, &["-f", &file])), ["update user alice"]);
        assert!(!is_verified());
        assert!(changes(&apply(&world, &["-f", &file])).is_empty());
        let file = entry(&format!("email = \"three@example.test\"\n{verified}"));
        assert_eq!(fields(&apply(&world, &["-f", &file]), 0), "email email_verified");
        assert!(is_verified());
    }

    async fn what_a_file_says_of_an_address_that_it_does_not_name_is_refused(world: World) {
        let entry = |more: &str| {
            let text = format!("[[users]]\nusername = \"alice\"\n{more}");
            world.write("state.toml", &text)
        };
        let word = "user alice: email_verified says that an address is theirs";
        let refused = |more: &str| {
            let file = entry(&format!("email_verified = true\n{more}"));
            for flags in [&["-f", &*file, "--dry-run"][..], &["-f", &file]] {
                assert_refused(&apply(&world, flags), 1, word);
            }
        };
        refused("");
        assert_eq!(count(&world, "select count(*) from users").await, 0);
        changes(&apply(&world, &["-f", &entry("email = \"alice@example.test\"\n")]));
        refused("name = \"Alice\"\n");
        refused("email = \"\"\n");
        // One that she has only given herself is not made hers by it.
        let claimed = "update users set email = null, claimed_email = 'victim@example.test'";
        execute(&world, claimed).await;
        refused("");
        let alice = world.cli(&["user", "show", "alice"]);
        assert_eq!((&alice["email"], &alice["email_verified"]), (&json!("victim@example.test"), &json!(false)));
        // What is written of somebody without an address of their own can be applied.
        for (name, more) in [("one.toml", ""), ("two.toml", ", claimed_email = null, email_verified = true")] {
            execute(&world, &format!("update users set email = null{more}")).await;
            let written = world.path(name).display().to_string();
            assert!(world.run(&["export", "--output", &written]).status.success(), "{name}");
            assert!(changes(&apply(&world, &["-f", &written])).is_empty(), "{name}");
        }
        // That none is theirs may be said of any.
        let file = entry("email_verified = false\n");
        assert_eq!(changes(&apply(&world, &["-f", &file])), ["update user alice"]);
    }

    async fn roles_of_an_app_are_made_given_and_taken_as_the_file_says(world: World) {
        let roles = "\nroles = [{ name = \"writer\", users = [\"Alice\"], groups = [\"staff\"] }, \
            { name = \"reader\", description = \"Reads.\" }]";
        let with = |roles: &str| STATE.replace("client_id = \"wiki\"", &format!("client_id = \"wiki\"{roles}"));
        let file = prepared(&world, &with(roles));
        let all = changes(&apply(&world, &["-f", &file]));
        assert!(all.ends_with(&["create client timetable".to_owned()]), "{all:?}");
        assert!(all.contains(&"update client wiki".to_owned()), "{all:?}");
        assert!(changes(&apply(&world, &["-f", &file])).is_empty());
        let shown = world.cli(&["role", "show", "wiki", "writer"]);
        assert_eq!(shown["given_to"], json!({ "users": ["alice"], "groups": ["staff"] }));
        // A file without them leaves them, and what is written is what there is.
        let silent = world.write("silent.toml", STATE);
        assert!(changes(&apply(&world, &["-f", &silent])).is_empty());
        let written = world.path("written.toml").display().to_string();
        world.run(&["export", "--output", &written]);
        let text = std::fs::read_to_string(&written).unwrap();
        assert!(text.contains("writer") && text.contains("Reads."), "{text}");
        assert!(changes(&apply(&world, &["-f", &written])).is_empty());
        let fewer = "\nroles = [{ name = \"writer\", groups = [\"staff\"] }]";
        let file = world.write("state.toml", &with(fewer));
        assert_eq!(changes(&apply(&world, &["-f", &file])), ["update client wiki"]);
        let listed = world.cli(&["role", "list", "wiki"]);
        assert_eq!(listed["items"].as_array().unwrap().len(), 1, "{listed}");
        let shown = world.cli(&["role", "show", "wiki", "writer"]);
        assert_eq!(shown["given_to"], json!({ "users": [], "groups": ["staff"] }));
        for (bad, word) in [
            ("[{ name = \"a b\" }]", "no name of a role"),
            ("[{ name = \"a\" }, { name = \"a\" }]", "twice"),
        ] {
            let file = world.write("bad.toml", &with(&format!("\nroles = {bad}")));
            assert_refused(&apply(&world, &["-f", &file]), 1, word);
        }
    }

    async fn groups_keep_their_description_and_those_who_look_after_them(world: World) {
        let with = |more: &str| STATE.replace("name = \"staff\"", &format!("name = \"staff\"\n{more}"));
        let whole = "description = \" Everybody here. \"\nmanagers = [\"Bob\", \"alice\"]";
        let file = prepared(&world, &with(whole));
        let all = changes(&apply(&world, &["-f", &file]));
        assert!(all.contains(&"update group staff".to_owned()), "{all:?}");
        assert!(changes(&apply(&world, &["-f", &file, "--prune"])).is_empty());
        let managers = "select count(*) from group_managers";
        assert_eq!(count(&world, managers).await, 2);
        assert_eq!(events(&world, "group.manager_added").await, 2);
        // What is written is what there is, and carried out elsewhere makes the same.
        let export = |world: &World| world.run(&["--format", "json", "export"]).stdout;
        let written = export(&world);
        let told: serde_json::Value = serde_json::from_slice(&written).unwrap();
        let staff = json!({ "name": "staff", "description": "Everybody here.", "managers": ["alice", "bob"] });
        assert!(told["groups"].as_array().unwrap().contains(&staff), "{told}");
        let mut elsewhere = told.clone();
        elsewhere["clients"] = json!([]);
        let other = World::start(world.backend).await;
        let copy = other.write("copy.json", &elsewhere.to_string());
        changes(&apply(&other, &["-f", &copy]));
        let there: serde_json::Value = serde_json::from_slice(&export(&other)).unwrap();
        assert_eq!(there["groups"], told["groups"]);
        // A file that does not say leaves both; one that says other things makes them so.
        assert!(changes(&apply(&world, &["-f", &prepared(&world, STATE)])).is_empty());
        let file = prepared(&world, &with("description = \"\"\nmanagers = [\"bob\"]"));
        let told = apply(&world, &["-f", &file]);
        assert_eq!(changes(&told), ["update group staff", "update group staff"]);
        assert_eq!([fields(&told, 0), fields(&told, 1)], ["description", "managers"]);
        assert_eq!(count(&world, managers).await, 1);
        assert_eq!(count(&world, "select count(*) from groups where description is not null").await, 0);
        world.cli(&["user", "create", "--username", "root", "--email", "root@example.test", "--role", "owner",
            "--password-file", &world.write("root.password", PASSWORD)]);
        let long = format!("description = \"{}\"", "x".repeat(301));
        for (bad, word) in [
            ("managers = [\"nobody-there\"]", "there is no person nobody-there"),
            ("managers = [\"root\"]", "role in the console"),
            (&long, "300"),
        ] {
            let file = prepared(&world, &with(bad));
            assert_refused(&apply(&world, &["-f", &file]), 1, word);
        }
        // Whoever looks after a group is named by it, and is not pruned.
        let alone = world.write("alone.toml", "[[groups]]\nname = \"staff\"\nmanagers = [\"bob\"]\n");
        let doomed = changes(&apply(&world, &["-f", &alone, "--prune", "--dry-run"]));
        assert!(doomed.contains(&"delete user alice".to_owned()), "{doomed:?}");
        assert!(!doomed.contains(&"delete user bob".to_owned()), "{doomed:?}");
    }

    async fn a_role_for_somebody_who_is_not_there_is_found_before_anything_is_done(world: World) {
        let with = |roles: &str| STATE.replace("client_id = \"wiki\"", &format!("client_id = \"wiki\"\nroles = {roles}"));
        let long = format!("[{{ name = \"writer\", description = \"{}\" }}]", "x".repeat(301));
        for (roles, word) in [
            ("[{ name = \"writer\", users = [\"alice\", \"nobody-there\"] }]", "there is no person nobody-there"),
            ("[{ name = \"writer\", groups = [\"staff\", \"no-such\"] }]", "there is no group no-such"),
            (&long, "300"),
        ] {
            let file = prepared(&world, &with(roles));
            for flags in [&["-f", file.as_str(), "--dry-run"][..], &["-f", &file]] {
                assert_refused(&apply(&world, flags), 1, word);
            }
            assert_eq!(count(&world, "select count(*) from users").await, 0, "{word}");
        }
        // Whoever is there already, or is made by the same file, is not missing: also a group that comes with a person.
        create_user(&world, "carol");
        world.cli(&["group", "create", "by-hand"]);
        let roles = "[{ name = \"writer\", users = [\"Carol\", \"bob\"], groups = [\"by-hand\", \"wiki-readers\"] }]";
        let file = prepared(&world, &with(roles));
        assert_eq!(changes(&apply(&world, &["-f", &file])).len(), 6);
        assert!(changes(&apply(&world, &["-f", &file])).is_empty());
        // What a role needs stays, although no entry names it any more.
        let rest = &with(roles)[STATE.find("[[clients]]").unwrap()..];
        let file = world.write("rest.toml", rest);
        let doomed = ["delete user alice", "delete group staff"];
        assert_eq!(changes(&apply(&world, &["-f", &file, "--prune", "--dry-run"])), doomed);
    }

    async fn only_what_an_earlier_file_made_is_pruned(world: World) {
        create_user(&world, "by-hand");
        world.cli(&["group", "create", "by-hand"]);
        App::register(&world, "by-hand", &[]);
        let file = prepared(&world, STATE);
        changes(&apply(&world, &["-f", &file]));
        let browser = sign_in(&world, "alice").await;
        let rest = "[[users]]\nusername = \"bob\"\ngroups = [\"staff\"]\n";
        let file = world.write("state.toml", rest);
        assert_eq!(changes(&apply(&world, &["-f", &file])), ["update user bob"]);
        for word in ["  client timetable\n", "in 7 days:", "  user alice\n", "3 entries go. Add --yes"] {
            assert_refused(&apply(&world, &["-f", &file, "--prune"]), 2, word);
        }
        let doomed = ["delete client timetable", "delete client wiki", "delete user alice"];
        assert_eq!(changes(&apply(&world, &["-f", &file, "--prune", "--dry-run"])), doomed);
        assert_eq!(changes(&apply(&world, &["-f", &file, "--prune", "--yes"])), doomed);
        assert!(!is_signed_in(&browser).await);
        // Once is enough, and whoever was meant to stay is brought back.
        assert!(changes(&apply(&world, &["-f", &file, "--prune"])).is_empty());
        assert!(!world.cli(&["user", "show", "alice"])["delete_at"].is_null());
        world.cli(&["user", "enable", "alice"]);
        submit_sign_in(&world.browser(), "alice", PASSWORD).await.assert_status(303);
        assert_eq!(changes(&apply(&world, &["-f", &file, "--prune", "--yes"])), ["delete user alice"]);
        let empty = world.write("empty.json", "{}");
        for flags in [&["-f", empty.as_str(), "--prune", "--yes"][..], &["-f", &empty, "--prune", "--dry-run"]] {
            assert_refused(&apply(&world, flags), 2, "--allow-empty");
        }
        let doomed = ["delete user bob", "delete group staff"];
        assert_eq!(changes(&apply(&world, &["-f", &empty, "--prune", "--allow-empty", "--yes"])), doomed);
        // What was made by hand, or along with a person, stays.
        assert_eq!(count(&world, "select count(*) from users where delete_at is null").await, 1);
        assert_eq!(count(&world, "select count(*) from users").await, 3);
        assert_eq!(count(&world, "select count(*) from groups").await, 2);
        assert_eq!(count(&world, "select count(*) from clients").await, 1);
    }

    async fn nobody_who_may_use_the_console_is_deleted_by_a_file(world: World) {
        let file = prepared(&world, STATE);
        changes(&apply(&world, &["-f", &file]));
        let rest = world.write("rest.toml", "[[groups]]\nname = \"staff\"\n");
        let refused = || {
            for flags in [&["-f", rest.as_str(), "--prune", "--dry-run"][..], &["-f", &rest, "--prune", "--yes"]] {
                assert_refused(&apply(&world, flags), 1, "user alice: may use the console");
            }
        };
        execute(&world, "update users set role = 'auditor' where username = 'alice'").await;
        refused();
        execute(&world, "update users set role = null where username = 'alice'").await;
        world.cli(&["group", "add-manager", "staff", "alice"]);
        refused();
        // Nothing of the plan was begun.
        assert_eq!(count(&world, "select count(*) from clients").await, 2);
        world.cli(&["group", "remove-manager", "staff", "alice"]);
        let doomed = ["delete client timetable", "delete client wiki", "delete user alice", "delete user bob"];
        assert_eq!(changes(&apply(&world, &["-f", &rest, "--prune", "--yes"])), doomed);
    }

    async fn what_is_exported_changes_nothing_and_makes_the_same_elsewhere(backend: Backend) {
        let (here, there) = (World::start(backend).await, World::start(backend).await);
        create_user(&here, "alice");
        here.cli(&["group", "create", "staff"]);
        here.cli(&["group", "add-member", "staff", "alice"]);
        let spa = ["client", "create", "--name", "Time", "--type", "spa", "--client-id", "time"];
        here.cli(&[&spa[..], &["--redirect-uri", "https://time.example.test/"]].concat());
        here.cli(&["user", "disable", "alice"]);
        for (name, flags) in [("state.toml", &["export"][..]), ("state.json", &["--format", "json", "export"])] {
            let written = here.run(flags);
            let text = String::from_utf8(written.stdout).unwrap();
            assert!(!text.contains("$argon2"), "{text}");
            let file = here.write(name, &text);
            assert!(changes(&apply(&here, &["-f", &file, "--prune"])).is_empty(), "{text}");
            let dry = changes(&apply(&there, &["-f", &file, "--dry-run"]));
            assert_eq!(dry, ["create group staff", "create user alice", "create client time"]);
        }
        let file = here.path("state.toml").display().to_string();
        changes(&apply(&there, &["-f", &file]));
        let export = |world: &World| world.run(&["export"]).stdout;
        assert_eq!(export(&there), export(&here));
    }

    async fn a_file_that_cannot_be_carried_out_changes_nothing(world: World) {
        prepared(&world, STATE);
        for (text, word) in [
            ("[[user]]\nusername = \"x\"", "user"),
            ("[[users]]\nusername = \"x\"\npassword = \"in the file\"", "password"),
            ("[[users]]\nusername = \"x\"\n[[users]]\nusername = \"X\"", "named twice"),
            ("[[users]]\nusername = \"x\"\nemail = \"nowhere\"", "user x: email"),
            ("[[users]]\nusername = \"x\"\npassword_file = \"missing\"", "missing"),
            ("[[users]]\nusername = \"x\"\n[[clients]]\nclient_id = \"c\"", "client c"),
            ("[[clients]]\nclient_id = \"c\"\nmetadata = { client_nam = \"C\" }", "client_nam"),
            (
                "[[clients]]\nclient_id = \"c\"\nmetadata = { client_name = \"C\", redirect_uris = [\"https://c.example.test/\"] }",
                "secret_file",
            ),
        ] {
            let file = world.write("bad.toml", text);
            for flags in [&["-f", file.as_str()][..], &["-f", &file, "--dry-run"]] {
                assert_refused(&apply(&world, flags), 1, word);
            }
        }
        assert_eq!(count(&world, "select count(*) from users").await, 0);
        // What only the use case itself can know is found on the way; what was done before it stays.
        let taken = "[[users]]\nusername = \"a\"\nemail = \"x@example.test\"\n\
                     [[users]]\nusername = \"b\"\nemail = \"x@example.test\"\n";
        let file = world.write("taken.toml", taken);
        assert_refused(&apply(&world, &["-f", &file]), 3, "1 of 2");
        assert_refused(&apply(&world, &["-f", &file]), 1, "user b");
    }
}
