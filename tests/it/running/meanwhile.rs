//! What others change between the moment in which a file of people is compared with who is there and the
//! one in which it is carried out: what the file leaves out stays as they made it. The same of a group.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use doorward::clock::Clock;
use doorward::protocol::types::UserId;
use doorward::service::audit::Actor;
use doorward::service::declared::{self, State, UserState};
use doorward::service::people::groups::{self as crews, GroupEdit};
use doorward::store::{DatabaseSettings, Store, groups, users};
use serde_json::{Value, json};

use crate::kit::declared::planned;
use crate::kit::flow::{count, create_user};
use crate::kit::imports::{figures, import};
use crate::kit::node::node;
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// How many lines the import has, all about one person: more than a moment's work, and one batch.
const LINES: i64 = 600;
/// In that time the import comes to the next line and waits for its turn.
const UNDER_WAY: Duration = Duration::from_millis(500);

/// Makes people who are in a group.
fn crew(world: &World, usernames: &[&str]) {
    world.cli(&["group", "create", "crew"]);
    for username in usernames {
        create_user(world, username);
        world.cli(&["group", "add-member", "crew", username]);
    }
}

fn shown(world: &World, username: &str) -> Value {
    world.cli(&["user", "show", username])
}

/// Two people with the same entry: one is changed together with others, one alone, since he is disabled.
fn entries(entry: &UserState) -> State {
    let named = |username: &str| UserState { username: username.to_owned(), ..entry.clone() };
    let bob = UserState { disabled: Some(true), ..named("bob") };
    State { users: vec![named("alice"), bob], ..State::default() }
}

on_both_backends! {
    async fn who_leaves_a_group_and_who_gets_an_address_keep_that(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let app = node(&world, &Clock::System).await;
        crew(&world, &["alice", "bob"]);
        let entry = UserState { name: Some("As it says".to_owned()), ..UserState::default() };
        let changes = planned(&app, &entries(&entry)).await;
        assert_eq!(changes.len(), 2);
        for username in ["alice", "bob"] {
            world.cli(&["group", "remove-member", "crew", username]);
            let email = format!("{username}@elsewhere.test");
            world.cli(&["user", "update", username, "--email", &email, "--email-verified", "true"]);
        }
        Box::pin(declared::carry_out(&app, changes, &mut |_| {})).await.expect("all of it");
        for username in ["alice", "bob"] {
            let user = shown(&world, username);
            assert_eq!(user["name"], "As it says", "{user}");
            assert_eq!(user["groups"], json!([]), "{user}");
            assert_eq!(user["email"], format!("{username}@elsewhere.test"), "{user}");
            assert_eq!(user["email_verified"], true, "{user}");
        }
        assert_eq!(shown(&world, "bob")["state"], "disabled");
    }

    async fn who_gets_a_name_and_an_address_that_is_not_theirs_keeps_that(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let app = node(&world, &Clock::System).await;
        crew(&world, &["alice", "bob"]);
        for username in ["alice", "bob"] {
            world.cli(&["user", "update", username, "--name", "Before", "--email-verified", "true"]);
        }
        let entry = UserState { groups: Some(vec!["deck".to_owned()]), ..UserState::default() };
        let changes = planned(&app, &entries(&entry)).await;
        for username in ["alice", "bob"] {
            let email = format!("{username}@elsewhere.test");
            world.cli(&["user", "update", username, "--name", "Meanwhile", "--email", &email]);
        }
        Box::pin(declared::carry_out(&app, changes, &mut |_| {})).await.expect("all of it");
        for username in ["alice", "bob"] {
            let user = shown(&world, username);
            assert_eq!((&user["name"], &user["groups"]), (&json!("Meanwhile"), &json!(["deck"])), "{user}");
            assert_eq!(user["email"], format!("{username}@elsewhere.test"), "{user}");
            assert_eq!(user["email_verified"], false, "{user}");
        }
    }

    async fn an_import_brings_nobody_back_into_a_group(world: World) {
        crew(&world, &["alice"]);
        let id = shown(&world, "alice")["id"].as_str().expect("an id").to_owned();
        let mut text = String::from("username,name\n");
        for number in 0..LINES {
            writeln!(text, "alice,Alice {number}").unwrap();
        }
        let path = world.write("people.csv", &text);
        let store = Store::connect(&DatabaseSettings::new(world.database_url())).await.unwrap();
        let mut command = world.command(&["--format", "json", "user", "import", &path]);
        command.args(["--duplicates", "update"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let sql = "select count(*) from users where name is not null";
        wait_until_async("the first line being carried out", Duration::from_mins(1), async || {
            count(&world, sql).await > 0 || child.try_wait().unwrap().is_some()
        })
        .await;
        let mut tx = loop {
            if let Ok(tx) = store.begin().await {
                break tx;
            }
        };
        let id = UserId::new(id);
        assert!(users::hold(&mut tx, &id).await.unwrap());
        assert!(child.try_wait().unwrap().is_none(), "the import was through before");
        tokio::time::sleep(UNDER_WAY).await;
        groups::set_groups(&mut tx, &id, &[], Clock::System.now()).await.unwrap();
        tx.commit().await.unwrap();
        store.db.close().await;
        assert_eq!(figures(&child.wait_with_output().unwrap(), 0), [0, LINES, 0, 0]);
        let alice = shown(&world, "alice");
        assert_eq!(alice["groups"], json!([]), "{alice}");
        assert_eq!(alice["name"], format!("Alice {}", LINES - 1), "{alice}");
        // The same file once more says nothing of groups either.
        let last = world.write("last.csv", &format!("username,name\nalice,Alice {}\n", LINES - 1));
        assert_eq!(figures(&import(&world, &[&last, "--duplicates", "update"]), 0), [0, 0, 1, 0]);
    }

    async fn a_description_that_is_written_meanwhile_outlives_a_change_of_something_else(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let app = node(&world, &Clock::System).await;
        world.cli(&["group", "create", "crew", "--description", "Before"]);
        let called = GroupEdit { external_id: Some("e-1".to_owned()), ..GroupEdit::default() };
        let renamed = GroupEdit { name: Some("deck".to_owned()), ..GroupEdit::default() };
        for (edit, said, name) in [(called, "First", "crew"), (renamed, "Second", "deck")] {
            let mut tx = app.store.begin().await.expect("a transaction");
            assert!(groups::update(&mut tx, "crew", ("crew", Some(said))).await.expect("an update"));
            let written = async {
                tokio::time::sleep(UNDER_WAY).await;
                tx.commit().await.expect("a commit");
            };
            let change = crews::update(&app, "crew", edit, &Actor::CommandLine);
            let (changed, ()) = tokio::join!(change, written);
            let changed = changed.expect("a change");
            assert_eq!((&*changed.name, changed.description.as_deref()), (name, Some(said)));
            let stored = groups::by_name(&app.store.db, name).await.expect("an answer");
            assert_eq!(stored.expect("the group").description.as_deref(), Some(said));
        }
        // What the change itself says counts, none as well.
        let none = GroupEdit { description: Some(String::new()), ..GroupEdit::default() };
        let changed = crews::update(&app, "deck", none, &Actor::CommandLine).await.expect("a change");
        assert_eq!(changed.description, None);
    }
}
