//! One operation, over and over, on one connection. Whatever is not the expected answer ends the
//! benchmark: a fast refusal must never be counted as work.

use std::sync::Arc;

use crate::http::{Answer, Connection, Request, between};
use crate::signer::Signer;

/// Somewhere to come back to; nothing listens there.
pub(crate) const REDIRECT_URI: &str = "https://rp.test/cb";
/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// An operation with what it needs to know.
#[derive(Clone)]
pub(crate) enum Work {
    /// The same request each time.
    Fixed {
        request: Vec<u8>,
        status: u16,
        expect: &'static str,
    },
    Assertion {
        signer: Arc<Signer>,
        issuer: String,
        client_id: &'static str,
    },
    PushedDpopFlow {
        signer: Arc<Signer>,
        issuer: String,
        cookies: String,
        basic: String,
        client_id: &'static str,
    },
    CodeFlow {
        authorize: Vec<u8>,
        basic: String,
    },
    Refresh {
        token: String,
        basic: String,
    },
    SignIn {
        authorize: Vec<u8>,
        username: String,
        password: String,
    },
}

/// A connection with its work.
pub(crate) struct Worker {
    pub(crate) connection: Connection,
    pub(crate) work: Work,
}

/// What a code was exchanged for.
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: Option<String>,
}

impl Worker {
    /// Takes a fresh connection: a server closes one that is idle while other lines are measured.
    ///
    /// # Errors
    /// What the network says.
    pub(crate) async fn reconnect(&mut self) -> Result<(), String> {
        let fresh = Connection::open(self.connection.port()).await;
        self.connection = fresh.map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Does it once.
    ///
    /// # Errors
    /// What came instead of the expected answer.
    pub(crate) async fn once(&mut self) -> Result<(), String> {
        let connection = &mut self.connection;
        match &mut self.work {
            Work::Fixed { request, status, expect: part } => {
                expect(connection, request, (*status, part)).await
            }
            Work::Assertion { signer, issuer, client_id } => {
                let assertion = signer.assertion(client_id, issuer);
                let body = format!(
                    "grant_type=client_credentials&client_assertion_type=\
                     urn:ietf:params:oauth:client-assertion-type:jwt-bearer\
                     &client_assertion={assertion}"
                );
                let request = form(connection.port(), ("/oauth2/token", &[]), &body);
                let answer = send(connection, &request, 200).await?;
                let token = answer.json_text("access_token");
                token.map(drop).ok_or_else(|| unexpected(&answer))
            }
            Work::PushedDpopFlow { signer, issuer, cookies, basic, client_id } => {
                let app = PushingApp { signer, issuer, basic, client_id };
                pushed_flow(connection, &app, cookies).await
            }
            Work::CodeFlow { authorize, basic } => {
                code_flow(connection, authorize, basic).await.map(drop)
            }
            Work::Refresh { token, basic } => {
                let next = refresh(connection, basic, token).await?;
                *token = next.refresh.unwrap_or_default();
                Ok(())
            }
            Work::SignIn { authorize, username, password } => {
                sign_in(connection, authorize, (username, password)).await.map(drop)
            }
        }
    }
}

/// From `/authorize` with a live session to the tokens.
pub(crate) async fn code_flow(
    connection: &mut Connection,
    authorize: &[u8],
    basic: &str,
) -> Result<Tokens, String> {
    let code = authorized(connection, authorize).await?;
    redeem(connection, basic, &code).await
}

/// A fixed request, and what its answer must hold.
pub(crate) async fn expect(
    connection: &mut Connection,
    request: &[u8],
    (status, part): (u16, &str),
) -> Result<(), String> {
    let answer = send(connection, request, status).await?;
    if answer.body.contains(part) { Ok(()) } else { Err(unexpected(&answer)) }
}

/// `/authorize` with a live session; gives the code.
pub(crate) async fn authorized(
    connection: &mut Connection,
    authorize: &[u8],
) -> Result<String, String> {
    code(&send(connection, authorize, 303).await?)
}

/// The next tokens for a refresh token.
pub(crate) async fn refresh(
    connection: &mut Connection,
    basic: &str,
    token: &str,
) -> Result<Tokens, String> {
    let body = format!("grant_type=refresh_token&refresh_token={token}");
    let request = token_request(connection.port(), basic, &body);
    let answer = send(connection, &request, 200).await?;
    let parts = (answer.json_text("refresh_token"), answer.json_text("access_token"));
    let (Some(next), Some(access)) = parts else { return Err(unexpected(&answer)) };
    if answer.json_text("id_token").is_none() || next == token {
        return Err(unexpected(&answer));
    }
    Ok(Tokens { access: access.to_owned(), refresh: Some(next.to_owned()) })
}

/// The page that asks, and its form.
pub(crate) async fn sign_out(connection: &mut Connection, cookies: &str) -> Result<(), String> {
    let port = connection.port();
    let headers = &[("cookie", cookies)];
    let request = Request { port, method: "GET", path: "/logout", headers, body: None };
    let page = send(connection, &request.write(), 200).await?;
    let parts = (page.hidden("flow"), page.hidden("csrf"), page.cookie("doorward_browser"));
    let (Some(flow), Some(csrf), Some(browser)) = parts else { return Err(unexpected(&page)) };
    let body = format!("flow={flow}&csrf={csrf}&decision=logout");
    let cookies = format!("{browser}; {cookies}");
    let headers = &[("cookie", cookies.as_str()), ("sec-fetch-site", "same-origin")];
    let request = Request { port, method: "POST", path: "/logout", headers, body: Some(&body) };
    send(connection, &request.write(), 200).await.map(drop)
}

/// The tokens for a code.
pub(crate) async fn redeem(
    connection: &mut Connection,
    basic: &str,
    code: &str,
) -> Result<Tokens, String> {
    let request = token_request(connection.port(), basic, &redeeming(code));
    let answer = send(connection, &request, 200).await?;
    let access = answer.json_text("access_token").filter(|_| answer.body.contains("\"id_token\""));
    Ok(Tokens {
        access: access.ok_or_else(|| unexpected(&answer))?.to_owned(),
        refresh: answer.json_text("refresh_token").map(str::to_owned),
    })
}

/// An app that pushes its requests and proves that it holds its key.
struct PushingApp<'a> {
    signer: &'a Signer,
    issuer: &'a str,
    basic: &'a str,
    client_id: &'a str,
}

