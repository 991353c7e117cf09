//! What operators rely on: health, metrics, request ids, a log without secrets, an orderly stop,
//! and nodes that start and work side by side.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::Value;

use crate::kit::flow::{
    App, PASSWORD, PATIENCE, SESSION_COOKIE, SecondNode, VERIFIER, count, create_user, execute,
    get, is_signed_in, sign_in, sign_out, submit_sign_in, try_submit,
};
use crate::running::startup_errors::ending;
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;
use crate::support::process::{Signal, wait_until_async};
use crate::support::servers::PrivatePostgres;
use crate::support::world::World;

on_both_backends! {
    async fn health_and_metrics_are_on_the_management_listener(world: World) {
        for path in ["/livez", "/readyz", "/healthz"] {
            assert_eq!(get(&world.management_url(path)).await.status, 200, "{path}");
            assert_eq!(get(&world.url(path)).await.status, 200, "{path}");
        }
        let verbose = get(&world.management_url("/readyz?verbose")).await.text;
        for part in ["database", "schema", "ephemeral", "signing-keys", "accepting"] {
            assert!(verbose.contains(&format!("[+] {part} ok\n")), "{verbose}");
        }
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let tokens = app.tokens(&sign_in(&world, "alice").await).await;
        submit_sign_in(&world.browser(), "alice", "wrong-password-of-hers").await;
        let metrics = get(&world.management_url("/metrics")).await;
        assert_eq!(metrics.status, 200);
        for name in [
            "http_request", "login_attempt", "token", "signing_key", "session", "password",
        ] {
            assert!(metrics.text.contains(name), "no {name} in:\n{}", metrics.text);
        }
        for secret in [&tokens.access, &app.secret, "alice"] {
            assert!(!metrics.text.contains(secret), "a metric tells {secret}");
        }
        assert_eq!(get(&world.url("/metrics")).await.status, 404, "metrics are not public");
        assert_eq!(get(&world.management_url("/login")).await.status, 404);
    }

    async fn readiness_knows_its_schema_and_leaves_out_what_it_is_told_to(world: World) {
        let ask = async |query: &str| {
            let answer = get(&world.management_url(&format!("/readyz?verbose&{query}"))).await;
            (answer.status, answer.text)
        };
        let newest = "(select max(version) from _sqlx_migrations)";
        // As a database that was put back to what an older version had.
        let undone = format!("update _sqlx_migrations set success = false where version = {newest}");
        execute(&world, &undone).await;
        let (status, lines) = ask("").await;
        assert_eq!(status, 503, "{lines}");
        assert!(lines.contains("[-] schema: older than this program\n"), "{lines}");
        assert!(lines.contains("[+] database ok\n"), "{lines}");
        let (status, lines) = ask("exclude=schema&exclude=ephemeral").await;
        assert_eq!(status, 200, "{lines}");
        for name in ["schema", "ephemeral"] {
            assert!(lines.contains(&format!("[ ] {name} left out\n")), "{lines}");
        }
        execute(&world, "update _sqlx_migrations set success = true").await;
        // As while nodes are upgraded one after the other.
        let later = format!(
            "insert into _sqlx_migrations \
             (version, description, installed_on, success, checksum, execution_time) \
             select version + 1, 'later', installed_on, success, checksum, execution_time \
             from _sqlx_migrations where version = {newest}"
        );
        execute(&world, &later).await;
        assert_eq!(ask("").await.0, 200);
        for wrong in ["exclude=redis", "exclude=schema&exclude=Database"] {
            let (status, text) = ask(wrong).await;
            assert_eq!(status, 400, "{wrong}");
            for name in ["database", "schema", "ephemeral", "signing-keys", "accepting"] {
                assert!(text.contains(name), "{text}");
            }
            assert!(!text.contains("redis"), "{text}");
        }
    }

    async fn a_request_id_of_a_trusted_proxy_is_echoed_when_harmless_and_made_otherwise(backend: Backend) {
        let proxied = World::builder(backend).env("DOORWARD_SERVER__TRUSTED_PROXIES", "127.0.0.1");
        let world = proxied.start().await;
        let browser = world.browser();
        let ask = async |id: &str| {
            let request = browser.request(Method::GET, &browser.resolve("/livez"));
            browser.send(request.header("X-Request-Id", id)).await.header("x-request-id").to_owned()
        };
        for good in ["abc-1234", "0193a1b2-0000-7000-8000-000000000000", "A_b.c-D9"] {
            assert_eq!(ask(good).await, good);
        }
        let long = "x".repeat(300);
        for bad in ["", "short", "with space", "<script>", "a\"b", "{}", &long] {
            let made = ask(bad).await;
            assert!(made != bad && made.len() >= 16, "{bad:?} became {made:?}");
        }
        let (one, two) = (browser.get("/livez").await, browser.get("/livez").await);
        assert_ne!(one.header("x-request-id"), two.header("x-request-id"));
        assert!(!browser.get("/no-such-page").await.header("x-request-id").is_empty());
        assert!(!get(&world.url("/oauth2/token")).await.headers["x-request-id"].is_empty());
    }

    async fn a_request_id_that_anybody_else_makes_up_names_nothing(world: World) {
        let browser = world.browser();
        let request = browser.request(Method::GET, &browser.resolve("/livez"));
        let page = browser.send(request.header("X-Request-Id", "abc-1234")).await;
        assert!(page.header("x-request-id").len() >= 16, "{}", page.describe());
    }

    async fn the_log_holds_no_secret_even_at_its_most_talkative(backend: Backend) {
        let world = World::builder(backend).env("DOORWARD_LOG__LEVEL", "trace").start().await;
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let opaque = App::register(&world, "opaque", &["--access-token-format", "opaque"]);
        let browser = sign_in(&world, "alice").await;
        let wrong = "wrong-but-somebodys-password";
        submit_sign_in(&world.browser(), "alice", wrong).await;
        // A password typed into the wrong field must not be kept either.
        let slip = "typed-into-the-name-field";
        submit_sign_in(&world.browser(), slip, PASSWORD).await;
        let code = app.code(&browser).await;
        let tokens = app.redeem(&code).await.tokens();
        app.redeem(&code).await.assert_error(400, "invalid_grant");
        let more = opaque.tokens(&browser).await;
        let rotated = opaque.refresh(&more.refresh).await.tokens();
        app.userinfo(&tokens.access).await;
        opaque.introspect(&more.access).await;
        opaque.revoke(&rotated.refresh).await;
        let guess = App::known(&world, "app", "a-guessed-secret-of-some-length");
        guess.introspect(&tokens.access).await;
        let session = browser.cookie(SESSION_COOKIE).unwrap();
        let binding = browser.cookie("doorward_browser").unwrap();
        sign_out(&browser).await;
        world.assert_log_is_clean(&[
            PASSWORD, wrong, slip, &code, VERIFIER, &session, &binding, &app.secret, &opaque.secret,
            &guess.secret, &tokens.access, &tokens.refresh, &tokens.id, &more.access, &more.refresh,
            &rotated.access, &rotated.refresh,
        ]);
        assert!(world.log().lines().count() > 20, "the log is there");
        let master = world.setting("DOORWARD_SECRETS__MASTER_KEY").map(ToOwned::to_owned);
        world.assert_log_is_clean(&master.iter().map(String::as_str).collect::<Vec<_>>());
    }

    async fn nothing_bearer_like_is_kept_unhashed(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let opaque = App::register(&world, "opaque", &["--access-token-format", "opaque"]);
        let browser = sign_in(&world, "alice").await;
        let (tokens, more) = (app.tokens(&browser).await, opaque.tokens(&browser).await);
        let next = app.refresh(&tokens.refresh).await.tokens();
        let session = browser.cookie(SESSION_COOKIE).unwrap();
        let values =
            [&tokens.refresh, &next.refresh, &more.access, &more.refresh, &session, &app.secret];
        for (table, column) in [
            ("sessions", "secret_hash"), ("refresh_families", "current_hash"),
            ("refresh_families", "previous_hash"), ("refresh_families", "successor_sealed"),
            ("clients", "cast(secret_hashes as text)"), ("passwords", "phc"),
            ("audit_events", "cast(detail as text)"),
        ] {
            for value in values {
                let sql =
                    format!("select count(*) from {table} where {column} like '%{value}%'");
                assert_eq!(count(&world, &sql).await, 0, "{table}.{column} keeps a secret");
            }
        }
    }

    async fn sigterm_lets_requests_finish_and_ends_with_zero(mut world: World) {
        create_user(&world, "alice");
        let forms = join_all((0..12).map(|_| async {
            let browser = world.browser();
            let page = browser.get("/login").await;
            let form = page.form("sign-in").set("username", "alice").set("password", PASSWORD);
            (browser, form)
        }))
        .await;
        // Password hashes queue up behind each other, so most are under way when the signal comes.
        let requests = forms.into_iter().map(|(browser, form)| {
            tokio::spawn(async move { try_submit(&browser, form).await })
        });
        let requests: Vec<_> = requests.collect();
        wait_until_async("the first of them being answered", PATIENCE, async || {
            requests.iter().any(tokio::task::JoinHandle::is_finished)
        })
        .await;
        world.signal(Signal::Terminate);
        let mut finished = 0;
        for request in requests {
            match request.await.unwrap() {
                Ok(page) => {
                    // Of so many tries at once some may be asked to wait.
                    let status = page.status.as_u16();
                    assert!([303, 429, 503].contains(&status), "{}", page.describe());
                    finished += usize::from(page.status.as_u16() == 303);
                }
                // Only a connection that was not yet taken may be refused.
                Err(error) => assert!(error.is_connect(), "{error:?}"),
            }
        }
        assert!(finished > 0, "nothing was under way");
        let status = world.stop();
        assert_eq!(status.code(), Some(0), "{}", world.log());
        world.start_server().await;
        let sessions = count(&world, "select count(*) from sessions").await;
        assert_eq!(sessions, i64::try_from(finished).unwrap(), "every answer is in the database");
        world.assert_log_is_clean(&[PASSWORD]);
    }

    async fn a_schema_of_a_newer_version_is_refused(mut world: World) {
        world.stop();
        let later = "insert into _sqlx_migrations \
            (version, description, installed_on, success, checksum, execution_time) \
            select 99990101, 'from the future', installed_on, success, checksum, execution_time \
            from _sqlx_migrations where version = (select max(version) from _sqlx_migrations)";
        execute(&world, later).await;
        for arguments in [&["serve"][..], &["serve", "--no-migrate"], &["db", "migrate"]] {
            ending(world.command(arguments)).assert(1, &["newer version"]);
        }
        ending(world.command(&["user", "list"])).assert(1, &["newer version"]);
        // The doctor says it of the start, and looks at nothing that needs the database.
        let output = world.run(&["doctor", "--format", "json"]);
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
        let checks = report["checks"].as_array().expect("checks");
        let start = checks.iter().find(|check| check["name"] == "start").expect("a start");
        assert_eq!(start["state"], "failure", "{report}");
        assert!(start["problem"].as_str().is_some_and(|text| text.contains("newer version")), "{report}");
        assert!(checks.iter().all(|check| check["name"] != "database"), "{report}");
        execute(&world, "delete from _sqlx_migrations where version = 99990101").await;
        world.start_server().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_the_same_moment_on_an_empty_database_all_come_up() {
    let empty = PrivatePostgres::database().await;
    let builder = World::builder(Backend::Production).env("DOORWARD_DATABASE__URL", &empty);
    let mut world = builder.prepare().await;
    let mut others = [SecondNode::spawn(&world), SecondNode::spawn(&world)];
    world.start_server().await;
    for other in &mut others {
        other.ready().await;
    }
    let rows = "select count(*) from signing_keys where state in ('active', 'next')";
    assert_eq!(count(&world, rows).await, 10, "one set of keys for all");
    create_user(&world, "alice");
    let app = App::register(&world, "app", &[]);
    let browser = sign_in(&world, "alice").await;
    let tokens = app.tokens(&browser).await;
    for other in &others {
        app.at(other).assert_alive(&tokens).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_are_one_provider() {
    let world = World::start(Backend::Production).await;
    let mut second = SecondNode::spawn(&world);
    second.ready().await;
    create_user(&world, "alice");
    let here = App::register(&world, "app", &[]);
    let there = here.at(&second);
    let browser = sign_in(&world, "alice").await;
    let elsewhere = at_node(&browser, &second);
    assert!(is_signed_in(&elsewhere).await, "one session on both nodes");

    // A code issued here is redeemed there, once; a refresh works anywhere.
    let code = here.code(&browser).await;
    let tokens = there.redeem(&code).await.tokens();
    let next = here.refresh(&tokens.refresh).await.tokens();
    let last = there.refresh(&next.refresh).await.tokens();
    here.assert_alive(&last).await;
    there.assert_alive(&last).await;
    let races = (0..10).map(|n| if n % 2 == 0 { &here } else { &there });
    let answers = join_all(races.map(|app| app.refresh(&last.refresh))).await;
    let successors: std::collections::HashSet<_> =
        answers.iter().map(|answer| answer.tokens().refresh).collect();
    assert_eq!(successors.len(), 1, "one lineage across nodes");

    // Ended there, dead here.
    let kept = here.tokens(&browser).await;
    sign_out(&elsewhere).await;
    here.wait_until_access_dead(&kept.access).await;
    here.assert_dead(&kept).await;
    assert!(!is_signed_in(&browser).await);

    // A replayed code is noticed whichever node sees it.
    let browser = sign_in(&world, "alice").await;
    let code = here.code(&browser).await;
    let tokens = here.redeem(&code).await.tokens();
    there.redeem(&code).await.assert_error(400, "invalid_grant");
    here.wait_until_dead(&tokens).await;
}

/// The same browser, sent by its proxy to another node.
fn at_node(browser: &Browser, node: &SecondNode) -> Browser {
    let other = Browser::new(&node.base());
    for name in [SESSION_COOKIE, "doorward_browser"] {
        other.plant_cookie(name, &browser.cookie(name).unwrap_or_default());
    }
    other
}
