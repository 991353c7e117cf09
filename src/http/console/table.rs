//! Every address of the console and the right it needs. What is not in this table does not exist,
//! and nothing is reached except through [`super::desk::enter`], which asks [`Right::allows`].

use crate::protocol::user::{AdminRole, User};

/// One address.
#[derive(Debug)]
pub(super) struct Entry {
    pub method: Method,
    /// Path below the issuer; `{id}` is a person, an app, a session or a trusted issuer.
    pub path: &'static str,
    pub right: Right,
    pub action: Action,
}

/// The two methods pages use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Shows; never changes anything.
    Get,
    /// Changes; needs the session's CSRF token.
    Post,
}

impl Method {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// What somebody must be allowed to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Right {
    /// See everything. Every role may.
    Read,
    /// Make people; change apps.
    Change,
    /// Change the person in the path. Only owners may change somebody who has a role, or an
    /// operator could become one by way of an owner's password.
    ChangePerson,
    /// End the session in the path; whose it is counts as for [`Right::ChangePerson`].
    ChangeSession,
    /// Secrets of apps, keys, and whose word counts here.
    Own,
}

impl Right {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Change => "change",
            Self::ChangePerson => "change_person",
            Self::ChangeSession => "change_session",
            Self::Own => "own",
        }
    }

    /// Whether a role has this right, as far as the role alone decides; see [`may_touch`].
    pub(super) fn allows(self, role: AdminRole) -> bool {
        match role {
            AdminRole::Owner => true,
            AdminRole::Operator => match self {
                Self::Read | Self::Change | Self::ChangePerson | Self::ChangeSession => true,
                Self::Own => false,
            },
            AdminRole::Auditor => self == Self::Read,
        }
    }
}

/// Whether a role may change this person, or end their sessions.
pub(super) fn may_touch(role: AdminRole, person: &User) -> bool {
    match role {
        AdminRole::Owner => true,
        AdminRole::Operator => person.role.is_none(),
        AdminRole::Auditor => false,
    }
}

/// Whether a role may give out the right to use the console, or take it away.
pub(super) fn may_grant(role: AdminRole) -> bool {
    role == AdminRole::Owner
}

/// What an address does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Overview,
    PeopleList,
    PersonNew,
    PersonCreate,
    PersonShow,
    PersonEdit,
    PersonEnable,
    PersonAskDisable,
    PersonDisable,
    PersonResetLink,
    PersonAskSignOut,
    PersonSignOut,
    PersonAskDelete,
    PersonDelete,
    AppsList,
    AppNew,
    AppCreate,
    AppShow,
    AppConnect,
    AppEdit,
    AppEnable,
    AppAskDisable,
    AppDisable,
    AppAskRotateSecret,
    AppRotateSecret,
    AppAskDelete,
    AppDelete,
    SessionsList,
    SessionEnd,
    IssuersList,
    IssuerNew,
    IssuerCreate,
    IssuerShow,
    IssuerEdit,
    IssuerEnable,
    IssuerAskDisable,
    IssuerDisable,
    IssuerAskDelete,
    IssuerDelete,
    KeysList,
    KeyRotate,
    KeyAskRetire,
    KeyRetire,
    AuditList,
}

const fn get(path: &'static str, right: Right, action: Action) -> Entry {
    Entry { method: Method::Get, path, right, action }
}

const fn post(path: &'static str, right: Right, action: Action) -> Entry {
    Entry { method: Method::Post, path, right, action }
}

