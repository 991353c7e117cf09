//! Signing in to a sample app: off to the provider, and back with an answer.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

use super::explain;
use super::failure::Failure;
use super::flow::{Answer, Attempt, Prompt};
use super::handlers::see_other;
use super::pages::Page;
use super::problem::ProblemPage;
use super::relying_party::random_state;
use super::server::Sample;
use super::sessions::{SignedIn, Story};

#[derive(Deserialize)]
pub(super) struct Wish {
    prompt: Option<String>,
}

/// "Sign in with Doorward": remembers a new attempt and sends the browser to the provider.
pub(super) async fn login(
    request: HttpRequest,
    sample: web::Data<Sample>,
    wish: Option<web::Query<Wish>>,
) -> HttpResponse {
    let prompt = Prompt::from_name(wish.as_ref().and_then(|wish| wish.prompt.as_deref()));
    let attempt = match sample.rp.begin(prompt).await {
        Ok(attempt) => attempt,
        Err(failure) => return problem(&sample, &failure),
    };
    let mut answer = see_other(attempt.url.as_str());
    let browser = sample.sessions.browser(&request).unwrap_or_else(|| {
        let (name, cookie) = sample.sessions.name_browser();
        // Without the cookie the answer will be refused, which is the safe outcome.
        let _ = answer.add_cookie(&cookie);
        name
    });
    sample.sessions.start(browser, attempt);
    answer
}

/// Where the provider sends the browser back to. The attempt is found by `state` before anything
/// else in the answer is believed, be it a code or an error.
pub(super) async fn callback(
    request: HttpRequest,
    sample: web::Data<Sample>,
    answer: Option<web::Query<Answer>>,
) -> HttpResponse {
    let Some(answer) = answer.map(web::Query::into_inner) else {
        return problem(&sample, &Failure::Stranger);
    };
    let started = match (&answer.state, sample.sessions.browser(&request)) {
        (Some(state), Some(browser)) => sample.sessions.take_started(state, &browser),
        _ => None,
    };
    let Some(started) = started else { return problem(&sample, &Failure::Stranger) };
    match sign_in(&sample, &started.attempt, &answer).await {
        Ok(person) => {
            if let Some((old, _)) = sample.sessions.current(&request) {
                sample.sessions.close(&old);
            }
            let mut response = see_other("/");
            let _ = response.add_cookie(&sample.sessions.open(person));
            response
        }
        Err(Failure::Refused { error, .. })
            if error == "login_required" && started.attempt.prompt == Prompt::Silent =>
        {
            ProblemPage::not_known(&sample.app).answer(StatusCode::OK)
        }
        Err(failure) => problem(&sample, &failure),
    }
}

/// Turns a good answer into a signed-in person.
async fn sign_in(sample: &Sample, attempt: &Attempt, answer: &Answer) -> Result<SignedIn, Failure> {
    let tokens = sample.rp.finish(attempt, answer).await?;
    let userinfo = sample.rp.userinfo(&tokens).await?;
    Ok(SignedIn {
        csrf: random_state().into_secret(),
        tokens,
        userinfo,
        userinfo_at: sample.app.clock.now(),
        story: Arc::new(story(attempt, answer)),
        refreshes: 0,
        notice: None,
    })
}

/// Keeps what the explanation needs; the secrets only in their shortened form.
fn story(attempt: &Attempt, answer: &Answer) -> Story {
    let mut endpoint = attempt.url.clone();
    endpoint.set_query(None);
    Story {
        request: attempt.url.query_pairs().into_owned().collect(),
        endpoint: endpoint.into(),
        started_at: attempt.started_at,
        code: explain::shorten(answer.code.as_deref().unwrap_or_default()),
        verifier: explain::shorten(&attempt.verifier),
        iss: answer.iss.clone(),
    }
}

fn problem(sample: &Sample, failure: &Failure) -> HttpResponse {
    let status = match failure {
        Failure::Unreachable(_) | Failure::Unexpected(_) => StatusCode::BAD_GATEWAY,
        _ => StatusCode::BAD_REQUEST,
    };
    ProblemPage::of(&sample.app, failure).answer(status)
}
