//! Webhooks: add, test, change, a new secret, switch off and on, delete; and a message that is sent again.

use std::time::Duration;

use super::Owner;
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer, TlsPeer};

/// Where a peer hears of what happens.
const EAR: &str = "/ear";
/// What sends a message of this kind once more.
const AGAIN: &str = "button[aria-label^='Send again: group.created']";

impl Owner {
    /// To a peer that this Doorward can reach.
    pub(super) async fn sends_a_message_again(&self, peer: &TlsPeer) {
        let browser = &self.browser;
        peer.serve(EAR, Answer::status(200));
        let (name, url) = ("Ear", peer.url(EAR));
        let hook = ["webhook", "create", "--name", name, "--url", &url, "--event", "group.created"];
        self.world.cli(&hook);
        self.world.cli(&["group", "create", "choir"]);
        peer.wait_for(EAR, 1).await;
        browser.click_text("Webhooks").await;
        self.is_at("/admin/webhooks", name).await;
        browser.click_text(name).await;
        browser.wait_for_text("What it was sent").await;
        let limit = Duration::from_secs(20);
        wait_until_async("a message that arrived", limit, async || {
            browser.reload().await;
            browser.has(AGAIN).await
        })
        .await;
        browser.click(AGAIN).await;
        browser.wait_for_text("The message is on its way again").await;
        self.sees("webhook-again").await;
        let heard = peer.wait_for(EAR, 2).await;
        let ids: Vec<_> = heard.iter().map(|sent| sent.header("webhook-id")).collect();
        assert!(ids[0].is_some() && ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        assert_eq!(self.noted("webhook.redelivered"), 1);
    }

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
