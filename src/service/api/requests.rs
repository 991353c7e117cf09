//! Requests with an `Idempotency-Key`: the same one again within a day is answered what the first one was
//! answered, and nothing is done twice. The row in SQL is the gate; it is there before anything is done.
//!
//! If the server dies between the change and the row's answer, the next such request is told for a minute
//! that the first one is under way, and is then carried out as a new one: what has a name of its own is
//! found to be taken then.

use crate::app::App;
use crate::clock::{Seconds, UnixTime};
use crate::crypto::encoding::fingerprint;
use crate::crypto::seal::Purpose;
use crate::service::audit::Actor;
use crate::service::failure::Failure;
use crate::store::api::requests;

/// How long an answer is kept.
const KEPT: Seconds = 86_400;

/// How long a request may be under way.
const UNDER_WAY: Seconds = 60;

/// A request that may be carried out.
#[derive(Debug)]
pub struct Begun {
    id: String,
    at: UnixTime,
}

/// What becomes of a request with a key.
#[derive(Debug)]
pub enum Beginning {
    /// It is the first one.
    First(Begun),
    /// It was there before, and this is what it was answered.
    Again(Vec<u8>),
    /// The first one is under way.
    UnderWay,
    /// The key was used for something else.
    Another,
}

/// Begins a request. `asked` is everything the request asks for.
///
/// # Errors
/// [`Failure`] when SQL does not answer, or an answer cannot be opened with this master key.
pub async fn begin(
    app: &App,
    (actor, key): (&Actor, &str),
    asked: &str,
) -> Result<Beginning, Failure> {
    let now = app.now();
    // Two keys of one person are two callers.
    let who = match actor {
        Actor::Key { key, .. } => format!("key:{key}"),
        other => other.to_string(),
    };
    let (id, digest) = (fingerprint(&format!("{who}\n{key}")), fingerprint(asked));
    let times = (now, now.plus(-UNDER_WAY), now.plus(KEPT));
    if requests::begin(&app.store.db, (&id, &digest), times).await? {
        return Ok(Beginning::First(Begun { id, at: now }));
    }
    let Some(earlier) = requests::find(&app.store.db, &id).await? else {
        // It has failed and was forgotten this very moment.
        return Ok(Beginning::UnderWay);
    };
    if earlier.digest != digest {
        return Ok(Beginning::Another);
    }
    let Some(sealed) = earlier.answer else { return Ok(Beginning::UnderWay) };
    let opened = app.sealer.open(Purpose::ApiAnswer, &sealed);
    let lost = || Failure::Internal("a kept answer cannot be opened".into());
    Ok(Beginning::Again(opened.ok_or_else(lost)?))
}

/// Keeps what a request was answered, sealed: there may be a secret in it.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub async fn finish(app: &App, begun: &Begun, answer: &[u8]) -> Result<(), Failure> {
    let sealed = app.sealer.seal(Purpose::ApiAnswer, answer);
    Ok(requests::answer(&app.store.db, (&begun.id, begun.at), &sealed).await?)
}

/// Forgets a request that has changed nothing.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub async fn give_up(app: &App, begun: &Begun) -> Result<(), Failure> {
    Ok(requests::forget(&app.store.db, (&begun.id, begun.at)).await?)
}
