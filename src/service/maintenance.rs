//! What runs beside the requests: noticing changes made elsewhere, batched writes, clean-up, key
//! rotation. Each step is small, bounded and safe to repeat; a failed one is tried again later.

use crate::app::{App, Freshness};
use crate::clock::Seconds;
use crate::protocol::client::{ClientOrigin, GrantType};
use crate::protocol::fapi;
use crate::service::failure::Failure;
use crate::service::{keys, revocation};
use crate::store::{cleanup, client_documents, clients, outbox, refresh_families, sessions, sync};

/// Rows removed per step, so that no clean-up holds the database for long.
const BATCH: i64 = 500;
/// How long the document of a client without grants may go unread before the client is forgotten.
const UNREAD: Seconds = 90 * 86_400;
/// Entries of the in-process store looked at per run.
const SWEEP: usize = 100_000;

/// Notices what other nodes and the command line have changed. Runs a few times a second.
///
/// # Errors
/// [`Failure`] when a store does not answer; what is known stays known.
pub async fn notice_changes(app: &App) -> Result<(), Failure> {
    let state = sync::read(&app.store.db).await?;
    // Revocations first: nobody may see a change of the catalogue and still an old token alive.
    app.watch.saw_revocation(state.revocations);
    if app.watch.is_news(state) {
        app.known.forget();
        // Learnt only once it has worked, so that a failure here is tried again.
        keys::reload(app).await?;
    }
    app.watch.learn(state);
    let marker = app.ephemeral.get(revocation::MARKER).await?;
    match app.watch.judge(marker.as_deref()) {
        Freshness::Complete => Ok(()),
        Freshness::Behind => revocation::rebuild(app).await,
    }
}

/// Tells SQL when sessions were last used. Runs twice a minute.
///
/// # Errors
/// [`Failure`]; the visits of this batch are lost then, which shortens nothing while the ephemeral
/// store lives.
pub async fn write_visits(app: &App) -> Result<(), Failure> {
    let visits = app.watch.take_visits();
    for batch in visits.chunks(200) {
        sessions::touch_many(&app.store.db, batch).await?;
    }
    Ok(())
}

/// Removes what has expired, and the sealed successors whose grace is over. Runs once a minute.
///
/// # Errors
/// [`Failure`].
pub async fn clean_up(app: &App) -> Result<(), Failure> {
    let now = app.now();
    // Which client a family belongs to is not looked at: every successor is kept for the longest
    // grace there is, sealed, and used only within its own client's.
    let grace = fapi::longest_refresh_grace(app.config.tokens.refresh_grace);
    let grace_over = now.plus(-grace - 1);
    refresh_families::clear_successors(&app.store.db, grace_over, BATCH).await?;
    // Bounded twice: rows per statement and statements per run.
    for _ in 0..20 {
        if cleanup::purge(&app.store.db, now, BATCH).await? == 0 {
            break;
        }
    }
    remove_unused_clients(app).await?;
    app.ephemeral.sweep(SWEEP);
    app.metrics.sessions_active(sessions::count_live(&app.store.db, now).await?);
    app.metrics.outbox_waiting(outbox::count(&app.store.db).await?);
    keys::tick(app).await
}

/// Removes clients that came by themselves and that nobody uses.
async fn remove_unused_clients(app: &App) -> Result<(), Failure> {
    let now = app.now();
    let settings = &app.config.registration;
    let mut tx = app.store.begin().await?;
    let mut removed = client_documents::delete_unused(&mut tx, now.plus(-UNREAD), BATCH).await?;
    // A client that acts for itself leaves no trace of being used.
    if !settings.grant_types.contains(&GrantType::ClientCredentials) {
        let unused = (ClientOrigin::Dynamic, now.plus(-settings.unused_lifetime));
        removed += clients::delete_unused(&mut tx, unused, BATCH).await?;
    }
    if removed > 0 {
        sync::bump_catalog(&mut tx).await?;
        tx.commit().await?;
        app.known.forget();
        tracing::info!(removed, "removed apps that nobody uses");
    }
    Ok(())
}
