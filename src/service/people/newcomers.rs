//! Many new accounts in one transaction, with a few statements. Of two that cannot both be, the first one is.

use std::collections::HashSet;

use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::store::users::{self, FirstPassword};
use crate::store::{StoreError, Tx, groups};

/// A checked account that is not there yet.
#[derive(Debug, Clone, Copy)]
pub(in crate::service) struct Newcomer<'a> {
    pub user: &'a User,
    /// The hash of their password (PHC text); `None` for nobody's password.
    pub phc: Option<&'a str>,
}

/// What somebody has and nobody else may have.
#[derive(Debug, Default)]
pub(in crate::service) struct Taken {
    ids: HashSet<UserId>,
    /// User names and addresses: each may be given at a sign-in.
    logins: HashSet<String>,
}

impl Taken {
    /// Whether something of this person is taken.
    pub(super) fn has(&self, user: &User) -> bool {
        self.ids.contains(&user.id)
            || self.logins.contains(&user.username)
            || user.email.as_ref().is_some_and(|email| self.logins.contains(email))
    }

    /// Takes what this person has.
    pub(super) fn add(&mut self, user: &User) {
        self.ids.insert(user.id.clone());
        self.logins.insert(user.username.clone());
        self.logins.extend(user.email.clone());
    }
}

/// Adds everybody who is neither in the database nor among `seen`, with their groups, which are there, and
/// their passwords; says of each in turn whether they were added. Events are the caller's.
///
/// # Errors
/// [`StoreError`]; `Conflict` if one of the groups is gone meanwhile.
pub(in crate::service) async fn add(
    tx: &mut Tx,
    (people, seen): (&[Newcomer<'_>], &Taken),
) -> Result<Vec<bool>, StoreError> {
    let mut outcomes = Vec::with_capacity(people.len());
    for run in runs(people) {
        let unseen: Vec<&User> =
            run.iter().map(|newcomer| newcomer.user).filter(|user| !seen.has(user)).collect();
        let new = users::insert_untaken(&mut *tx, &unseen).await?;
        outcomes.extend(run.iter().map(|newcomer| new.contains(&newcomer.user.id)));
    }
    let added = people.iter().zip(&outcomes).filter(|(_, is_new)| **is_new);
    let added: Vec<&Newcomer<'_>> = added.map(|(newcomer, _)| newcomer).collect();
    let users: Vec<&User> = added.iter().map(|newcomer| newcomer.user).collect();
    groups::join_all(&mut *tx, &users).await?;
    let passwords = added.iter().filter_map(|Newcomer { user, phc }| {
        let phc = (*phc)?;
        Some(FirstPassword { user_id: &user.id, phc, changed_at: user.created_at })
    });
    users::add_passwords(&mut *tx, &passwords.collect::<Vec<_>>()).await?;
    Ok(outcomes)
}

/// Divides people, in their order, so that within a part no two have an id, a user name or an address
/// in common: of two that have, the second is added when it is known what became of the first.
fn runs<'r, 'c>(people: &'r [Newcomer<'c>]) -> Vec<&'r [Newcomer<'c>]> {
    let mut taken = Taken::default();
    let mut parts = Vec::new();
    let (mut begin, mut rest) = (0, people);
    for (place, newcomer) in people.iter().enumerate() {
        if taken.has(newcomer.user)
            && let Some((part, behind)) = rest.split_at_checked(place - begin)
        {
            parts.push(part);
            (begin, rest, taken) = (place, behind, Taken::default());
        }
        taken.add(newcomer.user);
    }
    parts.push(rest);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use crate::protocol::app_roles::AppRoles;
    use crate::protocol::user::Profile;

    fn person(id: &str, username: &str, email: Option<&str>) -> User {
        User {
            id: UserId::new(id),
            username: username.to_owned(),
            email: email.map(str::to_owned),
            email_verified: false,
            name: None,
            external_id: None,
            profile: Profile::default(),
            groups: Vec::new(),
            app_roles: AppRoles::default(),
            role: None,
            disabled_at: None,
            delete_at: None,
            token_version: 0,
            created_at: UnixTime(7),
            updated_at: UnixTime(7),
        }
    }

    fn lengths(people: &[&User]) -> Vec<usize> {
        let people: Vec<_> = people.iter().map(|user| Newcomer { user, phc: None }).collect();
        runs(&people).iter().map(|part| part.len()).collect()
    }

    #[test]
    fn whoever_has_something_in_common_with_one_before_is_in_the_next_part() {
        let first = person("one", "a", Some("x@example.test"));
        let third = person("three", "d", None);
        for (second, parts) in [
            (person("two", "c", None), [3].as_slice()),
            (person("two", "a", None), &[1, 2]),
            (person("two", "x@example.test", None), &[1, 2]),
            (person("two", "c", Some("x@example.test")), &[1, 2]),
            (person("two", "c", Some("c@example.test")), &[3]),
            (person("one", "c", None), &[1, 2]),
        ] {
            assert_eq!(lengths(&[&first, &second, &third]), parts, "{second:?}");
        }
    }

    #[test]
    fn somebody_whose_name_is_their_address_does_not_collide_with_themselves() {
        let own = person("own", "a@example.test", Some("a@example.test"));
        assert_eq!(lengths(&[&own]), [1]);
        assert_eq!(lengths(&[]), [0]);
    }
}
