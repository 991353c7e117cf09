//! Every page of a sign-in, and every page beside the way, in a browser: what it says, that it can
//! be seen and used in every size and scheme, and that the person gets on from there.

mod tabs;

use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::fixtures::{App, PASSWORD, Person};
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::world::World;

/// How long an answer may take on a busy machine.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// A browser as most people have it. `inspect` looks at each page in the other ways too.
async fn desktop(script: Script) -> Browser {
    Browser::new(Viewport::Desktop, Scheme::Light, script).await
}

#[tokio::test]
async fn the_first_administrator_comes_in_through_the_setup_link() {
    let world = World::start(Backend::Embedded).await;
    let browser = desktop(Script::On).await;
    let link = world.cli(&["setup-link"])["url"].as_str().expect("a link").to_owned();
    browser.open(&link).await;
    browser.inspect("setup").await;
    browser.fill("username", "ada").await;
    browser.fill("name", "Ada Archer").await;
    browser.fill("email", "ada@example.com").await;
    browser.fill("password", "short").await;
    browser.submit("setup").await;
    browser.wait_for_text("There is something to change").await;
    assert!(browser.title().await.starts_with("Error: "));
    browser.inspect("setup-error").await;
    browser.fill("password", PASSWORD).await;
    browser.submit("setup").await;
    browser.wait_for_address(&world.url("/login")).await;
    browser.wait_for_text("Your account is made").await;
    browser.inspect("setup-done").await;
    Person("ada").sign_in(&browser).await;
    browser.wait_for_address(&world.url("/admin")).await;
    browser.wait_for_text("Get started").await;
    browser.open(&link).await;
    browser.wait_for_text("already set up").await;
    browser.inspect("setup-spent").await;
    browser.quit().await;
    world.assert_log_is_clean(&[PASSWORD]);
}

#[tokio::test]
async fn a_sign_in_goes_through_every_page_and_back_to_the_app() {
    let world = World::start(Backend::Embedded).await;
    let browser = desktop(Script::On).await;
    Person("alice").exists(&world);
    let app = App::registered(&world);
    browser.open(&world.url("/")).await;
    browser.inspect("home").await;

    browser.open(&app.request("scope=openid+profile+email+offline_access&state=first")).await;
    browser.wait_for_text("to go on to Orchard Wiki").await;
    browser.inspect("sign-in").await;
    wrong_password(&browser).await;
    Person("alice").sign_in(&browser).await;
    consent(&browser, &app).await;
    confirm_by_prompt_login(&browser, &app).await;
    silent_and_refused(&browser, &app).await;
    account_and_sign_out(&world, &browser, &app).await;
    browser.quit().await;
    world.assert_log_is_clean(&[PASSWORD]);
}

async fn wrong_password(browser: &Browser) {
    browser.fill("username", "alice").await;
    browser.fill("password", "not the password").await;
    browser.submit("sign-in").await;
    browser.wait_for_text("There is something to change").await;
    assert!(browser.title().await.starts_with("Error: "));
    let focused = browser.driver().active_element().await.unwrap();
    assert_eq!(focused.attr("role").await.unwrap().as_deref(), Some("alert"), "the focus");
    let value = browser.find("#username").await.prop("value").await.unwrap();
    assert_eq!(value.as_deref(), Some("alice"), "the name is kept");
    let value = browser.find("#current-password").await.prop("value").await.unwrap();
    assert_eq!(value.as_deref(), Some(""), "the password is not");
    assert!(browser.text().await.contains("to go on to Orchard Wiki"));
    browser.inspect("sign-in-wrong-password").await;
}

async fn consent(browser: &Browser, app: &App) {
    browser.wait_for_text("Allow Orchard Wiki?").await;
    let text = browser.text().await;
    for words in ["alice@example.com", "127.0.0.1", "privacy policy", "terms of service"] {
        assert!(text.contains(words), "no `{words}` in\n{text}");
    }
    browser.inspect("consent").await;
    browser.click("button[value='deny']").await;
    let answer = app.answer(browser).await;
    assert_eq!(answer["error"], "access_denied");
    assert_eq!(answer["state"], "first");

    browser.open(&app.request("scope=openid+profile+email+offline_access&state=second")).await;
    browser.click("button[value='allow']").await;
    let answer = app.answer(browser).await;
    app.redeem(&answer["code"]).await;
    assert_eq!(answer["state"], "second");
    assert_eq!(answer["iss"], app.issuer());
    // Remembered: no page at all the next time.
    browser.open(&app.request("scope=openid+profile&state=third")).await;
    assert_eq!(app.answer(browser).await["state"], "third");
}

