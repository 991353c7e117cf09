//! What whoever makes a change may do, asked inside the transaction of the change: a role that is taken
//! away at the same moment counts no more, or waits until the change is through.

use std::collections::BTreeSet;

use crate::app::App;
use crate::clock::UnixTime;
use crate::protocol::api::ApiScope;
use crate::protocol::rights::{Person, Power, Reach, Right, Role, Standing};
use crate::protocol::types::{ClientId, UserId};
use crate::protocol::user::User;
use crate::service::audit::{Actor, Caller};
use crate::service::failure::Failure;
use crate::service::people::PeopleError;
use crate::store::group_managers::Holds;
use crate::store::{Sql, StoreError, Tx, api, clients, group_managers, groups, users};

/// What a service is at the REST API: never more than an operator, who may give an app any scope.
pub(in crate::service) const SERVICE_ROLE: Role = Role::Operator;

/// How far somebody's word goes.
pub(in crate::service) enum Authority {
    /// The command line and Doorward itself, and people with what is their own: those ways have their
    /// own rules.
    Unlimited,
    /// An administrator in the console or with an API key, or a service at the REST API.
    Limited(Standing),
}

/// Why somebody cannot begin with a change that is about no person.
pub(in crate::service) enum Barred {
    /// They do not have the right, or have it no more.
    NotYours,
    Failure(Failure),
}

/// Begins the transaction of a change that is about no person, with whatever of the administrator's
/// power it stands on held in it.
///
/// # Errors
/// [`Barred`].
pub(in crate::service) async fn begin(
    app: &App,
    (actor, right): (&Actor, Right),
) -> Result<Tx, Barred> {
    let failure = |error: StoreError| Barred::Failure(error.into());
    let mut tx = app.store.begin().await.map_err(failure)?;
    let authority = Authority::of(&mut tx, actor, None).await.map_err(|error| match error {
        PeopleError::Failure(failure) => Barred::Failure(failure),
        _ => Barred::NotYours,
    })?;
    if authority.may(right) { Ok(tx) } else { Err(Barred::NotYours) }
}

/// As [`begin`], for what may end the power of a service: one that makes a change at this moment is through with
/// it, or waits and finds out.
///
/// # Errors
/// [`Barred`].
pub(in crate::service) async fn begin_over_services(
    app: &App,
    who: (&Actor, Right),
) -> Result<Tx, Barred> {
    let mut tx = begin(app, who).await?;
    // An administrator has them already; the command line holds nothing yet.
    users::hold_owners(&mut tx).await.map_err(|error| Barred::Failure(error.into()))?;
    Ok(tx)
}

/// On whose word something stands that is used later: somebody in the console as the audit log names them, a key,
/// or a service; `None` when on nobody's.
pub(super) fn vouching(actor: &Actor) -> Option<String> {
    match actor {
        // Not its owner alone: what was made with a key is not to outlive it.
        Actor::Key { key, .. } => Some(format!("key:{key}")),
        Actor::Console(..) | Actor::Service(..) => Some(actor.to_string()),
        _ => None,
    }
}

/// Whom [`vouching`] named, to ask what they may do now; `None` when that is nobody any more.
pub(super) async fn voucher(tx: &mut Tx, name: &str) -> Result<Option<Actor>, StoreError> {
    let Some((kind, id)) = name.split_once(':') else { return Ok(None) };
    let caller = Caller::default();
    Ok(match kind {
        "user" => Some(Actor::Console(UserId::new(id), caller)),
        "client" => Some(Actor::Service(ClientId::new(id), caller)),
        "key" => {
            let found = api::keys::by_id(&mut *tx, id).await?;
            found.map(|key| Actor::Key { owner: key.user_id, key: key.id, caller })
        }
        _ => None,
    })
}

