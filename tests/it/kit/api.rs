//! Not tests: a program that uses the REST API, with a key or a token.

use reqwest::Method;
use serde_json::{Value, json};

use crate::kit::flow::{Answer, App, http_client, read};
use crate::support::world::World;

/// Every scope there is, as the program itself has them.
pub fn all_scopes() -> Vec<&'static str> {
    doorward::protocol::api::ApiScope::ALL.map(doorward::protocol::api::ApiScope::as_str).into()
}

/// The program.
#[derive(Clone)]
pub struct Api {
    base: String,
    /// What it sends as a bearer token.
    pub credential: String,
    http: reqwest::Client,
}

/// A new key: id and text.
pub fn make_key(world: &World, username: &str, scopes: &[&str]) -> (String, String) {
    let mut arguments = vec!["api-key", "create", "--user", username, "--name", "Test"];
    arguments.extend(scopes.iter().flat_map(|scope| ["--scope", scope]));
    let made = world.cli(&arguments);
    let text = |name: &str| made[name].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
    (text("id"), text("key"))
}

/// A service with these scopes of the API.
pub fn service(world: &World, id: &str, scopes: &[&str]) -> App {
    service_for(world, (id, &format!("{}/api/v1", world.issuer)), scopes, &json!({}))
}

/// A service with these scopes for any audience, and further metadata.
pub fn service_for(
    world: &World,
    (id, audience): (&str, &str),
    scopes: &[&str],
    more: &Value,
) -> App {
    let mut metadata = json!({ "audience": [audience], "scope": scopes });
    for (name, value) in more.as_object().expect("an object") {
        metadata[name] = value.clone();
    }
    let file = world.path(&format!("{id}.json"));
    std::fs::write(&file, metadata.to_string()).expect("a file");
    let file = file.display().to_string();
    let fixed = ["client", "create", "--name", id, "--type", "machine", "--client-id", id];
    let made = world.cli(&[&fixed[..], &["--metadata", &file]].concat());
    App::known(world, id, made["client_secret"].as_str().expect("a secret"))
}

impl Api {
    /// With this key or token.
    pub fn new(world: &World, credential: &str) -> Self {
        let base = format!("{}/api/v1", world.issuer);
        Self { base, credential: credential.to_owned(), http: http_client() }
    }

    /// With a fresh key of this person.
    pub fn with_key(world: &World, username: &str, scopes: &[&str]) -> Self {
        Self::new(world, &make_key(world, username, scopes).1)
    }

    /// With a fresh token of this service.
    pub async fn of_service(world: &World, service: &App) -> Self {
        Self::new(world, &service.client_credentials().await.tokens().access)
    }

    /// A request as it is built; `path` begins behind `/api/v1`.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base)).bearer_auth(&self.credential)
    }

    /// The same without any credential.
    pub fn bare(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.base))
    }

    pub async fn get(&self, path: &str) -> Answer {
        sent(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        sent(self.request(Method::POST, path).json(body)).await
    }

    /// Posts nothing.
    pub async fn command(&self, method: Method, path: &str) -> Answer {
        sent(self.request(method, path)).await
    }

    /// Posts once, however often it is sent with this key.
    pub async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = self.request(Method::POST, path).header("idempotency-key", key);
        sent(request.json(body)).await
    }

    /// Changes what has this tag.
    pub async fn patch(&self, path: &str, tag: &str, body: &Value) -> Answer {
        let request = self.request(Method::PATCH, path).header("if-match", tag);
        sent(request.json(body)).await
    }

    /// Changes what is there now.
    pub async fn patch_now(&self, path: &str, body: &Value) -> Answer {
        let tag = tag(&is(self.get(path).await, 200));
        self.patch(path, &tag, body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.command(Method::DELETE, path).await
    }
}

/// The answer to a request.
pub async fn sent(request: reqwest::RequestBuilder) -> Answer {
    read(request).await.expect("an answer")
}

/// The tag of an answer.
pub fn tag(answer: &Answer) -> String {
    header(answer, "etag")
}

/// A header of an answer; empty when it is not there.
pub fn header(answer: &Answer, name: &str) -> String {
    let all = answer.headers.get_all(name).iter();
    let all: Vec<_> = all.map(|value| value.to_str().expect("text")).collect();
    all.join(", ")
}

/// Checks the status, and that a refusal is a problem document, which says when to come back where coming
/// back helps; no answer has anything to do with
/// cookies or other origins.
#[track_caller]
pub fn is(answer: Answer, status: u16) -> Answer {
    assert_eq!(answer.status, status, "{answer:?}");
    for name in ["set-cookie", "access-control-allow-origin"] {
        assert_eq!(header(&answer, name), "", "{name}");
    }
    assert_eq!(header(&answer, "cache-control"), "no-store");
    if status >= 400 {
        let body = answer.json();
        assert_eq!(header(&answer, "content-type"), "application/problem+json", "{body}");
        assert_eq!(body["status"], status, "{body}");
        for member in ["type", "title", "detail", "code", "request_id"] {
            assert!(body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {body}");
        }
        let code = body["code"].as_str().unwrap();
        assert_eq!(body["type"], format!("urn:doorward:problem:{code}"));
        let later = header(&answer, "retry-after").parse::<u32>();
        assert_eq!(later.is_ok_and(|wait| wait > 0), matches!(status, 429 | 503), "{answer:?}");
    }
    answer
}

/// As [`is`], with this code.
#[track_caller]
pub fn refused(answer: Answer, status: u16, code: &str) -> Answer {
    let answer = is(answer, status);
    assert_eq!(answer.json()["code"], code, "{answer:?}");
    answer
}
