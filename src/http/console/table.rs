//! Every address of the console and the right it needs. What is not in this table does not exist,
//! and nothing is reached except through [`super::desk::enter`], which holds the right against what the
//! visitor may do ([`crate::protocol::rights`]). The one address beside it is no page: the answer to a sign-in
//! that is tried ([`super::try_it_callback`]).

mod actions;

use crate::protocol::rights::Right;
pub(super) use actions::{
    Action, ImportAction, TokenAction, TryAction, UpstreamAction, WebhookAction,
};

/// One address.
#[derive(Debug)]
pub(super) struct Entry {
    pub method: Method,
    /// Path below the issuer; `{id}` is a person, a group, an organisation, an app, a session, a trusted issuer,
    /// an upstream provider, an API key, a registration token, a webhook or a message.
    pub path: &'static str,
    pub right: Right,
    pub about: About,
    /// Whether it asks for a sign-in of the last minutes ([`super::step_up`]).
    pub is_guarded: bool,
    /// Only those with this right are asked for it: everybody else sees a page without forms.
    pub guarded_for: Option<Right>,
    pub carries: Carries,
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

/// What its form may carry beside fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carries {
    Nothing,
    /// A picture, which is read at once.
    Picture,
    /// A file of people, which goes to the disk as it comes.
    People,
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
}

const fn get(path: &'static str, right: Right, action: Action) -> Entry {
    entry((Method::Get, path), right, action)
}

const fn post(path: &'static str, right: Right, action: Action) -> Entry {
    entry((Method::Post, path), right, action)
}

