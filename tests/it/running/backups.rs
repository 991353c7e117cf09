//! Backup, restore and copy: beside a running server, between the two databases, killed in the middle, and
//! with files that were damaged.

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::kit::flow::{
    App, PASSWORD, PATIENCE, count, create_user, is_signed_in, sign_in, sign_out, submit_sign_in,
};
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::servers::PrivatePostgres;
use crate::support::world::{World, random_key};

/// People of the interrupted restore.
const MANY: usize = 3_000;

fn messages(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn backup(world: &World, name: &str, flags: &[&str]) -> String {
    let path = world.path(name).display().to_string();
    world.cli(&[&["backup", &path], flags].concat());
    path
}

fn restore(world: &World, arguments: &[&str]) -> Output {
    world.run(&[&["--format", "json", "restore"], arguments].concat())
}

/// Starts a command and kills it so many milliseconds later; whether it was still at work then.
async fn is_killed_after(mut command: Command, pause: u64) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("start it");
    tokio::time::sleep(Duration::from_millis(pause)).await;
    let is_at_work = child.try_wait().expect("its state").is_none();
    child.kill().expect("kill it");
    child.wait().expect("its end");
    is_at_work
}

#[track_caller]
fn assert_refused(output: &Output, word: &str) {
    assert_eq!(output.status.code(), Some(1), "{}", messages(output));
    assert!(messages(output).contains(word), "{word:?} is not in: {}", messages(output));
}

#[track_caller]
fn assert_done(output: &Output) -> Value {
    assert!(output.status.success(), "{}", messages(output));
    serde_json::from_slice(&output.stdout).expect("one document")
}

/// The master key this world's server uses.
fn master_key(world: &World) -> String {
    match world.setting("DOORWARD_SECRETS__MASTER_KEY") {
        Some(key) => key.to_owned(),
        None => std::fs::read_to_string(world.data_dir().join("master.key")).expect("a key"),
    }
}

/// A world of the other kind with nothing in it and the same master key.
async fn other_kind(world: &World) -> World {
    let other = match world.backend {
        Backend::Embedded => Backend::Production,
        Backend::Production => Backend::Embedded,
    };
    let key = master_key(world);
    World::builder(other).env("DOORWARD_SECRETS__MASTER_KEY", key.trim()).prepare().await
}

