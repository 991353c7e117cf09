//! The modules of the certification plan `oidcc-basic-certification-test-plan` that vary one parameter
//! of a sign-in, or how userinfo is asked, each as a test of the same name.

use jsonwebtoken::Algorithm;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::kit::checks::{assert_id_token, assert_no_empty_claims};
use crate::kit::fixtures::{ALICE, Bed, Tokens};
use crate::support::backends::Backend;

const PROFILE: [&str; 14] = [
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
];
const EMAIL: [&str; 2] = ["email", "email_verified"];
const PHONE: [&str; 2] = ["phone_number", "phone_number_verified"];
const ADDRESS: [&str; 1] = ["address"];

#[track_caller]
fn assert_types(claims: &Value) {
    assert_no_empty_claims(claims);
    for (name, value) in claims.as_object().unwrap() {
        let right = match name.as_str() {
            "updated_at" => value.is_i64(),
            "email_verified" | "phone_number_verified" => value.is_boolean(),
            "address" => value.is_object(),
            _ => value.is_string(),
        };
        assert!(right, "claim `{name}` is {value}");
    }
}

/// Signs in for the scope and finds these claims at userinfo, every one and no other.
async fn scope_gives(backend: Backend, scope: &str, wanted: &[&str]) {
    let bed = Bed::shared(backend).await;
    let rp = bed.rp("conf-basic");
    let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[("scope", scope)]).await;
    assert_id_token(&rp, tokens.id.as_deref().unwrap(), Algorithm::RS256).await;
    let claims = rp.userinfo(&tokens.access).await.json();
    assert_types(&claims);
    let mut found: Vec<_> = claims.as_object().unwrap().keys().map(String::as_str).collect();
    let mut wanted: Vec<_> = wanted.iter().copied().chain(["sub"]).collect();
    found.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(found, wanted, "{scope}");
}

/// Signs in with the parameter added, which changes nothing.
async fn parameter_is_harmless(backend: Backend, parameter: (&str, &str)) {
    let bed = Bed::shared(backend).await;
    let tokens = bed.rp("conf-basic").tokens(&bed.world.browser(), &ALICE, &[parameter]).await;
    let claims = tokens.id_claims();
    assert_eq!(claims["acr"], "aal1");
    assert!(claims.get("name").is_none());
}

/// Asks userinfo in this way and finds the person of the ID token.
async fn userinfo_answers(
    backend: Backend,
    method: Method,
    way: impl FnOnce(RequestBuilder, &Tokens) -> RequestBuilder,
) {
    let bed = Bed::shared(backend).await;
    let rp = bed.rp("conf-basic");
    let tokens = rp.tokens(&bed.world.browser(), &ALICE, &[]).await;
    let request = rp.bare().request(method, &rp.bare().resolve("/oauth2/userinfo"));
    let page = rp.bare().send(way(request, &tokens)).await;
    page.assert_status(200).assert_header("cache-control", "no-store");
    assert!(page.header("content-type").starts_with("application/json"));
    assert_eq!(page.json()["sub"], tokens.id_claims()["sub"]);
}

on_both_backends! {
    async fn oidcc_userinfo_get(backend: Backend) {
        userinfo_answers(backend, Method::GET, |ask, tokens| ask.bearer_auth(&tokens.access)).await;
    }

    async fn oidcc_userinfo_post_header(backend: Backend) {
        userinfo_answers(backend, Method::POST, |ask, tokens| ask.bearer_auth(&tokens.access)).await;
    }

    async fn oidcc_userinfo_post_body(backend: Backend) {
        userinfo_answers(backend, Method::POST, |ask, tokens| {
            ask.form(&[("access_token", tokens.access.as_str())])
        })
        .await;
    }

    async fn oidcc_scope_profile(backend: Backend) {
        scope_gives(backend, "openid profile", &PROFILE).await;
    }

    async fn oidcc_scope_email(backend: Backend) {
        scope_gives(backend, "openid email", &EMAIL).await;
    }

    async fn oidcc_scope_address(backend: Backend) {
        scope_gives(backend, "openid address", &ADDRESS).await;
    }

    async fn oidcc_scope_phone(backend: Backend) {
        scope_gives(backend, "openid phone", &PHONE).await;
    }

    async fn oidcc_scope_all(backend: Backend) {
        let all = [&PROFILE[..], &EMAIL, &PHONE, &ADDRESS].concat();
        scope_gives(backend, "openid profile email address phone", &all).await;
    }

    async fn oidcc_display_page(backend: Backend) {
        parameter_is_harmless(backend, ("display", "page")).await;
    }

    async fn oidcc_display_popup(backend: Backend) {
        parameter_is_harmless(backend, ("display", "popup")).await;
    }

    async fn oidcc_ensure_request_with_unknown_parameter_succeeds(backend: Backend) {
        parameter_is_harmless(backend, ("extra", "foobar")).await;
    }

    async fn oidcc_login_hint(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let hint = [("login_hint", "bob@people.test")];
        let page = bed.rp("conf-basic").authorize(&bed.world.browser(), &hint).await;
        assert_eq!(page.form("sign-in").value("username"), Some("bob@people.test"));
        parameter_is_harmless(backend, ("login_hint", "buffy@host")).await;
    }

    async fn oidcc_ui_locales(backend: Backend) {
        parameter_is_harmless(backend, ("ui_locales", "se")).await;
    }

    async fn oidcc_claims_locales(backend: Backend) {
        parameter_is_harmless(backend, ("claims_locales", "se")).await;
    }
}
