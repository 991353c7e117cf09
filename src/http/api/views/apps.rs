//! Apps, as the REST API shows and takes them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Moment;
use crate::http::api::metadata_change::MetadataChange;
use crate::protocol::client::{Client, ClientMetadata, ClientOrigin};
use crate::service::token::preview::Preview;

/// An app.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Client")]
pub(in crate::http::api) struct ClientView {
    pub client_id: String,
    pub metadata: ClientMetadata,
    /// Who brought it here: an administrator, the app by itself, or a document that describes it.
    #[schemars(extend("enum" = ClientOrigin::ALL.map(ClientOrigin::as_str)))]
    pub origin: String,
    pub disabled: bool,
    /// How many secrets it has that work.
    pub secrets: usize,
    /// The fingerprint of the logo that is kept for it here, which is at `/branding/picture.{logo}.png` below the
    /// issuer; null for an app that has none.
    pub logo: Option<String>,
    pub created_at: Moment,
    pub updated_at: Moment,
}

impl From<&Client> for ClientView {
    fn from(client: &Client) -> Self {
        Self {
            client_id: client.id.to_string(),
            metadata: client.metadata.clone(),
            origin: client.origin.as_str().to_owned(),
            disabled: client.disabled_at.is_some(),
            secrets: client.secret_hashes.len(),
            logo: client.logo.clone(),
            created_at: client.created_at.into(),
            updated_at: client.updated_at.into(),
        }
    }
}

/// An app being made. What `metadata` does not say is as usual for its `kind`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::api) struct NewClient {
    /// 1 to 64 letters, digits, `-`, `_` or `.`, not `new`; without it there is a random one.
    #[serde(default)]
    pub client_id: Option<String>,
    #[expect(dead_code, reason = "read to be checked; what is merged is the text itself")]
    pub metadata: MetadataChange,
}

/// What of an app can be changed: members of `metadata` that are not there stay as they are, null gives
/// back what is usual (RFC 7396).
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::api) struct ClientChange {
    #[expect(dead_code, reason = "read to be checked; what is merged is the text itself")]
    pub metadata: MetadataChange,
}

/// An app and its new secret, which is shown this once; null for an app that has none.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::http::api) struct ClientWithSecret {
    #[serde(flatten)]
    pub client: ClientView,
    pub client_secret: Option<String>,
}

/// Of whom an app would be told what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http::api) struct PreviewWish {
    /// Id, user name or e-mail address.
    pub user: String,
    /// Scopes that the app may ask for; without them `openid`, `profile` and `email`, as far as it may.
    #[serde(default)]
    pub scope: Option<Vec<String>>,
}

/// What an app would be told of somebody who signed in to it now. Nothing is issued.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Preview")]
pub(in crate::http::api) struct PreviewView {
    /// Claims of the ID token; null without the scope `openid`.
    pub id_token: Option<Map<String, Value>>,
    /// Claims of the access token, or what introspection tells if it is opaque.
    pub access_token: Map<String, Value>,
    /// What userinfo answers; null where it refuses such a token.
    pub userinfo: Option<Map<String, Value>>,
}

impl From<Preview> for PreviewView {
    fn from(found: Preview) -> Self {
        let Preview { id_token, access_token, userinfo } = found;
        Self { id_token, access_token, userinfo }
    }
}
