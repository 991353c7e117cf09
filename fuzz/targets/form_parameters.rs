//! Query strings and form bodies, up to the whole authorization request built on them.
//!
//! Input: the encoded parameters.

use doorward::clock::UnixTime;
use doorward::protocol::authorize::reply::ReplyTo;
use doorward::protocol::authorize::{self, Choices};
use doorward::protocol::client::{Client, ClientMetadata, ClientOrigin};
use doorward::protocol::params::Params;
use doorward::protocol::scope::Scopes;
use doorward::protocol::types::ClientId;

const REDIRECT_URI: &str = "https://rp.test/cb";
const NAMES: [&str; 14] = [
    "client_id",
    "code_challenge",
    "code_challenge_method",
    "id_token_hint",
    "login_hint",
    "max_age",
    "nonce",
    "prompt",
    "redirect_uri",
    "request",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

pub fn check(data: &[u8]) {
    let fields: Vec<_> = url::form_urlencoded::parse(data).collect();
    let Ok(params) = Params::parse(data) else {
        assert!(fields.len() > 128, "only a flood is refused");
        return;
    };
    let again = Params::parse(params.encode().as_bytes()).expect("what was read is written");
    assert_eq!(again, params, "writing and reading again changes nothing");
    for name in NAMES {
        let sent = fields.iter().filter(|(n, v)| n == name && !v.is_empty()).count();
        assert_eq!(params.has(name), sent > 0, "{name}");
        assert_eq!(params.get(name).is_err(), sent > 1, "{name}");
        assert_eq!(params.sole(name).is_some(), sent == 1, "{name}");
    }
    request(&params);
}

fn request(params: &Params) {
    let client = client();
    let Ok(reply_to) = ReplyTo::from_request(&client, params, "https://op.test") else { return };
    assert_eq!(reply_to.redirect_uri(), REDIRECT_URI);
    let Ok(request) = authorize::validate(&client, params, reply_to, Choices::default()) else {
        return;
    };
    assert_eq!(params.sole("response_type"), Some("code"));
    assert!(!params.has("request") && !params.has("request_uri") && !params.has("registration"));
    assert_eq!(request.nonce.as_deref(), params.sole("nonce"));
    assert!(client.metadata.scope.covers(&request.scopes) && !request.scopes.is_empty());
    assert!(request.max_age.is_none_or(|seconds| seconds >= 0));
    if let Some(challenge) = request.challenge {
        assert_eq!(params.sole("code_challenge_method"), Some("S256"));
        assert_eq!(Some(challenge.as_str()), params.sole("code_challenge"));
    }
    let text = request.scopes.to_string();
    assert_eq!(Scopes::parse(&text), Some(request.scopes), "a set of scopes reads back");
}

fn client() -> Client {
    Client {
        id: ClientId::new("app"),
        metadata: ClientMetadata {
            client_name: "App".into(),
            redirect_uris: vec![REDIRECT_URI.into()],
            ..ClientMetadata::default()
        },
        secret_hashes: vec!["hash".into()],
        origin: ClientOrigin::Manual,
        logo: None,
        disabled_at: None,
        token_version: 0,
        created_at: UnixTime(0),
        updated_at: UnixTime(0),
    }
}
