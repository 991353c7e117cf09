//! The modules of `oidcc-dynamic-certification-test-plan` whose client registers itself over the
//! network and proves who it is with a key of its own. Those about registration itself are in
//! `conformance_registration`.

use jsonwebtoken::Algorithm;
use serde_json::{Value, json};

use crate::kit::checks::{assert_error_page, assert_id_token, assert_success, key_set};
use crate::kit::client_signer::{ClientKey, jwks, now, with_assertion};
use crate::kit::fixtures::{ALICE, Bed, CHALLENGE, Callback, NONCE, STATE, Tokens, unique, walk};
use crate::kit::flow::PATIENCE;
use crate::kit::registration::{CALLBACK, Registered, open_bed, open_world};
use crate::support::browser_like::{Browser, Page};
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer, TlsPeer};
use crate::tokens::encrypted::verified;

/// A client that has registered itself with its key.
struct Dynamic {
    app: Registered,
    key: ClientKey,
}

impl Dynamic {
    /// Registers one with these members beside the usual.
    async fn new(bed: &Bed, more: &Value) -> Self {
        let key = ClientKey::new("RS256", "k1");
        let mut asked = json!({
            "token_endpoint_auth_method": "private_key_jwt", "contacts": ["ops@rp.test"],
            "scope": "openid email offline_access", "jwks": jwks(&[&key]),
        });
        for (name, value) in more.as_object().expect("members") {
            asked[name] = value.clone();
        }
        let app = Registered::new(&bed.world, asked).await;
        assert_eq!(app.json.get("client_secret"), None);
        Self { app, key }
    }

    /// A form to the token endpoint with an assertion of this key for the audience that the suite
    /// names unless a module is about it: the token endpoint.
    async fn post_with(&self, fields: &[(String, String)], key: &ClientKey) -> Page {
        let rp = &self.app.rp;
        let audience = format!("{}/oauth2/token", rp.issuer);
        let assertion = key.assertion(&rp.id, &audience, &json!({}));
        let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        rp.post("/oauth2/token", &with_assertion(&fields, &assertion)).await
    }

    async fn redeem(&self, code: &str) -> Tokens {
        Tokens::of(&self.post_with(&self.app.rp.redeem_fields(code, &[]), &self.key).await)
    }

    async fn tokens(&self, browser: &Browser, changes: &[(&str, &str)]) -> Tokens {
        let code = self.app.rp.code(browser, &ALICE, changes).await;
        self.redeem(&code).await
    }

    async fn refresh(&self, token: &str, key: &ClientKey) -> Page {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        self.post_with(&fields, key).await
    }

