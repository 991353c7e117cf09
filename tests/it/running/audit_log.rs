//! The audit log of a running server: found, exported, sealed, verified, and proof against a hand in
//! the database.

use doorward::clock::Clock;
use doorward::service::maintenance;
use serde_json::Value;

use crate::kit::audit::events;
use crate::kit::flow::{
    App, PASSWORD, PATIENCE, create_user, execute, get, sign_in, submit_sign_in,
};
use crate::kit::node::node;
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// What `audit verify` says once nothing waits any more.
pub(super) async fn sealed(world: &World) -> Value {
    let mut report = Value::Null;
    wait_until_async("the audit log being sealed", PATIENCE, async || {
        report = world.cli(&["audit", "verify"]);
        report["waiting"]["count"] == 0
    })
    .await;
    assert_eq!(report["intact"], true, "{report}");
    report
}

fn kinds(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|event| event["kind"].as_str().unwrap()).collect()
}

on_both_backends! {
    async fn the_log_of_a_running_server_verifies_and_tampering_is_told(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "wiki", &[]);
        app.tokens(&sign_in(&world, "alice").await).await;
        let report = sealed(&world).await;
        let last = report["last"].as_i64().unwrap();
        assert!(last >= 4 && report["checked"] == last, "{report}");
        let anchor = format!("{last}:{}", report["hash"].as_str().unwrap());
        world.cli(&["audit", "verify", "--anchor", &anchor, "--from", "2"]);

        let (off, one) = match world.backend {
            Backend::Embedded => (
                "drop trigger audit_events_frozen",
                "update audit_events set address = '192.0.2.9' where id = \
                 (select event_id from audit_chain where seq = 3)",
            ),
            Backend::Production => (
                "alter table audit_events disable trigger audit_events_frozen",
                "update audit_events set address = '192.0.2.9' where id = \
                 (select event_id from audit_chain where seq = 3)",
            ),
        };
        execute(&world, off).await;
        execute(&world, one).await;
        let output = world.run(&["audit", "verify", "--format", "json"]);
        assert_eq!(output.status.code(), Some(1));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["broken"]["seq"], 3, "{report}");
        assert_eq!(report["broken"]["reason"], "changed");
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(message.contains("first at event 3"), "{message}");
        // What comes after it still holds together.
        world.cli(&["audit", "verify", "--from", "4"]);
    }

    async fn events_are_found_by_every_filter(world: World) {
        let alice = create_user(&world, "alice");
        App::register(&world, "wiki", &[]);
        sign_in(&world, "alice").await;
        submit_sign_in(&world.browser(), "alice", "wrong-password-of-hers").await;
        // Once everything is sealed: a list shows each event's place, which comes a moment later.
        sealed(&world).await;
        let list = |filter: &[&str]| world.cli(&[&["audit", "list"], filter].concat());
        assert_eq!(kinds(&list(&["--result", "failure"])), ["sign_in.failed"]);
        assert_eq!(kinds(&list(&["--kind", "client.created"])), ["client.created"]);
        assert_eq!(kinds(&list(&["--client", "wiki"])), ["client.created"]);
        // What two processes did within one second has no order.
        let of_alice = list(&["--user", "alice"]);
        let mut of_alice = kinds(&of_alice);
        of_alice.sort_unstable();
        assert_eq!(of_alice, ["session.created", "sign_in.failed", "user.created"]);
        let failures = list(&["--kind", "sign_in.failed"]);
        assert_eq!(failures["items"][0]["detail"]["reason"], "wrong_password");
        assert_eq!(list(&["--user", &alice]), list(&["--user", "alice@example.test"]));
        let here = list(&["--address", "127.0.0.1"]);
        assert_eq!(kinds(&here), ["sign_in.failed", "session.created"]);
        let request = here["items"][0]["request_id"].as_str().unwrap();
        assert_eq!(kinds(&list(&["--request-id", request])), ["sign_in.failed"]);
        assert!(kinds(&list(&["--since", "2999-01-01"])).is_empty());
        assert!(kinds(&list(&["--until", "2000-01-01T12:00"])).is_empty());
        let page = list(&["--limit", "2"]);
        assert_eq!(kinds(&page).len(), 2);
        let next = list(&["--limit", "2", "--after", page["next"].as_str().unwrap()]);
        assert_ne!(page["items"], next["items"]);

        let all = sealed(&world).await["last"].as_i64().unwrap();
        let exported = String::from_utf8(world.run(&["audit", "export"]).stdout).unwrap();
        let numbers: Vec<_> = exported
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_i64().unwrap())
            .collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (1..=all).collect::<Vec<_>>());
        let file = world.path("audit.ndjson").display().to_string();
        let to_file = ["audit", "export", "--kind", "user.created", "--output", &file];
        assert!(world.run(&to_file).status.success());
        assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 1);
        assert_eq!(world.run(&to_file).status.code(), Some(1), "it does not write over a file");
        let table = world.run(&["audit", "export", "--kind", "user.created", "--as", "csv"]).stdout;
        let table = String::from_utf8(table).unwrap();
        let rows: Vec<_> = table.split_terminator("\r\n").collect();
        assert_eq!(rows.len(), 2, "{table}");
        assert!(rows[0].starts_with("seq,id,at,kind,result,actor,user_id,"), "{table}");
        assert!(rows[1].contains(",user.created,success,command-line,"), "{table}");
        let nothing = world.run(&["audit", "export", "--kind", "nothing", "--as", "csv"]).stdout;
        assert_eq!(String::from_utf8(nothing).unwrap().lines().count(), 1, "titles alone");
        submit_sign_in(&world.browser(), "nobody", "wrong-password-of-hers").await;
        let failures = list(&["--kind", "sign_in.failed"]);
        assert_eq!(failures["items"][0]["detail"]["reason"], "unknown_user");
        assert!(failures["items"][0]["user_id"].is_null());
        world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn a_chain_that_was_cut_back_is_an_error_and_events_are_seen_to_wait(world: World) {
        create_user(&world, "alice");
        sealed(&world).await;
        execute(&world, "update audit_marks set seq = seq - 1 where name = 'head'").await;
        create_user(&world, "bob");
        let name = "doorward_audit_unsealed_age_seconds ";
        wait_until_async("an event that waits", PATIENCE, async || {
            let text = get(&world.management_url("/metrics")).await.text;
            let age = text.lines().find_map(|line| line.strip_prefix(name));
            age.and_then(|age| age.parse::<i64>().ok()) > Some(0)
        })
        .await;
        let log = world.log();
        let said = log.lines().find(|line| line.contains("nothing is sealed any more"));
        assert!(said.is_some_and(|line| line.contains(r#""level":"error""#)), "{log}");
    }

    async fn one_run_of_retention_removes_more_than_any_number_of_steps(backend: Backend) {
        const FLOOD: i64 = 12_000;
        let mut world = World::builder(backend).prepare().await;
        world.set("DOORWARD_AUDIT__RETENTION_DAYS", "1");
        let clock = Clock::manual(Clock::System.now());
        let app = Box::pin(node(&world, &clock)).await;
        let flood = format!(
            "insert into audit_events (id, at, kind, outcome, detail) \
             with recursive n (i) as (select 1 union all select i + 1 from n where i < {FLOOD}) \
             select 'flood-' || i, {}, 'flood', 'failure', '{{}}' from n",
            app.now().0
        );
        execute(&world, &flood).await;
        for _ in 0..2 {
            maintenance::seal_audit(&app).await.expect("a seal");
        }
        maintenance::clean_up(&app).await.expect("a clean-up");
        assert_eq!(events(&world, "flood").await, FLOOD, "they are of today");
        clock.advance(86_400 + 60);
        maintenance::clean_up(&app).await.expect("a clean-up");
        assert_eq!(events(&world, "flood").await, 0);
        app.store.db.close().await;
        assert_eq!(world.cli(&["audit", "verify"])["intact"], true);
    }

    async fn a_throttled_sign_in_is_an_event_of_its_own(world: World) {
        create_user(&world, "alice");
        let browser = world.browser();
        for _ in 0..6 {
            submit_sign_in(&browser, "alice", "wrong-password-of-hers").await;
        }
        let trips = world.cli(&["audit", "list", "--kind", "sign_in.throttled"]);
        assert_eq!(kinds(&trips), ["sign_in.throttled"]);
        let detail = &trips["items"][0]["detail"];
        assert_eq!((&detail["scope"], &detail["failures"]), (&"account".into(), &6.into()));
    }
}
