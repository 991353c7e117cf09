//! `fapi2-message-signing-final-test-plan`: signed requests and signed answers.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::authorize::jarm::opened;
use crate::kit::client_signer::{ClientKey, now};
use crate::kit::dpop::changed;
use crate::kit::fapi2::{Bank, Holder, PAR, Variant, assert_refused, bed, borrowed, request_uri};
use crate::kit::fixtures::{ALICE, Bed, Callback, STATE, walk};
use crate::support::browser_like::Page;

fn signing_bank(bed: &Bed) -> Bank {
    Bank::of(bed, Variant::Signed, &json!({}))
}

/// The claims of a good request object, changed.
fn claims(bank: &Bank, changes: &[(&str, Value)]) -> Value {
    changed(bank.claims(&[]), changes)
}

async fn push_object(bank: &Bank, object: &str) -> Page {
    bank.post(PAR, &[("request", object), ("client_id", &bank.id)], &[]).await
}

/// Pushes an object of these claims, signed by the client.
async fn push(bank: &Bank, changes: &[(&str, Value)]) -> Page {
    push_object(bank, &bank.key.jwt(&claims(bank, changes))).await
}

#[track_caller]
fn assert_object_refused(page: &Page) {
    assert_refused(page, 400, &["invalid_request_object"]);
}

