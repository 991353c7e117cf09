//! A browser without a screen: keeps cookies, fills in forms, follows a redirect when told to.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{COOKIE, HeaderMap, HeaderName, HeaderValue, LOCATION};
use reqwest::{Method, RequestBuilder, StatusCode};
use scraper::Html;
use url::Url;

use super::cookies::{Jar, SetCookie};
use super::form::{Form, selector};

/// One person's browser. Clones share the cookies, as tabs do; [`Browser::new`] is another person.
#[derive(Clone)]
pub struct Browser {
    http: reqwest::Client,
    base: Url,
    jar: Arc<Mutex<Jar>>,
}

impl Browser {
    /// A browser with no cookies. Relative addresses are taken from `base`.
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(30))
            // A connection opened ahead and never used is closed by the server after five seconds: what is
            // sent on it at that moment is lost.
            .pool_idle_timeout(Duration::from_secs(3))
            .no_proxy()
            // Nothing here speaks TLS, and reading the system's certificates takes longer than a
            // request.
            .tls_certs_only([])
            .build()
            .expect("an HTTP client");
        let base = Url::parse(base).expect("a base URL");
        Self { http, base, jar: Arc::default() }
    }

    /// A browser that connects by this client, which must follow no redirect.
    pub fn with_client(http: reqwest::Client, base: &str) -> Self {
        Self { http, base: Url::parse(base).expect("a base URL"), jar: Arc::default() }
    }

    /// Opens an address (absolute, or a path of the base), as typed into the address bar.
    pub async fn get(&self, address: &str) -> Page {
        let request = self.request(Method::GET, &self.resolve(address));
        let request = request.header("Sec-Fetch-Site", "none").header("Sec-Fetch-Mode", "navigate");
        self.send(request).await
    }

    /// Posts fields without a page: what an attacker's or an app's program does.
    pub async fn post(&self, address: &str, fields: &[(&str, &str)]) -> Page {
        self.send(self.request(Method::POST, &self.resolve(address)).form(fields)).await
    }

    /// The address in full.
    pub fn resolve(&self, address: &str) -> Url {
        self.base.join(address).unwrap_or_else(|error| panic!("address `{address}`: {error}"))
    }

    /// A request with this browser's cookies, to be shaped further and given to
    /// [`send`](Self::send).
    pub fn request(&self, method: Method, url: &Url) -> RequestBuilder {
        let mut request = self.http.request(method, url.clone());
        request = request.header("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");
        if let Some(cookies) = self.cookies(|jar| jar.header(url)) {
            request = request.header(COOKIE, cookies);
        }
        request
    }

    /// Sends a request, takes in the cookies, gives the answer. Panics when none comes.
    pub async fn send(&self, request: RequestBuilder) -> Page {
        self.try_send(request).await.expect("an answer")
    }

    /// Like [`send`](Self::send), for tests in which the server may be gone.
    pub async fn try_send(&self, request: RequestBuilder) -> reqwest::Result<Page> {
        let answer = request.send().await?;
        let (url, status, headers) =
            (answer.url().clone(), answer.status(), answer.headers().clone());
        self.cookies(|jar| jar.store(&url, &headers));
        let body = answer.text().await?;
        Ok(Page { browser: self.clone(), url, status, headers, body })
    }

    /// Looks at or changes the cookies.
    pub fn cookies<T>(&self, use_jar: impl FnOnce(&mut Jar) -> T) -> T {
        use_jar(&mut self.jar.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The value of a cookie of the base's host.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies(|jar| jar.get(&self.base, name))
    }

    /// Puts a cookie of the base's host in by hand.
    pub fn plant_cookie(&self, name: &str, value: &str) {
        self.cookies(|jar| jar.plant(&self.base, name, value));
    }

    /// Forgets every cookie.
    pub fn forget_cookies(&self) {
        self.cookies(|jar| *jar = Jar::default());
    }

    /// Another browser that holds the same cookies now and its own from here on: a stolen cookie
    /// jar, or a second device made by copying.
    #[must_use]
    pub fn copy(&self) -> Self {
        let jar = self.cookies(|jar| jar.clone());
        Self { jar: Arc::new(Mutex::new(jar)), ..self.clone() }
    }
}

/// An answer, page or not.
#[derive(Clone)]
pub struct Page {
    pub(super) browser: Browser,
    /// The address asked.
    pub url: Url,
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text.
    pub body: String,
}

impl Page {
    /// The form with this id.
    pub fn form(&self, id: &str) -> Form {
        Form::find(self, id)
    }

    /// The form that goes to this path, for forms without an id.
    pub fn form_to(&self, path: &str) -> Form {
        Form::find_by_path(self, path)
    }

    /// Whether a form with this id is there.
    pub fn has_form(&self, id: &str) -> bool {
        self.has(&format!("form[id='{id}']"))
    }

    /// Whether any element fits the CSS selector.
    pub fn has(&self, css: &str) -> bool {
        Html::parse_document(&self.body).select(&selector(css)).next().is_some()
    }

    /// The text of each element that fits the CSS selector, white space folded.
    pub fn texts(&self, css: &str) -> Vec<String> {
        let document = Html::parse_document(&self.body);
        let selector = selector(css);
        document.select(&selector).map(|e| fold(&e.text().collect::<String>())).collect()
    }

