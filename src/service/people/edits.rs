//! What of an account is edited, and how an edit is written: by itself, or with others in one transaction.

use super::authority::Authority;
use super::{
    PeopleError, begin_change, check_email, check_external_id, check_groups, check_name,
    check_profile, check_username, keep_an_owner, told, withdraw_links,
};
use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::rights::Right;
use crate::protocol::types::{GrantId, UserId};
use crate::protocol::user::{AdminRole, Profile, User};
use crate::service::api::ending::end_keys;
use crate::service::audit::Actor;
use crate::service::clients::access;
use crate::service::revocation;
use crate::store::users;
use crate::store::{Tx, groups};

/// What an administrator may edit.
#[derive(Debug, Clone)]
pub struct Edit {
    pub name: Option<String>,
    pub email: Option<String>,
    pub email_verified: bool,
    pub groups: Vec<String>,
    pub role: RoleEdit,
    /// `None` leaves it as it is.
    pub profile: Option<Profile>,
    /// What only a directory writes; `None` leaves it as it is.
    pub directory: Option<DirectoryEdit>,
}

/// What of an account is the word of the directory that provisions it.
#[derive(Debug, Clone)]
pub struct DirectoryEdit {
    pub username: String,
    pub external_id: Option<String>,
}

/// What an edit does to the right to use the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RoleEdit {
    /// It stays as it is in the moment of the change, whatever it was when the form was shown.
    Keep,
    Set(Option<AdminRole>),
}

/// What a file says of an account. What it leaves out stays as it is in the moment of the change, whatever
/// it was when the file was compared.
#[derive(Debug, Clone)]
pub(in crate::service) struct FileEdit {
    pub name: Option<String>,
    pub email: Option<String>,
    /// Where it is left out, another address is nobody's.
    pub email_verified: Option<bool>,
    /// All of them.
    pub groups: Option<Vec<String>>,
}

/// Changes an account, if it is in the moment of the change what the edit was made from; `None`, and
/// nothing changes, when somebody else has changed it since. Taking a role away, or changing the e-mail
/// address, signs nobody out: roles are read afresh at every console page, and copies elsewhere are
/// forgotten.
///
/// # Errors
/// [`PeopleError`].
pub async fn update_if(
    app: &App,
    made_from: &User,
    edit: Edit,
    actor: &Actor,
) -> Result<Option<User>, PeopleError> {
    let edit = edit.checked()?;
    let (mut tx, authority, before) = begin_change(app, &made_from.id, actor).await?;
    if *made_from != before {
        return Ok(None);
    }
    let (user, ended) = write(app, &mut tx, (&authority, actor), (&before, edit)).await?;
    commit(app, tx, (&user.id, &ended)).await?;
    Ok(Some(user))
}

/// What an edit has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Outcome {
    Changed,
    /// Everything was as the file says already; nothing is written, and nothing told.
    Same,
}

/// Whether an edit is to stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::service) enum Kept {
    Yes,
    /// It is tried, and taken back.
    No,
}

/// Changes an account where anything is otherwise than the file says. That is looked at behind the rights:
/// whoever may not change somebody does not learn by it what they are like.
///
/// # Errors
/// [`PeopleError`].
pub(in crate::service) async fn adjust(
    app: &App,
    (id, kept): (&UserId, Kept),
    said: FileEdit,
    actor: &Actor,
) -> Result<Outcome, PeopleError> {
    let said = said.checked()?;
    let (mut tx, authority, before) = begin_change(app, id, actor).await?;
    let edit = said.over(&before);
    if turned(&authority, &before, edit.clone())? == before {
        return Ok(Outcome::Same);
    }
    let (_, ended) = write(app, &mut tx, (&authority, actor), (&before, edit)).await?;
    if kept == Kept::Yes {
        commit(app, tx, (id, &ended)).await?;
    }
    Ok(Outcome::Changed)
}

/// Keeps an edit, and tells whoever has copies of what was known of the person, and of the grants that ended.
async fn commit(
    app: &App,
    mut tx: Tx,
    (id, ended): (&UserId, &[GrantId]),
) -> Result<(), PeopleError> {
    let told = access::subjects([id], ended);
    let pending = revocation::record(&mut tx, &told, app.now()).await?;
    tx.commit().await?;
    app.outbox_bell.notify_one();
    revocation::publish(app, pending).await;
    Ok(())
}

