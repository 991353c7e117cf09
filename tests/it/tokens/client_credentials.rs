//! A client acting for itself (RFC 6749 section 4.4).

use serde_json::json;

use crate::kit::fixtures::{Bed, Tokens, jose_header, payload};

const GRANT: (&str, &str) = ("grant_type", "client_credentials");

on_both_backends! {
    async fn a_service_gets_a_token_of_its_own_and_nothing_of_a_person(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("daemon");
        let tokens = Tokens::of(&rp.token_request(&[GRANT]).await);
        assert_eq!((&tokens.refresh, &tokens.id), (&None, &None));
        assert_eq!(tokens.json["scope"], "api:read api:write");
        assert_eq!(jose_header(&tokens.access)["typ"], "at+jwt");
        let claims = payload(&tokens.access);
        assert_eq!(claims["sub"], "daemon");
        assert_eq!(claims["client_id"], "daemon");
        assert_eq!(claims["iss"], json!(bed.world.issuer));
        for personal in ["auth_time", "acr", "amr", "sid", "groups"] {
            assert!(claims.get(personal).is_none(), "{claims}");
        }
        // It speaks for no person, so userinfo knows nobody.
        let page = rp.userinfo(&tokens.access).await;
        assert!(matches!(page.status.as_u16(), 401 | 403), "{}", page.describe());
        assert_eq!(rp.introspect(&tokens.access).await["active"], true);
    }

    async fn a_service_gets_only_its_own_scopes(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("daemon");
        let tokens = Tokens::of(&rp.token_request(&[GRANT, ("scope", "api:read")]).await);
        assert_eq!(tokens.json["scope"], "api:read");
        for scope in ["openid", "api:admin", "api:read offline_access", "\"", "\u{e9}"] {
            let page = rp.token_request(&[GRANT, ("scope", scope)]).await;
            page.assert_oauth_error(400, "invalid_scope");
        }
    }

    async fn one_token_of_a_service_is_revoked_alone(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("daemon");
        let first = Tokens::of(&rp.token_request(&[GRANT]).await);
        let second = Tokens::of(&rp.token_request(&[GRANT]).await);
        rp.revoke(&first.access).await.assert_status(200);
        assert_eq!(rp.introspect(&first.access).await, json!({ "active": false }));
        assert_eq!(rp.introspect(&second.access).await["active"], true);
    }
}
