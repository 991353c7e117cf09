//! Making tokens: the last step of every grant.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::request::Basis;
use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::jose::{self, TokenType};
use crate::crypto::seal::Purpose;
use crate::crypto::secret::{self, Secret};
use crate::protocol::claim_mapping::{self, Place};
use crate::protocol::client::{AccessTokenFormat, Client};
use crate::protocol::organisation;
use crate::protocol::token::TokenResponse;
use crate::protocol::token::claims::{
    self, AccessTokenClaims, Authentication, IdTokenFacts, MAX_GROUPS_IN_TOKEN,
};
use crate::protocol::token::sender_constraint::Scheme;
use crate::protocol::types::{FamilyId, GrantId};
use crate::service::failure::{EndpointError, Failure};
use crate::service::token::envelope::{Content, Envelope, sign};
use crate::service::token::subject;

/// The fresh values of one access token. Kept sealed during the refresh grace, so that a retried
/// refresh gets the same token again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccessTokenSeed {
    pub jti: String,
    pub issued_at: UnixTime,
    /// The token itself when it is opaque.
    pub opaque: Option<String>,
}

impl AccessTokenSeed {
    pub(crate) fn new(client: &Client, now: UnixTime) -> Self {
        let opaque = match client.metadata.revocation.format() {
            AccessTokenFormat::Jwt => None,
            AccessTokenFormat::Opaque => Some(Secret::generate().expose().to_owned()),
        };
        Self { jti: secret::new_id(now), issued_at: now, opaque }
    }
}

/// An access token ready for the answer.
pub(crate) struct AccessToken {
    pub text: String,
    pub expires_in: Seconds,
}

pub(crate) fn access_token_claims(
    app: &App,
    basis: &Basis<'_>,
    seed: &AccessTokenSeed,
) -> Result<AccessTokenClaims, Failure> {
    let client = basis.client();
    let lifetime = client.access_token_lifetime(app.settings().tokens.access_token_lifetime);
    let person = basis.person();
    let details = person.map(|(_, grant)| &grant.details);
    // An offline grant outlives its session, so its tokens do not name it.
    let session =
        person.filter(|(_, grant)| !grant.offline).and_then(|(_, g)| g.session_id.as_ref());
    let organisation = person
        .filter(|_| basis.scopes().contains(organisation::SCOPE))
        .and_then(|(_, grant)| grant.organisation.as_ref());
    Ok(AccessTokenClaims {
        iss: app.issuer().to_owned(),
        sub: match person {
            Some((user, _)) => subject::sub(app, client, &user.id)?,
            None => client.id.to_string(),
        },
        aud: basis.audience().clone(),
        exp: seed.issued_at.plus(lifetime),
        iat: seed.issued_at,
        jti: seed.jti.clone(),
        client_id: client.id.clone(),
        scope: basis.scopes().to_string(),
        auth_time: person.map(|(_, grant)| grant.auth_time),
        acr: person.map(|(_, grant)| grant.acr.clone()),
        amr: person.map(|(_, grant)| grant.amr.clone()).unwrap_or_default(),
        sid: session.map(|session| subject::sid(app, client, session)).transpose()?,
        groups: person
            .filter(|(user, _)| {
                basis.scopes().contains("groups") && user.groups.len() <= MAX_GROUPS_IN_TOKEN
            })
            .map(|(user, _)| user.groups.clone()),
        org_id: organisation.map(|told| told.id.clone()),
        org_name: organisation.map(|told| told.name.clone()),
        roles: person.map(|(user, _)| user.app_roles.in_app(&client.id)).unwrap_or_default(),
        cnf: basis.bound().cloned(),
        act: None,
        authorization_details: basis.authorization_details().to_vec(),
        mapped: claim_mapping::told(
            &client.metadata.claim_mappings,
            person.map(|(user, _)| user),
            Place::AccessToken,
        ),
        more_userinfo: details.is_some_and(|details| details.claims.concerns_userinfo()),
        // A client's own token is its own lineage, so that it can be revoked alone.
        grant: match person {
            Some((_, grant)) => grant.id.clone(),
            None => GrantId::new(seed.jti.clone()),
        },
        origins: Vec::new(),
        actors: Vec::new(),
        user_version: person.map(|(user, _)| user.token_version),
        client_version: client.token_version,
        behind: None,
    })
}

/// Makes the access token: signs it, or stores what the opaque one stands for.
pub(crate) async fn access_token(
    app: &App,
    basis: &Basis<'_>,
    seed: &AccessTokenSeed,
) -> Result<AccessToken, Failure> {
    let claims = access_token_claims(app, basis, seed)?;
    mint(app, basis.client(), (&claims, seed.opaque.as_deref())).await
}

