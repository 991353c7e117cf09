//! What this node hears from SQL of changes made by other nodes and by commands: what has ended, and
//! that the catalogue (clients, keys, settings) is another one.
//!
//! A word from SQL counts from when it was asked, and only once all of it has been taken in. So what
//! this process remembers of clients and keys is believed as long as what it remembers of sessions and
//! tokens, and no longer (decision 18).
//!
//! The counters of SQL only grow. Where one is lower than somebody knows, or the server was started anew,
//! the database may have lost commits that were acknowledged: a standby that had not received them has
//! taken over, or an older copy was put in its place. Then numbers would be given out a second time, and
//! what ends under them would pass for known. So nothing that is remembered counts from there on, the copy
//! loses its marker, and both counters are raised above all that anybody knows.

use std::time::Instant;

use crate::app::{App, marked};
use crate::service::failure::Failure;
use crate::service::revocation::MARKER;
use crate::service::{keys, settings};
use crate::store::sync::{self, SyncState};

/// What a question to SQL came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// SQL knows everything that this node knows.
    Usual,
    /// It did not, or may not have; that has been made good. The copy is to be made again.
    Mended,
}

/// Asks SQL what has changed, and takes it in.
///
/// # Errors
/// [`Failure`] when a store does not answer; what is known stays known, and counts for no longer than
/// before.
pub async fn listen(app: &App) -> Result<Word, Failure> {
    // Known before SQL is asked, so that a lower answer means something.
    let known = app.watch.known();
    let asked = Instant::now();
    let state = sync::read(&app.store.db).await?;
    if state.may_lack(&known) {
        return Box::pin(mend(app)).await;
    }
    take_in(app, state, asked).await?;
    Ok(Word::Usual)
}

/// Makes sure that what this process remembers of clients and keys counts: SQL was heard of a moment ago, or
/// is asked now.
///
/// # Errors
/// [`Failure`] when SQL does not answer: then nobody knows.
pub async fn be_current(app: &App) -> Result<(), Failure> {
    if app.watch.remembers_as_of().is_some() {
        return Ok(());
    }
    listen(app).await.map(drop)
}

/// Takes in what SQL said when it was asked at this moment.
async fn take_in(app: &App, state: SyncState, asked: Instant) -> Result<(), Failure> {
    // Revocations first: nobody may see a change of the catalogue and still an old token alive.
    app.watch.saw_revocation(state.revocations);
    app.watch.saw_catalog(state.catalog);
    if app.watch.is_news(state) {
        app.known.forget();
        settings::reload(app).await?;
        keys::reload(app).await?;
        // Learnt only once it has worked, so that a failure here is tried again.
        app.watch.learn(state);
    }
    // Last of all: until here what is remembered counted as of the word before.
    app.watch.heard_from_sql(state.revocations, asked);
    Ok(())
}

/// Makes good that SQL has, or may have, lost commits. What they ended may be alive again: nobody can tell
/// what it was. But nothing that ends from here on does.
async fn mend(app: &App) -> Result<Word, Failure> {
    let _one_at_a_time = app.watch.mending.lock().await;
    let known = app.watch.known();
    let asked = Instant::now();
    let state = sync::read(&app.store.db).await?;
    if !state.may_lack(&known) {
        // Somebody else has made it good meanwhile.
        take_in(app, state, asked).await?;
        return Ok(Word::Mended);
    }
    app.watch.distrust();
    if state.lacks(&known) {
        tracing::error!(
            revocations = state.revocations,
            known_revocations = known.revocations,
            catalog = state.catalog,
            known_catalog = known.catalog,
            "the database has lost commits that were acknowledged: what they ended may be alive again, \
             and has to be ended once more"
        );
    } else {
        tracing::warn!("the database was started anew; what is remembered is read from it again");
    }
    forget_copy(app).await;
    sync::raise_above(&app.store.db, &app.watch.known()).await?;
    let asked = Instant::now();
    let raised = sync::read(&app.store.db).await?;
    app.watch.follow(raised.server);
    take_in(app, raised, asked).await?;
    Ok(Word::Mended)
}

/// Takes the marker off the copy, so that nobody believes it, and takes note of what it knew. A store that
/// does not answer is found behind by whoever has heard of the raised number.
async fn forget_copy(app: &App) {
    let marker = app.ephemeral.get(MARKER).await;
    if let Ok(Some(number)) = marker.as_ref().map(|text| marked(text.as_deref())) {
        app.watch.saw_revocation(number);
    }
    if let Err(error) = app.ephemeral.delete(&[MARKER]).await {
        tracing::warn!(%error, "the copy of the revocation set still has its marker");
    }
}
