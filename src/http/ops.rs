//! What operators and their tools ask: is it alive, is it ready, how is it doing.

use actix_web::{HttpRequest, HttpResponse, web};

use super::site::Site;
use crate::protocol::params::Params;
use crate::service::health;
use crate::telemetry::metrics::CONTENT_TYPE;

/// The process runs. Nothing else is asked, so that a slow database never gets it restarted.
pub(super) async fn livez() -> HttpResponse {
    text(HttpResponse::Ok(), "ok\n")
}

/// The check that a server which is about to stop does not pass.
const ACCEPTING: &str = "accepting";

/// Everything a sign-in needs answers. `?verbose` lists each part; `?exclude=NAME` leaves one out, and may
/// be there several times.
pub(super) async fn readyz(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    let query = Params::parse(request.query_string().as_bytes()).unwrap_or_default();
    let left_out: Vec<&str> = query.all("exclude").collect();
    let is_known = |name: &str| name == ACCEPTING || health::PARTS.contains(&name);
    if !left_out.iter().all(|name| is_known(name)) {
        // A misspelt name would leave a check in that somebody believes to be out.
        let names = health::PARTS.join(", ");
        let help = format!("exclude takes the names of checks: {names}, {ACCEPTING}\n");
        return text(HttpResponse::BadRequest(), &help);
    }
    let mut checks = health::check(&site, &left_out).await;
    if !left_out.contains(&ACCEPTING) {
        let problem = site.is_draining().then(|| "shutting down".to_owned());
        checks.push(health::Check { name: ACCEPTING, problem });
    }
    let ready = checks.iter().all(|check| check.problem.is_none());
    let response = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    if !request.query_string().contains("verbose") {
        return text(response, if ready { "ok\n" } else { "not ready\n" });
    }
    let asked = checks.iter().map(|check| match &check.problem {
        None => format!("[+] {} ok\n", check.name),
        Some(problem) => format!("[-] {}: {problem}\n", check.name),
    });
    let lines: String =
        asked.chain(left_out.iter().map(|name| format!("[ ] {name} left out\n"))).collect();
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
