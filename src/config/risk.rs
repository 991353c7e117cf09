//! `[risk]`: what is done when a sign-in is unlike those before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;
use super::problem::Problems;
use crate::clock::Seconds;
use crate::protocol::risk::{Kind, Policy};

/// Signs that it may not be the person themselves. Each is in the audit log with a score, whatever is
/// done about it: `ignore` nothing more, `notify` a letter to the person (needs `[mail]`), `step_up` only
/// a sign-in with a second factor is let in, `refuse` nobody is let in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RiskSettings {
    /// A browser that this person has not signed in with.
    pub new_device: Policy,
    /// A network (IPv4 /24, IPv6 /48) that this person has not signed in from.
    pub new_network: Policy,
    /// Too far from the sign-in before for the time between. Found only with a map of addresses.
    pub impossible_travel: Policy,
    /// The right password after `burst_failures` wrong ones: `ignore` or `notify`.
    pub failure_burst: Policy,
    /// A refresh token used twice; whatever it was good for has ended already. `ignore` or `notify`.
    pub refresh_reuse: Policy,
    /// Wrong passwords for one account in an hour that are a burst.
    #[schemars(range(min = 3, max = 100))]
    pub burst_failures: u32,
    /// Seconds that a device or network stays known without being used.
    #[schemars(range(min = 86_400, max = 63_072_000))]
    pub remember: Seconds,
    /// Seconds that the link "this was not me" in a letter works.
    #[schemars(range(min = 3_600, max = 2_592_000))]
    pub link_lifetime: Seconds,
}

impl Default for RiskSettings {
    fn default() -> Self {
        Self {
            new_device: Policy::Notify,
            new_network: Policy::Ignore,
            impossible_travel: Policy::Notify,
            failure_burst: Policy::Notify,
            refresh_reuse: Policy::Notify,
            burst_failures: 10,
            remember: 90 * 86_400,
            link_lifetime: 3 * 86_400,
        }
    }
}

impl RiskSettings {
    /// What is done about a kind.
    #[must_use]
    pub fn policy(&self, kind: Kind) -> Policy {
        match kind {
            Kind::NewDevice => self.new_device,
            Kind::NewNetwork => self.new_network,
            Kind::ImpossibleTravel => self.impossible_travel,
            Kind::FailureBurst => self.failure_burst,
            Kind::RefreshReuse => self.refresh_reuse,
        }
    }
}

/// Rules between the settings of this section.
pub(super) fn validate(config: &Config, problems: &mut Problems) {
    if config.risk.refresh_reuse > Policy::Notify {
        let text = "there is no sign-in to stop: the token and all that came from it have ended. Set \
                    ignore or notify";
        problems.add("risk.refresh_reuse", config.origin("risk.refresh_reuse"), text);
    }
    if config.risk.failure_burst > Policy::Notify {
        let text = "anybody can type wrong passwords, and would lock the person out that way. Set \
                    ignore or notify";
        problems.add("risk.failure_burst", config.origin("risk.failure_burst"), text);
    }
}
