//! What a client gets, and what is left behind, when a handler gives no answer, over a real connection.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use actix_web::error::{ErrorInternalServerError, ErrorPayloadTooLarge};
use actix_web::middleware::from_fn;
use actix_web::{App as ActixApp, HttpResponse, HttpServer, web};

use crate::app::{Migrations, Process, boot};
use crate::clock::Clock;
use crate::config::{Config, Sources};
use crate::http::server::block_on;
use crate::http::site::Site;

/// A site on an empty database, and what it keeps.
struct Bed {
    site: web::Data<Site>,
    dir: PathBuf,
}

impl Bed {
    async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("doorward-pipeline-{}-{count}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        let data_dir = dir.display().to_string();
        let sources = Sources::none().variable("DOORWARD_DATA_DIR", &data_dir);
        let config = Config::load(&sources).unwrap_or_else(|problems| panic!("{problems}"));
        let app = boot(config, Clock::System, Migrations::Apply, Process::Server).await.unwrap();
        Self { site: web::Data::new(Site::new(Arc::new(app))), dir }
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        // What stays behind is in the directory for such things.
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

async fn answers() -> HttpResponse {
    HttpResponse::Ok().body("fine")
}

async fn panics() -> HttpResponse {
    panic!("on purpose")
}

/// Sends one request on a connection of its own and gives the whole answer.
fn ask(address: SocketAddr, path: &str, more: &str) -> String {
    let mut connection = TcpStream::connect(address).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{more}Connection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

/// Serves with these two ways to fail, and asks for a path each.
async fn asked(bed: &Bed, requests: &'static [(&'static str, &'static str)]) -> Vec<String> {
    let data = bed.site.clone();
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = HttpServer::new(move || {
        ActixApp::new()
            .app_data(data.clone())
            .wrap(from_fn(super::around))
            .route("/answers", web::get().to(answers))
            .route("/panics", web::to(panics))
            .service(web::scope("/errs").wrap(from_fn(async |_, _: super::Next<_>| {
                Err::<super::ServiceResponse, _>(ErrorInternalServerError("a secret of ours"))
            })))
            .service(web::scope("/refuses").wrap(from_fn(async |_, _: super::Next<_>| {
                Err::<super::ServiceResponse, _>(ErrorPayloadTooLarge("too much"))
            })))
    });
    let server = server.workers(1).disable_signals().listen(listener).unwrap().run();
    let handle = server.handle();
    let serving = tokio::spawn(server);
    let all = move || requests.iter().map(|(path, more)| ask(address, path, more)).collect();
    let heard = tokio::task::spawn_blocking(all).await.unwrap();
    handle.stop(false).await;
    serving.await.unwrap().unwrap();
    heard
}

fn header<'a>(answer: &'a str, name: &str) -> &'a str {
    let head = answer.split("\r\n\r\n").next().unwrap();
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.unwrap_or_else(|| panic!("no {name} in {answer}")).1
}

const BROWSER: &str = "Accept: text/html,application/xhtml+xml\r\n";

#[test]
fn a_panic_and_an_escaped_error_are_answered_like_any_failure_and_counted() {
    block_on(async {
        let bed = Bed::new().await;
        let heard = asked(
            &bed,
            &[
                ("/panics", BROWSER),
                ("/panics", ""),
                ("/errs/x", BROWSER),
                ("/errs/x", ""),
                ("/answers", ""),
            ],
        );
        let heard = heard.await;
        for answer in &heard[..4] {
            assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
            let id = header(answer, "x-request-id");
            assert!(id.len() > 10, "{answer}");
            assert_eq!(header(answer, "cache-control"), "no-store");
            assert_eq!(header(answer, "x-content-type-options"), "nosniff");
            assert!(
                !answer.contains("secret of ours") && !answer.contains("on purpose"),
                "{answer}"
            );
        }
        for page in [&heard[0], &heard[2]] {
            assert!(header(page, "content-type").starts_with("text/html"));
            assert!(page.contains("Something went wrong here"), "{page}");
            assert!(page.matches(header(page, "x-request-id")).count() >= 2, "shown to the person");
        }
        for json in [&heard[1], &heard[3]] {
            assert_eq!(header(json, "content-type"), "application/json");
            assert!(json.contains("\"error\":\"server_error\""), "{json}");
        }
        assert!(heard[4].starts_with("HTTP/1.1 200 "), "the worker goes on: {}", heard[4]);
        let metrics = bed.site.metrics.encode();
        let counted = "http_server_request_duration_seconds_count{http_request_method=\"GET\",\
                       http_route=\"unanswered\",http_response_status_code=\"500\"} 4";
        assert!(metrics.contains(counted), "{metrics}");
    });
}

#[test]
fn an_escaped_refusal_keeps_its_status() {
    block_on(async {
        let bed = Bed::new().await;
        let heard = asked(&bed, &[("/refuses/x", BROWSER), ("/refuses/x", "")]).await;
        for answer in &heard {
            assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
            assert!(answer.contains("invalid_request") && !answer.contains("too much"), "{answer}");
        }
    });
}
