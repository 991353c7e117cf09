//! What a click on Allow counts for: the list that the person saw, and nothing that the app asks for
//! by then.

use reqwest::Method;
use serde_json::json;

use crate::kit::fixtures::{ALICE, Bed, Callback, Rp, Tokens, fill_in, unique};
use crate::kit::registration::{Registered, open_bed};
use crate::support::browser_like::{Browser, Page};

/// A greedy request of a client that may have next to nothing.
const GREEDY: [(&str, &str); 2] = [
    ("scope", "openid profile email phone address groups offline_access"),
    ("claims", r#"{"userinfo":{"email":null}}"#),
];

/// The consent page of this request.
async fn consent_page(app: &Registered, browser: &Browser, changes: &[(&str, &str)]) -> Page {
    let page = app.rp.authorize(browser, changes).await.follow_within().await;
    let page = fill_in(&page, &ALICE).submit().await.follow_within().await;
    assert!(page.has_form("consent"), "{}", page.describe());
    page
}

async fn allow(page: &Page) -> Page {
    page.form("consent").press("decision", "allow").submit().await.follow_within().await
}

on_both_backends! {
    async fn a_click_on_allow_counts_for_the_list_that_the_page_showed(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({ "scope": "openid" })).await;
        let browser = bed.world.browser();
        let page = consent_page(&app, &browser, &GREEDY).await;
        assert_eq!(page.texts(".permissions li").len(), 1, "{}", page.text());
        // While the person reads, the app helps itself to more.
        let wide = app.replacement(json!({ "scope": GREEDY[0].1 }));
        app.manage(Method::PUT, Some(&wide)).await.assert_status(200);
        let again = allow(&page).await;
        assert!(again.has_form("consent"), "nothing is given: {}", again.describe());
        assert_eq!(again.texts(".permissions li").len(), 7, "{}", again.text());
        assert!(again.text().contains("has changed"), "{}", again.text());
        let silent = app.rp.authorize(&browser, &[("prompt", "none")]).await;
        assert_eq!(silent.location_parameter("error").as_deref(), Some("consent_required"));
        // The old page is as good as before: for nothing.
        assert!(allow(&page).await.has_form("consent"));
        let code = Callback::of(&allow(&again).await).code();
        let tokens = Tokens::of(&app.rp.redeem(&code).await);
        assert_eq!(tokens.json["scope"], GREEDY[0].1);
    }

    async fn an_app_that_asks_for_less_or_is_called_otherwise_is_asked_about_anew(backend: Backend) {
        let bed = open_bed(backend).await;
        let browser = bed.world.browser();
        for change in [json!({ "client_name": "Your bank" }), json!({ "scope": "openid email" })] {
            let app = Registered::new(&bed.world, json!({ "scope": "openid email phone" })).await;
            browser.forget_cookies();
            let page = consent_page(&app, &browser, &[("scope", "openid email phone")]).await;
            let body = app.replacement(change);
            app.manage(Method::PUT, Some(&body)).await.assert_status(200);
            let again = allow(&page).await;
            assert!(again.text().contains("has changed"), "{}", again.describe());
            Callback::of(&allow(&again).await).code();
        }
    }

    async fn a_program_that_anybody_can_imitate_is_asked_about_each_time(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("native"), bed.world.browser());
        rp.code(&browser, &ALICE, &[]).await;
        let other_port = [("redirect_uri", "http://127.0.0.1:7777/cb")];
        let page = rp.authorize(&browser, &other_port).await;
        assert!(page.has_form("consent"), "another program may be listening: {}", page.describe());
        let silent = rp.authorize(&browser, &[other_port[0], ("prompt", "none")]).await;
        assert_eq!(silent.location_parameter("error").as_deref(), Some("consent_required"));
        Callback::of(&allow(&page).await).code();
        assert!(rp.authorize(&browser, &[]).await.has_form("consent"));
        // An administrator who knows the app can excuse it.
        let id = unique("excused");
        let redirect = ["--redirect-uri", "com.example.app:/cb", "--skip-consent"];
        let made = ["client", "create", "--name", "CLI", "--type", "native", "--client-id", &id];
        bed.world.cli(&[&made[..], &redirect].concat());
        let own = Rp { redirect_uri: redirect[1].to_owned(), ..Rp::new(&bed.world, &id) };
        let page = own.authorize(&browser, &[("prompt", "none")]).await;
        assert!(page.header("location").starts_with("com.example.app:/cb?code="), "{}", page.describe());
    }

    async fn a_scheme_of_an_app_s_own_is_never_shown_as_somebody_s_host(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({
            "client_name": null, "application_type": "native", "token_endpoint_auth_method": "none",
            "redirect_uris": ["com.evil.app://accounts.bank.example/cb"],
        }))
        .await;
        let page = consent_page(&app, &bed.world.browser(), &[]).await;
        assert!(!page.text().contains("accounts.bank.example"), "{}", page.text());
        assert!(page.text().contains("com.evil.app: on this device"), "{}", page.text());
        assert_eq!(app.json["client_name"], "An app without a name");
    }

    async fn a_page_that_is_loaded_again_or_in_another_tab_still_counts(backend: Backend) {
        let bed = open_bed(backend).await;
        let app = Registered::new(&bed.world, json!({})).await;
        let browser = bed.world.browser();
        let page = consent_page(&app, &browser, &GREEDY).await;
        let reloaded = browser.get(page.url.as_str()).await;
        assert!(reloaded.has_form("consent") && !reloaded.text().contains("has changed"));
        Callback::of(&allow(&page).await).code();
        Callback::of(&allow(&reloaded).await).code();
    }
}
