//! Token exchange (RFC 8693): who may, for what, until when, and what ends it.

use serde_json::{Value, json};

use crate::kit::answers::{Tokens, jose_header, payload};
use crate::kit::audit::logged;
use crate::kit::checks::{assert_access_token_dead, key_set};
use crate::kit::fixtures::{ALICE, BOB, Bed, Rp};
use crate::kit::flow::PATIENCE;
use crate::kit::forge::{OwnKey, forgeries, malformed_claims};
use crate::kit::grant::{Clients, EXCHANGE_GRANT, Kit, enable_again};
use crate::support::backends::Backend;
use crate::support::browser_like::Page;
use crate::support::process::wait_until_async;
use crate::support::world::World;

const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const ID: &str = "urn:ietf:params:oauth:token-type:id_token";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Exchanges an access token, with further parameters.
async fn exchange(rp: &Rp, token: &str, more: &[(&str, &str)]) -> Page {
    exchange_as(rp, (token, ACCESS), more).await
}

async fn exchange_as(rp: &Rp, (token, kind): (&str, &str), more: &[(&str, &str)]) -> Page {
    let fixed =
        [("grant_type", EXCHANGE_GRANT), ("subject_token", token), ("subject_token_type", kind)];
    rp.token_request(&[&fixed, more].concat()).await
}

/// What a person's app got, for the gateway.
async fn of_alice(kit: &Kit, scope: &str) -> Tokens {
    let shop = kit.rp("shop");
    shop.tokens(&kit.bed.signed_in(&ALICE).await, &ALICE, &[("scope", scope)]).await
}

/// A token a service got for itself.
async fn of_service(rp: &Rp) -> Tokens {
    Tokens::of(&rp.token_request(&[("grant_type", "client_credentials")]).await)
}

fn issued(page: &Page) -> (String, Value) {
    let tokens = Tokens::of(page);
    assert_eq!((&tokens.refresh, &tokens.id), (&None, &None), "{}", tokens.json);
    let claims = payload(&tokens.access);
    (tokens.access, claims)
}

