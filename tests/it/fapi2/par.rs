//! `fapi2-security-profile-final-test-plan`: the modules about pushed requests and PKCE.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::kit::checks::assert_error_page;
use crate::kit::dpop::endpoint;
use crate::kit::fapi2::{
    Bank, Holder, PAR, Variant, assert_refused, banks, bed, builder, request_uri,
};
use crate::kit::fixtures::{ALICE, Bed, CHALLENGE, VERIFIER, walk};
use crate::support::browser_like::Page;

/// Whether a request was refused, on a page or by an answer to the client without a code.
async fn assert_no_code(bank: &Bank, page: &Page) {
    if page.status.is_redirection() {
        let callback = bank.came_back(page).await;
        assert!(callback.get("code").is_none(), "{callback:?}");
        assert!(callback.get("error").is_some(), "{callback:?}");
    } else {
        assert_error_page(page);
    }
}

on_both_backends! {
    async fn fapi2_security_profile_final_par_ensure_reused_request_uri_prior_to_auth_completion_succeeds(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::ALL) {
            let browser = bed.world.browser();
            let uri = bank.pushed(&[]).await;
            for _ in 0..2 {
                let page = browser.get(&bank.authorize_url(&uri, &[])).await.follow_within().await;
                assert!(page.has_form("sign-in"), "{}", page.describe());
            }
            let code = bank.answer(&browser, &uri).await.code();
            bank.bound(&bank.redeem(&code, Holder::Own).await);
        }
    }

    async fn fapi2_security_profile_final_par_attempt_reuse_request_uri(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let uri = bank.pushed(&[]).await;
            bank.answer(&browser, &uri).await.code();
            let again = browser.get(&bank.authorize_url(&uri, &[])).await.follow_within().await;
            assert_no_code(&bank, &again).await;
        }
    }

    async fn fapi2_security_profile_final_par_attempt_to_use_expired_request_uri(backend: Backend) {
        let world = builder(backend).env("DOORWARD_AUTHORIZATION__PUSHED_REQUEST_LIFETIME", "5");
        let bed = Bed::new(world.start().await, &[]).await;
        let browser = bed.signed_in(&ALICE).await;
        let mut pushed = Vec::new();
        for bank in banks(&bed, &Variant::ALL) {
            pushed.push((bank.pushed(&[]).await, bank));
        }
        tokio::time::sleep(Duration::from_millis(6_100)).await;
        for (uri, bank) in pushed {
            let page = browser.get(&bank.authorize_url(&uri, &[])).await.follow_within().await;
            assert_no_code(&bank, &page).await;
        }
    }

    async fn fapi2_security_profile_final_par_attempt_to_use_request_uri_for_different_client(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let other = bank.another(bed);
            let uri = bank.pushed(&[]).await;
            let page = browser.get(&other.authorize_url(&uri, &[])).await.follow_within().await;
            assert_no_code(&other, &page).await;
            // It is still its owner's.
            bank.answer(&browser, &uri).await.code();
        }
    }

    async fn fapi2_security_profile_final_par_authorization_request_containing_request_uri_form_param(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::ALL) {
            let uri = bank.pushed(&[]).await;
            for inside in [uri.as_str(), "https://rp.test/request.jwt", "urn:example:x"] {
                let page = bank.push(&[("request_uri", inside)]).await;
                let signed = bank.variant == Variant::Signed;
                let error = if signed { "invalid_request_object" } else { "invalid_request" };
                assert_refused(&page, 400, &[error]);
            }
        }
    }

    async fn fapi2_security_profile_final_par_attempt_invalid_http_method(backend: Backend) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::ALL) {
            let url = bank.rp.http.resolve(&endpoint(&bank.rp, PAR));
            for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
                let request = bank.rp.http.request(method.clone(), &url);
                let page = bank.rp.http.send(request.query(&bank.parameters(&[]))).await;
                assert!(page.status.is_client_error(), "{method}: {}", page.describe());
            }
        }
    }

    async fn fapi2_security_profile_final_par_ensure_pkce_required(backend: Backend) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::ALL) {
            let without = [("code_challenge", ""), ("code_challenge_method", "")];
            assert_refused(&bank.push(&without).await, 400, &["invalid_request"]);
            let half = [("code_challenge", "")];
            assert_refused(&bank.push(&half).await, 400, &["invalid_request"]);
        }
    }

    async fn fapi2_security_profile_final_par_plain_pkce_rejected(backend: Backend) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::ALL) {
            for method in ["plain", "", "s256", "S512"] {
                let page = bank.push(&[("code_challenge_method", method)]).await;
                assert_refused(&page, 400, &["invalid_request"]);
            }
            let plain = [("code_challenge_method", "plain"), ("code_challenge", VERIFIER)];
            assert_refused(&bank.push(&plain).await, 400, &["invalid_request"]);
        }
    }

    async fn fapi2_security_profile_final_ensure_pkce_code_verifier_required(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let code = bank.code(&browser, &[]).await;
            let page = bank.redeem_with(&code, &[("code_verifier", "")], Holder::Own).await;
            assert_refused(&page, 400, &["invalid_grant"]);
        }
    }

    async fn fapi2_security_profile_final_incorrect_pkce_code_verifier_rejected(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let code = bank.code(&browser, &[]).await;
            for wrong in [CHALLENGE, &VERIFIER.replace('d', "e")] {
                let wrong = [("code_verifier", wrong)];
                let page = bank.redeem_with(&code, &wrong, Holder::Own).await;
                assert_refused(&page, 400, &["invalid_grant"]);
            }
        }
    }

    async fn fapi2_security_profile_final_par_without_duplicate_parameters(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let uri = bank.pushed(&[]).await;
            let url = bank.authorize_url(&uri, &[]);
            assert_eq!(url::Url::parse(&url).unwrap().query_pairs().count(), 2);
            let callback = bank.came_back(&walk(browser.get(&url).await, &ALICE).await).await;
            let page = bank.redeem(&callback.code(), Holder::Own).await;
            bank.assert_alive(&bank.bound(&page)).await;
        }
    }

    async fn nobody_pushes_without_authenticating(backend: Backend) {
        let bed = bed(backend).await;
        let bank = Bank::new(bed);
        let url = bank.rp.http.resolve(&endpoint(&bank.rp, PAR));
        let request = bank.rp.http.request(Method::POST, &url).form(&bank.parameters(&[]));
        assert_refused(&bank.rp.http.send(request).await, 401, &["invalid_client"]);
        let other = Bank::new(bed);
        let page = bank.push(&[("client_id", &other.id)]).await;
        assert_refused(&page, 401, &["invalid_client"]);
        request_uri(&bank.push(&[]).await);
        let secret = Bank::with(bed, &json!({ "scope": "openid email" }));
        request_uri(&secret.push(&[("scope", "openid email")]).await);
    }
}
