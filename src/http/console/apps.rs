//! `/admin/clients`: the list of apps, and what ends or renews one.

use std::collections::BTreeSet;

use super::app_forms;
use super::desk::{Answer, Desk, NOT_YOURS, Stop};
use super::named::{self, Loss};
use super::people::sentence;
use super::rows;
use super::sorting;
use super::step_up;
use crate::http::pages::admin::client_forms::{Occasion, kind_in_words, origin_in_words};
use crate::http::pages::admin::clients::{ClientRow, ClientsList};
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::{Section, path_below};
use crate::http::pages::{Undo, When};
use crate::protocol::client::Client;
use crate::protocol::types::ClientId;
use crate::service::clients::refresh::{self, Refreshed};
use crate::service::clients::registration::{self, care};
use crate::service::clients::{self, Activity, ClientError};
use crate::store::clients::ClientFilter;

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let (q, sort) = (desk.asked("q"), sorting::asked(desk));
    let filter = ClientFilter {
        search: Some(q.clone()),
        order: sorting::order(desk, sort),
        limit: desk.page_size().asked(),
    };
    let found = clients::search(desk.site(), &filter).await?;
    let (found, paging) = rows::page(found, desk.page_size(), |client| {
        sorting::place(sort, client.id.as_str(), (client.created_at, client.id.as_str()))
    });
    let now = desk.site().now();
    let row = |client: Client| ClientRow {
        id: client.id.to_string(),
        kind: kind_in_words(client.metadata.kind).to_owned(),
        origin: origin_in_words(client.origin),
        state: rows::state(client.disabled_at),
        hosts: hosts(&client.metadata.redirect_uris),
        name: client.metadata.client_name,
        created: When::ago(client.created_at, now),
    };
    desk.show(&ClientsList {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        q,
        sort,
        rows: found.into_iter().map(row).collect(),
        paging,
    })
}

/// The hosts of redirect URIs, each once; a scheme of its own where a native app has no host.
pub(super) fn hosts(uris: &[String]) -> String {
    let hosts = uris.iter().filter_map(|uri| {
        let url = url::Url::parse(uri).ok()?;
        Some(url.host_str().map_or_else(|| format!("{}:", url.scheme()), str::to_owned))
    });
    hosts.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
}

/// The app in the path.
pub(super) async fn client(desk: &Desk<'_>) -> Result<Client, Stop> {
    clients::get(desk.site(), &ClientId::new(desk.id.as_str())).await.map_err(stop)
}

/// An error that no form can mend.
pub(super) fn stop(error: ClientError) -> Stop {
    match error {
        ClientError::Failure(failure) => Stop::Failure(failure),
        ClientError::NotYours => Stop::Forbidden(NOT_YOURS),
        ClientError::NotFound
        | ClientError::Taken
        | ClientError::Invalid(_)
        | ClientError::NoSecret
        | ClientError::TooManySecrets
        | ClientError::LastSecret
        | ClientError::WeakSecret
        | ClientError::NotSelfRegistered
        | ClientError::NotDescribed
        | ClientError::Document(_)
        | ClientError::BadId => Stop::NotFound,
    }
}

pub(super) async fn enable(desk: &Desk<'_>) -> Answer {
    let client = client(desk).await?;
    if !step_up::may_enable(desk, &client.metadata) {
        return Ok(step_up::ask_above(desk));
    }
    set_activity(desk, &client, Activity::Enabled).await?;
    let text = format!("People can sign in to {} again.", client.metadata.client_name);
    desk.done(text, &path(desk, &client))
}

pub(super) async fn ask_disable(desk: &Desk<'_>) -> Answer {
    let effects = [
        "Nobody can sign in to it, and the tokens it has stop working at once.",
        "You can enable it again; people then sign in to it anew.",
    ];
    ask(desk, &client(desk).await?, ("Disable", "disable"), &effects)
}

pub(super) async fn disable(desk: &Desk<'_>) -> Answer {
    let client = client(desk).await?;
    set_activity(desk, &client, Activity::Disabled).await?;
    let text = format!("{} is disabled and its tokens work no more.", client.metadata.client_name);
    let to = path(desk, &client);
    let undo = Undo { path: format!("{to}/enable"), fields: Vec::new() };
    desk.done_undoably(text, &to, undo)
}

async fn set_activity(desk: &Desk<'_>, client: &Client, activity: Activity) -> Result<(), Stop> {
    clients::set_activity(desk.site(), &client.id, activity, &desk.actor()).await.map_err(stop)
}

pub(super) async fn ask_rotate_secret(desk: &Desk<'_>) -> Answer {
    let client = client(desk).await?;
    if !client.uses_secret() {
        return Err(Stop::NotFound);
    }
    let effects = [
        "The present secret stops working at once, and the app with it until it has the new one.",
        "The new secret is shown once, on the next page.",
    ];
    ask(desk, &client, ("Replace the secret of", "rotate-secret"), &effects)
}

