//! Issuers outside this provider whose word counts here (RFC 7521, RFC 7523): a cluster that vouches
//! for its workloads, a build system that vouches for its jobs. What they may vouch for is a list of
//! rules an administrator writes; whatever fits no rule is refused.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::clock::{Seconds, UnixTime};
use crate::protocol::jose::jwt_claims::{self, BadClaim};
use crate::protocol::scope::Scopes;
use crate::protocol::types::ClientId;

/// How far the clocks of two machines may differ.
const CLOCK_TOLERANCE: Seconds = 30;
/// Longer texts are refused: nobody honest has such a subject or identifier.
const MAX_TEXT: usize = 1_024;

/// The longest name of a trusted issuer.
pub const LONGEST_NAME: usize = 64;
/// The longest `iss`.
pub const LONGEST_ISSUER: usize = 500;
/// The least that [`IssuerSettings::max_lifetime`] may be.
pub const SHORTEST_LIFETIME: Seconds = 60;
/// The most that it may be.
pub const LONGEST_LIFETIME: Seconds = 86_400;
/// The most rules that one has.
pub const MOST_RULES: usize = 100;

/// A trusted issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedIssuer {
    /// What administrators call it.
    pub name: String,
    /// `iss` of its tokens, compared byte for byte.
    pub issuer: String,
    pub settings: IssuerSettings,
    pub created_at: UnixTime,
    /// Since when its word does not count for the time being.
    pub disabled_at: Option<UnixTime>,
}

/// What it is trusted with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerSettings {
    /// Its keys by value; never together with `jwks_uri`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where it publishes its keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Values of `aud` that are accepted beside this provider's issuer and token endpoint.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audience: Vec<String>,
    /// The most anybody gets on its word; `None` means what the client may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scopes>,
    /// The longest that a token of it may still be good for, in seconds.
    #[serde(default = "default_max_lifetime")]
    pub max_lifetime: Seconds,
    #[serde(default)]
    pub reuse: Reuse,
    pub rules: Vec<Rule>,
}

/// How long a token may still be good for where administrators do not say, in seconds.
#[must_use]
pub fn default_max_lifetime() -> Seconds {
    3_600
}

/// Whether an assertion is good once, for which it needs a `jti`, or as long as it lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reuse {
    #[default]
    Once,
    /// For platforms that hand the same token to a workload for an hour.
    Allowed,
}

/// Who may get a token, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The client that presents the token.
    pub client_id: ClientId,
    /// Claims the token must have, each with a pattern in which `*` stands for one or more characters
    /// other than `:` and `/`.
    #[serde(rename = "match")]
    pub patterns: BTreeMap<String, String>,
    #[serde(default)]
    pub identity: Identity,
}

/// For whom the token vouches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Identity {
    /// For the client itself.
    #[default]
    Client,
    /// For the person whose username is the `sub`.
    Username,
    /// For the person with this `email`, which both sides must know to be verified.
    Email,
}

impl Identity {
    pub const ALL: [Self; 3] = [Self::Client, Self::Username, Self::Email];

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Username => "username",
            Self::Email => "email",
        }
    }

    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|identity| identity.as_str() == name)
    }
}

/// Why a token of a trusted issuer is not accepted. For the log: the client only learns that it is
/// not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Claim(#[from] BadClaim),
    #[error("it is from another issuer")]
    Issuer,
    #[error("it is not for this provider alone")]
    Audience,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet, or from the future")]
    Early,
    #[error("it is good for longer than this issuer may vouch")]
    TooLong,
    #[error("it is a token for another purpose")]
    Purpose,
    #[error("no rule fits this client and these claims")]
    NoRule,
}

/// What a token says, once it is verified and found acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched<'a> {
    pub rule: &'a Rule,
    pub subject: String,
    pub jti: Option<String>,
    pub issued_at: Option<UnixTime>,
    pub expires_at: UnixTime,
}

/// Who is asking, and when.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'a> {
    pub client: &'a ClientId,
    /// This provider's issuer and token endpoint.
    pub own: [&'a str; 2],
    pub now: UnixTime,
}

/// Checks the claims of a token whose signature is verified (RFC 7523 section 3).
///
/// # Errors
/// [`Refusal`].
pub fn check<'a>(
    issuer: &'a TrustedIssuer,
    claims: &Map<String, Value>,
    around: &Circumstances<'_>,
) -> Result<Vouched<'a>, Refusal> {
    if jwt_claims::text(claims, "iss")? != Some(&issuer.issuer) {
        return Err(Refusal::Issuer);
    }
    // A logout token has the same header and keys as an ID token, and says so only here.
    if claims.contains_key("events") {
        return Err(Refusal::Purpose);
    }
    check_audience(issuer, claims, around.own)?;
    let expires_at = check_times(issuer, claims, around.now)?;
    let subject = bounded(claims, "sub")?.ok_or(BadClaim("sub"))?;
    let rule = issuer
        .settings
        .rules
        .iter()
        .find(|rule| rule.client_id == *around.client && rule.fits(claims))
        .ok_or(Refusal::NoRule)?;
    Ok(Vouched {
        rule,
        subject: subject.to_owned(),
        jti: bounded(claims, "jti")?.map(str::to_owned),
        issued_at: jwt_claims::time(claims, "iat")?,
        expires_at,
    })
}

/// A claim that is a text of a sane length wherever it is present.
fn bounded<'a>(
    claims: &'a Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a str>, BadClaim> {
    match jwt_claims::text(claims, name)? {
        Some(text) if text.is_empty() || text.len() > MAX_TEXT => Err(BadClaim(name)),
        text => Ok(text),
    }
}