impl PushingApp<'_> {
    fn request(&self, port: u16, path: &str, body: &str) -> Vec<u8> {
        let proof = self.signer.proof(&format!("{}{path}", self.issuer));
        form(port, (path, &[("authorization", self.basic), ("dpop", &proof)]), body)
    }
}

/// The request is pushed, the browser brings its name, and the code is redeemed with the same key.
async fn pushed_flow(
    connection: &mut Connection,
    app: &PushingApp<'_>,
    cookies: &str,
) -> Result<(), String> {
    let port = connection.port();
    let pushed = app.request(port, "/oauth2/par", &authorization_parameters(app.client_id));
    let answer = send(connection, &pushed, 201).await?;
    let name = answer.json_text("request_uri").ok_or_else(|| unexpected(&answer))?;
    let path = format!("/oauth2/authorize?client_id={}&request_uri={name}", app.client_id);
    let headers = &[("cookie", cookies)];
    let authorize = Request { port, method: "GET", path: &path, headers, body: None }.write();
    let code = code(&send(connection, &authorize, 303).await?)?;
    let answer =
        send(connection, &app.request(port, "/oauth2/token", &redeeming(&code)), 200).await?;
    let bound = answer.json_text("token_type") == Some("DPoP");
    if bound && answer.body.contains("\"id_token\"") { Ok(()) } else { Err(unexpected(&answer)) }
}

