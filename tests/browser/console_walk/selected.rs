//! Several people chosen in the list: a question that is left, a change that is taken back, and one that
//! does not work for everybody.

use super::{Owner, PAGE_THAT_ASKS};
use crate::fixtures::Person;

/// Whom the search finds.
const CHOSEN: [&str; 2] = ["sela", "selb"];
/// The list with the search, which every way back leads to.
const LIST: &str = "/admin/users?q=sel";
/// What is noted on the way, once for each of them.
const CHANGES: [&str; 4] =
    ["group.member_added", "group.member_removed", "user.disabled", "user.enabled"];

impl Owner {
    pub(super) async fn changes_several_people(&self) {
        for name in CHOSEN {
            Person(name).exists(&self.world);
        }
        self.chooses_nobody().await;
        self.takes_them_into_a_group_and_back().await;
        self.disables_one_of_two_and_enables_both().await;
        for kind in CHANGES {
            assert_eq!(self.noted(kind), 2, "{kind}");
        }
    }

    async fn chooses_nobody(&self) {
        let browser = &self.browser;
        browser.click_text("People").await;
        browser.fill("q", "sel").await;
        browser.click("form.search button").await;
        self.is_at(LIST, "selb").await;
        assert!(!browser.has("[data-choose]:not([hidden])").await, "a box that a script shows");
        browser.submit("selected").await;
        self.is_at(LIST, "Choose at least one person").await;
        self.sees("people-nobody-chosen").await;
    }

    async fn takes_them_into_a_group_and_back(&self) {
        let browser = &self.browser;
        self.chooses_both("join").await;
        browser.fill("group", "choir").await;
        browser.submit("selected").await;
        browser.wait_for_text("Take 2 people into choir?").await;
        browser.wait_for_text("It is made now, with these people in it").await;
        browser.click_text("Cancel").await;
        self.is_at(LIST, "With those chosen").await;
        assert!(!self.world.run(&["group", "show", "choir"]).status.success(), "only asked");

        self.chooses_both("join").await;
        browser.fill("group", "choir").await;
        browser.submit("selected").await;
        self.says_yes(PAGE_THAT_ASKS, "people-join", "2 people are in choir now").await;
        self.is_at(LIST, "With those chosen").await;
        self.sees("people-joined").await;
        assert_eq!(self.world.cli(&["group", "show", "choir"])["members"], 2);
        browser.submit("undo").await;
        self.is_at(LIST, "2 people are in choir no more").await;
        assert_eq!(self.world.cli(&["group", "show", "choir"])["members"], 0);
    }

    async fn disables_one_of_two_and_enables_both(&self) {
        let browser = &self.browser;
        self.chooses_both("disable").await;
        browser.submit("selected").await;
        browser.wait_for_text("Disable 2 people?").await;
        // Somebody else was faster with one of them.
        self.world.cli(&["user", "disable", "selb"]);
        let answer = "1 person is disabled and signed out everywhere";
        self.says_yes(PAGE_THAT_ASKS, "people-disable", answer).await;
        browser.wait_for_text("selb (is disabled already)").await;
        self.sees("people-not-all").await;
        assert_eq!(self.states(), ["disabled", "disabled"]);
        browser.click_text("Back to the list").await;
        self.is_at(LIST, "With those chosen").await;
        self.chooses_both("enable").await;
        browser.submit("selected").await;
        self.says_yes(PAGE_THAT_ASKS, "people-enable", "2 people can sign in again").await;
        self.is_at(LIST, "With those chosen").await;
        assert_eq!(self.states(), ["enabled", "enabled"]);
    }

    /// Chooses both in the list, and what to do with them.
    async fn chooses_both(&self, step: &str) {
        for name in CHOSEN {
            let found = self.world.cli(&["user", "show", name]);
            let id = found["id"].as_str().expect("an id");
            self.browser.click(&format!("[id='who-{id}']")).await;
        }
        self.browser.click(&format!("#do option[value='{step}']")).await;
    }

    fn states(&self) -> [String; 2] {
        CHOSEN.map(|name| {
            let found = self.world.cli(&["user", "show", name]);
            found["state"].as_str().expect("a state").to_owned()
        })
    }
}
