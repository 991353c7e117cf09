//! A Doorward with apps and a person who is signed in, and workers for every kind of line.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use serde_json::json;

use crate::cores::{Cores, Role};
use crate::http::{Connection, Request, between};
use crate::lines::{APPS, App, EXCHANGE, FRONT_ES256, Kind, Special, WEB_RS256};
use crate::options::Options;
use crate::process_cost;
use crate::signer::Signer;
use crate::support::backends::Backend;
use crate::support::world::World;
use crate::work::{self, Work, Worker};
use crate::yardstick::BareServer;

pub(crate) const USERNAME: &str = "alice";
/// The host of an app behind the gateway; nothing listens there.
const GATEWAY_APP: &str = "localhost:9999";
pub(crate) const PASSWORD: &str = "vQ7mZ2kLr9TxW4pB";

/// How long starting took.
#[derive(Debug, Clone)]
pub(crate) struct Starts {
    pub(crate) first: Duration,
    pub(crate) existing: Vec<Duration>,
    /// Resident memory in KiB a second later, before the first sign-in.
    pub(crate) idle_kib: u64,
}

/// Everything that runs.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) bare: BareServer,
    pub(crate) starts: Starts,
    basics: HashMap<App, String>,
    signer: Arc<Signer>,
    cookies: String,
    /// The cookie for apps behind the gateway.
    gateway_cookie: String,
}

impl Stage {
    /// Starts it all, each on its core. The driver ends up on its own.
    pub(crate) async fn set(options: &Options, cores: &Cores) -> Self {
        cores.go(Role::Stores);
        let backend = if options.production { Backend::Production } else { Backend::Embedded };
        let mut builder = World::builder(backend)
            .config_file(&gateway_settings())
            .env("DOORWARD_SERVER__WORKERS", "1")
            .env("DOORWARD_PASSWORD__THREADS", "1")
            // One person signs in on every connection at once.
            .env("DOORWARD_LIMITS__LOGIN_FREE_FAILURES", "100")
            .env("DOORWARD_REGISTRATION__MODE", "open")
            .env("DOORWARD_REGISTRATION__OPEN_PER_HOUR", "100000")
            .env("DOORWARD_REGISTRATION__MAX_CLIENTS", "1000000");
        for (name, value) in &options.environment {
            builder = builder.env(name, value);
        }
        let mut world = builder.prepare().await;
        cores.go(Role::Server);
        let first = timed_start(&mut world);
        world.stop();
        let signer = Arc::new(Signer::new());
        let basics = APPS.map(|app| (app, register(&world, app, &signer))).into();
        create_person(&world);
        let mut existing = Vec::new();
        for round in 0..5 {
            if round > 0 {
                world.stop();
            }
            existing.push(timed_start(&mut world));
        }
        let bare = BareServer::start();
        cores.go(Role::Driver);
        std::thread::sleep(Duration::from_secs(1));
        let idle_kib = process_cost::of(world.pid()).resident_kib;
        let starts = Starts { first, existing, idle_kib };
        let (cookies, gateway_cookie) = (String::new(), String::new());
        let mut stage = Self { world, bare, starts, basics, signer, cookies, gateway_cookie };
        stage.cookies = stage.sign_in().await;
        stage.gateway_cookie = stage.enter_gateway().await;
        stage
    }

    /// The server that a kind of line measures.
    pub(crate) fn pid(&self, kind: Kind) -> u32 {
        match kind {
            Kind::Bare(_) => self.bare.pid(),
            _ => self.world.pid(),
        }
    }

    /// A worker for each of `count` connections.
    pub(crate) async fn workers(&self, kind: Kind, count: usize) -> Result<Vec<Worker>, String> {
        let mut workers = Vec::with_capacity(count);
        for _ in 0..count {
            let port = match kind {
                Kind::Bare(_) => self.bare.port,
                _ => self.world.port,
            };
            let mut connection = self.connect(port).await;
            let work = self.work(kind, &mut connection).await?;
            workers.push(Worker { connection, work });
        }
        Ok(workers)
    }

