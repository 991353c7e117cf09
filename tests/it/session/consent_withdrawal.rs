//! Taking back what one has allowed an app, on the account page: what ends with it, and who is told.

use futures_util::future::join;

use crate::kit::checks::{assert_alive, assert_client_error, assert_dead};
use crate::kit::fixtures::{ALICE, BOB, Bed, Rp, Tokens};
use crate::kit::flow::{claim, count, is_signed_in};
use crate::kit::grant::{Clients, Device};
use crate::kit::logout::{Told, somebody, token_of, verified};
use crate::support::browser_like::{Browser, Page};
use crate::support::tls_peer::{TlsPeer, reachable};
use crate::support::world::World;

const ACTION: &str = "/account/allowed/end";

/// Presses the button beside this app.
async fn take_back(browser: &Browser, client_id: &str) -> Page {
    let account = browser.get("/account").await;
    let csrf = account.attributes("input[name='csrf']", "value").remove(0);
    browser.post(ACTION, &[("csrf", &csrf), ("client_id", client_id)]).await
}

/// The apps on the list.
async fn allowed(browser: &Browser) -> Vec<String> {
    let selector = format!("form[action='{ACTION}'] input[name='client_id']");
    browser.get("/account").await.attributes(&selector, "value")
}

async fn living_grants(bed: &Bed, rp: &Rp) -> i64 {
    let id = &rp.id;
    let sql =
        format!("select count(*) from grants where client_id = '{id}' and revoked_at is null");
    count(&bed.world, &sql).await
}

on_both_backends! {
    async fn a_code_of_before_stays_worthless_though_it_is_allowed_anew(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        for _ in 0..2 {
            let before = rp.code(&browser, &ALICE, &[]).await;
            take_back(&browser, "conf-basic").await.assert_status(303);
            let after = rp.code(&browser, &ALICE, &[]).await;
            rp.redeem(&before).await.assert_oauth_error(400, "invalid_grant");
            let tokens = Tokens::of(&rp.redeem(&after).await);
            assert_alive(&rp, &tokens.access).await;
        }
    }

    async fn taking_a_consent_back_ends_everything_that_stood_on_it(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic", "spa", "trusted"]).await;
        let (rp, spa) = (bed.rp("conf-basic"), bed.rp("spa"));
        let (browser, bobs) = (bed.signed_in(&ALICE).await, bed.signed_in(&BOB).await);
        assert_eq!(allowed(&browser).await, Vec::<String>::new());
        let ask = [("scope", "openid email offline_access")];
        let tokens = rp.tokens(&browser, &ALICE, &ask).await;
        let elsewhere = rp.tokens(&bed.signed_in(&ALICE).await, &ALICE, &[]).await;
        let code = rp.code(&browser, &ALICE, &[]).await;
        let others = [
            (&spa, spa.tokens(&browser, &ALICE, &[]).await),
            (&rp, rp.tokens(&bobs, &BOB, &[]).await),
        ];
        // An app that asks nobody has been allowed nothing.
        let trusted = bed.rp("trusted").tokens(&browser, &ALICE, &[]).await;
        let page = browser.get("/account").await;
        page.assert_status(200).assert_page_headers();
        assert!(page.text().contains("See your e-mail address"), "{}", page.text());
        assert_eq!(allowed(&browser).await, ["conf-basic", "spa"]);

        take_back(&browser, "conf-basic").await.assert_status(303);
        assert_eq!(allowed(&browser).await, ["spa"]);
        for ended in [&tokens, &elsewhere] {
            assert_dead(&rp, ended).await;
        }
        rp.redeem(&code).await.assert_oauth_error(400, "invalid_grant");
        assert_eq!(living_grants(&bed, &rp).await, 1, "the other person's");
        for (rp, tokens) in &others {
            assert_alive(rp, &tokens.access).await;
        }
        assert_alive(&bed.rp("trusted"), &trusted.access).await;
        let silent = rp.authorize(&browser, &[("prompt", "none")]).await;
        assert_client_error(&silent, &rp, "consent_required");
        assert_eq!(bed.audit_count("consent.withdrawn").await, 1);

        // Nothing is left to take back, and nobody takes back what others have allowed.
        take_back(&browser, "conf-basic").await.assert_status(404);
        for unknown in ["trusted", "nobody", ""] {
            take_back(&browser, unknown).await.assert_status(404);
        }
        take_back(&bobs, "spa").await.assert_status(404);
        assert_eq!(bed.audit_count("consent.withdrawn").await, 1);
        // Allowed again, it works again.
        assert_alive(&rp, &rp.tokens(&browser, &ALICE, &[]).await.access).await;
        bed.assert_log_is_clean();
    }

    async fn a_code_that_is_redeemed_at_the_same_moment_leaves_nothing_behind(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        for _ in 0..8 {
            let code = rp.code(&browser, &ALICE, &[("scope", "openid offline_access")]).await;
            let (redeemed, taken) = join(rp.redeem(&code), take_back(&browser, "conf-basic")).await;
            taken.assert_status(303);
            assert_eq!(living_grants(&bed, &rp).await, 0);
            match redeemed.status.as_u16() {
                200 => assert_dead(&rp, &Tokens::of(&redeemed)).await,
                _ => {
                    redeemed.assert_oauth_error(400, "invalid_grant");
                }
            }
        }
    }

    async fn a_device_is_signed_out_with_the_consent_it_stands_on(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let mut clients = Clients::default();
        clients.register(&bed.world, "tv", ("device", serde_json::json!({})));
        let tv = clients.rp(&bed.world, "tv");
        let browser = bed.signed_in(&ALICE).await;
        let tokens = Device::ask(tv.clone(), "openid").await.tokens(&browser).await;
        let waiting = Device::ask(tv.clone(), "openid").await;
        waiting.answer(&browser, "allow").await.assert_status(303);
        take_back(&browser, "tv").await.assert_status(303);
        assert_dead(&tv, &tokens).await;
        waiting.poll().await.assert_oauth_error(400, "access_denied");
    }

    async fn the_app_is_told_that_the_person_has_left_it(backend: Backend) {
        let world = reachable(World::builder(backend), &[TlsPeer::shared()]).start().await;
        let (told, other) = (Told::register(&world, &[]), Told::register(&world, &[]));
        world.cli(&["client", "update", &told.app.id, "--ask-consent"]);
        let (_, browser) = somebody(&world).await;
        let page = browser.get(&told.app.authorize_path(&[])).await;
        let page = page.form("consent").press("decision", "allow").submit().await;
        let code = page.location_parameter("code").expect("a code");
        let tokens = told.app.redeem(&code).await.tokens();
        let others = other.app.tokens(&browser).await;
        take_back(&browser, &told.app.id).await.assert_status(303);
        let heard = told.hears(1).await;
        let algorithm = jsonwebtoken::Algorithm::RS256;
        let notice = verified(&world, &token_of(&heard[0]), algorithm).await;
        assert_eq!(notice["sid"], claim(&tokens.id, "sid"));
        assert_eq!(notice["sub"], claim(&tokens.id, "sub"));
        told.app.assert_dead(&tokens).await;
        // The person is still signed in, and so is everybody else's business.
        assert!(is_signed_in(&browser).await);
        other.app.assert_alive(&others).await;
        other.settled(&world).await;
        assert_eq!(other.heard().len(), 0);
    }
}
