//! Who may use an app: everybody, or only the people in one of the groups it names.

use super::validation::MetadataProblem;
use super::{Client, ClientMetadata};
use crate::protocol::plain_text::is_disguised;

/// Most groups that an app lets in.
pub const MOST_GROUPS: usize = 100;

impl Client {
    /// Whether only some people may use it.
    #[must_use]
    pub fn is_restricted(&self) -> bool {
        self.metadata.allowed_groups.is_some()
    }

    /// Whether somebody in these groups may use it.
    #[must_use]
    pub fn admits(&self, groups: &[String]) -> bool {
        let allowed = self.metadata.allowed_groups.as_ref();
        allowed.is_none_or(|allowed| allowed.iter().any(|group| groups.contains(group)))
    }
}

impl ClientMetadata {
    /// Whether somebody whom an app with the metadata `before` let in may be shut out by these.
    #[must_use]
    pub fn shuts_out(&self, before: &Self) -> bool {
        match (&before.allowed_groups, &self.allowed_groups) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(before), Some(after)) => before.iter().any(|group| !after.contains(group)),
        }
    }
}

/// What is wrong with the list. An empty one could be meant as "everybody" and as "nobody".
pub(super) fn check(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    let field = "allowed_groups";
    let Some(groups) = &metadata.allowed_groups else { return };
    if groups.is_empty() {
        let text = "needs a group; leave it out to let everybody in";
        problems.push(MetadataProblem::new(field, text));
    }
    if groups.len() > MOST_GROUPS {
        problems.push(MetadataProblem::new(field, "has more than 100 entries"));
    }
    for group in groups.iter().take(MOST_GROUPS) {
        let length = group.chars().count();
        if !(1..=100).contains(&length) || group.trim() != group || is_disguised(group) {
            let text = "is not the name of a group: 1 to 100 characters";
            problems.push(MetadataProblem::of(field, group, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metadata(groups: Option<&[&str]>) -> ClientMetadata {
        let allowed_groups = groups.map(|all| all.iter().map(|one| (*one).to_owned()).collect());
        ClientMetadata { allowed_groups, ..ClientMetadata::default() }
    }

    #[test]
    fn one_of_the_groups_is_enough_and_none_is_not() {
        let client = |groups| Client {
            metadata: metadata(groups),
            ..crate::protocol::client::tests::client()
        };
        let of = |names: &[&str]| names.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>();
        assert!(client(None).admits(&[]));
        assert!(!client(None).is_restricted());
        let two = client(Some(&["staff", "board"]));
        assert!(two.admits(&of(&["board", "choir"])));
        assert!(!two.admits(&of(&["choir", "Staff", "staf"])) && !two.admits(&[]));
        assert!(!client(Some(&[])).admits(&of(&["staff"])), "an empty list is nobody");
    }

    #[test]
    fn only_a_group_less_shuts_somebody_out() {
        let shuts = |before, after| metadata(after).shuts_out(&metadata(before));
        assert!(shuts(None, Some(&["a"][..])));
        assert!(shuts(Some(&["a", "b"][..]), Some(&["b", "c"][..])));
        assert!(!shuts(Some(&["a"][..]), Some(&["a", "b"][..])));
        assert!(!shuts(Some(&["a"][..]), None) && !shuts(None, None));
    }

    #[test]
    fn a_list_has_one_to_a_hundred_names_of_groups() {
        let problems = |groups: &[&str]| {
            let mut problems = Vec::new();
            check(&metadata(Some(groups)), &mut problems);
            problems.len()
        };
        assert_eq!(problems(&["staff", "Équipe 1/2"]), 0);
        assert_eq!(problems(&[]), 1);
        let long = "x".repeat(101);
        for bad in ["", " staff", "a\nb", "a\u{202e}b", &long] {
            assert_eq!(problems(&[bad]), 1, "{bad:?}");
        }
        assert_eq!(problems(&["a"; 101]), 1);
        let mut none = Vec::new();
        check(&metadata(None), &mut none);
        assert!(none.is_empty());
    }
}
