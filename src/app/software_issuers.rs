//! The issuers of software statements that the administrator trusts, with their keys.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::config::RegistrationSettings;
use crate::crypto::foreign::ForeignKeys;

/// Keys by issuer.
pub type SoftwareIssuers = BTreeMap<String, ForeignKeys>;

/// Reads the configured file; without one nobody is trusted.
///
/// # Errors
/// A line for the operator.
pub(super) fn read(settings: &RegistrationSettings) -> Result<SoftwareIssuers, String> {
    let Some(path) = &settings.software_statement_keys_file else {
        return Ok(SoftwareIssuers::new());
    };
    let shown = path.display();
    let text = std::fs::read(path)
        .map_err(|fault| format!("the file {shown} could not be read: {fault}"))?;
    let issuers: Map<String, Value> = serde_json::from_slice(&text).map_err(|fault| {
        format!("the file {shown} is not an object of issuers and JWK Sets: {fault}")
    })?;
    let keys = issuers.into_iter().map(|(issuer, set)| match ForeignKeys::from_set(&set) {
        Ok(keys) if !keys.is_empty() => Ok((issuer, keys)),
        Ok(_) => Err(format!("in the file {shown} {issuer:?} has no usable key")),
        Err(fault) => Err(format!("in the file {shown} the set of {issuer:?} {fault}")),
    });
    keys.collect()
}
