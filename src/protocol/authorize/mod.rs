//! The authorization request (RFC 6749 section 4.1.1, OpenID Connect Core section 3.1.2.1): one
//! ladder of checks, in the order in which an answer can be trusted to travel.

pub mod acr;
mod arrival;
pub mod authorization_details;
pub mod claims_request;
pub mod initiate_login;
mod parameters;
pub mod pkce;
mod prompts;
pub mod reply;
pub mod request_object;
pub mod target;

pub use arrival::{Arrival, PUSHED_PREFIX, PushedRequests, RequestForm};
pub use parameters::known;
pub use prompts::{Demand, PromptDisplay, Prompts, prompt_values};

use super::client::{Client, GrantType};
use super::error::{ErrorCode, OAuthError};
use super::fapi;
use super::params::Params;
use super::scope::Scopes;
use super::sign_up::SignUp;
use super::types::{ClientId, OrganisationId};
use crate::clock::Seconds;
use crate::protocol::authorize::acr::AcrDemand;
use crate::protocol::authorize::authorization_details::DetailType;
use crate::protocol::authorize::claims_request::ClaimsRequest;
use crate::protocol::authorize::pkce::CodeChallenge;
use crate::protocol::authorize::reply::{ReplyTo, ResponseMode};
use crate::protocol::token::dpop;
use crate::protocol::token::grant::details::{Confirmation, GrantDetails};

/// A request that passed every check that needs neither a person nor the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizeRequest {
    pub client_id: ClientId,
    pub reply_to: ReplyTo,
    /// Requested and allowed for this client.
    pub scopes: Scopes,
    /// Echoed in the ID token exactly as sent.
    pub nonce: Option<String>,
    pub challenge: Option<CodeChallenge>,
    pub prompts: Prompts,
    /// Longest time since the last active sign-in that the client accepts.
    pub max_age: Option<Seconds>,
    pub login_hint: Option<String>,
    pub id_token_hint: Option<String>,
    /// How strong a sign-in the client wants.
    pub acr: AcrDemand,
    /// The organisation the person has to be in, and acts for (`org_id`).
    pub organisation: Option<OrganisationId>,
    /// What goes into the grant beyond scopes.
    pub details: GrantDetails,
}

/// What requests may ask of this server beyond what every server offers.
#[derive(Debug, Clone, Copy, Default)]
pub struct Choices<'a> {
    /// The types of authorization details it knows.
    pub detail_types: &'a [DetailType],
    /// Whether people may make an account on the way.
    pub sign_up: SignUp,
}

/// Checks a request of a known client whose redirect URI is verified.
///
/// # Errors
/// What the client is to be told through `reply_to`.
pub fn validate(
    client: &Client,
    params: &Params,
    reply_to: ReplyTo,
    choices: Choices<'_>,
) -> Result<AuthorizeRequest, OAuthError> {
    // A repeated state cannot be echoed; the client must hear so before anything else.
    params.get("state")?;
    params.get("client_id")?;
    parameters::check_length(params)?;
    refuse_request_objects(params)?;
    check_response_mode(params)?;
    fapi::check_request(client, params)?;
    check_response_type(params)?;
    check_grant_type(client)?;
    let scopes = requested_scopes(client, params)?;
    let challenge = CodeChallenge::from_request(params)?;
    if challenge.is_none() && client.requires_pkce() {
        return Err(OAuthError::invalid_request("This client must send a code_challenge."));
    }
    let details = details(client, params, (&scopes, choices.detail_types))?;
    let default_acr = &client.metadata.default_acr_values;
    Ok(AuthorizeRequest {
        client_id: client.id.clone(),
        reply_to,
        scopes,
        acr: AcrDemand::new(&details.claims, params.get("acr_values")?, default_acr),
        nonce: params.get("nonce")?.map(str::to_owned),
        challenge,
        organisation: params.get("org_id")?.map(OrganisationId::new),
        prompts: Prompts::read(params, choices.sign_up)?,
        max_age: prompts::max_age(params)?.or(client.metadata.default_max_age),
        login_hint: params.get("login_hint")?.map(str::to_owned),
        id_token_hint: params.get("id_token_hint")?.map(str::to_owned),
        details,
    })
}

/// What is asked for beyond scopes.
fn details(
    client: &Client,
    params: &Params,
    (scopes, types): (&Scopes, &[DetailType]),
) -> Result<GrantDetails, OAuthError> {
    let claims = match params.get("claims")? {
        // The parameter is one of OpenID Connect's: elsewhere it is as good as unknown.
        Some(text) if scopes.contains("openid") => {
            ClaimsRequest::parse(text)?.limited_to(&client.metadata.scope)
        }
        _ => ClaimsRequest::default(),
    };
    let own = &client.metadata.authorization_details_types;
    let authorization_details = match params.get("authorization_details")? {
        Some(text) => authorization_details::parse(text, types, own)?,
        None => Vec::new(),
    };
    let resources = target::resources(params)?;
    target::audience(client, &[], &resources)?;
    let confirmation = dpop::requested_key(params)?.map(Confirmation::Jkt);
    Ok(GrantDetails { claims, resources, authorization_details, confirmation })
}

