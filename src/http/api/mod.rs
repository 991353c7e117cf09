//! The interface for programs below `/api/v1`.

mod problem;
mod session_data;

use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};

use super::routes::reading;

/// This folder's part of the URL map.
pub(super) fn routes(map: &mut ServiceConfig) {
    map.service(
        web::resource("/api/v1/session-data/{key}")
            .route(reading().to(session_data::get))
            .route(web::put().to(session_data::put))
            .route(web::patch().to(session_data::patch))
            .route(web::delete().to(session_data::delete))
            .route(web::method(Method::OPTIONS).to(session_data::preflight)),
    );
}
