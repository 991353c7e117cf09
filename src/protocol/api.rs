//! The scopes of the REST API (RFC 6749 section 3.3), and what its keys look like.

use super::client::{ClientKind, ClientMetadata};
use super::scope::Scopes;

/// What a token or key may be used for at the REST API: one area, to look or to change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ApiScope {
    UsersRead,
    UsersWrite,
    AdministratorsWrite,
    GroupsRead,
    GroupsWrite,
    OrganisationsRead,
    OrganisationsWrite,
    ClientsRead,
    ClientsWrite,
    RolesRead,
    RolesWrite,
    SessionsRead,
    SessionsWrite,
    KeysRead,
    KeysWrite,
    IssuersRead,
    IssuersWrite,
    UpstreamRead,
    UpstreamWrite,
    WebhooksRead,
    WebhooksWrite,
    JobsRead,
    JobsWrite,
    ApiKeysRead,
    ApiKeysWrite,
    OverviewRead,
    AuditRead,
    SettingsRead,
    SettingsWrite,
}

impl ApiScope {
    pub const ALL: [Self; 29] = [
        Self::UsersRead,
        Self::UsersWrite,
        Self::AdministratorsWrite,
        Self::GroupsRead,
        Self::GroupsWrite,
        Self::OrganisationsRead,
        Self::OrganisationsWrite,
        Self::ClientsRead,
        Self::ClientsWrite,
        Self::RolesRead,
        Self::RolesWrite,
        Self::SessionsRead,
        Self::SessionsWrite,
        Self::KeysRead,
        Self::KeysWrite,
        Self::IssuersRead,
        Self::IssuersWrite,
        Self::UpstreamRead,
        Self::UpstreamWrite,
        Self::WebhooksRead,
        Self::WebhooksWrite,
        Self::JobsRead,
        Self::JobsWrite,
        Self::ApiKeysRead,
        Self::ApiKeysWrite,
        Self::OverviewRead,
        Self::AuditRead,
        Self::SettingsRead,
        Self::SettingsWrite,
    ];