    /// An attribute of each element that fits the CSS selector and has it.
    pub fn attributes(&self, css: &str, name: &str) -> Vec<String> {
        let document = Html::parse_document(&self.body);
        let selector = selector(css);
        let elements = document.select(&selector);
        elements.filter_map(|e| e.value().attr(name)).map(ToOwned::to_owned).collect()
    }

    /// The title.
    pub fn title(&self) -> String {
        self.texts("title").into_iter().next().unwrap_or_default()
    }

    /// All text a reader sees, white space folded.
    pub fn text(&self) -> String {
        self.texts("body").join(" ")
    }

    /// A header's value, empty when absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The cookies it sets.
    pub fn set_cookies(&self) -> Vec<SetCookie> {
        SetCookie::all(&self.headers)
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|error| panic!("not JSON ({error}): {}", self.describe()))
    }

    /// Where it redirects to, in full. Panics when it does not redirect.
    pub fn location(&self) -> Url {
        self.try_location().unwrap_or_else(|| panic!("no redirect: {}", self.describe()))
    }

    /// Where it redirects to, if it does.
    pub fn try_location(&self) -> Option<Url> {
        let location = self.headers.get(LOCATION).and_then(|value| value.to_str().ok())?;
        self.status.is_redirection().then(|| self.url.join(location).ok())?
    }

    /// A parameter of the redirect's query.
    pub fn location_parameter(&self, name: &str) -> Option<String> {
        let location = self.location();
        let mut pairs = location.query_pairs();
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// Goes where it redirects to, one step.
    pub async fn follow(&self) -> Self {
        let location = self.location();
        let request = self.browser.request(Method::GET, &location);
        self.browser.send(request.header("Sec-Fetch-Mode", "navigate")).await
    }

    /// Follows redirects as long as they stay at the origin of this answer. The last answer is a
    /// page, or the redirect that leaves: the one to a client app, which need not exist.
    pub async fn follow_within(self) -> Self {
        let home = self.url.origin();
        let mut page = self;
        for _ in 0..10 {
            match page.try_location() {
                Some(next) if next.origin() == home => page = page.follow().await,
                _ => return page,
            }
        }
        panic!("ten redirects in a row: {}", page.describe())
    }

    /// Follows every redirect to the end.
    pub async fn follow_all(self) -> Self {
        let mut page = self;
        for _ in 0..20 {
            if page.try_location().is_none() {
                return page;
            }
            page = page.follow().await;
        }
        panic!("twenty redirects in a row: {}", page.describe())
    }

    /// Checks the status.
    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.describe());
        self
    }

    /// Checks that a header has exactly this value.
    #[track_caller]
    pub fn assert_header(&self, name: &str, value: &str) -> &Self {
        assert_eq!(self.header(name), value, "header `{name}` of {}", self.describe());
        self
    }

    /// Checks that a header is absent.
    #[track_caller]
    pub fn assert_no_header(&self, name: &str) -> &Self {
        let value = self.headers.get(name);
        assert!(value.is_none(), "header `{name}: {value:?}` of {}", self.describe());
        self
    }

    /// Checks an OAuth error answer: status, `error`, and that no cache may keep it.
    #[track_caller]
    pub fn assert_oauth_error(&self, status: u16, error: &str) -> &Self {
        self.assert_status(status).assert_header("cache-control", "no-store");
        assert!(self.header("content-type").starts_with("application/json"), "{}", self.describe());
        let json = self.json();
        assert_eq!(json.get("error").and_then(|e| e.as_str()), Some(error), "{json}");
        for issued in ["access_token", "refresh_token", "id_token", "code"] {
            assert!(json.get(issued).is_none(), "`{issued}` in an error answer");
        }
        self
    }

    /// Checks the headers every answer of every kind carries.
    #[track_caller]
    pub fn assert_common_headers(&self) -> &Self {
        self.assert_header("x-content-type-options", "nosniff");
        self.assert_header("referrer-policy", "no-referrer");
        self.assert_no_header("server").assert_no_header("x-powered-by")
    }

    /// Checks the headers every HTML page carries besides.
    #[track_caller]
    pub fn assert_page_headers(&self) -> &Self {
        self.assert_common_headers().assert_header("cache-control", "no-store");
        self.assert_header("content-type", "text/html; charset=utf-8");
        self.assert_header("x-frame-options", "DENY");
        let policy = self.header("content-security-policy");
        for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(part), "no `{part}` in `{policy}` of {}", self.describe());
        }
        assert!(!policy.contains("unsafe-"), "`{policy}` of {}", self.describe());
        for name in ["cross-origin-opener-policy", "permissions-policy"] {
            assert!(!self.header(name).is_empty(), "no `{name}` on {}", self.describe());
        }
        self
    }

    /// Address, status, location and the start of the text, for a failing test to show.
    pub fn describe(&self) -> String {
        let text = if self.header("content-type").contains("html") {
            self.text()
        } else {
            self.body.clone()
        };
        let short: String = text.chars().take(600).collect();
        let location = self.header("location");
        format!("{} → {} {location}\n{short}", self.url, self.status)
    }
}

/// A header for [`Browser::request`] from text.
pub fn header(name: &str, value: &str) -> (HeaderName, HeaderValue) {
    let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
    (name, HeaderValue::from_str(value).expect("a header value"))
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
