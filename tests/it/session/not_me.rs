//! "This was not me": a letter's link ends a sign-in and starts recovery, once, and only by its button.

use std::time::Duration;

use futures_util::future::{join, join_all};
use reqwest::Method;
use serde_json::json;

use crate::kit::api::{Api, is};
use crate::kit::checks::{assert_alive, assert_dead};
use crate::kit::console::{Admin, admin, create, enter, field};
use crate::kit::fixtures::{ALICE, BOB, Bed, Person, fill_in};
use crate::kit::flow::{App, count, execute, is_signed_in, sign_out};
use crate::kit::grant::{Clients, Device};
use crate::kit::smtp::{Security, SmtpServer};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::world::World;

const NEW_PASSWORD: &str = "eleven brave teapots rehearse";

/// Alice's own browser, a thief's, and the link that she got about the thief.
struct Theft {
    bed: Bed,
    post: SmtpServer,
    own: Browser,
    thief: Browser,
    link: String,
}

impl Theft {
    async fn happens(backend: Backend) -> Self {
        let post = SmtpServer::start(Security::Plain);
        let bed = Bed::new(post.known_to(World::builder(backend)).start().await, &[]).await;
        let own = bed.signed_in(&ALICE).await;
        let thief = bed.signed_in(&ALICE).await;
        let link = post.wait_for(ALICE.email, 1).await[0].link();
        Self { bed, post, own, thief, link }
    }

    /// The page behind the link, in a browser that nobody used.
    async fn page(&self) -> Page {
        let page = self.bed.world.browser().get(&self.link).await;
        page.assert_status(200);
        page
    }

    fn token(&self) -> &str {
        self.link.split_once("token=").expect("a token").1
    }
}

/// An owner of the console, a thief in the owner's name, and the link that the owner got about the thief.
struct OwnersTheft {
    // Takes letters for as long as it is there.
    _post: SmtpServer,
    world: World,
    own: Admin,
    thief: Admin,
    link: String,
}

impl OwnersTheft {
    async fn happens(backend: Backend) -> Self {
        let post = SmtpServer::start(Security::Plain);
        let world = post.known_to(World::builder(backend)).start().await;
        let own = admin(&world, "owner").await;
        execute(&world, "update users set email_verified = true").await;
        let thief = enter(&world, &own.username).await;
        let link = post.wait_for("the-owner@example.test", 1).await[0].link();
        Self { _post: post, world, own, thief, link }
    }
}

/// Asks the console for a key, under a name and for somebody.
async fn make_key(admin: &Admin, (name, user): (&str, &str)) -> Page {
    let fields = [("name", name), ("user", user), ("scope", "doorward.users:read"), ("days", "30")];
    admin.post("/admin/api-keys", &fields).await
}

/// A key that an administrator makes in the console, under a name and for somebody.
async fn made_key(world: &World, admin: &Admin, of: (&str, &str)) -> Api {
    let made = make_key(admin, of).await;
    made.assert_status(200);
    Api::new(world, &field(&made, "api-key"))
}

async fn try_password(world: &World, person: &Person, password: &str) -> u16 {
    let browser = world.browser();
    let form = fill_in(&browser.get("/login").await, person).set("password", password);
    form.submit().await.status.as_u16()
}

