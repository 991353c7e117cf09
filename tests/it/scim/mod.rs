//! SCIM 2.0, by which a directory provisions people and groups (RFC 7643, RFC 7644).
//!
//! | module | what it proves |
//! |---|---|
//! | `life` | people and groups from the first day to the last, in the dialects of two directories |
//! | `search` | queries in a body; first passwords; what cannot be removed |
//! | `rules` | rights, conditions, pages and filters; hostile input; the audit events of the REST API |

mod life;
mod rules;
mod search;

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::api::{Api, all_scopes, header};
use crate::kit::console::create;
use crate::kit::flow::{Answer, http_client, read};
use crate::support::world::World;

/// A directory.
struct Directory {
    base: String,
    credential: String,
    http: reqwest::Client,
}

impl Directory {
    /// With a key of an owner.
    fn new(world: &World) -> Self {
        create(world, "boss", Some("owner"));
        Self::with(world, &Api::with_key(world, "boss", &all_scopes()).credential)
    }

    fn with(world: &World, credential: &str) -> Self {
        let base = format!("{}/scim/v2", world.issuer);
        Self { base, credential: credential.to_owned(), http: http_client() }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        request.bearer_auth(&self.credential)
    }

    async fn get(&self, path: &str) -> Answer {
        sent(self.request(Method::GET, path)).await
    }

    /// What a list with this filter has.
    async fn found(&self, folder: &str, filter: &str) -> Value {
        let request = self.request(Method::GET, folder).query(&[("filter", filter)]);
        is(sent(request).await, 200).json()
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        let request = self.request(method, path).header("content-type", "application/scim+json");
        sent(request.body(body.to_string())).await
    }

    async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, body).await
    }

    async fn patch(&self, path: &str, operations: &Value) -> Answer {
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        let body = json!({ "schemas": [schema], "Operations": operations });
        self.send(Method::PATCH, path, &body).await
    }

    async fn delete(&self, path: &str) -> Answer {
        sent(self.request(Method::DELETE, path)).await
    }
}

async fn sent(request: reqwest::RequestBuilder) -> Answer {
    read(request).await.expect("an answer")
}

/// Checks the status, and the form of what comes back.
#[track_caller]
fn is(answer: Answer, status: u16) -> Answer {
    assert_eq!(answer.status, status, "{answer:?}");
    assert_eq!(header(&answer, "cache-control"), "no-store");
    if status != 204 {
        assert_eq!(header(&answer, "content-type"), "application/scim+json");
    }
    if status >= 400 {
        let body = answer.json();
        assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(body["status"], status.to_string());
        assert!(body["detail"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
    }
    answer
}

/// As [`is`], with this `scimType`.
#[track_caller]
fn refused(answer: Answer, status: u16, kind: &str) {
    let answer = is(answer, status);
    assert_eq!(answer.json()["scimType"], kind, "{answer:?}");
}

/// The id of a resource.
fn id(resource: &Value) -> String {
    resource["id"].as_str().expect("an id").to_owned()
}
