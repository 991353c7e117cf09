//! Mail in the console, at the REST API and by command: test letters, and what the mail server says to them.

use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, header, is, refused};
use crate::kit::audit::{events, noted};
use crate::kit::console::admin;
use crate::kit::flow::count;
use crate::kit::smtp::{PASSWORD, Reply, Security, SmtpServer};
use crate::support::backends::Backend;
use crate::support::world::World;

const PATH: &str = "/admin/settings/mail";
const OWN: &str = "the-owner@example.test";

/// What `mail test` prints, and the code it ends with.
fn by_command(world: &World, to: &str) -> (Value, Option<i32>) {
    let output = world.run(&["mail", "test", to, "--format", "json"]);
    (serde_json::from_slice(&output.stdout).unwrap_or_default(), output.status.code())
}

on_both_backends! {
    async fn a_test_letter_leaves_from_each_face_at_once(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let world = post.known_to(World::builder(backend)).start().await;
        let owner = admin(&world, "owner").await;
        assert!(owner.page("/admin/settings").await.attributes(".lead a", "href").contains(&PATH.to_owned()));
        let page = owner.page(PATH).await;
        for told in ["smtp://127.0.0.1:", "environment variable DOORWARD_MAIL__URL", "No letter waits."] {
            assert!(page.text().contains(told), "{}", page.text());
        }
        // The form is filled in with one's own address.
        let page = page.form("mail-test").submit().await;
        page.assert_status(200).assert_page_headers();
        let said = page.texts("main .flash").concat();
        assert!(said.contains(&format!("The mail server has taken a letter to {OWN}.")), "{said}");
        let letter = post.wait_for(OWN, 1).await.remove(0);
        assert_eq!(letter.header("Subject"), "Doorward: a test letter");
        for body in [letter.text(), letter.html()] {
            assert!(body.contains("There is nothing to do") && body.contains(&world.issuer), "{body}");
        }
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        let sent = is(api.post("/mail/test", &json!({})).await, 200).json();
        assert_eq!((&sent["result"], &sent["to"]), (&json!("sent"), &json!(OWN)));
        let (sent, code) = by_command(&world, "bob@elsewhere.test");
        assert_eq!((&sent["result"], code), (&json!("sent"), Some(0)));
        assert_eq!((post.letters(OWN).len(), post.letters("bob@elsewhere.test").len()), (2, 1));

        let tested = noted(&world, "mail.tested");
        assert_eq!(tested.len(), 3, "{tested:?}");
        let told = json!(tested).to_string();
        assert!(told.contains("elsewhere.test") && !told.contains("bob@"), "{told}");
        let auditor = admin(&world, "auditor").await;
        let page = auditor.page(PATH).await;
        assert!(page.text().contains("smtp://127.0.0.1:") && !page.has("main form"), "{}", page.text());
        world.assert_log_is_clean(&["bob@elsewhere.test"]);
    }

    async fn a_letter_that_is_not_taken_is_told_in_the_servers_words_with_what_to_do(backend: Backend) {
        let post = SmtpServer::start(Security::Plain);
        let world = post.known_to(World::builder(backend)).start().await;
        let owner = admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        let test = async |to: &str| owner.page(PATH).await.form("mail-test").set("to", to).submit().await;
        post.answer(Reply::NoMailbox, 1);
        let page = test("gone@people.test").await;
        let said = page.assert_status(200).texts("main .flash.warning").concat();
        for told in ["gone@people.test", "550", "Mailbox unavailable", "Try another address"] {
            assert!(said.contains(told), "{told} is not in {said}");
        }
        post.answer(Reply::NoMailbox, 1);
        let refusal = is(api.post("/mail/test", &json!({ "to": "gone@people.test" })).await, 200).json();
        assert_eq!(refusal["result"], "refused", "{refusal}");
        post.answer(Reply::Busy, 1);
        let (busy, code) = by_command(&world, "busy@people.test");
        assert_eq!((&busy["result"], code), (&json!("failed"), Some(1)), "{busy}");
        assert!(busy["said"].as_str().unwrap().contains("451"), "{busy}");
        assert!(busy["advice"].as_str().unwrap().contains("try later"), "{busy}");
        // It is not tried again by itself.
        assert_eq!(count(&world, "select count(*) from outbox").await, 0);

        for bad in ["ada", "a@b, c@d", "Ada <ada@people.test>", "<script>alert(1)</script>@x y"] {
            let page = test(bad).await;
            page.assert_status(422).assert_page_headers();
            assert!(page.text().contains("Use the format name@example.com"), "{}", page.text());
            assert!(!page.body.contains("<script>alert"), "{}", page.body);
            refused(api.post("/mail/test", &json!({ "to": bad })).await, 422, "invalid");
            assert_eq!(by_command(&world, bad).1, Some(1), "{bad}");
        }
        refused(api.post("/mail/test", &json!({ "from": "x@y.test" })).await, 422, "invalid");
        assert_eq!(events(&world, "mail.tested").await, 3, "what is no address is no test");
    }

    async fn without_a_mail_server_that_is_what_is_said(world: World) {
        let owner = admin(&world, "owner").await;
        let page = owner.page(PATH).await;
        assert!(page.text().contains("There is none, so nobody is written to."), "{}", page.text());
        let page = page.form("mail-test").set("to", "").submit().await;
        let said = page.assert_status(200).texts("main .flash.warning").concat();
        assert!(said.contains("nothing was sent") && said.contains("Set mail.url"), "{said}");
        let (none, code) = by_command(&world, "ada@people.test");
        assert_eq!((&none["result"], code), (&json!("not_set_up"), Some(1)));
    }

    async fn so_many_test_letters_leave_in_a_while_and_no_more(world: World) {
        let owner = admin(&world, "owner").await;
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        let wish = json!({ "to": "ada@people.test" });
        for _ in 0..10 {
            is(api.post("/mail/test", &wish).await, 200);
        }
        let later = refused(api.post("/mail/test", &wish).await, 429, "too_many_requests");
        assert_eq!(header(&later, "retry-after"), "600");
        let page = owner.post(&format!("{PATH}/test"), &[("to", "ada@people.test")]).await;
        page.assert_status(429);
        assert_eq!(page.header("retry-after"), "600");
        assert!(page.text().contains("10 test letters were sent"), "{}", page.text());
        assert_eq!(events(&world, "mail.tested").await, 10);
        let passed = noted(&world, "limit.passed");
        assert_eq!((passed.len(), &passed[0]["limit"]), (1, &json!("mail_test")));
    }

    async fn only_owners_send_test_letters(world: World) {
        let operator = admin(&world, "operator").await;
        operator.post(&format!("{PATH}/test"), &[("to", "ada@people.test")]).await.assert_status(403);
        let api = Api::with_key(&world, "the-operator", &all_scopes());
        refused(api.post("/mail/test", &json!({ "to": "ada@people.test" })).await, 403, "forbidden");
        assert_eq!(events(&world, "mail.tested").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_and_a_server_that_is_away_are_told_apart() {
    let post = SmtpServer::start(Security::StartTls);
    let mut world = post.known_to(World::builder(Backend::Embedded)).start().await;
    assert_eq!(by_command(&world, "ada@people.test").0["result"], "sent");
    world.set("DOORWARD_MAIL__PASSWORD", "another-password");
    let (wrong, _) = by_command(&world, "ada@people.test");
    assert_eq!(wrong["result"], "failed");
    assert!(wrong["said"].as_str().unwrap().contains("535"), "{wrong}");
    assert!(wrong["advice"].as_str().unwrap().contains("mail.password"), "{wrong}");
    assert!(!wrong.to_string().contains("another-password"), "{wrong}");
    world.set("DOORWARD_MAIL__URL", "smtp://127.0.0.1:9");
    let (away, _) = by_command(&world, "ada@people.test");
    assert_eq!(away["result"], "failed");
    assert!(away["advice"].as_str().unwrap().contains("mail.url"), "{away}");
    world.assert_log_is_clean(&[PASSWORD]);
}
