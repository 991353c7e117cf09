//! The app's side of OpenID Connect, on the openidconnect crate: the code flow with PKCE, refresh,
//! userinfo and sign-out (OpenID Connect Core section 3.1, RFC 7636, RP-Initiated Logout).

use chrono::{DateTime, Utc};
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreClaimName, CoreClaimType,
    CoreClient, CoreClientAuthMethod, CoreGenderClaim, CoreGrantType, CoreIdToken,
    CoreIdTokenClaims, CoreIdTokenVerifier, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm, CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType,
    CoreTokenResponse,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, AdditionalProviderMetadata, AuthorizationCode,
    ClientId, ClientSecret, CsrfToken, EndSessionUrl, EndpointMaybeSet, EndpointNotSet,
    EndpointSet, IssuerUrl, LogoutRequest, Nonce, NonceVerifier, OAuth2TokenResponse,
    PkceCodeChallenge, PkceCodeVerifier, PostLogoutRedirectUrl, ProviderMetadata, RedirectUrl,
    Scope, TokenResponse, UserInfoClaims,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use url::Url;

use super::DemoApp;
use super::failure::Failure;
use super::flow::{Answer, Attempt, Prompt, Tokens};
use super::http_client::Http;
use super::seed::SCOPES;
use crate::clock::{Clock, Seconds, UnixTime};

/// What this app reads from the discovery document beside what the crate knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Extra {
    end_session_endpoint: Option<EndSessionUrl>,
    /// RFC 9207 section 3: whether `iss` must be in every authorization response.
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Extra {}

type Metadata = ProviderMetadata<
    Extra,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// The claims the crate has no field for, such as `groups`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct OtherClaims {
    #[serde(flatten)]
    rest: Map<String, Value>,
}

impl AdditionalClaims for OtherClaims {}

/// An ID token that passed every check, and what it says.
struct Verified {
    id_token: CoreIdToken,
    claims: CoreIdTokenClaims,
}

/// The provider as discovery describes it at this moment.
struct Provider {
    client: Client,
    extra: Extra,
}

/// The app as the provider knows it.
#[derive(Debug)]
pub(super) struct RelyingParty {
    issuer: IssuerUrl,
    client_id: ClientId,
    client_secret: Option<ClientSecret>,
    redirect_uri: RedirectUrl,
    post_logout_redirect_uri: PostLogoutRedirectUrl,
    http: Http,
    clock: Clock,
}

impl RelyingParty {
    /// Prepares the app; nothing is sent yet, so that app and provider may start in any order.
    pub(super) fn new(app: &DemoApp, http: Http) -> Result<Self, url::ParseError> {
        Ok(Self {
            issuer: IssuerUrl::new(app.issuer.clone())?,
            client_id: ClientId::new(app.client_id.clone()),
            client_secret: app.client_secret.clone().map(ClientSecret::new),
            redirect_uri: RedirectUrl::new(format!("{}/callback", app.base_url))?,
            post_logout_redirect_uri: PostLogoutRedirectUrl::new(format!(
                "{}/signed-out",
                app.base_url
            ))?,
            http,
            clock: app.clock.clone(),
        })
    }

    /// Reads the discovery document and the keys. An app with many users would keep them for a few
    /// minutes; asking each time means this one never has to explain a stale key.
    async fn provider(&self) -> Result<Provider, Failure> {
        let metadata = Metadata::discover_async(self.issuer.clone(), &self.http).await?;
        let extra = metadata.additional_metadata().clone();
        let client = CoreClient::from_provider_metadata(
            metadata,
            self.client_id.clone(),
            self.client_secret.clone(),
        )
        .set_redirect_uri(self.redirect_uri.clone());
        Ok(Provider { client, extra })
    }

    /// Step one of the code flow: where to send the browser, and what to remember meanwhile.
    pub(super) async fn begin(&self, prompt: Prompt) -> Result<Attempt, Failure> {
        let provider = self.provider().await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let request = provider
            .client
            .authorize_url(flow, random_state, || Nonce::new_random_len(32))
            .add_scopes(requested_scopes())
            .set_pkce_challenge(challenge);
        let (url, state, nonce) = match prompt {
            Prompt::Provider => request,
            Prompt::Silent => request.add_prompt(CoreAuthPrompt::None),
            Prompt::Again => request.add_prompt(CoreAuthPrompt::Login),
        }
        .url();
        Ok(Attempt {
            state: state.into_secret(),
            nonce,
            verifier: verifier.into_secret(),
            url,
            prompt,
            started_at: self.clock.now(),
        })
    }

