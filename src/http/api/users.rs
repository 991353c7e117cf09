//! `/api/v1/users`: people, by the same use cases as the console.

use serde_json::json;

use super::call::Call;
use super::fault::Fault;
use super::reply::{Answer, Reply};
use super::sent;
use super::table::Further;
use super::views::{
    AllowedApp, DeletionTime, NewUser, ResetLink, SignOut, SignedOut, TemporaryPassword,
    UserChange, UserView,
};
use crate::protocol::rights::Right;
use crate::protocol::session_data::merge_patch;
use crate::protocol::types::ClientId;
use crate::protocol::user::{AccountState, AdminRole, Profile, User};
use crate::service::authorize::consent;
use crate::service::clients::Activity;
use crate::service::people::links::{self, LIFETIME};
use crate::service::people::{self, Edit, NewPerson, RoleEdit, deletion, temporary};
use crate::service::session::everywhere::{self, Connections, Reach, Wanted};
use crate::store::order::Order;
use crate::store::users::UserFilter;

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let limit = sent::limit(&call.query)?;
    let roles = AdminRole::ALL.map(AdminRole::as_str);
    let states = AccountState::ALL.map(AccountState::as_str);
    let filter = UserFilter {
        search: call.query.sole("search").map(str::to_owned),
        order: Order::after(sent::cursor(&call.query)?),
        limit: limit + 1,
        manager: call.caller.only_of().cloned(),
        role: sent::one_of(&call.query, "role", &roles, AdminRole::from_name)?,
        state: sent::one_of(&call.query, "state", &states, AccountState::from_name)?,
    };
    let found = people::search(call.site, &filter).await?;
    let rows = found.iter().map(|user| (view(call, user), user.username.clone())).collect();
    call.page(rows, limit)
}

fn view(call: &Call<'_>, user: &User) -> UserView {
    UserView::of(user, &call.caller.standing)
}

/// Who may use the console is said with a scope of its own. Whoever may not say it at all hears that first.
fn needs_scope_for_role(call: &Call<'_>) -> Result<(), Fault> {
    if call.caller.may(Right::PeopleGrantRole) {
        call.needs_for(Further::Role)?;
    }
    Ok(())
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let new: NewUser = sent::parsed(&call.body)?;
    if !new.groups.is_empty() {
        call.needs_for(Further::Groups)?;
    }
    if new.role.is_some() {
        needs_scope_for_role(call)?;
    }
    let person = NewPerson {
        username: new.username,
        name: new.name,
        email: new.email,
        email_verified: new.email_verified,
        profile: new.profile,
        groups: new.groups,
        role: new.role,
        ..NewPerson::default()
    };
    let user = people::create(call.site, person, call.actor()).await?;
    let location = call.address(&["users", user.id.as_str()]);
    Ok(Reply::created(view(call, &user), location)?.tagged())
}

pub(super) fn show(call: &Call<'_>) -> Answer {
    Ok(Reply::shown(view(call, call.person()?))?.tagged())
}

pub(super) async fn patch(call: &Call<'_>) -> Answer {
    let user = call.person()?;
    call.made_from(view(call, user))?;
    // Read for itself first, so that what does not exist is refused by name.
    let _: UserChange = sent::parsed(&call.body)?;
    let before = json!({
        "name": user.name,
        "email": user.email,
        "email_verified": user.email_verified && is_kept(call, "/email", user.email.as_deref()),
        "groups": user.groups,
        "role": user.role,
        "profile": vouched_before(call, &user.profile),
    });
    let after: UserChange = sent::parsed(&merge_patch::merged(Some(before), &call.body))?;
    let role = match call.body.get("role") {
        Some(_) => RoleEdit::Set(after.role),
        None => RoleEdit::Keep,
    };
    if after.groups.as_ref().is_some_and(|groups| *groups != user.groups) {
        call.needs_for(Further::Groups)?;
    }
    let is_role_kept = role == RoleEdit::Keep || role == RoleEdit::Set(user.role);
    if !is_role_kept {
        needs_scope_for_role(call)?;
    }
    let edit = Edit {
        name: after.name,
        email: after.email,
        email_verified: after.email_verified.unwrap_or_default(),
        groups: after.groups.unwrap_or_default(),
        role,
        // One that is null is empty.
        profile: Some(after.profile.unwrap_or_default()),
        directory: None,
    };
    let edited = people::update_if(call.site, user, edit, call.actor()).await?;
    let edited = edited.ok_or_else(Fault::changed)?;
    Ok(Reply::shown(view(call, &edited))?.tagged())
}

