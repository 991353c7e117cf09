//! Many people from a file: with the passwords they had elsewhere, whatever is wrong with some lines, and
//! however often the import is killed.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::kit::flow::{PASSWORD, count, create_user, is_signed_in, sign_in, submit_sign_in};
use crate::kit::imports::{figures, import};
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// People with the same password, hashed by other programs.
const FROM_ELSEWHERE: &str = r#"username,email,email_verified,given_name,groups,password_hash
crypt,crypt@example.test,true,Crypt,staff;wiki,$6$saltsalt$CPgxBHZBXfhC6lX1yxpdEsbQfXmg3WXVj8AoVwyNFLfb5AtbfM8k6A8yehv1z6sgzoH/DUIs7YK9hVnGhTjhW/
bcrypt,bcrypt@example.test,,,,$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG
django,,,,,pbkdf2_sha256$1000$seasalt$3xmXbyk2QpiyNcnoBbzRPwEBsYPTbDlRdtmLyBvQltA=
ldap,,,,,{SSHA}Y1EA+/lS35ZvplKpeip42wOJWyFzYWx0c2FsdHNhbHQ=
scrypt,,,,,"$scrypt$ln=10,r=8,p=1$c2FsdHNhbHRzYWx0$uXgc3wJzN9n7Dd/ojxZBVCLFZQnD8CB2TYq0kY0xMKo"
"#;
const THEIR_PASSWORD: &str = "correct horse battery staple";
const NAMES: [&str; 5] = ["crypt", "bcrypt", "django", "ldap", "scrypt"];

/// How many people the interrupted import has.
const MANY: usize = 6_000;

/// How many two imports at once have.
const MANY_AT_ONCE: usize = 2_500;

