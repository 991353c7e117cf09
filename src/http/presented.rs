//! Access tokens, and other credentials, as requests present them.

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderValue};

use super::client_certificate;
use super::extract;
use super::site::Site;
use crate::crypto::certificate::Certificate;
use crate::protocol::error::OAuthError;
use crate::protocol::token::sender_constraint::Scheme;
use crate::service::token::access_token::Presented;
use crate::service::token::dpop::{Carrier, Entrance};

/// The one `Authorization` header.
///
/// # Errors
/// `invalid_request` when there are two.
pub(super) fn authorization(request: &HttpRequest) -> Result<Option<&HeaderValue>, OAuthError> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    match (headers.next(), headers.next()) {
        (_, Some(_)) => Err(OAuthError::invalid_request("There are two Authorization headers.")),
        (value, None) => Ok(value),
    }
}

/// The access token that is in that header, and how it is sent; `None` where something else is in it.
///
/// # Errors
/// `invalid_request` when there are two such headers.
pub(super) fn token(request: &HttpRequest) -> Result<Option<(Scheme, &str)>, OAuthError> {
    let parts = authorization(request)?.and_then(|value| value.to_str().ok()?.split_once(' '));
    Ok(parts.and_then(|(name, token)| Some((Scheme::from_name(name)?, token.trim()))))
}

/// What a request proves beside the token that it sends.
pub(super) struct Sender<'a> {
    dpop: Vec<String>,
    method: &'a str,
    path: &'a str,
    entrance: Entrance,
    certificate: Option<Certificate>,
}

impl<'a> Sender<'a> {
    /// Of a request to this address below the issuer.
    pub(super) fn of(site: &Site, request: &'a HttpRequest, path: &'a str) -> Self {
        Self {
            dpop: extract::dpop(request.headers()),
            method: request.method().as_str(),
            path,
            entrance: extract::entrance(site, request),
            certificate: client_certificate::of(site, request),
        }
    }

    /// Of a request to an address that has parts of its own: as it was sent, since proofs are made for the
    /// address as it was sent.
    pub(super) fn as_sent(site: &Site, request: &'a HttpRequest) -> Self {
        let path = request.uri().path();
        Self::of(site, request, path.strip_prefix(site.base.as_str()).unwrap_or(path))
    }

    /// The token with all of it.
    pub(super) fn presented<'b>(&'b self, (scheme, token): (Scheme, &'b str)) -> Presented<'b> {
        let carrier = Carrier {
            headers: &self.dpop,
            method: self.method,
            path: self.path,
            entrance: self.entrance,
            token: None,
        };
        Presented { token, scheme, carrier, certificate: self.certificate.as_ref() }
    }
}
