//! Making an account on the way to an app: the page, what it says when something has to change, and
//! the way on, with and without JavaScript.

use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::fixtures::{App, PASSWORD, Person};
use crate::support::backends::Backend;
use crate::support::world::World;

async fn open() -> World {
    World::builder(Backend::Embedded).env("DOORWARD_SIGN_UP__MODE", "open").start().await
}

#[tokio::test]
async fn somebody_new_makes_an_account_and_gets_to_the_app() {
    let world = open().await;
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    Person("alice").exists(&world);
    let app = App::registered(&world);
    browser.open(&app.request("scope=openid+email&state=new")).await;
    browser.inspect("sign-in-newcomers").await;
    browser.click_text("Create an account").await;
    browser.wait_for_text("Create your account").await;
    browser.inspect("sign-up").await;
    browser.fill("username", "alice").await;
    browser.fill("email", "nina@example.com").await;
    browser.fill("name", "Nina Neu").await;
    browser.fill("password", "short").await;
    browser.submit("sign-up").await;
    browser.wait_for_text("Use at least 12 characters").await;
    assert!(browser.title().await.starts_with("Error: "));
    let focused = browser.driver().active_element().await.unwrap();
    assert_eq!(focused.attr("role").await.unwrap().as_deref(), Some("alert"), "the focus");
    let email = browser.find("#email").await.prop("value").await.unwrap();
    assert_eq!(email.as_deref(), Some("nina@example.com"), "nothing typed is lost");
    browser.fill("password", PASSWORD).await;
    browser.submit("sign-up").await;
    browser.wait_for_text("This username is taken").await;
    browser.inspect("sign-up-taken").await;
    // There and back: the request is not lost on the way.
    browser.click_text("Sign in").await;
    browser.find("form#sign-in").await;
    browser.click_text("Create an account").await;
    browser.fill("username", "nina").await;
    browser.fill("password", PASSWORD).await;
    let button = browser.find("button[aria-controls='new-password']").await;
    button.click().await.unwrap();
    let kind = browser.find("#new-password").await.prop("type").await.unwrap();
    assert_eq!(kind.as_deref(), Some("text"), "the password can be looked at");
    browser.submit("sign-up").await;
    browser.wait_for_text("Allow Orchard Wiki?").await;
    browser.click("button[value='allow']").await;
    let answer = app.answer(&browser).await;
    app.redeem(&answer["code"]).await;
    assert_eq!(answer["state"], "new");
    browser.open(&world.url("/account")).await;
    browser.wait_for_text("Your username is nina").await;
    browser.quit().await;
    world.assert_log_is_clean(&[PASSWORD]);
}

#[tokio::test]
async fn the_same_works_without_javascript_on_a_phone() {
    let world = open().await;
    let browser = Browser::new(Viewport::Phone, Scheme::Dark, Script::Off).await;
    let app = App::registered(&world);
    browser.open(&app.request("scope=openid&prompt=create&state=plain")).await;
    browser.inspect_this_look("sign-up").await;
    browser.submit("sign-up").await;
    browser.wait_for_text("There is something to change").await;
    browser.inspect_this_look("sign-up-wrong").await;
    browser.fill("username", "nora").await;
    browser.fill("password", PASSWORD).await;
    browser.submit("sign-up").await;
    browser.wait_for_text("Allow Orchard Wiki?").await;
    browser.click("button[value='allow']").await;
    assert_eq!(app.answer(&browser).await["state"], "plain");
    browser.quit().await;
}
