//! Test letters: to no address, to one that takes it, and to one that does not.

use super::Owner;
use crate::post::{Reply, SmtpServer};

const TO: &str = "letters@people.test";

impl Owner {
    pub(super) async fn sends_test_letters(&self, post: &SmtpServer) {
        let browser = &self.browser;
        browser.click_text("Settings").await;
        browser.click_text("The mail server").await;
        self.is_at("/admin/settings/mail", "How this node reaches it").await;
        self.sees("mail").await;
        let own = browser.value("to").await;
        assert_eq!(own.as_deref(), Some("ada@example.com"), "one's own address");
        browser.fill("to", "nobody in particular").await;
        browser.submit("mail-test").await;
        browser.wait_for_text("Use the format name@example.com").await;
        self.sees("mail-error").await;
        browser.fill("to", TO).await;
        browser.submit("mail-test").await;
        browser.wait_for_text(&format!("The mail server has taken a letter to {TO}.")).await;
        self.sees("mail-sent").await;
        let letter = post.wait_for(TO, 1).await.remove(0);
        assert_eq!(letter.header("Subject"), "Doorward: a test letter");
        post.answer(Reply::NoMailbox, 1);
        browser.fill("to", "gone@people.test").await;
        browser.submit("mail-test").await;
        browser.wait_for_text("Mailbox unavailable").await;
        browser.find("main .flash.warning").await;
        self.sees("mail-refused").await;
        assert_eq!(post.letters("gone@people.test").len(), 0);
        assert_eq!(self.noted("mail.tested"), 2);
    }
}
