//! What a provider's metadata says (OpenID Connect Discovery section 3), held against what is said of it
//! here. Each check is told in words, with what to do.

use serde_json::Value;

use super::UpstreamProvider;
use crate::protocol::check::Check;
use crate::protocol::plain_text::is_deceptive;
use crate::protocol::types::SigningAlg;

/// Words of others are shown up to so many characters.
const LONGEST_WORD: usize = 200;

/// Why an address is not one to ask, if it is not; completes "the address …".
pub type Vet<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Holds the metadata against the provider. What has to be asked for, its keys, is not looked at.
#[must_use]
pub fn examine(provider: &UpstreamProvider, metadata: &Value, vet: Vet<'_>) -> Vec<Check> {
    let settings = &provider.settings;
    let mut checks = vec![issuer(provider, metadata), authorization_endpoint(metadata)];
    checks.push(endpoint(metadata, ("token endpoint", "token_endpoint"), vet));
    checks.push(userinfo(metadata, vet));
    checks.push(response_types(metadata));
    checks.push(pkce(metadata));
    checks.push(signing(metadata));
    checks.push(authentication(metadata, settings.token_endpoint_auth_method.as_str()));
    checks.extend(scopes(provider, metadata));
    checks.extend(claims(provider, metadata));
    checks
}

/// Section 4.3: it must be exactly what is expected; a slash more or less is another issuer.
fn issuer(provider: &UpstreamProvider, metadata: &Value) -> Check {
    let about = "issuer";
    match metadata.get("issuer").and_then(Value::as_str) {
        Some(named) if named == provider.issuer => {
            Check::ok(about, "It calls itself exactly what is written here.")
        }
        Some(named) => Check::failed(
            about,
            format!(
                "It calls itself {}, and {} is written here. The two must be equal to the last character. If \
                 it is the right one, add a provider with the issuer it names and delete this one.",
                shown(named),
                provider.issuer
            ),
        ),
        None => Check::failed(about, "Its metadata names no issuer. Ask whoever runs it."),
    }
}

/// People's browsers go there, so that it may be where this server cannot reach.
fn authorization_endpoint(metadata: &Value) -> Check {
    let about = "authorization endpoint";
    match metadata.get("authorization_endpoint").and_then(Value::as_str) {
        Some(url) if url.starts_with("https://") => {
            Check::ok(about, format!("It is {}.", shown(url)))
        }
        Some(url) => Check::failed(
            about,
            format!("It is {}, which is no https address. Ask whoever runs it.", shown(url)),
        ),
        None => missing(about),
    }
}

fn missing(about: &'static str) -> Check {
    Check::failed(about, "Its metadata names none. Ask whoever runs it.")
}

fn endpoint(metadata: &Value, (about, member): (&'static str, &str), vet: Vet<'_>) -> Check {
    let Some(url) = metadata.get(member).and_then(Value::as_str) else { return missing(about) };
    match vet(url) {
        None => Check::ok(about, format!("It is {}.", shown(url))),
        Some(problem) => Check::failed(
            about,
            format!(
                "It is {}, and this address {problem}. Ask whoever runs it; an address inside is listed in \
                 outbound.allow_private.",
                shown(url)
            ),
        ),
    }
}

fn userinfo(metadata: &Value, vet: Vet<'_>) -> Check {
    let about = "userinfo endpoint";
    if metadata.get("userinfo_endpoint").is_some() {
        return endpoint(metadata, (about, "userinfo_endpoint"), vet);
    }
    Check::warning(about, "It has none: every claim that is wanted must be in its ID tokens.")
}

/// The texts in a member that is a list; `None` when it says nothing.
fn listed<'a>(metadata: &'a Value, member: &str) -> Option<Vec<&'a str>> {
    let items = metadata.get(member)?.as_array()?;
    Some(items.iter().filter_map(Value::as_str).collect())
}

fn response_types(metadata: &Value) -> Check {
    let about = "response type";
    match listed(metadata, "response_types_supported") {
        Some(types) if types.contains(&"code") => Check::ok(about, "It offers code."),
        Some(_) => Check::failed(
            about,
            "It does not offer code, the only one that is used here. Look for the authorization code flow in \
             its settings.",
        ),
        None => Check::warning(about, "It does not say which it offers. Code is used."),
    }
}

