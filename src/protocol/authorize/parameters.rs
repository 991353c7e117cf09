//! Which parameters an authorization request is made of, and how long it may be.

use crate::protocol::error::OAuthError;
use crate::protocol::params::Params;

/// Every parameter that means something here, or is refused by name. Others are ignored (RFC 6749
/// section 3.1), so they are not carried along either: what a page or the store holds for a request
/// is only what is read again.
const PARAMETERS: [&str; 25] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "scope",
    "state",
    "nonce",
    "response_mode",
    "display",
    "prompt",
    "max_age",
    "ui_locales",
    "claims_locales",
    "id_token_hint",
    "login_hint",
    "acr_values",
    "claims",
    "request",
    "request_uri",
    "registration",
    "code_challenge",
    "code_challenge_method",
    "resource",
    "authorization_details",
    "dpop_jkt",
    "org_id",
];

/// Most bytes of an encoded request. Sealed into a page it has to come back within the smallest
/// sensible limit of a body, and a pushed one lies in the store.
const MAX_LEN: usize = 24 * 1024;

/// The parameters without those that nobody here reads.
#[must_use]
pub fn known(params: Params) -> Params {
    params.only(&PARAMETERS)
}

/// Whether the request is of a size that can be carried along.
///
/// # Errors
/// `invalid_request`.
pub(super) fn check_length(params: &Params) -> Result<(), OAuthError> {
    if params.encode().len() > MAX_LEN {
        return Err(OAuthError::invalid_request("The request is longer than 24 KB."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_reads_is_not_carried_along_and_repeats_stay_visible() {
        let params = Params::parse(b"state=a&junk=b&state=c&resource=x&resource=y").unwrap();
        assert_eq!(known(params).encode(), "state=a&state=c&resource=x&resource=y");
    }

    #[test]
    fn the_length_counts_as_it_is_carried() {
        let state = |n: usize, c: &str| Params::from_pairs([("state", c.repeat(n).as_str())]);
        assert!(check_length(&state(24_000, "a")).is_ok());
        assert!(check_length(&state(25_000, "a")).is_err());
        assert!(check_length(&state(9_000, "\u{fffd}")).is_err(), "nine bytes each");
    }
}
