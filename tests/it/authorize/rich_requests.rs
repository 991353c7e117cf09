//! Authorization details (RFC 9396): asked for, shown, granted, narrowed.

use serde_json::{Value, json};

use crate::kit::checks::{assert_client_error, assert_success};
use crate::kit::fixtures::{ALICE, Bed, Callback, STATE, Tokens, payload, walk};

fn payment() -> Value {
    json!([{ "type": "payment_initiation", "actions": ["initiate", "status"],
        "instructedAmount": { "currency": "EUR", "amount": "123.50" },
        "creditorName": "Merchant <b>A</b>" }])
}

fn with(changes: &[(&str, Value)]) -> String {
    let mut details = payment();
    for (name, value) in changes {
        details[0][*name] = value.clone();
    }
    details.to_string()
}

on_both_backends! {
    async fn what_the_person_allows_is_in_every_answer_about_the_token(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("rich"), bed.signed_in(&ALICE).await);
        let asked = payment().to_string();
        let page = rp.authorize(&browser, &[("authorization_details", &asked)]).await;
        let text = page.text();
        for words in ["payment initiation", "amount 123.50", "Merchant <b>A</b>", "initiate, status"] {
            assert!(text.contains(words), "{words}: {}", page.describe());
        }
        assert!(!page.has("main b"), "the client's words are inert");
        let code = assert_success(&Callback::of(&walk(page, &ALICE).await), &rp, STATE);
        let tokens = Tokens::of(&rp.redeem(&code).await);
        assert_eq!(tokens.json["authorization_details"], payment());
        assert_eq!(payload(&tokens.access)["authorization_details"], payment());
        let told = rp.introspect(&tokens.access).await;
        assert_eq!(told["authorization_details"], payment());
        let refreshed = Tokens::of(&rp.refresh(tokens.refresh()).await);
        assert_eq!(refreshed.json["authorization_details"], payment());
        bed.assert_log_is_clean();
    }

    async fn every_transaction_is_asked_about_anew(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("rich"), bed.world.browser());
        let asked = payment().to_string();
        let details = [("authorization_details", asked.as_str())];
        rp.code(&browser, &ALICE, &details).await;
        assert!(rp.authorize(&browser, &details).await.has_form("consent"));
        let silent = [details[0], ("prompt", "none")];
        let page = rp.authorize(&browser, &silent).await;
        assert_client_error(&page, &rp, "consent_required");
        // Without details the remembered consent is enough.
        assert_success(&Callback::of(&rp.authorize(&browser, &[]).await), &rp, STATE);
        let page = rp.authorize(&browser, &details).await;
        let denied = page.form("consent").press("decision", "deny").submit().await;
        assert_client_error(&denied.follow_within().await, &rp, "access_denied");
    }

    async fn the_token_endpoint_narrows_details_and_never_widens_them(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("rich"), bed.world.browser());
        let asked = payment().to_string();
        let code = rp.code(&browser, &ALICE, &[("authorization_details", &asked)]).await;
        for more in [
            with(&[("actions", json!(["initiate", "cancel"]))]),
            with(&[("instructedAmount", json!({ "currency": "EUR", "amount": "9999" }))]),
            json!([{ "type": "payment_initiation" }]).to_string(),
            json!([{ "type": "account_information" }]).to_string(),
            "[]".to_owned(), "{".to_owned(), "null".to_owned(),
        ] {
            let answer = rp.redeem_with(&code, &[("authorization_details", &more)]).await;
            answer.assert_oauth_error(400, "invalid_authorization_details");
        }
        let less = with(&[("actions", json!(["status"]))]);
        let answer = rp.redeem_with(&code, &[("authorization_details", &less)]).await;
        let tokens = Tokens::of(&answer);
        assert_eq!(tokens.json["authorization_details"][0]["actions"], json!(["status"]));
        assert_eq!(payload(&tokens.access)["authorization_details"][0]["actions"], json!(["status"]));
        let all = Tokens::of(&rp.refresh(tokens.refresh()).await);
        assert_eq!(all.json["authorization_details"], payment(), "the grant is as it was");
    }

    async fn details_that_are_not_allowed_are_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("rich"), bed.signed_in(&ALICE).await);
        for bad in [
            // Registered for the client but unknown here; a member of no such type.
            json!([{ "type": "unknown" }]).to_string(),
            with(&[("secret", json!(1))]),
            json!([{ "type": "account_information", "creditorName": "x" }]).to_string(),
            with(&[("creditorName", json!("a\0"))]),
            with(&[("instructedAmount", json!({ "\0": 1 }))]),
            json!([{}]).to_string(), json!({}).to_string(), json!([]).to_string(),
            "[".repeat(4000), "x".to_owned(), json!(["payment_initiation"]).to_string(),
        ] {
            let page = rp.authorize(&browser, &[("authorization_details", &bad)]).await;
            assert_client_error(&page, &rp, "invalid_authorization_details");
        }
        let stranger = bed.rp("conf-basic");
        let asked = payment().to_string();
        let page = stranger.authorize(&browser, &[("authorization_details", &asked)]).await;
        assert_client_error(&page, &stranger, "invalid_authorization_details");
        let document = browser.get("/.well-known/openid-configuration").await.json();
        assert_eq!(
            document["authorization_details_types_supported"],
            json!(["payment_initiation", "account_information"])
        );
    }
}
