//! Which proxies are believed about where a request comes from.

use ipnet::IpNet;

use super::Finding;
use crate::config::Config;

const NAME: &str = "proxies";

pub(super) fn check(config: &Config) -> Finding {
    let trusted = &config.server.trusted_proxies;
    if let Some(all) = trusted.iter().find(|network| is_everybody(network)) {
        let text = format!(
            "server.trusted_proxies has {all}, so that everybody may say where they come from; name the \
             addresses of your proxy"
        );
        return Finding::failure(NAME, text);
    }
    let behind_proxy = config.issuer.is_https() && config.server.tls_cert_file.is_none();
    if behind_proxy && trusted.is_empty() {
        let text = "something else ends TLS, and nobody is believed in X-Forwarded-For: all people seem to come \
                    from one address, which limits then slow down together; set server.trusted_proxies to the \
                    addresses of your proxy";
        return Finding::warning(NAME, text);
    }
    let found = match trusted.len() {
        0 => "none, and none is needed".to_owned(),
        count => format!("{count} trusted; X-Forwarded-For of all others is ignored"),
    };
    Finding::fine(NAME, found)
}

fn is_everybody(network: &IpNet) -> bool {
    // Nobody's proxies fill more than this.
    network.prefix_len() < if network.addr().is_ipv4() { 4 } else { 3 }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;
    use crate::config::Sources;

    fn outcome(issuer: &str, proxies: &str) -> Outcome {
        let sources = Sources::none()
            .variable("DOORWARD_ISSUER", issuer)
            .variable("DOORWARD_SERVER__TRUSTED_PROXIES", proxies);
        check(&Config::load(&sources).unwrap()).outcome
    }

    #[test]
    fn a_provider_behind_a_proxy_believes_that_one_and_not_everybody() {
        let public = "https://id.example.com";
        assert!(matches!(outcome(public, "10.0.0.0/8,::1"), Outcome::Fine(_)));
        assert!(matches!(outcome("http://localhost:8080", ""), Outcome::Fine(_)));
        assert!(matches!(outcome(public, ""), Outcome::Warning(_)));
        assert!(matches!(outcome(public, "0.0.0.0/0"), Outcome::Failure(_)));
        assert!(matches!(outcome(public, "10.0.0.0/8,::/0"), Outcome::Failure(_)));
    }
}