/// The page, the form, and back to the app; gives the session's cookie.
pub(crate) async fn sign_in(
    connection: &mut Connection,
    authorize: &[u8],
    (username, password): (&str, &str),
) -> Result<String, String> {
    let page = send(connection, authorize, 200).await?;
    let parts = (page.hidden("flow"), page.hidden("csrf"), page.cookie("doorward_browser"));
    let (Some(flow), Some(csrf), Some(browser)) = parts else { return Err(unexpected(&page)) };
    let browser = browser.to_owned();
    let body = format!("flow={flow}&csrf={csrf}&username={username}&password={password}");
    let request = Request {
        port: connection.port(),
        method: "POST",
        path: "/login",
        headers: &[("cookie", &browser), ("sec-fetch-site", "same-origin")],
        body: Some(&body),
    };
    let answer = send(connection, &request.write(), 303).await?;
    let to_app = answer.header("location").is_some_and(|to| to.starts_with(REDIRECT_URI));
    let session = answer.cookie("doorward_session").filter(|_| to_app);
    let session = session.ok_or_else(|| unexpected(&answer))?;
    Ok(format!("{browser}; {session}"))
}

/// The code in the answer of the authorization endpoint.
fn code(answer: &Answer<'_>) -> Result<String, String> {
    let location = answer.header("location").unwrap_or_default();
    let code = location.starts_with(REDIRECT_URI).then(|| between(location, "code=", "&"));
    code.flatten().map(str::to_owned).ok_or_else(|| unexpected(answer))
}

fn redeeming(code: &str) -> String {
    format!(
        "grant_type=authorization_code&code={code}&redirect_uri=https%3A%2F%2Frp.test%2Fcb\
         &code_verifier={VERIFIER}"
    )
}

fn authorization_parameters(client_id: &str) -> String {
    format!(
        "response_type=code&client_id={client_id}\
         &redirect_uri=https%3A%2F%2Frp.test%2Fcb&scope=openid%20profile%20email\
         &state=af0ifjsldkj&nonce=n-0S6_WzA2Mj&code_challenge={CHALLENGE}\
         &code_challenge_method=S256"
    )
}

/// A `GET /oauth2/authorize` of an app, with the cookies of a browser.
pub(crate) fn authorize_request(port: u16, client_id: &str, cookies: Option<&str>) -> Vec<u8> {
    let path = format!("/oauth2/authorize?{}", authorization_parameters(client_id));
    let cookie = cookies.map(|cookies| [("cookie", cookies)]);
    let headers = cookie.as_ref().map_or(&[][..], |headers| &headers[..]);
    Request { port, method: "GET", path: &path, headers, body: None }.write()
}

/// A `POST /oauth2/token` with Basic authentication.
pub(crate) fn token_request(port: u16, basic: &str, body: &str) -> Vec<u8> {
    form(port, ("/oauth2/token", &[("authorization", basic)]), body)
}

fn form(port: u16, (path, headers): (&str, &[(&str, &str)]), body: &str) -> Vec<u8> {
    Request { port, method: "POST", path, headers, body: Some(body) }.write()
}

async fn send<'a>(
    connection: &'a mut Connection,
    request: &[u8],
    status: u16,
) -> Result<Answer<'a>, String> {
    let first = request.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let describe = || String::from_utf8_lossy(first).into_owned();
    let answer = connection.exchange(request).await;
    let answer = answer.map_err(|error| format!("{}: {error}", describe()))?;
    if answer.status == status {
        Ok(answer)
    } else {
        Err(format!("{} → not {status}: {}", describe(), unexpected(&answer)))
    }
}

fn unexpected(answer: &Answer<'_>) -> String {
    let location = answer.header("location").unwrap_or_default();
    let start: String = answer.body.chars().take(400).collect();
    format!("unexpected answer {} {location}\n{start}", answer.status)
}
