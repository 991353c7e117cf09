//! `/gateway/…`: what reverse proxies ask before they let a request through to an app, and where
//! people go who have to sign in first. Off unless `gateway.enabled` is set.

mod start;
mod verify;

use actix_web::web::{self, ServiceConfig};

use super::routes::only;

/// Asked with the description of a request in headers.
const VERIFY: &str = "/gateway/verify";
/// Asked with the request itself below this path.
const ENVOY: &str = "/gateway/envoy";
/// Where people sign in on the way to an app.
pub(super) const START: &str = "/gateway/start";

/// This folder's part of the URL map, but for [`envoy`].
pub(super) fn routes(map: &mut ServiceConfig) {
    map.service(only(VERIFY, super::routes::reading().to(verify::by_headers)))
        // A GET makes a cookie.
        .service(only(START, web::get().to(start::get)).route(web::head().to(start::head)));
}

/// Envoy asks with the method of the request it asks about.
pub(super) fn envoy(map: &mut ServiceConfig) {
    map.service(web::resource(format!("{ENVOY}{{target:.*}}")).to(verify::by_itself));
}
