//! The `claims` parameter (OpenID Connect Core section 5.5), with the modules of the certification
//! plans that use it.

use serde_json::{Value, json};

use crate::kit::checks::{assert_client_error, assert_error_callback, assert_success};
use crate::kit::fixtures::{ALICE, BOB, Bed, Callback, Rp, STATE, Tokens, walk};
use crate::support::browser_like::Browser;

/// Signs alice in and gives the claims of userinfo and of the ID token.
async fn both(rp: &Rp, browser: &Browser, claims: &Value) -> (Value, Value) {
    let text = claims.to_string();
    let tokens = rp.tokens(browser, &ALICE, &[("claims", &text)]).await;
    (rp.userinfo(&tokens.access).await.json(), tokens.id_claims())
}

on_both_backends! {
    async fn oidcc_claims_essential(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let asked = json!({ "userinfo": { "name": { "essential": true } } });
        let (userinfo, id_token) = both(&rp, &browser, &asked).await;
        assert_eq!(userinfo["name"], ALICE.name);
        assert!(id_token.get("name").is_none());
        // Only what was asked for: no scope gives the rest of the profile.
        assert_eq!(userinfo.as_object().unwrap().len(), 2, "{userinfo}");
    }

    async fn each_claim_comes_where_it_was_asked_for(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let asked = json!({
            "id_token": { "email": null, "address": { "essential": true }, "sub": null,
                "auth_time": { "essential": true }, "txn": null },
            "userinfo": { "given_name": null, "phone_number": { "value": "+44 1865 000000" },
                "picture": { "values": ["https://elsewhere.test/x.png"] }, "nobody_knows": null },
        });
        let (userinfo, id_token) = both(&rp, &browser, &asked).await;
        assert_eq!(id_token["email"], ALICE.email);
        assert_eq!(id_token["address"]["locality"], "Oxford");
        assert_eq!(userinfo["given_name"], "Alice");
        assert_eq!(userinfo["phone_number"], "+44 1865 000000");
        for (claims, absent) in [
            (&userinfo, "picture"), (&userinfo, "nobody_knows"), (&userinfo, "email"),
            (&id_token, "given_name"), (&id_token, "txn"), (&id_token, "name"),
        ] {
            assert!(claims.get(absent).is_none(), "{absent} in {claims}");
        }
        crate::kit::checks::assert_no_empty_claims(&userinfo);
    }

    async fn claims_that_no_scope_gives_are_asked_for_on_the_consent_page_once(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        rp.code(&browser, &ALICE, &[("scope", "openid email")]).await;
        let birthday = json!({ "userinfo": { "birthdate": null, "email": null } }).to_string();
        let asked = [("scope", "openid email"), ("claims", birthday.as_str())];
        let silent = [&asked[..], &[("prompt", "none")]].concat();
        let refused = rp.authorize(&browser, &silent).await;
        assert_client_error(&refused, &rp, "consent_required");
        let page = rp.authorize(&browser, &asked).await;
        assert!(page.text().contains("See your date of birth"), "{}", page.describe());
        assert_success(&Callback::of(&walk(page, &ALICE).await), &rp, STATE);
        let callback = Callback::of(&rp.authorize(&browser, &silent).await);
        let code = assert_success(&callback, &rp, STATE);
        let tokens = Tokens::of(&rp.redeem(&code).await);
        assert_eq!(rp.userinfo(&tokens.access).await.json()["birthdate"], "1852-05-04");
        // What a refresh gives is what was asked for at the start.
        let again = Tokens::of(&rp.refresh(tokens.refresh()).await);
        assert_eq!(rp.userinfo(&again.access).await.json()["birthdate"], "1852-05-04");
        // The bookkeeping stays inside.
        let told = rp.introspect(&again.access).await;
        assert!(told.get("more_userinfo").is_none(), "{told}");
        bed.assert_log_is_clean();
    }

    async fn a_client_gets_no_claim_by_name_that_its_scopes_are_closed_to(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("two-scopes"), bed.world.browser());
        let asked = json!({ "userinfo": { "email": null, "birthdate": null },
            "id_token": { "phone_number": null } });
        let (userinfo, id_token) = both(&rp, &browser, &asked).await;
        assert_eq!(userinfo["email"], ALICE.email);
        assert!(userinfo.get("birthdate").is_none() && id_token.get("phone_number").is_none());
    }

    async fn a_sub_of_somebody_else_is_never_answered(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let tokens = rp.tokens(&browser, &ALICE, &[]).await;
        let bobs = rp.tokens(&bed.world.browser(), &BOB, &[]).await.id_claims()["sub"].clone();
        let own = tokens.id_claims()["sub"].clone();
        let silent = |sub: &Value| {
            json!({ "id_token": { "sub": { "value": sub } } }).to_string()
        };
        let page = rp.authorize(&browser, &[("prompt", "none"), ("claims", &silent(&own))]).await;
        assert_success(&Callback::of(&page), &rp, STATE);
        for bad in [bobs.clone(), json!("nobody"), json!(7), json!(null)] {
            let claims = silent(&bad);
            let page = rp.authorize(&browser, &[("prompt", "none"), ("claims", &claims)]).await;
            assert_client_error(&page, &rp, "login_required");
        }
        // With a page, the other person may sign in; the one who is signed in is not enough.
        let claims = silent(&bobs);
        let page = rp.authorize(&browser, &[("claims", &claims)]).await;
        let stubborn = walk(page, &ALICE).await;
        let callback = Callback::of(&stubborn);
        assert_error_callback(&callback, &rp, "login_required", Some(STATE));
        let page = rp.authorize(&browser, &[("claims", &claims)]).await;
        assert_success(&Callback::of(&walk(page, &BOB).await), &rp, STATE);
    }

    async fn a_malformed_claims_parameter_is_an_invalid_request(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.signed_in(&ALICE).await);
        let deep = format!("{}1{}", "[".repeat(3000), "]".repeat(3000));
        let long = json!({ "userinfo": { "name": { "value": "x".repeat(8200) } } }).to_string();
        for bad in [
            "x", "[]", "null", "{", r#"{"userinfo":[]}"#, r#"{"userinfo":{"name":1}}"#,
            r#"{"id_token":{"acr":{"essential":1}}}"#, &deep, &long,
            r#"{"id_token":{"acr":{"values":["aal1","\u0000"]}}}"#,
            r#"{"userinfo":{"\u0000":null}}"#,
        ] {
            let page = rp.authorize(&browser, &[("claims", bad)]).await;
            assert_client_error(&page, &rp, "invalid_request");
        }
        for fine in ["{}", r#"{"userinfo":null,"id_token":{"x":null}}"#, r#"{"future":[1]}"#,
            r#"{"id_token":{"acr":{"essential":true,"value":null,"values":null}}}"#,
        ] {
            let page = rp.authorize(&browser, &[("claims", fine)]).await;
            assert_success(&Callback::of(&walk(page, &ALICE).await), &rp, STATE);
        }
        bed.assert_log_is_clean();
    }
}
