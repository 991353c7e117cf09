//! Starting wrong, and starting for the first time (security catalogue, rows 146 and 147).

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use crate::fixtures::{Person, fill_in};
use crate::support::backends::Backend;
use crate::support::browser_like::Page;
use crate::support::world::{World, random_key};

const OWNER: Person = Person {
    username: "root-admin",
    email: "root@people.test",
    name: "Root",
    password: "granite lemonade upon the moor",
};

/// Runs `doorward serve`, which must refuse to start within five seconds.
fn refused_start(world: &World, more: &[&str]) -> Output {
    let mut command = world.command(&[&["serve"], more].concat());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start");
    let start = Instant::now();
    while child.try_wait().expect("ask").is_none() {
        if start.elapsed() > Duration::from_secs(5) {
            let _ = child.kill();
            let output = child.wait_with_output().expect("its output");
            panic!("it started: {}", String::from_utf8_lossy(&output.stderr));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().expect("its output")
}

#[track_caller]
fn assert_refused(output: &Output, names: &str, secret: &str) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{names}: {text}");
    assert!(output.stdout.is_empty(), "messages on standard output");
    assert!(text.contains(names), "`{names}` is not named: {text}");
    assert!(secret.is_empty() || !text.contains(secret), "a secret is printed: {text}");
    assert!(!text.contains("panicked") && !text.contains("src/"), "{text}");
    assert!(text.lines().filter(|line| !line.trim().is_empty()).count() <= 3, "too much: {text}");
}

async fn setup_page(world: &World, token: &str) -> Page {
    world.browser().get(&format!("/setup?token={token}")).await
}

fn token_of(link: &serde_json::Value) -> String {
    let url = link["url"].as_str().expect("a link");
    url.split_once("token=").expect("a token").1.to_owned()
}

async fn make_owner(page: &Page) -> Page {
    let form = page.form("setup").set("username", OWNER.username).set("name", OWNER.name);
    form.set("email", OWNER.email).set("password", OWNER.password).submit().await
}

on_both_backends! {
    async fn a_bad_configuration_refuses_to_start_with_one_clear_line(backend: Backend) {
        for (name, value, named) in [
            ("DOORWARD_ISSUER", "http://id.test", "issuer"),
            ("DOORWARD_ISSUER", "https://id.test/?x=1", "issuer"),
            ("DOORWARD_ISSUER", "https://id.test/#x", "issuer"),
            ("DOORWARD_ISSUER", "https://id.test/", "issuer"),
            ("DOORWARD_ISSUER", "id.test", "issuer"),
            ("DOORWARD_ISSUER", "https://user:hunter2hunter2@id.test", "issuer"),
            ("DOORWARD_SECRETS__MASTER_KEY", "hunter2hunter2", "master_key"),
            ("DOORWARD_SECRETS__MASTER_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "master_key"),
            ("DOORWARD_DATABASE__URL", "mysql://doorward:hunter2hunter2@db/x", "database.url"),
            ("DOORWARD_DATABASE__URL", "postgres://doorward:hunter2hunter2@127.0.0.1:1/x", "database"),
            ("DOORWARD_REDIS__URL", "redis://:hunter2hunter2@127.0.0.1:1/0", "redis"),
            ("DOORWARD_REDIS__URL", "http://127.0.0.1", "redis"),
            ("DOORWARD_TOKENS__ACCESS_TOKEN_LIFETIM", "60", "access_token_lifetime"),
            ("DOORWARD_TOKENS__ACCESS_TOKEN_LIFETIME", "86400", "access_token_lifetime"),
            ("DOORWARD_TOKENS__ACCESS_TOKEN_LIFETIME", "soon", "access_token_lifetime"),
            ("DOORWARD_SERVER__LISTEN", "nowhere", "server.listen"),
        ] {
            let mut world = World::builder(backend).prepare().await;
            world.set(name, value);
            assert_refused(&refused_start(&world, &[]), named, "hunter2hunter2");
        }
    }

    async fn a_busy_port_an_unknown_option_or_file_key_refuses_to_start(backend: Backend) {
        let mut world = World::builder(backend).prepare().await;
        let busy = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = busy.local_addr().unwrap().to_string();
        world.set("DOORWARD_SERVER__LISTEN", &address);
        assert_refused(&refused_start(&world, &[]), &address, "");
        let unknown = refused_start(&world, &["--no-such-option"]);
        assert_eq!(unknown.status.code(), Some(2));
        let world = World::builder(backend).config_file("[tokens]\nacces_token_lifetime = 60\n");
        let output = refused_start(&world.prepare().await, &[]);
        assert_eq!(output.status.code(), Some(78));
        assert_refused(&output, "access_token_lifetime", "");
    }

    async fn a_key_file_that_others_can_read_refuses_to_start(backend: Backend) {
        let mut world = World::builder(backend).prepare().await;
        let file = world.path("key");
        let key = random_key();
        std::fs::write(&file, &key).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        world.set("DOORWARD_SECRETS__MASTER_KEY", "");
        world.set("DOORWARD_SECRETS__MASTER_KEY_FILE", &file.display().to_string());
        assert_refused(&refused_start(&world, &[]), "master_key", &key);
    }

    async fn production_never_makes_up_a_key_and_another_key_is_noticed(backend: Backend) {
        let mut world = World::start(backend).await;
        world.stop();
        if backend == Backend::Embedded {
            // Made at the first start, for its owner only.
            let file = world.data_dir().join("master.key");
            let mode = std::fs::metadata(&file).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{mode:o}");
        } else {
            world.set("DOORWARD_SECRETS__MASTER_KEY", "");
            assert_refused(&refused_start(&world, &[]), "master_key", "");
        }
        let other = random_key();
        world.set("DOORWARD_SECRETS__MASTER_KEY", &other);
        assert_refused(&refused_start(&world, &[]), "master", &other);
    }

    async fn the_first_administrator_is_made_once_through_a_link(backend: Backend) {
        let world = World::start(backend).await;
        assert!(!world.log().contains("password"), "a password in the log: {}", world.log());
        // There is no account to guess, and no set-up without a link.
        let browser = world.browser();
        for (username, password) in [("admin", "admin"), ("root", "root"), ("admin", "")] {
            let form = browser.get("/login").await.form("sign-in");
            let page = form.set("username", username).set("password", password).submit().await;
            assert_eq!(page.status.as_u16(), 401);
        }
        for token in ["", "x", &"A".repeat(43)] {
            assert_eq!(setup_page(&world, token).await.status.as_u16(), 403, "{token}");
        }
        let first = token_of(&world.cli(&["setup-link"]));
        let second = token_of(&world.cli(&["setup-link"]));
        assert_ne!(first, second);
        // A newer link ends the older one.
        assert_eq!(setup_page(&world, &first).await.status.as_u16(), 403);
        let page = setup_page(&world, &second).await;
        page.assert_status(200).assert_page_headers();
        let weak = page.form("setup").set("username", OWNER.username).set("name", "x");
        let weak = weak.set("email", OWNER.email).set("password", "short").submit().await;
        assert_eq!(weak.status.as_u16(), 422, "{}", weak.describe());
        // Looking at it, or a refused password, does not spend it.
        let page = setup_page(&world, &second).await;
        let late = setup_page(&world, &second).await;
        make_owner(&page).await.assert_status(303);
        assert_eq!(make_owner(&late).await.status.as_u16(), 403);
        assert_eq!(setup_page(&world, &second).await.status.as_u16(), 403);
        let output = world.run(&["setup-link"]);
        assert_eq!(output.status.code(), Some(1), "a second set-up link");
        let browser = world.browser();
        let signed_in = fill_in(&browser.get("/login").await, &OWNER).submit().await;
        signed_in.assert_status(303);
        world.assert_log_is_clean(&[OWNER.password, &first, &second]);
    }

    async fn an_expired_set_up_link_is_refused(backend: Backend) {
        let world = World::start(backend).await;
        let token = token_of(&world.cli(&["setup-link"]));
        let page = setup_page(&world, &token).await;
        let url = doorward::store::DatabaseSettings::new(world.database_url());
        let store = doorward::store::Store::connect(&url).await.unwrap();
        let aged = "update one_time_links set expires_at = expires_at - 1801";
        assert_eq!(store.db.query(aged).execute().await.unwrap(), 1);
        store.db.close().await;
        assert_eq!(setup_page(&world, &token).await.status.as_u16(), 403);
        assert_eq!(make_owner(&page).await.status.as_u16(), 403);
    }
}
