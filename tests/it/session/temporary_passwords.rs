//! Temporary passwords: what an administrator knows opens nothing but the page that replaces it.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;

use crate::kit::api::{Api, all_scopes, is, make_key, refused, service};
use crate::kit::audit::{events, noted};
use crate::kit::checks::assert_success;
use crate::kit::console::{admin, can_sign_in, create, field};
use crate::kit::fixtures::{ALICE, Bed, Callback, STATE, Tokens};
use crate::kit::flow::{
    PASSWORD, SESSION_COOKIE, count, create_user, execute, is_signed_in, submit_sign_in,
};
use crate::support::browser_like::{Browser, Page};
use crate::support::world::World;

const NEW: &str = "nine paper herons fold at dusk";

/// Gives somebody a temporary password at the command line.
fn give(world: &World, username: &str) -> String {
    let given = world.cli(&["user", "set-password", username, "--temporary"]);
    given["temporary_password"].as_str().unwrap_or_else(|| panic!("{given}")).to_owned()
}

/// The page that the right temporary password leads to.
async fn proven(browser: &Browser, username: &str, temporary: &str) -> Page {
    let page = submit_sign_in(browser, username, temporary).await;
    page.assert_status(200).assert_page_headers();
    assert!(page.has_form("choose-password"), "{}", page.describe());
    assert_eq!(browser.cookie(SESSION_COOKIE), None, "no session");
    page
}

async fn choose(page: &Page, password: &str) -> Page {
    page.form("choose-password").set("password", password).submit().await
}

/// Checks that an answer to the page came to nothing, and says so.
async fn assert_over(browser: &Browser, answer: &Page) {
    answer.assert_status(401);
    assert!(answer.text().contains("This temporary password counts no more"), "{}", answer.text());
    assert!(answer.has_form("sign-in") && !is_signed_in(browser).await);
}

