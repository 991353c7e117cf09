//! Letters to people, through the outbox: written in the transaction of what they tell of, sent later.
//!
//! Only to an address that is known to be the person's: one that nobody has proved may belong to a
//! stranger, who would learn of sign-ins and could use the links.
//!
//! | module | job |
//! |---|---|
//! | `trial` | the test letter of an administrator, sent at once, with what came of it in words |
//! | here | letters to people |

mod trial;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::app::App;
use crate::crypto::heirloom::Resealed;
use crate::crypto::seal::Purpose;
use crate::mail::{Envelope, Letter, MailFault};
use crate::protocol::types::UserId;
use crate::protocol::user::User;
use crate::service::audit::Event;
use crate::service::failure::Failure;
use crate::service::outbox::{self, Attempt};
use crate::store::outbox::Delivery;
use crate::store::{Tx, users};

pub use trial::{MailTestError, TestResult, Tested, send_test};

/// The kind of these deliveries in the outbox.
pub(crate) const KIND: &str = "mail";

/// What a delivery remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Payload {
    user_id: UserId,
    /// The address and the letter, sealed: links in letters are as good as passwords.
    sealed: String,
}

#[derive(Serialize, Deserialize)]
struct Addressed {
    to: String,
    letter: Letter,
}

/// The address at which this person can be written to, if there is one and mail is set up.
#[must_use]
pub(crate) fn address<'a>(app: &App, user: &'a User) -> Option<&'a str> {
    app.mail.as_ref()?;
    user.email.as_deref().filter(|_| user.email_verified)
}

/// Puts a letter to this person into the outbox, inside the caller's transaction; ring
/// [`App::outbox_bell`] after the commit. Does nothing when they cannot be written to.
///
/// # Errors
/// [`Failure`] when SQL does not take it.
pub(crate) async fn enqueue(
    app: &App,
    tx: &mut Tx,
    user: &User,
    letter: Letter,
) -> Result<(), Failure> {
    let Some(to) = address(app, user) else { return Ok(()) };
    let addressed = serde_json::to_vec(&Addressed { to: to.to_owned(), letter })?;
    let sealed = app.sealer.seal(Purpose::Letter, &addressed);
    let payload = Payload { user_id: user.id.clone(), sealed };
    outbox::add(app, tx, (KIND, None), serde_json::to_value(payload)?).await
}

/// Hands the letter to the mail server.
///
/// # Errors
/// [`Failure`] when SQL does not answer.
pub(crate) async fn send(app: &App, delivery: &Delivery) -> Result<Attempt, Failure> {
    let payload: Payload = serde_json::from_value(delivery.payload.clone())?;
    if users::by_id(&app.store.db, &payload.user_id).await?.is_none() {
        return Ok(Attempt::Obsolete);
    }
    let Some(mailer) = &app.mail else {
        return Ok(Attempt::Failed("this node knows no mail server".to_owned()));
    };
    let opened = app.sealer.open(Purpose::Letter, &payload.sealed);
    let opened = opened.and_then(|plain| serde_json::from_slice::<Addressed>(&plain).ok());
    let Some(addressed) = opened else {
        return Ok(Attempt::Failed("the letter cannot be read with this master key".to_owned()));
    };
    let settings = app.settings();
    let envelope = Envelope {
        to: &addressed.to,
        id: &delivery.id,
        at: delivery.created_at,
        product_name: &settings.product_name,
        letter: &addressed.letter,
    };
    let (result, attempt) = match mailer.send(&envelope).await {
        Ok(()) => ("sent", Attempt::Arrived),
        Err(MailFault::Refused(reason)) => ("refused", Attempt::Refused(reason)),
        Err(MailFault::Failed(reason)) => ("failed", Attempt::Failed(reason)),
    };
    app.metrics.email_delivery(result);
    Ok(attempt)
}

/// Seals the letter of a delivery under the present master key: what became of it, and what the delivery
/// needs from now on. `None` for what is no letter.
pub(crate) fn reseal(app: &App, payload: Value) -> Option<(Resealed, Value)> {
    let mut payload: Payload = serde_json::from_value(payload).ok()?;
    let became = app.sealer.reseal(Purpose::Letter, &payload.sealed);
    if let Resealed::Anew(sealed) = &became {
        payload.sealed.clone_from(sealed);
    }
    Some((became, serde_json::to_value(payload).ok()?))
}

/// Adds whom a letter is to to an event about it.
pub(crate) fn describe(event: Event, payload: &Value) -> Event {
    match serde_json::from_value::<Payload>(payload.clone()) {
        Ok(payload) => event.user(&payload.user_id),
        Err(_) => event,
    }
}