fn messages(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Two hundred times everything that two lines may have in common, around what they have.
fn tangled() -> String {
    let mut text = String::from("id,username,email,groups\n");
    for number in 0..200 {
        // The second and the third have something of the first; the fourth has the name that the third
        // would have had, and the fifth nothing of anybody.
        write!(
            text,
            "a{number},n{number},m{number}@example.test,g{number};all\n\
             b{number},m{number}@example.test,,\n\
             a{number},x{number},y{number}@example.test,\n\
             c{number},x{number},,all\n\
             d{number},z{number}@example.test,z{number}@example.test,\n"
        )
        .unwrap();
    }
    text
}

on_both_backends! {
    async fn of_those_who_have_something_in_common_the_first_is_added(world: World) {
        // More than one transaction, which a dry run counts alike.
        let path = world.write("tangled.csv", &(tangled() + "e,last,m0@example.test,\n"));
        let arguments = [path.as_str(), "--duplicates", "skip"];
        let dry = import(&world, &[&arguments[..], &["--dry-run"]].concat());
        assert_eq!(figures(&dry, 0), [600, 0, 401, 0]);
        assert_eq!(count(&world, "select count(*) from users").await, 0);
        assert_eq!(figures(&import(&world, &arguments), 0), [600, 0, 401, 0]);
        let of = |id: char| format!("select count(*) from users where id like '{id}%'");
        for (id, people) in [('a', 200), ('b', 0), ('c', 200), ('d', 200), ('e', 0)] {
            assert_eq!(count(&world, &of(id)).await, people, "{id}");
        }
        assert_eq!(count(&world, "select count(*) from user_groups").await, 600);
        assert_eq!(count(&world, "select count(*) from groups").await, 201);
        let stopped = import(&world, &[&path, "--dry-run"]);
        assert!(messages(&stopped).contains("line 2: n0"), "{}", messages(&stopped));
    }

    async fn who_is_imported_twice_at_once_is_there_once(world: World) {
        let mut text = String::from("username,email,groups,password_hash\n");
        let hash = "$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG";
        for number in 0..MANY_AT_ONCE {
            writeln!(text, "p{number},p{number}@example.test,g{};all,{hash}", number % 7).unwrap();
        }
        let path = world.write("many.csv", &text);
        // From standard input, so that neither goes on where the other one is.
        let arguments = ["--format", "json", "user", "import", "-", "--as", "csv", "--duplicates", "skip"];
        let start = || {
            let mut command = world.command(&arguments);
            command.stdin(std::fs::File::open(&path).unwrap());
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let both = [start(), start()].map(|child| child.wait_with_output().unwrap());
        let [one, other] = both.map(|output| figures(&output, 0));
        let many = i64::try_from(MANY_AT_ONCE).unwrap();
        assert_eq!([one[0] + other[0], one[2] + other[2]], [many, many], "{one:?} {other:?}");
        assert_eq!([one[0] + one[2], other[0] + other[2]], [many, many], "{one:?} {other:?}");
        for (sql, rows) in [
            ("select count(*) from users", many),
            ("select count(*) from passwords", many),
            ("select count(*) from user_groups", 2 * many),
            ("select count(*) from groups", 8),
            ("select count(*) from audit_events where kind = 'user.created'", many),
            ("select count(distinct user_id) from audit_events where kind = 'user.created'", many),
        ] {
            assert_eq!(count(&world, sql).await, rows, "{sql}");
        }
        submit_sign_in(&world.browser(), "p42", THEIR_PASSWORD).await.assert_status(303);
    }

    async fn people_sign_in_with_the_password_they_had_elsewhere(world: World) {
        let path = world.write("people.csv", FROM_ELSEWHERE);
        assert_eq!(figures(&import(&world, &[&path]), 0), [5, 0, 0, 0]);
        let own = "select count(*) from passwords where phc like '$argon2id$%'";
        assert_eq!(count(&world, own).await, 0);
        for name in NAMES {
            let wrong = submit_sign_in(&world.browser(), name, "wrong-password-of-theirs").await;
            assert_eq!(wrong.status.as_u16(), 401, "{name}");
            for _ in 0..2 {
                let browser = world.browser();
                submit_sign_in(&browser, name, THEIR_PASSWORD).await.assert_status(303);
                assert!(is_signed_in(&browser).await, "{name}");
            }
        }
        // Each has been replaced by one of today's kind, at the first of the two.
        assert_eq!(count(&world, own).await, 5);
        let crypt = world.cli(&["user", "show", "crypt"]);
        assert_eq!(crypt["groups"], serde_json::json!(["staff", "wiki"]));
        assert_eq!(crypt["profile"]["given_name"], "Crypt");
        assert_eq!(crypt["email_verified"], true);
        let events = "select count(*) from audit_events where kind = 'user.created'";
        assert_eq!(count(&world, events).await, 5);
        world.assert_log_is_clean(&[THEIR_PASSWORD]);
    }

    async fn bad_lines_are_left_out_with_their_number_and_nothing_else(world: World) {
        let text = "username,email,password_hash\n\
                    alice,alice@example.test,\n\
                    b ad,,\n\
                    carol,nowhere,\n\
                    dave,,plain-text-password\n\
                    erin,,,\n\
                    \u{202e}frank,,\n\
                    ALICE,,\n\
                    grace,alice,\n\
                    heidi,,\n";
        let path = world.write("people.csv", text);
        let rejects = world.path("rejects.ndjson").display().to_string();
        let arguments = [path.as_str(), "--duplicates", "skip"];
        let dry = import(&world, &[&arguments[..], &["--dry-run"]].concat());
        assert_eq!(figures(&dry, 3), [2, 0, 1, 6]);
        assert_eq!(count(&world, "select count(*) from users").await, 0);
        assert_eq!(count(&world, "select count(*) from groups").await, 0);

        let real = import(&world, &[&arguments[..], &["--rejects", &rejects]].concat());
        assert_eq!(figures(&real, 3), [2, 0, 1, 6]);
        assert_eq!(count(&world, "select count(*) from users").await, 2);
        let told = std::fs::read_to_string(&rejects).unwrap();
        let lines: Vec<i64> = told
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["line"].as_i64().unwrap())
            .collect();
        assert_eq!(lines, [3, 4, 5, 6, 7, 9]);
        assert!(!told.contains("plain-text-password") && !messages(&real).contains("plain-text"));
    }

    async fn a_file_that_is_not_understood_changes_nothing(world: World) {
        for (name, text, word) in [
            ("typo.csv", "username,pasword_hash\nalice,x\n", "pasword_hash"),
            ("none.csv", "", "username"),
            ("people.txt", "username\nalice\n", "--as csv"),
        ] {
            let output = import(&world, &[&world.write(name, text)]);
            assert!(!output.status.success(), "{name}");
            assert!(messages(&output).contains(word), "{name}: {}", messages(&output));
        }
        let output = import(&world, &["/nowhere/people.csv"]);
        assert!(messages(&output).contains("/nowhere/people.csv"), "{}", messages(&output));
        assert_eq!(count(&world, "select count(*) from users").await, 0);
    }

    async fn people_who_are_there_stop_it_stay_or_change(world: World) {
        create_user(&world, "alice");
        let browser = sign_in(&world, "alice").await;
        let text = "{\"username\":\"bob\"}\n\
                    {\"username\":\"alice\",\"name\":\"Alice Anew\",\"groups\":[\"new\"],\"disabled\":true}\n";
        let path = world.write("people.ndjson", text);
        let stopped = import(&world, &[&path]);
        assert_eq!(stopped.status.code(), Some(1));
        assert!(messages(&stopped).contains("line 2: alice"), "{}", messages(&stopped));
        assert_eq!(count(&world, "select count(*) from users").await, 1, "half a batch was kept");

        assert_eq!(figures(&import(&world, &[&path, "--duplicates", "skip"]), 0), [1, 0, 1, 0]);
        assert!(is_signed_in(&browser).await);
        let changed = import(&world, &[&path, "--duplicates", "update"]);
        // Bob is as the file says already.
        assert_eq!(figures(&changed, 0), [0, 1, 1, 0]);
        let alice = world.cli(&["user", "show", "alice"]);
        assert_eq!(alice["name"], "Alice Anew");
        assert_eq!(alice["state"], "disabled");
        wait_until_async("the disabled person being signed out", crate::kit::flow::PATIENCE, async || {
            !is_signed_in(&browser).await
        })
        .await;
        // What a file does not say stays as it is, above all that somebody is disabled.
        let silent = world.write("silent.csv", "username,email\nalice,alice@example.test\n");
        let events = || world.cli(&["audit", "list", "--kind", "user.updated"])["items"].clone();
        let before = events();
        assert_eq!(figures(&import(&world, &[&silent, "--duplicates", "update"]), 0), [0, 0, 1, 0]);
        assert_eq!(events(), before, "nothing has changed");
        // A dry run tells the same, and keeps nothing.
        let text = "username,name\nalice,Another\nbob,\nnew,New\n";
        let dry = world.write("dry.csv", text);
        let tried = import(&world, &[&dry, "--duplicates", "update", "--dry-run"]);
        assert_eq!(figures(&tried, 0), [1, 1, 1, 0]);
        assert_eq!(events(), before, "nothing is kept");
        let alice = world.cli(&["user", "show", "alice"]);
        assert_eq!(alice["state"], "disabled");
        assert_eq!(alice["name"], "Alice Anew");
        assert_eq!(alice["groups"], serde_json::json!(["new"]));
        // A line about two people is about nobody.
        let text = "{\"username\":\"alice\",\"email\":\"bob@example.test\"}\n";
        world.cli(&["user", "delete", "bob", "--yes"]);
        create_user(&world, "bob");
        let both = world.write("both.ndjson", text);
        assert_eq!(figures(&import(&world, &[&both, "--duplicates", "update"]), 3), [0, 0, 0, 1]);
        let enabled = "{\"username\":\"alice\",\"disabled\":false}\n";
        let enabled = world.write("again.ndjson", enabled);
        import(&world, &[&enabled, "--duplicates", "update"]);
        // Nobody's password was touched.
        submit_sign_in(&world.browser(), "alice", PASSWORD).await.assert_status(303);
    }

    async fn an_import_that_stops_halfway_says_who_is_there_and_goes_on(world: World) {
        create_user(&world, "alice");
        let mut text = String::from("username\n");
        for number in 0..2_499 {
            writeln!(text, "p{number}").unwrap();
        }
        text.push_str("alice\nlast\n");
        let path = world.write("people.csv", &text);
        let there = || count(&world, "select count(*) from users");
        let tried = import(&world, &[&path, "--dry-run"]);
        assert_eq!(tried.status.code(), Some(1), "{}", messages(&tried));
        assert_eq!(there().await, 1);
        // As often as it is given.
        for _ in 0..2 {
            let stopped = import(&world, &[&path]);
            assert_eq!(figures(&stopped, 3), [2_000, 0, 0, 0]);
            let said = messages(&stopped);
            for word in ["line 2501: alice", "--duplicates skip", "2000 people were added", "goes on"] {
                assert!(said.contains(word), "{word}: {said}");
            }
            assert_eq!(there().await, 2_001);
        }
        assert_eq!(figures(&import(&world, &[&path, "--duplicates", "skip"]), 0), [2_500, 0, 1, 0]);
        assert_eq!(there().await, 2_501);
    }

    async fn an_import_that_is_killed_goes_on_where_it_stopped(world: World) {
        let mut text = String::from("username,email,groups\n");
        for number in 0..MANY {
            writeln!(text, "p{number},p{number}@example.test,g{};all", number % 7).unwrap();
        }
        let path = world.write("many.csv", &text);
        let mut kills = 0;
        let last = loop {
            let mut command = world.command(&["--format", "json", "user", "import", &path]);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            if kills < 3 {
                // Killed as soon as it has done something more than the time before.
                let done = kills * 1_500;
                let sql = "select cast(coalesce(max(line), 0) as bigint) from imports";
                wait_until_async("the import going on", Duration::from_mins(1), async || {
                    count(&world, sql).await > done || child.try_wait().unwrap().is_some()
                })
                .await;
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
                let there = count(&world, "select count(*) from users").await;
                let line = count(&world, sql).await;
                // The titles are line 1; a whole batch is there, or none of it.
                assert!(line == 0 || there == line - 1, "{there} people at line {line}");
                continue;
            }
            break child.wait_with_output().unwrap();
        };
        let many = i64::try_from(MANY).unwrap();
        assert_eq!(figures(&last, 0), [many, 0, 0, 0]);
        assert_eq!(count(&world, "select count(*) from users").await, many);
        assert_eq!(count(&world, "select count(*) from user_groups").await, 2 * many);
        assert_eq!(count(&world, "select count(*) from groups").await, 8);
        assert_eq!(count(&world, "select count(*) from imports").await, 0);
        let events = "select count(*) from audit_events where kind = 'user.created'";
        assert_eq!(count(&world, events).await, many);
        // The same file again finds everybody there.
        let again = import(&world, &[&path, "--duplicates", "skip"]);
        assert_eq!(figures(&again, 0), [0, 0, many, 0]);
    }

    async fn how_far_a_long_import_is_is_told_to_programs_line_by_line(world: World) {
        let mut command = world.command(&["--format", "json", "user", "import", "-", "--as", "ndjson"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("start it");
        let mut pipe = child.stdin.take().expect("a pipe");
        let line = |number| format!("{{\"username\":\"p{number}\"}}\n");
        for half in [0..MANY / 2, MANY / 2..MANY] {
            if half.start > 0 {
                // Whoever sends them takes their time: something is said every five seconds.
                tokio::time::sleep(Duration::from_secs(6)).await;
            }
            let lines = half.map(line).collect::<Vec<_>>().concat();
            pipe.write_all(lines.as_bytes()).expect("send the lines");
        }
        drop(pipe);
        let output = child.wait_with_output().expect("its end");
        let many = i64::try_from(MANY).unwrap();
        assert_eq!(figures(&output, 0), [many, 0, 0, 0]);
        let said = messages(&output);
        let told = said.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let told: Vec<Value> = told.map(|line| line["progress"].clone()).collect();
        assert!(told.iter().any(Value::is_object), "{said}");
        let mut before = 0;
        for progress in told.iter().filter(|progress| progress.is_object()) {
            let figure = |name: &str| progress[name].as_i64().expect(name);
            assert!(figure("created") >= before && figure("created") <= many, "{said}");
            assert_eq!(["updated", "skipped", "rejected"].map(figure), [0, 0, 0], "{said}");
            assert!(figure("line") >= figure("created"), "{said}");
            before = figure("created");
        }
        assert!(before > 0, "{said}");
    }

    async fn what_is_exported_is_imported_elsewhere_as_it_was(backend: Backend) {
        let (from, to) = (World::start(backend).await, World::start(backend).await);
        let path = from.write("people.csv", FROM_ELSEWHERE);
        figures(&import(&from, &[&path]), 0);
        create_user(&from, "alice");
        from.cli(&["user", "disable", "ldap"]);
        let export = |world: &World, name: &str| {
            let path = world.path(name).display().to_string();
            let run = world.run(&["user", "export", "--with-password-hashes", "--output", &path]);
            assert!(run.status.success(), "{}", messages(&run));
            path
        };
        let moving = export(&from, "moving.ndjson");
        let text = std::fs::read_to_string(&moving).unwrap();
        assert_eq!(figures(&import(&to, &[&moving]), 0), [6, 0, 0, 0]);
        assert_eq!(std::fs::read_to_string(export(&to, "moved.ndjson")).unwrap(), text);
        submit_sign_in(&to.browser(), "alice", PASSWORD).await.assert_status(303);
        assert_eq!(submit_sign_in(&to.browser(), "ldap", THEIR_PASSWORD).await.status.as_u16(), 401);

        let plain = from.run(&["user", "export"]);
        let plain = String::from_utf8(plain.stdout).unwrap();
        assert!(!plain.contains("password_hash") && plain.lines().count() == 6, "{plain}");
        let over = from.run(&["user", "export", "--output", &moving]);
        assert_eq!(over.status.code(), Some(1), "it writes over nothing");
        #[cfg(unix)]
        {
            let mode = std::fs::metadata(&moving).unwrap();
            assert_eq!(std::os::unix::fs::MetadataExt::mode(&mode) & 0o777, 0o600);
        }
    }
}
