//! The pages of a sign-in, from the first form to "signed out". Each handler records what the
//! person did and goes back to [`steps::advance`], which asks the one place that decides.

pub(in crate::http) mod sign_out;
pub(in crate::http) mod steps;

mod choose_account;
mod consent;
mod home;
mod login;
mod reset;
mod setup;

use actix_web::web::{self, ServiceConfig};

pub(super) use home::not_found;

/// This folder's part of the URL map.
pub(super) fn routes(map: &mut ServiceConfig) {
    map.route("/", web::get().to(home::get))
        .route("/.well-known/change-password", web::get().to(home::change_password))
        .service(
            web::resource("/login")
                .route(web::get().to(login::get))
                .route(web::post().to(login::post)),
        )
        .service(
            web::resource("/login/reset")
                .route(web::get().to(reset::get))
                .route(web::post().to(reset::post)),
        )
        .service(web::resource("/login/account").route(web::post().to(choose_account::post)))
        .service(
            web::resource("/consent")
                .route(web::get().to(consent::get))
                .route(web::post().to(consent::post)),
        )
        .service(
            web::resource("/setup")
                .route(web::get().to(setup::get))
                .route(web::post().to(setup::post)),
        )
        .service(
            web::resource("/logout")
                .route(web::get().to(sign_out::get))
                .route(web::post().to(sign_out::post)),
        );
}