/// OpenID Connect Core section 6: an OP that does not support request objects must say so, never
/// ignore them.
fn refuse_request_objects(params: &Params) -> Result<(), OAuthError> {
    let refuse = |code, description| Err(OAuthError::new(code, description));
    if params.has("request") {
        return refuse(ErrorCode::RequestNotSupported, "The request parameter is not supported.");
    }
    if params.has("request_uri") {
        return refuse(
            ErrorCode::RequestUriNotSupported,
            "The request_uri parameter is not supported.",
        );
    }
    if params.has("registration") {
        return refuse(
            ErrorCode::RegistrationNotSupported,
            "The registration parameter is not supported.",
        );
    }
    Ok(())
}

fn check_response_mode(params: &Params) -> Result<(), OAuthError> {
    match params.get("response_mode")? {
        None => Ok(()),
        Some(mode) if ResponseMode::from_name(mode).is_some() => Ok(()),
        Some(mode) => Err(OAuthError::invalid_request(
            "response_mode must be query, fragment or form_post, or one of them with .jwt.",
        )
        .because(format!("response_mode {mode:?}"))),
    }
}

/// Code flow only: nothing that puts a token into a URL (RFC 9700 section 2.1.2).
fn check_response_type(params: &Params) -> Result<(), OAuthError> {
    match params.get("response_type")? {
        Some("code") => Ok(()),
        None => Err(OAuthError::invalid_request("response_type is missing.")),
        Some(_) => Err(OAuthError::new(
            ErrorCode::UnsupportedResponseType,
            "The only supported response_type is code.",
        )),
    }
}

fn check_grant_type(client: &Client) -> Result<(), OAuthError> {
    if client.allows(GrantType::AuthorizationCode) {
        return Ok(());
    }
    Err(OAuthError::new(
        ErrorCode::UnauthorizedClient,
        "This client is not registered for the authorization_code grant.",
    ))
}

/// Scopes that are unknown or not allowed for the client are left out, not refused (OpenID Connect
/// Core section 3.1.2.1); the token response tells what remains (RFC 6749 section 3.3).
fn requested_scopes(client: &Client, params: &Params) -> Result<Scopes, OAuthError> {
    let requested = params.get("scope")?.ok_or_else(|| {
        OAuthError::invalid_scope("scope is missing; OpenID Connect needs openid.")
    })?;
    let requested = Scopes::parse(requested).ok_or_else(|| {
        OAuthError::invalid_scope("scope has a character that is not allowed, or too many values.")
    })?;
    let allowed = allowed_scopes(client, &requested);
    if allowed.is_empty() {
        return Err(OAuthError::invalid_scope("This client may use none of the requested scopes."));
    }
    Ok(allowed)
}

/// What is left of the scopes a client asks for.
#[must_use]
pub fn allowed_scopes(client: &Client, requested: &Scopes) -> Scopes {
    let allowed = requested.intersection(&client.metadata.scope);
    if client.allows(GrantType::RefreshToken) {
        return allowed;
    }
    // OpenID Connect Core section 11: ignored where refresh tokens cannot be given.
    Scopes::from_tokens(allowed.iter().filter(|token| *token != "offline_access"))
}

#[cfg(test)]
mod tests {
    use super::super::client::AuthMethod;
    use super::super::client::PkcePolicy;
    use super::super::client::tests::client;
    use super::*;

    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn check(client: &Client, extra: &str) -> Result<AuthorizeRequest, OAuthError> {
        check_with(client, extra, SignUp::Off)
    }

    fn check_with(
        client: &Client,
        extra: &str,
        sign_up: SignUp,
    ) -> Result<AuthorizeRequest, OAuthError> {
        let query = format!("redirect_uri=https://rp.test/cb&{extra}");
        let params = Params::parse(query.as_bytes()).unwrap();
        let reply_to = ReplyTo::from_request(client, &params, "https://op.test").unwrap();
        validate(client, &params, reply_to, Choices { detail_types: &[], sign_up })
    }

