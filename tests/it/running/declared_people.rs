//! Very many people in a file: they cost a few statements for each page of them, and everybody is as single
//! commands would have made them, wherever it stops.

use std::ops::Range;
use std::process::Stdio;
use std::time::Duration;

use doorward::app::App;
use doorward::clock::Clock;
use doorward::service::declared::{self, OrganisationState, State, UserState};

use crate::kit::audit::events;
use crate::kit::declared::{apply, assert_refused, changes, planned};
use crate::kit::flow::{PATIENCE, count};
use crate::kit::node::node;
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// What is counted also has what other tests do in this process meanwhile: the fewest of so many times counts.
const TIMES: usize = 5;
/// One statement for each person would be so many more.
const MORE: u64 = 2_000;

fn user(number: usize) -> UserState {
    UserState {
        username: format!("person{number}"),
        email: Some(format!("person{number}@example.test")),
        groups: Some(vec!["everybody".to_owned(), format!("team{}", number % 20)]),
        organisations: Some(vec!["acme".to_owned()]),
        ..UserState::default()
    }
}

fn state(numbers: Range<usize>) -> State {
    let acme = OrganisationState { name: "acme".to_owned(), display_name: None };
    State { organisations: vec![acme], users: numbers.map(user).collect(), ..State::default() }
}

/// Only people, whose changes are as many as they are.
fn people(numbers: Range<usize>) -> State {
    let alone = |number| UserState { organisations: None, ..user(number) };
    State { users: numbers.map(alone).collect(), ..State::default() }
}

fn written(world: &World, state: &State) -> String {
    world.write("state.json", &serde_json::to_string(state).expect("JSON"))
}

/// How many statements this process has run.
fn statements(app: &App) -> u64 {
    let text = app.metrics.encode();
    let counts =
        text.lines().filter(|line| line.starts_with("doorward_db_query_duration_seconds_count"));
    let counts = counts.map(|line| line.rsplit(' ').next().expect("a number"));
    counts.map(|number| number.parse::<u64>().expect("a number")).sum()
}

/// The fewest statements of what has nothing to do.
async fn cost_of_nothing(app: &App, state: &State) -> u64 {
    let mut fewest = u64::MAX;
    for _ in 0..TIMES {
        let before = statements(app);
        assert_eq!(planned(app, state).await.len(), 0);
        fewest = fewest.min(statements(app) - before);
    }
    fewest
}

/// The statements of a file, from its plan to its end.
async fn cost_of_all(app: &App, state: &State) -> u64 {
    let before = statements(app);
    let changes = planned(app, state).await;
    assert!(changes.len() >= state.users.len(), "{} changes", changes.len());
    Box::pin(declared::carry_out(app, changes, &mut |_| {})).await.expect("all of it");
    statements(app) - before
}