    /// A request object for this client, with these claims changed.
    fn object(&self, changes: &Value) -> String {
        let rp = &self.app.rp;
        let mut claims = json!({
            "iss": rp.id, "aud": rp.issuer, "iat": now(), "exp": now() + 300, "client_id": rp.id,
            "response_type": "code", "redirect_uri": rp.redirect_uri, "scope": "openid",
            "state": STATE, "nonce": NONCE, "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        });
        for (name, value) in changes.as_object().expect("changes") {
            claims[name] = value.clone();
        }
        self.key.jwt(&claims)
    }

    async fn ask(&self, browser: &Browser, fields: &[(&str, &str)]) -> Page {
        let rp = &self.app.rp;
        let all = [&[("client_id", rp.id.as_str())], fields].concat();
        let query = serde_urlencoded::to_string(all).expect("a query");
        let page = browser.get(&format!("{}/oauth2/authorize?{query}", rp.issuer)).await;
        walk(page, &ALICE).await
    }
}

const OFFLINE: [(&str, &str); 2] = [("scope", "openid offline_access"), ("prompt", "consent")];

on_both_backends! {
    async fn oidcc_dynamic_server(backend: Backend) {
        let bed = open_bed(backend).await;
        let client = Dynamic::new(bed, &json!({})).await;
        let callback = client.app.rp.ask(&bed.world.browser(), &ALICE, &[]).await;
        let tokens = client.redeem(&assert_success(&callback, &client.app.rp, STATE)).await;
        let id_token = tokens.id.as_deref().unwrap();
        let claims = assert_id_token(&client.app.rp, id_token, Algorithm::RS256).await;
        assert_eq!((&claims["nonce"], &claims["aud"]), (&json!(NONCE), &json!(client.app.rp.id)));
        client.app.rp.userinfo(&tokens.access).await.assert_status(200);
        // The suite tidies up behind itself.
        client.app.manage(reqwest::Method::DELETE, None).await.assert_status(204);
        assert_error_page(&client.app.rp.authorize(&bed.world.browser(), &[]).await);
    }

    async fn oidcc_idtoken_rs256(backend: Backend) {
        let bed = open_bed(backend).await;
        let named = json!({ "id_token_signed_response_alg": "RS256" });
        for metadata in [named, json!({})] {
            let client = Dynamic::new(bed, &metadata).await;
            let tokens = client.tokens(&bed.world.browser(), &[]).await;
            assert_id_token(&client.app.rp, tokens.id.as_deref().unwrap(), Algorithm::RS256).await;
        }
    }

    async fn oidcc_userinfo_rs256(backend: Backend) {
        let bed = open_bed(backend).await;
        let client = Dynamic::new(bed, &json!({ "userinfo_signed_response_alg": "RS256" })).await;
        let tokens = client.tokens(&bed.world.browser(), &[]).await;
        let page = client.app.rp.userinfo(&tokens.access).await;
        page.assert_status(200).assert_header("content-type", "application/jwt");
        let claims = verified(&bed.world, &page.body, Algorithm::RS256).await;
        assert_eq!(claims["iss"], bed.world.issuer.as_str());
        assert_eq!(claims["aud"], client.app.rp.id.as_str());
        assert_eq!(claims["sub"], tokens.id_claims()["sub"]);
        assert!(claims.get("nonce").is_none(), "{claims}");
    }

    async fn oidcc_registration_jwks_uri(backend: Backend) {
        let (bed, peer) = (open_bed(backend).await, TlsPeer::shared());
        let (key, path) = (ClientKey::new("RS256", "k1"), format!("/{}", unique("dynamic-keys")));
        peer.serve(&path, Answer::json(&jwks(&[&key])));
        let uri = json!({ "jwks": null, "jwks_uri": peer.url(&path) });
        let client = Dynamic { key, ..Dynamic::new(bed, &uri).await };
        let tokens = client.tokens(&bed.world.browser(), &[]).await;
        client.app.rp.userinfo(&tokens.access).await.assert_status(200);
        assert!(peer.hits(&path) >= 1);
        let stranger = ClientKey::new("RS256", "k1");
        let page = client.refresh(tokens.refresh(), &stranger).await;
        page.assert_oauth_error(401, "invalid_client");
    }

    async fn oidcc_server_rotate_keys(backend: Backend) {
        let bed = Bed::new(open_world(backend).start().await, &[]).await;
        let client = Dynamic::new(&bed, &json!({})).await;
        let signing = async || {
            let keys = key_set(&client.app.rp).await.keys.into_iter();
            keys.filter_map(|key| key.common.key_id).collect::<Vec<_>>()
        };
        let old = client.tokens(&bed.world.browser(), &[]).await;
        let before = signing().await;
        bed.world.cli(&["key", "rotate"]);
        wait_until_async("a new signing key", PATIENCE, async || {
            signing().await.iter().any(|kid| !before.contains(kid))
        })
        .await;
        assert!(signing().await.iter().any(|kid| before.contains(kid)), "no old key is left");
        // What was signed before is good, and what is signed now verifies, too.
        assert_id_token(&client.app.rp, old.id.as_deref().unwrap(), Algorithm::RS256).await;
        let new = client.tokens(&bed.world.browser(), &[]).await;
        assert_id_token(&client.app.rp, new.id.as_deref().unwrap(), Algorithm::RS256).await;
        client.app.rp.userinfo(&old.access).await.assert_status(200);
    }

    async fn oidcc_refresh_token_rp_key_rotation(backend: Backend) {
        let world = open_world(backend).env("DOORWARD_OUTBOUND__JWKS_MIN_INTERVAL", "1");
        let (bed, peer) = (Bed::new(world.start().await, &[]).await, TlsPeer::shared());
        let path = format!("/{}", unique("rotated-keys"));
        let (old, new) = (ClientKey::new("RS256", "old"), ClientKey::new("RS256", "new"));
        peer.serve(&path, Answer::json(&jwks(&[&old])));
        let uri = json!({ "jwks": null, "jwks_uri": peer.url(&path) });
        let client = Dynamic { key: old, ..Dynamic::new(&bed, &uri).await };
        let tokens = client.tokens(&bed.world.browser(), &OFFLINE).await;
        peer.serve(&path, Answer::json(&jwks(&[&new])));
        tokio::time::sleep(std::time::Duration::from_millis(2100)).await;
        let tokens = Tokens::of(&client.refresh(tokens.refresh(), &new).await);
        client.app.rp.userinfo(&tokens.access).await.assert_status(200);
        let page = client.refresh(tokens.refresh(), &client.key).await;
        page.assert_oauth_error(401, "invalid_client");
    }

    async fn oidcc_request_uri_signed_rs256(backend: Backend) {
        let (bed, peer) = (open_bed(backend).await, TlsPeer::shared());
        let kind = "application/oauth-authz-req+jwt";
        let path = format!("/{}", unique("dynamic-request"));
        // The suite's fragment is a hash, but not of what will be served there.
        let uri = format!("{}#ct2xrzG0IZBkOmp8dS_VnOWpMEPx2vE8-GdqPLTGyzE", peer.url(&path));
        let metadata = json!({ "request_uris": [uri], "request_object_signing_alg": "RS256" });
        let client = Dynamic::new(bed, &metadata).await;
        assert_eq!(client.app.json["request_uris"], json!([uri]));
        peer.serve(&path, Answer::new(200, kind, client.object(&json!({}))));
        // state and nonce exist only inside; the rest is outside, too.
        let page = client.ask(&bed.world.browser(), &[
            ("request_uri", uri.as_str()), ("response_type", "code"), ("scope", "openid"),
            ("redirect_uri", CALLBACK),
        ]).await;
        let code = assert_success(&Callback::of(&page), &client.app.rp, STATE);
        assert_eq!(client.redeem(&code).await.id_claims()["nonce"], NONCE);
        assert!(peer.requests(&path)[0].header("accept").unwrap().starts_with(kind));
    }

    async fn oidcc_dynamic_ensure_request_object_with_redirect_uri(backend: Backend) {
        let bed = open_bed(backend).await;
        let other = "https://rp.test/other";
        let uris = json!({ "redirect_uris": [CALLBACK, other] });
        let client = Dynamic::new(bed, &uris).await;
        let browser = bed.world.browser();
        for (inside, works) in [(other, true), ("https://evil.test/cb", false)] {
            let object = client.object(&json!({ "redirect_uri": inside }));
            let outside = [
                ("request", object.as_str()), ("response_type", "code"), ("scope", "openid"),
                ("redirect_uri", CALLBACK),
            ];
            let page = client.ask(&browser, &outside).await;
            if works {
                assert_eq!(Callback::of(&page).target, inside, "what is inside counts");
            } else {
                assert_error_page(&page);
            }
        }
    }

    async fn oidcc_dynamic_refresh_token(backend: Backend) {
        let bed = open_bed(backend).await;
        let (first, second) =
            (Dynamic::new(bed, &json!({})).await, Dynamic::new(bed, &json!({})).await);
        let tokens = first.tokens(&bed.world.browser(), &OFFLINE).await;
        let other = second.tokens(&bed.world.browser(), &OFFLINE).await;
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
        for (client, before) in [(&first, &tokens), (&second, &other)] {
            let after = Tokens::of(&client.refresh(before.refresh(), &client.key).await);
            let (old, new) = (before.id_claims(), after.id_claims());
            for same in ["iss", "sub", "aud", "auth_time"] {
                assert_eq!(old[same], new[same], "{same}");
            }
            assert_ne!(old["iat"], new["iat"]);
            assert_ne!(before.access, after.access);
            client.app.rp.userinfo(&after.access).await.assert_status(200);
            let stranger = if client.app.rp.id == first.app.rp.id { &second } else { &first };
            let page = stranger.refresh(after.refresh(), &stranger.key).await;
            page.assert_oauth_error(400, "invalid_grant");
        }
    }

    async fn oidcc_ensure_client_assertion_with_iss_aud_succeeds(backend: Backend) {
        let bed = open_bed(backend).await;
        let client = Dynamic::new(bed, &json!({})).await;
        let rp = &client.app.rp;
        let code = rp.code(&bed.world.browser(), &ALICE, &[]).await;
        let assertion = client.key.assertion(&rp.id, &rp.issuer, &json!({}));
        let fields = rp.redeem_fields(&code, &[]);
        let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        Tokens::of(&rp.post("/oauth2/token", &with_assertion(&fields, &assertion)).await);
    }
}
