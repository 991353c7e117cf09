//! Scopes that an address needs beyond that of its area.

use crate::protocol::api::ApiScope;
use crate::service::api::access::FOR_ADMINISTRATORS;

/// Why an address needs a further scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::api) enum Further {
    /// What an app is told of somebody is more than the app itself. The only one that is always needed; it is asked
    /// for on the way in.
    People,
    /// Somebody comes into groups, or out of them.
    Groups,
    /// It is said who may use the console.
    Role,
    /// The person may use the console.
    Administrator,
    /// The app has scopes of this API itself: whoever holds it can do what it can.
    AppsOwn,
}

impl Further {
    #[cfg(test)]
    pub(in crate::http::api) const ALL: [Self; 5] =
        [Self::People, Self::Groups, Self::Role, Self::Administrator, Self::AppsOwn];

    /// The scope; `None` where the app says which.
    pub(in crate::http::api) fn scope(self) -> Option<ApiScope> {
        match self {
            Self::People => Some(ApiScope::UsersRead),
            Self::Groups => Some(ApiScope::GroupsWrite),
            Self::Role | Self::Administrator => Some(FOR_ADMINISTRATORS),
            Self::AppsOwn => None,
        }
    }

    /// Whether no call does without it.
    pub(in crate::http::api) fn is_always(self) -> bool {
        self == Self::People
    }

    /// What to send and when, as a sentence.
    pub(in crate::http::api) fn said(self) -> String {
        let case = match self {
            Self::People => "to see people",
            Self::Groups => "where somebody comes into groups or out of them",
            Self::Role => "and the key of an owner where it is said who may use the console",
            Self::Administrator => "and the key of an owner with somebody who may use the console",
            Self::AppsOwn => "that the app itself has, before or after",
        };
        match self.scope() {
            Some(scope) => format!("Needs the scope `{}`, too, {case}.", scope.as_str()),
            None => format!("Needs each scope of this API, too, {case}."),
        }
    }
}