fn kids(world: &World) -> Vec<String> {
    let keys = world.cli(&["key", "list"]);
    let mut kids: Vec<_> = keys["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|key| key["kid"].as_str().expect("a kid").to_owned())
        .collect();
    kids.sort();
    kids
}

on_both_backends! {
    async fn a_backup_made_beside_a_running_server_is_put_back_and_what_ended_since_stays_dead(
        mut world: World
    ) {
        create_user(&world, "alice");
        let app = App::register(&world, "shop", &[]);
        let browser = sign_in(&world, "alice").await;
        let old = app.tokens(&browser).await;
        let leaves = sign_in(&world, "alice").await;
        let file = backup(&world, "monday.tar", &[]);
        // What happens after it: a revocation, an end, a newcomer.
        assert_eq!(app.revoke(&old.refresh).await.status, 200);
        sign_out(&leaves).await;
        create_user(&world, "carol");
        let late = sign_in(&world, "carol").await;
        let young = app.tokens(&late).await;

        assert_refused(&restore(&world, &["--replace", "--yes", &file]), "in use");
        app.assert_alive(&young).await;
        world.stop();
        assert_refused(&restore(&world, &[&file]), "--replace");
        assert_eq!(restore(&world, &["--replace", &file]).status.code(), Some(2), "it asks");
        let checked = assert_done(&restore(&world, &["--dry-run", &file]));
        assert_eq!(checked["tables"]["users"]["rows"], 1);
        assert_eq!(count(&world, "select count(*) from users").await, 2);
        let done = assert_done(&restore(&world, &["--replace", "--yes", &file]));
        assert_eq!(done["sessions_ended"], 2);
        world.start_server().await;

        let people = "select count(*) from users";
        assert_eq!(count(&world, people).await, 1);
        for gone in [&browser, &leaves, &late] {
            assert!(!is_signed_in(gone).await);
        }
        app.assert_dead(&old).await;
        app.assert_dead(&young).await;
        // The server works as before, with the keys it had.
        let again = sign_in(&world, "alice").await;
        let tokens = app.tokens(&again).await;
        app.assert_alive(&tokens).await;
        assert!(is_signed_in(&again).await);
        let restored = world.cli(&["audit", "list", "--kind", "database.restored"]);
        assert_eq!(restored["items"][0]["detail"]["sessions"], "ended");
        wait_until_async("the log being sealed and intact", PATIENCE, async || {
            let verified = world.run(&["--format", "json", "audit", "verify"]);
            let report: Value = serde_json::from_slice(&verified.stdout).unwrap_or_default();
            verified.status.success() && report["waiting"]["count"] == 0
        })
        .await;
    }

    async fn a_backup_goes_into_the_other_kind_of_database_and_back(world: World) {
        create_user(&world, "alice");
        world.cli(&["group", "create", "staff"]);
        world.cli(&["group", "add-member", "staff", "alice"]);
        App::register(&world, "shop", &["--scope", "openid profile"]);
        sign_in(&world, "alice").await;
        let file = backup(&world, "here.tar", &[]);
        let mut other = other_kind(&world).await;
        let done = assert_done(&restore(&other, &["--keep-sessions", &file]));
        assert_eq!(done["sessions_ended"], 0);
        assert_eq!(kids(&other), kids(&world));
        let show = ["user", "show", "alice"];
        assert_eq!(other.cli(&show), world.cli(&show));
        assert_eq!(other.cli(&["client", "show", "shop"]), world.cli(&["client", "show", "shop"]));
        let living = "select count(*) from sessions where revoked_at is null";
        assert_eq!(count(&other, living).await, count(&world, living).await);
        other.start_server().await;
        submit_sign_in(&other.browser(), "alice", PASSWORD).await.assert_status(303);
        other.stop();
        // And back, through a pipe.
        let piped = other.run(&["backup", "-"]);
        assert!(piped.status.success(), "{}", messages(&piped));
        let text = String::from_utf8(piped.stdout).expect("a tar file of texts");
        let back = World::builder(world.backend)
            .env("DOORWARD_SECRETS__MASTER_KEY", master_key(&world).trim())
            .prepare()
            .await;
        let restored = back.run_with_input(&["--format", "json", "restore", "-"], &text);
        assert_done(&restored);
        assert_eq!(back.cli(&show), world.cli(&show));
        assert_eq!(kids(&back), kids(&world));
        assert!(back.run(&["audit", "verify"]).status.success());
    }

    async fn nobody_is_told_once_more_of_what_a_backup_holds(mut world: World) {
        world.stop();
        let url = "https://webhook.test/in";
        world.cli(&["webhook", "create", "--name", "hook", "--url", url, "--event", "*"]);
        create_user(&world, "alice");
        let waiting = "select count(*) from outbox where kind = 'webhook'";
        let before = count(&world, waiting).await;
        assert!(before > 0, "the newcomer is news");
        let file = backup(&world, "with-webhooks.tar", &[]);
        let other = other_kind(&world).await;
        assert_done(&restore(&other, &[&file]));
        assert_done(&restore(&world, &["--replace", "--yes", &file]));
        for world in [&other, &world] {
            // That it was restored is news, too.
            let after = count(world, waiting).await;
            assert!(after <= before + 1, "{after} messages wait in the place of {before}");
        }
    }

    async fn what_is_damaged_or_cannot_be_opened_is_refused_and_nothing_changes(backend: Backend) {
        let world = World::start(backend).await;
        create_user(&world, "alice");
        let file = backup(&world, "whole.tar", &[]);
        let again = world.run(&["backup", &file]);
        assert_eq!(again.status.code(), Some(1), "it writes over nothing");
        let whole = std::fs::read(&file).expect("the backup");
        #[cfg(unix)]
        {
            let mode = std::fs::metadata(&file).unwrap();
            assert_eq!(std::os::unix::fs::MetadataExt::mode(&mode) & 0o777, 0o600);
        }
        let to = World::builder(backend)
            .env("DOORWARD_SECRETS__MASTER_KEY", master_key(&world).trim())
            .prepare()
            .await;
        let text = String::from_utf8_lossy(&whole).into_owned();
        let name = text.find("\"alice\"").expect("alice in it");
        let changed = |place: usize| {
            let mut bytes = whole.clone();
            bytes[place] ^= 1;
            bytes
        };
        let newer = text.replacen("\"migrations\": [\n    1,", "\"migrations\": [\n    9,", 1);
        assert_ne!(newer, text, "the head has another form");
        for (what, bytes, word) in [
            ("changed", changed(name + 2), "damaged"),
            ("cut", whole[..whole.len() / 2].to_vec(), "damaged"),
            ("no-end", whole[..whole.len() - 6_000].to_vec(), "damaged"),
            ("empty", Vec::new(), "damaged"),
            ("other", b"PGDMP and so on".repeat(100), "damaged"),
            ("newer", newer.into_bytes(), "newer version"),
        ] {
            let path = world.path(what);
            std::fs::write(&path, bytes).expect("write a file");
            let path = path.display().to_string();
            for flags in [&["--dry-run", path.as_str()][..], &[path.as_str()]] {
                assert_refused(&restore(&to, flags), word);
            }
        }
        let other_key = World::builder(backend)
            .env("DOORWARD_SECRETS__MASTER_KEY", &random_key())
            .prepare()
            .await;
        for flags in [&["--dry-run", file.as_str()][..], &[file.as_str()]] {
            assert_refused(&restore(&other_key, flags), "does not open the signing keys");
        }
        assert_done(&restore(&to, &[&file]));
        assert_eq!(count(&to, "select count(*) from users").await, 1);
    }

    async fn a_restore_that_is_killed_leaves_all_of_the_old_or_all_of_the_new(mut world: World) {
        let line = |number| format!("p{number},p{number}@example.test,g{}\n", number % 7);
        let lines: Vec<String> = (0..MANY).map(line).collect();
        let people = format!("username,email,groups\n{}", lines.concat());
        world.cli(&["user", "import", &world.write("people.csv", &people)]);
        let file = backup(&world, "many.tar", &[]);
        create_user(&world, "extra");
        world.stop();
        let many = i64::try_from(MANY).unwrap();
        let users = "select count(*) from users";
        let mut kills = 0;
        for pause in [5, 40, 90, 160, 300, 500, 800] {
            kills += i32::from(is_killed_after(world.command(&["restore", "--replace", "--yes", &file]), pause).await);
            let there = count(&world, users).await;
            assert!(there == many || there == many + 1, "{there} people after {pause} ms");
            let memberships = count(&world, "select count(*) from user_groups").await;
            assert_eq!(memberships, many);
        }
        assert!(kills > 0, "it was over before it could be killed");
        let done = assert_done(&restore(&world, &["--replace", "--yes", &file]));
        assert_eq!(done["tables"]["users"]["rows"], many);
        assert_eq!(count(&world, users).await, many);
        world.start_server().await;
        assert_eq!(world.cli(&["user", "show", "p7"])["groups"], serde_json::json!(["g0"]));
    }

    async fn a_backup_that_is_killed_leaves_no_file_of_its_name(world: World) {
        let line = |number| format!("{{\"username\":\"p{number}\"}}\n");
        let lines = (0..MANY).map(line).collect::<Vec<_>>().concat();
        world.cli(&["user", "import", &world.write("people.ndjson", &lines)]);
        let file = world.path("killed.tar");
        for pause in [5, 30, 60, 120, 240] {
            let mut command = world.command(&["backup", &file.display().to_string()]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().expect("start it");
            tokio::time::sleep(Duration::from_millis(pause)).await;
            child.kill().expect("kill it");
            child.wait().expect("its end");
            if file.exists() {
                // It had been quick enough: then it is whole.
                let path = file.display().to_string();
                assert_done(&restore(&world, &["--dry-run", &path]));
                std::fs::remove_file(&file).expect("remove it");
            }
        }
    }

    async fn everything_is_copied_into_the_other_kind_and_nobody_is_signed_out(mut world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "shop", &[]);
        let browser = sign_in(&world, "alice").await;
        let tokens = app.tokens(&browser).await;
        world.stop();
        let from = world.database_url();
        let to = match world.backend {
            Backend::Embedded => PrivatePostgres::database().await,
            Backend::Production => format!("sqlite:{}", world.path("copy.db").display()),
        };
        let copied = world.cli(&["db", "copy", "--from", &from, "--to", &to]);
        assert_eq!(copied["tables"]["users"]["rows"], 1);
        let twice = world.run(&["db", "copy", "--from", &from, "--to", &to]);
        assert_refused(&twice, "--replace");
        world.cli(&["db", "copy", "--from", &from, "--to", &to, "--replace", "--yes"]);
        let key = master_key(&world);
        world.set("DOORWARD_SECRETS__MASTER_KEY", key.trim());
        world.set("DOORWARD_DATABASE__URL", &to);
        world.start_server().await;
        assert!(is_signed_in(&browser).await);
        app.assert_alive(&tokens).await;
        let refreshed = app.refresh(&tokens.refresh).await.tokens();
        app.assert_alive(&refreshed).await;
        assert!(world.run(&["audit", "verify"]).status.success());
    }

    async fn a_copy_that_is_killed_leaves_nothing_half_and_is_made_again(mut world: World) {
        let line = |number| format!("p{number},p{number}@example.test,g{}\n", number % 7);
        let lines: Vec<String> = (0..MANY).map(line).collect();
        let people = format!("username,email,groups\n{}", lines.concat());
        world.cli(&["user", "import", &world.write("people.csv", &people)]);
        world.stop();
        let other = other_kind(&world).await;
        assert!(other.run(&["db", "migrate"]).status.success());
        let (from, to) = (world.database_url(), other.database_url());
        let copy = ["db", "copy", "--from", &from, "--to", &to, "--replace", "--yes"];
        let many = i64::try_from(MANY).unwrap();
        let there = async || {
            let people = count(&other, "select count(*) from users").await;
            (people, count(&other, "select count(*) from user_groups").await)
        };
        let mut before = there().await;
        assert_eq!(before, (0, 0));
        let mut kills = 0;
        for pause in [5, 40, 90, 160, 300, 500, 800] {
            kills += i32::from(is_killed_after(world.command(&copy), pause).await);
            let after = there().await;
            assert!(after == before || after == (many, many), "{after:?} after {pause} ms");
            before = after;
        }
        assert!(kills > 0, "it was over before it could be killed");
        let done = world.cli(&copy);
        assert_eq!(done["tables"]["users"]["rows"], many);
        assert_eq!(there().await, (many, many));
        assert_eq!(other.cli(&["user", "show", "p7"])["groups"], serde_json::json!(["g0"]));
        assert!(other.run(&["audit", "verify"]).status.success());
    }
}

#[tokio::test]
async fn a_mistyped_database_is_not_made_to_be_copied_from() {
    let world = World::builder(Backend::Embedded).prepare().await;
    let (typo, to) = (world.path("typo.db"), world.path("to.db"));
    let (from, into) = (format!("sqlite:{}", typo.display()), format!("sqlite:{}", to.display()));
    let output = world.run(&["db", "copy", "--from", &from, "--to", &into]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("--from") && said.contains("no such file"), "{said}");
    assert!(!typo.exists() && !to.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_with_the_master_key_is_enough_to_start_from_nothing() {
    let world = World::start(Backend::Embedded).await;
    create_user(&world, "alice");
    let with = backup(&world, "with.tar", &["--include-master-key"]);
    let without = backup(&world, "without.tar", &[]);
    let key = master_key(&world);
    assert!(std::fs::read_to_string(&with).expect("a backup").contains(key.trim()));
    assert!(!std::fs::read_to_string(&without).expect("a backup").contains(key.trim()));
    let mut bare = World::builder(Backend::Embedded).prepare().await;
    assert_refused(&restore(&bare, &[&without]), "no master key to open them with");
    assert!(!bare.data_dir().join("master.key").exists(), "none is made");
    assert_done(&restore(&bare, &[&with]));
    assert_eq!(master_key(&bare), key);
    bare.start_server().await;
    submit_sign_in(&bare.browser(), "alice", PASSWORD).await.assert_status(303);
    assert_eq!(kids(&bare), kids(&world));
}
