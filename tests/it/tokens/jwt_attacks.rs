//! Forged, malformed and misused tokens at every place that reads one (security catalogue, part E):
//! access tokens at userinfo, introspection and revocation; ID tokens as hints at sign-in and
//! sign-out.

use std::io::ErrorKind;
use std::net::TcpListener;

use serde_json::{Value, json};

use crate::kit::checks::{assert_client_error, key_set};
use crate::kit::fixtures::{
    AFTER_LOGOUT, ALICE, BOB, Bed, Callback, Rp, Tokens, jose_header, payload,
};
use crate::kit::forge::{OwnKey, forgeries, malformed_claims};
use crate::support::backends::Backend;
use crate::support::browser_like::Browser;

/// An address nobody should ever fetch anything from.
struct Canary(TcpListener);

impl Canary {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("no waiting");
        Self(listener)
    }

    fn address(&self) -> String {
        format!("http://{}", self.0.local_addr().expect("an address"))
    }

    fn assert_quiet(&self) {
        let visit = self.0.accept();
        assert!(visit.is_err_and(|e| e.kind() == ErrorKind::WouldBlock), "somebody fetched keys");
    }
}

struct Scene {
    bed: &'static Bed,
    rp: Rp,
    browser: Browser,
    tokens: Tokens,
}

impl Scene {
    async fn set(backend: Backend) -> Self {
        let bed = Bed::shared(backend).await;
        let (rp, browser) = (bed.rp("conf-basic"), bed.world.browser());
        let tokens = rp.tokens(&browser, &ALICE, &[]).await;
        Self { bed, rp, browser, tokens }
    }

    fn id_token(&self) -> &str {
        self.tokens.id.as_deref().expect("an ID token")
    }

    /// Nobody takes this for an access token.
    async fn assert_no_access_token(&self, what: &str, token: &str) {
        let page = self.rp.userinfo(token).await;
        assert_eq!(page.status.as_u16(), 401, "{what}: {}", page.describe());
        let challenge = page.header("www-authenticate");
        assert!(challenge.contains("error=\"invalid_token\""), "{what}: {challenge}");
        assert_eq!(self.rp.introspect(token).await, json!({ "active": false }), "{what}");
        self.rp.revoke(token).await.assert_status(200);
    }

    /// Nobody takes this for an ID token of ours.
    async fn assert_no_hint(&self, what: &str, token: &str) {
        let changes = [("prompt", "none"), ("id_token_hint", token)];
        let page = self.rp.authorize(&self.browser, &changes).await;
        assert!(page.status.is_redirection(), "{what}: {}", page.describe());
        let error = Callback::of(&page).get("error").map(ToOwned::to_owned);
        let refused = matches!(error.as_deref(), Some("invalid_request" | "login_required"));
        assert!(refused, "{what}: {}", page.describe());
        let query =
            [("id_token_hint", token), ("post_logout_redirect_uri", AFTER_LOGOUT), ("state", "s")];
        let query = serde_urlencoded::to_string(query).unwrap();
        let page = self.browser.get(&format!("/oauth2/logout?{query}")).await;
        assert!(page.try_location().is_none(), "{what}: {}", page.describe());
        assert!(page.status.as_u16() == 400 || page.has_form("sign-out"), "{what}");
    }

    /// What the attacks were made from still works.
    async fn assert_unharmed(&self) {
        self.rp.userinfo(&self.tokens.access).await.assert_status(200);
        let hint = [("prompt", "none"), ("id_token_hint", self.id_token())];
        Callback::of(&self.rp.authorize(&self.browser, &hint).await).code();
        self.bed.assert_log_is_clean();
    }
}

