//! `fapi2-security-profile-final-test-plan`: the modules about client assertions, each at the endpoint
//! that it is about.

use serde_json::{Value, json};

use crate::kit::client_signer::{now, with_assertion};
use crate::kit::dpop::endpoint;
use crate::kit::fapi2::{Bank, PAR, Variant, assert_refused, banks, bed, borrowed, request_uri};
use crate::kit::fixtures::{ALICE, Bed, VERIFIER};
use crate::support::browser_like::Page;

const TOKEN: &str = "/oauth2/token";

/// A client, and a code that waits to be redeemed.
struct Redeemer {
    bank: Bank,
    code: String,
}

impl Redeemer {
    async fn new(bed: &Bed, bank: Bank) -> Self {
        let code = bank.code(&bed.signed_in(&ALICE).await, &[]).await;
        Self { bank, code }
    }

    fn fields(&self) -> [(&str, &str); 4] {
        [
            ("grant_type", "authorization_code"),
            ("code", &self.code),
            ("redirect_uri", &self.bank.rp.redirect_uri),
            ("code_verifier", VERIFIER),
        ]
    }

    async fn post(&self, form: &[(String, String)]) -> Page {
        let proof = self.bank.holder.proof("POST", &endpoint(&self.bank.rp, TOKEN));
        self.bank.send(TOKEN, form, &[proof]).await
    }

    async fn redeem(&self, assertion: &str) -> Page {
        self.post(&with_assertion(&self.fields(), assertion)).await
    }

    /// Redeems the code with an assertion in which these claims are changed; it must not work.
    async fn assert_refused(&self, changes: &Value) {
        let assertion = self.bank.key.assertion(&self.bank.id, &self.bank.rp.issuer, changes);
        let page = self.redeem(&assertion).await;
        assert_eq!(page.status.as_u16(), 401, "{changes}: {}", page.describe());
        assert_refused(&page, 401, &["invalid_client"]);
    }

    /// Nothing that was refused has used up the code.
    async fn assert_redeemable(&self) {
        self.bank.bound(&self.redeem(&self.bank.assertion()).await);
    }
}

/// Pushes a request with an assertion in which these claims are changed.
async fn push(bank: &Bank, changes: &Value) -> Page {
    let assertion = bank.key.assertion(&bank.id, &bank.rp.issuer, changes);
    let form = bank.pushed_form(&[]);
    bank.send(PAR, &with_assertion(&borrowed(&form), &assertion), &[]).await
}

async fn assert_not_pushed(bank: &Bank, changes: &Value) {
    let page = push(bank, changes).await;
    assert_eq!(page.status.as_u16(), 401, "{changes}: {}", page.describe());
    assert_refused(&page, 401, &["invalid_client"]);
}

on_both_backends! {
    async fn fapi2_security_profile_final_ensure_signed_client_assertion_with_rs256_fails(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let redeemer = Redeemer::new(bed, bank).await;
            let bank = &redeemer.bank;
            let rs256 = bank.key.assertion_with("RS256", &bank.id, &bank.rp.issuer);
            assert_refused(&redeemer.redeem(&rs256).await, 401, &["invalid_client"]);
            redeemer.assert_redeemable().await;
        }
    }

    async fn fapi2_security_profile_final_ensure_client_assertion_in_token_endpoint(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let redeemer = Redeemer::new(bed, bank).await;
            let named = |more: &[(&str, &str)]| {
                let all = [&redeemer.fields()[..], more].concat();
                all.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>()
            };
            let id = ("client_id", redeemer.bank.id.as_str());
            for more in [vec![], vec![id]] {
                assert_refused(&redeemer.post(&named(&more)).await, 401, &["invalid_client"]);
            }
            let assertion = redeemer.bank.assertion();
            let untyped = named(&[id, ("client_assertion", &assertion)]);
            assert_refused(&redeemer.post(&untyped).await, 400, &["invalid_request"]);
            redeemer.assert_redeemable().await;
        }
    }

    async fn fapi2_security_profile_final_ensure_client_assertion_with_exp_is_5_minutes_in_past_fails(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let redeemer = Redeemer::new(bed, bank).await;
            for exp in [json!(now() - 300), json!(now() + 3600), Value::Null] {
                redeemer.assert_refused(&json!({ "exp": exp })).await;
            }
            redeemer.assert_redeemable().await;
        }
    }

    async fn fapi2_security_profile_final_ensure_client_assertion_with_wrong_aud_fails(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let redeemer = Redeemer::new(bed, bank).await;
            let issuer = &redeemer.bank.rp.issuer;
            for audience in [
                json!("https://op.test"), json!(format!("{issuer}/")), json!(redeemer.bank.id),
                json!(format!("{issuer}{TOKEN}")), json!([issuer]), json!({}), Value::Null,
            ] {
                redeemer.assert_refused(&json!({ "aud": audience })).await;
            }
            redeemer.assert_redeemable().await;
        }
    }

    async fn fapi2_security_profile_final_ensure_client_assertion_with_no_sub_fails(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let other = bank.another(bed);
            let redeemer = Redeemer::new(bed, bank).await;
            for changes in [
                json!({ "sub": null }), json!({ "iss": null }), json!({ "sub": other.id }),
                json!({ "iss": other.id }), json!({ "sub": "" }),
            ] {
                redeemer.assert_refused(&changes).await;
            }
            // Not even when the form says who it is.
            let nameless = redeemer.bank.key.assertion(
                &redeemer.bank.id, &redeemer.bank.rp.issuer, &json!({ "sub": null }));
            let fields = [&redeemer.fields()[..], &[("client_id", &redeemer.bank.id)]].concat();
            let page = redeemer.post(&with_assertion(&fields, &nameless)).await;
            assert_refused(&page, 401, &["invalid_client"]);
            redeemer.assert_redeemable().await;
        }
    }

    async fn fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            for name in ["nbf", "iat"] {
                request_uri(&push(&bank, &json!({ name: now() + 8 })).await);
            }
        }
    }

    async fn fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            for name in ["nbf", "iat"] {
                assert_not_pushed(&bank, &json!({ name: now() + 65, "exp": now() + 120 })).await;
            }
        }
    }

    async fn fapi2_security_profile_final_par_test_array_as_audience_fails(backend: Backend) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let issuer = &bank.rp.issuer;
            for audience in [
                json!([issuer]), json!([issuer, format!("{issuer}{PAR}")]), json!([]),
                json!([issuer, "https://other.test"]),
            ] {
                assert_not_pushed(&bank, &json!({ "aud": audience })).await;
            }
            request_uri(&push(&bank, &json!({})).await);
        }
    }

    async fn fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let audience = endpoint(&bank.rp, PAR);
            assert_not_pushed(&bank, &json!({ "aud": audience })).await;
            request_uri(&push(&bank, &json!({})).await);
        }
    }

    async fn fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let audience = endpoint(&bank.rp, TOKEN);
            assert_not_pushed(&bank, &json!({ "aud": audience })).await;
            request_uri(&push(&bank, &json!({})).await);
        }
    }
}
