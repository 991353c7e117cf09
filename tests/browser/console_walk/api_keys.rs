//! API keys: made, seen in the list, revoked.

use super::Owner;

impl Owner {
    pub(super) async fn looks_after_api_keys(&self) {
        let browser = &self.browser;
        browser.click_text("API keys").await;
        self.is_at("/admin/api-keys", "There are no keys").await;
        self.sees("api-keys-empty").await;
        browser.click_text("Make a key").await;
        self.is_at("/admin/api-keys/new", "What it may be used for").await;
        self.sees("api-key-new").await;
        browser.fill("name", "Nightly report").await;
        browser.submit("api-key").await;
        browser.wait_for_text("Name at least one scope").await;
        self.sees("api-key-new-error").await;
        browser.click("input[value='doorward.audit:read']").await;
        browser.submit("api-key").await;
        browser.wait_for_text("Nightly report is made").await;
        self.sees("api-key-once").await;
        browser.click_text("Done").await;
        self.is_at("/admin/api-keys", "Keys, newest first").await;
        self.sees("api-keys").await;
        self.confirms("Revoke", "api-key-revoke", "Nightly report is revoked").await;
    }
}
