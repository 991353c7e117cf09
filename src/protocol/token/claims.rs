//! Claims: which facts about a person and a sign-in go into the ID token (OpenID Connect Core
//! section 2), the access token (RFC 9068 section 2.2) and userinfo (Core section 5.3).

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::clock::{Seconds, UnixTime};
use crate::protocol::authorize::claims_request::Asked;
use crate::protocol::claim_mapping::{Place, told};
use crate::protocol::client::{ClaimsPlacement, Client};
use crate::protocol::organisation::{self, ActiveOrganisation};
use crate::protocol::scope::Scopes;
use crate::protocol::token::grant::details::Confirmation;
use crate::protocol::types::{ClientId, GrantId, OrganisationId, SessionId, UserId};
use crate::protocol::user::User;

/// More groups than this stay out of tokens, which must stay under 4 KB; userinfo has them all.
pub const MAX_GROUPS_IN_TOKEN: usize = 50;

/// Nobody has signed in here: somebody else vouches for the person.
pub const ACR_VOUCHED: &str = "vouched";

/// What is known about a sign-in and goes into tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authentication<'a> {
    pub auth_time: UnixTime,
    pub acr: &'a str,
    pub amr: &'a [String],
    pub session_id: Option<&'a SessionId>,
}

/// What [`id_token`] needs.
#[derive(Debug, Clone)]
pub struct IdTokenFacts<'a> {
    pub issuer: &'a str,
    pub client: &'a Client,
    pub user: &'a User,
    /// The name by which the client knows the person (Core section 8).
    pub subject: &'a str,
    pub scopes: &'a Scopes,
    pub authentication: Authentication<'a>,
    /// The one the person acts for.
    pub organisation: Option<&'a ActiveOrganisation>,
    pub nonce: Option<&'a str>,
    /// Claims asked for by name (Core section 5.5).
    pub asked: &'a Asked,
    /// Left half of the access token's hash (Core section 3.1.3.6).
    pub at_hash: Option<String>,
    pub now: UnixTime,
    pub lifetime: Seconds,
}

/// The claims of an ID token.
#[must_use]
pub fn id_token(facts: &IdTokenFacts<'_>) -> Map<String, Value> {
    let mut claims = match facts.client.metadata.claims_in {
        ClaimsPlacement::Userinfo => Map::new(),
        ClaimsPlacement::IdTokenToo => person(facts.user, facts.scopes),
    };
    if facts.scopes.contains("groups") && facts.user.groups.len() <= MAX_GROUPS_IN_TOKEN {
        claims.insert("groups".into(), json!(facts.user.groups));
    }
    add_asked(&mut claims, facts.user, facts.asked);
    claims.extend(told(&facts.client.metadata.claim_mappings, Some(facts.user), Place::IdToken));
    if facts.user.groups.len() > MAX_GROUPS_IN_TOKEN {
        claims.remove("groups");
    }
    insert_roles(&mut claims, facts.user, facts.client);
    insert_organisation(&mut claims, facts.scopes, facts.organisation);
    claims.insert("iss".into(), json!(facts.issuer));
    claims.insert("sub".into(), json!(facts.subject));
    claims.insert("aud".into(), json!(facts.client.id));
    claims.insert("exp".into(), json!(facts.now.plus(facts.lifetime)));
    claims.insert("iat".into(), json!(facts.now));
    insert_authentication(&mut claims, &facts.authentication);
    insert_some(&mut claims, "nonce", facts.nonce);
    insert_some(&mut claims, "at_hash", facts.at_hash.as_deref());
    claims
}

