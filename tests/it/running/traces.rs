//! Traces as a collector gets them: OTLP over HTTP, decoded by the messages of the standard.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web::{self, Bytes, Data};
use actix_web::{App as Service, HttpResponse, HttpServer};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;
use reqwest::Method;

use crate::kit::flow::{App, PASSWORD, PATIENCE, create_user, sign_in};
use crate::support::backends::Backend;
use crate::support::process::wait_until_async;
use crate::support::world::{World, WorldBuilder};

/// What it was sent.
#[derive(Clone, Default)]
struct Received(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

/// A collector of this test's own. Its thread ends with the test process.
struct Collector {
    port: u16,
    received: Received,
}

impl Collector {
    fn start() -> Self {
        let received = Received::default();
        let kept = received.clone();
        let (tell, port) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let server = HttpServer::new(move || {
                    let service = Service::new().app_data(Data::new(kept.clone()));
                    service.route("/v1/traces", web::post().to(receive))
                });
                let server = server.workers(1).disable_signals();
                let server = server.bind(("127.0.0.1", 0)).expect("a loopback port");
                tell.send(server.addrs()[0].port()).expect("somebody waits for it");
                server.run().await
            })
        });
        Self { port: port.recv().expect("a port"), received }
    }

    /// A world that reports here.
    fn hears(&self, backend: Backend) -> WorldBuilder {
        let address = format!("http://127.0.0.1:{}", self.port);
        World::builder(backend).env("OTEL_EXPORTER_OTLP_ENDPOINT", &address)
    }

    fn spans(&self) -> Vec<Span> {
        let received = self.received.0.lock().unwrap_or_else(PoisonError::into_inner);
        let scopes = received.iter().flat_map(|sent| &sent.resource_spans);
        let scopes = scopes.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    fn everything(&self) -> String {
        format!("{:?}", self.received.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The first span of this name, once it is there.
    async fn span(&self, name: &str) -> Span {
        wait_until_async(name, PATIENCE, async || self.find(name).is_some()).await;
        self.find(name).expect("it was there")
    }

    fn find(&self, name: &str) -> Option<Span> {
        self.spans().into_iter().find(|span| span.name == name)
    }
}

async fn receive(received: Data<Received>, body: Bytes) -> HttpResponse {
    let sent = ExportTraceServiceRequest::decode(body).expect("an export of traces");
    received.0.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
    HttpResponse::Ok().content_type("application/x-protobuf").finish()
}

on_both_backends! {
    async fn a_sign_in_is_traced_with_what_it_asked_the_stores_and_without_secrets(backend: Backend) {
        let collector = Collector::start();
        let world = collector.hears(backend).env("OTEL_BSP_SCHEDULE_DELAY", "100").start().await;
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
                .hears(backend)
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
