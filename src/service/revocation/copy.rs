//! Keeping the fast copy of the revocation set complete, beside the requests.
//!
//! A marker that is a number is caught up with: what was revoked since is read from SQL and added. Only
//! a copy that has no number (an emptied store, or one that somebody began to fill) is made again as a
//! whole, by one node at a time. Tombstones are only ever written in the same step that finds the
//! marker as the writer knows it, so that nobody who comes late undoes what came after.

use super::{MARKER, freshness, marker_ttl, tombstones};
use crate::app::{App, Freshness, marked};
use crate::clock::Seconds;
use crate::crypto::secret;
use crate::service::failure::Failure;
use crate::service::hearing;
use crate::store::revocations::{self, Revocation};
use crate::store::sync;

/// Held by the node that makes the copy again, under a name of its own. In the slot of the marker.
const LEASE: &str = "{rv}:lease";
/// How long others wait for a node that has it and died; renewed with each page.
const LEASE_TTL: Seconds = 5;
/// How many entries are read and written at once.
const PAGE: i64 = 500;
/// How often one run adds what was revoked meanwhile; the next one goes on.
const ROUNDS: usize = 20;

/// Looks whether the copy lags, and mends it. Runs a few times a second, one run at a time.
///
/// # Errors
/// [`Failure`] when either store does not answer; readers ask SQL meanwhile.
pub async fn look_after(app: &App) -> Result<(), Failure> {
    // What was known at the last look has had its time to be published by whoever made it.
    let due = app.watch.newest_at_last_look();
    let marker = match app.ephemeral.get_extend(MARKER, marker_ttl(app)).await {
        Ok(marker) => marker,
        // One that takes no writes may still answer; the marker goes by itself then.
        Err(_) => app.ephemeral.get(MARKER).await?,
    };
    if app.ephemeral.may_evict() {
        // Nobody knows what is missing when it stops: then the copy has to be made again.
        if marker.is_some() {
            app.ephemeral.delete(&[MARKER]).await?;
        }
        return Ok(());
    }
    let known = marked(marker.as_deref());
    if freshness(app, marker.as_deref()) == Freshness::Complete
        || known.is_some_and(|known| known >= due)
    {
        return Ok(());
    }
    catch_up(app).await
}

/// Makes the copy as a whole, whatever there is. For the start: nobody knows what Redis went through
/// meanwhile, or whether the database is another one.
///
/// # Errors
/// [`Failure`] when either store does not answer.
pub async fn make(app: &App) -> Result<(), Failure> {
    if app.ephemeral.may_evict() {
        return Ok(());
    }
    // It may know of more than SQL does, when that has lost commits.
    if let Some(known) = marked(app.ephemeral.get(MARKER).await?.as_deref()) {
        app.watch.saw_revocation(known);
    }
    hearing::listen(app).await?;
    let Some(name) = take_lease(app).await? else { return Ok(()) };
    let outcome = copy_all(app, &name).await;
    give_back(app, &name).await?;
    outcome?;
    catch_up(app).await
}