/// The claims of an access token, in a JWT or kept for an opaque one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessTokenClaims {
    pub iss: String,
    pub sub: String,
    pub aud: Audience,
    pub exp: UnixTime,
    pub iat: UnixTime,
    pub jti: String,
    pub client_id: ClientId,
    /// Space-separated.
    pub scope: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<UnixTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<Vec<String>>,
    /// What the person may be in the client (RFC 9068 section 2.2.3.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// The organisation the person acts for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_id: Option<OrganisationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub org_name: Option<String>,
    /// The key the token is bound to (RFC 7800 section 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// Who acts for `sub`, and for whom that one acts (RFC 8693 section 4.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<Value>,
    /// RFC 9396 section 9.1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub authorization_details: Vec<Value>,
    /// What the client's claim mappings add, and so every claim that no other member is.
    #[serde(flatten)]
    pub mapped: Map<String, Value>,
    /// Whether userinfo gives more with this token than its scopes say: what the grant's `claims`
    /// request names. Private claim.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more_userinfo: bool,
    /// The lineage this token belongs to; revoking it kills the token. Private claim.
    pub grant: GrantId,
    /// The lineages this one was exchanged from, the oldest first; the end of any of them is the
    /// end of this token. Private claim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
    /// Those by whose tokens it was asked for; the end of any of them is the end of this token as
    /// well. Private claim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<ActorOrigin>,
    /// The person's token version when this was issued; absent without a person. Private claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_version: Option<i64>,
    /// The client's token version when this was issued. Private claim.
    pub client_version: i64,
    /// Whom `sub` and `sid` stand for where the client knows them by other names; filled in when
    /// the token is read, and never part of it.
    #[serde(skip)]
    pub behind: Option<Behind>,
}

/// Whose token another one was exchanged from (RFC 8693).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    pub grant: GrantId,
    pub client: ClientId,
    /// The client's token version when that token was issued.
    pub version: i64,
}

/// By whose token another one was asked for (`actor_token`, RFC 8693).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ActorOrigin {
    /// The lineages that token came from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub origins: Vec<Origin>,
    /// `None` when a client acts for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<ActingPerson>,
}

/// A person who acts for somebody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActingPerson {
    /// As the client knows them that asked for the token.
    pub sub: String,
    /// The session their own token ends with, if any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// Their token version then.
    pub version: i64,
    /// Filled in when the token is read.
    #[serde(skip)]
    pub behind: Option<Behind>,
}

/// The person and the session behind the names in a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behind {
    pub user: UserId,
    pub session: Option<SessionId>,
}

impl AccessTokenClaims {
    /// The person the token speaks for, if any: a client's own token has the client as `sub`
    /// (RFC 9068 section 2.2).
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        self.user_version?;
        match &self.behind {
            Some(behind) => Some(behind.user.clone()),
            None => Some(UserId::new(self.sub.clone())),
        }
    }

    /// The session the token ends with, if any.
    #[must_use]
    pub fn session_id(&self) -> Option<&SessionId> {
        match &self.behind {
            Some(behind) => behind.session.as_ref(),
            None => self.sid.as_ref(),
        }
    }

    /// The granted scopes.
    #[must_use]
    pub fn scopes(&self) -> Scopes {
        Scopes::parse(&self.scope).unwrap_or_default()
    }
}

/// `aud`: a single string when there is one audience, as many clients expect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Audience {
    One(String),
    Many(Vec<String>),
}

impl AccessTokenClaims {
    /// Whether the token is for this provider, or for the very client it was issued to. One for another
    /// API is in the hands of that API, too, which must not use it here.
    #[must_use]
    pub fn is_for_provider(&self, issuer: &str) -> bool {
        self.aud.contains(self.client_id.as_str()) || self.aud.contains(issuer)
    }
}

impl Audience {
    /// The audience of a client's access tokens.
    #[must_use]
    pub fn of_client(client: &Client) -> Self {
        // An app that nobody has looked at gets what it names, and no more.
        let registered =
            Some(client.metadata.audience.clone()).filter(|_| client.origin.is_reviewed());
        registered.and_then(Self::of_resources).unwrap_or_else(|| Self::One(client.id.to_string()))
    }

    /// These resources; `None` when there is none.
    #[must_use]
    pub fn of_resources(mut resources: Vec<String>) -> Option<Self> {
        match resources.len() {
            0 => None,
            1 => resources.pop().map(Self::One),
            _ => Some(Self::Many(resources)),
        }
    }

    /// Each of them.
    #[must_use]
    pub fn to_vec(&self) -> Vec<String> {
        match self {
            Self::One(one) => vec![one.clone()],
            Self::Many(many) => many.clone(),
        }
    }

    /// Whether the text is one of the audiences.
    #[must_use]
    pub fn contains(&self, text: &str) -> bool {
        match self {
            Self::One(one) => one == text,
            Self::Many(many) => many.iter().any(|a| a == text),
        }
    }
}