/// RFC 7636; RFC 8414 section 2.
fn pkce(metadata: &Value) -> Check {
    let about = "PKCE";
    match listed(metadata, "code_challenge_methods_supported") {
        Some(methods) if methods.contains(&"S256") => Check::ok(about, "It offers S256."),
        Some(_) => Check::failed(
            about,
            "It offers methods, and S256, the only safe one, is not among them. Look for PKCE in its settings.",
        ),
        None => Check::warning(
            about,
            "It does not say that it offers S256. Whoever does not know PKCE passes over it, and codes are less \
             well protected.",
        ),
    }
}

fn signing(metadata: &Value) -> Check {
    let about = "signature of ID tokens";
    let Some(algs) = listed(metadata, "id_token_signing_alg_values_supported") else {
        return Check::warning(about, "It does not say with which algorithms it signs.");
    };
    let known: Vec<_> = SigningAlg::ALL
        .map(SigningAlg::as_str)
        .into_iter()
        .filter(|alg| algs.contains(alg))
        .collect();
    if known.is_empty() {
        let all = SigningAlg::ALL.map(SigningAlg::as_str).join(", ");
        return Check::failed(
            about,
            format!(
                "It signs with none of {all}. Choose one of them in its settings of this client."
            ),
        );
    }
    Check::ok(about, format!("It signs with {}.", known.join(", ")))
}

/// Section 3: whoever does not say offers `client_secret_basic`.
fn authentication(metadata: &Value, method: &str) -> Check {
    let about = "client authentication";
    let offered = listed(metadata, "token_endpoint_auth_methods_supported");
    let offered = offered.unwrap_or_else(|| vec!["client_secret_basic"]);
    if offered.contains(&method) {
        return Check::ok(about, format!("It offers {method}."));
    }
    Check::failed(about, format!("It does not offer {method}. Choose another method here."))
}

fn scopes(provider: &UpstreamProvider, metadata: &Value) -> Option<Check> {
    let about = "scopes";
    let offered = listed(metadata, "scopes_supported")?;
    let wanted = provider.settings.scope.iter();
    let unknown: Vec<_> = wanted.filter(|scope| !offered.contains(scope)).collect();
    Some(if unknown.is_empty() {
        Check::ok(about, "It knows every scope that is asked for.")
    } else {
        let unknown = unknown.join(" ");
        Check::warning(
            about,
            format!("It does not list {unknown}. It may refuse them, or give nothing for them."),
        )
    })
}

fn claims(provider: &UpstreamProvider, metadata: &Value) -> Option<Check> {
    let about = "claims";
    let offered = listed(metadata, "claims_supported")?;
    let names = &provider.settings.claims;
    let wanted = [&names.username, &names.name, &names.email].into_iter().chain(&names.groups);
    let unknown: Vec<_> =
        wanted.map(String::as_str).filter(|claim| !offered.contains(claim)).collect();
    Some(if unknown.is_empty() {
        Check::ok(about, "It knows every claim that is read.")
    } else {
        let unknown = unknown.join(", ");
        let said = format!(
            "It does not list {unknown}. It may give them all the same; look at an ID token of it."
        );
        Check::warning(about, said)
    })
}

