//! `fapi2-security-profile-final-test-plan`: the modules about the authorization request.

use jsonwebtoken::Algorithm;
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::checks::{
    assert_error_callback, assert_error_page, assert_id_token, assert_success, key_set,
};
use crate::kit::dpop::{endpoint, userinfo, userinfo_with};
use crate::kit::fapi2::{Bank, Holder, Variant, assert_refused, banks, bed, request_uri};
use crate::kit::fixtures::{ALICE, Callback, NONCE, STATE, Tokens, walk};
use crate::kit::mtls::header;

/// Whether an answer has `state`, and gives a code that can be redeemed; the claims of the ID
/// token, if there is to be one.
async fn complete(bank: &Bank, callback: &Callback, state: Option<&str>) -> Value {
    assert_eq!(callback.get("state"), state, "{callback:?}");
    assert_eq!(callback.get("iss"), Some(bank.rp.issuer.as_str()));
    let page = bank.redeem(&callback.code(), Holder::Own).await;
    let tokens = bank.bound(&page);
    bank.assert_alive(&tokens).await;
    match &tokens.id {
        Some(token) => assert_id_token(&bank.rp, token, Algorithm::ES256).await,
        None => Value::Null,
    }
}

/// The token is refused in the URL and without its key, and the resource does not care what the client
/// accepts.
async fn how_the_token_is_sent(bank: &Bank, tokens: &Tokens) {
    let url = endpoint(&bank.rp, "/oauth2/userinfo");
    let proof = || bank.holder.proof_for_token("GET", &url, &tokens.access);
    let asked = |url: &str| {
        let request = bank.rp.http.request(Method::GET, &bank.rp.http.resolve(url));
        match &bank.identity {
            Some(identity) => request.header("Client-Cert", header(identity)),
            None => request.header("DPoP", proof()),
        }
    };
    let with_token = asked(&format!("{url}?access_token={}", tokens.access));
    let page = bank.rp.http.send(with_token).await;
    assert!(matches!(page.status.as_u16(), 400 | 401), "{}", page.describe());
    let scheme = if bank.identity.is_some() { "Bearer" } else { "DPoP" };
    for accept in ["*/*", "application/json", "application/json;charset=UTF-8", "text/html"] {
        let request = asked(&url).header("Accept", accept);
        let request = request.header("Authorization", format!("{scheme} {}", tokens.access));
        bank.assert_believed(&bank.rp.http.send(request).await);
    }
    let bare = userinfo(&bank.rp, &format!("Bearer {}", tokens.access), &[]).await;
    bare.assert_status(401);
}

