//! Arguments that are one of a few names, taken from the types that own the names.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::clock::UnixTime;
use crate::protocol::claim_mapping::ClaimMapping;
use crate::protocol::claim_mapping::grammar::{self, LineError};
use crate::protocol::client::{
    AccessTokenFormat, AuthMethod, ClientKind, GrantType, RevocationChoice,
};
use crate::protocol::token::trusted_issuer::Identity;
use crate::protocol::types::{KeyEncryptionAlg, SigningAlg};
use crate::protocol::upstream::UpstreamAuth;
use crate::protocol::user::{AccountState, AdminRole};
use crate::service::people::RoleEdit;
use crate::store::audit::Outcome;

fn named<T: Clone + Send + Sync + 'static>(
    names: impl IntoIterator<Item = &'static str>,
    from_name: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(names.into_iter().collect::<Vec<_>>())
        .try_map(move |name| from_name(&name).ok_or("there is no such name"))
}

pub(super) fn client_kind() -> impl TypedValueParser<Value = ClientKind> {
    named(ClientKind::ALL.map(ClientKind::as_str), ClientKind::from_name)
}

pub(super) fn auth_method() -> impl TypedValueParser<Value = AuthMethod> {
    named(AuthMethod::ALL.map(AuthMethod::as_str), AuthMethod::from_name)
}

pub(super) fn grant_type() -> impl TypedValueParser<Value = GrantType> {
    // The registered names of the extensions are long; their last words will do.
    let short = GrantType::ALL.iter().filter_map(|grant| grant.as_str().rsplit_once(':'));
    let names =
        GrantType::ALL.map(GrantType::as_str).into_iter().chain(short.map(|(_, name)| name));
    let names: Vec<_> = names.collect();
    named(names, |name| {
        let extension = format!("urn:ietf:params:oauth:grant-type:{name}");
        GrantType::from_name(name).or_else(|| GrantType::from_name(&extension))
    })
}

pub(super) fn identity() -> impl TypedValueParser<Value = Identity> {
    named(Identity::ALL.map(Identity::as_str), Identity::from_name)
}

pub(super) fn upstream_auth() -> impl TypedValueParser<Value = UpstreamAuth> {
    named(UpstreamAuth::ALL.map(UpstreamAuth::as_str), UpstreamAuth::from_name)
}

pub(super) fn signing_alg() -> impl TypedValueParser<Value = SigningAlg> {
    named(SigningAlg::ALL.map(SigningAlg::as_str), SigningAlg::from_name)
}

/// What a key is for, and the algorithm it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyAlg {
    Signing(SigningAlg),
    Encryption(KeyEncryptionAlg),
}

pub(super) fn key_alg() -> impl TypedValueParser<Value = KeyAlg> {
    let signing = SigningAlg::ALL.map(SigningAlg::as_str);
    let encryption = KeyEncryptionAlg::ALL.map(KeyEncryptionAlg::as_str);
    named(signing.into_iter().chain(encryption), |name| {
        let signing = SigningAlg::from_name(name).map(KeyAlg::Signing);
        signing.or_else(|| KeyEncryptionAlg::from_name(name).map(KeyAlg::Encryption))
    })
}

pub(super) fn admin_role() -> impl TypedValueParser<Value = AdminRole> {
    named(AdminRole::ALL.map(AdminRole::as_str), AdminRole::from_name)
}

/// A role to give, or that there is to be none.
pub(super) fn role_edit() -> impl TypedValueParser<Value = RoleEdit> {
    named(AdminRole::ALL.map(AdminRole::as_str).into_iter().chain(["none"]), |name| match name {
        "none" => Some(RoleEdit::Set(None)),
        role => AdminRole::from_name(role).map(|role| RoleEdit::Set(Some(role))),
    })
}

pub(super) fn account_state() -> impl TypedValueParser<Value = AccountState> {
    named(AccountState::ALL.map(AccountState::as_str), AccountState::from_name)
}

pub(super) fn access_token_format() -> impl TypedValueParser<Value = AccessTokenFormat> {
    named(["jwt", "opaque"], |name| match name {
        "jwt" => Some(AccessTokenFormat::Jwt),
        "opaque" => Some(AccessTokenFormat::Opaque),
        _ => None,
    })
}

pub(super) fn revocation() -> impl TypedValueParser<Value = RevocationChoice> {
    named(RevocationChoice::ALL.map(RevocationChoice::as_str), RevocationChoice::from_name)
}

pub(super) fn audit_outcome() -> impl TypedValueParser<Value = Outcome> {
    named(Outcome::ALL.map(Outcome::as_str), Outcome::from_name)
}

/// A claim mapping; `None` for an empty text, which stands for none.
#[derive(Debug, Clone)]
pub struct MappingGiven(pub Option<ClaimMapping>);

/// A claim mapping as one line.
pub(super) fn claim_mapping(text: &str) -> Result<MappingGiven, LineError> {
    if text.trim().is_empty() {
        return Ok(MappingGiven(None));
    }
    grammar::read(text).map(|mapping| MappingGiven(Some(mapping)))
}

/// A moment as people write it.
pub(super) fn moment(text: &str) -> Result<UnixTime, String> {
    UnixTime::parse(text)
        .ok_or_else(|| "write a date such as 2026-11-21, or 2026-11-21T04:36:00Z".to_owned())
}
