//! The pages of a sample app: one askama struct per template. Values are escaped by the templates;
//! nothing here writes HTML.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use serde_json::Value;

use super::explain::{self, Row};
use super::sessions::{Notice, SignedIn, Story};
use super::{DemoApp, DemoPerson, SEED, Theme};
use crate::clock::UnixTime;

/// Shown when the provider no longer stands by a sign-in.
pub(super) const ENDED_ELSEWHERE: &str = "Doorward has ended your sign-in, because you signed out \
     in another app or it was revoked. This app has let you go too.";

/// A page that can be sent.
pub(super) trait Page: Template {
    /// The page as an answer.
    fn answer(&self, status: StatusCode) -> HttpResponse {
        match self.render() {
            Ok(html) => {
                HttpResponse::build(status).content_type("text/html; charset=utf-8").body(html)
            }
            Err(error) => {
                tracing::error!(%error, "a page of a sample app could not be written");
                HttpResponse::InternalServerError().finish()
            }
        }
    }
}

/// The front page for a visitor.
#[derive(Template)]
#[template(path = "demo/home.html")]
pub(super) struct HomePage<'a> {
    app: &'a DemoApp,
    people: &'static [DemoPerson],
    notice: Option<&'static str>,
}

impl Page for HomePage<'_> {}

impl<'a> HomePage<'a> {
    pub(super) fn new(app: &'a DemoApp, notice: Option<&'static str>) -> Self {
        Self { app, people: &SEED, notice }
    }
}

/// The front page for a person who is signed in: who they are and how the app knows.
#[derive(Template)]
#[template(path = "demo/signed_in.html")]
pub(super) struct SignedInPage<'a> {
    app: &'a DemoApp,
    csrf: &'a str,
    notice: Option<&'static str>,
    person: Card,
    story: &'a Story,
    /// When the person gave their password.
    auth_time: Option<Moment>,
    known_already: bool,
    request: Vec<Row>,
    exchange: Vec<Row>,
    checks: Vec<Row>,
    id_token: Shown,
    access_token: Shown,
    tokens: Vec<Row>,
    can_refresh: bool,
    userinfo: String,
    userinfo_at: Moment,
}

impl Page for SignedInPage<'_> {}

/// What the greeting says about a person.
struct Card {
    name: String,
    given_name: String,
    initial: String,
    email: String,
    username: String,
    groups: Vec<String>,
}

/// A token on the page: decoded when it is a JWT.
struct Shown {
    header: Vec<Row>,
    claims: Vec<Row>,
    /// The three parts of a JWT; empty for an opaque token.
    parts: Vec<String>,
}

/// A point in time for people and for the `datetime` attribute.
struct Moment {
    machine: String,
    human: String,
}

impl From<UnixTime> for Moment {
    fn from(at: UnixTime) -> Self {
        Self { machine: at.rfc3339(), human: explain::moment(at) }
    }
}

impl<'a> SignedInPage<'a> {
    pub(super) fn new(app: &'a DemoApp, person: &'a SignedIn) -> Self {
        let id_token = Shown::of(&person.tokens.id_token.to_string(), Keep::Whole);
        let auth_time = person.tokens.auth_time;
        Self {
            app,
            csrf: &person.csrf,
            notice: person.notice.map(notice_text),
            person: Card::of(&person.userinfo),
            story: &person.story,
            // Tokens count in whole seconds. A sign-in in the very second the app asked is told as
            // a fresh one, since what the page says then is true either way.
            known_already: auth_time.is_some_and(|at| at < person.story.started_at),
            auth_time: auth_time.map(Moment::from),
            request: request_rows(&person.story),
            exchange: exchange_rows(app, &person.story),
            checks: check_rows(app, &id_token),
            access_token: Shown::of(person.tokens.access_token.secret(), Keep::Decoded),
            id_token,
            tokens: token_rows(person),
            can_refresh: person.tokens.refresh_token.is_some(),
            userinfo: serde_json::to_string_pretty(&person.userinfo).unwrap_or_default(),
            userinfo_at: person.userinfo_at.into(),
        }
    }
}

fn notice_text(notice: Notice) -> &'static str {
    match notice {
        Notice::Refreshed => "The refresh token was exchanged: all tokens below are new.",
        Notice::AskedAgain => "Doorward was asked about you again.",
        Notice::RenewedByItself => "The access token had expired, so the app refreshed it itself.",
        Notice::ProviderSilent => {
            "Doorward does not answer at the moment. What you see below may be out of date."
        }
    }
}

fn request_rows(story: &Story) -> Vec<Row> {
    let row = |(name, value): &(String, String)| {
        Row::new(name, explain::parameter_meaning(name), value.as_str())
    };
    story.request.iter().map(row).collect()
}