on_both_backends! {
    async fn fapi2_security_profile_final_discovery_end_point_verification(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.world.browser();
        let document = browser.get("/.well-known/openid-configuration").await.json();
        let has = |list: &str, word: &str| {
            document[list].as_array().is_some_and(|list| list.contains(&json!(word)))
        };
        assert!(document["pushed_authorization_request_endpoint"].is_string());
        assert_eq!(document["authorization_response_iss_parameter_supported"], true);
        assert!(has("code_challenge_methods_supported", "S256"));
        assert!(!has("code_challenge_methods_supported", "plain"));
        assert!(has("response_types_supported", "code"));
        for method in ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"] {
            assert!(has("token_endpoint_auth_methods_supported", method), "{method}");
        }
        assert_eq!(document["tls_client_certificate_bound_access_tokens"], true);
        for alg in ["PS256", "ES256", "EdDSA"] {
            for list in [
                "dpop_signing_alg_values_supported", "id_token_signing_alg_values_supported",
                "token_endpoint_auth_signing_alg_values_supported",
                "request_object_signing_alg_values_supported",
                "authorization_signing_alg_values_supported",
            ] {
                assert!(has(list, alg), "{alg} in {list}");
                assert!(!has(list, "none") && !has(list, "HS256"), "{list}");
            }
        }
        assert!(!has("dpop_signing_alg_values_supported", "RS256"));
        for key in key_set(&bed_rp(&document)).await.keys {
            assert!(key.common.key_id.is_some());
        }
    }

    async fn fapi2_security_profile_final_happy_flow(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.world.browser();
        for first in banks(bed, &Variant::ALL) {
            let uri = if first.identity.is_some() {
                first.pushed(&[]).await
            } else {
                request_uri(&first.push_with(&[], &first.holder).await)
            };
            let callback = first.answer(&browser, &uri).await;
            assert_success(&callback, &first.rp, STATE);
            let claims = complete(&first, &callback, Some(STATE)).await;
            assert!(claims.is_null() || claims["nonce"] == NONCE, "{claims}");
            // The second client has a query in its redirect URI, a long state and names its key only.
            let redirect = "https://rp.test/cb?dummy1=lorem&dummy2=ipsum";
            let second = Bank::of(bed, first.variant, &json!({ "redirect_uris": [redirect] }));
            let (state, jkt) = ("s".repeat(128), second.holder.jkt());
            let jkt = if second.identity.is_some() { "" } else { jkt.as_str() };
            let changes = [("state", state.as_str()), ("dpop_jkt", jkt)];
            let callback = second.answer(&browser, &second.pushed(&changes).await).await;
            let kept = (callback.get("dummy1"), callback.get("dummy2"));
            assert_eq!(kept, (Some("lorem"), Some("ipsum")));
            assert_eq!(callback.get("state"), Some(state.as_str()));
            let page = second.redeem(&callback.code(), Holder::Own).await;
            how_the_token_is_sent(&second, &second.bound(&page)).await;
        }
        bed.assert_log_is_clean();
    }

    async fn fapi2_security_profile_final_user_rejects_authentication(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let uri = bank.pushed(&[("prompt", "consent")]).await;
            let page = browser.get(&bank.authorize_url(&uri, &[])).await.follow_within().await;
            let page = page.form("consent").press("decision", "deny").submit().await;
            let callback = bank.came_back(&page.follow_within().await).await;
            assert_error_callback(&callback, &bank.rp, "access_denied", Some(STATE));
        }
    }

    async fn fapi2_security_profile_final_ensure_authorization_request_without_state_success(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let uri = bank.pushed(&[("state", "")]).await;
            complete(&bank, &bank.answer(&browser, &uri).await, None).await;
        }
    }

    async fn fapi2_security_profile_final_ensure_authorization_request_without_nonce_success(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let uri = bank.pushed(&[("nonce", "")]).await;
            let claims = complete(&bank, &bank.answer(&browser, &uri).await, Some(STATE)).await;
            assert!(claims.get("nonce").is_none(), "{claims}");
        }
    }

    async fn fapi2_security_profile_final_ensure_authorization_request_with_64_char_nonce_success(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let nonce = "n".repeat(64);
            let uri = bank.pushed(&[("nonce", &nonce)]).await;
            let claims = complete(&bank, &bank.answer(&browser, &uri).await, Some(STATE)).await;
            assert_eq!(claims["nonce"], nonce.as_str());
        }
    }

    async fn fapi2_security_profile_final_ensure_other_scope_order_succeeds(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let uri = bank.pushed(&[("scope", "email profile openid")]).await;
            complete(&bank, &bank.answer(&browser, &uri).await, Some(STATE)).await;
        }
    }

    async fn fapi2_security_profile_final_test_claims_parameter_identity_claims(backend: Backend) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let claims = json!({
                "id_token": { "email": null, "address": { "essential": true } },
                "userinfo": { "given_name": null, "phone_number": { "essential": true } },
            });
            let tokens = bank.tokens(&browser, &[("claims", &claims.to_string())]).await;
            let id_token = tokens.id_claims();
            assert_eq!(id_token["email"], ALICE.email);
            assert_eq!(id_token["address"]["locality"], "Oxford");
            let page = userinfo_with(&bank.rp, &tokens.access, &bank.holder).await;
            let userinfo = page.assert_status(200).json();
            assert_eq!(userinfo["sub"], id_token["sub"]);
            assert_eq!(userinfo["given_name"], "Alice");
            assert_eq!(userinfo["phone_number"], "+44 1865 000000");
            assert_eq!(userinfo.as_object().unwrap().len(), 3, "{userinfo}");
        }
    }

    async fn fapi2_security_profile_final_ensure_authorization_request_with_long_nonce(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let nonce = "n".repeat(384);
            let uri = bank.pushed(&[("nonce", &nonce)]).await;
            let claims = complete(&bank, &bank.answer(&browser, &uri).await, Some(STATE)).await;
            assert_eq!(claims["nonce"], nonce.as_str());
        }
    }

    async fn fapi2_security_profile_final_ensure_authorization_request_with_long_state(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let state = "s".repeat(1_000);
            let uri = bank.pushed(&[("state", &state)]).await;
            complete(&bank, &bank.answer(&browser, &uri).await, Some(&state)).await;
        }
    }

    async fn fapi2_security_profile_final_ensure_different_nonce_inside_and_outside_request_object(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::WITH_KEYS) {
            let url = bank.authorize_url(&bank.pushed(&[]).await, &[("nonce", "from outside")]);
            let callback = bank.came_back(&walk(browser.get(&url).await, &ALICE).await).await;
            assert_eq!(complete(&bank, &callback, Some(STATE)).await["nonce"], NONCE);
        }
    }

    async fn fapi2_security_profile_final_ensure_different_state_inside_and_outside_request_object(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let url = bank.authorize_url(&bank.pushed(&[]).await, &[("state", "from outside")]);
            let callback = bank.came_back(&walk(browser.get(&url).await, &ALICE).await).await;
            complete(&bank, &callback, Some(STATE)).await;
        }
    }

    async fn fapi2_security_profile_final_state_only_outside_request_object_not_used(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let uri = bank.pushed(&[("state", "")]).await;
            let url = bank.authorize_url(&uri, &[("state", "from outside")]);
            let callback = bank.came_back(&walk(browser.get(&url).await, &ALICE).await).await;
            complete(&bank, &callback, None).await;
        }
    }

    async fn fapi2_security_profile_final_ensure_request_object_without_redirect_uri_fails(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::ALL) {
            let page = bank.push(&[("redirect_uri", "")]).await;
            assert_refused(&page, 400, &["invalid_request"]);
        }
    }

    async fn fapi2_security_profile_final_ensure_redirect_uri_in_authorization_request(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let two = json!({ "redirect_uris": ["https://rp.test/cb", "https://rp.test/other"] });
        for variant in Variant::ALL {
            let page = Bank::of(bed, variant, &two).push(&[("redirect_uri", "")]).await;
            assert_refused(&page, 400, &["invalid_request"]);
        }
    }

    async fn fapi2_security_profile_final_plain_fapi_tolerate_unregistered_redirect_uri(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::ALL) {
            let (evil, with_query) = ("https://evil.test/cb", "https://rp.test/cb?x=y");
            for other in ["https://rp.test/cb/more", evil, with_query] {
                let page = bank.push(&[("redirect_uri", other)]).await;
                assert_refused(&page, 400, &["invalid_request", "invalid_redirect_uri"]);
            }
        }
    }

    async fn fapi2_security_profile_final_ensure_unsigned_authorization_request_without_using_par_fails(
        backend: Backend
    ) {
        let bed = bed(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for bank in banks(bed, &Variant::ALL) {
            let ask = async |mode: &str| {
                let parameters = bank.parameters(&[("response_mode", mode)]);
                let query = serde_urlencoded::to_string(parameters).unwrap();
                browser.get(&format!("/oauth2/authorize?{query}")).await.follow_within().await
            };
            let signed = bank.variant == Variant::Signed;
            let callback = bank.came_back(&ask(if signed { "jwt" } else { "" }).await).await;
            assert_error_callback(&callback, &bank.rp, "invalid_request", Some(STATE));
            // A client that takes signed answers only is sent no other.
            if signed {
                assert_error_page(&ask("").await);
            }
        }
    }

    async fn fapi2_security_profile_final_ensure_response_type_code_idtoken_fails(backend: Backend) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::ALL) {
            let page = bank.push(&[("response_type", "code id_token")]).await;
            assert_refused(&page, 400, &["unsupported_response_type", "invalid_request"]);
        }
    }

    async fn fapi2_security_profile_final_ensure_response_type_token_fails(backend: Backend) {
        let bed = bed(backend).await;
        for bank in banks(bed, &Variant::ALL) {
            let page = bank.push(&[("response_type", "token")]).await;
            assert_refused(&page, 400, &["unsupported_response_type", "invalid_request"]);
        }
    }
}

/// A program of no client in particular, at the issuer of this document.
fn bed_rp(document: &Value) -> crate::kit::fixtures::Rp {
    let issuer = document["issuer"].as_str().expect("the issuer").to_owned();
    crate::kit::fixtures::Rp {
        id: String::new(),
        secret: None,
        auth: crate::kit::fixtures::Auth::None,
        redirect_uri: String::new(),
        http: crate::support::browser_like::Browser::new(&issuer),
        issuer,
    }
}
