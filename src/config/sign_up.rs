//! `[sign_up]`: accounts that people make for themselves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::sign_up::SignUp;

/// Accounts that people make for themselves, on the page that `prompt=create` and a link on the
/// sign-in page lead to.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SignUpSettings {
    /// Who may make an account: `off` (administrators make them) or `open` (anybody).
    pub mode: SignUp,
    /// Domains that the e-mail address must be in, which is then asked for; any when empty. Nobody
    /// proves an address here, so this keeps out mistakes, not strangers.
    pub email_domains: Vec<String>,
    /// Groups that everybody joins who signs up. Apps see them, so give them no rights.
    pub groups: Vec<String>,
    /// Usernames that nobody may choose, with or without dots, dashes and underscores.
    pub reserved_usernames: Vec<String>,
    /// Accounts made in one hour from one address, or one IPv6 /64.
    #[schemars(range(min = 1, max = 100_000))]
    pub per_hour: u32,
}

impl Default for SignUpSettings {
    fn default() -> Self {
        let reserved = [
            "admin",
            "administrator",
            "doorward",
            "help",
            "helpdesk",
            "hostmaster",
            "noreply",
            "postmaster",
            "root",
            "security",
            "support",
            "system",
            "webmaster",
        ];
        Self {
            mode: SignUp::Off,
            email_domains: Vec::new(),
            groups: Vec::new(),
            reserved_usernames: reserved.map(str::to_owned).to_vec(),
            per_hour: 20,
        }
    }
}
