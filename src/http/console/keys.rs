//! `/admin/keys`: the keys that sign, and those others encrypt with.

use actix_web::HttpResponse;
use actix_web::http::header;

use super::desk::{Answer, Desk, NOT_YOURS, Stop};
use crate::clock::UnixTime;
use crate::crypto::keyring::KeyState;
use crate::http::pages::When;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::keys::{KeyPurpose, KeyRow, KeyStage, KeysList};
use crate::service::failure::Failure;
use crate::service::keys::{self, KeyChangeError, encryption};
use crate::store::keys::KeyRow as Stored;
use crate::store::keys::encryption::EncryptionKeyRow;

const IN_USE: &str = "This key is in use. Rotate first, then retire it.";

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let settings = &desk.site().config.keys;
    let signing = settings.algorithms.iter().map(|alg| alg.as_str().to_owned());
    let encryption = settings.encryption_algorithms.iter().map(|alg| alg.as_str().to_owned());
    let algs = signing.chain(encryption).collect();
    let mut rows = keys_of_signing(desk).await?;
    rows.extend(keys_of_encryption(desk).await?);
    desk.show(&KeysList { chrome: desk.chrome(), console: desk.console(Section::Keys), rows, algs })
}

async fn keys_of_signing(desk: &Desk<'_>) -> Result<Vec<KeyRow>, Failure> {
    let now = desk.site().now();
    let mut stored: Vec<_> = keys::list(desk.site())
        .await?
        .into_iter()
        .filter_map(|key| Some((stage(&key.state)?, key)))
        .collect();
    stored.sort_by_key(|(stage, key)| (key.alg, order(*stage), key.created_at));
    let row = |(state, key): (KeyStage, Stored)| KeyRow {
        kid: key.kid,
        alg: key.alg.as_str().to_owned(),
        purpose: KeyPurpose::Signing,
        state,
        created: When::ago(key.created_at, now),
        then: then(state, key.remove_after, replaced(desk, state, key.activates_at)),
    };
    Ok(stored.into_iter().map(row).collect())
}

/// When a key that is in use since then is replaced by itself.
fn replaced(desk: &Desk<'_>, state: KeyStage, since: UnixTime) -> Option<UnixTime> {
    (state == KeyStage::Active).then(|| since.plus(desk.site().config.keys.rotate_every))
}

/// What comes next for a key, and when.
fn then(
    state: KeyStage,
    removed: Option<UnixTime>,
    replaced: Option<UnixTime>,
) -> Option<(&'static str, When)> {
    match state {
        KeyStage::Active => replaced.map(|at| ("Replaced", When::at(at))),
        KeyStage::Next | KeyStage::Retiring | KeyStage::Retired => {
            removed.map(|at| ("Removed", When::at(at)))
        }
    }
}

async fn keys_of_encryption(desk: &Desk<'_>) -> Result<Vec<KeyRow>, Failure> {
    let now = desk.site().now();
    let mut stored: Vec<_> = encryption::list(desk.site())
        .await?
        .into_iter()
        .filter_map(|key| Some((stage(&key.state)?, key)))
        .collect();
    stored.sort_by_key(|(stage, key)| (key.alg.as_str(), order(*stage), key.created_at));
    let row = |(state, key): (KeyStage, EncryptionKeyRow)| KeyRow {
        kid: key.kid,
        alg: key.alg.as_str().to_owned(),
        purpose: KeyPurpose::Encryption,
        state,
        created: When::ago(key.created_at, now),
        then: then(state, key.remove_after, replaced(desk, state, key.created_at)),
    };
    Ok(stored.into_iter().map(row).collect())
}

fn stage(state: &str) -> Option<KeyStage> {
    Some(match KeyState::from_name(state)? {
        KeyState::Next => KeyStage::Next,
        KeyState::Active => KeyStage::Active,
        KeyState::Retiring => KeyStage::Retiring,
        KeyState::Retired => KeyStage::Retired,
    })
}

fn order(stage: KeyStage) -> u8 {
    match stage {
        KeyStage::Active => 0,
        KeyStage::Next => 1,
        KeyStage::Retiring => 2,
        KeyStage::Retired => 3,
    }
}

