//! `/admin/try`: a sign-in with Doorward as an app of itself. The answer to the authorization request comes to
//! [`super::try_it_callback`]; here it begins, and what came of it is shown.

use serde::Serialize;

use super::apps;
use super::desk::{Answer, Desk, Stop};
use super::people::sentence;
use super::table::TryAction;
use super::upstream::check_row;
use crate::http::extract;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::preview::{ClaimsView, ScopeChoice};
use crate::http::pages::admin::try_it::{
    AppState, OutcomeView, RefusedView, TokensView, TryIt, TryItResult,
};
use crate::http::pages::{FieldError, When};
use crate::http::sign_in::steps;
use crate::protocol::authorize::acr::Level;
use crate::protocol::scope::Scopes;
use crate::service::clients::ClientError;
use crate::service::failure::Failure;
use crate::service::try_it::client::{self, CALLBACK, Fitness, PAGE};
use crate::service::try_it::outcome::{self, Outcome, Shown};
use crate::service::try_it::walk::{self, Wishes};
use crate::service::try_it::{Refusal, TryError, Visitor};

/// The longest `max_age` that means anything: a year.
const LONGEST_AGE: i64 = 31_536_000;

pub(super) async fn act(desk: &Desk<'_>, step: TryAction) -> Answer {
    match step {
        TryAction::Show => show(desk).await,
        TryAction::SetUp => set_up(desk).await,
        TryAction::Start => start(desk).await,
        TryAction::Result => result(desk).await,
        TryAction::Refresh => refresh(desk).await,
        TryAction::SignOut => sign_out(desk).await,
    }
}

async fn show(desk: &Desk<'_>) -> Answer {
    let page = page(desk, &Wishes { scopes: usual(), ..Wishes::default() }).await?;
    desk.show(&page)
}

/// What most apps ask for.
fn usual() -> Scopes {
    Scopes::from_tokens(["profile", "email", "offline_access"])
}

async fn page(desk: &Desk<'_>, wishes: &Wishes) -> Result<TryIt, Stop> {
    let fitness = client::fitness(desk.site()).await?;
    let choice =
        |name: &str| ScopeChoice { name: name.to_owned(), chosen: wishes.scopes.contains(name) };
    let (app, scopes) = match &fitness {
        Fitness::Missing => (AppState::Missing, Vec::new()),
        Fitness::Disabled => (AppState::Disabled, Vec::new()),
        Fitness::OtherAddresses => (AppState::OtherAddresses, Vec::new()),
        Fitness::Unusable => (AppState::Unusable, Vec::new()),
        Fitness::Ready(client) => {
            let others = client.metadata.scope.iter().filter(|name| *name != "openid");
            (AppState::Ready, others.map(choice).collect())
        }
    };
    Ok(TryIt {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        app,
        callback: client::address(desk.site(), CALLBACK),
        scopes,
        again: wishes.again,
        max_age: String::new(),
        acrs: Level::supported(),
        errors: Vec::new(),
    })
}

async fn set_up(desk: &Desk<'_>) -> Answer {
    let page = desk.site().path(PAGE);
    match client::set_up(desk.site(), &desk.actor()).await {
        Ok(()) => desk.done("The app is there. Try a sign-in.", &page),
        Err(error @ (ClientError::Invalid(_) | ClientError::Taken)) => {
            desk.refused(sentence(&error.to_string()), &page)
        }
        Err(other) => Err(apps::stop(other)),
    }
}

async fn start(desk: &Desk<'_>) -> Answer {
    let typed = desk.text("max_age");
    let max_age = match typed.trim() {
        "" => Ok(None),
        text => text.parse().map(Some),
    };
    let wishes = Wishes {
        scopes: Scopes::from_tokens(desk.form.all("scope")),
        again: desk.form.has("again"),
        max_age: max_age.clone().unwrap_or_default(),
        acr: Level::from_name(&desk.text("acr")),
    };
    if max_age.is_err() || wishes.max_age.is_some_and(|age| !(0..=LONGEST_AGE).contains(&age)) {
        let text = "Write a whole number of seconds, a year at most, or nothing.".to_owned();
        let errors = vec![FieldError { field: "max_age", text }];
        return desk.show_again(&TryIt { max_age: typed, errors, ..page(desk, &wishes).await? });
    }
    match walk::start(desk.site(), &visitor(desk), &wishes).await {
        Ok(address) => Ok(steps::see_other(&address)),
        Err(error) => stopped(desk, error),
    }
}

async fn result(desk: &Desk<'_>) -> Answer {
    let outcome = match outcome::of(desk.site(), &visitor(desk)).await? {
        None => OutcomeView::Nothing,
        Some(Outcome::Refused(refusal)) => OutcomeView::Refused(refused(desk, refusal)),
        Some(Outcome::Tokens(shown)) => OutcomeView::Tokens(Box::new(got(desk, *shown)?)),
    };
    desk.show(&TryItResult { chrome: desk.chrome(), console: desk.console(Section::Apps), outcome })
}

