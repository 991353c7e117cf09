//! Groups that somebody names and that are not there: mostly the name was mistyped, so none is made unasked.

use super::desk::{Desk, Stop};
use crate::http::pages::FieldError;
use crate::http::pages::admin::user_forms::{NewGroups, UserForm};
use crate::protocol::rights::Right;
use crate::service::people::PeopleError;
use crate::service::people::group_names::{self, Unknown};

/// The field that says that groups which are not there are to be made.
pub(super) const MAKE_GROUPS: &str = "make_groups";

/// What to ask about the groups in the form of a person, which asks it then; `None` where nothing is to be asked.
pub(super) async fn question(
    desk: &Desk<'_>,
    form: &mut UserForm,
    groups: &[String],
) -> Result<Option<FieldError>, Stop> {
    // Whoever may make no groups is refused in any case, and does not learn which others there are.
    if form.new_groups == NewGroups::Made || !desk.may(Right::GroupsWrite) {
        return Ok(None);
    }
    let unknown = match group_names::unknown(desk.site(), groups.to_vec()).await {
        Ok(unknown) => unknown,
        Err(PeopleError::Failure(failure)) => return Err(Stop::Failure(failure)),
        // What cannot be a name at all is told by the change itself.
        Err(_) => return Ok(None),
    };
    if unknown.is_empty() {
        return Ok(None);
    }
    form.new_groups = NewGroups::Asked;
    let text = format!("{} Write the name of another one, or tick the box below.", told(&unknown));
    Ok(Some(FieldError { field: "groups", text }))
}

/// What is said of names that no group has.
pub(super) fn told(unknown: &[Unknown]) -> String {
    let sentences: Vec<_> = unknown.iter().map(of_one).collect();
    sentences.join(" ")
}

fn of_one(unknown: &Unknown) -> String {
    let Unknown { name, near } = unknown;
    let near = near.as_ref().map(|near| format!(" Did you mean “{near}”?"));
    format!("There is no group “{name}” yet.{}", near.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_told_with_the_one_that_was_probably_meant() {
        let unknown = |name: &str, near: Option<&str>| Unknown {
            name: name.to_owned(),
            near: near.map(str::to_owned),
        };
        assert_eq!(
            told(&[unknown("board", None), unknown("staf", Some("staff"))]),
            "There is no group “board” yet. There is no group “staf” yet. Did you mean “staff”?"
        );
    }
}
