//! Names of groups as somebody types them: which of them no group has, and which one was probably meant.

use crate::app::App;
use crate::service::failure::Failure;
use crate::service::people::{PeopleError, check_groups};
use crate::store::{StoreError, groups};

/// How many names are looked at for those that no group has: more are not typed.
const MOST_NAMES: usize = 20;

/// How many groups a name is held against.
const MOST_COMPARED: i64 = 1_000;

/// How alike two names are of which one was probably meant by the other, from 0 to 1.
const ALIKE: f64 = 0.88;

/// A name that no group has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    pub name: String,
    /// A group whose name is much like it and begins with the same letter, in whichever case.
    pub near: Option<String>,
}

/// Those of these names that no group has, in order; some twenty at most.
///
/// # Errors
/// [`PeopleError::Invalid`] for what cannot be the name of a group, or a failure.
pub async fn unknown(app: &App, names: Vec<String>) -> Result<Vec<Unknown>, PeopleError> {
    let names = check_groups(names)?;
    let failure = |error: StoreError| PeopleError::Failure(Failure::from(error));
    let known = groups::descriptions_of(&app.store.db, &names).await.map_err(failure)?;
    let is_known = |name: &String| known.iter().any(|(known, _)| known == name);
    let mut unknown = Vec::new();
    for name in names.into_iter().filter(|name| !is_known(name)).take(MOST_NAMES) {
        let beginning: String = name.chars().take(1).collect();
        let others = groups::names(&app.store.db, (&beginning, MOST_COMPARED)).await;
        let near = nearest(&name, others.map_err(failure)?);
        unknown.push(Unknown { name, near });
    }
    Ok(unknown)
}

/// The one that is most like this name, if any is like it.
fn nearest(name: &str, others: Vec<String>) -> Option<String> {
    let name = name.to_lowercase();
    let alike = |other: &str| strsim::jaro_winkler(&name, &other.to_lowercase());
    let scored = others.into_iter().map(|other| (alike(&other), other));
    let best = scored.max_by(|(one, _), (other, _)| one.total_cmp(other));
    best.filter(|(score, _)| *score >= ALIKE).map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_mistyped_is_near_to_the_one_that_was_meant() {
        let there = || ["staff", "stage-hands", "engineering", "Wiki editors"].map(String::from);
        let near = |name: &str| nearest(name, there().into());
        for (typed, meant) in [
            ("staf", "staff"),
            ("Staff", "staff"),
            ("stfaf", "staff"),
            ("engineerin", "engineering"),
            ("wiki-editors", "Wiki editors"),
        ] {
            assert_eq!(near(typed).as_deref(), Some(meant), "{typed}");
        }
        for other in ["", "sales", "board", "finance", "x"] {
            assert_eq!(near(other), None, "{other}");
        }
        assert_eq!(nearest("staff", Vec::new()), None);
    }
}