/// The console. Of two entries that fit an address, the earlier one answers.
pub(super) static TABLE: &[Entry] = &[
    get("/admin", Right::Read, Action::Overview),
    get("/admin/users", Right::Read, Action::PeopleList),
    post("/admin/users", Right::Change, Action::PersonCreate),
    get("/admin/users/new", Right::Change, Action::PersonNew),
    get("/admin/users/{id}", Right::Read, Action::PersonShow),
    post("/admin/users/{id}/edit", Right::ChangePerson, Action::PersonEdit),
    post("/admin/users/{id}/enable", Right::ChangePerson, Action::PersonEnable),
    get("/admin/users/{id}/disable", Right::ChangePerson, Action::PersonAskDisable),
    post("/admin/users/{id}/disable", Right::ChangePerson, Action::PersonDisable),
    post("/admin/users/{id}/reset-link", Right::ChangePerson, Action::PersonResetLink),
    get("/admin/users/{id}/sign-out", Right::ChangePerson, Action::PersonAskSignOut),
    post("/admin/users/{id}/sign-out", Right::ChangePerson, Action::PersonSignOut),
    get("/admin/users/{id}/delete", Right::ChangePerson, Action::PersonAskDelete),
    post("/admin/users/{id}/delete", Right::ChangePerson, Action::PersonDelete),
    get("/admin/clients", Right::Read, Action::AppsList),
    post("/admin/clients", Right::Change, Action::AppCreate),
    get("/admin/clients/new", Right::Change, Action::AppNew),
    get("/admin/clients/{id}", Right::Read, Action::AppShow),
    get("/admin/clients/{id}/connect", Right::Read, Action::AppConnect),
    post("/admin/clients/{id}/edit", Right::Change, Action::AppEdit),
    post("/admin/clients/{id}/enable", Right::Change, Action::AppEnable),
    get("/admin/clients/{id}/disable", Right::Change, Action::AppAskDisable),
    post("/admin/clients/{id}/disable", Right::Change, Action::AppDisable),
    get("/admin/clients/{id}/rotate-secret", Right::Own, Action::AppAskRotateSecret),
    post("/admin/clients/{id}/rotate-secret", Right::Own, Action::AppRotateSecret),
    get("/admin/clients/{id}/delete", Right::Change, Action::AppAskDelete),
    post("/admin/clients/{id}/delete", Right::Change, Action::AppDelete),
    get("/admin/sessions", Right::Read, Action::SessionsList),
    post("/admin/sessions/{id}/end", Right::ChangeSession, Action::SessionEnd),
    get("/admin/issuers", Right::Read, Action::IssuersList),
    post("/admin/issuers", Right::Own, Action::IssuerCreate),
    get("/admin/issuers/new", Right::Own, Action::IssuerNew),
    get("/admin/issuers/{id}", Right::Read, Action::IssuerShow),
    post("/admin/issuers/{id}/edit", Right::Own, Action::IssuerEdit),
    post("/admin/issuers/{id}/enable", Right::Own, Action::IssuerEnable),
    get("/admin/issuers/{id}/disable", Right::Own, Action::IssuerAskDisable),
    post("/admin/issuers/{id}/disable", Right::Own, Action::IssuerDisable),
    get("/admin/issuers/{id}/delete", Right::Own, Action::IssuerAskDelete),
    post("/admin/issuers/{id}/delete", Right::Own, Action::IssuerDelete),
    get("/admin/keys", Right::Read, Action::KeysList),
    post("/admin/keys/rotate", Right::Own, Action::KeyRotate),
    get("/admin/keys/retire", Right::Own, Action::KeyAskRetire),
    post("/admin/keys/retire", Right::Own, Action::KeyRetire),
    get("/admin/audit", Right::Read, Action::AuditList),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use crate::protocol::types::UserId;
    use crate::protocol::user::Profile;

    fn person(role: Option<AdminRole>) -> User {
        User {
            id: UserId::new("u"),
            username: "u".into(),
            email: None,
            email_verified: false,
            name: None,
            profile: Profile::default(),
            groups: Vec::new(),
            role,
            disabled_at: None,
            token_version: 0,
            created_at: UnixTime(0),
            updated_at: UnixTime(0),
        }
    }

    fn open_to(role: AdminRole) -> Vec<String> {
        let open = TABLE.iter().filter(|entry| entry.right.allows(role));
        open.map(|entry| format!("{} {}", entry.method.as_str(), entry.path)).collect()
    }

    #[test]
    fn an_owner_may_do_everything() {
        assert_eq!(open_to(AdminRole::Owner).len(), TABLE.len());
        for role in [None, Some(AdminRole::Owner), Some(AdminRole::Auditor)] {
            assert!(may_touch(AdminRole::Owner, &person(role)));
        }
        assert!(may_grant(AdminRole::Owner));
    }

    #[test]
    fn an_operator_may_do_everything_but_secrets_keys_issuers_and_roles() {
        let closed: Vec<_> = TABLE
            .iter()
            .filter(|entry| !entry.right.allows(AdminRole::Operator))
            .map(|entry| format!("{} {}", entry.method.as_str(), entry.path))
            .collect();
        assert_eq!(
            closed,
            [
                "GET /admin/clients/{id}/rotate-secret",
                "POST /admin/clients/{id}/rotate-secret",
                "POST /admin/issuers",
                "GET /admin/issuers/new",
                "POST /admin/issuers/{id}/edit",
                "POST /admin/issuers/{id}/enable",
                "GET /admin/issuers/{id}/disable",
                "POST /admin/issuers/{id}/disable",
                "GET /admin/issuers/{id}/delete",
                "POST /admin/issuers/{id}/delete",
                "POST /admin/keys/rotate",
                "GET /admin/keys/retire",
                "POST /admin/keys/retire",
            ]
        );
        assert!(may_touch(AdminRole::Operator, &person(None)));
        for role in AdminRole::ALL {
            assert!(!may_touch(AdminRole::Operator, &person(Some(role))), "{role:?}");
        }
        assert!(!may_grant(AdminRole::Operator));
    }

    #[test]
    fn an_auditor_reads_and_changes_nothing() {
        let lists_and_details = [
            "GET /admin",
            "GET /admin/users",
            "GET /admin/users/{id}",
            "GET /admin/clients",
            "GET /admin/clients/{id}",
            "GET /admin/clients/{id}/connect",
            "GET /admin/sessions",
            "GET /admin/issuers",
            "GET /admin/issuers/{id}",
            "GET /admin/keys",
            "GET /admin/audit",
        ];
        assert_eq!(open_to(AdminRole::Auditor), lists_and_details);
        assert!(!may_touch(AdminRole::Auditor, &person(None)));
        assert!(!may_grant(AdminRole::Auditor));
    }

    #[test]
    fn every_change_needs_more_than_the_right_to_read() {
        for entry in TABLE.iter().filter(|entry| entry.method == Method::Post) {
            assert_ne!(entry.right, Right::Read, "{}", entry.path);
        }
    }

    #[test]
    fn everything_about_one_person_or_session_looks_at_whose_it_is() {
        for entry in TABLE.iter().filter(|entry| entry.right != Right::Read) {
            let person = entry.path.starts_with("/admin/users/{id}");
            assert_eq!(person, entry.right == Right::ChangePerson, "{}", entry.path);
            let session = entry.path.starts_with("/admin/sessions/{id}");
            assert_eq!(session, entry.right == Right::ChangeSession, "{}", entry.path);
        }
    }

    #[test]
    fn no_address_and_no_action_is_there_twice() {
        for (n, entry) in TABLE.iter().enumerate() {
            for other in TABLE.iter().skip(n + 1) {
                assert_ne!((entry.method, entry.path), (other.method, other.path));
                assert_ne!(entry.action, other.action);
            }
        }
    }
}
