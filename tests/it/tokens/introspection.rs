//! Introspection (security catalogue, row 47; RFC 7662).

use reqwest::Method;
use serde_json::json;

use crate::kit::fixtures::{ALICE, Bed, Rp};

on_both_backends! {
    async fn nobody_introspects_without_authenticating(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let token = rp.tokens(&bed.world.browser(), &ALICE, &[]).await.access;
        let url = rp.bare().resolve("/oauth2/introspect");
        let fields = [("token", token.as_str())];
        let bare = rp.bare().request(Method::POST, &url).form(&fields);
        rp.bare().send(bare).await.assert_oauth_error(401, "invalid_client");
        let wrong = rp.bare().request(Method::POST, &url).form(&fields);
        let wrong = rp.bare().send(wrong.basic_auth("conf-basic", Some("wrong"))).await;
        wrong.assert_oauth_error(401, "invalid_client");
        assert!(wrong.header("www-authenticate").starts_with("Basic "));
        // A token is no authentication, and neither is being a public client.
        let bearer = rp.bare().request(Method::POST, &url).form(&fields).bearer_auth(&token);
        rp.bare().send(bearer).await.assert_oauth_error(401, "invalid_client");
        let public = [("token", token.as_str()), ("client_id", "spa")];
        let public = rp.bare().request(Method::POST, &url).form(&public);
        rp.bare().send(public).await.assert_oauth_error(401, "invalid_client");
        let get = rp.bare().get(&format!("/oauth2/introspect?token={token}")).await;
        assert!(matches!(get.status.as_u16(), 404 | 405), "{}", get.describe());
    }

    async fn a_token_is_described_to_its_client_and_its_audience_only(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let owner = bed.rp("with-audience");
        let scope = [("scope", "openid email")];
        let tokens = owner.tokens(&bed.world.browser(), &ALICE, &scope).await;
        let subject = tokens.id_claims()["sub"].clone();
        for asker in [&owner, &bed.rp("rs")] {
            let answer = asker.introspect(&tokens.access).await;
            assert_eq!(answer["active"], true, "{}", asker.id);
            assert_eq!(answer["sub"], subject);
            assert_eq!(answer["client_id"], "with-audience");
            assert_eq!(answer["scope"], "openid email");
            assert_eq!(answer["iss"], json!(bed.world.issuer));
            assert_eq!(answer["token_type"], "Bearer");
            assert!(answer["exp"].is_i64() && answer["iat"].is_i64(), "{answer}");
            for private in ["grant", "user_version", "client_version"] {
                assert!(answer.get(private).is_none(), "{answer}");
            }
        }
        for stranger in ["evil", "conf-basic", "daemon"] {
            let answer = bed.rp(stranger).introspect(&tokens.access).await;
            assert_eq!(answer, json!({ "active": false }), "{stranger}");
        }
        // A refresh token is nobody's business but its client's.
        assert_eq!(owner.introspect(tokens.refresh()).await["active"], true);
        assert_eq!(bed.rp("rs").introspect(tokens.refresh()).await, json!({ "active": false }));
    }

    async fn opaque_tokens_are_described_like_the_others(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("opaque");
        let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
        assert!(!tokens.access.contains('.'), "not opaque: {}", tokens.access);
        let answer = rp.introspect(&tokens.access).await;
        assert_eq!((&answer["active"], &answer["client_id"]), (&json!(true), &json!("opaque")));
        assert_eq!(bed.rp("evil").introspect(&tokens.access).await, json!({ "active": false }));
        rp.userinfo(&tokens.access).await.assert_status(200);
    }

    async fn anything_else_is_exactly_inactive(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp: Rp = bed.rp("conf-basic");
        let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
        let id = tokens.id.clone().unwrap();
        for text in [
            "x", ".", "..", "\0", "a.b.c", "null", "{}", id.as_str(), "eyJhbGciOiJub25lIn0.e30.",
            &"x".repeat(20_000), "'; select 1; --", "\u{1f6aa}",
        ] {
            assert_eq!(rp.introspect(text).await, json!({ "active": false }), "{text:.60}");
        }
        rp.revoke(tokens.refresh()).await.assert_status(200);
        for dead in [&tokens.access, tokens.refresh()] {
            assert_eq!(rp.introspect(dead).await, json!({ "active": false }));
        }
        let missing = rp.post("/oauth2/introspect", &[]).await;
        missing.assert_oauth_error(400, "invalid_request");
        let twice = [("token".to_owned(), "x".to_owned()), ("token".to_owned(), "y".to_owned())];
        rp.post("/oauth2/introspect", &twice).await.assert_oauth_error(400, "invalid_request");
        let hint = [("token", tokens.access.as_str()), ("token_type_hint", "refresh_token")];
        let hint = hint.map(|(name, value)| (name.to_owned(), value.to_owned()));
        rp.post("/oauth2/introspect", &hint).await.assert_status(200);
        bed.assert_log_is_clean();
    }
}
