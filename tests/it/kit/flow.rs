//! What the session, race, fault and crash tests share: a client app that talks to the protocol's
//! endpoints, people who sign in, and a look into the database.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};

use crate::support::backends::Backend;
use crate::support::browser_like::{Browser, Page};
use crate::support::form::Form;
use crate::support::process::{Guarded, START_LIMIT, Signal, free_port, wait_until_async};
use crate::support::world::World;

/// Everybody's password.
pub const PASSWORD: &str = "nine-quiet-otters-paint-8-doors";
/// Where codes are sent. Nothing listens there; the redirect is only read.
pub const REDIRECT: &str = "https://rp.test/cb";
/// Verifier and challenge of RFC 7636 appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// The session cookie's name on a plain-http loopback issuer.
pub const SESSION_COOKIE: &str = "doorward_session";
/// How long anything is waited for. Generous, since machines are slow; promises are shorter.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Makes a person who can sign in with [`PASSWORD`]; gives the id.
pub fn create_user(world: &World, username: &str) -> String {
    let email = format!("{username}@example.test");
    let arguments =
        ["user", "create", "--username", username, "--email", &email, "--password-file", "-"];
    let made = world.cli_with_input(&arguments, PASSWORD);
    made.get("id").and_then(Value::as_str).unwrap_or_else(|| panic!("no id in {made}")).to_owned()
}

/// A browser in which this person has just signed in on Doorward's own page.
pub async fn sign_in(world: &World, username: &str) -> Browser {
    let browser = world.browser();
    let answer = submit_sign_in(&browser, username, PASSWORD).await;
    assert_eq!(answer.status.as_u16(), 303, "{}", answer.describe());
    browser
}

/// Fills in the sign-in form of Doorward's own page.
pub async fn submit_sign_in(browser: &Browser, username: &str, password: &str) -> Page {
    let page = browser.get("/login").await;
    let form = page.form("sign-in").set("username", username).set("password", password);
    form.submit().await
}

/// Whether this browser is signed in, as `/account` sees it.
pub async fn is_signed_in(browser: &Browser) -> bool {
    let page = browser.get("/account").await;
    match page.status.as_u16() {
        200 => true,
        303 => false,
        _ => panic!("neither in nor out: {}", page.describe()),
    }
}

/// Presses "sign out" on the confirmation page.
pub async fn sign_out(browser: &Browser) -> Page {
    let page = browser.get("/logout").await;
    page.form("sign-out").press("decision", "logout").submit().await
}

/// A client app that keeps a secret and asks nobody for consent.
#[derive(Clone)]
pub struct App {
    pub id: String,
    pub secret: String,
    base: String,
    http: reqwest::Client,
}

/// The answer of an endpoint for programs.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
}

/// What a sign-in or refresh gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    pub id: String,
}

impl Answer {
    /// The body as JSON; null when it is something else.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// The OAuth error code, if the body holds one.
    pub fn error(&self) -> Option<String> {
        self.json().get("error").and_then(Value::as_str).map(ToOwned::to_owned)
    }

    /// Checks that it is this OAuth error.
    #[track_caller]
    pub fn assert_error(&self, status: u16, error: &str) {
        assert_eq!((self.status, self.error().as_deref()), (status, Some(error)), "{self:?}");
        assert!(self.json().get("access_token").is_none(), "{self:?}");
    }

    /// The tokens of a good answer.
    #[track_caller]
    pub fn tokens(&self) -> Tokens {
        assert_eq!(self.status, 200, "{self:?}");
        let json = self.json();
        let text = |name| json.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Tokens {
            access: text("access_token"),
            refresh: text("refresh_token"),
            id: text("id_token"),
        }
    }
}

impl App {
    /// Registers an app by the command line; `extra` are further flags.
    pub fn register(world: &World, id: &str, extra: &[&str]) -> Self {
        let fixed = ["client", "create", "--name", id, "--type", "web", "--client-id", id];
        let more = ["--redirect-uri", REDIRECT, "--skip-consent"];
        let made = world.cli(&[&fixed, &more[..], extra].concat());
        Self::known(world, id, made["client_secret"].as_str().expect("a secret"))
    }

