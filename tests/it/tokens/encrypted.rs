//! Answers as JWTs: signed userinfo and introspection (RFC 9701), and whatever a client wants
//! encrypted. The client's private keys are the test's own; `tests/clients` decrypts with libraries
//! of others.

use doorward::crypto::jwe::{self, Recipient, own};
use doorward::crypto::keyring::Keyring;
use doorward::crypto::seal::{MasterKey, Sealer};
use doorward::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg};
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value, json};

use crate::kit::fixtures::{jose_header, payload, unique};
use crate::kit::flow::{App, PATIENCE, create_user, sign_in};
use crate::support::browser_like::Browser;
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer, TlsPeer, reachable};
use crate::support::world::World;

const INTROSPECTION_JWT: &str = "application/token-introspection+jwt";

/// The private side of a client's encryption keys.
pub struct Receiver {
    ring: Keyring,
    pub jwks: Value,
}

impl Receiver {
    pub fn new() -> Self {
        let sealer = Sealer::new(&MasterKey::generate());
        let keys = KeyEncryptionAlg::ALL.map(|alg| own::generate(alg, &sealer).unwrap());
        let jwks = json!({ "keys": keys.each_ref().map(|key| &key.public_jwk) });
        let ring = Keyring::load(vec![], &sealer).unwrap();
        Self { ring: ring.with_encryption_keys((keys.to_vec(), vec![]), &sealer).unwrap(), jwks }
    }

    /// The keys as others see them.
    pub fn recipients(&self) -> Vec<Recipient> {
        let keys = self.jwks["keys"].as_array().expect("keys").iter();
        keys.map(|key| Recipient::from_jwk(key.as_object().unwrap()).expect("a key")).collect()
    }

    pub fn open(&self, token: &str) -> (Map<String, Value>, String) {
        let opened = jwe::decrypt(&self.ring, token).expect("a token for this client");
        (opened.header, String::from_utf8(opened.plaintext).unwrap())
    }
}

/// Registers a client with this metadata beside the usual.
fn register(world: &World, id: &str, metadata: &Value) -> App {
    let file = world.path(&format!("{id}.json"));
    std::fs::write(&file, metadata.to_string()).unwrap();
    App::register(world, id, &["--metadata", &file.display().to_string()])
}

/// Verifies a signed answer with the key set of the provider; gives its claims.
pub async fn verified(world: &World, token: &str, algorithm: Algorithm) -> Value {
    let text = world.browser().get("/.well-known/jwks.json").await.body;
    let keys: JwkSet = serde_json::from_str(&text).unwrap();
    let header = jsonwebtoken::decode_header(token).expect("a JOSE header");
    assert_eq!(header.alg, algorithm);
    let key = DecodingKey::from_jwk(keys.find(&header.kid.unwrap()).unwrap()).unwrap();
    let mut validation = Validation::new(algorithm);
    validation.validate_aud = false;
    validation.set_required_spec_claims::<&str>(&[]);
    jsonwebtoken::decode::<Value>(token, &key, &validation).expect("a valid signature").claims
}

async fn alice(world: &World) -> Browser {
    create_user(world, "alice");
    sign_in(world, "alice").await
}

