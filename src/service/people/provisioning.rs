//! People and groups as a directory provisions them (SCIM): looked up by what the directory knows of them,
//! and changed in one transaction by the steps of the console's use cases, so that rights and audit events
//! are the same.

use crate::app::App;
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::api::ending::end_keys;
use crate::service::audit::{Actor, Event};
use crate::service::clients::{Activity, access};
use crate::service::failure::Failure;
use crate::service::people::{
    Edit, PeopleError, begin_change, disable, hash, told, told_of_password, write,
};
use crate::service::revocation;
use crate::service::session::{ended_by, everywhere};
use crate::store::groups::{self, FoundGroup, GroupMatch, Member};
use crate::store::users::{self, PersonMatch};
use crate::store::{Tx, audit};

/// What becomes of an account; `None` leaves a part as it is.
#[derive(Debug, Clone, Default)]
pub struct Change {
    pub edit: Option<Edit>,
    pub activity: Option<Activity>,
    /// The first password of somebody who has none.
    pub password: Option<String>,
}

impl Change {
    /// Whether everything stays as it is.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.edit.is_none() && self.activity.is_none() && self.password.is_none()
    }
}

/// A page of those who fit, by username, without the first `offset`; and how many fit.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn people(
    app: &App,
    wanted: &PersonMatch,
    (offset, limit): (i64, i64),
) -> Result<(Vec<User>, i64), Failure> {
    Ok(users::match_people(&app.store.db, wanted, (offset, limit)).await?)
}

/// The person with this id.
///
/// # Errors
/// [`PeopleError::NotFound`] or a failure.
pub async fn person(app: &App, id: &UserId) -> Result<User, PeopleError> {
    users::by_id(&app.store.db, id).await?.ok_or(PeopleError::NotFound)
}

/// A page of the groups that fit, by name, without the first `offset`; and how many fit.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn matching_groups(
    app: &App,
    wanted: &GroupMatch,
    (offset, limit): (i64, i64),
) -> Result<(Vec<FoundGroup>, i64), Failure> {
    Ok(groups::match_groups(&app.store.db, wanted, (offset, limit)).await?)
}

/// The group with this id, whatever it is called now.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn group(app: &App, id: &str) -> Result<Option<FoundGroup>, Failure> {
    let wanted = GroupMatch { id: Some(id.to_owned()), ..GroupMatch::default() };
    let (found, _) = groups::match_groups(&app.store.db, &wanted, (0, 1)).await?;
    Ok(found.into_iter().next())
}

/// At most `limit` of those in a group, by username.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn members(app: &App, group: &str, limit: i64) -> Result<Vec<Member>, Failure> {
    Ok(groups::members(&app.store.db, group, limit).await?)
}

/// Name and id of each of these groups that is there.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn group_ids(app: &App, names: &[String]) -> Result<Vec<(String, String)>, Failure> {
    Ok(groups::ids_of(&app.store.db, names).await?)
}

/// Changes an account, gives it its first password, and disables or enables it, all or nothing; `None`,
/// and nothing changes, when somebody else has changed it since `made_from` was read, or it has a password.
///
/// # Errors
/// [`PeopleError`].
pub async fn change(
    app: &App,
    made_from: &User,
    change: Change,
    actor: &Actor,
) -> Result<Option<User>, PeopleError> {
    let edit = change.edit.map(Edit::checked).transpose()?;
    let phc = match change.password {
        Some(password) => Some(hash(app, made_from, password).await?),
        None => None,
    };
    let (id, now) = (&made_from.id, app.now());
    let (mut tx, authority, before) = begin_change(app, id, actor).await?;
    if *made_from != before {
        return Ok(None);
    }
    let mut user = before.clone();
    let (is_edited, mut lost) = (edit.is_some(), Vec::new());
    if let Some(edit) = edit {
        (user, lost) = write(app, &mut tx, (&authority, actor), (&before, edit)).await?;
    }
    if let Some(phc) = phc
        && !give_password(app, &mut tx, (&user, &phc, actor)).await?
    {
        return Ok(None);
    }
    match change.activity {
        Some(Activity::Disabled) => {
            disable(&mut tx, &before, now).await?;
            // Copies of what was known of somebody whose everything ends are not believed either.
            let ended = everywhere::end_all(app, &mut tx, id).await?;
            end_keys(&mut tx, id, (actor, now)).await?;
            let pending = ended.record(&mut tx, (id, now)).await?;
            let event = Event::success("user.disabled", actor, now).user(id);
            audit::append(&mut tx, &event.into_row()).await?;
            user = users::by_id(&mut tx, id).await?.ok_or(PeopleError::NotFound)?;
            tx.commit().await?;
            ended.settle(app, pending, ended_by(actor, id)).await;
            return Ok(Some(user));
        }
        Some(Activity::Enabled) => {
            users::set_disabled(&mut tx, id, None, now).await?;
            audit::append(&mut tx, &told::enabled(&before, (actor, now)).into_row()).await?;
            user = users::by_id(&mut tx, id).await?.ok_or(PeopleError::NotFound)?;
        }
        None => {}
    }
    let told = access::subjects(is_edited.then_some(id), &lost);
    let pending = revocation::record(&mut tx, &told, now).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    revocation::publish(app, pending).await;
    Ok(Some(user))
}

/// Gives somebody who is held a first password; `false` if they have one.
async fn give_password(
    app: &App,
    tx: &mut Tx,
    (user, phc, actor): (&User, &str, &Actor),
) -> Result<bool, PeopleError> {
    if users::password(&mut *tx, &user.id).await?.is_some() {
        return Ok(false);
    }
    let now = app.now();
    users::set_password(&mut *tx, &user.id, phc, now).await?;
    told_of_password(app, tx, user).await?;
    let event = Event::success("user.password_set", actor, now).user(&user.id);
    audit::append(&mut *tx, &event.into_row()).await?;
    Ok(true)
}