impl Edit {
    /// The same as it is stored.
    ///
    /// # Errors
    /// [`PeopleError::Invalid`].
    pub(in crate::service) fn checked(self) -> Result<Self, PeopleError> {
        let directory = self.directory.map(|edit| {
            Ok::<_, PeopleError>(DirectoryEdit {
                username: check_username(&edit.username)?,
                external_id: check_external_id(edit.external_id)?,
            })
        });
        Ok(Self {
            name: check_name(self.name)?,
            email: check_email(self.email)?,
            groups: check_groups(self.groups)?,
            profile: self.profile.as_ref().map(check_profile).transpose()?,
            directory: directory.transpose()?,
            ..self
        })
    }
}

impl FileEdit {
    /// The same as it is stored; an empty name or address is one that is left out.
    ///
    /// # Errors
    /// [`PeopleError::Invalid`].
    pub(in crate::service) fn checked(self) -> Result<Self, PeopleError> {
        Ok(Self {
            email: check_email(self.email)?,
            name: check_name(self.name)?,
            groups: self.groups.map(check_groups).transpose()?,
            ..self
        })
    }

    /// The edit of somebody who is like this, once it is checked.
    pub(in crate::service) fn over(self, before: &User) -> Edit {
        let email = self.email.or_else(|| before.email.clone());
        let same_email = email == before.email;
        Edit {
            name: self.name.or_else(|| before.name.clone()),
            // Of another address nobody has said that it is theirs.
            email_verified: self.email_verified.unwrap_or(same_email && before.email_verified),
            email,
            groups: self.groups.unwrap_or_else(|| before.groups.clone()),
            role: RoleEdit::Keep,
            profile: None,
            directory: None,
        }
    }
}

/// Writes a checked edit of somebody who is held, with its events, inside the caller's transaction. Gives
/// the grants that end with the groups, too.
pub(super) async fn write(
    app: &App,
    tx: &mut Tx,
    (authority, actor): (&Authority, &Actor),
    (before, edit): (&User, Edit),
) -> Result<(User, Vec<GrantId>), PeopleError> {
    let now = app.now();
    let (user, made) = put(tx, (authority, now), (before, edit)).await?;
    told::write(tx, told::edit((before, &user), &made, (actor, now))).await?;
    if before.role.is_some() && user.role.is_none() {
        end_keys(tx, &user.id, (actor, now)).await?;
    }
    let ended = if before.groups == user.groups {
        Vec::new()
    } else {
        access::end_lost(app, tx, (&user.id, actor)).await?
    };
    Ok((user, ended))
}

/// Writes what the edit says of the account itself, of somebody who is held, and gives what it is then, and the
/// groups that were not there before. What ends with a role or with groups, and what is told of it, is the caller's.
///
/// # Errors
/// [`PeopleError`]; the transaction must not be committed then.
pub(in crate::service) async fn put(
    tx: &mut Tx,
    (authority, now): (&Authority, UnixTime),
    (before, edit): (&User, Edit),
) -> Result<(User, Vec<String>), PeopleError> {
    let user = User { updated_at: now, ..turned(authority, before, edit)? };
    users::update(&mut *tx, &user).await?;
    let made = if before.groups == user.groups {
        Vec::new()
    } else {
        groups::set_groups(&mut *tx, &user.id, &user.groups, now).await?
    };
    keep_an_owner(tx, before).await?;
    if (&before.email, before.email_verified) != (&user.email, user.email_verified) {
        // Whoever has the old mailbox is not this person any more.
        withdraw_links(tx, &user.id).await?;
    }
    Ok((user, made))
}

/// What an edit makes of somebody, if that is for the one to do who asks.
fn turned(authority: &Authority, before: &User, edit: Edit) -> Result<User, PeopleError> {
    let same_mailbox = before.email == edit.email;
    let mut user = User {
        name: edit.name,
        email: edit.email,
        email_verified: if authority.may(Right::PeopleVouch) {
            edit.email_verified
        } else {
            same_mailbox && before.email_verified
        },
        groups: edit.groups,
        role: match edit.role {
            RoleEdit::Keep => before.role,
            RoleEdit::Set(role) => role,
        },
        ..before.clone()
    };
    if let Some(profile) = edit.profile {
        user.profile = vouched(authority, (&before.profile, profile));
    }
    if let Some(directory) = edit.directory {
        user.username = directory.username;
        user.external_id = directory.external_id;
    }
    authority.turn_into(before, &user)?;
    Ok(user)
}

/// A profile as it becomes of the one before. Whether a number is theirs is for those to say who may say it of a
/// mailbox; with others it stays as it is for as long as the number does.
pub(super) fn vouched(authority: &Authority, (before, said): (&Profile, Profile)) -> Profile {
    if authority.may(Right::PeopleVouch) {
        return said;
    }
    let is_same = before.phone_number == said.phone_number;
    let verified = before.phone_number_verified.filter(|_| is_same);
    Profile { phone_number_verified: verified, ..said }
}
