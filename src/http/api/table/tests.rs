use super::*;
use crate::protocol::rights::{Reach, Role};
use crate::service::api::access::guards_administrators;

#[test]
fn no_address_and_no_action_is_there_twice() {
    let table: Vec<_> = entries().collect();
    for (n, entry) in table.iter().enumerate() {
        for other in table.iter().skip(n + 1) {
            assert_ne!((entry.method, entry.path), (other.method, other.path));
            assert_ne!(entry.action, other.action);
        }
    }
}

#[test]
fn every_change_needs_a_scope_and_a_right_to_change() {
    for entry in entries() {
        let reads = entry.method == Verb::Get;
        assert_eq!(entry.scope.as_str().ends_with(":read"), reads, "{}", entry.path);
        let right = entry.right.as_str().rsplit_once('.').map(|(_, what)| what);
        assert_eq!(right == Some("read"), reads, "{}", entry.path);
        let auditor = entry.right.reach(Role::Auditor);
        assert_eq!(auditor != Reach::Nothing, reads, "{}", entry.path);
    }
}

#[test]
fn everything_about_one_person_session_or_group_looks_at_which() {
    for entry in entries() {
        let about = match entry.path {
            path if path.starts_with("/users/{id}") => About::Person,
            path if path.starts_with("/sessions/{id}") => About::Session,
            path if path.starts_with("/organisations/{id}") => {
                if path.contains("{member}") {
                    About::OrganisationMember
                } else {
                    About::Organisation
                }
            }
            path if path.starts_with("/clients/") && path.contains("{member}") => About::RoleHolder,
            path if path.contains("{member}") => About::Member,
            path if path.starts_with("/groups/{id}") => About::Group,
            _ => About::Nobody,
        };
        assert_eq!(entry.about, about, "{}", entry.path);
    }
}

#[test]
fn every_right_that_is_needed_is_one_an_owner_has() {
    assert!(entries().all(|entry| entry.right.reach(Role::Owner) == Reach::All));
}

#[test]
fn whatever_could_make_somebody_an_administrator_names_the_scope_for_it() {
    for entry in entries() {
        let guards = entry.about == About::Person && guards_administrators(entry.right);
        assert_eq!(entry.further.contains(&Further::Administrator), guards, "{}", entry.path);
        assert!(entry.method != Verb::Get || entry.further.is_empty(), "{}", entry.path);
        // Whoever looks after a group may use the console.
        let says_who = entry.right == Right::GroupsDelegate;
        assert!(!says_who || entry.further.contains(&Further::Role), "{}", entry.path);
    }
    for further in Further::ALL {
        assert!(entries().any(|entry| entry.further.contains(&further)), "{further:?}");
    }
}
