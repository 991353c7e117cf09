//! People: add, invite, change, disable, delete; and what the invited person then sees.

use thirtyfour::By;

use super::{Look, Owner};
use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::fixtures::{PASSWORD, Person};

#[tokio::test]
async fn everybody_on_a_page_is_chosen_with_one_box() {
    let browser = Browser::new(Viewport::Phone, Scheme::Dark, Script::On).await;
    let owner = Owner::enters(browser, Look::AsItIs).await;
    let browser = &owner.browser;
    Person("bob").exists(&owner.world);
    owner.goes_to("/admin/users").await;
    let chosen = async || {
        let boxes = browser.driver().find_all(By::Css("input[name=who]:checked")).await;
        let some = browser.driver().find_all(By::Css("#choose-all:indeterminate")).await;
        (boxes.unwrap().len(), some.unwrap().len())
    };
    browser.click("#choose-all").await;
    assert_eq!(chosen().await, (2, 0));
    owner.sees("people-chosen").await;
    browser.click("input[name=who]").await;
    assert_eq!(chosen().await, (1, 1), "some, and not all");
    browser.click("#choose-all").await;
    assert_eq!(chosen().await, (2, 0));
    browser.click("#choose-all").await;
    assert_eq!(chosen().await, (0, 0));
    owner.leaves().await;
}

impl Owner {
    pub(super) async fn looks_after_people(&self) {
        self.adds_a_person().await;
        let link = self.makes_a_password_link().await;
        self.changes_and_disables().await;
        // Disabling ends every link, and enabling brings none back.
        let link = self.replaces_link(&link).await;
        self.hands_over_the_link(&link).await;
        self.deletes().await;
    }

    async fn adds_a_person(&self) {
        let browser = &self.browser;
        browser.click_text("People").await;
        self.is_at("/admin/users", "Everybody with an account").await;
        self.sees("people").await;
        browser.fill("q", "zzz").await;
        browser.click("form.search button").await;
        self.is_at("/admin/users?q=zzz&role=&state=", "Nobody matches").await;
        self.sees("people-none").await;
        browser.click_text("Show everybody").await;
        browser.click_text("Add a person").await;
        self.is_at("/admin/users/new", "They choose their own password").await;
        self.sees("person-new").await;
        browser.fill("username", "ada").await;
        browser.fill("name", "Dora Doorman").await;
        browser.fill("email", "dora@example.com").await;
        browser.submit("user").await;
        browser.wait_for_text("is taken").await;
        assert!(browser.title().await.starts_with("Error: "));
        self.sees("person-new-error").await;
        browser.fill("username", "dora").await;
        browser.fill("groups", "staff\ngardeners").await;
        browser.submit("user").await;
        browser.wait_for_text("There is no group “staff” yet.").await;
        self.sees("person-new-group").await;
        browser.click("#make_groups").await;
        browser.submit("user").await;
        browser.wait_for_text("A link for dora").await;
        self.sees("person-link").await;
    }

    /// From the person's own page; the first link, made with the account, works no more then.
    async fn makes_a_password_link(&self) -> String {
        let browser = &self.browser;
        let first = self.link_shown().await;
        browser.click_text("Done").await;
        self.is_at("/admin/users/", "Not chosen yet").await;
        self.sees("person").await;
        self.replaces_link(&first).await
    }

    async fn replaces_link(&self, first: &str) -> String {
        let browser = &self.browser;
        browser.click_text("Make a password link").await;
        browser.wait_for_text("A link for dora").await;
        let second = self.link_shown().await;
        assert_ne!(first, second);
        assert_eq!(self.world.browser().get(first).await.status, 403);
        browser.click_text("Done").await;
        second
    }

    async fn link_shown(&self) -> String {
        let field = self.browser.find("#link").await;
        field.prop("value").await.unwrap().expect("a link")
    }

    async fn changes_and_disables(&self) {
        let browser = &self.browser;
        browser.fill("name", "Dora D. Doorman").await;
        browser.submit("user").await;
        browser.wait_for_text("Dora D. Doorman is saved").await;
        self.sees("person-saved").await;
        self.confirms("Disable", "person-disable", "is disabled and signed out everywhere").await;
        self.sees("person-disabled").await;
        browser.click_text("Enable").await;
        browser.wait_for_text("can sign in again").await;
    }

    /// The person opens the link in the same browser, once the owner has signed out.
    async fn hands_over_the_link(&self, link: &str) {
        let browser = &self.browser;
        browser.click_text("Sign out").await;
        browser.wait_for_text("You are signed out").await;
        browser.open(link).await;
        browser.wait_for_text("Choose a password").await;
        self.sees("password-choose").await;
        browser.fill("password", "short").await;
        browser.submit("reset-password").await;
        browser.wait_for_text("There is something to change").await;
        self.sees("password-error").await;
        browser.fill("password", PASSWORD).await;
        browser.submit("reset-password").await;
        self.is_at("/login", "Your new password is saved").await;
        self.sees("password-saved").await;
        browser.open(link).await;
        browser.wait_for_text("This link works no more").await;
        self.sees("password-link-spent").await;
        self.visits_the_console_without_a_role(browser).await;
    }

    async fn visits_the_console_without_a_role(&self, browser: &Browser) {
        self.lets_somebody_in(browser, &Person("dora")).await;
        self.goes_to("/account").await;
        browser.wait_for_text("Hello, Dora D. Doorman").await;
        assert!(!browser.has("a[href='/admin']").await, "a link that leads nowhere for her");
        self.goes_to("/admin").await;
        browser.wait_for_text("Not for this account").await;
        self.sees("forbidden").await;
        browser.click_text("Use another account").await;
        browser.click("button[value='logout']").await;
        browser.wait_for_text("You are signed out").await;
    }

    /// From the page of somebody who is deleted, and who is deleted again then.
    async fn brings_back(&self) {
        let browser = &self.browser;
        let before = self.noted("user.enabled");
        browser.click_text("Bring back").await;
        browser.wait_for_text("can sign in again").await;
        self.sees("person-back").await;
        assert_eq!(self.noted("user.enabled"), before + 1);
        self.confirms("Delete", "person-delete-again", "is deleted in 7 days").await;
        browser.click_text("Recently deleted").await;
        self.is_at("/admin/users?state=to_be_deleted", "can be brought back for seven days").await;
        browser.click_text("dora").await;
        browser.wait_for_text("Deleted for good").await;
    }

    async fn deletes(&self) {
        let browser = &self.browser;
        self.goes_to("/admin").await;
        Person("ada").sign_in(browser).await;
        self.is_at("/admin", "Overview").await;
        self.sees("overview").await;
        browser.click_text("People").await;
        browser.click_text("dora").await;
        browser.wait_for_text("Apps with this person’s consent").await;
        self.sees("person-with-app").await;
        self.confirms("Delete", "person-delete", "is deleted in 7 days").await;
        self.is_at("/admin/users", "Everybody with an account").await;
        browser.click_text("Recently deleted").await;
        self.is_at("/admin/users?state=to_be_deleted", "can be brought back for seven days").await;
        self.sees("people-deleted").await;
        browser.click_text("dora").await;
        browser.wait_for_text("Deleted for good").await;
        self.sees("person-leaving").await;
        self.brings_back().await;
        self.confirms("Delete", "person-delete-now", "is deleted").await;
        self.is_at("/admin/users", "Everybody with an account").await;
        assert!(!browser.text().await.contains("dora@example.com"));
    }
}