pub(super) async fn rotate(desk: &Desk<'_>) -> Answer {
    let settings = &desk.site().config.keys;
    let named = desk.text("alg");
    let actor = desk.actor();
    if let Some(alg) = settings.algorithms.iter().find(|alg| alg.as_str() == named) {
        keys::rotate(desk.site(), *alg, &actor).await.map_err(stop)?;
        return desk.done(format!("From now on a new key signs with {named}."), &path(desk));
    }
    let encryption = settings.encryption_algorithms.iter();
    let alg = encryption.copied().find(|alg| alg.as_str() == named).ok_or(Stop::NotFound)?;
    encryption::rotate(desk.site(), alg, &actor).await.map_err(stop)?;
    desk.done(format!("From now on apps encrypt with a new key for {named}."), &path(desk))
}

/// The public half of a key as a file, for those who check its signatures or encrypt with it without asking
/// for the published set.
pub(super) async fn public(desk: &Desk<'_>) -> Answer {
    let kid = desk.asked("kid");
    let signing = keys::list(desk.site()).await?;
    let signing = signing.into_iter().map(|key| (key.kid, key.public_jwk));
    let encryption = encryption::list(desk.site()).await?;
    let encryption = encryption.into_iter().map(|key| (key.kid, key.public_jwk));
    let Some((_, jwk)) = signing.chain(encryption).find(|(own, _)| *own == kid) else {
        return desk.refused("There is no such key any more.", &path(desk));
    };
    // A kid is a thumbprint in base64url: safe in a file name.
    let name = format!("attachment; filename=\"{kid}.jwk.json\"");
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/jwk+json"))
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(jwk.to_string()))
}

pub(super) async fn ask_retire(desk: &Desk<'_>) -> Answer {
    let kid = desk.asked("kid");
    let rows = keys_of_signing(desk).await?.into_iter().chain(keys_of_encryption(desk).await?);
    let key = rows.into_iter().find(|key| key.kid == kid).ok_or(Stop::NotFound)?;
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Keys),
        heading: format!("Retire this {} key?", key.alg),
        effects: effects(&key),
        action: desk.site().path("/admin/keys/retire"),
        hidden: vec![("kid".to_owned(), kid)],
        choices: Vec::new(),
        button: "Retire the key".to_owned(),
        cancel: path(desk),
    })
}

/// What retiring a key does.
fn effects(key: &KeyRow) -> Vec<String> {
    const LEAKED: &str =
        "Do this for a key that may have leaked. Others go by themselves when nobody needs them.";
    match (key.state, key.purpose) {
        (KeyStage::Active, _) => vec![IN_USE.to_owned()],
        (KeyStage::Next, _) => vec![format!(
            "It has not signed anything yet. A new next key for {} takes its place.",
            key.alg
        )],
        (KeyStage::Retiring, KeyPurpose::Signing) => vec![
            "Everything it has signed stops working at once: people sign in to their apps again."
                .to_owned(),
            LEAKED.to_owned(),
        ],
        (KeyStage::Retired, _) => vec![
            "Apps can no longer sign people out, or ask for the same person again, with ID tokens it has \
             signed."
                .to_owned(),
            LEAKED.to_owned(),
        ],
        (KeyStage::Retiring, KeyPurpose::Encryption) => vec![
            "What apps have encrypted with it can be read no more, also what is under way."
                .to_owned(),
            LEAKED.to_owned(),
        ],
    }
}

pub(super) async fn retire(desk: &Desk<'_>) -> Answer {
    let (kid, actor) = (desk.text("kid"), desk.actor());
    let retired = match keys::retire(desk.site(), &kid, &actor).await {
        Err(KeyChangeError::NotFound) => encryption::retire(desk.site(), &kid, &actor).await,
        other => other,
    };
    match retired {
        Ok(()) => desk.done("The key is retired.", &path(desk)),
        Err(KeyChangeError::InUse) => desk.refused(IN_USE, &path(desk)),
        Err(error) => Err(stop(error)),
    }
}

/// An error that no form can mend.
fn stop(error: KeyChangeError) -> Stop {
    match error {
        KeyChangeError::NotFound | KeyChangeError::InUse => Stop::NotFound,
        KeyChangeError::NotYours => Stop::Forbidden(NOT_YOURS),
        KeyChangeError::Failure(failure) => Stop::Failure(failure),
    }
}

fn path(desk: &Desk<'_>) -> String {
    desk.site().path("/admin/keys")
}