/// The token request (RFC 6749 section 4.1.3, RFC 7636 section 4.5).
fn exchange_rows(app: &DemoApp, story: &Story) -> Vec<Row> {
    let redirect_uri = format!("{}/callback", app.base_url);
    let proof = match app.client_secret {
        Some(_) => Row::new(
            "Authorization",
            "The client secret proves that it is this app, in a header and never in the URL.",
            format!("Basic {}:…", app.client_id),
        ),
        None => Row::new(
            "client_id",
            "No secret: code that runs in a browser could not keep one. PKCE is the proof.",
            app.client_id.as_str(),
        ),
    };
    vec![
        Row::new("grant_type", "What is being exchanged.", "authorization_code"),
        Row::new("code", "Good for one minute and for one use.", story.code.as_str()),
        Row::new("redirect_uri", "The same as in the request.", redirect_uri),
        Row::new(
            "code_verifier",
            "The secret behind the challenge: a stolen code is useless without it.",
            story.verifier.as_str(),
        ),
        proof,
    ]
}

/// What was checked before anything was believed (OpenID Connect Core section 3.1.3.7).
fn check_rows(app: &DemoApp, id_token: &Shown) -> Vec<Row> {
    let of = |rows: &[Row], name: &str| {
        rows.iter().find(|row| row.name == name).map(|row| row.value.clone()).unwrap_or_default()
    };
    let alg = of(&id_token.header, "alg");
    let kid = of(&id_token.header, "kid");
    let mut rows = vec![
        Row::new("signature", "", format!("{alg}, by the published key {kid}")),
        Row::new("iss", "", format!("is {}, the provider this app trusts", app.issuer)),
        Row::new("aud", "", format!("is {}, this very app", app.client_id)),
        Row::new("exp", "", "lies in the future"),
        Row::new("nonce", "", "is the one this app sent"),
    ];
    if id_token.claims.iter().any(|row| row.name == "at_hash") {
        rows.push(Row::new("at_hash", "", "matches the access token"));
    }
    rows
}

fn token_rows(person: &SignedIn) -> Vec<Row> {
    let tokens = &person.tokens;
    let expiry = tokens.expires_in.map_or_else(
        || "not stated".to_owned(),
        |seconds| explain::moment(tokens.received_at.plus(seconds)),
    );
    let refresh = tokens
        .refresh_token
        .as_ref()
        .map_or_else(|| "none was issued".to_owned(), |token| explain::shorten(token.secret()));
    vec![
        Row::new(
            "received",
            "When this set of tokens arrived.",
            explain::moment(tokens.received_at),
        ),
        Row::new("renewed", "How often the set was renewed.", person.refreshes.to_string()),
        Row::new("scope", "What was granted.", tokens.scope.as_str()),
        Row::new(
            "access_token",
            "Opens userinfo and the APIs.",
            explain::shorten(tokens.access_token.secret()),
        ),
        Row::new(
            "expires",
            "When the access token ends; short, so that a lost one matters little.",
            expiry,
        ),
        Row::new("refresh_token", "Gets the next set. Changes at every use.", refresh),
    ]
}

impl Card {
    fn of(userinfo: &Value) -> Self {
        let text =
            |name: &str| userinfo.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let username = text("preferred_username");
        let name = [text("name"), username.clone(), text("sub")]
            .into_iter()
            .find(|candidate| !candidate.is_empty())
            .unwrap_or_default();
        let given_name = match text("given_name") {
            given if given.is_empty() => name.clone(),
            given => given,
        };
        let groups = userinfo.get("groups").and_then(Value::as_array).map(Vec::as_slice);
        let groups = groups.unwrap_or_default().iter().filter_map(Value::as_str);
        Self {
            initial: given_name.chars().take(1).flat_map(char::to_uppercase).collect(),
            email: text("email"),
            groups: groups.map(str::to_owned).collect(),
            name,
            given_name,
            username,
        }
    }
}

/// Whether the page shows the token itself beside what it says.
#[derive(Clone, Copy)]
enum Keep {
    Whole,
    Decoded,
}

impl Shown {
    fn of(token: &str, keep: Keep) -> Self {
        let parts = match keep {
            Keep::Whole => token.split('.').map(str::to_owned).collect(),
            Keep::Decoded => Vec::new(),
        };
        match explain::decode(token) {
            None => Self { header: Vec::new(), claims: Vec::new(), parts: Vec::new() },
            Some(jwt) => Self {
                header: explain::rows(&jwt.header, explain::header_meaning),
                claims: explain::rows(&jwt.claims, explain::claim_meaning),
                parts,
            },
        }
    }
}

/// The page after the provider has confirmed a sign-out.
#[derive(Template)]
#[template(path = "demo/signed_out.html")]
pub(super) struct SignedOutPage<'a> {
    pub app: &'a DemoApp,
}

impl Page for SignedOutPage<'_> {}

/// The app's icon as SVG.
pub(super) fn icon(theme: Theme) -> &'static str {
    match theme {
        Theme::Orchard => include_str!("../../templates/demo/orchard.svg"),
        Theme::Lighthouse => include_str!("../../templates/demo/lighthouse.svg"),
    }
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
