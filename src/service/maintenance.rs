//! What runs beside the requests: noticing changes made elsewhere, batched writes, clean-up, key
//! rotation. Each step is small, bounded and safe to repeat; a failed one is tried again later.

use std::time::{Duration, Instant};

use crate::app::App;
use crate::clock::{Clock, Seconds, UnixTime};
use crate::protocol::fapi;
use crate::service::activity;
use crate::service::audit::chain::{self, Chain, Removal, Sealing};
use crate::service::clients::registration;
use crate::service::failure::Failure;
use crate::service::hearing;
use crate::service::keys;
use crate::service::outbox::KINDS;
use crate::service::people::deletion;
use crate::store::audit::chain::queue as unsealed;
use crate::store::grants::refresh_families;
use crate::store::{cleanup, outbox, sessions, sync};

/// Rows of a kind removed per step, so that no clean-up holds the database for long.
const BATCH: i64 = 500;
/// How long one run goes on removing what has expired.
const PURGING: Duration = Duration::from_secs(20);
/// How long one run goes on removing what the audit log need not keep any more.
const TRIMMING: Duration = Duration::from_secs(15);
/// People deleted in one run: of each all sessions end, and apps are told.
const PEOPLE: i64 = 100;
/// Steps of one run of sealing, which runs every second.
const BATCHES: usize = 20;
/// Visits written at once.
const VISITS: usize = 200;
/// How long after the first visit that SQL has not heard of it is told.
const BETWEEN_VISITS: Seconds = 60;
/// Sessions that the gauge counts: beyond, counting would be work that helps nobody.
const MOST_SESSIONS: i64 = 1_000_000;
/// Entries of the in-process store looked at per run.
const SWEEP: usize = 100_000;

/// Notices what other nodes and the command line have changed. Runs a few times a second.
///
/// # Errors
/// [`Failure`] when a store does not answer; what is known stays known.
pub async fn notice_changes(app: &App) -> Result<(), Failure> {
    hearing::listen(app).await.map(drop)
}

/// Tells SQL what happened, and when sessions were last used: of each once a minute at most, however busy
/// it is. Runs twice a minute.
///
/// # Errors
/// [`Failure`]; what could not be written is tried again.
pub async fn write_visits(app: &App) -> Result<(), Failure> {
    activity::tell(app).await?;
    write_visits_since(app, app.now().plus(-BETWEEN_VISITS)).await
}

/// Tells SQL of every use it has not heard of. For the end of the process.
///
/// # Errors
/// As [`write_visits`].
pub async fn write_all_visits(app: &App) -> Result<(), Failure> {
    activity::tell(app).await?;
    write_visits_since(app, UnixTime(i64::MAX)).await
}

async fn write_visits_since(app: &App, due: UnixTime) -> Result<(), Failure> {
    let visits = app.watch.take_visits(due);
    for (number, batch) in visits.chunks(VISITS).enumerate() {
        if let Err(error) = sessions::touch_many(&app.store.db, batch).await {
            let left = visits.iter().skip(number * VISITS);
            left.for_each(|(session, at)| app.watch.visited(session, *at));
            return Err(error.into());
        }
    }
    Ok(())
}

/// Seals the events of the audit log that were committed since. Runs once a second.
///
/// # Errors
/// [`Failure`]; what waits is sealed later. An internal one says that the chain was tampered with.
pub async fn seal_audit(app: &App) -> Result<(), Failure> {
    for _ in 0..BATCHES {
        match chain::seal(&chain(app)).await? {
            Sealing::Sealed { count, head } => {
                app.watch.saw_sealed(head);
                if count < usize::try_from(chain::BATCH).unwrap_or(usize::MAX) {
                    break;
                }
            }
            Sealing::Idle | Sealing::Overtaken => break,
            Sealing::Refused(reason) => {
                tell_unsealed(app).await?;
                let seen = app.watch.sealed();
                return Err(Failure::Internal(format!(
                    "{reason}, number {seen} was sealed when last seen: nothing is sealed any more; \
                     run: doorward audit verify"
                )));
            }
        }
    }
    Ok(())
}

