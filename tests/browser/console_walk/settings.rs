//! Settings: a logo put on every page and taken off, a file that is no picture, a value that is too small;
//! name, colour and links saved, and the colour taken back.

use std::time::Duration;

use image::{Rgba, RgbaImage};

use super::Owner;
use crate::support::browser_like::Page;
use crate::support::process::wait_until_async;

/// What a person meets who is not signed in.
const SIGN_IN: &str = "/login";

impl Owner {
    pub(super) async fn saves_settings(&self) {
        let browser = &self.browser;
        browser.click_text("Settings").await;
        self.is_at("/admin/settings", "Name and look").await;
        browser.fill("product_name", "Orchard").await;
        browser.fill("branding-accent", "#FF8800").await;
        let links = "Help https://help.example\nTerms https://terms.example";
        browser.fill("branding-links", links).await;
        browser.submit("settings-general").await;
        self.is_at("/admin/settings", "Name and look: saved").await;
        self.sees("settings-saved").await;
        self.sign_in_page_gets("the colour", |page| page.body.contains("/branding/")).await;
        let page = self.world.browser().get(SIGN_IN).await;
        assert!(page.title().ends_with("Orchard"), "{}", page.title());
        let links = page.attributes("footer a", "href");
        assert_eq!(links, ["https://help.example/", "https://terms.example/"]);

        // Without the message of before, which would be taken for the next one.
        self.goes_to("/admin/settings").await;
        browser.click("#reset-branding-accent").await;
        browser.submit("settings-general").await;
        self.is_at("/admin/settings", "Name and look: saved").await;
        self.sign_in_page_gets("no colour", |page| !page.body.contains("/branding/")).await;
        let page = self.world.browser().get(SIGN_IN).await;
        assert!(page.title().ends_with("Orchard"), "{}: only what was ticked", page.title());
    }

    /// Waits until it is so, which takes a second at most.
    async fn sign_in_page_gets(&self, what: &str, is_so: impl Fn(&Page) -> bool) {
        let limit = Duration::from_secs(20);
        wait_until_async(what, limit, async || is_so(&self.world.browser().get(SIGN_IN).await))
            .await;
    }

    pub(super) async fn looks_at_settings(&self) {
        let browser = &self.browser;
        browser.click_text("Settings").await;
        self.is_at("/admin/settings", "Name and look").await;
        self.sees("settings").await;
        self.puts_a_logo_on_every_page().await;
        browser.fill("session-idle", "1").await;
        browser.click("#settings-session button").await;
        self.is_at("/admin/settings/session", "1 is too small").await;
        self.sees("settings-wrong").await;
    }

    async fn puts_a_logo_on_every_page(&self) {
        let browser = &self.browser;
        let text = self.world.path("logo.txt");
        std::fs::write(&text, "<svg xmlns='http://www.w3.org/2000/svg'/>").expect("a file");
        self.chooses("#logo-file", &text).await;
        browser.click_text("Save logo").await;
        self.is_at("/admin/settings", "The file is no PNG, JPEG or WebP picture").await;
        let picture = self.world.path("logo.png");
        RgbaImage::from_pixel(320, 80, Rgba([28, 95, 78, 255])).save(&picture).expect("a picture");
        self.chooses("#logo-file", &picture).await;
        browser.click_text("Save logo").await;
        self.is_at("/admin/settings", "The logo for light pages is saved").await;
        for shown in [".brand img", ".shown img"] {
            let width = browser.find(shown).await.prop("naturalWidth").await.expect("a property");
            assert_eq!(width.as_deref(), Some("320"), "{shown} has come");
        }
        self.sees("settings-logo").await;
        browser.click_text("Remove logo").await;
        self.is_at("/admin/settings", "The logo for light pages is removed").await;
    }
}
