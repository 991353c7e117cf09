//! Token exchange (RFC 8693): what an exchanged token can neither reach nor outlive.

use serde_json::{Value, json};

use crate::kit::answers::{Tokens, payload};
use crate::kit::fixtures::{ALICE, BOB, Bed, Rp, unique};
use crate::kit::flow::PATIENCE;
use crate::kit::forge::OwnKey;
use crate::kit::grant::{Clients, EXCHANGE_GRANT, Kit};
use crate::support::browser_like::Page;
use crate::support::process::wait_until_async;

const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
const A: &str = "https://api.rp.test/a";
const B: &str = "https://api.rp.test/b";

async fn exchange(rp: &Rp, (token, kind): (&str, &str), more: &[(&str, &str)]) -> Page {
    let fixed =
        [("grant_type", EXCHANGE_GRANT), ("subject_token", token), ("subject_token_type", kind)];
    rp.token_request(&[&fixed, more].concat()).await
}

fn claims(page: &Page) -> Value {
    payload(&Tokens::of(page).access)
}

/// An app that exchanges its own tokens, with these members of metadata.
fn app(bed: &Bed, more: &Value) -> Rp {
    let mut metadata = json!({ "consent": "skip", "scope": "openid email orders:read",
        "grant_types": ["authorization_code", "refresh_token", EXCHANGE_GRANT] });
    for (name, value) in more.as_object().unwrap() {
        metadata[name] = value.clone();
    }
    let mut clients = Clients::default();
    let id = unique("exchanger");
    clients.register(&bed.world, &id, ("web", metadata));
    clients.rp(&bed.world, &id)
}

/// A service behind an app, and one behind that.
struct Chain {
    front: Rp,
    middle: Rp,
    back: Rp,
}

impl Chain {
    fn new(bed: &Bed) -> Self {
        let mut clients = Clients::default();
        let front = json!({ "audience": ["middle", "front"], "consent": "skip", "scope": "openid orders:read" });
        clients.register(&bed.world, "front", ("web", front));
        for (id, audience) in [("middle", "back"), ("back", "far")] {
            let metadata = json!({ "grant_types": [EXCHANGE_GRANT, "client_credentials"],
                "audience": [audience], "scope": "orders:read" });
            clients.register(&bed.world, id, ("machine", metadata));
        }
        let rp = |id| clients.rp(&bed.world, id);
        Self { front: rp("front"), middle: rp("middle"), back: rp("back") }
    }

    /// A token that speaks for alice, asked for with this actor token, and one made from it.
    async fn made_with(&self, alice: &Tokens, actor: &str) -> [String; 2] {
        let acting = [("actor_token", actor), ("actor_token_type", ACCESS), ("audience", "back")];
        let first = Tokens::of(&exchange(&self.middle, (&alice.access, ACCESS), &acting).await);
        let second = Tokens::of(&exchange(&self.back, (&first.access, ACCESS), &[]).await);
        assert_eq!(self.back.introspect(&second.access).await["active"], true);
        [first.access, second.access]
    }

    /// Whether both are dead; what a command did is heard within a second.
    async fn assert_end(&self, [first, second]: &[String; 2]) {
        wait_until_async("the end of the tokens", PATIENCE, async || {
            let dead = json!({ "active": false });
            self.middle.introspect(first).await == dead
                && self.back.introspect(second).await == dead
        })
        .await;
    }
}

