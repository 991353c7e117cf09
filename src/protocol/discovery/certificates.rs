//! What clients that have certificates find in the metadata (RFC 8705 sections 2, 3.3 and 5).

use serde_json::{Map, Value, json};

use crate::protocol::client::AuthMethod;

/// What of RFC 8705 is on.
#[derive(Debug, Clone, Copy)]
pub struct Certificates<'a> {
    /// The methods that take a certificate, if they are offered.
    pub methods: &'a [AuthMethod],
    /// Where clients with a certificate go, if that is another place than for everybody else.
    pub base_url: Option<&'a str>,
}

/// Adds what clients with certificates have to know.
pub(super) fn add(members: &mut Map<String, Value>, issuer: &str, certificates: &Certificates<'_>) {
    if certificates.methods.is_empty() {
        return;
    }
    for (name, list) in members.iter_mut() {
        if name.ends_with("_endpoint_auth_methods_supported")
            && let Some(list) = list.as_array_mut()
        {
            list.extend(certificates.methods.iter().map(|method| json!(method.as_str())));
        }
    }
    members.insert("tls_client_certificate_bound_access_tokens".to_owned(), json!(true));
    let Some(base_url) = certificates.base_url else { return };
    let aliases: Map<String, Value> = members
        .iter()
        .filter(|(name, _)| ALIASED.contains(&name.as_str()))
        .filter_map(|(name, url)| {
            let path = url.as_str()?.strip_prefix(issuer)?;
            Some((name.clone(), json!(format!("{base_url}{path}"))))
        })
        .collect();
    members.insert("mtls_endpoint_aliases".to_owned(), aliases.into());
}

/// The endpoints that programs and not browsers call, and at which a certificate says something.
const ALIASED: [&str; 7] = [
    "token_endpoint",
    "revocation_endpoint",
    "introspection_endpoint",
    "userinfo_endpoint",
    "pushed_authorization_request_endpoint",
    "device_authorization_endpoint",
    "registration_endpoint",
];
