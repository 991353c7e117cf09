//! A client's own program: it asks for sign-ins, redeems, refreshes, and calls what else there is.

use reqwest::Method;
use serde_json::Value;

use crate::kit::fixtures::{CHALLENGE, Callback, NONCE, Person, STATE, Tokens, VERIFIER, walk};
use crate::support::browser_like::{Browser, Page};
use crate::support::world::World;

/// How a client authenticates at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    Basic,
    Post,
    None,
}

/// A client's own program: it makes authorization requests and calls the other endpoints.
#[derive(Clone)]
pub struct Rp {
    pub id: String,
    pub secret: Option<String>,
    pub auth: Auth,
    pub redirect_uri: String,
    pub issuer: String,
    pub http: Browser,
}

/// Defaults, in which each change replaces the parameters of its name; an empty value removes them.
pub fn changed(defaults: &[(&str, &str)], changes: &[(&str, &str)]) -> Vec<(String, String)> {
    let is_changed = |name: &str| changes.iter().any(|(changed, _)| *changed == name);
    let kept = defaults.iter().filter(|(name, _)| !is_changed(name));
    let added = changes.iter().filter(|(_, value)| !value.is_empty());
    kept.chain(added).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

impl Rp {
    /// The program of a public client that the command line has registered otherwise.
    pub fn new(world: &World, id: &str) -> Self {
        Self {
            id: id.to_owned(),
            secret: None,
            auth: Auth::None,
            redirect_uri: String::new(),
            issuer: world.issuer.clone(),
            http: world.browser(),
        }
    }

    /// The parameters of an authorization request.
    pub fn parameters(&self, changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut defaults = vec![
            ("response_type", "code"),
            ("client_id", self.id.as_str()),
            ("redirect_uri", self.redirect_uri.as_str()),
            ("scope", "openid"),
            ("state", STATE),
            ("nonce", NONCE),
        ];
        if self.auth == Auth::None {
            defaults.extend([("code_challenge", CHALLENGE), ("code_challenge_method", "S256")]);
        }
        changed(&defaults, changes)
    }

    /// The address to send a person to.
    pub fn authorize_url(&self, changes: &[(&str, &str)]) -> String {
        let query = serde_urlencoded::to_string(self.parameters(changes)).expect("a query");
        format!("{}/oauth2/authorize?{query}", self.issuer)
    }

    /// The first answer to an authorization request.
    pub async fn authorize(&self, browser: &Browser, changes: &[(&str, &str)]) -> Page {
        browser.get(&self.authorize_url(changes)).await
    }

    /// An authorization request all the way to the answer for this client; whatever page comes up,
    /// the person does what it asks.
    pub async fn ask(
        &self,
        browser: &Browser,
        person: &Person,
        changes: &[(&str, &str)],
    ) -> Callback {
        let page = self.authorize(browser, changes).await;
        Callback::of(&walk(page, person).await)
    }

    /// Like [`ask`](Self::ask), and it must end with a code.
    pub async fn code(
        &self,
        browser: &Browser,
        person: &Person,
        changes: &[(&str, &str)],
    ) -> String {
        let callback = self.ask(browser, person, changes).await;
        callback.code()
    }

    /// Like [`code`](Self::code), and redeems it.
    pub async fn tokens(
        &self,
        browser: &Browser,
        person: &Person,
        changes: &[(&str, &str)],
    ) -> Tokens {
        let code = self.code(browser, person, changes).await;
        Tokens::of(&self.redeem(&code).await)
    }

    /// Redeems a code.
    pub async fn redeem(&self, code: &str) -> Page {
        self.redeem_with(code, &[]).await
    }

    /// Redeems a code with other parameters than the right ones.
    pub async fn redeem_with(&self, code: &str, changes: &[(&str, &str)]) -> Page {
        self.post("/oauth2/token", &self.redeem_fields(code, changes)).await
    }

    /// The fields of a token request for a code, without the client's authentication.
    pub fn redeem_fields(&self, code: &str, changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", self.redirect_uri.as_str()),
        ];
        if self.auth == Auth::None {
            fields.push(("code_verifier", VERIFIER));
        }
        changed(&fields, changes)
    }

    /// Refreshes.
    pub async fn refresh(&self, refresh_token: &str) -> Page {
        self.refresh_with(refresh_token, &[]).await
    }

    /// Refreshes with further parameters.
    pub async fn refresh_with(&self, refresh_token: &str, changes: &[(&str, &str)]) -> Page {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
        self.post("/oauth2/token", &changed(&fields, changes)).await
    }

    /// A token request of these fields, authenticated as the client does it.
    pub async fn token_request(&self, fields: &[(&str, &str)]) -> Page {
        self.post("/oauth2/token", &changed(fields, &[])).await
    }

    /// What introspection tells this client about a token.
    pub async fn introspect(&self, token: &str) -> Value {
        let page = self.post("/oauth2/introspect", &changed(&[("token", token)], &[])).await;
        page.assert_status(200).assert_header("cache-control", "no-store");
        page.json()
    }

    /// Revokes a token.
    pub async fn revoke(&self, token: &str) -> Page {
        self.post("/oauth2/revoke", &changed(&[("token", token)], &[])).await
    }

    /// Userinfo with the token in the header.
    pub async fn userinfo(&self, access_token: &str) -> Page {
        let url = self.http.resolve(&format!("{}/oauth2/userinfo", self.issuer));
        let request = self.http.request(Method::GET, &url).bearer_auth(access_token);
        self.http.send(request).await
    }

    /// A form to an endpoint at which clients authenticate.
    pub async fn post(&self, path: &str, fields: &[(String, String)]) -> Page {
        let url = self.http.resolve(&format!("{}{path}", self.issuer));
        let mut request = self.http.request(Method::POST, &url);
        let mut fields = fields.to_vec();
        let mut add = |name: &str, value: &str| {
            if !fields.iter().any(|(known, _)| known == name) {
                fields.push((name.to_owned(), value.to_owned()));
            }
        };
        let secret = self.secret.clone().unwrap_or_default();
        match self.auth {
            Auth::Basic => request = request.basic_auth(&self.id, Some(secret)),
            Auth::Post => {
                add("client_id", &self.id);
                add("client_secret", &secret);
            }
            Auth::None => add("client_id", &self.id),
        }
        self.http.send(request.form(&fields)).await
    }

    /// A request without this client's authentication.
    pub fn bare(&self) -> &Browser {
        &self.http
    }
}
