//! The master key is exchanged: everything works on while there are two keys, and nothing at rest needs the
//! one before when the command is done.

use serde_json::Value;

use crate::kit::flow::{App, claim, count, create_user, get, is_signed_in, sign_in};
use crate::running::startup_errors::ending;
use crate::support::backends::Backend;
use crate::support::world::{World, random_key};

const PRESENT: &str = "DOORWARD_SECRETS__MASTER_KEY";
const PREVIOUS: &str = "DOORWARD_SECRETS__PREVIOUS_MASTER_KEY";
const JWKS: &str = "/.well-known/jwks.json";
const STOPPED: &str = "--servers-are-stopped";
/// Keys that outlive the two master keys: one of each for the audit log, and one for pairwise names.
const KEPT: &str = "select count(*) from kept_keys";

/// A new key is the present one from now on, and the one before the previous one.
fn exchange(world: &mut World) {
    if let Some(key) = world.setting(PRESENT).map(ToOwned::to_owned) {
        world.set(PREVIOUS, &key);
        world.set(PRESENT, &random_key());
    } else {
        let made = rotate(world, &[]);
        assert!(
            made["new_key"].as_str().is_some_and(|path| path.ends_with("master.key")),
            "{made}"
        );
    }
}

/// The previous key is gone.
fn forget(world: &mut World) {
    if world.setting(PRESENT).is_some() {
        world.unset(PREVIOUS);
    } else {
        std::fs::remove_file(world.data_dir().join("master.key.previous")).expect("a previous key");
    }
}

fn rotate(world: &World, flags: &[&str]) -> Value {
    world.cli(&[&["secret", "rotate-master"], flags].concat())
}

/// How many values were sealed anew. All of them are readable.
fn resealed(told: &Value) -> u64 {
    for item in told["items"].as_array().expect("places") {
        assert_eq!(item["unreadable"], 0, "{item}");
    }
    told["resealed"].as_u64().expect("a number")
}

