//! What cannot be a provider, each with its field.

use super::{ClaimNames, UpstreamProvider};
use crate::protocol::plain_text::is_disguised;
use crate::protocol::scope::Scopes;

/// Longest short name: shorter than any id, so that the two are never taken for each other.
const LONGEST_SLUG: usize = 32;
const LONGEST_NAME: usize = 64;
const LONGEST_ISSUER: usize = 500;
/// Longest client id and secret.
const LONGEST_CREDENTIAL: usize = 512;
const LONGEST_CLAIM: usize = 128;
const MOST_SCOPES: usize = 50;

/// One thing wrong with a provider, for the administrator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct UpstreamProblem {
    pub field: &'static str,
    pub problem: String,
}

/// Everything that is wrong with a provider and can be told without its address; `own` is this provider's
/// issuer.
#[must_use]
pub fn validate(provider: &UpstreamProvider, own: &str) -> Vec<UpstreamProblem> {
    let mut problems = Vec::new();
    let mut add = |field, problem: Option<String>| {
        problems.extend(problem.map(|problem| UpstreamProblem { field, problem }));
    };
    add("slug", slug(&provider.slug));
    add("display_name", display_name(&provider.display_name));
    add("issuer", issuer(&provider.issuer, own));
    add("client_id", credential(&provider.client_id));
    add("scope", scope(&provider.settings.scope));
    let ClaimNames { username, name, email, groups } = &provider.settings.claims;
    let named = [("username", username), ("name", name), ("email", email)];
    for (field, claim) in named.into_iter().chain(groups.iter().map(|claim| ("groups", claim))) {
        add(claim_field(field), claim_name(claim));
    }
    problems
}

/// What is wrong with a secret; never repeats it.
#[must_use]
pub fn check_secret(secret: &str) -> Option<UpstreamProblem> {
    let problem = credential(secret)?;
    Some(UpstreamProblem { field: "client_secret", problem })
}

fn claim_field(of: &str) -> &'static str {
    match of {
        "username" => "claims.username",
        "name" => "claims.name",
        "email" => "claims.email",
        _ => "claims.groups",
    }
}

fn slug(slug: &str) -> Option<String> {
    let good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let ends = slug.starts_with('-') || slug.ends_with('-');
    let fits = (1..=LONGEST_SLUG).contains(&slug.len()) && slug.bytes().all(good) && !ends;
    (!fits).then(|| {
        format!(
            "needs 1 to {LONGEST_SLUG} small letters, digits and dashes, and no dash at its ends"
        )
    })
}

fn display_name(name: &str) -> Option<String> {
    if name.trim().is_empty() || name.trim() != name || name.chars().count() > LONGEST_NAME {
        return Some(format!(
            "needs 1 to {LONGEST_NAME} characters, none of them a space at its ends"
        ));
    }
    is_disguised(name).then(|| "has a character that cannot be seen".to_owned())
}

/// OpenID Connect Discovery section 3: an https URL without query and fragment.
fn issuer(issuer: &str, own: &str) -> Option<String> {
    if issuer.is_empty() || issuer.len() > LONGEST_ISSUER {
        return Some(format!("needs 1 to {LONGEST_ISSUER} characters"));
    }
    if issuer.contains(['?', '#']) {
        return Some(
            "has no ? and no # in it: write it exactly as the provider says it".to_owned(),
        );
    }
    (issuer == own).then(|| "is this provider itself".to_owned())
}

/// RFC 6749 appendix A.1 and A.2: visible ASCII and spaces.
fn credential(text: &str) -> Option<String> {
    let visible = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    let fits = (1..=LONGEST_CREDENTIAL).contains(&text.len())
        && text.bytes().all(visible)
        && text.trim() == text;
    (!fits).then(|| {
        format!(
            "needs 1 to {LONGEST_CREDENTIAL} ASCII characters, none of them a space at its ends"
        )
    })
}

fn scope(scope: &Scopes) -> Option<String> {
    // A list of a file or a request is not read by the grammar.
    if Scopes::parse(&scope.to_string()).as_ref() != Some(scope) {
        return Some("has a value with a space, a quote, a backslash or an accent".to_owned());
    }
    if !scope.contains("openid") {
        return Some("must contain openid".to_owned());
    }
    let too_many = scope.iter().count() > MOST_SCOPES;
    too_many.then(|| format!("may have {MOST_SCOPES} values at most"))
}

