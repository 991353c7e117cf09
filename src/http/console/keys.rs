//! `/admin/keys`: the signing keys.

use super::desk::{Answer, Desk, Stop};
use crate::crypto::keyring::KeyState;
use crate::http::pages::When;
use crate::http::pages::admin::Section;
use crate::http::pages::admin::confirm::Confirm;
use crate::http::pages::admin::keys::{KeyRow, KeyStage, KeysList};
use crate::protocol::types::SigningAlg;
use crate::service::keys::{self, KeyChangeError};
use crate::store::keys::KeyRow as Stored;

const IN_USE: &str = "This key is in use. Rotate first, then retire it.";

pub(super) async fn list(desk: &Desk<'_>) -> Answer {
    let now = desk.site().now();
    let mut rows: Vec<_> = keys::list(desk.site())
        .await?
        .into_iter()
        .filter_map(|key| Some((stage(&key)?, key)))
        .collect();
    rows.sort_by_key(|(stage, key)| (key.alg, order(*stage), key.created_at));
    let row = |(state, key): (KeyStage, Stored)| KeyRow {
        kid: key.kid,
        alg: key.alg.as_str().to_owned(),
        state,
        created: When::ago(key.created_at, now),
        removed_after: key.remove_after.map(When::at),
    };
    let algs = desk.site().config.keys.algorithms.iter();
    desk.show(&KeysList {
        chrome: desk.chrome(),
        console: desk.console(Section::Keys),
        rows: rows.into_iter().map(row).collect(),
        algs: algs.map(|alg| alg.as_str().to_owned()).collect(),
    })
}

fn stage(key: &Stored) -> Option<KeyStage> {
    Some(match KeyState::from_name(&key.state)? {
        KeyState::Next => KeyStage::Next,
        KeyState::Active => KeyStage::Active,
        KeyState::Retiring => KeyStage::Retiring,
    })
}

fn order(stage: KeyStage) -> u8 {
    match stage {
        KeyStage::Active => 0,
        KeyStage::Next => 1,
        KeyStage::Retiring => 2,
    }
}

pub(super) async fn rotate(desk: &Desk<'_>) -> Answer {
    let alg = SigningAlg::from_name(&desk.text("alg"));
    let alg = alg.filter(|alg| desk.site().config.keys.algorithms.contains(alg));
    let alg = alg.ok_or(Stop::NotFound)?;
    keys::rotate(desk.site(), alg, &desk.actor()).await?;
    desk.done(format!("From now on a new key signs with {}.", alg.as_str()), &path(desk))
}

pub(super) async fn ask_retire(desk: &Desk<'_>) -> Answer {
    let kid = desk.asked("kid");
    let stored = keys::list(desk.site()).await?;
    let key = stored.iter().find(|key| key.kid == kid).ok_or(Stop::NotFound)?;
    let effects = match stage(key).ok_or(Stop::NotFound)? {
        KeyStage::Active => vec![IN_USE.to_owned()],
        KeyStage::Next => vec![format!(
            "It has not signed anything yet. A new next key for {} takes its place.",
            key.alg.as_str()
        )],
        KeyStage::Retiring => vec![
            "Everything it has signed stops working at once: people sign in to their apps again."
                .to_owned(),
            "Do this for a key that may have leaked. Others go by themselves when nothing they \
             signed is alive any more."
                .to_owned(),
        ],
    };
    desk.show(&Confirm {
        chrome: desk.chrome(),
        console: desk.console(Section::Keys),
        heading: format!("Retire this {} key?", key.alg.as_str()),
        effects,
        action: desk.site().path("/admin/keys/retire"),
        hidden: vec![("kid".to_owned(), kid)],
        button: "Retire the key".to_owned(),
        cancel: path(desk),
    })
}

pub(super) async fn retire(desk: &Desk<'_>) -> Answer {
    match keys::retire(desk.site(), &desk.text("kid"), &desk.actor()).await {
        Ok(()) => desk.done("The key is retired.", &path(desk)),
        Err(KeyChangeError::InUse) => desk.refused(IN_USE, &path(desk)),
        Err(KeyChangeError::NotFound) => Err(Stop::NotFound),
        Err(KeyChangeError::Failure(failure)) => Err(Stop::Failure(failure)),
    }
}

fn path(desk: &Desk<'_>) -> String {
    desk.site().path("/admin/keys")
}
