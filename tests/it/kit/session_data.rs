//! Not tests: an app's program that keeps values beside sessions, with one access token.

use reqwest::Method;
use serde_json::Value;

use crate::kit::flow::{App, http_client, sign_in};
use crate::support::world::World;

pub const JSON: &str = "application/json";
pub const MERGE: &str = "application/merge-patch+json";
/// Every kind of place, by a key in it.
pub const PLACES: [&str; 4] = ["k", "durable:k", "user:k", "user:durable:k"];

/// The program.
pub struct Keeper {
    pub base: String,
    pub token: String,
    pub http: reqwest::Client,
}

/// An answer: status, tag, type, how to come in, and body.
pub struct Answer {
    pub status: u16,
    pub tag: String,
    pub kind: String,
    pub challenge: String,
    pub body: Value,
}

impl Keeper {
    /// With this token.
    pub fn new(world: &World, token: &str) -> Self {
        let base = format!("{}/api/v1/session-data", world.issuer);
        Self { base, token: token.to_owned(), http: http_client() }
    }

    /// With the token of a fresh sign-in.
    pub async fn signed_in(world: &World, app: &App, username: &str) -> Self {
        let tokens = app.tokens(&sign_in(world, username).await).await;
        Self::new(world, &tokens.access)
    }

    /// Any request with further headers.
    pub async fn send(
        &self,
        (method, key): (Method, &str),
        headers: &[(&str, &str)],
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let url = format!("{}/{key}", self.base);
        let mut request = self.http.request(method, url).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.body(body)).await
    }

    pub async fn get(&self, key: &str) -> Answer {
        self.send((Method::GET, key), &[], "").await
    }

    pub async fn put(&self, key: &str, value: &Value) -> Answer {
        self.send((Method::PUT, key), &[("content-type", JSON)], value.to_string()).await
    }

    /// Puts on one condition.
    pub async fn put_if(&self, key: &str, condition: (&str, &str), value: &Value) -> Answer {
        let headers = [("content-type", JSON), condition];
        self.send((Method::PUT, key), &headers, value.to_string()).await
    }

    pub async fn patch(&self, key: &str, value: &Value) -> Answer {
        self.send((Method::PATCH, key), &[("content-type", MERGE)], value.to_string()).await
    }

    /// Changes the value that has this tag.
    pub async fn patch_if(&self, key: &str, tag: &str, value: &Value) -> Answer {
        let headers = [("content-type", MERGE), ("if-match", tag)];
        self.send((Method::PATCH, key), &headers, value.to_string()).await
    }

    pub async fn delete(&self, key: &str) -> Answer {
        self.send((Method::DELETE, key), &[], "").await
    }
}

impl Answer {
    /// The answer to a request.
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        let answer = request.send().await.expect("an answer");
        let header = |name: &str| {
            let value = answer.headers().get(name).map(|value| value.to_str().expect("text"));
            value.unwrap_or_default().to_owned()
        };
        let (tag, kind) = (header("etag"), header("content-type"));
        let challenge = header("www-authenticate");
        let status = answer.status().as_u16();
        let text = answer.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Self { status, tag, kind, challenge, body }
    }

    /// Checks the status, that a refusal is a problem document, and that whoever has to come in is told how.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        assert!(status != 401 || !self.challenge.is_empty(), "{}", self.body);
        if status >= 400 {
            assert_eq!(self.kind, "application/problem+json");
            assert_eq!(self.body["status"], status);
            for member in ["type", "title", "detail", "code", "request_id"] {
                assert!(self.body[member].is_string(), "{member}: {}", self.body);
            }
        }
        self
    }
}
