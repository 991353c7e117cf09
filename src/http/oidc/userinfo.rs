//! `GET` and `POST /oauth2/userinfo` (OpenID Connect Core section 5.3.1, RFC 6750 section 2, RFC 9449
//! section 7).

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::{Site, error, extract};
use crate::http::headers;
use crate::http::presented::{self, Sender};
use crate::protocol::discovery::path;
use crate::protocol::error::OAuthError;
use crate::protocol::params::Params;
use crate::protocol::token::sender_constraint::Scheme;
use crate::protocol::types::ClientId;
use crate::service::clients;
use crate::service::token::access_token;
use crate::service::token::envelope::Representation;
use crate::service::token::userinfo;

pub(super) async fn get(site: web::Data<Site>, request: HttpRequest) -> HttpResponse {
    answer(&site, &request, from_one_place(&request, None)).await
}

pub(super) async fn post(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> HttpResponse {
    let form = extract::is_form(&request).then(|| Params::parse(&body));
    let form = match form.transpose() {
        Ok(form) => form,
        Err(refusal) => return error::bearer(&request, &refusal.into()),
    };
    answer(&site, &request, from_one_place(&request, form.as_ref())).await
}

async fn answer(
    site: &Site,
    request: &HttpRequest,
    token: Result<Option<(Scheme, String)>, OAuthError>,
) -> HttpResponse {
    let (scheme, token) = match token {
        Ok(Some(presented)) => presented,
        Ok(None) => return error::no_bearer(),
        Err(refusal) => return error::bearer(request, &refusal.into()),
    };
    let sender = Sender::of(site, request, path::USERINFO);
    let presented = sender.presented((scheme, &token));
    let mut response = match userinfo::answer(site, &presented).await {
        Ok(Representation::Json(claims)) => {
            HttpResponse::Ok().insert_header(error::JSON).body(claims)
        }
        Ok(Representation::Jwt(token)) => {
            HttpResponse::Ok().insert_header((header::CONTENT_TYPE, "application/jwt")).body(token)
        }
        Err(failure) => error::bearer(request, &failure),
    };
    // Errors too: a script must see that it needs another nonce, or that its token has expired.
    let origin = extract::header_text(request.headers(), &header::ORIGIN);
    if origin.is_some()
        && let Some(known) = client_of(site, &token).await
        && let Ok(Some(client)) = clients::find(site, &known).await
    {
        headers::allow_client_origin(response.headers_mut(), origin, &client);
    }
    response
}

async fn client_of(site: &Site, token: &str) -> Option<ClientId> {
    match access_token::genuine(site, token).await {
        Ok(Some(claims)) => Some(claims.client_id.clone()),
        Ok(None) => access_token::client_of(site, token),
        Err(_) => None,
    }
}

/// The token, from exactly one place. Never from the query: URLs end up in logs (RFC 9700 section
/// 4.3.2).
fn from_one_place(
    request: &HttpRequest,
    form: Option<&Params>,
) -> Result<Option<(Scheme, String)>, OAuthError> {
    if Params::parse(request.query_string().as_bytes())?.has("access_token") {
        return Err(OAuthError::invalid_request(
            "The access token must not be in the URL; use the Authorization header.",
        ));
    }
    let header = presented::token(request)?.map(|(scheme, token)| (scheme, token.to_owned()));
    let body = match form {
        Some(form) => form.get("access_token")?.map(|token| (Scheme::Bearer, token.to_owned())),
        None => None,
    };
    match (header, body) {
        (Some(_), Some(_)) => Err(OAuthError::invalid_request(
            "The access token is sent in two ways; use the Authorization header.",
        )),
        (one, other) => Ok(one.or(other)),
    }
}