async fn confirm_by_prompt_login(browser: &Browser, app: &App) {
    browser.open(&app.request("scope=openid&prompt=login&state=again")).await;
    browser.wait_for_text("Confirm it’s you").await;
    browser.inspect("confirm").await;
    browser.fill("password", "not the password").await;
    browser.submit("sign-in").await;
    browser.wait_for_text("There is something to change").await;
    // Still the same question about the same person.
    browser.wait_for_text("Confirm it’s you").await;
    browser.inspect("confirm-wrong-password").await;
    browser.fill("password", PASSWORD).await;
    browser.submit("sign-in").await;
    assert_eq!(app.answer(browser).await["state"], "again");

    // Somebody else sits down: the request is not lost.
    browser.open(&app.request("scope=openid&prompt=login&state=other")).await;
    browser.click_text("Use another account").await;
    browser.wait_for_text("Choose an account").await;
    browser.inspect("choose-account").await;
    browser.click_text("Use another account").await;
    browser.wait_for_text("to go on to Orchard Wiki").await;
    Person("alice").sign_in(browser).await;
    assert_eq!(app.answer(browser).await["state"], "other");
}

async fn silent_and_refused(browser: &Browser, app: &App) {
    browser.open(&app.request("scope=openid&prompt=none&state=silent")).await;
    assert_eq!(app.answer(browser).await["state"], "silent");
    browser.open(&app.request("scope=openid&client_id=nobody")).await;
    browser.wait_for_text("The app did not say who it is").await;
    browser.inspect("error-two-clients").await;
    browser.open(&app.request_of("nobody", "scope=openid")).await;
    browser.wait_for_text("No app with this client_id is registered here").await;
    browser.inspect("error-unknown-client").await;
    browser.open(&app.request_to("https://elsewhere.example/callback")).await;
    browser.wait_for_text("nothing was sent").await;
    browser.click("summary").await;
    browser.wait_for_text("https://elsewhere.example/callback").await;
    browser.inspect("error-redirect-uri").await;
}

async fn account_and_sign_out(world: &World, browser: &Browser, app: &App) {
    browser.open(&world.url("/no-such-page")).await;
    browser.inspect("error-not-found").await;
    browser.click_text("Go to the first page").await;
    browser.wait_for_text("Where you are signed in").await;

    // The same person on a phone.
    let phone = world.browser();
    let page = phone.get("/login").await;
    let form = page.form("sign-in").set("username", "alice").set("password", PASSWORD);
    form.submit().await.assert_status(303);
    browser.open(&world.url("/account")).await;
    browser.inspect("account").await;
    let elsewhere = "[aria-labelledby='devices'] form";
    browser.click(&format!("{elsewhere} button")).await;
    browser.wait_until_gone(elsewhere).await;
    browser.open(&world.url("/logout")).await;
    browser.wait_for_text("Orchard Wiki").await;
    browser.open(&world.url("/account")).await;
    // The app that stays signed in goes by itself.
    let app_alone = "[aria-labelledby='connections'] form";
    browser.click(&format!("{app_alone} button")).await;
    browser.wait_until_gone(app_alone).await;
    phone.get("/account").await.assert_status(303);

    browser.open(&world.url("/logout")).await;
    browser.wait_for_text("You are signed in as alice@example.com").await;
    browser.inspect("sign-out").await;
    browser.click("button[value='stay']").await;
    browser.wait_for_address(&world.url("/account")).await;
    browser.open(&world.url("/logout")).await;
    browser.click("button[value='logout']").await;
    browser.wait_for_text("You are signed out").await;
    browser.inspect("signed-out").await;

    browser.open(&app.sign_out_request("state=bye")).await;
    app.wait_for(browser, "/signed-out?").await;
    browser.wait_for_text("Signed out of the app").await;
}

