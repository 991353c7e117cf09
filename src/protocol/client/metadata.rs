//! The metadata of a client, with the names RFC 7591 section 2, OpenID Connect Registration section 2
//! and their companions give its members.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    AuthMethod, ClaimsPlacement, ClientKind, ConsentPolicy, GrantType, PkcePolicy,
    RevocationChoice, SecurityProfile, SubjectType,
};
use crate::clock::Seconds;
use crate::protocol::claim_mapping::ClaimMapping;
use crate::protocol::scope::Scopes;
use crate::protocol::types::{ContentEncryptionAlg, KeyEncryptionAlg, SigningAlg};

/// The metadata of a client. The defaults are those of a new web application, so what was stored
/// before a member existed keeps its meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "the registered members are booleans")]
pub struct ClientMetadata {
    pub client_name: String,
    pub kind: ClientKind,
    pub token_endpoint_auth_method: AuthMethod,
    pub redirect_uris: Vec<String>,
    pub post_logout_redirect_uris: Vec<String>,
    /// Every scope the client may ask for.
    pub scope: Scopes,
    pub grant_types: Vec<GrantType>,
    pub pkce: PkcePolicy,
    pub consent: ConsentPolicy,
    pub id_token_signed_response_alg: SigningAlg,
    /// Where a revoked access token is dead at once, and so what access tokens look like. Metadata
    /// from before it existed names their form: `access_token_format`, `jwt` or `opaque`.
    #[serde(alias = "access_token_format")]
    pub revocation: RevocationChoice,
    /// The algorithm of JWT access tokens.
    pub access_token_alg: SigningAlg,
    pub claims_in: ClaimsPlacement,
    /// Claims of the app's own; only administrators give them. Not written down where there are none, so
    /// that a node of an earlier version reads every app that has none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claim_mappings: Vec<ClaimMapping>,
    /// What access tokens may be for (RFC 8707), and what they are for (`aud`) when no `resource` is named;
    /// empty means the client itself. Userinfo takes those for the client itself or the issuer.
    pub audience: Vec<String>,
    /// Resource identifiers (RFC 8707 section 2, RFC 9728 section 1.2) of the protected resources this
    /// client answers for: tokens for them are tokens for it. Each belongs to one client, and only
    /// administrators give them.
    pub protected_resources: Vec<String>,
    /// Names of the groups whose people may use the client: being in one is enough. `None` lets everybody
    /// in; only administrators say so. A name of no group lets nobody in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed_groups: Option<Vec<String>>,
    /// Lifetime of access tokens in seconds, 60 to 3600; `None` means the server's setting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_lifetime: Option<Seconds>,
    /// `default_max_age` of OpenID Connect Registration section 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_max_age: Option<Seconds>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tos_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub initiate_login_uri: Option<String>,
    /// Where a picture of the app is: https, or http on loopback. Browsers never go there. With
    /// `registration.fetch_logos` this server fetches it once and shows its own copy, unless an administrator has
    /// supplied a logo; without, nobody asks for it. That of an app that a document describes is fetched from
    /// where the document is, or not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logo_uri: Option<String>,
    /// Browser origins that may call token, userinfo and revocation (CORS).
    pub allowed_origins: Vec<String>,
    pub contacts: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub software_version: Option<String>,

    /// The rules this client is held to as a whole.
    pub security_profile: SecurityProfile,

    /// The client's own keys by value (RFC 7517 section 5); never together with `jwks_uri`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where the client publishes its keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// The only algorithm client assertions may be signed with; `None` means any supported one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_signing_alg: Option<SigningAlg>,
    /// RFC 8705 section 2.1.2: exactly one of these five names the certificate's subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_uri: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_email: Option<String>,

    /// Access tokens are bound to the client's certificate (RFC 8705 section 3.4).
    pub tls_client_certificate_bound_access_tokens: bool,
    /// Access tokens are bound to a DPoP key, always (RFC 9449 section 5.2).
    pub dpop_bound_access_tokens: bool,

