//! Answers that travel to a client through the browser.
//!
//! [`ReplyTo`] can be made from nothing but a client's registered redirect URI, and it is the only
//! thing that can write a redirect to a client. So an unverified URI cannot be redirected to.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::clock::{Seconds, UnixTime};
use crate::protocol::client::{Client, redirect_uri};
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::params::Params;
use crate::protocol::types::ClientId;

/// How long a JWT authorization response is good for. JARM section 2.1 recommends ten minutes at
/// most.
const JWT_LIFETIME: Seconds = 300;

/// `response_mode` (OAuth 2.0 Multiple Response Types section 2.1, Form Post Response Mode, JARM
/// section 2.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    #[default]
    Query,
    Fragment,
    FormPost,
    QueryJwt,
    FragmentJwt,
    FormPostJwt,
}

impl ResponseMode {
    pub const ALL: [Self; 6] = [
        Self::Query,
        Self::Fragment,
        Self::FormPost,
        Self::QueryJwt,
        Self::FragmentJwt,
        Self::FormPostJwt,
    ];

    /// Short for the mode with a JWT that suits the response type: for a code, the query.
    pub const JWT: &str = "jwt";

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
            Self::QueryJwt => "query.jwt",
            Self::FragmentJwt => "fragment.jwt",
            Self::FormPostJwt => "form_post.jwt",
        }
    }

    /// The mode with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            Self::JWT => Some(Self::QueryJwt),
            _ => Self::ALL.into_iter().find(|mode| mode.as_str() == name),
        }
    }

    /// Every value of the parameter.
    #[must_use]
    pub fn names() -> Vec<&'static str> {
        Self::ALL.into_iter().map(Self::as_str).chain([Self::JWT]).collect()
    }

    /// Whether the answer travels inside a signed JWT.
    #[must_use]
    pub fn is_jwt(self) -> bool {
        matches!(self, Self::QueryJwt | Self::FragmentJwt | Self::FormPostJwt)
    }
}

/// A verified place to send an authorization response to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplyTo {
    redirect_uri: String,
    mode: ResponseMode,
    state: Option<String>,
    issuer: String,
}

/// Why there is nowhere to send an answer: these errors are shown as a page, never redirected
/// (RFC 6749 section 4.1.2.1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoReply {
    #[error("redirect_uri is missing")]
    Missing,
    #[error("redirect_uri is sent more than once")]
    Repeated,
    #[error("redirect_uri {received:?} is not registered for this app{hint}")]
    NotRegistered {
        received: String,
        /// For the log: in what alone it differs from one that is registered, or nothing.
        hint: &'static str,
    },
}

/// An answer for the client, before it is known how it looks on its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Plain(Reply),
    /// Its parameters are to be claims of a JWT first.
    Unsigned(Unsigned),
}

/// An answer that travels inside a JWT (JARM section 2.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsigned {
    to: ReplyTo,
    /// The parameters, and `iss`.
    claims: Map<String, Value>,
}

impl Unsigned {
    /// The claims of the JWT. It lives as long as a code may, but for the way there and back.
    #[must_use]
    pub fn claims(&self, client: &ClientId, now: UnixTime) -> Map<String, Value> {
        let mut claims = self.claims.clone();
        claims.insert("aud".into(), json!(client));
        claims.insert("iat".into(), json!(now));
        claims.insert("exp".into(), json!(now.plus(JWT_LIFETIME)));
        claims
    }

    /// The answer, once the claims are signed and perhaps encrypted.
    #[must_use]
    pub fn finished(&self, jwt: &str) -> Reply {
        self.to.write(&[("response", jwt)])
    }
}

/// An answer on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Send the browser there with `303 See Other`.
    Redirect(String),
    /// Let the browser post these fields there.
    FormPost { action: String, fields: Vec<(String, String)> },
}

impl ReplyTo {
    /// Finds where answers to this request go.
    ///
    /// # Errors
    /// [`NoReply`] when `redirect_uri` is missing, repeated or not registered.
    pub fn from_request(client: &Client, params: &Params, issuer: &str) -> Result<Self, NoReply> {
        let presented = params.get("redirect_uri").map_err(|_| NoReply::Repeated)?;
        // OpenID Connect Core section 3.1.2.1 makes the parameter a duty even with one URI.
        let presented = presented.ok_or(NoReply::Missing)?;
        let registered = &client.metadata.redirect_uris;
        let is_it = |uri: &String| redirect_uri::matches(uri, presented, client.metadata.kind);
        if !registered.iter().any(is_it) {
            let near = |uri: &String| redirect_uri::near_miss(uri, presented);
            let hint = registered.iter().find_map(near).unwrap_or_default();
            return Err(NoReply::NotRegistered { received: presented.to_owned(), hint });
        }
        let mode = params.sole("response_mode").and_then(ResponseMode::from_name);
        Ok(Self {
            redirect_uri: presented.to_owned(),
            mode: mode.unwrap_or_default(),
            state: params.sole("state").map(str::to_owned),
            issuer: issuer.to_owned(),
        })
    }

    /// The verified redirect URI.
    #[must_use]
    pub fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    /// How the answer travels.
    #[must_use]
    pub fn mode(&self) -> ResponseMode {
        self.mode
    }

