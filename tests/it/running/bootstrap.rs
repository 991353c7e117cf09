//! The first start told by its environment: who the first owner is, and which apps there are.

use crate::kit::audit::events;
use crate::kit::flow::{App, PASSWORD, count, submit_sign_in};
use crate::running::startup_errors::ending;
use crate::support::process::{START_LIMIT, free_port, wait_until_async};
use crate::support::world::World;

const SECRET: &str = "a-secret-of-the-wiki-0123456789-abcdefgh";
const APPS: &str = r#"
[[groups]]
name = "staff"
description = "Everybody"

[[clients]]
client_id = "wiki"
secret_file = "wiki.secret"
metadata = { client_name = "Wiki", consent = "skip", redirect_uris = ["https://rp.test/cb"], grant_types = ["client_credentials", "authorization_code"] }
roles = [{ name = "editor", groups = ["staff"] }]
"#;

/// A world whose first start is told everything.
async fn told(backend: crate::support::backends::Backend) -> World {
    let mut world = World::builder(backend).prepare().await;
    world.write("wiki.secret", &format!("{SECRET}\n"));
    let apps = world.write("first.toml", APPS);
    let password = world.write("root.password", &format!("{PASSWORD}\n"));
    for (name, value) in [
        ("DOORWARD_BOOTSTRAP_ADMIN_USERNAME", "root"),
        ("DOORWARD_BOOTSTRAP_ADMIN_EMAIL", "root@example.test"),
        ("DOORWARD_BOOTSTRAP_ADMIN_PASSWORD_FILE", password.as_str()),
        ("DOORWARD_BOOTSTRAP_CLIENTS_FILE", apps.as_str()),
    ] {
        world.set(name, value);
    }
    world
}

on_both_backends! {
    async fn the_first_start_makes_owner_and_apps_and_later_ones_ignore_it(backend: Backend) {
        let mut world = told(backend).await;
        world.start_server().await;
        assert!(!world.log().contains("/setup?token="), "{}", world.log());
        submit_sign_in(&world.browser(), "root", PASSWORD).await.assert_status(303);
        let root = world.cli(&["user", "show", "root"]);
        assert_eq!((&root["role"], &root["email_verified"]), (&"owner".into(), &true.into()), "{root}");
        assert_eq!(App::known(&world, "wiki", SECRET).client_credentials().await.status, 200);
        let editor = world.cli(&["role", "show", "wiki", "editor"]);
        assert_eq!(editor["given_to"]["groups"], serde_json::json!(["staff"]));
        for kind in ["user.created", "setup.completed", "client.created", "group.created"] {
            assert_eq!(events(&world, kind).await, 1, "{kind}");
        }
        // Whatever it says later, nobody listens: not to another name, nor to files that are gone.
        world.stop();
        world.set("DOORWARD_BOOTSTRAP_ADMIN_USERNAME", "mallory");
        world.set("DOORWARD_BOOTSTRAP_ADMIN_PASSWORD_FILE", "/nowhere/at/all");
        world.set("DOORWARD_BOOTSTRAP_CLIENTS_FILE", "/nowhere/at/all.toml");
        world.start_server().await;
        assert_eq!(world.log().matches("not the first start").count(), 1, "{}", world.log());
        assert_eq!(count(&world, "select count(*) from users").await, 1);
        world.assert_log_is_clean(&[PASSWORD, SECRET]);
    }

    async fn what_cannot_be_used_ends_the_start_and_leaves_nothing(backend: Backend) {
        let mut world = told(backend).await;
        let weak = world.write("weak.password", "short");
        let people = world.write("people.toml", "[[users]]\nusername = \"bob\"\n");
        let lost = world.write("lost.toml", "[[clients]]\nclient_id = \"lost\"\n");
        for (name, value, words) in [
            ("DOORWARD_BOOTSTRAP_ADMIN_EMAIL", "", &["ADMIN_EMAIL", "missing"][..]),
            ("DOORWARD_BOOTSTRAP_ADMIN_EMAIL", "root", &["ADMIN_EMAIL", "Set another"]),
            ("DOORWARD_BOOTSTRAP_ADMIN_USERNAME", "b ad", &["ADMIN_USERNAME", "Set another"]),
            ("DOORWARD_BOOTSTRAP_ADMIN_PASSWORD_FILE", &weak, &["PASSWORD_FILE", "Set another"]),
            ("DOORWARD_BOOTSTRAP_ADMIN_PASSWORD_FILE", "/nowhere", &["PASSWORD_FILE", "/nowhere"]),
            ("DOORWARD_BOOTSTRAP_CLIENTS_FILE", &people, &["CLIENTS_FILE", "doorward apply"]),
            ("DOORWARD_BOOTSTRAP_CLIENTS_FILE", &lost, &["CLIENTS_FILE", "client_name"]),
            ("DOORWARD_BOOTSTRAP_CLIENTS_FILE", "/nowhere.toml", &["CLIENTS_FILE", "/nowhere"]),
            ("DOORWARD_BOOTSTRAP_ADMIN_NAME", "root", &["there is no such setting"]),
        ] {
            let mut command = world.command(&["serve"]);
            command.env(name, value);
            let end = ending(command);
            assert_eq!(end.code, 78, "{name}={value}: {}", end.said);
            for word in words {
                assert!(end.said.contains(word), "no {word:?} in: {}", end.said);
            }
        }
        world.start_server().await;
        assert_eq!(count(&world, "select count(*) from users").await, 1);
        assert_eq!(count(&world, "select count(*) from clients").await, 1);
        assert_eq!(events(&world, "setup.completed").await, 1);
    }

    async fn nodes_that_start_together_make_one_owner(backend: Backend) {
        let world = told(backend).await;
        assert!(world.run(&["db", "migrate"]).status.success());
        // Keys are there: this is about people and apps.
        world.cli(&["key", "list"]);
        let mut nodes: Vec<(u16, std::process::Child)> = (0..3).map(|_| {
            let port = free_port();
            let mut command = world.command(&["serve"]);
            command.env("DOORWARD_SERVER__LISTEN", format!("127.0.0.1:{port}"));
            command.env("DOORWARD_MANAGEMENT__LISTEN", "off");
            command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
            (port, command.spawn().expect("start a node"))
        }).collect();
        for (port, _) in &nodes {
            let base = format!("http://127.0.0.1:{port}");
            wait_until_async("a node", START_LIMIT, async || {
                reqwest::get(format!("{base}/readyz")).await.is_ok_and(|answer| answer.status() == 200)
            }).await;
        }
        for (_, node) in &mut nodes {
            assert!(node.try_wait().unwrap().is_none(), "it went on");
            node.kill().unwrap();
            node.wait().unwrap();
        }
        assert_eq!(count(&world, "select count(*) from users where role = 'owner'").await, 1);
        assert_eq!(count(&world, "select count(*) from users").await, 1);
        assert_eq!(count(&world, "select count(*) from clients").await, 1);
        for kind in ["setup.completed", "user.created", "client.created"] {
            assert_eq!(events(&world, kind).await, 1, "{kind}");
        }
    }
}
