//! The driver must be believed, so it is tested too, on pages of its own.

use std::time::Duration;

use crate::driver::page_server::{Pages, serve};
use crate::driver::{Browser, Scheme, Script, Viewport};
use crate::support::process::wait_until;

const STRICT: &str = "default-src 'none'; script-src 'nonce-n'; style-src 'nonce-n'; \
                      base-uri 'none'; frame-ancestors 'none'";

const GOOD: &str = "<!doctype html><html lang=en><meta charset=utf-8>\
    <meta name=viewport content='width=device-width'><title>Good</title>\
    <style nonce=n>:root{color-scheme:light dark}\
    @media (prefers-color-scheme: dark){body::before{content:'dark'}}\
    @media (prefers-color-scheme: light){body::before{content:'light'}}\
    #wide{display:none}@media (min-width:1000px){#wide{display:block}}</style>\
    <main><h1>Good</h1><p id=wide>wide</p><p id=script>no script</p>\
    <form id=sign-in method=post action=/posted><label for=u>Name</label>\
    <input id=u name=username><button>Go on</button></form></main>\
    <script nonce=n>document.getElementById('script').textContent='script ran'</script>";

const BAD: &str = "<!doctype html><html><title>Bad</title><img src='data:,x'>\
    <input name=x><script>document.title='ran'</script>";

const WIDE: &str = "<!doctype html><html lang=en>\
    <meta name=viewport content='width=device-width, initial-scale=1'><title>Wide</title><main>\
    <p id=wide>ThisWordIsLongerThanAPhoneIsWideAndNothingInItAllowsTheLineToBreak<p>narrow</main>\
    <script src=/nowhere></script>";

const PAGES: Pages = &[
    ("/wide", "", WIDE),
    ("/", STRICT, GOOD),
    ("/bad", STRICT, BAD),
    ("/posted", STRICT, "<!doctype html><html lang=en><title>Posted</title><p>{echo}</p>"),
];

#[tokio::test]
async fn a_page_is_seen_in_the_chosen_size_and_scheme() {
    let address = serve(PAGES);
    let desktop = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    desktop.open(&address).await;
    assert_eq!(desktop.title().await, "Good");
    assert!(desktop.find("#wide").await.is_displayed().await.unwrap());
    assert!(desktop.text().await.contains("script ran"));
    assert_eq!(shown_scheme(&desktop).await, "light");
    let picture = desktop.screenshot("machinery").await;
    assert!(picture.ends_with("target/screenshots/machinery-desktop-light.png"));
    assert!(std::fs::read(picture).unwrap().starts_with(b"\x89PNG"));
    desktop.quit().await;

    let phone = Browser::new(Viewport::Phone, Scheme::Dark, Script::On).await;
    for tab in ["first", "second"] {
        phone.open(&address).await;
        assert!(!phone.find("#wide").await.is_displayed().await.unwrap(), "in the {tab} tab");
        assert_eq!(shown_scheme(&phone).await, "dark", "in the {tab} tab");
        phone.new_tab().await;
    }
    phone.quit().await;
}

async fn shown_scheme(browser: &Browser) -> String {
    let ask = "return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'";
    let answer = browser.driver().execute(ask, Vec::<serde_json::Value>::new()).await.unwrap();
    answer.convert().unwrap()
}

#[tokio::test]
async fn a_form_is_filled_in_and_sent_with_scripts_off() {
    let address = serve(PAGES);
    let browser = Browser::new(Viewport::Phone, Scheme::Light, Script::Off).await;
    browser.open(&address).await;
    assert!(browser.text().await.contains("no script"));
    browser.fill("username", "alice").await;
    browser.submit("sign-in").await;
    browser.wait_for_text("username=alice").await;
    browser.wait_for_address(&format!("{address}/posted")).await;
    browser.back().await;
    assert!(browser.find("#script").await.text().await.unwrap().contains("no script"));
    browser.screenshot("machinery").await;
    browser.quit().await;
}

#[tokio::test]
async fn axe_and_the_console_tell_a_good_page_from_a_bad_one() {
    let address = serve(PAGES);
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    browser.open(&address).await;
    browser.assert_accessible().await;
    assert_eq!(browser.policy_violations().await, Vec::<String>::new());
    browser.open(&format!("{address}/bad")).await;
    assert_eq!(browser.title().await, "Bad", "the policy stops the script");
    let rules: Vec<_> = browser.axe().await.into_iter().map(|violation| violation.id).collect();
    for rule in ["html-has-lang", "image-alt", "label"] {
        assert!(rules.iter().any(|found| found == rule), "axe misses {rule}: {rules:?}");
    }
    assert!(!browser.policy_violations().await.is_empty());
    browser.quit().await;
}

#[tokio::test]
async fn what_sticks_out_and_what_fails_is_noticed() {
    let address = serve(PAGES);
    let browser = Browser::new(Viewport::Phone, Scheme::Light, Script::On).await;
    browser.open(&address).await;
    assert_eq!(browser.sticking_out(320).await, Vec::<String>::new());
    assert_eq!(browser.complaints().await.len(), 0);
    browser.open(&format!("{address}/wide")).await;
    let found = browser.sticking_out(320).await;
    assert!(found.iter().any(|element| element.contains("id=\"wide\"")), "{found:?}");
    let complaints = browser.complaints().await;
    assert!(complaints.iter().any(|c| c.contains("/nowhere")), "{complaints:?}");
    browser.open(&format!("{address}/bad")).await;
    let complaints = browser.complaints().await;
    assert!(complaints.iter().any(|c| c.contains("Content Security Policy")), "{complaints:?}");
    browser.quit().await;
}

#[tokio::test]
async fn a_browser_that_is_only_dropped_leaves_no_chromium_behind() {
    let browser = Browser::new(Viewport::Desktop, Scheme::Light, Script::On).await;
    let profile = browser.profile();
    assert!(chromium_with(&profile) > 0);
    drop(browser);
    wait_until("Chromium ending", Duration::from_secs(20), || chromium_with(&profile) == 0);
}

/// How many processes have this profile on their command line.
fn chromium_with(profile: &str) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let lines = processes.filter_map(|p| std::fs::read(p.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(profile)).count()
}