    /// The scope token.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UsersRead => "doorward.users:read",
            Self::UsersWrite => "doorward.users:write",
            Self::AdministratorsWrite => "doorward.administrators:write",
            Self::GroupsRead => "doorward.groups:read",
            Self::GroupsWrite => "doorward.groups:write",
            Self::OrganisationsRead => "doorward.organisations:read",
            Self::OrganisationsWrite => "doorward.organisations:write",
            Self::ClientsRead => "doorward.clients:read",
            Self::ClientsWrite => "doorward.clients:write",
            Self::RolesRead => "doorward.roles:read",
            Self::RolesWrite => "doorward.roles:write",
            Self::SessionsRead => "doorward.sessions:read",
            Self::SessionsWrite => "doorward.sessions:write",
            Self::KeysRead => "doorward.keys:read",
            Self::KeysWrite => "doorward.keys:write",
            Self::IssuersRead => "doorward.issuers:read",
            Self::IssuersWrite => "doorward.issuers:write",
            Self::UpstreamRead => "doorward.upstream:read",
            Self::UpstreamWrite => "doorward.upstream:write",
            Self::WebhooksRead => "doorward.webhooks:read",
            Self::WebhooksWrite => "doorward.webhooks:write",
            Self::JobsRead => "doorward.jobs:read",
            Self::JobsWrite => "doorward.jobs:write",
            Self::ApiKeysRead => "doorward.api_keys:read",
            Self::ApiKeysWrite => "doorward.api_keys:write",
            Self::OverviewRead => "doorward.overview:read",
            Self::AuditRead => "doorward.audit:read",
            Self::SettingsRead => "doorward.settings:read",
            Self::SettingsWrite => "doorward.settings:write",
        }
    }

    /// What it allows, in a sentence.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::UsersRead => "See people.",
            Self::UsersWrite => {
                "Make, change, disable and delete people who may not use the console; see them."
            }
            Self::AdministratorsWrite => {
                "With the scope for people, or that for groups, and a key of an owner: say who may use \
                 the console, and change those who may."
            }
            Self::GroupsRead => "See groups and who is in them.",
            Self::GroupsWrite => "Make, change and delete groups, say who is in them; see them.",
            Self::OrganisationsRead => "See organisations and who is in them.",
            Self::OrganisationsWrite => {
                "Make, change and delete organisations, say who is in them; see them."
            }
            Self::ClientsRead => "See apps.",
            Self::ClientsWrite => {
                "Make, change, disable and delete apps, make secrets and tokens to register with; see \
                 them."
            }
            Self::RolesRead => "See the roles of apps and who has them.",
            Self::RolesWrite => {
                "Make, change and delete roles of apps, say who has them; see them."
            }
            Self::SessionsRead => "See who is signed in where.",
            Self::SessionsWrite => "Sign people out; see who is signed in where.",
            Self::KeysRead => "See the keys that sign and decrypt.",
            Self::KeysWrite => "Rotate and retire keys, for a key of an owner; see them.",
            Self::IssuersRead => "See issuers outside that are trusted.",
            Self::IssuersWrite => {
                "Say which issuers outside are trusted, for a key of an owner; see them."
            }
            Self::UpstreamRead => "See upstream providers.",
            Self::UpstreamWrite => "Make, change, test and delete upstream providers; see them.",
            Self::WebhooksRead => "See webhooks and what they were sent.",
            Self::WebhooksWrite => {
                "Make, change, test and delete webhooks, for a key of an owner; see them."
            }
            Self::JobsRead => "See what waits to be sent.",
            Self::JobsWrite => "Send a message that waits at once, or discard it; see them.",
            Self::ApiKeysRead => "See API keys, without what they are.",
            Self::ApiKeysWrite => "Revoke API keys, for a key of an owner; see them.",
            Self::OverviewRead => "See how things stand: figures and warnings.",
            Self::AuditRead => "Read the audit log.",
            Self::SettingsRead => "See the configuration and how what servers depend on is doing.",
            Self::SettingsWrite => {
                "Change settings that may change while servers run, for a key of an owner; see them."
            }
        }
    }

    /// The scope with this token.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// The scope to change the same area, which includes looking at it.
    fn stronger(self) -> Option<Self> {
        match self {
            Self::UsersRead => Some(Self::UsersWrite),
            Self::GroupsRead => Some(Self::GroupsWrite),
            Self::OrganisationsRead => Some(Self::OrganisationsWrite),
            Self::ClientsRead => Some(Self::ClientsWrite),
            Self::RolesRead => Some(Self::RolesWrite),
            Self::SessionsRead => Some(Self::SessionsWrite),
            Self::KeysRead => Some(Self::KeysWrite),
            Self::IssuersRead => Some(Self::IssuersWrite),
            Self::UpstreamRead => Some(Self::UpstreamWrite),
            Self::WebhooksRead => Some(Self::WebhooksWrite),
            Self::JobsRead => Some(Self::JobsWrite),
            Self::ApiKeysRead => Some(Self::ApiKeysWrite),
            Self::SettingsRead => Some(Self::SettingsWrite),
            Self::UsersWrite
            | Self::AdministratorsWrite
            | Self::GroupsWrite
            | Self::OrganisationsWrite
            | Self::ClientsWrite
            | Self::RolesWrite
            | Self::SessionsWrite
            | Self::KeysWrite
            | Self::IssuersWrite
            | Self::UpstreamWrite
            | Self::WebhooksWrite
            | Self::JobsWrite
            | Self::ApiKeysWrite
            | Self::SettingsWrite
            | Self::OverviewRead
            | Self::AuditRead => None,
        }
    }

    /// Whether somebody with these scopes has this one.
    #[must_use]
    pub fn is_given_by(self, scopes: &Scopes) -> bool {
        scopes.contains(self.as_str())
            || self.stronger().is_some_and(|stronger| scopes.contains(stronger.as_str()))
    }
}

/// Those of a client's scopes that mean something at the REST API.
pub fn of_client(scopes: &Scopes) -> impl Iterator<Item = ApiScope> {
    scopes.iter().filter_map(ApiScope::from_name)
}

/// What every API key begins with, so that people and secret scanners know one when they see it.
pub const KEY_PREFIX: &str = "dwk_";

/// The audience of access tokens for the REST API (RFC 8707 section 2, RFC 9068 section 2.2).
#[must_use]
pub fn audience(issuer: &str) -> String {
    format!("{issuer}/api/v1")
}

/// What an administrator means by a service with scopes of the REST API that says nothing of its audience:
/// its tokens are for the API.
#[must_use]
pub fn for_the_api(mut metadata: ClientMetadata, issuer: &str) -> ClientMetadata {
    let is_service = metadata.kind == ClientKind::Machine;
    if is_service && metadata.audience.is_empty() && of_client(&metadata.scope).next().is_some() {
        metadata.audience = vec![audience(issuer)];
    }
    metadata
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scope_is_found_by_its_name() {
        for scope in ApiScope::ALL {
            assert_eq!(ApiScope::from_name(scope.as_str()), Some(scope));
            assert!(Scopes::parse(scope.as_str()).is_some());
        }
        assert_eq!(ApiScope::from_name("doorward.users"), None);
    }

    #[test]
    fn who_may_change_may_look_and_who_may_look_may_not_change() {
        let scopes = Scopes::from_tokens(["doorward.users:write", "doorward.groups:read"]);
        for given in [ApiScope::UsersWrite, ApiScope::UsersRead, ApiScope::GroupsRead] {
            assert!(given.is_given_by(&scopes), "{given:?}");
        }
        for other in [ApiScope::GroupsWrite, ApiScope::ClientsRead, ApiScope::AuditRead] {
            assert!(!other.is_given_by(&scopes), "{other:?}");
        }
    }
}
