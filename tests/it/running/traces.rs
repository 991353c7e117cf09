//! Traces as a collector gets them: OTLP over HTTP, decoded by the messages of the standard.

use reqwest::Method;

use crate::kit::collector::Collector;
use crate::kit::flow::{App, PASSWORD, PATIENCE, create_user, sign_in};
use crate::support::process::wait_until_async;
use crate::support::world::World;

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
