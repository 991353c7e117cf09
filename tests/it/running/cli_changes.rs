//! What a command changes reaches a server that runs, on both databases, without a restart.

use futures_util::future::join_all;

use crate::kit::flow::{
    App, PASSWORD, PATIENCE, REDIRECT, count, create_user, every_node, sign_in, submit_sign_in,
};
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;

/// Where codes are sent later.
const ELSEWHERE: &str = "https://elsewhere.test/cb";

/// Whether the node that this app talks to sends a code to this host; one that does not must send nobody.
async fn sends_to(browser: &Browser, app: &App, host: &str) -> bool {
    let page = browser.get(&app.authorize_path(&[]).replace("rp.test", host)).await;
    let Some(place) = page.try_location() else {
        assert!(page.status.is_client_error(), "{}", page.describe());
        return false;
    };
    assert_eq!(place.host_str(), Some(host), "{}", page.describe());
    assert!(page.location_parameter("code").is_some(), "{}", page.describe());
    true
}

on_both_backends! {
    async fn a_client_that_was_asked_for_before_it_existed_works_once_it_does(world: World) {
        create_user(&world, "alice");
        let browser = sign_in(&world, "alice").await;
        let early = App::known(&world, "late", "no-secret-yet-but-long-enough-to-be-one");
        assert!(browser.get(&early.authorize_path(&[])).await.status.is_client_error());
        early.refresh("x").await.assert_error(401, "invalid_client");
        let app = App::register(&world, "late", &[]);
        wait_until_async("the new client being known", PATIENCE, async || {
            browser.get(&app.authorize_path(&[])).await.try_location().is_some()
        })
        .await;
        let tokens = app.tokens(&browser).await;
        app.assert_alive(&tokens).await;
    }

    async fn a_changed_redirect_uri_is_noticed(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        let tokens = app.tokens(&browser).await;
        world.cli(&["client", "update", "app", "--redirect-uri", "https://elsewhere.test/cb"]);
        wait_until_async("the old redirect URI being refused", PATIENCE, async || {
            browser.get(&app.authorize_path(&[])).await.status.is_client_error()
        })
        .await;
        app.assert_alive(&tokens).await;
        world.cli(&["client", "update", "app", "--redirect-uri", REDIRECT]);
        wait_until_async("the redirect URI being back", PATIENCE, async || {
            browser.get(&app.authorize_path(&[])).await.try_location().is_some()
        })
        .await;
    }

    async fn every_node_hears_of_another_and_of_a_changed_redirect_uri(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        let (bases, _second) = every_node(&world).await;
        let nodes: Vec<App> = bases.into_iter().map(|base| app.at_address(base)).collect();
        for node in &nodes {
            // Remembered from here on.
            assert!(sends_to(&browser, node, "rp.test").await);
            assert!(!sends_to(&browser, node, "elsewhere.test").await);
        }
        for uris in [&[REDIRECT, ELSEWHERE][..], &[ELSEWHERE], &[REDIRECT]] {
            let flags = uris.iter().flat_map(|uri| ["--redirect-uri", *uri]);
            let arguments: Vec<&str> = ["client", "update", "app"].into_iter().chain(flags).collect();
            world.cli(&arguments);
            for node in &nodes {
                for (host, uri) in [("rp.test", REDIRECT), ("elsewhere.test", ELSEWHERE)] {
                    let is_there = uris.contains(&uri);
                    wait_until_async(&format!("{uri} of {uris:?}"), PATIENCE, async || {
                        sends_to(&browser, node, host).await == is_there
                    })
                    .await;
                }
            }
        }
    }

    async fn a_rotated_secret_replaces_the_old_one_and_kills_no_token(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let tokens = app.tokens(&sign_in(&world, "alice").await).await;
        let rotated = world.cli(&["client", "rotate-secret", "app"]);
        let renewed = App::known(&world, "app", rotated["client_secret"].as_str().unwrap());
        assert_ne!(renewed.secret, app.secret);
        wait_until_async("the old secret being refused", PATIENCE, async || {
            app.introspect(&tokens.access).await.status == 401
        })
        .await;
        app.refresh(&tokens.refresh).await.assert_error(401, "invalid_client");
        renewed.assert_alive(&tokens).await;
        renewed.refresh(&tokens.refresh).await.tokens();
        world.assert_log_is_clean(&[&app.secret, &renewed.secret]);
    }

    async fn a_second_secret_works_beside_the_first_until_that_is_retired(world: World) {
        let app = App::register(&world, "app", &["--grant-type", "client_credentials"]);
        let marks = || {
            let shown = world.cli(&["client", "show", "app"])["secrets"].clone();
            serde_json::from_value::<Vec<String>>(shown).expect("marks")
        };
        let first = marks();
        assert_eq!(first.len(), 1);
        let only = world.run(&["client", "retire-secret", "app", &first[0], "--yes"]);
        let said = String::from_utf8_lossy(&only.stderr).into_owned();
        assert!(only.status.code() == Some(1) && said.contains("only secret"), "{said}");

        let added = world.cli(&["client", "add-secret", "app"]);
        let new = App::known(&world, "app", added["client_secret"].as_str().expect("a secret"));
        let both = marks();
        assert_eq!(added["secrets"], serde_json::json!(both));
        assert_eq!((both.len(), &both[1]), (2, &first[0]));
        for app in [&app, &new] {
            wait_until_async("both secrets working", PATIENCE, async || {
                app.client_credentials().await.status == 200
            })
            .await;
        }
        for (arguments, words) in [
            (&["client", "add-secret", "app"][..], "two secrets at most"),
            (&["client", "add-secret", "none"], "no client with this client_id"),
            (&["client", "retire-secret", "app", "unknown0", "--yes"], "has no secret unknown0"),
            (&["client", "retire-secret", "none", &both[1], "--yes"], "no client with this client_id"),
        ] {
            let refused = world.run(arguments);
            let said = String::from_utf8_lossy(&refused.stderr).into_owned();
            assert!(refused.status.code() == Some(1) && said.contains(words), "{words}: {said}");
        }
        let left = world.cli(&["client", "retire-secret", "app", &both[1], "--yes"]);
        assert_eq!(left["secrets"], serde_json::json!([both[0]]));
        wait_until_async("the old secret being refused", PATIENCE, async || {
            app.client_credentials().await.status == 401
        })
        .await;
        assert_eq!(new.client_credentials().await.status, 200);
        world.assert_log_is_clean(&[&app.secret, &new.secret]);
    }

    async fn a_person_made_by_command_signs_in_at_once(world: World) {
        let early = submit_sign_in(&world.browser(), "alice", PASSWORD).await;
        assert_eq!(early.status.as_u16(), 401);
        create_user(&world, "alice");
        sign_in(&world, "alice").await;
        // The e-mail address is a login too, in any case.
        let page = submit_sign_in(&world.browser(), "ALICE@Example.TEST", PASSWORD).await;
        page.assert_status(303);
    }

    async fn commands_and_a_busy_server_share_the_database(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        let commands = join_all((0..4).map(|lane| {
            let world = &world;
            async move {
                for number in 0..4 {
                    let name = format!("c{lane}-{number}");
                    let mut command = tokio::process::Command::from(world.command(&[
                        "client", "create", "--name", &name, "--type", "web", "--client-id", &name,
                        "--redirect-uri", REDIRECT,
                    ]));
                    let output = command.output().await.unwrap();
                    let messages = String::from_utf8_lossy(&output.stderr);
                    assert!(output.status.success(), "{name}: {messages}");
                }
            }
        }));
        let load = join_all((0..4).map(|_| async {
            for _ in 0..15 {
                let tokens = app.tokens(&browser).await;
                app.refresh(&tokens.refresh).await.tokens();
            }
        }));
        tokio::join!(commands, load);
        assert_eq!(count(&world, "select count(*) from clients").await, 17);
        assert_eq!(count(&world, "select count(*) from grants").await, 60);
    }

    async fn a_command_leaves_no_session_or_key_of_its_own(world: World) {
        let jwks = crate::kit::flow::get(&world.url("/.well-known/jwks.json")).await.text;
        for command in [["user", "list"], ["client", "list"], ["key", "list"], ["db", "status"]] {
            world.cli(&command);
        }
        assert_eq!(crate::kit::flow::get(&world.url("/.well-known/jwks.json")).await.text, jwks);
        assert_eq!(count(&world, "select count(*) from sessions").await, 0);
    }
}
