//! Letters reach people through a real mail server, in time, once, and whatever the server does.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::Value;

use crate::kit::fixtures::{ALICE, BOB, Bed, Person};
use crate::kit::flow::{PATIENCE, count, execute, get};
use crate::kit::smtp::{PASSWORD, Reply, Security, SmtpServer};
use crate::support::authority::Authority;
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::world::World;

const NEW_PASSWORD: &str = "eleven brave teapots rehearse";

async fn bed(backend: Backend, post: &SmtpServer) -> Bed {
    Bed::new(post.known_to(World::builder(backend)).start().await, &[]).await
}

/// Something that is told by mail: an administrator sets a password.
fn set_password(bed: &Bed, person: &Person) {
    let arguments = ["user", "set-password", person.username, "--password-file", "-"];
    bed.world.cli_with_input(&arguments, NEW_PASSWORD);
}

async fn waiting(bed: &Bed) -> i64 {
    count(&bed.world, "select count(*) from outbox").await
}

/// What the doctor says about mail.
fn examined(world: &World) -> Value {
    let output = world.run(&["doctor", "--format", "json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let checks = report["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["name"] == "mail").expect("mail").clone()
}

async fn wait_for_a_failed_try(bed: &Bed) {
    let failed = "doorward_email_deliveries_total{result=\"failed\"}";
    wait_until_async("a failed try", PATIENCE, async || {
        let metrics = get(&bed.world.management_url("/metrics")).await.text;
        metrics.lines().any(|line| line.starts_with(failed) && !line.ends_with(" 0"))
    })
    .await;
}

on_both_backends! {
    async fn a_letter_arrives_once_with_its_headers_in_text_and_html(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let bed = bed(backend, &post).await;
        set_password(&bed, &ALICE);
        let letters = post.wait_for(ALICE.email, 1).await;
        let letter = &letters[0];
        assert_eq!(letter.header("From").replace('"', ""), "Our Door <sso@door.test>");
        assert_eq!(letter.header("To"), ALICE.email);
        assert_eq!(letter.header("Subject"), "Doorward: your password was changed");
        assert_eq!(letter.header("Auto-Submitted"), "auto-generated");
        assert!(letter.header("Message-ID").ends_with("@localhost>"), "{}", letter.header("Message-ID"));
        for body in [letter.text(), letter.html()] {
            assert!(body.contains("alice") && body.contains(&bed.world.issuer), "{body}");
            assert!(!body.contains(NEW_PASSWORD), "{body}");
        }
        wait_until_async("an empty outbox", PATIENCE, async || waiting(&bed).await == 0).await;
        assert_eq!(post.letters(ALICE.email).len(), 1);
        let metrics = get(&bed.world.management_url("/metrics")).await.text;
        assert!(metrics.contains("doorward_email_deliveries_total{result=\"sent\"} 1"), "{metrics}");
        assert!(!metrics.contains("people.test"), "{metrics}");
        bed.assert_log_is_clean();
    }

    async fn a_busy_server_gets_the_letter_later_and_a_refusal_is_given_up(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let bed = bed(backend, &post).await;
        post.answer(Reply::Busy, 2);
        set_password(&bed, &ALICE);
        post.wait_for(ALICE.email, 1).await;
        assert_eq!(post.refused(), 2);
        post.answer(Reply::NoMailbox, 50);
        set_password(&bed, &BOB);
        wait_until_async("giving up", PATIENCE * 3, async || {
            bed.audit_count("delivery.given_up").await == 1
        })
        .await;
        assert_eq!((post.refused(), post.letters(BOB.email).len()), (7, 0), "five tries");
        assert_eq!(waiting(&bed).await, 0);
        bed.world.assert_log_is_clean(&[BOB.email, ALICE.email]);
    }

    async fn a_server_that_is_down_loses_no_letter(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let mut world = post.known_to(World::builder(backend)).start().await;
        let right = world.setting("DOORWARD_MAIL__URL").unwrap().to_owned();
        world.set("DOORWARD_MAIL__URL", "smtp://127.0.0.1:9");
        world.restart().await;
        let mut bed = Bed::new(world, &[]).await;
        set_password(&bed, &ALICE);
        wait_for_a_failed_try(&bed).await;
        assert_eq!(waiting(&bed).await, 1);
        bed.world.set("DOORWARD_MAIL__URL", &right);
        bed.world.kill9();
        bed.world.start_server().await;
        post.wait_for(ALICE.email, 1).await;
    }

    async fn nobody_is_written_to_at_an_address_that_may_be_a_strangers(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let bed = bed(backend, &post).await;
        execute(&bed.world, "update users set email_verified = false where username = 'bob'").await;
        set_password(&bed, &BOB);
        set_password(&bed, &ALICE);
        post.wait_for(ALICE.email, 1).await;
        assert!(post.letters(BOB.email).is_empty());
        assert_eq!(bed.audit_count("user.password_set").await, 2);
    }

    async fn a_directory_takes_letters_in_place_of_a_server(backend: Backend) {
        let builder = World::builder(backend)
            .env("DOORWARD_MAIL__URL", "file:no-directory/letters")
            .env("DOORWARD_MAIL__FROM", "sso@door.test")
            .env("DOORWARD_OUTBOX__FIRST_RETRY", "1");
        let mut world = builder.prepare().await;
        // A file is where the directory should be.
        world.write("no-directory", "");
        world.start_server().await;
        let bed = Bed::new(world, &[]).await;
        set_password(&bed, &ALICE);
        wait_for_a_failed_try(&bed).await;
        let found = examined(&bed.world);
        assert_eq!(found["ok"], false, "{found}");
        assert!(found["problem"].as_str().unwrap().contains("no-directory/letters"), "{found}");
        let test = bed.world.run(&["mail", "test", "ada@people.test", "--format", "json"]);
        let told: Value = serde_json::from_slice(&test.stdout).expect("what came of it");
        assert_eq!((&told["result"], test.status.code()), (&"failed".into(), Some(1)), "{told}");

        std::fs::remove_file(bed.world.path("no-directory")).expect("remove the file");
        wait_until_async("an empty outbox", PATIENCE * 3, async || waiting(&bed).await == 0).await;
        let folder = bed.world.path("no-directory/letters");
        let files: Vec<_> = std::fs::read_dir(&folder).expect("letters").flatten().collect();
        assert_eq!(files.len(), 1, "{files:?}");
        let file = files[0].path();
        assert_eq!(file.extension().and_then(OsStr::to_str), Some("eml"), "{}", file.display());
        let mode = |path: &Path| std::fs::metadata(path).expect("it").permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&file)), (0o700, 0o600));
        let letter = std::fs::read_to_string(&file).expect("a letter");
        for line in ["From: sso@door.test", "Subject: Doorward: your password was changed"] {
            assert!(letter.contains(line), "{line} is not in {letter}");
        }
        assert!(letter.contains(&format!("To: {}", ALICE.email)), "{letter}");

        let found = examined(&bed.world);
        assert_eq!(found["ok"], true, "{found}");
        assert!(found["found"].as_str().unwrap().contains("reach nobody"), "{found}");
        let told = bed.world.cli(&["mail", "test", "ada@people.test"]);
        assert_eq!(told["result"], "sent", "{told}");
        assert!(told["said"].as_str().unwrap().contains("was written into"), "{told}");
        assert_eq!(std::fs::read_dir(&folder).expect("letters").count(), 2);
        bed.world.assert_log_is_clean(&[ALICE.email, "ada@people.test"]);
    }

    async fn what_waits_in_the_outbox_is_sealed(backend: Backend) {
        let world = World::builder(backend)
            .env("DOORWARD_MAIL__URL", "smtp://127.0.0.1:9")
            .env("DOORWARD_MAIL__FROM", "sso@door.test");
        let bed = Bed::new(world.start().await, &[]).await;
        set_password(&bed, &ALICE);
        assert_eq!(waiting(&bed).await, 1);
        let readable = "select count(*) from outbox where cast(payload as text) like '%people.test%' \
                        or cast(payload as text) like '%alice%'";
        assert_eq!(count(&bed.world, readable).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn letters_go_over_tls_with_a_password_from_the_start_or_after_starttls() {
    for security in [Security::StartTls, Security::Tls] {
        let post = SmtpServer::start(security);
        let bed = bed(Backend::Embedded, &post).await;
        set_password(&bed, &ALICE);
        post.wait_for(ALICE.email, 1).await;
        bed.world.assert_log_is_clean(&[PASSWORD]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_signs_in_to_the_mail_server() {
    let post = SmtpServer::start(Security::StartTls);
    let mut world = post.known_to(World::builder(Backend::Embedded)).start().await;
    assert_eq!(examined(&world)["ok"], true, "{}", examined(&world));
    world.set("DOORWARD_MAIL__PASSWORD", "another-password");
    let wrong = examined(&world);
    assert!(wrong["problem"].as_str().unwrap().contains("535"), "{wrong}");
    // Nobody vouches for its certificate any more.
    let other = world.path("other.pem");
    std::fs::write(&other, Authority::new().pem()).expect("write the certificate");
    world.set("DOORWARD_OUTBOUND__EXTRA_CA_FILE", &other.display().to_string());
    assert_eq!(examined(&world)["ok"], false);
    // A server without STARTTLS gets neither the password nor a letter.
    let plain = SmtpServer::start(Security::Plain);
    let other_world = plain.known_to(World::builder(Backend::Embedded)).prepare().await;
    world.set("DOORWARD_MAIL__URL", other_world.setting("DOORWARD_MAIL__URL").unwrap());
    assert_eq!(examined(&world)["ok"], false);
    let shown = world.run(&["config", "show"]);
    assert!(!String::from_utf8_lossy(&shown.stdout).contains("another-password"));
}
