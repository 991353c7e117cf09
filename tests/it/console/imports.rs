//! People from a file that is sent with a form of the console: what becomes of each line, who may send what,
//! files that are none, and imports that are interrupted, or begun while another one runs.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::kit::console::{Admin, admin, create, enter, manager, state};
use crate::kit::flow::{PATIENCE, count, every_node, http_client, is_signed_in, submit_sign_in};
use crate::kit::imports::{
    NEWEST, START, ended, figures, import, is_running, send, send_with, shown,
};
use crate::support::backends::Backend;
use crate::support::browser_like::Page;
use crate::support::process::{Signal, wait_until, wait_until_async};
use crate::support::world::World;

/// Three people and two lines that are nobody.
const PEOPLE: &str = "username,email,email_verified,groups,password_hash\n\
    ada,ada@example.test,true,staff;wiki,$2b$04$abcdefghijklmnopqrstuu7EJV7kdjBBQxyb0HjTh9KS7.Lah/6CG\n\
    b b,,,,\n\
    cyd,cyd@example.test,,,\n\
    dot,dot@example.test,,,secret\n\
    eve,,,staff,\n";
const THEIR_PASSWORD: &str = "correct horse battery staple";
/// More than is through before somebody can look.
const MANY: i64 = 12_000;

fn many() -> String {
    let mut text = String::from("username,email,groups\n");
    for number in 0..MANY {
        writeln!(text, "p{number},p{number}@example.test,g{}", number % 7).expect("text");
    }
    text
}

async fn people(world: &World) -> i64 {
    count(world, "select count(*) from users").await
}

/// Sends a file that is taken, and gives the page about it when it is through.
async fn imported(admin: &Admin, file: (&str, &str), fields: &[(&str, &str)]) -> Page {
    let answer = send(admin, (file.0, file.1.as_bytes()), fields).await;
    assert_eq!(answer.location().path(), NEWEST, "{}", answer.describe());
    ended(admin).await
}

/// The lines left out that the page shows, with the reasons.
fn left_out(page: &Page) -> Vec<(String, String)> {
    page.texts("tbody th").into_iter().zip(page.texts("tbody td")).collect()
}

/// Files in the data directory, apart from the database.
fn files(world: &World) -> Vec<String> {
    let entries = std::fs::read_dir(world.data_dir()).into_iter().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("a file").file_name().into_string().expect("text"))
        .collect();
    names.retain(|name| !name.contains(".db"));
    names.sort();
    names
}

/// Waits until some of the people of a file are there for good.
async fn some_are_there(world: &World) {
    let limit = Duration::from_mins(1);
    let sql = "select cast(coalesce(max(line), 0) as bigint) from imports";
    wait_until_async("the first batch", limit, async || count(world, sql).await > 0).await;
}

