//! Malformed and oversized requests on every route: no 5xx, no panic, the same process alive
//! afterwards (security catalogue, row 132 and the invariants of every row).

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use reqwest::Method;

use crate::kit::console::csrf_on;
use crate::kit::fixtures::{ALICE, Bed, MALLORY, fill_in};
use crate::kit::gateway::builder;
use crate::support::browser_like::Browser;

/// Every route outside the console, as programs and people reach it. `routes.rs` beside this file sees to
/// it that none is missing.
pub(crate) const ROUTES: &[&str] = &[
    "/",
    "/login",
    "/login/reset",
    "/login/not-me",
    "/login/create",
    "/login/again",
    "/login/account",
    "/login/organisation",
    "/login/password",
    "/consent",
    "/setup",
    "/device",
    "/oauth2/device_authorization",
    "/logout",
    "/account",
    "/account/sessions/x/end",
    "/account/connections/x/end",
    "/account/sign-out",
    "/admin",
    "/admin/users",
    "/admin/clients",
    "/admin/sessions",
    "/admin/keys",
    "/admin/upstream",
    "/admin/webhooks",
    "/admin/api-keys",
    "/admin/registration-tokens",
    "/admin/settings",
    "/admin/audit",
    "/admin/try/callback",
    "/oauth2/authorize",
    "/oauth2/token",
    "/oauth2/userinfo",
    "/oauth2/introspect",
    "/oauth2/revoke",
    "/oauth2/logout",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/jwks.json",
    "/.well-known/webfinger",
    "/.well-known/change-password",
    "/static/flow.css",
    "/branding/accent.ff8800.css",
    "/static/..%2f..%2fetc/passwd",
    "/livez",
    "/readyz",
    "/healthz",
    "/nowhere/%ff%00",
    "/account/allowed/end",
    "/account/organisations",
    "/oauth2/par",
    "/oauth2/register",
    "/oauth2/register/conf-basic",
    "/oauth2/check_session",
    "/gateway/verify",
    "/gateway/verify?redirect",
    "/gateway/envoy",
    "/gateway/envoy/public/%2e%2e/%00%ff",
    "/gateway/start",
    "/gateway/start?rd=http%3A%2F%2Flocalhost%3A1001%2F%00",
    "/api/v1/session-data/cart",
    "/api/v1/session-data/user:durable:%00%ff",
    "/api/v1/session-data/",
    "/api/v1/openapi.json",
    "/api/v1/users",
    "/api/v1/users?access_token=dwk_x&limit=%00",
    "/api/v1/users/%00%ff",
    "/api/v1/groups/a/members/%2e%2e",
    "/api/v1/clients/x/secret",
    "/api/v1/clients/x/secrets/%00%ff",
    "/api/v1/registration-tokens/%00%ff",
    "/api/v1/issuers/%00%ff",
    "/api/v1/upstream-providers/%00%ff",
    "/api/v1/webhooks/%00%ff",
    "/api/v1/audit-events",
    "/api/v1/nowhere",
    "/scim/v2/.search",
    "/scim/v2/Users/.search",
    "/scim/v2/Groups/.search",
    "/scim/v2/Users",
    "/scim/v2/Users/%00%ff",
    "/scim/v2/Groups",
    "/scim/v2/Groups/none",
    "/scim/v2/ServiceProviderConfig",
    "/scim/v2/ResourceTypes",
    "/scim/v2/ResourceTypes/User",
    "/scim/v2/Schemas",
    "/scim/v2/Schemas/%00",
    "/scim/v2/nowhere",
];

