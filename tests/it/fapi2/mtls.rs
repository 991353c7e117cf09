//! Certificate-bound access tokens (RFC 8705 section 3; security catalogue, row 129), and what the
//! FAPI 2.0 plan does differently when client authentication and sender constraint are TLS
//! certificates.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::client_signer::register;
use crate::kit::dpop::{Key, endpoint, post};
use crate::kit::fapi2::{Bank, Holder, assert_refused};
use crate::kit::fixtures::{ALICE, Bed, REDIRECT, Rp, Tokens, payload, unique};
use crate::kit::mtls::{client, header, header_world, mtls_world, thumbprint, two_listeners};
use crate::support::authority::{Authority, Identity, Name};
use crate::support::backends::Backend;
use crate::support::browser_like::Page;
use crate::support::world::World;

/// A Doorward behind a proxy that passes certificates on.
async fn behind_proxy(backend: Backend) -> Bed {
    Bed::new(header_world(backend, "127.0.0.1").await, &[]).await
}

/// A client that authenticates by a certificate, and so binds its tokens.
fn tls_bank(bed: &Bed, identity: &Identity) -> Bank {
    let bank = Bank::with(
        bed,
        &json!({
            "token_endpoint_auth_method": "self_signed_tls_client_auth",
            "jwks": { "keys": [identity.jwk] }, "tls_client_certificate_bound_access_tokens": true,
        }),
    );
    Bank { identity: Some(identity.clone()), ..bank }
}

/// The tokens of an answer, which are bound to this certificate.
#[track_caller]
fn bound(page: &Page, identity: &Identity) -> Tokens {
    let tokens = Tokens::of(page);
    if tokens.access.contains('.') {
        let cnf = json!({ "x5t#S256": thumbprint(identity) });
        assert_eq!(payload(&tokens.access)["cnf"], cnf);
    }
    tokens
}

async fn userinfo(rp: &Rp, token: &str, identity: Option<&Identity>) -> Page {
    userinfo_by("Bearer", rp, token, identity).await
}

async fn userinfo_by(scheme: &str, rp: &Rp, token: &str, identity: Option<&Identity>) -> Page {
    read(rp, ("/oauth2/userinfo", scheme), token, identity).await
}

/// Reads what a token opens.
async fn read(
    rp: &Rp,
    (path, scheme): (&str, &str),
    token: &str,
    identity: Option<&Identity>,
) -> Page {
    let url = rp.http.resolve(&endpoint(rp, path));
    let mut request = rp.http.request(Method::GET, &url);
    request = request.header("Authorization", format!("{scheme} {token}"));
    if let Some(identity) = identity {
        request = request.header("Client-Cert", header(identity));
    }
    rp.http.send(request).await
}

