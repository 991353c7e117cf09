//! A new password by a link ends everything that the old one had opened, and signs nobody in.

use reqwest::Method;

use crate::kit::api::{Api, all_scopes, is};
use crate::kit::audit::logged;
use crate::kit::console::{self, Admin, field};
use crate::kit::fixtures::{ALICE, BOB, Person};
use crate::kit::flow::{App, SESSION_COOKIE, Tokens, is_signed_in};
use crate::kit::gateway::{Question, WIKI, gateway, visitor};
use crate::support::browser_like::Browser;
use crate::support::cookies::SetCookie;
use crate::support::world::World;

/// What is chosen by the first link and by the second one.
const CHOSEN: [&str; 2] = ["eleven brave teapots rehearse", "a quieter harbour since tuesday"];

/// What one browser of a person has opened.
struct Held {
    browser: Browser,
    /// The cookie for the apps behind the gateway.
    entrance: String,
    bound: Tokens,
    offline: Tokens,
    /// Not redeemed yet.
    code: String,
}

impl Held {
    async fn by(world: &World, (app, person): (&App, &Person)) -> Self {
        let (browser, entrance) = visitor(world, person).await;
        let bound = app.tokens(&browser).await;
        let offline = app.tokens_with(&browser, &[("scope", "openid offline_access")]).await;
        let code = app.code(&browser).await;
        Self { browser, entrance, bound, offline, code }
    }

    async fn passes_the_gateway(&self, world: &World) -> bool {
        Question::about(world, WIKI, "/").cookie(&self.entrance).status().await == 200
    }

    async fn assert_alive(&self, world: &World, app: &App) {
        assert!(is_signed_in(&self.browser).await);
        assert!(self.passes_the_gateway(world).await);
        for tokens in [&self.bound, &self.offline] {
            app.assert_alive(tokens).await;
        }
    }

    async fn assert_dead(&self, world: &World, app: &App) {
        assert!(!is_signed_in(&self.browser).await);
        assert!(!self.passes_the_gateway(world).await);
        for tokens in [&self.bound, &self.offline] {
            app.assert_dead(tokens).await;
        }
        app.redeem(&self.code).await.assert_error(400, "invalid_grant");
    }
}

/// A link that a program asks for.
async fn link_by_program(world: &World, owner: &Admin) -> String {
    let api = Api::with_key(world, &owner.username, &all_scopes());
    let made = is(api.command(Method::POST, "/users/alice/reset-link").await, 200).json();
    made["url"].as_str().expect("a link").to_owned()
}

/// A link that an administrator makes by a button.
async fn link_in_the_console(owner: &Admin) -> String {
    let made = owner.post("/admin/users/alice/reset-link", &[]).await;
    made.assert_status(200);
    field(&made, "link")
}

on_both_backends! {
    async fn a_password_chosen_by_a_link_ends_everything_and_signs_nobody_in(backend: Backend) {
        let world = gateway(backend).await;
        let app = App::register(&world, "app", &[]);
        let owner = console::admin(&world, "owner").await;
        let theirs = Held::by(&world, (&app, &BOB)).await;
        let mut alice = ALICE;
        for (round, chosen) in CHOSEN.into_iter().enumerate() {
            let one = Held::by(&world, (&app, &alice)).await;
            let two = Held::by(&world, (&app, &alice)).await;
            // In a browser that nobody has used, and in one that is signed in with the old password.
            let (link, browser) = if round == 0 {
                (link_by_program(&world, &owner).await, world.browser())
            } else {
                (link_in_the_console(&owner).await, one.browser.clone())
            };
            let page = browser.get(&link).await;
            page.assert_status(200);
            let refused = page.form("reset-password").set("password", "short").submit().await;
            refused.assert_status(422);
            // A link that was made and looked at, and a password that was refused, end nothing.
            for held in [&one, &two] {
                held.assert_alive(&world, &app).await;
            }
            let before = browser.cookie(SESSION_COOKIE);
            let done = refused.form("reset-password").set("password", chosen).submit().await;
            done.assert_status(303);
            assert_eq!(done.location().path(), "/login", "{}", done.describe());
            // At once: the answer comes after the end is true.
            for held in [&one, &two] {
                held.assert_dead(&world, &app).await;
            }
            let given = |cookie: &SetCookie| cookie.name == SESSION_COOKIE && !cookie.deletes();
            assert!(!done.set_cookies().iter().any(given), "{}", done.describe());
            assert!([None, before].contains(&browser.cookie(SESSION_COOKIE)), "another session");
            assert!(!is_signed_in(&browser).await);
            browser.get(&link).await.assert_status(403);
            theirs.assert_alive(&world, &app).await;
            assert!(!console::can_sign_in(&world, alice.username, alice.password).await);
            alice = Person { password: chosen, ..alice };
            assert!(console::can_sign_in(&world, alice.username, alice.password).await);
            assert_eq!(logged(&world, "user.password_reset").len(), round + 1);
        }
        world.assert_log_is_clean(&[ALICE.password, CHOSEN[0], CHOSEN[1]]);
    }
}
