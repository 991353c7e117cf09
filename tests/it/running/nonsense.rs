//! Five thousand requests on each backend, put together at random from pieces that programs trip over,
//! on every route: no 5xx, no panic, the same process afterwards (security catalogue, the invariants
//! of every row). With those of `malformed` they are more than twenty thousand. `DOORWARD_TEST_NONSENSE` sets another number, and `DOORWARD_TEST_SEED` the start of
//! another sequence.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder};

use crate::kit::fixtures::{ALICE, Bed};
use crate::kit::gateway::builder;
use crate::running::malformed::{ROUTES, assert_no_failure};
use crate::support::browser_like::Browser;

/// How many requests are under way at once.
const AT_ONCE: usize = 16;
/// How long all of it may take on the slowest machine.
const PATIENCE: Duration = Duration::from_mins(5);

const METHODS: [&str; 9] =
    ["GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"];

/// What queries and bodies are made of.
const PIECES: [&str; 48] = [
    "&",
    "=",
    "%",
    "%00",
    "%ff",
    "%zz",
    "%2e%2e%2f",
    "+",
    ";",
    "\"",
    "'",
    "<",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\u0000",
    "\\ud800",
    "null",
    "1e999",
    "-1",
    "99999999999999999999",
    "a",
    "client_id",
    "conf-basic",
    "redirect_uri",
    "https%3A%2F%2Frp.test%2Fcb",
    "response_type",
    "code",
    "scope",
    "openid",
    "state",
    "grant_type",
    "refresh_token",
    "client_secret",
    "flow",
    "csrf",
    "username",
    "password",
    "request",
    "claims",
    "id_token_hint",
    "rd",
    "eyJhbGciOiJub25lIn0.e30.",
    "\u{1f6aa}",
    "urn:ietf:params:oauth:request_uri:x",
];

const HEADERS: [&str; 18] = [
    "content-type",
    "content-encoding",
    "authorization",
    "dpop",
    "cookie",
    "origin",
    "accept",
    "accept-language",
    "if-match",
    "if-none-match",
    "range",
    "x-forwarded-for",
    "x-forwarded-uri",
    "x-forwarded-host",
    "x-original-url",
    "x-request-id",
    "sec-fetch-site",
    "client-cert",
];

const VALUES: [&str; 20] = [
    "",
    "application/x-www-form-urlencoded",
    "application/json",
    "application/merge-patch+json",
    "*",
    "gzip",
    "Bearer x",
    "Bearer a.b.c",
    "DPoP x",
    "Basic eDp5",
    "Basic %",
    "doorward_session=x",
    "\"a\", W/\"b\"",
    "bytes=0-",
    "http://localhost:1001/%00",
    "localhost:1001",
    "null",
    "..",
    "q=9;;,",
    "\t",
];

/// Numbers without order that come again with the same seed (xorshift64*).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let mixed = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(mixed).expect("31 bits") % below
    }

    fn one_of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.roll(all.len())]
    }

    /// Pieces in any order; now and then very many.
    fn text(&mut self) -> String {
        let most = if self.roll(40) == 0 { 3_000 } else { 12 };
        (0..self.roll(most)).map(|_| self.one_of(&PIECES)).collect()
    }

    /// A value of a header, with any bytes that one may hold.
    fn value(&mut self) -> HeaderValue {
        let mut bytes = self.one_of(&VALUES).as_bytes().to_vec();
        for _ in 0..self.roll(4) {
            let place = self.roll(bytes.len() + 1);
            bytes.insert(place, u8::try_from(0x20 + self.roll(0xe0)).expect("a byte"));
        }
        HeaderValue::from_bytes(&bytes).unwrap_or_else(|_| HeaderValue::from_static("x"))
    }

    fn request(&mut self, browser: &Browser) -> (RequestBuilder, String) {
        let path = self.one_of(ROUTES);
        let mut url = browser.resolve(path);
        if self.roll(3) > 0 {
            url.set_query(Some(&self.text()));
        }
        let method = self.one_of(&METHODS);
        let what = format!("{method} {url:.300}");
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let mut request = browser.request(method, &url);
        if self.roll(2) == 0 {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for _ in 0..self.roll(4) {
            let name = HeaderName::from_static(self.one_of(&HEADERS));
            request = request.header(name, self.value());
        }
        (request.body(self.text()), what)
    }
}

/// The number in a variable of the environment.
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("a number"))
}

on_both_backends! {
    async fn thousands_of_requests_that_make_no_sense_are_never_our_failure(backend: Backend) {
        let mut bed = Bed::new(builder(backend).start().await, &["conf-basic"]).await;
        let pid = bed.world.pid();
        let browsers = [bed.signed_in(&ALICE).await, bed.world.browser()];
        let seed = setting("DOORWARD_TEST_SEED", 4711);
        let (mut dice, start) = (Dice(seed.max(1)), Instant::now());
        let mut left = usize::try_from(setting("DOORWARD_TEST_NONSENSE", 5_000)).expect("a number");
        while left > 0 {
            let count = left.min(AT_ONCE);
            left -= count;
            let wave: Vec<_> = (0..count).map(|number| {
                let browser = &browsers[number % 2];
                let (request, what) = dice.request(browser);
                async move { assert_no_failure(browser, request, &what).await }
            }).collect();
            join_all(wave).await;
            assert!(start.elapsed() < PATIENCE, "{left} requests are left, seed {seed}");
        }
        assert!(bed.world.is_running());
        assert_eq!(bed.world.pid(), pid);
        bed.world.browser().get("/readyz").await.assert_status(200);
        bed.assert_log_is_clean();
    }
}