    /// The remaining steps: the answer is checked, the code exchanged, the ID token verified.
    /// `attempt` must already have been found by the answer's `state`.
    pub(super) async fn finish(
        &self,
        attempt: &Attempt,
        answer: &Answer,
    ) -> Result<Tokens, Failure> {
        let provider = self.provider().await?;
        self.check_issuer(&provider, answer)?;
        if let Some(error) = &answer.error {
            return Err(Failure::refused(error, answer.error_description.as_deref()));
        }
        let code = answer.code.clone().ok_or_else(|| {
            Failure::Unexpected("the answer holds neither a code nor an error".to_owned())
        })?;
        let response = provider
            .client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| Failure::Unexpected(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()))
            .request_async(&self.http)
            .await?;
        let verified = self.verified(&provider.client, &response, &attempt.nonce)?;
        let verified = verified.ok_or_else(|| {
            Failure::NotVerified("the token response holds no ID token".to_owned())
        })?;
        Ok(self.tokens(&response, verified, attempt.nonce.clone()))
    }

    /// RFC 9207 section 2.4: an answer must come from the provider that was asked.
    fn check_issuer(&self, provider: &Provider, answer: &Answer) -> Result<(), Failure> {
        match answer.iss.as_deref() {
            Some(iss) if iss == self.issuer.as_str() => Ok(()),
            Some(_) => Err(Failure::NotVerified("iss names another provider".to_owned())),
            None if provider.extra.authorization_response_iss_parameter_supported => {
                Err(Failure::NotVerified("iss is missing from the answer".to_owned()))
            }
            None => Ok(()),
        }
    }

    /// Trades the refresh token for new tokens (RFC 6749 section 6). A new ID token must speak of
    /// the same sign-in as the old one (OpenID Connect Core section 12.2).
    pub(super) async fn refresh(&self, old: &Tokens) -> Result<Tokens, Failure> {
        let refresh_token = old.refresh_token.as_ref().ok_or(Failure::TokenDead)?;
        let provider = self.provider().await?;
        let response = provider
            .client
            .exchange_refresh_token(refresh_token)
            .map_err(|error| Failure::Unexpected(error.to_string()))?
            .request_async(&self.http)
            .await?;
        let same_nonce = |nonce: Option<&Nonce>| same_or_absent(nonce, &old.nonce);
        let mut new = match self.verified(&provider.client, &response, same_nonce)? {
            Some(verified) => self.tokens(&response, verified, old.nonce.clone()),
            None => Tokens {
                access_token: response.access_token().clone(),
                expires_in: lifetime(&response),
                received_at: self.clock.now(),
                ..old.clone()
            },
        };
        if new.subject != old.subject || new.auth_time != old.auth_time {
            let what = "the new ID token speaks of another sign-in";
            return Err(Failure::NotVerified(what.to_owned()));
        }
        // Without rotation the old refresh token stays good; without a scope it is unchanged.
        new.refresh_token = response.refresh_token().cloned().or_else(|| old.refresh_token.clone());
        if response.scopes().is_none() {
            new.scope.clone_from(&old.scope);
        }
        Ok(new)
    }

    /// Asks the userinfo endpoint about the person (OpenID Connect Core section 5.3); the answer's
    /// `sub` must be the ID token's.
    pub(super) async fn userinfo(&self, tokens: &Tokens) -> Result<Value, Failure> {
        let provider = self.provider().await?;
        let subject = openidconnect::SubjectIdentifier::new(tokens.subject.clone());
        let claims: UserInfoClaims<OtherClaims, CoreGenderClaim> = provider
            .client
            .user_info(tokens.access_token.clone(), Some(subject))
            .map_err(|error| Failure::Unexpected(error.to_string()))?
            .request_async(&self.http)
            .await?;
        serde_json::to_value(&claims).map_err(|error| Failure::Unexpected(error.to_string()))
    }

    /// Where to send the browser to be signed out (RP-Initiated Logout section 2), and the state
    /// it must bring back.
    pub(super) async fn sign_out(&self, tokens: &Tokens) -> Result<(Url, String), Failure> {
        let endpoint = self.provider().await?.extra.end_session_endpoint.ok_or_else(|| {
            Failure::Unexpected("discovery names no end_session_endpoint".to_owned())
        })?;
        let state = random_state();
        let url = LogoutRequest::from(endpoint)
            .set_id_token_hint(&tokens.id_token)
            .set_client_id(self.client_id.clone())
            .set_post_logout_redirect_uri(self.post_logout_redirect_uri.clone())
            .set_state(state.clone())
            .http_get_url();
        Ok((url, state.into_secret()))
    }

    /// The ID token of a token response, if there is one, once it has passed every check: the
    /// crate verifies the signature by the published keys, `iss`, `aud`, `exp` (by our clock) and
    /// `nonce`; then comes `at_hash`.
    fn verified(
        &self,
        client: &Client,
        response: &CoreTokenResponse,
        nonce: impl NonceVerifier,
    ) -> Result<Option<Verified>, Failure> {
        let Some(id_token) = response.id_token().cloned() else { return Ok(None) };
        let clock = self.clock.clone();
        let verifier = client.id_token_verifier().set_time_fn(move || date(clock.now()));
        let claims = id_token
            .claims(&verifier, nonce)
            .map_err(|error| Failure::not_verified("the ID token", &error))?
            .clone();
        check_at_hash(&id_token, &claims, &verifier, response.access_token())?;
        Ok(Some(Verified { id_token, claims }))
    }

    fn tokens(&self, response: &CoreTokenResponse, verified: Verified, nonce: Nonce) -> Tokens {
        Tokens {
            access_token: response.access_token().clone(),
            refresh_token: response.refresh_token().cloned(),
            scope: scope_text(response),
            expires_in: lifetime(response),
            received_at: self.clock.now(),
            subject: verified.claims.subject().as_str().to_owned(),
            auth_time: verified.claims.auth_time().map(|at| UnixTime(at.timestamp())),
            id_token: verified.id_token,
            nonce,
        }
    }
}