fn claim_name(claim: &str) -> Option<String> {
    let good = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'<' | b'>');
    let fits = (1..=LONGEST_CLAIM).contains(&claim.len()) && claim.bytes().all(good);
    (!fits).then(|| {
        format!("needs the name of a claim: 1 to {LONGEST_CLAIM} ASCII characters without spaces")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::UnixTime;
    use crate::protocol::upstream::{UpstreamKind, UpstreamSettings};

    fn provider() -> UpstreamProvider {
        UpstreamProvider {
            id: "u1".to_owned(),
            slug: "school".to_owned(),
            kind: UpstreamKind::Oidc,
            issuer: "https://id.school.test/".to_owned(),
            display_name: "Our school".to_owned(),
            client_id: "doorward".to_owned(),
            client_secret: "sealed".to_owned(),
            settings: UpstreamSettings::default(),
            created_at: UnixTime(0),
            disabled_at: None,
        }
    }

    fn fields(provider: &UpstreamProvider) -> Vec<&'static str> {
        validate(provider, "https://own.test").into_iter().map(|problem| problem.field).collect()
    }

    #[test]
    fn a_usual_provider_has_no_problem() {
        assert!(fields(&provider()).is_empty());
        let all = UpstreamProvider {
            slug: "a-1".to_owned(),
            settings: UpstreamSettings {
                claims: ClaimNames {
                    groups: Some("https://school.test/roles".to_owned()),
                    ..ClaimNames::default()
                },
                ..UpstreamSettings::default()
            },
            ..provider()
        };
        assert!(fields(&all).is_empty());
    }

    #[test]
    fn each_thing_that_is_wrong_names_its_field() {
        for slug in ["", "A", "a b", "a_b", "-a", "a-", "ä", &"a".repeat(33)] {
            assert_eq!(
                fields(&UpstreamProvider { slug: slug.into(), ..provider() }),
                ["slug"],
                "{slug}"
            );
        }
        for name in ["", " ", " a", "a\u{202e}b", &"x".repeat(65)] {
            let wrong = UpstreamProvider { display_name: name.into(), ..provider() };
            assert_eq!(fields(&wrong), ["display_name"], "{name}");
        }
        for issuer in
            ["", "https://own.test", "https://a.test?x", "https://a.test#x", &"x".repeat(501)]
        {
            let wrong = UpstreamProvider { issuer: issuer.into(), ..provider() };
            assert_eq!(fields(&wrong), ["issuer"], "{issuer}");
        }
        for id in ["", " a", "a\n", "ä", &"x".repeat(513)] {
            let wrong = UpstreamProvider { client_id: id.into(), ..provider() };
            assert_eq!(fields(&wrong), ["client_id"], "{id}");
            assert_eq!(check_secret(id).map(|problem| problem.field), Some("client_secret"));
        }
        assert_eq!(check_secret("s3cret / with : and spaces"), None);
    }

    #[test]
    fn openid_is_asked_for_and_claims_have_names() {
        let with = |settings| UpstreamProvider { settings, ..provider() };
        let usual = UpstreamSettings::default;
        let scope = Scopes::from_tokens(["email"]);
        assert_eq!(fields(&with(UpstreamSettings { scope, ..usual() })), ["scope"]);
        let scope: Scopes = serde_json::from_str(r#"["openid", "a b"]"#).unwrap();
        assert_eq!(fields(&with(UpstreamSettings { scope, ..usual() })), ["scope"]);
        let many: Vec<_> = (0..60).map(|n| n.to_string()).collect();
        let many = many.iter().map(String::as_str).chain(["openid"]);
        let scope = Scopes::from_tokens(many);
        assert_eq!(fields(&with(UpstreamSettings { scope, ..usual() })), ["scope"]);
        let claims = ClaimNames {
            username: String::new(),
            name: "a b".to_owned(),
            email: "x".repeat(129),
            groups: Some("\"".to_owned()),
        };
        assert_eq!(
            fields(&with(UpstreamSettings { claims, ..usual() })),
            ["claims.username", "claims.name", "claims.email", "claims.groups"]
        );
    }
}
