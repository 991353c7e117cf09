//! How an app proves who it is, and what its tokens are like: what few apps need, on pages of their own.

use askama::Template;

use super::client_parts::{AlgChoice, AlgOffer, AlgsForm, SignInForm};
use super::{Console, Section, path_below, seen_sample};
use crate::http::pages::chrome::Chrome;
use crate::http::pages::filters;
use crate::http::pages::sample::words;
use crate::http::pages::views::{FieldError, error_of};
use crate::protocol::client::{AuthMethod, GrantType};
use crate::protocol::rights::Role;
use crate::protocol::types::SigningAlg;

/// What the form `client` of [`ClientCredentials`] holds; the fields are named like the members.
#[derive(Debug, Clone, Default)]
pub struct CredentialsForm {
    /// A name of [`AuthMethod`].
    pub auth_method: String,
    /// The only algorithm of its assertions; empty for any.
    pub signing_alg: String,
    /// Where it publishes its keys.
    pub jwks_uri: String,
    /// Its keys, as a JWK Set.
    pub jwks: String,
    /// What names the subject of its certificate, a key of [`CredentialsForm::SUBJECTS`]; empty for nothing.
    pub tls_name: String,
    pub tls_value: String,
}

impl CredentialsForm {
    /// The names of a certificate's subject, of which one is given (RFC 8705 section 2.1.2).
    pub const SUBJECTS: [(&'static str, &'static str); 5] = [
        ("tls_client_auth_subject_dn", "Distinguished name"),
        ("tls_client_auth_san_dns", "DNS name"),
        ("tls_client_auth_san_uri", "URI"),
        ("tls_client_auth_san_ip", "IP address"),
        ("tls_client_auth_san_email", "E-mail address"),
    ];

    pub(super) fn methods() -> [(&'static str, &'static str); 7] {
        AuthMethod::ALL.map(|method| (method.as_str(), method_in_words(method)))
    }

    /// The way it proves itself, as the form calls it.
    fn method_in_words(&self) -> &'static str {
        AuthMethod::from_name(&self.auth_method).map_or("–", method_in_words)
    }

    /// What names the subject of its certificate, as the form calls it.
    fn subject_in_words(&self) -> &'static str {
        let known = Self::SUBJECTS.iter().find(|(name, _)| *name == self.tls_name);
        known.map_or("–", |(_, label)| label)
    }

    pub(super) fn algs() -> [&'static str; 5] {
        SigningAlg::ALL.map(SigningAlg::as_str)
    }
}

fn method_in_words(method: AuthMethod) -> &'static str {
    match method {
        AuthMethod::ClientSecret => "A secret, sent either way",
        AuthMethod::ClientSecretBasic => "A secret, in the Authorization header alone",
        AuthMethod::ClientSecretPost => "A secret, in the form alone",
        AuthMethod::PrivateKeyJwt => "Assertions that it signs with a key of its own",
        AuthMethod::TlsClientAuth => "A TLS certificate of an authority",
        AuthMethod::SelfSignedTlsClientAuth => "A TLS certificate that is among its keys",
        AuthMethod::None => "Nothing: a public client",
    }
}

/// `GET /admin/clients/{id}/credentials`. Form `client`, for those who may make secrets: POST `…/credentials/edit` with the fields of
/// [`CredentialsForm`].
#[derive(Debug, Template)]
#[template(path = "admin/client_credentials.html")]
pub struct ClientCredentials {
    pub chrome: Chrome,
    pub console: Console,
    pub client_id: String,
    pub name: String,
    /// What the form was made from; goes along as `seen`.
    pub seen: String,
    pub form: CredentialsForm,
    /// What tells its secrets apart, newest first; for those who see no form.
    pub secrets: Vec<String>,
    /// Fields: the names of [`CredentialsForm`].
    pub errors: Vec<FieldError>,
}

impl ClientCredentials {
    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/clients/", &self.client_id)
    }

    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            client_id: words("orchard-wiki"),
            name: words("Orchard Wiki"),
            seen: seen_sample(),
            form: CredentialsForm {
                auth_method: "private_key_jwt".to_owned(),
                signing_alg: "ES256".to_owned(),
                jwks_uri: words("https://wiki.orchard.example/keys"),
                ..CredentialsForm::default()
            },
            secrets: vec![words("mF3qk1zV")],
            errors: Vec::new(),
        }
    }

    /// The page as somebody sees it who may change nothing.
    #[must_use]
    pub fn sample_of_auditor() -> Self {
        let mut page = Self::sample();
        page.console.role = Role::Auditor;
        page
    }

    /// Keys that cannot be read.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let mut page = Self::sample();
        page.form.jwks = words("keys");
        let text = words("Its keys: this is no JSON. Paste the whole JWK Set.");
        page.errors = vec![FieldError { field: "jwks", text }];
        page
    }
}

/// What the form `client` of [`ClientTokens`] holds; the fields are named like the members, also those of the
/// two parts.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a box of the form")]
pub struct TokensForm {
    /// `standard`, `fapi2_security` or `fapi2_message_signing`.
    pub security_profile: String,
    /// Seconds; empty for the server's setting.
    pub access_token_lifetime: String,
    /// Seconds; empty for none.
    pub default_max_age: String,
    /// Names of [`GrantType`]; a box for each.
    pub grant_types: Vec<String>,
    /// What access tokens may be for, one a line.
    pub audience: String,
    /// `public` or `pairwise`.
    pub subject_type: String,
    pub sector_identifier_uri: String,
    pub dpop_bound_access_tokens: bool,
    pub tls_client_certificate_bound_access_tokens: bool,
    pub require_pushed_authorization_requests: bool,
    pub require_signed_request_object: bool,
    pub sign_in: SignInForm,
    pub algs: AlgsForm,
}

