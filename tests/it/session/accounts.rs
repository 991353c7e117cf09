//! Several people signed in in one browser: how they are added, chosen, named by an app and signed
//! out. The rules of the single session hold for each (security catalogue, part I).

use crate::kit::checks::{assert_client_error, assert_success};
use crate::kit::fixtures::{
    ALICE, BOB, Bed, Callback, MALLORY, Person, Rp, STATE, Tokens, fill_in, walk,
};
use crate::kit::flow::{SESSION_COOKIE, is_signed_in};
use crate::support::browser_like::{Browser, Page};

const ACCOUNTS_COOKIE: &str = "doorward_accounts";
const SELECT: [(&str, &str); 1] = [("prompt", "select_account")];

/// Adds a person to the browser the way people do: "use another account" on the account page.
async fn add(rp: &Rp, browser: &Browser, person: &Person) -> Tokens {
    let page = rp.authorize(browser, &SELECT).await;
    let form = page.form("choose-account").press("account", "another").submit().await;
    assert!(form.has_form("sign-in"), "{}", form.describe());
    assert_eq!(form.form("sign-in").value("username"), Some(""));
    let code = Callback::of(&walk(form, person).await).code();
    Tokens::of(&rp.redeem(&code).await)
}

/// A browser in which alice and then bob have signed in, and what the app got of each.
async fn two(rp: &Rp, bed: &Bed) -> (Browser, Tokens, Tokens) {
    let browser = bed.world.browser();
    let alice = rp.tokens(&browser, &ALICE, &[]).await;
    let bob = add(rp, &browser, &BOB).await;
    (browser, alice, bob)
}

/// Presses the button of this person.
async fn choose(page: &Page, person: &Person) -> Page {
    let wanted = format!("{} {}", person.name, person.email);
    let names = page.texts("#choose-account button");
    let place = names.iter().position(|name| *name == wanted);
    let place = place.unwrap_or_else(|| panic!("no {wanted} among {names:?}"));
    let value = page.attributes("#choose-account button", "value").swap_remove(place);
    page.form("choose-account").press("account", &value).submit().await
}

async fn who(rp: &Rp, page: Page) -> String {
    let code = Callback::of(&page.follow_within().await).code();
    let tokens = Tokens::of(&rp.redeem(&code).await);
    tokens.id_claims()["sub"].as_str().unwrap().to_owned()
}

/// Presses "use another account" on a page whose request is too long for a link: a button of this form.
async fn press_another(browser: &Browser, page: &Page, form: &str, from: &str) -> Page {
    assert_eq!(page.attributes("button[name=as]", "form"), [form], "{}", page.describe());
    let action = page.attributes("button[name=as]", "formaction").swap_remove(0);
    let flow = page.form(form).value("flow").expect("a flow").to_owned();
    let url = browser.resolve(&action);
    let post = browser.request(reqwest::Method::POST, &url).header("Origin", from);
    browser.send(post.form(&[("flow", flow.as_str()), ("as", "another")])).await
}

