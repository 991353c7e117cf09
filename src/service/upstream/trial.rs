//! Asking a provider for its metadata and keys, to tell administrators whether all of it fits. It changes
//! nothing, sends no secret, and takes no longer and no more than the guarded client allows for two
//! documents.

use serde_json::Value;

use super::{UpstreamError, UpstreamProvider, about, begin};
use crate::app::App;
use crate::crypto::foreign::ForeignKeys;
use crate::outbound::{Accept, Fault, Lane};
use crate::protocol::check::{Check, Verdict};
use crate::protocol::upstream::discovery_url;
use crate::protocol::upstream::examination::{examine, shown};
use crate::service::audit::Actor;
use crate::store::{audit, upstream_providers as store};

/// What a provider that cannot be asked may be about.
const REACH: &str = "Check the address. One that is not on the public internet is asked only if it is listed \
                     in outbound.allow_private, and one whose certificate comes from an authority of your own \
                     only with outbound.extra_ca_file.";

/// Asks a provider, switched on or not, and tells what was found.
///
/// # Errors
/// [`UpstreamError`]; a provider that does not answer, or not well, is none.
pub async fn test(
    app: &App,
    which: &str,
    actor: &Actor,
) -> Result<(UpstreamProvider, Vec<Check>), UpstreamError> {
    let mut tx = begin(app, actor).await?;
    let provider = store::find(&mut tx, which).await?.ok_or(UpstreamError::NotFound)?;
    let event = about("upstream_provider.tested", actor, (app, &provider));
    audit::append(&mut tx, &event.into_row()).await?;
    tx.commit().await?;
    let checks = Box::pin(ask(app, &provider)).await;
    Ok((provider, checks))
}

/// The worst of them.
#[must_use]
pub fn verdict(checks: &[Check]) -> Verdict {
    let has = |verdict| checks.iter().any(|check| check.verdict == verdict);
    if has(Verdict::Failed) {
        Verdict::Failed
    } else if has(Verdict::Warning) {
        Verdict::Warning
    } else {
        Verdict::Ok
    }
}

async fn ask(app: &App, provider: &UpstreamProvider) -> Vec<Check> {
    let about = "metadata";
    let url = discovery_url(&provider.issuer);
    let metadata = match fetch(app, (&url, Accept::Document)).await {
        Ok(body) => serde_json::from_slice::<Value>(&body).ok().filter(Value::is_object),
        Err(problem) => return vec![Check::failed(about, format!("{url} {problem}"))],
    };
    let Some(metadata) = metadata else {
        let said =
            format!("{url} answered with something that is no JSON object. Is the issuer right?");
        return vec![Check::failed(about, said)];
    };
    let mut checks = vec![Check::ok(about, format!("It was read from {url}."))];
    let vet = |url: &str| app.outbound.vet(url).err().map(|problem| problem.to_string());
    checks.extend(examine(provider, &metadata, &vet));
    checks.push(keys(app, &metadata).await);
    checks
}

async fn keys(app: &App, metadata: &Value) -> Check {
    let about = "keys";
    let Some(url) = metadata.get("jwks_uri").and_then(Value::as_str) else {
        return Check::failed(about, "Its metadata names no jwks_uri. Ask whoever runs it.");
    };
    let body = match fetch(app, (url, Accept::JwkSet)).await {
        Ok(body) => body,
        Err(problem) => return Check::failed(about, format!("{} {problem}", shown(url))),
    };
    match ForeignKeys::from_json(&body) {
        Ok(keys) if keys.is_empty() => Check::failed(
            about,
            "It publishes no key for signatures that is known here. Ask whoever runs it.",
        ),
        Ok(keys) => {
            Check::ok(about, format!("It publishes {} for signatures.", counted(keys.len())))
        }
        Err(error) => {
            Check::failed(about, format!("What is at {} {error}. Ask whoever runs it.", shown(url)))
        }
    }
}

fn counted(keys: usize) -> String {
    if keys == 1 { "one key".to_owned() } else { format!("{keys} keys") }
}

/// The body of a good answer, or what became of the request: it completes "the address …".
async fn fetch(app: &App, (url, kind): (&str, Accept)) -> Result<Vec<u8>, String> {
    let fetched = app.outbound.get_in(Lane::Owed, url, kind).await;
    let fetched = fetched.map_err(|error| format!("{error}. {}", what_to_do(error.fault)))?;
    match fetched.status {
        200 => Ok(fetched.body),
        status @ 300..=399 => Err(format!(
            "answered with status {status}: it leads elsewhere, which is not followed. Write the issuer exactly \
             as the provider says it."
        )),
        status => Err(format!(
            "answered with status {status}. Is the issuer right, and does the provider run?"
        )),
    }
}

/// What to do about a request that brought nothing.
fn what_to_do(fault: Fault) -> &'static str {
    match fault {
        Fault::Refused(_) | Fault::Unreachable | Fault::TimedOut => REACH,
        Fault::Busy => "Try again in a moment.",
        Fault::TooLarge | Fault::Compressed | Fault::BrokenOff => "Ask whoever runs it.",
    }
}