    async fn work(&self, kind: Kind, connection: &mut Connection) -> Result<Work, String> {
        let port = self.world.port;
        Ok(match kind {
            Kind::Bare(path) => self.bare(path).await?,
            Kind::Document(path) => fixed(get(port, path, &[]), ""),
            Kind::StaticPage(name) => self.static_page(name, connection).await?,
            Kind::ClientCredentials(app) => {
                let body = "grant_type=client_credentials";
                fixed(work::token_request(port, self.basic(app), body), "\"access_token\":\"")
            }
            Kind::CodeFlow(app) => {
                Work::CodeFlow { authorize: self.authorize(app), basic: self.basic(app).to_owned() }
            }
            Kind::Refresh(app) => {
                let tokens = self.tokens(app, connection).await?;
                let token = tokens.refresh.ok_or("there is no refresh token")?;
                Work::Refresh { token, basic: self.basic(app).to_owned() }
            }
            Kind::Userinfo(app) => {
                let token = self.tokens(app, connection).await?.access;
                fixed(userinfo(port, &token), "\"sub\":\"")
            }
            Kind::Introspection(app) => {
                let token = self.tokens(app, connection).await?.access;
                fixed(introspection(port, self.basic(app), &token), "\"active\":true")
            }
            Kind::GatewayCheck => fixed(gateway_check(port, &self.gateway_cookie), ""),
            Kind::SessionRead => {
                let request = get(port, "/", &[("cookie", &self.cookies)]);
                Work::Fixed { request, status: 303, expect: "" }
            }
            Kind::Assertion(app) => Work::Assertion {
                signer: Arc::clone(&self.signer),
                issuer: self.world.issuer.clone(),
                client_id: app.id,
            },
            Kind::Exchange(app) => {
                let token = self.tokens(FRONT_ES256, connection).await?.access;
                let body = format!(
                    "grant_type={EXCHANGE}&subject_token={token}&subject_token_type=\
                     urn:ietf:params:oauth:token-type:access_token"
                );
                let request = work::token_request(port, self.basic(app), &body);
                fixed(request, "\"issued_token_type\":\"")
            }
            Kind::PushedDpopFlow(app) => Work::PushedDpopFlow {
                signer: Arc::clone(&self.signer),
                issuer: self.world.issuer.clone(),
                cookies: self.cookies.clone(),
                basic: self.basic(app).to_owned(),
                client_id: app.id,
            },
            Kind::Registration => registration(port),
            Kind::SignIn => Work::SignIn {
                authorize: work::authorize_request(port, WEB_RS256.id, None),
                username: USERNAME.into(),
                password: PASSWORD.into(),
            },
        })
    }

    /// The bare server's answer of the same length as Doorward's at `path`.
    async fn bare(&self, path: &'static str) -> Result<Work, String> {
        let mut connection = self.connect(self.world.port).await;
        let answer = connection.exchange(&get(self.world.port, path, &[])).await;
        let length = answer.map_err(|error| error.to_string())?.body.len();
        Ok(fixed(get(self.bare.port, &format!("/{length}"), &[]), ""))
    }

    /// A file that the sign-in page links.
    async fn static_page(&self, name: &str, connection: &mut Connection) -> Result<Work, String> {
        let port = self.world.port;
        let page = work::authorize_request(port, WEB_RS256.id, None);
        let page = connection.exchange(&page).await.map_err(|error| error.to_string())?;
        let link = between(page.body, &format!("/static/{name}"), "\"");
        let link = link.ok_or_else(|| format!("the sign-in page links no /static/{name}"))?;
        Ok(fixed(get(port, &format!("/static/{name}{link}"), &[]), ""))
    }

    async fn connect(&self, port: u16) -> Connection {
        Connection::open(port).await.expect("a connection to the server")
    }

    async fn tokens(&self, app: App, connection: &mut Connection) -> Result<work::Tokens, String> {
        work::code_flow(connection, &self.authorize(app), self.basic(app)).await
    }

    fn authorize(&self, app: App) -> Vec<u8> {
        work::authorize_request(self.world.port, app.id, Some(&self.cookies))
    }

    fn basic(&self, app: App) -> &str {
        self.basics.get(&app).expect("a registered app")
    }

    /// The cookie that leads to the app behind the gateway.
    async fn enter_gateway(&self) -> String {
        let mut connection = self.connect(self.world.port).await;
        let path = format!("/gateway/start?rd=http%3A%2F%2F{GATEWAY_APP}%2F");
        let request = get(self.world.port, &path, &[("cookie", &self.cookies)]);
        let answer = connection.exchange(&request).await.expect("an answer");
        let cookie = answer.cookie("doorward_gateway").map(str::to_owned);
        cookie.unwrap_or_else(|| panic!("no gateway cookie:\n{}", self.world.log()))
    }

    async fn sign_in(&self) -> String {
        let mut connection = self.connect(self.world.port).await;
        let cookies = sign_in(&mut connection, WEB_RS256.id).await;
        cookies.unwrap_or_else(|error| panic!("signing in: {error}\n{}", self.world.log()))
    }
}

pub(crate) fn gateway_settings() -> String {
    format!(
        "[server]\ntrusted_proxies = [\"127.0.0.1\"]\n[gateway]\nenabled = true\n\
         [[gateway.apps]]\nhost = \"{GATEWAY_APP}\"\n\
         rules = [{{ path = \"/admin\", allow = [\"role:owner\"] }}, {{ allow = [\"signed-in\"] }}]\n"
    )
}

fn fixed(request: Vec<u8>, expect: &'static str) -> Work {
    Work::Fixed { request, status: 200, expect }
}

