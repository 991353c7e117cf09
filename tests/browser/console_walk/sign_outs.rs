//! People signed out by somebody else: one everywhere, with what stays signed in by itself, an app taken from
//! them, and all sessions that a search finds.

use super::{Owner, PAGE_THAT_ASKS};
use crate::fixtures::{App, PASSWORD, Person};
use crate::support::browser_like::Browser;

impl Owner {
    pub(super) async fn signs_people_out(&self) {
        Person("sid").exists(&self.world);
        self.signs_one_out_everywhere().await;
        self.takes_an_app_away().await;
        self.signs_out_what_is_found().await;
        for kind in ["user.signed_out_everywhere", "consent.withdrawn", "sessions.ended"] {
            assert_eq!(self.noted(kind), 1, "{kind}");
        }
    }

    async fn signs_one_out_everywhere(&self) {
        let browser = &self.browser;
        let app = App::registered(&self.world);
        let (session, refresh) = self.lets_in(&app, "sid", "openid offline_access").await;
        session.get("/account").await.assert_status(200);
        browser.click_text("People").await;
        browser.click_text("sid").await;
        self.is_at("/admin/users/", "Where they are signed in").await;
        browser.click_text("Sign out everywhere").await;
        let question = self.question();
        browser.click(&format!("{question} input[name='connections']")).await;
        let answer = "sid is signed out everywhere";
        self.says_yes(question, "person-sign-out", answer).await;
        browser.wait_for_text("Nowhere at the moment").await;
        self.sees("person-signed-out").await;
        session.get("/account").await.assert_status(303);
        assert!(!app.refreshes(&refresh).await, "what was ticked ends, too");
    }

    /// From the page of the person.
    async fn takes_an_app_away(&self) {
        let browser = &self.browser;
        assert!(browser.has("[aria-label='Remove Orchard Wiki']").await);
        let answer = "Orchard Wiki is removed from their apps";
        self.confirms("Remove", "person-remove-app", answer).await;
        assert!(!browser.has("[aria-label='Remove Orchard Wiki']").await);
    }

    async fn signs_out_what_is_found(&self) {
        let browser = &self.browser;
        let sessions = [self.signs_sid_in().await, self.signs_sid_in().await];
        browser.click_text("Sessions").await;
        browser.fill("user", "sid").await;
        browser.click("form.search button").await;
        self.is_at("/admin/sessions?user=sid", "Sign out all of these").await;
        self.sees("sessions-found").await;
        browser.click("p.actions a.button").await;
        browser.wait_for_text("This signs out 2 sessions of sid").await;
        self.says_yes(PAGE_THAT_ASKS, "sessions-sign-out", "2 sessions are signed out").await;
        self.is_at("/admin/sessions?user=sid", "is not signed in anywhere").await;
        for session in sessions {
            session.get("/account").await.assert_status(303);
        }
    }

    async fn signs_sid_in(&self) -> Browser {
        let elsewhere = self.world.browser();
        let form = elsewhere.get("/login").await.form("sign-in");
        let form = form.set("username", "sid").set("password", PASSWORD);
        form.submit().await.assert_status(303);
        elsewhere
    }
}
