//! Resource indicators (RFC 8707): the client names the APIs it wants a token for, and the token is
//! good for those only.

use super::client::Client;
use super::error::{ErrorCode, OAuthError};
use super::params::Params;

/// More resources in one request are refused: each one is in every token.
const MAX_RESOURCES: usize = 10;

fn refused(detail: impl Into<String>) -> OAuthError {
    OAuthError::new(ErrorCode::InvalidTarget, "A requested resource is unknown or not allowed.")
        .because(detail)
}

/// The resources a request names, each once, in the order sent. May be none.
///
/// # Errors
/// `invalid_target` when one is not an absolute URI without fragment (section 2), or not among
/// `allowed`.
pub fn requested(params: &Params, allowed: &[String]) -> Result<Vec<String>, OAuthError> {
    let mut resources: Vec<String> = Vec::new();
    for uri in params.all("resource") {
        if !is_absolute_uri(uri) {
            return Err(refused(format!("not an absolute URI without fragment: {uri:?}")));
        }
        if !allowed.iter().any(|known| known == uri) {
            return Err(refused(format!("not an audience of this client: {uri:?}")));
        }
        if !resources.iter().any(|known| known == uri) {
            resources.push(uri.to_owned());
        }
    }
    if resources.len() > MAX_RESOURCES {
        return Err(refused("too many resources"));
    }
    Ok(resources)
}

/// The resources a client may name: the audiences it is registered for.
#[must_use]
pub fn allowed(client: &Client) -> &[String] {
    &client.metadata.audience
}

fn is_absolute_uri(text: &str) -> bool {
    !text.contains('#') && text.is_ascii() && url::Url::parse(text).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(query: &str) -> Result<Vec<String>, &'static str> {
        let allowed = ["https://api.test/a".to_owned(), "https://api.test/b".into(), "rs".into()];
        let params = Params::parse(query.as_bytes()).unwrap();
        requested(&params, &allowed).map_err(|error| error.code.as_str())
    }

    #[test]
    fn allowed_resources_may_be_repeated_parameters() {
        let two = ask("resource=https://api.test/b&resource=https://api.test/a").unwrap();
        assert_eq!(two, ["https://api.test/b", "https://api.test/a"]);
        let once = ask("resource=https://api.test/a&resource=https://api.test/a").unwrap();
        assert_eq!(once, ["https://api.test/a"]);
        assert_eq!(ask("scope=x").unwrap(), [""; 0]);
    }

    #[test]
    fn anything_else_is_an_invalid_target() {
        for bad in [
            "rs",
            "/a",
            "api.test",
            "https://api.test/a%23x",
            "https://api.test/A",
            "https://api.test/a/",
            "https://evil.test",
            "urn:x",
            "javascript:alert(1)",
        ] {
            assert_eq!(ask(&format!("resource={bad}")), Err("invalid_target"), "{bad}");
        }
        let mixed = "resource=https://api.test/a&resource=https://evil.test";
        assert_eq!(ask(mixed), Err("invalid_target"));
    }
}