/// An app that knows people by names of its own.
fn pairwise(world: &World, id: &str) -> App {
    let file = world.write(&format!("{id}.json"), r#"{"subject_type": "pairwise"}"#);
    App::register(world, id, &["--metadata", &file])
}

#[track_caller]
fn assert_chain_holds(world: &World) {
    let told = world.run(&["audit", "verify"]);
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
}

on_both_backends! {
    async fn everything_works_on_through_an_exchange_of_the_master_key(mut world: World) {
        create_user(&world, "alice");
        let (app, other) = (App::register(&world, "app", &[]), pairwise(&world, "pairwise"));
        let hook = ["webhook", "create", "--name", "chat", "--url", "https://hook.invalid/"];
        world.cli(&[&hook[..], &["--event", "backup.made"]].concat());
        let browser = sign_in(&world, "alice").await;
        let (tokens, unused) = (app.tokens(&browser).await, app.tokens(&browser).await);
        let name = claim(&other.tokens(&browser).await.id, "sub");
        let jwks = get(&world.url(JWKS)).await.text;

        world.stop();
        exchange(&mut world);
        let counted = resealed(&rotate(&world, &["--dry-run"]));
        assert!(counted >= 10, "at least five pairs of keys: {counted}");
        assert_eq!(count(&world, KEPT).await, 0, "a command that only looks writes nothing");
        assert_eq!(resealed(&rotate(&world, &[STOPPED])), counted);
        assert_eq!(count(&world, KEPT).await, 3);
        assert_eq!(resealed(&rotate(&world, &[])), 0, "there is nothing left to do");
        world.start_server().await;
        assert!(is_signed_in(&browser).await);
        app.assert_alive(&tokens).await;
        let renewed = app.refresh(&tokens.refresh).await.tokens();
        app.assert_alive(&renewed).await;
        assert_eq!(get(&world.url(JWKS)).await.text, jwks);
        assert_eq!(claim(&other.tokens(&browser).await.id, "sub"), name);
        assert_chain_holds(&world);

        world.stop();
        forget(&mut world);
        world.start_server().await;
        assert!(is_signed_in(&browser).await, "the ids of sessions are random");
        app.assert_alive(&renewed).await;
        app.refresh(&renewed.refresh).await.tokens();
        app.refresh(&unused.refresh).await.assert_error(400, "invalid_grant");
        assert_eq!(get(&world.url(JWKS)).await.text, jwks);
        assert_eq!(claim(&other.tokens(&browser).await.id, "sub"), name);
        assert_chain_holds(&world);
        let kinds = world.cli(&["audit", "list", "--kind", "master_key.rotated"]);
        assert_eq!(kinds["items"].as_array().map(Vec::len), Some(1), "{kinds}");
    }

    async fn a_key_that_is_taken_away_too_early_is_asked_for(mut world: World) {
        world.stop();
        exchange(&mut world);
        forget(&mut world);
        ending(world.command(&["serve"])).assert(1, &["master key"]);
    }

    async fn a_server_that_runs_with_one_key_is_not_left_with_what_it_cannot_open(mut world: World) {
        create_user(&world, "alice");
        exchange(&mut world);
        for _ in 0..2 {
            let refused = world.run(&["secret", "rotate-master"]);
            let said = String::from_utf8_lossy(&refused.stderr);
            assert_eq!(refused.status.code(), Some(1), "{said}");
            assert!(said.contains("restart every server"), "{said}");
            assert_eq!(count(&world, KEPT).await, 0);
        }
        // A command with both keys is no server, and the one that runs has what it needs.
        world.cli(&["audit", "list"]);
        assert_eq!(count(&world, KEPT).await, 0);
        let app = App::register(&world, "app", &[]);
        app.tokens(&sign_in(&world, "alice").await).await;
        world.restart().await;
        assert_eq!(count(&world, KEPT).await, 3);
        assert!(resealed(&rotate(&world, &[])) >= 10);
        app.tokens(&sign_in(&world, "alice").await).await;
    }

    async fn a_backup_made_while_there_are_two_keys_is_put_back_with_both(mut world: World) {
        create_user(&world, "alice");
        let before = master_key(&world);
        exchange(&mut world);
        world.restart().await;
        let after = master_key(&world);
        let plain = world.path("plain.tar").display().to_string();
        world.cli(&["backup", &plain]);
        world.cli(&["key", "rotate"]);
        let mixed = world.path("mixed.tar").display().to_string();
        world.cli(&["backup", &mixed]);
        let third = world.path("third.tar").display().to_string();
        let refused = world.run(&["backup", "--include-master-key", &third]);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(said.contains("finish the exchange first"), "{said}");

        let bare = World::builder(world.backend);
        let mut other = bare.env(PRESENT, before.trim()).prepare().await;
        for file in [&plain, &mixed] {
            for alone in [&before, &after] {
                other.unset(PREVIOUS);
                other.set(PRESENT, alone.trim());
                let refused = other.run(&["restore", "--dry-run", file]);
                let said = String::from_utf8_lossy(&refused.stderr);
                assert_eq!(refused.status.code(), Some(1), "{file}: {said}");
                assert!(said.contains("does not open the signing keys"), "{said}");
            }
            other.set(PREVIOUS, before.trim());
            let restored = other.run(&["restore", "--replace", "--yes", file]);
            let said = String::from_utf8_lossy(&restored.stderr);
            assert!(restored.status.success(), "{file}: {said}");
            other.start_server().await;
            sign_in(&other, "alice").await;
            assert_chain_holds(&other);
            other.stop();
        }
        // Sealed under one key again, it needs only that.
        assert!(resealed(&rotate(&other, &[])) > 0);
        let single = other.path("single.tar").display().to_string();
        other.cli(&["backup", &single]);
        other.unset(PREVIOUS);
        let checked = other.run(&["restore", "--dry-run", &single]);
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr));
    }

    // As nodes that are restarted one by one need it: each opens what any other seals.
    async fn the_next_key_may_be_told_first_and_take_over_later(mut world: World) {
        create_user(&world, "alice");
        let (app, other) = (App::register(&world, "app", &[]), pairwise(&world, "pairwise"));
        let browser = sign_in(&world, "alice").await;
        let name = claim(&other.tokens(&browser).await.id, "sub");
        let (old, next) = (master_key(&world), random_key());
        for (present, previous) in [(&old, &next), (&next, &old)] {
            let tokens = app.tokens(&browser).await;
            world.set(PRESENT, present.trim());
            world.set(PREVIOUS, previous.trim());
            world.restart().await;
            app.refresh(&tokens.refresh).await.tokens();
            assert_eq!(claim(&other.tokens(&browser).await.id, "sub"), name);
        }
        assert!(resealed(&rotate(&world, &[])) >= 10);
        world.unset(PREVIOUS);
        world.restart().await;
        assert!(is_signed_in(&browser).await);
        assert_eq!(claim(&other.tokens(&browser).await.id, "sub"), name);
        assert_chain_holds(&world);
    }
}

fn master_key(world: &World) -> String {
    match world.setting(PRESENT) {
        Some(key) => key.to_owned(),
        None => std::fs::read_to_string(world.data_dir().join("master.key")).expect("a key"),
    }
}

/// The previous key is put down before the next one is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exchange_of_the_files_that_was_killed_between_them_goes_on() {
    let mut world = World::start(Backend::Embedded).await;
    create_user(&world, "alice");
    let browser = sign_in(&world, "alice").await;
    world.stop();
    let before = master_key(&world);
    let previous = world.data_dir().join("master.key.previous");
    std::fs::copy(world.data_dir().join("master.key"), &previous).expect("a copy");
    world.start_server().await;
    assert!(is_signed_in(&browser).await);
    world.stop();
    exchange(&mut world);
    assert_ne!(master_key(&world), before);
    assert_eq!(std::fs::read_to_string(&previous).expect("a key").trim(), before.trim());
    world.start_server().await;
    assert!(resealed(&rotate(&world, &[])) >= 10);
    forget(&mut world);
    world.restart().await;
    assert!(is_signed_in(&browser).await);
}
