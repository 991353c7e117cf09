//! The master key is exchanged: everything works on while there are two keys, and nothing at rest needs the
//! one before when the command is done.

use doorward::crypto::seal::{MasterKey, Purpose, Sealer};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::kit::fixtures::{ALICE, Bed};
use crate::kit::flow::{
    App, PATIENCE, claim, count, create_user, execute, get, is_signed_in, sign_in,
};
use crate::kit::grant::Device;
use crate::kit::hooks::{self, Hook, verifies};
use crate::kit::upstream;
use crate::running::startup_errors::ending;
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::world::{World, random_key};
use crate::tokens::device::living_room;

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
        let previous = world.data_dir().join("master.key.previous");
        std::fs::rename(previous, world.path("key-from-before")).expect("a previous key");
    }
}

/// From one key to another, whole, while no server runs.
fn exchange_and_forget(world: &mut World) -> Value {
    exchange(world);
    let told = rotate(world, &[STOPPED]);
    forget(world);
    told
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

/// Waits until the audit log has nothing that waits, and checks it.
async fn seal_everything(world: &World) {
    wait_until_async("the log being sealed and intact", PATIENCE, async || {
        let verified = world.run(&["--format", "json", "audit", "verify"]);
        let report: Value = serde_json::from_slice(&verified.stdout).unwrap_or_default();
        verified.status.success() && report["waiting"]["count"] == 0
    })
    .await;
}

/// The one text that a query of the world's database gives.
async fn text(world: &World, sql: &str) -> String {
    let (url, sql) = (world.database_url(), AssertSqlSafe(sql.to_owned()));
    match world.backend {
        Backend::Embedded => {
            let mut connection = SqliteConnection::connect(&url).await.expect("open the database");
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a text")
        }
        Backend::Production => {
            let mut connection = PgConnection::connect(&url).await.expect("open the database");
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a text")
        }
    }
}

/// What opens with the present key of this world, and with nothing else.
fn sealer(world: &World) -> Sealer {
    Sealer::new(&MasterKey::from_text(&master_key(world)).expect("a key"))
}

/// What lies sealed in the database beside keys.
struct AtRest {
    place: &'static str,
    purpose: Purpose,
    /// Puts `SEALED` there.
    put: &'static str,
    read: &'static str,
}

const AT_REST: [AtRest; 5] = [
    AtRest {
        place: "refresh_families.successor_sealed",
        purpose: Purpose::Successor,
        put: "update refresh_families set successor_sealed = 'SEALED'",
        read: "select successor_sealed from refresh_families",
    },
    AtRest {
        place: "api_requests.answer",
        purpose: Purpose::ApiAnswer,
        put: "insert into api_requests (id, digest, answer, begun_at, expires_at) \
              values ('seed', 'd', 'SEALED', 1, 9999999999)",
        read: "select answer from api_requests where id = 'seed'",
    },
    AtRest {
        place: "webhooks.previous_secret",
        purpose: Purpose::WebhookSecret,
        put: "update webhooks set previous_secret = 'SEALED', previous_until = 9999999999",
        read: "select previous_secret from webhooks",
    },
    AtRest {
        place: "upstream_providers.client_secret",
        purpose: Purpose::UpstreamSecret,
        put: "update upstream_providers set client_secret = 'SEALED'",
        read: "select client_secret from upstream_providers",
    },
    AtRest {
        place: "outbox.payload",
        purpose: Purpose::Letter,
        put: r#"insert into outbox (id, kind, due_at, attempts, created_at, expires_at, payload)
              values ('seed', 'mail', 9999999999, 0, 1, 9999999999,
              '{"user_id": "alice", "sealed": "SEALED"}')"#,
        read: "select cast(payload as text) from outbox where id = 'seed'",
    },
];

impl AtRest {
    async fn sealed(&self, world: &World) -> String {
        let found = text(world, self.read).await;
        let payload: Option<Value> = serde_json::from_str(&found).ok();
        let inside = payload.and_then(|payload| Some(payload["sealed"].as_str()?.to_owned()));
        inside.unwrap_or(found)
    }
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

    async fn two_keys_of_another_database_leave_nothing_behind(mut world: World) {
        create_user(&world, "alice");
        let (app, other) = (App::register(&world, "app", &[]), pairwise(&world, "pairwise"));
        let name = claim(&other.tokens(&sign_in(&world, "alice").await).await.id, "sub");
        for kept in [0, 3] {
            world.stop();
            let (right, previous) = (master_key(&world), world.setting(PREVIOUS).map(str::to_owned));
            world.set(PRESENT, &random_key());
            world.set(PREVIOUS, &random_key());
            ending(world.command(&["serve"])).assert(1, &["neither", "Nothing was changed"]);
            let refused = world.run(&["secret", "rotate-master", STOPPED]);
            assert_eq!(refused.status.code(), Some(1), "{refused:?}");
            assert_eq!(count(&world, KEPT).await, kept);
            // Whoever takes the right one for the previous one has the names that there were.
            world.set(PREVIOUS, right.trim());
            if kept > 0 {
                world.set(PRESENT, right.trim());
                world.set(PREVIOUS, &previous.expect("a previous key"));
            }
            world.start_server().await;
            assert_eq!(count(&world, KEPT).await, 3);
            let browser = sign_in(&world, "alice").await;
            app.tokens(&browser).await;
            assert_eq!(claim(&other.tokens(&browser).await.id, "sub"), name);
        }
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
            seal_everything(&other).await;
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

    async fn what_lies_at_rest_opens_with_the_new_key_alone(mut world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        app.tokens(&sign_in(&world, "alice").await).await;
        let hook = ["webhook", "create", "--name", "chat", "--url", "https://hook.invalid/"];
        world.cli(&[&hook[..], &["--event", "backup.made"]].concat());
        upstream::add(&world, "school", "https://id.school.test");
        world.stop();
        let old = sealer(&world);
        for one in &AT_REST {
            let sealed = old.seal(one.purpose, one.place.as_bytes());
            execute(&world, &one.put.replace("SEALED", &sealed)).await;
        }
        let told = exchange_and_forget(&mut world);
        let new = sealer(&world);
        for one in &AT_REST {
            let items = told["items"].as_array().expect("places");
            let item = items.iter().find(|item| item["place"] == one.place).expect("a place");
            assert_eq!((&item["resealed"], &item["unreadable"]), (&json!(1), &json!(0)), "{item}");
            let sealed = one.sealed(&world).await;
            assert_eq!(new.open(one.purpose, &sealed), Some(one.place.as_bytes().to_vec()));
            assert_eq!(old.open(one.purpose, &sealed), None, "{}", one.place);
        }
    }

    async fn more_rows_than_are_written_at_once_are_sealed_anew_each_once(mut world: World) {
        world.stop();
        let old = sealer(&world);
        let row = |number| {
            let sealed = old.seal(Purpose::ApiAnswer, b"an answer");
            format!("('seed-{number}', 'd', '{sealed}', 1, 9999999999)")
        };
        let rows: Vec<String> = (0..1_201).map(row).collect();
        let columns = "(id, digest, answer, begun_at, expires_at)";
        let insert = format!("insert into api_requests {columns} values {}", rows.join(", "));
        execute(&world, &insert).await;
        exchange(&mut world);
        for (flag, expected) in [("--dry-run", 1_201), (STOPPED, 1_201), (STOPPED, 0)] {
            let told = rotate(&world, &[flag]);
            let items = told["items"].as_array().expect("places");
            let item = items.iter().find(|item| item["place"] == "api_requests.answer");
            assert_eq!(item.expect("a place")["resealed"], expected, "{flag}");
        }
    }

    async fn a_webhook_is_signed_as_before_when_the_previous_key_is_gone(backend: Backend) {
        let mut world = hooks::world(backend).await;
        let hook = Hook::add(&world, &["group.created"]);
        world.stop();
        exchange_and_forget(&mut world);
        world.start_server().await;
        world.cli(&["group", "create", "staff"]);
        verifies(&hook.secret, &hook.hears(1).await[0]);
    }

    async fn names_and_the_audit_log_outlive_two_exchanges(mut world: World) {
        create_user(&world, "alice");
        let other = pairwise(&world, "pairwise");
        let browser = sign_in(&world, "alice").await;
        let name = claim(&other.tokens(&browser).await.id, "sub");
        for exchanges in 1..=2 {
            seal_everything(&world).await;
            world.stop();
            exchange_and_forget(&mut world);
            assert_eq!(count(&world, KEPT).await, 2 + exchanges);
            world.start_server().await;
            assert_eq!(claim(&other.tokens(&browser).await.id, "sub"), name);
        }
        seal_everything(&world).await;
    }

    async fn a_head_of_the_audit_log_under_a_key_that_is_gone_is_refused(mut world: World) {
        create_user(&world, "alice");
        seal_everything(&world).await;
        world.stop();
        let head = "select signature from audit_marks where name = 'head'";
        let before = text(&world, head).await;
        exchange(&mut world);
        rotate(&world, &[STOPPED]);
        let after = text(&world, head).await;
        assert_ne!(before, after);
        let sign = |signature: &str| {
            format!("update audit_marks set signature = '{signature}' where name = 'head'")
        };
        execute(&world, &sign(&before)).await;
        assert_chain_holds(&world);
        forget(&mut world);
        let told = world.run(&["--format", "json", "audit", "verify"]);
        assert_eq!(told.status.code(), Some(1));
        let report = String::from_utf8_lossy(&told.stdout);
        assert!(report.contains("head_not_signed"), "{report}");
        execute(&world, &sign(&after)).await;
        assert_chain_holds(&world);
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

/// A node that was restarted already, and one that was not, have the two the other way round.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_a_device_shows_is_found_by_a_node_with_another_present_key() {
    let world = World::start(Backend::Production).await;
    let (mut bed, tv) = living_room(world).await;
    let (old, next) = (master_key(&bed.world), random_key());
    let restart = async |bed: &mut Bed, present: &str, previous: &str| {
        bed.world.set(PRESENT, present.trim());
        bed.world.set(PREVIOUS, previous.trim());
        bed.world.restart().await;
    };
    restart(&mut bed, &old, &next).await;
    let (first, second) =
        (Device::ask(tv.clone(), "openid").await, Device::ask(tv, "openid").await);
    restart(&mut bed, &next, &old).await;
    let browser = bed.signed_in(&ALICE).await;
    first.answer(&browser, "allow").await.assert_status(303);
    assert_eq!(first.poll().await.status.as_u16(), 200);
    restart(&mut bed, &old, &next).await;
    second.answer(&browser, "allow").await.assert_status(303);
    assert_eq!(second.poll().await.status.as_u16(), 200);
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
