//! Organisations: add, take somebody in and out, rename, delete.

use serde_json::{Value, json};

use super::Owner;
use crate::fixtures::Person;

impl Owner {
    pub(super) async fn looks_after_organisations(&self) {
        Person("olga").exists(&self.world);
        self.adds_an_organisation().await;
        self.moves_somebody_in_and_out().await;
        self.renames_and_deletes_it().await;
        for kind in ["created", "member_added", "member_removed", "updated", "deleted"] {
            assert_eq!(self.noted(&format!("organisation.{kind}")), 1, "{kind}");
        }
    }

    async fn adds_an_organisation(&self) {
        let browser = &self.browser;
        browser.click_text("Organisations").await;
        self.is_at("/admin/organisations", "No organisations yet").await;
        self.sees("organisations-empty").await;
        browser.fill("name", "two words").await;
        browser.fill("display_name", "Acme Holding").await;
        browser.submit("organisation").await;
        browser.wait_for_text("There is something to change").await;
        self.sees("organisations-error").await;
        let kept = browser.value("display_name").await;
        assert_eq!(kept.as_deref(), Some("Acme Holding"), "nothing typed is lost");
        browser.fill("name", "acme").await;
        browser.submit("organisation").await;
        self.is_at("/admin/organisations/", "Acme Holding is there").await;
        browser.wait_for_text("Nobody is in this organisation yet").await;
        self.sees("organisation-empty").await;
    }

    async fn moves_somebody_in_and_out(&self) {
        let browser = &self.browser;
        browser.fill("member", "nobody").await;
        browser.submit("add-member").await;
        browser.wait_for_text("Nobody has this username").await;
        self.sees("organisation-error").await;
        browser.fill("member", "olga").await;
        browser.submit("add-member").await;
        browser.wait_for_text("olga is in Acme Holding now").await;
        self.sees("organisation").await;
        assert_eq!(self.people_of("acme"), json!(["olga"]));
        browser.click_text("Take out").await;
        browser.wait_for_text("Take olga out of Acme Holding?").await;
        browser.click_text("Cancel").await;
        self.is_at("/admin/organisations/", "People in it").await;
        assert_eq!(self.people_of("acme"), json!(["olga"]), "a question changes nothing");
        let answer = "olga is in Acme Holding no more";
        self.confirms("Take out", "organisation-take-out", answer).await;
        assert_eq!(self.people_of("acme"), json!([]));
    }

    async fn renames_and_deletes_it(&self) {
        let browser = &self.browser;
        browser.fill("name", "birch").await;
        browser.fill("display_name", "Birch and Sons").await;
        browser.submit("organisation").await;
        browser.wait_for_text("Birch and Sons is saved").await;
        browser.click_text("Organisations").await;
        self.is_at("/admin/organisations", "Every organisation").await;
        assert!(!browser.shows("acme").await, "the old name");
        self.sees("organisations").await;
        browser.click_text("birch").await;
        self.is_at("/admin/organisations/", "People in it").await;
        let answer = "Birch and Sons is deleted";
        self.deletes_by_name("birch", "organisation-delete", answer).await;
        self.is_at("/admin/organisations", "No organisations yet").await;
        assert!(!self.world.run(&["organisation", "show", "birch"]).status.success());
    }

    fn people_of(&self, organisation: &str) -> Value {
        self.world.cli(&["organisation", "show", organisation])["people"].clone()
    }
}
