//! The live secrets of an app: one more, or one less.

use super::app_forms;
use super::apps;
use super::desk::{Answer, Desk, Stop};
use crate::http::pages::admin::Section;
use crate::http::pages::admin::client_forms::Occasion;
use crate::http::pages::admin::confirm::Confirm;
use crate::protocol::types::ClientId;
use crate::service::clients::{ClientError, secrets};

const LAST: &str = "This is the only secret of the app. Add a second one first, or replace it.";

pub(super) async fn add(desk: &Desk<'_>) -> Answer {
    let id = ClientId::new(desk.id.as_str());
    match secrets::add(desk.site(), &id, &desk.actor()).await {
        Ok(made) => app_forms::secret_once(desk, &made, Occasion::Added).await,
        Err(error @ ClientError::TooManySecrets) => {
            desk.refused(super::people::sentence(&error.to_string()), &path(desk).await?)
        }
        Err(other) => Err(apps::stop(other)),
    }
}

pub(super) async fn ask_retire(desk: &Desk<'_>) -> Answer {
    let client = apps::client(desk).await?;
    if !client.uses_secret() {
        return Err(Stop::NotFound);
    }
    let marks = secrets::marks(&client);
    let path = apps::path(desk, &client);
    if marks.len() < 2 {
        return desk.refused(LAST, &path);
    }
    let asked = desk.asked("secret");
    let mark = marks.into_iter().find(|mark| *mark == asked).ok_or(Stop::NotFound)?;
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Apps),
        heading: format!("Retire the secret {mark} of {}?", client.metadata.client_name),
        effects: vec![
            "It stops working at once. The other secret goes on: see that the app has that one."
                .to_owned(),
        ],
        action: format!("{path}/retire-secret"),
        hidden: vec![("secret".to_owned(), mark)],
        choices: Vec::new(),
        button: "Retire the secret".to_owned(),
        cancel: path,
    })
}

pub(super) async fn retire(desk: &Desk<'_>) -> Answer {
    let (id, mark) = (ClientId::new(desk.id.as_str()), desk.text("secret"));
    match secrets::retire(desk.site(), &id, &mark, &desk.actor()).await {
        Ok(()) => desk.done("The secret is retired.", &path(desk).await?),
        Err(ClientError::LastSecret) => desk.refused(LAST, &path(desk).await?),
        Err(ClientError::NotFound) => {
            desk.refused("The app has no such secret any more.", &path(desk).await?)
        }
        Err(other) => Err(apps::stop(other)),
    }
}

/// The address of the app's page, if there is such an app.
async fn path(desk: &Desk<'_>) -> Result<String, Stop> {
    Ok(apps::path(desk, &apps::client(desk).await?))
}
