//! What operators and their tools ask: is it alive, is it ready, how is it doing.

use actix_web::{HttpRequest, HttpResponse, web};

use super::site::Site;
use crate::service::health;
use crate::telemetry::metrics::CONTENT_TYPE;

/// The process runs. Nothing else is asked, so that a slow database never gets it restarted.
pub(super) async fn livez() -> HttpResponse {
    text(HttpResponse::Ok(), "ok\n")
}

/// Everything a sign-in needs answers. `?verbose` lists each part.
pub(super) async fn readyz(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let mut checks = health::check(&site).await;
    if site.is_draining() {
        checks.push(health::Check { name: "accepting", problem: Some("shutting down".into()) });
    }
    let ready = checks.iter().all(|check| check.problem.is_none());
    let response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    if !request.query_string().contains("verbose") {
        return text(response, if ready { "ok\n" } else { "not ready\n" });
    }
    let lines: String = checks
        .iter()
        .map(|check| match &check.problem {
            None => format!("[+] {} ok\n", check.name),
            Some(problem) => format!("[-] {}: {problem}\n", check.name),
        })
        .collect();
    text(response, &lines)
}

/// Prometheus metrics, on the management listener only.
pub(super) async fn metrics(site: web::Data<Site>) -> HttpResponse {
    site.metrics.password_hash_queue(site.passwords.queue_length());
    HttpResponse::Ok().content_type(CONTENT_TYPE).body(site.metrics.encode())
}

fn text(mut response: actix_web::HttpResponseBuilder, body: &str) -> HttpResponse {
    response.content_type("text/plain; charset=utf-8").body(body.to_owned())
}
