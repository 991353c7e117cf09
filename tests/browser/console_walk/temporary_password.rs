//! A temporary password: given on the page of a person, who chooses another one with it.

use super::Owner;
use crate::fixtures::Person;

/// What the person chooses.
const CHOSEN: &str = "nine paper herons fold at dusk";

impl Owner {
    pub(super) async fn gives_a_temporary_password(&self) {
        let browser = &self.browser;
        Person("tess").exists(&self.world);
        let before = self.noted("user.password_set");
        browser.click_text("People").await;
        browser.click_text("tess").await;
        self.is_at("/admin/users/", "Make a password link").await;
        let answer = "A temporary password for tess";
        self.confirms("Temporary password", "temporary-password", answer).await;
        let field = browser.find("#temporary").await;
        let temporary = field.prop("value").await.unwrap().expect("a password");
        assert_eq!(temporary.len(), 23);
        self.sees("temporary-password-once").await;
        browser.click_text("Done").await;
        self.is_at("/admin/users/", "Make a password link").await;
        assert_eq!(self.noted("user.password_set"), before + 1);
        self.lets_tess_choose(&temporary).await;
        assert_eq!(self.noted("user.password_reset"), 1);
        let form = self.world.browser().get("/login").await.form("sign-in");
        let late = form.set("username", "tess").set("password", &temporary).submit().await;
        late.assert_status(401);
        self.world.assert_log_is_clean(&[&temporary, CHOSEN]);
    }

    /// The person comes to the same browser, once the owner has signed out, who is back afterwards.
    async fn lets_tess_choose(&self, temporary: &str) {
        let browser = &self.browser;
        browser.click_text("Sign out").await;
        browser.wait_for_text("You are signed out").await;
        self.goes_to("/login").await;
        browser.fill("username", "tess").await;
        browser.fill("password", temporary).await;
        browser.submit("sign-in").await;
        browser.wait_for_text("Choose your own password").await;
        self.sees("choose-password").await;
        browser.fill("password", temporary).await;
        browser.submit("choose-password").await;
        browser.wait_for_text("Choose another password than the temporary one").await;
        self.sees("choose-password-error").await;
        browser.fill("password", CHOSEN).await;
        browser.submit("choose-password").await;
        self.is_at("/account", "Your username is tess").await;
        browser.click_text("Sign out").await;
        browser.wait_for_text("You are signed out").await;
        self.goes_to("/admin").await;
        Person("ada").sign_in(browser).await;
        self.is_at("/admin", "Overview").await;
    }
}
