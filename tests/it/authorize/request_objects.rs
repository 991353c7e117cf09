//! Request objects (RFC 9101, OpenID Connect Core section 6), with the modules of the certification
//! plans about them.

use serde_json::{Value, json};

use crate::kit::checks::{assert_client_error, assert_error_page, assert_success};
use crate::kit::client_signer::{ClientKey, now};
use crate::kit::fixtures::{ALICE, Bed, Callback, NONCE, REDIRECT, STATE, Tokens, unique, walk};
use crate::kit::request::Signer;
use crate::support::browser_like::Page;
use crate::support::tls_peer::{Answer, Body, TlsPeer};

const TYPE: &str = "application/oauth-authz-req+jwt";

/// A registered place for the answer, so that errors travel.
const PLACE: [(&str, &str); 2] = [("redirect_uri", REDIRECT), ("state", STATE)];

async fn claims_of(app: &Signer, page: &Page) -> Value {
    let code = assert_success(&Callback::of(page), &app.rp, STATE);
    let verifier = [("code_verifier", crate::kit::fixtures::VERIFIER)];
    Tokens::of(&app.rp.redeem_with(&code, &verifier).await).id_claims()
}

on_both_backends! {
    async fn a_registered_address_of_a_request_object_is_asked_whatever_its_fragment(backend: Backend) {
        let (bed, peer) = (Bed::shared(backend).await, TlsPeer::shared());
        let path = format!("/{}", unique("request"));
        // The suite's fragment is a hash, but not of what will be served there.
        let uri = format!("{}#ct2xrzG0IZBkOmp8dS_VnOWpMEPx2vE8-GdqPLTGyzE", peer.url(&path));
        let metadata = json!({ "request_uris": [uri], "request_object_signing_alg": "RS256" });
        let app = Signer::register(bed, "RS256", &metadata);
        peer.serve(&path, Answer::new(200, TYPE, app.object(&json!({}))));
        let browser = bed.signed_in(&ALICE).await;
        // state and nonce exist only inside; the rest is outside, too.
        let outside = [("response_type", "code"), ("scope", "openid"), ("redirect_uri", REDIRECT)];
        let page = app.take(&browser, &uri, &outside).await;
        assert_eq!(claims_of(&app, &page).await["nonce"], NONCE);
        let seen = peer.requests(&path);
        assert_eq!(seen.len(), 1);
        assert!(seen[0].header("accept").unwrap().starts_with(TYPE));
    }

    async fn oidcc_ensure_request_object_with_redirect_uri(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let other = "https://rp.test/other";
        let metadata = json!({ "redirect_uris": [REDIRECT, other] });
        let app = Signer::register(bed, "RS256", &metadata);
        let browser = bed.signed_in(&ALICE).await;
        let object = app.object(&json!({ "redirect_uri": other }));
        let page = app.by_value(&browser, &object, &PLACE).await;
        assert_eq!(Callback::of(&page).target, other, "what is inside counts");
        let object = app.object(&json!({ "redirect_uri": "https://evil.test/cb" }));
        assert_error_page(&app.by_value(&browser, &object, &PLACE).await);
    }

    async fn oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(
        backend: Backend
    ) {
        let (bed, peer) = (Bed::shared(backend).await, TlsPeer::shared());
        let path = format!("/{}", unique("request"));
        let app = Signer::register(bed, "RS256", &json!({ "request_uris": [peer.url(&path)] }));
        let unsigned = unsigned(&app.claims(&json!({})));
        peer.serve(&path, Answer::new(200, TYPE, unsigned));
        let page = app.take(&bed.world.browser(), &peer.url(&path), &PLACE).await;
        assert_client_error(&page, &app.rp, "invalid_request_object");
    }

    async fn oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let app = Signer::register(bed, "RS256", &json!({}));
        let browser = bed.signed_in(&ALICE).await;
        let page = app.by_value(&browser, &unsigned(&app.claims(&json!({}))), &PLACE).await;
        assert_client_error(&page, &app.rp, "invalid_request_object");
        let document = browser.get("/.well-known/openid-configuration").await.json();
        let algs = document["request_object_signing_alg_values_supported"].as_array().unwrap();
        assert!(algs.contains(&json!("RS256")) && !algs.contains(&json!("none")));
    }

    async fn nothing_beside_the_object_counts_but_the_client(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = Signer::register(bed, "ES256", &json!({}));
        let browser = bed.signed_in(&ALICE).await;
        let object = app.object(&json!({ "max_age": 3600, "claims": { "id_token": { "email": null } } }));
        let beside = [
            ("state", "outside"), ("nonce", "outside"), ("scope", "warp"), ("prompt", "login"),
            ("redirect_uri", "https://evil.test/cb"), ("response_mode", "fragment"),
            ("response_type", "token"), ("code_challenge_method", "plain"),
        ];
        let page = app.by_value(&browser, &object, &beside).await;
        assert!(page.location().fragment().is_none());
        let claims = claims_of(&app, &page).await;
        assert_eq!((&claims["nonce"], &claims["email"]), (&json!(NONCE), &json!(ALICE.email)));
        let bare = app.object(&json!({ "state": null, "nonce": null }));
        let page = app.by_value(&browser, &bare, &beside[..2]).await;
        assert!(Callback::of(&page).get("state").is_none(), "a state nobody signed");
        for (name, other) in [("client_id", "conf-basic"), ("request", "x"), ("request_uri", "x")] {
            let object = app.object(&json!({ name: other }));
            let page = app.by_value(&browser, &object, &PLACE).await;
            assert_client_error(&page, &app.rp, "invalid_request_object");
        }
        let both = [("request", object.as_str()), PLACE[0], PLACE[1]];
        let page = app.take(&browser, "https://rp.test/r", &both).await;
        assert_client_error(&page, &app.rp, "invalid_request");
    }

    async fn errors_of_an_object_are_a_page_when_no_registered_place_is_named(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = Signer::register(bed, "ES256", &json!({}));
        let browser = bed.world.browser();
        assert_error_page(&app.by_value(&browser, "x", &[]).await);
        let evil = [("redirect_uri", "https://evil.test/cb")];
        assert_error_page(&app.by_value(&browser, "x", &evil).await);
        // The same when what is inside names none.
        let object = app.object(&json!({ "redirect_uri": null }));
        assert_error_page(&app.by_value(&browser, &object, &PLACE).await);
    }

    async fn a_client_that_must_sign_or_push_cannot_do_otherwise(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let signing = Signer::register(bed, "ES256", &json!({ "require_signed_request_object": true }));
        let pushing =
            Signer::register(bed, "ES256", &json!({ "require_pushed_authorization_requests": true }));
        let browser = bed.signed_in(&ALICE).await;
        for app in [&signing, &pushing] {
            assert_client_error(&app.rp.authorize(&browser, &[]).await, &app.rp, "invalid_request");
        }
        let object = pushing.object(&json!({}));
        let page = pushing.by_value(&browser, &object, &[]).await;
        assert_client_error(&page, &pushing.rp, "invalid_request");
        let page = signing.by_value(&browser, &signing.object(&json!({})), &[]).await;
        claims_of(&signing, &page).await;
        let unsigned = signing.push(&signing.parameters(&[])).await;
        unsigned.assert_oauth_error(400, "invalid_request");
        let uri = crate::kit::request::request_uri(
            &signing.push_object(&signing.object(&json!({}))).await);
        claims_of(&signing, &signing.take(&browser, &uri, &[]).await).await;
    }

    async fn a_registered_algorithm_is_the_only_one(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = Signer::register(bed, "ES256", &json!({ "request_object_signing_alg": "PS256" }));
        let page = app.by_value(&bed.world.browser(), &app.object(&json!({})), &PLACE).await;
        assert_client_error(&page, &app.rp, "invalid_request_object");
        for alg in ["PS256", "EdDSA", "RS256"] {
            let app = Signer::register(bed, alg, &json!({ "request_object_signing_alg": alg }));
            let browser = bed.signed_in(&ALICE).await;
            let page = app.by_value(&browser, &app.object(&json!({})), &[]).await;
            claims_of(&app, &page).await;
        }
        let keyless = bed.rp("conf-basic");
        let object = ClientKey::new("ES256", "k1").jwt(&json!({ "iss": keyless.id }));
        let page = keyless.authorize(&bed.world.browser(), &[("request", &object)]).await;
        assert_client_error(&page, &keyless, "invalid_request_object");
    }

    async fn what_is_at_a_request_uri_is_fetched_with_care(backend: Backend) {
        let (bed, peer) = (Bed::shared(backend).await, TlsPeer::shared());
        let path = |what: &str| format!("/{}", unique(what));
        let (text, missing, moved, endless, late) =
            (path("text"), path("missing"), path("moved"), path("endless"), path("late"));
        let uris: Vec<String> =
            [&text, &missing, &moved, &endless, &late].map(|path| peer.url(path)).to_vec();
        let app = Signer::register(bed, "ES256", &json!({ "request_uris": uris }));
        let object = app.object(&json!({}));
        peer.serve(&text, Answer::new(200, "text/html", object.clone()));
        let elsewhere = path("elsewhere");
        peer.serve(&elsewhere, Answer::new(200, TYPE, object.clone()));
        peer.serve(&moved, Answer::redirect(&peer.url(&elsewhere)));
        let headers = vec![("Content-Type".to_owned(), TYPE.to_owned())];
        peer.serve(&endless, Answer { status: 200, headers, body: Body::Endless });
        let browser = bed.signed_in(&ALICE).await;
        for uri in &uris[..4] {
            let page = app.take(&browser, uri, &PLACE).await;
            assert_client_error(&page, &app.rp, "invalid_request_uri");
        }
        assert_eq!(peer.hits(&elsewhere), 0, "redirects are not followed");
        // Expired when it arrives: the object's own fault.
        let old = json!({ "iat": now() - 600, "nbf": now() - 600, "exp": now() - 300 });
        peer.serve(&late, Answer::new(200, "application/jwt", app.object(&old)));
        let page = app.take(&browser, &uris[4], &PLACE).await;
        assert_client_error(&page, &app.rp, "invalid_request_object");
        // Nothing but what is registered is ever asked for.
        for stray in [peer.url(&elsewhere), "https://localhost/".into(), "file:///etc/passwd".into(),
            "http://169.254.169.254/".into(), format!("{}?x=1", uris[0])] {
            let page = app.take(&browser, &stray, &PLACE).await;
            assert_client_error(&page, &app.rp, "invalid_request_uri");
        }
        assert_eq!(peer.hits(&elsewhere), 0);
        bed.assert_log_is_clean();
    }

    async fn a_signed_request_survives_a_sign_in_another_account_and_a_lost_page(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let metadata = json!({ "require_signed_request_object": true });
        let app = Signer::register(bed, "ES256", &metadata);
        let browser = bed.world.browser();
        let object = app.object(&json!({ "exp": now() + 1, "iat": now(), "nbf": now() }));
        let page = app.by_value(&browser, &object, &[]).await;
        claims_of(&app, &walk(page, &ALICE).await).await;
        // "Use another account" on the way leads through the sealed request, not through the clear.
        let again = app.object(&json!({ "prompt": "login" }));
        let page = app.by_value(&browser, &again, &[]).await;
        let links = page.attributes("main a", "href");
        let other = links.iter().find(|link| link.contains("/login/again")).expect("a link");
        let chooser = browser.get(other).await;
        let sign_in = chooser.form("choose-account").press("account", "another").submit().await;
        let page = walk(sign_in, &crate::kit::fixtures::BOB).await;
        assert_ne!(claims_of(&app, &page).await["sub"], json!(null));
        browser.get("/login/again?flow=garbage").await.assert_status(400);
    }
}

/// These claims as a JWT that nobody has signed.
pub fn unsigned(claims: &Value) -> String {
    let encode = |text: String| data_encoding::BASE64URL_NOPAD.encode(text.as_bytes());
    format!("{}.{}.", encode(json!({ "alg": "none" }).to_string()), encode(claims.to_string()))
}
