//! `fapi2-security-profile-final-test-plan`: the modules about the key that tokens are bound to. Those
//! about the proof alone are in `dpop_attacks`.

use serde_json::json;

use crate::kit::dpop::{Key, bound_tokens, changed, claims, endpoint, now, userinfo};
use crate::kit::fapi2::{Bank, Holder, Variant, assert_refused, banks, bed, request_uri};
use crate::kit::fixtures::ALICE;

/// Redeems a code and uses the token, with proofs in which these claims are changed.
async fn flow_with_proofs(bank: &Bank, code: &str, changes: &[(&str, serde_json::Value)]) {
    let (key, url) = (&bank.holder, endpoint(&bank.rp, "/oauth2/token"));
    let proof = key.proof_with(&[], &changed(claims("POST", &url), changes));
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", bank.rp.redirect_uri.as_str()),
        ("code_verifier", crate::kit::fixtures::VERIFIER),
    ];
    let tokens = bound_tokens(&bank.post("/oauth2/token", &fields, &[proof]).await, key);
    let hash = doorward::crypto::secret::SecretHash::of(&tokens.access).as_str().to_owned();
    let url = endpoint(&bank.rp, "/oauth2/userinfo");
    let about = changed(claims("GET", &url), &[("ath", json!(hash))]);
    let proof = key.proof_with(&[], &changed(about, changes));
    userinfo(&bank.rp, &format!("DPoP {}", tokens.access), &[proof]).await.assert_status(200);
}

on_both_backends! {
    async fn fapi2_security_profile_final_check_dpop_proof_nbf_exp(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let code = bank.code(&browser, &[]).await;
            let times = [("nbf", json!(now())), ("exp", json!(now() + 300))];
            flow_with_proofs(&bank, &code, &times).await;
        }
    }

    async fn fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_before_succeeds(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let code = bank.code(&browser, &[]).await;
            flow_with_proofs(&bank, &code, &[("iat", json!(now() - 10))]).await;
        }
    }

    async fn fapi2_security_profile_final_ensure_dpopproof_with_iat_10seconds_after_succeeds(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let code = bank.code(&browser, &[]).await;
            flow_with_proofs(&bank, &code, &[("iat", json!(now() + 10))]).await;
        }
    }

    async fn fapi2_security_profile_final_ensure_mismatched_dpop_jkt_fails(backend: Backend) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let other = Key::new().jkt();
            let page = bank.push_with(&[("dpop_jkt", &other)], &bank.holder).await;
            assert_refused(&page, 400, &["invalid_request", "invalid_dpop_proof"]);
            let page = bank.push_with(&[("dpop_jkt", "nonsense")], &bank.holder).await;
            assert_refused(&page, 400, &["invalid_request"]);
            let own = bank.holder.jkt();
            request_uri(&bank.push_with(&[("dpop_jkt", &own)], &bank.holder).await);
        }
    }

    async fn fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let uri = request_uri(&bank.push_with(&[], &bank.holder).await);
            let code = bank.answer(&browser, &uri).await.code();
            let page = bank.redeem(&code, Holder::Another).await;
            assert_refused(&page, 400, &["invalid_grant", "invalid_dpop_proof", "invalid_request"]);
        }
    }

    async fn fapi2_security_profile_final_ensure_token_endpoint_fails_with_mismatched_dpop_jkt(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let code = bank.code(&browser, &[("dpop_jkt", &Key::new().jkt())]).await;
            let page = bank.redeem(&code, Holder::Own).await;
            assert_refused(&page, 400, &["invalid_grant", "invalid_dpop_proof", "invalid_request"]);
        }
    }

    async fn fapi2_security_profile_final_ensure_dpopproof_at_par_endpoint_binding_success(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let uri = request_uri(&bank.push_with(&[], &bank.holder).await);
            let code = bank.answer(&browser, &uri).await.code();
            bank.bound(&bank.redeem(&code, Holder::Own).await);
        }
    }

    async fn fapi2_security_profile_final_ensure_dpop_auth_code_binding_success(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let code = bank.code(&browser, &[("dpop_jkt", &bank.holder.jkt())]).await;
            let tokens = bank.bound(&bank.redeem(&code, Holder::Own).await);
            bank.assert_alive(&tokens).await;
        }
    }

    async fn fapi2_security_profile_final_ensure_holder_of_key_required(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let named = if bank.identity.is_some() { String::new() } else { bank.holder.jkt() };
            for jkt in ["", &named] {
                let code = bank.code(&browser, &[("dpop_jkt", jkt)]).await;
                bank.assert_unheld(&bank.redeem(&code, Holder::Nobody).await);
                // It was refused before the code was used up.
                bank.bound(&bank.redeem(&code, Holder::Own).await);
            }
            let own = bank.token(&[("grant_type", "client_credentials")], Holder::Nobody).await;
            assert!(own.status.is_client_error(), "{}", own.describe());
            assert!(own.json()["error"].is_string(), "{}", own.describe());
        }
        bed.assert_log_is_clean();
    }

    async fn fapi2_security_profile_final_access_token_type_header_case_sensitivity(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let tokens = bank.tokens(&browser, &[]).await;
            let url = endpoint(&bank.rp, "/oauth2/userinfo");
            if let Some(identity) = &bank.identity {
                for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
                    let authorization = format!("{scheme} {}", tokens.access);
                    let page = bank.userinfo_by(identity, &authorization).await;
                    bank.assert_believed(&page);
                }
                continue;
            }
            for scheme in ["DPoP", "dpop", "DPOP", "dPoP"] {
                let proof = bank.holder.proof_for_token("GET", &url, &tokens.access);
                let authorization = format!("{scheme} {}", tokens.access);
                userinfo(&bank.rp, &authorization, &[proof]).await.assert_status(200);
            }
        }
    }

    async fn a_proof_at_par_with_an_algorithm_outside_the_profile_is_refused(backend: Backend) {
        let bed = bed(backend).await;
        let bank = Bank::new(bed);
        for alg in ["ES384", "RS256"] {
            let page = bank.push_with(&[], &Key::of(alg)).await;
            assert_refused(&page, 400, &["invalid_dpop_proof"]);
        }
        for alg in ["PS256", "EdDSA"] {
            request_uri(&bank.push_with(&[], &Key::of(alg)).await);
        }
    }
}
