//! Webhooks: add, test, change, a new secret, switch off and on, delete.

use super::Owner;

impl Owner {
    pub(super) async fn looks_after_webhooks(&self) {
        let browser = &self.browser;
        browser.click_text("Webhooks").await;
        self.is_at("/admin/webhooks", "Nobody is told yet").await;
        self.sees("webhooks-empty").await;
        browser.click_text("Add a webhook").await;
        self.is_at("/admin/webhooks/new", "All events").await;
        self.sees("webhook-new").await;
        browser.fill("name", "Staff chat").await;
        // Leads nowhere, on any machine.
        browser.fill("url", "https://chat.test/hooks/1").await;
        browser.fill("events", "user.made").await;
        browser.submit("webhook-form").await;
        browser.wait_for_text("did you mean").await;
        self.sees("webhook-new-error").await;
        browser.fill("events", "key.*").await;
        browser.submit("webhook-form").await;
        browser.wait_for_text("Staff chat is added").await;
        self.sees("webhook-secret").await;
        browser.click_text("Done").await;
        browser.wait_for_text("Nothing in the last seven days").await;
        browser.click_text("Send a test").await;
        browser.wait_for_text("The test did not arrive").await;
        self.sees("webhook").await;
        browser.fill("events", "group.*").await;
        browser.submit("webhook-form").await;
        browser.wait_for_text("Staff chat is saved").await;
        self.confirms("New secret", "webhook-rotate", "A new secret for Staff chat").await;
        self.sees("webhook-rotated").await;
        browser.click_text("Done").await;
        self.confirms("Disable", "webhook-disable", "Staff chat is disabled").await;
        browser.click_text("Enable").await;
        browser.wait_for_text("hears of what happens from now on").await;
        browser.click_text("Webhooks").await;
        self.is_at("/admin/webhooks", "chat.test").await;
        self.sees("webhooks").await;
        browser.click_text("Staff chat").await;
        self.confirms("Delete", "webhook-delete", "Staff chat is deleted").await;
    }
}
