//! Two clicks on the button of one sign-in form, as happens where no script stops the second one: the
//! browser shows what the second leads to, and there is one session. Whoever has not proved the same in the
//! same browser gets nothing of it. So it is on the page on which somebody with a temporary password chooses
//! another one, which is chosen once.

use futures_util::future::join_all;

use crate::kit::audit::events;
use crate::kit::flow::{
    App, PASSWORD, claim, count, create_user, every_node, is_signed_in, sign_in, sign_out,
    try_submit,
};
use crate::support::browser_like::{Browser, Page};
use crate::support::form::Form;
use crate::support::world::World;

const CHOSEN: &str = "nine paper herons fold at dusk";
const SESSIONS: &str = "select count(*) from sessions";
const ALIVE: &str = "select count(*) from sessions where revoked_at is null";

/// The same browser as often as wanted, each as it is before any click was answered.
async fn clicking(browser: &Browser, form: &Form, times: usize) -> Vec<(Browser, Page)> {
    join_all((0..times).map(|_| async {
        let before = browser.copy();
        let page = try_submit(&before, form.clone()).await.expect("an answer");
        (before, page)
    }))
    .await
}

/// The same form for each node.
fn at_every_node(browser: &Browser, form: &Form, bases: &[String]) -> Vec<Form> {
    let at = |base: &String| {
        let mut form = form.clone();
        form.action.set_port(browser.resolve(base).port()).expect("a port");
        form
    };
    bases.iter().map(at).collect()
}

/// The page that a temporary password leads to, filled in with another one.
async fn choosing(world: &World, browser: &Browser, address: &str) -> Form {
    let given = world.cli(&["user", "set-password", "alice", "--temporary"]);
    let temporary = given["temporary_password"].as_str().expect("a password");
    let page = form(browser, address).await.set("password", temporary).submit().await;
    page.assert_status(200);
    page.form("choose-password").set("password", CHOSEN)
}

async fn form(browser: &Browser, address: &str) -> Form {
    let form = browser.get(address).await.form("sign-in");
    let form =
        if form.value("username") == Some("") { form.set("username", "alice") } else { form };
    form.set("password", PASSWORD)
}

