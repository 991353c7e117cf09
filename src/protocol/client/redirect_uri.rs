//! Redirect URIs: what may be registered, and when a presented one is the registered one.
//!
//! Comparison is of strings, byte for byte (RFC 9700 section 2.1). Nothing is normalised, so no
//! parser difference can be used. The one exception is the port of a native client's loopback
//! address (RFC 8252 section 7.3), which is cut out of both strings as text.

use crate::protocol::client::ClientKind;

/// Why a URI cannot be registered; the text is for the administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RedirectUriError {
    #[error("is not an absolute URI")]
    NotAbsolute,
    #[error("must not have a fragment")]
    Fragment,
    #[error("must not carry a user name or password")]
    UserInfo,
    #[error("must not contain a wildcard")]
    Wildcard,
    #[error("must use https; http is only for loopback addresses")]
    InsecureScheme,
    #[error("uses a scheme that browsers run or read locally")]
    DangerousScheme,
    #[error("uses a custom scheme, which only native apps may; it must contain a dot")]
    CustomScheme,
    #[error("needs // and a host name of letters, digits, dots and hyphens, or an IP address")]
    Host,
    #[error("must be ASCII without spaces or control characters")]
    Characters,
    #[error("is longer than 2,000 characters")]
    TooLong,
}

const DANGEROUS: [&str; 9] =
    ["javascript", "data", "file", "vbscript", "blob", "about", "filesystem", "view-source", "ftp"];
const LOOPBACK: [&str; 3] = ["http://127.0.0.1", "http://[::1]", "http://localhost"];

/// Whether `uri` may be registered for a client of this kind (RFC 6749 section 3.1.2, RFC 8252,
/// RFC 9700 section 2.1).
///
/// # Errors
/// The first rule that `uri` breaks.
pub fn validate(uri: &str, kind: ClientKind) -> Result<(), RedirectUriError> {
    if uri.len() > 2000 {
        return Err(RedirectUriError::TooLong);
    }
    if !uri.bytes().all(|b| b.is_ascii_graphic()) || uri.contains(['\\', '"', '<', '>']) {
        return Err(RedirectUriError::Characters);
    }
    let parsed = url::Url::parse(uri).map_err(|_| RedirectUriError::NotAbsolute)?;
    if uri.contains('#') {
        return Err(RedirectUriError::Fragment);
    }
    if uri.contains('*') {
        return Err(RedirectUriError::Wildcard);
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(RedirectUriError::UserInfo);
    }
    if matches!(parsed.scheme(), "https" | "http") && !has_plain_host(uri) {
        return Err(RedirectUriError::Host);
    }
    match parsed.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(uri) => Ok(()),
        "http" => Err(RedirectUriError::InsecureScheme),
        scheme if DANGEROUS.contains(&scheme) => Err(RedirectUriError::DangerousScheme),
        // RFC 8252 section 7.1: private-use schemes are reversed domain names, hence the dot.
        scheme if kind == ClientKind::Native && scheme.contains('.') => Ok(()),
        _ => Err(RedirectUriError::CustomScheme),
    }
}

/// Whether a web address names its host as everybody reads it. `https:/host` and `https:host` are the
/// same to a parser, and in a `Location` they are a path of the site that sends it; `;` and `*` in a
/// host mean something in a content security policy.
fn has_plain_host(uri: &str) -> bool {
    let Some((_, rest)) = uri.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(address) => return address.contains(']'),
        None => authority.split(':').next().unwrap_or_default(),
    };
    !host.is_empty()
        && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// Whether the URI a client presents is the registered one.
#[must_use]
pub fn matches(registered: &str, presented: &str, kind: ClientKind) -> bool {
    if registered == presented {
        return true;
    }
    kind == ClientKind::Native
        && match (split_loopback(registered), split_loopback(presented)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        }
}

/// Half a sentence for the log: in what alone a URI that does not match differs from the registered
/// one. Most who meet that page have mistyped a configuration, and the difference is hard to see.
/// `None` when more than one thing is different.
#[must_use]
pub fn near_miss(registered: &str, presented: &str) -> Option<&'static str> {
    let without_scheme = |uri: &'_ str| uri.split_once("://").map(|(_, rest)| rest.to_owned());
    let without_query = |uri: &str| uri.split(['?', '#']).next().unwrap_or_default().to_owned();
    let without_port = |uri: &str| {
        let mut url = url::Url::parse(uri).ok()?;
        url.set_port(None).ok()?;
        Some(url.to_string())
    };
    if registered.trim_end_matches('/') == presented.trim_end_matches('/') {
        Some("; one that differs only in the slash at the end is")
    } else if without_scheme(registered).is_some_and(|a| without_scheme(presented) == Some(a)) {
        Some("; one that differs only in http or https is")
    } else if registered.eq_ignore_ascii_case(presented) {
        Some("; one that differs only in upper and lower case is")
    } else if without_query(registered) == without_query(presented) {
        Some("; one that differs only in what follows the path is")
    } else if without_port(registered).is_some_and(|a| without_port(presented) == Some(a)) {
        Some("; one that differs only in the port is")
    } else {
        None
    }
}

