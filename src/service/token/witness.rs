//! What delegation leaves in the audit log: that a token was exchanged or an assertion accepted, and
//! the first refusals of each client.

use super::request::TokenRequest;
use crate::app::App;
use crate::protocol::client::GrantType;
use crate::protocol::error::OAuthError;
use crate::protocol::token::claims::AccessTokenClaims;
use crate::protocol::user::User;
use crate::service::audit::{self, Actor, Event};
use crate::service::failure::Failure;
use crate::store::StoreError;
use crate::store::ephemeral::throttle;

/// How many refusals of one client from one network enter the audit log in an hour; the metrics count
/// the rest. Whoever may call must not be able to fill the log …
const AUDITED_PER_NETWORK: i64 = 10;
/// … nor whoever has many networks.
const AUDITED_PER_CLIENT: i64 = 100;

/// That this client was given a token with these claims, which speaks for this person if for any.
pub(super) fn given(
    app: &App,
    kind: &'static str,
    (request, claims): (&TokenRequest<'_>, &AccessTokenClaims),
    person: Option<&User>,
) -> Event {
    let client = &request.client().id;
    let event = Event::success(kind, &Actor::Client(client.clone()), app.now())
        .client(client)
        .caller(request.caller())
        .detail("scope", claims.scope.as_str())
        .detail("audience", claims.aud.to_vec());
    match person {
        Some(user) => event.user(&user.id),
        None => event.detail("subject", claims.sub.as_str()),
    }
}

/// Writes down that a client was refused, unless it was so often lately.
///
/// # Errors
/// [`Failure`] when neither store takes it.
pub(super) async fn note_refusal(
    app: &App,
    request: &TokenRequest<'_>,
    refusal: &OAuthError,
) -> Result<(), Failure> {
    let kind = match request.grant() {
        GrantType::TokenExchange => "token.exchange_refused",
        GrantType::JwtBearer => "assertion.refused",
        GrantType::AuthorizationCode
        | GrantType::RefreshToken
        | GrantType::ClientCredentials
        | GrantType::DeviceCode => return Ok(()),
    };
    if !is_worth_noting(app, request).await? {
        return Ok(());
    }
    let reason = if refusal.detail.is_empty() { refusal.description } else { &refusal.detail };
    let client = &request.client().id;
    let event = Event::failure(kind, &Actor::Client(client.clone()), app.now())
        .client(client)
        .caller(request.caller())
        .detail("error", refusal.code.as_str())
        .detail("reason", reason.chars().take(200).collect::<String>());
    audit::write(app, event).await
}

async fn is_worth_noting(app: &App, request: &TokenRequest<'_>) -> Result<bool, StoreError> {
    let (client, network) = (&request.client().id, request.caller().network());
    let here = format!("delegation-refused:{client}:{network}");
    if app.ephemeral.increment(&here, throttle::WINDOW).await? > AUDITED_PER_NETWORK {
        return Ok(false);
    }
    let all = format!("delegation-refused:{client}");
    Ok(app.ephemeral.increment(&all, throttle::WINDOW).await? <= AUDITED_PER_CLIENT)
}
