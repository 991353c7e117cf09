//! Two clicks on the button of one sign-in form. Without scripts nothing stops the second one, and the
//! browser shows only what that one leads to: the session of the first would stay behind, alive and of
//! use to nobody.
//!
//! Whoever has proved the password claims the session of the form under one id, before there is a
//! transaction. A later click that has proved the same, on the same page, in the same browser and from the
//! same address, gets that id, and renews the session as if it had brought its cookie. Whether the session
//! is there is asked in SQL. The claim is no secret and opens nothing: losing it costs a second session.
//!
//! A page whose answer changes what can be changed once, such as a temporary password, counts the clicks that are about
//! to do it. The statement that changes it lets one through; any other learns by the count that it was a click
//! on the same page. Losing the count costs the second click its way in, and the change is made all the same.

use crate::app::App;
use crate::clock::Seconds;
use crate::crypto::secret::{self, SecretHash};
use crate::protocol::types::{SessionId, UserId};
use crate::service::audit::Caller;
use crate::service::session::Remember;
use crate::service::session::accounts::Accounts;

/// For how long somebody who sees no answer goes on clicking.
const MEMORY: Seconds = 60;

/// The session that the clicks on this page share; `None` without a page, or when nobody can say.
pub(super) async fn claim(
    app: &App,
    (user, (page, remember)): (&UserId, (Option<&str>, Remember)),
    accounts: &Accounts,
    caller: &Caller,
) -> Option<SessionId> {
    let key = key(page?, (user, remember), caller);
    // The session that this browser has of the same person is what the first click renews.
    let own = accounts.of(user).map(|own| own.id.clone());
    let id = own.unwrap_or_else(|| SessionId::new(secret::new_id(app.now())));
    let claimed = async {
        if app.ephemeral.put_new(&key, &id.to_string(), MEMORY).await? {
            return Ok(Some(id));
        }
        app.ephemeral.get(&key).await.map(|first| first.map(SessionId::new))
    };
    match claimed.await {
        Ok(claimed) => claimed,
        Err(error) => {
            let error: crate::store::StoreError = error;
            tracing::warn!(%error, "a second click on this form would make a second session");
            None
        }
    }
}

/// What two clicks have in common. The page was sealed for one browser and is shown to no other one.
fn key(page: &str, (user, remember): (&UserId, Remember), caller: &Caller) -> String {
    let address = caller.address.as_deref().unwrap_or_default();
    let what = format!("{page} {user} {remember:?} {address}");
    format!("clicked:{}", SecretHash::of(&what).as_str())
}

/// Counts a click that is about to change what only one can, before it does.
pub(super) async fn note_change(app: &App, page: Option<&str>) {
    let Some(page) = page else { return };
    if let Err(error) = app.ephemeral.increment(&changes(page), MEMORY).await {
        tracing::warn!(%error, "a second click on this form would be refused");
    }
}

/// Whether a click on this page has changed it, or is about to: asked by one that came too late to be counted.
pub(super) async fn has_changed(app: &App, page: Option<&str>) -> bool {
    counted(app, page).await > 0
}

/// Whether another click on this page was quicker: asked by one that was counted. If it was anybody else, nothing
/// was changed by this page, and nothing stays counted.
pub(super) async fn was_overtaken(app: &App, page: Option<&str>) -> bool {
    if counted(app, page).await > 1 {
        return true;
    }
    if let Some(page) = page
        && let Err(error) = app.ephemeral.delete(&[&changes(page)]).await
    {
        tracing::warn!(%error, "another click on this form would be taken for a sign-in");
    }
    false
}

/// How many clicks on this page were counted; none when nobody can say.
async fn counted(app: &App, page: Option<&str>) -> i64 {
    let Some(page) = page else { return 0 };
    match app.ephemeral.get(&changes(page)).await {
        Ok(count) => count.and_then(|count| count.parse().ok()).unwrap_or_default(),
        Err(error) => {
            tracing::warn!(%error, "a second click on this form is refused");
            0
        }
    }
}

fn changes(page: &str) -> String {
    format!("changed-by:{page}")
}
