//! The URIs by which an app is told of a sign-out, or asked for a sign-in.

use super::MetadataProblem;
use crate::protocol::client::{ClientKind, ClientMetadata};
use crate::protocol::redirect_uri;

/// Checks `backchannel_logout_uri`, `frontchannel_logout_uri` and `initiate_login_uri`.
pub(super) fn check(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    check_https(("backchannel_logout_uri", metadata.backchannel_logout_uri.as_deref()), problems);
    // OpenID Connect Core section 4: https, whatever the rest of the app does.
    check_https(("initiate_login_uri", metadata.initiate_login_uri.as_deref()), problems);
    if let Some(uri) = &metadata.frontchannel_logout_uri {
        let mut problem = |text: &str| {
            problems.push(MetadataProblem::new("frontchannel_logout_uri", text));
        };
        match redirect_uri::validate(uri, ClientKind::Web) {
            Err(error) => problem(&error.to_string()),
            // Front-Channel Logout section 2.
            Ok(()) if !shares_origin(uri, &metadata.redirect_uris) => {
                problem("must have the scheme, host and port of a redirect URI");
            }
            Ok(()) => {}
        }
    }
}

fn check_https((field, uri): (&'static str, Option<&str>), problems: &mut Vec<MetadataProblem>) {
    let Some(uri) = uri else { return };
    match redirect_uri::validate(uri, ClientKind::Web) {
        Err(error) => problems.push(MetadataProblem::new(field, error.to_string())),
        Ok(()) if !uri.starts_with("https://") => {
            problems.push(MetadataProblem::new(field, "must use https"));
        }
        Ok(()) => {}
    }
}

fn shares_origin(uri: &str, redirect_uris: &[String]) -> bool {
    let origin = |uri: &str| url::Url::parse(uri).ok().map(|url| url.origin());
    let own = origin(uri);
    redirect_uris.iter().any(|redirect| origin(redirect) == own)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(change: impl FnOnce(&mut ClientMetadata)) -> Vec<&'static str> {
        let mut metadata = ClientMetadata {
            redirect_uris: vec!["https://rp.test:8443/cb".into(), "http://127.0.0.1/cb".into()],
            ..ClientMetadata::default()
        };
        change(&mut metadata);
        let mut problems = Vec::new();
        check(&metadata, &mut problems);
        problems.iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn back_channel_and_login_uris_are_https_without_a_fragment() {
        assert!(problems(|_| ()).is_empty());
        for uri in [
            "http://rp.test/x",
            "http://127.0.0.1/x",
            "https://rp.test/x#f",
            "https://a@rp.test/x",
            "javascript:alert(1)",
            "HTTPS:rp.test",
            "/x",
            "",
        ] {
            let found = problems(|metadata| {
                metadata.backchannel_logout_uri = Some(uri.into());
                metadata.initiate_login_uri = Some(uri.into());
            });
            assert_eq!(found, ["backchannel_logout_uri", "initiate_login_uri"], "{uri}");
        }
        let found = problems(|metadata| {
            metadata.backchannel_logout_uri = Some("https://other.test/out?x=1".into());
            metadata.initiate_login_uri = Some("https://rp.test/login".into());
        });
        assert!(found.is_empty());
    }

    #[test]
    fn a_front_channel_uri_shares_the_origin_of_a_redirect_uri() {
        let with = |uri: &str| {
            problems(|metadata| metadata.frontchannel_logout_uri = Some(uri.into())).is_empty()
        };
        assert!(with("https://rp.test:8443/out?x=1") && with("http://127.0.0.1/out"));
        for bad in [
            "https://rp.test/out",
            "http://rp.test:8443/out",
            "https://evil.test:8443/out",
            "https://rp.test:8443/out#f",
            "com.example.app:/out",
            "x",
        ] {
            assert!(!with(bad), "{bad}");
        }
    }
}
