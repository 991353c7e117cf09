//! Request objects that only Doorward can read (RFC 9101 section 6.1), and authorization responses
//! that only the client can (JWT Secured Authorization Response Mode, section 2.2). Encrypting and
//! decrypting with libraries of others is in `tests/clients`.

use doorward::crypto::jwe::{self, Plaintext, Recipient};
use doorward::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg};
use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::authorize::jarm::opened;
use crate::authorize::request_objects::unsigned;
use crate::kit::checks::{assert_client_error, assert_success};
use crate::kit::client_signer::{ClientKey, jwks, now};
use crate::kit::fixtures::{
    ALICE, Bed, Callback, NONCE, REDIRECT, Rp, STATE, Tokens, unique, walk,
};
use crate::kit::flow::PATIENCE;
use crate::kit::request::{Signer, request_uri};
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer, TlsPeer};
use crate::tokens::encrypted::Receiver;

/// A registered place for the answer, so that errors travel.
const PLACE: [(&str, &str); 2] = [("redirect_uri", REDIRECT), ("state", STATE)];

/// Doorward's published key for this algorithm.
async fn published(rp: &Rp, alg: KeyEncryptionAlg) -> Recipient {
    let set = rp.bare().get(&format!("{}/.well-known/jwks.json", rp.issuer)).await.json();
    let fits = |key: &&Value| key["use"] == "enc" && key["alg"] == json!(alg);
    let key = set["keys"].as_array().expect("keys").iter().find(fits).expect("a key");
    Recipient::from_jwk(key.as_object().expect("a key")).expect("a key to encrypt to")
}

/// A signed token that only the owner of the key can read.
fn sealed(to: &Recipient, token: &str) -> String {
    jwe::encrypt(to, ContentEncryptionAlg::A256Gcm, Plaintext::SignedToken(token)).expect("a token")
}

/// Checks that an answer is a code for what the request object asked for.
async fn assert_understood(app: &Signer, callback: &Callback) {
    let code = assert_success(callback, &app.rp, STATE);
    let verifier = [("code_verifier", crate::kit::fixtures::VERIFIER)];
    let tokens = Tokens::of(&app.rp.redeem_with(&code, &verifier).await);
    assert_eq!(tokens.id_claims()["nonce"], NONCE);
}