    /// URIs the client may pass as `request_uri` (OpenID Connect Registration section 2).
    pub request_uris: Vec<String>,
    /// The only algorithm request objects may be signed with; `None` means any supported one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_signing_alg: Option<SigningAlg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_alg: Option<KeyEncryptionAlg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_object_encryption_enc: Option<ContentEncryptionAlg>,
    /// Only signed request objects are accepted (RFC 9101 section 10.5).
    pub require_signed_request_object: bool,
    /// Only pushed authorization requests are accepted (RFC 9126 section 6).
    pub require_pushed_authorization_requests: bool,

    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_alg: Option<KeyEncryptionAlg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_token_encrypted_response_enc: Option<ContentEncryptionAlg>,
    /// Userinfo answers a signed JWT instead of JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_signed_response_alg: Option<SigningAlg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_alg: Option<KeyEncryptionAlg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub userinfo_encrypted_response_enc: Option<ContentEncryptionAlg>,
    /// RFC 9701 section 6.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_signed_response_alg: Option<SigningAlg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_encrypted_response_alg: Option<KeyEncryptionAlg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub introspection_encrypted_response_enc: Option<ContentEncryptionAlg>,
    /// The algorithm of JWT authorization responses (JARM section 3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_signed_response_alg: Option<SigningAlg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_encrypted_response_alg: Option<KeyEncryptionAlg>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorization_encrypted_response_enc: Option<ContentEncryptionAlg>,

    pub subject_type: SubjectType,
    /// A JSON list of redirect URIs that share one pairwise `sub` (Core section 8.1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sector_identifier_uri: Option<String>,
    /// Asked for when a request names no `acr_values`.
    pub default_acr_values: Vec<String>,
    /// `auth_time` is promised in every ID token; ours always carry it.
    pub require_auth_time: bool,
    /// The `authorization_details` types the client may use (RFC 9396 section 10).
    pub authorization_details_types: Vec<String>,

    /// Told when a session ends (OpenID Connect Back-Channel Logout section 2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backchannel_logout_uri: Option<String>,
    pub backchannel_logout_session_required: bool,
    /// Loaded in the sign-out page (OpenID Connect Front-Channel Logout section 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frontchannel_logout_uri: Option<String>,
    pub frontchannel_logout_session_required: bool,
}

impl Default for ClientMetadata {
    #[expect(clippy::too_many_lines, reason = "one line for every member")]
    fn default() -> Self {
        Self {
            client_name: String::new(),
            kind: ClientKind::Web,
            token_endpoint_auth_method: AuthMethod::ClientSecret,
            redirect_uris: Vec::new(),
            post_logout_redirect_uris: Vec::new(),
            scope: Scopes::from_tokens(Scopes::STANDARD),
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            pkce: PkcePolicy::Optional,
            consent: ConsentPolicy::Ask,
            id_token_signed_response_alg: SigningAlg::Rs256,
            revocation: RevocationChoice::Checked,
            access_token_alg: SigningAlg::Rs256,
            claims_in: ClaimsPlacement::Userinfo,
            claim_mappings: Vec::new(),
            audience: Vec::new(),
            protected_resources: Vec::new(),
            allowed_groups: None,
            access_token_lifetime: None,
            default_max_age: None,
            client_uri: None,
            policy_uri: None,
            tos_uri: None,
            initiate_login_uri: None,
            logo_uri: None,
            allowed_origins: Vec::new(),
            contacts: Vec::new(),
            software_id: None,
            software_version: None,
            security_profile: SecurityProfile::Standard,
            jwks: None,
            jwks_uri: None,
            token_endpoint_auth_signing_alg: None,
            tls_client_auth_subject_dn: None,
            tls_client_auth_san_dns: None,
            tls_client_auth_san_uri: None,
            tls_client_auth_san_ip: None,
            tls_client_auth_san_email: None,
            tls_client_certificate_bound_access_tokens: false,
            dpop_bound_access_tokens: false,
            request_uris: Vec::new(),
            request_object_signing_alg: None,
            request_object_encryption_alg: None,
            request_object_encryption_enc: None,
            require_signed_request_object: false,
            require_pushed_authorization_requests: false,
            id_token_encrypted_response_alg: None,
            id_token_encrypted_response_enc: None,
            userinfo_signed_response_alg: None,
            userinfo_encrypted_response_alg: None,
            userinfo_encrypted_response_enc: None,
            introspection_signed_response_alg: None,
            introspection_encrypted_response_alg: None,
            introspection_encrypted_response_enc: None,
            authorization_signed_response_alg: None,
            authorization_encrypted_response_alg: None,
            authorization_encrypted_response_enc: None,
            subject_type: SubjectType::Public,
            sector_identifier_uri: None,
            default_acr_values: Vec::new(),
            require_auth_time: false,
            authorization_details_types: Vec::new(),
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
            frontchannel_logout_uri: None,
            frontchannel_logout_session_required: false,
        }
    }
}
