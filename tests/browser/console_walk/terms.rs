//! What an app is let do: its tokens, what it would be told of somebody, its logo, an address that it came
//! with, and PKCE.

use image::{Rgba, RgbaImage};
use serde_json::Value;

use super::{Owner, PAGE_THAT_ASKS};

const WIKI: &str = "/admin/clients/wiki";

/// A request of the app that names an address which it has not registered, at a host that is its own.
const STRAY: &str = "/oauth2/authorize?response_type=code&client_id=wiki&scope=openid\
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM\
    &code_challenge_method=S256&redirect_uri=https%3A%2F%2Fwiki.test%2Fother";

impl Owner {
    /// After [`Owner::takes_memberships_away`] and [`Owner::signs_people_out`], whose apps and people these are.
    pub(super) async fn looks_after_the_terms_of_apps(&self) {
        self.changes_its_tokens().await;
        self.looks_what_it_is_told().await;
        self.gives_it_a_logo().await;
        self.registers_the_address_it_came_with().await;
        self.requires_pkce_of_the_other().await;
    }

    fn wiki(&self) -> Value {
        self.world.cli(&["client", "show", "wiki"])
    }

    async fn changes_its_tokens(&self) {
        let browser = &self.browser;
        self.goes_to(WIKI).await;
        browser.click_text("Tokens and requests: lifetimes, what they are for, FAPI 2.0").await;
        self.is_at(&format!("{WIKI}/tokens"), "Ways to get tokens").await;
        browser.fill("access_token_lifetime", "soon").await;
        browser.submit("client").await;
        browser.wait_for_text("write a number of seconds").await;
        self.sees("app-tokens-error").await;
        browser.fill("access_token_lifetime", "300").await;
        browser.click("#subject_type option[value='pairwise']").await;
        browser.click("form#client summary").await;
        browser.click("#request_object_signing_alg option[value='ES256']").await;
        self.sees("app-tokens-algorithms").await;
        browser.submit("client").await;
        self.is_at(WIKI, "The tokens of Wiki are saved").await;
        let wiki = self.wiki();
        assert_eq!(wiki["access_token_lifetime"], 300, "{wiki}");
        assert_eq!(wiki["subject_type"], "pairwise", "{wiki}");
        assert_eq!(wiki["request_object_signing_alg"], "ES256", "{wiki}");
    }

    async fn looks_what_it_is_told(&self) {
        let browser = &self.browser;
        browser.click_text("Preview: what it is told of somebody").await;
        self.is_at(&format!("{WIKI}/preview"), "Nothing is issued").await;
        browser.fill("person", "nobody").await;
        browser.submit("preview").await;
        browser.wait_for_text("There is something to change").await;
        self.sees("app-preview-error").await;
        browser.fill("person", "mia").await;
        browser.submit("preview").await;
        let told = browser.find("textarea#id-token").await;
        let told = told.prop("value").await.unwrap().expect("claims");
        let told: Value = serde_json::from_str(&told).expect("JSON");
        assert_eq!(told["aud"], "wiki", "{told}");
        self.sees("app-preview").await;
        assert_eq!(self.noted("client.previewed"), 1);
    }

    async fn gives_it_a_logo(&self) {
        let browser = &self.browser;
        let picture = self.world.path("wiki.png");
        RgbaImage::from_pixel(64, 64, Rgba([28, 95, 78, 255])).save(&picture).expect("a picture");
        self.goes_to(WIKI).await;
        self.chooses("#app-logo-file", &picture).await;
        browser.click_text("Save logo").await;
        self.is_at(WIKI, "The logo of Wiki is saved").await;
        let width = browser.find(".shown img").await.prop("naturalWidth").await.unwrap();
        assert_eq!(width.as_deref(), Some("64"), "it has come");
        browser.click_text("Remove logo").await;
        self.is_at(WIKI, "The logo of Wiki is removed").await;
        assert!(!browser.has(".shown img").await);
        assert_eq!((self.noted("client.logo_set"), self.noted("client.logo_removed")), (1, 1));
    }

    async fn registers_the_address_it_came_with(&self) {
        let browser = &self.browser;
        self.world.browser().get(STRAY).await.assert_status(400);
        self.goes_to(WIKI).await;
        browser.click_text("Register this address").await;
        browser.wait_for_text("Register this address for Wiki?").await;
        let answer = "The address is registered";
        self.says_yes(PAGE_THAT_ASKS, "app-add-uri", answer).await;
        let uris = self.wiki()["redirect_uris"].to_string();
        assert!(uris.contains("https://wiki.test/other"), "{uris}");
    }

    async fn requires_pkce_of_the_other(&self) {
        let browser = &self.browser;
        browser.click_text("Apps").await;
        browser.click_text("Orchard Wiki").await;
        self.is_at("/admin/clients/", "It sends PKCE at each sign-in").await;
        browser.click_text("Require PKCE").await;
        self.is_at("/admin/clients/", "Orchard Wiki must send PKCE from now on").await;
        assert!(!browser.shows("It sends PKCE at each sign-in").await);
    }
}
