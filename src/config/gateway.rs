//! `[gateway]`: apps behind a reverse proxy that asks Doorward about every request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;
use super::problem::Problems;
use crate::protocol::gateway::original::{Scheme, canonical_host, host_name};
use crate::protocol::gateway::rules::GatewayApp;
use crate::protocol::types::SigningAlg;

/// Apps behind reverse proxies that ask Doorward who may pass (docs/gateway.md). Only proxies listed
/// in `server.trusted_proxies` may ask.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GatewaySettings {
    /// Answer the questions of reverse proxies at `/gateway/verify`.
    pub enabled: bool,
    /// The domain that Doorward and all apps are in, such as `example.com`. The cookie of the gateway
    /// is sent to every host below it. On a localhost issuer leave it out.
    pub cookie_domain: Option<String>,
    /// The apps: `[[gateway.apps]]` with `host` and `rules`, each rule with `path`, `methods`, `allow`
    /// and `acr`. What no rule covers is refused. In the variable: the list as JSON.
    pub apps: Vec<GatewayApp>,
}

pub(super) fn validate(config: &Config, problems: &mut Problems) {
    let gateway = &config.gateway;
    if !gateway.enabled {
        return;
    }
    let mut wrong = |key: &str, text: &str| problems.add(key, config.origin(key), text);
    if config.server.trusted_proxies.is_empty() {
        let text = "nobody may ask the gateway yet. Set it to the addresses of your proxies";
        wrong("server.trusted_proxies", text);
    }
    if !config.keys.algorithms.contains(&SigningAlg::Es256) {
        let text = "ES256 is missing, which the gateway signs its assertions with. Add it";
        wrong("keys.algorithms", text);
    }
    let own = config.issuer.origin().split("://").nth(1).unwrap_or_default();
    let mut hosts: Vec<&str> = Vec::new();
    for app in &gateway.apps {
        let host = app.host.as_str();
        if host == own {
            wrong("gateway.apps", &format!("{host} is Doorward itself. Leave it out"));
        } else if hosts.contains(&host) {
            wrong("gateway.apps", &format!("{host} is there twice. Put its rules together"));
        }
        hosts.push(host);
    }
    if hosts.is_empty() {
        wrong("gateway.apps", "there is no app. Add [[gateway.apps]] with its host and rules");
    }
    hosts.push(config.issuer.host());
    for text in domain_faults(config, &hosts) {
        wrong("gateway.cookie_domain", &text);
    }
}

/// What is wrong with the domain of the cookie: browsers take it only from a host below it, and send
/// it only there.
fn domain_faults(config: &Config, hosts: &[&str]) -> Vec<String> {
    let set = config.gateway.cookie_domain.as_deref();
    let domain = match set {
        Some(domain) => domain,
        None if config.issuer.is_loopback() => config.issuer.host(),
        None => {
            let text = "set the domain that Doorward and the apps are in, such as example.com";
            return vec![text.to_owned()];
        }
    };
    let plain = canonical_host(domain, Scheme::Https).is_some_and(|host| host == domain);
    let has_dot = domain.contains('.') && domain.parse::<std::net::IpAddr>().is_err();
    if set.is_some() && !(plain && has_dot) {
        return vec![format!(
            "{domain:?} is no domain of several hosts. Write it like example.com"
        )];
    }
    let outside = hosts.iter().filter(|host| !is_below(host_name(host), domain));
    outside
        .map(|host| format!("{host} is not below {domain}, so the cookie never gets there"))
        .collect()
}

fn is_below(host: &str, domain: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::super::Sources;
    use super::*;

    fn load(issuer: &str, domain: &str, apps: &str) -> Result<Config, String> {
        Config::load(
            &Sources::none()
                .variable("DOORWARD_ISSUER", issuer)
                .variable("DOORWARD_SERVER__TRUSTED_PROXIES", "127.0.0.1")
                .variable("DOORWARD_GATEWAY__ENABLED", "true")
                .variable("DOORWARD_GATEWAY__COOKIE_DOMAIN", domain)
                .variable("DOORWARD_GATEWAY__APPS", apps),
        )
        .map_err(|problems| problems.to_string())
    }

    const WIKI: &str = r#"[{"host":"wiki.example.com","rules":[{"allow":["signed-in"]}]}]"#;

    #[test]
    fn apps_are_read_from_json_in_a_variable() {
        let config = load("https://id.example.com", "example.com", WIKI).unwrap();
        assert_eq!(config.gateway.apps.len(), 1);
        assert_eq!(config.gateway.apps[0].host.as_str(), "wiki.example.com");
    }

    #[test]
    fn the_domain_of_the_cookie_must_hold_everybody() {
        let told = load("https://id.example.net", "example.com", WIKI).unwrap_err();
        assert!(told.contains("id.example.net is not below example.com"), "{told}");
        let told = load("https://id.example.com", "", WIKI).unwrap_err();
        assert!(told.contains("gateway.cookie_domain"), "{told}");
        for bad in ["com", ".example.com", "Example.com", "127.0.0.1", "example.com:443", "le.com"]
        {
            assert!(load("https://id.example.com", bad, WIKI).is_err(), "{bad}");
        }
        let local = r#"[{"host":"localhost:9000","rules":[]}]"#;
        assert!(load("http://localhost:8080", "", local).is_ok());
        assert!(load("http://localhost:8080", "", WIKI).is_err());
    }

    #[test]
    fn a_gateway_needs_apps_of_others_once_each() {
        let issuer = "https://id.example.com";
        assert!(load(issuer, "example.com", "").unwrap_err().contains("there is no app"));
        let own = r#"[{"host":"id.example.com","rules":[]}]"#;
        assert!(load(issuer, "example.com", own).unwrap_err().contains("Doorward itself"));
        let twice = r#"[{"host":"a.example.com"},{"host":"A.example.com:443"}]"#;
        assert!(load(issuer, "example.com", twice).unwrap_err().contains("twice"));
        let nobody = r#"[{"host":"a.example.com","rules":[{"allow":["everybody"]}]}]"#;
        let told = load(issuer, "example.com", nobody).unwrap_err();
        assert!(told.contains("group:NAME"), "{told}");
    }

    #[test]
    fn somebody_must_be_trusted_to_ask() {
        let told = Config::load(
            &Sources::none()
                .variable("DOORWARD_GATEWAY__ENABLED", "true")
                .variable("DOORWARD_GATEWAY__APPS", r#"[{"host":"localhost:9000"}]"#),
        )
        .unwrap_err()
        .to_string();
        assert!(told.contains("server.trusted_proxies"), "{told}");
    }
}
