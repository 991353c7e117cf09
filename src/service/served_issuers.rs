//! Another issuer than before: what has the earlier one in it does not fit any more. Nothing is refused
//! for that; people who look after Doorward are told, in the log of each start and by `doorward doctor`.
//!
//! That has an end by itself. Set back, the issuer is the earlier one, and nothing is said. Kept, it is
//! said for thirty days: long enough for a mistake to be seen, and a change that was meant need not be
//! confirmed anywhere. Where nobody was there before the change, there is nothing to say.

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::store::StoreError;
use crate::store::served_issuers::{self, ServedIssuer};

/// So long a change is told.
const TOLD_FOR: Seconds = 30 * 24 * 3_600;

/// What a change means, and what to do.
pub(crate) const ADVICE: &str = "apps refuse its tokens until they are set up with the new issuer, may take \
    people they know for strangers, and send nobody here until they know the new address; links in \
    letters lead to the old one; programs that prove themselves by an assertion name the new one; \
    everybody signs in again. Set issuer back if that is not meant";

/// A change of the issuer that somebody should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Changed {
    /// The issuer before.
    pub former: String,
    /// Nobody is told any more from then on.
    pub until: UnixTime,
}

/// Notes the issuer of a server that starts, and says in the log if it was another one before. No start
/// fails for it.
pub(super) async fn note(app: &App) {
    match keep(app).await {
        Ok(None) => {}
        Ok(Some(changed)) => tracing::warn!(
            issuer = app.issuer(),
            former_issuer = %changed.former,
            told_until = %changed.until.rfc3339(),
            "the issuer is another one than this database was served with before: {ADVICE}"
        ),
        Err(error) => {
            tracing::warn!(%error, "whether the issuer is the one of before could not be looked up");
        }
    }
}

async fn keep(app: &App) -> Result<Option<Changed>, StoreError> {
    let served = ServedIssuer { issuer: app.issuer().to_owned(), since: app.now() };
    served_issuers::keep(&app.store.db, &served).await?;
    changed(app).await
}

/// Whether the issuer was another one until lately. One that no server has started with yet is new now.
pub(crate) async fn changed(app: &App) -> Result<Option<Changed>, StoreError> {
    let (db, now) = (&app.store.db, app.now());
    let all = served_issuers::all(db).await?;
    let ours = all.iter().find(|served| served.issuer == app.issuer());
    let since = ours.map_or(now, |served| served.since);
    let is_former = |served: &&ServedIssuer| served.issuer != app.issuer() && served.since <= since;
    let until = since.plus(TOLD_FOR);
    let Some(former) = all.iter().rfind(is_former).filter(|_| now < until) else {
        return Ok(None);
    };
    if !served_issuers::was_used_before(db, since).await? {
        return Ok(None);
    }
    Ok(Some(Changed { former: former.issuer.clone(), until }))
}