/// Whether a key still works and has these scopes, or a service has them still. Nobody else needs any.
pub(super) async fn has_scopes(
    tx: &mut Tx,
    actor: &Actor,
    (needed, now): (&[ApiScope], UnixTime),
) -> Result<bool, StoreError> {
    let scopes = match actor {
        Actor::Key { key, .. } => {
            let found = api::keys::by_id(&mut *tx, key).await?;
            found.filter(|key| key.is_live(now)).map(|key| key.scopes)
        }
        Actor::Service(id, _) => {
            clients::by_id(&mut *tx, id).await?.map(|client| client.metadata.scope)
        }
        _ => return Ok(true),
    };
    Ok(scopes.is_some_and(|scopes| needed.iter().all(|scope| scope.is_given_by(&scopes))))
}

/// Whether a client is a service at this moment, as when it was let in. Its row is not held where there is an owner:
/// whoever disables, changes or deletes it holds all owners first ([`begin_over_services`]), as the caller does.
async fn is_service(tx: &mut Tx, id: &ClientId, holds_owners: bool) -> Result<bool, StoreError> {
    let client = if holds_owners {
        clients::by_id(&mut *tx, id).await?
    } else {
        clients::hold(&mut *tx, id).await?
    };
    Ok(client.is_some_and(|client| client.origin.is_reviewed() && client.disabled_at.is_none()))
}

/// The person whose role counts for what `actor` does, in the console or by a key.
fn administrator(actor: &Actor) -> Option<&UserId> {
    match actor {
        Actor::Console(admin, _) | Actor::Key { owner: admin, .. } => Some(admin),
        _ => None,
    }
}

impl Authority {
    /// Reads what `actor` may do. For an administrator it first holds all owners, then the
    /// administrator and the person the change is about, in the order of their ids: of two who change
    /// each other one waits, and is then what the other one has made of them. A service has to be one still.
    pub(in crate::service) async fn of(
        tx: &mut Tx,
        actor: &Actor,
        person: Option<&UserId>,
    ) -> Result<Self, PeopleError> {
        let admin = match actor {
            Actor::Console(..) | Actor::Key { .. } | Actor::Service(..) => administrator(actor),
            Actor::User(_)
            | Actor::Client(_)
            | Actor::CommandLine
            | Actor::System
            | Actor::Anonymous => return Ok(Self::Unlimited),
        };
        let holds_owners = users::hold_owners(&mut *tx).await?;
        let mut ids: Vec<_> = admin.into_iter().chain(person).collect();
        ids.sort();
        ids.dedup();
        for id in ids {
            users::hold(&mut *tx, id).await?;
        }
        if let Actor::Service(id, _) = actor
            && !is_service(&mut *tx, id, holds_owners).await?
        {
            return Err(PeopleError::NotYours);
        }
        let Some(admin) = admin else {
            return Ok(Self::Limited(Standing { role: SERVICE_ROLE, groups: BTreeSet::new() }));
        };
        if let Actor::Key { key, .. } = actor
            && !api::keys::hold(&mut *tx, key).await?
        {
            return Err(PeopleError::NotYours);
        }
        let user = users::by_id(&mut *tx, admin).await?.filter(|user| user.disabled_at.is_none());
        let user = user.ok_or(PeopleError::NotYours)?;
        let groups = group_managers::groups_of(&mut *tx, admin).await?;
        Standing::of(user.role, groups).map(Self::Limited).ok_or(PeopleError::NotYours)
    }

    /// Whether they have this right at all.
    pub(in crate::service) fn may(&self, right: Right) -> bool {
        match self {
            Self::Unlimited => true,
            Self::Limited(standing) => standing.may(right),
        }
    }

    /// Whether they may say which id somebody new has: apps know people by it, also people who are gone.
    pub(in crate::service) fn may_name_ids(&self) -> bool {
        match self {
            Self::Unlimited => true,
            Self::Limited(standing) => Right::PeopleImport.reach(standing.role) == Reach::All,
        }
    }

