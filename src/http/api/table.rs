//! Every address of the REST API for administrators' programs, with the scope and the right it needs.
//! What is not in this table does not exist, and nothing is reached except through
//! [`super::call::enter`]. The OpenAPI document is made from it ([`super::openapi`]).

#[cfg(test)]
mod tests;

use actix_web::http::Method as HttpMethod;

use crate::protocol::api::ApiScope;
use crate::protocol::rights::Right;

/// One address and method.
#[derive(Debug)]
pub(super) struct Entry {
    pub method: Method,
    /// Path below `/api/v1`; `{id}` is what the address is about, `{member}` a person, `{secret}` the mark
    /// of a secret.
    pub path: &'static str,
    pub scope: ApiScope,
    pub right: Right,
    pub about: About,
    pub action: Action,
}

/// The methods of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Shows; never changes anything.
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    pub(super) fn http(self) -> HttpMethod {
        match self {
            Self::Get => HttpMethod::GET,
            Self::Post => HttpMethod::POST,
            Self::Put => HttpMethod::PUT,
            Self::Patch => HttpMethod::PATCH,
            Self::Delete => HttpMethod::DELETE,
        }
    }
}

/// What in particular an address is about. It is looked up, and held against the right, before
/// anything is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    /// A list, something new, or something that belongs to nobody.
    Nobody,
    /// The person in the path, by id, user name or e-mail address.
    Person,
    /// The session in the path; whose it is counts as for [`About::Person`].
    Session,
    /// The group in the path, by name.
    Group,
    /// The group in the path and the person behind it.
    Member,
    /// The organisation in the path, by id or name.
    Organisation,
    /// The organisation in the path and the person behind it.
    OrganisationMember,
}

/// What an address does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    UsersList,
    UserCreate,
    UserShow,
    UserPatch,
    UserDelete,
    UserDisable,
    UserEnable,
    UserSignOut,
    UserResetLink,
    GroupsList,
    GroupCreate,
    GroupShow,
    GroupPatch,
    GroupDelete,
    MembersList,
    MemberAdd,
    MemberRemove,
    ManagersList,
    ManagerAdd,
    ManagerRemove,
    OrganisationsList,
    OrganisationCreate,
    OrganisationShow,
    OrganisationPatch,
    OrganisationDelete,
    OrganisationPeople,
    OrganisationAdd,
    OrganisationRemove,
    ClientsList,
    ClientCreate,
    ClientShow,
    ClientPatch,
    ClientDelete,
    ClientDisable,
    ClientEnable,
    ClientSecret,
    ClientLogoPut,
    ClientLogoDelete,
    SecretsList,
    SecretAdd,
    SecretRemove,
    SessionsList,
    SessionEnd,
    KeysList,
    KeysRotate,
    KeyRetire,
    IssuersList,
    IssuerCreate,
    IssuerShow,
    IssuerPatch,
    IssuerDelete,
    IssuerDisable,
    IssuerEnable,
    WebhooksList,
    WebhookCreate,
    WebhookShow,
    WebhookPatch,
    WebhookDelete,
    WebhookDisable,
    WebhookEnable,
    WebhookSecret,
    WebhookTest,
    DeliveriesList,
    AuditList,
    SettingsList,
    SettingShow,
    SettingPut,
    SettingDelete,
    BrandLogoPut,
    BrandLogoDelete,
}