on_both_backends! {
    async fn the_button_ends_the_thiefs_session_and_leads_to_a_new_password(backend: Backend) {
        let theft = Theft::happens(backend).await;
        let world = &theft.bed.world;
        let app = App::register(world, "wiki", &[]);
        let kept = app.tokens(&theft.own).await;
        let stolen = app.tokens(&theft.thief).await;
        let offline = app.tokens_with(&theft.thief, &[("scope", "openid offline_access")]).await;
        let page = theft.page().await;
        page.assert_page_headers();
        assert!(page.text().contains("alice"), "{}", page.describe());
        let form = page.form("not-me").uncheck("others");
        let answer = form.submit().await;
        answer.assert_status(303);
        assert!(!is_signed_in(&theft.thief).await && is_signed_in(&theft.own).await);
        app.assert_dead(&stolen).await;
        app.assert_dead(&offline).await;
        app.assert_alive(&kept).await;
        assert_eq!(try_password(world, &ALICE, ALICE.password).await, 401, "it works no more");

        let reset = answer.follow().await;
        let done = reset.form("reset-password").set("password", NEW_PASSWORD).submit().await;
        done.assert_status(303);
        assert_eq!(try_password(world, &ALICE, NEW_PASSWORD).await, 303);
        assert_eq!(theft.bed.audit_count("sign_in.disowned").await, 1);
        let letters = theft.post.wait_for(ALICE.email, 3).await;
        assert!(letters[1].text().contains("/login/reset?token="), "{}", letters[1].text());
        assert!(letters[2].header("Subject").contains("password was changed"));
        world.assert_log_is_clean(&[theft.token(), ALICE.password, NEW_PASSWORD]);
    }

    async fn everything_ends_if_asked_and_the_thief_is_a_stranger_again(backend: Backend) {
        let theft = Theft::happens(backend).await;
        let bed = &theft.bed;
        theft.page().await.form("not-me").submit().await.assert_status(303);
        assert!(!is_signed_in(&theft.thief).await && !is_signed_in(&theft.own).await);
        let recovery = theft.post.wait_for(ALICE.email, 2).await[1].link();
        let reset = bed.world.browser().get(&recovery).await;
        reset.form("reset-password").set("password", NEW_PASSWORD).submit().await.assert_status(303);
        // Should the thief have the new password as well: the device is not a known one.
        let before = bed.audit_count("anomaly.found").await;
        let form = fill_in(&theft.thief.get("/login").await, &ALICE).set("password", NEW_PASSWORD);
        form.submit().await.assert_status(303);
        assert!(bed.audit_count("anomaly.found").await > before);
    }

    async fn a_device_that_the_thief_let_in_gets_nothing_any_more(backend: Backend) {
        let theft = Theft::happens(backend).await;
        let world = &theft.bed.world;
        let mut clients = Clients::default();
        clients.register(world, "tv", ("device", json!({})));
        let tv = clients.rp(world, "tv");
        let device = Device::ask(tv.clone(), "openid offline_access").await;
        device.answer(&theft.thief, "allow").await.assert_status(303);
        let fetched = Device::ask(tv.clone(), "openid").await.tokens(&theft.thief).await;
        let own = Device::ask(tv.clone(), "openid offline_access").await.tokens(&theft.own).await;
        theft.page().await.form("not-me").uncheck("others").submit().await.assert_status(303);
        device.poll().await.assert_oauth_error(400, "access_denied");
        assert_dead(&tv, &fetched).await;
        // What the person let in themselves stays with the other sessions.
        assert_alive(&tv, &own.access).await;
        assert_eq!(count(world, "select count(*) from grants where revoked_at is null").await, 1);
    }

    async fn the_end_of_a_session_leaves_the_devices_that_were_let_in_there(backend: Backend) {
        let theft = Theft::happens(backend).await;
        let world = &theft.bed.world;
        let mut clients = Clients::default();
        clients.register(world, "tv", ("device", json!({})));
        let tv = clients.rp(world, "tv");
        let tokens = Device::ask(tv.clone(), "openid").await.tokens(&theft.own).await;
        sign_out(&theft.own).await;
        assert_alive(&tv, &tokens.access).await;
        // Whoever ends up with the letter says so in time, too, when that session is long over.
        let tokens = Device::ask(tv.clone(), "openid").await.tokens(&theft.thief).await;
        sign_out(&theft.thief).await;
        assert_alive(&tv, &tokens.access).await;
        theft.page().await.form("not-me").uncheck("others").submit().await.assert_status(303);
        assert_dead(&tv, &tokens).await;
    }

    async fn a_key_that_the_thief_made_in_the_console_is_refused(backend: Backend) {
        let OwnersTheft { world, own, thief, link, .. } = OwnersTheft::happens(backend).await;
        let make = async |admin: &Admin, name: &str| made_key(&world, admin, (name, &own.username)).await;
        let (kept, stolen) = (make(&own, "kept").await, make(&thief, "stolen").await);
        is(stolen.get("/users").await, 200);
        let form = world.browser().get(&link).await.form("not-me").uncheck("others");
        form.submit().await.assert_status(303);
        is(stolen.get("/users").await, 401);
        is(kept.get("/users").await, 200);
        let revoked = "select count(*) from audit_events where kind = 'api_key.revoked'";
        assert_eq!(count(&world, revoked).await, 1);
    }

    async fn keys_that_were_made_for_others_in_any_session_that_ends_are_refused(backend: Backend) {
        let OwnersTheft { world, own, thief, link, .. } = OwnersTheft::happens(backend).await;
        create(&world, "olga", Some("owner"));
        let further = enter(&world, &own.username).await;
        let olga = enter(&world, "olga").await;
        let (mut stolen, kept) = (Vec::new(), made_key(&world, &olga, ("own", "olga")).await);
        for admin in [&thief, &further] {
            stolen.push(made_key(&world, admin, ("stolen", "olga")).await);
        }
        world.browser().get(&link).await.form("not-me").submit().await.assert_status(303);
        for key in &stolen {
            is(key.get("/users").await, 401);
        }
        is(kept.get("/users").await, 200);
    }

    async fn a_key_that_is_made_while_the_session_ends_ends_as_well(backend: Backend) {
        let OwnersTheft { world, own, thief, link, .. } = OwnersTheft::happens(backend).await;
        let form = world.browser().get(&link).await.form("not-me").uncheck("others");
        let make = async |turn: u64| {
            tokio::time::sleep(Duration::from_millis(2 * turn)).await;
            make_key(&thief, (&format!("k{turn}"), &own.username)).await.status.as_u16()
        };
        let (answer, statuses) = join(form.submit(), join_all((0..24).map(make))).await;
        answer.assert_status(303);
        assert!(statuses.iter().all(|status| *status < 500), "{statuses:?}");
        let living = "select count(*) from api_keys where revoked_at is null";
        assert_eq!(count(&world, living).await, 0, "{statuses:?}");
    }

    async fn looking_at_the_link_changes_nothing(backend: Backend) {
        let theft = Theft::happens(backend).await;
        let world = &theft.bed.world;
        let events = "select count(*) from audit_events";
        let before = count(world, events).await;
        for method in [Method::GET, Method::HEAD, Method::GET] {
            let browser = world.browser();
            let url = browser.resolve(&theft.link);
            browser.send(browser.request(method, &url)).await.assert_status(200);
        }
        assert!(is_signed_in(&theft.thief).await);
        assert_eq!(count(world, events).await, before);
        assert_eq!(try_password(world, &ALICE, ALICE.password).await, 303);
        let page = theft.page().await;
        page.assert_header("referrer-policy", "no-referrer").assert_header("cache-control", "no-store");
        // A form that no page of ours made presses no button.
        let browser = world.browser();
        let forged = browser.post("/login/not-me", &[("token", theft.token())]).await;
        forged.assert_status(403);
        assert!(is_signed_in(&theft.thief).await);
    }

    async fn of_many_who_press_the_button_at_once_one_gets_a_reset_link(backend: Backend) {
        let theft = Theft::happens(backend).await;
        let mut forms = Vec::new();
        for _ in 0..8 {
            forms.push(theft.page().await.form("not-me").submit());
        }
        let answers = join_all(forms).await;
        let through = answers.iter().filter(|page| page.status.as_u16() == 303).count();
        assert_eq!(through, 1);
        assert!(answers.iter().all(|page| matches!(page.status.as_u16(), 303 | 403)));
        let live = "select count(*) from one_time_links where kind = 'password_reset'";
        assert_eq!(count(&theft.bed.world, live).await, 1);
        assert_eq!(theft.bed.audit_count("sign_in.disowned").await, 1);
    }

    async fn links_that_do_not_work_look_alike_and_are_throttled(backend: Backend) {
        let theft = Theft::happens(backend).await;
        let world = &theft.bed.world;
        let seen = |page: &Page| (page.status.as_u16(), page.texts("main p"));
        let unknown = world.browser().get(&format!("/login/not-me?token={}", "A".repeat(43))).await;
        let spent = theft.page().await;
        execute(world, "update one_time_links set expires_at = 1 where kind = 'not_me'").await;
        let expired = world.browser().get(&theft.link).await;
        assert_eq!(seen(&unknown), seen(&expired));
        assert_eq!(seen(&spent.form("not-me").submit().await), seen(&expired));
        expired.assert_status(403);
        // One kind of link opens no other door.
        let token = theft.token();
        world.browser().get(&format!("/login/reset?token={token}")).await.assert_status(403);
        let mut page = expired;
        for _ in 0..60 {
            page = world.browser().get("/login/not-me?token=guess").await;
            if page.status.as_u16() == 429 {
                break;
            }
        }
        page.assert_status(429);
        assert!(page.header("retry-after").parse::<i64>().unwrap() >= 1);
        for _ in 0..5 {
            world.browser().get("/login/not-me?token=guess").await.assert_status(429);
        }
        assert_eq!(theft.bed.audit_count("limit.passed").await, 1, "one event, however long");
    }

    async fn a_new_password_or_address_and_a_disabled_account_end_the_link(backend: Backend) {
        let theft = Theft::happens(backend).await;
        let world = &theft.bed.world;
        world.cli_with_input(&["user", "set-password", "alice", "--password-file", "-"], NEW_PASSWORD);
        world.browser().get(&theft.link).await.assert_status(403);

        let browser = world.browser();
        let form = fill_in(&browser.get("/login").await, &ALICE).set("password", NEW_PASSWORD);
        form.submit().await.assert_status(303);
        let letters = theft.post.wait_for(ALICE.email, 3).await;
        let link = letters.iter().rev().find(|letter| letter.text().contains("not-me")).unwrap().link();
        world.browser().get(&link).await.assert_status(200);
        world.cli(&["user", "disable", "alice"]);
        world.browser().get(&link).await.assert_status(403);
        assert_ne!(link, theft.link);
        assert_eq!(try_password(world, &BOB, BOB.password).await, 303, "nobody else is touched");
    }
}
