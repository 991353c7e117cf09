//! Userinfo (security catalogue, row 45; OpenID Connect Core section 5.3, RFC 6750).

use reqwest::Method;
use serde_json::json;

use crate::kit::fixtures::{ALICE, ALL_SCOPES, Bed, Rp, Tokens, payload, unique};
use crate::kit::forge::OwnKey;
use crate::kit::grant::Clients;
use crate::support::browser_like::Page;

async fn ask(
    rp: &Rp,
    method: Method,
    shape: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
) -> Page {
    let url = rp.bare().resolve("/oauth2/userinfo");
    rp.bare().send(shape(rp.bare().request(method, &url))).await
}

#[track_caller]
fn assert_invalid_token(page: &Page) {
    page.assert_status(401).assert_header("cache-control", "no-store");
    let challenge = page.header("www-authenticate");
    assert!(challenge.starts_with("Bearer "), "{}", page.describe());
    assert!(challenge.contains("error=\"invalid_token\""), "{challenge}");
    assert!(page.json().get("sub").is_none());
}

on_both_backends! {
    async fn userinfo_without_a_token_is_a_bare_challenge(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        for (method, header) in [
            (Method::GET, None), (Method::POST, None), (Method::GET, Some("Basic Y29uZjp4")),
            (Method::GET, Some("Bearer")), (Method::GET, Some("")), (Method::GET, Some("DPoP")),
        ] {
            let page = ask(&rp, method, |request| match header {
                Some(header) => request.header("Authorization", header),
                None => request,
            }).await;
            page.assert_status(401);
            assert!(page.header("www-authenticate").starts_with("Bearer"), "{}", page.describe());
        }
    }

    async fn a_garbled_token_is_an_invalid_token(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
        let token = &tokens.access;
        let (head, signature) = token.rsplit_once('.').unwrap();
        for garbled in [
            "x".to_owned(), ".".into(), "..".into(), "...".into(), format!("{head}."), head.into(),
            format!("{head}.{}", &signature[..signature.len() - 4]), format!("{token}A"),
            format!("{token}.x"), token.replacen('.', "..", 1), "x".repeat(6000),
            tokens.id.clone().unwrap(), tokens.refresh().to_owned(), "null".into(),
            "%00".into(), "eyJhbGciOiJub25lIn0.e30.".into(),
        ] {
            assert_invalid_token(&rp.userinfo(&garbled).await);
        }
        rp.userinfo(token).await.assert_status(200);
        bed.assert_log_is_clean();
    }

    async fn the_token_comes_from_one_place_and_never_from_the_url(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let token = rp.tokens(&bed.world.browser(), &ALICE, &[]).await.access;
        let in_body = [("access_token", token.as_str())];
        let both = ask(&rp, Method::POST, |r| r.bearer_auth(&token).form(&in_body)).await;
        both.assert_status(400);
        assert_eq!(both.json()["error"], "invalid_request");
        for method in [Method::GET, Method::POST] {
            let page = ask(&rp, method, |r| r.query(&in_body)).await;
            assert!(matches!(page.status.as_u16(), 400 | 401), "{}", page.describe());
            assert!(page.json().get("sub").is_none());
        }
        let twice = [("access_token", token.as_str()), ("access_token", token.as_str())];
        ask(&rp, Method::POST, |r| r.form(&twice)).await.assert_status(400);
        let two = ask(&rp, Method::GET, |r| r.bearer_auth(&token).bearer_auth(&token)).await;
        two.assert_status(400);
        // A GET has no body to read it from, and JSON is no form.
        let get = ask(&rp, Method::GET, |r| r.form(&in_body)).await;
        get.assert_status(401);
        let json = ask(&rp, Method::POST, |r| r.json(&json!({ "access_token": token }))).await;
        json.assert_status(401);
        for scheme in ["bearer", "BEARER", "Bearer"] {
            let header = format!("{scheme} {token}");
            let page = ask(&rp, Method::GET, |r| r.header("Authorization", header)).await;
            page.assert_status(200);
        }
        bed.world.assert_log_is_clean(&[&token]);
    }

    async fn a_token_without_openid_is_not_enough(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[("scope", "email")]).await;
        assert_eq!(tokens.id, None, "an ID token nobody asked for");
        let page = rp.userinfo(&tokens.access).await;
        page.assert_status(403);
        assert!(page.header("www-authenticate").contains("insufficient_scope"));
    }

    /// It is a bearer token in the hands of that API.
    async fn a_token_for_another_api_is_refused(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let (api, id) = ("https://api.rp.test/a", unique("both"));
        let mut clients = Clients::default();
        let metadata = json!({ "audience": [api, bed.world.issuer], "scope": "openid email" });
        clients.register(&bed.world, &id, ("web", metadata));
        for (rp, resource, status) in [
            (bed.rp("with-audience"), "", 401), (bed.rp("rich"), api, 401), (bed.rp("rich"), "", 401),
            // An app that wants both names both, or takes one token for each.
            (clients.rp(&bed.world, &id), "", 200), (clients.rp(&bed.world, &id), api, 401),
            (clients.rp(&bed.world, &id), bed.world.issuer.as_str(), 200),
            (bed.rp("conf-basic"), "", 200),
        ] {
            let asked = [("scope", "openid email"), ("resource", resource)];
            let tokens = rp.tokens(&bed.world.browser(), &ALICE, &asked).await;
            let page = rp.userinfo(&tokens.access).await;
            if status == 401 {
                assert_invalid_token(&page);
            }
            page.assert_status(status);
            assert_eq!(rp.introspect(&tokens.access).await["active"], true);
        }
    }

    async fn a_revoked_token_is_refused_at_once(backend: Backend) {
        let bed = Bed::shared(backend).await;
        for id in ["conf-basic", "opaque"] {
            let rp = bed.rp(id);
            let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
            rp.userinfo(&tokens.access).await.assert_status(200);
            rp.revoke(&tokens.access).await.assert_status(200);
            assert_invalid_token(&rp.userinfo(&tokens.access).await);
        }
    }

    async fn a_person_without_a_profile_gets_no_empty_claims(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let changes = [("scope", ALL_SCOPES)];
        let tokens = rp.tokens(&bed.world.browser(), &crate::kit::fixtures::BOB, &changes).await;
        let claims = rp.userinfo(&tokens.access).await.json();
        crate::kit::checks::assert_no_empty_claims(&claims);
        assert_eq!(claims["email"], "bob@people.test");
        for absent in ["address", "phone_number", "phone_number_verified", "nickname"] {
            assert!(claims.get(absent).is_none(), "{claims}");
        }
    }

    async fn groups_go_to_userinfo_the_id_token_and_the_access_token(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("conf-basic");
        let changes = [("scope", "openid groups")];
        let tokens = rp.tokens(&bed.world.browser(), &ALICE, &changes).await;
        let groups = json!(["climbers", "staff"]);
        assert_eq!(rp.userinfo(&tokens.access).await.json()["groups"], groups);
        assert_eq!(tokens.id_claims()["groups"], groups);
        assert_eq!(crate::kit::fixtures::payload(&tokens.access)["groups"], groups);
    }

    /// Or a script could not tell that it has to refresh from that the network is down.
    async fn scripts_may_read_that_their_token_has_expired(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("spa");
        let fresh = rp.tokens(&bed.world.browser(), &ALICE, &[]).await.access;
        let past = (payload(&fresh)["iat"].as_i64().unwrap() - 7_200).to_string();
        let key = Box::pin(OwnKey::of(bed)).await;
        let expired = key.with_claim(&fresh, "exp", &past);
        for (origin, allowed) in [("https://spa.test", "https://spa.test"), ("https://evil.test", "")] {
            let page = ask(&rp, Method::GET, |r| r.bearer_auth(&expired).header("Origin", origin)).await;
            assert_invalid_token(&page);
            assert_eq!(page.header("access-control-allow-origin"), allowed, "{origin}");
        }
        // One that we never made tells nothing, whatever it says.
        let (head, _) = fresh.rsplit_once('.').unwrap();
        let page = ask(&rp, Method::GET, |r| {
            r.bearer_auth(format!("{head}.AAAA")).header("Origin", "https://spa.test")
        }).await;
        page.assert_status(401).assert_no_header("access-control-allow-origin");
    }

    async fn scripts_of_a_client_s_own_origin_may_read_answers_and_others_not(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = bed.rp("spa");
        let code = rp.code(&bed.world.browser(), &ALICE, &[]).await;
        let url = rp.bare().resolve("/oauth2/token");
        let fields = rp.redeem_fields(&code, &[("client_id", "spa")]);
        for (origin, allowed) in [
            ("https://evil.test", ""), ("null", ""), ("https://spa.test.evil.test", ""),
            ("https://spa.test", "https://spa.test"),
        ] {
            let wrong = [("client_id", "spa"), ("grant_type", "authorization_code"), ("code", "x")];
            let request = rp.bare().request(Method::POST, &url).header("Origin", origin);
            let page = rp.bare().send(request.form(&wrong)).await;
            page.assert_oauth_error(400, "invalid_grant");
            assert_eq!(page.header("access-control-allow-origin"), allowed, "{origin}");
            page.assert_no_header("access-control-allow-credentials");
        }
        let request = rp.bare().request(Method::POST, &url).header("Origin", "https://spa.test");
        let page = rp.bare().send(request.form(&fields)).await;
        page.assert_header("access-control-allow-origin", "https://spa.test");
        let token = Tokens::of(&page).access;
        for (origin, allowed) in [("https://spa.test", "https://spa.test"), ("https://x.test", "")] {
            let page = ask(&rp, Method::GET, |r| r.bearer_auth(&token).header("Origin", origin)).await;
            assert_eq!(page.header("access-control-allow-origin"), allowed, "{origin}");
        }
        // Pages with a person's cookies never allow it.
        let browser = bed.signed_in(&ALICE).await;
        for path in ["/account", "/login", "/oauth2/authorize", "/oauth2/logout", "/"] {
            let url = browser.resolve(path);
            let request = browser.request(Method::GET, &url).header("Origin", "https://spa.test");
            browser.send(request).await.assert_no_header("access-control-allow-origin");
        }
    }
}
