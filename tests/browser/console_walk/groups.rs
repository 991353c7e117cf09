//! Groups: add, fill, put somebody in charge, rename, delete; and the console as that somebody sees it.

use super::Owner;
use crate::fixtures::Person;

impl Owner {
    pub(super) async fn looks_after_groups(&self) {
        let browser = &self.browser;
        Person("grace").exists(&self.world);
        browser.click_text("Groups").await;
        self.is_at("/admin/groups", "No groups yet").await;
        self.sees("groups-empty").await;
        browser.fill("name", "team/wiki").await;
        browser.fill("description", "Whoever may change the wiki.").await;
        browser.submit("group").await;
        browser.wait_for_text("team/wiki is there").await;
        self.sees("group-empty").await;
        browser.fill("member", "nobody").await;
        browser.submit("add-member").await;
        browser.wait_for_text("Nobody has this username").await;
        self.sees("group-error").await;
        browser.fill("member", "ada").await;
        browser.submit("add-member").await;
        browser.wait_for_text("is in team/wiki now").await;
        browser.fill("manager", "grace").await;
        browser.submit("add-manager").await;
        browser.wait_for_text("looks after team/wiki now").await;
        self.sees("group").await;
        browser.fill("name", "editors").await;
        browser.submit("group").await;
        browser.wait_for_text("editors is saved").await;
        browser.click_text("Groups").await;
        self.is_at("/admin/groups", "Every group").await;
        self.sees("groups").await;
    }

    /// Whoever looks after a group signs in, and the owner comes back and deletes it.
    pub(super) async fn lets_a_group_manager_in(&self) {
        let browser = &self.browser;
        browser.click_text("Sign out").await;
        browser.wait_for_text("You are signed out").await;
        self.goes_to("/admin").await;
        Person("grace").sign_in(browser).await;
        self.is_at("/admin/groups", "the ones you look after").await;
        self.sees("manager-groups").await;
        browser.click_text("editors").await;
        browser.wait_for_text("People in it").await;
        self.sees("manager-group").await;
        browser.click_text("People").await;
        self.is_at("/admin/users", "Everybody in your groups").await;
        browser.click_text("Add a person").await;
        self.is_at("/admin/users/new", "They choose their own password").await;
        self.sees("manager-person-new").await;
        browser.click_text("Sign out").await;
        browser.wait_for_text("You are signed out").await;
        self.goes_to("/admin").await;
        Person("ada").sign_in(browser).await;
        self.is_at("/admin", "Overview").await;
        browser.click_text("Groups").await;
        browser.click_text("editors").await;
        self.deletes_by_name("editors", "group-delete", "editors is deleted").await;
    }
}
