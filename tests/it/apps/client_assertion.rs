//! `private_key_jwt`: what is accepted, and the attacks on client assertions (security catalogue, rows
//! 34 and 37 to 42). The modules of the FAPI 2.0 plan about them are in `fapi2_assertions`.

use serde_json::{Value, json};

use crate::kit::client_signer::{
    ClientKey, assertion_claims, jwks, now, refusal, register, with_assertion,
};
use crate::kit::fixtures::{Bed, Rp, Tokens, unique};
use crate::kit::forge::{forgeries, hostile_headers, malformed_claims};
use crate::support::browser_like::Page;
use crate::support::tls_peer::TlsPeer;

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

/// A service that authenticates by assertions.
struct App {
    id: String,
    key: ClientKey,
    rp: Rp,
}

impl App {
    fn new(bed: &Bed, alg: &'static str, more: &Value) -> Self {
        let id = unique("asserting");
        let key = ClientKey::new(alg, "k1");
        let mut metadata =
            json!({ "token_endpoint_auth_method": "private_key_jwt", "jwks": jwks(&[&key]) });
        for (name, value) in more.as_object().expect("metadata") {
            metadata[name] = value.clone();
        }
        let registered = register(&bed.world, &id, "machine", &metadata);
        assert!(registered.get("client_secret").is_none(), "no secret for a client without one");
        Self { rp: Rp::new(&bed.world, &id), id, key }
    }

    fn issuer(&self) -> &str {
        &self.rp.issuer
    }

    /// An assertion for the issuer with these changes.
    fn assertion(&self, changes: &Value) -> String {
        self.key.assertion(&self.id, self.issuer(), changes)
    }

    /// A token request with this assertion and no other sign of who sends it.
    async fn ask(&self, assertion: &str) -> Page {
        self.ask_at("/oauth2/token", &[GRANT], assertion).await
    }

    async fn ask_at(&self, path: &str, fields: &[(&str, &str)], assertion: &str) -> Page {
        let fields = with_assertion(fields, assertion);
        let url = self.rp.bare().resolve(path);
        let request = self.rp.bare().request(reqwest::Method::POST, &url);
        self.rp.bare().send(request.form(&fields)).await
    }

    async fn assert_refused(&self, what: &str, assertion: &str) {
        let page = self.ask(assertion).await;
        let status = page.status.as_u16();
        assert_eq!(
            (status, page.json()["error"].as_str()),
            (401, Some("invalid_client")),
            "{what}"
        );
    }

    async fn assert_accepted(&self, assertion: &str) {
        self.ask(assertion).await.assert_status(200);
    }
}