on_both_backends! {
    async fn forged_tokens_are_refused_everywhere(backend: Backend) {
        let scene = Scene::set(backend).await;
        let canary = Canary::new();
        let keys = serde_json::to_value(key_set(&scene.rp).await).unwrap();
        let keys = keys["keys"].as_array().unwrap();
        let kid = &jose_header(&scene.tokens.access)["kid"];
        let jwk = keys.iter().find(|key| key["kid"] == *kid).unwrap();
        for (what, token) in forgeries(&scene.tokens.access, jwk, &canary.address()) {
            scene.assert_no_access_token(&what, &token).await;
        }
        for (what, token) in forgeries(scene.id_token(), jwk, &canary.address()) {
            scene.assert_no_hint(&what, &token).await;
        }
        canary.assert_quiet();
        scene.assert_unharmed().await;
    }

    async fn rightly_signed_tokens_with_malformed_claims_are_refused(backend: Backend) {
        let scene = Scene::set(backend).await;
        let key = Box::pin(OwnKey::of(scene.bed)).await;
        // The key is the real one: an unchanged token made with it is accepted.
        let same = key.with_claims(&scene.tokens.access, &payload(&scene.tokens.access).to_string());
        scene.rp.userinfo(&same).await.assert_status(200);
        for (name, bad) in malformed_claims() {
            let what = format!("{name} is {bad}");
            let token = key.with_claim(&scene.tokens.access, name, bad);
            scene.assert_no_access_token(&what, &token).await;
            // A hint is good for any age and needs no nbf.
            let token = key.with_claim(scene.id_token(), name, bad);
            scene.assert_no_hint(&what, &token).await;
        }
        for header in crate::kit::forge::hostile_headers("http://127.0.0.1:9") {
            let (what, members) = header;
            let mut full = jose_header(&scene.tokens.access);
            full.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            let token = key.sign(&full.to_string(), &payload(&scene.tokens.access).to_string());
            scene.assert_no_access_token(&what, &token).await;
        }
        for claims in ["null", "[]", "7", "", "{", "{}", "\"x\"", "{\"iss\":1,\"iss\":2}"] {
            let token = key.with_claims(&scene.tokens.access, claims);
            scene.assert_no_access_token(claims, &token).await;
            scene.assert_no_hint(claims, &key.with_claims(scene.id_token(), claims)).await;
        }
        scene.assert_unharmed().await;
    }

    async fn tokens_out_of_time_are_refused_and_old_hints_accepted(backend: Backend) {
        let scene = Scene::set(backend).await;
        let key = Box::pin(OwnKey::of(scene.bed)).await;
        let now = i64::try_from(jsonwebtoken::get_current_timestamp()).unwrap();
        let at = |offset: i64| (now + offset).to_string();
        for (name, when) in [
            ("exp", at(-31)), ("exp", at(-86_400)), ("exp", "0".into()), ("exp", "-1".into()),
            ("nbf", at(60)),
        ] {
            let token = key.with_claim(&scene.tokens.access, name, &when);
            scene.assert_no_access_token(&format!("{name} {when}"), &token).await;
        }
        // RP-Initiated Logout section 2: an expired ID token still says whose session it was.
        let old = key.with_claim(scene.id_token(), "exp", &at(-86_400));
        let hint = [("prompt", "none"), ("id_token_hint", old.as_str())];
        Callback::of(&scene.rp.authorize(&scene.browser, &hint).await).code();
        scene.assert_unharmed().await;
    }

    async fn a_token_is_good_for_one_purpose_only(backend: Backend) {
        let scene = Scene::set(backend).await;
        let key = Box::pin(OwnKey::of(scene.bed)).await;
        scene.assert_no_access_token("an ID token", scene.id_token()).await;
        scene.assert_no_access_token("a refresh token as access token", "x.y.z").await;
        scene.assert_no_hint("an access token", &scene.tokens.access).await;
        scene.assert_no_hint("a refresh token", scene.tokens.refresh()).await;
        // The same claims under another type, and another type's claims under this one.
        let kid = jose_header(&scene.tokens.access)["kid"].clone();
        let typed = |typ: Value| json!({ "alg": "RS256", "kid": kid, "typ": typ }).to_string();
        let access = payload(&scene.tokens.access).to_string();
        for typ in ["JWT", "jwt", "logout+jwt", "AT+JWTX", "secevent+jwt", "dpop+jwt", ""] {
            scene.assert_no_access_token(typ, &key.sign(&typed(json!(typ)), &access)).await;
        }
        let untyped = json!({ "alg": "RS256", "kid": kid }).to_string();
        scene.assert_no_access_token("no typ", &key.sign(&untyped, &access)).await;
        let id = payload(scene.id_token()).to_string();
        scene.assert_no_access_token("ID claims as at+jwt", &key.sign(&typed(json!("at+jwt")), &id)).await;
        for typ in ["at+jwt", "logout+jwt", "x"] {
            scene.assert_no_hint(typ, &key.sign(&typed(json!(typ)), &id)).await;
        }
        for (name, value) in [("iss", "\"https://op.test\""), ("iss", "\"\"")] {
            let token = key.with_claim(&scene.tokens.access, name, value);
            scene.assert_no_access_token("another issuer", &token).await;
            scene.assert_no_hint("another issuer", &key.with_claim(scene.id_token(), name, value)).await;
        }
        scene.assert_unharmed().await;
    }

    async fn the_hint_of_another_client_or_person_gives_nothing_away(backend: Backend) {
        let scene = Scene::set(backend).await;
        let bobs = scene.bed.world.browser();
        let bob = scene.rp.tokens(&bobs, &BOB, &[]).await;
        let changes = [("prompt", "none"), ("id_token_hint", bob.id.as_deref().unwrap())];
        let page = scene.rp.authorize(&scene.browser, &changes).await;
        assert_client_error(&page, &scene.rp, "login_required");
        // With a page allowed, the person is asked to sign in as the one who is expected.
        let page = scene.rp.authorize(&scene.browser, &changes[1..]).await;
        assert!(page.has_form("sign-in"), "{}", page.describe());
        scene.assert_unharmed().await;
    }
}
