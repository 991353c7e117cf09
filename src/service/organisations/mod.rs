//! Organisations: made, listed, changed and deleted, who is in them, and for which one somebody acts.
//!
//! | module | job |
//! |---|---|
//! | `mod` | making, finding, changing and deleting one |
//! | `members` | who is in one, and what ends when somebody leaves |
//! | `active` | for which one somebody acts in a session, and towards an app |

pub mod active;
pub mod members;

use crate::app::App;
use crate::crypto::secret;
use crate::protocol::organisation::{is_handle, is_id};
use crate::protocol::plain_text::is_plain_name;
use crate::protocol::rights::Right;
use crate::protocol::types::OrganisationId;
use crate::service::audit::{Actor, Event};
use crate::service::failure::Failure;
use crate::service::people::PeopleError;
use crate::service::people::authority::Authority;
use crate::service::revocation::{self, Spread};
use crate::store::organisations::{self as rows, Organisation, OrganisationFilter};
use crate::store::{StoreError, audit, users};

/// How many organisations somebody may be in, so that lists of them stay small.
pub const MOST_PER_PERSON: i64 = 50;

/// People taken out in one step when an organisation is deleted.
const BATCH: i64 = 100;

/// Longest display name, in characters: it travels in tokens.
pub const LONGEST_DISPLAY_NAME: usize = 100;

/// Why an organisation could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum OrganisationError {
    #[error("there is no such organisation")]
    NotFound,
    #[error("there is an organisation with this name")]
    Taken,
    #[error("the organisation was changed meanwhile")]
    Changed,
    #[error("there is no such person")]
    NoPerson,
    #[error("this person is in 50 organisations, which is the most")]
    Full,
    #[error(transparent)]
    People(#[from] PeopleError),
    #[error(transparent)]
    Failure(#[from] Failure),
}

impl From<StoreError> for OrganisationError {
    fn from(error: StoreError) -> Self {
        Self::Failure(error.into())
    }
}

/// What a change makes of an organisation; `None` leaves it as it is.
#[derive(Debug, Clone, Default)]
pub struct OrganisationEdit {
    pub name: Option<String>,
    /// Empty for one like the name.
    pub display_name: Option<String>,
}

/// The name as it is stored.
pub(in crate::service) fn check_name(text: &str) -> Result<String, PeopleError> {
    let name = text.trim().to_lowercase();
    if is_handle(&name) {
        return Ok(name);
    }
    let problem = "use 1 to 60 letters a to z, digits and hyphens, with no hyphen at either end";
    Err(PeopleError::invalid("name", problem))
}

/// What is shown of one with this name; empty is one like the name.
pub(in crate::service) fn check_display_name(
    text: &str,
    name: &str,
) -> Result<String, PeopleError> {
    let text = text.trim();
    let unfit = !text.is_empty() && !is_plain_name(text);
    if text.chars().count() > LONGEST_DISPLAY_NAME || unfit {
        let problem = "use at most 100 ordinary characters";
        return Err(PeopleError::invalid("display_name", problem));
    }
    Ok(if text.is_empty() { name } else { text }.to_owned())
}

/// Makes an empty organisation.
///
/// # Errors
/// [`OrganisationError::Taken`], or [`OrganisationError::People`] for a name that cannot be one or
/// somebody who may not.
pub async fn create(
    app: &App,
    (name, display_name): (&str, &str),
    actor: &Actor,
) -> Result<Organisation, OrganisationError> {
    let name = check_name(name)?;
    let display_name = check_display_name(display_name, &name)?;
    let now = app.now();
    let made = Organisation {
        id: OrganisationId::new(secret::opaque_id()),
        name,
        display_name,
        version: 0,
        created_at: now,
        updated_at: now,
        members: 0,
    };
    let mut tx = app.store.begin().await?;
    Authority::of(&mut tx, actor, None).await?.require(Right::OrganisationsWrite)?;
    rows::insert(&mut tx, &made).await.map_err(taken)?;
    let event = described(Event::success("organisation.created", actor, now), &made);
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    Ok(made)
}

fn taken(error: StoreError) -> OrganisationError {
    match error {
        StoreError::Conflict => OrganisationError::Taken,
        other => other.into(),
    }
}

/// The event with what it is about.
pub(super) fn described(event: Event, about: &Organisation) -> Event {
    described_by(event, (&about.name, &about.id))
}

fn described_by(event: Event, (name, id): (&str, &OrganisationId)) -> Event {
    event.detail("organisation", name).detail("organisation_id", id.as_str())
}

/// The organisation with this id or name.
///
/// # Errors
/// [`OrganisationError::NotFound`] or a failure.
pub async fn find(app: &App, id_or_name: &str) -> Result<Organisation, OrganisationError> {
    let wanted = id_or_name.trim();
    if is_id(wanted)
        && let Some(found) = rows::by_id(&app.store.db, &OrganisationId::new(wanted)).await?
    {
        return Ok(found);
    }
    let name = wanted.to_lowercase();
    if !is_handle(&name) {
        return Err(OrganisationError::NotFound);
    }
    rows::by_name(&app.store.db, &name).await?.ok_or(OrganisationError::NotFound)
}

/// A page of them by name.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub async fn list(app: &App, filter: &OrganisationFilter) -> Result<Vec<Organisation>, Failure> {
    Ok(rows::list(&app.store.db, filter).await?)
}