/// Tells the metric for how long events have waited to be sealed.
async fn tell_unsealed(app: &App) -> Result<(), Failure> {
    let oldest = unsealed(&app.store.db).await?.oldest;
    app.metrics.audit_unsealed(oldest.map_or(0, |at| app.now().since(at)));
    Ok(())
}

fn chain(app: &App) -> Chain<'_> {
    let known = app.watch.sealed();
    Chain { db: &app.store.db, sealer: &app.sealer, now: app.now(), known }
}

/// Removes events that are older than the settings want them kept. Bounded by time, as the purge is: more
/// may be logged in a minute than any number of steps would remove.
async fn trim_audit(app: &App, now: UnixTime) -> Result<(), Failure> {
    let days = app.settings().audit.retention_days;
    if days == 0 {
        return Ok(());
    }
    let cutoff = now.plus(-days.saturating_mul(86_400));
    let began = Instant::now();
    while began.elapsed() < TRIMMING {
        match chain::remove_before(&chain(app), cutoff).await? {
            Removal::Removed(0) | Removal::Overtaken => break,
            Removal::Removed(_) => {}
            Removal::Refused(seq) => {
                tracing::error!(seq, "the audit log does not hold there and is not trimmed");
                break;
            }
        }
    }
    Ok(())
}

/// Removes what has expired, and the sealed successors whose grace is over. Runs once a minute.
///
/// # Errors
/// [`Failure`].
pub async fn clean_up(app: &App) -> Result<(), Failure> {
    let own = app.timekeeper.trusted(app.now(), app.clock.passed());
    // What has months to live waits until the clock is right. A database whose clock is behind keeps
    // nobody from rotating keys.
    let is_ahead = app.timekeeper.is_ahead(app.now(), own);
    // First of all, and whatever becomes of the rest: keys that stay unrotated are worse than rows
    // that stay for another minute.
    let rotated = if is_ahead { Ok(()) } else { keys::tick(app).await };
    let now = trusted_now(app, own).await?;
    // Which client a family belongs to is not looked at: every successor is kept for the longest
    // grace there is, sealed, and used only within its own client's.
    let grace = fapi::longest_refresh_grace(app.settings().tokens.refresh_grace);
    let grace_over = now.plus(-grace - 1);
    // Bounded twice: rows per step and the time of a run. A number of steps would be a rate above which
    // tables grow, and sealed successors outlive their grace.
    let began = Instant::now();
    while began.elapsed() < PURGING {
        let cleared = refresh_families::clear_successors(&app.store.db, grace_over, BATCH).await?;
        let purged = cleanup::purge(&app.store.db, now, BATCH).await?;
        for lasted in &purged.unended_sessions {
            app.metrics.session_ended("expiry", *lasted);
        }
        if cleared + purged.rows == 0 {
            break;
        }
    }
    if !is_ahead {
        trim_audit(app, now).await?;
        registration::care::remove_unused(app, now, BATCH).await?;
        deletion::delete_due(app, now, PEOPLE).await?;
    }
    app.metrics.activity().cleaned(app.now().0);
    app.ephemeral.sweep(now, SWEEP);
    let (open, idle) = app.store.db.connections();
    app.metrics.db_pool(open, idle);
    let live = sessions::count_live(&app.store.db, now, MOST_SESSIONS).await?;
    app.metrics.sessions_active(live);
    tell_unsealed(app).await?;
    for queue in KINDS {
        app.metrics.jobs_pending(queue, outbox::count(&app.store.db, queue).await?);
    }
    rotated
}

/// The moment by which may be deleted: the earliest of what this machine's clock says, what it should
/// say, and what the database's clock says.
async fn trusted_now(app: &App, own: UnixTime) -> Result<UnixTime, Failure> {
    match app.clock {
        Clock::System => {
            let theirs = sync::clock(&app.store.db).await?;
            Ok(theirs.map_or(own, |theirs| own.min(theirs)))
        }
        // A time that tests make up has nothing to do with the database's.
        Clock::Manual(_) => Ok(own),
    }
}
