//! What an import must not do: vouch for an address that the file does not name, lose somebody without a
//! word, or give up because the server was busy for a moment.

use std::fmt::Write as _;
use std::process::Stdio;
use std::time::Duration;

use doorward::store::{DatabaseSettings, Store};

use crate::kit::flow::{count, create_user};
use crate::kit::imports::{figures, import};
use crate::support::process::wait_until_async;

/// Longer than anybody waits for their turn to write to a SQLite file.
const BUSY: Duration = Duration::from_secs(9);
/// How many people the import has that meets a busy database.
const MANY: i64 = 6_000;

on_both_backends! {
    async fn an_address_that_the_file_does_not_name_is_not_vouched_for(world: World) {
        create_user(&world, "alice");
        let is_verified = || world.cli(&["user", "show", "alice"])["email_verified"] == true;
        assert!(!is_verified());
        let columns = world.write("columns.csv", "username,name\nalice,Alice\n");
        let objects = "{\"username\":\"alice\",\"email_verified\":true}\n";
        let objects = world.write("objects.ndjson", objects);
        for (arguments, [changed, same]) in
            [([columns.as_str(), "--email-verified"], [1, 0]), ([&objects, "--restart"], [0, 1])]
        {
            let update = [&arguments[..], &["--duplicates", "update"]].concat();
            assert_eq!(figures(&import(&world, &update), 0), [0, changed, same, 0]);
            assert!(!is_verified(), "{arguments:?}");
        }
        let named = world.write("named.csv", "username,email\nalice,alice@example.test\n");
        let update = [named.as_str(), "--email-verified", "--duplicates", "update"];
        assert_eq!(figures(&import(&world, &update), 0), [0, 1, 0, 0]);
        assert!(is_verified());
        // What was verified stays so.
        assert_eq!(figures(&import(&world, &[&columns, "--duplicates", "update"]), 0), [0, 0, 1, 0]);
        assert!(is_verified());
    }

    async fn nobody_behind_an_open_quote_vanishes_without_a_word(world: World) {
        let mut text = String::from("username,name\nfirst,First\nopen,\"Open\n");
        for number in 0..2_999 {
            writeln!(text, "p{number},P").unwrap();
        }
        let output = import(&world, &[&world.write("people.csv", &text)]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("line 3") && said.contains("quote"), "{said}");
        assert_eq!(count(&world, "select count(*) from users").await, 0);

        let long = "x".repeat(600_000);
        let text = format!("\u{feff}{{\"username\":\"a\"}}\n{{\"username\":\"{long}\"}}\n{{\"username\":\"b\"}}\n");
        let output = import(&world, &[&world.write("people.ndjson", &text)]);
        assert_eq!(figures(&output, 3), [2, 0, 0, 1]);
        assert!(String::from_utf8_lossy(&output.stderr).contains("line 2: the line is longer"));
    }

    async fn a_busy_database_is_asked_again(world: World) {
        let mut text = String::from("username,email\n");
        for number in 0..MANY {
            writeln!(text, "p{number},p{number}@example.test").unwrap();
        }
        let path = world.write("many.csv", &text);
        let mut command = world.command(&["--format", "json", "user", "import", &path]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let sql = "select cast(coalesce(max(line), 0) as bigint) from imports";
        wait_until_async("the import going on", Duration::from_mins(1), async || {
            count(&world, sql).await > 0 || child.try_wait().unwrap().is_some()
        })
        .await;
        let store = Store::connect(&DatabaseSettings::new(world.database_url())).await.unwrap();
        // The one who writes to a SQLite file; with PostgreSQL nobody waits for it.
        let tx = loop {
            if let Ok(tx) = store.begin().await {
                break tx;
            }
        };
        assert!(child.try_wait().unwrap().is_none(), "the import was through before");
        tokio::time::sleep(BUSY).await;
        drop(tx);
        store.db.close().await;
        assert_eq!(figures(&child.wait_with_output().unwrap(), 0), [MANY, 0, 0, 0]);
        assert_eq!(count(&world, "select count(*) from users").await, MANY);
        let events = "select count(*) from audit_events where kind = 'user.created'";
        assert_eq!(count(&world, events).await, MANY);
        assert_eq!(count(&world, "select count(*) from imports").await, 0);
    }
}