const fn entry((method, path): (Method, &'static str), right: Right, action: Action) -> Entry {
    let about = About::Nobody;
    let carries = Carries::Nothing;
    Entry { method, path, right, about, is_guarded: false, guarded_for: None, carries, action }
}

impl Entry {
    const fn person(self) -> Self {
        Self { about: About::Person, ..self }
    }

    const fn session(self) -> Self {
        Self { about: About::Session, ..self }
    }

    const fn group(self) -> Self {
        Self { about: About::Group, ..self }
    }

    const fn with_picture(self) -> Self {
        Self { carries: Carries::Picture, ..self }
    }

    const fn with_people(self) -> Self {
        Self { carries: Carries::People, ..self }
    }

    const fn guarded(self) -> Self {
        Self { is_guarded: true, ..self }
    }

    const fn guarded_for(self, right: Right) -> Self {
        Self { is_guarded: true, guarded_for: Some(right), ..self }
    }
}

/// The console. Of two entries that fit an address, the earlier one answers.
pub(super) static TABLE: &[Entry] = &[
    get("/admin", Right::Enter, Action::Overview),
    post("/admin/get-started/dismiss", Right::SettingsWrite, Action::GetStartedDismiss),
    get("/admin/users", Right::PeopleRead, Action::PeopleList),
    post("/admin/users", Right::PeopleWrite, Action::PersonCreate),
    get("/admin/users/new", Right::PeopleWrite, Action::PersonNew),
    get("/admin/users/selected", Right::PeopleWrite, Action::PeopleAskSelected),
    post("/admin/users/selected", Right::PeopleWrite, Action::PeopleSelected),
    get("/admin/users/import", Right::PeopleImport, Action::PeopleImport(ImportAction::Ask))
        .guarded(),
    post(
        "/admin/users/import/start",
        Right::PeopleImport,
        Action::PeopleImport(ImportAction::Start),
    )
    .guarded()
    .with_people(),
    get(
        "/admin/users/import/newest",
        Right::PeopleImport,
        Action::PeopleImport(ImportAction::Newest),
    ),
    get(
        "/admin/users/import/rejects",
        Right::PeopleImport,
        Action::PeopleImport(ImportAction::Rejects),
    ),
    get("/admin/users/{id}", Right::PeopleRead, Action::PersonShow).person(),
    post("/admin/users/{id}/edit", Right::PeopleWrite, Action::PersonEdit).person(),
    post("/admin/users/{id}/enable", Right::PeopleWrite, Action::PersonEnable).person(),
    get("/admin/users/{id}/disable", Right::PeopleWrite, Action::PersonAskDisable).person(),
    post("/admin/users/{id}/disable", Right::PeopleWrite, Action::PersonDisable).person(),
    post("/admin/users/{id}/reset-link", Right::PeopleWrite, Action::PersonResetLink)
        .person()
        .guarded(),
    get("/admin/users/{id}/temporary-password", Right::PeopleWrite, Action::PersonAskTemporary)
        .person()
        .guarded(),
    post("/admin/users/{id}/temporary-password", Right::PeopleWrite, Action::PersonTemporary)
        .person()
        .guarded(),
    get("/admin/users/{id}/sign-out", Right::SessionsEnd, Action::PersonAskSignOut).person(),
    post("/admin/users/{id}/sign-out", Right::SessionsEnd, Action::PersonSignOut).person(),
    get("/admin/users/{id}/remove-app", Right::SessionsEnd, Action::PersonAskRemoveApp).person(),
    post("/admin/users/{id}/remove-app", Right::SessionsEnd, Action::PersonRemoveApp).person(),
    post("/admin/users/{id}/end-connection", Right::SessionsEnd, Action::PersonEndConnection)
        .person(),
    get("/admin/users/{id}/delete", Right::PeopleDelete, Action::PersonAskDelete).person(),
    post("/admin/users/{id}/delete", Right::PeopleDelete, Action::PersonDelete).person(),
    get("/admin/groups", Right::GroupsRead, Action::GroupsList),
    post("/admin/groups", Right::GroupsWrite, Action::GroupCreate),
    get("/admin/groups/{id}", Right::GroupsRead, Action::GroupShow).group(),
    post("/admin/groups/{id}/edit", Right::GroupsWrite, Action::GroupEdit).group(),
    post("/admin/groups/{id}/add-member", Right::GroupsMembers, Action::GroupAddMember).group(),
    post("/admin/groups/{id}/remove-member", Right::GroupsMembers, Action::GroupRemoveMember)
        .group(),
    post("/admin/groups/{id}/add-manager", Right::GroupsDelegate, Action::GroupAddManager)
        .group()
        .guarded(),
    post("/admin/groups/{id}/remove-manager", Right::GroupsDelegate, Action::GroupRemoveManager)
        .group(),
    get("/admin/groups/{id}/delete", Right::GroupsWrite, Action::GroupAskDelete).group(),
    post("/admin/groups/{id}/delete", Right::GroupsWrite, Action::GroupDelete).group(),
    get("/admin/organisations", Right::OrganisationsRead, Action::OrganisationsList),
    post("/admin/organisations", Right::OrganisationsWrite, Action::OrganisationCreate),
    get("/admin/organisations/{id}", Right::OrganisationsRead, Action::OrganisationShow),
    post("/admin/organisations/{id}/edit", Right::OrganisationsWrite, Action::OrganisationEdit),
    post(
        "/admin/organisations/{id}/add-member",
        Right::OrganisationsMembers,
        Action::OrganisationAddMember,
    ),
    get(
        "/admin/organisations/{id}/remove-member",
        Right::OrganisationsMembers,
        Action::OrganisationAskRemoveMember,
    ),
    post(
        "/admin/organisations/{id}/remove-member",
        Right::OrganisationsMembers,
        Action::OrganisationRemoveMember,
    ),
    get(
        "/admin/organisations/{id}/delete",
        Right::OrganisationsWrite,
        Action::OrganisationAskDelete,
    ),
    post("/admin/organisations/{id}/delete", Right::OrganisationsWrite, Action::OrganisationDelete),
    get("/admin/clients", Right::ClientsRead, Action::AppsList),
    post("/admin/clients", Right::ClientsWrite, Action::AppCreate).guarded(),
    get("/admin/clients/new", Right::ClientsWrite, Action::AppNew).guarded(),
    get("/admin/clients/{id}", Right::ClientsRead, Action::AppShow),
    get("/admin/clients/{id}/connect", Right::ClientsRead, Action::AppConnect),
    get("/admin/clients/{id}/first-sign-in", Right::ClientsRead, Action::AppTrial),
    get("/admin/clients/{id}/preview", Right::ClientsPreview, Action::AppAskPreview),
    post("/admin/clients/{id}/preview", Right::ClientsPreview, Action::AppPreview),
    get("/admin/clients/{id}/add-redirect-uri", Right::ClientsWrite, Action::AppAskAddUri),
    post("/admin/clients/{id}/add-redirect-uri", Right::ClientsWrite, Action::AppAddUri),
    post("/admin/clients/{id}/require-pkce", Right::ClientsWrite, Action::AppRequirePkce),
    post("/admin/clients/{id}/refresh", Right::ClientsWrite, Action::AppRefresh),
    post("/admin/clients/{id}/add-secret", Right::ClientsSecret, Action::AppAddSecret).guarded(),
    get("/admin/clients/{id}/retire-secret", Right::ClientsSecret, Action::AppAskRetireSecret)
        .guarded(),
    post("/admin/clients/{id}/retire-secret", Right::ClientsSecret, Action::AppRetireSecret)
        .guarded(),
    post("/admin/clients/{id}/edit", Right::ClientsWrite, Action::AppEdit),
    get("/admin/clients/{id}/credentials", Right::ClientsRead, Action::AppCredentials)
        .guarded_for(Right::ClientsSecret),
    post("/admin/clients/{id}/credentials/edit", Right::ClientsSecret, Action::AppEditCredentials)
        .guarded(),
    get("/admin/clients/{id}/tokens", Right::ClientsRead, Action::AppTokens),
    post("/admin/clients/{id}/tokens/edit", Right::ClientsWrite, Action::AppEditTokens),
    post("/admin/clients/{id}/logo", Right::ClientsWrite, Action::AppLogoSet).with_picture(),
    post("/admin/clients/{id}/logo/remove", Right::ClientsWrite, Action::AppLogoRemove),
    post("/admin/clients/{id}/enable", Right::ClientsWrite, Action::AppEnable),
    get("/admin/clients/{id}/disable", Right::ClientsWrite, Action::AppAskDisable),
    post("/admin/clients/{id}/disable", Right::ClientsWrite, Action::AppDisable),
    get("/admin/clients/{id}/rotate-secret", Right::ClientsSecret, Action::AppAskRotateSecret)
        .guarded(),
    post("/admin/clients/{id}/rotate-secret", Right::ClientsSecret, Action::AppRotateSecret)
        .guarded(),
    get(
        "/admin/clients/{id}/revoke-registration",
        Right::ClientsWrite,
        Action::AppAskRevokeRegistration,
    ),
    post(
        "/admin/clients/{id}/revoke-registration",
        Right::ClientsWrite,
        Action::AppRevokeRegistration,
    ),
    get("/admin/clients/{id}/delete", Right::ClientsWrite, Action::AppAskDelete),
    post("/admin/clients/{id}/delete", Right::ClientsWrite, Action::AppDelete),
    get("/admin/try", Right::ClientsRead, Action::Try(TryAction::Show)),
    // Its app has no secret.
    post("/admin/try/app", Right::ClientsWrite, Action::Try(TryAction::SetUp)),
    post("/admin/try/start", Right::ClientsPreview, Action::Try(TryAction::Start)),
    get("/admin/try/result", Right::ClientsPreview, Action::Try(TryAction::Result)),
    post("/admin/try/refresh", Right::ClientsPreview, Action::Try(TryAction::Refresh)),
    post("/admin/try/sign-out", Right::ClientsPreview, Action::Try(TryAction::SignOut)),
    get("/admin/clients/{id}/roles", Right::ClientsRead, Action::RolesShow),
    post("/admin/clients/{id}/roles", Right::RolesWrite, Action::RoleCreate),
    post("/admin/clients/{id}/roles/edit", Right::RolesWrite, Action::RoleEdit),
    post("/admin/clients/{id}/roles/give", Right::RolesGive, Action::RoleGive),
    post("/admin/clients/{id}/roles/take", Right::RolesGive, Action::RoleTake),
    get("/admin/clients/{id}/roles/delete", Right::RolesWrite, Action::RoleAskDelete),
    post("/admin/clients/{id}/roles/delete", Right::RolesWrite, Action::RoleDelete),
    get(
        "/admin/registration-tokens",
        Right::ClientsRead,
        Action::RegistrationToken(TokenAction::List),
    ),
    post(
        "/admin/registration-tokens",
        Right::ClientsWrite,
        Action::RegistrationToken(TokenAction::Create),
    )
    .guarded(),
    get(
        "/admin/registration-tokens/new",
        Right::ClientsWrite,
        Action::RegistrationToken(TokenAction::New),
    )
    .guarded(),
    get(
        "/admin/registration-tokens/{id}/revoke",
        Right::ClientsWrite,
        Action::RegistrationToken(TokenAction::AskRevoke),
    ),
    post(
        "/admin/registration-tokens/{id}/revoke",
        Right::ClientsWrite,
        Action::RegistrationToken(TokenAction::Revoke),
    ),
    get("/admin/sessions", Right::SessionsRead, Action::SessionsList),
    get("/admin/sessions/sign-out", Right::SessionsEndMany, Action::SessionsAskEndMany),
    post("/admin/sessions/sign-out", Right::SessionsEndMany, Action::SessionsEndMany),
    post("/admin/sessions/{id}/end", Right::SessionsEnd, Action::SessionEnd).session(),
    get("/admin/issuers", Right::IssuersRead, Action::IssuersList),
    post("/admin/issuers", Right::IssuersWrite, Action::IssuerCreate).guarded(),
    get("/admin/issuers/new", Right::IssuersWrite, Action::IssuerNew).guarded(),
    get("/admin/issuers/{id}", Right::IssuersRead, Action::IssuerShow),
    post("/admin/issuers/{id}/edit", Right::IssuersWrite, Action::IssuerEdit),
    post("/admin/issuers/{id}/enable", Right::IssuersWrite, Action::IssuerEnable).guarded(),
    get("/admin/issuers/{id}/disable", Right::IssuersWrite, Action::IssuerAskDisable),
    post("/admin/issuers/{id}/disable", Right::IssuersWrite, Action::IssuerDisable),
    get("/admin/issuers/{id}/delete", Right::IssuersWrite, Action::IssuerAskDelete),
    post("/admin/issuers/{id}/delete", Right::IssuersWrite, Action::IssuerDelete),
    get("/admin/upstream", Right::UpstreamRead, Action::Upstream(UpstreamAction::List)),
    post("/admin/upstream", Right::UpstreamWrite, Action::Upstream(UpstreamAction::Create))
        .guarded(),
    get("/admin/upstream/new", Right::UpstreamWrite, Action::Upstream(UpstreamAction::New))
        .guarded(),
    get("/admin/upstream/{id}", Right::UpstreamRead, Action::Upstream(UpstreamAction::Show)),
    post("/admin/upstream/{id}/edit", Right::UpstreamWrite, Action::Upstream(UpstreamAction::Edit)),
    get(
        "/admin/upstream/{id}/set-secret",
        Right::UpstreamWrite,
        Action::Upstream(UpstreamAction::AskSecret),
    )
    .guarded(),
    post(
        "/admin/upstream/{id}/set-secret",
        Right::UpstreamWrite,
        Action::Upstream(UpstreamAction::SetSecret),
    )
    .guarded(),
    post("/admin/upstream/{id}/test", Right::UpstreamWrite, Action::Upstream(UpstreamAction::Test)),
    post(
        "/admin/upstream/{id}/preview",
        Right::UpstreamWrite,
        Action::Upstream(UpstreamAction::Preview),
    ),
    post(
        "/admin/upstream/{id}/enable",
        Right::UpstreamWrite,
        Action::Upstream(UpstreamAction::Enable),
    ),
    get(
        "/admin/upstream/{id}/disable",
        Right::UpstreamWrite,
        Action::Upstream(UpstreamAction::AskDisable),
    ),
    post(
        "/admin/upstream/{id}/disable",
        Right::UpstreamWrite,
        Action::Upstream(UpstreamAction::Disable),
    ),
    get(
        "/admin/upstream/{id}/delete",
        Right::UpstreamWrite,
        Action::Upstream(UpstreamAction::AskDelete),
    ),
    post(
        "/admin/upstream/{id}/delete",
        Right::UpstreamWrite,
        Action::Upstream(UpstreamAction::Delete),
    ),
    get("/admin/keys", Right::KeysRead, Action::KeysList),
    get("/admin/keys/public", Right::KeysRead, Action::KeyPublic),
    post("/admin/keys/rotate", Right::KeysRotate, Action::KeyRotate).guarded(),
    get("/admin/keys/retire", Right::KeysRotate, Action::KeyAskRetire).guarded(),
    post("/admin/keys/retire", Right::KeysRotate, Action::KeyRetire).guarded(),
    get("/admin/api-keys", Right::ApiKeysRead, Action::ApiKeysList),
    post("/admin/api-keys", Right::ApiKeysWrite, Action::ApiKeyCreate).guarded(),
    get("/admin/api-keys/new", Right::ApiKeysWrite, Action::ApiKeyNew).guarded(),
    get("/admin/api-keys/{id}/revoke", Right::ApiKeysWrite, Action::ApiKeyAskRevoke),
    post("/admin/api-keys/{id}/revoke", Right::ApiKeysWrite, Action::ApiKeyRevoke),
    get("/admin/webhooks", Right::WebhooksRead, Action::Webhook(WebhookAction::List)),
    post("/admin/webhooks", Right::WebhooksWrite, Action::Webhook(WebhookAction::Create)).guarded(),
    get("/admin/webhooks/new", Right::WebhooksWrite, Action::Webhook(WebhookAction::New)).guarded(),
    get("/admin/webhooks/{id}", Right::WebhooksRead, Action::Webhook(WebhookAction::Show)),
    post("/admin/webhooks/{id}/edit", Right::WebhooksWrite, Action::Webhook(WebhookAction::Edit)),
    post("/admin/webhooks/{id}/test", Right::WebhooksWrite, Action::Webhook(WebhookAction::Test)),
    post(
        "/admin/webhooks/{id}/redeliver",
        Right::WebhooksWrite,
        Action::Webhook(WebhookAction::Redeliver),
    ),
    post(
        "/admin/webhooks/{id}/enable",
        Right::WebhooksWrite,
        Action::Webhook(WebhookAction::Enable),
    ),
    get(
        "/admin/webhooks/{id}/disable",
        Right::WebhooksWrite,
        Action::Webhook(WebhookAction::AskDisable),
    ),
    post(
        "/admin/webhooks/{id}/disable",
        Right::WebhooksWrite,
        Action::Webhook(WebhookAction::Disable),
    ),
    get(
        "/admin/webhooks/{id}/rotate-secret",
        Right::WebhooksWrite,
        Action::Webhook(WebhookAction::AskRotateSecret),
    )
    .guarded(),
    post(
        "/admin/webhooks/{id}/rotate-secret",
        Right::WebhooksWrite,
        Action::Webhook(WebhookAction::RotateSecret),
    )
    .guarded(),
    get(
        "/admin/webhooks/{id}/delete",
        Right::WebhooksWrite,
        Action::Webhook(WebhookAction::AskDelete),
    ),
    post(
        "/admin/webhooks/{id}/delete",
        Right::WebhooksWrite,
        Action::Webhook(WebhookAction::Delete),
    ),
    get("/admin/configuration", Right::SettingsRead, Action::ConfigurationShow),
    get("/admin/settings", Right::SettingsRead, Action::SettingsShow),
    get("/admin/settings/mail", Right::SettingsRead, Action::MailShow),
    post("/admin/settings/mail/test", Right::SettingsWrite, Action::MailTest),
    post("/admin/settings/{id}", Right::SettingsWrite, Action::SettingsSave),
    post("/admin/settings/logo/{id}", Right::SettingsWrite, Action::BrandLogoSet).with_picture(),
    post("/admin/settings/logo/{id}/remove", Right::SettingsWrite, Action::BrandLogoRemove),
    get("/admin/audit", Right::AuditRead, Action::AuditList),
    get("/admin/audit/export", Right::AuditRead, Action::AuditExport).guarded(),
    get("/admin/jobs", Right::JobsRead, Action::JobsList),
    post("/admin/jobs/{id}/retry", Right::JobsWrite, Action::JobRetry),
    get("/admin/jobs/{id}/discard", Right::JobsWrite, Action::JobAskDiscard),
    post("/admin/jobs/{id}/discard", Right::JobsWrite, Action::JobDiscard),
    get("/admin/backup", Right::BackupRead, Action::BackupShow),
    post("/admin/backup", Right::BackupMake, Action::BackupMake).guarded(),
];

#[cfg(test)]
mod tests;
