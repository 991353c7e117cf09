//! Putting a sample app on the network: the URL map, the headers of every answer, the listeners.

use std::io;
use std::net::TcpListener;

use actix_web::body::MessageBody;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::{DefaultHeaders, Next, from_fn};
use actix_web::{App, Error, HttpResponse, HttpServer, web};
use url::Url;

use super::DemoApp;
use super::http_client::Http;
use super::listen::all_loopback;
use super::relying_party::RelyingParty;
use super::sessions::Sessions;
use super::{callback, handlers};

/// How long requests may take to finish when the demo stops, in seconds.
const DRAIN: u64 = 2;
/// Longest form, in bytes: a form holds one token.
const LONGEST_FORM: usize = 4096;

/// Everything the handlers of one sample app share.
pub(super) struct Sample {
    pub app: DemoApp,
    pub rp: RelyingParty,
    pub sessions: Sessions,
}

/// Starts a sample app on `listeners` (see [`super::loopback_listeners`]) and returns the server
/// for the caller to await and to stop; it leaves signals alone. Listeners outside the loopback
/// interface are refused.
pub fn serve(app: DemoApp, listeners: Vec<TcpListener>) -> io::Result<Server> {
    if !all_loopback(&listeners)? {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "the sample apps listen on the loopback interface only: their passwords are public",
        ));
    }
    let http = Http::new().map_err(io::Error::other)?;
    let rp = RelyingParty::new(&app, http).map_err(io::Error::other)?;
    let sessions = Sessions::new(&app.name.to_lowercase());
    let csp = content_security_policy(&app)?;
    let sample = web::Data::new(Sample { app, rp, sessions });
    let mut server = HttpServer::new(move || {
        App::new()
            .wrap(from_fn(right_host))
            .wrap(security_headers(&csp))
            .app_data(sample.clone())
            .app_data(web::FormConfig::default().limit(LONGEST_FORM))
            .configure(routes)
    })
    .workers(1)
    .shutdown_timeout(DRAIN)
    .disable_signals();
    for listener in listeners {
        server = server.listen(listener)?;
    }
    Ok(server.run())
}

/// The complete URL map of a sample app.
fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/", web::get().to(handlers::home))
        .route("/login", web::get().to(callback::login))
        .route("/callback", web::get().to(callback::callback))
        .route("/refresh", web::post().to(handlers::refresh))
        .route("/userinfo", web::post().to(handlers::userinfo))
        .route("/logout", web::post().to(handlers::logout))
        .route("/signed-out", web::get().to(handlers::signed_out))
        .route("/demo.css", web::get().to(handlers::style))
        .route("/icon.svg", web::get().to(handlers::icon))
        .default_service(web::to(handlers::not_found));
}

/// No scripts, no frames, forms to this app and on to the provider (the sign-out form is
/// redirected there, and browsers check `form-action` along the whole chain).
fn content_security_policy(app: &DemoApp) -> io::Result<String> {
    let provider = Url::parse(&app.issuer).map_err(io::Error::other)?.origin();
    Ok(format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self' {}",
        provider.ascii_serialization()
    ))
}

fn security_headers(csp: &str) -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::CONTENT_SECURITY_POLICY, csp))
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::REFERRER_POLICY, "no-referrer"))
        .add(("Cross-Origin-Opener-Policy", "same-origin"))
        .add((header::CACHE_CONTROL, "no-store"))
}

/// Sends every other name of this machine (`127.0.0.1`, a name an attacker points at it) to the
/// app's own address, where its cookies and its registered redirect URI are.
async fn right_host(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let home = request
        .app_data::<web::Data<Sample>>()
        .map(|sample| sample.app.base_url.clone())
        .unwrap_or_default();
    let asked = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    if home.split_once("://").map(|(_, host)| host) == asked {
        return next.call(request).await.map(ServiceResponse::map_into_left_body);
    }
    let answer = HttpResponse::SeeOther().insert_header((header::LOCATION, home)).finish();
    Ok(request.into_response(answer).map_into_right_body())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::demo::{apps, loopback_listeners};

    /// A sample app on a free port, without a provider; answers `(status, headers, body)`.
    async fn get(path: &str, host: Option<&str>) -> (u16, reqwest::header::HeaderMap, String) {
        let listeners = loopback_listeners(0).unwrap();
        let port = listeners[0].local_addr().unwrap().port();
        let mut app = apps(port, &Clock::System).remove(0);
        app.base_url = format!("http://localhost:{port}");
        // Nothing listens on the discard port, so the provider is always away.
        app.issuer = "http://localhost:9".to_owned();
        let server = serve(app, listeners).unwrap();
        let handle = server.handle();
        let running = tokio::spawn(server);
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .unwrap();
        let mut request = client.get(format!("http://localhost:{port}{path}"));
        if let Some(host) = host {
            request = request.header("Host", host);
        }
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = answer.text().await.unwrap();
        handle.stop(false).await;
        running.await.unwrap().unwrap();
        (status, headers, body)
    }

    #[actix_web::test]
    async fn the_home_page_has_the_strict_headers() {
        let (status, headers, body) = get("/", None).await;
        assert_eq!(status, 200);
        assert!(body.contains("Sign in with Doorward"));
        let csp = headers["content-security-policy"].to_str().unwrap();
        assert!(csp.contains("default-src 'none'") && csp.contains("frame-ancestors 'none'"));
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["referrer-policy"], "no-referrer");
        assert!(headers.get("set-cookie").is_none(), "a visitor is not remembered");
    }

    #[actix_web::test]
    async fn another_host_name_is_sent_to_the_right_one() {
        let (status, headers, _) = get("/", Some("attacker.example")).await;
        assert_eq!(status, 303);
        assert!(headers["location"].to_str().unwrap().starts_with("http://localhost:"));
    }

    #[actix_web::test]
    async fn a_provider_that_does_not_answer_gives_a_page_that_says_so() {
        let (status, _, body) = get("/login", None).await;
        assert_eq!(status, 502);
        assert!(body.contains("Doorward does not answer"), "{body}");
    }

    #[actix_web::test]
    async fn an_answer_with_an_unknown_state_is_refused() {
        for path in ["/callback", "/callback?code=c&state=s", "/callback?error=e&state=s"] {
            let (status, headers, body) = get(path, None).await;
            assert_eq!(status, 400, "{path}");
            assert!(body.contains("not started in this browser"), "{body}");
            assert!(headers.get("set-cookie").is_none());
        }
    }

    #[actix_web::test]
    async fn a_parameter_given_twice_is_refused() {
        let (status, _, _) = get("/callback?state=a&state=b&code=c", None).await;
        assert_eq!(status, 400);
    }

    #[actix_web::test]
    async fn listeners_outside_the_loopback_interface_are_refused() {
        let everywhere = TcpListener::bind("0.0.0.0:0").unwrap();
        let app = apps(8080, &Clock::System).remove(0);
        assert!(serve(app, vec![everywhere]).is_err());
    }
}