    /// Whether they may change this person.
    pub(in crate::service) async fn change(
        &self,
        tx: &mut Tx,
        right: Right,
        person: &User,
    ) -> Result<(), PeopleError> {
        let Self::Limited(standing) = self else { return Ok(()) };
        let power = power(&mut *tx, person).await?;
        yours(standing.may_change(right, &Person { power, groups: &person.groups }))
    }

    /// As [`Authority::change`], for somebody of whom only the id is known.
    pub(in crate::service) async fn change_by_id(
        &self,
        tx: &mut Tx,
        right: Right,
        id: &UserId,
    ) -> Result<(), PeopleError> {
        if matches!(self, Self::Unlimited) {
            return Ok(());
        }
        let person = users::by_id(&mut *tx, id).await?.ok_or(PeopleError::NotFound)?;
        self.change(tx, right, &person).await
    }

    /// Whether they may take this person into the group, or out of it.
    pub(in crate::service) async fn regroup(
        &self,
        tx: &mut Tx,
        group: &str,
        id: &UserId,
    ) -> Result<(), PeopleError> {
        let Self::Limited(standing) = self else { return Ok(()) };
        let person = users::by_id(&mut *tx, id).await?.ok_or(PeopleError::NotFound)?;
        let power = power(&mut *tx, &person).await?;
        yours(standing.may_move(group, &Person { power, groups: &person.groups }))
    }

    /// Whether they have a right that is about no person.
    pub(in crate::service) fn require(&self, right: Right) -> Result<(), PeopleError> {
        yours(self.may(right))
    }

    /// Whether they may say what everybody in a group may be in an app. Whoever cannot change themselves
    /// cannot do it by a group they are in either.
    pub(in crate::service) async fn give_to_group(
        &self,
        tx: &mut Tx,
        (actor, group): (&Actor, &str),
    ) -> Result<(), PeopleError> {
        let Self::Limited(standing) = self else { return Ok(()) };
        match (Right::RolesGive.reach(standing.role), administrator(actor)) {
            // A service is in no group.
            (Reach::All, _) | (Reach::Ordinary, None) => Ok(()),
            (Reach::Nothing | Reach::Own, _) => Err(PeopleError::NotYours),
            (Reach::Ordinary, Some(admin)) => {
                let own = groups::groups_of(&mut *tx, admin).await?;
                yours(!own.iter().any(|name| name == group))
            }
        }
    }

    /// Whether they may make this account.
    pub(in crate::service) fn let_in(&self, new: &User) -> Result<(), PeopleError> {
        let Self::Limited(standing) = self else { return Ok(()) };
        let may_grant = new.role.is_none() || standing.may(Right::PeopleGrantRole);
        yours(may_grant && standing.may_choose(&new.groups))
    }

    /// Whether they may make `after` of `before`, whom they may change.
    pub(in crate::service) fn turn_into(
        &self,
        before: &User,
        after: &User,
    ) -> Result<(), PeopleError> {
        let Self::Limited(standing) = self else { return Ok(()) };
        let may_grant = before.role == after.role || standing.may(Right::PeopleGrantRole);
        yours(may_grant && standing.may_choose(&after.groups))
    }
}

fn yours(may: bool) -> Result<(), PeopleError> {
    if may { Ok(()) } else { Err(PeopleError::NotYours) }
}

/// What somebody's account opens beyond what everybody in their groups has.
pub(super) async fn power<'a>(sql: impl Sql<'a>, user: &User) -> Result<Power, StoreError> {
    if user.role.is_some() {
        return Ok(Power::Role);
    }
    Ok(power_of(group_managers::what_is_held(sql, &user.id).await?))
}

/// The power of somebody without a role.
pub(super) fn power_of(holds: Holds) -> Power {
    match holds {
        Holds { manages: true, .. } => Power::Manager,
        Holds { is_entrusted: true, .. } => Power::Entrusted,
        Holds { .. } => Power::None,
    }
}