on_both_backends! {
    async fn resources_that_nobody_agreed_to_are_not_had_by_exchanging_one_s_own_token(
        backend: Backend
    ) {
        let bed = Bed::shared(backend).await;
        let rp = app(bed, &json!({ "audience": [A, B] }));
        let browser = bed.signed_in(&ALICE).await;
        let one = rp.tokens(&browser, &ALICE, &[("resource", A)]).await;
        for own in [(one.access.as_str(), ACCESS), (one.id.as_deref().unwrap(), ID)] {
            for more in [("resource", B), ("audience", B)] {
                exchange(&rp, own, &[more]).await.assert_oauth_error(400, "invalid_target");
            }
            assert_eq!(claims(&exchange(&rp, own, &[]).await)["aud"], A);
        }
        // What was agreed on for both may be had for either, and what came of it for no more.
        let both = rp.tokens(&browser, &ALICE, &[]).await;
        for own in [(both.access.as_str(), ACCESS), (both.id.as_deref().unwrap(), ID)] {
            let narrow = Tokens::of(&exchange(&rp, own, &[("resource", B)]).await);
            assert_eq!(payload(&narrow.access)["aud"], B);
            let wider = exchange(&rp, (&narrow.access, ACCESS), &[("resource", A)]).await;
            wider.assert_oauth_error(400, "invalid_target");
        }
    }

    async fn whatever_ends_the_actor_s_token_ends_what_was_asked_for_with_it(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let chain = Chain::new(&bed);
        let scope = [("scope", "openid orders:read")];
        let alice = chain.front.tokens(&bed.signed_in(&ALICE).await, &ALICE, &scope).await;
        // The token of the one who acts is revoked, alone.
        let browser = bed.signed_in(&BOB).await;
        let bob = chain.front.tokens(&browser, &BOB, &scope).await;
        let made = chain.made_with(&alice, &bob.access).await;
        let told = payload(&made[0]);
        assert_eq!(told["act"], json!({ "sub": payload(&bob.access)["sub"] }));
        let known = chain.middle.introspect(&made[0]).await;
        assert!(known.get("actors").is_none(), "{known}");
        chain.front.revoke(bob.refresh()).await.assert_status(200);
        chain.assert_end(&made).await;
        // They sign out.
        let bob = chain.front.tokens(&browser, &BOB, &scope).await;
        let made = chain.made_with(&alice, &bob.access).await;
        let page = browser.get("/logout").await;
        page.form("sign-out").press("decision", "logout").submit().await;
        chain.assert_end(&made).await;
        // Their account is disabled.
        let bob = chain.front.tokens(&bed.signed_in(&BOB).await, &BOB, &scope).await;
        let made = chain.made_with(&alice, &bob.access).await;
        bed.world.cli(&["user", "disable", "bob"]);
        chain.assert_end(&made).await;
        // A service acts, and its token ends.
        let service = [("grant_type", "client_credentials")];
        let own = Tokens::of(&chain.middle.token_request(&service).await);
        let made = chain.made_with(&alice, &own.access).await;
        chain.middle.revoke(&own.access).await.assert_status(200);
        chain.assert_end(&made).await;
        // None of it ended the token it was all exchanged from.
        chain.front.userinfo(&alice.access).await.assert_status(200);
        bed.assert_log_is_clean();
    }

    async fn claims_by_name_stay_with_the_app_they_were_asked_for(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let (shop, gateway) = (kit.rp("shop"), kit.rp("gateway"));
        let wanted = json!({ "userinfo": { "name": null } }).to_string();
        let asked = [("scope", "openid orders:read"), ("claims", wanted.as_str())];
        let alice = shop.tokens(&kit.bed.signed_in(&ALICE).await, &ALICE, &asked).await;
        assert_eq!(shop.userinfo(&alice.access).await.json()["name"], ALICE.name);
        let own = [("audience", "gateway")];
        let exchanged = Tokens::of(&exchange(&gateway, (&alice.access, ACCESS), &own).await);
        let page = gateway.userinfo(&exchanged.access).await;
        page.assert_status(200);
        assert!(page.json().get("name").is_none(), "{}", page.json());
    }

    async fn a_client_of_opaque_tokens_gets_no_other_kind(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = app(bed, &json!({ "access_token_format": "opaque" }));
        let own = rp.tokens(&bed.signed_in(&ALICE).await, &ALICE, &[]).await;
        let subject = (own.access.as_str(), ACCESS);
        let jwt = exchange(&rp, subject, &[("requested_token_type", JWT)]).await;
        jwt.assert_oauth_error(400, "invalid_request");
        for more in [&[][..], &[("requested_token_type", ACCESS)]] {
            let page = exchange(&rp, subject, more).await;
            let token = Tokens::of(&page).access;
            assert_eq!(page.json()["issued_token_type"], ACCESS);
            assert!(!token.contains('.'), "a token that says everything itself");
            assert_eq!(rp.introspect(&token).await["active"], true);
        }
    }

    async fn an_id_token_that_has_just_expired_is_worth_nothing(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let rp = app(bed, &json!({ "audience": [A] }));
        let own = rp.tokens(&bed.signed_in(&ALICE).await, &ALICE, &[]).await;
        let id_token = own.id.as_deref().unwrap();
        let key = Box::pin(OwnKey::of(bed)).await;
        let now = jsonwebtoken::get_current_timestamp();
        // Within what clocks may differ by, where a token is only read.
        let late = key.with_claim(id_token, "exp", &(now - 5).to_string());
        exchange(&rp, (&late, ID), &[]).await.assert_oauth_error(400, "invalid_request");
        let soon = key.with_claim(id_token, "exp", &(now + 60).to_string());
        assert_eq!(claims(&exchange(&rp, (&soon, ID), &[]).await)["exp"], now + 60);
    }
}
