//! How things stand: the overview with its charts and warnings, what waits to be sent, backups.

use doorward::clock::Clock;
use doorward::service::overview::{self, Concern, Span};
use doorward::store::activity;
use doorward::telemetry::activity::Counts;

use crate::kit::audit::events;
use crate::kit::console::{admin, create, wait_for_nobody};
use crate::kit::flow::{self, App, PASSWORD, PATIENCE, count, execute, sign_in};
use crate::kit::node::node;
use crate::support::backends::Backend;
use crate::support::browser_like::Page;
use crate::support::process::wait_until_async;
use crate::support::servers::Persistence;
use crate::support::world::World;

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// The names that programs have for what needs doing, as the command line tells them.
fn codes(world: &World) -> Vec<String> {
    let told = world.cli(&["overview"])["warnings"].clone();
    let told = told.as_array().expect("warnings").iter();
    told.map(|one| one["code"].as_str().expect("a code").to_owned()).collect()
}

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

    async fn errors_failed_sign_ins_and_old_keys_are_told_of_from_where_they_matter(backend: Backend) {
        let world = World::builder(backend).prepare().await;
        let clock = Clock::manual(Clock::System.now());
        let app = node(&world, &clock).await;
        let told = async || {
            let mut told = overview::overview(&app, Span::Day).await.unwrap().concerns;
            // This node looks after nothing, the audit log among it.
            told.retain(|one| !matches!(one, Concern::Unsealed(_)));
            told
        };
        let hours = [
            ((0, 0, 1), vec![Concern::Errors(1)]),
            ((0, 19, 0), vec![]),
            ((0, 20, 0), vec![Concern::FailedSignIns(20)]),
            ((19, 20, 0), vec![Concern::FailedSignIns(20)]),
            // As many people got in: that is a Monday morning.
            ((20, 20, 0), vec![]),
            ((3, 25, 2), vec![Concern::Errors(2), Concern::FailedSignIns(25)]),
            ((0, 0, 0), vec![]),
        ];
        for ((sign_ins, failed_sign_ins, errors), wanted) in hours {
            // Each has an hour of its own.
            clock.advance(HOUR);
            let counts = Counts { sign_ins, failed_sign_ins, errors, ..Counts::default() };
            activity::add(&app.store.db, app.now(), &counts).await.unwrap();
            assert_eq!(told().await, wanted, "{counts:?}");
        }
        let late = app.now().plus(-(app.config.keys.rotate_every + DAY));
        for (at, wanted) in [(late, vec![]), (late.plus(-1), vec![Concern::LateRotation])] {
            let old = format!("update signing_keys set activates_at = {} where state = 'active'", at.0);
            execute(&world, &old).await;
            assert_eq!(told().await, wanted, "{}", at.rfc3339());
        }
        // Keys that sign no more may be as old as they are.
        let over = "update signing_keys set state = 'retiring' where state = 'active' and alg <> 'ES256'";
        execute(&world, over).await;
        let young = format!("update signing_keys set activates_at = {} where state = 'active'", app.now().0);
        execute(&world, &young).await;
        assert_eq!(told().await, Vec::<Concern>::new());
    }

    async fn errors_and_failed_sign_ins_of_this_hour_are_told_with_where_to_look(world: World) {
        let owner = admin(&world, "owner").await;
        assert!(!owner.page("/admin").await.has(".warnings"));
        let hour = Clock::System.now().0.div_euclid(HOUR);
        // The next one, too: this one may end here.
        for hour in [hour, hour + 1] {
            let counted = format!(
                "insert into activity (hour, sign_ins, failed_sign_ins, tokens, requests, errors, \
                 within_10, within_50, within_100, within_500) \
                 values ({hour}, 0, 31, 0, 0, 3, 0, 0, 0, 0) \
                 on conflict (hour) do update set failed_sign_ins = 31, errors = 3"
            );
            execute(&world, &counted).await;
        }
        let page = owner.page("/admin").await;
        let said = page.texts(".warnings li");
        let words =
            ["3 answers this hour failed by our own fault", "31 sign-ins failed this hour, more than"];
        assert_eq!(said.len(), words.len(), "{said:?}");
        for (text, words) in said.iter().zip(words) {
            assert!(text.contains(words), "{said:?}");
        }
        // Errors are in the log of the server, where no link leads.
        let who = "/admin/audit?kind=sign_in.failed";
        assert_eq!(page.attributes(".warnings a", "href"), [who]);
        owner.page(who).await;
        assert!(sums(&page, 4)[0] >= 3, "the chart counts the same");
        assert_eq!(codes(&world), ["errors", "failed_sign_ins"]);
    }

    async fn each_signing_key_says_since_when_it_is_in_use(world: World) {
        let owner = admin(&world, "owner").await;
        let since = Clock::System.now().plus(-(3 * DAY + HOUR));
        let older = format!(
            "update signing_keys set activates_at = {} where state = 'active' and alg = 'ES256'",
            since.0
        );
        execute(&world, &older).await;
        let page = owner.page("/admin").await;
        let keys = page.texts("section[aria-labelledby=keys] li");
        let active = "select cast(count(*) as bigint) from signing_keys where state = 'active'";
        assert_eq!(i64::try_from(keys.len()), Ok(count(&world, active).await), "{keys:?}");
        assert!(keys.contains(&"ES256 active since 3 days ago".to_owned()), "{keys:?}");
        let moments = page.attributes("section[aria-labelledby=keys] time", "datetime");
        assert!(moments.contains(&since.rfc3339()), "{moments:?}");
        assert!(!page.has(".warnings"), "three days are no age: {}", page.describe());
    }

    async fn a_service_without_a_mail_server_is_told_of_it_once_it_is_there_for_others(backend: Backend) {
        let mut world = World::builder(backend).prepare().await;
        let here = world.issuer.clone();
        let none = Vec::<String>::new();
        world.set("DOORWARD_ISSUER", "https://id.example.test");
        create(&world, "ada", Some("owner"));
        assert_eq!(codes(&world), none, "whoever tries it alone needs none");
        create(&world, "bob", None);
        assert_eq!(codes(&world), ["no_mail"]);
        let told = world.cli(&["overview"]).to_string();
        assert!(told.contains("Set mail.url."), "{told}");
        world.set("DOORWARD_MAIL__URL", "smtp://127.0.0.1:9");
        world.set("DOORWARD_MAIL__FROM", "doorward@example.test");
        assert_eq!(codes(&world), none);
        world.unset("DOORWARD_MAIL__URL");
        world.unset("DOORWARD_MAIL__FROM");
        world.set("DOORWARD_ISSUER", &here);
        assert_eq!(codes(&world), none, "nor does one on this machine only");
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_may_drop_what_has_not_expired_is_told_of_on_the_overview() {
    let builder = World::builder(Backend::Production).own_redis(Persistence::Snapshot);
    let mut world = builder.prepare().await;
    world.redis().set_config("maxmemory-policy", "allkeys-lru");
    world.start_server().await;
    let owner = admin(&world, "owner").await;
    let page = owner.page("/admin").await;
    let said = page.texts(".warnings li").concat();
    assert!(said.contains("Set its maxmemory-policy to noeviction."), "{}", page.describe());
    assert_eq!(codes(&world), ["eviction"]);
    world.redis().set_config("maxmemory-policy", "noeviction");
    wait_until_async("the warning going", PATIENCE, async || {
        !owner.page("/admin").await.has(".warnings")
    })
    .await;
}
