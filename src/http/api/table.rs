//! Every address of the REST API for administrators' programs, with the scope and the right it needs.
//! What is not in this table does not exist, and nothing is reached except through
//! [`super::call::enter`]. The OpenAPI document is made from it ([`super::openapi`]).
//!
//! | module | addresses of |
//! |---|---|
//! | `further` | none: scopes that some need beyond that of their area |
//! | `people` | people, groups, organisations |
//! | `apps` | apps, their secrets and roles, tokens by which apps register |
//! | `outside` | trusted issuers, webhooks |
//! | `service` | sessions, keys, messages that wait, API keys, the overview, the audit log, settings |

mod apps;
mod further;
mod outside;
mod people;
mod service;

#[cfg(test)]
mod tests;

use crate::http::programs::Verb;
use crate::protocol::api::ApiScope;
use crate::protocol::rights::Right;
pub(super) use further::Further;

/// One address and method.
#[derive(Debug)]
pub(super) struct Entry {
    pub method: Verb,
    /// Path below `/api/v1`; `{id}` is what the address is about, `{member}` a person, `{secret}` the mark
    /// of a secret, `{role}` and `{group}` names, `{delivery}` a message that was sent, `{client}` an
    /// app, `{connection}` something that stays signed in by itself.
    pub path: &'static str,
    pub scope: ApiScope,
    /// Why it needs other scopes as well.
    pub further: &'static [Further],
    pub right: Right,
    pub about: About,
    pub action: Action,
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
    /// The person behind an app and one of its roles.
    RoleHolder,
}

/// What an address does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    UsersList,
    UserCreate,
    UserShow,
    UserPatch,
    UserDelete,
    UserDeleteLater,
    UserDisable,
    UserEnable,
    UserSignOut,
    UserApps,
    UserAppRemove,
    UserConnections,
    UserConnectionEnd,
    UserResetLink,
    UserTemporaryPassword,
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
    ClientRefresh,
    ClientRevokeRegistration,
    ClientSecret,
    ClientLogoPut,
    ClientLogoDelete,
    ClientPreview,
    SecretsList,
    SecretAdd,
    SecretRemove,
    RolesList,
    RoleCreate,
    RoleShow,
    RolePatch,
    RoleDelete,
    RoleUsersList,
    RoleUserAdd,
    RoleUserRemove,
    RoleGroupsList,
    RoleGroupAdd,
    RoleGroupRemove,
    RegistrationTokensList,
    RegistrationTokenCreate,
    RegistrationTokenShow,
    RegistrationTokenRevoke,
    SessionsList,
    SessionsEndMany,
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
    UpstreamList,
    UpstreamCreate,
    UpstreamShow,
    UpstreamPatch,
    UpstreamDelete,
    UpstreamDisable,
    UpstreamEnable,
    UpstreamTest,
    UpstreamPreview,
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
    DeliveryRepeat,
    AuditList,
    JobsList,
    JobRetry,
    JobDiscard,
    MailTest,
    ApiKeysList,
    ApiKeyRevoke,
    OverviewShow,
    ConfigurationShow,
    SettingsList,
    SettingShow,
    SettingPut,
    SettingDelete,
    BrandLogoPut,
    BrandLogoDelete,
}

const fn entry(
    (method, path): (Verb, &'static str),
    (scope, right): (ApiScope, Right),
    about: About,
    action: Action,
) -> Entry {
    Entry { method, path, scope, further: &[], right, about, action }
}

impl Entry {
    /// The same, which needs other scopes as well.
    const fn with(self, further: &'static [Further]) -> Self {
        Self { further, ..self }
    }

    /// The scopes that every call of it needs.
    pub(super) fn always(&self) -> impl Iterator<Item = ApiScope> {
        let further = self.further.iter().filter(|further| further.is_always());
        [self.scope].into_iter().chain(further.filter_map(|further| further.scope()))
    }
}

/// The API, area by area.
const AREAS: [&[Entry]; 4] = [people::TABLE, apps::TABLE, outside::TABLE, service::TABLE];

/// Every address with each of its methods.
pub(super) fn entries() -> impl Iterator<Item = &'static Entry> {
    AREAS.into_iter().flatten()
}
