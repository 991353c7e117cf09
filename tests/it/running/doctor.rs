//! `doorward doctor`: what it looks at, what is a warning and what a failure, and what it leaves alone.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;

use crate::kit::console::create;
use crate::kit::flow::{App, execute};
use crate::kit::mtls::mtls_world;
use crate::support::authority::{Authority, Name};
use crate::support::backends::Backend;
use crate::support::process::{Guarded, START_LIMIT, Signal, free_port, wait_until};
use crate::support::world::World;

/// The proxy of `deploy/`, in front of this world at `port`, with an authority of its own.
fn proxy(world: &World, port: u16) -> (Guarded, String) {
    let file = std::fs::read_to_string("deploy/caddy/Caddyfile").expect("the file");
    let text = file.replace("doorward:8080", &format!("127.0.0.1:{}", world.port));
    assert_ne!(text, file);
    let options = "{\n\tadmin off\n\tskip_install_trust\n\tauto_https disable_redirects\n}\n";
    let config = world.write("Caddyfile", &format!("{options}{text}"));
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config", &config]);
    command.env("DOORWARD_ISSUER", format!("https://localhost:{port}"));
    for name in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"] {
        command.env(name, world.path("caddy"));
    }
    let process = Guarded::start(&mut command, &world.path("proxy.log"), Signal::Kill);
    let root = world.path("caddy/caddy/pki/authorities/local/root.crt");
    wait_until("the proxy's authority", START_LIMIT, || {
        root.exists() && std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    (process, root.display().to_string())
}

/// What it says, and how it ends.
fn examined(world: &World) -> (i32, Value) {
    let output = world.run(&["doctor", "--format", "json"]);
    let report = serde_json::from_slice(&output.stdout).expect("a report");
    (output.status.code().expect("an exit code"), report)
}

#[track_caller]
fn check<'a>(report: &'a Value, name: &str) -> &'a Value {
    let all = report["checks"].as_array().expect("checks");
    all.iter().find(|check| check["name"] == name).unwrap_or_else(|| panic!("no {name}: {report}"))
}

#[track_caller]
fn assert_says(report: &Value, (name, state): (&str, &str), word: &str) {
    let check = check(report, name);
    assert_eq!(check["state"], state, "{check}");
    assert_eq!(check["ok"], state != "failure", "{check}");
    let text = if state == "ok" { &check["found"] } else { &check["problem"] };
    assert!(text.as_str().unwrap_or_default().contains(word), "{word:?} is not in {check}");
}