on_both_backends! {
    async fn a_second_click_leads_to_the_session_of_the_first(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = world.browser();
        let form = form(&browser, &app.authorize_path(&[])).await;
        let first = browser.copy();
        let answer = try_submit(&first, form.clone()).await.expect("an answer");
        let earlier = answer.follow_within().await.location_parameter("code").expect("a code");
        let second = browser.copy();
        let answer = try_submit(&second, form).await.expect("an answer");
        let later = answer.follow_within().await.location_parameter("code").expect("a code");

        assert_eq!(count(&world, SESSIONS).await, 1);
        assert!(is_signed_in(&second).await, "the browser has the cookie of the second answer");
        assert!(!is_signed_in(&first).await, "a session has one cookie");
        // An app that was sent both answers is harmed by neither.
        assert_ne!(earlier, later, "each answer has a code of its own");
        let (earlier, later) = (app.redeem(&earlier).await.tokens(), app.redeem(&later).await.tokens());
        assert_eq!(claim(&earlier.id, "sid"), claim(&later.id, "sid"));
        app.assert_alive(&earlier).await;
        app.assert_alive(&later).await;
        assert_eq!(events(&world, "session.created").await, 1);
        assert_eq!(events(&world, "session.renewed").await, 1);
        assert_eq!(events(&world, "anomaly.found").await, 0, "it is the same browser");
    }

    async fn clicks_at_the_same_moment_make_one_session_on_however_many_nodes(world: World) {
        create_user(&world, "alice");
        let (bases, _node) = every_node(&world).await;
        let browser = world.browser();
        let forms = at_every_node(&browser, &form(&browser, "/login").await, &bases);
        let clicks = join_all(forms.iter().map(|form| clicking(&browser, form, 4))).await;
        let clicks: Vec<_> = clicks.into_iter().flatten().collect();
        let mut signed_in = 0;
        for (browser, page) in &clicks {
            page.assert_status(303);
            signed_in += usize::from(is_signed_in(browser).await);
        }
        assert_eq!(count(&world, SESSIONS).await, 1);
        assert_eq!(signed_in, 1, "the last answer has the cookie that is good");
        assert_eq!(events(&world, "session.created").await, 1);
        let renewed = i64::try_from(clicks.len()).unwrap() - 1;
        assert_eq!(events(&world, "session.renewed").await, renewed);
    }

    async fn two_clicks_on_signing_in_again_keep_the_session(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "alice").await;
        let tokens = app.tokens(&browser).await;
        let form = form(&browser, &app.authorize_path(&[("prompt", "login")])).await;
        let clicks = clicking(&browser, &form, 2).await;
        for (_, page) in &clicks {
            page.assert_status(303);
        }
        app.assert_alive(&tokens).await;
        assert_eq!((count(&world, SESSIONS).await, count(&world, ALIVE).await), (1, 1));
        assert_eq!(events(&world, "session.ended").await, 0);
    }

    async fn a_session_that_another_person_had_ends_once(world: World) {
        for name in ["alice", "bob"] {
            create_user(&world, name);
        }
        let app = App::register(&world, "app", &[]);
        let browser = sign_in(&world, "bob").await;
        let form = form(&browser, &app.authorize_path(&[("prompt", "login")])).await;
        let form = form.forge("username", "alice");
        let clicks = clicking(&browser, &form, 2).await;
        let mut signed_in = 0;
        for (browser, page) in &clicks {
            page.assert_status(303);
            signed_in += usize::from(is_signed_in(browser).await);
        }
        assert_eq!(signed_in, 1);
        assert!(!is_signed_in(&browser).await, "bob's session has ended");
        assert_eq!((count(&world, SESSIONS).await, count(&world, ALIVE).await), (2, 1));
        assert_eq!(events(&world, "session.ended").await, 1);
    }

    async fn whoever_proves_less_gets_nothing_of_the_session(world: World) {
        for name in ["alice", "bob"] {
            create_user(&world, name);
        }
        let browser = world.browser();
        let form = form(&browser, "/login").await;
        let first = browser.copy();
        try_submit(&first, form.clone()).await.expect("an answer").assert_status(303);

        let guessing = browser.copy();
        let wrong = form.clone().set("password", "wrong");
        try_submit(&guessing, wrong).await.expect("an answer").assert_status(401);
        assert!(!is_signed_in(&guessing).await);
        // The page of another browser is no page here.
        let stranger = world.browser();
        stranger.get("/login").await.assert_status(200);
        try_submit(&stranger, form.clone()).await.expect("an answer");
        assert!(!is_signed_in(&stranger).await);
        assert_eq!(count(&world, SESSIONS).await, 1);
        // Somebody else, and the same person who wants it to last, have sessions of their own.
        let other = browser.copy();
        let bob = form.clone().set("username", "bob");
        try_submit(&other, bob).await.expect("an answer").assert_status(303);
        let lasting = browser.copy();
        let remembered = form.clone().check("remember", "on");
        try_submit(&lasting, remembered).await.expect("an answer").assert_status(303);
        assert_eq!(count(&world, ALIVE).await, 3);
        for browser in [&first, &other, &lasting] {
            assert!(is_signed_in(browser).await, "nobody's cookie has died of it");
        }
    }

    async fn a_session_that_has_ended_does_not_come_back(world: World) {
        create_user(&world, "alice");
        let browser = world.browser();
        let form = form(&browser, "/login").await;
        let first = browser.copy();
        try_submit(&first, form.clone()).await.expect("an answer").assert_status(303);
        sign_out(&first).await;
        let second = browser.copy();
        try_submit(&second, form).await.expect("an answer").assert_status(303);
        assert!(is_signed_in(&second).await && !is_signed_in(&first).await);
        assert_eq!((count(&world, SESSIONS).await, count(&world, ALIVE).await), (2, 1));
    }

    async fn a_second_click_on_choosing_a_password_leads_to_the_session_of_the_first(world: World) {
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let browser = world.browser();
        let form = choosing(&world, &browser, &app.authorize_path(&[])).await;
        let first = browser.copy();
        let answer = try_submit(&first, form.clone()).await.expect("an answer");
        let earlier = answer.follow_within().await.location_parameter("code").expect("a code");
        let second = browser.copy();
        let answer = try_submit(&second, form.clone()).await.expect("an answer");
        let later = answer.follow_within().await.location_parameter("code").expect("a code");

        assert!(is_signed_in(&second).await && !is_signed_in(&first).await);
        assert_eq!(count(&world, SESSIONS).await, 1);
        let (earlier, later) = (app.redeem(&earlier).await.tokens(), app.redeem(&later).await.tokens());
        assert_eq!(claim(&earlier.id, "sid"), claim(&later.id, "sid"));
        app.assert_alive(&later).await;
        for (kind, times) in [("user.password_reset", 1), ("session.created", 1), ("session.renewed", 1)] {
            assert_eq!(events(&world, kind).await, times, "{kind}");
        }
        // Whoever types something else there has proved nothing, and it counts as a wrong password.
        let guessing = browser.copy();
        let other = form.clone().set("password", "another fine day for kites");
        let answer = try_submit(&guessing, other).await.expect("an answer");
        answer.assert_status(401);
        assert!(answer.text().contains("counts no more") && !is_signed_in(&guessing).await);
        assert_eq!(events(&world, "sign_in.failed").await, 1);
        // An administrator has taken it back.
        world.cli_with_input(&["user", "set-password", "alice", "--password-file", "-"], PASSWORD);
        let late = browser.copy();
        try_submit(&late, form).await.expect("an answer").assert_status(401);
        assert!(!is_signed_in(&late).await && !is_signed_in(&second).await);
        world.assert_log_is_clean(&[CHOSEN]);
    }

    async fn of_clicks_at_the_same_moment_one_sets_the_password_and_all_lead_on(world: World) {
        create_user(&world, "alice");
        let (bases, _node) = every_node(&world).await;
        let browser = world.browser();
        let form = choosing(&world, &browser, "/login").await;
        let forms = at_every_node(&browser, &form, &bases);
        let clicks = join_all(forms.iter().map(|form| clicking(&browser, form, 3))).await;
        let mut signed_in = 0;
        for (browser, page) in clicks.iter().flatten() {
            page.assert_status(303);
            signed_in += usize::from(is_signed_in(browser).await);
        }
        assert_eq!(signed_in, 1, "the last answer has the cookie that is good");
        assert_eq!((count(&world, SESSIONS).await, count(&world, ALIVE).await), (1, 1));
        for kind in ["user.password_reset", "session.created"] {
            assert_eq!(events(&world, kind).await, 1, "{kind}");
        }
        assert_eq!(events(&world, "sign_in.failed").await, 0);
    }
}