on_both_backends! {
    async fn userinfo_is_a_jwt_for_a_client_that_registered_an_algorithm(world: World) {
        let browser = alice(&world).await;
        let document = browser.get("/.well-known/openid-configuration").await.json();
        let offered = document["userinfo_signing_alg_values_supported"].as_array().unwrap();
        assert!(offered.contains(&json!("RS256")) && !offered.contains(&json!("none")));
        let app = register(&world, "app", &json!({ "userinfo_signed_response_alg": "RS256" }));
        let tokens = app.tokens(&browser).await;
        let answer = app.userinfo(&tokens.access).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.headers["content-type"], "application/jwt");
        assert_eq!(answer.headers["cache-control"], "no-store");
        let claims = verified(&world, &answer.text, Algorithm::RS256).await;
        assert_eq!(claims["iss"], world.issuer.as_str());
        assert_eq!(claims["aud"], "app");
        assert_eq!(claims["sub"], payload(&tokens.id)["sub"]);
        assert_eq!(claims["email"], "alice@example.test");
        assert!(claims.get("nonce").is_none() && claims.get("exp").is_none(), "{claims}");
        // It is no ID token and no access token.
        assert_eq!(app.userinfo(&answer.text).await.status, 401);
        assert_eq!(app.introspect(&answer.text).await.text, r#"{"active":false}"#);
        let hint = [("id_token_hint", answer.text.as_str()), ("prompt", "none")];
        let page = browser.get(&app.authorize_path(&hint)).await;
        assert!(page.location_parameter("code").is_none(), "{}", page.describe());
        // A refused token is refused in JSON, as everywhere.
        assert_eq!(app.userinfo("x").await.error().as_deref(), Some("invalid_token"));
    }

    async fn an_introspection_answer_is_a_jwt_for_those_who_ask_for_one(world: World) {
        let browser = alice(&world).await;
        let app = App::register(&world, "app", &[]);
        let tokens = app.tokens(&browser).await;
        let plain = app.introspect(&tokens.access).await;
        assert!(plain.headers["content-type"].to_str().unwrap().starts_with("application/json"));
        for accept in [
            INTROSPECTION_JWT, "Application/Token-Introspection+JWT; q=0.9",
            "application/json, application/token-introspection+jwt",
        ] {
            let answer = app.introspect_as(&tokens.access, accept).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(answer.headers["content-type"], INTROSPECTION_JWT);
            assert_eq!(answer.headers["cache-control"], "no-store");
            assert_eq!(jose_header(&answer.text)["typ"], "token-introspection+jwt");
            let claims = verified(&world, &answer.text, Algorithm::RS256).await;
            assert_eq!(claims["iss"], world.issuer.as_str());
            assert_eq!(claims["aud"], "app");
            assert!(claims["iat"].is_i64());
            // RFC 9701 section 5: neither may be beside the member, or it would pass for a token.
            assert!(claims.get("sub").is_none() && claims.get("exp").is_none(), "{claims}");
            assert_eq!(claims["token_introspection"], plain.json());
        }
        for accept in ["application/json", "*/*", "application/jwt", ""] {
            let answer = app.introspect_as(&tokens.access, accept).await;
            assert_eq!(answer.json(), plain.json(), "{accept}");
        }
        let dead = app.introspect_as("x", INTROSPECTION_JWT).await;
        let claims = verified(&world, &dead.text, Algorithm::RS256).await;
        assert_eq!(claims["token_introspection"], json!({ "active": false }));
        // The answer is no token itself.
        let answer = app.introspect_as(&tokens.access, INTROSPECTION_JWT).await.text;
        assert_eq!(app.userinfo(&answer).await.status, 401);
        assert_eq!(app.introspect(&answer).await.json(), json!({ "active": false }));
        let stranger = App::known(&world, "app", "wrong");
        let refused = stranger.introspect_as(&tokens.access, INTROSPECTION_JWT).await;
        assert_eq!((refused.status, refused.error().as_deref()), (401, Some("invalid_client")));
    }

    async fn a_resource_server_that_registered_an_algorithm_always_gets_a_jwt(world: World) {
        let browser = alice(&world).await;
        let metadata = json!({ "introspection_signed_response_alg": "ES256" });
        let app = register(&world, "app", &metadata);
        let tokens = app.tokens(&browser).await;
        let answer = app.introspect(&tokens.access).await;
        assert_eq!(answer.headers["content-type"], INTROSPECTION_JWT);
        let claims = verified(&world, &answer.text, Algorithm::ES256).await;
        assert_eq!(claims["token_introspection"]["active"], true);
        let document = browser.get("/.well-known/openid-configuration").await.json();
        let offered = &document["introspection_signing_alg_values_supported"];
        assert!(offered.as_array().unwrap().contains(&json!("ES256")));
    }

    async fn what_a_client_wants_encrypted_only_it_can_read(world: World) {
        let browser = alice(&world).await;
        for (index, alg) in KeyEncryptionAlg::ALL.into_iter().enumerate() {
            for enc in ContentEncryptionAlg::ALL {
                let receiver = Receiver::new();
                let app = register(&world, &format!("app-{index}-{}", enc.as_str()), &json!({
                    "jwks": receiver.jwks,
                    "id_token_signed_response_alg": "ES256",
                    "id_token_encrypted_response_alg": alg,
                    "id_token_encrypted_response_enc": enc,
                    "userinfo_signed_response_alg": "EdDSA",
                    "userinfo_encrypted_response_alg": alg,
                    "userinfo_encrypted_response_enc": enc,
                    "introspection_encrypted_response_alg": alg,
                    "introspection_encrypted_response_enc": enc,
                }));
                let tokens = app.tokens(&browser).await;
                let (header, inner) = receiver.open(&tokens.id);
                assert_eq!((&header["alg"], &header["enc"]), (&json!(alg), &json!(enc)));
                assert_eq!((&header["cty"], header.get("zip")), (&json!("JWT"), None));
                let claims = verified(&world, &inner, Algorithm::ES256).await;
                assert_eq!(claims["aud"], app.id.as_str());
                assert!(claims["at_hash"].is_string() && claims["nonce"].is_string());

                let userinfo = app.userinfo(&tokens.access).await;
                assert_eq!(userinfo.headers["content-type"], "application/jwt");
                let (_, inner) = receiver.open(&userinfo.text);
                let person = verified(&world, &inner, Algorithm::EdDSA).await;
                assert_eq!(person["sub"], claims["sub"]);

                let answer = app.introspect(&tokens.access).await;
                let (_, inner) = receiver.open(&answer.text);
                assert_eq!(jose_header(&inner)["typ"], "token-introspection+jwt");
                let claims = verified(&world, &inner, Algorithm::RS256).await;
                assert_eq!(claims["token_introspection"]["active"], true);

                let again = app.refresh(&tokens.refresh).await.tokens();
                let (_, inner) = receiver.open(&again.id);
                verified(&world, &inner, Algorithm::ES256).await;
            }
        }
        world.assert_log_is_clean(&[]);
    }

    async fn userinfo_may_be_encrypted_without_being_signed(world: World) {
        let browser = alice(&world).await;
        let receiver = Receiver::new();
        let app = register(&world, "app", &json!({
            "jwks": receiver.jwks, "userinfo_encrypted_response_alg": "ECDH-ES",
        }));
        let tokens = app.tokens(&browser).await;
        let answer = app.userinfo(&tokens.access).await;
        assert_eq!(answer.headers["content-type"], "application/jwt");
        let (header, text) = receiver.open(&answer.text);
        // OpenID Connect Registration section 2: the default when only the other half is named.
        assert_eq!((header.get("cty"), &header["enc"]), (None, &json!("A128CBC-HS256")));
        let person: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(person["sub"], payload(&tokens.id)["sub"]);
        assert_eq!(person["aud"], "app");
    }

    async fn a_client_without_a_fitting_key_cannot_ask_for_encryption(world: World) {
        let mut rsa_only = Receiver::new().jwks;
        rsa_only["keys"].as_array_mut().unwrap().pop();
        let mut signing = rsa_only.clone();
        signing["keys"][0]["use"] = "sig".into();
        let mut weak = rsa_only.clone();
        weak["keys"][0]["e"] = "AQ".into();
        for (jwks, alg, word) in [
            (&rsa_only, "ECDH-ES", "id_token_encrypted_response_alg"),
            (&signing, "RSA-OAEP-256", "id_token_encrypted_response_alg"),
            (&weak, "RSA-OAEP-256", "exponent"),
            (&Value::Null, "RSA-OAEP-256", "id_token_encrypted_response_alg"),
        ] {
            let file = world.path("metadata.json");
            let metadata = json!({ "jwks": jwks, "id_token_encrypted_response_alg": alg });
            std::fs::write(&file, metadata.to_string()).unwrap();
            let file = file.display().to_string();
            let output = world.run(&[
                "client", "create", "--name", "App", "--type", "web",
                "--redirect-uri", "https://rp.test/cb", "--metadata", &file,
            ]);
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(!output.status.success() && text.contains(word), "{jwks} {alg}: {text}");
        }
    }

    async fn keys_to_encrypt_to_are_fetched_from_where_the_client_publishes_them(
        backend: Backend
    ) {
        let peer = TlsPeer::shared();
        let builder = World::builder(backend).env("DOORWARD_OUTBOUND__JWKS_MIN_INTERVAL", "1");
        let world = reachable(builder, &[peer]).start().await;
        let browser = alice(&world).await;
        let (receiver, path) = (Receiver::new(), format!("/{}", unique("encryption-jwks")));
        let publish = |set: &Value| peer.serve(&path, Answer::json(set));
        publish(&json!({ "keys": [] }));
        let app = register(&world, "app", &json!({
            "jwks_uri": peer.url(&path), "id_token_encrypted_response_alg": "ECDH-ES",
        }));
        // Without a key nothing is used up: the code is good once there is one.
        let code = app.code(&browser).await;
        app.redeem(&code).await.assert_error(400, "invalid_request");
        publish(&receiver.jwks);
        wait_until_async("the key being fetched", PATIENCE, async || {
            let answer = app.redeem(&code).await;
            if answer.status != 200 {
                answer.assert_error(400, "invalid_request");
                return false;
            }
            let (_, inner) = receiver.open(&answer.tokens().id);
            assert_eq!(payload(&inner)["aud"], "app");
            true
        })
        .await;
    }
}
