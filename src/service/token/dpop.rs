//! DPoP (RFC 9449): verifying the proof of a request, once, and the nonces this provider hands out.
//!
//! Nonces (section 8) are stateless: the authentication code of a slot of time, which every node can
//! make and check.

use serde_json::{Map, Value};

use crate::app::App;
use crate::config::{DpopNonces, Issuer};
use crate::crypto::foreign::{EmbeddedKey, ForeignKey, HeaderRules, Untyped, Unverified};
use crate::crypto::jose::JoseError;
use crate::crypto::seal::Purpose;
use crate::crypto::secret::SecretHash;
use crate::protocol::client::Client;
use crate::protocol::error::{ErrorCode, OAuthError};
use crate::protocol::fapi;
use crate::protocol::params::Params;
use crate::protocol::token::dpop::{self, Expected};
use crate::protocol::types::SigningAlg;
use crate::service::clients::authentication::ClientRequest;
use crate::service::failure::EndpointError;
use crate::store::ephemeral::proofs;

/// What the header of a proof has to be (RFC 9449 section 4.2).
pub const RULES: HeaderRules<'static> = HeaderRules {
    types: &[dpop::PROOF_TYPE],
    untyped: Untyped::Refused,
    algs: &dpop::ALGS,
    embedded_key: EmbeddedKey::Demanded,
};

/// A key that the sender of a request has proven to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Its RFC 7638 thumbprint.
    pub jkt: String,
    pub alg: SigningAlg,
}

/// By which of its addresses a request reached us. A proof is good at the address it was made for and
/// at no other (section 4.3, rule 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entrance {
    /// Below the issuer.
    Issuer,
    /// Below `server.mtls_url`, by a listener of its own (RFC 8705 section 5).
    Certificates,
    /// Below either: one listener stands behind both names, and only the request's own `Host` could
    /// tell them apart, which an attacker in the middle could have written.
    Either,
}

/// What a proof comes with.
#[derive(Debug, Clone, Copy)]
pub struct Carrier<'a> {
    /// Every `DPoP` header as it was sent.
    pub headers: &'a [String],
    /// The HTTP method.
    pub method: &'a str,
    /// The endpoint's path below the issuer.
    pub path: &'a str,
    /// The way it came in.
    pub entrance: Entrance,
    /// The access token it is sent with, if any.
    pub token: Option<&'a str>,
}

/// The key proven by a request of this client to an endpoint at which clients authenticate; `None`
/// without a proof.
///
/// # Errors
/// `invalid_dpop_proof`, `use_dpop_nonce`, or a failure of ours.
pub(crate) async fn proof_for(
    app: &App,
    client: &Client,
    (request, path): (&ClientRequest, &str),
) -> Result<Option<Proof>, EndpointError> {
    let (headers, entrance) = (request.dpop.as_slice(), request.entrance);
    let carrier = Carrier { headers, method: "POST", path, entrance, token: None };
    let proof = verify(app, &carrier).await?;
    // Later uses of the key need no look at its algorithm: each kind of key has but one here.
    if proof.as_ref().is_some_and(|proof| !fapi::allows(client, proof.alg)) {
        return Err(dpop::defect("The DPoP proof has an algorithm this client may not use.").into());
    }
    Ok(proof)
}

/// The parameters of a pushed authorization request, with the key of its proof as `dpop_jkt`: so the
/// code is bound to the key from here on (section 10.1).
///
/// # Errors
/// As [`proof_for`]; `invalid_dpop_proof` too when `dpop_jkt` names another key than the proof.
pub async fn bind_pushed(
    app: &App,
    client: &Client,
    (request, path): (&ClientRequest, &str),
) -> Result<Params, EndpointError> {
    let params = request.params.clone();
    let Some(proof) = proof_for(app, client, (request, path)).await? else { return Ok(params) };
    match dpop::requested_key(&params)? {
        Some(wanted) if wanted != proof.jkt => {
            Err(dpop::defect("dpop_jkt is not the key of the DPoP proof.").into())
        }
        _ => Ok(params.with("dpop_jkt", &proof.jkt)),
    }
}