/// Makes the access token of these claims; `opaque` is its text when it is not a JWT.
pub(super) async fn mint(
    app: &App,
    client: &Client,
    (claims, opaque): (&AccessTokenClaims, Option<&str>),
) -> Result<AccessToken, Failure> {
    let expires_in = claims.exp.since(app.now()).max(1);
    let text = match opaque {
        Some(token) => {
            let key = opaque_key(token);
            app.ephemeral.put(&key, &serde_json::to_string(claims)?, expires_in).await?;
            token.to_owned()
        }
        None => sign(app, client.metadata.access_token_alg, (TokenType::AccessToken, claims))?,
    };
    app.metrics.token_issued("access_token");
    Ok(AccessToken { text, expires_in })
}

/// The answer with an access token and nothing else.
pub(super) fn answer(basis: &Basis<'_>, token: AccessToken) -> TokenResponse {
    TokenResponse {
        access_token: token.text,
        token_type: Scheme::of(basis.bound()).as_str(),
        expires_in: token.expires_in,
        refresh_token: None,
        id_token: None,
        scope: basis.scopes().to_string(),
        authorization_details: basis.authorization_details().to_vec(),
        issued_token_type: None,
    }
}

/// Where the claims of an opaque access token are kept.
pub(crate) fn opaque_key(token: &str) -> String {
    format!("at:{}", secret::SecretHash::of(token).as_str())
}

/// Finds what the ID token will need, such as the client's key to encrypt to; to be called before a
/// grant uses anything up.
pub(crate) async fn prepare_id_token(
    app: &App,
    basis: &Basis<'_>,
) -> Result<Option<Envelope>, EndpointError> {
    if basis.person().is_none() || !basis.scopes().contains("openid") {
        return Ok(None);
    }
    Ok(Some(Envelope::prepare(app, basis.client(), Content::IdToken).await?))
}

/// Makes the ID token of a grant and puts it into its envelope; none where none was prepared.
pub(crate) fn id_token(
    app: &App,
    (basis, envelope): (&Basis<'_>, Option<Envelope>),
    (access_token, nonce): (&str, Option<&str>),
) -> Result<Option<String>, Failure> {
    let Some(envelope) = envelope else { return Ok(None) };
    let alg = basis.client().metadata.id_token_signed_response_alg;
    let at_hash = jose::left_half_hash(alg, access_token);
    let claims = id_token_claims(app, basis, (Some(at_hash), nonce))?;
    let Some(claims) = claims else { return Ok(None) };
    app.metrics.token_issued("id_token");
    Ok(Some(envelope.close(app, &claims)?))
}

/// The claims of an ID token; `None` when the client acts for itself.
pub(super) fn id_token_claims(
    app: &App,
    basis: &Basis<'_>,
    (at_hash, nonce): (Option<String>, Option<&str>),
) -> Result<Option<Map<String, Value>>, Failure> {
    let Some((user, grant)) = basis.person() else { return Ok(None) };
    let client = basis.client();
    let session = grant.session_id.as_ref();
    let session = session.map(|id| subject::sid(app, client, id)).transpose()?;
    Ok(Some(claims::id_token(&IdTokenFacts {
        issuer: app.issuer(),
        client,
        user,
        subject: &subject::sub(app, client, &user.id)?,
        scopes: basis.scopes(),
        authentication: Authentication {
            auth_time: grant.auth_time,
            acr: &grant.acr,
            amr: &grant.amr,
            session_id: session.as_ref(),
        },
        organisation: grant.organisation.as_ref(),
        nonce,
        asked: &grant.details.claims.id_token,
        at_hash,
        now: app.now(),
        lifetime: app.settings().tokens.id_token_lifetime,
    })))
}

/// What a refresh token says, sealed: only we can make one, so an authentic token that is neither
/// current nor previous is proof of reuse, while invented text is just refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RefreshToken {
    #[serde(rename = "f")]
    pub family: FamilyId,
    #[serde(rename = "g")]
    pub generation: i64,
    /// Token versions at sign-in; raising them ends the family without touching its row.
    #[serde(rename = "u")]
    pub user_version: i64,
    #[serde(rename = "c")]
    pub client_version: i64,
    #[serde(rename = "r")]
    random: String,
}

impl RefreshToken {
    pub(crate) fn new(family: FamilyId, versions: (i64, i64)) -> Self {
        let random = Secret::generate().expose().to_owned();
        let (user_version, client_version) = versions;
        Self { family, generation: 0, user_version, client_version, random }
    }

    pub(crate) fn successor(&self) -> Self {
        let random = Secret::generate().expose().to_owned();
        Self { generation: self.generation + 1, random, ..self.clone() }
    }

    pub(crate) fn seal(&self, app: &App) -> Result<String, Failure> {
        Ok(app.sealer.seal(Purpose::RefreshToken, &serde_json::to_vec(self)?))
    }

    pub(crate) fn open(app: &App, text: &str) -> Option<Self> {
        serde_json::from_slice(&app.sealer.open(Purpose::RefreshToken, text)?).ok()
    }
}
