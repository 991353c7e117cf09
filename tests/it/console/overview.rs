//! How things stand: the overview with its charts and warnings, what waits to be sent, backups.

use crate::kit::audit::events;
use crate::kit::console::{admin, create, wait_for_nobody};
use crate::kit::flow::{self, App, PASSWORD, PATIENCE, count, execute, sign_in};
use crate::support::browser_like::Page;
use crate::support::process::wait_until_async;

/// What the table of a chart adds up to, a number for each of its columns.
fn sums(page: &Page, chart: usize) -> Vec<i64> {
    let rows = page.texts(&format!(".charts figure:nth-of-type({chart}) tbody tr"));
    let columns = page.texts(&format!(".charts figure:nth-of-type({chart}) thead th")).len() - 1;
    let cells = page.texts(&format!(".charts figure:nth-of-type({chart}) tbody td"));
    assert_eq!(cells.len(), rows.len() * columns, "{}", page.describe());
    let column = |n: usize| cells.iter().skip(n).step_by(columns);
    (0..columns).map(|n| column(n).map(|cell| cell.parse::<i64>().unwrap()).sum()).collect()
}

on_both_backends! {
    async fn the_charts_count_what_happened_and_are_there_without_any_script(world: World) {
        let owner = admin(&world, "owner").await;
        create(&world, "alice", None);
        let app = App::register(&world, "wiki", &[]);
        let alice = sign_in(&world, "alice").await;
        app.tokens(&alice).await;
        flow::submit_sign_in(&world.browser(), "alice", "not the password").await;
        let page = owner.page("/admin").await;
        let signed_in = sums(&page, 1);
        assert!(signed_in[0] >= 2 && signed_in[1] == 1, "{signed_in:?}");
        assert!(sums(&page, 2)[0] >= 2, "an access and an ID token");
        assert!(sums(&page, 3).iter().sum::<i64>() > 5);
        assert_eq!(sums(&page, 4), [0]);
        for svg in page.attributes(".charts svg", "aria-labelledby") {
            for id in svg.split_whitespace() {
                assert!(page.has(&format!("#{id}")), "{id}");
            }
        }
        assert!(page.has("svg title") && page.has("svg desc") && page.has("svg rect"));
        // A budget in bytes: a phone on a slow line sees it, too.
        assert!(page.body.len() < 60_000, "{} bytes", page.body.len());
        for span in ["week", "month"] {
            let page = owner.page(&format!("/admin?span={span}")).await;
            assert_eq!(page.texts(".charts figure:nth-of-type(1) tbody tr").len(), 28);
            assert_eq!(sums(&page, 1), signed_in, "{span}");
        }
        let odd = owner.page("/admin?span=%00year&live=1").await;
        assert_eq!(odd.texts(".charts figure:nth-of-type(1) tbody tr").len(), 24);
        admin(&world, "auditor").await.page("/admin").await;
        world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn what_was_counted_outlives_the_process(mut world: World) {
        let owner = admin(&world, "owner").await;
        let before = sums(&owner.page("/admin").await, 1);
        assert!(world.stop().success());
        let told = "select cast(coalesce(sum(sign_ins), 0) as bigint) from activity";
        assert_eq!(count(&world, told).await, before[0]);
        world.start_server().await;
        let owner = crate::kit::console::enter(&world, "the-owner").await;
        assert_eq!(sums(&owner.page("/admin").await, 1)[0], before[0] + 1);
    }

    async fn what_waits_is_shown_tried_now_and_discarded(world: World) {
        let owner = admin(&world, "owner").await;
        let empty = owner.page("/admin/jobs").await;
        assert!(empty.text().contains("Nothing waits."), "{}", empty.describe());
        assert!(!owner.page("/admin").await.has(".warnings a[href='/admin/jobs']"));
        wait_for_nobody(&world, "019a-one", 5).await;
        wait_for_nobody(&world, "019a-two", 0).await;
        let page = owner.page("/admin").await;
        let warnings = page.texts(".warnings li").join(" ");
        assert!(warnings.contains("1 message has not arrived"), "{}", page.describe());

        let page = owner.page("/admin/jobs").await;
        assert_eq!(page.texts("tbody tr").len(), 2, "{}", page.describe());
        assert!(page.text().contains("it answered <b>500"), "{}", page.describe());
        assert!(!page.body.contains("secret.test"), "what it says is nobody's to read");
        let topics = page.attributes("nav.spans a", "href");
        assert_eq!(topics.len(), 5, "{topics:?}");
        let letters = owner.page("/admin/jobs?topic=letters").await;
        assert_eq!(letters.texts("nav.spans [aria-current]"), ["Letters"]);
        assert!(!letters.has("tbody tr") && letters.text().contains("Nothing of this kind waits."));
        let tried = page.form_to("/admin/jobs/019a-one/retry").submit().await;
        assert!(owner.message_after(&tried).await.starts_with("It is sent now."));
        let due = "select due_at - created_at from outbox where id = '019a-one'";
        assert!(count(&world, due).await < 3_000);

        let question = owner.page("/admin/jobs/019a-one/discard").await;
        assert!(question.text().contains("tried 5 times"), "{}", question.describe());
        let gone = question.form_to("/admin/jobs/019a-one/discard").submit().await;
        assert_eq!(owner.message_after(&gone).await, "The message is discarded.");
        for step in ["retry", "discard"] {
            let late = owner.post(&format!("/admin/jobs/019a-one/{step}"), &[]).await;
            assert!(owner.message_after(&late).await.starts_with("This message waits no more"));
        }
        assert_eq!(owner.page("/admin/jobs").await.texts("tbody tr").len(), 1);
        let events = world.cli(&["audit", "list"]).to_string();
        assert!(events.contains("delivery.hurried") && events.contains("delivery.discarded"));
        let auditor = admin(&world, "auditor").await;
        assert!(!auditor.page("/admin/jobs").await.has("main form"));
    }

    async fn letters_that_wait_or_were_given_up_are_told_with_where_to_look(world: World) {
        let owner = admin(&world, "owner").await;
        let alice = create(&world, "alice", None);
        assert!(!owner.page("/admin").await.has(".warnings"));
        for (id, attempts) in [("019a-new", 0), ("019a-over", 1), ("019a-tried", 5)] {
            wait_for_nobody(&world, id, attempts).await;
        }
        execute(&world, "update outbox set kind = 'mail'").await;
        // What is on its way for the first time counts as tried, and nothing is wrong with it.
        execute(&world, "update outbox set attempts = 1, last_error = null where id = '019a-new'").await;
        let page = owner.page("/admin").await;
        let said = page.texts(".warnings li");
        // One that was never refused is no trouble yet, and letters are not told of as stuck messages, too.
        assert!(said.len() == 1 && said[0].contains("2 letters wait that the mail server"), "{said:?}");
        let letters = "/admin/jobs?topic=letters";
        assert_eq!(page.attributes(".warnings a", "href"), [letters]);
        assert_eq!(owner.page(letters).await.texts("tbody tr").len(), 3);
        // All that wait are counted, refused or not, by every face.
        assert_eq!(page.texts(&format!(".figures a[href='{letters}'] strong")), ["3"]);
        assert_eq!(world.cli(&["overview"])["queued_letters"], 3);

        // Nobody can send this one, and its time is over.
        let over = format!(
            "update outbox set due_at = created_at, expires_at = created_at, \
             payload = '{{\"user_id\": \"{alice}\", \"sealed\": \"x\"}}' where id = '019a-over'"
        );
        execute(&world, &over).await;
        wait_until_async("a letter that is given up", PATIENCE, async || {
            events(&world, "delivery.given_up").await == 1
        })
        .await;
        let page = owner.page("/admin").await;
        let said = page.texts(".warnings li");
        for (text, words) in said.iter().zip(["1 letter waits", "1 letter was given up in the last 24 hours"]) {
            assert!(text.contains(words), "{said:?}");
        }
        let why = "/admin/audit?kind=delivery.given_up";
        assert_eq!(page.attributes(".warnings a", "href"), [letters, why]);
        assert_eq!(owner.page(why).await.texts("tbody tr").len(), 1);
        let told = world.cli(&["overview"])["warnings"].clone();
        let codes: Vec<_> = told.as_array().expect("warnings").iter().map(|one| &one["code"]).collect();
        assert_eq!(codes, ["waiting_letters", "lost_letters"]);
        assert_eq!(admin(&world, "auditor").await.page("/admin").await.texts(".warnings li"), said);
    }

    async fn an_audit_log_that_nobody_seals_is_told_of_with_what_to_do(world: World) {
        let owner = admin(&world, "owner").await;
        let unsealed = "select cast(count(*) as bigint) from audit_unsealed";
        wait_until_async("everything being sealed", PATIENCE, async || count(&world, unsealed).await == 0).await;
        execute(&world, "update audit_marks set seq = seq - 1 where name = 'head'").await;
        create(&world, "alice", None);
        assert!(!owner.page("/admin").await.has(".warnings"), "for a moment they may wait");
        let early = "insert into audit_events (id, at, kind, outcome, detail) \
                     select '0000-early', max(at) - 700, 'early', 'success', '{}' from audit_events";
        execute(&world, early).await;
        let page = owner.page("/admin").await;
        let said = page.texts(".warnings li").concat();
        for words in ["Events of the audit log have waited 1", " minutes to be sealed", "doorward audit verify", "docs/audit.md"] {
            assert!(said.contains(words), "{}", page.describe());
        }
        assert_eq!(page.attributes(".warnings a", "href"), ["/admin/audit"]);
        let told = world.cli(&["overview"])["warnings"][0]["code"].clone();
        assert_eq!(told, "unsealed_audit");
    }

    async fn an_owner_takes_a_backup_away_that_is_whole_and_holds_no_master_key(world: World) {
        let owner = admin(&world, "owner").await;
        let page = owner.page("/admin/backup").await;
        assert!(page.text().contains("No backup is known of."), "{}", page.describe());
        let file = page.form("backup").submit().await;
        file.assert_status(200).assert_header("content-type", "application/x-tar");
        assert!(file.header("content-disposition").starts_with("attachment; filename=\"doorward-2"));
        assert!(!file.body.contains("master.key"));
        let path = world.path("console.tar");
        std::fs::write(&path, &file.body).unwrap();
        let path = path.display().to_string();
        let checked = world.run(&["restore", "--dry-run", &path]);
        assert!(checked.status.success(), "{checked:?}");

        let by_command = world.path("command.tar").display().to_string();
        world.cli(&["backup", &by_command]);
        let page = owner.page("/admin/backup").await;
        let rows = page.texts("tbody tr");
        assert_eq!(rows.len(), 2, "{}", page.describe());
        for who in ["command-line", "the-owner"] {
            assert!(rows.iter().any(|row| row.contains(who)), "{who}: {rows:?}");
        }
        let operator = admin(&world, "operator").await;
        assert!(!operator.page("/admin/backup").await.has("form#backup"));
        operator.post("/admin/backup", &[]).await.assert_status(403);
    }
}
