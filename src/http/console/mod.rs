//! The administrators' console.
use actix_web::web::ServiceConfig;
pub(super) fn routes(_map: &mut ServiceConfig) {}
