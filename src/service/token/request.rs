//! What every grant starts from and what every grant must come to: a [`TokenRequest`] exists only
//! after the shared phases, and tokens are made only from a [`Basis`], which only a request gives
//! out. So no grant can forget client authentication, what its tokens are bound to, or the policy on
//! scopes and audience.

use std::sync::Arc;

use serde_json::Value;

use crate::app::App;
use crate::protocol::authorize::{authorization_details, target};
use crate::protocol::client::{Client, GrantType};
use crate::protocol::discovery::path;
use crate::protocol::error::OAuthError;
use crate::protocol::params::Params;
use crate::protocol::scope::Scopes;
use crate::protocol::token::claims::Audience;
use crate::protocol::token::grant::details::Confirmation;
use crate::protocol::token::sender_constraint::{self, Held};
use crate::protocol::token::{self, Asked};
use crate::protocol::user::User;
use crate::service::audit::Caller;
use crate::service::clients::authentication::{self, ClientRequest};
use crate::service::clients::metadata_document;
use crate::service::failure::EndpointError;
use crate::service::token::dpop;
use crate::store::grants::Grant;

/// A token request of an authenticated client that is registered for its grant.
pub(crate) struct TokenRequest<'a> {
    client: Arc<Client>,
    sent: &'a ClientRequest,
    grant: GrantType,
    asked: Asked,
    held: Held,
    bound: Option<Confirmation>,
}

impl<'a> TokenRequest<'a> {
    /// The shared phases: client authentication, grant type, sender constraint, what is asked for. `grant_name` learns
    /// which grant it is, for the metrics, as soon as that is known.
    pub(super) async fn accept(
        app: &App,
        sent: &'a ClientRequest,
        grant_name: &mut &'static str,
    ) -> Result<Self, EndpointError> {
        let client = authentication::authenticate(app, sent).await?;
        let accepted = Self::accept_from(app, Arc::clone(&client), (sent, grant_name)).await;
        accepted.map_err(|error| error.of_client(&client.id))
    }

    /// The phases after the client is known.
    async fn accept_from(
        app: &App,
        client: Arc<Client>,
        (sent, grant_name): (&'a ClientRequest, &mut &'static str),
    ) -> Result<Self, EndpointError> {
        // A device asks before anybody has answered; what it may get stands on a stored consent.
        if sent.params.sole("grant_type") != Some(GrantType::DeviceCode.as_str()) {
            metadata_document::require_stored(app, &client).await?;
        }
        let grant = token::grant_type(&sent.params, &client)?;
        *grant_name = grant.as_str();
        let held = prove(app, &client, sent).await?;
        let bound = sender_constraint::binding(&client, &held)?;
        let asked = Asked::read(&sent.params, grant)?;
        Ok(Self { client, sent, grant, asked, held, bound })
    }

    pub(super) fn grant(&self) -> GrantType {
        self.grant
    }

    /// Whether it proves that whoever began is whoever ends (RFC 7636 section 4.5); `None` for a grant
    /// that knows no such proof.
    pub(super) fn sends_pkce(&self) -> Option<bool> {
        (self.grant == GrantType::AuthorizationCode).then(|| self.params().has("code_verifier"))
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The form body.
    pub(super) fn params(&self) -> &Params {
        &self.sent.params
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.sent.caller
    }

    /// The keys it proves to hold.
    pub(super) fn held(&self) -> &Held {
        &self.held
    }

    /// What refresh tokens made by it are bound to.
    pub(super) fn refresh_binding(&self) -> Option<Confirmation> {
        sender_constraint::of_refresh_tokens(&self.client, self.bound.as_ref())
    }

    /// What the tokens are made from.
    ///
    /// # Errors
    /// `invalid_scope`, `invalid_target` or `invalid_authorization_details` when the request asks for
    /// more than `limits` allow, or nothing is left of them.
    pub(super) fn basis<'b>(
        &'b self,
        person: Option<(&'b User, &'b Grant)>,
        limits: &Limits<'_>,
    ) -> Result<Basis<'b>, OAuthError> {
        let wanted: Vec<String> =
            self.asked.resources.iter().chain(limits.audience).cloned().collect();
        // What was agreed on is the most, and so is what the client is registered for now.
        let scopes = token::still_allowed(&self.client, limits.scopes)?;
        let types = &self.client.metadata.authorization_details_types;
        let details = authorization_details::still_allowed(limits.authorization_details, types);
        Ok(Basis {
            client: &self.client,
            person,
            scopes: self.asked.scopes_within(&scopes)?,
            audience: target::audience(&self.client, limits.resources, &wanted)?,
            authorization_details: authorization_details::narrowed(
                &details,
                self.params().get("authorization_details")?,
            )?,
            bound: self.bound.as_ref(),
        })
    }
}

/// The keys that whoever sends a token request holds.
async fn prove(app: &App, client: &Client, sent: &ClientRequest) -> Result<Held, EndpointError> {
    let proof = dpop::proof_for(app, client, (sent, path::TOKEN)).await?;
    let certificate = sent.certificate.as_ref();
    Ok(Held {
        jkt: proof.map(|proof| proof.jkt),
        x5t_s256: certificate.map(|certificate| certificate.thumbprint().to_owned()),
    })
}

/// The most that a grant allows.
pub(super) struct Limits<'a> {
    pub scopes: &'a Scopes,
    /// The resources that were agreed on; empty when none were named then.
    pub resources: &'a [String],
    /// Further targets this request names, beside `resource`.
    pub audience: &'a [String],
    /// The authorization details that were agreed on (RFC 9396).
    pub authorization_details: &'a [Value],
}

impl<'a> Limits<'a> {
    /// What was agreed on in a grant.
    pub(super) fn of(grant: &'a Grant) -> Self {
        Self {
            resources: &grant.details.resources,
            authorization_details: &grant.details.authorization_details,
            ..Self::scopes(&grant.scopes)
        }
    }

    /// Scopes alone.
    pub(super) fn scopes(scopes: &'a Scopes) -> Self {
        Self { scopes, resources: &[], audience: &[], authorization_details: &[] }
    }
}

/// What decides the tokens, apart from fresh values.
pub(crate) struct Basis<'a> {
    client: &'a Client,
    person: Option<(&'a User, &'a Grant)>,
    scopes: Scopes,
    audience: Audience,
    authorization_details: Vec<Value>,
    bound: Option<&'a Confirmation>,
}

impl<'a> Basis<'a> {
    /// What the tokens of a plain sign-in would be made from, for claims that are shown and go into no
    /// token: nobody has asked for one.
    pub(super) fn rehearsed(client: &'a Client, person: (&'a User, &'a Grant)) -> Self {
        Self {
            client,
            person: Some(person),
            scopes: person.1.scopes.clone(),
            audience: Audience::of_client(client),
            authorization_details: Vec::new(),
            bound: None,
        }
    }

    pub(super) fn client(&self) -> &'a Client {
        self.client
    }

    /// The person and their grant; `None` when the client acts for itself.
    pub(super) fn person(&self) -> Option<(&'a User, &'a Grant)> {
        self.person
    }

    pub(super) fn scopes(&self) -> &Scopes {
        &self.scopes
    }

    pub(super) fn audience(&self) -> &Audience {
        &self.audience
    }

    pub(super) fn authorization_details(&self) -> &[Value] {
        &self.authorization_details
    }

    /// The key its access tokens are bound to.
    pub(super) fn bound(&self) -> Option<&'a Confirmation> {
        self.bound
    }
}