fn registration(port: u16) -> Work {
    let body = json!({
        "client_name": "Portal", "redirect_uris": [work::REDIRECT_URI],
        "grant_types": ["authorization_code"], "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic", "contacts": ["ops@rp.test"],
    });
    let body = body.to_string();
    let headers = &[("content-type", "application/json")];
    let path = "/oauth2/register";
    let request = Request { port, method: "POST", path, headers, body: Some(&body) }.write();
    Work::Fixed { request, status: 201, expect: "\"client_secret\":\"" }
}

fn get(port: u16, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    Request { port, method: "GET", path, headers, body: None }.write()
}

pub(crate) fn userinfo(port: u16, token: &str) -> Vec<u8> {
    get(port, "/oauth2/userinfo", &[("authorization", &format!("Bearer {token}"))])
}

/// What a proxy asks.
pub(crate) fn gateway_check(port: u16, cookie: &str) -> Vec<u8> {
    let headers = [
        ("cookie", cookie),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", GATEWAY_APP),
        ("x-forwarded-uri", "/pages/start?from=menu"),
        ("x-forwarded-method", "GET"),
        ("accept", "text/html"),
    ];
    get(port, "/gateway/verify", &headers)
}

/// The first person signs in; gives the cookies.
async fn sign_in(connection: &mut Connection, client_id: &str) -> Result<String, String> {
    let authorize = work::authorize_request(connection.port(), client_id, None);
    work::sign_in(connection, &authorize, (USERNAME, PASSWORD)).await
}

/// The first person signs in and gets tokens for an app.
pub(crate) async fn visit(
    connection: &mut Connection,
    (client_id, basic): (&str, &str),
) -> Result<work::Tokens, String> {
    let cookies = sign_in(connection, client_id).await?;
    let authorize = work::authorize_request(connection.port(), client_id, Some(&cookies));
    work::code_flow(connection, &authorize, basic).await
}

pub(crate) fn introspection(port: u16, basic: &str, token: &str) -> Vec<u8> {
    let headers = &[("authorization", basic)];
    let body = format!("token={token}");
    Request { port, method: "POST", path: "/oauth2/introspect", headers, body: Some(&body) }.write()
}

/// Registers an app and gives its `Authorization` header.
pub(crate) fn register(world: &World, app: App, signer: &Signer) -> String {
    let file = world.path(&format!("{}.json", app.id));
    let mut metadata = json!({ "access_token_alg": app.alg, "grant_types": app.grants });
    match app.special {
        Special::Nothing => {}
        Special::PrivateKeyJwt => {
            metadata["token_endpoint_auth_method"] = "private_key_jwt".into();
            metadata["jwks"] = json!({ "keys": [signer.jwk()] });
        }
        Special::Dpop => metadata["dpop_bound_access_tokens"] = true.into(),
        Special::For(other) => metadata["audience"] = json!([other]),
    }
    std::fs::write(&file, metadata.to_string()).expect("write the app's metadata");
    let file = file.display().to_string();
    let mut arguments = vec!["client", "create", "--name", app.id, "--client-id", app.id];
    arguments.extend(["--type", app.kind, "--metadata", &file, "--skip-consent"]);
    arguments.extend(["--id-token-alg", app.alg, "--access-token-format", app.format.as_str()]);
    if app.kind == "machine" {
        arguments.extend(["--scope", "reports.read", "--scope", "openid"]);
    } else {
        arguments.extend(["--redirect-uri", work::REDIRECT_URI]);
    }
    let made = world.cli(&arguments);
    let secret = made.get("client_secret").and_then(|secret| secret.as_str());
    let Some(secret) = secret else {
        assert_eq!(app.special, Special::PrivateKeyJwt, "no client_secret in {made}");
        return String::new();
    };
    format!("Basic {}", BASE64.encode(format!("{}:{secret}", app.id).as_bytes()))
}

pub(crate) fn create_person(world: &World) {
    let email = format!("{USERNAME}@example.test");
    let arguments = ["user", "create", "--username", USERNAME, "--email", &email];
    let more = ["--name", "Alice Archer", "--email-verified", "--password-file", "-"];
    world.cli_with_input(&[&arguments[..], &more[..]].concat(), PASSWORD);
}

/// From the start of the process to the first "ready".
pub(crate) fn timed_start(world: &mut World) -> Duration {
    let started = Instant::now();
    world.spawn_server();
    while !is_ready(world.management_port) {
        assert!(world.is_running(), "doorward ended:\n{}", world.log());
        assert!(started.elapsed() < Duration::from_mins(1), "not ready:\n{}", world.log());
        std::thread::sleep(Duration::from_millis(1));
    }
    started.elapsed()
}

fn is_ready(port: u16) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
        stream
            .write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer.starts_with(b"HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}
