//! Several tabs, the back button, and pages left open: nobody meets a dead end.

use super::desktop;
use crate::driver::{Browser, Script};
use crate::fixtures::{App, Person};
use crate::support::backends::Backend;
use crate::support::world::World;

async fn app_and_browser() -> (World, App, Browser) {
    let world = World::start(Backend::Embedded).await;
    Person("alice").exists(&world);
    let app = App::registered(&world);
    (world, app, desktop(Script::On).await)
}

#[tokio::test]
async fn two_tabs_with_a_sign_in_each_both_finish() {
    let (_world, app, browser) = app_and_browser().await;
    browser.open(&app.request("scope=openid&state=first-tab")).await;
    browser.new_tab().await;
    browser.open(&app.request("scope=openid&state=second-tab")).await;
    Person("alice").sign_in(&browser).await;
    browser.click("button[value='allow']").await;
    assert_eq!(app.answer(&browser).await["state"], "second-tab");
    // The first tab still shows the form from before anybody was signed in.
    browser.switch_to_tab(0).await;
    Person("alice").sign_in(&browser).await;
    assert_eq!(app.answer(&browser).await["state"], "first-tab");
    browser.quit().await;
}

#[tokio::test]
async fn the_back_button_leads_to_a_page_that_works() {
    let (_world, app, browser) = app_and_browser().await;
    browser.open(&app.request("scope=openid&state=back")).await;
    Person("alice").sign_in(&browser).await;
    browser.find("form#consent").await;
    browser.back().await;
    // The form again, or, since the person is known by now, the question that comes after it.
    if browser.has("form#sign-in").await {
        Person("alice").sign_in(&browser).await;
    }
    browser.click("button[value='allow']").await;
    assert_eq!(app.answer(&browser).await["state"], "back");
    browser.back().await;
    // Known and allowed: whatever the browser shows, one press at most leads to the app.
    if browser.has("button[value='allow']").await {
        browser.click("button[value='allow']").await;
    }
    assert_eq!(app.answer(&browser).await["state"], "back");
    browser.quit().await;
}

#[tokio::test]
async fn a_question_left_open_while_signing_out_elsewhere_leads_to_the_form() {
    let (world, app, browser) = app_and_browser().await;
    browser.open(&app.request("scope=openid&state=left-open")).await;
    Person("alice").sign_in(&browser).await;
    browser.find("form#consent").await;
    browser.new_tab().await;
    browser.open(&world.url("/logout")).await;
    browser.click("button[value='logout']").await;
    browser.wait_for_text("You are signed out").await;
    browser.switch_to_tab(0).await;
    browser.click("button[value='allow']").await;
    // Nothing was allowed, and nothing is lost.
    browser.find("form#sign-in").await;
    Person("alice").sign_in(&browser).await;
    browser.find("form#consent").await;
    browser.click("button[value='allow']").await;
    assert_eq!(app.answer(&browser).await["state"], "left-open");
    browser.quit().await;
}

#[tokio::test]
async fn a_form_whose_cookie_is_gone_offers_to_start_again() {
    let (_world, app, browser) = app_and_browser().await;
    browser.open(&app.request("scope=openid&state=no-cookie")).await;
    browser.driver().delete_all_cookies().await.unwrap();
    Person("alice").sign_in(&browser).await;
    browser.wait_for_text("This page is out of date").await;
    browser.inspect("out-of-date").await;
    browser.click_text("Start again").await;
    browser.wait_for_text("to go on to Orchard Wiki").await;
    Person("alice").sign_in(&browser).await;
    browser.click("button[value='allow']").await;
    assert_eq!(app.answer(&browser).await["state"], "no-cookie");
    browser.quit().await;
}