/// A word of somebody else: not too long, and nothing in it that changes how the rest is read.
#[must_use]
pub fn shown(word: &str) -> String {
    let plain = word.chars().map(|c| if is_deceptive(c) { '\u{fffd}' } else { c });
    let mut text: String = plain.take(LONGEST_WORD).collect();
    if word.chars().nth(LONGEST_WORD).is_some() {
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::protocol::check::Verdict;
    use crate::protocol::upstream::tests::provider;
    use crate::protocol::upstream::{UpstreamAuth, UpstreamSettings};

    fn metadata() -> Value {
        let at = |path: &str| format!("https://id.school.test/{path}");
        json!({
            "issuer": "https://id.school.test",
            "authorization_endpoint": at("authorize"), "token_endpoint": at("token"),
            "userinfo_endpoint": at("userinfo"), "jwks_uri": at("jwks"),
            "response_types_supported": ["code"], "code_challenge_methods_supported": ["S256"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "scopes_supported": ["openid", "profile", "email"],
            "claims_supported": ["sub", "preferred_username", "name", "email"],
        })
    }

    fn vet(url: &str) -> Option<String> {
        (!url.starts_with("https://id.school.test/")).then(|| "leads elsewhere".to_owned())
    }

    /// What is not good of a provider like this with metadata like this.
    fn found(provider: &UpstreamProvider, changes: &Value) -> Vec<(&'static str, Verdict)> {
        let metadata =
            crate::protocol::session_data::merge_patch::merged(Some(metadata()), changes);
        let checks = examine(provider, &metadata, &vet);
        let bad = checks.into_iter().filter(|check| check.verdict != Verdict::Ok);
        bad.map(|check| (check.about, check.verdict)).collect()
    }

    #[test]
    fn metadata_that_fits_passes_every_check() {
        assert!(found(&provider(), &json!({})).is_empty());
    }

    #[test]
    fn each_member_that_does_not_fit_fails_its_check() {
        for (changes, about) in [
            (json!({ "issuer": "https://id.school.test/" }), "issuer"),
            (json!({ "issuer": null }), "issuer"),
            (json!({ "issuer": 7 }), "issuer"),
            (json!({ "authorization_endpoint": null }), "authorization endpoint"),
            (
                json!({ "authorization_endpoint": "http://id.school.test/" }),
                "authorization endpoint",
            ),
            (json!({ "token_endpoint": null }), "token endpoint"),
            (json!({ "token_endpoint": "https://10.0.0.1/" }), "token endpoint"),
            (json!({ "userinfo_endpoint": "https://10.0.0.1/" }), "userinfo endpoint"),
            (json!({ "response_types_supported": ["id_token"] }), "response type"),
            (json!({ "code_challenge_methods_supported": ["plain"] }), "PKCE"),
            (
                json!({ "id_token_signing_alg_values_supported": ["HS256", "none"] }),
                "signature of ID tokens",
            ),
            (
                json!({ "token_endpoint_auth_methods_supported": ["private_key_jwt"] }),
                "client authentication",
            ),
        ] {
            assert_eq!(found(&provider(), &changes), [(about, Verdict::Failed)], "{changes}");
        }
    }

    #[test]
    fn what_is_not_said_is_a_warning_where_it_may_work_all_the_same() {
        for (changes, about) in [
            (json!({ "userinfo_endpoint": null }), "userinfo endpoint"),
            (json!({ "response_types_supported": null }), "response type"),
            (json!({ "code_challenge_methods_supported": null }), "PKCE"),
            (json!({ "id_token_signing_alg_values_supported": null }), "signature of ID tokens"),
            (json!({ "scopes_supported": ["openid"] }), "scopes"),
            (json!({ "claims_supported": ["sub"] }), "claims"),
        ] {
            assert_eq!(found(&provider(), &changes), [(about, Verdict::Warning)], "{changes}");
        }
        let silent =
            json!({ "token_endpoint_auth_methods_supported": null, "scopes_supported": null });
        assert!(found(&provider(), &silent).is_empty(), "basic is what everybody offers");
        let post = UpstreamSettings {
            token_endpoint_auth_method: UpstreamAuth::ClientSecretPost,
            ..UpstreamSettings::default()
        };
        let post = UpstreamProvider { settings: post, ..provider() };
        assert_eq!(found(&post, &silent), [("client authentication", Verdict::Failed)]);
    }

    #[test]
    fn words_of_others_are_cut_and_cannot_disguise_anything() {
        assert_eq!(shown("a\u{202e}b\n"), "a\u{fffd}b\u{fffd}");
        assert_eq!(shown(&"x".repeat(5_000)).chars().count(), LONGEST_WORD + 1);
        for odd in [json!([]), json!("text"), Value::Null, json!({ "issuer": { "a": [1] } })] {
            assert!(examine(&provider(), &odd, &vet).len() >= 8, "{odd}");
        }
    }
}