on_both_backends! {
    async fn a_signed_request_is_answered_in_a_signed_response(backend: Backend) {
        let bed = bed(backend).await;
        let bank = signing_bank(bed);
        let browser = bed.signed_in(&ALICE).await;
        let uri = request_uri(&push(&bank, &[]).await);
        let page = walk(browser.get(&bank.authorize_url(&uri, &[])).await, &ALICE).await;
        let claims = opened(&bank.rp, &Callback::of(&page), Algorithm::PS256).await;
        assert_eq!(claims["state"], STATE);
        let page = bank.redeem(claims["code"].as_str().unwrap(), Holder::Own).await;
        bank.assert_alive(&bank.bound(&page)).await;
        // The person saying no is told in a signed answer too.
        let uri = request_uri(&push(&bank, &[("prompt", json!("consent"))]).await);
        let page = browser.get(&bank.authorize_url(&uri, &[])).await.follow_within().await;
        let page = page.form("consent").press("decision", "deny").submit().await;
        let callback = Callback::of(&page.follow_within().await);
        let denied = opened(&bank.rp, &callback, Algorithm::PS256).await;
        assert_eq!((&denied["error"], &denied["state"]), (&json!("access_denied"), &json!(STATE)));
        bed.assert_log_is_clean();
    }

    async fn fapi2_security_profile_final_ensure_request_object_with_multiple_aud_succeeds(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let bank = signing_bank(bed);
        let both = json!(["https://other.test", bank.rp.issuer]);
        let uri = request_uri(&push(&bank, &[("aud", both)]).await);
        bank.answer(&bed.signed_in(&ALICE).await, &uri).await.code();
    }

    async fn fapi2_security_profile_final_ensure_request_object_with_nbf_8_seconds_in_the_future_is_accepted(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let bank = signing_bank(bed);
        request_uri(&push(&bank, &[("nbf", json!(now() + 8))]).await);
        request_uri(&push(&bank, &[("iat", json!(now() + 8))]).await);
    }

    async fn fapi2_security_profile_final_ensure_request_object_without_exp_fails(backend: Backend) {
        let bed = bed(backend).await;
        assert_object_refused(&push(&signing_bank(bed), &[("exp", Value::Null)]).await);
    }

    async fn fapi2_security_profile_final_ensure_request_object_without_nbf_fails(backend: Backend) {
        let bed = bed(backend).await;
        assert_object_refused(&push(&signing_bank(bed), &[("nbf", Value::Null)]).await);
    }

    async fn fapi2_security_profile_final_ensure_request_object_with_bad_aud_fails(backend: Backend) {
        let bed = bed(backend).await;
        let bank = signing_bank(bed);
        for aud in [
            json!("https://other.test"), json!(["https://other.test"]), json!([]), json!({}),
            json!(format!("{}/oauth2/par", bank.rp.issuer)), Value::Null,
        ] {
            assert_object_refused(&push(&bank, &[("aud", aud)]).await);
        }
    }

    async fn fapi2_security_profile_final_ensure_request_object_with_exp_over_60_fails(backend: Backend) {
        let bed = bed(backend).await;
        let late = [("exp", json!(now() + 70 * 60))];
        assert_object_refused(&push(&signing_bank(bed), &late).await);
    }

    async fn fapi2_security_profile_final_ensure_request_object_with_nbf_over_60_fails(backend: Backend) {
        let bed = bed(backend).await;
        let old = [("nbf", json!(now() - 70 * 60)), ("exp", json!(now() + 60))];
        assert_object_refused(&push(&signing_bank(bed), &old).await);
    }

    async fn fapi2_security_profile_final_ensure_expired_request_object_fails(backend: Backend) {
        let bed = bed(backend).await;
        let bank = signing_bank(bed);
        let expired = [("exp", json!(now() - 5 * 60)), ("nbf", json!(now() - 6 * 60))];
        assert_object_refused(&push(&bank, &expired).await);
    }

    async fn fapi2_security_profile_final_ensure_signed_request_object_with_rs256_fails(backend: Backend) {
        let bed = bed(backend).await;
        let key = ClientKey::new("RS256", "k1");
        // The key is an RSA key, with which the client could sign PS256 as well.
        let keys = json!({ "jwks": crate::kit::client_signer::jwks(&[&key]) });
        let bank = Bank::of(bed, Variant::Signed, &keys);
        let object = key.jwt(&claims(&bank, &[]));
        let page = assertion_of(&key, &bank, &object).await;
        assert_object_refused(&page);
    }

    async fn fapi2_security_profile_final_ensure_request_object_signature_algorithm_is_not_none(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let bank = signing_bank(bed);
        let encode = |value: &Value| {
            data_encoding::BASE64URL_NOPAD.encode(value.to_string().as_bytes())
        };
        for none in ["none", "None", "NONE", "nOnE", ""] {
            let header = encode(&json!({ "alg": none }));
            let object = format!("{header}.{}.", encode(&claims(&bank, &[])));
            assert_object_refused(&push_object(&bank, &object).await);
        }
    }

    async fn fapi2_security_profile_final_ensure_request_object_with_invalid_signature_fails(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let bank = signing_bank(bed);
        let object = bank.key.jwt(&claims(&bank, &[]));
        let (signed, signature) = object.rsplit_once('.').unwrap();
        let other = bank.key.jwt(&claims(&bank, &[("state", json!("another"))]));
        let (_, others) = other.rsplit_once('.').unwrap();
        for wrong in [others, "", &signature[..signature.len() / 2 / 4 * 4], "AAAA"] {
            assert_object_refused(&push_object(&bank, &format!("{signed}.{wrong}")).await);
        }
        assert_object_refused(&push_object(&bank, signed).await);
    }

    async fn fapi2_security_profile_final_ensure_matching_key_in_authorization_request(backend: Backend) {
        let bed = bed(backend).await;
        let (bank, other) = (signing_bank(bed), signing_bank(bed));
        let object = other.key.jwt(&claims(&bank, &[]));
        assert_object_refused(&push_object(&bank, &object).await);
        let object = other.key.jwt(&claims(&other, &[]));
        assert_object_refused(&push_object(&bank, &object).await);
    }

    async fn fapi2_security_profile_final_ensure_unsigned_request_at_par_endpoint_fails(backend: Backend) {
        let bed = bed(backend).await;
        let bank = signing_bank(bed);
        let unsigned = bank.parameters(&[("response_mode", "jwt")]);
        let page = bank.post(PAR, &borrowed(&unsigned), &[]).await;
        assert_refused(&page, 400, &["invalid_request", "invalid_request_object"]);
        // Nor may the answer stay unsigned.
        for mode in [Value::Null, json!("query"), json!("form_post")] {
            let page = push(&bank, &[("response_mode", mode)]).await;
            assert_refused(&page, 400, &["invalid_request"]);
        }
    }

    async fn fapi2_security_profile_final_par_authorization_request_containing_request_uri(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let bank = signing_bank(bed);
        let uri = request_uri(&push(&bank, &[]).await);
        assert_object_refused(&push(&bank, &[("request_uri", json!(uri))]).await);
    }

    async fn no_unsigned_error_goes_to_a_client_that_takes_signed_answers(backend: Backend) {
        let bed = bed(backend).await;
        let bank = signing_bank(bed);
        let browser = bed.world.browser();
        let ask = async |mode: &str, request: Option<&str>| {
            let mut fields = vec![("client_id", bank.id.as_str()), ("state", "st"),
                ("redirect_uri", bank.rp.redirect_uri.as_str()), ("response_mode", mode)];
            fields.extend(request.map(|object| ("request", object)));
            let query = serde_urlencoded::to_string(fields).unwrap();
            browser.get(&format!("{}/oauth2/authorize?{query}", bank.rp.issuer)).await
        };
        // An unreadable object, and a request that is none: both are errors before anybody signs in.
        for request in [Some("x"), None] {
            // The last ones only look like a mode with a JWT.
            for unsigned in ["", "query", "form_post", "xjwt", "foo.jwt", "JWT"] {
                crate::kit::checks::assert_error_page(&ask(unsigned, request).await);
            }
            let signed = ask("jwt", request).await;
            assert!(signed.location_parameter("response").is_some(), "{}", signed.describe());
            assert_eq!(signed.location_parameter("error"), None);
        }
    }
}

/// Pushes an object with an assertion of this key, signed with PS256.
async fn assertion_of(key: &ClientKey, bank: &Bank, object: &str) -> Page {
    let assertion = key.assertion_with("PS256", &bank.id, &bank.rp.issuer);
    let fields = [("request", object), ("client_id", bank.id.as_str())];
    let fields = crate::kit::client_signer::with_assertion(&fields, &assertion);
    let url = bank.rp.http.resolve(PAR);
    bank.rp.http.send(bank.rp.http.request(reqwest::Method::POST, &url).form(&fields)).await
}