on_both_backends! {
    async fn a_request_too_long_for_an_address_is_answered_by_somebody_else_too(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, state) = (bed.rp("conf-basic"), "s".repeat(8_000));
        for (prompt, form) in [("login", "sign-in"), ("consent", "consent")] {
            let browser = bed.signed_in(&ALICE).await;
            let parameters = rp.parameters(&[("prompt", prompt), ("state", &state)]);
            let fields: Vec<_> = parameters.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let page = browser.post("/oauth2/authorize", &fields).await.follow_within().await;
            let links = page.attributes("main a", "href");
            assert!(links.iter().all(|link| !link.contains("select_account")), "{links:?}");
            let strange = press_another(&browser, &page, form, "https://evil.test").await;
            assert_eq!(strange.status.as_u16(), 400, "{}", strange.describe());
            let chooser = press_another(&browser, &page, form, &rp.issuer).await;
            let asked = chooser.form("choose-account").press("account", "another").submit().await;
            let callback = Callback::of(&walk(asked, &BOB).await);
            let code = assert_success(&callback, &rp, &state);
            let tokens = Tokens::of(&rp.redeem(&code).await);
            let told = rp.userinfo(&tokens.access).await.assert_status(200).json();
            let alices = rp.tokens(&bed.world.browser(), &ALICE, &[]).await.id_claims();
            assert_ne!(told["sub"], alices["sub"]);
        }
        bed.assert_log_is_clean();
    }

    async fn a_second_person_is_added_and_both_can_be_chosen(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("trusted");
        let (browser, alice, bob) = two(&rp, bed).await;
        assert_ne!(alice.id_claims()["sub"], bob.id_claims()["sub"]);
        // The last one to sign in is the active one, without a question.
        let active = who(&rp, rp.authorize(&browser, &[]).await).await;
        assert_eq!(bob.id_claims()["sub"], active);
        let page = rp.authorize(&browser, &SELECT).await;
        page.assert_status(200).assert_page_headers();
        let text = page.text();
        assert!(text.contains(ALICE.email) && text.contains(BOB.email), "{text}");
        let session = browser.cookie(SESSION_COOKIE).unwrap();
        let stolen = browser.copy();
        let chosen = who(&rp, choose(&page, &ALICE).await).await;
        assert_eq!(alice.id_claims()["sub"], chosen);
        // The cookie value is new, bob's is where the others are, and alice's old one is dead.
        assert_ne!(browser.cookie(SESSION_COOKIE).unwrap(), session);
        assert_eq!(browser.cookie(ACCOUNTS_COOKIE).unwrap(), session);
        let old = stolen.cookie(ACCOUNTS_COOKIE).unwrap();
        let attacker = bed.world.browser();
        attacker.plant_cookie(SESSION_COOKIE, &old);
        assert!(!is_signed_in(&attacker).await);
        // From now on she is the active one; both lineages live.
        let active = who(&rp, rp.authorize(&browser, &[]).await).await;
        assert_eq!(alice.id_claims()["sub"], active);
        for tokens in [&alice, &bob] {
            rp.userinfo(&tokens.access).await.assert_status(200);
        }
        bed.assert_log_is_clean();
    }

    async fn choosing_is_no_signing_in(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("trusted");
        let (browser, alice, _) = two(&rp, bed).await;
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        let page = rp.authorize(&browser, &SELECT).await;
        let code = Callback::of(&choose(&page, &ALICE).await.follow_within().await).code();
        let chosen = Tokens::of(&rp.redeem(&code).await).id_claims();
        for same in ["sub", "sid", "auth_time"] {
            assert_eq!(chosen[same], alice.id_claims()[same], "{same}");
        }
        // A demand for a fresh sign-in comes after the choice, for the chosen one.
        let page = rp.authorize(&browser, &[("prompt", "select_account login")]).await;
        let page = choose(&page, &BOB).await.follow_within().await;
        assert_eq!(page.form("sign-in").value("username"), Some(BOB.username));
    }

    async fn somebody_who_is_not_added_still_takes_the_place_of_the_active_one(backend: Backend) {
        let bed = Bed::own(backend, &["trusted"]).await;
        bed.add_person(&MALLORY, &[]);
        let rp = bed.rp("trusted");
        let (browser, alice, bob) = two(&rp, &bed).await;
        let page = rp.authorize(&browser, &[("prompt", "login")]).await;
        let form = page.form("sign-in").forge("username", MALLORY.username);
        form.set("password", MALLORY.password).submit().await;
        crate::kit::checks::assert_dead(&rp, &bob).await;
        rp.userinfo(&alice.access).await.assert_status(200);
        let page = rp.authorize(&browser, &SELECT).await;
        let text = page.text();
        assert!(text.contains(MALLORY.email) && text.contains(ALICE.email), "{text}");
        assert!(!text.contains(BOB.email), "{text}");
        // Somebody who is in the browser already is neither added twice nor ends anybody.
        let page = rp.authorize(&browser, &[("prompt", "login")]).await;
        let form = page.form("sign-in").forge("username", ALICE.username);
        form.set("password", ALICE.password).submit().await;
        rp.userinfo(&alice.access).await.assert_status(200);
        let page = rp.authorize(&browser, &SELECT).await;
        assert_eq!(page.texts("#choose-account button").len(), 3);
        assert!(page.text().contains(MALLORY.email));
    }

    async fn an_app_that_names_another_account_gets_it_without_switching(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("trusted");
        let (browser, alice, bob) = two(&rp, bed).await;
        let before = browser.cookie(SESSION_COOKIE);
        let hint = alice.id.clone().unwrap();
        let sub = alice.id_claims()["sub"].clone();
        let claims = serde_json::json!({ "id_token": { "sub": { "value": sub } } }).to_string();
        for named in [("id_token_hint", hint.as_str()), ("claims", claims.as_str())] {
            let page = rp.authorize(&browser, &[("prompt", "none"), named]).await;
            assert_eq!(sub, who(&rp, page).await);
        }
        assert_eq!(browser.cookie(SESSION_COOKIE), before);
        let active = who(&rp, rp.authorize(&browser, &[("prompt", "none")]).await).await;
        assert_eq!(bob.id_claims()["sub"], active);
        // Once that account has ended, its hint is worth nothing.
        let query = [("id_token_hint", hint.as_str())];
        let query = serde_urlencoded::to_string(query).unwrap();
        browser.get(&format!("/oauth2/logout?{query}")).await.assert_status(200);
        let page = rp.authorize(&browser, &[("prompt", "none"), ("id_token_hint", &hint)]).await;
        assert_client_error(&page, &rp, "login_required");
        rp.userinfo(&bob.access).await.assert_status(200);
        rp.userinfo(&alice.access).await.assert_status(401);
        assert!(browser.cookie(ACCOUNTS_COOKIE).is_none());
    }

    async fn consent_is_asked_of_the_account_the_request_is_about(backend: Backend) {
        let bed = Bed::own(backend, &["trusted", "conf-basic"]).await;
        let (rp, asking) = (bed.rp("trusted"), bed.rp("conf-basic"));
        let (browser, alice, _) = two(&rp, &bed).await;
        let hint = alice.id.clone().unwrap();
        let page = asking.authorize(&browser, &[("id_token_hint", &hint)]).await;
        assert!(page.text().contains(ALICE.email), "{}", page.describe());
        let sub = who(&asking, page.form("consent").press("decision", "allow").submit().await).await;
        assert_eq!(alice.id_claims()["sub"], sub);
        // bob, who is the active one, allowed nothing.
        let page = asking.authorize(&browser, &[("prompt", "none")]).await;
        assert_client_error(&page, &asking, "consent_required");
    }

    async fn with_the_active_account_signed_out_the_others_are_offered(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("trusted");
        let (browser, alice, bob) = two(&rp, bed).await;
        let query = [("id_token_hint", bob.id.clone().unwrap())];
        let query = serde_urlencoded::to_string(query).unwrap();
        browser.get(&format!("/oauth2/logout?{query}")).await.assert_status(200);
        rp.userinfo(&alice.access).await.assert_status(200);
        assert!(!is_signed_in(&browser).await, "nobody is made active behind the person's back");
        let page = rp.authorize(&browser, &[("prompt", "none")]).await;
        assert_client_error(&page, &rp, "account_selection_required");
        let page = rp.authorize(&browser, &[]).await;
        let chosen = who(&rp, choose(&page, &ALICE).await).await;
        assert_eq!(alice.id_claims()["sub"], chosen);
        assert!(is_signed_in(&browser).await);
    }

    async fn a_person_who_signs_out_leaves_nobody_signed_in(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("trusted");
        let (browser, alice, bob) = two(&rp, bed).await;
        let page = browser.get("/logout").await;
        let text = page.text();
        assert!(text.contains(ALICE.email) && text.contains(BOB.email), "{text}");
        page.form("sign-out").press("decision", "logout").submit().await.assert_status(200);
        crate::kit::checks::assert_dead(&rp, &alice).await;
        crate::kit::checks::assert_dead(&rp, &bob).await;
        assert!(browser.cookie(ACCOUNTS_COOKIE).is_none());
        let page = rp.authorize(&browser, &[("prompt", "none")]).await;
        assert_client_error(&page, &rp, "login_required");
        assert!(rp.authorize(&browser, &SELECT).await.has_form("sign-in"));
    }

    async fn the_account_page_is_protected_like_every_form(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("trusted");
        let (browser, _, bob) = two(&rp, bed).await;
        let before = browser.cookie(SESSION_COOKIE);
        let page = rp.authorize(&browser, &SELECT).await;
        let alices = page.attributes("#choose-account button", "value").swap_remove(1);
        let form = || page.form("choose-account").press("account", &alices);
        form().without("csrf").submit().await.assert_status(403);
        form().forge("csrf", "x").submit().await.assert_status(403);
        let elsewhere = browser.request(reqwest::Method::POST, &form().action).form(&form().pairs());
        let elsewhere = elsewhere.header("Sec-Fetch-Site", "cross-site");
        browser.send(elsewhere).await.assert_status(403);
        browser.get("/login/account").await.assert_status(405);
        assert_eq!(browser.cookie(SESSION_COOKIE), before, "nothing was switched");
        // A session of another browser cannot be chosen, nor one that does not exist.
        let strangers = bed.signed_in(&ALICE).await;
        let theirs = rp.authorize(&strangers, &SELECT).await;
        let theirs = theirs.attributes("#choose-account button", "value").swap_remove(0);
        for id in [theirs.as_str(), "", "nobody", "'"] {
            let page = page.form("choose-account").forge("account", id).press("account", &alices);
            let mut pairs = page.pairs();
            pairs.pop();
            let request = browser.request(reqwest::Method::POST, &page.action).form(&pairs);
            let answer = browser.send(request.header("Sec-Fetch-Site", "same-origin")).await;
            assert!(
                answer.has_form("choose-account") || answer.status.as_u16() == 400,
                "{id}: {}",
                answer.describe()
            );
        }
        let active = who(&rp, rp.authorize(&browser, &[]).await).await;
        assert_eq!(bob.id_claims()["sub"], active);
    }

    async fn a_browser_holds_no_more_accounts_than_it_may(backend: Backend) {
        let world = crate::support::world::World::builder(backend);
        let world = world.env("DOORWARD_AUTHORIZATION__ACCOUNTS_PER_BROWSER", "2");
        let bed = Bed::new(world.start().await, &["trusted"]).await;
        bed.add_person(&MALLORY, &[]);
        let rp = bed.rp("trusted");
        let (browser, alice, bob) = two(&rp, &bed).await;
        let mallory = add(&rp, &browser, &MALLORY).await;
        crate::kit::checks::assert_dead(&rp, &alice).await;
        for tokens in [&bob, &mallory] {
            rp.userinfo(&tokens.access).await.assert_status(200);
        }
        // Planted garbage in the cookie is read as nobody.
        let real = browser.cookie(ACCOUNTS_COOKIE).unwrap();
        for garbage in [format!("{}.{real}", "A".repeat(43)), "....".into(), "x".repeat(900)] {
            browser.plant_cookie(ACCOUNTS_COOKIE, &garbage);
            let page = rp.authorize(&browser, &SELECT).await;
            page.assert_status(200);
            assert!(page.text().contains(MALLORY.email));
        }
        bed.assert_log_is_clean();
    }

    async fn select_account_with_nobody_signed_in_is_the_sign_in_form(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("trusted"), bed.world.browser());
        let page = rp.authorize(&browser, &SELECT).await;
        let answer = fill_in(&page, &ALICE).submit().await.follow_within().await;
        assert_success(&Callback::of(&answer), &rp, STATE);
        // One account is a choice, too: this one or another.
        let page = rp.authorize(&browser, &SELECT).await;
        assert_eq!(page.texts("#choose-account button").len(), 2);
        assert_success(&Callback::of(&choose(&page, &ALICE).await.follow_within().await), &rp, STATE);
        let create = rp.authorize(&browser, &[("prompt", "create")]).await;
        assert_client_error(&create, &rp, "invalid_request");
    }
}
