//! Settings: a logo put on every page and taken off, a file that is no picture, a value that is too small.

use image::{Rgba, RgbaImage};

use super::Owner;

impl Owner {
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
