//! Traces as a collector gets them: OTLP over HTTP, decoded by the messages of the standard.

use reqwest::Method;
use serde_json::json;

use crate::kit::client_signer::{ClientKey, jwks, register, with_assertion};
use crate::kit::collector::Collector;
use crate::kit::fixtures::{REDIRECT, Rp, Tokens};
use crate::kit::flow::{App, PASSWORD, PATIENCE, create_user, sign_in};
use crate::kit::hooks::Hook;
use crate::support::process::wait_until_async;
use crate::support::tls_peer::{Answer, Recorded, TlsPeer, reachable};
use crate::support::world::World;

/// Waits for a span of this name in the trace that this request names.
async fn is_joined(collector: &Collector, (name, sent): (&str, &Recorded)) {
    let parent = sent.header("traceparent").unwrap_or_else(|| panic!("{name} names no trace"));
    let trace = parent.split('-').nth(1).expect("the id of a trace");
    wait_until_async(name, PATIENCE, async || {
        let is_it = |id: &[u8]| data_encoding::HEXLOWER.encode(id) == trace;
        collector.spans().iter().any(|span| span.name == name && is_it(&span.trace_id))
    })
    .await;
}

on_both_backends! {
    async fn a_sign_in_is_traced_with_what_it_asked_the_stores_and_without_secrets(backend: Backend) {
        let collector = Collector::start();
        let world = collector.hears(World::builder(backend)).env("OTEL_BSP_SCHEDULE_DELAY", "100").start().await;
        create_user(&world, "alice");
        let app = App::register(&world, "app", &[]);
        let tokens = app.tokens(&sign_in(&world, "alice").await).await;
        let login = collector.span("POST /login").await;
        let token = collector.span("POST /oauth2/token").await;
        assert_ne!(login.trace_id, token.trace_id);
        assert!(login.parent_span_id.is_empty());
        let children = async || {
            let spans = collector.spans().into_iter();
            let below = spans.filter(|span| span.trace_id == login.trace_id);
            below.map(|span| span.name).collect::<Vec<_>>()
        };
        wait_until_async("the spans below", PATIENCE, async || {
            let names = children().await;
            ["password verify", "select", "insert"].iter().all(|name| names.iter().any(|n| n == name))
        })
        .await;
        let all = collector.everything();
        for told in ["doorward", "/oauth2/token", "http.response.status_code", "db.query.text"] {
            assert!(all.contains(told), "no {told} in {all}");
        }
        for secret in [&tokens.access, &app.secret, PASSWORD, "alice"] {
            assert!(!all.contains(secret), "a span tells {secret}");
        }
    }

    async fn a_trusted_proxy_names_the_trace_and_nobody_else_does(backend: Backend) {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let trace = "0af7651916cd43dd8448eb211c80319c";
        for (proxies, expected) in [("127.0.0.1/32", true), ("192.0.2.0/24", false)] {
            let collector = Collector::start();
            let mut world = collector
                .hears(World::builder(backend))
                .env("DOORWARD_SERVER__TRUSTED_PROXIES", proxies)
                .env("DOORWARD_LOG__LEVEL", "debug")
                .env("OTEL_BSP_SCHEDULE_DELAY", "3600000")
                .start()
                .await;
            let browser = world.browser();
            let request = browser.request(Method::GET, &browser.resolve("/login"));
            browser.send(request.header("traceparent", parent)).await;
            // What has not been sent yet is sent when the server ends.
            assert!(world.stop().success());
            let span = collector.find("GET /login").expect("a span of the request");
            let id = data_encoding::HEXLOWER.encode(&span.trace_id);
            assert_eq!(id == trace, expected, "{proxies}: {id}");
            assert!(world.log().contains(&id), "the log does not name the trace");
        }
    }

    async fn other_servers_are_told_the_trace_in_which_they_are_asked(backend: Backend) {
        let (collector, peer) = (Collector::start(), TlsPeer::start());
        let builder = collector.hears(reachable(World::builder(backend), &[&peer]));
        let world = builder.env("OTEL_BSP_SCHEDULE_DELAY", "100").start().await;
        // In a request: the keys of an app that proves with them who it is.
        let key = ClientKey::new("RS256", "k1");
        let keys = jwks(&[&key]).to_string();
        peer.serve("/jwks", Answer::new(200, "application/jwk-set+json", keys));
        let metadata = json!({
            "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": peer.url("/jwks"),
            "redirect_uris": [REDIRECT], "scope": ["openid", "offline_access"],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
        });
        register(&world, "publishing", "web", &metadata);
        let rp = Rp { redirect_uri: REDIRECT.to_owned(), ..Rp::new(&world, "publishing") };
        let assertion = key.assertion(&rp.id, &rp.issuer, &json!({}));
        let fields = with_assertion(&[("grant_type", "client_credentials")], &assertion);
        Tokens::of(&rp.post("/oauth2/token", &fields).await);
        is_joined(&collector, ("POST /oauth2/token", &peer.requests("/jwks")[0])).await;
        // Beside the requests: a message to an endpoint.
        let hook = Hook::at(&world, &peer, &["user.created"]);
        create_user(&world, "alice");
        let sent = peer.wait_for(&hook.path, 1).await;
        is_joined(&collector, ("webhook", &sent[0])).await;
    }

    async fn nobody_is_told_of_a_trace_that_is_not_sampled(backend: Backend) {
        let (collector, peer) = (Collector::start(), TlsPeer::start());
        let builder = collector.hears(reachable(World::builder(backend), &[&peer]));
        let world = builder.env("OTEL_TRACES_SAMPLER", "always_off").start().await;
        let hook = Hook::at(&world, &peer, &["user.created"]);
        create_user(&world, "alice");
        let sent = peer.wait_for(&hook.path, 1).await;
        assert_eq!(sent[0].header("traceparent"), None);
        assert!(collector.spans().is_empty());
    }

    async fn a_collector_that_is_away_or_nonsense_stops_nobody(backend: Backend) {
        let world = World::builder(backend)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
            .env("OTEL_BSP_SCHEDULE_DELAY", "50")
            .start()
            .await;
        create_user(&world, "alice");
        sign_in(&world, "alice").await;
        world.assert_log_is_clean(&[PASSWORD]);
    }
}
