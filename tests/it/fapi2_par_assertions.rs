//! `fapi2-security-profile-final-test-plan`: the modules about client assertions at the endpoint for
//! pushed requests, where they run. Those about the token endpoint are in `client_assertion`.

use serde_json::{Value, json};

use crate::client_signer::{ClientKey, jwks, now};
use crate::fapi2_kit::{Bank, PAR, assert_refused, bed, request_uri};

/// What a client that is not believed may be told.
const NOT_BELIEVED: [&str; 2] = ["invalid_client", "invalid_request"];

/// Pushes with an assertion in which these claims are changed; the request is refused for it, and
/// the same request with a good assertion is taken.
async fn assert_not_believed(bank: &Bank, changes: &Value) {
    let page = bank.push_asserting(&bank.assertion_of(changes)).await;
    assert!(matches!(page.status.as_u16(), 400 | 401), "{changes}: {}", page.describe());
    assert_refused(&page, page.status.as_u16(), &NOT_BELIEVED);
    request_uri(&bank.push_asserting(&bank.assertion()).await);
}

on_both_backends! {
    async fn fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_8_seconds_in_the_future_is_accepted(
        backend: Backend
    ) {
        let bank = Bank::new(bed(backend).await);
        for name in ["nbf", "iat"] {
            let assertion = bank.assertion_of(&json!({ name: now() + 8 }));
            request_uri(&bank.push_asserting(&assertion).await);
            // Taken once: the second time somebody else may hold it.
            let again = bank.push_asserting(&assertion).await;
            assert_refused(&again, 401, &NOT_BELIEVED);
        }
    }

    async fn fapi2_security_profile_final_par_ensure_jwt_client_assertions_nbf_over_60_seconds_in_the_future_fails(
        backend: Backend
    ) {
        let bank = Bank::new(bed(backend).await);
        for name in ["nbf", "iat"] {
            let early = json!({ name: now() + 65, "exp": now() + 120 });
            assert_not_believed(&bank, &early).await;
        }
    }

    async fn fapi2_security_profile_final_par_test_array_as_audience_fails(backend: Backend) {
        let bank = Bank::new(bed(backend).await);
        let issuer = bank.rp.issuer.as_str();
        for audience in [
            json!([issuer]), json!([issuer, format!("{issuer}{PAR}")]),
            json!([issuer, "https://other.test"]), json!([]),
        ] {
            assert_not_believed(&bank, &json!({ "aud": audience })).await;
        }
    }

    async fn fapi2_security_profile_final_par_test_par_endpoint_url_as_audience_fails(
        backend: Backend
    ) {
        let bank = Bank::new(bed(backend).await);
        let endpoint = format!("{}{PAR}", bank.rp.issuer);
        assert_not_believed(&bank, &json!({ "aud": endpoint })).await;
    }

    async fn fapi2_security_profile_final_par_test_token_endpoint_url_as_audience_fails(
        backend: Backend
    ) {
        let bank = Bank::new(bed(backend).await);
        let endpoint = format!("{}/oauth2/token", bank.rp.issuer);
        assert_not_believed(&bank, &json!({ "aud": endpoint })).await;
    }

    async fn whoever_else_signs_or_is_spoken_for_pushes_nothing(backend: Backend) {
        let bed = bed(backend).await;
        let (bank, other) = (Bank::new(bed), Bank::new(bed));
        for changes in [
            json!({ "sub": null }), json!({ "iss": null }), json!({ "sub": other.id }),
            json!({ "iss": other.id }), json!({ "exp": now() - 300 }), json!({ "exp": null }),
            json!({ "jti": null }), json!({ "aud": "https://op.test" }), json!({ "aud": null }),
        ] {
            assert_not_believed(&bank, &changes).await;
        }
        let rs256 = bank.key.assertion_with("RS256", &bank.id, &bank.rp.issuer);
        let stolen = other.key.assertion(&bank.id, &bank.rp.issuer, &json!({}));
        let unknown = ClientKey::new("PS256", "k2").assertion(&bank.id, &bank.rp.issuer, &json!({}));
        for assertion in [rs256, stolen, unknown, other.assertion(), "x.y.z".to_owned()] {
            assert_refused(&bank.push_asserting(&assertion).await, 401, &NOT_BELIEVED);
        }
        bed.assert_log_is_clean();
    }

    async fn outside_the_profile_the_token_endpoint_is_an_audience_too(backend: Backend) {
        let bed = bed(backend).await;
        let key = ClientKey::new("ES256", "k1");
        let plain = Bank::with(bed, &json!({ "security_profile": "standard", "jwks": jwks(&[&key]) }));
        for audience in [plain.rp.issuer.clone(), format!("{}/oauth2/token", plain.rp.issuer)] {
            let assertion = key.assertion(&plain.id, &audience, &json!({}));
            request_uri(&plain.push_asserting(&assertion).await);
        }
        let assertion = key.assertion(&plain.id, &format!("{}{PAR}", plain.rp.issuer), &json!({}));
        assert_refused(&plain.push_asserting(&assertion).await, 401, &["invalid_client"]);
    }
}
