//! The roles of an app: add one, give it to somebody, take it away, delete it. Begins and ends on the
//! page of the app.

use super::Owner;

impl Owner {
    pub(super) async fn gives_roles(&self) {
        let browser = &self.browser;
        browser.click_text("Roles: what people may be in this app").await;
        self.is_at("/admin/clients/", "No roles yet").await;
        self.sees("roles-empty").await;
        browser.fill("name", "head gardener").await;
        browser.submit("role").await;
        browser.wait_for_text("There is something to change").await;
        self.sees("roles-error").await;
        browser.fill("name", "gardener").await;
        browser.fill("description", "May change every plan.").await;
        browser.submit("role").await;
        browser.wait_for_text("gardener is there").await;
        self.sees("role-empty").await;
        browser.fill("person", "nobody").await;
        browser.submit("give-person").await;
        browser.wait_for_text("Nobody has this username").await;
        self.sees("role-error").await;
        browser.fill("person", "ada").await;
        browser.submit("give-person").await;
        browser.wait_for_text("is gardener in Harvest planner 2 now").await;
        self.sees("role").await;
        browser.click_text("Roles").await;
        browser.wait_for_text("Roles of this app, by name").await;
        self.sees("roles").await;
        browser.click_text("gardener").await;
        self.confirms("Delete", "role-delete", "gardener is deleted").await;
        browser.click_text("Harvest planner 2").await;
        self.is_at("/admin/clients/", "What the app needs to know").await;
    }
}
