//! A collector of traces: OTLP over HTTP, decoded by the messages of the standard.

use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web::{self, Bytes, Data};
use actix_web::{App as Service, HttpResponse, HttpServer};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::kit::flow::PATIENCE;
use crate::support::process::wait_until_async;
use crate::support::world::WorldBuilder;

/// What it was sent.
#[derive(Clone, Default)]
struct Received(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

/// A collector of this test's own. Its thread ends with the test process.
pub struct Collector {
    port: u16,
    received: Received,
}

impl Collector {
    pub fn start() -> Self {
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

    /// Has a world report here.
    pub fn hears(&self, builder: WorldBuilder) -> WorldBuilder {
        let address = format!("http://127.0.0.1:{}", self.port);
        builder.env("OTEL_EXPORTER_OTLP_ENDPOINT", &address)
    }

    /// What has arrived so far.
    pub fn spans(&self) -> Vec<Span> {
        let received = self.received.0.lock().unwrap_or_else(PoisonError::into_inner);
        let scopes = received.iter().flat_map(|sent| &sent.resource_spans);
        let scopes = scopes.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }

    /// All of it as text.
    pub fn everything(&self) -> String {
        format!("{:?}", self.received.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The first span of this name, once it is there.
    pub async fn span(&self, name: &str) -> Span {
        wait_until_async(name, PATIENCE, async || self.find(name).is_some()).await;
        self.find(name).expect("it was there")
    }

    /// The first span of this name, if it is there.
    pub fn find(&self, name: &str) -> Option<Span> {
        self.spans().into_iter().find(|span| span.name == name)
    }
}

async fn receive(received: Data<Received>, body: Bytes) -> HttpResponse {
    let sent = ExportTraceServiceRequest::decode(body).expect("an export of traces");
    received.0.lock().unwrap_or_else(PoisonError::into_inner).push(sent);
    HttpResponse::Ok().content_type("application/x-protobuf").finish()
}