on_both_backends! {
    async fn a_service_gets_a_token_for_the_service_behind_it(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let alice = of_alice(kit, "openid orders:read orders:write groups").await;
        let page = exchange(&kit.rp("gateway"), &alice.access, &[("resource", "https://orders.test")]).await;
        assert_eq!(page.json()["issued_token_type"], ACCESS);
        assert_eq!(page.json()["scope"], "openid orders:read", "what both may have");
        let (token, claims) = issued(&page);
        let before = payload(&alice.access);
        assert_eq!(jose_header(&token)["typ"], "at+jwt");
        assert_eq!(claims["aud"], "https://orders.test");
        assert_eq!(claims["client_id"], "gateway");
        assert_eq!(claims["act"], json!({ "sub": "gateway" }));
        for same in ["sub", "iss", "auth_time", "acr", "amr"] {
            assert_eq!(claims[same], before[same], "{same}");
        }
        assert_ne!(claims["jti"], before["jti"]);
        assert!(claims["exp"].as_i64() <= before["exp"].as_i64());
        assert!(claims.get("groups").is_none(), "not one of the gateway's scopes");
        // It is in the hands of the orders service, which learns nothing more about alice with it.
        kit.rp("gateway").userinfo(&token).await.assert_oauth_error(401, "invalid_token");
        let told = kit.rp("gateway").introspect(&token).await;
        assert_eq!((&told["active"], &told["act"]), (&json!(true), &claims["act"]));
        assert!(told.get("origins").is_none() && told.get("grant").is_none(), "{told}");
        kit.bed.assert_log_is_clean();
    }

    async fn audience_scope_and_lifetime_only_narrow(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let gateway = kit.rp("gateway");
        let alice = of_alice(kit, "openid orders:read orders:write").await;
        let ask = async |more: &[(&str, &str)]| exchange(&gateway, &alice.access, more).await;
        let both = [("audience", "orders"), ("resource", "https://stock.test")];
        assert_eq!(issued(&ask(&both).await).1["aud"], json!(["https://stock.test", "orders"]));
        let narrow = ask(&[("scope", "orders:read")]).await;
        assert_eq!(narrow.json()["scope"], "orders:read");
        for target in ["https://evil.test", "https://orders.test/", "shop", "orders.test"] {
            ask(&[("audience", target)]).await.assert_oauth_error(400, "invalid_target");
        }
        ask(&[("resource", "orders")]).await.assert_oauth_error(400, "invalid_target");
        ask(&[("audience", "orders"), ("audience", "shop")]).await.assert_oauth_error(400, "invalid_target");
        for scope in ["orders:write", "gateway:run", "profile", "openid orders:read x", "offline_access"] {
            ask(&[("scope", scope)]).await.assert_oauth_error(400, "invalid_scope");
        }
        // Nothing in common is nothing at all.
        let profile = of_alice(kit, "profile").await;
        exchange(&gateway, &profile.access, &[]).await.assert_oauth_error(400, "invalid_scope");
        // The token of a service with a short life does not get a longer one.
        let short = of_service(&kit.rp("sleeper")).await;
        let (_, claims) = issued(&exchange(&gateway, &short.access, &[]).await);
        assert_eq!(claims["exp"], payload(&short.access)["exp"]);
        assert_eq!((&claims["sub"], &claims["act"]), (&json!("sleeper"), &json!({ "sub": "gateway" })));
        assert!(claims.get("auth_time").is_none());
    }

    async fn actors_are_chained_and_the_chain_has_an_end(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let alice = of_alice(kit, "openid orders:read").await;
        let (gateway, orders, stock) = (kit.rp("gateway"), kit.rp("orders"), kit.rp("stock"));
        let first = issued(&exchange(&gateway, &alice.access, &[("audience", "orders")]).await).0;
        let (second, claims) = issued(&exchange(&orders, &first, &[("audience", "stock")]).await);
        assert_eq!(claims["act"], json!({ "sub": "orders", "act": { "sub": "gateway" } }));
        assert_eq!(claims["sub"], payload(&alice.access)["sub"]);
        let (mut token, _) = issued(&exchange(&stock, &second, &[]).await);
        token = issued(&exchange(&stock, &token, &[]).await).0;
        exchange(&stock, &token, &[]).await.assert_oauth_error(400, "invalid_request");
    }

    async fn an_actor_token_says_who_acts(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let alice = of_alice(kit, "openid orders:read").await;
        let gateway = kit.rp("gateway");
        let sleeper = of_service(&kit.rp("sleeper")).await;
        let actor = [("actor_token", sleeper.access.as_str()), ("actor_token_type", ACCESS)];
        let (token, claims) = issued(&exchange(&gateway, &alice.access, &actor).await);
        assert_eq!(claims["act"], json!({ "sub": "sleeper" }));
        assert_eq!(claims["exp"], payload(&sleeper.access)["exp"], "no longer than the actor's");
        // Neither somebody else's token, nor one for which others act, nor rubbish.
        let foreign = of_service(&kit.rp("stock")).await.access;
        for bad in [foreign.as_str(), token.as_str(), "x", "a.b.c"] {
            let actor = [("actor_token", bad), ("actor_token_type", ACCESS)];
            exchange(&gateway, &alice.access, &actor).await.assert_oauth_error(400, "invalid_request");
        }
    }

    async fn an_id_token_is_worth_its_grant_to_its_own_client(backend: Backend) {
        let bed = Bed::own(backend, &[]).await;
        let mut clients = Clients::default();
        for id in ["web-app", "other-app"] {
            let metadata = json!({ "grant_types": ["authorization_code", "refresh_token", EXCHANGE_GRANT],
                "consent": "skip", "scope": "openid orders:read", "audience": ["https://orders.test"] });
            clients.register(&bed.world, id, ("web", metadata));
        }
        let (rp, other) = (clients.rp(&bed.world, "web-app"), clients.rp(&bed.world, "other-app"));
        let browser = bed.signed_in(&ALICE).await;
        let tokens = rp.tokens(&browser, &ALICE, &[("scope", "openid orders:read")]).await;
        let id_token = tokens.id.clone().unwrap();
        let (token, claims) = issued(&exchange_as(&rp, (&id_token, ID), &[("scope", "orders:read")]).await);
        assert_eq!(claims["aud"], "https://orders.test");
        exchange_as(&other, (&id_token, ID), &[]).await.assert_oauth_error(400, "invalid_request");
        // What a token is for is decided by the token, not by what it is said to be.
        for (text, kind) in [(&id_token, ACCESS), (&tokens.access, ID), (&id_token, JWT),
            (&tokens.access, JWT), (&tokens.refresh.clone().unwrap(), ACCESS)] {
            exchange_as(&rp, (text, kind), &[]).await.assert_oauth_error(400, "invalid_request");
        }
        rp.revoke(tokens.refresh()).await.assert_status(200);
        assert_access_token_dead(&rp, &token).await;
        exchange_as(&rp, (&id_token, ID), &[]).await.assert_oauth_error(400, "invalid_request");
        bed.assert_log_is_clean();
    }

    async fn whatever_ends_the_first_token_ends_those_made_from_it_and_not_the_other_way_round(
        backend: Backend
    ) {
        let kit = Kit::shared(backend).await;
        let (shop, gateway, orders) = (kit.rp("shop"), kit.rp("gateway"), kit.rp("orders"));
        let alice = of_alice(kit, "openid orders:read").await;
        let first = issued(&exchange(&gateway, &alice.access, &[("audience", "orders")]).await).0;
        let twin = issued(&exchange(&gateway, &alice.access, &[("audience", "orders")]).await).0;
        let second = issued(&exchange(&orders, &first, &[("audience", "stock")]).await).0;
        // The gateway throws one of its tokens away: what came from it ends, the rest does not.
        gateway.revoke(&first).await.assert_status(200);
        assert_eq!(orders.introspect(&second).await, json!({ "active": false }));
        assert_eq!(gateway.introspect(&twin).await["active"], true);
        shop.userinfo(&alice.access).await.assert_status(200);
        orders.revoke(&alice.access).await.assert_oauth_error(400, "invalid_grant");
        // The app's lineage ends: everything does.
        shop.revoke(alice.refresh()).await.assert_status(200);
        assert_eq!(gateway.introspect(&twin).await, json!({ "active": false }));
        for dead in [&alice.access, &first, &twin] {
            exchange(&gateway, dead, &[]).await.assert_oauth_error(400, "invalid_request");
        }
    }

    async fn signing_out_and_disabling_reach_exchanged_tokens(backend: Backend) {
        let (bed, clients) = chain(backend).await;
        let rp = |id: &str| clients.rp(&bed.world, id);
        let exchanged = async || {
            let browser = bed.signed_in(&ALICE).await;
            let tokens = rp("front").tokens(&browser, &ALICE, &[("scope", "openid orders:read")]).await;
            let middle = issued(&exchange(&rp("middle"), &tokens.access, &[("audience", "back")]).await).0;
            let back = issued(&exchange(&rp("back"), &middle, &[]).await).0;
            assert_eq!(rp("back").introspect(&back).await["active"], true);
            (browser, back)
        };
        let (browser, token) = exchanged().await;
        let page = browser.get("/logout").await;
        page.form("sign-out").press("decision", "logout").submit().await;
        assert_eq!(rp("back").introspect(&token).await, json!({ "active": false }));
        let (_, token) = exchanged().await;
        bed.world.cli(&["client", "update", "middle", "--disable"]);
        dies(&rp("back"), &token).await;
        enable_again(&bed.world, &rp("middle")).await;
        let (_, token) = exchanged().await;
        bed.world.cli(&["client", "update", "front", "--disable"]);
        dies(&rp("back"), &token).await;
        enable_again(&bed.world, &rp("front")).await;
        let (_, token) = exchanged().await;
        bed.world.cli(&["user", "disable", "alice"]);
        dies(&rp("back"), &token).await;
    }

    async fn nobody_falls_back_to_their_own_identity(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let alice = of_alice(kit, "openid orders:read").await;
        let gateway = kit.rp("gateway");
        let fields = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            let pairs = [&[("grant_type", EXCHANGE_GRANT)], pairs].concat();
            pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
        };
        let token = ("subject_token", alice.access.as_str());
        let kind = ("subject_token_type", ACCESS);
        for bad in [&[][..], &[token], &[kind], &[("subject_token", ""), kind], &[token, token, kind],
            &[token, kind, kind], &[token, ("subject_token_type", "")],
            &[token, ("subject_token_type", "urn:ietf:params:oauth:token-type:saml2")],
            &[token, ("subject_token_type", "urn:ietf:params:oauth:token-type:refresh_token")],
            &[token, ("subject_token_type", "access_token")], &[("subject_token", "x"), kind],
            &[token, kind, ("actor_token_type", ACCESS)], &[token, kind, ("actor_token", &alice.access)],
            &[token, kind, ("requested_token_type", "urn:ietf:params:oauth:token-type:refresh_token")],
            &[token, kind, ("requested_token_type", ID)], &[("subject_token", "\u{0}"), kind]] {
            gateway.post("/oauth2/token", &fields(bad)).await.assert_oauth_error(400, "invalid_request");
        }
        // Registered for it and holding a secret, or not at all.
        for id in ["shop", "tv"] {
            kit.rp(id).post("/oauth2/token", &fields(&[token, kind])).await
                .assert_oauth_error(400, "unauthorized_client");
        }
        let mut liar = gateway.clone();
        liar.secret = Some("wrong".into());
        liar.post("/oauth2/token", &fields(&[token, kind])).await.assert_oauth_error(401, "invalid_client");
        let output = kit.bed.world.run(&["client", "create", "--name", "P", "--type", "spa",
            "--redirect-uri", "https://p.test/", "--grant-type", EXCHANGE_GRANT]);
        assert!(!output.status.success(), "a public client cannot be registered for it");
        // A token for somebody else is no use, whoever brings it.
        for stranger in ["orders", "stock"] {
            exchange(&kit.rp(stranger), &alice.access, &[]).await.assert_oauth_error(400, "invalid_request");
        }
        kit.bed.assert_log_is_clean();
    }

    async fn forged_and_malformed_subject_and_actor_tokens_are_refused(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let alice = of_alice(kit, "openid orders:read").await;
        let gateway = kit.rp("gateway");
        let keys = serde_json::to_value(key_set(&gateway).await).unwrap();
        let kid = &jose_header(&alice.access)["kid"];
        let jwk = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == *kid).unwrap();
        let mut bad = forgeries(&alice.access, jwk, "http://127.0.0.1:9");
        let key = Box::pin(OwnKey::of(kit.bed)).await;
        for (name, json) in malformed_claims() {
            bad.push((format!("{name} is {json}"), key.with_claim(&alice.access, name, json)));
        }
        for (what, token) in bad {
            let page = exchange(&gateway, &token, &[]).await;
            assert_eq!(page.json()["error"], "invalid_request", "subject with {what}");
            let actor = [("actor_token", token.as_str()), ("actor_token_type", ACCESS)];
            let page = exchange(&gateway, &alice.access, &actor).await;
            assert_eq!(page.json()["error"], "invalid_request", "actor with {what}");
        }
        // A token that is bound to a key is no use without proof of the key.
        let bound = key.with_claim(&alice.access, "cnf", "{\"jkt\":\"x\"}");
        exchange(&gateway, &bound, &[]).await.assert_oauth_error(400, "invalid_request");
        let past = (payload(&alice.access)["iat"].as_i64().unwrap() - 7_200).to_string();
        let late = key.with_claim(&alice.access, "exp", &past);
        exchange(&gateway, &late, &[]).await.assert_oauth_error(400, "invalid_request");
        issued(&exchange(&gateway, &alice.access, &[]).await);
        kit.bed.assert_log_is_clean();
    }

    async fn every_exchange_and_the_first_refusals_are_in_the_audit_log(backend: Backend) {
        let (bed, clients) = chain(backend).await;
        let rp = |id: &str| clients.rp(&bed.world, id);
        let browser = bed.signed_in(&ALICE).await;
        let tokens = rp("front").tokens(&browser, &ALICE, &[("scope", "openid orders:read")]).await;
        let middle = issued(&exchange(&rp("middle"), &tokens.access, &[("audience", "back")]).await).0;
        issued(&exchange(&rp("back"), &middle, &[]).await);
        let events = |kind: &str| logged(&bed.world, kind);
        let exchanged = events("token.exchanged");
        let granted = &events("grant.created")[0];
        let told: Vec<_> = exchanged.iter().map(|event| {
            assert_eq!(event["user_id"], granted["user_id"]);
            (&event["client_id"], event["detail"].clone())
        }).collect();
        let detail = |actor: &str, audience: &str| {
            json!({ "actor": actor, "audience": [audience], "scope": "orders:read" })
        };
        // The newest first.
        assert_eq!(told, [(&json!("back"), detail("client:back", "far")),
            (&json!("middle"), detail("client:middle", "back"))]);
        for _ in 0..12 {
            exchange(&rp("middle"), &tokens.access, &[("audience", "far")]).await
                .assert_oauth_error(400, "invalid_target");
        }
        let refused = events("token.exchange_refused");
        assert_eq!(refused.len(), 10, "the first ones only");
        assert_eq!(refused[0]["result"], "failure");
        assert_eq!(refused[0]["client_id"], "middle");
        assert_eq!(refused[0]["detail"]["error"], "invalid_target");
    }

    async fn opaque_tokens_are_exchanged_too(backend: Backend) {
        let kit = Kit::shared(backend).await;
        let browser = kit.bed.signed_in(&BOB).await;
        let shop = kit.rp("shop-opaque");
        let bob = shop.tokens(&browser, &BOB, &[("scope", "openid orders:read")]).await;
        let (_, claims) = issued(&exchange(&kit.rp("gateway"), &bob.access, &[]).await);
        assert_eq!(claims["act"], json!({ "sub": "gateway" }));
        let own = kit.rp("orders");
        let first = issued(&exchange(&kit.rp("gateway"), &bob.access, &[("audience", "orders")]).await).0;
        let page = exchange(&own, &first, &[("requested_token_type", JWT)]).await;
        assert_eq!(page.json()["issued_token_type"], JWT);
    }
}

/// A world of its own with an app and two services behind it.
async fn chain(backend: Backend) -> (Bed, Clients) {
    let bed = Bed::new(World::start(backend).await, &[]).await;
    let mut clients = Clients::default();
    let front = json!({ "audience": ["middle"], "consent": "skip", "scope": "openid orders:read" });
    clients.register(&bed.world, "front", ("web", front));
    for (id, audience) in [("middle", "back"), ("back", "far")] {
        let metadata = json!({ "grant_types": [EXCHANGE_GRANT], "audience": [audience], "scope": "orders:read" });
        clients.register(&bed.world, id, ("machine", metadata));
    }
    (bed, clients)
}

/// A command works beside the server, which notices within a second.
async fn dies(rp: &Rp, token: &str) {
    wait_until_async("the end of a token", PATIENCE, async || {
        rp.introspect(token).await == json!({ "active": false })
    })
    .await;
}