const fn entry(
    (method, path): (Method, &'static str),
    (scope, right): (ApiScope, Right),
    about: About,
    action: Action,
) -> Entry {
    Entry { method, path, scope, right, about, action }
}

use About::{Group, Member, Nobody, Organisation, OrganisationMember, Person, Session};
use ApiScope as S;
use Method::{Delete, Get, Patch, Post, Put};
use Right as R;

/// The API.
pub(super) static TABLE: &[Entry] = &[
    entry((Get, "/users"), (S::UsersRead, R::PeopleRead), Nobody, Action::UsersList),
    entry((Post, "/users"), (S::UsersWrite, R::PeopleWrite), Nobody, Action::UserCreate),
    entry((Get, "/users/{id}"), (S::UsersRead, R::PeopleRead), Person, Action::UserShow),
    entry((Patch, "/users/{id}"), (S::UsersWrite, R::PeopleWrite), Person, Action::UserPatch),
    entry((Delete, "/users/{id}"), (S::UsersWrite, R::PeopleDelete), Person, Action::UserDelete),
    entry(
        (Post, "/users/{id}/disable"),
        (S::UsersWrite, R::PeopleWrite),
        Person,
        Action::UserDisable,
    ),
    entry(
        (Post, "/users/{id}/enable"),
        (S::UsersWrite, R::PeopleWrite),
        Person,
        Action::UserEnable,
    ),
    entry(
        (Post, "/users/{id}/sign-out"),
        (S::SessionsWrite, R::SessionsEnd),
        Person,
        Action::UserSignOut,
    ),
    entry(
        (Post, "/users/{id}/reset-link"),
        (S::UsersWrite, R::PeopleWrite),
        Person,
        Action::UserResetLink,
    ),
    entry((Get, "/groups"), (S::GroupsRead, R::GroupsRead), Nobody, Action::GroupsList),
    entry((Post, "/groups"), (S::GroupsWrite, R::GroupsWrite), Nobody, Action::GroupCreate),
    entry((Get, "/groups/{id}"), (S::GroupsRead, R::GroupsRead), Group, Action::GroupShow),
    entry((Patch, "/groups/{id}"), (S::GroupsWrite, R::GroupsWrite), Group, Action::GroupPatch),
    entry((Delete, "/groups/{id}"), (S::GroupsWrite, R::GroupsWrite), Group, Action::GroupDelete),
    entry(
        (Get, "/groups/{id}/members"),
        (S::GroupsRead, R::GroupsRead),
        Group,
        Action::MembersList,
    ),
    entry(
        (Put, "/groups/{id}/members/{member}"),
        (S::GroupsWrite, R::GroupsMembers),
        Member,
        Action::MemberAdd,
    ),
    entry(
        (Delete, "/groups/{id}/members/{member}"),
        (S::GroupsWrite, R::GroupsMembers),
        Member,
        Action::MemberRemove,
    ),
    entry(
        (Get, "/groups/{id}/managers"),
        (S::GroupsRead, R::GroupsRead),
        Group,
        Action::ManagersList,
    ),
    entry(
        (Put, "/groups/{id}/managers/{member}"),
        (S::GroupsWrite, R::GroupsDelegate),
        Member,
        Action::ManagerAdd,
    ),
    entry(
        (Delete, "/groups/{id}/managers/{member}"),
        (S::GroupsWrite, R::GroupsDelegate),
        Member,
        Action::ManagerRemove,
    ),
    entry(
        (Get, "/organisations"),
        (S::OrganisationsRead, R::OrganisationsRead),
        Nobody,
        Action::OrganisationsList,
    ),
    entry(
        (Post, "/organisations"),
        (S::OrganisationsWrite, R::OrganisationsWrite),
        Nobody,
        Action::OrganisationCreate,
    ),
    entry(
        (Get, "/organisations/{id}"),
        (S::OrganisationsRead, R::OrganisationsRead),
        Organisation,
        Action::OrganisationShow,
    ),
    entry(
        (Patch, "/organisations/{id}"),
        (S::OrganisationsWrite, R::OrganisationsWrite),
        Organisation,
        Action::OrganisationPatch,
    ),
    entry(
        (Delete, "/organisations/{id}"),
        (S::OrganisationsWrite, R::OrganisationsWrite),
        Organisation,
        Action::OrganisationDelete,
    ),
    entry(
        (Get, "/organisations/{id}/members"),
        (S::OrganisationsRead, R::OrganisationsRead),
        Organisation,
        Action::OrganisationPeople,
    ),
    entry(
        (Put, "/organisations/{id}/members/{member}"),
        (S::OrganisationsWrite, R::OrganisationsMembers),
        OrganisationMember,
        Action::OrganisationAdd,
    ),
    entry(
        (Delete, "/organisations/{id}/members/{member}"),
        (S::OrganisationsWrite, R::OrganisationsMembers),
        OrganisationMember,
        Action::OrganisationRemove,
    ),
    entry((Get, "/clients"), (S::ClientsRead, R::ClientsRead), Nobody, Action::ClientsList),
    entry((Post, "/clients"), (S::ClientsWrite, R::ClientsWrite), Nobody, Action::ClientCreate),
    entry((Get, "/clients/{id}"), (S::ClientsRead, R::ClientsRead), Nobody, Action::ClientShow),
    entry(
        (Patch, "/clients/{id}"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientPatch,
    ),
    entry(
        (Delete, "/clients/{id}"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientDelete,
    ),
    entry(
        (Post, "/clients/{id}/disable"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientDisable,
    ),
    entry(
        (Post, "/clients/{id}/enable"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientEnable,
    ),
    entry(
        (Put, "/clients/{id}/logo"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientLogoPut,
    ),
    entry(
        (Delete, "/clients/{id}/logo"),
        (S::ClientsWrite, R::ClientsWrite),
        Nobody,
        Action::ClientLogoDelete,
    ),
    entry(
        (Post, "/clients/{id}/secret"),
        (S::ClientsWrite, R::ClientsSecret),
        Nobody,
        Action::ClientSecret,
    ),
    entry(
        (Get, "/clients/{id}/secrets"),
        (S::ClientsRead, R::ClientsRead),
        Nobody,
        Action::SecretsList,
    ),
    entry(
        (Post, "/clients/{id}/secrets"),
        (S::ClientsWrite, R::ClientsSecret),
        Nobody,
        Action::SecretAdd,
    ),
    entry(
        (Delete, "/clients/{id}/secrets/{secret}"),
        (S::ClientsWrite, R::ClientsSecret),
        Nobody,
        Action::SecretRemove,
    ),
    entry((Get, "/sessions"), (S::SessionsRead, R::SessionsRead), Nobody, Action::SessionsList),
    entry(
        (Delete, "/sessions/{id}"),
        (S::SessionsWrite, R::SessionsEnd),
        Session,
        Action::SessionEnd,
    ),
    entry((Get, "/keys"), (S::KeysRead, R::KeysRead), Nobody, Action::KeysList),
    entry((Post, "/keys/rotate"), (S::KeysWrite, R::KeysRotate), Nobody, Action::KeysRotate),
    entry((Delete, "/keys/{id}"), (S::KeysWrite, R::KeysRotate), Nobody, Action::KeyRetire),
    entry((Get, "/issuers"), (S::IssuersRead, R::IssuersRead), Nobody, Action::IssuersList),
    entry((Post, "/issuers"), (S::IssuersWrite, R::IssuersWrite), Nobody, Action::IssuerCreate),
    entry((Get, "/issuers/{id}"), (S::IssuersRead, R::IssuersRead), Nobody, Action::IssuerShow),
    entry(
        (Patch, "/issuers/{id}"),
        (S::IssuersWrite, R::IssuersWrite),
        Nobody,
        Action::IssuerPatch,
    ),
    entry(
        (Delete, "/issuers/{id}"),
        (S::IssuersWrite, R::IssuersWrite),
        Nobody,
        Action::IssuerDelete,
    ),
    entry(
        (Post, "/issuers/{id}/disable"),
        (S::IssuersWrite, R::IssuersWrite),
        Nobody,
        Action::IssuerDisable,
    ),
    entry(
        (Post, "/issuers/{id}/enable"),
        (S::IssuersWrite, R::IssuersWrite),
        Nobody,
        Action::IssuerEnable,
    ),
    entry((Get, "/webhooks"), (S::WebhooksRead, R::WebhooksRead), Nobody, Action::WebhooksList),
    entry((Post, "/webhooks"), (S::WebhooksWrite, R::WebhooksWrite), Nobody, Action::WebhookCreate),
    entry((Get, "/webhooks/{id}"), (S::WebhooksRead, R::WebhooksRead), Nobody, Action::WebhookShow),
    entry(
        (Patch, "/webhooks/{id}"),
        (S::WebhooksWrite, R::WebhooksWrite),
        Nobody,
        Action::WebhookPatch,
    ),
    entry(
        (Delete, "/webhooks/{id}"),
        (S::WebhooksWrite, R::WebhooksWrite),
        Nobody,
        Action::WebhookDelete,
    ),
    entry(
        (Post, "/webhooks/{id}/disable"),
        (S::WebhooksWrite, R::WebhooksWrite),
        Nobody,
        Action::WebhookDisable,
    ),
    entry(
        (Post, "/webhooks/{id}/enable"),
        (S::WebhooksWrite, R::WebhooksWrite),
        Nobody,
        Action::WebhookEnable,
    ),
    entry(
        (Post, "/webhooks/{id}/secret"),
        (S::WebhooksWrite, R::WebhooksWrite),
        Nobody,
        Action::WebhookSecret,
    ),
    entry(
        (Post, "/webhooks/{id}/test"),
        (S::WebhooksWrite, R::WebhooksWrite),
        Nobody,
        Action::WebhookTest,
    ),
    entry(
        (Get, "/webhooks/{id}/deliveries"),
        (S::WebhooksRead, R::WebhooksRead),
        Nobody,
        Action::DeliveriesList,
    ),
    entry((Get, "/audit-events"), (S::AuditRead, R::AuditRead), Nobody, Action::AuditList),
    entry((Get, "/settings"), (S::SettingsRead, R::SettingsRead), Nobody, Action::SettingsList),
    entry((Get, "/settings/{id}"), (S::SettingsRead, R::SettingsRead), Nobody, Action::SettingShow),
    entry(
        (Put, "/settings/{id}"),
        (S::SettingsWrite, R::SettingsWrite),
        Nobody,
        Action::SettingPut,
    ),
    entry(
        (Delete, "/settings/{id}"),
        (S::SettingsWrite, R::SettingsWrite),
        Nobody,
        Action::SettingDelete,
    ),
    entry(
        (Put, "/branding/{id}"),
        (S::SettingsWrite, R::SettingsWrite),
        Nobody,
        Action::BrandLogoPut,
    ),
    entry(
        (Delete, "/branding/{id}"),
        (S::SettingsWrite, R::SettingsWrite),
        Nobody,
        Action::BrandLogoDelete,
    ),
];
