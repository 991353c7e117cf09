//! A real https server on loopback, for everything Doorward fetches from apps: `jwks_uri`,
//! `request_uri`, sector identifiers, client ID metadata documents, back-channel logout.
//!
//! ```ignore
//! let peer = TlsPeer::start();                                  // or TlsPeer::shared()
//! let world = reachable(World::builder(backend), &[&peer]).start().await;
//! peer.serve("/jwks.json", Answer::json(&jwks));                // again to replace it
//! peer.serve("/logout", Answer::status(204));
//! … register a client with `jwks_uri` = peer.url("/jwks.json") …
//! assert_eq!(peer.hits("/jwks.json"), 1);                       // how often it was asked for
//! let sent = peer.wait_for("/logout", 1).await;                 // what was posted, in order
//! assert_eq!(sent[0].field("logout_token").len(), 1);
//! ```
//!
//! - The peer has its own thread, so it may be shared by tests with different runtimes; paths
//!   should then be unique ([`crate::kit::fixtures::unique`]). `Bed::shared` can reach
//!   [`TlsPeer::shared`].
//! - Its certificate is valid for `localhost` and `127.0.0.1` and comes from
//!   [`Authority::shared`]; [`reachable`] sets `outbound.allow_private` to exactly the peers' ports
//!   and `outbound.extra_ca_file` to that authority.
//! - A path nobody serves is a 404 and is recorded too. [`TlsPeer::connections`] counts TCP
//!   connections, also those that never become a request: a canary has zero.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::authority::{Authority, Name};
use super::process::{Scratch, wait_until_async};
use super::world::WorldBuilder;

/// What the peer answers.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Body,
}

/// The body of an answer.
#[derive(Clone, Debug)]
pub enum Body {
    Bytes(Vec<u8>),
    /// Zeros until the other side has enough.
    Endless,
    /// Nothing, not even a status, for as long as the other side waits.
    Silence,
    /// One byte and then nothing.
    Stalled,
}

impl Answer {
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: Body::Bytes(body.into()) }
    }

    pub fn json(value: &Value) -> Self {
        Self::new(200, "application/json", value.to_string())
    }

    pub fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Body::Bytes(Vec::new()) }
    }

    pub fn redirect(to: &str) -> Self {
        Self::status(302).header("Location", to)
    }

    pub fn of_body(body: Body) -> Self {
        Self { status: 200, headers: Vec::new(), body }
    }

    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A request as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: String,
    /// Without the query.
    pub path: String,
    pub query: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Recorded {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Every value of a form field.
    pub fn field(&self, name: &str) -> Vec<String> {
        let fields = url::form_urlencoded::parse(&self.body);
        fields.filter(|(known, _)| known == name).map(|(_, value)| value.into_owned()).collect()
    }
}

type Handler = Arc<dyn Fn(&Recorded) -> Answer + Send + Sync>;

#[derive(Default)]
struct State {
    routes: Mutex<HashMap<String, Handler>>,
    requests: Mutex<Vec<Recorded>>,
    connections: AtomicUsize,
}

/// The server. It ends when dropped.
pub struct TlsPeer {
    port: u16,
    state: Arc<State>,
    runtime: Option<tokio::runtime::Runtime>,
    dir: Scratch,
}

impl TlsPeer {
    /// A server whose certificate comes from [`Authority::shared`].
    pub fn start() -> Self {
        Self::start_with(Authority::shared())
    }

