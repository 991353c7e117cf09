//! What comes back to a client: the answer of the authorization endpoint, and tokens.

use serde_json::Value;

use crate::support::browser_like::Page;

/// The answer for a client as it travels through the browser.
#[derive(Clone, Debug)]
pub struct Callback {
    /// Where it goes, without the parameters of the answer.
    pub target: String,
    pub parameters: Vec<(String, String)>,
}

impl Callback {
    /// Reads it from a redirect or from a form that posts itself.
    pub fn of(page: &Page) -> Self {
        if page.has_form("form-post") {
            let form = page.form("form-post");
            return Self { target: form.action.to_string(), parameters: form.pairs() };
        }
        let url = page.location();
        let text = if url.fragment().is_some() { url.fragment() } else { url.query() };
        let parameters = url::form_urlencoded::parse(text.unwrap_or_default().as_bytes());
        let mut target = url.clone();
        target.set_query(None);
        target.set_fragment(None);
        Self { target: target.to_string(), parameters: parameters.into_owned().collect() }
    }

    /// A parameter, if it is there exactly once.
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut found = self.parameters.iter().filter(|(known, _)| known == name);
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "`{name}` comes twice in {self:?}");
        value
    }

    /// The code; it must be there and be worth guessing for longer than the world exists.
    #[track_caller]
    pub fn code(&self) -> String {
        let code = self.get("code").unwrap_or_else(|| panic!("no code in {self:?}"));
        assert!(code.len() >= 22, "a code of fewer than 128 bits: {code}");
        assert!(self.get("error").is_none(), "a code beside an error: {self:?}");
        code.to_owned()
    }
}

/// A successful token response.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: Option<String>,
    pub id: Option<String>,
    pub json: Value,
}

impl Tokens {
    /// Reads a token response and checks what OpenID Connect Core section 3.1.3.3 wants of it.
    #[track_caller]
    pub fn of(page: &Page) -> Self {
        page.assert_status(200).assert_header("cache-control", "no-store");
        assert!(page.header("content-type").starts_with("application/json"), "{}", page.describe());
        let json = page.json();
        assert!(json["token_type"].as_str().is_some_and(|t| t.eq_ignore_ascii_case("bearer")));
        assert!(json["expires_in"].is_u64(), "expires_in in {json}");
        let text = |name: &str| json[name].as_str().map(ToOwned::to_owned);
        let access = text("access_token").unwrap_or_else(|| panic!("no access token: {json}"));
        Self { access, refresh: text("refresh_token"), id: text("id_token"), json }
    }

    /// The claims of the ID token, read without checking the signature.
    #[track_caller]
    pub fn id_claims(&self) -> Value {
        payload(self.id.as_deref().expect("an ID token"))
    }

    /// The refresh token, which must be there.
    #[track_caller]
    pub fn refresh(&self) -> &str {
        self.refresh.as_deref().unwrap_or_else(|| panic!("no refresh token in {}", self.json))
    }
}

/// The payload of a JWT, unchecked.
pub fn payload(token: &str) -> Value {
    part(token, 1)
}

/// The header of a JWT, unchecked.
pub fn jose_header(token: &str) -> Value {
    part(token, 0)
}

fn part(token: &str, number: usize) -> Value {
    let text = token.split('.').nth(number).unwrap_or_else(|| panic!("not a JWT: {token}"));
    let bytes = data_encoding::BASE64URL_NOPAD.decode(text.as_bytes()).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON in a JWT")
}
