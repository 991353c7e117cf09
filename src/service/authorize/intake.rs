//! Finding the parameters of a request: in the query or body, in a request object sent along, behind a
//! `request_uri` of the client's, or pushed before. What is found is sealed into the flow, so that a
//! pushed request may expire and an object be gone while the person is still signing in.

use serde::{Deserialize, Serialize};

use super::{AuthorizeError, Outcome, client_of, refuse, request_object};
use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::secret::SecretHash;
use crate::protocol::authorize::reply::ReplyTo;
use crate::protocol::authorize::{self, Arrival, PUSHED_PREFIX, RequestForm};
use crate::protocol::client::Client;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::fapi;
use crate::protocol::params::Params;
use crate::protocol::types::ClientId;
use crate::service::audit::Caller;
use crate::service::authorize::flow::{Flow, LONGEST, Target};
use crate::service::clients::metadata_document;
use crate::service::failure::{EndpointError, Failure};
use crate::store::ephemeral::pushed;

/// A pushed request as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::service) struct PushedRequest {
    pub client_id: ClientId,
    pub params: String,
    pub form: RequestForm,
}

/// What an authorization request begins with.
#[derive(Debug)]
pub enum Begun {
    /// A flow to this target.
    Flow(Target),
    /// Nothing: this is the answer already.
    Answer(Outcome),
}

/// Finds the parameters of a request.
///
/// # Errors
/// [`AuthorizeError`] when there is nowhere to send the error to.
pub async fn begin(app: &App, params: Params, caller: &Caller) -> Result<Begun, AuthorizeError> {
    if let Some(id) = params.sole("client_id") {
        metadata_document::admit(app, &ClientId::new(id), caller).await?;
    }
    if !params.has("request") && !params.has("request_uri") {
        let params = authorize::known(params).encode();
        return Ok(Begun::Flow(Target::Authorize { params, arrival: Arrival::default() }));
    }
    let client = client_of(app, &params).await?;
    match resolve(app, &client, &params).await {
        Ok((params, arrival)) => {
            let params = authorize::known(params).encode();
            Ok(Begun::Flow(Target::Authorize { params, arrival }))
        }
        Err(EndpointError::Failure(failure)) => Err(failure.into()),
        // Where the request itself cannot be read, the parameters beside it say where to answer, if
        // they name a registered place and, for a client that takes signed answers only, ask for one.
        Err(EndpointError::OAuth(error)) => {
            let reply_to = ReplyTo::from_request(&client, &params, app.issuer()).ok();
            match reply_to.filter(|_| fapi::check_request(&client, &params).is_ok()) {
                Some(reply_to) => {
                    Ok(Begun::Answer(refuse(app, (&client, &reply_to), &error).await?))
                }
                None => Err(AuthorizeError::Unreadable(error)),
            }
        }
    }
}

async fn resolve(
    app: &App,
    client: &Client,
    params: &Params,
) -> Result<(Params, Arrival), EndpointError> {
    let signed = Arrival { pushed: None, form: RequestForm::SignedObject };
    match (params.get("request")?, params.get("request_uri")?) {
        (Some(_), Some(_)) => {
            // RFC 9101 section 5.
            Err(OAuthError::invalid_request("request and request_uri exclude each other.").into())
        }
        (Some(object), None) => Ok((request_object::open(app, client, object).await?, signed)),
        (None, Some(uri)) => {
            if let Some(name) = uri.strip_prefix(PUSHED_PREFIX) {
                return pushed_before(app, client, name).await;
            }
            let object = request_object::fetch(app, client, uri).await?;
            Ok((request_object::open(app, client, &object).await?, signed))
        }
        (None, None) => Ok((params.clone(), Arrival::default())),
    }
}

async fn pushed_before(
    app: &App,
    client: &Client,
    name: &str,
) -> Result<(Params, Arrival), EndpointError> {
    let refused = |detail| {
        OAuthError::new(
            ErrorCode::InvalidRequestUri,
            "request_uri is unknown, used or expired; push the request again.",
        )
        .because(detail)
    };
    let hash = SecretHash::of(name).as_str().to_owned();
    let kept: Option<PushedRequest> = pushed::get(&app.ephemeral, &hash).await?;
    let kept = kept.ok_or_else(|| refused("no such pushed request"))?;
    // RFC 9126 section 4: bound to the client that pushed it.
    if kept.client_id != client.id {
        return Err(refused("pushed by another client").into());
    }
    let params = Params::parse(kept.params.as_bytes())?;
    Ok((params, Arrival { pushed: Some(hash), form: kept.form }))
}

/// How long the page that used a request up may answer it once more: a second click on its button.
const SECOND_CLICK: Seconds = 10;

/// Uses a pushed request up once the person has answered; `false` when it was before. The same page
/// may answer twice: of two clicks the browser shows only what the second one leads to (RFC 9126
/// section 4 allows it).
///
/// # Errors
/// [`Failure`] when it cannot be known.
pub(super) async fn spend(app: &App, flow: &Flow) -> Result<bool, Failure> {
    let Target::Authorize { arrival: Arrival { pushed: Some(hash), .. }, .. } = &flow.target else {
        return Ok(true);
    };
    let now = app.now();
    let page = flow.page.as_deref().unwrap_or_default();
    let by = format!("{}:{page}", now.0);
    let before = pushed::spend(&app.ephemeral, hash, (&by, LONGEST)).await?;
    Ok(before.is_none_or(|before| is_second_click(&before, page, now)))
}

fn is_second_click(before: &str, page: &str, now: UnixTime) -> bool {
    let Some((at, by)) = before.split_once(':') else { return false };
    let at = at.parse().map(UnixTime);
    !page.is_empty() && by == page && at.is_ok_and(|at| now.since(at) <= SECOND_CLICK)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_page_that_used_a_request_up_may_answer_it_again_and_only_at_once() {
        let after = |before, page, now| is_second_click(before, page, UnixTime(now));
        assert!(after("1000:page", "page", 1_000) && after("1000:page", "page", 1_010));
        assert!(!after("1000:page", "page", 1_011));
        assert!(!after("1000:page", "other", 1_000));
        assert!(!after("1000:", "", 1_000), "requests that came without a page");
        assert!(!after("1", "page", 1_000) && !after("", "", 1_000), "from before, or expired");
    }
}