on_both_backends! {
    async fn a_provider_that_works_has_no_failure(backend: Backend) {
        let world = World::start(backend).await;
        if backend == Backend::Embedded {
            // As the program makes it; the test's own copy of an earlier start may be open.
            std::fs::set_permissions(world.data_dir(), std::fs::Permissions::from_mode(0o700)).unwrap();
        }
        let (code, report) = examined(&world);
        assert_says(&report, ("administrator", "failure"), "doorward setup-link");
        assert_eq!((code, &report["ok"]), (4, &Value::Bool(false)));
        create(&world, "root", Some("owner"));
        let (code, report) = examined(&world);
        assert_eq!((code, &report["ok"]), (0, &Value::Bool(true)), "{report}");
        let production = backend == Backend::Production;
        assert_says(&report, ("issuer", "ok"), "byte for byte");
        assert_says(&report, ("database", "ok"), if production { "PostgreSQL 1" } else { "SQLite 3" });
        assert_says(&report, ("clocks", "ok"), "agree");
        assert_says(&report, ("cache", "ok"), if production { "Redis" } else { "in this process" });
        assert_says(&report, ("key-age", "ok"), "0 days");
        for name in ["proxies", "files", "randomness", "password-hashing", "apps", "administrator"] {
            assert_eq!(check(&report, name)["state"], "ok", "{report}");
        }
        // What is not there is not looked at.
        let names: Vec<_> = report["checks"].as_array().unwrap().iter()
            .map(|check| check["name"].as_str().unwrap()).collect();
        assert_eq!(names.contains(&"redis-eviction"), production, "{names:?}");
        assert_eq!(names.contains(&"disk"), !production, "{names:?}");
        assert!(!names.contains(&"mail") && !names.contains(&"tls"), "{names:?}");
        let shown = String::from_utf8(world.run(&["doctor"]).stdout).unwrap();
        assert!(shown.contains("[ok]") && !shown.contains("[failure]"), "{shown}");
    }

    async fn an_issuer_that_nobody_answers_for_is_a_warning_and_another_one_a_failure(backend: Backend) {
        let mut world = World::start(backend).await;
        create(&world, "root", Some("owner"));
        // A setting of this command that the server does not have.
        world.set("DOORWARD_REGISTRATION__MODE", "open");
        let (code, report) = examined(&world);
        assert_says(&report, ("issuer", "warning"), "other settings");
        assert_says(&report, ("apps", "warning"), "registration.mode is open");
        assert_eq!(code, 0, "{report}");
        world.set("DOORWARD_REGISTRATION__MODE", "off");
        let right = world.issuer.clone();
        world.set("DOORWARD_ISSUER", &right.replace("localhost", "127.0.0.1"));
        let (code, report) = examined(&world);
        assert_says(&report, ("issuer", "failure"), &format!("calls itself {right}"));
        assert_eq!(code, 4);
        world.set("DOORWARD_SERVER__LISTEN", &format!("127.0.0.1:{}", world.port));
        world.set("DOORWARD_ISSUER", &format!("http://localhost:{}", world.management_port));
        let (_, report) = examined(&world);
        assert_says(&report, ("issuer", "failure"), "404");
        world.set("DOORWARD_ISSUER", &right);
        world.stop();
        let (code, report) = examined(&world);
        assert_says(&report, ("issuer", "warning"), "start the server");
        assert_eq!(code, 0, "{report}");
    }

    async fn another_issuer_than_before_is_a_warning_until_thirty_days_are_over(backend: Backend) {
        let said = "the issuer is another one than this database was served with before";
        let mut world = World::builder(backend).prepare().await;
        let first = world.issuer.clone();
        let other = first.replace("localhost", "127.0.0.1");
        world.start_server().await;
        // Nobody was there yet, so nothing has the first one in it.
        world.set("DOORWARD_ISSUER", &other);
        world.restart().await;
        assert_says(&examined(&world).1, ("issuer-change", "ok"), "none of late");
        assert!(!world.log().contains(said), "{}", world.log());

        execute(&world, "delete from served_issuers").await;
        world.set("DOORWARD_ISSUER", &first);
        world.restart().await;
        create(&world, "root", Some("owner"));
        execute(&world, "update users set created_at = created_at - 60").await;
        execute(&world, "update served_issuers set since = since - 3600").await;
        assert_says(&examined(&world).1, ("issuer-change", "ok"), "none of late");
        assert!(!world.log().contains(said), "{}", world.log());

        world.set("DOORWARD_ISSUER", &other);
        // Before a server has ever started with it, too.
        assert_says(&examined(&world).1, ("issuer-change", "warning"), &first);
        world.restart().await;
        let (code, report) = examined(&world);
        assert_says(&report, ("issuer-change", "warning"), "Set issuer back if that is not meant");
        assert_says(&report, ("issuer", "ok"), "byte for byte");
        assert_eq!(code, 0, "a warning: {report}");
        let log = world.log();
        assert!(log.lines().any(|line| line.contains(said) && line.contains(&first)), "{log}");
        // Set back, everything fits again.
        world.set("DOORWARD_ISSUER", &first);
        assert_says(&examined(&world).1, ("issuer-change", "ok"), "none of late");
        world.set("DOORWARD_ISSUER", &other);

        let month = 30 * 24 * 3_600;
        execute(&world, &format!("update users set created_at = created_at - {month}")).await;
        execute(&world, &format!("update served_issuers set since = since - {month}")).await;
        assert_says(&examined(&world).1, ("issuer-change", "ok"), "none of late");
        let told = world.log().matches(said).count();
        world.restart().await;
        assert_eq!(world.log().matches(said).count(), told, "{}", world.log());
    }

    async fn a_certificate_that_is_refused_or_expired_is_a_failure(backend: Backend) {
        let mut world = mtls_world(backend).await;
        create(&world, "root", Some("owner"));
        let (code, report) = examined(&world);
        assert_says(&report, ("issuer", "ok"), "byte for byte");
        assert_says(&report, ("tls", "ok"), "good for");
        assert_eq!(code, 0, "{report}");
        let names = [Name::Dns("localhost")];
        let old = Authority::shared().issue(&names).expired(&names);
        let expired = world.write("expired.pem", &old.certificate_pem);
        let served = world.setting("DOORWARD_SERVER__TLS_CERT_FILE").unwrap().to_owned();
        world.set("DOORWARD_SERVER__TLS_CERT_FILE", &expired);
        let (code, report) = examined(&world);
        assert_says(&report, ("tls", "failure"), "expired on 2021-01-01");
        assert_eq!(code, 4);
        // Nobody vouches for what is served any more.
        world.set("DOORWARD_SERVER__TLS_CERT_FILE", &served);
        let other = world.write("other.pem", Authority::new().pem());
        world.set("DOORWARD_OUTBOUND__EXTRA_CA_FILE", &other);
        let (_, report) = examined(&world);
        assert_says(&report, ("issuer", "failure"), "outbound.extra_ca_file");
        assert_says(&report, ("tls", "failure"), "refused");
    }

    async fn behind_the_proxy_of_the_compose_file_the_issuer_is_the_configured_one(backend: Backend) {
        let port = free_port();
        let mut world = World::builder(backend).prepare().await;
        world.set("DOORWARD_SERVER__LISTEN", &format!("127.0.0.1:{}", world.port));
        world.issuer = format!("https://localhost:{port}");
        world.set("DOORWARD_ISSUER", &world.issuer.clone());
        world.set("DOORWARD_SERVER__TRUSTED_PROXIES", "127.0.0.1");
        world.start_server().await;
        create(&world, "root", Some("owner"));
        let (_proxy, root) = proxy(&world, port);
        world.set("DOORWARD_OUTBOUND__EXTRA_CA_FILE", &root);
        let (code, report) = examined(&world);
        assert_says(&report, ("issuer", "ok"), "byte for byte");
        assert_says(&report, ("proxies", "ok"), "1 trusted");
        // Its authority gives certificates for half a day.
        assert_says(&report, ("tls", "warning"), "expires in 0 days");
        assert_eq!(code, 0, "{report}");
        let authority = reqwest::Certificate::from_pem(&std::fs::read(&root).unwrap()).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([authority]).build().unwrap();
        for (path, status) in [("/gateway/verify", 404), ("/gateway/envoy/x", 404), ("/login", 200)] {
            let answer = client.get(world.url(path)).send().await.unwrap();
            assert_eq!(answer.status().as_u16(), status, "{path}");
        }
    }

    async fn what_deserves_a_second_look_is_named(backend: Backend) {
        let mut world = World::start(backend).await;
        create(&world, "root", Some("owner"));
        App::register(&world, "wiki", &[]);
        world.cli(&["client", "create", "--name", "Tool", "--type", "native", "--client-id", "tool",
            "--skip-consent", "--redirect-uri", "http://127.0.0.1/cb"]);
        let secrets = world.write("secrets.toml", "[mail]\npassword = \"hunter2-of-mail\"\n");
        std::fs::set_permissions(&secrets, std::fs::Permissions::from_mode(0o644)).unwrap();
        std::fs::set_permissions(world.path(""), std::fs::Permissions::from_mode(0o755)).unwrap();
        world.set("DOORWARD_CONFIG", &secrets);
        world.set("DOORWARD_SERVER__TRUSTED_PROXIES", "10.0.0.0/8,0.0.0.0/0");
        let (code, report) = examined(&world);
        assert_says(&report, ("apps", "warning"), "tool");
        assert!(!check(&report, "apps")["problem"].as_str().unwrap().contains("wiki"), "{report}");
        assert_says(&report, ("files", "warning"), "secrets.toml");
        assert_says(&report, ("proxies", "failure"), "0.0.0.0/0");
        assert_eq!(code, 4);
        assert!(!report.to_string().contains("hunter2"), "{report}");
    }
}