/// `openid` is added by the crate itself.
fn requested_scopes() -> impl Iterator<Item = Scope> {
    SCOPES.into_iter().filter(|scope| *scope != "openid").map(|scope| Scope::new(scope.to_owned()))
}

/// RFC 6749 section 5.1: an absent scope means what was asked for.
fn scope_text(response: &CoreTokenResponse) -> String {
    match response.scopes() {
        None => SCOPES.join(" "),
        Some(scopes) => scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "),
    }
}

fn lifetime(response: &CoreTokenResponse) -> Option<Seconds> {
    response.expires_in().and_then(|time| Seconds::try_from(time.as_secs()).ok())
}

/// 256 random bits, for states and for the names of browsers and sessions.
pub(super) fn random_state() -> CsrfToken {
    CsrfToken::new_random_len(32)
}

fn date(at: UnixTime) -> DateTime<Utc> {
    DateTime::from_timestamp(at.0, 0).unwrap_or_default()
}

/// OpenID Connect Core section 12.2: a refreshed ID token should have no nonce, and if it has one,
/// the one of the first.
fn same_or_absent(nonce: Option<&Nonce>, expected: &Nonce) -> Result<(), String> {
    match nonce {
        Some(nonce) if nonce.secret() != expected.secret() => Err("nonce mismatch".to_owned()),
        _ => Ok(()),
    }
}

/// OpenID Connect Core section 3.1.3.8: the ID token names the access token it came with.
fn check_at_hash(
    id_token: &CoreIdToken,
    claims: &CoreIdTokenClaims,
    verifier: &CoreIdTokenVerifier<'_>,
    access_token: &AccessToken,
) -> Result<(), Failure> {
    let Some(expected) = claims.access_token_hash() else { return Ok(()) };
    let what = "at_hash";
    let alg = id_token.signing_alg().map_err(|error| Failure::not_verified(what, &error))?;
    let key =
        id_token.signing_key(verifier).map_err(|error| Failure::not_verified(what, &error))?;
    let actual = AccessTokenHash::from_token(access_token, alg, key)
        .map_err(|error| Failure::not_verified(what, &error))?;
    if actual == *expected {
        Ok(())
    } else {
        Err(Failure::NotVerified("at_hash names another access token".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn userinfo_claims_keep_what_the_crate_has_no_field_for() {
        let json = br#"{"sub":"u1","name":"Alice","email_verified":true,"updated_at":1700000000,
            "address":{"country":"Portugal"},"groups":["admins","staff"]}"#;
        let claims =
            UserInfoClaims::<OtherClaims, CoreGenderClaim>::from_json::<std::io::Error>(json, None)
                .unwrap();
        let shown = serde_json::to_value(&claims).unwrap();
        assert_eq!(shown, serde_json::from_slice::<Value>(json).unwrap());
    }

    #[test]
    fn a_refreshed_id_token_may_omit_the_nonce_but_not_change_it() {
        let first = Nonce::new("n-1".to_owned());
        assert!(same_or_absent(None, &first).is_ok());
        assert!(same_or_absent(Some(&first), &first).is_ok());
        assert!(same_or_absent(Some(&Nonce::new("n-2".to_owned())), &first).is_err());
    }
}
