//! What the first start is told in the environment: the first owner, and the first apps. These are no
//! settings: they are read as long as nobody is in the database, and mean nothing afterwards.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// The user name of the first owner.
pub const ADMIN_USERNAME: &str = "DOORWARD_BOOTSTRAP_ADMIN_USERNAME";
/// Their e-mail address.
pub const ADMIN_EMAIL: &str = "DOORWARD_BOOTSTRAP_ADMIN_EMAIL";
/// The file with their password.
pub const ADMIN_PASSWORD_FILE: &str = "DOORWARD_BOOTSTRAP_ADMIN_PASSWORD_FILE";
/// A file as `doorward apply` reads it, with groups and apps.
pub const CLIENTS_FILE: &str = "DOORWARD_BOOTSTRAP_CLIENTS_FILE";

/// Every variable of this kind.
pub(super) const VARIABLES: [&str; 4] =
    [ADMIN_USERNAME, ADMIN_EMAIL, ADMIN_PASSWORD_FILE, CLIENTS_FILE];

/// What the environment says. Nothing was read or checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bootstrap {
    pub username: Option<String>,
    pub email: Option<String>,
    pub password_file: Option<PathBuf>,
    pub clients_file: Option<PathBuf>,
}

impl Bootstrap {
    /// An empty variable is not set.
    pub(super) fn of(environment: &BTreeMap<String, String>) -> Self {
        let text = |name| environment.get(name).filter(|value| !value.is_empty()).cloned();
        Self {
            username: text(ADMIN_USERNAME),
            email: text(ADMIN_EMAIL),
            password_file: text(ADMIN_PASSWORD_FILE).map(PathBuf::from),
            clients_file: text(CLIENTS_FILE).map(PathBuf::from),
        }
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it says anything of an owner.
    #[must_use]
    pub fn has_owner(&self) -> bool {
        self.username.is_some() || self.email.is_some() || self.password_file.is_some()
    }
}
