//! Forged, malformed and misused request objects (security catalogue, part E, rows 37 to 42).

use std::net::TcpListener;

use serde_json::json;

use crate::kit::checks::assert_client_error;
use crate::kit::client_signer::{ClientKey, now};
use crate::kit::fixtures::{ALICE, Bed, Callback, REDIRECT, STATE, payload};
use crate::kit::forge::{forgeries, hostile_headers, malformed_claims};
use crate::kit::request::Signer;
use crate::support::browser_like::Browser;

const PLACE: [(&str, &str); 2] = [("redirect_uri", REDIRECT), ("state", STATE)];

/// Nobody takes this for a request, neither in the browser nor at the back.
async fn assert_refused(app: &Signer, browser: &Browser, (what, object): (&str, &str)) {
    let page = app.by_value(browser, object, &PLACE).await;
    assert!(page.status.is_redirection(), "{what}: {}", page.describe());
    let callback = Callback::of(&page);
    let error = callback.get("error");
    assert_eq!(error, Some("invalid_request_object"), "{what}: {}", page.describe());
    assert!(callback.get("code").is_none(), "{what}");
    let pushed = app.push_object(object).await;
    assert_eq!(pushed.status.as_u16(), 400, "{what}: {}", pushed.describe());
    assert_eq!(pushed.json()["error"], "invalid_request_object", "{what}");
}

/// The genuine object still counts.
async fn assert_unharmed(bed: &Bed, app: &Signer, browser: &Browser) {
    let page = app.by_value(browser, &app.object(&json!({})), &[]).await;
    Callback::of(&page).code();
    bed.assert_log_is_clean();
}

on_both_backends! {
    async fn forged_request_objects_are_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = Signer::register(bed, "RS256", &json!({}));
        let browser = bed.signed_in(&ALICE).await;
        let canary = TcpListener::bind("127.0.0.1:0").expect("a port");
        canary.set_nonblocking(true).expect("no waiting");
        let address = format!("http://{}", canary.local_addr().expect("an address"));
        let genuine = app.object(&json!({ "sub": "somebody" }));
        let mut jwk = app.key.jwk();
        jwk["alg"] = json!("RS256");
        for (what, object) in forgeries(&genuine, &jwk, &address) {
            assert_refused(&app, &browser, (&what, &object)).await;
        }
        assert!(canary.accept().is_err(), "somebody fetched keys");
        assert_unharmed(bed, &app, &browser).await;
    }

    async fn rightly_signed_objects_with_malformed_claims_are_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = Signer::register(bed, "ES256", &json!({}));
        let browser = bed.signed_in(&ALICE).await;
        let header = json!({ "alg": "ES256", "kid": "k1" });
        for (name, bad) in malformed_claims() {
            // Neither has to be there.
            if bad.is_empty() && matches!(name, "exp" | "sub") {
                continue;
            }
            let mut text = app.claims(&json!({ name: null })).to_string();
            if !bad.is_empty() {
                text.truncate(text.len() - 1);
                text = format!("{text},\"{name}\":{bad}}}");
            }
            let object = app.key.sign(&header, &text);
            assert_refused(&app, &browser, (&format!("{name} is {bad}"), &object)).await;
        }
        let claims = app.claims(&json!({}));
        for (what, members) in hostile_headers("http://127.0.0.1:9") {
            let mut full = header.clone();
            full.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            let object = app.key.sign(&full, &claims.to_string());
            assert_refused(&app, &browser, (&what, &object)).await;
        }
        let twice = claims.to_string().replacen('{', &format!("{{\"aud\":\"{}\",", app.rp.issuer), 1);
        for text in ["null", "[]", "7", "", "{", "{}", "\"x\"", &twice] {
            let object = app.key.sign(&header, text);
            assert_refused(&app, &browser, (text, &object)).await;
        }
        assert_unharmed(bed, &app, &browser).await;
    }

    async fn an_object_is_good_for_one_client_one_server_and_one_time(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (app, other) =
            (Signer::register(bed, "ES256", &json!({})), Signer::register(bed, "ES256", &json!({})));
        let browser = bed.signed_in(&ALICE).await;
        let assertion = app.key.assertion(&app.rp.id, &app.rp.issuer, &json!({}));
        let foreign = app.object(&json!({ "aud": "https://other.test" }));
        let stolen = other.object(&json!({}));
        let renamed = other.object(&json!({ "iss": app.rp.id, "client_id": app.rp.id }));
        let expired = app.object(&json!({ "exp": now() - 60 }));
        let early = app.object(&json!({ "nbf": now() + 120 }));
        let claims = app.claims(&json!({}));
        let typed = |typ: &str| {
            app.key.sign(&json!({ "alg": "ES256", "kid": "k1", "typ": typ }), &claims.to_string())
        };
        let tokens = app.rp.tokens(&browser, &ALICE, &[]).await;
        let id_token = tokens.id.clone().unwrap();
        let (wrong, at) = (typed("at+jwt"), typed("client-authentication+jwt"));
        for (what, object) in [
            ("a client assertion", assertion.as_str()), ("another server's", &foreign),
            ("another client's", &stolen), ("another client's under this name", &renamed),
            ("an expired one", &expired), ("one too early", &early), ("typ at+jwt", &wrong),
            ("typ client-authentication+jwt", &at), ("an ID token", &id_token),
            ("an access token", &tokens.access), ("junk", "x.y.z"), ("too long", &"x".repeat(70_000)),
        ] {
            // Beyond what a request line may hold it never gets to be read.
            if object.len() < 10_000 {
                assert_refused(&app, &browser, (what, object)).await;
            } else {
                let pushed = app.push_object(object).await;
                assert!(matches!(pushed.status.as_u16(), 400 | 413), "{}", pushed.describe());
            }
        }
        for typ in ["oauth-authz-req+jwt", "JWT", "application/oauth-authz-req+jwt"] {
            Callback::of(&app.by_value(&browser, &typed(typ), &[]).await).code();
        }
        // And an object is no client assertion.
        let object = app.object(&json!({ "sub": app.rp.id }));
        let fields = crate::kit::client_signer::with_assertion(
            &[("grant_type", "client_credentials"), ("client_id", &app.rp.id)], &object);
        let page = app.rp.bare().post("/oauth2/token",
            &fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>()).await;
        page.assert_oauth_error(401, "invalid_client");
        assert_unharmed(bed, &app, &browser).await;
    }

    async fn an_object_signed_with_a_stranger_s_key_of_the_same_name_is_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = Signer::register(bed, "ES256", &json!({}));
        let browser = bed.signed_in(&ALICE).await;
        let object = ClientKey::new("ES256", "k1").jwt(&app.claims(&json!({})));
        assert_refused(&app, &browser, ("a stranger's", &object)).await;
        let page = app.by_value(&browser, &payload(&object).to_string(), &PLACE).await;
        assert_client_error(&page, &app.rp, "invalid_request_object");
    }
}