/// Whether the text is an http URI of a loopback host.
#[must_use]
pub fn is_loopback(uri: &str) -> bool {
    split_loopback(uri).is_some()
}

/// The host of a web address. In a URI of a scheme of a native app's own, what stands where a host
/// would be is as invented as the rest, so there is none.
#[must_use]
pub fn web_host(uri: &str) -> Option<String> {
    host_of(uri, &["https", "http"])
}

/// The host of an https URI, which nobody else can answer at.
#[must_use]
pub fn https_host(uri: &str) -> Option<String> {
    host_of(uri, &["https"])
}

fn host_of(uri: &str, schemes: &[&str]) -> Option<String> {
    let url = url::Url::parse(uri).ok().filter(|url| schemes.contains(&url.scheme()))?;
    url.host_str().map(str::to_owned)
}

/// Splits a loopback URI into its host and what follows the port: `http://[::1]:81/cb?x` becomes
/// `("http://[::1]", "/cb?x")`. `None` for every other text.
fn split_loopback(uri: &str) -> Option<(&str, &str)> {
    let host = LOOPBACK.into_iter().find(|host| uri.starts_with(host))?;
    let rest = uri.get(host.len()..)?;
    let rest = match rest.strip_prefix(':') {
        None => rest,
        Some(after) => {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            let port = after.get(..digits)?;
            if digits == 0 || port.parse::<u16>().is_err() {
                return None;
            }
            after.get(digits..)?
        }
    };
    (rest.is_empty() || rest.starts_with('/') || rest.starts_with('?')).then_some((host, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ClientKind::Native;
    use ClientKind::Spa;
    use ClientKind::Web;

    #[test]
    fn only_a_web_address_has_a_host() {
        assert_eq!(web_host("https://RP.test:8443/cb").as_deref(), Some("rp.test"));
        assert_eq!(web_host("http://127.0.0.1/cb").as_deref(), Some("127.0.0.1"));
        for none in ["com.evil.app://accounts.bank.test/cb", "com.example.app:/cb", "x"] {
            assert_eq!(web_host(none), None, "{none}");
        }
    }

    #[test]
    fn a_near_miss_is_told_by_what_is_different_about_it() {
        let told = |presented: &str| {
            let hint = near_miss("https://rp.test/cb", presented)?;
            Some(hint.strip_prefix("; one that differs only in ")?.strip_suffix(" is")?.to_owned())
        };
        assert_eq!(told("https://rp.test/cb/"), Some("the slash at the end".to_owned()));
        assert_eq!(told("http://rp.test/cb"), Some("http or https".to_owned()));
        assert_eq!(told("https://RP.test/cb"), Some("upper and lower case".to_owned()));
        assert_eq!(told("https://rp.test/cb?x=1"), Some("what follows the path".to_owned()));
        assert_eq!(told("https://rp.test:8443/cb"), Some("the port".to_owned()));
        for far in ["https://evil.test/cb", "https://rp.test/other", "http://rp.test/cb/", "x", ""]
        {
            assert_eq!(told(far), None, "{far}");
        }
    }

    /// Near misses of `https://rp.test/cb` (security catalogue row 10): none may match.
    const NEAR_MISSES: &[&str] = &[
        "https://rp.test/cb/",
        "https://rp.test/cb?x=1",
        "https://rp.test/cb#f",
        "https://rp.test/cb.",
        "https://rp.test/Cb",
        "https://RP.test/cb",
        "HTTPS://rp.test/cb",
        "https://rp.test:443/cb",
        "https://rp.test./cb",
        "https://rp.test//cb",
        "https://rp.test/cb/../x",
        "https://rp.test/x/../cb",
        "https://rp.test/./cb",
        "https://rp.test/cb/..;/x",
        "https://rp.test/%63b",
        "https://rp.test/cb%2e%2e",
        "https://rp.test/cb%2f",
        "https://rp.test/cb%252f",
        "https://rp.test/cb%00",
        "https://rp.test/cb\0",
        "https://rp.test/cb\n",
        "https://rp.test/cb\t",
        "https://rp.test/cb ",
        " https://rp.test/cb",
        "https://rp.test.evil.test/cb",
        "https://evil-rp.test/cb",
        "https://rp.test@evil.test/cb",
        "https://evil.test@rp.test/cb",
        "https://a@@rp.test/cb",
        "https://rp.test\\@evil.test/cb",
        "https://evil.test\\rp.test/cb",
        "https:\\\\rp.test\\cb",
        "https:/rp.test/cb",
        "https:rp.test/cb",
        "//rp.test/cb",
        "http://rp.test/cb",
        "https://rр.test/cb",
        "https://rp.test／cb",
        "https://rp。test/cb",
        "https://xn--r-0ga.test/cb",
        "https://[::ffff:1.2.3.4]/cb",
        "https://rp.test/cbx",
        "https://rp.test/c",
        "https://rp.test",
        "https://rp.test/",
        "javascript:alert(1)//https://rp.test/cb",
        "",
    ];

    #[test]
    fn only_the_registered_string_itself_matches() {
        for kind in ClientKind::ALL {
            assert!(matches("https://rp.test/cb", "https://rp.test/cb", kind));
            for near in NEAR_MISSES {
                assert!(!matches("https://rp.test/cb", near, kind), "{near:?} for {kind:?}");
            }
        }
    }

    #[test]
    fn a_native_client_may_use_any_loopback_port_and_nothing_else() {
        let registered = "http://127.0.0.1/cb";
        for good in ["http://127.0.0.1:49152/cb", "http://127.0.0.1:1/cb", "http://127.0.0.1/cb"] {
            assert!(matches(registered, good, Native), "{good}");
        }
        assert!(matches("http://[::1]:80/cb", "http://[::1]:50000/cb", Native));
        for bad in [
            "http://127.0.0.1:99999/cb",
            "http://127.0.0.1:/cb",
            "http://127.0.0.1:8x/cb",
            "http://127.1/cb",
            "http://0x7f.0.0.1/cb",
            "http://0177.0.0.1/cb",
            "http://2130706433/cb",
            "http://[::1]:1/cb",
            "http://localhost:1/cb",
            "http://127.0.0.1.evil.test/cb",
            "http://localhost.evil.test/cb",
            "http://127.0.0.1:1@evil.test/cb",
            "http://127.0.0.1:1/cb2",
            "http://127.0.0.1:1/cb?x",
            "http://127.0.0.1:1/cb#x",
            "https://127.0.0.1:1/cb",
            "http://127.0.0.1:1\\@evil.test/cb",
        ] {
            assert!(!matches(registered, bad, Native), "{bad}");
        }
    }

    #[test]
    fn other_kinds_of_client_may_not_vary_the_port() {
        for kind in [Web, Spa] {
            assert!(!matches("http://127.0.0.1/cb", "http://127.0.0.1:1/cb", kind));
        }
    }

    #[test]
    fn dangerous_or_ambiguous_uris_cannot_be_registered() {
        for bad in [
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "http://rp.test/cb",
            "https://rp.test/*",
            "https://*.rp.test/cb",
            "https://rp.test/cb#x",
            "https://user:pw@rp.test/cb",
            "https://user@rp.test/cb",
            "/cb",
            "rp.test/cb",
            "",
            "http://localhost.evil.test/cb",
            "https://rp.test/c b",
            "https://rp.test/\u{202e}cb",
            "com.example.app:/cb",
            "vbscript:x",
            "blob:https://rp.test/x",
            "https:/rp.test/cb",
            "https:rp.test/cb",
            "https:///rp.test/cb",
            "https:////rp.test/cb",
            "http:/localhost/cb",
            "https:?x://rp.test/cb",
            "https://a;x/cb",
            "https://a,b/cb",
            "https://a'b/cb",
            "https://%2a/cb",
            "https://%72p.test/cb",
            "https://rp.test;x/cb",
            "https://:443/cb",
        ] {
            assert!(validate(bad, Web).is_err(), "{bad}");
        }
        assert_eq!(validate("myapp:/cb", Native), Err(RedirectUriError::CustomScheme));
    }

    #[test]
    fn https_loopback_and_native_schemes_can_be_registered() {
        for good in
            ["https://rp.test/cb?dummy=1", "http://localhost:8081/callback", "http://[::1]/x"]
        {
            assert!(validate(good, Web).is_ok(), "{good}");
        }
        assert!(validate("com.example.app:/cb", Native).is_ok());
        assert!(validate("app.immich:///oauth-callback", Native).is_ok());
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_the_same_text_matches_for_web(registered in ".{0,40}", presented in ".{0,40}") {
            proptest::prop_assert_eq!(matches(&registered, &presented, Web), registered == presented);
        }

        #[test]
        fn comparing_and_validating_never_panic(a in "\\PC{0,60}", b in "http://(127.0.0.1|\\[::1\\]|localhost)\\PC{0,20}") {
            let _ = matches(&b, &a, Native);
            let _ = matches(&b, &b, Native);
            let _ = validate(&a, Native);
            let _ = validate(&b, Native);
        }
    }
}
