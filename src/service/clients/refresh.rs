//! Reading the metadata document of an app again because an administrator wants it now: its publisher has
//! changed something, and what was read before would be believed for up to a day.

use super::metadata_document::{self, DocumentError};
use super::{ClientError, get};
use crate::app::{App, Document};
use crate::clock::UnixTime;
use crate::protocol::client::{Client, ClientOrigin};
use crate::protocol::rights::Right;
use crate::protocol::types::ClientId;
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::authority;
use crate::store::audit;
use crate::store::clients::{self as rows, documents};

/// A client whose document was read again.
#[derive(Debug, Clone)]
pub struct Refreshed {
    /// As the document describes it now.
    pub client: Client,
    /// The members that are others than before; none when the document says what it said.
    pub changed: Vec<String>,
}

/// Reads the document of a stored client again, however fresh the one that is remembered, and makes the client
/// what it says. Whoever allowed what is another app now is asked again, and no node goes by the old document
/// any more when this comes back. When the document cannot be used, the client stays as it is.
///
/// # Errors
/// [`ClientError::NotDescribed`] when the client has no document, [`ClientError::Document`] when that cannot be
/// used, or another of [`ClientError`].
pub async fn refresh(app: &App, id: &ClientId, actor: &Actor) -> Result<Refreshed, ClientError> {
    if get(app, id).await?.origin != ClientOrigin::Document {
        return Err(ClientError::NotDescribed);
    }
    if !app.config.registration.metadata_documents {
        let problem = "documents are not read: registration.metadata_documents is off";
        return Err(ClientError::Document(problem.to_owned()));
    }
    let turn = app.documents.turn(id);
    let _mine = turn.lock().await;
    match metadata_document::fetch(app, id).await {
        Ok(document) => {
            let refreshed = believe(app, (id, &document), actor).await?;
            app.documents.keep(id, document);
            Ok(refreshed)
        }
        Err(DocumentError::Unusable(problem)) => {
            app.documents.note_failure(id, problem.clone(), app.now());
            let mut tx = authority::begin(app, (actor, Right::ClientsWrite)).await?;
            let event = Event::failure("client.document_read", actor, app.now())
                .client(id)
                .detail("reason", problem.as_str());
            audit::append(&mut tx, &event.into_row()).await?;
            tx.commit().await?;
            Err(ClientError::Document(problem))
        }
        Err(DocumentError::Failure(failure)) => Err(failure.into()),
    }
}

/// Makes the client what this document says.
async fn believe(
    app: &App,
    (id, document): (&ClientId, &Document),
    actor: &Actor,
) -> Result<Refreshed, ClientError> {
    let mut tx = authority::begin(app, (actor, Right::ClientsWrite)).await?;
    let stored = rows::hold(&mut tx, id).await?.ok_or(ClientError::NotFound)?;
    let changed = stored.metadata.differs_in(&document.metadata);
    let event = Event::success("client.document_read", actor, app.now())
        .client(id)
        .detail("changed", changed.clone());
    audit::append(&mut tx, &event.into_row()).await?;
    if changed.is_empty() {
        documents::note_fetch(&mut tx, id, app.now()).await?;
        tx.commit().await?;
        return Ok(Refreshed { client: stored, changed });
    }
    let made = metadata_document::change(app, &mut tx, (&stored, document), actor).await?;
    let (client, spread) =
        metadata_document::commit(app, tx, made.ok_or(ClientError::NotFound)?).await?;
    // A redirect URI or a key that was taken away.
    spread.outlive_copies().await;
    Ok(Refreshed { client, changed })
}

/// When the document of a stored client was last read.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn last_read(app: &App, id: &ClientId) -> Result<Option<UnixTime>, Failure> {
    Ok(documents::fetched_at(&app.store.db, id).await?)
}