    /// An app that is registered already, or believed to be.
    pub fn known(world: &World, id: &str, secret: &str) -> Self {
        let (id, secret) = (id.to_owned(), secret.to_owned());
        Self { id, secret, base: world.issuer.clone(), http: http_client() }
    }

    /// The address that starts a sign-in.
    pub fn authorize_path(&self, extra: &[(&str, &str)]) -> String {
        let mut url = url::Url::parse(&format!("{}/oauth2/authorize", self.base)).expect("a URL");
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.id)
            .append_pair("redirect_uri", REDIRECT)
            .append_pair("state", "st-4711")
            .append_pair("nonce", "n-0815")
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256");
        if !extra.iter().any(|(name, _)| *name == "scope") {
            url.query_pairs_mut().append_pair("scope", "openid profile email");
        }
        for (name, value) in extra {
            url.query_pairs_mut().append_pair(name, value);
        }
        url.to_string()
    }

    /// The code a signed-in browser gets without being asked anything.
    pub async fn code(&self, browser: &Browser) -> String {
        self.code_with(browser, &[]).await
    }

    /// Like [`code`](Self::code) with further parameters.
    pub async fn code_with(&self, browser: &Browser, extra: &[(&str, &str)]) -> String {
        let page = browser.get(&self.authorize_path(extra)).await;
        let code = page.try_location().and_then(|_| page.location_parameter("code"));
        code.unwrap_or_else(|| panic!("no code: {}", page.describe()))
    }

    /// Sends a form to an endpoint with this app's secret.
    pub async fn try_post(&self, path: &str, fields: &[(&str, &str)]) -> reqwest::Result<Answer> {
        let request = self.http.post(format!("{}{path}", self.base));
        read(request.basic_auth(&self.id, Some(&self.secret)).form(fields)).await
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.try_post(path, fields).await.expect("an answer")
    }

    /// Redeems a code, when the server may be gone.
    pub async fn try_redeem(&self, code: &str) -> reqwest::Result<Answer> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", VERIFIER),
        ];
        self.try_post("/oauth2/token", &fields).await
    }

    /// Redeems a code.
    pub async fn redeem(&self, code: &str) -> Answer {
        self.try_redeem(code).await.expect("an answer")
    }

    /// Refreshes, when the server may be gone.
    pub async fn try_refresh(&self, token: &str) -> reqwest::Result<Answer> {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.try_post("/oauth2/token", &fields).await
    }

    /// Refreshes.
    pub async fn refresh(&self, token: &str) -> Answer {
        self.try_refresh(token).await.expect("an answer")
    }

    /// Asks for a token for itself.
    pub async fn client_credentials(&self) -> Answer {
        self.post("/oauth2/token", &[("grant_type", "client_credentials")]).await
    }

    /// Revokes a token.
    pub async fn revoke(&self, token: &str) -> Answer {
        self.post("/oauth2/revoke", &[("token", token)]).await
    }

    /// Asks about a token.
    pub async fn introspect(&self, token: &str) -> Answer {
        self.post("/oauth2/introspect", &[("token", token)]).await
    }

    /// Asks about a token, naming what this app can read.
    pub async fn introspect_as(&self, token: &str, accept: &str) -> Answer {
        let request = self.http.post(format!("{}/oauth2/introspect", self.base));
        let request = request.basic_auth(&self.id, Some(&self.secret)).header("Accept", accept);
        read(request.form(&[("token", token)])).await.expect("an answer")
    }

    /// Asks who the token speaks of.
    pub async fn userinfo(&self, token: &str) -> Answer {
        self.try_userinfo(token).await.expect("an answer")
    }

    /// Asks who the token speaks of, when the server may be gone.
    pub async fn try_userinfo(&self, token: &str) -> reqwest::Result<Answer> {
        let request = self.http.get(format!("{}/oauth2/userinfo", self.base)).bearer_auth(token);
        read(request).await
    }

    /// Signs this app in in a browser that Doorward knows.
    pub async fn tokens(&self, browser: &Browser) -> Tokens {
        self.tokens_with(browser, &[]).await
    }

    /// Like [`tokens`](Self::tokens) with further parameters.
    pub async fn tokens_with(&self, browser: &Browser, extra: &[(&str, &str)]) -> Tokens {
        // A code that a busy server did not take is not sent again: it may have been spent.
        patiently(async || self.redeem(&self.code_with(browser, extra).await).await).await.tokens()
    }

    /// Whether userinfo and introspection take the access token. Both must say the same.
    pub async fn access_lives(&self, access: &str) -> bool {
        match self.standing(access).await {
            (userinfo, introspection) if userinfo == introspection => userinfo,
            mixed => panic!("userinfo and introspection disagree: {mixed:?}"),
        }
    }

    /// What userinfo and introspection say of the access token, which may differ for the moment in
    /// which another process's change becomes known.
    async fn standing(&self, access: &str) -> (bool, bool) {
        let userinfo = self.userinfo(access).await;
        let introspection = self.introspect(access).await;
        let lives_at_userinfo = match (userinfo.status, userinfo.error().as_deref()) {
            (200, None) => true,
            (401, Some("invalid_token")) => false,
            _ => panic!("neither alive nor dead: {userinfo:?}"),
        };
        let active = introspection.json().get("active").and_then(Value::as_bool);
        match (introspection.status, active) {
            (200, Some(true)) => (lives_at_userinfo, true),
            (200, Some(false)) => {
                assert_eq!(introspection.text, r#"{"active":false}"#);
                (lives_at_userinfo, false)
            }
            _ => panic!("neither alive nor dead: {introspection:?}"),
        }
    }

    /// Checks that the access token counts.
    pub async fn assert_alive(&self, tokens: &Tokens) {
        assert!(self.access_lives(&tokens.access).await, "the access token should count");
    }

    /// Checks that access and refresh token are dead, now.
    pub async fn assert_dead(&self, tokens: &Tokens) {
        assert!(!self.access_lives(&tokens.access).await, "the access token should be dead");
        self.refresh(&tokens.refresh).await.assert_error(400, "invalid_grant");
    }

    /// Waits until the access token is dead, then checks the refresh token.
    pub async fn wait_until_dead(&self, tokens: &Tokens) {
        self.wait_until_access_dead(&tokens.access).await;
        self.assert_dead(tokens).await;
    }

    /// Waits until neither userinfo nor introspection takes the access token.
    pub async fn wait_until_access_dead(&self, access: &str) {
        wait_until_async("the access token dying", PATIENCE, async || {
            self.standing(access).await == (false, false)
        })
        .await;
    }
}

