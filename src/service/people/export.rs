//! Everybody, page by page, as an import reads them.

use std::collections::{HashMap, HashSet};

use crate::app::App;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::audit::{self, Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::import::record::Record;
use crate::store::order::Order;
use crate::store::users::{self, UserFilter};

/// People read at once.
const PAGE: i64 = 500;

/// Whether password hashes are part of an export. Whoever has them can guess passwords.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hashes {
    Included,
    LeftOut,
}

/// Notes that everybody is about to be written to a file, before anything is.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub async fn begin(app: &App, hashes: Hashes, actor: &Actor) -> Result<(), Failure> {
    let event = Event::success("people.exported", actor, app.now())
        .detail("password_hashes", hashes == Hashes::Included);
    audit::write(app, event).await
}

/// The people behind `after` (a user name; the first ones without it), in the order of their names;
/// empty once everybody was there. The right to use the console is left out: it is given by hand.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn page(app: &App, after: Option<&str>, hashes: Hashes) -> Result<Vec<Record>, Failure> {
    let filter = UserFilter { order: Order::after(after), limit: PAGE, ..UserFilter::default() };
    let people = users::list(&app.store.db, &filter).await?;
    let Some(last) = people.last() else { return Ok(Vec::new()) };
    let span = (after.unwrap_or_default(), last.username.as_str());
    let mut passwords: HashMap<String, String> = match hashes {
        Hashes::Included => {
            users::passwords_between(&app.store.db, span).await?.into_iter().collect()
        }
        Hashes::LeftOut => HashMap::new(),
    };
    let claimed: HashSet<UserId> =
        users::claimants_between(&app.store.db, span).await?.into_iter().collect();
    let record = |user: User| Record {
        password_hash: passwords.remove(user.id.as_str()),
        id: Some(user.id.as_str().to_owned()),
        username: user.username,
        // An address that somebody only claims must not become one that they own.
        email: user.email.filter(|_| !claimed.contains(&user.id)),
        email_verified: Some(user.email_verified),
        name: user.name,
        profile: user.profile,
        groups: Some(user.groups),
        disabled: Some(user.disabled_at.is_some()),
    };
    Ok(people.into_iter().map(record).collect())
}