on_both_backends! {
    async fn very_many_people_take_a_few_statements_for_each_page(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let app = node(&world, &Clock::System).await;
        // Everybody is new: of several such files the cheapest.
        let mut fewest = u64::MAX;
        let mut edges = (0..=3).map(|step| 600 + step * 2_000);
        cost_of_all(&app, &state(0..600)).await;
        let mut begin = edges.next().expect("the first");
        for end in edges {
            fewest = fewest.min(cost_of_all(&app, &state(begin..end)).await);
            begin = end;
        }
        assert!(fewest < MORE / 2, "{fewest} statements for {MORE} new people");
        // Everybody is as the file says.
        let few = cost_of_nothing(&app, &state(0..600)).await;
        let many = cost_of_nothing(&app, &state(0..2_600)).await;
        assert!(many < few + MORE / 20, "{few}, and {many} for {MORE} more people");
        // Everybody gets a name: an edit is a few statements, without a transaction or a wait for each.
        let mut edits = u64::MAX;
        for article in ["A", "The", "That"] {
            let mut named = state(0..600);
            for user in &mut named.users {
                user.name = Some(format!("{article} {}", user.username));
            }
            edits = edits.min(cost_of_all(&app, &named).await);
        }
        assert!(edits < 4 * 600, "{edits} statements for 600 edits");
        assert_eq!(events(&world, "user.updated").await, 1_800);
        let members = "select count(*) from organisation_members";
        assert_eq!(count(&world, members).await, 6_600);
        assert_eq!(events(&world, "organisation.member_added").await, 6_600);
    }

    async fn whoever_cannot_be_made_is_told_and_those_before_are_there(world: World) {
        let mut state = people(0..700);
        state.users[600].email = Some("person5@example.test".to_owned());
        let file = written(&world, &state);
        let word = "600 of 700 changes were made, then: user person600: this user name or e-mail address is taken";
        assert_refused(&apply(&world, &["-f", &file]), 3, word);
        for sql in ["select count(*) from users", "select count(*) from users where managed"] {
            assert_eq!(count(&world, sql).await, 600, "{sql}");
        }
        assert_eq!(events(&world, "user.created").await, 600);
        assert_eq!(count(&world, "select count(*) from user_groups").await, 1_200);
        assert_refused(&apply(&world, &["-f", &file]), 1, "user person600: this user name");
        state.users[600].email = None;
        assert_eq!(changes(&apply(&world, &["-f", &written(&world, &state)])).len(), 100);
        assert_eq!(events(&world, "user.created").await, 700);
        assert!(changes(&apply(&world, &["-f", &written(&world, &state)])).is_empty());
    }

    async fn what_somebody_gives_up_is_free_for_whoever_comes_later_in_the_file(world: World) {
        let with = |username: &str, email: &str| UserState {
            username: username.to_owned(),
            email: Some(format!("{email}@example.test")),
            ..UserState::default()
        };
        let file = |users: Vec<UserState>| written(&world, &State { users, ..State::default() });
        changes(&apply(&world, &["-f", &file(vec![with("x", "one")])]));
        let both = file(vec![with("x", "two"), with("y", "one"), with("z", "three")]);
        let made = ["update user x", "create user y", "create user z"];
        assert_eq!(changes(&apply(&world, &["-f", &both])), made);
        assert!(changes(&apply(&world, &["-f", &both])).is_empty());
        // The other way round it is taken when its turn comes.
        let early = file(vec![with("early", "two"), with("x", "four")]);
        assert_refused(&apply(&world, &["-f", &early]), 1, "user early: this user name");
        assert_eq!(count(&world, "select count(*) from users").await, 3);
    }

    async fn a_file_that_is_killed_on_its_way_is_carried_out_by_the_same_command(world: World) {
        let (all, sql) = (4_000, "select count(*) from users");
        let file = written(&world, &state(0..all));
        for done in [0, 1_000] {
            let mut command = world.command(&["--format", "json", "apply", "-f", &file]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            wait_until_async("the file being carried out", Duration::from_mins(1), async || {
                count(&world, sql).await > done || child.try_wait().unwrap().is_some()
            })
            .await;
            child.kill().unwrap();
            child.wait().unwrap();
            // Whoever is there is there with everything, once PostgreSQL is through with what it had heard.
            wait_until_async("people who are there whole", PATIENCE, async || {
                let there = count(&world, sql).await;
                events(&world, "user.created").await == there
                    && count(&world, "select count(*) from users where managed").await == there
                    && count(&world, "select count(*) from user_groups").await == 2 * there
            })
            .await;
        }
        changes(&apply(&world, &["-f", &file]));
        assert!(changes(&apply(&world, &["-f", &file])).is_empty());
        let all = i64::try_from(all).unwrap();
        assert_eq!(count(&world, sql).await, all);
        assert_eq!(count(&world, "select count(*) from organisation_members").await, all);
        for kind in ["user.created", "organisation.member_added"] {
            assert_eq!(events(&world, kind).await, all, "{kind}");
        }
        wait_until_async("the audit log being sealed", PATIENCE, async || {
            let report = world.cli(&["audit", "verify"]);
            assert_eq!(report["intact"], true, "{report}");
            report["waiting"]["count"] == 0
        })
        .await;
    }
}
