//! Logos: of the installation, on `/admin/settings`, and of an app, on its page.

use super::apps;
use super::desk::{Answer, Desk, NOT_YOURS, Stop};
use super::people::sentence;
use super::step_up;
use crate::http::branding;
use crate::http::pages::admin::logos::{Ground, PictureForm};
use crate::pictures::OF_AN_APP;
use crate::protocol::branding::LogoKind;
use crate::protocol::client::Client;
use crate::service::pictures::{self, PictureError};
use crate::store::pictures::Owner;

/// Whose pages and which ones: the owner of the picture, what it is called, and the page to go back to.
struct Place {
    owner: Owner,
    name: String,
    page: String,
}

/// The logo of the installation in the path.
fn of_brand(desk: &Desk<'_>) -> Result<Place, Stop> {
    let kind = LogoKind::from_name(&desk.id).ok_or(Stop::NotFound)?;
    let name = match kind {
        LogoKind::Light => "The logo for light pages",
        LogoKind::Dark => "The logo for dark pages",
    };
    let page = desk.site().path("/admin/settings");
    Ok(Place { owner: Owner::Brand(kind), name: name.to_owned(), page })
}

/// The logo of the app in the path.
async fn of_app(desk: &Desk<'_>) -> Result<Place, Stop> {
    let client = apps::client(desk).await?;
    let name = format!("The logo of {}", client.metadata.client_name);
    Ok(Place { page: apps::path(desk, &client), owner: Owner::Client(client.id), name })
}

/// What everybody sees before they type a password is changed like the other settings: after a sign-in of
/// the last minutes.
pub(super) async fn set_brand(desk: &Desk<'_>) -> Answer {
    let place = of_brand(desk)?;
    if step_up::is_in_time(desk) { set(desk, place).await } else { sign_in_first(desk, &place) }
}

pub(super) async fn remove_brand(desk: &Desk<'_>) -> Answer {
    let place = of_brand(desk)?;
    if step_up::is_in_time(desk) { remove(desk, place).await } else { sign_in_first(desk, &place) }
}

fn sign_in_first(desk: &Desk<'_>, place: &Place) -> Answer {
    desk.refused(step_up::at("logo").text, &place.page)
}

pub(super) async fn set_app(desk: &Desk<'_>) -> Answer {
    set(desk, of_app(desk).await?).await
}

pub(super) async fn remove_app(desk: &Desk<'_>) -> Answer {
    remove(desk, of_app(desk).await?).await
}

/// What an app's page shows of its logo.
pub(super) fn form_of_app(desk: &Desk<'_>, client: &Client) -> PictureForm {
    let page = apps::path(desk, client);
    let below = page.strip_prefix(desk.site().base.as_str()).unwrap_or(&page);
    PictureForm {
        id: "app-logo",
        label: "Logo",
        action: format!("{below}/logo"),
        src: client.logo.as_deref().map(branding::picture_path),
        room: OF_AN_APP,
        ground: Ground::Page,
    }
}

async fn set(desk: &Desk<'_>, place: Place) -> Answer {
    let Place { owner, name, page } = place;
    match pictures::set(desk.site(), &owner, desk.file.clone(), &desk.actor()).await {
        Ok(()) => {
            desk.done(format!("{name} is saved. Every node shows it within a second."), &page)
        }
        Err(PictureError::Unusable(problem)) => {
            desk.refused(format!("{name} is as it was. {}", sentence(&problem.to_string())), &page)
        }
        Err(error) => Err(stop(error)),
    }
}

async fn remove(desk: &Desk<'_>, place: Place) -> Answer {
    let Place { owner, name, page } = place;
    match pictures::remove(desk.site(), &owner, &desk.actor()).await {
        Ok(()) => desk.done(format!("{name} is removed."), &page),
        Err(error) => Err(stop(error)),
    }
}

/// An error that no form can mend.
fn stop(error: PictureError) -> Stop {
    match error {
        PictureError::NotYours => Stop::Forbidden(NOT_YOURS),
        PictureError::Failure(failure) => Stop::Failure(failure),
        PictureError::NoClient | PictureError::Unusable(_) => Stop::NotFound,
    }
}