    /// The successful response of RFC 6749 section 4.1.2, with `iss` of RFC 9207 and, where an app
    /// can watch the session, `session_state` of Session Management section 2.
    #[must_use]
    pub fn success(&self, code: &str, session_state: Option<&str>) -> Answer {
        let mut fields = vec![("code", code)];
        fields.extend(session_state.map(|state| ("session_state", state)));
        self.answer(fields)
    }

    /// The error response of RFC 6749 section 4.1.2.1, with `iss` of RFC 9207.
    #[must_use]
    pub fn error(&self, error: &OAuthError) -> Answer {
        // RFC 6749 has no redirect form of invalid_client and its like; they are page errors.
        let code = match error.code {
            ErrorCode::InvalidClient | ErrorCode::InvalidGrant => ErrorCode::InvalidRequest,
            code => code,
        };
        self.answer(vec![("error", code.as_str()), ("error_description", error.description)])
    }

    fn answer<'a>(&'a self, mut fields: Vec<(&'a str, &'a str)>) -> Answer {
        if let Some(state) = &self.state {
            fields.push(("state", state));
        }
        fields.push(("iss", &self.issuer));
        if !self.mode.is_jwt() {
            return Answer::Plain(self.write(&fields));
        }
        let claims = fields.into_iter().map(|(name, value)| (name.to_owned(), value.into()));
        Answer::Unsigned(Unsigned { to: self.clone(), claims: claims.collect() })
    }

    fn write(&self, fields: &[(&str, &str)]) -> Reply {
        let encoded =
            || url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        match self.mode {
            // The registered query is kept as it is (RFC 6749 section 3.1.2).
            ResponseMode::Query | ResponseMode::QueryJwt => {
                let joint = match self.redirect_uri.split_once('?') {
                    None => "?",
                    Some((_, "")) => "",
                    Some(_) => "&",
                };
                Reply::Redirect(format!("{}{joint}{}", self.redirect_uri, encoded()))
            }
            ResponseMode::Fragment | ResponseMode::FragmentJwt => {
                Reply::Redirect(format!("{}#{}", self.redirect_uri, encoded()))
            }
            ResponseMode::FormPost | ResponseMode::FormPostJwt => Reply::FormPost {
                action: self.redirect_uri.clone(),
                fields: fields
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::client::tests::client;

    fn reply_to(query: &str) -> Result<ReplyTo, NoReply> {
        let mut client = client();
        client.metadata.redirect_uris =
            vec!["https://rp.test/cb".into(), "https://rp.test/q?a=1".into()];
        ReplyTo::from_request(&client, &Params::parse(query.as_bytes()).unwrap(), "https://op.test")
    }

    #[test]
    fn the_registered_query_is_preserved() {
        let to = reply_to("redirect_uri=https://rp.test/q?a%3D1&state=s%26").unwrap();
        assert_eq!(
            to.success("c", None),
            Answer::Plain(Reply::Redirect(
                "https://rp.test/q?a=1&code=c&state=s%26&iss=https%3A%2F%2Fop.test".into()
            ))
        );
    }

    #[test]
    fn a_missing_repeated_or_unregistered_uri_has_no_reply() {
        assert_eq!(reply_to("state=x"), Err(NoReply::Missing));
        assert_eq!(
            reply_to("redirect_uri=https://rp.test/cb&redirect_uri=https://rp.test/cb"),
            Err(NoReply::Repeated)
        );
        assert!(matches!(
            reply_to("redirect_uri=https://rp.test/q"),
            Err(NoReply::NotRegistered { .. })
        ));
    }

    #[test]
    fn errors_carry_state_and_iss_and_never_a_code() {
        let to =
            reply_to("redirect_uri=https://rp.test/cb&state=s&response_mode=fragment").unwrap();
        let error = OAuthError::new(ErrorCode::LoginRequired, "Sign in.");
        let Answer::Plain(Reply::Redirect(url)) = to.error(&error) else { panic!("a redirect") };
        assert!(url.starts_with("https://rp.test/cb#error=login_required&"));
        assert!(url.contains("state=s") && url.contains("iss=") && !url.contains("code="));
    }

    #[test]
    fn in_a_jwt_mode_the_parameters_are_claims_and_only_the_jwt_travels() {
        let to = |mode: &str| {
            let query =
                format!("redirect_uri=https://rp.test/q?a%3D1&state=s&response_mode={mode}");
            reply_to(&query).unwrap()
        };
        for (mode, start) in [
            ("jwt", "https://rp.test/q?a=1&response=x.y.z"),
            ("query.jwt", "https://rp.test/q?a=1&response=x.y.z"),
            ("fragment.jwt", "https://rp.test/q?a=1#response=x.y.z"),
        ] {
            let Answer::Unsigned(unsigned) = to(mode).success("c", None) else { panic!("{mode}") };
            let claims = unsigned.claims(&ClientId::new("app"), UnixTime(100));
            let expected = json!({ "code": "c", "state": "s", "iss": "https://op.test",
                "aud": "app", "iat": 100, "exp": 400 });
            assert_eq!(Value::from(claims), expected, "{mode}");
            assert_eq!(unsigned.finished("x.y.z"), Reply::Redirect(start.to_owned()));
        }
        let Answer::Unsigned(form) = to("form_post.jwt").success("c", None) else {
            panic!("a form")
        };
        let Reply::FormPost { fields, .. } = form.finished("x.y.z") else { panic!("a form") };
        assert_eq!(fields, [("response".to_owned(), "x.y.z".to_owned())]);
    }
}