/// A token that is also for somebody else could have been passed on by them.
fn check_audience(
    issuer: &TrustedIssuer,
    claims: &Map<String, Value>,
    own: [&str; 2],
) -> Result<(), Refusal> {
    let audience = jwt_claims::audience(claims)?;
    let [one] = audience.as_slice() else { return Err(Refusal::Audience) };
    let expected = own.contains(one) || issuer.settings.audience.iter().any(|a| a == one);
    if expected { Ok(()) } else { Err(Refusal::Audience) }
}

fn check_times(
    issuer: &TrustedIssuer,
    claims: &Map<String, Value>,
    now: UnixTime,
) -> Result<UnixTime, Refusal> {
    let expires_at = jwt_claims::time(claims, "exp")?.ok_or(BadClaim("exp"))?;
    if now >= expires_at {
        return Err(Refusal::Expired);
    }
    if expires_at.since(now) > issuer.settings.max_lifetime + CLOCK_TOLERANCE {
        return Err(Refusal::TooLong);
    }
    let latest = now.plus(CLOCK_TOLERANCE);
    for name in ["nbf", "iat"] {
        if jwt_claims::time(claims, name)?.is_some_and(|at| at > latest) {
            return Err(Refusal::Early);
        }
    }
    Ok(expires_at)
}

impl Rule {
    /// Whether the token has every claim of the rule.
    fn fits(&self, claims: &Map<String, Value>) -> bool {
        let fits_one = |(name, pattern): (&String, &String)| {
            claims.get(name).and_then(Value::as_str).is_some_and(|value| fits(pattern, value))
        };
        !self.patterns.is_empty() && self.patterns.iter().all(fits_one)
    }
}

/// Whether a value fits a pattern: the same text, in which each `*` stands for one or more
/// characters other than `:` and `/`. Those separate the parts of a subject, so that a part an
/// attacker may choose (a branch, an environment) cannot reach into the next one.
#[must_use]
pub fn fits(pattern: &str, value: &str) -> bool {
    if value.len() > MAX_TEXT {
        return false;
    }
    let value: Vec<char> = value.chars().collect();
    // Which beginnings of the value the pattern so far can be.
    let mut reached = vec![false; value.len() + 1];
    if let Some(start) = reached.first_mut() {
        *start = true;
    }
    for wanted in pattern.chars() {
        let mut next = vec![false; reached.len()];
        let steps = value.iter().zip(&reached).zip(next.iter_mut().skip(1));
        let mut inside = false;
        for ((character, before), after) in steps {
            if wanted == '*' {
                inside = (inside || *before) && !matches!(character, ':' | '/');
                *after = inside;
            } else {
                *after = *before && *character == wanted;
            }
        }
        reached = next;
    }
    reached.last().copied().unwrap_or_default()
}

/// One thing wrong with an issuer, for the administrator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct IssuerProblem {
    pub field: &'static str,
    pub problem: String,
}

/// Checks what can be checked without asking anybody.
///
/// # Errors
/// Every problem.
pub fn validate(issuer: &TrustedIssuer, own_issuer: &str) -> Result<(), Vec<IssuerProblem>> {
    let mut problems = Vec::new();
    let mut add = |field, problem: &str| {
        problems.push(IssuerProblem { field, problem: problem.to_owned() });
    };
    let settings = &issuer.settings;
    let good_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if !(1..=LONGEST_NAME).contains(&issuer.name.len()) || !issuer.name.bytes().all(good_name) {
        add("name", "needs 1 to 64 letters, digits, '-', '_' or '.'");
    }
    let printable = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
    if issuer.issuer.is_empty()
        || issuer.issuer.len() > LONGEST_ISSUER
        || !printable(&issuer.issuer)
    {
        add("issuer", "needs 1 to 500 ASCII characters without spaces, exactly as in iss");
    }
    if issuer.issuer == own_issuer {
        add("issuer", "is this provider itself");
    }
    if settings.jwks.is_some() == settings.jwks_uri.is_some() {
        add("jwks", "give either jwks or jwks_uri");
    }
    if !(SHORTEST_LIFETIME..=LONGEST_LIFETIME).contains(&settings.max_lifetime) {
        add("max_lifetime", "must be 60 to 86400 seconds");
    }
    if settings.rules.is_empty() || settings.rules.len() > MOST_RULES {
        add("rules", "needs 1 to 100 rules");
    }
    for rule in &settings.rules {
        if rule.patterns.is_empty() || rule.patterns.len() > 20 {
            add("match", "a rule needs 1 to 20 claims to compare");
        }
        if rule
            .patterns
            .values()
            .all(|pattern| pattern.chars().all(|c| matches!(c, '*' | ':' | '/')))
        {
            add("match", "a rule of wildcards alone would fit everybody the issuer vouches for");
        }
        if rule.patterns.values().any(|pattern| pattern.is_empty() || pattern.len() > MAX_TEXT) {
            add("match", "a pattern needs 1 to 1024 characters");
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// The most that goes with a token of this issuer for a person: what both the client and the issuer
/// are good for. There are no refresh tokens, so `offline_access` has no meaning.
#[must_use]
pub fn scopes_within(issuer: &TrustedIssuer, most: &Scopes) -> Scopes {
    let within = |token: &&str| {
        *token != "offline_access"
            && issuer.settings.scope.as_ref().is_none_or(|scope| scope.contains(token))
    };
    Scopes::from_tokens(most.iter().filter(within))
}

#[cfg(test)]
mod tests;
