//! What only scripts do: pages that keep themselves up to date, buttons that copy, passwords that are shown.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Look, Owner};
use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::fixtures::{App, PASSWORD, Person};
use crate::support::process::wait_until_async;

/// The overview asks three times a minute.
const PATIENCE: Duration = Duration::from_mins(1);

/// How many people the overview counts.
const PEOPLE: &str =
    "return document.querySelector(\"ul.figures a[href$='/admin/users'] strong\").textContent";

/// What the button beside the issuer says, and whether anything says it to those who do not see it.
const COPYING: &str = "
    const said = document.querySelector(\"button[data-copy='endpoint-issuer']\").textContent;
    const heard = [...document.querySelectorAll('p.unseen[role=status]')].map(p => p.textContent);
    return [said, heard.includes(said) ? 'heard' : 'not heard'];";

/// What was copied last, or why it cannot be read.
const COPIED: &str = "
    const done = arguments[arguments.length - 1];
    navigator.clipboard.readText().then(done, reason => done(String(reason)));";

/// The field of the password, and the button in it.
const SECRET: &str = "
    const field = document.getElementById('current-password');
    const button = document.querySelector('button.reveal');
    return [field.type, field.value, button.textContent, button.getAttribute('aria-pressed')];";

async fn owner() -> Owner {
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    Owner::enters(browser, Look::AsItIs).await
}

impl Owner {
    /// Leaves a mark in the page shown, which is gone once another one takes its place.
    async fn marks_the_page(&self) {
        let marked: bool = self.browser.asks("window.marked = true; return window.marked").await;
        assert!(marked);
    }

    async fn assert_same_page(&self) {
        let marked: bool = self.browser.asks("return window.marked === true").await;
        assert!(marked, "the page was loaded again");
    }
}

#[tokio::test]
async fn the_overview_keeps_itself_up_to_date() {
    let owner = owner().await;
    let browser = &owner.browser;
    assert_eq!(browser.asks::<String>(PEOPLE).await, "1");
    owner.marks_the_page().await;
    Person("bob").exists(&owner.world);
    wait_until_async("two people on the overview", PATIENCE, async || {
        browser.asks::<String>(PEOPLE).await == "2"
    })
    .await;
    owner.assert_same_page().await;
    owner.sees("overview-live").await;
    owner.leaves().await;
}

#[tokio::test]
async fn an_app_that_waits_for_its_first_sign_in_is_seen_to_work_without_a_reload() {
    let owner = owner().await;
    let app = App::registered(&owner.world);
    Person("bob").exists(&owner.world);
    owner.goes_to(&format!("/admin/clients/{}/first-sign-in", app.client_id())).await;
    owner.browser.wait_for_text("Waiting for the first sign-in").await;
    owner.marks_the_page().await;

    // In a browser of their own, as people do.
    let elsewhere = Browser::new(Viewport::Phone, Scheme::Light, Script::On).await;
    elsewhere.open(&app.request("scope=openid+email&state=x")).await;
    Person("bob").sign_in(&elsewhere).await;
    elsewhere.click("button[value='allow']").await;
    let code = app.answer(&elsewhere).await["code"].clone();
    app.redeem(&code).await;
    elsewhere.quit().await;

    owner.browser.wait_for_text("It works").await;
    assert!(!owner.browser.shows("Waiting for the first sign-in").await);
    owner.assert_same_page().await;
    owner.sees("first-sign-in-live").await;
    owner.leaves().await;
}

#[tokio::test]
async fn a_button_copies_what_stands_beside_it_and_says_so() {
    let owner = owner().await;
    let app = App::registered(&owner.world);
    let browser = &owner.browser;
    // Only so that this test may read what was copied. Whatever is not named here is refused.
    let permissions = ["clipboardReadWrite", "clipboardSanitizedWrite"];
    let allowed = json!({"origin": owner.world.issuer, "permissions": permissions});
    browser.devtools("Browser.grantPermissions", allowed).await;
    browser.devtools("Emulation.setFocusEmulationEnabled", json!({"enabled": true})).await;
    owner.goes_to(&format!("/admin/clients/{}", app.client_id())).await;
    browser.wait_for_text("What the app needs to know").await;
    let copying = async || browser.asks::<Vec<String>>(COPYING).await;
    assert_eq!(copying().await, ["Copy", "not heard"]);
    browser.click("button[data-copy='endpoint-issuer']").await;
    wait_until_async("the button saying it", PATIENCE, async || {
        copying().await == ["Copied", "heard"]
    })
    .await;
    let copied = browser.driver().execute_async(COPIED, Vec::<Value>::new()).await;
    assert_eq!(copied.expect("read it").json(), &json!(owner.world.issuer));
    wait_until_async("the button offering it again", PATIENCE, async || {
        copying().await == ["Copy", "not heard"]
    })
    .await;
    owner.leaves().await;
}

#[tokio::test]
async fn a_password_is_shown_and_hidden_again_and_hidden_when_it_is_sent() {
    let owner = owner().await;
    let browser = &owner.browser;
    browser.forget_everything().await;
    owner.goes_to("/login").await;
    let secret = async || browser.asks::<Vec<String>>(SECRET).await;
    browser.fill("username", "ada").await;
    browser.fill("password", PASSWORD).await;
    assert_eq!(secret().await, ["password", PASSWORD, "Show", "false"]);
    browser.click("button.reveal").await;
    assert_eq!(secret().await, ["text", PASSWORD, "Hide", "true"]);
    browser.click("button.reveal").await;
    assert_eq!(secret().await, ["password", PASSWORD, "Show", "false"]);
    browser.click("button.reveal").await;
    // As it is when the form goes: what is sent from there goes nowhere.
    let sent: String = browser
        .asks(
            "const form = document.getElementById('sign-in');
            form.addEventListener('submit', sent => sent.preventDefault());
            form.requestSubmit();
            return document.getElementById('current-password').type;",
        )
        .await;
    assert_eq!(sent, "password", "browsers offer to save only from a password field");
    owner.leaves().await;
}