on_both_backends! {
    async fn the_plan_s_flow_with_certificates_for_authentication_and_tokens(backend: Backend) {
        let bed = behind_proxy(backend).await;
        let identity = Identity::self_signed(&[Name::Dns("bank.example")]);
        let other = Identity::self_signed(&[Name::Dns("bank.example")]);
        let (bank, browser) = (tls_bank(&bed, &identity), bed.signed_in(&ALICE).await);
        let code = bank.code(&browser, &[]).await;
        let tokens = bound(&bank.redeem(&code, Holder::Own).await, &identity);
        for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
            let page = userinfo_by(scheme, &bank.rp, &tokens.access, Some(&identity)).await;
            page.assert_status(200);
        }
        for wrong in [None, Some(&other)] {
            for path in ["/oauth2/userinfo", "/api/v1/session-data/k"] {
                let page = read(&bank.rp, (path, "Bearer"), &tokens.access, wrong).await;
                page.assert_status(401);
                let challenge = page.header("www-authenticate");
                assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
            }
        }
        let kept = ("/api/v1/session-data/k", "Bearer");
        let page = read(&bank.rp, kept, &tokens.access, Some(&identity)).await;
        page.assert_status(404).assert_header("content-type", "application/problem+json");
        let second = bound(&bank.refresh(tokens.refresh(), Holder::Own).await, &identity);
        userinfo(&bank.rp, &second.access, Some(&identity)).await.assert_status(200);
        let told = bank.post("/oauth2/introspect", &[("token", &second.access)], &[]).await.json();
        assert_eq!(told["cnf"], json!({ "x5t#S256": thumbprint(&identity) }));
        assert_eq!(told["token_type"], "Bearer");
        // Without the certificate there is neither authentication nor a key to bind to.
        let bare = Bank { identity: Some(other.clone()), ..tls_bank(&bed, &identity) };
        assert_refused(&bare.push(&[]).await, 401, &["invalid_client"]);
        bed.assert_log_is_clean();
    }

    async fn holder_of_key_is_required_with_assertions_and_certificates(backend: Backend) {
        let bed = behind_proxy(backend).await;
        let identity = Identity::self_signed(&[Name::Dns("bank.example")]);
        let bank = Bank::with(&bed, &json!({ "tls_client_certificate_bound_access_tokens": true }));
        let browser = bed.signed_in(&ALICE).await;
        let code = bank.code(&browser, &[]).await;
        let page = bank.redeem(&code, Holder::Nobody).await;
        assert_refused(&page, 400, &["invalid_request", "invalid_grant", "invalid_client"]);
        // A proof is no substitute: the client is registered for the other way.
        let page = bank.redeem(&code, Holder::Own).await;
        assert_refused(&page, 400, &["invalid_request"]);
        let url = bank.rp.http.resolve(&endpoint(&bank.rp, "/oauth2/token"));
        let fields = crate::kit::client_signer::with_assertion(&[
            ("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT),
            ("code_verifier", crate::kit::fixtures::VERIFIER),
        ], &bank.assertion());
        let request = bank.rp.http.request(Method::POST, &url).form(&fields);
        let request = request.header("Client-Cert", header(&identity));
        let tokens = bound(&bank.rp.http.send(request).await, &identity);
        userinfo(&bank.rp, &tokens.access, Some(&identity)).await.assert_status(200);
        assert_refused(&bank.refresh(tokens.refresh(), Holder::Nobody).await, 400, &["invalid_request"]);
    }

    async fn refresh_tokens_of_a_public_client_are_bound_to_its_certificate(backend: Backend) {
        let bed = behind_proxy(backend).await;
        let (identity, other) = (
            Identity::self_signed(&[Name::Dns("app.example")]),
            Identity::self_signed(&[Name::Dns("app.example")]),
        );
        let id = unique("public");
        let metadata = json!({
            "token_endpoint_auth_method": "none", "redirect_uris": [REDIRECT],
            "tls_client_certificate_bound_access_tokens": true, "access_token_format": "opaque",
        });
        register(&bed.world, &id, "native", &metadata);
        let rp = Rp { redirect_uri: REDIRECT.to_owned(), ..Rp::new(&bed.world, &id) };
        let post = async |fields: Vec<(String, String)>, identity: Option<&Identity>| {
            let url = rp.http.resolve("/oauth2/token");
            let mut request = rp.http.request(Method::POST, &url);
            if let Some(identity) = identity {
                request = request.header("Client-Cert", header(identity));
            }
            let mut fields: BTreeMap<String, String> = fields.into_iter().collect();
            fields.insert("client_id".to_owned(), id.clone());
            rp.http.send(request.form(&fields)).await
        };
        let code = rp.code(&bed.signed_in(&ALICE).await, &ALICE, &[]).await;
        assert_refused(&post(rp.redeem_fields(&code, &[]), None).await, 400, &["invalid_request"]);
        let tokens = bound(&post(rp.redeem_fields(&code, &[]), Some(&identity)).await, &identity);
        userinfo(&rp, &tokens.access, Some(&identity)).await.assert_status(200);
        userinfo(&rp, &tokens.access, Some(&other)).await.assert_status(401);
        userinfo(&rp, &tokens.access, None).await.assert_status(401);
        let refresh = |token: &str| {
            let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
            fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
        };
        let page = post(refresh(tokens.refresh()), Some(&other)).await;
        assert_refused(&page, 400, &["invalid_grant"]);
        let page = post(refresh(tokens.refresh()), None).await;
        assert_refused(&page, 400, &["invalid_request"]);
        bound(&post(refresh(tokens.refresh()), Some(&identity)).await, &identity);
    }

    async fn tokens_are_bound_to_the_certificate_of_the_connection_itself(backend: Backend) {
        let world = mtls_world(backend).await;
        let identity = Authority::shared().issue(&[Name::Dns("app.example")]);
        let other = Authority::shared().issue(&[Name::Dns("other.example")]);
        let id = unique("service");
        register(&world, &id, "machine", &json!({
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_san_dns": "app.example",
            "tls_client_certificate_bound_access_tokens": true,
        }));
        let fields = [("grant_type", "client_credentials"), ("client_id", id.as_str())];
        let request = client(Some(&identity)).post(world.url("/oauth2/token")).form(&fields);
        let body: Value = request.send().await.unwrap().json().await.unwrap();
        let token = body["access_token"].as_str().unwrap_or_else(|| panic!("{body}"));
        assert_eq!(payload(token)["cnf"], json!({ "x5t#S256": thumbprint(&identity) }));
        // A service's token is not enough for userinfo: with its own certificate that is all that
        // is wrong with it.
        for (identity, status) in [(Some(&identity), 403), (Some(&other), 401), (None, 401)] {
            let request = client(identity).get(world.url("/oauth2/userinfo")).bearer_auth(token);
            assert_eq!(request.send().await.unwrap().status().as_u16(), status);
        }
        let document = client(None).get(world.url("/.well-known/openid-configuration"));
        let document: Value = document.send().await.unwrap().json().await.unwrap();
        assert_eq!(document["tls_client_certificate_bound_access_tokens"], true);
        assert_eq!(BASE64URL_NOPAD.decode(thumbprint(&identity).as_bytes()).unwrap().len(), 32);
    }

    async fn a_proof_is_good_at_the_address_it_was_made_for_and_at_no_other(backend: Backend) {
        let (world, port) = two_listeners(backend).await;
        let (bases, http) = ([world.issuer.clone(), format!("https://localhost:{port}")], client(None));
        let (id, key) = (unique("both"), Key::new());
        let metadata = json!({ "redirect_uris": [REDIRECT],
            "grant_types": ["authorization_code", "client_credentials"] });
        let secret = register(&world, &id, "web", &metadata)["client_secret"].clone();
        let rp = Rp { redirect_uri: REDIRECT.to_owned(), ..Rp::new(&world, &id) };
        let (request, token) = (rp.parameters(&[]), [("grant_type", "client_credentials")]);
        let token = token.map(|(name, value)| (name.to_owned(), value.to_owned()));
        for (sent, made) in [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(s, m)| (&bases[s], &bases[m])) {
            for (path, fields) in [("/oauth2/token", &token[..]), ("/oauth2/par", &request[..])] {
                let proof = key.proof("POST", &format!("{made}{path}"));
                let sending = http.post(format!("{sent}{path}")).header("DPoP", proof).form(fields);
                let answer = sending.basic_auth(&id, secret.as_str()).send().await.unwrap();
                let (status, body) = (answer.status(), answer.json::<Value>().await.unwrap());
                assert_eq!(status.is_success(), sent == made, "{made}{path} at {sent}: {body}");
                let refused = body["error"] == "invalid_dpop_proof";
                assert_eq!(refused, sent != made, "{made}{path} at {sent}: {body}");
                let Some(access) = body["access_token"].as_str() else { continue };
                // The token is good at both addresses, each with a proof for that one.
                for (sent, made) in [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(s, m)| (&bases[s], &bases[m])) {
                    let path = "/oauth2/userinfo";
                    let proof = key.proof_for_token("GET", &format!("{made}{path}"), access);
                    let get = http.get(format!("{sent}{path}")).header("DPoP", proof);
                    let get = get.header("Authorization", format!("DPoP {access}"));
                    // A service's token is not enough for userinfo: that comes after the proof.
                    let expected = if sent == made { 403 } else { 401 };
                    assert_eq!(get.send().await.unwrap().status().as_u16(), expected, "{made} at {sent}");
                }
            }
        }
    }

    async fn where_one_listener_has_both_names_a_proof_for_either_is_good(backend: Backend) {
        let alias = "https://mtls.op.test";
        let world = World::builder(backend)
            .env("DOORWARD_SERVER__TRUSTED_PROXIES", "127.0.0.1")
            .env("DOORWARD_SERVER__CLIENT_CERTIFICATE_HEADER", "Client-Cert")
            .env("DOORWARD_SERVER__MTLS_URL", alias);
        let bed = Bed::new(world.start().await, &["daemon"]).await;
        let (rp, key) = (bed.rp("daemon"), Key::new());
        let grant = [("grant_type".to_owned(), "client_credentials".to_owned())];
        for (base, status) in [(rp.issuer.as_str(), 200), (alias, 200), ("https://evil.test", 400)] {
            let proof = key.proof("POST", &format!("{base}/oauth2/token"));
            post(&rp, "/oauth2/token", &grant, &[proof]).await.assert_status(status);
        }
    }

    async fn a_client_names_one_way_to_bind_its_tokens(backend: Backend) {
        let bed = behind_proxy(backend).await;
        let told = crate::kit::client_signer::refusal(&bed.world, &json!({
            "dpop_bound_access_tokens": true, "tls_client_certificate_bound_access_tokens": true,
        }));
        assert!(told.contains("dpop_bound_access_tokens"), "{told}");
        for (name, value) in [
            ("token_endpoint_auth_method", "client_secret_basic"),
            ("id_token_signed_response_alg", "RS256"), ("access_token_alg", "ES384"),
        ] {
            let mut metadata = json!({
                "security_profile": "fapi2_security", "access_token_alg": "ES256",
                "id_token_signed_response_alg": "ES256",
                "token_endpoint_auth_method": "private_key_jwt",
                "jwks": { "keys": [Key::new().jwk] },
            });
            metadata[name] = json!(value);
            let told = crate::kit::client_signer::refusal(&bed.world, &metadata);
            assert!(told.contains(name) && told.contains("FAPI"), "{told}");
        }
    }
}
