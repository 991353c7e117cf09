//! What every command has in common: whether a server is ready by an exit code, how answers are written,
//! where the configuration is found, and that nothing is asked of a program.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::kit::flow::{PATIENCE, create_user};
use crate::support::backends::Backend;
use crate::support::process::{START_LIMIT, wait_until_async};
use crate::support::world::World;

const UNHEALTHY: Option<i32> = Some(4);

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The document that a command wrote; null where it wrote none.
fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_default()
}

/// Runs the program in a terminal of its own where somebody types this.
fn in_a_terminal(world: &World, arguments: &str, typed: &str) -> Output {
    let line = format!("'{}' {arguments}", env!("CARGO_BIN_EXE_doorward"));
    let mut command = Command::new("script");
    command.args(["-qec", &line, "/dev/null"]).env_clear().envs(world.settings());
    for name in ["PATH", "HOME", "TMPDIR", "LLVM_PROFILE_FILE"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("start a terminal");
    let mut keyboard = child.stdin.take().expect("a pipe");
    let _ = keyboard.write_all(typed.as_bytes());
    drop(keyboard);
    child.wait_with_output().expect("wait for the command")
}

on_both_backends! {
    async fn a_health_check_says_by_its_exit_whether_a_server_is_ready(backend: Backend) {
        let mut world = World::builder(backend).prepare().await;
        let nobody = world.run(&["healthcheck", "--timeout", "2"]);
        assert_eq!(nobody.status.code(), UNHEALTHY, "{nobody:?}");
        assert!(said(&nobody).contains("does not answer"), "{nobody:?}");
        world.start_server().await;
        let ready = world.run(&["--format", "json", "healthcheck"]);
        assert_eq!(ready.status.code(), Some(0), "{ready:?}");
        let told = document(&ready);
        assert_eq!((&told["ready"], &told["status"]), (&json!(true), &json!(200)), "{told}");
        // Without a listener of its own for this, the one for everybody is asked.
        world.stop();
        world.set("DOORWARD_MANAGEMENT__LISTEN", "off");
        world.spawn_server();
        wait_until_async("the server being ready", START_LIMIT, async || {
            world.run(&["healthcheck"]).status.code() == Some(0)
        })
        .await;
        let ready = world.run(&["--format", "json", "healthcheck"]);
        let address = document(&ready)["address"].to_string();
        assert!(address.contains(&format!(":{}\"", world.port)), "{ready:?}");
        world.kill9();
        let gone = world.run(&["healthcheck", "--timeout", "2"]);
        assert_eq!(gone.status.code(), UNHEALTHY, "{gone:?}");
    }

    async fn the_environment_says_how_answers_are_written_and_a_flag_says_it_better(backend: Backend) {
        let mut world = World::builder(backend).prepare().await;
        world.cli(&["group", "create", "crew"]);
        let list = ["group", "list"];
        let table = world.run(&list);
        assert!(table.status.success() && document(&table).is_null(), "{table:?}");
        assert!(String::from_utf8_lossy(&table.stdout).contains("crew"), "{table:?}");
        world.set("DOORWARD_FORMAT", "json");
        let told = document(&world.run(&list));
        assert!(told["items"].to_string().contains("\"crew\""), "{told}");
        let flagged = world.run(&["group", "list", "--format", "table"]);
        assert_eq!(flagged.stdout, table.stdout);
        world.set("DOORWARD_FORMAT", "xml");
        let refused = world.run(&list);
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        assert!(said(&refused).contains("xml"), "{refused:?}");
    }

    async fn a_file_where_the_command_runs_is_found_and_one_that_is_named_is_used_instead(backend: Backend) {
        let mut world = World::builder(backend).prepare().await;
        let name = |world: &World| world.cli(&["config", "show", "--origin"])["product_name"].clone();
        assert_eq!(name(&world)["origin"], "default");
        world.write("doorward.toml", "product_name = \"Found here\"\n");
        let found = json!({ "value": "Found here", "origin": "file doorward.toml" });
        assert_eq!(name(&world), found);
        world.start_server().await;
        let title = world.browser().get("/login").await.title();
        assert!(title.ends_with("Found here"), "{title}");
        world.stop();

        let other = world.write("other.toml", "product_name = \"Named\"\n");
        let flagged = world.cli(&["config", "show", "--config", &other]);
        assert_eq!(flagged["product_name"], "Named");
        world.set("DOORWARD_CONFIG", &other);
        let named = json!({ "value": "Named", "origin": format!("file {other}") });
        assert_eq!(name(&world), named);
        world.unset("DOORWARD_CONFIG");
        // It is held to the same as any other.
        world.write("doorward.toml", "prodct_name = \"Found here\"\n");
        let refused = world.run(&["config", "check"]);
        assert_eq!(refused.status.code(), Some(78), "{refused:?}");
        for words in ["doorward.toml", "prodct_name"] {
            assert!(said(&refused).contains(words), "{refused:?}");
        }
    }

    async fn nothing_is_asked_of_a_program_or_of_whoever_wants_no_questions(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        create_user(&world, "alice");
        let both: [&[&str]; 2] = [&[], &["--no-input"]];
        for flags in both {
            // What comes on standard input is no answer.
            let deleted = world.run_with_input(&[&["user", "delete", "alice"][..], flags].concat(), "yes\n");
            assert_eq!(deleted.status.code(), Some(2), "{deleted:?}");
            assert!(said(&deleted).contains("Add --yes to go on"), "{deleted:?}");
            let set = [&["user", "set-password", "alice"][..], flags].concat();
            let set = world.run_with_input(&set, "a-password-nobody-asked-for\n");
            assert_eq!(set.status.code(), Some(2), "{set:?}");
            assert!(said(&set).contains("--password-file"), "{set:?}");
        }
        // Nor of somebody at a terminal, who is asked otherwise.
        let is_there = Command::new("script").arg("--version").output().is_ok();
        if is_there {
            let refused = in_a_terminal(&world, "user delete alice --no-input", "yes\n");
            assert_eq!(refused.status.code(), Some(2), "{refused:?}");
            let asked = in_a_terminal(&world, "user delete alice", "no\n");
            assert_eq!(asked.status.code(), Some(1), "{asked:?}");
            let shown = String::from_utf8_lossy(&asked.stdout).into_owned();
            assert!(shown.contains("Type yes to go on"), "{shown}");
        }
        assert_eq!(world.cli(&["user", "show", "alice"])["username"], "alice");
        world.cli(&["user", "delete", "alice", "--yes", "--no-input"]);
        assert!(!world.run(&["user", "show", "alice"]).status.success());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_health_check_tells_of_a_server_that_lost_its_database() {
    let mut world = World::builder(Backend::Production).own_postgres().start().await;
    let checked = |world: &World| world.run(&["--format", "json", "healthcheck"]);
    assert_eq!(checked(&world).status.code(), Some(0));
    world.postgres().stop();
    wait_until_async("a server that is not ready", PATIENCE, async || {
        let told = checked(&world);
        let is_told = document(&told)["ready"] == json!(false);
        assert!(!is_told || told.status.code() == UNHEALTHY, "{told:?}");
        is_told
    })
    .await;
    world.postgres().restart().await;
    wait_until_async("a server that is ready again", PATIENCE, async || {
        checked(&world).status.code() == Some(0)
    })
    .await;
}
