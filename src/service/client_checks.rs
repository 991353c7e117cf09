//! What is checked of client metadata beyond its own rules: that there are keys of ours for what the
//! client wants signed, and keys of the client for what it wants encrypted.

use crate::app::App;
use crate::crypto::foreign::ForeignKeys;
use crate::protocol::client::ClientMetadata;
use crate::protocol::client_metadata::{self, MetadataProblem};
use crate::protocol::types::{KeyEncryptionAlg, SigningAlg};

/// Checks everything. `before` is what the client has now: an algorithm it already uses stays, even
/// when it is no longer configured, since its keys are still there.
///
/// # Errors
/// The problems.
pub(crate) fn check(
    app: &App,
    metadata: &ClientMetadata,
    before: Option<&ClientMetadata>,
) -> Result<(), Vec<MetadataProblem>> {
    client_metadata::validate(metadata)?;
    let used = before.map(signing_algs).unwrap_or_default();
    let offered = &app.config.keys.algorithms;
    let mut problems = Vec::new();
    for (field, alg) in signing_algs(metadata) {
        if !offered.contains(&alg) && !used.contains(&(field, alg)) {
            problems.push(MetadataProblem::of(field, alg.as_str(), "has no key here"));
        }
    }
    check_keys(metadata, &mut problems);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// What we sign for the client, and with what.
fn signing_algs(metadata: &ClientMetadata) -> Vec<(&'static str, SigningAlg)> {
    let m = metadata;
    let optional = [
        ("userinfo_signed_response_alg", m.userinfo_signed_response_alg),
        ("introspection_signed_response_alg", m.introspection_signed_response_alg),
        ("authorization_signed_response_alg", m.authorization_signed_response_alg),
    ];
    let mut all = vec![
        ("id_token_signed_response_alg", m.id_token_signed_response_alg),
        ("access_token_alg", m.access_token_alg),
    ];
    all.extend(optional.into_iter().filter_map(|(field, alg)| Some((field, alg?))));
    all
}

/// The client's keys, where they are given by value; those at a URI are looked at when needed.
fn check_keys(metadata: &ClientMetadata, problems: &mut Vec<MetadataProblem>) {
    let Some(jwks) = &metadata.jwks else { return };
    let keys = match ForeignKeys::from_set(jwks) {
        Ok(keys) => keys,
        Err(error) => return problems.push(MetadataProblem::new("jwks", error.to_string())),
    };
    for (field, alg) in encryption_algs(metadata) {
        if alg.is_some_and(|alg| keys.recipient(alg).is_none()) {
            let problem = "needs a key of that kind with the use enc in jwks";
            problems.push(MetadataProblem::new(field, problem));
        }
    }
}

/// What is encrypted to the client.
fn encryption_algs(metadata: &ClientMetadata) -> [(&'static str, Option<KeyEncryptionAlg>); 4] {
    let m = metadata;
    [
        ("id_token_encrypted_response_alg", m.id_token_encrypted_response_alg),
        ("userinfo_encrypted_response_alg", m.userinfo_encrypted_response_alg),
        ("introspection_encrypted_response_alg", m.introspection_encrypted_response_alg),
        ("authorization_encrypted_response_alg", m.authorization_encrypted_response_alg),
    ]
}
