//! How to connect well-known apps: for each one file in `snippets/`, and what is made of it. The
//! console shows it, `doorward client snippet` prints it, `docs/apps.md` lists it.
//!
//! | module | job |
//! |---|---|
//! | [`app`] | one app as its file describes it |
//! | [`app_url`] | which address of an app may stand in a snippet |
//! | [`derive`] | what an app is registered with, from where it is |
//! | [`language`] | the languages of snippets, and how a value is written in each |
//! | [`render`] | a snippet with the values of one client in it |
//! | [`advice`] | what a client lacks that the app needs |
//! | [`page`] | `docs/apps.md` |

pub mod advice;
pub mod app;
pub mod app_url;
pub mod derive;
pub mod language;
pub mod page;
pub mod render;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use rust_embed::RustEmbed;

pub use app::App;

#[derive(RustEmbed)]
#[folder = "snippets/"]
struct Files;

// A file that cannot be read is left out; a test reads them all.
static APPS: LazyLock<Vec<App>> = LazyLock::new(|| {
    let mut apps: Vec<App> = files().filter_map(|(id, text)| App::parse(&id, &text).ok()).collect();
    apps.sort_by_key(|app| app.name.to_lowercase());
    apps
});

/// Every app of the catalogue, by name.
#[must_use]
pub fn all() -> &'static [App] {
    &APPS
}

/// The app with this id.
#[must_use]
pub fn find(id: &str) -> Option<&'static App> {
    APPS.iter().find(|app| app.id == id)
}

/// The files as `(id, text)`.
fn files() -> impl Iterator<Item = (String, String)> {
    Files::iter().filter_map(|name| {
        let id = name.strip_suffix(".toml")?.to_owned();
        let text = String::from_utf8(Files::get(&name)?.data.into_owned()).ok()?;
        Some((id, text))
    })
}
