//! JWT Secured Authorization Response Mode: the answer as a signed JWT, errors included.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::Value;

use crate::kit::checks::key_set;
use crate::kit::fixtures::{ALICE, Bed, Callback, Rp, STATE, Tokens, walk};

/// Checks the one parameter of the answer as a careful client does and gives its claims.
pub async fn opened(rp: &Rp, callback: &Callback, algorithm: Algorithm) -> Value {
    let [(name, jwt)] = callback.parameters.as_slice() else { panic!("{callback:?}") };
    assert_eq!(name, "response");
    let header = jsonwebtoken::decode_header(jwt).expect("a JOSE header");
    assert_eq!(header.alg, algorithm);
    let keys = key_set(rp).await;
    let key = keys.find(&header.kid.expect("a kid")).expect("a published key");
    let mut validation = Validation::new(algorithm);
    validation.set_audience(&[&rp.id]);
    validation.set_issuer(&[&rp.issuer]);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    let key = DecodingKey::from_jwk(key).expect("a public key");
    let claims = jsonwebtoken::decode::<Value>(jwt, &key, &validation).expect("a valid JWT").claims;
    let now = i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap();
    let exp = claims["exp"].as_i64().unwrap();
    assert!(exp > now && exp <= now + 600, "{claims}");
    claims
}

on_both_backends! {
    async fn an_answer_in_a_jwt_is_where_the_mode_says(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        rp.code(&browser, &ALICE, &[]).await;
        for (mode, place) in [
            ("jwt", "?response="), ("query.jwt", "?response="), ("fragment.jwt", "#response="),
            ("form_post.jwt", ""),
        ] {
            let page = rp.authorize(&browser, &[("response_mode", mode)]).await;
            assert_eq!(page.has_form("form-post"), place.is_empty(), "{}", page.describe());
            assert!(page.header("location").contains(place), "{}", page.describe());
            let claims = opened(&rp, &Callback::of(&page), Algorithm::RS256).await;
            assert_eq!(claims["state"], STATE);
            Tokens::of(&rp.redeem(claims["code"].as_str().unwrap()).await);
        }
    }

    async fn errors_travel_in_a_jwt_too(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        for (changes, error) in [
            (("prompt", "none"), "login_required"), (("scope", "warp"), "invalid_scope"),
            (("response_type", "token"), "unsupported_response_type"),
        ] {
            for mode in ["jwt", "form_post.jwt"] {
                let changes = [changes, ("response_mode", mode)];
                let page = rp.authorize(&bed.world.browser(), &changes).await;
                let claims = opened(&rp, &Callback::of(&page), Algorithm::RS256).await;
                assert_eq!(claims["error"], error);
                assert_eq!(claims["state"], STATE);
                assert!(claims.get("code").is_none());
            }
        }
        let browser = bed.signed_in(&ALICE).await;
        let page = rp.authorize(&browser, &[("response_mode", "jwt"), ("prompt", "consent")]).await;
        let denied = page.form("consent").press("decision", "deny").submit().await;
        let callback = Callback::of(&denied.follow_within().await);
        assert_eq!(opened(&rp, &callback, Algorithm::RS256).await["error"], "access_denied");
    }

    async fn the_algorithm_is_the_one_the_client_is_registered_with(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("jarm-es256"), bed.world.browser());
        let page = walk(rp.authorize(&browser, &[("response_mode", "jwt")]).await, &ALICE).await;
        let claims = opened(&rp, &Callback::of(&page), Algorithm::ES256).await;
        assert!(claims["code"].is_string());
        let document = browser.get("/.well-known/openid-configuration").await.json();
        let modes = document["response_modes_supported"].as_array().unwrap();
        for mode in ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"] {
            assert!(modes.contains(&Value::from(mode)), "{mode}");
        }
        let algs = document["authorization_signing_alg_values_supported"].as_array().unwrap();
        assert!(algs.contains(&Value::from("ES256")) && !algs.contains(&Value::from("none")));
    }

    async fn a_jwt_answer_is_no_token_of_any_other_kind(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        rp.code(&browser, &ALICE, &[]).await;
        let page = rp.authorize(&browser, &[("response_mode", "jwt")]).await;
        let jwt = page.location_parameter("response").expect("a response");
        rp.userinfo(&jwt).await.assert_status(401);
        assert_eq!(rp.introspect(&jwt).await, serde_json::json!({ "active": false }));
        let hint = [("prompt", "none"), ("id_token_hint", jwt.as_str())];
        let page = rp.authorize(&browser, &hint).await;
        crate::kit::checks::assert_client_error(&page, &rp, "invalid_request");
    }
}