/// The key proven by a request; `None` when it brings no proof.
///
/// # Errors
/// `invalid_dpop_proof`, `use_dpop_nonce`, or a failure of ours.
pub(crate) async fn verify(
    app: &App,
    carrier: &Carrier<'_>,
) -> Result<Option<Proof>, EndpointError> {
    let header = match carrier.headers {
        [] => return Ok(None),
        [one] => one,
        // Section 4.3, rule 1.
        _ => return Err(dpop::defect("There is more than one DPoP header.").into()),
    };
    let (claims, key, alg) = open(header).map_err(|error| {
        dpop::defect("The DPoP proof is not one: check its form, typ, alg, jwk and signature.")
            .because(error.to_string())
    })?;
    let hash = carrier.token.map(SecretHash::of);
    let statement = dpop::check(
        &claims,
        &Expected {
            method: carrier.method,
            urls: &addresses(app, carrier),
            token_hash: hash.as_ref().map(SecretHash::as_str),
            now: app.now(),
        },
    )?;
    check_nonce(app, statement.nonce.as_deref())?;
    // The last step: a proof that is refused for another reason is not used up.
    let jkt = key.thumbprint().to_owned();
    let used = SecretHash::of(&format!("{jkt}.{}", statement.jti));
    if !proofs::first_use(&app.ephemeral, used.as_str(), dpop::MEMORY).await? {
        return Err(
            dpop::defect("The DPoP proof was used before; make one for every request.").into()
        );
    }
    Ok(Some(Proof { jkt, alg }))
}

/// Where the endpoint is that a request came to.
fn addresses(app: &App, carrier: &Carrier<'_>) -> Vec<String> {
    let issuer = Some(app.issuer());
    let alias = app.config.server.mtls_url.as_ref().map(Issuer::as_str);
    let bases = match carrier.entrance {
        Entrance::Issuer => [issuer, None],
        Entrance::Certificates => [None, alias.or(issuer)],
        Entrance::Either => [issuer, alias],
    };
    bases.into_iter().flatten().map(|base| format!("{base}{}", carrier.path)).collect()
}

fn open(header: &str) -> Result<(Map<String, Value>, ForeignKey, SigningAlg), JoseError> {
    let unverified = Unverified::read(header, &RULES)?;
    let alg = unverified.alg();
    let (claims, key) = unverified.verify_embedded()?;
    Ok((claims, key, alg))
}

fn check_nonce(app: &App, nonce: Option<&str>) -> Result<(), OAuthError> {
    let good = match nonce {
        None => app.config.tokens.dpop_nonce == DpopNonces::Optional,
        Some(nonce) => dpop::nonce_slots(app.now()).iter().any(|slot| {
            app.sealer.mac_matches(Purpose::DpopNonce, slot.to_string().as_bytes(), nonce)
        }),
    };
    if good {
        return Ok(());
    }
    Err(OAuthError::new(
        ErrorCode::UseDpopNonce,
        "Make the DPoP proof with the nonce in the DPoP-Nonce header of this answer.",
    ))
}

/// The nonce for the `DPoP-Nonce` header of the answer to a request with these `DPoP` headers;
/// `None` when the client needs no other than it has (section 8.2).
#[must_use]
pub fn nonce_to_offer(app: &App, headers: &[String]) -> Option<String> {
    let [header] = headers else { return None };
    let carried = Unverified::read(header, &RULES)
        .ok()
        .and_then(|proof| proof.claims.get("nonce").and_then(Value::as_str).map(str::to_owned));
    if carried.is_none() && app.config.tokens.dpop_nonce == DpopNonces::Optional {
        return None;
    }
    let [slot, ..] = dpop::nonce_slots(app.now());
    let current = app.sealer.mac(Purpose::DpopNonce, slot.to_string().as_bytes());
    (carried.as_ref() != Some(&current)).then_some(current)
}
