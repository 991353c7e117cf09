//! Apps with settings that deserve a second look. None of them is refused: each is right for somebody.

use super::Finding;
use crate::app::App;
use crate::config::{Config, RegistrationMode};
use crate::protocol::client::redirect_uri::is_loopback;
use crate::protocol::client::{Client, ClientKind};
use crate::service::clients;
use crate::store::clients::ClientFilter;
use crate::store::order::Order;

const NAME: &str = "apps";

/// Apps read at a time, and in all.
const PAGE: i64 = 500;
const MOST: usize = 10_000;

/// Apps named; of more the number is said.
const NAMED: usize = 5;

pub(super) async fn check(app: &App) -> Finding {
    let all = match every(app).await {
        Ok(all) => all,
        Err(error) => return Finding::failure(NAME, error.to_string()),
    };
    let concerns = concerns(&all, &app.config);
    if !concerns.is_empty() {
        return Finding::warning(NAME, concerns.join("; "));
    }
    let without_pkce = all.iter().filter(|client| !client.requires_pkce()).count();
    Finding::fine(NAME, format!("{} looked at; {without_pkce} may leave out PKCE", all.len()))
}

/// Every app that works, up to [`MOST`].
async fn every(app: &App) -> Result<Vec<Client>, crate::service::failure::Failure> {
    let mut all: Vec<Client> = Vec::new();
    let mut order = Order::default();
    loop {
        let filter = ClientFilter { order, limit: PAGE, ..ClientFilter::default() };
        let page = clients::search(app, &filter).await?;
        let whole = i64::try_from(page.len()).is_ok_and(|count| count == PAGE);
        order = Order::after(page.last().map(|client| client.id.to_string()));
        all.extend(page.into_iter().filter(|client| client.disabled_at.is_none()));
        if !whole || all.len() >= MOST {
            return Ok(all);
        }
    }
}

fn concerns(all: &[Client], config: &Config) -> Vec<String> {
    let is_public = !config.issuer.is_loopback();
    let mut found = Vec::new();
    let mut note = |which: fn(&Client) -> bool, text: &str| {
        let names: Vec<_> =
            all.iter().filter(|client| which(client)).map(|c| c.id.as_str()).collect();
        if !names.is_empty() {
            found.push(format!("{text}: {}", shortened(&names)));
        }
    };
    note(
        sends_codes_in_the_clear,
        "redirect URIs with http lead away from this machine; use https",
    );
    note(
        if is_public { is_in_development } else { |_| false },
        "redirect URIs of a server with http://localhost are for development; remove them where nobody develops",
    );
    note(
        asks_nobody_and_may_be_imitated,
        "people are not asked for consent, and any program on their device can come in the name of",
    );
    note(
        |client| client.secret_hashes.len() > 1,
        "an earlier secret still counts; remove it once every server of the app has the new one",
    );
    if config.registration.mode == RegistrationMode::Open {
        found.push(
            "registration.mode is open: anybody may register an app; set it to token unless that is meant"
                .to_owned(),
        );
    }
    found
}

fn sends_codes_in_the_clear(client: &Client) -> bool {
    let mut all = client.metadata.redirect_uris.iter();
    all.any(|uri| uri.starts_with("http://") && !is_loopback(uri))
}

fn is_in_development(client: &Client) -> bool {
    let on_device = matches!(client.metadata.kind, ClientKind::Native | ClientKind::Device);
    let mut all = client.metadata.redirect_uris.iter();
    !on_device && all.any(|uri| is_loopback(uri))
}

fn asks_nobody_and_may_be_imitated(client: &Client) -> bool {
    let mut all = client.metadata.redirect_uris.iter();
    client.skips_consent() && all.any(|uri| client.can_be_imitated(uri))
}

fn shortened(names: &[&str]) -> String {
    let first: Vec<_> = names.iter().take(NAMED).copied().collect();
    match names.len().saturating_sub(NAMED) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
