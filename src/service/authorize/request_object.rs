//! Request objects: fetched if they are elsewhere, decrypted if they are encrypted, verified with the
//! client's keys.

use crate::app::App;
use crate::crypto::foreign::{EmbeddedKey, HeaderRules, Untyped, Unverified};
use crate::crypto::jwe;
use crate::outbound::Accept;
use crate::protocol::authorize::request_object::{self as rules, Expect, refused};
use crate::protocol::client::Client;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::params::Params;
use crate::service::audit::Caller;
use crate::service::brake::{self, Limit};
use crate::service::clients::key_sets::{self, KeysError};
use crate::service::failure::EndpointError;

/// What may be served at a `request_uri` (RFC 9101 section 5.2.3, OpenID Connect Core section 6.2).
const MEDIA_TYPES: [&str; 2] = ["application/oauth-authz-req+jwt", "application/jwt"];

/// Objects asked for at one host in a minute.
const PER_HOST: i64 = 60;

/// The parameters in an object of this client.
///
/// # Errors
/// `invalid_request_object`.
pub(in crate::service) async fn open(
    app: &App,
    client: &Client,
    token: &str,
) -> Result<Params, OAuthError> {
    let decrypted = decrypt(app, client, token)?;
    let token = decrypted.as_deref().unwrap_or(token);
    let header = HeaderRules {
        types: &rules::TYPES,
        untyped: Untyped::Accepted,
        algs: &rules::algorithms(&client.metadata),
        embedded_key: EmbeddedKey::Refused,
    };
    let unverified = Unverified::read(token, &header).map_err(|error| {
        refused("The request object is not a JWT signed with an accepted algorithm.")
            .because(error.to_string())
    })?;
    let claims = key_sets::verify(app, client, unverified).await.map_err(|error| {
        let description = match error {
            KeysError::Absent => "This client has no keys to verify a request object with.",
            KeysError::Unavailable(_) => "The keys of the client could not be fetched.",
            _ => "The request object is not signed with a key of this client.",
        };
        refused(description).because(error.to_string())
    })?;
    rules::params(&claims, &Expect { client, issuer: app.issuer(), now: app.now() })
}

/// The signed token inside an encrypted one; `None` for one that is not encrypted.
fn decrypt(app: &App, client: &Client, token: &str) -> Result<Option<String>, OAuthError> {
    if !jwe::is_encrypted(token) {
        return Ok(None);
    }
    let failed = || refused("The request object is not encrypted for a key of this provider.");
    let opened = jwe::decrypt(&app.keyring.load(), token)
        .map_err(|error| failed().because(error.to_string()))?;
    let metadata = &client.metadata;
    let named = |name: &str| opened.header.get(name).and_then(serde_json::Value::as_str);
    let alg = metadata.request_object_encryption_alg;
    let enc = metadata.request_object_encryption_enc;
    if alg.is_some_and(|alg| named("alg") != Some(alg.as_str()))
        || enc.is_some_and(|enc| named("enc") != Some(enc.as_str()))
    {
        return Err(failed().because("another algorithm than the registered one"));
    }
    String::from_utf8(opened.plaintext).map(Some).map_err(|_| failed().because("not a token"))
}

/// Gets the object that a `request_uri` of the client's own names. Anybody can make us ask, so one
/// host is asked only so often; a server that lets its objects be kept is asked less.
///
/// # Errors
/// `invalid_request_uri`, or a failure of ours.
pub(super) async fn fetch(app: &App, client: &Client, uri: &str) -> Result<String, EndpointError> {
    let refused = |description, detail: String| {
        OAuthError::new(ErrorCode::InvalidRequestUri, description).because(detail)
    };
    if !rules::is_registered(&client.metadata, uri) {
        let description = "request_uri is not one that this client has registered.";
        return Err(refused(description, format!("{uri:?}")).into());
    }
    if let Some(object) = app.request_objects.fresh(uri, app.now()) {
        return Ok((*object).to_owned());
    }
    let host = url::Url::parse(uri).ok().and_then(|url| url.host_str().map(str::to_owned));
    let key = format!("request-object:{}", host.unwrap_or_default());
    let limit = Limit { key: &key, window: 60, most: PER_HOST, scope: "request_object" };
    // Whoever happens to ask now is not the one who asks too often.
    if brake::is_passed(app, &limit, &Caller::default()).await? {
        let description = "The objects of this host are asked for too often at the moment.";
        return Err(refused(description, key).into());
    }
    let unusable = "What request_uri names could not be fetched as a request object.";
    let fetched = app
        .outbound
        .get(uri, Accept::RequestObject)
        .await
        .map_err(|error| refused(unusable, error.to_string()))?;
    let kind = fetched.content_type.clone().unwrap_or_default();
    if !MEDIA_TYPES.contains(&kind.as_str()) {
        return Err(refused(unusable, format!("status {}, type {kind:?}", fetched.status)).into());
    }
    let text = fetched.text().map(|text| text.trim().to_owned());
    let text = text.ok_or_else(|| refused(unusable, format!("status {}", fetched.status)))?;
    app.request_objects.keep(uri, &text, (app.now(), fetched.max_age));
    Ok(text)
}
