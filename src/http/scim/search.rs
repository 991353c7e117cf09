//! `POST /scim/v2/.search`: people and groups in one list, the people first (RFC 7644 sections 3.4.2.1
//! and 3.4.3).

use super::call::{Answer, Call, Reply};
use super::fault::Fault;
use super::{groups, users};
use crate::http::programs::CallError;
use crate::protocol::api::ApiScope;
use crate::protocol::rights::Right;
use crate::protocol::scim::filter::Condition;
use crate::protocol::scim::{ErrorType, Refusal, render};

pub(super) async fn everything(call: &Call<'_>) -> Answer {
    // The way in has asked for what people need.
    if !call.caller.has(ApiScope::GroupsRead) {
        return Err(CallError::Scope(ApiScope::GroupsRead).into());
    }
    if !call.caller.may(Right::GroupsRead) {
        return Err(Fault::forbidden("Your role does not allow this."));
    }
    let (start, count) = (call.query.start, call.query.count);
    let offset = start.saturating_sub(1);
    let asked = Asked::of(&call.query.conditions)?;
    let (mut resources, mut total) = (Vec::new(), 0);
    if asked.people {
        (resources, total) = users::found(call, &asked.conditions, (offset, count)).await?;
    }
    if asked.groups {
        let shown = i64::try_from(resources.len()).unwrap_or(i64::MAX);
        let page = (offset.saturating_sub(total).max(0), count.saturating_sub(shown).max(0));
        let (groups, fit) = groups::found(call, &asked.conditions, page).await?;
        resources.extend(groups);
        total = total.saturating_add(fit);
    }
    Ok(Reply::shown(render::list(&resources, total, start)))
}

/// What a filter leaves of both kinds.
#[derive(Debug)]
struct Asked {
    people: bool,
    groups: bool,
    /// Without those on `meta.resourceType`.
    conditions: Vec<Condition>,
}

impl Asked {
    /// What a kind of resource does not have counts as without a value, so nothing of that kind fits.
    fn of(conditions: &[Condition]) -> Result<Self, Refusal> {
        let mut asked = Self { people: true, groups: true, conditions: Vec::new() };
        for condition in conditions {
            let name = condition.attribute.as_str();
            let (of_people, of_groups) = if name == "meta.resourcetype" {
                let kind = condition.text()?;
                (kind == "User", kind == "Group")
            } else {
                asked.conditions.push(condition.clone());
                (users::FOUND_BY.contains(&name), groups::FOUND_BY.contains(&name))
            };
            if !of_people && !of_groups && name != "meta.resourcetype" {
                let detail = "People and groups are found by meta.resourceType, id, externalId and \
                              displayName, people by userName and emails.value, too.";
                return Err(Refusal::new(ErrorType::InvalidFilter, detail));
            }
            asked.people &= of_people;
            asked.groups &= of_groups;
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::scim::filter;

    #[test]
    fn a_filter_leaves_the_kinds_that_have_what_it_asks_for() {
        let asked = |text: &str| Asked::of(&filter::parse(text).unwrap());
        let kinds = |text: &str| asked(text).map(|asked| (asked.people, asked.groups)).unwrap();
        assert_eq!(kinds("id eq \"a\""), (true, true));
        assert_eq!(kinds("userName eq \"a\""), (true, false));
        assert_eq!(kinds("meta.resourceType eq \"Group\" and id eq \"a\""), (false, true));
        assert_eq!(kinds("meta.resourceType eq \"Group\" and userName eq \"a\""), (false, false));
        assert_eq!(kinds("meta.resourceType eq \"Role\""), (false, false));
        for bad in ["title eq \"a\"", "meta.resourceType eq 7"] {
            assert_eq!(asked(bad).unwrap_err().kind, ErrorType::InvalidFilter, "{bad}");
        }
    }
}