#[tokio::test]
async fn the_same_pages_work_without_javascript() {
    let world = World::start(Backend::Embedded).await;
    let browser = Browser::new(Viewport::Phone, Scheme::Dark, Script::Off).await;
    Person("alice").exists(&world);
    let app = App::registered(&world);
    browser.open(&app.request("scope=openid+email&state=first")).await;
    browser.inspect_this_look("sign-in").await;
    browser.fill("username", "alice").await;
    browser.fill("password", "not the password").await;
    browser.submit("sign-in").await;
    browser.wait_for_text("There is something to change").await;
    browser.inspect_this_look("sign-in-wrong-password").await;
    Person("alice").sign_in(&browser).await;
    browser.wait_for_text("Allow Orchard Wiki?").await;
    browser.inspect_this_look("consent").await;
    browser.click("button[value='allow']").await;
    assert_eq!(app.answer(&browser).await["state"], "first");
    browser.open(&app.sign_out_request("state=bye")).await;
    browser.wait_for_text("Orchard Wiki asks to sign you out").await;
    browser.inspect_this_look("sign-out").await;
    browser.click("button[value='logout']").await;
    app.wait_for(&browser, "/signed-out?").await;
    browser.open(&world.url("/account")).await;
    browser.find("form#sign-in").await;
    browser.quit().await;
}

#[tokio::test]
async fn who_guesses_is_told_when_to_try_again() {
    let world = World::builder(Backend::Embedded);
    let world = world.env("DOORWARD_LIMITS__LOGIN_FREE_FAILURES", "1").start().await;
    let browser = desktop(Script::On).await;
    Person("alice").exists(&world);
    let app = App::registered(&world);
    browser.open(&app.request("scope=openid&state=patience")).await;
    // A short wait is waited for by the server itself; each one is twice as long as that before.
    let mut guesses = 0;
    while !guess(&browser).await {
        guesses += 1;
        assert!(guesses < 8, "nobody is ever told to wait");
    }
    browser.inspect("throttled").await;
    browser.click_text("Try again").await;
    browser.wait_for_text("to go on to Orchard Wiki").await;
    // The wait is over: nobody is locked out.
    tokio::time::sleep(std::time::Duration::from_secs(1 << guesses)).await;
    Person("alice").sign_in(&browser).await;
    browser.click("button[value='allow']").await;
    assert_eq!(app.answer(&browser).await["state"], "patience");
    browser.quit().await;
}

/// Signs in with a wrong password; says whether the answer is to wait.
async fn guess(browser: &Browser) -> bool {
    browser.fill("username", "alice").await;
    browser.fill("password", "a guess").await;
    browser.submit("sign-in").await;
    let mut is_told_to_wait = false;
    wait_until_async("the answer to a guess", PATIENCE, async || {
        is_told_to_wait = browser.shows("Wait a moment").await;
        // The form comes back without the password.
        is_told_to_wait || browser.value("password").await.is_some_and(|typed| typed.is_empty())
    })
    .await;
    is_told_to_wait
}

#[tokio::test]
async fn an_answer_by_form_post_reaches_the_app_with_and_without_javascript() {
    let world = World::start(Backend::Embedded).await;
    Person("alice").exists(&world);
    let app = App::registered(&world);
    let request = app.request("scope=openid&response_mode=form_post&state=posted");
    for script in [Script::On, Script::Off] {
        let browser = desktop(script).await;
        browser.open(&request).await;
        Person("alice").sign_in(&browser).await;
        if script == Script::On {
            browser.click("button[value='allow']").await;
        } else {
            // Allowed before; only the page that carries the answer is left.
            browser.find("form#form-post").await;
            browser.inspect_this_look("form-post").await;
            browser.look(Viewport::Phone, Scheme::Dark).await;
            browser.inspect_this_look("form-post").await;
            browser.click_text("Continue").await;
        }
        app.wait_for(&browser, "/callback").await;
        browser.wait_for_text("state=posted").await;
        let text = browser.text().await;
        assert!(text.contains("code=") && text.contains("iss="), "{text}");
        browser.quit().await;
    }
}