/// Adds what was revoked since the number that the marker names, or makes the copy again.
pub(super) async fn catch_up(app: &App) -> Result<(), Failure> {
    for _ in 0..ROUNDS {
        let marker = app.ephemeral.get(MARKER).await?;
        if let Some(known) = marked(marker.as_deref()) {
            if known >= app.watch.newest_revocation() {
                return Ok(());
            }
            let news = revocations::since(&app.store.db, known, PAGE).await?;
            let (news, up_to) = gapless(news, known);
            if up_to > known {
                // When somebody else has moved the marker, the next round begins there.
                step(app, (&known.to_string(), &up_to.to_string()), &news).await?;
                continue;
            }
        }
        if !make_again(app, marker.as_deref()).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Makes the copy again as a whole; `false` when another node is doing that.
async fn make_again(app: &App, found: Option<&str>) -> Result<bool, Failure> {
    let Some(name) = take_lease(app).await? else { return Ok(false) };
    // Another node may have made it between the look and the lease.
    let is_as_found = app.ephemeral.get(MARKER).await?.as_deref() == found;
    let outcome = if is_as_found { copy_all(app, &name).await } else { Ok(()) };
    give_back(app, &name).await?;
    outcome.map(|()| true)
}

/// The name under which this node may make the copy; `None` while another one does.
async fn take_lease(app: &App) -> Result<Option<String>, Failure> {
    let name = format!("building:{}", secret::opaque_id());
    let is_ours = app.ephemeral.put_new(LEASE, &name, LEASE_TTL).await?;
    Ok(is_ours.then_some(name))
}

async fn give_back(app: &App, name: &str) -> Result<(), Failure> {
    // It may have run out and be another's by now.
    if app.ephemeral.get(LEASE).await?.as_deref() == Some(name) {
        app.ephemeral.delete(&[LEASE]).await?;
    }
    Ok(())
}

/// Of what was revoked after `known`, the part that has every number, and the last of these. A number
/// is missing where the same was revoked again later, and where a node of an older version did it.
fn gapless(mut news: Vec<Revocation>, known: i64) -> (Vec<Revocation>, i64) {
    let is_full = i64::try_from(news.len()).is_ok_and(|count| count >= PAGE);
    let last = news.last().map_or(known, |last| last.number);
    let mut up_to = known;
    // The last number of a full page may go on behind it.
    let whole = news.iter().take_while(|entry| !is_full || entry.number < last);
    for entry in whole {
        if entry.number > up_to + 1 {
            break;
        }
        up_to = entry.number;
    }
    news.retain(|entry| entry.number <= up_to);
    (news, up_to)
}

async fn copy_all(app: &App, name: &str) -> Result<(), Failure> {
    // The marker says "under construction", by a name of our own, before the first tombstone is
    // written. Each page needs it to say so still: nothing was emptied or begun anew in between.
    app.ephemeral.put(MARKER, name, marker_ttl(app)).await?;
    // The counter is read first: what is revoked after that is on a page or is caught up with.
    let newest = newest(app).await?;
    tracing::info!(newest, "copying the revocation set");
    let mut after = (String::new(), String::new());
    loop {
        let page = revocations::page(&app.store.db, (&after.0, &after.1), PAGE).await?;
        if let Some(last) = page.last() {
            after = (last.kind.as_str().to_owned(), last.subject.clone());
        }
        let is_last = i64::try_from(page.len()).is_ok_and(|count| count < PAGE);
        if !step(app, (name, name), &page).await? {
            return Err(disturbed());
        }
        if is_last {
            return complete(app, name, newest).await;
        }
        app.ephemeral.get_extend(LEASE, LEASE_TTL).await?;
        app.ephemeral.get_extend(MARKER, marker_ttl(app)).await?;
    }
}

/// Gives the copy its number, once nothing is missing up to the newest one. Whoever revoked something
/// meanwhile has found no number to go on from, and may have been acknowledged: a node that has not
/// heard of it would take a copy without it for complete.
async fn complete(app: &App, name: &str, mut known: i64) -> Result<(), Failure> {
    for _ in 0..ROUNDS {
        if newest(app).await? == known {
            let is_ours = step(app, (name, &known.to_string()), &[]).await?;
            return if is_ours { Ok(()) } else { Err(disturbed()) };
        }
        let (news, up_to) = gapless(revocations::since(&app.store.db, known, PAGE).await?, known);
        if up_to == known || !step(app, (name, name), &news).await? {
            return Err(disturbed());
        }
        known = up_to;
    }
    Err(disturbed())
}

async fn newest(app: &App) -> Result<i64, Failure> {
    let known = app.watch.known();
    let state = sync::read(&app.store.db).await?;
    if state.may_lack(&known) {
        // A copy of what SQL has lost would go for one of what is to come.
        return Err(disturbed());
    }
    app.watch.saw_revocation(state.revocations);
    Ok(state.revocations)
}

fn disturbed() -> Failure {
    Failure::Unavailable("the copy was disturbed while it was made; it is made again".into())
}

/// Adds revocations and moves the marker, in one step; `false` when it was not as expected.
async fn step(app: &App, marker: (&str, &str), news: &[Revocation]) -> Result<bool, Failure> {
    let (from, to) = marker;
    Ok(app.ephemeral.replace_beside((MARKER, from, to), &tombstones(news)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use crate::store::revocations::RevocationKind;

    fn entry(number: i64) -> Revocation {
        Revocation {
            kind: RevocationKind::Grant,
            subject: number.to_string(),
            version: 0,
            number,
            revoked_at: UnixTime(0),
            expires_at: UnixTime(1),
        }
    }

    fn up_to(numbers: impl IntoIterator<Item = i64>, known: i64) -> (usize, i64) {
        let (news, up_to) = gapless(numbers.into_iter().map(entry).collect(), known);
        (news.len(), up_to)
    }

    #[test]
    fn the_copy_is_caught_up_with_to_the_first_number_that_is_missing() {
        assert_eq!(up_to([], 7), (0, 7));
        assert_eq!(up_to([8, 8, 9, 10], 7), (4, 10));
        assert_eq!(up_to([8, 10], 7), (1, 8));
        assert_eq!(up_to([9, 10], 7), (0, 7));
    }

    #[test]
    fn of_a_full_page_the_last_number_may_be_cut_off() {
        let last = PAGE + 7;
        assert_eq!(up_to(8..=last, 7), (usize::try_from(PAGE).unwrap() - 1, last - 1));
        let one_large = std::iter::repeat_n(8, usize::try_from(PAGE).unwrap());
        assert_eq!(up_to(one_large, 7), (0, 7), "it takes the whole copy");
    }
}
