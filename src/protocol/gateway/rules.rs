//! Who may reach which app, by host and path. The first rule that covers a request speaks for it;
//! what no rule covers, nobody may.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Refusal;
use super::identity::Visitor;
use super::original::{Original, Scheme, canonical_host, is_this_machine};
use super::path::{AppPath, Reading};
use crate::protocol::authorize::acr::Level;
use crate::protocol::types::ClientId;
use crate::protocol::user::AdminRole;

/// An app behind the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayApp {
    /// Its host, with the port if that is not the usual one.
    #[schemars(with = "String")]
    pub host: AppHost,
    /// The client id of this app, if it has one: `X-User-Roles` has the roles people have in it. Without, the
    /// header has the role in the console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<ClientId>,
    /// Who may reach what. The first rule that covers a request decides.
    #[serde(default)]
    #[schemars(with = "Vec<RuleText>")]
    pub rules: Vec<Rule>,
}

impl GatewayApp {
    /// The rule that speaks for a request; `None` when there is none, so that nobody may.
    ///
    /// # Errors
    /// [`Refusal::TwoReadings`] when an app that reads paths generously, or without extensions, would be
    /// under a rule that says something else.
    pub fn rule_for(&self, request: &Original) -> Result<Option<&Rule>, Refusal> {
        let find = |reading| self.rules.iter().find(|rule| rule.covers(request, reading));
        let found = find(Reading::AsSent);
        for reading in [Reading::Generous, Reading::WithoutExtension] {
            let agrees = match (found, find(reading)) {
                (None, None) => true,
                (Some(rule), Some(other)) => rule.says_the_same_as(other),
                (None, Some(_)) | (Some(_), None) => false,
            };
            if !agrees {
                return Err(Refusal::TwoReadings);
            }
        }
        Ok(found)
    }
}

/// The host of an app in the form it is compared in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppHost(String);

impl AppHost {
    /// As in `wiki.example.com` or `localhost:9000`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Where the app is, as a browser writes it. Apps on this machine are reached by plain http, all
    /// others by https.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("{}://{}", self.scheme().as_str(), self.0)
    }

    fn scheme(&self) -> Scheme {
        if is_this_machine(&self.0) { Scheme::Http } else { Scheme::Https }
    }
}

impl TryFrom<String> for AppHost {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let scheme = if is_this_machine(&text) { Scheme::Http } else { Scheme::Https };
        let host = canonical_host(&text, scheme);
        host.map(Self).ok_or_else(|| {
            format!("{text:?} is not a host. Write it like wiki.example.com, without https://")
        })
    }
}

impl From<AppHost> for String {
    fn from(host: AppHost) -> Self {
        host.0
    }
}

/// Somebody a rule speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Anybody at all: nobody is asked who they are.
    Public,
    /// Anybody who has signed in.
    SignedIn,
    /// The person with this user name.
    User(String),
    Group(String),
    Role(AdminRole),
}

impl Who {
    fn parse(text: &str) -> Result<Self, String> {
        let parsed = match text.split_once(':') {
            None if text == "public" => Some(Self::Public),
            None if text == "signed-in" => Some(Self::SignedIn),
            Some(("user", name)) if !name.is_empty() => Some(Self::User(name.to_lowercase())),
            Some(("group", name)) if !name.is_empty() => Some(Self::Group(name.to_owned())),
            Some(("role", name)) => AdminRole::from_name(name).map(Self::Role),
            _ => None,
        };
        parsed.ok_or_else(|| {
            format!(
                "{text:?} is nobody. Write public, signed-in, group:NAME, user:NAME, role:owner, \
                 role:operator or role:auditor"
            )
        })
    }

    fn text(&self) -> String {
        match self {
            Self::Public => "public".to_owned(),
            Self::SignedIn => "signed-in".to_owned(),
            Self::User(name) => format!("user:{name}"),
            Self::Group(name) => format!("group:{name}"),
            Self::Role(role) => format!("role:{}", role.as_str()),
        }
    }

