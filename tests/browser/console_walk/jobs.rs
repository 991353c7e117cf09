//! A message that waits: sent once more, and discarded. And the first steps on the overview, hidden.

use std::time::Duration;

use super::Owner;
use crate::support::process::wait_until_async;

impl Owner {
    pub(super) async fn looks_after_a_message(&self) {
        let browser = &self.browser;
        // Its name leads nowhere, on any machine.
        let hook = ["webhook", "create", "--name", "Chat", "--url", "https://chat.test/in"];
        self.world.cli(&[&hook[..], &["--event", "group.created"]].concat());
        self.world.cli(&["group", "create", "choir"]);
        let limit = Duration::from_secs(20);
        wait_until_async("a message that waits", limit, async || self.waiting() == 1).await;
        browser.click_text("Jobs").await;
        self.is_at("/admin/jobs", "Messages that wait, the oldest first").await;
        self.sees("jobs").await;
        browser.click("button[aria-label^='Try now: News for a webhook']").await;
        self.is_at("/admin/jobs", "It is sent now").await;
        browser.click("a[aria-label^='Discard: News for a webhook']").await;
        self.says_yes(self.question(), "job-discard", "The message is discarded").await;
        self.is_at("/admin/jobs", "Nothing waits").await;
        assert_eq!(self.waiting(), 0);
    }

    fn waiting(&self) -> usize {
        self.world.cli(&["job", "list"])["items"].as_array().map_or(0, Vec::len)
    }

    pub(super) async fn hides_the_first_steps(&self) {
        let browser = &self.browser;
        self.goes_to("/admin").await;
        self.is_at("/admin", "Get started").await;
        browser.submit("dismiss").await;
        self.is_at("/admin", "The first steps are hidden").await;
        self.goes_to("/admin").await;
        assert!(!browser.has("form#dismiss").await, "they stay hidden");
        assert_eq!(self.noted("setting.changed"), 1);
    }
}