/// Gives one another name or display name, if it is in the moment of the change what it is here. People
/// stay; what is told of it is new with the next token.
///
/// # Errors
/// [`OrganisationError`]; [`OrganisationError::Changed`] when somebody else was faster.
pub async fn update(
    app: &App,
    before: &Organisation,
    edit: OrganisationEdit,
    actor: &Actor,
) -> Result<Organisation, OrganisationError> {
    let name = edit.name.as_deref().map_or_else(|| Ok(before.name.clone()), check_name)?;
    let display_name = match edit.display_name {
        Some(text) => check_display_name(&text, &name)?,
        None => before.display_name.clone(),
    };
    let now = app.now();
    let mut after = Organisation { name, display_name, ..before.clone() };
    let mut tx = app.store.begin().await?;
    Authority::of(&mut tx, actor, None).await?.require(Right::OrganisationsWrite)?;
    if !rows::update(&mut tx, &after, now).await.map_err(taken)? {
        let is_there = rows::by_id(&mut tx, &before.id).await?.is_some();
        return Err(if is_there {
            OrganisationError::Changed
        } else {
            OrganisationError::NotFound
        });
    }
    let mut event = described(Event::success("organisation.updated", actor, now), &after);
    if after.name != before.name {
        event = event.detail("name_before", before.name.as_str());
    }
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    after.version += 1;
    after.updated_at = now;
    Ok(after)
}

/// Deletes one. Its people are taken out a few at a time, so that nobody waits for a large one, and with
/// that ends what they were given for it; if that is interrupted, it is there with those who are left.
///
/// # Errors
/// [`OrganisationError`].
pub async fn delete(
    app: &App,
    about: &Organisation,
    actor: &Actor,
) -> Result<(), OrganisationError> {
    delete_from(app, (about, false), actor).await
}

/// As [`delete`], if it is when that begins what it is here.
///
/// # Errors
/// As [`delete`]; [`OrganisationError::Changed`] when somebody else was faster.
pub async fn delete_if(
    app: &App,
    about: &Organisation,
    actor: &Actor,
) -> Result<(), OrganisationError> {
    delete_from(app, (about, true), actor).await
}

async fn delete_from(
    app: &App,
    (about, mut is_conditional): (&Organisation, bool),
    actor: &Actor,
) -> Result<(), OrganisationError> {
    let mut tx = app.store.begin().await?;
    Authority::of(&mut tx, actor, None).await?.require(Right::OrganisationsWrite)?;
    // Let go of the administrator, who would otherwise be held before people whose ids come first.
    drop(tx);
    let mut spread = Spread::default();
    loop {
        let now = app.now();
        let mut tx = app.store.begin().await?;
        // As everywhere: all owners, then people, then what they are in.
        users::hold_owners(&mut tx).await?;
        let people = rows::member_ids(&mut tx, &about.id, BATCH).await?;
        for user in &people {
            users::hold(&mut tx, user).await?;
        }
        if !rows::hold(&mut tx, &about.id).await? {
            return Err(OrganisationError::NotFound);
        }
        // Only at the first step: it changes who is in it.
        if std::mem::take(&mut is_conditional)
            && rows::by_id(&mut tx, &about.id).await?.as_ref() != Some(about)
        {
            return Err(OrganisationError::Changed);
        }
        let (mut ended, mut told) = (Vec::new(), Vec::new());
        for user in &people {
            rows::remove_member(&mut tx, (&about.id, user)).await?;
            ended.extend(members::end_for(app, &mut tx, (user, about), actor).await?);
            told.extend(members::told(&mut tx, user).await?);
        }
        // Whoever joined before it was held is there by now.
        let is_last = rows::member_ids(&mut tx, &about.id, 1).await?.is_empty();
        if is_last {
            rows::delete(&mut tx, &about.id).await?;
            let event = described(Event::success("organisation.deleted", actor, now), about)
                .detail("members", about.members);
            audit::append(&mut tx, &event.into_row()).await?;
        }
        let pending = revocation::record(&mut tx, &members::subjects(&ended, told), now).await?;
        tx.commit().await?;
        app.outbox_bell.notify_one();
        spread = revocation::spread(app, pending).await.or(spread);
        if is_last {
            spread.outlive_copies().await;
            return Ok(());
        }
    }
}