    fn code_of(extra: &str) -> &'static str {
        check(&client(), extra).unwrap_err().code.as_str()
    }

    #[test]
    fn a_plain_request_of_a_confidential_client_passes_without_nonce_or_pkce() {
        let request = check(&client(), "response_type=code&scope=openid&extra=foobar").unwrap();
        assert_eq!(request.nonce, None);
        assert_eq!(request.challenge, None);
    }

    #[test]
    fn any_response_type_but_code_is_refused() {
        for bad in ["token", "id_token token", "code token", "none", &"x".repeat(2048)] {
            assert_eq!(
                code_of(&format!("scope=openid&response_type={bad}")),
                "unsupported_response_type"
            );
        }
        assert_eq!(code_of("scope=openid"), "invalid_request");
    }

    #[test]
    fn repeated_parameters_are_refused() {
        for name in
            ["scope", "state", "nonce", "code_challenge", "response_type", "prompt", "max_age"]
        {
            let query = format!("response_type=code&scope=openid&{name}=a&{name}=a");
            assert_eq!(code_of(&query), "invalid_request", "{name}");
        }
    }

    #[test]
    fn request_objects_are_refused_by_name_and_never_ignored() {
        assert_eq!(code_of("response_type=code&scope=openid&request=x"), "request_not_supported");
        assert_eq!(
            code_of("response_type=code&scope=openid&request_uri=x"),
            "request_uri_not_supported"
        );
    }

    #[test]
    fn pkce_is_a_duty_for_public_clients_and_where_the_client_says_so() {
        let mut public = client();
        public.metadata.token_endpoint_auth_method = AuthMethod::None;
        let mut strict = client();
        strict.metadata.pkce = PkcePolicy::Required;
        for client in [public, strict] {
            assert!(check(&client, "response_type=code&scope=openid").is_err());
            let good = format!(
                "response_type=code&scope=openid&code_challenge={CHALLENGE}&code_challenge_method=S256"
            );
            assert!(check(&client, &good).is_ok());
        }
    }

    #[test]
    fn prompt_none_stands_alone() {
        assert_eq!(code_of("response_type=code&scope=openid&prompt=none login"), "invalid_request");
        let silent = check(&client(), "response_type=code&scope=openid&prompt=none").unwrap();
        assert_eq!(silent.prompts.display, PromptDisplay::Forbidden);
    }

    #[test]
    fn prompt_create_is_refused_by_name_while_nobody_can_register() {
        let error = check(&client(), "response_type=code&scope=openid&prompt=create").unwrap_err();
        assert_eq!(error.code.as_str(), "invalid_request");
        assert!(error.description.contains("create"));
        assert!(!prompt_values(SignUp::Off).contains(&"create"));
    }

    #[test]
    fn prompt_create_goes_with_anything_but_none_where_people_can_register() {
        let read = |prompt: &str| {
            let extra = format!("response_type=code&scope=openid&prompt={prompt}");
            check_with(&client(), &extra, SignUp::Open).map(|request| request.prompts)
        };
        assert_eq!(prompt_values(SignUp::Open).last(), Some(&"create"));
        for good in ["create", "create consent", "login create select_account"] {
            let prompts = read(good).unwrap();
            assert_eq!((prompts.create, prompts.display), (Demand::Always, PromptDisplay::Allowed));
        }
        assert_eq!(read("login").unwrap().create, Demand::IfNeeded);
        for bad in ["create none", "none create", "create warp"] {
            assert_eq!(read(bad).unwrap_err().code.as_str(), "invalid_request", "{bad}");
        }
    }

    #[test]
    fn claims_count_only_in_an_openid_request_and_never_beyond_the_client_s_scopes() {
        let claims = "claims=%7B%22userinfo%22:%7B%22name%22:null,%22phone_number%22:null%7D%7D";
        let mut narrow = client();
        narrow.metadata.scope = Scopes::from_tokens(["openid", "profile", "api"]);
        let ask = |scope: &str| {
            check(&narrow, &format!("response_type=code&scope={scope}&{claims}")).unwrap()
        };
        let named = ask("openid").details.claims.userinfo;
        assert_eq!(named.keys().collect::<Vec<_>>(), ["name"]);
        assert!(ask("api").details.claims.is_empty());
        assert_eq!(code_of("response_type=code&scope=openid&claims=x"), "invalid_request");
    }

    #[test]
    fn scopes_that_are_not_allowed_are_left_out_and_none_left_is_an_error() {
        let request = check(&client(), "response_type=code&scope=openid warp").unwrap();
        assert_eq!(request.scopes.to_string(), "openid");
        assert_eq!(code_of("response_type=code&scope=warp"), "invalid_scope");
    }

    #[test]
    fn max_age_must_be_a_number_of_seconds() {
        for bad in ["-1", "%2B5", "1.5", "soon", "99999999999999999999"] {
            assert_eq!(
                code_of(&format!("response_type=code&scope=openid&max_age={bad}")),
                "invalid_request"
            );
        }
    }
}
