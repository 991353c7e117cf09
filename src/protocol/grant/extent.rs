//! How far one access token reaches: for whom it is, and to do what. A token request may ask for less
//! than was granted (RFC 8707 section 2.2, RFC 9396 section 6), never for more.

use serde_json::Value;

use super::details::GrantDetails;
use crate::protocol::authorization_details::{self, DetailType};
use crate::protocol::claims::Audience;
use crate::protocol::client::Client;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::params::Params;
use crate::protocol::resource;

/// The reach of one access token, beside its scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    pub audience: Audience,
    pub authorization_details: Vec<Value>,
}

impl Extent {
    /// Everything the client gets when nothing narrower was asked for or granted.
    #[must_use]
    pub fn of_client(client: &Client) -> Self {
        Self { audience: Audience::of_client(client), authorization_details: Vec::new() }
    }

    /// All of a grant, or the part of it that the token request names by `resource` and
    /// `authorization_details`.
    ///
    /// # Errors
    /// `invalid_target` or `invalid_authorization_details` when the request asks for more.
    pub fn narrowed(
        client: &Client,
        granted: &GrantDetails,
        params: &Params,
        types: &[DetailType],
    ) -> Result<Self, OAuthError> {
        let resources = match granted.resources.as_slice() {
            [] => resource::requested(params, resource::allowed(client))?,
            some => resource::requested(params, some)?,
        };
        let resources = if resources.is_empty() { granted.resources.clone() } else { resources };
        Ok(Self {
            audience: Audience::of_resources(resources)
                .unwrap_or_else(|| Audience::of_client(client)),
            authorization_details: details(client, granted, params, types)?,
        })
    }
}

fn details(
    client: &Client,
    granted: &GrantDetails,
    params: &Params,
    types: &[DetailType],
) -> Result<Vec<Value>, OAuthError> {
    let granted = &granted.authorization_details;
    let Some(text) = params.get("authorization_details")? else { return Ok(granted.clone()) };
    let own = &client.metadata.authorization_details_types;
    let asked = authorization_details::parse(text, types, own)?;
    if authorization_details::covers(granted, &asked) {
        return Ok(asked);
    }
    Err(OAuthError::new(
        ErrorCode::InvalidAuthorizationDetails,
        "authorization_details asks for more than was granted.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::tests::client;

    fn narrowed(granted: &[&str], query: &str) -> Result<Audience, &'static str> {
        let mut client = client();
        client.metadata.audience = vec!["https://a.test".into(), "https://b.test".into()];
        let granted = GrantDetails {
            resources: granted.iter().map(|uri| (*uri).to_owned()).collect(),
            ..GrantDetails::default()
        };
        let params = Params::parse(query.as_bytes()).unwrap();
        Extent::narrowed(&client, &granted, &params, &[])
            .map(|extent| extent.audience)
            .map_err(|error| error.code.as_str())
    }

    #[test]
    fn a_token_is_for_what_was_granted_or_for_less() {
        let both = Audience::Many(vec!["https://a.test".into(), "https://b.test".into()]);
        let one = |uri: &str| Audience::One(uri.into());
        assert_eq!(narrowed(&[], ""), Ok(both.clone()));
        assert_eq!(narrowed(&["https://a.test"], ""), Ok(one("https://a.test")));
        assert_eq!(narrowed(&[], "resource=https://b.test"), Ok(one("https://b.test")));
        assert_eq!(
            narrowed(&["https://a.test", "https://b.test"], "resource=https://b.test"),
            Ok(one("https://b.test"))
        );
        // Allowed for the client, but not what the person was asked about.
        assert_eq!(narrowed(&["https://a.test"], "resource=https://b.test"), Err("invalid_target"));
    }
}
