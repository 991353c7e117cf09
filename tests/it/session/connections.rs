//! Devices and apps that stay signed in: listed on the account page, ended one by one.

use serde_json::json;

use crate::kit::checks::{assert_alive, assert_dead};
use crate::kit::fixtures::{ALICE, BOB, Bed, Rp, Tokens};
use crate::kit::flow::is_signed_in;
use crate::kit::grant::{Clients, Device};
use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};

const OFFLINE: [(&str, &str); 2] = [("scope", "openid offline_access"), ("prompt", "consent")];

/// A world of its own with an app, and a television that keeps its tokens fresh.
async fn home(backend: Backend) -> (Bed, Rp) {
    let bed = Bed::own(backend, &["conf-basic"]).await;
    let mut clients = Clients::default();
    let evil = "Telly \"><script>alert(1)</script>";
    clients.register(&bed.world, "tv", ("device", json!({ "client_name": evil })));
    let tv = clients.rp(&bed.world, "tv");
    (bed, tv)
}

async fn let_in(tv: &Rp, browser: &Browser) -> Tokens {
    Device::ask(tv.clone(), "openid offline_access").await.tokens(browser).await
}

/// Where the buttons of the list lead, in its order.
fn ends(page: &Page) -> Vec<String> {
    page.attributes("section[aria-labelledby=connections] form", "action")
}

fn csrf(page: &Page) -> String {
    page.attributes("input[name=csrf]", "value").swap_remove(0)
}

on_both_backends! {
    async fn each_device_and_app_is_listed_and_ended_by_itself(backend: Backend) {
        let (bed, tv) = home(backend).await;
        let rp = bed.rp("conf-basic");
        let browser = bed.world.browser();
        let until_sign_out = rp.tokens(&browser, &ALICE, &[]).await;
        let offline = rp.tokens(&browser, &ALICE, &OFFLINE).await;
        let (first, second) = (let_in(&tv, &browser).await, let_in(&tv, &browser).await);
        let page = browser.get("/account").await;
        page.assert_status(200).assert_page_headers();
        assert!(!page.body.contains("<script>alert"), "{}", page.body);
        let list = page.texts("section[aria-labelledby=connections] li");
        assert_eq!(list.len(), 4, "{list:?}");
        for (text, words) in list.iter().zip([
            "On a device you let in", "On a device you let in", "Stays when you sign out here",
            "Until you sign out",
        ]) {
            assert!(text.contains(words), "{text}");
        }
        // The second television goes; nothing else notices.
        let links = ends(&page);
        browser.post(&links[0], &[("csrf", &csrf(&page))]).await.assert_status(303);
        assert_dead(&tv, &second).await;
        for (rp, tokens) in [(&tv, &first), (&rp, &offline), (&rp, &until_sign_out)] {
            assert_alive(rp, &tokens.access).await;
        }
        let again = Tokens::of(&tv.refresh(first.refresh()).await);
        assert_alive(&tv, &again.access).await;
        assert!(is_signed_in(&browser).await);
        let page = browser.get("/account").await;
        assert_eq!(ends(&page), links[1..]);
        assert_eq!(bed.audit_count("connection.ended").await, 1);
        // Gone is gone, and the app of the browser alone can be ended, too.
        browser.post(&links[0], &[("csrf", &csrf(&page))]).await.assert_status(404);
        browser.post(&links[2], &[("csrf", &csrf(&page))]).await.assert_status(303);
        assert_dead(&rp, &offline).await;
        assert_alive(&rp, &until_sign_out.access).await;
        bed.assert_log_is_clean();
    }

    async fn nobody_ends_what_somebody_else_has_let_in(backend: Backend) {
        let (bed, tv) = home(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        let tokens = let_in(&tv, &browser).await;
        let page = browser.get("/account").await;
        let link = ends(&page).swap_remove(0);
        let bob = bed.signed_in(&BOB).await;
        let theirs = csrf(&bob.get("/account").await);
        assert!(ends(&bob.get("/account").await).is_empty());
        // Theirs looks like none, whether it exists or not.
        bob.post(&link, &[("csrf", &theirs)]).await.assert_status(404);
        for id in ["nobody", "%00", "'", "..%2f..", &"x".repeat(3_000)] {
            let link = format!("/account/connections/{id}/end");
            let page = bob.post(&link, &[("csrf", &theirs)]).await;
            assert!([400, 404].contains(&page.status.as_u16()), "{id}: {}", page.describe());
        }
        // A form from elsewhere, and nobody at all.
        for forged in [&[][..], &[("csrf", "x")], &[("csrf", &*theirs)]] {
            browser.post(&link, forged).await.assert_status(403);
        }
        let nobody = bed.world.browser();
        nobody.get("/login").await;
        let answer = nobody.post(&link, &[("csrf", &theirs)]).await;
        assert_eq!(answer.location().path(), "/login");
        browser.get(&link).await.assert_status(405);
        assert_alive(&tv, &tokens.access).await;
    }

    async fn another_account_lets_the_device_in_without_typing_the_code_again(backend: Backend) {
        let (bed, tv) = home(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        let device = Device::ask(tv.clone(), "openid").await;
        let question = device.question(&browser).await;
        let links = question.attributes("main a", "href");
        let another = links.iter().find(|link| link.contains("as=another")).expect("a link");
        let chooser = browser.get(another).await;
        assert!(chooser.text().contains("to let your device in"), "{}", chooser.text());
        assert_eq!(chooser.texts("#choose-account button").len(), 2);
        let form = chooser.form("choose-account").press("account", "another").submit().await;
        let wrong = form.form("sign-in").set("username", "bob").set("password", "not his");
        let form = wrong.submit().await;
        form.assert_status(401);
        let question = crate::kit::grant::sign_in_on(&form, &BOB).await;
        assert!(question.has_form("device-question"), "{}", question.describe());
        assert_eq!(question.form("device-question").value("user_code"), Some(device.text("user_code")));
        assert!(question.text().contains(BOB.email), "{}", question.text());
        // And back to her, who is still signed in.
        let links = question.attributes("main a", "href");
        let another = links.iter().find(|link| link.contains("as=another")).expect("a link");
        let chooser = browser.get(another).await;
        let alice = chooser.attributes("#choose-account button", "value").swap_remove(1);
        let chosen = chooser.form("choose-account").press("account", &alice).submit().await;
        let question = chosen.follow().await;
        assert!(question.text().contains(ALICE.email), "{}", question.text());
        let answer = question.form("device-question").press("decision", "allow").submit().await;
        answer.assert_status(303);
        let tokens = Tokens::of(&device.poll().await);
        let person = tv.userinfo(&tokens.access).await.json();
        let store = bed.store().await;
        let expected = doorward::store::users::by_login(&store.db, "alice").await.unwrap().unwrap();
        store.db.close().await;
        assert_eq!(person["sub"], expected.id.as_str());
    }
}
