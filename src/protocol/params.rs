//! Request parameters as RFC 6749 section 3.1 wants them read: `application/x-www-form-urlencoded`,
//! a parameter without a value counts as absent, a repeated one is an error, unknown ones are
//! ignored.

use super::error::OAuthError;

/// More fields than any honest request has; beyond it the request is refused unread.
const MAX_FIELDS: usize = 128;

/// The decoded parameters of one request, in the order sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Params(Vec<(String, String)>);

impl Params {
    /// Parses a query string or form body.
    ///
    /// # Errors
    /// `invalid_request` when there are more than 128 fields.
    pub fn parse(encoded: &[u8]) -> Result<Self, OAuthError> {
        let has_codes = encoded.contains(&b'%') || encoded.contains(&b'+');
        match std::str::from_utf8(encoded) {
            // Nothing to decode, as in most questions about tokens: no byte needs a look of its own.
            Ok(plain) if !has_codes => {
                let pieces = plain.split('&').filter(|piece| !piece.is_empty());
                collect(pieces.map(|piece| piece.split_once('=').unwrap_or((piece, ""))))
            }
            _ => collect(url::form_urlencoded::parse(encoded)),
        }
    }

    /// Parameters from pairs.
    pub fn from_pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        Self(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// The value of a parameter, if it was sent.
    ///
    /// # Errors
    /// `invalid_request` when it was sent more than once.
    pub fn get(&self, name: &'static str) -> Result<Option<&str>, OAuthError> {
        let mut values = self.0.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str());
        let first = values.next();
        if values.next().is_some() {
            return Err(OAuthError::invalid_request("A parameter is sent more than once.")
                .because(format!("parameter {name} is repeated")));
        }
        Ok(first)
    }

    /// The value of a parameter when it is there exactly once.
    #[must_use]
    pub fn sole(&self, name: &'static str) -> Option<&str> {
        self.get(name).ok().flatten()
    }

    /// Every value of a parameter that may be sent several times, in the order sent.
    pub fn all(&self, name: &'static str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// Names and values, in the order sent.
    #[must_use]
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.0.clone()
    }

    /// The parameters in `application/x-www-form-urlencoded` form again.
    #[must_use]
    pub fn encode(&self) -> String {
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }

    /// The same parameters with one of them replaced by this value.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.0.retain(|(n, _)| n != name);
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Those of the parameters that have one of these names.
    #[must_use]
    pub fn only(mut self, names: &[&str]) -> Self {
        self.0.retain(|(name, _)| names.contains(&name.as_str()));
        self
    }

    /// The same parameters without these.
    #[must_use]
    pub fn without(mut self, names: &[&str]) -> Self {
        self.0.retain(|(name, _)| !names.contains(&name.as_str()));
        self
    }

    /// Whether the parameter was sent at all, however often.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(n, _)| n == name)
    }
}

fn collect<T: Into<String> + AsRef<str>>(
    pairs: impl Iterator<Item = (T, T)>,
) -> Result<Params, OAuthError> {
    let mut fields = Vec::new();
    for (name, value) in pairs {
        if fields.len() == MAX_FIELDS {
            return Err(OAuthError::invalid_request("The request has too many parameters."));
        }
        if !value.as_ref().is_empty() {
            fields.push((name.into(), value.into()));
        }
    }
    Ok(Params(fields))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_without_a_value_counts_as_absent() {
        let params = Params::parse(b"state=&nonce=x").unwrap();
        assert_eq!(params.get("state").unwrap(), None);
        assert_eq!(params.get("nonce").unwrap(), Some("x"));
    }

    #[test]
    fn a_repeated_parameter_is_refused_where_it_is_read() {
        let params = Params::parse(b"state=a&state=a&nonce=x").unwrap();
        assert!(params.get("state").is_err());
        assert!(params.get("nonce").is_ok());
    }

    #[test]
    fn a_field_that_may_be_repeated_gives_every_value_in_order() {
        let params = Params::parse(b"scope=b&x=1&scope=&scope=a+c").unwrap();
        assert_eq!(params.all("scope").collect::<Vec<_>>(), ["b", "a c"]);
    }

    #[test]
    fn a_flood_of_fields_is_refused() {
        let body = vec!["a=b"; 200].join("&");
        assert!(Params::parse(body.as_bytes()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn what_needs_no_decoding_is_read_as_the_library_reads_it(body in "[a-cä=&;_%+]{0,24}") {
            let library = url::form_urlencoded::parse(body.as_bytes());
            let fields = library.filter(|(_, value)| !value.is_empty());
            let fields: Vec<_> = fields.map(|(n, v)| (n.into_owned(), v.into_owned())).collect();
            proptest::prop_assert_eq!(Params::parse(body.as_bytes()).unwrap().pairs(), fields);
        }

        #[test]
        fn parsing_never_panics_and_encoding_round_trips(body in proptest::collection::vec(0u8.., 0..400)) {
            if let Ok(params) = Params::parse(&body) {
                let again = Params::parse(params.encode().as_bytes()).unwrap();
                proptest::prop_assert_eq!(params, again);
            }
        }
    }
}
