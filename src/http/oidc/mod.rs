//! The protocol endpoints: bytes in, use case, bytes out.

mod authorize;
mod check_session;
mod device_authorization;
mod discovery;
mod introspect;
mod logout;
mod par;
mod preflight;
mod register;
mod revoke;
mod token;
mod userinfo;
mod webfinger;

use actix_web::HttpRequest;
use actix_web::http::header;

pub(super) use discovery::document;
pub(super) use webfinger::get as webfinger;

use super::routes::{asking, only, reading};
use super::site::Site;
use super::{client_certificate, error, extract};
use crate::protocol::discovery::path;
use crate::protocol::error::OAuthError;
use crate::service::clients::authentication::ClientRequest;

use actix_web::web::{self, ServiceConfig};

/// The protocol's part of the URL map.
pub(super) fn routes(map: &mut ServiceConfig) {
    let public = [path::OPENID_CONFIGURATION, path::AUTHORIZATION_SERVER];
    for document in public {
        map.service(only(document, reading().to(discovery::document)));
    }
    map.service(only(path::WEBFINGER, reading().to(webfinger::get)))
        .service(only(path::JWKS, reading().to(discovery::jwks)))
        .service(only(path::CHECK_SESSION, reading().to(check_session::get)))
        .service(
            // A GET may make a code here, and end a session at logout.
            web::resource(path::AUTHORIZE)
                .route(asking())
                .route(web::get().to(authorize::get))
                .route(web::post().to(authorize::post)),
        )
        .service(
            web::resource(path::TOKEN)
                .route(web::post().to(token::post))
                .route(web::method(actix_web::http::Method::OPTIONS).to(preflight::answer)),
        )
        .service(
            web::resource(path::USERINFO)
                .route(reading().to(userinfo::get))
                .route(web::post().to(userinfo::post))
                .route(web::method(actix_web::http::Method::OPTIONS).to(preflight::answer)),
        )
        .service(
            web::resource(path::PAR)
                .route(web::post().to(par::post))
                .route(web::method(actix_web::http::Method::OPTIONS).to(preflight::answer)),
        )
        .service(only(path::DEVICE_AUTHORIZATION, web::post().to(device_authorization::post)))
        .service(only(path::INTROSPECT, web::post().to(introspect::post)))
        .service(
            web::resource(path::REVOKE)
                .route(web::post().to(revoke::post))
                .route(web::method(actix_web::http::Method::OPTIONS).to(preflight::answer)),
        )
        .service(
            web::resource(path::REGISTER)
                .route(web::post().to(register::post))
                .route(web::method(actix_web::http::Method::OPTIONS).to(register::preflight)),
        )
        .service(
            web::resource(format!("{}/{{client_id}}", path::REGISTER))
                .route(reading().to(register::one))
                .route(web::put().to(register::one))
                .route(web::delete().to(register::one))
                .route(web::method(actix_web::http::Method::OPTIONS).to(register::preflight)),
        )
        .service(
            web::resource(path::LOGOUT)
                .route(asking())
                .route(web::get().to(logout::get))
                .route(web::post().to(logout::post)),
        );
}

/// Reads what endpoints with client authentication need.
fn client_request(
    site: &Site,
    request: &HttpRequest,
    body: &[u8],
) -> Result<ClientRequest, OAuthError> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let authorization = match (headers.next(), headers.next()) {
        (None, _) => None,
        (Some(one), None) => Some(one.to_str().unwrap_or_default().to_owned()),
        (Some(_), Some(_)) => {
            return Err(OAuthError::invalid_request("There are two Authorization headers."));
        }
    };
    Ok(ClientRequest {
        authorization,
        params: extract::form(request, body)?,
        dpop: extract::dpop(request.headers()),
        entrance: extract::entrance(site, request),
        certificate: client_certificate::of(site, request),
        caller: extract::caller(site, request),
    })
}
