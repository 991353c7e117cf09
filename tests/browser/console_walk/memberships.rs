//! Who is in a group, who looks after it, and a role of an app that a group gives: taken away, and given back
//! by the message that tells of it.

use super::Owner;
use crate::fixtures::Person;

impl Owner {
    pub(super) async fn takes_memberships_away(&self) {
        Person("mia").exists(&self.world);
        self.world.cli(&["group", "create", "crew"]);
        self.world.cli(&["group", "add-member", "crew", "mia"]);
        self.world.cli(&["group", "add-manager", "crew", "mia"]);
        self.takes_mia_out_of_the_group().await;
        self.gives_a_role_to_the_group().await;
    }

    async fn takes_mia_out_of_the_group(&self) {
        let browser = &self.browser;
        let members = || self.world.cli(&["group", "show", "crew"])["members"].clone();
        browser.click_text("Groups").await;
        browser.click_text("crew").await;
        self.is_at("/admin/groups/crew", "Who looks after it").await;
        browser.click("button[aria-label='Take out mia']").await;
        browser.wait_for_text("mia is in crew no more").await;
        self.sees("group-taken-out").await;
        assert_eq!(members(), 0);
        browser.submit("undo").await;
        browser.wait_for_text("mia is in crew now").await;
        assert_eq!(members(), 1);
        browser.click("button[aria-label='Release mia']").await;
        browser.wait_for_text("mia looks after crew no more").await;
        browser.wait_for_text("Nobody in particular").await;
        assert_eq!(self.noted("group.member_removed"), 1);
        assert_eq!(self.noted("group.manager_removed"), 1);
    }

    async fn gives_a_role_to_the_group(&self) {
        let browser = &self.browser;
        let name = ["client", "create", "--name", "Wiki", "--type", "web", "--client-id", "wiki"];
        let address = ["--redirect-uri", "https://wiki.test/callback"];
        self.world.cli(&[&name[..], &address].concat());
        self.world.cli(&["role", "create", "wiki", "reader", "--description", "Reads."]);
        self.goes_to("/admin/clients/wiki/roles?role=reader").await;
        browser.wait_for_text("No group gives it yet").await;
        browser.fill("group", "crew").await;
        browser.submit("give-group").await;
        browser.wait_for_text("Everybody in crew is reader now").await;
        self.sees("role-of-group").await;
        browser.click("button[aria-label='Take away from the group crew']").await;
        browser.wait_for_text("Nobody is reader by crew any more").await;
        browser.submit("undo").await;
        browser.wait_for_text("Everybody in crew is reader now").await;
        browser.fill("description", "Reads every page.").await;
        browser.submit("describe").await;
        browser.wait_for_text("reader is saved").await;
        for (kind, times) in [("role.given", 2), ("role.taken", 1), ("role.updated", 1)] {
            assert_eq!(self.noted(kind), times, "{kind}");
        }
    }
}