async fn refresh(desk: &Desk<'_>) -> Answer {
    let caller = extract::caller(desk.site(), desk.visit.request);
    match walk::refresh(desk.site(), &visitor(desk), &caller).await {
        Ok(()) => Ok(steps::see_other(&desk.site().path("/admin/try/result"))),
        Err(error) => stopped(desk, error),
    }
}

async fn sign_out(desk: &Desk<'_>) -> Answer {
    match walk::sign_out(desk.site(), &visitor(desk)).await {
        Ok(address) => Ok(steps::see_other(&address)),
        Err(error) => stopped(desk, error),
    }
}

/// Whoever asks.
fn visitor(desk: &Desk<'_>) -> Visitor {
    Visitor { user: desk.admin().id.clone(), session: desk.own_session().clone() }
}

fn stopped(desk: &Desk<'_>, error: TryError) -> Answer {
    match error {
        TryError::Failure(failure) => Err(Stop::Failure(failure)),
        TryError::Refused(error) => {
            let text = format!("It was refused ({error}) Try the sign-in again.");
            desk.refused(text, &desk.site().path(PAGE))
        }
        other => desk.refused(
            format!("{} Try the sign-in again.", sentence(&other.to_string())),
            &desk.site().path(PAGE),
        ),
    }
}

fn refused(desk: &Desk<'_>, refusal: Refusal) -> RefusedView {
    let (happened, advice) = in_words(&refusal.code);
    RefusedView {
        happened,
        advice,
        at: When::ago(refusal.at, desk.site().now()),
        code: refusal.code,
        description: refusal.description,
    }
}

/// What happened, and what to do.
fn in_words(code: &str) -> (&'static str, &'static str) {
    match code {
        "access_denied" => (
            "Somebody said no: you to the app, or the app’s settings to you.",
            "Try again and allow it. If you were not asked, see which groups may use the app on its page.",
        ),
        "login_required" | "interaction_required" | "account_selection_required" => (
            "Nobody could be signed in without being asked.",
            "Try again and answer what you are asked.",
        ),
        "invalid_scope" => (
            "The app may not have a scope that was asked for.",
            "Choose fewer scopes, or allow it more on its page.",
        ),
        "unmet_authentication_requirements" => (
            "The assurance that was asked for was not reached.",
            "Try again without it, or with a stronger sign-in.",
        ),
        "invalid_grant" => (
            "The code was not taken: codes are good once and for a minute.",
            "Try again without waiting on the way, and see that your session has not ended meanwhile.",
        ),
        "invalid_client" | "unauthorized_client" | "unsupported_grant_type" => {
            ("The app may not do this.", "Was it disabled or changed meanwhile? See its page.")
        }
        "temporarily_unavailable" | "server_error" => (
            "A part of this service does not answer right now.",
            "Wait a few seconds and try again.",
        ),
        _ => (
            "The request was refused.",
            "Has somebody changed what the app has to do, such as pushed or signed requests, or bound \
             tokens? This page does none of these. Delete the app, make it again here, and try again.",
        ),
    }
}

fn got(desk: &Desk<'_>, shown: Shown) -> Result<TokensView, Stop> {
    let mut claims = Vec::new();
    if let Some(token) = &shown.id_token {
        claims.push(view(("id-token-header", "ID token, header"), &token.header)?);
        claims.push(view(("id-token", "ID token, claims"), &token.claims)?);
    }
    if let Some(token) = &shown.access_token {
        claims.push(view(("access-token-header", "Access token, header"), &token.header)?);
        claims.push(view(("access-token", "Access token, claims"), &token.claims)?);
    }
    let label = "What introspection says of the access token";
    claims.push(view(("introspection", label), &shown.introspection)?);
    let userinfo = match &shown.userinfo {
        Ok(answer) => {
            claims.push(view(("userinfo", "What userinfo answers"), answer)?);
            "answered, see below".to_owned()
        }
        Err(problem) => problem.clone(),
    };
    let form = match &shown.access_token {
        Some(_) => "a JWT",
        None => "opaque: only introspection says what is in it",
    };
    Ok(TokensView {
        facts: vec![
            ("Granted scope", shown.scope),
            ("Access token", format!("{form}, to be sent as {}", shown.token_type)),
            ("It lives for", format!("{} s", shown.expires_in)),
            ("Refresh token", word(shown.has_refresh_token)),
            ("Userinfo", userinfo),
        ],
        checks: shown.checks.into_iter().map(check_row).collect(),
        claims,
        received: When::ago(shown.received_at, desk.site().now()),
        has_refresh_token: shown.has_refresh_token,
        refreshed: match shown.rotated {
            None => "",
            Some(true) => "The refresh token was used and replaced by another one.",
            Some(false) => "The refresh token was used and stays the same.",
        },
        may_sign_out: shown.may_sign_out,
    })
}

fn word(is_there: bool) -> String {
    if is_there { "there is one" } else { "there is none" }.to_owned()
}

fn view(
    (id, label): (&'static str, &'static str),
    claims: &impl Serialize,
) -> Result<ClaimsView, Stop> {
    let json = serde_json::to_string_pretty(claims);
    let json = json.map_err(|error| Stop::Failure(Failure::from(error)))?;
    let rows = json.lines().count();
    Ok(ClaimsView { id, label, json: Some(json), rows })
}