/// Queries and bodies no honest client sends.
fn nonsense() -> Vec<String> {
    let mut all: Vec<String> = [
        "", "&", "=", "==&&==", "%", "%zz", "%00", "%ff%fe", "a=%00&b=%ff", "\u{1f6aa}=\u{1f6aa}",
        "client_id", "client_id=", "client_id=conf-basic&client_id=conf-basic", "client_id=%00",
        "client_id=conf-basic&redirect_uri=https%3A%2F%2Frp.test%2Fcb&response_type=%00",
        "client_id=conf-basic&redirect_uri=https%3A%2F%2Frp.test%2Fcb&scope=%ff&state=%00%ff",
        "client_id=conf-basic&redirect_uri=https%3A%2F%2Frp.test%2Fcb&response_type=code&scope=openid&id_token_hint=....&max_age=99999999999999999999",
        "client_id=conf-basic&redirect_uri=https%3A%2F%2Frp.test%2Fcb&response_type=code&scope=openid&claims=%7B%7B%7B",
        "flow=x&csrf=x&username=x&password=x", "flow=%00&csrf=%00", "token=%00&password=%00",
        "grant_type=authorization_code&code=%00", "grant_type=refresh_token&refresh_token=%00",
        "grant_type=%00", "grant_type=client_credentials&client_id=%00&client_secret=%ff",
        "id_token_hint=%00&post_logout_redirect_uri=%00&state=%00", "search=%00&after=%00&limit=-1",
        "after=1e400&limit=99999999999999999999", "token[]=x&token[0]=y&token.z=w", "a[b][c]=d",
        "__proto__=x&constructor=y", "<!DOCTYPE x [<!ENTITY y SYSTEM 'file:///etc/passwd'>]>",
        "{\"a\":1}", "[[[[[[[[", "null",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push("a=b&".repeat(129));
    all.push(format!("x={}", "y".repeat(5_000)));
    all.push((0..127).map(|n| format!("p{n}=%00")).collect::<Vec<_>>().join("&"));
    all
}

pub(super) async fn assert_no_failure(
    browser: &Browser,
    request: reqwest::RequestBuilder,
    what: &str,
) {
    match browser.try_send(request).await {
        Ok(page) => {
            assert!(page.status.as_u16() < 500, "{what}: {}", page.describe());
            for inside in ["panicked", "src/", "sqlx", "SELECT", "syntax error", "thread '"] {
                assert!(!page.body.contains(inside), "`{inside}` for {what}: {}", page.describe());
            }
        }
        // Closing the connection on nonsense is an answer, too.
        Err(error) => assert!(!error.is_timeout(), "{what}: {error}"),
    }
}

/// Sends bytes and gives what comes back within ten seconds.
fn raw(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a limit");
    let _ = stream.write_all(bytes);
    let mut answer = vec![0; 4096];
    let count = stream.read(&mut answer).unwrap_or(0);
    String::from_utf8_lossy(&answer[..count]).into_owned()
}

/// What the server has allocated and touched, in KiB; its code, read in bit by bit, not counted.
fn memory(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("its status");
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("RssAnon");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("a number")
}

on_both_backends! {
    async fn nonsense_on_every_route_is_never_our_failure(backend: Backend) {
        let mut bed = Bed::new(builder(backend).start().await, &["conf-basic"]).await;
        let pid = bed.world.pid();
        let signed_in = bed.signed_in(&ALICE).await;
        let nonsense = nonsense();
        let mut sent = 0;
        for (number, path) in ROUTES.iter().enumerate() {
            let browser = if number % 2 == 0 { &signed_in } else { &bed.world.browser() };
            let url = browser.resolve(path);
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "FOO"] {
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let request = browser.request(method.clone(), &url);
                assert_no_failure(browser, request, &format!("{method} {path}")).await;
                sent += 1;
            }
            for text in &nonsense {
                let what = format!("{path} with {text:.80}");
                let mut address = url.clone();
                address.set_query(Some(text));
                let get = browser.request(Method::GET, &address);
                assert_no_failure(browser, get, &what).await;
                let post = browser.request(Method::POST, &url).body(text.clone());
                let post = post.header("Content-Type", "application/x-www-form-urlencoded");
                assert_no_failure(browser, post, &what).await;
                sent += 2;
            }
            for (name, value) in [
                ("Content-Type", "application/x-www-form-urlencoded; charset=utf-7"),
                ("Content-Type", "\u{ff}"), ("Content-Encoding", "gzip"),
                ("Content-Encoding", "br, gzip, x"), ("Authorization", "Basic \u{ff}\u{fe}"),
                ("Authorization", "Bearer \u{ff}"), ("Cookie", "doorward_session=\u{ff}; ; =; a"),
                ("Cookie", "doorward_browser=\"x\"; doorward_browser=y"), ("Origin", "\u{ff}"),
                ("Accept-Language", "*;q=9999"), ("Range", "bytes=-1"), ("Expect", "x"),
                ("X-Request-Id", "\u{ff}"), ("If-None-Match", "*"), ("Sec-Fetch-Site", "\u{ff}"),
                ("If-Match", "\u{ff}"), ("DPoP", "\u{ff}"), ("Authorization", "DPoP ...."),
                ("X-Original-URL", "http://localhost:1001/\u{ff}"), ("X-Original-Method", "\u{ff}"),
                ("X-Forwarded-Uri", "/%00\u{ff}"), ("X-Forwarded-For", "\u{ff}, 127.0.0.1"),
            ] {
                let request = browser.request(Method::POST, &url).body("a=b");
                let value: Vec<u8> = value.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
                let value = reqwest::header::HeaderValue::from_bytes(&value).unwrap();
                let request = request.header(name, value);
                assert_no_failure(browser, request, &format!("{path} {name}")).await;
                sent += 1;
            }
        }
        let administrator = administrator(&bed).await;
        let csrf = csrf_on(&administrator.get("/account").await);
        for (method, path, _) in doorward::http::console::addresses() {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            for id in ["x", "%00", "%ff", "..%2f..", "'%20or%201=1", "%F0%9F%9A%AA", &"y".repeat(3_000)] {
                let url = administrator.resolve(&path.replace("{id}", id));
                for text in ["", "%00=%ff", "after=%00&search=%ff%00&limit=x&page=-1&kid=%00"] {
                    let mut address = url.clone();
                    address.set_query(Some(text));
                    let request = administrator.request(method.clone(), &address);
                    let request = request.header("Content-Type", "application/x-www-form-urlencoded");
                    let what = format!("{method} {address:.120}");
                    assert_no_failure(&administrator, request.body(text), &what).await;
                    sent += 1;
                }
            }
            // With the right token, so that it is read by what would do it. A new key takes seconds to make.
            if path == "/admin/keys/rotate" {
                continue;
            }
            let url = administrator.resolve(&path.replace("{id}", "x"));
            for text in &nonsense {
                let what = format!("{method} {path} with {text:.80}");
                let mut address = url.clone();
                address.set_query(Some(text));
                let request = administrator.request(method.clone(), &address);
                let request = request.header("Content-Type", "application/x-www-form-urlencoded");
                let body = format!("csrf={csrf}&{text}");
                assert_no_failure(&administrator, request.body(body), &what).await;
                sent += 1;
            }
        }
        // With the five thousand of `nonsense` more than the twenty thousand that are promised.
        assert!(sent > 15_000, "only {sent} requests");
        administrator.get("/admin").await.assert_status(200);
        assert!(bed.world.is_running());
        assert_eq!(bed.world.pid(), pid);
        bed.world.browser().get("/readyz").await.assert_status(200);
        bed.assert_log_is_clean();
    }

    async fn bytes_that_are_no_http_do_no_harm(backend: Backend) {
        let mut bed = Bed::own(backend, &[]).await;
        let port = bed.world.port;
        let long = "a".repeat(40_000);
        let requests: [Vec<u8>; 14] = [
            b"\0\0\0\0\r\n\r\n".to_vec(),
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
            b"GET\r\n\r\n".to_vec(),
            b"GET / HTTP/9.9\r\n\r\n".to_vec(),
            b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
            b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".to_vec(),
            format!("GET /{long} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").into_bytes(),
            format!("GET / HTTP/1.1\r\nHost: x\r\nX: {long}{long}{long}{long}\r\n\r\n").into_bytes(),
            format!("GET / HTTP/1.1\r\nHost: x\r\n{}\r\n", "X: y\r\n".repeat(5_000)).into_bytes(),
            b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n".to_vec(),
            b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef".to_vec(),
            b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\n\r\n".to_vec(),
            b"POST /oauth2/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_vec(),
        ];
        for request in requests {
            let answer = raw(port, &request);
            let shown = String::from_utf8_lossy(&request).chars().take(80).collect::<String>();
            assert!(!answer.starts_with("HTTP/1.1 5"), "{shown}: {answer}");
            assert!(!answer.contains("root:"), "{shown}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count().min(2), answer.matches("HTTP/1.1 ").count());
        }
        assert!(bed.world.is_running());
        bed.assert_log_is_clean();
    }

    async fn a_slow_request_head_is_cut_off(backend: Backend) {
        let bed = Bed::shared(backend).await;
        let mut stream = TcpStream::connect(("127.0.0.1", bed.world.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ").unwrap();
        let start = Instant::now();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(start.elapsed() < Duration::from_secs(15), "still open after {:?}", start.elapsed());
    }

    async fn oversized_bodies_are_refused_early_and_cost_little_memory(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let browser = bed.world.browser();
        let pid = bed.world.pid();
        let form = "application/x-www-form-urlencoded";
        let paths = ["/login", "/consent", "/logout", "/setup", "/login/reset", "/login/not-me", "/oauth2/token",
            "/oauth2/introspect", "/oauth2/revoke", "/oauth2/authorize", "/oauth2/logout",
            "/oauth2/userinfo", "/account/sessions/x/end"];
        for path in paths {
            browser.post(path, &[("a", "b")]).await;
        }
        let before = memory(pid);
        for path in paths {
            let url = browser.resolve(path);
            for size in [65_537, 1_000_000, 20_000_000] {
                let request = browser.request(Method::POST, &url).header("Content-Type", form);
                let answer = browser.try_send(request.body(vec![b'a'; size])).await;
                // The server may close before it has read everything.
                if let Ok(page) = answer {
                    assert_eq!(page.status.as_u16(), 413, "{path} {size}: {}", page.describe());
                }
            }
            let many = "a=b&".repeat(16_000);
            let request = browser.request(Method::POST, &url).header("Content-Type", form);
            let page = browser.send(request.body(many)).await;
            let refused = matches!(page.status.as_u16(), 400 | 401 | 403);
            assert!(refused, "{path}: {}", page.describe());
            let request = browser.request(Method::POST, &url).header("Content-Type", form);
            let request = request.header("Content-Encoding", "gzip").body(gzip_of_zeroes());
            if let Ok(page) = browser.try_send(request).await {
                let refused = (400..500).contains(&page.status.as_u16());
                assert!(refused, "{path} inflated: {}", page.describe());
            }
        }
        for _ in 0..3 {
            endless_chunks(bed.world.port);
        }
        let grown = memory(pid).saturating_sub(before);
        assert!(grown < 20_000, "the server grew by {grown} KiB from {before} KiB");
        browser.get("/readyz").await.assert_status(200);
        bed.assert_log_is_clean();
    }

    async fn a_body_without_end_ends_with_its_answer(backend: Backend) {
        let bed = Bed::own(backend, &["conf-basic"]).await;
        let (port, pid) = (bed.world.port, bed.world.pid());
        bed.world.browser().get("/login").await;
        let before = memory(pid);
        for (request, status) in [
            ("POST /oauth2/token", "413"), ("POST /login", "413"), ("POST /nowhere", "404"),
            ("GET /.well-known/jwks.json", "200"), ("PUT /login", "405"), ("GET /account", "303"),
        ] {
            let (answer, sent) = send_without_end(port, request);
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {answer}");
            assert!(answer.to_lowercase().contains("connection: close"), "{request}: {answer}");
            assert!(sent < ENOUGH, "{request}: still reading after {sent} bytes");
        }
        let grown = memory(pid).saturating_sub(before);
        assert!(grown < 20_000, "the server grew by {grown} KiB from {before} KiB");
        // A chunked body that ends leaves the connection open for the next request.
        let chunked = "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n3\r\na=b\r\n0\r\n\r\n";
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        for _ in 0..3 {
            stream.write_all(chunked.as_bytes()).unwrap();
            let mut answer = vec![0; 4096];
            let count = stream.read(&mut answer).unwrap();
            let answer = String::from_utf8_lossy(&answer[..count]);
            assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
        }
        bed.assert_log_is_clean();
    }
}

/// More than a server that closes after its answer reads at the pace of [`send_without_end`].
const ENOUGH: usize = 30_000_000;

/// Sends a chunked body for as long as somebody reads it, up to [`ENOUGH`] at three megabytes a
/// second. Gives the answer and how much was sent.
fn send_without_end(port: u16, request: &str) -> (String, usize) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_nonblocking(true).expect("no waiting");
    let head = format!(
        "{request} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).expect("send");
    let chunk = format!("4000\r\n{}\r\n", "a".repeat(0x4000));
    let (mut answer, mut sent, mut buffer) = (String::new(), 0, [0; 4096]);
    let mut rest = chunk.as_bytes();
    while sent < ENOUGH {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => answer.push_str(&String::from_utf8_lossy(&buffer[..count])),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        match stream.write(rest) {
            Ok(count) => {
                sent += count;
                rest = if count == rest.len() { chunk.as_bytes() } else { &rest[count..] };
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => break,
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    (answer, sent)
}

/// A browser to which the console is open.
async fn administrator(bed: &Bed) -> Browser {
    bed.add_person(&MALLORY, &["--role", "owner"]);
    let browser = bed.world.browser();
    let page = browser.get("/login?next=admin").await;
    fill_in(&page, &MALLORY).submit().await.assert_status(303);
    browser.get("/admin").await.assert_status(200);
    browser
}

/// A body without end: the refusal comes long before it would.
fn endless_chunks(port: u16) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    stream.set_nonblocking(true).expect("no waiting");
    let head = "POST /oauth2/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("send");
    let chunk = format!("1000\r\n{}\r\n", "a".repeat(4096));
    let (start, mut sent, mut answer) = (Instant::now(), 0_usize, [0; 4096]);
    let mut rest = chunk.as_bytes();
    while start.elapsed() < Duration::from_secs(10) && sent < 8_000_000 {
        if let Ok(count) = stream.read(&mut answer)
            && count > 0
        {
            let answer = String::from_utf8_lossy(&answer[..count]);
            assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
            return;
        }
        match stream.write(rest) {
            Ok(count) => {
                sent += count;
                rest = if count == rest.len() { chunk.as_bytes() } else { &rest[count..] };
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(_) => return,
        }
    }
    panic!("no answer after {sent} bytes and {:?}", start.elapsed());
}

/// Ten million zero bytes as gzip: about ten thousand.
fn gzip_of_zeroes() -> Vec<u8> {
    use std::process::Command;
    use std::process::Stdio;
    let mut child = Command::new("sh")
        .args(["-c", "head -c 10000000 /dev/zero | gzip -9"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("gzip");
    let mut packed = Vec::new();
    child.stdout.take().expect("a pipe").read_to_end(&mut packed).expect("its output");
    assert!(child.wait().expect("its end").success() && packed.len() < 50_000);
    packed
}