    fn is(&self, visitor: &Visitor) -> bool {
        let person = &visitor.person;
        match self {
            Self::Public | Self::SignedIn => true,
            Self::User(name) => person.username == *name,
            Self::Group(name) => person.groups.contains(name),
            Self::Role(role) => person.role == Some(*role),
        }
    }
}

/// One rule as it is written.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleText {
    /// The path it is about, with everything below.
    #[serde(default = "everything")]
    path: String,
    /// The methods it is about; without any, all. `GET` is also `HEAD`.
    #[serde(default)]
    methods: Vec<String>,
    /// Who may: `public`, `signed-in`, `group:NAME`, `user:NAME`, `role:NAME`. Nobody when empty.
    allow: Vec<String>,
    /// The least assurance of the sign-in (`aal1`, `aal2`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    acr: Option<String>,
}

fn everything() -> String {
    "/".to_owned()
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RuleText", into = "RuleText")]
pub struct Rule {
    written: String,
    path: AppPath,
    methods: Vec<String>,
    allow: Vec<Who>,
    level: Option<Level>,
}

impl TryFrom<RuleText> for Rule {
    type Error = String;

    fn try_from(text: RuleText) -> Result<Self, String> {
        let path = AppPath::parse(&text.path).ok().filter(|_| !text.path.contains(['?', '#', ';']));
        let path = path
            .ok_or_else(|| format!("{:?} is not a plain path. Write it like /admin", text.path))?;
        for method in &text.methods {
            if method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-') {
                return Err(format!("{method:?} is not a method. Write it like GET"));
            }
        }
        let allow = text.allow.iter().map(|who| Who::parse(who)).collect::<Result<_, _>>()?;
        let level = match text.acr.as_deref() {
            None => None,
            Some(name) => Some(Level::from_name(name).ok_or_else(|| {
                format!("{name:?} is not an assurance level. Write aal1 or aal2")
            })?),
        };
        let rule = Self { written: text.path, path, methods: text.methods, allow, level };
        if rule.is_public() && (rule.allow.len() > 1 || rule.level.is_some()) {
            return Err("a public rule asks nobody who they are. Leave the rest of it out".into());
        }
        Ok(rule)
    }
}

impl From<Rule> for RuleText {
    fn from(rule: Rule) -> Self {
        Self {
            path: rule.written,
            methods: rule.methods,
            allow: rule.allow.iter().map(Who::text).collect(),
            acr: rule.level.map(|level| level.as_str().to_owned()),
        }
    }
}

/// What a rule says about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    Allow,
    /// It is them, but they have to sign in more strongly first.
    StepUp(Level),
    Deny,
}

impl Rule {
    /// Whether nobody has to sign in.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.allow.contains(&Who::Public)
    }

    /// The assurance it asks for.
    #[must_use]
    pub fn level(&self) -> Option<Level> {
        self.level
    }

    fn covers(&self, request: &Original, reading: Reading) -> bool {
        // HEAD is GET without the body (RFC 9110 section 9.3.2), so it must not get past a rule.
        let method = if request.method == "HEAD" { "GET" } else { &request.method };
        let named = |known: &String| known == method || *known == request.method;
        (self.methods.is_empty() || self.methods.iter().any(named))
            && request.path.is_below(&self.path, reading)
    }

    /// Whether every visitor hears the same from both.
    fn says_the_same_as(&self, other: &Self) -> bool {
        self.allow == other.allow && self.level == other.level
    }

    /// Whether this visitor may.
    #[must_use]
    pub fn judge(&self, visitor: &Visitor) -> Ruling {
        if !self.allow.iter().any(|who| who.is(visitor)) {
            return Ruling::Deny;
        }
        match self.level {
            Some(wanted) if visitor.level.is_none_or(|held| held < wanted) => {
                Ruling::StepUp(wanted)
            }
            _ => Ruling::Allow,
        }
    }
}

#[cfg(test)]
mod tests;