/// The claims userinfo answers with: `sub`, which has to be the ID token's (Core section 5.3.2), what
/// the scopes allow, what was asked for by name, and the roles in the client.
#[must_use]
pub fn userinfo(
    (user, client): (&User, &Client),
    subject: &str,
    (scopes, asked): (&Scopes, &Asked),
    organisation: Option<&ActiveOrganisation>,
) -> Map<String, Value> {
    let mut claims = person(user, scopes);
    if scopes.contains("groups") {
        claims.insert("groups".into(), json!(user.groups));
    }
    add_asked(&mut claims, user, asked);
    claims.extend(told(&client.metadata.claim_mappings, Some(user), Place::Userinfo));
    insert_roles(&mut claims, user, client);
    insert_organisation(&mut claims, scopes, organisation);
    claims.insert("sub".into(), json!(subject));
    claims
}

/// What the person may be in the client. No scope stands before it: the app learns nothing but what
/// its own administrators have said about it.
fn insert_roles(claims: &mut Map<String, Value>, user: &User, client: &Client) {
    let roles = user.app_roles.in_app(&client.id);
    if !roles.is_empty() {
        claims.insert("roles".into(), json!(roles));
    }
}

/// For which organisation the person acts, for an app that may know.
fn insert_organisation(
    claims: &mut Map<String, Value>,
    scopes: &Scopes,
    organisation: Option<&ActiveOrganisation>,
) {
    if let Some(told) = organisation.filter(|_| scopes.contains(organisation::SCOPE)) {
        claims.insert("org_id".into(), json!(told.id));
        claims.insert("org_name".into(), json!(told.name));
    }
}

/// Adds claims that were asked for by name, as far as the person has a value for them, and the value
/// is the one asked for (OpenID Connect Core section 5.5.1).
fn add_asked(claims: &mut Map<String, Value>, user: &User, asked: &Asked) {
    if asked.is_empty() {
        return;
    }
    let mut known = person(user, &Scopes::from_tokens(Scopes::STANDARD));
    known.insert("groups".into(), json!(user.groups));
    for (name, demand) in asked {
        if let Some(value) = known.remove(name).filter(|value| demand.accepts(value)) {
            claims.insert(name.clone(), value);
        }
    }
}

/// The standard claims of the scopes (OpenID Connect Core section 5.4). A claim without a value is
/// left out, never null or empty.
fn person(user: &User, scopes: &Scopes) -> Map<String, Value> {
    let mut claims = Map::new();
    let profile = &user.profile;
    if scopes.contains("profile") {
        for (name, value) in [
            ("name", &user.name),
            ("given_name", &profile.given_name),
            ("family_name", &profile.family_name),
            ("middle_name", &profile.middle_name),
            ("nickname", &profile.nickname),
            ("profile", &profile.profile),
            ("picture", &profile.picture),
            ("website", &profile.website),
            ("gender", &profile.gender),
            ("birthdate", &profile.birthdate),
            ("zoneinfo", &profile.zoneinfo),
            ("locale", &profile.locale),
        ] {
            insert_some(&mut claims, name, value.as_deref());
        }
        claims.insert("preferred_username".into(), json!(user.username));
        claims.insert("updated_at".into(), json!(user.updated_at));
    }
    if scopes.contains("email") && user.email.is_some() {
        insert_some(&mut claims, "email", user.email.as_deref());
        claims.insert("email_verified".into(), json!(user.email_verified));
    }
    if scopes.contains("phone") && profile.phone_number.is_some() {
        insert_some(&mut claims, "phone_number", profile.phone_number.as_deref());
        let verified = profile.phone_number_verified.unwrap_or(false);
        claims.insert("phone_number_verified".into(), json!(verified));
    }
    if let (true, Some(address)) = (scopes.contains("address"), &profile.address) {
        let address = json!(address);
        if address.as_object().is_some_and(|members| !members.is_empty()) {
            claims.insert("address".into(), address);
        }
    }
    claims
}

fn insert_authentication(claims: &mut Map<String, Value>, authentication: &Authentication<'_>) {
    claims.insert("auth_time".into(), json!(authentication.auth_time));
    claims.insert("acr".into(), json!(authentication.acr));
    claims.insert("amr".into(), json!(authentication.amr));
    insert_some(claims, "sid", authentication.session_id.map(SessionId::as_str));
}

fn insert_some(claims: &mut Map<String, Value>, name: &str, value: Option<&str>) {
    if let Some(value) = value.filter(|v| !v.is_empty()) {
        claims.insert(name.to_owned(), Value::from(value));
    }
}

#[cfg(test)]
pub(crate) mod tests;
