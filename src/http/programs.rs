//! Which program calls an interface for administrators' programs: the REST API or SCIM.

use actix_web::HttpRequest;
use actix_web::http::header;

use crate::http::site::Site;
use crate::http::{client_certificate, extract};
use crate::protocol::error::OAuthError;
use crate::protocol::token::sender_constraint::Scheme;
use crate::service::api::access::{self, AccessError, ApiCaller};
use crate::service::token::access_token::Presented;
use crate::service::token::dpop::Carrier;

/// Why a program is not let in.
#[derive(Debug)]
pub(super) enum NotAdmitted {
    /// It has sent no key and no token.
    NoCredential,
    Access(AccessError),
}

/// The program by its credential, which is taken from the header alone.
pub(super) async fn admit(site: &Site, request: &HttpRequest) -> Result<ApiCaller, NotAdmitted> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let value = match (headers.next(), headers.next()) {
        (_, Some(_)) => {
            let twice = OAuthError::invalid_request("There are two Authorization headers.");
            return Err(NotAdmitted::Access(AccessError::Endpoint(twice.into())));
        }
        (value, None) => value,
    };
    let parts = value.and_then(|value| value.to_str().ok()?.split_once(' '));
    let parts = parts.and_then(|(name, token)| Some((Scheme::from_name(name)?, token.trim())));
    let (scheme, token) = parts.ok_or(NotAdmitted::NoCredential)?;
    let dpop = extract::dpop(request.headers());
    // As it was sent, since proofs are made for the address as it was sent.
    let path = request.uri().path();
    let carrier = Carrier {
        headers: &dpop,
        method: request.method().as_str(),
        path: path.strip_prefix(site.base.as_str()).unwrap_or(path),
        entrance: extract::entrance(site, request),
        token: None,
    };
    let certificate = client_certificate::of(site, request);
    let presented = Presented { token, scheme, carrier, certificate: certificate.as_ref() };
    let caller = extract::caller(site, request);
    access::admit(site, &presented, &caller).await.map_err(NotAdmitted::Access)
}