on_both_backends! {
    async fn an_encrypted_request_is_read_with_every_algorithm_however_it_comes(backend: Backend) {
        let (bed, peer) = (Bed::shared(backend).await, TlsPeer::shared());
        let browser = bed.signed_in(&ALICE).await;
        for alg in KeyEncryptionAlg::ALL {
            for enc in ContentEncryptionAlg::ALL {
                let path = format!("/{}", unique("encrypted"));
                let app = Signer::register(bed, "ES256", &json!({
                    "request_object_encryption_alg": alg, "request_object_encryption_enc": enc,
                    "request_uris": [peer.url(&path)], "require_signed_request_object": true,
                }));
                let to = published(&app.rp, alg).await;
                let object = || {
                    let signed = app.object(&json!({}));
                    jwe::encrypt(&to, enc, Plaintext::SignedToken(&signed)).unwrap()
                };
                let page = app.by_value(&browser, &object(), &[]).await;
                assert_understood(&app, &Callback::of(&page)).await;
                let kind = "application/oauth-authz-req+jwt";
                peer.serve(&path, Answer::new(200, kind, object()));
                let page = app.take(&browser, &peer.url(&path), &[]).await;
                assert_understood(&app, &Callback::of(&page)).await;
                let uri = request_uri(&app.push_object(&object()).await);
                let page = app.take(&browser, &uri, &[]).await;
                assert_understood(&app, &Callback::of(&page)).await;
            }
        }
        let document = browser.get("/.well-known/openid-configuration").await.json();
        let offered = |what: &str| document[format!("request_object_encryption_{what}")].clone();
        assert_eq!(offered("alg_values_supported"), json!(KeyEncryptionAlg::ALL));
        assert_eq!(offered("enc_values_supported"), json!(ContentEncryptionAlg::ALL));
        bed.assert_log_is_clean();
    }

    async fn a_client_is_held_to_the_encryption_it_registered_and_to_none_without(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        let app = Signer::register(bed, "ES256", &json!({
            "request_object_encryption_alg": "ECDH-ES", "request_object_encryption_enc": "A128GCM",
        }));
        for (alg, enc) in [
            (KeyEncryptionAlg::RsaOaep256, ContentEncryptionAlg::A128Gcm),
            (KeyEncryptionAlg::EcdhEs, ContentEncryptionAlg::A256Gcm),
            (KeyEncryptionAlg::EcdhEs, ContentEncryptionAlg::A128CbcHs256),
        ] {
            let (to, signed) = (published(&app.rp, alg).await, app.object(&json!({})));
            let object = jwe::encrypt(&to, enc, Plaintext::SignedToken(&signed)).unwrap();
            let page = app.by_value(&browser, &object, &PLACE).await;
            assert_client_error(&page, &app.rp, "invalid_request_object");
            app.push_object(&object).await.assert_oauth_error(400, "invalid_request_object");
        }
        let free = Signer::register(bed, "ES256", &json!({}));
        for alg in KeyEncryptionAlg::ALL {
            let object = sealed(&published(&free.rp, alg).await, &free.object(&json!({})));
            let page = free.by_value(&browser, &object, &[]).await;
            assert_understood(&free, &Callback::of(&page)).await;
        }
    }

    async fn what_is_encrypted_must_be_signed_by_the_client_all_the_same(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        let app = Signer::register(bed, "ES256", &json!({}));
        let to = published(&app.rp, KeyEncryptionAlg::EcdhEs).await;
        let claims = app.claims(&json!({}));
        let stranger = ClientKey::new("ES256", "k1");
        let inner = sealed(&to, &app.object(&json!({})));
        let expired = json!({ "iat": now() - 600, "nbf": now() - 600, "exp": now() - 300 });
        let text = claims.to_string();
        let bare = Plaintext::Claims(text.as_bytes());
        let bare = jwe::encrypt(&to, ContentEncryptionAlg::A128Gcm, bare).unwrap();
        for (what, object) in [
            ("unsigned", sealed(&to, &unsigned(&claims))),
            ("claims alone", bare),
            ("of another key", sealed(&to, &stranger.jwt(&claims))),
            ("encrypted twice", sealed(&to, &inner)),
            ("of another client", sealed(&to, &app.object(&json!({ "iss": "conf-basic" })))),
            ("expired", sealed(&to, &app.object(&expired))),
            ("nothing", sealed(&to, "")),
        ] {
            let page = app.by_value(&browser, &object, &PLACE).await;
            assert!(page.status.is_redirection(), "{what}: {}", page.describe());
            assert_client_error(&page, &app.rp, "invalid_request_object");
            app.push_object(&object).await.assert_oauth_error(400, "invalid_request_object");
        }
        bed.assert_log_is_clean();
    }

    async fn what_is_encrypted_for_somebody_else_or_changed_on_the_way_does_not_open(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        let app = Signer::register(bed, "ES256", &json!({}));
        let good = app.object(&json!({}));
        let to = published(&app.rp, KeyEncryptionAlg::RsaOaep256).await;
        let mut all: Vec<String> = Receiver::new().recipients().iter().map(|to| sealed(to, &good)).collect();
        let sealed = sealed(&to, &good);
        let parts: Vec<&str> = sealed.split('.').collect();
        assert_eq!(parts.len(), 5);
        for index in 0..5 {
            let mut changed: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
            let first = if changed[index].starts_with('A') { "B" } else { "A" };
            changed[index].replace_range(..1, first);
            all.push(changed.join("."));
            changed[index].clear();
            all.push(changed.join("."));
        }
        all.push(parts[..4].join("."));
        for object in all {
            let page = app.by_value(&browser, &object, &PLACE).await;
            assert_client_error(&page, &app.rp, "invalid_request_object");
        }
        let page = app.by_value(&browser, &sealed, &[]).await;
        assert_understood(&app, &Callback::of(&page)).await;
        bed.assert_log_is_clean();
    }

    async fn a_replaced_key_opens_what_was_encrypted_for_it_until_it_is_removed(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let browser = bed.signed_in(&ALICE).await;
        let app = Signer::register(&bed, "ES256", &json!({}));
        let alg = KeyEncryptionAlg::EcdhEs;
        let old = published(&app.rp, alg).await;
        bed.world.cli(&["key", "rotate", "--alg", "ECDH-ES"]);
        wait_until_async("a new key being published", PATIENCE, async || {
            published(&app.rp, alg).await.kid() != old.kid()
        })
        .await;
        for to in [&old, &published(&app.rp, alg).await] {
            let page = app.by_value(&browser, &sealed(to, &app.object(&json!({}))), &[]).await;
            assert_understood(&app, &Callback::of(&page)).await;
        }
        bed.world.cli(&["--yes", "key", "retire", old.kid().unwrap()]);
        wait_until_async("the old key being forgotten", PATIENCE, async || {
            let object = sealed(&old, &app.object(&json!({})));
            let page = app.by_value(&browser, &object, &PLACE).await;
            Callback::of(&page).get("error") == Some("invalid_request_object")
        })
        .await;
    }

    async fn an_encrypted_answer_is_for_its_client_alone_errors_included(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let browser = bed.signed_in(&ALICE).await;
        for alg in KeyEncryptionAlg::ALL {
            let (receiver, key) = (Receiver::new(), ClientKey::new("ES256", "k1"));
            let mut keys = receiver.jwks.clone();
            keys["keys"].as_array_mut().unwrap().extend(jwks(&[&key])["keys"].as_array().unwrap().clone());
            let app = Signer::register(bed, "ES256", &json!({
                "jwks": keys, "authorization_signed_response_alg": "ES256",
                "authorization_encrypted_response_alg": alg,
                "authorization_encrypted_response_enc": "A256GCM",
            }));
            for (mode, prompt) in
                [("jwt", ""), ("form_post.jwt", ""), ("fragment.jwt", ""), ("jwt", "none")]
            {
                let fresh = bed.world.browser();
                let browser = if prompt.is_empty() { &browser } else { &fresh };
                let page = app.rp.authorize(browser, &[("response_mode", mode), ("prompt", prompt)]).await;
                let callback = Callback::of(&walk(page, &ALICE).await);
                let [(name, jwt)] = callback.parameters.as_slice() else { panic!("{callback:?}") };
                assert_eq!(name, "response");
                let (header, inner) = receiver.open(jwt);
                assert_eq!((&header["alg"], &header["enc"]), (&json!(alg), &json!("A256GCM")));
                assert_eq!(header["cty"], "JWT");
                let inside = Callback {
                    target: callback.target.clone(), parameters: vec![("response".into(), inner)],
                };
                let claims = opened(&app.rp, &inside, Algorithm::ES256).await;
                assert_eq!(claims["state"], STATE);
                if prompt.is_empty() {
                    Tokens::of(&app.rp.redeem(claims["code"].as_str().unwrap()).await);
                } else {
                    assert_eq!(claims["error"], "login_required");
                    assert!(claims.get("code").is_none());
                }
            }
        }
        bed.assert_log_is_clean();
    }
}
