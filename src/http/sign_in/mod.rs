//! The pages of a sign-in, from the first form to "signed out". Each handler records what the
//! person did and goes back to [`steps::advance`], which asks the one place that decides.

pub(in crate::http) mod accounts;
mod again;
mod choose_account;
mod choose_organisation;
mod choose_password;
mod consent;
mod device;
mod home;
mod login;
mod not_me;
mod reset;
mod setup;
pub(in crate::http) mod sign_out;
mod sign_up;
pub(in crate::http) mod steps;

use actix_web::web::{self, ServiceConfig};

pub(super) use home::not_found;

use super::routes::{asking, only, reading};
use crate::protocol::discovery::path;

/// This folder's part of the URL map.
pub(super) fn routes(map: &mut ServiceConfig) {
    map.service(only("/", reading().to(home::get)))
        .service(only("/.well-known/change-password", reading().to(home::change_password)))
        .service(
            web::resource("/login")
                .route(reading().to(login::get))
                .route(web::post().to(login::post)),
        )
        .service(
            web::resource("/login/reset")
                .route(reading().to(reset::get))
                .route(web::post().to(reset::post)),
        )
        .service(
            web::resource("/login/not-me")
                .route(reading().to(not_me::get))
                .route(web::post().to(not_me::post)),
        )
        .service(
            web::resource("/login/create")
                .route(reading().to(sign_up::get))
                .route(web::post().to(sign_up::post)),
        )
        .service(
            web::resource("/login/again")
                .route(asking())
                .route(web::get().to(again::get))
                .route(web::post().to(again::post)),
        )
        .service(web::resource("/login/account").route(web::post().to(choose_account::post)))
        .service(
            web::resource("/login/organisation").route(web::post().to(choose_organisation::post)),
        )
        .service(web::resource("/login/password").route(web::post().to(choose_password::post)))
        .service(
            web::resource("/consent")
                .route(reading().to(consent::get))
                .route(web::post().to(consent::post)),
        )
        .service(
            web::resource(path::DEVICE)
                .route(reading().to(device::get))
                .route(web::post().to(device::post)),
        )
        .service(
            web::resource("/setup")
                .route(reading().to(setup::get))
                .route(web::post().to(setup::post)),
        )
        .service(
            web::resource("/logout")
                .route(reading().to(sign_out::get))
                .route(web::post().to(sign_out::post)),
        );
}