pub(super) async fn rotate_secret(desk: &Desk<'_>) -> Answer {
    let id = ClientId::new(desk.id.as_str());
    let made = clients::rotate_secret(desk.site(), &id, None, &desk.actor()).await.map_err(stop)?;
    app_forms::secret_once(desk, &made, Occasion::Rotated).await
}

/// Has the document of an app read again.
pub(super) async fn refresh(desk: &Desk<'_>) -> Answer {
    let client = client(desk).await?;
    let to = path(desk, &client);
    match refresh::refresh(desk.site(), &client.id, &desk.actor()).await {
        Ok(Refreshed { changed, .. }) if changed.is_empty() => {
            desk.done("The document says what it said before.", &to)
        }
        Ok(Refreshed { client, changed }) => {
            let (name, changed) = (&client.metadata.client_name, changed.join(", "));
            desk.done(format!("{name} is now what its document says. Changed: {changed}."), &to)
        }
        Err(error @ (ClientError::Document(_) | ClientError::NotDescribed)) => {
            desk.refused(sentence(&error.to_string()), &to)
        }
        Err(error) => Err(stop(error)),
    }
}

pub(super) async fn ask_revoke_registration(desk: &Desk<'_>) -> Answer {
    let client = client(desk).await?;
    let known = registration::of(desk.site(), &client.id).await?;
    let Some(known) = known else {
        let text = sentence(&ClientError::NotSelfRegistered.to_string());
        return desk.refused(text, &path(desk, &client));
    };
    if !known.has_token() {
        let text = "The registration access of this app has ended before.";
        return desk.refused(text, &path(desk, &client));
    }
    let effects = [
        "Whoever holds its registration access token can change and delete the app no more, or give it \
         another secret. Administrators still can.",
        "Its secret and its tokens go on working. If they may have leaked, replace the secret, too.",
        "It cannot be undone. The app would have to register once more, as another one.",
    ];
    ask(desk, &client, ("End the registration access of", "revoke-registration"), &effects)
}

/// Takes the token away with which an app that registered itself can change or delete itself.
pub(super) async fn revoke_registration(desk: &Desk<'_>) -> Answer {
    let client = client(desk).await?;
    let to = path(desk, &client);
    match care::revoke_token(desk.site(), &client.id, &desk.actor()).await {
        Ok(client) => {
            let text = format!("{} can change itself no more.", client.metadata.client_name);
            desk.done(text, &to)
        }
        Err(error @ ClientError::NotSelfRegistered) => {
            desk.refused(sentence(&error.to_string()), &to)
        }
        Err(error) => Err(stop(error)),
    }
}

pub(super) async fn ask_delete(desk: &Desk<'_>) -> Answer {
    named::ask(desk, loss(desk, &client(desk).await?))
}

fn loss(desk: &Desk<'_>, client: &Client) -> Loss {
    let effect = "Nobody can sign in to it, the tokens it has stop working at once, and what people have \
                  allowed it is forgotten. Entries in the audit log stay.";
    Loss {
        section: Section::Apps,
        named: client.metadata.client_name.clone(),
        word: client.metadata.client_name.clone(),
        effects: vec![effect.to_owned()],
        instead: named::DISABLE,
        path: path(desk, client),
    }
}

pub(super) async fn delete(desk: &Desk<'_>) -> Answer {
    let client = client(desk).await?;
    if !named::is_typed(desk, &client.metadata.client_name) {
        return named::ask_again(desk, loss(desk, &client));
    }
    clients::delete(desk.site(), &client.id, &desk.actor()).await.map_err(stop)?;
    let text = format!("{} is deleted.", client.metadata.client_name);
    desk.done(text, &desk.site().path("/admin/clients"))
}

fn ask(desk: &Desk<'_>, client: &Client, (verb, step): (&str, &str), effects: &[&str]) -> Answer {
    let path = path(desk, client);
    let name = &client.metadata.client_name;
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        heading: format!("{verb} {name}?"),
        effects: effects.iter().map(|text| (*text).to_owned()).collect(),
        action: format!("{path}/{step}"),
        hidden: Vec::new(),
        choices: Vec::new(),
        button: format!("{verb} {name}"),
        cancel: path,
    })
}

/// The address of an app's page. A client id may be the address of a document.
pub(super) fn path(desk: &Desk<'_>, client: &Client) -> String {
    path_below(&desk.site().base, "/admin/clients/", client.id.as_str())
}

#[cfg(test)]
mod tests {
    use super::hosts;

    #[test]
    fn each_host_is_shown_once_and_schemes_stand_for_themselves() {
        let uris = ["https://b.test/1", "https://a.test/", "https://b.test/2", "com.example:/cb"];
        assert_eq!(hosts(&uris.map(str::to_owned)), "a.test, b.test, com.example:");
        assert_eq!(hosts(&[]), "");
    }
}