    /// The server all tests of this process share.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<TlsPeer> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// A server with a certificate from another authority.
    pub fn start_with(authority: &Authority) -> Self {
        let names = [Name::Common("peer"), Name::Dns("localhost"), Name::Address("127.0.0.1")];
        let identity = authority.issue(&names);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_no_client_auth()
            .with_single_cert(vec![identity.certificate.clone()], identity.private_key())
            .expect("a TLS server");
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let port = listener.local_addr().expect("its address").port();
        listener.set_nonblocking(true).expect("a listener that does not block");
        let state = Arc::<State>::default();
        runtime.spawn(accept(listener, acceptor, Arc::clone(&state)));
        let dir = Scratch::new("tls-peer");
        std::fs::write(dir.join("ca.pem"), authority.pem()).expect("write the authority");
        Self { port, state, runtime: Some(runtime), dir }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of a path by the name `localhost`.
    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.port)
    }

    /// The address of a path by the IP address.
    pub fn url_by_address(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.port)
    }

    /// The authority's certificate in PEM.
    pub fn ca_file(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// Answers this path (without query) like this from now on.
    pub fn serve(&self, path: &str, answer: Answer) {
        self.serve_with(path, move |_| answer.clone());
    }

    /// Answers this path as the function says from now on.
    pub fn serve_with(
        &self,
        path: &str,
        handler: impl Fn(&Recorded) -> Answer + Send + Sync + 'static,
    ) {
        lock(&self.state.routes).insert(path.to_owned(), Arc::new(handler));
    }

    /// Everything that was asked of this path so far.
    pub fn requests(&self, path: &str) -> Vec<Recorded> {
        lock(&self.state.requests).iter().filter(|seen| seen.path == path).cloned().collect()
    }

    /// How often this path was asked for.
    pub fn hits(&self, path: &str) -> usize {
        self.requests(path).len()
    }

    /// Waits until this path was asked for so often, and gives the requests.
    pub async fn wait_for(&self, path: &str, count: usize) -> Vec<Recorded> {
        let limit = Duration::from_secs(20);
        wait_until_async("a request to the peer", limit, async || self.hits(path) >= count).await;
        self.requests(path)
    }

    /// TCP connections so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

impl Drop for TlsPeer {
    fn drop(&mut self) {
        // A runtime may not be waited for inside another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Lets a Doorward reach these peers, and nothing else that is private.
#[must_use]
pub fn reachable(builder: WorldBuilder, peers: &[&TlsPeer]) -> WorldBuilder {
    let places = peers.iter().map(|peer| format!("localhost:{0},127.0.0.1:{0}", peer.port));
    let places = places.collect::<Vec<_>>().join(",");
    let file = peers.first().expect("a peer").ca_file();
    builder
        .env("DOORWARD_OUTBOUND__ALLOW_PRIVATE", &places)
        .env("DOORWARD_OUTBOUND__EXTRA_CA_FILE", &file.display().to_string())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: std::net::TcpListener, acceptor: TlsAcceptor, state: Arc<State>) {
    let listener = TcpListener::from_std(listener).expect("a listener");
    while let Ok((stream, _)) = listener.accept().await {
        state.connections.fetch_add(1, Ordering::SeqCst);
        tokio::spawn(converse(stream, acceptor.clone(), Arc::clone(&state)));
    }
}

/// One connection, one request: what comes back is never the leftover of another test.
async fn converse(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    state: Arc<State>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(acceptor.accept(stream).await?);
    let request = read_request(&mut stream).await?;
    let handler = lock(&state.routes).get(&request.path).cloned();
    lock(&state.requests).push(request.clone());
    let answer = handler.map_or_else(|| Answer::status(404), |handler| handler(&request));
    let mut head = format!("HTTP/1.1 {} Answer\r\nConnection: close\r\n", answer.status);
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    match answer.body {
        Body::Bytes(bytes) => {
            let _ = write!(head, "Content-Length: {}\r\n\r\n", bytes.len());
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&bytes).await?;
        }
        Body::Endless => {
            stream.write_all(format!("{head}\r\n").as_bytes()).await?;
            loop {
                stream.write_all(&[b' '; 4096]).await?;
            }
        }
        Body::Silence => std::future::pending().await,
        Body::Stalled => {
            stream.write_all(format!("{head}Content-Length: 100\r\n\r\n{{").as_bytes()).await?;
            stream.flush().await?;
            std::future::pending::<()>().await;
        }
    }
    stream.flush().await?;
    stream.shutdown().await
}

async fn read_request<S>(stream: &mut BufReader<S>) -> std::io::Result<Recorded>
where
    S: tokio::io::AsyncRead + Unpin,
{
    let mut first = String::new();
    stream.read_line(&mut first).await?;
    let mut words = first.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut request = Recorded { method, path, query, headers, body: Vec::new() };
    let length = request.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await?;
    Ok(request)
}
