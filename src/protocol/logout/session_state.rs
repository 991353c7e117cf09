//! Session Management 1.0: the value by which an app's page notices that the session at the
//! provider is another one than when the app signed the person in.

use crate::protocol::types::ClientId;

/// `session_state` for a response to this redirect URI (section 3.2): the salted hash of client,
/// origin and browser state, then the salt. The check-session page computes the same from the cookie.
/// `digest` gives SHA-256 as base64url. `None` where there is no page that could watch: the redirect
/// URI of a native app with a scheme of its own has no origin.
#[must_use]
pub fn session_state(
    client: &ClientId,
    redirect_uri: &str,
    (browser_state, salt): (&str, &str),
    digest: impl Fn(&str) -> String,
) -> Option<String> {
    let origin = url::Url::parse(redirect_uri).ok()?.origin();
    if !origin.is_tuple() {
        return None;
    }
    let origin = origin.ascii_serialization();
    let hash = digest(&format!("{client} {origin} {browser_state} {salt}"));
    Some(format!("{hash}.{salt}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(uri: &str, salt: &str) -> Option<String> {
        session_state(&ClientId::new("app"), uri, ("browser", salt), |text| format!("[{text}]"))
    }

    #[test]
    fn the_hash_covers_client_origin_browser_state_and_salt() {
        assert_eq!(
            state("https://rp.test:8443/cb?x=1", "salt").unwrap(),
            "[app https://rp.test:8443 browser salt].salt"
        );
        assert_eq!(
            state("https://rp.test:443/cb", "s").unwrap(),
            "[app https://rp.test browser s].s"
        );
    }

    #[test]
    fn a_native_app_has_no_page_that_could_watch() {
        assert_eq!(state("com.example.app:/cb", "salt"), None);
    }
}