/// What was known of them, where a number that is another one now is not known to be theirs.
fn vouched_before(call: &Call<'_>, profile: &Profile) -> Profile {
    let is_kept = is_kept(call, "/profile/phone_number", profile.phone_number.as_deref());
    let verified = profile.phone_number_verified.filter(|_| is_kept);
    Profile { phone_number_verified: verified, ..profile.clone() }
}

/// Whether a change leaves alone what somebody is reached by. That one is theirs says nothing of another one.
fn is_kept(call: &Call<'_>, pointer: &str, known: Option<&str>) -> bool {
    let said = call.body.pointer(pointer);
    said.is_none_or(|said| {
        said.as_str().map(|said| said.trim().to_lowercase()) == known.map(str::to_lowercase)
    })
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let user = call.person()?;
    let is_said = call.made_from_if_said(view(call, user))?;
    if !is_said {
        deletion::delete(call.site, &user.id, call.actor()).await?;
    } else if !deletion::delete_if(call.site, user, call.actor()).await? {
        return Err(Fault::changed());
    }
    Reply::done()
}

/// As [`delete`], so that enabling the account takes it back for a while.
pub(super) async fn delete_later(call: &Call<'_>) -> Answer {
    let user = call.person()?;
    let delete_at = deletion::delete_later(call.site, &user.id, call.actor()).await?;
    Reply::shown(DeletionTime { delete_at: delete_at.into() })
}

pub(super) async fn set_activity(call: &Call<'_>, activity: Activity) -> Answer {
    people::set_activity(call.site, &call.person()?.id, activity, call.actor()).await?;
    Reply::done()
}

pub(super) async fn sign_out(call: &Call<'_>) -> Answer {
    let asked: SignOut = sent::parsed(&call.body)?;
    let user = &call.person()?.id;
    let connections = if asked.connections { Connections::End } else { Connections::Keep };
    let wanted = Wanted { user, reach: Reach::Everywhere, connections };
    let ended = everywhere::sign_out(call.site, &wanted, (call.actor(), &call.from())).await?;
    let ended = ended.ok_or_else(|| Fault::not_found("person"))?;
    Reply::shown(SignedOut { sessions: ended.sessions, connections: ended.connections })
}

pub(super) async fn apps(call: &Call<'_>) -> Answer {
    let allowed = consent::list(call.site, &call.person()?.id).await?;
    let rows = allowed.into_iter().map(|consent| {
        let view = AllowedApp {
            client_id: consent.client_id.to_string(),
            scope: consent.scopes.to_string(),
            granted_at: consent.granted_at.into(),
        };
        (view, consent.client_id.to_string())
    });
    call.page(rows.collect(), i64::MAX)
}

pub(super) async fn remove_app(call: &Call<'_>) -> Answer {
    let client = ClientId::new(call.part("client")?);
    let whom = (&call.person()?.id, &client);
    // One that is not among theirs any more is what was asked for.
    consent::withdraw(call.site, whom, (call.actor(), &call.from())).await?;
    Reply::done()
}

pub(super) async fn reset_link(call: &Call<'_>) -> Answer {
    let user = call.person()?;
    if user.disabled_at.is_some() {
        let detail = "This account is disabled, so its link would not work. Enable it first.";
        return Err(Fault::conflict("disabled", detail));
    }
    let url = links::create_reset_link(call.site, &user.id, call.actor()).await?;
    let expires_at = call.site.now().plus(LIFETIME).into();
    Reply::shown(ResetLink { url, expires_at })
}

pub(super) async fn temporary_password(call: &Call<'_>) -> Answer {
    let user = call.person()?;
    if user.disabled_at.is_some() {
        let detail =
            "This account is disabled, so a temporary password would not work. Enable it first.";
        return Err(Fault::conflict("disabled", detail));
    }
    let given = temporary::give(call.site, &user.id, call.actor()).await?;
    let temporary_password = given.password.expose().to_owned();
    Reply::shown(TemporaryPassword { temporary_password, expires_at: given.until.into() })
}
