//! WebFinger (RFC 7033) as OpenID Connect Discovery section 2 uses it: a client that knows nothing but an
//! address of a person asks that address's host which provider is theirs.
//!
//! Every address gets the same answer, whether anybody here has it or not and whatever its host: the
//! answer must not tell which accounts exist, and a domain may send its questions here through a proxy.

use serde_json::{Value, json};

use crate::protocol::params::Params;

/// The link relation that the provider is found by (OpenID Connect Discovery section 2).
pub const ISSUER_REL: &str = "http://openid.net/specs/connect/1.0/issuer";
/// No honest address is longer.
const MAX_RESOURCE: usize = 2_048;

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// RFC 7033 section 4.2: `resource` is missing, repeated or no URI.
    #[error("resource must be sent once and be a URI")]
    Malformed,
    /// Nothing is known about things with this scheme.
    #[error("resource is neither an acct nor an https URI")]
    Unknown,
}

/// The JSON Resource Descriptor (RFC 7033 section 4.4).
///
/// # Errors
/// [`NoAnswer`].
pub fn describe(issuer: &str, params: &Params) -> Result<Value, NoAnswer> {
    let resource = params.get("resource").ok().flatten().ok_or(NoAnswer::Malformed)?;
    if resource.len() > MAX_RESOURCE {
        return Err(NoAnswer::Malformed);
    }
    let parsed = url::Url::parse(resource).map_err(|_| NoAnswer::Malformed)?;
    // What people type becomes one of these (OpenID Connect Discovery section 2.1.2).
    if !matches!(parsed.scheme(), "acct" | "https") {
        return Err(NoAnswer::Unknown);
    }
    // RFC 7033 section 4.3: `rel` only chooses among the links.
    let mut wanted = params.all("rel").peekable();
    let chosen = wanted.peek().is_none() || wanted.any(|rel| rel == ISSUER_REL);
    let link = chosen.then(|| json!({ "rel": ISSUER_REL, "href": issuer }));
    Ok(json!({ "subject": resource, "links": Vec::from_iter(link) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OP: &str = "https://op.test/sso";

    fn ask(query: &str) -> Result<Value, NoAnswer> {
        describe(OP, &Params::parse(query.as_bytes()).unwrap())
    }

    #[test]
    fn every_address_has_the_same_provider() {
        let links = json!([{ "rel": ISSUER_REL, "href": OP }]);
        for resource in
            ["acct:alice@people.test", "https://people.test/joe", "acct:x@elsewhere.test"]
        {
            let answer = ask(&format!("resource={resource}")).unwrap();
            assert_eq!(answer, json!({ "subject": resource, "links": links }));
        }
    }

    #[test]
    fn rel_chooses_among_the_links() {
        let links =
            |more: &str| ask(&format!("resource=acct:a@b.test{more}")).unwrap()["links"].clone();
        let one = json!([{ "rel": ISSUER_REL, "href": OP }]);
        assert_eq!(links(&format!("&rel={ISSUER_REL}")), one);
        assert_eq!(links(&format!("&rel=avatar&rel={ISSUER_REL}")), one);
        assert_eq!(links("&rel=avatar"), json!([]));
    }

    #[test]
    fn without_one_uri_there_is_no_answer() {
        for query in ["", "rel=x", "resource=", "resource=alice", "resource=a:b&resource=a:b"] {
            assert_eq!(ask(query), Err(NoAnswer::Malformed), "{query}");
        }
        assert_eq!(ask(&format!("resource=acct:{}", "x".repeat(2_048))), Err(NoAnswer::Malformed));
        for query in ["resource=mailto:a@b.test", "resource=http://b.test", "resource=javascript:x"]
        {
            assert_eq!(ask(query), Err(NoAnswer::Unknown), "{query}");
        }
    }
}