on_both_backends! {
    async fn good_lines_become_people_and_bad_ones_are_told(world: World) {
        let owner = admin(&world, "owner").await;
        let before = files(&world);
        let list = owner.page("/admin/users").await;
        assert!(list.attributes("a.button", "href").iter().any(|to| to.ends_with("/admin/users/import")));
        assert!(owner.page(NEWEST).await.text().contains("No import was begun"));
        let answer = send(&owner, ("people.csv", PEOPLE.as_bytes()), &[]).await;
        assert_eq!(owner.message_after(&answer).await, "The import has begun.");
        let page = ended(&owner).await;
        assert_eq!(shown(&page), [5, 3, 0, 0, 2], "{}", page.text());
        assert_eq!(page.texts(".badge")[0], "Done");
        assert_eq!(page.attributes("progress", "value"), ["100"]);
        assert!(!page.text().contains("dry run"));
        let told = left_out(&page);
        assert_eq!(told.iter().map(|(line, _)| line.as_str()).collect::<Vec<_>>(), ["3", "5"]);
        assert!(told[0].1.starts_with("username: ") && told[1].1.starts_with("password_hash: "));

        let file = owner.browser.get("/admin/users/import/rejects").await;
        file.assert_status(200).assert_header("content-type", "application/x-ndjson");
        let lines: Vec<Value> =
            file.body.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(lines[0], json!({ "line": 3, "reason": told[0].1 }));
        assert_eq!(lines.len(), 2);

        let ada = world.cli(&["user", "show", "ada"]);
        assert_eq!((&ada["email_verified"], &ada["groups"]), (&json!(true), &json!(["staff", "wiki"])));
        let browser = world.browser();
        submit_sign_in(&browser, "ada", THEIR_PASSWORD).await;
        assert!(is_signed_in(&browser).await, "with the hash of another system");
        let events = world.cli(&["audit", "list", "--kind", "user.created", "--user", "ada"]);
        let event = &events["items"][0];
        assert_eq!(event["detail"], json!({ "username": "ada", "imported": true }));
        let owner_id = world.cli(&["user", "show", "the-owner"])["id"].clone();
        assert_eq!(event["actor"], json!(format!("user:{}", owner_id.as_str().unwrap())), "{event}");
        assert_eq!(files(&world), before, "nothing of the file is left");
        world.assert_log_is_clean(&[THEIR_PASSWORD, "$2b$04"]);
    }

    async fn a_dry_run_keeps_nothing(world: World) {
        let owner = admin(&world, "owner").await;
        let before = state(&world).await;
        let page = imported(&owner, ("people.csv", PEOPLE), &[("dry_run", "on")]).await;
        assert_eq!(shown(&page), [5, 3, 0, 0, 2]);
        assert!(page.text().contains("Nothing was kept"), "{}", page.text());
        assert_eq!(state(&world).await, before);
        assert_eq!(count(&world, "select count(*) from imports").await, 0);
    }

    async fn people_who_are_there_are_treated_as_was_chosen(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "cyd", None);
        let page = imported(&owner, ("people.csv", PEOPLE), &[("duplicates", "fail")]).await;
        assert_eq!(page.texts(".badge")[0], "Stopped before the end");
        assert!(page.text().contains("Line 4: cyd is there already."), "{}", page.text());
        assert!(world.cli(&["user", "list"]).to_string().find("\"ada\"").is_none(), "a batch is whole");
        let page = imported(&owner, ("people.csv", PEOPLE), &[("duplicates", "skip")]).await;
        assert_eq!(shown(&page), [5, 2, 0, 1, 2]);
        let changed = "{\"username\":\"cyd\",\"name\":\"Cyd\",\"groups\":[\"wiki\"],\"disabled\":true}\n";
        let page = imported(&owner, ("changes", changed), &[("duplicates", "update")]).await;
        assert_eq!(shown(&page), [1, 0, 1, 0, 0]);
        let cyd = world.cli(&["user", "show", "cyd"]);
        assert_eq!((&cyd["name"], &cyd["groups"]), (&json!("Cyd"), &json!(["wiki"])));
        assert!(!cyd["disabled_at"].is_null() || cyd["disabled"] == true, "{cyd}");
        let answer = send(&owner, ("people.csv", b"username\na\n"), &[("duplicates", "burn")]).await;
        answer.assert_status(422);
        assert!(answer.texts("#duplicates-error")[0].starts_with("Choose"));
        let trusted = "username,email\nfay,fay@example.test\n";
        imported(&owner, ("t.csv", trusted), &[("email_verified", "on")]).await;
        assert_eq!(world.cli(&["user", "show", "fay"])["email_verified"], true);
    }

    async fn what_is_no_file_of_people_is_refused_in_words(backend: Backend) {
        let world = World::builder(backend).env("DOORWARD_LIMITS__IMPORT_BYTES", "1000000").start().await;
        let owner = admin(&world, "owner").await;
        let before = (state(&world).await, files(&world));
        let utf16: Vec<u8> = "username\na\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let sheet = [&b"PK\x03\x04\0\0"[..], &[7; 600]].concat();
        let cases: [(&str, &[u8], &str); 10] = [
            ("", b"", "Choose a file."),
            ("people.csv", b"", "The file is empty."),
            ("people.csv", b"x", "must name the columns"),
            ("people.csv", b"\n\n", "must name the columns"),
            ("people.csv", b"usernam\xe9\nada\n", "not UTF-8"),
            ("people.csv", b"email\nada@example.test\n", "username is missing"),
            ("people.csv", b"username,role\nada,owner\n", "role"),
            ("people.csv", &utf16, "neither CSV nor NDJSON"),
            ("people.xlsx", &sheet, "neither CSV nor NDJSON"),
            ("people.csv", b"\"username\nada\n", "must name the columns"),
        ];
        for (name, content, word) in cases {
            let page = send(&owner, (name, content), &[]).await;
            page.assert_status(422).assert_page_headers();
            let said = page.texts("#file-error").join(" ");
            assert!(said.contains(word), "{name} {content:?}: {said}");
        }
        let long = send(&owner, ("people.csv", &vec![b'a'; 1_500_000]), &[]).await;
        long.assert_status(413).assert_page_headers();
        assert!(long.text().contains("976 KiB"), "{}", long.text());
        // Somewhat too long is noticed as it comes.
        let long = send(&owner, ("people.csv", &vec![b'a'; 1_000_001]), &[]).await;
        long.assert_status(413);
        for bad in ["", "rubbish"] {
            let fields = [("csrf", bad)];
            send_with(&owner.browser, ("a.csv", b"username\n"), &fields).await.assert_status(403);
        }
        assert_eq!((state(&world).await, files(&world)), before);
        assert!(owner.page(NEWEST).await.text().contains("No import was begun"));

        let page = imported(&owner, ("people.csv", "username,name\nada,\"Ada\nx,y\n"), &[]).await;
        assert!(page.text().contains("begins in line 2"), "{}", page.text());
        let line = format!("username\nada\n{}\nbea\n", "x".repeat(600_000));
        let page = imported(&owner, ("people.csv", &line), &[]).await;
        assert_eq!(shown(&page), [3, 2, 0, 0, 1]);
        assert!(left_out(&page)[0].1.contains("256 KiB"));
        let answer = send(&owner, ("p.ndjson", b"{\"username\":\"\xff\"}\n{\"username\":\"cyd\"}\n{"), &[]).await;
        answer.assert_status(303);
        let page = ended(&owner).await;
        assert_eq!(shown(&page), [3, 1, 0, 0, 2]);
        let named = format!("{{\"username\":\"dot\",\"{}\":1}}\n", "y".repeat(9_000));
        let page = imported(&owner, ("p.ndjson", &named), &[]).await;
        assert_eq!(left_out(&page)[0].1.chars().count(), 300, "no reason is without end");
    }

    async fn only_who_may_imports_and_no_file_does_more_than_its_sender(world: World) {
        let owner_id = create(&world, "owen", Some("owner"));
        let operator = admin(&world, "operator").await;
        create(&world, "cyd", None);
        let before = state(&world).await;
        for closed in [admin(&world, "auditor").await, manager(&world, &["crew"]).await] {
            for path in ["/admin/users/import", NEWEST, "/admin/users/import/rejects"] {
                closed.browser.get(path).await.assert_status(403);
            }
            let people = people(&world).await;
            send(&closed, ("p.csv", b"username\nmallory\n"), &[]).await.assert_status(403);
            assert_eq!(self::people(&world).await, people);
            assert!(!closed.page("/admin/users").await.body.contains("/admin/users/import"));
        }
        assert_ne!(state(&world).await, before, "the two were made");

        let text = format!(
            "{{\"username\":\"mallory\",\"role\":\"owner\"}}\n\
             {{\"username\":\"the-operator\",\"groups\":[\"staff\"]}}\n\
             {{\"username\":\"owen\",\"email\":\"mallory@example.test\",\"disabled\":true}}\n\
             {{\"username\":\"nan\",\"id\":\"an-id-of-my-choice\"}}\n\
             {{\"username\":\"owen\",\"id\":\"{owner_id}\",\"name\":\"Mine\"}}\n\
             {{\"username\":\"cyd\",\"name\":\"Cyd\"}}\n\
             {{\"username\":\"new\",\"email\":\"new@example.test\",\"email_verified\":true}}\n"
        );
        let owen = world.cli(&["user", "show", "owen"]);
        let page = imported(&operator, ("p.ndjson", &text), &[("duplicates", "update")]).await;
        assert_eq!(shown(&page), [7, 1, 1, 0, 5], "{}", page.text());
        let told = left_out(&page);
        assert!(told.iter().any(|(line, why)| line == "1" && why.contains("role")), "{told:?}");
        assert!(told.iter().any(|(line, why)| line == "4" && why.contains("only an owner")), "{told:?}");
        for line in ["2", "3", "5"] {
            assert!(told.iter().any(|(at, why)| at == line && why.contains("not yours")), "{told:?}");
        }
        assert_eq!(world.cli(&["user", "show", "owen"]), owen);
        let page = imported(&enter(&world, "owen").await, ("p.csv", "username,id\nnan,mine\n"), &[]).await;
        assert_eq!(shown(&page), [1, 1, 0, 0, 0]);
        assert_eq!(world.cli(&["user", "show", "nan"])["id"], "mine");
    }

    async fn an_import_that_is_interrupted_goes_on(mut world: World) {
        let owner = admin(&world, "owner").await;
        let text = many();
        send(&owner, ("many.csv", text.as_bytes()), &[]).await.assert_status(303);
        some_are_there(&world).await;
        assert!(world.stop().success(), "it stops as always");
        let there = people(&world).await - 1;
        assert!(there > 0 && there < MANY, "{there} people");
        assert_eq!(there % 1_000, 0, "between two batches");
        world.start_server().await;
        let owner = enter(&world, "the-owner").await;
        let page = owner.page(NEWEST).await;
        if world.backend == Backend::Production {
            assert!(page.text().contains("The server was stopped."), "{}", page.text());
        }
        let page = imported(&owner, ("many.csv", &text), &[]).await;
        assert!(page.text().contains(&format!("behind line {}", there + 1)), "{}", page.text());
        assert_eq!(shown(&page)[1], MANY);
        assert_eq!(people(&world).await, MANY + 1);
    }

    async fn an_import_that_a_stopping_server_refuses_keeps_nobody_waiting(backend: Backend) {
        let mut world = World::builder(backend).env("DOORWARD_SERVER__SHUTDOWN_DELAY", "4").start().await;
        let owner = admin(&world, "owner").await;
        let csrf = owner.csrf().await;
        world.signal(Signal::Terminate);
        wait_until_async("the server saying that it stops", PATIENCE, async || {
            let answer = http_client().get(world.management_url("/readyz")).send().await;
            answer.is_ok_and(|answer| answer.status() == 503)
        })
        .await;
        let file = ("people.csv", PEOPLE.as_bytes());
        let answer = send_with(&owner.browser, file, &[("csrf", csrf.as_str())]).await;
        let said = owner.message_after(&answer).await;
        assert!(said.starts_with("This server is stopping."), "{said}");
        wait_until("the server being gone", Duration::from_mins(1), || !world.is_running());
        world.start_server().await;
        let owner = enter(&world, "the-owner").await;
        let answer = send(&owner, file, &[]).await;
        assert_eq!(owner.message_after(&answer).await, "The import has begun.");
        assert_eq!(shown(&ended(&owner).await), [5, 3, 0, 0, 2]);
    }

    async fn a_node_that_is_gone_keeps_nobody_waiting_for_long(mut world: World) {
        let owner = admin(&world, "owner").await;
        send(&owner, ("many.csv", many().as_bytes()), &[]).await.assert_status(303);
        some_are_there(&world).await;
        world.kill9();
        let gone = Instant::now();
        world.start_server().await;
        let owner = enter(&world, "the-owner").await;
        // Its turn lasts for fifteen seconds.
        wait_until_async("the next import", Duration::from_mins(1), async || {
            let answer = send(&owner, ("people.csv", PEOPLE.as_bytes()), &[]).await;
            owner.message_after(&answer).await == "The import has begun."
        })
        .await;
        assert!(gone.elapsed() < Duration::from_secs(30), "{:?}", gone.elapsed());
        assert_eq!(shown(&ended(&owner).await), [5, 3, 0, 0, 2]);
    }

    async fn of_two_who_import_the_same_file_one_goes_on(world: World) {
        let owner = admin(&world, "owner").await;
        let text = many();
        let path = world.write("many.csv", &text);
        send(&owner, ("many.csv", text.as_bytes()), &[]).await.assert_status(303);
        some_are_there(&world).await;
        // Whoever comes second to where both are stops there.
        let output = import(&world, &[&path, "--duplicates", "skip"]);
        let by_command = output.status.success();
        let page = ended(&owner).await;
        let by_console = page.texts(".badge")[0] == "Done";
        let said = format!("{}{}", String::from_utf8_lossy(&output.stderr), page.text());
        if by_command && by_console {
            assert_eq!(figures(&output, 0), [0, 0, MANY, 0], "the command came behind the end");
        } else {
            assert!(by_command || by_console, "{said}");
            let told = ["imported from somewhere else", "Somebody else imports", "is there already"];
            assert!(told.iter().any(|words| said.contains(words)), "{said}");
        }
        assert_eq!(people(&world).await, MANY + 1);
        assert_eq!(count(&world, "select count(*) from imports").await, 0);
    }

    async fn the_command_goes_on_with_what_the_console_has_begun(mut world: World) {
        let owner = admin(&world, "owner").await;
        let text = many();
        let path = world.write("many.csv", &text);
        send(&owner, ("many.csv", text.as_bytes()), &[]).await.assert_status(303);
        some_are_there(&world).await;
        world.kill9();
        assert!(people(&world).await < MANY);
        assert!(files(&world).iter().all(|name| !name.starts_with(".tmp")), "{:?}", files(&world));
        assert_eq!(figures(&import(&world, &[&path]), 0), [MANY, 0, 0, 0]);
        assert_eq!(people(&world).await, MANY + 1);
    }

    async fn of_two_at_once_one_waits_and_every_node_shows_how_far_it_is(world: World) {
        let (bases, _node) = every_node(&world).await;
        let owner = admin(&world, "owner").await;
        create(&world, "opal", Some("operator"));
        let other = enter(&world, "opal").await;
        send(&owner, ("many.csv", many().as_bytes()), &[]).await.assert_status(303);
        let answer = send(&other, ("people.csv", PEOPLE.as_bytes()), &[]).await;
        let said = other.message_after(&answer).await;
        assert!(said.starts_with("Another import is not through yet"), "{said}");
        for base in &bases {
            let page = owner.browser.get(&format!("{base}{NEWEST}")).await;
            page.assert_status(200);
            assert!(is_running(&page) && page.texts("bdi").contains(&"many.csv".to_owned()), "{}", page.describe());
        }
        let page = ended(&owner).await;
        assert_eq!(shown(&page)[1], MANY);
        let page = imported(&other, ("people.csv", PEOPLE), &[]).await;
        assert_eq!(shown(&page), [5, 3, 0, 0, 2]);
        owner.browser.get(START).await.assert_status(405);
    }
}
