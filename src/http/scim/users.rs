//! `/scim/v2/Users`: people.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::call::{Answer, Call, Reply, Tagged};
use super::fault::Fault;
use crate::protocol::rights::Right;
use crate::protocol::scim::filter::Condition;
use crate::protocol::scim::person::Draft;
use crate::protocol::scim::{ErrorType, Refusal, patch as patches, render};
use crate::protocol::user::{Profile, User};
use crate::service::clients::Activity;
use crate::service::people::provisioning::{self, Change};
use crate::service::people::{self, DirectoryEdit, Edit, NewPerson, RoleEdit};
use crate::store::users::PersonMatch;

/// How often a change is tried that others keep coming before.
const ATTEMPTS: usize = 5;

pub(super) async fn list(call: &Call<'_>) -> Answer {
    let start = call.query.start;
    let page = (start.saturating_sub(1), call.query.count);
    let (resources, total) = found(call, &call.query.conditions, page).await?;
    Ok(Reply::shown(render::list(&resources, total, start)))
}

/// At most so many of the people who fit, without the first ones; and how many fit.
pub(super) async fn found(
    call: &Call<'_>,
    conditions: &[Condition],
    page: (i64, i64),
) -> Result<(Vec<Value>, i64), Fault> {
    let Some(mut wanted) = wanted(conditions)? else { return Ok((Vec::new(), 0)) };
    wanted.manager = call.caller.only_of().cloned();
    let (people, total) = provisioning::people(call.site, &wanted, page).await?;
    let shown = shown(call, &people).await?;
    let resources = shown.into_iter().map(|now| call.query.selection.applied(now.resource));
    Ok((resources.collect(), total))
}

/// What people are found by.
pub(super) const FOUND_BY: [&str; 6] =
    ["id", "username", "emails.value", "emails", "externalid", "displayname"];

/// Whom a filter is about; `None` when it contradicts itself.
fn wanted(conditions: &[Condition]) -> Result<Option<PersonMatch>, Refusal> {
    let mut wanted = PersonMatch::default();
    for condition in conditions {
        let text = condition.text()?;
        let (field, text) = match condition.attribute.as_str() {
            "id" => (&mut wanted.id, text.to_owned()),
            "username" => (&mut wanted.username, text.trim().to_lowercase()),
            "emails.value" | "emails" => (&mut wanted.email, text.trim().to_lowercase()),
            "externalid" => (&mut wanted.external_id, text.to_owned()),
            "displayname" => (&mut wanted.name, text.trim().to_lowercase()),
            _ => {
                let detail = "People are found by userName, externalId, emails.value, displayName \
                              and id.";
                return Err(Refusal::new(ErrorType::InvalidFilter, detail));
            }
        };
        if field.as_ref().is_some_and(|before| *before != text) {
            return Ok(None);
        }
        *field = Some(text);
    }
    Ok(Some(wanted))
}

/// People as they are shown to this caller.
async fn shown(call: &Call<'_>, people: &[User]) -> Result<Vec<Tagged>, Fault> {
    // Of what else they are in a group manager need not know.
    let visible = |name: &&String| call.covers(Right::GroupsRead, name);
    let names: BTreeSet<_> = people.iter().flat_map(|user| &user.groups).filter(visible).collect();
    let names: Vec<String> = names.into_iter().cloned().collect();
    let ids: BTreeMap<_, _> =
        provisioning::group_ids(call.site, &names).await?.into_iter().collect();
    let one = |user: &User| {
        let groups = user.groups.iter().filter_map(|name| {
            let id = ids.get(name)?.clone();
            let location = call.address("Groups", &id);
            Some(((id, name.clone()), location))
        });
        let location = call.address("Users", user.id.as_str());
        Tagged::of(render::person(user, &groups.collect::<Vec<_>>(), &location))
    };
    Ok(people.iter().map(one).collect())
}

async fn shown_one(call: &Call<'_>, user: User) -> Result<Tagged, Fault> {
    let shown = shown(call, &[user]).await?.into_iter().next();
    shown.ok_or_else(|| Fault::not_found("person"))
}

pub(super) async fn create(call: &Call<'_>) -> Answer {
    let draft = Draft::whole(&call.body, true)?;
    let person = NewPerson {
        username: draft.user_name,
        name: draft.name,
        email: draft.email,
        profile: Profile {
            given_name: draft.given_name,
            family_name: draft.family_name,
            locale: draft.locale,
            ..Profile::default()
        },
        external_id: draft.external_id,
        disabled: !draft.active,
        password: draft.password,
        ..NewPerson::default()
    };
    let user = people::create(call.site, person, call.actor()).await?;
    Ok(call.reply(shown_one(call, user).await?).created())
}

