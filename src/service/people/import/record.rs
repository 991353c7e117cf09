//! One line of an import: what it may say, and what becomes of it.

use serde::{Deserialize, Serialize};

use crate::clock::UnixTime;
use crate::crypto::password;
use crate::crypto::secret;
use crate::protocol::app_roles::AppRoles;
use crate::protocol::types::UserId;
use crate::protocol::user::{Profile, User};
use crate::service::people::{
    PeopleError, check_email, check_groups, check_name, check_profile, check_username,
};

/// A person as a file names them. An export writes the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// The `sub` that apps know the person by; a new one without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub username: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default)]
    pub profile: Profile,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
    /// See [`crate::crypto::password::foreign`] for the kinds that can be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
}

/// A person who may be added.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub user: User,
    pub phc: Option<String>,
    pub said: Said,
}

/// What the file says of somebody, apart from what it leaves open: for people who are there already.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub id: Option<UserId>,
    pub email_verified: Option<bool>,
    pub groups: Option<Vec<String>>,
    pub disabled: Option<bool>,
}

impl Record {
    /// Checks everything that can be checked without looking at other people.
    pub(super) fn check(self, now: UnixTime) -> Result<Candidate, PeopleError> {
        let id = self.id.map(check_id).transpose()?;
        let profile = check_profile(&self.profile)?;
        let groups = self.groups.map(check_groups).transpose()?;
        let said = Said {
            id: id.clone(),
            email_verified: self.email_verified,
            groups: groups.clone(),
            disabled: self.disabled,
        };
        let phc = self.password_hash.filter(|text| !text.trim().is_empty());
        let phc = phc
            .map(|text| password::accept(&text))
            .transpose()
            .map_err(|problem| PeopleError::invalid("password_hash", &problem.to_string()))?;
        let email = check_email(self.email)?;
        let user = User {
            // Somebody of this id may have been deleted: nothing that ended theirs is about this one.
            token_version: if id.is_some() { now.0 } else { 0 },
            id: id.unwrap_or_else(|| UserId::new(secret::opaque_id())),
            username: check_username(&self.username)?,
            email_verified: self.email_verified == Some(true) && email.is_some(),
            email,
            name: check_name(self.name)?,
            profile,
            groups: groups.unwrap_or_default(),
            external_id: None,
            app_roles: AppRoles::default(),
            role: None,
            disabled_at: self.disabled.unwrap_or_default().then_some(now),
            delete_at: None,
            created_at: now,
            updated_at: now,
        };
        Ok(Candidate { user, phc, said })
    }
}

/// A `sub` is at most 255 ASCII characters (OpenID Connect Core section 2).
fn check_id(id: String) -> Result<UserId, PeopleError> {
    if id.is_empty() || id.len() > 255 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(PeopleError::invalid("id", "use 1 to 255 visible ASCII characters"));
    }
    Ok(UserId::new(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> Record {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_user_name_is_enough() {
        let found = record(r#"{"username":"Alice"}"#).check(UnixTime(7)).unwrap();
        assert_eq!(found.user.username, "alice");
        assert_eq!(found.phc, None);
        assert!(!found.user.id.as_str().is_empty());
    }

    #[test]
    fn nobody_without_an_address_has_a_verified_one() {
        let found = record(r#"{"username":"a","email_verified":true}"#).check(UnixTime(7));
        assert!(!found.unwrap().user.email_verified);
    }

    #[test]
    fn what_cannot_be_kept_is_named() {
        for (text, field) in [
            (r#"{"username":"a b"}"#, "username"),
            (r#"{"username":"a","email":"nowhere"}"#, "email"),
            (r#"{"username":"a","id":"a b"}"#, "id"),
            (r#"{"username":"a","groups":[""]}"#, "groups"),
            (r#"{"username":"a","profile":{"nickname":"x\u0000y"}}"#, "profile.nickname"),
            (
                r#"{"username":"a","profile":{"address":{"locality":"\u202etown"}}}"#,
                "profile.address.locality",
            ),
            (r#"{"username":"a","password_hash":"secret"}"#, "password_hash"),
        ] {
            match record(text).check(UnixTime(7)) {
                Err(PeopleError::Invalid { field: found, .. }) => assert_eq!(found, field),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_field_nobody_knows_is_refused() {
        let read = serde_json::from_str::<Record>(r#"{"username":"a","role":"owner"}"#);
        assert!(read.unwrap_err().to_string().contains("role"));
    }
}