on_both_backends! {
    async fn a_temporary_password_leads_through_a_new_one_to_the_app(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let before = bed.signed_in(&ALICE).await;
        let temporary = give(&bed.world, ALICE.username);
        assert!(!is_signed_in(&before).await, "sessions end");
        assert!(!can_sign_in(&bed.world, ALICE.username, ALICE.password).await, "as does the password");

        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let form = rp.authorize(&browser, &[]).await.form("sign-in");
        let form = form.set("username", ALICE.email).set("password", &temporary);
        let page = form.submit().await;
        page.assert_status(200).assert_page_headers();
        assert_eq!(page.title(), "Choose your own password – Doorward");
        assert!(page.has("#new-password[autocomplete=new-password]") && page.text().contains("At least 12"));
        assert_eq!(page.form("choose-password").value("username"), Some(ALICE.username));
        // Nothing is open yet.
        let assert_nobody = async || {
            assert_eq!(browser.cookie(SESSION_COOKIE), None);
            assert!(!is_signed_in(&browser).await);
            let silent = rp.authorize(&browser, &[("prompt", "none")]).await;
            assert_eq!(Callback::of(&silent).get("error"), Some("login_required"));
            assert_eq!(count(&bed.world, "select count(*) from sessions where revoked_at is null").await, 0);
        };
        assert_nobody().await;
        let mut page = page;
        for (typed, said) in [
            ("short", "Use at least 12 characters."),
            ("passwordpassword", "easy to guess"),
            ("alicealicealice", "easy to guess"),
            (&temporary, "Choose another password than the temporary one."),
        ] {
            page = choose(&page, typed).await;
            page.assert_status(422).assert_page_headers();
            assert!(page.title().starts_with("Error: ") && page.text().contains(said), "{}", page.text());
            assert_eq!(page.form("choose-password").value("password"), Some(""), "never sent back");
            assert_nobody().await;
        }
        let consent = choose(&page, NEW).await.follow_within().await;
        let page = consent.form("consent").press("decision", "allow").submit().await;
        assert_success(&Callback::of(&page), &rp, STATE);
        let tokens = Tokens::of(&rp.redeem(&Callback::of(&page).code()).await);
        let claims = tokens.id_claims();
        assert_eq!((&claims["amr"], &claims["acr"]), (&json!(["pwd"]), &json!("aal1")));
        assert!(is_signed_in(&browser).await);

        assert!(!can_sign_in(&bed.world, ALICE.username, &temporary).await, "it is dead");
        assert!(can_sign_in(&bed.world, ALICE.username, NEW).await);
        let told = format!("{:?}{:?}", noted(&bed.world, "user.password_set"), noted(&bed.world, "user.password_reset"));
        assert!(told.contains("temporary_until") && told.contains("temporary password"), "{told}");
        assert!(!told.contains(&temporary) && !told.contains(NEW), "{told}");
        let kept = format!("select count(*) from passwords where phc like '%{temporary}%' or temporary_until is not null");
        assert_eq!(count(&bed.world, &kept).await, 0);
        bed.world.assert_log_is_clean(&[&temporary, NEW]);
    }

    async fn of_many_who_choose_at_once_one_gets_through(world: World) {
        create_user(&world, "alice");
        let temporary = give(&world, "alice");
        let mut pages = Vec::new();
        for n in 0..8 {
            let browser = world.browser();
            let page = proven(&browser, "alice", &temporary).await;
            pages.push((browser, page, format!("{n} {NEW} {n}")));
        }
        let answers = join_all(pages.iter().map(|(_, page, chosen)| choose(page, chosen))).await;
        let mut winners = Vec::new();
        for ((browser, _, chosen), answer) in pages.iter().zip(&answers) {
            if answer.status.as_u16() == 303 {
                assert!(is_signed_in(browser).await);
                winners.push(chosen);
            } else {
                assert_over(browser, answer).await;
            }
        }
        assert_eq!((winners.len(), events(&world, "user.password_reset").await), (1, 1));
        assert!(can_sign_in(&world, "alice", winners[0]).await);
        // The page of the winner is worth nothing more, either.
        for (_, page, _) in &pages {
            choose(page, "another fine day for kites").await.assert_status(401);
        }
        assert!(can_sign_in(&world, "alice", winners[0]).await);
        assert_eq!(events(&world, "user.password_reset").await, 1);
    }

    async fn an_expired_one_is_answered_as_a_wrong_one_and_another_helps(world: World) {
        create_user(&world, "alice");
        let temporary = give(&world, "alice");
        let wrong = submit_sign_in(&world.browser(), "alice", "something else").await;
        let browser = world.browser();
        let page = proven(&browser, "alice", &temporary).await;
        execute(&world, "update passwords set temporary_until = 1").await;
        let expired = submit_sign_in(&world.browser(), "alice", &temporary).await;
        assert_eq!((expired.status, expired.texts(".summary")), (wrong.status, wrong.texts(".summary")));
        assert_eq!(expired.status.as_u16(), 401);
        assert_eq!(noted(&world, "sign_in.failed")[0]["reason"], "temporary_password_expired");
        // Who was shown the page in time is too late as well.
        assert_over(&browser, &choose(&page, NEW).await).await;
        let another = give(&world, "alice");
        let answer = choose(&proven(&browser, "alice", &another).await, NEW).await;
        assert_eq!(answer.location().path(), "/account");
        assert!(is_signed_in(&browser).await && can_sign_in(&world, "alice", NEW).await);
    }

    async fn whatever_ends_sessions_or_sets_a_password_ends_the_page(world: World) {
        let own = ["user", "set-password", "alice", "--password-file", "-"];
        create_user(&world, "alice");
        for step in ["password", "temporary", "sign-out", "disable"] {
            let browser = world.browser();
            let page = proven(&browser, "alice", &give(&world, "alice")).await;
            match step {
                "password" => drop(world.cli_with_input(&own, PASSWORD)),
                "temporary" => drop(give(&world, "alice")),
                "sign-out" => drop(world.cli(&["session", "revoke", "--user", "alice"])),
                _ => drop(world.cli(&["user", "disable", "alice"])),
            }
            assert_over(&browser, &choose(&page, NEW).await).await;
            assert!(!can_sign_in(&world, "alice", NEW).await, "{step}");
        }
        assert_eq!(events(&world, "user.password_reset").await, 0);
        assert_eq!(count(&world, "select count(*) from sessions").await, 0);
    }

    async fn it_counts_only_while_whoever_gave_it_may_still_change_the_account(world: World) {
        admin(&world, "owner").await;
        let owner = Api::with_key(&world, "the-owner", &all_scopes());
        admin(&world, "operator").await;
        let operator = Api::with_key(&world, "the-operator", &all_scopes());
        create(&world, "ada", None);
        let path = |who: &str| format!("/users/{who}/temporary-password");
        refused(operator.command(Method::POST, &path("the-owner")).await, 403, "forbidden");
        let given = is(operator.command(Method::POST, &path("ada")).await, 200).json();
        let temporary = given["temporary_password"].as_str().expect("a password");
        let browser = world.browser();
        let page = proven(&browser, "ada", temporary).await;
        is(owner.patch_now("/users/ada", &json!({ "role": "owner" })).await, 200);
        assert_over(&browser, &choose(&page, NEW).await).await;
        // And one that stands on what is still so.
        let given = is(owner.command(Method::POST, &path("ada")).await, 200).json();
        let temporary = given["temporary_password"].as_str().expect("a password");
        let answer = choose(&proven(&browser, "ada", temporary).await, NEW).await;
        assert_eq!(answer.status.as_u16(), 303, "{}", answer.describe());
    }

    async fn it_counts_only_while_the_program_that_gave_it_works(world: World) {
        create(&world, "the-owner", Some("owner"));
        create(&world, "ada", None);
        let scopes = ["doorward.users:read", "doorward.users:write"];
        let robot = service(&world, "robot", &scopes);
        let (id, text) = make_key(&world, "the-owner", &scopes);
        for (program, end) in [
            (Api::of_service(&world, &robot).await, &["client", "update", "robot", "--disable"][..]),
            (Api::new(&world, &text), &["api-key", "revoke", id.as_str()][..]),
        ] {
            let given = program.command(Method::POST, "/users/ada/temporary-password").await;
            let given = is(given, 200).json();
            let temporary = given["temporary_password"].as_str().expect("a password");
            let browser = world.browser();
            let page = proven(&browser, "ada", temporary).await;
            world.cli(end);
            assert_over(&browser, &choose(&page, NEW).await).await;
        }
    }

    async fn administrators_give_one_in_the_console_and_with_the_api(world: World) {
        let owner = admin(&world, "owner").await;
        let bob = create(&world, "bob", None);
        let api = Api::with_key(&world, "the-owner", &all_scopes());
        let path = format!("/admin/users/{bob}");
        let step = format!("{path}/temporary-password");
        assert!(owner.page(&path).await.has(&format!("a[href$='{step}']")));
        let question = owner.page(&step).await;
        assert!(question.text().contains("links to choose one, work no more"), "{}", question.text());
        assert!(can_sign_in(&world, "bob", PASSWORD).await, "a question changes nothing");
        let shown = question.form_to(&step).submit().await;
        shown.assert_status(200).assert_page_headers();
        let temporary = field(&shown, "temporary");
        assert_eq!(temporary.len(), 23, "{temporary}");
        proven(&world.browser(), "bob", &temporary).await;
        assert!(!owner.page(&path).await.body.contains(&temporary), "shown once");
        let given = is(api.command(Method::POST, "/users/bob/temporary-password").await, 200).json();
        proven(&world.browser(), "bob", given["temporary_password"].as_str().expect("a password")).await;
        assert!(given["expires_at"].is_string(), "{given}");
        assert!(!can_sign_in(&world, "bob", &temporary).await, "the later one counts");
        // Nobody signs in to a disabled account.
        world.cli(&["user", "disable", "bob"]);
        let refusal = api.command(Method::POST, "/users/bob/temporary-password").await;
        refused(refusal, 409, "disabled");
        let answer = owner.post(&step, &[]).await;
        assert!(owner.message_after(&answer).await.contains("disabled"));
        world.assert_log_is_clean(&[&temporary]);
    }

    async fn the_console_is_closed_before_it_is_replaced_and_open_after(world: World) {
        create(&world, "the-owner", Some("owner"));
        let temporary = give(&world, "the-owner");
        let browser = world.browser();
        let form = browser.get("/login?next=admin").await.form("sign-in");
        let page = form.set("username", "the-owner").set("password", &temporary).submit().await;
        page.assert_status(200);
        assert_eq!(browser.get("/admin").await.location().path(), "/login");
        assert_eq!(choose(&page, NEW).await.location().path(), "/admin");
        browser.get("/admin").await.assert_status(200);
    }

    async fn pages_in_which_nothing_was_proven_change_nothing(world: World) {
        create_user(&world, "alice");
        let temporary = give(&world, "alice");
        let browser = world.browser();
        let sign_in = browser.get("/login").await.form("sign-in");
        let other = |name: &str| sign_in.value(name).expect("a field").to_owned();
        let (flow, csrf) = (other("flow"), other("csrf"));
        let fields = [("flow", &*flow), ("csrf", &*csrf), ("username", "alice"), ("password", NEW)];
        browser.post("/login/password", &fields).await.assert_status(403);
        // What was proven in one browser is of no use in another.
        let page = proven(&browser, "alice", &temporary).await;
        let form = page.form("choose-password");
        let thief = world.browser();
        let csrf = thief.get("/login").await.form("sign-in").value("csrf").expect("a token").to_owned();
        let flow = form.value("flow").expect("a flow").to_owned();
        let fields = [("flow", &*flow), ("csrf", &*csrf), ("username", "alice"), ("password", NEW)];
        let stolen = thief.post("/login/password", &fields).await;
        assert!(stolen.status.is_client_error(), "{}", stolen.describe());
        let unsigned = form.forge("csrf", "x").set("password", NEW).submit().await;
        unsigned.assert_status(403);
        assert!(!can_sign_in(&world, "alice", NEW).await);
        assert_eq!(events(&world, "user.password_reset").await, 0);
        browser.get("/login/password").await.assert_status(405);
    }

    async fn an_export_with_hashes_leaves_it_out_and_a_backup_keeps_it(mut world: World) {
        create_user(&world, "alice");
        create_user(&world, "bob");
        let temporary = give(&world, "alice");
        let exported = world.run(&["user", "export", "--with-password-hashes"]);
        let exported = String::from_utf8(exported.stdout).expect("text");
        assert_eq!(exported.matches("$argon2id$").count(), 1, "{exported}");
        assert!(exported.contains("alice"), "{exported}");
        let file = world.path("all.tar").display().to_string();
        world.cli(&["backup", &file]);
        world.cli_with_input(&["user", "set-password", "alice", "--password-file", "-"], PASSWORD);
        world.stop();
        let restored = world.run(&["restore", "--replace", "--yes", &file]);
        assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
        world.start_server().await;
        assert!(!can_sign_in(&world, "alice", PASSWORD).await);
        let browser = world.browser();
        let answer = choose(&proven(&browser, "alice", &temporary).await, NEW).await;
        assert_eq!(answer.location().path(), "/account");
    }
}