pub(super) async fn show(call: &Call<'_>) -> Answer {
    let user = call.person().await?;
    Ok(call.reply(shown_one(call, user).await?))
}

pub(super) async fn replace(call: &Call<'_>) -> Answer {
    changed(call, |before| Draft::whole(&call.body, before.active)).await
}

pub(super) async fn patch(call: &Call<'_>) -> Answer {
    let operations = patches::operations(&call.body)?;
    changed(call, |before| {
        let mut draft = before.clone();
        for operation in &operations {
            draft.apply(operation)?;
        }
        Ok(draft)
    })
    .await
}

/// Makes of the person what `made` makes of them, once more when somebody else comes before.
async fn changed(call: &Call<'_>, made: impl Fn(&Draft) -> Result<Draft, Refusal>) -> Answer {
    for _ in 0..ATTEMPTS {
        let user = call.person().await?;
        let now = shown_one(call, user.clone()).await?;
        call.made_from(&now)?;
        let draft = made(&Draft::of(&user))?;
        // Passwords are not changed here, which the configuration says: only a first one is taken.
        if draft.password.is_some() && people::has_password(call.site, &user.id).await? {
            let detail = "The person has a password, and changes it themselves.";
            return Err(Refusal::new(ErrorType::Mutability, detail).into());
        }
        let change = change(&user, draft);
        if change.is_none() {
            return Ok(call.reply(now));
        }
        let changed = provisioning::change(call.site, &user, change, call.actor()).await?;
        if let Some(user) = changed {
            return Ok(call.reply(shown_one(call, user).await?));
        }
        if call.is_conditional() {
            break;
        }
    }
    Err(Fault::changed())
}

/// A text without the spaces around it; none where there is nothing else.
fn tidy(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// What has to be done so that the person is as the draft says.
fn change(user: &User, draft: Draft) -> Change {
    let before = Draft::of(user);
    let password = draft.password;
    // As it is stored: a directory that sends the same again changes nothing.
    let draft = Draft {
        user_name: draft.user_name.trim().to_lowercase(),
        name: tidy(draft.name),
        given_name: tidy(draft.given_name),
        family_name: tidy(draft.family_name),
        locale: tidy(draft.locale),
        email: draft.email.map(|email| email.trim().to_lowercase()),
        password: None,
        ..draft
    };
    let activity = match (before.active, draft.active) {
        (true, false) => Some(Activity::Disabled),
        (false, true) => Some(Activity::Enabled),
        (true, true) | (false, false) => None,
    };
    let is_same = Draft { active: before.active, ..draft.clone() } == before;
    let edit = (!is_same).then(|| Edit {
        name: draft.name,
        // Nobody has shown that a new mailbox is theirs.
        email_verified: user.email_verified && draft.email == user.email,
        email: draft.email,
        groups: user.groups.clone(),
        role: RoleEdit::Keep,
        profile: Some(Profile {
            given_name: draft.given_name,
            family_name: draft.family_name,
            locale: draft.locale,
            ..user.profile.clone()
        }),
        directory: Some(DirectoryEdit {
            username: draft.user_name,
            external_id: draft.external_id,
        }),
    });
    Change { edit, activity, password }
}

pub(super) async fn delete(call: &Call<'_>) -> Answer {
    let user = call.person().await?;
    if !call.is_conditional() {
        people::deletion::delete(call.site, &user.id, call.actor()).await?;
        return Ok(Reply::done());
    }
    call.made_from(&shown_one(call, user.clone()).await?)?;
    if people::deletion::delete_if(call.site, &user, call.actor()).await? {
        Ok(Reply::done())
    } else {
        Err(Fault::changed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::scim::filter;

    fn found(filter: &str) -> Result<Option<PersonMatch>, Refusal> {
        wanted(&filter::parse(filter).unwrap())
    }

    #[test]
    fn every_condition_has_to_fit() {
        let both = found(r#"userName eq "Alice" and emails.value eq "A@b.test""#).unwrap().unwrap();
        assert_eq!(
            (both.username.as_deref(), both.email.as_deref()),
            (Some("alice"), Some("a@b.test"))
        );
        assert_eq!(found(r#"id eq "a" and id eq "b""#).unwrap(), None);
        for bad in [r#"title eq "a""#, "active eq true", "userName eq 7"] {
            assert_eq!(found(bad).unwrap_err().kind, ErrorType::InvalidFilter);
        }
    }
}