on_both_backends! {
    async fn a_client_is_known_by_what_it_has_signed(backend: Backend) {
        let bed = Bed::shared(backend).await;
        for alg in ["RS256", "PS256", "ES256", "EdDSA"] {
            let app = App::new(bed, alg, &json!({}));
            app.assert_accepted(&app.assertion(&json!({}))).await;
            // The client_id may be repeated beside the assertion, and must then be the same.
            let named = |id: &str| [GRANT, ("client_id", id)].map(|(n, v)| (n.to_owned(), v.to_owned()));
            for (id, status) in [(app.id.as_str(), 200), ("conf-basic", 401)] {
                let fields = named(id);
                let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
                let page = app.ask_at("/oauth2/token", &fields, &app.assertion(&json!({}))).await;
                page.assert_status(status);
            }
        }
        bed.assert_log_is_clean();
    }

    async fn the_issuer_and_the_token_endpoint_are_both_right_as_audience(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = App::new(bed, "RS256", &json!({}));
        app.assert_accepted(&app.assertion(&json!({}))).await;
        // The other modules of that plan name the token endpoint.
        let endpoint = format!("{}/oauth2/token", app.issuer());
        app.assert_accepted(&app.assertion(&json!({ "aud": endpoint }))).await;
    }

    async fn what_an_assertion_says_must_be_true_of_any_client(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = App::new(bed, "PS256", &json!({}));
        // Without a profile the same key may do both algorithms.
        app.assert_accepted(&app.key.assertion_with("RS256", &app.id, app.issuer())).await;
        let endpoint = format!("{}/oauth2/token", app.issuer());
        for audience in [
            json!([app.issuer()]), json!([app.issuer(), endpoint]), json!([]), json!({}), json!(null),
            json!("https://op.test"), json!(format!("{}/", app.issuer())), json!(app.id),
            json!(format!("{}/oauth2/introspect", app.issuer())),
        ] {
            app.assert_refused("another aud", &app.assertion(&json!({ "aud": audience }))).await;
        }
        for changes in [
            json!({ "iss": null }), json!({ "iss": "conf-basic" }), json!({ "sub": "conf-basic" }),
            json!({ "exp": null }), json!({ "exp": now() + 3600 }),
        ] {
            app.assert_refused("a wrong claim", &app.assertion(&changes)).await;
        }
        // Naming the type of RFC 10070 asks for the FAPI 2.0 profile's rule about audiences.
        let header = json!({ "alg": "PS256", "kid": "k1", "typ": "client-authentication+jwt" });
        let typed = |audience: &str| {
            app.key.sign(&header, &assertion_claims(&app.id, audience, &json!({})).to_string())
        };
        app.assert_refused("typed", &typed(&endpoint)).await;
        app.assert_accepted(&typed(app.issuer())).await;
    }

    async fn an_assertion_is_good_once_under_any_race(backend: Backend) {
        let bed = Bed::shared(backend).await;
        for _ in 0..3 {
            // Each round a client of its own: one that fails fifty times is braked.
            let app = App::new(bed, "ES256", &json!({}));
            let assertion = app.assertion(&json!({}));
            let tries = (0..50).map(|_| app.ask(&assertion));
            let pages = futures_util::future::join_all(tries).await;
            let good = pages.iter().filter(|page| page.status.as_u16() == 200).count();
            assert_eq!(good, 1, "exactly one of fifty");
            for page in pages.iter().filter(|page| page.status.as_u16() != 200) {
                page.assert_oauth_error(401, "invalid_client");
            }
        }
    }

    async fn an_assertion_is_used_up_for_every_endpoint_and_by_its_client_alone(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (app, other) = (App::new(bed, "ES256", &json!({})), App::new(bed, "EdDSA", &json!({})));
        let jti = unique("shared");
        let assertion = app.assertion(&json!({ "jti": jti }));
        let tokens = Tokens::of(&app.ask(&assertion).await);
        let token = [("token", tokens.access.as_str())];
        for path in ["/oauth2/introspect", "/oauth2/revoke", "/oauth2/token"] {
            let page = app.ask_at(path, &token, &assertion).await;
            page.assert_oauth_error(401, "invalid_client");
        }
        // The same jti of another client is another one.
        other.assert_accepted(&other.assertion(&json!({ "jti": jti }))).await;
        let fresh = || app.assertion(&json!({}));
        let page = app.ask_at("/oauth2/introspect", &token, &fresh()).await;
        assert_eq!(page.assert_status(200).json()["active"], true);
        app.ask_at("/oauth2/revoke", &token, &fresh()).await.assert_status(200);
        let page = app.ask_at("/oauth2/introspect", &token, &fresh()).await;
        assert_eq!(page.json(), json!({ "active": false }));
        for jti in [json!(null), json!(""), json!(7)] {
            app.assert_refused("no jti", &app.assertion(&json!({ "jti": jti }))).await;
        }
        let long = app.assertion(&json!({ "jti": "x".repeat(600) }));
        app.assert_refused("a long jti", &long).await;
    }

    async fn forged_assertions_are_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let canary = TlsPeer::start();
        // A client is braked after fifty failures, which would hide what comes after them.
        let mut tried = 0;
        loop {
            let app = App::new(bed, "RS256", &json!({}));
            let genuine = app.assertion(&json!({}));
            let all = forgeries(&genuine, &app.key.jwk(), &canary.url(""));
            let part = all.iter().skip(tried).take(40);
            for (what, forged) in part {
                app.assert_refused(what, forged).await;
            }
            app.assert_accepted(&genuine).await;
            tried += 40;
            if tried >= all.len() {
                break;
            }
        }
        assert_eq!(canary.connections(), 0);
        bed.assert_log_is_clean();
    }

    async fn rightly_signed_assertions_with_hostile_headers_or_malformed_claims_are_refused(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let canary = TlsPeer::start();
        let app = App::new(bed, "RS256", &json!({}));
        for (what, members) in hostile_headers(&canary.url("")) {
            let mut header = json!({ "alg": "RS256", "kid": "k1" });
            header.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            let claims = assertion_claims(&app.id, app.issuer(), &json!({}));
            app.assert_refused(&what, &app.key.sign(&header, &claims.to_string())).await;
        }
        for claims in ["null", "[]", "7", "", "{", "{}", "\"x\""] {
            let token = app.key.sign(&json!({ "alg": "RS256", "kid": "k1" }), claims);
            app.assert_refused(claims, &token).await;
        }
        app.assert_accepted(&app.assertion(&json!({}))).await;
        let app = App::new(bed, "ES256", &json!({}));
        for (name, bad) in malformed_claims() {
            let mut claims = assertion_claims(&app.id, app.issuer(), &json!({ name: null })).to_string();
            if !bad.is_empty() {
                claims.truncate(claims.len() - 1);
                claims = format!("{claims},\"{name}\":{bad}}}");
            }
            if name != "iat" || !bad.is_empty() {
                let token = app.key.sign(&json!({ "alg": "ES256", "kid": "k1" }), &claims);
                app.assert_refused(&format!("{name} is {bad}"), &token).await;
            }
        }
        let twice = assertion_claims(&app.id, app.issuer(), &json!({})).to_string();
        let twice = format!("{},\"aud\":\"https://other.test\"}}", &twice[..twice.len() - 1]);
        let header = json!({ "alg": "ES256", "kid": "k1" });
        app.assert_refused("aud twice", &app.key.sign(&header, &twice)).await;
        app.assert_accepted(&app.assertion(&json!({}))).await;
        assert_eq!(canary.connections(), 0);
        bed.assert_log_is_clean();
    }

    async fn tokens_for_other_purposes_and_keys_of_other_clients_prove_nothing(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = App::new(bed, "RS256", &json!({}));
        let tokens = Tokens::of(&app.ask(&app.assertion(&json!({}))).await);
        app.assert_refused("an access token", &tokens.access).await;
        for typ in ["at+jwt", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt", "secevent+jwt", ""] {
            let claims = assertion_claims(&app.id, app.issuer(), &json!({})).to_string();
            let header = json!({ "alg": "RS256", "kid": "k1", "typ": typ });
            app.assert_refused(typ, &app.key.sign(&header, &claims)).await;
        }
        let other = App::new(bed, "RS256", &json!({}));
        let stolen = other.key.assertion(&app.id, app.issuer(), &json!({}));
        app.assert_refused("the key of another client", &stolen).await;
        app.assert_accepted(&app.assertion(&json!({}))).await;
    }

    async fn a_client_registered_for_something_else_cannot_use_an_assertion(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let app = App::new(bed, "ES256", &json!({ "token_endpoint_auth_signing_alg": "ES256" }));
        app.assert_accepted(&app.assertion(&json!({}))).await;
        let strict = App::new(bed, "RS256", &json!({ "token_endpoint_auth_signing_alg": "PS256" }));
        strict.assert_refused("RS256", &strict.assertion(&json!({}))).await;
        strict.assert_accepted(&strict.key.assertion_with("PS256", &strict.id, strict.issuer())).await;
        // A client with a secret, and a secret for a client without one.
        let daemon = bed.rp("daemon");
        let assertion = app.key.assertion("daemon", app.issuer(), &json!({}));
        app.assert_refused("daemon has a secret", &assertion).await;
        let secret = [GRANT, ("client_id", app.id.as_str()), ("client_secret", "x")];
        app.rp.bare().post("/oauth2/token", &secret).await.assert_oauth_error(401, "invalid_client");
        let url = app.rp.bare().resolve("/oauth2/token");
        let both = app.rp.bare().request(reqwest::Method::POST, &url);
        let both = both.basic_auth(&app.id, Some("x"));
        let both = both.form(&with_assertion(&[GRANT], &app.assertion(&json!({}))));
        app.rp.bare().send(both).await.assert_oauth_error(400, "invalid_request");
        Tokens::of(&daemon.token_request(&[GRANT]).await);
    }

    async fn client_secret_jwt_is_refused_with_a_reason(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let daemon = bed.rp("daemon");
        let secret = daemon.secret.clone().unwrap();
        let key = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        let claims = assertion_claims("daemon", &daemon.issuer, &json!({}));
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
        let fields = with_assertion(&[GRANT], &token);
        let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let page = daemon.bare().post("/oauth2/token", &fields).await;
        page.assert_oauth_error(401, "invalid_client");
        let app = App::new(bed, "ES256", &json!({}));
        let claims = assertion_claims(&app.id, app.issuer(), &json!({}));
        let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap();
        let page = app.ask(&token).await;
        page.assert_oauth_error(401, "invalid_client");
        let description = page.json()["error_description"].as_str().unwrap().to_owned();
        assert!(description.contains("private_key_jwt"), "{description}");
        let told = refusal(&bed.world, &json!({ "token_endpoint_auth_method": "client_secret_jwt" }));
        assert!(told.contains("use private_key_jwt"), "{told}");
        bed.assert_log_is_clean();
    }

    async fn keys_that_cannot_be_used_are_not_registered(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let canary = TlsPeer::start();
        let key = ClientKey::new("ES256", "k1");
        let mut private = key.jwk();
        private["d"] = json!("AAAA");
        let uri = |uri: String| json!({ "jwks_uri": uri });
        for (extra, told) in [
            (json!({}), "needs the app's public keys"),
            (json!({ "jwks": jwks(&[&key]), "jwks_uri": "https://rp.test/jwks" }), "together"),
            (json!({ "jwks": { "keys": [private] } }), "private"),
            (json!({ "jwks": { "keys": [] } }), "has no key"),
            (json!({ "jwks": [] }), "is not a JWK Set"),
            (uri(canary.url("/jwks")), "not on the public internet"),
            (uri(canary.url_by_address("/jwks")), "not on the public internet"),
            (uri("https://169.254.169.254/jwks".into()), "not on the public internet"),
            (uri("http://rp.test/jwks".into()), "must use https"),
            (uri("https://rp.test:25/jwks".into()), "port"),
        ] {
            let mut metadata = json!({ "token_endpoint_auth_method": "private_key_jwt" });
            metadata.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            let text = refusal(&bed.world, &metadata);
            assert!(text.contains(told), "{extra}: {text}");
        }
        assert_eq!(canary.connections(), 0);
    }
}