/// `GET /admin/clients/{id}/tokens`. Form `client`, for those who may change apps: POST `…/tokens/edit` with the fields of [`TokensForm`].
#[derive(Debug, Template)]
#[template(path = "admin/client_tokens.html")]
pub struct ClientTokens {
    pub chrome: Chrome,
    pub console: Console,
    pub client_id: String,
    pub name: String,
    /// What the form was made from; goes along as `seen`.
    pub seen: String,
    pub form: TokensForm,
    /// Fields: the names of [`TokensForm`].
    pub errors: Vec<FieldError>,
    /// How long access tokens live by the server's setting, in seconds.
    pub usual_lifetime: i64,
    /// The grant types that an app like this may have.
    pub may_use: Vec<GrantType>,
    pub offer: AlgOffer,
}

/// A way to get tokens, as a box of the form.
struct Grant {
    name: &'static str,
    words: &'static str,
    is_chosen: bool,
}

impl Grant {
    fn of(grant: GrantType, is_chosen: bool) -> Self {
        let words = match grant {
            GrantType::AuthorizationCode => "A person signs in in a browser",
            GrantType::RefreshToken => "New tokens for a refresh token, while the person is away",
            GrantType::ClientCredentials => "Tokens of its own, without a person",
            GrantType::DeviceCode => "A person signs in on another device",
            GrantType::TokenExchange => "A token in exchange for another one",
            GrantType::JwtBearer => "A token for the assertion of a trusted issuer",
        };
        Self { name: grant.as_str(), words, is_chosen }
    }
}

impl TokensForm {
    fn has_grant(&self, grant: GrantType) -> bool {
        self.grant_types.iter().any(|name| name == grant.as_str())
    }

    /// The profile, as the form calls it.
    fn profile_in_words(&self) -> &'static str {
        match self.security_profile.as_str() {
            "fapi2_security" => "FAPI 2.0 Security Profile",
            "fapi2_message_signing" => "FAPI 2.0 Message Signing",
            _ => "Standard: OpenID Connect with today’s best practice",
        }
    }
}

impl ClientTokens {
    /// What it may get tokens by, with what it has already whatever that is.
    fn grants(&self) -> Vec<Grant> {
        let has = |grant: GrantType| self.form.has_grant(grant);
        let offered = |grant: &GrantType| self.may_use.contains(grant) || has(*grant);
        let all = GrantType::ALL.into_iter().filter(offered);
        all.map(|grant| Grant::of(grant, has(grant))).collect()
    }

    /// With what is signed and encrypted, as lists to choose from.
    fn algs(&self) -> Vec<AlgChoice> {
        self.form.algs.choices(&self.offer)
    }

    /// Whether something is wrong in the part that is folded otherwise.
    fn is_alg_wrong(&self) -> bool {
        let is_wrong = |name: &str| self.error(name).is_some();
        is_wrong("request_uris") || AlgsForm::FIELDS.iter().any(|field| is_wrong(field.name))
    }

    fn usual(&self) -> String {
        let seconds = self.usual_lifetime;
        format!("In seconds, 60 to 3600. Empty means the server’s setting, now {seconds}.")
    }

    fn path(&self) -> String {
        path_below(&self.chrome.base, "/admin/clients/", &self.client_id)
    }

    fn error(&self, field: &str) -> Option<&str> {
        error_of(&self.errors, field)
    }

    #[must_use]
    pub fn sample() -> Self {
        Self {
            chrome: Chrome::sample(),
            console: Console::sample(Section::Apps),
            client_id: words("orchard-wiki"),
            name: words("Orchard Wiki"),
            seen: seen_sample(),
            form: TokensForm {
                security_profile: "standard".to_owned(),
                access_token_lifetime: "300".to_owned(),
                grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
                audience: words("https://api.orchard.example"),
                subject_type: "pairwise".to_owned(),
                sign_in: SignInForm {
                    default_acr_values: "aal1".to_owned(),
                    require_auth_time: true,
                    authorization_details_types: words("payment_initiation"),
                },
                algs: AlgsForm::read(
                    |name| {
                        let is_signed = name == "userinfo_signed_response_alg";
                        if is_signed { "ES256".to_owned() } else { String::new() }
                    },
                    words("https://wiki.orchard.example/request.jwt"),
                ),
                ..TokensForm::default()
            },
            errors: Vec::new(),
            usual_lifetime: 600,
            may_use: GrantType::ALL.into(),
            offer: AlgOffer::sample(),
        }
    }

    /// The page as somebody sees it who may change nothing.
    #[must_use]
    pub fn sample_of_auditor() -> Self {
        let mut page = Self::sample();
        page.console.role = Role::Auditor;
        page
    }

    /// A lifetime that is no number, no way to get tokens, and a mistake in the part that is folded.
    #[must_use]
    pub fn sample_wrong() -> Self {
        let mut page = Self::sample();
        page.form.access_token_lifetime = words("long");
        page.form.grant_types.clear();
        let wrong = |field, text: &str| FieldError { field, text: words(text) };
        page.errors = vec![
            wrong("grant_types", "Ways to get tokens: needs at least one entry."),
            wrong("access_token_lifetime", "Lifetime of access tokens: write a number of seconds."),
            wrong(
                "userinfo_encrypted_response_alg",
                "User information is encrypted with: needs a key.",
            ),
        ];
        page
    }
}