/// A client for programs: no redirects, no proxy, one pool of connections.
pub fn http_client() -> reqwest::Client {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(Duration::from_secs(30))
        // A connection opened ahead and never used is closed by the server after five seconds: what is
        // sent on it at that moment is lost.
        .pool_idle_timeout(Duration::from_secs(3))
        .no_proxy()
        .tls_certs_only([])
        .build()
        .expect("an HTTP client")
}

/// Sends a request and reads the whole answer.
pub async fn read(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let answer = request.send().await?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    Ok(Answer { status, headers, text: answer.text().await? })
}

/// Asks as an honest client does: told to come back, because too many wait, it does.
pub async fn patiently(ask: impl AsyncFn() -> Answer) -> Answer {
    for _ in 0..8 {
        let answer = ask().await;
        if answer.status != 503 {
            return answer;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    ask().await
}

/// Gets an address.
pub async fn get(address: &str) -> Answer {
    read(http_client().get(address)).await.expect("an answer")
}

/// How many grants are alive, for [`count`].
pub const LIVING: &str = "select count(*) from grants where revoked_at is null";

/// The one number that a query of the world's database gives.
pub async fn count(world: &World, sql: &str) -> i64 {
    let (url, sql) = (world.database_url(), AssertSqlSafe(sql.to_owned()));
    match world.backend {
        Backend::Embedded => {
            let mut connection = SqliteConnection::connect(&url).await.expect("open the database");
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a number")
        }
        Backend::Production => {
            let mut connection = PgConnection::connect(&url).await.expect("open the database");
            sqlx::query_scalar(sql).fetch_one(&mut connection).await.expect("a number")
        }
    }
}

/// Makes every copy of a session one that is not believed: their cookies have a tombstone.
pub async fn forget_copies(world: &World) {
    let stones = "insert into revocations (kind, subject, version, revoked_at, expires_at) \
                  select 'cookie', secret_hash, 0, created_at, created_at + 3600 from sessions";
    execute(world, stones).await;
    execute(world, "update sync_state set revocations = revocations + 1").await;
}

/// Runs statements in the world's database.
pub async fn execute(world: &World, sql: &str) {
    let (url, text) = (world.database_url(), AssertSqlSafe(sql.to_owned()));
    let done = match world.backend {
        Backend::Embedded => {
            let mut connection = SqliteConnection::connect(&url).await.expect("open the database");
            sqlx::raw_sql(text).execute(&mut connection).await.map(|_| ())
        }
        Backend::Production => {
            let mut connection = PgConnection::connect(&url).await.expect("open the database");
            sqlx::raw_sql(text).execute(&mut connection).await.map(|_| ())
        }
    };
    done.unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Sends a form when the server may be gone; the way a browser does it.
pub async fn try_submit(browser: &Browser, form: Form) -> reqwest::Result<Page> {
    let request = browser.request(reqwest::Method::POST, &form.action).form(&form.pairs());
    browser.try_send(request.header("Sec-Fetch-Site", "same-origin")).await
}

/// Opens a path when the server may be gone.
pub async fn try_get(browser: &Browser, address: &str) -> reqwest::Result<Page> {
    browser.try_send(browser.request(reqwest::Method::GET, &browser.resolve(address))).await
}

/// A second server beside a world's own, on the same data.
pub struct SecondNode {
    process: Guarded,
    pub port: u16,
    management_port: u16,
    log: std::path::PathBuf,
}

impl SecondNode {
    /// Starts it and does not wait.
    pub fn spawn(world: &World) -> Self {
        let (port, management_port) = (free_port(), free_port());
        let log = world.path(&format!("node-{port}.log"));
        let mut command = world.command(&["serve"]);
        command.env("DOORWARD_SERVER__LISTEN", format!("127.0.0.1:{port}"));
        command.env("DOORWARD_MANAGEMENT__LISTEN", format!("127.0.0.1:{management_port}"));
        let process = Guarded::start(&mut command, &log, Signal::Kill);
        Self { process, port, management_port, log }
    }

    /// Waits until it is ready.
    pub async fn ready(&mut self) {
        let address = format!("http://127.0.0.1:{}/readyz", self.management_port);
        let http = http_client();
        wait_until_async("the second node getting ready", START_LIMIT, async || {
            let ended = self.process.ended();
            assert!(ended.is_none(), "the second node ended with {ended:?}:\n{}", self.log());
            http.get(&address).send().await.is_ok_and(|answer| answer.status().is_success())
        })
        .await;
    }

    /// Everything it wrote so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Where its metrics are.
    pub fn metrics_url(&self) -> String {
        format!("http://127.0.0.1:{}/metrics", self.management_port)
    }

    /// Its own address; the issuer is the first node's, as behind one proxy.
    pub fn base(&self) -> String {
        format!("http://localhost:{}", self.port)
    }
}

/// The addresses of a world's nodes, two where both databases of a cluster are there, and the second one, which
/// runs as long as it is kept.
pub async fn every_node(world: &World) -> (Vec<String>, Option<SecondNode>) {
    let mut bases = vec![world.url("")];
    // One node alone has the in-process store.
    let mut node = (world.backend == Backend::Production).then(|| SecondNode::spawn(world));
    if let Some(node) = &mut node {
        node.ready().await;
        bases.push(node.base());
    }
    (bases, node)
}

impl App {
    /// Somebody signs in to the app and allows what it asks for.
    pub async fn allow(&self, browser: &Browser) {
        let question = browser.get(&self.authorize_path(&[])).await;
        question.form("consent").press("decision", "allow").submit().await.assert_status(303);
    }

    /// The same app talking to another node.
    #[must_use]
    pub fn at(&self, node: &SecondNode) -> Self {
        self.at_address(node.base())
    }

    /// The same app talking to whoever listens there.
    #[must_use]
    pub fn at_address(&self, base: String) -> Self {
        Self { base, ..self.clone() }
    }
}

/// A claim of a token as text, without verifying anything.
pub fn claim(token: &str, name: &str) -> String {
    let payload = token.split('.').nth(1).expect("three parts");
    let bytes = data_encoding::BASE64URL_NOPAD.decode(payload.as_bytes()).expect("base64url");
    let claims: serde_json::Value = serde_json::from_slice(&bytes).expect("JSON");
    claims.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}
