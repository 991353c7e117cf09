//! Assurance levels: `acr_values`, the `acr` claim, and what happens when they cannot be met.

use serde_json::json;

use crate::kit::checks::{assert_client_error, assert_success};
use crate::kit::fixtures::{ALICE, Bed, Callback, Rp, STATE};
use crate::support::browser_like::Browser;

async fn insisting(
    rp: &Rp,
    browser: &Browser,
    acr: &serde_json::Value,
) -> crate::support::browser_like::Page {
    let claims = json!({ "id_token": { "acr": acr } }).to_string();
    rp.authorize(browser, &[("claims", &claims)]).await
}

on_both_backends! {
    async fn oidcc_ensure_request_with_acr_values_succeeds(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let document = browser.get("/.well-known/openid-configuration").await.json();
        assert_eq!(document["acr_values_supported"], json!(["aal1"]));
        for wish in ["aal1", "aal2", "1 2", "urn:mace:incommon:iap:silver aal1"] {
            let tokens = rp.tokens(&browser, &ALICE, &[("acr_values", wish)]).await;
            assert_eq!(tokens.id_claims()["acr"], "aal1", "{wish}");
        }
        // The client's own default is a wish, too.
        let rich = bed.rp("rich");
        assert_eq!(rich.tokens(&browser, &ALICE, &[]).await.id_claims()["acr"], "aal1");
    }

    async fn an_essential_acr_that_cannot_be_reached_is_refused_before_anybody_signs_in(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let (nobody, alice) = (bed.world.browser(), bed.signed_in(&ALICE).await);
        for acr in [
            json!({ "essential": true, "values": ["aal2"] }),
            json!({ "essential": true, "value": "urn:nobody:knows" }),
            json!({ "essential": true, "values": [1, null] }),
        ] {
            for browser in [&nobody, &alice] {
                let page = insisting(&rp, browser, &acr).await;
                assert_client_error(&page, &rp, "unmet_authentication_requirements");
            }
        }
    }

    async fn an_essential_acr_that_is_met_and_a_voluntary_one_that_is_not_both_succeed(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        rp.code(&browser, &ALICE, &[]).await;
        for acr in [
            json!({ "essential": true }), json!(null),
            json!({ "essential": true, "values": ["aal2", "aal1"] }),
            json!({ "values": ["aal2"] }), json!({ "value": "urn:nobody:knows" }),
        ] {
            let page = insisting(&rp, &browser, &acr).await;
            let code = assert_success(&Callback::of(&page), &rp, STATE);
            let tokens = crate::kit::fixtures::Tokens::of(&rp.redeem(&code).await);
            assert_eq!(tokens.id_claims()["acr"], "aal1", "{acr}");
        }
    }
}
